//! Snapshots restored on a disk that stops, or fails, at any call, and beside other programs: the
//! store is the old one or that of the snapshot, all that was there is aside, and nothing else is
//! lost or left behind.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use bdbkit::journal::JournalError;
use bdbkit::mboxlist::{Restore, RestoreError, StoreUpgrade, StoreUpgradeError};

use crate::fake_disk::{Crash, FakeDisk, Fault, Tried};

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// What became of a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Became {
    New,
    Old,
}

/// A store, a snapshot, and both as they must be afterwards.
struct Case {
    disk: FakeDisk,
    cache: bool,
    old: Files,
    new: Files,
}

fn files(disk: &FakeDisk) -> Files {
    disk.names().into_iter().map(|name| (name.clone(), disk.bytes(&name).unwrap())).collect()
}

impl Case {
    fn new(cache: bool) -> Case {
        let disk = FakeDisk::default();
        for folder in ["/store", "/store/folderlock", "/store/sub", "/snap", "/snap/removed"] {
            disk.folder(folder, false);
        }
        disk.folder("/cache", true);
        let long = |what: u8| vec![what; 1300];
        for (name, bytes) in [
            ("/store/folder.db", long(b'o')),
            ("/store/log.0000000001", b"old log".to_vec()),
            ("/store/notes", b"of the user".to_vec()),
            ("/store/sub/file", b"below".to_vec()),
            ("/store/folderlock/lock", b"stays".to_vec()),
            ("/snap/folder.db", long(b'n')),
            ("/snap/log.0000000001", b"new log".to_vec()),
            ("/snap/log.0000000002", b"another".to_vec()),
            ("/snap/__db.001", b"new region".to_vec()),
            ("/snap/.snaptime", b"".to_vec()),
            ("/cache/__db.001", b"old region".to_vec()),
            ("/cache/__db.002", b"old region, too".to_vec()),
            ("/cache/other", b"stays".to_vec()),
        ] {
            disk.put(name, &bytes);
        }
        let old = files(&disk);
        let mut case = Case { disk, cache, old, new: Files::new() };
        let done = case.disk.copy();
        let restored = case.restore(&done).run().unwrap();
        assert_eq!((restored.placed.len(), restored.skipped), (4, vec!["removed".into()]));
        case.new = files(&done);
        let at = |path: &str| case.new.get(Path::new(path)).map(|bytes| bytes.escape_ascii().to_string());
        assert_eq!(at("/store/log.0000000002").as_deref(), Some("another"));
        assert_eq!(at("/aside/sub/file").as_deref(), Some("below"));
        assert_eq!(at("/store/folderlock/lock").as_deref(), Some("stays"));
        let region = if cache { "/aside/dbtmpdir/__db.002" } else { "/cache/__db.002" };
        assert_eq!(at(region).as_deref(), Some("old region, too"));
        let regions = if cache { "/cache/__db.001" } else { "/store/__db.001" };
        assert_eq!(at(regions).as_deref(), Some("new region"));
        assert!(
            !case.new.keys().any(|name| name.to_string_lossy().contains("bdbkit")),
            "{:?}",
            case.new.keys()
        );
        case
    }

    fn restore<'d>(&self, disk: &'d FakeDisk) -> Restore<'d, FakeDisk> {
        let restore = Restore::on(disk, "/store", "/snap", "/aside").force(true).assume_closed(true);
        if self.cache { restore.cache_dir("/cache") } else { restore }
    }

    fn run(&self, disk: &FakeDisk) -> Result<Option<Became>, RestoreError> {
        match self.restore(disk).run() {
            Ok(_) => Ok(Some(Became::New)),
            Err(error) => {
                // What was put back is back.
                let back = matches!(error, RestoreError::PutBack { .. });
                assert!(!back || files(disk) == self.old, "{error}");
                Err(error)
            }
        }
    }

    fn resume(disk: &FakeDisk) -> Result<Option<Became>, RestoreError> {
        match Restore::resume_on(disk, "/store") {
            Ok(restored) => {
                assert!(restored.placed.len() == 4, "{restored:?}");
                Ok(Some(Became::New))
            }
            Err(RestoreError::NothingToResume { .. }) => Ok(None),
            Err(RestoreError::NothingMoved { .. }) => Case::roll_back(disk),
            Err(error) => Err(error),
        }
    }

    fn roll_back(disk: &FakeDisk) -> Result<Option<Became>, RestoreError> {
        match Restore::rollback_on(disk, "/store") {
            Ok(_) => Ok(Some(Became::Old)),
            Err(RestoreError::NothingToResume { .. }) => Ok(None),
            Err(RestoreError::InPlace { .. }) => Case::resume(disk),
            Err(error) => Err(error),
        }
    }

    fn again(&self, disk: &FakeDisk) -> Result<Option<Became>, RestoreError> {
        match self.run(disk) {
            Err(RestoreError::Interrupted { .. }) => Case::resume(disk),
            // All is done.
            Err(RestoreError::Aside { .. }) => Ok(None),
            result => result,
        }
    }

    fn check(&self, disk: &FakeDisk, became: Option<Became>) {
        let now = files(disk);
        let (old, new) = (now == self.old, now == self.new);
        let names: Vec<_> = now.keys().collect();
        match became {
            Some(Became::New) => assert!(new, "not the snapshot: {names:?}"),
            Some(Became::Old) => assert!(old, "not the old store: {names:?}"),
            None => assert!(old || new, "a mixture: {names:?}"),
        }
    }

    fn crash(&self, with: impl FnOnce(&Crash<'_, Became>) -> Tried) -> Tried {
        with(&Crash {
            disk: &self.disk,
            run: &|disk| self.run(disk).map_err(told),
            later: &[
                ("resumed", &|disk| Case::resume(disk).map_err(told)),
                ("rolled back", &|disk| Case::roll_back(disk).map_err(told)),
                ("run again", &|disk| self.again(disk).map_err(told)),
            ],
            check: &|disk, gave, _| self.check(disk, *gave),
        })
    }
}

fn told(error: RestoreError) -> JournalError {
    JournalError::Planning { path: "/store".into(), cause: error.into() }
}

#[test]
fn a_restore_may_die_anywhere() {
    for cache in [false, true] {
        let tried = Case::new(cache).crash(|crash| crash.at_every_first_point());
        println!("{tried:?}");
        assert!(tried.points > 60 && tried.disks > 1000, "{tried:?}");
    }
}

#[test]
fn going_on_and_going_back_may_die_too() {
    for cache in [false, true] {
        let each = if super::all() { 1 } else { 17 };
        let tried = Case::new(cache).crash(|crash| crash.at_every_point_and_some_later(each));
        println!("{tried:?}");
        assert!(tried.later_points > 1000, "{tried:?}");
    }
}

#[test]
fn any_call_of_a_restore_may_fail() {
    for cache in [false, true] {
        let tried = Case::new(cache).crash(|crash| crash.with_every_failure());
        println!("{tried:?}");
        assert!(tried.points > 300, "{tried:?}");
    }
}

#[test]
fn what_moved_aside_is_put_back_if_the_rest_cannot_move() {
    let case = Case::new(true);
    let put_back = |call: usize| {
        let disk = case.disk.faulty(Fault::Fail { call, kind: std::io::ErrorKind::Other });
        let error = case.run(&disk).err()?;
        disk.failed().then_some(matches!(error, RestoreError::PutBack { .. }))
    };
    let put_back = (0..).map_while(put_back).filter(|back| *back).count();
    assert!(put_back > 50, "{put_back}");
}

/// A later run goes on after one that failed to go back, and so did the next.
#[test]
fn a_call_of_a_later_run_may_fail() {
    let case = Case::new(true);
    let mut tried = 0;
    for change in (0..).step_by(7) {
        let stopped = case.disk.faulty(Fault::Stop { change, sectors: 0 });
        let _ = case.run(&stopped);
        if !stopped.stopped() {
            break;
        }
        for (name, later) in
            [("resumed", Case::resume as fn(&FakeDisk) -> _), ("rolled back", Case::roll_back)]
        {
            for call in 0.. {
                let disk = stopped.copy().faulty(Fault::Fail { call, kind: std::io::ErrorKind::Other });
                let result: Result<Option<Became>, RestoreError> = later(&disk);
                if !disk.failed() {
                    break;
                }
                tried += 1;
                let disk = disk.copy();
                let became = later(&disk).unwrap_or_else(|error| {
                    panic!("stopped at {change}, {name}, call {call} failed ({result:?}): {error}")
                });
                case.check(&disk, became);
            }
        }
    }
    assert!(tried > 500, "{tried}");
}

/// Whenever a second run begins while the first goes on, it refuses, and changes nothing.
#[test]
fn of_two_at_once_the_second_refuses() {
    let case = Rc::new(Case::new(false));
    let mut refused = 0;
    for call in 0.. {
        let seen = Rc::new(RefCell::new(Vec::new()));
        let second = {
            let (case, seen) = (case.clone(), seen.clone());
            move |disk: &FakeDisk| {
                let before = files(disk);
                let run = case.restore(disk).run().map(|_| ());
                let busy = |error: &RestoreError| matches!(error, RestoreError::Busy { .. });
                seen.borrow_mut().push(run.as_ref().err().is_some_and(busy));
                if run.is_ok() {
                    return;
                }
                for later in [
                    Restore::resume_on(disk, "/store").map(|_| ()),
                    Restore::rollback_on(disk, "/store").map(|_| ()),
                ] {
                    seen.borrow_mut().push(later.as_ref().err().is_some_and(busy));
                }
                let upgrade = StoreUpgrade::on(disk, "/store");
                for upgrade in
                    [upgrade.run().map(|_| ()), upgrade.resume().map(|_| ()), upgrade.roll_back().map(|_| ())]
                {
                    seen.borrow_mut().push(matches!(upgrade, Err(StoreUpgradeError::Busy { .. })));
                }
                assert!(files(disk) == before, "the second run changed something");
            }
        };
        let disk = case.disk.meanwhile(call, second);
        let first = case.restore(&disk).run();
        if disk.still_waits() {
            break;
        }
        match first {
            Ok(_) => {
                assert_eq!(*seen.borrow(), [true; 6], "at call {call}");
                refused += 1;
            }
            // The other one was first.
            Err(error) => assert!(matches!(error, RestoreError::Aside { .. }), "at call {call}: {error}"),
        }
        case.check(&disk, Some(Became::New));
    }
    assert!(refused > 150, "{refused}");
}

/// A snapshot that changes while it is copied is restored as it was, or not at all.
#[test]
fn a_file_that_changes_while_it_is_copied_is_refused() {
    let case = Case::new(false);
    let new = vec![b'x'; 1300];
    let mut refused = 0;
    for replace in [false, true] {
        for call in 0.. {
            let bytes = new.clone();
            let disk = case.disk.meanwhile(call, move |disk: &FakeDisk| match replace {
                true => disk.put("/snap/folder.db", &bytes),
                false => disk.write("/snap/folder.db", &bytes),
            });
            let result = case.restore(&disk).run();
            if disk.still_waits() {
                break;
            }
            let now = disk.bytes("/store/folder.db").unwrap();
            match result {
                Ok(_) => assert!(now == new || now == vec![b'n'; 1300], "a mixture"),
                Err(error) => {
                    assert!(matches!(error, RestoreError::Changed { .. }), "{error}");
                    assert!(error.to_string().starts_with("/snap/folder.db: "), "{error}");
                    assert!(
                        now == vec![b'o'; 1300] && !disk.names().contains(&"/store/.bdbkit-restore".into())
                    );
                    refused += 1;
                }
            }
        }
    }
    assert!(refused >= 4, "{refused}");
}

/// Whatever somebody puts anywhere while a restore goes on, it is still there afterwards.
#[test]
fn what_others_put_there_meanwhile_is_not_lost() {
    let case = Rc::new(Case::new(true));
    let places = [
        "/store/log.0000000009",
        "/store/folder.db",
        "/store/.bdbkit-restore/theirs",
        "/store/.bdbkit-restore/bdbkit-moved",
        "/aside/theirs",
        "/aside/folder.db",
        "/aside/dbtmpdir/theirs",
        "/cache/__db.003",
    ];
    let (mut refused, mut done) = (0, 0);
    for place in places {
        for call in 0.. {
            let (old, was_put) = (case.clone(), Rc::new(Cell::new(false)));
            let noted = was_put.clone();
            let disk = case.disk.meanwhile(call, move |disk: &FakeDisk| {
                let names = disk.names();
                let parent = Path::new(place).parent().unwrap();
                // What is there is not replaced but by its owner.
                if names.contains(&parent.to_owned())
                    && (!names.contains(&place.into()) || old.old.contains_key(Path::new(place)))
                {
                    disk.put(place, b"theirs");
                    noted.set(true);
                }
            });
            let result = case.restore(&disk).run();
            if disk.still_waits() {
                break;
            }
            let put = files(&disk).values().filter(|bytes| *bytes == b"theirs").count();
            let result = result.map(|_| ());
            match &result {
                Ok(()) => done += 1,
                Err(_) => refused += 1,
            }
            assert!(put == usize::from(was_put.get()), "{place} at call {call}: {put} left, {result:?}");
            // And all that was there before is somewhere.
            for (name, bytes) in &case.old {
                let there = files(&disk).values().any(|now| now == bytes);
                assert!(
                    there || name == Path::new(place),
                    "{} is lost: {place} at call {call}",
                    name.display()
                );
            }
        }
    }
    assert!(refused > 200 && done > 200, "{refused} {done}");
}
