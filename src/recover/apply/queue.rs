//! Records of QUEUE (recovery, "QUEUE"): a queue is not judged by equality of LSNs.

use super::{Change, Done, Fault, Way};
use crate::format::edit::PageError;
use crate::format::meta::Field;
use crate::format::page::{PageKind, at};
use crate::format::queue::{SET, VALID, slot_size};
use crate::log::schema::Name;
use crate::recover::held::Held;
use crate::recover::release::Release;
use crate::types::{Lsn, PageNo};

/// The numbers of a queue, as its metadata says them.
#[derive(Clone, Copy, Debug)]
struct Numbers {
    first: u32,
    cur: u32,
}

impl Numbers {
    fn outside(self, n: u32) -> bool {
        if self.cur >= self.first { n < self.first || n > self.cur } else { self.cur < n && n < self.first }
    }

    fn before(self, n: u32) -> bool {
        self.outside(n) && self.first.wrapping_sub(n) < n.wrapping_sub(self.cur)
    }

    fn after(self, n: u32) -> bool {
        n == self.cur || (self.outside(n) && n.wrapping_sub(self.cur) <= self.first.wrapping_sub(n))
    }
}

/// The number behind another: 0 is none.
fn next(n: u32) -> u32 {
    n.wrapping_add(1).max(1)
}

impl Change<'_, '_> {
    fn meta_number(&self, field: Field) -> u32 {
        let Some((at, _)) = self.file.head.and_then(|head| head.layout.place(field)) else { return 0 };
        self.file.look(0, self.release, |page| page.u32(at)).unwrap_or(0)
    }

    fn numbers(&self) -> Numbers {
        Numbers { first: self.meta_number(Field::FirstRecno), cur: self.meta_number(Field::CurRecno) }
    }

    fn set_meta(&mut self, field: Field, number: u32) {
        let Some((at, _)) = self.file.head.and_then(|head| head.layout.place(field)) else { return };
        if self.meta_number(field) != number {
            if let Some(page) = self.file.change(0, self.release) {
                page.put_u32(at, number);
            }
        }
    }

    /// Where records start on pages.
    fn records_at(&self) -> usize {
        self.seal().queue_header()
    }

    /// The place of a record on its page, and its length.
    fn place(&self, slot: u32) -> Option<(usize, usize)> {
        let len = self.meta_number(Field::ReLen);
        let start = u64::from(slot_size(len)?).checked_mul(slot.into())?;
        let at = usize::try_from(start).ok()?.checked_add(self.records_at())?;
        let len = usize::try_from(len).ok()?;
        let fits = at.checked_add(len).is_some_and(|end| end < self.size());
        fits.then_some((at, len))
    }

    fn expect_place(&self, no: u32, slot: u32) -> Result<(usize, usize), Fault> {
        let slot_16 = u16::try_from(slot).unwrap_or(u16::MAX);
        let why = PageError::Slot { slot: slot_16, entries: 0 };
        self.place(slot).ok_or(Fault::Page { page: PageNo(no), why })
    }

    /// Gives a page its number and its type, if it has none.
    fn begin(&mut self, no: u32) {
        let blank = self.file.look(no, self.release, |page| page.u32(at::PGNO) == 0).unwrap_or(false);
        if blank {
            if let Some(page) = self.file.change(no, self.release) {
                page.put_u32(at::PGNO, no);
                crate::format::edit::put(&mut page.bytes, at::TYPE, &[PageKind::QueueData.byte()]);
            }
        }
    }

    /// Whether a record is there.
    fn present(&self, record: u32) -> bool {
        let Some((no, slot)) = self.page_of(record) else { return false };
        let Some((at, _)) = self.place(slot) else { return false };
        let flags = |page: &Held| {
            page.u32(at::PGNO) != 0 && page.bytes.get(at).is_some_and(|flags| flags & VALID != 0)
        };
        self.file.look(no, self.release, flags).unwrap_or(false)
    }

    /// The page of a record, and its slot there.
    fn page_of(&self, record: u32) -> Option<(u32, u32)> {
        let per_page = self.meta_number(Field::RecPage);
        let index = record.checked_sub(1)?;
        Some((index.checked_div(per_page)?.checked_add(1)?, index.checked_rem(per_page)?))
    }

    /// Goes on with the first record, behind those that are gone; extents that nothing is left
    /// of go, too.
    fn advance(&mut self, limit: u32) -> Done {
        let Numbers { mut first, cur } = self.numbers();
        first = first.max(1);
        let per_page = self.meta_number(Field::RecPage);
        let extent = self.file.head.map_or(0, |head| head.extent);
        let per_extent = extent.checked_mul(per_page).filter(|&records| records > 0);
        while first != cur && !(Numbers { first, cur }).before(limit) {
            let Some((no, _)) = self.page_of(first) else { break };
            if !self.file.spend(1) {
                return Err(Fault::Work);
            }
            if !self.file.has(no, self.release) {
                // Nothing of it is there: what is missing is passed at once.
                let there = self
                    .file
                    .next_page(no)
                    .and_then(|no| no.checked_sub(1)?.checked_mul(per_page)?.checked_add(1));
                let ends = [Some(cur), Some(next(limit)), there];
                first = ends.into_iter().flatten().min_by_key(|end| end.wrapping_sub(first)).unwrap_or(cur);
                continue;
            }
            if self.present(first) {
                break;
            }
            if per_extent.is_some_and(|records| first.checked_rem(records) == Some(0)) {
                if let Some(extent) = self.file.extent_of(no) {
                    self.file.drop_extent(extent);
                }
            }
            first = next(first);
        }
        self.set_meta(Field::FirstRecno, first);
        Ok(())
    }

    /// Makes a page exist, with its extent.
    fn make(&mut self, no: u32) {
        self.file.create(no, self.release);
        self.begin(no);
    }

    fn lsn_at(&self, no: u32) -> Lsn {
        self.file.lsn(no, self.release).unwrap_or_default()
    }

    /// Puts a record where it belongs, filled up.
    fn store(&mut self, no: u32, slot: u32, data: &[u8]) -> Done {
        let (at, len) = self.expect_place(no, slot)?;
        let pad = u8::try_from(self.meta_number(Field::RePad) & 0xff).unwrap_or(0);
        let mut record: Vec<u8> = data.iter().copied().take(len).collect();
        record.resize(len, pad);
        self.flags(no, slot, |flags| flags | VALID | SET)?;
        if let Some(page) = self.file.change(no, self.release) {
            page.put(at.saturating_add(1), &record).map_err(|why| Fault::Page { page: PageNo(no), why })?;
        }
        self.applied = self.applied.saturating_add(1);
        Ok(())
    }

    /// Changes the flags of a record.
    fn flags(&mut self, no: u32, slot: u32, change: impl FnOnce(u8) -> u8) -> Done {
        let (at, _) = self.expect_place(no, slot)?;
        if let Some(flags) = self.file.change(no, self.release).and_then(|page| page.bytes.get_mut(at)) {
            *flags = change(*flags);
        }
        Ok(())
    }

    /// Data pages got the LSN of what was redone up to release 4.2.
    fn stamp(&mut self, no: u32) {
        if self.release < Release::R43 {
            self.set_lsn(no, self.lsn_of_record());
        }
    }

    /// Whether an undo gives a page the LSN that it had.
    fn reverts(&self, no: u32) -> bool {
        let (lsn, found) = (self.lsn_of_record(), self.lsn_at(no));
        if self.release == Release::R32 { lsn < found } else { lsn <= found }
    }

    /// A record is written.
    pub(super) fn qam_add(&mut self) -> Done {
        let (no, slot, record) = (self.n(Name::pgno)?, self.n(Name::indx)?, self.n(Name::recno)?);
        let old = self.b(Name::olddata)?;
        let early = self.release == Release::R32;
        if self.way == Way::Undo {
            if !self.file.has(no, self.release) {
                if !early {
                    return Ok(());
                }
                self.file.create(no, self.release);
            }
            self.begin(no);
            if old.is_empty() {
                self.flags(no, slot, |_| 0)?;
            } else {
                self.store(no, slot, old)?;
                if self.n(Name::vflag)? & 1 == 0 {
                    self.flags(no, slot, |flags| flags & !VALID)?;
                }
            }
            if self.reverts(no) {
                self.set_lsn(no, self.lsn(Name::lsn)?);
            }
            return Ok(());
        }
        self.make(no);
        let newer = self.lsn_of_record() > self.lsn_at(no);
        let numbers = self.numbers();
        if numbers.before(record) && (newer || !early) {
            self.set_meta(Field::FirstRecno, record);
        }
        let numbers = self.numbers();
        if (!early || !self.strict) && (record == numbers.cur || numbers.after(record)) {
            self.set_meta(Field::CurRecno, next(record));
        }
        if newer {
            self.store(no, slot, self.b(Name::data)?)?;
            self.stamp(no);
        }
        Ok(())
    }

    /// A record is deleted.
    pub(super) fn qam_del(&mut self) -> Done {
        let (no, slot, record) = (self.n(Name::pgno)?, self.n(Name::indx)?, self.n(Name::recno)?);
        let data = self.record.bytes(Name::data);
        let of_extent = data.is_some();
        if of_extent && self.redo() && self.release != Release::R32 && !self.file.has(no, self.release) {
            return Ok(());
        }
        self.make(no);
        if self.redo() {
            if self.lsn_of_record() > self.lsn_at(no) {
                self.flags(no, slot, |flags| flags & !VALID)?;
                self.stamp(no);
                self.applied = self.applied.saturating_add(1);
            }
            if self.release >= Release::R52 {
                self.advance(record)?;
            }
            return Ok(());
        }
        let numbers = self.numbers();
        let Numbers { first, cur } = numbers;
        let back =
            numbers.before(record) && (first <= cur || first.wrapping_sub(record) < record.wrapping_sub(cur));
        if first == 0 || back {
            self.set_meta(Field::FirstRecno, record);
        }
        match data {
            Some(data) => self.store(no, slot, data)?,
            None => self.flags(no, slot, |flags| flags | VALID)?,
        }
        if self.reverts(no) {
            self.set_lsn(no, self.lsn(Name::lsn)?);
        }
        Ok(())
    }

    /// The first record moves on.
    pub(super) fn qam_incfirst(&mut self) -> Done {
        let record = self.n(Name::recno)?;
        if self.redo() {
            if self.lsn_at(0) < self.lsn_of_record() {
                self.set_lsn(0, self.lsn_of_record());
            }
            self.advance(next(record))?;
        } else if self.numbers().before(record) {
            self.set_meta(Field::FirstRecno, record);
        }
        Ok(())
    }

    /// The first or the current record is another.
    pub(super) fn qam_mvptr(&mut self) -> Done {
        let code = self.n(Name::opcode)?;
        let [old_first, new_first] = [self.n(Name::old_first)?, self.n(Name::new_first)?];
        let [old_cur, new_cur] = [self.n(Name::old_cur)?, self.n(Name::new_cur)?];
        let before = self.lsn(Name::metalsn)?;
        let found = self.lsn_at(0);
        if self.redo() || self.release == Release::R32 {
            if found != before {
                return Ok(());
            }
            let blind = self.release <= Release::R42;
            let numbers = self.numbers();
            if code & 1 != 0
                && (blind
                    || (numbers.first == old_first
                        && (old_first > new_first || !self.present(numbers.first))))
            {
                self.set_meta(Field::FirstRecno, new_first);
            }
            if code & 2 != 0
                && (blind || (numbers.cur == old_cur && (old_cur < new_cur || !self.present(numbers.cur))))
            {
                self.set_meta(Field::CurRecno, new_cur);
            }
            self.set_lsn(0, self.lsn_of_record());
            self.applied = self.applied.saturating_add(1);
            return Ok(());
        }
        if code & 4 != 0 && self.lsn_of_record() <= found {
            self.set_meta(Field::FirstRecno, old_first);
            self.set_meta(Field::CurRecno, old_cur);
            self.set_lsn(0, before);
        }
        Ok(())
    }

    /// The queue has one record more (3.x), in both directions.
    pub(super) fn qam_inc(&mut self) -> Done {
        if self.lsn_at(0) == self.lsn(Name::lsn)? {
            let cur = self.numbers().cur;
            self.set_meta(Field::CurRecno, next(cur));
            self.set_lsn(0, self.lsn_of_record());
        }
        Ok(())
    }
}
