//! Whether logs hold changes that a file lacks, or a file changes that the logs take back
//! (upgrade, "Environment and logs"; recovery, "Clean or crashed? Looking only at files").
//!
//! The test of recovery itself, page by page: a committed change is missing if the page is
//! older than its record; a change of an unfinished transaction has to be undone if the page
//! bears the LSN of its record.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use byteorder::ByteOrder;

use super::choices::Choices;
use super::config::log_folder;
use super::error::{Refusal, Result, UpgradeError, counted};
use super::notice::Notice;
use crate::btree::Database;
use crate::format::page::{Page, PageKind};
use crate::journal;
use crate::log::{Event, Fate, Files, LogDir, LogError, Record, Transactions, Value};
use crate::order::with_order;
use crate::types::{FileId, Lsn, PageNo};

/// What logs say about a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pending {
    /// Changes of finished transactions that pages lack.
    pub(crate) redo: u64,
    /// Changes of unfinished transactions that pages have.
    pub(crate) undo: u64,
    /// The first such record.
    pub(crate) first: Option<Lsn>,
    /// Where the log ends.
    pub(crate) end: Lsn,
    /// The highest LSN on a page.
    pub(crate) highest: Lsn,
}

/// Region files of an environment (upgrade, "Environment and logs").
pub(crate) fn is_region(name: &str) -> bool {
    let number = name
        .strip_prefix("__db.")
        .is_some_and(|rest| rest.len() == 3 && rest.bytes().all(|byte| byte.is_ascii_digit()));
    let early = ["mpool", "lock", "log", "txn"].iter().any(|region| name == format!("__db_{region}.share"));
    number || early
}

/// Refuses a file that may be in use, or that its logs have not finished with: that first,
/// for it says what to do.
pub(crate) fn check_logs(file: &Database<'_>, path: &Path, choices: &Choices) -> Result<Option<Notice>> {
    let home = choices.home.as_deref().unwrap_or_else(|| journal::directory(path));
    let region = region(home).filter(|_| !choices.assume_closed);
    let notice = compare(file, home, region.is_some(), choices)?;
    match region {
        Some(file) => Err(Refusal::Environment { file }.into()),
        None => Ok(notice),
    }
}

fn compare(file: &Database<'_>, home: &Path, regions: bool, choices: &Choices) -> Result<Option<Notice>> {
    let folder = log_folder(home);
    let error = |source| UpgradeError::Log { folder: folder.clone(), source };
    let logs = match LogDir::open(&folder) {
        Ok(_) if choices.ignore_logs => return Ok(Some(Notice::LogsIgnored)),
        Ok(logs) => logs,
        // Where logs were said to be, their absence is worth a word.
        Err(LogError::NoLogs { .. }) if folder == home && choices.home.is_none() => return Ok(None),
        Err(_) if choices.ignore_logs => return Ok(Some(Notice::LogsIgnored)),
        Err(source) => return Err(error(source)),
    };
    let pending = pending(&logs, file).map_err(error)?;
    if let Some(from) = pending.first {
        let running = if regions { "; region files are there: it may be in use" } else { "" };
        let why = format!(
            "{} not in the file, {} in it{running}",
            counted(pending.redo, "committed change"),
            counted(pending.undo, "uncommitted one")
        );
        return Err(Refusal::Recovery { why, from, to: pending.end }.into());
    }
    let foreign = pending.highest > pending.end;
    Ok(foreign.then(|| Notice::ForeignLog {
        text: format!(
            "pages are newer ({}) than the end of the log ({}): reset the LSNs before a new environment uses the file",
            pending.highest, pending.end
        ),
    }))
}

fn region(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok())
        .filter(|entry| entry.file_name().to_str().is_some_and(is_region))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found.into_iter().next()
}

/// Compares the records from the last checkpoint on with the pages of a file.
pub(crate) fn pending(logs: &LogDir, file: &Database<'_>) -> std::result::Result<Pending, LogError> {
    Comparison::new(logs)?.with(file)
}

/// What the logs say, ready to be compared with one file after the other.
///
/// Each record is compared with its page as it is on the disk, not as earlier records
/// would leave it, and of HASH, QUEUE and HEAP databases nothing is compared.
pub(crate) struct Comparison<'l> {
    logs: &'l LogDir,
    files: Files<'l>,
    transactions: Transactions<'l>,
    /// Where recovery begins.
    pub(crate) start: Lsn,
}

impl<'l> Comparison<'l> {
    /// # Errors
    ///
    /// Damage behind the last checkpoint.
    pub(crate) fn new(logs: &'l LogDir) -> std::result::Result<Comparison<'l>, LogError> {
        let (files, transactions) = (logs.files(), logs.transactions());
        Ok(Comparison { logs, files, transactions, start: start(logs)? })
    }

    /// The ids of the files that records from the point where recovery begins concern, of
    /// whatever access method; `None` if one of them names a database that is not known.
    ///
    /// # Errors
    ///
    /// A record cannot be read.
    pub(crate) fn concerned(&self) -> std::result::Result<Option<HashSet<FileId>>, LogError> {
        let mut files = HashSet::new();
        for record in self.logs.records().from(self.start) {
            let record = record?;
            // That a database is open is no change to it.
            let Some(number) = record.field("fileid").and_then(Value::signed) else { continue };
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
    pub(crate) fn files(&self) -> &Files<'l> {
        &self.files
    }

    /// The names that unfinished transactions gave to files, as they do to new ones:
    /// recovery takes them away from a file that has the id.
    ///
    /// # Errors
    ///
    /// Damage behind where recovery begins.
    pub(crate) fn unfinished_names(&self) -> std::result::Result<HashMap<FileId, (&'l [u8], Lsn)>, LogError> {
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
    pub(crate) fn with(&self, file: &Database<'_>) -> std::result::Result<Pending, LogError> {
        with_order!(file.meta().endianness(), O => self.with_order::<O>(file))
    }

    fn with_order<O: ByteOrder>(&self, file: &Database<'_>) -> std::result::Result<Pending, LogError> {
        let mut pending = Pending { highest: highest::<O>(file), ..Pending::default() };
        let id = file.meta().file_id();
        for record in self.logs.records().from(self.start) {
            let record = record?;
            let lsn = record.lsn();
            pending.end = Lsn { file: lsn.file, offset: lsn.offset.saturating_add(record.size()) };
            let Some((number, pages)) = touches(&record) else { continue };
            if self.files.at(lsn, number).is_none_or(|binding| binding.id != Some(id)) {
                continue;
            }
            let lot = lot(&self.transactions, &record);
            for no in pages.into_iter().flatten() {
                let at = lsn_of::<O>(file, no);
                let (lacks, has) = match lot {
                    Lot::Kept => (at.is_none_or(|at| at < lsn), false),
                    Lot::Undone => (false, at == Some(lsn)),
                    Lot::Undecided => (true, false),
                };
                pending.redo = pending.redo.saturating_add(lacks.into());
                pending.undo = pending.undo.saturating_add(has.into());
                if (lacks || has) && pending.first.is_none() {
                    pending.first = Some(lsn);
                }
            }
        }
        Ok(pending)
    }
}

/// The highest LSN of a file, pages apart on which it means nothing.
pub(crate) fn highest_lsn(file: &Database<'_>) -> Lsn {
    with_order!(file.meta().endianness(), O => highest::<O>(file))
}

/// Where recovery begins: before it everything is in the files.
fn start(logs: &LogDir) -> std::result::Result<Lsn, LogError> {
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
        | Event::Free { place, .. } => (place.file, [Some(place.page), None]),
        Event::Split { file, left, right, .. } => (file, [Some(left), Some(right)]),
        Event::Collapse { file, root, .. } => (file, [Some(root), None]),
        _ => return None,
    })
}

/// The LSN of a page, if the file has it.
pub(crate) fn page_lsn(file: &Database<'_>, no: PageNo) -> Option<Lsn> {
    with_order!(file.meta().endianness(), O => lsn_of::<O>(file, no))
}

fn lsn_of<O: ByteOrder>(file: &Database<'_>, no: PageNo) -> Option<Lsn> {
    file.pages().raw(no).and_then(Page::<O>::new).map(|page| page.lsn())
}

/// The highest LSN of the file, free pages and such chains apart.
fn highest<O: ByteOrder>(file: &Database<'_>) -> Lsn {
    let pages = (0..file.page_count()).map(PageNo).filter_map(|no| {
        let page = file.pages().raw(no).and_then(Page::<O>::new)?;
        let kind = PageKind::from_byte(page.type_byte());
        let counts =
            no == PageNo::META || !matches!(kind, None | Some(PageKind::Invalid | PageKind::Duplicate));
        (counts && page.lsn().file != 0).then(|| page.lsn())
    });
    pages.max().unwrap_or_default()
}
