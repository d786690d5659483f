//! Break-glass credentials on paper.

pub mod cli;
pub mod clock;
pub mod codes;
pub mod commands;
pub mod dealing;
pub mod delivery;
pub mod exit;
pub mod files;
pub mod harden;
pub mod kit;
pub mod logbook;
pub mod method;
pub mod opening;
pub mod paper;
pub mod rng;
pub mod scan;
pub mod sealing;
pub mod secret;
pub mod set;
pub mod sharing;
pub mod ui;
