//! Recovery in place: what a view says is on disk afterwards, all of it or nothing, wherever a run dies.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use bdbkit::dump::Writer;
use bdbkit::env::Layout;
use bdbkit::in_place::{InPlace, InPlaceError, InPlaceReport, Written};
use bdbkit::journal::{Disk, JournalError, Outcome};
use bdbkit::log::LogOptions;
use bdbkit::recover::{FileChange, InDoubt, Recover, Until};
use bdbkit::upgrade::EditError;
use bdbkit::{FileKind, OpenOptions};

use crate::common::testdata;
use crate::fake_disk::{Crash, FakeDisk, Tried};

/// The files of a folder, and of those in it, by their names from there.
type Files = BTreeMap<String, Vec<u8>>;

fn files(folder: &Path) -> Files {
    let mut found = Files::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        let (name, kind) = (entry.file_name().into_string().unwrap(), entry.file_type().unwrap());
        if kind.is_dir() {
            let inner = files(&entry.path()).into_iter();
            found.extend(inner.map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)));
        } else if kind.is_file() {
            found.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    found
}

/// The environments that have a genuine recovery, without what the genuine tools printed.
fn environments() -> Vec<(String, PathBuf)> {
    let folder = testdata().join("recover");
    let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut found: Vec<_> = names
        .map(|name| {
            let elsewhere = testdata().join(&name);
            let home = if elsewhere.is_dir() { elsewhere } else { folder.join(&name) };
            (name, home)
        })
        .collect();
    found.sort();
    found
}

fn copy(home: &Path, to: &Path) {
    for (name, bytes) in
        files(home).into_iter().filter(|(name, _)| name != "printlog.txt" && !name.contains('/'))
    {
        fs::write(to.join(name), bytes).unwrap();
    }
}

fn is_log(name: &str) -> bool {
    name.starts_with("log.")
}

const PASSWORD: &str = "corpus-password";

fn recover() -> Recover {
    let options = OpenOptions::new().password(PASSWORD);
    Recover::new().log(LogOptions::new().password(PASSWORD)).files(options)
}

/// A file, or what is in it: pages that change are encrypted anew each time.
fn clear(bytes: &[u8]) -> Vec<u8> {
    if !FileKind::of(bytes).database().is_some_and(|kind| kind.encrypted) {
        return bytes.to_vec();
    }
    let mut text = Vec::new();
    let db = OpenOptions::new().password(PASSWORD).from_bytes(bytes).unwrap();
    assert_eq!(Writer::new().write(&db, &mut text, |_| {}).unwrap().damaged, 0);
    text
}

fn in_place(home: &Path) -> InPlace<'static, bdbkit::journal::SystemDisk> {
    InPlace::open(Layout::of(home)).assume_closed(true)
}

#[test]
fn a_view_a_copy_and_a_recovery_in_place_are_the_same() {
    let (mut changed, mut refused) = (0, Vec::new());
    let mut kinds = BTreeMap::new();
    for (name, original) in environments() {
        let folder = tempfile::tempdir().unwrap();
        let (home, twin) = (folder.path().join("home"), folder.path().join("copy"));
        fs::create_dir(&home).unwrap();
        copy(&original, &home);
        for region in ["__db.001", "__db.002", "__db.register", "__db_lock.share"] {
            fs::write(home.join(region), b"region").unwrap();
        }
        let others = ["__db.rep.db", "__dbq.z.1", "__db.1234", ".verified"];
        others.iter().for_each(|other| fs::write(home.join(other), b"other").unwrap());
        let before = files(&home);
        let view = recover().view(&Layout::of(&home)).unwrap();
        let is_complete = view.report().is_complete();
        view.write_to(&twin).unwrap();
        drop(view);
        let report = match in_place(&home).run(&recover()) {
            Ok(report) => report,
            Err(error) => {
                assert_eq!(files(&home), before, "{name}: refused, but something changed: {error}");
                let stopped = matches!(error, InPlaceError::Stopped { .. }) && !is_complete;
                assert!(stopped || matches!(error, InPlaceError::Foreign { .. }), "{name}: {error}");
                refused.push(name);
                continue;
            }
        };
        changed += usize::from(!report.files.is_empty());
        for file in &report.files {
            *kinds.entry(file.what.name()).or_insert(0) += 1;
        }
        let mut expected = files(&twin);
        let kept = before
            .iter()
            .filter(|(name, _)| is_log(name) || *name == "DB_CONFIG" || others.contains(&name.as_str()));
        expected.extend(kept.map(|(name, bytes)| (name.clone(), bytes.clone())));
        let mut found = files(&home);
        assert!(found.keys().eq(expected.keys()), "{name}: {:?}, not {:?}", found.keys(), expected.keys());
        assert_eq!(report.regions.len(), 4, "{name}");
        for (file, bytes) in &expected {
            assert!(clear(&found[file]) == clear(bytes), "{name}: {file} is not that of the copy");
        }
        // There is nothing left to do.
        let again = in_place(&home).run(&recover()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(again.files.is_empty() && again.regions.is_empty(), "{name}: {again:#?}");
        assert!(again.recovered.is_clean(), "{name}: {:#?}", again.recovered);
        found.retain(|file, bytes| files(&home).get(file) != Some(bytes));
        assert!(found.is_empty(), "{name}: the second run changed {:?}", found.keys());
    }
    println!("{changed} changed: {kinds:?}; refused: {refused:?}");
    assert!(changed > 65 && ["changed", "replaced", "removed"].iter().all(|kind| kinds.contains_key(kind)));
}

/// With all logs, files that are missing are made again.
#[test]
fn files_that_are_missing_are_made() {
    let mut made = 0;
    for (name, _) in environments().into_iter().filter(|(name, _)| name.ends_with("-files")) {
        let (home, folder) = (home_of(&name), tempfile::tempdir().unwrap());
        for file in files(home.path()).keys().filter(|file| !is_log(file)) {
            fs::remove_file(home.path().join(file)).unwrap();
        }
        let (recover, copy) = (Recover::new().catastrophic(true), folder.path().join("copy"));
        let view = recover.view(&Layout::of(home.path())).unwrap();
        let whole = view.report().is_complete();
        view.write_to(&copy).unwrap();
        drop(view);
        let Ok(report) = in_place(home.path()).run(&recover) else {
            assert!(!whole, "{name}");
            continue;
        };
        let mut found = files(home.path());
        found.retain(|file, _| !is_log(file));
        assert!(found == files(&copy), "{name}: {:?}", found.keys());
        assert!(report.files.iter().all(|file| file.what == Written::Made), "{name}: {report:#?}");
        made += report.files.len();
    }
    assert!(made > 3, "{made} files");
}

/// An environment on a disk that stops, and on the real one, where it is looked at.
struct Twins {
    real: tempfile::TempDir,
    disk: FakeDisk,
    old: Files,
    new: Files,
    recover: Recover,
}

impl Twins {
    /// Of an environment; without one of its files, if all logs are there to make it again.
    fn of((name, missing): (&str, Option<&str>)) -> Twins {
        let (_, original) = environments().into_iter().find(|(known, _)| known == name).unwrap();
        let real = tempfile::tempdir().unwrap();
        copy(&original, real.path());
        Twins::in_folder(real, missing)
    }

    /// Of the environment in a folder.
    fn in_folder(real: tempfile::TempDir, missing: Option<&str>) -> Twins {
        missing.iter().for_each(|name| fs::remove_file(real.path().join(name)).unwrap());
        let recover = Recover::new().catastrophic(missing.is_some());
        let mut on_disk = files(real.path());
        on_disk.retain(|name, _| !is_log(name));
        let old = on_disk.clone();
        for region in ["__db.001", "__db.002"] {
            on_disk.insert(region.to_owned(), b"region".to_vec());
        }
        let paths = on_disk.iter().map(|(name, bytes)| (real.path().join(name), bytes));
        let paths: Vec<_> = paths.map(|(path, bytes)| (path.to_str().unwrap().to_owned(), bytes)).collect();
        let disk = FakeDisk::with(paths.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())));
        let mut twins = Twins { real, disk, old, new: Files::new(), recover };
        let undisturbed = twins.disk.copy();
        twins.run(&undisturbed).unwrap();
        twins.new = twins.found(&undisturbed);
        assert!(twins.new != twins.old && twins.new.keys().all(|name| !name.contains("bdbkit")));
        twins
    }

    fn in_place<'d>(&self, disk: &'d FakeDisk) -> InPlace<'d, FakeDisk> {
        InPlace::on(disk, Layout::of(self.real.path()))
    }

    /// The files on the disk.
    fn found(&self, disk: &FakeDisk) -> Files {
        let name = |path: &PathBuf| path.strip_prefix(self.real.path()).unwrap().to_str().unwrap().to_owned();
        disk.names().iter().map(|path| (name(path), disk.bytes(path).unwrap())).collect()
    }

    /// A run: what an earlier one left behind first. `None` if there was nothing to do.
    fn run(&self, disk: &FakeDisk) -> Result<Option<bool>, JournalError> {
        let settled = self.in_place(disk).resume().map_err(told)?;
        // What recovery sees is what is on the disk.
        for name in files(self.real.path()).keys().filter(|name| !is_log(name)) {
            fs::remove_file(self.real.path().join(name)).unwrap();
        }
        for (name, bytes) in self.found(disk) {
            fs::write(self.real.path().join(name), bytes).unwrap();
        }
        let view = self.recover.view(&Layout::of(self.real.path())).unwrap();
        let report = self.in_place(disk).write(view).map_err(told)?;
        let did = !settled.is_empty() || !report.files.is_empty() || !report.regions.is_empty();
        if !did {
            assert!(self.found(disk) == self.new, "nothing was done, but something was to be");
        }
        Ok(did.then_some(true))
    }

    fn roll_back(&self, disk: &FakeDisk) -> Result<Option<bool>, JournalError> {
        let settled = match self.in_place(disk).roll_back() {
            // All files are new, and it is too late to have them otherwise.
            Err(InPlaceError::Edit(EditError::Journal(JournalError::TooLate { .. }))) => {
                self.in_place(disk).resume().map_err(told)?
            }
            gave => gave.map_err(told)?,
        };
        Ok((!settled.is_empty()).then_some(false))
    }

    /// Whether all files are new; or, if it is not said that all was done, new or old.
    fn check(&self, disk: &FakeDisk, whole: Option<bool>) {
        let mut found = self.found(disk);
        if whole != Some(true) {
            found.retain(|name, _| !name.starts_with("__db.0"));
            // A draft that is not on record is in nobody's way, and the next run removes it.
            found.retain(|name, _| whole.is_some() || !name.contains(".recovered.bdbkit-tmp-"));
        }
        let folder = |name: &str| name.rsplit_once('/').map(|(folder, _)| folder.to_owned());
        let folders =
            self.old.keys().chain(self.new.keys()).map(|name| folder(name)).collect::<BTreeSet<_>>();
        assert!(found.keys().all(|name| folders.contains(&folder(name))), "{:?}", found.keys());
        for of in folders {
            let part = |files: &Files| {
                let files = files.iter().filter(|(name, _)| folder(name) == of);
                files.map(|(name, bytes)| (name.clone(), bytes.clone())).collect::<Files>()
            };
            let (here, old, new) = (part(&found), part(&self.old), part(&self.new));
            let names = here.keys().collect::<Vec<_>>();
            assert!(here == new || (whole != Some(true) && here == old), "a mixture: {of:?}: {names:?}");
        }
    }

    fn crash(&self, with: impl FnOnce(&Crash<'_, bool>) -> Tried) -> Tried {
        let tried = with(&Crash {
            disk: &self.disk,
            run: &|disk| self.run(disk),
            later: &[("again", &|disk| self.run(disk)), ("rolled back", &|disk| self.roll_back(disk))],
            check: &|disk, gave, _| self.check(disk, *gave),
        });
        println!("{tried:?}");
        tried
    }
}

/// What stopped a run, for the harness.
fn told(error: InPlaceError) -> JournalError {
    let cause = std::io::Error::other(error.to_string());
    JournalError::Io { path: PathBuf::new(), doing: "recovering", cause }
}

/// Environments in which pages change, files become longer and shorter, extents come and go, files are
/// made, replaced and removed.
const SMALL: [(&str, Option<&str>); 4] = [
    ("env-log11-le-queue", None),
    ("env-log14-be-files", None),
    ("env-log3-le-files", None),
    ("env-log14-be-files", Some("p.db")),
];

#[test]
fn a_recovery_may_die_anywhere() {
    let all = std::env::var("BDBKIT_CRASH").is_ok();
    for case in SMALL {
        let twins = Twins::of(case);
        let tried = twins.crash(|crash| {
            if all { crash.at_every_point_and_some_later(7) } else { crash.at_every_first_point() }
        });
        assert!(tried.points > 20, "{case:?}: {tried:?}");
    }
}

/// The environment of which a database is in a folder of its own.
fn in_two_folders(name: &str) -> (tempfile::TempDir, usize) {
    let home = home_of(name);
    let view = Recover::new().view(&Layout::of(home.path())).unwrap();
    let changed = view.report().files.iter().filter(|file| file.pages > 0).map(|file| file.name.clone());
    let changed: Vec<_> = changed.collect();
    drop(view);
    fs::create_dir(home.path().join("data")).unwrap();
    fs::rename(home.path().join(&changed[0]), home.path().join("data").join(&changed[0])).unwrap();
    fs::write(home.path().join("DB_CONFIG"), "set_data_dir data\n").unwrap();
    (home, changed.len())
}

/// The files of each folder are a unit; what one run leaves a later one does.
#[test]
fn folders_change_one_after_the_other() {
    let (home, changed) = in_two_folders("env-log14-le-crashed");
    let report = in_place(home.path()).run(&Recover::new()).unwrap();
    assert!(report.clean && report.files.len() == changed && changed > 1, "{report:#?}");
    assert!(Recover::new().view(&Layout::of(home.path())).unwrap().report().is_clean());
    let twins = Twins::in_folder(in_two_folders("env-log14-le-crashed").0, None);
    let tried = twins.crash(|crash| crash.at_every_first_point());
    assert!(tried.points > 20, "{tried:?}");
}

#[test]
fn a_call_that_fails_leaves_all_or_nothing() {
    let tried = Twins::of(SMALL[0]).crash(|crash| crash.with_every_failure());
    assert!(tried.points > 50, "{tried:?}");
}

#[test]
fn what_an_earlier_run_left_is_completed_or_taken_back() {
    let twins = Twins::of(SMALL[0]);
    let (mut completed, mut back) = (0, 0);
    for operations in 0.. {
        let disk = twins.disk.copy();
        disk.stop_after(operations);
        if twins.run(&disk).is_ok() {
            break;
        }
        let (resumed, rolled) = (disk.copy(), disk.copy());
        let outcomes = twins.in_place(&resumed).resume().unwrap();
        completed += usize::from(outcomes.iter().any(|(_, outcome)| *outcome == Outcome::Completed));
        let outcomes = twins.in_place(&rolled).roll_back().unwrap_or_default();
        back += usize::from(outcomes.iter().any(|(_, outcome)| *outcome == Outcome::RolledBack));
    }
    assert!(completed > 5 && back > 5, "{completed} completed, {back} taken back");
}

/// A folder with a copy of an environment.
fn home_of(name: &str) -> tempfile::TempDir {
    let (_, original) = environments().into_iter().find(|(known, _)| known == name).unwrap();
    let home = tempfile::tempdir().unwrap();
    copy(&original, home.path());
    home
}

fn refused(home: &Path, recover: &Recover) -> InPlaceError {
    let before = files(home);
    let error = in_place(home).run(recover).unwrap_err();
    assert_eq!(files(home), before, "{error}");
    error
}

#[test]
fn what_would_not_last_is_refused() {
    let home = home_of("env-log3-le-crashed");
    let end = Recover::new().view(&Layout::of(home.path())).unwrap().report().end;
    let error = refused(home.path(), &Recover::new().until(Until::Lsn(end)));
    assert_eq!(error.code(), Some("R-NOT-LASTING"), "{error}");
    let home = home_of("env-log14-le-prepared");
    let error = refused(home.path(), &Recover::new().in_doubt(InDoubt::Abort));
    assert_eq!(error.code(), Some("R-NOT-LASTING"), "{error}");
    in_place(home.path()).run(&Recover::new()).unwrap();
    let home = home_of("env-log3-le-crashed");
    fs::write(home.path().join("DB_CONFIG"), [b'#'; 70_000]).unwrap();
    let error = refused(home.path(), &Recover::new());
    assert_eq!(error.code(), Some("R-CONFIG"), "{error}");
}

/// A file whose pages a record does not fit is left alone, and with it, unless asked, all others.
#[test]
fn nothing_of_a_file_that_stopped_is_written() {
    let home = home_of("env-log14-le-crashed");
    let view = Recover::new().view(&Layout::of(home.path())).unwrap();
    let busy = view.report().files.iter().filter(|file| file.redone > 3 && file.change == FileChange::Kept);
    let [one, other] = busy.take(2).map(|file| file.name.clone()).collect::<Vec<_>>().try_into().unwrap();
    drop(view);
    // All its pages seem to be older than all records.
    let path = home.path().join(&one);
    let mut bytes = fs::read(&path).unwrap();
    let size = u32::from_le_bytes(bytes[20..24].try_into().unwrap()) as usize;
    bytes.chunks_mut(size).for_each(|page| page[..8].copy_from_slice(&[1, 0, 0, 0, 1, 0, 0, 0]));
    fs::write(&path, &bytes).unwrap();
    fs::write(home.path().join("__db.001"), b"region").unwrap();
    let error = refused(home.path(), &Recover::new());
    assert_eq!(error.code(), Some("R-STOPPED"), "{error}");
    let report = in_place(home.path()).partial(true).run(&Recover::new()).unwrap();
    assert!(!report.recovered.is_complete() && report.regions.is_empty(), "{report:#?}");
    let written =
        |report: &InPlaceReport, name: &Path| report.files.iter().any(|file| file.path.ends_with(name));
    assert!(written(&report, &other) && !written(&report, &one), "{report:#?}");
    assert!(fs::read(&path).unwrap() == bytes && home.path().join("__db.001").exists());
}

#[test]
fn files_of_another_log_are_refused() {
    let mut tried = 0;
    for (name, _) in environments().into_iter().filter(|(name, _)| name.ends_with("le-mix")) {
        let home = home_of(&name);
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("copy");
        let view = Recover::new().view(&Layout::of(home.path())).unwrap();
        view.write_to(&copy).unwrap();
        drop(view);
        // A page that the log does not change, of a file of which it changes others.
        let place =
            files(home.path()).into_iter().filter(|(name, _)| !is_log(name)).find_map(|(name, old)| {
                let new = fs::read(copy.join(&name)).ok().filter(|new| *new != old)?;
                let size = u32::from_le_bytes(old[20..24].try_into().unwrap()) as usize;
                let mut same = (1..old.len() / size).map(|no| no * size..(no + 1) * size);
                let same = same.find(|place| new.get(place.clone()) == Some(&old[place.clone()]))?;
                Some((name, old, same.start))
            });
        let Some((file, mut bytes, page)) = place else { continue };
        bytes[page..page + 4].copy_from_slice(&9_u32.to_le_bytes());
        fs::write(home.path().join(file), &bytes).unwrap();
        let error = refused(home.path(), &Recover::new());
        assert_eq!(error.code(), Some("R-OTHER-LOG"), "{name}: {error}");
        tried += 1;
    }
    assert!(tried > 1, "{tried} environments");
}

#[test]
fn copies_of_what_changes_are_kept() {
    let home = home_of("env-log14-be-files");
    let before = files(home.path());
    let folder = tempfile::tempdir().unwrap();
    let copies = folder.path().join("a/copies");
    let report = in_place(home.path()).backup_dir(&copies).run(&Recover::new()).unwrap();
    let old = report.files.iter().filter(|file| file.what != Written::Made);
    let old: Vec<_> = old.map(|file| file.path.file_name().unwrap().to_str().unwrap()).collect();
    let kept = files(&copies);
    assert!(kept.keys().all(|name| old.contains(&name.as_str())) && kept.len() == old.len(), "{old:?}");
    kept.iter().for_each(|(name, bytes)| assert!(before[name] == *bytes, "{name}"));
}

/// Nothing is written outside of the environment.
#[test]
fn folders_outside_change_where_they_are_named() {
    let elsewhere = tempfile::tempdir().unwrap();
    let home = home_of("env-log14-le-crashed");
    for name in files(home.path()).keys().filter(|name| name.ends_with(".db")) {
        fs::rename(home.path().join(name), elsewhere.path().join(name)).unwrap();
    }
    let config = format!("set_data_dir {}\n", elsewhere.path().to_str().unwrap());
    fs::write(home.path().join("DB_CONFIG"), config).unwrap();
    let error = refused(home.path(), &Recover::new());
    assert_eq!(error.code(), Some("R-OUTSIDE"), "{error}");
    let layout = Layout::of(home.path()).data_dirs([elsewhere.path()]);
    let report = InPlace::open(layout.clone()).assume_closed(true).run(&Recover::new()).unwrap();
    assert!(report.files.iter().all(|file| file.path.starts_with(elsewhere.path())), "{report:#?}");
    assert!(Recover::new().view(&layout).unwrap().report().is_clean());
}

/// Two runs do not change one environment at the same time.
#[test]
fn a_run_has_the_environment_for_itself() {
    let home = home_of("env-log3-le-crashed");
    let lock = bdbkit::journal::SystemDisk::READ.lock_dir(home.path()).unwrap();
    let error = refused(home.path(), &Recover::new());
    assert_eq!(error.code(), Some("R-AT-WORK"), "{error}");
    drop(lock);
    // A log may name files of folders inside of it.
    let inner = home.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let lock = bdbkit::journal::SystemDisk::READ.lock_dir(&inner).unwrap();
    let error = refused(home.path(), &Recover::new());
    assert_eq!(error.code(), Some("R-AT-WORK"), "{error}");
    drop(lock);
    // One of its files is open.
    let open = fs::File::open(home.path().join("log.0000000001")).unwrap();
    let error = InPlace::open(Layout::of(home.path())).run(&Recover::new()).unwrap_err();
    assert!(cfg!(not(target_os = "linux")) || error.code() == Some("R-IN-USE"), "{error}");
    drop(open);
}
