//! Databases as they would be after a recovery (recovery, "A recovered view without touching the
//! files").

use std::collections::HashSet;
use std::fs;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::error::RecoverError;
use super::passes::{Passes, Wanted};
use super::report::{InDoubt, RecoverReport, Until};
use super::target::Target;
use crate::env::Layout;
use crate::format::edit;
use crate::log::LogOptions;
use crate::meta::FileKind;
use crate::pages::{Below, Extents, File, Overlay};
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

    /// How the log is opened.
    #[must_use]
    pub fn log(mut self, options: LogOptions) -> Recover {
        self.log = options;
        self
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
        let dir = self.log.open_dir(&layout.logs().path)?;
        let (world, report) = Passes::new(&dir, layout, self.wanted)?.run()?;
        let there = world.indices().filter(|&index| world.is_there(index)).collect::<Vec<_>>();
        let files = world.into_files();
        let known = files.iter().filter_map(|file| file.origin()).map(Path::to_owned).collect();
        let real = files.iter().filter_map(|file| file.real.clone()).collect();
        let files = files.into_iter().enumerate().filter(|(index, _)| there.contains(index));
        Ok(View { files: files.map(|(_, file)| file).collect(), report, known, real, layout: layout.clone() })
    }
}

/// The databases of an environment as they would be after a recovery. Nothing of it is on disk.
#[derive(Debug)]
pub struct View {
    files: Vec<Target>,
    report: RecoverReport,
    /// The files on disk of which the log speaks, also those that are removed.
    known: HashSet<PathBuf>,
    /// The same, through all links.
    real: HashSet<PathBuf>,
    layout: Layout,
}

/// A file as it would be.
#[derive(Debug)]
pub struct ViewFile<'v> {
    target: &'v Target,
    pages: Option<Overlay<'v>>,
    /// Where it would stand.
    path: PathBuf,
    parts: OnceLock<Parts>,
}

/// The bytes of a QUEUE with extents: of its main file, and of each extent by its number.
#[derive(Debug)]
struct Parts {
    main: Vec<u8>,
    extents: Vec<(u32, Vec<u8>)>,
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
        let (name, inside) = (name.as_ref(), self.name_of(name.as_ref()));
        let named = |file: &&Target| file.name == name || inside.as_ref() == Some(&file.name);
        let path = fs::canonicalize(name).ok();
        let stands = |file: &&Target| path.is_some() && file.real == path;
        let found = self.files.iter().find(named).or_else(|| self.files.iter().find(stands));
        found.map(|file| self.view_of(file))
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
        let path = whole_path(path)?;
        let folders = self.layout.data();
        let mut folders = folders.iter().filter_map(|folder| fs::canonicalize(&folder.path).ok());
        folders.find_map(|folder| path.strip_prefix(folder).ok().map(Path::to_owned))
    }

    fn view_of<'v>(&'v self, target: &'v Target) -> ViewFile<'v> {
        ViewFile::of(target, self.layout.home().join(&target.name))
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

    fn write_files(&self, folder: &Path) -> io::Result<()> {
        for target in &self.files {
            let path = folder.join(&target.name);
            match target.head {
                Some(head) => write(&path, head.size, target.count(), target.standing(None))?,
                None => write_whole(&path, &target.whole())?,
            }
            for (number, pages) in target.extents() {
                let place = Extents::path_beside(&path, number).unwrap_or_else(|| path.clone());
                let size = target.size();
                write(&place, size, pages, target.standing(Some(number)))?;
            }
        }
        for (name, path) in self.others()? {
            let to = folder.join(name);
            if fs::symlink_metadata(&to).is_err() {
                fs::copy(path, to)?;
            }
        }
        Ok(())
    }

    /// Databases of which the log does not speak, with their names.
    fn others(&self) -> io::Result<Vec<(PathBuf, PathBuf)>> {
        let mut found = Vec::new();
        for folder in self.layout.data() {
            for entry in fs::read_dir(&folder.path)? {
                let entry = entry?;
                let path = entry.path();
                if self.known.contains(&path) || !entry.file_type()?.is_file() {
                    continue;
                }
                if let Ok(FileKind::Database(_) | FileKind::Extent) = FileKind::at(&path) {
                    let extent = self.files.iter().any(|file| Extents::is_beside(&file.name, &path));
                    if !extent {
                        found.push((PathBuf::from(entry.file_name()), path));
                    }
                }
            }
        }
        Ok(found)
    }
}

impl<'v> ViewFile<'v> {
    fn of(target: &'v Target, path: PathBuf) -> ViewFile<'v> {
        let changed = target.changed().map(|(no, _)| PageNo(no));
        let pages = target.head.map(|_| {
            Overlay::new(target, target.count(), changed.collect::<Vec<_>>(), |no: PageNo| {
                Some(target.sealed(no.0))
            })
        });
        ViewFile { target, pages, path, parts: OnceLock::new() }
    }

    /// Its name, as the log has it.
    #[must_use]
    pub fn name(&self) -> &Path {
        &self.target.name
    }

    /// The file, for all that reads one: its pages are made when they are asked for, but for a QUEUE
    /// with extents, all of which is made at once. A file that is no database has no bytes.
    #[must_use]
    pub fn open(&self) -> File<'_> {
        match &self.pages {
            Some(_) if self.target.head.is_some_and(|head| head.extent > 0) => {
                let Parts { main, extents } = self.parts.get_or_init(|| self.parts());
                let extents = extents.iter().map(|(number, bytes)| (*number, bytes.as_slice()));
                File::with_extents(main, &self.path, extents.collect())
            }
            Some(pages) => File::over(pages),
            None => File::from_bytes(&[][..]),
        }
    }

    fn parts(&self) -> Parts {
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
        Parts { main: self.target.whole(), extents }
    }
}

/// So many bytes the extents of a QUEUE may have in memory, beyond twice what there is of them.
const ROOM: usize = 256 << 20;

/// A path from the root on, through all links of the folder that it is in.
fn whole_path(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    Some(fs::canonicalize(path.parent()?).ok()?.join(path.file_name()?))
}

/// Writes a file of so many pages: those that stand in it, each at its place, and otherwise holes.
/// Waits until it is on the disk.
fn write(
    path: &Path,
    size: PageSize,
    count: u32,
    pages: impl Iterator<Item = (u32, Vec<u8>)>,
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
