//! Running text and widgets: what stands inside a paragraph.

use pulldown_cmark::{Event, Tag, TagEnd};

use super::super::PaperError;
use super::super::font::Face;
use super::blocks::{Block, Fact, FactStyle, Right, Run, Typed, Words};
use super::reader::Reader;
use super::restored;

/// What a paragraph is made of.
pub(super) enum Inline {
    Run(Run),
    Right(Right),
    Widget { kind: String, argument: String, label: String },
}

impl Reader<'_> {
    /// Reads running text, without widgets.
    pub(super) fn words(&mut self, face: Face) -> Result<Words, PaperError> {
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
    pub(super) fn inlines(&mut self, face: Face) -> Result<Vec<Inline>, PaperError> {
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
                    let inline = self.image(&dest_url);
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
    fn image(&mut self, address: &str) -> Inline {
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
        if code || kind == "right" {
            Inline::Right(Right { text: argument, code })
        } else {
            Inline::Widget { kind, argument, label }
        }
    }

    /// A paragraph is text or widgets, never both.
    pub(super) fn paragraph(&mut self, inlines: Vec<Inline>) -> Result<(), PaperError> {
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
}
