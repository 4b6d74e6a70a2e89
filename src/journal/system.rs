//! The disk of the operating system.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, FileTimes, FileType};
use std::io::{self, ErrorKind};
#[cfg(target_os = "linux")]
use std::num::NonZeroU64;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, fchown};
use std::path::{Path, PathBuf};

#[cfg(target_os = "linux")]
use rustix::fs::Advice;
use rustix::fs::{CWD, FallocateFlags, FlockOperation, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::disk::{Contents, Disk, DiskFile, Identity, entries};
use super::error::{JournalError, at};
use super::standing::{Standing, StandingKind};

/// The file systems of this machine.
///
/// Files are locked both ways there are: with `flock`, and with the record locks of
/// `fcntl`. Whether another program has the file open is looked up in `/proc`, where
/// there is one, as far as this user may see it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemDisk;

/// A file of [`SystemDisk`].
#[derive(Debug)]
pub struct SystemFile(File);

impl Disk for SystemDisk {
    type File = SystemFile;
    type Lock = File;

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(path)
    }

    fn open_exclusive(&self, path: &Path, assume_closed: bool) -> Result<SystemFile, JournalError> {
        let file = open(path, OFlags::RDWR).map_err(at(path, "opening"))?;
        let lock = FlockOperation::NonBlockingLockExclusive;
        let granted = |result| match result {
            Ok(()) => Ok(()),
            Err(Errno::AGAIN | Errno::ACCESS) => Err(JournalError::Locked { path: path.to_owned() }),
            Err(error) => Err(at(path, "locking")(error.into())),
        };
        match rustix::fs::flock(&file.0, lock) {
            // Not every file system has this kind of lock.
            Err(Errno::NOTSUP | Errno::NOSYS | Errno::INVAL) => {}
            result => granted(result)?,
        }
        granted(rustix::fs::fcntl_lock(&file.0, lock))?;
        if !assume_closed {
            let user = other_user(&file).map_err(at(path, "looking for programs that have it open"))?;
            if let Some(process) = user {
                return Err(JournalError::InUse { path: path.to_owned(), process });
            }
        }
        Ok(file)
    }

    fn open(&self, path: &Path) -> io::Result<SystemFile> {
        open(path, OFlags::RDWR | OFlags::NOFOLLOW)
    }

    fn read(&self, path: &Path) -> io::Result<Contents> {
        open(path, OFlags::RDONLY)?.contents()
    }

    fn create_new(&self, path: &Path) -> io::Result<SystemFile> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?;
        Ok(SystemFile(File::from(file)))
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
        DirBuilder::new().mode(0o700).create(path)
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

    fn sync_dir(&self, directory: &Path) -> io::Result<()> {
        File::open(directory)?.sync_all()
    }

    fn lock_dir(&self, directory: &Path) -> io::Result<File> {
        let opened = File::open(directory)?;
        match rustix::fs::flock(&opened, FlockOperation::NonBlockingLockExclusive) {
            // Not every file system has this kind of lock, or has it for directories.
            Ok(()) | Err(Errno::NOTSUP | Errno::NOSYS | Errno::INVAL | Errno::BADF) => Ok(opened),
            Err(error) => Err(error.into()),
        }
    }

    fn look(&self, path: &Path) -> io::Result<Option<Standing>> {
        match fs::symlink_metadata(path) {
            Ok(found) => Ok(Some(standing(&found))),
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

    fn open_to_read(&self, path: &Path) -> io::Result<SystemFile> {
        open(path, OFlags::RDONLY | OFlags::NOFOLLOW)
    }

    #[cfg(target_os = "linux")]
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            Err(Errno::NOSYS | Errno::INVAL | Errno::NOTSUP) => rename_if_free(from, to),
            result => Ok(result?),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        rename_if_free(from, to)
    }

    fn resemble_dir(&self, directory: &Path, other: &Path) -> io::Result<()> {
        own_as(&File::open(directory)?, &fs::metadata(other)?)
    }

    fn user(&self) -> u32 {
        rustix::process::geteuid().as_raw()
    }

    fn free_space(&self, directory: &Path) -> io::Result<u64> {
        let space = rustix::fs::statvfs(directory)?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }
}

impl DiskFile for SystemFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn set_size(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn reserve(&self, offset: u64, bytes: u64, grow: bool) -> io::Result<()> {
        if bytes == 0 {
            return Ok(());
        }
        let mode = if grow { FallocateFlags::empty() } else { FallocateFlags::KEEP_SIZE };
        match rustix::fs::fallocate(&self.0, mode, offset, bytes) {
            Err(Errno::NOTSUP | Errno::NOSYS | Errno::INVAL) => Ok(()),
            result => Ok(result?),
        }
    }

    fn resemble(&self, other: &SystemFile) {
        let Ok(model) = other.0.metadata() else { return };
        let _ = own_as(&self.0, &model);
        keep_time(&self.0, &model);
    }

    #[cfg(target_os = "linux")]
    fn begin_sync(&self, offset: u64, bytes: u64) {
        // Linux begins to write out what such a range holds that is not written yet.
        if let Some(bytes) = NonZeroU64::new(bytes) {
            let _ = rustix::fs::fadvise(&self.0, offset, Some(bytes), Advice::DontNeed);
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.0.sync_all()
    }

    fn identity(&self) -> io::Result<Identity> {
        Ok(identity(&self.0.metadata()?))
    }

    #[cfg(feature = "mmap")]
    fn contents(&self) -> io::Result<Contents> {
        if self.size()? == 0 { Ok(Contents::from(Vec::new())) } else { Contents::map(&self.0) }
    }

    #[cfg(not(feature = "mmap"))]
    fn contents(&self) -> io::Result<Contents> {
        let size = usize::try_from(self.size()?).map_err(|_| ErrorKind::FileTooLarge)?;
        let mut bytes = vec![0; size];
        self.read_at(0, &mut bytes)?;
        Ok(Contents::from(bytes))
    }
}

/// Gives a file or folder the owner of another, as far as this user may, and its permissions.
fn own_as(file: &File, model: &fs::Metadata) -> io::Result<()> {
    // Only the superuser gives files away; the copy of others is their own.
    let _ = fchown(file, Some(model.uid()), Some(model.gid()));
    file.set_permissions(model.permissions())
}

/// Gives a file the time of another, if the file system keeps times.
fn keep_time(file: &File, model: &fs::Metadata) {
    if let Ok(modified) = model.modified() {
        let _ = file.set_times(FileTimes::new().set_modified(modified));
    }
}

/// Opens a regular file, and nothing else.
fn open(path: &Path, flags: OFlags) -> io::Result<SystemFile> {
    // Opening a pipe or a device would otherwise wait for its other end.
    let flags = flags | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if file.metadata()?.is_file() {
        Ok(SystemFile(file))
    } else {
        Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"))
    }
}

/// Renames where the file system cannot say by itself that a name is free.
fn rename_if_free(from: &Path, to: &Path) -> io::Result<()> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(ErrorKind::AlreadyExists.into());
    }
    fs::rename(from, to)
}

fn standing(found: &fs::Metadata) -> Standing {
    let kind = match found.file_type() {
        kind if kind.is_file() => StandingKind::File,
        kind if kind.is_dir() => StandingKind::Folder,
        kind if kind.is_symlink() => StandingKind::Link,
        _ => StandingKind::Special,
    };
    Standing {
        links: found.nlink(),
        owner: found.uid(),
        mode: found.mode() & 0o777,
        size: found.len(),
        changed: (found.ctime(), found.ctime_nsec()),
        ..Standing::new(kind, identity(found))
    }
}

fn identity(file: &fs::Metadata) -> Identity {
    Identity { device: file.dev(), inode: file.ino() }
}

/// A process, other than through this handle, that has the file open.
fn other_user(file: &SystemFile) -> io::Result<Option<u32>> {
    let wanted = file.identity()?;
    let own = std::process::id();
    let Ok(processes) = fs::read_dir("/proc") else { return Ok(None) };
    for process in processes.flatten() {
        let Some(number) = process.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // Those of other users, and those that just ended, cannot be looked at.
        let Ok(open) = fs::read_dir(process.path().join("fd")) else { continue };
        let same = |entry: &fs::DirEntry| fs::metadata(entry.path()).is_ok_and(|m| identity(&m) == wanted);
        let handles = open.flatten().filter(same).count();
        if handles > usize::from(number == own) {
            return Ok(Some(number));
        }
    }
    Ok(None)
}
