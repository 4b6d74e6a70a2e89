//! Downgrades: the same pairs, sound in the earlier form, and the way up again.

use bdbkit::downgrade::{Downgrade, DowngradeChoices, DowngradeTo, downgraded};
use bdbkit::upgrade::{Choices, Duplicates, EditError, Notice, Refusal, in_memory};
use bdbkit::verify::{Severity, Verify};
use bdbkit::{Database, Endianness, Method};

use crate::build::{self, Builder, Tree};
use crate::common::image::Image;
use crate::common::{all_readable, cases, data, pairs_by_database, read, testdata};
use crate::fake_disk::FakeDisk;

fn to(target: DowngradeTo) -> DowngradeChoices {
    DowngradeChoices::new(target)
}

fn down(bytes: &[u8], choices: &DowngradeChoices) -> Result<Vec<u8>, EditError> {
    downgraded(bytes, choices).map(|(old, _)| old)
}

fn errors(bytes: &[u8]) -> Vec<String> {
    let verdict = Verify::from_bytes(bytes).run();
    let errors = verdict.findings().iter().filter(|finding| finding.severity == Severity::Error);
    errors.map(ToString::to_string).collect()
}

/// The files that are tried, by name: those of testdata, or all in the folders of a corpus.
fn files() -> Vec<(String, Vec<u8>)> {
    let Some(corpus) = std::env::var_os("BDBKIT_CORPUS") else {
        let queues = cases(&["queue-", "heap-"]).into_iter().filter(|case| !case.has("encrypted"));
        let others = queues.map(|case| (case.name.clone(), read(case.folder().join("data.db"))));
        let golden = all_readable().into_iter().map(|golden| (golden.name(), read(&golden.db)));
        return golden.chain(others).collect();
    };
    let mut found = Vec::new();
    let mut folders = vec![std::path::PathBuf::from(corpus)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if !entry.to_string_lossy().contains("damage-") {
                let bytes = read(&entry);
                if bytes.len() < 8 << 20 && Database::from_bytes(&bytes[..]).is_ok() {
                    found.push((entry.display().to_string(), bytes));
                }
            }
        }
    }
    found
}

#[test]
fn files_of_every_version_go_down_and_up_again() {
    let (mut done, mut ways) = (0, std::collections::BTreeMap::<_, usize>::new());
    for (name, new) in files() {
        // Records in extents are in other files.
        let Ok(db) = Database::from_bytes(&new[..]) else { continue };
        let (method, version) = (db.meta().method(), db.meta().version());
        if db.meta().is_series1() || db.meta().extent_pages().is_some() || db.meta().partitions().is_some() {
            continue;
        }
        let (sound, before) = (errors(&new), pairs_by_database(&new));
        for &target in DowngradeTo::ALL {
            let choices = DowngradeChoices { machine: Some(db.meta().endianness()), ..to(target) };
            let old = match down(&new, &choices) {
                Ok(old) => old,
                Err(error) => {
                    let expected = match error.refusal() {
                        Some(Refusal::Older { .. }) => true,
                        Some(Refusal::Earlier { .. }) => target.version_of(method) > Some(version),
                        _ => !sound.is_empty(),
                    };
                    assert!(expected, "{name}: {target:?}: {error}");
                    continue;
                }
            };
            done += 1;
            let image = Database::from_bytes(&old[..]).unwrap();
            let becomes = target.version_of(method).unwrap().min(version);
            assert_eq!(image.meta().version(), becomes, "{name}: {target:?}");
            *ways.entry((method.name(), becomes)).or_default() += usize::from(becomes < version);
            let sorted = method == Method::Hash && target != DowngradeTo::V9 && !db.is_directory();
            let image = Image::new(&name, old.clone());
            let left = (1..image.pages()).filter(|&page| sorted && image.kind(page) == 13).count();
            assert_eq!(left, 0, "{name}: {target:?}: sorted pages");
            assert_eq!(pairs_by_database(&old), before, "{name}: {target:?}");
            // What the file had wrong before it may keep: items marked as deleted.
            assert!(errors(&old).len() <= sound.len(), "{name}: {target:?}: {:?}", errors(&old));
            assert!(down(&old, &choices).unwrap() == old, "{name}: {target:?}: something is left to do");
            if method == Method::Heap || version > 9 {
                continue;
            }
            let up = in_memory(&old, &Choices::default());
            let (up, _) = up.unwrap_or_else(|error| panic!("{name}: {target:?}: {error}"));
            assert_eq!(pairs_by_database(&up), before, "{name}: {target:?}");
            assert!(errors(&up).len() <= sound.len(), "{name}: {target:?}: {:?}", errors(&up));
        }
    }
    println!("{done} downgrades: {ways:?}");
    assert!(done > 400, "{done}");
    for way in [
        ("btree", 8),
        ("btree", 7),
        ("btree", 6),
        ("recno", 6),
        ("hash", 8),
        ("hash", 7),
        ("hash", 6),
        ("hash", 5),
        ("queue", 3),
        ("queue", 1),
    ] {
        let found =
            ways.iter().filter(|((method, version), _)| (method.to_lowercase().as_str(), *version) == way);
        assert!(found.map(|(_, count)| count).sum::<usize>() > 1, "{way:?}: {ways:?}");
    }
}

/// A file of several databases goes to release 3.0 for the machine that is said, and no further.
#[test]
fn a_list_of_databases_is_written_for_the_machine_that_reads_it() {
    let new = data("btree-v9-le-subdbs");
    for machine in [Endianness::Little, Endianness::Big] {
        let choices = DowngradeChoices { machine: Some(machine), ..to(DowngradeTo::V7) };
        let old = down(&new, &choices).unwrap();
        assert_eq!(pairs_by_database(&old), pairs_by_database(&new));
        let db = Database::from_bytes(&old[..]).unwrap();
        let numbers: Vec<u32> = db.subdatabases().map(|found| found.unwrap().meta().page().0).collect();
        let stored = |number: u32| match machine {
            Endianness::Little => number.to_le_bytes(),
            Endianness::Big => number.to_be_bytes(),
        };
        for number in numbers {
            let entry = [&[4, 0, 1][..], &stored(number)].concat();
            assert!(old.windows(7).any(|bytes| bytes == entry), "{machine:?}: {number}");
        }
    }
}

#[test]
fn what_an_earlier_release_does_not_know_is_refused_by_name() {
    let later = |case: &str| read(testdata().join(case).join("f.db"));
    // The pages of a HEAP of version 1 are in the order of the machine that reads them.
    let (heap, little) = (later("v10-heap2-be"), cfg!(target_endian = "little"));
    let big = DowngradeChoices { machine: Some(Endianness::Big), ..to(DowngradeTo::V9) };
    assert_eq!(pairs_by_database(&down(&heap, &big).unwrap()), pairs_by_database(&heap));
    let error = down(&heap, &to(DowngradeTo::V9)).err();
    assert_eq!(error.is_some_and(|error| error.to_string().contains("another machine")), little);
    for (bytes, choices, words) in [
        (
            data("btree-v9-le-checksum"),
            to(DowngradeTo::V8),
            "page 0: byte 26: checksums, which releases 3.1 to 4.0",
        ),
        (data("hash-v9-le-checksum-mixed"), to(DowngradeTo::V8), "checksums"),
        (data("btree-v9-le-compressed"), to(DowngradeTo::V8), "byte 48: compressed pairs"),
        (
            data("btree-v9-le-subdbs"),
            to(DowngradeTo::V6),
            "several databases, which releases 2.x do not know: dump each",
        ),
        (data("queue-v4-le-few"), to(DowngradeTo::V6), "queue, which releases 2.x"),
        (data("heap-v1-le-few"), to(DowngradeTo::V8), "heap, which releases 3.1"),
        (later("v10-btree-external"), to(DowngradeTo::V9), "byte 96: a folder of external files"),
        (later("v10-hash-external"), to(DowngradeTo::V9), "byte 228: a folder of external files"),
        (data("btree-v9-le-encrypted"), to(DowngradeTo::V8), "byte 24: encryption of this file"),
        (data("queue-v4-le-encrypted"), to(DowngradeTo::V6), "dump it with its password, and load the dump"),
        (
            read(testdata().join("partitioned/btree-v9-le-partitioned-keys/data.db")),
            to(DowngradeTo::V8),
            "partitions of this file, which releases 3.1 to 4.0 do not know: dump it and load",
        ),
        // Release 5.3 fails on such items, although the version is its own.
        (
            read(testdata().join("v9-early-external-6020/f.db")),
            to(DowngradeTo::V9),
            "a folder of external files",
        ),
    ] {
        let error = down(&bytes, &choices).expect_err(words);
        assert!(matches!(error.refusal(), Some(Refusal::Older { .. })), "{words}: {error}");
        assert!(error.to_string().contains(words), "{words}: {error}");
        assert_eq!(error.code(), Some("R-OLDER"));
    }
    let error = down(&data("btree-v9-le-subdbs"), &to(DowngradeTo::V7)).unwrap_err();
    assert!(matches!(error.refusal(), Some(Refusal::ListOrder { .. })), "{error}");
    for (case, target) in [("btree-v6-le-few", DowngradeTo::V8), ("queue-v1-be-few", DowngradeTo::V8)] {
        let error = down(&data(case), &to(target)).unwrap_err();
        assert!(matches!(error.refusal(), Some(Refusal::Earlier { .. })), "{case}: {error}");
    }
    // Releases from 4.1 on open version 8 as it is.
    assert!(down(&data("btree-v8-le-one"), &to(DowngradeTo::V9)).unwrap() == data("btree-v8-le-one"));
}

/// Only the version changes on the way to 8, so the way back ends where it began.
#[test]
fn version_8_and_back_is_the_same_file() {
    let mut files = 0;
    for (name, new) in self::files() {
        let Ok(db) = Database::from_bytes(&new[..]) else { continue };
        let tree = db.meta().root().is_some() && db.meta().version() == 9 && !db.is_directory();
        let kept = db.meta().last_page().map(|last| last.0 + 1)
            == u32::try_from(new.len() / usize::try_from(db.meta().page_size().get()).unwrap()).ok();
        let Ok(old) = down(&new, &to(DowngradeTo::V8)) else { continue };
        if !tree || !kept {
            continue;
        }
        let changed = old.iter().zip(&new).filter(|(old, new)| old != new).count();
        assert_eq!(changed, 1, "{name}");
        assert!(in_memory(&old, &Choices::default()).unwrap().0 == new, "{name}");
        files += 1;
    }
    assert!(files > 30, "{files}");
}

/// Internal pages go to the free list, and overflow chains count what is left.
#[test]
fn trees_of_duplicates_become_chains() {
    let mut freed = 0;
    for case in [
        "btree-v9-le-dups-offpage-many",
        "btree-v9-le-dups-offpage-many-sorted",
        "btree-v9-le-dups-overflow-sorted",
    ] {
        let new = data(case);
        let sorted = Database::from_bytes(&new[..]).unwrap().meta().flags().sorted_duplicates();
        let (old, notices) = downgraded(&new, &to(DowngradeTo::V6)).unwrap();
        assert_eq!(notices.contains(&Notice::SortingLost { database: None }), sorted, "{case}: {notices:?}");
        let (before, after) = (Image::new(case, new), Image::new(case, old.clone()));
        let of = |image: &Image, kinds: &[u8]| {
            (1..image.pages()).filter(|&page| kinds.contains(&image.kind(page))).count()
        };
        assert!(of(&before, &[6, 12]) > 0 && of(&before, &[6, 12]) == of(&after, &[1]), "{case}");
        assert_eq!(of(&after, &[4, 6, 12]), 0, "{case}");
        freed += of(&after, &[0]) - of(&before, &[0]);
        assert_eq!(errors(&old), Vec::<String>::new(), "{case}");
    }
    assert!(freed > 0);
}

/// Files on a disk: the report, and one refused among others leaves all as they are.
#[test]
fn files_of_a_folder_go_down_together_or_not_at_all() {
    let (one, two) = (data("btree-v9-le-one"), data("btree-v9-le-checksum"));
    let disk = FakeDisk::with([("/store/a.db", &one[..]), ("/store/b.db", &two[..])]);
    let run = |paths: &[&str]| {
        Downgrade::on(&disk, paths, to(DowngradeTo::V8)).ignore_logs(true).assume_closed(true).run()
    };
    let error = run(&["/store/a.db", "/store/b.db"]).unwrap_err();
    assert!(error.to_string().contains("b.db"), "{error}");
    let bytes = |path: &str| disk.bytes(std::path::Path::new(path)).unwrap();
    assert!(bytes("/store/a.db") == one && bytes("/store/b.db") == two);
    let report = run(&["/store/a.db"]).unwrap();
    assert_eq!((report.files[0].from, report.files[0].to, report.files[0].modified), (9, 8, 1));
    assert!(!run(&["/store/a.db"]).unwrap().files[0].changed());
}

/// Internal pages that go had long keys in overflow chains: these count what is left, and one that nothing needs
/// any more is free.
#[test]
fn overflow_chains_lose_the_references_of_internal_pages() {
    let values: Vec<Vec<u8>> =
        (0..200u32).map(|number| [&number.to_be_bytes()[..], &[7; 300]].concat()).collect();
    let tree = Tree::btree().duplicates(build::Duplicates::Sorted).off_page_from(0).overflow_above(100);
    let old = Builder::new(6, Endianness::Big, 512).build(&tree, &[(b"key".to_vec(), values)]);
    let choices = Choices { duplicates: Duplicates::Sorted, ..Choices::default() };
    let (new, _) = in_memory(&old, &choices).unwrap();
    let counts = |bytes: &[u8]| {
        let image = Image::new("chains", bytes.to_vec());
        let heads = (1..image.pages()).filter(|&page| image.kind(page) == 7);
        heads
            .map(|page| usize::try_from(page).unwrap() * image.page_size + 20)
            .map(|at| bytes[at + 1])
            .collect()
    };
    let (before, between): (Vec<u8>, Vec<u8>) = (counts(&old), counts(&new));
    assert!(before.iter().zip(&between).any(|(before, between)| between > before), "no key is in a chain");
    let again = down(&new, &to(DowngradeTo::V6)).unwrap();
    let after: Vec<u8> = counts(&again);
    assert_eq!(before, after);
    assert_eq!(pairs_by_database(&again), pairs_by_database(&old));
    assert_eq!(errors(&again), Vec::<String>::new());
}
