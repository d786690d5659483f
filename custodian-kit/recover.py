#!/usr/bin/env python3
"""recover.py 1: open a Breakglass set without the program Breakglass.

It needs this one file and Python 3.9 or newer, nothing else. It uses no network. It was written
from two texts only: the on-paper format (codes/format.md; "§ 4" below is its section 4) and the
logbook format (logbook/format.md).

  1. Take a computer without network. Bring the sheets and the paper logbook.
  2. Read the codes into a text file, one a line:   zbarimg --raw scan1.png scan2.png > codes.txt
     or type the lines of leaf 2 with their labels: K1 13WM BD7B FSM1 HJ6W 040Y E3CW BH16
     K1 to K4 of every sheet, P01, P02 ... of a locked one; all M and all S lines once. Several
     files, any order; # is a comment.
  3. python3 recover.py --output credential.bin codes.txt typed.txt
     It checks every sheet, then asks for the set code in ink, for your name and id, and why.
     Locked sheets: add --identity KEYFILE; the holder of a passphrase types it when asked.
  4. Write the check code it shows (R ....) into the paper logbook. Keep the record file.
  5. Use the credential, revoke it in time, switch the computer off (Python cannot wipe memory).

Without a person: --set-code "S 13WM-BD7B-FSM1-HJ6W-A" --operator "B. Alvarez" --id E2040 \\
                  --reason "IDP-DOWN single sign-on is out, INC-4412"
It ends with 0 when the credential was delivered, 2 when the input cannot be used, 3 when there are
fewer good shares than the set needs, 130 after Ctrl-C.
"""
import argparse, base64, datetime, getpass, hashlib, hmac, itertools, json, os, re, struct, sys

SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
READ_AS = str.maketrans("abcdefghijklmnopqrstuvwxyzILO", "ABCDEFGH1JK1MN0PQRSTUVWXYZ110", "- \t")
BECH32 = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"
PART = 570
MOST_WORK = 20
USES = {0: "IDP-DOWN", 1: "MFA-DOWN", 2: "ACL-BROKEN", 3: "FACILITY-DOWN", 4: "DATA-URGENT",
        5: "DRILL", 6: "ROTATION", **{bit: f"OWN-{bit - 7}" for bit in range(8, 16)}}

class Bad(Exception):
    """One thing that was read is refused; the text says why."""

class Closed(Bad):
    """Another key or passphrase is needed."""

class Stop(Exception):
    """The program ends: exit code, error, hint."""

def say(*lines):
    print(*lines, sep="\n", file=sys.stderr, flush=True)

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

# ---- § 2 Conventions: symbols -------------------------------------------------------------------

def clean(text):
    """Capitals; O is 0, I and L are 1; without spaces and hyphens."""
    return text.translate(READ_AS)

def values(symbols):
    vals = [SYMBOLS.find(s) for s in symbols]
    if not 1 <= len(vals) <= 4296 or min(vals) < 0:
        raise Bad("there is a sign that is not a symbol, or none at all, or too many")
    return vals

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

# ---- § 3 Shares: Shamir over GF(256). GF(32) is for § 5 and § 7 --------------------------------

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

MUL32 = [[gf_mul(a, b, 0b100101, 5) for b in range(32)] for a in range(32)]
ALPHA = [1]                                             # the powers of 2 in GF(32), 31 of them
while len(ALPHA) < 31:
    ALPHA.append(MUL32[ALPHA[-1]][2])

def interpolate(points, at):
    """The polynomial through {x: y} at `at`, byte by byte (Lagrange); at 0 it is the secret."""
    result = bytes(32)
    for x, y in points.items():
        above, below = 1, 1
        for other in points:
            if other != x:
                above, below = mul256(above, at ^ other), mul256(below, x ^ other)
        weight = mul256(above, next(v for v in range(1, 256) if mul256(v, below) == 1))
        result = bytes(r ^ mul256(weight, b) for r, b in zip(result, y))
    return result

# ---- § 3 Sealed credential, § 6 locks: age files (C2SP age v1) ----------------------------------

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
        raise Bad("the age file is damaged, or another key is needed")
    stream = b"".join(chacha20_block(key, 1 + n, nonce) for n in range((len(text) + 63) // 64))
    return bytes(a ^ b for a, b in zip(text, stream))

STANZA = rb"-> ([!-~]+(?: [!-~]+)*)\n((?:[A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/]{0,63}\n)"
HEADER = re.compile(rb"(age-encryption\.org/v1\n(?:" + STANZA + rb")+---) ([A-Za-z0-9+/]{43})\n")

def age_base64(text, size):
    try:
        data = base64.b64decode(text + b"=" * (-len(text) % 4))
    except ValueError:
        data = b""
    if len(data) != size or base64.b64encode(data).rstrip(b"=") != text:
        raise Bad("the header of the age file is malformed")
    return data

def age_parts(data):
    """(header, its MAC, payload, the stanzas: [(arguments, body)])"""
    match = HEADER.match(data)
    if not match:
        raise Bad("this is not a binary age file of version 1")
    stanzas = [(arguments.split(b" "), body.replace(b"\n", b""))
               for arguments, body in re.findall(STANZA, match[1])]
    return match[1], match[4], data[match.end():], stanzas

def x25519_file_key(stanzas, identity):
    """From the X25519 stanza; other stanzas are grease, or recipients that are not ours."""
    recipient = x25519(identity, (9).to_bytes(32, "little"))
    for arguments, body in stanzas:
        if arguments[0] != b"X25519":
            continue
        share, body = age_base64(arguments[-1], 32), age_base64(body, 32)
        shared = x25519(identity, share)
        if len(arguments) != 2 or not any(shared):
            raise Bad("the age file has a forged X25519 stanza")
        try:
            wrap = hkdf(shared, share + recipient, b"age-encryption.org/v1/X25519")
            return aead_open(wrap, bytes(12), body)
        except Bad:
            continue
    raise Closed("the age file has no X25519 recipient that fits")

def scrypt_stanza(stanzas):
    """(salt, work, body). It stands alone; too much work is refused before it is done."""
    arguments, body = stanzas[0]
    if len(stanzas) != 1 or len(arguments) != 3 or not re.fullmatch(b"[1-9][0-9]?", arguments[2]):
        raise Bad("the age file has a forged scrypt stanza")
    salt, work, body = age_base64(arguments[1], 16), int(arguments[2]), age_base64(body, 32)
    if work > MOST_WORK:
        raise Bad(f"it asks for scrypt with work factor {work}, more than {MOST_WORK} is refused")
    return salt, work, body

def scrypt_file_key(stanzas, passphrase):
    salt, work, body = scrypt_stanza(stanzas)
    try:
        wrap = scrypt(passphrase, b"age-encryption.org/v1/scrypt" + salt, 2**work, 32)
    except (ValueError, MemoryError):                   # OpenSSL says ValueError
        raise Bad(f"its passphrase needs {2**work >> 10} MiB of memory, this computer has less")
    try:
        return aead_open(wrap, bytes(12), body)
    except Bad:
        raise Closed("the passphrase does not fit")

def age_open(data, key, find_file_key=x25519_file_key):
    header, mac, payload, stanzas = age_parts(data)
    file_key = find_file_key(stanzas, key)
    expected = hmac.digest(hkdf(file_key, b"", b"header"), header, "sha256")
    if not hmac.compare_digest(expected, age_base64(mac, 32)):
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

def read_identity(text):
    """The 32 bytes of AGE-SECRET-KEY-1...: Bech32, BIP 173."""
    name, _, symbols = text.upper().rpartition("1")
    vals = [BECH32.find(s) for s in symbols]
    if name != "AGE-SECRET-KEY-" or len(vals) != 58 or min(vals) < 0:
        raise Bad("this is not an age identity, AGE-SECRET-KEY-1 and 58 symbols")
    name, check = name.lower().encode(), 1
    for value in [c >> 5 for c in name] + [0] + [c & 31 for c in name] + vals:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for bit, add in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= add if top >> bit & 1 else 0
    if check != 1:
        raise Bad("this age identity has a wrong symbol, or more: its checksum does not fit")
    return from_base32(vals[:52])

def read_identities(path):
    """The identities of a file, one a line."""
    hint = "give files as age-keygen writes them; one that is encrypted goes through age -d first"
    identities = []
    try:
        with open(path, "rb") as stream:
            for number, line in enumerate(stream, 1):
                line = line.decode("utf-8", "replace").lstrip("\ufeff").strip()
                if line and not line.startswith("#"):
                    identities.append(read_identity(line))
    except OSError as e:
        raise Stop(2, f"the identity file `{path}` cannot be read: {e.strerror}", hint)
    except Bad as bad:                                  # never the line: it could be a key
        raise Stop(2, f"{path}:{number}: {bad}", hint)
    if not identities:
        raise Stop(2, f"the identity file `{path}` has no age identity in it", hint)
    return identities

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
        _, self.k, self.n, reserved = struct.unpack(">4B", self.take(4))
        (self.generation, self.created, self.expires, self.revoke_within, self.max_session,
         self.uses, self.sealed_length) = struct.unpack(">IQQHHHI", self.take(30))
        self.sealed_hash, self.method_hash = self.take(32), self.take(32)
        self.method, self.scope = self.text(1, 32), self.text(0, 48)
        self.credential_id = self.text(0, 48)
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
            raise Bad("a text of the manifest is not UTF-8")
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

def scrypt(password, salt, n=2**15, size=10):
    """r = 8, p = 1. Python on a Mac may lack hashlib.scrypt: then RFC 7914, slowly."""
    if hasattr(hashlib, "scrypt"):
        most = 1024 * n + 2**20                         # as it needs; from 2 GiB on Python refuses
        return hashlib.scrypt(password, salt=salt, n=n, r=8, p=1, maxmem=most, dklen=size)
    say(f"computing scrypt without OpenSSL: {max(1, n >> 15)} min or more")
    return slow_scrypt(password, salt, n, size)

def slow_scrypt(password, salt, n, size=10):
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
    return hashlib.pbkdf2_hmac("sha256", password, block, 1, size)

def code(kind, digest):
    return scrypt(digest, b"breakglass/1 code " + kind.encode())

def check_symbol(kind, vals):
    check = SYMBOLS.index(kind)
    for i, value in enumerate(vals, 1):
        check ^= MUL32[ALPHA[i]][value]
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
        self.kind, self.data, self.where, body = kind, data, where, data[:-4]
        if kind not in ("K", "P", "M", "S", "R"):
            raise Bad("its kind is unknown")
        if len(data) < 5 or sha256(b"BG1", kind.encode(), body)[:4] != data[-4:]:
            raise Bad("the checksum does not fit")
        if kind == "M":
            self.manifest = Manifest(body)
        elif kind == "S":
            if not 12 <= len(body) <= 11 + PART:
                raise Bad("the sealed part is empty or too long")
            self.set, self.index, self.part = body[:10], body[10], body[11:]
        elif kind in ("K", "P"):
            if len(body) < 13 or kind == "K" and len(body) != 56:
                raise Bad("the share has a wrong length")
            self.set, self.copy, self.x = body[:10], body[10], body[11]
            self.y, self.token = body[12:44], body[44:]
            if kind == "P":                             # until it is unlocked
                self.lock, self.y, self.token = body[12:], None, None
            if not 1 <= self.copy <= 26 or not 1 <= self.x <= 32:
                raise Bad(f"it says share {self.x}, copy {self.copy}: no sheet is, it is forged")
            self.name = f"{self.x}{chr(96 + self.copy)}"

def read_text(text, where):
    """The payloads of the text of one code, good and refused: [Payload or Bad]."""
    found = []
    for piece in text[3:].split("U"):
        try:
            found.append(Payload(piece[:1], from_base32(values(piece[1:])), where))
        except Bad as bad:
            found.append(Bad(f"{where}: {piece[:1] or 'empty'} payload refused: {bad}"))
    return found

def unlock(share, key, find_file_key=x25519_file_key):
    """From then on it is a share like any other."""
    content = age_open(share.lock, key, find_file_key)
    if len(content) != 44:
        raise Bad("there is no share behind its lock")
    share.y, share.token = content[:32], content[32:]

KEY, PASSPHRASE = "--identity KEYFILE", "its passphrase on a terminal"

def try_identities(share, identities):
    """Unlocks it, or says in `locked` why not and in `asks` what does."""
    share.asks = None
    try:
        stanzas = age_parts(share.lock)[3]
        kinds = [arguments[0] for arguments, _ in stanzas]
        if b"scrypt" in kinds:
            scrypt_stanza(stanzas)
            share.asks, share.locked = PASSPHRASE, f"locked: it opens with {PASSPHRASE}"
            return
        if b"X25519" not in kinds:
            raise Bad("only an age plugin opens its lock, and this program knows none")
        for identity in identities:
            try:
                return unlock(share, identity)
            except Closed:
                continue
        share.asks, share.locked = KEY, f"locked: it opens with {KEY}"
        if identities:
            share.locked = "locked: none of the keys given with --identity opens it"
    except Bad as bad:
        share.locked = f"stays locked: {bad}"

# ---- § 7 Typed lines ----------------------------------------------------------------------------

LABEL = re.compile("K([1-4])|[MP]([0-9]{2})|S([0-9]{1,2})-([0-9]{2})")

def place_of(label):
    """(kind, part, line), both from 0, or None."""
    label = "-".join(clean(piece) for piece in label.rstrip(":").split("-"))
    match = LABEL.fullmatch(label)
    part, line = (int(match[3] or 1), int(match[1] or match[2] or match[4])) if match else (0, 0)
    return (label[0], part - 1, line - 1) if part and line else None

def label_of(kind, part, line):
    if kind == "K":
        return f"K{line + 1}"
    return f"S{part + 1}-{line + 1:02}" if kind == "S" else f"{kind}{line + 1:02}"

def syndromes(belongs, vals):
    """Three unprinted salts, then the line, as a polynomial at its roots: all 0 where it fits."""
    kind, part, line = belongs
    for root in ALPHA[1:5]:
        total = 0
        for value in [SYMBOLS.index(kind), part % 32, line % 32] + vals:
            total = MUL32[total][root] ^ value
        yield total

def solve(length, wrong, given):
    """What to add (xor) at the places `wrong` so that the syndromes vanish, or None."""
    rows = [[ALPHA[root * (length - 1 - i) % 31] for i in wrong] + [syndrome]
            for root, syndrome in enumerate(given, 1)]
    for c in range(len(wrong)):                         # Gauss and Jordan
        pivot = next(r for r in range(c, 4) if rows[r][c])
        rows[c], rows[pivot] = rows[pivot], rows[c]
        inverse = MUL32[rows[c][c]].index(1)
        rows[c] = [MUL32[inverse][v] for v in rows[c]]
        for r in range(4):
            if r != c:
                rows[r] = [v ^ MUL32[rows[r][c]][w] for v, w in zip(rows[r], rows[c])]
    if any(row[-1] for row in rows[len(wrong):]):
        return None
    return [row[-1] for row in rows[:len(wrong)]]

def mend(belongs, symbols):
    """(symbols, what was mended): up to four `?`, or else one wrong symbol, never a salt."""
    if not 6 <= len(symbols) <= 28:
        raise Bad(f"{len(symbols)} symbols; a line has 28, only the last of a payload has fewer")
    vals = values(symbols.replace("?", "0"))
    given = list(syndromes(belongs, vals))
    unread = [i for i, s in enumerate(symbols) if s == "?"]
    tries = [unread] if unread else [[]] + [[i] for i in range(len(vals))]
    for wrong in tries if len(unread) <= 4 else []:
        added = solve(len(vals), wrong, given)
        if added is not None:
            mended, changed = list(symbols), []
            for i, value in zip(wrong, added):
                mended[i] = SYMBOLS[vals[i] ^ value]
                changed.append(f"read {symbols[i]} as {mended[i]} in group {i // 4 + 1}")
            return "".join(mended), changed
    raise Bad("more than one symbol is wrong")

def places_of(symbols):
    """Every place where a line fits as it is."""
    every = [("K", 0, i) for i in range(4)] + [(kind, 0, i) for kind in "MP" for i in range(99)]
    every += [("S", part, i) for part in range(32) for i in range(39)]
    if not 6 <= len(symbols) <= 28 or any(s not in SYMBOLS for s in symbols):
        return []
    return [place for place in every if not any(syndromes(place, values(symbols)))]

def join_lines(kind, part, lines):
    """The payload of {line: [(symbols, where)]}; of a line typed twice the checksum chooses."""
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
        self.typing = path == "-" and sys.stdin.isatty()
        if self.typing:
            say("type the lines, each with its label; then Ctrl-D on an empty line")
        try:
            with open(0 if path == "-" else path, "rb", closefd=path != "-") as stream:
                for number, line in enumerate(stream, 1):
                    if b"\0" in line:
                        raise Stop(2, f"`{name}` is not a text file of codes or lines",
                                   "a picture goes through zbarimg --raw PICTURE > codes.txt first")
                    line = line.decode("utf-8", "replace").lstrip("\ufeff").strip()
                    self.line(re.sub("(?i)^qr-code:", "", line).strip(), f"{name}:{number}")
        except OSError as e:
            raise Stop(2, f"`{name}` cannot be read: {e.strerror}", "give files of codes or lines")

    def line(self, line, where):
        if not line or line.startswith("#"):
            return
        plain, first = clean(line), line.split()[0]
        if len(first) != 4 and place_of(first):
            self.typed(place_of(first), clean(line[len(first):]), where)
        elif plain.startswith("BG1") and len(plain) > 28:   # any text is longer, any line is not
            self.code(line, where)
        elif len(fits := places_of(plain)) == 1:
            say(f"{where}: a line without label, it fits {label_of(*fits[0])}")
            self.typed(fits[0], plain, where)
        elif fits:
            self.fault(f"{where}: this line needs its label, it fits "
                       + " and ".join(label_of(*place) for place in fits))
        elif re.match("BG[02-9]", plain):
            say(f"{where}: a code of another version of this format, left out")
        else:
            say(f"{where}: neither a code nor a typed line, left out")

    def fault(self, text):
        """A line that cannot be used: typed again at a keyboard, else the end."""
        if self.typing:
            say(f"{text}: type it again")
        else:
            self.faults.append(text)

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
            elsewhere = [f"this is {label_of(*place)}" for place in places_of(symbols)]
            self.fault(f"{where}: {label}: {elsewhere[0] if elsewhere else bad}")
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
        for block in self.blocks if not self.faults else []:
            try:
                self.payloads.append(join_lines(*block))
            except Bad as bad:
                self.faults.append(str(bad))
        if self.faults:
            raise Stop(2, "\n  ".join(["typed lines cannot be used"] + self.faults),
                       "compare them with the paper, or put # before a line to leave it out")
        return self.payloads

# ---- § 9 Opening: sets, commitments, sealed parts -----------------------------------------------

class Set:
    """All that was read of one set, by its set code."""

    def __init__(self, code10):
        self.written, self.manifest, self.shares, self.parts = written("S", code10), None, [], []
        self.good, self.sheets, self.locked, self.sealed, self.notes = {}, {}, [], {}, []

    def judge(self):
        m = self.manifest
        names = ", ".join(filter(None, (m.method, m.scope, m.credential_id))) if m else ""
        say("", f"set {self.written}: " + (f"{names}, generation {m.generation}, any {m.k} of {m.n}"
                                           if m else "its manifest was not read"))
        for share in self.shares:
            self.tell(share)
        for part in self.parts:
            if m and m.part_fits(part.index, part.part):
                self.sealed[part.index] = part.part
            elif m:
                self.notes.append(f"a sealed part {part.index + 1} does not fit")
                say(f"  S{part.index + 1} DOES NOT FIT: it was altered or forged ({part.where})")
        if m:
            say(f"  {len(self.good)} of {m.k} different numbers, "
                f"sealed credential: {len(self.sealed)} of {m.parts} parts")

    def tell(self, share):
        say(f"  {share.name:4}{self.verdict(share)} ({share.where})")

    def verdict(self, share):
        if self.manifest is None:
            return "cannot be judged without the manifest"
        if share.y is None and share.x <= self.manifest.n:
            self.locked.append(share)
            return share.locked
        if share.y is None or not self.manifest.share_fits(share.x, share.y):
            self.notes.append(f"a sheet that says {share.name} does not fit")
            return "DOES NOT FIT: a sheet that says so was altered or forged"
        first = self.sheets.setdefault(share.name, share)
        if (first.y, first.token) != (share.y, share.token):
            self.notes.append(f"two different sheets say {share.name}")
            return f"ANOTHER SHEET that says {share.name}, one of the two was forged; counts once"
        if self.good.setdefault(share.x, share) is not share:
            return "good, the same number again: counts once"
        return "good"

    def worth_unlocking(self):
        """Those that would count, as long as some are needed."""
        few = len(self.good) < self.manifest.k
        return [s for s in self.locked if few and s.asks and s.y is None and s.x not in self.good]

    def ask_passphrases(self):
        for share in self.locked:
            while share.asks == PASSPHRASE and share in self.worth_unlocking():
                passphrase = ask_hidden(f"Passphrase of sheet {share.name} from {share.where} "
                                        "(not shown; Enter leaves it locked):")
                if not passphrase:
                    break
                try:
                    unlock(share, passphrase, scrypt_file_key)
                    self.tell(share)
                except Closed:
                    say("that does not open it: try again")
                except Bad as bad:
                    share.asks = None
                    say(f"  {share.name:4}stays locked: {bad}")

def sort_into_sets(payloads, identities=()):
    sets, different = {}, {}
    for p in payloads:
        different.setdefault((p.kind, p.data), p)
    payloads = list(different.values())
    manifests = [p.manifest for p in payloads if p.kind == "M"]
    if len(manifests) > 16:
        raise Stop(2, "more than 16 different manifests", "give the files of one set only")
    for manifest in manifests:
        code10 = code("S", sha256(manifest.raw))
        group = sets.setdefault(code10, Set(code10))
        if group.manifest:
            raise Stop(2, f"two different manifests have the set code {group.written}",
                       "stop here: somebody forged papers; call your security team")
        group.manifest = manifest
    for p in payloads:
        if p.kind == "R":
            say(f"{p.where}: a record stub, not needed here")
        elif p.kind != "M":
            if p.kind == "P":
                try_identities(p, identities)
            group = sets.setdefault(p.set, Set(p.set))
            (group.parts if p.kind == "S" else group.shares).append(p)
    for group in sets.values():
        group.judge()
    say("")
    return sets

def choose_set(sets, args):
    """(the set, the ink or None, the sealed credential). Ink decides; nothing is guessed."""
    if not any(group.manifest for group in sets.values()):
        raise Stop(2, "no manifest was read", "add a key code, BG1K...UM..., or all lines M01, M02")
    if len(sets) == 1:
        enough(next(iter(sets.values())))
    ink = None if args.no_book else ink_code(sets, args.set_code)
    if ink is None and len(sets) > 1:
        raise Stop(2, f"{len(sets)} different sets were read, and no ink says which one is right",
                   "give the set code in ink with --set-code, or the files of one set only")
    if ink is not None and ink not in sets:
        raise Stop(2, f"nothing that was read belongs to the set in ink, {written('S', ink)}",
                   "read the paper logbook again; --no-book only when there is no book")
    group = sets[ink] if ink else next(iter(sets.values()))
    for other in sets.values():
        if other is not group:
            say(f"left out: set {other.written}, it is not the set in ink")
    if group.manifest is None:
        raise Stop(2, f"the manifest of {group.written} was not read",
                   "add a key code, BG1K...UM..., or all lines M01, M02 of this set")
    enough(group)
    missing = [f"S{i + 1}" for i in range(group.manifest.parts) if i not in group.sealed]
    if missing:
        raise Stop(2, f"the sealed credential is not complete: {', '.join(missing)} missing",
                   "take its code or lines from any other sheet of this set")
    sealed = b"".join(group.sealed[i] for i in range(group.manifest.parts))
    if sha256(sealed) != group.manifest.sealed_hash:
        raise Stop(2, "the sealed credential does not fit the manifest",
                   "take its codes or lines from another sheet of this set")
    return group, ink, sealed

def enough(group):
    m = group.manifest
    if m and len(group.good) < m.k:
        group.ask_passphrases()
    if m and len(group.good) < m.k:
        others = [str(x) for x in range(1, m.n + 1) if x not in group.good]
        hint = f"any sheet with one of the numbers {', '.join(others)} helps"
        locked = ", ".join(f"{s.name} with {s.asks}" for s in group.worth_unlocking())
        if locked:
            hint = f"unlock {locked}; or {hint}"
        raise Stop(3, f"{len(group.good)} good shares of the {m.k} that are needed", hint)

def ink_code(sets, text):
    given = text
    while True:
        if given is None:
            text = ask("Set code in ink in the paper logbook (or: no book):")
            if text is None:
                raise Stop(2, "the set code in the paper logbook is needed",
                           "--set-code CODE, or --no-book when there is no book")
            if text.lower() == "no book":
                return None
        try:
            return read_code("S", text)
        except Bad as bad:
            near = [g.written for g in sets.values()
                    if sum(a != b for a, b in zip(clean(g.written)[-17:], clean(text)[-17:])) == 1]
            hint = (f"did you write {near[0]}? " if near else "") + "read the book again"
            if given is not None:
                raise Stop(2, f"the set code was not understood: {bad}", hint)
            say(f"{bad}; {hint}")

def open_set(group, sealed):
    """Exactly k shares with different numbers; other k of them where the age file does not open."""
    points = {x: group.good[x].y for x in sorted(group.good)}
    quorums = itertools.islice(itertools.combinations(points, group.manifest.k), 10000)
    for attempt, numbers in enumerate(quorums):
        if attempt == 1:
            say("the first shares do not open it, trying others (minutes, where there are many)")
        chosen = {x: points[x] for x in numbers}
        try:
            credential = age_open(sealed, interpolate(chosen, 0))
        except Bad:
            continue
        for x in range(1, group.manifest.n + 1):
            if not group.manifest.share_fits(x, interpolate(chosen, x)):
                say(f"warning: share {x} was dealt wrong: deal a new set and rotate")
        return credential
    return None

# ---- The record: logbook/format.md --------------------------------------------------------------

def ask(question):
    """One line from the terminal; None where there is no terminal."""
    try:
        with open("/dev/tty", "r+b", buffering=0) as terminal:
            terminal.write(question.encode() + b" ")
            answer = terminal.readline().decode("utf-8", "replace")
    except OSError:
        return None
    if not answer:
        raise Stop(2, "no answer", "run it again")
    return answer.strip()

def ask_hidden(question):
    """The bytes of a passphrase from the terminal; None where there is no terminal."""
    try:
        if os.name != "nt":                             # else getpass would take standard input
            open("/dev/tty", "r+b", buffering=0).close()
        elif not sys.stdin.isatty():
            return None
        return getpass.getpass(question + " ").encode("utf-8", "replace")
    except UnicodeDecodeError:
        return b"\xff"                                  # in no passphrase: it is asked for again
    except OSError:
        return None
    except EOFError:
        raise Stop(2, "no answer", "run it again")

def answer_to(flag, answer, question):
    if answer is None:
        answer = ask(question)
        while answer == "":
            answer = ask(question)
    if not answer:
        raise Stop(2, f"{flag} is needed", f"give {flag}; it is recorded")
    if not answer.isprintable() or len(answer) > 1000:
        raise Stop(2, f"{flag} is too long or has control characters", "write plain words")
    return answer

def ask_reason(given, uses):
    """(standard code, the words)"""
    allowed = [name for bit, name in USES.items() if uses >> bit & 1]
    answer = answer_to("--reason", given, f"Why: {', '.join(allowed)}; add your words:")
    word, _, words = answer.partition(" ")
    word = word.rstrip(":").upper()
    if word not in USES.values():
        raise Stop(2, f"a reason begins with a standard code, not with `{word}`",
                   f"begin with one of {', '.join(allowed)}")
    if word not in allowed and not words:
        raise Stop(2, f"{word} is not a permitted use of this credential",
                   f"write after {word} why it cannot wait; it is recorded")
    return word, words.strip(), word in allowed

def has_route():
    """Whether a network is up (Linux says so in two files); None where that cannot be told."""
    devices = None
    for table, column in (("/proc/net/route", 0), ("/proc/net/ipv6_route", -1)):
        try:
            with open(table) as lines:
                devices = (devices or set()) | {line.split()[column] for line in lines}
        except OSError:
            continue
    return None if devices is None else bool(devices - {"Iface", "lo"})

def stamp(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")

def make_record(group, ink, args, prev_code, now):
    """(the line without line feed, when it is to be revoked)"""
    m = group.manifest
    name = answer_to("--operator", args.operator, "Your name:")
    person = answer_to("--id", args.id, "Your id:")
    reason, words, permitted = ask_reason(args.reason, m.uses)
    due = now + datetime.timedelta(hours=m.revoke_within)
    notes = list(group.notes)
    if ink is None:
        notes.insert(0, "no ink: the set code was not held against the paper book")
    if not permitted:
        notes.append("the reason is not a permitted use")
    sheets = sorted(group.sheets.values(), key=lambda s: (s.x, s.copy))
    with open(__file__, "rb") as me:
        program = {"version": "recover.py 1", "sha256": sha256(me.read()).hex()}
    offset = datetime.datetime.now().astimezone().strftime("%z")
    record = {"v": 1, "prev_code": prev_code, "event": "RELEASE", "at": stamp(now),
              "clock": "operator" if args.at else "system", "tz": offset[:3] + ":" + offset[3:5],
              "method": m.method, "generation": m.generation, "set": group.written,
              "sheets": [s.name for s in sheets], "operator": {"name": name, "id": person},
              "reason": reason, "reason_text": words, "revoke_due": stamp(due),
              "network": has_route(), "program": program, "note": "; ".join(notes)}
    record = {key: value for key, value in record.items() if value not in (None, "")}
    core = json.dumps(record, ensure_ascii=False, separators=(",", ":"))[:-1].encode()
    tags = {s.name: presence_tag(s.token, core) for s in sheets}
    return core + b',"presence":' + json.dumps(tags, separators=(",", ":")).encode() + b"}", due

def presence_tag(token, core):
    return hmac.digest(token, b"breakglass/1 presence" + core, "sha256")[:16].hex()

def write_new(path, data):
    """A new file, only for its owner, on the disk before this returns."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(handle)
    except OSError:
        os.unlink(path)
        raise
    try:
        folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    except OSError:
        pass                                            # not every file system can

def keep_record(line, path):
    check_code = written("R", code("R", sha256(line)))
    path = path or f"record-{check_code[2:6]}.json"
    say("", line.decode(), "", f"check code of this record: {check_code}")
    try:
        write_new(path, line + b"\n")
        say(f"record written to {path}; copy the check code into the paper logbook")
    except OSError as e:
        say(f"warning: the record could not be written to {path}: {e.strerror}",
            "COPY THE CHECK CODE AND THE LINE ABOVE INTO THE PAPER LOGBOOK NOW")

# ---- The command --------------------------------------------------------------------------------

def arguments(argv):
    parser = argparse.ArgumentParser(prog="recover.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("files", nargs="*", metavar="FILE", help="codes and typed lines; -: standard input")
    add("-i", "--identity", metavar="KEYFILE", action="append", default=[],
        help="age keys, AGE-SECRET-KEY-1..., for locked sheets; may be given several times")
    add("--output", metavar="FILE", help="write the credential to this new file")
    add("--show", action="store_true", help="show the credential on the terminal")
    add("--set-code", metavar="CODE", help="the set code in ink in the paper logbook")
    add("--no-book", action="store_true", help="there is no paper logbook; this is recorded")
    add("--operator", metavar="NAME", help="who opens")
    add("--id", help="the operator's id")
    add("--reason", metavar="'CODE WORDS'", help="a standard code, then your words")
    add("--record", metavar="FILE", help="where the record goes; else ./record-XXXX.json")
    add("--prev-code", metavar="CODE", help="the last check code in the paper logbook")
    add("--at", metavar="TIME", help="the time in UTC, 2026-11-24T04:02:11Z, if the clock is wrong")
    return parser.parse_args(argv)

def check_flags(args):
    """(previous check code, time). What would fail later is refused before anything is recorded."""
    if args.no_book and args.set_code:
        raise Stop(2, "--no-book and --set-code contradict each other", "give one of them")
    if args.output:
        if os.path.lexists(args.output):
            raise Stop(2, f"`{args.output}` is there already", "give a new name to --output")
        if not os.access(os.path.dirname(args.output) or ".", os.W_OK):
            raise Stop(2, f"`{args.output}` cannot be written there", "give another --output")
    elif sys.stdout.isatty() and not args.show:
        raise Stop(2, "it has to be said where the credential goes",
                   "add --output FILE, or --show to see it on this terminal")
    try:
        now = datetime.datetime.strptime(args.at, "%Y-%m-%dT%H:%M:%SZ") if args.at else \
            datetime.datetime.now(datetime.timezone.utc)
    except ValueError:
        raise Stop(2, "--at is not a time", "write it as 2026-11-24T04:02:11Z (UTC)")
    try:
        prev = written("R", read_code("R", args.prev_code)) if args.prev_code else "book not here"
    except Bad as bad:
        raise Stop(2, f"--prev-code: {bad}", "read it again, or leave --prev-code out")
    return prev, now.replace(microsecond=0, tzinfo=datetime.timezone.utc)

def run(argv):
    args = arguments(argv)
    prev_code, now = check_flags(args)
    identities = [identity for path in args.identity for identity in read_identities(path)]
    reader = Reader()
    for path in args.files or ["-"]:
        reader.file(path)
    group, ink, sealed = choose_set(sort_into_sets(reader.finish(), identities), args)
    if group.manifest.expires and now.timestamp() > group.manifest.expires:
        say("warning: the platform may have let this credential expire")
    if now.timestamp() < group.manifest.created:
        say(f"warning: the clock says {stamp(now)}, before this set was made; see --at")
    line, due = make_record(group, ink, args, prev_code, now)
    keep_record(line, args.record)
    credential = open_set(group, sealed)
    if credential is None:
        raise Stop(2, "the sheets fit, but the credential does not open: this set was dealt wrong",
                   "write VOID beside the check code in the paper logbook, and open another set")
    try:
        if args.output:
            write_new(args.output, credential)
        else:
            with open(1, "wb", closefd=False) as out:
                out.write(credential)
    except OSError as e:
        raise Stop(2, f"opened, but the credential could not be delivered: {e.strerror}",
                   "write VOID beside the check code, and run it again with another --output")
    say("", f"revoke before {due.strftime('%Y-%m-%d %H:%M:%S')} UTC")

def main(argv=None):
    try:
        run(argv)
        return 0
    except Stop as stop:
        say(f"error: {stop.args[1]}", "", f"hint: {stop.args[2]}")
        return stop.args[0]
    except KeyboardInterrupt:
        say("", "stopped")
        return 130
    except Exception as fault:                          # never its text: it could hold a secret
        trace = fault.__traceback__
        while trace.tb_next:
            trace = trace.tb_next
        say(f"error: {type(fault).__name__} in line {trace.tb_lineno} of recover.py", "",
            "hint: this is a fault of recover.py; write down the line")
        return 2

if __name__ == "__main__":
    sys.exit(main())
