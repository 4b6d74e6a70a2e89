//! What a downgrade is to do.

use crate::method::Method;
use crate::order::Endianness;

/// The releases that are to read a file: each access method counts versions of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DowngradeTo {
    /// Releases 4.6 to 5.3: BTREE and HASH 9, QUEUE 4, HEAP 1.
    V9,
    /// Releases 4.1 to 4.5: BTREE 9, HASH 8, QUEUE 4.
    V9Hash8,
    /// Releases 3.1 to 4.0: BTREE 8, HASH 7, QUEUE 3.
    V8,
    /// Release 3.0: BTREE 7, HASH 6, QUEUE 1.
    V7,
    /// Releases 2.x: BTREE 6, HASH 5.
    V6,
}

impl DowngradeTo {
    /// All of them, the newest first.
    pub const ALL: &[DowngradeTo] =
        &[DowngradeTo::V9, DowngradeTo::V9Hash8, DowngradeTo::V8, DowngradeTo::V7, DowngradeTo::V6];

    /// The releases, in words.
    #[must_use]
    pub fn releases(self) -> &'static str {
        match self {
            DowngradeTo::V9 => "releases 4.6 to 5.3",
            DowngradeTo::V9Hash8 => "releases 4.1 to 4.5",
            DowngradeTo::V8 => "releases 3.1 to 4.0",
            DowngradeTo::V7 => "release 3.0",
            DowngradeTo::V6 => "releases 2.x",
        }
    }

    /// The version that they write of an access method; `None` if they do not have it.
    #[must_use]
    pub fn version_of(self, method: Method) -> Option<u32> {
        use DowngradeTo::{V6, V7, V8, V9, V9Hash8};
        Some(match (method, self) {
            (Method::Btree | Method::Recno, V9 | V9Hash8) | (Method::Hash, V9) => 9,
            (Method::Btree | Method::Recno, V8) | (Method::Hash, V9Hash8) => 8,
            (Method::Btree | Method::Recno, V7) | (Method::Hash, V8) => 7,
            (Method::Btree | Method::Recno, V6) | (Method::Hash, V7) => 6,
            (Method::Hash, V6) => 5,
            (Method::Queue, V9 | V9Hash8) => 4,
            (Method::Queue, V8) => 3,
            (Method::Queue, V7) | (Method::Heap, V9) => 1,
            (Method::Queue, V6) | (Method::Heap, V9Hash8 | V8 | V7 | V6) => return None,
        })
    }

    /// Whether they open files of a version as they are.
    pub(super) fn opens(self, method: Method, version: u32) -> bool {
        use DowngradeTo::{V6, V7, V8, V9, V9Hash8};
        match (method, self) {
            (Method::Btree | Method::Recno, V9 | V9Hash8) => (8..=9).contains(&version),
            (Method::Hash, V9) => (7..=9).contains(&version),
            (Method::Hash, V9Hash8) => (7..=8).contains(&version),
            (Method::Queue, V9 | V9Hash8) => (3..=4).contains(&version),
            (_, V9 | V9Hash8 | V8 | V7 | V6) => self.version_of(method) == Some(version),
        }
    }

    /// Whether they keep off-page duplicates in chains.
    pub(super) fn has_chains(self) -> bool {
        matches!(self, DowngradeTo::V7 | DowngradeTo::V6)
    }

    /// Whether they know checksums, and what else came with release 4.1.
    pub(super) fn has_checksums(self) -> bool {
        matches!(self, DowngradeTo::V9 | DowngradeTo::V9Hash8)
    }

    /// Whether they take sorted pages of a HASH.
    pub(super) fn has_sorted_buckets(self) -> bool {
        self == DowngradeTo::V9
    }
}

/// The choices of a downgrade.
///
/// ```
/// use bdbkit::downgrade::{DowngradeChoices, DowngradeTo};
///
/// let choices = DowngradeChoices { reset_lsn: true, ..DowngradeChoices::new(DowngradeTo::V8) };
/// assert_eq!(choices.machine, None);
/// ```
#[derive(Clone, Debug)]
pub struct DowngradeChoices {
    /// The releases that are to read the file.
    pub to: DowngradeTo,
    /// The byte order of the machine that is to read it. Two forms depend on that: the list of
    /// databases of release 3.0, which is refused if nothing is said; and the pages of a HEAP of
    /// version 1, which is this machine's if nothing is said.
    pub machine: Option<Endianness>,
    /// Whether the LSNs of all pages are reset, too: for a file that leaves its logs behind.
    pub reset_lsn: bool,
    /// Whether to go on even if pages hold what nothing leads to: they stay as they are.
    pub leave_unreachable: bool,
}

impl DowngradeChoices {
    /// To the form of these releases, and nothing else.
    #[must_use]
    pub fn new(to: DowngradeTo) -> Self {
        DowngradeChoices { to, machine: None, reset_lsn: false, leave_unreachable: false }
    }
}
