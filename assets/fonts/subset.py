#!/usr/bin/env python3
"""Makes the shipped fonts from Debian's Noto packages.

Keeps Latin with its extensions, Greek, Cyrillic and punctuation, drops hints and layout
tables: about 60 kB a face instead of 500. Needs python3-fonttools, fonts-noto-core and
fonts-noto-mono; run it in this folder and write the package version into README.md.
Combining marks are left out on purpose: nothing here could place them (names are NFC).
"""

import pathlib

from fontTools import subset
from fontTools.ttLib import TTFont

SOURCE = pathlib.Path("/usr/share/fonts/truetype/noto")
FACES = ["NotoSans-Regular", "NotoSans-Bold", "NotoSansMono-Regular"]
RANGES = [
    (0x0020, 0x007E),  # ASCII
    (0x00A0, 0x00AC),  # Latin-1 without the soft hyphen
    (0x00AE, 0x024F),  # Latin-1, Latin Extended-A and -B
    (0x02BB, 0x02BC),  # letters that look like apostrophes
    (0x0370, 0x03FF),  # Greek
    (0x0400, 0x0482),  # Cyrillic without its combining marks
    (0x048A, 0x052F),  # Cyrillic, Cyrillic Supplement
    (0x1E00, 0x1EFF),  # Latin Extended Additional (Vietnamese, Welsh)
    (0x1F00, 0x1FFF),  # polytonic Greek
    (0x2010, 0x2015),  # dashes
    (0x2018, 0x2022),  # quotes, daggers, bullet
    (0x2026, 0x2026),  # ellipsis
    (0x2030, 0x2030),  # per mille
    (0x2032, 0x2033),  # prime
    (0x2039, 0x203A),  # quotes
    (0x20AC, 0x20AC),  # euro
    (0x2116, 0x2116),  # numero
    (0x2122, 0x2122),  # trade mark
    (0x2212, 0x2212),  # minus
]


def characters():
    """Returns every code point of RANGES."""
    return [c for first, last in RANGES for c in range(first, last + 1)]


def main():
    """Writes one .ttf per face and says how large it is and what it lacks."""
    for face in FACES:
        options = subset.Options()
        options.hinting = False
        options.layout_features = []
        options.drop_tables += ["GDEF", "GPOS", "GSUB", "DSIG", "STAT", "MATH"]
        options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
        options.notdef_outline = True
        font = TTFont(SOURCE / f"{face}.ttf", recalcTimestamp=False)
        assert "glyf" in font and "fvar" not in font, face
        missing = [c for c in characters() if c not in font.getBestCmap()]
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=characters())
        subsetter.subset(font)
        font.save(f"{face}.ttf")
        size = pathlib.Path(f"{face}.ttf").stat().st_size
        print(face, size, "bytes,", len(font.getBestCmap()), "characters,", len(missing), "missing")


if __name__ == "__main__":
    main()
