//! Secret bytes: wiped when dropped, and nothing that could print, copy or compare them by accident.

use zeroize::Zeroizing;

/// A credential, or anything else that must not be seen.
///
/// It has no `Debug`, `Display`, `Clone`, `PartialEq` or `Serialize`:
///
/// ```compile_fail
/// let secret = breakglass::secret::Secret::new(vec![1, 2, 3]);
/// println!("{secret:?}");
/// ```
/// ```compile_fail
/// let secret = breakglass::secret::Secret::new(vec![1, 2, 3]);
/// let copy = secret.clone();
/// ```
/// ```compile_fail
/// let secret = breakglass::secret::Secret::new(vec![1, 2, 3]);
/// serde_json::to_string(&secret);
/// ```
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over; the vector is wiped when the secret is dropped.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Returns the bytes. Where they go from here is the caller's care.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Returns the number of bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Says whether there are no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Says whether two secrets are the same, in time that depends on their lengths only.
    pub fn same_as(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.0.iter().zip(other.0.iter()).fold(0, |seen, (a, b)| seen | (a ^ b)) == 0
    }
}

impl From<Zeroizing<Vec<u8>>> for Secret {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }
}
