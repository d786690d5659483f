//! Break-glass credentials on paper, under dual control.
//!
//! A static credential, made in advance and limited in scope, is sealed with age to a one-time key; the key is
//! shared among custodians, any k of n, each with a printed sheet in a safe. [`dealing`] does that and reads every page
//! back before it says "made". When the usual ways in are down, k sheets come together offline; [`opening`]
//! names every sheet that does not fit before anything is recovered, the [`logbook`] has its record on disk before the
//! credential is released to one named operator, [`delivery`] hands it over, and a [`session`] records what is done with it.
//!
//! Everything needed is on the paper ([`codes`] is its specification), and it can be opened without this program.
//!
//! # Map
//!
//! Arrows point down: a room uses those below it (`tests/layers.rs`).
//!
//! ```text
//! main                    parse, run, exit
//! commands                one file per verb: read, call the library, tell, record
//! drivers                 those that are built in, each for a platform; a process of their own
//! ui                      every word, every question, every error's hint
//! audit                   books and evidence → facts → a verdict for every release, and findings
//! dealing  delivery       credential → sheets of paper; released secret → file or program
//! rotation                what a driver is asked, its process, and the plan of what comes next
//! session                 a recorded terminal; recordings; what was left behind
//! opening                 payloads → a verdict per sheet → quorum → secret
//! kit                     the folder
//! state                   one fold of the logbook: sets, sheets, releases, what is due
//! logbook  paper  scan    records and their chain; pages out; pages in
//! codes  method           the on-paper format; the method file
//! set                     manifest, shares, hashes
//! sealing                 age
//! sharing  credential     Shamir; what is inside a credential
//! secret harden files fault interrupt clock rng exit cli
//! ```
//!
//! `paper` and `scan` do not know each other; they meet in `codes` (texts and the grid). Only `scan` knows image
//! formats (but for a logo, `paper::picture`), only `paper::pdf` the PDF writer, only `sealing` age, only `sharing` the sharing crate.

pub mod audit;
pub mod cli;
pub mod clock;
pub mod codes;
pub mod commands;
pub mod credential;
pub mod dealing;
pub mod delivery;
pub mod drivers;
pub mod exit;
mod fault;
pub mod files;
pub mod harden;
pub mod interrupt;
pub mod kit;
pub mod logbook;
pub mod method;
pub mod opening;
pub mod paper;
pub mod rng;
pub mod rotation;
pub mod scan;
pub mod sealing;
pub mod secret;
pub mod session;
pub mod set;
pub mod sharing;
pub mod state;
pub mod ui;
