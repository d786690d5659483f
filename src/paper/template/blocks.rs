//! Markdown to blocks, for one section of a template.

use std::iter::Peekable;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::super::PaperError;
use super::super::font::Face;
use super::{SHEET, restored};

/// Text in one face.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::paper) struct Run {
    pub(in crate::paper) face: Face,
    /// `\n` is a forced line break.
    pub(in crate::paper) text: String,
}

/// Text that flows, and what stands at the right end of its first line.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::paper) struct Words {
    pub(in crate::paper) runs: Vec<Run>,
    pub(in crate::paper) right: Option<Right>,
}

/// What stands at the right end of a line.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::paper) struct Right {
    pub(in crate::paper) text: String,
    /// Mono and not larger than a large fact, instead of like the line itself.
    pub(in crate::paper) code: bool,
}

impl Words {
    #[cfg(test)]
    pub(super) fn plain(&self) -> String {
        self.runs.iter().map(|run| run.text.as_str()).collect()
    }
}

/// What stands before a list item.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::paper) enum Marker {
    Bullet,
    Number(u64),
    /// A task: whether it is done.
    Box(bool),
    /// A further paragraph of the same item.
    None,
}

/// How a fact's value is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::paper) enum FactStyle {
    Huge,
    /// Bold and large.
    Large,
    /// Bold in the size of a subheading; may take two lines.
    Plain,
    /// Mono and large.
    Code,
    /// No fact: what follows starts at the second column of codes.
    Column,
}

/// A small label over a large value.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::paper) struct Fact {
    pub(in crate::paper) label: String,
    pub(in crate::paper) value: String,
    pub(in crate::paper) style: FactStyle,
}

/// Which typed lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::paper) enum Typed {
    Share,
    Manifest,
    Sealed,
}

/// One block of a leaf.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::paper) enum Block {
    /// `level` 0 to 2 stands for `##` to `####`.
    Heading {
        level: usize,
        words: Words,
    },
    Text {
        words: Words,
        small: bool,
    },
    Item {
        marker: Marker,
        depth: u8,
        words: Words,
        small: bool,
    },
    Table {
        rows: Vec<Vec<Words>>,
        small: bool,
    },
    /// A code block; never wrapped.
    Lines {
        lines: Vec<String>,
        small: bool,
    },
    Facts(Vec<Fact>),
    Typed(Typed),
    Field(String),
    Signatures(Vec<String>),
    NextFrame,
}

/// The blocks of one leaf and the captions of its codes.
#[derive(Debug, Default)]
pub(in crate::paper) struct Leaf {
    pub(in crate::paper) blocks: Vec<Block>,
    pub(in crate::paper) key: Vec<String>,
    pub(in crate::paper) sealed: Vec<String>,
    pub(in crate::paper) fold: Option<String>,
}

/// Returns the section `name` of the rendered `text`; `source` is the template it came from.
pub(super) fn read(text: &str, source: &str, name: &str) -> Result<Leaf, PaperError> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS;
    let text = bracketed(text);
    let events = Parser::new_ext(&text, options).peekable();
    let mut reader = Reader { events, source, leaf: Leaf::default(), small: false };
    if !reader.find(name) {
        let what = format!("there is no section `{name}`");
        return Err(PaperError::Template { name: SHEET, line: 1, what });
    }
    reader.blocks(0)?;
    Ok(reader.leaf)
}

/// Puts the addresses of pictures into `<>`, where they may hold blanks.
fn bracketed(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(start) = rest.find("![") {
        let (before, picture) = rest.split_at(start);
        out.push_str(before);
        let line = picture.split('\n').next().unwrap_or_default();
        let address = line.find("](").map(|i| i + 2);
        let end =
            address.and_then(|from| line[from..].find(')').map(|length| (from, from + length)));
        let (from, to) = end.unwrap_or((2, 2));
        let angled = end.is_none() || line[from..to].starts_with('<');
        out.push_str(&line[..from]);
        if !angled {
            out.push('<');
        }
        out.push_str(&line[from..to]);
        if !angled {
            out.push('>');
        }
        rest = &picture[to..];
    }
    out + rest
}

enum Inline {
    Run(Run),
    Right(Right),
    Widget { kind: String, argument: String, label: String },
}

struct Reader<'a> {
    events: Peekable<Parser<'a>>,
    source: &'a str,
    leaf: Leaf,
    small: bool,
}

impl Reader<'_> {
    /// Goes behind the heading of level 1 that says `name`.
    fn find(&mut self, name: &str) -> bool {
        let mut title: Option<String> = None;
        for event in self.events.by_ref() {
            match (event, &mut title) {
                (Event::Start(Tag::Heading { level: HeadingLevel::H1, .. }), _) => {
                    title = Some(String::new());
                }
                (Event::Text(text), Some(title)) => title.push_str(&text),
                (Event::End(TagEnd::Heading(HeadingLevel::H1)), Some(found)) => {
                    if found == name {
                        return true;
                    }
                    title = None;
                }
                _ => {}
            }
        }
        false
    }

    /// Reads blocks up to the next section or the end of what holds them.
    fn blocks(&mut self, depth: u8) -> Result<(), PaperError> {
        loop {
            match self.events.peek() {
                None | Some(Event::Start(Tag::Heading { level: HeadingLevel::H1, .. })) => {
                    return Ok(());
                }
                Some(Event::End(TagEnd::BlockQuote(_) | TagEnd::Item)) => return Ok(()),
                _ => {}
            }
            let Some(event) = self.events.next() else { return Ok(()) };
            match event {
                Event::Start(Tag::Heading { level, .. }) => {
                    let words = self.words(Face::Bold)?;
                    self.events.next();
                    let level = (level as usize).saturating_sub(HeadingLevel::H2 as usize).min(2);
                    self.leaf.blocks.push(Block::Heading { level, words });
                }
                Event::Start(Tag::Paragraph) => {
                    let inlines = self.inlines(Face::Regular)?;
                    self.events.next();
                    self.paragraph(inlines)?;
                }
                Event::Start(Tag::BlockQuote(_)) => {
                    self.small = true;
                    self.blocks(depth)?;
                    self.small = false;
                    self.events.next();
                }
                Event::Start(Tag::List(first)) => self.list(first, depth)?,
                Event::Start(Tag::Table(_)) => self.table()?,
                Event::Start(Tag::CodeBlock(_)) => self.code(),
                Event::Rule => self.leaf.blocks.push(Block::NextFrame),
                Event::Html(html) => self.html(&html)?,
                Event::Start(Tag::HtmlBlock) | Event::End(TagEnd::HtmlBlock) => {}
                other => return Err(self.fault("", format!("{other:?} is not printed"))),
            }
        }
    }

    fn list(&mut self, first: Option<u64>, depth: u8) -> Result<(), PaperError> {
        let (mut number, small) = (first, self.small);
        while let Some(Event::Start(Tag::Item)) = self.events.next() {
            let mut marker = number.map_or(Marker::Bullet, Marker::Number);
            number = number.map(|n| n + 1);
            if let Some(Event::TaskListMarker(done)) = self.events.peek() {
                marker = Marker::Box(*done);
                self.events.next();
            }
            while !matches!(self.events.peek(), None | Some(Event::End(TagEnd::Item))) {
                let nested = match self.events.peek() {
                    Some(Event::Start(Tag::Paragraph)) => {
                        self.events.next();
                        false
                    }
                    Some(Event::Start(Tag::List(_) | Tag::CodeBlock(_) | Tag::Table(_))) => true,
                    _ => false,
                };
                if nested {
                    self.blocks(depth + 1)?;
                    continue;
                }
                let words = self.words(Face::Regular)?;
                let marker = std::mem::replace(&mut marker, Marker::None);
                self.leaf.blocks.push(Block::Item { marker, depth, words, small });
                if let Some(Event::End(TagEnd::Paragraph)) = self.events.peek() {
                    self.events.next();
                }
            }
            self.events.next();
        }
        Ok(())
    }

    fn table(&mut self) -> Result<(), PaperError> {
        let (mut rows, mut head) = (Vec::new(), false);
        loop {
            match self.events.next() {
                None | Some(Event::End(TagEnd::Table)) => break,
                Some(Event::Start(row @ (Tag::TableHead | Tag::TableRow))) => {
                    head = row == Tag::TableHead;
                    rows.push(Vec::new());
                }
                Some(Event::Start(Tag::TableCell)) => {
                    let words = self.words(if head { Face::Bold } else { Face::Regular })?;
                    rows.last_mut()
                        .into_iter()
                        .for_each(|row: &mut Vec<Words>| row.push(words.clone()));
                }
                Some(_) => {}
            }
        }
        self.leaf.blocks.push(Block::Table { rows, small: self.small });
        Ok(())
    }

    fn code(&mut self) {
        let mut code = String::new();
        while let Some(Event::Text(text)) = self.events.next() {
            code.push_str(&restored(&text));
        }
        let lines = code.lines().map(str::to_owned).collect();
        self.leaf.blocks.push(Block::Lines { lines, small: self.small });
    }

    fn html(&self, html: &str) -> Result<(), PaperError> {
        let html = html.trim();
        if html.is_empty() || (html.starts_with("<!--") && html.ends_with("-->")) {
            return Ok(());
        }
        Err(self.fault(html, "HTML is not printed".into()))
    }

    /// Reads running text, without widgets.
    fn words(&mut self, face: Face) -> Result<Words, PaperError> {
        let mut words = Words::default();
        for inline in self.inlines(face)? {
            match inline {
                Inline::Run(run) => words.runs.push(run),
                Inline::Right(right) => words.right = Some(right),
                Inline::Widget { kind, .. } => return Err(self.among_text(&kind)),
            }
        }
        Ok(words)
    }

    /// Reads inline content and stops before what is none.
    fn inlines(&mut self, face: Face) -> Result<Vec<Inline>, PaperError> {
        let (mut inlines, mut bold) = (Vec::new(), 0_u8);
        loop {
            let now = if bold > 0 { Face::Bold } else { face };
            let run = |face, text| Inline::Run(Run { face, text });
            let event = match self.events.peek() {
                Some(
                    Event::Text(_)
                    | Event::Code(_)
                    | Event::SoftBreak
                    | Event::HardBreak
                    | Event::InlineHtml(_)
                    | Event::Start(
                        Tag::Strong | Tag::Emphasis | Tag::Image { .. } | Tag::Link { .. },
                    )
                    | Event::End(TagEnd::Strong | TagEnd::Emphasis),
                ) => self.events.next(),
                _ => None,
            };
            match event {
                None => return Ok(inlines),
                Some(Event::Text(text)) => inlines.push(run(now, restored(&text))),
                Some(Event::Code(text)) => inlines.push(run(Face::Mono, restored(&text))),
                Some(Event::SoftBreak) => inlines.push(run(now, " ".into())),
                Some(Event::HardBreak) => inlines.push(run(now, "\n".into())),
                Some(Event::InlineHtml(html)) => self.html(&html)?,
                Some(Event::Start(Tag::Image { dest_url, .. })) => {
                    let inline = self.image(&dest_url)?;
                    inlines.push(inline);
                }
                Some(Event::Start(Tag::Link { dest_url, .. })) => {
                    return Err(self.fault(&dest_url, "links are not printed".into()));
                }
                Some(Event::Start(_)) => bold += 1,
                Some(_) => bold = bold.saturating_sub(1),
            }
        }
    }

    /// Reads the label of a picture, whose address names a widget.
    fn image(&mut self, address: &str) -> Result<Inline, PaperError> {
        let mut label = String::new();
        for event in self.events.by_ref() {
            match event {
                Event::End(TagEnd::Image) => break,
                Event::Text(text) | Event::Code(text) => label.push_str(&restored(&text)),
                Event::SoftBreak => label.push(' '),
                _ => {}
            }
        }
        let (kind, argument) = address.split_once(':').unwrap_or((address, ""));
        let (kind, argument) = (kind.to_owned(), restored(argument));
        let code = kind == "right-code";
        Ok(if code || kind == "right" {
            Inline::Right(Right { text: argument, code })
        } else {
            Inline::Widget { kind, argument, label }
        })
    }

    /// A paragraph is text or widgets, never both.
    fn paragraph(&mut self, inlines: Vec<Inline>) -> Result<(), PaperError> {
        let (mut words, mut widgets) = (Words::default(), Vec::new());
        for inline in inlines {
            match inline {
                Inline::Run(run) => words.runs.push(run),
                Inline::Right(right) => words.right = Some(right),
                Inline::Widget { kind, argument, label } => widgets.push((kind, argument, label)),
            }
        }
        let Some((kind, ..)) = widgets.first() else {
            self.leaf.blocks.push(Block::Text { words, small: self.small });
            return Ok(());
        };
        if words.right.is_some() || words.runs.iter().any(|run| !run.text.trim().is_empty()) {
            return Err(self.among_text(kind));
        }
        let mut facts = Vec::new();
        for (kind, argument, label) in widgets {
            let style = match kind.as_str() {
                "huge" => FactStyle::Huge,
                "large" => FactStyle::Large,
                "plain" => FactStyle::Plain,
                "code" => FactStyle::Code,
                "column" => FactStyle::Column,
                _ => {
                    self.widget(&kind, argument, label)?;
                    continue;
                }
            };
            facts.push(Fact { label, value: argument, style });
        }
        if !facts.is_empty() {
            self.leaf.blocks.push(Block::Facts(facts));
        }
        Ok(())
    }

    fn widget(&mut self, kind: &str, argument: String, label: String) -> Result<(), PaperError> {
        let block = match (kind, argument.as_str()) {
            ("typed", "share") => Block::Typed(Typed::Share),
            ("typed", "manifest") => Block::Typed(Typed::Manifest),
            ("typed", "sealed") => Block::Typed(Typed::Sealed),
            ("field", _) => Block::Field(argument),
            ("sign", _) => Block::Signatures(argument.split('|').map(str::to_owned).collect()),
            ("qr", "key") => {
                self.leaf.key.push(label);
                return Ok(());
            }
            ("qr", "sealed") => {
                self.leaf.sealed.push(label);
                return Ok(());
            }
            ("fold", _) => {
                self.leaf.fold = Some(label);
                return Ok(());
            }
            ("qr" | "typed", _) => {
                let what = format!("unknown widget `{kind}:{argument}`");
                return Err(self.fault(&format!("({kind}:{argument}"), what));
            }
            _ => return Err(self.fault(&format!("({kind}"), format!("unknown widget `{kind}`"))),
        };
        self.leaf.blocks.push(block);
        Ok(())
    }

    fn among_text(&self, kind: &str) -> PaperError {
        self.fault(&format!("({kind}:"), format!("widget `{kind}` stands among text"))
    }

    /// Returns an error at the first line of the template that holds `needle`.
    fn fault(&self, needle: &str, what: String) -> PaperError {
        let line = self.source.lines().position(|line| line.contains(needle)).map_or(1, |i| i + 1);
        PaperError::Template { name: SHEET, line, what }
    }
}
