//! What is between the pages of a file, and behind them.

use std::io::{Read, Seek};
use std::ops::RangeInclusive;

use super::carved::{CarvedFile, CarvedKind, Piece};
use super::drafts::Draft;
use super::error::CarveError;
use super::image::Image;
use super::runs::Runs;
use super::sighting::{Form, Sighting};
use crate::format::page::PageKind;
use crate::meta::FileKind;
use crate::method::Method;

/// Pages in a row that may be unlike any and still belong to the file around them, if it has not
/// as many before.
const UNLIKE: u64 = 16;

/// Which parts of the image are pages of some file: starts and ends, in order.
pub(super) struct Claims(Vec<(u64, u64)>);

impl Claims {
    pub(super) fn of(drafts: &[Draft], runs: &Runs) -> Claims {
        let mut claims: Vec<(u64, u64)> = Vec::new();
        for draft in drafts {
            for run in draft.runs.values().filter_map(|(_, run)| runs.run(*run)) {
                for page in runs.sighted(run) {
                    let end = page.at.saturating_add(draft.form.bytes());
                    match claims.last_mut() {
                        Some(last) if last.1 == page.at => last.1 = end,
                        _ => claims.push((page.at, end)),
                    }
                }
            }
        }
        claims.sort_unstable();
        Claims(claims)
    }

    /// Whether something from an offset to another is a page.
    fn has(&self, from: u64, to: u64) -> bool {
        let behind = self.0.partition_point(|(start, _)| *start < to);
        let before = behind.checked_sub(1).and_then(|before| self.0.get(before));
        before.is_some_and(|(_, end)| *end > from)
    }
}

/// What makes a file of a draft.
struct Finish<'f, 'i, R> {
    image: &'f mut Image<'i, R>,
    claims: &'f Claims,
    form: Form,
    file: CarvedFile,
    /// The page that comes next.
    next: u64,
}

/// The file that a draft is; `None`, if no page of it can be where it says.
pub(super) fn finish<R: Read + Seek>(
    draft: &Draft,
    runs: &Runs,
    claims: &Claims,
    image: &mut Image<'_, R>,
) -> Result<Option<CarvedFile>, CarveError> {
    let Some(&first) = draft.runs.keys().next() else { return Ok(None) };
    let kind = match &draft.kind {
        Some(FileKind::Database(database)) => CarvedKind::Database(database.clone()),
        Some(_) => return Ok(None),
        None => CarvedKind::Loose { method: only_method(draft, runs) },
    };
    let file = CarvedFile {
        kind,
        order: draft.form.order(),
        page_size: draft.form.size().map(Into::into),
        first,
        len: 0,
        pieces: Vec::new(),
        found: 0,
        blank: 0,
        unlike: 0,
        ambiguous: draft.ambiguous,
        missing: Vec::new(),
    };
    // No file is longer than the image, which may end within a page.
    let most = image.len().checked_div(draft.form.bytes()).unwrap_or(0).saturating_add(1);
    let most = most.saturating_add(first.into());
    let mut finish = Finish { image, claims, form: draft.form, file, next: first.into() };
    let mut end = 0;
    for (run, last) in draft.runs.values().filter_map(|(last, run)| Some((runs.run(*run)?, *last))) {
        if u64::from(last) >= most {
            break;
        }
        end = finish.run(runs.sighted(run), end)?;
    }
    let told =
        draft.last.or(draft.kind.is_some().then_some(draft.reach)).map(u64::from).filter(|last| *last < most);
    let until = told.unwrap_or(0).max(draft.reserved.into()).saturating_add(1).min(most);
    finish.blanks(until, end)?;
    if let Some(last) = told {
        finish.skip(last.saturating_add(1));
    }
    let Finish { mut file, next, .. } = finish;
    file.len = next.saturating_sub(first.into()).saturating_mul(draft.form.bytes());
    Ok((file.found > 0).then_some(file))
}

/// The method whose pages these are, if only one has such.
fn only_method(draft: &Draft, runs: &Runs) -> Option<Method> {
    use PageKind::*;
    let pages = draft.runs.values().filter_map(|(_, run)| runs.run(*run));
    let mut methods = pages.flat_map(|run| runs.sighted(run)).filter_map(|page| match page.kind() {
        Hash | HashUnsorted | HashMeta => Some(Method::Hash),
        QueueData | QueueMeta => Some(Method::Queue),
        Heap | HeapRegion | HeapMeta => Some(Method::Heap),
        BtreeLeaf | BtreeInternal | BtreeMeta => Some(Method::Btree),
        _ => None,
    });
    let first = methods.next()?;
    methods.all(|other| other == first).then_some(first)
}

impl<R: Read + Seek> Finish<'_, '_, R> {
    fn offset_of(&self, page: u64) -> u64 {
        page.saturating_sub(self.file.first.into()).saturating_mul(self.form.bytes())
    }

    /// Takes pages as they stand at an offset.
    fn take(&mut self, pages: u64, at: u64) {
        let (to, len) = (self.offset_of(self.next), pages.saturating_mul(self.form.bytes()));
        match self.file.pieces.last_mut() {
            Some(last)
                if last.at.saturating_add(last.len) == at && last.to.saturating_add(last.len) == to =>
            {
                last.len = last.len.saturating_add(len);
            }
            _ => self.file.pieces.push(Piece { at, to, len }),
        }
        self.next = self.next.saturating_add(pages);
    }

    /// Leaves a hole up to a page.
    fn skip(&mut self, until: u64) {
        if let Some(last) = until.checked_sub(1).filter(|last| *last >= self.next) {
            let number = |page| u32::try_from(page).unwrap_or(u32::MAX);
            self.file.missing.push(RangeInclusive::new(number(self.next), number(last)));
            self.next = until;
        }
    }

    /// Takes the pages of a run; `before` is where the run before it ended. Gives its end.
    fn run<'s>(&mut self, pages: impl Iterator<Item = &'s Sighting>, before: u64) -> Result<u64, CarveError> {
        let mut end = before;
        for (index, page) in (0u64..).zip(pages) {
            let (number, size) = (u64::from(page.number(self.form.order())), self.form.bytes());
            if index > 0 {
                self.gap(number, end, index)?;
            } else if number > self.next {
                self.blanks(number, end)?;
                self.blanks_before(number, page.at)?;
            }
            let next = page.at.saturating_add(size);
            if next > self.image.len() {
                // The image ends in it.
                self.skip(number.saturating_add(1));
                let (at, to) = (page.at, self.offset_of(number));
                self.file.pieces.push(Piece { at, to, len: self.image.len().saturating_sub(at) });
                return Ok(next);
            }
            self.take(1, page.at);
            self.file.found = self.file.found.saturating_add(1);
            end = next;
        }
        Ok(end)
    }

    /// What stands between pages of a run, up to a page: it belongs to the file, unless it is that of
    /// another, or too much of it is like no page.
    fn gap(&mut self, until: u64, at: u64, seen: u64) -> Result<(), CarveError> {
        let pages = until.saturating_sub(self.next);
        let len = pages.saturating_mul(self.form.bytes());
        if pages == 0 {
            return Ok(());
        }
        if self.claims.has(at, at.saturating_add(len)) || !self.image.spend(len) {
            self.skip(until);
            return Ok(());
        }
        let (mut unlike, mut from) = (0u64, at);
        for _ in 0..pages {
            if !self.is_zero(from)? {
                unlike = unlike.saturating_add(1);
            }
            if unlike > UNLIKE.max(seen) {
                self.skip(until);
                return Ok(());
            }
            from = from.saturating_add(self.form.bytes());
        }
        self.take(pages, at);
        self.file.unlike = self.file.unlike.saturating_add(unlike);
        self.file.blank = self.file.blank.saturating_add(pages.saturating_sub(unlike));
        Ok(())
    }

    fn is_zero(&mut self, at: u64) -> Result<bool, CarveError> {
        let len = usize::try_from(self.form.bytes()).unwrap_or(usize::MAX);
        let bytes = self.image.bytes(at, len)?;
        Ok(bytes.len() == len && bytes.iter().all(|&byte| byte == 0))
    }

    /// Whether a page at an offset is of no other file, and zero.
    fn is_blank(&mut self, at: u64) -> Result<bool, CarveError> {
        let size = self.form.bytes();
        Ok(!self.claims.has(at, at.saturating_add(size)) && self.image.spend(size) && self.is_zero(at)?)
    }

    /// Takes pages that are zero, up to a page: those from an offset on.
    fn blanks(&mut self, until: u64, mut at: u64) -> Result<(), CarveError> {
        while self.next < until && self.is_blank(at)? {
            self.take(1, at);
            self.file.blank = self.file.blank.saturating_add(1);
            at = at.saturating_add(self.form.bytes());
        }
        Ok(())
    }

    /// The same of those before an offset, where a page was found; what they do not reach is missing.
    fn blanks_before(&mut self, until: u64, at: u64) -> Result<(), CarveError> {
        let (mut first, mut from) = (until, at);
        while first > self.next {
            let Some(before) = from.checked_sub(self.form.bytes()) else { break };
            if !self.is_blank(before)? {
                break;
            }
            (first, from) = (first.saturating_sub(1), before);
        }
        self.skip(first);
        let pages = until.saturating_sub(self.next);
        if pages > 0 {
            self.take(pages, from);
            self.file.blank = self.file.blank.saturating_add(pages);
        }
        Ok(())
    }
}
