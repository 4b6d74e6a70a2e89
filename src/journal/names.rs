//! The files that a run makes, by their names and what they begin with; and small things that all
//! of the room need.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::disk::Disk;
use super::error::{JournalError, at as at_path};
use super::format;
use crate::folder::{JOURNAL, directory};
pub(super) use crate::folder::{MEMBERS, PUBLISHED};
use crate::format::meta::{self as layout, at};
use crate::order::Endianness;

/// As much of page 0 as is ever written, in bytes: one sector.
pub(super) const HEAD: usize = layout::LENGTH;

/// What is added to the name of a copy until it is whole, before a number by chance.
pub(crate) const DRAFT: &str = ".bdbkit-tmp";

/// The first 512 bytes of page 0.
pub(super) type Head = [u8; HEAD];

/// Where the journal of a database file stands: beside it, `NAME.bdbkit-journal`.
#[must_use]
pub fn name(path: &Path) -> PathBuf {
    beside(path, JOURNAL)
}

/// The database file beside which a journal of this name stands; `None` if the name is not
/// that of a journal.
#[must_use]
pub fn database(journal: &Path) -> Option<PathBuf> {
    let name = journal.file_name()?.to_str()?.strip_suffix(JOURNAL)?;
    Some(journal.with_file_name(name))
}

/// Whether a file has the name of something that a run leaves behind when it dies: a
/// journal, a file of a set, or the draft of a copy. A database has another name.
#[must_use]
pub fn is_remnant(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let number = |rest: &str| rest.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    let draft = name.rsplit_once(DRAFT).is_some_and(|(_, rest)| number(rest));
    [PUBLISHED, MEMBERS].contains(&&*name) || name.ends_with(JOURNAL) || draft
}

/// Whether a file that has the name of a journal is one, by what stands in it.
///
/// # Errors
///
/// Those of the file system.
pub(crate) fn is_journal<D: Disk>(disk: &D, path: &Path) -> std::io::Result<bool> {
    let bytes = disk.read(path)?;
    Ok(format::is_journal(bytes.get(..format::START).unwrap_or(&bytes)))
}

/// Makes a file under a name that no other has, beside where it is to stand in the end.
pub(crate) fn create_draft<D: Disk>(disk: &D, path: &Path) -> Result<(PathBuf, D::File), JournalError> {
    loop {
        let draft = beside(path, &format!("{DRAFT}-{:016x}", random()));
        match disk.create_new(&draft) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => {
                let file = made.map_err(at_path(&draft, "creating"))?;
                return Ok((draft, file));
            }
        }
    }
}

/// Whether a journal stands at a path: a regular file that begins as one.
#[must_use]
pub fn stands(path: &Path) -> bool {
    let mut start = [0; 8];
    let mut read = || std::fs::File::open(path)?.read_exact(&mut start);
    std::fs::symlink_metadata(path).is_ok_and(|kind| kind.is_file())
        && read().is_ok()
        && format::is_journal(&start)
}

/// Whether a file, of which at least the first 20 bytes are given, is half-written:
/// poisoned by an operation that did not finish (upgrade, "States of the database file").
#[must_use]
pub fn poisoned(file: &[u8]) -> bool {
    version(file) == Some(layout::HALF_WRITTEN)
}

/// The version that a database file of any access method claims to have.
pub(super) fn version(file: &[u8]) -> Option<u32> {
    order(file)?.u32_at(file, at::VERSION)
}

/// The byte order of a database file of any access method.
pub(super) fn order(file: &[u8]) -> Option<Endianness> {
    let magics = [layout::BTREE_MAGIC, layout::HASH_MAGIC, layout::QUEUE_MAGIC, layout::HEAP_MAGIC];
    let known =
        |order: &Endianness| order.u32_at(file, at::MAGIC).is_some_and(|magic| magics.contains(&magic));
    [Endianness::Little, Endianness::Big].into_iter().find(known)
}

/// The path with something added to its last part.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Removes a file, if it is there, and makes that last.
pub(super) fn discard<D: Disk>(disk: &D, path: &Path) -> Result<(), JournalError> {
    match disk.remove(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(at_path(path, "removing")(error)),
        _ => {}
    }
    let directory = directory(path);
    disk.sync_dir(directory).map_err(at_path(directory, "syncing"))
}

/// A length in memory as a length in a file.
pub(super) fn long(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// A number that no other journal has: the seed with which the standard library keys
/// its hash tables.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
