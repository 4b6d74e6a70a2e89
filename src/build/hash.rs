//! A HASH: buckets of a table whose size is known before (database-format, annex A).

use std::cmp::Ordering;
use std::io::{Seek, Write};

use super::error::{BuildError, Result};
use super::meta::{MetaPage, hash as flags};
use super::overflow::{Kept, Stored, store};
use super::set::Set;
use super::shape::{KeyDuplicates, Size};
use super::sink::{Sink, header};
use crate::bits::Bits;
use crate::format::edit::{PageHeader, put, put_u16};
use crate::format::generation::Generation;
use crate::format::hash::{self, HashFunction, PROBE};
use crate::format::item::{DUPLICATE, KEYDATA, OFFDUP, OFFDUP_LEN, OVERFLOW, REFERENCE};
use crate::format::meta::Field;
use crate::format::page::{PageKind, at, slot_offset};
use crate::order::{Endianness, with_order};
use crate::types::PageNo;

/// The most doublings that a metadata page has places for.
const MOST_DOUBLINGS: u32 = 31;

/// Where a key has its place among those that a HASH is built from: the keys of a bucket come one after
/// the other then, whatever the size of the table.
#[must_use]
pub fn place(key: &[u8]) -> u32 {
    HashFunction::Fnv.hash(key).reverse_bits()
}

/// A HASH that is being built.
pub(super) struct Hash {
    duplicates: KeyDuplicates,
    fill_factor: u32,
    /// The page of bucket 0: those of the others follow. The last bucket, which is the mask of hashes, too.
    first: PageNo,
    last: u32,
    doublings: u32,
    written: Bits,
    pairs: u32,
    /// The key that was put last, and its last value where values are sorted.
    key: Option<(u32, Vec<u8>)>,
    value: Vec<u8>,
    /// The values of that key, and what they take as one item.
    set: Set,
    space: usize,
    bucket: Bucket,
}

/// The pairs of a page of a bucket.
#[derive(Default)]
struct Bucket {
    /// The page, if one is begun; the one before it.
    no: Option<PageNo>,
    prev: u32,
    pairs: Vec<Pair>,
    used: usize,
}

/// A key, and both items as they will stand on the page.
struct Pair {
    key: Vec<u8>,
    is_long: bool,
    items: [Vec<u8>; 2],
}

impl Hash {
    /// One whose bucket pages are the next of the file.
    pub(super) fn new<W: Write + Seek>(
        sink: &mut Sink<W>,
        duplicates: KeyDuplicates,
        fill_factor: u32,
        elements: u32,
        size: Size,
    ) -> Result<Hash> {
        let doublings = size.doublings(sink.size, fill_factor, elements);
        let buckets = 1u32.checked_shl(doublings).filter(|_| doublings < MOST_DOUBLINGS);
        let buckets = buckets.ok_or(BuildError::TooLarge("so many buckets"))?;
        let first = sink.reserve(buckets)?;
        let end = first.0.saturating_add(buckets);
        Ok(Hash {
            duplicates,
            fill_factor,
            first,
            last: buckets.saturating_sub(1),
            doublings,
            written: Bits::new(first, end),
            pairs: 0,
            key: None,
            value: Vec::new(),
            set: Set::new(duplicates),
            space: 0,
            bucket: Bucket::default(),
        })
    }

    pub(super) fn put<W: Write + Seek>(
        &mut self,
        sink: &mut Sink<W>,
        key: &[u8],
        value: &[u8],
    ) -> Result<()> {
        let place = place(key);
        let order = match &self.key {
            Some((last, bytes)) => place.cmp(last).then_with(|| key.cmp(bytes)),
            None => Ordering::Greater,
        };
        match (order, self.duplicates) {
            (Ordering::Less, _) => return Err(BuildError::Order),
            (Ordering::Equal, KeyDuplicates::None) => return Err(BuildError::Repeated),
            (Ordering::Equal, KeyDuplicates::Sorted) => match value.cmp(&self.value) {
                Ordering::Less => return Err(BuildError::Order),
                Ordering::Equal => return Err(BuildError::Repeated),
                Ordering::Greater => {}
            },
            _ => {}
        }
        if order.is_gt() {
            self.end_of_key(sink)?;
            self.key = Some((place, key.to_vec()));
            self.space = 1;
        }
        if self.duplicates == KeyDuplicates::Sorted {
            self.value.clear();
            self.value.extend_from_slice(value);
        }
        self.pairs = self.pairs.checked_add(1).ok_or(BuildError::TooLarge("more than 2^32 - 1 pairs"))?;
        if self.set.goes_elsewhere(sink, value)? {
            return Ok(());
        }
        let most = sink.size.bytes() >> 2;
        let item = store(sink, value, most)?;
        let is_long = matches!(item, Stored::Chain(..));
        let len = if is_long { most } else { value.len() };
        self.space = self.space.saturating_add(len).saturating_add(4);
        self.set.values.push(item.keep());
        if self.set.values.len() > 1 && self.space > most {
            self.set.move_away(sink)?;
        }
        Ok(())
    }

    /// Puts the key that was put last with its values.
    fn end_of_key<W: Write + Seek>(&mut self, sink: &mut Sink<W>) -> Result<()> {
        let Some((place, key)) = self.key.take() else { return Ok(()) };
        let order = sink.order;
        let value = match self.set.finish(sink)? {
            Some(root) => {
                let mut item = vec![0; OFFDUP_LEN];
                put(&mut item, 0, &[OFFDUP]);
                order.put_u32(&mut item, 4, root.0);
                item
            }
            None => match std::mem::take(&mut self.set.values).as_slice() {
                [one] => item(one.stored(), order),
                all => together(all, order),
            },
        };
        let stored = store(sink, &key, sink.size.bytes() >> 2)?;
        let is_long = matches!(stored, Stored::Chain(..));
        let items = [item(stored, order), value];
        let bucket = self.first.0.saturating_add(place.reverse_bits() & self.last);
        self.pair(sink, PageNo(bucket), Pair { key, is_long, items })
    }

    fn pair<W: Write + Seek>(&mut self, sink: &mut Sink<W>, first: PageNo, pair: Pair) -> Result<()> {
        if self.written.mark(first) {
            self.flush(sink, 0)?;
            self.bucket = Bucket { no: Some(first), ..Bucket::default() };
        }
        let space = pair.items.iter().fold(4usize, |sum, item| sum.saturating_add(item.len()));
        if self.bucket.used.saturating_add(space) > sink.room() {
            let next = sink.allocate()?;
            let prev = self.bucket.no.map_or(0, |no| no.0);
            self.flush(sink, next.0)?;
            self.bucket = Bucket { no: Some(next), prev, ..Bucket::default() };
        }
        self.bucket.used = self.bucket.used.saturating_add(space);
        self.bucket.pairs.push(pair);
        Ok(())
    }

    /// Writes the page of a bucket that was begun.
    fn flush<W: Write + Seek>(&mut self, sink: &mut Sink<W>, next: u32) -> Result<()> {
        let Bucket { no, prev, pairs, .. } = std::mem::take(&mut self.bucket);
        let Some(no) = no else { return Ok(()) };
        let sorts = sink.generation >= Generation::V41;
        let kind = if sorts { PageKind::Hash } else { PageKind::HashUnsorted };
        let mut bytes = sink.empty(PageHeader { no, prev, next, ..header(kind, 0) })?;
        let pairs = if sorts { sorted(pairs) } else { pairs };
        let (overhead, mut end, mut slots) = (sink.overhead(), bytes.len(), 0u16);
        for item in pairs.iter().flat_map(|pair| &pair.items) {
            end = end.saturating_sub(item.len());
            put(&mut bytes, end, item);
            let offset = u16::try_from(end).map_err(|_| BuildError::TooLarge("an item"))?;
            with_order!(sink.order, O => {
                put_u16::<O>(&mut bytes, slot_offset(overhead, slots), offset);
                put_u16::<O>(&mut bytes, at::HF_OFFSET, offset);
            });
            slots = slots.saturating_add(1);
        }
        with_order!(sink.order, O => put_u16::<O>(&mut bytes, at::ENTRIES, slots));
        sink.write(no, bytes)
    }

    /// Writes what is not written yet, empty buckets among it, and says on the first page what there is.
    pub(super) fn finish<W: Write + Seek>(
        mut self,
        sink: &mut Sink<W>,
        meta: &mut MetaPage,
        several: bool,
    ) -> Result<()> {
        self.end_of_key(sink)?;
        self.flush(sink, 0)?;
        for bucket in 0..=self.last {
            let no = PageNo(self.first.0.saturating_add(bucket));
            if self.written.mark(no) {
                self.bucket.no = Some(no);
                self.flush(sink, 0)?;
            }
        }
        let kinds = match self.duplicates {
            KeyDuplicates::None => 0,
            KeyDuplicates::Unsorted => flags::DUPLICATES,
            KeyDuplicates::Sorted if sink.generation.has_duplicate_trees() => {
                flags::DUPLICATES | flags::SORTED
            }
            KeyDuplicates::Sorted => flags::DUPLICATES,
        };
        meta.put(Field::Flags, if several { kinds | flags::SEVERAL } else { kinds });
        meta.put(Field::OvflPoint, self.doublings);
        meta.put(Field::MaxBucket, self.last);
        meta.put(Field::HighMask, self.last);
        meta.put(Field::LowMask, self.last >> 1);
        meta.put(Field::Ffactor, self.fill_factor);
        meta.put(Field::Nelem, self.pairs);
        meta.put(Field::Charkey, HashFunction::Fnv.hash(PROBE));
        let end = self.first.0.saturating_add(self.last);
        meta.spares(&self.spares(sink.generation, sink.last().0.saturating_sub(end)));
        Ok(())
    }

    /// Where the buckets of each doubling begin; of 2.x, how many other pages stand before those of the
    /// next: here all others, of long items, too.
    fn spares(&self, generation: Generation, others: u32) -> [u32; 32] {
        let mut spares = [0; 32];
        let used = usize::try_from(self.doublings).unwrap_or(0);
        if generation == Generation::V2 {
            if let Some(behind) = spares.get_mut(used) {
                *behind = others;
            }
        } else {
            spares.iter_mut().take(used.saturating_add(1)).for_each(|place| *place = self.first.0);
        }
        spares
    }
}

/// A key or a value as an item of a bucket.
fn item(stored: Stored<'_>, order: Endianness) -> Vec<u8> {
    match stored {
        Stored::Here(bytes) => [&[KEYDATA], bytes].concat(),
        Stored::Chain(first, len) => {
            let mut item = vec![0; REFERENCE];
            put(&mut item, 0, &[OVERFLOW]);
            order.put_u32(&mut item, 4, first.0);
            order.put_u32(&mut item, 8, len);
            item
        }
        Stored::Duplicates(_) | Stored::Nothing(_) => Vec::new(),
    }
}

/// The values of a key as one item.
fn together(values: &[Kept], order: Endianness) -> Vec<u8> {
    let mut item = vec![DUPLICATE];
    for value in values {
        let Kept::Here(bytes) = value else { continue };
        let mut len = [0; 2];
        with_order!(order, O => put_u16::<O>(&mut len, 0, u16::try_from(bytes.len()).unwrap_or(0)));
        item.extend_from_slice(&len);
        item.extend_from_slice(bytes);
        item.extend_from_slice(&len);
    }
    item
}

/// The pairs of a page in the order that the library finds them by (upgrade-other, "Order of pairs on
/// a type 13 page").
fn sorted(pairs: Vec<Pair>) -> Vec<Pair> {
    let mut list: Vec<Pair> = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let compare = |other: &Pair| {
            Ok::<_, BuildError>(match pair.is_long || other.is_long {
                true => pair.key.cmp(&other.key),
                false => hash::sorted(&pair.key, &other.key),
            })
        };
        let place = hash::insertion(&list, compare).unwrap_or(list.len());
        list.insert(place, pair);
    }
    list
}
