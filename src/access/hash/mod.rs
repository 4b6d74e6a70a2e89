//! HASH databases that a file holds besides others.

pub(super) mod buckets;

use std::sync::Arc;

use crate::meta::Meta;
use crate::pages::Pages;

/// The table of a HASH database.
#[derive(Clone, Debug)]
pub(super) struct Hash<'a> {
    pages: Arc<Pages<'a>>,
    meta: Meta,
}

impl<'a> Hash<'a> {
    pub(super) fn new(pages: Arc<Pages<'a>>, meta: Meta) -> Self {
        Hash { pages, meta }
    }

    pub(super) fn pages(&self) -> &Arc<Pages<'a>> {
        &self.pages
    }

    pub(super) fn meta(&self) -> &Meta {
        &self.meta
    }
}
