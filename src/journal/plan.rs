//! What is to be changed: the pages, and the facts that the journal keeps about them.

use std::borrow::Cow;

use crate::order::Endianness;
use crate::types::{FileId, PageNo, PageSize};

/// The operation that changes a file (upgrade, "Journal file", byte 12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// To a later version of the format.
    Upgrade,
    /// All LSNs to "not logged".
    ResetLsn,
    /// A new file id.
    ResetFileId,
    /// To an earlier version of the format.
    Rewrite,
    /// Mending what an interrupted upgrade by other tools left behind.
    Repair,
}

/// What was asked of an operation (upgrade, "Journal file", byte 20).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // bits of the header, not states
#[non_exhaustive]
pub struct Options {
    /// Off-page duplicates are taken to be sorted.
    pub sorted: bool,
    /// Output equal to that of releases 3.1 to 4.4.
    pub genuine_8a: bool,
    /// Output equal to that of releases 4.5 to 5.3.
    pub genuine_8b: bool,
    /// The logs' advice was overridden.
    pub logs_ignored: bool,
}

/// What the journal says about a change as a whole (upgrade, "Journal file", header).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The operation.
    pub operation: Operation,
    /// Byte order of the database file.
    pub order: Endianness,
    /// Its version before.
    pub source_version: u8,
    /// Its version after.
    pub target_version: u8,
    /// Its page size.
    pub page_size: PageSize,
    /// What was asked for.
    pub options: Options,
    /// The file id of the new file.
    pub new_uid: FileId,
    /// SHA-256 of the logical content, which must be the same before and after; `None` if
    /// nothing but page 0 changes, so that all pairs stay where they are.
    pub digest: Option<[u8; 32]>,
    /// Number of key/data pairs; 0 without a digest.
    pub pairs: u64,
}

/// Which of its two forms a file has in the eyes of who checks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it was before the change.
    Old,
    /// As it is to be.
    New,
}

/// How many pages a change touches at most: what disk space is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Pages that the file has and that change, page 0 included.
    pub modified: u64,
    /// Pages added at the end of the file.
    pub appended: u64,
}

/// One page of a change, with whole page images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageChange<'a> {
    /// The page.
    pub page: PageNo,
    /// The page as it is; `None` for a page that is added at the end of the file.
    pub before: Option<Cow<'a, [u8]>>,
    /// The page as it is to be. Of page 0 only the first 512 bytes may differ.
    pub after: Cow<'a, [u8]>,
}
