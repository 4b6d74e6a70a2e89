//! Whether logs hold changes that a file lacks, or a file changes that the logs take back
//! (upgrade, "Environment and logs"; recovery, "Clean or crashed? Looking only at files").
//!
//! The test of recovery itself, page by page: a committed change is missing if the page is
//! older than its record; a change of an unfinished transaction has to be undone if the page
//! bears the LSN of its record.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::layout::{Layout, Origin};
#[cfg(feature = "upgrade")]
use crate::access::Database;
use crate::error::Error;
#[cfg(feature = "upgrade")]
use crate::format::page::Page;
use crate::log::{Event, Fate, Files, LogDir, LogError, LogOptions, Record, Transactions};
use crate::meta::{DatabaseKind, FileKind};
use crate::order::Endianness;
#[cfg(feature = "upgrade")]
use crate::order::with_order;
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
/// done to a file as a whole. Reads the log from where recovery would begin, twice at most if the
/// log tells there which databases are open, and not at all if there is no log; and of the file
/// the places of pages that the log names. Nothing else is read, and nothing is written.
///
/// # Errors
///
/// The log or the file cannot be read, or the log is damaged where recovery would need it: then
/// it is not known whether something is missing. A file that is no database has no log, and is
/// no error.
pub fn pending(file: &Path, layout: &Layout, options: &LogOptions) -> Result<Option<Pending>, PendingError> {
    match open(layout, options)? {
        Some(dir) => Comparison::new(&dir)?.pending(file, &layout.logs().path),
        None => Ok(None),
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
/// once for all of them, and once for each that it speaks of.
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
    let logs = &layout.logs().path;
    let absent = comparison.absent(files, layout);
    let files = files.iter().map(|file| comparison.pending(file, logs)).collect();
    Ok(Some(Recovery { files, absent }))
}

/// The log of an environment, if there is one. Where it was said to be, it has to be.
fn open(layout: &Layout, options: &LogOptions) -> Result<Option<LogDir>, PendingError> {
    match options.open_dir(&layout.logs().path) {
        Ok(dir) => Ok(Some(dir)),
        Err(LogError::NoLogs { .. }) if layout.logs().origin == Origin::Home => Ok(None),
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
        let error = |source| Error::Open { path: path.to_owned(), cause: source };
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

/// What a comparison found of one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Compared {
    /// Changes of finished transactions that pages lack.
    pub(crate) redo: u64,
    /// Changes of unfinished transactions that pages have.
    pub(crate) undo: u64,
    /// The first such record.
    pub(crate) first: Option<Lsn>,
    /// The last one.
    last: Lsn,
    /// Where the log ends.
    pub(crate) end: Lsn,
}

/// What the logs say, ready to be compared with one file after the other.
///
/// Each record is compared with its page as it is on the disk, not as earlier records
/// would leave it. Of HASH databases only changes of pairs are compared, and of QUEUE and HEAP
/// databases nothing.
pub(crate) struct Comparison<'l> {
    logs: &'l LogDir,
    files: Files<'l>,
    transactions: Transactions<'l>,
    /// Where recovery begins.
    pub(crate) start: Lsn,
    /// Whether the log can be read from there on.
    whole: bool,
    /// Whether it can, and changes no page.
    quiet: bool,
    /// Names from there on of files that are removed or get another name.
    gone: HashSet<&'l [u8]>,
}

impl<'l> Comparison<'l> {
    /// Reads the logs from where recovery begins, as it does: transactions that ended before
    /// do not matter, and which databases are open is told again there. If it is not, the logs
    /// are read from their beginning on for that.
    ///
    /// # Errors
    ///
    /// Damage behind the last checkpoint.
    pub(crate) fn new(logs: &'l LogDir) -> Result<Comparison<'l>, LogError> {
        let start = start(logs)?;
        let mut transactions = Transactions::begin();
        let (mut whole, mut changed) = (true, false);
        let mut gone = HashSet::new();
        let mut told = HashSet::new();
        let mut unknown = HashMap::new();
        let records = logs.records().from(start).inspect(|record| {
            transactions.next(record.as_ref().ok());
            let Ok(record) = record else {
                whole = false;
                return;
            };
            match record.event() {
                Event::Register(register) => drop(told.insert(register.file)),
                Event::FileRemove { name } | Event::FileRename { old: name, .. } => drop(gone.insert(name)),
                _ => {}
            }
            if let Some((number, _)) = touches(record) {
                changed = true;
                if !told.contains(&number) {
                    unknown.entry(number).or_insert(record.lsn());
                }
            }
        });
        let mut files = Files::of(records);
        if unknown.iter().any(|(&number, &lsn)| files.at(lsn, number).is_none()) {
            files = logs.files();
        }
        let quiet = whole && !changed;
        Ok(Comparison { logs, files, transactions: transactions.end(), start, whole, quiet, gone })
    }
    /// What is pending for a file. A file that is no database is not in the log.
    fn pending(&self, file: &Path, logs: &Path) -> Result<Option<Pending>, PendingError> {
        if self.quiet || !fs::metadata(file).is_ok_and(|kind| kind.is_file()) {
            return Ok(None);
        }
        let Some(mut pages) = PageLsns::open(file)? else { return Ok(None) };
        let file_id = pages.id;
        let known = self.files.bindings().any(|binding| binding.id == Some(file_id));
        if !known && self.whole {
            return Ok(None);
        }
        let found = self.of_file(file_id, |no| pages.of(no))?;
        if let Some(source) = pages.failed {
            return Err(Error::Open { path: file.to_owned(), cause: source }.into());
        }
        let Compared { redo: committed, undo: uncommitted, first, last, end } = found;
        let logs = logs.to_owned();
        Ok(first.map(|first| Pending { committed, uncommitted, first, last, end, file_id, logs }))
    }

    /// The names of databases that are open where recovery begins, and are not there: neither
    /// under their names nor among these files.
    fn absent(&self, files: &[PathBuf], layout: &Layout) -> Vec<Vec<u8>> {
        let ids: HashSet<FileId> = files
            .iter()
            .filter_map(|file| PageLsns::open(file).ok().flatten())
            .map(|pages| pages.id)
            .collect();
        let open = self.files.bindings().filter(|binding| binding.to.is_none_or(|to| to >= self.start));
        let named = open.filter(|binding| {
            !binding.name.is_empty()
                && binding.id.is_some_and(|id| !ids.contains(&id))
                && !self.gone.contains(binding.name)
        });
        let names: BTreeSet<&[u8]> = named.map(|binding| binding.name).collect();
        let here = |name: &[u8]| {
            let last = name.rsplit(|&byte| byte == b'/').next().unwrap_or(name);
            [name, last].into_iter().any(|name| {
                std::str::from_utf8(name).is_ok_and(|name| layout.find(Path::new(name)).is_some())
            })
        };
        names.into_iter().filter(|name| !here(name)).map(<[u8]>::to_vec).collect()
    }

    /// The ids of the files that records from the point where recovery begins concern, of
    /// whatever access method; `None` if one of them names a database that is not known.
    ///
    /// # Errors
    ///
    /// A record cannot be read.
    #[cfg(feature = "upgrade")]
    pub(crate) fn concerned(&self) -> Result<Option<HashSet<FileId>>, LogError> {
        let mut files = HashSet::new();
        for record in self.logs.records().from(self.start) {
            let record = record?;
            // That a database is open is no change to it.
            let Some(number) = record.field("fileid").and_then(crate::log::Value::signed) else { continue };
            if matches!(record.event(), Event::Register(_)) {
                continue;
            }
            match self.files.at(record.lsn(), number).map(|binding| binding.id) {
                Some(Some(id)) => files.insert(id),
                _ => return Ok(None),
            };
        }
        Ok(Some(files))
    }

    /// What the logs say of the databases, whatever their files.
    #[cfg(feature = "upgrade")]
    pub(crate) fn files(&self) -> &Files<'l> {
        &self.files
    }

    /// The names that unfinished transactions gave to files, as they do to new ones:
    /// recovery takes them away from a file that has the id.
    ///
    /// # Errors
    ///
    /// Damage behind where recovery begins.
    #[cfg(feature = "upgrade")]
    pub(crate) fn unfinished_names(&self) -> Result<HashMap<FileId, (&'l [u8], Lsn)>, LogError> {
        let mut names = HashMap::new();
        for record in self.logs.records().from(self.start) {
            let record = record?;
            if let Event::FileRename { new, id: Some(id), .. } = record.event() {
                if matches!(lot(&self.transactions, &record), Lot::Kept) {
                    names.remove(&id);
                } else {
                    names.insert(id, (new, record.lsn()));
                }
            }
        }
        Ok(names)
    }

    /// # Errors
    ///
    /// Damage behind where recovery begins.
    #[cfg(feature = "upgrade")]
    pub(crate) fn with(&self, file: &Database<'_>) -> Result<Compared, LogError> {
        self.of_file(file.meta().file_id(), |no| page_lsn(file, no))
    }

    /// The file with this id, whose pages have these LSNs.
    ///
    /// # Errors
    ///
    /// Damage behind where recovery begins.
    fn of_file(
        &self,
        id: FileId,
        mut lsn_of: impl FnMut(PageNo) -> Option<Lsn>,
    ) -> Result<Compared, LogError> {
        let mut found = Compared::default();
        for record in self.logs.records().from(self.start) {
            let record = record?;
            let lsn = record.lsn();
            found.end = Lsn { file: lsn.file, offset: lsn.offset.saturating_add(record.size()) };
            let Some((number, pages)) = touches(&record) else { continue };
            if self.files.at(lsn, number).is_none_or(|binding| binding.id != Some(id)) {
                continue;
            }
            let lot = lot(&self.transactions, &record);
            for no in pages.into_iter().flatten() {
                let at = lsn_of(no);
                let (lacks, has) = match lot {
                    Lot::Kept => (at.is_none_or(|at| at < lsn), false),
                    Lot::Undone => (false, at == Some(lsn)),
                    Lot::Undecided => (true, false),
                };
                found.redo = found.redo.saturating_add(lacks.into());
                found.undo = found.undo.saturating_add(has.into());
                if lacks || has {
                    found.first.get_or_insert(lsn);
                    found.last = lsn;
                }
            }
        }
        Ok(found)
    }
}

/// Where recovery begins: before it everything is in the files.
fn start(logs: &LogDir) -> Result<Lsn, LogError> {
    for record in logs.records_back() {
        let record = record?;
        if let Event::Checkpoint { lsn, .. } = record.event() {
            return Ok(lsn.min(record.lsn()));
        }
    }
    Ok(Lsn::default())
}

/// What recovery does with a record: keeps what it did, undoes it, or cannot know.
enum Lot {
    Kept,
    Undone,
    Undecided,
}

fn lot(transactions: &Transactions<'_>, record: &Record<'_>) -> Lot {
    let Some(id) = record.txn() else { return Lot::Kept };
    match transactions.index_of(id, record.lsn()).map(|index| transactions.fate(index)) {
        Some(Fate::Committed { .. }) => Lot::Kept,
        // A prepared transaction is restored, and its records are needed for that.
        Some(Fate::Prepared | Fate::Unknown) | None => Lot::Undecided,
        Some(_) => Lot::Undone,
    }
}

/// The pages that a record changes, and the log's number of their database.
fn touches(record: &Record<'_>) -> Option<(i32, [Option<PageNo>; 2])> {
    Some(match record.event() {
        Event::Item { place, .. }
        | Event::Delete { place }
        | Event::Replace { place, .. }
        | Event::Slot { place, .. }
        | Event::Overflow { place, .. }
        | Event::Image { place, .. }
        | Event::Merge { place, .. }
        | Event::Refer { place, .. }
        | Event::Allocate { place, .. }
        | Event::Free { place, .. }
        | Event::Pair { place, .. }
        | Event::HashReplace { place, .. } => (place.file, [Some(place.page), None]),
        Event::Split { file, left, right, .. } => (file, [Some(left), Some(right)]),
        Event::Collapse { file, root, .. } => (file, [Some(root), None]),
        _ => return None,
    })
}

/// The LSN of a page, if the file has it.
#[cfg(feature = "upgrade")]
pub(crate) fn page_lsn(file: &Database<'_>, no: PageNo) -> Option<Lsn> {
    with_order!(file.meta().endianness(), O => {
        file.pages().raw(no).and_then(Page::<O>::new).map(|page| page.lsn())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
