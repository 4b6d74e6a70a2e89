//! A QUEUE: records of one length (database-format, annex B).

use std::io::{Seek, Write};

use super::error::{BuildError, Result};
use super::meta::MetaPage;
use super::recno::{Fixed, number};
use super::sink::Sink;
use crate::format::edit::put;
use crate::format::meta::Field;
use crate::format::page::{PageKind, at};
use crate::format::queue::{SET, VALID, per_page, slot_size};
use crate::types::PageNo;

/// A QUEUE that is being built.
pub(super) struct Queue {
    fixed: Fixed,
    length: u32,
    pad: u8,
    per_page: u32,
    /// The page that is being filled, and its number.
    page: Vec<u8>,
    no: u32,
    first: Option<u32>,
    last: u32,
}

impl Queue {
    pub(super) fn new<W: Write + Seek>(sink: &Sink<W>, length: u32, pad: u8) -> Result<Queue> {
        let page_size = sink.size.get();
        let per_page = per_page(page_size, sink.queue_header(), length);
        if per_page == 0 {
            return Err(BuildError::RecordSize { length, page_size });
        }
        let fixed = Fixed::new(length, pad);
        Ok(Queue { fixed, length, pad, per_page, page: Vec::new(), no: 0, first: None, last: 0 })
    }

    pub(super) fn put<W: Write + Seek>(
        &mut self,
        sink: &mut Sink<W>,
        asked: Option<u32>,
        value: &[u8],
    ) -> Result<()> {
        let number = number(self.last, asked)?;
        let too_large = || BuildError::TooLarge("more than 2^32 pages");
        let index = number.saturating_sub(1);
        let no =
            index.checked_div(self.per_page).and_then(|page| page.checked_add(1)).ok_or_else(too_large)?;
        if no != self.no {
            self.flush(sink)?;
            // Pages in between are holes.
            sink.reserve(no.saturating_sub(sink.last().0))?;
            self.no = no;
            self.page = vec![0; sink.size.bytes()];
            sink.order.put_u32(&mut self.page, at::PGNO, no);
            put(&mut self.page, at::TYPE, &[PageKind::QueueData.byte()]);
        }
        let slot = index.checked_rem(self.per_page).unwrap_or(0);
        let place = slot_size(self.length).and_then(|size| size.checked_mul(slot)).ok_or_else(too_large)?;
        let place = usize::try_from(place).unwrap_or(usize::MAX).saturating_add(sink.queue_header());
        let record = self.fixed.fill(value)?;
        put(&mut self.page, place, &[VALID | SET]);
        put(&mut self.page, place.saturating_add(1), record);
        self.first.get_or_insert(number);
        self.last = number;
        Ok(())
    }

    fn flush<W: Write + Seek>(&mut self, sink: &mut Sink<W>) -> Result<()> {
        match std::mem::take(&mut self.page) {
            page if page.is_empty() => Ok(()),
            page => sink.write(PageNo(self.no), page),
        }
    }

    /// Writes the last page, and says on the first what there is.
    pub(super) fn finish<W: Write + Seek>(mut self, sink: &mut Sink<W>, meta: &mut MetaPage) -> Result<()> {
        self.flush(sink)?;
        let first = self.first.unwrap_or(1);
        // Behind the highest number comes 1 again.
        let behind = self.last.checked_add(1).unwrap_or(1);
        // The last number in use, or the next: as the version has it.
        let current = if meta.has(Field::Start) { self.last } else { behind };
        meta.put(Field::Start, 1);
        meta.put(Field::FirstRecno, first);
        meta.put(Field::CurRecno, current);
        meta.put(Field::ReLen, self.length);
        meta.put(Field::RePad, self.pad.into());
        meta.put(Field::RecPage, self.per_page);
        Ok(())
    }
}
