//! What is to be changed: the pages, and the facts that the journal keeps about them.

use std::borrow::Cow;

use crate::order::Endianness;
use crate::types::{FileId, PageNo, PageSize};

/// The operation that changes a file (upgrade, "Journal file", byte 144).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// To a later version of the format.
    Upgrade,
    /// All LSNs to "not logged".
    ResetLsn,
    /// A new file id.
    ResetFileId,
    /// To the other byte order, or other settings of the metadata.
    Convert,
    /// To an earlier version of the format.
    Downgrade,
    /// What the log holds and the file lacks, or has too much.
    Recover,
    /// Mending what an interrupted upgrade by other tools left behind.
    Repair,
}

impl Operation {
    /// All there are.
    pub const ALL: [Operation; 7] = [
        Operation::Upgrade,
        Operation::ResetLsn,
        Operation::ResetFileId,
        Operation::Convert,
        Operation::Downgrade,
        Operation::Recover,
        Operation::Repair,
    ];

    /// Its name, as journals have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Operation::Upgrade => "upgrade",
            Operation::ResetLsn => "reset-lsn",
            Operation::ResetFileId => "reset-fileid",
            Operation::Convert => "convert",
            Operation::Downgrade => "downgrade",
            Operation::Recover => "recover",
            Operation::Repair => "repair",
        }
    }

    /// Whether it may promise this: only recovery and repair change content on purpose.
    pub(super) fn may(self, promise: &Promise) -> bool {
        match promise {
            Promise::SamePairs(_) | Promise::OnlyPageZero => true,
            Promise::Pairs(_) | Promise::SoundOnly => matches!(self, Operation::Recover | Operation::Repair),
        }
    }
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
    /// The file is an extent of a QUEUE: it has no metadata, and its first page is one of records.
    pub extent: bool,
    /// Pages whose checksums are wrong stay as they are: everything else about the file is sound.
    pub sums_left: bool,
}

/// What the journal says about a change as a whole (upgrade, "Journal file", header).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The operation.
    pub operation: Operation,
    /// Byte order of the database file before.
    pub source_order: Endianness,
    /// Its byte order after.
    pub target_order: Endianness,
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
    /// What is true of the new file.
    pub promise: Promise,
}

/// What is true of a file after a change, and of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Promise {
    /// It holds the pairs that it held before.
    SamePairs(ContentSum),
    /// Nothing but page 0 changes, so that all pairs stay where they are.
    OnlyPageZero,
    /// It holds these pairs, whatever it held before.
    Pairs(ContentSum),
    /// It is sound.
    SoundOnly,
}

impl Promise {
    /// The pairs that the new file must have, if that is promised.
    #[must_use]
    pub fn content(&self) -> Option<ContentSum> {
        match self {
            Promise::SamePairs(sum) | Promise::Pairs(sum) => Some(*sum),
            Promise::OnlyPageZero | Promise::SoundOnly => None,
        }
    }
}

/// SHA-256 of all pairs of all databases of a file, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentSum {
    /// Name of the database, key and value of each pair in the order of the trees, each as
    /// its length (32 bits, little-endian) and its bytes. The name is empty in a file with
    /// one database; the key of a RECNO record is its number, as 32 bits, little-endian.
    /// Deleted items are left out.
    ///
    /// The pairs of a HASH database have no order that stays: for each key on its pages name, key
    /// and all values, as above, have a SHA-256 of their own; the name and the sum of these, as
    /// numbers of 256 bits, little-endian, without what is carried out of them, stand for the
    /// database. The key of a QUEUE record is its number, as for RECNO. Of an extent of a QUEUE it is
    /// the sum of all bytes behind the headers of its pages.
    pub digest: [u8; 32],
    /// Number of pairs; of an extent, of pages.
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
    /// Pages cut off at its end.
    pub cut: u64,
}

/// One page of a change, with whole page images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageChange<'a> {
    /// The page.
    pub page: PageNo,
    /// The page as it is; `None` for a page that is added at the end of the file.
    pub before: Option<Cow<'a, [u8]>>,
    /// The page as it is to be; `None` for a page that is cut off at the end of the file. Of
    /// page 0 only the first 512 bytes may differ.
    pub after: Option<Cow<'a, [u8]>>,
}
