//! An access method: one way in, its owner, its permitted uses, its custodians.
//!
//! One file decides a ceremony: `method.toml`. At dealing it is copied beside the set, and the manifest holds the
//! copy's hash, so what was dealt cannot be changed by editing a file.

mod caret;
pub mod contacts;
pub mod file;
pub mod lint;

pub use contacts::Contacts;
pub use file::{ByPhone, Custodian, Lock, Method, MethodError, Rotation, Source, short};
