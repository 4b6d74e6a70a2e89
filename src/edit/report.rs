//! What was done to files.

use std::path::{Path, PathBuf};

use super::notice::Notice;
use super::operation::{Prepared, Ready};
use crate::journal::{ContentSum, Outcome};
use crate::order::Endianness;

/// What was done to files.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// Each file, in the order in which they were given, with those of its extents that changed
    /// behind it.
    pub files: Vec<FileReport>,
    /// Files that were not given, but which an earlier run had been changing together with
    /// one that was: what became of that.
    pub others: Vec<(PathBuf, Outcome)>,
}

/// What became of one file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FileReport {
    /// The file.
    pub path: PathBuf,
    /// What an earlier run had left behind, and what became of that.
    pub leftover: Option<Outcome>,
    /// Version before.
    pub from: u32,
    /// Version afterwards: the same, if there was nothing to do.
    pub to: u32,
    /// Byte order before.
    pub from_order: Endianness,
    /// Byte order afterwards: the same, unless the file is converted.
    pub to_order: Endianness,
    /// Pages that were changed.
    pub modified: u32,
    /// Pages that were added.
    pub appended: u32,
    /// What the file holds, before and afterwards; `None` if nothing but page 0 changed, so
    /// that all pairs stand where they stood.
    pub content: Option<ContentSum>,
    /// What is worth knowing.
    pub notices: Vec<Notice>,
    /// The whole copy of the old file, if it was kept.
    pub backup: Option<PathBuf>,
}

/// What became of what an earlier run had left behind.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Settled {
    /// Of the files that were given, one by one: `None` if nothing was left behind.
    pub files: Vec<Option<Outcome>>,
    /// Of others that it had been changing together with them.
    pub others: Vec<(PathBuf, Outcome)>,
    /// The files that are not those beside which the journal was written: they, or others of
    /// their name, were copied or restored since.
    pub moved: Vec<PathBuf>,
}

impl FileReport {
    /// Whether anything was changed.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.modified > 0 || self.appended > 0
    }

    /// About a file that was prepared. What an earlier run had left behind is not known here.
    pub(super) fn new(path: &Path, prepared: &Prepared<'_>, backup: Option<PathBuf>) -> FileReport {
        let draft = &prepared.draft;
        FileReport {
            path: path.to_owned(),
            leftover: None,
            from: prepared.from,
            to: prepared.to,
            from_order: draft.pages().order(),
            to_order: prepared.order,
            modified: draft.modified(),
            appended: draft.appended(),
            content: prepared.promise.content(),
            notices: prepared.notices.clone(),
            backup,
        }
    }

    /// About a file that has the form already.
    pub(super) fn nothing(path: &Path, ready: Ready) -> FileReport {
        FileReport {
            path: path.to_owned(),
            leftover: None,
            from: ready.version,
            to: ready.version,
            from_order: ready.order,
            to_order: ready.order,
            modified: 0,
            appended: 0,
            content: None,
            notices: Vec::new(),
            backup: None,
        }
    }
}
