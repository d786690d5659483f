//! Whole cycles against real platforms' own programs, on loopback: `cargo test --features live --test live`.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "live/aws.rs"]
mod aws;
#[path = "live/cycle.rs"]
mod cycle;
#[path = "support/desk.rs"]
mod desk;
#[path = "support/dialogue.rs"]
mod dialogue;
#[path = "support/hands.rs"]
mod hands;
#[path = "live/linux.rs"]
mod linux;
#[path = "live/matrix.rs"]
mod matrix;
#[path = "support/papers.rs"]
mod papers;
#[path = "live/postgresql.rs"]
mod postgresql;
#[path = "live/session.rs"]
mod session;
#[path = "support/small.rs"]
mod small;
#[path = "live/ssh.rs"]
mod ssh;
#[path = "live/story.rs"]
mod story;
#[path = "support/transcript.rs"]
mod transcript;
#[path = "live/vault.rs"]
mod vault;
