//! Faults that were found and mended, each with its smallest file in
//! `testdata/regress/`.

use bdbkit::verify::Verify;
use bdbkit::{Database, Result, dump};

use crate::common::{data, read, testdata};

fn open(name: &str) -> Database<'static> {
    Database::from_bytes(read(testdata().join("regress").join(name))).unwrap()
}

/// How many of some results are good, and how many errors.
fn tally<T>(results: impl Iterator<Item = Result<T>>) -> (usize, usize) {
    results
        .take(10_000)
        .fold((0, 0), |(good, bad), r| if r.is_ok() { (good + 1, bad) } else { (good, bad + 1) })
}

fn scan(db: &Database<'_>) -> (usize, usize) {
    tally(db.scan().flat_map(|leaf| match leaf {
        Ok(leaf) => leaf.entries().collect::<Vec<_>>(),
        Err(error) => vec![Err(error)],
    }))
}

fn damage(db: &Database<'_>) -> u64 {
    dump::Writer::new().write(db, std::io::sink(), |_| {}).unwrap().damaged
}

#[test]
fn an_empty_set_of_duplicates_in_a_bucket_is_an_error() {
    assert!(damage(&open("hash-empty-set-of-duplicates.db")) > 0);
}

/// Written by release 5.3: references to duplicates off the page take eight bytes.
#[test]
fn duplicates_off_the_page_of_a_bucket_are_no_error() {
    let db = open("hash-duplicates-off-page.db");
    assert_eq!(damage(&db), 0);
    let verdict = Verify::new(&db).run();
    assert!(verdict.findings().is_empty() && verdict.complete(), "{:?}", verdict.findings());
    let inner = db.subdatabase(b"foo").unwrap();
    assert_eq!(tally(inner.iter()), (6, 0));
}

#[test]
fn two_keys_in_buckets_with_one_chain_are_an_error() {
    assert!(damage(&open("hash-two-keys-one-chain.db")) > 0);
}

#[test]
fn a_page_of_a_bucket_that_says_it_has_no_items_is_an_error_if_it_has() {
    let mut bytes = data("btree-v9-be-subdbs");
    assert_eq!(bytes[25 * 512 + 20..25 * 512 + 22], [0, 8], "entries of a page of a bucket");
    bytes[25 * 512 + 21] = 0;
    assert!(damage(&Database::from_bytes(bytes).unwrap()) > 0);
}

#[test]
fn a_chain_of_duplicates_of_three_keys_is_given_once_from_either_end() {
    let db = open("v6-three-keys-one-chain-of-duplicates.db");
    assert_eq!(tally(db.iter()), tally(db.iter().rev()));
    assert_eq!(tally(db.iter()).1, 2);
}

#[test]
fn a_page_of_duplicates_that_links_to_itself_ends_in_both_directions() {
    let db = open("v6-duplicates-page-links-to-itself.db");
    assert!(tally(db.iter()).1 > 0);
    assert!(tally(db.iter().rev()).1 > 0);
    let mut cursor = db.cursor().unwrap();
    for _ in 0..100 {
        let _ = cursor.previous();
    }
}

#[test]
fn two_slots_that_moved_to_a_third_item_of_their_size_are_an_error() {
    let db = open("two-slots-moved-to-a-third.db");
    assert!(tally(db.iter()).1 > 0);
    assert!(scan(&db).1 > 0);
}

#[test]
fn a_look_up_does_not_depend_on_the_ones_before() {
    let fresh = open("two-parents-one-leaf.db").get(b"e").is_err();
    let db = open("two-parents-one-leaf.db");
    let _ = db.get(b"a");
    assert!(fresh && db.get(b"e").is_err());
}

#[test]
fn a_scan_in_parts_of_a_file_without_leaves_says_that_it_was_cut() {
    let db = open("metadata-page-only.db");
    assert_eq!(scan(&db), (0, 1));
    assert_eq!(db.scan().split(4).into_iter().map(|part| tally(part).1).sum::<usize>(), 1);
}

#[test]
fn a_scan_of_a_file_cut_at_a_page_says_so_in_every_version() {
    for case in ["btree-v6-be-levels", "btree-v6-le-levels", "btree-v7-be-levels", "btree-v8-le-levels"] {
        let whole = data(case);
        let size = Database::from_bytes(&whole[..]).unwrap().meta().page_size().bytes();
        let pairs = scan(&Database::from_bytes(&whole[..]).unwrap()).0;
        for pages in 2..whole.len() / size {
            let cut = Database::from_bytes(&whole[..pages * size]).unwrap();
            let (good, bad) = scan(&cut);
            assert!(good == pairs || bad > 0, "{case} cut to {pages} pages: {good} of {pairs} and no error");
        }
    }
}

/// Numbers before the one from which pages count have no place: the first record is not theirs, too.
#[test]
fn a_record_of_a_queue_has_one_number() {
    let mut bytes = data("queue-v1-be-few");
    let sound = Database::from_bytes(&bytes[..]).unwrap();
    let numbers = |db: &Database<'_>| db.iter().filter(|entry| entry.is_ok()).count();
    let records = numbers(&sound);
    bytes[48..64].fill(0x20);
    assert_eq!(numbers(&Database::from_bytes(bytes).unwrap()), records);
}
