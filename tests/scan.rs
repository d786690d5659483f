//! Files through the real worker process.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use breakglass::scan::{Page, PageProblem, Pass, Reader, Reading, Refusal};

fn reader() -> Reader {
    Reader::new(env!("CARGO_BIN_EXE_breakglass").into())
}

fn pages(reading: Reading) -> Vec<Page> {
    match reading {
        Reading::Pages(pages) => pages,
        Reading::Text(_) => panic!("a text"),
    }
}

fn texts(page: &Page) -> Vec<&str> {
    let mut texts: Vec<_> = page.codes.iter().map(|code| code.text.as_str()).collect();
    texts.sort_unstable();
    texts
}

fn read(bytes: &[u8]) -> Vec<Page> {
    pages(reader().read("file", bytes).unwrap())
}

fn refusal(bytes: &[u8]) -> String {
    match reader().read("scan2.pdf", bytes) {
        Ok(_) => panic!("was read"),
        Err(error) => error.to_string(),
    }
}

/// Draws codes side by side, `module` pixels a module, as grey rows.
fn picture(codes: &[&str], module: usize) -> (usize, usize, Vec<u8>) {
    let drawn: Vec<_> = codes.iter().map(|text| qrcode::QrCode::new(text).unwrap()).collect();
    let quiet = 6 * module;
    let height = 2 * quiet + drawn.iter().map(|code| code.width() * module).max().unwrap();
    let width = quiet + drawn.iter().map(|code| code.width() * module + quiet).sum::<usize>();
    let mut pixels = vec![255; width * height];
    let mut left = quiet;
    for code in drawn {
        let side = code.width() * module;
        for y in 0..side {
            for x in 0..side {
                if code[(x / module, y / module)] == qrcode::Color::Dark {
                    pixels[(quiet + y) * width + left + x] = 0;
                }
            }
        }
        left += side + quiet;
    }
    (width, height, pixels)
}

fn encoded(codes: &[&str], format: image::ImageFormat) -> Vec<u8> {
    let (width, height, pixels) = picture(codes, 5);
    let image = image::GrayImage::from_raw(
        u32::try_from(width).unwrap(),
        u32::try_from(height).unwrap(),
        pixels,
    );
    let mut out = std::io::Cursor::new(Vec::new());
    image.unwrap().write_to(&mut out, format).unwrap();
    out.into_inner()
}

fn png(codes: &[&str]) -> Vec<u8> {
    encoded(codes, image::ImageFormat::Png)
}

/// Writes a PDF with one page for each list of codes, drawn as squares 2 points wide.
fn pdf(leaves: &[&[&str]]) -> Vec<u8> {
    let kids: Vec<_> = (0..leaves.len()).map(|i| format!("{} 0 R", 3 + 2 * i)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), leaves.len()),
    ];
    for codes in leaves {
        let mut ops = String::new();
        let mut left = 40;
        for text in *codes {
            let code = qrcode::QrCode::new(text).unwrap();
            for (i, colour) in code.to_colors().into_iter().enumerate() {
                if colour == qrcode::Color::Dark {
                    let (x, y) = (left + 2 * (i % code.width()), 700 - 2 * (i / code.width()));
                    writeln!(ops, "{x} {y} 2 2 re").unwrap();
                }
            }
            left += 2 * code.width() + 20;
        }
        ops.push_str("f\n");
        let contents = objects.len() + 2;
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {contents} 0 R >>"
        ));
        objects.push(format!("<< /Length {} >>\nstream\n{ops}endstream", ops.len()));
    }
    file(&objects)
}

fn file(objects: &[String]) -> Vec<u8> {
    let mut out = String::from("%PDF-1.4\n");
    let mut places = Vec::new();
    for (i, object) in objects.iter().enumerate() {
        places.push(out.len());
        write!(out, "{} 0 obj\n{object}\nendobj\n", i + 1).unwrap();
    }
    let table = out.len();
    let size = objects.len() + 1;
    write!(out, "xref\n0 {size}\n0000000000 65535 f \n").unwrap();
    for place in places {
        writeln!(out, "{place:010} 00000 n ").unwrap();
    }
    write!(out, "trailer << /Size {size} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n").unwrap();
    out.into_bytes()
}

#[test]
fn pictures_give_their_codes() {
    for format in [image::ImageFormat::Png, image::ImageFormat::Jpeg] {
        let pages = read(&encoded(&["BG1K0123", "BG1S4567", "BG1K0123"], format));
        assert_eq!(pages.len(), 1);
        assert_eq!(texts(&pages[0]), ["BG1K0123", "BG1S4567"]);
        assert_eq!(pages[0].problem, None);
        assert_eq!(pages[0].codes[0].pass, Pass::Plain);
        let code = pages[0].codes.iter().find(|code| code.text.starts_with("BG1K")).unwrap();
        let ((left, top), (right, bottom)) = (code.corners[0], code.corners[2]);
        let side = 5.0 * 21.0; // version 1
        assert!((right - left - side).abs() < 3.0 && (bottom - top - side).abs() < 3.0);
        assert!((top - 30.0).abs() < 3.0);
    }
}

#[test]
fn pdf_pages_come_in_their_order() {
    let leaves: [&[&str]; 3] = [&["BG1KAAAA", "BG1SBBBB"], &[], &["BG1SCCCC", "BG1SDDDD"]];
    let found = read(&pdf(&leaves));
    assert_eq!(found.iter().map(|page| page.number).collect::<Vec<_>>(), [1, 2, 3]);
    for (page, codes) in found.iter().zip(leaves) {
        assert_eq!(texts(page), codes);
        assert_eq!(page.problem, codes.is_empty().then_some(PageProblem::Blank));
    }
    let late = [&b"\r\n".repeat(300)[..], &pdf(&leaves)].concat();
    assert_eq!(texts(&read(&late)[0]), leaves[0]);
}

#[test]
fn a_text_is_passed_on() {
    let Ok(Reading::Text(text)) = reader().read("-", b"\xef\xbb\xbfK1 ABCD\n") else {
        panic!("not a text")
    };
    assert_eq!(*text, "K1 ABCD\n");
}

#[test]
fn what_cannot_be_read_is_named() {
    assert_eq!(refusal(b""), "scan2.pdf is empty");
    assert_eq!(
        refusal(b"\0\0\0\x18ftypavif\0\0\0\0"),
        "scan2.pdf is an AVIF picture, which cannot be read yet"
    );
    assert_eq!(
        refusal(b"\x7fELF\0\0\0"),
        "scan2.pdf is not a text, a PDF or a picture that can be read"
    );
    assert_eq!(refusal(b"%PDF-1.7\nhello"), "scan2.pdf is damaged and cannot be read");
    let none = file(&[
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [] /Count 0 >>".to_owned(),
    ]);
    assert_eq!(refusal(&none), "scan2.pdf has no pages");
    let many = pdf(&vec![&[][..]; 201]);
    assert_eq!(refusal(&many), "scan2.pdf has 201 pages, more than 200");
}

#[test]
fn sizes_are_judged_before_anything_is_decoded() {
    // a PNG that says it is 40 000 × 40 000
    let mut bomb = png(&["A"]);
    bomb[16..24].copy_from_slice(&[0, 0, 0x9c, 0x40, 0, 0, 0x9c, 0x40]);
    let checksum = crc(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&checksum.to_be_bytes());
    assert_eq!(read(&bomb)[0].problem, Some(PageProblem::TooLarge));
    let poster = String::from_utf8(pdf(&[&["A"]])).unwrap().replace("595 842", "9999 9999");
    assert_eq!(read(poster.as_bytes())[0].problem, Some(PageProblem::TooLarge));
}

/// CRC-32 as PNG has it.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}

#[test]
fn a_cut_picture_gives_what_is_left_of_it() {
    for format in [image::ImageFormat::Png, image::ImageFormat::Jpeg] {
        let whole = encoded(&["BG1K0123", "BG1S4567"], format);
        let cut = read(&whole[..whole.len() - 40]);
        assert_eq!(cut[0].codes.len(), 2, "{format:?}");
        let stub = read(&whole[..40]);
        assert!(stub[0].codes.is_empty());
        assert_eq!(stub[0].problem, Some(PageProblem::Damaged), "{format:?}");
    }
}

#[test]
fn damaged_files_never_break_the_parent() {
    let whole = pdf(&[&["BG1K0123", "BG1S4567"]]);
    let picture = png(&["BG1K0123", "BG1S4567"]);
    let mut state = 7_u64;
    for round in 0..24 {
        let mut bytes = if round % 2 == 0 { whole.clone() } else { picture.clone() };
        for _ in 0..12 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = usize::try_from(state >> 33).unwrap() % bytes.len();
            bytes[at] = state.to_le_bytes()[7];
        }
        let _ = reader().read("file", &bytes);
    }
}

#[test]
fn a_worker_that_is_no_worker_costs_the_page() {
    let picture = png(&["A"]);
    for (program, problem) in [
        ("/bin/false", PageProblem::Crashed),
        ("/bin/true", PageProblem::Nonsense),
        ("/bin/echo", PageProblem::Nonsense),
        ("/usr/bin/yes", PageProblem::Crashed), // floods the pipe; ends when nobody reads on
    ] {
        if Path::new(program).exists() {
            let found = pages(Reader::new(program.into()).read("file", &picture).unwrap());
            assert!(found[0].codes.is_empty());
            assert_eq!(found[0].problem, Some(problem), "{program}");
        }
    }
    let nobody = Reader::new("/nonexistent/breakglass".into());
    let Err(error) = nobody.read("file", &picture) else { panic!("was read") };
    assert!(matches!(error.why, Refusal::Start(_)));
}

#[test]
fn a_worker_that_hangs_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("hangs");
    std::fs::write(&program, "#!/bin/sh\nwhile :; do /bin/sleep 0.05; done\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&program, mode).unwrap();
    let start = Instant::now();
    let reader = Reader::new(program).with_deadline(Duration::from_millis(300));
    let found = loop {
        match reader.read("file", &png(&["A"])) {
            // another test's child may hold the script open for a moment
            Err(_) if start.elapsed() < Duration::from_secs(5) => {}
            found => break pages(found.unwrap()),
        }
    };
    assert_eq!(found[0].problem, Some(PageProblem::TooLong));
    assert!(start.elapsed() < Duration::from_secs(8));
}

/// Runs a worker by hand.
fn worker(page: &str, bytes: &[u8]) -> (String, bool) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_breakglass"))
        .args(["read-page", "--page", page])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.success())
}

#[test]
fn a_worker_answers_in_lines() {
    let file = pdf(&[&["BG1KAAAA"], &[]]);
    let (said, success) = worker("0", &file);
    assert!(success);
    assert_eq!(said, "breakglass page 1\npages 2\nsize 0 0\nend\n");
    let (said, _) = worker("1", &file);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], "breakglass page 1");
    assert!(lines[2].starts_with("code plain ") && lines[2].ends_with(" BG1KAAAA"));
    assert_eq!(lines.last(), Some(&"end"));
    let (said, _) = worker("3", &file);
    assert_eq!(said, "breakglass page 1\nsize 0 0\nproblem missing\nend\n");
}

/// A picture in a picture in a picture …, each drawn many times: endless to draw, short to write.
#[test]
fn a_page_without_end_is_given_up() {
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
         /Resources << /XObject << /X 5 0 R >> >> >>"
            .to_owned(),
        "<< /Length 5 >>\nstream\n/X Do\nendstream".to_owned(),
    ];
    let again = "/X Do ".repeat(40);
    for next in 6..16 {
        objects.push(format!(
            "<< /Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << /XObject << /X \
             {next} 0 R >> >> /Length {} >>\nstream\n{again}\nendstream",
            again.len() + 1
        ));
    }
    let square = "0 0 9 9 re f";
    objects.push(format!(
        "<< /Type /XObject /Subtype /Form /BBox [0 0 595 842] /Length {} >>\nstream\n{square}\nendstream",
        square.len() + 1
    ));
    let found = read(&file(&objects));
    assert_eq!(found[0].problem, Some(PageProblem::TooLong));
}
