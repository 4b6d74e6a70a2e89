//! What damaged files make the reader allocate: memory is bounded by the size of the
//! file, not by numbers in it.

use bdbkit::Database;

use crate::common::image::{AREA, ENTRIES, Image, LEAF, NEXT, OVERFLOW};
use crate::common::{all_readable, cases, read};
use crate::counting::peak_of;

/// Opens a file and reads it in every way.
fn read_all(bytes: &[u8]) {
    let Ok(db) = Database::from_bytes(bytes) else { return };
    let bound = bytes.len() + 64;
    let walk = |db: &Database<'_>| {
        let mut sum = 0;
        for entry in db.iter().take(bound).flatten() {
            sum += entry.key().len() + entry.value().len();
        }
        for pair in db.iter().pairs().rev().take(bound).flatten() {
            sum += pair.value().pieces().flatten().map(|piece| piece.len()).sum::<usize>();
        }
        let _ = (db.get(b"key"), db.record(3), db.tree_stats().len(), db.file_stats().free_list);
        sum
    };
    let mut sum = walk(&db);
    for inner in db.subdatabases().take(bound).flatten().map(|found| found.open()) {
        sum += walk(&inner);
    }
    for leaf in db.scan().flatten() {
        sum += leaf.entries().count();
    }
    let written = bdbkit::dump::Writer::new().write(&db, std::io::sink(), |damage| {
        assert!(!damage.error.to_string().is_empty());
    });
    assert!(written.is_ok() && sum < usize::MAX);
}

#[track_caller]
fn is_bounded(name: &str, bytes: &[u8]) {
    let peak = peak_of(|| read_all(bytes));
    let limit = bytes.len() * 4 + (1 << 20);
    assert!(peak <= limit, "{name}: {peak} bytes for a file of {}", bytes.len());
}

#[test]
fn the_counter_counts() {
    let peak = peak_of(|| drop(std::hint::black_box(vec![1_u8; 3 << 20])));
    assert!((3 << 20..4 << 20).contains(&peak), "{peak}");
}

#[test]
fn healthy_files_take_memory_in_proportion_to_their_size() {
    for golden in all_readable() {
        is_bounded(&golden.name(), &read(&golden.db));
    }
}

#[test]
fn damaged_files_take_memory_in_proportion_to_their_size() {
    let all = cases(&["damage-v", "damage-hash-"]);
    assert!(all.len() >= 77);
    for case in all {
        is_bounded(&case.name, &read(case.folder().join("data.db")));
    }
}

#[test]
fn numbers_in_a_file_decide_nothing_about_memory() {
    for case in
        ["btree-v6-be-overflow", "btree-v7-le-overflow", "btree-v8-be-overflow", "btree-v9-le-overflow"]
    {
        let file = Image::of_case(case);
        for (page, slot) in file.items(LEAF, 3) {
            for len in [u32::MAX, 1 << 31, 63 << 20, 60_000_000, 1 << 20] {
                let mut damaged = file.clone();
                damaged.put_u32(page, file.item(page, slot) + 8, len);
                is_bounded(case, &damaged.bytes);
            }
        }
        for page in file.pages_of(OVERFLOW).into_iter().take(8) {
            let mut damaged = file.clone();
            damaged.put_u32(page, NEXT, page).put_u16(page, AREA, 65535);
            is_bounded(case, &damaged.bytes);
        }
        for field in [8, 20, 28, 32, 36, 40, 44, 48, 60, 72, 76, 80, 84, 88] {
            for value in [u32::MAX, 0x7fff_ffff, 65536, 1 << 20] {
                let mut damaged = file.clone();
                damaged.put_u32(0, field, value);
                is_bounded(case, &damaged.bytes);
            }
        }
        for page in file.pages_of(LEAF) {
            let mut damaged = file.clone();
            damaged.put_u16(page, ENTRIES, 65534);
            is_bounded(case, &damaged.bytes);
        }
    }
}

/// Many items that lead to one long chain: each page of it may be read once for each
/// item, but they are never held together.
#[test]
fn many_items_with_one_long_chain_are_not_held_together() {
    for case in ["btree-v6-le-overflow", "btree-v9-be-overflow"] {
        let file = Image::of_case(case);
        let items = file.items(LEAF, 3);
        let (page, slot) = *items.iter().max_by_key(|&&(p, s)| file.u32(p, file.item(p, s) + 8)).unwrap();
        let at = file.item(page, slot);
        let (first, len) = (file.u32(page, at + 4), file.u32(page, at + 8));
        let mut damaged = file.clone();
        for &(page, slot) in &items {
            let at = file.item(page, slot);
            damaged.put_u32(page, at + 4, first).put_u32(page, at + 8, len);
        }
        is_bounded(case, &damaged.bytes);
    }
}
