//! Side by side with the programs of libdb 5.3: what they print of the same logs, and what they
//! say of files and stores that were upgraded.
//!
//! Where a C compiler, libdb's header or a tool is missing the tests say so and do nothing; with
//! `BDBKIT_DEMAND_GENUINE` in the environment that is a failure.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    missing_docs
)]

#[cfg(feature = "upgrade")]
#[path = "../common/build/mod.rs"]
mod build;
#[path = "../common/mod.rs"]
mod common;
#[cfg(feature = "upgrade")]
#[path = "../common/plans.rs"]
mod plans;

#[cfg(all(unix, feature = "upgrade"))]
use std::sync::RwLockWriteGuard;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

#[cfg(feature = "build")]
mod fresh;
mod log;
#[cfg(all(unix, feature = "upgrade"))]
mod other;
mod packed;
mod recover;
#[cfg(all(unix, feature = "upgrade"))]
mod store;
#[cfg(feature = "upgrade")]
mod upgrade;
#[cfg(feature = "upgrade")]
mod upgrade_props;

/// Until it runs, a program that is started holds the files that all threads have open: an upgrade
/// on the real disk then finds its file in use.
static STARTS: RwLock<()> = RwLock::new(());

/// For a test that starts programs.
fn among_others() -> RwLockReadGuard<'static, ()> {
    STARTS.read().unwrap_or_else(PoisonError::into_inner)
}

/// For a test that upgrades files on the real disk.
#[cfg(all(unix, feature = "upgrade"))]
fn alone() -> RwLockWriteGuard<'static, ()> {
    STARTS.write().unwrap_or_else(PoisonError::into_inner)
}
