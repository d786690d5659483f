//! Grey pictures to codes: one reader, tried on the picture as it is and on what filters make of it.
//!
//! No single pass reads every damage: fading wants local contrast, grain wants fewer pixels, small
//! modules want more. What the passes find is united by text; they stop when the page has given
//! what it promises.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use rxing::common::HybridBinarizer;
use rxing::multi::MultipleBarcodeReader;
use rxing::qrcode::cpp_port::QrReader;
use rxing::{BarcodeFormat, BinaryBitmap, DecodeHints, Luma8Source};
use zeroize::Zeroizing;

use super::filter::{self, Turn};
use super::grey::Grey;
use super::{Code, MAX_CODES, MAX_CODE_TEXT, Pass};

/// Pictures above this are halved before anything else: a sheet has no detail that needs more.
const PLENTY: usize = 25_000_000;

/// Pictures above this are not doubled: their modules are wide enough.
const FINE: usize = 10_000_000;

/// The passes in their order: what costs little and finds much comes first.
const PASSES: [Pass; 7] = [
    Pass::Plain,
    Pass::Half,
    Pass::Normalised,
    Pass::Sharpened,
    Pass::Doubled,
    Pass::Inverted,
    Pass::Rotated,
];

/// What was found on one page so far.
#[derive(Default)]
pub(super) struct Finds {
    codes: Vec<Code>,
}

impl Finds {
    /// Looks for codes until the page is complete, all passes were tried or `until` has come.
    ///
    /// Corners are multiplied by `scale`, so that finds in several rasters of a page agree.
    pub(super) fn look(&mut self, grey: Grey, mut scale: f32, until: Instant) {
        let mut grey = grey;
        while grey.width() * grey.height() > PLENTY {
            grey = filter::half(&grey);
            scale *= 2.0;
        }
        let mut new_since_plain = false;
        for pass in PASSES {
            if self.complete() || Instant::now() >= until {
                return;
            }
            let found = catch_unwind(AssertUnwindSafe(|| attempt(&grey, pass))).unwrap_or_default();
            let new = self.add(found, scale);
            new_since_plain |= new && pass != Pass::Plain;
            if pass == Pass::Normalised && !new_since_plain && self.promises_no_more() {
                return;
            }
        }
    }

    /// Tells whether nothing more is worth looking for: the page gave a share and a sealed part.
    ///
    /// A locked share comes without its manifest, which has a code of its own.
    pub(super) fn complete(&self) -> bool {
        let key = self.has("BG1K") || (self.has("BG1P") && self.has("BG1M"));
        (key && self.has("BG1S")) || self.codes.len() >= MAX_CODES
    }

    /// Tells whether the page looks like one that has no share with a sealed part: a further leaf
    /// of sealed parts, a locked sheet's second leaf, a record stub, somebody else's code.
    fn promises_no_more(&self) -> bool {
        let sealed = self.codes.iter().filter(|code| code.text.starts_with("BG1S")).count();
        let key = self.has("BG1K") || self.has("BG1P");
        let locked = self.has("BG1P") && self.has("BG1M");
        !self.codes.is_empty() && (locked || (!key && sealed != 1))
    }

    fn has(&self, start: &str) -> bool {
        self.codes.iter().any(|code| code.text.starts_with(start))
    }

    /// Adds what is new; tells whether anything was.
    fn add(&mut self, found: Vec<Code>, scale: f32) -> bool {
        let before = self.codes.len();
        for mut code in found {
            if self.codes.len() < MAX_CODES && self.codes.iter().all(|c| c.text != code.text) {
                code.corners = code.corners.map(|(x, y)| (x * scale, y * scale));
                self.codes.push(code);
            }
        }
        self.codes.len() > before
    }

    pub(super) fn into_codes(self) -> Vec<Code> {
        self.codes
    }
}

/// Runs one pass; corners are in pixels of `grey`.
fn attempt(grey: &Grey, pass: Pass) -> Vec<Code> {
    let scaled = |factor: f32| move |(x, y): (f32, f32)| (x * factor, y * factor);
    match pass {
        Pass::Plain => read(grey, pass, scaled(1.0)),
        Pass::Half => read(&filter::half(grey), pass, scaled(2.0)),
        Pass::Normalised => read(&filter::normalise(&filter::soften(grey), radius(grey)), pass, scaled(1.0)),
        Pass::Sharpened => read(&filter::sharpen(grey), pass, scaled(1.0)),
        Pass::Doubled if grey.width() * grey.height() > FINE => Vec::new(),
        Pass::Doubled => read(&filter::double(grey), pass, scaled(0.5)),
        Pass::Inverted => read(&filter::invert(grey), pass, scaled(1.0)),
        Pass::Rotated => {
            let turned = filter::rotate(grey);
            let turn = Turn::new(grey.width(), grey.height(), turned.width());
            read(&turned, pass, move |point| turn.back(point))
        }
    }
}

/// Returns a window of about 10 mm on a page: wider than a finder pattern, narrower than a shadow.
fn radius(grey: &Grey) -> usize {
    (grey.width().min(grey.height()) / 40).clamp(8, 100)
}

/// Reads every QR code of a picture; `back` maps a point of it to the picture it was made from.
fn read(grey: &Grey, pass: Pass, back: impl Fn((f32, f32)) -> (f32, f32)) -> Vec<Code> {
    let (Ok(width), Ok(height)) = (u32::try_from(grey.width()), u32::try_from(grey.height())) else {
        return Vec::new();
    };
    let Ok(source) = Luma8Source::new_with_slice(grey.pixels(), width, height) else {
        return Vec::new();
    };
    let hints = DecodeHints {
        TryHarder: Some(true),
        PossibleFormats: Some(HashSet::from([BarcodeFormat::QR_CODE])),
        ..DecodeHints::default()
    };
    let mut bitmap = BinaryBitmap::new(HybridBinarizer::new(source));
    let found = QrReader.decode_multiple_with_hints(&mut bitmap, &hints).unwrap_or_default();
    found
        .iter()
        .filter_map(|result| {
            let text = result.getText();
            let [top_left, top_right, bottom_left, bottom_right] = *result.getPoints() else {
                return None;
            };
            // rxing adds half a pixel
            let corners = [top_left, top_right, bottom_right, bottom_left].map(|p| back((p.x - 0.5, p.y - 0.5)));
            printable(text).then(|| Code { text: Zeroizing::new(text.to_owned()), corners, pass })
        })
        .collect()
}

/// Tells whether a code's text is one of ours to look at: not empty, not binary, not endless.
pub(super) fn printable(text: &str) -> bool {
    (1..=MAX_CODE_TEXT).contains(&text.len()) && text.bytes().all(|b| matches!(b, b' '..=b'~'))
}

pub(super) fn lab(grey: &Grey) -> Vec<(String, Vec<char>, u128)> {
    use rxing::common::GlobalHistogramBinarizer;
    let mut out = vec![];
    let mut go = |name: &str, f: &dyn Fn() -> Vec<Code>| {
        let t = Instant::now();
        let codes = catch_unwind(AssertUnwindSafe(f)).unwrap_or_default();
        let set: std::collections::BTreeSet<char> = codes.iter().filter_map(|c| c.text.strip_prefix("BG1")?.chars().next()).collect();
        out.push((name.to_owned(), set.into_iter().collect(), t.elapsed().as_millis()));
    };
    let id = |p| p;
    let global = |g: &Grey| {
        let source = Luma8Source::new_with_slice(g.pixels(), g.width() as u32, g.height() as u32).unwrap();
        let hints = DecodeHints { TryHarder: Some(true), PossibleFormats: Some(HashSet::from([BarcodeFormat::QR_CODE])), ..DecodeHints::default() };
        let mut bitmap = BinaryBitmap::new(GlobalHistogramBinarizer::new(source));
        let found = QrReader.decode_multiple_with_hints(&mut bitmap, &hints).unwrap_or_default();
        found.iter().map(|r| Code { text: Zeroizing::new(r.getText().to_owned()), corners: [(0.0, 0.0); 4], pass: Pass::Plain }).collect::<Vec<_>>()
    };
    go("plain", &|| read(grey, Pass::Plain, id));
    go("half", &|| attempt(grey, Pass::Half));
    go("third", &|| read(&filter::half(&filter::half(grey)), Pass::Plain, id));
    go("soft", &|| read(&filter::soften(grey), Pass::Plain, id));
    go("soft2", &|| read(&filter::soften(&filter::soften(grey)), Pass::Plain, id));
    for r in [80, 40, 20] {
        let r2 = (grey.width().min(grey.height()) / r).clamp(8, 100);
        go(&format!("ns{r}"), &|| read(&filter::normalise(&filter::soften(grey), r2), Pass::Plain, id));
        go(&format!("n{r}"), &|| read(&filter::normalise(grey, r2), Pass::Plain, id));
    }
    let r2 = (grey.width().min(grey.height()) / 40).clamp(8, 100);
    go("nsg40", &|| global(&filter::normalise(&filter::soften(grey), r2)));
    go("ng40", &|| global(&filter::normalise(grey, r2)));
    go("global", &|| global(grey));
    go("sharp", &|| attempt(grey, Pass::Sharpened));
    go("nsharp", &|| read(&filter::normalise(&filter::sharpen(grey), r2), Pass::Plain, id));
    go("sharpn", &|| read(&filter::sharpen(&filter::normalise(&filter::soften(grey), r2)), Pass::Plain, id));
    go("double", &|| attempt(grey, Pass::Doubled));
    go("nsdouble", &|| if grey.width()*grey.height() > FINE {vec![]} else {read(&filter::double(&filter::normalise(&filter::soften(grey), r2)), Pass::Plain, id)});
    go("hns40", &|| { let h = filter::half(grey); read(&filter::normalise(&filter::soften(&h), r2/2), Pass::Plain, id)});
    go("hn40", &|| { let h = filter::half(grey); read(&filter::normalise(&h, r2/2), Pass::Plain, id)});
    go("hng40", &|| { let h = filter::half(grey); global(&filter::normalise(&h, r2/2))});
    go("invert", &|| attempt(grey, Pass::Inverted));
    go("rotate", &|| attempt(grey, Pass::Rotated));
    out
}
