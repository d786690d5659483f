#![doc = include_str!("logbook/format.md")]

pub mod chain;
pub mod entry;
pub mod event;
pub mod json;
pub mod member;
pub mod merge;
pub mod record;
pub mod stub;
pub mod transcript;

pub use chain::{Appended, LogError, Logbook};
pub use entry::Entry;
pub use event::Event;
pub use member::{Member, Person};
pub use record::{Draft, Program};

use crate::codes::code::{Code, CodeKind};
use crate::set::sha256;

/// Most bytes of a line.
pub const MAX_LINE: usize = 256 * 1024;

/// Returns the check code of a record: what is written by hand beside it.
pub fn check_code(line: &[u8]) -> Code {
    Code::stretch(CodeKind::Record, &sha256(&[line]))
}

/// Writes bytes as lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // writing to a String cannot fail
        let _ = write!(out, "{byte:02x}");
        out
    })
}
