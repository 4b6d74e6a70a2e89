//! The pages above the leaves (database-format, "Internal items of IBTREE", "Internal items of IRECNO").

use std::io::{Seek, Write};

use super::error::{BuildError, Result};
use super::overflow::Kept;
use super::sink::{Sink, header, unfit};
use crate::format::edit::{PageHeader, put, put_u16, put_u32};
use crate::format::item::{INTERNAL_HEAD, KEYDATA, OVERFLOW, RECNO_INTERNAL, TYPE_AT, padded};
use crate::format::page::PageKind;
use crate::order::with_order;
use crate::types::PageNo;

/// What a page says of one below it.
pub(super) struct Child {
    pub(super) no: PageNo,
    /// Records below.
    pub(super) records: u32,
    /// What its first item is found by; that of the first page of a level is never asked for.
    pub(super) key: Kept,
}

/// The pages above the leaves of a tree, of each level the last one.
pub(super) struct Levels {
    /// Whether children are found by keys; otherwise by numbers of records.
    keys: bool,
    /// Whether records are counted.
    counts: bool,
    levels: Vec<Level>,
}

#[derive(Default)]
struct Level {
    children: Vec<Child>,
    /// What their items and slots take: the first has no key on its page.
    used: usize,
}

impl Levels {
    pub(super) fn new(keys: bool, counts: bool) -> Levels {
        Levels { keys, counts, levels: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.levels.is_empty()
    }

    /// Whether children are found by keys.
    pub(super) fn has_keys(&self) -> bool {
        self.keys
    }

    /// Adds a page behind the last of a level, the leaves being level 0 here.
    pub(super) fn add<W: Write + Seek>(
        &mut self,
        sink: &mut Sink<W>,
        mut below: usize,
        mut child: Child,
    ) -> Result<()> {
        loop {
            if below >= self.levels.len() {
                self.levels.push(Level::default());
            }
            let (keys, room) = (self.keys, sink.room());
            let Some(level) = self.levels.get_mut(below) else { return Err(BuildError::Sequence) };
            let more = space(keys, &child, level.children.is_empty());
            if level.used.saturating_add(more) <= room {
                level.used = level.used.saturating_add(more);
                level.children.push(child);
                return Ok(());
            }
            // The next page begins with two children: one alone would be no choice.
            let last = level.children.pop().ok_or(BuildError::Sequence)?;
            let full = std::mem::take(&mut level.children);
            level.used = space(keys, &last, true).saturating_add(space(keys, &child, false));
            level.children.extend([last, child]);
            child = self.page(sink, below, full, None)?;
            below = below.saturating_add(1);
        }
    }

    /// Writes the last page of each level, that of the uppermost as the root; its number.
    pub(super) fn finish<W: Write + Seek>(
        mut self,
        sink: &mut Sink<W>,
        root: Option<PageNo>,
    ) -> Result<PageNo> {
        let mut below = 0usize;
        loop {
            let level = self.levels.get_mut(below).ok_or(BuildError::Sequence)?;
            let children = std::mem::take(&mut level.children);
            let above = below.saturating_add(1);
            if above == self.levels.len() {
                let root = root.map_or_else(|| sink.allocate(), Ok)?;
                return Ok(self.page(sink, below, children, Some(root))?.no);
            }
            let child = self.page(sink, below, children, None)?;
            self.add(sink, above, child)?;
            below = above;
        }
    }

    /// Writes a page, and gives what the one above says of it.
    fn page<W: Write + Seek>(
        &self,
        sink: &mut Sink<W>,
        below: usize,
        children: Vec<Child>,
        root: Option<PageNo>,
    ) -> Result<Child> {
        let kind = if self.keys { PageKind::BtreeInternal } else { PageKind::RecnoInternal };
        let level = u8::try_from(below.saturating_add(2)).map_err(|_| BuildError::TooLarge("a tree"))?;
        let records = children.iter().fold(0, |sum: u32, child| sum.saturating_add(child.records));
        let no = root.map_or_else(|| sink.allocate(), Ok)?;
        let prev = if root.is_some() && self.counts { records } else { 0 };
        let mut bytes = sink.empty(PageHeader { no, prev, ..header(kind, level) })?;
        let mut page = sink.page(&mut bytes)?;
        for (slot, child) in (0u16..).zip(&children) {
            let item = self.item(sink, child, slot == 0);
            page.insert(slot, padded(item.len()), &item, &[]).map_err(unfit)?;
        }
        sink.write(no, bytes)?;
        let key = children.into_iter().next().map_or(Kept::Here(Vec::new()), |first| first.key);
        Ok(Child { no, records, key })
    }

    /// The item that stands for a child.
    fn item<W: Write + Seek>(&self, sink: &Sink<W>, child: &Child, is_first: bool) -> Vec<u8> {
        let records = if self.counts { child.records } else { 0 };
        let (kind, key) = match &child.key {
            _ if is_first => (KEYDATA, Vec::new()),
            Kept::Here(bytes) => (KEYDATA, bytes.clone()),
            chain => (OVERFLOW, chain.stored().reference(sink.order).unwrap_or_default().to_vec()),
        };
        let mut item = vec![0; if self.keys { INTERNAL_HEAD } else { RECNO_INTERNAL }];
        with_order!(sink.order, O => {
            if self.keys {
                put_u16::<O>(&mut item, 0, u16::try_from(key.len()).unwrap_or(0));
                put(&mut item, TYPE_AT, &[kind]);
                put_u32::<O>(&mut item, 4, child.no.0);
                put_u32::<O>(&mut item, 8, records);
                item.extend_from_slice(&key);
            } else {
                put_u32::<O>(&mut item, 0, child.no.0);
                put_u32::<O>(&mut item, 4, records);
            }
        });
        item
    }
}

/// What the item of a child takes with its slot.
fn space(keys: bool, child: &Child, is_first: bool) -> usize {
    let item = match &child.key {
        _ if !keys => RECNO_INTERNAL,
        _ if is_first => INTERNAL_HEAD,
        Kept::Here(bytes) => padded(INTERNAL_HEAD.saturating_add(bytes.len())),
        Kept::Chain(..) => INTERNAL_HEAD.saturating_mul(2),
    };
    item.saturating_add(2)
}
