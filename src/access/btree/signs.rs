//! A short way down: internal pages by which look-ups have come, taken apart once.
//!
//! Of each key there are eight bytes, those behind what all keys of its page begin with: as a number
//! they compare as the keys do. Where they do not tell, a look-up goes the long way.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use byteorder::ByteOrder;

use super::node::Node;
use super::tree::Tree;
use crate::format::page::PageKind;
use crate::types::PageNo;

/// Bytes that the pages taken apart may take, whatever the size of the file.
const MOST: usize = 8 << 20;

/// The internal pages of a tree that were taken apart so far.
#[derive(Debug, Default)]
pub(super) struct Signs {
    root: OnceLock<Option<Sign>>,
    /// Bytes that they take.
    taken: AtomicUsize,
}

/// An internal page, taken apart.
#[derive(Debug)]
struct Sign {
    /// What all keys begin with.
    shared: Box<[u8]>,
    /// Of the key of each child, the eight bytes behind it. The first child has none, so 0.
    keys: Box<[u64]>,
    children: Box<[PageNo]>,
    /// Those of the children, unless they are leaves.
    below: Box<[OnceLock<Option<Sign>>]>,
    level: u8,
}

impl Signs {
    /// The leaf where a key is or would be, if all pages on the way were proven and their signs tell.
    pub(super) fn leaf<O: ByteOrder>(&self, tree: &Tree<'_>, key: &[u8]) -> Option<PageNo> {
        let (mut place, mut no, mut level) = (&self.root, tree.root(), None);
        loop {
            let sign = match place.get() {
                Some(sign) => sign,
                None if tree.proven().has(no) => place.get_or_init(|| self.sign::<O>(tree, no, level)),
                None => return None,
            };
            let sign = sign.as_ref()?;
            let child = sign.child(key)?;
            (no, level) = (*sign.children.get(child)?, sign.level.checked_sub(1));
            match sign.below.get(child) {
                Some(below) => place = below,
                None => return Some(no),
            }
        }
    }

    /// Takes a page apart that was proven, if there is room for what is in it.
    fn sign<O: ByteOrder>(&self, tree: &Tree<'_>, no: PageNo, level: Option<u8>) -> Option<Sign> {
        let page = tree.pages().unchecked_page::<O>(no)?;
        let node = Node::new::<O>(tree.pages(), page, no, PageKind::BtreeInternal, level).ok()?;
        let children = usize::from(node.entries());
        let upper = node.level() > 2;
        let below = if upper { size_of::<OnceLock<Option<Sign>>>() } else { 0 };
        let size = children.saturating_mul(size_of::<(u64, PageNo)>().saturating_add(below));
        if self.taken.fetch_add(size, Relaxed).saturating_add(size) > MOST {
            self.taken.fetch_sub(size, Relaxed);
            return None;
        }
        Sign::of::<O>(&node, upper)
    }
}

impl Sign {
    /// `None`, if a key does not stand on the page.
    fn of<O: ByteOrder>(node: &Node<'_>, upper: bool) -> Option<Sign> {
        let plain = |index| node.plain_key::<O>(index);
        let last = node.last();
        let shared: &[u8] = if last == 0 { &[] } else { common(plain(1)?, plain(last)?) };
        let word_of = |index| match index {
            0 => Some(0),
            _ => plain(index)?.strip_prefix(shared).map(word),
        };
        let children = (0..=last).map(|index| Some(node.child::<O>(index).ok()?.page));
        let below = if upper { last.saturating_add(1) } else { 0 };
        Some(Sign {
            shared: shared.into(),
            keys: (0..=last).map(word_of).collect::<Option<_>>()?,
            children: children.collect::<Option<_>>()?,
            below: (0..below).map(|_| OnceLock::new()).collect(),
            level: node.level(),
        })
    }

    /// The last child whose key is not greater; `None`, if eight bytes do not tell.
    #[inline]
    fn child(&self, key: &[u8]) -> Option<usize> {
        let Some(rest) = key.strip_prefix(&*self.shared) else {
            return Some(if *key < *self.shared { 0 } else { self.keys.len().saturating_sub(1) });
        };
        let wanted = word(rest);
        let behind = self.keys.get(1..)?.partition_point(|&key| key <= wanted);
        (behind == 0 || *self.keys.get(behind)? < wanted).then_some(behind)
    }
}

/// What two keys begin with, and so all that stand between them.
fn common<'a>(a: &'a [u8], b: &[u8]) -> &'a [u8] {
    let len = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    a.get(..len).unwrap_or_default()
}

/// The first eight bytes as a number. Of two words that differ, the lesser is that of the lesser bytes.
#[inline]
fn word(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(first) => u64::from_be_bytes(*first),
        None => {
            let mut first = [0; 8];
            first.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
            u64::from_be_bytes(first)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_differ_compare_as_their_bytes() {
        let all: [&[u8]; 7] = [b"", b"\0", b"\0\0", b"a", b"a\0b", b"abcdefgh", b"abcdefghi"];
        for (a, b) in all.iter().flat_map(|a| all.iter().map(move |b| (a, b))) {
            if word(a) != word(b) {
                assert_eq!(word(a).cmp(&word(b)), a.cmp(b), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn a_sign_points_to_the_last_child_whose_key_is_not_greater_or_says_nothing() {
        let keys: [&[u8]; 5] = [b"key", b"key-a", b"key-abcdefgh1", b"key-abcdefgh2", b"key-b"];
        let sign = Sign {
            shared: b"key".as_slice().into(),
            keys: [0]
                .into_iter()
                .chain(keys.map(|key| word(key.strip_prefix(b"key").unwrap_or(key))))
                .collect(),
            children: (10..16).map(PageNo).collect(),
            below: Box::default(),
            level: 2,
        };
        let mut told = 0;
        let asked: [&[u8]; 12] = [
            b"",
            b"a",
            b"ke",
            b"key",
            b"key-",
            b"key-a",
            b"key-aa",
            b"key-abcdefgh1",
            b"key-abcdefgh3",
            b"key-azz",
            b"key-c",
            b"z",
        ];
        for key in asked {
            let expected = keys.iter().filter(|other| **other <= key).count();
            if let Some(child) = sign.child(key) {
                assert_eq!(child, expected, "{key:?}");
                told += 1;
            }
        }
        assert_eq!(told, 8);
    }
}
