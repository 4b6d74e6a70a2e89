//! What protects the pages of a file, and where it stands on them (database-format, "Where the
//! index array starts", "Checksums and encryption", annex B).
//!
//! ```text
//! encrypted page    0 header in the clear   28 code (20)   48 iv (16)   64 … end: hidden
//! encrypted meta    0 header in the clear   64 … 512: hidden; over it then   476 iv (16)   492 code (20)
//! ```

use std::ops::Range;

use super::meta::LENGTH;
use super::page::{HEADER, HEADER_CHECKSUMMED, HEADER_ENCRYPTED, PageKind};

/// What protects all pages of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seal {
    None,
    Checksum,
    /// A cipher, and a code over what it gives.
    Encrypted,
}

impl Seal {
    pub(crate) fn of(encrypted: bool, checksummed: bool) -> Seal {
        match (encrypted, checksummed) {
            (true, _) => Seal::Encrypted,
            (false, true) => Seal::Checksum,
            (false, false) => Seal::None,
        }
    }

    /// Where index arrays start on ordinary pages.
    pub(crate) fn overhead(self) -> usize {
        match self {
            Seal::None => HEADER,
            Seal::Checksum => HEADER_CHECKSUMMED,
            Seal::Encrypted => HEADER_ENCRYPTED,
        }
    }

    /// Where records start on the pages of a QUEUE.
    pub(crate) fn queue_header(self) -> usize {
        match self {
            Seal::None => 28,
            Seal::Checksum => 48,
            Seal::Encrypted => HEADER_ENCRYPTED,
        }
    }
}

/// Where on an encrypted page what stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    /// The bytes that the code is of, itself taken as zeros.
    pub(crate) covered: Range<usize>,
    pub(crate) code: Range<usize>,
    pub(crate) iv: Range<usize>,
    pub(crate) hidden: Range<usize>,
    /// What is hidden and lies under the initialisation vector and the code: nothing, but on
    /// metadata pages.
    pub(crate) lost: Range<usize>,
}

impl Places {
    /// Those of a page of this length.
    pub(crate) fn of(is_metadata: bool, length: usize) -> Places {
        let start = HEADER_ENCRYPTED;
        if is_metadata {
            Places { covered: 0..LENGTH, code: 492..512, iv: 476..492, hidden: start..LENGTH, lost: 464..512 }
        } else {
            Places { covered: 0..length, code: 28..48, iv: 48..64, hidden: start..length, lost: start..start }
        }
    }
}

/// Whether a page of this kind is one of metadata, which is sealed apart from the others.
pub(crate) fn is_metadata(kind: PageKind) -> bool {
    use PageKind::{BtreeMeta, HashMeta, HeapMeta, QueueMeta};
    matches!(kind, BtreeMeta | HashMeta | HeapMeta | QueueMeta)
}
