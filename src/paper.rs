//! Prints a share: the texts of one sheet become one PDF.
//!
//! [`render`] takes texts that were made elsewhere. The words around them come from a template
//! ([`Templates`]: Markdown, placeholders and widgets), the places of the codes from
//! [`crate::codes::grid`]. The same texts and templates give the same bytes, on any machine.
//!
//! The way through, each step knowing only those before it:
//! `shelf` (where files come from), `font`, `qr`, `picture` and `page` (what can be drawn) → `template` (words to blocks) → `layout` (blocks to
//! places) → `pdf` (places to bytes; only there a PDF library) → `sheet` (which leaf
//! holds what) and `document` (labels, forms).
//!
//! Key code and share lines go straight to the code maker and the page: never through a template,
//! never into an error. The PDF library copies its texts; what it frees, the allocator wipes.

mod document;
mod error;
mod font;
mod layout;
mod packs;
mod page;
mod pdf;
mod picture;
mod qr;
mod sheet;
mod shelf;
mod template;
mod theme;

pub use document::document;
pub use error::PaperError;
pub use packs::{Edition, PACKS, Pack};
pub use qr::{Code, Level};
pub use sheet::{LockText, SheetText, render};
pub use template::{AUDIT, Templates, Values};
