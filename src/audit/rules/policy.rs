//! POL: is the method what it should be?

use std::collections::{BTreeMap, BTreeSet};

use super::{Rule, View};
use crate::audit::case::Book;
use crate::audit::facts::What;
use crate::audit::finding::{Finding, Severity};
use crate::logbook::Event;
use crate::method::Method;
use crate::method::lint::{needs_what_is_down, wide_scope};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "BG-POL-001",
        severity: Severity::High,
        title: "no owner",
        why: "somebody has to answer for it",
        needs: "the method file",
        clauses: &["ISO/IEC 27001:2022 A.5.9"],
        remedy: "name the team and how to reach it without the systems that may be down",
        check: owner,
    },
    Rule {
        id: "BG-POL-002",
        severity: Severity::Medium,
        title: "more methods than a team may have",
        why: "each is one more way in to look after",
        needs: "every kit of the team; `[audit] methods_per_team`",
        clauses: &["NIST SP 800-53 AC-6"],
        remedy: "give up methods that another one covers",
        check: many,
    },
    Rule {
        id: "BG-POL-003",
        severity: Severity::High,
        title: "an exemption is overdue, or a clean-up has touched the credential",
        why: "what switches off unused credentials switches this one off first",
        needs: "`[[audit.exemptions]]` in the method file; a log of changes",
        clauses: &["NIST SP 800-53 AC-2(3)"],
        remedy: "have the exemption reviewed; see that the clean-up knows it",
        check: exemption,
    },
    Rule {
        id: "BG-POL-004",
        severity: Severity::Medium,
        title: "a weak threshold",
        why: "k = n means that one missing person is enough to be locked out",
        needs: "the method file",
        clauses: &["NIST SP 800-57 Part 2"],
        remedy: "deal k of n with n ≥ k + 1, and k ≥ 2",
        check: threshold,
    },
    Rule {
        id: "BG-POL-005",
        severity: Severity::High,
        title: "it reaches more than a system",
        why: "what reaches everything is worth everything",
        needs: "the method file",
        clauses: &["NIST SP 800-53 AC-6"],
        remedy: "make one method per account or system",
        check: scope,
    },
    Rule {
        id: "BG-POL-006",
        severity: Severity::Low,
        title: "no permitted use of its own, or only drills",
        why: "a list that nobody has thought about permits nothing and everything",
        needs: "the method file",
        clauses: &["ISO/IEC 27001:2022 A.8.2"],
        remedy: "agree with the owner on what it is for",
        check: uses,
    },
    Rule {
        id: "BG-POL-007",
        severity: Severity::Medium,
        title: "it needs what may be down",
        why: "it is there for when the network and the identity provider are not",
        needs: "the method file",
        clauses: &["NIST SP 800-53 CP-8"],
        remedy: "find a way in without it, or a second method",
        check: dependency,
    },
    Rule {
        id: "BG-POL-008",
        severity: Severity::Medium,
        title: "the method file changed without a record",
        why: "threshold, holders and driver decide who gets in",
        needs: "the kit with its dealt copies",
        clauses: &["PCI DSS 3.7.7"],
        remedy: "have the change approved: `breakglass log add METHOD --approver WHO`",
        check: changed,
    },
];

fn each<'a>(view: &'a View<'_>) -> impl Iterator<Item = (&'a Book, Option<&'a Method>)> {
    view.case.books.iter().map(|book| {
        let newest = book.state.newest().and_then(|set| book.method_of(set));
        (book, newest.or(book.today.as_ref().map(|(method, _)| method)))
    })
}

/// Says something of every method that is at hand.
fn of_methods(
    rule: &'static Rule,
    view: &View<'_>,
    out: &mut Vec<Finding>,
    look: impl Fn(&Method) -> Result<String, String>,
) {
    for (book, method) in each(view) {
        let finding = match method.map(&look) {
            None => rule.cannot_tell("no method file is here"),
            Some(Ok(fine)) => rule.pass(fine),
            Some(Err(what)) => rule.fail(what),
        };
        out.push(finding.of_method(&book.state.method));
    }
}

fn owner(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    let leavers = &view.case.leavers;
    of_methods(rule, view, out, |method| {
        let left = leavers.iter().find(|l| l.person.is(&method.owner_team, &method.owner_team));
        if method.owner_team.trim().is_empty() || method.owner_contact.trim().is_empty() {
            return Err("owner_team or owner_contact is empty".to_owned());
        }
        match left {
            Some(leaver) => Err(format!("its owner {} left {}", leaver.person, leaver.left)),
            None => Ok(format!("owned by {}", method.owner_team)),
        }
    });
}

fn many(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    let mut teams: BTreeMap<String, (BTreeSet<&str>, u16)> = BTreeMap::new();
    for (book, method) in each(view) {
        let Some(method) = method else { continue };
        let most = method.audit.methods_per_team.unwrap_or(1);
        let team = teams.entry(method.owner_team.to_lowercase()).or_insert((BTreeSet::new(), most));
        team.0.insert(&book.state.method);
        team.1 = team.1.max(most);
    }
    for (team, (methods, most)) in teams {
        let list: Vec<&str> = methods.iter().copied().collect();
        let what = format!("{team} has {}: {}", list.len(), list.join(", "));
        let over = list.len() > usize::from(most);
        let finding =
            if over { rule.fail(format!("{what}; {most} are allowed")) } else { rule.pass(what) };
        out.push(finding.key(team));
    }
}

fn exemption(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for (book, method) in each(view) {
        let Some(method) = method else {
            out.push(rule.cannot_tell("no method file is here").of_method(&book.state.method));
            continue;
        };
        let overdue = method.audit.exemptions.iter().find(|e| e.review_by < view.case.as_of);
        let robots =
            ["config", "lambda", "automation", "remediation", "cleanup", "clean-up", "scp"];
        let touched =
            view.looks.iter().filter(|look| std::ptr::eq(look.book, book)).find_map(|look| {
                look.facts.iter().find(|fact| {
                    let by = fact.actor.to_lowercase();
                    fact.what.is_dead()
                        && fact.what != What::SeenAbsent
                        && robots.iter().any(|robot| by.contains(robot))
                })
            });
        let finding = match (touched, overdue) {
            (Some(fact), _) => rule
                .fail(format!("{} has ended the credential {}", fact.actor, fact.when))
                .places([fact.place])
                .key(format!("{} {}", fact.actor, fact.when)),
            (None, Some(e)) => rule.fail(format!("the exemption from `{}` was to be reviewed by {}", e.rule, e.review_by.date())).key(&e.rule),
            (None, None) if method.audit.exemptions.is_empty() => {
                rule.cannot_tell("the method names no exemption, so nobody can tell whether a clean-up would touch it")
            }
            (None, None) => rule.pass("exemptions are reviewed"),
        };
        out.push(finding.of_method(&book.state.method));
    }
}

fn threshold(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    of_methods(rule, view, out, |method| {
        let (k, n) = (method.threshold.k(), method.threshold.n());
        if k >= n {
            Err(format!("{k} of {n}: every share is needed"))
        } else {
            Ok(format!("{k} of {n}"))
        }
    });
}

fn scope(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    of_methods(rule, view, out, |method| match wide_scope(method) {
        Some(word) => Err(format!("its scope is `{}` ({word})", method.scope)),
        None => Ok(format!("its scope is `{}`", method.scope)),
    });
}

fn uses(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    of_methods(rule, view, out, |method| {
        let codes = method.uses.codes();
        let real =
            codes.iter().filter(|code| !matches!(code.as_str(), "DRILL" | "ROTATION")).count();
        if real == 0 {
            Err("it is for nothing but drills".to_owned())
        } else {
            Ok(codes.join(", "))
        }
    });
}

fn dependency(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    of_methods(rule, view, out, |method| match needs_what_is_down(method) {
        Some(word) => Err(format!("it needs `{word}`")),
        None => Ok("it names nothing that may be down".to_owned()),
    });
}

fn changed(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for book in &view.case.books {
        let sets: Vec<_> =
            book.state.sets.iter().filter(|s| book.dealt.contains_key(&s.code)).collect();
        if sets.is_empty() {
            out.push(
                rule.cannot_tell("the dealt copies are not here").of_method(&book.state.method),
            );
            continue;
        }
        let mut fine = true;
        for pair in sets.windows(2) {
            let (a, b) = (&book.dealt[&pair[0].code], &book.dealt[&pair[1].code]);
            let same = (a.threshold.k(), a.threshold.n(), &a.rotation)
                == (b.threshold.k(), b.threshold.n(), &b.rotation);
            let approved = book.entries.iter().any(|e| {
                e.is(Event::MethodChange) && e.seq > pair[0].issue.0 && e.seq < pair[1].issue.0
            });
            if !same && !approved {
                fine = false;
                let what = format!(
                    "k, n or [rotation] changed with generation {}, and no METHOD says who agreed",
                    pair[1].generation
                );
                out.push(rule.fail(what).of_method(&book.state.method).key(pair[1].generation));
            }
        }
        if fine {
            out.push(
                rule.pass("what was dealt is what was approved").of_method(&book.state.method),
            );
        }
    }
}
