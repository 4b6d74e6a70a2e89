//! Systems of which nothing is known here, those without files (WebAssembly) among them: no file
//! is changed or copied, and which file it is is not known. Every question is refused.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use super::{Access, Links};
use crate::journal::disk::{Identity, Standing};
use crate::journal::entry::{EntryKind, FileEntry};
use crate::journal::error::JournalError;

fn unsupported<T>() -> io::Result<T> {
    Err(ErrorKind::Unsupported.into())
}

/// Reading alone goes; a link cannot be told from what it leads to.
pub(super) fn open(path: &Path, access: Access, links: Links) -> io::Result<File> {
    if access == Access::Read && links == Links::Followed { File::open(path) } else { unsupported() }
}

pub(super) fn create_new(_: &Path) -> io::Result<File> {
    unsupported()
}

pub(super) fn create_dir(_: &Path) -> io::Result<()> {
    unsupported()
}

pub(super) fn lock(_: &File, path: &Path) -> Result<(), JournalError> {
    let lacks = "how files are locked on this system is not known";
    Err(JournalError::System { path: path.to_owned(), lacks })
}

pub(super) fn other_user(_: Identity, _: &Path) -> Result<Option<u32>, &'static str> {
    Err("this system is not known to tell which programs have it open")
}

pub(super) fn held(_: &Path) -> bool {
    true
}

pub(super) fn unseen() -> u64 {
    0
}

pub(super) fn on_network(_: &Path) -> bool {
    true
}

pub(super) fn rename_new(_: &Path, _: &Path) -> Option<io::Result<()>> {
    Some(unsupported())
}

pub(super) fn sync_dir(_: &Path) -> io::Result<()> {
    unsupported()
}

pub(super) fn lock_dir(_: &Path) -> io::Result<File> {
    unsupported()
}

pub(super) fn identity(_: &File) -> io::Result<Identity> {
    unsupported()
}

pub(super) fn identity_of(_: &Path) -> io::Result<Identity> {
    unsupported()
}

pub(super) fn standing(_: &File) -> io::Result<Standing> {
    unsupported()
}

pub(super) fn entry(_: &Path, _: EntryKind, _: &fs::Metadata) -> io::Result<FileEntry> {
    unsupported()
}

pub(super) fn give(_: &File, _: &fs::Metadata) {}

pub(super) fn user() -> u32 {
    0
}

pub(super) fn free_space(_: &Path) -> io::Result<u64> {
    unsupported()
}

pub(super) fn read_at(mut file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(buffer)
}

pub(super) fn write_at(_: &File, _: u64, _: &[u8]) -> io::Result<()> {
    unsupported()
}

pub(super) fn reserve(_: &File, _: u64, _: u64, _: bool) -> io::Result<()> {
    unsupported()
}

pub(super) fn begin_sync(_: &File, _: u64, _: u64) {}

pub(super) fn copy_attributes(_: &File, _: &File) -> io::Result<Vec<String>> {
    unsupported()
}
