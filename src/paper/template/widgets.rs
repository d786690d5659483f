//! Running text and widgets: what stands inside a paragraph.

use pulldown_cmark::{Event, Tag, TagEnd};

use super::super::PaperError;
use super::super::font::Face;
use super::super::page::MM;
use super::blocks::{Block, Fact, FactStyle, Field, Image, Right, Run, Typed, Words};
use super::reader::{Reader, by_hand};
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
                Some(Event::Text(text)) => {
                    if text.contains("](") || text.contains("![") {
                        return Err(self.fault(
                            &text,
                            "a widget that is not closed: `![label](kind:text)`".into(),
                        ));
                    }
                    inlines.push(run(now, restored(&text)));
                }
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
        Ok(match kind.as_str() {
            "right" => Inline::Right(Right::Text(argument)),
            "right-code" => Inline::Right(Right::Code(argument)),
            "right-image" => Inline::Right(Right::Image(self.picture(&kind, &argument)?)),
            _ => Inline::Widget { kind, argument, label },
        })
    }

    /// Reads `logo.png 12mm`; without a height it is 10 mm.
    fn picture(&self, kind: &str, argument: &str) -> Result<Image, PaperError> {
        let (name, height) = argument.split_once(' ').unwrap_or((argument, "10mm"));
        let millimetres =
            height.trim().strip_suffix("mm").and_then(|mm| mm.trim().parse::<f32>().ok());
        if !super::images(&self.source.text).iter().any(|known| known == name) {
            let what = "a picture is named as its file, without placeholders: `logo.png`";
            return Err(self.fault(&format!("({kind}:"), what.into()));
        }
        let fine = millimetres.filter(|mm| (1.0..=250.0).contains(mm));
        let Some(mm) = fine else {
            let what = format!("a picture is named like `{kind}:logo.png 12mm`, 1 to 250 mm tall");
            return Err(self.fault(&format!("({kind}:"), what));
        };
        Ok(Image { name: name.to_owned(), height: mm * MM })
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
            ("typed" | "fold", _) if self.document => {
                return Err(
                    self.fault(&format!("({kind}:"), format!("`{kind}` belongs to sheets only"))
                );
            }
            ("page", _) if self.row.is_some() => {
                return Err(self.fault("(page:", "a page does not end inside a row".into()));
            }
            ("page" | "qr" | "landscape", _) if self.document => {
                if kind == "page" {
                    Block::NextPage
                } else if kind == "landscape" {
                    Block::Landscape
                } else {
                    Block::Qr { text: argument, label }
                }
            }
            ("page", _) => {
                return Err(self.fault(
                    "(page:",
                    "a sheet has leaves of its own: `page` belongs to documents".into(),
                ));
            }
            ("row" | "next" | "end", _) => return self.row(kind),
            ("rule", _) => Block::Rule,
            ("cut", _) => Block::Cut,
            ("space", _) => Block::Space(self.space(&argument)?),
            ("image", _) => Block::Image(self.picture(kind, &argument)?),
            ("typed", "share") => Block::Typed(Typed::Share),
            ("typed", "manifest") => Block::Typed(Typed::Manifest),
            ("typed", "sealed") => Block::Typed(Typed::Sealed),
            ("sign", "") => {
                return Err(self.fault(&format!("({kind}"), format!("`{kind}` has no label")));
            }
            ("field", _) => Block::Fields(argument.split('|').map(field).collect()),
            ("sign", _) => Block::Signatures(argument.split('|').map(str::to_owned).collect()),
            ("qr", "key") => {
                self.leaf.key.push(label);
                return Ok(());
            }
            ("qr", "manifest") => {
                self.leaf.manifest.push(label);
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

    /// Starts a row of two columns, goes to the second, or ends it.
    fn row(&mut self, kind: &str) -> Result<(), PaperError> {
        let blocks = std::mem::take(&mut self.leaf.blocks);
        match (kind, self.row.take()) {
            ("row", None) => self.row = Some((blocks, None)),
            ("next", Some((before, None))) => self.row = Some((before, Some(blocks))),
            ("end", Some((before, Some(first)))) => {
                self.leaf.blocks = before;
                self.leaf.blocks.push(Block::Row([first, blocks]));
            }
            _ => {
                let what =
                    "a row of two columns is `![](row:)`, `![](next:)`, `![](end:)`, in this order";
                return Err(self.fault(&format!("({kind}:"), what.into()));
            }
        }
        Ok(())
    }

    /// Reads `60mm`.
    fn space(&self, argument: &str) -> Result<f32, PaperError> {
        let number = argument.trim().strip_suffix("mm").and_then(|mm| mm.parse::<f32>().ok());
        let fine = number.filter(|mm| (1.0..=250.0).contains(mm));
        let what = "room is left like `space:60mm`, 1 to 250 mm";
        fine.map(|mm| mm * MM).ok_or_else(|| self.fault("(space:", what.into()))
    }

    fn among_text(&self, kind: &str) -> PaperError {
        self.fault(&format!("({kind}:"), format!("widget `{kind}` stands among text"))
    }
}

/// Reads `Bag number {10}`.
fn field(text: &str) -> Field {
    let (label, signs) = by_hand(text);
    Field { label: label.to_owned(), signs }
}
