//! Attribution: which facts are about which credential, and what they say when they are folded.

use std::collections::{BTreeSet, HashMap};

use super::{Book, Case, Look, NOT_LISTED};
use crate::audit::evidence::Evidence;
use crate::audit::facts::{Fact, Span, Truth, What};
use crate::audit::timeline::{End, Timeline};
use crate::clock::Instant;
use crate::state::Set;

impl Case {
    /// Returns every set with what is known of it.
    pub fn looks(&self) -> Vec<Look<'_>> {
        let mut by_id: HashMap<&str, Vec<&Fact>> = HashMap::new();
        for fact in &self.facts {
            for key in [&*fact.credential, &*fact.subject] {
                if !key.is_empty() {
                    by_id.entry(key).or_default().push(fact);
                }
            }
        }
        let each = self.books.iter().flat_map(|book| {
            // what was released is looked at, whatever became of its papers
            let matters = |set: &&Set| set.aborted.is_none() || !set.releases.is_empty();
            let sets = book.state.sets.iter().filter(matters);
            sets.map(move |set| (book, set))
        });
        each.map(|(book, set)| self.look(book, set, &by_id)).collect()
    }

    fn look<'a>(
        &'a self,
        book: &'a Book,
        set: &'a Set,
        by_id: &HashMap<&str, Vec<&'a Fact>>,
    ) -> Look<'a> {
        let (id, subject) = (set.credential.as_str(), book.subject(set));
        let shared = is_shared(book, set);
        let of = |key: &str| by_id.get(key).into_iter().flatten().copied();
        let mut facts: Vec<&Fact> = if shared {
            // the user may have keys besides: they are others' business
            let password = format!("{subject} password");
            // an id of its own is no place, even where two generations have the same
            let place = id.is_empty() || id == subject || id == password;
            let own = |fact: &&Fact| {
                let of = &*fact.credential;
                let others = [subject, password.as_str(), ""].contains(&of) || of.len() == 64;
                of == id || place && others
            };
            of(if subject.is_empty() { id } else { subject }).filter(own).collect()
        } else {
            // with a user everything of that user goes
            let gone = |fact: &&Fact| fact.credential.is_empty() && fact.what == What::Deleted;
            let own = of(id).filter(|fact| &*fact.credential == id);
            own.chain(of(subject).filter(gone)).collect()
        };
        // a log of a whole organisation has others' keys and users in it
        let account = book.account(set);
        facts.retain(|f| account.is_empty() || f.account.is_empty() || *f.account == *account);
        let mount = book.mount(set);
        facts.retain(|f| mount.is_empty() || f.mount.is_empty() || *f.mount == *mount);
        facts.retain(|f| self.file(f.place).is_none_or(|file| self.fits(file, book, set)));
        // a key on a list that no sshd reads still lets in
        let krl = |f: &Fact| self.file(f.place).is_some_and(Evidence::is_krl);
        facts.retain(|f| book.has_krl(set) || !krl(f));
        facts.sort_by_key(|fact| (fact.when.to.or(fact.when.from), fact.place));
        facts.dedup();
        let timeline = if shared {
            self.of_one_place(book, set, &facts)
        } else {
            Timeline::of(facts.iter().copied(), self.as_of, self.skew)
        };
        let mut timeline = timeline;
        let shown = |f: &&Fact| *f.credential == *id && &*f.word != NOT_LISTED;
        if timeline.end.is_some_and(|end| end.how == What::SeenAbsent) && !facts.iter().any(shown) {
            timeline.unseen = timeline.end.take();
        }
        Look { book, set, id, subject, shared, facts, timeline }
    }

    /// Returns the fingerprints that listings show while a set is surely the one in force.
    fn prints<'a>(&self, book: &Book, set: &Set, facts: &[&'a Fact]) -> BTreeSet<&'a str> {
        let begins = book.in_use_from(set).shifted(self.skew);
        // its own rotation may have changed it before the record of that was written
        let made = book.next(set).map(|next| next.issue.1.shifted(-self.skew));
        let changed = |f: &&Fact| f.what == What::SecretChanged && f.when.exact().is_some();
        let until = facts.iter().filter(|f| changed(f)).filter_map(|f| f.when.to);
        let until = until.filter(|at| *at > begins).chain(made).min();
        let listed = facts.iter().filter(|f| f.what == What::SeenActive && is_print(f));
        let while_there = listed.filter(|f| {
            f.when.exact().is_some_and(|at| at > begins && until.is_none_or(|until| at < until))
        });
        while_there.map(|f| &*f.credential).collect()
    }

    /// Folds what is known of one secret where one follows the other in the same place: it begins when its generation came
    /// into use, and ends with the next change.
    fn of_one_place(&self, book: &Book, set: &Set, facts: &[&Fact]) -> Timeline {
        let begins = book.in_use_from(set);
        let next = book.next(set).filter(|next| book.is_in_use(next));
        let next = next.map(|next| next.issue.1.shifted(-self.skew));
        let after = |fact: &&Fact| fact.when.to.or(fact.when.from).is_some_and(|at| at > begins);
        let mut own: Vec<Fact> = facts
            .iter()
            .copied()
            .filter(after)
            // a listing of the place does not say which secret is in it
            .filter(|fact| {
                !matches!(fact.what, What::SeenActive | What::Used | What::Created | What::Expires)
                    // a login shows that what was switched off is on again, before another secret is there
                    || fact.what == What::Used && next.is_none_or(|next| fact.when.before(next) == Truth::Yes)
            })
            .cloned()
            .collect();
        own.extend(changes(facts));
        // a change around its beginning may be the one that put it there
        own.retain(|fact| {
            let since = fact.when.from.or(fact.when.to);
            fact.what != What::SecretChanged
                || since.is_some_and(|at| at > begins.shifted(self.skew))
        });
        // once another secret has taken its place, nothing that happens to the place is about it
        let changed =
            own.iter().filter(|f| f.what == What::SecretChanged).filter_map(|f| f.when.to);
        if let Some(changed) = changed.min() {
            own.retain(|f| f.when.to.or(f.when.from).is_none_or(|at| at <= changed));
            // nor is what a run of uses goes on with
            let runs_on = |f: &&mut Fact| f.what.is_use() && f.last > Some(changed);
            own.iter_mut().filter(runs_on).for_each(|f| *f = f.first_of_run().into_owned());
        }
        // a stretch that began before this secret was there cannot have ended it earlier
        for fact in &mut own {
            fact.when.from = fact.when.from.map(|from| from.max(begins));
        }
        // but a listing with its own fingerprint: then it is there again, or still
        let prints = self.prints(book, set, facts);
        let same = |f: &&Fact| f.what == What::SeenActive && prints.contains(&*f.credential);
        own.extend(facts.iter().copied().filter(after).filter(same).cloned());
        let mut timeline = Timeline::of(&own, self.as_of, self.skew);
        // a place that is listed as open after it was closed may hold either secret
        let open = |end: End| {
            facts.iter().any(|f| {
                f.what == What::SeenActive
                    && f.when.exact().is_some_and(|at| end.when.to.is_some_and(|to| at > to))
                    && next.is_none_or(|next| f.when.before(next) == Truth::Yes)
            })
        };
        if timeline.end.is_some_and(|end| end.is_reversible() && open(end)) {
            timeline.end = None;
        }
        let ended = timeline.end.and_then(|end| end.when.to);
        let uses = facts.iter().filter(|f| f.what == What::Used && after(f));
        for fact in uses {
            let Some(at) = fact.when.from else { continue };
            if ended.is_none_or(|end| at <= end) && timeline.alive.is_none_or(|(last, _)| at > last)
            {
                timeline.alive = Some((at, fact.place));
            }
        }
        timeline.facts = facts.len();
        timeline
    }
}

/// A ceremony takes a day, seconds.
const DAY: i64 = 86_400;

impl Look<'_> {
    /// Says whether a fact is about this secret. Where one secret follows another in the same place, it is about the one that
    /// was there at the time; around a change, it may be about both.
    pub fn owns(&self, fact: &Fact, skew: i64) -> bool {
        if !self.shared {
            return true;
        }
        let begins = self.book.in_use_from(self.set).shifted(-skew);
        // one log has one clock
        let end = self.timeline.out_of_force();
        let apart = end.filter(|end| end.place.file == fact.place.file).map_or(skew, |_| 0);
        let ends = end.and_then(|end| end.when.to).map(|to| to.shifted(apart));
        let next = self.book.next(self.set).filter(|next| self.book.is_in_use(next));
        let next = next.map(|next| self.book.in_use_from(next).shifted(skew));
        // what nobody has written down gives the place to no other generation
        let ends = ends.filter(|end| next.is_some_and(|next| next.since(*end).abs() <= DAY));
        let over = |end: Instant| fact.when.after(end) == Truth::Yes;
        fact.stretch().before(begins) != Truth::Yes
            && !ends.into_iter().chain(next).min().is_some_and(over)
    }
}

/// Says whether the credential is a place whose secret changes: generations have the same id.
pub(super) fn is_shared(book: &Book, set: &Set) -> bool {
    let id = set.credential.as_str();
    if id.is_empty() || id == book.subject(set) {
        return true;
    }
    book.state
        .sets
        .iter()
        .any(|other| other.code != set.code && other.aborted.is_none() && other.credential == id)
}

/// Gives slots the id of the only key that was made in the same second for the same user.
pub(super) fn resolve_slots(facts: &mut [Fact]) {
    let mut made: HashMap<(Box<str>, Instant), BTreeSet<Box<str>>> = HashMap::new();
    for fact in facts.iter().filter(|fact| !fact.credential.is_empty()) {
        let at = fact.made.or(if fact.what == What::Created { fact.when.from } else { None });
        if let Some(at) = at {
            made.entry((fact.subject.clone(), at)).or_default().insert(fact.credential.clone());
        }
    }
    for fact in facts.iter_mut().filter(|fact| fact.credential.is_empty()) {
        let Some(at) = fact.made else { continue };
        let ids = made.get(&(fact.subject.clone(), at));
        if let Some(id) = ids.filter(|ids| ids.len() == 1).and_then(BTreeSet::first) {
            fact.credential = id.clone();
        }
    }
}

/// Says whether a fact is about a secret by its fingerprint.
fn is_print(fact: &Fact) -> bool {
    fact.credential.len() == 64 && fact.credential != fact.subject
}

/// Returns the changes that lie between listings with different fingerprints of the same subject.
fn changes(facts: &[&Fact]) -> Vec<Fact> {
    let mut changes = Vec::new();
    let mut last: Option<(&Fact, Instant)> = None;
    for fact in facts.iter().copied() {
        let seen = matches!(fact.what, What::SeenActive | What::SeenInactive);
        let Some(at) = fact.when.exact().filter(|_| seen && is_print(fact)) else { continue };
        if let Some((before, from)) = last
            && before.credential != fact.credential
        {
            let change = Fact::new(What::SecretChanged, Span::between(from, at));
            let change = change.subject(&fact.subject).credential(&fact.credential);
            changes.push(Fact { place: fact.place, ..change.word("another fingerprint") });
        }
        last = Some((fact, at));
    }
    changes
}
