//! The folder of the old databases, while a store is upgraded and afterwards.
//!
//! The journals alone bring databases back. The copies serve whoever wants to have them, and
//! someone whose disk failed twice.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::error::{Result, StoreUpgradeError, at};
use crate::journal::{self, Disk, DiskFile};
use crate::mboxlist::files::Hash;

/// What the names of folders begin with, as long as the run that made them goes on.
const TEMPORARY: &str = ".bdbkit-backup-";
/// What the names of those end with that are to stay.
const STAYS: &str = ".keep";
/// The list of what the store held: sums, lengths and names of databases and logs.
const MANIFEST: &str = "MANIFEST";

/// The folder of the old databases.
pub(super) struct Backup<'d, D: Disk> {
    disk: &'d D,
    folder: PathBuf,
}

impl<'d, D: Disk> Backup<'d, D> {
    /// Makes a folder in the store, for as long as the run goes on or, if it is to be kept,
    /// longer.
    pub(super) fn within(disk: &'d D, store: &Path, keep: bool) -> Result<Self> {
        let mut number = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let ending = if keep { STAYS } else { "" };
        loop {
            let backup = Backup { disk, folder: store.join(format!("{TEMPORARY}{number}{ending}")) };
            let taken = |path: &Path| disk.exists(path).map_err(at(path, "looking for it"));
            if !taken(&backup.folder)? && !taken(&backup.lasting_name())? {
                return backup.create();
            }
            number = number.saturating_add(1);
        }
    }

    /// Makes a folder of the user's.
    pub(super) fn named(disk: &'d D, folder: &Path) -> Result<Self> {
        Backup { disk, folder: folder.to_owned() }.create()
    }

    /// What a run that died left behind in a store.
    pub(super) fn left_in(disk: &'d D, store: &Path) -> Result<Vec<Self>> {
        let folders = disk.list_dirs(store).map_err(at(store, "reading"))?;
        let backups = folders.into_iter().map(|folder| Backup { disk, folder });
        Ok(backups.filter(|backup| backup.name().starts_with(TEMPORARY)).collect())
    }

    fn create(self) -> Result<Self> {
        self.disk.create_dir(&self.folder).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => StoreUpgradeError::BackupExists { folder: self.folder.clone() },
            _ => at(&self.folder, "creating")(source),
        })?;
        self.sync_parent()?;
        Ok(self)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes the list of what is in the store.
    pub(super) fn write_manifest<'p>(&self, files: impl Iterator<Item = &'p PathBuf>) -> Result<()> {
        let mut text = String::new();
        for path in files {
            let hash = Hash::of_bytes(&self.disk.read(path).map_err(at(path, "reading"))?);
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            // Writing to a string does not fail.
            let _ = writeln!(text, "{}  {:>12}  {name}", hash.hex(), hash.size);
        }
        let path = self.folder.join(MANIFEST);
        let written = self.disk.create_new(&path).and_then(|file| {
            file.write_at(0, text.as_bytes())?;
            file.sync_all()
        });
        written.map_err(at(&path, "writing"))?;
        self.disk.sync_dir(&self.folder).map_err(at(&self.folder, "syncing"))
    }

    /// Whether the databases of a store are still what their copies are, as far as there are
    /// any: then the copies serve nobody.
    pub(super) fn is_idle(&self, store: &Path) -> Result<bool> {
        for copy in self.disk.list(&self.folder).map_err(at(&self.folder, "reading"))? {
            let path = store.join(copy.file_name().unwrap_or_default());
            if self.disk.exists(&path).map_err(at(&path, "looking for it"))? {
                let read = |path: &Path| self.disk.read(path).map_err(at(path, "reading"));
                if read(&path)?[..] != read(&copy)?[..] {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Deals with the folder of a run that died, after the journals have been dealt with.
    pub(super) fn settle(self, store: &Path) -> Result<()> {
        if self.name().ends_with(STAYS) && !self.is_idle(store)? {
            self.keep()?;
            return Ok(());
        }
        self.remove()
    }

    /// Gives the folder a name under which later runs leave it alone; gives that.
    pub(super) fn keep(self) -> Result<PathBuf> {
        let kept = self.lasting_name();
        if kept != self.folder {
            self.disk.rename(&self.folder, &kept).map_err(at(&self.folder, "renaming"))?;
            self.sync_parent()?;
        }
        Ok(kept)
    }

    /// Removes the folder with all that is in it: it was new.
    pub(super) fn remove(self) -> Result<()> {
        for path in self.disk.list(&self.folder).map_err(at(&self.folder, "reading"))? {
            self.disk.remove(&path).map_err(at(&path, "removing"))?;
        }
        self.disk.remove_dir(&self.folder).map_err(at(&self.folder, "removing"))?;
        self.sync_parent()
    }

    fn name(&self) -> &str {
        self.folder.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    fn lasting_name(&self) -> PathBuf {
        match self.name().strip_prefix(TEMPORARY) {
            Some(number) => {
                let number = number.strip_suffix(STAYS).unwrap_or(number);
                self.folder.with_file_name(format!("{}{number}", TEMPORARY.trim_start_matches('.')))
            }
            None => self.folder.clone(),
        }
    }

    fn sync_parent(&self) -> Result<()> {
        let parent = journal::directory(&self.folder);
        self.disk.sync_dir(parent).map_err(at(parent, "syncing"))
    }
}
