//! What holds for every input: no parser panics, and no single misread sign ever gives another text.
#![allow(clippy::unwrap_used, missing_docs)]

use breakglass::codes::code::{Code, CodeKind};
use breakglass::codes::desk::{Desk, Taken, label_of};
use breakglass::codes::{crockford, lines, payload};
use breakglass::logbook::{Logbook, json};
use breakglass::method::{Contacts, Method};
use breakglass::opening::{Origin, Pile};
use breakglass::rng;
use breakglass::set::manifest::{MAX_ID, MAX_TEXT, Terms, has_forbidden};
use breakglass::set::{Manifest, SheetId, Uses, part_count, parts};
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
                    assert_eq!(mended.bytes, right, "{line} {changed}");
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
            // nor is it mended: four signs or more would have to change
            assert!(matches!(taken, Err(_) | Ok(Taken::Ask(..))), "{label} {symbols}");
        }
    }
}

fn origin() -> Origin {
    Origin { file: "typed".into(), place: None }
}

/// A slip of a typist: what is done, where, and with which sign.
fn slip() -> impl Strategy<Value = (u8, prop::sample::Index, char)> {
    let signs = "0123456789ABCDEFGHJKMNPQRSTVWXYZabcoOiIlLuU?- \t";
    let sign = prop::sample::select(signs.chars().collect::<Vec<_>>());
    (0_u8..6, any::<prop::sample::Index>(), sign)
}

fn slipped(text: &str, (deed, at, sign): &(u8, prop::sample::Index, char)) -> String {
    let mut signs: Vec<char> = text.chars().collect();
    if signs.is_empty() {
        return text.to_owned(); // an earlier slip took the last sign
    }
    let at = at.index(signs.len());
    match deed {
        0 | 1 => signs[at] = *sign,
        2 => signs.insert(at, *sign),
        3 => drop(signs.remove(at)),
        4 if at > 0 => signs.swap(at - 1, at),
        _ => signs.truncate(at.max(1)),
    }
    signs.into_iter().collect()
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

    #[test]
    fn a_manifest_says_what_was_put_in_or_is_refused(
        (k, n) in (2_u8..=32).prop_flat_map(|k| (Just(k), k..=32)),
        numbers in (0_u32..4, any::<u64>(), prop::option::of(1..=u64::MAX), 0_u16..4, 0_u16..4, any::<u16>()),
        length in prop_oneof![1_usize..1300, 17_000_usize..=17_408],
        texts in ("\\PC{0,33}", "[a-zé\u{202e}\u{0}]{0,49}", "\\PC{0,20}"),
        cut in any::<prop::sample::Index>(),
    ) {
        let (generation, created, expires, revoke_within, max_session, bits) = numbers;
        let uses = Uses::from_bits(bits & !0x80).unwrap();
        prop_assert_eq!(Uses::from_bits(bits).is_some(), bits & 0x80 == 0);
        let threshold = Threshold::new(k, n).unwrap();
        let shares = sharing::split(&[7; 32], threshold, &mut rng::os());
        let sealed: Vec<u8> = (0..length).map(|i| (((i * i) >> 3) & 0xff).try_into().unwrap()).collect();
        let (method, scope, credential_id) = texts;
        let good = generation > 0 && revoke_within > 0 && max_session > 0
            && (1..=MAX_ID).contains(&method.len())
            && scope.len() <= MAX_TEXT && credential_id.len() <= MAX_TEXT
            && ![&method, &scope, &credential_id].into_iter().any(|text| has_forbidden(text));
        let terms = Terms {
            threshold, generation, created, expires, revoke_within, max_session, uses,
            method_hash: [9; 32], method, scope, credential_id,
        };
        let made = Manifest::new(terms.clone(), &sealed, &shares);
        prop_assert_eq!(made.is_ok(), good);
        let Ok(made) = made else { return Ok(()) };
        let bytes = made.to_bytes();
        let read = Manifest::parse(&bytes).unwrap();
        prop_assert_eq!(&read, &made);
        prop_assert_eq!((&read.method, &read.scope), (&terms.method, &terms.scope));
        prop_assert_eq!((read.expires, read.created, read.uses), (expires, created, uses));
        prop_assert!(shares.iter().all(|share| read.commits_to(share)));
        prop_assert_eq!(read.parts(), part_count(length));
        for (index, part) in (0..).zip(parts(&sealed)) {
            prop_assert!(read.has_part(index, part) && !read.has_part(index + 1, part));
        }
        prop_assert!(Manifest::parse(&bytes[..cut.index(bytes.len())]).is_err());
        prop_assert!(Manifest::parse(&[&bytes[..], &[0]].concat()).is_err());
    }

    #[test]
    fn no_file_of_a_kit_makes_its_reader_panic(
        noise in "\\PC{0,80}",
        at in any::<prop::sample::Index>(),
        gone in 0_usize..60,
        line in "(\\{\"v\":1,\"seq\":[0-9]{1,20}(,\"[a-z]{1,8}\":(\"\\PC{0,9}\"|-?[0-9]{1,20}|\\[\\]|\\{\\}|true)){0,4}\\}|\\PC{0,60})\r?\n?",
    ) {
        for good in [include_str!("../custodian-kit/method.toml"), include_str!("../custodian-kit/contacts.toml")] {
            let signs: Vec<char> = good.chars().collect();
            let at = at.index(signs.len());
            let (before, after) = (&signs[..at], &signs[(at + gone).min(signs.len())..]);
            let changed = before.iter().chain(&noise.chars().collect::<Vec<_>>()).chain(after).collect::<String>();
            // an error draws the line and the caret: that must not panic either
            let _ = Method::parse(&changed).map_err(|error| error.to_string());
            let _ = Method::parse_dealt(&changed).map_err(|error| error.to_string());
            let _ = Contacts::parse(&changed);
        }
        let _ = json::parse(&line);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &line).unwrap();
        let _ = Logbook::at(file.path()).verify().map_err(|error| error.to_string());
    }
}

/// A line without its label is held against every place that there is, which takes a while.
fn fewer() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases.div_ceil(8), failure_persistence: None, ..usual }
}

proptest! {
    #![proptest_config(fewer())]

    /// Whatever is done to the lines of two sheets, what comes together is one of those two sheets.
    #[test]
    fn slips_never_give_another_share(
        slips in prop::collection::vec((0_usize..8, slip()), 0..6),
        order in Just((0_usize..8).collect::<Vec<_>>()).prop_shuffle(),
        labelled in prop::collection::vec(prop::bool::weighted(0.8), 8),
        whole in prop::collection::vec(prop::option::weighted(0.3, slip()), 8),
    ) {
        let vectors = vectors();
        let set = &vectors["one_part"];
        let sheets = ["/sheets/0", "/sheets/4"].map(|path| set.pointer(path).unwrap());
        let right: Vec<&str> = sheets.iter().map(|sheet| sheet["text"].as_str().unwrap()).collect();
        let lines = |sheet: &Value| sheet["lines"].as_array().unwrap().clone();
        let mut lines: Vec<String> =
            sheets.iter().flat_map(|sheet| lines(sheet)).map(|line| line.as_str().unwrap().to_owned()).collect();
        for (line, slip) in &slips {
            lines[*line] = slipped(&lines[*line], slip);
        }
        let mut pile = Pile::default();
        for i in order {
            let text = if labelled[i] { &lines[i] } else { lines[i].trim_start_matches(|c| c != ' ') };
            pile.add_line(text, &origin());
            if let Some(slip) = &whole[i] {
                // and somebody scans a damaged code in between
                pile.add_line(&slipped(right[i % 2], slip), &origin());
            }
        }
        for (payload, _) in pile.all() {
            prop_assert!(right.contains(&payload.text().as_str()), "{:?}", payload.kind());
        }
        if slips.is_empty() {
            prop_assert_eq!(pile.shares().count(), 2);
        }
    }
}
