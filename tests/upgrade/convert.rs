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
use crate::common::{Case, all_databases, cases, data, dump, forward, read, testdata};
use crate::fake_disk::{FakeDisk, Fault};

const ORDERS: [Endianness; 2] = [Endianness::Little, Endianness::Big];

/// The files of a folder, by name.
type Files = BTreeMap<String, Vec<u8>>;

fn to(order: Endianness) -> ConvertTo {
    ConvertTo { order, machine: None, reset_lsn: false }
}

#[track_caller]
fn turned(bytes: &[u8], order: Endianness) -> Vec<u8> {
    to(order).in_memory(bytes).unwrap_or_else(|error| panic!("{error}")).0
}

/// Names the first byte in which two files differ, of those that mean something.
#[track_caller]
fn expect_same(name: &str, found: &[u8], expected: &[u8]) {
    assert_eq!(found.len(), expected.len(), "{name}");
    let image = Image::new(name, expected.to_vec());
    let place = |at: usize| (at / image.page_size, at % image.page_size);
    // The LSN of a page of a chain of duplicates is noise, and no number.
    let means = |at: &usize| {
        let (page, byte) = place(*at);
        byte >= 8 || image.kind(u32::try_from(page).unwrap()) != 1
    };
    let differs = |at: &usize| found[*at] != expected[*at];
    let Some(at) = (0..found.len()).filter(differs).find(means) else { return };
    let (page, byte) = place(at);
    let kind = image.kind(u32::try_from(page).unwrap());
    panic!("{name}: page {page} of type {kind}, byte {byte}: {:#x}, not {:#x}", found[at], expected[at]);
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
    let ours = |path: &PathBuf| path.extension().is_some_and(|e| e == "db") || name(path).starts_with("__db");
    all.filter(ours).map(|path| (name(&path), read(&path))).collect()
}

/// The cases with databases that are readable without a password.
fn readable() -> Vec<Case> {
    let all = cases(&["btree-", "recno-", "hash-", "queue-", "heap-", "mboxlist-"]);
    all.into_iter().filter(|case| !case.has("encrypted") && !case.has("partitioned")).collect()
}

/// Files that do not come back as they were, because a part of them was in the order of the machine that
/// wrote them, and not in that of the file: the pages of a HEAP, and headers of the pages of extents.
const MENDED: [&str; 4] =
    ["heap-v1-be-checksum", "heap-v1-be-deleted", "heap-v1-be-few", "queue-v3-be-extents"];

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

/// All files of a partitioned database, as one unit.
#[test]
fn partitions_are_converted_with_their_main_file() {
    let mut tried = 0;
    for entry in fs::read_dir(testdata().join("partitioned")).unwrap() {
        let folder = entry.unwrap().path();
        if folder.file_name().unwrap().to_str().unwrap().starts_with("damage-") {
            continue;
        }
        let before = files_of(&folder);
        let given: Vec<&str> = before.keys().map(String::as_str).collect();
        let order = order_of(&before["data.db"]);
        let (after, _) = converted(&before, &given, order.other()).unwrap();
        assert!(after.values().all(|bytes| order_of(bytes) == order.other()), "{folder:?}");
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        write(folders[0].path(), &before);
        write(folders[1].path(), &after);
        let [old, new] = [0, 1].map(|n| text(folders[n].path(), "data.db"));
        assert!(old == new, "{folder:?}");
        let [old, new] = [0, 1].map(|n| error_of(folders[n].path(), "data.db"));
        assert_eq!(old, new, "{folder:?}");
        assert!(converted(&after, &given, order).unwrap().0 == before, "{folder:?}");
        tried += 1;
    }
    assert!(tried >= 10, "{tried}");
    // A copy of the main file would look for partitions of another name.
    let files = files_of(&testdata().join("partitioned/btree-v9-le-partitioned-keys"));
    let disk = FakeDisk::with([("/store/data.db", &files["data.db"][..])]);
    let convert =
        Convert::on(&disk, ["/store/data.db"], Endianness::Big).ignore_logs(true).assume_closed(true);
    let error = convert.copy_to("/store/new.db").unwrap_err();
    assert!(error.to_string().contains("partition"), "{error}");
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
            let name = format!("{version} {page_size} {duplicates:?}");
            expect_same(&name, &turned(&little, Endianness::Big), &big);
            expect_same(&name, &turned(&big, Endianness::Little), &little);
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
    // The leaf of a tree, with an item that is longer than the page.
    let (slot, item) = (image.slot(0), image.page_size - 4);
    let at = u16::try_from(item).unwrap();
    image.put(page, 25, 6).put(page, 24, 1).put_u16(page, 20, 1).put_u16(page, 22, at);
    image.put_u32(0, 32, page).put_u16(page, slot, at).put_u16(page, item, 2000).put(page, item + 2, 1);
    match to(Endianness::Little).in_memory(&image.bytes).unwrap_err().refusal() {
        Some(Refusal::Damaged { first, .. }) => assert!(first.contains(&format!("page {page}")), "{first}"),
        other => panic!("{other:?}"),
    }
}

/// Whatever the bytes: a file is refused, or becomes one that becomes it again.
#[test]
fn damaged_files_are_refused_or_lose_nothing() {
    let (mut refused, mut turned) = (0, 0);
    let mut check = |name: &str, bytes: &[u8]| {
        let kind = bdbkit::FileKind::of(bytes);
        let Some(order) = kind.database().map(|kind| kind.order) else { return };
        match to(order.other()).in_memory(bytes) {
            Err(_) => refused += 1,
            Ok((new, _)) => {
                assert_eq!(new.len(), bytes.len(), "{name}");
                if let Err(error) = to(order).in_memory(&new) {
                    panic!("{name}: {error}");
                }
                turned += 1;
            }
        }
    };
    for entry in fs::read_dir(testdata()).unwrap() {
        let path = entry.unwrap().path().join("data.db");
        let name = path.to_str().unwrap().to_owned();
        if name.contains("/damage-") && path.is_file() {
            check(&name, &read(&path));
        }
    }
    let mut chance = 1_u64;
    let mut next = || {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(chance >> 33).unwrap()
    };
    for case in ["btree-v6-be-dups-offpage", "hash-v5-le-dups-offpage", "heap-v1-le-few", "queue-v4-be-few"] {
        let whole = data(case);
        for _ in 0..150 {
            let mut bytes = whole.clone();
            for _ in 0..1 + next() % 3 {
                let at = next() % bytes.len();
                bytes[at] = u8::try_from(next() & 0xff).unwrap();
            }
            check(case, &bytes);
        }
    }
    assert!(refused > 100 && turned > 100, "{refused} {turned}");
}

#[test]
fn a_plan_names_all_pages_that_were_ever_written() {
    let disk = FakeDisk::with([("/store/a.db", &data("btree-v9-be-levels")[..])]);
    let plans = Convert::on(&disk, ["/store/a.db"], Endianness::Little)
        .ignore_logs(true)
        .assume_closed(true)
        .plan()
        .unwrap();
    let [plan] = &plans[..] else { panic!("{plans:?}") };
    assert_eq!((plan.from_order, plan.to_order), (Endianness::Big, Endianness::Little));
    assert_eq!((plan.from, plan.to), (9, 9));
    assert_eq!(plan.changes().len(), usize::try_from(plan.pages_before).unwrap());
    assert!(plan.changes().all(|change| change.reasons().eq([Reason::ByteOrder])));
    assert_eq!(plan.changes().next().map(|change| change.page), Some(PageNo(0)));
    let plans = Convert::on(&disk, ["/store/a.db"], Endianness::Big)
        .ignore_logs(true)
        .assume_closed(true)
        .plan()
        .unwrap();
    assert_eq!(plans[0].changes().len(), 0);
}

/// The pages of a HEAP have numbers in the order of the machine that uses it: where that stays, every file
/// comes back as it was.
#[test]
fn a_heap_is_converted_for_a_machine() {
    let mut tried = 0;
    for case in cases(&["heap-"]).into_iter().filter(|case| !case.has("encrypted")) {
        let old = data(&case.name);
        for (order, machine) in ORDERS.into_iter().flat_map(|order| ORDERS.map(|machine| (order, machine))) {
            // All were made on little-endian machines.
            let of = |order, machine| ConvertTo { order, machine: Some(machine), reset_lsn: false };
            let (new, _) = of(order, machine).in_memory(&old).unwrap();
            assert_eq!(order_of(&new), order, "{}", case.name);
            let same = order == order_of(&old) && machine == Endianness::Little;
            // Where nothing is stored, no page tells for which machine it is.
            let is_bare = Database::from_bytes(&old[..]).unwrap().iter().next().is_none();
            assert!((new == old) == same || is_bare, "{}: {order} {machine}", case.name);
            let (back, _) = of(order_of(&old), Endianness::Little).in_memory(&new).unwrap();
            expect_same_heap(&case.name, &back, &old);
            tried += 1;
        }
    }
    assert!(tried >= 30, "{tried}");
}

#[track_caller]
fn expect_same_heap(name: &str, found: &[u8], expected: &[u8]) {
    let at = found.iter().zip(expected).position(|(found, expected)| found != expected);
    assert_eq!((found.len(), at), (expected.len(), None), "{name}");
}

/// Encrypted files are encrypted anew, for either kind of machine; with another password they are not read.
#[cfg(feature = "encryption")]
#[test]
fn encrypted_files_are_encrypted_anew() {
    const PASSWORD: &str = "corpus-password";
    let open =
        |bytes: &[u8]| bdbkit::OpenOptions::new().password(PASSWORD).from_bytes(bytes.to_vec()).unwrap();
    let all = |bytes: &[u8]| all_databases(&open(bytes)).iter().flat_map(forward).collect::<Vec<_>>();
    let mut tried = 0;
    for case in cases(&["btree-", "hash-", "queue-", "heap-"]) {
        let skipped = case.has("partitioned") || case.has("extents");
        if !case.has("encrypted") || skipped || !case.folder().join("data.db").is_file() {
            continue;
        }
        let old = data(&case.name);
        let before = all(&old);
        for (order, machine) in ORDERS.into_iter().flat_map(|order| ORDERS.map(|machine| (order, machine))) {
            let disk = FakeDisk::with([("/store/a.db", &old[..])]);
            let convert = || {
                let convert = Convert::on(&disk, ["/store/a.db"], order).machine(Some(machine));
                convert.ignore_logs(true).assume_closed(true)
            };
            assert!(convert().run().is_err(), "{}", case.name);
            assert!(convert().password("another").run().is_err(), "{}", case.name);
            assert!(convert().password(PASSWORD).plan().is_ok(), "{}", case.name);
            convert().password(PASSWORD).copy_to("/store/b.db").unwrap();
            convert().password(PASSWORD).run().unwrap_or_else(|error| panic!("{}: {error}", case.name));
            for name in ["/store/a.db", "/store/b.db"] {
                let new = disk.bytes(name).unwrap();
                assert_eq!(order_of(&new), order, "{}", case.name);
                assert!(all(&new) == before, "{}: {order} {machine}", case.name);
                let file = bdbkit::OpenOptions::new().password(PASSWORD).file_from_bytes(&new[..]);
                let verdict = Verify::new(&file).check_order(false).run();
                let error = verdict.findings().iter().find(|finding| finding.severity == Severity::Error);
                assert!(error.is_none(), "{}: {error:?}", case.name);
            }
            let again = convert().password(PASSWORD).plan().unwrap();
            assert_eq!(again[0].changes().len(), 0, "{}: {order} {machine}", case.name);
            tried += 1;
        }
    }
    assert!(tried >= 4 * 7, "{tried}");
}

/// The extents of an encrypted QUEUE are encrypted anew with it, and all of that is done or nothing.
#[cfg(feature = "encryption")]
#[test]
fn encrypted_extents_are_converted_with_their_queue() {
    const PASSWORD: &str = "corpus-password";
    let old = files_of(&testdata().join("queue-v4-le-encrypted-extents"));
    let place = |name: &str| format!("/store/{name}");
    let disk = || FakeDisk::with(old.iter().map(|(name, bytes)| (place(name).leak() as &str, &bytes[..])));
    let found = |disk: &FakeDisk| -> Files {
        old.keys().map(|name| (name.clone(), disk.bytes(place(name)).unwrap())).collect()
    };
    let records = |files: &Files| {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), files);
        let path = folder.path().join("data.db");
        let options = bdbkit::OpenOptions::new().password(PASSWORD);
        let verdict = options.verify(&path).unwrap().run();
        let error = verdict.findings().iter().find(|finding| finding.severity == Severity::Error);
        assert!(error.is_none(), "{error:?}");
        forward(&options.open(&path).unwrap())
    };
    let before = records(&old);
    assert!(old.len() > 2 && !before.is_empty());
    for (order, machine) in ORDERS.into_iter().flat_map(|order| ORDERS.map(|machine| (order, machine))) {
        let run = |disk: &FakeDisk, wish: &str| {
            let convert =
                Convert::on(disk, ["/store/data.db"], order).machine(Some(machine)).password(PASSWORD);
            let convert = convert.ignore_logs(true).assume_closed(true);
            match wish {
                "resume" => convert.resume().map(drop),
                "roll back" => convert.roll_back().map(drop),
                "copy" => convert.copy_to("/store/copy.db").map(drop),
                _ => convert.plan().and_then(|_| convert.run()).map(drop),
            }
        };
        let whole = disk();
        run(&whole, "run").unwrap();
        let new = found(&whole);
        let same = order == Endianness::Little && machine == Endianness::Little;
        assert!((new == old) == same && order_of(&new["data.db"]) == order);
        assert!(same || old.iter().all(|(name, bytes)| new[name] != *bytes), "{order} {machine}");
        assert!(records(&new) == before, "{order} {machine}");
        let copied = disk();
        run(&copied, "copy").unwrap();
        let name = |name: &str| place(&name.replace("data.db", "copy.db"));
        let copy: Files = old.keys().map(|file| (file.clone(), copied.bytes(name(file)).unwrap())).collect();
        assert!(records(&copy) == before && found(&copied) == old, "{order} {machine}");
        if same {
            continue;
        }
        let (mut olds, mut news) = (0, 0);
        for point in (0..).step_by(3) {
            let disk = disk().faulty(Fault::Stop { change: point, sectors: 0 });
            let _ = run(&disk, "run");
            if !disk.stopped() {
                break;
            }
            for wish in ["resume", "roll back"] {
                let after = disk.copy();
                if run(&after, wish).is_err() {
                    assert_eq!(wish, "roll back", "{point}");
                    run(&after, "resume").unwrap();
                }
                let now = found(&after);
                assert!(now == old || order_of(&now["data.db"]) == order, "{point} {wish}");
                assert!(records(&now) == before, "{point} {wish}");
                olds += usize::from(now == old);
                news += usize::from(now != old);
            }
        }
        assert!(olds > 0 && news > 0);
    }
}

#[test]
fn lsns_are_reset_in_the_new_order() {
    let both = ConvertTo { order: Endianness::Little, machine: None, reset_lsn: true };
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
