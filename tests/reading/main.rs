//! What is read of database files: pairs, the findings of a check, and what a salvage recovers.
//!
//! - `golden`: every file of `testdata/` against the text of the genuine tools
//! - `props`: look-ups, ranges, cursors and iterators against a model
//! - `verify`: the check of whole files
//! - `salvage`: what damaged and destroyed files give
//! - `external`: values in external files, and the versions of the releases that write them
//! - `series1`: files of the 1.x series
//! - `fresh`: files that are built, loaded and compacted
//! - `carve`: files in images of disks
//! - `built`: the files that tests build are sound
//! - `diff`: what differs between two databases
//! - `encrypted`: encrypted databases, with and without their password
//! - `rows`: all rows of a file, with where they stand
//! - `ways`: page by page, by iterators that own their database, in parts: always the same

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
#[path = "../common/counting.rs"]
mod counting;
#[path = "../common/build/series1.rs"]
mod old;
#[path = "../common/plans.rs"]
mod plans;

mod built;
mod carve;
mod diff;
#[cfg(feature = "encryption")]
mod encrypted;
mod external;
mod flat;
#[cfg(feature = "build")]
mod fresh;
mod golden;
mod packed;
mod props;
mod rows;
mod salvage;
mod series1;
mod verify;
mod ways;
