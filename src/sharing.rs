//! Shamir's sharing over GF(2⁸) of one 32-byte identity (`codes/format.md` §3).
//!
//! The crate underneath checks nothing: duplicates, x = 0, k < 2 and a wrong k all give `Ok` with the wrong
//! bytes. So the types here cannot be built wrong: [`Threshold`], [`Share`], [`Quorum`].

use sharks::Sharks;
use zeroize::{Zeroize, Zeroizing};

use crate::rng::CryptoRng;

/// Most shares that a set may have; they fit one manifest.
pub const MAX_SHARES: u8 = 32;

/// Bytes of what is shared.
pub const IDENTITY_LEN: usize = 32;

/// The shared bytes, or the y of a share.
pub type Bytes32 = Zeroizing<[u8; IDENTITY_LEN]>;

/// k of n: any k shares open the set, 2 ≤ k ≤ n ≤ 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    k: u8,
    n: u8,
}

/// Why shares do not make a quorum, or numbers no threshold.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SharingError {
    /// k below 2: every share would be the secret itself.
    #[error("{k} of {n}: with fewer than 2 needed, one share alone would be the secret")]
    TooLow {
        /// Shares needed.
        k: u8,
        /// Shares dealt.
        n: u8,
    },
    /// k above n.
    #[error("{k} of {n}: more shares are needed than there are")]
    TooHigh {
        /// Shares needed.
        k: u8,
        /// Shares dealt.
        n: u8,
    },
    /// n above [`MAX_SHARES`].
    #[error("{n} shares: at most 32 fit one set")]
    TooMany {
        /// Shares dealt.
        n: u8,
    },
    /// A share number outside 1 … 32.
    #[error("share number {x} is outside 1 to 32")]
    Number {
        /// The number.
        x: u8,
    },
    /// Not exactly k shares with different numbers.
    #[error("{got} different shares, {k} are needed")]
    NoQuorum {
        /// Shares needed.
        k: u8,
        /// Different shares given.
        got: usize,
    },
}

impl Threshold {
    /// Checks 2 ≤ k ≤ n ≤ 32.
    pub fn new(k: u8, n: u8) -> Result<Self, SharingError> {
        match (k, n) {
            (_, n) if n > MAX_SHARES => Err(SharingError::TooMany { n }),
            (k, n) if k > n => Err(SharingError::TooHigh { k, n }),
            (0 | 1, n) => Err(SharingError::TooLow { k, n }),
            (k, n) => Ok(Self { k, n }),
        }
    }

    /// Returns how many different shares open the set.
    pub fn k(self) -> u8 {
        self.k
    }

    /// Returns how many different shares there are.
    pub fn n(self) -> u8 {
        self.n
    }

    /// Returns how many different numbers have to be read back before a set counts as confirmed: min(n, k + 1).
    pub fn to_confirm(self) -> u8 {
        self.n.min(self.k + 1)
    }
}

/// One share: a point of the polynomial. No `Debug`: k of them are the secret.
#[derive(Clone)]
pub struct Share {
    x: u8,
    y: Bytes32,
}

impl Share {
    /// Takes a point; its number x must lie in 1 … 32.
    pub fn new(x: u8, y: Bytes32) -> Result<Self, SharingError> {
        if x == 0 || x > MAX_SHARES { Err(SharingError::Number { x }) } else { Ok(Self { x, y }) }
    }

    /// Returns the share number, 1 … 32.
    pub fn x(&self) -> u8 {
        self.x
    }

    /// Returns the 32 bytes of the point.
    pub fn y(&self) -> &[u8; IDENTITY_LEN] {
        &self.y
    }
}

/// Splits the identity into n shares, x = 1 … n.
pub fn split(
    identity: &[u8; IDENTITY_LEN],
    threshold: Threshold,
    rng: &mut impl CryptoRng,
) -> Vec<Share> {
    Sharks(threshold.k)
        .dealer_rng(identity, rng)
        .take(threshold.n.into())
        .map(|share| {
            let bytes = Zeroizing::new(Vec::from(&share));
            let mut y = Zeroizing::new([0; IDENTITY_LEN]);
            y.copy_from_slice(&bytes[1..]);
            Share { x: bytes[0], y }
        })
        .collect()
}

/// Exactly k shares with k different numbers.
pub struct Quorum(Vec<Share>);

impl Quorum {
    /// Takes exactly k shares with different numbers. Copies of one number count once and are refused here.
    pub fn new(threshold: Threshold, shares: Vec<Share>) -> Result<Self, SharingError> {
        let mut numbers: Vec<u8> = shares.iter().map(Share::x).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let k = usize::from(threshold.k);
        if numbers.len() == k && shares.len() == k {
            Ok(Self(shares))
        } else {
            Err(SharingError::NoQuorum { k: threshold.k, got: numbers.len() })
        }
    }

    /// Returns the shared identity. Callers have written their record before (`logbook`).
    pub fn recover(&self) -> Bytes32 {
        self.at(0)
    }

    /// Returns the y of the share with number x on the polynomial of this quorum; x = 0 is the identity.
    ///
    /// Shifting every number by x moves the wanted point to 0, where the crate interpolates.
    pub fn at(&self, x: u8) -> Bytes32 {
        let moved: Vec<sharks::Share> = self
            .0
            .iter()
            .filter_map(|share| {
                let mut point = Zeroizing::new([0; IDENTITY_LEN + 1]);
                point[0] = share.x ^ x;
                point[1..].copy_from_slice(&*share.y);
                sharks::Share::try_from(&point[..]).ok()
            })
            .collect();
        let mut out = Zeroizing::new([0; IDENTITY_LEN]);
        // cannot fail: k different numbers of one length, by construction
        if let Ok(mut bytes) = Sharks(u8::try_from(moved.len()).unwrap_or(u8::MAX)).recover(&moved)
        {
            out.copy_from_slice(&bytes);
            bytes.zeroize();
        }
        out
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::rng;

    fn subsets(n: usize, k: usize) -> Vec<Vec<usize>> {
        (0_u32..1 << n)
            .filter(|bits| bits.count_ones() as usize == k)
            .map(|bits| (0..n).filter(|i| bits >> i & 1 == 1).collect())
            .collect()
    }

    #[test]
    fn every_quorum_of_up_to_six_opens_and_finds_every_other_share() {
        for n in 2..=6 {
            for k in 2..=n {
                let secret: [u8; 32] = rng::bytes(&mut rng::os());
                let threshold = Threshold::new(k, n).unwrap();
                let shares = split(&secret, threshold, &mut rng::os());
                assert_eq!(shares.len(), usize::from(n));
                for subset in subsets(n.into(), k.into()) {
                    let chosen = subset.iter().map(|&i| shares[i].clone()).collect();
                    let quorum = Quorum::new(threshold, chosen).unwrap();
                    assert_eq!(*quorum.recover(), secret);
                    for share in &shares {
                        assert_eq!(&*quorum.at(share.x), share.y());
                    }
                }
            }
        }
    }

    #[test]
    fn thresholds_that_make_no_sense_are_refused() {
        assert_eq!(Threshold::new(1, 5), Err(SharingError::TooLow { k: 1, n: 5 }));
        assert_eq!(Threshold::new(0, 0), Err(SharingError::TooLow { k: 0, n: 0 }));
        assert_eq!(Threshold::new(6, 5), Err(SharingError::TooHigh { k: 6, n: 5 }));
        assert_eq!(Threshold::new(3, 33), Err(SharingError::TooMany { n: 33 }));
        assert!(Threshold::new(2, 2).is_ok() && Threshold::new(32, 32).is_ok());
    }

    #[test]
    fn a_quorum_is_exactly_k_different_shares() {
        let threshold = Threshold::new(3, 5).unwrap();
        let shares = split(&[7; 32], threshold, &mut rng::os());
        let pick = |numbers: &[usize]| numbers.iter().map(|&i| shares[i].clone()).collect();
        assert!(Quorum::new(threshold, pick(&[0, 1])).is_err());
        assert!(Quorum::new(threshold, pick(&[0, 1, 1])).is_err());
        assert!(Quorum::new(threshold, pick(&[0, 1, 2, 2])).is_err());
        assert!(Quorum::new(threshold, pick(&[0, 1, 2, 3])).is_err());
        assert!(Share::new(0, Zeroizing::new([0; 32])).is_err());
        assert!(Share::new(33, Zeroizing::new([0; 32])).is_err());
    }

    /// sharks 0.5.0 never gives the secret's own byte at k = 2 (RUSTSEC-2024-0398); uniform coefficients do,
    /// one time in 256: 20 480 deals without one have a chance of e⁻⁸⁰.
    #[test]
    fn coefficients_may_be_zero() {
        let threshold = Threshold::new(2, 2).unwrap();
        let equal =
            (0..640).any(|_| split(&[0x42; 32], threshold, &mut rng::os())[0].y().contains(&0x42));
        assert!(equal);
    }
}
