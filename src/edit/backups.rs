//! Whole copies of the old files, in a folder that is made for them.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::{Result, at};
use crate::journal::{Backup, Disk};

/// The copies of a run.
pub(crate) struct Backups<'f, D: Disk> {
    disk: &'f D,
    folder: Option<&'f Path>,
    /// Folders that were made, the outermost first.
    made: Vec<PathBuf>,
    copies: Vec<Backup<'f, D>>,
}

impl<'f, D: Disk> Backups<'f, D> {
    /// None yet, to be made in this folder if one is given.
    pub(crate) fn new(disk: &'f D, folder: Option<&'f Path>) -> Self {
        Backups { disk, folder, made: Vec::new(), copies: Vec::new() }
    }

    /// Copies a file, which is locked and has this path, if copies are wanted; says where.
    pub(crate) fn copy(&mut self, file: &D::File, path: &Path) -> Result<Option<PathBuf>> {
        let Some(folder) = self.folder else { return Ok(None) };
        self.make(folder)?;
        let made = Backup::make(self.disk, file, path, folder)?;
        let place = made.path().to_owned();
        self.copies.push(made);
        Ok(Some(place))
    }

    /// Makes the folder, and those above it, if it is not there: nobody else may look into it,
    /// whatever the files were before.
    fn make(&mut self, folder: &Path) -> Result<()> {
        let missing = |path: &Path| Ok::<_, crate::error::Error>(!self.disk.exists(path).map_err(at(path))?);
        let mut above = Vec::new();
        for path in folder.ancestors().filter(|path| !path.as_os_str().is_empty()) {
            if !missing(path)? {
                break;
            }
            above.push(path.to_owned());
        }
        for path in above.into_iter().rev() {
            self.disk.create_dir(&path).map_err(at(&path))?;
            let parent = crate::folder::directory(&path);
            self.disk.sync_dir(parent).map_err(at(parent))?;
            self.made.push(path);
        }
        Ok(())
    }

    /// Removes the copies; one that was there before is not this run's to remove.
    pub(crate) fn remove(&mut self) -> Result<()> {
        for copy in std::mem::take(&mut self.copies).into_iter().filter(|copy| !copy.found()) {
            copy.remove()?;
        }
        Ok(())
    }

    /// Removes the copies, and the folders that were made for them.
    pub(crate) fn undo(mut self) -> Result<()> {
        self.remove()?;
        for path in self.made.iter().rev() {
            match self.disk.remove_dir(path) {
                // Somebody else put something there.
                Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => break,
                removed => removed.map_err(at(path))?,
            }
        }
        Ok(())
    }
}
