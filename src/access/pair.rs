//! A key with its value, as it is stored and as it is read.

use std::borrow::Cow;
use std::fmt;

use super::item::Item;
use crate::error::Result;
use crate::shown::Escaped;
use crate::types::{PageNo, RecordId};

/// A record number, or where a record stands, or neither: a whole word, which is copied faster
/// with what stands beside it than a shorter one and a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordNo(u64);

/// Marks the word of a place.
const PLACE: u64 = 1 << 63;

impl RecordNo {
    pub(super) const NONE: RecordNo = RecordNo(0);

    pub(super) fn after(before: Option<u32>) -> RecordNo {
        RecordNo(before.map_or(0, |before| u64::from(before).saturating_add(1)))
    }

    /// The place of a record: above all numbers.
    pub(super) fn at(id: RecordId) -> RecordNo {
        RecordNo(PLACE | u64::from(id.page.0) << 16 | u64::from(id.slot))
    }

    pub(super) fn get(self) -> Option<u32> {
        u32::try_from(self.0).ok().filter(|&number| number != 0)
    }

    fn id(self) -> Option<RecordId> {
        let place = self.0.checked_sub(PLACE)?;
        Some(RecordId {
            page: PageNo(u32::try_from(place >> 16).ok()?),
            slot: u16::try_from(place & 0xffff).ok()?,
        })
    }
}

/// Where the value of a pair stands: of one in a chain, the item that leads to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ValuePlace {
    /// The partition, of a partitioned database.
    pub(crate) partition: Option<u32>,
    pub(crate) page: PageNo,
    pub(crate) slot: u16,
}

/// A key and a value as they are stored, not yet read.
#[derive(Clone, Debug)]
pub struct Pair<'a> {
    key: Item<'a>,
    value: Item<'a>,
    record: RecordNo,
}

impl<'a> Pair<'a> {
    pub(super) fn new(key: Item<'a>, value: Item<'a>) -> Self {
        Pair { key, value, record: RecordNo::NONE }
    }

    /// A record of a RECNO, QUEUE or HEAP database.
    pub(super) fn numbered(key: Item<'a>, value: Item<'a>, record: RecordNo) -> Self {
        Pair { key, value, record }
    }

    /// The key; empty in a RECNO or QUEUE database, which has numbers instead, and in a HEAP,
    /// which has places.
    #[must_use]
    pub fn key(&self) -> Item<'a> {
        self.key.clone()
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> Item<'a> {
        self.value.clone()
    }

    /// The record number, from 1, in a RECNO or QUEUE database.
    #[must_use]
    pub fn record_number(&self) -> Option<u32> {
        self.record.get()
    }

    /// Where the record stands, in a HEAP database.
    #[must_use]
    pub fn record_id(&self) -> Option<RecordId> {
        self.record.id()
    }

    /// The key, in place.
    pub(crate) fn key_item(&self) -> &Item<'a> {
        &self.key
    }

    /// The value, in place.
    pub(crate) fn value_item(&self) -> &Item<'a> {
        &self.value
    }

    /// Reads both into memory, as far as they are not there.
    ///
    /// # Errors
    ///
    /// As [`Item::read`].
    #[inline]
    pub fn read(&self) -> Result<Entry<'a>> {
        Ok(Entry::new(self.key.read()?, self.value.read()?, self.record))
    }
}

/// A key and a value, read: borrowed from the page, or assembled from an
/// overflow chain.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    key: Cow<'a, [u8]>,
    value: Cow<'a, [u8]>,
    record: RecordNo,
}

impl<'a> Entry<'a> {
    pub(super) fn new(key: Cow<'a, [u8]>, value: Cow<'a, [u8]>, record: RecordNo) -> Self {
        Entry { key, value, record }
    }

    /// The key; empty in a RECNO or QUEUE database, which has numbers instead, and in a HEAP,
    /// which has places.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// The record number, from 1, in a RECNO or QUEUE database.
    #[must_use]
    pub fn record_number(&self) -> Option<u32> {
        self.record.get()
    }

    /// Where the record stands, in a HEAP database.
    #[must_use]
    pub fn record_id(&self) -> Option<RecordId> {
        self.record.id()
    }

    /// The same, with bytes of its own: what it was read from may go.
    #[must_use]
    pub fn into_owned(self) -> Entry<'static> {
        let own = |bytes: Cow<'a, [u8]>| Cow::Owned(bytes.into_owned());
        Entry { key: own(self.key), value: own(self.value), record: self.record }
    }

    /// Key and value, each borrowed or owned as it was read.
    #[must_use]
    pub fn into_parts(self) -> (Cow<'a, [u8]>, Cow<'a, [u8]>) {
        (self.key, self.value)
    }
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Entry");
        out.field("key", &Escaped(&self.key)).field("value", &Escaped(&self.value));
        if let Some(number) = self.record_number() {
            out.field("record", &number);
        }
        if let Some(id) = self.record_id() {
            out.field("record", &format_args!("{id}"));
        }
        out.finish()
    }
}
