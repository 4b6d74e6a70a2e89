//! A chain of off-page duplicates of versions 6 and 7 becomes a tree (upgrade, "Step 7 → 8:
//! off-page duplicate chains become trees").

use byteorder::ByteOrder;

use super::profile::Profile;
use crate::edit::{self, Child, Draft, Form, Keys, Node, Reason, Refusal, Result};
use crate::format::edit::total;
use crate::format::page::{Page, PageKind, at};
use crate::types::PageNo;

/// How the chains of a file are converted, each once.
pub(crate) struct Chains {
    /// Releases 3.1 to 4.4 keep the mark of deletion in the type of a key.
    keep_marks: bool,
    /// The genuine tools count deleted duplicates on the root of sorted ones, although no
    /// page below does.
    count_deleted: bool,
    /// Whether pages may be leaves already: so an upgrade by other tools that died leaves them.
    half_done: bool,
}

impl Chains {
    pub(crate) fn new(profile: Profile) -> Self {
        Chains {
            keep_marks: profile == Profile::Genuine8a,
            count_deleted: profile.is_genuine(),
            half_done: false,
        }
    }

    /// Those that an upgrade by other tools did not come to the end of.
    pub(crate) fn half_done() -> Self {
        Chains { half_done: true, ..Chains::new(Profile::V9) }
    }

    /// Converts the chain that starts on a page, and gives the root of its tree.
    ///
    /// `from` is the item that leads there.
    pub(crate) fn convert<O: ByteOrder>(
        &self,
        draft: &mut Draft<'_>,
        head: PageNo,
        sorted: bool,
        from: (PageNo, usize),
    ) -> Result<PageNo> {
        let keys = match sorted {
            false => Keys::None,
            true if self.keep_marks => Keys::Marked,
            true => Keys::First,
        };
        let (mut children, records) = self.leaves::<O>(draft, head, keys, from)?;
        let counted = self.count_deleted.then_some(records);
        let mut level = 2u8;
        while children.len() > 1 {
            let parents = parents::<O>(draft, &children, level, keys, counted, from)?;
            if parents.len() == children.len() {
                let (page, offset) = from;
                return Err(Refusal::Chain { page, offset, why: "no two of its keys fit a page" }.into());
            }
            children = parents;
            level = level.saturating_add(1);
        }
        Ok(children.first().map_or(head, |root| root.page))
    }

    /// Turns the pages of a chain into leaves.
    fn leaves<O: ByteOrder>(
        &self,
        draft: &mut Draft<'_>,
        head: PageNo,
        keys: Keys,
        from: (PageNo, usize),
    ) -> Result<(Vec<Child>, u32)> {
        let pages = draft.pages();
        let sorted = keys != Keys::None;
        let (mut children, mut records) = (Vec::new(), 0u32);
        let (mut next, mut from) = (Some(head), from);
        while let Some(no) = next {
            let refuse = |why| Err(Refusal::Chain { page: from.0, offset: from.1, why }.into());
            let Some(page) = pages.raw(no).and_then(Page::<O>::new) else {
                return refuse("it leads beyond the end of the file");
            };
            let fits = match PageKind::from_byte(page.type_byte()) {
                Some(PageKind::Duplicate) => true,
                Some(PageKind::RecnoLeaf | PageKind::DuplicateLeaf) => self.half_done,
                _ => false,
            };
            if !fits || page.pgno() != no.0 {
                return refuse("it does not lead to a page of duplicates");
            }
            if page.entries() == 0 {
                return refuse("it leads to a page without duplicates");
            }
            let Ok(count) = total(&page, pages.overhead(), Some(PageKind::DuplicateLeaf)) else {
                return refuse("it leads to a page with items beyond its end");
            };
            if sorted && keys.of::<O>(&page, pages.overhead()).is_none() {
                return refuse("it leads to a page whose first item is none");
            }
            if !draft.reshape(no, if sorted { Form::SortedLeaf } else { Form::Leaf }) {
                return refuse("it leads to a page that another chain has");
            }
            let entries = u32::from(page.entries());
            records = records.saturating_add(entries);
            children.push(Child { page: no, count: if sorted { count } else { entries }, leaf: no });
            from = (no, at::NEXT);
            next = PageNo::link(page.next());
        }
        Ok((children, records))
    }
}

/// Builds the level above some pages; long keys get one more reference each. The root
/// counts what its children do, unless a number is given.
fn parents<O: ByteOrder>(
    draft: &mut Draft<'_>,
    children: &[Child],
    level: u8,
    keys: Keys,
    records: Option<u32>,
    from: (PageNo, usize),
) -> Result<Vec<Child>> {
    let pages = draft.pages();
    let (mut nodes, mut room): (Vec<Node>, usize) = (Vec::new(), 0);
    for child in children {
        let (key, space) = edit::entry::<O>(keys, pages, child);
        if let Some(chain) = key.and_then(|key| key.chain::<O>()) {
            refer::<O>(draft, chain);
        }
        if nodes.is_empty() || room < space {
            nodes.push(Node::new(keys, level));
            room = Node::room(pages);
        }
        if space > room {
            let (page, offset) = from;
            return Err(Refusal::Chain { page, offset, why: "one of its keys does not fit a page" }.into());
        }
        room = room.saturating_sub(space);
        if let Some(node) = nodes.last_mut() {
            node.children.push(*child);
        }
    }
    if let [root] = nodes.as_mut_slice() {
        root.records = records.unwrap_or_else(|| root.count());
    }
    let above = |node: Node| {
        let count = node.count();
        let leaf = node.children.first().map_or(PageNo::META, |child| child.leaf);
        Child { page: draft.append(node), count, leaf }
    };
    Ok(nodes.into_iter().map(above).collect())
}

/// Counts one more reference to an overflow chain.
fn refer<O: ByteOrder>(draft: &mut Draft<'_>, head: PageNo) {
    let Some(image) = draft.image(head) else { return };
    let Some(page) = Page::<O>::new(&image) else { return };
    let mut bytes = [0; 2];
    O::write_u16(&mut bytes, page.entries().saturating_add(1));
    draft.replace(head, at::ENTRIES, &bytes, Reason::References);
}
