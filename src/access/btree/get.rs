//! The value of a key.

use std::cmp::Ordering;

use byteorder::ByteOrder;

use super::cursor::Cursor;
use super::leaf::Leaf;
use super::search;
use super::tree::Tree;
use super::walk::{Direction, Walk};
use crate::access::item::Item;
use crate::error::Result;
use crate::format::page::PageKind;
use crate::key_order::KeyOrder;
use crate::meta::Shape;
use crate::pages::{Content, Duplicates};
use crate::types::PageNo;

impl Tree<'_> {
    /// The value of a key: the first one, if it has duplicates.
    pub(in crate::access) fn get<O: ByteOrder>(&self, key: &[u8]) -> Result<Option<Item<'_>>> {
        if self.meta().flags().compressed() {
            let pair = Cursor::new(self).seek(key)?;
            let Some(pair) = pair else { return Ok(None) };
            let same = pair.key_item().compare(key, self.key_order())?.is_eq();
            return Ok(same.then(|| pair.value()));
        }
        let leaf = self.leaf_of::<O>(key).and_then(|no| self.proven_leaf::<O>(no));
        match leaf.and_then(|leaf| self.get_in::<O>(&leaf, key)) {
            Some(found) => Ok(found),
            None => self.get_the_long_way::<O>(key),
        }
    }

    /// As [`Tree::get`], proving the pages on the way.
    fn get_the_long_way<O: ByteOrder>(&self, key: &[u8]) -> Result<Option<Item<'_>>> {
        let found = search::find::<O>(self, key, |_| {})?;
        if !found.exact {
            if found.pair == 0 || found.pair == found.leaf.units() {
                let mut path = Vec::new();
                let found = search::find::<O>(self, key, |frame| path.push(frame))?;
                search::confirm::<O>(self, key, &found, &path)?;
            }
            return Ok(None);
        }
        let mut pair = found.pair;
        loop {
            let value = found.leaf.value::<O>(pair)?;
            match value.content {
                _ if value.deleted => {}
                Content::Duplicates(duplicates) => {
                    if let Some(content) = self.first_duplicate::<O>(duplicates)? {
                        return Ok(Some(Item::new(self.pages(), content)));
                    }
                }
                content => return Ok(Some(Item::new(self.pages(), content))),
            }
            pair = pair.saturating_add(1);
            if pair >= found.leaf.units() || !found.leaf.shares_key::<O>(pair) {
                return Ok(None);
            }
        }
    }

    /// The leaf where a key is or would be, if the short way down tells.
    #[inline]
    pub(in crate::access) fn leaf_of<O: ByteOrder>(&self, key: &[u8]) -> Option<PageNo> {
        match self.key_order() {
            KeyOrder::Bytes => self.signs().leaf::<O>(self, key),
            KeyOrder::Custom(_) => None,
        }
    }

    /// A leaf that was proven, with its keys on the way from memory.
    #[inline]
    pub(in crate::access) fn proven_leaf<O: ByteOrder>(&self, no: PageNo) -> Option<Leaf<'_>> {
        let page = self.proven().has(no).then(|| self.pages().unchecked_page::<O>(no))??;
        let leaf = Leaf::new::<O>(self.pages(), page, no, PageKind::BtreeLeaf).ok()?;
        leaf.expect_keys::<O>();
        Some(leaf)
    }

    /// What the leaf of a key says of it, if that is as most are: no value stands off the page, or is
    /// marked as deleted. Otherwise `None`.
    #[inline]
    pub(in crate::access) fn get_in<'t, O: ByteOrder>(
        &'t self,
        leaf: &Leaf<'t>,
        key: &[u8],
    ) -> Option<Option<Item<'t>>> {
        let (mut low, mut high, mut exact) = (0, leaf.units(), false);
        while low < high {
            let middle = low.midpoint(high);
            match leaf.plain_key::<O>(middle)?.cmp(key) {
                Ordering::Less => low = middle.saturating_add(1),
                Ordering::Equal => (high, exact) = (middle, true),
                Ordering::Greater => high = middle,
            }
        }
        if exact {
            let pair = leaf.plain_pair::<O>(low)?;
            return Some(Some(Item::new(self.pages(), Content::Here(pair.value))));
        }
        // Its two neighbours prove that it is nowhere.
        (low > 0 && low < leaf.units()).then_some(None)
    }

    fn first_duplicate<O: ByteOrder>(&self, duplicates: Duplicates) -> Result<Option<Content<'_>>> {
        if !self.meta().flags().duplicates() {
            return Err(duplicates.unexpected());
        }
        let shape = Shape::of_duplicates(self.meta());
        let mut walk = Walk::new(self.pages(), shape, duplicates.root, duplicates.origin());
        while walk.step::<O>(Direction::Forward, &mut None)? {
            if let Some(value) = walk.value::<O>().transpose()?.filter(|value| !value.deleted) {
                return Ok(Some(value.content));
            }
        }
        Ok(None)
    }
}
