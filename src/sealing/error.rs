//! Why age files are not made or opened.

/// Why a lock cannot be closed or opened.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Not a recipient.
    #[error("`{0}` is not an age recipient (age1…)")]
    Recipient(String),
    /// A recipient or identity of a plugin, and this program was built without plugins.
    #[error("it needs an age plugin, and this program was built without plugins")]
    NoPlugins,
    /// The program of a plugin is not there.
    #[error("it needs the program `{0}`, which is not on the search path")]
    Plugin(String),
    /// A line of an identity file that is none.
    #[error("line {0} is not an age identity (AGE-SECRET-KEY-1…)")]
    Identity(usize),
    /// A file without an identity.
    #[error("it holds no age identity (AGE-SECRET-KEY-1…)")]
    NoIdentity,
    /// What was locked is not an age file.
    #[error("its lock is not an age file: it was altered, or its page was read wrong")]
    Damaged,
    /// Another passphrase or key is needed.
    #[error("that does not open it")]
    Closed,
    /// The passphrase costs more work than is accepted.
    #[error("its passphrase needs scrypt work factor {0}, more than the 20 that are accepted")]
    Work(u8),
    /// An identity file in age's text form.
    #[error("it is armored and sealed: make a plain key file of it with `age -d` first")]
    Armored,
    /// It opens, but not to a share.
    #[error("the lock opens, but there is no share in it")]
    Content,
    /// The lock has more bytes than a sheet has room for.
    #[error("its lock has {0} bytes, more than a sheet has room for: name fewer recipients")]
    TooLong(usize),
    /// age or a plugin could not seal; the words hold nothing secret.
    #[error("it cannot be locked: {0}")]
    Seal(String),
}
