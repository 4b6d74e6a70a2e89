//! What a store holds, read as evidence (mboxlist, "Forensic reading").

mod database;
mod entry;
mod kind;
mod logs;
mod report;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use entry::{Found, Listed, Origin};
pub use kind::Kind;
pub use report::{ListReport, ListedFile, ListedLogs};

use super::files;
use crate::error::{Error, Result};
use crate::journal;
use crate::log::{LogDir, LogOptions};

/// A listing of all entries of a store: mailboxes, quotas, subscriptions and whatever else
/// its databases hold, as keys and values in bytes. The layout of the values is not public,
/// and nothing is made of them.
///
/// Files are only read. Each one's SHA-256 is taken before and after. A database that the
/// strict reader cannot read whole is [salvaged](crate::salvage).
///
/// ```
/// use bdbkit::mboxlist::{Kind, List};
///
/// let list = List::open("testdata/mboxlist-ims5-log2-be")?;
/// let mut mailboxes = 0;
/// let report = list.deleted(true).run(|entry| {
///     mailboxes += u32::from(entry.kind == Kind::Mailbox);
///     Ok::<(), bdbkit::Error>(())
/// })?;
/// assert!(mailboxes > 10 && report.is_complete());
/// # Ok::<(), bdbkit::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct List {
    place: Place,
    deleted: bool,
    logs: bool,
}

/// What is listed.
#[derive(Clone, Debug)]
enum Place {
    Folder(PathBuf),
    Database(PathBuf),
    Log(PathBuf),
}

impl List {
    /// A listing of the files in a folder, but not of folders in it; or of one file, a
    /// database or a log.
    ///
    /// # Errors
    ///
    /// [`Error::Open`] if it is neither folder nor file.
    pub fn open(path: impl AsRef<Path>) -> Result<List> {
        let path = path.as_ref().to_owned();
        let place = match fs::metadata(&path) {
            Ok(found) if found.is_dir() => Place::Folder(path),
            Ok(found) if found.is_file() && files::is_log(&path) => Place::Log(path),
            Ok(found) if found.is_file() => Place::Database(path),
            Ok(_) => {
                let source = io::Error::new(io::ErrorKind::InvalidInput, "neither a folder nor a file");
                return Err(Error::Open { path, source });
            }
            Err(source) => return Err(Error::Open { path, source }),
        };
        let logs = matches!(place, Place::Log(_));
        Ok(List { place, deleted: false, logs })
    }

    /// Whether to give what was deleted too, as far as it still stands on pages of entries and
    /// on free pages. Of remains in unused space it is not known which is the key.
    #[must_use]
    pub fn deleted(mut self, deleted: bool) -> List {
        self.deleted = deleted;
        self
    }

    /// Whether to give all changes that the logs tell of too: those in the folder, or beside
    /// the one database. The changes of a log that is listed itself are always given.
    #[must_use]
    pub fn logs(mut self, logs: bool) -> List {
        self.logs = logs || matches!(self.place, Place::Log(_));
        self
    }

    /// Gives every entry: those of the databases by the names of their files, each in its
    /// order; then those of the logs in theirs.
    ///
    /// # Errors
    ///
    /// Those of `visit`, which end it. Whatever else goes wrong is in the report.
    pub fn run<E>(
        &self,
        mut visit: impl FnMut(&Listed<'_>) -> std::result::Result<(), E>,
    ) -> std::result::Result<ListReport, E> {
        let before = self.files();
        let mut files: Vec<ListedFile> = before.iter().cloned().map(ListedFile::new).collect();
        for file in &mut files {
            file.before = file.hash();
        }
        for file in &mut files {
            if self.is_database(&file.path) {
                file.is_database = true;
                database::read(file, self.deleted, &mut visit)?;
            }
        }
        let logs = self.logs.then(|| self.read_logs(&mut visit)).transpose()?;
        let new = self.files().into_iter().filter(|path| !before.contains(path));
        files.extend(new.map(ListedFile::new));
        for file in &mut files {
            file.after = file.hash();
        }
        Ok(ListReport { files, left_out: self.left_out(), logs })
    }

    /// Every file that is read.
    fn files(&self) -> Vec<PathBuf> {
        match &self.place {
            Place::Folder(folder) => files::of(folder).unwrap_or_default(),
            Place::Log(file) => vec![file.clone()],
            Place::Database(file) => {
                let beside = files::of(journal::directory(file)).unwrap_or_default().into_iter();
                let logs = beside.filter(|path| self.logs && files::is_log(path));
                std::iter::once(file.clone()).chain(logs).collect()
            }
        }
    }

    fn left_out(&self) -> Vec<PathBuf> {
        match &self.place {
            Place::Folder(folder) => files::others(folder).unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    fn is_database(&self, path: &Path) -> bool {
        match &self.place {
            Place::Folder(_) => looks_like_database(path),
            Place::Database(file) => path == file,
            Place::Log(_) => false,
        }
    }

    fn read_logs<E>(
        &self,
        visit: &mut impl FnMut(&Listed<'_>) -> std::result::Result<(), E>,
    ) -> std::result::Result<ListedLogs, E> {
        match &self.place {
            Place::Folder(folder) => logs::read(LogDir::open(folder), None, visit),
            Place::Log(file) => {
                logs::read(Ok(LogOptions::new().open_files(std::slice::from_ref(file))), None, visit)
            }
            Place::Database(file) => {
                logs::read(LogDir::open(journal::directory(file)), Some(report::name(file)), visit)
            }
        }
    }
}

/// Whether a file is a database: by its magic number, or else by its name, as page 0 may be
/// damaged.
fn looks_like_database(path: &Path) -> bool {
    if files::is_log(path) {
        return false;
    }
    if path.extension().is_some_and(|extension| extension == "db") {
        return true;
    }
    files::has_magic(path)
}
