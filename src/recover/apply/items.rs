//! Records that change one page (recovery, "One-page records").

use super::{Change, Done, Fault, Missing, Way};
use crate::format::edit::{PageError, put_u16};
use crate::format::item::{DELETED, INTERNAL_HEAD, KEYDATA, KEYDATA_HEAD, OVERFLOW, TYPE_AT};
use crate::format::meta::at as meta_at;
use crate::format::page::{PageKind, at};
use crate::log::schema::Name;
use crate::method::Method;
use crate::order::with_order;
use crate::recover::held::Held;
use crate::recover::release::Release;
use crate::recover::turned;

/// The count of records in an item of a BTREE's internal page, and of a RECNO tree's.
const BTREE_COUNT: usize = 8;
const RECNO_COUNT: usize = 4;

impl Change<'_, '_> {
    /// An item is put on a page or taken from it.
    pub(super) fn addrem(&mut self) -> Done {
        let add = match self.opcode()? {
            1 | 0x10 => true,
            2 | 0x20 => false,
            _ => return Err(Fault::Field(Name::opcode.text())),
        };
        let (no, slot, before) = (self.n(Name::pgno)?, self.short(Name::indx)?, self.lsn(Name::pagelsn)?);
        let space = self.record.size(Name::nbytes).ok_or(Fault::Field(Name::nbytes.text()))?;
        let (head, data) = (self.b(Name::hdr)?, self.b(Name::dbt)?);
        let turned = self.release == Release::R2 && !self.strict;
        let mut item = Vec::new();
        if !head.is_empty() && (turned || self.items != self.order()) {
            item = self.item(self.kind_of(no), head, data);
            if turned {
                turned::item(&mut item, self.order());
            }
        }
        self.one(no, before, Missing::Create, |page, way| {
            let mut page = page.items()?;
            match (add == (way == Way::Redo), item.is_empty()) {
                (true, true) => page.insert(slot, space, head, data),
                (true, false) => page.insert(slot, space, &item, &[]),
                (false, _) => page.delete(slot, space),
            }
        })?;
        Ok(())
    }

    /// The type of a page as it is now.
    pub(super) fn kind_of(&self, no: u32) -> Option<PageKind> {
        self.file.look(no, self.release, Held::kind).flatten()
    }

    /// A slot of a key that several pairs share.
    pub(super) fn adj(&mut self) -> Done {
        let insert = self.n(Name::is_insert)? != 0;
        let (slot, like) = (self.short(Name::indx)?, self.short(Name::indx_copy)?);
        self.one(self.n(Name::pgno)?, self.lsn(Name::lsn)?, Missing::Stop, |page, way| {
            if insert == (way == Way::Redo) {
                page.items()?.insert_slot(slot, like)
            } else {
                page.items()?.delete_slot(slot)
            }
        })?;
        Ok(())
    }

    /// A pair is marked as deleted.
    pub(super) fn cdel(&mut self) -> Done {
        let (slot, old) = (self.short(Name::indx)?, self.release == Release::R2);
        self.one(self.n(Name::pgno)?, self.lsn(Name::lsn)?, Missing::Stop, |page, way| {
            let pairs = if old {
                page.kind() != Some(PageKind::Duplicate)
            } else {
                page.kind() == Some(PageKind::BtreeLeaf)
            };
            mark(page, slot.saturating_add(pairs.into()), way == Way::Redo)
        })?;
        Ok(())
    }

    /// The middle of an item is replaced.
    pub(super) fn repl(&mut self) -> Done {
        let slot = self.short(Name::indx)?;
        let (old, new) = (self.b(Name::orig)?, self.b(Name::repl)?);
        let [prefix, suffix] = [Name::prefix, Name::suffix]
            .map(|field| self.n(field).map(|n| usize::try_from(n).unwrap_or(usize::MAX)));
        let (prefix, suffix) = (prefix?, suffix?);
        let flag = self.n(Name::isdeleted)? != 0;
        self.one(self.n(Name::pgno)?, self.lsn(Name::lsn)?, Missing::Stop, |page, way| {
            let middle = if way == Way::Redo { new } else { old };
            let internal = page.kind() == Some(PageKind::BtreeInternal);
            let item = whole(page, slot)?;
            let none = PageError::Item { slot, offset: page.offset(slot)? };
            let present = item.get(KEYDATA_HEAD..).ok_or(none)?;
            let head = present.get(..prefix).ok_or(none)?;
            let tail = present.len().checked_sub(suffix).and_then(|at| present.get(at..)).ok_or(none)?;
            let data = [head, middle, tail].concat();
            if internal {
                let kind = item.get(TYPE_AT).copied().unwrap_or(KEYDATA);
                let kind = if !flag {
                    kind
                } else if kind == OVERFLOW {
                    KEYDATA
                } else {
                    OVERFLOW
                };
                let len = data.len().checked_sub(INTERNAL_HEAD.saturating_sub(KEYDATA_HEAD)).ok_or(none)?;
                let len = u16::try_from(len).map_err(|_| none)?;
                let mut new = [&[0, 0, kind], data.as_slice()].concat();
                put_len(&mut new, page, len);
                return page.items()?.replace_item(slot, &new);
            }
            page.items()?.replace(slot, &data)?;
            if way == Way::Undo && flag { mark(page, slot, true) } else { Ok(()) }
        })?;
        Ok(())
    }

    /// An item of an internal page is replaced.
    pub(super) fn irep(&mut self) -> Done {
        let slot = self.short(Name::indx)?;
        let kind = Some(PageKind::BtreeInternal);
        let new = self.item(kind, self.b(Name::hdr)?, self.b(Name::data)?);
        let old = self.item(kind, self.b(Name::old)?, &[]);
        self.one(self.n(Name::pgno)?, self.lsn(Name::lsn)?, Missing::Stop, |page, way| {
            page.items()?.replace_item(slot, if way == Way::Redo { &new } else { &old })
        })?;
        Ok(())
    }

    /// The count of records below changes.
    pub(super) fn cadjust(&mut self) -> Done {
        let slot = self.short(Name::indx)?;
        let adjust = self.signed(Name::adjust)?;
        let no = self.n(Name::pgno)?;
        let early = self.release == Release::R2;
        let (counted, total) = if early {
            (self.counts, self.signed(Name::total)? != 0 && no == 1)
        } else {
            (true, self.n(Name::opflags)? & 1 != 0)
        };
        let recno = self.method == Method::Recno;
        let inverted = early && self.strict && !recno;
        self.one(no, self.lsn(Name::lsn)?, Missing::Stop, |page, way| {
            if !counted {
                return Ok(());
            }
            let tree = if early { !recno } else { page.kind() != Some(PageKind::RecnoInternal) };
            let by = if way == Way::Redo { adjust } else { adjust.wrapping_neg() };
            let place = page.offset(slot)?.saturating_add(if tree { BTREE_COUNT } else { RECNO_COUNT });
            page.add(place, by);
            if total {
                page.add(at::PREV, if inverted { adjust } else { by });
            }
            Ok(())
        })?;
        Ok(())
    }

    /// A database has another root.
    pub(super) fn root(&mut self) -> Done {
        let root = self.n(Name::root_pgno)?;
        self.one(self.n(Name::meta_pgno)?, self.lsn(Name::meta_lsn)?, Missing::Stop, |page, way| {
            if way == Way::Redo {
                page.put_u32(meta_at::ROOT, root);
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Nothing but the LSN of a page changes.
    pub(super) fn noop(&mut self) -> Done {
        self.one(self.n(Name::pgno)?, self.lsn(Name::prevlsn)?, Missing::Stop, |_, _| Ok(()))?;
        Ok(())
    }

    /// A page before or after it was split (2.x).
    pub(super) fn split_page(&mut self) -> Done {
        let image = self.image(Name::pageimage)?;
        let old = self.n(Name::opcode)? == 0x50;
        self.one(self.n(Name::pgno)?, self.lsn(Name::pagelsn)?, Missing::Create, |page, way| {
            if old == (way == Way::Undo) { page.take(&image) } else { Ok(()) }
        })?;
        Ok(())
    }

    /// A page is emptied and stays.
    pub(super) fn pg_init(&mut self) -> Done {
        let no = self.n(Name::pgno)?;
        let image = self.assembled(Name::header, Name::data)?;
        let before = crate::log::record::decoded::lsn_at(&image, self.order()).unwrap_or_default();
        let kind = match self.method {
            Method::Hash => self.bucket_kind(),
            Method::Recno => PageKind::RecnoLeaf,
            _ => PageKind::BtreeLeaf,
        };
        let level = self.level_of(kind);
        let missing = if self.method == Method::Hash { Missing::Create } else { Missing::Skip };
        self.one(no, before, missing, |page, way| match way {
            Way::Redo => page.init(no, 0, 0, level, kind),
            Way::Undo => page.take(&image),
        })?;
        Ok(())
    }

    /// The metadata page of one of several databases in a file.
    pub(super) fn metasub(&mut self) -> Done {
        let (no, before) = (self.n(Name::pgno)?, self.lsn(Name::lsn)?);
        let image = self.image(Name::page)?;
        if self.redo() {
            self.one(no, before, Missing::CreateOnce, |page, _| page.take(&image))?;
        } else {
            // Without any condition: the allocation is taken back next.
            self.touch(no, before, |_, _| Ok(()))?;
        }
        Ok(())
    }
}

/// Marks an item as deleted, or as not deleted.
fn mark(page: &mut Held, slot: u16, deleted: bool) -> Result<(), PageError> {
    let offset = page.offset(slot)?;
    let byte = page.bytes.get_mut(offset.saturating_add(TYPE_AT)).ok_or(PageError::Item { slot, offset })?;
    *byte = if deleted { *byte | DELETED } else { *byte & !DELETED };
    Ok(())
}

/// The item of a slot, without what pads it: of plain data, or of an internal page.
fn whole(page: &Held, slot: u16) -> Result<Vec<u8>, PageError> {
    let none = PageError::Item { slot, offset: page.offset(slot)? };
    let item = page.item(slot)?;
    let len = usize::from(page.order.u16_at(item, 0).ok_or(none)?);
    let head = if page.kind() == Some(PageKind::BtreeInternal) { INTERNAL_HEAD } else { KEYDATA_HEAD };
    item.get(..head.saturating_add(len)).map(<[u8]>::to_vec).ok_or(none)
}

/// Puts the length into an item.
fn put_len(item: &mut [u8], page: &Held, len: u16) {
    with_order!(page.order, O => put_u16::<O>(item, 0, len));
}
