//! The upgraded file under another name (upgrade, "Alternative: copy mode").

use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

#[cfg(target_os = "linux")]
use rustix::{fs::XattrFlags, io::Errno};

use super::draft::Draft;
use super::error::{Refusal, UpgradeError};
use super::validation;
use crate::error::Error;
use crate::journal::{self, BoxError, Contents, Disk, DiskFile, JournalError, SystemDisk};

/// Writes a copy, validates it, and gives it its name. The names of extended attributes that it
/// could not be given.
pub(super) fn write(
    from: &Path,
    target: &Path,
    draft: &Draft<'_>,
    validate: impl FnOnce(&Contents) -> Result<(), BoxError>,
) -> Result<Vec<String>, UpgradeError> {
    if fs::symlink_metadata(target).is_ok() {
        return Err(Refusal::Exists { path: target.to_owned() }.into());
    }
    let mut name = target.as_os_str().to_owned();
    name.push(journal::DRAFT);
    let name = PathBuf::from(name);
    // Open until the end: so another run sees that somebody is at work.
    let file = create(&name)?;
    let done = fill(&file, draft)
        .and_then(|()| SystemDisk.open(&name)?.contents())
        .map_err(at(&name))
        .and_then(|contents| validate(&contents).map_err(validation::failed))
        .and_then(|()| finish(&file, from).map_err(at(&name)))
        .and_then(|lost| publish(&name, target).map(|()| lost));
    if done.is_err() {
        // What failed is said already; a draft that stays is in nobody's way.
        let _ = fs::remove_file(&name);
    }
    done
}

/// A new file, in place of one that a run left behind which died.
fn create(path: &Path) -> Result<File, UpgradeError> {
    let new = || File::options().write(true).create_new(true).mode(0o600).open(path);
    match new() {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            match SystemDisk.open_exclusive(path, false) {
                Err(error @ (JournalError::Locked { .. } | JournalError::InUse { .. })) => {
                    return Err(error.into());
                }
                _ => fs::remove_file(path).map_err(at(path))?,
            }
            new().map_err(at(path))
        }
        created => created.map_err(at(path)),
    }
}

fn fill(file: &File, draft: &Draft<'_>) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, file);
    for image in draft.images() {
        out.write_all(&image)?;
    }
    out.flush()
}

/// Last of all the file gets the owner, the extended attributes and the permissions of the
/// original, which may be one that nobody may write. The names of attributes that it could not
/// be given.
fn finish(file: &File, from: &Path) -> io::Result<Vec<String>> {
    let from = File::open(from)?;
    let original = from.metadata()?;
    // Only the superuser gives files away; the copy of others is their own.
    let _ = fchown(file, Some(original.uid()), Some(original.gid()));
    #[cfg(target_os = "linux")]
    let lost = attributes(&from, file)?;
    #[cfg(not(target_os = "linux"))]
    let lost = Vec::new();
    file.set_permissions(original.permissions())?;
    file.sync_all()?;
    Ok(lost)
}

/// Copies extended attributes, access lists among them; the names of those that this user may
/// not set, or that the file system of the copy does not take.
#[cfg(target_os = "linux")]
fn attributes(from: &File, to: &File) -> io::Result<Vec<String>> {
    let mut lost = Vec::new();
    let names = match with_room(|room| rustix::fs::flistxattr(from, room)) {
        Err(Errno::NOTSUP | Errno::NOSYS) => return Ok(lost),
        names => names?,
    };
    for name in names.split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
        let value = with_room(|room| rustix::fs::fgetxattr(from, name, room));
        let set = value.and_then(|value| rustix::fs::fsetxattr(to, name, &value, XattrFlags::empty()));
        if set.is_err() {
            lost.push(String::from_utf8_lossy(name).into_owned());
        }
    }
    Ok(lost)
}

/// What a call puts into a buffer that holds the longest list or value there is.
#[cfg(target_os = "linux")]
fn with_room(call: impl FnOnce(&mut [u8]) -> Result<usize, Errno>) -> Result<Vec<u8>, Errno> {
    let mut room = vec![0; 1 << 16];
    let length = call(&mut room)?;
    room.truncate(length);
    Ok(room)
}

/// Gives a file its name, but does not take the place of another that somebody made
/// meanwhile.
fn publish(draft: &Path, target: &Path) -> Result<(), UpgradeError> {
    match fs::hard_link(draft, target) {
        Ok(()) => fs::remove_file(draft),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(Refusal::Exists { path: target.to_owned() }.into());
        }
        // Not every file system has links.
        Err(_) => fs::rename(draft, target),
    }
    .map_err(at(target))?;
    let folder = journal::directory(target);
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))
}

/// Turns an error of the file system into one that names the file.
fn at(path: &Path) -> impl FnOnce(io::Error) -> UpgradeError + '_ {
    move |source| Error::Open { path: path.to_owned(), source }.into()
}
