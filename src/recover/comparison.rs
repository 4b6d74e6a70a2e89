//! A log compared with the pages of databases as they stand (recovery, "Clean or crashed? Looking only at
//! files").
//!
//! The test of recovery itself, page by page: a committed change is missing if the page is
//! older than its record; a change of an unfinished transaction has to be undone if the page
//! bears the LSN of its record. Where no page shows either, and the log has nothing that pages
//! do not show, recovery would change nothing. Everything else only recovery itself can tell.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::log::facts::{files, transactions};
use crate::log::record::decoded::{Decoded, Surroundings};
use crate::log::schema::{Name, Op, Part};
use crate::log::{Binding, Event, Fate, Files, LogDir, LogError, Transactions, TxnId};
use crate::types::{FileId, Lsn, PageNo};

/// What a comparison found of one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Compared {
    /// Changes of finished transactions that pages lack.
    pub(super) redo: u64,
    /// Changes of unfinished transactions that pages have.
    pub(super) undo: u64,
    /// Changes of transactions of which somebody else decides.
    pub(super) undecided: u64,
    /// The first such record.
    pub(super) first: Option<Lsn>,
    /// The last one.
    pub(super) last: Lsn,
    /// Whether only recovery tells what it would do.
    pub(super) open: bool,
}

/// The changes of pages from where recovery begins, ready to be compared with one file after the
/// other.
///
/// Each record is compared with its page as it is on the disk, not as earlier records
/// would leave it.
#[derive(Debug)]
pub(super) struct Changes {
    /// Those of each file. The changes of databases that are not known are those of no file.
    of_files: HashMap<Option<FileId>, OfFile>,
    /// Where recovery begins.
    pub(super) start: Lsn,
    /// Where the log ends.
    pub(super) end: Lsn,
    /// The first damage from where recovery begins.
    damage: Option<LogError>,
    /// Where the records end that can be read without a gap.
    pub(super) until: Lsn,
    /// The names from there on of files that are made, removed, written as a whole, or get another
    /// name: the last parts.
    pub(super) renamed: HashSet<Vec<u8>>,
}

/// The changes of one file.
#[derive(Debug, Default)]
struct OfFile {
    /// In the order of the log.
    changes: Vec<Change>,
    /// Whether there are some that LSNs of pages do not tell.
    beyond: bool,
}

/// A change of a page.
#[derive(Clone, Copy, Debug)]
struct Change {
    lsn: Lsn,
    page: PageNo,
    lot: Lot,
    /// Whether the page is that of the change itself, and not one that is changed with it.
    own: bool,
}

/// What recovery does with a record: keeps what it did, undoes it, or cannot know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lot {
    Kept,
    Undone,
    Undecided,
}

/// What a record says of a database.
struct Said {
    lsn: Lsn,
    number: i32,
    txn: Option<TxnId>,
    what: What,
}

enum What {
    /// That it is there.
    There,
    /// That it changes as pages do not tell.
    Beyond,
    /// That this page of it changes; whether that is the page of the change itself.
    Page(PageNo, bool),
}

/// What records say of databases, and what is known of their numbers.
#[derive(Default)]
struct Sayings {
    list: Vec<Said>,
    /// Numbers that were spoken of since they mean what they mean.
    spoken: HashSet<i32>,
    /// Those of which it was told what they mean.
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
        let said = |what| Said { lsn, number, txn, what };
        let before = self.list.len();
        if is_told_by_pages(decoded.op()) {
            let compared = !matches!(event, Event::Other);
            let order = record.endianness();
            let around = Surroundings { meta: PageNo::META, items: order, images: order };
            let pages = decoded.touched(around);
            self.list
                .extend(pages.map(|page| said(What::Page(page.page, compared && page.part == Part::Own))));
        } else {
            self.list.push(said(What::Beyond));
        }
        let changes = self.list.len() > before;
        if changes && !self.told.contains(&number) {
            self.untold.entry(number).or_insert(lsn);
        }
        // That a database is spoken of need not be said twice.
        if self.spoken.insert(number) && !changes {
            self.list.push(said(What::There));
        }
    }
}

/// Whether the LSNs of its pages tell of a record what recovery would do with it: of those of QUEUE
/// and HEAP, and of those about whole files and groups of pages, they do not.
fn is_told_by_pages(op: Op) -> bool {
    matches!(
        op,
        Op::Addrem
            | Op::SplitPage
            | Op::Big
            | Op::Ovref
            | Op::Relink
            | Op::AddPage
            | Op::PgAlloc
            | Op::PgFree
            | Op::PgFreedata
            | Op::PgPrepare
            | Op::PgInit
            | Op::PgSort
            | Op::PgTrunc
            | Op::Realloc
            | Op::Merge
            | Op::Pgno
            | Op::Split
            | Op::Rsplit
            | Op::Adj
            | Op::Cadjust
            | Op::Cdel
            | Op::Repl
            | Op::Irep
            | Op::Root
            | Op::Curadj
            | Op::Debug
            | Op::Insdel
            | Op::Newpage
            | Op::SplitMeta
            | Op::SplitData
            | Op::Replace
            | Op::NewPgno
            | Op::CopyPage
    )
}

/// The last part of a name in the log.
pub(super) fn last_part(name: &[u8]) -> &[u8] {
    let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
    name.rsplit(|&byte| byte == b'/').next().unwrap_or(name)
}

/// A log that was read from where recovery begins: its changes, and the databases that are open
/// there, by name and id.
pub(super) struct Read {
    pub(super) changes: Changes,
    pub(super) open: Vec<(Vec<u8>, Option<FileId>)>,
}

impl Read {
    /// Reads the log from where recovery begins, as it does: transactions that ended before
    /// do not matter, and which databases are open is told again there. If it is not, the log
    /// is read from its beginning on for that: `all`.
    pub(super) fn of<'l>(logs: &'l LogDir, start: Lsn, all: impl FnOnce() -> Files<'l>) -> Read {
        let mut files = files::Reading::default();
        let mut transactions = transactions::Reading::default();
        let mut sayings = Sayings::default();
        let (mut gone, mut renamed) = (HashSet::new(), HashSet::new());
        let (mut end, mut until, mut damage) = (Lsn::default(), start, None);
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
            if damage.is_none() {
                until = end;
            }
            let decoded = record.decode();
            let event = decoded.as_ref().map_or(Event::Other, Decoded::event);
            files.next(Some((&record, event)));
            transactions.next(Some((&record, event)));
            // What is not to last says nothing.
            if let Some(decoded) = decoded.ok().filter(|_| !record.debug()) {
                sayings.hear(&decoded, &event);
                let (name, other) = names_of(&decoded);
                renamed.extend([name, other].into_iter().flatten().map(last_part).map(<[u8]>::to_vec));
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
        let mut of_files: HashMap<Option<FileId>, OfFile> = HashMap::new();
        for Said { lsn, number, txn, what } in sayings.list {
            let id = files.at(lsn, number).and_then(|binding| binding.id);
            let of_file = of_files.entry(id).or_default();
            match what {
                What::There => {}
                What::Beyond => of_file.beyond = true,
                What::Page(page, own) => {
                    of_file.changes.push(Change { lsn, page, lot: lot(&transactions, txn, lsn), own });
                }
            }
        }
        let is_open = |binding: &&Binding<'_>| {
            binding.to.is_none_or(|to| to >= start)
                && !binding.name.is_empty()
                && !gone.contains(binding.name)
        };
        let open: BTreeSet<_> = files.bindings().filter(is_open).map(|open| (open.name, open.id)).collect();
        Read {
            changes: Changes { of_files, start, end, damage, until, renamed },
            open: open.into_iter().map(|(name, id)| (name.to_vec(), id)).collect(),
        }
    }
}

/// The names of files that a record makes, removes, renames or writes to.
fn names_of<'a>(record: &Decoded<'a>) -> (Option<&'a [u8]>, Option<&'a [u8]>) {
    match record.op() {
        Op::FileCreate | Op::FileRemove | Op::FileReplace | Op::FileWrite | Op::Metapage => {
            (record.bytes(Name::name), None)
        }
        Op::FileRename => {
            (record.bytes(Name::oldname).or(record.bytes(Name::name)), record.bytes(Name::newname))
        }
        _ => (None, None),
    }
}

impl Changes {
    /// Whether the log can be read from where recovery begins, and changes nothing.
    pub(super) fn is_quiet(&self) -> bool {
        self.damage.is_none()
            && self.renamed.is_empty()
            && self.of_files.values().all(|of_file| of_file.changes.is_empty() && !of_file.beyond)
    }

    /// The damage from where recovery begins.
    pub(super) fn damage(&self) -> Option<&LogError> {
        self.damage.as_ref()
    }

    /// The ids of the files that records from the point where recovery begins concern, of
    /// whatever access method; `None` if one of them names a database that is not known. That a
    /// database is open is no change to it.
    #[cfg(feature = "mboxlist")]
    pub(super) fn concerned(&self) -> Option<HashSet<FileId>> {
        self.of_files.keys().copied().collect()
    }

    /// The ids of the files that change.
    pub(super) fn files(&self) -> impl Iterator<Item = Option<FileId>> {
        let changing = |(_, of_file): &(&_, &OfFile)| of_file.beyond || !of_file.changes.is_empty();
        self.of_files.iter().filter(changing).map(|(id, _)| *id)
    }

    /// Whether a file has changes that LSNs of pages do not tell.
    pub(super) fn go_beyond(&self, id: FileId) -> bool {
        self.of_files.get(&Some(id)).is_some_and(|of_file| of_file.beyond)
    }

    /// The file with this id, whose pages have these LSNs.
    ///
    /// # Errors
    ///
    /// Damage behind where recovery begins.
    pub(super) fn of_file(
        &self,
        id: FileId,
        mut lsn_of: impl FnMut(PageNo) -> Option<Lsn>,
    ) -> Result<Compared, LogError> {
        if let Some(damage) = &self.damage {
            return Err(damage.clone());
        }
        let Some(of_file) = self.of_files.get(&Some(id)) else { return Ok(Compared::default()) };
        let mut found = Compared { open: of_file.beyond, ..Compared::default() };
        for &Change { lsn, page, lot, own } in &of_file.changes {
            let at = lsn_of(page);
            let (lacks, has) = match lot {
                Lot::Kept => (at.is_none_or(|at| at < lsn), false),
                Lot::Undone => (false, at == Some(lsn)),
                Lot::Undecided => (true, false),
            };
            // A page that is not there or was never written may be one that comes or goes.
            let unsure = lot == Lot::Undone && at.is_none_or(|at| at.file == 0);
            found.open |= lacks || has || unsure;
            if !own || !(lacks || has) {
                continue;
            }
            let count = match lot {
                Lot::Kept => &mut found.redo,
                Lot::Undone => &mut found.undo,
                Lot::Undecided => &mut found.undecided,
            };
            *count = count.saturating_add(1);
            found.first.get_or_insert(lsn);
            found.last = lsn;
        }
        Ok(found)
    }

    /// The first change that a page should have by now, of a file whose pages have these LSNs: it was
    /// written over an older one, and recovery did not come to it.
    pub(super) fn first_lost(
        &self,
        id: FileId,
        mut lsn_of: impl FnMut(PageNo) -> Option<Lsn>,
    ) -> Option<(PageNo, Lsn, Lsn)> {
        let of_file = self.of_files.get(&Some(id))?;
        let kept = of_file.changes.iter().filter(|change| change.own && change.lot == Lot::Kept);
        // Pages that go to the list of free ones without a record have LSNs of their own.
        let made = Lsn { file: 1, offset: 0 };
        kept.filter_map(|change| Some((change.page, lsn_of(change.page)?, change.lsn)))
            .find(|&(_, at, lsn)| at.file != 0 && at != made && at < lsn)
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
