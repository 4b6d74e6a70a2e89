//! The region files of an environment: useless after a crash, and in the way of another engine
//! (recovery, "After the passes"; mboxlist, "`store-recover`").

use std::path::{Path, PathBuf};

use super::error::{Result, at};
use crate::env::is_region;
use crate::journal::Disk;
use crate::meta::FileKind;

/// The list of processes that have an environment open.
const REGISTER: &str = "__db.register";
/// The region that says where the others are.
const PRIMARY: &str = "__db.001";

/// The region files in some folders, in the order in which they go: that which says where the others
/// are is the last of its folder. A database that has such a name is none.
pub(super) fn found<D: Disk>(disk: &D, folders: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for folder in folders {
        let name = |path: &PathBuf| path.file_name().and_then(|name| name.to_str().map(str::to_owned));
        let mut here = disk.list(folder).map_err(at(folder, "reading"))?;
        here.retain(|path| name(path).is_some_and(|name| is_region(&name) || name == REGISTER));
        here.sort_by_key(|path| name(path).as_deref() == Some(PRIMARY));
        for path in here {
            let contents = disk.read(&path).map_err(at(&path, "reading"))?;
            if FileKind::of(&contents).database().is_none() {
                found.push(path);
            }
        }
    }
    Ok(found)
}

/// Removes them, one after the other, and makes that last.
pub(super) fn remove<D: Disk>(disk: &D, folders: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let found = found(disk, folders)?;
    for path in &found {
        disk.remove(path).map_err(at(path, "removing"))?;
        let folder: &Path = crate::folder::directory(path);
        disk.sync_dir(folder).map_err(at(folder, "syncing"))?;
    }
    Ok(found)
}
