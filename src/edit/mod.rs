//! The one machine that changes files: an operation says what, this room does it (upgrade, "Our
//! procedure").
//!
//! - `operation`: what an operation has to say of a file; `builder`, `run`, `copy`: the machine
//! - `draft`, `reason`: the file as it will be, in memory of the size of the changes; `forms`,
//!   `bucket`, `turn`: pages that change as a whole; `node`: pages of trees that are built
//! - `shared_keys`, `list`: what old releases left in the order of their machine
//! - `free_list`: pages that nothing needs any more; `off_page`: what items lead to
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
mod free_list;
mod journals;
mod keyed;
mod leftovers;
mod list;
mod logs;
mod names;
mod node;
mod notice;
mod off_page;
mod open;
mod operation;
mod plan;
mod progress;
mod reason;
mod report;
mod run;
mod shared_keys;
mod soundness;
mod surroundings;
#[cfg(test)]
mod tests;
mod turn;
mod validation;

pub(crate) use backups::Backups;
pub use builder::Edit;
pub(crate) use content::with_content;
pub(crate) use draft::Draft;
pub(crate) use error::Result;
pub use error::{EditError, Refusal};
#[cfg(feature = "mboxlist")]
pub(crate) use extents::Extent;
pub(crate) use extents::{expect_empty_main, extents_of};
pub(crate) use forms::Form;
pub(crate) use free_list::FreeList;
pub(crate) use leftovers::settle_folder;
pub(crate) use list::{leaves, list};
pub(crate) use logs::Logs;
pub(crate) use node::{Child, Keys, Node, entry};
pub use notice::Notice;
pub(crate) use off_page::{off_page, references};
pub(crate) use open::with_extents;
pub(crate) use operation::{ExtentDraft, Operation, Prepared, Ready, fresh_id};
pub use plan::{Change, Plan};
pub(crate) use progress::{Counter, Watch};
pub use progress::{Progress, Step};
pub use reason::Reason;
pub use report::{FileReport, Report, Settled};
pub(crate) use run::in_memory;
pub(crate) use shared_keys::normalise;
pub(crate) use soundness::{may_stay, structure, sum_of_sound, unreadable};
pub(crate) use surroundings::Surroundings;
pub(crate) use turn::Turn;
pub(crate) use validation::whole;
