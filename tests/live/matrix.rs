//! Rotations that are killed at every step, against real servers. The common run dies where it matters most;
//! `BREAKGLASS_EVERY=1` dies at every step and prints the matrix, as `.ci/run --full` does.
#![allow(clippy::print_stdout)]

use std::fmt::Write as _;
use std::os::unix::process::ExitStatusExt;
use std::process::Output;

use breakglass::state::Stage;

use crate::cycle::Cycle;
use crate::hands::{self, Papers};

/// Places that lie inside of a step.
const NO_STEPS: [&str; 3] =
    ["before a record", "before the driver", "before a line of the journal"];

/// An account on a server, and a kit whose credential is released.
pub(crate) trait Account {
    fn cycle(&self) -> &Cycle;
    /// Asks the server itself, with a credential as paper gives it.
    fn lets_in(&self, credential: &str) -> bool;
    /// How many credentials the server knows for it.
    fn live(&self) -> usize;
    /// Credentials that a run has made and nobody has on paper.
    fn orphans(&self) -> Vec<String>;
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// After every death: what is on confirmed paper works; the next runs finish; one credential is left.
pub(crate) fn dies_anywhere(change: &str, account: impl Fn() -> Box<dyn Account>) {
    let folder = |account: &dyn Account| account.cycle().path("");
    let first = account();
    let old = hands::state(&folder(&*first)).newest().unwrap().code.clone();
    let mut papers: Papers = vec![(old, "papers-1".into())];
    let listed = hands::rotate(&folder(&*first), &mut papers, "list", &[]);
    assert!(listed.status.success(), "{}", words(&listed));
    let every = std::env::var_os("BREAKGLASS_EVERY").is_some();
    let (mut step, mut seen) = (String::new(), Vec::new());
    let mut matrix = String::new();
    for (fault, place) in hands::places(&words(&listed)) {
        if place.starts_with("before ") && !NO_STEPS.contains(&&*place) {
            step.clone_from(&place);
            seen.clear();
        }
        let answer_is_lost = place == "the driver has ended, nobody has read its answer";
        let matters = answer_is_lost && (step == change || step == "before revoking");
        if seen.contains(&place) || !every && !matters {
            continue;
        }
        seen.push(place.clone());
        let account = account();
        let folder = folder(&*account);
        let old = hands::state(&folder).newest().unwrap().code.clone();
        let mut papers: Papers = vec![(old, "papers-1".into())];
        let died = hands::rotate(&folder, &mut papers, &fault, &[]);
        assert_eq!(died.status.signal(), Some(9), "{place}\n{}", words(&died));
        let state = hands::state(&folder);
        let safe = state
            .sets
            .iter()
            .filter(|set| state.stage(set).is_alive())
            .filter(|set| set.is_confirmed() || !set.releases.is_empty());
        let usable = safe
            .filter_map(|set| hands::open(&folder.join(hands::papers_of(&papers, &set.code)?)))
            .filter(|credential| account.lets_in(credential))
            .count();
        assert!(usable >= 1, "nothing on paper works after `{place}`:\n{}", words(&died));
        let (orphans, mut runs) = (account.orphans(), 0);
        let consent: Vec<&str> = orphans.iter().flat_map(|id| ["--orphan", id.as_str()]).collect();
        while hands::state(&folder).sets.first().unwrap().revoked.is_none() {
            runs += 1;
            let again = hands::rotate(&folder, &mut papers, "", &consent);
            assert!(runs < 4 && again.status.success(), "after `{place}`:\n{}", words(&again));
        }
        let state = hands::state(&folder);
        let current = state.sets.iter().find(|set| state.stage(set) == Stage::Current).unwrap();
        let paper = folder.join(hands::papers_of(&papers, &current.code).unwrap());
        assert!(account.lets_in(&hands::open(&paper).unwrap()), "after `{place}`");
        assert_eq!(account.live(), 1, "after `{place}`");
        writeln!(matrix, "{fault:>2} {step:<36} {place:<52} usable {usable} runs {runs}").unwrap();
    }
    assert!(!matrix.is_empty(), "never died:\n{}", words(&listed));
    println!("{matrix}");
}
