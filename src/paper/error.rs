//! What can go wrong on the way to paper.

use thiserror::Error;

/// Why a sheet was not made; never holds the text of a key code or of a share.
#[derive(Debug, Error)]
pub enum PaperError {
    /// A code does not fit into version 24 at error correction M, so its modules would be too small.
    #[error("the {0} is too long for one code")]
    CodeTooLong(&'static str),
    /// The set has no sealed part or more than 30.
    #[error("a sheet holds 1 to 30 sealed codes, not {0}")]
    Parts(usize),
    /// Typed lines are not lines of a label and symbols.
    #[error("the typed lines of the {0} are not lines of a label and symbols")]
    Lines(&'static str),
    /// A value holds a line break or another control character.
    #[error("{field} holds a control character, U+{:04X}", u32::from(*.sign))]
    Control {
        /// Which value.
        field: &'static str,
        /// Which character.
        sign: char,
    },
    /// The shipped fonts cannot draw a character.
    #[error("no glyph for `{sign}` (U+{:04X}) in {place}", u32::from(*.sign))]
    MissingGlyph {
        /// Which character.
        sign: char,
        /// In which value or text.
        place: String,
    },
    /// A template does not render, or uses what it may not.
    #[error("{name}, line {line}, column {column}: {what}")]
    Template {
        /// Which template file.
        name: String,
        /// Line in the template, counted from 1.
        line: usize,
        /// Column in that line, in characters, counted from 1.
        column: usize,
        /// What is wrong there.
        what: String,
    },
    /// A template lacks a widget that a leaf needs, or has one twice or where it must not be.
    #[error("{name}, section at line {line}: on leaf {leaf} the widget `{widget}` {what}")]
    Widget {
        /// Which template file.
        name: String,
        /// Line of the section's heading.
        line: usize,
        /// Which leaf, counted from 1.
        leaf: usize,
        /// Which widget.
        widget: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The theme is not valid.
    #[error("{name}: {what}")]
    Theme {
        /// Which theme file.
        name: &'static str,
        /// What is wrong in it.
        what: String,
    },
    /// A file of the templates cannot be used.
    #[error("templates: `{name}`: {what}")]
    File {
        /// Which file.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// There is no template of that name.
    #[error("there is no template `{0}`")]
    Unknown(String),
    /// Text does not fit; nothing is cut off and nothing made smaller.
    #[error(
        "{name}, from line {line}: on leaf {leaf} the text is {excess:.1} mm too long for its frame ({frame})"
    )]
    Overflow {
        /// Which template file.
        name: String,
        /// Where the frame's text begins in it.
        line: usize,
        /// Which leaf, counted from 1.
        leaf: usize,
        /// Which frame of that leaf, counted from 1.
        frame: usize,
        /// By how much, mm.
        excess: f32,
    },
    /// The template asks for more frames than the leaf has.
    #[error("{name}, from line {line}: leaf {leaf} has only {frames} frames, so not so many `---`")]
    Frames {
        /// Which template file.
        name: String,
        /// Line of the section's heading.
        line: usize,
        /// Which leaf, counted from 1.
        leaf: usize,
        /// How many frames it has.
        frames: usize,
    },
    /// Something that must stay on one line is wider than its frame.
    #[error("{name}, from line {line}: on leaf {leaf} `{text}` is {excess:.1} mm too wide")]
    TooWide {
        /// Which template file.
        name: String,
        /// Where the text around it begins in it.
        line: usize,
        /// Which leaf, counted from 1.
        leaf: usize,
        /// What is too wide, shortened.
        text: String,
        /// By how much, mm.
        excess: f32,
    },
    /// A font cannot be read, or is taller than the shipped ones.
    #[error(
        "the font {0} is damaged, is no TrueType font, or its letters are taller or deeper than the shipped fonts are"
    )]
    Font(String),
    /// The PDF writer refused; a defect of the program.
    #[error("the PDF writer failed: {0}")]
    Pdf(String),
}
