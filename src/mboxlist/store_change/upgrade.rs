//! Upgrading a whole store as one unit, as `ims_db_upgrade` does (mboxlist, "`store-upgrade`").

use std::path::{Path, PathBuf};

use super::error::Result;
use super::store::{Looked, Store, of_store};
use crate::edit::{FileReport, Plan, Refusal};
use crate::env::Layout;
use crate::format::generation::Generation;
use crate::journal::{self, Disk};
use crate::upgrade::{Choices, Upgrade};

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
    store: Store<'d, D>,
    choices: Choices,
    lsns: Lsns,
    version_8: bool,
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
    looked: Looked,
    /// Those to upgrade.
    due: Vec<PathBuf>,
    /// The extents of these.
    extents: Vec<PathBuf>,
    untouched: Vec<(PathBuf, u32)>,
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

of_store!(StoreUpgrade);

impl<'d, D: Disk> StoreUpgrade<'d, D> {
    /// An upgrade of the databases in a folder of some disk.
    #[must_use]
    pub fn on(disk: &'d D, folder: impl AsRef<Path>) -> Self {
        let (choices, lsns) = (Choices::default(), Lsns::Auto);
        StoreUpgrade { store: Store::on(disk, folder.as_ref()), choices, lsns, version_8: false }
    }

    /// The choices for each database. Whether LSNs are reset [`StoreUpgrade::lsns`] tells.
    #[must_use]
    pub fn choices(mut self, choices: Choices) -> Self {
        self.choices = choices;
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

    /// Keeps the copies. They are kept, too, if LSNs are reset.
    #[must_use]
    pub fn keep_backup(mut self, keep: bool) -> Self {
        self.store.keep_backup = keep;
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
        let _lock = self.store.lock()?;
        self.store.settle(false)?;
        let found = self.find()?;
        let mut report = StoreReport {
            untouched: found.untouched.clone(),
            logs: found.looked.logs.clone(),
            lsns_reset: found.reset && !found.due.is_empty(),
            left_out: found.looked.left_out.clone(),
            lsns_stale: found.stale.clone(),
            foreign: self.store.foreign()?,
            ..StoreReport::default()
        };
        if found.due.is_empty() {
            return Ok(report);
        }
        let files = found.due.iter().chain(&found.extents).chain(&found.looked.logs);
        let keep = self.store.keep_backup || found.reset;
        let (done, backup) = self.store.change(self.upgrade(&found), keep, files)?;
        (report.files, report.backup) = (done.files, backup);
        Ok(report)
    }

    fn find(&self) -> Result<Found> {
        let (mut due, mut extents, mut untouched) = (Vec::new(), Vec::new(), Vec::new());
        let mut logged = Vec::new();
        let looked = self.store.look(
            |method, version| {
                let profile = self.choices.profile;
                if profile.leads_to(method, version) {
                    return Ok(());
                }
                Err(Refusal::Downgrade { version, profile: profile.name() }.into())
            },
            |path, db, beside| {
                if db.highest_lsn().file > 0 {
                    logged.push(path.to_owned());
                }
                let generation = db.meta().generation();
                if generation < Generation::V31 || (generation == Generation::V31 && self.version_8) {
                    due.push(path.to_owned());
                    extents.extend(beside.iter().map(|extent| extent.path().to_owned()));
                } else {
                    untouched.push((path.to_owned(), db.meta().version()));
                }
            },
        )?;
        let reset = match self.lsns {
            Lsns::Keep => false,
            Lsns::Reset => true,
            Lsns::Auto => {
                let elsewhere = Layout::of(&self.store.folder).logs().path != self.store.folder;
                looked.logs.is_empty() && !elsewhere && !logged.is_empty()
            }
        };
        let stale = logged.into_iter().filter(|path| reset && !due.contains(path)).collect();
        Ok(Found { looked, due, extents, untouched, stale, reset })
    }

    fn upgrade(&self, found: &Found) -> Upgrade<'d, D> {
        let choices = Choices { reset_lsn: found.reset, ..self.choices.clone() };
        Upgrade::on(self.store.disk, &found.due).choices(choices).within(self.store.surroundings.clone())
    }
}
