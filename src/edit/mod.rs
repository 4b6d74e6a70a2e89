//! The one machine that changes files: an operation says what, this room does it (upgrade, "Our
//! procedure").
//!
//! - `operation`: what an operation has to say of a file; `builder`, `run`, `copy`: the machine
//! - `draft`, `reason`: the file as it will be, in memory of the size of the changes; `forms`,
//!   `bucket`: pages that change as a whole; `node`: pages of trees that are built
//! - `soundness`, `content`, `keyed`, `validation`: what must be true before and afterwards
//! - `journals`, `backups`, `leftovers`: the journals and copies of a run, and what an earlier
//!   one left behind
//! - `surroundings`, `logs`: the environment around the files; `extents`: files that belong to one
//! - `plan`, `report`, `progress`, `notice`, `error`, `codes`: what the user sees of it
//!
//! It uses no operation, and knows none by name.

mod backups;
mod bucket;
mod builder;
mod codes;
mod content;
mod copy;
mod draft;
mod error;
mod extents;
mod forms;
mod journals;
mod keyed;
mod leftovers;
mod logs;
mod names;
mod node;
mod notice;
mod open;
mod operation;
mod plan;
mod progress;
mod reason;
mod report;
mod run;
mod soundness;
mod surroundings;
#[cfg(test)]
mod tests;
mod validation;

pub(crate) use backups::Backups;
pub use builder::Edit;
pub(crate) use content::with_content;
pub(crate) use draft::Draft;
pub(crate) use error::Result;
pub use error::{EditError, Refusal};
pub(crate) use extents::extents_of;
pub(crate) use forms::Form;
pub(crate) use leftovers::settle_folder;
pub(crate) use logs::check_logs;
pub(crate) use node::{Child, Keys, Node, entry};
pub use notice::Notice;
pub(crate) use open::with_extents;
pub(crate) use operation::{ExtentDraft, Operation, Prepared, Ready, fresh_id};
pub use plan::{Change, Plan};
pub(crate) use progress::{Counter, Watch};
pub use progress::{Progress, Step};
pub use reason::Reason;
pub use report::{FileReport, Report, Settled};
pub(crate) use run::in_memory;
pub(crate) use soundness::{structure, sum_of_sound};
pub(crate) use surroundings::Surroundings;
pub(crate) use validation::whole;
