//! FreeBSD. It lacks:
//!
//! - who has a file open: a change is refused unless it is said that nobody has, and files are
//!   taken to be held when it is asked whether they are better read than mapped;
//! - disk space set aside behind the end of a file: a full disk is found while pages are written;
//! - a name given only if nothing has it: another program may take it between look and renaming;
//! - a hint to begin writing;
//! - extended attributes and access lists of copies are not looked at.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::FallocateFlags;
use rustix::io::Errno;

pub(super) use super::unix::{
    create_dir, create_new, entry, free_space, give, identity, identity_of, lock, lock_dir, open, read_at,
    standing, sync_dir, user, write_at,
};
use crate::journal::disk::Identity;

/// The mark of file systems of this machine (statfs, `MNT_LOCAL`).
const LOCAL: u64 = 0x1000;

pub(super) fn other_user(_: Identity, _: &Path) -> Result<Option<u32>, &'static str> {
    Err("FreeBSD does not tell which programs have it open; end them all, and say so")
}

pub(super) fn held(_: &Path) -> bool {
    true
}

pub(super) fn unseen() -> u64 {
    0
}

pub(super) fn on_network(path: &Path) -> bool {
    rustix::fs::statfs(path).is_ok_and(|system| system.f_flags & LOCAL == 0)
}

pub(super) fn rename_new(_: &Path, _: &Path) -> Option<io::Result<()>> {
    None
}

/// Sets disk space aside, where the file system can and the file is to grow.
pub(super) fn reserve(file: &File, offset: u64, bytes: u64, grow: bool) -> io::Result<()> {
    if !grow {
        return Ok(());
    }
    match rustix::fs::fallocate(file, FallocateFlags::empty(), offset, bytes) {
        Err(Errno::NOTSUP | Errno::NOSYS | Errno::INVAL) => Ok(()),
        result => Ok(result?),
    }
}

pub(super) fn begin_sync(_: &File, _: u64, _: u64) {}

pub(super) fn copy_attributes(_: &File, _: &File) -> io::Result<Vec<String>> {
    Ok(Vec::new())
}
