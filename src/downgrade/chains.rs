//! Trees of off-page duplicates become chains again, as releases 2.x and 3.0 keep them (upgrade,
//! "9/8 → 6 in place").

use std::collections::BTreeMap;

use byteorder::ByteOrder;

use crate::bits::Bits;
use crate::edit::{Draft, FreeList, Reason, Refusal, Result, off_page, references};
use crate::format::item::{self, DELETED, OVERFLOW};
use crate::format::page::{Page, PageKind, at};
use crate::meta::Meta;
use crate::method::Method;
use crate::pages::Pages;
use crate::types::PageNo;
use crate::upgrade::Databases;

/// Turns all trees into chains; the pages that are needed no more go to the free list.
pub(super) fn flatten<O: ByteOrder>(
    draft: &mut Draft<'_>,
    databases: &Databases,
    free: &mut FreeList,
) -> Result<()> {
    let pages = draft.pages();
    let mut trees =
        Trees { seen: Bits::new(PageNo::META, pages.count()), needless: Vec::new(), keys: BTreeMap::new() };
    for known in databases.all().filter(|known| has_trees(known.meta())) {
        let in_buckets = known.meta().method() == Method::Hash;
        for &no in known.pages() {
            let Some(page) = pages.raw(no).and_then(Page::<O>::new) else { continue };
            for slot in (1..page.entries()).step_by(2) {
                let Some((at, root)) = off_page::<O>(pages, &page, slot, in_buckets) else { continue };
                let head = trees.flatten::<O>(draft, root, (no, at))?;
                draft.replace_u32(no, at, head.0, Reason::DuplicateHead);
            }
        }
    }
    trees.release::<O>(draft, free)
}

/// Whether off-page duplicates of a database are in trees.
fn has_trees(meta: &Meta) -> bool {
    meta.duplicate_trees() && meta.flags().duplicates()
}

/// What was met on the way through all trees.
struct Trees {
    seen: Bits,
    /// Internal pages, and leaves without duplicates.
    needless: Vec<PageNo>,
    /// Overflow chains that internal pages have keys in, and how many other references there are.
    keys: BTreeMap<PageNo, u32>,
}

impl Trees {
    /// Makes the leaves of a tree a chain, and gives its first page. `from` is the item that leads
    /// there.
    fn flatten<O: ByteOrder>(
        &mut self,
        draft: &mut Draft<'_>,
        root: PageNo,
        from: (PageNo, usize),
    ) -> Result<PageNo> {
        let leaves = self.leaves::<O>(draft.pages(), root, from)?;
        let mut prev = PageNo::META;
        let next = leaves.iter().skip(1).copied().chain([PageNo::META]);
        for (&no, next) in leaves.iter().zip(next) {
            let mut links = [0; 8];
            let (before, after) = links.split_at_mut(4);
            O::write_u32(before, prev.0);
            O::write_u32(after, next.0);
            let kind = [0, PageKind::Duplicate.byte()];
            draft.replace_all(no, [(at::PREV, &links[..]), (at::LEVEL, &kind[..])], Reason::DuplicateChain);
            prev = no;
        }
        let (page, offset) = from;
        let none = Refusal::Chain { page, offset, why: "it leads to a tree without duplicates" };
        Ok(leaves.first().copied().ok_or(none)?)
    }

    /// The leaves of a tree that hold duplicates, in its order.
    fn leaves<O: ByteOrder>(
        &mut self,
        pages: &Pages<'_>,
        root: PageNo,
        (page, offset): (PageNo, usize),
    ) -> Result<Vec<PageNo>> {
        let refuse = |why| Err(Refusal::Chain { page, offset, why }.into());
        let (mut leaves, mut stack) = (Vec::new(), vec![root]);
        while let Some(no) = stack.pop() {
            let Some(found) = pages.raw(no).and_then(Page::<O>::new) else {
                return refuse("it leads beyond the end of the file");
            };
            if !self.seen.mark(no) {
                return refuse("it leads to a page that another tree has");
            }
            let kind = PageKind::from_byte(found.type_byte());
            match kind {
                Some(PageKind::DuplicateLeaf | PageKind::RecnoLeaf) if found.entries() > 0 => {
                    leaves.push(no);
                    continue;
                }
                Some(PageKind::DuplicateLeaf | PageKind::RecnoLeaf) => {}
                Some(PageKind::BtreeInternal | PageKind::RecnoInternal) => {
                    for slot in (0..found.entries()).rev() {
                        let rest = found.item(pages.overhead(), slot).map(|(_, rest)| rest);
                        let Some(child) = rest.and_then(|rest| self.child::<O>(rest, kind)) else {
                            return refuse("it leads to a page whose items are none");
                        };
                        stack.push(child);
                    }
                }
                _ => return refuse("it does not lead to a tree of duplicates"),
            }
            self.needless.push(no);
        }
        Ok(leaves)
    }

    /// Where the item of an internal page leads.
    fn child<O: ByteOrder>(&mut self, item: &[u8], kind: Option<PageKind>) -> Option<PageNo> {
        if kind == Some(PageKind::RecnoInternal) {
            return item::recno_internal::<O>(item).map(|(child, _)| PageNo(child));
        }
        let item = item::btree_internal::<O>(item)?;
        if item.type_byte & !DELETED == OVERFLOW {
            let (head, _) = item::reference::<O>(item.key)?;
            self.keys.insert(PageNo(head), 0);
        }
        Some(PageNo(item.child))
    }

    /// Counts the references to overflow chains anew that lost some, and frees what nothing needs.
    fn release<O: ByteOrder>(mut self, draft: &mut Draft<'_>, free: &mut FreeList) -> Result<()> {
        let pages = draft.pages();
        let mut gone = Bits::new(PageNo::META, pages.count());
        for &no in &self.needless {
            gone.mark(no);
        }
        if !self.keys.is_empty() {
            for no in (1..pages.count()).map(PageNo).filter(|no| !gone.has(*no)) {
                let Some(page) = pages.raw(no).and_then(Page::<O>::new) else { continue };
                references(pages, &page, |head| {
                    if let Some(count) = self.keys.get_mut(&head) {
                        *count = count.saturating_add(1);
                    }
                });
            }
        }
        for no in self.needless {
            free.push(draft, no);
        }
        let mut freed = Bits::new(PageNo::META, pages.count());
        for (&head, &count) in &self.keys {
            match u16::try_from(count).unwrap_or(u16::MAX) {
                0 => {
                    for no in chain::<O>(pages, head, &mut freed)? {
                        free.push(draft, no);
                    }
                }
                count => {
                    let mut bytes = [0; 2];
                    O::write_u16(&mut bytes, count);
                    draft.replace(head, at::ENTRIES, &bytes, Reason::ReferencesLeft);
                }
            }
        }
        Ok(())
    }
}

/// The pages of an overflow chain, none of which is one of another.
fn chain<O: ByteOrder>(pages: &Pages<'_>, head: PageNo, seen: &mut Bits) -> Result<Vec<PageNo>> {
    let (mut chain, mut next) = (Vec::new(), Some(head));
    while let Some(no) = next {
        let page = pages.raw(no).and_then(Page::<O>::new).filter(|_| seen.mark(no));
        let kind = page.as_ref().and_then(|page| PageKind::from_byte(page.type_byte()));
        let Some(page) = page.filter(|_| kind == Some(PageKind::Overflow)) else {
            let first = format!("page {no} is in no overflow chain, or in another");
            return Err(Refusal::Unreadable { first }.into());
        };
        chain.push(no);
        next = PageNo::link(page.next());
    }
    Ok(chain)
}

#[cfg(test)]
mod tests {
    use byteorder::LittleEndian;

    use super::*;
    use crate::pages::File;

    #[test]
    fn a_page_is_in_one_chain() {
        let file = std::fs::read("testdata/btree-v9-le-overflow/data.db").unwrap();
        let pages = Pages::new(File::from_bytes(&file[..])).unwrap();
        let fresh = || Bits::new(PageNo::META, pages.count());
        let chains = (1..pages.count()).filter_map(|no| {
            let chain = chain::<LittleEndian>(&pages, PageNo(no), &mut fresh()).ok()?;
            (chain.len() > 1).then_some(chain)
        });
        let long = chains.max_by_key(Vec::len).unwrap();
        let [head, second] = [long[0], long[1]];
        let mut seen = fresh();
        assert!(chain::<LittleEndian>(&pages, second, &mut seen).is_ok());
        assert!(chain::<LittleEndian>(&pages, head, &mut seen).is_err(), "its end is that of another");
    }
}
