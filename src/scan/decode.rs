//! Grey pictures to codes: one reader, tried on the picture as it is and on what filters make of it;
//! then, where the page promises more, every place of the grid is measured.
//!
//! No single pass reads every damage: fading wants local contrast, grain wants fewer pixels, small
//! modules want more. What the passes find is united by text; they stop when the page has given
//! what it promises.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::grey::{Grey, to_f32};
use super::place::plane::Point;
use super::soft::Soft;
use super::turn::{Turn, rotate};
use super::until::Until;
use super::{Code, MAX_CODE_TEXT, MAX_CODES, MAX_UNREAD, Pass, filter, place, qr};

/// Pictures above this are halved before anything else: a sheet has no detail that needs more.
const PLENTY: usize = 25_000_000;

/// Pictures above this are not doubled: their modules are wide enough.
const FINE: usize = 10_000_000;

/// Area of an A4 page in areas of a code.
const PAGE: f32 = 210.0 * 297.0 / (80.0 * 80.0);

/// Pictures above this are halved before their places are measured.
const MEASURED: usize = 14_000_000;

/// What was found on one page so far.
#[derive(Default)]
pub(super) struct Finds {
    codes: Vec<Code>,
    unread: Vec<Soft>,
    /// The picture that was looked at last, and its scale.
    last: Option<(Grey, f32)>,
}

impl Finds {
    /// Looks for codes until the page is complete, all passes were tried or `until` has come.
    ///
    /// Corners are multiplied by `scale`, so that finds in several rasters of a page agree. Returns
    /// whether a finer raster may give more.
    pub(super) fn look(&mut self, mut grey: Grey, mut scale: f32, until: Until) -> bool {
        while grey.width() * grey.height() > PLENTY {
            grey = filter::half(&grey);
            scale *= 2.0;
        }
        let more = self.cascade(&grey, scale, until);
        self.last = Some((grey, scale));
        more
    }

    fn cascade(&mut self, grey: &Grey, scale: f32, until: Until) -> bool {
        let mut new_since_plain = false;
        for pass in Pass::CASCADE {
            let enough =
                self.complete() && (pass > Pass::Normalised || !self.has_room(grey, scale));
            if enough || until.is_over() {
                return false;
            }
            let found = catch_unwind(AssertUnwindSafe(|| attempt(grey, pass))).unwrap_or_default();
            let new = self.add(found, scale);
            new_since_plain |= new && pass != Pass::Plain;
            if pass == Pass::Normalised && !new_since_plain && self.promises_no_more() {
                return false;
            }
        }
        !self.complete()
    }

    /// Measures the places of the picture that was looked at last, unless a share and a sealed part
    /// were read and it has no room for another page.
    pub(super) fn measure(&mut self, until: Until) {
        let Some((mut grey, mut scale)) = self.last.take() else { return };
        let enough = self.complete() && !self.has_room(&grey, scale);
        if enough || until.is_over() {
            return;
        }
        while grey.width() * grey.height() > MEASURED {
            grey = filter::half(&grey);
            scale *= 2.0;
        }
        let ours = self.codes.iter().filter(|code| code.text.starts_with("BG"));
        let corners: Vec<[Point; 4]> =
            ours.map(|code| code.corners.map(|(x, y)| Point::new(x / scale, y / scale))).collect();
        let measure = || place::measure(&grey, &even(&grey), &corners, until);
        let Ok(measured) = catch_unwind(AssertUnwindSafe(measure)) else { return };
        let read = measured.read.into_iter().map(|(text, corners)| Code {
            text,
            corners: corners.map(|p| (p.x, p.y)),
            pass: Pass::Placed,
        });
        self.add(read.collect(), scale);
        if !self.complete() || self.has_room(&grey, scale) {
            self.unread = measured.unread;
            self.unread.truncate(MAX_UNREAD);
        }
    }

    /// Tells whether nothing more is worth looking for: the page gave a share and a sealed part.
    ///
    /// A locked share comes without its manifest, which has a code of its own.
    fn complete(&self) -> bool {
        let key = self.has("BG1K") || (self.has("BG1P") && self.has("BG1M"));
        (key && self.has("BG1S")) || self.codes.len() >= MAX_CODES
    }

    /// Tells whether the picture is so large beside a code on it that it may show another page.
    fn has_room(&self, grey: &Grey, scale: f32) -> bool {
        let area = to_f32(grey.width()) * to_f32(grey.height()) * scale * scale;
        self.codes.iter().any(|code| {
            let [(x, y), _, (right, bottom), _] = code.corners;
            let square = (right - x).powi(2).midpoint((bottom - y).powi(2));
            area > 1.8 * PAGE * square
        })
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

    pub(super) fn into_parts(self) -> (Vec<Code>, Vec<Soft>) {
        (self.codes, self.unread)
    }
}

/// Runs one pass; corners are in pixels of `grey`.
fn attempt(grey: &Grey, pass: Pass) -> Vec<Code> {
    let scaled = |factor: f32| move |p: Point| Point::new(p.x * factor, p.y * factor);
    match pass {
        Pass::Plain => read(grey, pass, scaled(1.0)),
        Pass::Half => read(&filter::half(grey), pass, scaled(2.0)),
        Pass::Normalised => read(&even(grey), pass, scaled(1.0)),
        Pass::Sharpened => read(&filter::sharpen(grey), pass, scaled(1.0)),
        Pass::Doubled if grey.width() * grey.height() > FINE => Vec::new(),
        Pass::Doubled => read(&filter::double(&even(grey)), pass, scaled(0.5)),
        Pass::Inverted => read(&filter::invert(grey), pass, scaled(1.0)),
        Pass::Rotated => {
            let turned = rotate(grey);
            let turn = Turn::new(grey.width(), grey.height(), turned.width());
            read(&turned, pass, move |point| turn.back(point))
        }
        Pass::Placed | Pass::Merged => Vec::new(),
    }
}

/// Returns the picture without grain, shadows and fading.
///
/// The window is about 20 mm of a page: wider than a finder pattern, narrower than most shadows.
fn even(grey: &Grey) -> Grey {
    let radius = (grey.width().min(grey.height()) / 20).clamp(8, 100);
    filter::normalise(&filter::soften(grey), radius)
}

/// Reads every QR code of a picture; `back` maps a point of it to the picture it was made from.
fn read(grey: &Grey, pass: Pass, back: impl Fn(Point) -> Point) -> Vec<Code> {
    let found = qr::read(grey).into_iter().filter(|read| printable(&read.text));
    found
        .map(|read| {
            let corners = read.corners.map(&back).map(|p| (p.x, p.y));
            Code { text: read.text, corners, pass }
        })
        .collect()
}

/// Tells whether a code's text is one of ours to look at: not empty, not binary, not endless.
pub(super) fn printable(text: &str) -> bool {
    (1..=MAX_CODE_TEXT).contains(&text.len()) && text.bytes().all(|b| matches!(b, b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use ::qrcode::{Color, QrCode};
    use zeroize::Zeroizing;

    use super::*;

    /// Draws codes side by side, six pixels a module.
    fn page(texts: &[&str]) -> Grey {
        let codes: Vec<_> = texts.iter().map(|text| QrCode::new(text).unwrap()).collect();
        let side = codes.iter().map(|code| code.width() * 6).max().unwrap_or(0) + 60;
        Grey::by_rows(side * texts.len().max(1), side, |y, row| {
            row.fill(255);
            for (place, code) in codes.iter().enumerate() {
                for (x, v) in row[place * side..(place + 1) * side].iter_mut().enumerate() {
                    let module = (x.wrapping_sub(30) / 6, y.wrapping_sub(30) / 6);
                    let inside = module.0 < code.width() && module.1 < code.width();
                    *v = if inside && code[module] == Color::Dark { 0 } else { 255 };
                }
            }
        })
    }

    fn look(grey: Grey) -> Vec<Code> {
        let mut finds = Finds::default();
        finds.look(grey, 1.0, Until::after(Duration::from_mins(1)));
        finds.into_parts().0
    }

    #[test]
    fn equal_texts_are_one_find_with_its_corners() {
        let codes = look(page(&["BG1KABC", "BG1SDEF", "BG1KABC"]));
        assert_eq!(codes.len(), 2);
        for code in &codes {
            assert_eq!(code.pass, Pass::Plain);
            let place = if code.text.starts_with("BG1S") { 186.0 } else { 0.0 };
            for ((x, y), (cx, cy)) in [(30.0, 30.0), (156.0, 30.0), (156.0, 156.0), (30.0, 156.0)]
                .into_iter()
                .zip(code.corners)
            {
                let near = (cy - y).abs() < 2.0
                    && [x, x + place, x + 372.0].iter().any(|x| (cx - x).abs() < 2.0);
                assert!(near, "{:?}", code.corners);
            }
        }
    }

    #[test]
    fn white_on_black_and_turned_codes_are_read() {
        let codes = look(filter::invert(&page(&["BG1KABC"])));
        assert_eq!(codes[0].pass, Pass::Inverted);
        for turns in 0..4 {
            let mut grey = page(&["BG1KABC", "BG1SDEF"]);
            for _ in 0..turns {
                let old = grey.clone();
                grey = Grey::by_rows(old.height(), old.width(), |y, row| {
                    for (x, v) in row.iter_mut().enumerate() {
                        *v = old.pixels()[(old.height() - 1 - x) * old.width() + y];
                    }
                });
            }
            assert_eq!(look(grey).len(), 2);
        }
        assert_eq!(look(rotate(&page(&["BG1KABC"]))).len(), 1);
    }

    #[test]
    fn every_pass_reports_places_of_the_picture_itself() {
        let grey = page(&["BG1KABC"]);
        for pass in Pass::CASCADE {
            let seen = if pass == Pass::Inverted { filter::invert(&grey) } else { grey.clone() };
            let codes = attempt(&seen, pass);
            assert_eq!(codes.len(), 1, "{pass}");
            let [(left, top), _, (right, bottom), _] = codes[0].corners;
            for (found, is) in [(left, 30.0), (top, 30.0), (right, 156.0), (bottom, 156.0)] {
                assert!((found - is).abs() < 3.0_f32, "{pass} {:?}", codes[0].corners);
            }
        }
    }

    #[test]
    fn a_page_is_complete_with_a_share_and_a_sealed_part() {
        let finds = |texts: &[&str]| Finds {
            codes: texts
                .iter()
                .map(|text| Code {
                    text: Zeroizing::new((*text).to_owned()),
                    corners: [(0.0, 0.0); 4],
                    pass: Pass::Plain,
                })
                .collect(),
            ..Finds::default()
        };
        assert!(finds(&["BG1K0", "BG1S0"]).complete());
        assert!(!finds(&["BG1K0"]).complete() && !finds(&["BG1S0"]).complete());
        assert!(!finds(&["BG1P0", "BG1S0"]).complete());
        assert!(finds(&["BG1P0", "BG1M0", "BG1S0"]).complete());
        for (texts, no_more) in [
            (&[][..], false),
            (&["https://example.org"], true),
            (&["BG1S0"], false), // the key codes of a first leaf may still be there
            (&["BG1S0", "BG1S1"], true),
            (&["BG1R0"], true),
            (&["BG1K0"], false),
            (&["BG1P0"], false),
            (&["BG1P0", "BG1M0"], true),
        ] {
            assert_eq!(finds(texts).promises_no_more(), no_more, "{texts:?}");
        }
    }

    /// `BREAKGLASS_NOISE` pictures, 40 by default: grain, half of them with somebody else's codes.
    #[test]
    fn noise_and_foreign_codes_give_nothing_of_ours() {
        let count = std::env::var("BREAKGLASS_NOISE").ok().and_then(|n| n.parse().ok());
        let mut noise = super::super::tests::Noise(31);
        for round in 0..count.unwrap_or(40) {
            let mut grey = if round % 2 == 0 {
                let (width, height) = (40 + noise.below(560), 40 + noise.below(560));
                Grey::new(width, height, noise.bytes(width * height)).unwrap()
            } else {
                page(&[&format!("https://example.org/{round}"), "BG1KNOTOURS"])
            };
            let share = noise.below(40);
            grey = Grey::by_rows(grey.width(), grey.height(), |y, row| {
                row.copy_from_slice(grey.row(y.cast_signed()));
                for value in row.iter_mut() {
                    if noise.below(100) < share {
                        *value = noise.bytes(1)[0];
                    }
                }
            });
            // not through `Finds`, which would take a panic for an empty page
            let ours = |text: &str| crate::codes::payload::parse(text).is_ok();
            for pass in [Pass::Plain, Pass::Normalised] {
                assert!(!attempt(&grey, pass).iter().any(|code| ours(&code.text)), "{round}");
            }
            let until = Until::after(Duration::from_mins(1));
            let measured = place::measure(&grey, &even(&grey), &[], until);
            assert!(measured.read.is_empty(), "{round}");
        }
    }

    #[test]
    fn empty_binary_and_endless_texts_are_left_out() {
        assert!(printable("BG1K ~"));
        assert!(!printable("") && !printable("caf\u{e9}") && !printable("a\nb"));
        assert!(!printable(&"A".repeat(MAX_CODE_TEXT + 1)));
        assert!(look(page(&["caf\u{e9}"])).is_empty());
        assert!(look(page(&[])).is_empty());
        assert!(look(Grey::new(0, 0, Vec::new()).unwrap()).is_empty());
    }
}
