//! A tree of a file: what walks and look-ups need.

use std::sync::Arc;

use super::signs::Signs;
use super::walk::Walk;
use crate::bits::AtomicBits;
use crate::error::{Error, Result};
use crate::key_order::KeyOrder;
use crate::meta::{Meta, Shape};
use crate::method::Method;
use crate::pages::{Origin, Pages};
use crate::types::PageNo;

/// The tree of a BTREE or RECNO database, its order, and the pages that look-ups may trust.
#[derive(Clone, Debug)]
pub(in crate::access) struct Tree<'a> {
    pages: Arc<Pages<'a>>,
    meta: Meta,
    order: KeyOrder<'a>,
    root: PageNo,
    proven: Arc<AtomicBits>,
    signs: Arc<Signs>,
}

impl<'a> Tree<'a> {
    pub(in crate::access) fn new(pages: Arc<Pages<'a>>, meta: Meta, root: PageNo) -> Self {
        let proven = Arc::new(AtomicBits::new(pages.count()));
        Tree { order: pages.file().key_order(), pages, meta, root, proven, signs: Arc::default() }
    }

    pub(in crate::access) fn pages(&self) -> &Arc<Pages<'a>> {
        &self.pages
    }

    pub(in crate::access) fn meta(&self) -> &Meta {
        &self.meta
    }

    pub(in crate::access) fn key_order(&self) -> KeyOrder<'a> {
        self.order
    }

    pub(in crate::access) fn proven(&self) -> &AtomicBits {
        &self.proven
    }

    pub(super) fn signs(&self) -> &Signs {
        &self.signs
    }

    pub(in crate::access) fn shape(&self) -> Shape {
        Shape::of(&self.meta)
    }

    pub(in crate::access) fn root(&self) -> PageNo {
        self.root
    }

    pub(in crate::access) fn root_origin(&self) -> Origin {
        Origin { page: self.meta.page(), offset: self.meta.root_at(), what: "root page" }
    }

    /// A walk over its leaves that has not started.
    pub(in crate::access) fn walk(&self) -> Walk<'_> {
        Walk::new(&self.pages, self.shape(), self.root, self.root_origin())
    }

    /// Whether it has keys that can be looked up.
    pub(in crate::access) fn expect_keys(&self) -> Result<()> {
        match self.meta.method() {
            Method::Btree => Ok(()),
            method => Err(Error::WrongMethod { asked: "look up a key", method }),
        }
    }

    /// Whether it keeps record numbers.
    pub(in crate::access) fn expect_record_numbers(&self) -> Result<()> {
        if self.shape().counted {
            return Ok(());
        }
        Err(Error::WrongMethod { asked: "look up a record number", method: self.meta.method() })
    }
}
