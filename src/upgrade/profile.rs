//! What the result of an upgrade is made to equal (upgrade, "Output profiles of our
//! rewriter").

/// The form of an upgraded file.
///
/// The genuine profiles are byte for byte what the genuine tools write, their faults
/// included, and are there for proof and for programs that expect them. The others are
/// the genuine result with its faults mended, so that releases of that version and later
/// ones accept the file in full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// Version 7, for release 3.0.
    V7,
    /// Version 8, for releases 3.1 to 4.0.
    V8,
    /// Version 9, for releases 4.1 to 5.3.
    #[default]
    V9,
    /// What releases 3.1 to 4.4 write: version 8, without the number of the last page.
    Genuine8a,
    /// What releases 4.5 to 5.3 write: version 8, the number of the last page one too high.
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

    /// The version that files have afterwards.
    #[must_use]
    pub fn version(self) -> u32 {
        match self {
            Profile::V7 => 7,
            Profile::V8 | Profile::Genuine8a | Profile::Genuine8b => 8,
            Profile::V9 => 9,
        }
    }

    /// Whether files of a version have the form already, whatever is in them: nothing is
    /// written to them, as by the tools.
    pub(super) fn keeps(self, version: u32) -> bool {
        match self {
            Profile::V7 => version == 7,
            Profile::V8 => false, // something may have to be mended
            Profile::V9 | Profile::Genuine8b => version == 9,
            Profile::Genuine8a => version == 8 || version == 9,
        }
    }

    /// Whether the faults of the genuine tools are kept.
    #[must_use]
    pub fn is_genuine(self) -> bool {
        matches!(self, Profile::Genuine8a | Profile::Genuine8b)
    }
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
