//! From where, by whom and what else: uses that a person should look at.

use std::collections::BTreeSet;

use super::windows::{Window, allowed, is_from, windows, within};
use super::{silence, told, used};
use crate::audit::case::{Look, Sees};
use crate::audit::facts::{Fact, Truth, What};
use crate::audit::finding::Finding;
use crate::audit::rules::{Rule, View};
use crate::clock::Instant;

pub(super) fn places(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in view.looks {
        let allowed = look.book.method_of(look.set).map(|method| method.audit.addresses.clone());
        let allowed = allowed.unwrap_or_default();
        for release in &look.set.releases {
            let window = Window {
                from: release.at.shifted(-view.case.skew),
                to: release.ended.map(|(_, at)| at.shifted(view.case.skew)),
                release: Some(release.record),
            };
            let inside: Vec<&Fact> = used(look)
                .filter(|f| look.owns(f, view.case.skew))
                .filter(|f| within(f, &window) == Truth::Yes && !f.address.is_empty())
                .collect();
            if inside.is_empty() {
                continue;
            }
            let strange = |fact: &&&Fact| {
                !allowed.is_empty() && !allowed.iter().any(|a| is_from(&fact.address, a))
            };
            let foreign: Vec<&&Fact> = inside.iter().filter(strange).collect();
            let addresses: BTreeSet<&str> = foreign.iter().map(|fact| &*fact.address).collect();
            let addresses: Vec<&str> = addresses.into_iter().collect();
            // two places at once: runs that overlap; they are in the order of time
            let both = inside.iter().enumerate().find_map(|(i, a)| {
                let end = a.stretch().to;
                let at_once = inside[i + 1..].iter().take_while(|b| b.when.from <= end);
                at_once.clone().find(|b| b.address != a.address).map(|b| (*a, *b))
            });
            let finding = match (foreign.first(), both) {
                (Some(_), _) => rule
                    .fail(format!(
                        "used from {}, which the method does not allow",
                        addresses.join(", ")
                    ))
                    .places(foreign.iter().take(10).map(|fact| fact.place))
                    .key(addresses.join(" ")),
                (None, Some((a, b))) => rule
                    .fail(format!("used from {} and {} at the same time", a.address, b.address))
                    .places([a.place, b.place])
                    .key(format!("{} {}", a.address, b.address)),
                (None, None) => {
                    rule.pass(format!("release {}: used from one place at a time", release.record))
                }
            };
            let finding = finding.about(look).release(release.record).records([release.record]);
            out.push(finding.person(&release.operator));
        }
    }
}

pub(super) fn refused(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in view.looks {
        let windows = windows(look, view.case.skew);
        let mut fine = true;
        let tries = look.facts.iter().filter(|fact| fact.what == What::UseFailed);
        let tries = tries.filter(|fact| look.owns(fact, view.case.skew));
        let outside: Vec<&&Fact> = tries
            .filter(|fact| windows.iter().all(|w| allowed(look, fact, w) == Truth::No))
            .collect();
        if let Some(first) = outside.first() {
            fine = false;
            let what = format!(
                "{} refused logins with {} outside of a release, the first {}",
                outside.len(),
                look.id,
                told(first)
            );
            let places: Vec<_> = outside.iter().take(10).map(|fact| fact.place).collect();
            let finding = rule.fail(what).about(look).observed(first.when).places(places);
            // more of them are another finding
            out.push(finding.key(format!("{} {}", outside.len(), first.when)));
        }
        if fine && look.book.platform(look.set) == "aws" {
            let what = "CloudTrail does not show calls that are refused because of their key";
            out.push(rule.cannot_tell(what).about(look));
        } else if fine && !look.id.is_empty() {
            out.push(silence(rule, view, look, (look.set.issue.1, view.case.as_of)));
        }
    }
}

pub(super) fn root(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    let root = |fact: &&Fact| {
        fact.what.is_use()
            && (&*fact.actor == "<root_account>" || &*fact.subject == "<root_account>")
    };
    let mut seen = BTreeSet::new();
    for fact in view.case.facts.iter().filter(root) {
        if seen.insert((fact.place, fact.when.from)) {
            let what = format!("the root login was used: {}", told(fact));
            out.push(
                rule.fail(what).observed(fact.stretch()).places([fact.place]).key(fact.stretch()),
            );
        }
    }
    if seen.is_empty() && view.case.evidence.iter().any(|file| file.platform == "aws") {
        out.push(rule.pass("no use of a root login is in the evidence"));
    }
}

pub(super) fn made_others(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in view.looks {
        let ids: Vec<&str> =
            look.book.state.sets.iter().map(|set| set.credential.as_str()).collect();
        let by_it = |fact: &&Fact| {
            let own = !look.shared && !look.id.is_empty() && &*fact.with == look.id
                || look.shared && !look.subject.is_empty() && &*fact.actor == look.subject;
            own && look.owns(fact, view.case.skew)
                && matches!(fact.what, What::Created | What::SecretChanged | What::Reactivated)
                && !ids.contains(&&*fact.credential)
        };
        let mut fine = true;
        for fact in view.case.facts.iter().filter(by_it) {
            fine = false;
            let what = format!(
                "generation {} made {} for {} {}",
                look.set.generation, fact.credential, fact.subject, fact.when
            );
            out.push(
                rule.fail(what)
                    .about(look)
                    .observed(fact.when)
                    .places([fact.place])
                    .key(&fact.credential),
            );
        }
        let first = look.set.releases.iter().map(|release| release.at).min();
        if let Some(from) = first.filter(|_| fine) {
            let covered =
                view.case.covers(look.book, look.set, Sees::Changes, (from, end_of(look, view)));
            let what =
                format!("generation {}: no credential that it made is seen", look.set.generation);
            let finding = if covered {
                rule.pass(what)
            } else {
                rule.cannot_tell(what + ", and no log covers it")
            };
            out.push(finding.about(look));
        }
    }
}

fn end_of(look: &Look<'_>, view: &View<'_>) -> Instant {
    look.timeline.out_of_force().and_then(|end| end.when.to).unwrap_or(view.case.as_of)
}
