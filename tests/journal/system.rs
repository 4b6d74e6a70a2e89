//! The real disk.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bdbkit::Endianness::{Big, Little};
use bdbkit::journal::{
    self, Backup, Disk, DiskFile, JournalError, Outcome, Set, SetLeftover, SystemDisk, leftover,
};
use tempfile::TempDir;

use crate::sample::{Sample, Wish, settle};

/// One test at a time: a child process holds the files of all threads, and their locks,
/// until it runs its program.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn store(sample: &Sample) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().canonicalize().unwrap().join("a.db");
    fs::write(&path, &sample.old).unwrap();
    (directory, path)
}

fn names(directory: &TempDir) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_is_changed_and_rolled_back() {
    let _alone = alone();
    let sample = Sample::new(Little, 4096, 700, &(1..700).step_by(2).collect::<Vec<_>>(), 3);
    let (directory, path) = store(&sample);
    let file = SystemDisk::MAPPED.open_exclusive(&path, false).unwrap();

    let mut journal = sample.journal(&SystemDisk::MAPPED, &file, &path).unwrap();
    let mode = fs::metadata(journal::name(&path)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    journal.apply().unwrap();
    assert!(journal::poisoned(&fs::read(&path).unwrap()));
    journal.read_back().unwrap();
    assert!(journal.preview().unwrap()[..] == sample.new);
    journal.roll_back().unwrap();
    assert!(fs::read(&path).unwrap() == sample.old);

    let journal = sample.journal(&SystemDisk::MAPPED, &file, &path).unwrap();
    journal.run(|contents, facts| sample.validate(contents, facts)).unwrap();
    assert!(fs::read(&path).unwrap() == sample.new);
    assert_eq!(names(&directory), ["a.db"]);
}

#[test]
fn a_later_run_goes_on() {
    let _alone = alone();
    for wish in [Wish::Resume, Wish::RollBack] {
        let sample = Sample::new(Big, 512, 20, &[3, 4, 11], 2);
        let (directory, path) = store(&sample);
        let file = SystemDisk::MAPPED.open_exclusive(&path, false).unwrap();
        sample.journal(&SystemDisk::MAPPED, &file, &path).unwrap().apply().unwrap();
        drop(file);

        let file = SystemDisk::MAPPED.open_exclusive(&path, false).unwrap();
        let left = leftover(&SystemDisk::MAPPED, &file, &path).unwrap().unwrap();
        assert!(!left.moved());
        settle(left, &sample, wish).unwrap();
        let wanted = if wish == Wish::Resume { &sample.new } else { &sample.old };
        assert!(fs::read(&path).unwrap() == *wanted);
        assert_eq!(names(&directory), ["a.db"]);
    }
}

#[test]
fn a_set_is_changed_and_goes_on() {
    let _alone = alone();
    let sample = Sample::new(Big, 512, 20, &[3, 4, 11], 2);
    let (directory, path) = store(&sample);
    let file = SystemDisk::MAPPED.open_exclusive(&path, false).unwrap();
    let begin = || {
        let mut set = Set::new(&SystemDisk::MAPPED, directory.path()).unwrap();
        set.write(&file, &path, &sample.facts(), sample.estimate(), sample.changes()).unwrap();
        set
    };
    drop(begin());
    let member = leftover(&SystemDisk::MAPPED, &file, &path).unwrap().unwrap();
    let set = SetLeftover::new(&SystemDisk::MAPPED, directory.path(), vec![member]).unwrap().unwrap();
    assert_eq!(set.resume(|_, _, _, _| Ok(())).unwrap(), Outcome::Discarded);
    begin().run(|_, contents, facts| sample.validate(contents, facts)).unwrap();
    assert!(fs::read(&path).unwrap() == sample.new);
    assert_eq!(names(&directory), ["a.db"]);
}

#[test]
fn a_copy_is_made_and_restored() {
    let _alone = alone();
    let sample = Sample::new(Big, 512, 20, &[3], 0);
    let (directory, path) = store(&sample);
    let file = SystemDisk::MAPPED.open_exclusive(&path, false).unwrap();
    let copies = directory.path().join("copies");
    fs::create_dir(&copies).unwrap();
    let backup = Backup::make(&SystemDisk::MAPPED, &file, &path, &copies).unwrap();
    fs::write(&path, b"gone").unwrap();
    backup.restore(&file, &path).unwrap();
    assert!(fs::read(&path).unwrap() == sample.old);
    backup.remove().unwrap();
    assert_eq!(fs::read_dir(&copies).unwrap().count(), 0);
}

#[test]
fn a_locked_file_is_refused_until_it_is_closed() {
    let _alone = alone();
    let sample = Sample::new(Little, 512, 2, &[1], 0);
    let (_directory, path) = store(&sample);
    let file = SystemDisk::MAPPED.open_exclusive(&path, false).unwrap();
    for assume_closed in [false, true] {
        let error = SystemDisk::MAPPED.open_exclusive(&path, assume_closed).unwrap_err();
        assert!(matches!(error, JournalError::Locked { .. }), "{error}");
    }
    drop(file);
    SystemDisk::MAPPED.open_exclusive(&path, false).unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_open_elsewhere_is_refused_unless_told_otherwise() {
    let _alone = alone();
    let sample = Sample::new(Little, 512, 2, &[1], 0);
    let (_directory, path) = store(&sample);
    let mut user = Command::new("sleep").arg("60").stdin(File::open(&path).unwrap()).spawn().unwrap();
    let refused = SystemDisk::MAPPED.open_exclusive(&path, false).map(drop);
    let allowed = SystemDisk::MAPPED.open_exclusive(&path, true).map(drop);
    user.kill().unwrap();
    user.wait().unwrap();
    match refused.unwrap_err() {
        JournalError::InUse { process, .. } => assert_eq!(process, user.id()),
        error => panic!("{error}"),
    }
    allowed.unwrap();
    SystemDisk::MAPPED.open_exclusive(&path, false).unwrap();
    let own = File::open(&path).unwrap();
    assert!(matches!(SystemDisk::MAPPED.open_exclusive(&path, false), Err(JournalError::InUse { .. })));
    drop(own);
}

#[test]
fn only_regular_files_are_opened() {
    let _alone = alone();
    let sample = Sample::new(Little, 512, 2, &[1], 0);
    let (directory, path) = store(&sample);
    let pipe = directory.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).stdin(Stdio::null()).status().unwrap().success());
    for path in [&pipe, directory.path()] {
        assert!(matches!(SystemDisk::MAPPED.open_exclusive(path, false), Err(JournalError::Io { .. })));
    }
    let file = SystemDisk::MAPPED.open_exclusive(&path, false).unwrap();
    symlink(&path, journal::name(&path)).unwrap();
    assert!(matches!(leftover(&SystemDisk::MAPPED, &file, &path), Err(JournalError::Io { .. })));
    assert!(matches!(sample.journal(&SystemDisk::MAPPED, &file, &path), Err(JournalError::Exists { .. })));
    assert!(fs::read(&path).unwrap() == sample.old);
}

/// Why a file is not believed, and what makes it so.
type Strange<'a> = (&'a str, &'a dyn Fn(&Path));

/// Whoever may write a journal says what becomes of the file.
#[test]
fn a_journal_that_others_may_have_written_is_not_believed() {
    let _alone = alone();
    let sample = Sample::new(Little, 512, 4, &[1, 2], 1);
    let root = rustix::process::geteuid().is_root();
    let strange: [Strange<'_>; 4] = [
        ("others may write it", &|path| fs::set_permissions(path, Permissions::from_mode(0o602)).unwrap()),
        ("others may write it", &|path| fs::set_permissions(path, Permissions::from_mode(0o620)).unwrap()),
        ("several names", &|path| fs::hard_link(path, path.with_file_name("another")).unwrap()),
        ("another user", &|path| chown(path, Some(65534), None).unwrap()),
    ];
    for (why, make) in strange.iter().take(if root { 4 } else { 3 }) {
        let (directory, path) = store(&sample);
        let file = SystemDisk::MAPPED.open_exclusive(&path, false).unwrap();
        sample.journal(&SystemDisk::MAPPED, &file, &path).unwrap().apply().unwrap();
        let half_written = fs::read(&path).unwrap();
        make(&journal::name(&path));
        let left = names(&directory);
        let error = leftover(&SystemDisk::MAPPED, &file, &path).unwrap_err();
        assert!(matches!(error, JournalError::Strange { .. }) && error.to_string().contains(why), "{error}");
        assert!(fs::read(&path).unwrap() == half_written && names(&directory) == left);
    }
    if root {
        // The owner of the database may do with it as they like.
        let (_directory, path) = store(&sample);
        let file = SystemDisk::MAPPED.open_exclusive(&path, false).unwrap();
        drop(sample.journal(&SystemDisk::MAPPED, &file, &path).unwrap());
        [&path, &journal::name(&path)].into_iter().for_each(|path| chown(path, Some(65534), None).unwrap());
        assert!(leftover(&SystemDisk::MAPPED, &file, &path).unwrap().is_some());
    }
}

/// The same of the record of a set.
#[test]
fn a_record_that_others_may_have_written_is_not_believed() {
    let _alone = alone();
    let sample = Sample::new(Big, 512, 20, &[3, 4, 11], 2);
    let (directory, path) = store(&sample);
    for name in ["bdbkit-set.members", "bdbkit-set.done"] {
        let record = directory.path().join(name);
        fs::write(&record, b"").unwrap();
        fs::set_permissions(&record, Permissions::from_mode(0o666)).unwrap();
        let error = Set::new(&SystemDisk::MAPPED, directory.path()).unwrap_err();
        assert!(matches!(error, JournalError::Strange { .. }), "{error}");
        assert!(SetLeftover::on_record(&SystemDisk::MAPPED, directory.path()).unwrap().is_none());
        assert!(record.exists());
        fs::remove_file(&record).unwrap();
        symlink(&path, &record).unwrap();
        assert!(matches!(Set::new(&SystemDisk::MAPPED, directory.path()), Err(JournalError::Io { .. })));
        fs::remove_file(&record).unwrap();
    }
}

#[test]
fn a_copy_that_others_may_have_made_is_not_taken() {
    let _alone = alone();
    let sample = Sample::new(Big, 512, 20, &[3], 0);
    let (directory, path) = store(&sample);
    fs::set_permissions(&path, Permissions::from_mode(0o660)).unwrap();
    let file = SystemDisk::MAPPED.open_exclusive(&path, false).unwrap();
    let copies = directory.path().join("copies");
    fs::create_dir(&copies).unwrap();
    let make = || Backup::make(&SystemDisk::MAPPED, &file, &path, &copies);
    let copy = make().unwrap().path().to_owned();
    // It has the permissions of the file.
    assert!(make().unwrap().found());
    fs::set_permissions(&copy, Permissions::from_mode(0o666)).unwrap();
    assert!(matches!(make(), Err(JournalError::Strange { .. })));
    fs::set_permissions(&copy, Permissions::from_mode(0o600)).unwrap();
    fs::hard_link(&copy, copies.join("another")).unwrap();
    assert!(matches!(make(), Err(JournalError::Strange { .. })));
}

/// A map outlives the handle.
#[test]
#[cfg(target_os = "linux")]
fn a_file_that_is_mapped_is_in_use() {
    let _alone = alone();
    let sample = Sample::new(Little, 512, 2, &[1], 0);
    let (_directory, path) = store(&sample);
    let map = SystemDisk::MAPPED.read(&path).unwrap();
    match SystemDisk::MAPPED.open_exclusive(&path, false).map(drop) {
        Err(JournalError::InUse { process, .. }) => assert_eq!(process, std::process::id()),
        other => panic!("{other:?}"),
    }
    SystemDisk::MAPPED.open_exclusive(&path, true).unwrap();
    drop(map);
    SystemDisk::MAPPED.open_exclusive(&path, false).unwrap();
}

#[test]
fn a_name_that_is_taken_is_not_given() {
    let _alone = alone();
    let sample = Sample::new(Little, 512, 2, &[1], 0);
    let (directory, path) = store(&sample);
    let other = directory.path().join("other");
    fs::write(&other, b"mine").unwrap();
    let error = SystemDisk::MAPPED.rename_new(&path, &other).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&other).unwrap(), b"mine");
    fs::remove_file(&other).unwrap();
    SystemDisk::MAPPED.rename_new(&path, &other).unwrap();
    assert!(fs::read(&other).unwrap() == sample.old && !path.exists());
}

#[test]
fn the_journal_stands_beside_the_file_and_not_beside_a_link() {
    let _alone = alone();
    let sample = Sample::new(Little, 512, 2, &[1], 0);
    let (directory, path) = store(&sample);
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link.db");
    symlink(&path, &link).unwrap();
    let file = SystemDisk::MAPPED.open_exclusive(&link, false).unwrap();
    drop(sample.journal(&SystemDisk::MAPPED, &file, &link).unwrap());
    assert_eq!(names(&directory), ["a.db", "a.db.bdbkit-journal"]);
    assert_eq!(names(&elsewhere), ["link.db"]);
    assert!(leftover(&SystemDisk::MAPPED, &file, &path).unwrap().is_some());
}

#[test]
fn space_is_set_aside_with_and_without_growing() {
    let _alone = alone();
    let sample = Sample::new(Little, 512, 2, &[1], 0);
    let (_directory, path) = store(&sample);
    let file = SystemDisk::MAPPED.open_exclusive(&path, false).unwrap();
    file.reserve(1024, 4096, false).unwrap();
    assert_eq!(file.size().unwrap(), 1024);
    file.reserve(0, 0, true).unwrap();
    assert!(fs::read(&path).unwrap() == sample.old);
}
