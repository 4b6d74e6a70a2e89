//! What an upgrade is to do.

use super::profile::{Duplicates, Profile};
use crate::types::FileId;

/// Which id a file of version 6 gets (upgrade, "The uid").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NewId {
    /// One that no other file has.
    #[default]
    Fresh,
    /// The one that it has. An environment that knows the old file takes the new one for it.
    Keep,
    /// This one.
    Given(FileId),
}

/// The form of records in a RECNO file where all have one length (upgrade, "Properties of
/// version 6 files that matter here").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordForm {
    /// Length of each record, in bytes.
    pub length: u32,
    /// What releases put behind data that is shorter.
    pub pad: u8,
}

/// The choices of an upgrade.
///
/// ```
/// use bdbkit::upgrade::{Choices, Profile};
///
/// let choices = Choices { profile: Profile::V8, ..Choices::default() };
/// assert!(!choices.reset_lsn);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// The form of the result.
    pub profile: Profile,
    /// How duplicates are taken.
    pub duplicates: Duplicates,
    /// How those of some databases of several are taken, by name. The genuine profiles have
    /// one choice for a file, and do not look at these.
    pub duplicates_of: Vec<(Vec<u8>, Duplicates)>,
    /// The id of the new file, if the old one is of version 6. Others keep theirs.
    pub id: NewId,
    /// The form of records of one length, which files of version 6 do not store. The genuine
    /// profiles do not look at this.
    pub records: Option<RecordForm>,
    /// Whether the LSNs of all pages are reset, too: for a file that leaves its logs behind.
    pub reset_lsn: bool,
    /// Whether to upgrade even if pages hold what nothing leads to: they stay as they are, and
    /// what could be found on them as long as they had their old form may be lost to the tools
    /// of later releases.
    pub leave_unreachable: bool,
    /// Whether pages of buckets keep the order of their pairs in version 9, which is valid:
    /// releases sort a page when they first put something on it. Then little more than page 0
    /// changes.
    pub lazy: bool,
    /// Whether to upgrade HASH files of version 4, whose keys only an application with a hash
    /// function of its own will find afterwards.
    pub keep_hash: bool,
}
