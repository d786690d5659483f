#![allow(clippy::unwrap_used)]
use super::*;

const THEME: &str = include_str!("../../../templates/theme.toml");

fn of_sheet(sheet: &str, name: &str) -> Result<Leaf, PaperError> {
    let (_folder, templates) = own(THEME, sheet)?;
    let mut values = Values::default();
    values.set("name", name.to_owned());
    values.set("none", ());
    leaf(&templates.sheet()?, "leaf 1", values)
}

fn of_document(text: &str) -> Result<Leaf, PaperError> {
    let (_folder, templates) = own(THEME, text)?;
    document(&templates.sheet()?, Values::default())
}

fn fault(sheet: &str) -> String {
    of_sheet(sheet, "x").err().map(|e| e.to_string()).unwrap_or_default()
}

#[test]
fn a_value_is_printed_as_it_stands() {
    for name in
        ["A*b*_c_ <x> [y](z) | # `q` \\ &amp; ~~s~~", "# a", "- a", "1. a", "    a", "---", "a  b"]
    {
        let sheet = "# leaf 1\n\n{{ name }}\n\n**{{ name }}**\n\n`{{ name }}`\n\n![l](huge:{{ name }})\n\n\
                     | a | b |\n|---|---|\n| {{ name }} | c |\n";
        let leaf = of_sheet(sheet, name).unwrap();
        let [
            Block::Text { words: plain, .. },
            Block::Text { words: bold, .. },
            Block::Text { words: code, .. },
            Block::Facts(facts),
            Block::Table { rows, .. },
        ] = &leaf.blocks[..]
        else {
            panic!("{name}: blocks")
        };
        assert_eq!(plain.plain(), name);
        assert_eq!(bold.plain(), name);
        assert_eq!(code.plain(), name);
        assert_eq!(facts[0].value, name);
        assert_eq!(rows[1][0].plain(), name);
    }
}

#[test]
fn every_fault_names_template_and_line() {
    let faults = [
        ("# leaf 1\n\nab {{ nam }}\n", "line 3, column 7: undefined value"),
        ("# leaf 1\n\n{{ none }}\n", "line 3, column 4: undefined value"),
        ("# leaf 1\n{% if name %}\n", "line 2, column 12: syntax error"),
        ("# leaf 1\n\n![é](typo:b)\n", "line 3, column 5: unknown widget `typo`"),
        ("# leaf 1\n\n![a](qr:other)\n", "line 3, column 5: unknown widget `qr:other`"),
        ("# leaf 1\n\ntext ![a](huge:b)\n", "line 3, column 10: widget `huge` stands among text"),
        ("# leaf 1\n\n[a](http://b)\n", "line 3, column 5: links are not printed"),
        ("# leaf 1\n\na <b>b</b>\n", "line 3, column 3: HTML is not printed"),
        ("# leaf 1\n\n<table>\n", "line 3, column 1: HTML is not printed"),
        ("# leaf 2\n", "line 1, column 1: there is no section `leaf 1`"),
        ("# leaf 1\n\n<!-- ☐ -->\na → b\n", "line 4, column 3: no glyph for `→` (U+2192)"),
        ("# leaf 1\n\n![](page:)\n", "line 3, column 4: a sheet has leaves"),
        ("# leaf 1\n\n![](row:)\n", "line 3, column 4: the row has no"),
        ("# leaf 1\n\n![](next:)\n", "line 3, column 4: a row of two columns is"),
        ("# leaf 1\n\n![](image:logo.png tall)\n", "line 3, column 4: a picture is named like"),
        ("# leaf 1\n\n```bars\na | b\n```\n", "line 4, column 1: a row of bars is"),
    ];
    for (sheet, expected) in faults {
        let fault = fault(sheet);
        assert!(fault.starts_with("en/sheet.md, "), "{sheet}: {fault}");
        assert!(fault.contains(expected), "{sheet}: {fault}");
    }
}

#[test]
fn a_document_has_a_title_pages_and_no_share() {
    let blocks =
        of_document("# Form A\n\n---\n\n![x](qr:public text)\n\n![](page:)\n\nb\n").unwrap();
    assert_eq!(blocks.title, "Form A");
    let [Block::Rule, Block::Qr { text, label }, Block::NextPage, Block::Text { .. }] =
        &blocks.blocks[..]
    else {
        panic!("{:?}", blocks.blocks)
    };
    assert_eq!((text.as_str(), label.as_str()), ("public text", "x"));
    let fault = |text: &str| of_document(text).err().unwrap().to_string();
    assert!(fault("# A\n\n![](typed:share)\n").contains("belongs to sheets only"));
    assert!(fault("no title\n").contains("starts with a heading"));
    assert!(fault("# A\n\n# B\n").contains("line 3, column 1: a document has one heading"));
}

#[test]
fn columns_hold_blocks_of_their_own() {
    let sheet = "# leaf 1\n\na\n\n![](row:)\n\nb\n\n![](next:)\n\n- c\n\nd\n\n![](end:)\n\ne\n";
    let blocks = of_sheet(sheet, "x").unwrap().blocks;
    let [Block::Text { .. }, Block::Row([first, second]), Block::Text { .. }] = &blocks[..] else {
        panic!("{blocks:?}")
    };
    assert_eq!((first.len(), second.len()), (1, 2));
}

#[test]
fn comments_are_dropped_and_addresses_may_hold_blanks() {
    let sheet = "# leaf 1\n\n<!-- a\n\nb -->\n\nc <!-- d --> e\n\n![](field:Bag number {10})\n\n\
                 ![](sign:Custodian|Witness)\n\n- [x] done\n- [ ] open\n\n---\n";
    let blocks = of_sheet(sheet, "x").unwrap().blocks;
    let [
        Block::Text { words, .. },
        Block::Fields(field),
        Block::Signatures(names),
        Block::Item { marker: Marker::Box(true), .. },
        Block::Item { marker: Marker::Box(false), .. },
        Block::NextFrame,
    ] = &blocks[..]
    else {
        panic!("{blocks:?}")
    };
    assert_eq!(words.plain(), "c  e");
    assert_eq!(field[..], [Field { label: "Bag number".to_owned(), signs: 10 }]);
    assert_eq!(names, &["Custodian", "Witness"]);
}

#[test]
fn control_characters_are_refused() {
    for name in ["a\nb", "a\tb", "\u{7f}", "\u{e02a}"] {
        assert!(of_sheet("# leaf 1\n\n{{ name }}\n", name).is_err());
    }
}

#[test]
fn the_hash_tells_theme_and_template_apart() {
    let hash = |theme: &str, sheet: &str| own(theme, sheet).unwrap().1.hash().unwrap();
    assert_ne!(hash(THEME, "#a\n"), hash(&format!("{THEME}#a\n"), ""));
    assert_eq!(hash(THEME, "a"), hash(THEME, "a"));
}

#[test]
fn a_logo_belongs_to_the_hash() {
    let (folder, templates) = own(THEME, "# leaf 1\n\n![](image:logo.png 12mm)\n").unwrap();
    assert!(templates.hash().unwrap_err().to_string().contains("no such file"));
    let write = |text: &str| std::fs::write(folder.path().join("logo.png"), text).unwrap();
    let open = || Templates::open(Some(folder.path()), "en", false).unwrap();
    write("one");
    let first = open();
    let one = first.hash().unwrap();
    write("two");
    assert_ne!(one, open().hash().unwrap());
    assert_eq!(one, first.hash().unwrap(), "what was read once is what is printed");
}

#[test]
fn a_name_leads_nowhere_else() {
    let (_folder, templates) = own(THEME, "# leaf 1\n").unwrap();
    for name in ["../secret.png", "/etc/passwd.png", ".hidden.png", "a\\b.png"] {
        assert!(
            templates.pictures(&templates.sheet().unwrap(), &[name.to_owned()]).is_err(),
            "{name}"
        );
    }
    assert!(Templates::open(None, "../en", false).is_err());
}
