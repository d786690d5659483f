//! Randomness: an argument below the surface, the operating system at the surface.

pub use rand::CryptoRng;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;

/// Returns the operating system's randomness, without a generator of our own in between.
///
/// # Panics
/// Drawing from it panics when the operating system gives none; nothing has been made then.
pub fn os() -> impl CryptoRng {
    UnwrapErr(SysRng)
}

/// Draws `N` random bytes.
pub fn bytes<const N: usize>(rng: &mut impl CryptoRng) -> [u8; N] {
    let mut out = [0; N];
    rng.fill_bytes(&mut out);
    out
}
