//! Mail stores: what they are, what is in them, and how they are upgraded and restored.
//!
//! - `releases`: the table of releases
//! - `survey`, `plan`, `list`: what is told of a store
//! - `upgrade`: whole stores as one unit, and snapshots put in their place
//! - `crash`: both on a disk that stops, or fails, at any operation
//!
//! No program is started here: see `upgrade`.

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

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/fake_disk.rs"]
mod fake_disk;
#[cfg(unix)]
#[path = "../common/restore_plan.rs"]
mod restore_plan;

mod crash;
mod list;
mod plan;
mod releases;
mod survey;
#[cfg(unix)]
mod upgrade;

/// All stores of `testdata/`.
fn stores() -> Vec<common::Case> {
    let stores = common::cases(&["mboxlist-"]);
    assert!(stores.len() >= 11 && stores.iter().any(|case| case.big_endian), "{}", stores.len());
    stores
}
