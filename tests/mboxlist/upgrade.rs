//! Whole stores upgraded as one unit, and snapshots put in their place.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use bdbkit::Database;
use bdbkit::mboxlist::{Lsns, Restore, RestoreError, StoreConvert, StoreUpgrade, StoreUpgradeError};
use bdbkit::upgrade::{Choices, Profile, Refusal, Upgrade};
use bdbkit::verify::{Severity, Verify};

use crate::common::{Pair, cases, forward, testdata};
use crate::restore_plan;

/// What is in a folder, file by file; folders with their names only.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let read = |path: PathBuf| if path.is_file() { fs::read(path).unwrap() } else { Vec::new() };
    entries.map(|entry| (entry.file_name().into_string().unwrap(), read(entry.path()))).collect()
}

/// A copy of the databases and logs of a case.
fn store(case: &str, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for (name, bytes) in contents(&testdata().join(case)) {
        if name.ends_with(".db") || name.starts_with("log.") {
            fs::write(to.join(name), bytes).unwrap();
        }
    }
}

fn databases(folder: &Path) -> BTreeMap<String, (u32, Vec<Pair>)> {
    let all = contents(folder).into_iter().filter(|(name, _)| name.ends_with(".db"));
    all.map(|(name, bytes)| {
        let db = Database::from_bytes(bytes).unwrap();
        let found = (db.meta().version(), forward(&db));
        drop(db);
        (name, found)
    })
    .collect()
}

fn logs(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    contents(folder).into_iter().filter(|(name, _)| name.starts_with("log.")).collect()
}

#[test]
fn stores_of_every_release_are_upgraded_where_they_need_it() {
    let mut upgraded = 0;
    for case in cases(&["mboxlist-"]).iter().filter(|case| !case.name.ends_with("unclean")) {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        store(&case.name, folder);
        let (before, old_logs, whole) = (databases(folder), logs(folder), contents(folder));
        let report = StoreUpgrade::open(folder).run().unwrap();
        let after = databases(folder);
        let due = before.values().filter(|(version, _)| *version < 8).count();
        assert_eq!((report.files.len(), report.untouched.len()), (due, before.len() - due), "{}", case.name);
        assert_eq!((logs(folder), report.logs.len()), (old_logs.clone(), old_logs.len()));
        for (name, (version, pairs)) in &before {
            let (new, now) = &after[name];
            assert_eq!(*new, if *version < 8 { 9 } else { *version }, "{}: {name}", case.name);
            assert!(now == pairs, "{}: {name}", case.name);
            assert!(Verify::open(folder.join(name)).unwrap().run().worst() < Some(Severity::Error));
        }
        assert_eq!(contents(folder).keys().collect::<Vec<_>>(), whole.keys().collect::<Vec<_>>());
        upgraded += due;
    }
    assert_eq!(upgraded, 10, "the databases of the stores of 5.x");
}

/// The databases hold the same in the other order, and their old logs are with the old databases.
#[test]
fn stores_of_every_release_are_converted_for_the_other_machine() {
    let mut stores = 0;
    for case in cases(&["mboxlist-"]).iter().filter(|case| !case.name.ends_with("unclean")) {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        store(&case.name, folder);
        let (before, old) = (databases(folder), contents(folder));
        let order = Database::open(folder.join("folder.db")).unwrap().meta().endianness();
        let same = StoreConvert::open(folder, order);
        assert!(same.plan().unwrap().files.is_empty() && same.run().unwrap().backup.is_none());
        assert!(contents(folder) == old, "{}", case.name);
        let convert = StoreConvert::open(folder, order.other());
        let plan = convert.plan().unwrap();
        let logs: Vec<&String> = old.keys().filter(|name| name.starts_with("log.")).collect();
        assert_eq!((plan.files.len(), plan.logs.len()), (before.len(), logs.len()));
        assert!(contents(folder) == old, "a plan writes nothing");
        let report = convert.run().unwrap();
        assert_eq!((report.files.len(), report.logs.len()), (before.len(), logs.len()));
        assert!(databases(folder) == before, "{}", case.name);
        for name in before.keys() {
            let db = Database::open(folder.join(name)).unwrap();
            assert_eq!(
                (db.meta().endianness(), db.highest_lsn().file, db.meta().lsn().file),
                (order.other(), 0, 0)
            );
            assert!(Verify::new(&db).run().worst() < Some(Severity::Error), "{name}");
        }
        assert!(self::logs(folder).is_empty());
        let backup = report.backup.unwrap();
        let mut kept = contents(&backup);
        assert!(kept.remove("MANIFEST").is_some() && kept == old, "{}", case.name);
        stores += 1;
    }
    assert_eq!(stores, 10);
}

#[test]
fn what_must_not_be_converted_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    store("mboxlist-ims60-log3-le-unclean", folder);
    let refused = |what: &str| {
        let before = contents(folder);
        let error = StoreConvert::open(folder, bdbkit::Endianness::Big).run().unwrap_err();
        assert_eq!(error.code(), Some(what), "{error}");
        assert!(contents(folder) == before, "{error}");
    };
    refused("R-RECOVERY");
    for name in contents(folder).keys() {
        fs::remove_file(folder.join(name)).unwrap();
    }
    store("mboxlist-ims61-log8-le", folder);
    fs::write(folder.join("__db.001"), [0; 100]).unwrap();
    refused("R-ENVIRONMENT");
    fs::remove_file(folder.join("__db.001")).unwrap();
    fs::create_dir(folder.join("logs")).unwrap();
    fs::rename(folder.join("log.0000000001"), folder.join("logs/log.0000000001")).unwrap();
    fs::write(folder.join("DB_CONFIG"), "set_lg_dir logs\n").unwrap();
    refused("R-LOGS-ELSEWHERE");
}

#[test]
fn version_8_is_upgraded_if_asked_for_and_logs_that_are_gone_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    store("mboxlist-ims60-log3-be", folder);
    assert_eq!(StoreUpgrade::open(folder).run().unwrap().files.len(), 0);
    let report = StoreUpgrade::open(folder).include_version_8(true).lsns(Lsns::Keep).run().unwrap();
    assert_eq!((report.files.len(), report.lsns_reset), (5, false));

    store("mboxlist-ims60-log3-be", folder);
    let old = contents(folder);
    fs::remove_file(folder.join("log.0000000001")).unwrap();
    let report = StoreUpgrade::open(folder).include_version_8(true).run().unwrap();
    assert!(report.lsns_reset);
    let kept = contents(&report.backup.unwrap());
    assert!(kept.contains_key("MANIFEST") && kept["folder.db"] == old["folder.db"]);
    let lsn = Database::open(folder.join("folder.db")).unwrap().meta().lsn();
    assert_eq!((lsn.file, lsn.offset), (0, 1));
    // A later run leaves kept copies alone.
    StoreUpgrade::open(folder).run().unwrap();
    assert_eq!(contents(folder).keys().filter(|name| name.starts_with("bdbkit-backup-")).count(), 1);
}

/// A store is refused for its logs, whether any file is due or not.
#[test]
fn a_store_is_judged_even_if_no_file_is_due() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let fresh = |case: &str| {
        fs::remove_dir_all(folder).unwrap();
        store(case, folder);
    };
    let refused = || {
        let before = contents(folder);
        let error = StoreUpgrade::open(folder).run().unwrap_err();
        assert!(contents(folder) == before, "{error}");
        error
    };
    fresh("mboxlist-ims60-log3-le-unclean");
    let error = refused();
    assert!(error.to_string().contains("recovery is needed first"), "{error}");

    // The log of another machine, and one that ends before the pages do.
    fresh("mboxlist-ims5-log2-be");
    let log = testdata().join("mboxlist-ims5-log2-le/log.0000000001");
    fs::copy(log, folder.join("log.0000000001")).unwrap();
    let error = refused();
    let foreign =
        matches!(error, StoreUpgradeError::MixedOrders { .. } | StoreUpgradeError::Inconsistent { .. });
    assert!(foreign, "{error}");
    fresh("mboxlist-ims60-log3-be");
    let mut bytes = fs::read(folder.join("quota.db")).unwrap();
    let root = 1024;
    bytes[root..root + 4].copy_from_slice(&9_u32.to_be_bytes());
    fs::write(folder.join("quota.db"), bytes).unwrap();
    let error = refused();
    assert!(matches!(error, StoreUpgradeError::Inconsistent { .. }), "{error}");

    // A restore that did not come to its end.
    fresh("mboxlist-ims5-log2-be");
    fs::create_dir(folder.join(".bdbkit-restore")).unwrap();
    let error = refused();
    assert!(error.to_string().contains("resume it"), "{error}");
    fs::remove_dir(folder.join(".bdbkit-restore")).unwrap();

    // A file that is none any more is not left out in silence; one that was never written is told.
    fs::write(folder.join("user.db"), b"").unwrap();
    let report = StoreUpgrade::open(folder).run().unwrap();
    assert!(
        matches!(&report.left_out[..], [(path, _)] if path.ends_with("user.db")),
        "{:?}",
        report.left_out
    );
    fresh("mboxlist-ims5-log2-be");
    let mut bytes = fs::read(folder.join("folder.db")).unwrap();
    bytes[12..16].fill(0);
    fs::write(folder.join("folder.db"), bytes).unwrap();
    let error = refused();
    assert!(error.to_string().contains("folder.db"), "{error}");
}

/// HASH and QUEUE databases go with the others, extents with their main files.
#[test]
fn databases_of_other_methods_follow() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let put = |case: &str, from: &str, to: &str| {
        fs::write(folder.join(to), fs::read(testdata().join(case).join(from)).unwrap()).unwrap();
    };
    put("btree-v6-be-few", "data.db", "tree.db");
    put("hash-v6-be-dups-offpage", "data.db", "hash.db");
    put("queue-v3-be-extents", "data.db", "queue.db");
    for number in 1..=4 {
        put("queue-v3-be-extents", &format!("__dbq.data.db.{number}"), &format!("__dbq.queue.db.{number}"));
    }
    put("hash-v9-be-few", "data.db", "new.db");
    let before = contents(folder);
    let report = StoreUpgrade::open(folder).run().unwrap();
    assert_eq!((report.files.len(), report.untouched.len()), (2, 2), "{report:?}");
    for (name, bytes) in before {
        fs::write(folder.join(name), bytes).unwrap();
    }
    let before = contents(folder);
    let upgrade = StoreUpgrade::open(folder).include_version_8(true).keep_backup(true);
    assert_eq!(upgrade.plan().unwrap().len(), 7);
    let report = upgrade.run().unwrap();
    let names: Vec<_> = report.files.iter().map(|file| file.path.file_name().unwrap()).collect();
    assert_eq!(names.len(), 7, "{names:?}");
    assert_eq!(report.untouched.len(), 1);
    let kept = contents(&report.backup.unwrap());
    let (manifest, copies): (Vec<_>, Vec<_>) = kept.into_iter().partition(|(name, _)| name == "MANIFEST");
    assert!(copies.iter().all(|(name, copy)| before[name] == *copy) && copies.len() == 7);
    let manifest = String::from_utf8(manifest[0].1.clone()).unwrap();
    assert!(copies.iter().all(|(name, _)| manifest.contains(name)), "{manifest}");
    let queue = Database::open(folder.join("queue.db")).unwrap();
    assert_eq!((queue.meta().version(), Verify::new(&queue).run().worst()), (4, None));
    let hash = Database::open(folder.join("hash.db")).unwrap();
    assert_eq!((hash.meta().version(), Verify::new(&hash).run().worst()), (9, None));
}

/// LSNs stay where the logs only stand elsewhere; where they are gone, files that need nothing
/// else are named.
#[test]
fn lsns_are_reset_only_if_the_logs_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    store("mboxlist-ims5-log2-be", folder);
    fs::create_dir(folder.join("logs")).unwrap();
    fs::rename(folder.join("log.0000000001"), folder.join("logs/log.0000000001")).unwrap();
    fs::write(folder.join("DB_CONFIG"), "set_lg_dir logs\n").unwrap();
    let report = StoreUpgrade::open(folder).run().unwrap();
    assert_eq!((report.files.len(), report.lsns_reset), (5, false));
    fs::remove_file(folder.join("DB_CONFIG")).unwrap();
    let report = StoreUpgrade::open(folder).run().unwrap();
    assert_eq!((report.files.len(), report.lsns_reset, report.lsns_stale.len()), (0, false, 5));
}

#[test]
fn what_must_not_be_upgraded_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let all = || StoreUpgrade::open(folder).include_version_8(true);
    let refusal = |error: StoreUpgradeError| match error {
        StoreUpgradeError::Upgrade(error) | StoreUpgradeError::Unclean { first: error, .. } => {
            error.refusal().cloned().unwrap_or_else(|| panic!("{error}"))
        }
        other => panic!("{other}"),
    };
    store("mboxlist-ims60-log3-le-unclean", folder);
    let before = contents(folder);
    let refused = refusal(all().run().unwrap_err());
    assert!(matches!(&refused, Refusal::Recovery { from, to, .. } if from < to), "{refused}");
    assert!(contents(folder) == before);

    fs::remove_dir_all(folder).unwrap();
    store("mboxlist-ims5-log2-be", folder);
    fs::write(folder.join("__db_mpool.share"), b"region").unwrap();
    let before = contents(folder);
    assert!(matches!(refusal(all().run().unwrap_err()), Refusal::Environment { .. }));
    assert!(contents(folder) == before);
    assert_eq!(all().assume_closed(true).plan().unwrap().len(), 5);

    fs::remove_file(folder.join("__db_mpool.share")).unwrap();
    let name = "quota.db";
    fs::copy(testdata().join("mboxlist-ims5-log2-le").join(name), folder.join(name)).unwrap();
    let before = contents(folder);
    assert!(matches!(all().run().unwrap_err(), StoreUpgradeError::MixedOrders { .. }));
    assert!(contents(folder) == before);

    store("mboxlist-ims5-log2-be", folder);
    let mut damaged = fs::read(folder.join(name)).unwrap();
    damaged[1024 + 20] ^= 0x55;
    fs::write(folder.join(name), damaged).unwrap();
    let before = contents(folder);
    assert!(matches!(refusal(all().run().unwrap_err()), Refusal::Damaged { .. }));
    assert!(contents(folder) == before, "one damaged database, and none is touched");
}

#[test]
fn copies_need_a_new_folder_and_are_removed_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let (store_folder, copies) = (folder.path().join("store"), folder.path().join("copies"));
    store("mboxlist-ims5-log2-be", &store_folder);
    fs::create_dir(&copies).unwrap();
    fs::write(copies.join("quota.db"), b"a copy of long ago").unwrap();
    let before = contents(&store_folder);
    let upgrade = |copies: &Path| StoreUpgrade::open(&store_folder).backup_dir(copies);
    let refused = upgrade(&copies).run().unwrap_err();
    assert!(matches!(&refused, StoreUpgradeError::BackupExists { folder } if *folder == copies), "{refused}");
    assert!(contents(&store_folder) == before);
    assert_eq!(fs::read(copies.join("quota.db")).unwrap(), b"a copy of long ago");
    let new = folder.path().join("new");
    assert_eq!(upgrade(&new).run().unwrap().files.len(), 5);
    assert!(!new.exists());
    store("mboxlist-ims5-log2-be", &store_folder);
    let report = upgrade(&new).keep_backup(true).run().unwrap();
    assert_eq!(report.backup.as_deref(), Some(&*new));
    let kept = contents(&new);
    assert!(kept.len() == 6 && kept.iter().all(|(name, copy)| name == "MANIFEST" || before[name] == *copy));
}

#[test]
fn a_link_to_a_database_does_not_hide_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let store_folder = folder.path().join("store");
    store("mboxlist-ims60-log3-le-unclean", &store_folder);
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(store_folder.join("folder.db"), &link).unwrap();
    let refused = Upgrade::open(&link).plan().unwrap_err();
    assert!(matches!(refused.refusal(), Some(Refusal::Recovery { .. })), "{refused}");
}

#[test]
fn the_result_may_be_of_version_8_for_release_6_0() {
    let folder = tempfile::tempdir().unwrap();
    store("mboxlist-ims5-log2-le", folder.path());
    let choices = Choices { profile: Profile::V8, ..Choices::default() };
    // 6.0 would not open a database that is of version 9 already.
    let newer = folder.path().join("newer.db");
    fs::copy(testdata().join("mboxlist-ims61-log8-le/quota.db"), &newer).unwrap();
    let before = contents(folder.path());
    let refused = StoreUpgrade::open(folder.path()).choices(choices.clone()).run().unwrap_err();
    let words = "newer.db: version 9 is beyond v8";
    assert!(refused.to_string().contains(words), "{refused}");
    assert!(contents(folder.path()) == before);
    fs::remove_file(newer).unwrap();
    StoreUpgrade::open(folder.path()).choices(choices).run().unwrap();
    assert!(databases(folder.path()).values().all(|(version, _)| *version == 8));
}

// ----------------------------------------------------------------------- snapshots

/// A store, and a snapshot of another one with marks and region files.
fn with_snapshot(folder: &Path) -> (PathBuf, PathBuf) {
    let (mboxlist, snapshot) = (folder.join("mboxlist"), folder.join("snapshot"));
    store("mboxlist-ims63-log11-be", &mboxlist);
    fs::write(mboxlist.join("__db.001"), b"old region").unwrap();
    fs::create_dir(mboxlist.join("folderlock")).unwrap();
    store("mboxlist-ims63-log11-le", &snapshot);
    for (name, text) in [
        ("__db.001", "region"),
        ("queue", ""),
        ("__dbq.queue.1", "extent"),
        (".snaptime", ""),
        (".verified", ""),
    ] {
        fs::write(snapshot.join(name), text).unwrap();
    }
    (mboxlist, snapshot)
}

fn without_marks(mut files: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    files.retain(|name, _| name != ".snaptime" && name != ".verified");
    files
}

#[test]
fn a_snapshot_takes_the_place_of_the_databases_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (mboxlist, snapshot) = with_snapshot(folder.path());
    let (old, new) = (contents(&mboxlist), contents(&snapshot));
    let aside = folder.path().join("aside");
    let restored = Restore::new(&mboxlist, &snapshot, &aside).assume_closed(true).run().unwrap();
    let mut expected = without_marks(new.clone());
    expected.insert("folderlock".into(), Vec::new());
    assert!(contents(&mboxlist) == expected);
    let mut expected = old.clone();
    expected.remove("folderlock");
    assert!(contents(&aside) == expected);
    assert!(contents(&snapshot) == new, "the snapshot stays");
    assert!(restored.placed.contains(&"__dbq.queue.1".into()));
    assert!(restored.moved.contains(&"__db.001".into()));
    let again = Restore::resume(&mboxlist);
    assert!(matches!(again, Err(RestoreError::NothingToResume { .. })), "{again:?}");
}

#[test]
fn region_files_go_to_the_cache_folder_or_stay_away() {
    let folder = tempfile::tempdir().unwrap();
    let (mboxlist, snapshot) = with_snapshot(folder.path());
    let (cache, aside) = (folder.path().join("cache"), folder.path().join("aside"));
    fs::create_dir(&cache).unwrap();
    fs::write(cache.join("__db.002"), b"old").unwrap();
    fs::write(cache.join("other"), b"stays").unwrap();
    Restore::new(&mboxlist, &snapshot, &aside).cache_dir(&cache).assume_closed(true).run().unwrap();
    assert_eq!(contents(&cache).keys().collect::<Vec<_>>(), ["__db.001", "other"]);
    assert_eq!(contents(&aside.join("dbtmpdir")).keys().collect::<Vec<_>>(), ["__db.002"]);
    let placed = contents(&mboxlist);
    assert!(placed.contains_key("__dbq.queue.1") && !placed.contains_key("__db.001"));

    let aside = folder.path().join("aside-2");
    Restore::new(&mboxlist, &snapshot, &aside).regions(false).assume_closed(true).run().unwrap();
    assert!(!contents(&mboxlist).contains_key("__db.001"));
}

#[test]
fn what_is_no_snapshot_is_not_restored() {
    let folder = tempfile::tempdir().unwrap();
    let (mboxlist, snapshot) = with_snapshot(folder.path());
    let before = contents(&mboxlist);
    for aside in [mboxlist.join("aside"), snapshot.clone()] {
        let refused = Restore::new(&mboxlist, &snapshot, aside).run();
        assert!(matches!(refused, Err(RestoreError::Aside { .. })), "{refused:?}");
    }
    for (name, _) in logs(&snapshot) {
        fs::remove_file(snapshot.join(name)).unwrap();
    }
    let refused = Restore::new(&mboxlist, &snapshot, folder.path().join("aside")).run();
    assert!(matches!(refused, Err(RestoreError::NotASnapshot { .. })), "{refused:?}");
    assert!(contents(&mboxlist) == before);
}

/// Restores a snapshot on a copy, and stops at every state in between by doing the steps by hand.
#[test]
fn a_restore_that_was_interrupted_goes_on() {
    let whole = tempfile::tempdir().unwrap();
    let (mboxlist, snapshot) = with_snapshot(whole.path());
    let old: Vec<String> = contents(&mboxlist).into_keys().filter(|name| name != "folderlock").collect();
    let new: Vec<String> = without_marks(contents(&snapshot)).into_keys().collect();
    Restore::new(&mboxlist, &snapshot, whole.path().join("aside")).assume_closed(true).run().unwrap();
    let (expected, aside) = (contents(&mboxlist), contents(&whole.path().join("aside")));
    for stop in 0..=old.len() + 1 + new.len() {
        let folder = tempfile::tempdir().unwrap();
        let (mboxlist, snapshot, moved_to) = stopped(folder.path(), &old, &new, stop);
        let again = Restore::new(&mboxlist, &snapshot, folder.path().join("aside-2")).run();
        assert!(matches!(again, Err(RestoreError::Interrupted { .. })), "{stop}: {again:?}");
        Restore::resume(&mboxlist).unwrap();
        assert!(contents(&mboxlist) == expected && contents(&moved_to) == aside, "stopped at {stop}");
    }
}

/// A restore that stopped after so many steps: the store, the snapshot, the old files.
fn stopped(folder: &Path, old: &[String], new: &[String], stop: usize) -> (PathBuf, PathBuf, PathBuf) {
    let (mboxlist, snapshot) = with_snapshot(folder);
    let stage = restore_plan::stage(&mboxlist);
    for name in new {
        fs::copy(snapshot.join(name), stage.join(name)).unwrap();
    }
    let aside = folder.join("aside");
    fs::create_dir(&aside).unwrap();
    let state = if stop > old.len() { restore_plan::PLACING } else { restore_plan::MOVING };
    restore_plan::Plan::of(&mboxlist, &aside, state).write(&mboxlist, &aside);
    for name in old.iter().take(stop) {
        fs::rename(mboxlist.join(name), aside.join(name)).unwrap();
    }
    for name in new.iter().take(stop.saturating_sub(old.len() + 1)) {
        fs::rename(stage.join(name), mboxlist.join(name)).unwrap();
    }
    (mboxlist, snapshot, aside)
}

/// What moves aside, and what comes from the snapshot.
fn steps() -> (Vec<String>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let (mboxlist, snapshot) = with_snapshot(folder.path());
    let old = contents(&mboxlist).into_keys().filter(|name| name != "folderlock").collect();
    (old, without_marks(contents(&snapshot)).into_keys().collect())
}

#[test]
fn a_restore_that_was_interrupted_goes_back_while_nothing_new_is_in_place() {
    let (old, new) = steps();
    for stop in 0..=old.len() + 1 + new.len() {
        let folder = tempfile::tempdir().unwrap();
        let before = {
            let folder = tempfile::tempdir().unwrap();
            contents(&with_snapshot(folder.path()).0)
        };
        let (mboxlist, snapshot, aside) = stopped(folder.path(), &old, &new, stop);
        let now = contents(&mboxlist);
        let back = Restore::rollback(&mboxlist);
        if stop <= old.len() + 1 {
            let moved: Vec<OsString> = old.iter().take(stop).map(OsString::from).collect();
            assert_eq!(back.unwrap(), moved, "{stop}");
            assert!(contents(&mboxlist) == before && !aside.exists(), "stopped at {stop}");
            let nothing = Restore::rollback(&mboxlist);
            assert!(matches!(nothing, Err(RestoreError::NothingToResume { .. })), "{nothing:?}");
            Restore::new(&mboxlist, &snapshot, &aside).assume_closed(true).run().unwrap();
        } else {
            assert!(matches!(back, Err(RestoreError::InPlace { .. })), "{stop}: {back:?}");
            assert!(contents(&mboxlist) == now, "stopped at {stop}");
            Restore::resume(&mboxlist).unwrap();
        }
    }
}

#[test]
fn a_rollback_reaches_the_cache_folder_and_overwrites_nothing() {
    let (old, new) = steps();
    let folder = tempfile::tempdir().unwrap();
    let (mboxlist, _, aside) = stopped(folder.path(), &old, &new, old.len());
    let cache = folder.path().join("cache");
    fs::create_dir(&cache).unwrap();
    fs::create_dir(aside.join("dbtmpdir")).unwrap();
    let old_region = aside.join("dbtmpdir/__db.002");
    fs::write(&old_region, "old").unwrap();
    // The plan was made when the old files were in their places.
    old.iter().for_each(|name| fs::rename(aside.join(name), mboxlist.join(name)).unwrap());
    let stage = mboxlist.join(".bdbkit-restore");
    fs::remove_file(stage.join("bdbkit-plan")).unwrap();
    let mut plan = restore_plan::Plan::of(&mboxlist, &aside, restore_plan::MOVING);
    plan.cache = fs::canonicalize(&cache).unwrap().into_os_string().as_bytes().to_vec();
    plan.cache_is = restore_plan::is(&cache);
    plan.moves.push(restore_plan::Item::content(&old_region, restore_plan::CACHE));
    plan.write(&mboxlist, &aside);
    old.iter().for_each(|name| fs::rename(mboxlist.join(name), aside.join(name)).unwrap());
    fs::write(aside.join("dbtmpdir").join(plan.draft()), "half").unwrap();
    // Somebody started the server meanwhile.
    fs::write(mboxlist.join("quota.db"), "another").unwrap();
    let clash = Restore::rollback(&mboxlist);
    assert!(matches!(clash, Err(RestoreError::Clash { .. })), "{clash:?}");
    assert_eq!(fs::read(mboxlist.join("quota.db")).unwrap(), b"another");
    assert!(!mboxlist.join("folder.db").exists());
    fs::remove_file(mboxlist.join("quota.db")).unwrap();
    Restore::rollback(&mboxlist).unwrap();
    assert_eq!(contents(&cache).keys().collect::<Vec<_>>(), ["__db.002"]);
    assert!(mboxlist.join("quota.db").exists() && !aside.exists());
}

#[test]
fn a_cache_folder_that_cannot_serve_is_refused_before_anything_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let (mboxlist, snapshot) = with_snapshot(folder.path());
    fs::create_dir(mboxlist.join("tmp")).unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let links = folder.path().join("links");
    fs::create_dir_all(links.join("__db.001")).unwrap();
    let aside = folder.path().join("aside");
    let before = contents(&mboxlist);
    let caches = [
        folder.path().join("typo"),
        mboxlist.join("tmp"),
        folder.path().join("file"),
        snapshot.clone(),
        links,
        mboxlist.join("../mboxlist/tmp/."),
    ];
    for cache in caches {
        let refused = Restore::new(&mboxlist, &snapshot, &aside)
            .cache_dir(&cache)
            .assume_closed(true)
            .run()
            .unwrap_err();
        assert!(matches!(refused, RestoreError::Cache { .. } | RestoreError::Io { .. }), "{refused}");
        assert!(refused.to_string().starts_with(cache.to_str().unwrap()), "{refused}");
        assert!(contents(&mboxlist) == before && !aside.exists(), "{refused}");
    }
    // The folder itself: then the regions belong there, as without it.
    let same = mboxlist.join("../mboxlist");
    Restore::new(&mboxlist, &snapshot, &aside).cache_dir(same).assume_closed(true).run().unwrap();
    assert_eq!(fs::read(mboxlist.join("__db.001")).unwrap(), b"region");
    assert!(!aside.join("dbtmpdir").exists() && aside.join("__db.001").exists());
}

#[test]
fn what_cannot_move_aside_is_refused_before_anything_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let (mboxlist, snapshot) = with_snapshot(folder.path());
    fs::create_dir(mboxlist.join("removed")).unwrap();
    let before = contents(&mboxlist);
    let refused = Restore::new(&mboxlist, &snapshot, snapshot.join("aside")).assume_closed(true).run();
    assert!(matches!(refused, Err(RestoreError::Aside { .. })), "{refused:?}");
    // Where there is another file system.
    let device = |path: &Path| fs::metadata(path).unwrap().dev();
    if let Ok(other) = tempfile::tempdir_in("/dev/shm") {
        if device(other.path()) != device(folder.path()) {
            let aside = other.path().join("aside");
            let refused = Restore::new(&mboxlist, &snapshot, &aside).assume_closed(true).run();
            assert!(matches!(refused, Err(RestoreError::OtherFileSystem { .. })), "{refused:?}");
            assert!(!aside.exists());
            // Region files do go to another one, and come from it.
            fs::write(other.path().join("__db.002"), "old").unwrap();
            let restore = Restore::new(&mboxlist, &snapshot, folder.path().join("far")).assume_closed(true);
            assert!(contents(&mboxlist) == before);
            restore.cache_dir(other.path()).run().unwrap();
            assert_eq!(contents(other.path()).keys().collect::<Vec<_>>(), ["__db.001"]);
            let far = contents(&folder.path().join("far/dbtmpdir"));
            assert_eq!(far.keys().collect::<Vec<_>>(), ["__db.002"]);
            return;
        }
    }
    assert!(contents(&mboxlist) == before);
}

#[test]
fn paths_and_names_that_are_no_text_are_restored_too() {
    let (old, new) = steps();
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join(OsStr::from_bytes(b"t4\xff"));
    fs::create_dir(&odd).unwrap();
    let (mboxlist, _, aside) = stopped(&odd, &old, &new, 2);
    Restore::resume(&mboxlist).unwrap();
    assert!(aside.join("quota.db").exists());

    let name = OsStr::from_bytes(b"notes\xff");
    fs::write(mboxlist.join(name), "mine").unwrap();
    let snapshot = odd.join("snapshot");
    fs::write(snapshot.join(name), "of the snapshot").unwrap();
    let aside = odd.join("aside-2");
    Restore::new(&mboxlist, &snapshot, &aside).force(true).assume_closed(true).run().unwrap();
    assert_eq!(fs::read(aside.join(name)).unwrap(), b"mine");
    assert_eq!(fs::read(mboxlist.join(name)).unwrap(), b"of the snapshot");
}

#[test]
fn restored_files_keep_owner_permissions_and_times() {
    let folder = tempfile::tempdir().unwrap();
    let (mboxlist, snapshot) = with_snapshot(folder.path());
    let from = snapshot.join("quota.db");
    let then = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_257_296_403);
    fs::File::options().write(true).open(&from).unwrap().set_modified(then).unwrap();
    fs::set_permissions(&from, fs::Permissions::from_mode(0o640)).unwrap();
    fs::set_permissions(&mboxlist, fs::Permissions::from_mode(0o750)).unwrap();
    // Only the superuser gives files away.
    let _ = std::os::unix::fs::chown(&from, Some(4711), Some(4712));
    let aside = folder.path().join("aside");
    Restore::new(&mboxlist, &snapshot, &aside).assume_closed(true).run().unwrap();
    let facts = |path: &Path| {
        let found = fs::metadata(path).unwrap();
        (found.uid(), found.gid(), found.mode(), found.modified().unwrap())
    };
    assert_eq!(facts(&mboxlist.join("quota.db")), facts(&from));
    assert_eq!(facts(&aside).2 & 0o777, 0o750);
}

#[test]
fn region_files_of_a_closed_store_are_refused_too() {
    let folder = tempfile::tempdir().unwrap();
    let (mboxlist, snapshot) = with_snapshot(folder.path());
    let cache = folder.path().join("cache");
    fs::create_dir(&cache).unwrap();
    fs::rename(mboxlist.join("__db.001"), cache.join("__db.001")).unwrap();
    let restore = Restore::new(&mboxlist, &snapshot, folder.path().join("aside")).cache_dir(&cache);
    let refused = restore.run().unwrap_err();
    assert!(matches!(refused, RestoreError::Live { .. }), "{refused}");
    assert!(refused.to_string().contains("__db.001: the store may be running"), "{refused}");
    fs::remove_file(cache.join("__db.001")).unwrap();
    restore.run().unwrap();
}

#[test]
fn links_in_a_snapshot_are_refused_and_what_is_not_copied_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (mboxlist, snapshot) = with_snapshot(folder.path());
    fs::create_dir(snapshot.join("removed")).unwrap();
    let link = snapshot.join("subscr.link");
    std::os::unix::fs::symlink(snapshot.join("subscr.db"), &link).unwrap();
    let before = contents(&mboxlist);
    let aside = folder.path().join("aside");
    let restore = Restore::new(&mboxlist, &snapshot, &aside).assume_closed(true).force(true);
    let refused = restore.run();
    assert!(matches!(refused, Err(RestoreError::Link { .. })), "{refused:?}");
    assert!(contents(&mboxlist) == before && !aside.exists());
    fs::remove_file(link).unwrap();
    assert_eq!(restore.run().unwrap().skipped, ["removed"]);
    assert!(!mboxlist.join("removed").exists());
    let itself = Restore::new(&mboxlist, &mboxlist, folder.path().join("aside-2")).force(true).run();
    assert!(matches!(itself, Err(RestoreError::NotASnapshot { .. })), "{itself:?}");
}
