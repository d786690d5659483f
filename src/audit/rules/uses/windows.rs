//! When a credential may be used, by the records.

use std::net::IpAddr;

use crate::audit::case::Look;
use crate::audit::facts::{Fact, Truth};
use crate::clock::Instant;
use crate::logbook::{Entry, Event};
use crate::state::Release;

/// A time in which somebody may use it: a release, or a ceremony. Both ends are moved apart by what clocks may differ.
pub(in crate::audit::rules) struct Window {
    pub(in crate::audit::rules) from: Instant,
    pub(in crate::audit::rules) to: Option<Instant>,
    /// The release, if it is one.
    pub(in crate::audit::rules) release: Option<u64>,
}

/// Returns when a release was over: its END; where nobody wrote one, when the credential was revoked, or had to be.
pub(in crate::audit::rules) fn over(look: &Look<'_>, release: &Release) -> Instant {
    let revoked = look.set.revoked.map(|(_, at)| at);
    let last = revoked.map_or(release.revoke_due, |at| at.min(release.revoke_due));
    release.ended.map_or(last, |(_, at)| at)
}

/// How long a login may come before the first record of a ceremony, and after the last, seconds.
const AROUND: i64 = 3600;

/// Returns when a set's credential may be used, by the records: releases until they end, and the ceremonies that make,
/// prove and end it.
pub(in crate::audit::rules) fn windows(look: &Look<'_>, skew: i64) -> Vec<Window> {
    let set = look.set;
    let mut all = Vec::new();
    let revoked = set.revoked.map(|(_, at)| at);
    for release in &set.releases {
        let to = Some(over(look, release));
        all.push(Window { from: release.at, to, release: Some(release.record) });
    }
    // around each record, not from the first to the last: a rotation may lie for months
    let mut ceremony = |at: Instant| {
        let (from, to) = (at.shifted(-AROUND), Some(at.shifted(AROUND)));
        all.push(Window { from, to, release: None });
    };
    // it is made, tried, and ends the one before
    let rotated = |set| look.book.records(set, Event::Rotate).find_map(Entry::at);
    [Some(set.issue.1), rotated(set)].into_iter().flatten().for_each(&mut ceremony);
    // it makes the next one, and is tried when it is dead
    if let Some(next) = look.book.next(set) {
        let times = [Some(next.issue.1), rotated(next), revoked];
        times.into_iter().flatten().for_each(&mut ceremony);
    }
    for (_, at, _) in set.openings.iter().filter(|opening| opening.2 == "rotate") {
        ceremony(*at);
    }
    look.book.records(set, Event::Disable).filter_map(Entry::at).for_each(ceremony);
    for window in &mut all {
        window.from = window.from.shifted(-skew);
        window.to = window.to.map(|to| to.shifted(skew));
    }
    all
}

/// What a rotation calls on AWS; on other platforms a login does not say what it is for.
const CEREMONY: [&str; 6] = [
    "GetCallerIdentity",
    "CreateAccessKey",
    "ListAccessKeys",
    "UpdateAccessKey",
    "DeleteAccessKey",
    "PutUserPolicy",
];

/// Says whether a use may be one of a ceremony: its own calls, from where the method is used.
fn is_of_ceremony(look: &Look<'_>, fact: &Fact) -> bool {
    let addresses = look.book.method_of(look.set).map(|method| &method.audit.addresses);
    let here = addresses.is_none_or(|addresses| {
        addresses.is_empty()
            || fact.address.is_empty()
            || addresses.iter().any(|a| is_from(&fact.address, a))
    });
    let call = fact.word.split_whitespace().next().unwrap_or_default();
    here && (look.book.platform(look.set) != "aws" || CEREMONY.contains(&call) || call == "last")
}

/// Says whether a use lies in a window.
pub(in crate::audit::rules) fn allowed(look: &Look<'_>, fact: &Fact, window: &Window) -> Truth {
    match within(fact, window) {
        Truth::No => Truth::No,
        _ if window.release.is_none() && !is_of_ceremony(look, fact) => Truth::No,
        inside => inside,
    }
}

/// Says whether a fact lies in a window.
pub(in crate::audit::rules) fn within(fact: &Fact, window: &Window) -> Truth {
    let stretch = fact.stretch();
    match window.to {
        Some(to) => stretch.within(window.from, to),
        None => match stretch.before(window.from) {
            Truth::Yes => Truth::No,
            Truth::No => Truth::Yes,
            Truth::Unknown => Truth::Unknown,
        },
    }
}

/// Says whether an address is one that a method names: an address, a network as 192.0.2.0/24, or the beginning of a text.
pub(in crate::audit::rules) fn is_from(address: &str, named: &str) -> bool {
    let (net, bits) = named.split_once('/').map_or((named, None), |(net, bits)| (net, Some(bits)));
    let (Ok(net), Ok(address)) = (net.parse::<IpAddr>(), address.parse::<IpAddr>()) else {
        return address.starts_with(named);
    };
    let bits_of = |ip: IpAddr| match ip.to_canonical() {
        IpAddr::V4(ip) => (u128::from(ip.to_bits()), 32),
        IpAddr::V6(ip) => (ip.to_bits(), 128_u32),
    };
    let ((net, width), (address, other)) = (bits_of(net), bits_of(address));
    let kept = bits.map_or(Some(width), |bits| bits.parse().ok());
    match kept.and_then(|kept| width.checked_sub(kept)) {
        Some(rest) if width == other => (net ^ address).checked_shr(rest).unwrap_or_default() == 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_numbers_and_everything_else_is_text() {
        for (address, named, inside) in [
            ("192.0.2.10", "192.0.2.0/24", true),
            ("192.0.20.1", "192.0.2.0/24", false),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.10", "192.0.2.1", false),
            ("203.0.113.9", "0.0.0.0/0", true),
            ("2001:db8::1", "2001:db8::/32", true),
            ("2001:db9::1", "2001:db8::/32", false),
            ("::ffff:192.0.2.7", "192.0.2.0/24", true),
            ("2001:db8::1", "192.0.2.0/24", false),
            ("192.0.2.1", "192.0.2.0/40", false),
            ("192.0.2.1", "192.0.2.", true),
            ("AWS Internal", "AWS", true),
        ] {
            assert_eq!(is_from(address, named), inside, "{address} {named}");
        }
    }
}
