//! A file as its bytes, to be damaged in one place: the fields of a page by their
//! offsets, in the file's byte order.

use super::{data, read, testdata};

/// Page types.
pub(crate) const DUPLICATE: u8 = 1;
pub(crate) const INTERNAL: u8 = 3;
pub(crate) const RECNO_INTERNAL: u8 = 4;
pub(crate) const LEAF: u8 = 5;
pub(crate) const RECNO_LEAF: u8 = 6;
pub(crate) const OVERFLOW: u8 = 7;
pub(crate) const DUPLICATE_LEAF: u8 = 12;

/// Offsets in the header of a page.
pub(crate) const PREV: usize = 12;
pub(crate) const NEXT: usize = 16;
pub(crate) const ENTRIES: usize = 20;
pub(crate) const AREA: usize = 22;
pub(crate) const LEVEL: usize = 24;
pub(crate) const TYPE: usize = 25;

/// A file in memory.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) big: bool,
    pub(crate) page_size: usize,
    overhead: usize,
}

/// Whether a file is big-endian, by its magic number: that of BTREE, of HASH or of QUEUE.
fn is_big(bytes: &[u8]) -> bool {
    matches!(bytes[12..16], [0, 5, 0x31, 0x62] | [0, 6, 0x15, 0x61] | [0, 4, 0x22, 0x53])
}

impl Image {
    /// `testdata/CASE/data.db`.
    pub(crate) fn of_case(case: &str) -> Image {
        Image::new(case, data(case))
    }

    pub(crate) fn new(name: impl Into<String>, bytes: Vec<u8>) -> Image {
        let big = is_big(&bytes);
        let mut image = Image { name: name.into(), bytes, big, page_size: 0, overhead: 26 };
        image.page_size = usize::try_from(image.u32(0, 20)).unwrap();
        if image.version() >= 8 && image.bytes[26] & 1 != 0 {
            image.overhead = 32;
        }
        image
    }

    /// A file of `damage-*` with the damage undone that its `damage.txt` describes:
    /// small genuine trees of several levels.
    pub(crate) fn undamaged(case: &str) -> Image {
        let mut bytes = data(case);
        let text = String::from_utf8(read(testdata().join(case).join("damage.txt"))).unwrap();
        let big = is_big(&bytes);
        for line in text.lines() {
            let number = |text: &str| text.trim().parse::<u32>().unwrap();
            let offset = line.strip_prefix("offset ").expect("damage to one field");
            let offset = usize::try_from(number(offset.split(' ').next().unwrap())).unwrap();
            let (rest, _) = line.rsplit_once(" -> ").unwrap();
            let (rest, old) = rest.rsplit_once(", ").unwrap();
            let size: usize =
                rest.rsplit_once(" byte(s)").unwrap().0.rsplit(' ').next().unwrap().parse().unwrap();
            let field = if big {
                number(old).to_be_bytes()[4 - size..].to_vec()
            } else {
                number(old).to_le_bytes()[..size].to_vec()
            };
            bytes[offset..offset + size].copy_from_slice(&field);
        }
        Image::new(case, bytes)
    }

    pub(crate) fn version(&self) -> u32 {
        self.u32(0, 16)
    }

    pub(crate) fn pages(&self) -> u32 {
        u32::try_from(self.bytes.len() / self.page_size).unwrap()
    }

    fn at(&self, page: u32, offset: usize) -> usize {
        usize::try_from(page).unwrap() * self.page_size + offset
    }

    pub(crate) fn byte(&self, page: u32, offset: usize) -> u8 {
        self.bytes[self.at(page, offset)]
    }

    pub(crate) fn u16(&self, page: u32, offset: usize) -> u16 {
        let at = self.at(page, offset);
        let raw = self.bytes[at..at + 2].try_into().unwrap();
        if self.big { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) }
    }

    pub(crate) fn u32(&self, page: u32, offset: usize) -> u32 {
        let at = self.at(page, offset);
        let raw = self.bytes[at..at + 4].try_into().unwrap();
        if self.big { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) }
    }

    pub(crate) fn put(&mut self, page: u32, offset: usize, byte: u8) -> &mut Image {
        let at = self.at(page, offset);
        self.bytes[at] = byte;
        self
    }

    pub(crate) fn put_u16(&mut self, page: u32, offset: usize, value: u16) -> &mut Image {
        let at = self.at(page, offset);
        let raw = if self.big { value.to_be_bytes() } else { value.to_le_bytes() };
        self.bytes[at..at + 2].copy_from_slice(&raw);
        self
    }

    pub(crate) fn put_u32(&mut self, page: u32, offset: usize, value: u32) -> &mut Image {
        let at = self.at(page, offset);
        let raw = if self.big { value.to_be_bytes() } else { value.to_le_bytes() };
        self.bytes[at..at + 4].copy_from_slice(&raw);
        self
    }

    pub(crate) fn kind(&self, page: u32) -> u8 {
        self.byte(page, TYPE)
    }

    pub(crate) fn entries(&self, page: u32) -> u16 {
        self.u16(page, ENTRIES)
    }

    /// Where the slot of an item stands on the page.
    pub(crate) fn slot(&self, index: u16) -> usize {
        self.overhead + 2 * usize::from(index)
    }

    /// Where an item stands on the page.
    pub(crate) fn item(&self, page: u32, index: u16) -> usize {
        usize::from(self.u16(page, self.slot(index)))
    }

    /// The pages of a type, in their order, as far as the metadata page is not meant.
    pub(crate) fn pages_of(&self, kind: u8) -> Vec<u32> {
        let carries_its_number = |page: &u32| self.u32(*page, 8) == *page;
        (1..self.pages()).filter(|&p| self.kind(p) == kind).filter(carries_its_number).collect()
    }

    /// The children of an internal page.
    pub(crate) fn children(&self, page: u32) -> Vec<u32> {
        (0..self.entries(page)).map(|i| self.u32(page, self.child_at(page, i))).collect()
    }

    /// Where the number of a child stands on its internal page.
    pub(crate) fn child_at(&self, page: u32, index: u16) -> usize {
        self.item(page, index) + if self.kind(page) == RECNO_INTERNAL { 0 } else { 4 }
    }

    /// The leaves at or below a page.
    pub(crate) fn leaves(&self, page: u32) -> Vec<u32> {
        match self.kind(page) {
            INTERNAL | RECNO_INTERNAL => {
                self.children(page).into_iter().flat_map(|p| self.leaves(p)).collect()
            }
            _ => vec![page],
        }
    }

    /// Pages and slots of the items of a kind (1 data, 2 duplicates, 3 overflow) on
    /// pages of a type.
    pub(crate) fn items(&self, page_kind: u8, item_kind: u8) -> Vec<(u32, u16)> {
        let pages = self.pages_of(page_kind).into_iter();
        let slots = pages.flat_map(|page| (0..self.entries(page)).map(move |slot| (page, slot)));
        slots.filter(|&(page, slot)| self.byte(page, self.item(page, slot) + 2) & 0x7f == item_kind).collect()
    }

    /// Whether a byte of the file is the type byte of a leaf's item, whose highest
    /// bit marks it as deleted.
    pub(crate) fn is_item_type(&self, offset: usize) -> bool {
        let page = u32::try_from(offset / self.page_size).unwrap();
        let on_page = offset % self.page_size;
        page > 0
            && matches!(self.kind(page), DUPLICATE | LEAF | RECNO_LEAF | DUPLICATE_LEAF)
            && (0..self.entries(page)).any(|slot| self.item(page, slot) + 2 == on_page)
    }
}

/// Where our upgrade of a file differs from that of a genuine tool, in the bytes that are
/// defined.
pub(crate) fn difference_to_genuine(before: &Image, ours: &[u8], genuine: &Image) -> Option<String> {
    if ours.len() != genuine.bytes.len() {
        return Some(format!("{} bytes, not {}", ours.len(), genuine.bytes.len()));
    }
    let free = undefined(before, genuine);
    let at = (0..ours.len()).find(|&at| ours[at] != genuine.bytes[at] && !free[at])?;
    let (page, byte) = (at / genuine.page_size, at % genuine.page_size);
    Some(format!("page {page}, byte {byte}: {:#x}, not {:#x}", ours[at], genuine.bytes[at]))
}

/// The bytes that may differ: the new id of a file that was of release 2, and what the
/// genuine tools leave undefined on the internal pages that they add.
fn undefined(before: &Image, after: &Image) -> Vec<bool> {
    let mut free = vec![false; after.bytes.len()];
    let is_hash = before.u32(0, 12) == 0x0006_1561;
    if if is_hash { before.version() < 6 } else { before.version() == 6 } {
        free[52..72].fill(true);
    }
    for page in before.pages()..after.pages() {
        let start = usize::try_from(page).unwrap() * after.page_size;
        if after.kind(page) == 0 {
            continue; // a page of zeros
        }
        let entries = after.entries(page);
        let lowest = usize::from(after.u16(page, 22));
        free[start + after.slot(entries)..start + lowest].fill(true);
        for slot in 0..entries {
            let item = after.item(page, slot);
            match after.kind(page) {
                RECNO_INTERNAL => {}
                INTERNAL => {
                    let end = item + 12 + usize::from(after.u16(page, item));
                    free[start + item + 3] = true;
                    free[start + end..start + end.next_multiple_of(4)].fill(true);
                }
                other => panic!("page {page} of type {other} was added"),
            }
        }
    }
    free
}
