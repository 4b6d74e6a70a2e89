//! A chain of off-page duplicates of versions 6 and 7 becomes a tree (upgrade, "Step 7 → 8:
//! off-page duplicate chains become trees").

use byteorder::ByteOrder;

use super::draft::{Draft, Reason};
use super::error::{Refusal, Result};
use super::profile::Profile;
use crate::format::item::{
    self, DELETED, INTERNAL_HEAD, KEYDATA, OVERFLOW, RECNO_INTERNAL, REFERENCE, padded,
};
use crate::format::page::{HEADER, Page, PageKind, at, slot_offset};
use crate::pages::Pages;
use crate::types::PageNo;

/// Page types of the result.
const SORTED: (u8, u8) = (12, 3);
const UNSORTED: (u8, u8) = (6, 4);

/// The chains of a file, each converted once.
pub(super) struct Chains {
    /// One bit a page: whether it is part of a chain that was converted.
    converted: Vec<u64>,
    /// Releases 3.1 to 4.4 keep the mark of deletion in the type of a key.
    keep_marks: bool,
}

/// A page of a level, and what its parent says of it.
struct Child {
    page: PageNo,
    /// Records below, as internal items count them.
    count: u32,
    /// Type, length and bytes of its first item, where the duplicates are sorted.
    key: Option<Key>,
}

#[derive(Clone)]
struct Key {
    kind: u8,
    bytes: Vec<u8>,
}

/// An internal page while it is filled.
struct Node {
    page: PageNo,
    entries: u16,
    area: usize,
    count: u32,
    key: Option<Key>,
}

impl Chains {
    pub(super) fn new(pages: &Pages<'_>, profile: Profile) -> Self {
        let converted = vec![0; PageNo(pages.count()).index().div_ceil(64)];
        Chains { converted, keep_marks: profile == Profile::Genuine8a }
    }

    /// Converts the chain that starts on a page, and gives the root of its tree.
    ///
    /// `from` is the item that leads there.
    pub(super) fn convert<O: ByteOrder>(
        &mut self,
        draft: &mut Draft<'_>,
        head: PageNo,
        sorted: bool,
        from: (PageNo, usize),
    ) -> Result<PageNo> {
        let (mut level_pages, records) = self.leaves::<O>(draft, head, sorted, from)?;
        let mut level = 2u8;
        while level_pages.len() > 1 {
            let parents = parents::<O>(draft, &level_pages, level, sorted);
            if let [root] = parents.as_slice() {
                if let Some(page) = draft.appended_mut(root.page) {
                    put_u32::<O>(page, at::PREV, records);
                }
            }
            level_pages = parents;
            level = level.saturating_add(1);
        }
        Ok(level_pages.first().map_or(head, |root| root.page))
    }

    /// Turns the pages of a chain into leaves.
    fn leaves<O: ByteOrder>(
        &mut self,
        draft: &mut Draft<'_>,
        head: PageNo,
        sorted: bool,
        from: (PageNo, usize),
    ) -> Result<(Vec<Child>, u32)> {
        let pages = draft.pages();
        let (leaf_type, _) = if sorted { SORTED } else { UNSORTED };
        let (mut children, mut records) = (Vec::new(), 0u32);
        let (mut next, mut from) = (Some(head), from);
        while let Some(no) = next {
            let refuse = |why| Err(Refusal::Chain { page: from.0, offset: from.1, why }.into());
            let Some(page) = pages.raw(no).and_then(Page::<O>::new) else {
                return refuse("it leads beyond the end of the file");
            };
            if PageKind::from_byte(page.type_byte()) != Some(PageKind::Duplicate) || page.pgno() != no.0 {
                return refuse("it does not lead to a page of duplicates");
            }
            if !self.mark(no) {
                return refuse("it leads to a page that another chain has");
            }
            if page.entries() == 0 {
                return refuse("it leads to a page without duplicates");
            }
            let Some(count) = live::<O>(&page, pages.overhead()) else {
                return refuse("it leads to a page with items beyond its end");
            };
            let mut key = if sorted { first_key::<O>(&page, pages.overhead()) } else { None };
            if let Some(key) = key.as_mut().filter(|_| !self.keep_marks) {
                key.kind &= !DELETED;
            }
            if sorted && key.is_none() {
                return refuse("it leads to a page whose first item is none");
            }
            draft.replace(no, 0, &[0; 8], Reason::DuplicatePage);
            draft.replace(no, at::LEVEL, &[1, leaf_type], Reason::DuplicatePage);
            let entries = u32::from(page.entries());
            records = records.saturating_add(entries);
            children.push(Child { page: no, count: if sorted { count } else { entries }, key });
            from = (no, at::NEXT);
            next = PageNo::link(page.next());
        }
        Ok((children, records))
    }

    fn mark(&mut self, no: PageNo) -> bool {
        let Some(word) = self.converted.get_mut(no.index() >> 6) else { return false };
        let bit = 1u64 << (no.0 & 63);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
}

fn item_at<'a, O: ByteOrder>(page: &Page<'a, O>, overhead: usize, slot: u16) -> Option<&'a [u8]> {
    let index = page.bytes().get(slot_offset(overhead, slot)..)?.first_chunk::<2>()?;
    page.bytes().get(usize::from(O::read_u16(index))..)
}

/// How many items of a page are not marked as deleted.
fn live<O: ByteOrder>(page: &Page<'_, O>, overhead: usize) -> Option<u32> {
    let mut live = 0u32;
    for slot in 0..page.entries() {
        if item::type_byte(item_at::<O>(page, overhead, slot)?)? & DELETED == 0 {
            live = live.saturating_add(1);
        }
    }
    Some(live)
}

/// The first item of a page as the key of an internal item.
fn first_key<O: ByteOrder>(page: &Page<'_, O>, overhead: usize) -> Option<Key> {
    let first = item_at::<O>(page, overhead, 0)?;
    let kind = item::type_byte(first)?;
    let bytes = match kind & !DELETED {
        KEYDATA => item::keydata(first, item::len::<O>(first)?)?,
        OVERFLOW => first.get(..REFERENCE)?,
        _ => return None,
    };
    Some(Key { kind, bytes: bytes.to_vec() })
}

/// Builds the level above some pages.
fn parents<O: ByteOrder>(draft: &mut Draft<'_>, children: &[Child], level: u8, sorted: bool) -> Vec<Child> {
    let mut nodes: Vec<Node> = Vec::new();
    for child in children {
        let entry = entry::<O>(draft, child);
        if nodes.last().is_none_or(|node| !node.has_room(entry.len())) {
            nodes.push(Node::begin::<O>(draft, level, sorted));
        }
        if let Some(node) = nodes.last_mut() {
            node.add::<O>(draft, &entry);
            node.count = node.count.saturating_add(child.count);
            node.key = node.key.take().or_else(|| child.key.clone());
        }
    }
    nodes.into_iter().map(|node| Child { page: node.page, count: node.count, key: node.key }).collect()
}

/// The item of an internal page for a child; a long key gets one more reference.
fn entry<O: ByteOrder>(draft: &mut Draft<'_>, child: &Child) -> Vec<u8> {
    let Some(key) = &child.key else {
        let mut entry = vec![0; RECNO_INTERNAL];
        put_u32::<O>(&mut entry, 0, child.page.0);
        put_u32::<O>(&mut entry, 4, child.count);
        return entry;
    };
    if key.kind & !DELETED == OVERFLOW {
        if let Some((head, _)) = item::reference::<O>(&key.bytes) {
            refer::<O>(draft, PageNo(head));
        }
    }
    let mut entry = vec![0; padded(INTERNAL_HEAD.saturating_add(key.bytes.len()))];
    put_u16::<O>(&mut entry, 0, key.bytes.len());
    entry.iter_mut().skip(2).take(1).for_each(|place| *place = key.kind);
    put_u32::<O>(&mut entry, 4, child.page.0);
    put_u32::<O>(&mut entry, 8, child.count);
    entry.iter_mut().skip(INTERNAL_HEAD).zip(&key.bytes).for_each(|(place, byte)| *place = *byte);
    entry
}

/// Counts one more reference to an overflow chain.
fn refer<O: ByteOrder>(draft: &mut Draft<'_>, head: PageNo) {
    let Some(image) = draft.image(head) else { return };
    let Some(page) = Page::<O>::new(&image) else { return };
    let mut bytes = [0; 2];
    O::write_u16(&mut bytes, page.entries().saturating_add(1));
    draft.replace(head, at::ENTRIES, &bytes, Reason::References);
}

impl Node {
    fn begin<O: ByteOrder>(draft: &mut Draft<'_>, level: u8, sorted: bool) -> Node {
        let size = draft.pages().size().bytes();
        let (_, internal_type) = if sorted { SORTED } else { UNSORTED };
        let mut page = vec![0; size];
        put_u32::<O>(&mut page, at::PGNO, draft.count());
        put_u16::<O>(&mut page, at::HF_OFFSET, size & 0xffff);
        page.iter_mut().skip(at::LEVEL).zip([level, internal_type]).for_each(|(place, byte)| *place = byte);
        Node { page: draft.append(page), entries: 0, area: size, count: 0, key: None }
    }

    fn has_room(&self, len: usize) -> bool {
        self.area.saturating_sub(slot_offset(HEADER, self.entries)) >= len.saturating_add(2)
    }

    fn add<O: ByteOrder>(&mut self, draft: &mut Draft<'_>, entry: &[u8]) {
        let index = slot_offset(HEADER, self.entries);
        self.area = self.area.saturating_sub(entry.len());
        self.entries = self.entries.saturating_add(1);
        let Some(page) = draft.appended_mut(self.page) else { return };
        page.iter_mut().skip(self.area).zip(entry).for_each(|(place, byte)| *place = *byte);
        put_u16::<O>(page, index, self.area);
        put_u16::<O>(page, at::ENTRIES, self.entries.into());
        put_u16::<O>(page, at::HF_OFFSET, self.area);
    }
}

fn put_u32<O: ByteOrder>(page: &mut [u8], at: usize, n: u32) {
    if let Some(place) = page.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<4>()) {
        O::write_u32(place, n);
    }
}

fn put_u16<O: ByteOrder>(page: &mut [u8], at: usize, n: usize) {
    if let Some(place) = page.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<2>()) {
        O::write_u16(place, u16::try_from(n).unwrap_or(u16::MAX));
    }
}
