//! From a released credential to the next one: a driver changes the platform, a plan says what comes next.
//!
//! ```text
//! protocol  what a driver is asked      answer  what it says (`protocol.md`)
//! parts     a credential and its named parts
//! driver    the process that does it: pinned, without our environment, with a time limit
//! journal   what was begun and what came of it; never a secret
//! plan      from what is known to the next step: a pure function
//! evidence  what the platform itself says, as a file
//! conformance  whether a driver keeps the rules
//! ```
#![doc = include_str!("rotation/protocol.md")]

pub mod answer;
pub mod conformance;
pub mod driver;
pub mod evidence;
pub mod journal;
pub mod parts;
pub mod plan;
pub mod protocol;
