//! Pages of a HEAP (database-format, annex C).
//!
//! ```text
//! 0 lsn   8 pgno   16 high_indx u16   18 free_indx u16   20 entries u16   22 hf_offset u16   25 type
//! 26 offsets: (high_indx + 1) × u16, 0 where a slot is free   (32 behind a checksum)
//!    … free …
//! hf_offset: items, to the end of the page, each a multiple of 4 and 16 bytes at least
//! item   0 flags   2 size u16   4 its bytes
//! piece  0 flags   2 size u16   4 total u32, of the first   8 next page u32   12 next slot u16   16 its bytes
//! ```
//!
//! A file has two byte orders (upgrade-other, "Byte order"): that of the headers, and that of the
//! machine that wrote it, in which offsets and items stand. Where they differ, the four bytes at 16
//! are reversed as one. From version 2 on there is one order (other-releases, "HEAP 2").

use super::external;
use super::page::at;
use crate::order::Endianness;
use crate::types::PageNo;

/// The item is a piece of a record.
pub(crate) const SPLIT: u8 = 0x01;
/// The first piece.
pub(crate) const FIRST: u8 = 0x02;
/// The last piece.
pub(crate) const LAST: u8 = 0x04;
/// Its bytes are in an external file.
pub(crate) const EXTERNAL: u8 = 0x08;

/// Where the highest slot and the first free one stand.
pub(crate) const HIGH_AT: usize = 16;
#[cfg(feature = "upgrade")]
pub(crate) const FREE_AT: usize = 18;
/// Where an item states its size.
pub(crate) const SIZE_AT: usize = 2;
/// Where a piece states the length of its record, the page and the slot of the next one.
pub(crate) const TOTAL_AT: usize = 4;
pub(crate) const NEXT_PAGE_AT: usize = 8;
pub(crate) const NEXT_SLOT_AT: usize = 12;
/// Bytes before the data of an item that is whole, and of a piece.
const WHOLE_HEAD: usize = 4;
pub(crate) const PIECE_HEAD: usize = 16;

/// The space that an item takes at least.
pub(crate) const LEAST: usize = 16;

/// A page of records, as far as its header can be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table<'a> {
    page: &'a [u8],
    overhead: usize,
    body: Endianness,
    /// Number of used slots, as the page says.
    pub(crate) entries: u16,
    /// The highest used slot, as the page says; of a page without entries it means nothing.
    pub(crate) high: u16,
    /// The lowest used byte.
    pub(crate) area: usize,
}

impl<'a> Table<'a> {
    /// The table of a page whose header has one order and its body another.
    pub(crate) fn of(page: &'a [u8], overhead: usize, head: Endianness, body: Endianness) -> Option<Self> {
        let mut word: [u8; 4] = *page.get(HIGH_AT..)?.first_chunk()?;
        if head != body {
            word.reverse();
        }
        let (entries, area) = (head.u16_at(page, 20)?, head.u16_at(page, 22)?);
        let area = if area == 0 { page.len() } else { usize::from(area) };
        Some(Table { page, overhead, body, entries, high: body.u16_at(&word, 0)?, area })
    }

    /// Number of slots, used or free.
    pub(crate) fn slots(&self) -> u32 {
        if self.entries == 0 { 0 } else { u32::from(self.high).saturating_add(1) }
    }

    /// Where the table ends.
    pub(crate) fn end(&self) -> usize {
        PageNo(self.slots()).index().saturating_mul(2).saturating_add(self.overhead)
    }

    /// Whether it fits the page.
    pub(crate) fn fits(&self) -> bool {
        self.end() <= self.page.len()
    }

    /// Where the offset of a slot stands.
    pub(crate) fn slot_at(&self, slot: u16) -> usize {
        usize::from(slot).saturating_mul(2).saturating_add(self.overhead)
    }

    /// The offset of a slot's item: 0 if it is free, `None` if there is no such slot.
    pub(crate) fn offset(&self, slot: u16) -> Option<usize> {
        if u32::from(slot) >= self.slots() {
            return None;
        }
        self.body.u16_at(self.page, self.slot_at(slot)).map(usize::from)
    }

    /// The slots that are used, as far as the table is on the page, with the offsets of their
    /// items.
    pub(crate) fn used(self) -> impl Iterator<Item = (u16, usize)> {
        let room = self.page.len().saturating_sub(self.overhead) / 2;
        let slots = PageNo(self.slots()).index().min(room);
        let slots = (0..slots).filter_map(|slot| u16::try_from(slot).ok());
        slots.filter_map(move |slot| Some((slot, self.offset(slot).filter(|&offset| offset != 0)?)))
    }

    /// Whether an item can start at an offset.
    pub(crate) fn may_start(&self, offset: usize) -> bool {
        offset & 3 == 0
            && offset >= self.area.max(self.end())
            && offset.saturating_add(LEAST) <= self.page.len()
    }

    /// Whether the page is one of this order: as many slots are used as it says, and lead to
    /// where items can be.
    pub(crate) fn is_likely(&self) -> bool {
        self.fits()
            && self.used().count() == usize::from(self.entries)
            && self.used().all(|(_, offset)| self.may_start(offset))
    }

    /// Length of the page.
    pub(crate) fn page_len(&self) -> usize {
        self.page.len()
    }

    /// The size that the item at an offset states.
    pub(crate) fn size(&self, offset: usize) -> Option<u16> {
        self.body.u16_at(self.page, offset.checked_add(SIZE_AT)?)
    }

    /// The item at an offset; `None` if it reaches past the end of the page.
    pub(crate) fn item(&self, offset: usize) -> Option<Item<'a>> {
        Item::read(self.page.get(offset..)?, self.body)
    }
}

/// The order of the body of a page that holds records; `None` if it does not tell.
pub(crate) fn body(page: &[u8], overhead: usize, head: Endianness) -> Option<Endianness> {
    let fits = |body: &Endianness| {
        let table = Table::of(page, overhead, head, *body);
        table.is_some_and(|table| table.entries > 0 && table.is_likely())
    };
    match [head, head.other()].map(|body| Some(body).filter(fits)) {
        [one, None] => one,
        [None, other] => other,
        _ => None,
    }
}

/// The order that most pages have; `None` if there is none.
pub(crate) fn most(orders: impl Iterator<Item = Endianness>) -> Option<Endianness> {
    let (mut little, mut big) = (0u32, 0u32);
    for order in orders {
        let count = if order == Endianness::Big { &mut big } else { &mut little };
        *count = count.saturating_add(1);
    }
    (little != big).then_some(if big > little { Endianness::Big } else { Endianness::Little })
}

/// An item: a record, or a piece of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item<'a> {
    pub(crate) flags: u8,
    /// Where its bytes start in it.
    pub(crate) head: usize,
    pub(crate) bytes: &'a [u8],
    /// The page from its start on.
    raw: &'a [u8],
    /// Of a piece: length of the record, if it is the first; page and slot of the next one.
    pub(crate) total: u32,
    pub(crate) next: (u32, u16),
}

impl<'a> Item<'a> {
    fn read(item: &'a [u8], body: Endianness) -> Option<Item<'a>> {
        let flags = item.first().copied()?;
        let size = usize::from(body.u16_at(item, SIZE_AT)?);
        let head = if flags & SPLIT != 0 { PIECE_HEAD } else { WHOLE_HEAD };
        let (total, next) = if flags & SPLIT != 0 {
            let page = body.u32_at(item, NEXT_PAGE_AT)?;
            (body.u32_at(item, TOTAL_AT)?, (page, body.u16_at(item, NEXT_SLOT_AT)?))
        } else {
            (0, (0, 0))
        };
        Some(Item { flags, head, bytes: item.get(head..)?.get(..size)?, raw: item, total, next })
    }

    /// Whether it is a piece of a record.
    pub(crate) fn is_piece(&self) -> bool {
        self.flags & SPLIT != 0
    }

    /// Whether a record starts with it.
    pub(crate) fn starts(&self) -> bool {
        !self.is_piece() || self.flags & FIRST != 0
    }

    /// Whether a record ends with it.
    pub(crate) fn ends(&self) -> bool {
        !self.is_piece() || self.flags & LAST != 0
    }

    /// Whether its flags go together: those of pieces only on pieces, that of an external file alone.
    pub(crate) fn has_known_flags(&self) -> bool {
        let piece = self.flags & !(SPLIT | FIRST | LAST) == 0 && self.is_piece();
        piece || matches!(self.flags, 0 | EXTERNAL)
    }

    /// The whole item, if it stands for a value in an external file.
    pub(crate) fn external(&self) -> Option<&'a [u8; external::LENGTH]> {
        if self.flags == EXTERNAL { external::item(self.raw) } else { None }
    }

    /// The space that it takes.
    pub(crate) fn space(&self) -> usize {
        super::item::padded(self.head.saturating_add(self.bytes.len())).max(LEAST)
    }
}

/// The highest page that was made, of those behind a region page; 0 if none was.
pub(crate) fn highest(region: &[u8], head: Endianness) -> Option<u32> {
    head.u32_at(region, at::PREV)
}

/// The bits of a region page that say how full a page is: 0 for the emptiest, 3 for full.
pub(crate) fn fullness(region: &[u8], overhead: usize, index: u32) -> Option<u8> {
    let byte = region.get(overhead.checked_add(PageNo(index >> 2).index())?)?;
    Some(byte.wrapping_shr((index & 3).wrapping_mul(2)) & 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Endianness::{Big, Little};

    fn put(page: &mut [u8], at: usize, value: u16, order: Endianness) {
        let raw = if order == Big { value.to_be_bytes() } else { value.to_le_bytes() };
        page[at..].iter_mut().zip(raw).for_each(|(to, from)| *to = from);
    }

    /// A page with a record in slot 1, and a piece in slot 2.
    fn page(head: Endianness, body: Endianness) -> Vec<u8> {
        let mut page = vec![0; 512];
        put(&mut page, 16, 2, body);
        put(&mut page, 18, 0, body);
        if head != body {
            page[16..20].reverse();
        }
        put(&mut page, 20, 2, head);
        put(&mut page, 22, 476, head);
        put(&mut page, 28, 496, body);
        put(&mut page, 30, 476, body);
        put(&mut page, 498, 5, body);
        page[500..505].copy_from_slice(b"whole");
        page[476] = SPLIT | FIRST;
        put(&mut page, 478, 4, body);
        let total = if body == Big { 9u32.to_be_bytes() } else { 9u32.to_le_bytes() };
        page[480..484].copy_from_slice(&total);
        put(&mut page, 488, 7, body);
        page[492..496].copy_from_slice(b"part");
        page
    }

    #[test]
    fn a_page_is_read_in_any_two_orders() {
        for head in [Little, Big] {
            for body in [Little, Big] {
                let page = page(head, body);
                assert_eq!(super::body(&page, 26, head), Some(body));
                let table = Table::of(&page, 26, head, body).unwrap();
                assert_eq!((table.entries, table.high, table.area, table.end()), (2, 2, 476, 32));
                assert_eq!(table.used().collect::<Vec<_>>(), [(1, 496), (2, 476)]);
                assert!(table.is_likely() && table.offset(3).is_none());
                let (whole, piece) = (table.item(496).unwrap(), table.item(476).unwrap());
                assert_eq!((whole.bytes, whole.starts(), whole.ends()), (&b"whole"[..], true, true));
                assert_eq!((piece.bytes, piece.total, piece.next.1), (&b"part"[..], 9, 7));
                assert!(piece.starts() && !piece.ends() && piece.has_known_flags());
                assert_eq!((whole.space(), piece.space()), (16, 20));
            }
        }
    }

    #[test]
    fn four_pages_share_a_byte_of_their_region() {
        let mut region = vec![0; 40];
        (region[26], region[27]) = (0b11_10_01_00, 0b10);
        let found: Vec<_> = (0..5).map(|index| fullness(&region, 26, index).unwrap()).collect();
        assert_eq!(found, [0, 1, 2, 3, 2]);
        assert_eq!(fullness(&region, 26, u32::MAX), None);
    }
}
