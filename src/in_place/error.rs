//! Why an environment was not recovered in place.

use std::io;
use std::path::{Path, PathBuf};

use crate::codes::refusals;
use crate::edit::EditError;
use crate::error::Error;
use crate::journal::JournalError;
use crate::recover::RecoverError;
use crate::shown::{ShowName, counted};
use crate::types::Lsn;

/// A result with an [`InPlaceError`].
pub(super) type Result<T> = std::result::Result<T, InPlaceError>;

/// Why an environment was not recovered in place. No file is changed, unless it says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InPlaceError {
    /// Its log does not tell what is to be done.
    #[error(transparent)]
    Recover(#[from] RecoverError),
    /// Something about one of the files.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// Another run is at work in the folder.
    #[error("{}: another run that changes files is at work here", .folder.shown())]
    Busy {
        /// The folder.
        folder: PathBuf,
    },
    /// A file changed while the environment was being recovered in memory.
    #[error("{}: it changed while the environment was looked at: something uses it", .path.shown())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A record does not fit a file.
    #[error("{}: it cannot be recovered: {why}{}", .name.shown(), more(*.others))]
    Stopped {
        /// Its name, as the log has it.
        name: PathBuf,
        /// Why.
        why: String,
        /// How many other files there are of which the same is true.
        others: usize,
    },
    /// The result of the recovery would not be a sound database.
    #[error("{}: it would not be sound: {why}", .path.shown())]
    Unsound {
        /// The file.
        path: PathBuf,
        /// The first finding.
        why: String,
    },
    /// Pages are newer than the end of the log: they are not those that it speaks of.
    #[error(
        "{}: pages are newer ({highest}) than the end of the log ({end}): they do not belong together",
        .path.shown()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The highest LSN of its pages.
        highest: Lsn,
        /// The last record of the log.
        end: Lsn,
    },
    /// What was asked for would be undone by the next recovery.
    #[error("{}: it would not last: {why}, and stays: write a copy", .home.shown())]
    Undone {
        /// The home of the environment.
        home: PathBuf,
        /// What was asked for.
        why: &'static str,
    },
    /// The configuration of the environment was not read, or not all of it.
    #[error("{}: {why}: where its files are is not known", .home.shown())]
    Config {
        /// The home of the environment.
        home: PathBuf,
        /// Why.
        why: String,
    },
    /// A file moves from one folder to another, and only those of one can change as a unit.
    #[error("{}: it comes from another folder, as {}: write a copy", .path.shown(), .other.shown())]
    Folders {
        /// The file.
        path: PathBuf,
        /// Where it was before.
        other: PathBuf,
    },
    /// The files of some folders are recovered, those of others are not. A later recovery does the rest.
    #[error("{source}; files of other folders, up to {}, are recovered: run again", .done.shown())]
    Begun {
        /// The last folder whose files are recovered.
        done: PathBuf,
        /// What failed in the folder after it.
        source: Box<JournalError>,
    },
    /// A file is in a folder outside of the environment that nobody named by hand.
    #[error("{}: a folder outside of the environment, in which nothing is changed unless it is named", .folder.shown())]
    Outside {
        /// The folder.
        folder: PathBuf,
    },
}

fn more(others: usize) -> String {
    let others = u64::try_from(others).unwrap_or(u64::MAX);
    if others == 0 { String::new() } else { format!(" (and {} more)", counted(others, "file")) }
}

refusals! { InPlaceError:
    Busy = "R-AT-WORK",
    Changed = "R-CHANGED",
    Stopped = "R-STOPPED",
    Unsound = "R-UNSOUND",
    Foreign = "R-OTHER-LOG",
    Undone = "R-NOT-LASTING",
    Config = "R-CONFIG",
    Folders = "R-SEVERAL-FOLDERS",
    Begun = "R-BEGUN",
    Outside = "R-OUTSIDE",
    ; InPlaceError::Edit(error) => error.code()
}

impl InPlaceError {
    /// The file that it is about, if it is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            InPlaceError::Recover(_) => None,
            InPlaceError::Edit(error) => error.path(),
            InPlaceError::Begun { source, .. } => Some(source.path()),
            InPlaceError::Busy { folder: path }
            | InPlaceError::Outside { folder: path }
            | InPlaceError::Changed { path }
            | InPlaceError::Stopped { name: path, .. }
            | InPlaceError::Unsound { path, .. }
            | InPlaceError::Foreign { path, .. }
            | InPlaceError::Undone { home: path, .. }
            | InPlaceError::Config { home: path, .. }
            | InPlaceError::Folders { path, .. } => Some(path),
        }
    }
}

impl From<JournalError> for InPlaceError {
    fn from(error: JournalError) -> InPlaceError {
        InPlaceError::Edit(error.into())
    }
}

impl From<Error> for InPlaceError {
    fn from(error: Error) -> InPlaceError {
        InPlaceError::Edit(error.into())
    }
}

/// Turns an error of the file system into one that names the file and what was tried.
pub(super) fn at<'p>(path: &'p Path, doing: &'static str) -> impl FnOnce(io::Error) -> InPlaceError + 'p {
    move |cause| JournalError::Io { path: path.to_owned(), doing, cause }.into()
}
