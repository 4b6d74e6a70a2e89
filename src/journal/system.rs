//! The disk of the operating system.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, FileTimes, FileType};
use std::io::{self, ErrorKind};
#[cfg(target_os = "linux")]
use std::num::NonZeroU64;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, fchown};
use std::path::{Path, PathBuf};

#[cfg(target_os = "linux")]
use rustix::fs::{Advice, CWD, RenameFlags};
use rustix::fs::{FallocateFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::disk::{Contents, Disk, DiskFile, Identity, Standing, entries};
use super::entry::{Entry, EntryKind};
use super::error::{JournalError, at};
#[cfg(target_os = "linux")]
use super::{attributes, users};

/// The file systems of this machine.
///
/// Files are locked both ways there are: with `flock`, and with the record locks of
/// `fcntl`. Whether another program has the file open or mapped is looked up in `/proc`, where
/// there is one, as far as this user may see it ([`Disk::unseen`]): once, when the file is
/// opened. Who opens it later, and does not ask for the lock, is not seen.
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
}

/// Whether another process has a file open, as far as `/proc` tells this user: it may change or
/// cut the file, so that it is better read than mapped. All processes are looked at once, when
/// this is first asked. `false` where there is no `/proc`.
#[must_use]
pub fn held_elsewhere(path: &Path) -> bool {
    #[cfg(target_os = "linux")]
    return fs::metadata(path).is_ok_and(|file| users::held(identity(&file)));
    #[cfg(not(target_os = "linux"))]
    return false;
}

/// Whether a file is on another machine, where nobody here sees who changes it: NFS, SMB, AFS,
/// Ceph, 9P, Lustre and what programs serve (FUSE). `false` where the system does not say.
#[must_use]
pub fn on_network(path: &Path) -> bool {
    #[cfg(target_os = "linux")]
    return rustix::fs::statfs(path).is_ok_and(|system| {
        let kind = u32::try_from(system.f_type & 0xffff_ffff).unwrap_or(0);
        REMOTE.contains(&kind)
    });
    #[cfg(not(target_os = "linux"))]
    return false;
}

/// The numbers by which Linux knows such file systems (statfs, "f_type").
#[cfg(target_os = "linux")]
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

impl Disk for SystemDisk {
    type File = SystemFile;
    type Lock = File;

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(path)
    }

    fn open_exclusive(&self, path: &Path, assume_closed: bool) -> Result<SystemFile, JournalError> {
        let file = open(path, OFlags::RDWR, self.map).map_err(at(path, "opening"))?;
        let lock = FlockOperation::NonBlockingLockExclusive;
        let granted = |result| match result {
            Ok(()) => Ok(()),
            Err(Errno::AGAIN | Errno::ACCESS) => Err(JournalError::Locked { path: path.to_owned() }),
            Err(error) => Err(at(path, "locking")(error.into())),
        };
        match rustix::fs::flock(&file.file, lock) {
            // Not every file system has this kind of lock.
            Err(Errno::NOTSUP | Errno::NOSYS | Errno::INVAL) => {}
            result => granted(result)?,
        }
        granted(rustix::fs::fcntl_lock(&file.file, lock))?;
        #[cfg(target_os = "linux")]
        if !assume_closed {
            let identity = file.identity().map_err(at(path, "asking for its identity"))?;
            if let Some(process) = users::other(identity, &self.resolve(path).unwrap_or_default()) {
                return Err(JournalError::InUse { path: path.to_owned(), process });
            }
        }
        #[cfg(not(target_os = "linux"))]
        let _ = assume_closed;
        Ok(file)
    }

    fn open(&self, path: &Path) -> io::Result<SystemFile> {
        open(path, OFlags::RDWR | OFlags::NOFOLLOW, self.map)
    }

    fn read(&self, path: &Path) -> io::Result<Contents> {
        open(path, OFlags::RDONLY, self.map)?.contents()
    }

    fn create_new(&self, path: &Path) -> io::Result<SystemFile> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?;
        Ok(SystemFile { file: File::from(file), map: self.map })
    }

    fn identity(&self, path: &Path) -> io::Result<Identity> {
        Ok(identity(&fs::metadata(path)?))
    }

    #[cfg(target_os = "linux")]
    fn unseen(&self) -> u64 {
        users::unseen()
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

    #[cfg(target_os = "linux")]
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // Not every file system can promise it.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) if !self.exists(to)? => fs::rename(from, to),
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Err(ErrorKind::AlreadyExists.into()),
            result => Ok(result?),
        }
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

    fn look(&self, path: &Path) -> io::Result<Option<Entry>> {
        match fs::symlink_metadata(path) {
            Ok(found) => Ok(Some(entry(&found))),
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
        open(path, OFlags::RDONLY | OFlags::NOFOLLOW, self.map)
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
        self.file.read_exact_at(buffer, offset)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn set_size(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn reserve(&self, offset: u64, bytes: u64, grow: bool) -> io::Result<()> {
        if bytes == 0 {
            return Ok(());
        }
        let mode = if grow { FallocateFlags::empty() } else { FallocateFlags::KEEP_SIZE };
        match rustix::fs::fallocate(&self.file, mode, offset, bytes) {
            Err(Errno::NOTSUP | Errno::NOSYS | Errno::INVAL) => Ok(()),
            result => Ok(result?),
        }
    }

    fn resemble(&self, other: &SystemFile) {
        let Ok(model) = other.file.metadata() else { return };
        let _ = own_as(&self.file, &model);
        keep_time(&self.file, &model);
    }

    fn inherit(&self, other: &SystemFile) -> io::Result<Vec<String>> {
        let original = other.file.metadata()?;
        // Only the superuser gives files away; the copy of others is their own.
        let _ = fchown(&self.file, Some(original.uid()), Some(original.gid()));
        #[cfg(target_os = "linux")]
        let lost = attributes::copy(&other.file, &self.file)?;
        #[cfg(not(target_os = "linux"))]
        let lost = Vec::new();
        self.file.set_permissions(original.permissions())?;
        Ok(lost)
    }

    #[cfg(target_os = "linux")]
    fn begin_sync(&self, offset: u64, bytes: u64) {
        // Linux begins to write out what such a range holds that is not written yet.
        if let Some(bytes) = NonZeroU64::new(bytes) {
            let _ = rustix::fs::fadvise(&self.file, offset, Some(bytes), Advice::DontNeed);
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    fn identity(&self) -> io::Result<Identity> {
        Ok(identity(&self.file.metadata()?))
    }

    fn standing(&self) -> io::Result<Standing> {
        let file = self.file.metadata()?;
        let user = rustix::process::geteuid().as_raw();
        Ok(Standing { links: file.nlink(), owner: file.uid(), mode: file.mode() & 0o7777, user })
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
fn open(path: &Path, flags: OFlags, map: bool) -> io::Result<SystemFile> {
    // Opening a pipe or a device would otherwise wait for its other end.
    let flags = flags | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if file.metadata()?.is_file() {
        Ok(SystemFile { file, map })
    } else {
        Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"))
    }
}

fn entry(found: &fs::Metadata) -> Entry {
    let kind = match found.file_type() {
        kind if kind.is_file() => EntryKind::File,
        kind if kind.is_dir() => EntryKind::Folder,
        kind if kind.is_symlink() => EntryKind::Link,
        _ => EntryKind::Special,
    };
    Entry {
        links: found.nlink(),
        owner: found.uid(),
        mode: found.mode() & 0o777,
        size: found.len(),
        changed: (found.ctime(), found.ctime_nsec()),
        ..Entry::new(kind, identity(found))
    }
}

pub(super) fn identity(file: &fs::Metadata) -> Identity {
    Identity { device: file.dev(), inode: file.ino() }
}
