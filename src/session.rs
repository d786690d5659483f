//! The recorded session: a terminal for the operator, and a record of what went over it that is no leak.
//!
#![doc = include_str!("session/format.md")]

pub mod cast;
mod doubt;
pub mod escapes;
pub mod hideout;
pub mod index;
mod inside;
pub mod mask;
pub mod notices;
pub mod outside;
mod parts;
pub mod player;
pub mod pty;
pub mod recorder;
pub mod recording;
pub mod redact;
mod relay;
mod screen;
mod signals;
pub mod text;
pub mod traces;
pub mod values;
