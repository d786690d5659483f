//! Templates: their language as `templates/README.md` shows it, an organisation's own, and the check of them.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

#[path = "support/papers.rs"]
mod papers;

use std::io::Cursor;
use std::path::Path;

use breakglass::codes::grid::PaperSize;
use breakglass::paper::{self, Templates, Values};
use breakglass::scan::{self, Reader, Reading};
use image::{GrayImage, ImageFormat};
use papers::Papers;

const README: &str = include_str!("../templates/README.md");

/// The blocks of README that have a picture below them: what they say, and the picture's name.
fn examples() -> Vec<(String, String)> {
    let mut examples = Vec::new();
    let mut rest = README;
    while let Some((before, after)) = rest.split_once("](examples/") {
        let name = after.split_once(')').unwrap().0.to_owned();
        let before = before.strip_suffix("\n![").unwrap().trim_end();
        let fence = if before.ends_with("````") { "````" } else { "```" };
        let block = before.strip_suffix(fence).unwrap();
        let (_, block) = block.rsplit_once(&format!("\n{fence}md\n")).unwrap();
        examples.push((block.to_owned(), name));
        rest = after;
    }
    examples
}

/// A picture of the page, cut to what is on it, in black and white.
fn drawn(pdf: &[u8]) -> GrayImage {
    let page = scan::picture(pdf, 1, 75.0).unwrap();
    let page = image::load_from_memory_with_format(&page, ImageFormat::Png).unwrap().into_luma8();
    let (width, height) = page.dimensions();
    // without the title and the foot
    let dark = |y: &u32| (0..width).any(|x| page.get_pixel(x, *y).0[0] < 250);
    let top = (72..height).find(dark).unwrap();
    let bottom = (top..height - 60).rev().find(dark).unwrap();
    image::imageops::crop_imm(&page, 30, top - 6, width - 60, bottom - top + 12).to_image()
}

fn pages(papers: &Papers, pdf: &str) -> usize {
    match Reader::new(papers::PROGRAM.into()).read(pdf, &papers.read(pdf)).unwrap() {
        Reading::Pages(pages) => pages.len(),
        Reading::Text(_) => panic!("{pdf} is a text"),
    }
}

fn logo() -> Vec<u8> {
    // a frame with a bar across
    let logo = GrayImage::from_fn(120, 60, |x, y| {
        let frame = x < 8 || y < 8 || x >= 112 || y >= 52;
        image::Luma([if frame || x.abs_diff(2 * y) < 8 { 0 } else { 255 }])
    });
    let mut png = Vec::new();
    logo.write_to(&mut Cursor::new(&mut png), ImageFormat::Png).unwrap();
    png
}

/// With `BREAKGLASS_DRAW=1` the pictures are drawn anew; look at them then.
#[test]
fn readme_shows_what_its_blocks_print() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("en")).unwrap();
    std::fs::write(folder.path().join("logo.png"), logo()).unwrap();
    let examples = examples();
    assert_eq!(examples.len(), 9);
    for (block, name) in examples {
        let text = format!("# Example\n\n{block}");
        std::fs::write(folder.path().join("en/example.md"), text).unwrap();
        let templates = Templates::open(Some(folder.path()), "en", false).unwrap();
        let values = Values::default();
        let pdf = paper::document("example", values, "x", PaperSize::A4, &templates).unwrap();
        let picture = drawn(&pdf);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/examples").join(&name);
        if std::env::var_os("BREAKGLASS_DRAW").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            picture.save(&path).unwrap();
        }
        let shown = image::open(&path).unwrap_or_else(|e| panic!("{name}: {e}")).into_luma8();
        assert_eq!(shown.dimensions(), picture.dimensions(), "{name}");
        let differs =
            shown.pixels().zip(picture.pixels()).filter(|(a, b)| a.0[0].abs_diff(b.0[0]) > 40);
        assert!(differs.count() < 20, "{name} is not what its block prints");
    }
}

#[test]
fn every_built_in_template_holds_what_it_may_have_to() {
    let papers = Papers::kit_only();
    let own = papers.path("kit/templates");
    for language in ["en", "de", "es"] {
        std::fs::create_dir_all(own.join(language)).unwrap();
        let text = std::fs::read_to_string(format!("templates/{language}/sheet.md")).unwrap();
        papers.file(&format!("kit/templates/{language}/sheet.md"), text);
    }
    let mut method = papers::METHOD.to_owned();
    for (id, lang) in [("E1001", "en"), ("E1002", "de"), ("E1003", "es")] {
        let line = format!("id = \"{id}\"");
        method = method.replace(&line, &format!("{line}\nlang = \"{lang}\"\nlarge_print = true"));
    }
    papers.file("kit/method.toml", method);
    let check = papers.run(&["-C", "kit", "print", "--check", "-o", "samples"]);
    check.expect(0, &["de/sheet.md  ok", "en/sheet.md  ok", "es/sheet.md  ok"]);
    let samples = std::fs::read_dir(papers.path("samples")).unwrap().count();
    assert_eq!(samples, 42, "seven kinds in three languages, normal and large");
    // nobody can open what was only a sample
    papers
        .run(&["inspect", "samples/sample-sheet-es-a-locked-sheet.pdf"])
        .expect(0, &["locked share 1a"]);
    assert!(!papers.path("kit/logbook.jsonl").exists());
}

#[test]
fn an_organisation_rewords_its_sheet_and_the_record_says_so() {
    let papers = Papers::kit_only();
    std::fs::create_dir_all(papers.path("kit/templates/en")).unwrap();
    let english = include_str!("../templates/en/sheet.md");
    let ours = english.replace("## BREAK GLASS ", "## EXAMPLE BANK ").replace(
        "Held by **{{ holder }}**.",
        "Held by **{{ holder }}**. ![](right-image:logo.png 7mm)",
    );
    papers.file("kit/templates/en/sheet.md", &ours);
    papers.file("credential", "Tr0ub4dor&3-horse 20");
    let split = ["-C", "kit", "split", "--from", "credential", "-o", "papers"];
    papers.run(&split).expect(2, &["templates: `logo.png`", "there is no such file"]);
    std::fs::write(papers.path("kit/templates/logo.png"), logo()).unwrap();
    papers.run(&["-C", "kit", "print", "--check"]).expect(0, &["en/sheet.md  ok"]);
    papers.run(&split).expect(0, &["reads back"]);
    let hash = papers.records()[1]["template"].as_str().unwrap().to_owned();
    let own =
        Templates::open(Some(&papers.path("kit/templates")), "en", false).unwrap().hash().unwrap();
    assert_eq!(hash, breakglass::logbook::hex(&own));
    assert_ne!(own, Templates::built_in().unwrap().hash().unwrap());
    let [one, two, three] = ["1a", "2a", "5a"].map(|sheet| papers.sheet(sheet));
    papers.opens(&[&one, &two, &three], &["-C", "kit"]);
}

#[test]
fn sheets_of_one_set_speak_several_languages() {
    let papers = Papers::kit_only();
    let method = papers::METHOD
        .replace("id = \"E1002\"", "id = \"E1002\"\nlang = \"de\"")
        .replace("id = \"E1003\"", "id = \"E1003\"\nlang = \"es\"\nlarge_print = true")
        .replace("id = \"E1004\"", "id = \"E1004\"\nlang = \"fi\"");
    papers.file("kit/method.toml", method);
    papers.file("credential", "Tr0ub4dor&3-horse 20");
    let split = ["-C", "kit", "split", "--from", "credential", "-o", "papers"];
    papers.run(&split).expect(0, &["no sheet in `fi`: Dana Okoye gets the English one"]);
    let issue = &papers.records()[1];
    let templates = issue["templates"].as_object().unwrap();
    assert_eq!(templates["1a"], templates["4a"]);
    assert_ne!(templates["1a"], templates["2a"]);
    assert!(issue.get("template").is_none());
    let sheets = ["2a", "3a", "4a"].map(|sheet| papers.sheet(sheet));
    papers.opens(&sheets.each_ref().map(String::as_str), &["-C", "kit"]);
}

#[test]
fn what_is_wrong_with_a_template_is_said_with_line_and_column() {
    let papers = Papers::kit_only();
    std::fs::create_dir_all(papers.path("kit/templates/en")).unwrap();
    let english = include_str!("../templates/en/sheet.md");
    let line_of = |text: &str| english.lines().position(|line| line.contains(text)).unwrap() + 1;
    let check = |from: &str, to: &str, expected: &str| {
        assert!(english.contains(from), "{from}");
        papers.file("kit/templates/en/sheet.md", english.replacen(from, to, 1));
        papers
            .run(&["-C", "kit", "print", "--check"])
            .expect(1, &["en/sheet.md  not ok", expected]);
    };
    let at = line_of("Held by");
    check(
        "Held by **",
        "Held by {{ who }} **",
        &format!("en/sheet.md, line {at}, column 12: undefined value"),
    );
    check("Held by **", "Held ☎ by **", &format!("line {at}, column 6: no glyph for `☎` (U+260E)"));
    check(
        "Held by **",
        "![](hold:x) **",
        &format!("line {at}, column 4: widget `hold` stands among text"),
    );
    check("![](typed:share)\n", "", "the widget `typed:share` is missing");
    check("![](right-code:{{ set_code }})", "", "leaf 1 does not print `{{ set_code }}`");
    check("![](typed:share)\n", "![](typed:share\n", "a widget that is not closed");
    check("Held by **", "![](right-image:lgo.png) **", "picture `lgo.png`: there is no such file");
    let long = "Never let anybody see this sheet who is not named in the paper book. ".repeat(4);
    check("Held by **", &format!("{long}**"), "on leaf 1 the text is");
    papers.file("kit/templates/en/sheet.md", english);
    papers.file("kit/templates/theme-large.toml", "[page]\ntop = 7\n");
    let large = papers.run(&["-C", "kit", "print", "--check"]);
    large.expect(1, &["theme-large.toml  not ok", "en/sheet.md  not ok", "missing field `bottom`"]);
    std::fs::remove_file(papers.path("kit/templates/theme-large.toml")).unwrap();
    papers.file("kit/templates/theme.toml", "[page]\ntop = 7\n");
    papers
        .run(&["-C", "kit", "print", "--check"])
        .expect(1, &["theme.toml  not ok", "missing field `bottom`"]);
}

#[test]
fn documents_are_printed_from_the_method_file() {
    let papers = Papers::kit_only();
    papers
        .run(&["-C", "kit", "print"])
        .expect(0, &["label             custodian  C3, version 1   Bag labels\n"]);
    papers.run(&["print", "--built-in", "-o", "theirs"]).expect(0, &["theirs/de/sheet.md"]);
    assert_eq!(papers.read("theirs/README.md"), README.as_bytes());
    papers.run(&["-C", "kit", "print", "label"]).expect(2, &["-o DIR"]);
    papers.run(&["-C", "kit", "print", "label", "-o", "out"]).expect(0, &["out/label.pdf"]);
    papers.run(&["-C", "kit", "print", "label", "-o", "out"]).expect(2, &["exists"]);
    papers.run(&["-C", "kit", "print", "sheet", "-o", "out"]).expect(2, &["no template `sheet`"]);
    assert_eq!(pages(&papers, "out/label.pdf"), 2);
    // a form of their own, longer than a page
    std::fs::create_dir_all(papers.path("kit/templates/en")).unwrap();
    let rows = "|  |  |\n".repeat(60);
    papers.file(
        "kit/templates/en/out-book.md",
        format!("# Out book of {{{{ name }}}}\n\n| Date | To whom |\n|---|---|\n{rows}"),
    );
    papers.run(&["-C", "kit", "print"]).expect(0, &["out-book"]);
    papers
        .run(&["-C", "kit", "print", "out-book", "-o", "out", "--paper", "letter"])
        .expect(0, &[]);
    assert!(pages(&papers, "out/out-book.pdf") >= 3);
    papers.run(&["-C", "kit", "print", "--check"]).expect(0, &["en/out-book.md  ok"]);
}
