//! A store that is changed as one unit, whatever becomes of its databases.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::backup::Backup;
use super::error::{Result, StoreUpgradeError, at};
use crate::access::Database;
use crate::edit::{
    Edit, EditError, Extent, Logs, Notice, Operation, Refusal, Report, Surroundings, extents_of,
    settle_folder, with_extents,
};
use crate::env::LAST_OF_HOST_ORDER;
use crate::error::Error;
use crate::journal::{Disk, Outcome};
use crate::log::LogFile;
use crate::mboxlist::classify::Class;
use crate::mboxlist::{files, restore};
use crate::method::Method;
use crate::order::Endianness;
use crate::pages::OpenOptions;

/// What all changes of a store have in common, for whoever makes one.
macro_rules! of_store {
    ($change:ident) => {
        impl<D: $crate::journal::Disk> $change<'_, D> {
            /// Whether to go on even if the logs say that a database is not complete.
            #[must_use]
            pub fn ignore_logs(mut self, ignore: bool) -> Self {
                self.store.surroundings.ignore_logs = ignore;
                self
            }

            /// Whether to take it that no program uses the store.
            #[must_use]
            pub fn assume_closed(mut self, closed: bool) -> Self {
                self.store.surroundings.assume_closed = closed;
                self
            }

            /// The folder of region files, if they are not in the store (`store.dbtmpdir`): with one of
            /// them there, the store may be in use.
            #[must_use]
            pub fn region_dir(mut self, folder: impl AsRef<std::path::Path>) -> Self {
                self.store.regions = Some(folder.as_ref().to_owned());
                self
            }

            /// Where what is old is copied first: a new folder; one within the store if nothing is said.
            #[must_use]
            pub fn backup_dir(mut self, folder: impl AsRef<std::path::Path>) -> Self {
                self.store.backup = Some(folder.as_ref().to_owned());
                self
            }

            /// What has the name of a backup that a run left behind in the store, but was not made by this
            /// program for this store. It is left alone.
            ///
            /// # Errors
            ///
            /// Those of the file system.
            pub fn foreign(&self) -> super::error::Result<Vec<std::path::PathBuf>> {
                self.store.foreign()
            }

            /// Completes what an earlier run left behind; what became of it, file by file.
            ///
            /// # Errors
            ///
            /// As [`Upgrade::resume`](crate::upgrade::Upgrade::resume).
            pub fn resume(
                &self,
            ) -> super::error::Result<Vec<(std::path::PathBuf, $crate::journal::Outcome)>> {
                let _lock = self.store.lock()?;
                self.store.settle(false)
            }

            /// Brings back the databases that an earlier run left behind.
            ///
            /// # Errors
            ///
            /// As [`Upgrade::roll_back`](crate::upgrade::Upgrade::roll_back).
            pub fn roll_back(
                &self,
            ) -> super::error::Result<Vec<(std::path::PathBuf, $crate::journal::Outcome)>> {
                let _lock = self.store.lock()?;
                self.store.settle(true)
            }
        }
    };
}
pub(super) use of_store;

/// A store, and what stands around it.
#[derive(Clone, Debug)]
pub(super) struct Store<'d, D: Disk> {
    pub(super) disk: &'d D,
    pub(super) folder: PathBuf,
    pub(super) surroundings: Surroundings,
    pub(super) backup: Option<PathBuf>,
    pub(super) keep_backup: bool,
    /// The folder of region files, if they are not in the store.
    pub(super) regions: Option<PathBuf>,
}

/// What was seen of a store.
pub(super) struct Looked {
    /// The byte order of all databases.
    pub(super) order: Endianness,
    pub(super) logs: Vec<PathBuf>,
    /// Files that hold nothing, and why they are left as they are.
    pub(super) left_out: Vec<(PathBuf, String)>,
}

impl<'d, D: Disk> Store<'d, D> {
    pub(super) fn on(disk: &'d D, folder: &Path) -> Self {
        let (folder, surroundings) = (folder.to_owned(), Surroundings::default());
        Store { disk, folder, surroundings, backup: None, keep_backup: false, regions: None }
    }

    /// Looks at all databases, which are judged, and at the logs. A database with whose method and version
    /// nothing can be done is refused before its logs are asked.
    pub(super) fn look(
        &self,
        accept: impl Fn(Method, u32) -> std::result::Result<(), EditError>,
        mut each: impl FnMut(&Path, &Database<'_>, &[Extent]),
    ) -> Result<Looked> {
        let all = self.disk.list(&self.folder).map_err(at(&self.folder, "reading"))?;
        self.idle()?;
        self.not_restoring()?;
        let (mut unclean, mut logs) = (Vec::new(), Logs::new(&self.surroundings));
        let mut left_out = Vec::new();
        let mut orders: Vec<(PathBuf, Endianness)> = Vec::new();
        for path in all.iter().filter(|path| Class::of_file(path) == Class::Database) {
            let contents = self.disk.read(path).map_err(at(path, "reading"))?;
            let beside = extents_of(self.disk, path, &contents).map_err(|error| error.about(path))?;
            let db = match with_extents(&contents, &beside, OpenOptions::new()).database() {
                Ok(db) => db,
                // Files that were created and never written.
                Err(error @ Error::Empty) => {
                    left_out.push((path.clone(), error.to_string()));
                    continue;
                }
                Err(error) => return Err(EditError::from(error).about(path).into()),
            };
            accept(db.meta().method(), db.meta().version()).map_err(|error| error.about(path))?;
            match self.judge(&db, path, &mut logs) {
                Err(StoreUpgradeError::Upgrade(error))
                    if matches!(error.refusal(), Some(Refusal::Recovery { .. })) =>
                {
                    unclean.push((path.clone(), error));
                }
                judged => judged?,
            }
            orders.push((path.clone(), db.meta().endianness()));
            each(path, &db, &beside);
        }
        let mut unclean = unclean.into_iter();
        if let Some((_, first)) = unclean.next() {
            return Err(StoreUpgradeError::Unclean {
                first,
                others: unclean.map(|(path, _)| path).collect(),
            });
        }
        let Some((file, order)) = orders.first().cloned() else {
            return Err(StoreUpgradeError::NoDatabase { folder: self.folder.clone() });
        };
        if let Some((other, _)) = orders.iter().find(|(_, of)| *of != order) {
            return Err(StoreUpgradeError::MixedOrders { file, order, other: other.clone() });
        }
        let logs: Vec<PathBuf> = all.into_iter().filter(|path| files::is_log(path)).collect();
        let foreign = logs.iter().filter(|_| !self.surroundings.ignore_logs).find(|path| {
            let log = LogFile::open(path).ok().filter(|log| log.version() <= LAST_OF_HOST_ORDER);
            log.is_some_and(|log| log.endianness() != order)
        });
        if let Some(log) = foreign {
            return Err(StoreUpgradeError::MixedOrders { file, order, other: log.clone() });
        }
        Ok(Looked { order, logs, left_out })
    }

    /// Changes databases, of which and of the other `files` that copies are made of there is a list in the
    /// folder of the copies. Where these are, if they are kept.
    pub(super) fn change<'p, O: Operation>(
        &self,
        change: Edit<'d, D, O>,
        keep: bool,
        files: impl Iterator<Item = &'p PathBuf>,
    ) -> Result<(Report, Option<PathBuf>)> {
        // Refused files are found before anything is written.
        change.plan()?;
        let backup = match &self.backup {
            Some(folder) => Backup::named(self.disk, &self.folder, folder)?,
            None => Backup::within(self.disk, &self.folder, keep)?,
        };
        let change = change.backup_dir(backup.folder()).keep_backup(true);
        let listed = backup.write_manifest(files);
        match listed.and_then(|()| Ok(change.run()?)) {
            Ok(mut done) => {
                done.files.iter_mut().for_each(|file| file.backup = None);
                let backup = if keep { Some(backup.keep()?) } else { backup.remove()? };
                Ok((done, backup))
            }
            Err(error) => {
                // The journals have brought the databases back: only then the copies may go.
                // Why the change failed matters more than what could not be removed.
                if backup.is_idle().unwrap_or(false) {
                    let _ = backup.remove();
                }
                Err(error)
            }
        }
    }

    /// What has the name of a backup, but was not made by this program for this store.
    pub(super) fn foreign(&self) -> Result<Vec<PathBuf>> {
        Ok(Backup::left_in(self.disk, &self.folder)?.foreign)
    }

    /// Completes what an earlier run left behind, or takes it back.
    pub(super) fn settle(&self, back: bool) -> Result<Vec<(PathBuf, Outcome)>> {
        self.not_restoring()?;
        let settled = settle_folder(self.disk, &self.folder, &self.surroundings, back)?;
        Backup::left_in(self.disk, &self.folder)?.ours.into_iter().try_for_each(Backup::settle)?;
        Ok(settled)
    }

    /// Locks the folder against restores, and other changes of the store.
    pub(super) fn lock(&self) -> Result<D::Lock> {
        self.disk.lock_dir(&self.folder).map_err(|source| match source.kind() {
            ErrorKind::WouldBlock => StoreUpgradeError::Busy { folder: self.folder.clone() },
            _ => at(&self.folder, "locking")(source),
        })
    }

    /// Refuses a store whose files are on their way to another folder, or back.
    fn not_restoring(&self) -> Result<()> {
        let stage = self.folder.join(restore::STAGE);
        match self.disk.exists(&stage).map_err(at(&stage, "looking for it"))? {
            true => Err(StoreUpgradeError::Restoring { folder: self.folder.clone() }),
            false => Ok(()),
        }
    }

    /// Refuses a store with region files in the folder that was named for them.
    fn idle(&self) -> Result<()> {
        let Some(folder) = self.regions.as_ref().filter(|_| !self.surroundings.assume_closed) else {
            return Ok(());
        };
        let region = |path: &PathBuf| matches!(Class::of_file(path), Class::Region(_));
        match self.disk.list(folder).map_err(at(folder, "reading"))?.into_iter().find(region) {
            Some(file) => Err(EditError::from(Refusal::Environment { file }).about(&self.folder).into()),
            None => Ok(()),
        }
    }

    /// Refuses a store for what its logs say of one of its databases, whether that is to be
    /// changed or not.
    fn judge(&self, db: &Database<'_>, path: &Path, logs: &mut Logs<'_>) -> Result<()> {
        let about = |error: EditError| error.about(path);
        let place = self.disk.resolve(path).map_err(at(path, "resolving"))?;
        match logs.check(db, &place).map_err(about)? {
            Some(Notice::ForeignLog { .. }) => {
                Err(StoreUpgradeError::Inconsistent { database: path.to_owned(), highest: db.highest_lsn() })
            }
            _ => Ok(()),
        }
    }
}
