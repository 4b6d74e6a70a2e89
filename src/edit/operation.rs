//! What a kind of change to files has to say: which pages change, and what must be true
//! afterwards. Everything else is the same for all of them.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use super::draft::Draft;
use super::error::{Refusal, Result};
use super::notice::Notice;
use super::progress::Counter;
use super::reason::Reason;
use crate::access::Database;
use crate::journal::{self, Identity, Options, Promise};
use crate::method::{Feature, Method};
use crate::order::Endianness;
use crate::types::{FileId, PageNo};

/// A kind of change to database files: an upgrade, or a reset.
pub trait Operation: fmt::Debug {
    /// What the journal calls it.
    fn name(&self) -> journal::Operation;

    /// Why it may change pages. A draft with other changes is not carried out.
    fn may_change(&self) -> &'static [Reason];

    /// Whether it can change files of an access method.
    fn takes(&self, method: Method) -> bool {
        matches!(method, Method::Btree | Method::Recno)
    }

    /// Whether it can change the files of a partitioned database one by one.
    fn takes_partitions(&self) -> bool {
        false
    }

    /// Whether it can change encrypted files.
    fn takes_encrypted(&self) -> bool {
        false
    }

    /// Why files with a feature that it cannot change are refused, if more can be said than that they are.
    fn refuses(&self, feature: Feature) -> Option<Refusal> {
        let _ = feature;
        None
    }

    /// Names of databases that it was told something about: one that no file has is refused.
    fn databases(&self) -> Vec<&[u8]> {
        Vec::new()
    }

    /// Whether the old file must be kept, as a copy in another folder.
    fn keeps_old(&self) -> bool {
        false
    }

    /// Whether the version of a file says that there is nothing to do. Then nothing is written,
    /// so nothing is checked.
    ///
    /// # Errors
    ///
    /// Why the file is refused.
    fn ready(&self, file: &[u8]) -> Result<Option<Ready>> {
        let _ = file;
        Ok(None)
    }

    /// Checks a file, and computes what changes. `identity` is that of the file, if it is one
    /// of a disk.
    ///
    /// # Errors
    ///
    /// Why the file is refused.
    fn prepare<'p>(
        &self,
        file: &'p Database<'_>,
        identity: Option<Identity>,
        counter: Counter<'_>,
    ) -> Result<Prepared<'p>>;

    /// Adds what changes on the pages of an extent of a QUEUE that was checked.
    fn extent(&self, extent: &mut ExtentDraft<'_>) {
        let _ = extent;
    }
}

/// The pages of an extent of a QUEUE, numbered from 0, and what changes on them.
#[derive(Debug)]
pub struct ExtentDraft<'p> {
    pub(crate) draft: Draft<'p>,
    /// The number that the first of them has in the QUEUE.
    pub(crate) first: PageNo,
}

/// A file that was checked, and what an operation makes of it.
#[derive(Debug)]
pub struct Prepared<'p> {
    pub(crate) draft: Draft<'p>,
    /// What is true of the new file.
    pub(crate) promise: Promise,
    pub(crate) notices: Vec<Notice>,
    /// What the journal says of what was asked for.
    pub(crate) options: Options,
    /// Byte order afterwards.
    pub(crate) order: Endianness,
    /// Version before, and afterwards.
    pub(crate) from: u32,
    pub(crate) to: u32,
    /// The id that the file gets, if it gets another.
    pub(crate) id: FileId,
}

/// A file that has the form already.
#[derive(Clone, Copy, Debug)]
pub struct Ready {
    pub(crate) version: u32,
    pub(crate) pages: u32,
    pub(crate) order: Endianness,
}

/// An id that no other file has: which file it is, when, and chance (upgrade, "The uid").
pub(crate) fn fresh_id(identity: Option<Identity>) -> FileId {
    let Identity { device, inode } = identity.unwrap_or_default();
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let chance = journal::random();
    let mut id = [0; 20];
    let low = |n: u64| n.to_le_bytes().into_iter().take(4);
    let bytes = low(inode).chain(low(device)).chain(low(seconds)).chain(chance.to_le_bytes());
    id.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
    FileId(id)
}
