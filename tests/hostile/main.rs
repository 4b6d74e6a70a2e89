//! Hostile input: damaged files, and files made to attack the reader.
//!
//! - `mutants`: every truncation and every single-byte change of small files
//! - `classes`: the named kinds of damage, one test each, in both byte orders, as the
//!   reader meets them; `verify_classes` and `salvage_classes` for the other two
//! - `agreement`: files of which the reader and the check of the whole file must say the same,
//!   within the same bounds
//! - `damage`: the files of these tests, and what is done to them
//! - `memory`: what damaged files make the reader allocate
//! - `damaged`: the files of `testdata/damage-*`
//! - `external`: files of later releases, with values in external files
//! - `regress`: faults that were found and mended
//! - `folders`: folders that were laid out for the tool to fall into
//!
//! Each byte is changed to a few values only. With `BDBKIT_EXHAUSTIVE=1` in the
//! environment, each byte of all small files takes all 255 other values, which
//! takes hours without optimisation:
//!
//! ```text
//! BDBKIT_EXHAUSTIVE=1 cargo test --profile hardened --test hostile exhaustive -- --nocapture
//! ```

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
#[cfg(all(unix, feature = "cli"))]
#[path = "../common/fake_disk.rs"]
mod fake_disk;
#[cfg(all(unix, feature = "cli"))]
#[path = "../common/hostile_folder.rs"]
mod hostile_folder;
#[cfg(all(unix, feature = "cli"))]
#[path = "../common/journals.rs"]
mod journals;
#[path = "../common/build/series1.rs"]
mod old;
#[cfg(all(unix, feature = "cli"))]
#[path = "../common/restore_plan.rs"]
mod restore_plan;

mod agreement;
mod carve;
mod classes;
mod damage;
mod damaged;
mod external;
mod flat;
#[cfg(all(unix, feature = "cli"))]
mod folders;
mod memory;
mod mutants;
mod packed;
mod regress;
mod salvage_classes;
mod series1;
mod verify_classes;
