//! Databases as they would be after a recovery (recovery, "A recovered view without touching the
//! files").

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet, btree_map};
use std::fs;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::error::RecoverError;
use super::passes::{Passes, Wanted};
use super::report::{InDoubt, RecoverReport, RecoveredFile, Until};
use super::side_by_side;
use super::target::Target;
use crate::env::{DataFolders, Folder, FolderOrigin, Layout};
use crate::format::edit;
use crate::log::{LogDir, LogOptions, TxnId};
use crate::meta::FileKind;
use crate::pages::{Below, Extents, File, OpenOptions, Overlay, Partitions};
use crate::types::{PageNo, PageSize};

/// How an environment is recovered.
///
/// ```
/// use bdbkit::env::Layout;
/// use bdbkit::recover::Recover;
///
/// let view = Recover::new().view(&Layout::of("testdata/env-log3-le-crashed"))?;
/// assert!(!view.report().is_clean());
/// let file = view.file("p.db").expect("the log speaks of it");
/// let pairs = file.open().database()?.into_iter().count();
/// println!("{pairs} pairs");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Recover {
    wanted: Wanted,
    log: LogOptions,
    files: OpenOptions<'static>,
}

impl Recover {
    /// From the last checkpoint on, without the faults that releases had.
    #[must_use]
    pub fn new() -> Recover {
        Recover::default()
    }

    /// Whether to do exactly what the release does that wrote the log, its faults included
    /// (recovery, "Quirks of the genuine releases"): to compare with it.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Recover {
        self.wanted.strict = strict;
        self
    }

    /// Whether to begin with the first record, whatever checkpoints say: for files that are older
    /// than the last one, or not there at all.
    #[must_use]
    pub fn catastrophic(mut self, catastrophic: bool) -> Recover {
        self.wanted.catastrophic = catastrophic;
        self
    }

    /// To which moment: transactions that commit later are taken back, also in files that have what
    /// they changed. All of the log is read for that, and must be there from a checkpoint on that is
    /// not later than the moment.
    #[must_use]
    pub fn until(mut self, until: Until) -> Recover {
        self.wanted.until = Some(until);
        self
    }

    /// What transactions count as that were prepared, and that the log does not decide:
    /// [`InDoubt::Commit`] if nothing is said.
    #[must_use]
    pub fn in_doubt(mut self, in_doubt: InDoubt) -> Recover {
        self.wanted.in_doubt = in_doubt;
        self
    }

    /// A transaction that is left out as if it had not committed: what it changed is taken back also in
    /// files that have it. All of the log is read for that. It is refused where that could not be told:
    /// if another transaction changed one of its pages later, or if it made or removed files.
    #[must_use]
    pub fn without(mut self, txn: TxnId) -> Recover {
        self.wanted.without = Some(txn);
        self
    }

    /// How the log is opened.
    #[must_use]
    pub fn log(mut self, options: LogOptions) -> Recover {
        self.log = options;
        self
    }

    /// How databases are opened: with the password, if they are encrypted.
    #[must_use]
    pub fn files(mut self, options: OpenOptions<'static>) -> Recover {
        self.files = options;
        self
    }

    /// How the log is opened.
    #[cfg(feature = "upgrade")]
    pub(crate) fn log_options(&self) -> &LogOptions {
        &self.log
    }

    /// How databases are opened.
    pub(super) fn options(&self) -> OpenOptions<'static> {
        self.files
    }

    /// The databases of an environment as they would be: all of it happens in memory, which is
    /// taken for pages that change. Files are found in the folders of the layout only, and names in
    /// the log that lead elsewhere are followed nowhere.
    ///
    /// # Errors
    ///
    /// The log cannot be read where recovery needs it; it is one of a version of which it is not
    /// known how it is recovered. What is wrong with one file only is in the
    /// [report](View::report), and does not stop others.
    pub fn view(&self, layout: &Layout) -> Result<View, RecoverError> {
        self.view_of(&self.log.open_dir(&layout.logs().path)?, layout)
    }

    /// As [`Recover::view`], with these files of the log.
    pub(super) fn view_by(&self, log: &[PathBuf], layout: &Layout) -> Result<View, RecoverError> {
        self.view_of(&self.log.open_files(log), layout)
    }

    fn view_of(&self, dir: &LogDir, layout: &Layout) -> Result<View, RecoverError> {
        let (world, report) = Passes::new(dir, layout, self.wanted, self.files)?.run()?;
        let there = world.indices().filter(|&index| world.is_there(index)).collect::<Vec<_>>();
        let (files, folders) = world.into_files();
        let known = files.iter().filter_map(|file| file.origin()).map(Path::to_owned).collect();
        #[cfg(feature = "upgrade")]
        let free = files
            .iter()
            .filter(|file| file.stopped.is_none())
            .filter_map(|file| {
                let has_extents = file.head.is_some_and(|head| head.extent > 0);
                Some((file.origin()?.to_owned(), has_extents))
            })
            .collect();
        let real = files.iter().filter_map(|file| file.real.clone()).collect();
        let files = files.into_iter().enumerate().filter(|(index, _)| there.contains(index));
        Ok(View {
            files: files.map(|(_, file)| file).collect(),
            report,
            known,
            #[cfg(feature = "upgrade")]
            free,
            real,
            layout: layout.clone(),
            folders,
            options: self.files,
            #[cfg(feature = "upgrade")]
            wanted: self.wanted,
        })
    }
}

/// The databases of an environment as they would be after a recovery. Nothing of it is on disk.
#[derive(Debug)]
pub struct View {
    files: Vec<Target>,
    report: RecoverReport,
    /// The files on disk of which the log speaks, also those that are removed.
    known: HashSet<PathBuf>,
    /// Those of them in which recovery did not stop, and whether they have extents.
    #[cfg(feature = "upgrade")]
    free: Vec<(PathBuf, bool)>,
    /// The files on disk of which the log speaks, through all links.
    real: HashSet<PathBuf>,
    layout: Layout,
    folders: DataFolders,
    options: OpenOptions<'static>,
    #[cfg(feature = "upgrade")]
    wanted: Wanted,
}

/// A file as it would be.
#[derive(Debug)]
pub struct ViewFile<'v> {
    target: &'v Target,
    pages: Option<Overlay<'v>>,
    /// Where it would stand.
    path: PathBuf,
    parts: OnceLock<Parts>,
    view: &'v View,
}

/// The bytes of a QUEUE with extents or of a partitioned database: of its main file, and of each
/// extent or partition by its number.
#[derive(Debug)]
struct Parts {
    main: Vec<u8>,
    beside: Vec<(u32, Vec<u8>)>,
}

impl View {
    /// What was done, and what could not be done.
    #[must_use]
    pub fn report(&self) -> &RecoverReport {
        &self.report
    }

    /// A file that the log speaks of, by its name there, or by its path; `None` if there is none
    /// such after the recovery: then it is what is on disk, unless it [is removed](View::removes).
    #[must_use]
    pub fn file(&self, name: impl AsRef<Path>) -> Option<ViewFile<'_>> {
        self.find(name.as_ref()).map(|file| self.view_of(file))
    }

    fn find(&self, name: &Path) -> Option<&Target> {
        let inside = self.name_of(name);
        let named = |file: &&Target| file.name == name || inside.as_ref() == Some(&file.name);
        let path = fs::canonicalize(name).ok();
        let stands = |file: &&Target| path.is_some() && file.real == path;
        self.files.iter().find(named).or_else(|| self.files.iter().find(stands))
    }

    /// A file as it is after the recovery, and what was done to it.
    pub(super) fn target(&self, name: &Path) -> Option<(&Target, &RecoveredFile)> {
        let target = self.find(name)?;
        let report = self.report.files.iter().find(|file| file.name == target.name)?;
        Some((target, report))
    }

    /// Whether a file that is on disk, by its path, is none any more after the recovery: because it is
    /// removed, or has another name then.
    #[must_use]
    pub fn removes(&self, path: impl AsRef<Path>) -> bool {
        let path = fs::canonicalize(path.as_ref());
        let name = path.as_ref().ok().and_then(|path| self.name_of(path));
        path.is_ok_and(|path| self.real.contains(&path))
            && !self.files.iter().any(|file| name.as_ref() == Some(&file.name))
    }

    /// The name of a path in one of the folders of databases.
    fn name_of(&self, path: &Path) -> Option<PathBuf> {
        self.folders.name_of(&whole_path(path)?).map(Path::to_owned)
    }

    pub(super) fn view_of<'v>(&'v self, target: &'v Target) -> ViewFile<'v> {
        let path = self.place(target).join(&target.name);
        ViewFile::of(target, path, self)
    }

    /// The folder under which a file stands by its name.
    pub(super) fn place(&self, target: &Target) -> PathBuf {
        let folders = self.folders.all();
        let on_disk = target.origin().filter(|_| target.is_where_it_was());
        let of_it =
            on_disk.and_then(|path| folders.iter().find(|folder| folder.path.join(&target.name) == *path));
        let found = of_it.map(|folder| folder.path.clone()).or_else(|| target.folder.clone());
        // Of one that has another name now: where it was.
        let beside = || {
            let origin = target.origin()?;
            folders.iter().find(|folder| origin.starts_with(&folder.path)).map(|folder| folder.path.clone())
        };
        found.or_else(beside).unwrap_or_else(|| self.layout.home().to_owned())
    }

    /// The partitions of a database, by their numbers: as they would be, those of which the log does not
    /// speak as they are.
    fn partitions(&self, path: &Path) -> Vec<(u32, Vec<u8>)> {
        let names = Partitions::beside(path, None).ok().flatten();
        let mut found: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
        for target in &self.files {
            let place = self.place(target).join(&target.name);
            let number = names.as_ref().and_then(|names| names.number_of(&place));
            found.extend(number.map(|number| (number, target.whole())));
        }
        for (number, place) in
            names.iter().flat_map(|names| names.found().iter().map(|&n| (n, names.path(n))))
        {
            if let btree_map::Entry::Vacant(free) = found.entry(number) {
                let file = if self.removes(&place) { None } else { self.options.file(place).ok() };
                free.insert(file.and_then(|file| file.bytes().ok().map(<[u8]>::to_vec)).unwrap_or_default());
            }
        }
        found.into_iter().filter(|(_, bytes)| !bytes.is_empty()).collect()
    }

    /// How databases are opened.
    #[cfg(feature = "upgrade")]
    pub(crate) fn options(&self) -> OpenOptions<'static> {
        self.options
    }

    /// What was asked of the recovery.
    #[cfg(feature = "upgrade")]
    pub(super) fn wanted(&self) -> Wanted {
        self.wanted
    }

    #[cfg(feature = "upgrade")]
    pub(super) fn targets(&self) -> impl Iterator<Item = &Target> {
        self.files.iter()
    }

    /// The files on disk in which recovery did not stop, and whether they have extents.
    #[cfg(feature = "upgrade")]
    pub(super) fn free(&self) -> &[(PathBuf, bool)] {
        &self.free
    }

    /// All files that there are after the recovery, and of which the log speaks.
    pub fn files(&self) -> impl Iterator<Item = ViewFile<'_>> {
        self.files.iter().map(|file| self.view_of(file))
    }

    /// Writes the databases of the environment into a new folder: those of which the log speaks as
    /// they would be, all others as they are. It gets its name when all of it is written; no log
    /// is copied.
    ///
    /// # Errors
    ///
    /// The folder exists already; those of the file system.
    pub fn write_to(&self, folder: impl AsRef<Path>) -> io::Result<()> {
        let folder = folder.as_ref();
        if fs::symlink_metadata(folder).is_ok() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it exists already"));
        }
        let mut part = folder.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        fs::create_dir(&part)?;
        let written = self.write_files(&part);
        match written.and_then(|()| fs::rename(&part, folder)) {
            Ok(()) => Ok(()),
            Err(error) => {
                // What was written so far is of no use.
                let _ = fs::remove_dir_all(&part);
                Err(error)
            }
        }
    }

    /// The folders of databases, each with the one that it is in a copy: the same below the home, and the
    /// home for one outside.
    fn folders(&self) -> Vec<(Folder, PathBuf)> {
        let home = self.layout.home();
        let inside = |folder: &Folder| {
            let path = folder.path.strip_prefix(home).ok().filter(|_| !folder.outside)?;
            let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
            plain.then(|| path.to_owned())
        };
        let folders = self.folders.all().iter();
        folders.map(|folder| (folder.clone(), inside(folder).unwrap_or_default())).collect()
    }

    fn write_files(&self, folder: &Path) -> io::Result<()> {
        let folders = self.folders();
        let mut config = String::new();
        for (of_it, inside) in folders.iter().filter(|(_, inside)| !inside.as_os_str().is_empty()) {
            fs::create_dir_all(folder.join(inside))?;
            // In the words of its release.
            let word = match &of_it.origin {
                FolderOrigin::Config(line) => line.split_whitespace().next(),
                _ => None,
            };
            let line = format!("{} {}\n", word.unwrap_or("set_data_dir"), inside.to_string_lossy());
            config.push_str(&line);
        }
        if !config.is_empty() {
            fs::write(folder.join("DB_CONFIG"), config)?;
        }
        let inside = |place: &Path| {
            let known = folders.iter().find(|(folder, _)| folder.path == place);
            folder.join(known.map_or(Path::new(""), |(_, inside)| inside))
        };
        let places: Vec<PathBuf> =
            self.files.iter().map(|target| inside(&self.place(target)).join(&target.name)).collect();
        let (next, failed) = (AtomicUsize::new(0), Mutex::new(None));
        side_by_side::run(places.len(), || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some((target, path)) = self.files.get(index).zip(places.get(index)) else { break };
                if let Err(error) = write_file(target, path) {
                    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    break;
                }
            }
        });
        if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        for (place, path) in self.others()? {
            let to = inside(&place).join(path.file_name().unwrap_or_default());
            if fs::symlink_metadata(&to).is_err() {
                fs::copy(path, to)?;
            }
        }
        Ok(())
    }

    /// Databases of which the log does not speak, with their folders.
    fn others(&self) -> io::Result<Vec<(PathBuf, PathBuf)>> {
        let mut found = Vec::new();
        for folder in self.folders.all() {
            for entry in fs::read_dir(&folder.path)? {
                let entry = entry?;
                let path = entry.path();
                if self.known.contains(&path) || !entry.file_type()?.is_file() {
                    continue;
                }
                if let Ok(FileKind::Database(_) | FileKind::Extent) = FileKind::at(&path) {
                    let extent = self.files.iter().any(|file| Extents::is_beside(&file.name, &path));
                    if !extent {
                        found.push((folder.path.clone(), path));
                    }
                }
            }
        }
        Ok(found)
    }
}

impl<'v> ViewFile<'v> {
    fn of(target: &'v Target, path: PathBuf, view: &'v View) -> ViewFile<'v> {
        let changed = target.changed().map(|(no, _)| PageNo(no));
        let pages = target.head.map(|_| {
            Overlay::new(target, target.count(), changed.collect::<Vec<_>>(), |no: PageNo| {
                Some(target.sealed(no.0).into_owned())
            })
        });
        ViewFile { target, pages, path, parts: OnceLock::new(), view }
    }

    /// Its name, as the log has it.
    #[must_use]
    pub fn name(&self) -> &Path {
        &self.target.name
    }

    /// The file, for all that reads one: its pages are made when they are asked for, but for a QUEUE
    /// with extents or a partitioned database, all of which is made at once. A file that is no database has no bytes.
    #[must_use]
    pub fn open(&self) -> File<'_> {
        match &self.pages {
            Some(_) if self.target.head.is_some_and(|head| head.extent > 0 || head.partitioned) => {
                let Parts { main, beside } = self.parts.get_or_init(|| self.parts());
                let beside = beside.iter().map(|(number, bytes)| (*number, bytes.as_slice()));
                File::with_beside(main, &self.path, beside.collect(), self.view.options)
            }
            Some(pages) => File::over(pages, self.view.options),
            None => File::from_bytes(&[][..]),
        }
    }

    fn parts(&self) -> Parts {
        let is_partitioned = self.target.head.is_some_and(|head| head.partitioned);
        let beside = if is_partitioned { self.view.partitions(&self.path) } else { self.extents() };
        Parts { main: self.target.whole(), beside }
    }

    /// The extents of a QUEUE, by their numbers.
    fn extents(&self) -> Vec<(u32, Vec<u8>)> {
        let size = self.target.size().bytes();
        let mut room = ROOM.saturating_add(self.target.bytes_there().saturating_mul(2));
        let mut extents = Vec::new();
        for (number, pages) in self.target.extents() {
            let whole = usize::try_from(pages).unwrap_or(usize::MAX).saturating_mul(size);
            // What does not fit is missing, and its reader is told so.
            let Some(left) = room.checked_sub(whole) else { continue };
            room = left;
            let mut bytes = vec![0; whole];
            for (place, page) in self.target.standing(Some(number)) {
                let at = usize::try_from(place).unwrap_or(usize::MAX).saturating_mul(size);
                edit::put(&mut bytes, at, &page);
            }
            extents.push((number, bytes));
        }
        extents
    }
}

/// So many bytes the extents of a QUEUE may have in memory, beyond twice what there is of them.
const ROOM: usize = 256 << 20;

/// A path from the root on, through all links of the folder that it is in.
fn whole_path(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    Some(fs::canonicalize(path.parent()?).ok()?.join(path.file_name()?))
}

/// Writes a file with its extents.
fn write_file(target: &Target, path: &Path) -> io::Result<()> {
    match target.head {
        Some(head) => write(path, head.size, target.count(), target.standing(None))?,
        None => write_whole(path, &target.whole())?,
    }
    for (number, pages) in target.extents() {
        let place = Extents::path_beside(path, number).unwrap_or_else(|| path.to_owned());
        write(&place, target.size(), pages, target.standing(Some(number)))?;
    }
    Ok(())
}

/// Writes a file of so many pages: those that stand in it, each at its place, and otherwise holes.
/// Waits until it is on the disk.
fn write<'p>(
    path: &Path,
    size: PageSize,
    count: u32,
    pages: impl Iterator<Item = (u32, Cow<'p, [u8]>)>,
) -> io::Result<()> {
    let mut file = io::BufWriter::with_capacity(1 << 20, create(path)?);
    let size = u64::from(size.get());
    let mut at = 0_u64;
    for (place, page) in pages {
        if page.iter().all(|&byte| byte == 0) {
            continue;
        }
        let start = size.saturating_mul(place.into());
        if start != at {
            file.seek(SeekFrom::Start(start))?;
        }
        file.write_all(&page)?;
        at = start.saturating_add(size);
    }
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.set_len(size.saturating_mul(count.into()))?;
    file.sync_all()
}

/// Writes a file that is no database.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a file that is not there yet, with the folders above it.
fn create(path: &Path) -> io::Result<fs::File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::File::create_new(path)
}
