//! The worked sets of `tests/vectors/format1.json`, computed by an independent program: every value in the
//! file comes out of this code byte for byte.
#![allow(clippy::unwrap_used, missing_docs)]

use std::convert::Infallible;

use breakglass::codes::code::{Code, CodeKind};
use breakglass::codes::lines;
use breakglass::codes::payload::{self, Kind, LockedShare, Payload, SealedPart};
use breakglass::set::Uses;
use breakglass::set::manifest::{Manifest, Terms};
use breakglass::set::{SheetId, SheetShare, parts, sha256};
use breakglass::sharing::{self, Quorum, Share, Threshold};
use breakglass::{rng, sealing};
use rand::rand_core::{TryCryptoRng, TryRng};
use serde_json::Value;
use zeroize::Zeroizing;

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors/format1.json")).unwrap()
}

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    hex(value).try_into().unwrap()
}

fn texts(value: &Value) -> String {
    let lines: Vec<&str> = value.as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
    lines.join("\n")
}

/// Hands out the vectors' coefficients in the order in which the dealer draws them.
struct Replay(std::vec::IntoIter<u8>);

impl TryRng for Replay {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0.next().unwrap().into())
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.try_next_u32().map(u64::from)
    }
    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        dst.fill_with(|| self.0.next().unwrap());
        Ok(())
    }
}

impl TryCryptoRng for Replay {}

/// Per secret byte the highest coefficient first, as sharks and blahaj draw them.
fn replay(coefficients: &[Vec<u8>]) -> Replay {
    let drawn: Vec<u8> =
        (0..32).flat_map(|byte| coefficients.iter().rev().map(move |c| c[byte])).collect();
    Replay(drawn.into_iter())
}

struct Set {
    identity: [u8; 32],
    sealed: Vec<u8>,
    manifest: Manifest,
    code: Code,
    shares: Vec<Share>,
}

fn deal(set: &Value) -> Set {
    let identity = array(&set["identity"]);
    let sealed = hex(&set["sealed"]);
    let m = &set["manifest"];
    let number = |field: &str| m[field].as_u64().unwrap();
    let count = |field: &str| u8::try_from(number(field)).unwrap();
    let small = |field: &str| u16::try_from(number(field)).unwrap();
    let threshold = Threshold::new(count("k"), count("n")).unwrap();
    let coefficients: Vec<Vec<u8>> =
        set["coefficients"].as_array().unwrap().iter().map(hex).collect();
    let shares = sharing::split(&identity, threshold, &mut replay(&coefficients));
    let text = |field: &str| m[field].as_str().unwrap().to_owned();
    let terms = Terms {
        threshold,
        generation: u32::try_from(number("generation")).unwrap(),
        created: number("created"),
        expires: Some(number("expires")).filter(|&at| at != 0),
        revoke_within: small("revoke_within_h"),
        max_session: small("max_session_min"),
        uses: Uses::from_bits(small("permitted_uses")).unwrap(),
        method_hash: sha256(&[&hex(&set["dealt_method"])]),
        method: text("id"),
        scope: text("scope"),
        credential_id: text("credential_id"),
    };
    let manifest = Manifest::new(terms, &sealed, &shares).unwrap();
    let code = Code::stretch(CodeKind::Set, &manifest.hash());
    Set { identity, sealed, manifest, code, shares }
}

#[test]
fn every_value_of_both_sets() {
    let vectors = vectors();
    for name in ["one_part", "two_parts"] {
        let v = &vectors[name];
        let set = deal(v);
        assert_eq!(sealing::identity_text(&set.identity).as_str(), v["identity_bech32"]);
        assert_eq!(set.manifest.to_bytes(), hex(&v["manifest"]["bytes"]));
        assert_eq!(Manifest::parse(&hex(&v["manifest"]["bytes"])).unwrap(), set.manifest);
        assert_eq!(set.code.bytes(), array(&v["set_code"]["bytes"]));
        assert_eq!(set.code.to_string(), v["set_code"]["written"]);
        assert_eq!(
            Code::parse(CodeKind::Set, v["set_code"]["written"].as_str().unwrap()),
            Ok(set.code)
        );

        let m = Payload::Manifest(Box::new(set.manifest.clone()));
        assert_eq!(m.text().as_str(), v["M"]["text"]);
        assert_eq!(
            lines::encode(Kind::Manifest, 0, &m.to_bytes()).as_str(),
            texts(&v["M"]["lines"])
        );

        let sealed_texts = v["S"].as_array().unwrap();
        assert_eq!(parts(&set.sealed).len(), sealed_texts.len());
        for ((index, part), expected) in (0..).zip(parts(&set.sealed)).zip(sealed_texts) {
            assert!(set.manifest.has_part(index, part));
            let s =
                Payload::Sealed(SealedPart { set: set.code.bytes(), index, bytes: part.to_vec() });
            assert_eq!(s.text().as_str(), expected["text"]);
            let typed = lines::encode(Kind::Sealed, index, &s.to_bytes());
            assert_eq!(typed.as_str(), texts(&expected["lines"]));
        }

        for expected in v["sheets"].as_array().unwrap() {
            let id = SheetId::parse(expected["sheet"].as_str().unwrap()).unwrap();
            let share = set.shares[usize::from(id.x()) - 1].clone();
            assert_eq!(share.y(), &array(&expected["y"]));
            assert!(set.manifest.commits_to(&share));
            let token = Zeroizing::new(array(&expected["token"]));
            let sheet = SheetShare { set: set.code.bytes(), copy: id.copy(), share, token };
            assert_eq!(sheet.sheet_hash(), array(&expected["sheet_hash"]));
            let k = Payload::Share(sheet);
            assert_eq!(k.text().as_str(), expected["text"]);
            assert_eq!(payload::join(&[&k, &m]).as_str(), expected["key_code"]);
            let typed = lines::encode(Kind::Share, 0, &k.to_bytes());
            assert_eq!(typed.as_str(), texts(&expected["lines"]));
        }

        let k = usize::from(set.manifest.threshold.k());
        let chosen = set.shares.iter().rev().take(k).cloned().collect();
        let quorum = Quorum::new(set.manifest.threshold, chosen).unwrap();
        assert_eq!(*quorum.recover(), set.identity);
        let credential = sealing::open(&set.sealed, &quorum.recover()).unwrap();
        assert_eq!(credential.expose(), hex(&v["secret"]));
    }
}

#[test]
fn the_locked_sheet() {
    let v = &vectors()["locked"];
    let set = deal(&vectors()["one_part"]);
    let sheet = SheetId::parse(v["sheet"].as_str().unwrap()).unwrap();
    let locked = LockedShare { set: set.code.bytes(), sheet, locked: hex(&v["age_file"]) };
    let p = Payload::Locked(locked);
    assert_eq!(p.text().as_str(), v["text"]);
    assert_eq!(lines::encode(Kind::Locked, 0, &p.to_bytes()).as_str(), texts(&v["lines"]));
    assert!(matches!(
        &payload::parse(v["text"].as_str().unwrap()).unwrap()[..],
        [Payload::Locked(_)]
    ));
}

#[test]
fn the_codes_over_a_line() {
    let vectors = vectors();
    let v = &vectors["line_codes"];
    let sheet = &vectors["one_part"]["sheets"][0];
    let Payload::Share(sheet) = &payload::parse(sheet["text"].as_str().unwrap()).unwrap()[0] else {
        panic!("not a share")
    };
    let tag = sheet.presence_tag(v["core"].as_str().unwrap().as_bytes());
    assert_eq!(tag, array(&v["presence_1a"]));
    let hash = sha256(&[v["line"].as_str().unwrap().as_bytes()]);
    assert_eq!(Code::stretch(CodeKind::Record, &hash).to_string(), v["check_code"]);
}

#[test]
fn drawn_randomness_is_not_the_replayed_one() {
    let a: [u8; 32] = rng::bytes(&mut rng::os());
    assert_ne!(a, rng::bytes(&mut rng::os()));
}
