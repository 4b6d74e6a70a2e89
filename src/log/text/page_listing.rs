//! Images of pages, item by item, as releases 5.0 to 5.3 list them.

use super::buffer::Text;
use super::data::{data, page_kind};
use super::databases::Kept;
use super::meta_listing;
use crate::format::page::{HEADER, at};
use crate::order::Endianness::{self, Big, Little};
use crate::types::Lsn;

/// The image of a page in a log record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Image<'a> {
    /// The page; or its header, or header and index.
    pub(super) head: &'a [u8],
    /// From the first item to the page's end, if it is not in the head.
    pub(super) tail: Option<&'a [u8]>,
    /// What stands in the record behind the head.
    pub(super) behind: &'a [u8],
    /// What is known of the page's database.
    pub(super) kept: Option<Kept>,
}

/// The mark of a deleted item in its type.
const DELETED: u8 = 0x80;

/// Lists an image; says whether it could.
pub(super) fn list(image: Image<'_>, text: &mut Text) -> bool {
    let before = text.len();
    let listed = Page::new(image).is_some_and(|page| page.list(text).is_some());
    if !listed {
        text.truncate(before);
    }
    listed
}

#[derive(Clone, Copy, Debug)]
struct Page<'a> {
    image: Image<'a>,
    order: Endianness,
    header: &'a [u8; HEADER],
}

/// The order in which the page's numbers are small: its own number, and those of its
/// LSN, which come first.
fn order_of(header: &[u8; HEADER]) -> Endianness {
    let [a0, a1, a2, a3, _, _, _, _, b0, b1, b2, b3, ..] = *header;
    let [file, number] = [[a0, a1, a2, a3], [b0, b1, b2, b3]];
    let of = |bytes| u32::from_le_bytes(bytes).cmp(&u32::from_be_bytes(bytes));
    if of(number).then(of(file)).is_gt() { Big } else { Little }
}

impl<'a> Page<'a> {
    fn new(image: Image<'a>) -> Option<Page<'a>> {
        let header = image.head.first_chunk()?;
        let order = image.kept.map_or_else(|| order_of(header), |kept| kept.order);
        Some(Page { image, order, header })
    }

    fn list(&self, text: &mut Text) -> Option<()> {
        let kind = *self.header.get(at::TYPE)?;
        let level = *self.header.get(at::LEVEL)?;
        let internal = matches!(kind, 3 | 4);
        if !matches!(kind, 2..=9 | 12 | 13 | 16) {
            return None;
        }
        let head = |n| self.u32(self.header, n);
        text.raw(b"\tpage ");
        text.decimal(head(at::PGNO)?);
        text.raw(b": ");
        text.put(page_kind(kind));
        text.raw(b": LSN ");
        text.lsn(Lsn { file: head(0)?, offset: head(4)? });
        if kind == 16 {
            // Logged only when it is made.
            let fresh = self.image.head.get(self.start()..)?.iter().all(|&byte| byte == 0);
            text.raw(b":\n\thigh:    0\nAll pages in this region less than 33 percent full\n");
            return fresh.then_some(());
        }
        text.raw(b": level ");
        text.decimal(level);
        if let 8 | 9 = kind {
            text.raw(b"\n");
            return meta_listing::list(self.image.head, self.order, text);
        }
        let links = [head(at::PREV)?, head(at::NEXT)?];
        if internal {
            // Their place is taken by the number of records below.
            text.raw(b" records: ");
            text.decimal(links[0]);
            text.raw(b"\n\t");
        } else {
            text.raw(b"\n\tprev: ");
            text.right(links[0], 4);
            text.raw(b" next: ");
            text.right(links[1], 4);
            text.raw(b" ");
        }
        let [entries, offset] = [self.u16(self.header, at::ENTRIES)?, self.u16(self.header, at::HF_OFFSET)?];
        if kind == 7 {
            text.raw(b"ref cnt: ");
            text.right(entries, 4);
            text.raw(b" ");
            let here = self.image.head.get(self.start()..).filter(|rest| !rest.is_empty());
            data(here.unwrap_or(self.image.behind).get(..usize::from(offset))?, text);
            text.raw(b"\n");
            return Some(());
        }
        text.raw(b"entries: ");
        text.right(entries, 4);
        text.raw(b" offset: ");
        text.right(offset, 4);
        text.raw(b"\n");
        // A header alone has no items.
        let index = self.image.head.get(self.start()..).unwrap_or_default();
        let mut before = None;
        for (number, entry) in (0..entries).zip(index.chunks_exact(2)) {
            let at = self.u16(entry, 0)?;
            let bytes = self.item(at)?;
            // Of a pair the mark stands on the value, and is shown with the key.
            let deleted = match kind {
                5 if number % 2 == 0 => index
                    .chunks_exact(2)
                    .nth(usize::from(number).saturating_add(1))
                    .is_some_and(|next| self.deleted(next)),
                6 | 12 => self.deleted(entry),
                _ => false,
            };
            text.put(if deleted { "       D[" } else { "\t[" });
            text.zeros(number, 3);
            text.raw(b"] ");
            text.right(at, 4);
            text.raw(b" ");
            match kind {
                2 | 13 => self.hash_item(bytes.get(..self.hash_len(at, before, bytes)?)?, text)?,
                3 => self.btree_entry(bytes, text)?,
                4 => self.recno_entry(bytes, text)?,
                _ => self.leaf_item(bytes, text)?,
            }
            text.raw(b"\n");
            before = Some(at);
        }
        Some(())
    }

    /// Whether the item of an index entry is marked.
    fn deleted(&self, entry: &[u8]) -> bool {
        let item = self.u16(entry, 0).and_then(|at| self.item(at));
        item.and_then(|item| item.get(2)).is_some_and(|kind| kind & DELETED != 0)
    }

    /// Where the index starts, or the bytes of an overflow page.
    fn start(&self) -> usize {
        self.image.kept.map_or(HEADER, |kept| kept.header)
    }

    /// The bytes from an item to the page's end.
    fn item(&self, offset: u16) -> Option<&'a [u8]> {
        let Some(tail) = self.image.tail else { return self.image.head.get(usize::from(offset)..) };
        let first = self.u16(self.header, at::HF_OFFSET)?;
        tail.get(usize::from(offset.checked_sub(first)?)..)
    }

    /// Items of hash pages stand one before the other, the first at the end.
    fn hash_len(&self, offset: u16, before: Option<u16>, bytes: &[u8]) -> Option<usize> {
        match before {
            Some(before) => before.checked_sub(offset).map(usize::from),
            None => Some(bytes.len()),
        }
    }

    fn leaf_item(&self, bytes: &[u8], text: &mut Text) -> Option<()> {
        match bytes.get(2)? & !DELETED {
            1 => data(self.counted(bytes, 3)?, text),
            2 => self.duplicate(self.u32(bytes, 4)?, text),
            3 => self.overflow(bytes, text)?,
            _ => return None,
        }
        Some(())
    }

    fn hash_item(&self, bytes: &[u8], text: &mut Text) -> Option<()> {
        let (&kind, rest) = bytes.split_first()?;
        match kind {
            1 => data(rest, text),
            3 => self.overflow(bytes, text)?,
            4 => self.duplicate(self.u32(bytes, 4)?, text),
            _ => return None,
        }
        Some(())
    }

    fn btree_entry(&self, bytes: &[u8], text: &mut Text) -> Option<()> {
        let kind = bytes.get(2)? & !DELETED;
        text.raw(b"pgno: ");
        text.right(self.u32(bytes, 4)?, 4);
        text.raw(b" type: ");
        text.decimal(kind);
        text.raw(b" ");
        match kind {
            1 => data(self.counted(bytes, 12)?, text),
            3 => self.overflow(bytes.get(12..)?, text)?,
            _ => return None,
        }
        Some(())
    }

    fn recno_entry(&self, bytes: &[u8], text: &mut Text) -> Option<()> {
        text.raw(b"entries ");
        text.right(self.u32(bytes, 4)?, 4);
        text.raw(b" pgno ");
        text.right(self.u32(bytes, 0)?, 4);
        Some(())
    }

    fn duplicate(&self, page: u32, text: &mut Text) {
        text.raw(b"duplicate: page: ");
        text.right(page, 4);
    }

    fn overflow(&self, bytes: &[u8], text: &mut Text) -> Option<()> {
        text.raw(b"overflow: total len: ");
        text.right(self.u32(bytes, 8)?, 4);
        text.raw(b" page: ");
        text.right(self.u32(bytes, 4)?, 4);
        Some(())
    }

    /// The bytes behind an item's head, whose length begins it.
    fn counted<'b>(&self, bytes: &'b [u8], head: usize) -> Option<&'b [u8]> {
        bytes.get(head..)?.get(..usize::from(self.u16(bytes, 0)?))
    }

    fn u32(&self, bytes: &[u8], at: usize) -> Option<u32> {
        self.order.split_u32(bytes.get(at..)?).map(|(n, _)| n)
    }

    fn u16(&self, bytes: &[u8], at: usize) -> Option<u16> {
        let word: [u8; 2] = *bytes.get(at..)?.first_chunk()?;
        Some(if self.order == Little { u16::from_le_bytes(word) } else { u16::from_be_bytes(word) })
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::super::tests::written;
    use super::*;

    /// A page of 64 bytes: header, index, and items that end at the page's end.
    fn page(kind: u8, index: &[u16], items: &[u8], order: Endianness) -> Vec<u8> {
        let short = |n: u16| if order == Little { n.to_le_bytes() } else { n.to_be_bytes() };
        let long = |n: u32| if order == Little { n.to_le_bytes() } else { n.to_be_bytes() };
        let mut page: Vec<u8> = [1, 99, 7, 6, 0].into_iter().flat_map(long).collect();
        let first = u16::try_from(64 - items.len()).unwrap();
        page.extend([u16::try_from(index.len()).unwrap(), first].into_iter().flat_map(short));
        page.extend([1, kind]);
        page.extend(index.iter().copied().flat_map(short));
        page.resize(usize::from(first), 0);
        page.extend_from_slice(items);
        page
    }

    fn listed(page: &[u8], tail: Option<usize>) -> String {
        let (head, rest) = page.split_at(tail.unwrap_or(page.len()));
        let image = Image { head, tail: tail.map(|_| rest), behind: &[], kept: None };
        written(|text| assert!(list(image, text)))
    }

    #[test]
    fn leaves_are_listed_in_both_orders() {
        let expected = "\tpage 7: btree leaf: LSN [1][99]: level 1\n\
            \tprev:    6 next:    0 entries:    2 offset:   43\n       \
            D[000]   57 len:   4 data: abcd\n\t[001]   43 overflow: total len:  900 page:    5\n";
        let little = b"\0\0\x83\0\x05\0\0\0\x84\x03\0\0??\x04\0\x01abcd";
        let big = b"\0\0\x83\0\0\0\0\x05\0\0\x03\x84??\0\x04\x01abcd";
        assert_eq!(listed(&page(5, &[57, 43], little, Little), None), expected);
        assert_eq!(listed(&page(5, &[57, 43], big, Big), None), expected);
        assert_eq!(listed(&page(5, &[57, 43], big, Big), Some(43)), expected, "in two parts");
    }

    #[test]
    fn internal_pages_have_their_count_in_place_of_links() {
        let items = b"\x08\0\0\0\x03\0\0\0";
        let expected = "\tpage 7: recno internal: LSN [1][99]: level 1 records: 6\n\
            \tentries:    1 offset:   56\n\t[000]   56 entries    3 pgno    8\n";
        assert_eq!(listed(&page(4, &[56], items, Little), None), expected);
    }

    #[test]
    fn what_is_no_page_is_not_listed_in_part() {
        let whole = page(5, &[57, 60], b"\x04\0\x01abcd", Little);
        for (len, kind) in [(64, 15), (20, 5), (64, 5), (0, 5)] {
            let mut bytes = whole.get(..len).unwrap_or_default().to_vec();
            if let Some(place) = bytes.get_mut(25) {
                *place = kind;
            }
            let image = Image { head: &bytes, tail: None, behind: &[], kept: None };
            assert_eq!(written(|text| assert!(!list(image, text))), "", "{len} {kind}");
        }
    }
}
