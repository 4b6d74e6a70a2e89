//! The files of an environment, locked: nobody else has them open.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::{Result, at};
use crate::env::Layout;
use crate::format::meta::LENGTH;
use crate::journal::{Disk, FileEntry};
use crate::log::number_of;
use crate::meta::FileKind;
use crate::pages::Extents;

/// Files that are locked, by their paths without links.
#[derive(Debug)]
pub(super) struct Held<F> {
    files: BTreeMap<PathBuf, F>,
    assume_closed: bool,
}

impl<F> Held<F> {
    pub(super) fn new(assume_closed: bool) -> Held<F> {
        Held { files: BTreeMap::new(), assume_closed }
    }

    /// Locks a file, unless it is locked already.
    pub(super) fn add<D: Disk<File = F>>(&mut self, disk: &D, path: &Path) -> Result<()> {
        let place = disk.resolve(path).map_err(at(path, "resolving"))?;
        if !self.files.contains_key(&place) {
            let file = disk.open_exclusive(&place, self.assume_closed)?;
            self.files.insert(place, file);
        }
        Ok(())
    }

    /// Locks the last file of the log: who has the environment open writes there.
    pub(super) fn add_log<D: Disk<File = F>>(&mut self, disk: &D, layout: &Layout) -> Result<()> {
        let folder = &layout.logs().path;
        let files = match disk.list(folder) {
            Ok(files) => files,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(at(folder, "reading")(error)),
        };
        let number = |path: &&PathBuf| path.file_name()?.to_str().and_then(number_of);
        match files.iter().filter(|path| number(path).is_some()).max_by_key(number) {
            Some(last) => self.add(disk, last),
            None => Ok(()),
        }
    }

    /// Locks the databases and extents in a folder.
    pub(super) fn add_databases<D: Disk<File = F>>(&mut self, disk: &D, folder: &Path) -> Result<()> {
        for path in disk.list(folder).map_err(at(folder, "reading"))? {
            let contents = disk.read(&path).map_err(at(&path, "reading"))?;
            // One whose first page was never written, too.
            let is_database = match FileKind::of(&contents) {
                FileKind::Database(_) | FileKind::Extent | FileKind::Empty | FileKind::Placeholder => true,
                FileKind::Other => contents.iter().take(LENGTH).all(|&byte| byte == 0),
                _ => false,
            };
            drop(contents);
            if is_database || Extents::is_name(&path) {
                self.add(disk, &path)?;
            }
        }
        Ok(())
    }

    /// A file that is locked.
    pub(super) fn get(&self, place: &Path) -> Option<&F> {
        self.files.get(place)
    }
}

/// What the files of an environment look like.
pub(super) type Sight = BTreeMap<PathBuf, FileEntry>;

/// What the files in some folders look like.
pub(super) fn sight<D: Disk>(disk: &D, folders: impl Iterator<Item = PathBuf>) -> Result<Sight> {
    let mut found = BTreeMap::new();
    for folder in folders {
        let files = match disk.list(&folder) {
            Ok(files) => files,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(at(&folder, "reading")(error)),
        };
        for path in files {
            let entry = disk.look(&path).map_err(at(&path, "looking at it"))?;
            found.extend(entry.map(|entry| (path, entry)));
        }
    }
    Ok(found)
}

/// A file that does not look as before, is new, or is gone.
pub(super) fn changed(before: &Sight, after: &Sight) -> Option<PathBuf> {
    let differs = |(path, _): &(&PathBuf, _)| before.get(*path) != after.get(*path);
    before.iter().chain(after).find(differs).map(|(path, _)| path.clone())
}
