//! What differs between two databases.

use bdbkit::diff::{Diff, DiffError, DiffKey, Difference, Side};
use bdbkit::{Database, Endianness, Method};

use crate::build::{Builder, Duplicates, Tree};
use crate::common::hash::HashFile;
use crate::common::image::Image;
use crate::common::{all_databases, cases, data, testdata};

type Entries = Vec<(Vec<u8>, Vec<Vec<u8>>)>;
/// Keys with their values.
type List<'l> = [(&'l str, &'l [&'l str])];
/// A key, the side that alone has it, and values of either side.
type Expected<'l> = (&'l str, Option<Side>, &'l [&'l str], &'l [&'l str]);
/// Where an entry stands, its key and its value.
type Standing = (Option<u32>, Option<String>, Vec<u8>, Vec<u8>);

fn differences(old: &[u8], new: &[u8]) -> Vec<Difference> {
    let [old, new] = [old, new].map(|bytes| Database::from_bytes(bytes).unwrap());
    Diff::new(&old, &new).map(|found| found.unwrap_or_else(|error| panic!("{error}"))).collect()
}

/// What a difference of a key says: the key, which side alone has it, and the values.
fn told(difference: &Difference) -> (String, Option<Side>, Vec<String>, Vec<String>) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    match difference {
        Difference::Key { key: DiffKey::Key(key), only, old, new, .. } => {
            let all = |values: &[Vec<u8>]| values.iter().map(|value| text(value)).collect();
            (text(key), *only, all(old), all(new))
        }
        other => panic!("{other:?}"),
    }
}

fn entries(pairs: &List<'_>) -> Entries {
    let bytes = |text: &&str| text.as_bytes().to_vec();
    pairs.iter().map(|(key, values)| (bytes(key), values.iter().map(bytes).collect())).collect()
}

/// Both sides, and what differs; the same with the sides exchanged.
#[track_caller]
fn expect(old: &[u8], new: &[u8], expected: &[Expected<'_>]) {
    let strings = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    let mut wanted: Vec<_> = expected
        .iter()
        .map(|(key, only, old, new)| ((*key).to_owned(), *only, strings(old), strings(new)))
        .collect();
    wanted.sort();
    let sorted = |old, new| {
        let mut found: Vec<_> = differences(old, new).iter().map(told).collect();
        found.sort();
        found
    };
    assert_eq!(sorted(old, new), wanted);
    let mut turned: Vec<_> =
        wanted.into_iter().map(|(key, only, old, new)| (key, only.map(Side::other), new, old)).collect();
    turned.sort();
    assert_eq!(sorted(new, old), turned);
}

const OLD: [(&str, &[&str]); 5] =
    [("a", &["1"]), ("b", &["1", "2", "2", "3"]), ("c", &["1", "2"]), ("d", &["4"]), ("f", &["5", "6"])];
const NEW: [(&str, &[&str]); 5] =
    [("b", &["3", "2", "1"]), ("c", &["2", "1"]), ("d", &["5"]), ("e", &["", "0"]), ("f", &["5", "6"])];
const BETWEEN: [Expected<'_>; 4] = [
    ("a", Some(Side::Old), &["1"], &[]),
    ("b", None, &["2"], &[]),
    ("d", None, &["4"], &["5"]),
    ("e", Some(Side::New), &[], &["", "0"]),
];

#[test]
fn keys_and_values_of_trees_and_hashes_differ() {
    let tree = Tree::btree().duplicates(Duplicates::Unsorted);
    let trees = [(6, Endianness::Little, 512), (8, Endianness::Big, 4096)];
    let tree = |(version, order, size): (u32, _, _), list: &List<'_>| {
        Builder::new(version, order, size).build(&tree, &entries(list))
    };
    let hash = |version, order, list: &List<'_>| HashFile::new(version, order, 512, 3).build(&entries(list));
    for [one, other] in [trees, [trees[1], trees[0]], [trees[0], trees[0]]] {
        expect(&tree(one, &OLD), &tree(other, &NEW), &BETWEEN);
        assert_eq!(differences(&tree(one, &OLD), &tree(other, &OLD)), []);
    }
    let hashes = [(5, Endianness::Little), (8, Endianness::Big)];
    for (one, other) in [(hashes[0], hashes[1]), (hashes[1], hashes[0])] {
        expect(&hash(one.0, one.1, &OLD), &hash(other.0, other.1, &NEW), &BETWEEN);
    }
    // A BTREE and a HASH.
    expect(&tree(trees[0], &OLD), &hash(8, Endianness::Big, &NEW), &BETWEEN);
    // In the order of keys.
    let found: Vec<_> = differences(&tree(trees[0], &OLD), &tree(trees[1], &NEW)).iter().map(told).collect();
    assert!(found.is_sorted());
}

/// All that a file holds, wherever it stands.
fn entries_of(file: &Database<'_>) -> Vec<Standing> {
    let mut all = Vec::new();
    for db in all_databases(file) {
        for entry in &db {
            let entry = entry.unwrap();
            let place = entry.record_id().map(|id| id.to_string());
            all.push((entry.record_number(), place, entry.key().to_vec(), entry.value().to_vec()));
        }
    }
    all.sort();
    all
}

/// Every genuine file beside itself, and beside the one of the other byte order with the same contents.
#[test]
fn files_of_the_same_contents_do_not_differ() {
    let (mut same, mut twins, mut others) = (0, 0, 0);
    for case in cases(&["btree-", "recno-", "hash-", "queue-", "heap-"]) {
        if case.has("encrypted") {
            continue;
        }
        let open = |name: &str| Database::open(testdata().join(name).join("data.db")).unwrap();
        let db = open(&case.name);
        let found: Vec<_> = Diff::new(&db, &db.clone()).collect();
        assert!(found.is_empty(), "{}: {found:?}", case.name);
        same += 1;
        let twin = case.name.replace("-le-", "-be-");
        if twin == case.name || !testdata().join(&twin).is_dir() {
            continue;
        }
        let twin = open(&twin);
        // Some of them were made of other numbers by chance.
        let equal = entries_of(&db) == entries_of(&twin);
        let found: Vec<_> = Diff::new(&db, &twin).take(3).collect();
        assert_eq!(found.is_empty(), equal, "{}: {found:?}", case.name);
        twins += usize::from(equal);
        others += usize::from(!equal);
    }
    assert!(same > 200 && twins + others > 20 && twins > 0, "{same} {twins} {others}");
}

#[test]
fn records_are_told_by_their_numbers_and_places() {
    let open = |name: &str| Database::open(testdata().join(name).join("data.db")).unwrap();
    for (one, other) in [
        ("recno-v9-le-var", "recno-v9-le-fixed"),
        ("queue-v4-le-few", "queue-v4-le-extents"),
        ("recno-v9-le-var", "queue-v4-le-few"),
        ("heap-v1-le-few", "heap-v1-le-split"),
    ] {
        let (old, new) = (open(one), open(other));
        let method = old.meta().method();
        let differing = Diff::new(&old, &new).map(Result::unwrap).inspect(|difference| {
            let Difference::Key { key, only, old, new, .. } = difference else { panic!("{difference:?}") };
            match key {
                DiffKey::Record(_) => assert!(matches!(method, Method::Recno | Method::Queue)),
                DiffKey::Place(_) => assert_eq!(method, Method::Heap),
                DiffKey::Key(_) => panic!("{difference:?}"),
            }
            assert_eq!(only.is_none(), !old.is_empty() && !new.is_empty());
            assert!(old != new);
        });
        let differing = differing.count();
        let all = [&old, &new].map(|db| {
            db.iter()
                .map(Result::unwrap)
                .map(|entry| (entry.record_number(), entry.record_id(), entry.value().to_vec()))
                .collect::<Vec<_>>()
        });
        let [a, b] = &all;
        let place = |entry: &(Option<u32>, Option<bdbkit::RecordId>, Vec<u8>)| (entry.0, entry.1);
        let only_b = b.iter().filter(|entry| !a.iter().any(|other| place(other) == place(entry))).count();
        let of_a = a.iter().filter(|entry| !b.contains(entry)).count();
        assert!(differing > 0 && differing == of_a + only_b, "{one} {other}: {differing} {of_a} {only_b}");
    }
}

#[test]
fn databases_of_one_name_are_compared() {
    let named = |names: &[(&'static str, &List<'_>)]| {
        let all: Vec<_> = names.iter().map(|(name, list)| (*name, Tree::btree(), entries(list))).collect();
        Builder::new(8, Endianness::Big, 512).build_several(&all)
    };
    let old = named(&[("a", &[("k", &["1"])]), ("b", &[("k", &["1"])]), ("c", &[])]);
    let new = named(&[("b", &[("k", &["2"])]), ("c", &[]), ("d", &[("k", &["1"])])]);
    let found = differences(&old, &new);
    let database = |name: &str, side| Difference::Database { name: name.as_bytes().into(), side };
    let differing = Difference::Key {
        database: Some(b"b"[..].into()),
        key: DiffKey::Key(b"k".to_vec()),
        only: None,
        old: vec![b"1".to_vec()],
        new: vec![b"2".to_vec()],
    };
    assert_eq!(found, [database("a", Side::Old), differing, database("d", Side::New)]);
    let one = data("btree-v9-le-one");
    let [several, one] = [&old, &one].map(|bytes| Database::from_bytes(&bytes[..]).unwrap());
    let mut wrong = Diff::new(&one, &several);
    assert!(matches!(wrong.next(), Some(Err(DiffError::Several { side: Side::New }))));
    assert!(wrong.next().is_none());
    // One of them, opened, beside a file.
    let inner = &all_databases(&several)[0];
    assert_eq!(Diff::new(inner, &one).filter(|found| found.is_ok()).count(), 2);
}

#[test]
fn what_cannot_be_compared_is_an_error() {
    let open = |name: &str| Database::open(testdata().join(name).join("data.db")).unwrap();
    let found: Vec<_> = Diff::new(&open("btree-v9-le-few"), &open("heap-v1-le-few")).collect();
    assert!(
        matches!(found[..], [Err(DiffError::Methods { old: Method::Btree, new: Method::Heap })]),
        "{found:?}"
    );
    // Keys in an order of their own: what comes behind them is not told.
    let list = [("a", &["1"][..]), ("b", &["1"]), ("c", &["1"])];
    let bytes = Builder::new(8, Endianness::Big, 512).build(&Tree::btree(), &entries(&list));
    let mut image = Image::new("disordered", bytes);
    let key = image.item(1, 2) + 3;
    assert_eq!(image.byte(1, key), b'b');
    image.put(1, key, b'0');
    let bytes = image.bytes;
    let disordered = Database::from_bytes(&bytes).unwrap();
    let found: Vec<_> = Diff::new(&disordered, &disordered.clone()).collect();
    match &found[..] {
        [Err(DiffError::Order { key, .. })] => assert_eq!(key, b"0"),
        other => panic!("{other:?}"),
    }
    let damaged = open("damage-v9-le-next-cycle");
    let found: Vec<_> = Diff::new(&damaged, &open("btree-v9-le-few")).collect();
    let errors = found.iter().filter(|found| matches!(found, Err(DiffError::Read { side: Side::Old, .. })));
    assert!(errors.count() > 0);
}
