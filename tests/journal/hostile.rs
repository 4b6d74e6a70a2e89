//! Journals cut, damaged, put beside the wrong file, and made up.

use std::path::Path;

use bdbkit::Endianness::{Big, Little};
use bdbkit::journal::{Disk, Journal, JournalError, LeftoverState, Outcome, leftover};

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
    let (file, journal) = died(&sample, |_| {});
    let mut refused = 0;
    for at in 0..508 {
        for value in [0x00, 0x01, 0x7f, 0x80, 0xff] {
            let mut journal = journal.clone();
            journal[at] = value;
            seal(&mut journal[..512]);
            let disk = disk(&file, &journal);
            let locked = disk.open_exclusive(Path::new(PATH), false).unwrap();
            let found = leftover(&disk, &locked, Path::new(PATH)).unwrap().unwrap();
            match found.state() {
                LeftoverState::Damaged => refused += 1,
                // A wrong byte of a length, or of the journal's id, looks like one cut short.
                LeftoverState::Incomplete => assert!((24..80).contains(&at), "byte {at}"),
                LeftoverState::Untouched => {}
                other => panic!("byte {at}: {other:?}"),
            }
            match found.resume(|_, _| Ok(())) {
                Ok(Outcome::Discarded) | Err(_) => assert!(disk.bytes(PATH).unwrap() == file),
                Ok(outcome) => {
                    assert_eq!(outcome, Outcome::Completed);
                    assert!(disk.bytes(PATH).unwrap() == sample.new, "byte {at}");
                }
            }
        }
    }
    assert!(refused > 200, "{refused}");
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
}
