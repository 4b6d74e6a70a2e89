//! Files as they are put together from runs: each begins with a run that has its first page, and
//! takes those that continue it.
//!
//! A run that could go on several files goes to the one with which it is linked: pages of a chain
//! name their neighbours. Where nothing is linked, the one decides whose pages the log knows like
//! these, and then the one that waits longest; such pages are called ambiguous.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

use super::error::CarveError;
use super::image::Image;
use super::reach;
use super::runs::{Run, Runs, bit};
use super::sighting::{Form, Sighting};
use crate::format::generation::Generation;
use crate::format::meta::{self as layout, Field, Layout};
use crate::format::page::PageKind;
use crate::meta::{self, FileKind};
use crate::method::Method;
use crate::types::{Lsn, PageNo};

/// How many files are compared for a run that all of them could go on with.
const COMPARED: usize = 64;
/// How many pages at each end of a run are looked at for links.
const LINKED: usize = 16;
/// A file in several fragments is put together in their order; where one tells of another that
/// comes before, the next round knows.
const ROUNDS: usize = 4;

/// A file that is put together.
pub(super) struct Draft {
    pub(super) form: Form,
    /// What its first page says; `None` if that was not found.
    pub(super) kind: Option<FileKind>,
    /// The last page, if the first page tells it; it then is there, or is missing.
    pub(super) last: Option<u32>,
    /// The highest page that others lead to, if the first page does not tell the last.
    pub(super) reach: u32,
    /// A page up to which it may go without any that was written.
    pub(super) reserved: u32,
    /// The page of its last bucket, which need not be there.
    last_bucket: u32,
    /// Its runs by their first pages, each with its last one.
    pub(super) runs: BTreeMap<u32, (u32, usize)>,
    /// How many pages could be those of another file as well.
    pub(super) ambiguous: u64,
    kinds: u32,
    lsn: Lsn,
    /// Where its first run begins in the image, and where its latest run ends.
    start: u64,
    end: u64,
}

/// What speaks for it that a run belongs to a file, from the strongest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Signs {
    links: usize,
    neighbours: usize,
    same_log: bool,
    awaited: bool,
}

/// All files that are put together.
pub(super) struct Drafts<'r, 'i, R> {
    runs: &'r Runs,
    image: &'r mut Image<'i, R>,
    used: Vec<bool>,
    drafts: Vec<Draft>,
    /// Which files lack a page and have its neighbour: by page, and by where they begin.
    wanted: BTreeSet<(Form, u32, u64, usize)>,
}

impl<'r, 'i, R: Read + Seek> Drafts<'r, 'i, R> {
    /// All files that the runs are of.
    pub(super) fn of(runs: &'r Runs, image: &'r mut Image<'i, R>) -> Result<Vec<Draft>, CarveError> {
        let used = vec![false; runs.runs.len()];
        let mut drafts = Drafts { runs, image, used, drafts: Vec::new(), wanted: BTreeSet::new() };
        let mut firsts: Vec<(u64, usize)> = (0..)
            .zip(&runs.runs)
            .filter(|(_, run)| runs.sighted(run).next().is_some_and(|page| page.is_first()))
            .map(|(index, run)| (runs.start(run), index))
            .collect();
        firsts.sort_unstable();
        for (at, index) in firsts {
            let Some((run, form)) = runs.run(index).and_then(|run| Some((run, run.form?))) else { continue };
            let draft = Draft::begun(drafts.image.bytes(at, layout::LENGTH)?, form);
            drafts.begin(draft, run, index)?;
        }
        drafts.gather()?;
        drafts.gather_loose()?;
        Ok(drafts.drafts)
    }

    fn begin(&mut self, draft: Draft, run: &Run, index: usize) -> Result<(), CarveError> {
        self.drafts.push(Draft { start: self.runs.start(run), ..draft });
        let draft = self.drafts.len().saturating_sub(1);
        self.take(draft, run, index, false)
    }

    /// Gives a run to a file.
    fn take(&mut self, number: usize, run: &Run, index: usize, ambiguous: bool) -> Result<(), CarveError> {
        let Some(draft) = self.drafts.get_mut(number) else { return Ok(()) };
        let form = draft.form;
        let (first, last) = self.runs.numbers(run, form);
        draft.runs.insert(first, (last, index));
        draft.lsn = draft.lsn.max(self.runs.lsn(run, form));
        draft.end = self.runs.sighted(run).next_back().map_or(0, |page| page.at);
        if ambiguous {
            let pages = self.runs.sighted(run).count();
            draft.ambiguous = draft.ambiguous.saturating_add(u64::try_from(pages).unwrap_or(u64::MAX));
        }
        for page in [first, last] {
            self.wanted.remove(&(form, page, draft.start, number));
        }
        for page in [last.checked_add(1), first.checked_sub(1)].into_iter().flatten() {
            self.wanted.insert((form, page, draft.start, number));
        }
        if let Some(used) = self.used.get_mut(index) {
            *used = true;
        }
        if draft.kind.is_some() && draft.last.is_none() {
            let order = form.order();
            let most = self.image.len().checked_div(form.bytes()).unwrap_or(0);
            let size = usize::try_from(form.bytes()).unwrap_or(usize::MAX);
            for page in self.runs.sighted(run).filter(|page| page.is_strong(order)) {
                if !self.image.spend(form.bytes()) {
                    break;
                }
                let bytes = self.image.bytes(page.at, size)?;
                draft.reach = draft.reach.max(reach::highest(bytes, page, order, most));
            }
        }
        Ok(())
    }

    fn is_free(&self, index: usize) -> bool {
        self.used.get(index) == Some(&false)
    }

    /// Gives all runs to files that have a first page, as far as they belong to one.
    fn gather(&mut self) -> Result<(), CarveError> {
        let mut rest: Vec<(u32, usize)> = Vec::new();
        for (index, run) in (0..).zip(&self.runs.runs) {
            let Some(page) = self.runs.sighted(run).next().filter(|_| self.is_free(index)) else { continue };
            let number = self.forms(run).map(|form| page.number(form.order())).min();
            rest.extend(number.map(|number| (number, index)));
        }
        rest.sort_unstable();
        for _ in 0..ROUNDS {
            for beside in [true, true, false] {
                let mut left = Vec::new();
                for (number, index) in rest {
                    if !self.place(index, beside)? {
                        left.push((number, index));
                    }
                }
                rest = left;
            }
        }
        Ok(())
    }

    /// How the file of a run may be divided.
    fn forms(&self, run: &Run) -> impl Iterator<Item = Form> {
        let (own, page) = (run.form, self.runs.sighted(run).next().copied());
        Form::all().filter(move |&form| match own {
            Some(own) => own == form,
            None => page.is_some_and(|page| page.fits(form)),
        })
    }

    /// Gives a run to the file that it belongs to: one that has the page before or behind it; or,
    /// not `beside`, one with which it is linked, or which lacks it. Whether it is with one now.
    fn place(&mut self, index: usize, beside: bool) -> Result<bool, CarveError> {
        let Some(run) = self.runs.run(index).filter(|_| self.is_free(index)).cloned() else {
            return Ok(true);
        };
        if !beside && run.strong == 0 {
            return Ok(false);
        }
        let at = self.runs.start(&run);
        let mut best: Option<(Signs, bool, Reverse<u64>, usize)> = None;
        let mut equal = false;
        for form in self.forms(&run) {
            let (first, last) = self.runs.numbers(&run, form);
            let candidates = if beside {
                let mut found = self.wanting(form, first, at);
                found.extend(self.wanting(form, last, at));
                found.sort_unstable();
                found.dedup();
                found
            } else {
                self.around(at)
            };
            for number in candidates {
                let Some(draft) = self.drafts.get(number).filter(|draft| draft.form == form) else {
                    continue;
                };
                let Some(signs) = self.signs(draft, &run, first, last) else { continue };
                if signs.links == 0 && !signs.awaited {
                    continue;
                }
                // Files are written forwards, as a rule.
                let one = (signs, draft.end < at, Reverse(draft.end), number);
                equal = match &best {
                    Some(known) if known.0 > signs => equal,
                    Some(known) => known.0 == signs,
                    None => false,
                };
                best = best.max(Some(one));
            }
        }
        let Some((.., number)) = best else { return Ok(false) };
        self.take(number, &run, index, equal)?;
        Ok(true)
    }

    /// Files that lack a page and have its neighbour: those that begin nearest to a place of the image.
    fn wanting(&self, form: Form, page: u32, at: u64) -> Vec<usize> {
        let here = (form, page, at, 0);
        let before = self.wanted.range((form, page, 0, 0)..here).rev().take(COMPARED / 2);
        let behind = self.wanted.range(here..=(form, page, u64::MAX, usize::MAX)).take(COMPARED / 2);
        before.chain(behind).map(|(.., draft)| *draft).collect()
    }

    /// Files that begin around a place of the image: they are in the order of their first pages.
    fn around(&self, at: u64) -> Vec<usize> {
        let place = self.drafts.partition_point(|draft| draft.start <= at);
        let half = COMPARED / 2;
        (place.saturating_sub(half)..place.saturating_add(half).min(self.drafts.len())).collect()
    }

    /// What speaks for it that a file has a run; `None` if it cannot.
    fn signs(&self, draft: &Draft, run: &Run, first: u32, last: u32) -> Option<Signs> {
        let before = draft.runs.range(..=last).next_back();
        let taken = before.is_some_and(|(_, (end, _))| *end >= first);
        if taken || draft.last.is_some_and(|end| last > end) || run.kinds & !draft.kinds != 0 {
            return None;
        }
        let order = draft.form.order();
        let pages = self.runs.sighted(run);
        let (mut links, mut breaks) = (0usize, 0usize);
        for page in pages.clone().take(LINKED).chain(pages.rev().take(LINKED)) {
            let Some([before, after]) = page.chain(order) else { continue };
            let own = page.number(order);
            for (other, back) in [(before, 1), (after, 0)] {
                let other = other.and_then(|other| self.page_of(draft, other.0));
                let Some(links_of) = other.and_then(|other| other.chain(order)) else { continue };
                if links_of.get(back).copied().flatten().is_some_and(|link| link.0 == own) {
                    links = links.saturating_add(1);
                } else {
                    breaks = breaks.saturating_add(1);
                }
            }
        }
        // The pages on both sides of it may lead to it, and it not back.
        let sides = [first.checked_sub(1), last.checked_add(1)];
        for (side, forward) in sides.into_iter().zip([1, 0]) {
            let other = side.and_then(|side| self.page_of(draft, side)).and_then(|page| page.chain(order));
            let to = other.and_then(|links| links.get(forward).copied().flatten());
            let Some(to) = to.filter(|to| (first..=last).contains(&to.0)) else { continue };
            let found = self.runs.page(run, to.0, draft.form).and_then(|page| page.chain(order));
            let back = found.and_then(|links| links.get(1usize.saturating_sub(forward)).copied().flatten());
            if back != side.map(PageNo) {
                breaks = breaks.saturating_add(1);
            }
        }
        if breaks > links {
            return None;
        }
        let beside = |page: Option<u32>| page.is_some_and(|page| self.has(draft, page));
        let [below, above] = sides.map(|side| usize::from(beside(side)));
        Some(Signs {
            links: links.saturating_sub(breaks),
            neighbours: below.saturating_add(above),
            same_log: is_near(self.runs.lsn(run, draft.form), draft.lsn),
            awaited: draft.kind.is_none()
                || draft.last.is_some()
                || first <= draft.reach.max(draft.last_bucket),
        })
    }

    fn has(&self, draft: &Draft, page: u32) -> bool {
        draft.runs.range(..=page).next_back().is_some_and(|(_, (last, _))| *last >= page)
    }

    fn page_of(&self, draft: &Draft, page: u32) -> Option<&Sighting> {
        let (_, (_, run)) = draft.runs.range(..=page).next_back()?;
        self.runs.page(self.runs.run(*run)?, page, draft.form)
    }

    /// What is left and cannot be an accident are pages of files whose first page is gone.
    fn gather_loose(&mut self) -> Result<(), CarveError> {
        self.wanted.clear();
        let mut rest: Vec<(Form, u32, usize)> = Vec::new();
        for (index, run) in (0..).zip(&self.runs.runs) {
            let single = || self.runs.sighted(run).next().and_then(|page| page.own_form());
            // Records of a QUEUE lie in no order that a page shows.
            let queue = run.form.is_some() && run.kinds == bit(PageKind::QueueData);
            let sure = self.is_free(index) && (run.strong > 0 || queue);
            let Some(form) = run.form.or_else(single).filter(|_| sure) else { continue };
            // Of one page alone more is asked: items on it, and a number that a file here can have.
            let number = self.runs.numbers(run, form).0;
            let is_one = self.runs.sighted(run).nth(1).is_none();
            let far = u64::from(number).saturating_mul(form.bytes()) > self.image.len();
            let dull = run.kinds & !(bit(PageKind::Invalid) | bit(PageKind::Overflow)) == 0;
            if run.kinds != bit(PageKind::Invalid) && !(is_one && (far || dull)) {
                rest.push((form, number, index));
            }
        }
        rest.sort_unstable();
        for (form, _, index) in rest {
            let placed = self.place(index, true)?;
            if let Some(run) = self.runs.run(index).filter(|_| !placed).cloned() {
                self.begin(Draft::loose(form, run.kinds), &run, index)?;
            }
        }
        Ok(())
    }
}

/// Whether the log knows two positions alike: both not at all, or in the same file or the next.
fn is_near(one: Lsn, other: Lsn) -> bool {
    (one.file == 0) == (other.file == 0) && one.file.abs_diff(other.file) <= 1
}

impl Draft {
    /// A file that begins with these bytes.
    fn begun(head: &[u8], form: Form) -> Draft {
        let kind = FileKind::of(head);
        let database = kind.database();
        let kinds = database.map_or(u32::MAX, |database| kinds_of(database.method));
        let mut draft = Draft::new(form, kinds);
        if let Ok(meta) = meta::parse(&kind, head) {
            if meta.generation().keeps_last_page() {
                draft.last = meta.last_page().map(|page| page.0);
            }
            // What stands in a list of databases may be a HASH.
            if meta.flags().several_databases() {
                draft.kinds |= kinds_of(Method::Hash);
            }
            let buckets = meta.buckets().filter(|_| meta.generation() >= Generation::V30);
            draft.reserved = buckets.map_or(0, |buckets| buckets.page(buckets.high_mask).0);
            draft.last_bucket = meta.buckets().map_or(0, |buckets| buckets.page(buckets.max).0);
            draft.reach = meta.root().max(meta.free()).map_or(0, |page| page.0).max(draft.reserved);
            if let Some(queue) = meta.queue() {
                draft.last = match queue.extent_pages {
                    0 if queue.first <= queue.last() && !queue.is_empty() => {
                        Some(queue.place(queue.last()).0.0)
                    }
                    0 => None,
                    _ => Some(0),
                };
            }
        } else if let Some(layout) =
            database.filter(|it| it.encrypted).and(Layout::of_page(head, form.order()))
        {
            // In the clear, as all that stands before.
            draft.last = layout.number(head, Field::LastPgno, form.order()).filter(|&last| last > 0);
            draft.kinds = u32::MAX;
        }
        draft.kind = Some(kind);
        draft
    }

    /// One whose first page is gone.
    fn loose(form: Form, kinds: u32) -> Draft {
        let of = |method| kinds_of(method) & kinds & !bit(PageKind::Invalid) != 0;
        let methods = [Method::Btree, Method::Hash, Method::Queue, Method::Heap];
        let all = methods.into_iter().filter(|&method| of(method)).map(kinds_of);
        Draft::new(form, all.fold(kinds, |all, one| all | one))
    }

    fn new(form: Form, kinds: u32) -> Draft {
        Draft {
            form,
            kind: None,
            last: None,
            reach: 0,
            reserved: 0,
            last_bucket: 0,
            runs: BTreeMap::new(),
            ambiguous: 0,
            kinds,
            lsn: Lsn::default(),
            start: 0,
            end: 0,
        }
    }
}

/// The kinds of pages that a file of a method can have.
fn kinds_of(method: Method) -> u32 {
    use PageKind::*;
    let trees = [
        Invalid,
        Duplicate,
        BtreeInternal,
        RecnoInternal,
        BtreeLeaf,
        RecnoLeaf,
        Overflow,
        DuplicateLeaf,
        BtreeMeta,
    ];
    let own: &[PageKind] = match method {
        Method::Btree | Method::Recno => &[],
        Method::Hash => &[HashMeta, Hash, HashUnsorted],
        Method::Queue => {
            return [QueueMeta, QueueData, HashUnsorted].map(bit).iter().fold(0, |all, one| all | one);
        }
        Method::Heap => {
            return [Invalid, HeapMeta, Heap, HeapRegion].map(bit).iter().fold(0, |all, one| all | one);
        }
    };
    trees.iter().chain(own).fold(0, |all, &one| all | bit(one))
}
