//! Why pages change.

use super::forms::Form;

/// Why a page changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// A metadata page takes the form of another version.
    Metadata,
    /// A page of off-page duplicates becomes the leaf of a tree.
    DuplicatePage,
    /// Items of a leaf, or of a bucket, name the root of a tree of off-page duplicates.
    DuplicateRoot,
    /// The first page of an overflow chain counts more references.
    References,
    /// The list of databases names metadata pages in the order of the releases that are to read it.
    DatabaseList,
    /// The length of a shared key, which release 2 wrote in the order of the other machine.
    KeyOrder,
    /// The LSN is that of a page which was never logged.
    Lsn,
    /// The file gets another id.
    FileId,
    /// A new internal page in a tree of off-page duplicates.
    Internal,
    /// A page of a bucket has its pairs in the order of version 9.
    BucketOrder,
    /// A page for a bucket that has no keys yet.
    Buckets,
    /// A page of QUEUE records says that it is one.
    RecordPage,
    /// The header of a page of QUEUE records is in the order of the file.
    HeaderOrder,
    /// A free page tells no more of what it was.
    FreePage,
    /// A leaf of a tree of off-page duplicates becomes a page of a chain.
    DuplicateChain,
    /// Items of a leaf, or of a bucket, name the first page of a chain of off-page duplicates.
    DuplicateHead,
    /// The first page of an overflow chain counts fewer references.
    ReferencesLeft,
    /// A page that is needed no more goes to the free list.
    Freed,
    /// A page of a bucket says that its pairs are in no order.
    BucketType,
    /// What follows from the rest of the file is put right.
    Mended,
    /// The page is in another byte order.
    ByteOrder,
}

impl Reason {
    const ALL: [Reason; 21] = [
        Reason::Metadata,
        Reason::DuplicatePage,
        Reason::DuplicateRoot,
        Reason::References,
        Reason::DatabaseList,
        Reason::KeyOrder,
        Reason::Lsn,
        Reason::FileId,
        Reason::Internal,
        Reason::BucketOrder,
        Reason::Buckets,
        Reason::RecordPage,
        Reason::HeaderOrder,
        Reason::FreePage,
        Reason::DuplicateChain,
        Reason::DuplicateHead,
        Reason::ReferencesLeft,
        Reason::Freed,
        Reason::BucketType,
        Reason::Mended,
        Reason::ByteOrder,
    ];

    /// Why pages take a form.
    pub(super) fn of_form(form: Form) -> Reason {
        match form {
            Form::Leaf | Form::SortedLeaf => Reason::DuplicatePage,
            Form::Bucket => Reason::BucketOrder,
            Form::Records => Reason::RecordPage,
            Form::Free => Reason::FreePage,
        }
    }

    /// In words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Reason::Metadata => "metadata in the form of the new version",
            Reason::DuplicatePage => "a page of off-page duplicates becomes the leaf of a tree",
            Reason::DuplicateRoot => "items name the root of a tree of off-page duplicates",
            Reason::References => "an overflow chain counts the references of new internal pages",
            Reason::DatabaseList => "the list of databases names pages in the order of those who read it",
            Reason::KeyOrder => "shared keys with a length in the wrong byte order",
            Reason::Lsn => "the LSN is reset",
            Reason::FileId => "the file gets another id",
            Reason::Internal => "a new internal page in a tree of off-page duplicates",
            Reason::BucketOrder => "the pairs of a bucket are in the order of version 9",
            Reason::Buckets => "a page for a bucket that has no keys yet",
            Reason::RecordPage => "a page of records says that it is one",
            Reason::HeaderOrder => "the header of a page of records is in the order of the file",
            Reason::FreePage => "a free page tells no more of what it was",
            Reason::DuplicateChain => "a leaf of off-page duplicates becomes a page of a chain",
            Reason::DuplicateHead => "items name the first page of a chain of off-page duplicates",
            Reason::ReferencesLeft => "an overflow chain counts the references that are left",
            Reason::Freed => "a page that is needed no more goes to the free list",
            Reason::BucketType => "the pairs of a bucket are said to be in no order",
            Reason::Mended => "what follows from the rest of the file is put right",
            Reason::ByteOrder => "the page is in another byte order",
        }
    }

    /// The reasons that some bits stand for.
    pub(super) fn of(bits: u32) -> impl Iterator<Item = Reason> {
        Reason::ALL.into_iter().filter(move |reason| bits & reason.bit() != 0)
    }

    pub(super) fn bit(self) -> u32 {
        Reason::ALL.iter().zip(0u32..).find(|(reason, _)| **reason == self).map_or(0, |(_, bit)| 1 << bit)
    }
}
