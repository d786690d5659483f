#![allow(clippy::unwrap_used)]
use super::super::page::Mark;
use super::*;
use crate::paper::template::own;

const THEME: &str = include_str!("../../../templates/theme.toml");
const SHEET_MD: &str = include_str!("../../../templates/en/sheet.md");

/// Symbols that are no share, but as long as one.
fn symbols(count: usize) -> String {
    "0123456789ABCDEFGHJKMNPQRSTVWXYZ".chars().cycle().take(count).collect()
}

fn lines(label: &str, count: usize) -> String {
    (1..=count).map(|i| format!("{label}{i:02} {}", symbols(28))).collect::<Vec<_>>().join("\n")
}

fn sheet(parts: usize) -> SheetText {
    let text = |text: &str| text.to_owned();
    let sealed_len = if parts == 1 { 460 } else { parts * PART - 100 };
    let part = |i| {
        let bytes = if i + 1 < parts { PART } else { sealed_len - PART * (parts - 1) };
        format!("BG1S{}", symbols(((bytes + AROUND) * 8).div_ceil(5)))
    };
    SheetText {
        method: text("aws-payments-prod"),
        name: text("AWS payments, production"),
        owner_team: text("Platform Security"),
        owner_contact: text("+44 20 7946 0018"),
        platform: text("AWS"),
        scope: text("account 123456789012"),
        credential_id: text("AKIAIOSFODNN7EXAMPLE"),
        generation: 7,
        set_code: text("S 13WM-BD7B-FSM1-HJ6W-A"),
        k: 3,
        n: 5,
        sheet: text("3b"),
        holder: text("Dana Okoye"),
        created: text("2026-11-24"),
        expires: None,
        uses: vec![(text("IDP-DOWN"), text("the identity provider is down"))],
        max_session: text("4 h"),
        revoke_within: text("24 h"),
        login: text("https://signin.aws.amazon.com"),
        also_needed: vec![text("security key in bag 1a")],
        laptop: text("room 2.14"),
        lock: None,
        manifest_code: None,
        share_code: format!("BG1K{}UM{}", symbols(96), symbols(384)).into(),
        sealed_codes: (0..parts).map(part).collect(),
        share_lines: lines("K", 4).replace("K0", "K").into(),
        manifest_lines: lines("M", 17),
        sealed_lines: (parts == 1).then(|| lines("S1-", 32)),
        sealed_len,
    }
}

fn pages(
    sheet: &SheetText,
    paper: PaperSize,
    templates: &Templates,
) -> Result<Vec<Page>, PaperError> {
    let read = |text: &str| TypedLine::read(text, "lines").unwrap();
    let typed = TypedLines {
        share: read(&sheet.share_lines),
        manifest: read(&sheet.manifest_lines),
        sealed: read(sheet.sealed_lines.as_deref().unwrap_or_default()),
    };
    let (template, shown) = (&templates.sheet().unwrap(), &Shown::default());
    let fonts = Fonts::shipped().unwrap();
    Press { sheet, paper, templates, template, shown, fonts, typed }.pages(Apart::Nothing)
}

fn codes(page: &Page) -> Vec<usize> {
    let code = |mark: &Mark| if let Mark::Code { code, .. } = mark { Some(*code) } else { None };
    page.marks.iter().filter_map(code).collect()
}

fn words(page: &Page) -> String {
    let text =
        |mark: &Mark| if let Mark::Text(text) = mark { Some(text.words.to_string()) } else { None };
    page.marks.iter().filter_map(text).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_leaf_holds_its_codes_and_names_itself() {
    let templates = Templates::built_in().unwrap();
    for paper in [PaperSize::A4, PaperSize::Letter] {
        for parts in [1, 2, 3, 6, 7, 30] {
            let sheet = sheet(parts);
            let pages = pages(&sheet, paper, &templates).unwrap();
            let second = if parts == 1 { 1 } else { 2 };
            assert_eq!(codes(&pages[0]), [0, 0, 0, 1]);
            assert_eq!(codes(&pages[1]), [0, second]);
            let rest: Vec<usize> = pages[2..].iter().flat_map(codes).collect();
            assert_eq!(rest, (3..=parts).collect::<Vec<_>>());
            assert!(pages[2..].iter().all(|page| (1..=4).contains(&codes(page).len())));
            for (i, page) in pages.iter().enumerate() {
                let words = words(page);
                assert!(words.contains(&sheet.set_code) && words.contains("3b"), "leaf {}", i + 1);
                assert!(words.contains(&format!("leaf {} of {}", i + 1, pages.len())), "{words}");
            }
        }
    }
}

#[test]
fn long_typed_lines_go_to_a_leaf_of_their_own() {
    let mut sheet = sheet(1);
    sheet.sealed_codes = vec![format!("BG1S{}", symbols(936))];
    sheet.sealed_lines = Some(lines("S1-", 42));
    sheet.manifest_lines = lines("M", 45);
    let templates = Templates::built_in().unwrap();
    for paper in [PaperSize::A4, PaperSize::Letter] {
        let error = pages(&sheet, paper, &templates).err().unwrap();
        assert!(matches!(error, PaperError::Overflow { leaf: 2, .. }));
        let bytes = render(&sheet, paper, &templates).unwrap();
        let pages = bytes.windows(11).filter(|window| window == b"/Type/Page/").count();
        assert_eq!(pages, 3);
    }
}

#[test]
fn the_same_texts_give_the_same_bytes() {
    let templates = Templates::built_in().unwrap();
    let made = |text: &SheetText| render(text, PaperSize::A4, &templates).unwrap();
    let first = made(&sheet(1));
    assert_eq!(first, made(&sheet(1)));
    assert!(first.len() < 30_000, "{} bytes", first.len());
    let mut other = sheet(1);
    other.expires = Some("2027-11-24".into());
    assert_ne!(first, made(&other));
}

#[test]
fn long_names_in_any_covered_script_fit_on_both_papers() {
    let mut sheet = sheet(1);
    sheet.method = "aws-payments-production-emea-001".into();
    sheet.name = "Ελένη Παπαδοπούλου-Щербакова of the Regional Emergency Offi".into();
    sheet.holder = "Żółć Čapek Ünlü and the Department of Continuity, Wrocław II".into();
    sheet.owner_team = sheet.holder.clone();
    sheet.laptop = "Security office, second floor, room 2.14, grey safe behind A".into();
    sheet.expires = Some("2027-11-24".into());
    sheet.scope.clear();
    let templates = Templates::built_in().unwrap();
    for paper in [PaperSize::A4, PaperSize::Letter] {
        let pages = pages(&sheet, paper, &templates).unwrap();
        let words = words(&pages[0]);
        for part in ["Ελένη Παπαδοπούλου-Щербакова", "Żółć Čapek", "2027-11-24", "any 3"]
        {
            assert_eq!(words.contains(part), part != "any 3", "{part}: {words}");
        }
    }
}

#[test]
fn empty_fields_leave_no_trace() {
    let mut sheet = sheet(1);
    for text in [&mut sheet.login, &mut sheet.laptop, &mut sheet.owner_contact] {
        text.clear();
    }
    sheet.also_needed.clear();
    let words = words(&pages(&sheet, PaperSize::A4, &Templates::built_in().unwrap()).unwrap()[0]);
    for part in ["Log in", "Also needed", "laptop:", ", .", "none"] {
        assert!(!words.contains(part), "{part}");
    }
}

#[test]
fn fields_that_cannot_be_printed_are_named() {
    let templates = Templates::built_in().unwrap();
    let mut text = sheet(1);
    text.holder = "田中".into();
    let error = render(&text, PaperSize::A4, &templates).unwrap_err().to_string();
    assert_eq!(error, "no glyph for `田` (U+7530) in holder `田中`");
    text.holder = "a\nb".into();
    let error = render(&text, PaperSize::A4, &templates).unwrap_err().to_string();
    assert_eq!(error, "holder holds a control character, U+000A");
    let mut text = sheet(1);
    text.sealed_codes.clear();
    assert!(matches!(render(&text, PaperSize::A4, &templates), Err(PaperError::Parts(0))));
}

#[test]
fn widgets_are_counted() {
    let fault = |from: &str, to: &str| {
        assert!(SHEET_MD.contains(from), "{from}");
        let (_folder, templates) = own(THEME, &SHEET_MD.replacen(from, to, 1)).unwrap();
        let error = render(&sheet(1), PaperSize::A4, &templates).err();
        error.map(|error| error.to_string()).unwrap_or_default()
    };
    let key = "![key code of sheet {{ sheet }}: share and manifest](qr:key)\n";
    let expected = [
        (fault(key, ""), "on leaf 1 the widget `qr:key` is missing"),
        (fault(key, &format!("{key}{key}")), "on leaf 1 the widget `qr:key` is repeated"),
        (fault("\n![](typed:share)\n", ""), "on leaf 2 the widget `typed:share` is missing"),
        (
            fault("![](typed:manifest)\n", "![](typed:manifest)\n![](typed:manifest)\n"),
            "is repeated",
        ),
        (fault("# leaf 2\n", "![](typed:share)\n# leaf 2\n"), "`typed:share` is repeated"),
    ];
    for (fault, expected) in expected {
        assert!(fault.contains(expected), "{fault}");
    }
}

#[test]
fn padding_is_what_base32_wants() {
    let padding = |parts: usize, sealed_len: usize| {
        let mut sheet = sheet(parts);
        sheet.sealed_len = sealed_len;
        sheet.padding()
    };
    // 475 bytes are 760 symbols, 293 bytes 469
    assert_eq!((padding(1, 460), padding(1, 278)), (0, 3));
    // the last of two parts holds 346 bytes: 361 with what surrounds them, 578 symbols
    assert_eq!(padding(2, 916), 6);
}

/// The manifest of 32 shares has some 47 lines: more than leaf 2 holds beside the rest.
#[test]
fn a_long_manifest_moves_to_a_leaf_of_its_own() {
    let templates = Templates::built_in().unwrap();
    for (parts, leaves) in [(1, 3), (3, 4)] {
        let mut sheet = sheet(parts);
        sheet.manifest_lines = lines("M", 47);
        assert!(matches!(
            pages(&sheet, PaperSize::Letter, &templates),
            Err(PaperError::Overflow { leaf: 2, .. })
        ));
        let pdf = render(&sheet, PaperSize::Letter, &templates).unwrap();
        let count = format!("/Count {leaves}");
        assert!(pdf.windows(count.len()).any(|w| w == count.as_bytes()), "{parts} parts");
    }
}
