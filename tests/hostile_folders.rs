//! Folders that somebody laid out for the tool to fall into: journals, records, drafts and copies
//! that are not those of an earlier run, with right sums; links, pipes, foreign owners.
//!
//! Whatever is done in them, nothing outside changes, nothing of others is removed, and no
//! database is made of two.
//!
//! Some hundreds of folders, or as many as `BDBKIT_FOLDERS` in the environment says:
//!
//! ```text
//! BDBKIT_FOLDERS=10000 cargo test --features cli --test hostile_folders -- --nocapture
//! ```

#![cfg(all(unix, feature = "cli"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    missing_docs
)]

mod common;
#[path = "common/fake_disk.rs"]
mod fake_disk;
#[path = "common/hostile_folder.rs"]
mod hostile_folder;
#[path = "common/journals.rs"]
mod journal;

#[path = "hostile_folders/journals.rs"]
mod journals;
#[path = "common/restore_plan.rs"]
mod restore_plan;
#[path = "hostile_folders/stages.rs"]
mod stages;
