//! Ordinary pages (database-format, "Ordinary pages").
//!
//! ```text
//!  0 lsn (8)   8 pgno   12 prev   16 next   20 entries   22 hf_offset   24 level   25 type
//! 26 index: entries × u16, each the offset of an item    (32 behind a checksum, 64 if encrypted)
//!    … free …
//! hf_offset: items, to the end of the page
//! ```

use std::fmt;
use std::marker::PhantomData;

use byteorder::ByteOrder;

use crate::types::Lsn;

/// Length of the header that all pages share, in bytes.
pub(crate) const HEADER: usize = 26;
/// Where the index starts on pages with a checksum: after it.
pub(crate) const HEADER_CHECKSUMMED: usize = 32;
/// Where it starts on encrypted pages: what stands before is not encrypted.
pub(crate) const HEADER_ENCRYPTED: usize = 64;

/// Offsets of header fields, for error messages.
pub(crate) mod at {
    pub(crate) const PGNO: usize = 8;
    pub(crate) const PREV: usize = 12;
    pub(crate) const NEXT: usize = 16;
    pub(crate) const ENTRIES: usize = 20;
    pub(crate) const HF_OFFSET: usize = 22;
    pub(crate) const LEVEL: usize = 24;
    pub(crate) const TYPE: usize = 25;
}

macro_rules! page_kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// The type of a page (database-format, "Page types").
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum PageKind {
            $($(#[$doc])* $name,)*
        }

        impl PageKind {
            /// Every kind, in the order of the type bytes.
            pub const ALL: &[PageKind] = &[$(PageKind::$name),*];

            /// The kind that a type byte stands for.
            #[must_use]
            pub fn from_byte(byte: u8) -> Option<PageKind> {
                match byte {
                    $($number => Some(PageKind::$name),)*
                    _ => None,
                }
            }

            /// The type byte that stands for the kind.
            #[must_use]
            pub fn byte(self) -> u8 {
                match self {
                    $(PageKind::$name => $number,)*
                }
            }

            /// The field's name for the kind.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(PageKind::$name => $text,)*
                }
            }
        }
    };
}

page_kinds! {
    /// A free page, or one that was never written.
    Invalid = 0, "free";
    /// Off-page duplicates of versions 6 and 7.
    Duplicate = 1, "duplicate";
    /// A HASH bucket, pairs unsorted.
    HashUnsorted = 2, "hash (unsorted)";
    /// Internal page of a BTREE, or of sorted off-page duplicates.
    BtreeInternal = 3, "btree internal";
    /// Internal page of a RECNO tree, or of unsorted off-page duplicates.
    RecnoInternal = 4, "recno internal";
    /// Leaf of a BTREE: pairs.
    BtreeLeaf = 5, "btree leaf";
    /// Leaf of a RECNO tree, or of unsorted off-page duplicates.
    RecnoLeaf = 6, "recno leaf";
    /// A piece of a long item.
    Overflow = 7, "overflow";
    /// Metadata of a HASH database.
    HashMeta = 8, "hash metadata";
    /// Metadata of a BTREE or RECNO database.
    BtreeMeta = 9, "btree metadata";
    /// Metadata of a QUEUE.
    QueueMeta = 10, "queue metadata";
    /// Records of a QUEUE.
    QueueData = 11, "queue data";
    /// Leaf of sorted off-page duplicates.
    DuplicateLeaf = 12, "duplicate leaf";
    /// A HASH bucket, pairs sorted.
    Hash = 13, "hash";
    /// Metadata of a HEAP.
    HeapMeta = 14, "heap metadata";
    /// Records of a HEAP.
    Heap = 15, "heap";
    /// Free space map of a HEAP.
    HeapRegion = 16, "heap region";
}

impl fmt::Display for PageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A page read in place.
#[derive(Debug)]
pub(crate) struct Page<'a, O> {
    bytes: &'a [u8],
    head: &'a [u8; HEADER],
    order: PhantomData<O>,
}

impl<O> Clone for Page<'_, O> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<O> Copy for Page<'_, O> {}

impl<'a, O: ByteOrder> Page<'a, O> {
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Self> {
        Some(Page { bytes, head: bytes.first_chunk()?, order: PhantomData })
    }

    #[allow(clippy::indexing_slicing)] // constant ranges in an array of 26
    fn u32_at<const AT: usize>(&self) -> u32 {
        O::read_u32(&self.head[AT..])
    }

    #[allow(clippy::indexing_slicing)]
    fn u16_at<const AT: usize>(&self) -> u16 {
        O::read_u16(&self.head[AT..])
    }

    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Reads one byte of every cache line, for whoever is about to read all items:
    /// memory then delivers the lines side by side, while going from item to item
    /// would wait for one after the other.
    #[inline]
    pub(crate) fn fetch(&self) {
        for line in self.bytes.chunks_exact(64) {
            std::hint::black_box(line.first().copied().unwrap_or(0));
        }
    }

    pub(crate) fn lsn(&self) -> Lsn {
        Lsn { file: self.u32_at::<0>(), offset: self.u32_at::<4>() }
    }

    /// The page's own number.
    pub(crate) fn pgno(&self) -> u32 {
        self.u32_at::<{ at::PGNO }>()
    }

    /// Previous page of the chain, or the record count of an internal root.
    pub(crate) fn prev(&self) -> u32 {
        self.u32_at::<{ at::PREV }>()
    }

    pub(crate) fn next(&self) -> u32 {
        self.u32_at::<{ at::NEXT }>()
    }

    /// Number of index slots (overflow pages: reference count).
    pub(crate) fn entries(&self) -> u16 {
        self.u16_at::<{ at::ENTRIES }>()
    }

    /// Lowest used byte of the item area (overflow pages: bytes of data here).
    pub(crate) fn hf_offset(&self) -> u16 {
        self.u16_at::<{ at::HF_OFFSET }>()
    }

    #[allow(clippy::indexing_slicing)]
    pub(crate) fn level(&self) -> u8 {
        self.head[at::LEVEL]
    }

    #[allow(clippy::indexing_slicing)]
    pub(crate) fn type_byte(&self) -> u8 {
        self.head[at::TYPE]
    }

    /// The offset in a slot of the index, which starts at `overhead`, as it stands.
    #[inline(always)]
    pub(crate) fn slot(&self, overhead: usize, number: u16) -> Option<u16> {
        slot::<O>(self.bytes.get(overhead..)?, number)
    }

    /// The item of a slot, with what follows it on the page, and its offset.
    #[inline(always)]
    pub(crate) fn item(&self, overhead: usize, number: u16) -> Option<(usize, &'a [u8])> {
        let offset = usize::from(self.slot(overhead, number)?);
        Some((offset, self.bytes.get(offset..)?))
    }

    /// Where the item area starts. An empty page of 64 KiB stores 0 for 65536.
    pub(crate) fn item_area(&self) -> usize {
        match (self.hf_offset(), self.entries()) {
            (0, 0) => self.bytes.len(),
            (offset, _) => usize::from(offset),
        }
    }

    /// A page that was allocated but never written: zero where it matters.
    pub(crate) fn is_hole(&self) -> bool {
        self.type_byte() == 0 && self.pgno() == 0 && self.lsn() == Lsn::default()
    }
}

/// The offset in a slot of an index, as it stands; `None` if the index is shorter.
#[inline(always)]
pub(crate) fn slot<O: ByteOrder>(index: &[u8], number: u16) -> Option<u16> {
    let at = usize::from(number).wrapping_mul(2);
    index.get(at..)?.first_chunk::<2>().map(|raw| O::read_u16(raw))
}

/// Offset in the page of an index slot.
pub(crate) fn slot_offset(overhead: usize, slot: u16) -> usize {
    overhead.saturating_add(usize::from(slot).saturating_mul(2))
}

/// Whether a page of this kind is a leaf: it holds records, or duplicates of one key.
pub(crate) fn is_leaf(kind: PageKind) -> bool {
    matches!(kind, PageKind::BtreeLeaf | PageKind::RecnoLeaf | PageKind::DuplicateLeaf | PageKind::Duplicate)
}

/// Whether a page of this kind holds what belongs to a database: a leaf, or part
/// of a HASH bucket.
pub(crate) fn holds_records(kind: PageKind) -> bool {
    is_leaf(kind) || matches!(kind, PageKind::Hash | PageKind::HashUnsorted)
}
