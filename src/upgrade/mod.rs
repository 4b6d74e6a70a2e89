//! Upgrading files in place: 6 → 7 → 8 → 9, in either byte order (upgrade).
//!
//! - `prepare`: checks, and the plan, before anything is written
//! - `v6_to_v7`, `v7_to_v8`, `v8_to_v9`: one step each; `duplicates`, `leaves`, `node`: chains
//!   become trees
//! - `draft`: the file as it will be, in memory of the size of the changes
//! - `plan`, `run`, `copy`, `report`, `progress`: what the user sees of it
//! - `journals`, `backups`, `leftovers`: the journals and copies of a run, and what an earlier
//!   one left behind
//! - `databases`, `sorting`, `shared_keys`, `content`: what the steps need to know

mod backups;
mod choices;
mod codes;
mod content;
mod copy;
mod databases;
mod draft;
mod duplicates;
mod error;
mod journals;
mod leaves;
mod leftovers;
mod logs;
mod node;
mod notice;
mod plan;
mod prepare;
mod profile;
mod progress;
mod report;
mod reset;
mod run;
mod shared_keys;
mod sorting;
mod v6_to_v7;
mod v7_to_v8;
mod v8_to_v9;
mod validation;

pub use choices::{Choices, NewId, RecordForm};
pub use content::Content;
pub use draft::Reason;
pub(crate) use error::counted;
pub use error::{Refusal, UpgradeError};
pub(crate) use logs::check_logs;
pub use notice::Notice;
pub use plan::{Change, Plan};
pub use profile::{Duplicates, Profile};
pub use progress::{Progress, Step};
pub use report::{FileReport, Report, Settled};
pub use reset::Reset;
pub use run::{Upgrade, in_memory};
