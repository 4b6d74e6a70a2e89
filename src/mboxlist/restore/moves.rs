//! Files copied and moved, so that each is in one place whole at any time.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::error::{RestoreError, Result, at};
use crate::journal::{directory, keep_time, own_as};
use crate::mboxlist::files::Hash;

/// A file that is copied to another file system, until all of it is there.
const DRAFT: &str = ".bdbkit-restore-draft";

/// Whether anything has that name, be it a link that leads nowhere.
pub(super) fn stands(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Whether it is a regular file, and no link to one.
pub(super) fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// The names of what is in a folder, sorted.
pub(super) fn entries(folder: &Path) -> Result<Vec<OsString>> {
    let names: io::Result<Vec<OsString>> =
        fs::read_dir(folder).and_then(|read| read.map(|entry| Ok(entry?.file_name())).collect());
    let mut names = names.map_err(at(folder, "reading"))?;
    names.sort();
    Ok(names)
}

/// Names as they are shown.
pub(super) fn shown(names: impl IntoIterator<Item = OsString>) -> Vec<String> {
    names.into_iter().map(|name| name.to_string_lossy().into_owned()).collect()
}

/// Moves what is wanted from a folder to another one; what is there already, moved before.
pub(super) fn move_all(from: &Path, to: &Path, wanted: impl Fn(&OsStr) -> bool) -> Result<Vec<OsString>> {
    let mut names = entries(from)?;
    names.retain(|name| wanted(name));
    if names.is_empty() {
        return Ok(names);
    }
    // Nothing moves if something is in the way of any.
    for name in &names {
        clash(&from.join(name), &to.join(name))?;
    }
    for name in &names {
        relocate(&from.join(name), &to.join(name))?;
    }
    sync(to)?;
    sync(from)?;
    Ok(names)
}

/// Whether a copy is there that an interrupted run did not come to remove.
fn clash(from: &Path, to: &Path) -> Result<bool> {
    if !stands(to) {
        return Ok(false);
    }
    let same = is_file(from) && is_file(to) && hash(from)? == hash(to)?;
    if same { Ok(true) } else { Err(RestoreError::Clash { path: to.to_owned() }) }
}

/// Moves a file or a folder; a file also to another file system, as region files may have to.
pub(super) fn relocate(from: &Path, to: &Path) -> Result<()> {
    if clash(from, to)? {
        return remove(from);
    }
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices && is_file(from) => {}
        renamed => return renamed.map_err(at(from, "moving")),
    }
    let folder = directory(to);
    let draft = folder.join(DRAFT);
    remove_draft(folder)?;
    let copied = copy(from, &draft).and_then(|_| fs::rename(&draft, to).map_err(at(&draft, "renaming")));
    if copied.is_err() {
        // What failed is said already.
        let _ = fs::remove_file(&draft);
    }
    copied?;
    sync(folder)?;
    remove(from)
}

/// Removes what a copy left behind that was interrupted.
pub(super) fn remove_draft(folder: &Path) -> Result<()> {
    let draft = folder.join(DRAFT);
    if stands(&draft) { remove(&draft) } else { Ok(()) }
}

pub(super) fn hash(path: &Path) -> Result<Hash> {
    Hash::of(path).map_err(at(path, "reading"))
}

pub(super) fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).map_err(at(path, "removing"))
}

/// Copies a file with its owner, permissions and times, makes the copy last, and gives the
/// SHA-256 of what was read.
pub(super) fn copy(from: &Path, to: &Path) -> Result<[u8; 32]> {
    let mut source = File::open(from).map_err(at(from, "opening"))?;
    let original = source.metadata().map_err(at(from, "asking for its permissions"))?;
    let new = File::options().write(true).create_new(true).mode(0o600).open(to);
    let mut target = new.map_err(at(to, "creating"))?;
    let mut sum = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = source.read(&mut buffer).map_err(at(from, "reading"))?;
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        sum.update(bytes);
        target.write_all(bytes).map_err(at(to, "writing"))?;
    }
    own_as(&target, &original).map_err(at(to, "setting its permissions"))?;
    keep_time(&target, &original);
    target.sync_all().map_err(at(to, "syncing"))?;
    Ok(sum.finalize().into())
}

/// Gives a new folder the owner and permissions of another.
pub(super) fn make_like(folder: &Path, new: &Path) -> Result<()> {
    let original = fs::metadata(folder).map_err(at(folder, "asking for its permissions"))?;
    let made = File::open(new).map_err(at(new, "opening"))?;
    own_as(&made, &original).map_err(at(new, "setting its permissions"))
}

pub(super) fn sync(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder, "syncing"))
}
