//! What Linux, macOS and FreeBSD have in common.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, fchown};
use std::path::Path;

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::{Access, Links};
use crate::journal::disk::{Identity, Standing};
use crate::journal::entry::{EntryKind, FileEntry};
use crate::journal::error::{JournalError, at};

/// How both kinds of locks are asked for.
const LOCK: FlockOperation = FlockOperation::NonBlockingLockExclusive;

/// Opens a file, and waits for nothing.
pub(super) fn open(path: &Path, access: Access, links: Links) -> io::Result<File> {
    // Opening a pipe or a device would otherwise wait for its other end.
    let mut flags = OFlags::CLOEXEC | OFlags::NONBLOCK;
    flags |= if access == Access::Write { OFlags::RDWR } else { OFlags::RDONLY };
    if links == Links::Refused {
        flags |= OFlags::NOFOLLOW;
    }
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

/// Creates a file that only its owner may read and write.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?))
}

/// Creates a folder that only its owner may look into.
pub(super) fn create_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// Locks a file both ways there are.
pub(super) fn lock(file: &File, path: &Path) -> Result<(), JournalError> {
    let granted = |result| match result {
        Ok(()) => Ok(()),
        Err(Errno::AGAIN | Errno::ACCESS) => Err(JournalError::Locked { path: path.to_owned() }),
        Err(error) => Err(at(path, "locking")(error.into())),
    };
    match rustix::fs::flock(file, LOCK) {
        // Not every file system has this kind of lock.
        Err(Errno::NOTSUP | Errno::NOSYS | Errno::INVAL) => {}
        result => granted(result)?,
    }
    granted(rustix::fs::fcntl_lock(file, LOCK))
}

/// Locks a folder, where that is possible.
pub(super) fn lock_dir(directory: &Path) -> io::Result<File> {
    let opened = File::open(directory)?;
    match rustix::fs::flock(&opened, LOCK) {
        // Not every file system has this kind of lock, or has it for directories.
        Ok(()) | Err(Errno::NOTSUP | Errno::NOSYS | Errno::INVAL | Errno::BADF) => Ok(opened),
        Err(error) => Err(error.into()),
    }
}

/// Makes the names in a folder last.
pub(super) fn sync_dir(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

pub(super) fn identity(file: &File) -> io::Result<Identity> {
    file.metadata().map(|file| numbers(&file))
}

pub(super) fn identity_of(path: &Path) -> io::Result<Identity> {
    fs::metadata(path).map(|file| numbers(&file))
}

/// The numbers that tell which file it is.
pub(super) fn numbers(file: &fs::Metadata) -> Identity {
    Identity { device: file.dev(), inode: file.ino() }
}

pub(super) fn standing(file: &File) -> io::Result<Standing> {
    let file = file.metadata()?;
    Ok(Standing { links: file.nlink(), owner: file.uid(), mode: file.mode() & 0o7777, user: user() })
}

pub(super) fn entry(_: &Path, kind: EntryKind, found: &fs::Metadata) -> io::Result<FileEntry> {
    Ok(FileEntry {
        links: found.nlink(),
        owner: found.uid(),
        mode: found.mode() & 0o777,
        size: found.len(),
        changed: (found.ctime(), found.ctime_nsec()),
        ..FileEntry::new(kind, numbers(found))
    })
}

/// Gives a file or folder the owner of another, as far as this user may.
pub(super) fn give(file: &File, model: &fs::Metadata) {
    // Only the superuser gives files away; the copy of others is their own.
    let _ = fchown(file, Some(model.uid()), Some(model.gid()));
}

pub(super) fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

pub(super) fn free_space(directory: &Path) -> io::Result<u64> {
    let space = rustix::fs::statvfs(directory)?;
    Ok(space.f_bavail.saturating_mul(space.f_frsize))
}

pub(super) fn read_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
    file.read_exact_at(buffer, offset)
}

pub(super) fn write_at(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}
