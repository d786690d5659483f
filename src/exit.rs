//! Exit codes: part of the interface, listed in `--help` and README.

use std::process::ExitCode;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, delivered and recorded.
    Done,
    /// The answer is no: a broken chain, a failed check.
    No,
    /// It could not be tried: usage, unreadable or invalid input.
    Invalid,
    /// Fewer than k good shares; nothing was recorded but TAMPER.
    NoQuorum,
    /// The credential that was to be revoked still works.
    StillValid,
    /// Nothing is known to be broken, and the evidence does not tell everything.
    Inconclusive,
    /// The program that was given the credential never started.
    NotStarted,
    /// Ctrl-C at a prompt.
    Interrupted,
    /// The status of the program that was given the credential.
    Child(u8),
}

impl Exit {
    /// Returns the number.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Invalid => 2,
            Self::NoQuorum => 3,
            Self::StillValid => 4,
            Self::Inconclusive => 5,
            Self::NotStarted => 125,
            Self::Interrupted => 130,
            Self::Child(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}
