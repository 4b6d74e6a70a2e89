//! Every operation of a run stopped or failed, and of the later run too.

use std::io::ErrorKind;
use std::path::Path;

use bdbkit::Endianness::{Big, Little};
use bdbkit::journal::{self, Disk, JournalError, Outcome};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::fake_disk::{Crash, FakeDisk, Fault, Tried};
use crate::sample::{Sample, Wish, later};

const PATH: &str = "/store/a.db";

/// What a run gave: `None` if there was nothing to do.
type Gave = Option<Outcome>;

/// Changes the file.
fn change(disk: &FakeDisk, sample: &Sample) -> Result<Gave, JournalError> {
    let file = disk.open_exclusive(Path::new(PATH), false)?;
    let journal = sample.journal(disk, &file, PATH)?;
    disk.mark_at_first_sync(PATH);
    journal.run(|contents, facts| sample.validate(contents, facts))?;
    Ok(Some(Outcome::Completed))
}

/// Begins to change the file, and finds at the last moment that it should not have.
fn change_and_reject(disk: &FakeDisk, sample: &Sample, published: bool) -> Result<Gave, JournalError> {
    let file = disk.open_exclusive(Path::new(PATH), false)?;
    let mut journal = sample.journal(disk, &file, PATH)?;
    journal.apply()?;
    journal.read_back()?;
    if published {
        journal.publish()?;
    }
    journal.roll_back()?;
    Ok(Some(Outcome::RolledBack))
}

/// The file is what the outcome says, and nothing is left behind.
fn check(disk: &FakeDisk, sample: &Sample, gave: &Gave, marked: bool) {
    let bytes = disk.bytes(PATH).unwrap();
    match gave {
        Some(Outcome::Completed) => assert!(bytes == sample.new, "the file is not the new one"),
        Some(Outcome::RolledBack) => assert!(bytes == sample.old, "the file is not the old one"),
        Some(Outcome::Discarded) => {
            assert!(bytes == sample.old, "the file is not the old one");
            assert!(!marked, "a change was forgotten");
        }
        None => {
            assert!(bytes == sample.old || bytes == sample.new, "the file is a mixture");
            assert!(!marked || bytes == sample.new, "a change was forgotten");
        }
        Some(other) => panic!("{other:?}"),
    }
    assert_eq!(disk.names(), [Path::new(PATH)], "something was left behind");
}

fn crash(
    sample: &Sample,
    run: &dyn Fn(&FakeDisk, &Sample) -> Result<Gave, JournalError>,
    with: impl FnOnce(&Crash<'_, Outcome>) -> Tried,
) -> Tried {
    let rolled_back = |disk: &FakeDisk| later(disk, PATH, sample, Wish::RollBack);
    with(&Crash {
        disk: &FakeDisk::with([(PATH, &sample.old[..])]),
        run: &|disk| run(disk, sample),
        later: &[("resumed", &|disk| later(disk, PATH, sample, Wish::Resume)), ("rolled back", &rolled_back)],
        check: &|disk, gave, marked| check(disk, sample, gave, marked && *gave != Some(Outcome::RolledBack)),
    })
}

fn samples() -> Vec<Sample> {
    vec![
        Sample::new(Little, 512, 1, &[], 0),
        Sample::new(Big, 4096, 2, &[], 0),
        Sample::new(Big, 512, 7, &[1, 2, 5, 6], 0),
        Sample::new(Little, 512, 7, &[5, 3, 6, 4, 1], 2),
        Sample::new(Big, 512, 2, &[], 3),
        Sample::new(Little, 4096, 4, &[1, 3], 1),
        Sample::new(Big, 1024, 5, &[2, 3, 4], 0),
        Sample::new(Little, 512, 6, &[1, 2], 0).cut(3),
        Sample::new(Big, 1024, 4, &[], 0).cut(1),
        Sample::new(Little, 512, 5, &[1, 2, 3, 4], 0).turned(),
    ]
}

/// The samples of one page, of pages that change, and of pages that change and are added.
fn few_samples() -> Vec<Sample> {
    samples().into_iter().step_by(2).chain([samples().remove(3), samples().remove(7)]).collect()
}

#[test]
fn a_run_may_die_anywhere() {
    let mut tried = Tried::default();
    for sample in samples() {
        tried += crash(&sample, &change, |crash| crash.at_every_point());
    }
    println!("{tried:?}");
    assert!(tried.points > 200 && tried.later_points > 10_000, "{tried:?}");
}

fn roll_back_may_die_anywhere(published: bool) {
    let mut tried = Tried::default();
    for sample in few_samples() {
        let run = |disk: &FakeDisk, sample: &Sample| change_and_reject(disk, sample, published);
        tried += crash(&sample, &run, |crash| crash.at_every_point());
    }
    println!("{tried:?}");
    assert!(tried.points > 120 && tried.later_points > 7_000, "{tried:?}");
}

#[test]
fn a_roll_back_of_written_pages_may_die_anywhere() {
    roll_back_may_die_anywhere(false);
}

#[test]
fn a_roll_back_of_a_whole_file_may_die_anywhere() {
    roll_back_may_die_anywhere(true);
}

#[test]
fn any_call_may_fail_in_a_run() {
    let mut tried = Tried::default();
    for sample in samples() {
        tried += crash(&sample, &change, |crash| crash.with_every_failure());
    }
    println!("{tried:?}");
    assert!(tried.points > 300, "{tried:?}");
}

#[test]
fn any_call_may_fail_in_a_roll_back() {
    let mut tried = Tried::default();
    for sample in samples() {
        let run = |disk: &FakeDisk, sample: &Sample| change_and_reject(disk, sample, true);
        tried += crash(&sample, &run, |crash| crash.with_every_failure());
    }
    println!("{tried:?}");
    assert!(tried.points > 400, "{tried:?}");
}

#[test]
fn an_error_says_how_the_file_is() {
    let sample = Sample::new(Big, 512, 5, &[2, 4], 2);
    let mut seen = [0; 4];
    for call in 0.. {
        let fault = Fault::Fail { call, kind: ErrorKind::StorageFull };
        let disk = FakeDisk::with([(PATH, &sample.old[..])]).faulty(fault);
        let result = change(&disk, &sample);
        if !disk.failed() {
            break;
        }
        let bytes = disk.bytes(PATH).unwrap();
        let kind = match result {
            Ok(_) => 0,
            Err(JournalError::RolledBack { .. }) => {
                assert!(bytes == sample.old && disk.names() == [Path::new(PATH)]);
                1
            }
            Err(JournalError::NotRemoved { .. }) => {
                assert!(bytes == sample.new);
                2
            }
            Err(error) => {
                assert!(matches!(error, JournalError::Io { .. }), "{error}");
                assert!(!disk.marked() && bytes == sample.old);
                3
            }
        };
        seen[kind] += 1;
    }
    assert!(seen[0] == 0 && seen[1..].iter().all(|count| *count > 2), "{seen:?}");
}

#[test]
fn what_fails_before_the_new_page_zero_is_rolled_back_at_once() {
    let sample = Sample::new(Little, 512, 6, &[1, 4], 1);
    let disk = FakeDisk::with([(PATH, &sample.old[..])]);
    let file = disk.open_exclusive(Path::new(PATH), false).unwrap();
    let journal = sample.journal(&disk, &file, PATH).unwrap();
    let error = journal.run(|_, _| Err("not to my taste".into())).unwrap_err();
    assert_eq!(
        error.to_string(),
        "/store/a.db: the new file is not valid: not to my taste; /store/a.db is as before"
    );
    check(&disk, &sample, &Some(Outcome::RolledBack), false);
    assert!(journal::leftover(&disk, &file, Path::new(PATH)).unwrap().is_none());
}

#[test]
fn a_disk_that_keeps_something_else_is_found_out() {
    let sample = Sample::new(Little, 1024, 6, &[1, 4], 1);
    let disk = FakeDisk::with([(PATH, &sample.old[..])]);
    let file = disk.open_exclusive(Path::new(PATH), false).unwrap();
    let mut journal = sample.journal(&disk, &file, PATH).unwrap();
    journal.apply().unwrap();
    journal.read_back().unwrap();
    let written = disk.bytes(PATH).unwrap();
    for page in [1_usize, 4, 6] {
        let mut bytes = written.clone();
        bytes[page * 1024 + 77] ^= 1;
        disk.overwrite(PATH, &bytes);
        match journal.read_back().unwrap_err() {
            JournalError::ReadBack { page: found, offset: 77, .. } => assert_eq!(found.index(), page),
            error => panic!("{error}"),
        }
    }
    disk.overwrite(PATH, &written[..6 * 1024]);
    assert!(matches!(journal.read_back(), Err(JournalError::Length { found: 6144, expected: 7168, .. })));
}

#[test]
fn many_pages_in_any_order() {
    let mut changed: Vec<usize> = (1..5000).filter(|page| page % 7 != 0).collect();
    let ascending = Sample::new(Little, 512, 5000, &changed, 3000);
    changed.sort_by_key(|page| page * 2477 % 5003);
    let shuffled = Sample::new(Big, 512, 5000, &changed, 3000);
    for sample in [ascending, shuffled] {
        let disk = FakeDisk::with([(PATH, &sample.old[..])]);
        assert_eq!(change_and_reject(&disk, &sample, true).unwrap(), Some(Outcome::RolledBack));
        check(&disk, &sample, &Some(Outcome::RolledBack), false);
        change(&disk, &sample).unwrap();
        check(&disk, &sample, &Some(Outcome::Completed), true);
    }
}

/// Where a run and the later run die, and what is left then.
#[derive(Clone, Debug)]
struct Accident {
    points: [usize; 2],
    seeds: [u64; 2],
    wishes: [bool; 2],
}

fn any_sample() -> impl Strategy<Value = Sample> {
    let pages = 1..12_usize;
    (any::<bool>(), 0..3_u32, pages, 0..4_usize).prop_flat_map(|(big, size, pages, appended)| {
        let order = if big { Big } else { Little };
        let changed = proptest::sample::subsequence((1..pages).collect::<Vec<_>>(), 0..pages).prop_shuffle();
        changed.prop_map(move |changed| Sample::new(order, 512 << size, pages, &changed, appended))
    })
}

fn any_accident() -> impl Strategy<Value = Accident> {
    ([0..40_usize, 0..20], any::<[u64; 2]>(), any::<[bool; 2]>())
        .prop_map(|(points, seeds, wishes)| Accident { points, seeds, wishes })
}

#[test]
fn any_change_survives_any_two_accidents() {
    let mut runner = TestRunner::new(Config { cases: 2000, failure_persistence: None, ..Config::default() });
    let stops = std::cell::Cell::new(0);
    runner
        .run(&(any_sample(), any_accident()), |(sample, accident)| {
            let [first, second] = accident.points.map(|change| Fault::Stop { change, sectors: 0 });
            let wish = |resume| if resume { Wish::Resume } else { Wish::RollBack };
            let disk = FakeDisk::with([(PATH, &sample.old[..])]).faulty(first);
            let _ = change(&disk, &sample);
            let disk = disk.after_power_loss(accident.seeds[0]).faulty(second);
            let _ = later(&disk, PATH, &sample, wish(accident.wishes[0]));
            stops.set(stops.get() + usize::from(disk.stopped()));
            let disk = disk.after_power_loss(accident.seeds[1]);
            let gave = later(&disk, PATH, &sample, wish(accident.wishes[1])).unwrap();
            check(&disk, &sample, &gave, false);
            Ok(())
        })
        .unwrap();
    let stops = stops.get();
    assert!(stops > 200, "only {stops} later runs died");
}
