//! HASH databases, alone in their files or among others.

pub(super) mod buckets;
mod get;
pub(super) mod page;
pub(super) mod parked;
pub(super) mod scan;
mod values;

use std::sync::Arc;

use crate::bits::AtomicBits;
use crate::error::{Error, Result};
use crate::format::generation::Generation;
use crate::format::hash::PROBE;
use crate::format::meta::Field;
use crate::key_hash::KeyHash;
use crate::meta::{Buckets, Meta};
use crate::pages::{Origin, Pages};
use crate::types::PageNo;

/// The table of a HASH database, and the pages that look-ups may trust.
#[derive(Clone, Debug)]
pub(super) struct Hash<'a> {
    pages: Arc<Pages<'a>>,
    meta: Meta,
    function: KeyHash<'a>,
    /// Whether metadata and function allow look-ups.
    lookups: bool,
    /// Pages whose items were checked, and those of them whose keys are in order.
    proven: Arc<[AtomicBits; 2]>,
}

impl<'a> Hash<'a> {
    pub(super) fn new(pages: Arc<Pages<'a>>, meta: Meta) -> Self {
        let (function, count) = (pages.file().key_hash(), pages.count());
        let proven = Arc::new([AtomicBits::new(count), AtomicBits::new(count)]);
        let mut hash = Hash { pages, meta, function, lookups: false, proven };
        hash.lookups = hash.check_lookups().is_ok();
        hash
    }

    pub(super) fn pages(&self) -> &Arc<Pages<'a>> {
        &self.pages
    }

    pub(super) fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Where the table of bucket pages stands.
    fn table(&self) -> Origin {
        Origin { page: self.meta.page(), offset: self.meta.at(Field::Spares), what: "bucket page" }
    }

    /// Whether the first page of a bucket may lie beyond the end of the file. Releases 2.x write
    /// it when the bucket gets its first key; later ones write all of a doubling at once, but
    /// those that upgrade such files can leave them one page short.
    fn may_lack(&self, page: PageNo) -> bool {
        match self.pages.meta().generation() {
            Generation::V1 | Generation::V2 => true,
            Generation::V30 | Generation::V31 => page.0 == self.pages.count(),
            Generation::V41 => self.pages.meta().last_page().is_some_and(|last| page > last),
        }
    }

    /// The hash of a key.
    #[inline]
    fn hash(&self, buckets: &Buckets, key: &[u8]) -> u32 {
        match self.function {
            KeyHash::Release => buckets.function.hash(key),
            KeyHash::Custom(hash) => hash(key),
        }
    }

    /// Whether keys can be looked up: the numbers by which a bucket is found are possible, and
    /// the function is that of the database.
    fn check_lookups(&self) -> Result<()> {
        let Some(buckets) = self.meta.buckets() else { return Ok(()) };
        if let Some((field, found, expected)) = buckets.objection() {
            return Err(Error::field(self.meta.page(), self.meta.at(field), field.name(), found, expected));
        }
        let (stored, computed) = (buckets.probe, self.hash(buckets, PROBE));
        if stored == computed {
            return Ok(());
        }
        let function = match self.function {
            KeyHash::Release => "the function of its release",
            KeyHash::Custom(_) => "the function that was given",
        };
        let (page, offset) = (self.meta.page(), self.meta.at(Field::Charkey));
        Err(Error::HashFunction { page, offset, function, stored, computed })
    }
}
