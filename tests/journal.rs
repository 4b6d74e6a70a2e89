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

#[path = "journal/backup.rs"]
mod backup;
#[path = "journal/crash.rs"]
mod crash;
#[path = "common/fake_disk.rs"]
mod fake_disk;
#[path = "journal/hostile.rs"]
mod hostile;
#[path = "journal/leftover.rs"]
mod leftover;
#[path = "journal/sample.rs"]
mod sample;
#[path = "journal/sets.rs"]
mod sets;
#[cfg(unix)]
#[path = "journal/system.rs"]
mod system;
