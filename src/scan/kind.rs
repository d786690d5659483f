//! What a file is, by its first bytes alone: the only thing that the parent process reads of it.

use super::Refusal;

/// The most bytes a file may have.
pub const MAX_FILE: usize = 64 << 20;

/// The most bytes a text may have.
pub const MAX_TEXT: usize = 1 << 20;

/// A PDF may start this far into the file: mail programs and printers put bytes before it.
const PDF_WITHIN: usize = 1024;

/// A file that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    Pdf,
    /// A TIFF, of one page or several.
    Tiff,
    Picture(Picture),
    /// UTF-8 without its byte order mark.
    Text(&'a str),
}

/// A picture format that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Picture {
    Png,
    Jpeg,
    WebP,
    Heic,
}

/// Tells what a file is, or why it is not one that can be read.
pub(super) fn kind(bytes: &[u8]) -> Result<Kind<'_>, Refusal> {
    if bytes.is_empty() {
        return Err(Refusal::Empty);
    }
    if bytes.len() > MAX_FILE {
        return Err(Refusal::TooLarge);
    }
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Ok(Kind::Picture(Picture::Png));
    }
    if bytes.starts_with(b"\xff\xd8\xff") {
        return Ok(Kind::Picture(Picture::Jpeg));
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..).is_some_and(|b| b.starts_with(b"WEBP")) {
        return Ok(Kind::Picture(Picture::WebP));
    }
    if brand(bytes, &HEIC) {
        return Ok(Kind::Picture(Picture::Heic));
    }
    if TIFF.iter().any(|magic| bytes.starts_with(magic)) {
        return Ok(Kind::Tiff);
    }
    if let Some(what) = foreign(bytes) {
        return Err(Refusal::NotYet(what));
    }
    let head = &bytes[..bytes.len().min(PDF_WITHIN)];
    if head.windows(5).any(|five| five == b"%PDF-") {
        return Ok(Kind::Pdf);
    }
    text(bytes).map(Kind::Text)
}

/// Brands of ISO/IEC 23008-12 with HEVC in them; what phones write.
const HEIC: [&[u8]; 8] = [b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"];

/// Both orders of bytes, with offsets of 4 and 8 bytes.
const TIFF: [&[u8]; 4] = [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"];

/// Tells whether a file of the ISO family has one of these brands.
fn brand(bytes: &[u8], brands: &[&[u8]]) -> bool {
    let at =
        |offset: usize, magic: &[u8]| bytes.get(offset..).is_some_and(|b| b.starts_with(magic));
    at(4, b"ftyp") && brands.iter().any(|brand| at(8, brand))
}

/// Tells formats that people send and that are known but not read.
fn foreign(bytes: &[u8]) -> Option<&'static str> {
    let at =
        |offset: usize, magic: &[u8]| bytes.get(offset..).is_some_and(|b| b.starts_with(magic));
    if brand(bytes, &[b"avif", b"avis"]) {
        return Some("an AVIF picture");
    }
    if at(0, b"GIF87a") || at(0, b"GIF89a") {
        return Some("a GIF picture");
    }
    // a text may start with these two letters, but has no zero bytes
    if at(0, b"BM") && at(6, &[0; 4]) {
        return Some("a BMP picture");
    }
    if at(0, b"\0\0\0\x0cjP  ") || at(0, b"\xff\x4f\xff\x51") {
        return Some("a JPEG 2000 picture");
    }
    if at(0, b"\0\0\0\x0cJXL ") || at(0, b"\xff\x0a") {
        return Some("a JPEG XL picture");
    }
    if at(0, b"PK\x03\x04") {
        return Some("a ZIP archive or an office document");
    }
    at(0, b"\x1f\x8b").then_some("a gzip archive")
}

/// Takes a file as a text.
fn text(bytes: &[u8]) -> Result<&str, Refusal> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(Refusal::Utf16);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = str::from_utf8(bytes).map_err(|_| Refusal::Unknown)?;
    if text.contains('\0') {
        return Err(Refusal::Unknown);
    }
    if text.len() > MAX_TEXT {
        return Err(Refusal::TextTooLarge);
    }
    if text.trim().is_empty() {
        return Err(Refusal::Empty);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readable_kinds() {
        assert_eq!(kind(b"%PDF-1.7\n"), Ok(Kind::Pdf));
        let late = [&[b'\n'; 1019][..], b"%PDF-1.4"].concat();
        assert_eq!(kind(&late), Ok(Kind::Pdf));
        assert_eq!(kind(b"\x89PNG\r\n\x1a\n...."), Ok(Kind::Picture(Picture::Png)));
        assert_eq!(kind(b"\xff\xd8\xff\xe0...."), Ok(Kind::Picture(Picture::Jpeg)));
        let heic = b"\0\0\0\x18ftypheic\0\0\0\0";
        assert_eq!(kind(heic), Ok(Kind::Picture(Picture::Heic)));
        assert_eq!(kind(b"II*\0...."), Ok(Kind::Tiff));
        assert_eq!(kind(b"RIFF\0\0\0\0WEBPVP8 "), Ok(Kind::Picture(Picture::WebP)));
        assert_eq!(kind(b"K1 ABCD\r\n"), Ok(Kind::Text("K1 ABCD\r\n")));
        assert_eq!(kind("\u{feff}K1 \u{e9}".as_bytes()), Ok(Kind::Text("K1 \u{e9}")));
        assert_eq!(kind(b"BMW is not a picture"), Ok(Kind::Text("BMW is not a picture")));
    }

    #[test]
    fn refused_kinds() {
        assert_eq!(kind(b"\0\0\0\x18ftypavif\0\0"), Err(Refusal::NotYet("an AVIF picture")));
        assert_eq!(kind(b"GIF89a\0\0"), Err(Refusal::NotYet("a GIF picture")));
        assert_eq!(kind(b"BM\0\0\0\0\0\0\0\0"), Err(Refusal::NotYet("a BMP picture")));
        assert_eq!(kind(b""), Err(Refusal::Empty));
        assert_eq!(kind(b"\xef\xbb\xbf"), Err(Refusal::Empty));
        assert_eq!(kind(b" \r\n"), Err(Refusal::Empty));
        assert_eq!(kind(b"\xff\xfeK\x001\0"), Err(Refusal::Utf16));
        assert_eq!(kind(b"\xfe\xff\0K\x001"), Err(Refusal::Utf16));
        assert_eq!(kind(b"K\x001\0"), Err(Refusal::Unknown));
        assert_eq!(kind(b"caf\xe9"), Err(Refusal::Unknown));
        assert_eq!(kind(b"\x7fELF\x02\x01\x01\0"), Err(Refusal::Unknown));
        assert_eq!(kind(&vec![b'A'; MAX_TEXT + 1]), Err(Refusal::TextTooLarge));
        assert_eq!(kind(&vec![b'A'; MAX_FILE + 1]), Err(Refusal::TooLarge));
        let too_late = [&[0; 1020][..], b"%PDF-1.4"].concat();
        assert_eq!(kind(&too_late), Err(Refusal::Unknown));
    }

    #[test]
    fn any_bytes_are_judged_without_a_panic() {
        let heads: [&[u8]; 9] = [
            b"",
            b"%PDF-1.7",
            b"\x89PNG\r\n\x1a\n",
            b"\xff\xd8\xff",
            b"\0\0\0\x18ftyp",
            b"RIFF",
            b"BM",
            b"\xff\xfe",
            b"\xef\xbb\xbf",
        ];
        let mut noise = super::super::tests::Noise(1);
        for round in 0..20_000_usize {
            let head = heads[round % heads.len()];
            let tail = noise.bytes(round % 40);
            let all = [head, &tail].concat();
            let _ = kind(&all);
            let _ = kind(&all[..noise.below(all.len() + 1)]);
        }
    }
}
