//! What a template says, block by block.

use super::super::font::Face;
use crate::clock::Instant;

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
pub(in crate::paper) enum Right {
    /// Text like that of the line itself.
    Text(String),
    /// Mono, and not larger than a large fact.
    Code(String),
    /// A picture, whose upper edge is that of the line.
    Image(Image),
}

impl Words {
    /// Returns plain running text.
    pub(in crate::paper) fn of(text: &str) -> Self {
        Self { runs: vec![Run { face: Face::Regular, text: text.to_owned() }], right: None }
    }

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
        /// How many handwritten signs each column has room for, where the head says so (`Date {10}`); else 0.
        signs: Vec<u16>,
        small: bool,
    },
    /// A code block; never wrapped.
    Lines {
        lines: Vec<String>,
        small: bool,
    },
    Facts(Vec<Fact>),
    Typed(Typed),
    /// Labels with lines to write on, side by side.
    Fields(Vec<Field>),
    Signatures(Vec<String>),
    /// A line across.
    Rule,
    /// A dashed line across, to cut along.
    Cut,
    /// Two columns side by side.
    Row([Vec<Block>; 2]),
    /// A picture of the organisation's own.
    Image(Image),
    /// A code with a public text, and what stands beside it.
    Qr {
        text: String,
        label: String,
    },
    Chart(Chart),
    /// Sheets: what follows stands in the next free part of the page.
    NextFrame,
    /// Documents: what follows stands on a new page.
    NextPage,
    /// Room to glue something in, points.
    Space(f32),
    /// Documents: the paper lies on its side.
    Landscape,
}

/// A picture by its file name, and how tall it is printed.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::paper) struct Image {
    pub(in crate::paper) name: String,
    /// Points.
    pub(in crate::paper) height: f32,
}

/// A line to write on.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::paper) struct Field {
    pub(in crate::paper) label: String,
    /// How many handwritten signs there is room for, where the template says so (`Bag {10}`); else 0.
    pub(in crate::paper) signs: u16,
}

/// A simple chart.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::paper) enum Chart {
    /// Label, length, and what is written behind the bar.
    Bars(Vec<(String, f32, String)>),
    /// Label, and from when to when; a point in time where there is no end.
    Timeline {
        /// From above.
        rows: Vec<Row>,
        /// The first and the last time that are shown.
        ends: (Instant, Instant),
    },
}

/// One row of a timeline.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::paper) struct Row {
    pub(in crate::paper) label: String,
    /// From when to when; without an end a point in time.
    pub(in crate::paper) spans: Vec<(Instant, Option<Instant>)>,
}

/// The blocks of one leaf, or of a document, and the captions of the codes.
#[derive(Debug, Default)]
pub(in crate::paper) struct Leaf {
    /// A document's heading of level 1.
    pub(in crate::paper) title: String,
    pub(in crate::paper) blocks: Vec<Block>,
    pub(in crate::paper) key: Vec<String>,
    pub(in crate::paper) manifest: Vec<String>,
    pub(in crate::paper) sealed: Vec<String>,
    pub(in crate::paper) fold: Option<String>,
}

impl Leaf {
    /// Calls `see` with every block, those in rows too.
    pub(in crate::paper) fn each(&self, mut see: impl FnMut(&Block)) {
        for block in &self.blocks {
            match block {
                Block::Row(columns) => columns.iter().flatten().for_each(&mut see),
                block => see(block),
            }
        }
    }
}
