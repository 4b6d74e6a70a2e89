//! macOS, and its relatives. They lack:
//!
//! - who has a file open: a change is refused unless it is said that nobody has, and files are
//!   taken to be held when it is asked whether they are better read than mapped;
//! - disk space set aside without a change of length: a full disk is found while pages are written;
//! - a hint to begin writing;
//! - extended attributes and access lists of copies are not looked at.
//!
//! A sync reaches the medium: the standard library asks for that (`F_FULLFSYNC`).

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

pub(super) use super::unix::{
    create_dir, create_new, entry, free_space, give, identity, identity_of, lock, lock_dir, open, read_at,
    standing, sync_dir, user, write_at,
};
use crate::journal::disk::Identity;

/// The mark of file systems of this machine (statfs, `MNT_LOCAL`).
const LOCAL: u32 = 0x1000;

pub(super) fn other_user(_: Identity, _: &Path) -> Result<Option<u32>, &'static str> {
    Err("macOS does not tell which programs have it open; end them all, and say so")
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

/// Gives a file a name that nothing has; `None` if the file system cannot promise that.
pub(super) fn rename_new(from: &Path, to: &Path) -> Option<io::Result<()>> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => None,
        result => Some(result.map_err(Into::into)),
    }
}

pub(super) fn reserve(_: &File, _: u64, _: u64, _: bool) -> io::Result<()> {
    Ok(())
}

pub(super) fn begin_sync(_: &File, _: u64, _: u64) {}

pub(super) fn copy_attributes(_: &File, _: &File) -> io::Result<Vec<String>> {
    Ok(Vec::new())
}
