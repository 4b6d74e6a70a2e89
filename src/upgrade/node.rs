//! New internal pages of the trees that chains of off-page duplicates become (upgrade,
//! "Entries"). They are kept as their children: bytes follow from these when they are asked
//! for.

use byteorder::ByteOrder;

use crate::format::item::{
    self, DELETED, INTERNAL_HEAD, KEYDATA, OVERFLOW, RECNO_INTERNAL, REFERENCE, padded,
};
use crate::format::page::{HEADER, Page, at, slot_offset};
use crate::order::with_order;
use crate::pages::Pages;
use crate::types::PageNo;

/// Page types.
const SORTED: u8 = 3;
const UNSORTED: u8 = 4;

/// An internal page.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) keys: Keys,
    pub(super) level: u8,
    /// Records of the whole tree; 0 if the page is not its root.
    pub(super) records: u32,
    pub(super) children: Vec<Child>,
}

/// What internal items say of a page beside its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    /// Nothing: the duplicates are not sorted.
    None,
    /// Its first item.
    First,
    /// The same with its mark of deletion, as releases 3.1 to 4.4 do.
    Marked,
}

/// A page of a level, and what its parent says of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Child {
    pub(super) page: PageNo,
    /// Records below, as internal items count them.
    pub(super) count: u32,
    /// The leaf with its first item.
    pub(super) leaf: PageNo,
}

/// The key of an internal item.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key<'p> {
    kind: u8,
    bytes: &'p [u8],
}

impl Keys {
    /// The first item of a leaf as a key. `None` if there is none.
    pub(super) fn of<'p, O: ByteOrder>(self, leaf: &Page<'p, O>, overhead: usize) -> Option<Key<'p>> {
        let first = item_at::<O>(leaf, overhead, 0)?;
        let kind = item::type_byte(first)?;
        let bytes = match kind & !DELETED {
            KEYDATA => item::keydata(first, item::len::<O>(first)?)?,
            OVERFLOW => first.get(..REFERENCE)?,
            _ => return None,
        };
        let kind = if self == Keys::Marked { kind } else { kind & !DELETED };
        Some(Key { kind, bytes })
    }

    /// The key of a child; `None` if internal items have none.
    fn of_child<'p, O: ByteOrder>(self, pages: &'p Pages<'_>, child: &Child) -> Option<Key<'p>> {
        let leaf = pages.raw(child.leaf).and_then(Page::<O>::new).filter(|_| self != Keys::None)?;
        self.of::<O>(&leaf, pages.overhead())
    }
}

impl Key<'_> {
    /// The overflow chain that it is in.
    pub(super) fn chain<O: ByteOrder>(&self) -> Option<PageNo> {
        let (head, _) = item::reference::<O>(self.bytes).filter(|_| self.kind & !DELETED == OVERFLOW)?;
        Some(PageNo(head))
    }
}

impl Node {
    pub(super) fn new(keys: Keys, level: u8) -> Node {
        Node { keys, level, records: 0, children: Vec::new() }
    }

    /// Bytes that entries and their slots may take on a page.
    pub(super) fn room(pages: &Pages<'_>) -> usize {
        pages.size().bytes().saturating_sub(HEADER)
    }

    /// Records below.
    pub(super) fn count(&self) -> u32 {
        self.children.iter().fold(0, |sum, child| sum.saturating_add(child.count))
    }

    /// Its bytes, if it is the page of this number.
    pub(super) fn image(&self, pages: &Pages<'_>, no: PageNo) -> Vec<u8> {
        with_order!(pages.order(), O => self.image_in::<O>(pages, no))
    }

    fn image_in<O: ByteOrder>(&self, pages: &Pages<'_>, no: PageNo) -> Vec<u8> {
        let size = pages.size().bytes();
        let (mut page, mut area) = (vec![0; size], size);
        let kind = if self.keys == Keys::None { UNSORTED } else { SORTED };
        put_u32::<O>(&mut page, at::PGNO, no.0);
        put_u32::<O>(&mut page, at::PREV, self.records);
        put_u16::<O>(&mut page, at::ENTRIES, self.children.len());
        put(&mut page, at::LEVEL, &[self.level, kind]);
        for (slot, child) in (0u16..).zip(&self.children) {
            let key = self.keys.of_child::<O>(pages, child);
            area = area.saturating_sub(entry_len(key));
            put_u16::<O>(&mut page, slot_offset(HEADER, slot), area);
            put_entry::<O>(page.get_mut(area..).unwrap_or_default(), child, key);
        }
        put_u16::<O>(&mut page, at::HF_OFFSET, area & 0xffff);
        page
    }
}

/// The key of a child, and the space that its entry takes with its slot.
pub(super) fn entry<'p, O: ByteOrder>(
    keys: Keys,
    pages: &'p Pages<'_>,
    child: &Child,
) -> (Option<Key<'p>>, usize) {
    let key = keys.of_child::<O>(pages, child);
    (key, entry_len(key).saturating_add(2))
}

fn entry_len(key: Option<Key<'_>>) -> usize {
    key.map_or(RECNO_INTERNAL, |key| padded(INTERNAL_HEAD.saturating_add(key.bytes.len())))
}

fn put_entry<O: ByteOrder>(place: &mut [u8], child: &Child, key: Option<Key<'_>>) {
    let Some(key) = key else {
        put_u32::<O>(place, 0, child.page.0);
        put_u32::<O>(place, 4, child.count);
        return;
    };
    put_u16::<O>(place, 0, key.bytes.len());
    put(place, 2, &[key.kind]);
    put_u32::<O>(place, 4, child.page.0);
    put_u32::<O>(place, 8, child.count);
    put(place, INTERNAL_HEAD, key.bytes);
}

/// An item of a page, and what is behind it.
pub(super) fn item_at<'a, O: ByteOrder>(page: &Page<'a, O>, overhead: usize, slot: u16) -> Option<&'a [u8]> {
    let index = page.bytes().get(slot_offset(overhead, slot)..)?.first_chunk::<2>()?;
    page.bytes().get(usize::from(O::read_u16(index))..)
}

fn put(page: &mut [u8], at: usize, bytes: &[u8]) {
    page.iter_mut().skip(at).zip(bytes).for_each(|(place, byte)| *place = *byte);
}

fn put_u32<O: ByteOrder>(page: &mut [u8], at: usize, n: u32) {
    let mut bytes = [0; 4];
    O::write_u32(&mut bytes, n);
    put(page, at, &bytes);
}

fn put_u16<O: ByteOrder>(page: &mut [u8], at: usize, n: usize) {
    let mut bytes = [0; 2];
    O::write_u16(&mut bytes, u16::try_from(n).unwrap_or(u16::MAX));
    put(page, at, &bytes);
}
