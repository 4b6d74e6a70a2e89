//! Recovery of logs and databases that lie: records with right checksums that no library wrote, pages
//! with other contents than the log says.

use std::fs;
use std::path::{Path, PathBuf};

use bdbkit::env::Layout;
use bdbkit::log::LogDir;
use bdbkit::recover::Recover;

use bdbkit::Endianness::Little;

use crate::common::logs::{HEADER, get_u32, places, put_u32, seal};
use crate::common::testdata;
use crate::counting;
use crate::craft::{Craft, TXN};
use crate::fields;

/// One environment of each release and method.
const CASES: [&str; 14] = [
    "env-log2-le-mix",
    "env-log2-be-logs",
    "env-log3-le-files",
    "env-log8-be-files",
    "env-log8-le-hash-recno",
    "env-log11-le-hash-buckets",
    "env-log11-le-queue",
    "env-log14-be-mix",
    "env-log16-le-compact",
    "env-log19-le-compact-ahead",
    "env-log19-le-hash",
    "env-log19-le-truncate",
    "env-log19-le-queue-wrap",
    "env-log19-be-foreign-types",
];

/// Numbers that are at the edges of what fits.
const NUMBERS: [u32; 8] = [0, 1, 2, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, u32::MAX, 0x0001_0000];

struct Seed(u64);

impl Seed {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

fn home(case: &str) -> PathBuf {
    let known = testdata().join(case);
    if known.is_dir() { known } else { testdata().join("recover").join(case) }
}

fn copy(case: &str) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(home(case)).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, to.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    to
}

/// Recovers an environment, whatever it holds: in bounded memory.
fn recover(folder: &Path, what: &str) {
    let size: u64 = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    for catastrophic in [false, true] {
        for strict in [false, true] {
            let run = || {
                let recover = Recover::new().strict(strict).catastrophic(catastrophic);
                let view = recover.view(&Layout::of(folder));
                if let Ok(view) = view {
                    for file in view.files() {
                        let _ = file.open().database().map(|db| db.iter().count());
                    }
                }
            };
            let bytes = counting::taken_by(run);
            let most = 400 * size + (64 << 20);
            assert!((bytes as u64) < most, "{what}: {bytes} bytes were taken for {size}");
        }
    }
}

fn rounds() -> usize {
    std::env::var("BDBKIT_MUTANTS").ok().and_then(|n| n.parse().ok()).unwrap_or(6)
}

#[test]
fn records_with_other_numbers_in_them() {
    for case in CASES {
        let mut seed = Seed(std::env::var("BDBKIT_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(7));
        for round in 0..rounds() {
            let folder = copy(case);
            let log = LogDir::open(folder.path()).unwrap();
            let records: Vec<_> = log.records().map(Result::unwrap).collect();
            for _ in 0..=seed.below(3) {
                let record = &records[seed.below(records.len())];
                let (lsn, size) = (record.lsn(), record.size() as usize);
                let (version, order) = (record.version(), record.endianness());
                let path = folder.path().join(format!("log.{:010}", lsn.file));
                let mut bytes = fs::read(&path).unwrap();
                let all = &mut bytes[lsn.offset as usize..][..size];
                let at = HEADER + seed.below((size - HEADER) / 4) * 4;
                if at + 4 <= size {
                    put_u32(order, all, at, NUMBERS[seed.below(NUMBERS.len())]);
                }
                assert!(places(version).0 < HEADER);
                seal(version, order, all);
                fs::write(&path, bytes).unwrap();
            }
            drop(records);
            drop(log);
            recover(folder.path(), &format!("{case}, round {round}"));
        }
    }
}

#[test]
fn pages_that_are_not_what_the_log_says() {
    for case in CASES {
        let mut seed = Seed(11);
        for round in 0..rounds() {
            let folder = copy(case);
            let files: Vec<PathBuf> =
                fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
            let databases: Vec<&PathBuf> = files
                .iter()
                .filter(|path| !path.file_name().unwrap().to_str().unwrap().starts_with("log."))
                .filter(|path| path.metadata().unwrap().len() > 0)
                .collect();
            let path = databases[seed.below(databases.len())];
            let mut bytes = fs::read(path).unwrap();
            for _ in 0..8 {
                let at = seed.below(bytes.len());
                bytes[at] = [0, 1, 0x7f, 0x80, 0xff][seed.below(5)];
            }
            if seed.below(4) == 0 {
                bytes.truncate(seed.below(bytes.len()));
            }
            fs::write(path, bytes).unwrap();
            recover(folder.path(), &format!("{case}, round {round}"));
        }
    }
}

#[cfg(unix)]
#[test]
fn links_lead_nowhere_else() {
    let home = copy("env-log3-le-crashed");
    let outside = tempfile::tempdir().unwrap();
    let (link, file) = (home.path().join("p.db"), outside.path().join("p.db"));
    fs::rename(&link, &file).unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let view = Recover::new().view(&Layout::of(home.path())).unwrap();
    let report = view.report();
    let stopped = report.files.iter().find(|file| file.name == Path::new("p.db")).unwrap().stopped.as_ref();
    assert!(stopped.is_some_and(|why| why.contains("a link that leads out")), "{report:?}");
    assert!(!report.is_complete() && view.file("p.db").is_none());
    // One that stays inside is followed.
    fs::remove_file(&link).unwrap();
    let elsewhere = home.path().join("elsewhere");
    fs::rename(&file, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &link).unwrap();
    let view = Recover::new().view(&Layout::of(home.path())).unwrap();
    assert!(view.report().is_complete() && view.file("p.db").is_some());
}

#[test]
fn names_in_a_log_lead_nowhere_else() {
    let folder = copy("env-log19-le-crashed");
    let inside = folder.path().join("home");
    fs::create_dir(&inside).unwrap();
    for entry in fs::read_dir(home("env-log19-le-crashed")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && path.file_name().unwrap().to_str().unwrap().starts_with("log.") {
            let bytes = fs::read(&path).unwrap();
            // "../" in the place of the name of each database: the length stays.
            let text = String::from_utf8_lossy(&bytes).into_owned();
            assert!(text.contains("p.db"));
            fs::write(inside.join(path.file_name().unwrap()), bytes).unwrap();
        }
    }
    // The databases are beside the home, not in it: nobody finds them.
    let view = Recover::new().view(&Layout::of(&inside)).unwrap();
    assert_eq!(view.files().count(), 0);
    assert!(view.report().absent > 0, "{:?}", view.report());
}

#[test]
fn names_from_the_root_on_lead_nowhere_else_either() {
    let place = tempfile::tempdir().unwrap();
    let home = place.path().join("home");
    fs::create_dir(&home).unwrap();
    for (name, is_made) in [("made.db", true), ("../escaped.db", false), ("in/../../escaped.db", false)] {
        let whole = format!("{}/{name}\0", home.to_str().unwrap());
        let mut log = Craft::new(16);
        log.add("fop_create", TXN, fields! {name: whole.as_bytes(), appname: 1, mode: 0o644});
        log.commit(TXN, 100);
        let (logs, _) = log.save();
        let layout = Layout::of(&home).log_dir(logs.path());
        let view = Recover::new().view(&layout).unwrap();
        assert_eq!(view.files().count(), usize::from(is_made), "{name}");
        view.write_to(place.path().join("to")).unwrap();
        let there = fs::read_dir(place.path()).unwrap().count();
        assert_eq!(there, 2, "{name}");
        assert_eq!(place.path().join("to/made.db").is_file(), is_made, "{name}");
        fs::remove_dir_all(place.path().join("to")).unwrap();
    }
}

/// A log that makes a file under a name, for good.
fn maker(name: &str) -> Craft {
    let mut craft = Craft::new(11);
    let file = fs::read(testdata().join("btree-v9-le-empty/data.db")).unwrap();
    let size = get_u32(Little, &file, 20);
    let name = [name.as_bytes(), &[0]].concat();
    craft.add("fop_create", TXN, fields! {name: name.clone(), appname: 1, mode: 0o600});
    for (number, page) in (0_u32..).zip(file.chunks(size as usize)) {
        let fields =
            fields! {name: name.clone(), appname: 1, pgsize: size, pageno: number, page: page, flag: 1};
        craft.add("fop_write", TXN, fields);
    }
    craft.commit(TXN, 1);
    craft
}

#[cfg(unix)]
#[test]
fn files_are_made_in_the_folders_of_the_environment_only() {
    let top = tempfile::tempdir().unwrap();
    let (home, to) = (top.path().join("a/b/home"), top.path().join("a/b/copy"));
    fs::create_dir_all(&home).unwrap();
    let absolute = |rest: &str| format!("{}/{rest}", home.to_str().unwrap());
    let names = [
        ("new.db".to_owned(), true),
        ("./new.db".to_owned(), true),
        (absolute("new.db"), true),
        ("../new.db".to_owned(), false),
        ("x/../../new.db".to_owned(), false),
        (absolute("../new.db"), false),
        (absolute("x/../../../new.db"), false),
        ("/new.db".to_owned(), false),
        (".".to_owned(), false),
        (absolute("."), false),
    ];
    for (name, made) in names {
        maker(&name).writer.save(&home);
        let view = Recover::new().view(&Layout::of(&home)).unwrap();
        view.write_to(&to).unwrap();
        assert_eq!(to.join("new.db").is_file(), made, "{name}");
        fs::remove_dir_all(&to).unwrap();
        for (folder, only) in [("", "a"), ("a", "b"), ("a/b", "home"), ("a/b/home", "log.0000000001")] {
            let inside =
                fs::read_dir(top.path().join(folder)).unwrap().map(|entry| entry.unwrap().file_name());
            assert!(inside.eq([only]), "{name}: {folder}");
        }
    }
}
