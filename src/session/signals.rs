//! Signals that a running session has to hear of: its child ended, the terminal changed or went away.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::SigId;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGWINCH};

/// Notes signals, and makes a stream readable when one came.
pub(super) struct Signals {
    stream: UnixStream,
    ids: Vec<SigId>,
    flags: [(i32, Arc<AtomicBool>); 4],
}

impl Signals {
    pub(super) fn watch() -> std::io::Result<Self> {
        let (stream, writer) = UnixStream::pair()?;
        stream.set_nonblocking(true)?;
        let flags = [SIGHUP, SIGINT, SIGTERM, SIGWINCH].map(|signal| (signal, Arc::default()));
        let mut ids = Vec::new();
        for (signal, flag) in &flags {
            ids.push(signal_hook::flag::register(*signal, Arc::clone(flag))?);
        }
        for signal in [SIGHUP, SIGINT, SIGTERM, SIGWINCH, SIGCHLD] {
            ids.push(signal_hook::low_level::pipe::register(signal, writer.try_clone()?)?);
        }
        Ok(Self { stream, ids, flags })
    }

    /// Returns what becomes readable.
    pub(super) fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// Takes the wake-ups out of the stream.
    pub(super) fn clear(&self) {
        let mut bytes = [0; 64];
        while matches!((&self.stream).read(&mut bytes), Ok(read) if read > 0) {}
    }

    /// Says whether a signal came since it was asked last.
    pub(super) fn came(&self, signal: i32) -> bool {
        let flag = self.flags.iter().find(|(known, _)| *known == signal);
        flag.is_some_and(|(_, flag)| flag.swap(false, Ordering::Relaxed))
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for id in self.ids.drain(..) {
            signal_hook::low_level::unregister(id);
        }
    }
}
