//! BTREE 3 and RECNO (other-releases, "BTREE 3").
//!
//! ```text
//!  0 pgno   4 prev   8 next   12 flags   16 lower (2)   18 upper (2)
//! 20 index: u16 each, the offset of an item; it ends at lower
//!    … free …
//! upper: items, to the end of the page
//! ```

use crate::order::Endianness;

/// Offsets of the fields of page 0.
pub(crate) mod meta_at {
    pub(crate) const PAGE_SIZE: usize = 8;
    pub(crate) const FREE: usize = 12;
    pub(crate) const NRECS: usize = 16;
    pub(crate) const FLAGS: usize = 20;
}

/// Offsets of the fields of all other pages.
pub(crate) mod at {
    pub(crate) const PGNO: usize = 0;
    pub(crate) const PREV: usize = 4;
    pub(crate) const NEXT: usize = 8;
    pub(crate) const FLAGS: usize = 12;
    pub(crate) const LOWER: usize = 16;
    pub(crate) const UPPER: usize = 18;
}

/// Bytes of page 0 that mean something.
pub(crate) const META_LENGTH: usize = 24;
pub(crate) const VERSION: u32 = 3;
/// Flags of page 0: keys come once; the tree is a RECNO.
pub(crate) const NO_DUPLICATES: u32 = 0x20;
pub(crate) const RECNO: u32 = 0x80;
/// The root is always this page.
pub(crate) const ROOT: u32 = 1;
/// Length of the header of a page.
pub(crate) const HEADER: usize = 20;
/// A flag of the first page of an overflow chain: it is the key of an internal page, and stays.
pub(crate) const PRESERVED: u32 = 0x20;

/// Flags of items.
const BIG_DATA: u8 = 1;
const BIG_KEY: u8 = 2;
/// Length of a reference to an overflow chain.
pub(crate) const REFERENCE: usize = 8;
/// What stands before the key of an item, and before the bytes of a record.
pub(crate) const LEAF_HEAD: usize = 9;
pub(crate) const RECORD_HEAD: usize = 5;
/// Deeper than any tree that a library makes.
pub(crate) const DEEPEST: usize = 64;
const RECNO_CHILD: usize = 8;

/// What a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Internal,
    Leaf,
    Overflow,
    RecnoInternal,
    RecnoLeaf,
}

impl Kind {
    fn of(flags: u32) -> Option<Kind> {
        match flags & 0x1f {
            1 => Some(Kind::Internal),
            2 => Some(Kind::Leaf),
            4 => Some(Kind::Overflow),
            8 => Some(Kind::RecnoInternal),
            16 => Some(Kind::RecnoLeaf),
            _ => None,
        }
    }

    pub(crate) fn is_leaf(self) -> bool {
        matches!(self, Kind::Leaf | Kind::RecnoLeaf)
    }

    fn is_recno(self) -> bool {
        matches!(self, Kind::RecnoInternal | Kind::RecnoLeaf)
    }
}

/// A page, as its bytes stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page<'a> {
    bytes: &'a [u8],
    order: Endianness,
    /// The order of index and items.
    body: Endianness,
}

/// A pair on a leaf.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) data: &'a [u8],
    flags: u8,
    /// All from the key to the end of the page.
    pub(crate) rest: &'a [u8],
}

/// An entry of an internal page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Child<'a> {
    pub(crate) page: u32,
    pub(crate) key: &'a [u8],
    flags: u8,
    /// Records below it, in a RECNO tree.
    pub(crate) records: u32,
}

/// A record of a RECNO leaf.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) data: &'a [u8],
    flags: u8,
}

impl<'a> Pair<'a> {
    pub(crate) fn has_big_key(&self) -> bool {
        self.flags & BIG_KEY != 0
    }

    pub(crate) fn has_big_data(&self) -> bool {
        self.flags & BIG_DATA != 0
    }

    /// Whether the flags are known, and references have their length.
    pub(crate) fn is_sound(&self) -> bool {
        let fits = |big: bool, bytes: &[u8]| !big || bytes.len() == REFERENCE;
        self.flags & !(BIG_DATA | BIG_KEY) == 0
            && fits(self.has_big_key(), self.key)
            && fits(self.has_big_data(), self.data)
    }

    pub(crate) fn flags(&self) -> u8 {
        self.flags
    }

    /// Its key and the reference to its data, if that leads nowhere as it stands, and does where
    /// eight bytes are put in their order again.
    pub(crate) fn mended(
        &self,
        order: Endianness,
        leads: impl Fn((u32, u32)) -> bool,
    ) -> Option<(Mended<'a>, (u32, u32))> {
        if self.has_big_key() || !self.has_big_data() || leads(reference(self.data, order)?) {
            return None;
        }
        let (mended, reference) = Mended::of(self, order)?;
        leads(reference).then_some((mended, reference))
    }

    fn size(&self) -> usize {
        LEAF_HEAD.saturating_add(self.key.len()).saturating_add(self.data.len())
    }
}

impl Child<'_> {
    pub(crate) fn has_big_key(&self) -> bool {
        self.flags & BIG_KEY != 0
    }

    pub(crate) fn flags(&self) -> u8 {
        self.flags
    }

    pub(crate) fn is_sound(&self) -> bool {
        self.flags & !BIG_KEY == 0 && (!self.has_big_key() || self.key.len() == REFERENCE)
    }
}

impl Record<'_> {
    pub(crate) fn is_big(&self) -> bool {
        self.flags & BIG_DATA != 0
    }

    pub(crate) fn flags(&self) -> u8 {
        self.flags
    }

    pub(crate) fn is_sound(&self) -> bool {
        self.flags & !BIG_DATA == 0 && (!self.is_big() || self.data.len() == REFERENCE)
    }
}

impl<'a> Page<'a> {
    /// `None`, if there is not even a header.
    pub(crate) fn new(bytes: &'a [u8], order: Endianness) -> Option<Page<'a>> {
        let page = Page::with_body(bytes, order, order)?;
        Some(Page { body: page.find_body(), ..page })
    }

    /// As [`Page::new`], of a page whose [order of index and items](Page::body) is known: to find it,
    /// all slots are looked at.
    pub(crate) fn with_body(bytes: &'a [u8], order: Endianness, body: Endianness) -> Option<Page<'a>> {
        (bytes.len() >= HEADER).then_some(Page { bytes, order, body })
    }

    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The order of index and items.
    pub(crate) fn body(&self) -> Endianness {
        self.body
    }

    fn word(&self, at: usize) -> u32 {
        self.order.u32_at(self.bytes, at).unwrap_or(0)
    }

    fn half(&self, at: usize) -> usize {
        self.order.u16_at(self.bytes, at).map_or(0, usize::from)
    }

    pub(crate) fn pgno(&self) -> u32 {
        self.word(at::PGNO)
    }

    pub(crate) fn prev(&self) -> u32 {
        self.word(at::PREV)
    }

    pub(crate) fn next(&self) -> u32 {
        self.word(at::NEXT)
    }

    pub(crate) fn flags(&self) -> u32 {
        self.word(at::FLAGS)
    }

    pub(crate) fn kind(&self) -> Option<Kind> {
        Kind::of(self.flags())
    }

    /// The end of the index.
    pub(crate) fn lower(&self) -> usize {
        self.half(at::LOWER)
    }

    /// Where the items start; 65536 is stored as 0.
    pub(crate) fn upper(&self) -> usize {
        match self.half(at::UPPER) {
            0 if self.bytes.len() == 1 << 16 => 1 << 16,
            upper => upper,
        }
    }

    /// Whether the index fits between the header and the items, and these begin on the page.
    pub(crate) fn has_index(&self) -> bool {
        let (lower, upper) = (self.lower(), self.upper());
        (HEADER..=upper).contains(&lower) && lower & 1 == 0 && upper <= self.bytes.len()
    }

    /// Number of slots; none, if the index cannot be.
    pub(crate) fn slots(&self) -> usize {
        if self.has_index() { self.lower().saturating_sub(HEADER) >> 1 } else { 0 }
    }

    /// Where a slot stands.
    pub(crate) fn slot_at(slot: usize) -> usize {
        slot.saturating_mul(2).saturating_add(HEADER)
    }

    /// The offset of the item of a slot, whatever it is.
    pub(crate) fn stated(&self, slot: usize) -> usize {
        self.body.u16_at(self.bytes, Page::slot_at(slot)).map_or(0, usize::from)
    }

    /// The offset of the item of a slot, if one can stand there: items end with the page, and each
    /// takes a multiple of four bytes.
    pub(crate) fn offset(&self, slot: usize) -> Option<usize> {
        Some(self.stated(slot)).filter(|at| self.may_start(*at))
    }

    /// Whether an item can stand at an offset.
    pub(crate) fn may_start(&self, at: usize) -> bool {
        at >= self.lower().max(HEADER)
            && self.bytes.len().checked_sub(at).is_some_and(|len| len > 0 && len & 3 == 0)
    }

    fn number(&self, at: usize, offset: usize) -> Option<usize> {
        usize::try_from(self.body.u32_at(self.bytes, at.checked_add(offset)?)?).ok()
    }

    pub(crate) fn pair(&self, at: usize) -> Option<Pair<'a>> {
        let (key, data) = (self.number(at, 0)?, self.number(at, 4)?);
        let rest = self.bytes.get(at.checked_add(LEAF_HEAD)?..)?;
        let flags = *self.bytes.get(at.checked_add(LEAF_HEAD - 1)?)?;
        let (key, behind) = rest.split_at_checked(key)?;
        Some(Pair { key, data: behind.get(..data)?, flags, rest })
    }

    pub(crate) fn child(&self, at: usize) -> Option<Child<'a>> {
        if self.kind()?.is_recno() {
            let (records, page) = (self.body.u32_at(self.bytes, at)?, at.checked_add(4)?);
            return Some(Child { page: self.body.u32_at(self.bytes, page)?, key: &[], flags: 0, records });
        }
        let key = self.bytes.get(at.checked_add(LEAF_HEAD)?..)?.get(..self.number(at, 0)?)?;
        let page = self.body.u32_at(self.bytes, at.checked_add(4)?)?;
        let flags = *self.bytes.get(at.checked_add(LEAF_HEAD - 1)?)?;
        Some(Child { page, key, flags, records: 0 })
    }

    pub(crate) fn record(&self, at: usize) -> Option<Record<'a>> {
        let len = self.number(at, 0)?;
        let flags = *self.bytes.get(at.checked_add(RECORD_HEAD - 1)?)?;
        let data = self.bytes.get(at.checked_add(RECORD_HEAD)?..)?.get(..len)?;
        Some(Record { data, flags })
    }

    /// How many bytes the item at an offset takes on a page of this kind; `None`, if it does not end
    /// on the page.
    pub(crate) fn space(&self, at: usize) -> Option<usize> {
        let size = match self.kind()? {
            Kind::Leaf => self.pair(at)?.size(),
            Kind::Internal => LEAF_HEAD.saturating_add(self.child(at)?.key.len()),
            Kind::RecnoLeaf => RECORD_HEAD.saturating_add(self.record(at)?.data.len()),
            Kind::RecnoInternal => self.child(at).map(|_| RECNO_CHILD)?,
            Kind::Overflow => return None,
        };
        let size = size.checked_next_multiple_of(4)?;
        (at.checked_add(size)? <= self.bytes.len()).then_some(size)
    }

    /// Whether a key of it is big.
    pub(crate) fn has_big_key(&self) -> bool {
        let big = |at| match self.kind()? {
            Kind::Leaf => self.pair(at).map(|pair| pair.has_big_key()),
            Kind::Internal => self.child(at).map(|child| child.has_big_key()),
            _ => None,
        };
        (0..self.slots()).any(|slot| self.offset(slot).and_then(big) == Some(true))
    }

    /// The bytes of a page of an overflow chain.
    pub(crate) fn overflow(&self) -> &'a [u8] {
        self.bytes.get(HEADER..).unwrap_or(&[])
    }

    /// The libraries of this series write index and items of RECNO pages in the order of their
    /// machine, whatever that of the file: the order in which the slots lead to items.
    fn find_body(&self) -> Endianness {
        if !self.kind().is_some_and(Kind::is_recno) {
            return self.order;
        }
        let fits = |body| {
            let page = Page { body, ..*self };
            (0..page.slots()).all(|slot| page.offset(slot).is_some_and(|at| page.space(at).is_some()))
        };
        let other = self.order.other();
        if !fits(self.order) && fits(other) { other } else { self.order }
    }
}

/// A reference to an overflow chain: its first page, and its length.
pub(crate) fn reference(bytes: &[u8], order: Endianness) -> Option<(u32, u32)> {
    Some((order.u32_at(bytes, 0)?, order.u32_at(bytes, 4)?))
}

/// A key on a page on which a library of the series has taken eight of its bytes for numbers, and
/// changed the order of the wrong ones (other-releases, "Byte order defects (foreign files").
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mended<'a> {
    /// The key, and the reference behind it.
    bytes: &'a [u8],
}

/// Where the numbers stand that were changed, from the start of the key.
const CHANGED: [usize; 2] = [4, 8];

impl<'a> Mended<'a> {
    /// The key of a pair, and the reference to its data, in the order in which that was left;
    /// `None`, if the page ends too early for what was changed.
    pub(crate) fn of(pair: &Pair<'a>, order: Endianness) -> Option<(Mended<'a>, (u32, u32))> {
        let len = pair.key.len();
        let bytes = pair.rest.get(..len.checked_add(REFERENCE)?)?;
        let mut numbers = [0; REFERENCE];
        for (at, byte) in (len..).zip(&mut numbers) {
            *byte = *pair.rest.get(Mended::source(at))?;
        }
        Some((Mended { bytes }, reference(&numbers, order.other())?))
    }

    pub(crate) fn len(self) -> usize {
        self.bytes.len().saturating_sub(REFERENCE)
    }

    /// Where the byte stands that belongs at an offset.
    fn source(at: usize) -> usize {
        let changed = CHANGED.iter().find(|start| (**start..start.saturating_add(4)).contains(&at));
        changed.map_or(at, |start| start.saturating_mul(2).saturating_add(3).saturating_sub(at))
    }

    /// The bytes from an offset on that stand together.
    pub(crate) fn piece(self, at: usize) -> Option<&'a [u8]> {
        let from = Mended::source(at);
        let len = match at {
            _ if at >= self.len() => return None,
            0..4 => self.len().min(4).saturating_sub(at),
            4..12 => 1,
            _ => self.len().saturating_sub(at),
        };
        self.bytes.get(from..)?.get(..len)
    }

    /// All of them.
    pub(crate) fn to_vec(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len());
        while let Some(piece) = self.piece(bytes.len()) {
            bytes.extend_from_slice(piece);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bytes_of_a_key_are_put_in_their_order_again() {
        let rest: Vec<u8> = (0..24).collect();
        let pair = |len| Pair { key: &rest[..len], data: &rest[len..][..8], flags: BIG_DATA, rest: &rest };
        let (mended, reference) = Mended::of(&pair(14), Endianness::Big).unwrap();
        let mut key = Vec::new();
        while let Some(piece) = mended.piece(key.len()) {
            key.extend_from_slice(piece);
        }
        assert_eq!(key, [0, 1, 2, 3, 7, 6, 5, 4, 11, 10, 9, 8, 12, 13]);
        assert_eq!(reference, (0x1110_0f0e, 0x1514_1312));
        let (short, reference) = Mended::of(&pair(2), Endianness::Little).unwrap();
        assert_eq!((short.piece(0), short.piece(2)), (Some(&[0, 1][..]), None));
        assert_eq!(reference, (0x0203_0706, 0x0504_0b0a));
    }

    #[test]
    fn a_page_of_nonsense_has_no_slots() {
        let page = Page::new(&[0xff; 512], Endianness::Little).unwrap();
        assert_eq!((page.slots(), page.offset(0), page.kind()), (0, None, None));
        assert!(Page::new(&[0; 19], Endianness::Big).is_none());
    }
}
