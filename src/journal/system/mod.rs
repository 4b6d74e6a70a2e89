//! The disk of the operating system.
//!
//! What all systems have in common stands here. What each does in its own way, and what it lacks,
//! stands in a file of its own: Linux (and Android), macOS and FreeBSD, which share `unix`;
//! Windows; and all others, where no file is changed.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod attributes;
#[cfg(target_os = "freebsd")]
#[path = "freebsd.rs"]
mod own;
#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "linux.rs"]
mod own;
#[cfg(target_vendor = "apple")]
#[path = "macos.rs"]
mod own;
#[cfg(windows)]
#[path = "windows.rs"]
mod own;
#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_os = "freebsd",
    target_vendor = "apple",
    windows
)))]
#[path = "other.rs"]
mod own;
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_vendor = "apple"))]
mod unix;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod users;

use std::ffi::OsString;
use std::fs::{self, File, FileTimes, FileType};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::disk::{Contents, Disk, DiskFile, Identity, Standing};
use super::entry::{EntryKind, FileEntry};
use super::error::{JournalError, at};
use crate::folder::entries;

/// What a file is opened for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

/// Whether a symbolic link is followed when a file is opened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Links {
    Followed,
    Refused,
}

/// The file systems of this machine, as far as its system lets files be changed safely.
///
/// | System  | Locks               | Who has a file open                              | Changes in place |
/// |---------|---------------------|--------------------------------------------------|------------------|
/// | Linux   | `flock` and `fcntl` | looked up in `/proc`, as far as this user may    | yes              |
/// | macOS   | `flock` and `fcntl` | not known: refused unless it is said that nobody | yes              |
/// | FreeBSD | `flock` and `fcntl` | not known: refused unless it is said that nobody | yes              |
/// | Windows | none used           | known of those that write                        | refused          |
/// | others  | none                | not known                                        | refused          |
///
/// A refusal is [`JournalError::System`]. Who has a file open is looked up once, when the file is
/// opened: who opens it later, and does not ask for the lock, is not seen. Processes that cannot be
/// looked at are counted by [`Disk::unseen`]. Where disk space cannot be set aside (FreeBSD behind
/// the end of a file, macOS), a full disk is found while pages are written, and rolled back.
/// Copies are made on Windows, too.
#[derive(Clone, Copy, Debug)]
pub struct SystemDisk {
    map: bool,
}

/// A file of [`SystemDisk`].
#[derive(Debug)]
pub struct SystemFile {
    file: File,
    map: bool,
}

impl SystemDisk {
    /// Files are mapped while they are looked at, where the feature `mmap` is on.
    pub const MAPPED: SystemDisk = SystemDisk { map: true };
    /// Files are read into memory, which is safe even if others cut them meanwhile.
    pub const READ: SystemDisk = SystemDisk { map: false };

    /// Opens a regular file, and nothing else.
    fn opened(&self, path: &Path, access: Access, links: Links) -> io::Result<SystemFile> {
        let file = own::open(path, access, links)?;
        if file.metadata()?.is_file() {
            Ok(SystemFile { file, map: self.map })
        } else {
            Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"))
        }
    }
}

/// Whether another process may have a file open, and change or cut it, so that it is better read
/// than mapped: on Linux as far as `/proc` tells this user, of all processes, looked at once when
/// this is first asked; on Windows whether one has it open for writing. `true` where the system
/// does not say.
#[must_use]
pub fn held_elsewhere(path: &Path) -> bool {
    own::held(path)
}

/// Whether a file may be on another machine, where nobody here sees who changes it: NFS, SMB, AFS,
/// Ceph, 9P, Lustre and what programs serve (FUSE). `true` where the system does not say.
#[must_use]
pub fn on_network(path: &Path) -> bool {
    own::on_network(path)
}

impl Disk for SystemDisk {
    type File = SystemFile;
    type Lock = File;

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(path)
    }

    fn open_exclusive(&self, path: &Path, assume_closed: bool) -> Result<SystemFile, JournalError> {
        let file = self.opened(path, Access::Write, Links::Followed).map_err(at(path, "opening"))?;
        own::lock(&file.file, path)?;
        if !assume_closed {
            let identity = file.identity().map_err(at(path, "asking for its identity"))?;
            match own::other_user(identity, path) {
                Ok(None) => {}
                Ok(Some(process)) => return Err(JournalError::InUse { path: path.to_owned(), process }),
                Err(lacks) => return Err(JournalError::System { path: path.to_owned(), lacks }),
            }
        }
        Ok(file)
    }

    fn open(&self, path: &Path) -> io::Result<SystemFile> {
        self.opened(path, Access::Write, Links::Refused)
    }

    fn read(&self, path: &Path) -> io::Result<Contents> {
        self.opened(path, Access::Read, Links::Followed)?.contents()
    }

    fn create_new(&self, path: &Path) -> io::Result<SystemFile> {
        Ok(SystemFile { file: own::create_new(path)?, map: self.map })
    }

    fn identity(&self, path: &Path) -> io::Result<Identity> {
        own::identity_of(path)
    }

    fn unseen(&self) -> u64 {
        own::unseen()
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        match fs::symlink_metadata(path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        entries(directory, FileType::is_file)
    }

    fn list_dirs(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        entries(directory, FileType::is_dir)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        own::create_dir(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        if let Some(renamed) = own::rename_new(from, to) {
            return renamed;
        }
        // Another program may take the name between the look and the renaming.
        if self.exists(to)? { Err(ErrorKind::AlreadyExists.into()) } else { fs::rename(from, to) }
    }

    fn sync_dir(&self, directory: &Path) -> io::Result<()> {
        own::sync_dir(directory)
    }

    fn lock_dir(&self, directory: &Path) -> io::Result<File> {
        own::lock_dir(directory)
    }

    fn look(&self, path: &Path) -> io::Result<Option<FileEntry>> {
        match fs::symlink_metadata(path) {
            Ok(found) => own::entry(path, kind(found.file_type()), &found).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn names(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        let mut names =
            fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    fn open_plain(&self, path: &Path) -> io::Result<SystemFile> {
        self.opened(path, Access::Read, Links::Refused)
    }

    fn resemble_dir(&self, directory: &Path, other: &Path) -> io::Result<()> {
        let model = fs::metadata(other)?;
        let directory = File::open(directory)?;
        own::give(&directory, &model);
        directory.set_permissions(model.permissions())
    }

    fn user(&self) -> u32 {
        own::user()
    }

    fn free_space(&self, directory: &Path) -> io::Result<u64> {
        own::free_space(directory)
    }
}

impl DiskFile for SystemFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        own::read_at(&self.file, offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        own::write_at(&self.file, offset, bytes)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn set_size(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn reserve(&self, offset: u64, bytes: u64, grow: bool) -> io::Result<()> {
        if bytes == 0 { Ok(()) } else { own::reserve(&self.file, offset, bytes, grow) }
    }

    fn resemble(&self, other: &SystemFile) {
        let Ok(model) = other.file.metadata() else { return };
        own::give(&self.file, &model);
        let _ = self.file.set_permissions(model.permissions());
        // Not every file system keeps times.
        if let Ok(modified) = model.modified() {
            let _ = self.file.set_times(FileTimes::new().set_modified(modified));
        }
    }

    fn inherit(&self, other: &SystemFile) -> io::Result<Vec<String>> {
        let original = other.file.metadata()?;
        own::give(&self.file, &original);
        let lost = own::copy_attributes(&other.file, &self.file)?;
        self.file.set_permissions(original.permissions())?;
        Ok(lost)
    }

    fn begin_sync(&self, offset: u64, bytes: u64) {
        own::begin_sync(&self.file, offset, bytes);
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    fn identity(&self) -> io::Result<Identity> {
        own::identity(&self.file)
    }

    fn standing(&self) -> io::Result<Standing> {
        own::standing(&self.file)
    }

    fn contents(&self) -> io::Result<Contents> {
        #[cfg(feature = "mmap")]
        if self.map && self.size()? > 0 {
            return Contents::map(&self.file);
        }
        let _ = self.map;
        let size = usize::try_from(self.size()?).map_err(|_| ErrorKind::FileTooLarge)?;
        let mut bytes = vec![0; size];
        self.read_at(0, &mut bytes)?;
        Ok(Contents::from(bytes))
    }
}

fn kind(found: FileType) -> EntryKind {
    match found {
        kind if kind.is_file() => EntryKind::File,
        kind if kind.is_dir() => EntryKind::Folder,
        kind if kind.is_symlink() => EntryKind::Link,
        _ => EntryKind::Special,
    }
}
