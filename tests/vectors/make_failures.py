#!/usr/bin/env python3
"""Makes failures/*.txt from format1.json: one failure a file, the way C2SP's test vectors are made.

Standard library only, written from src/codes/format.md. Run it in this folder; the files are kept with the tests.
"""
import hashlib, json, os, struct

SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SET = json.load(open("format1.json"))["one_part"]
TWO = json.load(open("format1.json"))["two_parts"]
CODE = bytes.fromhex(SET["set_code"]["bytes"])
SHEETS = {s["sheet"]: s for s in SET["sheets"]}
MANIFEST = bytes.fromhex(SET["manifest"]["bytes"])
M, S = SET["M"]["text"], SET["S"][0]["text"]
K = {name: s["text"] for name, s in SHEETS.items()}
TWO_CODE = bytes.fromhex(TWO["set_code"]["bytes"])
TWO_SEALED = bytes.fromhex(TWO["sealed"])
TWO_K = [sheet["text"] for sheet in TWO["sheets"]]


def base32(data):
    bits = "".join(f"{b:08b}" for b in data)
    bits += "0" * (-len(bits) % 5)
    return "".join(SYMBOLS[int(bits[i:i + 5], 2)] for i in range(0, len(bits), 5))


def payload(kind, body):
    """The text of a payload with a right checksum."""
    return "BG1" + kind + base32(body + hashlib.sha256(b"BG1" + kind.encode() + body).digest()[:4])


def share(copy, x, y, token, code=CODE):
    return payload("K", code + bytes([copy, x]) + y + token)


def manifest(at, new):
    return payload("M", MANIFEST[:at] + new + MANIFEST[at + len(new):])


def dealt_wrong(numbers):
    """A manifest that commits to shares off the polynomial under these numbers; the texts of shares 1 to 4, M and S."""
    sealed_hash = hashlib.sha256(bytes.fromhex(SET["sealed"])).digest()
    shares = {}
    for x in range(1, 6):
        y = bytearray.fromhex(SHEETS[f"{x}a"]["y"])
        y[5] ^= 7 * x if x in numbers else 0  # errors of one value can cancel
        shares[x] = bytes(y)
    commit = [hashlib.sha256(b"breakglass/1 share" + sealed_hash + bytes([x]) + y).digest()[:16] for x, y in shares.items()]
    text = MANIFEST[:-80] + b"".join(commit)
    code = hashlib.scrypt(hashlib.sha256(text).digest(), salt=b"breakglass/1 code S", n=2**15, r=8, p=1, maxmem=2**26, dklen=10)
    tokens = {x: bytes.fromhex(SHEETS[f"{x}a"]["token"]) for x in shares}
    lines = [share(1, x, y, tokens[x], code) for x, y in shares.items()][:4]
    return lines, payload("M", text), payload("S", code + b"\0" + bytes.fromhex(SET["sealed"]))


Y1, T1 = bytes.fromhex(SHEETS["1a"]["y"]), bytes.fromhex(SHEETS["1a"]["token"])
REST = [K["2a"], K["3a"], M, S]
LINES = SHEETS["1a"]["lines"]
LABEL, SIGNS = LINES[1].split()


def swapped(text, i):
    return text[:i] + text[i + 1] + text[i] + text[i + 2:]


WRONG = dealt_wrong({1, 2, 4, 5})
WRONG_ONE = dealt_wrong({2})

# name: (expected outcome, what is wrong, the lines)
CASES = {
    "opens": ("opens", "nothing: three different sheets, manifest, sealed credential", [K["1a"], *REST]),
    "opens-typed": ("opens", "nothing: the share typed", [*LINES, *REST]),
    "opens-lower-case": ("opens", "nothing: written in lower case, O for 0, spaces", [K["1a"].lower().replace("0", "o", 3), *REST]),
    "checksum-share": ("checksum", "one sign of a share changed", [K["1a"][:40] + ("0" if K["1a"][40] != "0" else "1") + K["1a"][41:]]),
    "checksum-manifest": ("checksum", "one sign of a manifest changed", [M[:40] + ("0" if M[40] != "0" else "1") + M[41:]]),
    "checksum-other-kind": ("checksum", "a manifest that calls itself a sealed part", ["BG1S" + M[4:]]),
    "base32-symbol": ("base32", "! is no symbol", ["BG1K" + K["1a"][4:20] + "!" + K["1a"][21:]]),
    "base32-length": ("base32", "a length that no number of bytes has", [K["1a"] + "0"]),
    "base32-padding": ("base32", "filling bits that are not zero", [S[:-1] + SYMBOLS[SYMBOLS.index(S[-1]) ^ 1] if len(S[4:]) * 5 % 8 else M[:-1] + SYMBOLS[SYMBOLS.index(M[-1]) ^ 1]]),
    "version-text": ("version", "a text of format 2", ["BG2" + K["1a"][3:]]),
    "kind-unknown": ("kind", "a kind that does not exist", ["BG1Z" + K["1a"][4:]]),
    "manifest-version": ("manifest", "version 2", [manifest(0, b"\2")]),
    "manifest-reserved": ("manifest", "the reserved byte is not 0", [manifest(3, b"\1")]),
    "manifest-threshold-low": ("manifest", "k = 1", [manifest(1, b"\1")]),
    "manifest-threshold-high": ("manifest", "k above n", [manifest(1, b"\6")]),
    "manifest-generation": ("manifest", "generation 0", [manifest(4, bytes(4))]),
    "manifest-bit-7": ("manifest", "bit 7 of the permitted uses", [manifest(28, struct.pack(">H", 0x9F))]),
    "manifest-sealed-length": ("manifest", "nothing is sealed", [manifest(30, bytes(4))]),
    "manifest-long": ("manifest", "a byte after the end", [payload("M", MANIFEST + b"\0")]),
    "manifest-short": ("manifest", "the last byte is missing", [payload("M", MANIFEST[:-1])]),
    "manifest-direction-mark": ("manifest", "U+202E in the method id", [manifest(99, "\u202e".encode())]),
    "manifest-control": ("manifest", "a line feed in the method id", [manifest(99, b"\n")]),
    "manifest-not-utf8": ("manifest", "a method id that is not UTF-8", [manifest(99, b"\xff")]),
    "share-x-0": ("content", "x = 0: whoever brings it would choose the secret", [share(1, 0, Y1, T1)]),
    "share-x-33": ("content", "x = 33", [share(1, 33, Y1, T1)]),
    "share-copy-0": ("content", "copy 0", [share(0, 1, Y1, T1)]),
    "share-copy-27": ("content", "copy 27", [share(27, 1, Y1, T1)]),
    "share-long": ("content", "a byte too many", [share(1, 1, Y1, T1 + b"\0")]),
    "part-empty": ("foreign", "an empty sealed part, shorter than any code", [payload("S", CODE + b"\0")]),
    "part-long": ("content", "a sealed part of 571 bytes", [payload("S", CODE + b"\0" + bytes(571))]),
    "forged-share": ("forged", "a share with a right checksum that is not the one committed to", [share(1, 1, bytes(32), T1), *REST]),
    "forged-above-n": ("forged", "share 6 of 5", [share(1, 6, Y1, T1), *REST]),
    "other-set": ("no manifest", "a share of another set", [TWO["sheets"][0]["text"], *REST]),
    "other-set-known": ("other set", "a share of another set whose manifest is there too", [TWO["sheets"][0]["text"], TWO["M"]["text"], *REST]),
    "same-number": ("same number", "1a and 1b count once", [K["1a"], K["1b"], K["2a"], M, S]),
    "too-few": ("too few", "two of three", REST),
    "no-shares": ("too few", "manifest and sealed credential alone", [M, S]),
    "part-forged": ("bad part", "a sealed part that does not fit its hash", [K["1a"], K["2a"], K["3a"], M, payload("S", CODE + b"\0" + bytes(278))]),
    "part-beyond": ("bad part", "a sealed part with an index that the set does not have", [K["1a"], *REST, payload("S", CODE + b"\1" + bytes(9))]),
    "part-missing": ("missing part", "the sealed credential is missing", [K["1a"], K["2a"], K["3a"], M]),
    "line-one-sign": ("mended", "one wrong sign in a typed line", [LINES[0], f"{LABEL} {SIGNS[:5]}{'0' if SIGNS[5] != '0' else '1'}{SIGNS[6:]}", *LINES[2:], *REST]),
    "line-erasures": ("mended", "four signs that cannot be read", [LINES[0], f"{LABEL} ????{SIGNS[4:]}", *LINES[2:], *REST]),
    "line-swap": ("ask", "two neighbours swapped", [f"{LABEL} {next(swapped(SIGNS, i) for i in range(27) if SIGNS[i] != SIGNS[i + 1])}"]),
    "line-missing": ("ask", "a sign is missing", [f"{LABEL} {SIGNS[:9]}{SIGNS[10:]}"]),
    "line-five-unread": ("unfit", "five signs that cannot be read are one too many", [f"{LABEL} ?????{SIGNS[5:]}"]),
    "line-wrong-label": ("unfit", "line 2 under the label of line 3", [f"K3 {SIGNS}"]),
    "line-short": ("unfit", "three signs", ["K2 012"]),
    "line-other-kind": ("unfit", "line 2 of a share under the label of line 2 of a manifest", [f"M02 {SIGNS}"]),
    "line-no-label": ("opens", "nothing: lines without labels, which fit one place each", [*[line.split()[1] for line in LINES], *REST]),
    "line-no-label-slip": ("foreign", "one wrong sign without a label: nothing is mended under a guessed one", [f"{SIGNS[:5]}{'0' if SIGNS[5] != '0' else '1'}{SIGNS[6:]}"]),
    "line-no-label-places": ("places", "a line of a manifest without its label: lines 32 apart share a salt", [SET["M"]["lines"][2].split()[1]]),
    "manifest-revoke": ("manifest", "0 hours to revoke", [manifest(24, bytes(2))]),
    "manifest-session": ("manifest", "a session of 0 minutes", [manifest(26, bytes(2))]),
    "manifest-sealed-too-long": ("manifest", "a sealed credential of more than 17408 bytes", [manifest(30, struct.pack(">I", 17409))]),
    "checksum-in-key-code": ("checksum", "the manifest of a key code is damaged, its share is not", [K["1a"] + "U" + M[3:50] + ("0" if M[50] != "0" else "1") + M[51:]]),
    "locked": ("locked", "a locked share counts when its lock was opened", [json.load(open("format1.json"))["locked"]["text"], K["1a"], K["3a"], M, S]),
    "two-parts": ("opens", "nothing: a set of two sealed parts, the second part first", [*TWO_K[:2], TWO["M"]["text"], TWO["S"][1]["text"], TWO["S"][0]["text"]]),
    "two-parts-one-missing": ("missing part", "the second sealed part is missing", [*TWO_K[:2], TWO["M"]["text"], TWO["S"][0]["text"]]),
    "two-parts-hash": ("bad part", "one bit of the second sealed part changed", [*TWO_K[:2], TWO["M"]["text"], TWO["S"][0]["text"], payload("S", TWO_CODE + b"\1" + TWO_SEALED[570:-1] + bytes([TWO_SEALED[-1] ^ 1]))]),
    "two-parts-index": ("bad part", "the first sealed part under the index of the second", [*TWO_K[:2], TWO["M"]["text"], TWO["S"][0]["text"], payload("S", TWO_CODE + b"\1" + TWO_SEALED[:570])]),
    "two-parts-other-set": ("missing part", "the second sealed part under the code of another set", [*TWO_K[:2], TWO["M"]["text"], TWO["S"][0]["text"], payload("S", CODE + b"\1" + TWO_SEALED[570:])]),
    "dealt-wrong": ("closed", "shares that fit their commitments and give another identity", [*WRONG[0][:3], *WRONG[1:]]),
    "dealt-wrong-one": ("opens", "share 2 was dealt wrong, and three others are here", [*WRONG_ONE[0], *WRONG_ONE[1:]]),
}

os.makedirs("failures", exist_ok=True)
for name, (expect, comment, lines) in CASES.items():
    with open(f"failures/{name}.txt", "w") as f:
        f.write(f"expect: {expect}\ncomment: {comment}\n\n" + "\n".join(lines) + "\n")
print(len(CASES), "files")
