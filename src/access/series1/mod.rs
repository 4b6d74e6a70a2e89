//! Databases of the 1.x series: BTREE 3, RECNO and HASH 1 to 3 (other-releases, "The 1.x series").
//! They are read forwards; what takes a cursor is refused.

mod hash;
mod stats;
mod tree;

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

pub(super) use stats::count as file_stats;

use super::item::Item;
use super::pair::Pair;
use super::visited::Visited;
use crate::error::{Defect, Error, Result};
use crate::format::series1::hash::Header;
use crate::key_hash::KeyHash;
use crate::key_order::KeyOrder;
use crate::meta::{Meta, Series1 as Kind};
use crate::pages::{Content, Origin, Pages};
use crate::types::PageNo;
use hash::HashWalk;
use tree::TreeWalk;

/// A database of the 1.x series.
#[derive(Clone, Debug)]
pub(super) struct Series1<'a> {
    pages: Arc<Pages<'a>>,
    /// Whether no key of a tree is big, once it was looked for: those that are stand in no order.
    sorted: Arc<OnceLock<bool>>,
}

impl<'a> Series1<'a> {
    pub(super) fn new(pages: Arc<Pages<'a>>) -> Self {
        Series1 { pages, sorted: Arc::default() }
    }

    pub(super) fn pages(&self) -> &Arc<Pages<'a>> {
        &self.pages
    }

    pub(super) fn meta(&self) -> &Meta {
        self.pages.meta()
    }

    fn key_order(&self) -> KeyOrder<'_> {
        self.pages.file().key_order()
    }

    fn key_hash(&self) -> KeyHash<'_> {
        self.pages.file().key_hash()
    }

    /// The header of a HASH database.
    fn table(&self) -> Option<&Header> {
        self.pages.series1_table()
    }

    fn refuse(&self, asked: &'static str) -> Error {
        Error::WrongMethod { asked, method: self.meta().method() }
    }

    /// All pairs; `seen` takes the pages that the walk comes by.
    pub(super) fn all(&self, seen: Visited) -> Walk<'_> {
        let reached = Reached::All(seen);
        match self.table() {
            Some(header) => Walk::Hash(HashWalk::all(self, header, reached)),
            None => Walk::Tree(TreeWalk::all(self, reached)),
        }
    }

    /// The pairs whose keys lie between two: in key order, unless the file has big keys. These
    /// stand wherever their references do, so then all pairs are looked at, in the order of the
    /// tree.
    pub(super) fn between(&self, start: Bound<Vec<u8>>, end: Bound<Vec<u8>>) -> Result<Walk<'_>> {
        if self.table().is_some() || self.meta().flags().recno() {
            return Err(self.refuse("give keys of a range"));
        }
        Ok(Walk::Tree(TreeWalk::between(self, start, end, self.is_sorted())))
    }

    /// The pairs of a key.
    pub(super) fn of_key(&self, key: &[u8]) -> Result<Walk<'_>> {
        if let Some(header) = self.table() {
            return HashWalk::of_key(self, header, key).map(Walk::Hash);
        }
        if self.meta().flags().recno() {
            return Err(self.refuse("look up a key"));
        }
        self.between(Bound::Included(key.to_vec()), Bound::Included(key.to_vec()))
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Item<'_>>> {
        let mut walk = self.of_key(key)?;
        Ok(walk.next()?.map(|pair| pair.value()))
    }

    fn item<'s>(&'s self, content: Content<'s>) -> Item<'s> {
        Item::new(&self.pages, content)
    }
}

/// A walk over the pairs of a database. It keeps no page between two of them.
#[derive(Clone, Debug)]
pub(super) enum Walk<'s> {
    Tree(TreeWalk<'s>),
    Hash(HashWalk<'s>),
}

/// A walk without its database.
#[derive(Debug)]
pub(super) enum Parked {
    Tree(tree::State),
    Hash(hash::State),
}

impl Parked {
    /// Goes on; `None` in a database of another kind.
    pub(super) fn resume<'s>(self, of: &'s Series1<'_>) -> Option<Walk<'s>> {
        match (self, of.table()) {
            (Parked::Tree(state), None) => Some(Walk::Tree(TreeWalk::resume(of, state))),
            (Parked::Hash(state), Some(header)) => Some(Walk::Hash(HashWalk::resume(of, header, state))),
            _ => None,
        }
    }
}

impl<'s> Walk<'s> {
    pub(super) fn park(self) -> Parked {
        match self {
            Walk::Tree(walk) => Parked::Tree(walk.park()),
            Walk::Hash(walk) => Parked::Hash(walk.park()),
        }
    }

    /// The next pair; whatever the error, the call after it goes on.
    pub(super) fn next(&mut self) -> Result<Option<Pair<'s>>> {
        match self {
            Walk::Tree(walk) => walk.next(),
            Walk::Hash(walk) => walk.next(),
        }
    }

    /// Where the pair stands that was given last: of a tree its slot, of a bucket that of the value.
    pub(super) fn value_slot(&self) -> (PageNo, u16) {
        match self {
            Walk::Tree(walk) => walk.value_slot(),
            Walk::Hash(walk) => walk.value_slot(),
        }
    }

    /// How many of the pages the walk came by.
    pub(super) fn share(&self) -> f64 {
        match self {
            Walk::Tree(walk) => walk.share(),
            Walk::Hash(walk) => walk.share(),
        }
    }
}

/// The pages that a walk came by: each is reached once.
#[derive(Clone, Debug)]
enum Reached {
    /// Of a walk over the whole file.
    All(Visited),
    /// Of a look-up, which comes by few.
    Few(BTreeSet<PageNo>),
}

impl Reached {
    fn mark(&mut self, no: PageNo) -> bool {
        match self {
            Reached::All(visited) => visited.mark(no),
            Reached::Few(pages) => pages.insert(no),
        }
    }

    fn has(&self, no: PageNo) -> bool {
        match self {
            Reached::All(visited) => visited.has(no),
            Reached::Few(pages) => pages.contains(&no),
        }
    }

    /// Marks a page that a link leads to.
    fn reach(&mut self, no: PageNo, from: Origin) -> Result<()> {
        if self.mark(no) {
            return Ok(());
        }
        Err(Error::corrupt(from.page, from.offset, Defect::ReachedTwice { target: no.0 }))
    }

    fn is_all(&self) -> bool {
        matches!(self, Reached::All(_))
    }
}
