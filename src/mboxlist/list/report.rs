//! What a listing read, and whether it changed meanwhile.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::kind::Kind;
use crate::error::{Error, Result};
use crate::log::{LogError, Tail};
use crate::mboxlist::files::Hash;

/// What was read.
#[derive(Debug)]
#[non_exhaustive]
pub struct ListReport {
    /// Every file, by name: those that hold no entries, too.
    pub files: Vec<ListedFile>,
    /// Symbolic links and special files, which are not read.
    pub left_out: Vec<PathBuf>,
    /// Folders, whose files are not read.
    pub folders: Vec<PathBuf>,
    /// What could not be looked into, in words.
    pub problems: Vec<String>,
    /// The logs, if they were asked for.
    pub logs: Option<ListedLogs>,
}

impl ListReport {
    /// Whether everything was read without an error, nothing was left out, and all is as it was
    /// before.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        if !(self.left_out.is_empty() && self.problems.is_empty()) {
            return false;
        }
        let files = self.files.iter().all(|file| file.problems.is_empty() && file.is_unchanged());
        files && self.logs.as_ref().is_none_or(|logs| logs.problems.is_empty())
    }
}

/// A file that was read.
#[derive(Debug)]
#[non_exhaustive]
pub struct ListedFile {
    /// Its path.
    pub path: PathBuf,
    /// Whether it is a database, by its magic number or its name.
    pub is_database: bool,
    /// Its length and SHA-256 before anything else was read of it.
    pub before: Option<Hash>,
    /// The same after all was read.
    pub after: Option<Hash>,
    /// Entries given as [`EntryOrigin::Live`](super::EntryOrigin::Live).
    pub live: u64,
    /// Those given as [`EntryOrigin::Salvaged`](super::EntryOrigin::Salvaged).
    pub recovered: u64,
    /// Those given as [`EntryOrigin::Deleted`](super::EntryOrigin::Deleted).
    pub deleted: u64,
    /// Whether it is damaged, and its entries were salvaged.
    pub salvaged: bool,
    /// What was wrong, in words. The first is why entries were salvaged, if they were.
    pub problems: Vec<String>,
}

impl ListedFile {
    /// A file of which nothing is known yet.
    pub(super) fn new(path: PathBuf) -> ListedFile {
        ListedFile {
            path,
            is_database: false,
            before: None,
            after: None,
            live: 0,
            recovered: 0,
            deleted: 0,
            salvaged: false,
            problems: Vec::new(),
        }
    }

    /// The name in its folder.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        name(&self.path)
    }

    /// What the database is for, by the name of the file.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::of(self.name())
    }

    /// Whether the file is known to be the same before and after.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        self.before.is_some() && self.before == self.after
    }

    /// Takes the sums of the file.
    pub(super) fn hash(&mut self) -> Option<Hash> {
        let source = |source: std::io::Error| Error::Open { path: self.path.clone(), cause: source.into() };
        let hash = Hash::of(&self.path).map_err(source);
        self.note(hash)
    }

    /// What was read, or nothing and the reason noted.
    pub(super) fn note<T>(&mut self, read: Result<T>) -> Option<T> {
        read.inspect_err(|error| self.damage(error)).ok()
    }

    /// Notes an error. Several readers may meet the same first.
    pub(super) fn damage(&mut self, error: &Error) {
        let problem = match error {
            Error::Open { cause: source, .. } => source.to_string(),
            _ => error.to_string(),
        };
        if self.problems.first() != Some(&problem) {
            self.problems.push(problem);
        }
    }
}

pub(super) fn name(path: &Path) -> &[u8] {
    path.file_name().map_or(&[], OsStr::as_encoded_bytes)
}

/// Logs that were read.
#[derive(Debug)]
#[non_exhaustive]
pub struct ListedLogs {
    /// How many changes were found.
    pub changes: u64,
    /// How the log ends.
    pub tail: Option<Tail>,
    /// Damage and gaps: changes are missing there.
    pub problems: Vec<LogError>,
}
