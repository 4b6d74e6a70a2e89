//! The folder of the old databases, while a store is upgraded and afterwards.
//!
//! The journals alone bring databases back. The copies serve whoever wants to have them, and
//! someone whose disk failed twice.
//!
//! A later run knows such a folder by its list, and not by its name:
//!
//! ```text
//! bdbkit-backup 1 of the store 1234567        the inode of the store's folder
//! SHA-256  LENGTH  NAME                       of each database and log
//! crc32 0123abcd                              of all lines before
//! ```

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::error::{Result, StoreUpgradeError, at};
use crate::edit::EditError;
use crate::journal::{self, Disk, DiskFile, EntryKind, FileEntry};
use crate::mboxlist::files::Hash;
use crate::shown::ShowName;

/// What the names of folders begin with, as long as the run that made them goes on.
const TEMPORARY: &str = ".bdbkit-backup-";
/// What the names of those end with that are to stay.
const STAYS: &str = ".keep";
/// The list of what the store held: sums, lengths and names of databases and logs.
const MANIFEST: &str = "MANIFEST";
/// What the list begins with; the inode of the store's folder follows.
const HEAD: &str = "bdbkit-backup 1 of the store ";
/// Longest list that is read, in bytes.
const LONGEST: u64 = 64 << 20;

/// The folder of the old databases.
pub(super) struct Backup<'d, D: Disk> {
    disk: &'d D,
    folder: PathBuf,
    store: PathBuf,
}

/// What has the name of such a folder in a store.
pub(super) struct Left<'d, D: Disk> {
    /// What a run that died left behind.
    pub(super) ours: Vec<Backup<'d, D>>,
    /// What is none of this store's backups, whatever its name.
    pub(super) foreign: Vec<PathBuf>,
}

impl<'d, D: Disk> Backup<'d, D> {
    /// Makes a folder in the store, for as long as the run goes on or, if it is to be kept,
    /// longer.
    pub(super) fn within(disk: &'d D, store: &Path, keep: bool) -> Result<Self> {
        let mut number = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let ending = if keep { STAYS } else { "" };
        loop {
            let folder = store.join(format!("{TEMPORARY}{number}{ending}"));
            let backup = Backup { disk, folder, store: store.to_owned() };
            let taken = |path: &Path| disk.exists(path).map_err(at(path, "looking for it"));
            if !taken(&backup.folder)? && !taken(&backup.lasting_name())? {
                return backup.create();
            }
            number = number.saturating_add(1);
        }
    }

    /// Makes a folder of the user's.
    pub(super) fn named(disk: &'d D, store: &Path, folder: &Path) -> Result<Self> {
        Backup { disk, folder: folder.to_owned(), store: store.to_owned() }.create()
    }

    /// What a run that died left behind in a store, and what only has its name.
    pub(super) fn left_in(disk: &'d D, store: &Path) -> Result<Left<'d, D>> {
        let mut left = Left { ours: Vec::new(), foreign: Vec::new() };
        for name in disk.names(store).map_err(at(store, "reading"))? {
            if !name.as_encoded_bytes().starts_with(TEMPORARY.as_bytes()) {
                continue;
            }
            let backup = Backup { disk, folder: store.join(&name), store: store.to_owned() };
            match backup.is_ours(&name)? {
                true => left.ours.push(backup),
                false => left.foreign.push(backup.folder),
            }
        }
        Ok(left)
    }

    /// Whether this program made the folder for this store, and all that is in it.
    fn is_ours(&self, name: &OsStr) -> Result<bool> {
        let number = name.to_str().and_then(|name| name.strip_prefix(TEMPORARY)).unwrap_or_default();
        let number = number.strip_suffix(STAYS).unwrap_or(number);
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(false);
        }
        let made_here = self
            .look(&self.folder)?
            .is_some_and(|found| found.folder_not_of(self.disk.user()).is_none() && found.mode & 0o077 == 0);
        Ok(made_here && self.contents()?.is_some())
    }

    /// The names of all that is in the folder, the list last; `None` if there is anything that
    /// this program did not put there.
    fn contents(&self) -> Result<Option<Vec<PathBuf>>> {
        let mut names = self.disk.names(&self.folder).map_err(at(&self.folder, "reading"))?;
        let listed = match self.look(&self.folder.join(MANIFEST))? {
            Some(_) => match self.listed()? {
                Some(listed) => listed,
                None => return Ok(None),
            },
            // Nothing is copied before the list is whole.
            None => Vec::new(),
        };
        for name in names.iter().filter(|name| *name != MANIFEST) {
            let path = self.folder.join(name);
            let plain = |found: FileEntry| found.kind == EntryKind::File && found.links == 1;
            let shown = name.shown().to_string();
            let whole = shown.rsplit_once(journal::DRAFT).map_or(&*shown, |(whole, _)| whole);
            let ours = match whole == MANIFEST {
                true => self.is_torn(&path)?,
                false => listed.iter().any(|name| name == whole || *name == shown),
            };
            if !ours || !self.look(&path)?.is_some_and(plain) {
                return Ok(None);
            }
        }
        names.sort_by_key(|name| name == MANIFEST);
        Ok(Some(names.into_iter().map(|name| self.folder.join(name)).collect()))
    }

    /// The names in the list, as they are shown; `None` if it is none of this store's.
    fn listed(&self) -> Result<Option<Vec<String>>> {
        let path = self.folder.join(MANIFEST);
        let Some(bytes) = self.small(&path)? else { return Ok(None) };
        let text = String::from_utf8(bytes).ok().filter(|text| {
            let sum = text.trim_end().rsplit_once('\n').map(|(lines, _)| sealed(&format!("{lines}\n")));
            sum.is_some_and(|sealed| sealed == *text)
        });
        let head = format!("{HEAD}{}", self.inode()?);
        let Some(text) = text.filter(|text| text.lines().next() == Some(&head)) else { return Ok(None) };
        let name = |line: &str| {
            line.split_once("  ")?.1.trim_start().split_once("  ").map(|(_, name)| name.to_owned())
        };
        Ok(Some(text.lines().filter_map(name).collect()))
    }

    /// Whether a file is a list that was not written to its end: what did not reach the medium of
    /// a file is zeros.
    fn is_torn(&self, path: &Path) -> Result<bool> {
        let Some(bytes) = self.small(path)? else { return Ok(false) };
        let head = bytes.get(..HEAD.len()).unwrap_or(&bytes);
        Ok(head == HEAD.as_bytes() || head.iter().all(|&byte| byte == 0))
    }

    /// The bytes of a list of this user's; `None` if it is something else.
    fn small(&self, path: &Path) -> Result<Option<Vec<u8>>> {
        let ours = |found: &FileEntry| found.file_not_of(self.disk.user()).is_none() && found.size <= LONGEST;
        let Some(found) = self.look(path)?.filter(ours) else { return Ok(None) };
        let mut bytes = vec![0; usize::try_from(found.size).unwrap_or_default()];
        let file = self.disk.open_plain(path).map_err(at(path, "opening"))?;
        file.read_at(0, &mut bytes).map_err(at(path, "reading"))?;
        Ok(Some(bytes))
    }

    fn look(&self, path: &Path) -> Result<Option<FileEntry>> {
        self.disk.look(path).map_err(at(path, "looking for it"))
    }

    /// That of the store's folder. The number of its device may be another one after the machine
    /// was started again.
    fn inode(&self) -> Result<u64> {
        let store = self.disk.resolve(&self.store).map_err(at(&self.store, "resolving"))?;
        Ok(self.look(&store)?.map_or(0, |found| found.identity.inode))
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
        let mut text = format!("{HEAD}{}\n", self.inode()?);
        for path in files {
            let hash = Hash::of_bytes(&self.disk.read(path).map_err(at(path, "reading"))?);
            let name = path.file_name().unwrap_or_default().shown();
            // Writing to a string does not fail.
            let _ = writeln!(text, "{}  {:>12}  {name}", hash.hex(), hash.size);
        }
        let path = self.folder.join(MANIFEST);
        let (draft, file) = journal::create_draft(self.disk, &path).map_err(EditError::from)?;
        let written = file.write_at(0, sealed(&text).as_bytes()).and_then(|()| file.sync_all());
        written.map_err(at(&draft, "writing"))?;
        self.disk.rename_new(&draft, &path).map_err(at(&draft, "renaming"))?;
        self.disk.sync_dir(&self.folder).map_err(at(&self.folder, "syncing"))
    }

    /// Whether the databases of a store are still what their copies are, as far as there are
    /// any: then the copies serve nobody.
    pub(super) fn is_idle(&self) -> Result<bool> {
        for copy in self.disk.list(&self.folder).map_err(at(&self.folder, "reading"))? {
            let name = copy.file_name().unwrap_or_default();
            let path = self.store.join(name);
            if name != MANIFEST && self.disk.exists(&path).map_err(at(&path, "looking for it"))? {
                let read = |path: &Path| self.disk.read(path).map_err(at(path, "reading"));
                if read(&path)?[..] != read(&copy)?[..] {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Deals with the folder of a run that died, after the journals have been dealt with.
    pub(super) fn settle(self) -> Result<()> {
        if self.name().ends_with(STAYS) && !self.is_idle()? {
            self.keep()?;
            return Ok(());
        }
        self.remove().map(|_| ())
    }

    /// Gives the folder a name under which later runs leave it alone; gives that.
    pub(super) fn keep(self) -> Result<PathBuf> {
        let kept = self.lasting_name();
        if kept != self.folder {
            self.disk.rename_new(&self.folder, &kept).map_err(at(&self.folder, "renaming"))?;
            self.sync_parent()?;
        }
        Ok(kept)
    }

    /// Removes the folder with all that was put into it; if there is something else, it is kept
    /// as it is. Gives where it is then.
    pub(super) fn remove(self) -> Result<Option<PathBuf>> {
        let Some(contents) = self.contents()? else { return self.keep().map(Some) };
        let sync = || self.disk.sync_dir(&self.folder).map_err(at(&self.folder, "syncing"));
        for path in &contents {
            // Without the list nobody knows whose the copies are.
            if path.ends_with(MANIFEST) {
                sync()?;
            }
            self.disk.remove(path).map_err(at(path, "removing"))?;
        }
        sync()?;
        self.disk.remove_dir(&self.folder).map_err(at(&self.folder, "removing"))?;
        self.sync_parent()?;
        Ok(None)
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
        let parent = crate::folder::directory(&self.folder);
        self.disk.sync_dir(parent).map_err(at(parent, "syncing"))
    }
}

/// The lines of a list with their sum.
fn sealed(lines: &str) -> String {
    format!("{lines}crc32 {:08x}\n", crc32fast::hash(lines.as_bytes()))
}
