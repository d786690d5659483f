//! What holds for every input: no parser panics, and no single misread sign ever gives another text.
#![allow(clippy::unwrap_used, missing_docs)]

use breakglass::codes::code::{Code, CodeKind};
use breakglass::codes::desk::{Desk, Taken, label_of};
use breakglass::codes::{crockford, lines, payload};
use breakglass::logbook::json;
use breakglass::method::Method;
use breakglass::opening::{Origin, Pile};
use breakglass::rng;
use breakglass::set::{Manifest, SheetId};
use breakglass::sharing::{self, Quorum, Threshold};
use proptest::prelude::*;
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors/format1.json")).unwrap()
}

fn text<'a>(set: &'a Value, path: &str) -> &'a str {
    set.pointer(path).unwrap().as_str().unwrap()
}

/// Every text that differs in one sign.
fn neighbours(text: &str, from: usize) -> impl Iterator<Item = String> {
    (from..text.len()).flat_map(move |i| {
        crockford::SYMBOLS.iter().filter(move |&&s| s != text.as_bytes()[i]).map(move |&s| {
            let mut signs = text.as_bytes().to_vec();
            signs[i] = s;
            String::from_utf8(signs).unwrap()
        })
    })
}

/// Every position from the kind letter on, every other sign: nothing is accepted.
#[test]
fn no_changed_share_or_manifest_text_is_accepted() {
    let vectors = vectors();
    for set in ["one_part", "two_parts"] {
        for path in ["/sheets/0/text", "/M/text"] {
            for changed in neighbours(text(&vectors[set], path), 0) {
                assert!(payload::parse(&changed).is_err(), "{changed}");
            }
        }
    }
}

/// Every position of every typed line of a share and a manifest: mended to the right one, whatever the sign.
#[test]
fn every_changed_typed_line_is_mended_to_the_right_one() {
    let vectors = vectors();
    let set = &vectors["one_part"];
    let all = set["sheets"][0]["lines"].as_array().unwrap().iter();
    for line in all.chain(set["M"]["lines"].as_array().unwrap()) {
        let line = line.as_str().unwrap();
        let (place, symbols) = label_of(line).unwrap();
        let right = lines::fits(place, symbols).unwrap();
        for changed in neighbours(symbols, 0) {
            match lines::read(place, &changed) {
                Ok(lines::Reading::Mended(mended)) => {
                    assert_eq!(mended.bytes, right, "{line} {changed}")
                }
                Ok(lines::Reading::Exact(_)) => panic!("{changed} was taken as it is"),
                // a short last line may not tell which of two signs it was; then a person decides
                Ok(lines::Reading::Ask(ways)) => assert!(ways.iter().any(|way| way.bytes == right)),
                Err(_) => {}
            }
        }
    }
}

/// A line typed under another line's label is never taken.
#[test]
fn a_line_under_a_wrong_label_is_never_taken() {
    let vectors = vectors();
    let set = &vectors["one_part"];
    for (i, line) in set["M"]["lines"].as_array().unwrap().iter().enumerate() {
        let symbols = line.as_str().unwrap().split_once(' ').unwrap().1;
        for label in (1..=17).filter(|n| *n != i + 1).map(|n| format!("M{n:02}")) {
            let mut desk = Desk::default();
            let taken = desk.take(&format!("{label} {symbols}"));
            assert!(!matches!(taken, Ok(Taken::Kept(_) | Taken::Whole(..))), "{label} {symbols}");
        }
    }
}

fn origin() -> Origin {
    Origin { file: "typed".into(), place: None }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_parser_panics_on_text(text in "\\PC{0,200}") {
        let _ = payload::parse(&text);
        let _ = payload::parse(&format!("BG1{text}"));
        let _ = SheetId::parse(&text);
        let _ = Code::parse(CodeKind::Set, &text);
        let _ = Code::from_bytes(CodeKind::Set, [1; 10]).slips(&text);
        let _ = json::parse(&text);
        let _ = Method::parse(&text);
        let _ = Method::parse_dealt(&text);
        let _ = breakglass::clock::Instant::parse(&text);
        let _ = label_of(&text);
        Pile::default().add_line(&text, &origin());
    }

    #[test]
    fn no_parser_panics_on_symbols(text in "(K[1-9]|M[0-9]{2}|S[0-9]-[0-9]{2}|) ?[0-9A-Za-z? -]{0,40}") {
        let _ = Desk::default().take(&text);
        Pile::default().add_line(&text, &origin());
    }

    #[test]
    fn no_parser_panics_on_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Manifest::parse(&bytes);
        for kind in [payload::Kind::Share, payload::Kind::Locked, payload::Kind::Manifest, payload::Kind::Sealed] {
            let _ = payload::Payload::from_bytes(kind, &bytes);
        }
    }

    #[test]
    fn a_changed_manifest_is_refused_or_another_one(at in 0_usize..238, bit in 0_u8..8) {
        let vectors = vectors();
        let bytes: Vec<u8> = text(&vectors["one_part"], "/manifest/bytes")
            .as_bytes().chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        let mut changed = bytes.clone();
        changed[at] ^= 1 << bit;
        if let Ok(manifest) = Manifest::parse(&changed) {
            prop_assert_eq!(manifest.to_bytes(), changed);
        }
    }

    #[test]
    fn any_quorum_recovers(k in 2_u8..12, more in 0_u8..20, seed in any::<u64>()) {
        let threshold = Threshold::new(k, k + more).unwrap();
        let secret: [u8; 32] = rng::bytes(&mut rng::os());
        let mut shares = sharing::split(&secret, threshold, &mut rng::os());
        // any k of them, in any order
        shares.sort_by_key(|share| (u64::from(share.x()) + 1).wrapping_mul(seed | 1));
        let chosen = shares[..usize::from(k)].to_vec();
        let quorum = Quorum::new(threshold, chosen).unwrap();
        prop_assert_eq!(*quorum.recover(), secret);
    }
}
