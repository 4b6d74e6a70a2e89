//! The databases of a file: from its metadata pages, as far as they can be read.
//!
//! A metadata page is not believed where the pages of the tree say otherwise, and no
//! field of it is needed (database-format, "BTREE metadata pages", "Several
//! databases in one file").

use std::borrow::Cow;
use std::ops::Range;

use byteorder::ByteOrder;

use super::bucket;
use super::compressed::Chunk;
use super::leaf::Item;
use super::page::{Cursor, REPEATS, recover};
use super::walk::{Of, Walk};
use super::work::Work;
use crate::error::Error;
use crate::format::generation::Generation;
use crate::format::meta::{self as layout, Field, Layout, at};
use crate::format::page::PageKind;
use crate::meta::{Flags, is_database_magic};
use crate::method::Method;
use crate::order::Endianness;
use crate::types::PageNo;

/// Where the number of the root stands on a metadata page, but for release 3.0.
const ROOT: usize = at::ROOT;
/// Root of a file's first or only database, in every version.
const FIRST_ROOT: PageNo = PageNo(1);

/// A database to which records belong.
#[derive(Clone, Debug)]
pub struct Owner {
    name: Name,
    method: Method,
    description: Option<Description>,
    pub(super) root: Option<PageNo>,
    /// Where the number of the root stands: page and offset.
    pub(super) holder: (PageNo, usize),
    pub(super) heads: Vec<Range<u32>>,
    /// Whether leaf entries stand for several records.
    pub(super) compressed: bool,
}

fn lost_label(page: PageNo) -> Vec<u8> {
    format!("__PAGE_{page}__").into_bytes()
}

/// What a database is called.
#[derive(Clone, Debug, PartialEq, Eq)]
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

    /// Reports a flag that says that the database is compressed, where its entries are not.
    fn question_flag(&self, work: &mut Work<'_>) {
        let Some(description) = self.description.as_ref().filter(|d| d.flags.compressed()) else { return };
        if !self.compressed && description.flags.bits() <= 0xff {
            let (bits, expected) = (description.flags.bits(), "no bit 0x80: the entries are not compressed");
            work.report.problem(Error::field(self.holder.0, description.flags_at, "flags", bits, expected));
        }
    }

    fn without_page(name: Name, method: Method, root: Option<PageNo>) -> Owner {
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
struct Description {
    flags: Flags,
    record_length: u32,
    pad: u8,
    root: PageNo,
    /// Where the flags and the number of the root stand on the page.
    flags_at: usize,
    root_at: usize,
    dumped: Dumped,
    /// For HASH: the highest bucket, and the table that gives its page.
    buckets: Option<(u32, Vec<u32>)>,
}

fn describe(bytes: &[u8], order: Endianness) -> Option<Description> {
    let (magic, version) = (order.u32_at(bytes, at::MAGIC)?, order.u32_at(bytes, at::VERSION)?);
    if !is_database_magic(magic) || bytes.len() < layout::LENGTH {
        return None;
    }
    // A version that no release wrote is most likely one of the newest.
    let layout = Layout::of(magic, version).or_else(|| Layout::newest(magic))?;
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

/// The databases of a file, and the owner of what none of them can claim. The pages of
/// the list of databases, if there is one, are marked as seen.
pub(super) fn databases<O: ByteOrder>(work: &mut Work<'_>) -> (Vec<Owner>, Owner) {
    let order = work.file.geometry.endianness();
    // A HASH database has its first bucket where others have their root.
    let fits =
        |d: &Description| d.buckets.is_none() || !work.file.kind::<O>(FIRST_ROOT).is_some_and(is_of_tree);
    let first = work.file.raw(PageNo::META).and_then(|bytes| describe(bytes, order)).filter(fits);
    let told = first.as_ref().map(|d| d.flags.several_databases());
    let list = if first.as_ref().is_some_and(|d| d.buckets.is_some()) { None } else { list::<O>(work, told) };
    let Some(list) = list else {
        let root =
            if first.as_ref().is_some_and(|d| d.buckets.is_some()) { PageNo::META } else { FIRST_ROOT };
        let description = first.map(|d| Description { root, ..d });
        let owner = match description {
            Some(description) => {
                let owner = owner::<O>(&mut Work::new(work.file), Name::Only, PageNo::META, description);
                owner.question_flag(work);
                owner
            }
            None => Owner::without_page(Name::Only, method::<O>(work, FIRST_ROOT, None), Some(FIRST_ROOT)),
        };
        return (vec![owner.clone()], owner);
    };
    let (mut owners, mut scratch) = (Vec::new(), Work::new(work.file));
    let mut pages: Vec<PageNo> = list.iter().map(|(_, page)| *page).collect();
    let named = list.into_iter().map(|(name, page)| (Name::Listed(name), page));
    pages.sort_unstable();
    let lost: Vec<PageNo> = work
        .file
        .numbers()
        .map(PageNo)
        .filter(|no| pages.binary_search(no).is_err() && is_metadata::<O>(work, *no))
        .collect();
    let lost = lost.into_iter().map(|page| (Name::Lost(work.file.place(page)), page));
    let lost: Vec<_> = lost.collect();
    for (name, page) in named.chain(lost) {
        if let Name::Lost(place) = name {
            let (name, what) =
                (lost_label(place), "its metadata page is there, but not in the list of databases");
            work.report.problem(Error::Directory { name, what });
        }
        work.seen.mark(page);
        if let Some(description) = work.file.raw(page).and_then(|bytes| describe(bytes, order)) {
            let owner = owner::<O>(&mut scratch, name, page, description);
            owner.question_flag(work);
            owners.push(owner);
        }
    }
    (owners, Owner::without_page(Name::Other, Method::Btree, None))
}

fn owner<O: ByteOrder>(scratch: &mut Work<'_>, name: Name, page: PageNo, description: Description) -> Owner {
    let (method, heads) = match &description.buckets {
        Some((max, spares)) => (Method::Hash, bucket::heads(*max, spares, &scratch.file.numbers())),
        None => {
            let flags = Some(description.flags).filter(|_| name != Name::Only);
            (method::<O>(scratch, description.root, flags), Vec::new())
        }
    };
    let root = PageNo::link(description.root.0);
    let holder = (page, description.root_at);
    let compressed =
        description.flags.compressed() && root.is_some_and(|root| is_compressed::<O>(scratch, root, holder));
    Owner { name, method, description: Some(description), root, holder, heads, compressed }
}

/// Whether most entries of a tree's first leaf can be unpacked: a damaged flag must not take
/// plain values apart. Where there is no leaf the flag counts.
fn is_compressed<O: ByteOrder>(scratch: &mut Work<'_>, root: PageNo, holder: (PageNo, usize)) -> bool {
    let Some(leaf) = Walk::new(root, holder).next_leaf::<O>(scratch, Of::Records) else { return true };
    let Some(mut cursor) = Cursor::open::<O>(scratch, leaf.page) else { return true };
    let (mut entries, mut unpacked) = (0u32, 0u32);
    while let Some(unit) = cursor.next::<O>() {
        if let (Some((_, Item::Here(key))), Item::Here(value)) = (unit.key, unit.value) {
            let budget = scratch.file.geometry.page_size().bytes().saturating_mul(REPEATS);
            let mut chunk = Chunk::new(key.to_vec(), value.to_vec(), budget);
            // An entry stands for one record at least: nothing is none.
            let mut some = false;
            while chunk.next().is_some() {
                some = true;
            }
            entries = entries.saturating_add(1);
            unpacked = unpacked.saturating_add(u32::from(some && chunk.is_done()));
        }
    }
    unpacked >= entries.div_ceil(2)
}

/// Whether a tree of records can start on a page of this kind.
fn is_of_tree(kind: PageKind) -> bool {
    use PageKind::{BtreeInternal, BtreeLeaf, RecnoInternal, RecnoLeaf};
    matches!(kind, BtreeInternal | BtreeLeaf | RecnoInternal | RecnoLeaf)
}

/// The access method by the pages of the tree, which know it better than the flags.
/// Without a root, by the flags of one of several databases, or by the leaves of the
/// file if it is the only one.
fn method<O: ByteOrder>(work: &Work<'_>, root: PageNo, flags: Option<Flags>) -> Method {
    use PageKind::{BtreeInternal, BtreeLeaf, Hash, HashUnsorted, RecnoInternal, RecnoLeaf};
    match work.file.kind::<O>(root) {
        Some(RecnoInternal | RecnoLeaf) => Method::Recno,
        Some(BtreeInternal | BtreeLeaf) => Method::Btree,
        _ if flags.is_some_and(|flags| flags.recno()) => Method::Recno,
        _ if flags.is_some() => Method::Btree,
        _ => {
            let has = |wanted: &[PageKind]| {
                let mut kinds = work.file.numbers().filter_map(|no| work.file.kind::<O>(PageNo(no)));
                kinds.any(|kind| wanted.contains(&kind))
            };
            match () {
                () if has(&[BtreeLeaf]) => Method::Btree,
                () if has(&[Hash, HashUnsorted]) => Method::Hash,
                () if has(&[RecnoLeaf]) => Method::Recno,
                () => Method::Btree,
            }
        }
    }
}

/// Names and metadata pages in the file's list of databases, if it has one. `told`:
/// whether page 0 says so, if it can be read.
///
/// The tree of page 1 is a list if one of its values leads to a metadata page.
fn list<O: ByteOrder>(work: &mut Work<'_>, told: Option<bool>) -> Option<Vec<(Vec<u8>, PageNo)>> {
    let mut listing = Work::new(work.file);
    let (mut walk, mut found, mut entries) = (Walk::new(FIRST_ROOT, (PageNo::META, ROOT)), Vec::new(), 0u64);
    while let Some(leaf) = walk.next_leaf::<O>(&mut listing, Of::Records) {
        let Some(mut cursor) = Cursor::open::<O>(&mut listing, leaf.page) else { continue };
        if cursor.kind != PageKind::BtreeLeaf {
            return None;
        }
        while let Some(unit) = cursor.next::<O>() {
            let mut notes = unit.notes;
            let value = recover::<O>(&mut listing, leaf.page, unit.value, &mut notes);
            let page = value.bytes().and_then(|bytes| metadata_page::<O>(work, &bytes.to_cow()));
            entries = entries.saturating_add(1u64);
            let key = unit.key.map(|(_, key)| recover::<O>(&mut listing, leaf.page, key, &mut notes));
            let name = key.and_then(|key| key.bytes().map(|bytes| bytes.to_cow().into_owned()));
            match (page, name) {
                (Some(page), Some(name)) if listing.seen.mark(page) => found.push((name, page)),
                // Nothing speaks for a list: a first value that leads nowhere decides.
                _ if told != Some(true) && found.is_empty() => return None,
                (_, name) => {
                    let what = "its entry in the list does not lead to a metadata page of its own";
                    listing.report.problem(Error::Directory { name: name.unwrap_or_default(), what });
                }
            }
        }
    }
    let is_list = match (found.is_empty(), told) {
        (false, _) => true,
        (true, Some(true)) => entries == 0,
        (true, Some(false)) => false,
        (true, None) => work.file.numbers().any(|no| is_metadata::<O>(work, PageNo(no))),
    };
    if !is_list {
        return None;
    }
    *work = listing;
    Some(found)
}

/// The metadata page that a value in the list leads to. Some releases wrote, or left
/// behind, the other byte order.
fn metadata_page<O: ByteOrder>(work: &Work<'_>, value: &[u8]) -> Option<PageNo> {
    let raw: [u8; 4] = value.try_into().ok()?;
    let numbers = [PageNo(u32::from_be_bytes(raw)), PageNo(u32::from_le_bytes(raw))];
    numbers.into_iter().find(|no| is_metadata::<O>(work, *no))
}

/// Whether a page is the metadata page of one of several databases.
fn is_metadata<O: ByteOrder>(work: &Work<'_>, no: PageNo) -> bool {
    let Some(page) = work.file.page::<O>(no).filter(|_| no != PageNo::META) else { return false };
    let kind = PageKind::from_byte(page.type_byte());
    let magic = work.file.geometry.endianness().u32_at(page.bytes(), at::MAGIC);
    matches!(kind, Some(PageKind::BtreeMeta | PageKind::HashMeta)) && magic.is_some_and(is_database_magic)
}
