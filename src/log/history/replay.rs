//! Follows the slots of pages through the log, and tells changes of pairs from changes
//! of pages.
//!
//! A pair is put with its key and then its data; deleted with a mark on the data, and
//! taken from the page later; moved by putting whole items elsewhere. RECNO databases
//! and unsorted duplicates know no mark: there an item taken away is deleted, unless
//! another takes its place at once.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::budget::Budget;
use super::chains::Chains;
use super::change::{ChangeKind, Known, PairChange};
use super::changes::Changes;
use super::middle::Middle;
use super::page::{Bytes, Contents, Item, Kind, Page, PageKey};
use crate::log::facts::Facts;
use crate::log::facts::resolved::{FileKey, Resolved, file_key};
use crate::log::record::Record;
use crate::log::record::event::{ChangePlace, Event};
use crate::log::schema::{Op, Part};
use crate::types::{Lsn, PageNo};

/// Access methods in register records.
const HASH: u32 = 2;
pub(super) const RECNO: u32 = 3;

/// What a log does to the pages of some databases.
pub(super) struct Replay<'a, 'q> {
    facts: &'q Facts<'a>,
    /// The files of these databases.
    files: HashSet<FileKey>,
    pub(super) pages: HashMap<PageKey, Page<'a>>,
    pub(super) chains: Chains<'a>,
    /// What each transaction took away with its last record.
    pub(super) vacated: HashMap<Option<usize>, Vacated<'a>>,
    /// An item that each transaction just put somewhere as a whole: it may be one that
    /// moves.
    pub(super) carried: HashMap<Option<usize>, Item<'a>>,
    /// The key whose duplicates stood on the page that was split last.
    pub(super) divided: Option<(FileKey, Item<'a>)>,
    /// Changes on pages of duplicates whose key is not known yet.
    pub(super) unowned: HashMap<PageKey, Vec<usize>>,
    pub(super) changes: Changes<'a, 'q>,
}

/// An item that was taken away without a mark: if another takes its place at once, it
/// was replaced.
pub(super) struct Vacated<'a> {
    pub(super) page: PageKey,
    pub(super) index: u32,
    pub(super) old: Known<'a>,
    pub(super) deletion: Option<usize>,
}

impl<'a, 'q> Replay<'a, 'q> {
    pub(super) fn new(facts: &'q Facts<'a>, wanted: &'q [bool], budget: Budget) -> Replay<'a, 'q> {
        let all = facts.files.bindings().enumerate().zip(wanted).filter(|(_, wanted)| **wanted);
        let files = all.map(|((place, binding), _)| file_key(binding, place)).collect();
        Replay {
            facts,
            files,
            pages: HashMap::new(),
            chains: Chains::default(),
            vacated: HashMap::new(),
            carried: HashMap::new(),
            divided: None,
            unowned: HashMap::new(),
            changes: Changes::new(wanted, budget),
        }
    }

    /// Records are missing here. Pages tell by their LSNs what that concerns.
    pub(super) fn gap(&mut self) {
        self.chains.forget();
        self.vacated.clear();
        self.carried.clear();
        self.unowned.clear();
        self.divided = None;
    }

    pub(super) fn take(&mut self, record: &Record<'a>) {
        if record.debug() {
            return;
        }
        self.changes.budget.come_to(record.lsn());
        let Ok(decoded) = record.decode() else { return };
        let step = self.facts.resolve(&decoded).filter(|step| self.files.contains(&step.file));
        let Some(step) = step else { return };
        let vacated = self.vacated.remove(&step.txn);
        let carried = self.carried.remove(&step.txn);
        match decoded.event() {
            Event::Item { place, add: true, head, data } => self.add(&step, &place, head, data, vacated),
            Event::Item { place, add: false, head, data } => self.remove(&step, &place, head, data, carried),
            Event::Delete { place } => self.mark(&step, &place),
            Event::Replace { place, deleted, old, new, prefix, suffix } => {
                self.replace(&step, &place, deleted, Middle { prefix, suffix, old, new });
            }
            Event::Slot { place, copy, add } => self.share(&step, &place, copy, add),
            Event::Overflow { place, add, prev, next, data } => {
                let page = (step.file, place.page);
                self.chains.write(page, data, next, step.pending);
                match prev {
                    Some(prev) if add => self.chains.join((step.file, prev), place.page, step.pending),
                    None if add => self.chains.begin(page),
                    _ => {}
                }
                self.touch_all(&step, &decoded);
                self.keep(&step, vacated);
            }
            Event::Split { image, left, right, slots, .. } => {
                self.split(&step, image, [left, right], slots);
                self.touch_all(&step, &decoded);
            }
            Event::Collapse { child, root, image, .. } => self.collapse(&step, child, root, image),
            Event::Image { place, image, tail, emptied } => {
                let fate = match decoded.op() {
                    _ if !emptied => Contents::Shown,
                    Op::PgInit => Contents::Truncated,
                    Op::PgFreedata => Contents::Freed,
                    _ => Contents::Divided,
                };
                self.image(&step, &place, [image, tail], fate);
            }
            Event::Allocate { place, kind } => {
                let kind = u8::try_from(kind).ok().and_then(Kind::of);
                let page = self.page(&step, place.page);
                page.rewind(place.before);
                page.replace(step.lsn, Page::empty(kind), step.settled);
                page.owner = None;
                page.database = Some(step.database);
                self.keep(&step, vacated);
            }
            Event::Free { place, .. } => {
                self.give_back(&step, &place);
                self.keep(&step, vacated);
            }
            Event::Merge { place, from, head, tail, copy } => {
                let before = decoded.touched(step.around).find(|page| page.part == Part::Source);
                let before = before.and_then(|page| page.before);
                self.merge(&step, &place, (from, before), [head, tail], copy);
            }
            Event::Move { beside, to, .. } => {
                if let Some(prev) = beside[0] {
                    self.chains.join((step.file, prev), to, step.pending);
                }
                self.touch_all(&step, &decoded);
            }
            Event::Refer { place, from, to } => self.refer(&step, &place, from, to),
            Event::Pair { place, add, key, data } => self.pair(&step, &place, add, key, data),
            Event::HashReplace { place, whole, offset, old, new } => {
                self.hash_replace(&step, &place, whole, offset, [old, new]);
            }
            Event::QueuePut { record, data, old, .. } => {
                let kind = if old.is_empty() { ChangeKind::Put } else { ChangeKind::Replace };
                let old = (!old.is_empty()).then_some(known(old));
                self.changes.emit(&step, kind, PageNo(0), 0, Known::Record(record), old, Some(known(data)));
            }
            Event::QueueDelete { record, data, .. } => {
                let old = data.map_or(Known::Unknown, known);
                let (kind, key) = (ChangeKind::Delete, Known::Record(record));
                self.changes.emit(&step, kind, PageNo(0), 0, key, Some(old), None);
            }
            _ => {
                self.touch_all(&step, &decoded);
                self.keep(&step, vacated);
            }
        }
    }

    fn keep(&mut self, step: &Resolved<'_, 'a>, vacated: Option<Vacated<'a>>) {
        self.vacated.extend(vacated.map(|vacated| (step.txn, vacated)));
    }

    /// The first record for which there was not enough memory, and how much there was.
    pub(super) fn spent(&self) -> Option<(Lsn, u64)> {
        self.changes.budget.spent()
    }

    /// The changes, in the order of the log.
    pub(super) fn changes(self) -> Vec<PairChange<'a>> {
        self.changes.kept()
    }

    pub(super) fn page(&mut self, step: &Resolved<'_, '_>, page: PageNo) -> &mut Page<'a> {
        self.pages.entry((step.file, page)).or_default()
    }

    /// The page of a change, as it was before the change.
    pub(super) fn at(&mut self, step: &Resolved<'_, '_>, place: &ChangePlace) -> &mut Page<'a> {
        let kind = place.kind.and_then(Kind::of).or(match step.binding.method {
            RECNO => Some(Kind::Records),
            HASH => None,
            // The root of a database that has its file to itself.
            _ if place.page == PageNo(1) && step.binding.meta == PageNo::META => Some(Kind::Pairs),
            _ if self.facts.files.has_duplicates(step.binding) => Some(Kind::Unclear),
            _ => Some(Kind::Pairs),
        });
        let page = self.page(step, place.page);
        page.rewind(place.before);
        page.kind = page.kind.or(kind);
        page.database = Some(step.database);
        page
    }

    pub(super) fn content(&mut self, step: &Resolved<'_, '_>, item: &Item<'a>) -> Known<'a> {
        match item {
            Item::Plain(Bytes::Borrowed(bytes)) => Known::Bytes(Cow::Borrowed(bytes)),
            Item::Plain(Bytes::Shared(bytes)) if self.changes.budget.afford(bytes.len()) => {
                Known::Bytes(Cow::Owned(bytes.to_vec()))
            }
            Item::Chain { page, len } => {
                let (page, len) = (*page, *len);
                let budget = &mut self.changes.budget;
                let bytes =
                    self.chains.assemble((step.file, page), len, step.pending, |len| budget.afford(len));
                bytes.map_or(Known::Chain { page, len }, Known::Bytes)
            }
            _ => Known::Unknown,
        }
    }
}

fn known(bytes: &[u8]) -> Known<'_> {
    Known::Bytes(Cow::Borrowed(bytes))
}
