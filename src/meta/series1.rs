//! What the first page of a file of the 1.x series says (other-releases, "The 1.x series").

use super::flags::Flags;
use crate::error::{Error, Result};
use crate::format::meta::{BTREE_MAGIC, HASH_MAGIC};
use crate::format::series1::hash::{Field, Header};
use crate::format::series1::{MAGIC, VERSION, tree};
use crate::method::Method;
use crate::order::Endianness;
use crate::types::{PageNo, PageSize};

/// A database of the 1.x series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Series1 {
    Tree(Tree),
    Hash(Box<Header>),
}

/// A BTREE or a RECNO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tree {
    pub(crate) recno: bool,
    /// Number of records as the file says, in a RECNO: it may lag.
    pub(crate) records: u32,
}

/// What all of [`Meta`](super::Meta) is made of, for a file of the series.
pub(super) struct Facts {
    pub(super) magic: u32,
    pub(super) version: u32,
    pub(super) order: Endianness,
    pub(super) page_size: PageSize,
    pub(super) flags: Flags,
    pub(super) free: Option<PageNo>,
    pub(super) of: Series1,
}

/// Method, version and byte order of a file whose magic number stands at its start.
pub(super) fn kind(head: &[u8], order: Endianness) -> Option<(Method, u32, Endianness)> {
    let version = order.u32_at(head, VERSION).unwrap_or(0);
    match order.u32_at(head, MAGIC)? {
        BTREE_MAGIC => {
            let flags = order.u32_at(head, tree::meta_at::FLAGS).unwrap_or(0);
            let recno = version == tree::VERSION && flags & tree::RECNO != 0;
            Some((if recno { Method::Recno } else { Method::Btree }, version, order))
        }
        // The header is big-endian, whatever the order of all else.
        HASH_MAGIC => {
            let stated =
                Header::of(head).filter(|_| order == Endianness::Big && is_read(Method::Hash, version));
            Some((Method::Hash, version, stated.and_then(|header| header.order()).unwrap_or(order)))
        }
        _ => None,
    }
}

/// Whether a version of the series is read.
pub(crate) fn is_read(method: Method, version: u32) -> bool {
    match method {
        Method::Hash => (1..=3).contains(&version),
        _ => version == tree::VERSION,
    }
}

pub(super) fn parse(method: Method, version: u32, order: Endianness, file: &[u8]) -> Result<Facts> {
    let hash = method == Method::Hash;
    if !is_read(method, version) || (hash && Endianness::Big.u32_at(file, MAGIC) != Some(HASH_MAGIC)) {
        return Err(Error::Series1 { method, version, order });
    }
    let short = || Error::TooShort { len: u64::try_from(file.len()).unwrap_or(u64::MAX) };
    if hash {
        return table(Header::of(file).ok_or_else(short)?);
    }
    let head = file.get(..tree::META_LENGTH).ok_or_else(short)?;
    let number = |at| order.u32_at(head, at).unwrap_or(0);
    let wrong = |at, field, expected| Error::field(PageNo::META, at, field, number(at), expected);
    let size = PageSize::of_series1(number(tree::meta_at::PAGE_SIZE));
    let page_size =
        size.ok_or_else(|| wrong(tree::meta_at::PAGE_SIZE, "page size", "an even number from 512 to 65536"))?;
    let flags = number(tree::meta_at::FLAGS);
    if flags & !(tree::NO_DUPLICATES | tree::RECNO) != 0 {
        return Err(wrong(tree::meta_at::FLAGS, "flags", "0x20 and 0x80 only"));
    }
    let recno = flags & tree::RECNO != 0;
    Ok(Facts {
        magic: BTREE_MAGIC,
        version,
        order,
        page_size,
        flags: Flags::of_series1(!recno && flags & tree::NO_DUPLICATES == 0, recno),
        free: PageNo::link(number(tree::meta_at::FREE)),
        of: Series1::Tree(Tree { recno, records: number(tree::meta_at::NRECS) }),
    })
}

fn table(header: Header) -> Result<Facts> {
    let wrong = |field: Field, found, expected| {
        Error::field(PageNo::META, Header::place(header.version, field), field.name(), found, expected)
    };
    let order = header.order().ok_or_else(|| wrong(Field::Lorder, header.lorder, "1234 or 4321"))?;
    let page_size = PageSize::of_table(header.page_size)
        .ok_or_else(|| wrong(Field::PageSize, header.page_size, "a power of two from 64 to 65536"))?;
    // Page 0 is none of a bucket.
    if header.pages == 0 {
        return Err(wrong(Field::HeaderPages, 0, "1 or more"));
    }
    Ok(Facts {
        magic: HASH_MAGIC,
        version: header.version,
        order,
        page_size,
        flags: Flags::default(),
        free: None,
        of: Series1::Hash(Box::new(header)),
    })
}

impl Series1 {
    pub(super) fn method(&self) -> Method {
        match self {
            Series1::Hash(_) => Method::Hash,
            Series1::Tree(tree) if tree.recno => Method::Recno,
            Series1::Tree(_) => Method::Btree,
        }
    }
}

/// The number that cannot be, and what would be, if keys cannot be looked up by these.
pub(crate) fn objection(header: &Header) -> Option<(Field, u32, &'static str)> {
    let Header { max_bucket, high_mask, low_mask, .. } = *header;
    if high_mask & high_mask.wrapping_add(1) != 0 || high_mask == 0 {
        Some((Field::HighMask, high_mask, "a power of two less one"))
    } else if low_mask != high_mask >> 1 {
        Some((Field::LowMask, low_mask, "half of high_mask"))
    } else if max_bucket > high_mask || max_bucket < low_mask {
        Some((Field::MaxBucket, max_bucket, "from low_mask to high_mask"))
    } else {
        None
    }
}
