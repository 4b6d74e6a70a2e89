//! The values of a key of a HASH database, where it has several.

use byteorder::ByteOrder;

use super::Hash;
use super::page::Found;
use crate::access::btree::walk::{Direction, Walk};
use crate::access::visited::Visited;
use crate::error::{Defect, Result};
use crate::format::item;
use crate::format::page::{PageKind, at};
use crate::meta::Shape;
use crate::pages::{Allowance, Content, Place};

/// Values still to come.
#[derive(Clone, Debug)]
pub(super) enum Values<'a> {
    None,
    /// One value.
    One(Content<'a>),
    /// Duplicates in one item on the page.
    Here(Set<'a>),
    /// Duplicates on pages of their own.
    Walk(Box<Walk<'a>>),
}

/// Duplicates in one item on the page that are still to come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Set<'a> {
    rest: &'a [u8],
    place: Place,
}

impl<'a> Set<'a> {
    pub(super) fn new(set: &'a [u8], place: Place) -> Self {
        Set { rest: set, place }
    }

    /// The last ones of a set, in so many bytes.
    pub(super) fn last(set: &'a [u8], left: usize, place: Place) -> Self {
        let given = set.len().saturating_sub(left);
        Set { rest: set.get(given..).unwrap_or(&[]), place }
    }

    /// Bytes of those that are still to come.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    /// The next one; `key` is the length of the key that is given with it. After lengths that do
    /// not fit there are no more.
    pub(super) fn next<O: ByteOrder>(
        &mut self,
        key: u32,
        allowance: &mut Allowance,
    ) -> Result<Option<Content<'a>>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let Some((value, rest)) = item::hash_duplicate::<O>(std::mem::take(&mut self.rest)) else {
            let (field, expected) = ("set of duplicates", "two equal lengths around each duplicate");
            return Err(self.place.corrupt(0, Defect::Field { field, found: 0, expected }));
        };
        self.rest = rest;
        let value = Content::Here(value);
        let given = allowance.give_duplicate(key, value.given(false));
        given.map_err(|defect| self.place.corrupt(0, defect))?;
        Ok(Some(value))
    }
}

impl<'a> Values<'a> {
    /// Those that an item holds or leads to. A set of duplicates holds some, in a database that
    /// may have them.
    pub(super) fn of(hash: &'a Hash<'_>, found: Found<'a>) -> Result<Self> {
        let duplicates_allowed = hash.meta().flags().duplicates();
        match found {
            Found::One(content) => Ok(Values::One(content)),
            Found::Set { set, place } if set.is_empty() || !duplicates_allowed => {
                let expected = "none by the flags, or a set that is not empty";
                let found = u64::try_from(set.len()).unwrap_or(u64::MAX);
                Err(place.corrupt(0, Defect::Field { field: "set of duplicates", found, expected }))
            }
            Found::Set { set, place } => Ok(Values::Here(Set::new(set, place))),
            Found::Elsewhere(duplicates) if !duplicates_allowed => Err(duplicates.unexpected()),
            Found::Elsewhere(duplicates) => {
                let root = hash.pages().raw(duplicates.root).and_then(|page| page.get(at::TYPE)).copied();
                let shape = Shape::of_duplicates_at(hash.meta(), root.and_then(PageKind::from_byte));
                let walk = Walk::new(hash.pages(), shape, duplicates.root, duplicates.origin());
                Ok(Values::Walk(Box::new(walk)))
            }
        }
    }

    /// The next value; `key` is the length of the key that is given with it. After an error in
    /// a set there are no more. Those that are marked as deleted are counted and left out.
    pub(super) fn next<O: ByteOrder>(
        &mut self,
        key: u32,
        allowance: &mut Allowance,
        visited: &mut Option<Visited>,
        deleted: &mut u64,
    ) -> Result<Option<Content<'a>>> {
        match self {
            Values::None => return Ok(None),
            Values::One(content) => {
                let content = *content;
                *self = Values::None;
                return Ok(Some(content));
            }
            Values::Here(set) => {
                if let Some(value) = set.next::<O>(key, allowance)? {
                    return Ok(Some(value));
                }
            }
            Values::Walk(walk) => {
                while walk.step::<O>(Direction::Forward, visited)? {
                    match walk.value::<O>().transpose()? {
                        Some(value) if value.deleted => *deleted = deleted.saturating_add(1),
                        Some(value) => {
                            walk.give_duplicate(key, value.content)?;
                            return Ok(Some(value.content));
                        }
                        None => {}
                    }
                }
            }
        }
        *self = Values::None;
        Ok(None)
    }
}
