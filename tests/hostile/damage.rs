//! Genuine files to be damaged, where their records stand, and damage that several
//! tests do to them.

use std::collections::BTreeSet;

use bdbkit::{Database, Method, Scanned};

use crate::common::image::{
    AREA, ENTRIES, INTERNAL, Image, LEAF, LEVEL, NEXT, OVERFLOW, PREV, RECNO_INTERNAL, RECNO_LEAF, TYPE,
};
use crate::common::{Pair, all_databases, data, forward};

pub(crate) const ORDERS: [&str; 2] = ["be", "le"];

/// A genuine tree of every version and byte order.
pub(crate) fn trees() -> Vec<Image> {
    let versions = 6..=9;
    versions
        .flat_map(|version| ORDERS.map(|order| Image::of_case(&format!("btree-v{version}-{order}-levels"))))
        .inspect(|image| {
            assert_eq!(image.kind(1), INTERNAL, "{}: the root is an internal page", image.name);
            assert!(image.entries(1) >= 2, "{}: the root has some children", image.name);
        })
        .collect()
}

/// A genuine RECNO tree of every version and byte order.
pub(crate) fn record_trees() -> Vec<Image> {
    let cases = [
        "recno-v6-be-var",
        "recno-v6-le-var",
        "recno-v7-be-var",
        "recno-v7-le-var",
        "recno-v8-be-var",
        "recno-v8-le-var",
        "recno-v9-be-var",
        "recno-v9-le-var",
    ];
    let images = cases.map(Image::of_case);
    assert!(images.iter().all(|image| image.kind(1) == RECNO_INTERNAL));
    images.into()
}

/// BTREE files of a shape, of every version and byte order.
pub(crate) fn files(shape: &str) -> Vec<Image> {
    (6..=9).flat_map(|v| ORDERS.map(|order| Image::of_case(&format!("btree-v{v}-{order}-{shape}")))).collect()
}

/// Files with long values, keys or records.
pub(crate) fn overflow_files() -> Vec<Image> {
    let mut all = files("overflow");
    all.extend(
        [
            "btree-v6-be-overflow-keys",
            "btree-v9-le-overflow-keys",
            "recno-v6-le-overflow",
            "recno-v9-be-overflow",
        ]
        .map(Image::of_case),
    );
    all
}

/// Files with off-page duplicates, in chains (6, 7) and in trees (8, 9).
pub(crate) fn duplicate_files() -> Vec<Image> {
    let mut all = files("dups-offpage");
    all.extend(
        [
            "btree-v6-be-dups-offpage-many",
            "btree-v6-le-dups-offpage-many-sorted",
            "btree-v7-le-dups-offpage-many-sorted",
            "btree-v8-be-dups-offpage-many-sorted",
            "btree-v8-le-dups-offpage-many",
            "btree-v9-be-dups-offpage-many",
            "btree-v9-be-dups-offpage-sorted",
            "btree-v9-le-dups-offpage-many",
            "btree-v9-le-dups-offpage-many-sorted",
        ]
        .map(Image::of_case),
    );
    all
}

/// Files of several databases.
pub(crate) fn lists() -> Vec<Image> {
    let cases = ["btree-v8-be-subdbs", "btree-v8-le-subdbs", "btree-v9-be-subdbs", "btree-v9-le-subdbs"];
    cases.map(Image::of_case).into()
}

/// Where a field stands on the metadata page, if its version has it.
pub(crate) fn metadata_field(image: &Image, name: &str) -> Option<usize> {
    let [v6, v7, later] = match name {
        "free" => [32, 28, 28],
        "flags" => [36, 32, 48],
        "min_key" => [28, 60, 76],
        "record_length" => [40, 64, 80],
        "root" => [0, 72, 88],
        other => panic!("no field {other}"),
    };
    let offset = match image.version() {
        6 => v6,
        7 => v7,
        _ => later,
    };
    (offset > 0).then_some(offset)
}

// ------------------------------------------------------------------- files built here

/// What no database is, and what is to be said of it.
pub(crate) fn not_databases() -> [(Vec<u8>, &'static str); 8] {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u8::try_from(state >> 56).unwrap()
    };
    let noise: Vec<u8> = (0..5000).map(|_| random()).collect();
    let one = data("btree-v9-le-one");
    [
        (Vec::new(), "empty"),
        (b"x".to_vec(), "1 bytes are too few"),
        (vec![0; 511], "not a Berkeley DB file"),
        (vec![0; 8192], "not a Berkeley DB file"),
        (vec![255; 8192], "not a Berkeley DB file"),
        (noise, "not a Berkeley DB file"),
        (one[..511].to_vec(), "511 bytes are too few"),
        (one[..20].to_vec(), "20 bytes are too few"),
    ]
}

/// A version 9 file of empty pages behind a metadata page, with its root on page 1.
fn blank(name: String, size: usize, pages: u32, big: bool) -> Image {
    let mut bytes = vec![0; size * usize::try_from(pages).unwrap()];
    let field = u32::try_from(size).unwrap();
    bytes[12..16].copy_from_slice(&if big { [0, 5, 0x31, 0x62] } else { [0x62, 0x31, 5, 0] });
    bytes[20..24].copy_from_slice(&if big { field.to_be_bytes() } else { field.to_le_bytes() });
    let mut file = Image::new(name, bytes);
    file.put_u32(0, 16, 9).put(0, TYPE, 9).put_u32(0, 32, pages - 1).put_u32(0, 76, 2).put_u32(0, 88, 1);
    for page in 1..pages {
        file.put_u32(page, 8, page);
    }
    file
}

/// Room for one more item on a page: its offset.
fn place(file: &mut Image, page: u32, len: usize) -> usize {
    let entries = file.entries(page);
    let area = if entries == 0 { file.page_size } else { usize::from(file.u16(page, AREA)) };
    let at = area - len;
    let (slot, offset) = (file.slot(entries), u16::try_from(at).unwrap());
    file.put_u16(page, slot, offset).put_u16(page, AREA, offset).put_u16(page, ENTRIES, entries + 1);
    at
}

/// A version 9 file with one path of internal pages, each of which leads to the next
/// as often as it has entries, and a leaf of one pair.
pub(crate) fn ladder(levels: u8, entries: u8, size: usize, big: bool) -> Image {
    let leaf = u32::from(levels);
    let mut file = blank(format!("ladder of {levels}"), size, leaf + 1, big);
    for (page, level) in (1..leaf).zip((2..=levels).rev()) {
        file.put(page, TYPE, INTERNAL).put(page, LEVEL, level);
        for entry in 0..entries {
            let at = place(&mut file, page, 16);
            file.put_u16(page, at, 1).put(page, at + 2, 1);
            file.put_u32(page, at + 4, page + 1).put(page, at + 12, b'a' + entry);
        }
    }
    file.put(leaf, TYPE, LEAF).put(leaf, LEVEL, 1);
    for byte in *b"kl" {
        let at = place(&mut file, leaf, 4);
        file.put_u16(leaf, at, 1).put(leaf, at + 2, 1).put(leaf, at + 3, byte);
    }
    file
}

/// A version 9 file whose keys are all one overflow chain of more than 100 KB, on leaves
/// and above, so that each comparison would have to read all of it: also the chain's first
/// page.
pub(crate) fn long_equal_keys(big: bool) -> (Image, u32) {
    let (size, leaves, pairs) = (65536, 3, 1000);
    let first = leaves + 2;
    let mut file = blank("long equal keys".into(), size, first + 2, big);
    let half = u16::try_from(size - 26).unwrap();
    let put_key = |file: &mut Image, page, at| {
        file.put(page, at + 2, 3).put_u32(page, at + 4, first).put_u32(page, at + 8, 2 * u32::from(half));
    };
    file.put(1, TYPE, INTERNAL).put(1, LEVEL, 2);
    for leaf in 2..first {
        let at = place(&mut file, 1, 24);
        file.put_u16(1, at, 12).put(1, at + 2, 3).put_u32(1, at + 4, leaf);
        put_key(&mut file, 1, at + 12);
        file.put(leaf, TYPE, LEAF).put(leaf, LEVEL, 1);
        file.put_u32(leaf, PREV, if leaf == 2 { 0 } else { leaf - 1 });
        file.put_u32(leaf, NEXT, if leaf + 1 == first { 0 } else { leaf + 1 });
        for _ in 0..pairs {
            let at = place(&mut file, leaf, 12);
            put_key(&mut file, leaf, at);
            let at = place(&mut file, leaf, 4);
            file.put_u16(leaf, at, 1).put(leaf, at + 2, 1).put(leaf, at + 3, b'v');
        }
    }
    for page in [first, first + 1] {
        file.put(page, TYPE, OVERFLOW).put_u16(page, ENTRIES, 1).put_u16(page, AREA, half);
    }
    file.put_u32(first, NEXT, first + 1).put_u32(first + 1, PREV, first);
    file.put_u16(first, ENTRIES, u16::try_from(leaves * pairs + leaves).unwrap());
    (file, first)
}

/// A reference to an overflow chain: where it stands.
fn put_reference(file: &mut Image, page: u32, kind: u8, first: u32, len: u32) {
    let at = place(file, page, 12);
    file.put(page, at + 2, kind).put_u32(page, at + 4, first).put_u32(page, at + 8, len);
}

/// A plain item of these bytes.
fn put_item(file: &mut Image, page: u32, bytes: &[u8]) {
    let at = place(file, page, (bytes.len() + 6) & !3);
    file.put_u16(page, at, u16::try_from(bytes.len()).unwrap()).put(page, at + 2, 1);
    for (offset, &byte) in bytes.iter().enumerate() {
        file.put(page, at + 3 + offset, byte);
    }
}

/// A slot that leads to the item of another.
fn share_slot(file: &mut Image, page: u32, with: u16) {
    let (entries, offset) = (file.entries(page), file.u16(page, file.slot(with)));
    let slot = file.slot(entries);
    file.put_u16(page, slot, offset).put_u16(page, ENTRIES, entries + 1);
}

/// An overflow chain of full pages, with so many references; its length.
fn put_chain(file: &mut Image, first: u32, pages: u32, references: u16) -> u32 {
    let full = u16::try_from(file.page_size - 26).unwrap();
    for page in first..first + pages {
        file.put(page, TYPE, OVERFLOW).put_u16(page, ENTRIES, 1).put_u16(page, AREA, full);
        file.put_u32(page, PREV, if page == first { 0 } else { page - 1 });
        file.put_u32(page, NEXT, if page + 1 == first + pages { 0 } else { page + 1 });
    }
    file.put_u16(first, ENTRIES, references);
    pages * u32::from(full)
}

fn root_leaf(name: &str, size: usize, pages: u32, big: bool, flags: u32) -> Image {
    let mut file = blank(name.into(), size, pages, big);
    file.put(1, TYPE, LEAF).put(1, LEVEL, 1).put_u32(0, 48, flags);
    file
}

/// Two values that are one overflow chain, whose count allows it; where the second is.
pub(crate) fn one_chain_for_two(big: bool) -> (Image, u32, usize) {
    let mut file = root_leaf("one chain for two", 512, 5, big, 0);
    let len = put_chain(&mut file, 2, 3, 2);
    for key in [b"a", b"b"] {
        put_item(&mut file, 1, key);
        put_reference(&mut file, 1, 3, 2, len);
    }
    let at = file.item(1, 3) + 4;
    (file, 1, at)
}

/// Keys that are in turn one of two chains, equal but for their ends.
pub(crate) fn long_keys_in_turn(big: bool) -> Image {
    let mut file = root_leaf("long keys in turn", 4096, 10, big, 0);
    let len = put_chain(&mut file, 2, 4, 75);
    put_chain(&mut file, 6, 4, 75);
    file.put(9, 4095, 1);
    for pair in 0..150 {
        put_reference(&mut file, 1, 3, if pair % 2 == 0 { 2 } else { 6 }, len);
        put_item(&mut file, 1, b"v");
    }
    file
}

/// A key with so many duplicates on its page, none of which has a byte: a key on the page,
/// or on a chain of so many pages.
pub(crate) fn repeated_key(size: usize, big: bool, duplicates: u16, chain: u32) -> Image {
    let mut file = root_leaf("repeated key", size, 2 + chain, big, 1);
    if chain > 0 {
        let len = put_chain(&mut file, 2, chain, 1);
        put_reference(&mut file, 1, 3, 2, len);
    } else {
        put_item(&mut file, 1, &vec![b'k'; size / 2]);
    }
    for duplicate in 0..duplicates {
        if duplicate > 0 {
            share_slot(&mut file, 1, 0);
        }
        put_item(&mut file, 1, b"");
    }
    file
}

/// Pairs whose slots all lead to one item of half a page.
pub(crate) fn repeated_item(size: usize, big: bool, pairs: u16) -> Image {
    let mut file = root_leaf("repeated item", size, 2, big, 1);
    put_item(&mut file, 1, &vec![b'k'; size / 2]);
    for _ in 1..2 * pairs {
        share_slot(&mut file, 1, 0);
    }
    file
}

/// A key on a chain of two pages, with so many duplicates on one page of their own.
pub(crate) fn repeated_key_off_page(size: usize, big: bool, duplicates: u16) -> Image {
    let mut file = root_leaf("repeated key off the page", size, 5, big, 1);
    let len = put_chain(&mut file, 2, 2, 1);
    put_reference(&mut file, 1, 3, 2, len);
    put_reference(&mut file, 1, 2, 4, 0);
    file.put(4, TYPE, RECNO_LEAF).put(4, LEVEL, 1);
    for _ in 0..duplicates {
        put_item(&mut file, 4, b"");
    }
    file
}

/// HASH databases whose tables of buckets all cover the file, or pages of zeros behind it.
pub(crate) fn crowded(databases: u32, zeros: u32) -> Image {
    let mut file = root_leaf("crowded", 4096, 2 + databases + zeros, false, 0x20);
    for meta in 2..2 + databases {
        put_item(&mut file, 1, format!("{meta:06}").as_bytes());
        put_item(&mut file, 1, &meta.to_be_bytes());
        file.put_u32(meta, 12, 0x0006_1561).put_u32(meta, 16, 9).put_u32(meta, 20, 4096).put(meta, TYPE, 8);
        file.put_u32(meta, 48, 2);
        let (first, buckets) = if zeros == 0 { (1, databases) } else { (2 + databases, zeros) };
        file.put_u32(meta, 72, buckets - 1);
        for doubling in 0..32 {
            file.put_u32(meta, 96 + 4 * doubling, first);
        }
    }
    for page in 2 + databases..file.pages() {
        file.put_u32(page, 8, 0);
    }
    file
}

/// Files that would take much time or memory if their numbers were believed.
pub(crate) fn costly() -> Vec<Image> {
    let mut files = vec![ladder(30, 10, 512, false), ladder(255, 10, 512, true), long_equal_keys(true).0];
    for file in overflow_files() {
        let mut endless = file.clone();
        for (page, slot, first, _) in chains(&file) {
            endless.put_u32(page, file.item(page, slot) + 8, u32::MAX).put_u16(first, ENTRIES, u16::MAX);
        }
        let mut loops = file.clone();
        for page in file.pages_of(OVERFLOW) {
            loops.put_u32(page, NEXT, page).put_u16(page, AREA, 0);
        }
        files.extend([endless, loops]);
    }
    for tree in trees() {
        let mut crowded = tree.clone();
        for page in tree.leaves(1) {
            crowded.put_u16(page, ENTRIES, u16::MAX);
        }
        let mut shared = tree.clone();
        for page in tree.pages_of(INTERNAL) {
            for entry in 0..tree.entries(page) {
                shared.put_u32(page, tree.child_at(page, entry), 1);
            }
        }
        files.extend([crowded, shared]);
    }
    files
}

// ------------------------------------------------------- where records stand in a file

/// The pairs whose keys, or the records that, stand on some leaves.
pub(crate) fn pairs_on(image: &Image, pages: &[u32]) -> Vec<Pair> {
    let db = Database::from_bytes(&image.bytes[..]).unwrap();
    let (mut keys, mut values) = (BTreeSet::new(), Vec::new());
    for leaf in db.scan() {
        let leaf = leaf.unwrap();
        if !pages.contains(&leaf.page().0) {
            continue;
        }
        for entry in leaf.entries() {
            match entry.unwrap() {
                Scanned::Pair { key, .. } | Scanned::Duplicates { key, .. } => {
                    keys.insert(key.read().unwrap().into_owned());
                }
                Scanned::Value(value) => values.push(value.read().unwrap().into_owned()),
                other => panic!("{other:?}"),
            }
        }
    }
    if db.meta().method() == Method::Recno {
        return values.into_iter().map(|value| (Vec::new(), value)).collect();
    }
    forward(&db).into_iter().filter(|(key, _)| keys.contains(key)).collect()
}

/// All pairs of an undamaged file.
pub(crate) fn all_pairs(image: &Image) -> Vec<Pair> {
    let file = Database::from_bytes(&image.bytes[..]).unwrap();
    all_databases(&file).iter().flat_map(forward).collect()
}

/// The overflow items on the leaves: page, slot, first page of the chain, length.
pub(crate) fn chains(file: &Image) -> Vec<(u32, u16, u32, u32)> {
    let items = file.items(LEAF, 3).into_iter().chain(file.items(RECNO_LEAF, 3));
    items
        .map(|(page, slot)| {
            let at = file.item(page, slot);
            (page, slot, file.u32(page, at + 4), file.u32(page, at + 8))
        })
        .collect()
}

/// The pairs whose key or value has a length.
pub(crate) fn of_length(file: &Image, len: u32) -> Vec<Pair> {
    let len = usize::try_from(len).unwrap();
    all_pairs(file).into_iter().filter(|(key, value)| key.len() == len || value.len() == len).collect()
}

/// The leaf whose item leads to a chain.
pub(crate) fn holder(file: &Image, first: u32) -> u32 {
    chains(file).into_iter().find(|chain| chain.2 == first).unwrap().0
}

/// Metadata page of a HASH database, and its first page with at least four entries.
pub(crate) fn buckets(file: &Image) -> (u32, u32) {
    let meta = file.pages_of(8)[0];
    let page = [2, 13].iter().flat_map(|&kind| file.pages_of(kind)).find(|&page| file.entries(page) >= 4);
    (meta, page.expect("a bucket with some pairs"))
}

/// Keys with off-page duplicates: leaf, slot of the reference, and where it leads.
pub(crate) fn duplicates(file: &Image) -> Vec<(u32, u16, u32)> {
    let items = file.items(LEAF, 2).into_iter();
    items.map(|(page, slot)| (page, slot, file.u32(page, file.item(page, slot) + 4))).collect()
}

/// The pairs of the key whose duplicates an item leads to.
pub(crate) fn of_duplicates(file: &Image, root: u32) -> Vec<Pair> {
    let db = Database::from_bytes(&file.bytes[..]).unwrap();
    let mut key = None;
    for leaf in db.scan().flatten() {
        for entry in leaf.entries() {
            if let Scanned::Duplicates { key: found, root: r } = entry.unwrap() {
                if r.0 == root {
                    key = Some(found.read().unwrap().into_owned());
                }
            }
        }
    }
    let key = key.expect("a key with these duplicates");
    all_pairs(file).into_iter().filter(|(k, _)| *k == key).collect()
}

// ------------------------------------------------------------------------- damage

/// The file with an entry of an internal page that leads elsewhere.
pub(crate) fn misled(image: &Image, page: u32, entry: u16, to: u32) -> Image {
    let mut damaged = image.clone();
    damaged.put_u32(page, image.child_at(page, entry), to);
    damaged
}

/// The file with a page of zeros.
pub(crate) fn zeroed(image: &Image, page: u32) -> Image {
    let mut damaged = image.clone();
    for offset in 0..image.page_size {
        damaged.put(page, offset, 0);
    }
    damaged
}

/// The file with a page of which only the header is left.
pub(crate) fn noise(image: &Image, page: u32) -> Image {
    let mut damaged = image.clone();
    for offset in 26..image.page_size {
        damaged.put(page, offset, u8::try_from((offset * 131 + 89) % 256).unwrap());
    }
    damaged
}

/// The file with two pages in each other's place.
pub(crate) fn swapped(image: &Image, a: u32, b: u32) -> Image {
    let mut damaged = image.clone();
    for offset in 0..image.page_size {
        damaged.put(a, offset, image.byte(b, offset)).put(b, offset, image.byte(a, offset));
    }
    damaged
}

/// The file with a slot in the middle of a leaf that leads nowhere, while the item's old
/// bytes are still there: and the slot.
pub(crate) fn dangling_slot(image: &Image, page: u32) -> (Image, u16) {
    let slot = (image.entries(page) / 2) | 1;
    let mut damaged = image.clone();
    damaged.put_u16(page, image.slot(slot), 0);
    (damaged, slot)
}

/// The file with the end of one overflow chain leading on into another.
pub(crate) fn run_on(image: &Image, first: u32, into: u32) -> (Image, u32) {
    let mut last = first;
    while image.u32(last, NEXT) != 0 {
        last = image.u32(last, NEXT);
    }
    let mut damaged = image.clone();
    damaged.put_u32(last, NEXT, into);
    (damaged, last)
}

/// The file with a leaf over another one: the number is right, the records are not.
pub(crate) fn copied(image: &Image, from: u32, to: u32) -> Image {
    let mut damaged = image.clone();
    for offset in 0..image.page_size {
        damaged.put(to, offset, image.byte(from, offset));
    }
    for field in [8, PREV, NEXT] {
        damaged.put_u32(to, field, image.u32(to, field));
    }
    damaged
}
