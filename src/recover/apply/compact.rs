//! Pages whose items go elsewhere while a database is made smaller (recovery, "merge, bam_pgno").

use super::{Change, Done, Fault, Missing, Way};
use crate::format::edit::{self, PageError};
use crate::format::item::{OVERFLOW, TYPE_AT};
use crate::format::page::{PageKind, at, slot_offset};
use crate::log::schema::Name;
use crate::recover::held::Held;
use crate::recover::release::Release;

/// Where references stand in items.
const LEAF_REFERENCE: usize = 4;
const INTERNAL_CHILD: usize = 4;
const INTERNAL_KEY: usize = 16;

impl Change<'_, '_> {
    /// The items of a page go to another.
    pub(super) fn merge(&mut self) -> Done {
        let (no, from) = (self.n(Name::pgno)?, self.n(Name::npgno)?);
        let (before, from_before) = (self.lsn(Name::lsn)?, self.lsn(Name::nlsn)?);
        let source = self.source()?;
        let empty = self.b(Name::data)?.is_empty();
        let copy = match self.record.signed(Name::pg_copy) {
            Some(copy) => copy != 0,
            None => !self.b(Name::hdr)?.is_empty(),
        };
        let late = self.release >= Release::R50;
        self.one(no, before, Missing::Skip, |page, way| {
            if way == Way::Undo {
                return take_from_end(page, &source, no, copy && late);
            }
            if copy && late && empty {
                page.take(source.bytes.get(..source.index).unwrap_or_default())?;
                page.put_u32(at::PGNO, no);
                return Ok(());
            }
            if copy {
                let kind = source.kind().ok_or(PageError::Kind { found: source.type_byte() })?;
                page.init(no, source.u32(at::PREV), source.next(), source.level(), kind)?;
            }
            append(page, &source)
        })?;
        self.one(from, from_before, Missing::Skip, |page, way| {
            if way == Way::Redo {
                page.put_u16(at::ENTRIES, 0);
                page.set_area(page.bytes.len());
                return Ok(());
            }
            if copy && late {
                let lsn = page.lsn();
                page.take(&source.bytes)?;
                page.set_lsn(lsn);
                return Ok(());
            }
            append(page, &source)
        })?;
        Ok(())
    }

    /// The page whose items go, as far as the record has it.
    fn source(&self) -> Result<Held, Fault> {
        let (head, data, size) = (self.b(Name::hdr)?, self.b(Name::data)?, self.size());
        let images = self.images;
        let mut source =
            Held { bytes: vec![0; size], index: self.index(), order: images, body: images, changed: false };
        edit::put(&mut source.bytes, 0, head);
        if let Some(index) = self.record.bytes(Name::ind) {
            if head.is_empty() {
                let kind = self.kind_of(self.n(Name::pgno)?).unwrap_or(PageKind::BtreeLeaf);
                edit::put(&mut source.bytes, at::TYPE, &[kind.byte()]);
            }
            if source.kind() != Some(PageKind::Overflow) {
                source.put_u16(at::ENTRIES, u16::try_from(index.len() / 2).unwrap_or(u16::MAX));
                source.set_area(size.saturating_sub(data.len()));
                let start = source.index;
                edit::put(&mut source.bytes, start, index);
            }
        }
        let place = if source.kind() == Some(PageKind::Overflow) {
            source.index
        } else {
            size.saturating_sub(data.len())
        };
        edit::put(&mut source.bytes, place, data);
        self.turn(&mut source.bytes).ok_or(Fault::Field(Name::hdr.text()))?;
        source.order = self.order();
        Ok(source)
    }

    /// An item refers to a page that was moved.
    pub(super) fn moved(&mut self) -> Done {
        let slot = self.short(Name::indx)?;
        let (old, new) = (self.n(Name::opgno)?, self.n(Name::npgno)?);
        let overflow = self.kind_of(new) == Some(PageKind::Overflow);
        let no = self.n(Name::pgno)?;
        self.one(no, self.lsn(Name::lsn)?, Missing::Stop, |page, way| {
            let offset = page.offset(slot)?;
            let within = match page.kind() {
                Some(PageKind::RecnoInternal) => 0,
                Some(PageKind::BtreeInternal) => {
                    let kind = page.item(slot)?.get(TYPE_AT).copied();
                    if kind == Some(OVERFLOW) && overflow { INTERNAL_KEY } else { INTERNAL_CHILD }
                }
                _ => LEAF_REFERENCE,
            };
            page.put_u32(offset.saturating_add(within), if way == Way::Redo { new } else { old });
            Ok(())
        })?;
        Ok(())
    }
}

/// Puts the items of one page behind those of another.
fn append(page: &mut Held, source: &Held) -> Result<(), PageError> {
    if source.kind() == Some(PageKind::Overflow) {
        page.put_u16(at::ENTRIES, source.entries());
        page.put_u16(at::HF_OFFSET, source.u16(at::HF_OFFSET));
        let len = usize::from(source.u16(at::HF_OFFSET));
        let data = source.bytes.get(source.index..).and_then(|rest| rest.get(..len)).unwrap_or_default();
        return page.put(page.index, data);
    }
    let data = source.bytes.get(source.area()..).unwrap_or_default();
    let (count, area) = (page.entries(), page.area());
    let index_end = slot_offset(page.index, count.saturating_add(source.entries()));
    let to = area.checked_sub(data.len()).filter(|&to| to >= index_end);
    let to = to.ok_or(PageError::Full { needed: data.len(), free: area.saturating_sub(index_end) })?;
    let moved = page.bytes.len().saturating_sub(area);
    page.put(to, data)?;
    for slot in 0..source.entries() {
        let offset = source.offset(slot)?;
        let offset = offset.checked_sub(moved).and_then(|offset| u16::try_from(offset).ok());
        let offset = offset.ok_or(PageError::Item { slot, offset: 0 })?;
        page.put_u16(slot_offset(page.index, count.saturating_add(slot)), offset);
    }
    page.set_area(to);
    page.put_u16(at::ENTRIES, count.saturating_add(source.entries()));
    Ok(())
}

/// Takes as many items from the end of a page as the other one had.
fn take_from_end(page: &mut Held, source: &Held, no: u32, copied: bool) -> Result<(), PageError> {
    if copied {
        let kind = source.kind().ok_or(PageError::Kind { found: source.type_byte() })?;
        return page.init(no, 0, 0, 0, kind);
    }
    if source.kind() == Some(PageKind::Overflow) {
        page.set_area(page.bytes.len());
        return Ok(());
    }
    for _ in 0..source.entries() {
        let Some(slot) = page.entries().checked_sub(1) else { break };
        let shared = match slot.checked_sub(2).filter(|_| page.kind() == Some(PageKind::BtreeLeaf)) {
            Some(before) => page.offset(before)? == page.offset(slot)?,
            None => false,
        };
        if shared {
            page.put_u16(at::ENTRIES, slot);
            continue;
        }
        let space = match page.kind() {
            Some(PageKind::Hash | PageKind::HashUnsorted) => page.hash_len(slot)?,
            _ => page.items()?.space(slot)?,
        };
        page.items()?.delete(slot, space)?;
    }
    Ok(())
}
