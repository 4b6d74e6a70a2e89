//! Files copied and moved, so that each is in one place whole at any time.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::{RestoreError, Result, at};
use super::names::draft;
use super::plan::{Known, Plan};
use crate::folder::directory;
use crate::journal::{Disk, DiskFile, EntryKind, FileEntry};
use crate::mboxlist::files::Hash;

/// As much of a file as is read at once, in bytes.
const PIECE: usize = 1 << 18;

/// What stands where something of a plan may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    It,
    Other,
}

/// Something on its way.
pub(super) struct Step {
    from: PathBuf,
    to: PathBuf,
    known: Known,
    stands: Stands,
}

/// Where it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    Before,
    /// There is a whole copy of it already.
    Twice,
    There,
}

impl Step {
    /// Whether it had moved before.
    pub(super) fn done(&self) -> bool {
        self.stands == Stands::There
    }
}

/// Moves what a plan names.
pub(super) struct Mover<'m, D: Disk> {
    pub(super) disk: &'m D,
    pub(super) plan: &'m Plan,
    /// The file system of the folder that is restored.
    pub(super) device: u64,
}

impl<D: Disk> Mover<'_, D> {
    pub(super) fn find(&self, path: &Path, known: &Known) -> Result<Found> {
        let Some(found) = look(self.disk, path)? else { return Ok(Found::Nothing) };
        let it = match known {
            Known::Itself(is) => self.plan.is_known(*is, found.identity, self.device),
            Known::Content { hash, .. } => {
                found.kind == EntryKind::File
                    && found.size == hash.size
                    && self::hash(self.disk, path)? == *hash
            }
        };
        Ok(if it { Found::It } else { Found::Other })
    }

    /// Finds out where something is that is on its way. Nothing moves yet.
    pub(super) fn step(&self, from: PathBuf, to: PathBuf, known: Known) -> Result<Step> {
        let stands = match (self.find(&from, &known)?, self.find(&to, &known)?) {
            (Found::It, Found::Nothing) => Stands::Before,
            (Found::It, Found::It) if matches!(known, Known::Content { .. }) => Stands::Twice,
            (Found::Nothing, Found::It) => Stands::There,
            (Found::Nothing, Found::Nothing) => return Err(RestoreError::Missing { path: to }),
            (Found::Other, _) => return Err(RestoreError::Unexpected { path: from }),
            (_, Found::Other | Found::It) => return Err(RestoreError::Clash { path: to }),
        };
        Ok(Step { from, to, known, stands })
    }

    /// Moves all, and makes that last.
    pub(super) fn go(&self, steps: &[Step]) -> Result<()> {
        for step in steps {
            match step.stands {
                Stands::Before => self.relocate(step)?,
                Stands::Twice => self.end_copy(step)?,
                Stands::There => {}
            }
        }
        // The new names last before the old ones are gone.
        for path in [|step: &Step| step.to.clone(), |step: &Step| step.from.clone()] {
            let mut folders: Vec<PathBuf> =
                steps.iter().map(|step| directory(&path(step)).to_owned()).collect();
            folders.sort();
            folders.dedup();
            folders.iter().try_for_each(|folder| sync(self.disk, folder))?;
        }
        Ok(())
    }

    /// Moves one; a file also to another file system, as region files may have to.
    fn relocate(&self, step: &Step) -> Result<()> {
        let Step { from, to, known, .. } = step;
        let hash = match (self.disk.rename_new(from, to), known) {
            (Err(error), Known::Content { hash, .. }) if error.kind() == io::ErrorKind::CrossesDevices => {
                hash
            }
            (renamed, _) => return renamed.map_err(moving(from, to)),
        };
        let draft = directory(to).join(draft(self.plan.id));
        let copied = copy(self.disk, from, &draft).and_then(|(_, copied)| {
            if copied == *hash { Ok(()) } else { Err(RestoreError::Changed { path: from.clone() }) }
        });
        if let Err(error) = copied.and_then(|()| rename_new(self.disk, &draft, to)) {
            // What failed is said already.
            let _ = self.disk.remove(&draft);
            return Err(error);
        }
        self.end_copy(step)
    }

    /// Removes an original whose copy is whole.
    fn end_copy(&self, step: &Step) -> Result<()> {
        sync(self.disk, directory(&step.to))?;
        remove(self.disk, &step.from)
    }
}

/// Copies a file with its owner, permissions and times, and makes the copy last. Gives the owner
/// of what was copied, and what was in it.
pub(super) fn copy<D: Disk>(disk: &D, from: &Path, to: &Path) -> Result<(u32, Hash)> {
    let changed = || RestoreError::Changed { path: from.to_owned() };
    let original = look(disk, from)?.ok_or_else(changed)?;
    let source = disk.open_plain(from).map_err(at(from, "opening"))?;
    if source.identity().map_err(at(from, "looking at it"))? != original.identity {
        return Err(changed());
    }
    let target = disk.create_new(to).map_err(at(to, "creating"))?;
    let write = |offset, piece: &[u8]| target.write_at(offset, piece).map_err(at(to, "writing"));
    let hash = pieces::<D>(&source, from, original.size, write).map_err(|error| match error {
        RestoreError::Io { cause: source, .. } if source.kind() == io::ErrorKind::UnexpectedEof => changed(),
        error => error,
    })?;
    target.resemble(&source);
    target.sync_all().map_err(at(to, "syncing"))?;
    if look(disk, from)? == Some(original) { Ok((original.owner, hash)) } else { Err(changed()) }
}

/// What is in a file.
pub(super) fn hash<D: Disk>(disk: &D, path: &Path) -> Result<Hash> {
    let file = disk.open_plain(path).map_err(at(path, "opening"))?;
    let size = file.size().map_err(at(path, "asking for its length"))?;
    pieces::<D>(&file, path, size, |_, _| Ok(()))
}

/// Reads a file piece by piece.
fn pieces<D: Disk>(
    file: &D::File,
    path: &Path,
    size: u64,
    mut with: impl FnMut(u64, &[u8]) -> Result<()>,
) -> Result<Hash> {
    let mut sum = Sha256::new();
    let mut buffer = vec![0; PIECE];
    let mut offset = 0_u64;
    while offset < size {
        let left = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let piece = buffer.get_mut(..left.min(PIECE)).unwrap_or_default();
        file.read_at(offset, piece).map_err(at(path, "reading"))?;
        sum.update(&*piece);
        with(offset, piece)?;
        offset = offset.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
    }
    Ok(Hash { sha256: sum.finalize().into(), size })
}

pub(super) fn look<D: Disk>(disk: &D, path: &Path) -> Result<Option<FileEntry>> {
    disk.look(path).map_err(at(path, "looking for it"))
}

pub(super) fn remove<D: Disk>(disk: &D, path: &Path) -> Result<()> {
    disk.remove(path).map_err(at(path, "removing"))
}

pub(super) fn rename_new<D: Disk>(disk: &D, from: &Path, to: &Path) -> Result<()> {
    disk.rename_new(from, to).map_err(moving(from, to))
}

fn moving<'p>(from: &'p Path, to: &'p Path) -> impl FnOnce(io::Error) -> RestoreError + 'p {
    move |source| match source.kind() {
        io::ErrorKind::AlreadyExists => RestoreError::Clash { path: to.to_owned() },
        _ => at(from, "moving")(source),
    }
}

fn sync<D: Disk>(disk: &D, folder: &Path) -> Result<()> {
    disk.sync_dir(folder).map_err(at(folder, "syncing"))
}
