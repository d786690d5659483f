"""custodian-kit/recover.py against the worked sets, and against what must never pass.

python3 tests/recover_test.py
"""
import base64
import contextlib
import functools
import hashlib
import hmac
import importlib.util
import io
import itertools
import json
import os
import re
import stat
import subprocess
import sys
import tempfile
import types
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAM = HERE.parent / "custodian-kit" / "recover.py"
VECTORS = json.loads((HERE / "vectors" / "format1.json").read_text())
ONE, TWO, LOCKED = VECTORS["one_part"], VECTORS["two_parts"], VECTORS["locked"]

spec = importlib.util.spec_from_file_location("recover", PROGRAM)
rc = importlib.util.module_from_spec(spec)
sys.dont_write_bytecode = True
spec.loader.exec_module(rc)

WHO = ["--operator", "B. Alvarez", "--id", "E2040", "--reason", "IDP-DOWN single sign-on is out"]
INK = ["--set-code", ONE["set_code"]["written"]]
INK2 = ["--set-code", TWO["set_code"]["written"]]

real_scrypt = functools.lru_cache(None)(rc.scrypt)


def quick_scrypt(password, salt, *more):
    """Only where nobody looks at the check code of a record: it takes a tenth of a second."""
    return hashlib.sha256(password).digest()[:10] if salt.endswith(b"R") else real_scrypt(password, salt, *more)


rc.scrypt = real_scrypt


# ---- A small writer: what a dealer would print ----

def base32(data):
    bits = "".join(f"{b:08b}" for b in data)
    bits += "0" * (-len(bits) % 5)
    return "".join(rc.SYMBOLS[int(bits[i:i + 5], 2)] for i in range(0, len(bits), 5))


def with_checksum(kind, body):
    return body + hashlib.sha256(b"BG1" + kind.encode() + body).digest()[:4]


def text(kind, body):
    return "BG1" + kind + base32(with_checksum(kind, body))


def check_symbols(kind, part, line, vals):
    """Remainder of the division by x^4 + 30x^3 + 6x^2 + 9x + 17."""
    generator, rest = [1, 30, 6, 9, 17], [0, 0, 0, 0]
    for v in [rc.SYMBOLS.index(kind), part % 32, line % 32] + vals:
        factor = v ^ rest[0]
        rest = [r ^ rc.MUL32[factor][g] for r, g in zip(rest[1:] + [0], generator[1:])]
    return "".join(rc.SYMBOLS[r] for r in rest)


def typed(kind, data, part=0):
    lines = []
    for number, at in enumerate(range(0, len(data), 15)):
        symbols = base32(data[at:at + 15])
        symbols += check_symbols(kind, part, number, [rc.SYMBOLS.index(s) for s in symbols])
        lines.append(f"{rc.label_of(kind, part, number)} {symbols}")
    return lines


def grouped(line):
    label, symbols = line.split()
    return " ".join([label] + [symbols[i:i + 4] for i in range(0, len(symbols), 4)])


def share_body(set_code, copy_, x, y, token=bytes(12)):
    return set_code + bytes([copy_, x]) + y + token


def seal(key, nonce, plain):
    """ChaCha20-Poly1305, RFC 8439."""
    blocks = [rc.chacha20_block(key, n, nonce) for n in range(len(plain) // 64 + 2)]
    text = bytes(a ^ b for a, b in zip(plain, b"".join(blocks[1:])))
    r, s = (int.from_bytes(blocks[0][at:at + 16], "little") for at in (0, 16))
    r &= 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    padded, tag = text + bytes(-len(text) % 16) + bytes(8) + len(text).to_bytes(8, "little"), 0
    for at in range(0, len(padded), 16):
        tag = (tag + int.from_bytes(padded[at:at + 16] + b"\1", "little")) * r % (2**130 - 5)
    return text + ((tag + s) % 2**128).to_bytes(16, "little")


FILE_KEY = bytes(range(16))
CURVE_BASE = (9).to_bytes(32, "little")


def base64_of(data):
    return base64.b64encode(data).rstrip(b"=")


def stanza(arguments, body):
    body = base64_of(body)
    lines = [body[at:at + 64] for at in range(0, len(body) + 1, 64)]
    return b"-> " + arguments + b"\n" + b"".join(line + b"\n" for line in lines)


def for_key(identity, ephemeral=b"\3" * 32):
    share, recipient = rc.x25519(ephemeral, CURVE_BASE), rc.x25519(identity, CURVE_BASE)
    wrap = rc.hkdf(rc.x25519(ephemeral, recipient), share + recipient, b"age-encryption.org/v1/X25519")
    return stanza(b"X25519 " + base64_of(share), seal(wrap, bytes(12), FILE_KEY))


def for_passphrase(passphrase, work=1):
    salt = b"sixteen bytes..."
    wrap = hashlib.scrypt(passphrase, salt=b"age-encryption.org/v1/scrypt" + salt, n=2**work, r=8, p=1, dklen=32)
    return stanza(b"scrypt " + base64_of(salt) + b" %d" % work, seal(wrap, bytes(12), FILE_KEY))


def age_file(plain, *stanzas):
    header = b"age-encryption.org/v1\n" + b"".join(stanzas) + b"---"
    mac = hmac.digest(rc.hkdf(FILE_KEY, b"", b"header"), header, "sha256")
    payload = seal(rc.hkdf(FILE_KEY, b"n" * 16, b"payload"), bytes(11) + b"\1", plain)
    return header + b" " + base64_of(mac) + b"\n" + b"n" * 16 + payload


def locked_body(vector, name, *stanzas, content=None):
    """The payload of a sheet of the vector, locked; its checksum not yet at its end."""
    known = sheet(vector, name)
    content = content or bytes.fromhex(known["y"] + known["token"])
    head = bytes.fromhex(vector["set_code"]["bytes"]) + bytes([ord(name[-1]) - 96, int(name[:-1])])
    return head + age_file(content, *stanzas)


def points(vector):
    return {int(s["sheet"][:-1]): bytes.fromhex(s["y"]) for s in vector["sheets"]}


def commitment(sealed_hash, x, y):
    return hashlib.sha256(b"breakglass/1 share" + sealed_hash + bytes([x]) + y).digest()[:16]


def redeal(vector, change):
    """The vector's set again with other shares: (set code, M text, {x: K text}, S text)."""
    shares = change(points(vector))
    raw = bytes.fromhex(vector["manifest"]["bytes"])
    first = len(raw) - 16 * len(shares)
    sealed_hash = hashlib.sha256(bytes.fromhex(vector["sealed"])).digest()
    raw = raw[:first] + b"".join(commitment(sealed_hash, x, shares[x]) for x in sorted(shares))
    code10 = rc.code("S", hashlib.sha256(raw).digest())
    keys = {x: text("K", share_body(code10, 1, x, y)) for x, y in shares.items()}
    return code10, text("M", raw), keys, text("S", code10 + b"\0" + bytes.fromhex(vector["sealed"]))


def sheet(vector, name):
    return next(s for s in vector["sheets"] if s["sheet"] == name)


def codes(vector, *names):
    return [sheet(vector, n)["key_code"] for n in names] + [s["text"] for s in vector["S"]]


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        self.folder = Path(folder.name)
        os.chdir(self.folder)
        self.addCleanup(setattr, rc, "scrypt", real_scrypt)
        rc.scrypt = quick_scrypt
        self.answers, self.asked = [], []
        self.addCleanup(setattr, rc, "ask", rc.ask)
        rc.ask = self.answer
        self.passphrases, self.asked_hidden = [], []
        self.addCleanup(setattr, rc, "ask_hidden", rc.ask_hidden)
        rc.ask_hidden = self.answer_hidden
        self.synced = []
        self.addCleanup(setattr, os, "fsync", os.fsync)
        os.fsync = self.synced.append

    def answer(self, question):
        self.asked.append(question)
        return self.answers.pop(0) if self.answers else None

    def answer_hidden(self, question):
        self.asked_hidden.append(question)
        return self.passphrases.pop(0) if self.passphrases else None

    def recover(self, lines, *flags, who=WHO):
        """In this process: the exit code, what was said, the credential, the record."""
        with tempfile.TemporaryDirectory(dir=self.folder) as inner:
            os.chdir(inner)
            Path("in.txt").write_text("\n".join(lines) + "\n")
            said = io.StringIO()
            with contextlib.redirect_stderr(said):
                code = rc.main(["--output", "out", *flags, *who, "in.txt"])
            got = types.SimpleNamespace()
            got.code, got.said = code, said.getvalue()
            got.credential = Path("out").read_bytes() if Path("out").exists() else None
            records = list(Path().glob("record-*.json"))
            got.record = records[0].read_bytes() if records else None
            got.record_name = records[0].name if records else None
            os.chdir(self.folder)
        return got

    def opens(self, lines, *flags, secret=ONE["secret"]):
        got = self.recover(lines, *flags)
        self.assertEqual(got.code, 0, got.said)
        self.assertEqual(got.credential, bytes.fromhex(secret))
        self.assertIsNotNone(got.record)
        return got

    def refuses(self, code, words, lines, *flags, **more):
        got = self.recover(lines, *flags, **more)
        self.assertEqual(got.code, code, got.said)
        self.assertIn(words, got.said)
        self.assertIsNone(got.credential)
        self.assertIsNone(got.record)
        self.assertRegex(got.said, r"error: .*[^.\n]\n(  .*\n)*\nhint: .*[^.\n]\n$")
        return got


# ---- The worked sets ----

class Worked(unittest.TestCase):
    def payload(self, kind, code_text):
        found = rc.read_text(rc.clean(code_text), "here")
        self.assertEqual([p.kind for p in found], [kind])
        return found[0]

    def lines(self, kind, part, lines):
        reader = rc.Reader()
        reader.typing = False
        for number, line in enumerate(lines):
            reader.line(line, f"here:{number}")
        found = reader.finish()
        self.assertEqual([p.kind for p in found], [kind])
        return found[0]

    def test_manifests_and_set_codes(self):
        for vector in (ONE, TWO):
            known = vector["manifest"]
            read = self.payload("M", vector["M"]["text"]).manifest
            self.assertEqual(read.raw.hex(), known["bytes"])
            mine = dict(k=read.k, n=read.n, generation=read.generation, created=read.created,
                        expires=read.expires, revoke_within_h=read.revoke_within,
                        max_session_min=read.max_session, permitted_uses=read.uses,
                        id=read.method, scope=read.scope, credential_id=read.credential_id,
                        bytes=read.raw.hex())
            self.assertEqual(mine, known)
            self.assertEqual(read.sealed_hash, hashlib.sha256(bytes.fromhex(vector["sealed"])).digest())
            self.assertEqual(read.method_hash,
                             hashlib.sha256(bytes.fromhex(vector["dealt_method"])).digest())
            code10 = rc.code("S", rc.sha256(read.raw))
            self.assertEqual(code10.hex(), vector["set_code"]["bytes"])
            self.assertEqual(rc.written("S", code10), vector["set_code"]["written"])
            self.assertEqual(rc.read_code("S", vector["set_code"]["written"].lower()), code10)
            self.assertEqual(rc.read_code("S", vector["set_code"]["written"][2:]), code10)
            self.assertEqual(self.lines("M", 0, vector["M"]["lines"]).manifest.raw, read.raw)
            self.assertEqual(typed("M", with_checksum("M", read.raw)), vector["M"]["lines"])
            self.assertEqual(text("M", read.raw), vector["M"]["text"])

    def test_sheets(self):
        for vector in (ONE, TWO):
            manifest = self.payload("M", vector["M"]["text"]).manifest
            code10 = bytes.fromhex(vector["set_code"]["bytes"])
            for known in vector["sheets"]:
                read = self.payload("K", known["text"])
                self.assertEqual((read.name, read.y.hex(), read.token.hex(), read.set),
                                 (known["sheet"], known["y"], known["token"], code10))
                self.assertEqual(self.lines("K", 0, known["lines"]).data, read.data)
                self.assertEqual(typed("K", read.data), known["lines"])
                both = rc.read_text(known["key_code"], "here")
                self.assertEqual([both[0].data, both[1].manifest.raw], [read.data, manifest.raw])
                self.assertTrue(manifest.share_fits(read.x, read.y))
                paper = rc.sha256(b"breakglass/1 sheet", code10, bytes([read.copy, read.x]), read.token)
                self.assertEqual(paper[:16].hex(), known["sheet_hash"])

    def test_sealed_parts(self):
        for vector in (ONE, TWO):
            manifest = self.payload("M", vector["M"]["text"]).manifest
            whole = b""
            for index, known in enumerate(vector["S"]):
                read = self.payload("S", known["text"])
                self.assertEqual(self.lines("S", index, known["lines"]).data, read.data)
                self.assertEqual(typed("S", read.data, index), known["lines"])
                self.assertEqual(read.index, index)
                self.assertTrue(manifest.part_fits(index, read.part))
                self.assertFalse(manifest.part_fits(index + 1, read.part))
                self.assertFalse(manifest.part_fits(index, read.part[:-1] + b"\0"))
                whole += read.part
            self.assertEqual(whole.hex(), vector["sealed"])

    def test_polynomial_and_identity(self):
        for vector in (ONE, TWO):
            k, known = vector["manifest"]["k"], points(vector)
            identity = bytes.fromhex(vector["identity"])
            for numbers in itertools.combinations(known, k):
                chosen = {x: known[x] for x in numbers}
                self.assertEqual(rc.interpolate(chosen, 0), identity)
                for x in known:
                    self.assertEqual(rc.interpolate(chosen, x), known[x])
            rows = [identity] + [bytes.fromhex(c) for c in vector["coefficients"]]
            for x, y in known.items():
                value = bytes(32)
                for row in reversed(rows):
                    value = bytes(rc.mul256(v, x) ^ r for v, r in zip(value, row))
                self.assertEqual(value, y)
            self.assertEqual(rc.age_open(bytes.fromhex(vector["sealed"]), identity).hex(), vector["secret"])

    def test_locked_sheet(self):
        read = self.payload("P", LOCKED["text"])
        self.assertEqual((read.name, read.set.hex()), (LOCKED["sheet"], ONE["set_code"]["bytes"]))
        self.assertEqual(read.data[12:-4].hex(), LOCKED["age_file"])
        self.assertEqual(self.lines("P", 0, LOCKED["lines"]).data, read.data)

    def test_codes_of_a_record(self):
        known = VECTORS["line_codes"]
        self.assertEqual(rc.presence_tag(bytes.fromhex(sheet(ONE, "1a")["token"]), known["core"].encode()),
                         known["presence_1a"])
        self.assertEqual(rc.written("R", rc.code("R", rc.sha256(known["line"].encode()))),
                         known["check_code"])

    def test_the_line_of_the_specification(self):
        self.assertEqual(rc.mend(("K", 0, 0), "0123456789ABCDEFGHJKMNPQAATA"),
                         ("0123456789ABCDEFGHJKMNPQAATA", []))


class Building(unittest.TestCase):
    """The parts that were written out because the standard library has none."""

    def test_x25519_rfc7748(self):
        scalar = bytes.fromhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4")
        u = bytes.fromhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")
        self.assertEqual(rc.x25519(scalar, u).hex(),
                         "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")

    def test_chacha20_rfc8439(self):
        block = rc.chacha20_block(bytes(range(32)), 1, bytes.fromhex("000000090000004a00000000"))
        self.assertEqual(block.hex()[:64],
                         "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e")

    def test_scrypt_without_openssl(self):
        for n in (2, 16):
            self.assertEqual(rc.slow_scrypt(b"word", b"salt", n),
                             hashlib.scrypt(b"word", salt=b"salt", n=n, r=8, p=1, dklen=10))

    def test_every_damaged_byte_of_an_age_file_is_refused(self):
        sealed, identity = bytes.fromhex(ONE["sealed"]), bytes.fromhex(ONE["identity"])
        for at in range(len(sealed)):
            with self.assertRaises(rc.Bad, msg=at):
                rc.age_open(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1:], identity)
        for end in range(0, len(sealed), 7):
            with self.assertRaises(rc.Bad):
                rc.age_open(sealed[:end], identity)
        for wrong in (sealed + b"\n", sealed.replace(b"\n", b"\r\n", 1), b"\n" + sealed):
            with self.assertRaises(rc.Bad):
                rc.age_open(wrong, identity)
        with self.assertRaises(rc.Bad):
            rc.age_open(sealed, bytes(32))

    def test_an_age_file_for_a_passphrase_only_is_refused(self):
        header = b"age-encryption.org/v1\n-> scrypt " + b"A" * 22 + b" 18\n" + b"A" * 43 + b"\n--- "
        with self.assertRaisesRegex(rc.Bad, "no X25519 recipient"):
            rc.age_open(header + b"A" * 43 + b"\n" + bytes(64), bytes.fromhex(ONE["identity"]))

    def test_base32_filling_and_length(self):
        for wrong in ("01", "0", "000", "00000001" + "0", "0000000001"[:-1] + "0" * 2 + "0"):
            vals = rc.values(wrong)
            if len(vals) * 5 % 8 < 5 and not vals[-1] & ((1 << len(vals) * 5 % 8) - 1):
                continue
            with self.assertRaises(rc.Bad, msg=wrong):
                rc.from_base32(vals)
        self.assertEqual(rc.from_base32(rc.values("04")), b"\1")


# ---- Manifests that must be refused ----

class Manifests(unittest.TestCase):
    RAW = bytes.fromhex(ONE["manifest"]["bytes"])

    def refused(self, raw, words=""):
        with self.assertRaisesRegex(rc.Bad, words):
            rc.Manifest(raw)

    def put(self, at, new):
        return self.RAW[:at] + new + self.RAW[at + len(new):]

    def test_fields(self):
        rc.Manifest(self.RAW)
        self.refused(self.put(0, b"\2"), "another version")
        self.refused(self.put(0, b"\0"), "another version")
        for k, n in ((0, 5), (1, 5), (6, 5), (2, 33), (3, 1)):
            self.refused(self.put(1, bytes([k, n])))
        self.refused(self.put(3, b"\1"), "out of its range")
        self.refused(self.put(4, bytes(4)), "out of its range")             # generation
        self.refused(self.put(24, bytes(2)), "out of its range")            # revoke within
        self.refused(self.put(26, bytes(2)), "out of its range")            # max session
        self.refused(self.put(28, b"\0\x80"), "out of its range")           # bit 7
        rc.Manifest(self.put(28, b"\xff\x7f"))
        self.refused(self.put(30, bytes(4)), "out of its range")            # sealed length
        self.refused(self.put(30, b"\0\0\2\x3b"), "too short")              # 571: two parts
        self.refused(self.put(30, b"\xff\xff\xff\xff"), "out of its range")

    def test_length(self):
        for end in range(len(self.RAW)):
            self.refused(self.RAW[:end])
        self.refused(self.RAW + b"\0", "left over")

    def test_texts(self):
        start = 98
        self.assertEqual(self.RAW[start], len("aws-payments-prod"))
        rest = self.RAW[start + 18:]
        for name, fine in (("é", True), ("e\u0301", True), ("\U0001f511", True), ("a" * 32, True),
                           ("", False), ("a" * 33, False), ("a\nb", False), ("a\u200fb", False), ("a\u2029b", False),
                           ("a\u202eb", False), ("\u2066", False), ("\u061c", False), ("\x7f", False),
                           ("\x85", False)):
            raw = self.RAW[:start] + bytes([len(name.encode())]) + name.encode() + rest
            if fine:
                self.assertEqual(rc.Manifest(raw).method, name)
            else:
                self.refused(raw, "text of the manifest")
        self.refused(self.RAW[:start] + b"\1\xff" + rest, "UTF-8")


# ---- Opening ----

class Opening(Case):
    def test_every_quorum_and_copy(self):
        found = {}
        for s in ONE["sheets"]:
            found.setdefault(s["sheet"][:-1], []).append(s["sheet"])
        sealed = bytes.fromhex(ONE["sealed"])
        for numbers in itertools.combinations(sorted(found), 3):
            for names in itertools.product(*(found[x] for x in numbers)):
                payloads = [p for line in codes(ONE, *names) for p in rc.read_text(line, "here")]
                with contextlib.redirect_stderr(io.StringIO()):
                    group = rc.sort_into_sets(payloads)[bytes.fromhex(ONE["set_code"]["bytes"])]
                    self.assertEqual(rc.open_set(group, sealed).hex(), ONE["secret"])
                self.assertEqual(sorted(group.sheets), sorted(names))

    def test_codes_in_any_shape(self):
        lines = codes(ONE, "1a", "3b", "4a")
        self.opens(lines, *INK)
        self.opens(["", "# scanned by Ana", *("QR-Code:" + s for s in reversed(lines)), ""], *INK)
        self.opens([s.lower().replace("0", "o").replace("1", "l") for s in lines], *INK)
        self.opens([" ".join(s[i:i + 4] for i in range(0, len(s), 4)) + "\r" for s in lines], *INK)
        self.opens(["\ufeff" + lines[0], *lines[1:], *lines], *INK)
        self.opens([" ".join(lines)], *INK)
        got = self.opens(lines + ["hello", "BG2K0123", "BG2" + "0" * 60], *INK)
        self.assertIn("in.txt:5: neither a code nor a typed line", got.said)
        self.assertIn("in.txt:6: a code of another version", got.said)
        self.assertIn("in.txt:7: a code of another version", got.said)

    def test_typed(self):
        lines = [grouped(s) for part in (*(sheet(ONE, n)["lines"] for n in ("2a", "3a", "5b")),
                                         ONE["M"]["lines"], ONE["S"][0]["lines"]) for s in part]
        got = self.opens(lines, *INK)
        self.assertIn("5b  good (in.txt:9)", got.said)
        backwards = [s.lower().replace("0", "O").replace("1", "i") for s in reversed(lines[12:])]
        self.opens(backwards + lines[:12], *INK)
        self.opens(["k3:" + lines[2][2:] if i == 2 else s for i, s in enumerate(lines)], *INK)

    def test_two_parts(self):
        self.opens(codes(TWO, "1a", "3a"), *INK2, secret=TWO["secret"])
        self.opens(codes(TWO, "2a", "3a")[::-1], *INK2, secret=TWO["secret"])
        mixed = codes(TWO, "1a")[:-1] + sheet(TWO, "2a")["lines"] + TWO["S"][1]["lines"]
        self.opens(mixed, *INK2, secret=TWO["secret"])
        self.refuses(2, "S2 missing", codes(TWO, "1a", "2a")[:-1], *INK2)
        self.refuses(2, "S1 missing", codes(TWO, "1a", "2a")[:2] + codes(TWO)[1:], *INK2)

    def test_too_few(self):
        hint = "numbers 2, 3, 5"
        self.assertIn(hint, self.refuses(3, "2 good shares of the 3", codes(ONE, "1a", "4b"), *INK).said)
        self.refuses(3, "2 good shares", codes(ONE, "1a", "4b", "1a", "4b"), *INK)
        got = self.refuses(3, "2 good shares", codes(ONE, "1a", "1b", "4b"), *INK)
        self.assertIn("1b  good, the same number again", got.said)
        self.refuses(2, "no manifest was read", [sheet(ONE, n)["text"] for n in ("1a", "2a", "3a")], *INK)
        self.refuses(2, "no manifest was read", ["# nothing"], *INK)

    def test_more_than_enough(self):
        got = self.opens(codes(ONE, *(s["sheet"] for s in ONE["sheets"])), *INK)
        self.assertEqual(json.loads(got.record)["sheets"], sorted(s["sheet"] for s in ONE["sheets"]))

    def forged(self, x, copy_=1, change=b"\1", vector=ONE):
        y = points(vector).get(x, bytes(32))
        y = bytes([y[0] ^ change[0]]) + y[1:]
        return text("K", share_body(bytes.fromhex(vector["set_code"]["bytes"]), copy_, x, y))

    def test_a_forged_share_is_named_even_with_exactly_k(self):
        got = self.refuses(3, "3a  DOES NOT FIT", codes(ONE, "1a", "4b") + [self.forged(3)], *INK)
        self.assertIn("(in.txt:4)", got.said)
        got = self.opens(codes(ONE, "1a", "4b", "5a") + [self.forged(3)], *INK)
        self.assertIn("a sheet that says 3a does not fit", json.loads(got.record)["note"])
        self.refuses(3, "6a  DOES NOT FIT", codes(ONE, "1a", "4b") + [self.forged(6)], *INK)

    def test_share_zero_and_other_impossible_sheets(self):
        zero = self.forged(0)
        self.refuses(3, "in.txt:4: K payload refused: it says share 0", codes(ONE, "1a", "4b") + [zero], *INK)
        got = self.opens(codes(ONE, "1a", "4b", "5b") + [zero], *INK)
        self.assertEqual(json.loads(got.record)["sheets"], ["1a", "4b", "5b"])
        for wrong in (self.forged(33), self.forged(1, 0), self.forged(1, 27)):
            self.refuses(3, "it is forged", codes(ONE, "2a", "4b") + [wrong], *INK)
        typed_zero = typed("K", with_checksum("K", share_body(bytes(10), 1, 0, bytes(32))))
        self.refuses(2, "it says share 0", codes(ONE, "1a", "2a", "3a") + typed_zero, *INK)

    def test_two_sheets_of_one_name(self):
        code10 = bytes.fromhex(ONE["set_code"]["bytes"])
        twin = text("K", share_body(code10, 1, 1, points(ONE)[1], b"not my token"))
        got = self.opens(codes(ONE, "1a", "2a", "3a") + [twin], *INK)
        self.assertIn("1a  ANOTHER SHEET", got.said)
        self.assertIn("two different sheets say 1a", json.loads(got.record)["note"])
        self.refuses(3, "2 good shares", codes(ONE, "1a", "2a") + [twin], *INK)

    def test_altered_sealed_part(self):
        code10 = bytes.fromhex(ONE["set_code"]["bytes"])
        sealed = bytes.fromhex(ONE["sealed"])
        wrong = text("S", code10 + b"\0" + sealed[:-1] + bytes([sealed[-1] ^ 1]))
        shares = codes(ONE, "1a", "2a", "3a")[:3]
        self.assertIn("S1 DOES NOT FIT", self.refuses(2, "S1 missing", shares + [wrong], *INK).said)
        self.opens(shares + [wrong, ONE["S"][0]["text"]], *INK)
        for body in (code10 + b"\0", code10 + b"\0" + bytes(571), code10):
            impossible = text("S", body)
            self.assertIsInstance(rc.read_text(impossible, "here")[0], rc.Bad)
            self.refuses(2, "S1 missing", shares + [impossible], *INK)

    def test_foreign_set_mixed_in(self):
        mixed = codes(ONE, "1a", "2a", "3a") + codes(TWO, "1a", "2a")
        got = self.refuses(2, "2 different sets were read", mixed, "--no-book")
        for vector in (ONE, TWO):
            self.assertIn("set " + vector["set_code"]["written"], got.said)
        self.assertIn("left out: set " + TWO["set_code"]["written"], self.opens(mixed, *INK).said)
        self.opens(mixed, *INK2, secret=TWO["secret"])
        few = codes(ONE, "1a", "2a") + codes(TWO, "1a", "2a")
        self.refuses(3, "2 good shares of the 3", few, *INK)
        stray = codes(ONE, "1a", "2a", "3a") + [sheet(TWO, "1a")["text"]]
        self.assertIn("cannot be judged without the manifest", self.opens(stray, *INK).said)
        self.refuses(2, "different sets", stray, "--no-book")
        self.refuses(2, "the manifest of " + TWO["set_code"]["written"], stray, *INK2)

    def test_a_second_manifest_for_the_same_shares(self):
        _, manifest, keys, sealed = redeal(ONE, lambda s: {**s, 1: bytes(32)})
        mixed = codes(ONE, "1a", "2a", "3a") + [manifest]
        self.refuses(2, "2 different sets", mixed, "--no-book")
        self.opens(mixed, *INK)

    def test_a_broken_code_does_not_spoil_the_others(self):
        line = sheet(ONE, "2a")["key_code"]
        lines = codes(ONE, "1a", "3a", "4a") + [line[:50] + ("0" if line[50] != "0" else "1") + line[51:]]
        got = self.opens(lines, *INK)
        self.assertIn("in.txt:5: K payload refused: the checksum does not fit", got.said)
        self.assertNotIn("2a  ", got.said)

    def test_no_symbol_may_change(self):
        for line in (sheet(ONE, "1a")["text"], ONE["M"]["text"]):
            for at in range(len(line)):
                for symbol in rc.SYMBOLS + "U":
                    if symbol == line[at]:
                        continue
                    changed = line[:at] + symbol + line[at + 1:]
                    if not changed.startswith("BG1"):
                        self.assertEqual(rc.place_of(changed), None)
                        continue
                    for found in rc.read_text(changed, "here"):
                        self.assertIsInstance(found, rc.Bad, changed)

    def test_every_symbol_of_a_typed_line_is_mended(self):
        for belongs, line in ([(("K", 0, i), s) for i, s in enumerate(sheet(ONE, "1a")["lines"])]
                              + [(("M", 0, i), s) for i, s in enumerate(ONE["M"]["lines"])]):
            label, symbols = line.split()
            self.assertEqual(rc.place_of(label), belongs)
            self.assertEqual(rc.mend(belongs, symbols), (symbols, []))
            for at in range(len(symbols)):
                for step in range(1, 32) if belongs[0] == "K" else (1, 7, 19):
                    wrong = rc.SYMBOLS[rc.SYMBOLS.index(symbols[at]) ^ step]
                    mended, told = rc.mend(belongs, symbols[:at] + wrong + symbols[at + 1:])
                    self.assertEqual(mended, symbols)
                    self.assertEqual(told, [f"read {wrong} as {symbols[at]} in group {at // 4 + 1}"])


class Locked(Case):
    FILES = HERE / "vectors" / "locked"
    SECRET = b"hello-secret-123\n".hex()
    WORD = b"some good words"
    KEY, OTHER_KEY = rc.read_identity(LOCKED["lock_identity"]), b"\6" * 32
    GREASE = [stanza(b"zq-grease", b""), stanza(b"a-grease -> X25519 [1", bytes(48)), stanza(b"~", bytes(99))]

    def setUp(self):
        super().setUp()
        self.lines = codes(ONE, "1a", "4b")
        self.by_passphrase = text("P", locked_body(ONE, "2a", for_passphrase(self.WORD)))

    def key_file(self, content=LOCKED["lock_identity"]):
        (self.folder / "key.txt").write_text(content)
        return "-i", str(self.folder / "key.txt")

    def given(self, *names):
        """The lines of files that the program made, and --no-book."""
        found = [next(self.FILES.glob(f"sheet-{name}-*.txt")).read_text() for name in names]
        return "\n".join(found).splitlines(), "--no-book"

    def try_lock(self, lock, *identities):
        """What a sheet 2a with this lock says to these keys; None when it opened."""
        head = bytes.fromhex(ONE["set_code"]["bytes"]) + b"\1\2"
        share = rc.Payload("P", with_checksum("P", head + lock), "here")
        rc.try_identities(share, identities)
        return share.locked if share.y is None else None

    def test_papers_of_the_program(self):
        for key in "k1.txt", "k2.txt":
            self.passphrases = [b"correct horse battery"]
            got = self.opens(*self.given("1a", "3a", "5a"), "-i", str(self.FILES / key), secret=self.SECRET)
            self.assertIn("5a  locked: it opens with its passphrase on a terminal (in.txt:", got.said)
            self.assertIn("5a  good (in.txt:", got.said)
            self.assertEqual(json.loads(got.record)["sheets"], ["1a", "3a", "5a"])
        both = "-i", str(self.FILES / "k3.txt"), "--identity", str(self.FILES / "k2.txt")
        self.passphrases = [b"correct horse battery"]
        self.opens(*self.given("1a", "3a", "5a"), *both, secret=self.SECRET)

    def test_no_key_or_a_wrong_one(self):
        got = self.refuses(3, "1 good shares of the 3", *self.given("1a", "3a", "5a"))
        self.assertIn("3a  locked: it opens with --identity KEYFILE (in.txt:", got.said)
        self.assertIn("hint: unlock 3a with --identity KEYFILE, 5a with its passphrase on a terminal; or any sheet "
                      "with one of the numbers 2, 3, 4, 5 helps", got.said)
        wrong = "-i", str(self.FILES / "k3.txt")
        got = self.refuses(3, "1 good shares of the 3", *self.given("1a", "3a", "5a"), *wrong)
        self.assertIn("3a  locked: none of the keys given with --identity opens it", got.said)

    def test_the_worked_lock_has_grease(self):
        self.assertIn(b"-grease", bytes.fromhex(LOCKED["age_file"]))
        key = self.key_file("# Chen's\n\n" + LOCKED["lock_identity"].lower() + "\r\n")
        self.opens(self.lines + [LOCKED["text"]], *INK, *key)
        got = self.opens(self.lines + [grouped(line) for line in LOCKED["lines"]], *INK, *key)
        record = json.loads(got.record)
        self.assertEqual(record["sheets"], ["1a", "2a", "4b"])
        core = got.record[:got.record.index(b',"presence":')]
        token = bytes.fromhex(sheet(ONE, "2a")["token"])
        self.assertEqual(record["presence"]["2a"], rc.presence_tag(token, core))

    def test_grease_anywhere(self):
        plain = bytes(44)
        for at in range(3):
            stanzas = [for_key(self.OTHER_KEY), for_key(self.KEY)]
            stanzas[at:at] = self.GREASE
            self.assertIsNone(self.try_lock(age_file(plain, *stanzas), bytes(32), self.KEY), at)
        self.assertIn("only an age plugin opens", self.try_lock(age_file(plain, *self.GREASE), self.KEY))
        beside = age_file(plain, for_passphrase(self.WORD), self.GREASE[0])
        self.assertIn("forged scrypt stanza", self.try_lock(beside))

    def test_typed(self):
        typed_lock = typed("P", with_checksum("P", locked_body(ONE, "2a", for_passphrase(self.WORD))))
        self.passphrases = [self.WORD]
        lines = [grouped(line) for line in typed_lock] + self.lines
        self.assertEqual(lines[0][:4], "P01 ")
        self.assertIn("2a  good (in.txt:1)", self.opens(lines, *INK).said)
        wrong = lines[4][:10] + ("0" if lines[4][10] != "0" else "1") + lines[4][11:]
        self.passphrases = [self.WORD]
        self.assertIn("in.txt:5: P05: read ", self.opens([*lines[:4], wrong, *lines[5:]], *INK).said)
        self.refuses(2, "in.txt:1: P05 is missing", lines[:4] + lines[5:], *INK)

    def test_passphrases(self):
        lines = self.lines + [self.by_passphrase]
        self.passphrases = [b"wrong", b"\xff", self.WORD]
        got = self.opens(lines, *INK)
        self.assertEqual(got.said.count("that does not open it: try again"), 2)
        self.assertEqual(self.asked_hidden[0],
                         "Passphrase of sheet 2a from in.txt:4 (not shown; Enter leaves it locked):")
        self.passphrases = [b"wrong", b""]
        self.assertIn("hint: unlock 2a with its passphrase", self.refuses(3, "2 good shares", lines, *INK).said)
        self.asked_hidden.clear()
        self.refuses(3, "2 good shares", lines, *INK)           # no terminal
        self.assertEqual(len(self.asked_hidden), 1)

    def test_a_skipped_sheet_does_not_keep_the_next_from_its_question(self):
        other = text("P", locked_body(ONE, "5a", for_passphrase(b"others")))
        self.passphrases = [b"", b"others"]
        got = self.opens(self.lines + [self.by_passphrase, other], *INK)
        self.assertEqual(json.loads(got.record)["sheets"], ["1a", "4b", "5a"])
        self.asked_hidden, self.passphrases = [], [self.WORD]
        got = self.opens(self.lines + [self.by_passphrase, other], *INK)
        self.assertEqual(len(self.asked_hidden), 1)             # the second is not needed any more

    def test_nobody_is_asked_for_what_is_not_needed(self):
        for more in codes(ONE, "5a")[0], text("P", locked_body(ONE, "5a", for_key(self.KEY))):
            self.opens([self.by_passphrase, *self.lines, more], *INK, *self.key_file())
        got = self.refuses(3, "2 good shares", codes(ONE, "2b", "4b") + [self.by_passphrase], *INK)
        self.assertNotIn("unlock", got.said)                    # its number is in
        foreign = codes(TWO, "1a") + [text("P", locked_body(TWO, "3a", for_passphrase(self.WORD)))]
        self.opens(self.lines + codes(ONE, "5a") + foreign, *INK)
        self.assertEqual(self.asked_hidden, [])

    def test_the_share_behind_a_lock_is_judged_like_any_other(self):
        y, token = points(ONE)[2], bytes.fromhex(sheet(ONE, "2a")["token"])
        for content, words in ((bytes(44), "2a  DOES NOT FIT"), (y, "2a  stays locked: there is no share behind its"),
                               (y + token + b"\0", "2a  stays locked: there is no share behind its lock")):
            for opener in for_passphrase(self.WORD), for_key(self.KEY):
                self.passphrases = [self.WORD]
                lock = text("P", locked_body(ONE, "2a", opener, content=content))
                got = self.refuses(3, words, self.lines + [lock], *INK, *self.key_file())
                self.assertIn("hint: any sheet", got.said)
        twin = text("P", locked_body(ONE, "1a", for_key(self.KEY), content=points(ONE)[1] + b"not my token"))
        got = self.opens(codes(ONE, "1a", "2a", "3a") + [twin], *INK, *self.key_file())
        self.assertIn("1a  ANOTHER SHEET", got.said)

    def test_one_sheet_open_and_locked_is_one_sheet(self):
        got = self.opens(self.lines + codes(ONE, "2a")[:1] + [LOCKED["text"]], *INK, *self.key_file())
        self.assertIn("2a  good, the same number again", got.said)
        self.assertNotIn("note", json.loads(got.record))

    def test_a_number_beyond_the_set(self):
        body = locked_body(ONE, "2a", for_passphrase(self.WORD))
        beyond = text("P", body[:11] + b"\6" + body[12:])
        self.refuses(3, "6a  DOES NOT FIT", self.lines + [beyond], *INK)
        self.assertEqual(self.asked_hidden, [])

    def test_more_work_than_is_allowed(self):
        self.assertIn("opens with its passphrase", self.try_lock(age_file(bytes(44), for_passphrase(b"", 1))))
        for work, words in (("20", "opens with its passphrase"), ("21", "work factor 21, more than 20 is refused"),
                            ("99", "work factor 99"), ("100", "forged"), ("0", "forged"), ("017", "forged")):
            arguments = b"scrypt " + base64_of(bytes(16)) + b" " + work.encode()
            self.assertIn(words, self.try_lock(age_file(bytes(44), stanza(arguments, bytes(32)))))
        lock = text("P", locked_body(ONE, "2a", stanza(arguments[:-3] + b"21", bytes(32))))
        got = self.refuses(3, "2a  stays locked: it asks for scrypt with work factor 21", self.lines + [lock], *INK)
        self.assertNotIn("unlock", got.said)
        self.assertEqual(self.asked_hidden, [])

    def test_too_little_memory(self):
        def scrypt(password, salt, *more):
            if more:
                raise ValueError("[digital envelope routines] malloc failure")
            return quick_scrypt(password, salt)
        rc.scrypt, self.passphrases = scrypt, [self.WORD]
        got = self.refuses(3, "2 good shares", self.lines + [self.by_passphrase], *INK)
        self.assertIn("2a  stays locked: its passphrase needs 0 MiB of memory, this computer has less", got.said)
        self.assertEqual(len(self.asked_hidden), 1)

    def test_without_openssl(self):
        self.addCleanup(setattr, hashlib, "scrypt", hashlib.scrypt)
        lock = age_file(bytes(44), for_passphrase(self.WORD, 2))
        del hashlib.scrypt
        rc.scrypt, said = real_scrypt.__wrapped__, io.StringIO()
        with contextlib.redirect_stderr(said):
            self.assertEqual(rc.age_open(lock, self.WORD, rc.scrypt_file_key), bytes(44))
        self.assertEqual(said.getvalue(), "computing scrypt without OpenSSL: 1 min or more\n")

    def test_every_damaged_byte_of_a_lock_is_refused(self):
        lock = age_file(bytes(44), for_passphrase(self.WORD))
        self.assertEqual(rc.age_open(lock, self.WORD, rc.scrypt_file_key), bytes(44))
        for at in range(len(lock)):
            with self.assertRaises(rc.Bad, msg=at):
                rc.age_open(lock[:at] + bytes([lock[at] ^ 1]) + lock[at + 1:], self.WORD, rc.scrypt_file_key)
        lock = age_file(bytes(44), for_key(self.KEY))
        self.assertIsNone(self.try_lock(lock, self.KEY))
        for at in range(0, len(lock), 5):
            damaged = lock[:at] + bytes([lock[at] ^ 1]) + lock[at + 1:]
            self.assertRegex(self.try_lock(damaged, self.KEY), "^(stays )?locked: ")
        for damaged in (b"\0", lock[1:], lock[:-1], lock + b"\0"):
            self.assertIn("stays locked: ", self.try_lock(damaged, self.KEY))
        got = self.refuses(3, "2a  stays locked: this is not a binary age file of version 1", self.lines
                           + [text("P", bytes.fromhex(ONE["set_code"]["bytes"]) + b"\1\2" + lock[1:])], *INK)
        self.assertNotIn("unlock", got.said)

    def test_identity_files(self):
        key = LOCKED["lock_identity"]
        self.assertEqual(rc.read_identity(key), rc.read_identity(key.lower()))
        slips = [key[:at] + ("Q" if key[at] != "Q" else "P") + key[at + 1:] for at in range(16, len(key))]
        for slip in slips:
            with self.assertRaisesRegex(rc.Bad, "checksum"):
                rc.read_identity(slip)
        for content, words in ((f"# x\n{slips[9]}\n", "key.txt:2: this age identity has a wrong symbol"),
                               (f"{key}\n\nage1abc\n", "key.txt:3: this is not an age identity"),
                               (key[:-1], "key.txt:1: this is not an age identity"),
                               ("age-encryption.org/v1\n", "key.txt:1: this is not an age identity"),
                               ("# nothing\n", "key.txt` has no age identity"), ("", "has no age identity")):
            got = self.refuses(2, words, self.lines, *INK, *self.key_file(content))
            self.assertNotIn(key[16:40], got.said)
        self.refuses(2, "the identity file `no such` cannot be read: ", self.lines, *INK, "-i", "no such")
        self.refuses(2, f"`{self.folder}` cannot be read: ", self.lines, *INK, "-i", str(self.folder))


class Typing(Case):
    def setUp(self):
        super().setUp()
        self.rest = codes(ONE, "2a", "3a")
        self.sheet = [grouped(s) for s in sheet(ONE, "1a")["lines"]]

    def change(self, line, at, new):
        return line[:at] + new + line[at + len(new):]

    def test_one_wrong_symbol_is_shown(self):
        wrong = self.change(self.sheet[2], 9, "1" if self.sheet[2][9] != "1" else "7")
        got = self.opens([*self.sheet[:2], wrong, self.sheet[3], *self.rest], *INK)
        self.assertIn(f"in.txt:3: K3: read {wrong[9]} as {self.sheet[2][9]} in group 2\n", got.said)

    def test_more_are_refused(self):
        for wrong in (self.change(self.sheet[2], 9, "00" if self.sheet[2][9:11] != "00" else "11"),
                      self.change(self.sheet[2], 9, self.sheet[2][10] + self.sheet[2][9]),
                      self.change(self.sheet[2], 3, "????")[:-1] + "?"):
            self.refuses(2, "in.txt:3: K3: more than one symbol is wrong",
                         [*self.sheet[:2], wrong, self.sheet[3], *self.rest], *INK)
        got = self.recover([*self.sheet[:2], self.sheet[2][:-1], self.sheet[3], *self.rest], *INK)
        self.assertEqual((got.code, got.credential), (2, None), got.said)
        long = self.sheet[2] + "0"
        self.refuses(2, "K3: 29 symbols", [*self.sheet[:2], long, self.sheet[3], *self.rest], *INK)
        both = [self.sheet[0], "K2 0", "K3 U", self.sheet[3], *self.rest]
        got = self.refuses(2, "in.txt:2: K2: 1 symbols", both, *INK)
        self.assertIn("in.txt:3: K3: ", got.said)

    def test_unread_symbols(self):
        for holes in ([3], [3, 9], [3, 9, 10, 32], [30, 34, 35, 36]):
            line = "".join("?" if i in holes and s != " " else s for i, s in enumerate(self.sheet[1]))
            unread = [i for i in holes if self.sheet[1][i] != " "]
            self.assertLessEqual(len(unread), 4)
            got = self.opens([self.sheet[0], line, *self.sheet[2:], *self.rest], *INK)
            self.assertEqual(got.said.count("read ? as "), len(unread))
        wrong = self.change(self.change(self.sheet[1], 3, "?"), 9, "0" if self.sheet[1][9] != "0" else "1")
        self.refuses(2, "K2: more than one", [self.sheet[0], wrong, *self.sheet[2:], *self.rest], *INK)

    def test_lines_in_the_wrong_place(self):
        swapped = [self.sheet[0], "K2" + self.sheet[2][2:], "K3" + self.sheet[1][2:], self.sheet[3]]
        got = self.refuses(2, "in.txt:2: K2: this is K3", swapped + self.rest, *INK)
        self.assertIn("in.txt:3: K3: this is K2", got.said)
        self.opens([self.sheet[i] for i in (0, 2, 1, 3)] + self.rest, *INK)
        neither = "K1" + grouped(ONE["M"]["lines"][0])[3:-1] + "0"
        self.refuses(2, "K1: more than one", [neither, *self.rest], *INK)

    def test_lines_of_two_sheets(self):
        other = [grouped(s) for s in sheet(ONE, "5a")["lines"]]
        self.opens(self.sheet + other + codes(ONE, "3a"), *INK)
        self.refuses(2, "in.txt:1: K1 to K4: the checksum does not fit",
                     [*self.sheet[:3], other[3], *self.rest], *INK)
        self.refuses(2, "in.txt:1: K3 is missing", [*self.sheet[:2], self.sheet[3], *self.rest], *INK)
        self.refuses(2, "in.txt:1: K1 to K3: ", [*self.sheet[:3], *self.rest], *INK)
        self.refuses(2, "in.txt:5: K1 to K2", [*self.sheet, *other[:2], *self.rest], *INK)
        self.opens([*self.sheet[:2], other[1], *self.sheet[2:], *self.rest], *INK)

    def test_lines_without_label(self):
        bare = [s.split(None, 1)[1] for s in self.sheet]
        got = self.opens(bare + self.rest, *INK)
        self.assertIn("in.txt:1: a line without label, it fits K1", got.said)
        wrong = self.change(bare[0], 0, "0" if bare[0][0] != "0" else "1")
        got = self.refuses(2, "K1 is missing", [wrong, *bare[1:], *self.rest], *INK)
        self.assertIn("in.txt:1: neither", got.said)
        long = TWO["S"][0]["lines"][32].split()[1]
        self.refuses(2, "it fits S1-01 and S1-33", [long, *self.rest], *INK)

    def test_typed_again_at_the_keyboard(self):
        reader = rc.Reader()
        reader.typing = True
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            for number, line in enumerate([self.sheet[0], "K2 0123 4567", *self.sheet[1:]], 1):
                reader.line(line, f"standard input:{number}")
            self.assertEqual(reader.finish()[0].name, "1a")
        self.assertIn("standard input:2: K2: ", said.getvalue())
        self.assertIn("type it again", said.getvalue())


class Ink(Case):
    LINES = codes(ONE, "1a", "3b", "4a")

    def test_wrong_set_code(self):
        written = ONE["set_code"]["written"]
        near = written.replace("BD7B", "BD7C")
        self.assertIn(f"did you write {written}", self.refuses(2, "check symbol does not fit", self.LINES,
                                                              "--set-code", near).said)
        self.refuses(2, "nothing that was read belongs to the set in ink", self.LINES, *INK2)
        self.refuses(2, "was not understood", self.LINES, "--set-code", "13WM-BD7B")
        self.refuses(2, "was not understood", self.LINES, "--set-code", "")
        self.refuses(2, "contradict", self.LINES, *INK, "--no-book")

    def test_neither_book_nor_terminal(self):
        self.refuses(2, "the set code in the paper logbook is needed", self.LINES)
        self.assertEqual(len(self.asked), 1)

    def test_no_book_is_recorded(self):
        got = self.opens(self.LINES, "--no-book")
        self.assertIn("no ink", json.loads(got.record)["note"])

    def test_questions(self):
        written = ONE["set_code"]["written"]
        self.answers = ["", written.replace("BD7B", "BD7C"), written, "", "Bea", "E1", "mfa-down: phone lost"]
        got = self.recover(self.LINES, who=[])
        self.assertEqual(got.code, 0, got.said)
        self.assertIn(f"did you write {written}? read the book again", got.said)
        record = json.loads(got.record)
        self.assertEqual(record["operator"], {"name": "Bea", "id": "E1"})
        self.assertEqual((record["reason"], record["reason_text"]), ("MFA-DOWN", "phone lost"))
        self.answers = [TWO["set_code"]["written"]]
        self.refuses(2, "nothing that was read belongs", self.LINES)
        self.answers = ["no book", "Bea", "E1", "IDP-DOWN"]
        self.assertEqual(self.recover(self.LINES, who=[]).code, 0)
        self.answers = [written, "Bea"]
        self.refuses(2, "--id is needed", self.LINES, who=[])

    def test_reasons(self):
        def reason(words):
            return ["--operator", "B", "--id", "E", "--reason", words]
        self.refuses(2, "a reason begins with a standard code", self.LINES, *INK, who=reason("because"))
        self.refuses(2, "DRILL is not a permitted use", self.LINES, *INK, who=reason("drill"))
        got = self.recover(self.LINES, *INK, who=reason("DRILL yearly"))
        self.assertEqual(got.code, 0)
        self.assertIn("not a permitted use", json.loads(got.record)["note"])
        self.refuses(2, "control characters", self.LINES, *INK, who=reason("IDP-DOWN a\u202eb"))
        self.refuses(2, "--reason is needed", self.LINES, *INK, who=reason(""))


class Records(Case):
    LINES = codes(ONE, "4a", "1a", "3b")

    def setUp(self):
        super().setUp()
        rc.scrypt = real_scrypt

    def test_a_loose_record(self):
        prev = VECTORS["line_codes"]["check_code"]
        got = self.opens(self.LINES, *INK, "--prev-code", prev.lower(), "--at", "2026-12-24T04:02:11Z")
        self.assertTrue(got.record.endswith(b"}\n"))
        line = got.record[:-1]
        self.assertIn(line.decode() + "\n", got.said)
        record = json.loads(line)
        self.assertEqual(list(record)[:3], ["v", "prev_code", "event"])
        self.assertEqual(list(record)[-1], "presence")
        self.assertNotIn("seq", record)
        core = line[:line.index(b',"presence":')]
        for name in ("1a", "3b", "4a"):
            token = bytes.fromhex(sheet(ONE, name)["token"])
            tag = hmac.new(token, b"breakglass/1 presence" + core, "sha256").hexdigest()[:32]
            self.assertEqual(record["presence"][name], tag)
        known = dict(v=1, prev_code=prev, event="RELEASE", at="2026-12-24T04:02:11Z", clock="operator",
                     method="aws-payments-prod", generation=7, set=ONE["set_code"]["written"],
                     sheets=["1a", "3b", "4a"], operator={"name": "B. Alvarez", "id": "E2040"},
                     reason="IDP-DOWN", reason_text="single sign-on is out",
                     revoke_due="2026-12-25T04:02:11Z",
                     program={"version": "recover.py 1",
                              "sha256": hashlib.sha256(PROGRAM.read_bytes()).hexdigest()})
        self.assertEqual({k: record.get(k) for k in known}, known)
        self.assertRegex(record["tz"], r"^[+-]\d\d:\d\d$")
        self.assertIn(record.get("network"), (True, False, None))
        code = rc.written("R", rc.code("R", hashlib.sha256(line).digest()))
        self.assertIn(f"check code of this record: {code}\n", got.said)
        self.assertEqual(got.record_name, f"record-{code[2:6]}.json")
        self.assertEqual(got.said.splitlines()[-1], "revoke before 2026-12-25 04:02:11 UTC")
        self.assertNotIn("note", record)

    def test_without_the_book_at_hand(self):
        record = json.loads(self.opens(self.LINES, *INK).record)
        self.assertEqual((record["prev_code"], record["clock"]), ("book not here", "system"))
        self.refuses(2, "--prev-code: ", self.LINES, *INK, "--prev-code", "R 3VJS-KRZK-77PD-CBE0-8")
        self.refuses(2, "--at is not a time", self.LINES, *INK, "--at", "yesterday")

    def test_the_record_is_there_before_the_credential_is_opened(self):
        seen = []

        def open_set(group, sealed):
            seen.append([p.read_bytes() for p in Path().glob("record-*.json")])
            seen.append(sys.stderr.getvalue())
            seen.append(len(self.synced))
            raise rc.Stop(2, "stopped here", "nothing to do")
        self.addCleanup(setattr, rc, "open_set", rc.open_set)
        rc.open_set = open_set
        got = self.recover(self.LINES, *INK)
        self.assertEqual((got.code, got.credential), (2, None))
        self.assertEqual(seen[0], [got.record])
        self.assertIn("check code of this record: R ", seen[1])
        self.assertEqual(seen[2], 2)                        # the file and its folder

    def test_a_record_that_cannot_be_written_does_not_stop_anything(self):
        (self.folder / "full").write_text("here")
        got = self.recover(self.LINES, *INK, "--record", str(self.folder / "full"))
        self.assertEqual((got.code, got.credential), (0, bytes.fromhex(ONE["secret"])), got.said)
        self.assertIn("COPY THE CHECK CODE", got.said)
        self.assertEqual((self.folder / "full").read_text(), "here")
        got = self.recover(self.LINES, *INK, "--record", "no/such/folder")
        self.assertEqual(got.code, 0)

    def test_nothing_is_overwritten(self):
        (self.folder / "there").write_text("here")
        got = self.recover(self.LINES, *INK, "--output", str(self.folder / "there"))
        self.assertEqual((got.code, got.record), (2, None))
        self.assertEqual((self.folder / "there").read_text(), "here")
        got = self.recover(self.LINES, *INK, "--output", "no/such/folder/file")
        self.assertEqual((got.code, got.record), (2, None))

    def test_files_are_private(self):
        files = "--output", str(self.folder / "o"), "--record", str(self.folder / "r")
        got = self.recover(self.LINES, *INK, *files)
        self.assertEqual(got.code, 0)
        for name in "or":
            self.assertEqual(stat.S_IMODE((self.folder / name).stat().st_mode), 0o600)


class DealtWrong(Case):
    @staticmethod
    def flip(y):
        return y[:9] + bytes([y[9] ^ 1]) + y[10:]         # not in the bits that X25519 ignores

    def test_an_absent_share_is_named(self):
        code10, manifest, keys, sealed = redeal(ONE, lambda s: {**s, 5: self.flip(s[5])})
        got = self.opens([manifest, sealed, keys[1], keys[2], keys[4]], "--set-code", rc.written("S", code10))
        self.assertIn("warning: share 5 was dealt wrong", got.said)
        self.assertNotIn("share 3", got.said)

    def test_other_quorums_are_tried(self):
        code10, manifest, keys, sealed = redeal(ONE, lambda s: {**s, 2: self.flip(s[2])})
        ink = "--set-code", rc.written("S", code10)
        got = self.opens([manifest, sealed, keys[1], keys[2], keys[3], keys[4]], *ink)
        self.assertIn("warning: share 2 was dealt wrong", got.said)
        got = self.recover([manifest, sealed, keys[1], keys[2], keys[3]], *ink)
        self.assertEqual((got.code, got.credential), (2, None))
        self.assertIn("this set was dealt wrong", got.said)
        self.assertIn("VOID", got.said)


class Command(unittest.TestCase):
    """As a process, without a terminal."""

    def call(self, *flags, given="", folder=None):
        with tempfile.TemporaryDirectory() as inner:
            done = subprocess.run([sys.executable, "-W", "error", str(PROGRAM), *flags], cwd=folder or inner,
                                  input=given.encode(), capture_output=True, start_new_session=True)
        return done.returncode, done.stdout, done.stderr.decode()

    def test_standard_input_and_output(self):
        given = "\n".join(codes(ONE, "1a", "3b", "4a"))
        code, out, err = self.call(*INK, *WHO, given=given)
        self.assertEqual((code, out.hex()), (0, ONE["secret"]), err)
        self.assertRegex(err, r"revoke before 20[-0-9]+ [:0-9]+ UTC\n$")
        code, out, err = self.call("--no-book", *WHO, "-", given=given)
        self.assertEqual((code, out.hex()), (0, ONE["secret"]), err)

    def test_exit_codes(self):
        given = "\n".join(codes(ONE, "1a", "3b"))
        cases = [(3, [*INK, *WHO], given), (2, WHO, given + "\n" + codes(ONE, "5a")[0])]
        cases += [(2, [wrong], "") for wrong in ("no such file", str(HERE), "--nonsense", sys.executable, "-")]
        for expected, flags, given in cases:
            code, out, err = self.call(*flags, given=given)
            self.assertEqual((code, out), (expected, b""), err)
            self.assertNotIn("Traceback", err)
        self.assertEqual(self.call("--help")[0], 0)

    def test_a_passphrase_comes_from_the_terminal_only(self):
        lock = text("P", locked_body(ONE, "2a", for_passphrase(b"some g\xc3\xb6od words")))
        given = "\n".join([*codes(ONE, "1a", "4b"), lock, "some g\u00f6od words"]) + "\n"
        code, out, err = self.call(*INK, *WHO, given=given)
        self.assertEqual((code, out), (3, b""), err)
        self.assertIn("unlock 2a with its passphrase on a terminal", err)
        if not hasattr(os, "fork"):
            self.skipTest("no terminals here")
        import pty
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "codes.txt").write_bytes(given.encode())
            child, terminal = pty.fork()
            if child == 0:
                os.chdir(folder)
                os.execve(sys.executable, [sys.executable, str(PROGRAM), "--output", "out", *INK, *WHO, "codes.txt"],
                          {**os.environ, "PYTHONUTF8": "1"})
            shown = b""
            answers = [b"wrong", b"\xff", "some g\u00f6od words".encode()]
            with open(terminal, "r+b", buffering=0) as stream, contextlib.suppress(OSError):
                while piece := stream.read(4096):               # OSError at its end, on Linux
                    shown += piece
                    if shown.count(b"leaves it locked): ") > 3 - len(answers):
                        stream.write(answers.pop(0) + b"\n")
            self.assertEqual(os.waitpid(child, 0)[1], 0, shown)
            self.assertEqual(Path(folder, "out").read_bytes().hex(), ONE["secret"])
        self.assertEqual(shown.count(b"that does not open it"), 2)
        self.assertNotIn(b"words", shown)

    def test_a_full_disk(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full here")
        with tempfile.TemporaryDirectory() as folder, open("/dev/full", "wb") as full:
            done = subprocess.run([sys.executable, str(PROGRAM), *INK, *WHO], cwd=folder, stdout=full,
                                  input="\n".join(codes(ONE, "1a", "3b", "4a")).encode(),
                                  stderr=subprocess.PIPE, start_new_session=True)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(b"could not be delivered", done.stderr)

    def test_a_fault_tells_its_line_and_not_its_text(self):
        self.addCleanup(setattr, rc, "run", rc.run)

        def run(argv):
            raise ValueError("secret")
        rc.run, said = run, io.StringIO()
        with contextlib.redirect_stderr(said):
            self.assertEqual(rc.main([]), 2)
        self.assertNotIn("secret", said.getvalue())
        self.assertRegex(said.getvalue(), "error: ValueError in line [0-9]+")

    def test_standard_library_only_and_no_network(self):
        source = PROGRAM.read_text()
        self.assertEqual(re.findall(r"^\s*(?:import \w|from \w+ import).*", source, re.M),
                         ["import argparse, base64, datetime, getpass, hashlib, hmac, itertools, json, os, "
                          "re, struct, sys"])


if __name__ == "__main__":
    unittest.main()
