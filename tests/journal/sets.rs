//! Several files as one unit: never some new and some old.

use std::path::Path;

use bdbkit::Endianness::{Big, Little};
use bdbkit::journal::{Disk, DiskFile, JournalError, LeftoverState, Outcome, Set, SetLeftover, leftover};

use crate::fake_disk::{Crash, FakeDisk, Fault, Tried};
use crate::sample::{Sample, Wish, settle};

const DIRECTORY: &str = "/store";
const PATHS: [&str; 3] = ["/store/a.db", "/store/b.db", "/store/c.db"];
const SET_FILE: &str = "/store/bdbkit-set.done";
const MEMBERS: &str = "/store/bdbkit-set.members";

/// Three files that change in many pages, in page 0 alone, and by growing.
fn samples() -> [Sample; 3] {
    [
        Sample::new(Little, 512, 5, &[1, 3, 4], 0),
        Sample::new(Big, 1024, 2, &[], 0),
        Sample::new(Big, 512, 4, &[2, 3], 2),
    ]
}

fn disk(samples: &[Sample; 3]) -> FakeDisk {
    FakeDisk::with(PATHS.into_iter().zip(samples).map(|(path, sample)| (path, &sample.old[..])))
}

fn sample<'a>(samples: &'a [Sample; 3], path: &Path) -> &'a Sample {
    &samples[PATHS.iter().position(|known| Path::new(known) == path).unwrap()]
}

/// Changes all files; or finds at the last file that it should not have.
fn change(disk: &FakeDisk, samples: &[Sample; 3], reject: bool) -> Result<Option<Outcome>, JournalError> {
    let files = open(disk)?;
    let mut set = Set::new(disk, Path::new(DIRECTORY))?;
    for ((file, path), sample) in files.iter().zip(PATHS).zip(samples) {
        if let Err(error) = sample.add_to(&mut set, file, path) {
            set.roll_back()?;
            return Err(error);
        }
    }
    disk.mark();
    set.run(|path, contents, facts| {
        if reject && path == Path::new(PATHS[2]) {
            return Err("not to my taste".into());
        }
        sample(samples, path).validate(contents, facts)
    })
    .map(|()| Some(Outcome::Completed))
}

fn open(disk: &FakeDisk) -> Result<Vec<<FakeDisk as Disk>::File>, JournalError> {
    PATHS.iter().map(|path| disk.open_exclusive(Path::new(path), false)).collect()
}

/// A later run: what became of the set, or of the leftovers that do not tell that they
/// are of one.
fn later(disk: &FakeDisk, samples: &[Sample; 3], wish: Wish) -> Result<Option<Outcome>, JournalError> {
    let files = open(disk)?;
    let mut members = Vec::new();
    let mut gave = None;
    for (file, path) in files.iter().zip(PATHS) {
        let path = Path::new(path);
        match leftover(disk, file, path)? {
            Some(leftover) if leftover.one_of_set() => members.push(leftover),
            Some(leftover) => gave = Some(settle(leftover, sample(samples, path), wish)?),
            None => {}
        }
    }
    let Some(set) = SetLeftover::new(disk, Path::new(DIRECTORY), members)? else { return Ok(gave) };
    let check =
        |path: &Path, form, contents: &_, facts: &_| sample(samples, path).check(form, contents, facts);
    let gave = match wish {
        Wish::Resume => set.resume(check),
        Wish::RollBack => set.roll_back(check),
    };
    match gave {
        // All files are new, and it is too late to have them otherwise.
        Err(JournalError::TooLate { .. }) => later(disk, samples, Wish::Resume),
        gave => gave.map(Some),
    }
}

fn check(disk: &FakeDisk, samples: &[Sample; 3], gave: &Option<Outcome>) {
    let bytes = PATHS.map(|path| disk.bytes(path).unwrap());
    let old = bytes.iter().zip(samples).all(|(bytes, sample)| *bytes == sample.old);
    let new = bytes.iter().zip(samples).all(|(bytes, sample)| *bytes == sample.new);
    assert!(old || new, "a mixture");
    match gave {
        Some(Outcome::Completed) => assert!(new, "the files are not the new ones"),
        Some(Outcome::RolledBack | Outcome::Discarded) => assert!(old, "the files are not the old ones"),
        None => {}
        Some(other) => panic!("{other:?}"),
    }
    assert_eq!(disk.names(), PATHS.map(Path::new), "something was left behind");
}

fn crash(reject: bool, with: impl FnOnce(&Crash<'_, Outcome>) -> Tried) -> Tried {
    let samples = samples();
    let tried = with(&Crash {
        disk: &disk(&samples),
        run: &|disk| match change(disk, &samples, reject) {
            Err(JournalError::RolledBack { .. }) if reject => Ok(Some(Outcome::RolledBack)),
            result => result,
        },
        later: &[
            ("resumed", &|disk| later(disk, &samples, Wish::Resume)),
            ("rolled back", &|disk| later(disk, &samples, Wish::RollBack)),
        ],
        check: &|disk, gave, _| check(disk, &samples, gave),
    });
    println!("{tried:?}");
    tried
}

#[test]
fn a_run_over_several_files_may_die_anywhere() {
    let tried = crash(false, |crash| crash.at_every_point());
    assert!(tried.points > 70 && tried.later_points > 5_000, "{tried:?}");
}

#[test]
fn a_roll_back_of_several_files_may_die_anywhere() {
    let tried = crash(true, |crash| crash.at_every_point());
    assert!(tried.points > 80 && tried.later_points > 5_000, "{tried:?}");
}

#[test]
fn any_call_may_fail_in_a_run_over_several_files() {
    let tried = crash(false, |crash| crash.with_every_failure());
    assert!(tried.points > 150, "{tried:?}");
}

#[test]
fn any_call_may_fail_in_a_roll_back_of_several_files() {
    let tried = crash(true, |crash| crash.with_every_failure());
    assert!(tried.points > 150, "{tried:?}");
}

/// The disk on which a run died at the first point that pleases.
fn died(samples: &[Sample; 3], mut wanted: impl FnMut(&FakeDisk) -> bool) -> FakeDisk {
    (0..)
        .map(|change_number| {
            let disk = disk(samples).faulty(Fault::Stop { change: change_number, sectors: 0 });
            let _ = change(&disk, samples, false);
            assert!(disk.stopped(), "no such point");
            disk.copy()
        })
        .find(|disk| wanted(disk))
        .unwrap()
}

#[test]
fn a_file_is_not_parted_from_its_set() {
    let samples = samples();
    let disk = died(&samples, |disk| disk.bytes(PATHS[1]).unwrap() == samples[1].new);
    let path = Path::new(PATHS[1]);
    let file = disk.open_exclusive(path, false).unwrap();
    for wish in [Wish::Resume, Wish::RollBack] {
        let leftover = leftover(&disk, &file, path).unwrap().unwrap();
        let error = settle(leftover, &samples[1], wish).unwrap_err();
        assert!(matches!(error, JournalError::OneOfSet { .. }), "{error}");
    }
}

#[test]
fn a_file_used_since_stops_a_set_and_is_not_touched() {
    let samples = samples();
    let disk = died(&samples, |disk| disk.bytes(PATHS[1]).unwrap() == samples[1].new);
    let mut used = samples[1].new.clone();
    used[40] ^= 1;
    disk.put(PATHS[1], &used);
    for wish in [Wish::Resume, Wish::RollBack] {
        let disk = disk.copy();
        let error = later(&disk, &samples, wish).unwrap_err();
        let JournalError::Stuck { state, .. } = error else { panic!("{error}") };
        assert_eq!(state, LeftoverState::Foreign);
        assert_eq!(disk.bytes(PATHS[1]).unwrap(), used);
    }
    let path = Path::new(PATHS[1]);
    let file = disk.open_exclusive(path, false).unwrap();
    let apart = leftover(&disk, &file, path).unwrap().unwrap().apart();
    assert!(!apart.one_of_set());
    assert!(matches!(settle(apart, &samples[1], Wish::Resume).unwrap(), Outcome::Orphaned(_)));
    assert_eq!(later(&disk, &samples, Wish::Resume).unwrap(), Some(Outcome::Completed));
    assert!(disk.bytes(PATHS[1]).unwrap() == used && disk.bytes(PATHS[2]).unwrap() == samples[2].new);
}

#[test]
fn a_set_file_ends_only_the_journals_it_names() {
    let samples = samples();
    let finished = died(&samples, |disk| disk.bytes(SET_FILE).is_some_and(|bytes| !bytes.is_empty()));
    let half_written = died(&samples, |disk| disk.bytes(PATHS[0]).unwrap()[..512] != samples[0].old[..512]);
    half_written.put(SET_FILE, &finished.bytes(SET_FILE).unwrap());
    assert_eq!(later(&half_written, &samples, Wish::Resume).unwrap(), Some(Outcome::Completed));
    check(&half_written, &samples, &Some(Outcome::Completed));
}

#[test]
fn a_damaged_set_file_is_none() {
    let samples = samples();
    let finished = died(&samples, |disk| disk.bytes(SET_FILE).is_some_and(|bytes| !bytes.is_empty()));
    let whole = finished.bytes(SET_FILE).unwrap();
    for cut in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[cut] ^= 0x80;
        for bytes in [&whole[..cut], &flipped] {
            let disk = finished.copy();
            disk.put(SET_FILE, bytes);
            if bytes.len() > cut && cut < 8 {
                // Perhaps a file of somebody else.
                let error = later(&disk, &samples, Wish::RollBack).unwrap_err();
                assert!(matches!(error, JournalError::NotOurs { .. }), "{error}");
                assert_eq!(disk.bytes(SET_FILE).unwrap(), flipped);
                continue;
            }
            assert_eq!(later(&disk, &samples, Wish::RollBack).unwrap(), Some(Outcome::RolledBack));
            check(&disk, &samples, &Some(Outcome::RolledBack));
        }
    }
    assert!(matches!(
        Set::new(&finished, Path::new(DIRECTORY)),
        Err(JournalError::Exists { path }) if path == Path::new(MEMBERS)
    ));
}

/// From the first moment on at which a file is not old any more, until all are new or old again.
#[test]
fn the_members_are_on_record_as_long_as_one_is_unfinished() {
    let samples = samples();
    let (mut seen, mut published) = (0, 0);
    for reject in [false, true] {
        for number in 0.. {
            let disk = disk(&samples).faulty(Fault::Stop { change: number, sectors: 0 });
            let _ = change(&disk, &samples, reject);
            if !disk.stopped() {
                break;
            }
            for (how, disk) in disk.remains(4, 4) {
                let found = PATHS.map(|path| disk.bytes(path).unwrap());
                let all = |of: fn(&Sample) -> &Vec<u8>| found.iter().zip(&samples).all(|(f, s)| f == of(s));
                let recorded = SetLeftover::on_record(&disk, Path::new(DIRECTORY)).unwrap();
                if !all(|sample| &sample.old) && !all(|sample| &sample.new) {
                    assert_eq!(recorded.unwrap(), PATHS.map(Path::new), "stopped at {number}; {how}");
                    seen += 1;
                }
                published += usize::from(disk.bytes(SET_FILE).is_some() && disk.bytes(MEMBERS).is_none());
            }
        }
    }
    assert!(seen > 100 && published > 0, "{seen} {published}");
}

#[test]
fn what_is_no_record_of_a_set_is_not_touched() {
    let samples = samples();
    for name in [MEMBERS, SET_FILE] {
        for other in [&b"mine"[..], b"BDBKJRN2", &[0, 0, 1]] {
            let disk = disk(&samples);
            disk.put(name, other);
            assert!(SetLeftover::on_record(&disk, Path::new(DIRECTORY)).unwrap().is_none());
            assert!(SetLeftover::new(&disk, Path::new(DIRECTORY), Vec::new()).unwrap().is_none());
            let error = change(&disk, &samples, false).unwrap_err();
            assert!(
                matches!(&error, JournalError::NotOurs { path, .. } if path == Path::new(name)),
                "{error}"
            );
            assert_eq!(disk.bytes(name).unwrap(), other);
            assert!(PATHS.iter().zip(&samples).all(|(path, sample)| disk.bytes(path).unwrap() == sample.old));
        }
    }
}

const GONE: &str = "/store/gone";
const FROM: &str = "/store/log.1";
const TO: &str = "/store/log.old";
const DRAFT: &str = "/store/new.bdbkit-tmp-1";
const NEW: &str = "/store/new";
const OTHER_DRAFT: &str = "/store/whole.bdbkit-tmp-2";
const WHOLE: &str = "/store/whole";

/// Databases, a file that is to be removed, one that gets another name, and one that is replaced.
fn with_files(samples: &[Sample; 3]) -> FakeDisk {
    let disk = disk(samples);
    disk.put(GONE, b"gone");
    disk.put(FROM, b"log");
    disk.put(WHOLE, b"whole");
    disk
}

/// Makes, replaces, renames and removes files, together with the databases or without.
fn change_files(
    disk: &FakeDisk,
    samples: &[Sample; 3],
    databases: usize,
    reject: bool,
) -> Result<Option<Outcome>, JournalError> {
    let files = open(disk)?;
    let mut set = Set::new(disk, Path::new(DIRECTORY))?;
    let failed = |cause| JournalError::Io { path: DRAFT.into(), doing: "writing", cause };
    let draft = disk.create_new(Path::new(DRAFT)).map_err(failed)?;
    draft.write_at(0, b"new").map_err(failed)?;
    let other = disk.create_new(Path::new(OTHER_DRAFT)).map_err(failed)?;
    other.write_at(0, b"whole and new").map_err(failed)?;
    let planned = files
        .iter()
        .zip(PATHS)
        .zip(samples)
        .take(databases)
        .try_for_each(|((file, path), sample)| sample.add_to(&mut set, file, path))
        .and_then(|()| set.make(Path::new(DRAFT), Path::new(NEW)))
        .and_then(|()| set.rename(Path::new(FROM), Path::new(TO)))
        .and_then(|()| set.remove(Path::new(GONE)))
        .and_then(|()| set.replace(Path::new(OTHER_DRAFT), Path::new(WHOLE)));
    if let Err(error) = planned {
        set.roll_back()?;
        return Err(error);
    }
    disk.mark();
    set.run(|path, contents, facts| {
        if reject { Err("not to my taste".into()) } else { sample(samples, path).validate(contents, facts) }
    })
    .map(|()| Some(Outcome::Completed))
}

fn check_files(disk: &FakeDisk, samples: &[Sample; 3], databases: usize, gave: &Option<Outcome>) {
    let has = |path: &str, bytes: &[u8]| disk.bytes(path).is_some_and(|found| found == bytes);
    let all = |of: fn(&Sample) -> &[u8]| {
        PATHS.into_iter().zip(samples).take(databases).all(|(path, sample)| has(path, of(sample)))
    };
    let mut names = disk.names();
    names.retain(|name| !PATHS.iter().any(|path| Path::new(path) == name));
    let new = all(|sample| &sample.new)
        && has(NEW, b"new")
        && has(TO, b"log")
        && has(WHOLE, b"whole and new")
        && names == [Path::new(TO), Path::new(NEW), Path::new(WHOLE)];
    // A draft of which nothing is on record is in nobody's way.
    names.retain(|name| ![DRAFT, OTHER_DRAFT].map(Path::new).contains(&name.as_path()));
    let old = all(|sample| &sample.old)
        && has(GONE, b"gone")
        && has(FROM, b"log")
        && has(WHOLE, b"whole")
        && names == [Path::new(GONE), Path::new(FROM), Path::new(WHOLE)];
    assert!(old || new, "a mixture: {names:?}");
    match gave {
        Some(Outcome::Completed) => assert!(new, "not what was to be: {names:?}"),
        Some(Outcome::RolledBack | Outcome::Discarded) => assert!(old, "not what was before: {names:?}"),
        None => {}
        Some(other) => panic!("{other:?}"),
    }
}

fn crash_files(databases: usize, reject: bool, with: impl FnOnce(&Crash<'_, Outcome>) -> Tried) -> Tried {
    let samples = samples();
    let tried = with(&Crash {
        disk: &with_files(&samples),
        run: &|disk| match change_files(disk, &samples, databases, reject) {
            Err(JournalError::RolledBack { .. }) if reject => Ok(Some(Outcome::RolledBack)),
            result => result,
        },
        later: &[
            ("resumed", &|disk| later(disk, &samples, Wish::Resume)),
            ("rolled back", &|disk| later(disk, &samples, Wish::RollBack)),
        ],
        check: &|disk, gave, _| check_files(disk, &samples, databases, gave),
    });
    println!("{tried:?}");
    tried
}

/// Files are made, renamed and removed if the databases are new, and else as they were.
#[test]
fn a_run_that_makes_renames_and_removes_files_may_die_anywhere() {
    for (databases, points) in [(0, 10), (2, 50)] {
        let tried = crash_files(databases, false, |crash| crash.at_every_point());
        assert!(tried.points > points, "{tried:?}");
        let tried = crash_files(databases, false, |crash| crash.with_every_failure());
        assert!(tried.points > points, "{tried:?}");
    }
    let tried = crash_files(2, true, |crash| crash.at_every_point());
    assert!(tried.points > 50, "{tried:?}");
    let samples = samples();
    let disk = with_files(&samples);
    change_files(&disk, &samples, 2, true).unwrap_err();
    assert!(disk.bytes(DRAFT).is_none(), "a draft that is on record goes with the rest");
}

#[test]
fn steps_that_cannot_be_are_refused() {
    let samples = samples();
    let disk = with_files(&samples);
    disk.put("/store/other", b"other");
    disk.put("/else/where", b"where");
    let path = |name: &'static str| Path::new(name);
    let mut set = Set::new(&disk, path(DIRECTORY)).unwrap();
    let taken = |gave: Result<(), JournalError>| matches!(gave.unwrap_err(), JournalError::Taken { .. });
    let wrong = |gave: Result<(), JournalError>| matches!(gave.unwrap_err(), JournalError::Step { .. });
    assert!(taken(set.rename(path(FROM), path("/store/other"))));
    assert!(wrong(set.rename(path(FROM), path("/else/new"))) && wrong(set.remove(path("/else/where"))));
    assert!(set.remove(path("/store/nothing")).is_err());
    set.rename(path(FROM), path(TO)).unwrap();
    assert!(wrong(set.remove(path(FROM))) && wrong(set.rename(path("/store/other"), path(TO))));
    set.remove(path(GONE)).unwrap();
    disk.put(OTHER_DRAFT, b"draft");
    assert!(set.replace(path(OTHER_DRAFT), path("/store/nothing")).is_err());
    assert!(wrong(set.replace(path(OTHER_DRAFT), path(GONE))));
    // Another program is quicker.
    disk.put(TO, b"theirs");
    let error = set.run(|_, _, _| Ok(())).unwrap_err();
    assert!(matches!(error, JournalError::RolledBack { .. }), "{error}");
    assert_eq!((disk.bytes(TO).unwrap(), disk.bytes(FROM).unwrap()), (b"theirs".to_vec(), b"log".to_vec()));
    assert!(disk.bytes(GONE).is_some() && disk.bytes(MEMBERS).is_none() && disk.bytes(SET_FILE).is_none());
}

/// What was used since by others is neither removed nor renamed, and nothing of theirs replaced.
#[test]
fn files_that_were_used_since_are_left_alone() {
    let samples = samples();
    let decided = || {
        let fresh = with_files(&samples);
        (0..)
            .map(|change| {
                let disk = fresh.faulty(Fault::Stop { change, sectors: 0 });
                let _ = change_files(&disk, &samples, 0, false);
                assert!(disk.stopped(), "no such point");
                disk.copy()
            })
            .find(|disk| disk.bytes(SET_FILE).is_some_and(|record| !record.is_empty()))
            .unwrap()
    };
    let disk = decided();
    disk.overwrite(GONE, b"used");
    assert_eq!(later(&disk, &samples, Wish::Resume).unwrap(), Some(Outcome::Completed));
    assert!(disk.bytes(GONE).unwrap() == b"used" && disk.bytes(TO).unwrap() == b"log");

    let disk = decided();
    disk.put(NEW, b"theirs");
    let error = later(&disk, &samples, Wish::Resume).unwrap_err();
    assert!(matches!(error, JournalError::Taken { .. }), "{error}");
    assert!(disk.bytes(NEW).unwrap() == b"theirs" && disk.bytes(MEMBERS).is_some());

    let disk = decided();
    disk.overwrite(WHOLE, b"theirs");
    let error = later(&disk, &samples, Wish::Resume).unwrap_err();
    assert!(matches!(error, JournalError::Replaced { .. }), "{error}");
    assert!(disk.bytes(WHOLE).unwrap() == b"theirs" && disk.bytes(OTHER_DRAFT).is_some());

    let disk = decided();
    disk.put(FROM, b"log");
    let error = later(&disk, &samples, Wish::Resume).unwrap_err();
    assert!(matches!(error, JournalError::Replaced { .. }), "{error}");
}
