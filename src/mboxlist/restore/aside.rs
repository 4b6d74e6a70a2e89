//! The folder of what moves aside, and the mark in it.

use std::io;
use std::path::{Path, PathBuf};

use super::error::{RestoreError, Result, at};
use super::moves::remove as remove_file;
use super::plan::{Plan, mark};
use super::stage::foreign;
use super::{MARK, REGIONS};
use crate::journal::{Disk, DiskFile, Identity, Standing, StandingKind, directory};

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
    if found.kind != StandingKind::Folder || !made {
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
    let file = disk.open_to_read(&path).map_err(at(&path, "opening"))?;
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

/// Removes the folder, in which nothing of the store is; what else there is in it stays.
pub(super) fn remove<D: Disk>(disk: &D, plan: &Plan) -> Result<()> {
    for path in [draft(plan), plan.aside.clone()] {
        let Some(found) = look(disk, &path)?.filter(|found| found.kind == StandingKind::Folder) else {
            continue;
        };
        // The name of the draft has the number of this restore.
        let known = path != plan.aside
            || is_marked(disk, plan, &path, found.identity)?
            || plan.aside_is.is_some_and(|is| is.inode == found.identity.inode);
        if !known {
            continue;
        }
        let mark = path.join(MARK);
        if look(disk, &mark)?.is_some_and(|found| found.kind == StandingKind::File) {
            remove_file(disk, &mark)?;
        }
        for folder in [&path.join(REGIONS), &path] {
            match disk.remove_dir(folder) {
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) => {
                }
                removed => removed.map_err(at(folder, "removing"))?,
            }
        }
    }
    // Also what an earlier run removed that died.
    sync_parent(disk, &plan.aside)
}

/// The name of the folder until there is a mark in it.
fn draft(plan: &Plan) -> PathBuf {
    plan.aside.with_file_name(format!(".bdbkit-aside-{:016x}", plan.id))
}

fn look<D: Disk>(disk: &D, path: &Path) -> Result<Option<Standing>> {
    disk.look(path).map_err(at(path, "looking for it"))
}

fn sync_parent<D: Disk>(disk: &D, path: &Path) -> Result<()> {
    let parent = directory(path);
    disk.sync_dir(parent).map_err(at(parent, "syncing"))
}
