//! What a driver writes, read while it runs.

use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

/// How long a pipe is read on after the driver itself has ended.
const LINGER: Duration = Duration::from_secs(2);

/// A pipe that is read in a thread of its own.
pub(super) struct Pipe {
    bytes: Arc<Mutex<Zeroizing<Vec<u8>>>>,
    thread: JoinHandle<()>,
}

impl Pipe {
    /// Reads to the end, and keeps no more than `most`: whoever writes more is not to be ended by that.
    pub(super) fn read(pipe: Option<impl Read + Send + 'static>, most: usize) -> Self {
        let bytes = Arc::new(Mutex::new(Zeroizing::new(Vec::new())));
        let kept = Arc::clone(&bytes);
        let thread = thread::spawn(move || {
            let Some(mut pipe) = pipe else { return };
            let mut block = Zeroizing::new([0; 8192]);
            while let Ok(read @ 1..) = pipe.read(&mut block[..]) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let room = most.saturating_sub(kept.len()).min(read);
                kept.extend_from_slice(&block[..room]);
            }
        });
        Self { bytes, thread }
    }

    /// Takes what was read; something that the driver started and left behind is not waited for.
    pub(super) fn rest(self) -> Zeroizing<Vec<u8>> {
        let until = Instant::now() + LINGER;
        while !self.thread.is_finished() && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *bytes)
    }
}
