//! Whole copies of files.

use std::io::ErrorKind;
use std::path::Path;

use bdbkit::Endianness::Little;
use bdbkit::journal::{Backup, Disk, JournalError, is_remnant, poisoned};

use crate::fake_disk::{FakeDisk, Fault};
use crate::sample::Sample;

const PATH: &str = "/store/a.db";
const JOURNAL: &str = "/store/a.db.bdbkit-journal";
const DIRECTORY: &str = "/backup";
const COPY: &str = "/backup/a.db";

fn sample() -> Sample {
    Sample::new(Little, 4096, 300, &[7, 299], 2)
}

fn make(disk: &FakeDisk) -> Result<Backup<'_, FakeDisk>, JournalError> {
    let file = disk.open_exclusive(Path::new(PATH), false)?;
    Backup::make(disk, &file, Path::new(PATH), Path::new(DIRECTORY))
}

fn restore(disk: &FakeDisk) -> Result<(), JournalError> {
    let file = disk.open_exclusive(Path::new(PATH), false)?;
    let backup = Backup::find(disk, Path::new(PATH), Path::new(DIRECTORY))?.expect("a backup");
    backup.restore(&file, Path::new(PATH))
}

#[test]
fn a_copy_is_whole_or_not_there() {
    let sample = sample();
    let fresh = FakeDisk::with([(PATH, &sample.old[..])]);
    for change in 0.. {
        let disk = fresh.faulty(Fault::Stop { change, sectors: 3 });
        let made = make(&disk);
        if !disk.stopped() {
            assert_eq!(made.unwrap().path(), Path::new(COPY));
            assert!(change > 4);
            assert!(disk.without_power().bytes(COPY).unwrap() == sample.old);
            break;
        }
        for (_, disk) in disk.remains(6, 0) {
            assert!(disk.bytes(COPY).is_none_or(|copy| copy == sample.old));
            make(&disk).unwrap();
            let disk = disk.without_power();
            assert!(disk.bytes(COPY).unwrap() == sample.old && disk.bytes(PATH).unwrap() == sample.old);
            make(&disk).unwrap().remove().unwrap();
            let mut names = disk.without_power().names();
            // A draft that nobody finished is in nobody's way.
            names.retain(|name| !is_remnant(name));
            assert_eq!(names, [Path::new(PATH)]);
        }
    }
}

#[test]
fn a_draft_takes_the_place_of_nothing() {
    let sample = sample();
    let mine = ["/backup/a.db.tmp", "/backup/a.db.bdbkit-tmp"];
    let disk = FakeDisk::with([(PATH, &sample.old[..]), (mine[0], b"mine"), (mine[1], b"mine")]);
    make(&disk).unwrap();
    assert!(mine.iter().all(|name| disk.bytes(name).unwrap() == b"mine"));
    assert_eq!(disk.names().len(), 4);
}

/// The draft goes if the copy cannot be made.
#[test]
fn a_copy_that_fails_leaves_nothing() {
    let sample = sample();
    let fresh = FakeDisk::with([(PATH, &sample.old[..])]);
    let mut failed = 0;
    for call in 0.. {
        let disk = fresh.faulty(Fault::Fail { call, kind: ErrorKind::StorageFull });
        let made = make(&disk).is_ok();
        if !disk.failed() {
            break;
        }
        let copies = disk.names().len() - 1;
        assert!(made || copies == usize::from(disk.bytes(COPY).is_some()), "call {call}: {:?}", disk.names());
        failed += usize::from(!made);
    }
    assert!(failed > 5, "{failed}");
}

#[test]
fn an_older_copy_is_not_replaced() {
    let sample = sample();
    for other in [&sample.new[..], &sample.old[..512], b""] {
        let disk = FakeDisk::with([(PATH, &sample.old[..]), (COPY, other)]);
        assert!(matches!(make(&disk), Err(JournalError::BackupExists { .. })));
        assert!(disk.bytes(COPY).unwrap() == other);
    }
}

#[test]
fn restoring_may_die_anywhere_and_be_done_again() {
    let sample = sample();
    let mut half_written = sample.new.clone();
    half_written[16..20].copy_from_slice(b"BBDK");
    let fresh =
        FakeDisk::with([(PATH, &half_written[..]), (COPY, &sample.old), (JOURNAL, b"BDBKJRN2, damaged")]);
    for change in 0.. {
        let disk = fresh.faulty(Fault::Stop { change, sectors: 0 });
        let restored = restore(&disk);
        if !disk.stopped() {
            restored.unwrap();
            assert!(change > 8);
            break;
        }
        for (_, disk) in disk.remains(6, 2) {
            let file = disk.bytes(PATH).unwrap();
            assert!(file == sample.old || poisoned(&file), "a mixture that can be opened");
            restore(&disk).unwrap();
            let disk = disk.without_power();
            assert!(disk.bytes(PATH).unwrap() == sample.old);
            assert!(disk.bytes(JOURNAL).is_none());
        }
    }
}

#[test]
fn a_copy_is_not_restored_over_what_is_no_journal() {
    let sample = sample();
    let disk = FakeDisk::with([(PATH, &sample.new[..]), (COPY, &sample.old), (JOURNAL, b"mine")]);
    assert!(matches!(restore(&disk), Err(JournalError::NotOurs { .. })));
    assert!(disk.bytes(PATH).unwrap() == sample.new && disk.bytes(JOURNAL).unwrap() == b"mine");
}

#[test]
fn a_file_is_no_backup_of_itself() {
    let sample = sample();
    let disk = FakeDisk::with([(PATH, &sample.old[..])]);
    let file = disk.open_exclusive(Path::new(PATH), false).unwrap();
    let error = Backup::make(&disk, &file, Path::new(PATH), Path::new("/store")).unwrap_err();
    assert!(matches!(error, JournalError::BackupExists { .. }), "{error}");
    assert_eq!(disk.names(), [Path::new(PATH)]);
}
