//! The upgraded file under another name (upgrade, "Alternative: copy mode").

use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::Path;

#[cfg(target_os = "linux")]
use rustix::{fs::XattrFlags, io::Errno};

use super::draft::Draft;
use super::error::{Refusal, UpgradeError};
use super::validation;
use crate::error::Error;
use crate::journal::{self, BoxError, Contents, Disk, DiskFile, JournalError, SystemDisk, SystemFile};

/// Writes a copy, validates it, and gives it its name. The names of extended attributes that it
/// could not be given.
pub(super) fn write(
    (source, from): (&SystemFile, &Path),
    target: &Path,
    draft: &Draft<'_>,
    validate: impl FnOnce(&Contents) -> Result<(), BoxError>,
) -> Result<Vec<String>, UpgradeError> {
    if fs::symlink_metadata(target).is_ok() {
        return Err(Refusal::Exists { path: target.to_owned() }.into());
    }
    // Open until the end: so that nobody else can be taken for it.
    let (name, file) = journal::create_draft(&SystemDisk::MAPPED, target)?;
    let done = fill(file.as_file(), draft)
        .and_then(|()| file.contents())
        .map_err(at(&name))
        .and_then(|contents| validate(&contents).map_err(validation::failed))
        .and_then(|()| finish(file.as_file(), source.as_file()).map_err(at(&name)))
        .and_then(|lost| still_there(source, from).map(|()| lost))
        .and_then(|lost| publish(&name, target).map(|()| lost));
    if done.is_err() {
        // What failed is said already; a draft that stays is in nobody's way.
        let _ = fs::remove_file(&name);
    }
    done
}

/// Refuses an original that lost its name to another file meanwhile: the copy would not be that
/// of the file of this name.
fn still_there(source: &SystemFile, from: &Path) -> Result<(), UpgradeError> {
    let (found, own) =
        (SystemDisk::MAPPED.identity(from).map_err(at(from))?, source.identity().map_err(at(from))?);
    if found == own { Ok(()) } else { Err(JournalError::Replaced { path: from.to_owned() }.into()) }
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
fn finish(file: &File, from: &File) -> io::Result<Vec<String>> {
    let original = from.metadata()?;
    // Only the superuser gives files away; the copy of others is their own.
    let _ = fchown(file, Some(original.uid()), Some(original.gid()));
    #[cfg(target_os = "linux")]
    let lost = attributes(from, file)?;
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
    SystemDisk::MAPPED.rename_new(draft, target).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Refusal::Exists { path: target.to_owned() }.into(),
        _ => at(target)(error),
    })?;
    let folder = journal::directory(target);
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))
}

/// Turns an error of the file system into one that names the file.
fn at(path: &Path) -> impl FnOnce(io::Error) -> UpgradeError + '_ {
    move |source| Error::Open { path: path.to_owned(), cause: source }.into()
}
