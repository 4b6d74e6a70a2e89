//! Why pages change.

/// Why a page changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// A metadata page takes the form of another version.
    Metadata,
    /// A page of off-page duplicates becomes the leaf of a tree.
    DuplicatePage,
    /// Items of a leaf name the root of a tree of off-page duplicates.
    DuplicateRoot,
    /// The first page of an overflow chain counts more references.
    References,
    /// The list of databases names metadata pages in the order of all releases from 3.1 on.
    DatabaseList,
    /// The length of a shared key, which release 2 wrote in the order of the other machine.
    KeyOrder,
    /// The LSN is that of a page which was never logged.
    Lsn,
    /// The file gets another id.
    FileId,
    /// A new internal page in a tree of off-page duplicates.
    Internal,
}

impl Reason {
    const ALL: [Reason; 9] = [
        Reason::Metadata,
        Reason::DuplicatePage,
        Reason::DuplicateRoot,
        Reason::References,
        Reason::DatabaseList,
        Reason::KeyOrder,
        Reason::Lsn,
        Reason::FileId,
        Reason::Internal,
    ];

    /// In words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Reason::Metadata => "metadata in the form of the new version",
            Reason::DuplicatePage => "a page of off-page duplicates becomes the leaf of a tree",
            Reason::DuplicateRoot => "items name the root of a tree of off-page duplicates",
            Reason::References => "an overflow chain counts the references of new internal pages",
            Reason::DatabaseList => "the list of databases names pages in big-endian order",
            Reason::KeyOrder => "shared keys with a length in the wrong byte order",
            Reason::Lsn => "the LSN is reset",
            Reason::FileId => "the file gets another id",
            Reason::Internal => "a new internal page in a tree of off-page duplicates",
        }
    }

    /// The reasons that some bits stand for.
    pub(super) fn of(bits: u16) -> impl Iterator<Item = Reason> {
        Reason::ALL.into_iter().filter(move |reason| bits & reason.bit() != 0)
    }

    pub(super) fn bit(self) -> u16 {
        Reason::ALL.iter().zip(0u32..).find(|(reason, _)| **reason == self).map_or(0, |(_, bit)| 1 << bit)
    }
}
