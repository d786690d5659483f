//! Facts: what evidence says of credentials, and how well the time of it is known.

use std::borrow::Cow;
use std::fmt;

use crate::clock::Instant;

/// An answer that may be that nobody can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It is so.
    Yes,
    /// It is not so.
    No,
    /// The evidence does not tell.
    Unknown,
}

/// What is known of a point in time: it is not before `from` and not after `to`. `None`: no bound.
///
/// Times of platforms are cut to the second; what happened within one second has no order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// Not before.
    pub from: Option<Instant>,
    /// Not after.
    pub to: Option<Instant>,
}

impl Span {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self { from: None, to: None };

    /// Returns a time that is known.
    pub fn at(time: Instant) -> Self {
        Self { from: Some(time), to: Some(time) }
    }

    /// Returns a time between two others.
    pub fn between(from: Instant, to: Instant) -> Self {
        Self { from: Some(from), to: Some(to) }
    }

    /// Returns a time of which it is known that it had come.
    pub fn until(to: Instant) -> Self {
        Self { from: None, to: Some(to) }
    }

    /// Returns the time when both bounds are the same.
    pub fn exact(self) -> Option<Instant> {
        self.from.filter(|from| Some(*from) == self.to)
    }

    /// Returns it to the minute, for tables: the second day is left out where it is the first.
    pub fn minutes(self) -> String {
        let minute = |at: Instant| at.utc().replace(" UTC", "");
        match (self.from, self.to) {
            (Some(from), Some(to)) if from != to => {
                let (from, to) = (minute(from), minute(to));
                let (day, _) = from.split_at(11);
                let to = to.strip_prefix(day).unwrap_or(&to);
                if from.ends_with(to) { from } else { format!("{from} to {to}") }
            }
            (Some(from), Some(_)) => minute(from),
            (Some(from), None) => format!("after {}", minute(from)),
            (None, Some(to)) => format!("by {}", minute(to)),
            (None, None) => "at a time that is not known".to_owned(),
        }
    }

    /// Says whether it lies before a time.
    pub fn before(self, time: Instant) -> Truth {
        match self {
            Self { to: Some(to), .. } if to < time => Truth::Yes,
            Self { from: Some(from), .. } if from >= time => Truth::No,
            _ => Truth::Unknown,
        }
    }

    /// Says whether it lies after a time.
    pub fn after(self, time: Instant) -> Truth {
        match self {
            Self { from: Some(from), .. } if from > time => Truth::Yes,
            Self { to: Some(to), .. } if to <= time => Truth::No,
            _ => Truth::Unknown,
        }
    }

    /// Says whether it lies in a window, both ends included.
    pub fn within(self, from: Instant, to: Instant) -> Truth {
        match (self.before(from), self.after(to)) {
            (Truth::Yes, _) | (_, Truth::Yes) => Truth::No,
            (Truth::No, Truth::No) => Truth::Yes,
            _ => Truth::Unknown,
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from, self.to) {
            (Some(from), Some(to)) if from == to => f.write_str(&from.rfc3339()),
            (Some(from), Some(to)) => write!(f, "{} to {}", from.rfc3339(), to.rfc3339()),
            (Some(from), None) => write!(f, "after {}", from.rfc3339()),
            (None, Some(to)) => write!(f, "by {}", to.rfc3339()),
            (None, None) => f.write_str("at a time that is not known"),
        }
    }
}

/// What a fact says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// The credential was made.
    Created,
    /// It is in force, says a listing.
    SeenActive,
    /// It is there and switched off, says a listing.
    SeenInactive,
    /// It is not in a whole listing.
    SeenAbsent,
    /// It was switched off, which can be undone.
    Deactivated,
    /// It was switched on again.
    Reactivated,
    /// It was deleted or revoked.
    Deleted,
    /// Another secret took its place.
    SecretChanged,
    /// Its own time ends.
    Expires,
    /// It was used.
    Used,
    /// Somebody tried to use it, and was refused.
    UseFailed,
    /// A session that came from it was used. That says nothing of the credential: sessions outlive it.
    SessionUsed,
    /// A session came from it that lives on its own.
    SessionMinted,
    /// The sessions that came from it were ended.
    SessionsEnded,
    /// Somebody tried to revoke it, and was refused.
    RevokeFailed,
}

impl What {
    /// Every one.
    pub const ALL: [Self; 15] = [
        Self::Created,
        Self::SeenActive,
        Self::SeenInactive,
        Self::SeenAbsent,
        Self::Deactivated,
        Self::Reactivated,
        Self::Deleted,
        Self::SecretChanged,
        Self::Expires,
        Self::Used,
        Self::UseFailed,
        Self::SessionUsed,
        Self::SessionMinted,
        Self::SessionsEnded,
        Self::RevokeFailed,
    ];

    /// Returns the word for it, as in the generic CSV.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::SeenActive => "seen_active",
            Self::SeenInactive => "seen_inactive",
            Self::SeenAbsent => "seen_absent",
            Self::Deactivated => "deactivated",
            Self::Reactivated => "reactivated",
            Self::Deleted => "deleted",
            Self::SecretChanged => "secret_changed",
            Self::Expires => "expires",
            Self::Used => "used",
            Self::UseFailed => "use_failed",
            Self::SessionUsed => "session_used",
            Self::SessionMinted => "session_minted",
            Self::SessionsEnded => "sessions_ended",
            Self::RevokeFailed => "revoke_failed",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.word() == word.trim())
    }

    /// Says whether somebody got in with it, or with a session that came from it.
    pub fn is_use(self) -> bool {
        matches!(self, Self::Used | Self::SessionUsed)
    }

    /// Says whether the credential is in force when this is seen.
    pub fn is_alive(self) -> bool {
        matches!(self, Self::Created | Self::SeenActive | Self::Reactivated | Self::Used)
    }

    /// Says whether the credential is out of force from then on.
    pub fn is_dead(self) -> bool {
        matches!(
            self,
            Self::SeenInactive
                | Self::SeenAbsent
                | Self::Deactivated
                | Self::Deleted
                | Self::SecretChanged
                | Self::Expires
        )
    }
}

/// Where a fact stands: an evidence file, and the record (line, element, row) in it, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Number of the file, from 0.
    pub file: usize,
    /// Record in it, from 1; 0: the file as a whole.
    pub record: u64,
}

/// One thing that evidence says of one credential.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fact {
    /// Where it stands.
    pub place: Place,
    /// What it says.
    pub what: What,
    /// When that was.
    pub when: Span,
    /// The account, project or tenant that it happened in. Empty: not said.
    pub account: Box<str>,
    /// Vault: the mount of the login. Empty: not said.
    pub mount: Box<str>,
    /// Whose credential it is: a user, a role, an account. Empty: not said.
    pub subject: Box<str>,
    /// The credential's public id. Empty: the source knows only the subject.
    pub credential: Box<str>,
    /// When the credential was made, where the source says it: slots without an id are told apart by it.
    pub made: Option<Instant>,
    /// Who did it.
    pub actor: Box<str>,
    /// The credential that it was done with.
    pub with: Box<str>,
    /// Network address that it came from.
    pub address: Box<str>,
    /// Program that it was done with.
    pub agent: Box<str>,
    /// The platform's own word for it.
    pub word: Box<str>,
    /// How many times, where runs of uses are kept as one; `last` is the last of them.
    pub times: u64,
    /// The last of the run.
    pub last: Option<Instant>,
    /// The session that came from it, and of which role it is. Empty: it is about no session.
    pub session: Box<str>,
    /// When that session ends by itself, where the source says it.
    pub until: Option<Instant>,
}

impl Fact {
    /// Says something of a subject's credential.
    pub fn new(what: What, when: Span) -> Self {
        Self {
            place: Place::default(),
            what,
            when,
            account: "".into(),
            mount: "".into(),
            subject: "".into(),
            credential: "".into(),
            made: None,
            actor: "".into(),
            with: "".into(),
            address: "".into(),
            agent: "".into(),
            word: "".into(),
            times: 1,
            last: when.to,
            session: "".into(),
            until: None,
        }
    }

    /// Names the session that came from it, and when it ends by itself.
    #[must_use]
    pub fn session(self, session: &str, until: Option<Instant>) -> Self {
        Self { session: session.into(), until, ..self }
    }

    /// Names whose credential it is.
    #[must_use]
    pub fn subject(self, subject: &str) -> Self {
        Self { subject: subject.into(), ..self }
    }

    /// Names the mount of the login.
    #[must_use]
    pub fn mount(self, mount: &str) -> Self {
        Self { mount: mount.into(), ..self }
    }

    /// Names the credential.
    #[must_use]
    pub fn credential(self, credential: &str) -> Self {
        Self { credential: credential.into(), ..self }
    }

    /// Says when the credential was made.
    #[must_use]
    pub fn made(self, made: Option<Instant>) -> Self {
        Self { made, ..self }
    }

    /// Names who did it, and with which credential.
    #[must_use]
    pub fn by(self, actor: &str, with: &str) -> Self {
        Self { actor: actor.into(), with: with.into(), ..self }
    }

    /// Names where it came from.
    #[must_use]
    pub fn from(self, address: &str, agent: &str) -> Self {
        Self { address: address.into(), agent: agent.into(), ..self }
    }

    /// Gives the platform's own word.
    #[must_use]
    pub fn word(self, word: &str) -> Self {
        Self { word: word.into(), ..self }
    }

    /// Returns the first of a run of uses whose times are known; of everything else, itself.
    pub fn first_of_run(&self) -> Cow<'_, Self> {
        match self.when.exact().filter(|_| self.times > 1) {
            Some(_) => Cow::Owned(Self { last: self.when.to, times: 1, ..self.clone() }),
            None => Cow::Borrowed(self),
        }
    }

    /// Returns the last of a run of uses whose times are known; of everything else, itself.
    pub fn last_of_run(&self) -> Cow<'_, Self> {
        match self.last.filter(|_| self.when.exact().is_some() && self.times > 1) {
            Some(last) => Cow::Owned(Self { when: Span::at(last), times: 1, ..self.clone() }),
            None => Cow::Borrowed(self),
        }
    }

    /// Returns the whole time that it speaks of, the run included.
    pub fn stretch(&self) -> Span {
        Span { from: self.when.from, to: self.last.max(self.when.to) }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>4}  {:<14} {}", self.place.record, self.what.word(), self.stretch())?;
        for (name, text) in [
            ("subject", &self.subject),
            ("credential", &self.credential),
            ("by", &self.actor),
            ("with", &self.with),
            ("from", &self.address),
            ("word", &self.word),
            ("mount", &self.mount),
            ("session", &self.session),
        ] {
            if !text.is_empty() {
                write!(f, "  {name}={text}")?;
            }
        }
        if let Some(made) = self.made {
            write!(f, "  made={}", made.rfc3339())?;
        }
        if let Some(until) = self.until {
            write!(f, "  until={}", until.rfc3339())?;
        }
        if self.times > 1 {
            write!(f, "  times={}", self.times)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    #[test]
    fn what_is_known_of_a_time_answers_three_ways() {
        let noon = at("2026-11-24T12:00:00Z");
        let (before, after) = (noon.shifted(-60), noon.shifted(60));
        assert_eq!(Span::at(before).before(noon), Truth::Yes);
        assert_eq!(Span::at(noon).before(noon), Truth::No);
        assert_eq!(Span::between(before, after).before(noon), Truth::Unknown);
        assert_eq!(Span::until(before).before(noon), Truth::Yes);
        assert_eq!(Span::until(after).before(noon), Truth::Unknown);
        assert_eq!(Span::at(after).after(noon), Truth::Yes);
        assert_eq!(Span::at(noon).after(noon), Truth::No);
        assert_eq!(Span::UNKNOWN.after(noon), Truth::Unknown);
        assert_eq!(Span::at(noon).within(before, after), Truth::Yes);
        assert_eq!(Span::at(after.shifted(1)).within(before, after), Truth::No);
        assert_eq!(Span::between(before.shifted(-1), noon).within(before, after), Truth::Unknown);
        assert_eq!(Span::between(before, after).minutes(), "2026-11-24 11:59 to 12:01");
        assert_eq!(Span::between(noon, noon.shifted(9)).minutes(), "2026-11-24 12:00");
        assert_eq!(
            Span::between(noon, noon.shifted(86_400)).minutes(),
            "2026-11-24 12:00 to 2026-11-25 12:00"
        );
    }

    #[test]
    fn words_go_there_and_back() {
        for what in What::ALL {
            assert_eq!(What::parse(what.word()), Some(what));
            assert!(!(what.is_alive() && what.is_dead()));
        }
        assert_eq!(What::parse("gone"), None);
    }
}
