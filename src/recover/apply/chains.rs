//! Overflow pages and the links between pages (recovery, "Record actions").

use super::{Change, Done, Fault, Missing, Way};
use crate::format::page::{PageKind, at};
use crate::log::schema::Name;
use crate::recover::release::Release;
use crate::types::Lsn;

impl Change<'_, '_> {
    /// The link of a neighbour becomes this when the record is applied, and that when it is
    /// taken back.
    pub(super) fn link(
        &mut self,
        no: u32,
        before: Lsn,
        at: usize,
        missing: Missing,
        links: (u32, u32),
    ) -> Result<bool, Fault> {
        self.one(no, before, missing, |page, way| {
            page.put_u32(at, if way == Way::Redo { links.0 } else { links.1 });
            Ok(())
        })
    }

    /// A page of an overflow chain is written or given up.
    pub(super) fn big(&mut self) -> Done {
        let (no, data, start) = (self.n(Name::pgno)?, self.b(Name::dbt)?, self.index());
        let [prev, next] = [self.n(Name::prev_pgno)?, self.n(Name::next_pgno)?];
        let code = self.opcode()?;
        let before = self.lsn(Name::pagelsn)?;
        let len = u16::try_from(data.len()).map_err(|_| Fault::Field(Name::dbt.text()))?;
        if code == 7 {
            self.one(no, before, Missing::CreateOnce, |page, way| {
                let held = page.u16(at::HF_OFFSET);
                if way == Way::Redo {
                    page.put(start.saturating_add(held.into()), data)?;
                    page.put_u16(at::HF_OFFSET, held.saturating_add(len));
                } else {
                    let held = held.saturating_sub(len);
                    page.put(start.saturating_add(held.into()), &vec![0; data.len()])?;
                    page.put_u16(at::HF_OFFSET, held);
                }
                Ok(())
            })?;
            return Ok(());
        }
        let add = match code {
            3 | 0x30 => true,
            4 | 0x40 => false,
            _ => return Err(Fault::Field(Name::opcode.text())),
        };
        self.one(no, before, Missing::CreateOnce, |page, way| {
            if add == (way == Way::Redo) {
                page.init(no, prev, next, 0, PageKind::Overflow)?;
                page.put_u16(at::HF_OFFSET, len);
                page.put_u16(at::ENTRIES, 1);
                page.put(start, data)?;
            }
            Ok(())
        })?;
        if !add && self.release > Release::R32 {
            return Ok(());
        }
        if prev != 0 {
            let links = if add { (no, next) } else { (next, no) };
            self.link(prev, self.lsn(Name::prevlsn)?, at::NEXT, Missing::CreateOnce, links)?;
        }
        if next != 0 {
            self.link(next, self.lsn(Name::nextlsn)?, at::PREV, Missing::CreateOnce, (0, no))?;
        }
        Ok(())
    }

    /// The reference count of an overflow item changes.
    pub(super) fn ovref(&mut self) -> Done {
        let (no, adjust) = (self.n(Name::pgno)?, self.signed(Name::adjust)?);
        self.expect(no)?;
        self.one(no, self.lsn(Name::lsn)?, Missing::Stop, |page, way| {
            let by = if way == Way::Redo { adjust } else { adjust.wrapping_neg() };
            let count = i32::from(page.u16(at::ENTRIES)).wrapping_add(by);
            page.put_u16(at::ENTRIES, u16::try_from(count & 0xffff).unwrap_or(0));
            Ok(())
        })?;
        Ok(())
    }

    /// Release 2.x stops at a page that is missing, even where there is nothing to take back.
    fn expect(&self, no: u32) -> Done {
        let stops = self.strict && self.release == Release::R2 && self.way == Way::Undo;
        if stops && !self.file.has(no, self.release) {
            return Err(Fault::Missing(crate::types::PageNo(no)));
        }
        Ok(())
    }

    /// A page leaves a chain, or another takes its place there.
    pub(super) fn relink(&mut self) -> Done {
        let no = self.n(Name::pgno)?;
        let [prev, next] = [[Name::prev, Name::prev_pgno], [Name::next, Name::next_pgno]]
            .map(|fields| fields.into_iter().find_map(|field| self.record.number(field)).unwrap_or(0));
        let [lsn_prev, lsn_next] = [self.lsn(Name::lsn_prev)?, self.lsn(Name::lsn_next)?];
        if self.release >= Release::R43 {
            let new = self.record.number(Name::new_pgno).unwrap_or(0);
            let over = |other| if new == 0 { other } else { new };
            if next != 0 {
                self.link(next, lsn_next, at::PREV, Missing::Stop, (over(prev), no))?;
            }
            if prev != 0 {
                self.link(prev, lsn_prev, at::NEXT, Missing::Stop, (over(next), no))?;
            }
            return Ok(());
        }
        let remove = match self.opcode()? {
            6 | 0x80 => true,
            5 | 0x70 => false,
            _ => return Err(Fault::Field(Name::opcode.text())),
        };
        if remove {
            self.one(no, self.lsn(Name::lsn)?, Missing::Stop, |page, way| {
                if way == Way::Undo {
                    page.set_next(next);
                    page.set_prev(prev);
                }
                Ok(())
            })?;
        }
        if next != 0 {
            let links = if remove { (prev, no) } else { (no, prev) };
            let done = self.link(next, lsn_next, at::PREV, Missing::Stop, links)?;
            if done && !remove && self.strict && self.release == Release::R2 {
                let wrong = if self.redo() { lsn_next } else { self.lsn_of_record() };
                self.set_lsn(next, wrong);
            }
        }
        if remove && prev != 0 {
            self.link(prev, lsn_prev, at::NEXT, Missing::Stop, (next, no))?;
        }
        Ok(())
    }

    /// A page is put behind another (2.x).
    pub(super) fn add_page(&mut self) -> Done {
        let (no, next) = (self.n(Name::pgno)?, self.n(Name::nextpgno)?);
        self.expect(no)?;
        self.link(no, self.lsn(Name::lsn)?, at::NEXT, Missing::Stop, (next, 0))?;
        self.link(next, self.lsn(Name::nextlsn)?, at::PREV, Missing::Create, (no, 0))?;
        Ok(())
    }
}
