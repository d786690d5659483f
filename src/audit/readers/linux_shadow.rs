//! `/etc/shadow` and `passwd -S`: days, not times.

use super::time::{date, day};
use super::{Format, Input, whole_text};
use crate::audit::elements::Broken;
use crate::audit::evidence::{Kind, Listing, Reading, Told, Whose};
use crate::audit::facts::{Fact, Span, What};
use crate::audit::probe::Probe;
use crate::logbook::hex;
use crate::set::sha256;

pub(super) const FORMATS: &[Format] = &[
    Format {
        name: "shadow file",
        platform: "linux",
        kind: Kind::State,
        knows: is_shadow,
        read: shadow,
    },
    Format {
        name: "passwd -S",
        platform: "linux",
        kind: Kind::State,
        knows: is_status,
        read: status,
    },
];

fn first(probe: &Probe) -> Option<&str> {
    let Probe::Text(head) = probe else { return None };
    head.lines().find(|line| !line.trim().is_empty())
}

fn is_shadow(probe: &Probe) -> bool {
    let Some(line) = first(probe) else { return false };
    let cells: Vec<&str> = line.split(':').collect();
    let number = |cell: &&str| cell.bytes().all(|b| b.is_ascii_digit());
    cells.len() == 9
        && !cells[0].is_empty()
        && !cells[0].contains(' ')
        && cells[2..8].iter().all(number)
}

fn is_status(probe: &Probe) -> bool {
    let Some(line) = first(probe) else { return false };
    let words: Vec<&str> = line.split_whitespace().collect();
    words.len() >= 7
        && state(words[1]).is_some()
        && words[3..6].iter().all(|w| w.parse::<i64>().is_ok())
}

/// What a word of `passwd -S` says.
fn state(word: &str) -> Option<What> {
    match word {
        "P" | "PS" | "NP" => Some(What::SeenActive),
        "L" | "LK" => Some(What::SeenInactive),
        _ => None,
    }
}

fn begin(reading: &mut Reading<'_>) -> Span {
    reading.found.listing = Some(Listing { of: Whose::Everybody, by: Told::Fingerprint });
    if reading.found.report_time.is_none() {
        reading.note("it does not say when it was taken: `--report-time FILE=TIME`");
    }
    reading.found.report_time.map_or(Span::UNKNOWN, Span::at)
}

fn shadow(input: &mut Input<'_>, reading: &mut Reading<'_>) -> Result<(), Broken> {
    let seen = begin(reading);
    reading.note("it holds password hashes: keep it like a credential");
    let text = whole_text(input)?;
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        reading.at_record(number);
        let cells: Vec<&str> = line.split(':').collect();
        let [user, hash, changed, _, _, _, _, expires, ..] = cells[..] else {
            let what = format!("it has {} cells, and a line of a shadow file has 9", cells.len());
            return Err(Broken { record: number, what, at_end: false });
        };
        // `usermod -L` puts a mark in front and leaves the hash
        let locked = hash.starts_with(['!', '*']);
        let bare = hash.trim_start_matches('!');
        let print = if bare.is_empty() || bare == "*" {
            String::new()
        } else {
            hex(&sha256(&[bare.as_bytes()]))
        };
        let what = if locked { What::SeenInactive } else { What::SeenActive };
        let fact = |what, when| Fact::new(what, when).subject(user).credential(&print);
        reading.fact(fact(what, seen).word(if locked { "locked" } else { "has a password" }));
        if let Ok(days @ 1..) = changed.parse() {
            reading.fact(fact(What::SecretChanged, day(days)).word("last change"));
        }
        if let Ok(days @ 1..) = expires.parse() {
            reading.fact(fact(What::Expires, day(days)).word("account expires"));
        }
    }
    Ok(())
}

fn status(input: &mut Input<'_>, reading: &mut Reading<'_>) -> Result<(), Broken> {
    let seen = begin(reading);
    // which password somebody has, it does not say: nobody is missing from it
    reading.found.listing = None;
    let text = whole_text(input)?;
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        reading.at_record(number);
        let words: Vec<&str> = line.split_whitespace().collect();
        let known = words.get(1).and_then(|word| state(word)).zip(words.get(2));
        let Some((what, changed)) = known else {
            let what = "it is no line of `passwd -S`".to_owned();
            return Err(Broken { record: number, what, at_end: false });
        };
        // it has no fingerprint: which password it is, nobody can tell
        reading.fact(Fact::new(what, seen).subject(words[0]).word(words[1]));
        if let Some(changed) = date(changed) {
            reading.fact(
                Fact::new(What::SecretChanged, changed).subject(words[0]).word("last change"),
            );
        }
    }
    Ok(())
}
