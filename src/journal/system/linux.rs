//! Linux, and Android: nothing lacks.
//!
//! Who has a file open is looked up in `/proc`, as far as this user may see it.

use std::fs::File;
use std::io;
use std::num::NonZeroU64;
use std::path::Path;

use rustix::fs::{Advice, CWD, FallocateFlags, RenameFlags};
use rustix::io::Errno;

pub(super) use super::attributes::copy as copy_attributes;
pub(super) use super::unix::{
    create_dir, create_new, entry, free_space, give, identity, identity_of, lock, lock_dir, open, read_at,
    standing, sync_dir, user, write_at,
};
use super::users;
pub(super) use super::users::unseen;
use crate::journal::disk::Identity;

/// The numbers by which Linux knows file systems that are elsewhere (statfs, "f_type").
const REMOTE: [u32; 10] = [
    0x6969,      // NFS
    0x517b,      // SMB
    0xff53_4d42, // CIFS
    0xfe53_4d42, // SMB2
    0x5346_414f, // AFS
    0x7375_7245, // Coda
    0x00c3_6400, // Ceph
    0x0102_1997, // 9P
    0x0bd0_0bd0, // Lustre
    0x6573_5546, // FUSE
];

/// A process that has a file open or mapped.
pub(super) fn other_user(file: Identity, path: &Path) -> Result<Option<u32>, &'static str> {
    Ok(users::other(file, &path.canonicalize().unwrap_or_default()))
}

pub(super) fn held(path: &Path) -> bool {
    identity_of(path).is_ok_and(users::held)
}

pub(super) fn on_network(path: &Path) -> bool {
    rustix::fs::statfs(path).is_ok_and(|system| {
        let kind = u32::try_from(system.f_type & 0xffff_ffff).unwrap_or(0);
        REMOTE.contains(&kind)
    })
}

/// Gives a file a name that nothing has; `None` if the file system cannot promise that.
pub(super) fn rename_new(from: &Path, to: &Path) -> Option<io::Result<()>> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => None,
        result => Some(result.map_err(Into::into)),
    }
}

/// Sets disk space aside, where the file system can.
pub(super) fn reserve(file: &File, offset: u64, bytes: u64, grow: bool) -> io::Result<()> {
    let mode = if grow { FallocateFlags::empty() } else { FallocateFlags::KEEP_SIZE };
    match rustix::fs::fallocate(file, mode, offset, bytes) {
        Err(Errno::NOTSUP | Errno::NOSYS | Errno::INVAL) => Ok(()),
        result => Ok(result?),
    }
}

/// Linux begins to write out what such a range holds that is not written yet.
pub(super) fn begin_sync(file: &File, offset: u64, bytes: u64) {
    if let Some(bytes) = NonZeroU64::new(bytes) {
        let _ = rustix::fs::fadvise(file, offset, Some(bytes), Advice::DontNeed);
    }
}
