//! Markdown to blocks, for one section of a template.

use std::iter::Peekable;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::super::PaperError;
use super::super::font::Face;
use super::super::shelf::Source;
use super::blocks::{Block, Leaf, Marker, Words};
use super::{chart, restored};

/// Returns the section `name` of the rendered `text`; `source` is the template it came from.
pub(super) fn section(text: &str, source: &Source, name: &str) -> Result<Leaf, PaperError> {
    let text = bracketed(text);
    let mut reader = Reader::new(&text, source, false);
    if reader.find(|heading| heading == name).is_none() {
        return Err(reader.fault("", format!("there is no section `{name}`")));
    }
    reader.blocks(0)?;
    reader.at_end()?;
    Ok(reader.leaf)
}

/// Returns a whole document: one heading of level 1, its title, and what stands below it.
pub(super) fn document(text: &str, source: &Source) -> Result<Leaf, PaperError> {
    let text = bracketed(text);
    let mut reader = Reader::new(&text, source, true);
    let Some(title) = reader.find(|_| true) else {
        return Err(
            reader.fault("", "a document starts with a heading of level 1, its title".into())
        );
    };
    reader.leaf.title = title;
    reader.blocks(0)?;
    reader.at_end()?;
    if reader.events.peek().is_some() {
        return Err(reader.fault("\n# ", "a document has one heading of level 1".into()));
    }
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
    pub(super) source: &'a Source,
    pub(super) leaf: Leaf,
    /// Whether a quote is being read.
    pub(super) small: bool,
    /// Whether it is a document, not a sheet.
    pub(super) document: bool,
    /// What stood before the row that is being read, and its first column once that is read.
    pub(super) row: Option<(Vec<Block>, Option<Vec<Block>>)>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, source: &'a Source, document: bool) -> Self {
        let options = Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS;
        let events = Parser::new_ext(text, options).peekable();
        Self { events, source, leaf: Leaf::default(), small: false, document, row: None }
    }

    /// Goes behind the first heading of level 1 that is `wanted`, and returns its text.
    fn find(&mut self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let mut title: Option<String> = None;
        for event in self.events.by_ref() {
            match (event, &mut title) {
                (Event::Start(Tag::Heading { level: HeadingLevel::H1, .. }), _) => {
                    title = Some(String::new());
                }
                (Event::Text(text), Some(title)) => title.push_str(&restored(&text)),
                (Event::End(TagEnd::Heading(HeadingLevel::H1)), Some(found)) => {
                    if wanted(found) {
                        return title;
                    }
                    title = None;
                }
                _ => {}
            }
        }
        None
    }

    fn at_end(&self) -> Result<(), PaperError> {
        match &self.row {
            Some(_) => Err(self.fault("(row:", "the row has no `![](end:)`".into())),
            None => Ok(()),
        }
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
                Event::Start(Tag::CodeBlock(kind)) => self.code(&kind)?,
                Event::Rule if self.document => self.leaf.blocks.push(Block::Rule),
                Event::Rule if self.row.is_some() => {
                    let what = "`---` goes on in the next part of the page: not inside a row";
                    return Err(self.fault("(row:", what.into()));
                }
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
        let (mut rows, mut signs, mut head) = (Vec::new(), Vec::new(), false);
        loop {
            match self.events.next() {
                None | Some(Event::End(TagEnd::Table)) => break,
                Some(Event::Start(row @ (Tag::TableHead | Tag::TableRow))) => {
                    head = row == Tag::TableHead;
                    rows.push(Vec::new());
                }
                Some(Event::Start(Tag::TableCell)) => {
                    let mut words = self.words(if head { Face::Bold } else { Face::Regular })?;
                    if head {
                        signs.push(room_for(&mut words));
                    }
                    rows.last_mut()
                        .into_iter()
                        .for_each(|row: &mut Vec<Words>| row.push(words.clone()));
                }
                Some(_) => {}
            }
        }
        self.leaf.blocks.push(Block::Table { rows, signs, small: self.small });
        Ok(())
    }

    fn code(&mut self, kind: &CodeBlockKind<'_>) -> Result<(), PaperError> {
        let mut code = String::new();
        while let Some(Event::Text(text)) = self.events.next() {
            code.push_str(&restored(&text));
        }
        let block = match kind {
            CodeBlockKind::Fenced(info)
                if &**info == "bars" || info.split(' ').next() == Some("timeline") =>
            {
                let fault = |row: &str, what| self.fault(row.trim(), what);
                let kind = restored(info);
                Block::Chart(chart::read(&kind, &code).map_err(|(row, what)| fault(&row, what))?)
            }
            _ => {
                Block::Lines { lines: code.lines().map(str::to_owned).collect(), small: self.small }
            }
        };
        self.leaf.blocks.push(block);
        Ok(())
    }

    /// Drops comments and refuses all else.
    pub(super) fn html(&self, html: &str) -> Result<(), PaperError> {
        let mut left = html.trim();
        while let Some((_, after)) =
            left.strip_prefix("<!--").and_then(|rest| rest.split_once("-->"))
        {
            left = after.trim();
        }
        if left.is_empty() {
            return Ok(());
        }
        let what = if html.trim_start().starts_with("<!--") {
            "a comment stands in lines of its own, or it takes the text behind it along"
        } else {
            "HTML is not printed"
        };
        Err(self.fault(left.lines().next().unwrap_or_default(), what.into()))
    }

    /// Returns an error at the first place of the template that holds `needle`.
    pub(super) fn fault(&self, needle: &str, what: String) -> PaperError {
        let breaks = needle.len() - needle.trim_start_matches('\n').len();
        let at = super::without_comments(&self.source.text)
            .map(|(at, _)| at)
            .find(|at| self.source.text[*at..].starts_with(needle))
            .unwrap_or(0);
        super::fault_at(self.source, at + breaks, what)
    }
}

/// Takes `{10}` off the end of a head's words: room for ten handwritten signs.
fn room_for(words: &mut Words) -> u16 {
    let Some(run) = words.runs.last_mut() else { return 0 };
    let (before, signs) = by_hand(&run.text);
    run.text = before.to_owned();
    signs
}

/// Takes `{10}` off the end of a text.
pub(super) fn by_hand(text: &str) -> (&str, u16) {
    let parts = text.strip_suffix('}').and_then(|text| text.rsplit_once('{'));
    let parts = parts.and_then(|(before, number)| Some((before.trim_end(), number.parse().ok()?)));
    parts.unwrap_or((text, 0))
}
