//! Whether logs hold changes that a file lacks, or a file changes that the logs take back
//! (upgrade, "Environment and logs").

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::comparison::{Changes, Compared, Comparison};
use super::layout::{FolderOrigin, Layout};
use crate::error::Error;
use crate::log::{LogDir, LogError, LogOptions};
use crate::meta::{DatabaseKind, FileKind};
use crate::order::Endianness;
use crate::shown::ShowName;
use crate::types::{FileId, Lsn, PageNo};

/// So much of a file tells what it is, in bytes.
const HEAD: u64 = 512;

/// What the log of an environment says of a database file: recovery is due, and would change
/// the file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pending {
    /// Changes of finished transactions that pages lack. A record of two pages counts twice.
    pub committed: u64,
    /// Changes of unfinished transactions that pages have.
    pub uncommitted: u64,
    /// The first record of such a change.
    pub first: Lsn,
    /// The last record of such a change.
    pub last: Lsn,
    /// Where the log ends.
    pub end: Lsn,
    /// The id of the file, by which the log knows it.
    pub file_id: FileId,
    /// The folder of the log.
    pub logs: PathBuf,
}

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changes = |number: u64, what: &str, verb: &str| {
            let s = if number == 1 { "" } else { "s" };
            (number > 0).then(|| format!("{number} {what} change{s} {verb}"))
        };
        let [lacks, has] = [
            changes(self.committed, "committed", "not in the file"),
            changes(self.uncommitted, "uncommitted", "in it"),
        ];
        let both: Vec<String> = lacks.into_iter().chain(has).collect();
        write!(
            f,
            "the log in {} has {} ({} to {}): recovery is due",
            self.logs.shown(),
            both.join(", "),
            self.first,
            self.last
        )
    }
}

/// Says what the log of an environment holds that a database file lacks, or `None` if there is
/// no log, or nothing in it for this file.
///
/// Works for BTREE, RECNO and HASH files, also those that cannot be read otherwise. Of HASH only
/// changes of pairs are compared; QUEUE and HEAP are not compared at all, nor is what has been
/// done to a file as a whole. Reads the log from where recovery would begin, once if it tells there
/// which databases are open, after its last file was read for that place; and of the file the
/// places of pages that the log names. Nothing else is read, and nothing is written.
///
/// # Errors
///
/// The log or the file cannot be read, or the log is damaged where recovery would need it: then
/// it is not known whether something is missing. A file that is no database has no log, and is
/// no error.
pub fn pending(file: &Path, layout: &Layout, options: &LogOptions) -> Result<Option<Pending>, PendingError> {
    Unrecovered::of(layout, options)?.map_or(Ok(None), |unrecovered| unrecovered.pending(file))
}

/// What the log of an environment holds from where recovery would begin: read once, and asked for
/// one file after the other.
///
/// ```
/// use std::path::Path;
/// use bdbkit::env::{Layout, Unrecovered};
/// use bdbkit::log::LogOptions;
///
/// let home = Path::new("testdata/env-log3-le-crashed");
/// let log = Unrecovered::of(&Layout::of(home), &LogOptions::new())?.expect("there is a log");
/// assert!(log.pending(&home.join("p.db"))?.is_some());
/// # Ok::<(), bdbkit::env::PendingError>(())
/// ```
#[derive(Debug)]
pub struct Unrecovered {
    changes: Changes,
    logs: PathBuf,
}

impl Unrecovered {
    /// Reads the log of an environment, if there is one, as [`pending`] does.
    ///
    /// # Errors
    ///
    /// The log cannot be read, or is damaged behind its last checkpoint.
    pub fn of(layout: &Layout, options: &LogOptions) -> Result<Option<Unrecovered>, PendingError> {
        let Some(dir) = open(layout, options)? else { return Ok(None) };
        let changes = Comparison::new(&dir)?.changes;
        Ok(Some(Unrecovered { changes, logs: layout.logs().path.clone() }))
    }

    /// What a database file lacks, as [`pending`] says it.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or the log is damaged where recovery would need it.
    pub fn pending(&self, file: &Path) -> Result<Option<Pending>, PendingError> {
        // A file that is no database is not in the log.
        if self.changes.is_quiet() || !fs::metadata(file).is_ok_and(|kind| kind.is_file()) {
            return Ok(None);
        }
        let Some(mut pages) = PageLsns::open(file)? else { return Ok(None) };
        let file_id = pages.id;
        let found = self.changes.of_file(file_id, |no| pages.of(no))?;
        if let Some(source) = pages.failed {
            return Err(Error::Open { path: file.to_owned(), cause: source.into() }.into());
        }
        let Compared { redo: committed, undo: uncommitted, first, last, end } = found;
        let logs = self.logs.clone();
        Ok(first.map(|first| Pending { committed, uncommitted, first, last, end, file_id, logs }))
    }
}

/// What recovery would do in an environment.
#[derive(Debug)]
#[non_exhaustive]
pub struct Recovery {
    /// For each of the files asked about, in their order, what [`pending`] says.
    pub files: Vec<Result<Option<Pending>, PendingError>>,
    /// Databases that are open where recovery begins, and are in none of the folders of the
    /// environment: the names that the log has for them.
    pub absent: Vec<Vec<u8>>,
}

/// Says what the log of an environment holds that these database files lack, and which databases
/// are not there at all; `None` if there is no log. As [`pending`] for each, but the log is read
/// once for all of them.
///
/// # Errors
///
/// The log cannot be read, or is damaged where recovery would need it.
pub fn recovery(
    files: &[PathBuf],
    layout: &Layout,
    options: &LogOptions,
) -> Result<Option<Recovery>, PendingError> {
    let Some(dir) = open(layout, options)? else { return Ok(None) };
    let comparison = Comparison::new(&dir)?;
    let absent = absent(&comparison, files, layout);
    let unrecovered = Unrecovered { changes: comparison.changes, logs: layout.logs().path.clone() };
    let files = files.iter().map(|file| unrecovered.pending(file)).collect();
    Ok(Some(Recovery { files, absent }))
}

/// The log of an environment, if there is one. Where it was said to be, it has to be.
fn open(layout: &Layout, options: &LogOptions) -> Result<Option<LogDir>, PendingError> {
    match options.open_dir(&layout.logs().path) {
        Ok(dir) => Ok(Some(dir)),
        Err(LogError::NoLogs { .. }) if layout.logs().origin == FolderOrigin::Home => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Why it is not known whether the log of an environment has changes for a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PendingError {
    /// The log cannot be read, or is damaged where recovery would need it.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] Error),
}

/// The LSNs of the pages of a file, each read when it is asked for.
struct PageLsns {
    file: File,
    id: FileId,
    order: Endianness,
    page_size: u64,
    known: HashMap<PageNo, Option<Lsn>>,
    failed: Option<io::Error>,
}

impl PageLsns {
    /// `None` if the file is no database, or has no id by which a log could know it.
    fn open(path: &Path) -> Result<Option<PageLsns>, Error> {
        let error = |source: std::io::Error| Error::Open { path: path.to_owned(), cause: source.into() };
        let mut file = File::open(path).map_err(error)?;
        let mut head = Vec::new();
        file.by_ref().take(HEAD).read_to_end(&mut head).map_err(error)?;
        let FileKind::Database(DatabaseKind { order, page_size: Some(size), file_id: Some(id), .. }) =
            FileKind::of(&head)
        else {
            return Ok(None);
        };
        let page_size = u64::from(size.get());
        Ok(Some(PageLsns { file, id, order, page_size, known: HashMap::new(), failed: None }))
    }

    /// The LSN of a page, if the file has it.
    fn of(&mut self, no: PageNo) -> Option<Lsn> {
        if let Some(known) = self.known.get(&no) {
            return *known;
        }
        let lsn = self.read(no).unwrap_or_else(|error| {
            self.failed.get_or_insert(error);
            None
        });
        self.known.insert(no, lsn);
        lsn
    }

    fn read(&mut self, no: PageNo) -> io::Result<Option<Lsn>> {
        let mut bytes = [0; 8];
        self.file.seek(SeekFrom::Start(u64::from(no.0).saturating_mul(self.page_size)))?;
        match self.file.read_exact(&mut bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let lsn = self.order.u32_at(&bytes, 0).zip(self.order.u32_at(&bytes, 4));
        Ok(lsn.map(|(file, offset)| Lsn { file, offset }))
    }
}

/// The names of databases that are open where recovery begins, and are not there: neither
/// under their names nor among these files.
fn absent(comparison: &Comparison<'_>, files: &[PathBuf], layout: &Layout) -> Vec<Vec<u8>> {
    let ids: HashSet<FileId> =
        files.iter().filter_map(|file| PageLsns::open(file).ok().flatten()).map(|pages| pages.id).collect();
    let named = comparison.open().filter(|binding| {
        !binding.name.is_empty()
            && binding.id.is_some_and(|id| !ids.contains(&id))
            && !comparison.gone.contains(binding.name)
    });
    let names: BTreeSet<&[u8]> = named.map(|binding| binding.name).collect();
    let here = |name: &[u8]| {
        let last = name.rsplit(|&byte| byte == b'/').next().unwrap_or(name);
        [name, last]
            .into_iter()
            .any(|name| std::str::from_utf8(name).is_ok_and(|name| layout.find(Path::new(name)).is_some()))
    };
    names.into_iter().filter(|name| !here(name)).map(<[u8]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::effort;

    fn of(file: &str) -> Result<Option<Pending>, PendingError> {
        let file = Path::new("testdata").join(file);
        pending(&file, &Layout::beside(&file), &LogOptions::new())
    }

    #[test]
    fn committed_changes_that_a_file_lacks_are_counted() {
        let found = of("env-log3-le-crashed/p.db").unwrap().unwrap();
        assert_eq!((found.committed, found.uncommitted), (18, 0));
        assert!(found.first < found.last && found.last < found.end);
        assert!(found.to_string().contains("has 18 committed changes not in the file ([1]["), "{found}");
        let found = of("env-log8-be-ahead/p.db").unwrap().unwrap();
        assert_eq!((found.committed, found.uncommitted), (0, 2));
    }

    #[test]
    fn a_hash_file_is_compared_too() {
        let found = of("env-log14-le-hash-recno/h.db").unwrap().unwrap();
        assert!(found.committed > 0);
    }

    #[test]
    fn nothing_is_pending_in_a_clean_environment_or_where_there_is_no_log() {
        for file in [
            "env-log3-be-clean/p.db",
            "env-log11-le-clean/p.db",
            "btree-v6-be-one/data.db",
            "env-log3-be-clean/none",
        ] {
            assert_eq!(of(file).unwrap(), None, "{file}");
        }
    }

    #[test]
    fn a_log_that_cannot_be_read_is_said() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("p.db");
        fs::copy("testdata/env-log3-le-crashed/p.db", &file).unwrap();
        let ask = || pending(&file, &Layout::beside(&file), &LogOptions::new());
        assert_eq!(ask().unwrap(), None);
        fs::write(home.path().join("DB_CONFIG"), "set_lg_dir logs\n").unwrap();
        assert!(matches!(ask(), Err(PendingError::Log(LogError::Open { .. }))), "the folder is not there");
        fs::create_dir(home.path().join("logs")).unwrap();
        let log = home.path().join("logs/log.0000000001");
        fs::copy("testdata/env-log3-le-crashed/log.0000000001", &log).unwrap();
        assert_eq!(ask().unwrap().unwrap().committed, 18);
        fs::write(&log, b"From somebody who wrote a letter").unwrap();
        assert!(ask().is_err());
        assert!(of("env-log11-le-encrypted/p.db").is_err());
    }

    #[test]
    fn a_log_is_read_once_for_all_databases() {
        for folder in ["env-log3-le-crashed", "env-log8-be-mix", "env-log14-le-hash-recno"] {
            let home = Path::new("testdata").join(folder);
            let entries = fs::read_dir(&home).unwrap().map(|entry| entry.unwrap().path());
            let files: Vec<PathBuf> =
                entries.filter(|path| PageLsns::open(path).is_ok_and(|it| it.is_some())).collect();
            let log = LogDir::open(&home).unwrap();
            let (once, _) = effort::of(|| log.records().count());
            let ask = |files: &[PathBuf]| {
                let ask = || recovery(files, &Layout::of(&home), &LogOptions::new()).unwrap().unwrap();
                let (bytes, found) = effort::of(ask);
                assert_eq!(found.files.len(), files.len());
                bytes
            };
            // Once from where recovery begins; for that place the last files, and what is among
            // them that has no checkpoint again.
            assert!(files.len() > 1 && ask(&files) < once * 3, "{folder}: {files:?}");
            assert_eq!(ask(&files), ask(&files[..1]), "{folder}");
        }
    }
}
