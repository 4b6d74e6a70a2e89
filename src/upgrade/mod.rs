//! Upgrading files in place: 6 → 7 → 8 → 9, in either byte order (upgrade); and what else is
//! done to files through the same machine.
//!
//! - `open`: the upgrade as its user sees it; `choices`, `profile`: what it is to do
//! - `prepare`: checks, and the plan, before anything is written
//! - `v6_to_v7`, `v7_to_v8`, `v8_to_v9`: one step each; `duplicates`: chains become trees
//! - `databases`, `sorting`, `shared_keys`: what the steps need to know

mod choices;
mod databases;
mod duplicates;
mod open;
mod prepare;
mod profile;
mod shared_keys;
mod sorting;
mod v6_to_v7;
mod v7_to_v8;
mod v8_to_v9;

pub use choices::{Choices, NewId, RecordForm};
pub use open::{Upgrade, in_memory};
pub use profile::{Duplicates, Profile};

pub use crate::edit::{
    Change, Edit, EditError, FileReport, Notice, Plan, Progress, Reason, Refusal, Report, Settled, Step,
};
pub use crate::journal::{ContentSum, Promise};
pub use crate::reset::{Reset, ResetOf};
