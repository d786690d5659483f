#![allow(clippy::unwrap_used)]
use zeroize::Zeroizing;

use super::*;
use crate::codes::Payload;
use crate::codes::payload::SealedPart;
use crate::rng;
use crate::set::Uses;
use crate::set::manifest::Terms;
use crate::set::parts;
use crate::sharing::{self, Threshold};

struct Dealt {
    manifest: Manifest,
    code: Code,
    sealed: Vec<u8>,
    sheets: Vec<SheetShare>,
}

fn deal(k: u8, n: u8, spoilt: Option<usize>) -> Dealt {
    deal_bent(k, n, spoilt.map(|i| (i, 5, 1)))
}

/// Deals `k` of `n`; one share is bent off the polynomial before it is committed to: index, byte, bits.
fn deal_bent(k: u8, n: u8, bent: Option<(usize, usize, u8)>) -> Dealt {
    let identity = sealing::new_identity(&mut rng::os());
    let sealed = sealing::seal(&Secret::new(b"secret".to_vec()), &identity).unwrap();
    let threshold = Threshold::new(k, n).unwrap();
    let mut shares = sharing::split(&identity, threshold, &mut rng::os());
    if let Some((i, byte, bits)) = bent {
        let mut y = Zeroizing::new(*shares[i].y());
        y[byte] ^= bits;
        shares[i] = Share::new(shares[i].x(), y).unwrap();
    }
    let terms = Terms {
        threshold,
        generation: 1,
        created: 0,
        expires: None,
        revoke_within: 1,
        max_session: 1,
        uses: Uses::default(),
        method_hash: [0; 32],
        method: "m".into(),
        scope: String::new(),
        credential_id: String::new(),
    };
    let manifest = Manifest::new(terms, &sealed, &shares).unwrap();
    let code = Code::stretch(CodeKind::Set, &manifest.hash());
    let sheet = |share| SheetShare {
        set: code.bytes(),
        copy: 1,
        share,
        token: Zeroizing::new(rng::bytes(&mut rng::os())),
    };
    let sheets = shares.into_iter().map(sheet).collect();
    Dealt { manifest, code, sealed, sheets }
}

fn origin(file: &str) -> Origin {
    Origin { file: file.into(), place: None }
}

impl Dealt {
    fn pile(&self, numbers: &[usize]) -> Pile {
        let mut pile = Pile::default();
        for &i in numbers {
            pile.add(Payload::Share(self.sheets[i].clone()), origin(&format!("{}.pdf", i + 1)));
        }
        pile.add(Payload::Manifest(Box::new(self.manifest.clone())), origin("m"));
        for (index, part) in (0..).zip(parts(&self.sealed)) {
            let part = SealedPart { set: self.code.bytes(), index, bytes: part.to_vec() };
            pile.add(Payload::Sealed(part), origin("s"));
        }
        pile
    }
}

fn case(pile: &Pile, known: &[KnownSet]) -> Case {
    let groups = groups(pile, known, &mut Codes::default());
    examine(pile, &groups[0], known)
}

#[test]
fn k_sheets_open_and_fewer_do_not() {
    let dealt = deal(3, 5, None);
    let opened = case(&dealt.pile(&[4, 0, 2]), &[]).open().unwrap();
    assert_eq!(opened.credential.expose(), b"secret");
    assert!(opened.dealt_wrong.is_empty());
    let few = case(&dealt.pile(&[4, 0]), &[]);
    assert_eq!(few.missing(), 1);
    assert!(matches!(few.open(), Err(OpenError::TooFew { k: 3, got: 2 })));
}

#[test]
fn a_forged_share_is_named_with_exactly_k_and_with_more() {
    let mut dealt = deal(3, 5, None);
    dealt.sheets[1].share = Share::new(2, Zeroizing::new([9; 32])).unwrap();
    let exactly = case(&dealt.pile(&[0, 1, 2]), &[]);
    assert_eq!(exactly.missing(), 1);
    assert_eq!(exactly.sheets[1].verdict, Verdict::Forged);
    assert_eq!(exactly.sheets[1].origin.file, "2.pdf");
    let more = case(&dealt.pile(&[0, 1, 2, 3]), &[]);
    assert_eq!(more.open().unwrap().credential.expose(), b"secret");
}

#[test]
fn a_share_off_the_polynomial_is_found_and_another_subset_opens() {
    let dealt = deal(2, 4, Some(0));
    assert!(matches!(case(&dealt.pile(&[0, 1]), &[]).open(), Err(OpenError::DealtWrong { k: 2 })));
    let opened = case(&dealt.pile(&[0, 1, 2]), &[]).open().unwrap();
    assert_eq!((opened.credential.expose(), &opened.dealt_wrong[..]), (&b"secret"[..], &[1][..]));
}

/// The five bits that X25519 ignores: share 1 opens the set although it is wrong, and must not accuse the others.
#[test]
fn a_share_off_in_ignored_bits_is_the_one_that_is_named() {
    let dealt = deal_bent(2, 5, Some((0, 0, 0b111)));
    let opened = case(&dealt.pile(&[0, 1, 2, 3]), &[]).open().unwrap();
    assert_eq!((opened.credential.expose(), &opened.dealt_wrong[..]), (&b"secret"[..], &[1][..]));
}

#[test]
fn copies_count_once_and_other_sets_do_not_count() {
    let (dealt, other) = (deal(2, 3, None), deal(2, 3, None));
    let mut pile = dealt.pile(&[0, 1]);
    let copy = SheetShare { copy: 2, ..dealt.sheets[0].clone() };
    pile.add(Payload::Share(copy), origin("copy"));
    pile.add(Payload::Share(other.sheets[2].clone()), origin("other"));
    let case = case(&pile, &[]);
    let verdicts: Vec<Verdict> = case.sheets.iter().map(|s| s.verdict).collect();
    let expected = [Verdict::Good, Verdict::Good, Verdict::SameNumber, Verdict::NoManifest];
    assert_eq!(verdicts, expected);
}

#[test]
fn a_forged_part_is_dropped_and_the_kit_fills_in() {
    let dealt = deal(2, 3, None);
    let mut pile = dealt.pile(&[0, 1]);
    let wrong =
        SealedPart { set: dealt.code.bytes(), index: 0, bytes: vec![1; dealt.sealed.len()] };
    pile.add(Payload::Sealed(wrong), origin("forged"));
    let mixed = case(&pile, &[]);
    assert_eq!(mixed.bad_parts.len(), 1);
    assert!(mixed.open().is_ok());

    let mut shares_only = Pile::default();
    for sheet in &dealt.sheets[..2] {
        shares_only.add(Payload::Share(sheet.clone()), origin("k"));
    }
    let issued = Some(dealt.sheets[..1].iter().map(SheetShare::sheet_hash).collect());
    let (code, manifest) = (dealt.code, dealt.manifest.clone());
    let known = [KnownSet { code, manifest, sealed: Some(dealt.sealed.clone()), issued }];
    let opened = case(&shares_only, &known);
    assert!(opened.open().is_ok());
    assert_eq!(opened.sheets[1].verdict, Verdict::NotIssued { counts: true });
}

#[test]
fn subsets_are_walked_once_each() {
    let mut subset = vec![0, 1, 2];
    let mut seen = vec![subset.clone()];
    while next_subset(&mut subset, 6) {
        seen.push(subset.clone());
    }
    assert_eq!(seen.len(), 20);
    seen.dedup();
    assert_eq!(seen.len(), 20);
}

/// A clone of a sheet with another token is never hidden behind the true one, whichever was read first.
#[test]
fn a_cloned_sheet_is_named_and_the_issued_one_counts() {
    let dealt = deal(2, 3, None);
    let token = Zeroizing::new([9; 12]);
    let clone = SheetShare { token, ..dealt.sheets[0].clone() };
    let issued = Some(dealt.sheets.iter().map(SheetShare::sheet_hash).collect());
    let (code, manifest) = (dealt.code, dealt.manifest.clone());
    let known = [KnownSet { code, manifest, sealed: Some(dealt.sealed.clone()), issued }];
    for order in [[&clone, &dealt.sheets[0]], [&dealt.sheets[0], &clone]] {
        let mut pile = Pile::default();
        for sheet in order {
            pile.add(Payload::Share(sheet.clone()), origin("1.pdf"));
        }
        pile.add(Payload::Share(dealt.sheets[1].clone()), origin("2.pdf"));
        let both = case(&pile, &known);
        let hidden =
            both.sheets.iter().filter(|s| s.verdict == Verdict::NotIssued { counts: false });
        assert_eq!(hidden.count(), 1);
        assert!(both.good().iter().all(|s| s.sheet_hash() != clone.sheet_hash()));
        assert!(both.open().is_ok());
    }
}
