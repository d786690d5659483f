//! Break-glass credentials on paper.

pub mod clock;
pub mod codes;
pub mod files;
pub mod harden;
pub mod logbook;
pub mod method;
pub mod rng;
pub mod sealing;
pub mod secret;
pub mod set;
pub mod sharing;
