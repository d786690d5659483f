//! After dealing, printing and opening, no secret is left in the process's memory.
//!
//! The test looks at its own memory through `/proc/self/mem`, with the allocator and the stack burn of the program. The
//! secrets it looks for are kept masked; a copy that is leaked on purpose proves that it can see.
#![allow(clippy::unwrap_used, missing_docs)]
#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use breakglass::codes::grid::PaperSize;
use breakglass::codes::payload::{self, Payload, SealedPart};
use breakglass::dealing;
use breakglass::harden;
use breakglass::method::Method;
use breakglass::opening::{self, Codes, Origin, Pile};
use breakglass::paper::{self, Templates};
use breakglass::rng;
use breakglass::secret::Secret;
use breakglass::set::manifest::Terms;
use breakglass::set::{SheetId, parts, sha256};
use breakglass::sharing::Quorum;

#[global_allocator]
static ALLOCATOR: harden::Allocator = harden::ALLOCATOR;

/// Bytes of a secret that are looked for at its head, middle and tail.
const WINDOW: usize = 16;
const CHUNK: usize = 1 << 20;

/// A secret nobody can find: every byte turned over.
struct Masked(&'static str, Vec<u8>);

impl Masked {
    fn of(name: &'static str, secret: &[u8]) -> Self {
        Self(name, secret.iter().map(|b| !b).collect())
    }

    /// Masked windows.
    fn windows(&self) -> Vec<&[u8]> {
        let last = self.1.len() - WINDOW;
        [0, last / 2, last].map(|at| &self.1[at..at + WINDOW]).to_vec()
    }
}

/// Deals, prints and opens a set; gives back masked secrets.
fn work(credential: &[u8]) -> Vec<Masked> {
    let text = include_str!("../custodian-kit/method.toml");
    let method = Method::parse(text).unwrap();
    let terms = Terms {
        threshold: method.threshold,
        generation: 1,
        created: 1_795_521_600,
        expires: None,
        revoke_within: 24,
        max_session: 240,
        uses: method.uses,
        method_hash: sha256(&[text.as_bytes()]),
        method: method.id.clone(),
        scope: String::new(),
        credential_id: String::new(),
    };
    let sheets: Vec<SheetId> = method.custodians.iter().map(|c| c.sheet).collect();
    let secret = Secret::new(credential.to_vec());
    let dealt = dealing::deal(&secret, terms, &sheets, &mut rng::os()).unwrap();
    let templates = Templates::built_in().unwrap();
    let mut pile = Pile::default();
    let origin = Origin { file: "test".into(), place: None };
    for sheet in &dealt.sheets[..3] {
        let text = dealt.sheet_text(sheet, &method);
        paper::render(&text, PaperSize::A4, &templates).unwrap();
        let share = Payload::Share(sheet.clone());
        let manifest = Payload::Manifest(Box::new(dealt.manifest.clone()));
        pile.add_code(&payload::join(&[&share, &manifest]), &origin);
    }
    for (index, part) in (0..).zip(parts(&dealt.sealed)) {
        pile.add(
            Payload::Sealed(SealedPart { set: dealt.code.bytes(), index, bytes: part.to_vec() }),
            origin.clone(),
        );
    }
    let groups = opening::groups(&pile, &[], &mut Codes::default());
    let case = opening::examine(&pile, &groups[0], &[]);
    let opened = case.open().unwrap();
    assert!(opened.credential.same_as(&secret));
    let quorum = dealt.sheets[..3].iter().map(|s| s.share.clone()).collect();
    let identity = Quorum::new(dealt.manifest.threshold, quorum).unwrap().recover();
    vec![
        Masked::of("credential", credential),
        Masked::of("identity", &*identity),
        Masked::of("share", dealt.sheets[0].share.y()),
        Masked::of("share text", Payload::Share(dealt.sheets[1].clone()).text()[16..].as_bytes()),
    ]
}

/// Looks for the windows in every readable mapping of this process, its own buffer left out.
fn found(secrets: &[Masked]) -> Vec<&'static str> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut memory = File::open("/proc/self/mem").unwrap();
    let mut buffer = vec![0_u8; CHUNK + WINDOW];
    let own = buffer.as_ptr().addr()..buffer.as_ptr().addr() + buffer.len();
    let mut by_first: Vec<Vec<(&'static str, &[u8])>> = vec![Vec::new(); 256];
    for secret in secrets {
        for window in secret.windows() {
            by_first[usize::from(!window[0])].push((secret.0, window));
        }
    }
    let mut hits = Vec::new();
    for line in maps.lines() {
        let mut fields = line.split_whitespace();
        let (range, rights) = (fields.next().unwrap(), fields.next().unwrap());
        let path = line.split_whitespace().nth(5).unwrap_or_default();
        if !rights.starts_with("rw") || path == "[vvar]" {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let mut at = usize::from_str_radix(start, 16).unwrap();
        let end = usize::from_str_radix(end, 16).unwrap();
        while at < end {
            let length = (end - at).min(buffer.len());
            memory.seek(SeekFrom::Start(at as u64)).unwrap();
            if memory.read_exact(&mut buffer[..length]).is_err() {
                break;
            }
            for i in 0..=length - WINDOW {
                // one look at the first byte spares nearly all of the rest
                for (name, window) in &by_first[usize::from(buffer[i])] {
                    let same = buffer[i..i + WINDOW].iter().zip(*window).all(|(a, b)| *a == !b);
                    if same && !own.contains(&(at + i)) && !hits.contains(name) {
                        hits.push(name);
                    }
                }
            }
            at += length.min(CHUNK);
        }
    }
    buffer.fill(0);
    hits
}

#[test]
fn no_secret_outlives_its_work() {
    let mut secrets = Vec::new();
    harden::with_burnt_stack(|| {
        let credential = zeroize::Zeroizing::new(rng::bytes::<48>(&mut rng::os()).map(|b| b | 1));
        secrets = work(&*credential);
    });
    let none: Vec<&str> = Vec::new();
    assert_eq!(found(&secrets), none);

    let leaked: Vec<u8> = secrets[0].1.iter().map(|b| !b).collect();
    assert_eq!(found(&secrets), ["credential"]);
    drop(leaked);
    assert_eq!(found(&secrets), none);
}
