//! What speaks against a method, in plain sentences: a file may be valid and still lock everybody out, or let one person in.

use std::collections::{BTreeMap, BTreeSet};

use super::{Contacts, Custodian, Method};

/// Longest time between two drills that still counts as every quarter, hours.
const QUARTER: u16 = 92 * 24;
/// Longest time after which a released credential should be revoked, hours.
const THREE_DAYS: u16 = 72;

/// One thing that speaks against a method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    /// What is so.
    pub what: String,
    /// What to do.
    pub fix: &'static str,
}

/// Words of a scope that is wider than one system.
const WIDE: [&str; 8] = [
    "organisation",
    "organization",
    "root",
    "management account",
    "global admin",
    "whole",
    "everything",
    "all accounts",
];

/// Words for what is down when break-glass access is needed.
const DOWN: [&str; 11] = [
    "vpn",
    "sso",
    "single sign on",
    "okta",
    "azure ad",
    "entra",
    "entra id",
    "jump host",
    "bastion",
    "pam",
    "cyberark",
];

/// Finds one of some words in a text, as words: `pam` is not in `Pamela`.
fn word_in(text: &str, words: &[&'static str]) -> Option<&'static str> {
    let text: String =
        text.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    let text = format!(" {} ", text.split_whitespace().collect::<Vec<_>>().join(" "));
    words.iter().find(|word| text.contains(&format!(" {word} "))).copied()
}

/// Returns the word by which a scope reaches more than a system.
pub fn wide_scope(method: &Method) -> Option<&'static str> {
    word_in(&format!("{} {}", method.scope, method.name), &WIDE)
}

/// Returns what the login needs and may be down.
pub fn needs_what_is_down(method: &Method) -> Option<&'static str> {
    word_in(&format!("{} {}", method.login, method.also_needed.join(" ")), &DOWN)
}

/// Returns the town or building of a site: what stands before the comma.
pub fn town(site: &str) -> String {
    site.split(',').next().unwrap_or_default().trim().to_lowercase()
}

/// Collects what speaks against a method.
struct Objections(Vec<Objection>);

impl Objections {
    fn add(&mut self, what: impl Into<String>, fix: &'static str) {
        self.0.push(Objection { what: what.into(), fix });
    }

    /// Who can open it, and whether anybody still can when one is away.
    fn quorum(&mut self, method: &Method, contacts: &Contacts) {
        let (k, n) = (usize::from(method.threshold.k()), usize::from(method.threshold.n()));
        let mut towns: BTreeMap<String, BTreeSet<u8>> = BTreeMap::new();
        let mut copies: BTreeMap<u8, usize> = BTreeMap::new();
        for custodian in &method.custodians {
            let number = custodian.sheet.x();
            towns.entry(town(&custodian.site)).or_default().insert(number);
            *copies.entry(number).or_default() += 1;
        }
        if k == n && copies.values().any(|copies| *copies < 2) {
            self.add(
                format!("all {n} shares are needed: one lost sheet locks everybody out"),
                "deal more shares than are needed, or second copies (share = 1, copy = \"b\")",
            );
        }
        // one person holds one sheet: the file is not valid otherwise
        let people = method.custodians.len();
        if people <= k {
            self.add(
                format!(
                    "{people} people hold the sheets, and {k} have to come: nobody may be away"
                ),
                "let more people hold sheets than are needed",
            );
        }
        let full =
            |(town, numbers): &(&String, &BTreeSet<u8>)| !town.is_empty() && numbers.len() >= k;
        for (town, numbers) in towns.iter().filter(full) {
            let here = numbers.len();
            self.add(
                format!("{here} shares lie in {town}, and {k} open it: whoever gets in there has them all"),
                "keep fewer than k shares at one site",
            );
            let elsewhere = copies.keys().filter(|number| !numbers.contains(number)).count();
            if elsewhere < k {
                self.add(
                    format!("without {town} only {elsewhere} shares are left: one closed building locks everybody out"),
                    "keep k shares at other sites",
                );
            }
        }
        if towns.contains_key("") {
            self.add("not every custodian has a `site`", "say where each safe is");
        }
        let mut deputies: BTreeMap<&str, BTreeSet<u8>> = BTreeMap::new();
        for custodian in &method.custodians {
            for deputy in contacts.deputies(&custodian.id) {
                deputies.entry(deputy).or_default().insert(custodian.sheet.x());
            }
        }
        for (deputy, numbers) in deputies.iter().filter(|(_, numbers)| numbers.len() >= k) {
            let all = numbers.len();
            self.add(
                format!(
                    "{deputy} is deputy for {all} shares, and {k} open it: one person has them all"
                ),
                "name another deputy for some of them in contacts.toml",
            );
        }
        for custodian in &method.custodians {
            if contacts.reach(&custodian.name, &custodian.id).is_empty() {
                self.add(
                    format!("nobody can reach {} ({}) at night", custodian.name, custodian.id),
                    "give a phone in contacts.toml",
                );
            }
        }
        let stranger = |id: &&str| !method.custodians.iter().any(|c| c.id == *id);
        for id in contacts.ids().filter(stranger) {
            self.add(
                format!("contacts.toml names `{id}`, who holds no sheet"),
                "write the id as it stands in method.toml, or leave the section out",
            );
        }
        let single = |c: &&Custodian| copies[&c.sheet.x()] < 2 && !contacts.has_deputy(&c.id);
        let alone = method.custodians.iter().filter(single).count();
        if n.saturating_sub(alone) < k && n <= k + 1 {
            self.add(
                format!("{alone} custodians have no deputy and no second copy, and only {} may be missing", n - k),
                "name deputies in contacts.toml, or deal second copies",
            );
        }
    }

    /// What it is for, and what it needs.
    fn purpose(&mut self, method: &Method) {
        if let Some(word) = wide_scope(method) {
            self.add(
                format!("its scope is `{}` ({word}): it opens more than one system", method.scope),
                "use a credential of one system, and a method of its own for each",
            );
        }
        let codes = method.uses.codes();
        let drill = |code: &&String| matches!(code.as_str(), "DRILL" | "ROTATION");
        let real = codes.iter().filter(|code| !drill(code)).count();
        if real == 0 {
            self.add(
                "it may be released for nothing but drills",
                "list the emergencies in permitted_uses",
            );
        } else if method.own_uses.is_empty() && real > 5 {
            self.add(
                "every standard use is permitted, and none of its own: nobody has thought about it",
                "permit what this system needs, and nothing else",
            );
        }
        if let Some(word) = needs_what_is_down(method) {
            self.add(
                format!("its login needs `{word}`, which is down when it is needed"),
                "find a way in that needs nothing of that kind",
            );
        }
    }

    /// How it is kept alive.
    fn upkeep(&mut self, method: &Method) {
        if method.drill_every > QUARTER {
            self.add(
                format!("it is drilled every {} days only", method.drill_every / 24),
                "drill every quarter: drill_every = \"90d\"",
            );
        }
        if method.revoke_within > THREE_DAYS {
            self.add(
                format!("a released credential may live {} hours", method.revoke_within),
                "revoke within a day or two: revoke_within = \"24h\"",
            );
        }
        if method.rotation.is_none() {
            self.add(
                "nothing says who makes the next credential",
                "fill in [rotation]; driver = \"manual\" tells a person what to do",
            );
        }
        if !method.env.is_empty() && method.audit.recipients.is_empty() {
            self.add(
                "a release starts a recorded shell, and everybody who finds the recording can read it",
                "make a key for the auditors (`age-keygen`), and name it: [audit] recipients",
            );
        }
        if method.audit.exemptions.is_empty() {
            self.add(
                "no clean-up is told to leave it alone: unused accounts are switched off",
                "have it exempted, and write down where: [[audit.exemptions]]",
            );
        }
    }
}

/// Says what speaks against a method, the worst first.
pub fn lint(method: &Method, contacts: &Contacts) -> Vec<Objection> {
    let mut objections = Objections(Vec::new());
    objections.quorum(method, contacts);
    objections.purpose(method);
    objections.upkeep(method);
    objections.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const EXAMPLE: &str = include_str!("../../custodian-kit/method.toml");

    fn said(changes: &[(&str, &str)]) -> Vec<String> {
        let mut text = EXAMPLE.to_owned();
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        let method = Method::parse(&text).unwrap();
        let contacts = Contacts::parse(include_str!("../../custodian-kit/contacts.toml")).unwrap();
        lint(&method, &contacts).into_iter().map(|objection| objection.what).collect()
    }

    #[test]
    fn one_deputy_for_a_quorum_is_said() {
        let method = Method::parse(EXAMPLE).unwrap();
        let deputy = |ids: &[u8]| {
            let table =
                |id: &u8| format!("[E100{id}]\ndeputies = [\"Finn Maas +31 20 555 0111\"]\n");
            Contacts::parse(&ids.iter().map(table).collect::<String>()).unwrap()
        };
        let said = |ids| lint(&method, &deputy(ids)).iter().any(|o| o.what.contains("Finn Maas"));
        assert!(said(&[1, 3, 5]) && !said(&[1, 3]));
    }

    #[test]
    fn each_weakness_is_said_in_one_sentence() {
        let base = said(&[]);
        for (changes, words) in [
            (&[("k = 3 ", "k = 5 ")][..], "all 5 shares are needed"),
            (&[("k = 3 ", "k = 5 ")], "nobody may be away"),
            (&[("Utrecht", "Amsterdam")], "3 shares lie in amsterdam"),
            (&[("Utrecht", "Amsterdam"), ("Rotterdam", "Amsterdam")], "only 0 shares are left"),
            (&[("account 123456789012", "the whole organisation")], "opens more than one system"),
            (&[("login = \"", "login = \"over the VPN, ")], "its login needs `vpn`"),
            (&[("drill_every = \"90d\"", "drill_every = \"200d\"")], "every 200 days"),
            (&[("revoke_within = \"24h\"", "revoke_within = \"7d\"")], "may live 168 hours"),
        ] {
            let now = said(changes);
            assert!(now.iter().any(|what| what.contains(words)), "{words}: {now:#?}");
            assert!(!base.iter().any(|what| what.contains(words)), "{words}: {base:#?}");
        }
        assert!(word_in("Pamela at the entrance", &DOWN).is_none());
        assert_eq!(word_in("needs single-sign-on", &DOWN), Some("single sign on"));
    }
}
