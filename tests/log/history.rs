//! What a log tells of the pairs of a database, against what the genuine recovery made
//! of the same log.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use bdbkit::log::{ChangeKind, Fate, History, Known, LogDir, LogOptions, PairChange, TransactionOutcome};
use bdbkit::{Lsn, PageNo};

use crate::common;
use crate::common::history::{counted, replayed};
use crate::common::logs::{file_header, log_files, record, save, to_usize, word};
use crate::common::{Case, cases, pairs_of_text, read, thorough};

fn open(case: &Case, folder: &Path) -> Option<LogDir> {
    let options = LogOptions::new();
    if case.has("encrypted") && !cfg!(feature = "encryption") {
        eprintln!("skipped: {} is encrypted, and the feature is off", case.name);
        return None;
    }
    let options = if case.has("encrypted") { options.password("corpus-password") } else { options };
    Some(options.open_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", case.name)))
}

/// What the databases of a case held in the end: after the genuine recovery, or as
/// they were if they were closed.
fn final_dumps(case: &Case) -> Vec<PathBuf> {
    let recovered = case.folder().join("recovered");
    let folder = if recovered.is_dir() { recovered } else { case.folder() };
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut dumps: Vec<_> = paths.filter(|path| path.to_string_lossy().ends_with(".db.dump.txt")).collect();
    dumps.sort();
    dumps
}

#[test]
fn committed_changes_lead_to_what_genuine_recovery_found() {
    let mut compared = 0;
    for case in cases(&["env-", "mboxlist-"]) {
        let Some(log) = open(&case, &case.folder()) else { continue };
        for dump in final_dumps(&case) {
            let file = dump.file_name().unwrap().to_str().unwrap().strip_suffix(".dump.txt").unwrap();
            let name = format!("{}/{file}", case.name);
            let expected = counted(pairs_of_text(&read(&dump)));
            let history = log.history().database(file).read();
            assert!(history.errors().is_empty(), "{name}: {:?}", history.errors());
            assert!(history.databases().count() > 0, "{name} is not known");
            let found = replayed(&name, &history);
            assert!(found == expected, "{name}: found {found:?}, expected {expected:?}");
            compared += 1;
        }
    }
    assert!(compared >= 150, "{compared}");
}

/// What must be the same in two histories if both know it.
fn agrees(part: &Known<'_>, whole: &Known<'_>) -> bool {
    match part {
        Known::Bytes(_) | Known::Record(_) => part == whole,
        _ => true,
    }
}

#[test]
fn a_log_without_its_beginning_tells_less_but_nothing_else() {
    let (mut compared, mut known) = (0, 0);
    for case in cases(&["env-"]).into_iter().filter(|case| !case.has("encrypted")) {
        let files = fs::read_dir(case.folder()).unwrap().map(|entry| entry.unwrap().path());
        let is_log = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("log.");
        let mut files: Vec<_> = files.filter(is_log).collect();
        files.sort();
        let whole = open(&case, &case.folder()).unwrap();
        let whole = whole.history().read();
        type Key<'a> = (Lsn, ChangeKind, PageNo, u32);
        let key =
            |change: &PairChange<'_>| -> Key<'_> { (change.lsn, change.kind, change.page, change.index) };
        let all: BTreeMap<Key<'_>, &PairChange<'_>> =
            whole.changes().map(|change| (key(change), change)).collect();
        for first in 1..files.len() {
            let folder = tempfile::tempdir().unwrap();
            for file in &files[first..] {
                fs::copy(file, folder.path().join(file.file_name().unwrap())).unwrap();
            }
            let part = LogDir::open(folder.path()).unwrap();
            let part = part.history().read();
            for change in part.changes() {
                let same = all.get(&key(change)).unwrap_or_else(|| panic!("{}: new: {change:?}", case.name));
                assert!(agrees(&change.key, &same.key), "{}: {change:?} was {same:?}", case.name);
                for (part, whole) in [(&change.old, &same.old), (&change.new, &same.new)] {
                    let agree = match (part, whole) {
                        (Some(part), Some(whole)) => agrees(part, whole),
                        (part, whole) => part.is_none() && whole.is_none(),
                    };
                    assert!(agree, "{}: {change:?} was {same:?}", case.name);
                }
                compared += 1;
                known += usize::from(change.key.bytes().is_some());
            }
        }
    }
    assert!(compared >= 390 && known >= 370, "{known} of {compared} keys are known");
}

#[test]
fn a_log_with_holes_tells_less_but_nothing_else() {
    let (mut runs, mut compared, mut known) = (0, 0, 0);
    for (number, case) in cases(&["env-", "mboxlist-"]).into_iter().enumerate() {
        if case.has("encrypted") {
            continue;
        }
        let whole = open(&case, &case.folder()).unwrap();
        let records: Vec<_> = whole.records().map(|record| record.unwrap()).collect();
        let whole = whole.history().read();
        let all: BTreeMap<_, _> =
            whole.changes().map(|change| ((change.lsn, change.page, change.index), change)).collect();
        let mut files = log_files(&case.name);
        let (version, order) = (records[0].version(), records[0].endianness());
        // Damage in the last file would be its end: another one follows.
        let mut more = file_header(version, order, records.last().unwrap().lsn().offset, 1 << 20);
        more.extend(record(
            version,
            order,
            0,
            &[47, 0, 0, 0, 0, 0, 0, 0, 0].map(|n| word(order, n)).concat(),
        ));
        files.push(more);
        let step = if thorough() { 1 } else { 23 };
        for (at, lost) in records.iter().enumerate().skip(number % step).step_by(step) {
            let folder = tempfile::tempdir().unwrap();
            // A record, or several at once.
            let last = &records[(at + [0, 0, 3, 20][runs % 4]).min(records.len() - 1)];
            let mut damaged = files.clone();
            for lost in records.iter().filter(|record| (lost.lsn()..=last.lsn()).contains(&record.lsn())) {
                damaged[to_usize(lost.lsn().file) - 1][to_usize(lost.lsn().offset) + 13] ^= 0x5a;
            }
            for (number, bytes) in (1..).zip(&damaged) {
                save(folder.path(), number, bytes);
            }
            let part = LogDir::open(folder.path()).unwrap();
            let part = part.history().read();
            let name = format!("{} without {}", case.name, lost.lsn());
            assert!(!part.errors().is_empty(), "{name}");
            for change in part.changes() {
                let same = all.get(&(change.lsn, change.page, change.index));
                let same = same.unwrap_or_else(|| panic!("{name}: new: {change:?}"));
                assert!(agrees(&change.key, &same.key), "{name}: {change:?} was {same:?}");
                // What stood there before, or what took its place, may be what is missing.
                let doubtful = match (change.kind, same.kind) {
                    (ChangeKind::Put, ChangeKind::Replace) => change.key.bytes().is_none(),
                    (ChangeKind::Delete, ChangeKind::Replace) => change.lsn < lost.lsn(),
                    _ => false,
                };
                assert!(change.kind == same.kind || doubtful, "{name}: {change:?} was {same:?}");
                for (part, whole) in [(&change.old, &same.old), (&change.new, &same.new)] {
                    let agree = match (part, whole) {
                        (Some(part), Some(whole)) => agrees(part, whole),
                        (part, whole) => doubtful || part.is_none() && whole.is_none(),
                    };
                    assert!(agree, "{name}: {change:?} was {same:?}");
                }
                let (fate, was) = (part.fate(change), whole.fate(same));
                let unknown = matches!(fate, Fate::Unknown)
                    || matches!((fate, was), (Fate::Uncommitted, Fate::Aborted));
                assert!(fate == was || unknown, "{name}: {fate:?}, {was:?} of {change:?}");
                let binding = |history: &History<'_>, change: &PairChange<'_>| {
                    let binding = history.database(change).unwrap();
                    (binding.id, binding.meta)
                };
                let (found, was) = (binding(&part, change), binding(&whole, same));
                // A page that is given back by the list of the databases in a file, by which
                // of them it was used may be what is missing.
                assert!(found == was || found == (was.0, PageNo::META), "{name}: {found:?}, {was:?}");
                compared += 1;
                known += usize::from(change.key.bytes().is_some());
            }
            runs += 1;
        }
    }
    println!("{runs} holes, {compared} changes, of {known} the key");
    assert!(runs > 300 && compared > 10_000 && known > compared / 10 * 9, "{known} of {compared}, {runs}");
}

#[test]
fn a_prefix_selects_the_changes_of_its_keys() {
    let log = LogDir::open(common::testdata().join("mboxlist-ims60-log3-be")).unwrap();
    let all = log.history().database("quota.db").read();
    let some = log.history().database("quota.db").key_prefix("user/alice").read();
    assert!(some.changes().count() > 0);
    let starts =
        |change: &&PairChange<'_>| change.key.bytes().is_some_and(|key| key.starts_with(b"user/alice"));
    let expected: Vec<_> = all.changes().filter(starts).cloned().collect();
    assert_eq!(some.changes().cloned().collect::<Vec<_>>(), expected);
    assert_eq!(log.history().database("absent.db").read().databases().count(), 0);
}

#[test]
fn files_are_known_by_all_their_names() {
    for case in ["env-log8-be-files", "env-log11-le-files", "env-log14-be-files"] {
        let log = LogDir::open(common::testdata().join(case)).unwrap();
        let files = log.files();
        let names: BTreeSet<String> = files
            .bindings()
            .flat_map(|binding| files.names(binding))
            .map(|name| String::from_utf8(name).unwrap())
            .collect();
        assert!(names.contains("multi.db/two"), "{case}: {names:?}");
        // x1.db was renamed to y1.db.
        let renamed =
            files.bindings().map(|b| files.names(b)).find(|names| names.contains(&b"y1.db".to_vec()));
        let renamed = renamed.unwrap_or_else(|| panic!("{case}: {names:?}"));
        let before = renamed.iter().position(|name| name == b"x1.db");
        let after = renamed.iter().position(|name| name == b"y1.db");
        assert!(after < before, "{case}: {renamed:?}");
    }
}

#[test]
fn transactions_end_as_the_log_says() {
    for case in cases(&["env-"]) {
        let Some(log) = open(&case, &case.folder()) else { continue };
        let transactions = log.transactions();
        let fates: Vec<Fate> = (0..transactions.len()).map(|index| transactions.fate(index)).collect();
        let committed = fates.iter().filter(|fate| matches!(fate, Fate::Committed { .. })).count();
        assert!(committed > 0, "{}", case.name);
        let timed = fates.iter().filter(|fate| matches!(fate, Fate::Committed { time: Some(_), .. })).count();
        let without_times = case.version == "6";
        assert_eq!(timed, if without_times { 0 } else { committed }, "{}", case.name);
        let nested = transactions.iter().any(|txn| matches!(txn.outcome, TransactionOutcome::Nested { .. }));
        let open = fates.iter().any(|fate| matches!(fate, Fate::Aborted | Fate::Uncommitted));
        assert!(nested || !case.has("nested") || without_times, "{}", case.name);
        assert!(open || !case.has("uncommitted"), "{}", case.name);
        let prepared = fates.contains(&Fate::Prepared);
        assert_eq!(prepared, case.has("prepared"), "{}", case.name);
        let all: u64 = transactions.iter().map(|txn| txn.records).sum();
        let expected = log.records().filter(|record| record.as_ref().unwrap().txn().is_some()).count();
        assert_eq!(all, u64::try_from(expected).unwrap(), "{}", case.name);
    }
}
