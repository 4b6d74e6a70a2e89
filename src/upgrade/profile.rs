//! What the result of an upgrade is made to equal (upgrade, "Output profiles of our
//! rewriter").

use crate::method::Method;

/// The form of an upgraded file.
///
/// The genuine profiles are byte for byte what the genuine tools write, their faults
/// included, and are there for proof and for programs that expect them. The others are
/// the genuine result with its faults mended, so that releases of that version and later
/// ones accept the file in full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// Version 7 of BTREE, 6 of HASH, 1 of QUEUE: for release 3.0.
    V7,
    /// Version 8 of BTREE, 7 of HASH, 3 of QUEUE: for releases 3.1 to 4.0.
    V8,
    /// Version 9 of BTREE and HASH, 4 of QUEUE: for releases 4.1 to 5.3, of HASH from 4.6 on.
    #[default]
    V9,
    /// What releases 3.1 to 4.4 write: the versions of [`Profile::V8`], without the number of the
    /// last page.
    Genuine8a,
    /// What releases 4.5 to 5.3 write: the same, the number of the last page one too high; HASH
    /// files become version 9, as from 4.6 on.
    Genuine8b,
}

impl Profile {
    /// Every profile.
    pub const ALL: &[Profile] =
        &[Profile::V7, Profile::V8, Profile::V9, Profile::Genuine8a, Profile::Genuine8b];

    /// The name: `v7`, `v8`, `v9`, `genuine-8a`, `genuine-8b`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Profile::V7 => "v7",
            Profile::V8 => "v8",
            Profile::V9 => "v9",
            Profile::Genuine8a => "genuine-8a",
            Profile::Genuine8b => "genuine-8b",
        }
    }

    /// The version that BTREE and RECNO files have afterwards.
    #[must_use]
    pub fn version(self) -> u32 {
        self.version_of(Method::Btree)
    }

    /// The version that files of an access method have afterwards, if they had an earlier one: each
    /// method counts its own (upgrade-other, "The short version").
    #[must_use]
    pub fn version_of(self, method: Method) -> u32 {
        match (method, self) {
            (Method::Btree | Method::Recno, Profile::V7) => 7,
            (Method::Btree | Method::Recno, Profile::V8 | Profile::Genuine8a | Profile::Genuine8b) => 8,
            (Method::Btree | Method::Recno | Method::Hash, Profile::V9) => 9,
            (Method::Hash, Profile::V7) => 6,
            (Method::Hash, Profile::V8 | Profile::Genuine8a) => 7,
            (Method::Hash, Profile::Genuine8b) => 9,
            (Method::Queue, Profile::V7) => 1,
            (Method::Queue, Profile::V8 | Profile::Genuine8a | Profile::Genuine8b) => 3,
            (Method::Queue, Profile::V9) => 4,
            (Method::Heap, _) => 1,
        }
    }

    /// The version of a HASH database inside a BTREE file: the genuine tools bring none beyond 7.
    pub(super) fn version_of_inner_hash(self) -> u32 {
        if self == Profile::Genuine8b { 7 } else { self.version_of(Method::Hash) }
    }

    /// How a file of a version stands to the form that it is to have.
    pub(super) fn standing(self, method: Method, version: u32) -> Standing {
        use Profile::{Genuine8a, Genuine8b, V7, V8, V9};
        let kept = match (method, self) {
            // In version 8, and what is like it, something may have to be mended.
            (Method::Btree | Method::Recno | Method::Hash | Method::Queue, V8) => 0..=0,
            (Method::Btree | Method::Recno, V7) => 7..=7,
            (Method::Btree | Method::Recno | Method::Hash, V9 | Genuine8b) => 9..=9,
            (Method::Btree | Method::Recno, Genuine8a) => 8..=9,
            (Method::Hash, V7) => 6..=6,
            (Method::Hash, Genuine8a) => 7..=8,
            (Method::Queue, V7) | (Method::Heap, _) => 1..=1,
            (Method::Queue, V9) => 4..=4,
            (Method::Queue, Genuine8a | Genuine8b) => 3..=4,
        };
        // Version 8 of HASH only permits what releases before it do not know.
        let most = if (method, self) == (Method::Hash, V8) { 8 } else { self.version_of(method) };
        if kept.contains(&version) {
            Standing::Ready
        } else if version > most && version <= method.newest_version() {
            Standing::Beyond
        } else {
            Standing::Due
        }
    }

    /// Whether it says what a file of a version becomes, or that it stays: not for a version
    /// beyond it.
    pub(crate) fn leads_to(self, method: Method, version: u32) -> bool {
        match self.standing(method, version) {
            Standing::Due => true,
            Standing::Ready => version <= self.version_of(method),
            Standing::Beyond => false,
        }
    }

    /// Whether off-page duplicates are trees in it.
    pub(super) fn has_trees(self) -> bool {
        self != Profile::V7
    }

    /// Whether the faults of the genuine tools are kept.
    #[must_use]
    pub fn is_genuine(self) -> bool {
        matches!(self, Profile::Genuine8a | Profile::Genuine8b)
    }
}

/// How a file stands to the form that it is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has it, whatever is in it: nothing is written, as by the tools.
    Ready,
    /// Its version is a later one.
    Beyond,
    /// It is to be upgraded, or looked at.
    Due,
}

/// How the duplicates of a key are taken: versions 6 and 7 do not record whether they are
/// sorted (upgrade, "The sorted / unsorted choice").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Duplicates {
    /// In the order in which they stand: what the genuine tools take if nothing is said.
    #[default]
    Unsorted,
    /// Sorted as bytes; a file in which they are not is refused.
    Sorted,
    /// Sorted, by a comparison of the application's own: nothing is checked.
    SortedUnchecked,
    /// Sorted if all are, and some key has several.
    Auto,
}
