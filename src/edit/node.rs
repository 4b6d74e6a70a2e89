//! New internal pages of the trees that chains of off-page duplicates become (upgrade,
//! "Entries"). They are kept as their children: bytes follow from these when they are asked
//! for.

use byteorder::ByteOrder;

use crate::format::edit::{self, PageError, PageHeader, PageMut};
use crate::format::item::{
    self, DELETED, Form, INTERNAL_HEAD, OVERFLOW, RECNO_INTERNAL, REFERENCE, TYPE_AT, padded,
};
use crate::format::page::{HEADER, Page, PageKind};
use crate::order::with_order;
use crate::pages::Pages;
use crate::types::PageNo;

/// An internal page.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) keys: Keys,
    pub(crate) level: u8,
    /// Records of the whole tree; 0 if the page is not its root.
    pub(crate) records: u32,
    pub(crate) children: Vec<Child>,
}

/// What internal items say of a page beside its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// Nothing: the duplicates are not sorted.
    None,
    /// Its first item.
    First,
    /// The same with its mark of deletion, as releases 3.1 to 4.4 do.
    Marked,
}

/// A page of a level, and what its parent says of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Child {
    pub(crate) page: PageNo,
    /// Records below, as internal items count them.
    pub(crate) count: u32,
    /// The leaf with its first item.
    pub(crate) leaf: PageNo,
}

/// The key of an internal item.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<'p> {
    kind: u8,
    bytes: &'p [u8],
}

impl Keys {
    /// The first item of a leaf as a key. `None` if there is none.
    pub(crate) fn of<'p, O: ByteOrder>(self, leaf: &Page<'p, O>, overhead: usize) -> Option<Key<'p>> {
        let (_, first) = leaf.item(overhead, 0)?;
        let kind = item::type_byte(first)?;
        let bytes = match item::leaf::<O>(first).ok()?.form {
            Form::Data(bytes) => bytes,
            Form::Overflow { .. } => first.get(..REFERENCE)?,
            Form::Duplicates { .. } | Form::External(_) => return None,
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
    pub(crate) fn chain<O: ByteOrder>(&self) -> Option<PageNo> {
        let (head, _) = item::reference::<O>(self.bytes).filter(|_| self.kind & !DELETED == OVERFLOW)?;
        Some(PageNo(head))
    }
}

impl Node {
    pub(crate) fn new(keys: Keys, level: u8) -> Node {
        Node { keys, level, records: 0, children: Vec::new() }
    }

    /// Bytes that entries and their slots may take on a page.
    pub(crate) fn room(pages: &Pages<'_>) -> usize {
        pages.size().bytes().saturating_sub(HEADER)
    }

    /// Records below.
    pub(crate) fn count(&self) -> u32 {
        self.children.iter().fold(0, |sum, child| sum.saturating_add(child.count))
    }

    /// Its bytes, if it is the page of this number and its children fit one.
    pub(crate) fn image(&self, pages: &Pages<'_>, no: PageNo) -> Option<Vec<u8>> {
        let mut bytes = vec![0; pages.size().bytes()];
        let mut page = PageMut::new(&mut bytes, pages.order(), HEADER).ok()?;
        let kind = if self.keys == Keys::None { PageKind::RecnoInternal } else { PageKind::BtreeInternal };
        page.init(PageHeader { no, prev: self.records, next: 0, level: self.level, kind });
        for (slot, child) in (0..).zip(&self.children) {
            with_order!(pages.order(), O => {
                insert::<O>(&mut page, slot, child, self.keys.of_child::<O>(pages, child)).ok()?;
            });
        }
        Some(bytes)
    }
}

/// The key of a child, and the space that its entry takes with its slot.
pub(crate) fn entry<'p, O: ByteOrder>(
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

/// Puts the entry of a child on a page.
fn insert<O: ByteOrder>(
    page: &mut PageMut<'_>,
    slot: u16,
    child: &Child,
    key: Option<Key<'_>>,
) -> Result<(), PageError> {
    let (space, mut head) = (entry_len(key), [0; INTERNAL_HEAD]);
    edit::put_u32::<O>(&mut head, 4, child.page.0);
    edit::put_u32::<O>(&mut head, 8, child.count);
    let Some(key) = key else {
        let [_, _, _, _, entry @ ..] = &head;
        return page.insert(slot, space, entry, &[]);
    };
    edit::put_u16::<O>(&mut head, 0, u16::try_from(key.bytes.len()).unwrap_or(u16::MAX));
    edit::put(&mut head, TYPE_AT, &[key.kind]);
    page.insert(slot, space, &head, key.bytes)
}
