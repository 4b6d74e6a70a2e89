//! Pages that are taken into use and given back (recovery, "Record actions").

use super::{Change, Done, Fault, Missing, Way};
use crate::format::meta::at as meta_at;
use crate::format::page::{PageKind, at};
use crate::log::record::decoded::lsn_at;
use crate::log::schema::{Name, Op};
use crate::recover::release::Release;
use crate::types::{Lsn, PageNo};

/// What release 4.4 and before put on free pages at the end.
const GIVEN_BACK: Lsn = Lsn { file: 1, offset: 0 };

/// A free page in a list of a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listed {
    pub(super) no: u32,
    pub(super) next: Option<u32>,
    pub(super) lsn: Lsn,
}

impl Change<'_, '_> {
    /// Whether pages carry the number of the last one on page 0.
    fn keeps_last(&self) -> bool {
        self.release >= Release::R41
    }

    /// A number on page 0.
    fn meta_u32(&self, at: usize) -> u32 {
        self.file.look(0, self.release, |page| page.u32(at)).unwrap_or(0)
    }

    fn free_at(&self) -> usize {
        self.file.head.map_or(0, |head| head.free_at())
    }

    /// Makes page 0 say that the last page has at least this number.
    fn raise_last(&mut self, no: u32) {
        if self.keeps_last() && self.meta_u32(meta_at::LAST_PGNO) < no {
            if let Some(page) = self.file.change(0, self.release) {
                page.put_u32(meta_at::LAST_PGNO, no);
            }
        }
    }

    /// A page is taken into use.
    pub(super) fn pg_alloc(&mut self) -> Done {
        match self.release {
            Release::R2 => self.pg_alloc_2(),
            release if release.truncates() => self.pg_alloc_44(),
            _ => self.pg_alloc_32(),
        }
    }

    fn pg_alloc_2(&mut self) -> Done {
        let (no, next, kind) = (self.n(Name::pgno)?, self.n(Name::next)?, self.kind(Name::ptype)?);
        let (before, meta) = (self.lsn(Name::page_lsn)?, self.lsn(Name::meta_lsn)?);
        let free_at = self.free_at();
        let head = self.meta_u32(free_at);
        let existed = self.file.has(no, self.release);
        self.file.create(no, self.release);
        let level = self.level_of(kind);
        self.one(no, before, Missing::Create, |page, way| match way {
            Way::Redo => page.init(no, 0, 0, level, kind),
            Way::Undo => page.init(no, 0, head, 0, PageKind::Invalid),
        })?;
        let undone = self.one(0, meta, Missing::Stop, |page, way| {
            page.put_u32(free_at, if way == Way::Redo { next } else { no });
            Ok(())
        })? && self.way == Way::Undo;
        if undone && !existed && !self.strict {
            // The list leads to a page that was never written: it becomes a free one.
            if let Some(page) = self.file.change(no, self.release) {
                page.init(no, 0, head, 0, PageKind::Invalid)
                    .map_err(|why| Fault::Page { page: PageNo(no), why })?;
                page.set_lsn(Lsn::default());
            }
            self.notes.push(format!("page {no} was never written: it is a free page now"));
        }
        Ok(())
    }

    fn pg_alloc_32(&mut self) -> Done {
        let (no, next, kind) = (self.n(Name::pgno)?, self.n(Name::next)?, self.kind(Name::ptype)?);
        let (before, meta) = (self.lsn(Name::page_lsn)?, self.lsn(Name::meta_lsn)?);
        let late = self.release >= Release::R41;
        if !self.file.has(0, self.release) {
            return if self.redo() { Err(Fault::Missing(PageNo::META)) } else { Ok(()) };
        }
        let made = self.file.create(no, self.release);
        if made && late {
            // It is written in any case.
            let _ = self.file.change(no, self.release);
        }
        let found = self.file.lsn(no, self.release).unwrap_or_default();
        let level = self.level_of(kind);
        if self.redo() {
            let fresh = if late { found == GIVEN_BACK } else { found <= meta };
            if found == before || self.is_zero(found) || (self.is_zero(before) && fresh) {
                self.touch(no, before, |page, _| page.init(no, 0, 0, level, kind))?;
            } else {
                self.fits(no, found, before)?;
            }
        } else {
            if found == self.lsn_of_record() || (made && late) {
                self.touch(no, before, |page, _| page.init(no, 0, next, 0, PageKind::Invalid))?;
            }
            let now = self.file.lsn(no, self.release).unwrap_or_default();
            if self.is_zero(now) && self.is_zero(before) {
                self.file.remember(no);
            }
        }
        let free_at = self.free_at();
        let kept = !self.is_zero(before);
        self.one(0, meta, Missing::Stop, |page, way| {
            match way {
                Way::Redo => page.put_u32(free_at, next),
                Way::Undo if kept => page.put_u32(free_at, no),
                Way::Undo => {}
            }
            Ok(())
        })?;
        self.raise_last(no);
        Ok(())
    }

    fn pg_alloc_44(&mut self) -> Done {
        let (no, next, kind) = (self.n(Name::pgno)?, self.n(Name::next)?, self.kind(Name::ptype)?);
        let (before, meta) = (self.lsn(Name::page_lsn)?, self.lsn(Name::meta_lsn)?);
        let last = self.n(Name::last_pgno)?;
        let (free_at, kept) = (self.free_at(), !self.is_zero(before));
        self.one(0, meta, Missing::Stop, |page, way| {
            match way {
                Way::Redo => {
                    page.put_u32(free_at, next);
                    let last = page.u32(meta_at::LAST_PGNO).max(no);
                    page.put_u32(meta_at::LAST_PGNO, last);
                }
                Way::Undo => {
                    if kept {
                        page.put_u32(free_at, no);
                    }
                    page.put_u32(meta_at::LAST_PGNO, last);
                }
            }
            Ok(())
        })?;
        let level = self.level_of(kind);
        if self.redo() {
            self.file.create(no, self.release);
            let found = self.file.lsn(no, self.release).unwrap_or_default();
            let given_back = self.release <= Release::R46 && self.is_zero(before) && found == GIVEN_BACK;
            if found == before || self.is_zero(found) || given_back {
                self.touch(no, before, |page, _| page.init(no, 0, 0, level, kind))?;
            } else {
                self.fits(no, found, before)?;
            }
            return Ok(());
        }
        self.one(no, before, Missing::Skip, |page, _| page.init(no, 0, next, 0, PageKind::Invalid))?;
        let now = self.file.lsn(no, self.release);
        let there = now.is_some() || self.release >= Release::R45;
        if self.is_zero(before)
            && there
            && now.is_none_or(|now| self.is_zero(now))
            && self.meta_u32(meta_at::LAST_PGNO) <= no
        {
            self.file.truncate(no, self.release);
        }
        Ok(())
    }

    /// The page before it was given back, and the LSN that it had.
    fn freed(&self) -> Result<(Vec<u8>, Lsn), Fault> {
        let image = if self.record.op() == Op::PgFreedata {
            self.assembled(Name::header, Name::data)?
        } else {
            self.image(Name::header)?
        };
        let before = lsn_at(&image, self.order()).unwrap_or_default();
        Ok((image, before))
    }

    /// A page is given back.
    pub(super) fn pg_free(&mut self) -> Done {
        if self.release.truncates() { self.pg_free_44() } else { self.pg_free_2() }
    }

    fn pg_free_2(&mut self) -> Done {
        let (no, next, meta) = (self.n(Name::pgno)?, self.n(Name::next)?, self.lsn(Name::meta_lsn)?);
        let (image, before) = self.freed()?;
        if self.release > Release::R2 {
            self.file.create(no, self.release);
        } else if self.redo() && !self.file.has(no, self.release) {
            return Err(Fault::Missing(PageNo(no)));
        }
        if let Some(found) = self.file.lsn(no, self.release) {
            let fresh = self.release > Release::R2 && self.is_zero(before) && found <= meta;
            let due = match self.way {
                Way::Redo => found == before || fresh || self.fits(no, found, before)?,
                Way::Undo => found == self.lsn_of_record(),
            };
            if due {
                self.touch(no, before, |page, way| match way {
                    Way::Redo => page.init(no, 0, next, 0, PageKind::Invalid),
                    Way::Undo => page.take(&image),
                })?;
            }
        }
        let (free_at, keeps) = (self.free_at(), self.keeps_last());
        self.one(0, meta, Missing::Stop, |page, way| {
            page.put_u32(free_at, if way == Way::Redo { no } else { next });
            if way == Way::Redo && keeps {
                let last = page.u32(meta_at::LAST_PGNO).max(no);
                page.put_u32(meta_at::LAST_PGNO, last);
            }
            Ok(())
        })?;
        Ok(())
    }

    fn pg_free_44(&mut self) -> Done {
        let (no, next, meta) = (self.n(Name::pgno)?, self.n(Name::next)?, self.lsn(Name::meta_lsn)?);
        let above = self.n(Name::meta_pgno)?;
        let last = self.n(Name::last_pgno)?;
        let (image, before) = self.freed()?;
        let link_at = if above == 0 { self.free_at() } else { at::NEXT };
        if above == 0 && !self.file.has(0, self.release) {
            return Err(Fault::Missing(PageNo::META));
        }
        self.one(above, meta, Missing::Skip, |page, way| {
            match way {
                Way::Redo if no == last => page.put_u32(meta_at::LAST_PGNO, no.saturating_sub(1)),
                Way::Redo => page.put_u32(link_at, no),
                Way::Undo => {
                    page.put_u32(link_at, next);
                    if above == 0 {
                        let last = page.u32(meta_at::LAST_PGNO).max(no);
                        page.put_u32(meta_at::LAST_PGNO, last);
                    }
                }
            }
            Ok(())
        })?;
        let said = self.meta_u32(meta_at::LAST_PGNO);
        let at_end = above == 0 && said <= no;
        let only_if_there = self.redo() || (above == 0 && said < no);
        if !self.file.has(no, self.release) {
            if only_if_there {
                if self.redo() && self.release >= Release::R45 && at_end {
                    self.file.truncate(no, self.release);
                }
                return Ok(());
            }
            self.file.create(no, self.release);
        }
        let found = self.file.lsn(no, self.release).unwrap_or_default();
        if self.redo() {
            let again = self.release >= Release::R50 && found == self.lsn_of_record();
            let fresh = self.is_zero(before) && found <= meta;
            let due =
                found == before || fresh || again || self.is_zero(found) || self.fits(no, found, before)?;
            if !due {
                return Ok(());
            }
            if at_end && last <= no {
                self.file.truncate(no, self.release);
            } else if last == no {
                self.touch(no, before, |page, _| {
                    page.bytes.iter_mut().take(page.index).for_each(|byte| *byte = 0);
                    Ok(())
                })?;
                self.set_lsn(no, Lsn::default());
            } else if found != self.lsn_of_record() {
                self.touch(no, before, |page, _| page.init(no, 0, next, 0, PageKind::Invalid))?;
            }
            return Ok(());
        }
        if found == self.lsn_of_record() || self.is_zero(found) {
            self.touch(no, before, |page, _| page.take(&image))?;
        }
        Ok(())
    }

    /// A page at the end of the file is remembered.
    pub(super) fn pg_new(&mut self) -> Done {
        let no = self.n(Name::pgno)?;
        self.file.remember(no);
        Ok(())
    }

    /// The pages of a list: of those of release 4.7 and before the next one stands behind.
    pub(super) fn list(&self, with_next: bool) -> Result<Vec<Listed>, Fault> {
        let order = if self.release >= Release::R50 { self.record.record().endianness() } else { self.items };
        let (size, lsn) = if with_next { (16, 8) } else { (12, 4) };
        let entry = |entry: &[u8]| {
            let next = if with_next { order.u32_at(entry, 4) } else { None };
            Some(Listed { no: order.u32_at(entry, 0)?, next, lsn: lsn_at(entry.get(lsn..)?, order)? })
        };
        Ok(self.b(Name::list)?.chunks_exact(size).filter_map(entry).collect())
    }

    /// The free pages are sorted, and those at the end of the file cut off.
    pub(super) fn pg_sort(&mut self) -> Done {
        let list = self.list(false)?;
        let nexts = list.iter().skip(1).map(|page| page.no).chain([0]);
        let list: Vec<Listed> =
            list.iter().zip(nexts).map(|(page, next)| Listed { next: Some(next), ..*page }).collect();
        let first = list.first().map_or(0, |page| page.no);
        self.sorted(list, first, true)
    }

    /// The same, as release 4.8 and later do it.
    pub(super) fn pg_trunc(&mut self) -> Done {
        let list = self.list(true)?;
        let next_free = self.n(Name::next_free)?;
        self.sorted(list, next_free, false)
    }

    fn sorted(&mut self, list: Vec<Listed>, back: u32, whole: bool) -> Done {
        let lsn = self.lsn_of_record();
        let (meta, last_free, last) =
            (self.n(Name::meta)?, self.n(Name::last_free)?, self.n(Name::last_pgno)?);
        let (of_meta, of_last) = (self.lsn(Name::meta_lsn)?, self.lsn(Name::last_lsn)?);
        let free_at = self.free_at();
        if self.redo() {
            let mut kept = list;
            kept.sort_by_key(|page| page.no);
            let mut end = last;
            while kept.last().is_some_and(|page| page.no == end) && end > 0 {
                kept.pop();
                end = end.saturating_sub(1);
            }
            let nexts = kept.iter().skip(1).map(|page| page.no).chain([0]).collect::<Vec<_>>();
            for (page, next) in kept.iter().zip(nexts) {
                if self.file.lsn(page.no, self.release) == Some(page.lsn) {
                    self.touch(page.no, page.lsn, |held, _| {
                        held.set_next(next);
                        Ok(())
                    })?;
                }
            }
            if end != last {
                self.file.truncate(end.saturating_add(1), self.release);
            }
            let first = kept.first().map_or(0, |page| page.no);
            let to = if whole || first > end { 0 } else { first };
            if last_free != 0 {
                self.one(last_free, of_last, Missing::Skip, |page, _| {
                    page.set_next(to);
                    Ok(())
                })?;
            }
            let lowers = self.release >= Release::R50;
            self.one(meta, of_meta, Missing::Skip, |page, _| {
                if last_free == 0 {
                    page.put_u32(free_at, first);
                }
                let said = page.u32(meta_at::LAST_PGNO);
                page.put_u32(meta_at::LAST_PGNO, if lowers { said.min(end) } else { end });
                Ok(())
            })?;
            return Ok(());
        }
        for page in &list {
            self.file.create(page.no, self.release);
            let found = self.file.lsn(page.no, self.release).unwrap_or_default();
            if self.is_zero(found) || found == lsn {
                let (no, next) = (page.no, page.next.unwrap_or(0));
                self.touch(no, page.lsn, |held, _| held.init(no, 0, next, 0, PageKind::Invalid))?;
            }
        }
        if last_free != 0 {
            self.one(last_free, of_last, Missing::Skip, |page, _| {
                page.set_next(back);
                Ok(())
            })?;
        }
        self.one(meta, of_meta, Missing::Skip, |page, _| {
            let said = page.u32(meta_at::LAST_PGNO);
            page.put_u32(meta_at::LAST_PGNO, if whole { last } else { said.max(last) });
            if last_free == 0 {
                page.put_u32(free_at, back);
            }
            Ok(())
        })?;
        Ok(())
    }

    /// A run of free pages is taken for hash buckets.
    pub(super) fn realloc(&mut self) -> Done {
        let (lsn, kind) = (self.lsn_of_record(), self.kind(Name::ptype)?);
        let list = self.list(true)?;
        for page in &list {
            self.file.create(page.no, self.release);
            let found = self.file.lsn(page.no, self.release).unwrap_or_default();
            let due = if self.redo() { found == page.lsn } else { self.is_zero(found) || found == lsn };
            if due {
                let (no, next) = (page.no, page.next.unwrap_or(0));
                self.touch(no, page.lsn, |held, way| match way {
                    Way::Redo => held.init(no, 0, 0, 0, kind),
                    Way::Undo => held.init(no, 0, next, 0, PageKind::Invalid),
                })?;
            }
        }
        let (prev, next_free) = (self.n(Name::prev_pgno)?, self.n(Name::next_free)?);
        let first = list.first().map_or(0, |page| page.no);
        let link_at = if prev == 0 { self.free_at() } else { at::NEXT };
        self.link(prev, self.lsn(Name::page_lsn)?, link_at, Missing::Skip, (next_free, first))?;
        Ok(())
    }
}
