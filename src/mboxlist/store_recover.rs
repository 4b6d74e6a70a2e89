//! Recovering a store, as `stored -r` does (mboxlist, "`store-recover`").

use std::path::{Path, PathBuf};

use crate::edit::Progress;
use crate::env::Layout;
use crate::in_place::{InPlace, InPlaceError, InPlaceReport};
use crate::journal::{Disk, JournalError, Outcome, SystemDisk};
use crate::recover::{Recover, RecoverReport};
use crate::shown::ShowName;

/// A recovery of the databases of a store by its own log, whichever release wrote that, and the removal
/// of its region files: what `stored -r` does before an upgrade. Logs are never touched.
#[derive(Debug)]
pub struct StoreRecover<'d, D: Disk> {
    disk: &'d D,
    folder: PathBuf,
    in_place: InPlace<'d, D>,
}

/// Why a store was not recovered. No file is changed, unless it says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreRecoverError {
    /// Its environment was not recovered.
    #[error(transparent)]
    InPlace(#[from] InPlaceError),
    /// A snapshot was being restored.
    #[error(
        "{}: the restore of a snapshot did not come to its end: resume it, or roll it back, first",
        .folder.shown()
    )]
    Restoring {
        /// The folder.
        folder: PathBuf,
    },
}

const RESTORING: &str = "R-RESTORING";

type Result<T> = std::result::Result<T, StoreRecoverError>;

impl StoreRecover<'static, SystemDisk> {
    /// A recovery of the store with this folder. Nothing is read yet.
    #[must_use]
    pub fn open(folder: impl AsRef<Path>) -> Self {
        StoreRecover::on(&SystemDisk::MAPPED, folder)
    }
}

impl<'d, D: Disk> StoreRecover<'d, D> {
    /// The same on some disk; see [`InPlace::on`].
    #[must_use]
    pub fn on(disk: &'d D, folder: impl AsRef<Path>) -> Self {
        let folder = folder.as_ref().to_owned();
        let in_place = InPlace::on(disk, Layout::of(&folder));
        StoreRecover { disk, folder, in_place }
    }

    /// Another folder of region files: that of `store.dbtmpdir`, or of the locks.
    #[must_use]
    pub fn region_dir(self, folder: impl AsRef<Path>) -> Self {
        self.with(|in_place| in_place.region_dir(folder))
    }

    /// Whether to take it that no program uses the store.
    #[must_use]
    pub fn assume_closed(self, closed: bool) -> Self {
        self.with(|in_place| in_place.assume_closed(closed))
    }

    /// Copies each database that changes to this folder first: [`InPlace::backup_dir`].
    #[must_use]
    pub fn backup_dir(self, folder: impl AsRef<Path>) -> Self {
        self.with(|in_place| in_place.backup_dir(folder))
    }

    /// Calls this now and then, from any thread.
    #[must_use]
    pub fn progress(self, call: impl Fn(Progress<'_>) + Sync + 'd) -> Self {
        self.with(|in_place| in_place.progress(call))
    }

    fn with(self, change: impl FnOnce(InPlace<'d, D>) -> InPlace<'d, D>) -> Self {
        StoreRecover { in_place: change(self.in_place), ..self }
    }

    /// What would be done. Writes nothing.
    ///
    /// # Errors
    ///
    /// The log does not tell what is to be done.
    pub fn check(&self) -> Result<RecoverReport> {
        self.not_restoring()?;
        let view = Recover::new().view(&Layout::of(&self.folder)).map_err(InPlaceError::from)?;
        Ok(view.report().clone())
    }

    /// Recovers the store. What an earlier run left behind is completed first.
    ///
    /// # Errors
    ///
    /// Why it is refused, or what failed: as [`InPlace::run`].
    pub fn run(&self) -> Result<InPlaceReport> {
        self.not_restoring()?;
        Ok(self.in_place.run(&Recover::new())?)
    }

    /// Removes the region files without a recovery, as `stored -R` does: what the log holds and the
    /// databases lack stays away.
    ///
    /// # Errors
    ///
    /// As [`InPlace::remove_regions`].
    pub fn remove_only(&self) -> Result<Vec<PathBuf>> {
        self.not_restoring()?;
        Ok(self.in_place.remove_regions()?)
    }

    /// Completes what an earlier run left behind.
    ///
    /// # Errors
    ///
    /// As [`InPlace::resume`].
    pub fn resume(&self) -> Result<Vec<(PathBuf, Outcome)>> {
        self.not_restoring()?;
        Ok(self.in_place.resume()?)
    }

    /// Brings the databases back that an earlier run left behind.
    ///
    /// # Errors
    ///
    /// As [`InPlace::roll_back`].
    pub fn roll_back(&self) -> Result<Vec<(PathBuf, Outcome)>> {
        self.not_restoring()?;
        Ok(self.in_place.roll_back()?)
    }

    /// Refuses a store whose files are on their way to another folder, or back.
    fn not_restoring(&self) -> Result<()> {
        let stage = self.folder.join(super::restore::STAGE);
        match self.disk.exists(&stage) {
            Ok(false) => Ok(()),
            Ok(true) => Err(StoreRecoverError::Restoring { folder: self.folder.clone() }),
            Err(cause) => {
                let error = JournalError::Io { path: stage, doing: "looking for it", cause };
                Err(InPlaceError::from(error).into())
            }
        }
    }
}

impl StoreRecoverError {
    /// The codes of the refusals that are not those of its environment.
    pub const CODES: &[&str] = &[RESTORING];

    /// Its code, if it is a refusal: nothing was done. Then
    /// [`Explanation::of`](crate::explain::Explanation::of) explains it.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        match self {
            StoreRecoverError::InPlace(error) => error.code(),
            StoreRecoverError::Restoring { .. } => Some(RESTORING),
        }
    }

    /// The file or folder that it is about, if it is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            StoreRecoverError::InPlace(error) => error.path(),
            StoreRecoverError::Restoring { folder } => Some(folder),
        }
    }
}
