//! Why a snapshot was not restored.

use std::io;
use std::path::{Path, PathBuf};

use super::super::survey::SnapshotVerdict;
use crate::codes::refusals;
use crate::shown::ShowName;

/// Why a snapshot was not restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
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
    /// The folder of the databases cannot be read.
    #[error(transparent)]
    Folder(#[from] crate::Error),
    /// Another run is at work in the folder.
    #[error("{}: another restore or upgrade of this store is at work", .path.shown())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// Something stands where this program keeps its copies, and it did not put it there.
    #[error("{}: not put there by bdbkit, and not touched: {what}; move it away first", .path.shown())]
    Foreign {
        /// What stands there.
        path: PathBuf,
        /// What tells that it is foreign.
        what: &'static str,
    },
    /// Something stands in the folder, or in one to which its files moved, that was not there
    /// when the restore began.
    #[error("{}: not what stood here when the restore began; move it away first", .path.shown())]
    Unexpected {
        /// What stands there.
        path: PathBuf,
    },
    /// A file is neither where it was nor where it belongs.
    #[error("{}: gone since the restore began", .path.shown())]
    Missing {
        /// Where it belongs.
        path: PathBuf,
    },
    /// The snapshot has no databases, or no logs.
    #[error("{}: no snapshot: {what}", .path.shown())]
    NotASnapshot {
        /// The folder.
        path: PathBuf,
        /// What is missing.
        what: &'static str,
    },
    /// The snapshot is not valid, or not what its marks say.
    #[error("{}: {}: {reason}", .path.shown(), .verdict.name())]
    Unfit {
        /// The folder.
        path: PathBuf,
        /// What it is worth.
        verdict: SnapshotVerdict,
        /// Why.
        reason: String,
    },
    /// The store may be running.
    #[error("{}: {what}", .path.shown())]
    Live {
        /// The folder.
        path: PathBuf,
        /// What shows it.
        what: String,
    },
    /// An earlier run did not come to its end.
    #[error("{}: an earlier restore did not come to its end: resume it first", .path.shown())]
    Interrupted {
        /// The folder.
        path: PathBuf,
    },
    /// There is nothing to resume.
    #[error("{}: no restore was interrupted here", .path.shown())]
    NothingToResume {
        /// The folder.
        path: PathBuf,
    },
    /// A restore was interrupted before its copies were whole.
    #[error("{}: the restore was interrupted before anything had moved: run it again", .path.shown())]
    NothingMoved {
        /// The folder.
        path: PathBuf,
    },
    /// The folder for what moves aside is there already, or lies within the one restored or the
    /// snapshot.
    #[error("{}: not a new folder outside of the one that is restored", .path.shown())]
    Aside {
        /// The folder.
        path: PathBuf,
    },
    /// What would move aside is not on the file system of the folder for it.
    #[error("{}: on another file system, and what is in the folder is moved, not copied", .path.shown())]
    OtherFileSystem {
        /// The folder for what moves aside, or what stands in the folder that is restored.
        path: PathBuf,
    },
    /// The folder of the region files cannot serve.
    #[error("{}: no folder for region files: {what}", .path.shown())]
    Cache {
        /// The folder.
        path: PathBuf,
        /// Why not.
        what: &'static str,
    },
    /// A symbolic link in the snapshot: what it leads to may be none of it.
    #[error("{}: a symbolic link, which a snapshot does not have", .path.shown())]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// Something else stands where a file would move to.
    #[error("{}: in the way of a file of the same name", .path.shown())]
    Clash {
        /// What is in the way.
        path: PathBuf,
    },
    /// Files of the snapshot are in their places already, so the old ones cannot just move back.
    #[error(
        "{}: there already, so the old files in {} do not move back: resume the restore, then restore that folder",
        .path.shown(), .aside.shown()
    )]
    InPlace {
        /// The first of those files.
        path: PathBuf,
        /// Where the old files are.
        aside: PathBuf,
    },
    /// It failed, and the old files are in their places again.
    #[error("{cause}: all old files are in their places again")]
    PutBack {
        /// What failed.
        cause: Box<RestoreError>,
    },
    /// A file was replaced or written while it was copied.
    #[error("{}: changed while it was copied", .path.shown())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A copy is not what was copied.
    #[error("{}: the copy is not like the original", .path.shown())]
    Copy {
        /// The copy.
        path: PathBuf,
    },
}

refusals! { RestoreError:
    Busy = "R-BUSY",
    Foreign = "R-FOREIGN",
    Unexpected = "R-UNEXPECTED",
    NotASnapshot = "R-NO-SNAPSHOT",
    Unfit = "R-UNFIT",
    Live = "R-LIVE",
    Interrupted = "R-INTERRUPTED",
    NothingToResume = "R-NOTHING-TO-RESUME",
    NothingMoved = "R-NOTHING-MOVED",
    Aside = "R-ASIDE",
    OtherFileSystem = "R-OTHER-FILE-SYSTEM",
    Cache = "R-REGION-FOLDER",
    Link = "R-LINK",
    Clash = "R-CLASH",
    InPlace = "R-IN-PLACE",
}

impl RestoreError {
    /// The file or folder that it is about.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            RestoreError::Io { path, .. }
            | RestoreError::Busy { path, .. }
            | RestoreError::Foreign { path, .. }
            | RestoreError::Unexpected { path, .. }
            | RestoreError::Missing { path, .. }
            | RestoreError::NotASnapshot { path, .. }
            | RestoreError::Unfit { path, .. }
            | RestoreError::Live { path, .. }
            | RestoreError::Interrupted { path, .. }
            | RestoreError::NothingToResume { path, .. }
            | RestoreError::NothingMoved { path, .. }
            | RestoreError::Aside { path, .. }
            | RestoreError::OtherFileSystem { path, .. }
            | RestoreError::Cache { path, .. }
            | RestoreError::Link { path, .. }
            | RestoreError::Clash { path, .. }
            | RestoreError::InPlace { path, .. }
            | RestoreError::Changed { path, .. }
            | RestoreError::Copy { path, .. } => Some(path),
            RestoreError::Folder(crate::Error::Open { path, .. }) => Some(path),
            RestoreError::Folder(_) => None,
            RestoreError::PutBack { cause } => cause.path(),
        }
    }
}

pub(super) type Result<T> = std::result::Result<T, RestoreError>;

/// Turns an error of the file system into one that names the file.
pub(super) fn at<'p>(path: &'p Path, doing: &'static str) -> impl FnOnce(io::Error) -> RestoreError + 'p {
    move |source| RestoreError::Io { path: path.to_owned(), doing, cause: source }
}

/// The error for what a restore did not put where it is.
pub(super) fn foreign(path: &Path, what: &'static str) -> RestoreError {
    RestoreError::Foreign { path: path.to_owned(), what }
}
