//! Ctrl-C, a closed terminal or a polite kill while something is under way that has to be brought to an end first.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

static CAME: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// One signal: whether it ends the process as usual, and how many guards hold it back.
struct Held {
    signal: i32,
    ends: LazyLock<Arc<AtomicBool>>,
    guards: AtomicUsize,
}

impl Held {
    const fn new(signal: i32) -> Self {
        Self {
            signal,
            ends: LazyLock::new(|| Arc::new(AtomicBool::new(true))),
            guards: AtomicUsize::new(0),
        }
    }

    /// Takes the signal over, once: a handler that is taken away again does not bring the usual end back.
    fn hold(&self) {
        static TAKEN: [AtomicBool; 3] = [const { AtomicBool::new(false) }; 3];
        let index = HELD.iter().position(|held| held.signal == self.signal).unwrap_or(0);
        self.guards.fetch_add(1, Ordering::SeqCst);
        self.ends.store(false, Ordering::SeqCst);
        if !TAKEN[index].swap(true, Ordering::SeqCst) {
            let _ = flag::register(self.signal, Arc::clone(&CAME));
            let _ = flag::register_conditional_default(self.signal, Arc::clone(&self.ends));
        }
    }

    fn let_go(&self) {
        if self.guards.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.ends.store(true, Ordering::SeqCst);
        }
    }
}

static HELD: [Held; 3] = [Held::new(SIGINT), Held::new(SIGHUP), Held::new(SIGTERM)];

/// Says whether a signal came while one of the guards was held.
pub fn came() -> bool {
    CAME.load(Ordering::Relaxed)
}

/// Notes one that was told in another way, by a child that ended because of it.
pub fn note() {
    CAME.store(true, Ordering::Relaxed);
}

/// Forgets one that was answered already.
pub fn forget() {
    CAME.store(false, Ordering::Relaxed);
}

/// While it is held, signals are noted and end nothing; after it they end the process as ever.
#[must_use]
pub struct Guard(&'static [Held]);

/// Holds Ctrl-C back.
pub fn hold_back() -> Guard {
    guard(&HELD[..1])
}

/// Holds back Ctrl-C, the end of the terminal, and a polite kill.
pub fn hold_back_all() -> Guard {
    guard(&HELD)
}

fn guard(held: &'static [Held]) -> Guard {
    held.iter().for_each(Held::hold);
    Guard(held)
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.iter().for_each(Held::let_go);
    }
}
