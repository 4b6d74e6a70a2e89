//! A log compared with the pages of databases (recovery, "Clean or crashed? Looking only at
//! files").
//!
//! The test of recovery itself, page by page: a committed change is missing if the page is
//! older than its record; a change of an unfinished transaction has to be undone if the page
//! bears the LSN of its record.

use std::collections::{HashMap, HashSet};

#[cfg(feature = "mboxlist")]
use crate::access::Database;
#[cfg(feature = "mboxlist")]
use crate::format::page::Page;
use crate::log::facts::{files, transactions};
use crate::log::record::decoded::{Decoded, Surroundings};
use crate::log::schema::Part;
use crate::log::{Binding, Event, Fate, Files, LogDir, LogError, Transactions, TxnId};
#[cfg(feature = "mboxlist")]
use crate::order::with_order;
use crate::types::{FileId, Lsn, PageNo};

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
    pub(crate) last: Lsn,
    /// Where the log ends.
    pub(crate) end: Lsn,
}

/// What the logs say from where recovery begins, ready to be compared with one file after the
/// other.
///
/// Each record is compared with its page as it is on the disk, not as earlier records
/// would leave it. Of HASH databases only changes of pairs are compared, and of QUEUE and HEAP
/// databases nothing.
pub(crate) struct Comparison<'l> {
    pub(crate) changes: Changes,
    files: Files<'l>,
    #[cfg(feature = "mboxlist")]
    transactions: Transactions<'l>,
    /// Where recovery begins.
    pub(crate) start: Lsn,
    /// Names from there on of files that are removed or get another name.
    pub(crate) gone: HashSet<&'l [u8]>,
}

/// The changes of pages from where recovery begins.
#[derive(Debug)]
pub(crate) struct Changes {
    /// Those of each file, in the order of the log; of files whose changes are not compared,
    /// none. The changes of databases that are not known are those of no file.
    of_files: HashMap<Option<FileId>, Vec<Change>>,
    /// Where the log ends.
    end: Lsn,
    /// The first damage from where recovery begins.
    damage: Option<LogError>,
    /// Whether there is none, and no change.
    quiet: bool,
}

/// A change of a page.
#[derive(Clone, Copy, Debug)]
struct Change {
    lsn: Lsn,
    page: PageNo,
    lot: Lot,
}

/// What recovery does with a record: keeps what it did, undoes it, or cannot know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lot {
    Kept,
    Undone,
    Undecided,
}

/// What a record says of a database: that it changes a page, or only that it is there.
struct Said {
    lsn: Lsn,
    number: i32,
    txn: Option<TxnId>,
    page: Option<PageNo>,
}

/// What the records say, before it is known of which files.
#[derive(Default)]
struct Sayings {
    list: Vec<Said>,
    /// Numbers that something was said of since they got their meaning.
    spoken: HashSet<i32>,
    /// Numbers of which it was told what they mean.
    told: HashSet<i32>,
    /// The first changes under numbers of which it was not.
    untold: HashMap<i32, Lsn>,
}

impl Sayings {
    fn hear(&mut self, decoded: &Decoded<'_>, event: &Event<'_>) {
        if let Event::Register(register) = event {
            self.told.insert(register.file);
            self.spoken.remove(&register.file);
            return;
        }
        let Some(number) = decoded.database() else { return };
        let record = decoded.record();
        let (lsn, txn) = (record.lsn(), record.txn());
        let said = |page| Said { lsn, number, txn, page };
        let before = self.list.len();
        self.list.extend(changed(decoded, event).map(|page| said(Some(page))));
        let changes = self.list.len() > before;
        if changes && !self.told.contains(&number) {
            self.untold.entry(number).or_insert(lsn);
        }
        // That a database is spoken of need not be said twice.
        if self.spoken.insert(number) && !changes {
            self.list.push(said(None));
        }
    }
}

/// The pages that a record changes, as far as changes of its kind are compared.
fn changed<'a>(decoded: &Decoded<'a>, event: &Event<'a>) -> impl Iterator<Item = PageNo> + use<'a> {
    let compared = !matches!(event, Event::Other);
    let order = decoded.record().endianness();
    let around = Surroundings { meta: PageNo::META, items: order, images: order };
    let own = decoded.touched(around).filter(|page| page.part == Part::Own).map(|page| page.page);
    own.filter(move |_| compared)
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
        Ok(Comparison::from(logs, logs.recovery_start()?, || logs.files()))
    }

    /// The same, for one who knows where recovery begins, and perhaps all databases of the log.
    pub(crate) fn from(logs: &'l LogDir, start: Lsn, all: impl FnOnce() -> Files<'l>) -> Comparison<'l> {
        let mut files = files::Reading::default();
        let mut transactions = transactions::Reading::default();
        let mut sayings = Sayings::default();
        let mut gone = HashSet::new();
        let (mut end, mut damage) = (Lsn::default(), None);
        for record in logs.records().from(start) {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    damage.get_or_insert(error);
                    files.next(None);
                    transactions.next(None);
                    continue;
                }
            };
            let lsn = record.lsn();
            end = Lsn { file: lsn.file, offset: lsn.offset.saturating_add(record.size()) };
            let decoded = record.decode();
            let event = decoded.as_ref().map_or(Event::Other, Decoded::event);
            files.next(Some((&record, event)));
            transactions.next(Some((&record, event)));
            if let Ok(decoded) = &decoded {
                sayings.hear(decoded, &event);
            }
            if let Event::FileRemove { name } | Event::FileRename { old: name, .. } = event {
                gone.insert(name);
            }
        }
        let (mut files, transactions) = (files.end(), transactions.end());
        let unknown = sayings.untold.iter().any(|(&number, &lsn)| files.at(lsn, number).is_none());
        // Before the start there may be nothing.
        let first = || logs.records().flatten().next().map(|record| record.lsn());
        if unknown && first().is_some_and(|first| first < start) {
            files = all();
        }
        let quiet = damage.is_none() && !sayings.list.iter().any(|said| said.page.is_some());
        let mut of_files: HashMap<Option<FileId>, Vec<Change>> = HashMap::new();
        for Said { lsn, number, txn, page } in sayings.list {
            let id = files.at(lsn, number).and_then(|binding| binding.id);
            let changes = of_files.entry(id).or_default();
            changes.extend(page.map(|page| Change { lsn, page, lot: lot(&transactions, txn, lsn) }));
        }
        Comparison {
            changes: Changes { of_files, end, damage, quiet },
            files,
            #[cfg(feature = "mboxlist")]
            transactions,
            start,
            gone,
        }
    }

    /// The databases that are open from where recovery begins.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Binding<'l>> {
        self.files.bindings().filter(|binding| binding.to.is_none_or(|to| to >= self.start))
    }

    /// The ids of the files that records from the point where recovery begins concern, of
    /// whatever access method; `None` if one of them names a database that is not known. That a
    /// database is open is no change to it.
    #[cfg(feature = "mboxlist")]
    pub(crate) fn concerned(&self) -> Option<HashSet<FileId>> {
        self.changes.of_files.keys().copied().collect()
    }

    /// The names that unfinished transactions gave to files, as they do to new ones:
    /// recovery takes them away from a file that has the id.
    #[cfg(feature = "mboxlist")]
    pub(crate) fn unfinished_names(&self) -> HashMap<FileId, (&'l [u8], Lsn)> {
        let mut names = HashMap::new();
        for rename in self.files.renames().filter(|rename| rename.at >= self.start) {
            let Some(id) = rename.id else { continue };
            if lot(&self.transactions, rename.txn, rename.at) == Lot::Kept {
                names.remove(&id);
            } else {
                names.insert(id, (rename.new, rename.at));
            }
        }
        names
    }

    /// # Errors
    ///
    /// Damage behind where recovery begins.
    #[cfg(feature = "mboxlist")]
    pub(crate) fn with(&self, file: &Database<'_>) -> Result<Compared, LogError> {
        self.changes.of_file(file.meta().file_id(), |no| page_lsn(file, no))
    }
}

impl Changes {
    /// Whether the log can be read from where recovery begins, and changes no page.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Where the log ends.
    ///
    /// # Errors
    ///
    /// Damage behind where recovery begins.
    pub(crate) fn end(&self) -> Result<Lsn, LogError> {
        self.damage.clone().map_or(Ok(self.end), Err)
    }

    /// The file with this id, whose pages have these LSNs.
    ///
    /// # Errors
    ///
    /// Damage behind where recovery begins.
    pub(crate) fn of_file(
        &self,
        id: FileId,
        mut lsn_of: impl FnMut(PageNo) -> Option<Lsn>,
    ) -> Result<Compared, LogError> {
        let mut found = Compared { end: self.end()?, ..Compared::default() };
        for &Change { lsn, page, lot } in self.of_files.get(&Some(id)).into_iter().flatten() {
            let at = lsn_of(page);
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
        Ok(found)
    }
}

fn lot(transactions: &Transactions<'_>, txn: Option<TxnId>, lsn: Lsn) -> Lot {
    let Some(id) = txn else { return Lot::Kept };
    match transactions.index_of(id, lsn).map(|index| transactions.fate(index)) {
        Some(Fate::Committed { .. }) => Lot::Kept,
        // A prepared transaction is restored, and its records are needed for that.
        Some(Fate::Prepared | Fate::Unknown) | None => Lot::Undecided,
        Some(_) => Lot::Undone,
    }
}

/// The LSN of a page, if the file has it.
#[cfg(feature = "mboxlist")]
pub(crate) fn page_lsn(file: &Database<'_>, no: PageNo) -> Option<Lsn> {
    with_order!(file.meta().endianness(), O => {
        file.pages().raw(no).and_then(Page::<O>::new).map(|page| page.lsn())
    })
}
