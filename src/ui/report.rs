//! Why a run ended: the library says what happened, this says what to do and with which exit code.

use crate::exit::Exit;
use crate::files::FileError;
use crate::kit::KitError;
use crate::logbook::LogError;

/// The end of a run that did not do what was asked.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What happened: lower case, no full stop. Empty for Ctrl-C.
    pub message: String,
    /// One thing to do next.
    pub hint: Option<String>,
}

impl Failure {
    /// Makes one without a hint.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    /// It could not be tried.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Exit::Invalid, message)
    }

    /// Ctrl-C, or the end of input at a prompt.
    pub fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "")
    }

    /// Adds the one thing to do.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        let failure = Self::invalid(error.to_string());
        match error {
            FileError::Exists(_) => {
                failure.hint("nothing is ever overwritten: name another file or folder")
            }
            _ => failure,
        }
    }
}

impl From<KitError> for Failure {
    fn from(error: KitError) -> Self {
        let failure = Self::invalid(error.to_string());
        match error {
            KitError::NoKit(_) => {
                failure.hint("go into the folder of the kit, or name it with `-C DIR`; `breakglass init DIR` starts a new one")
            }
            KitError::File(error) => error.into(),
            KitError::Method { .. } | KitError::Contacts { .. } | KitError::Set { .. } => failure,
        }
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        let message = error.to_string();
        match error {
            LogError::File(error) => error.into(),
            LogError::Line { .. } => Self::invalid(message)
                .hint("`breakglass log verify` says how far the chain holds; nothing was written"),
        }
    }
}
