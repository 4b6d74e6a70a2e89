//! Journals cut, damaged, put beside the wrong file, and made up.

use std::path::Path;

use bdbkit::Endianness::{Big, Little};
use bdbkit::journal::{Disk, Journal, JournalError, LeftoverState, Outcome, Promise, leftover};

use crate::fake_disk::FakeDisk;
use crate::sample::{Sample, Wish, later};

const PATH: &str = "/store/a.db";
const JOURNAL: &str = "/store/a.db.bdbkit-journal";

/// A file with a journal beside it.
fn disk(file: &[u8], journal: &[u8]) -> FakeDisk {
    FakeDisk::with([(PATH, file), (JOURNAL, journal)])
}

/// File and journal as a run left them that died after some steps.
fn died(sample: &Sample, steps: impl FnOnce(&mut Journal<'_, FakeDisk>)) -> (Vec<u8>, Vec<u8>) {
    let disk = FakeDisk::with([(PATH, &sample.old[..])]);
    let file = disk.open_exclusive(Path::new(PATH), false).unwrap();
    steps(&mut sample.journal(&disk, &file, PATH).unwrap());
    (disk.bytes(PATH).unwrap(), disk.bytes(JOURNAL).unwrap())
}

/// Every cut of a journal, and changes of every byte.
fn damaged(journal: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let cut = (0..journal.len()).map(|len| journal[..len].to_vec());
    let changed = (0..journal.len()).flat_map(|at| {
        [0x01, 0x80, 0xff].map(|mask| {
            let mut bytes = journal.to_vec();
            bytes[at] ^= mask;
            bytes
        })
    });
    cut.chain(changed)
}

#[test]
fn a_damaged_journal_never_makes_a_mixture() {
    let sample = Sample::new(Big, 512, 3, &[2], 1);
    let mut seen = [0; 3];
    for (half_written, steps) in
        [(false, (|_| {}) as fn(&mut Journal<'_, FakeDisk>)), (true, |journal| journal.apply().unwrap())]
    {
        let (file, journal) = died(&sample, steps);
        for journal in damaged(&journal) {
            for wish in [Wish::Resume, Wish::RollBack] {
                let disk = disk(&file, &journal);
                let wanted = if wish == Wish::Resume { &sample.new } else { &sample.old };
                let (bytes, kind) = match later(&disk, PATH, &sample, wish) {
                    Ok(Some(Outcome::Discarded)) => (&sample.old, 0),
                    Ok(Some(_)) => (wanted, 1),
                    Err(JournalError::Stuck { .. }) if half_written => (&file, 2),
                    // A wrong magic number: perhaps a file of somebody else.
                    Err(JournalError::NotOurs { .. }) if !half_written && journal[..8] != *b"BDBKJRN2" => {
                        assert!(disk.bytes(JOURNAL).unwrap() == journal);
                        (&file, 2)
                    }
                    other => panic!("{other:?}"),
                };
                assert!(disk.bytes(PATH).unwrap() == *bytes);
                seen[kind] += 1;
            }
        }
    }
    assert!(seen.iter().all(|count| *count > 500), "{seen:?}");
}

/// Puts the right CRC behind a changed header.
fn seal(header: &mut [u8]) {
    let crc = crc32fast::hash(&header[..508]);
    header[508..512].copy_from_slice(&crc.to_le_bytes());
}

#[test]
fn a_made_up_header_is_refused_or_harmless() {
    let sample = Sample::new(Little, 512, 3, &[2], 1);
    let mut refused = 0;
    for half_written in [false, true] {
        let (file, journal) = died(&sample, |journal| {
            if half_written {
                journal.apply().unwrap();
            }
        });
        refused += made_up_headers(&sample, &file, &journal);
    }
    assert!(refused > 400, "{refused}");
}

/// Every byte of the header with some other values; how many of the headers are refused.
fn made_up_headers(sample: &Sample, file: &[u8], journal: &[u8]) -> usize {
    let (mut refused, half_written) = (0, *file != sample.old);
    for at in 0..508 {
        for value in [0x00, 0x01, 0x7f, 0x80, 0xff] {
            let mut journal = journal.to_vec();
            journal[at] = value;
            seal(&mut journal[..512]);
            let disk = disk(file, &journal);
            let locked = disk.open_exclusive(Path::new(PATH), false).unwrap();
            let found = match leftover(&disk, &locked, Path::new(PATH)) {
                Ok(found) => found.unwrap(),
                Err(JournalError::NotOurs { .. }) => {
                    assert!(at < 8 && !half_written && disk.bytes(JOURNAL).unwrap() == journal);
                    refused += 1;
                    continue;
                }
                Err(error) => panic!("byte {at}: {error}"),
            };
            match found.state() {
                LeftoverState::Damaged => refused += 1,
                // A wrong byte of a length, or of the journal's id, looks like one cut short.
                LeftoverState::Incomplete => assert!(!half_written && (24..80).contains(&at), "byte {at}"),
                LeftoverState::Untouched => assert!(!half_written),
                LeftoverState::HalfWritten => assert!(half_written),
                other => panic!("byte {at}: {other:?}"),
            }
            match found.resume(|_, _, _| Ok(())) {
                Ok(Outcome::Discarded) => assert!(!half_written && disk.bytes(PATH).unwrap() == file),
                Err(_) => assert!(disk.bytes(PATH).unwrap() == file),
                Ok(outcome) => {
                    assert!(half_written && outcome == Outcome::Completed);
                    assert!(disk.bytes(PATH).unwrap() == sample.new, "byte {at}");
                }
            }
        }
    }
    refused
}

/// Files that only have the name of a journal.
#[test]
fn what_is_no_journal_is_not_touched() {
    let sample = Sample::new(Little, 512, 3, &[2], 1);
    let mut zeros = vec![0; 700];
    zeros[600] = 1;
    let text = b"mine\n".repeat(300);
    for other in [&b"mine"[..], &text, b"BDBKJRN3", b"BDBKSET1\x01", &zeros[..530], &zeros] {
        let ours = other == &zeros[..530] || other == &zeros[..];
        for wish in [Wish::Resume, Wish::RollBack] {
            let disk = disk(&sample.old, other);
            match later(&disk, PATH, &sample, wish) {
                // As a run leaves it that died before it wrote the header.
                Ok(Some(Outcome::Discarded)) => assert!(ours),
                Err(JournalError::NotOurs { path, .. }) => {
                    assert!(!ours && path == Path::new(JOURNAL));
                    assert!(disk.bytes(JOURNAL).unwrap() == other);
                }
                other => panic!("{other:?}"),
            }
            assert!(disk.bytes(PATH).unwrap() == sample.old);
        }
    }
    zeros[540] = 1;
    let disk = disk(&sample.old, &zeros);
    assert!(matches!(later(&disk, PATH, &sample, Wish::Resume), Err(JournalError::NotOurs { .. })));
    assert!(disk.bytes(JOURNAL).unwrap() == zeros);
}

/// Without the sum of the pairs nobody can tell what such a journal makes of a file.
#[test]
fn a_journal_without_a_sum_is_not_believed() {
    let sample = Sample::new(Little, 512, 3, &[2], 1);
    let apply = |journal: &mut Journal<'_, FakeDisk>| journal.apply().unwrap();
    let publish = |journal: &mut Journal<'_, FakeDisk>| {
        journal.apply().unwrap();
        journal.publish().unwrap();
    };
    let mut torn = died(&sample, apply);
    torn.0[..40].copy_from_slice(&sample.new[..40]);
    for (file, mut journal) in [died(&sample, apply), died(&sample, publish), torn] {
        journal[100..140].fill(0);
        journal[140] = 2;
        seal(&mut journal[..512]);
        for wish in [Wish::Resume, Wish::RollBack] {
            let disk = disk(&file, &journal);
            match later(&disk, PATH, &sample, wish) {
                Err(JournalError::Stuck { state, .. }) => assert_eq!(state, LeftoverState::Unproven),
                other => panic!("{other:?}"),
            }
            assert!(disk.bytes(PATH).unwrap() == file && disk.bytes(JOURNAL).unwrap() == journal);
        }
    }
    // Nothing was written: it is no loss.
    let (file, mut journal) = died(&sample, |_| {});
    journal[100..140].fill(0);
    journal[140] = 2;
    seal(&mut journal[..512]);
    let disk = disk(&file, &journal);
    assert_eq!(later(&disk, PATH, &sample, Wish::Resume).unwrap(), Some(Outcome::Discarded));
    assert!(disk.bytes(PATH).unwrap() == file && disk.bytes(JOURNAL).is_none());
}

/// A journal that would bring back something else than the old file: nothing is written.
#[test]
fn what_a_journal_would_bring_back_is_looked_at_first() {
    let sample = Sample::new(Little, 512, 4, &[1, 2], 1);
    let other = Sample { old: sample.new.clone(), ..sample.clone() };
    let apply = |journal: &mut Journal<'_, FakeDisk>| journal.apply().unwrap();
    let publish = |journal: &mut Journal<'_, FakeDisk>| {
        journal.apply().unwrap();
        journal.publish().unwrap();
    };
    for (file, mut journal) in [died(&sample, apply), died(&sample, publish)] {
        let disk = disk(&file, &journal);
        let error = later(&disk, PATH, &other, Wish::RollBack).unwrap_err();
        assert!(matches!(error, JournalError::NotOld { .. }), "{error}");
        assert!(disk.bytes(PATH).unwrap() == file && disk.bytes(JOURNAL).is_some());
        // Neither what it makes of the file nor what it would bring back.
        let neither = Sample { new: sample.old.clone(), ..other.clone() };
        let error = later(&disk, PATH, &neither, Wish::Resume).unwrap_err();
        assert!(matches!(error, JournalError::Unsettled { .. }), "{error}");
        assert!(disk.bytes(PATH).unwrap() != sample.old && disk.bytes(JOURNAL).is_some());
        // The same once rolling back is on record.
        let end = journal.len() - 128;
        let id: [u8; 8] = journal[56..64].try_into().unwrap();
        let mut record = [&b"ROLL\0\0\0\0"[..], &id, &[0; 44]].concat();
        record.extend(crc32fast::hash(&record).to_le_bytes());
        journal[end..end + 64].copy_from_slice(&record);
        for wish in [Wish::Resume, Wish::RollBack] {
            let disk = self::disk(&file, &journal);
            let error = later(&disk, PATH, &other, wish).unwrap_err();
            assert!(matches!(error, JournalError::NotOld { .. }), "{error}");
            assert!(disk.bytes(PATH).unwrap() == file);
            assert_eq!(later(&disk, PATH, &sample, wish).unwrap(), Some(Outcome::RolledBack));
            assert!(disk.bytes(PATH).unwrap() == sample.old);
        }
    }
}

#[test]
fn more_bytes_behind_the_journal_are_ignored() {
    let sample = Sample::new(Little, 512, 3, &[2], 1);
    let (file, mut journal) = died(&sample, |journal| journal.apply().unwrap());
    journal.extend(std::iter::repeat_n(0xa5, 3000));
    let disk = disk(&file, &journal);
    assert_eq!(later(&disk, PATH, &sample, Wish::Resume).unwrap(), Some(Outcome::Completed));
    assert!(disk.bytes(PATH).unwrap() == sample.new);
}

#[test]
fn a_journal_that_was_carried_out_does_nothing_a_second_time() {
    let first = Sample::new(Little, 512, 4, &[1, 2], 1);
    let (_, journal) = died(&first, |_| {});
    let again = disk(&first.new, &journal);
    assert_eq!(later(&again, PATH, &first, Wish::Resume).unwrap(), Some(Outcome::Completed));
    assert!(again.bytes(PATH).unwrap() == first.new);
    // Used since: a page of the journal is another one now.
    let mut used = first.new.clone();
    used[600] ^= 1;
    let disk = disk(&used, &journal);
    assert_eq!(later(&disk, PATH, &first, Wish::Resume).unwrap(), Some(Outcome::Completed));
    assert!(disk.bytes(PATH).unwrap() == used);
}

#[test]
fn a_journal_beside_the_wrong_file_does_nothing() {
    let sample = Sample::new(Little, 512, 4, &[1, 2], 1);
    let (_, journal) = died(&sample, |_| {});
    let other = Sample::new(Little, 512, 5, &[1, 2], 1);
    for file in [&other.old, &other.new] {
        for wish in [Wish::Resume, Wish::RollBack] {
            let disk = disk(file, &journal);
            assert!(matches!(later(&disk, PATH, &sample, wish).unwrap(), Some(Outcome::Orphaned(_))));
            assert!(disk.bytes(PATH).unwrap() == *file);
        }
    }
    for file in [&b""[..], b"short", &[0; 4096]] {
        let disk = disk(file, &journal);
        assert!(matches!(later(&disk, PATH, &sample, Wish::Resume), Err(JournalError::Stuck { .. })));
        assert!(disk.bytes(PATH).unwrap() == file);
    }
}

#[test]
fn plans_that_do_not_fit_the_file_are_refused() {
    let sample = Sample::new(Little, 512, 4, &[1, 2], 2);
    let refused = |plan: &[usize], edit: &dyn Fn(&mut Sample)| {
        let mut sample = Sample { plan: plan.to_vec(), ..sample.clone() };
        let disk = FakeDisk::with([(PATH, &sample.old[..])]);
        edit(&mut sample);
        let file = disk.open_exclusive(Path::new(PATH), false).unwrap();
        let error = sample.journal(&disk, &file, PATH).unwrap_err();
        assert!(matches!(error, JournalError::Plan { .. }), "{error}");
        assert_eq!(disk.names(), [Path::new(PATH)]);
        error.to_string()
    };
    let keep = |_: &mut Sample| {};
    assert!(refused(&[1, 2], &keep).contains("page 0: the plan is wrong: it is missing"));
    assert!(refused(&[0, 1], &keep).contains("after page 0"));
    assert!(refused(&[1, 2, 1, 0], &keep).contains("twice"));
    assert!(refused(&[5, 0], &keep).contains("without a gap"));
    assert!(refused(&[4, 4, 0], &keep).contains("without a gap"));
    assert!(refused(&[1, 0], &|sample| sample.old[40] ^= 1).contains("not what the file holds"));
    assert!(refused(&[1, 0], &|sample| sample.page_size = 1024).contains("first 512 bytes"));
    assert!(
        refused(&[1, 0], &|sample| sample.promise = Promise::OnlyPageZero).contains("only page 0 was to")
    );
    let sound = |sample: &mut Sample| sample.promise = Promise::SoundOnly;
    assert!(refused(&[1, 0], &sound).contains("may not promise so little"));
    let shorter = |sample: &mut Sample| sample.new.truncate(1024);
    assert!(refused(&[2, 0], &shorter).contains("must be the last of the file"));
    assert!(refused(&[3, 3, 0], &shorter).contains("must be the last of the file"));
}
