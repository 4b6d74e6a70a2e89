//! What the first page of a database file tells of it, whatever its access method
//! (database-format, "Identification", "BTREE metadata pages" and the annexes).

use super::identify::identify;
use crate::error::{Error, Result};
use crate::format::meta::{self as layout, at};
use crate::order::Endianness;
use crate::types::{FileId, Lsn, PageSize};

/// What a database file is, by its first page: also one that is not read otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileKind {
    /// Access method: `BTREE` (RECNO, too), `HASH`, `QUEUE` or `HEAP`.
    pub method: &'static str,
    /// File version; each access method counts its own.
    pub version: u32,
    /// Byte order of the metadata.
    pub order: Endianness,
    /// Page size, if it is one that a file can have.
    pub page_size: Option<PageSize>,
    /// The file's id; not known of HASH before version 6.
    pub file_id: Option<FileId>,
    /// LSN of the metadata page.
    pub lsn: Lsn,
    /// Whether pages are encrypted.
    pub encrypted: bool,
    /// Whether pages have checksums.
    pub checksummed: bool,
    /// Number of files `__dbp.NAME.NNN` beside this one that hold the pairs of a partitioned
    /// database.
    pub partitions: Option<u32>,
    /// The files `__dbq.NAME.N` beside this one that hold the records of a QUEUE.
    pub extents: Option<Extents>,
}

/// The extents of a QUEUE that may hold records. One that is not there was consumed, or never
/// written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extents {
    /// The extent of the first record.
    pub first: u32,
    /// The extent of the last record; below the first where the numbers of records began anew.
    pub last: u32,
}

impl FileKind {
    /// What a file is that begins with these bytes: 512 of them tell everything.
    ///
    /// # Errors
    ///
    /// It is no database of releases 2.x and later: the error says what it is.
    pub fn of(head: &[u8]) -> Result<FileKind> {
        let (method, version, order) = match identify(head) {
            Ok(order) => ("BTREE", order.u32_at(head, at::VERSION).unwrap_or(0), order),
            Err(Error::UnsupportedMethod { kind, version, order }) => (kind, version, order),
            Err(error) => return Err(error),
        };
        let byte = |at: usize| head.get(at).copied().unwrap_or(0);
        let word = |at: usize| order.u32_at(head, at);
        let crypto = matches!((method, version), ("BTREE", 9) | ("HASH", 8 | 9) | ("QUEUE", 4) | ("HEAP", _));
        let flags = if crypto { byte(at::METAFLAGS) } else { 0 };
        let id = match (method, version) {
            ("BTREE", 6) => Some(48),
            ("BTREE", 7) | ("HASH", 6) | ("QUEUE", 1) => Some(36),
            ("BTREE", 8 | 9) | ("HASH", 7..=9) | ("QUEUE", 2..=4) | ("HEAP", _) => Some(52),
            _ => None,
        };
        let id = id.and_then(|at| head.get(at..)?.first_chunk().copied());
        Ok(FileKind {
            method,
            version,
            order,
            page_size: word(at::PAGE_SIZE).and_then(PageSize::new),
            file_id: id.map(FileId),
            lsn: word(0).zip(word(4)).map(|(file, offset)| Lsn { file, offset }).unwrap_or_default(),
            encrypted: crypto && byte(at::ENCRYPTION) != 0,
            checksummed: flags & layout::CHECKSUMMED != 0,
            partitions: word(at::NPARTS).filter(|_| flags & layout::PARTITIONED != 0),
            extents: (method == "QUEUE" && version >= 3).then(|| Extents::of(word)).flatten(),
        })
    }
}

impl Extents {
    /// Offsets in the metadata page of a QUEUE of version 3 or 4.
    const FIRST: usize = 72;
    const NEXT: usize = 76;
    const PER_PAGE: usize = 88;
    const PAGES: usize = 92;

    fn of(word: impl Fn(usize) -> Option<u32>) -> Option<Extents> {
        let (first, next) = (word(Extents::FIRST)?, word(Extents::NEXT)?);
        let per_page = word(Extents::PER_PAGE)?;
        let pages = word(Extents::PAGES)?;
        let extent = |record: u32| record.checked_sub(1)?.checked_div(per_page)?.checked_div(pages);
        // The number of the next record: behind the last of all comes 1.
        let last = if next == 1 { u32::MAX } else { next.checked_sub(1)? };
        (first != next).then_some(Extents { first: extent(first)?, last: extent(last)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::PageSize;

    fn file(magic: u32, version: u32, order: Endianness) -> Vec<u8> {
        let mut bytes = vec![0; 512];
        for (at, number) in [(12, magic), (16, version), (20, 4096)] {
            order.put_u32(&mut bytes, at, number);
        }
        bytes
    }

    #[test]
    fn every_method_and_version_has_its_own_place_for_the_id() {
        let cases = [
            (layout::BTREE_MAGIC, 6, Some(48)),
            (layout::BTREE_MAGIC, 7, Some(36)),
            (layout::BTREE_MAGIC, 8, Some(52)),
            (layout::HASH_MAGIC, 5, None),
            (layout::HASH_MAGIC, 6, Some(36)),
            (layout::HASH_MAGIC, 9, Some(52)),
            (layout::QUEUE_MAGIC, 1, Some(36)),
            (layout::QUEUE_MAGIC, 4, Some(52)),
            (layout::HEAP_MAGIC, 1, Some(52)),
        ];
        for order in [Endianness::Little, Endianness::Big] {
            for (magic, version, at) in cases {
                let mut bytes = file(magic, version, order);
                if let Some(at) = at {
                    bytes[at..at + 20].fill(7);
                }
                let kind = FileKind::of(&bytes).unwrap();
                assert_eq!((kind.version, kind.order), (version, order));
                assert_eq!(kind.page_size, PageSize::new(4096));
                assert_eq!(kind.file_id, at.map(|_| FileId([7; 20])), "{} {version}", kind.method);
            }
        }
    }

    #[test]
    fn extents_go_from_the_first_record_to_the_last() {
        let mut bytes = file(layout::QUEUE_MAGIC, 4, Endianness::Little);
        let mut of = |first, next, per_page, pages| {
            for (at, number) in [(72, first), (76, next), (88, per_page), (92, pages)] {
                Endianness::Little.put_u32(&mut bytes, at, number);
            }
            FileKind::of(&bytes).unwrap().extents
        };
        assert_eq!(of(1, 1, 10, 2), None);
        assert_eq!(of(1, 21, 10, 2), Some(Extents { first: 0, last: 0 }));
        assert_eq!(of(21, 62, 10, 2), Some(Extents { first: 1, last: 3 }));
        assert_eq!(of(u32::MAX, 1, 10, 2), Some(Extents { first: 214_748_364, last: 214_748_364 }));
        assert_eq!(of(u32::MAX, 5, 10, 2), Some(Extents { first: 214_748_364, last: 0 }));
        for (per_page, pages) in [(0, 2), (10, 0)] {
            assert_eq!(of(1, 9, per_page, pages), None);
        }
    }
}
