//! Keys that divide a tree.

use byteorder::ByteOrder;

use super::leaf::Leaf;
use super::node::Node;
use super::tree::Tree;
use crate::access::item::Item;
use crate::access::visited::Visited;
use crate::format::page::PageKind;
use crate::pages::Content;
use crate::types::PageNo;

/// So many keys are looked at for each part: the more, the more equal the parts.
const FOR_EACH: usize = 8;
/// More keys are not looked for, however many parts are wanted.
const MOST: usize = 1 << 16;

/// What lies below a page, and the key where it starts: none for the first.
type Below = (Option<Vec<u8>>, PageNo);

/// Keys, in ascending order, that divide the pairs of a tree into at most so many parts of about
/// equal size.
///
/// They are looked for level by level, down to where there are enough. Whatever keys are found,
/// those that divide are in order: so damage can make parts unequal, and nothing else.
pub(in crate::access) fn find<O: ByteOrder>(tree: &Tree<'_>, parts: u32) -> Vec<Vec<u8>> {
    let parts = PageNo(parts).index().max(1);
    let enough = parts.saturating_mul(FOR_EACH).min(MOST);
    let mut seen = Visited::new(tree.pages());
    let mut all: Vec<Below> = vec![(None, tree.root())];
    let mut level = None;
    while parts > 1 && all.len() < enough && level != Some(0) {
        let mut next = Vec::new();
        for (start, no) in all {
            if seen.mark(no) {
                let found = below::<O>(tree, start, no, level, &mut next);
                level = level.or(found);
            }
        }
        all = next;
        level = level.map(|level: u8| level.saturating_sub(1));
        if level.is_none() {
            break;
        }
    }
    let mut cuts: Vec<Vec<u8>> = Vec::new();
    for part in 1..parts.min(all.len()) {
        let at = part.saturating_mul(all.len()).checked_div(parts.min(all.len())).unwrap_or(0);
        let Some((Some(key), _)) = all.get(at) else { continue };
        if cuts.last().is_none_or(|last| tree.key_order().compare(last, key).is_lt()) {
            cuts.push(key.clone());
        }
    }
    cuts
}

/// Adds what lies below a page that should be at a level: the children, or the keys of a leaf.
/// Gives the level of the page, if it can be read.
fn below<O: ByteOrder>(
    tree: &Tree<'_>,
    mut start: Option<Vec<u8>>,
    no: PageNo,
    level: Option<u8>,
    all: &mut Vec<Below>,
) -> Option<u8> {
    let pages = tree.pages();
    let page = pages.page::<O>(no, tree.root_origin()).ok()?;
    let read = |content: Content<'_>| Item::new(pages, content).read().ok().map(|key| key.into_owned());
    let mut add = |key: Option<Vec<u8>>, no| {
        let first = all.is_empty();
        if let Some(key) = start.take().or(key) {
            all.push((Some(key), no));
        } else if first {
            all.push((None, no));
        }
    };
    if PageKind::from_byte(page.type_byte()) == Some(PageKind::BtreeLeaf) {
        let leaf = Leaf::new::<O>(pages, page, no, PageKind::BtreeLeaf).ok()?;
        for unit in (0..leaf.units()).filter(|&unit| !leaf.shares_key::<O>(unit)) {
            add(leaf.key::<O>(unit).ok().and_then(read), no);
        }
        return Some(1);
    }
    let node = Node::new::<O>(pages, page, no, PageKind::BtreeInternal, level).ok()?;
    for index in 0..node.entries() {
        let Ok(child) = node.child::<O>(index) else { continue };
        let key = if index > 0 { node.key::<O>(index).ok().and_then(read) } else { None };
        add(key, child.page);
    }
    Some(node.level())
}
