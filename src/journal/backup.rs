//! Whole copies of files (upgrade, "Crash-safe protocol", step P4).

use std::path::{Path, PathBuf};

use super::change::Heads;
use super::disk::{Disk, DiskFile};
use super::error::{JournalError, at};
use super::names::{HEAD, Head, create_draft, discard, long};
use super::trust;
use super::window::CHUNK;

/// A whole copy of a file in another directory.
#[derive(Debug)]
pub struct Backup<'d, D: Disk> {
    disk: &'d D,
    path: PathBuf,
    found: bool,
}

impl<'d, D: Disk> Backup<'d, D> {
    /// Copies a file, which is locked and has this path, into a directory, and makes the
    /// copy last. A copy that is there already is taken if it is equal.
    ///
    /// # Errors
    ///
    /// [`JournalError::BackupExists`] if there is another file of this name in the
    /// directory, or the file itself; [`JournalError::Strange`] if the copy that is there may be
    /// that of somebody else; those of the file system.
    pub fn make(disk: &'d D, file: &D::File, path: &Path, directory: &Path) -> Result<Self, JournalError> {
        if let Some(backup) = Backup::find(disk, path, directory)? {
            let copy = disk.open(&backup.path).map_err(at(&backup.path, "opening"))?;
            let comparing = || at(&backup.path, "comparing");
            let itself = copy.identity().map_err(comparing())? == file.identity().map_err(comparing())?;
            if itself || !equal::<D>(file, &copy).map_err(comparing())? {
                return Err(JournalError::BackupExists { path: backup.path });
            }
            trust::believe_copy(&backup.path, &copy, file)?;
            copy.sync_all().map_err(at(&backup.path, "syncing"))?;
            disk.sync_dir(directory).map_err(at(directory, "syncing"))?;
            return Ok(backup);
        }
        let backup = Backup { disk, path: place(path, directory), found: false };
        let (draft, copy) = create_draft(disk, &backup.path)?;
        let made = || {
            let size = file.size().map_err(at(path, "asking for its length"))?;
            self::copy::<D>((file, path), (&copy, &draft), 0, size)?;
            copy.resemble(file);
            copy.sync_all().map_err(at(&draft, "syncing"))?;
            disk.rename_new(&draft, &backup.path).map_err(at(&draft, "renaming"))
        };
        if let Err(error) = made() {
            // Why there is no copy matters more than that its draft could not be removed.
            let _ = discard(disk, &draft);
            return Err(error);
        }
        disk.sync_dir(directory).map_err(at(directory, "syncing"))?;
        Ok(backup)
    }

    /// The copy of a file that an earlier run left in a directory.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn find(disk: &'d D, path: &Path, directory: &Path) -> Result<Option<Self>, JournalError> {
        let path = place(path, directory);
        let exists = disk.exists(&path).map_err(at(&path, "looking for it"))?;
        Ok(exists.then_some(Backup { disk, path, found: true }))
    }

    /// Whether the copy was there before.
    #[must_use]
    pub fn found(&self) -> bool {
        self.found
    }

    /// Where the copy is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Copies the copy back into the file, which is locked and has this path, and removes
    /// a journal of the file. In the meantime the file is poisoned, as during a change.
    ///
    /// # Errors
    ///
    /// [`JournalError::NotOurs`] if what has the name of the journal is none: nothing was
    /// touched. Those of the file system: try again.
    pub fn restore(&self, file: &D::File, path: &Path) -> Result<(), JournalError> {
        let place = self.disk.resolve(path).map_err(at(path, "resolving"))?;
        let journal = super::name(&place);
        let there = self.disk.exists(&journal).map_err(at(&journal, "looking for it"))?;
        if there && !super::is_journal(self.disk, &journal).map_err(at(&journal, "reading"))? {
            return Err(JournalError::NotOurs { path: journal, what: "a journal" });
        }
        let copy = self.disk.open(&self.path).map_err(at(&self.path, "opening"))?;
        let size = copy.size().map_err(at(&self.path, "asking for its length"))?;
        let mut head: Head = [0; HEAD];
        copy.read_at(0, &mut head).map_err(at(&self.path, "reading"))?;
        let written = |result: std::io::Result<()>| result.map_err(at(path, "restoring"));
        if let Some(heads) = super::names::order(&head).and_then(|order| Heads::of(&head, &head, order)) {
            written(file.write_at(0, &heads.poison))?;
            written(file.sync_data())?;
        }
        self::copy::<D>((&copy, &self.path), (file, path), long(HEAD), size)?;
        written(file.set_size(size))?;
        written(file.sync_all())?;
        written(file.write_at(0, &head))?;
        written(file.sync_all())?;
        discard(self.disk, &journal)
    }

    /// Removes the copy.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn remove(self) -> Result<(), JournalError> {
        discard(self.disk, &self.path)
    }
}

/// Where the copy of a file stands in a directory.
fn place(path: &Path, directory: &Path) -> PathBuf {
    directory.join(path.file_name().unwrap_or_default())
}

/// Copies a range of one file to the same place in another.
fn copy<D: Disk>(
    (from, from_path): (&D::File, &Path),
    (to, to_path): (&D::File, &Path),
    start: u64,
    end: u64,
) -> Result<(), JournalError> {
    let mut buffer = vec![0; CHUNK];
    let mut offset = start;
    while offset < end {
        let piece = piece(&mut buffer, end.saturating_sub(offset));
        from.read_at(offset, piece).map_err(at(from_path, "reading"))?;
        to.write_at(offset, piece).map_err(at(to_path, "writing"))?;
        offset = offset.saturating_add(long(piece.len()));
    }
    Ok(())
}

/// Whether two files have the same bytes.
fn equal<D: Disk>(one: &D::File, other: &D::File) -> std::io::Result<bool> {
    let size = one.size()?;
    if other.size()? != size {
        return Ok(false);
    }
    let mut buffers = [vec![0; CHUNK], vec![0; CHUNK]];
    let mut offset = 0;
    while offset < size {
        let [a, b] = buffers.each_mut().map(|buffer| piece(buffer, size.saturating_sub(offset)));
        one.read_at(offset, a)?;
        other.read_at(offset, b)?;
        if a != b {
            return Ok(false);
        }
        offset = offset.saturating_add(long(a.len()));
    }
    Ok(true)
}

/// As much of a buffer as is left to fill.
fn piece(buffer: &mut [u8], left: u64) -> &mut [u8] {
    let len = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
    buffer.get_mut(..len).unwrap_or_default()
}
