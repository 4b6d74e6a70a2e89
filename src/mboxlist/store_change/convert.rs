//! A whole store for a machine of the other byte order (mboxlist, "`store-convert`").

use std::path::{Path, PathBuf};

use super::error::{Result, StoreUpgradeError};
use super::store::{Looked, Store, of_store};
use crate::edit::{FileReport, Plan};
use crate::env::Layout;
use crate::journal::{Disk, SystemDisk};
use crate::order::Endianness;
use crate::upgrade::Convert;

/// A conversion of all databases of a store, or of none, for a machine of the other byte order.
///
/// Their LSNs are reset, and the logs go with the copies of the old databases, which are kept: an engine of the
/// other machine stops at logs of another byte order, or would undo and redo what they hold as its own. Keys
/// and values stay as they are; whether there are numbers in them in the order of the old machine nobody can tell.
///
/// ```
/// use bdbkit::Endianness;
/// use bdbkit::mboxlist::StoreConvert;
///
/// # let folder = tempfile::tempdir()?;
/// # let store = folder.path();
/// # for entry in std::fs::read_dir("testdata/mboxlist-ims63-log11-be")? {
/// #     let path = entry?.path();
/// #     if path.is_file() {
/// #         std::fs::copy(&path, store.join(path.file_name().expect("it has one")))?;
/// #     }
/// # }
/// let report = StoreConvert::open(store, Endianness::Little).run()?;
/// assert!(report.files.iter().all(|file| file.to_order == Endianness::Little));
/// assert!(report.backup.is_some_and(|old| old.join("folder.db").exists()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct StoreConvert<'d, D: Disk> {
    store: Store<'d, D>,
    to: Endianness,
}

/// What a conversion of a store did.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ConvertedStore {
    /// The databases that were converted, with their extents; none, if they were in this byte order before.
    pub files: Vec<FileReport>,
    /// The logs that went to the copies of the old databases, by their names before.
    pub logs: Vec<PathBuf>,
    /// Files that hold nothing: why they were left as they are.
    pub left_out: Vec<(PathBuf, String)>,
    /// The old databases and logs.
    pub backup: Option<PathBuf>,
    /// What has the name of a backup that a run left behind, but is none: it was left alone.
    pub foreign: Vec<PathBuf>,
}

/// What a conversion of a store would do.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct StoreConvertPlan {
    /// What would be done to each database and extent; none, if they are in this byte order.
    pub files: Vec<Plan>,
    /// The logs that would go to the copies of the old databases.
    pub logs: Vec<PathBuf>,
}

/// What there is to convert.
struct Found {
    looked: Looked,
    databases: Vec<PathBuf>,
    extents: Vec<PathBuf>,
}

impl StoreConvert<'static, SystemDisk> {
    /// A conversion of the databases in a folder. Nothing is read yet.
    #[must_use]
    pub fn open(folder: impl AsRef<Path>, to: Endianness) -> Self {
        StoreConvert::on(&SystemDisk::MAPPED, folder, to)
    }
}

of_store!(StoreConvert);

impl<'d, D: Disk> StoreConvert<'d, D> {
    /// A conversion of the databases in a folder of some disk.
    #[must_use]
    pub fn on(disk: &'d D, folder: impl AsRef<Path>, to: Endianness) -> Self {
        StoreConvert { store: Store::on(disk, folder.as_ref()), to }
    }

    /// What would be done. Writes nothing.
    ///
    /// # Errors
    ///
    /// Why the store would be refused.
    pub fn plan(&self) -> Result<StoreConvertPlan> {
        let found = self.find()?;
        if found.looked.order == self.to {
            return Ok(StoreConvertPlan::default());
        }
        Ok(StoreConvertPlan { files: self.convert(&found).plan()?, logs: found.looked.logs })
    }

    /// Converts the databases and takes the logs away: all of it or nothing. What an earlier run left
    /// behind is completed first.
    ///
    /// # Errors
    ///
    /// Why the store is refused, or what failed: then all files are as they were, unless
    /// the disk failed again, and a later run goes on.
    pub fn run(&self) -> Result<ConvertedStore> {
        let _lock = self.store.lock()?;
        self.store.settle(false)?;
        let found = self.find()?;
        let left_out = found.looked.left_out.clone();
        let mut report =
            ConvertedStore { left_out, foreign: self.store.foreign()?, ..ConvertedStore::default() };
        if found.looked.order == self.to {
            return Ok(report);
        }
        let files = found.databases.iter().chain(&found.extents).chain(&found.looked.logs);
        let (done, backup) = self.store.change(self.convert(&found), true, files)?;
        (report.files, report.logs, report.backup) = (done.files, found.looked.logs.clone(), backup);
        Ok(report)
    }

    fn find(&self) -> Result<Found> {
        let (mut databases, mut extents) = (Vec::new(), Vec::new());
        let looked = self.store.look(
            |_, _| Ok(()),
            |path, _, beside| {
                databases.push(path.to_owned());
                extents.extend(beside.iter().map(|extent| extent.path().to_owned()));
            },
        )?;
        let logs = Layout::of(&self.store.folder).logs().path.clone();
        if logs != self.store.folder && looked.order != self.to {
            return Err(StoreUpgradeError::LogsElsewhere { store: self.store.folder.clone(), logs });
        }
        Ok(Found { looked, databases, extents })
    }

    fn convert(&self, found: &Found) -> Convert<'d, D> {
        let convert = Convert::on(self.store.disk, &found.databases, self.to).reset_lsn(true);
        convert.within(self.store.surroundings.clone()).without(&found.looked.logs)
    }
}
