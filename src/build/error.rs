//! Why a file cannot be built.

use std::io;

use crate::method::Method;

/// Why a file cannot be built as it was asked for. Of a file that was begun nothing is of use then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The file cannot be written.
    #[error("cannot write: {0}")]
    Io(#[from] io::Error),
    /// A pair whose key, value or number comes before the one that was put before it.
    #[error("this pair comes before the one that was put before it")]
    Order,
    /// A key, a number or a pair of sorted duplicates that was put already.
    #[error("this pair is there already")]
    Repeated,
    /// Versions are 6 to 9.
    #[error("version {0} cannot be built: 6, 7, 8 and 9 can")]
    Version(u32),
    /// What a version cannot hold.
    #[error("a file of version {version} cannot hold {what}")]
    Cannot {
        /// The version, as that of a BTREE.
        version: u32,
        /// What it cannot hold.
        what: &'static str,
    },
    /// What excludes each other.
    #[error("{0} exclude each other")]
    Excluded(&'static str),
    /// So many keys do not fit a page.
    #[error("{keys} keys do not fit a page of {page_size} bytes")]
    MinKey {
        /// The keys.
        keys: u32,
        /// Bytes of a page.
        page_size: u32,
    },
    /// A record is longer than all records are to be.
    #[error("a record of {found} bytes is longer than the {length} that records are to have")]
    RecordLength {
        /// What it has.
        found: usize,
        /// What it may have.
        length: u32,
    },
    /// A record that does not fit a page of a QUEUE.
    #[error("records of {length} bytes do not fit a page of {page_size}")]
    RecordSize {
        /// Bytes of a record.
        length: u32,
        /// Bytes of a page.
        page_size: u32,
    },
    /// Records are numbered from 1.
    #[error("there is no record 0")]
    RecordZero,
    /// So many numbers without a record take a slot each: in all, 256 MiB of them are written.
    #[error("record {number} would leave {gap} empty records before it: {most} more are written at most")]
    Gap {
        /// The record.
        number: u32,
        /// The empty records.
        gap: u32,
        /// How many may be yet.
        most: u32,
    },
    /// An item, a file, or a number of records beyond what the format can say.
    #[error("too large for the format: {0}")]
    TooLarge(&'static str),
    /// Databases of this method cannot be one of several in a file.
    #[error("a {0} cannot be one of several databases in a file")]
    Several(Method),
    /// A second database in a file that holds one, or one without a name among several.
    #[error("a file that holds one database has no name for it, and all of several have one")]
    Names,
    /// The name of a database that is there already.
    #[error("there is a database of this name already")]
    SameName,
    /// The file is to be encrypted, and the cipher was not built in.
    #[error("encryption is not built in")]
    NoCipher,
    /// A call that does not fit what was called before.
    #[error("no database was begun, or one was not ended")]
    Sequence,
}

/// What building gives.
pub type Result<T, E = BuildError> = std::result::Result<T, E>;
