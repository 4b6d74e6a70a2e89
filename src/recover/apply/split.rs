//! A page is split in two, and a tree loses a level (recovery, "Record actions").

use super::{Change, Done, Fault, Missing, Way};
use crate::format::edit::PageError;
use crate::format::page::{PageKind, at};
use crate::format::swap;
use crate::log::record::decoded::lsn_at;
use crate::log::schema::Name;
use crate::recover::held::Held;
use crate::recover::release::Release;
use crate::types::{Lsn, PageNo};

/// What a split makes of a page.
struct Halves {
    /// The page before.
    old: Held,
    left: Held,
    right: Held,
    /// Records on both.
    total: u32,
    kind: PageKind,
}

impl Change<'_, '_> {
    /// The page before a split, and its halves.
    fn halves(&self, root: bool) -> Result<Halves, Fault> {
        let mut bytes = self.image(Name::pg)?;
        bytes.resize(self.size(), 0);
        let old =
            Held { bytes, index: self.index(), order: self.order(), body: self.order(), changed: false };
        let no = old.u32(at::PGNO);
        let fault = |why| Fault::Page { page: PageNo(no), why };
        let kind = old.kind().ok_or(fault(PageError::Kind { found: old.type_byte() }))?;
        let (left, right) = (self.n(Name::left)?, self.n(Name::right)?);
        let at_slot = self.short(Name::indx)?;
        let chained = !matches!(kind, PageKind::BtreeInternal | PageKind::RecnoInternal);
        let links = match (chained, root) {
            (false, _) => [(0, 0), (0, 0)],
            (true, true) => [(0, right), (left, 0)],
            (true, false) => [(old.u32(at::PREV), right), (no, old.u32(at::NEXT))],
        };
        let bare = self.release >= Release::R46;
        let half = |page: u32, (prev, next): (u32, u32), slots| {
            let mut half = old.clone();
            half.init(page, prev, next, old.level(), kind)?;
            half.items()?.copy_run(&old.bytes, slots, bare)?;
            let total = half.items()?.total()?;
            Ok((half, total))
        };
        let [one, two] = links;
        let (left, before) = half(left, one, 0..at_slot).map_err(fault)?;
        let (right, behind) = half(right, two, at_slot..old.entries()).map_err(fault)?;
        Ok(Halves { left, right, total: before.wrapping_add(behind), kind, old })
    }

    /// The number of the page that is split, as its image says it.
    fn split_page_no(&self) -> Result<u32, Fault> {
        self.images.u32_at(self.b(Name::pg)?, at::PGNO).ok_or(Fault::Field(Name::pg.text()))
    }

    /// A page is split in two.
    pub(super) fn split(&mut self) -> Done {
        if self.release >= Release::R48 {
            return self.split_with_parent();
        }
        let no = self.split_page_no()?;
        let root = match self.release {
            Release::R2 => no == 1,
            Release::R32 => no == self.n(Name::root_pgno)?,
            _ => self.n(Name::root_pgno)? != 0,
        };
        let before = lsn_at(self.b(Name::pg)?, self.images).unwrap_or_default();
        if self.redo() {
            if !self.split_redo(no, root, before)? && self.strict && self.release == Release::R2 {
                return Ok(());
            }
        } else {
            self.split_undo(no, root, before)?;
        }
        let right = self.n(Name::right)?;
        let (next, before) = (self.n(Name::npgno)?, self.lsn(Name::nlsn)?);
        let there = if self.release <= Release::R32 { before.file != 0 } else { next != 0 };
        if !root && there {
            self.link(next, before, at::PREV, Missing::Stop, (right, self.n(Name::left)?))?;
        }
        Ok(())
    }

    /// Whether a half is to be written: it is as it was, or missing.
    fn half_is_due(&mut self, no: u32, before: Lsn) -> Result<bool, Fault> {
        match self.file.lsn(no, self.release) {
            Some(found) => self.fits(no, found, before),
            None => Ok(self.release < Release::R47),
        }
    }

    fn split_redo(&mut self, no: u32, root: bool, before: Lsn) -> Result<bool, Fault> {
        let (left, right) = (self.n(Name::left)?, self.n(Name::right)?);
        let needed = if root { no } else { left };
        let late = self.release >= Release::R43;
        if self.file.lsn(needed, self.release).is_none() && !late {
            return Err(Fault::Missing(PageNo(needed)));
        }
        let parent = match self.file.lsn(no, self.release).filter(|_| root) {
            Some(found) => self.fits(no, found, before)?,
            None => false,
        };
        let to_left = self.half_is_due(left, self.lsn(Name::llsn)?)?;
        let to_right = self.half_is_due(right, self.lsn(Name::rlsn)?)?;
        if !(parent || to_left || to_right) {
            return Ok(false);
        }
        let halves = self.halves(root)?;
        for (due, page, half) in [(to_left, left, &halves.left), (to_right, right, &halves.right)] {
            if due {
                self.file.create(page, self.release);
                self.touch(page, Lsn::default(), |page, _| page.take(&half.bytes))?;
            }
        }
        if parent {
            let counted = self.counts_records(&halves)?;
            let (kind, level) = (halves.parent_kind(), halves.old.level().saturating_add(1));
            let total = if counted { halves.total } else { 0 };
            self.touch(no, before, |page, _| {
                page.init(no, 0, 0, level, kind)?;
                page.put_u32(at::PREV, total);
                Ok(())
            })?;
        }
        Ok(true)
    }

    /// Whether the tree counts its records.
    fn counts_records(&self, halves: &Halves) -> Result<bool, Fault> {
        let recno = !matches!(halves.parent_kind(), PageKind::BtreeInternal);
        if self.release == Release::R2 {
            return Ok(self.counts);
        }
        Ok(recno || self.n(Name::opflags)? & 1 != 0)
    }

    fn split_undo(&mut self, no: u32, root: bool, before: Lsn) -> Done {
        let (left, right) = (self.n(Name::left)?, self.n(Name::right)?);
        let image = self.image(Name::pg)?;
        self.one(no, before, Missing::Skip, |page, _| page.take(&image))?;
        if root {
            self.one(left, self.lsn(Name::llsn)?, Missing::Skip, |_, _| Ok(()))?;
        }
        self.one(right, self.lsn(Name::rlsn)?, Missing::Skip, |_, _| Ok(()))?;
        Ok(())
    }

    /// From release 4.8 on the record has the change of the parent, too.
    fn split_with_parent(&mut self) -> Done {
        let no = self.split_page_no()?;
        let (left, right, parent) = (self.n(Name::left)?, self.n(Name::right)?, self.n(Name::ppgno)?);
        let root = parent == no;
        let image_lsn = lsn_at(self.b(Name::pg)?, self.images).unwrap_or_default();
        let of_parent = if root { image_lsn } else { self.lsn(Name::plsn)? };
        let (of_left, of_right) = (self.lsn(Name::llsn)?, self.lsn(Name::rlsn)?);
        let flags = self.n(Name::opflags)?;
        let flags = if self.release >= Release::R50 { flags >> 8 } else { flags };
        let (counted, recno) = (flags & 1 != 0, flags & 2 != 0);
        let slot = self.short(Name::pindx)?;
        // A parent that counts gets its entry from the records that follow.
        let entry_here = root || !(counted && self.release >= Release::R50);
        if self.redo() {
            let mut due = [false; 3];
            for (due, (no, before)) in
                due.iter_mut().zip([(parent, of_parent), (left, of_left), (right, of_right)])
            {
                if let Some(found) = self.file.lsn(no, self.release) {
                    *due = self.fits(no, found, before)?;
                }
            }
            let [to_parent, to_left, to_right] = due;
            if to_parent || to_left || to_right {
                let halves = self.halves(root)?;
                for (due, page, half) in [(to_left, left, &halves.left), (to_right, right, &halves.right)] {
                    if due {
                        self.touch(page, Lsn::default(), |page, _| page.take(&half.bytes))?;
                    }
                }
                let kind = if recno { PageKind::RecnoInternal } else { PageKind::BtreeInternal };
                let [first, second] = [Name::pentry, Name::rentry]
                    .map(|field| self.b(field).map(|item| self.item(Some(kind), item, &[])));
                let (first, second) = (first?, second?);
                let (level, total) = (halves.old.level().saturating_add(1), halves.total);
                if to_parent {
                    self.touch(parent, of_parent, |page, _| {
                        if root {
                            let held = page.u32(at::PREV);
                            page.init(no, 0, 0, level, kind)?;
                            page.put_u32(at::PREV, if counted { total } else { held });
                            page.items()?.insert(slot, space(&first), &first, &[])?;
                        }
                        if entry_here {
                            page.items()?.insert(slot.saturating_add(1), space(&second), &second, &[])?;
                        }
                        Ok(())
                    })?;
                }
            }
        } else {
            let image = self.image(Name::pg)?;
            if root {
                self.one(left, of_left, Missing::Skip, |_, _| Ok(()))?;
            }
            self.one(right, of_right, Missing::Skip, |_, _| Ok(()))?;
            self.one(no, image_lsn, Missing::Skip, |page, _| page.take(&image))?;
            if !root {
                self.one(parent, of_parent, Missing::Skip, |page, _| {
                    if !entry_here {
                        return Ok(());
                    }
                    let slot = slot.saturating_add(1);
                    let space = page.items()?.space(slot)?;
                    page.items()?.delete(slot, space)
                })?;
            }
        }
        let next = self.n(Name::npgno)?;
        if !root && next != 0 {
            self.link(next, self.lsn(Name::nlsn)?, at::PREV, Missing::Stop, (right, left))?;
        }
        Ok(())
    }

    /// The root takes over the contents of its only child.
    pub(super) fn rsplit(&mut self) -> Done {
        let (no, root) = (self.n(Name::pgno)?, self.record.number(Name::root_pgno).unwrap_or(1));
        let image = self.image(Name::pgdbt)?;
        let before = lsn_at(&image, self.order()).unwrap_or_default();
        let records = self.n(Name::nrec)?;
        let tree = matches!(image.get(at::TYPE), Some(&(3 | 5 | 12)));
        let kind = if tree { PageKind::BtreeInternal } else { PageKind::RecnoInternal };
        // It stands in the order of the machine, whatever the version.
        let mut entry = self.b(Name::rootent)?.to_vec();
        if self.machine != self.order() {
            swap::item(kind, &mut entry);
        }
        if self.way == Way::Undo && self.release == Release::R32 && !self.file.has(root, self.release) {
            return Ok(());
        }
        let keeps = self.release >= Release::R44;
        self.one(root, self.lsn(Name::rootlsn)?, Missing::Stop, |page, way| {
            if way == Way::Redo {
                let total = page.u32(at::PREV);
                page.take(&image)?;
                page.put_u32(at::PGNO, root);
                if keeps && page.level() > 1 {
                    page.put_u32(at::PREV, total);
                }
                return Ok(());
            }
            let level = page.level().saturating_add(1);
            page.init(root, records, 0, level, kind)?;
            page.items()?.insert(0, entry.len(), &entry, &[])
        })?;
        self.one(
            no,
            before,
            Missing::Stop,
            |page, way| {
                if way == Way::Undo { page.take(&image) } else { Ok(()) }
            },
        )?;
        Ok(())
    }
}

impl Halves {
    /// The type of the page above.
    fn parent_kind(&self) -> PageKind {
        match self.kind {
            PageKind::BtreeInternal | PageKind::BtreeLeaf | PageKind::DuplicateLeaf => {
                PageKind::BtreeInternal
            }
            _ => PageKind::RecnoInternal,
        }
    }
}

/// The space of an item: it is a multiple of 4.
fn space(item: &[u8]) -> usize {
    crate::format::item::padded(item.len())
}
