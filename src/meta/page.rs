//! What the metadata page of a database says, and whether it can be.

use super::flags::Flags;
use super::hash::Buckets;
use super::heap::Heap;
use super::identify::expect_supported;
use super::kind::{DatabaseKind, FileKind};
use super::queue::Queue;
use super::series1::{self, Series1};
use crate::error::{Defect, Error, Result};
use crate::format::checksum;
use crate::format::external;
use crate::format::generation::Generation;
use crate::format::hash::HashFunction;
use crate::format::meta::{self as layout, Field, Layout, at};
use crate::format::page::PageKind;
use crate::format::queue;
use crate::format::seal::Seal;
use crate::format::series1::tree;
use crate::method::{Feature, Method};
use crate::order::Endianness;
use crate::types::{FileId, Lsn, PageNo, PageSize};

/// The metadata of a database, whatever the version of its file.
///
/// What a version does not store is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    page: PageNo,
    version: u32,
    layout: Layout,
    endianness: Endianness,
    page_size: PageSize,
    lsn: Lsn,
    flags: Flags,
    free: Option<PageNo>,
    last_page: Option<PageNo>,
    file_id: FileId,
    checksummed: bool,
    encrypted: bool,
    partitioned: Option<Partitioned>,
    external: External,
    of: Of,
}

/// How pairs are divided among files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Partitioned {
    count: u32,
    by_keys: bool,
}

/// What a database keeps in external files, and where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct External {
    threshold: u32,
    folder: u64,
    database: u64,
}

/// What each access method has of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Of {
    Tree(Tree),
    Hash(Box<Buckets>),
    Queue(Queue),
    Heap(Heap),
    Series1(Series1),
}

/// A BTREE or a RECNO tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tree {
    min_key: u32,
    record_length: u32,
    pad: u8,
    root: PageNo,
    root_at: usize,
}

impl Meta {
    /// The metadata page itself; 0 except for databases inside a file with several.
    #[must_use]
    pub fn page(&self) -> PageNo {
        self.page
    }

    /// Version of the format: 6 to 10 of BTREE and RECNO, 4 to 10 of HASH, and 3 or less of the 1.x
    /// series. Each access method counts its own.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Byte order of the file.
    #[must_use]
    pub fn endianness(&self) -> Endianness {
        self.endianness
    }

    /// Page size of the file.
    #[must_use]
    pub fn page_size(&self) -> PageSize {
        self.page_size
    }

    /// LSN of the metadata page.
    #[must_use]
    pub fn lsn(&self) -> Lsn {
        self.lsn
    }

    /// The access method.
    #[must_use]
    pub fn method(&self) -> Method {
        match &self.of {
            Of::Hash(_) => Method::Hash,
            Of::Queue(_) => Method::Queue,
            Of::Heap(_) => Method::Heap,
            Of::Series1(series1) => series1.method(),
            Of::Tree(_) if self.flags.recno() => Method::Recno,
            Of::Tree(_) => Method::Btree,
        }
    }

    /// The flags.
    #[must_use]
    pub fn flags(&self) -> Flags {
        self.flags
    }

    /// Minimum number of keys per page (default 2; some damaged files say 0).
    #[must_use]
    pub fn min_key(&self) -> u32 {
        self.tree().map_or(2, |tree| tree.min_key)
    }

    /// Length of every record in bytes, for QUEUE, and for RECNO with fixed length.
    ///
    /// Version 6 of RECNO does not store it, even for files that have the flag.
    #[must_use]
    pub fn record_length(&self) -> Option<u32> {
        if let Some(queue) = self.queue() {
            return Some(queue.record_length);
        }
        let tree = self.tree().filter(|_| self.flags.fixed_length() && self.stores_records())?;
        Some(tree.record_length)
    }

    /// The byte that fills short records, where [`Meta::record_length`] is known.
    #[must_use]
    pub fn pad(&self) -> Option<u8> {
        if let Some(queue) = self.queue() {
            return Some(queue.pad);
        }
        self.record_length().and_then(|_| self.tree()).map(|tree| tree.pad)
    }

    /// The number of the first record of a QUEUE, and the number that its next one will have:
    /// the same, if it has none. Numbers go from 1 to 2^32 - 1 and then on from 1, so the first
    /// may be the higher one.
    #[must_use]
    pub fn record_range(&self) -> Option<(u32, u32)> {
        self.queue().map(|queue| (queue.first, queue.next))
    }

    /// Pages in each of the files beside a QUEUE that hold its records; `None` if it has none
    /// such.
    #[must_use]
    pub fn extent_pages(&self) -> Option<u32> {
        self.queue().map(|queue| queue.extent_pages).filter(|&pages| pages > 0)
    }

    /// Pages in a region of a HEAP, without the page with which it begins.
    #[must_use]
    pub fn region_size(&self) -> Option<u32> {
        self.heap().map(|heap| heap.region_size)
    }

    /// The most bytes that a HEAP may grow to; `None` if it has no limit.
    #[must_use]
    pub fn most_bytes(&self) -> Option<u64> {
        self.heap().map(|heap| heap.most).filter(|&most| most > 0)
    }

    /// Root page of the tree; `None` for HASH, QUEUE and HEAP.
    #[must_use]
    pub fn root(&self) -> Option<PageNo> {
        match &self.of {
            Of::Series1(Series1::Tree(_)) => Some(PageNo(tree::ROOT)),
            _ => self.tree().map(|tree| tree.root),
        }
    }

    /// Buckets of a HASH database; `None` for trees.
    #[must_use]
    pub fn bucket_count(&self) -> Option<u64> {
        let max = match &self.of {
            Of::Series1(Series1::Hash(header)) => Some(header.max_bucket),
            _ => self.buckets().map(|buckets| buckets.max),
        };
        max.map(|max| u64::from(max).saturating_add(1))
    }

    /// Where the pages of a HASH database are.
    pub(crate) fn buckets(&self) -> Option<&Buckets> {
        match &self.of {
            Of::Hash(buckets) => Some(buckets),
            _ => None,
        }
    }

    /// Where the records of a QUEUE are.
    pub(crate) fn queue(&self) -> Option<&Queue> {
        match &self.of {
            Of::Queue(queue) => Some(queue),
            _ => None,
        }
    }

    /// The regions of a HEAP.
    pub(crate) fn heap(&self) -> Option<&Heap> {
        match &self.of {
            Of::Heap(heap) => Some(heap),
            _ => None,
        }
    }

    /// What a file of the 1.x series says: they are read by readers of their own.
    pub(crate) fn series1(&self) -> Option<&Series1> {
        match &self.of {
            Of::Series1(series1) => Some(series1),
            _ => None,
        }
    }

    /// Whether the file is one of the 1.x series (1.85, 1.86): no environment knows it, and it is
    /// not changed in place.
    #[must_use]
    pub fn is_series1(&self) -> bool {
        self.series1().is_some()
    }

    /// Keys in a bucket of a HASH file of the 1.x series, as its maker wanted it.
    pub(crate) fn series1_fill_factor(&self) -> Option<u32> {
        match self.series1()? {
            Series1::Hash(header) => Some(header.fill_factor),
            Series1::Tree(_) => None,
        }
    }

    /// First page of the free list.
    #[must_use]
    pub fn free(&self) -> Option<PageNo> {
        self.free
    }

    /// Highest page of the file as the file says: not stored before version 8
    /// nor by releases 3.1 and 3.2, and not to be relied on.
    #[must_use]
    pub fn last_page(&self) -> Option<PageNo> {
        self.last_page
    }

    /// The id by which logs know the file.
    #[must_use]
    pub fn file_id(&self) -> FileId {
        self.file_id
    }

    /// Whether every page carries a checksum (version 9).
    #[must_use]
    pub fn checksummed(&self) -> bool {
        self.checksummed
    }

    /// Whether the pages are encrypted (version 9).
    #[must_use]
    pub fn encrypted(&self) -> bool {
        self.encrypted
    }

    /// What protects the pages of the file.
    pub(crate) fn seal(&self) -> Seal {
        Seal::of(self.encrypted, self.checksummed)
    }

    /// Number of files `__dbp.NAME.NNN` beside this one that hold the pairs of a partitioned
    /// database; `None`, if it is not partitioned.
    #[must_use]
    pub fn partitions(&self) -> Option<u32> {
        self.partitioned.map(|partitioned| partitioned.count)
    }

    /// Whether each partition holds the keys of a range, and not those that a function of the
    /// program gave it.
    #[must_use]
    pub fn partitioned_by_keys(&self) -> bool {
        self.partitioned.is_some_and(|partitioned| partitioned.by_keys)
    }

    /// The magic number of its access method.
    pub(crate) fn magic(&self) -> u32 {
        self.layout.magic()
    }

    /// From which length on, in bytes, the library puts values into external files; `None` if it never
    /// does (other-releases, "Metadata fields").
    #[must_use]
    pub fn external_threshold(&self) -> Option<u32> {
        Some(self.external.threshold).filter(|&threshold| threshold > 0)
    }

    /// The number of the folder that has the external files of this file, and that of the folder in it
    /// which has those of this database, if it is not alone in its file. `None` if it never had such.
    #[must_use]
    pub fn external_folder(&self) -> Option<(u64, Option<u64>)> {
        let External { folder, database, .. } = self.external;
        (folder > 0).then(|| (folder, Some(database).filter(|&database| database > 0)))
    }

    fn of_series1(facts: series1::Facts) -> Meta {
        Meta {
            page: PageNo::META,
            version: facts.version,
            layout: Layout::of_series1(facts.magic),
            endianness: facts.order,
            page_size: facts.page_size,
            lsn: Lsn::default(),
            flags: facts.flags,
            free: facts.free,
            last_page: None,
            file_id: FileId([0; 20]),
            checksummed: false,
            encrypted: false,
            partitioned: None,
            external: External::default(),
            of: Of::Series1(facts.of),
        }
    }

    fn tree(&self) -> Option<&Tree> {
        match &self.of {
            Of::Tree(tree) => Some(tree),
            _ => None,
        }
    }

    /// Whether the length and the pad byte of fixed-length records are stored: 2.x kept them
    /// in the program.
    fn stores_records(&self) -> bool {
        self.generation() > Generation::V2
    }

    /// The family of releases that laid it out.
    pub(crate) fn generation(&self) -> Generation {
        self.layout.generation()
    }

    /// Where a field stands on the metadata page; 0 if the version has none.
    pub(crate) fn at(&self, field: Field) -> usize {
        self.layout.place(field).map_or(0, |(at, _)| at)
    }

    /// Where it stands which page is the root; if it is page 1 because the version says so, the
    /// version.
    pub(crate) fn root_at(&self) -> usize {
        self.tree().map_or(at::VERSION, |tree| tree.root_at)
    }

    /// Whether it leads to the same tree, buckets or records and the same free list, and the pages
    /// are to be taken alike: everything but version, file id, whether duplicates are sorted, a
    /// length of records that one of them does not store, and what is there of a HASH for buckets
    /// still to come.
    #[cfg(feature = "upgrade")]
    pub(crate) fn leads_as(&self, other: &Meta) -> bool {
        let facts = |meta: &Meta| {
            let flags = meta.flags.bits() & !Flags::SORTED;
            (meta.page_size, meta.root(), meta.free, flags, meta.min_key(), meta.seal())
        };
        let records = |meta: &Meta| meta.tree().map(|tree| (tree.record_length, tree.pad));
        let stored = self.stores_records() && other.stores_records();
        facts(self) == facts(other)
            && (records(self) == records(other) || !stored)
            && self.buckets().map(Buckets::places) == other.buckets().map(Buckets::places)
            && self.queue() == other.queue()
            && self.heap() == other.heap()
    }

    /// Whether a record length is stored that the flags do not allow.
    pub(crate) fn stray_record_length(&self) -> bool {
        self.tree().is_some_and(|tree| tree.record_length != 0 && !self.flags.fixed_length())
    }

    /// Whether off-page duplicates are trees, not chains.
    pub(crate) fn duplicate_trees(&self) -> bool {
        self.generation().has_duplicate_trees()
    }

    /// Whether shared keys may stand in the opposite byte order (the version 6
    /// parity defect).
    pub(crate) fn shared_keys_may_be_reversed(&self) -> bool {
        self.generation().may_reverse_shared_keys()
    }

    /// Whether only type and link of a free page mean something: so releases 2.x free those of
    /// HASH files.
    pub(crate) fn free_pages_may_be_stale(&self) -> bool {
        self.method() == Method::Hash && self.generation() == Generation::V2
    }

    /// The highest page, if the releases that laid the file out kept it up to date.
    pub(crate) fn kept_last_page(&self) -> Option<PageNo> {
        self.last_page.filter(|_| self.generation().keeps_last_page())
    }

    /// Byte order of page numbers in the list of databases.
    pub(crate) fn directory_order(&self) -> Endianness {
        self.directory_order_in(self.endianness)
    }

    /// The same of a file of another order.
    pub(crate) fn directory_order_in(&self, file: Endianness) -> Endianness {
        if self.generation() == Generation::V30 { file } else { Endianness::Big }
    }

    /// The error for the flags.
    fn wrong_flags(&self, expected: &'static str) -> Error {
        Error::field(self.page, self.at(Field::Flags), "flags", self.flags.bits(), expected)
    }
}

/// The database that a file is, if it says that it is encrypted with the one cipher that there is.
pub(crate) fn encrypted<'k>(kind: &'k FileKind, file: &[u8]) -> Option<&'k DatabaseKind> {
    kind.database().filter(|kind| kind.encrypted && file.get(at::ENCRYPTION) == Some(&layout::AES))
}

/// Parses the metadata page of a file of this kind; decrypted, if it was encrypted.
///
/// # Errors
///
/// Names what the file is instead, the feature that is not supported, or the
/// field that is wrong.
pub(crate) fn parse(kind: &FileKind, file: &[u8]) -> Result<Meta> {
    let order = expect_supported(kind, file)?;
    if let FileKind::Series1 { method, version, .. } = *kind {
        return series1::parse(method, version, order, file).map(Meta::of_series1);
    }
    let bytes = file
        .get(..layout::LENGTH)
        .ok_or_else(|| Error::TooShort { len: u64::try_from(file.len()).unwrap_or(u64::MAX) })?;
    let meta = parse_page(bytes, PageNo::META, order)?;
    if let Some(root) = meta.root().filter(|root| root.0 != 1) {
        return Err(Error::field(PageNo::META, meta.root_at(), "root", root.0, "1"));
    }
    if meta.flags.several_databases() && meta.method() == Method::Hash {
        return Err(meta.wrong_flags("no list of databases in a HASH file"));
    }
    if meta.flags.several_databases() && meta.partitioned.is_some() {
        return Err(meta.wrong_flags("no list of databases in a partitioned file"));
    }
    if meta.flags.several_databases() && (meta.flags.duplicates() || meta.flags.recno()) {
        return Err(meta.wrong_flags("no duplicates or records in a list of databases"));
    }
    Ok(meta)
}

/// Parses the metadata page of one database of several; decrypted, if it was encrypted.
///
/// # Errors
///
/// As [`parse`].
pub(crate) fn parse_inner(page: &[u8], number: PageNo, file: &Meta) -> Result<Meta> {
    let order = file.endianness;
    let bytes = page.get(..layout::LENGTH).unwrap_or(page);
    let magic = order.u32_at(bytes, at::MAGIC).unwrap_or(0);
    let version = order.u32_at(bytes, at::VERSION).unwrap_or(0);
    if Generation::of(magic, version) == Some(Generation::V2) {
        let expected = "that of a release that keeps several in a file";
        return Err(Error::field(number, at::VERSION, "version", version, expected));
    }
    if !is_database_magic(magic) {
        return Err(Error::field(number, at::MAGIC, "magic", magic, "that of a database"));
    }
    let meta = parse_page(bytes, number, order)?;
    if meta.page_size != file.page_size {
        let found = meta.page_size.get();
        return Err(Error::field(number, at::PAGE_SIZE, "page size", found, "that of page 0"));
    }
    if meta.checksummed != file.checksummed && !file.encrypted {
        return Err(Error::field(number, at::METAFLAGS, "metaflags", 0u32, "those of page 0"));
    }
    if meta.encrypted != file.encrypted {
        let found = u32::from(meta.encrypted);
        return Err(Error::field(number, at::ENCRYPTION, "encrypt_alg", found, "that of page 0"));
    }
    Ok(meta)
}

fn parse_page(bytes: &[u8], number: PageNo, order: Endianness) -> Result<Meta> {
    let magic = order.u32_at(bytes, at::MAGIC).unwrap_or(0);
    let version = order.u32_at(bytes, at::VERSION).unwrap_or(0);
    let method = match magic {
        layout::HASH_MAGIC => Method::Hash,
        layout::QUEUE_MAGIC => Method::Queue,
        layout::HEAP_MAGIC => Method::Heap,
        _ => Method::Btree,
    };
    let Some(layout) = Layout::of(magic, version) else {
        if version == layout::HALF_WRITTEN && number == PageNo::META {
            return Err(Error::Interrupted);
        }
        return Err(Error::UnsupportedVersion { method, version, order });
    };
    if bytes.len() < layout::LENGTH {
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        return Err(Error::field(number, at::PGNO, "length", len, "512 bytes of metadata"));
    }
    Fields { bytes, number, order, layout }.check(method, version)
}

/// A whole metadata page, as it stands.
#[derive(Clone, Copy)]
struct Fields<'p> {
    bytes: &'p [u8],
    number: PageNo,
    order: Endianness,
    layout: Layout,
}

impl Fields<'_> {
    /// A number; 0 if the version has no such field.
    fn get(&self, field: Field) -> u32 {
        self.layout.number(self.bytes, field, self.order).unwrap_or(0)
    }

    fn wrong(&self, field: Field, found: u32, expected: &'static str) -> Error {
        let at = self.layout.place(field).map_or(at::VERSION, |(at, _)| at);
        Error::field(self.number, at, field.name(), found, expected)
    }

    fn check(self, method: Method, version: u32) -> Result<Meta> {
        let generation = self.layout.generation();
        let kind = match method {
            Method::Hash => PageKind::HashMeta,
            Method::Queue => PageKind::QueueMeta,
            Method::Heap => PageKind::HeapMeta,
            Method::Btree | Method::Recno => PageKind::BtreeMeta,
        };
        let found = self.layout.bytes(self.bytes, Field::Type).and_then(|byte| byte.first().copied());
        if let Some(found) = found.filter(|&byte| PageKind::from_byte(byte) != Some(kind)) {
            let defect = Defect::PageType { found, expected: kind.name() };
            return Err(Error::corrupt(self.number, at::TYPE, defect));
        }
        let unsupported = |feature| Error::UnsupportedFeature { method, version, order: self.order, feature };
        let stored = self.get(Field::Flags);
        let [encryption, metaflags, nparts] = [Field::EncryptAlg, Field::Metaflags, Field::Nparts]
            .map(|field| if generation.has_checksums() { self.get(field) } else { 0 });
        if encryption > u32::from(layout::AES) {
            return Err(self.wrong(Field::EncryptAlg, encryption, "0 or 1"));
        }
        let encrypted = encryption != 0;
        // Nothing that stands behind is read of a page that was not decrypted.
        let magic = self.get(Field::CryptoMagic);
        if encrypted && magic != self.get(Field::Magic) {
            return Err(self.wrong(Field::CryptoMagic, magic, "the magic number, decrypted"));
        }
        let sliced_flag = match method {
            Method::Btree | Method::Recno => layout::SLICED_BTREE,
            Method::Hash => layout::SLICED_HASH,
            Method::Queue | Method::Heap => 0,
        };
        let sliced = metaflags & u32::from(layout::SLICED) != 0 || stored & sliced_flag != 0;
        if sliced && generation.has_slices() {
            return Err(unsupported(Feature::Sliced));
        }
        if metaflags & !u32::from(layout::CHECKSUMMED | layout::PARTITIONED) != 0 {
            return Err(self.wrong(Field::Metaflags, metaflags, "known flags only"));
        }
        let partitioned = self.partitioned(method, metaflags, nparts)?;
        let checksummed = metaflags & u32::from(layout::CHECKSUMMED) != 0;
        let size = self.get(Field::PageSize);
        let page_size = PageSize::new(size).ok_or(Error::PageSize { found: size })?;
        let (flags, of) = match method {
            Method::Hash => (Flags::of_hash(stored), Of::Hash(Box::new(self.buckets(version)))),
            Method::Queue => (Flags::of_none(stored), Of::Queue(self.queue())),
            Method::Heap => (Flags::of_none(stored), Of::Heap(self.heap())),
            Method::Btree | Method::Recno => (Flags::new(stored), Of::Tree(self.tree())),
        };
        let id = self.layout.bytes(self.bytes, Field::Uid).and_then(|id| id.first_chunk().copied());
        let lsn = [0, 4].map(|at| self.order.u32_at(self.bytes, at).unwrap_or(0));
        let meta = Meta {
            page: self.number,
            version,
            layout: self.layout,
            endianness: self.order,
            page_size,
            lsn: Lsn { file: lsn[0], offset: lsn[1] },
            flags,
            free: PageNo::link(self.get(Field::Free)),
            // That of a database inside a file means nothing.
            last_page: PageNo::link(self.get(Field::LastPgno)).filter(|_| {
                method != Method::Queue && (method != Method::Hash || self.number == PageNo::META)
            }),
            file_id: FileId(id.unwrap_or_default()),
            checksummed,
            encrypted,
            partitioned,
            external: self.external(),
            of,
        };
        // The code of an encrypted page was checked when it was decrypted.
        if meta.seal() == Seal::Checksum {
            verify_checksum(self.bytes, self.number, checksum::ON_META, self.order)?;
        }
        let found = self.get(Field::Pgno);
        if found != self.number.0 {
            return Err(Error::corrupt(self.number, at::PGNO, Defect::PageNumber { found }));
        }
        let External { folder, database, .. } = meta.external;
        for (field, found) in [(Field::FileHigh, folder), (Field::DatabaseHigh, database)] {
            // Before, anything may stand there.
            if i64::try_from(found).is_err() && generation.has_late_externals() {
                let high = u32::try_from(found >> 32).unwrap_or(u32::MAX);
                return Err(self.wrong(field, high, "below 2^31"));
            }
        }
        if let Some(expected) = meta.flags.objection(generation) {
            return Err(meta.wrong_flags(expected));
        }
        if let Some(root) = meta.root().filter(|root| root.0 == 0 || *root == self.number) {
            return Err(self.wrong(Field::Root, root.0, "a page of the tree"));
        }
        if let Some(queue) = meta.queue() {
            let header = meta.seal().queue_header();
            let fit = queue::per_page(size, header, queue.record_length);
            if fit == 0 {
                return Err(self.wrong(Field::ReLen, queue.record_length, "records that fit a page"));
            }
            if queue.per_page != fit {
                let expected = "as many as fit a page";
                return Err(self.wrong(Field::RecPage, queue.per_page, expected));
            }
        }
        Ok(meta)
    }

    /// Only a tree or a HASH table alone in its file has partitions.
    fn partitioned(&self, method: Method, metaflags: u32, count: u32) -> Result<Option<Partitioned>> {
        let has = |bit: u8| metaflags & u32::from(bit) != 0;
        let alone = matches!(method, Method::Btree | Method::Hash) && self.number == PageNo::META;
        match (has(layout::BY_KEYS), has(layout::BY_CALLBACK)) {
            (false, false) if count == 0 || method != Method::Btree => Ok(None),
            (false, false) => {
                Err(self.wrong(Field::Nparts, count, "0, as the metaflags say nothing of partitions"))
            }
            (true, true) => Err(self.wrong(Field::Metaflags, metaflags, "one way to divide keys, not two")),
            _ if !alone => Err(self.wrong(Field::Metaflags, metaflags, "no partitions of such a database")),
            (true, false) if method == Method::Hash => {
                Err(self.wrong(Field::Metaflags, metaflags, "no ranges of keys in HASH"))
            }
            _ if count < 2 => Err(self.wrong(Field::Nparts, count, "2 partitions at least")),
            (by_keys, _) => Ok(Some(Partitioned { count, by_keys })),
        }
    }

    fn tree(&self) -> Tree {
        let root = self.layout.number(self.bytes, Field::Root, self.order).unwrap_or(1);
        let root_at = self.layout.place(Field::Root).map_or(at::VERSION, |(at, _)| at);
        Tree {
            min_key: self.get(Field::MinKey),
            record_length: self.get(Field::ReLen),
            pad: self.get(Field::RePad).to_le_bytes()[0],
            root: PageNo(root),
            root_at,
        }
    }

    fn external(&self) -> External {
        let number = |low, high| external::joined(self.get(low), self.get(high));
        External {
            threshold: self.get(Field::Threshold),
            folder: number(Field::FileLow, Field::FileHigh),
            database: number(Field::DatabaseLow, Field::DatabaseHigh),
        }
    }

    fn queue(&self) -> Queue {
        // Releases 3.0 and 3.1 keep the last number that was given, and where counting starts.
        let starts = self.layout.place(Field::Start).is_some();
        let last_kept = self.get(Field::CurRecno);
        Queue {
            start: if starts { self.get(Field::Start).max(1) } else { 1 },
            // 0 if none was ever put.
            first: self.get(Field::FirstRecno).max(1),
            next: if starts { last_kept.wrapping_add(1) } else { last_kept }.max(1),
            record_length: self.get(Field::ReLen),
            pad: self.get(Field::RePad).to_le_bytes()[0],
            per_page: self.get(Field::RecPage),
            extent_pages: self.get(Field::PageExt),
        }
    }

    fn heap(&self) -> Heap {
        Heap {
            current: self.get(Field::CurRegion),
            regions: self.get(Field::Nregions),
            most: (u64::from(self.get(Field::Gbytes)) << 30).saturating_add(self.get(Field::Bytes).into()),
            region_size: self.get(Field::RegionSize),
        }
    }

    fn buckets(&self, version: u32) -> Buckets {
        let table = self.layout.bytes(self.bytes, Field::Spares).unwrap_or(&[]);
        let mut spares = [0; 32];
        for (spare, word) in spares.iter_mut().zip(table.chunks_exact(4)) {
            *spare = self.order.u32_at(word, 0).unwrap_or(0);
        }
        // Releases 2.x count in each doubling from the bucket behind the metadata page.
        if self.layout.generation() == Generation::V2 {
            spares.rotate_right(1);
            let [first, later @ ..] = &mut spares;
            *first = 1;
            later.iter_mut().for_each(|spare| *spare = spare.saturating_add(1));
        }
        Buckets {
            max: self.get(Field::MaxBucket),
            high_mask: self.get(Field::HighMask),
            low_mask: self.get(Field::LowMask),
            function: HashFunction::of(version),
            probe: self.get(Field::Charkey),
            fill_factor: self.get(Field::Ffactor),
            // Releases 2.x may count below 0: that tells nothing.
            elements: Some(self.get(Field::Nelem)).filter(|&n| n <= i32::MAX.unsigned_abs()).unwrap_or(0),
            spares,
        }
    }
}

/// Compares the checksum at `field` with that of the bytes; the value may be
/// reversed in files that release 4.1 wrote for the other byte order.
///
/// # Errors
///
/// [`Error::Checksum`].
pub(crate) fn verify_checksum(bytes: &[u8], page: PageNo, field: usize, order: Endianness) -> Result<()> {
    let stored = order.u32_at(bytes, field).unwrap_or(0);
    let computed = checksum::sum(bytes, field);
    if stored == computed || stored.swap_bytes() == computed {
        return Ok(());
    }
    Err(Error::Checksum { page, offset: field, stored, computed })
}

/// Whether a magic number is that of a database which a file can hold besides others.
pub(crate) fn is_database_magic(magic: u32) -> bool {
    matches!(magic, layout::BTREE_MAGIC | layout::HASH_MAGIC)
}
