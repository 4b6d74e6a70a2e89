//! Mail stores listed as evidence: every entry, its origin, and sums before and after.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bdbkit::log::{ChangeKind, Fate, Known};
use bdbkit::mboxlist::{EntryOrigin, Kind, List, ListReport, Listed};
use bdbkit::salvage::Confidence;
use bdbkit::{Database, Endianness};
use sha2::{Digest, Sha256};

use crate::common;
use crate::common::{Case, Pair, multiset, pairs_of_text, read, testdata};
use crate::stores;

/// What is wanted of an entry after its bytes are gone.
#[derive(Clone, Debug)]
struct Seen {
    file: String,
    kind: Kind,
    key: Vec<u8>,
    value: Vec<u8>,
    from: From,
}

#[derive(Clone, Debug)]
enum From {
    Live,
    Salvaged(Confidence),
    Deleted { copy: bool },
    Log { change: ChangeKind, fate: Fate, before: Option<Vec<u8>> },
}

/// The bytes of a key or a value, as far as they are known.
fn bytes(content: &Known<'_>) -> Vec<u8> {
    match content {
        Known::Bytes(bytes) => bytes.to_vec(),
        Known::Part { middle, .. } => middle.to_vec(),
        _ => Vec::new(),
    }
}

fn seen(entry: &Listed<'_>) -> Seen {
    Seen {
        file: String::from_utf8(entry.file.to_vec()).unwrap(),
        kind: entry.kind,
        key: bytes(&entry.key),
        value: bytes(&entry.value),
        from: match &entry.origin {
            EntryOrigin::Live => From::Live,
            EntryOrigin::Salvaged(found) => From::Salvaged(found.confidence),
            EntryOrigin::Deleted(found) => From::Deleted { copy: found.is_copy },
            EntryOrigin::Log { change, fate, .. } => From::Log {
                change: change.kind,
                fate: *fate,
                before: change.new.as_ref().and(change.old.as_ref()).map(bytes),
            },
            other => panic!("{other:?}"),
        },
    }
}

fn run(list: List) -> (Vec<Seen>, ListReport) {
    let mut entries = Vec::new();
    let Ok(report) = list.run(|entry| {
        entries.push(seen(entry));
        Ok::<(), Infallible>(())
    });
    (entries, report)
}

fn list(path: impl AsRef<Path>) -> List {
    List::open(path).unwrap()
}

/// The databases of a case with the pairs that a genuine tool found in a folder.
fn dumps(folder: &Path) -> BTreeMap<String, Vec<Pair>> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let dumps = paths.filter_map(|path| {
        let name = path.file_name()?.to_str()?.strip_suffix(".dump.txt")?.to_owned();
        Some((name, pairs_of_text(&read(&path))))
    });
    dumps.collect()
}

fn inner(case: &Case, name: &str) -> PathBuf {
    let inner = case.folder().join(name);
    if inner.is_dir() { inner } else { case.folder() }
}

/// The files of a folder: bytes and time of the last change.
fn state(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = paths.filter(|path| path.is_file());
    files
        .map(|path| (path.clone(), (read(&path), fs::metadata(&path).unwrap().modified().unwrap())))
        .collect()
}

/// A copy of the files of a case.
fn copy(case: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for path in state(&common::testdata().join(case)).keys() {
        fs::copy(path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

#[test]
fn live_entries_are_those_of_the_genuine_tools() {
    let mut compared = 0;
    for case in stores() {
        let (entries, report) = run(list(case.folder()));
        assert!(report.is_complete(), "{}: {report:?}", case.name);
        for (file, expected) in dumps(&inner(&case, "before")) {
            let found = entries.iter().filter(|seen| seen.file == file);
            let found: Vec<Pair> = found.map(|seen| (seen.key.clone(), seen.value.clone())).collect();
            assert!(found == expected, "{}/{file}: {found:?}", case.name);
            compared += 1;
        }
        assert!(entries.iter().all(|seen| matches!(seen.from, From::Live)), "{}", case.name);
        let kinds: BTreeSet<(&str, Kind)> = entries.iter().map(|seen| (&*seen.file, seen.kind)).collect();
        assert!(kinds.contains(&("folder.db", Kind::Mailbox)), "{kinds:?}");
        assert!(kinds.contains(&("quota.db", Kind::Quota)), "{kinds:?}");
        assert!(kinds.contains(&("subscr.db", Kind::Subscription)), "{kinds:?}");
        assert!(report.logs.is_none());
    }
    assert!(compared >= 55, "{compared}");
}

#[test]
fn kinds_are_told_from_the_name_alone() {
    let kinds = ["store/peruser.db", "lright.db", "folder.db.old", "__db.8000001.2f", ""];
    let found = kinds.map(|name| Kind::of(name.as_bytes()));
    assert_eq!(found, [Kind::PerUser, Kind::LookUpRight, Kind::Other, Kind::Other, Kind::Other]);
}

#[test]
fn sums_are_real_and_nothing_changes() {
    for case in stores() {
        let before = state(&case.folder());
        let (_, report) = run(list(case.folder()).deleted(true).logs(true));
        assert!(state(&case.folder()) == before, "{} changed", case.name);
        let paths: Vec<&PathBuf> = report.files.iter().map(|file| &file.path).collect();
        assert_eq!(paths, before.keys().collect::<Vec<_>>(), "{}", case.name);
        for file in &report.files {
            let bytes = &before[&file.path].0;
            let hash = file.before.unwrap();
            assert_eq!(
                (hash.sha256, hash.size),
                (Sha256::digest(bytes).into(), u64::try_from(bytes.len()).unwrap())
            );
            assert_eq!((file.after, file.is_unchanged()), (file.before, true));
            assert_eq!(file.is_database, file.path.extension().unwrap() == "db", "{}", file.path.display());
        }
        assert_eq!(report.folders.len(), if case.folder().join("before").is_dir() { 2 } else { 0 });
    }
}

#[test]
fn a_file_that_changes_meanwhile_is_found_out() {
    let folder = copy("mboxlist-ims61-log8-le");
    let (quota, new) = (folder.path().join("quota.db"), folder.path().join("zz.db"));
    let mut first = true;
    let Ok(report) = list(folder.path()).run(|_| {
        if std::mem::take(&mut first) {
            let mut bytes = read(&quota);
            bytes.push(0);
            fs::write(&quota, bytes).unwrap();
            fs::write(&new, b"new").unwrap();
            fs::remove_file(folder.path().join("printlog.txt")).unwrap();
        }
        Ok::<(), Infallible>(())
    });
    let changed: Vec<&str> = report
        .files
        .iter()
        .filter(|file| !file.is_unchanged())
        .map(|file| file.path.file_name().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(changed, ["printlog.txt", "quota.db", "zz.db"]);
    assert!(!report.is_complete());
}

/// What the committed changes of a file lead to.
fn replay(entries: &[Seen], file: &str) -> BTreeMap<Pair, usize> {
    let mut pairs: BTreeMap<Pair, usize> = BTreeMap::new();
    for seen in entries.iter().filter(|seen| seen.file == file) {
        let From::Log { change, fate: Fate::Committed { .. }, before } = &seen.from else { continue };
        let gone = match change {
            ChangeKind::Put => None,
            ChangeKind::Replace => before.clone(),
            ChangeKind::Delete => Some(seen.value.clone()),
        };
        if let Some(value) = gone {
            let pair = (seen.key.clone(), value);
            let count = pairs.get_mut(&pair).unwrap_or_else(|| panic!("{file}: {pair:?} was not there"));
            *count -= 1;
            if *count == 0 {
                pairs.remove(&pair);
            }
        }
        if *change != ChangeKind::Delete {
            *pairs.entry((seen.key.clone(), seen.value.clone())).or_insert(0) += 1;
        }
    }
    pairs
}

#[test]
fn committed_entries_of_the_logs_lead_to_what_genuine_recovery_found() {
    let (mut compared, mut deleted) = (0, 0);
    for case in stores() {
        let (entries, report) = run(list(case.folder()).logs(true));
        let from_log: Vec<Seen> =
            entries.into_iter().filter(|seen| matches!(seen.from, From::Log { .. })).collect();
        let logs = report.logs.unwrap();
        assert_eq!(usize::try_from(logs.changes).unwrap(), from_log.len());
        assert!(logs.problems.is_empty() && logs.tail.unwrap().is_clean(), "{}: {logs:?}", case.name);
        for (file, expected) in dumps(&inner(&case, "recovered")) {
            assert_eq!(replay(&from_log, &file), multiset(expected), "{}/{file}", case.name);
            compared += 1;
        }
        let is_delete = |seen: &&Seen| matches!(seen.from, From::Log { change: ChangeKind::Delete, .. });
        deleted += from_log.iter().filter(is_delete).count();
        let open = from_log.iter().filter(|seen| {
            let From::Log { fate, .. } = &seen.from else { return false };
            !matches!(fate, Fate::Committed { .. } | Fate::Aborted)
        });
        let open: Vec<_> = open.map(|seen| seen.file.as_str()).collect();
        let expected: &[&str] =
            if case.name.ends_with("-unclean") { &["peruser.db", "quota.db"] } else { &[] };
        assert_eq!(open, expected, "{}", case.name);
    }
    assert!(compared >= 55 && deleted >= 11, "{compared} {deleted}");
}

/// Whether an item with these bytes stands in a file, in its byte order.
fn stands(path: &Path, item: &[u8]) -> bool {
    let order = Database::open(path).unwrap().meta().endianness();
    let len = u16::try_from(item.len()).unwrap();
    let len = if order == Endianness::Big { len.to_be_bytes() } else { len.to_le_bytes() };
    let stored = [&len[..], &[1], item].concat();
    read(path).windows(stored.len()).any(|window| window == stored)
}

#[test]
fn what_the_logs_say_was_deleted_is_found_in_the_files_if_it_still_stands_there() {
    let mut found = 0;
    for case in stores() {
        let (entries, _) = run(list(case.folder()).deleted(true).logs(true));
        let of = |file: &str, wanted: fn(&From) -> bool| -> BTreeSet<Vec<u8>> {
            let some = entries.iter().filter(|seen| seen.file == file && wanted(&seen.from));
            some.flat_map(|seen| [seen.key.clone(), seen.value.clone()]).collect()
        };
        for seen in &entries {
            let From::Log { change, before, .. } = &seen.from else { continue };
            let gone = match change {
                ChangeKind::Delete => seen.value.clone(),
                _ => match before {
                    Some(before) => before.clone(),
                    None => continue,
                },
            };
            let live = of(&seen.file, |from| matches!(from, From::Live));
            let deleted = of(&seen.file, |from| matches!(from, From::Deleted { .. }));
            if !live.contains(&gone) && stands(&case.folder().join(&seen.file), &gone) {
                let name = format!("{}/{}", case.name, seen.file);
                assert!(deleted.contains(&gone), "{name}: {}", gone.escape_ascii());
                found += 1;
            }
        }
    }
    assert!(found >= 7, "{found}: too little that was deleted stands in any file");
}

#[test]
fn mailboxes_are_found_though_the_first_page_is_lost() {
    for case in stores() {
        let folder = copy(&case.name);
        let path = folder.path().join("folder.db");
        let mut bytes = read(&path);
        let size = Database::open(&path).unwrap().meta().page_size().bytes();
        bytes[..size].fill(0);
        fs::write(&path, &bytes).unwrap();
        let (entries, report) = run(list(folder.path()));
        let found = entries.iter().filter(|seen| seen.kind == Kind::Mailbox);
        let pairs = multiset(found.clone().map(|seen| (seen.key.clone(), seen.value.clone())));
        let expected = dumps(&inner(&case, "before"))["folder.db"].clone();
        assert_eq!(pairs, multiset(expected), "{}", case.name);
        let trusted = |seen: &Seen| matches!(seen.from, From::Salvaged(trust) if trust >= Confidence::Medium);
        assert!(found.clone().all(trusted), "{}", case.name);
        let file = report.files.iter().find(|file| file.path == path).unwrap();
        assert!(file.salvaged && file.is_unchanged() && !report.is_complete(), "{file:?}");
        assert_eq!((file.live, usize::try_from(file.recovered).unwrap()), (0, found.count()));
        assert!(file.problems[0].starts_with("not a Berkeley DB file"), "{:?}", file.problems);
        assert!(report.files.iter().all(|file| file.salvaged == (file.path == path)), "{report:?}");
        assert!(read(&path) == bytes);
    }
}

#[test]
fn damage_in_the_middle_is_named_and_what_is_deleted_is_told_apart() {
    let folder = copy("mboxlist-ims7u1-log14-be");
    let path = folder.path().join("folder.db");
    let mut bytes = read(&path);
    let root = 1024..2048;
    bytes[root].fill(0xff);
    fs::write(&path, &bytes).unwrap();
    let count = |entries: &[Seen], wanted: fn(&From) -> bool| {
        entries.iter().filter(|seen| seen.file == "folder.db" && wanted(&seen.from)).count()
    };
    let (entries, report) = run(list(&path).deleted(true));
    assert_eq!((count(&entries, |from| matches!(from, From::Live)), report.files.len()), (0, 1));
    assert!(count(&entries, |from| matches!(from, From::Salvaged(_))) >= 22);
    assert!(count(&entries, |from| matches!(from, From::Deleted { .. })) >= 1);
    assert!(report.files[0].problems.iter().any(|problem| problem.starts_with("page 1")), "{report:?}");
    let (entries, _) = run(list(&path));
    assert_eq!(count(&entries, |from| matches!(from, From::Deleted { .. })), 0);
}

#[test]
fn one_file_is_listed_with_the_logs_beside_it() {
    let folder = common::testdata().join("mboxlist-ims60-log3-le-unclean");
    let names = |report: &ListReport| -> Vec<String> {
        let names = report.files.iter().map(|file| file.path.file_name().unwrap().to_str().unwrap());
        names.map(str::to_owned).collect()
    };
    let (entries, report) = run(list(folder.join("quota.db")));
    assert_eq!((entries.len(), names(&report)), (3, vec!["quota.db".into()]));
    let (entries, report) = run(list(folder.join("quota.db")).logs(true));
    assert_eq!(names(&report), ["quota.db", "log.0000000001"]);
    assert!(entries.len() == 11 && entries.iter().all(|seen| seen.kind == Kind::Quota), "{entries:?}");
    let (entries, report) = run(list(folder.join("log.0000000001")));
    assert_eq!((entries.len(), names(&report)), (50, vec!["log.0000000001".into()]));
}

#[test]
fn what_cannot_be_read_is_in_the_report() {
    assert!(List::open(common::testdata().join("absent")).is_err());
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("empty.db"), b"").unwrap();
    fs::write(folder.path().join("noise.db"), [0x5a; 4096]).unwrap();
    fs::write(folder.path().join("notes.txt"), b"no database").unwrap();
    let (entries, report) = run(list(folder.path()).deleted(true).logs(true));
    assert_eq!(entries.len(), 0);
    let problems: Vec<usize> = report.files.iter().map(|file| file.problems.len()).collect();
    assert_eq!(problems, [1, 1, 0], "{report:?}");
    let logs = report.logs.as_ref().unwrap();
    assert!(logs.problems[0].to_string().contains("no log files here"), "{logs:?}");
}

#[test]
fn old_copies_of_live_entries_are_told_from_what_is_gone() {
    let (mut copies, mut gone) = (0, 0);
    for case in stores() {
        let (entries, _) = run(list(case.folder()).deleted(true));
        let pair = |seen: &Seen| (seen.file.clone(), seen.key.clone(), seen.value.clone());
        let live = entries.iter().filter(|seen| matches!(seen.from, From::Live));
        let live: BTreeSet<_> = live.map(pair).collect();
        for seen in &entries {
            if let From::Deleted { copy } = seen.from {
                assert_eq!(copy, live.contains(&pair(seen)), "{}: {seen:?}", case.name);
                *(if copy { &mut copies } else { &mut gone }) += 1;
            }
        }
    }
    assert!(copies >= 20 && gone >= 20, "{copies} {gone}");
}

/// Links are not followed, neither those of databases nor those of logs: they are named, and the
/// listing is not complete.
#[cfg(unix)]
#[test]
fn links_and_special_files_are_left_out_and_said_so() {
    let case = "mboxlist-ims63-log11-le";
    let whole = run(list(copy(case).path()).logs(true)).1;
    assert!(whole.is_complete() && whole.left_out.is_empty());
    for name in ["folder.db", "log.0000000001", "other"] {
        let folder = copy(case);
        let path = folder.path().join(name);
        let _ = fs::remove_file(&path);
        let target = if name.starts_with("log") { name } else { "quota.db" };
        std::os::unix::fs::symlink(testdata().join(case).join(target), &path).unwrap();
        let (seen, report) = run(list(folder.path()).logs(true));
        assert_eq!(report.left_out, [path], "{name}");
        assert!(!report.is_complete(), "{name}");
        let logged = report.logs.as_ref().unwrap();
        assert_eq!(logged.changes == 0, name.starts_with("log"), "{name}");
        assert_eq!(
            seen.iter().any(|entry| entry.file == "folder.db" && matches!(entry.from, From::Live)),
            name != "folder.db"
        );
    }
    // A folder of its own for the logs, by its configuration or by hand.
    let folder = copy(case);
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("logs")).unwrap();
    fs::rename(path("log.0000000001"), path("logs/log.0000000001")).unwrap();
    let changes = whole.logs.as_ref().unwrap().changes;
    let by_hand = run(list(folder.path()).logs(true).log_dir(path("logs"))).1;
    assert_eq!(by_hand.logs.as_ref().unwrap().changes, changes);
    fs::write(path("DB_CONFIG"), "set_lg_dir logs\n").unwrap();
    let (_, report) = run(list(folder.path()).logs(true));
    assert_eq!(report.logs.as_ref().unwrap().changes, changes);
    assert!(report.is_complete() && report.files.iter().any(|file| file.path == path("logs/log.0000000001")));
    fs::write(path("DB_CONFIG"), "set_data_dir nowhere\n").unwrap();
    let (_, report) = run(list(folder.path()));
    assert!(!report.is_complete() && report.problems[0].contains("nowhere"), "{:?}", report.problems);
}
