//! The command-line tool.
//!
//! - `read`: `dump`, `get` and `info`, and what all commands share; `differential`: beside Debian's tools
//! - `called`: by the names of the genuine programs
//! - `load`: `load` and `compact`
//! - `export`: tables, read again by other programs
//! - `verify`, `salvage`, `log`, `upgrade`, `convert`, `diff`: those commands; `encrypted`: all on encrypted files
//! - `carve`: files in images of disks; `map`: pictures of files, in a `browser`, too
//! - `store`, `store_list`, `store_snapshots`, `store_survey`: those of stores
//! - `edges`: what real folders hold, and what names, streams and options do
//! - `habits`: what people expect of any tool
//! - `kill`: the tool killed in its work
//!
//! Each runs it as `tool` does.

#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    missing_docs
)]

#[path = "../common/mod.rs"]
mod common;
#[cfg(unix)]
#[path = "../common/fake_disk.rs"]
mod fake_disk;
#[cfg(unix)]
#[path = "../common/journals.rs"]
mod journals;
#[cfg(unix)]
#[path = "../common/restore_plan.rs"]
mod restore_plan;

mod browser;
#[cfg(unix)]
mod called;
mod carve;
#[cfg(unix)]
mod convert;
mod diff;
mod differential;
mod edges;
mod encrypted;
mod export;
mod external;
mod habits;
#[cfg(unix)]
mod kill;
mod load;
mod log;
mod map;
mod read;
mod recover;
mod salvage;
#[cfg(unix)]
mod store;
mod store_list;
#[cfg(unix)]
mod store_snapshots;
mod store_survey;
mod tool;
#[cfg(unix)]
mod upgrade;
mod verify;
