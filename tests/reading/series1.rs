//! Files of the 1.x series: those that genuine libraries wrote, with the pairs that are in them, and
//! those that are written from the specification, of all shapes.

use std::collections::BTreeMap;
use std::ops::Bound;

use bdbkit::salvage::{Key, Salvage};
use bdbkit::verify::{Severity, Verify};
use bdbkit::{Database, Endianness, Error, FileKind, Method, OpenOptions};

use crate::common::{Pair, multiset, read, testdata};
use crate::counting::taken_by;
use crate::old::{Table, Tree};

const ORDERS: [Endianness; 2] = [Endianness::Little, Endianness::Big];

/// The cases, each with the lines that its file has to give.
fn cases() -> Vec<(String, Vec<u8>, Vec<String>)> {
    let folders = std::fs::read_dir(testdata()).unwrap().map(|entry| entry.unwrap());
    let mut names: Vec<String> = folders
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|n| n.starts_with("old-"))
        .collect();
    names.sort();
    assert!(names.len() >= 14, "cases went missing: {names:?}");
    let case = |name: String| {
        let folder = testdata().join(&name);
        let lines = String::from_utf8(read(folder.join("pairs.txt"))).unwrap();
        let lines = lines.lines().map(|line| line[1..].to_owned()).collect();
        (name, read(folder.join("data.db")), lines)
    };
    names.into_iter().map(case).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All that a walk gives, as lines of a dump.
fn lines(db: &Database<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in db.iter() {
        let entry = entry.unwrap();
        if db.meta().method() != Method::Recno {
            lines.push(hex(entry.key()));
        }
        lines.push(hex(entry.value()));
    }
    lines
}

fn pairs(db: &Database<'_>) -> Vec<Pair> {
    db.iter()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.key().to_vec(), entry.value().to_vec()))
        .collect()
}

/// Every question gives what the pairs say.
fn look_up_all(name: &str, bytes: &[u8]) {
    let db = Database::from_bytes(bytes).unwrap();
    let all = pairs(&db);
    if db.meta().method() == Method::Recno {
        for (number, (_, value)) in (1..).zip(&all) {
            let entry = db.record(number).unwrap().unwrap_or_else(|| panic!("{name}: no record {number}"));
            assert_eq!((entry.value(), entry.record_number()), (&value[..], Some(number)), "{name}");
        }
        assert!(db.record(0).unwrap().is_none());
        assert!(db.record(u32::try_from(all.len()).unwrap() + 1).unwrap().is_none());
        assert!(matches!(db.get(b"key"), Err(Error::WrongMethod { .. })));
        return;
    }
    let mut model: BTreeMap<&[u8], Vec<&[u8]>> = BTreeMap::new();
    all.iter().for_each(|(key, value)| model.entry(key).or_default().push(value));
    for (key, values) in &model {
        let found: Vec<_> = db.duplicates(key).map(|entry| entry.unwrap().value().to_vec()).collect();
        assert_eq!(found, *values, "{name}: {key:?}");
        assert_eq!(db.get(key).unwrap().as_deref(), values.first().copied(), "{name}: {key:?}");
        let other = [*key, b"\0"].concat();
        assert_eq!(db.get(&other).unwrap().is_some(), model.contains_key(&other[..]), "{name}: {other:?}");
    }
    assert_eq!(db.get(b"").unwrap().is_some(), model.contains_key(&b""[..]));
    if db.meta().method() == Method::Hash {
        assert!(matches!(db.range(b"a"..).next(), Some(Err(Error::WrongMethod { .. }))));
        return;
    }
    let keys: Vec<&[u8]> = model.keys().copied().collect();
    let middle = |part: usize| keys.get(keys.len() * part / 5).copied().unwrap_or(b"m").to_vec();
    for (start, end) in [
        (Bound::Included(middle(1)), Bound::Excluded(middle(3))),
        (Bound::Excluded(middle(2)), Bound::Included(middle(4))),
        (Bound::Unbounded, Bound::Included(middle(1))),
        (Bound::Included(middle(3)), Bound::Unbounded),
        (Bound::Included(middle(4)), Bound::Excluded(middle(1))),
    ] {
        let inside = |key: &[u8]| {
            let behind = match &start {
                Bound::Included(start) => key >= &start[..],
                Bound::Excluded(start) => key > &start[..],
                Bound::Unbounded => true,
            };
            behind
                && match &end {
                    Bound::Included(end) => key <= &end[..],
                    Bound::Excluded(end) => key < &end[..],
                    Bound::Unbounded => true,
                }
        };
        let expected: Vec<Pair> = all.iter().filter(|(key, _)| inside(key)).cloned().collect();
        let found = db.range((start.clone(), end.clone())).map(|entry| entry.unwrap());
        let found: Vec<Pair> = found.map(|entry| (entry.key().to_vec(), entry.value().to_vec())).collect();
        assert_eq!(found, expected, "{name}: {start:?} to {end:?}");
    }
    let prefix = &middle(2)[..middle(2).len().min(5)];
    let expected = all.iter().filter(|(key, _)| key.starts_with(prefix)).count();
    assert_eq!(db.prefix(prefix).filter(|entry| entry.is_ok()).count(), expected, "{name}");
}

fn expect_sound(name: &str, bytes: &[u8]) {
    let verdict = Verify::from_bytes(bytes).run();
    let worse = verdict.findings().iter().filter(|finding| finding.severity > Severity::Note);
    assert_eq!(worse.map(ToString::to_string).collect::<Vec<_>>(), [""; 0], "{name}");
    assert!(verdict.complete(), "{name}");
}

/// What a salvage finds, as pairs; records have empty keys.
fn salvaged(bytes: &[u8]) -> Vec<Pair> {
    let salvage = Salvage::from_bytes(bytes);
    let survey = salvage.survey().unwrap();
    let whole = survey.records().filter(|record| record.is_whole());
    let bytes_of =
        |bytes: Option<&bdbkit::salvage::Bytes<'_>>| bytes.map_or(Vec::new(), |b| b.to_cow().into_owned());
    whole
        .map(|record| {
            let key = match &record.key {
                Key::Bytes(key) => bytes_of(key.bytes()),
                Key::Record(_) => Vec::new(),
            };
            (key, bytes_of(record.value.bytes()))
        })
        .collect()
}

#[test]
fn genuine_files_give_the_pairs_that_are_in_them() {
    for (name, bytes, expected) in cases() {
        let db = Database::from_bytes(&bytes[..]).unwrap();
        assert!(lines(&db) == expected, "{name}: other pairs");
        look_up_all(&name, &bytes);
        expect_sound(&name, &bytes);
        assert!(salvaged(&bytes) == pairs(&db), "{name}: a salvage finds others");
        let owned: Vec<Pair> = db
            .clone()
            .into_iter()
            .map(|e| e.unwrap())
            .map(|e| (e.key().to_vec(), e.value().to_vec()))
            .collect();
        assert!(owned == pairs(&db), "{name}: an iterator that owns its database gives others");
    }
}

/// With no more pages in memory than a few.
#[test]
fn pages_can_be_read_on_demand() {
    for (name, bytes, expected) in cases() {
        let limits = bdbkit::Limits::default().max_kept(300 << 10);
        let options = OpenOptions::new().on_demand(true).limits(limits);
        let db = options.file_from_reader(std::io::Cursor::new(bytes)).unwrap().database().unwrap();
        let recno = db.meta().method() == Method::Recno;
        let mut found = Vec::new();
        for entry in db.into_iter() {
            let entry = entry.unwrap();
            if !recno {
                found.push(hex(entry.key()));
            }
            found.push(hex(entry.value()));
        }
        assert!(found == expected, "{name}");
    }
}

/// Pages of trees and of HASH 3 tell their numbers, those of HASH 2 fit in themselves; only what is
/// not on one page cannot be put together there.
#[test]
fn without_page_0_the_pages_tell_how_the_file_is_divided() {
    for (name, mut bytes, _) in cases() {
        let db = Database::from_bytes(bytes.clone()).unwrap();
        let (all, size) = (pairs(&db), db.meta().page_size().bytes());
        let table = db.meta().method() == Method::Hash && db.meta().version() < 3;
        if all.is_empty() {
            continue;
        }
        bytes[..size].fill(0);
        let (salvaged, mut expected) = (salvaged(&bytes), all.clone());
        let found = multiset(&salvaged);
        if table {
            expected.retain(|(key, value)| key.len() + value.len() + 14 <= size);
        }
        let lost =
            multiset(&expected).into_iter().filter(|(pair, n)| found.get(pair).is_none_or(|m| m < n)).count();
        assert_eq!(lost, 0, "{name}: of {}", expected.len());
    }
}

#[test]
fn a_dump_has_the_header_that_loads_it() {
    for (case, header) in [
        ("old-btree-1234-512-dup", "type=btree\nduplicates=1\ndb_pagesize=512\n"),
        ("old-btree-4321-514-both", "type=btree\n"),
        ("old-recno-4321-512-fixed", "type=recno\ndb_pagesize=512\n"),
        ("old-hash-4321-512-bigd", "type=hash\nh_ffactor=8\ndb_pagesize=512\n"),
        ("old-h3-4321-512-both", "type=hash\nh_ffactor=8\ndb_pagesize=512\n"),
    ] {
        let db = Database::open(testdata().join(case).join("data.db")).unwrap();
        let mut text = Vec::new();
        bdbkit::dump::Writer::new().write(&db, &mut text, |damage| panic!("{}", damage.error)).unwrap();
        let expected = format!("VERSION=3\nformat=bytevalue\n{header}HEADER=END\n");
        assert!(text.starts_with(expected.as_bytes()), "{case}");
    }
}

#[test]
fn what_a_file_is_can_be_told_by_its_first_bytes() {
    let kind = |case: &str| FileKind::at(testdata().join(case).join("data.db")).unwrap();
    let told = |method, version, order| FileKind::Series1 { method, version, order };
    assert_eq!(kind("old-btree-4321-514-both"), told(Method::Btree, 3, Endianness::Big));
    assert_eq!(kind("old-recno-1234-512-big"), told(Method::Recno, 3, Endianness::Little));
    assert_eq!(kind("old-hash-1234-512-both"), told(Method::Hash, 2, Endianness::Little));
    assert_eq!(kind("old-h3-4321-512-both"), told(Method::Hash, 3, Endianness::Big));
}

#[test]
fn what_the_series_does_not_allow_is_refused() {
    let db = Database::open(testdata().join("old-btree-1234-512-dup/data.db")).unwrap();
    assert!(matches!(db.cursor(), Err(Error::ForwardsOnly { .. })));
    assert!(matches!(db.scan().next(), Some(Err(Error::ForwardsOnly { .. }))));
    assert_eq!(db.scan().count(), 1);
    assert!(matches!(db.iter().next_back(), Some(Err(Error::ForwardsOnly { .. }))));
    assert!(matches!(db.record(1), Err(Error::WrongMethod { .. })));
    assert_eq!(db.split(4).len(), 1);
    assert!(db.meta().is_series1());
}

/// The header of a table is all that is written of one that never got a key.
#[test]
fn a_table_of_nothing_but_its_header_is_empty() {
    let (bytes, _) = Table { version: 2, order: Endianness::Big, page_size: 4096, buckets: 1 }.build(&[]);
    let mut header = bytes[..260].to_vec();
    header[196..198].fill(0);
    let db = Database::from_bytes(header.clone()).unwrap();
    assert_eq!((db.iter().count(), db.get(b"key").unwrap()), (0, None));
    expect_sound("header", &header);
    assert!(Database::from_bytes(&header[..259]).is_err());
}

/// A mix of lengths: short ones, ones that nearly fill a page, and ones that need several.
fn some_pairs(count: u32, page_size: usize, big_keys: bool, duplicates: bool) -> Vec<Pair> {
    let mut state = 0x1234_5678u32;
    let mut next = move |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    let mut pairs = Vec::new();
    for number in 0..count {
        let mut key = format!("key{number:06}").into_bytes();
        if big_keys && number % 9 == 4 {
            key.resize(page_size / 3 + next(page_size * 2), b'K');
        }
        for _ in 0..if duplicates && number % 5 == 0 { 1 + next(20) } else { 1 } {
            let len = match number % 7 {
                3 => page_size / 4 + next(page_size * 3),
                5 => 0,
                _ => next(30),
            };
            let value: Vec<u8> = (0..len).map(|_| b'a' + next(26) as u8).collect();
            pairs.push((key.clone(), value));
        }
    }
    pairs
}

#[test]
fn trees_of_every_page_size_and_order_are_read_and_found_sound() {
    for page_size in [512, 514, 1000, 1024, 2048, 4096, 8192, 16384, 32768, 65536] {
        for order in ORDERS {
            for (big_keys, duplicates) in [(false, false), (true, false), (false, true)] {
                let count = if page_size > 8192 { 40 } else { 150 };
                let pairs_in = some_pairs(count, page_size, big_keys, duplicates);
                let name = format!("{page_size} {order} {big_keys} {duplicates}");
                let bytes = Tree { order, page_size, duplicates, records: None }.build(&pairs_in);
                let db = Database::from_bytes(&bytes[..]).unwrap();
                assert!(pairs(&db) == pairs_in, "{name}: other pairs");
                look_up_all(&name, &bytes);
                expect_sound(&name, &bytes);
                assert!(salvaged(&bytes) == pairs_in, "{name}: a salvage finds others");
            }
            for records in ORDERS {
                let mut pairs_in = some_pairs(150, page_size.min(8192), false, false);
                pairs_in.iter_mut().for_each(|(key, _)| key.clear());
                let name = format!("records {page_size} {order} {records}");
                let bytes =
                    Tree { order, page_size, duplicates: false, records: Some(records) }.build(&pairs_in);
                let db = Database::from_bytes(&bytes[..]).unwrap();
                assert!(pairs(&db) == pairs_in, "{name}: other records");
                look_up_all(&name, &bytes);
                expect_sound(&name, &bytes);
                assert!(salvaged(&bytes) == pairs_in, "{name}: a salvage finds others");
            }
        }
    }
}

#[test]
fn tables_of_every_page_size_and_order_are_read_and_found_sound() {
    for page_size in [64, 128, 512, 1024, 4096, 16384, 32768, 65536] {
        for (order, version) in ORDERS.into_iter().flat_map(|order| [(order, 2), (order, 3)]) {
            for buckets in [1, 2, 7, 8, 40] {
                let count = if page_size > 8192 { 30 } else { 120 };
                let pairs_in = some_pairs(count, page_size.min(8192), true, false);
                let name = format!("HASH {version}, {page_size}, {order}, {buckets} buckets");
                let table = Table { version, order, page_size, buckets };
                // One page of bits has to do.
                if page_size < 128 && buckets < 40 || page_size < 512 && buckets < 2 {
                    continue;
                }
                let (bytes, standing) =
                    table.build(&pairs_in[..if page_size < 512 { 30 } else { count as usize }]);
                let db = Database::from_bytes(&bytes[..]).unwrap();
                assert!(pairs(&db) == standing, "{name}: other pairs");
                look_up_all(&name, &bytes);
                expect_sound(&name, &bytes);
                assert!(salvaged(&bytes) == standing, "{name}: a salvage finds others");
            }
        }
    }
}

/// A function of the program's own: keys are looked for among all, or with that function.
#[test]
fn keys_of_another_hash_function_are_found_all_the_same() {
    let all = some_pairs(60, 512, true, false);
    let (mut bytes, standing) =
        Table { version: 2, order: Endianness::Little, page_size: 512, buckets: 9 }.build(&all);
    bytes[64] ^= 0x55;
    let db = Database::from_bytes(bytes).unwrap();
    for (key, value) in &standing {
        assert_eq!(db.get(key).unwrap().as_deref(), Some(&value[..]));
    }
}

/// Records put behind the last one are not counted on the way to it.
#[test]
fn counts_on_the_way_to_the_last_record_may_lag() {
    let mut all = some_pairs(80, 512, false, false);
    all.iter_mut().for_each(|(key, value)| {
        key.clear();
        value.truncate(9);
    });
    let order = Endianness::Little;
    let mut bytes = Tree { order, page_size: 512, duplicates: false, records: Some(order) }.build(&all);
    let slots = (usize::from(bytes[512 + 16]) - 20) / 2;
    assert!(slots > 1, "a tree of two levels");
    let count = |slot: usize| {
        512 + usize::from(u16::from_le_bytes([bytes[512 + 20 + slot * 2], bytes[512 + 21 + slot * 2]]))
    };
    let (first, last) = (count(0), count(slots - 1));
    bytes[last] = 1;
    look_up_all("a count that lags", &bytes);
    expect_sound("a count that lags", &bytes);
    bytes[first] = 1;
    let db = Database::from_bytes(&bytes[..]).unwrap();
    assert_eq!(db.iter().filter(|entry| entry.is_err()).count(), 1);
    assert!(db.record(1).is_err() && Verify::from_bytes(&bytes[..]).run().worst() == Some(Severity::Error));
}

/// Twice the pairs take about twice the work, to read and to check.
#[test]
fn work_is_linear_in_the_size_of_the_file() {
    let order = Endianness::Big;
    let work = |count: u32| {
        let all = some_pairs(count, 512, true, true);
        let tree = Tree { order, page_size: 512, duplicates: true, records: None }.build(&all);
        let all = some_pairs(count, 512, true, false);
        let (table, _) = Table { version: 2, order, page_size: 1024, buckets: count / 4 }.build(&all);
        [tree, table].map(|bytes| {
            taken_by(|| {
                let db = Database::from_bytes(&bytes[..]).unwrap();
                assert!(db.iter().all(|entry| entry.is_ok()));
                assert_eq!(Verify::from_bytes(&bytes[..]).run().count(Severity::Error), 0);
                let salvage = Salvage::from_bytes(&bytes[..]);
                assert!(salvage.survey().unwrap().records().count() > 0);
            })
        })
    };
    let (small, large) = (work(300), work(1200));
    for (small, large) in small.into_iter().zip(large) {
        assert!(large < small * 6, "four times the pairs take {large} bytes, not {small}");
    }
}

/// What was deleted is found where it still stands: below the items of a leaf, and on free pages.
#[test]
fn deleted_pairs_are_found_in_unused_space() {
    let bytes = read(testdata().join("old-btree-1234-600-deleted/data.db"));
    let live = salvaged(&bytes).len();
    let salvage = Salvage::from_bytes(&bytes[..]).deleted(true);
    let survey = salvage.survey().unwrap();
    let records: Vec<_> = survey.records().collect();
    assert!(records.len() > live, "{} records, {live} live", records.len());
    assert!(
        records.iter().filter(|record| record.confidence() == bdbkit::salvage::Confidence::Low).count()
            >= records.len() - live
    );
}
