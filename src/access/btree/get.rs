//! The value of a key.

use byteorder::ByteOrder;

use super::cursor::Cursor;
use super::search;
use super::tree::Tree;
use super::walk::{Direction, Walk};
use crate::access::item::Item;
use crate::error::Result;
use crate::meta::Shape;
use crate::pages::{Content, Duplicates};

impl Tree<'_> {
    /// The value of a key: the first one, if it has duplicates.
    pub(in crate::access) fn get<O: ByteOrder>(&self, key: &[u8]) -> Result<Option<Item<'_>>> {
        if self.meta().flags().compressed() {
            let pair = Cursor::new(self).seek(key)?;
            let Some(pair) = pair else { return Ok(None) };
            let same = pair.key_item().compare(key, self.key_order())?.is_eq();
            return Ok(same.then(|| pair.value()));
        }
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
