//! Crash-safe change of a file in place (upgrade, "Crash-safe protocol").
//!
//! A change is a list of pages with their images before and after. The images go to a
//! journal beside the file first, that after as the parts in which it differs, if they are
//! few; only when the journal is on the medium is the file
//! touched. Whoever dies in between, at whatever instruction, leaves a file that a
//! later run makes entirely new or entirely old again.
//!
//! ```text
//! P2 P3  journal written and synced            Journal::write
//! A1     page 0 poisoned, so that no program opens the half-written file
//! A2     pages written                         Journal::apply
//! A3     result validated                      Journal::read_back, Journal::preview
//! A4     page 0 of the new file                Journal::publish
//! E1 E2  journal ended and removed             Journal::end
//! ```
//!
//! [`Journal::run`] does A1 to E2, and rolls back if anything fails before page 0 is
//! new. What an earlier run left behind is found by [`leftover`]. Several files are
//! changed as one unit by a [`Set`], and [`Backup`] makes whole copies.
//!
//! Files are reached through a [`Disk`], so that the same code runs on the real one
//! and on one that fails at will. Whoever calls must hold the lock on the file, as
//! [`Disk::open_exclusive`] gives it, until the journal is gone.

mod backup;
mod change;
mod disk;
mod entry;
mod error;
mod format;
mod leftover;
mod names;
mod parts;
mod plan;
mod read;
mod record;
mod run;
mod set;
mod set_format;
mod steps;
mod system;
mod trust;
mod window;
mod write;

pub use backup::Backup;
pub use change::Journal;
pub use disk::{Contents, Disk, DiskFile, Identity, Standing};
pub use entry::{EntryKind, FileEntry};
pub use error::{BoxError, JournalError, LeftoverState};
pub use leftover::{Leftover, Outcome, leftover};
pub(crate) use names::{DRAFT, create_draft, is_journal, random};
pub use names::{database, is_remnant, name, poisoned, stands};
pub use plan::{ContentSum, Estimate, Facts, Form, Operation, Options, PageChange, Promise};
pub use set::{Set, SetLeftover};
pub use system::{SystemDisk, SystemFile, held_elsewhere, on_network};
