#!/usr/bin/env python3
"""recover.py 1: open a Breakglass set without the program Breakglass.

It needs this one file and Python 3.9 or newer, nothing else. It uses no network. It was written
from two texts only: the on-paper format (codes/format.md; "§ 4" below is its section 4) and the
logbook format (logbook/format.md).

  1. Take a computer without network. Bring the sheets and the paper logbook.
  2. Read the codes into a text file, one a line:   zbarimg --raw scan1.png scan2.png > codes.txt
     or type the lines of leaf 2 with their labels: K1 13WM BD7B FSM1 HJ6W 040Y E3CW BH16
     K1 to K4 of every sheet; all M and all S lines once. Several files, any order; # is a comment.
  3. python3 recover.py --output credential.bin codes.txt typed.txt
     It checks every sheet, then asks for the set code in ink, for your name and id, and why.
  4. Write the check code it shows (R ....) into the paper logbook. Keep the record file.
  5. Use the credential, revoke it in time, switch the computer off (Python cannot wipe memory).

Without a person: --set-code "S 13WM-BD7B-FSM1-HJ6W-A" --operator "B. Alvarez" --id E2040 \\
                  --reason "IDP-DOWN single sign-on is out, INC-4412"
It ends with 0 when the credential was delivered, 2 when the input cannot be used, 3 when there are
fewer good shares than the set needs, 130 after Ctrl-C.
"""
import argparse, base64, datetime, hashlib, hmac, itertools, json, os, re, struct, sys

SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
READ_AS = str.maketrans("abcdefghijklmnopqrstuvwxyzILO", "ABCDEFGH1JK1MN0PQRSTUVWXYZ110", "- \t")
PART = 570
USES = {0: "IDP-DOWN", 1: "MFA-DOWN", 2: "ACL-BROKEN", 3: "FACILITY-DOWN", 4: "DATA-URGENT",
        5: "DRILL", 6: "ROTATION", **{bit: f"OWN-{bit - 7}" for bit in range(8, 16)}}


class Bad(Exception):
    """One thing that was read is refused; the text says why."""


class Stop(Exception):
    """The program ends: exit code, error, hint."""


def say(*lines):
    print(*lines, sep="\n", file=sys.stderr, flush=True)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


# ---- § 2 Conventions: symbols -------------------------------------------------------------------

def clean(text):
    """Capitals; O is 0, I and L are 1; no spaces and hyphens."""
    return text.translate(READ_AS)


def values(symbols):
    if not symbols or any(s not in SYMBOLS for s in symbols):
        raise Bad("it has a sign that is not one of the 32 symbols, or none at all")
    return [SYMBOLS.index(s) for s in symbols]


def from_base32(vals):
    """Most significant bit first; the filling bits are zero."""
    size = len(vals) * 5 // 8
    number = 0
    for value in vals:
        number = number << 5 | value
    filling = len(vals) * 5 - size * 8
    if filling >= 5 or number & ((1 << filling) - 1):
        raise Bad("its end is cut off or altered")
    return (number >> filling).to_bytes(size, "big")


# ---- § 3 Shares: Shamir over GF(256); § 5 and § 7 use GF(32) ------------------------------------

def gf_mul(a, b, polynomial, bits):
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a >> bits:
            a ^= polynomial
        b >>= 1
    return product


def mul256(a, b):
    return gf_mul(a, b, 0x11D, 8)


def mul32(a, b):
    return MUL32[a][b]


MUL32 = [[gf_mul(a, b, 0b100101, 5) for b in range(32)] for a in range(32)]
ALPHA = [1]                                             # the powers of 2 in GF(32): 31 of them
while len(ALPHA) < 31:
    ALPHA.append(mul32(ALPHA[-1], 2))


def interpolate(points, at):
    """The value at `at` of the polynomial through {x: y}, byte by byte (Lagrange). 0: the secret."""
    result = bytes(32)
    for x, y in points.items():
        above, below = 1, 1
        for other in points:
            if other != x:
                above, below = mul256(above, at ^ other), mul256(below, x ^ other)
        weight = mul256(above, next(v for v in range(1, 256) if mul256(v, below) == 1))
        result = bytes(r ^ mul256(weight, b) for r, b in zip(result, y))
    return result


# ---- § 3 Sealed credential: an age file (C2SP age v1) with one X25519 recipient -----------------

def x25519(scalar, u):
    """RFC 7748, section 5."""
    p = 2**255 - 19
    k = int.from_bytes(scalar, "little") & (2**254 - 8) | 2**254
    x1 = (int.from_bytes(u, "little") & (2**255 - 1)) % p
    x2, z2, x3, z3 = 1, 0, x1, 1
    for bit in range(254, -1, -1):
        one = k >> bit & 1
        if one:
            x2, z2, x3, z3 = x3, z3, x2, z2
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a % p, c * b % p, a * a % p, b * b % p
        x3, z3 = (da + cb) ** 2 % p, x1 * (da - cb) ** 2 % p
        x2, z2 = aa * bb % p, (aa - bb) * (aa + 121665 * (aa - bb)) % p
        if one:
            x2, z2, x3, z3 = x3, z3, x2, z2
    return (x2 * pow(z2, p - 2, p) % p).to_bytes(32, "little")


def hkdf(key, salt, info):
    """RFC 5869 with SHA-256, 32 bytes."""
    extracted = hmac.digest(salt or bytes(32), key, "sha256")
    return hmac.digest(extracted, info + b"\1", "sha256")


def chacha20_block(key, counter, nonce):
    """RFC 8439, section 2.3."""
    start = struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<I", counter) + nonce)
    s = list(start)
    quarters = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
    for a, b, c, d in quarters * 10:
        for to, add, mix, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[to] = (s[to] + s[add]) & 0xFFFFFFFF
            v = s[mix] ^ s[to]
            s[mix] = (v << turn | v >> (32 - turn)) & 0xFFFFFFFF
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(s, start)))


def aead_open(key, nonce, sealed):
    """ChaCha20-Poly1305, RFC 8439, section 2.8, without associated data."""
    text, tag = sealed[:-16], sealed[-16:]
    one_time = chacha20_block(key, 0, nonce)
    r = int.from_bytes(one_time[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for at in range(0, len(text), 16):
        block = text[at:at + 16].ljust(16, b"\0") + b"\1"
        total = (total + int.from_bytes(block, "little")) * r % (2**130 - 5)
    total = (total + len(text) * 2**64 + 2**128) * r % (2**130 - 5)
    total = (total + int.from_bytes(one_time[16:32], "little")) % 2**128
    if len(tag) < 16 or not hmac.compare_digest(total.to_bytes(16, "little"), tag):
        raise Bad("the age file is not sealed to this identity, or is damaged")
    stream = b"".join(chacha20_block(key, 1 + n, nonce) for n in range((len(text) + 63) // 64))
    return bytes(a ^ b for a, b in zip(text, stream))


def age_base64(text):
    data = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    if base64.b64encode(data).rstrip(b"=") != text:
        raise ValueError
    return data


def age_header(data):
    """The stanzas as (arguments, body), the bytes under the MAC, the MAC, the payload."""
    try:
        line, rest = data.split(b"\n", 1)
        if line != b"age-encryption.org/v1":
            raise ValueError
        stanzas = []
        line, rest = rest.split(b"\n", 1)
        while line.startswith(b"-> "):
            arguments, body, line = line[3:].split(b" "), b"", b"-" * 64
            while len(line) == 64:
                line, rest = rest.split(b"\n", 1)
                body += line
            stanzas.append((arguments, age_base64(body)))
            line, rest = rest.split(b"\n", 1)
        if not line.startswith(b"--- "):
            raise ValueError
        mac = age_base64(line[4:])
        return stanzas, data[:len(data) - len(rest) - len(line) + 2], mac, rest
    except ValueError:                                  # also from split and base64
        raise Bad("the sealed credential is not an age file of version 1") from None


def age_open(data, identity):
    stanzas, header, mac, payload = age_header(data)
    recipient = x25519(identity, (9).to_bytes(32, "little"))
    file_key = None
    for arguments, body in stanzas:
        if arguments[0] != b"X25519":                   # grease, or a recipient that is not ours
            continue
        try:
            share = age_base64(arguments[1])
            if len(arguments) != 2 or len(share) != 32 or len(body) != 32:
                raise ValueError
        except (ValueError, IndexError):
            raise Bad("the age file has a malformed X25519 stanza") from None
        shared = x25519(identity, share)
        wrap = hkdf(shared, share + recipient, b"age-encryption.org/v1/X25519")
        try:
            file_key = aead_open(wrap, bytes(12), body) if any(shared) else None
            break
        except Bad:
            continue
    if file_key is None:
        raise Bad("the age file has no X25519 recipient that fits")
    if not hmac.compare_digest(hmac.digest(hkdf(file_key, b"", b"header"), header, "sha256"), mac):
        raise Bad("the header of the age file was altered")
    key, payload = hkdf(file_key, payload[:16], b"payload"), payload[16:]
    plain, count = b"", 0
    while True:                                         # STREAM: chunks of 64 KiB, the last marked
        chunk, payload = payload[:65552], payload[65552:]
        plain += aead_open(key, count.to_bytes(11, "big") + bytes([not payload]), chunk)
        if not payload:
            if len(chunk) == 16 and count:
                raise Bad("the last chunk of the age file is empty")
            return plain
        count += 1


# ---- § 4 Manifest -------------------------------------------------------------------------------

def forbidden(text):
    """Control characters and those that turn or hide text."""
    return any(ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F or ord(c) in (0x61C, 0x200E, 0x200F)
               or 0x2028 <= ord(c) <= 0x202E or 0x2066 <= ord(c) <= 0x2069 for c in text)


class Manifest:
    def __init__(self, raw):
        self.raw, self.rest = raw, raw
        if raw[:1] != b"\1":
            raise Bad("the manifest belongs to another version of the format")
        self.version, self.k, self.n, reserved = struct.unpack(">4B", self.take(4))
        (self.generation, self.created, self.expires, self.revoke_within, self.max_session,
         self.uses, self.sealed_length) = struct.unpack(">IQQHHHI", self.take(30))
        self.sealed_hash, self.method_hash = self.take(32), self.take(32)
        self.method, self.scope, self.credential = self.text(1, 32), self.text(0, 48), self.text(0, 48)
        self.parts = -(-self.sealed_length // PART)
        if not 2 <= self.k <= self.n <= 32:
            raise Bad("the manifest asks for an impossible number of shares")
        if reserved or not self.generation or not self.revoke_within or not self.max_session \
                or self.uses & 0x80 or not 1 <= self.parts <= 256:
            raise Bad("the manifest has a field out of its range")
        self.commitments = [self.take(16) for _ in range(self.n)]
        self.part_hashes = [self.take(8) for _ in range(self.parts if self.parts > 1 else 0)]
        if self.rest:
            raise Bad("the manifest has bytes left over")

    def take(self, count):
        if len(self.rest) < count:
            raise Bad("the manifest is too short")
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def text(self, least, most):
        raw = self.take(self.take(1)[0])
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise Bad("a text of the manifest is not UTF-8") from None
        if not least <= len(raw) <= most or forbidden(text):
            raise Bad("a text of the manifest is too long, or has signs that are not allowed")
        return text

    def share_fits(self, x, y):
        mine = sha256(b"breakglass/1 share", self.sealed_hash, bytes([x]), y)[:16]
        return x <= self.n and mine == self.commitments[x - 1]

    def part_fits(self, index, part):
        if index >= self.parts or len(part) != min(PART, self.sealed_length - index * PART):
            return False
        if self.parts == 1:
            return sha256(part) == self.sealed_hash
        return sha256(b"breakglass/1 part", bytes([index]), part)[:8] == self.part_hashes[index]


# ---- § 5 Codes ----------------------------------------------------------------------------------

def scrypt(password, salt, n=2**15):
    """r = 8, p = 1, 10 bytes. Python on a Mac may lack hashlib.scrypt: then RFC 7914, slowly."""
    if hasattr(hashlib, "scrypt"):
        return hashlib.scrypt(password, salt=salt, n=n, r=8, p=1, maxmem=2**26, dklen=10)
    say("computing a code (scrypt without OpenSSL, a minute or more)")
    return slow_scrypt(password, salt, n)


def slow_scrypt(password, salt, n):
    def xor(a, b):
        return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).to_bytes(len(a), "big")

    def salsa20_8(block):
        start = struct.unpack("<16I", block)
        s = list(start)
        for q in ((0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11),
                  (0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14)) * 4:
            for i, turn in ((1, 7), (2, 9), (3, 13), (0, 18)):
                v = (s[q[i - 1]] + s[q[i - 2]]) & 0xFFFFFFFF
                s[q[i]] ^= (v << turn | v >> (32 - turn)) & 0xFFFFFFFF
        return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(s, start)))

    def mix(block):
        last, pieces = block[-64:], []
        for at in range(0, 1024, 64):
            last = salsa20_8(xor(last, block[at:at + 64]))
            pieces.append(last)
        return b"".join(pieces[0::2] + pieces[1::2])

    block, seen = hashlib.pbkdf2_hmac("sha256", password, salt, 1, 1024), []
    for _ in range(n):
        seen.append(block)
        block = mix(block)
    for _ in range(n):
        block = mix(xor(block, seen[int.from_bytes(block[-64:-60], "little") % n]))
    return hashlib.pbkdf2_hmac("sha256", password, block, 1, 10)


def code(kind, digest):
    return scrypt(digest, b"breakglass/1 code " + kind.encode())


def check_symbol(kind, vals):
    check = SYMBOLS.index(kind)
    for i, value in enumerate(vals, 1):
        check ^= mul32(ALPHA[i], value)
    return SYMBOLS[check]


def written(kind, code10):
    """`S 7QK4-M2XD-9FTB-C3HW-S`"""
    number = int.from_bytes(code10, "big")
    vals = [number >> shift & 31 for shift in range(75, -1, -5)]
    text = "".join(SYMBOLS[v] for v in vals)
    return f"{kind} {text[:4]}-{text[4:8]}-{text[8:12]}-{text[12:]}-{check_symbol(kind, vals)}"


def read_code(kind, text):
    """The 10 bytes of a code as it was written by hand; the kind before it may be missing."""
    symbols = clean(text)
    if len(symbols) == 18 and symbols[0] == kind:
        symbols = symbols[1:]
    if len(symbols) != 17:
        raise Bad(f"a code is {kind}, four groups of four and a check symbol; this one differs")
    vals = values(symbols)
    if check_symbol(kind, vals[:16]) != symbols[16]:
        raise Bad("its check symbol does not fit: one sign or more is misread")
    return from_base32(vals[:16])


# ---- § 6 Payloads -------------------------------------------------------------------------------

class Payload:
    """One payload whose checksum and fields are right, and where it was read."""

    def __init__(self, kind, data, where):
        self.kind, self.where, body = kind, where, data[:-4]
        if kind not in ("K", "P", "M", "S", "R"):
            raise Bad("a payload of unknown kind")
        if len(data) < 5 or sha256(b"BG1", kind.encode(), body)[:4] != data[-4:]:
            raise Bad("the checksum does not fit")
        if kind == "M":
            self.manifest = Manifest(body)
        elif kind == "S":
            self.set, self.index, self.part = body[:10], body[10] if len(body) > 10 else 0, body[11:]
            if not 1 <= len(self.part) <= PART:
                raise Bad("an empty or too long sealed part")
        elif kind in ("K", "P"):
            if len(body) != 56 if kind == "K" else len(body) < 13:
                raise Bad("a share of the wrong length")
            self.set, self.copy, self.x = body[:10], body[10], body[11]
            if not 1 <= self.copy <= 26 or not 1 <= self.x <= 32:
                raise Bad(f"a share that says number {self.x}, copy {self.copy}: "
                          "there is no such sheet, it is forged")
            self.name = f"{self.x}{chr(96 + self.copy)}"
            if kind == "K":
                self.y, self.token = body[12:44], body[44:]


def read_text(text, where):
    """The payloads of the text of one code, good and refused: [Payload or Bad]."""
    found = []
    for piece in text[3:].split("U"):
        try:
            found.append(Payload(piece[:1], from_base32(values(piece[1:])), where))
        except Bad as bad:
            found.append(Bad(f"{where}: {piece[:1] or 'empty'} payload refused: {bad}"))
    return found


# ---- § 7 Typed lines ----------------------------------------------------------------------------

LABEL = re.compile("K([1-4])|[MP]([0-9]{2})|S([0-9]{1,2})-([0-9]{2})")


def place(label):
    """(kind, part, line), both from 0, or None."""
    label = label.rstrip(":").replace("-", "=").translate(READ_AS).replace("=", "-")
    match = LABEL.fullmatch(label)
    if not match:
        return None
    part, line = int(match[3] or 1), int(match[1] or match[2] or match[4])
    return (label[0], part - 1, line - 1) if part and line else None


def label_of(kind, part, line):
    return {"K": f"K{line + 1}", "S": f"S{part + 1}-{line + 1:02}"}.get(kind, f"{kind}{line + 1:02}")


def salted(where_it_belongs, vals):
    kind, part, line = where_it_belongs
    return [SYMBOLS.index(kind), part % 32, line % 32] + vals


def solve(word, holes):
    """The values for `holes` that make the word fit: a list, or None."""
    rows = []
    for root in range(1, 5):
        total = 0
        for i, value in enumerate(word):
            if i not in holes:
                total ^= mul32(value, ALPHA[root * (len(word) - 1 - i) % 31])
        rows.append([ALPHA[root * (len(word) - 1 - i) % 31] for i in holes] + [total])
    for c in range(len(holes)):                         # Gauss and Jordan
        pivot = next(r for r in range(c, 4) if rows[r][c])
        rows[c], rows[pivot] = rows[pivot], rows[c]
        inverse = MUL32[rows[c][c]].index(1)
        rows[c] = [mul32(inverse, v) for v in rows[c]]
        for r in range(4):
            if r != c:
                rows[r] = [v ^ mul32(rows[r][c], w) for v, w in zip(rows[r], rows[c])]
    if any(row[-1] for row in rows[len(holes):]):
        return None
    return [row[-1] for row in rows[:len(holes)]]


def mend(belongs, symbols):
    """(symbols, what was mended): `?` is an erasure, else one symbol may be wrong, not a salt."""
    if not 6 <= len(symbols) <= 28:
        raise Bad(f"{len(symbols)} symbols; a line has 28, only the last one of its kind is shorter")
    holes = [i + 3 for i, s in enumerate(symbols) if s == "?"]
    word = salted(belongs, values(symbols.replace("?", "0")))
    tries = [holes] if holes else [[]] + [[i] for i in range(3, len(word))]
    for positions in tries if len(holes) <= 4 else []:
        solution = solve(word, positions)
        if solution is not None:
            changed = []
            for i, value in zip(positions, solution):
                changed.append(f"read {symbols[i - 3]} as {SYMBOLS[value]} in group {(i - 3) // 4 + 1}")
                symbols = symbols[:i - 3] + SYMBOLS[value] + symbols[i - 2:]
            return symbols, changed
    raise Bad("more than one symbol is wrong")


def places_of(symbols):
    """Every place where a line fits as it is: K1 ... K4, M01 ..., P01 ..., S1-01 ..."""
    every = [("K", 0, i) for i in range(4)] + [(kind, 0, i) for kind in "MP" for i in range(99)]
    every += [("S", part, i) for part in range(32) for i in range(39)]
    if not 6 <= len(symbols) <= 28 or any(s not in SYMBOLS for s in symbols):
        return []
    vals = values(symbols)
    return [p for p in every if solve(salted(p, vals), []) is not None]


def join_lines(kind, part, lines):
    """The payload of {line: [(symbols, where)]}; where a line was typed twice the checksum decides."""
    where = lines[min(lines)][0][1]
    if sorted(lines) != list(range(len(lines))):
        missing = min(set(range(len(lines))) - set(lines))
        raise Bad(f"{where}: {label_of(kind, part, missing)} is missing")
    refusal = None
    for choice in itertools.islice(itertools.product(*(lines[i] for i in sorted(lines))), 4096):
        try:
            data = b"".join(from_base32(values(symbols[:-4])) for symbols, _ in choice)
            return Payload(kind, data, where)
        except Bad as bad:
            refusal = bad
    raise Bad(f"{where}: {label_of(kind, part, 0)} to {label_of(kind, part, len(lines) - 1)}: "
              f"{refusal}; lines are missing at the end, or are not of one sheet")


# ---- Files of codes and typed lines -------------------------------------------------------------

class Reader:
    def __init__(self):
        self.payloads = []                              # what was read
        self.blocks = []                                # [kind, part, {line: [(symbols, where)]}]
        self.faults = []                                # typed lines that cannot be used

    def file(self, path):
        name = "standard input" if path == "-" else path
        if path == "-" and sys.stdin.isatty():
            say("type the lines, each with its label; end with Ctrl-D on an empty line")
        try:
            stream = sys.stdin.buffer if path == "-" else open(path, "rb")
            data = stream.read(2**24)
        except OSError as e:
            raise Stop(2, f"`{name}` cannot be read: {e.strerror}", "give files of codes or lines")
        if b"\0" in data:
            raise Stop(2, f"`{name}` is not a text file",
                       "read the codes of a picture first: zbarimg --raw PICTURE > codes.txt")
        for number, line in enumerate(data.decode("utf-8-sig", "replace").split("\n"), 1):
            self.line(re.sub("(?i)^qr-code:", "", line.strip()).strip(), f"{name}:{number}")

    def line(self, line, where):
        if not line or line.startswith("#"):
            return
        plain, first, rest = clean(line), *(line.split(None, 1) + [""])[:2]
        if len(first) != 4 and place(first):
            self.typed(place(first), clean(rest), where)
        elif plain.startswith("BG1") and len(plain) > 28:   # every text is longer, every line shorter
            self.code(line, where)
        else:
            fits = places_of(plain)
            if len(fits) == 1:
                say(f"{where}: a line without label, it is {label_of(*fits[0])}")
                self.typed(fits[0], plain, where)
            elif fits:
                self.faults.append(f"{where}: write its label before this line, it fits "
                                   + " and ".join(label_of(*p) for p in fits))
            elif re.match("BG[0-9]", plain) and plain[2] != "1":
                say(f"{where}: this code belongs to another version of the format, left out")
            else:
                say(f"{where}: not a code and not a typed line, left out")

    def code(self, line, where):
        found = read_text(clean(line), where)
        pieces = re.split(r"\s+(?=BG1[KPMSR])", line.upper())
        if len(pieces) > 1 and any(isinstance(p, Bad) for p in found):     # several on one line
            found = [p for piece in pieces for p in read_text(clean(piece), where)]
        for payload in found:
            if isinstance(payload, Bad):
                say(str(payload))
            else:
                self.payloads.append(payload)

    def typed(self, belongs, symbols, where):
        label = label_of(*belongs)
        try:
            symbols, changed = mend(belongs, symbols)
        except Bad as bad:
            elsewhere = [label_of(*p) for p in places_of(symbols)]
            self.faults.append(f"{where}: {label}: " + (f"this is line {elsewhere[0]}" if elsewhere
                                                        else str(bad)))
            return
        if changed:
            say(f"{where}: {label}: " + ", ".join(changed))
        kind, part, line = belongs
        mine = [b for b in self.blocks if b[:2] == [kind, part]]
        if not mine or line == 0 and 0 in mine[-1][2]:  # K1 seen again starts a new sheet
            mine.append([kind, part, {}])
            self.blocks.append(mine[-1])
        same = mine[-1][2].setdefault(line, [])
        if symbols not in [s for s, _ in same]:
            same.append((symbols, where))

    def finish(self):
        for block in self.blocks:
            try:
                self.payloads.append(join_lines(*block))
            except Bad as bad:
                self.faults.append(str(bad))
        if self.faults:
            raise Stop(2, "typed lines cannot be used\n  " + "\n  ".join(self.faults),
                       "compare them with the paper, or put # before a line to leave it out")
        return self.payloads
