//! A record as codes on the screen, to be photographed where no file can be written.

use crate::codes::payload::Payload;
use crate::logbook::Entry;
use crate::logbook::stub::{self, LogId};
use crate::paper::Code;
use crate::ui::{Failure, Ui};

/// Bytes of a record that one code holds, the most and the fewest that are tried.
const MOST: usize = 570;
const FEWEST: usize = 30;

/// Shows loose records one after the other, each in as few codes as the screen has room for.
///
/// Returns how many codes were shown: none where the screen is too small for any.
pub(super) fn show_strips(ui: &Ui, lines: &str, flag: &str) -> Result<usize, Failure> {
    let side = ui.squares();
    let codes: Option<Vec<Code>> = lines
        .lines()
        .map(|line| Entry::read(line.as_bytes()).ok().and_then(|entry| codes(&entry, side)))
        .collect::<Option<Vec<_>>>()
        .map(|records| records.into_iter().flatten().collect());
    let codes = codes.unwrap_or_default();
    for (number, code) in (1..).zip(&codes) {
        let heading = format!("Photograph this, then Enter ({number} of {})", codes.len());
        ui.show_squares(&heading, code.width(), |x, y| code.is_dark(x, y), flag)?;
    }
    Ok(codes.len())
}

/// Cuts a record into as few codes as fit; `None` where nothing fits.
fn codes(entry: &Entry, side: usize) -> Option<Vec<Code>> {
    (FEWEST..=MOST).rev().step_by(10).find_map(|most| {
        let parts = stub::cut_small(entry, LogId::default(), most).ok()?;
        let code = |part| Code::on_screen(&Payload::Record(part).text(), side);
        parts.into_iter().map(code).collect()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_small_screen_takes_more_codes() {
        let line = r#"{"v":1,"prev_code":"book not here","event":"NOTIFY","at":"2026-11-24T04:02:11Z","clock":"system","tz":"+01:00","method":"m","to":"all of us, at once","program":{"version":"0","sha256":"unknown"}}"#;
        let entry = Entry::read(line.as_bytes()).unwrap();
        let count = |side| codes(&entry, side).map(|codes| codes.len());
        assert_eq!(count(90), Some(1));
        assert!(count(42) > Some(1));
        assert_eq!(count(20), None);
    }
}
