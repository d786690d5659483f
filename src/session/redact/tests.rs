#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;
use crate::session::values::forms;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

const BREAKS: [&str; 21] = [
    "",
    "",
    " \r",
    "\r\n",
    "\x1b[K",
    "Q\x1b[3;1H",
    "x",
    "of",
    ". ",
    "log: ",
    " ",
    "a line of a log without any of it\r\n",
    "\t",
    "\r",
    " \x1b[K\r",
    "ö",
    "\x1b]0;a title\x07",
    "\x1b[3\x18",
    "\x08 \x08",
    "b\x1b[2;1H",
    " \x1b[2;1H",
];

fn pieces(values: &[&str]) -> Pieces {
    let all: Vec<_> = values.iter().flat_map(|value| forms(value.as_bytes())).collect();
    Pieces::of(&all)
}

fn redacted(pieces: &Pieces, text: &[u8], size: usize) -> (String, u64) {
    let (mut redactor, mut out) = (Redactor::default(), Vec::new());
    for chunk in text.chunks(size) {
        redactor.take(pieces, chunk, &mut out);
    }
    redactor.flush(&mut out);
    (String::from_utf8(out).unwrap(), redactor.places())
}

#[test]
fn whole_wrapped_encoded_and_in_any_chunks() {
    let pieces = pieces(&[SECRET]);
    let wrap = |columns: usize, with: &str| {
        let signs: Vec<char> = SECRET.chars().collect();
        signs.chunks(columns).map(String::from_iter).collect::<Vec<_>>().join(with)
    };
    let base64 = "aGVsbG86d0phbHJYVXRuRkVNSS9LN01ERU5HL2JQeFJmaUNZRVhBTVBMRUtFWQ==";
    for shown in [
        SECRET.to_owned(),
        wrap(9, " \r"),
        wrap(13, "\r\n"),
        wrap(5, "\x1b[K\r\n\x1b[32m"),
        // vim at the end of a row
        format!("{}{}\x1b[3;1H{}", &SECRET[..19], &SECRET[18..19], &SECRET[19..]),
        base64.to_owned(),
        SECRET.replace('/', "%2F"),
        crate::logbook::hex(SECRET.as_bytes()),
    ] {
        let text = format!("$ export KEY={shown} \r\ndone $ ");
        for size in [1, 2, 7, 40, 1000] {
            let (out, places) = redacted(&pieces, text.as_bytes(), size);
            assert!(out.starts_with("$ export KEY=") && out.ends_with(" \r\ndone $ "), "{out}");
            assert!(out.contains(BLOCK) && places == 1, "{size} {places} {out}");
            let left = &out["$ export KEY=".len()..out.len() - " \r\ndone $ ".len()];
            let mut escapes = Escapes::default();
            let left = left.bytes().filter(|b| escapes.is_text(*b) && b.is_ascii_graphic());
            assert!(left.count() < 12, "{size} {out}");
            if size == 1000 && shown == SECRET {
                assert_eq!(out.matches(BLOCK).count(), SECRET.len());
            }
        }
    }
}

/// A sign that programs repeat where they wrap, or that the credential has twice.
#[test]
fn what_may_be_a_break_or_of_the_credential_is_followed_as_both() {
    for (secret, shown) in [
        ("access-1", "acc\x1b[3;1Hcess-1"),
        ("access-1", "acc\x1b[3;1Hess-1"),
        ("ab cd ef", "ab  \x1b[2;1Hcd ef"),
        ("ab cd ef", "ab \x1b[2;1Hcd ef"),
        ("hunter", "hunt \x1b[K\rer"),
        ("hunt er2", "hunt \x1b[32mer2"),
    ] {
        let pieces = pieces(&[secret]);
        for size in 1..=shown.len() {
            let (out, places) = redacted(&pieces, shown.as_bytes(), size);
            assert_eq!((places, out.matches(BLOCK).count()), (1, secret.len()), "{size} {out:?}");
        }
    }
}

#[test]
fn a_part_is_enough_and_what_only_begins_alike_is_kept() {
    let pieces = pieces(&[SECRET]);
    let (out, _) = redacted(&pieces, format!("x {}", &SECRET[..20]).as_bytes(), 3);
    assert_eq!(out, format!("x {}", BLOCK.repeat(20)));
    let kept = format!("{} {} wJal rXUt", &SECRET[..8], &SECRET[20..31]);
    assert_eq!(redacted(&pieces, kept.as_bytes(), 2), (kept, 0));
}

/// At most eleven signs are seen of what comes in two halves with a pause between them.
#[test]
fn what_is_given_out_in_a_pause_still_counts() {
    let pieces = pieces(&[SECRET]);
    let (mut redactor, mut out) = (Redactor::default(), Vec::new());
    redactor.take(&pieces, &SECRET.as_bytes()[..10], &mut out);
    assert_eq!(out, b"");
    redactor.release(&pieces, &mut out);
    redactor.take(&pieces, &SECRET.as_bytes()[10..], &mut out);
    redactor.flush(&mut out);
    let rest = BLOCK.repeat(SECRET.len() - 10);
    assert_eq!(String::from_utf8(out).unwrap(), format!("{}{rest}", &SECRET[..10]));
}

#[test]
fn words_of_several_bytes_and_with_spaces() {
    let pieces = pieces(&["größe ist zwölf mal vier"]);
    let (out, _) = redacted(&pieces, "a größe ist zwölf mal vier b".as_bytes(), 1);
    assert_eq!(out, format!("a {} b", BLOCK.repeat(24)));
    let (out, _) = redacted(&pieces, "a größe ist \rzwölf mal vier b".as_bytes(), 4);
    assert!(!out.contains("größe") && !out.contains("vier"), "{out}");
}

proptest! {
    /// What is passed over makes no difference to looking at every byte.
    #[test]
    fn passing_over_changes_nothing(
        parts in proptest::collection::vec((0..21_usize, 0..40_usize, 0..20_usize), 1..60),
        size in 1_usize..200,
    ) {
        for secret in [SECRET, "hunter", "ab ab ab"] {
            let pieces = pieces(&[secret]);
            let mut text = String::new();
            for (between, from, length) in &parts {
                let from = from % secret.len();
                text.push_str(&secret[from..(from + length).min(secret.len())]);
                text.push_str(BREAKS[*between]);
            }
            let fast = redacted(&pieces, text.as_bytes(), size);
            let slow = redacted(&pieces.without_shortcut(), text.as_bytes(), size);
            prop_assert_eq!(fast, slow, "{:?}", text);
        }
    }

    /// Nothing is lost, whatever comes: without a secret in it the text is what it was.
    #[test]
    fn what_is_no_secret_comes_through(text in proptest::collection::vec(any::<u8>(), 0..600), size in 1_usize..50) {
        let pieces = pieces(&["Q!Q!Q!Q!Q!Q!Q!Q!Q!Q!Q!Q!Q!Q!"]);
        let (mut redactor, mut out) = (Redactor::default(), Vec::new());
        for chunk in text.chunks(size) {
            redactor.take(&pieces, chunk, &mut out);
        }
        redactor.flush(&mut out);
        prop_assert_eq!(out, text);
    }

    /// No piece of twelve signs comes through, whatever breaks it, stands around it and however it is cut; and where no sign of
    /// the secret is, nothing is taken out.
    #[test]
    fn no_piece_comes_through(
        parts in proptest::collection::vec((0..6_usize, 0..40_usize, 1..41_usize), 1..40),
        size in 1_usize..60,
    ) {
        let pieces = pieces(&[SECRET]);
        let breaks = [" \r", "\r\n", "\x1b[K", "\x1b[3;1H", ". ", "log: "];
        let mut text = String::new();
        for (between, from, length) in parts {
            text.push_str(&SECRET[from..(from + length).min(SECRET.len())]);
            text.push_str(breaks[between]);
        }
        let (out, _) = redacted(&pieces, text.as_bytes(), size);
        let mut escapes = Escapes::default();
        let shown: Vec<u8> = out.replace(" \r", "").bytes().filter(|b| escapes.is_text(*b)).collect();
        let shown = String::from_utf8_lossy(&shown).into_owned();
        for from in 0..=SECRET.len() - 12 {
            prop_assert!(!shown.contains(&SECRET[from..from + 12]), "{} in {:?} of {:?}", &SECRET[from..from + 12], shown, text);
        }
        let others = |text: &str| text.matches("log: ").count();
        prop_assert_eq!(others(&out), others(&text));
    }

    /// The secret never comes through, whatever stands around it and however it is cut.
    #[test]
    fn a_secret_never_comes_through(before in ".{0,30}", after in ".{0,30}", cuts in proptest::collection::vec(1_usize..20, 1..40)) {
        let pieces = pieces(&[SECRET]);
        let text = format!("{before}{SECRET}{after}");
        let (mut redactor, mut out) = (Redactor::default(), Vec::new());
        let (mut rest, mut cuts) = (text.as_bytes(), cuts.iter().cycle());
        while !rest.is_empty() {
            let (chunk, more) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
            redactor.take(&pieces, chunk, &mut out);
            rest = more;
        }
        redactor.flush(&mut out);
        let shown = String::from_utf8(out).unwrap();
        prop_assert!(!shown.contains(&SECRET[..16]) && !shown.contains(&SECRET[24..]), "{}", shown);
    }
}
