//! The databases of a file: from its metadata pages, as far as they can be read.
//!
//! A metadata page is not believed where the pages of the tree say otherwise, and no
//! field of it is needed (database-format, "BTREE metadata pages", "Several
//! databases in one file").

use byteorder::ByteOrder;

use super::bucket;
use super::compressed::Chunk;
use super::item::Item;
use super::owner::{Description, FIRST_ROOT, Name, Owner, ROOT, describe, lost_label};
use super::page::{Cursor, REPEATS, recover};
use super::walk::{Of, Walk};
use super::work::Work;
use crate::error::Error;
use crate::format::meta::at;
use crate::format::page::PageKind;
use crate::meta::{Flags, is_database_magic, listed};
use crate::method::Method;
use crate::order::Endianness;
use crate::types::PageNo;

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
                question_flag(&owner, work);
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
            question_flag(&owner, work);
            owners.push(owner);
        }
    }
    (owners, Owner::without_page(Name::Other, Method::Btree, None))
}

/// Reports a flag that says that the database is compressed, where its entries are not.
fn question_flag(owner: &Owner, work: &mut Work<'_>) {
    let Some(description) = owner.description.as_ref().filter(|d| d.flags.compressed()) else { return };
    if !owner.compressed && description.flags.bits() <= 0xff {
        let (bits, expected) = (description.flags.bits(), "no bit 0x80: the entries are not compressed");
        work.report.problem(Error::field(owner.holder.0, description.flags_at, "flags", bits, expected));
    }
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
            let is_inner = |no| is_metadata::<O>(work, no);
            let page = value.bytes().and_then(|bytes| listed(&bytes.to_cow(), Endianness::Big, is_inner));
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

/// Whether a page is the metadata page of one of several databases, whatever number it says
/// that it has.
fn is_metadata<O: ByteOrder>(work: &Work<'_>, no: PageNo) -> bool {
    let Some(page) = work.file.page::<O>(no).filter(|_| no != PageNo::META) else { return false };
    let kind = PageKind::from_byte(page.type_byte());
    let magic = work.file.geometry.endianness().u32_at(page.bytes(), at::MAGIC);
    matches!(kind, Some(PageKind::BtreeMeta | PageKind::HashMeta)) && magic.is_some_and(is_database_magic)
}
