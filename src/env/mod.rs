//! An environment from outside: where its files are, and what else stands beside them.
//!
//! A database of a transactional program is not the whole truth: what was committed may still
//! be in the log only, and recovery brings it into the file. [`recover::condition`](crate::recover::condition())
//! says so of a file.
//!
//! Everything here only reads, and opens regular files alone.

mod config;
mod engines;
mod layout;
mod region;

pub use crate::meta::Region;
pub use engines::{ENGINES, Engine, LAST_OF_HOST_ORDER, LogOrder, Regions, Treatment};
pub(crate) use layout::DataFolders;
pub use layout::{Folder, FolderOrigin, Layout};
#[cfg(feature = "mboxlist")]
pub(crate) use region::is_region;
