//! Files of a set's folder that are made, replaced, renamed or removed as a whole, together with
//! the databases that change (upgrade, "Several files").
//!
//! Before it is decided that a set is published, nothing of this is done: a file that is to be
//! made stands under the name of a draft. Afterwards nothing of it is undone. So each step can
//! be repeated, and none has to be taken back.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::disk::{Disk, DiskFile};
use super::error::{JournalError, at};
use super::names::{discard, long};
use super::record::within;
use super::set_format::{Stamp, Step, StepKind};
use super::window::CHUNK;

/// Steps in a folder, in the order in which they are taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Steps(pub(super) Vec<Step>);

impl Steps {
    /// Adds a step on a file, which is as it is now; `to` is its new name, if it gets one.
    pub(super) fn add<D: Disk>(
        &mut self,
        disk: &D,
        directory: &Path,
        kind: StepKind,
        path: &Path,
        to: Option<&Path>,
    ) -> Result<(), JournalError> {
        let own = |path: &Path| {
            let place = disk.resolve(crate::folder::directory(path)).map_err(at(path, "resolving"))?;
            let name = path.file_name().filter(|_| place == directory).unwrap_or_default();
            let taken = self.0.iter().flat_map(Step::names).any(|known| known == name.as_encoded_bytes());
            let what = if name.is_empty() {
                "it is not in the folder of the set"
            } else if taken {
                "it has a part in another step"
            } else {
                return Ok(name.as_encoded_bytes().to_vec());
            };
            Err(JournalError::Step { path: path.to_owned(), what })
        };
        let (name, to_name) = (own(path)?, to.map(own).transpose()?.unwrap_or_default());
        if let Some(to) = to.filter(|_| name == to_name) {
            return Err(JournalError::Step { path: to.to_owned(), what: "it has this name already" });
        }
        let there =
            |path: &Path| stamp(disk, path)?.ok_or_else(|| at(path, "opening")(ErrorKind::NotFound.into()));
        let replaced = match to {
            Some(to) if kind == StepKind::Replace => Some(there(to)?),
            Some(to) => free(disk, to).map(|()| None)?,
            None => None,
        };
        self.0.push(Step { kind, stamp: there(path)?, name, to: to_name, replaced });
        Ok(())
    }

    /// Whether each step can still be taken: its file is what it was, and the new name free, or that
    /// of the file that is replaced.
    pub(super) fn check<D: Disk>(&self, disk: &D, directory: &Path) -> Result<(), JournalError> {
        for step in &self.0 {
            let path = place(directory, &step.name);
            if stamp(disk, &path)? != Some(step.stamp) {
                return Err(JournalError::Replaced { path });
            }
            let to = place(directory, &step.to);
            match step.kind {
                StepKind::Remove => {}
                StepKind::Replace if stamp(disk, &to)? == step.replaced => {}
                StepKind::Replace => return Err(JournalError::Replaced { path: to }),
                StepKind::Make | StepKind::Rename => free(disk, &to)?,
            }
        }
        Ok(())
    }

    /// Takes all steps, those that were taken before left out, and makes that last.
    pub(super) fn take<D: Disk>(&self, disk: &D, directory: &Path) -> Result<(), JournalError> {
        if self.0.is_empty() {
            return Ok(());
        }
        for step in &self.0 {
            let (path, to) = (place(directory, &step.name), place(directory, &step.to));
            let Some(found) = stamp(disk, &path)? else { continue };
            let same = found == step.stamp;
            match step.kind {
                // Somebody used it since, or another has its name: it stays.
                StepKind::Remove if !same => {}
                StepKind::Remove => disk.remove(&path).map_err(at(&path, "removing"))?,
                // The step was taken, and there is a new file of the old name.
                _ if stamp(disk, &to)? == Some(step.stamp) => {}
                _ if !same => return Err(JournalError::Replaced { path }),
                StepKind::Replace if stamp(disk, &to)? != step.replaced => {
                    return Err(JournalError::Replaced { path: to });
                }
                StepKind::Replace => disk.rename(&path, &to).map_err(at(&path, "renaming"))?,
                StepKind::Make | StepKind::Rename => {
                    disk.rename_new(&path, &to).map_err(|error| match error.kind() {
                        ErrorKind::AlreadyExists => JournalError::Taken { path: to.clone() },
                        _ => at(&path, "renaming")(error),
                    })?
                }
            }
        }
        disk.sync_dir(directory).map_err(at(directory, "syncing"))
    }

    /// Removes the drafts of files that were to be made, or to replace others.
    pub(super) fn discard<D: Disk>(&self, disk: &D, directory: &Path) -> Result<(), JournalError> {
        let of_draft = |step: &&Step| matches!(step.kind, StepKind::Make | StepKind::Replace);
        for step in self.0.iter().filter(of_draft) {
            let path = place(directory, &step.name);
            if stamp(disk, &path)? == Some(step.stamp) {
                discard(disk, &path)?;
            }
        }
        Ok(())
    }

    /// Whether they name files of the folder only, each in one place.
    pub(super) fn are_legal(&self) -> bool {
        let names = || self.0.iter().flat_map(Step::names);
        let single = |(number, name): (usize, &[u8])| !names().take(number).any(|other| other == name);
        let within = |name: &[u8]| within(name).is_some();
        names().all(within) && names().enumerate().all(single)
    }
}

/// Refuses a name that something has.
fn free<D: Disk>(disk: &D, path: &Path) -> Result<(), JournalError> {
    match disk.exists(path).map_err(at(path, "looking for it"))? {
        true => Err(JournalError::Taken { path: path.to_owned() }),
        false => Ok(()),
    }
}

fn place(directory: &Path, name: &[u8]) -> PathBuf {
    directory.join(within(name).unwrap_or_default())
}

/// What tells a file from others; `None` if there is none of this name.
fn stamp<D: Disk>(disk: &D, path: &Path) -> Result<Option<Stamp>, JournalError> {
    let file = match disk.open_plain(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at(path, "opening")(error)),
    };
    let identity = file.identity().map_err(at(path, "asking for its identity"))?;
    let size = file.size().map_err(at(path, "asking for its length"))?;
    let (mut crc, mut offset, mut buffer) = (crc32fast::Hasher::new(), 0, vec![0; CHUNK]);
    while offset < size {
        let len = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX).min(CHUNK);
        let piece = buffer.get_mut(..len).unwrap_or_default();
        file.read_at(offset, piece).map_err(at(path, "reading"))?;
        crc.update(piece);
        offset = offset.saturating_add(long(len));
    }
    Ok(Some(Stamp { identity, size, crc: crc.finalize() }))
}
