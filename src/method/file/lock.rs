//! What a custodian's sheet is locked with; every lock has a second way to open it.

use toml::Spanned;

use super::MethodError;
use super::check::Checker;
use super::raw::RawCustodian;
use crate::sealing::lock;

/// Most recipients of one lock.
const MAX_RECIPIENTS: usize = 4;

/// What a custodian's sheet is locked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lock {
    /// A passphrase that the custodian types when the set is dealt.
    Passphrase,
    /// Two recipients or more, any one of which opens it.
    Recipients(Vec<String>),
}

/// Returns the ends of a recipient, enough to tell keys apart: `age1ql3z7…aqmcac8p`.
pub fn short(recipient: &str) -> String {
    match (recipient.get(..9), recipient.len().checked_sub(8).and_then(|at| recipient.get(at..))) {
        (Some(start), Some(end)) if recipient.len() > 20 => format!("{start}…{end}"),
        _ => recipient.to_owned(),
    }
}

impl Checker<'_> {
    /// A lock that only one thing opens is a way to lose the sheet: every lock has a second way.
    pub(super) fn lock(&self, entry: &RawCustodian) -> Result<Option<Lock>, MethodError> {
        let way = entry.second_way.as_ref().map(|text| text.get_ref().trim()).unwrap_or_default();
        match (&entry.lock, &entry.recipient) {
            (None, None) => match &entry.second_way {
                Some(text) => Err(self.rule(text.span(), "there is no lock to have a second way")),
                None => Ok(None),
            },
            (Some(lock), Some(_)) => {
                Err(self.rule(lock.span(), "a sheet has a passphrase or recipients, not both"))
            }
            (Some(lock), None) if lock.get_ref() != "passphrase" => {
                Err(self.rule(lock.span(), "the only lock here is \"passphrase\"; keys are listed under recipient"))
            }
            (Some(lock), None) if way.is_empty() => Err(self.rule(
                lock.span(),
                "say under second_way where this passphrase lies sealed: a forgotten one would lose the sheet",
            )),
            (Some(_), None) => Ok(Some(Lock::Passphrase)),
            (None, Some(value)) => self.recipients(value).map(Some),
        }
    }

    fn recipients(&self, value: &Spanned<toml::Value>) -> Result<Lock, MethodError> {
        let form = || {
            self.rule(value.span(), "recipient is a list of age recipients: [\"age1…\", \"age1…\"]")
        };
        let listed: Vec<String> = match value.get_ref() {
            toml::Value::String(one) => vec![one.clone()],
            toml::Value::Array(all) => all
                .iter()
                .map(|v| v.as_str().map(str::to_owned))
                .collect::<Option<_>>()
                .ok_or_else(form)?,
            _ => return Err(form()),
        };
        if listed.iter().any(|text| text.trim().to_ascii_uppercase().starts_with("AGE-SECRET-KEY-"))
        {
            // no caret: the line is not shown once more
            let what = "a recipient in it is a secret key: treat that key as leaked, make another, and write \
                        what `age-keygen -y` prints for it, age1…";
            return Err(MethodError::Rule(what.to_owned()));
        }
        for recipient in &listed {
            lock::check_recipient(recipient)
                .map_err(|e| self.rule(value.span(), &e.to_string()))?;
        }
        let mut different = listed.clone();
        different.sort_unstable();
        different.dedup();
        if different.len() < 2 {
            return Err(self.rule(
                value.span(),
                "a lock needs a second way: list two recipients, the second one's key in another safe",
            ));
        }
        if listed.len() > MAX_RECIPIENTS {
            return Err(self.rule(
                value.span(),
                &format!("at most {MAX_RECIPIENTS} recipients fit on a sheet"),
            ));
        }
        Ok(Lock::Recipients(listed))
    }
}
