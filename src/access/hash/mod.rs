//! HASH databases, alone in their files or among others.

pub(super) mod buckets;
mod get;
mod others;
pub(super) mod page;
pub(super) mod parked;
pub(super) mod scan;
mod values;

use std::sync::Arc;

use crate::bits::AtomicBits;
use crate::error::{Error, Result};
use crate::format::hash::PROBE;
use crate::format::meta::Field;
use crate::key_hash::KeyHash;
use crate::meta::{Buckets, Meta};
use crate::pages::{Origin, Pages};

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
