//! Why a store was not upgraded, or converted.

use std::io;
use std::path::{Path, PathBuf};

use crate::codes::refusals;
use crate::edit::EditError;
use crate::order::Endianness;
use crate::shown::ShowName;
use crate::types::Lsn;

/// Why a store was not upgraded, or converted. No database is changed, unless it says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreUpgradeError {
    /// One of the databases is refused, or could not be changed.
    #[error(transparent)]
    Upgrade(#[from] EditError),
    /// The logs hold changes that are not in the databases yet.
    #[error("{first}{}", also(.others))]
    Unclean {
        /// What is due for the first of them.
        first: EditError,
        /// The others.
        others: Vec<PathBuf>,
    },
    /// Another run is at work in the store.
    #[error("{}: another restore, upgrade or conversion of this store is at work", .folder.shown())]
    Busy {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder holds no database.
    #[error("{}: no database here", .folder.shown())]
    NoDatabase {
        /// The folder.
        folder: PathBuf,
    },
    /// The logs end before the pages do: they are not the logs of this store.
    #[error(
        "{}: its pages are newer ({highest}) than the end of the log: database and logs do not belong together; \
         look for the right logs, or ignore these if the databases are known to be complete",
        .database.shown()
    )]
    Inconsistent {
        /// The database.
        database: PathBuf,
        /// The highest LSN of its pages.
        highest: Lsn,
    },
    /// A snapshot was being restored.
    #[error(
        "{}: the restore of a snapshot did not come to its end: resume it, or roll it back, first",
        .folder.shown()
    )]
    Restoring {
        /// The folder.
        folder: PathBuf,
    },
    /// Databases of two machines are mixed.
    #[error(
        "{} is {order}, but {} is not: files of two machines are mixed, and no store wrote both",
        .file.shown(), .other.shown()
    )]
    MixedOrders {
        /// A database.
        file: PathBuf,
        /// Its byte order.
        order: Endianness,
        /// A database of the other order.
        other: PathBuf,
    },
    /// The logs are in another folder, and cannot go together with what changes.
    #[error(
        "{}: its logs are in {}: move them to the store while nothing uses it, and take the setting out of its \
         DB_CONFIG, so that they can be taken away with the old databases",
        .store.shown(), .logs.shown()
    )]
    LogsElsewhere {
        /// The folder of the store.
        store: PathBuf,
        /// That of the logs.
        logs: PathBuf,
    },
    /// The folder for the copies is there already.
    #[error("{}: there already: the copies need a new folder", .folder.shown())]
    BackupExists {
        /// The folder.
        folder: PathBuf,
    },
    /// The file system refused.
    #[error("{}: {doing}: {cause}", .path.shown())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the file system said.
        cause: io::Error,
    },
}

refusals! { StoreUpgradeError:
    Busy = "R-BUSY",
    NoDatabase = "R-NO-DATABASE",
    Inconsistent = "R-INCONSISTENT",
    Restoring = "R-RESTORING",
    MixedOrders = "R-MIXED-ORDERS",
    LogsElsewhere = "R-LOGS-ELSEWHERE",
    BackupExists = "R-BACKUP-EXISTS",;
    StoreUpgradeError::Upgrade(error) | StoreUpgradeError::Unclean { first: error, .. } => error.code()
}

impl StoreUpgradeError {
    /// The file or folder that it is about, if it is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            StoreUpgradeError::Upgrade(error) | StoreUpgradeError::Unclean { first: error, .. } => {
                error.path()
            }
            StoreUpgradeError::Busy { folder: path }
            | StoreUpgradeError::NoDatabase { folder: path }
            | StoreUpgradeError::Inconsistent { database: path, .. }
            | StoreUpgradeError::Restoring { folder: path }
            | StoreUpgradeError::LogsElsewhere { store: path, .. }
            | StoreUpgradeError::MixedOrders { file: path, .. }
            | StoreUpgradeError::BackupExists { folder: path }
            | StoreUpgradeError::Io { path, .. } => Some(path),
        }
    }
}

/// The other files to which the same applies.
fn also(others: &[PathBuf]) -> String {
    let names: Vec<String> = others.iter().map(|path| path.shown().to_string()).collect();
    if names.is_empty() { String::new() } else { format!("; the same is due for {}", names.join(", ")) }
}

pub(super) type Result<T> = std::result::Result<T, StoreUpgradeError>;

pub(super) fn at<'p>(
    path: &'p Path,
    doing: &'static str,
) -> impl FnOnce(io::Error) -> StoreUpgradeError + 'p {
    move |source| StoreUpgradeError::Io { path: path.to_owned(), doing, cause: source }
}
