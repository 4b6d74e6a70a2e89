//! What a recovery did.

use std::path::PathBuf;

use crate::log::TxnId;
use crate::types::Lsn;

/// What a recovery did.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// The first record that was looked at.
    pub from: Lsn,
    /// The last record of the log.
    pub end: Lsn,
    /// How many records were looked at.
    pub records: u64,
    /// Records of applications, which were left out.
    pub applications: u64,
    /// Records of databases that the log does not name.
    pub unbound: u64,
    /// Records of databases that are not there.
    pub absent: u64,
    /// Transactions that were prepared, and of which somebody else decides: they count as
    /// committed. Each with the record that says so.
    pub in_doubt: Vec<(TxnId, Lsn)>,
    /// The files that records concern, each with what became of it.
    pub files: Vec<(PathBuf, FileReport)>,
    /// What was noticed.
    pub notes: Vec<String>,
}

/// What became of a file.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FileReport {
    /// Changes of pages that were made: committed, and not in the file.
    pub redone: u64,
    /// Changes of pages that were taken back.
    pub undone: u64,
    /// Why the file was left as it is from some record on.
    pub stopped: Option<String>,
}
