//! Records of HASH (recovery, "HASH").

use std::cmp::Ordering;
use std::convert::Infallible;

use super::{Change, Done, Fault, Missing, Way};
use crate::format::edit::PageError;
use crate::format::hash::{insertion, sorted};
use crate::format::meta::{Field, at as meta_at};
use crate::format::page::{PageKind, at};
use crate::log::record::decoded::lsn_at;
use crate::log::schema::Name;
use crate::recover::held::Held;
use crate::recover::release::Release;
use crate::types::{Lsn, PageNo};

/// So much of the text of long keys is compared where a page is sorted, in bytes.
const MOST_TEXT: usize = 64 << 20;

/// Types of items that are recorded whole.
const REFERENCES: [u32; 2] = [3, 4];

impl Change<'_, '_> {
    /// What to do where a page is missing, of records that put something on it.
    fn fresh(&self, before: Lsn) -> Missing {
        let create = self.release < Release::R43 || before == Lsn::default();
        if create { Missing::Create } else { Missing::Skip }
    }

    /// A page that is missing is made by release 4.2 and before.
    fn early(&self) -> Missing {
        if self.release < Release::R43 { Missing::Create } else { Missing::Skip }
    }

    /// An item as it stands on the page.
    fn hash_item(
        &self,
        item: &[u8],
        kind: Option<Name>,
        put: bool,
        whole: u32,
        set: u32,
    ) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::with_capacity(item.len().saturating_add(1));
        if let Some(kind) = kind.and_then(|kind| self.record.number(kind)) {
            let kind = kind >> 8;
            if !REFERENCES.contains(&kind) {
                bytes.push(u8::try_from(kind & 0xff).unwrap_or(0));
            }
        } else if put {
            let code = self.n(Name::opcode)?;
            if set != 0 && code & set != 0 {
                bytes.push(2);
            } else if code & whole == 0 {
                bytes.push(1);
            }
        }
        bytes.extend_from_slice(item);
        if self.items != self.order() {
            crate::format::swap::hash_item(&mut bytes, self.items);
        }
        Ok(bytes)
    }

    /// A pair is put on a page or taken from it.
    pub(super) fn insdel(&mut self) -> Done {
        let code = self.n(Name::opcode)?;
        let put = match code & 0xf0 {
            0x20 => true,
            0x30 => false,
            _ => return Err(Fault::Field(Name::opcode.text())),
        };
        let slot = self.short(Name::ndx)?;
        let slot = if self.release == Release::R2 { slot.saturating_mul(2) } else { slot };
        let at_end = self.release < Release::R46;
        let sets = if self.release == Release::R2 { 0 } else { 4 };
        let key = self.hash_item(self.b(Name::key)?, Some(Name::keytype), put, 1, 0)?;
        let data = self.hash_item(self.b(Name::data)?, Some(Name::datatype), put, 2, sets)?;
        let (no, before) = (self.n(Name::pgno)?, self.lsn(Name::pagelsn)?);
        let missing = self.fresh(before);
        self.one(no, before, missing, |page, way| {
            if put == (way == Way::Redo) {
                let slot = if at_end && way == Way::Redo { page.entries() } else { slot };
                page.put_pair(slot, &key, &data)
            } else {
                page.delete_pair(slot)
            }
        })?;
        Ok(())
    }

    /// A page is put into a chain or taken from it.
    pub(super) fn newpage(&mut self) -> Done {
        let put = match self.n(Name::opcode)? & 0xf0 {
            0x40 => true,
            0x50 => false,
            _ => return Err(Fault::Field(Name::opcode.text())),
        };
        let no = self.n(Name::new_pgno)?;
        let (prev, next, kind) = (self.n(Name::prev_pgno)?, self.n(Name::next_pgno)?, self.bucket_kind());
        let missing = self.early();
        self.one(no, self.lsn(Name::pagelsn)?, missing, |page, way| {
            if put == (way == Way::Redo) { page.init(no, prev, next, 0, kind) } else { Ok(()) }
        })?;
        let both = |there: u32, without: u32| if put { (there, without) } else { (without, there) };
        if prev != 0 {
            self.link(prev, self.lsn(Name::prevlsn)?, at::NEXT, missing, both(no, next))?;
        }
        if next != 0 {
            self.link(next, self.lsn(Name::nextlsn)?, at::PREV, missing, both(no, prev))?;
        }
        Ok(())
    }

    /// A part of an item is replaced.
    pub(super) fn hash_replace(&mut self) -> Done {
        let (slot, offset) = (self.short(Name::ndx)?, self.signed(Name::off)?);
        let (old, new) = (self.b(Name::olditem)?, self.b(Name::newitem)?);
        let kinds = self.record.number(Name::oldtype).zip(self.record.number(Name::newtype));
        let kinds = kinds.map(|(old, new)| (old >> 8, new >> 8));
        let makes_set = self.record.number(Name::makedup).unwrap_or(0) != 0;
        let (from, order, strict) = (self.items, self.order(), self.strict);
        let turn = |bytes: &[u8], kind: Option<u32>| {
            let mut bytes = bytes.to_vec();
            if from != order {
                let mut typed =
                    [&[u8::try_from(kind.unwrap_or(1) & 0xff).unwrap_or(1)], bytes.as_slice()].concat();
                if kind.is_some_and(|kind| !REFERENCES.contains(&kind)) {
                    crate::format::swap::hash_item(&mut typed, from);
                    bytes = typed.split_off(1);
                } else {
                    crate::format::swap::hash_item(&mut bytes, from);
                }
            }
            bytes
        };
        let old = turn(old, kinds.map(|(old, _)| old));
        let new = turn(new, kinds.map(|(_, new)| new));
        let missing = self.early();
        self.one(self.n(Name::pgno)?, self.lsn(Name::pagelsn)?, missing, |page, way| {
            let (item, out) = if way == Way::Redo { (&new, &old) } else { (&old, &new) };
            let mut place = offset;
            let mut change =
                i64::try_from(item.len()).unwrap_or(0).wrapping_sub(i64::try_from(out.len()).unwrap_or(0));
            let plain = kinds.is_some_and(|(old, _)| old == 1 || old == 2);
            if offset < 0 && plain {
                // The type byte of the old item is not recorded, that of the new one is.
                let by = 1_i64;
                if strict {
                    let size = change.abs().saturating_add(by);
                    change = if change < 0 { size.wrapping_neg() } else { size };
                    if way == Way::Undo {
                        change = change.signum().saturating_mul(size);
                        place = 0;
                    }
                } else {
                    let typed = way == Way::Redo;
                    change = if typed { change.wrapping_sub(by) } else { change.wrapping_add(by) };
                    if !typed {
                        place = 0;
                    }
                }
            }
            page.splice(slot, place, change, item)?;
            let kind = match kinds {
                Some((old, new)) if old != new => Some(if way == Way::Redo { new } else { old }),
                Some(_) => None,
                None if makes_set => Some(if way == Way::Redo { 2 } else { 1 }),
                None => None,
            };
            if let Some(kind) = kind {
                let at = page.offset(slot)?;
                page.put(at, &[u8::try_from(kind & 0xff).unwrap_or(0)])?;
            }
            Ok(())
        })?;
        Ok(())
    }

    /// A page before or after its bucket was split, or before it was sorted.
    pub(super) fn split_data(&mut self) -> Done {
        let (no, before) = (self.n(Name::pgno)?, self.lsn(Name::pagelsn)?);
        let image = self.image(Name::pageimage)?;
        let (kind, code, missing) = (self.bucket_kind(), self.n(Name::opcode)?, self.fresh(before));
        if code == 0x100 {
            let sorted = if self.redo() { self.sorted_page(no)? } else { None };
            self.one(no, before, missing, |page, way| match (way, sorted) {
                (Way::Redo, Some(sorted)) => page.take(&sorted),
                (Way::Redo, None) => Ok(()),
                (Way::Undo, _) => page.take(&image),
            })?;
            return Ok(());
        }
        let old = match code {
            0x80 => true,
            0x90 => false,
            _ => return Err(Fault::Field(Name::opcode.text())),
        };
        self.one(no, before, missing, |page, way| match (way, old) {
            (Way::Redo, true) => Ok(()),
            (Way::Undo, true) | (Way::Redo, false) => page.take(&image),
            (Way::Undo, false) => page.init(no, 0, 0, 0, kind),
        })?;
        Ok(())
    }

    /// A page with its pairs in the order of their keys.
    fn sorted_page(&self, no: u32) -> Result<Option<Vec<u8>>, Fault> {
        let fault = |why| Fault::Page { page: PageNo(no), why };
        let Some(page) = self.file.look(no, self.release, Held::clone) else { return Ok(None) };
        let mut pairs: Vec<(Vec<u8>, Vec<u8>, Vec<u8>)> = Vec::new();
        let mut left = MOST_TEXT;
        let mut slot = 0;
        while slot < page.entries() {
            let key = page.hash_item(slot).map_err(fault)?.to_vec();
            let data = page.hash_item(slot.saturating_add(1)).map_err(fault)?.to_vec();
            let text = self.key_text(&key, left);
            left = left
                .checked_sub(text.len())
                .filter(|&left| left > 0)
                .ok_or_else(|| fault(PageError::Space { len: text.len(), space: left }))?;
            pairs.push((text, key, data));
            slot = slot.saturating_add(2);
        }
        let keys: Vec<(&[u8], bool)> =
            pairs.iter().map(|(text, key, _)| (text.as_slice(), key.first() == Some(&1))).collect();
        let order = in_order(&keys);
        let mut sorted = page.clone();
        sorted.init(no, page.u32(at::PREV), page.next(), 0, PageKind::Hash).map_err(fault)?;
        for place in order {
            if let Some((_, key, data)) = pairs.get(place) {
                sorted.put_pair(sorted.entries(), key, data).map_err(fault)?;
            }
        }
        Ok(Some(sorted.bytes))
    }

    /// The bytes of a key: those of its chain, if it has one.
    fn key_text(&self, item: &[u8], most: usize) -> Vec<u8> {
        let Some((3, _)) = item.split_first() else { return item.get(1..).unwrap_or_default().to_vec() };
        let order = self.order();
        let (mut no, len) = (order.u32_at(item, 4).unwrap_or(0), order.u32_at(item, 8).unwrap_or(0));
        let mut text = Vec::new();
        let len = usize::try_from(len).unwrap_or(usize::MAX).min(most);
        // A chain has no more pages than the file.
        let mut left = self.file.last().unwrap_or(0);
        while no != 0 && text.len() < len && left > 0 {
            left = left.saturating_sub(1);
            let next = self.file.look(no, self.release, |page| {
                let data = page.bytes.get(page.index..).unwrap_or_default();
                let data = data.get(..usize::from(page.u16(at::HF_OFFSET))).unwrap_or(data);
                text.extend_from_slice(data);
                page.next()
            });
            no = next.unwrap_or(0);
        }
        text
    }

    /// The first page of a bucket takes over the contents of the next one.
    pub(super) fn copy_page(&mut self) -> Done {
        let (no, next, behind) = (self.n(Name::pgno)?, self.n(Name::next_pgno)?, self.n(Name::nnext_pgno)?);
        let (image, kind, missing) = (self.image(Name::page)?, self.bucket_kind(), self.early());
        self.one(no, self.lsn(Name::pagelsn)?, missing, |page, way| {
            if way == Way::Undo {
                return page.init(no, 0, next, 0, kind);
            }
            page.take(&image)?;
            page.put_u32(at::PGNO, no);
            page.set_prev(0);
            Ok(())
        })?;
        let of_image = lsn_at(&image, self.order());
        let done = self.one(next, self.lsn(Name::nextlsn)?, missing, |page, way| {
            if way == Way::Undo { page.take(&image) } else { Ok(()) }
        })?;
        if let (true, Way::Undo, Some(lsn)) = (done, self.way, of_image) {
            self.set_lsn(next, lsn);
        }
        if behind != 0 {
            self.link(behind, self.lsn(Name::nnextlsn)?, at::PREV, missing, (no, next))?;
        }
        Ok(())
    }

    /// Where a field of the metadata page of a HASH stands; the entry of a list by its place.
    fn hash_at(&self, field: Field, place: u32) -> usize {
        let newest = crate::format::meta::Layout::newest(crate::format::meta::HASH_MAGIC);
        let own = self.file.head.map(|head| head.layout).filter(|layout| layout.place(field).is_some());
        let at = own.or(newest).and_then(|layout| layout.place(field)).map_or(0, |(at, _)| at);
        at.saturating_add(PageNo(place.min(31)).index().saturating_mul(4))
    }

    /// The table shrinks by a bucket.
    pub(super) fn contract(&mut self) -> Done {
        let (bucket, pages) = (self.n(Name::bucket)?, self.n(Name::pgno)?);
        let [max, high, low] =
            [Field::MaxBucket, Field::HighMask, Field::LowMask].map(|field| self.hash_at(field, 0));
        let spare = self.hash_at(Field::Spares, log2(bucket).saturating_add(1));
        self.one(self.n(Name::meta)?, self.lsn(Name::meta_lsn)?, Missing::Skip, |page, way| {
            if way == Way::Redo {
                page.put_u32(max, bucket.wrapping_sub(1));
                if bucket == page.u32(low).wrapping_add(1) {
                    page.put_u32(spare, 0);
                    let mask = page.u32(low);
                    page.put_u32(high, mask);
                    page.put_u32(low, mask >> 1);
                }
            } else {
                page.put_u32(max, bucket);
                if bucket == page.u32(high).wrapping_add(1) {
                    page.put_u32(spare, pages.wrapping_sub(bucket));
                    let mask = page.u32(high);
                    page.put_u32(low, mask);
                    page.put_u32(high, bucket | mask);
                }
            }
            Ok(())
        })?;
        Ok(())
    }

    /// The pages of a group of buckets stand elsewhere.
    pub(super) fn change_slot(&mut self) -> Done {
        let (slot, old, new) = (self.n(Name::slot)?, self.n(Name::old)?, self.n(Name::new)?);
        let first = slot.checked_sub(1).map_or(0, |slot| 1_u32.checked_shl(slot).unwrap_or(0));
        let spare = self.hash_at(Field::Spares, slot);
        self.one(self.meta.0, self.lsn(Name::meta_lsn)?, Missing::Skip, |page, way| {
            let to = if way == Way::Redo { new } else { old };
            page.put_u32(spare, to.wrapping_sub(first));
            Ok(())
        })?;
        Ok(())
    }

    /// The table grows by a bucket.
    pub(super) fn meta_group(&mut self) -> Done {
        let (bucket, first) = (self.n(Name::bucket)?, self.n(Name::pgno)?);
        let grown = bucket.wrapping_add(1);
        let grow = grown.is_power_of_two();
        let several = match self.record.number(Name::newalloc) {
            Some(several) => several != 0,
            None => grow,
        };
        let page = if several { first.wrapping_add(bucket) } else { first };
        let spare = self.hash_at(Field::Spares, log2(grown).saturating_add(1));
        let [max, high, low] =
            [Field::MaxBucket, Field::HighMask, Field::LowMask].map(|field| self.hash_at(field, 0));
        let late = self.release.truncates();
        let before = self.lsn(Name::pagelsn)?;
        let meta = self.record.number(Name::mpgno).unwrap_or(self.meta.0);

        // The page of the bucket.
        if !late || self.redo() {
            self.file.create(page, self.release);
        }
        if let Some(found) = self.file.lsn(page, self.release) {
            if self.fits(page, found, before)? {
                if self.way == Way::Undo && late && several {
                    self.file.truncate(first, self.release);
                } else {
                    self.touch(page, before, |_, _| Ok(()))?;
                }
            }
            if self.redo() && several && self.release >= Release::R48 {
                self.begin_group(first, page)?;
            }
        }
        let there = self.file.has(page, self.release);

        // The metadata page of the database.
        let (way, newest, old) = (self.way, self.release >= Release::R50, self.release == Release::R32);
        let done = self.one(meta, self.lsn(Name::metalsn)?, Missing::Stop, |page, way| {
            match way {
                Way::Redo => {
                    page.put_u32(max, page.u32(max).wrapping_add(1));
                    if grow {
                        let mask = page.u32(high);
                        page.put_u32(low, mask);
                        page.put_u32(high, grown | mask);
                    }
                }
                Way::Undo if late => {
                    page.put_u32(max, bucket);
                    if grow {
                        page.put_u32(high, bucket);
                        page.put_u32(low, bucket >> 1);
                    }
                }
                Way::Undo => {
                    page.put_u32(max, page.u32(max).wrapping_sub(1));
                    if grow {
                        let mask = page.u32(low);
                        page.put_u32(high, mask);
                        page.put_u32(low, mask >> 1);
                    }
                }
            }
            Ok(())
        })?;
        if grow {
            let empty = self.file.look(meta, self.release, |page| page.u32(spare) == 0).unwrap_or(false);
            let set = match (late, way) {
                (true, Way::Redo) => there && if newest { done } else { empty },
                (true, Way::Undo) => false,
                (false, _) => empty && (done || !old),
            };
            let clear = late && way == Way::Undo && done;
            if set || clear {
                if let Some(page) = self.file.change(meta, self.release) {
                    page.put_u32(spare, if clear { 0 } else { first.wrapping_sub(grown) });
                }
            }
        }

        // The metadata page of the file.
        let Some(master) = self.record.number(Name::mmpgno) else { return Ok(()) };
        let mut matched = done;
        if master != meta {
            matched = self.one(master, self.lsn(Name::mmetalsn)?, Missing::Stop, |_, _| Ok(()))?;
        }
        let last = self.record.number(Name::last_pgno);
        if let Some(held) = self.file.change(master, self.release) {
            let said = held.u32(meta_at::LAST_PGNO);
            let raised = said.max(page);
            match (way, late) {
                (Way::Undo, true) if matched => held.put_u32(meta_at::LAST_PGNO, last.unwrap_or(said)),
                (Way::Undo, true) => {}
                (Way::Redo, true) if newest && !matched => {}
                _ => held.put_u32(meta_at::LAST_PGNO, raised),
            }
        }
        Ok(())
    }

    /// The pages of a new group become ones of buckets without numbers.
    fn begin_group(&mut self, first: u32, end: u32) -> Done {
        let kind = self.bucket_kind();
        self.near(end)?;
        self.go_through(end.saturating_sub(first))?;
        for no in first..end {
            let made = self.file.create(no, self.release);
            if self.file.lsn(no, self.release) != Some(Lsn::default()) {
                continue;
            }
            let newest = self.release >= Release::R50;
            if !newest && !made {
                continue;
            }
            if let Some(page) = self.file.change(no, self.release) {
                page.init(0, 0, 0, 0, kind).map_err(|why| Fault::Page { page: PageNo(no), why })?;
            }
        }
        Ok(())
    }

    /// The first pages of a database beside others in its file.
    pub(super) fn group_alloc(&mut self) -> Done {
        let (first, count) = (self.n(Name::start_pgno)?, self.n(Name::num)?);
        let last = first.wrapping_add(count).wrapping_sub(1);
        let (meta, lsn, kind) = (self.lsn(Name::meta_lsn)?, self.lsn_of_record(), self.bucket_kind());
        if self.redo() {
            let made = self.file.create(last, self.release);
            let old = self.release == Release::R32;
            let blank = self.file.look(last, self.release, |page| {
                let empty = if old { page.type_byte() == 0 } else { page.entries() == 0 };
                empty && page.lsn() == Lsn::default()
            });
            if made || blank == Some(true) {
                self.touch(last, Lsn::default(), |page, _| page.init(last, 0, 0, 0, kind))?;
                if old {
                    self.set_lsn(last, Lsn::default());
                }
            }
            self.one(0, meta, Missing::Stop, |_, _| Ok(()))?;
            if self.release >= Release::R41 {
                let raised = self
                    .file
                    .look(0, self.release, |page| page.u32(meta_at::LAST_PGNO))
                    .unwrap_or(0)
                    .max(last);
                if let Some(page) = self.file.change(0, self.release) {
                    page.put_u32(meta_at::LAST_PGNO, raised);
                }
            }
            return Ok(());
        }
        if self.release.truncates() {
            if self.file.lsn(last, self.release) == Some(lsn) {
                self.file.truncate(first, self.release);
            }
            let before = self.n(Name::last_pgno)?;
            self.one(0, meta, Missing::Skip, |page, _| {
                page.put_u32(meta_at::LAST_PGNO, before);
                Ok(())
            })?;
            return Ok(());
        }
        if self.release >= Release::R41 && self.file.lsn(last, self.release) == Some(lsn) {
            self.touch(last, Lsn::default(), |_, _| Ok(()))?;
        }
        self.near(last)?;
        self.go_through(count)?;
        (first..=last).for_each(|no| self.file.remember(no));
        self.one(0, meta, Missing::Skip, |_, _| Ok(()))?;
        Ok(())
    }

    /// A page is taken into use or given back (2.x).
    pub(super) fn new_pgno(&mut self) -> Done {
        let no = self.n(Name::pgno)?;
        let (free, old) = (self.n(Name::free_pgno)?, self.n(Name::old_pgno)?);
        let alloc = match self.n(Name::opcode)? & 0xf0 {
            0x60 => true,
            0x70 => false,
            _ => return Err(Fault::Field(Name::opcode.text())),
        };
        let (freed, point) = (self.hash_at(Field::Free, 0), self.hash_at(Field::OvflPoint, 0));
        let spares = self.hash_at(Field::Spares, 0);
        self.one(0, self.lsn(Name::metalsn)?, Missing::Stop, |page, way| {
            let spare = spares.saturating_add(PageNo(page.u32(point).min(31)).index().saturating_mul(4));
            match (alloc, way) {
                (true, Way::Redo) => {
                    page.put_u32(freed, free);
                    if old != 0 {
                        page.add(spare, 1);
                    }
                }
                (true, Way::Undo) if old == 0 => page.put_u32(freed, no),
                (true, Way::Undo) => {
                    page.add(spare, -1);
                    page.put_u32(freed, 0);
                }
                (false, Way::Redo) => page.put_u32(freed, no),
                (false, Way::Undo) => page.put_u32(freed, free),
            }
            Ok(())
        })?;
        let kind = if alloc { self.kind(Name::new_type)? } else { self.kind(Name::old_type)? };
        self.one(no, self.lsn(Name::pagelsn)?, Missing::Create, |page, way| match (alloc, way) {
            (true, Way::Redo) => page.init(no, 0, 0, 0, kind),
            (false, Way::Undo) => page.init(no, 0, old, 0, kind),
            _ => {
                page.set_next(free);
                page.put(at::TYPE, &[PageKind::Invalid.byte()])
            }
        })?;
        Ok(())
    }

    /// The table grows by a bucket (2.x).
    pub(super) fn split_meta(&mut self) -> Done {
        let (bucket, point, spare) = (self.n(Name::bucket)?, self.n(Name::ovflpoint)?, self.n(Name::spares)?);
        let [max, high, low, ovfl] = [Field::MaxBucket, Field::HighMask, Field::LowMask, Field::OvflPoint]
            .map(|field| self.hash_at(field, 0));
        let spares = self.hash_at(Field::Spares, 0);
        let place = |point: u32| spares.saturating_add(PageNo(point.min(31)).index().saturating_mul(4));
        self.one(0, self.lsn(Name::metalsn)?, Missing::Stop, |page, way| {
            if way == Way::Redo {
                let grown = bucket.wrapping_add(1);
                page.put_u32(max, grown);
                let (k, now) = (log2(grown.wrapping_add(1)), page.u32(ovfl));
                if k > now {
                    page.put_u32(place(k), page.u32(place(now)));
                    page.put_u32(ovfl, k);
                }
                if grown > page.u32(high) {
                    let mask = page.u32(high);
                    page.put_u32(low, mask);
                    page.put_u32(high, grown | mask);
                }
            } else {
                page.put_u32(max, bucket);
                page.put_u32(ovfl, point);
                page.put_u32(place(point), spare);
                let k = 1_u32.checked_shl(log2(bucket.wrapping_add(1))).unwrap_or(0);
                page.put_u32(high, k.wrapping_sub(1));
                page.put_u32(low, (k >> 1).wrapping_sub(1));
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Overflow pages are made (2.x).
    pub(super) fn ovfl(&mut self) -> Done {
        let (first, count) = (self.n(Name::start_pgno)?, self.n(Name::npages)?);
        let (free, point) = (self.n(Name::free_pgno)?, self.n(Name::ovflpoint)?);
        let freed = self.hash_at(Field::Free, 0);
        let spare = self.hash_at(Field::Spares, point);
        self.one(0, self.lsn(Name::metalsn)?, Missing::Stop, |page, way| {
            let by = i32::try_from(count).unwrap_or(0);
            page.put_u32(freed, if way == Way::Redo { first } else { free });
            page.add(spare, if way == Way::Redo { by } else { by.wrapping_neg() });
            Ok(())
        })?;
        let (lsn, end) = (self.lsn_of_record(), first.saturating_add(count));
        self.near(end)?;
        self.go_through(count)?;
        for no in first..end {
            let next = if no.saturating_add(1) == end { free } else { no.saturating_add(1) };
            if self.redo() {
                self.file.create(no, self.release);
                if self.file.lsn(no, self.release).is_some_and(|found| lsn > found) {
                    self.touch(no, lsn, |page, _| page.init(no, 0, next, 0, PageKind::HashUnsorted))?;
                }
            } else {
                self.set_lsn(no, Lsn::default());
            }
        }
        Ok(())
    }
}

/// The places of keys in the order of a sorted page: whether a key stands on the page decides, too.
fn in_order(keys: &[(&[u8], bool)]) -> Vec<usize> {
    let mut list: Vec<usize> = Vec::new();
    for (new, &(key, here)) in keys.iter().enumerate() {
        let compare = |place: &usize| -> Result<Ordering, Infallible> {
            let (other, there) = keys.get(*place).copied().unwrap_or_default();
            Ok(if here && there { sorted(key, other) } else { key.cmp(other) })
        };
        let Ok(place) = insertion(&list, compare);
        list.insert(place, new);
    }
    list
}

/// The smallest exponent of a power of two that is no less.
fn log2(number: u32) -> u32 {
    number.checked_next_power_of_two().map_or(32, u32::trailing_zeros)
}

impl Held {
    /// Where an item of a page of HASH ends.
    fn hash_top(&self, slot: u16) -> Result<usize, PageError> {
        match slot.checked_sub(1) {
            Some(before) => self.offset(before),
            None => Ok(self.bytes.len()),
        }
    }

    /// The length of an item of a page of HASH, with its type.
    pub(super) fn hash_len(&self, slot: u16) -> Result<usize, PageError> {
        let (top, offset) = (self.hash_top(slot)?, self.offset(slot)?);
        top.checked_sub(offset).ok_or(PageError::Item { slot, offset })
    }

    fn hash_item(&self, slot: u16) -> Result<&[u8], PageError> {
        let (len, offset) = (self.hash_len(slot)?, self.offset(slot)?);
        self.bytes.get(offset..).and_then(|rest| rest.get(..len)).ok_or(PageError::Item { slot, offset })
    }

    /// Moves the items from `area` to `top` so that they begin elsewhere, and with them the
    /// slots from one on.
    fn hash_shift(&mut self, top: usize, by: i64, from: u16) -> Result<(), PageError> {
        let area = self.area();
        let wrong = PageError::Area { area, index: top };
        let moved =
            |place: usize| i64::try_from(place).ok()?.checked_add(by).and_then(|to| usize::try_from(to).ok());
        let to = moved(area).ok_or(wrong)?;
        let index_end = crate::format::page::slot_offset(self.index, self.entries());
        let end = moved(top).ok_or(wrong)?;
        if area > top || top > self.bytes.len() || to < index_end || end > self.bytes.len() {
            return Err(wrong);
        }
        self.bytes.copy_within(area..top, to);
        for slot in from..self.entries() {
            let offset = self.offset(slot)?;
            let to = moved(offset)
                .and_then(|to| u16::try_from(to).ok())
                .ok_or(PageError::Item { slot, offset })?;
            self.put_u16(crate::format::page::slot_offset(self.index, slot), to);
        }
        self.set_area(to);
        Ok(())
    }

    /// Puts a pair before the one of a slot, or behind the last.
    fn put_pair(&mut self, slot: u16, key: &[u8], data: &[u8]) -> Result<(), PageError> {
        let entries = self.entries();
        if slot > entries {
            return Err(PageError::Slot { slot, entries });
        }
        let top = self.hash_top(slot)?;
        let size = key.len().saturating_add(data.len());
        let free = self.area().saturating_sub(crate::format::page::slot_offset(self.index, entries));
        let needed = size.saturating_add(4);
        if needed > free {
            return Err(PageError::Full { needed, free });
        }
        self.hash_shift(top, i64::try_from(size).unwrap_or(0).wrapping_neg(), slot)?;
        let at = crate::format::page::slot_offset(self.index, slot);
        let end = crate::format::page::slot_offset(self.index, entries);
        self.bytes.copy_within(at..end, at.saturating_add(4));
        let of_key = top.saturating_sub(key.len());
        let of_data = of_key.saturating_sub(data.len());
        self.put_u16(at, u16::try_from(of_key).unwrap_or(0));
        self.put_u16(at.saturating_add(2), u16::try_from(of_data).unwrap_or(0));
        self.put(of_key, key)?;
        self.put(of_data, data)?;
        self.put_u16(at::ENTRIES, entries.saturating_add(2));
        Ok(())
    }

    /// Takes a pair away.
    fn delete_pair(&mut self, slot: u16) -> Result<(), PageError> {
        let entries = self.entries();
        let behind = slot.saturating_add(1);
        if behind >= entries {
            return Err(PageError::Slot { slot: behind, entries });
        }
        let size = self.hash_len(slot)?.saturating_add(self.hash_len(behind)?);
        let top = self.offset(behind)?;
        self.hash_shift(top, i64::try_from(size).unwrap_or(0), behind.saturating_add(1))?;
        let at = crate::format::page::slot_offset(self.index, slot);
        let end = crate::format::page::slot_offset(self.index, entries);
        self.bytes.copy_within(at.saturating_add(4)..end, at);
        self.put_u16(at::ENTRIES, entries.saturating_sub(2));
        Ok(())
    }

    /// Replaces a part of an item: `change` bytes more than before.
    fn splice(&mut self, slot: u16, off: i32, change: i64, bytes: &[u8]) -> Result<(), PageError> {
        let (len, offset) = (self.hash_len(slot)?, self.offset(slot)?);
        let data = len.saturating_sub(1);
        if change != 0 {
            let within = usize::try_from(off);
            let top = match within {
                Err(_) => offset,
                // The length of what is there is one of 16 bits.
                Ok(off) if off >= data & 0xffff => offset.saturating_add(len),
                Ok(off) => offset.saturating_add(1).saturating_add(off),
            };
            self.hash_shift(top, change.wrapping_neg(), slot)?;
            if let (Ok(opened), true) =
                (usize::try_from(change), within.is_ok_and(|off| off >= data & 0xffff))
            {
                let at = top.saturating_sub(opened);
                self.put(at, &vec![0; opened])?;
            }
        }
        let item = self.offset(slot)?;
        let at = match usize::try_from(off) {
            Ok(off) => item.saturating_add(1).saturating_add(off),
            Err(_) => item,
        };
        self.put(at, bytes)
    }
}
