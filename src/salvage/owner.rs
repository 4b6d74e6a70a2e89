//! To whom records belong: the databases of a file, as their metadata pages describe them.

use std::borrow::Cow;
use std::ops::Range;

use crate::format::generation::Generation;
use crate::format::meta::{self as layout, Field, Layout, at};
use crate::format::page::PageKind;
use crate::meta::{Flags, is_database_magic};
use crate::method::Method;
use crate::order::Endianness;
use crate::types::PageNo;

/// Where the number of the root stands on a metadata page, but for release 3.0.
pub(super) const ROOT: usize = at::ROOT;
/// Root of a file's first or only database, in every version.
pub(super) const FIRST_ROOT: PageNo = PageNo(1);

/// A database to which records belong.
#[derive(Clone, Debug)]
pub struct Owner {
    pub(super) name: Name,
    pub(super) method: Method,
    pub(super) description: Option<Description>,
    pub(super) root: Option<PageNo>,
    /// Where the number of the root stands: page and offset.
    pub(super) holder: (PageNo, usize),
    pub(super) heads: Vec<Range<u32>>,
    /// Whether leaf entries stand for several records.
    pub(super) compressed: bool,
}

pub(super) fn lost_label(page: PageNo) -> Vec<u8> {
    format!("__PAGE_{page}__").into_bytes()
}

/// What a database is called.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Name {
    /// It is the only one of its file, and has no name.
    Only,
    /// By a name in the file's list of its databases: any bytes.
    Listed(Vec<u8>),
    /// By a name that cannot be read: only the metadata page was found.
    Lost(PageNo),
    /// No database: what no other can claim, in a file with several.
    Other,
}

impl Owner {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// What it is called in a dump: nothing for a file's only database, `__OTHER__`
    /// for what belongs to none, as `db_dump -r` has it, and `__PAGE_5__` for one
    /// whose metadata page 5 was found but not its name.
    #[must_use]
    pub fn label(&self) -> Option<Cow<'_, [u8]>> {
        match &self.name {
            Name::Only => None,
            Name::Listed(name) => Some(Cow::Borrowed(name)),
            Name::Lost(page) => Some(Cow::Owned(lost_label(*page))),
            Name::Other => Some(Cow::Borrowed(b"__OTHER__")),
        }
    }

    /// The access method.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// The flags, if the metadata page can be read.
    #[must_use]
    pub fn flags(&self) -> Option<Flags> {
        self.description.as_ref().map(|d| d.flags)
    }

    /// Length and pad byte of fixed-length records, as far as they are known
    /// (version 6 does not store them).
    #[must_use]
    pub fn fixed_length(&self) -> Option<(u32, u8)> {
        let known = self.description.as_ref().filter(|d| d.flags.fixed_length() && d.record_length > 0)?;
        Some((known.record_length, known.pad))
    }

    /// What the header of a dump has beside flags and record length.
    pub(crate) fn dumped(&self) -> Dumped {
        self.description.as_ref().map(|d| d.dumped).unwrap_or_default()
    }

    pub(super) fn without_page(name: Name, method: Method, root: Option<PageNo>) -> Owner {
        let holder = (PageNo::META, ROOT);
        Owner { name, method, description: None, root, holder, heads: Vec::new(), compressed: false }
    }
}

/// Fields that the header of a dump repeats.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Dumped {
    /// Keys on a page of a BTREE, at least; 0 and 2 are the same.
    pub(crate) min_key: u32,
    /// For HASH: keys in a bucket, and in all; 0 if they were not stated.
    pub(crate) fill_factor: u32,
    pub(crate) elements: u32,
}

/// The fields of a metadata page that matter here, unchecked.
#[derive(Clone, Debug)]
pub(super) struct Description {
    pub(super) flags: Flags,
    pub(super) record_length: u32,
    pub(super) pad: u8,
    pub(super) root: PageNo,
    /// Where the flags and the number of the root stand on the page.
    pub(super) flags_at: usize,
    pub(super) root_at: usize,
    pub(super) dumped: Dumped,
    /// For HASH: the highest bucket, and the table that gives its page.
    pub(super) buckets: Option<(u32, Vec<u32>)>,
}

pub(super) fn describe(bytes: &[u8], order: Endianness) -> Option<Description> {
    let (magic, version) = (order.u32_at(bytes, at::MAGIC)?, order.u32_at(bytes, at::VERSION)?);
    if !is_database_magic(magic) || bytes.len() < layout::LENGTH {
        return None;
    }
    let layout = Layout::of(magic, version).or_else(|| {
        // A version that no release wrote is damage: there was a page type, or none yet.
        let kind = bytes.get(at::TYPE).copied().and_then(PageKind::from_byte);
        let early = magic == layout::HASH_MAGIC && kind != Some(PageKind::HashMeta);
        if early { Layout::of(magic, 5) } else { Layout::newest(magic) }
    })?;
    let number = |field| layout.number(bytes, field, order).unwrap_or(0);
    let place = |field| layout.place(field).map(|(at, _)| at);
    let flags_at = place(Field::Flags).unwrap_or(at::VERSION);
    if magic == layout::HASH_MAGIC {
        // Releases 2.x count in each doubling from the bucket behind the metadata page.
        let old = layout.generation() == Generation::V2;
        let spares_at = place(Field::Spares).unwrap_or(at::VERSION);
        let spare = |i: usize| {
            let at = i.saturating_mul(4).saturating_add(spares_at);
            order.u32_at(bytes, at).unwrap_or(0)
        };
        let table = (0..32usize).map(|i| match i.checked_sub(1) {
            _ if !old => spare(i),
            Some(before) => spare(before).saturating_add(1),
            None => 1,
        });
        let (fill_factor, elements) = (number(Field::Ffactor), number(Field::Nelem));
        return Some(Description {
            flags: Flags::of_hash(number(Field::Flags)),
            record_length: 0,
            pad: 0,
            root: PageNo::META,
            flags_at,
            root_at: spares_at,
            dumped: Dumped { min_key: 0, fill_factor, elements },
            buckets: Some((number(Field::MaxBucket), table.collect())),
        });
    }
    Some(Description {
        flags: Flags::new(number(Field::Flags)),
        record_length: number(Field::ReLen),
        pad: number(Field::RePad).to_le_bytes()[0],
        root: layout.number(bytes, Field::Root, order).map_or(FIRST_ROOT, PageNo),
        flags_at,
        root_at: place(Field::Root).unwrap_or(at::VERSION),
        dumped: Dumped { min_key: number(Field::MinKey), ..Dumped::default() },
        buckets: None,
    })
}
