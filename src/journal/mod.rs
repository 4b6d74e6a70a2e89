//! Crash-safe change of a file in place (upgrade, "Crash-safe protocol").
//!
//! A change is a list of pages with their images before and after. The images go to a
//! journal beside the file first, that after as the parts in which it differs, if they are
//! few; only when the journal is on the medium is the file
//! touched. Whoever dies in between, at whatever instruction, leaves a file that a
//! later run makes entirely new or entirely old again.
//!
//! ```text
//! P2 P3  journal written and synced            Journal::write
//! A1     page 0 poisoned, so that no program opens the half-written file
//! A2     pages written                         Journal::apply
//! A3     result validated                      Journal::read_back, Journal::preview
//! A4     page 0 of the new file                Journal::publish
//! E1 E2  journal ended and removed             Journal::end
//! ```
//!
//! [`Journal::run`] does A1 to E2, and rolls back if anything fails before page 0 is
//! new. What an earlier run left behind is found by [`leftover`]. Several files are
//! changed as one unit by a [`Set`], and [`Backup`] makes whole copies.
//!
//! Files are reached through a [`Disk`], so that the same code runs on the real one
//! and on one that fails at will. Whoever calls must hold the lock on the file, as
//! [`Disk::open_exclusive`] gives it, until the journal is gone.

mod backup;
mod change;
mod disk;
mod entry;
mod error;
mod format;
mod leftover;
mod parts;
mod plan;
mod read;
mod record;
mod run;
mod set;
mod set_format;
mod steps;
mod system;
mod trust;
mod window;
mod write;

use std::io::ErrorKind;
use std::io::Read;
use std::path::{Path, PathBuf};

pub use backup::Backup;
pub use change::Journal;
pub(crate) use disk::entries;
pub use disk::{Contents, Disk, DiskFile, Identity, Standing};
pub use entry::{Entry, EntryKind};
pub use error::{BoxError, JournalError, LeftoverState};
pub use leftover::{Leftover, Outcome, leftover};
pub use plan::{ContentSum, Estimate, Facts, Form, Operation, Options, PageChange, Promise};
pub(crate) use record::MEMBERS as SET_MEMBERS;
pub(crate) use record::PUBLISHED as SET;
pub use set::{Set, SetLeftover};
pub use system::{SystemDisk, SystemFile, held_elsewhere, on_network};
pub(crate) use write::random;

use crate::format::meta::{self as layout, at};
use crate::order::Endianness;

/// As much of page 0 as is ever written, in bytes: one sector.
const HEAD: usize = layout::LENGTH;

/// What is added to the name of a database file for that of its journal.
pub(crate) const SUFFIX: &str = ".bdbkit-journal";

/// What is added to the name of a copy until it is whole, before a number by chance.
pub(crate) const DRAFT: &str = ".bdbkit-tmp";

/// The first 512 bytes of page 0.
type Head = [u8; HEAD];

/// Where the journal of a database file stands: beside it, `NAME.bdbkit-journal`.
#[must_use]
pub fn name(path: &Path) -> PathBuf {
    beside(path, SUFFIX)
}

/// The database file beside which a journal of this name stands; `None` if the name is not
/// that of a journal.
#[must_use]
pub fn database(journal: &Path) -> Option<PathBuf> {
    let name = journal.file_name()?.to_str()?.strip_suffix(SUFFIX)?;
    Some(journal.with_file_name(name))
}

/// Whether a file has the name of something that a run leaves behind when it dies: a
/// journal, a file of a set, or the draft of a copy. A database has another name.
#[must_use]
pub fn is_remnant(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let number = |rest: &str| rest.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    let draft = name.rsplit_once(DRAFT).is_some_and(|(_, rest)| number(rest));
    [SET, SET_MEMBERS].contains(&&*name) || name.ends_with(SUFFIX) || draft
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
        let draft = beside(path, &format!("{DRAFT}-{:016x}", write::random()));
        match disk.create_new(&draft) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => {
                let file = made.map_err(error::at(&draft, "creating"))?;
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
fn version(file: &[u8]) -> Option<u32> {
    order(file)?.u32_at(file, at::VERSION)
}

/// The byte order of a database file of any access method.
fn order(file: &[u8]) -> Option<Endianness> {
    let magics = [layout::BTREE_MAGIC, layout::HASH_MAGIC, layout::QUEUE_MAGIC, layout::HEAP_MAGIC];
    let known =
        |order: &Endianness| order.u32_at(file, at::MAGIC).is_some_and(|magic| magics.contains(&magic));
    [Endianness::Little, Endianness::Big].into_iter().find(known)
}

/// The path with something added to its last part.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The directory in which a file stands.
pub(crate) fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Removes a file, if it is there, and makes that last.
fn discard<D: Disk>(disk: &D, path: &Path) -> Result<(), JournalError> {
    match disk.remove(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error::at(path, "removing")(error)),
        _ => {}
    }
    let directory = directory(path);
    disk.sync_dir(directory).map_err(error::at(directory, "syncing"))
}

/// A length in memory as a length in a file.
fn long(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
