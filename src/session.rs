//! The recorded session: a terminal for the operator, and a record of what went over it that is no leak.
//!
#![doc = include_str!("session/format.md")]

pub mod recording;
