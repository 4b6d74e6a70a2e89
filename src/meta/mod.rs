//! What the metadata page says: one parser per version, one [`Meta`] out.

mod flags;
mod hash;
mod identify;
mod kind;
mod shape;
mod v6;
mod v7;
mod v8;
mod v9;

use nom::IResult;
use nom::Parser;
use nom::bytes::complete::take;
use nom::number::complete::u32 as number;

pub use flags::Flags;
pub(crate) use hash::Buckets;
pub(crate) use identify::identify;
pub use kind::{Extents, FileKind};
pub(crate) use shape::Shape;

use crate::error::{Defect, Error, Result};
use crate::format::checksum;
use crate::format::meta::{self as layout, at};
use crate::format::page::PageKind;
use crate::order::Endianness;
use crate::types::{FileId, Lsn, PageNo, PageSize};

/// The access method of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Sorted pairs of key and value.
    Btree,
    /// Records under their numbers.
    Recno,
    /// Pairs in no order; only as one of several databases in a file.
    Hash,
}

impl Method {
    /// The name as `db_dump` writes it: `btree`, `recno` or `hash`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Method::Btree => "btree",
            Method::Recno => "recno",
            Method::Hash => "hash",
        }
    }
}

/// The metadata of a database, whatever the version of its file.
///
/// What a version does not store is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    page: PageNo,
    version: u32,
    endianness: Endianness,
    page_size: PageSize,
    lsn: Lsn,
    flags: Flags,
    min_key: u32,
    record_length: u32,
    pad: u8,
    root: PageNo,
    free: Option<PageNo>,
    last_page: Option<PageNo>,
    file_id: FileId,
    checksummed: bool,
    buckets: Option<Buckets>,
}

impl Meta {
    /// The metadata page itself; 0 except for databases inside a file with several.
    #[must_use]
    pub fn page(&self) -> PageNo {
        self.page
    }

    /// Version of the format: 6, 7, 8 or 9. Each access method counts its own.
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
        match self.buckets {
            Some(_) => Method::Hash,
            None if self.flags.recno() => Method::Recno,
            None => Method::Btree,
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
        self.min_key
    }

    /// Length of every record in bytes, for RECNO with fixed length.
    ///
    /// Version 6 does not store it, even for files that have the flag.
    #[must_use]
    pub fn record_length(&self) -> Option<u32> {
        (self.flags.fixed_length() && self.version > 6).then_some(self.record_length)
    }

    /// The byte that fills short records, where [`Meta::record_length`] is known.
    #[must_use]
    pub fn pad(&self) -> Option<u8> {
        self.record_length().map(|_| self.pad)
    }

    /// Root page of the tree; `None` for HASH.
    #[must_use]
    pub fn root(&self) -> Option<PageNo> {
        PageNo::link(self.root.0)
    }

    /// Where the pages of a HASH database are.
    pub(crate) fn buckets(&self) -> Option<&Buckets> {
        self.buckets.as_ref()
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

    /// Where the table of bucket pages stands on the metadata page of a HASH database.
    pub(crate) fn buckets_offset(&self) -> usize {
        if self.version == 6 { 80 } else { 96 }
    }

    /// Where the number of keys stands on the metadata page of a HASH database.
    pub(crate) fn elements_offset(&self) -> usize {
        if self.version == 6 { 72 } else { 88 }
    }

    /// Where the first page of the free list stands on the metadata page.
    pub(crate) fn free_offset(&self) -> usize {
        if self.version == 6 { 32 } else { at::FREE }
    }

    /// Whether it leads to the same tree and the same free list, and the pages are to be
    /// taken alike: everything but version, file id, whether duplicates are sorted, and a
    /// length of records that one of them does not store.
    #[cfg(feature = "upgrade")]
    pub(crate) fn leads_as(&self, other: &Meta) -> bool {
        let facts = |meta: &Meta| {
            let flags = meta.flags.bits() & !Flags::SORTED;
            (meta.endianness, meta.page_size, meta.root, meta.free, flags, meta.min_key, meta.checksummed)
        };
        let records = |meta: &Meta| (meta.record_length, meta.pad);
        let none = |meta: &Meta| meta.version == 6;
        facts(self) == facts(other) && (records(self) == records(other) || none(self) || none(other))
    }

    /// Where the file's id stands on the metadata page.
    #[cfg(feature = "upgrade")]
    pub(crate) fn file_id_offset(&self) -> usize {
        match (self.version, self.buckets) {
            (6, None) => 48,
            (6, Some(_)) | (7, None) => 36,
            _ => 52,
        }
    }

    /// Where the flags stand on the metadata page.
    pub(crate) fn flags_offset(&self) -> usize {
        match self.version {
            6 => 36,
            7 => 32,
            _ => 48,
        }
    }

    /// Where the minimum number of keys stands on the metadata page.
    pub(crate) fn min_key_offset(&self) -> usize {
        match self.version {
            6 => 28,
            7 => 60,
            _ => 76,
        }
    }

    /// Where the length of records stands on the metadata page.
    pub(crate) fn record_length_offset(&self) -> usize {
        match self.version {
            6 => 40,
            7 => 64,
            _ => 80,
        }
    }

    /// Whether a record length is stored that the flags do not allow.
    pub(crate) fn stray_record_length(&self) -> bool {
        self.record_length != 0 && (self.version == 6 || !self.flags.fixed_length())
    }

    /// Where the root's number stands on the metadata page.
    pub(crate) fn root_offset(&self) -> usize {
        if self.version == 7 { 72 } else { 88 }
    }

    /// Whether off-page duplicates are trees (8, 9), not chains (6, 7).
    pub(crate) fn duplicate_trees(&self) -> bool {
        let first = if self.buckets.is_some() { 7 } else { 8 };
        self.version >= first
    }

    /// Whether shared keys may stand in the opposite byte order (the version 6
    /// parity defect).
    pub(crate) fn shared_keys_may_be_reversed(&self) -> bool {
        self.version < 8
    }

    /// Byte order of page numbers in the list of databases.
    pub(crate) fn directory_order(&self) -> Endianness {
        if self.version == 7 { self.endianness } else { Endianness::Big }
    }
}

/// Parses the metadata page of a file.
///
/// # Errors
///
/// Names what the file is instead, the feature that is not supported, or the
/// field that is wrong.
pub(crate) fn parse(file: &[u8]) -> Result<Meta> {
    let order = identify(file)?;
    let bytes = file
        .get(..layout::LENGTH)
        .ok_or_else(|| Error::TooShort { len: u64::try_from(file.len()).unwrap_or(u64::MAX) })?;
    let meta = parse_page(bytes, PageNo::META, order)?;
    if meta.root != PageNo(1) {
        return Err(Error::field(PageNo::META, meta.root_offset(), "root", meta.root.0, "1"));
    }
    if meta.flags.several_databases() && (meta.flags.duplicates() || meta.flags.recno()) {
        return Err(flags_error(&meta, "no duplicates or records in a list of databases"));
    }
    Ok(meta)
}

/// Parses the metadata page of one database of several.
///
/// # Errors
///
/// As [`parse`].
pub(crate) fn parse_inner(page: &[u8], number: PageNo, file: &Meta) -> Result<Meta> {
    let order = file.endianness;
    let bytes = page.get(..layout::LENGTH).unwrap_or(page);
    let magic = order.u32_at(bytes, at::MAGIC).unwrap_or(0);
    let version = order.u32_at(bytes, at::VERSION).unwrap_or(0);
    let meta = match (magic, version) {
        (layout::BTREE_MAGIC, 6) => {
            return Err(Error::field(
                number,
                at::VERSION,
                "version",
                version,
                "7 or more, in a file with several",
            ));
        }
        (layout::BTREE_MAGIC, _) => parse_page(bytes, number, order)?,
        (layout::HASH_MAGIC, 6..=9) => {
            let (_, (raw, buckets)) =
                hash::parse(bytes, version, order).map_err(|_| too_short(bytes, number))?;
            raw.check(bytes, number, version, order, Some(buckets))?
        }
        (layout::HASH_MAGIC, _) => return Err(Error::UnsupportedMethod { kind: "HASH", version, order }),
        (found, _) => return Err(Error::field(number, at::MAGIC, "magic", found, "that of a database")),
    };
    if meta.page_size != file.page_size {
        let found = meta.page_size.get();
        return Err(Error::field(number, at::PAGE_SIZE, "page size", found, "that of page 0"));
    }
    if meta.checksummed != file.checksummed {
        return Err(Error::field(number, at::METAFLAGS, "metaflags", 0u32, "those of page 0"));
    }
    Ok(meta)
}

fn parse_page(bytes: &[u8], number: PageNo, order: Endianness) -> Result<Meta> {
    let version = order.u32_at(bytes, at::VERSION).unwrap_or(0);
    let parsed = match version {
        6 => v6::parse(bytes, order),
        7 => v7::parse(bytes, order),
        8 => v8::parse(bytes, order),
        9 => v9::parse(bytes, order),
        layout::HALF_WRITTEN => return Err(Error::Interrupted),
        _ => {
            let why = if version < 6 {
                "older than 6: written by the 1.x series or a pre-release, and not supported"
            } else {
                "newer than 9: written by release 6.x or later, and not supported"
            };
            return Err(Error::UnsupportedVersion { kind: "BTREE", version, order, why });
        }
    };
    let (_, raw) = parsed.map_err(|_| too_short(bytes, number))?;
    raw.check(bytes, number, version, order, None)
}

fn too_short(bytes: &[u8], number: PageNo) -> Error {
    let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    Error::field(number, at::PGNO, "length", len, "512 bytes of metadata")
}

/// The fields of a metadata page as they stand, zero where the version has none.
#[derive(Clone, Copy, Debug, Default)]
struct Raw {
    lsn: Lsn,
    pgno: u32,
    page_size: u32,
    encryption: u8,
    kind: Option<u8>,
    metaflags: u8,
    free: u32,
    last_pgno: u32,
    nparts: u32,
    flags: u32,
    file_id: [u8; 20],
    min_key: u32,
    record_length: u32,
    pad: u32,
    root: u32,
}

impl Raw {
    fn check(
        self,
        bytes: &[u8],
        number: PageNo,
        version: u32,
        order: Endianness,
        buckets: Option<Buckets>,
    ) -> Result<Meta> {
        // The BTREE version of the releases that wrote this one.
        let era = match buckets {
            Some(_) => version.saturating_add(1).min(9),
            None => version,
        };
        let expected_kind = if buckets.is_some() { PageKind::HashMeta } else { PageKind::BtreeMeta };
        let field =
            |offset, name, found: u32, expected| Err(Error::field(number, offset, name, found, expected));
        if let Some(found) = self.kind.filter(|&k| PageKind::from_byte(k) != Some(expected_kind)) {
            let defect = Defect::PageType { found, expected: expected_kind.name() };
            return Err(Error::corrupt(number, at::TYPE, defect));
        }
        let feature = |feature| Err(Error::UnsupportedFeature { version, order, feature });
        // Before version 9 these bytes mean nothing, and need not be zero.
        let (encryption, metaflags) = if era == 9 { (self.encryption, self.metaflags) } else { (0, 0) };
        match encryption {
            0 => {}
            1 => return feature("encrypted"),
            found => return field(at::ENCRYPTION, "encrypt_alg", found.into(), "0 or 1"),
        }
        if metaflags & !(layout::CHECKSUMMED | layout::PARTITIONED) != 0 {
            return field(at::METAFLAGS, "metaflags", metaflags.into(), "known flags only");
        }
        if metaflags & layout::PARTITIONED != 0 || (era == 9 && self.nparts != 0) {
            return feature("partitioned");
        }
        let checksummed = metaflags & layout::CHECKSUMMED != 0;
        let page_size = PageSize::new(self.page_size).ok_or(Error::PageSize { found: self.page_size })?;
        let meta = Meta {
            page: number,
            version,
            endianness: order,
            page_size,
            lsn: self.lsn,
            flags: Flags::new(self.flags),
            min_key: self.min_key,
            record_length: self.record_length,
            pad: self.pad.to_le_bytes()[0],
            root: PageNo(self.root),
            free: PageNo::link(self.free),
            last_page: (era >= 8).then_some(self.last_pgno).and_then(PageNo::link),
            file_id: FileId(self.file_id),
            checksummed,
            buckets,
        };
        if checksummed {
            verify_checksum(bytes, number, checksum::ON_META, order)?;
        }
        if self.pgno != number.0 {
            let defect = Defect::PageNumber { found: self.pgno };
            return Err(Error::corrupt(number, at::PGNO, defect));
        }
        if meta.flags.compressed() && era == 9 {
            return feature("compressed");
        }
        if let Some(expected) = meta.flags.objection(era) {
            return Err(flags_error(&meta, expected));
        }
        if buckets.is_none() && (meta.root.0 == 0 || meta.root == number) {
            return field(meta.root_offset(), "root", self.root, "a page of the tree");
        }
        Ok(meta)
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

fn flags_error(meta: &Meta, expected: &'static str) -> Error {
    Error::field(meta.page, meta.flags_offset(), "flags", meta.flags.bits(), expected)
}

/// The fields at 0 to 23, alike in all versions.
fn prefix(order: Endianness) -> impl Fn(&[u8]) -> IResult<&[u8], Raw> {
    move |input| {
        let n = || number(order.nom());
        let (input, (file, offset, pgno)) = (n(), n(), n()).parse(input)?;
        let (input, (_magic, _version, page_size)) = (n(), n(), n()).parse(input)?;
        Ok((input, Raw { lsn: Lsn { file, offset }, pgno, page_size, ..Raw::default() }))
    }
}

/// The 20 bytes of a file id.
fn file_id(input: &[u8]) -> IResult<&[u8], [u8; 20]> {
    let (rest, bytes) = take(20usize).parse(input)?;
    Ok((rest, bytes.first_chunk().copied().unwrap_or_default()))
}

/// Whether a magic number is that of a database which a file can hold besides others.
pub(crate) fn is_database_magic(magic: u32) -> bool {
    matches!(magic, layout::BTREE_MAGIC | layout::HASH_MAGIC)
}
