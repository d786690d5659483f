//! Places where a test lets the program die, as power cuts do. In a release build there is nothing here.
//!
//! With `BREAKGLASS_FAULT=7` a debug build kills itself at the seventh place that it comes to, and says which it was;
//! with `BREAKGLASS_FAULT=list` it says of each that it comes to.

/// Comes to a place.
#[cfg(debug_assertions)]
pub(crate) fn point(name: &str) {
    use std::io::Write;
    use std::sync::atomic::{AtomicU32, Ordering};

    static SEEN: AtomicU32 = AtomicU32::new(0);
    let wanted = std::env::var("BREAKGLASS_FAULT").unwrap_or_default();
    let here = SEEN.fetch_add(1, Ordering::Relaxed) + 1;
    let dies = wanted.parse() == Ok(here);
    if dies || wanted == "list" {
        let _ = writeln!(std::io::stderr(), "fault {here}: {name}");
    }
    if dies {
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

/// Comes to a place.
#[cfg(not(debug_assertions))]
pub(crate) fn point(_: &str) {}

/// Cuts what is written in one piece into two, so that a test can die between them.
#[cfg(debug_assertions)]
pub(crate) fn pieces(bytes: &[u8]) -> [&[u8]; 2] {
    let (first, rest) = bytes.split_at(bytes.len() / 2);
    [first, rest]
}

/// Cuts nothing.
#[cfg(not(debug_assertions))]
pub(crate) fn pieces(bytes: &[u8]) -> [&[u8]; 1] {
    [bytes]
}
