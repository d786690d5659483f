#!/usr/bin/env python3
"""verify.py 2: verify a Breakglass logbook without the program Breakglass.

It needs this one file and Python 3.8 or newer, nothing else. It uses no network and writes no file.
It was written from the texts only: the logbook format (logbook/format.md), for check codes and
strips the on-paper format (codes/format.md; "§ 5" below is its section 5), and session/format.md.

  1. Take logbook.jsonl and the paper logbook.
  2. python3 verify.py logbook.jsonl --head "R 7QK4-M2XD-9FTB-C3HW-S"
     with the last check code in ink. Without it nobody can tell whether the last record was
     changed or later ones are missing: the file alone does not show it.
  3. Where the ink has more, --codes lists the check code of every record (a second for ten).
     --strip "BG1R..." compares strips, as a scanner reads them; give all parts of a record.

Recordings of sessions that lie beside the book, in `sessions`, are held against their records, too;
that needs no key.

It ends with 0 when the book is whole (and its head is the one in ink), 1 when it is broken or its
head or a strip does not fit, 2 when it could not be tried or a code was misread, 130 after Ctrl-C.
It does not check presence tags: that needs the sheets.
"""
import argparse, datetime, hashlib, json, os, re, sys, zlib

LIMIT = 262144                                          # bytes of a line, its line feed not counted
MOST_FAULTS = 20                                        # listed; a book of garbage has no end of them
SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
READ_AS = str.maketrans("abcdefghijklmnopqrstuvwxyzILO", "ABCDEFGH1JK1MN0PQRSTUVWXYZ110", "- \t\r\n")

class Bad(Exception):
    """One thing that was read is refused; the text says why."""

class Stop(Exception):
    """The program ends with 2: error, hint."""

def show(text, most=100):
    """Nothing that a hostile file holds may steer the terminal: escapes instead of such signs."""
    signs = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:most])
    return signs + ("..." if len(text) > most else "")

def say(*lines, to=None):
    for line in lines:
        print(show(line, 2000), file=to or sys.stdout, flush=True)

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

# ---- § 2 Symbols, § 5 check codes ---------------------------------------------------------------

def clean(text):
    """Capitals; O is 0, I and L are 1; without spaces and hyphens."""
    return text.translate(READ_AS)

def times(a, b):
    """In GF(32), x^5 + x^2 + 1."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = a << 1 ^ (0b100101 if a & 16 else 0)
        b >>= 1
    return product

def check_symbol(kind, symbols):
    check, power = SYMBOLS.index(kind), 1
    for symbol in symbols:
        power = times(power, 2)
        check ^= times(power, SYMBOLS.index(symbol))
    return SYMBOLS[check]

def check_code(digest):
    """The 17 symbols of the check code of a record, from the SHA-256 of its line."""
    if not hasattr(hashlib, "scrypt"):
        raise Stop("this Python has no scrypt, so it cannot compute check codes",
                   "take another Python, or leave --head and --codes out")
    try:
        code = hashlib.scrypt(digest, salt=b"breakglass/1 code R", n=2**15, r=8, p=1,
                              maxmem=2**26, dklen=10)   # it takes 32 MiB and a little
    except (ValueError, MemoryError):
        raise Stop("a check code needs 33 MiB of memory, this computer has less", "close programs")
    number = int.from_bytes(code, "big")
    symbols = "".join(SYMBOLS[number >> shift & 31] for shift in range(75, -1, -5))
    return symbols + check_symbol("R", symbols)

def written(symbols):
    return "R " + "-".join(symbols[at:at + 4] for at in range(0, 17, 4))

def read_code(text):
    """(17 symbols, whether their check symbol fits). The letter R before them may be missing."""
    symbols = clean(text)
    if len(symbols) == 18:
        if symbols[0] != "R":
            raise Bad("a check code begins with R; one that begins with S is of a set")
        symbols = symbols[1:]
    if len(symbols) != 17:
        raise Bad("a check code is R, four groups of four symbols and one more; this differs")
    if not all(s in SYMBOLS for s in symbols):
        raise Bad("it has a sign that no code has")
    return symbols, check_symbol("R", symbols[:16]) == symbols[16]

# ---- Lines: bytes to JSON -----------------------------------------------------------------------

def members(pairs):
    names = dict(pairs)
    if len(names) < len(pairs):
        every = [name for name, _ in pairs]
        raise Bad(f"the member `{show(next(n for n in names if every.count(n) > 1))}` is given twice")
    return names

def refuse_number(text):
    raise Bad(f"the number {show(text, 30)} has a fraction or an exponent, or is none")

def whole_number(text):
    return int(text[:40])                               # more digits fit nothing, and take long

FORBIDDEN = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

def check_values(record):
    """No null, no text with forbidden signs, however deep."""
    waiting = [record]                                  # a list, not recursion: depth is hostile too
    while waiting:
        value = waiting.pop()
        if value is None:
            raise Bad("it has a null")
        if isinstance(value, str):
            found = FORBIDDEN.search(value)
            if found:
                raise Bad(f"a text has a control or direction sign, U+{ord(found[0]):04X}")
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            if "presence" in value and value is not record:
                raise Bad("`presence` is inside another member")
            waiting.extend(value)
            waiting.extend(value.values())

def parse(raw):
    if len(raw) > LIMIT:
        raise Bad(f"it is longer than {LIMIT} bytes")
    if b"\r" in raw:
        raise Bad("it has a carriage return")
    if raw.startswith(b"\xef\xbb\xbf"):
        raise Bad("it begins with a byte order mark")
    try:
        record = json.loads(raw.decode("utf-8"), object_pairs_hook=members, parse_int=whole_number,
                            parse_float=refuse_number, parse_constant=refuse_number)
    except UnicodeDecodeError as e:
        raise Bad(f"byte {e.start + 1} is not UTF-8")
    except json.JSONDecodeError as e:
        raise Bad(f"it is not JSON: {e.msg}, at sign {e.pos + 1}")
    except RecursionError:
        raise Bad("it is nested too deeply")
    if not isinstance(record, dict):
        raise Bad("it is not a JSON object")
    check_values(record)
    return record

# ---- Events and members -------------------------------------------------------------------------

ALL = "event at clock tz program"                       # what every record says
NEEDS = {row.split()[0]: ("method " + " ".join(row.replace("+", "generation set").split()[1:])).split()
         for row in """
BEGIN; METHOD method_hash approver; ISSUE + sheets sheet_hashes; ABORT + note;
CONFIRM + sheets bags custodians; STORE + sheets bags custodians; RECEIVE + sheets bags custodians;
INSPECT + sheets seals; RELEASE + sheets operator reason revoke_due; SESSION evidence;
END + record; DISABLE + credential; REVOKE + credential; ROTATE +;
REISSUE + sheets sheet_hashes reason_text; TRANSFER + sheets bags custodians; DRILL + kind result;
OPENING + sheets kind; DESTROY + sheets kind witness; LOST + sheets note; TAMPER + sheets kind;
COMPROMISE + note; NOTIFY to; EVIDENCE evidence; EXCEPTION kind reason_text; VOID note;
CORRECT record; REVIEW record reviewer; IMPORT line; CLOSE note""".split(";")}

def is_text(value):
    return type(value) is str

def is_number(value):
    return type(value) is int and value >= 0            # not isinstance: true is an int in Python

def is_sheet(value):
    return is_text(value) and bool(re.fullmatch("([1-9]|[12][0-9]|3[0-2])[a-z]", value))

def is_time(value):
    if not is_text(value) or not re.fullmatch("[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}Z", value):
        return False
    try:                                                # RFC 3339 has leap seconds, Python has not
        datetime.datetime.strptime(re.sub("59:60Z$", "59:59Z", value), "%Y-%m-%dT%H:%M:%SZ")
        return True
    except ValueError:
        return False

def has(names, form):
    return lambda value: type(value) is dict and all(form(value.get(n)) for n in names.split())

def by_sheet(form):
    return lambda value: type(value) is dict and all(is_sheet(n) and form(v) for n, v in value.items())

def list_of(form):
    return lambda value: type(value) is list and all(map(form, value))

def matches(pattern):
    return lambda value: is_text(value) and bool(re.fullmatch(pattern, value))

is_person = has("name id", is_text)
FORMS = {name: (form, words) for names, form, words in (
    ("method set template media method_hash kind reason reason_text ticket how to place credential"
     " result note line", is_text, "a text"),
    ("generation k record seconds first_sheet quorum finding exit bytes events masked redacted too_short"
     " traces", is_number, "a whole number"),
    ("operator witness approver reviewer accountable lead", is_person, "a person, name and id"),
    ("at revoke_due called started", is_time, "a time in UTC like 2026-11-24T04:02:11Z"),
    ("sheets", list_of(is_sheet), "a list of sheets like 3b"),
    ("sheet_hashes templates bags seals seal_numbers", by_sheet(is_text), "a text by sheet"),
    ("custodians", by_sheet(is_person), "a person by sheet"),
    ("network", lambda value: type(value) is bool, "true or false"),
    ("evidence", list_of(has("file sha256", is_text)), "a list of files and their SHA-256"),
    ("paper", has("book page line", lambda value: is_text(value) or is_number(value)),
     "a place, book, page and line"),
    ("checks", lambda value: type(value) is dict and value and all(v in ("yes", "no") for v in value.values()),
     "answers by word"),
    ("findings", list_of(lambda value: has("what owner due", is_text)(value) and is_time(value["due"] + "T00:00:00Z")),
     "a list of findings: what, owner, due"),
    ("event", is_text, "a word"),
    ("clock", matches("system|operator"), "system or operator"),
    ("tz", matches("[+-]([01][0-9]|2[0-3]):[0-5][0-9]"), "an offset like +01:00"),
    ("prev", matches("[0-9a-f]{64}"), "a SHA-256 in lower-case hex"),
    ("dropped", matches("([0-9A-Fa-f]{2}){1,1024}"), "1 to 1024 bytes in hex"),
    ("program", has("version sha256", is_text), "version and sha256 of a program"),
    ("presence", by_sheet(matches("[0-9a-f]{32}")), "tags by sheet, 16 bytes in lower-case hex"),
) for name in names.split()}
# The order in a line; members of the tables, and unknown ones, are 1.
PLACES = {"event": 0, "at": 0, "clock": 0, "tz": 0, "program": 2, "note": 3, "presence": 4}

class Record:
    """A line of the book, or, inside an IMPORT, one made elsewhere; its every rule but the chain."""

    def __init__(self, raw, inside=False):
        self.raw, self.inner, self.names = raw, None, parse(raw)
        loose = inside and "prev_code" in self.names
        first = ["v", "prev_code", "event"] if loose else ["v", "seq", "prev"]
        order, event = list(self.names), self.names.get("event")
        if order[:3] != first or type(self.names["v"]) is not int or self.names["v"] != 1:
            raise Bad(f"it does not begin with v 1, {first[1]}, {first[2]}")
        if loose:
            self.check_loose()
        elif not is_number(self.names["seq"]):
            raise Bad("`seq` is not a whole number")
        elif "dropped" in order[4:]:
            raise Bad("`dropped` does not follow `prev`")
        for name, (form, words) in FORMS.items():
            if name in self.names and not form(self.names[name]):
                raise Bad(f"`{name}` is not {words}")
        for name in ALL.split() + NEEDS.get(event, []):
            if name not in self.names:
                raise Bad(f"`{name}` is missing, {show(event or 'a record', 30)} needs it")
        places = [PLACES.get(n, 1) for n in order[3:] if n in FORMS and n != "dropped"]
        if places != sorted(places):
            raise Bad("its members are not in their order: event, at, clock, tz; the others; "
                      "program, note, presence")
        if "presence" in order and (order[-1] != "presence" or b',"presence":' not in raw):
            raise Bad("`presence` is not its last member, after a comma and without spaces")
        if event == "IMPORT":
            try:
                self.inner = Record(self.names["line"].encode(), inside=True)
            except Bad as bad:
                raise Bad(f"the record inside this IMPORT: {bad}")

    def check_loose(self):
        if "seq" in self.names or "prev" in self.names:
            raise Bad("a loose record has a `prev_code`, and no `seq` or `prev`")
        ink = self.names["prev_code"]
        try:
            if not is_text(ink) or not (ink == "book not here" or read_code(ink)[1]):
                raise Bad("its check symbol does not fit")
        except Bad as bad:
            raise Bad(f"`prev_code` is neither a check code nor `book not here`: {bad}")

# ---- Strips: § 6 Payloads -----------------------------------------------------------------------

def from_base32(symbols):
    size, number = len(symbols) * 5 // 8, 0
    for symbol in symbols:
        if symbol not in SYMBOLS:
            raise Bad("it has a sign that no code has")
        number = number << 5 | SYMBOLS.index(symbol)
    filling = len(symbols) * 5 - size * 8
    if filling >= 5 or number & ((1 << filling) - 1):
        raise Bad("its end is cut off or altered")
    return (number >> filling).to_bytes(size, "big")

def read_strips(texts):
    """[(log id, number, line)]"""
    records = {}
    for count, text in enumerate(texts, 1):
        try:
            text = clean(text)
            if text[:3] != "BG1" or len(text) > 4296:   # no QR code holds more
                raise Bad("it is no code of version 1, BG1R...")
            for payload in text[3:].split("U"):
                data = from_base32(payload[1:])
                if payload[:1] != "R" or sha256(b"BG1R", data[:-4])[:4] != data[-4:]:
                    raise Bad("it is not of kind R, or its checksum does not fit")
                index, parts = data[12:14] if 18 < len(data) <= 18 + 570 else (0, 0)
                if index >= parts:
                    raise Bad("its part is empty, too long, or has an impossible number")
                key = data[:8], int.from_bytes(data[8:12], "big"), parts
                records.setdefault(key, {})[index] = data[14:-4]
        except Bad as bad:
            raise Stop(f"strip {count} cannot be read: {bad}", "scan it again")
    strips = []
    for (log, number, parts), found in records.items():
        missing = [str(index + 1) for index in range(parts) if index not in found]
        if missing:
            raise Stop(f"the strips of record {number} are not complete: part {', '.join(missing)} "
                       f"of {parts} is missing", "give all of them after --strip")
        inflate = zlib.decompressobj(-15)               # raw; never more than a line may have
        try:
            line = inflate.decompress(b"".join(found[index] for index in range(parts)), LIMIT + 1)
        except zlib.error:
            line = b""
        if not line or not inflate.eof or inflate.unused_data or len(line) > LIMIT:
            raise Stop(f"the strips of record {number} do not unpack to one line", "scan them again")
        strips.append((log, number, line))
    return strips

# ---- The chain ----------------------------------------------------------------------------------

def lines_of(stream):
    """(the line without its line feed, its SHA-256, whether it is ended). Of a line that is too long
    only the beginning is kept; the rest is hashed on the way, so that the next one can be checked."""
    while True:
        raw = piece = stream.readline(LIMIT + 1)
        if not piece:
            return
        digest = hashlib.sha256(piece[:-1] if piece.endswith(b"\n") else piece)
        while not piece.endswith(b"\n") and len(piece) == LIMIT + 1:
            piece = stream.readline(LIMIT + 1)
            digest.update(piece[:-1] if piece.endswith(b"\n") else piece)
        ended = piece.endswith(b"\n")
        yield raw[:-1] if raw.endswith(b"\n") else raw, digest.digest(), ended

class Book:
    def __init__(self, strips, codes):
        self.count = self.faults = self.torn = 0        # count: lines that are ended
        self.first = self.last = None                   # SHA-256 of the first and the last line
        self.last_says, self.last_code, self.due = "", None, 1
        self.strips, self.codes, self.found = strips, codes, set()
        self.recordings = {}                            # file: (SHA-256, line), the last one named

    def fault(self, number, text):
        self.faults += 1
        if self.faults <= MOST_FAULTS:
            say(f"line {number}: {text}")
        elif self.faults == MOST_FAULTS + 1:
            say("more faults are counted, but not listed")

    def read(self, stream):
        for raw, digest, ended in lines_of(stream):
            if not ended and len(raw) <= LIMIT:
                self.torn = len(raw)
                break
            self.count += 1
            self.line(raw, digest)

    def line(self, raw, digest):
        number, before, record = self.count, self.last, None
        self.first, self.last, self.last_says = self.first or digest, digest, "?"
        self.found.update(s for s in self.strips if s[2] == raw)
        try:
            record = Record(raw)
            self.last_says = f"{record.names['event']}  {record.names['at']}"
            self.chain(number, record.names, before)
        except Bad as bad:
            self.fault(number, str(bad))
        self.due = min(record.names["seq"], 10**20) + 1 if record else self.due + 1
        while record:                                   # a strip may be of a record that was imported
            if record.names["event"] == "SESSION":
                for named in record.names["evidence"]:
                    self.recordings[named["file"]] = named["sha256"], number
            self.found.update(s for s in self.strips if s[2] == record.raw)
            record = record.inner
        if self.codes:
            self.last_code = check_code(digest)
            say(f"{number:>5}  {self.last_says}  {written(self.last_code)}")

    def chain(self, number, names, before):
        if names["seq"] != self.due:
            raise Bad(f"it says seq {names['seq']}, but {self.due} is due: lines were removed, added "
                      "or moved, or it was changed")
        if names["prev"] != (before.hex() if before else "0" * 64):
            raise Bad(f"it does not continue line {number - 1}: one of the two was changed, or lines "
                      "between them were" if before else "its `prev` is not 64 zeros: it was changed, "
                      "or is not the first line of the book")

    def check_strips(self):
        for strip in self.strips:
            log, number, _ = strip
            if strip in self.found:
                say(f"strip of record {number}: the book has this record, unchanged")
                continue
            self.faults += 1
            if self.first and log != self.first[:8]:
                say(f"strip of record {number}: it belongs to another book, or line 1 was changed")
            elif number > self.count:
                say(f"strip of record {number}: the book ends before it, records are missing")
            else:
                say(f"strip of record {number}: the book has another record there, it was changed")

    def check_recordings(self, kit):
        """Recordings (session/format.md) and films that lie where the records say."""
        whole = absent = 0
        for name, (recorded, number) in self.recordings.items():
            path = os.path.join(kit, name)
            if not os.path.exists(path):
                absent += 1
                continue
            try:
                now = recording_head(path) if os.path.isdir(path) else file_hash(path).hex()
            except (Bad, OSError) as bad:
                now = f"cannot be read: {bad}"
            if now == recorded:
                whole += 1
                continue
            self.faults += 1
            say(f"recording {show(name)} of line {number}: it is not what was recorded ({now})")
        if self.recordings:
            say(f"recordings: {whole} whole, {absent} not here")

# ---- Recordings: session/format.md --------------------------------------------------------------

def file_hash(path):
    if not os.path.isfile(path):                        # a pipe would be waited for without end
        raise Bad(f"{show(os.path.basename(path))} is no file")
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for chunk in iter(lambda: stream.read(1 << 20), b""):
            digest.update(chunk)
    return digest.digest()

def recording_head(folder):
    """The end of the chain over the parts of a recording, in hex; needs no key."""
    head = file_hash(os.path.join(folder, "recording.json"))
    parts = sorted(n for n in os.listdir(folder) if re.fullmatch("[0-9]{6,}[.](age|cast)", n))
    for number, name in enumerate(sorted(parts, key=lambda n: int(n.split(".")[0])), 1):
        if int(name.split(".")[0]) != number:
            raise Bad(f"part {number} is missing")
        head = sha256(head, file_hash(os.path.join(folder, name)))
    return head.hex()

def compare_head(typed, fits, mine):
    """Exit code. A code whose check symbol does not fit was misread: that says nothing of the book."""
    differ = [at for at in range(17) if typed[at] != mine[at]]
    if not differ:
        say("head: it is the one in ink")
        return 0
    if fits:
        say(f"HEAD MISMATCH: the ink says {written(typed)}, the last record has {written(mine)}: "
            "it was changed, or later ones are missing or were added; --codes lists all")
        return 1
    if len(differ) == 1:
        at = differ[0]
        say(f"head: NOT CHECKED, a slip of one sign: sign {at + 1} was typed {typed[at]}, the last "
            f"record has {mine[at]} there ({written(mine)}); read the ink again")
    else:
        say("head: NOT CHECKED, the check symbol of the code that was typed does not fit: more than "
            "one sign is misread, or it is of another record; read the ink again")
    return 2

# ---- The command --------------------------------------------------------------------------------

def run(argv):
    parser = argparse.ArgumentParser(prog="verify.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("book", metavar="logbook.jsonl")
    parser.add_argument("--head", metavar="CODE", help="the last check code in ink")
    parser.add_argument("--codes", action="store_true", help="list the check code of every record")
    parser.add_argument("--strip", metavar="TEXT", nargs="+", action="append", default=[],
                        help="codes of strips, BG1R...; may be given several times")
    args = parser.parse_args(argv)
    try:
        typed, fits = read_code(args.head) if args.head is not None else (None, False)
    except Bad as bad:
        raise Stop(f"--head: {bad}", "read the ink again")
    book = Book(read_strips([text for texts in args.strip for text in texts]), args.codes)
    try:
        with open(args.book, "rb") as stream:
            book.read(stream)
    except BrokenPipeError:
        raise
    except OSError as e:
        raise Stop(f"`{args.book}` cannot be read: {e.strerror}", "give the path of logbook.jsonl")
    if book.torn:
        say(f"warning: after line {book.count} the file ends in {book.torn} bytes without a line feed, a "
            "record that a crash has torn; it does not count, and the next record keeps its bytes")
    if not book.count:
        book.fault(1, "the book is empty: every record is gone")
    book.check_strips()
    book.check_recordings(os.path.dirname(args.book))
    say(f"BROKEN: faults: {book.faults}, lines: {book.count}" if book.faults else
        f"{book.count} records, the chain is whole")
    head = 0
    if book.count:
        try:
            mine = book.last_code or check_code(book.last)
            say(f"last record: {book.count}  {book.last_says}  {written(mine)}")
            head = compare_head(typed, fits, mine) if typed else 0
        except Stop:
            if typed and not book.faults:               # broken is broken; else only --head asks for it
                raise
    if not typed:
        say("NOT CHECKED: whether the last record was changed, or later ones are missing. The file alone",
            "cannot tell. Repeat with --head CODE, the last check code in ink in the paper book.")
    return 1 if book.faults else head

def main(argv=None):
    for stream in (sys.stdout, sys.stderr):             # a terminal without UTF-8 gets escapes
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        return run(argv)
    except Stop as stop:
        say(f"error: {stop.args[0]}", "", f"hint: {stop.args[1]}", to=sys.stderr)
        return 2
    except KeyboardInterrupt:
        say("", "stopped", to=sys.stderr)
        return 130
    except BrokenPipeError:                             # `| head`: not all was said, so not 0
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 2

if __name__ == "__main__":
    sys.exit(main())
