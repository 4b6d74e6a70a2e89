//! Records of HEAP (recovery, "HEAP").

use super::{Change, Done, Fault, Missing, Way};
use crate::format::edit::{self, PageError};
use crate::format::meta::{Field, at as meta_at};
use crate::format::page::{PageKind, at, slot_offset};
use crate::format::seal::Seal;
use crate::log::schema::Name;
use crate::order::with_order;
use crate::recover::held::Held;
use crate::types::{Lsn, PageNo};

/// Where a page has its highest slot and the first free one behind it, and a region its highest page.
const HIGH: usize = 16;
const HIGHEST_PAGE: usize = 12;
/// Counts on a metadata page.
const COUNTS: [usize; 2] = [40, 44];

impl Change<'_, '_> {
    fn heap_at(&self, field: Field) -> usize {
        self.file.head.and_then(|head| head.layout.place(field)).map_or(0, |(at, _)| at)
    }

    /// Pages of a region.
    fn region_size(&self) -> u32 {
        let at = self.heap_at(Field::RegionSize);
        self.file.look(0, self.release, |page| page.u32(at)).unwrap_or(0)
    }

    /// The page of the region in which a page is, and the number of the region.
    fn region_of(&self, no: u32) -> (u32, u32) {
        let size = self.region_size().saturating_add(1);
        let number = no.saturating_sub(1).checked_div(size).unwrap_or(0);
        (number.saturating_mul(size).saturating_add(1), number.saturating_add(1))
    }

    /// A record is put on a page or taken from it.
    pub(super) fn heap_addrem(&mut self) -> Done {
        // Beside it no type of page stands.
        let add = match self.n(Name::opcode)? {
            8 => true,
            9 => false,
            _ => return Err(Fault::Field(Name::opcode.text())),
        };
        let (no, slot, before) = (self.n(Name::pgno)?, self.short(Name::indx)?, self.lsn(Name::pagelsn)?);
        let space = self.record.size(Name::nbytes).ok_or(Fault::Field(Name::nbytes.text()))?;
        let item = [self.b(Name::hdr)?, self.b(Name::dbt)?].concat();
        // No order of LSNs stops it.
        let Some(found) = self.file.lsn(no, self.release) else { return Ok(()) };
        let due = if self.redo() { found == before } else { found == self.lsn_of_record() };
        if !due {
            return Ok(());
        }
        self.touch(no, before, |page, way| {
            if add == (way == Way::Redo) {
                page.heap_put(slot, space, &item)
            } else {
                page.heap_delete(slot, space)
            }
        })?;
        self.mark_space(no)
    }

    /// Says in the region how full a page is.
    fn mark_space(&mut self, no: u32) -> Done {
        let index = self.index();
        // As if the table began behind a checksum of QUEUE.
        let start = if self.seal() == Seal::Checksum { Seal::Checksum.queue_header() } else { index };
        let size = self.size();
        let free = self.file.look(no, self.release, |page| {
            let slots =
                if page.entries() == 0 { 0 } else { usize::from(page.heap_slots().0).saturating_add(1) };
            page.area().saturating_sub(start).saturating_sub(slots.saturating_mul(2))
        });
        let percent = free.unwrap_or(0).saturating_mul(100).checked_div(size).unwrap_or(0);
        let bits: u8 = match percent {
            0..=5 => 3,
            6..=33 => 2,
            34..=66 => 1,
            _ => 0,
        };
        let (region, _) = self.region_of(no);
        let place = no.saturating_sub(region).saturating_sub(1);
        let byte = index.saturating_add(PageNo(place / 4).index());
        let shift = place.wrapping_rem(4).wrapping_mul(2);
        if let Some(held) = self.file.change(region, self.release).and_then(|page| page.bytes.get_mut(byte)) {
            *held = *held & !(3_u8.wrapping_shl(shift)) | bits.wrapping_shl(shift);
        }
        Ok(())
    }

    /// A page is taken into use.
    pub(super) fn heap_alloc(&mut self) -> Done {
        let (no, kind, said) = (self.n(Name::pgno)?, self.kind(Name::ptype)?, self.n(Name::last_pgno)?);
        let region = kind == PageKind::HeapRegion;
        let (region_page, number) = self.region_of(no);
        let (regions_at, size) = (self.heap_at(Field::Nregions), self.region_size());
        let last_of_file = self.file.last();
        let mut cut = false;
        self.one(self.n(Name::meta_pgno)?, self.lsn(Name::meta_lsn)?, Missing::Stop, |page, way| {
            let last = page.u32(meta_at::LAST_PGNO);
            if way == Way::Redo {
                page.put_u32(meta_at::LAST_PGNO, last.max(no));
                if region {
                    page.put_u32(regions_at, page.u32(regions_at).max(number));
                }
                return Ok(());
            }
            if last != said {
                cut = last_of_file == Some(last);
                page.put_u32(meta_at::LAST_PGNO, said);
            }
            let mut regions = page.u32(regions_at);
            if region && number == regions {
                regions = regions.saturating_sub(1);
                while regions > 0 && said < regions.saturating_sub(1).saturating_mul(size) {
                    regions = regions.saturating_sub(1);
                }
                page.put_u32(regions_at, regions);
            }
            Ok(())
        })?;
        if self.redo() {
            self.file.create(no, self.release);
            if self.file.lsn(no, self.release) == Some(Lsn::default()) {
                let strict = self.strict;
                self.touch(no, Lsn::default(), |page, _| {
                    if region && !strict {
                        page.bytes.fill(0);
                    }
                    page.init(no, 0, 0, 0, kind)
                })?;
            }
            if let Some(page) =
                self.file.change(region_page, self.release).filter(|page| page.u32(HIGHEST_PAGE) < no)
            {
                page.put_u32(HIGHEST_PAGE, no);
            }
            return Ok(());
        }
        if let Some(found) = self.file.lsn(no, self.release) {
            let zero = found == Lsn::default();
            if found == self.lsn_of_record() || zero {
                if self.file.last() == Some(no) {
                    cut = true;
                } else if !zero {
                    if let Some(page) = self.file.change(no, self.release) {
                        page.bytes.fill(0);
                    }
                }
            }
            let now = self.file.look(no, self.release, |page| (page.lsn(), page.type_byte()));
            let blank =
                now.is_some_and(|(lsn, kind)| lsn == Lsn::default() && kind != PageKind::HeapRegion.byte());
            if cut {
                self.file.forget(no);
            } else if blank {
                if let Some(page) = self.file.change(no, self.release) {
                    page.bytes.fill(0);
                }
            }
        }
        if cut {
            self.file.truncate(said.saturating_add(1), self.release);
        }
        Ok(())
    }

    /// The file is emptied: its metadata page.
    pub(super) fn heap_trunc_meta(&mut self) -> Done {
        let (last, keys, records) =
            (self.n(Name::last_pgno)?, self.n(Name::key_count)?, self.n(Name::record_count)?);
        let (current, regions) = (self.n(Name::curregion)?, self.n(Name::nregions)?);
        let [current_at, regions_at] = [Field::CurRegion, Field::Nregions].map(|field| self.heap_at(field));
        let done = self.one(self.n(Name::pgno)?, self.lsn(Name::pagelsn)?, Missing::Stop, |page, way| {
            let values =
                if way == Way::Redo { [1, 0, 0, 1, 1] } else { [last, keys, records, current, regions] };
            let [keys_at, records_at] = COUNTS;
            for (at, value) in
                [meta_at::LAST_PGNO, keys_at, records_at, current_at, regions_at].into_iter().zip(values)
            {
                page.put_u32(at, value);
            }
            Ok(())
        })?;
        if done && self.redo() {
            self.file.cut(1);
        }
        Ok(())
    }

    /// The same: another of its pages.
    pub(super) fn heap_trunc_page(&mut self) -> Done {
        let (no, before) = (self.n(Name::pgno)?, self.lsn(Name::pagelsn)?);
        if self.redo() {
            if self.file.lsn(no, self.release) == Some(before) {
                self.file.forget(no);
            }
            return Ok(());
        }
        let image = self.image(Name::old_data)?;
        self.file.create(no, self.release);
        if self.file.lsn(no, self.release) == Some(Lsn::default()) {
            self.touch(no, before, |page, _| page.take(&image))?;
        }
        Ok(())
    }
}

impl Held {
    /// The highest slot and the first free one: in the order of the body, four bytes reversed as one
    /// where that is another than the order of the header.
    fn heap_slots(&self) -> (u16, u16) {
        let mut word: [u8; 4] =
            self.bytes.get(HIGH..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
        if self.order != self.body {
            word.reverse();
        }
        let [high, free] = [0, 2].map(|at| self.body.u16_at(&word, at).unwrap_or(0));
        if self.entries() == 0 { (0, free) } else { (high, free) }
    }

    fn set_heap_slots(&mut self, high: u16, free: u16) {
        let mut word = [0; 4];
        with_order!(self.body, O => {
            edit::put_u16::<O>(&mut word, 0, high);
            edit::put_u16::<O>(&mut word, 2, free);
        });
        if self.order != self.body {
            word.reverse();
        }
        edit::put(&mut self.bytes, HIGH, &word);
    }

    fn heap_entry(&self, slot: u16) -> u16 {
        self.body.u16_at(&self.bytes, slot_offset(self.index, slot)).unwrap_or(0)
    }

    fn heap_set(&mut self, slot: u16, offset: u16) {
        let at = slot_offset(self.index, slot);
        with_order!(self.body, O => edit::put_u16::<O>(&mut self.bytes, at, offset));
    }

    fn heap_put(&mut self, slot: u16, space: usize, data: &[u8]) -> Result<(), PageError> {
        let (entries, area) = (self.entries(), self.area());
        let (mut high, mut free) = self.heap_slots();
        let end = slot_offset(self.index, high.max(slot).saturating_add(1));
        let to = area.checked_sub(space).filter(|&to| to >= end && data.len() <= space);
        let to = to.ok_or(PageError::Full { needed: space, free: area.saturating_sub(end) })?;
        let offset = u16::try_from(to).map_err(|_| PageError::Area { area: to, index: end })?;
        if slot > high {
            if entries == 0 {
                free = 0;
                self.heap_set(0, 0);
            } else if free >= slot {
                free = if slot > high.saturating_add(1) { high } else { slot }.saturating_add(1);
            }
            for between in high.saturating_add(1)..slot {
                self.heap_set(between, 0);
            }
            self.heap_set(slot, offset);
            high = slot;
        } else {
            self.heap_set(slot, offset);
            free = slot;
            while free <= high && self.heap_entry(free) != 0 {
                free = free.saturating_add(1);
            }
        }
        self.set_area(to);
        self.put(to, data)?;
        self.put_u16(at::ENTRIES, entries.saturating_add(1));
        self.set_heap_slots(high, free);
        Ok(())
    }

    fn heap_delete(&mut self, slot: u16, space: usize) -> Result<(), PageError> {
        let (entries, area) = (self.entries(), self.area());
        let (mut high, free) = self.heap_slots();
        if entries == 0 || slot > high {
            return Err(PageError::Slot { slot, entries });
        }
        let entry = self.heap_entry(slot);
        let offset = usize::from(entry);
        let none = PageError::Item { slot, offset };
        let fits = offset >= area && offset.checked_add(space).is_some_and(|end| end <= self.bytes.len());
        let to = area.checked_add(space).filter(|_| fits && entry != 0).ok_or(none)?;
        let step = u16::try_from(space).map_err(|_| none)?;
        let end = slot_offset(self.index, high.saturating_add(1));
        if end > self.bytes.len() {
            return Err(PageError::Area { area, index: end });
        }
        for other in 0..=high {
            let at = self.heap_entry(other);
            if at != 0 && at < entry {
                self.heap_set(other, at.saturating_add(step));
            }
        }
        self.bytes.copy_within(area..offset, to);
        self.heap_set(slot, 0);
        self.put_u16(at::ENTRIES, entries.saturating_sub(1));
        self.set_area(to);
        while high > 0 && self.heap_entry(high) == 0 {
            high = high.saturating_sub(1);
        }
        let free = if entries == 1 { 0 } else { free.min(slot).min(high.saturating_add(1)) };
        self.set_heap_slots(high, free);
        Ok(())
    }
}
