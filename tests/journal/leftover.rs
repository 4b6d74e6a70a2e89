//! What a later run does about each state that it may find (upgrade, "What a later run
//! does when it finds a journal").

use std::path::Path;

use bdbkit::Endianness::{Big, Little};
use bdbkit::journal::{
    self, BoxError, Contents, Disk, Facts, Form, Journal, JournalError, LeftoverState, Outcome, leftover,
};

use crate::fake_disk::{FakeDisk, FakeFile};
use crate::sample::{Sample, Wish, settle};

const PATH: &str = "/store/a.db";
const JOURNAL: &str = "/store/a.db.bdbkit-journal";

fn sample() -> Sample {
    Sample::new(Big, 1024, 5, &[1, 3], 1)
}

/// The disk on which a run died after some steps.
fn died(sample: &Sample, steps: impl FnOnce(&mut Journal<'_, FakeDisk>)) -> FakeDisk {
    let disk = FakeDisk::with([(PATH, &sample.old[..])]);
    let file = disk.open_exclusive(Path::new(PATH), false).unwrap();
    let mut journal = sample.journal(&disk, &file, PATH).unwrap();
    steps(&mut journal);
    drop(journal);
    disk
}

fn edit(disk: &FakeDisk, path: &str, edit: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = disk.bytes(path).unwrap();
    edit(&mut bytes);
    disk.overwrite(path, &bytes);
}

fn with_leftover<T>(
    disk: &FakeDisk,
    then: impl FnOnce(journal::Leftover<'_, FakeDisk>, &FakeFile) -> T,
) -> T {
    let file = disk.open_exclusive(Path::new(PATH), false).unwrap();
    then(leftover(disk, &file, Path::new(PATH)).unwrap().unwrap(), &file)
}

/// What should become of a leftover.
enum Becomes {
    Old(Outcome),
    New(Outcome),
    /// The file stays as it was found, the journal goes.
    Same(Outcome),
    /// The file stays as it was found, the journal too, under some name.
    Kept,
}
use Becomes::{Kept, New, Old, Same};

#[track_caller]
fn expect(sample: &Sample, disk: &FakeDisk, state: LeftoverState, resumed: Becomes, rolled_back: Becomes) {
    for (wish, becomes) in [(Wish::Resume, resumed), (Wish::RollBack, rolled_back)] {
        let disk = disk.copy();
        let found = disk.bytes(PATH).unwrap();
        let result = with_leftover(&disk, |leftover, _| {
            assert_eq!(leftover.state(), state);
            settle(leftover, sample, wish)
        });
        let (bytes, outcome) = match becomes {
            Old(outcome) => (&sample.old, outcome),
            New(outcome) => (&sample.new, outcome),
            Same(outcome) => (&found, outcome),
            Kept => {
                assert!(disk.bytes(PATH).unwrap() == found, "the file was touched");
                assert_eq!(disk.names().len(), 2);
                match result {
                    Ok(Outcome::Orphaned(path)) => {
                        assert_eq!(path, Path::new(JOURNAL).with_extension("bdbkit-journal.orphan"))
                    }
                    Err(JournalError::Stuck { state: told, .. }) => assert_eq!(told, state),
                    other => panic!("{other:?}"),
                }
                continue;
            }
        };
        assert_eq!(result.unwrap(), outcome, "{wish:?}");
        assert!(disk.bytes(PATH).unwrap() == *bytes, "{wish:?}");
        assert_eq!(disk.names(), [Path::new(PATH)]);
    }
}

#[test]
fn no_journal_no_leftover() {
    let sample = sample();
    let disk = FakeDisk::with([(PATH, &sample.old[..])]);
    let file = disk.open_exclusive(Path::new(PATH), false).unwrap();
    assert!(leftover(&disk, &file, Path::new(PATH)).unwrap().is_none());
}

#[test]
fn a_half_written_file_without_a_journal_is_lost() {
    let sample = sample();
    let disk = died(&sample, |journal| journal.apply().unwrap());
    disk.remove(Path::new(JOURNAL)).unwrap();
    let file = disk.open_exclusive(Path::new(PATH), false).unwrap();
    let error = leftover(&disk, &file, Path::new(PATH)).unwrap_err();
    assert!(matches!(error, JournalError::Lost { .. }), "{error}");
}

#[test]
fn incomplete() {
    let sample = sample();
    for damage in [8, 510, 520, 2000] {
        let disk = died(&sample, |_| {});
        edit(&disk, JOURNAL, |bytes| bytes[damage] ^= 1);
        let state = LeftoverState::Incomplete;
        expect(&sample, &disk, state, Same(Outcome::Discarded), Same(Outcome::Discarded));
    }
}

#[test]
fn incomplete_but_half_written() {
    let sample = sample();
    for damage in [0, 510, 520, 2000] {
        let disk = died(&sample, |journal| journal.apply().unwrap());
        edit(&disk, JOURNAL, |bytes| bytes[damage] ^= 1);
        expect(&sample, &disk, LeftoverState::Damaged, Kept, Kept);
    }
}

#[test]
fn untouched() {
    let sample = sample();
    let disk = died(&sample, |_| {});
    expect(&sample, &disk, LeftoverState::Untouched, Old(Outcome::Discarded), Old(Outcome::RolledBack));
}

#[test]
fn untouched_but_used_since() {
    let sample = sample();
    let state = LeftoverState::Outdated;
    let disk = died(&sample, |_| {});
    edit(&disk, PATH, |bytes| bytes[3 * 1024 + 100] ^= 1);
    expect(&sample, &disk, state, Same(Outcome::Discarded), Same(Outcome::Discarded));
    let disk = died(&sample, |_| {});
    edit(&disk, PATH, |bytes| bytes.extend([0; 1024]));
    expect(&sample, &disk, state, Same(Outcome::Discarded), Same(Outcome::Discarded));
}

#[test]
fn half_written() {
    let sample = sample();
    let disk = died(&sample, |journal| journal.apply().unwrap());
    assert!(journal::poisoned(&disk.bytes(PATH).unwrap()));
    edit(&disk, PATH, |bytes| bytes[3 * 1024..4 * 1024].fill(0));
    edit(&disk, PATH, |bytes| bytes.truncate(5 * 1024 + 300));
    expect(&sample, &disk, LeftoverState::HalfWritten, New(Outcome::Completed), Old(Outcome::RolledBack));
    edit(&disk, PATH, |bytes| bytes.truncate(4 * 1024));
    expect(&sample, &disk, LeftoverState::Damaged, Kept, Kept);
    edit(&disk, PATH, |bytes| bytes.resize(7 * 1024, 0));
    expect(&sample, &disk, LeftoverState::Damaged, Kept, Kept);
}

#[test]
fn complete() {
    let sample = sample();
    let disk = died(&sample, publish);
    expect(&sample, &disk, LeftoverState::Complete, New(Outcome::Completed), Old(Outcome::RolledBack));
}

/// Rejects the new file.
fn worm_eaten(form: Form, _: &Contents, _: &Facts) -> Result<(), BoxError> {
    if form == Form::New { Err("worm-eaten".into()) } else { Ok(()) }
}

#[test]
fn complete_but_not_valid() {
    let sample = sample();
    let disk = died(&sample, publish);
    let error = with_leftover(&disk, |leftover, _| leftover.resume(worm_eaten).unwrap_err());
    assert!(matches!(error, JournalError::RolledBack { .. }), "{error}");
    assert!(disk.bytes(PATH).unwrap() == sample.old);
    assert_eq!(disk.names(), [Path::new(PATH)]);
}

#[test]
fn complete_and_used_since() {
    let sample = sample();
    let state = LeftoverState::Superseded;
    let disk = died(&sample, publish);
    edit(&disk, PATH, |bytes| bytes[1024] ^= 1);
    expect(&sample, &disk, state, Same(Outcome::Completed), Kept);
    let disk = died(&sample, publish);
    edit(&disk, PATH, |bytes| bytes.extend([7; 1024]));
    expect(&sample, &disk, state, Same(Outcome::Completed), Kept);
}

/// The disk on which a step died after so many operations.
fn died_in(
    sample: &Sample,
    operations: usize,
    steps: impl FnOnce(&mut Journal<'_, FakeDisk>),
    step: impl FnOnce(&mut Journal<'_, FakeDisk>) -> Result<(), JournalError>,
) -> FakeDisk {
    let disk = FakeDisk::with([(PATH, &sample.old[..])]);
    let file = disk.open_exclusive(Path::new(PATH), false).unwrap();
    let mut journal = sample.journal(&disk, &file, PATH).unwrap();
    steps(&mut journal);
    disk.stop_after(operations);
    step(&mut journal).unwrap_err();
    disk.copy()
}

fn publish(journal: &mut Journal<'_, FakeDisk>) {
    journal.apply().unwrap();
    journal.publish().unwrap();
}

fn roll_back(journal: &mut Journal<'_, FakeDisk>) -> Result<(), JournalError> {
    journal.roll_back()
}

#[test]
fn rolling_back() {
    let sample = sample();
    let state = LeftoverState::RollingBack;
    for operations in 2..12 {
        let disk = died_in(&sample, operations, publish, roll_back);
        expect(&sample, &disk, state, Old(Outcome::RolledBack), Old(Outcome::RolledBack));
        let disk = died_in(&sample, operations, |journal| journal.apply().unwrap(), roll_back);
        expect(&sample, &disk, state, Old(Outcome::RolledBack), Old(Outcome::RolledBack));
    }
}

#[test]
fn rolling_back_when_page_zero_does_not_change() {
    let mut sample = Sample::new(Little, 512, 4, &[1, 3], 1);
    sample.new[..512].copy_from_slice(&sample.old[..512]);
    for operations in 2..12 {
        let disk = died_in(&sample, operations, publish, roll_back);
        let state = LeftoverState::RollingBack;
        expect(&sample, &disk, state, Old(Outcome::RolledBack), Old(Outcome::RolledBack));
    }
}

#[test]
fn rolling_back_and_used_since() {
    let sample = sample();
    let disk = died_in(&sample, 2, publish, roll_back);
    edit(&disk, PATH, |bytes| bytes[1024] ^= 1);
    expect(&sample, &disk, LeftoverState::Superseded, Same(Outcome::Completed), Kept);
    let disk = died_in(&sample, 11, publish, roll_back);
    edit(&disk, PATH, |bytes| bytes.extend([7; 1024]));
    let state = LeftoverState::RollingBack;
    expect(&sample, &disk, state, Same(Outcome::RolledBack), Same(Outcome::RolledBack));
}

#[test]
fn ended() {
    let sample = sample();
    let disk = died_in(&sample, 2, publish, |journal| journal.end());
    edit(&disk, PATH, |bytes| bytes[1024] ^= 1);
    expect(&sample, &disk, LeftoverState::Ended, Same(Outcome::Completed), Same(Outcome::Completed));
    let disk = died_in(&sample, 13, publish, roll_back);
    expect(&sample, &disk, LeftoverState::Ended, Same(Outcome::RolledBack), Same(Outcome::RolledBack));
}

#[test]
fn foreign() {
    let sample = sample();
    for published in [false, true] {
        let disk = died(&sample, |journal| {
            if published {
                journal.apply().unwrap();
                journal.publish().unwrap();
            }
        });
        edit(&disk, PATH, |bytes| bytes[200] ^= 0x55);
        expect(&sample, &disk, LeftoverState::Foreign, Kept, Kept);
    }
}

#[test]
fn journals_that_are_kept_do_not_replace_each_other() {
    let sample = sample();
    let disk = died(&sample, |_| {});
    edit(&disk, PATH, |bytes| bytes[200] ^= 0x55);
    disk.put(format!("{JOURNAL}.orphan"), b"an older one");
    let outcome = with_leftover(&disk, |leftover, _| settle(leftover, &sample, Wish::Resume).unwrap());
    assert_eq!(outcome, Outcome::Orphaned(format!("{JOURNAL}.orphan-2").into()));
    assert_eq!(disk.bytes(format!("{JOURNAL}.orphan")).unwrap(), b"an older one");
}

#[test]
fn a_torn_page_zero_is_mended_on_request_only() {
    let sample = sample();
    for bytes_written in [17, 30, 60] {
        let disk = died(&sample, |journal| journal.apply().unwrap());
        edit(&disk, PATH, |bytes| bytes[..bytes_written].copy_from_slice(&sample.new[..bytes_written]));
        let state = LeftoverState::TornHead { restorable: true };
        expect(&sample, &disk, state, Kept, Old(Outcome::RolledBack));
        let forced =
            with_leftover(&disk, |leftover, _| leftover.force_redo(|w, c, f| sample.check(w, c, f)).unwrap());
        assert_eq!(forced, Outcome::Completed);
        assert!(disk.bytes(PATH).unwrap() == sample.new);
    }
}

#[test]
fn a_damaged_page_zero_is_mended_on_request_only() {
    let sample = sample();
    for steps in [false, true] {
        let disk = died(&sample, |journal| {
            if steps {
                journal.apply().unwrap()
            }
        });
        edit(&disk, PATH, |bytes| bytes[..512].fill(0));
        let state = LeftoverState::TornHead { restorable: true };
        expect(&sample, &disk, state, Kept, Old(Outcome::RolledBack));
        edit(&disk, PATH, |bytes| bytes[3 * 1024] ^= 1);
        expect(&sample, &disk, LeftoverState::TornHead { restorable: false }, Kept, Kept);
        let forced = with_leftover(&disk, |leftover, _| leftover.force_redo(|_, _, _| Ok(())));
        assert!(matches!(forced, Err(JournalError::Stuck { .. })));
    }
}

#[test]
fn a_copied_file_is_accepted_with_a_notice() {
    let sample = sample();
    let disk = died(&sample, |journal| journal.apply().unwrap());
    assert!(!with_leftover(&disk, |leftover, _| leftover.moved()));
    disk.put(PATH, &disk.bytes(PATH).unwrap());
    with_leftover(&disk, |leftover, _| {
        assert!(leftover.moved());
        assert_eq!(leftover.facts(), Some(&sample.facts()));
        assert_eq!(settle(leftover, &sample, Wish::Resume).unwrap(), Outcome::Completed);
    });
    assert!(disk.bytes(PATH).unwrap() == sample.new);
}

#[test]
fn a_file_that_loses_its_name_is_not_done() {
    let sample = sample();
    let other = b"what somebody put in its place";
    for own in [true, false] {
        let disk = if own {
            FakeDisk::with([(PATH, &sample.old[..])])
        } else {
            died(&sample, |journal| journal.apply().unwrap())
        };
        let file = disk.open_exclusive(Path::new(PATH), false).unwrap();
        let replace = || disk.put(PATH, other);
        let error = if own {
            let journal = sample.journal(&disk, &file, PATH).unwrap();
            journal.run(|contents, facts| sample.validate(contents, facts).map(|()| replace())).unwrap_err()
        } else {
            let left = leftover(&disk, &file, Path::new(PATH)).unwrap().unwrap();
            left.resume(|form, contents, facts| sample.check(form, contents, facts).map(|()| replace()))
                .unwrap_err()
        };
        let JournalError::RolledBack { cause, .. } = error else { panic!("{error}") };
        assert!(matches!(*cause, JournalError::Replaced { .. }), "{cause}");
        assert!(disk.bytes(PATH).unwrap() == other);
        assert_eq!(disk.names(), [Path::new(PATH)]);
    }
}

#[test]
fn a_page_zero_that_does_not_change_is_told_apart_by_the_others() {
    let mut sample = Sample::new(Little, 512, 4, &[1, 3], 1);
    sample.new[..512].copy_from_slice(&sample.old[..512]);
    let sample = sample;
    let disk = died(&sample, |_| {});
    expect(&sample, &disk, LeftoverState::Untouched, Old(Outcome::Discarded), Old(Outcome::RolledBack));
    let disk = died(&sample, publish);
    expect(&sample, &disk, LeftoverState::Complete, New(Outcome::Completed), Old(Outcome::RolledBack));
    let disk = died(&sample, |journal| journal.apply().unwrap());
    expect(&sample, &disk, LeftoverState::HalfWritten, New(Outcome::Completed), Old(Outcome::RolledBack));
}

#[test]
fn steps_out_of_turn_are_refused() {
    let sample = sample();
    died(&sample, |journal| {
        assert!(matches!(journal.publish(), Err(JournalError::OutOfOrder { .. })));
        assert!(matches!(journal.end(), Err(JournalError::OutOfOrder { .. })));
        journal.apply().unwrap();
        assert!(matches!(journal.apply(), Err(JournalError::OutOfOrder { .. })));
        assert!(matches!(journal.end(), Err(JournalError::OutOfOrder { .. })));
        journal.finish().unwrap();
        assert!(matches!(journal.roll_back(), Err(JournalError::TooLate { .. })));
    });
}

#[test]
fn a_leftover_must_be_dealt_with_first() {
    let sample = sample();
    let disk = died(&sample, |_| {});
    let file = disk.open_exclusive(Path::new(PATH), false).unwrap();
    let error = sample.journal(&disk, &file, PATH).unwrap_err();
    assert!(matches!(error, JournalError::Exists { .. }), "{error}");
    assert!(disk.bytes(JOURNAL).is_some());
}

#[test]
fn a_full_disk_is_found_before_anything_is_written() {
    let sample = sample();
    let disk = FakeDisk::with([(PATH, &sample.old[..])]);
    disk.fill();
    let file = disk.open_exclusive(Path::new(PATH), false).unwrap();
    match sample.journal(&disk, &file, PATH).unwrap_err() {
        JournalError::Space { needed, available: 0, .. } => {
            let journal = 512 + 3 * (32 + 1024 + 4) + (32 + 1024) + 3 * 64;
            assert_eq!(needed, journal + 1024 + (1 << 20));
        }
        error => panic!("{error}"),
    }
    assert_eq!(disk.names(), [Path::new(PATH)]);
}
