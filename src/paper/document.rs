//! Documents: labels, forms, whatever an organisation prints beside its sheets. No secret stands in any.

use super::PaperError;
use super::layout::{Setting, Shown, TypedLines};
use super::pdf::{self, About};
use super::qr::Code;
use super::template::{self, Block, Templates, Values, images};
use crate::codes::grid::PaperSize;

/// Least size of a document's text, points; a sheet has less room.
const LEAST: f32 = 11.0;

/// Least size of its running text in large print, points.
const LARGE: f32 = 14.0;

/// Least size of the labels over facts, points.
const LABEL: f32 = 9.0;

/// Makes the PDF of a document from the template of that name.
///
/// `foot` says on every page what it belongs to; the first eight signs of the template's hash follow it, in brackets.
pub fn document(
    name: &str,
    values: Values,
    foot: &str,
    paper: PaperSize,
    templates: &Templates,
) -> Result<Vec<u8>, PaperError> {
    let template = templates.template(name)?;
    let content = template::document(&template, values)?;
    let mut shown = Shown { names: images(&template.text), ..Shown::default() };
    content.each(|block| {
        if let Block::Qr { text, .. } = block
            && !shown.codes.contains(text)
        {
            shown.codes.push(text.clone());
        }
    });
    shown.pictures = templates.pictures(&template, &shown.names)?;
    let codes: Vec<Code> = shown
        .codes
        .iter()
        .map(|text| Code::new(text, "code of a document"))
        .collect::<Result<_, _>>()?;
    shown.modules = codes.iter().map(Code::width).collect();
    let fonts = templates.fonts()?;
    let mut theme = templates.theme.clone();
    let body = if templates.large { LARGE } else { LEAST };
    theme.text.body = theme.text.body.max(body);
    theme.text.small = theme.text.small.max(LEAST);
    theme.text.headings = theme.text.headings.map(|size| size.max(body));
    theme.facts.label = theme.facts.label.max(LABEL);
    let setting = Setting {
        fonts,
        theme: &theme,
        typed: &TypedLines::default(),
        paper,
        leaf: 1,
        name: &template.name,
        lines: &[1],
        shown: &shown,
    };
    let hash = templates.hash_of(&template)?;
    let [a, b, c, d, ..] = hash;
    let short = u32::from_be_bytes([a, b, c, d]);
    let pages = setting.document(&content, &format!("{foot} ({short:08x})"))?;
    let about = About { title: &content.title, language: Templates::language_of(&template) };
    pdf::write(&pages, &codes, &shown.pictures, fonts, &about)
}
