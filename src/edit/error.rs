//! Why a file is not changed, or a change failed.

use std::io;
use std::path::{Path, PathBuf};

use crate::journal::{JournalError, Outcome};
use crate::shown::{ShowName, counted};
use crate::types::{Lsn, PageNo};

/// A result with an [`EditError`].
pub(crate) type Result<T> = std::result::Result<T, EditError>;

/// Why a change did not take place. The file is as it was, unless it says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The file cannot be read as a database.
    #[error(transparent)]
    Database(#[from] crate::error::Error),
    /// Something about one of the files.
    #[error("{}: {cause}", .path.shown())]
    About {
        /// The file.
        path: PathBuf,
        /// What it is.
        cause: Box<EditError>,
    },
    /// The file can be read, but must not be changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The change itself failed: it says in which state that leaves the file.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The log beside the file cannot be read.
    #[error("{}: the log cannot be read: {cause}", .folder.shown())]
    Log {
        /// The folder of the log.
        folder: PathBuf,
        /// What the reader of logs says.
        cause: crate::log::LogError,
    },
    /// Nothing was done, except about what an earlier run had left behind.
    #[error("{cause}; but before that, what an earlier run had left behind was dealt with: {}", outcomes(.settled))]
    Afterwards {
        /// The files, and what became of them.
        settled: Vec<(PathBuf, Outcome)>,
        /// Why nothing else was done.
        cause: Box<EditError>,
    },
    /// The result is not what was planned: the file is as it was before.
    #[error("the result would be wrong, and the old file stays: {what}")]
    Validation {
        /// What was found.
        what: String,
    },
}

impl EditError {
    /// The same, with the name of the file, if it does not have it already.
    pub(crate) fn about(self, path: &Path) -> EditError {
        match self {
            EditError::Database(crate::error::Error::Open { .. })
            | EditError::Journal(_)
            | EditError::Log { .. }
            | EditError::Afterwards { .. }
            | EditError::About { .. } => self,
            other => EditError::About { path: path.to_owned(), cause: Box::new(other) },
        }
    }

    /// The code of the refusal, by the file or by the journal, if it is one.
    /// [`Explanation::of`](crate::explain::Explanation::of) explains it.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        match self {
            EditError::Refused(refusal) => Some(refusal.code()),
            EditError::Journal(error) => error.code(),
            EditError::About { cause, .. } | EditError::Afterwards { cause, .. } => cause.code(),
            _ => None,
        }
    }

    /// The file that the error is about, if it is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            EditError::About { path, .. } => Some(path),
            EditError::Afterwards { cause, .. } => cause.path(),
            EditError::Log { folder, .. } => Some(folder),
            EditError::Journal(error) => Some(error.path()),
            EditError::Database(crate::Error::Open { path, .. }) => Some(path),
            _ => None,
        }
    }

    /// Why the file was refused, if it was.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            EditError::Refused(refusal) => Some(refusal),
            EditError::About { cause: source, .. } | EditError::Afterwards { cause: source, .. } => {
                source.refusal()
            }
            _ => None,
        }
    }
}

/// What became of files, one after the other.
fn outcomes(settled: &[(PathBuf, Outcome)]) -> String {
    let one = |(path, outcome): &(PathBuf, Outcome)| format!("{}: {outcome}", path.shown());
    settled.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Why a file is not changed (upgrade, "Pre-checks").
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The version is beyond that of the profile.
    #[error(
        "version {version} is beyond {}: an upgrade leads to later versions only",
        .profile
    )]
    Downgrade {
        /// Version of the file.
        version: u32,
        /// The profile asked for, by name.
        profile: &'static str,
    },
    /// The version is an earlier one than that of the releases which are to read the file, and they do
    /// not.
    #[error("version {version} is earlier than {to}: only an upgrade leads there")]
    Earlier {
        /// Version of the file.
        version: u32,
        /// The version asked for.
        to: u32,
    },
    /// The file has what the releases which are to read it do not know.
    #[error(
        "page {page}: byte {offset}: {}{what}, which {releases} do not know: {instead}",
        database.as_ref().map(|name| format!("database {}: ", name.shown())).unwrap_or_default()
    )]
    Older {
        /// Name of the database, of several.
        database: Option<Vec<u8>>,
        /// The page that says so.
        page: PageNo,
        /// Where it stands there, in bytes.
        offset: usize,
        /// What they do not know.
        what: &'static str,
        /// The releases.
        releases: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
    /// The list of databases of release 3.0 is read in the order of the machine, and which that is
    /// was not said.
    #[error(
        "page {page}: release 3.0 reads the list of databases in the byte order of its machine: say which \
         that is"
    )]
    ListOrder {
        /// The metadata page of the list.
        page: PageNo,
    },
    /// Damage that cannot be mended without guessing.
    #[error(
        "{} cannot be mended without guessing ({rules}), the first: {first}: salvage the file, and load what \
         is found into a new one",
        counted(*errors, "finding")
    )]
    NotMended {
        /// How many findings.
        errors: u64,
        /// Their rules.
        rules: String,
        /// The first of them.
        first: String,
    },
    /// No place was named for the copy of the old file, which a repair keeps.
    #[error("a repair keeps the old file, but no folder was named for its copy")]
    NotKept,
    /// The file has a tail that is no whole page.
    #[error("{} behind the last whole page: the file was cut, or something was added to it", counted(*tail, "byte"))]
    Tail {
        /// Bytes behind the last whole page.
        tail: u64,
    },
    /// The file is damaged.
    #[error("the file is damaged, {}, the first: {first}", counted(*errors, "finding"))]
    Damaged {
        /// How many errors there are.
        errors: u64,
        /// The first of them.
        first: String,
    },
    /// Pages hold what nothing leads to.
    #[error(
        "{} that nothing leads to, the first: {first}; it can be left as it is on request",
        counted(*pages, "page")
    )]
    Unreachable {
        /// How many pages.
        pages: u64,
        /// The first of them.
        first: String,
    },
    /// The content cannot be read as a whole.
    #[error("the content cannot be read: {first}")]
    Unreadable {
        /// What the reader says.
        first: String,
    },
    /// An encrypted QUEUE, whose extents would have to be encrypted anew, too.
    #[error(
        "an encrypted QUEUE with extents is not changed: dump it with its password, and load the dump on the \
         other machine"
    )]
    Encrypted,
    /// A HASH database of version 4: its keys were placed by another function than those of any
    /// later version.
    #[error(
        "HASH version 4: later versions look keys up by another hash function: dump it and load the dump, or \
         keep its placing if the application has a hash function of its own"
    )]
    OldHash,
    /// A HASH file would get far more pages than it has, to no use: its numbers are not believed.
    #[error(
        "page {page}: byte {offset}: the buckets ask for {wanted} pages, but the file has {pages}: most likely \
         its numbers are damaged"
    )]
    Growth {
        /// The metadata page.
        page: PageNo,
        /// Where the number of buckets stands, in bytes.
        offset: usize,
        /// The pages that the file would have.
        wanted: u64,
        /// The pages that it has.
        pages: u32,
    },
    /// The pages of a QUEUE do not count from record 1, which later versions cannot say.
    #[error("page 0: byte {offset}: the pages count from record {start}, which later versions cannot say")]
    QueueStart {
        /// Where the number stands, in bytes.
        offset: usize,
        /// The number.
        start: u32,
    },
    /// Keys that release 2 stored in the order of the other machine: no genuine tool turns
    /// them round, and no release reads what it makes of them.
    #[error(
        "{} stored in the byte order of another machine, which the genuine tools do not mend: upgrade to \
         version 8 or 9 with profile v8 or v9",
        counted(*keys, "shared key")
    )]
    KeyOrder {
        /// How many.
        keys: u64,
    },
    /// A record does not have the length that was chosen for all.
    #[error("a record has {}, but the length that was given for all of them is {chosen}", counted((*found).into(), "byte"))]
    RecordLength {
        /// Its length, in bytes.
        found: u32,
        /// The length that was chosen, in bytes.
        chosen: u32,
    },
    /// A chain of duplicates is broken.
    #[error("page {page}: byte {offset}: the chain of duplicates is broken: {why}")]
    Chain {
        /// The page that leads to the fault.
        page: PageNo,
        /// Offset of the link in the page, in bytes.
        offset: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// An entry of the list of databases cannot be read in either order, or in both.
    #[error("page {page}: byte {offset}: the list of databases leads to no metadata page, or to two")]
    DatabaseList {
        /// The page of the list.
        page: PageNo,
        /// Offset of the item in the page, in bytes.
        offset: usize,
    },
    /// No database of this name is in any of the files.
    #[error("there is no database named {}", .name.shown())]
    NoSuchDatabase {
        /// The name.
        name: Vec<u8>,
    },
    /// Duplicates are to be sorted, but are not.
    #[error(
        "page {page}: slot {slot}: the duplicates are not in order: upgrade them as unsorted, \
         or unchecked if the application has an order of its own"
    )]
    Unsorted {
        /// The page of the first duplicate that is not greater than the one before.
        page: PageNo,
        /// Its slot.
        slot: u16,
    },
    /// The file is part of an environment that may be in use.
    #[error("{} is there: an environment may be in use; stop what uses it, and let the release that wrote it recover it", .file.shown())]
    Environment {
        /// A region file.
        file: PathBuf,
    },
    /// The log holds changes that may not be in the file yet.
    #[error(
        "recovery is needed first: {why} (log records {from} to {to}); recover with the release that wrote \
         the log, or ignore the logs if the file is known to be complete"
    )]
    Recovery {
        /// What in the log says so.
        why: String,
        /// The first record that may not be in the file.
        from: Lsn,
        /// The end of the log.
        to: Lsn,
    },
    /// The target of a copy is there already.
    #[error("{} is there already", .path.shown())]
    Exists {
        /// The target.
        path: PathBuf,
    },
    /// A file was given twice, perhaps by two names.
    #[error("the file is given twice")]
    Twice,
    /// Files that are to be changed as one unit are not all in one folder.
    #[error("not in the same folder as the files before: files are changed folder by folder")]
    Folders,
}

/// Turns an error of the file system into one that names the file.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> crate::error::Error + '_ {
    move |source| crate::error::Error::Open { path: path.to_owned(), cause: source.into() }
}
