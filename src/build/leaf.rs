//! The lowest pages of a tree, or those of a chain: filled one after the other.

use std::io::{Seek, Write};

use super::error::{BuildError, Result};
use super::overflow::Stored;
use super::sink::{Sink, header, unfit};
use crate::format::edit::{PageError, put_u16, put_u32};
use crate::format::page::{PageKind, at, slot_offset};
use crate::order::with_order;
use crate::types::PageNo;

/// A leaf that is being filled, the last of its chain.
pub(super) struct Leaf {
    kind: PageKind,
    bytes: Vec<u8>,
    slots: u16,
    /// Where its lowest item begins.
    low: usize,
    /// What items and slots take, and may take.
    used: usize,
    most: usize,
    /// Its number, if the page before it had to know.
    no: Option<PageNo>,
    prev: u32,
    /// Records on it, as the pages above count them.
    pub(super) records: u32,
    /// What its first item is found by.
    pub(super) key: Vec<u8>,
}

impl Leaf {
    /// One that is filled up to so many bytes of items and slots.
    pub(super) fn new<W: Write + Seek>(sink: &Sink<W>, kind: PageKind, most: usize) -> Result<Leaf> {
        let bytes = sink.empty(header(kind, level(kind)))?;
        let (low, key) = (bytes.len(), Vec::new());
        Ok(Leaf { kind, bytes, slots: 0, low, used: 0, most, no: None, prev: 0, records: 0, key })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots == 0
    }

    /// Whether there is room for items and slots of so many bytes.
    pub(super) fn has_room(&self, space: usize) -> bool {
        self.is_empty() || self.used.saturating_add(space) <= self.most
    }

    /// Puts an item behind the last.
    pub(super) fn append<W: Write + Seek>(&mut self, sink: &Sink<W>, item: Stored<'_>) -> Result<()> {
        let space = item.space();
        let at = self.low.checked_sub(space).ok_or_else(|| self.full(space))?;
        self.slot(sink, at)?;
        if let Some(place) = self.bytes.get_mut(at..self.low) {
            item.write(place, sink.order);
        }
        self.low = at;
        self.used = self.used.saturating_add(space).saturating_add(2);
        Ok(())
    }

    /// Puts a slot behind the last that leads to the key of the pair before.
    pub(super) fn share<W: Write + Seek>(&mut self, sink: &Sink<W>) -> Result<()> {
        let like = slot_offset(sink.overhead(), self.slots.saturating_sub(2));
        let at = sink.order.u16_at(&self.bytes, like).unwrap_or(0);
        self.slot(sink, at.into())?;
        self.used = self.used.saturating_add(2);
        Ok(())
    }

    /// Puts a slot behind the last.
    fn slot<W: Write + Seek>(&mut self, sink: &Sink<W>, at: usize) -> Result<()> {
        let place = slot_offset(sink.overhead(), self.slots);
        let end = place.saturating_add(2);
        match (u16::try_from(at), self.bytes.get_mut(place..end)) {
            (Ok(at), Some(slot)) if end <= self.low => {
                with_order!(sink.order, O => put_u16::<O>(slot, 0, at));
                self.slots = self.slots.saturating_add(1);
                Ok(())
            }
            _ => Err(self.full(2)),
        }
    }

    /// The error for what has no room, which is asked for before.
    fn full(&self, needed: usize) -> BuildError {
        unfit(PageError::Full { needed, free: self.most.saturating_sub(self.used) })
    }

    /// Writes it, and goes on with the next; its number.
    pub(super) fn turn<W: Write + Seek>(&mut self, sink: &mut Sink<W>) -> Result<PageNo> {
        let no = self.no.map_or_else(|| sink.allocate(), Ok)?;
        let next = sink.allocate()?;
        let fresh = sink.empty(header(self.kind, level(self.kind)))?;
        self.write(sink, no, next.0, fresh)?;
        (self.no, self.prev) = (Some(next), no.0);
        (self.slots, self.low, self.used, self.records) = (0, self.bytes.len(), 0, 0);
        Ok(no)
    }

    /// Writes it as the last; its number, which is this one if it is the root.
    pub(super) fn close<W: Write + Seek>(
        &mut self,
        sink: &mut Sink<W>,
        root: Option<PageNo>,
    ) -> Result<PageNo> {
        let no = self.no.or(root).map_or_else(|| sink.allocate(), Ok)?;
        self.write(sink, no, 0, Vec::new())?;
        Ok(no)
    }

    fn write<W: Write + Seek>(
        &mut self,
        sink: &mut Sink<W>,
        no: PageNo,
        next: u32,
        fresh: Vec<u8>,
    ) -> Result<()> {
        let mut bytes = std::mem::replace(&mut self.bytes, fresh);
        with_order!(sink.order, O => {
            put_u32::<O>(&mut bytes, at::PGNO, no.0);
            put_u32::<O>(&mut bytes, at::PREV, self.prev);
            put_u32::<O>(&mut bytes, at::NEXT, next);
            put_u16::<O>(&mut bytes, at::ENTRIES, self.slots);
            // 65536 is stored as 0.
            put_u16::<O>(&mut bytes, at::HF_OFFSET, u16::try_from(self.low).unwrap_or(0));
        });
        sink.write(no, bytes)
    }
}

/// The level of such pages: those of a chain have none.
fn level(kind: PageKind) -> u8 {
    u8::from(kind != PageKind::Duplicate)
}
