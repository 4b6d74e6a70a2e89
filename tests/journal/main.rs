//! The journal: a file that is changed in place is entirely old or entirely new in the
//! end, whatever fails on the way.
//!
//! - `sample`: changes to try it with
//! - `crash`: every operation of a run stopped or failed, and of the later run too
//! - `sets`: the same for several files as one unit
//! - `leftover`: what a later run does about each state that it may find
//! - `hostile`: journals cut, damaged and made up
//! - `backup`: whole copies
//! - `system`: the real disk

#![cfg(feature = "upgrade")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    missing_docs
)]

mod backup;
mod crash;
#[path = "../common/fake_disk.rs"]
mod fake_disk;
mod hostile;
mod leftover;
mod sample;
mod sets;
#[cfg(unix)]
mod system;
