//! Pages to bytes; the only file that knows the PDF library.
//!
//! Left to itself the library numbers fonts and documents from a counter, adds dates and embeds whole
//! fonts. Here names are fixed, `/ID` and dates are removed and fonts come as subsets, so that the
//! same pages give the same bytes.

use std::collections::{BTreeMap, BTreeSet};

use printpdf::{
    CurTransMat, DictItem, ExternalStream, ExternalXObject, FontId, Mm, Op, PaintMode, ParsedFont,
    PdfDocument, PdfFont, PdfFontHandle, PdfPage, PdfSaveOptions, Point, Pt, Rect, TextItem,
    TextMatrix, XObject, XObjectId, XObjectTransform,
};

use super::PaperError;
use super::font::{Face, Fonts};
use super::page::{Mark, Page, Text};
use super::picture::Picture;
use super::qr::Code;

/// What a viewer shows and a screen reader needs.
pub(super) struct About<'a> {
    pub(super) title: &'a str,
    pub(super) language: &'a str,
}

/// Writes pages with their codes and pictures.
pub(super) fn write(
    pages: &[Page],
    codes: &[Code],
    pictures: &[Picture],
    fonts: &Fonts,
    about: &About<'_>,
) -> Result<Vec<u8>, PaperError> {
    let mut document = PdfDocument::new(about.title);
    for face in Face::ALL {
        let signs = signs(pages, face);
        if !signs.is_empty() {
            let font = font(fonts, face, &signs)?;
            document.resources.fonts.map.insert(font_id(face), PdfFont::new(font));
        }
    }
    for (i, code) in codes.iter().enumerate() {
        document.resources.xobjects.map.insert(code_id(i), mask(code));
    }
    for (i, picture) in pictures.iter().enumerate() {
        document.resources.xobjects.map.insert(picture_id(i), pixels(picture));
    }
    document.with_pages(pages.iter().map(page).collect());
    save(&document, about)
}

fn signs(pages: &[Page], face: Face) -> BTreeSet<char> {
    let texts = pages.iter().flat_map(|page| &page.marks).filter_map(|mark| match mark {
        Mark::Text(text) if text.face == face => Some(text.words.chars()),
        _ => None,
    });
    texts.flatten().collect()
}

fn font(fonts: &Fonts, face: Face, signs: &BTreeSet<char>) -> Result<ParsedFont, PaperError> {
    let bytes = fonts.subset(face, signs)?;
    let mut font =
        ParsedFont::from_bytes(&bytes, 0, &mut Vec::new()).ok_or_else(|| fonts.damaged(face))?;
    // six capitals and a plus sign mark a subset
    font.font_name = Some(format!("BRGLSS+{}", fonts.name(face)));
    Ok(font)
}

fn font_id(face: Face) -> FontId {
    let id = match face {
        Face::Regular => "FontRegular",
        Face::Bold => "FontBold",
        Face::Mono => "FontMono",
    };
    FontId(id.into())
}

fn code_id(code: usize) -> XObjectId {
    XObjectId(format!("Code{code:02}"))
}

fn picture_id(picture: usize) -> XObjectId {
    XObjectId(format!("Picture{picture:02}"))
}

/// A code as a mask of one pixel per module, painted black where it is 0.
fn mask(code: &Code) -> XObject {
    let entries = [
        ("BitsPerComponent", DictItem::Int(1)),
        ("ImageMask", DictItem::Bool(true)),
        ("Interpolate", DictItem::Bool(false)),
    ];
    raster((code.width(), code.width()), entries, code.rows().to_vec())
}

fn pixels(picture: &Picture) -> XObject {
    let entries = [
        ("BitsPerComponent", DictItem::Int(8)),
        ("ColorSpace", DictItem::Name("DeviceGray".into())),
        ("Interpolate", DictItem::Bool(true)),
    ];
    raster((picture.width, picture.height), entries, picture.grey.clone())
}

fn raster(size: (usize, usize), about: [(&str, DictItem); 3], content: Vec<u8>) -> XObject {
    let pixels = |count: usize| DictItem::Int(i64::try_from(count).unwrap_or_default());
    let name = |name: &str| DictItem::Name(name.into());
    let size = [
        ("Type", name("XObject")),
        ("Subtype", name("Image")),
        ("Width", pixels(size.0)),
        ("Height", pixels(size.1)),
    ];
    let all = size.into_iter().chain(about);
    let dict = all.map(|(key, item)| (key.to_owned(), item)).collect();
    let stream = ExternalStream { dict, content, compress: true };
    XObject::External(ExternalXObject { stream, width: None, height: None, dpi: None })
}

fn page(page: &Page) -> PdfPage {
    let mut ops = Vec::new();
    for mark in &page.marks {
        match mark {
            Mark::Text(text) => write_text(text, page.height, &mut ops),
            Mark::Bar([left, top, width, height]) => {
                let (x, y) = (rounded(*left), rounded(page.height - top - height));
                let (width, height) = (rounded(*width), rounded(*height));
                let (mode, winding_order) = (Some(PaintMode::Fill), None);
                ops.push(Op::DrawRectangle {
                    rectangle: Rect { x, y, width, height, mode, winding_order },
                });
            }
            Mark::Code { code, left, top, side } => {
                place(code_id(*code), [*left, *top, *side, *side], page.height, &mut ops);
            }
            Mark::Picture { picture, place: at } => {
                place(picture_id(*picture), *at, page.height, &mut ops);
            }
        }
    }
    let points = |points: f32| Mm::from(Pt(points));
    PdfPage::new(points(page.width), points(page.height), ops)
}

/// Draws a raster at left, top, width, height.
fn place(id: XObjectId, [left, top, width, height]: [f32; 4], page: f32, ops: &mut Vec<Op>) {
    // explicit, since a scale of the library's own assumes dots per inch
    let place = [width, 0.0, 0.0, height, left, page - top - height];
    let transform = XObjectTransform { no_auto_scale: true, ..XObjectTransform::default() };
    ops.push(Op::SaveGraphicsState);
    ops.push(Op::SetTransformationMatrix { matrix: CurTransMat::Raw(place) });
    ops.push(Op::UseXobject { id, transform });
    ops.push(Op::RestoreGraphicsState);
}

fn write_text(text: &Text, height: f32, ops: &mut Vec<Op>) {
    let (x, y) = (rounded(text.left), rounded(height - text.base));
    ops.push(Op::StartTextSection);
    let font = PdfFontHandle::External(font_id(text.face));
    ops.push(Op::SetFont { font, size: Pt(text.size) });
    ops.push(if text.turned {
        Op::SetTextMatrix { matrix: TextMatrix::Raw([0.0, 1.0, -1.0, 0.0, x.0, y.0]) }
    } else {
        // relative, but each section starts at the corner of the page
        Op::SetTextCursor { pos: Point { x, y } }
    });
    ops.push(Op::ShowText { items: vec![TextItem::Text(text.words.to_string())] });
    ops.push(Op::EndTextSection);
}

/// Rounds to hundredths of a point, a third of the smallest dot of a printer.
fn rounded(points: f32) -> Pt {
    Pt((points * 100.0).round() / 100.0)
}

fn save(document: &PdfDocument, about: &About<'_>) -> Result<Vec<u8>, PaperError> {
    let mut warnings = Vec::new();
    let mut file = document.to_lopdf_document(&PdfSaveOptions::default(), &mut warnings);
    if !warnings.is_empty() {
        return Err(PaperError::Pdf(format!("{} warnings", warnings.len())));
    }
    let failed = |error: &dyn std::fmt::Display| PaperError::Pdf(error.to_string());
    file.trailer.remove(b"ID");
    let info = file.trailer.get(b"Info").map_err(|e| failed(&e))?;
    let info = info.as_reference().map_err(|e| failed(&e))?;
    let info = file.get_dictionary_mut(info).map_err(|e| failed(&e))?;
    let extra: Vec<Vec<u8>> =
        info.iter().map(|(key, _)| key.clone()).filter(|key| key != b"Title").collect();
    for key in extra {
        info.remove(&key);
    }
    let catalog = file.catalog_mut().map_err(|e| failed(&e))?;
    let language = DictItem::String { data: about.language.into(), literal: true };
    catalog.set("Lang", language.to_lopdf());
    catalog.set("ViewerPreferences", preferences().to_lopdf());
    file.version = "1.7".into();
    file.compress();
    let mut bytes = Vec::new();
    file.save_to(&mut bytes).map_err(|e| failed(&e))?;
    Ok(bytes)
}

/// Asks the viewer to print in full size and on one side: the grid is part of the format.
fn preferences() -> DictItem {
    let entries = [
        ("PrintScaling", DictItem::Name("None".into())),
        ("Duplex", DictItem::Name("Simplex".into())),
        ("DisplayDocTitle", DictItem::Bool(true)),
    ];
    let map: BTreeMap<_, _> =
        entries.into_iter().map(|(key, item)| (key.to_owned(), item)).collect();
    DictItem::Dict { map }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn written(text: &str) -> Vec<u8> {
        let marks = vec![
            Mark::text(50.0, 50.0, Face::Bold, 20.0, text),
            Mark::text(50.0, 80.0, Face::Mono, 10.0, "0123"),
            Mark::Bar([50.0, 90.0, 20.0, 1.0]),
            Mark::Code { code: 0, left: 50.0, top: 100.0, side: 200.0 },
        ];
        let pages = [Page { width: 595.0, height: 842.0, marks }];
        let codes = [Code::new("BG1K0123", "code").unwrap()];
        let about = About { title: "Größe", language: "en" };
        write(&pages, &codes, &[], Fonts::shipped().unwrap(), &about).unwrap()
    }

    fn holds(bytes: &[u8], part: &str) -> bool {
        bytes.windows(part.len()).any(|window| window == part.as_bytes())
    }

    #[test]
    fn the_same_pages_give_the_same_bytes() {
        assert_eq!(written("Ελένη Щ"), written("Ελένη Щ"));
        assert_ne!(written("a"), written("b"));
    }

    #[test]
    fn no_date_no_id_but_title_language_and_subsets() {
        let bytes = written("BREAK GLASS");
        for part in ["/ID", "Date", "GTS_", "Producer"] {
            assert!(!holds(&bytes, part), "{part}");
        }
        let parts = ["/Lang(en)", "/Title", "/PrintScaling/None", "/BRGLSS+NotoSans-Bold"];
        for part in parts {
            assert!(holds(&bytes, part), "{part}");
        }
        assert!(!holds(&bytes, "NotoSans-Regular"), "no font that is not used");
        assert!(bytes.len() < 12_000, "{}", bytes.len());
    }
}
