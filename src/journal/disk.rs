//! What the journal asks of a file system.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};

use super::entry::FileEntry;
use super::error::JournalError;

/// Which file it is, whatever its name: `st_dev` and `st_ino`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The device.
    pub device: u64,
    /// The inode on the device.
    pub inode: u64,
}

/// What tells whether a run of this user can have made a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How many names the file has.
    pub links: u64,
    /// The user whose file it is.
    pub owner: u32,
    /// Its permissions, as `chmod` takes them.
    pub mode: u32,
    /// The user as whom this program runs.
    pub user: u32,
}

impl Default for Standing {
    /// A file that the superuser made for nobody else.
    fn default() -> Self {
        Standing { links: 1, owner: 0, mode: 0o600, user: 0 }
    }
}

/// A file system: files by path.
///
/// Directory operations count as lasting only after [`sync_dir`](Disk::sync_dir),
/// writes only after a sync of their file.
pub trait Disk: fmt::Debug {
    /// An open file.
    type File: DiskFile;

    /// The lock on a directory, as long as it is kept.
    type Lock: fmt::Debug;

    /// The path without symbolic links: the name beside which the journal stands.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf>;

    /// Opens an existing regular file for reading and writing, locks it without waiting,
    /// and refuses if another program has it open, unless told to assume otherwise
    /// (upgrade, "Locking"). The lock lasts until the file is dropped.
    ///
    /// # Errors
    ///
    /// [`JournalError::Locked`], [`JournalError::InUse`], or that it cannot be opened.
    fn open_exclusive(&self, path: &Path, assume_closed: bool) -> Result<Self::File, JournalError>;

    /// Opens an existing regular file for reading and writing, without a lock and
    /// without following a symbolic link.
    ///
    /// # Errors
    ///
    /// Those of the file system; [`NotFound`](io::ErrorKind::NotFound) if there is none.
    fn open(&self, path: &Path) -> io::Result<Self::File>;

    /// The bytes of a whole file, mapped where that is possible, for a look at a file that is
    /// not to be changed.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn read(&self, path: &Path) -> io::Result<Contents>;

    /// Creates a file that only its owner may read and write.
    ///
    /// # Errors
    ///
    /// Those of the file system; [`AlreadyExists`](io::ErrorKind::AlreadyExists) if
    /// there is something of this name.
    fn create_new(&self, path: &Path) -> io::Result<Self::File>;

    /// Which file has this name, links followed.
    ///
    /// # Errors
    ///
    /// Those of the file system; [`NotFound`](io::ErrorKind::NotFound) if there is none.
    fn identity(&self, path: &Path) -> io::Result<Identity>;

    /// Processes that cannot be looked at, as they are those of other users: one of them may
    /// have a file open that [`open_exclusive`](Self::open_exclusive) takes to be free.
    fn unseen(&self) -> u64 {
        0
    }

    /// Whether there is something of this name.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// The regular files in a directory, by name. Symbolic links and special files are none.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>>;

    /// The directories in a directory, by name.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn list_dirs(&self, directory: &Path) -> io::Result<Vec<PathBuf>>;

    /// Creates a directory that only its owner may look into.
    ///
    /// # Errors
    ///
    /// Those of the file system; [`AlreadyExists`](io::ErrorKind::AlreadyExists) if
    /// there is something of this name.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty directory.
    ///
    /// # Errors
    ///
    /// Those of the file system; [`DirectoryNotEmpty`](io::ErrorKind::DirectoryNotEmpty).
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Gives a file another name, in place of what had that name; or a directory, one that
    /// nothing had.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file or a directory a name that nothing has.
    ///
    /// # Errors
    ///
    /// Those of the file system; [`AlreadyExists`](io::ErrorKind::AlreadyExists) if there is
    /// something of this name, [`CrossesDevices`](io::ErrorKind::CrossesDevices).
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.exists(to)? { Err(io::ErrorKind::AlreadyExists.into()) } else { self.rename(from, to) }
    }

    /// Makes what was created, renamed and removed in a directory last.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn sync_dir(&self, directory: &Path) -> io::Result<()>;

    /// Locks a directory without waiting, against other runs that change it as a whole. The lock
    /// lasts until it is dropped, or this program ends. Does nothing where the file system cannot.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if another run has it; those of the file system.
    fn lock_dir(&self, directory: &Path) -> io::Result<Self::Lock>;

    /// What stands under a name; `None` if nothing does. A symbolic link is not followed.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn look(&self, path: &Path) -> io::Result<Option<FileEntry>>;

    /// The names of all that is in a directory, sorted.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn names(&self, directory: &Path) -> io::Result<Vec<OsString>>;

    /// Opens an existing regular file for reading only, without following a symbolic link.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn open_plain(&self, path: &Path) -> io::Result<Self::File>;

    /// Gives a directory the owner and the permissions of another, as far as this user may.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn resemble_dir(&self, directory: &Path, other: &Path) -> io::Result<()>;

    /// The number of the user for whom this program works.
    fn user(&self) -> u32;

    /// Bytes that this user may still write to the file system of a directory.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn free_space(&self, directory: &Path) -> io::Result<u64>;
}

/// An open file of a [`Disk`].
pub trait DiskFile: fmt::Debug {
    /// Fills the buffer from an offset in bytes.
    ///
    /// # Errors
    ///
    /// Those of the file system; [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the
    /// file ends before.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Writes the bytes at an offset in bytes, all of them in one `pwrite`.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Length of the file in bytes.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn size(&self) -> io::Result<u64>;

    /// Cuts or lengthens the file to a length in bytes.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn set_size(&self, bytes: u64) -> io::Result<()>;

    /// Sets disk space aside for a range of the file, in bytes, so that writing there
    /// cannot fail for want of it. The file grows to hold the range only if told to.
    /// Does nothing where the file system cannot.
    ///
    /// # Errors
    ///
    /// There is not enough space.
    fn reserve(&self, offset: u64, bytes: u64, grow: bool) -> io::Result<()>;

    /// Gives this file the owner, the permissions and the time of another, as far as this
    /// user may. Nothing depends on it.
    fn resemble(&self, other: &Self)
    where
        Self: Sized,
    {
        let _ = other;
    }

    /// Gives this file, a copy, the owner of another as far as this user may, its extended
    /// attributes and its permissions. The names of attributes that this user may not set, or
    /// that the file system does not take.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn inherit(&self, other: &Self) -> io::Result<Vec<String>>
    where
        Self: Sized,
    {
        let _ = other;
        Ok(Vec::new())
    }

    /// Begins to write a range, in bytes, to the medium, without waiting for it. A hint, so
    /// that a sync later has less to do: nothing lasts before it.
    fn begin_sync(&self, offset: u64, bytes: u64) {
        let _ = (offset, bytes);
    }

    /// Makes the content last, and of the rest what reading it takes (`fdatasync`).
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn sync_data(&self) -> io::Result<()>;

    /// Makes the whole file last (`fsync`).
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn sync_all(&self) -> io::Result<()>;

    /// Which file it is.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn identity(&self) -> io::Result<Identity>;

    /// Who may have written the file. A disk without users has files of one user only.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn standing(&self) -> io::Result<Standing> {
        Ok(Standing::default())
    }

    /// The bytes of the whole file, mapped where that is possible. Read a locked file
    /// this way and no other: closing a second handle would give up the lock. Whoever
    /// asks must drop them before the file is written.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn contents(&self) -> io::Result<Contents>;
}

/// The bytes of a whole file: owned, or mapped.
pub struct Contents {
    bytes: Box<dyn DerefMut<Target = [u8]> + Send + Sync>,
    len: usize,
}

impl Contents {
    /// Maps a file.
    #[cfg(feature = "mmap")]
    pub(super) fn map(file: &std::fs::File) -> io::Result<Contents> {
        crate::pages::map_overlay(file).map(|map| Contents { len: map.len(), bytes: Box::new(map) })
    }

    /// Lays bytes over those of the file at an offset, in memory only.
    pub(super) fn lay_over(&mut self, offset: u64, bytes: &[u8]) {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let place = self.bytes.get_mut(offset..).unwrap_or_default();
        place.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    }

    /// Gives them a length in bytes: leaves out what is behind it, or adds zeros, in memory
    /// only.
    pub(super) fn resize(&mut self, len: u64) {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if len > self.bytes.len() {
            let mut bytes = self.to_vec();
            bytes.resize(len, 0);
            self.bytes = Box::new(bytes);
        }
        self.len = len;
    }
}

impl From<Vec<u8>> for Contents {
    fn from(bytes: Vec<u8>) -> Contents {
        Contents { len: bytes.len(), bytes: Box::new(bytes) }
    }
}

impl Deref for Contents {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contents({} bytes)", self.len())
    }
}
