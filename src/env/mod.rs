//! An environment from outside: where its files are, what else stands beside them, and whether
//! its log holds changes that a database lacks.
//!
//! A database of a transactional program is not the whole truth: what was committed may still
//! be in the log only, and recovery brings it into the file. [`pending`] says so of a file:
//!
//! ```
//! use std::path::Path;
//! use bdbkit::env::{Layout, pending};
//! use bdbkit::log::LogOptions;
//!
//! let file = Path::new("testdata/env-log3-le-crashed/p.db");
//! let found = pending(file, &Layout::beside(file), &LogOptions::new())?;
//! assert!(found.is_some_and(|pending| pending.committed > 0));
//! # Ok::<(), bdbkit::env::PendingError>(())
//! ```
//!
//! Everything here only reads, and opens regular files alone.

mod comparison;
mod config;
mod engines;
mod layout;
mod pending;
mod region;

pub use crate::meta::Region;
#[cfg(feature = "mboxlist")]
pub(crate) use comparison::{Comparison, page_lsn};
pub use engines::{ENGINES, Engine, LAST_OF_HOST_ORDER, LogOrder, Regions, Treatment};
pub use layout::{Folder, FolderOrigin, Layout};
pub use pending::{Pending, PendingError, Recovery, Unrecovered, pending, recovery};
#[cfg(feature = "mboxlist")]
pub(crate) use region::is_region;
