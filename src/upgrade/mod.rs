//! Upgrading files in place, in either byte order: BTREE 6 → 7 → 8 → 9 (upgrade), HASH 4 → 9 and
//! QUEUE 1 → 4 (upgrade-other); and what else is done to files through the same machine.
//!
//! - `open`: the upgrade as its user sees it; `choices`, `profile`: what it is to do
//! - `prepare`: checks, and the plan, before anything is written
//! - `v6_to_v7`, `v7_to_v8`, `v8_to_v9`: one step each; `duplicates`: chains become trees
//! - `v5_to_v6`, `hash`: of HASH what BTREE does not have; `queue`: all steps of QUEUE
//! - `databases`, `sorting`: what the steps need to know

mod choices;
mod databases;
mod duplicates;
mod hash;
mod open;
mod prepare;
mod profile;
mod queue;
mod sorting;
mod v5_to_v6;
mod v6_to_v7;
mod v7_to_v8;
mod v8_to_v9;

pub(crate) use databases::{Databases, Known};
pub(crate) use duplicates::Chains;

pub use choices::{Choices, NewId, RecordForm};
pub use open::{Upgrade, in_memory};
pub use profile::{Duplicates, Profile};

pub use crate::convert::{Convert, ConvertTo};
pub use crate::edit::{
    Change, Edit, EditError, FileReport, Notice, Plan, Progress, Reason, Refusal, Report, Settled, Step,
};
pub use crate::journal::{ContentSum, Promise};
pub use crate::reset::{Reset, ResetOf};
