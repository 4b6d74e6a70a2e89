//! The folder of what moves aside, and the mark in it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::error::{RestoreError, Result, at, foreign};
use super::moves::remove as remove_file;
use super::names::{MARK, REGIONS};
use super::plan::{Plan, mark};
use crate::folder::directory;
use crate::journal::{Disk, DiskFile, EntryKind, FileEntry, Identity};

/// Makes the folder, with a mark in it, under a name of its own, and then gives it its name: who
/// finds it under that finds the mark, too. One that is there is not taken.
pub(super) fn create<D: Disk>(disk: &D, plan: &Plan, folder: &Path) -> Result<Identity> {
    let draft = draft(plan);
    disk.create_dir(&draft).map_err(at(&draft, "creating"))?;
    let made = look(disk, &draft)?.ok_or_else(|| RestoreError::Missing { path: draft.clone() })?;
    let path = draft.join(MARK);
    let file = disk.create_new(&path).map_err(at(&path, "creating"))?;
    file.write_at(0, &mark(plan, made.identity)).map_err(at(&path, "writing"))?;
    file.sync_all().map_err(at(&path, "syncing"))?;
    if plan.cache.is_some() {
        let regions = draft.join(REGIONS);
        disk.create_dir(&regions).map_err(at(&regions, "creating"))?;
    }
    disk.resemble_dir(&draft, folder).map_err(at(&draft, "setting its permissions"))?;
    disk.sync_dir(&draft).map_err(at(&draft, "syncing"))?;
    disk.rename_new(&draft, &plan.aside).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => RestoreError::Aside { path: plan.aside.clone() },
        _ => at(&draft, "renaming")(source),
    })?;
    sync_parent(disk, &plan.aside)?;
    Ok(made.identity)
}

/// Refuses a folder that this restore did not make: another one, or one without its mark.
pub(super) fn check<D: Disk>(disk: &D, plan: &Plan, device: u64) -> Result<()> {
    let path = &plan.aside;
    let Some(found) = look(disk, path)? else { return Err(RestoreError::Missing { path: path.clone() }) };
    let made = plan.aside_is.is_some_and(|is| plan.is_known(is, found.identity, device));
    if found.kind != EntryKind::Folder || !made {
        return Err(foreign(path, "it is not the folder to which the old files moved"));
    }
    if is_marked(disk, plan, path, found.identity)? {
        Ok(())
    } else {
        Err(foreign(&path.join(MARK), "it is not the mark of this restore"))
    }
}

/// Whether the mark of this restore is in the folder, made by this user or the superuser.
fn is_marked<D: Disk>(disk: &D, plan: &Plan, folder: &Path, is: Identity) -> Result<bool> {
    let (path, expected) = (folder.join(MARK), mark(plan, is));
    let Some(found) = look(disk, &path)? else { return Ok(false) };
    if found.file_not_of(disk.user()).is_some() || usize::try_from(found.size) != Ok(expected.len()) {
        return Ok(false);
    }
    let mut bytes = vec![0; expected.len()];
    let file = disk.open_plain(&path).map_err(at(&path, "opening"))?;
    file.read_at(0, &mut bytes).map_err(at(&path, "reading"))?;
    Ok(bytes == expected)
}

/// Removes the mark: the folder is the user's now.
pub(super) fn unmark<D: Disk>(disk: &D, plan: &Plan) -> Result<()> {
    let Some(found) = look(disk, &plan.aside)? else { return Ok(()) };
    if is_marked(disk, plan, &plan.aside, found.identity)? {
        remove_file(disk, &plan.aside.join(MARK))?;
    }
    disk.sync_dir(&plan.aside).map_err(at(&plan.aside, "syncing"))
}

/// Removes the folder, if nothing is in it but what was made here. First it gets the name again
/// that tells whose it is: a later run may have to go on.
pub(super) fn remove<D: Disk>(disk: &D, plan: &Plan) -> Result<()> {
    let draft = draft(plan);
    remove_draft(disk, plan, &draft)?;
    let found = look(disk, &plan.aside)?.filter(|found| found.kind == EntryKind::Folder);
    if let Some(found) = found {
        let known = plan.aside_is.is_some_and(|is| is.inode == found.identity.inode);
        let known = known || is_marked(disk, plan, &plan.aside, found.identity)?;
        if known && is_bare(disk, plan, &plan.aside)? {
            disk.rename_new(&plan.aside, &draft).map_err(at(&plan.aside, "renaming"))?;
            sync_parent(disk, &draft)?;
            remove_draft(disk, plan, &draft)?;
        }
    }
    // Also what an earlier run removed that died.
    sync_parent(disk, &draft)
}

/// Removes the folder under the name that has the number of this restore.
fn remove_draft<D: Disk>(disk: &D, plan: &Plan, draft: &Path) -> Result<()> {
    let folder = look(disk, draft)?.is_some_and(|found| found.kind == EntryKind::Folder);
    if !folder || !is_bare(disk, plan, draft)? {
        return Ok(());
    }
    for name in names(disk, draft)? {
        let path = draft.join(&name);
        if name == REGIONS {
            disk.remove_dir(&path).map_err(at(&path, "removing"))?;
        } else {
            remove_file(disk, &path)?;
        }
    }
    disk.remove_dir(draft).map_err(at(draft, "removing"))
}

/// Whether nothing is in the folder but the mark, and an empty folder for region files.
fn is_bare<D: Disk>(disk: &D, plan: &Plan, folder: &Path) -> Result<bool> {
    for name in names(disk, folder)? {
        let path = folder.join(&name);
        let kind = look(disk, &path)?.map(|found| found.kind);
        let bare = match kind {
            Some(EntryKind::File) => name == MARK,
            Some(EntryKind::Folder) => {
                name == REGIONS && plan.cache.is_some() && names(disk, &path)?.is_empty()
            }
            _ => false,
        };
        if !bare {
            return Ok(false);
        }
    }
    Ok(true)
}

fn names<D: Disk>(disk: &D, folder: &Path) -> Result<Vec<OsString>> {
    disk.names(folder).map_err(at(folder, "reading"))
}

/// The name of the folder until there is a mark in it.
fn draft(plan: &Plan) -> PathBuf {
    plan.aside.with_file_name(format!(".bdbkit-aside-{:016x}", plan.id))
}

fn look<D: Disk>(disk: &D, path: &Path) -> Result<Option<FileEntry>> {
    disk.look(path).map_err(at(path, "looking for it"))
}

fn sync_parent<D: Disk>(disk: &D, path: &Path) -> Result<()> {
    let parent = directory(path);
    disk.sync_dir(parent).map_err(at(parent, "syncing"))
}
