//! What a template says, block by block.

use super::super::font::Face;

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
