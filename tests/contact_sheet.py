#!/usr/bin/env python3
"""Every built-in document in every language and on both papers, on one picture, so that somebody can look at all of them.

    cargo build && python3 tests/contact_sheet.py target/debug/breakglass contact-sheet.png

Needs poppler's `pdftoppm` (Debian: poppler-utils) and nothing else.
"""
import glob, os, struct, subprocess, sys, tempfile, zlib

PROGRAM, TARGET = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
DPI, GAP, ACROSS, MOST = 34, 8, 10, 4


def run(*args):
    return subprocess.run(args, check=True, capture_output=True, text=True).stdout


def pages(pdf):
    """The pages of a file, each as width, height and grey bytes."""
    name = pdf[:-4]
    run("pdftoppm", "-r", str(DPI), "-gray", pdf, name)
    # the pages of a book are all the same
    for path in sorted(glob.glob(name + "-*.pgm"))[:MOST]:
        with open(path, "rb") as f:
            kind, size, depth, grey = f.read().split(b"\n", 3)
        width, height = map(int, size.split())
        yield width, height, grey


def png(path, width, rows):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    raw = b"".join(b"\0" + row for row in rows)
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, len(rows), 8, 0, 0, 0, 0)))
        f.write(chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))


def main():
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        run(PROGRAM, "init", "kit")
        with open("credential", "w") as f:
            f.write("correct horse battery staple\n")
        with open("kit/method.toml") as f:
            method = f.read()
        # a sheet in each language, and one in large print
        for own, line in [("E1002", 'lang = "de"'), ("E1003", 'lang = "es"'), ("E1004", "large_print = true")]:
            method = method.replace('id = "%s"' % own, 'id = "%s"\n%s' % (own, line))
        with open("kit/method.toml", "w") as f:
            f.write(method)
        found = []
        for paper in ["a4", "letter"]:
            run(PROGRAM, "-C", "kit", "split", "--from", "credential", "-o", "set-" + paper, "--paper", paper)
            found += [page for sheet in sorted(glob.glob("set-%s/sheet-[1234]a*.pdf" % paper)) for page in pages(sheet)]
            documents = [line.split()[0] for line in run(PROGRAM, "-C", "kit", "print").splitlines()]
            documents.remove("stub")
            for name in documents:
                for language in ["en", "de", "es"]:
                    # a document that is not there in a language is printed in English, with a warning
                    if language != "en" and not os.path.exists(os.path.join(os.path.dirname(__file__) or ".", "..", "templates", language, name + ".md")):
                        continue
                    folder = "%s-%s-%s" % (name, language, paper)
                    run(PROGRAM, "-C", "kit", "print", name, "--lang", language, "--paper", paper, "-o", folder)
                    # what is made for each custodian is a file for each look
                    found += [page for pdf in sorted(glob.glob("%s/*.pdf" % folder)) for page in pages(pdf)]
        run(PROGRAM, "-C", "kit", "log", "stub", "1-2", "-o", "strips")
        found += list(pages("strips/stub.pdf"))
        wide, high = max(p[0] for p in found) + GAP, max(p[1] for p in found) + GAP
        width, rows = wide * ACROSS + GAP, []
        for start in range(0, len(found), ACROSS):
            for y in range(high):
                row = bytearray(b"\xb0" * width)
                for column, (w, h, grey) in enumerate(found[start:start + ACROSS]):
                    if GAP <= y < GAP + h:
                        left = GAP + column * wide
                        row[left:left + w] = grey[(y - GAP) * w:(y - GAP + 1) * w]
                rows.append(bytes(row))
        png(TARGET, width, rows)
        print("%d pages: %s" % (len(found), TARGET))


if __name__ == "__main__":
    ROOT = os.path.dirname(os.path.abspath(__file__))
    __file__ = os.path.join(ROOT, os.path.basename(__file__))
    main()
