#![doc = include_str!("codes/format.md")]

pub mod code;
pub mod crockford;
pub mod desk;
pub mod grid;
pub mod keyboard;
pub mod lines;
pub mod payload;

pub use code::Code;
pub use payload::{Kind, Payload};
