#![allow(clippy::unwrap_used)]
use super::super::template::{Run, Words};
use super::*;

const THEME: &str = include_str!("../../../templates/theme.toml");

fn lines(count: usize) -> String {
    (1..=count)
        .map(|i| format!("M{i:02} 0123456789ABCDEFGHJKMNPQAATA"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn set(blocks: Vec<Block>, manifest: usize) -> Result<Page, PaperError> {
    let theme = Theme::parse("theme.toml", THEME).unwrap();
    let manifest = TypedLine::read(&lines(manifest), "manifest").unwrap();
    let typed = TypedLines { share: Vec::new(), manifest, sealed: Vec::new() };
    let fonts = Fonts::shipped().unwrap();
    let shown = Shown::default();
    let setting = Setting {
        fonts,
        theme: &theme,
        typed: &typed,
        paper: PaperSize::A4,
        leaf: 1,
        name: "en/sheet.md",
        lines: &[3, 20],
        shown: &shown,
    };
    let codes = (0..4).map(|code| Placed { code, caption: "code".into() }).collect();
    setting.page(&Leaf { blocks, ..Leaf::default() }, codes)
}

fn words(text: &str) -> Words {
    Words { runs: vec![Run { face: Face::Regular, text: text.into() }], right: None }
}

fn text(text: &str) -> Block {
    Block::Text { words: words(text), small: false }
}

#[test]
fn text_that_does_not_fit_is_an_error_and_says_by_how_much() {
    assert!(set(vec![text("fits")], 0).is_ok());
    let error =
        set(vec![text("a"), Block::NextFrame, text(&"word ".repeat(300))], 0).err().unwrap();
    assert!(
        matches!(error, PaperError::Overflow { leaf: 1, frame: 2, line: 20, excess, .. } if excess > 1.0)
    );
    let error = set(vec![Block::NextFrame, Block::NextFrame, Block::NextFrame, text("a")], 0)
        .err()
        .unwrap();
    assert!(matches!(error, PaperError::Frames { frames: 3, .. }));
    let code = Block::Lines { lines: vec!["x".repeat(90)], small: false };
    assert!(matches!(set(vec![code], 0).err().unwrap(), PaperError::TooWide { leaf: 1, .. }));
    assert!(matches!(
        set(vec![Block::Typed(Typed::Manifest)], 90).err(),
        Some(PaperError::Overflow { .. })
    ));
}

#[test]
fn nothing_lies_outside_its_frame() {
    let theme = Theme::parse("theme.toml", THEME).unwrap();
    let fonts = Fonts::shipped().unwrap();
    let long = "https://example.org/".repeat(9);
    let blocks = vec![text(&long), Block::NextFrame, text(&long), Block::NextFrame, text("b\nc")];
    let page = set(blocks, 0).unwrap();
    let frames = frames(PaperSize::A4, 1, 4, &theme);
    for mark in &page.marks {
        let Mark::Text(text) = mark else { continue };
        if *text.words == "code" {
            continue;
        }
        let right = text.left + fonts.width(text.face, text.size, &text.words).unwrap();
        let inside = |f: &&Frame| {
            text.left >= f.left - 0.1
                && right <= f.left + f.width + 0.1
                && text.base - text.size * 0.7 >= f.top - 0.1
                && text.base <= f.top + f.height
        };
        assert!(frames.iter().find(inside).is_some(), "{} at {}", *text.words, text.left);
    }
    assert!(page.marks.iter().filter(|mark| matches!(mark, Mark::Code { .. })).count() == 4);
}

#[test]
fn typed_lines_are_grouped_and_stand_in_two_columns() {
    let page = set(vec![Block::Typed(Typed::Manifest)], 5).unwrap();
    let found: Vec<_> = page
        .marks
        .iter()
        .filter_map(|mark| match mark {
            Mark::Text(text) if text.face == Face::Mono => {
                Some((text.left, text.base, &text.words))
            }
            _ => None,
        })
        .collect();
    assert_eq!(found.len(), 5);
    assert_eq!(**found[0].2, "0123 4567 89AB CDEF GHJK MNPQ AATA");
    assert!(found[3].0 > found[2].0 && found[3].1 < found[2].1, "line 4 opens the second column");
}

#[test]
fn lines_without_label_or_with_other_signs_are_refused() {
    for text in ["0123", " 0123", "K1 ", "K1 01a3", "K1 0123\n\nK2 0123"] {
        let error = TypedLine::read(text, "share").err().unwrap();
        assert!(matches!(error, PaperError::Lines("share")), "{text}");
        assert!(!error.to_string().contains("0123"));
    }
}
