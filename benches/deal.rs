//! CPU time to deal and render all five sheets of a 300-byte credential, 3-of-5, one copy: seal, share, commit, lay
//! out, write PDF. Without reading back and without the stretched code, which `split` does once each.
//!
//! `cargo bench --bench deal`; the peer paperback needs 0.19 s for the same (six PDFs).
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::time::{Duration, Instant};

use breakglass::codes::grid::PaperSize;
use breakglass::dealing;
use breakglass::method::Method;
use breakglass::paper::{self, Templates};
use breakglass::secret::Secret;
use breakglass::set::manifest::Terms;
use breakglass::set::{Manifest, SheetId, sha256};
use breakglass::{rng, sealing, sharing};

const RUNS: usize = 30;

fn main() {
    let text = include_str!("../custodian-kit/method.toml");
    let method = Method::parse(text).unwrap();
    let terms = Terms {
        threshold: method.threshold,
        generation: 1,
        created: 1_795_521_600,
        expires: None,
        revoke_within: method.revoke_within,
        max_session: method.max_session,
        uses: method.uses,
        method_hash: sha256(&[text.as_bytes()]),
        method: method.id.clone(),
        scope: method.scope.clone(),
        credential_id: "AKIAIOSFODNN7EXAMPLE".into(),
    };
    let sheets: Vec<SheetId> = method.custodians.iter().map(|c| c.sheet).collect();
    let credential = Secret::new(rng::bytes::<300>(&mut rng::os()).to_vec());
    let dealt = dealing::deal(&credential, terms.clone(), &sheets, &mut rng::os()).unwrap();
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            let identity = sealing::new_identity(&mut rng::os());
            let sealed = sealing::seal(&credential, &identity).unwrap();
            let shares = sharing::split(&identity, terms.threshold, &mut rng::os());
            Manifest::new(terms.clone(), &sealed, &shares).unwrap();
            let templates = Templates::built_in().unwrap();
            let mut largest = 0;
            for sheet in &dealt.sheets {
                let text = dealt.sheet_text(sheet, &method);
                let pdf = paper::render(&text, PaperSize::A4, &templates).unwrap();
                largest = largest.max(pdf.len());
            }
            assert!(largest < 30 * 1024, "a sheet has {largest} bytes");
            start.elapsed()
        })
        .collect();
    times.sort();
    println!(
        "deal and render five sheets: min {:?}, median {:?} (one thread)",
        times[0],
        times[RUNS / 2]
    );
}
