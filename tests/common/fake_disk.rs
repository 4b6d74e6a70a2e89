//! A disk that stops, or fails, at any operation, and forgets what was not synced; and a
//! harness that stops a run at each of its operations, and the later run too.

#![allow(dead_code)] // each crate uses a part

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use bdbkit::journal::{Contents, Disk, DiskFile, EntryKind, FileEntry, Identity, JournalError};

/// The unit in which a write may be torn, in bytes.
const SECTOR: usize = 512;

/// A disk in memory. A clone is another handle on the same disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct FakeDisk(Rc<RefCell<State>>);

/// A file of a [`FakeDisk`].
#[derive(Debug)]
pub(crate) struct FakeFile {
    disk: FakeDisk,
    inode: usize,
    device: u64,
}

#[derive(Clone, Debug, Default)]
struct State {
    inodes: Vec<Inode>,
    /// Names as programs see them, those on the medium, and what leads from these to those.
    names: BTreeMap<PathBuf, usize>,
    lasting: BTreeMap<PathBuf, usize>,
    pending: Vec<NameChange>,
    fault: Option<Fault>,
    /// Changing operations so far, and all calls so far.
    changes: usize,
    calls: usize,
    stopped: bool,
    failed: bool,
    /// Length of the write at which the disk stopped, in sectors.
    torn_write: usize,
    mark: Option<usize>,
    /// Files that set the mark when the first change of one is on the medium.
    precious: Vec<usize>,
    /// Folders that were made: without them there is nothing in them. Others are always there.
    folders: BTreeSet<PathBuf>,
    /// Folders that are locked.
    locked: BTreeSet<PathBuf>,
    /// Folders on a file system of their own.
    mounted: BTreeSet<PathBuf>,
    /// What another program does at a call.
    meanwhile: Option<(usize, Meanwhile)>,
    full: bool,
}

/// What another program does while a call of the first one waits.
#[derive(Clone)]
struct Meanwhile(Rc<dyn Fn(&FakeDisk)>);

impl std::fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meanwhile")
    }
}

/// The lock on a folder of a [`FakeDisk`]. It ends with the program, too.
#[derive(Debug)]
pub(crate) struct FakeLock {
    disk: FakeDisk,
    folder: PathBuf,
}

impl Drop for FakeLock {
    fn drop(&mut self) {
        self.disk.0.borrow_mut().locked.remove(&self.folder);
    }
}

#[derive(Clone, Debug, Default)]
struct Inode {
    /// How often it was written.
    version: i64,
    /// As programs see it, on the medium, and what leads from this to that. Copies of a disk
    /// share what they do not write.
    bytes: Rc<Vec<u8>>,
    lasting: Rc<Vec<u8>>,
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Size(usize),
}

#[derive(Clone, Debug)]
enum NameChange {
    Add(PathBuf, usize),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf, usize),
}

/// What goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// The machine stops at a changing operation. If it is a write, some sectors of it
    /// were written.
    Stop { change: usize, sectors: usize },
    /// A call of any kind fails, once. If it is a write, half of it was written; if it is
    /// a sync, what was to be synced never reaches the medium.
    Fail { call: usize, kind: ErrorKind },
}

impl Inode {
    fn of(bytes: &[u8]) -> Inode {
        let bytes = Rc::new(bytes.to_vec());
        Inode { version: 0, lasting: bytes.clone(), bytes, pending: Vec::new() }
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Change::Write(offset, written) => {
                let end = offset + written.len();
                bytes.resize(bytes.len().max(end), 0);
                bytes[*offset..end].copy_from_slice(written);
            }
            Change::Size(size) => bytes.resize(*size, 0),
        }
    }

    /// The parts of a change that reach the medium each on its own.
    fn sectors(&self) -> Vec<Change> {
        let Change::Write(offset, written) = self else { return vec![self.clone()] };
        let first = (SECTOR - offset % SECTOR).min(written.len());
        let (head, rest) = written.split_at(first);
        let mut sectors = vec![Change::Write(*offset, head.to_vec())];
        let at = |index: usize| offset + first + index * SECTOR;
        sectors.extend(rest.chunks(SECTOR).enumerate().map(|(i, part)| Change::Write(at(i), part.to_vec())));
        sectors
    }
}

/// A path after a folder above it got another name.
fn moved(path: &Path, from: &Path, to: &Path) -> PathBuf {
    path.strip_prefix(from).map_or_else(|_| path.to_owned(), |rest| to.join(rest))
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            NameChange::Add(name, inode) => {
                names.insert(name.clone(), *inode);
            }
            NameChange::Remove(name) => {
                // A folder was empty; what was in it before is gone with it.
                names.retain(|below, _| !below.starts_with(name));
            }
            NameChange::Rename(from, to, inode) => {
                names.remove(from);
                names.insert(to.clone(), *inode);
                // A folder takes along what is in it.
                let below = |name: &&PathBuf| name.starts_with(from);
                for name in names.keys().filter(below).cloned().collect::<Vec<_>>() {
                    if let Some(inode) = names.remove(&name) {
                        names.insert(moved(&name, from, to), inode);
                    }
                }
            }
        }
    }

    fn inode(&self) -> Option<usize> {
        match self {
            NameChange::Add(_, inode) | NameChange::Rename(_, _, inode) => Some(*inode),
            NameChange::Remove(_) => None,
        }
    }

    fn within(&self, directory: &Path) -> bool {
        let (NameChange::Add(name, _) | NameChange::Remove(name) | NameChange::Rename(_, name, _)) = self;
        name.parent() == Some(directory)
    }

    /// The same after the folder in which it is got another name.
    fn moved_below(&mut self, from: &Path, to: &Path) {
        if self.within(from) {
            match self {
                NameChange::Add(name, _) | NameChange::Remove(name) => *name = moved(name, from, to),
                NameChange::Rename(old, new, _) => {
                    [old, new].into_iter().for_each(|n| *n = moved(n, from, to))
                }
            }
        }
    }
}

impl State {
    /// Counts a call; says whether it is the one that fails.
    fn call(&mut self) -> io::Result<bool> {
        if self.stopped {
            return Err(io::Error::other("the machine has stopped"));
        }
        let call = self.calls;
        self.calls += 1;
        let fails = matches!(self.fault, Some(Fault::Fail { call: wanted, .. }) if wanted == call);
        self.failed |= fails;
        Ok(fails)
    }

    fn failure(&self) -> io::Error {
        match self.fault {
            Some(Fault::Fail { kind, .. }) => kind.into(),
            _ => io::Error::other("the machine has stopped"),
        }
    }

    /// A call that changes nothing.
    fn read(&mut self) -> io::Result<()> {
        if self.call()? { Err(self.failure()) } else { Ok(()) }
    }

    /// A call that changes something: how much of it is done, and whether it succeeds.
    fn change(&mut self, bytes: usize) -> io::Result<Option<usize>> {
        let fails = self.call()?;
        let change = self.changes;
        self.changes += 1;
        match self.fault {
            Some(Fault::Stop { change: wanted, sectors }) if wanted == change => {
                self.stopped = true;
                self.torn_write = bytes.div_ceil(SECTOR);
                Ok(Some((sectors * SECTOR).min(bytes)))
            }
            _ if fails => Ok(Some(bytes / 2)),
            _ => Ok(None),
        }
    }

    /// A change that is done entirely or not at all.
    fn whole_change(&mut self) -> io::Result<()> {
        if self.change(0)?.is_some() { Err(self.failure()) } else { Ok(()) }
    }

    fn name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.pending.push(change);
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// The disk as the machine finds it when it starts again: what was not synced is there
    /// or not, as `keep` says.
    fn start_again(&self, by_sector: bool, mut keep: impl FnMut() -> bool) -> FakeDisk {
        let mut state =
            State { names: self.lasting.clone(), lasting: self.lasting.clone(), ..State::default() };
        for inode in &self.inodes {
            let mut bytes = inode.lasting.clone();
            for change in &inode.pending {
                let parts = if by_sector { change.sectors() } else { vec![change.clone()] };
                parts.iter().filter(|_| keep()).for_each(|part| part.apply(Rc::make_mut(&mut bytes)));
            }
            state.inodes.push(Inode { version: 0, lasting: bytes.clone(), bytes, pending: Vec::new() });
        }
        self.pending.iter().filter(|_| keep()).for_each(|change| change.apply(&mut state.names));
        state.folders = self.folders.clone();
        state.mounted = self.mounted.clone();
        state.drop_lost();
        state.lasting = state.names.clone();
        FakeDisk(Rc::new(RefCell::new(state)))
    }

    /// Drops what is in folders that are not there.
    fn drop_lost(&mut self) {
        let lost: Vec<PathBuf> =
            self.folders.iter().filter(|folder| !self.names.contains_key(*folder)).cloned().collect();
        self.names.retain(|name, _| !lost.iter().any(|folder| name.starts_with(folder)));
    }

    /// The file system on which something is.
    fn device(&self, path: &Path) -> u64 {
        if self.mounted.iter().any(|mounted| path.starts_with(mounted)) { 2 } else { 1 }
    }

    fn unsynced(&self) -> usize {
        self.inodes.iter().map(|inode| inode.pending.len()).sum::<usize>() + self.pending.len()
    }
}

impl FakeDisk {
    /// A disk with some files.
    pub(crate) fn with<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> FakeDisk {
        let mut state = State::default();
        for (number, (name, bytes)) in files.into_iter().enumerate() {
            state.inodes.push(Inode::of(bytes));
            state.names.insert(name.into(), number);
        }
        state.lasting = state.names.clone();
        FakeDisk(Rc::new(RefCell::new(state)))
    }

    /// Another disk in the same state, that works; nothing reached the medium in between.
    pub(crate) fn copy(&self) -> FakeDisk {
        let (fault, mark) = (None, None);
        let fresh = State {
            fault,
            mark,
            precious: Vec::new(),
            locked: BTreeSet::new(),
            meanwhile: None,
            changes: 0,
            calls: 0,
            stopped: false,
            failed: false,
            ..self.0.borrow().clone()
        };
        FakeDisk(Rc::new(RefCell::new(fresh)))
    }

    /// Another disk in the same state, on which something will go wrong.
    pub(crate) fn faulty(&self, fault: Fault) -> FakeDisk {
        let disk = self.copy();
        disk.0.borrow_mut().fault = Some(fault);
        disk
    }

    /// Lets the machine stop after so many more changing operations.
    pub(crate) fn stop_after(&self, operations: usize) {
        let mut state = self.0.borrow_mut();
        state.fault = Some(Fault::Stop { change: state.changes + operations, sectors: 0 });
    }

    /// Notes that from here on the change must not be forgotten.
    pub(crate) fn mark(&self) {
        let mut state = self.0.borrow_mut();
        state.mark = Some(state.changes);
    }

    /// Notes the same when the first change of a file, which is there, is on the medium.
    pub(crate) fn mark_at_first_sync(&self, path: impl AsRef<Path>) {
        let mut state = self.0.borrow_mut();
        let inode = state.names[path.as_ref()];
        state.precious.push(inode);
    }

    pub(crate) fn marked(&self) -> bool {
        self.0.borrow().mark.is_some()
    }

    pub(crate) fn stopped(&self) -> bool {
        self.0.borrow().stopped
    }

    pub(crate) fn failed(&self) -> bool {
        self.0.borrow().failed
    }

    /// Makes a folder that is always there; on a file system of its own, if it is mounted.
    pub(crate) fn folder(&self, path: &str, mounted: bool) {
        self.put(path, b"");
        let mut state = self.0.borrow_mut();
        state.folders.insert(path.into());
        if mounted {
            state.mounted.insert(path.into());
        }
    }

    /// The same disk, on which another program does something while a call waits.
    pub(crate) fn meanwhile(&self, call: usize, what: impl Fn(&FakeDisk) + 'static) -> FakeDisk {
        let disk = self.copy();
        disk.0.borrow_mut().meanwhile = Some((call, Meanwhile(Rc::new(what))));
        disk
    }

    /// Whether the other program has not had its turn.
    pub(crate) fn still_waits(&self) -> bool {
        self.0.borrow().meanwhile.is_some()
    }

    /// Lets the other program have its turn.
    fn turn(&self) {
        let mut state = self.0.borrow_mut();
        if state.meanwhile.as_ref().is_some_and(|(call, _)| *call <= state.calls) {
            let (_, Meanwhile(what)) = state.meanwhile.take().unwrap();
            drop(state);
            what(self);
        }
    }

    /// Leaves no space on the disk.
    pub(crate) fn fill(&self) {
        self.0.borrow_mut().full = true;
    }

    /// The bytes of a file, as programs see them.
    pub(crate) fn bytes(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let state = self.0.borrow();
        state.names.get(path.as_ref()).map(|inode| state.inodes[*inode].bytes.to_vec())
    }

    /// Replaces the bytes of a file.
    pub(crate) fn overwrite(&self, path: impl AsRef<Path>, bytes: &[u8]) {
        let mut state = self.0.borrow_mut();
        let inode = state.names[path.as_ref()];
        state.inodes[inode] = Inode::of(bytes);
    }

    /// Writes over the bytes of a file, as another program does.
    pub(crate) fn write(&self, path: impl AsRef<Path>, bytes: &[u8]) {
        let mut state = self.0.borrow_mut();
        let inode = state.names[path.as_ref()];
        let version = state.inodes[inode].version + 1;
        state.inodes[inode] = Inode { version, ..Inode::of(bytes) };
    }

    /// Makes a file, in place of another of this name.
    pub(crate) fn put(&self, path: impl Into<PathBuf>, bytes: &[u8]) {
        let mut state = self.0.borrow_mut();
        let path = path.into();
        let number = state.inodes.len();
        state.inodes.push(Inode::of(bytes));
        state.names.insert(path.clone(), number);
        state.lasting.insert(path, number);
    }

    /// All names on the disk.
    pub(crate) fn names(&self) -> Vec<PathBuf> {
        self.0.borrow().names.keys().cloned().collect()
    }

    /// The disk after the power failed and all was lost that was not synced.
    pub(crate) fn without_power(&self) -> FakeDisk {
        self.0.borrow().start_again(false, || false)
    }

    /// The disk after the power failed and some of what was not synced was lost: which
    /// sectors, is decided by the seed.
    pub(crate) fn after_power_loss(&self, seed: u64) -> FakeDisk {
        let mut random = Random(seed);
        self.0.borrow().start_again(true, || random.next() & 1 == 1)
    }

    /// The disks that a later run may find: the program died and the machine did not; or
    /// the power failed, and of what was not synced each part is there or not. All
    /// combinations if there are few, else the prefixes and some others.
    pub(crate) fn remains(&self, few: usize, samples: u64) -> Vec<(String, FakeDisk)> {
        let state = self.0.borrow();
        let mut disks = vec![("died".to_owned(), self.copy())];
        let unsynced = state.unsynced();
        if unsynced <= few {
            for kept in 0..1_u32 << unsynced {
                let mut bits = kept;
                let keep = || (bits & 1 == 1, bits >>= 1).0;
                disks.push((
                    format!("power lost, kept {kept:b} of {unsynced}"),
                    state.start_again(false, keep),
                ));
            }
            return disks;
        }
        for prefix in [0, 1, unsynced / 2, unsynced - 1, unsynced] {
            let mut seen = 0;
            let keep = || (seen < prefix, seen += 1).0;
            disks.push((
                format!("power lost, kept first {prefix} of {unsynced}"),
                state.start_again(false, keep),
            ));
        }
        for seed in 1..=samples {
            disks.push((format!("power lost, sectors kept by seed {seed}"), self.after_power_loss(seed)));
        }
        disks
    }

    fn entries(&self, directory: &Path, folders: bool) -> io::Result<Vec<PathBuf>> {
        let mut state = self.0.borrow_mut();
        state.read()?;
        let within = |name: &&PathBuf| name.parent() == Some(directory);
        let wanted = |name: &&PathBuf| within(name) && state.folders.contains(*name) == folders;
        Ok(state.names.keys().filter(wanted).cloned().collect())
    }

    fn file(&self, inode: usize, device: u64) -> FakeFile {
        FakeFile { disk: self.clone(), inode, device }
    }
}

/// Numbers by chance, the same every time (xorshift).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = (self.0 ^ 0x9E37_79B9_7F4A_7C15).rotate_left(17);
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 20
    }
}

impl Disk for FakeDisk {
    type File = FakeFile;
    type Lock = FakeLock;

    fn lock_dir(&self, directory: &Path) -> io::Result<FakeLock> {
        self.turn();
        let mut state = self.0.borrow_mut();
        state.read()?;
        if !state.locked.insert(directory.to_owned()) {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(FakeLock { disk: self.clone(), folder: directory.to_owned() })
    }

    fn look(&self, path: &Path) -> io::Result<Option<FileEntry>> {
        self.turn();
        let mut state = self.0.borrow_mut();
        state.read()?;
        let device = state.device(path);
        let Some(&number) = state.names.get(path) else {
            // Folders that nobody made are there if something is in them.
            let implied = state.names.keys().any(|name| name.starts_with(path));
            let inode = path
                .as_os_str()
                .as_encoded_bytes()
                .iter()
                .fold(1 << 40, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
            return Ok(implied.then(|| FileEntry::new(EntryKind::Folder, Identity { device, inode })));
        };
        let identity = Identity { device, inode: number as u64 };
        let folder = state.folders.contains(path);
        let kind = if folder { EntryKind::Folder } else { EntryKind::File };
        let mut entry = FileEntry::new(kind, identity);
        entry.size = state.inodes[number].bytes.len() as u64;
        entry.changed = (state.inodes[number].version, 0);
        Ok(Some(entry))
    }

    fn names(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        self.turn();
        let mut state = self.0.borrow_mut();
        state.read()?;
        let within = state.names.keys().filter(|name| name.parent() == Some(directory));
        Ok(within.map(|name| name.file_name().unwrap().to_owned()).collect())
    }

    fn open_plain(&self, path: &Path) -> io::Result<FakeFile> {
        self.open(path)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.turn();
        let state = self.0.borrow();
        if state.names.contains_key(to) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        if state.device(from) != state.device(to) {
            return Err(ErrorKind::CrossesDevices.into());
        }
        drop(state);
        self.rename(from, to)
    }

    fn resemble_dir(&self, _: &Path, _: &Path) -> io::Result<()> {
        self.0.borrow_mut().read()
    }

    fn user(&self) -> u32 {
        0
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        self.0.borrow_mut().read()?;
        Ok(path.to_owned())
    }

    fn open_exclusive(&self, path: &Path, _: bool) -> Result<FakeFile, JournalError> {
        self.open(path).map_err(|source| JournalError::Io {
            path: path.to_owned(),
            doing: "opening",
            cause: source,
        })
    }

    fn open(&self, path: &Path) -> io::Result<FakeFile> {
        self.turn();
        let mut state = self.0.borrow_mut();
        state.read()?;
        Ok(self.file(state.find(path)?, state.device(path)))
    }

    fn read(&self, path: &Path) -> io::Result<Contents> {
        self.open(path)?.contents()
    }

    fn create_new(&self, path: &Path) -> io::Result<FakeFile> {
        self.turn();
        let mut state = self.0.borrow_mut();
        state.whole_change()?;
        if state.names.contains_key(path) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let inode = state.inodes.len();
        state.inodes.push(Inode::default());
        state.name(NameChange::Add(path.to_owned(), inode));
        Ok(self.file(inode, state.device(path)))
    }

    fn identity(&self, path: &Path) -> io::Result<Identity> {
        let mut state = self.0.borrow_mut();
        state.read()?;
        Ok(Identity { device: state.device(path), inode: state.find(path)? as u64 })
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let mut state = self.0.borrow_mut();
        state.read()?;
        Ok(state.names.contains_key(path))
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        self.entries(directory, false)
    }

    fn list_dirs(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        self.entries(directory, true)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.create_new(path)?;
        self.0.borrow_mut().folders.insert(path.to_owned());
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.turn();
        if self.0.borrow().names.keys().any(|name| name.parent() == Some(path)) {
            return Err(ErrorKind::DirectoryNotEmpty.into());
        }
        self.remove(path)?;
        self.0.borrow_mut().pending.retain(|change| !change.within(path));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.turn();
        let mut state = self.0.borrow_mut();
        state.whole_change()?;
        state.find(path)?;
        state.name(NameChange::Remove(path.to_owned()));
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.turn();
        let mut state = self.0.borrow_mut();
        state.whole_change()?;
        let inode = state.find(from)?;
        state.name(NameChange::Rename(from.to_owned(), to.to_owned(), inode));
        if state.folders.contains(from) {
            let below: Vec<PathBuf> =
                state.folders.iter().filter(|name| name.starts_with(from)).cloned().collect();
            state.folders.extend(below.iter().map(|name| moved(name, from, to)));
            let (_, earlier) = state.pending.split_last_mut().unwrap();
            earlier.iter_mut().for_each(|change| change.moved_below(from, to));
        }
        Ok(())
    }

    fn sync_dir(&self, directory: &Path) -> io::Result<()> {
        self.turn();
        let mut state = self.0.borrow_mut();
        let failed = state.change(0)?.is_some();
        if state.stopped {
            return Err(state.failure());
        }
        // With a name the earlier ones of the same file last, too.
        let mut inodes = BTreeSet::new();
        let (mut here, mut elsewhere) = (Vec::new(), Vec::new());
        let all = state.pending.clone();
        for change in std::mem::take(&mut state.pending).into_iter().rev() {
            let inode = change.inode();
            if change.within(directory) || inode.is_some_and(|inode| inodes.contains(&inode)) {
                inodes.extend(inode);
                here.insert(0, change);
            } else {
                elsewhere.insert(0, change);
            }
        }
        if failed {
            state.pending = all;
            return Err(state.failure());
        }
        here.iter().for_each(|change| change.apply(&mut state.lasting));
        state.pending = elsewhere;
        Ok(())
    }

    fn free_space(&self, _: &Path) -> io::Result<u64> {
        let mut state = self.0.borrow_mut();
        state.read()?;
        Ok(if state.full { 0 } else { 1 << 40 })
    }
}

impl FakeFile {
    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.0.borrow_mut();
        let failed = state.change(0)?.is_some();
        if state.stopped {
            return Err(state.failure());
        }
        let inode = &mut state.inodes[self.inode];
        let pending = std::mem::take(&mut inode.pending);
        if failed {
            return Err(state.failure());
        }
        pending.iter().for_each(|change| change.apply(Rc::make_mut(&mut inode.lasting)));
        if !pending.is_empty() && state.mark.is_none() && state.precious.contains(&self.inode) {
            state.mark = Some(state.changes);
        }
        Ok(())
    }

    fn change(&self, change: Change) {
        let inode = &mut self.disk.0.borrow_mut().inodes[self.inode];
        change.apply(Rc::make_mut(&mut inode.bytes));
        inode.version += 1;
        inode.pending.push(change);
    }
}

fn short(offset: u64) -> usize {
    usize::try_from(offset).unwrap()
}

impl DiskFile for FakeFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.disk.turn();
        let mut state = self.disk.0.borrow_mut();
        state.read()?;
        let bytes =
            state.inodes[self.inode].bytes.get(short(offset)..).and_then(|rest| rest.get(..buffer.len()));
        buffer.copy_from_slice(bytes.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.turn();
        let done = self.disk.0.borrow_mut().change(bytes.len())?;
        let written = &bytes[..done.unwrap_or(bytes.len())];
        if !written.is_empty() {
            self.change(Change::Write(short(offset), written.to_vec()));
        }
        if done.is_some() { Err(self.disk.0.borrow().failure()) } else { Ok(()) }
    }

    fn size(&self) -> io::Result<u64> {
        let mut state = self.disk.0.borrow_mut();
        state.read()?;
        Ok(state.inodes[self.inode].bytes.len() as u64)
    }

    fn set_size(&self, bytes: u64) -> io::Result<()> {
        self.disk.0.borrow_mut().whole_change()?;
        self.change(Change::Size(short(bytes)));
        Ok(())
    }

    fn reserve(&self, offset: u64, bytes: u64, grow: bool) -> io::Result<()> {
        self.disk.0.borrow_mut().whole_change()?;
        let size = self.disk.0.borrow().inodes[self.inode].bytes.len();
        let wanted = short(offset + bytes);
        if grow && wanted > size {
            self.change(Change::Size(wanted));
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync()
    }

    fn identity(&self) -> io::Result<Identity> {
        self.disk.0.borrow_mut().read()?;
        Ok(Identity { device: self.device, inode: self.inode as u64 })
    }

    fn contents(&self) -> io::Result<Contents> {
        let mut state = self.disk.0.borrow_mut();
        state.read()?;
        Ok(state.inodes[self.inode].bytes.to_vec().into())
    }
}

/// A run, and what later runs do about what it left behind. A run gives what became of
/// the change, or `None` if it found nothing to do.
pub(crate) struct Crash<'a, T> {
    /// The disk at first.
    pub(crate) disk: &'a FakeDisk,
    /// The run that is stopped. It marks the disk when it must not be forgotten.
    pub(crate) run: &'a dyn Fn(&FakeDisk) -> Result<Option<T>, JournalError>,
    /// The later runs, with their names.
    pub(crate) later: &'a [(&'a str, Later<'a, T>)],
    /// Whether the disk is as it must be after a run that came to its end: with what it
    /// gave, and whether the first run had marked the disk and no other later run than the
    /// first kind followed.
    pub(crate) check: &'a dyn Fn(&FakeDisk, &Option<T>, bool),
}

/// A run that finds what another left behind.
pub(crate) type Later<'a, T> = &'a dyn Fn(&FakeDisk) -> Result<Option<T>, JournalError>;

/// How much was tried.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tried {
    /// Operations at which a first run was stopped, torn writes included.
    pub(crate) points: usize,
    /// Operations at which a later run was stopped.
    pub(crate) later_points: usize,
    /// Disks that a later run had to bring in order.
    pub(crate) disks: usize,
}

impl std::ops::AddAssign for Tried {
    fn add_assign(&mut self, other: Tried) {
        self.points += other.points;
        self.later_points += other.later_points;
        self.disks += other.disks;
    }
}

impl<T: std::fmt::Debug> Crash<'_, T> {
    /// Stops the run at each of its changing operations, and each later run too.
    pub(crate) fn at_every_point(&self) -> Tried {
        self.at_every(|_| true)
    }

    /// Stops the run at each of its changing operations; later runs come to their end.
    pub(crate) fn at_every_first_point(&self) -> Tried {
        self.at_every(|_| false)
    }

    /// Stops the run at each of its changing operations, and after one in so many of them the
    /// later runs too.
    pub(crate) fn at_every_point_and_some_later(&self, each: usize) -> Tried {
        self.at_every(|change| change % each == 0)
    }

    fn at_every(&self, twice: impl Fn(usize) -> bool) -> Tried {
        let mut tried = Tried::default();
        let mut change = 0;
        loop {
            let disk = self.disk.faulty(Fault::Stop { change, sectors: 0 });
            let result = (self.run)(&disk);
            if !disk.stopped() {
                self.settled(&disk, &result.unwrap(), disk.marked());
                return tried;
            }
            self.after(&disk, &format!("stopped at {change}"), (4, 4), twice(change), &mut tried);
            let sectors = disk.0.borrow().torn_write;
            for sectors in 1..sectors {
                let disk = self.disk.faulty(Fault::Stop { change, sectors });
                let _ = (self.run)(&disk);
                let when = format!("stopped at {change}, {sectors} sectors written");
                self.after(&disk, &when, (1, 0), twice(change), &mut tried);
            }
            change += 1;
        }
    }

    /// Lets later runs find the disk on which a run stopped.
    fn after(
        &self,
        stopped: &FakeDisk,
        when: &str,
        (few, samples): (usize, u64),
        twice: bool,
        tried: &mut Tried,
    ) {
        tried.points += 1;
        for (how, disk) in stopped.remains(few, samples) {
            for (kind, (name, later)) in self.later.iter().enumerate() {
                let story = format!("{when}; {how}; {name}");
                let marked = stopped.marked() && kind == 0;
                self.later(&disk, *later, marked, &story);
                tried.disks += 1;
                for change in (0..).take_while(|_| twice) {
                    let again = disk.faulty(Fault::Stop { change, sectors: 0 });
                    let _ = later(&again);
                    if !again.stopped() {
                        break;
                    }
                    tried.later_points += 1;
                    for (how, disk) in again.remains(1, 1) {
                        for (kind, (name, later)) in self.later.iter().enumerate() {
                            let story = format!("{story}; stopped at {change}; {how}; {name}");
                            self.later(&disk, *later, marked && kind == 0, &story);
                            tried.disks += 1;
                        }
                    }
                }
            }
        }
    }

    /// Lets one call after the other fail; the run goes on, and a later run follows.
    pub(crate) fn with_every_failure(&self) -> Tried {
        let mut tried = Tried::default();
        for kind in [ErrorKind::StorageFull, ErrorKind::Other] {
            for call in 0.. {
                let disk = self.disk.faulty(Fault::Fail { call, kind });
                let result = (self.run)(&disk);
                if !disk.failed() {
                    break;
                }
                tried.points += 1;
                if let Ok(outcome) = result {
                    self.settled(&disk, &outcome, false);
                    continue;
                }
                for (how, disk) in [("goes on", disk.copy()), ("power lost", disk.without_power())] {
                    for (name, later) in self.later {
                        let story = format!("call {call} failed: {result:?}; {how}; {name}");
                        self.later(&disk.copy(), *later, false, &story);
                        tried.disks += 1;
                    }
                }
            }
        }
        tried
    }

    fn later(&self, disk: &FakeDisk, later: Later<'_, T>, marked: bool, story: &str) {
        let disk = disk.copy();
        let story = Story(story);
        let outcome = later(&disk).unwrap_or_else(|error| panic!("{error}"));
        self.settled(&disk, &outcome, marked);
        drop(story);
    }

    /// After a run that came to its end all must be in order, and remain so if the power
    /// fails. A run that found nothing to do changed nothing either, and what it did not
    /// find may be back then.
    fn settled(&self, disk: &FakeDisk, outcome: &Option<T>, marked: bool) {
        (self.check)(disk, outcome, marked);
        let disk = disk.without_power();
        match outcome {
            Some(_) => (self.check)(&disk, outcome, marked),
            None => {
                let (_, later) = self.later[0];
                (self.check)(&disk, &later(&disk).unwrap(), marked);
            }
        }
    }
}

/// Tells what went before if a check fails.
struct Story<'a>(&'a str);

impl Drop for Story<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0);
        }
    }
}
