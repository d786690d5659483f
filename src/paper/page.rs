//! What can lie on a page. Points, from the top left corner.

use zeroize::Zeroizing;

use super::font::Face;

/// One millimetre in points.
pub(super) const MM: f32 = 72.0 / 25.4;

/// Something drawn in black.
pub(super) enum Mark {
    /// A line of text in one face.
    Text(Text),
    /// A filled rectangle: left, top, width, height.
    Bar([f32; 4]),
    /// One of the document's codes, by its number, with its side.
    Code { code: usize, left: f32, top: f32, side: f32 },
    /// One of the document's pictures, by its number: left, top, width, height.
    Picture { picture: usize, place: [f32; 4] },
}

/// A line of text in one face; it may be one of a share's.
pub(super) struct Text {
    /// Start of the baseline.
    pub(super) left: f32,
    /// The baseline.
    pub(super) base: f32,
    pub(super) face: Face,
    pub(super) size: f32,
    /// Whether it runs upwards.
    pub(super) turned: bool,
    pub(super) words: Zeroizing<String>,
}

impl Mark {
    /// Returns level text.
    pub(super) fn text(left: f32, base: f32, face: Face, size: f32, text: &str) -> Self {
        Self::Text(Text { left, base, face, size, turned: false, words: text.to_owned().into() })
    }

    /// Moves the mark.
    pub(super) fn shifted(mut self, right: f32, down: f32) -> Self {
        match &mut self {
            Self::Text(text) => {
                text.left += right;
                text.base += down;
            }
            Self::Bar([left, top, ..])
            | Self::Picture { place: [left, top, ..], .. }
            | Self::Code { left, top, .. } => {
                *left += right;
                *top += down;
            }
        }
        self
    }
}

/// One printed side.
pub(super) struct Page {
    pub(super) width: f32,
    pub(super) height: f32,
    pub(super) marks: Vec<Mark>,
}
