//! How long a page may be worked on.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A point in the processor time of the thread that made it.
///
/// Not on the wall clock: a page gives the same on a machine that is busy with other things.
#[derive(Clone, Copy)]
pub(super) struct Until(Duration);

impl Until {
    /// Returns the point so much work from now.
    pub(super) fn after(work: Duration) -> Self {
        Self(used() + work)
    }

    /// Says whether it has come.
    pub(super) fn is_over(self) -> bool {
        used() >= self.0
    }
}

fn used() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
