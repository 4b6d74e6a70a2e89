//! What databases held at a moment, beside what the log says was taken away then, and beside what
//! the log alone tells.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use bdbkit::dump::Writer;
use bdbkit::env::Layout;
use bdbkit::log::{ChangeKind, Fate, LogDir, LogOptions};
use bdbkit::recover::Until;
use bdbkit::undelete::{LossKind, Undelete, UndeleteError, Undeleted};
use bdbkit::{Lsn, Method, OpenOptions};

use crate::common::testdata;

/// The values of each key.
type Held = BTreeMap<Vec<u8>, Vec<Vec<u8>>>;

fn held(found: &Undeleted) -> Held {
    let mut held = Held::new();
    found
        .each(|pair| {
            let pair = pair.unwrap();
            held.entry(pair.key.to_vec()).or_default().push(pair.value.to_vec());
            Ok::<(), ()>(())
        })
        .unwrap();
    held
}

/// Just before and at a commit.
fn around(at: Lsn) -> [Until; 2] {
    [Until::Lsn(Lsn { offset: at.offset - 1, ..at }), Until::Lsn(at)]
}

/// One environment of each version and order.
const CASES: [&str; 14] = [
    "env-log2-le-mix",
    "env-log2-be-mix",
    "env-log3-le-crashed",
    "env-log3-be-mix",
    "env-log8-le-mix",
    "env-log8-be-mix",
    "env-log11-le-mix",
    "env-log11-be-mix",
    "env-log14-le-mix",
    "env-log14-be-mix",
    "recover/env-log16-le-mix",
    "recover/env-log16-le-hash",
    "recover/env-log19-le-mix",
    "recover/env-log19-le-hash",
];

#[test]
fn what_was_taken_away_is_there_just_before() {
    let mut found_again = 0;
    for case in CASES {
        let layout = Layout::of(testdata().join(case));
        let log = LogDir::open(testdata().join(case)).unwrap();
        let history = log.history().read();
        let losses = history.changes().filter(|change| change.kind != ChangeKind::Put);
        let mut checked = 0;
        for change in losses.step_by(2) {
            let known = (change.key.bytes(), change.old.as_ref().and_then(|old| old.bytes()));
            let (Some(key), Some(old)) = known else { continue };
            let Fate::Committed { at, .. } = history.fate(change) else { continue };
            let database = history.database(change).unwrap();
            if database.name.is_empty() || checked == 8 {
                continue;
            }
            let question = Undelete::new(database.name).key(key);
            let [before, after] = around(at).map(|moment| match question.clone().at(moment).find(&layout) {
                Ok(found) => Some(held(&found)),
                Err(UndeleteError::Unseen { .. }) => None,
                Err(error) => panic!("{case}: {}: {error}", change.lsn),
            });
            let (Some(before), Some(after)) = (before, after) else { continue };
            let count =
                |held: &Held| held.get(key).map_or(0, |values| values.iter().filter(|v| *v == old).count());
            // The transaction may have put it itself, before it took it away.
            let own = history.changes().any(|other| {
                other.txn_of(&history) == change.txn_of(&history)
                    && other.lsn < change.lsn
                    && other.key == change.key
                    && other.new.as_ref().and_then(|new| new.bytes()) == Some(old)
            });
            assert!(own || count(&before) > count(&after), "{case}: {}: {before:?}, {after:?}", change.lsn);
            (checked, found_again) = (checked + 1, found_again + usize::from(!own));
        }
        assert!(checked >= 2, "{case}: {checked} changes");
    }
    assert!(found_again >= 50, "{found_again}");
}

/// The transaction of a change, by its first record.
trait TxnOf {
    fn txn_of(&self, history: &bdbkit::log::History<'_>) -> Option<Lsn>;
}

impl TxnOf for bdbkit::log::PairChange<'_> {
    fn txn_of(&self, history: &bdbkit::log::History<'_>) -> Option<Lsn> {
        history.transaction(self).map(|transaction| transaction.first)
    }
}

/// A folder with the log of a case only.
fn log_only(case: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in LogDir::open(testdata().join(case)).unwrap().log_files() {
        fs::copy(file.path(), folder.path().join(file.path().file_name().unwrap())).unwrap();
    }
    folder
}

#[test]
fn the_log_alone_tells_a_part_of_it() {
    for case in ["env-log2-le-mix", "env-log2-be-mix", "env-log2-le-crashed"] {
        let (home, alone) = (testdata().join(case), log_only(case));
        let log = LogDir::open(&home).unwrap();
        let history = log.history().database("p.db").read();
        let commits = history.changes().filter_map(|change| match history.fate(change) {
            Fate::Committed { at, .. } => Some(at),
            _ => None,
        });
        let commits: BTreeSet<Lsn> = commits.collect();
        let mut pairs = 0;
        for at in commits.iter().copied().step_by(commits.len() / 6 + 1) {
            let question = Undelete::new("p.db").at(Until::Lsn(at));
            let seen = match question.find(&Layout::of(&home)) {
                Ok(seen) => seen,
                Err(error) => panic!("{case}: {at}: {error}"),
            };
            let told = question.find(&Layout::of(alone.path())).unwrap();
            assert!(told.from_log_alone().unwrap().contains("not there"), "{:?}", told.from_log_alone());
            if seen.from_log_alone().is_some() {
                continue;
            }
            assert_eq!(seen.missing(), 0);
            let (seen, told) = (held(&seen), held(&told));
            for (key, values) in &told {
                let there = seen.get(key).cloned().unwrap_or_default();
                for value in values {
                    let count = |all: &[Vec<u8>]| all.iter().filter(|other| *other == value).count();
                    assert!(count(&there) >= count(values), "{case}: {at}: {key:?}: {values:?}, {there:?}");
                }
                pairs += values.len();
            }
        }
        assert!(pairs >= 5, "{case}: {pairs} pairs");
    }
}

#[test]
fn without_a_moment_it_is_the_last_that_was_there() {
    let mut found_again = 0;
    for case in CASES {
        let home = testdata().join(case);
        let log = LogDir::open(&home).unwrap();
        let history = log.history().read();
        let lost = history.changes().filter(|change| change.kind != ChangeKind::Put);
        let keys: BTreeSet<&[u8]> = lost.filter_map(|change| change.key.bytes()).collect();
        for key in keys.into_iter().step_by(3).take(8) {
            let question = Undelete::new("p.db").key(key);
            let found = match question.find(&Layout::of(&home)) {
                Ok(found) => found,
                Err(UndeleteError::NothingLost { .. } | UndeleteError::UnknownDatabase) => continue,
                Err(error) => panic!("{}: {error}", key.escape_ascii()),
            };
            let loss = found.loss().unwrap();
            assert!(loss.committed > loss.lsn && loss.txn.is_some());
            assert!(matches!(loss.kind, LossKind::Delete | LossKind::Replace));
            let [before, after] = around(loss.committed);
            assert_eq!(found.moment(), before);
            let then = held(&found);
            assert!(then.keys().eq([key]), "{}: {loss:?}: {then:?}", key.escape_ascii());
            let after = held(&question.at(after).find(&Layout::of(&home)).unwrap());
            assert_ne!(then, after, "{}: {loss:?}", key.escape_ascii());
            found_again += 1;
        }
    }
    assert!(found_again >= 20, "{found_again} keys");
    let home = testdata().join("env-log3-le-crashed");
    // Nothing was lost of a key that was never there, nor of a database that is not known.
    let nothing = Undelete::new("p.db").key("never there").find(&Layout::of(&home));
    assert!(matches!(nothing, Err(UndeleteError::NothingLost { .. })), "{nothing:?}");
    let unknown = Undelete::new("other.db").find(&Layout::of(&home));
    assert!(matches!(unknown, Err(UndeleteError::UnknownDatabase)), "{unknown:?}");
}

#[test]
fn a_file_that_was_removed_is_made_again() {
    let mut removed = 0;
    for case in [
        "env-log11-le-files",
        "env-log14-be-files",
        "recover/env-log16-le-files",
        "recover/env-log19-le-files",
    ] {
        let home = testdata().join(case);
        let log = LogDir::open(&home).unwrap();
        let files = log.files();
        let mut names: Vec<_> = files.bindings().filter_map(|binding| files.file_name(binding)).collect();
        names.sort();
        names.dedup();
        for name in names {
            let Ok(found) = Undelete::new(name).find(&Layout::of(&home)) else { continue };
            if found.loss().unwrap().kind != LossKind::Remove {
                continue;
            }
            assert_eq!(found.from_log_alone(), None, "{case}: {}", name.escape_ascii());
            let mut text = Vec::new();
            let summary = found.write(Writer::new(), &mut text, |damage| panic!("{damage:?}")).unwrap();
            assert!(summary.records > 0 && text.ends_with(b"DATA=END\n"), "{case}: {}", name.escape_ascii());
            removed += 1;
        }
    }
    assert!(removed >= 2, "{removed} files");
}

#[test]
fn records_have_numbers() {
    let home = testdata().join("recover/env-log11-le-queue");
    let log = LogDir::open(&home).unwrap();
    let last = log.records().last().unwrap().unwrap().lsn();
    let all = Undelete::new("q.db").at(Until::Lsn(last)).find(&Layout::of(&home)).unwrap();
    let mut records = Vec::new();
    all.each(|pair| {
        let pair = pair.unwrap();
        records.push((pair.record.unwrap(), pair.value.to_vec()));
        Ok::<(), ()>(())
    })
    .unwrap();
    let (number, value) = records[records.len() / 2].clone();
    let one =
        Undelete::new("q.db").key(number.to_string()).at(Until::Lsn(last)).find(&Layout::of(&home)).unwrap();
    let mut text = Vec::new();
    let summary = one.write(Writer::new().print(true), &mut text, |damage| panic!("{damage:?}")).unwrap();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert_eq!(summary.records, 1);
    assert!(text.contains("keys=1\n") && text.contains(&format!("HEADER=END\n {number}\n ")), "{text}");
    assert!(!value.is_empty() && one.from_log_alone().is_none());
}

#[test]
fn a_log_without_keys_says_so() {
    // The file is not there, and a log does not show which record a number is.
    let alone = log_only("env-log2-le-recno");
    let log = LogDir::open(alone.path()).unwrap();
    let files = log.files();
    let recno = files.bindings().find(|binding| binding.method == 3).unwrap();
    let found = Undelete::new(recno.name).at(Until::Time(0)).find(&Layout::of(alone.path()));
    let Err(UndeleteError::Unseen { method, .. }) = found else { panic!("{found:?}") };
    assert_eq!(method, Method::Recno);
}

#[test]
fn nothing_is_looked_for_elsewhere() {
    let home = testdata().join("env-log3-le-crashed");
    let found = Undelete::new("../env-log3-le-clean/p.db").find(&Layout::of(home));
    assert!(matches!(found, Err(UndeleteError::UnknownDatabase)));
}

/// Of an encrypted environment the password opens both the log and the databases.
#[test]
fn an_encrypted_database_is_seen_with_its_password() {
    const PASSWORD: &str = "corpus-password";
    let layout = Layout::of(testdata().join("recover/env-log19-le-encrypted"));
    let question = Undelete::new("d.db")
        .log(LogOptions::new().password(PASSWORD))
        .at(Until::Lsn(Lsn { file: 1, offset: u32::MAX }));
    let closed = question.clone().find(&layout);
    assert!(closed.is_err() || closed.is_ok_and(|found| found.from_log_alone().is_some()));
    let found = question.files(OpenOptions::new().password(PASSWORD)).find(&layout).unwrap();
    assert_eq!(found.from_log_alone(), None);
    assert!(!held(&found).is_empty());
}
