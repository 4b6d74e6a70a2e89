//! What a store holds, read as evidence (mboxlist, "Forensic reading").

mod database;
mod entry;
mod kind;
mod logs;
mod report;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use entry::{EntryOrigin, Found, Listed};
pub use kind::Kind;
pub use report::{ListReport, ListedFile, ListedLogs};

use super::files;
use super::progress::{StoreProgress, Tell};
use crate::env::{Folder, Layout};
use crate::error::{Error, Result};
use crate::folder;
use crate::log::{LogError, LogOptions};

/// A listing of all entries of a store: mailboxes, quotas, subscriptions and whatever else
/// its databases hold, as keys and values in bytes. The layout of the values is not public,
/// and nothing is made of them.
///
/// Files are only read. Each one's SHA-256 is taken before and after. A database that the
/// strict reader cannot read whole is [salvaged](crate::salvage). Symbolic links and special
/// files are not followed, databases and logs neither: they are named, and the listing is then
/// incomplete. The folders that `DB_CONFIG` names are read, too: the logs of that of the logs, the
/// databases of those of databases.
///
/// ```
/// use bdbkit::mboxlist::{Kind, List};
///
/// let list = List::open("testdata/mboxlist-ims5-log2-be")?;
/// let mut mailboxes = 0;
/// let report = list.deleted(true).run(|entry| {
///     mailboxes += u32::from(entry.kind == Kind::Mailbox);
///     Ok::<(), bdbkit::Error>(())
/// })?;
/// assert!(mailboxes > 10 && report.is_complete());
/// # Ok::<(), bdbkit::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct List {
    place: Place,
    deleted: bool,
    logs: bool,
    map: bool,
    log_dir: Option<PathBuf>,
    data_dirs: Vec<PathBuf>,
    tell: Tell,
}

/// What is listed.
#[derive(Clone, Debug)]
enum Place {
    Folder(PathBuf),
    Database(PathBuf),
    Log(PathBuf),
}

impl List {
    /// A listing of the files in a folder, but not of folders in it; or of one file, a
    /// database or a log.
    ///
    /// # Errors
    ///
    /// [`Error::Open`] if it is neither folder nor file.
    pub fn open(path: impl AsRef<Path>) -> Result<List> {
        let path = path.as_ref().to_owned();
        let place = match fs::metadata(&path) {
            Ok(found) if found.is_dir() => {
                let source = fs::read_dir(&path).err();
                if let Some(source) = source {
                    return Err(Error::Open { path, cause: source.into() });
                }
                Place::Folder(path)
            }
            Ok(found) if found.is_file() && files::is_log(&path) => Place::Log(path),
            Ok(found) if found.is_file() => Place::Database(path),
            Ok(_) => {
                let source = io::Error::new(io::ErrorKind::InvalidInput, "neither a folder nor a file");
                return Err(Error::Open { path, cause: source.into() });
            }
            Err(source) => return Err(Error::Open { path, cause: source.into() }),
        };
        let logs = matches!(place, Place::Log(_));
        let (log_dir, data_dirs, tell) = (None, Vec::new(), Tell::default());
        Ok(List { place, deleted: false, logs, map: false, log_dir, data_dirs, tell })
    }

    /// Whether databases are mapped instead of read into memory. They are read by default: what is
    /// evidence may be on a bad disk, and others may hold it open.
    #[must_use]
    pub fn mapped(mut self, map: bool) -> List {
        self.map = map;
        self
    }

    /// The folder of the logs, whatever `DB_CONFIG` says.
    #[must_use]
    pub fn log_dir(mut self, folder: impl AsRef<Path>) -> List {
        self.log_dir = Some(folder.as_ref().to_owned());
        self
    }

    /// A folder of databases besides the store's own, whatever `DB_CONFIG` says. There may be
    /// several.
    #[must_use]
    pub fn data_dir(mut self, folder: impl AsRef<Path>) -> List {
        self.data_dirs.push(folder.as_ref().to_owned());
        self
    }

    /// Tells how far it has come, before each file is read: for its sum, for its entries, and for
    /// the sum again.
    #[must_use]
    pub fn progress(mut self, tell: impl Fn(StoreProgress<'_>) + Send + Sync + 'static) -> List {
        self.tell = Tell::new(tell);
        self
    }

    /// Whether to give what was deleted too, as far as it still stands on pages of entries and
    /// on free pages. Of remains in unused space it is not known which is the key.
    #[must_use]
    pub fn deleted(mut self, deleted: bool) -> List {
        self.deleted = deleted;
        self
    }

    /// Whether to give all changes that the logs tell of too: those in the folder, or beside
    /// the one database. The changes of a log that is listed itself are always given.
    #[must_use]
    pub fn logs(mut self, logs: bool) -> List {
        self.logs = logs || matches!(self.place, Place::Log(_));
        self
    }

    /// Gives every entry: those of the databases by the names of their files, each in its
    /// order; then those of the logs in theirs.
    ///
    /// # Errors
    ///
    /// Those of `visit`, which end it. Whatever else goes wrong is in the report.
    pub fn run<E>(
        &self,
        mut visit: impl FnMut(&Listed<'_>) -> std::result::Result<(), E>,
    ) -> std::result::Result<ListReport, E> {
        let found = self.files();
        let mut measure = self.tell.measure(&found.files, 3);
        let mut files: Vec<ListedFile> = found.files.iter().cloned().map(ListedFile::new).collect();
        for file in &mut files {
            measure.next(&file.path);
            file.before = file.hash();
        }
        for file in &mut files {
            measure.next(&file.path);
            if self.is_database(&file.path) {
                file.is_database = true;
                database::read(file, self.deleted, self.map, &mut visit)?;
            }
        }
        let logs = self.logs.then(|| self.read_logs(&found, &mut visit)).transpose()?;
        let after = self.files();
        let new = after.files.into_iter().filter(|path| !found.files.contains(path));
        files.extend(new.map(ListedFile::new));
        for file in &mut files {
            measure.next(&file.path);
            file.after = file.hash();
        }
        Ok(ListReport {
            files,
            left_out: found.left_out,
            folders: found.folders,
            problems: found.problems,
            logs,
        })
    }

    /// Everything that is there.
    fn files(&self) -> Standing {
        match &self.place {
            Place::Folder(folder) => Standing::of(folder, &self.layout(folder)),
            Place::Log(file) => Standing { files: vec![file.clone()], ..Standing::default() },
            Place::Database(file) => {
                let folder = folder::directory(file);
                let mut found = Standing::default();
                if self.logs {
                    found.take(self.layout(folder).logs(), files::is_log);
                }
                found.files.insert(0, file.clone());
                found
            }
        }
    }

    /// Where the environment keeps its files. A configuration that is a link is not followed.
    fn layout(&self, folder: &Path) -> Layout {
        let linked = fs::symlink_metadata(folder.join("DB_CONFIG")).is_ok_and(|kind| !kind.is_file());
        let layout = Layout::of(folder);
        let layout = if linked { layout.log_dir(folder).data_dirs([folder]) } else { layout };
        let layout = self.log_dir.iter().fold(layout, Layout::log_dir);
        if self.data_dirs.is_empty() { layout } else { layout.data_dirs(&self.data_dirs) }
    }

    fn is_database(&self, path: &Path) -> bool {
        match &self.place {
            Place::Folder(_) => looks_like_database(path),
            Place::Database(file) => path == file,
            Place::Log(_) => false,
        }
    }

    fn read_logs<E>(
        &self,
        found: &Standing,
        visit: &mut impl FnMut(&Listed<'_>) -> std::result::Result<(), E>,
    ) -> std::result::Result<ListedLogs, E> {
        let (folder, only) = match &self.place {
            Place::Folder(folder) => (self.layout(folder).logs().path.clone(), None),
            Place::Database(file) => {
                (self.layout(folder::directory(file)).logs().path.clone(), Some(report::name(file)))
            }
            Place::Log(file) => (file.clone(), None),
        };
        // The logs of one folder are one log; others may stand where the configuration was once.
        let of_log = |path: &&PathBuf| {
            matches!(self.place, Place::Log(_)) || files::is_log(path) && path.parent() == Some(&*folder)
        };
        let paths: Vec<PathBuf> = found.files.iter().filter(of_log).cloned().collect();
        let log = if paths.is_empty() {
            Err(LogError::NoLogs { path: folder })
        } else {
            Ok(LogOptions::new().map(self.map).open_files(&paths))
        };
        logs::read(log, only, visit)
    }
}

/// What stands in the folders of a store.
#[derive(Default)]
struct Standing {
    files: Vec<PathBuf>,
    /// Symbolic links and special files.
    left_out: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    /// What could not be looked into, and why.
    problems: Vec<String>,
}

impl Standing {
    fn of(folder: &Path, layout: &Layout) -> Standing {
        let mut found = Standing {
            problems: layout.unread().map(str::to_owned).into_iter().collect(),
            ..Standing::default()
        };
        match files::all(folder) {
            Ok(all) => all.into_iter().for_each(|path| found.put(path)),
            Err(error) => found.problems.push(error.to_string()),
        }
        let data = layout.data();
        for other in layout.elsewhere() {
            let (of_logs, of_data) = (other == layout.logs(), data.contains(other));
            found.take(other, |path| {
                if files::is_log(path) { of_logs } else { of_data && looks_like_database(path) }
            });
        }
        found
    }

    fn put(&mut self, path: PathBuf) {
        match fs::symlink_metadata(&path).map(|kind| kind.file_type()) {
            Ok(kind) if kind.is_file() => self.files.push(path),
            Ok(kind) if kind.is_dir() => self.folders.push(path),
            _ => self.left_out.push(path),
        }
    }

    /// Takes what is wanted of another folder, and links and special files that are called so.
    fn take(&mut self, folder: &Folder, wanted: impl Fn(&Path) -> bool) {
        match files::all(&folder.path) {
            Ok(all) => {
                all.into_iter().filter(|path| !path.is_dir() && wanted(path)).for_each(|path| self.put(path))
            }
            Err(error) => self.problems.push(format!("{folder}: {error}")),
        }
    }
}

/// Whether a file is a database: by its magic number, or else by its name, as page 0 may be
/// damaged.
fn looks_like_database(path: &Path) -> bool {
    if files::is_log(path) {
        return false;
    }
    if path.extension().is_some_and(|extension| extension == "db") {
        return true;
    }
    // Neither links nor pipes are opened.
    fs::symlink_metadata(path).is_ok_and(|kind| kind.is_file()) && files::has_magic(path)
}
