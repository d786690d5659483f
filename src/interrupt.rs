//! Ctrl-C, a closed terminal or a polite kill while something is under way that has to be brought to an end first.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use signal_hook::SigId;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

static CAME: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Says whether a signal came while one of the guards was held.
pub fn came() -> bool {
    CAME.load(Ordering::Relaxed)
}

/// Notes one that was told in another way, by a child that ended because of it.
pub fn note() {
    CAME.store(true, Ordering::Relaxed);
}

/// While it is held, signals are noted and end nothing.
#[must_use]
pub struct Guard(Vec<SigId>);

/// Holds Ctrl-C back.
pub fn hold_back() -> Guard {
    guard(&[SIGINT])
}

/// Holds back Ctrl-C, the end of the terminal, and a polite kill.
pub fn hold_back_all() -> Guard {
    guard(&[SIGINT, SIGHUP, SIGTERM])
}

fn guard(signals: &[i32]) -> Guard {
    let register = |signal: &i32| signal_hook::flag::register(*signal, Arc::clone(&CAME)).ok();
    Guard(signals.iter().filter_map(register).collect())
}

impl Drop for Guard {
    fn drop(&mut self) {
        for id in self.0.drain(..) {
            signal_hook::low_level::unregister(id);
        }
    }
}
