//! What the process does about its own memory, before it sees a secret.
//!
//! Freed memory is wiped by the [`Allocator`]; what the compiler leaves on the stack is overwritten by
//! [`with_burnt_stack`]. No memory is locked: that fails as an ordinary user and, with a lock on future
//! allocations, kills the key derivation. SECURITY.md says what remains.

use rustix::process::{DumpableBehavior, Resource, Rlimit};
use zeroize::Zeroize;

/// Wipes every allocation as it is freed; `main.rs` makes it the global allocator.
pub type Allocator = zeroizing_alloc::ZeroAlloc<std::alloc::System>;

/// The allocator, for the `#[global_allocator]` of a binary.
pub const ALLOCATOR: Allocator = zeroizing_alloc::ZeroAlloc(std::alloc::System);

/// Bytes of stack that are overwritten after secret work.
const BURN: usize = 256 * 1024;

/// Forbids core dumps and other processes of the same user to read this one's memory.
///
/// Best effort: a system that refuses still opens credentials.
pub fn process() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = rustix::process::setrlimit(Resource::Core, none);
    let _ = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Says whether swap is in use, so that secrets may reach a disk. Unknown counts as no.
pub fn swap_is_on() -> bool {
    // the first line is the heading
    std::fs::read_to_string("/proc/swaps").is_ok_and(|text| text.lines().count() > 1)
}

/// Runs the work in a frame of its own, then overwrites the stack below the caller.
pub fn with_burnt_stack<T>(work: impl FnOnce() -> T) -> T {
    let result = apart(work);
    burn();
    result
}

#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
#[allow(clippy::large_stack_arrays, reason = "the stack is what is to be overwritten")]
fn burn() {
    let mut frame = [0x5a_u8; BURN];
    frame.zeroize();
    std::hint::black_box(&frame);
}
