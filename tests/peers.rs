//! Programs that nobody here wrote read our papers, and open them without us. A missing one is a failure.
//!
//! On Debian: `apt install age ghostscript img2pdf libgfshare-bin libheif-examples libopenjp2-tools libtiff-tools
//! poppler-utils python3 qpdf tesseract-ocr webp zbar-tools`.
#![cfg(feature = "peers")]
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

#[path = "support/papers.rs"]
mod papers;

use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use papers::{Papers, Run};

const CREDENTIAL: &[u8] = b"correct horse battery staple\n";

/// Runs a program of a Debian package in a folder.
#[track_caller]
fn peer(package: &str, dir: &Path, words: &[&str]) -> Run {
    match Command::new(words[0]).args(&words[1..]).current_dir(dir).output() {
        Ok(output) => output.into(),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("`{}` is missing: apt install {package}", words[0])
        }
        Err(error) => panic!("`{}`: {error}", words[0]),
    }
}

/// What a program of a Debian package prints; it has to end with 0.
#[track_caller]
fn asked(package: &str, dir: &Path, words: &[&str]) -> String {
    let run = peer(package, dir, words);
    assert_eq!(run.code, 0, "{words:?}: {}", run.err);
    run.out
}

/// Draws every page of a sheet as a scanner would, `NAME-1.pgm` first.
fn scanned(papers: &Papers, sheet: &str, name: &str) -> Vec<String> {
    let words = ["pdftoppm", "-r", "150", "-gray", sheet, name];
    asked("poppler-utils", papers.dir(), &words);
    let pages = (1..).map(|page| format!("{name}-{page}.pgm"));
    let pages: Vec<String> = pages.take_while(|name| papers.path(name).exists()).collect();
    assert!(pages.len() >= 2, "{pages:?}");
    pages
}

/// The texts of all codes that zbarimg finds on a page.
fn zbarimg(papers: &Papers, page: &str) -> Vec<String> {
    // QR only: it sees bars of other kinds in the modules now and then
    let words = ["zbarimg", "-q", "--raw", "-Sdisable", "-Sqrcode.enable", page];
    let texts = asked("zbar-tools", papers.dir(), &words);
    texts.lines().map(str::to_owned).collect()
}

/// The lines of leaf 2 and what follows, as somebody would type them: those with a label like that.
fn typed(papers: &Papers, sheet: &str, label: &str) -> String {
    let text = asked("poppler-utils", papers.dir(), &["pdftotext", "-raw", "-f", "2", sheet, "-"]);
    let labelled = |line: &&str| {
        let rest = line.strip_prefix(label).unwrap_or_default();
        rest.starts_with(|c: char| c.is_ascii_digit())
    };
    lines(text.lines().filter(labelled))
}

/// Lines as a file has them, each with its end.
fn lines<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// What leaf 2 says about opening without the program, exactly as printed.
struct ByHand {
    /// The commands for each sheet.
    each: String,
    /// The commands for all sheets together.
    all: String,
    /// Where the sealed credential's lines, or the texts of its codes, are to be written.
    sealed_file: String,
}

/// Takes the commands off the page.
fn by_hand(papers: &Papers, sheet: &str) -> ByHand {
    // without the margin
    let crop = ["-layout", "-f", "2", "-l", "2", "-x", "36", "-y", "0", "-W", "600", "-H", "842"];
    let words = [&["pdftotext"], &crop[..], &[sheet, "-"]].concat();
    let text = asked("poppler-utils", papers.dir(), &words);
    let (_, rest) = text.split_once("for each of 3 sheets").unwrap();
    let (each, rest) = rest.split_once("\nWith 3 files s.*").unwrap();
    let (words, all) = rest.split_once('\n').unwrap();
    let (_, sealed_file) = words.trim().trim_end_matches(':').rsplit_once(' ').unwrap();
    assert!(sealed_file.strip_suffix(".txt").is_some(), "{words}");
    // how far down it stands depends on how long the sealed credential is; what names the codes comes after it
    let last = "age -d -i id.txt c.age";
    let (before, _) = all.split_once(last).unwrap();
    let all = &all[..before.len() + last.len()];
    ByHand { each: commands(each, 1), all: commands(all, 0), sealed_file: sealed_file.to_owned() }
}

fn commands(block: &str, skip: usize) -> String {
    let printed = block.lines().skip(skip).map(|line| line.trim_end_matches('\u{c}'));
    lines(printed.filter(|line| !line.trim().is_empty()))
}

/// The commands for somebody who types: where a line names another way after `# or:`, that one.
fn for_typists(commands: &str) -> String {
    lines(commands.lines().map(|line| line.split_once("# or: ").map_or(line, |(_, other)| other)))
}

/// Runs commands in a folder, in a shell that stops at the first one that fails.
fn bash(dir: &Path, commands: &str) -> Vec<u8> {
    let needed = [
        ("zbarimg", "zbar-tools"),
        ("gfcombine", "libgfshare-bin"),
        ("age", "age"),
        ("python3", "python3"),
    ];
    for (program, package) in needed {
        let found = peer("bash", dir, &["bash", "-c", &format!("command -v {program}")]);
        assert_eq!(found.code, 0, "`{program}` is missing: apt install {package}");
    }
    let output = Command::new("bash").args(["-euc", commands]).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{commands}\n{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Opens a set as leaf 2 says, in one shell, from three sheets; `bring` lays out in a folder what each of them brings.
fn opened_by_hand(papers: &Papers, page: &ByHand, mut bring: impl FnMut(&str, &str)) -> Vec<u8> {
    let mut script = Vec::new();
    for sheet in ["2a", "5a", "3a"] {
        let folder = format!("by-hand/{sheet}");
        std::fs::create_dir_all(papers.path(&folder)).unwrap();
        bring(&papers.sheet(sheet), &folder);
        script.push(format!("cp {sheet}/* .\n{}", page.each));
    }
    bash(&papers.path("by-hand"), &format!("{}{}", script.concat(), page.all))
}

/// Scans leaf 1 of a sheet as leaf 2 wants it.
fn scan_png(papers: &Papers, sheet: &str, folder: &str) {
    let name = format!("{folder}/scan");
    let how = ["pdftoppm", "-r", "150", "-png", "-f", "1", "-singlefile", sheet, &name];
    asked("poppler-utils", papers.dir(), &how);
    assert!(papers.path(&format!("{name}.png")).exists());
}

#[test]
fn zbarimg_reads_every_code_of_every_page_on_both_papers() {
    for paper in ["a4", "letter"] {
        let papers = Papers::dealt(papers::METHOD, CREDENTIAL, &["--paper", paper]);
        let mut sealed: Vec<String> = Vec::new();
        let mut all = String::new();
        for (i, sheet) in papers.sheets().iter().enumerate() {
            let pages = scanned(&papers, sheet, &format!("scan{i}"));
            let found: Vec<Vec<String>> = pages.iter().map(|page| zbarimg(&papers, page)).collect();
            // a third leaf has typed lines only
            let counts: Vec<usize> = found.iter().map(Vec::len).collect();
            assert!(matches!(counts[..], [4, 2] | [4, 2, 0]), "{paper} {sheet} {counts:?}");
            let mut keys: Vec<&String> =
                found.iter().flatten().filter(|t| t.starts_with("BG1K")).collect();
            sealed.extend(found.iter().flatten().filter(|t| t.starts_with("BG1S")).cloned());
            assert_eq!(keys.len(), 4, "{paper} {sheet}");
            keys.dedup();
            assert_eq!(keys.len(), 1, "{paper} {sheet}");
            all.push_str(keys[0]);
            all.push('\n');
        }
        assert_eq!(sealed.len(), 10);
        sealed.dedup();
        assert_eq!(sealed.len(), 1);
        all.push_str(&sealed[0]);
        // and they are good to the last bit: a hand-held scanner could have typed them
        papers.file("codes.txt", &all);
        papers.opens(&["codes.txt"], &[]);
    }
}

#[test]
fn the_pages_are_sound_and_their_text_reads_in_order() {
    for paper in ["a4", "letter"] {
        let papers = Papers::dealt(
            papers::METHOD,
            CREDENTIAL,
            &["--paper", paper, "--credential-id", "AKIAEXAMPLE"],
        );
        let code = papers.set_code();
        for sheet in papers.sheets() {
            let check = asked("qpdf", papers.dir(), &["qpdf", "--check", &sheet]);
            assert!(check.contains("No syntax or stream encoding errors found"), "{check}");
            assert!(!check.contains("WARNING"), "{check}");

            let fonts = asked("poppler-utils", papers.dir(), &["pdffonts", &sheet]);
            let fonts: Vec<&str> = fonts.lines().skip(2).collect();
            assert_eq!(fonts.len(), 3, "{fonts:?}");
            // emb, sub and uni: text can be copied out
            assert!(fonts.iter().all(|font| font.contains(" yes yes yes ")), "{fonts:?}");

            let info = asked("poppler-utils", papers.dir(), &["pdfinfo", &sheet]);
            let size = if paper == "a4" { "(A4)" } else { "(letter)" };
            assert!(info.contains(size) && info.contains("Pages:           2"), "{info}");
        }
        let sheet = papers.sheet("3a");
        let leaf = |leaf: &str| {
            let words = ["pdftotext", "-raw", "-f", leaf, "-l", leaf, &sheet, "-"];
            asked("poppler-utils", papers.dir(), &words)
        };
        in_order(
            &leaf("1"),
            &[
                "BREAK GLASS",
                &code,
                "AWS payments production",
                "aws-payments-prod",
                "leaf 1 of 2",
                "GENERATION",
                "SHEET",
                "3a",
                "any 3 of 5",
                "Held by Chen Li",
                "This leaf is enough to bring",
                "Never point a phone at these codes",
                "1. Take this leaf to the break-glass laptop",
                "2. Run breakglass combine",
                "3. Trust what the program shows",
                "4. Log in",
                "5. Also needed",
                "Only for",
                "IDP-DOWN",
                "OWN-1",
                "Revoke within 24 h",
                "Owner: payments-sre",
            ],
        );
        in_order(
            &leaf("2"),
            &[
                "BREAK GLASS, generation 1, sheet 3a, leaf 2 of 2",
                &code,
                "Share 3a, if no code can be read",
                "\nK1 ",
                "\nK2 ",
                "\nK3 ",
                "\nK4 ",
                "Manifest, the same on every sheet",
                "\nM01 ",
                "\nM02 ",
                "\nM15 ",
                "Sealed credential, the same on every sheet",
                "\nS1-01 ",
                "\nS1-02 ",
                "Opening without this program",
                "for each of 3 sheets",
                "zbarimg",
                "With 3 files s.*",
                "gfcombine",
                "age -d",
            ],
        );
    }
}

#[track_caller]
fn in_order(text: &str, phrases: &[&str]) {
    let mut rest = text;
    for phrase in phrases {
        let Some((_, after)) = rest.split_once(phrase) else {
            panic!("no `{phrase}` where it belongs in:\n{text}")
        };
        rest = after;
    }
}

#[test]
fn the_printed_commands_open_the_set_from_scans() {
    for paper in ["a4", "letter"] {
        let papers = Papers::dealt(papers::METHOD, CREDENTIAL, &["--paper", paper]);
        let page = by_hand(&papers, &papers.sheet("2a"));
        let bring = |sheet: &str, folder: &str| scan_png(&papers, sheet, folder);
        assert_eq!(opened_by_hand(&papers, &page, bring), CREDENTIAL);
    }
}

/// Sheet 3a is locked to keys: its own leaf 2 says what to do with it, the others' with them.
#[test]
fn the_printed_commands_open_a_locked_sheet() {
    let method = papers::locked(&[("E1003", &papers::to_keys())]);
    let papers = Papers::dealt(&method, CREDENTIAL, &[]);
    let (open, locked) = (papers.sheet("2a"), papers.sheet("3a"));
    let (page, lock) = (by_hand(&papers, &open), by_hand(&papers, &locked));
    assert!(lock.each.contains("age -d -i KEY") && !page.each.contains("KEY"), "{}", lock.each);
    for typed_in in [false, true] {
        let mut script = String::new();
        for sheet in ["2a", "5a", "3a"] {
            let folder = format!("by-hand/{sheet}");
            std::fs::create_dir_all(papers.path(&folder)).unwrap();
            let (file, kind, page) = if sheet == "3a" {
                (&locked, "P", &lock)
            } else {
                (&papers.sheet(sheet), "K", &page)
            };
            let commands = if typed_in {
                papers.file(&format!("{folder}/k.txt"), typed(&papers, file, kind));
                for_typists(&page.each)
            } else {
                scan_png(&papers, file, &folder);
                page.each.clone()
            };
            script = format!("{script}cp {sheet}/* .\n{}", commands.replace("KEY", "key.txt"));
        }
        papers.file("by-hand/key.txt", papers::KEYS[1].0);
        // the sealed credential comes from a scan of an open sheet
        scan_png(&papers, &open, "by-hand");
        let opened = bash(
            &papers.path("by-hand"),
            &format!("{script}cp 2a/scan.png . || true\n{}", page.all),
        );
        assert_eq!(opened, CREDENTIAL, "typed: {typed_in}");
    }
}

/// A printer of 150 dots an inch that knows only black and white.
#[test]
fn a_bad_printer_is_good_enough() {
    let method = papers::locked(&[("E1003", &papers::to_keys())]);
    let papers = Papers::dealt(&method, CREDENTIAL, &[]);
    papers.file("key.txt", papers::KEYS[0].0);
    let mut pages = Vec::new();
    for sheet in ["1a", "3a", "4a"] {
        let words = ["pdftoppm", "-r", "150", "-mono", "-png", &papers.sheet(sheet), sheet];
        asked("poppler-utils", papers.dir(), &words);
        pages.push(format!("{sheet}-1.png"));
        let inspect =
            papers.run(&["inspect", &format!("{sheet}-1.png"), &format!("{sheet}-2.png")]);
        inspect.expect(0, &["reads at once"]);
        assert!(!inspect.out.contains("effort"), "{}", inspect.out);
    }
    papers.opens(&pages.iter().map(String::as_str).collect::<Vec<_>>(), &["-i", "key.txt"]);
}

#[test]
fn the_printed_commands_open_the_set_from_typed_lines() {
    // every length of the credential needs its own padding
    for length in [20, 21, 22, 23, 24] {
        let credential = &b"Tr0ub4dor&3-Tr0ub4dor&3-"[..length];
        let papers = Papers::of(credential);
        let page = by_hand(&papers, &papers.sheet("4a"));
        let (each, all) = (for_typists(&page.each), for_typists(&page.all));
        let page = ByHand { each, all, ..page };
        let bring = |sheet: &str, folder: &str| {
            let lines = typed(&papers, sheet, "K");
            assert_eq!(lines.lines().count(), 4, "{lines}");
            papers.file(&format!("{folder}/k.txt"), lines);
            let sealed = typed(&papers, sheet, "S1-");
            papers.file(&format!("{folder}/{}", page.sealed_file), sealed);
        };
        assert_eq!(opened_by_hand(&papers, &page, bring), credential);
        nobody_knows_the_recipient(&papers);
    }
}

/// The identity that gfcombine and python3 made opens the kit's age file, and its recipient is written nowhere.
fn nobody_knows_the_recipient(papers: &Papers) {
    let sealed = papers.set_folder().join("sealed.age");
    let words = ["age", "-d", "-i", "by-hand/id.txt", sealed.to_str().unwrap()];
    assert_eq!(asked("age", papers.dir(), &words).as_bytes(), papers.read("credential"));

    let recipient = asked("age", papers.dir(), &["age-keygen", "-y", "by-hand/id.txt"]);
    let recipient = recipient.trim();
    assert!(recipient.starts_with("age1"), "{recipient}");
    let kit =
        peer("grep", papers.dir(), &["grep", "-r", "-i", "-a", "-F", recipient, "kit", "papers"]);
    assert_eq!(kit.code, 1, "the recipient is in {}", kit.out);
    for sheet in papers.sheets() {
        let text = asked("poppler-utils", papers.dir(), &["pdftotext", "-raw", &sheet, "-"]);
        let text = text.split_whitespace().collect::<String>().to_lowercase();
        assert!(!text.contains(recipient) && !text.contains(&recipient[4..40]), "{sheet}");
    }
}

#[test]
fn the_printed_commands_open_a_credential_in_many_parts() {
    let credential: Vec<u8> = (0..2000_u32).map(|i| (i * i % 251) as u8).collect();
    let papers = Papers::of(&credential);
    let page = by_hand(&papers, &papers.sheet("1a"));
    let mut sealed: Vec<String> = Vec::new();
    for page in scanned(&papers, &papers.sheet("1a"), "parts") {
        sealed.extend(zbarimg(&papers, &page).into_iter().filter(|text| text.starts_with("BG1S")));
    }
    // the index stands in the 17th and 18th symbol after `BG1S`
    sealed.sort_by(|a, b| a[20..22].cmp(&b[20..22]));
    sealed.dedup();
    assert!(sealed.len() >= 4, "{}", sealed.len());
    let bring = |sheet: &str, folder: &str| {
        scan_png(&papers, sheet, folder);
        papers.file(&format!("{folder}/{}", page.sealed_file), sealed.join("\n") + "\n");
    };
    assert_eq!(opened_by_hand(&papers, &page, bring), credential);
}

/// Runs the kit's `recover.py` on files, without the program and without any other Python than its own.
fn recover_py(papers: &Papers, files: &[&str]) -> Vec<u8> {
    let code = papers.set_code();
    let _ = std::fs::remove_file(papers.path("recovered"));
    let _ = std::fs::remove_file(papers.path("record.json"));
    let mut words =
        vec!["python3", "-I", "-S", "kit/recover.py", "--output", "recovered", "--set-code", &code];
    words.extend(["--operator", "B. Alvarez", "--id", "E2040", "--reason", "DRILL by the book"]);
    words.extend(["--record", "record.json"]);
    words.extend(files);
    let run = peer("python3", papers.dir(), &words);
    run.expect(0, &["revoke before"]);
    papers.read("recovered")
}

#[test]
fn recover_py_opens_from_texts_and_from_typed_lines() {
    let papers = Papers::of(CREDENTIAL);
    let kit = String::from_utf8(papers.read("kit/recover.py")).unwrap();
    assert_eq!(kit, include_str!("../custodian-kit/recover.py"));
    let mut codes = String::new();
    let mut lines = String::new();
    for sheet in ["1a", "3a", "4a"].map(|sheet| papers.sheet(sheet)) {
        let leaf = &scanned(&papers, &sheet, &sheet.replace("papers/", ""))[0];
        codes.push_str(&(zbarimg(&papers, leaf).join("\n") + "\n"));
        lines.push_str(&typed(&papers, &sheet, "K"));
    }
    lines.push_str(&typed(&papers, &papers.sheet("3a"), "M"));
    lines.push_str(&typed(&papers, &papers.sheet("4a"), "S1-"));
    papers.file("codes.txt", &codes);
    papers.file("lines.txt", &lines);
    assert_eq!(recover_py(&papers, &["codes.txt"]), CREDENTIAL);
    assert_eq!(recover_py(&papers, &["lines.txt"]), CREDENTIAL);
    // the same typed lines, as poppler copied them, open with the program too
    papers.opens(&["lines.txt"], &[]);
}

#[test]
fn a_sheet_locked_by_qpdf_is_said_to_be_locked() {
    let papers = Papers::of(CREDENTIAL);
    let sheet = papers.sheet("1a");
    let encrypt = ["qpdf", "--encrypt", "user", "owner", "256", "--", &sheet, "locked.pdf"];
    asked("qpdf", papers.dir(), &encrypt);
    papers.run(&["inspect", "locked.pdf"]).expect(2, &["locked.pdf is protected by a password"]);
    let two = papers.sheet("2a");
    papers
        .combine(&["locked.pdf", &two], &[])
        .expect(3, &["locked.pdf is protected by a password", "1 of 3"]);
}

#[test]
fn a_sheet_that_ghostscript_made_a_picture_of_is_read() {
    let papers = Papers::of(CREDENTIAL);
    let mut scans = Vec::new();
    for (sheet, device) in [("1a", "pdfimage8"), ("2a", "pdfimage24"), ("5a", "pdfwrite")] {
        let name = format!("{device}.pdf");
        let (device, output) = (format!("-sDEVICE={device}"), format!("-sOutputFile={name}"));
        let words = [
            "gs",
            "-q",
            "-dBATCH",
            "-dNOPAUSE",
            "-dSAFER",
            "-r200",
            &device,
            &output,
            &papers.sheet(sheet),
        ];
        asked("ghostscript", papers.dir(), &words);
        let run = papers.run(&["inspect", &name]);
        let words = [
            &*format!("share {sheet}"),
            "sealed credential part 1",
            &papers.set_code(),
            "any 3 of 5",
        ];
        run.expect(0, &words);
        assert!(!run.out.contains("nothing of ours"), "{}", run.out);
        scans.push(name);
    }
    let scans: Vec<&str> = scans.iter().map(String::as_str).collect();
    papers.opens(&scans, &["-C", "kit"]);
}

/// Every way in which a scanner, a phone or an office program hands a page over.
const HANDED_OVER: [(&str, &str, &str); 15] = [
    (
        "ghostscript",
        "pdfimage.pdf",
        "gs -q -dNOPAUSE -dBATCH -r200 -sDEVICE=pdfimage8 -sOutputFile=pdfimage.pdf sheet.pdf",
    ),
    (
        "ghostscript",
        "g4.tif",
        "gs -q -dNOPAUSE -dBATCH -r300 -sDEVICE=tiffg4 -sOutputFile=g4.tif sheet.pdf",
    ),
    (
        "ghostscript",
        "lzw.tif",
        "gs -q -dNOPAUSE -dBATCH -r200 -sDEVICE=tifflzw -sOutputFile=lzw.tif sheet.pdf",
    ),
    (
        "ghostscript",
        "cmyk.tif",
        "gs -q -dNOPAUSE -dBATCH -r150 -sDEVICE=tiff32nc -sOutputFile=cmyk.tif sheet.pdf",
    ),
    (
        "ghostscript",
        "deep.tif",
        "gs -q -dNOPAUSE -dBATCH -r150 -sDEVICE=tiff48nc -sOutputFile=deep.tif sheet.pdf",
    ),
    (
        "ghostscript",
        "cmyk.jpg",
        "gs -q -dNOPAUSE -dBATCH -r200 -sDEVICE=jpegcmyk -dLastPage=1 -sOutputFile=cmyk.jpg sheet.pdf",
    ),
    ("libtiff-tools", "zip.tif", "tiffcp -c zip lzw.tif zip.tif"),
    ("libtiff-tools", "tiff2pdf.pdf", "tiff2pdf -o tiff2pdf.pdf g4.tif"),
    ("img2pdf", "g4.pdf", "img2pdf g4.tif -o g4.pdf"),
    ("img2pdf", "jpeg.pdf", "img2pdf cmyk.jpg -o jpeg.pdf"),
    (
        "libopenjp2-tools",
        "jpx.pdf",
        "opj_compress -i page-1.png -o page.jp2 -r 20 >/dev/null && img2pdf page.jp2 -o jpx.pdf",
    ),
    ("tesseract-ocr", "tesseract.pdf", "tesseract page-1.png tesseract pdf 2>/dev/null"),
    ("libheif-examples", "phone.heic", "heif-enc -q 60 page-1.png -o phone.heic >/dev/null"),
    ("webp", "lossy.webp", "cwebp -quiet -q 60 page-1.png -o lossy.webp"),
    ("webp", "lossless.webp", "cwebp -quiet -lossless page-1.png -o lossless.webp"),
];

#[test]
fn every_way_of_handing_a_page_over_is_read() {
    let papers = Papers::of(CREDENTIAL);
    std::fs::copy(papers.path(&papers.sheet("1a")), papers.path("sheet.pdf")).unwrap();
    let draw = ["pdftoppm", "-r", "200", "-png", "sheet.pdf", "page"];
    asked("poppler-utils", papers.dir(), &draw);
    for (package, file, command) in HANDED_OVER {
        let run = peer("bash", papers.dir(), &["bash", "-c", command]);
        assert_eq!(run.code, 0, "{command} (apt install {package}): {}", run.err);
        let said = papers.run(&["inspect", file]);
        said.expect(0, &["share 1a", "sealed credential part 1"]);
    }
}

/// A JBIG2 picture as scanners put it into a PDF: one generic region, coded as fax group 4 (T.88,
/// 6.2.6), whose bits are those of a TIFF strip.
#[test]
fn a_jbig2_scan_is_read() {
    let papers = Papers::of(CREDENTIAL);
    let sheet = papers.sheet("1a");
    let device = ["gs", "-q", "-dNOPAUSE", "-dBATCH", "-r200", "-sDEVICE=tiffg4", "-dLastPage=1"];
    asked("ghostscript", papers.dir(), &[&device[..], &["-sOutputFile=g4.tif", &sheet]].concat());
    let tiff = papers.read("g4.tif");
    let (width, height, strip) = only_strip(&tiff);
    let region = [&width.to_be_bytes()[..], &height.to_be_bytes()].concat();
    let segment = |number: u32, kind: u8, data: &[u8]| {
        let length = u32::try_from(data.len()).unwrap();
        [&number.to_be_bytes()[..], &[kind, 0, 1], &length.to_be_bytes(), data].concat()
    };
    let page = [&region[..], &[0; 8], &[0, 0, 0]].concat();
    let generic = [&region[..], &[0; 8], &[0, 1], strip].concat();
    let jbig2 = [segment(0, 48, &page), segment(1, 38, &generic)].concat();
    let points = |pixels: u32| pixels * 72 / 200;
    let (w, h) = (points(width), points(height));
    let content = format!("{w} 0 0 {h} 0 0 cm /I Do");
    let mut pdf = format!(
        "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [3 0 R] \
         /Count 1 >>\nendobj\n3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {w} {h}] /Contents 4 0 R \
         /Resources << /XObject << /I 5 0 R >> >> >>\nendobj\n4 0 obj\n<< /Length {} >>\nstream\n{content}\nendstream\n\
         endobj\n5 0 obj\n<< /Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /DeviceGray \
         /BitsPerComponent 1 /Filter /JBIG2Decode /Length {} >>\nstream\n",
        content.len(),
        jbig2.len(),
    )
    .into_bytes();
    pdf.extend(&jbig2);
    pdf.extend(b"\nendstream\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n");
    let scan = papers.file("jbig2.pdf", pdf);
    // poppler agrees that this is such a picture
    let listed = asked("poppler-utils", papers.dir(), &["pdfimages", "-list", &scan]);
    assert!(listed.contains("jbig2"), "{listed}");
    papers.run(&["inspect", &scan]).expect(0, &["share 1a", "sealed credential part 1"]);
}

/// Width, height and bits of a little-endian TIFF that has a single strip.
fn only_strip(tiff: &[u8]) -> (u32, u32, &[u8]) {
    let word = |at: usize| u32::from_le_bytes(tiff[at..at + 4].try_into().unwrap());
    let short = |at: usize| u32::from(u16::from_le_bytes(tiff[at..at + 2].try_into().unwrap()));
    let directory = word(4) as usize;
    let tag = |wanted: u32| {
        let entries = (0..short(directory) as usize).map(|i| directory + 2 + 12 * i);
        let entry = entries.into_iter().find(|at| short(*at) == wanted).unwrap();
        if short(entry + 2) == 3 { short(entry + 8) } else { word(entry + 8) }
    };
    let (start, length) = (tag(273) as usize, tag(279) as usize);
    (tag(256), tag(257), &tiff[start..start + length])
}

/// Whoever reads a paper at night reads 11 points, and 14 on the card. Only labels in capitals, the foot and the card's line about
/// the program are smaller.
#[test]
fn papers_are_large_enough_to_read() {
    const ZOOM: f32 = 3.0;
    let papers = Papers::kit_only();
    for paper in ["a4", "letter"] {
        papers.run(&["-C", "kit", "print", "--all", "--paper", paper, "-o", paper]).expect(0, &[]);
        let mut seen = 0;
        for entry in std::fs::read_dir(papers.path(paper)).unwrap() {
            let path = entry.unwrap().path().display().to_string();
            let words = ["pdftohtml", "-xml", "-i", "-stdout", "-zoom", "3", &path];
            let xml = asked("poppler-utils", papers.dir(), &words);
            let between = |text: &str, start: &str, end: &str| {
                let rest = text.split_once(start).unwrap().1;
                rest.split_once(end).unwrap().0.to_owned()
            };
            let fonts = xml.lines().filter(|line| line.contains("<fontspec "));
            let size = |line: &str| between(line, "size=\"", "\"").parse::<f32>().unwrap() / ZOOM;
            let fonts: std::collections::BTreeMap<String, f32> =
                fonts.map(|line| (between(line, "id=\"", "\""), size(line))).collect();
            let card = path.contains("operator-card");
            for line in xml.lines().filter(|line| line.starts_with("<text ")) {
                let words = between(line, ">", "</text>").replace("<b>", "").replace("</b>", "");
                let size = fonts[&between(line, "font=\"", "\"")];
                let label = words.chars().all(|c| c.is_uppercase() || c == ' ');
                let foot = words.contains("(method ") || words.contains('/') && words.len() < 6;
                let about_the_program = words.starts_with("Program: ") || words.len() >= 64;
                let least = match card {
                    _ if foot => 7.0,
                    _ if label => 9.0,
                    true if !about_the_program && !words.starts_with("Operator, ") => 14.0,
                    _ => 11.0,
                };
                assert!(size >= least - 0.2, "{path}: {size} pt: {words}");
                seen += 1;
            }
        }
        assert!(seen > 1000, "{seen}");
    }
}
