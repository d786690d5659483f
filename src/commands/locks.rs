//! Locked sheets: new passphrases, key files, and asking the right person for the right one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::codes::payload::LockedShare;
use crate::exit::Exit;
use crate::files;
use crate::method::{Custodian, Lock, Method, short};
use crate::sealing::lock::{self, Asks, Keys, LockError, MAX_IDENTITY_FILE};
use crate::sealing::plugin::{Ask, Person};
use crate::secret::Secret;
use crate::set::{SheetId, SheetShare};
use crate::ui::{Failure, Ui};

/// Fewest signs of a new passphrase.
pub(super) const SHORTEST: usize = 12;

/// Lets plugins ask for a PIN or a touch.
pub(super) fn person(ui: &Ui) -> Person {
    if ui.can_ask() { Person::new(Arc::new(ui.clone())) } else { Person::nobody() }
}

impl Ask for Ui {
    fn tell(&self, words: &str) {
        self.must_say(words);
    }

    fn ask_hidden(&self, words: &str) -> Option<Secret> {
        Self::ask_hidden(self, &format!("{words}: "), "a terminal").ok()
    }

    fn ask(&self, words: &str) -> Option<String> {
        Self::ask(self, &format!("{words}: "), "a terminal").ok()
    }

    fn confirm(&self, words: &str) -> Option<bool> {
        Self::confirm(self, words, "a terminal").ok()
    }
}

/// Lets every custodian whose sheet is locked with a passphrase type it, twice.
pub(super) fn new_passphrases(
    ui: &Ui,
    method: &Method,
) -> Result<BTreeMap<SheetId, Secret>, Failure> {
    let flag = "a terminal, where the custodian types it";
    let mut all = BTreeMap::new();
    for custodian in method.locked_by_passphrase() {
        let (sheet, name) = (custodian.sheet, &custodian.name);
        ui.must_say(&format!(
            "Sheet {sheet} is locked with a passphrase of {name}: let nobody else type it, or see it typed."
        ));
        loop {
            let first = ui.ask_hidden(&format!("New passphrase of {name} (not shown): "), flag)?;
            if let Some(fault) = fault(&first) {
                ui.must_say(fault);
                continue;
            }
            if first.same_as(&ui.ask_hidden("Again: ", flag)?) {
                all.insert(sheet, first);
                break;
            }
            ui.must_say("The two differ. Once more from the start:");
        }
    }
    Ok(all)
}

/// Says what speaks against a passphrase; another keyboard has to have its signs.
fn fault(passphrase: &Secret) -> Option<&'static str> {
    let plain = |b: &u8| b.is_ascii_graphic() || *b == b' ';
    if passphrase.len() < SHORTEST {
        return Some("Too short: at least 12 signs, better four words or more.");
    }
    let good = passphrase.expose().iter().all(plain);
    (!good).then_some("Plain letters, digits and signs only: not every keyboard has the others.")
}

/// Reads the key files of the command line.
pub(super) fn read_keys(ui: &Ui, paths: &[PathBuf]) -> Result<Vec<Keys>, Failure> {
    let read = |path: &PathBuf| {
        let skipped = || Failure::invalid(format!("key file `{}` was left sealed", path.display()));
        keys(ui, path)?.ok_or_else(skipped)
    };
    paths.iter().map(read).collect()
}

/// Reads a key file; one that is itself sealed asks for its passphrase until that is right, or given up with Enter.
fn keys(ui: &Ui, path: &Path) -> Result<Option<Keys>, Failure> {
    let mut file = Secret::from(files::read(path, MAX_IDENTITY_FILE)?);
    let failed = |e: &LockError| Failure::invalid(format!("key file `{}`: {e}", path.display()));
    if Keys::is_sealed(file.expose()) {
        let prompt = format!("Passphrase of the key file {} (Enter gives up): ", path.display());
        file = loop {
            let passphrase = ui.ask_hidden(&prompt, "a key file without a passphrase")?;
            if passphrase.is_empty() {
                return Ok(None);
            }
            let working = ui.working("trying the passphrase");
            let tried = Keys::unseal(file.expose(), &passphrase);
            drop(working);
            match tried {
                Ok(opened) => break opened,
                Err(LockError::Closed) => ui.must_say("That does not open it."),
                Err(error) => return Err(failed(&error)),
            }
        };
    }
    Keys::parse(&file, &person(ui)).map(Some).map_err(|e| failed(&e))
}

/// Tries keys on a lock: `Ok(None)` when none fits, an error when the lock itself is at fault.
pub(super) fn try_keys(
    locked: &LockedShare,
    keys: &[Keys],
) -> Result<Option<SheetShare>, LockError> {
    for keys in keys {
        match keys.open(&locked.locked) {
            Ok(content) => return share(locked, &content).map(Some),
            Err(LockError::Closed) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn share(locked: &LockedShare, content: &Secret) -> Result<SheetShare, LockError> {
    SheetShare::from_content(locked.set, locked.sheet, content.expose()).ok_or(LockError::Content)
}

/// Asks whoever is there for what opens a sheet, until it opens or they give it up with Enter.
pub(super) fn ask(
    ui: &Ui,
    locked: &LockedShare,
    custodian: Option<&Custodian>,
) -> Result<Option<SheetShare>, Failure> {
    let sheet = locked.sheet;
    let holder = custodian.map(|c| c.name.as_str());
    let whose = holder.map_or_else(|| format!("the holder of {sheet}"), str::to_owned);
    let who = holder.map(|name| format!(", {name},")).unwrap_or_default();
    match lock::asks(&locked.locked) {
        None => ui.warn(&format!("sheet {sheet}{who} has a damaged lock: {}", LockError::Damaged)),
        Some(Asks::Passphrase) => {
            ui.must_say(&format!("Sheet {sheet}{who} is locked with a passphrase."));
            loop {
                let prompt = format!("Passphrase of {whose} (Enter leaves it locked): ");
                let passphrase = ui.ask_hidden(&prompt, "sheets that are not locked")?;
                if passphrase.is_empty() {
                    break;
                }
                let working = ui.working("trying the passphrase");
                let tried = lock::open_with_passphrase(&locked.locked, &passphrase);
                drop(working);
                match tried.and_then(|content| share(locked, &content)) {
                    Ok(share) => return Ok(Some(share)),
                    Err(LockError::Closed) => {
                        ui.must_say(&format!("That does not open sheet {sheet}. Try again."));
                    }
                    Err(error) => {
                        ui.warn(&format!("sheet {sheet}: {error}"));
                        break;
                    }
                }
            }
        }
        Some(Asks::Key) => {
            let which = match custodian.and_then(|c| c.lock.as_ref()) {
                Some(Lock::Recipients(all)) => {
                    let all: Vec<String> = all.iter().map(|r| short(r)).collect();
                    format!(", one of {}", all.join(", "))
                }
                _ => String::new(),
            };
            ui.must_say(&format!("Sheet {sheet}{who} is locked to a key{which}."));
            loop {
                let prompt = format!("Key file of {whose} (Enter leaves it locked): ");
                let path = ui.ask(&prompt, "`--identity FILE`")?;
                if path.is_empty() {
                    break;
                }
                let path = PathBuf::from(super::words::unquoted(&path));
                match keys(ui, &path) {
                    Ok(None) => {}
                    Ok(Some(keys)) => match try_keys(locked, &[keys]) {
                        Ok(Some(share)) => return Ok(Some(share)),
                        Ok(None) => {
                            ui.must_say(&format!("That does not open sheet {sheet}. Try again."));
                        }
                        Err(error) => {
                            ui.warn(&format!("sheet {sheet}: {error}"));
                            break;
                        }
                    },
                    Err(failure) if failure.exit == Exit::Interrupted => return Err(failure),
                    Err(failure) => ui.warn(&failure.message),
                }
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_passphrase_is_long_and_can_be_typed_anywhere() {
        let fault = |text: &str| fault(&Secret::new(text.as_bytes().to_vec()));
        assert!(fault("short").is_some_and(|why| why.contains("12 signs")));
        assert!(fault("grüße aus der Ferne").is_some_and(|why| why.contains("keyboard")));
        assert_eq!(fault("four words or more"), None);
    }
}
