"""custodian-kit/verify.py against logbooks that are whole, and against many that are not.

python3 tests/verify_test.py
"""
import contextlib
import hashlib
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAM = HERE.parent / "custodian-kit" / "verify.py"

spec = importlib.util.spec_from_file_location("verify", PROGRAM)
vf = importlib.util.module_from_spec(spec)
sys.dont_write_bytecode = True
spec.loader.exec_module(vf)


# ---- A small writer ----

PERSON = {"name": "Ana Ruiz", "id": "E1001"}
SET = {"generation": 1, "set": "S 13WM-BD7B-FSM1-HJ6W-A"}
RELEASE = {**SET, "sheets": ["1a", "32z"], "operator": PERSON, "reason": "IDP-DOWN",
           "revoke_due": "2026-11-25T04:02:11Z", "network": False}
TAGS = {"presence": {"1a": "ab" * 16, "32z": "cd" * 16}}


def dump(members):
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()


def record(event, first=None, tail=None, **says):
    return {**(first or {}), "event": event, "at": "2026-11-24T04:02:11Z", "clock": "system", "tz": "+01:00",
            "method": "m", **says, "program": {"version": "1", "sha256": "ab" * 32}, **(tail or {})}


def chained(*records):
    """Lines without line feeds; a record is its members, or a function from the beginning to a line."""
    lines, prev = [], "0" * 64
    for seq, one in enumerate(records, 1):
        first = {"v": 1, "seq": seq, "prev": prev}
        lines.append(one(first) if callable(one) else dump({**first, **one}))
        prev = hashlib.sha256(lines[-1]).hexdigest()
    return lines


def loose(prev_code="book not here", **says):
    return dump({"v": 1, "prev_code": prev_code, **record("RELEASE", tail=TAGS, **{**RELEASE, **says})}).decode()


SMALL = chained(
    record("BEGIN"),
    record("ISSUE", **SET, sheets=["1a", "2a"], sheet_hashes={"1a": "aa", "2a": "bb"}),
    record("RELEASE", tail={"note": "grün, 緑", **TAGS}, **RELEASE),
    record("IMPORT", line=loose()),
    record("REVOKE", **SET, credential="AKIA", record=3, evidence=[{"file": "a.txt", "sha256": "00" * 32}]))
GOOD = [record("BEGIN"), record("LOST", tail={"note": "n"}, **SET, sheets=["2a"])]


def written(line):
    return vf.written(vf.check_code(hashlib.sha256(line).digest()))


def joined(lines):
    return b"".join(line + b"\n" for line in lines)


def book_of(data, strips=()):
    """(the book, what was said), without a file and without check codes."""
    said, book = io.StringIO(), vf.Book(list(strips), False)
    with contextlib.redirect_stdout(said):
        book.read(io.BytesIO(data))
    return book, said.getvalue()


def faults(data):
    return [int(n) for n in re.findall("^line ([0-9]+):", book_of(data)[1], re.M)]


def last_line(*tail):
    """The faults of a book with two good records and these."""
    return book_of(joined(chained(*GOOD, *tail)))[1]


class Case(unittest.TestCase):
    def run_main(self, data, *argv):
        """(exit code, all that was said)"""
        with tempfile.TemporaryDirectory() as folder:
            path, said = Path(folder) / "logbook.jsonl", io.StringIO()
            path.write_bytes(data)
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                return vf.main([str(path), *argv]), said.getvalue()

    def whole(self, *tail):
        self.assertEqual(last_line(*tail), "")

    def broken(self, words, *tail):
        said = last_line(*tail)
        self.assertRegex(said, "^line 3: ", words)
        self.assertIn(words, said)

    def broken_bytes(self, words, change):
        """A third record of good members whose bytes `change` alters."""
        self.broken(words, lambda first: change(dump(record("CLOSE", first, {"note": "n"}))))


class Chain(Case):
    def test_a_good_book(self):
        code, said = self.run_main(joined(SMALL))
        self.assertEqual(code, 0, said)
        self.assertIn("5 records, the chain is whole", said)
        self.assertIn("NOT CHECKED: whether the last record was changed, or later ones are missing", said)
        self.assertIn(f"last record: 5  REVOKE  2026-11-24T04:02:11Z  {written(SMALL[-1])}", said)

    def test_recordings_beside_the_book(self):
        index, parts = b'{"v":1}\n', [b"one", b"two"]
        head = hashlib.sha256(index).digest()
        for part in parts:
            head = hashlib.sha256(head + hashlib.sha256(part).digest()).digest()
        named = [{"file": "sessions/a", "sha256": head.hex()}, {"file": "film", "sha256": hashlib.sha256(b"x").hexdigest()}]
        data = joined(chained(*GOOD, record("SESSION", evidence=named)))
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            (folder / "logbook.jsonl").write_bytes(data)
            (folder / "sessions/a").mkdir(parents=True)

            def run():
                said = io.StringIO()
                with contextlib.redirect_stdout(said):
                    return vf.main([str(folder / "logbook.jsonl")]), said.getvalue()

            write = lambda name, content: (folder / "sessions/a" / name).write_bytes(content)
            write("recording.json", index)
            for number, part in enumerate(parts, 1):
                write(f"{number:06}.age", part)
            code, said = run()
            self.assertEqual(code, 0, said)
            self.assertIn("recordings: 1 whole, 1 not here", said)
            write("000002.age", b"three")
            code, said = run()
            self.assertEqual(code, 1, said)
            self.assertIn("recording sessions/a of line 3: it is not what was recorded", said)
            write("000002.age", b"two")
            write("000004.age", b"four")
            self.assertIn("part 3 is missing", run()[1])
            (folder / "film").write_bytes(b"y")
            self.assertIn("recording film of line 3", run()[1])

    def test_every_bit_of_every_byte(self):
        data = joined(SMALL)
        self.assertEqual(faults(data), [])
        line, digest = 1, hashlib.sha256(SMALL[-1]).digest()
        for at, old in enumerate(data):
            for new in [old ^ 1 << bit for bit in range(8)]:
                changed = data[:at] + bytes([new]) + data[at + 1:]
                book, said = book_of(changed)
                named = re.findall("^line ([0-9]+):", said, re.M)
                if line < 5:
                    self.assertTrue(named and int(named[0]) in (line, line + 1), (at, new, said))
                else:                                   # the head in ink is over another line
                    self.assertTrue(named or book.last != digest, (at, new))
            line += old == 10

    def test_a_byte_more_or_less(self):
        data, line = joined(SMALL), 1
        for at, old in enumerate(data):
            for changed in (data[:at] + data[at + 1:], data[:at] + b" " + data[at:], data[:at] + b"\n" + data[at:]):
                if line < 5 and changed != data:
                    found = faults(changed)
                    self.assertTrue(found and found[0] in (line, line + 1), (at, changed[at:at + 9]))
            line += old == 10

    def test_lines_moved_removed_doubled(self):
        for at in range(4):
            swapped = SMALL[:at] + [SMALL[at + 1], SMALL[at]] + SMALL[at + 2:]
            self.assertEqual(faults(joined(swapped))[:1], [at + 1])
            self.assertEqual(faults(joined(SMALL[:at] + SMALL[at + 1:])), [at + 1])
        for at in range(5):
            self.assertEqual(faults(joined(SMALL[:at + 1] + SMALL[at:])), [at + 2])
            self.assertEqual(faults(joined(SMALL[:at] + [b""] + SMALL[at:]))[:1], [at + 1])

    def test_a_forged_chain_that_skips_a_number(self):
        members = json.loads(SMALL[4])
        members["seq"] = 6
        self.assertIn("it says seq 6, but 5 is due", book_of(joined(SMALL[:4] + [dump(members)]))[1])
        members["seq"] = 10 ** 400
        self.assertEqual(faults(joined(SMALL[:4] + [dump(members)] + SMALL[4:])), [5, 6])

    def test_an_empty_book(self):
        for data in b"", b"torn":
            code, said = self.run_main(data)
            self.assertEqual(code, 1)
            self.assertIn("every record is gone", said)

    def test_a_torn_end(self):
        for torn in b"{", SMALL[-1], b"\xff\0\r":
            code, said = self.run_main(joined(SMALL) + torn, "--head", written(SMALL[-1]))
            self.assertEqual(code, 0, said)
            self.assertIn(f"warning: after line 5 the file ends in {len(torn)} bytes without a line feed", said)
        self.whole(lambda first: dump(record("CLOSE", {**first, "dropped": "7b0a"}, {"note": "n"})))

    def test_no_file(self):
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            self.assertEqual(vf.main(["/nowhere/a\x1b[2J"]), 2)
            self.assertEqual(vf.main([str(HERE)]), 2)
        self.assertIn("`/nowhere/a\\x1b[2J` cannot be read", said.getvalue())
        self.assertNotIn("\x1b", said.getvalue())


class Lines(Case):
    def test_bytes(self):
        self.broken_bytes("carriage return", lambda line: line + b"\r")
        self.broken_bytes("byte order mark", lambda line: b"\xef\xbb\xbf" + line)
        for bad in b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82":
            self.broken_bytes("is not UTF-8", lambda line: line.replace(b'"n"', b'"' + bad + b'"'))
        self.assertEqual(faults(b"\xef\xbb\xbf" + joined(SMALL)), [1, 2])

    def test_lengths(self):
        def padded(size):
            return lambda line: line[:-2] + b"x" * (size - len(line)) + b'"}'
        self.whole(lambda first: padded(262144)(dump(record("CLOSE", first, {"note": "n"}))))
        self.broken_bytes("longer than 262144 bytes", padded(262145))
        self.broken_bytes("longer than 262144 bytes", padded(3 * 262145))
        long = chained(*GOOD, lambda first: b"x" * 600000, record("CLOSE", tail={"note": "n"}))
        self.assertEqual(faults(joined(long)), [3])             # the line after it still continues it
        self.assertEqual(faults(joined(SMALL) + b"x" * 262145), [6])

    def test_a_long_line_is_not_held(self):
        class Endless(io.RawIOBase):
            left = 200 << 20

            def readline(self, size=-1):
                assert 0 < size <= 262146, "it asks for a whole line"
                piece = b"x" * min(size, self.left)
                self.left -= len(piece)
                return piece
        with contextlib.redirect_stdout(io.StringIO()) as said:
            vf.Book([], False).read(Endless())
        self.assertIn("line 1: it is longer", said.getvalue())

    def test_json(self):
        for words, new in [("given twice", b'"z":1,"z":1'), ("given twice", b'"z":1,"\\u007a":1'),
                           ("given twice", b'"z":[{"a":1,"a":1}]'), ("a null", b'"z":null'),
                           ("a null", b'"z":[[{"a":null}]]'), ("fraction or an exponent", b'"z":1.0'),
                           ("fraction or an exponent", b'"z":[1e3]'), ("fraction or an exponent", b'"z":1E400'),
                           ("or is none", b'"z":NaN'), ("or is none", b'"z":-Infinity'), ("not JSON", b'"z":01'),
                           ("not JSON", b'"z":+1'), ("not JSON", b'"z":[1,]'), ("not JSON", b"'z':1"),
                           ("not JSON", b'"z":"\t"'), ("not JSON", b'"z":"\\x"'), ("not JSON", b'"z":1 // no'),
                           ("U+000D", b'"z":"\\r"'), ("U+001B", b'"z":["\\u001b"]'), ("U+009B", b'"z":"\xc2\x9b"'),
                           ("U+202E", b'"\xe2\x80\xae":1'), ("U+061C", b'"z":"\\u061c"'),
                           ("U+2069", b'"z":"\xe2\x81\xa9"'), ("U+D800", b'"z":"\\ud800"'),
                           ("nested too deeply", b'"z":' + b"[" * 100000 + b"]" * 100000)]:
            self.broken_bytes(words, lambda line: line.replace(b'"note"', new + b',"note"'))
        for new in b'"z":[1,{"a":true}]', b'"z":-3', b'"z":"\xe2\x81\xa5"', b'"z":"\\ud83d\\ude00"', b'"z":' + b"9" * 9999:
            self.whole(lambda first: dump(record("CLOSE", first, {"note": "n"})).replace(b'"note"', new + b',"note"'))
        for line in b"", b"[]", b"1", b'"a"', b"{}", b"{" * 99, b'{"a":' * 40000, b"null", b"\0":
            self.broken("", lambda first: line)

    def test_the_beginning(self):
        def first_members(**new):
            return lambda first: dump(record("CLOSE", {**first, **new}, {"note": "n"}))
        for v in 2, "1", True, 0:
            self.broken("does not begin with v 1", first_members(v=v))
        self.broken("does not begin with", lambda f: dump(record("CLOSE", dict(reversed(list(f.items()))), {"note": "n"})))
        self.broken("does not begin with", lambda f: dump(record("CLOSE", {"v": 1, "seq": 3}, {"prev": f["prev"], "note": "n"})))
        self.broken("does not begin with", lambda f: loose().encode())
        for seq in "3", True, -3:
            self.broken("`seq` is not a whole number", first_members(seq=seq))
        for prev in "A" * 64, "a" * 63, 0, "\uff10" * 64:
            self.broken("`prev` is not a SHA-256", first_members(prev=prev))
        for dropped in "", "abc", "zz", "ab" * 1025, 5:
            self.broken("`dropped` is not", first_members(dropped=dropped))
        self.whole(first_members(dropped="ab" * 1024))
        self.broken("does not follow `prev`", record("CLOSE", tail={"note": "n"}, dropped="ab"))

    def test_the_order(self):
        good = record("CLOSE", z=1, tail={"note": "n"})
        for last in "event", "tz", "method", "program":
            self.broken("not in their order", {**{k: v for k, v in good.items() if k != last}, last: good[last]})
        self.whole({**good, "unknown": 1})

    def test_presence(self):
        self.whole(record("RELEASE", tail=TAGS, **RELEASE))
        self.whole(record("RELEASE", **RELEASE))
        for tags in {"1a": "AB" * 16}, {"1a": "ab" * 15}, {"x": "ab" * 16}, [], "ab":
            self.broken("`presence` is not tags", record("RELEASE", tail={"presence": tags}, **RELEASE))
        self.broken("not its last member", record("RELEASE", tail={**TAGS, "z": 1}, **RELEASE))
        self.broken("inside another member", record("RELEASE", tail=TAGS, z={"presence": 1}, **RELEASE))
        for old, new in (b',"presence":', b', "presence":'), (b'"presence":', b'"presence" :'), (b'"pr', b'"\\u0070r'):
            self.broken("not its last member", lambda f: dump(record("RELEASE", f, TAGS, **RELEASE)).replace(old, new))


class Members(Case):
    SAMPLES = {**RELEASE, "sheet_hashes": {"1a": "x"}, "bags": {"1a": "B1"}, "seals": {"1a": "intact"},
               "custodians": {"1a": PERSON}, "witness": PERSON, "approver": PERSON, "reviewer": PERSON, "record": 1,
               "evidence": [{"file": "a", "sha256": "b"}], "credential": "c", "kind": "solo", "result": "passed",
               "reason_text": "r", "to": "t", "method_hash": "h", "line": loose(), "note": "n", "method": "m"}

    def members(self, event):
        says = {name: self.SAMPLES[name] for name in vf.NEEDS[event] if name not in ("note", "method")}
        return record(event, tail={"note": "n"} if "note" in vf.NEEDS[event] else None, **says)

    def test_the_tables_are_those_of_the_text(self):
        text = (HERE.parent / "src" / "logbook" / "format.md").read_text()
        rows = re.findall(r"^\| ([A-Z]+) \|[^|]*\| ([^|]*) \| [^|]* \|$", text, re.M)
        self.assertEqual({event: re.findall("`(.*?)`", says) for event, says in rows}, vf.NEEDS)
        forms = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", text, re.M))
        self.assertGreater(len(forms), 30)
        self.assertEqual(set(forms) - set(vf.FORMS), set())

    def test_what_each_event_needs(self):
        for event, needs in vf.NEEDS.items():
            good = self.members(event)
            self.whole(good)
            for name in set(needs) | {"event", "at", "clock", "tz", "program"}:
                self.broken(f"`{name}` is missing", {k: v for k, v in good.items() if k != name})

    def test_wrong_forms(self):
        times = ["2026-11-24T04:02:11z", "2026-02-30T00:00:00Z", "2026-11-24 04:02:11Z", "2026-11-24T24:00:00Z",
                 "2026-11-24T04:02:11.5Z", "2026-11-24T04:02:11+00:00", "\u0662026-11-24T04:02:11Z", 0]
        for names, values in (
                ("method set template media method_hash kind reason reason_text ticket how to place credential "
                 "result note line", [0, True, [], {}]),
                ("generation k record seconds", ["1", True, -1, [], {}]),
                ("operator witness approver reviewer accountable", ["x", {"name": "x"}, {"name": "x", "id": 3}, [PERSON]]),
                ("at revoke_due", times), ("clock", ["gps", 0]), ("tz", ["Z", "+0100", "+24:00", "+01:60", 1]),
                ("sheets", ["1a", [1], ["0a"], ["33a"], ["01a"], ["1A"], ["1"], ["a1"], ["1ab"], ["\u0661a"], ["1a\u00a0"]]),
                ("sheet_hashes templates bags seals", ["x", [], {"x": "y"}, {"1a": 3}]),
                ("custodians", [PERSON, {"1a": "x"}, {"1a": {"name": "x"}}]), ("network", ["true", 0, 1]),
                ("evidence", [{}, ["x"], [{"file": "x"}], [{"file": "x", "sha256": 1}]]),
                ("paper", ["B1 3 7", {"book": "B1", "page": 3}, {"book": "B1", "page": 3, "line": True}]),
                ("program", ["x", {}, {"version": "1"}]), ("event", [1, ["CLOSE"]])):
            for name in names.split():
                for value in values:
                    for event in "CLOSE", "NEW-EVENT":              # a known member in an unknown event too
                        wrong = record(event, z=0, tail={"note": "n"})
                        if name in wrong:
                            wrong[name] = value             # in its place: the order is checked too
                        else:
                            wrong = record(event, **{name: value}, tail={"note": "n"})
                        self.broken(f"`{name}` is not", wrong)

    def test_what_is_unknown_is_let_be(self):
        self.whole(record("NEW-EVENT", tail={"note": "n"}, new={"a": [1, "b"]}))
        self.whole(record("RELEASE", **{**RELEASE, "operator": {**PERSON, "phone": "1"}}, paper={"book": "B1", "page": 3, "line": 7}))
        self.whole({**record("CLOSE", tail={"note": "n"}), "at": "2026-12-31T23:59:60Z"})

    def test_import(self):
        book_line = dump(record("CLOSE", {"v": 1, "seq": 9, "prev": "ab" * 32}, {"note": "n"})).decode()
        inner = dump(record("IMPORT", {"v": 1, "seq": 9, "prev": "ab" * 32}, line=loose())).decode()
        for line in loose(), loose("R 0000-0000-0000-0000-R"), book_line, inner:
            self.whole(record("IMPORT", line=line))
        for words, line in [("not JSON", "hello"), ("not JSON", ""), ("fraction", loose(z=1.5)), ("a null", loose(z=None)),
                            ("`reason` is missing", loose().replace('"reason":"IDP-DOWN",', "")),
                            ("check symbol does not fit", loose("R 0000-0000-0000-0000-S")),
                            ("neither a check code nor", loose("somewhere")), ("neither a check code nor", loose(5)),
                            ("no `seq`", loose(seq=1)), ("U+001B", loose(z="\x1b")),
                            ("does not begin with", loose().replace('"v":1,', "")),
                            ("not a whole number", book_line.replace('"seq":9', '"seq":"9"')),
                            ("this IMPORT: the record inside this IMPORT: it is not JSON",
                             dump(record("IMPORT", {"v": 1, "seq": 9, "prev": "ab" * 32}, line="?")).decode())]:
            self.broken("the record inside this IMPORT", record("IMPORT", line=line))
            self.broken(words, record("IMPORT", line=line))
        self.broken("U+000A", record("IMPORT", line=loose() + "\n"))


class Codes(Case):
    def test_a_known_code(self):
        """The example of the on-paper format, § 5: its check symbol, with the kind S."""
        self.assertEqual(vf.check_symbol("S", "13WMBD7BFSM1HJ6W"), "A")
        self.assertEqual(vf.check_symbol("R", "0" * 16), "R")

    def test_head(self):
        good = written(SMALL[-1])
        for typed in good, good.lower(), good[2:].replace("-", ""), good.replace("0", "o").replace("1", "l"), f" {good} ":
            code, said = self.run_main(joined(SMALL), "--head", typed)
            self.assertEqual(code, 0, said)
            self.assertIn("head: it is the one in ink", said)
            self.assertNotIn("NOT CHECKED", said)

    def test_head_of_another_record(self):
        changed = json.loads(SMALL[-1])
        changed["credential"] = "AKIB"
        for data, ink in [(joined(SMALL[:-1]), SMALL[-1]), (joined(SMALL), SMALL[-2]),
                          (joined(SMALL[:-1] + [dump(changed)]), SMALL[-1]), (joined(SMALL)[:-1], SMALL[-1])]:
            code, said = self.run_main(data, "--head", written(ink))
            self.assertEqual(code, 1, said)
            self.assertIn("HEAD MISMATCH", said)

    def test_one_slip(self):
        good = vf.check_code(hashlib.sha256(SMALL[-1]).digest())
        for at in range(17):
            typed = good[:at] + ("7" if good[at] != "7" else "8") + good[at + 1:]
            with contextlib.redirect_stdout(io.StringIO()) as said:
                self.assertEqual(vf.compare_head(*vf.read_code(typed), good), 2)
            self.assertIn(f"a slip of one sign: sign {at + 1} was typed", said.getvalue())
        code, said = self.run_main(joined(SMALL), "--head", typed)
        self.assertEqual(code, 2, said)
        two = ("7" if good[0] != "7" else "8") + good[1:16] + ("7" if good[16] != "7" else "8")
        if not vf.read_code(two)[1]:
            self.assertEqual(self.run_main(joined(SMALL), "--head", two)[0], 2)

    def test_broken_and_a_slip_is_broken(self):
        good = written(SMALL[-1])
        slip = good[:2] + ("7" if good[2] != "7" else "8") + good[3:]
        self.assertEqual(self.run_main(joined(SMALL[:1] + SMALL[2:]), "--head", slip)[0], 1)

    def test_no_code(self):
        for typed in "", "R", "R 7QK4", "S 13WM-BD7B-FSM1-HJ6W-A", "R 7QK4-M2XD-9FTB-C3HU-S", "\x1b" * 17:
            code, said = self.run_main(joined(SMALL), "--head", typed)
            self.assertEqual(code, 2, said)
            self.assertNotIn("\x1b", said)

    def test_codes(self):
        code, said = self.run_main(joined(SMALL), "--codes")
        self.assertEqual(code, 0)
        for seq, line in enumerate(SMALL, 1):
            self.assertIn(f"    {seq}  {json.loads(line)['event']}  2026-11-24T04:02:11Z  {written(line)}\n", said)

    def test_without_scrypt(self):
        self.addCleanup(setattr, hashlib, "scrypt", hashlib.scrypt)
        del hashlib.scrypt
        code, said = self.run_main(joined(SMALL))
        self.assertEqual(code, 0, said)                 # the chain needs none
        code, said = self.run_main(joined(SMALL), "--head", "R 0000-0000-0000-0000-R")
        self.assertEqual(code, 2)
        self.assertIn("no scrypt", said)
        code, said = self.run_main(joined(SMALL[:1] + SMALL[2:]), "--head", "R 0000-0000-0000-0000-R")
        self.assertEqual(code, 1, said)                 # broken is broken


class Strips(Case):
    def strip(self, line, seq, first=SMALL[0], size=570):
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = deflate.compress(line) + deflate.flush()
        parts = [packed[at:at + size] for at in range(0, len(packed), size)]
        return [self.code(hashlib.sha256(first).digest()[:8] + seq.to_bytes(4, "big") + bytes([i, len(parts)]) + part)
                for i, part in enumerate(parts)]

    def code(self, body):
        data = body + hashlib.sha256(b"BG1R" + body).digest()[:4]
        bits = "".join(f"{b:08b}" for b in data)
        bits += "0" * (-len(bits) % 5)
        return "BG1R" + "".join(vf.SYMBOLS[int(bits[i:i + 5], 2)] for i in range(0, len(bits), 5))

    def test_good_ones(self):
        texts = [t for seq, line in enumerate(SMALL, 1) for t in self.strip(line, seq, size=200)]
        self.assertGreater(len(texts), 7)
        code, said = self.run_main(joined(SMALL), "--strip", *reversed(texts))
        self.assertEqual(code, 0, said)
        self.assertEqual(said.count("the book has this record, unchanged"), 5)
        code, said = self.run_main(joined(SMALL), "--strip", *self.strip(loose().encode(), 7))   # inside the IMPORT
        self.assertEqual(code, 0, said)
        one = self.strip(SMALL[2], 3, size=300)
        self.assertEqual(self.run_main(joined(SMALL), "--strip", one[0].lower() + "u" + "U".join(t[3:] for t in one[1:]))[0], 0)

    def test_others(self):
        for words, texts in [("it was changed", self.strip(SMALL[2].replace(b"gr", b"Gr"), 3)),
                             ("records are missing", self.strip(SMALL[2].replace(b"gr", b"Gr"), 6)),
                             ("another book", self.strip(SMALL[2].replace(b"gr", b"Gr"), 3, first=b""))]:
            code, said = self.run_main(joined(SMALL), "--strip", *texts)
            self.assertEqual(code, 1, said)
            self.assertIn(words, said)

    def test_not_readable(self):
        good, first = self.strip(SMALL[2], 3, size=200), hashlib.sha256(SMALL[0]).digest()[:8] + b"\0\0\0\3"
        bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
        bomb = bomb.compress(bytes(500000)) + bomb.flush()
        bomb = [bomb[at:at + 570] for at in range(0, len(bomb), 570)]
        for texts in ([good[0]], [good[0][:-1] + ("0" if good[0][-1] != "0" else "1")], ["BG2" + good[0][3:]], ["hello"], [""],
                      [self.code(first + b"\0\1")], [self.code(first + b"\1\1x")], [self.code(first + b"\0\0x")],
                      [self.code(first + b"\0\1" + bytes(571))], [self.code(b"short")], [self.code(first + b"\0\1xyz")],
                      [self.code(first + bytes([i, len(bomb)]) + part) for i, part in enumerate(bomb)], ["BG1R\x1b[2J"],
                      ["BG1K" + good[0][4:]], ["BG1R" + "0" * 5000]):
            code, said = self.run_main(joined(SMALL), "--strip", *texts)
            self.assertEqual(code, 2, said)
            self.assertNotIn("\x1b", said)


class Terminal(Case):
    def run_program(self, data, *argv, **env):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "logbook.jsonl"
            path.write_bytes(data)
            return subprocess.run([sys.executable, str(PROGRAM), str(path), *argv], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, env={**os.environ, **env})

    def test_nothing_hostile_is_printed(self):
        names = ["\x1b[2J", "\u202e", "\x9b", "\u2028", "\u200b", "\ufeff", "\x7f", "\x07"]
        tails = [lambda f, n=n: dump(record("CLOSE", f, {"note": "n"})).replace(b'"note"', new)
                 for n in names for q in [json.dumps(n).encode()] for new in
                 (q + b":1," + q + b':1,"note"', q + b',"note"', b'"z":' + q[:-1] + b",\"note\"")]
        tails += [record(f"EVENT {n}", tail={"note": "n"}) for n in names]
        tails += [lambda f, n=n: n.encode() for n in names]
        for tail in tails:
            code, signs = self.run_main(joined(chained(*GOOD, tail)), "--codes")
            self.assertIn(code, (0, 1), signs)
            self.assertTrue(all(c.isprintable() or c == "\n" for c in signs), ascii(signs))

    def test_a_terminal_without_utf_8(self):
        data = joined(chained(*GOOD, record("緑", tail={"note": "n"})))
        done = self.run_program(data, "--codes", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"\\u7dd1", done.stdout)

    def test_many_faults_are_counted(self):
        code, said = self.run_main(b"x\n" * 5000)
        self.assertEqual(code, 1)
        self.assertIn("BROKEN: faults: 5000, lines: 5000", said)
        self.assertLess(said.count("\n"), 40)

    def test_usage(self):
        done = subprocess.run([sys.executable, str(PROGRAM)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 2)

    def test_standard_library_only_and_no_network(self):
        self.assertEqual(re.findall(r"^\s*(?:import \w|from \w+ import).*", PROGRAM.read_text(), re.M),
                         ["import argparse, datetime, hashlib, json, os, re, sys, zlib"])


if __name__ == "__main__":
    unittest.main()
