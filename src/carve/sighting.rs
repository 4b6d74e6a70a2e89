//! Whether a page may begin at a sector, by its header and by how its items lie
//! (database-format, "Header", "Alignment and packing").

use byteorder::ByteOrder;

use crate::format::item;
use crate::format::meta::{self as layout, Layout};
use crate::format::page::{
    HEADER, HEADER_CHECKSUMMED, HEADER_ENCRYPTED, Page, PageKind, at, is_leaf, slot_offset,
};
use crate::format::seal::is_metadata;
use crate::order::{Endianness, with_order};
use crate::types::{Lsn, PageNo, PageSize};

/// Page sizes, a bit each: bit n stands for 512 × 2^n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sizes(u8);

impl Sizes {
    /// All that there are, as exponents.
    const BITS: std::ops::Range<u8> = 0..8;

    fn bytes_of(bit: u8) -> usize {
        512usize.checked_shl(bit.into()).unwrap_or(0)
    }

    /// Those that please.
    fn such(pleases: impl Fn(usize) -> bool) -> Sizes {
        let bit = |bit: u8| {
            if pleases(Sizes::bytes_of(bit)) { 1u8.checked_shl(bit.into()).unwrap_or(0) } else { 0 }
        };
        Sizes(Sizes::BITS.fold(0, |all, one| all | bit(one)))
    }

    /// The one of so many bytes, if it is one.
    fn one(bytes: usize) -> Sizes {
        Sizes::such(|size| size == bytes)
    }

    pub(super) fn has(self, bit: u8) -> bool {
        self.0.checked_shr(bit.into()).unwrap_or(0) & 1 == 1
    }

    fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// How a file is divided: its byte order and its page size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Form(u8);

impl Form {
    /// Every form.
    pub(super) fn all() -> impl Iterator<Item = Form> {
        (0..16).map(Form)
    }

    pub(super) fn order(self) -> Endianness {
        if self.0 & 8 == 0 { Endianness::Little } else { Endianness::Big }
    }

    pub(super) fn bit(self) -> u8 {
        self.0 & 7
    }

    /// Bytes of a page.
    pub(super) fn bytes(self) -> u64 {
        512u64.checked_shl(self.bit().into()).unwrap_or(512)
    }

    pub(super) fn size(self) -> Option<PageSize> {
        PageSize::new(512u32.checked_shl(self.bit().into())?)
    }
}

/// What may be a page: all that is kept of it while an image is searched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sighting {
    /// Offset in the image.
    pub(super) at: u64,
    /// Numbers as they stand, taken as little-endian.
    number: u32,
    prev: u32,
    next: u32,
    lsn: (u32, u32),
    kind: u8,
    /// The page sizes that it can have, if it is little-endian, and if it is big-endian.
    sizes: [Sizes; 2],
    /// Bit 0 and 1: whether its items lie as only a library lays them, in either order.
    strong: u8,
}

impl Sighting {
    /// What begins with these bytes: as much as a page of the largest size, if it is there.
    #[inline]
    pub(super) fn of(bytes: &[u8], offset: u64) -> Option<Sighting> {
        let head: &[u8; HEADER] = bytes.first_chunk()?;
        let word = |at| Endianness::Little.u32_at(head, at).unwrap_or(0);
        let &[.., level, kind] = head;
        let metadata = metadata(word(layout::at::MAGIC), word(layout::at::VERSION));
        let kind = match metadata {
            Some((_, kind)) => kind,
            None => PageKind::from_byte(kind).filter(|&kind| can_have(kind, level))?,
        };
        let number = word(at::PGNO);
        let mut sighting = Sighting {
            at: offset,
            number,
            prev: word(at::PREV),
            next: word(at::NEXT),
            lsn: (word(0), word(4)),
            kind: kind.byte(),
            sizes: [Sizes::default(); 2],
            strong: 0,
        };
        if let Some((order, _)) = metadata {
            let size = order.u32_at(head, layout::at::PAGE_SIZE).and_then(PageSize::new)?;
            return Some(sighting.set(order, Sizes::one(size.bytes()), true)).filter(Sighting::is_any);
        }
        // Page 0 is one of metadata, or nothing.
        if number == 0 || (kind == PageKind::QueueData && head.get(at::PREV..at::LEVEL)? != [0; 12]) {
            return None;
        }
        for order in [Endianness::Little, Endianness::Big] {
            let (sizes, strong) = with_order!(order, O => Page::<O>::new(bytes).map(|page| fit(page, kind)))?;
            sighting = sighting.set(order, sizes, strong);
        }
        Some(sighting).filter(Sighting::is_any)
    }

    fn set(mut self, order: Endianness, sizes: Sizes, strong: bool) -> Sighting {
        let [little, big] = &mut self.sizes;
        let bit = match order {
            Endianness::Little => {
                *little = sizes;
                1
            }
            Endianness::Big => {
                *big = sizes;
                2
            }
        };
        self.strong |= if strong { bit } else { 0 };
        self
    }

    fn is_any(&self) -> bool {
        self.sizes.iter().any(|sizes| !sizes.is_empty())
    }

    /// Whether it may be a page of such a file.
    pub(super) fn fits(&self, form: Form) -> bool {
        let [little, big] = self.sizes;
        let sizes = if form.order() == Endianness::Little { little } else { big };
        sizes.has(form.bit())
    }

    fn in_order(number: u32, order: Endianness) -> u32 {
        if order == Endianness::Little { number } else { number.swap_bytes() }
    }

    pub(super) fn number(&self, order: Endianness) -> u32 {
        Sighting::in_order(self.number, order)
    }

    pub(super) fn lsn(&self, order: Endianness) -> Lsn {
        let (file, offset) = self.lsn;
        Lsn { file: Sighting::in_order(file, order), offset: Sighting::in_order(offset, order) }
    }

    /// The pages before and behind it, of a kind of page that stands in a chain of its like.
    pub(super) fn chain(&self, order: Endianness) -> Option<[Option<PageNo>; 2]> {
        let link = |raw| PageNo::link(Sighting::in_order(raw, order));
        let chained = matches!(self.kind(), PageKind::Overflow | PageKind::Hash | PageKind::HashUnsorted)
            || is_leaf(self.kind());
        chained.then(|| [link(self.prev), link(self.next)])
    }

    pub(super) fn kind(&self) -> PageKind {
        PageKind::from_byte(self.kind).unwrap_or(PageKind::Invalid)
    }

    /// Whether it can be no accident.
    pub(super) fn is_strong(&self, order: Endianness) -> bool {
        self.strong & if order == Endianness::Little { 1 } else { 2 } != 0
    }

    /// Whether it begins a file.
    pub(super) fn is_first(&self) -> bool {
        self.number == 0 && is_metadata(self.kind())
    }

    /// The form that it speaks for, if it stands alone.
    pub(super) fn own_form(&self) -> Option<Form> {
        Form::all().find(|&form| self.fits(form) && self.is_strong(form.order()))
    }
}

/// The byte order and the kind of a metadata page: of any version that a release wrote, or one whose
/// change in place was interrupted. In the oldest no byte says what page it is.
#[inline]
fn metadata(magic: u32, version: u32) -> Option<(Endianness, PageKind)> {
    let in_order = |magic: u32, version: u32| {
        let kind = match magic {
            layout::BTREE_MAGIC => PageKind::BtreeMeta,
            layout::HASH_MAGIC => PageKind::HashMeta,
            layout::QUEUE_MAGIC => PageKind::QueueMeta,
            layout::HEAP_MAGIC => PageKind::HeapMeta,
            _ => return None,
        };
        (Layout::of(magic, version).is_some() || version == layout::HALF_WRITTEN).then_some(kind)
    };
    let little = in_order(magic, version).map(|kind| (Endianness::Little, kind));
    little.or_else(|| Some((Endianness::Big, in_order(magic.swap_bytes(), version.swap_bytes())?)))
}

/// Whether pages of a kind are on this level (database-format, "Level, links, root").
#[inline]
fn can_have(kind: PageKind, level: u8) -> bool {
    match kind {
        PageKind::BtreeLeaf | PageKind::RecnoLeaf | PageKind::DuplicateLeaf => level == 1,
        PageKind::BtreeInternal | PageKind::RecnoInternal => level >= 2,
        _ => level == 0 && !is_metadata(kind),
    }
}

/// The page sizes that the header and the items of a page allow, and whether that is no accident.
fn fit<O: ByteOrder>(page: Page<'_, O>, kind: PageKind) -> (Sizes, bool) {
    let (entries, low) = (page.entries(), usize::from(page.hf_offset()));
    let within = |least: usize| Sizes::such(|size| size > least);
    match kind {
        PageKind::QueueData => (Sizes::such(|_| true), false),
        PageKind::Overflow => {
            // All but the last page of a chain are full.
            let overheads = [HEADER, HEADER_CHECKSUMMED, HEADER_ENCRYPTED];
            let full = overheads.iter().map(|overhead| Sizes::one(low.saturating_add(*overhead)));
            match full.fold(Sizes::default(), |all, one| Sizes(all.0 | one.0)) {
                _ if entries == 0 || low == 0 => (Sizes::default(), false),
                full if !full.is_empty() && page.next() != 0 => (full, true),
                _ => (within(low.saturating_add(HEADER).saturating_sub(1)), false),
            }
        }
        PageKind::Heap | PageKind::HeapRegion => {
            let least = slot_offset(HEADER, entries).max(low.saturating_sub(1));
            (if low == 0 && entries > 0 { Sizes::default() } else { within(least) }, false)
        }
        _ if entries == 0 => {
            let empty = Sizes::such(|size| size & 0xffff == low);
            match kind {
                _ if !empty.is_empty() => (empty, low > 0),
                // Releases 2.x leave on free pages of a HASH what was there.
                PageKind::Invalid if low >= HEADER => (within(low), false),
                _ => (Sizes::default(), false),
            }
        }
        PageKind::Invalid if low >= slot_offset(HEADER, entries) => (within(low), false),
        PageKind::Invalid => (Sizes::default(), false),
        _ => {
            let mut overheads = [HEADER, HEADER_CHECKSUMMED].into_iter();
            match overheads.find_map(|overhead| index(page, kind, overhead)) {
                Some(sizes) => (sizes, true),
                // What is encrypted shows nothing but its header.
                None if slot_offset(HEADER, entries) <= low => (within(low), false),
                None => (Sizes::default(), false),
            }
        }
    }
}

/// The sizes of a page whose index starts at an offset; `None`, if its items do not lie as a library
/// lays them.
fn index<O: ByteOrder>(page: Page<'_, O>, kind: PageKind, overhead: usize) -> Option<Sizes> {
    let (entries, low) = (page.entries(), page.hf_offset());
    let end = slot_offset(overhead, entries);
    if end > usize::from(low) {
        return None;
    }
    let (mut lowest, mut highest, mut before, mut falls) = (u16::MAX, 0, u16::MAX, true);
    for slot in 0..entries {
        let offset = page.slot(overhead, slot)?;
        if offset < low {
            return None;
        }
        falls &= offset < before;
        (lowest, highest, before) = (lowest.min(offset), highest.max(offset), offset);
    }
    if lowest != low {
        return None;
    }
    if matches!(kind, PageKind::Hash | PageKind::HashUnsorted) {
        return falls.then(|| Sizes::such(|size| size > usize::from(highest)));
    }
    // Items go to the end of the page.
    let item = page.bytes().get(usize::from(highest)..)?;
    let end = usize::from(highest).checked_add(length::<O>(item, kind)?)?;
    Some(Sizes::one(end)).filter(|size| !size.is_empty())
}

/// The space that an item on a page takes.
fn length<O: ByteOrder>(item: &[u8], kind: PageKind) -> Option<usize> {
    match kind {
        PageKind::RecnoInternal => Some(item::RECNO_INTERNAL),
        PageKind::BtreeInternal => {
            let key = usize::from(item::len::<O>(item)?);
            let overflow = item::type_byte(item)? & !item::DELETED == item::OVERFLOW;
            let key = if overflow { item::REFERENCE } else { key };
            Some(item::padded(item::INTERNAL_HEAD.saturating_add(key)))
        }
        _ => item::leaf::<O>(item).ok().map(|item| item.form.size()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sighting_takes_few_bytes() {
        assert_eq!(size_of::<Sighting>(), 32);
    }

    #[test]
    fn every_byte_order_and_page_size_is_one_form() {
        let all: Vec<_> = Form::all().map(|form| (form.order(), form.size().unwrap().get())).collect();
        let expected = [Endianness::Little, Endianness::Big]
            .into_iter()
            .flat_map(|order| (9..=16).map(move |bits| (order, 1 << bits)));
        assert_eq!(all, expected.collect::<Vec<_>>());
    }

    #[test]
    fn noise_is_no_page() {
        assert!(Sighting::of(&[0; 512], 0).is_none());
        assert!(Sighting::of(&[b' '; 512], 0).is_none());
        assert!(Sighting::of(&[0xff; 512], 0).is_none());
        assert!(Sighting::of(&[0; 8], 0).is_none());
    }
}
