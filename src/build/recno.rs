//! A RECNO: records in the order of their numbers (database-format, "RECNO").

use std::io::{Seek, Write};

use super::error::{BuildError, Result};
use super::overflow::{Stored, longest, store};
use super::sink::Sink;
use super::tree::Tree;
use crate::format::page::PageKind;
use crate::types::PageNo;

/// How many bytes numbers without a record may take: each takes a slot.
const MOST_EMPTY: u32 = 1 << 28;

/// A RECNO that is being built.
pub(super) struct Recno {
    tree: Tree,
    longest: usize,
    fixed: Option<Fixed>,
    /// What slots without a record have, and how many of them there may be yet.
    empty: Vec<u8>,
    most: u32,
    /// The number of the last slot.
    last: u32,
}

/// Records of one length.
pub(super) struct Fixed {
    length: u32,
    pad: u8,
    record: Vec<u8>,
}

impl Fixed {
    pub(super) fn new(length: u32, pad: u8) -> Fixed {
        Fixed { length, pad, record: Vec::new() }
    }

    /// A record of that length.
    ///
    /// # Errors
    ///
    /// [`BuildError::RecordLength`], if it is longer.
    pub(super) fn fill(&mut self, value: &[u8]) -> Result<&[u8]> {
        let length = usize::try_from(self.length).unwrap_or(usize::MAX);
        if value.len() > length {
            return Err(BuildError::RecordLength { found: value.len(), length: self.length });
        }
        self.record.clear();
        self.record.extend_from_slice(value);
        self.record.resize(length, self.pad);
        Ok(&self.record)
    }
}

/// The number of a record: what was asked for, or the next.
pub(super) fn number(last: u32, asked: Option<u32>) -> Result<u32> {
    match asked {
        Some(0) => Err(BuildError::RecordZero),
        Some(number) if number == last => Err(BuildError::Repeated),
        Some(number) if number < last => Err(BuildError::Order),
        Some(number) => Ok(number),
        None => last.checked_add(1).ok_or(BuildError::TooLarge("more than 2^32 - 1 records")),
    }
}

impl Recno {
    pub(super) fn new<W: Write + Seek>(sink: &Sink<W>, length: Option<u32>, pad: u8) -> Result<Recno> {
        let longest = longest(sink, 2)?;
        // Releases before 4.x give a number without a record the length of all.
        let whole = length.and_then(|length| usize::try_from(length).ok());
        let empty = whole.filter(|&len| len <= longest && !sink.generation.has_checksums()).unwrap_or(0);
        Ok(Recno {
            tree: Tree::new(sink, PageKind::RecnoLeaf, true, longest, sink.filled())?,
            longest,
            fixed: length.map(|length| Fixed::new(length, pad)),
            most: MOST_EMPTY.checked_div(u32::try_from(empty).unwrap_or(0).saturating_add(6)).unwrap_or(0),
            empty: vec![pad; empty],
            last: 0,
        })
    }

    pub(super) fn put<W: Write + Seek>(
        &mut self,
        sink: &mut Sink<W>,
        asked: Option<u32>,
        value: &[u8],
    ) -> Result<()> {
        let number = number(self.last, asked)?;
        let gap = number.saturating_sub(self.last).saturating_sub(1);
        let most = self.most;
        self.most = most.checked_sub(gap).ok_or(BuildError::Gap { number, gap, most })?;
        for _ in 0..gap {
            self.tree.put(sink, Stored::Nothing(&self.empty), &[])?;
        }
        let bytes = match &mut self.fixed {
            Some(fixed) => fixed.fill(value)?,
            None => value,
        };
        let item = store(sink, bytes, self.longest)?;
        self.last = number;
        self.tree.put(sink, item, &[])
    }

    pub(super) fn finish<W: Write + Seek>(self, sink: &mut Sink<W>, root: PageNo) -> Result<PageNo> {
        self.tree.finish(sink, Some(root))
    }
}
