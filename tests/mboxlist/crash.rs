//! Upgrades of whole stores, and restores of snapshots, on a disk that stops, or fails, at any operation: a later run makes
//! all databases new or all old, never a mixture, and leaves nothing behind; copies that are
//! to be kept are whole.
//!
//! Two stores of five databases are stopped at every operation each time, and a smaller one
//! twice. Every second stop, for all of them, takes long:
//!
//! ```text
//! BDBKIT_CRASH=all cargo test --profile hardened --features upgrade --test mboxlist crash:: -- --nocapture
//! ```

mod convert;
mod restore;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bdbkit::FileId;
use bdbkit::journal::{JournalError, Outcome};
use bdbkit::mboxlist::{Lsns, StoreUpgrade, StoreUpgradeError};
use bdbkit::upgrade::{Choices, EditError, NewId};

use crate::common::{read, testdata};
use crate::fake_disk::{Crash, FakeDisk, Fault, Tried};

const FOLDER: &str = "/store";
const SET_FILE: &str = "/store/bdbkit-set.done";
const ID: FileId = FileId(*b"an id of twenty byte");

/// What stands in a folder, by path.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A store before and after its upgrade.
struct Store {
    lsns: Lsns,
    keep: bool,
    old: Files,
    new: Files,
    /// The list of what the store held, if copies are kept.
    manifest: Option<Vec<u8>>,
}

impl Store {
    /// The databases and logs of a case, a database that needs nothing, and a file that is
    /// none of the store's.
    fn of(case: &str, wanted: impl Fn(&str) -> bool) -> Store {
        let mut old = Files::new();
        for entry in std::fs::read_dir(testdata().join(case)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let of_store = name.ends_with(".db") || name.starts_with("log.");
            if of_store && wanted(&name) {
                old.insert(Path::new(FOLDER).join(&name), read(testdata().join(case).join(&name)));
            }
        }
        let order = if case.ends_with("be") { "be" } else { "le" };
        let newer = read(testdata().join(format!("mboxlist-ims61-log8-{order}/quota.db")));
        old.insert(Path::new(FOLDER).join("newer.db"), newer);
        old.insert(Path::new(FOLDER).join("notes"), b"not ours".to_vec());
        Store { lsns: Lsns::Auto, keep: false, old, new: Files::new(), manifest: None }.after_run()
    }

    /// Without its logs: the LSNs are reset, and the copies kept.
    fn without_logs(mut self) -> Store {
        self.old.retain(|path, _| !path.to_string_lossy().contains("/log."));
        Store { keep: true, ..self }.after_run()
    }

    fn kept(self) -> Store {
        Store { keep: true, lsns: Lsns::Keep, ..self }.after_run()
    }

    /// What a run without accidents makes of it.
    fn after_run(mut self) -> Store {
        let disk = self.disk();
        let report = self.upgrade(&disk).run().unwrap();
        assert_eq!(report.untouched.len(), 1);
        self.new = self.old.keys().map(|path| (path.clone(), disk.bytes(path).unwrap())).collect();
        self.manifest = report.backup.as_ref().map(|folder| disk.bytes(folder.join("MANIFEST")).unwrap());
        assert_eq!(self.manifest.is_some(), self.keep);
        assert!(self.changed().count() == report.files.len() && !report.files.is_empty());
        self
    }

    fn changed(&self) -> impl Iterator<Item = &PathBuf> {
        self.old.iter().filter(|(path, bytes)| self.new[*path] != **bytes).map(|(path, _)| path)
    }

    fn disk(&self) -> FakeDisk {
        FakeDisk::with(self.old.iter().map(|(path, bytes)| (path.to_str().unwrap(), &bytes[..])))
    }

    fn upgrade<'d>(&self, disk: &'d FakeDisk) -> StoreUpgrade<'d, FakeDisk> {
        // The logs of the real disk are not looked for: the folder is not there.
        let id = NewId::Given(ID);
        let choices = Choices { id, ..Choices::default() };
        let asked = self.keep && self.lsns == Lsns::Keep;
        let upgrade = StoreUpgrade::on(disk, FOLDER).choices(choices).ignore_logs(true).assume_closed(true);
        upgrade.lsns(self.lsns).keep_backup(asked)
    }

    fn run(&self, disk: &FakeDisk) -> Result<Option<Outcome>, StoreUpgradeError> {
        let report = self.upgrade(disk).run()?;
        assert!(self.found(disk) == self.new, "not the new files");
        Ok((!report.files.is_empty()).then_some(Outcome::Completed))
    }

    /// What a later run does that was told nothing but the folder.
    fn resume(disk: &FakeDisk) -> Result<Option<Outcome>, StoreUpgradeError> {
        StoreUpgrade::on(disk, FOLDER).resume().map(|settled| only(&settled))
    }

    fn roll_back(disk: &FakeDisk) -> Result<Option<Outcome>, StoreUpgradeError> {
        match StoreUpgrade::on(disk, FOLDER).roll_back() {
            // All databases are new, and it is too late to have them otherwise.
            Err(StoreUpgradeError::Upgrade(EditError::Journal(JournalError::TooLate { .. }))) => {
                Store::resume(disk)
            }
            settled => settled.map(|settled| only(&settled)),
        }
    }

    fn found(&self, disk: &FakeDisk) -> Files {
        self.old.keys().map(|path| (path.clone(), disk.bytes(path).unwrap())).collect()
    }

    fn check(&self, disk: &FakeDisk, gave: Option<&Outcome>) {
        let found = self.found(disk);
        let (old, new) = (found == self.old, found == self.new);
        assert!(old || new, "a mixture");
        match gave {
            Some(Outcome::Completed) => assert!(new, "not the new files"),
            Some(Outcome::RolledBack | Outcome::Discarded) => assert!(old, "not the old files"),
            None => {}
            Some(other) => panic!("{other:?}"),
        }
        let others: Vec<PathBuf> =
            disk.names().into_iter().filter(|name| !self.old.contains_key(name)).collect();
        if !(self.keep && new) {
            assert_eq!(others, Vec::<PathBuf>::new(), "something was left behind");
            return;
        }
        let (folder, copies) = others.split_first().unwrap();
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("bdbkit-backup-") && !name.contains("keep"), "{name}");
        let names = std::iter::once("MANIFEST".as_ref());
        let names = names.chain(self.changed().map(|path| path.file_name().unwrap()));
        assert_eq!(copies, names.map(|name| folder.join(name)).collect::<Vec<_>>());
        assert!(disk.bytes(folder.join("MANIFEST")) == self.manifest, "the list is not whole");
        for path in self.changed() {
            let copy = disk.bytes(folder.join(path.file_name().unwrap())).unwrap();
            assert!(copy == self.old[path], "the copy of {} is not whole", path.display());
        }
    }

    fn crash(&self, with: impl FnOnce(&Crash<'_, Outcome>) -> Tried) -> Tried {
        with(&Crash {
            disk: &self.disk(),
            run: &|disk| self.run(disk).map_err(disk_error),
            later: &[
                ("resumed", &|disk| Store::resume(disk).map_err(disk_error)),
                ("rolled back", &|disk| Store::roll_back(disk).map_err(disk_error)),
                ("run again", &|disk| self.run(disk).map_err(disk_error)),
            ],
            check: &|disk, gave, _| self.check(disk, gave.as_ref()),
        })
    }
}

/// What became of all databases: of those of a set the same.
fn only(settled: &[(PathBuf, Outcome)]) -> Option<Outcome> {
    settled.first().map(|(_, outcome)| outcome.clone())
}

/// The error of the disk that the harness speaks of.
fn disk_error(error: StoreUpgradeError) -> JournalError {
    match error {
        StoreUpgradeError::Upgrade(EditError::Journal(error)) => error,
        other => JournalError::Planning { path: FOLDER.into(), cause: other.into() },
    }
}

fn all() -> bool {
    std::env::var_os("BDBKIT_CRASH").is_some_and(|what| what == "all")
}

/// Stops a run everywhere, and says how often.
fn may_die_anywhere(name: &str, store: &Store, least: usize) -> Tried {
    let began = Instant::now();
    let tried =
        store.crash(|crash| if all() { crash.at_every_point() } else { crash.at_every_first_point() });
    println!("{name}: {tried:?}, {:.0?}", began.elapsed());
    assert!(tried.points > least && tried.disks > 10 * least, "{tried:?}");
    tried
}

#[test]
fn an_upgrade_of_a_store_may_die_anywhere() {
    for case in ["mboxlist-ims5-log2-be", "mboxlist-ims5-log2-le"] {
        may_die_anywhere(case, &Store::of(case, |_| true), 150);
    }
}

#[test]
fn copies_that_are_to_be_kept_outlast_a_death() {
    let store = Store::of("mboxlist-ims5-log2-be", |name| name != "folder.db").kept();
    may_die_anywhere("copies kept", &store, 90);
}

#[test]
fn an_upgrade_without_logs_may_die_anywhere() {
    let store = Store::of("mboxlist-ims5-log2-be", |name| name != "folder.db").without_logs();
    may_die_anywhere("LSNs reset", &store, 110);
}

#[test]
fn a_later_run_may_die_too() {
    let small = |name: &str| !matches!(name, "folder.db" | "subscr.db" | "quota.db");
    let store = Store::of("mboxlist-ims5-log2-be", small);
    assert_eq!(store.changed().count(), 2);
    let began = Instant::now();
    let tried = store.crash(|crash| match all() {
        true => crash.at_every_point(),
        false => crash.at_every_point_and_some_later(17),
    });
    println!("twice: {tried:?}, {:.0?}", began.elapsed());
    assert!(tried.points > 60 && tried.later_points > 500, "{tried:?}");
}

#[test]
fn any_call_may_fail() {
    let began = Instant::now();
    let mut tried = Tried::default();
    for keep in [false, true] {
        let store = Store::of("mboxlist-ims5-log2-be", |name| name != "folder.db");
        let store = if keep { store.kept() } else { store };
        tried += store.crash(|crash| crash.with_every_failure());
    }
    println!("failures: {tried:?}, {:.0?}", began.elapsed());
    assert!(tried.points > 800, "{tried:?}");
}

#[test]
fn a_set_file_that_is_left_alone_is_removed() {
    let store = Store::of("mboxlist-ims5-log2-be", |_| true);
    let alone = |disk: &FakeDisk| {
        let names = disk.names();
        names.contains(&SET_FILE.into())
            && !names.contains(&"/store/bdbkit-set.members".into())
            && !names.iter().any(|name| name.to_string_lossy().ends_with("-journal"))
    };
    let stops = (0..).map(|change| {
        let disk = store.disk().faulty(Fault::Stop { change, sectors: 0 });
        let _ = store.run(&disk);
        assert!(disk.stopped(), "no such point");
        disk.copy()
    });
    let left = stops.into_iter().find(alone).unwrap();
    let seal = left.bytes(SET_FILE).unwrap();
    // Whatever it says, nobody needs it any more: not even if there is nothing else to do.
    for bytes in [&seal[..], &seal[..seal.len() - 1], b""] {
        for later in [Store::resume, Store::roll_back] {
            let disk = left.copy();
            disk.put(SET_FILE, bytes);
            assert_eq!(later(&disk).unwrap(), Some(Outcome::Completed));
            store.check(&disk, Some(&Outcome::Completed));
        }
        let disk = left.copy();
        disk.put(SET_FILE, bytes);
        assert!(store.upgrade(&disk).run().unwrap().files.is_empty());
        store.check(&disk, None);
    }
}
