//! Absence: what a whole listing does not list is not there.

use std::collections::{BTreeSet, HashMap};

use super::attribution::is_shared;
use super::{Book, Case};
use crate::audit::evidence::{Told, Whose};
use crate::audit::facts::{Fact, Place, Span, What};
use crate::clock::Instant;
use crate::state::Set;

/// The word of a fact that is about what a list does not say.
pub const NOT_LISTED: &str = "not listed";

/// What each file lists.
type Listed<'a> = HashMap<usize, Vec<&'a Fact>>;

impl Case {
    /// What whole listings do not list.
    pub(super) fn absent(&self) -> Vec<Fact> {
        let mut listed = Listed::new();
        for fact in &self.facts {
            listed.entry(fact.place.file).or_default().push(fact);
        }
        let mut made = HashMap::new();
        for fact in &self.facts {
            if let Some(at) = fact.made.filter(|_| !fact.credential.is_empty()) {
                made.entry(&*fact.credential).or_insert(at);
            }
        }
        let mut absent = Vec::new();
        for (number, file) in self.evidence.iter().enumerate() {
            let (Some(_), Some(at)) = (&file.found.listing, file.found.report_time) else {
                continue;
            };
            if file.found.partial.is_some() || at > self.as_of.shifted(self.skew) {
                continue;
            }
            for book in &self.books {
                for set in &book.state.sets {
                    let id = set.credential.as_str();
                    if id.is_empty() || is_shared(book, set) || !self.fits(file, book, set) {
                        continue;
                    }
                    // what is not there before it was dealt may come later
                    if at < set.issue.1 {
                        continue;
                    }
                    if self.would_list(number, (book, set), &listed)
                        && !self.lists(number, (book, set), &listed, made.get(id).copied())
                    {
                        let fact = Fact::new(What::SeenAbsent, Span::until(at));
                        let place = Place { file: number, record: 0 };
                        let fact = fact.subject(book.subject(set)).credential(id);
                        absent.push(Fact { place, ..fact.word(NOT_LISTED) });
                    }
                }
            }
        }
        absent
    }

    /// Says whether a set's credential would be on a list if it were there.
    fn would_list(&self, file: usize, (book, set): (&Book, &Set), listed: &Listed<'_>) -> bool {
        let Some(listing) = &self.evidence[file].found.listing else { return false };
        let subject = book.subject(set);
        if listing.by == Told::Fingerprint {
            // it names places, whose secrets change: that another one is in a place is said elsewhere
            return false;
        }
        match &listing.of {
            // a list of everybody has a line of whoever is there
            Whose::Everybody => of(listed, file).any(|fact| *fact.subject == *subject),
            Whose::These(subjects) => subjects.contains(subject),
            // an application and its service principal have a list each: it takes one that it was on
            Whose::NotSaid if self.evidence[file].platform == "entra" => {
                self.was_on(file, &set.credential, listed)
            }
            // one of this book's is on it, so it is the list that the others would be on
            Whose::NotSaid => {
                let ids: BTreeSet<&str> =
                    book.state.sets.iter().map(|set| set.credential.as_str()).collect();
                of(listed, file).any(|fact| ids.contains(&*fact.credential))
            }
        }
    }

    /// Says whether a credential was on a list that has something in common with this one, or with another that has.
    fn was_on(&self, file: usize, id: &str, listed: &Listed<'_>) -> bool {
        let format = self.evidence[file].format;
        let alike =
            |number: &&usize| self.evidence.get(**number).is_some_and(|f| f.format == format);
        let mut files = BTreeSet::from([file]);
        let mut ids: BTreeSet<&str> = BTreeSet::new();
        loop {
            let before = (files.len(), ids.len());
            ids.extend(files.iter().flat_map(|f| of(listed, *f)).map(|fact| &*fact.credential));
            let shares = |f: &&usize| of(listed, **f).any(|fact| ids.contains(&*fact.credential));
            files.extend(listed.keys().filter(alike).filter(shares));
            if (files.len(), ids.len()) == before {
                return ids.contains(id);
            }
        }
    }

    /// Says whether a set's credential is on a list.
    fn lists(
        &self,
        file: usize,
        (book, set): (&Book, &Set),
        listed: &Listed<'_>,
        made: Option<Instant>,
    ) -> bool {
        let by = self.evidence[file].found.listing.as_ref().map(|listing| listing.by);
        match by {
            Some(Told::Made) => {
                let subject = book.subject(set);
                let mut own = of(listed, file).filter(|fact| *fact.subject == *subject);
                made.is_none_or(|made| own.any(|fact| fact.made == Some(made)))
            }
            _ => of(listed, file).any(|fact| *fact.credential == *set.credential),
        }
    }
}

fn of<'a>(listed: &'a Listed<'a>, file: usize) -> impl Iterator<Item = &'a Fact> {
    listed.get(&file).into_iter().flatten().copied()
}
