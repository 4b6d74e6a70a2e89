//! Snapshots that lack `.verified`: recovered onto a copy, and judged there (mboxlist, "Snapshots").

use std::io;
use std::path::{Path, PathBuf};

use super::survey::{Code, Snapshot, StoreFinding, SurveyOptions};
use crate::env::Layout;
use crate::error::Error;
use crate::recover::{Recover, RecoverError, RecoverReport};
use crate::shown::ShowName;

/// A copy of the databases of a snapshot as its log says they should be.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SnapshotCopy {
    /// Its folder.
    pub path: PathBuf,
    /// What the log said.
    pub report: RecoverReport,
    /// What is wrong with its databases.
    pub faults: Vec<StoreFinding>,
}

/// Why a snapshot was not recovered onto a copy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotCopyError {
    /// Its log does not tell what is to be done.
    #[error(transparent)]
    Recover(#[from] RecoverError),
    /// The copy cannot be written.
    #[error("{}: {cause}", .path.shown())]
    Copy {
        /// The copy.
        path: PathBuf,
        /// What the file system said.
        cause: io::Error,
    },
    /// The copy cannot be read.
    #[error(transparent)]
    Judge(#[from] Error),
}

impl SnapshotCopy {
    /// Whether all databases are consistent and sound.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.report.is_complete() && self.faults.is_empty()
    }
}

impl Snapshot {
    /// Recovers the databases by the log of the snapshot, in a new folder, and judges them there.
    /// Nothing is written into the snapshot.
    ///
    /// # Errors
    ///
    /// The log does not tell what is to be done; the folder exists already, or cannot be written.
    pub fn recover_to(&self, folder: impl AsRef<Path>) -> Result<SnapshotCopy, SnapshotCopyError> {
        let path = folder.as_ref().to_owned();
        let view = Recover::new().view(&Layout::of(&self.path))?;
        view.write_to(&path).map_err(|cause| SnapshotCopyError::Copy { path: path.clone(), cause })?;
        let survey = SurveyOptions::new().alone().survey(&path)?;
        // That there is no log in a copy is no fault of it.
        let of_database = |found: &StoreFinding| matches!(found.code, Code::Damaged | Code::Unreadable);
        let faults = survey.findings.into_iter().filter(of_database).collect();
        Ok(SnapshotCopy { path, report: view.report().clone(), faults })
    }
}
