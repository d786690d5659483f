//! Words for sheets that do not open anything: what is missing, what does not fit, who can still be called.

use std::fmt::Write as _;

use super::gather::Gathering;
use super::words::{verdict_in_words, with_holder};
use crate::exit::Exit;
use crate::method::{Contacts, Custodian, Method};
use crate::opening::{Case, SheetVerdict, Verdict};
use crate::state::{Fate, Set};
use crate::ui::Failure;

/// Says why the sheets at hand do not open anything, and who can still be called.
pub(super) fn too_few(gathering: &mut Gathering<'_>, case: Option<&Case>) -> Failure {
    let Some(case) = case else {
        let unclaimed = gathering.pile.manifests().next().map(|(_, origin)| origin.clone());
        let shares = gathering.pile.sets().count();
        return match (shares, unclaimed) {
            (0, _) if gathering.pile.is_empty() => {
                let what = "nothing that was read is a sheet of a set";
                Failure::invalid(what).hint("see what is on a page with `breakglass inspect FILE`")
            }
            (0, _) => Failure::new(Exit::NoQuorum, "no share was read: only parts that every sheet has")
                .hint("scan leaf 1 of each sheet, or type the lines K1 to K4 of leaf 2"),
            (_, Some(origin)) => Failure::new(
                Exit::NoQuorum,
                format!("the manifest ({origin}) is not that of these sheets: it is at fault, not the sheets"),
            )
            .hint("type the M lines of another sheet, or scan leaf 1 of one"),
            (_, None) => Failure::new(Exit::NoQuorum, "the manifest is missing: no sheet can be checked without it")
                .hint("type the M lines of one sheet, or scan leaf 1 of one"),
        };
    };
    let method = gathering.dealt_method(case);
    let method = method.as_ref();
    let (k, good) = (case.manifest.threshold.k(), case.good());
    let mut message = format!("quorum not reached: {} of {k} shares", good.len());
    let mut line = |label: &str, sheets: Vec<String>| {
        if !sheets.is_empty() {
            // writing to a String cannot fail
            let _ = write!(message, "\n  {label:<8}{}", sheets.join("; "));
        }
    };
    line("good", good.iter().map(|s| with_holder(method, s.id())).collect());
    let bad = case.sheets.iter().filter(|s| !s.verdict.counts());
    let bad = bad.map(|s| {
        format!("a sheet that says {} ({}): {}", s.sheet, s.origin, verdict_in_words(s.verdict))
    });
    line("not", bad.collect());
    let exit = Exit::NoQuorum;
    if case.missing() == 0 {
        let message = "the shares are in, but the sealed credential is not whole".to_owned();
        return Failure::new(exit, message)
            .hint("scan the leaves with the codes marked `sealed` of any one sheet");
    }
    let counted = |x: u8| good.iter().any(|s| s.share.x() == x);
    let wanted = |s: &&SheetVerdict| s.verdict == Verdict::Locked && !counted(s.sheet.x());
    let locked = case.sheets.iter().filter(wanted);
    let locked: Vec<String> = locked.map(|s| with_holder(method, s.sheet)).collect();
    // where even all of them are not enough, other sheets are the way on
    if !locked.is_empty() && locked.len() >= case.missing() {
        let few = if locked.len() > case.missing() {
            format!("{} of ", case.missing())
        } else {
            String::new()
        };
        let locked = locked.join("; ");
        return Failure::new(exit, message).hint(format!(
            "unlock {few}{locked}: a key with `--identity FILE`, a passphrase when asked for on a terminal"
        ));
    }
    let contacts = gathering.contacts();
    let failure = Failure::new(exit, message);
    let set = gathering.state.set(&case.code.to_string());
    let names = method.map(|m| still_to_call(m, case, &contacts, set)).unwrap_or_default();
    if !names.is_empty() {
        return failure.hint(format!("still to call:{names}"));
    }
    let (missing, n) = (case.missing(), case.manifest.threshold.n());
    failure.hint(format!("bring {missing} more of the {n} sheets, with other numbers"))
}

fn still_to_call(method: &Method, case: &Case, contacts: &Contacts, set: Option<&Set>) -> String {
    let have: Vec<u8> = case.good().iter().map(|s| s.share.x()).collect();
    let fate = |c: &Custodian| set.and_then(|s| s.sheets.get(&c.sheet)).map(|s| s.fate);
    let gone = |c: &Custodian| matches!(fate(c), Some(Fate::Lost(..) | Fate::Destroyed(_)));
    let missing = method.custodians.iter().filter(|c| !have.contains(&c.sheet.x()) && !gone(c));
    let lines = missing.map(|c| {
        let mut where_to = vec![c.site.clone(), contacts.reach(&c.name, &c.id)];
        if matches!(fate(c), Some(Fate::Tampered(..))) {
            where_to.push("bag or seal in doubt".to_owned());
        }
        where_to.retain(|words| !words.is_empty());
        format!("\n  {} {} ({})", c.sheet, c.name, where_to.join(", "))
    });
    lines.collect()
}
