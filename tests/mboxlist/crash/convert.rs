//! Conversions of whole stores on a disk that stops, or fails, at any operation: in the end all databases are new
//! and the logs with the copies, or nothing has changed.

use std::path::{Path, PathBuf};
use std::time::Instant;

use bdbkit::Endianness;
use bdbkit::journal::{JournalError, Outcome};
use bdbkit::mboxlist::{StoreConvert, StoreUpgradeError};
use bdbkit::upgrade::EditError;

use super::{FOLDER, Files, all, disk_error, only};
use crate::common::{read, testdata};
use crate::fake_disk::{Crash, FakeDisk};

/// A small store with two logs, before and after.
struct Store {
    old: Files,
    new: Files,
}

fn convert(disk: &FakeDisk) -> StoreConvert<'_, FakeDisk> {
    // The logs of the real disk are not looked for: the folder is not there.
    StoreConvert::on(disk, FOLDER, Endianness::Little).ignore_logs(true).assume_closed(true)
}

fn is_log(path: &Path) -> bool {
    path.to_string_lossy().contains("/log.")
}

impl Store {
    fn new() -> Store {
        let case = testdata().join("mboxlist-ims61-log8-be");
        let place = |name: &str| PathBuf::from(FOLDER).join(name);
        let mut old: Files = ["quota.db", "subscr.db", "log.0000000001"]
            .map(|name| (place(name), read(case.join(name))))
            .into();
        old.insert(place("log.0000000002"), b"whatever a log holds".to_vec());
        old.insert(place("notes"), b"not ours".to_vec());
        let mut store = Store { old, new: Files::new() };
        let disk = store.disk();
        let report = convert(&disk).run().unwrap();
        assert_eq!((report.files.len(), report.logs.len()), (2, 2));
        store.new = disk
            .names()
            .into_iter()
            .filter(|path| store.old.contains_key(path))
            .map(|path| {
                let bytes = disk.bytes(&path).unwrap();
                (path, bytes)
            })
            .collect();
        let kept: Vec<&PathBuf> = store.old.keys().filter(|path| !is_log(path)).collect();
        assert_eq!(store.new.keys().collect::<Vec<_>>(), kept);
        store.check(&disk, Some(&Outcome::Completed));
        store
    }

    fn disk(&self) -> FakeDisk {
        FakeDisk::with(self.old.iter().map(|(path, bytes)| (path.to_str().unwrap(), &bytes[..])))
    }

    fn run(&self, disk: &FakeDisk) -> Result<Option<Outcome>, StoreUpgradeError> {
        let report = convert(disk).run()?;
        assert!(self.found(disk) == self.new, "not the new files");
        Ok((!report.files.is_empty()).then_some(Outcome::Completed))
    }

    fn found(&self, disk: &FakeDisk) -> Files {
        let own = disk.names().into_iter().filter(|path| self.old.contains_key(path));
        own.map(|path| (path.clone(), disk.bytes(path).unwrap())).collect()
    }

    fn check(&self, disk: &FakeDisk, gave: Option<&Outcome>) {
        let found = self.found(disk);
        let (old, new) = (found == self.old, found == self.new);
        assert!(old || new, "a mixture: {:?}", disk.names());
        match gave {
            Some(Outcome::Completed) => assert!(new, "not the new files"),
            Some(Outcome::RolledBack | Outcome::Discarded) => assert!(old, "not the old files"),
            None => {}
            Some(other) => panic!("{other:?}"),
        }
        let others: Vec<PathBuf> =
            disk.names().into_iter().filter(|name| !self.old.contains_key(name)).collect();
        if old {
            assert_eq!(others, Vec::<PathBuf>::new(), "something was left behind");
            return;
        }
        let folder = &others[0];
        assert!(folder.file_name().unwrap().to_str().unwrap().starts_with("bdbkit-backup-"), "{others:?}");
        for (path, bytes) in self.old.iter().filter(|(path, _)| !path.ends_with("notes")) {
            let copy = disk.bytes(folder.join(path.file_name().unwrap()));
            assert!(copy.as_ref() == Some(bytes), "no copy of {}", path.display());
        }
        assert!(others.len() == 6 && disk.bytes(folder.join("MANIFEST")).is_some(), "{others:?}");
    }

    fn roll_back(disk: &FakeDisk) -> Result<Option<Outcome>, StoreUpgradeError> {
        match convert(disk).roll_back() {
            // All is new, and it is too late to have it otherwise.
            Err(StoreUpgradeError::Upgrade(EditError::Journal(JournalError::TooLate { .. }))) => {
                convert(disk).resume().map(|settled| only(&settled))
            }
            settled => settled.map(|settled| only(&settled)),
        }
    }
}

#[test]
fn a_conversion_of_a_store_may_die_and_any_call_may_fail() {
    let (store, began) = (Store::new(), Instant::now());
    let crash = Crash {
        disk: &store.disk(),
        run: &|disk| store.run(disk).map_err(disk_error),
        later: &[
            ("resumed", &|disk| convert(disk).resume().map(|settled| only(&settled)).map_err(disk_error)),
            ("rolled back", &|disk| Store::roll_back(disk).map_err(disk_error)),
            ("run again", &|disk| store.run(disk).map_err(disk_error)),
        ],
        check: &|disk, gave, _| store.check(disk, gave.as_ref()),
    };
    let stopped = if all() { crash.at_every_point() } else { crash.at_every_first_point() };
    let failed = crash.with_every_failure();
    println!("{stopped:?}, {failed:?}, {:.0?}", began.elapsed());
    assert!(stopped.points > 80 && failed.points > 300, "{stopped:?} {failed:?}");
}
