//! Bringing files in place to the form of an earlier release, in either byte order: BTREE and RECNO 10 →
//! 9 → 8 → 7 → 6 (upgrade, "Downgrade"), HASH 10 → 9 → 8 → 7 → 6 → 5 and QUEUE 4 → 3 → 1
//! (upgrade-other, "Downgrades"), HEAP 2 → 1 (other-releases, "Downgrade 10 → 9 and HEAP 2 → 1, in place").
//!
//! - `open`: the downgrade as its user sees it; `choices`: what it is to do
//! - `conditions`: what the earlier form cannot hold
//! - `prepare`: checks, and the plan, before anything is written
//! - `metadata`: fields go back to where they were; `chains`: trees of off-page duplicates become
//!   chains

mod chains;
mod choices;
mod conditions;
mod metadata;
mod open;
mod prepare;

pub use choices::{DowngradeChoices, DowngradeTo};
pub use open::{Downgrade, downgraded};
