//! Markdown to blocks, for one section of a template.

use std::iter::Peekable;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::super::PaperError;
use super::super::font::Face;
use super::blocks::{Block, Leaf, Marker, Words};
use super::{SHEET, restored};

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

/// Reads events of the Markdown parser.
pub(super) struct Reader<'a> {
    pub(super) events: Peekable<Parser<'a>>,
    /// The template as written, to find lines in.
    pub(super) source: &'a str,
    pub(super) leaf: Leaf,
    /// Whether a quote is being read.
    pub(super) small: bool,
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
                Event::Start(Tag::HtmlBlock) => {
                    let mut html = String::new();
                    while let Some(Event::Html(part) | Event::Text(part)) = self.events.next() {
                        html.push_str(&part);
                    }
                    self.html(&html)?;
                }
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

    /// Drops comments and refuses all else.
    pub(super) fn html(&self, html: &str) -> Result<(), PaperError> {
        let html = html.trim();
        if html.is_empty() || (html.starts_with("<!--") && html.ends_with("-->")) {
            return Ok(());
        }
        Err(self.fault(html.lines().next().unwrap_or_default(), "HTML is not printed".into()))
    }

    /// Returns an error at the first line of the template that holds `needle`.
    pub(super) fn fault(&self, needle: &str, what: String) -> PaperError {
        let line = self.source.lines().position(|line| line.contains(needle)).map_or(1, |i| i + 1);
        PaperError::Template { name: SHEET, line, what }
    }
}
