//! Upgrading a whole store as one unit, as `ims_db_upgrade` does (mboxlist, "`store-upgrade`").
//!
//! ```text
//! 1  what an earlier run left behind is completed
//! 2  every database is planned: a store that is refused is not touched
//! 3  a new folder, with a list of what the store holds
//! 4  the databases are copied there, and upgraded as one set (see `journal`)
//! 5  the folder is removed, or gets its lasting name
//! ```

mod backup;
mod error;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

pub use error::StoreUpgradeError;

use super::classify::Class;
use super::files;
use crate::access::Database;
use crate::edit::{
    EditError, FileReport, Logs, Notice, Plan, Refusal, Surroundings, extents_of, settle_folder, with_extents,
};
use crate::env::{LAST_OF_HOST_ORDER, Layout};
use crate::error::Error;
use crate::format::generation::Generation;
use crate::journal::{self, Disk, Outcome};
use crate::log::LogFile;
use crate::order::Endianness;
use crate::upgrade::{Choices, Upgrade};
use backup::Backup;
use error::{Result, at};

/// What happens to the LSNs of pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lsns {
    /// They are reset if the store has no logs any more, and stay if it has.
    #[default]
    Auto,
    /// They stay.
    Keep,
    /// They are reset.
    Reset,
}

/// An upgrade of all databases of a store, or of none.
///
/// Databases of versions 6 and 7 are upgraded; 8 and 9 are compatible and stay as they are,
/// unless asked for. Of HASH that is 4 to 6, and 7 to 9; of QUEUE 1, and 2 to 4. Logs are never touched: they are kept as they are.
#[derive(Clone, Debug)]
pub struct StoreUpgrade<'d, D: Disk> {
    disk: &'d D,
    folder: PathBuf,
    choices: Choices,
    surroundings: Surroundings,
    lsns: Lsns,
    version_8: bool,
    backup: Option<PathBuf>,
    keep_backup: bool,
    regions: Option<PathBuf>,
}

/// What a store upgrade did.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct StoreReport {
    /// The databases that were upgraded.
    pub files: Vec<FileReport>,
    /// The databases that needed nothing, and their versions.
    pub untouched: Vec<(PathBuf, u32)>,
    /// The log files, all of which are kept.
    pub logs: Vec<PathBuf>,
    /// Files that hold nothing: why they were left as they are.
    pub left_out: Vec<(PathBuf, String)>,
    /// Whether the LSNs of the databases that were upgraded were reset.
    pub lsns_reset: bool,
    /// Databases that needed nothing else, and whose LSNs lead into logs that are gone: a
    /// reset is due.
    pub lsns_stale: Vec<PathBuf>,
    /// The old databases, if they are kept.
    pub backup: Option<PathBuf>,
    /// What has the name of a backup that a run left behind, but is none: it was left alone.
    pub foreign: Vec<PathBuf>,
}

/// The databases of a store.
struct Found {
    /// Those to upgrade.
    due: Vec<PathBuf>,
    /// The extents of these.
    extents: Vec<PathBuf>,
    untouched: Vec<(PathBuf, u32)>,
    logs: Vec<PathBuf>,
    left_out: Vec<(PathBuf, String)>,
    stale: Vec<PathBuf>,
    reset: bool,
}

impl StoreUpgrade<'static, journal::SystemDisk> {
    /// An upgrade of the databases in a folder to version 9. Nothing is read yet.
    #[must_use]
    pub fn open(folder: impl AsRef<Path>) -> Self {
        StoreUpgrade::on(&journal::SystemDisk::MAPPED, folder)
    }
}

impl<'d, D: Disk> StoreUpgrade<'d, D> {
    /// An upgrade of the databases in a folder of some disk.
    #[must_use]
    pub fn on(disk: &'d D, folder: impl AsRef<Path>) -> Self {
        StoreUpgrade {
            disk,
            folder: folder.as_ref().to_owned(),
            choices: Choices::default(),
            surroundings: Surroundings::default(),
            lsns: Lsns::Auto,
            version_8: false,
            backup: None,
            keep_backup: false,
            regions: None,
        }
    }

    /// The choices for each database. Whether LSNs are reset [`StoreUpgrade::lsns`] tells.
    #[must_use]
    pub fn choices(mut self, choices: Choices) -> Self {
        self.choices = choices;
        self
    }

    /// Whether to go on even if the logs say that a database is not complete.
    #[must_use]
    pub fn ignore_logs(mut self, ignore: bool) -> Self {
        self.surroundings.ignore_logs = ignore;
        self
    }

    /// Whether to take it that no program uses the store.
    #[must_use]
    pub fn assume_closed(mut self, closed: bool) -> Self {
        self.surroundings.assume_closed = closed;
        self
    }

    /// What happens to the LSNs of pages.
    #[must_use]
    pub fn lsns(mut self, lsns: Lsns) -> Self {
        self.lsns = lsns;
        self
    }

    /// Whether databases of version 8 are upgraded, too; of HASH those of version 7, of QUEUE those
    /// of versions 2 and 3.
    #[must_use]
    pub fn include_version_8(mut self, include: bool) -> Self {
        self.version_8 = include;
        self
    }

    /// The folder of region files, if they are not in the store (`store.dbtmpdir`): with one of
    /// them there, the store may be in use.
    #[must_use]
    pub fn region_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.regions = Some(folder.as_ref().to_owned());
        self
    }

    /// Where the old databases are copied first: a new folder; one within the store if nothing
    /// is said.
    #[must_use]
    pub fn backup_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.backup = Some(folder.as_ref().to_owned());
        self
    }

    /// Keeps the copies. They are kept, too, if LSNs are reset.
    #[must_use]
    pub fn keep_backup(mut self, keep: bool) -> Self {
        self.keep_backup = keep;
        self
    }

    /// What would be done. Writes nothing.
    ///
    /// # Errors
    ///
    /// Why the store would be refused.
    pub fn plan(&self) -> Result<Vec<Plan>> {
        let found = self.find()?;
        Ok(self.upgrade(&found).plan()?)
    }

    /// Upgrades the databases: all of them or none. What an earlier run left behind is
    /// completed first.
    ///
    /// # Errors
    ///
    /// Why the store is refused, or what failed: then all databases are as they were, unless
    /// the disk failed again, and a later run goes on.
    pub fn run(&self) -> Result<StoreReport> {
        let _lock = self.lock()?;
        self.settle(false)?;
        let found = self.find()?;
        let mut report = StoreReport {
            untouched: found.untouched.clone(),
            logs: found.logs.clone(),
            lsns_reset: found.reset && !found.due.is_empty(),
            left_out: found.left_out.clone(),
            lsns_stale: found.stale.clone(),
            foreign: self.foreign()?,
            ..StoreReport::default()
        };
        if found.due.is_empty() {
            return Ok(report);
        }
        let upgrade = self.upgrade(&found);
        // Refused files are found before anything is written.
        upgrade.plan()?;
        let keep = self.keep_backup || found.reset;
        let backup = match &self.backup {
            Some(folder) => Backup::named(self.disk, &self.folder, folder)?,
            None => Backup::within(self.disk, &self.folder, keep)?,
        };
        let upgrade = upgrade.backup_dir(backup.folder()).keep_backup(true);
        let listed = backup.write_manifest(found.due.iter().chain(&found.extents).chain(&found.logs));
        match listed.and_then(|()| Ok(upgrade.run()?)) {
            Ok(done) => report.files = done.files,
            Err(error) => {
                // The journals have brought the databases back: only then the copies may go.
                // Why the upgrade failed matters more than what could not be removed.
                if backup.is_idle().unwrap_or(false) {
                    let _ = backup.remove();
                }
                return Err(error);
            }
        }
        report.files.iter_mut().for_each(|file| file.backup = None);
        report.backup = if keep { Some(backup.keep()?) } else { backup.remove()? };
        Ok(report)
    }

    /// What has the name of a backup that a run left behind in the store, but was not made by this
    /// program for this store. It is left alone.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn foreign(&self) -> Result<Vec<PathBuf>> {
        Ok(Backup::left_in(self.disk, &self.folder)?.foreign)
    }

    /// Completes what an earlier run left behind; what became of it, file by file.
    ///
    /// # Errors
    ///
    /// As [`Upgrade::resume`].
    pub fn resume(&self) -> Result<Vec<(PathBuf, Outcome)>> {
        let _lock = self.lock()?;
        self.settle(false)
    }

    /// Brings back the databases that an earlier run left behind.
    ///
    /// # Errors
    ///
    /// As [`Upgrade::roll_back`].
    pub fn roll_back(&self) -> Result<Vec<(PathBuf, Outcome)>> {
        let _lock = self.lock()?;
        self.settle(true)
    }

    fn settle(&self, back: bool) -> Result<Vec<(PathBuf, Outcome)>> {
        self.not_restoring()?;
        let settled = settle_folder(self.disk, &self.folder, &self.surroundings, back)?;
        Backup::left_in(self.disk, &self.folder)?.ours.into_iter().try_for_each(Backup::settle)?;
        Ok(settled)
    }

    /// Locks the folder against restores, and other upgrades of the store.
    fn lock(&self) -> Result<D::Lock> {
        self.disk.lock_dir(&self.folder).map_err(|source| match source.kind() {
            ErrorKind::WouldBlock => StoreUpgradeError::Busy { folder: self.folder.clone() },
            _ => at(&self.folder, "locking")(source),
        })
    }

    /// Refuses a store whose files are on their way to another folder, or back.
    fn not_restoring(&self) -> Result<()> {
        let stage = self.folder.join(super::restore::STAGE);
        match self.disk.exists(&stage).map_err(at(&stage, "looking for it"))? {
            true => Err(StoreUpgradeError::Restoring { folder: self.folder.clone() }),
            false => Ok(()),
        }
    }

    fn files(&self) -> Result<Vec<PathBuf>> {
        self.disk.list(&self.folder).map_err(at(&self.folder, "reading"))
    }

    fn find(&self) -> Result<Found> {
        let all = self.files()?;
        self.idle()?;
        self.not_restoring()?;
        let (mut unclean, mut logs) = (Vec::new(), Logs::new(&self.surroundings));
        let (mut due, mut extents, mut untouched) = (Vec::new(), Vec::new(), Vec::new());
        let (mut left_out, mut logged) = (Vec::new(), Vec::new());
        let mut orders: Vec<(PathBuf, Endianness)> = Vec::new();
        for path in all.iter().filter(|path| Class::of_file(path) == Class::Database) {
            let contents = self.disk.read(path).map_err(at(path, "reading"))?;
            let beside = extents_of(self.disk, path, &contents).map_err(|error| error.about(path))?;
            let db = match with_extents(&contents, &beside).database() {
                Ok(db) => db,
                // Files that were created and never written.
                Err(error @ Error::Empty) => {
                    left_out.push((path.clone(), error.to_string()));
                    continue;
                }
                Err(error) => return Err(EditError::from(error).about(path).into()),
            };
            let (version, method) = (db.meta().version(), db.meta().method());
            let profile = self.choices.profile;
            if !profile.leads_to(method, version) {
                let refusal = Refusal::Downgrade { version, profile: profile.name() };
                return Err(EditError::from(refusal).about(path).into());
            }
            match self.judge(&db, path, &mut logs) {
                Err(StoreUpgradeError::Upgrade(error))
                    if matches!(error.refusal(), Some(Refusal::Recovery { .. })) =>
                {
                    unclean.push((path.clone(), error));
                }
                judged => judged?,
            }
            if db.highest_lsn().file > 0 {
                logged.push(path.clone());
            }
            orders.push((path.clone(), db.meta().endianness()));
            let generation = db.meta().generation();
            if generation < Generation::V31 || (generation == Generation::V31 && self.version_8) {
                due.push(path.clone());
                extents.extend(beside.iter().map(|extent| extent.path().to_owned()));
            } else {
                untouched.push((path.clone(), version));
            }
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
        let reset = match self.lsns {
            Lsns::Keep => false,
            Lsns::Reset => true,
            Lsns::Auto => {
                let elsewhere = Layout::of(&self.folder).logs().path != self.folder;
                logs.is_empty() && !elsewhere && !logged.is_empty()
            }
        };
        let stale = logged.into_iter().filter(|path| reset && !due.contains(path)).collect();
        Ok(Found { due, extents, untouched, logs, left_out, stale, reset })
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
    /// upgraded or not.
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

    fn upgrade(&self, found: &Found) -> Upgrade<'d, D> {
        let choices = Choices { reset_lsn: found.reset, ..self.choices.clone() };
        Upgrade::on(self.disk, &found.due).choices(choices).within(self.surroundings.clone())
    }
}
