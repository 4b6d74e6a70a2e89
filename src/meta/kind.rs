//! What a file is, by its first bytes (database-format, "Identification"; log-format, "Files").

use super::flags::Flags;
use super::series1;
use crate::format::log::MAGIC as LOG_MAGIC;
use crate::format::meta::{self as layout, Field, Layout, at};
use crate::format::page::PageKind;
use crate::method::Method;
use crate::order::Endianness::{self, Big, Little};
use crate::types::{FileId, Lsn, PageSize};

/// What a file is, by its first bytes: also one that is not read otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// A database, or the main file of one that has others beside it.
    Database(DatabaseKind),
    /// Records of a QUEUE, whose main file is another.
    Extent,
    /// A transaction log.
    Log {
        /// Version of the log's format.
        version: u32,
        /// Byte order of its header.
        order: Endianness,
    },
    /// A region file of a program that has an environment open, or had.
    Region(Region),
    /// A database of the 1.x series (1.85, 1.86).
    Series1 {
        /// Access method.
        method: Method,
        /// File version.
        version: u32,
        /// Byte order of the file.
        order: Endianness,
    },
    /// What an unfinished rename or remove left behind.
    Placeholder,
    /// No bytes at all: created, but never written.
    Empty,
    /// Something else.
    Other,
}

/// What a database file says of itself on its first page.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatabaseKind {
    /// Access method.
    pub method: Method,
    /// File version; each access method counts its own.
    pub version: u32,
    /// Byte order of the metadata.
    pub order: Endianness,
    /// Page size, if it is one that a file can have.
    pub page_size: Option<PageSize>,
    /// The file's id; not known of versions that no release wrote, nor, before it is opened with its
    /// password, of a database that is encrypted.
    pub file_id: Option<FileId>,
    /// LSN of the metadata page.
    pub lsn: Lsn,
    /// Whether pages are encrypted.
    pub encrypted: bool,
    /// Whether pages have checksums.
    pub checksummed: bool,
    /// Whether leaf entries are compressed.
    pub compressed: bool,
    /// Number of files `__dbp.NAME.NNN` beside this one that hold the pairs of a partitioned
    /// database.
    pub partitions: Option<u32>,
    /// That number as it stands, whatever the bits beside it say.
    nparts: u32,
    /// The files `__dbq.NAME.N` beside this one that hold the records of a QUEUE; not known of one
    /// that is encrypted.
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

/// A region file: nothing in it is data that a database lacks, but its programs may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Region {
    /// Whether it bears the magic number; of several only the first does from release 3.0 on.
    pub primary: bool,
    /// The release of the library that made it (major, minor, patch), where it stands: in the
    /// words behind the magic number. Where they are differs from build to build.
    pub release: Option<(u32, u32, u32)>,
}

impl FileKind {
    /// What a file is that begins with these bytes: 512 of them tell everything.
    #[must_use]
    pub fn of(head: &[u8]) -> FileKind {
        if head.is_empty() {
            return FileKind::Empty;
        }
        // No more is looked at, however much of the file is there.
        let head = head.get(..layout::LENGTH).unwrap_or(head);
        let orders = [Little, Big];
        let by_magic = orders.into_iter().find_map(|order| FileKind::by_magic(head, order));
        let series_1 = || orders.into_iter().find_map(|order| FileKind::series_1(head, order));
        let region = || Region::in_bytes(head).map(FileKind::Region);
        let extent = || FileKind::is_extent(head).then_some(FileKind::Extent);
        by_magic.or_else(series_1).or_else(region).or_else(extent).unwrap_or(FileKind::Other)
    }

    fn by_magic(head: &[u8], order: Endianness) -> Option<FileKind> {
        let method = match order.u32_at(head, at::MAGIC)? {
            layout::BTREE_MAGIC => Method::Btree,
            layout::HASH_MAGIC => Method::Hash,
            layout::QUEUE_MAGIC => Method::Queue,
            layout::HEAP_MAGIC => Method::Heap,
            layout::RENAME_MAGIC => return Some(FileKind::Placeholder),
            LOG_MAGIC => {
                return Some(FileKind::Log { version: order.u32_at(head, at::VERSION).unwrap_or(0), order });
            }
            _ => return None,
        };
        Some(FileKind::Database(DatabaseKind::of(head, method, order)))
    }

    fn series_1(head: &[u8], order: Endianness) -> Option<FileKind> {
        let (method, version, order) = series1::kind(head, order)?;
        Some(FileKind::Series1 { method, version, order })
    }

    /// An extent has no metadata: it begins with records, on a page of their type. Where
    /// ordinary pages have links and counts it has nothing.
    fn is_extent(head: &[u8]) -> bool {
        let kind = head.get(at::TYPE).copied().and_then(PageKind::from_byte);
        let nothing = |bytes: &[u8]| bytes.iter().all(|&byte| byte == 0);
        kind == Some(PageKind::QueueData)
            && head.get(at::PGNO..at::MAGIC).is_some_and(|number| !nothing(number))
            && head.get(at::MAGIC..at::TYPE).is_some_and(nothing)
    }

    /// The database that it is.
    #[must_use]
    pub fn database(&self) -> Option<&DatabaseKind> {
        match self {
            FileKind::Database(database) => Some(database),
            _ => None,
        }
    }
}

impl DatabaseKind {
    fn of(head: &[u8], method: Method, order: Endianness) -> DatabaseKind {
        let version = order.u32_at(head, at::VERSION).unwrap_or(0);
        let layout = Layout::of_page(head, order);
        let number = |field| layout.and_then(|layout| layout.number(head, field, order));
        let crypto = layout.is_some_and(|layout| layout.generation().has_checksums());
        let metaflags = number(Field::Metaflags).filter(|_| crypto).unwrap_or(0);
        let flags = Flags::new(number(Field::Flags).unwrap_or(0));
        let tree = method == Method::Btree;
        let has = |bits: u8| metaflags & u32::from(bits) != 0;
        let word = |at| order.u32_at(head, at);
        let encrypted = crypto && number(Field::EncryptAlg).is_some_and(|algorithm| algorithm != 0);
        let clear = || layout.filter(|_| !encrypted);
        let id = clear().and_then(|layout| layout.bytes(head, Field::Uid)?.first_chunk().copied());
        DatabaseKind {
            method: if tree && flags.recno() { Method::Recno } else { method },
            version,
            order,
            page_size: word(at::PAGE_SIZE).and_then(PageSize::new),
            file_id: id.map(FileId),
            lsn: word(0).zip(word(4)).map(|(file, offset)| Lsn { file, offset }).unwrap_or_default(),
            encrypted,
            checksummed: has(layout::CHECKSUMMED),
            compressed: tree && crypto && flags.compressed(),
            partitions: number(Field::Nparts).filter(|_| has(layout::PARTITIONED)),
            nparts: number(Field::Nparts).filter(|_| crypto).unwrap_or(0),
            extents: Extents::of(|field| clear()?.number(head, field, order)),
        }
    }

    /// How many partitions it has, even if the bits that say so are gone.
    pub(crate) fn partition_count(&self) -> u32 {
        self.nparts
    }

    /// Whether a change of the file in place was interrupted.
    #[must_use]
    pub fn is_half_written(&self) -> bool {
        self.version == layout::HALF_WRITTEN
    }
}

impl Extents {
    fn of(number: impl Fn(Field) -> Option<u32>) -> Option<Extents> {
        let (first, next) = (number(Field::FirstRecno)?, number(Field::CurRecno)?);
        let (per_page, pages) = (number(Field::RecPage)?, number(Field::PageExt)?);
        let extent = |record: u32| record.checked_sub(1)?.checked_div(per_page)?.checked_div(pages);
        // The number of the next record: behind the last of all comes 1.
        let last = if next == 1 { u32::MAX } else { next.checked_sub(1)? };
        (first != next).then_some(Extents { first: extent(first)?, last: extent(last)? })
    }
}

impl Region {
    /// The magic number of a primary region, wherever a release puts it.
    const MAGIC: u32 = 0x0012_0897;

    fn in_bytes(head: &[u8]) -> Option<Region> {
        [Little, Big].into_iter().find_map(|order| {
            let word = |index: usize| order.u32_at(head, index.checked_mul(4)?);
            let words = head.len().div_euclid(4);
            let at = (0..words).find(|&at| word(at) == Some(Region::MAGIC))?;
            let behind = |count: usize| word(at.saturating_add(count)).unwrap_or(u32::MAX);
            // A mark that the environment is unusable may stand between.
            let release = [1, 2].into_iter().find_map(|from: usize| {
                let [major, minor, patch] = [0, 1, 2].map(|next: usize| behind(from.saturating_add(next)));
                ((2..=18).contains(&major) && minor < 10 && patch < 1000).then_some((major, minor, patch))
            });
            Some(Region { primary: true, release })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(magic: u32, version: u32, order: Endianness) -> Vec<u8> {
        let mut bytes = vec![0; 512];
        for (at, number) in [(12, magic), (16, version), (20, 4096)] {
            order.put_u32(&mut bytes, at, number);
        }
        bytes
    }

    fn database(head: &[u8]) -> DatabaseKind {
        FileKind::of(head).database().unwrap().clone()
    }

    #[test]
    fn every_method_and_version_has_its_own_place_for_the_id() {
        let cases = [
            (layout::BTREE_MAGIC, 6, Some(48)),
            (layout::BTREE_MAGIC, 7, Some(36)),
            (layout::BTREE_MAGIC, 8, Some(52)),
            (layout::HASH_MAGIC, 3, None),
            (layout::HASH_MAGIC, 5, Some(188)),
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
                let kind = database(&bytes);
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
            database(&bytes).extents
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

    fn region(order: Endianness, words: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        for (at, &word) in (0..).step_by(4).zip(words) {
            order.put_u32(&mut bytes, at, word);
        }
        bytes
    }

    #[test]
    fn a_region_is_known_by_its_magic_number_and_tells_its_release() {
        for order in [Endianness::Little, Endianness::Big] {
            // As release 5.3 writes it; and with something before.
            for words in [&[Region::MAGIC, 0, 5, 3, 28][..], &[0, 7, Region::MAGIC, 4, 2, 52]] {
                let found = Region::in_bytes(&region(order, words)).unwrap();
                assert!(found.primary && found.release.is_some(), "{words:?}");
            }
            let odd = Region::in_bytes(&region(order, &[Region::MAGIC, 0, 0, 3, 28])).unwrap();
            assert_eq!(odd.release, None);
            assert_eq!(Region::in_bytes(&region(order, &[1, 2, 3])), None);
        }
    }

    #[test]
    fn an_extent_is_known_by_what_it_has_not() {
        let mut page = vec![0; 512];
        (page[11], page[25]) = (7, 11);
        page[28..40].fill(1);
        assert_eq!(FileKind::of(&page), FileKind::Extent);
        page[16] = 1; // a link, as ordinary pages have
        assert_eq!(FileKind::of(&page), FileKind::Other);
    }
}
