//! Compressed databases, and partitioned ones, with any byte of them changed.

use std::path::Path;
use std::time::Duration;

use bdbkit::salvage::Salvage;
use bdbkit::verify::{Severity, Verify};
use bdbkit::{Database, Endianness};

use crate::build::{Builder, Duplicates, Tree, chunk};
use crate::common::{Watch, read, testdata, thorough};

/// All that a reader can do with a file; more steps than there can be are a hang.
fn read_all(db: &Database<'_>, keys: &[Vec<u8>], bound: usize) -> (usize, usize) {
    let (mut given, mut errors) = (0, 0);
    for entry in db.iter() {
        match entry {
            Ok(_) => given += 1,
            Err(_) => errors += 1,
        }
        assert!(given + errors <= bound, "{bound} steps");
    }
    assert!(db.iter().rev().take(bound + 1).count() <= bound, "{bound} steps backwards");
    assert!(
        db.scan().filter_map(|leaf| leaf.ok()).flat_map(|leaf| leaf.entries()).take(bound + 1).count()
            <= bound
    );
    for key in keys {
        let found = db.get(key);
        let first = db.duplicates(key).next();
        if let (Ok(Some(value)), Some(Ok(entry))) = (&found, &first) {
            assert_eq!(entry.value(), &value[..]);
        }
        let _ = db.range(&key[..]..).take(3).count();
    }
    (given, errors)
}

/// Files of two or three pages: duplicates on the page, off it, and in chains.
fn small_files() -> Vec<(Vec<u8>, Vec<Vec<u8>>)> {
    let pair = |key: &str, value: &str| (key.as_bytes().to_vec(), value.as_bytes().to_vec());
    let mut records =
        vec![pair("", "none"), pair("a", "1"), pair("a/b", "2"), pair("a/c", "3"), pair("b", "")];
    let mut many = records.clone();
    many.extend((0..24).map(|i| pair("c", &format!("duplicate {i:02}"))));
    many.push(pair("d", "last"));
    records.push(("e".into(), vec![b'v'; 700]));
    records.push(pair("f", "last"));
    let plain = Tree::btree();
    let sorted = Tree::btree().duplicates(Duplicates::Sorted);
    let off_page = sorted.clone().off_page_from(100);
    let mut files = Vec::new();
    for order in [Endianness::Little, Endianness::Big] {
        let builder = Builder::new(8, order, 512);
        for (tree, records) in [(&plain, &records), (&sorted, &many), (&off_page, &many)] {
            let keys: Vec<_> = records.iter().map(|(key, _)| key.clone()).collect();
            files.push((chunk::build(&builder, tree, records, &[3]), keys));
        }
    }
    files
}

fn values(old: u8, at: usize) -> Vec<u8> {
    if thorough() {
        return (0..=255).filter(|&value| value != old).collect();
    }
    let some = [old ^ 1, old ^ 0x80, 0, 0xff, 0xfc, u8::try_from(at * 31 % 256).unwrap()];
    some.into_iter().cycle().skip(at % 6).filter(|&value| value != old).take(1).collect()
}

#[test]
fn a_changed_byte_of_a_compressed_file_is_met_by_reader_and_check_alike() {
    let watch = Watch::start(Duration::from_secs(120));
    for (index, (file, keys)) in small_files().iter().enumerate() {
        let healthy = Verify::from_bytes(&file[..]).run();
        assert!(healthy.worst() < Some(Severity::Error), "{:?}", healthy.findings());
        let whole = read_all(&Database::from_bytes(&file[..]).unwrap(), keys, 10_000);
        assert_eq!(whole.1, 0);
        // What is changed in the first page is no longer this database.
        for at in 0..file.len() {
            for value in values(file[at], at) {
                watch.about(format!("file {index}, byte {at}, {value}"));
                watch.tick();
                let mut changed = file.clone();
                changed[at] = value;
                let verdict = Verify::from_bytes(&changed[..]).threads(1).run();
                let salvage = Salvage::from_bytes(&changed[..]);
                let salvaged = salvage.survey().map_or(0, |survey| survey.records().take(100_000).count());
                assert!(salvaged < 100_000);
                let Ok(db) = Database::from_bytes(&changed[..]) else { continue };
                let (given, errors) = read_all(&db, keys, 10_000);
                let sound = verdict.complete() && verdict.worst() < Some(Severity::Error);
                assert!(
                    !sound || errors == 0,
                    "file {index}, byte {at}, {value}: sound, but {errors} errors"
                );
                if sound && at >= 512 {
                    assert!(given <= whole.0, "file {index}, byte {at}, {value}: {given}");
                    assert_eq!(salvaged, given, "file {index}, byte {at}, {value}: salvaged");
                }
            }
        }
        for len in (0..file.len()).step_by(if thorough() { 1 } else { 13 }) {
            let cut = &file[..len];
            let _ = Salvage::from_bytes(cut).survey().map(|survey| survey.records().count());
            let verdict = Verify::from_bytes(cut).threads(1).run();
            assert!(verdict.worst() == Some(Severity::Error), "{len} bytes");
            if let Ok(db) = Database::from_bytes(cut) {
                let (given, errors) = read_all(&db, keys, 10_000);
                assert!(given <= whole.0 && (errors > 0 || given == whole.0), "{len} bytes");
            }
        }
    }
}

#[test]
fn a_changed_byte_of_a_partitioned_database_is_met_or_harmless() {
    let watch = Watch::start(Duration::from_secs(120));
    let from = testdata().join("partitioned/btree-v9-le-partitioned-keys");
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(&from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let main = folder.path().join("data.db");
    let all = Database::open(&main).unwrap().iter().count();
    let options = || bdbkit::OpenOptions::new().map(false);
    let change = |path: &Path, step: usize| {
        let old = read(path);
        for at in (0..old.len()).step_by(step) {
            for value in values(old[at], at).into_iter().take(if thorough() { 256 } else { 1 }) {
                watch.about(format!("{}, byte {at}, {value}", path.display()));
                watch.tick();
                let mut changed = old.clone();
                changed[at] = value;
                std::fs::write(path, changed).unwrap();
                let verdict = options().verify(&main).unwrap().run();
                let sound = verdict.complete() && verdict.worst() < Some(Severity::Error);
                let salvage = options().salvage(&main).unwrap();
                let _ = salvage.survey().map(|survey| survey.records().count());
                for (_, part) in salvage.partitions() {
                    let _ = part.and_then(|part| Ok(part.survey()?.records().count()));
                }
                let Ok(db) = options().open(&main) else { continue };
                let (given, errors) = read_all(&db, &[b"inbox".to_vec(), b"acl".to_vec()], 10_000);
                assert!(!sound || errors == 0, "{}, byte {at}, {value}: sound", path.display());
                let deleted = usize::try_from(db.tree_stats()[0].deleted).unwrap();
                assert!(
                    errors > 0 || given + deleted == all || at < 512,
                    "{}, byte {at}, {value}",
                    path.display()
                );
            }
        }
        std::fs::write(path, old).unwrap();
    };
    change(&main, if thorough() { 1 } else { 3 });
    change(&folder.path().join("__dbp.data.db.002"), if thorough() { 1 } else { 7 });
}
