//! What a recovery did.

use std::fmt;
use std::path::PathBuf;

use crate::log::TxnId;
use crate::types::Lsn;

/// What a recovery did, or would do.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RecoverReport {
    /// The first record that was looked at.
    pub from: Lsn,
    /// The last record of the log.
    pub end: Lsn,
    /// The last commit that counts, if a [moment](super::Recover::until) was given, and there is one.
    pub last: Option<Lsn>,
    /// How many records were looked at.
    pub records: u64,
    /// Records of applications, which were left out.
    pub applications: u64,
    /// Records of databases that the log does not name.
    pub unbound: u64,
    /// Records of databases that are not there.
    pub absent: u64,
    /// Transactions that were prepared, and of which somebody else decides: what they count as was
    /// [asked for](super::Recover::in_doubt). Each with the record that says so.
    pub in_doubt: Vec<(TxnId, Lsn)>,
    /// The files that records concern, each with what became of it.
    pub files: Vec<RecoveredFile>,
    /// The transactions that have records of pages, in the order of the first of them, each with what became
    /// of its records, also of those whose files are made and removed again. A number that is given anew counts
    /// as the same transaction.
    pub by_transaction: Vec<RecoveredTransaction>,
    /// What was noticed.
    pub notes: Vec<String>,
}

/// To which moment an environment is brought (recovery, "Recovery to a moment"): transactions that
/// commit later are taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// To the end of this second, counted since 1970, as records of commits have it.
    Time(i64),
    /// To this record.
    Lsn(Lsn),
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Until::Time(seconds) => write!(f, "second {seconds} since 1970"),
            Until::Lsn(lsn) => write!(f, "{lsn}"),
        }
    }
}

/// What transactions count as that were prepared and not decided (recovery, "Prepared transactions").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InDoubt {
    /// As committed, as the releases have it.
    #[default]
    Commit,
    /// As unfinished: what they changed is taken back.
    Abort,
}

/// What becomes of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecoveredFile {
    /// Its name, as the log has it: below the home or another folder of databases.
    pub name: PathBuf,
    /// What happens to it as a whole.
    pub change: FileChange,
    /// Changes of pages that were made: committed, and not in the file.
    pub redone: u64,
    /// Changes of pages that were taken back.
    pub undone: u64,
    /// Records of which the pages told that nothing was to be done: they have what was committed, or never
    /// had what was not.
    pub settled: u64,
    /// Records that were left out from the one on at which it [stopped](Self::stopped).
    pub left: u64,
    /// Pages that are not as they stand in the file.
    pub pages: u64,
    /// Whether it becomes shorter or longer.
    pub resized: bool,
    /// The first and the last record of which pages were changed.
    pub first: Option<Lsn>,
    /// See `first`.
    pub last: Option<Lsn>,
    /// Why nothing more was done to it from some record on: then it is not consistent.
    pub stopped: Option<String>,
    /// That record; none if it could not be opened.
    pub stopped_at: Option<Lsn>,
}

/// What becomes of the records of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecoveredTransaction {
    /// The transaction: one that runs in another one has a number of its own.
    pub txn: TxnId,
    /// Its first record of pages that was looked at.
    pub first: Lsn,
    /// Its last one.
    pub last: Lsn,
    /// Whether it counts as committed.
    pub committed: bool,
    /// Changes of pages that were made: it committed, and the files did not have them.
    pub redone: u64,
    /// Changes of pages that were taken back: it did not commit, and the files had them.
    pub undone: u64,
    /// Records of which the pages told that nothing was to be done.
    pub settled: u64,
}

/// What happens to a file as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileChange {
    /// It stays, with or without changes of its pages.
    #[default]
    Kept,
    /// It is made: it was not there, or under another name.
    Made,
    /// It is removed, or gets another name.
    Removed,
}

impl RecoveredFile {
    /// Whether nothing is to be done to it, and nothing could not be done.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.pages == 0 && !self.resized && self.change == FileChange::Kept && self.stopped.is_none()
    }
}

impl RecoverReport {
    /// Whether anything is to be done, or could not be done: without that the environment is
    /// consistent as it is.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.files.iter().all(RecoveredFile::is_clean)
    }

    /// Of how many transactions pages were changed: made, or taken back.
    #[must_use]
    pub fn transactions(&self) -> u64 {
        let changed = self.by_transaction.iter().filter(|of| of.redone > 0 || of.undone > 0);
        changed.fold(0, |count, _| count.saturating_add(1))
    }

    /// Whether every file that the log speaks of is consistent now.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.files.iter().all(|file| file.stopped.is_none())
    }
}
