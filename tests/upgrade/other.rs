//! Upgrades of HASH and QUEUE files: the same pairs, sound, and what is refused.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bdbkit::upgrade::{Choices, Duplicates, EditError, Notice, Profile, Reason, Refusal, Upgrade, in_memory};
use bdbkit::verify::{Rule, Severity, Verify};
use bdbkit::{Database, Endianness, Method, PageNo};

use crate::build::{self, Builder, Tree};
use crate::common::hash::{Entry, HashFile, among_others, mixed};
use crate::common::image::Image;
use crate::common::{data, forward, hashes, pairs_by_database, read, testdata};
use crate::fake_disk::FakeDisk;

const ORDERS: [Endianness; 2] = [Endianness::Little, Endianness::Big];

/// All values of each key, in their order.
fn values(bytes: &[u8]) -> BTreeMap<Vec<u8>, Vec<Vec<u8>>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (key, value) in forward(&Database::from_bytes(bytes).unwrap()) {
        all.entry(key).or_default().push(value);
    }
    all
}

#[track_caller]
fn expect_sound(name: &str, bytes: &[u8]) {
    let verdict = Verify::from_bytes(bytes).run();
    let error = verdict.findings().iter().find(|finding| finding.severity == Severity::Error);
    assert!(error.is_none(), "{name}: {error:?}");
}

fn upgraded(bytes: &[u8], choices: &Choices) -> Result<Image, EditError> {
    in_memory(bytes, choices).map(|(new, _)| Image::new("new", new))
}

/// How many values of a key a file of a version may have: trees are not built.
fn many(version: u32) -> u32 {
    if version < 7 { 150 } else { 24 }
}

fn to(profile: Profile) -> Choices {
    Choices { profile, ..Choices::default() }
}

#[test]
fn hash_files_of_every_version_keep_their_pairs_and_are_sound() {
    let mut files = 0;
    for golden in hashes().into_iter().filter(|golden| golden.refused().is_none()) {
        let (name, old) = (golden.name(), read(&golden.db));
        let version = Image::new(&name, old.clone()).version();
        files += 1;
        for (profile, lazy, becomes) in
            [(Profile::V9, false, 9), (Profile::V9, true, 9), (Profile::V8, false, version.max(7))]
        {
            let choices = Choices { lazy, ..to(profile) };
            if version == 9 && profile == Profile::V8 {
                let error = upgraded(&old, &choices).unwrap_err();
                assert!(matches!(error.refusal(), Some(Refusal::Downgrade { version: 9, .. })), "{error}");
                continue;
            }
            let new = upgraded(&old, &choices).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(new.version(), becomes, "{name}");
            assert_eq!(values(&new.bytes), values(&old), "{name}");
            expect_sound(&name, &new.bytes);
            assert!(version < 9 || new.bytes == old, "{name}");
            let left = (1..new.pages()).filter(|&page| new.kind(page) == 2).count();
            assert!(left == 0 || lazy || becomes < 9, "{name}: {left} pages are not sorted");
            // Nothing is left to do.
            assert!(upgraded(&new.bytes, &choices).unwrap().bytes == new.bytes, "{name}");
        }
    }
    assert!(files >= 40, "{files}");
}

#[test]
fn hash_files_of_all_sizes_and_orders_keep_their_pairs() {
    for (seed, version) in (0..).zip([5, 6, 7, 8].repeat(4)) {
        for (order, page_size) in ORDERS.into_iter().zip([512, 1024, 4096, 65536, 2048, 512].repeat(2)) {
            let file = HashFile {
                checksums: version == 8 && seed % 2 == 0,
                ..HashFile::new(version, order, page_size, 5 + seed % 4)
            };
            let entries = mixed(seed, 60, page_size, many(version));
            let old = file.build(&entries);
            let name = format!("{file:?}");
            expect_sound(&name, &old);
            for &profile in Profile::ALL {
                if profile == Profile::V7 && version > 6 {
                    continue;
                }
                let new = upgraded(&old, &to(profile)).unwrap_or_else(|error| panic!("{name}: {error}"));
                assert_eq!(values(&new.bytes), values(&old), "{name}");
                expect_sound(&name, &new.bytes);
            }
            let sorted = Choices { duplicates: Duplicates::Sorted, ..Choices::default() };
            let new = upgraded(&old, &sorted).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(new.u32(0, 48), if version < 7 { 5 } else { 1 }, "{name}");
            assert_eq!(values(&new.bytes), values(&old), "{name}");
            expect_sound(&name, &new.bytes);
        }
    }
}

/// A key for each bucket that is to have one.
fn keys_in(file: &HashFile, buckets: &[u32]) -> Vec<Entry> {
    let key = |bucket: &u32| {
        let key = (0..).map(|n: u32| format!("key {n}").into_bytes()).find(|key| file.bucket(key) == *bucket);
        (key.unwrap(), vec![b"value".to_vec()])
    };
    buckets.iter().map(key).collect()
}

/// The genuine tools forget a page that is the only one missing.
#[test]
fn pages_of_all_buckets_are_there_afterwards() {
    for order in ORDERS {
        let file = HashFile { short: true, ..HashFile::new(5, order, 512, 7) };
        for (last, missing) in [(3, 4), (6, 1), (7, 0)] {
            let old = Image::new("old", file.build(&keys_in(&file, &[0, last])));
            assert_eq!(old.pages(), 9 - missing);
            let pages = |profile| upgraded(&old.bytes, &to(profile)).unwrap().pages();
            assert_eq!([Profile::V8, Profile::V9].map(pages), [9, 9]);
            let genuine = if missing == 1 { 8 } else { 9 };
            assert_eq!([Profile::Genuine8a, Profile::Genuine8b].map(pages), [genuine; 2]);
            assert_eq!(pages(Profile::V7), old.pages(), "release 3.0 adds none");
            // What the genuine tools forgot is added later.
            let left = upgraded(&old.bytes, &to(Profile::Genuine8a)).unwrap();
            expect_sound("short", &left.bytes);
            let new = upgraded(&left.bytes, &Choices::default()).unwrap();
            assert_eq!((new.pages(), new.u32(0, 32)), (9, 8));
            assert_eq!(values(&new.bytes), values(&old.bytes));
        }
    }
}

#[test]
fn a_table_that_asks_for_far_more_pages_is_refused() {
    let file = HashFile { short: true, ..HashFile::new(5, Endianness::Big, 512, 7) };
    let mut old = Image::new("old", file.build(&[]));
    for bits in [20, 31] {
        let mask = u32::MAX >> (32 - bits);
        old.put_u32(0, 32, mask).put_u32(0, 36, mask).put_u32(0, 40, mask >> 1);
        let error = upgraded(&old.bytes, &Choices::default()).unwrap_err();
        let wanted = u64::from(mask) + 2;
        assert!(
            matches!(error.refusal(), Some(Refusal::Growth { page: PageNo(0), offset: 36, wanted: n, .. }) if *n == wanted),
            "{error}"
        );
    }
}

#[test]
fn numbers_of_keys_and_of_reserved_pages_are_put_right() {
    for order in ORDERS {
        let file = HashFile::new(6, order, 512, 3);
        let entries = keys_in(&file, &[0, 1, 2, 3]);
        let mut old = Image::new("old", file.build(&entries));
        let spare = |index: usize| 80 + 4 * index;
        old.put_u32(0, 72, 3).put_u32(0, spare(3), 9).put_u32(0, spare(5), 2);
        let (new, notices) = in_memory(&old.bytes, &Choices::default()).unwrap();
        let new = Image::new("new", new);
        assert_eq!(new.u32(0, 88), 4, "keys");
        assert_eq!([2, 3, 4, 5].map(|index| new.u32(0, 96 + 4 * index)), [1, 0, 0, 0]);
        assert_eq!(notices, [Notice::StaleSpares { entries: 2 }]);
        let genuine = upgraded(&old.bytes, &to(Profile::Genuine8b)).unwrap();
        assert_eq!([3, 5].map(|index| genuine.u32(0, 96 + 4 * index)), [9, 2]);

        // Four pages that are kept for the next doubling, with nothing on them.
        old.put_u32(0, spare(5), 0).put_u32(0, spare(3), 1);
        old.bytes.resize(old.bytes.len() + 4 * 512, 0);
        let (new, notices) = in_memory(&old.bytes, &Choices::default()).unwrap();
        let mut new = Image::new("new", new);
        assert_eq!((new.u32(0, 96 + 12), notices), (1, vec![]));
        // With something on one of them they are not.
        new.bytes.truncate(0);
        old.put_u32(5, 8, 5).put(5, 25, 2).put_u32(5, 16, 1);
        let leave = Choices { leave_unreachable: true, ..Choices::default() };
        let kept = in_memory(&old.bytes, &leave).map(|(new, _)| Image::new("new", new).u32(0, 96 + 12));
        assert!(kept.is_err() || kept.is_ok_and(|kept| kept == 0));
    }
}

#[test]
fn free_pages_of_release_2_tell_no_more_of_what_they_were() {
    for order in ORDERS {
        let file = HashFile::new(5, order, 512, 3);
        let mut old = Image::new("old", file.build(&keys_in(&file, &[0, 1, 2, 3])));
        let page = old.pages();
        old.bytes.resize(old.bytes.len() + 512, 0xee);
        old.put_u32(page, 8, page).put_u32(page, 16, 0).put(page, 25, 0).put_u32(0, 28, page);
        let new = upgraded(&old.bytes, &Choices::default()).unwrap();
        assert_eq!((new.u32(0, 28), new.u32(page, 12), new.u16(page, 20)), (page, 0, 0));
        assert_eq!((new.u16(page, 22), new.byte(page, 24), new.byte(page, 25)), (512, 0, 0));
        assert_eq!((new.byte(page, 300), new.u32(page, 0)), (0xee, 0xeeee_eeee), "what is on it stays");
        let genuine = upgraded(&old.bytes, &to(Profile::Genuine8b)).unwrap();
        assert_eq!(genuine.u16(page, 20), 0xeeee);
    }
}

#[test]
fn keys_of_version_4_are_not_found_by_later_ones() {
    let file = HashFile::new(4, Endianness::Little, 512, 3);
    let old = file.build(&keys_in(&file, &[0, 1, 2, 3]));
    for &profile in Profile::ALL {
        let error = upgraded(&old, &to(profile)).unwrap_err();
        assert_eq!((error.refusal(), error.code()), (Some(&Refusal::OldHash), Some("R-OLD-HASH")));
    }
    let (new, notices) = in_memory(&old, &Choices { keep_hash: true, ..Choices::default() }).unwrap();
    assert_eq!(values(&new), values(&old));
    assert_eq!(notices, [Notice::CustomHash { database: None }]);
}

/// What is wrong is named, and the file stays as it is.
#[test]
fn damaged_hash_files_are_refused_and_not_touched() {
    let base = |version| {
        let file = HashFile::new(version, Endianness::Big, 512, 3);
        Image::new("base", file.build(&mixed(version, 120, 512, 150)))
    };
    let found = |image: &Image, wanted: &dyn Fn(u32) -> bool| {
        (1..image.pages()).find(|page| wanted(*page)).expect("a page of this kind")
    };
    let (v5, v6) = (base(5), base(6));
    let continued = found(&v5, &|page| v5.kind(page) == 2 && v5.u32(page, 16) != 0);
    let chain = found(&v5, &|page| v5.kind(page) == 1 && v5.u32(page, 16) != 0);
    let (page, at) = (1..v5.pages())
        .filter(|&page| v5.kind(page) == 2)
        .flat_map(|page| (0..v5.entries(page)).map(move |slot| (page, slot)))
        .map(|(page, slot)| (page, v5.item(page, slot)))
        .find(|&(page, at)| v5.byte(page, at) == 4)
        .expect("duplicates on other pages");
    let mut cases: Vec<(&str, Image)> = Vec::new();
    let mut case = |name, image: &Image, change: &dyn Fn(&mut Image)| {
        let mut image = image.clone();
        change(&mut image);
        cases.push((name, image));
    };
    case("a bucket that leads to itself", &v5, &|image| {
        image.put_u32(continued, 16, continued);
    });
    case("a chain that leads to itself", &v5, &|image| {
        image.put_u32(chain, 16, chain);
    });
    case("a chain that ends on a bucket", &v5, &|image| {
        image.put_u32(chain, 16, 1);
    });
    case("duplicates on a bucket", &v5, &|image| {
        image.put_u32(page, at + 4, 1);
    });
    case("duplicates beyond the end", &v5, &|image| {
        image.put_u32(page, at + 4, 9999);
    });
    case("a mask that is none", &v5, &|image| {
        image.put_u32(0, 36, 6);
    });
    case("too many buckets", &v5, &|image| {
        image.put_u32(0, 32, 9);
    });
    case("an odd number of items", &v5, &|image| {
        let entries = image.entries(1);
        image.put_u16(1, 20, entries - 1);
    });
    case("an item that begins behind the one before", &v5, &|image| {
        let (slot, end) = (image.slot(1), image.item(1, 0));
        image.put_u16(1, slot, u16::try_from(end).unwrap() + 1);
    });
    case("a table that leads beyond the end", &v6, &|image| {
        image.put_u32(0, 88, 9999);
    });
    case("a table that leads to one page twice", &v6, &|image| {
        image.put_u32(0, 88, 0);
    });
    case("flags that mean nothing", &v6, &|image| {
        image.put_u32(0, 32, 9);
    });
    case("a free list that leads to itself", &v6, &|image| {
        let page = image.pages();
        image.bytes.resize(image.bytes.len() + 512, 0);
        image.put_u32(page, 8, page).put_u32(page, 16, page).put_u32(0, 28, page);
    });
    for (name, image) in cases {
        for &profile in Profile::ALL {
            if profile == Profile::V7 && image.version() == 6 {
                continue; // nothing is done, so nothing is looked at
            }
            let path = Path::new("/store/a.db");
            let disk = FakeDisk::with([("/store/a.db", &image.bytes[..])]);
            let upgrade = Upgrade::on(&disk, [path]).choices(to(profile));
            let upgrade = upgrade.assume_closed(true).ignore_logs(true);
            let error = upgrade.run().expect_err(name).to_string();
            assert!(error.contains("page ") && error.contains("a.db"), "{name}: {error}");
            assert!(disk.bytes(path).unwrap() == image.bytes, "{name}");
            assert_eq!(disk.names(), [path], "{name}");
            assert!(upgrade.plan().is_err(), "{name}");
        }
    }
}

/// Values that are not in order, in each of the places where they can stand.
#[test]
fn duplicates_of_a_hash_are_taken_as_sorted_only_if_they_are() {
    let choices = |duplicates| Choices { duplicates, ..Choices::default() };
    for (count, descending) in [(3, false), (3, true), (40, false), (40, true), (300, true)] {
        let mut all: Vec<Vec<u8>> = (0..count).map(|value: u32| value.to_be_bytes().to_vec()).collect();
        if descending {
            let last = all.len() - 1;
            all.swap(last - 1, last);
        }
        let file = HashFile::new(6, Endianness::Little, 512, 1);
        let old = file.build(&[(b"key".to_vec(), all.clone()), (b"b".to_vec(), vec![b"one".to_vec()])]);
        let sorted = in_memory(&old, &choices(Duplicates::Sorted));
        let (auto, notices) = in_memory(&old, &choices(Duplicates::Auto)).unwrap();
        assert_eq!(notices, [Notice::Sorted { database: None, sorted: !descending }]);
        assert_eq!(Image::new("auto", auto).u32(0, 48), if descending { 1 } else { 5 });
        match sorted {
            Ok((new, _)) => assert!(!descending && values(&new) == values(&old)),
            Err(error) => {
                assert!(descending && matches!(error.refusal(), Some(Refusal::Unsorted { .. })), "{error}");
            }
        }
        // The genuine tools set the flag, and build trees of unsorted ones.
        let unchecked = Choices { profile: Profile::Genuine8b, ..choices(Duplicates::SortedUnchecked) };
        let genuine = upgraded(&old, &unchecked).unwrap();
        assert_eq!((genuine.u32(0, 48), values(&genuine.bytes)), (5, values(&old)));
        let verdict = Verify::from_bytes(&genuine.bytes[..]).run();
        let told = verdict.findings().iter().filter(|found| found.rule == Rule::Flags).count();
        assert_eq!(told, usize::from(count > 3), "{:?}", verdict.findings());
    }
}

/// A file of several databases of version 7, the first of which is a HASH.
fn with_hash(order: Endianness) -> Image {
    let tree = || Tree::btree().duplicates(build::Duplicates::Unsorted);
    let values = |count: u32| (0..count).map(|n| n.to_be_bytes().to_vec()).collect::<Vec<_>>();
    let entries = || [(&b"one"[..], values(1)), (b"several", values(150)), (b"two", values(1))].to_vec();
    let databases = [(b"a hash", tree(), entries()), (b"b tree", tree(), entries())];
    let file = Image::new("several", Builder::new(7, order, 512).build_several(&databases));
    among_others(file, &[b"one", b"several", b"two"], order)
}

#[test]
fn a_hash_among_several_databases_goes_with_them() {
    for order in ORDERS {
        let old = with_hash(order);
        expect_sound("old", &old.bytes);
        let before = pairs_by_database(&old.bytes);
        assert_eq!(before.iter().map(|(_, pairs)| pairs.len()).collect::<Vec<_>>(), [152, 152]);
        for (profile, lazy, [file, hash], kind) in [
            (Profile::V8, false, [8, 7], 2),
            (Profile::V9, false, [9, 9], 13),
            (Profile::V9, true, [9, 9], 2),
        ] {
            let (new, _) = in_memory(&old.bytes, &Choices { lazy, ..to(profile) }).unwrap();
            let image = Image::new("new", new.clone());
            assert_eq!(image.version(), file);
            expect_sound("new", &new);
            assert_eq!(pairs_by_database(&new), before);
            let db = Database::from_bytes(new).unwrap();
            let inner = db.subdatabases().next().unwrap().unwrap();
            assert_eq!((inner.meta().method(), inner.meta().version()), (Method::Hash, hash));
            let (meta, pages) = (inner.meta().page().0, image.pages_of(kind));
            assert_eq!((image.u32(meta, 32), image.u32(meta, 88), pages.len()), (0, 3, 2));
        }
        // Where the genuine tools left a HASH behind, it follows.
        let (left, _) = in_memory(&old.bytes, &to(Profile::V8)).unwrap();
        let mut left = Image::new("left", left);
        let db = Database::from_bytes(left.bytes.clone()).unwrap();
        let all: Vec<_> = db.subdatabases().map(|found| found.unwrap().meta().page().0).collect();
        drop(db);
        left.put_u32(0, 16, 9).put_u32(all[1], 16, 9);
        let (new, _) = in_memory(&left.bytes, &Choices::default()).unwrap();
        assert_eq!(new, in_memory(&old.bytes, &Choices::default()).unwrap().0);
        let genuine = in_memory(&left.bytes, &to(Profile::Genuine8b)).unwrap().0;
        assert!(genuine == left.bytes);
    }
}

/// The records of a QUEUE by their numbers.
fn records(db: &Database<'_>) -> Vec<(Option<u32>, Vec<u8>)> {
    let one = |entry: bdbkit::Result<bdbkit::Entry<'_>>| {
        let entry = entry.unwrap();
        (entry.record_number(), entry.value().to_vec())
    };
    db.iter().map(one).collect()
}

#[test]
fn queues_keep_their_records_and_say_what_their_pages_are() {
    for case in ["queue-v1-be-few", "queue-v3-be-consumed", "queue-v3-le-few"] {
        let old = data(case);
        for (profile, version) in [(Profile::V9, 4), (Profile::V8, 3), (Profile::Genuine8b, 3)] {
            let (new, notices) = in_memory(&old, &to(profile)).unwrap();
            let [before, after] = [&old, &new].map(|bytes| Database::from_bytes(&bytes[..]).unwrap());
            assert_eq!((after.meta().version(), notices), (version, vec![]), "{case}");
            assert_eq!(records(&after), records(&before), "{case}");
            assert_eq!(after.meta().file_id(), before.meta().file_id(), "{case}");
            if !profile.is_genuine() {
                assert_eq!(Verify::new(&after).run().worst(), None, "{case}");
            }
        }
    }
    let old = Image::of_case("queue-v1-be-few");
    let mut odd = old.clone();
    odd.put_u32(0, 56, 5);
    let error = upgraded(&odd.bytes, &Choices::default()).unwrap_err();
    assert_eq!(error.refusal(), Some(&Refusal::QueueStart { offset: 56, start: 5 }));
    // The last number there is, behind which comes 1.
    let mut wrapped = old.clone();
    wrapped.put_u32(0, 60, u32::MAX).put_u32(0, 64, u32::MAX);
    for (profile, next) in [(Profile::V9, 1), (Profile::Genuine8b, 0)] {
        let new = in_memory(&wrapped.bytes, &to(profile));
        // Its page is not there, but that is another matter.
        assert!(new.is_err() || new.is_ok_and(|(new, _)| Image::new("new", new).u32(0, 76) == next));
    }
}

/// A folder with a QUEUE and its extents, and the main file.
fn queue(case: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(testdata().join(case)).unwrap() {
        let path = entry.unwrap().path();
        fs::write(folder.path().join(path.file_name().unwrap()), read(&path)).unwrap();
    }
    let main = folder.path().canonicalize().unwrap().join("data.db");
    (folder, main)
}

#[test]
fn extents_are_changed_with_their_main_file() {
    let (folder, main) = queue("queue-v3-be-extents");
    let old = records(&Database::open(&main).unwrap());
    assert!(Verify::open(&main).unwrap().run().worst() == Some(Severity::Warning), "what is put right");
    let upgrade = Upgrade::open(&main);
    let plans = upgrade.plan().unwrap();
    assert_eq!(plans.len(), 5);
    assert!(plans[1..].iter().all(|plan| plan.changes().all(|change| {
        change.reasons().all(|reason| matches!(reason, Reason::HeaderOrder | Reason::RecordPage))
    })));
    let copy = main.with_file_name("copy.db");
    assert_eq!(upgrade.copy_to(&copy).unwrap().files.len(), 1);
    let report = upgrade.run().unwrap();
    assert_eq!(report.files.len(), 5);
    for path in [&main, &copy] {
        let db = Database::open(path).unwrap();
        assert_eq!((db.meta().version(), records(&db)), (4, old.clone()), "{}", path.display());
        assert_eq!(Verify::new(&db).run().worst(), None, "{}", path.display());
    }
    assert!(upgrade.run().unwrap().files.iter().all(|file| !file.changed()), "nothing is left to do");

    // The genuine tools never open extents.
    let (_folder, main) = queue("queue-v3-be-extents");
    let choices = Choices { profile: Profile::Genuine8b, ..Choices::default() };
    assert!(!Upgrade::open(&main).choices(choices).run().unwrap().files[0].changed());
    drop(folder);
}

#[cfg(unix)]
#[test]
fn an_extent_that_is_a_link_or_lost_is_no_extent() {
    let (folder, main) = queue("queue-v3-be-extents");
    let (extent, elsewhere) = (main.with_file_name("__dbq.data.db.2"), folder.path().join("elsewhere"));
    fs::rename(&extent, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &extent).unwrap();
    let before = fs::read(&elsewhere).unwrap();
    let error = Upgrade::open(&main).run().unwrap_err().to_string();
    assert!(error.contains("__dbq.data.db.2") && error.contains("not a regular file"), "{error}");
    assert_eq!(fs::read(&elsewhere).unwrap(), before);
    // The first one holds the first record.
    fs::remove_file(main.with_file_name("__dbq.data.db.1")).unwrap();
    fs::remove_file(&extent).unwrap();
    assert!(Upgrade::open(&main).run().is_err());
}
