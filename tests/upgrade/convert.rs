//! Files in the other byte order: the same pairs, sound, and back as they were.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bdbkit::upgrade::{Convert, ConvertTo, EditError, Notice, Reason, Refusal};
use bdbkit::verify::{Severity, Verify};
use bdbkit::{Database, Endianness, PageNo};

use crate::build::{Builder, Duplicates, Lsns, Tree};
use crate::common::hash::{HashFile, mixed};
use crate::common::image::Image;
use crate::common::{Case, cases, data, dump, read, testdata};
use crate::fake_disk::FakeDisk;

const ORDERS: [Endianness; 2] = [Endianness::Little, Endianness::Big];

/// The files of a folder, by name.
type Files = BTreeMap<String, Vec<u8>>;

fn to(order: Endianness) -> ConvertTo {
    ConvertTo { order, reset_lsn: false }
}

#[track_caller]
fn turned(bytes: &[u8], order: Endianness) -> Vec<u8> {
    to(order).in_memory(bytes).unwrap_or_else(|error| panic!("{error}")).0
}

fn order_of(bytes: &[u8]) -> Endianness {
    bdbkit::FileKind::of(bytes).database().unwrap().order
}

/// The files of a folder after a conversion of some of them, as one unit.
fn converted(files: &Files, given: &[&str], order: Endianness) -> Result<(Files, Vec<Notice>), EditError> {
    let path = |name: &str| format!("/store/{name}");
    let disk = FakeDisk::with(files.iter().map(|(name, bytes)| (path(name).leak() as &str, &bytes[..])));
    let convert = Convert::on(&disk, given.iter().map(|name| path(name)), order);
    let report = convert.ignore_logs(true).assume_closed(true).run()?;
    assert!(report.files.iter().all(|file| file.to_order == order));
    let found = files.keys().map(|name| (name.clone(), disk.bytes(path(name)).unwrap())).collect();
    Ok((found, report.files.into_iter().flat_map(|file| file.notices).collect()))
}

/// What a file of a folder holds, as text; it is sound but for what newer verifiers report.
fn text(folder: &Path, name: &str) -> Vec<u8> {
    let path = folder.join(name);
    let db = Database::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (text, _, damage) = dump(&db, false);
    assert!(damage.is_empty(), "{}: {damage:?}", path.display());
    // The text says in which order the file is.
    let lines = text.split_inclusive(|&byte| byte == b'\n');
    lines.filter(|line| !line.starts_with(b"db_lorder=")).flatten().copied().collect()
}

/// The first error that a file of a folder has.
fn error_of(folder: &Path, name: &str) -> Option<String> {
    let verdict = Verify::open(folder.join(name)).unwrap().check_order(false).run();
    let error = verdict.findings().iter().find(|finding| finding.severity == Severity::Error);
    error.map(|error| format!("{:?}", error.rule))
}

fn write(folder: &Path, files: &Files) {
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

/// The files of a case that a conversion is about: databases and extents.
fn files_of(folder: &Path) -> Files {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let ours =
        |path: &PathBuf| path.extension().is_some_and(|e| e == "db") || name(path).starts_with("__dbq.");
    all.filter(ours).map(|path| (name(&path), read(&path))).collect()
}

/// The cases with databases that are readable without a password.
fn readable() -> Vec<Case> {
    let all = cases(&["btree-", "recno-", "hash-", "queue-", "heap-", "mboxlist-"]);
    all.into_iter().filter(|case| !case.has("encrypted") && !case.has("partitioned")).collect()
}

/// Files that do not come back as they were, because what they had was wrong: the headers of the
/// pages of extents in the order of the machine that wrote them.
const MENDED: [&str; 0] = [];

#[test]
fn every_file_holds_the_same_in_the_other_order_and_comes_back_as_it_was() {
    let (mut all, mut mended) = (0, Vec::new());
    for case in readable() {
        let before = files_of(&case.folder());
        let given: Vec<&str> =
            before.keys().map(String::as_str).filter(|name| !name.starts_with("__db")).collect();
        let given: Vec<&str> = given.into_iter().filter(|name| !before[*name].is_empty()).collect();
        let order = order_of(&before[given[0]]);
        let (after, _) = converted(&before, &given, order.other())
            .unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        write(folders[0].path(), &before);
        write(folders[1].path(), &after);
        for name in &given {
            assert_eq!(order_of(&after[*name]), order.other(), "{}", case.name);
            let [old, new] = [0, 1].map(|n| text(folders[n].path(), name));
            assert!(old == new, "{}: {name}", case.name);
            let [old, new] = [0, 1].map(|n| error_of(folders[n].path(), name));
            assert_eq!(old, new, "{}: {name}", case.name);
            all += 1;
        }
        let (back, _) = converted(&after, &given, order).unwrap();
        if back != before {
            mended.push(case.name.clone());
        }
        let (again, _) = converted(&back, &given, order.other()).unwrap();
        assert!(again == after, "{}: what is sound is turned without loss", case.name);
    }
    assert_eq!(mended, MENDED);
    assert!(all > 250, "{all}");
}

/// A file built in one order is, converted, byte for byte the file built in the other: what means
/// nothing is the same noise in both.
#[test]
fn trees_built_in_either_order_become_each_other() {
    let mut tried = 0;
    for (version, page_size, seed) in
        [(6, 512, 1), (7, 1024, 2), (8, 4096, 3), (8, 512, 4), (7, 65536, 5), (6, 2048, 6)]
    {
        let entries: Vec<(Vec<u8>, Vec<Vec<u8>>)> = (0..120u32)
            .map(|number| {
                let key = format!("{number:05}{}", "k".repeat(if number % 17 == 0 { page_size } else { 3 }));
                let values = 0..if number % 5 == 0 { number % 40 + 1 } else { 1 };
                let value =
                    |n| vec![b'v'; usize::try_from(n * 7 % 60 + if n == 3 { 3000 } else { 0 }).unwrap()];
                (key.into_bytes(), values.map(value).collect())
            })
            .collect();
        for duplicates in [Duplicates::Unsorted, Duplicates::None] {
            let tree = Tree::btree().duplicates(duplicates).overflow_above(page_size / 8);
            let single: Vec<_> = entries.iter().map(|(k, v)| (k.clone(), v[..1].to_vec())).collect();
            let entries = if duplicates == Duplicates::None { &single } else { &entries };
            let [little, big] = ORDERS.map(|order| {
                let builder =
                    Builder::new(version, order, page_size).noise(true).free(5).holes(11).scattered(8);
                builder.seed(seed).lsns(Lsns::Logged).build(&tree, entries)
            });
            assert!(little != big);
            assert!(turned(&little, Endianness::Big) == big, "{version} {page_size} {duplicates:?}");
            assert!(turned(&big, Endianness::Little) == little, "{version} {page_size} {duplicates:?}");
            assert!(turned(&big, Endianness::Big) == big, "nothing to do");
            tried += 1;
        }
    }
    assert_eq!(tried, 12);
}

#[test]
fn hashes_built_in_either_order_become_each_other() {
    for (seed, version) in (0..).zip([4, 5, 6, 7, 8]) {
        for page_size in [512, 4096, 65536] {
            let [little, big] = ORDERS.map(|order| {
                let checksums = version == 8;
                let file = HashFile { checksums, ..HashFile::new(version, order, page_size, 6 + seed) };
                file.build(&mixed(seed, 60, page_size, if version < 7 { 150 } else { 24 }))
            });
            assert!(turned(&little, Endianness::Big) == big, "{version} {page_size}");
            assert!(turned(&big, Endianness::Little) == little, "{version} {page_size}");
        }
    }
}

/// Release 3.0 writes the list in the order of its machine, all others big-endian; a number that is
/// in the wrong one is put right.
#[test]
fn the_list_of_databases_is_in_the_order_of_its_release() {
    for version in [7, 8] {
        let entries = vec![(b"key".to_vec(), vec![b"value".to_vec()])];
        let [little, big] = ORDERS.map(|order| {
            let several = [("one", Tree::btree(), entries.clone()), ("two", Tree::btree(), entries.clone())];
            Builder::new(version, order, 512).build_several(&several)
        });
        assert!(turned(&little, Endianness::Big) == big, "{version}");
        assert!(turned(&big, Endianness::Little) == little, "{version}");
        // An upgrade by a genuine tool leaves numbers of version 7 behind.
        let mut wrong = Image::new("wrong", little.clone());
        let leaf = wrong.pages_of(5)[0];
        let leaf = (1..wrong.pages()).find(|&page| page == 1).unwrap_or(leaf);
        for slot in [1, 3] {
            let item = wrong.item(leaf, slot);
            let number: [u8; 4] = std::array::from_fn(|at| wrong.byte(leaf, item + 3 + at));
            number.iter().rev().enumerate().for_each(|(at, byte)| {
                wrong.put(leaf, item + 3 + at, *byte);
            });
        }
        assert!(wrong.bytes != little);
        assert!(turned(&wrong.bytes, Endianness::Big) == big, "{version}");
    }
}

/// Keys that release 2 left in the order of another machine become sane, whatever the order asked for.
#[test]
fn keys_in_the_order_of_another_machine_are_put_right() {
    let entries: Vec<_> = (0..60u32)
        .map(|n| {
            let long = if n % 7 == 0 { 900 } else { 0 };
            let key = format!("{n:04}{}", "x".repeat(long)).into_bytes();
            (key, (0..n % 4 + 1).map(|v| vec![b'v'; 1 + v as usize]).collect::<Vec<_>>())
        })
        .collect();
    let tree = Tree::btree().duplicates(Duplicates::Unsorted).overflow_above(300);
    let built = |order, reversed| {
        let tree = tree.clone().reversed_shared_keys(reversed);
        Builder::new(6, order, 1024).build(&tree, &entries)
    };
    for order in ORDERS {
        let wrong = built(order, true);
        assert!(wrong != built(order, false));
        for target in ORDERS {
            let (new, notices) = to(target).in_memory(&wrong).unwrap();
            assert!(new == built(target, false), "{order} {target}");
            assert!(matches!(notices[..], [Notice::KeyOrder { keys: 20.. }]), "{notices:?}");
        }
    }
}

/// A page that nothing leads to, and on which something does not fit: it cannot be turned, so the
/// file is not.
#[test]
fn a_page_that_cannot_be_turned_is_refused() {
    let mut image = Image::of_case("btree-v8-be-levels");
    let page = image.pages();
    let last = image.bytes[image.bytes.len() - image.page_size..].to_vec();
    image.bytes.extend_from_slice(&last);
    image.put_u32(page, 8, page).put_u32(page, 12, 0).put_u32(page, 16, 0);
    image.put(page, 25, 6).put(page, 24, 1).put_u16(page, 20, 1).put_u16(page, 22, 1020);
    let (slot, big) = (image.slot(0), 2000);
    image.put_u32(0, 32, page);
    image.put_u16(page, slot, 1020).put_u16(page, 1020, big).put(page, 1022, 1);
    match to(Endianness::Little).in_memory(&image.bytes).unwrap_err().refusal() {
        Some(Refusal::Damaged { first, .. }) => assert!(first.contains(&format!("page {page}")), "{first}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_plan_names_all_pages_that_were_ever_written() {
    let disk = FakeDisk::with([("/store/a.db", &data("btree-v9-be-levels")[..])]);
    let plans = Convert::on(&disk, ["/store/a.db"], Endianness::Little).assume_closed(true).plan().unwrap();
    let [plan] = &plans[..] else { panic!("{plans:?}") };
    assert_eq!((plan.from_order, plan.to_order), (Endianness::Big, Endianness::Little));
    assert_eq!((plan.from, plan.to), (9, 9));
    assert_eq!(plan.changes().len(), usize::try_from(plan.pages_before).unwrap());
    assert!(plan.changes().all(|change| change.reasons().eq([Reason::ByteOrder])));
    assert_eq!(plan.changes().next().map(|change| change.page), Some(PageNo(0)));
    let plans = Convert::on(&disk, ["/store/a.db"], Endianness::Big).assume_closed(true).plan().unwrap();
    assert_eq!(plans[0].changes().len(), 0);
}

#[test]
fn lsns_are_reset_in_the_new_order() {
    let both = ConvertTo { order: Endianness::Little, reset_lsn: true };
    let (new, _) = both.in_memory(&data("btree-v9-be-levels")).unwrap();
    let new = Image::new("new", new);
    assert!(!new.big);
    assert!((0..new.pages()).all(|page| (new.u32(page, 0), new.u32(page, 4)) == (0, 1)));
}

/// The original stays as it is, and the copy is in the other order; so are the extents beside it.
#[test]
fn a_copy_is_converted_with_its_extents() {
    let files = files_of(&testdata().join("queue-v4-be-checksum-4.8"));
    let path = |name: &str| format!("/store/{name}");
    let disk = FakeDisk::with(files.iter().map(|(name, bytes)| (path(name).leak() as &str, &bytes[..])));
    let convert = Convert::on(&disk, ["/store/data.db"], Endianness::Little).assume_closed(true);
    convert.ignore_logs(true).copy_to("/store/new.db").unwrap();
    let (expected, _) = converted(&files, &["data.db"], Endianness::Little).unwrap();
    for (name, bytes) in &files {
        assert!(disk.bytes(path(name)).unwrap() == *bytes, "{name} stays");
        let copy = disk.bytes(path(&name.replace("data.db", "new.db"))).unwrap();
        assert!(copy == expected[name], "{name}");
    }
}
