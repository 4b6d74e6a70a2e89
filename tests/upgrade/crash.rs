//! Upgrades on a disk that stops, or fails, at any operation: the file is entirely old or
//! entirely new in the end, and so are all files of a folder.
//!
//! A sample runs every time. All files of versions 6 to 8 in testdata below 1 MiB, in three
//! ways each, with every point counted, in about a quarter of an hour:
//!
//! ```text
//! BDBKIT_CRASH=all cargo test --profile hardened --features upgrade --test upgrade crash:: -- --nocapture
//! ```

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bdbkit::downgrade::{Downgrade, DowngradeChoices, DowngradeTo};
use bdbkit::journal::{self, Disk, JournalError, Outcome};
use bdbkit::upgrade::{
    Choices, Convert, Duplicates, EditError, NewId, Profile, Refusal, Report, Reset, Upgrade, in_memory,
};
use bdbkit::{Endianness, FileId};

use crate::common::hash::HashFile;
use crate::common::{data, databases, read, readable, testdata};
use crate::fake_disk::{Crash, FakeDisk, Fault, Tried};

const FOLDER: &str = "/store";
const ID: FileId = FileId(*b"an id of twenty byte");
/// Longest files that are tried with all points, in bytes. A reset changes every page.
const LONGEST: usize = 1 << 20;
const LONGEST_RESET: usize = 8 << 10;

/// What is done to files.
#[derive(Clone, Copy, Debug)]
enum Job {
    Upgrade(Profile, Duplicates),
    ResetLsn,
    ResetFileId,
    /// To little-endian: what is tried is big-endian.
    Convert,
    Downgrade(DowngradeTo),
}

const V9: Job = Job::Upgrade(Profile::V9, Duplicates::Unsorted);

impl Job {
    fn choices(self) -> Choices {
        let (profile, duplicates) = match self {
            Job::Upgrade(profile, duplicates) => (profile, duplicates),
            _ => (Profile::V9, Duplicates::Unsorted),
        };
        let id = NewId::Given(ID);
        Choices { profile, duplicates, id, ..Choices::default() }
    }

    fn run(self, disk: &FakeDisk, paths: &[PathBuf]) -> Result<Report, EditError> {
        match self {
            Job::Upgrade(..) => {
                let upgrade = Upgrade::on(disk, paths).choices(self.choices());
                upgrade.ignore_logs(true).assume_closed(true).run()
            }
            Job::Downgrade(to) => {
                let downgrade = Downgrade::on(disk, paths, DowngradeChoices::new(to));
                downgrade.ignore_logs(true).assume_closed(true).run()
            }
            Job::ResetLsn => Reset::lsn_on(disk, paths).ignore_logs(true).assume_closed(true).run(),
            Job::ResetFileId => {
                Reset::file_id_on(disk, paths).to(ID).ignore_logs(true).assume_closed(true).run()
            }
            Job::Convert => {
                let convert = Convert::on(disk, paths, Endianness::Little);
                convert.ignore_logs(true).assume_closed(true).run()
            }
        }
    }
}

/// Files before and after a job.
struct Files {
    job: Job,
    /// Those that are given: all, but for extents.
    given: Vec<PathBuf>,
    paths: Vec<PathBuf>,
    old: Vec<Vec<u8>>,
    new: Vec<Vec<u8>>,
}

impl Files {
    /// One file that is to be upgraded; `None` if there is nothing to do.
    fn upgraded(job: Job, old: Vec<u8>) -> Option<Files> {
        let (new, _) = in_memory(&old, &job.choices()).ok()?;
        let paths = vec![Path::new(FOLDER).join("a.db")];
        let given = paths.clone();
        (new != old).then_some(Files { job, given, paths, old: vec![old], new: vec![new] })
    }

    /// Files of which a run without accidents says what becomes of them; `None` if there is
    /// nothing to do.
    fn after_run(job: Job, old: Vec<Vec<u8>>) -> Option<Files> {
        let paths: Vec<_> =
            (0..old.len()).map(|number| Path::new(FOLDER).join(format!("{number}.db"))).collect();
        Files::of_given(job, paths.len(), paths, old)
    }

    /// The same of files of which the first ones are given.
    fn of_given(job: Job, given: usize, paths: Vec<PathBuf>, old: Vec<Vec<u8>>) -> Option<Files> {
        let mut files = Files { job, given: paths[..given].to_vec(), paths, new: old.clone(), old };
        let disk = files.disk();
        job.run(&disk, &files.given).unwrap();
        files.new = files.paths.iter().map(|path| disk.bytes(path).unwrap()).collect();
        (files.old != files.new).then_some(files)
    }

    fn disk(&self) -> FakeDisk {
        let names = self.paths.iter().map(|path| path.to_str().unwrap());
        FakeDisk::with(names.zip(self.old.iter().map(Vec::as_slice)))
    }

    /// The job: `None` if nothing was left to do. From the first change of a file on it must
    /// not be forgotten.
    fn run(&self, disk: &FakeDisk) -> Result<Option<Outcome>, EditError> {
        self.paths.iter().for_each(|path| disk.mark_at_first_sync(path));
        let report = self.job.run(disk, &self.given)?;
        assert!(self.found(disk) == self.new, "not the new files");
        let did = report.files.iter().any(|file| file.changed() || file.leftover.is_some());
        Ok(did.then_some(Outcome::Completed))
    }

    fn resume(&self, disk: &FakeDisk) -> Result<Option<Outcome>, EditError> {
        self.upgrade(disk).resume().map(|settled| only(settled.files))
    }

    fn roll_back(&self, disk: &FakeDisk) -> Result<Option<Outcome>, EditError> {
        match self.upgrade(disk).roll_back() {
            // All files of the set are new, and it is too late to have them otherwise.
            Err(EditError::Journal(JournalError::TooLate { .. })) => self.resume(disk),
            gave => gave.map(|settled| only(settled.files)),
        }
    }

    fn upgrade<'d>(&self, disk: &'d FakeDisk) -> Upgrade<'d, FakeDisk> {
        Upgrade::on(disk, &self.given).choices(self.job.choices()).ignore_logs(true).assume_closed(true)
    }

    fn journal(&self, number: usize) -> PathBuf {
        journal::name(&self.paths[number])
    }

    fn found(&self, disk: &FakeDisk) -> Vec<Vec<u8>> {
        self.paths.iter().map(|path| disk.bytes(path).unwrap()).collect()
    }

    fn check(&self, disk: &FakeDisk, gave: Option<&Outcome>, marked: bool) {
        let found = self.found(disk);
        let (old, new) = (found == self.old, found == self.new);
        match gave {
            Some(Outcome::Completed) => assert!(new, "not the new files"),
            Some(Outcome::RolledBack) => assert!(old, "not the old files"),
            Some(Outcome::Discarded) => {
                assert!(old && !marked, "not the old files, or a change was forgotten")
            }
            None => assert!(new || (old && !marked), "a mixture, or a change was forgotten"),
            Some(other) => panic!("{other:?}"),
        }
        let mut names = self.paths.clone();
        names.sort();
        assert_eq!(disk.names(), names, "something was left behind");
    }

    fn crash(&self, with: impl FnOnce(&Crash<'_, Outcome>) -> Tried) -> Tried {
        with(&Crash {
            disk: &self.disk(),
            run: &|disk| self.run(disk).map_err(disk_error),
            later: &[
                ("resumed", &|disk| self.resume(disk).map_err(disk_error)),
                ("rolled back", &|disk| self.roll_back(disk).map_err(disk_error)),
                ("run again", &|disk| self.run(disk).map_err(disk_error)),
            ],
            check: &|disk, gave, marked| {
                // A set is given up if none of its files was touched: some may not be known.
                self.check(disk, gave.as_ref(), marked && self.paths.len() == 1);
            },
        })
    }
}

/// What became of all files: of those of a set the same.
fn only(outcomes: Vec<Option<Outcome>>) -> Option<Outcome> {
    outcomes.into_iter().flatten().next()
}

/// The error of the disk that the harness speaks of.
fn disk_error(error: EditError) -> JournalError {
    match error {
        EditError::Journal(error) => error,
        other => JournalError::Planning { path: FOLDER.into(), cause: other.into() },
    }
}

fn all() -> bool {
    std::env::var_os("BDBKIT_CRASH").is_some_and(|what| what == "all")
}

/// The files that are tried: all, or those named.
fn sample(names: &[&str], longest: usize) -> Vec<(String, Vec<u8>)> {
    let files = readable().into_iter().map(|golden| (golden.name(), read(&golden.db)));
    let files = files.filter(|(name, bytes)| match all() {
        true => bytes.len() < longest,
        false => names.contains(&name.as_str()),
    });
    files.collect()
}

/// A chain of duplicates that becomes a tree; a page is added.
const CHAIN: &str = "btree-v6-be-dups-offpage/data.db";
/// A file of which page 0 alone changes.
const HEAD: &str = "btree-v7-be-one/data.db";

/// A file of several databases, each with an id.
const SUBDATABASES: &str = "btree-v8-be-subdbs/data.db";

fn at_every_point(crash: &Crash<'_, Outcome>, twice: bool) -> Tried {
    if twice || all() { crash.at_every_point() } else { crash.at_every_first_point() }
}

/// Stops a job on each of the files at every point; later runs too, if asked or if all is
/// to be tried.
fn may_die_anywhere(job: Job, names: &[&str], twice: bool) {
    let (mut tried, mut files, began) = (Tried::default(), 0, Instant::now());
    let longest = if matches!(job, Job::Upgrade(..)) { LONGEST } else { LONGEST_RESET };
    for (name, bytes) in sample(names, longest) {
        let found = match job {
            Job::Upgrade(..) => Files::upgraded(job, bytes),
            _ => Files::after_run(job, vec![bytes]),
        };
        let Some(found) = found else { continue };
        let one = found.crash(|crash| at_every_point(crash, twice));
        if all() {
            println!("{job:?}, {name}: {one:?}");
        }
        tried += one;
        files += 1;
    }
    println!("{job:?}: {files} files, {tried:?}, {:.0?}", began.elapsed());
    let least = if all() { 50 } else { names.len() };
    assert!(files >= least && tried.points > 12 * files && tried.disks > 200 * files, "{tried:?}");
    assert!(!twice || tried.later_points > 1_000 * files, "{tried:?}");
}

#[test]
fn an_upgrade_may_die_anywhere() {
    if all() {
        return may_die_anywhere(V9, &[], true);
    }
    may_die_anywhere(V9, &[CHAIN], false);
    may_die_anywhere(V9, &[HEAD], true);
}

/// A HASH with chains of duplicates, and one with pages that are not there yet.
#[test]
fn an_upgrade_of_a_hash_may_die_anywhere() {
    let file = HashFile { short: true, ..HashFile::new(5, Endianness::Big, 512, 7) };
    let short = file.build(&[(b"key".to_vec(), vec![b"value".to_vec()])]);
    for (old, added) in [(data("hash-v5-le-dups-offpage"), false), (short, true)] {
        let files = Files::upgraded(V9, old).unwrap();
        assert!(!added || files.new[0].len() > files.old[0].len());
        let tried = files.crash(|crash| at_every_point(crash, added));
        println!("a hash: {tried:?}");
        assert!(tried.points > 12 && tried.disks > 200, "{tried:?}");
        let tried = files.crash(|crash| crash.with_every_failure());
        assert!(tried.points > 20, "{tried:?}");
    }
}

/// A QUEUE whose extents change with it: of them only the main file is given.
#[test]
fn an_upgrade_of_a_queue_with_extents_may_die_anywhere() {
    let folder = testdata().join("queue-v3-be-extents");
    let names: Vec<String> = (1..=4).map(|number| format!("__dbq.data.db.{number}")).collect();
    let names: Vec<_> = std::iter::once("data.db".to_owned()).chain(names).collect();
    let old: Vec<_> = names.iter().map(|name| read(folder.join(name))).collect();
    let paths = names.iter().map(|name| Path::new(FOLDER).join(name)).collect();
    let files = Files::of_given(V9, 1, paths, old).unwrap();
    assert!(files.old.iter().zip(&files.new).all(|(old, new)| old != new));
    let tried = files.crash(|crash| at_every_point(crash, false));
    println!("a queue: {tried:?}");
    assert!(tried.points > 80 && tried.disks > 1_000, "{tried:?}");
    let tried = files.crash(|crash| crash.with_every_failure());
    assert!(tried.points > 100, "{tried:?}");
}

#[test]
fn an_upgrade_as_the_genuine_tools_do_it_may_die_anywhere() {
    may_die_anywhere(Job::Upgrade(Profile::Genuine8b, Duplicates::Unsorted), &[CHAIN], false);
}

#[test]
fn an_upgrade_to_sorted_duplicates_may_die_anywhere() {
    may_die_anywhere(Job::Upgrade(Profile::V9, Duplicates::SortedUnchecked), &[CHAIN], false);
}

#[test]
fn a_reset_of_lsns_may_die_anywhere() {
    may_die_anywhere(Job::ResetLsn, &[HEAD, CHAIN], false);
}

#[test]
fn a_reset_of_an_id_may_die_anywhere() {
    may_die_anywhere(Job::ResetFileId, &[HEAD, SUBDATABASES], false);
}

#[test]
fn a_conversion_may_die_anywhere() {
    may_die_anywhere(Job::Convert, &[HEAD, CHAIN], false);
}

/// A QUEUE of which every page in every extent changes.
#[test]
fn a_conversion_of_a_queue_with_extents_may_die_anywhere() {
    let folder = testdata().join("queue-v4-be-middle");
    let names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| name.starts_with("__dbq."));
    names.sort();
    names.insert(0, "data.db".to_owned());
    assert!(names.len() > 2, "{names:?}");
    let old: Vec<_> = names.iter().map(|name| read(folder.join(name))).collect();
    let paths = names.iter().map(|name| Path::new(FOLDER).join(name)).collect();
    let files = Files::of_given(Job::Convert, 1, paths, old).unwrap();
    assert!(files.old.iter().zip(&files.new).all(|(old, new)| old != new));
    let tried = files.crash(|crash| at_every_point(crash, false));
    println!("a queue: {tried:?}");
    assert!(tried.points > 80 && tried.disks > 1_000, "{tried:?}");
}

#[test]
fn a_downgrade_may_die_anywhere() {
    let down = Job::Downgrade(DowngradeTo::V6);
    may_die_anywhere(down, &["btree-v9-le-one/data.db"], true);
    // Trees become chains, and pages are freed.
    let files = Files::after_run(down, sample_of(&["btree-v9-le-dups-offpage/data.db"])).unwrap();
    let tried = files.crash(|crash| at_every_point(crash, false));
    assert!(tried.points > 12 && tried.disks > 200, "{tried:?}");
    let both = sample_of(&["btree-v9-le-dups-offpage/data.db", "hash-v9-le-few-4.7/data.db"]);
    let tried = Files::after_run(down, both).unwrap().crash(|crash| crash.with_every_failure());
    assert!(tried.points > 50, "{tried:?}");
}

/// The databases of a message store, as they stand in its folder.
fn store() -> Files {
    let folder = testdata().join("mboxlist-ims5-log2-be");
    let old: Vec<_> = databases(&folder).iter().map(read).collect();
    assert_eq!(old.len(), 5);
    Files::after_run(V9, old).unwrap()
}

#[test]
fn an_upgrade_of_a_folder_may_die_anywhere() {
    let began = Instant::now();
    let tried = store().crash(|crash| at_every_point(crash, false));
    println!("a folder: {tried:?}, {:.0?}", began.elapsed());
    assert!(tried.points > 80 && tried.disks > 1_000, "{tried:?}");
}

#[test]
fn an_upgrade_of_two_files_may_die_anywhere() {
    let files = Files::after_run(V9, sample_of(&[CHAIN, HEAD])).unwrap();
    let tried = files.crash(|crash| at_every_point(crash, false));
    println!("two files: {tried:?}");
    assert!(tried.points > 40 && tried.disks > 500, "{tried:?}");
}

#[test]
fn any_call_may_fail() {
    let jobs = [V9, Job::ResetLsn, Job::ResetFileId, Job::Convert];
    let files = sample_of(&[CHAIN, HEAD, SUBDATABASES]);
    let mut tried = Tried::default();
    for job in jobs {
        for old in &files {
            tried +=
                Files::after_run(job, vec![old.clone()]).unwrap().crash(|crash| crash.with_every_failure());
        }
        tried += Files::after_run(job, files.clone()).unwrap().crash(|crash| crash.with_every_failure());
    }
    tried += store().crash(|crash| crash.with_every_failure());
    println!("failures: {tried:?}");
    assert!(tried.points > 1_000, "{tried:?}");
}

/// Some files of testdata, by name.
fn sample_of(names: &[&str]) -> Vec<Vec<u8>> {
    names.iter().map(|name| read(testdata().join(name))).collect()
}

/// What a run says of the files when a call failed is how they are.
#[test]
fn an_error_says_how_the_files_are() {
    let mut seen = [0; 3];
    for files in [Files::after_run(V9, sample_of(&[CHAIN])).unwrap(), store()] {
        for (call, kind) in (0..).flat_map(|call| [(call, ErrorKind::StorageFull), (call, ErrorKind::Other)])
        {
            let disk = files.disk().faulty(Fault::Fail { call, kind });
            let result = files.run(&disk);
            if !disk.failed() {
                break;
            }
            let found = files.found(&disk);
            let Err(error) = result else { continue };
            let clean = disk.names() == files.paths;
            let state = match disk_error(error) {
                JournalError::RolledBack { .. } => {
                    assert!(found == files.old && clean);
                    0
                }
                JournalError::NotRemoved { .. } => {
                    assert!(found == files.new);
                    1
                }
                error => {
                    assert!(!disk.marked() && found == files.old, "{error}");
                    2
                }
            };
            seen[state] += 1;
        }
    }
    assert!(seen.iter().all(|&count| count > 10), "{seen:?}");
}

#[test]
fn a_disk_that_is_full_is_found_out_before_anything_is_written() {
    for files in [Files::after_run(V9, sample_of(&[CHAIN])).unwrap(), store()] {
        let disk = files.disk();
        disk.fill();
        let error = files.run(&disk).unwrap_err();
        assert!(matches!(error, EditError::Journal(JournalError::Space { .. })), "{error}");
        files.check(&disk, Some(&Outcome::RolledBack), false);
    }
}

/// A disk on which the run over two files stopped when both were new and the journal of the
/// first was gone.
fn sealed(files: &Files) -> FakeDisk {
    let gone = |disk: &FakeDisk| !disk.names().contains(&files.journal(0));
    let stops = (0..).map(|change| {
        let disk = files.disk().faulty(Fault::Stop { change, sectors: 0 });
        let _ = files.run(&disk);
        assert!(disk.stopped(), "no such point");
        disk.copy()
    });
    stops.skip_while(gone).find(gone).unwrap()
}

/// The file that was ended already says nothing of its set: the set file does.
#[test]
fn a_file_of_a_set_that_is_ended_does_not_part_it() {
    let files = Files::after_run(V9, sample_of(&[CHAIN, HEAD])).unwrap();
    let disk = sealed(&files);
    let one = |disk| Upgrade::on(disk, &files.paths[..1]).choices(files.job.choices());
    let error = one(&disk).roll_back().unwrap_err();
    assert!(matches!(error, EditError::Journal(JournalError::TooLate { .. })), "{error}");
    assert!(disk.names().contains(&files.journal(1)));
    let again = disk.copy();
    assert_eq!(one(&disk).resume().unwrap().files, [None]);
    files.check(&disk, Some(&Outcome::Completed), false);
    assert!(!one(&again).run().unwrap().files[0].changed());
    files.check(&again, Some(&Outcome::Completed), false);
}

/// A run may die anywhere, and a later one is given one of the files only, whichever it is: it
/// finds the others. While they are brought back their journals go one by one, too.
#[test]
fn any_file_of_a_set_leads_to_the_others() {
    let files = Files::after_run(V9, sample_of(&[CHAIN, HEAD, SUBDATABASES])).unwrap();
    let (mut found_none, mut brought) = (0, [0; 2]);
    let mut later = |disk: &FakeDisk, story: &str| {
        for (one, back) in (0..files.paths.len()).flat_map(|one| [(one, false), (one, true)]) {
            let disk = disk.copy();
            let upgrade = Upgrade::on(&disk, &files.paths[one..=one]).choices(V9.choices());
            match if back { upgrade.roll_back() } else { upgrade.resume() } {
                Err(EditError::Journal(JournalError::TooLate { .. })) => upgrade.resume().unwrap(),
                settled => settled.unwrap_or_else(|error| panic!("{story}: {error}")),
            };
            let found = files.found(&disk);
            assert!(found == files.old || found == files.new, "{story}, {one}, {back}: a mixture");
            if disk.names() == files.paths {
                brought[usize::from(found == files.new)] += 1;
            } else {
                // Only journals of a run that died before it touched a file.
                let names = disk.names();
                files.roll_back(&disk).unwrap();
                assert!(
                    found == files.old && files.found(&disk) == files.old,
                    "{story}, {one}, {back}: {names:?}"
                );
                assert_eq!(disk.names(), files.paths, "{story}, {one}, {back}");
                found_none += 1;
            }
        }
    };
    for change in 0.. {
        let disk = files.disk().faulty(Fault::Stop { change, sectors: 0 });
        let _ = files.run(&disk);
        if !disk.stopped() {
            break;
        }
        for (how, disk) in disk.remains(2, 2) {
            later(&disk, &format!("stopped at {change}; {how}"));
            // Rolling back may die, too.
            for again in (0..).step_by(3) {
                let disk = disk.faulty(Fault::Stop { change: again, sectors: 0 });
                let _ = files.roll_back(&disk);
                if !disk.stopped() {
                    break;
                }
                later(&disk.copy(), &format!("stopped at {change}; {how}; rolling back stopped at {again}"));
            }
        }
    }
    assert!(brought.iter().all(|&count| count > 100) && found_none > 10, "{brought:?} {found_none}");
}

/// A set without a record, as earlier versions of this program left it.
#[test]
fn an_unfinished_file_is_named_where_no_record_leads_to_it() {
    let files = Files::after_run(V9, sample_of(&[CHAIN, HEAD])).unwrap();
    let half_written = |disk: &FakeDisk| journal::poisoned(&disk.bytes(&files.paths[0]).unwrap());
    let disk = (0..).map(|change| {
        let disk = files.disk().faulty(Fault::Stop { change, sectors: 0 });
        let _ = files.run(&disk);
        disk.copy()
    });
    let disk = disk.into_iter().find(half_written).unwrap();
    for name in [files.journal(1), Path::new(FOLDER).join("bdbkit-set.members")] {
        Disk::remove(&disk, &name).unwrap();
    }
    let before = files.found(&disk);
    let other = Upgrade::on(&disk, &files.paths[1..]).choices(V9.choices());
    for error in [other.resume().unwrap_err(), other.roll_back().unwrap_err()] {
        let EditError::Journal(JournalError::Sibling { sibling, .. }) = &error else { panic!("{error}") };
        assert_eq!(*sibling, files.paths[0]);
    }
    assert_eq!(files.found(&disk), before);
}

#[test]
fn files_of_one_unit_are_in_one_folder_and_each_once() {
    let bytes = sample_of(&[CHAIN, HEAD]);
    let disk = FakeDisk::with([("/one/a.db", &bytes[0][..]), ("/other/a.db", &bytes[1])]);
    for (path, refusal) in [("/other/a.db", Refusal::Folders), ("/one/a.db", Refusal::Twice)] {
        let upgrade = Upgrade::on(&disk, ["/one/a.db", path]).choices(V9.choices());
        for error in
            [upgrade.run().unwrap_err(), upgrade.resume().unwrap_err(), upgrade.roll_back().unwrap_err()]
        {
            assert_eq!(error.refusal(), Some(&refusal));
            assert!(error.to_string().starts_with(path), "{error}");
        }
    }
    assert_eq!(disk.bytes("/one/a.db").unwrap(), bytes[0]);
}

/// A copy under another name leaves the original alone, and has its name only when it is whole.
#[test]
fn a_copy_may_die_anywhere() {
    let files = Files::upgraded(V9, sample(&[CHAIN], LONGEST).remove(0).1).unwrap();
    let (original, target) = (&files.paths[0], Path::new(FOLDER).join("copy.db"));
    let sound = |disk: &FakeDisk, story: &str| {
        assert!(disk.bytes(original).unwrap() == files.old[0], "{story}: the original was touched");
        let copy = disk.bytes(&target);
        assert!(copy.is_none_or(|copy| copy == files.new[0]), "{story}: the copy is not whole");
    };
    let mut points = 0;
    for change in 0.. {
        let disk = files.disk().faulty(Fault::Stop { change, sectors: 1 });
        let gave = files.upgrade(&disk).copy_to(&target);
        disk.remains(6, 4).iter().for_each(|(story, disk)| sound(disk, &format!("{change}, {story}")));
        if !disk.stopped() {
            gave.unwrap();
            assert_eq!(disk.names(), [original.clone(), target.clone()]);
            break;
        }
        points += 1;
    }
    let mut calls = 0;
    for call in 0.. {
        let disk = files.disk().faulty(Fault::Fail { call, kind: ErrorKind::StorageFull });
        let gave = files.upgrade(&disk).copy_to(&target);
        sound(&disk, &format!("call {call} failed"));
        if !disk.failed() {
            break;
        }
        let there = disk.bytes(&target).is_some();
        // What only serves to find the logs may fail.
        assert!(there || (gave.is_err() && disk.names() == files.paths), "call {call}: {:?}", disk.names());
        calls += 1;
    }
    assert!(points > 4 && calls > 10, "{points} points, {calls} calls");
}

/// Journals of the first format, as a run of that time left them: in each folder the files
/// before (`*.old.db`) and afterwards (`*.new.db`), and what stood there when the run died in
/// some state. Later runs still complete them, and bring the old files back.
#[test]
fn journals_of_the_first_format_are_resumed_and_rolled_back() {
    let mut tried = 0;
    for (case, job) in [
        ("upgrade", V9),
        ("page-zero", V9),
        ("reset-lsn", Job::ResetLsn),
        ("reset-fileid", Job::ResetFileId),
        ("set", V9),
    ] {
        let folder = testdata().join("journals").join(case);
        let mut found: Vec<_> =
            std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        found.sort();
        let (states, known): (Vec<PathBuf>, Vec<PathBuf>) = found.into_iter().partition(|path| path.is_dir());
        let names: Vec<String> = known.iter().filter_map(|path| stem(path, ".old.db")).collect();
        let all =
            |suffix: &str| names.iter().map(|name| read(folder.join(format!("{name}{suffix}")))).collect();
        let paths: Vec<_> = names.iter().map(|name| Path::new(FOLDER).join(format!("{name}.db"))).collect();
        let files = Files { job, given: paths.clone(), paths, old: all(".old.db"), new: all(".new.db") };
        assert!(files.old != files.new && states.len() > 3, "{case}: {states:?}");
        for state in states {
            let mut left: Vec<(String, Vec<u8>)> = std::fs::read_dir(&state)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .map(|path| {
                    (format!("{FOLDER}/{}", path.file_name().unwrap().to_str().unwrap()), read(&path))
                })
                .collect();
            // The databases were on the disk first: the journals know them by their numbers.
            left.sort_by_key(|(name, _)| (!name.ends_with(".db"), name.clone()));
            for (name, bytes) in left.iter().filter(|(name, _)| name.ends_with("-journal")) {
                let start = &bytes[..bytes.len().min(8)];
                assert!(start == b"BDBKJRN1" || start.iter().all(|&byte| byte == 0), "{name}");
            }
            let state = state.file_name().unwrap().to_str().unwrap().to_owned();
            let (half, rolling) = (state.contains("half-written"), state.contains("rolling-back"));
            let new = state.split('-').any(|part| ["complete", "done"].contains(&part));
            for wish in ["resume", "roll back", "run"] {
                let disk = FakeDisk::with(left.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])));
                let gave = match wish {
                    "resume" => files.resume(&disk),
                    "roll back" => files.roll_back(&disk),
                    _ => files.run(&disk),
                };
                let gave = gave.unwrap_or_else(|error| panic!("{case}, {state}, {wish}: {error}"));
                files.check(&disk, gave.as_ref(), false);
                let is_new = files.found(&disk) == files.new;
                match wish {
                    "run" => assert!(is_new, "{case}, {state}"),
                    "resume" if half && !rolling => assert!(is_new, "{case}, {state}"),
                    _ if half || rolling => assert!(!is_new, "{case}, {state}, {wish}"),
                    "resume" if new => assert!(is_new, "{case}, {state}"),
                    _ => {}
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 60, "{tried}");
}

/// The name of a file without what it ends with.
fn stem(path: &Path, suffix: &str) -> Option<String> {
    path.file_name()?.to_str()?.strip_suffix(suffix).map(str::to_owned)
}
