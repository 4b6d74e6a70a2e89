//! Windows: files are read and copied, and none is changed in place.
//!
//! Locks, names that last, free space, and whose a file is are not asked for here. So changes are
//! refused before they begin; what is not known (owner, permissions) reads as that of somebody
//! whom nobody believes. A copy has the rights that its folder gives, and its name lasts when the
//! file system gets to it. On ReFS two files may have the same number.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::windows::fs::{FileExt, OpenOptionsExt};
use std::path::{Component, Path, Prefix};

use winapi_util::file::information;

use super::{Access, Links};
use crate::journal::disk::{Identity, Standing};
use crate::journal::entry::{EntryKind, FileEntry};
use crate::journal::error::JournalError;

/// Opens what a link is, and not what it leads to (`FILE_FLAG_OPEN_REPARSE_POINT`).
const LINK_ITSELF: u32 = 0x0020_0000;
/// Opens folders, too (`FILE_FLAG_BACKUP_SEMANTICS`).
const FOLDERS: u32 = 0x0200_0000;
/// Others may read meanwhile, and do nothing else (`FILE_SHARE_READ`).
const SHARE_READ: u32 = 1;
/// What is said if another program has the file open otherwise (`ERROR_SHARING_VIOLATION`).
const SHARED: i32 = 32;
/// The number of a user whom nobody is.
const NOBODY: u32 = u32::MAX;

/// Opens a file.
pub(super) fn open(path: &Path, access: Access, links: Links) -> io::Result<File> {
    let flags = if links == Links::Refused { LINK_ITSELF } else { 0 };
    OpenOptions::new().read(true).write(access == Access::Write).custom_flags(flags).open(path)
}

/// Creates a file with the rights that its folder gives.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).open(path)
}

/// Creates a folder with the rights that its folder gives.
pub(super) fn create_dir(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

pub(super) fn lock(_: &File, path: &Path) -> Result<(), JournalError> {
    let lacks = "files are not locked on Windows; write a copy instead";
    Err(JournalError::System { path: path.to_owned(), lacks })
}

pub(super) fn other_user(_: Identity, _: &Path) -> Result<Option<u32>, &'static str> {
    Err("which programs have it open is not looked up on Windows")
}

pub(super) fn held(path: &Path) -> bool {
    let alone = OpenOptions::new().read(true).share_mode(SHARE_READ).open(path);
    alone.is_err_and(|error| error.raw_os_error() == Some(SHARED))
}

pub(super) fn unseen() -> u64 {
    0
}

/// Drives of other machines resolve to the name of the machine.
pub(super) fn on_network(path: &Path) -> bool {
    let Ok(path) = path.canonicalize() else { return false };
    matches!(path.components().next(), Some(Component::Prefix(prefix))
        if matches!(prefix.kind(), Prefix::UNC(..) | Prefix::VerbatimUNC(..)))
}

pub(super) fn rename_new(_: &Path, _: &Path) -> Option<io::Result<()>> {
    None
}

pub(super) fn sync_dir(_: &Path) -> io::Result<()> {
    Ok(())
}

pub(super) fn lock_dir(_: &Path) -> io::Result<File> {
    Err(io::Error::new(ErrorKind::Unsupported, "folders are not locked on Windows"))
}

pub(super) fn identity(file: &File) -> io::Result<Identity> {
    let file = information(file)?;
    Ok(Identity { device: file.volume_serial_number(), inode: file.file_index() })
}

pub(super) fn identity_of(path: &Path) -> io::Result<Identity> {
    identity(&look(path, FOLDERS)?)
}

pub(super) fn standing(file: &File) -> io::Result<Standing> {
    let links = information(file)?.number_of_links();
    Ok(Standing { links, owner: NOBODY, mode: 0o666, user: user() })
}

pub(super) fn entry(path: &Path, kind: EntryKind, found: &fs::Metadata) -> io::Result<FileEntry> {
    let file = look(path, FOLDERS | LINK_ITSELF)?;
    let links = information(&file)?.number_of_links();
    let unknown = FileEntry { owner: NOBODY, mode: 0o666, ..FileEntry::new(kind, identity(&file)?) };
    Ok(FileEntry { links, size: found.len(), ..unknown })
}

/// Opens a file or folder to ask about it, and nothing else.
fn look(path: &Path, flags: u32) -> io::Result<File> {
    OpenOptions::new().access_mode(0).custom_flags(flags).open(path)
}

pub(super) fn give(_: &File, _: &fs::Metadata) {}

pub(super) fn user() -> u32 {
    0
}

pub(super) fn free_space(_: &Path) -> io::Result<u64> {
    Err(ErrorKind::Unsupported.into())
}

pub(super) fn read_at(file: &File, mut offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
    while !buffer.is_empty() {
        match file.seek_read(buffer, offset) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                buffer = buffer.get_mut(read..).unwrap_or_default();
                offset = offset.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

pub(super) fn write_at(file: &File, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.seek_write(bytes, offset) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = bytes.get(written..).unwrap_or_default();
                offset = offset.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

pub(super) fn reserve(_: &File, _: u64, _: u64, _: bool) -> io::Result<()> {
    Ok(())
}

pub(super) fn begin_sync(_: &File, _: u64, _: u64) {}

pub(super) fn copy_attributes(_: &File, _: &File) -> io::Result<Vec<String>> {
    Ok(Vec::new())
}
