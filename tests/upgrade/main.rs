//! Upgrades of database files.
//!
//! - `golden`: the result byte for byte beside that of the genuine tools
//! - `other`: HASH and QUEUE
//! - `down`: downgrades; `repair`: repairs
//! - `logs`: files beside logs that are made for one question each
//! - `convert`: the other byte order
//! - `recover`: recovery in place
//! - `crash`: a disk that stops, or fails, at any operation
//! - `memory`: how much an upgrade takes
//!
//! A program that is started holds, until it runs, the files that all threads of its parent have
//! open. An upgrade then finds its file in use. So files on the real disk are changed here, and
//! programs are started in `genuine` and `cli`.

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

#[path = "../common/build/mod.rs"]
mod build;
#[path = "../common/mod.rs"]
mod common;
#[cfg(all(unix, feature = "mmap"))]
#[path = "../common/counting.rs"]
mod counting;
#[cfg(unix)]
#[allow(dead_code)]
#[path = "../common/craft.rs"]
mod craft;
#[path = "../common/fake_disk.rs"]
mod fake_disk;

mod convert;
mod crash;
mod down;
mod golden;
#[cfg(unix)]
mod logs;
#[cfg(all(unix, feature = "mmap"))]
mod memory;
mod other;
mod recover;
mod repair;
