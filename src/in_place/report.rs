//! What a recovery in place did.

use std::path::PathBuf;

use crate::journal::Outcome;
use crate::recover::RecoverReport;

/// What a recovery in place did.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct InPlaceReport {
    /// What the log said.
    pub recovered: RecoverReport,
    /// What an earlier run had left behind, and what became of it.
    pub settled: Vec<(PathBuf, Outcome)>,
    /// The files on disk that are not as they were.
    pub files: Vec<WrittenFile>,
    /// Files that would not be sound, and why: they are as they were.
    pub left_out: Vec<(PathBuf, String)>,
    /// Whether a second look at the environment found nothing to do.
    pub clean: bool,
    /// The region files that were removed: none if it is not clean.
    pub regions: Vec<PathBuf>,
    /// Processes that could not be looked at: one of them may have a file open.
    pub unseen: u64,
}

impl InPlaceReport {
    /// Whether no file was left as it was that the log would change.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.recovered.is_complete() && self.left_out.is_empty()
    }
}

/// A file on disk that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrittenFile {
    /// The file.
    pub path: PathBuf,
    /// What happened to it.
    pub what: Written,
}

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Written {
    /// So many of its pages are others now, or are new, or are gone.
    Pages(u64),
    /// A whole new file has its name.
    Replaced,
    /// It was not there.
    Made,
    /// It is not there any more.
    Removed,
}

impl Written {
    /// A word for it, which stays the same.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Written::Pages(_) => "changed",
            Written::Replaced => "replaced",
            Written::Made => "made",
            Written::Removed => "removed",
        }
    }
}
