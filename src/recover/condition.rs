//! How an environment was left, told from its files alone (recovery, "Clean or crashed? Looking only at
//! files").
//!
//! The log is compared with the pages first, which costs one reading from where recovery begins. Only
//! where that leaves a question open, recovery is done in memory.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::comparison::{Changes, Compared, Read, last_part};
use super::error::RecoverError;
use super::page_lsns::PageLsns;
use super::report::{FileChange, RecoveredFile};
use super::view::{Recover, View};
use crate::env::{DataFolders, FolderOrigin, Layout};
use crate::error::Error;
use crate::file_name;
use crate::log::{Files, LogDir, LogError, LogOptions};
use crate::method::Method;
use crate::shown::{ShowName, counted};
use crate::types::{FileId, Lsn};

/// How an environment, or a database file of one, was left.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// It is consistent: recovery would change nothing.
    Clean,
    /// Recovery is due, and would change it.
    Due(Pending),
    /// Recovery cannot make it consistent.
    Unrecoverable {
        /// What is missing or wrong.
        why: String,
        /// Up to where it would come: all before this record can be recovered.
        until: Lsn,
    },
}

/// What recovery would do to an environment, or to a database file of one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pending {
    /// Changes of finished transactions that pages lack. A record of two pages counts twice.
    pub committed: u64,
    /// Changes of unfinished transactions that pages have.
    pub uncommitted: u64,
    /// Changes of transactions that were prepared, and of which somebody else decides.
    pub undecided: u64,
    /// How many transactions these are, as far as it is known.
    pub transactions: u64,
    /// What happens to the file as a whole; of an environment, that it is kept.
    pub change: FileChange,
    /// The names of the files concerned, as the log has them.
    pub files: Vec<PathBuf>,
    /// The first record of such a change.
    pub first: Lsn,
    /// The last record of such a change.
    pub last: Lsn,
    /// Where the log ends.
    pub end: Lsn,
    /// The folder of the log.
    pub logs: PathBuf,
}

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changes = |number: u64, what: &str, rest: &str| {
            (number > 0).then(|| format!("{} {rest}", counted(number, what)))
        };
        let parts = [
            changes(self.committed, "committed change", "not in the file"),
            changes(self.uncommitted, "uncommitted change", "in it"),
            changes(self.undecided, "change", "of prepared transactions"),
            (self.change == FileChange::Removed).then(|| "a removal or another name for it".to_owned()),
            (self.change == FileChange::Made).then(|| "a file to be made".to_owned()),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let (logs, parts) = (self.logs.shown(), parts.join(", "));
        write!(f, "the log in {logs} has {parts} ({} to {}): recovery is due", self.first, self.last)
    }
}

/// Says how a database file was left, by the log of its environment; `None` if there is no log.
///
/// Works for files of every access method, also those that cannot be read otherwise. Reads the log from
/// where recovery would begin, once if it tells there which databases are open, after its last file was
/// read for that place; and of the file the places of pages that the log names. Only if that does not
/// show that recovery would change nothing, recovery is done in memory. Nothing is written.
///
/// ```
/// use std::path::Path;
/// use bdbkit::env::Layout;
/// use bdbkit::log::LogOptions;
/// use bdbkit::recover::{Condition, condition};
///
/// let file = Path::new("testdata/env-log3-le-crashed/p.db");
/// match condition(file, &Layout::beside(file), &LogOptions::new())? {
///     Some(Condition::Due(pending)) => assert!(pending.committed > 0),
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), bdbkit::recover::RecoverError>(())
/// ```
///
/// # Errors
///
/// The log or the file cannot be read, or the log is damaged where recovery would need it: then
/// it is not known whether something is missing. A file that is no database is in no log, and clean.
pub fn condition(
    file: &Path,
    layout: &Layout,
    options: &LogOptions,
) -> Result<Option<Condition>, RecoverError> {
    Unrecovered::of(layout, options)?.map(|unrecovered| unrecovered.condition(file)).transpose()
}

/// What the log of an environment holds from where recovery would begin: read once, and asked for
/// one file after the other, or for all of the environment.
///
/// ```
/// use std::path::Path;
/// use bdbkit::env::Layout;
/// use bdbkit::log::LogOptions;
/// use bdbkit::recover::{Condition, Unrecovered};
///
/// let home = Path::new("testdata/env-log3-le-crashed");
/// let log = Unrecovered::of(&Layout::of(home), &LogOptions::new())?.expect("there is a log");
/// assert_ne!(log.condition(&home.join("p.db"))?, Condition::Clean);
/// # Ok::<(), bdbkit::recover::RecoverError>(())
/// ```
#[derive(Debug)]
pub struct Unrecovered {
    changes: Changes,
    /// The databases that are open where recovery begins.
    open: Vec<(Vec<u8>, Option<FileId>)>,
    layout: Layout,
    folders: DataFolders,
    /// The files of the log.
    log: Vec<PathBuf>,
    recover: Recover,
    /// The environment recovered in memory, once somebody needs to know.
    view: OnceLock<Result<View, RecoverError>>,
    /// The files that were asked for, compared with the log.
    known: Mutex<HashMap<PathBuf, Known>>,
}

/// A database file, compared with the log.
#[derive(Clone, Debug)]
struct Known {
    id: FileId,
    method: Method,
    found: Result<Compared, LogError>,
    /// What kept a page from being read.
    failed: Option<Arc<io::Error>>,
}

impl Unrecovered {
    /// Reads the log of an environment, if there is one. Where it was said to be, it has to be.
    ///
    /// # Errors
    ///
    /// The log cannot be read, or is damaged where it would tell where recovery begins.
    pub fn of(layout: &Layout, options: &LogOptions) -> Result<Option<Unrecovered>, RecoverError> {
        let dir = match options.open_dir(&layout.logs().path) {
            Ok(dir) => dir,
            Err(LogError::NoLogs { .. }) if layout.logs().origin == FolderOrigin::Home => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let start = dir.recovery_start()?;
        Ok(Some(Unrecovered::from(&dir, start, || dir.files(), layout, Recover::new().log(options.clone()))))
    }

    /// The same, for one who knows where recovery begins, and perhaps all databases of the log.
    pub(crate) fn from<'l>(
        dir: &'l LogDir,
        start: Lsn,
        all: impl FnOnce() -> Files<'l>,
        layout: &Layout,
        recover: Recover,
    ) -> Unrecovered {
        let Read { changes, open } = Read::of(dir, start, all);
        let log = dir.log_files().map(|file| file.path().to_owned()).collect();
        Unrecovered {
            changes,
            open,
            layout: layout.clone(),
            folders: DataFolders::of(layout),
            log,
            recover,
            view: OnceLock::new(),
            known: Mutex::default(),
        }
    }

    /// How the databases are opened, and the log again, where recovery has to tell.
    #[must_use]
    pub fn recover(mut self, recover: Recover) -> Unrecovered {
        self.recover = recover;
        self
    }

    /// The folder of the log.
    #[cfg(feature = "upgrade")]
    pub(crate) fn folder(&self) -> &Path {
        &self.layout.logs().path
    }

    /// Where recovery begins.
    #[must_use]
    pub fn start(&self) -> Lsn {
        self.changes.start
    }

    /// Where the log ends.
    #[must_use]
    pub fn end(&self) -> Lsn {
        self.changes.end
    }

    /// How a database file was left.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or the log is damaged where recovery would need it.
    pub fn condition(&self, file: &Path) -> Result<Condition, RecoverError> {
        // A file that is no database is not in the log.
        if self.changes.is_quiet() || !fs::metadata(file).is_ok_and(|kind| kind.is_file()) {
            return Ok(Condition::Clean);
        }
        let Some(Known { id, method, found, failed }) = self.known(file)? else {
            return Ok(Condition::Clean);
        };
        let found = found?;
        if let Some(cause) = failed {
            return Err(Error::Open { path: file.to_owned(), cause }.into());
        }
        if !found.open && !self.is_renamed(file) {
            return Ok(Condition::Clean);
        }
        let compares = !(matches!(method, Method::Queue | Method::Heap) && self.changes.go_beyond(id));
        Ok(match self.view() {
            Ok(view) => self.after(view, file, id, &found, compares),
            Err(RecoverError::Version { .. }) if compares => self.as_compared(&found, file),
            Err(error) => self.impossible(error),
        })
    }

    /// How all of the environment was left that the log speaks of.
    #[must_use]
    pub fn environment(&self) -> Condition {
        if let Some(damage) = self.changes.damage() {
            return Condition::Unrecoverable { why: damage.to_string(), until: self.changes.until };
        }
        if self.is_settled() {
            return Condition::Clean;
        }
        let view = match self.view() {
            Ok(view) => view,
            Err(error @ RecoverError::Version { .. }) if self.changes.renamed.is_empty() => {
                // What pages tell, they tell of every version.
                let files = self.open.iter().filter_map(|(name, _)| self.find(name));
                let found =
                    files.map(|file| self.condition(&file).unwrap_or_else(|_| self.impossible(error)));
                return found.into_iter().find(|one| *one != Condition::Clean).unwrap_or(Condition::Clean);
            }
            Err(error) => return self.impossible(error),
        };
        let report = view.report();
        if let Some(file) = report.files.iter().find(|file| file.stopped.is_some()) {
            let why = file.stopped.as_deref().unwrap_or_default();
            let why = format!("{}: {why}", file.name.shown());
            return Condition::Unrecoverable { why, until: file.stopped_at.unwrap_or(report.from) };
        }
        if report.is_clean() && report.in_doubt.is_empty() {
            return Condition::Clean;
        }
        let concerned = report.files.iter().filter(|file| !file.is_clean());
        let sum = |of: fn(&RecoveredFile) -> u64| concerned.clone().map(of).fold(0, u64::saturating_add);
        let (first, last) = (
            concerned.clone().filter_map(|file| file.first).min(),
            concerned.clone().filter_map(|file| file.last).max(),
        );
        Condition::Due(Pending {
            committed: sum(|file| file.redone),
            uncommitted: sum(|file| file.undone),
            undecided: u64::try_from(report.in_doubt.len()).unwrap_or(u64::MAX),
            transactions: report.transactions(),
            change: FileChange::Kept,
            files: concerned.clone().map(|file| file.name.clone()).collect(),
            first: first.unwrap_or(self.changes.start),
            last: last.unwrap_or(report.end),
            end: self.changes.end,
            logs: self.layout.logs().path.clone(),
        })
    }

    /// Databases that are open where recovery begins, and are not there: neither under their names
    /// nor among these files. The names that the log has for them.
    #[must_use]
    pub fn absent(&self, files: &[PathBuf]) -> Vec<Vec<u8>> {
        let ids: BTreeSet<FileId> = files
            .iter()
            .filter_map(|file| PageLsns::open(file, self.recover.options()).ok().flatten())
            .map(|pages| pages.id)
            .collect();
        let named = self.open.iter().filter(|(_, id)| id.is_some_and(|id| !ids.contains(&id)));
        let names: BTreeSet<&[u8]> = named.map(|(name, _)| name.as_slice()).collect();
        let here = |name: &[u8]| [name, last_part(name)].into_iter().any(|name| self.find(name).is_some());
        names.into_iter().filter(|name| !here(name)).map(<[u8]>::to_vec).collect()
    }

    /// The ids of the files that the log speaks of from where recovery begins; `None` if one of them
    /// is not known.
    #[cfg(feature = "mboxlist")]
    pub(crate) fn concerned(&self) -> Option<std::collections::HashSet<FileId>> {
        self.changes.concerned()
    }

    /// The names of the databases that are open where recovery begins, and their ids.
    #[cfg(feature = "mboxlist")]
    pub(crate) fn open(&self) -> impl Iterator<Item = (&[u8], Option<FileId>)> {
        self.open.iter().map(|(name, id)| (name.as_slice(), *id))
    }

    /// The damage of the log from where recovery begins.
    #[cfg(feature = "mboxlist")]
    pub(crate) fn damage(&self) -> Option<&LogError> {
        self.changes.damage()
    }

    /// The environment as recovery makes it.
    fn view(&self) -> Result<&View, &RecoverError> {
        self.view.get_or_init(|| self.recover.view_by(&self.log, &self.layout)).as_ref()
    }

    /// A file compared with the log, once: `None` if it is no database, or has no id.
    fn known(&self, file: &Path) -> Result<Option<Known>, Error> {
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get(file) {
            return Ok(Some(known.clone()));
        }
        let Some(mut pages) = PageLsns::open(file, self.recover.options())? else { return Ok(None) };
        let found = self.changes.of_file(pages.id, |no| pages.of(no));
        let (id, method, failed) = (pages.id, pages.method, pages.failed.map(Arc::new));
        let known = Known { id, method, found, failed };
        all.insert(file.to_owned(), known.clone());
        Ok(Some(known))
    }

    fn find(&self, name: &[u8]) -> Option<PathBuf> {
        self.folders.find(Path::new(file_name::from_bytes(name)?))
    }

    /// Whether the pages of all files show that recovery would change nothing.
    fn is_settled(&self) -> bool {
        if self.changes.is_quiet() {
            return true;
        }
        let settled = |name: &[u8]| {
            let known = self.known(&self.find(name)?).ok().flatten()?;
            (!known.found.ok()?.open && known.failed.is_none()).then_some(known.id)
        };
        let settled: HashSet<FileId> = self.open.iter().filter_map(|(name, _)| settled(name)).collect();
        let mut changed = self.changes.files();
        self.changes.renamed.is_empty() && changed.all(|id| id.is_some_and(|id| settled.contains(&id)))
    }

    /// Whether the log makes, removes or renames a file of this name.
    fn is_renamed(&self, file: &Path) -> bool {
        let name = file.file_name();
        self.changes.renamed.iter().any(|renamed| file_name::from_bytes(renamed) == name)
    }

    fn impossible(&self, error: &RecoverError) -> Condition {
        Condition::Unrecoverable { why: error.to_string(), until: error.lsn().unwrap_or(self.changes.start) }
    }

    /// How a file was left, by what recovery makes of it.
    fn after(&self, view: &View, file: &Path, id: FileId, found: &Compared, compares: bool) -> Condition {
        let Some((target, report)) = view.target(file) else {
            let removed = view.removes(file);
            return match self.as_compared(found, file) {
                Condition::Due(pending) if removed => {
                    Condition::Due(Pending { change: FileChange::Removed, ..pending })
                }
                Condition::Clean if removed => {
                    Condition::Due(Pending { change: FileChange::Removed, ..self.pending(found, file) })
                }
                Condition::Clean if !compares => Condition::Unrecoverable {
                    why: "the log knows it under another name only".to_owned(),
                    until: self.changes.start,
                },
                compared => compared,
            };
        };
        if let Some(why) = &report.stopped {
            let until = report.stopped_at.unwrap_or(self.changes.start);
            return Condition::Unrecoverable { why: why.clone(), until };
        }
        if let Some((page, at, lsn)) = self.changes.first_lost(id, |no| target.last_lsn(no.0)) {
            let why = format!(
                "page {page} has LSN {at}, and the change of record {lsn} is not made to it: changes before that \
                 are missing"
            );
            return Condition::Unrecoverable { why, until: lsn };
        }
        if report.is_clean() {
            // What others decide may still be taken back.
            return match found.undecided {
                0 => Condition::Clean,
                _ => self.as_compared(found, file),
            };
        }
        Condition::Due(Pending {
            committed: report.redone,
            uncommitted: report.undone,
            change: report.change,
            first: report.first.or(found.first).unwrap_or(self.changes.start),
            last: report.last.unwrap_or(self.changes.end),
            ..self.pending(found, file)
        })
    }

    /// How a file was left, by its pages alone.
    fn as_compared(&self, found: &Compared, file: &Path) -> Condition {
        match found.first {
            Some(_) => Condition::Due(self.pending(found, file)),
            None => Condition::Clean,
        }
    }

    fn pending(&self, found: &Compared, file: &Path) -> Pending {
        Pending {
            committed: found.redo,
            uncommitted: found.undo,
            undecided: found.undecided,
            transactions: 0,
            change: FileChange::Kept,
            files: file.file_name().map(PathBuf::from).into_iter().collect(),
            first: found.first.unwrap_or(self.changes.start),
            last: if found.first.is_some() { found.last } else { self.changes.end },
            end: self.changes.end,
            logs: self.layout.logs().path.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::effort;
    use crate::order::Endianness;
    use crate::pages::OpenOptions;

    fn of(file: &str) -> Result<Option<Condition>, RecoverError> {
        let file = Path::new("testdata").join(file);
        condition(&file, &Layout::beside(&file), &LogOptions::new())
    }

    fn due(found: Option<Condition>) -> Pending {
        match found {
            Some(Condition::Due(pending)) => pending,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn committed_changes_that_a_file_lacks_are_counted() {
        let found = due(of("env-log3-le-crashed/p.db").unwrap());
        assert_eq!((found.committed, found.uncommitted), (20, 0));
        assert!(found.first < found.last && found.last < found.end);
        assert!(found.to_string().contains("has 20 committed changes not in the file ([1]["), "{found}");
        let found = due(of("env-log8-be-ahead/p.db").unwrap());
        assert_eq!((found.committed, found.uncommitted), (0, 18));
    }

    #[test]
    fn files_of_all_methods_are_told() {
        for file in ["env-log14-le-hash-recno/h.db", "env-log19-le-types/h.db", "env-log19-le-types/q.db"] {
            if Path::new("testdata").join(file).exists() {
                assert!(due(of(file).unwrap()).committed > 0, "{file}");
            }
        }
    }

    #[test]
    fn nothing_is_pending_in_a_clean_environment_or_where_there_is_no_log() {
        for file in ["env-log3-be-clean/p.db", "env-log11-le-clean/p.db", "env-log3-be-clean/none"] {
            assert_eq!(of(file).unwrap(), Some(Condition::Clean), "{file}");
        }
        assert_eq!(of("btree-v6-be-one/data.db").unwrap(), None);
    }

    #[test]
    fn a_log_that_cannot_be_read_is_said() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("p.db");
        fs::copy("testdata/env-log3-le-crashed/p.db", &file).unwrap();
        let ask = || condition(&file, &Layout::beside(&file), &LogOptions::new());
        assert_eq!(ask().unwrap(), None);
        fs::write(home.path().join("DB_CONFIG"), "set_lg_dir logs\n").unwrap();
        let error = ask();
        assert!(matches!(error, Err(RecoverError::Log(LogError::Open { .. }))), "the folder is not there");
        fs::create_dir(home.path().join("logs")).unwrap();
        let log = home.path().join("logs/log.0000000001");
        fs::copy("testdata/env-log3-le-crashed/log.0000000001", &log).unwrap();
        assert_eq!(due(ask().unwrap()).committed, 20);
        fs::write(&log, b"From somebody who wrote a letter").unwrap();
        assert!(ask().is_err());
        assert!(of("env-log11-le-encrypted/p.db").is_err());
    }

    fn environments() -> impl Iterator<Item = (PathBuf, LogDir)> {
        let folders = fs::read_dir("testdata").unwrap().map(|entry| entry.unwrap().path());
        folders.filter_map(|folder| LogDir::open(&folder).ok().map(|log| (folder, log)))
    }

    fn databases(home: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(home).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| PageLsns::open(path, OpenOptions::new()).is_ok_and(|it| it.is_some())).collect()
    }

    /// Where the pages show that nothing is to be done, the log is read once from where recovery begins
    /// for all databases; for that place the last files, and what is among them that has no checkpoint again.
    #[test]
    fn the_log_of_a_clean_environment_is_read_once_for_all_databases() {
        let mut clean = 0;
        for (home, log) in environments() {
            let (once, _) = effort::of(|| log.records().count());
            let files = databases(&home);
            let ask = |files: &[PathBuf]| {
                effort::of(|| {
                    let log = Unrecovered::of(&Layout::of(&home), &LogOptions::new()).ok().flatten();
                    let log = log.filter(|log| log.is_settled())?;
                    files.iter().for_each(|file| assert_eq!(log.condition(file).unwrap(), Condition::Clean));
                    Some(())
                })
            };
            if let (bytes, Some(())) = ask(&files) {
                assert!(bytes < once * 3, "{}: {bytes} bytes of {once}", home.shown());
                assert_eq!(ask(&files[..1]).0, bytes, "{}", home.shown());
                clean += 1;
            }
        }
        assert!(clean > 5, "{clean}");
    }

    /// Recovery does nothing where the pages say so.
    #[test]
    fn what_pages_settle_recovery_leaves_alone() {
        let (mut settled, mut other) = (0, 0);
        for (home, _) in environments() {
            let layout = Layout::of(&home);
            let Ok(Some(log)) = Unrecovered::of(&layout, &LogOptions::new()) else { continue };
            let Ok(view) = Recover::new().view(&layout) else { continue };
            if log.is_settled() {
                assert!(view.report().is_clean(), "{}: {:?}", home.shown(), view.report());
                settled += 1;
            } else {
                other += 1;
            }
            let clean = view.report().is_clean() && view.report().in_doubt.is_empty();
            assert_eq!(log.environment() == Condition::Clean, clean, "{}", home.shown());
        }
        assert!(settled > 5 && other > 8, "{settled} and {other}");
    }

    /// Pages older than the log reaches back cannot be brought up to it.
    #[test]
    fn a_file_from_before_the_log_cannot_be_recovered() {
        let home = tempfile::tempdir().unwrap();
        for entry in fs::read_dir("testdata/env-log3-le-crashed").unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, home.path().join(path.file_name().unwrap())).unwrap();
            }
        }
        let file = home.path().join("p.db");
        let db = crate::Database::open(&file).unwrap();
        let (size, order) = (db.meta().page_size().bytes(), db.meta().endianness());
        drop(db);
        let mut bytes = fs::read(&file).unwrap();
        for page in bytes.chunks_mut(size).skip(1).filter(|page| order.u32_at(page, 0) == Some(1)) {
            page[4..8].fill(0);
            page[if order == Endianness::Little { 4 } else { 7 }] = 40;
        }
        fs::write(&file, bytes).unwrap();
        let found = condition(&file, &Layout::beside(&file), &LogOptions::new()).unwrap();
        assert!(
            matches!(&found, Some(Condition::Unrecoverable { why, .. }) if why.contains("LSN [1][40]")),
            "{found:?}"
        );
    }
}
