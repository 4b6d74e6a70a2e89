//! Surveys of stores: what is recognised, and how it was left.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bdbkit::mboxlist::{
    Certainty, Code, Job, LogEnd, Mailbox, Product, Release, Snapshot, SnapshotVerdict, State, StoreFinding,
    StorePlan, StoreSeverity, Survey, SurveyOptions,
};
use bdbkit::{Endianness, Lsn};
use tempfile::TempDir;

use crate::common::{Pair, cases, pairs_of_section, read, sections, testdata};
use crate::stores;

/// A copy of the files of a folder, without the texts.
fn copy(case: &str) -> TempDir {
    let to = TempDir::new().unwrap();
    copy_to(&testdata().join(case), to.path());
    to
}

fn copy_to(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for path in files(from).into_iter().filter(|path| path.extension().is_none_or(|end| end != "txt")) {
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = paths.filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// Contents and times of everything in a folder.
fn standing(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let time = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    let mut all: BTreeMap<_, _> =
        files(folder).into_iter().map(|path| (path.clone(), (read(&path), time(&path)))).collect();
    all.insert(folder.to_owned(), (Vec::new(), time(folder)));
    all
}

fn survey(folder: impl AsRef<Path>) -> Survey {
    Survey::of(folder).unwrap()
}

fn of(findings: &[StoreFinding], code: Code) -> Vec<&StoreFinding> {
    findings.iter().filter(|finding| finding.code == code).collect()
}

fn ids(releases: &[&bdbkit::mboxlist::Release]) -> Vec<&'static str> {
    releases.iter().map(|release| release.id).collect()
}

#[test]
fn the_store_of_each_release_is_recognised() {
    for case in stores() {
        let (name, found) = (&case.name, survey(case.folder()));
        let (writers, log, btree): (&[&str], _, _) = match name.split('-').nth(1).unwrap() {
            "ims5" => (&["4.15", "5.x"], 2, 6),
            "ims60" => (&["6.0"], 3, 8),
            "ims61" => (&["6.1", "6.2"], 8, 9),
            "ims63" => (&["6.3", "7.0"], 11, 9),
            "ims7u1" => (&["7u1", "7u2", "7u3"], 14, 9),
            other => panic!("{other}"),
        };
        assert_eq!(ids(&found.candidates.last_writer), writers, "{name}");
        assert_eq!(found.candidates.confidence, Certainty::Certain, "{name}");
        assert!(found.candidates.agree, "{name}");
        assert_eq!(found.newest_log(), Some(log), "{name}");
        assert_eq!(found.databases.len(), 5, "{name}");
        let order = if case.big_endian { Endianness::Big } else { Endianness::Little };
        for file in &found.databases {
            assert_eq!((file.version, file.order), (Some(btree), Some(order)), "{name}: {:?}", file.name);
        }
        // Logs of 14 are little-endian everywhere, and no mixture.
        let log_order = if log < 14 { order } else { Endianness::Little };
        assert!(found.logs.iter().all(|file| file.order == Some(log_order)), "{name}");
        assert!(of(&found.findings, Code::MixedOrders).is_empty(), "{name}");
        assert!(of(&found.findings, Code::ForeignLogs).is_empty(), "{name}");
        let folder = found.databases.iter().find(|file| file.name == "folder.db").unwrap();
        assert!(folder.contents.as_ref().unwrap().records > 0, "{name}");
    }
}

#[test]
fn closed_stores_are_clean_and_the_unclean_one_needs_recovery() {
    for case in stores() {
        let found = survey(case.folder());
        let wanted = if case.name.ends_with("unclean") { State::RecoveryNeeded } else { State::Clean };
        assert_eq!(found.decision.state, wanted, "{}: {}", case.name, found.decision.reason);
        let worst = if wanted == State::Clean { StoreSeverity::Warning } else { StoreSeverity::Error };
        assert_eq!(found.worst(), Some(worst), "{}", case.name);
    }
}

#[test]
fn recovery_is_needed_for_a_reason() {
    let found = survey(testdata().join("mboxlist-ims60-log3-le-unclean"));
    let dry = found.decision.dry.as_ref().unwrap();
    assert_eq!(dry.files, ["folder.db", "peruser.db", "quota.db"]);
    assert_eq!(dry.from, Lsn { file: 1, offset: 20140 });
    let [finding] = of(&found.findings, Code::Recover)[..] else { panic!("{:?}", found.findings) };
    assert!(finding.text.contains(&format!("from {} to {}", dry.from, dry.end)), "{}", finding.text);
    assert!(finding.text.contains("27 committed changes are missing"), "{}", finding.text);
    assert!(found.logs[0].last.unwrap() < dry.end);
    // A database that the log speaks of is left out: the others tell the same.
    let part = copy("mboxlist-ims60-log3-le-unclean");
    fs::remove_file(part.path().join("quota.db")).unwrap();
    let part = survey(part.path());
    assert_eq!(part.decision.state, State::RecoveryNeeded);
    assert_eq!(part.decision.missing, ["quota.db"]);
    assert_eq!(
        of(&part.findings, Code::Missing)[0].file.as_deref().and_then(OsStr::to_str),
        Some("quota.db")
    );
}

/// Closed environments and crashed ones, all of which recovery changed.
#[test]
fn the_state_agrees_with_what_recovery_did() {
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    for case in cases(&["env-log"]) {
        let found = survey(case.folder());
        let wanted = match () {
            () if case.has("encrypted") => State::Unknown,
            () if case.has("crashed") => State::RecoveryNeeded,
            () => State::Clean,
        };
        assert!(!found.databases.is_empty(), "{}", case.name);
        assert_eq!(found.decision.state, wanted, "{}: {}", case.name, found.decision.reason);
        if case.name == "env-log8-be-files" {
            // Its only trace is a file that a transaction was making.
            assert_eq!(found.decision.dry.as_ref().unwrap().files, ["x6.db"]);
        }
        *told.entry(wanted.name()).or_default() += 1;
        let torn = found.logs.iter().any(|log| matches!(log.end, LogEnd::Torn(_)));
        assert_eq!(torn, case.has("torn"), "{}", case.name);
        // None that recovery brings back was taken for missing.
        assert!(found.decision.missing.is_empty(), "{}: {:?}", case.name, found.decision.missing);
    }
    assert!(told["clean"] >= 10 && told["recovery-needed"] >= 60, "{told:?}");
}

#[test]
fn nothing_is_changed() {
    for case in stores() {
        let folder = copy(&case.name);
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        for path in files(folder.path()) {
            fs::File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
        }
        let before = standing(folder.path());
        assert!(before.len() > 6);
        survey(folder.path());
        assert!(standing(folder.path()) == before, "{}", case.name);
    }
}

/// Makes the first log file of a folder the second one, in its name and on all pages.
fn second(folder: &Path) {
    fs::rename(folder.join("log.0000000001"), folder.join("log.0000000002")).unwrap();
    for path in files(folder).into_iter().filter(|path| path.extension().is_some_and(|end| end == "db")) {
        let mut bytes = read(&path);
        let size = bdbkit::Database::open(&path).unwrap().meta().page_size().bytes();
        for page in bytes.chunks_mut(size) {
            for number in [[1, 0, 0, 0], [0, 0, 0, 1]] {
                if page[..4] == number {
                    page[..4].iter_mut().filter(|byte| **byte == 1).for_each(|byte| *byte = 2);
                    break;
                }
            }
        }
        fs::write(&path, bytes).unwrap();
    }
}

/// An environment whose log began under 6.0: of its own logs only the newer ones are left.
fn with_history(case: &str, order: &str) -> TempDir {
    let folder = copy(case);
    let old = testdata().join(format!("mboxlist-ims60-log3-{order}/log.0000000001"));
    fs::copy(old, folder.path().join("log.0000000001")).unwrap();
    folder
}

#[test]
fn old_logs_are_history_that_a_newer_library_skips() {
    let cases = [
        ("env-log8-be-logs", "be", &["6.1", "6.2"], 8, "unreadable log version 3"),
        ("env-log11-le-logs", "le", &["6.3", "7.0"], 11, "historic log version 3"),
    ];
    for (case, order, writers, log, says) in cases {
        let folder = with_history(case, order);
        let found = survey(folder.path());
        // The old log is of another store, but recovery would not begin there.
        assert_eq!(found.decision.dry, survey(testdata().join(case)).decision.dry, "{case}");
        assert_eq!(ids(&found.candidates.last_writer), writers, "{case}");
        assert_eq!(ids(&found.candidates.earliest_origin), ["6.0"], "{case}");
        let [all, one] = of(&found.findings, Code::SeveralLogs)[..] else { panic!("{:?}", found.findings) };
        assert!(all.text.contains(&format!("versions 3, {log}")), "{}", all.text);
        assert_eq!(one.file.as_deref().and_then(OsStr::to_str), Some("log.0000000001"));
        assert!(one.text.contains(says), "{}", one.text);
        assert!(one.action.contains("keep them") && one.action.contains("LSN"), "{}", one.action);
    }
}

/// A store of 6.0 died, and 6.3 was started on it without the recovery of 6.0.
#[test]
fn changes_in_skipped_logs_look_lost() {
    let folder = copy("mboxlist-ims60-log3-le-unclean");
    let newer = |number: u32| format!("log.{number:010}");
    fs::copy(testdata().join("env-log11-le-logs").join(newer(2)), folder.path().join(newer(2))).unwrap();
    let found = survey(folder.path());
    let [lost] = &found.lost[..] else { panic!("{:?}", found.lost) };
    assert_eq!((lost.version, lost.files.len()), (3, 3), "{lost:?}");
    assert!(lost.changes > 10 && lost.keys.len() > 5 && lost.first < lost.last, "{lost:?}");
    let [finding] = of(&found.findings, Code::RecoverFirst)[..] else { panic!("{:?}", found.findings) };
    assert_eq!(finding.severity, StoreSeverity::Critical);
    assert!(finding.text.contains("look LOST") && finding.text.contains("keys: "), "{}", finding.text);
    // All keys are there whose pairs recovery would have changed.
    let dumped = |state: &str| -> BTreeSet<Pair> {
        let dumps = files(&testdata().join("mboxlist-ims60-log3-le-unclean").join(state));
        let pairs = |path| sections(&read(path)).iter().flat_map(pairs_of_section).collect::<Vec<_>>();
        dumps.iter().flat_map(pairs).collect()
    };
    let (before, after) = (dumped("before"), dumped("recovered"));
    let changed: BTreeSet<_> = before.symmetric_difference(&after).map(|(key, _)| key.clone()).collect();
    assert!(changed.len() > 5 && changed.is_subset(&lost.keys), "{changed:?}");
}

/// A store that was recovered before each of its releases changed.
#[test]
fn recovered_logs_lost_nothing() {
    for case in stores().iter().filter(|case| !case.name.ends_with("unclean") && !case.big_endian) {
        let folder = copy(&case.name);
        let newer = "log.0000000002";
        fs::copy(testdata().join("env-log11-le-logs").join(newer), folder.path().join(newer)).unwrap();
        assert_eq!(survey(folder.path()).lost, [], "{}", case.name);
    }
}

/// Pages whose LSNs were reset tell nothing of what they lack.
#[cfg(unix)]
#[test]
fn pages_without_lsns_are_not_compared_with_skipped_logs() {
    use bdbkit::mboxlist::{Lsns, StoreUpgrade};

    let folder = copy("mboxlist-ims60-log3-le-unclean");
    let newer = "log.0000000002";
    fs::copy(testdata().join("env-log11-le-logs").join(newer), folder.path().join(newer)).unwrap();
    assert_eq!(survey(folder.path()).lost.len(), 1);
    let upgrade = StoreUpgrade::open(folder.path()).ignore_logs(true).include_version_8(true);
    assert_eq!(upgrade.lsns(Lsns::Reset).run().unwrap().files.len(), 5);
    assert_eq!(survey(folder.path()).lost, []);
}

#[test]
fn a_plan_tells_which_logs_the_target_skips() {
    let found = survey(with_history("env-log8-be-logs", "be").path());
    let skipped = |id: &str| -> Vec<(String, String)> {
        let plan = StorePlan::of(&found, Release::find(id).unwrap());
        let skipped = of(&plan.findings, Code::LogsSkipped).into_iter().cloned().collect::<Vec<_>>();
        assert!(skipped.iter().all(|one| one.action.contains("keep them")));
        assert_eq!(skipped[0].evidence.as_ref().unwrap().bytes, [0, 0, 0, 3]);
        // The changes of the newer log are not in the databases yet.
        assert_eq!(of(&plan.findings, Code::RecoverFirst)[0].severity, StoreSeverity::Critical);
        skipped.into_iter().map(|one| (one.file.unwrap().into_string().unwrap(), one.text)).collect()
    };
    let [(first, old), (second, new)] = &skipped("6.3")[..] else { panic!() };
    assert_eq!([first.as_str(), second], ["log.0000000001", "log.0000000002"]);
    assert!(old.contains("engine 4.4.20 skips it with \"historic log version 3\""), "{old}");
    assert!(new.contains("engine 4.4.20 skips it with \"historic log version 8\""), "{new}");
    // 4.7 reads logs from 8 on.
    let [(_, old), (_, new)] = &skipped("7u1")[..] else { panic!() };
    assert!(old.contains("historic log version 3"), "{old}");
    assert!(new.contains("begins a new log file of version 14"), "{new}");
}

#[test]
fn files_of_two_machines_are_told_apart() {
    let folder = copy("mboxlist-ims63-log11-le");
    fs::copy(testdata().join("mboxlist-ims63-log11-be/quota.db"), folder.path().join("quota.db")).unwrap();
    let mixed = survey(folder.path());
    assert_eq!(of(&mixed.findings, Code::MixedOrders).len(), 1);
    assert_eq!(mixed.worst(), Some(StoreSeverity::Critical));
    let folder = copy("mboxlist-ims63-log11-le");
    let log = "log.0000000001";
    fs::copy(testdata().join("mboxlist-ims63-log11-be").join(log), folder.path().join(log)).unwrap();
    let foreign = survey(folder.path());
    assert_eq!(
        of(&foreign.findings, Code::ForeignLogs)[0].file.as_deref().and_then(OsStr::to_str),
        Some(log)
    );
}

#[test]
fn removed_logs_are_missed() {
    for case in stores() {
        let folder = copy(&case.name);
        let whole = survey(folder.path());
        fs::remove_file(folder.path().join("log.0000000001")).unwrap();
        let found = survey(folder.path());
        assert_eq!(found.decision.state, State::NoLog, "{}", case.name);
        assert_eq!(of(&found.findings, Code::LogsRemoved).len(), 1, "{}", case.name);
        // Without logs, the databases tell less, but nothing else.
        assert_eq!(found.candidates.confidence, Certainty::Likely, "{}", case.name);
        let writers = &found.candidates.last_writer;
        assert!(whole.candidates.last_writer.iter().all(|known| writers.contains(known)), "{}", case.name);
    }
    // The log of a younger store is not the one that the pages speak of.
    let folder = copy("mboxlist-ims61-log8-le");
    second(folder.path());
    let log = testdata().join("mboxlist-ims61-log8-le/log.0000000001");
    fs::remove_file(folder.path().join("log.0000000002")).unwrap();
    fs::copy(log, folder.path().join("log.0000000001")).unwrap();
    let found = survey(folder.path());
    assert_eq!(found.decision.state, State::Inconsistent, "{}", found.decision.reason);
    assert_eq!(of(&found.findings, Code::LogsRemoved).len(), 1);
}

#[test]
fn files_are_told_apart_by_their_names() {
    let folder = copy("mboxlist-ims60-log3-le");
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("__db.001", b"region");
    write("__db.80000002.3a", b"data");
    write("__dbq.queue.db.0", b"data");
    write("__db.rep.db", b"engine");
    write("folder.db.bdbkit-journal", b"");
    write("bdbkit-set.done", b"");
    write("DB_CONFIG", b"set_cachesize 0 1 1\nset_lg_dir /var/log\n");
    write("empty.db", b"");
    write("text.db", b"this is a text, and no database at all");
    fs::create_dir(folder.path().join("folderlock")).unwrap();
    fs::write(folder.path().join("folderlock/x"), b"").unwrap();
    let found = survey(folder.path());
    let names = |code| -> Vec<_> {
        of(&found.findings, code).iter().map(|one| one.file.clone().unwrap_or_default()).collect()
    };
    assert_eq!(names(Code::Interrupted), ["bdbkit-set.done", "folder.db.bdbkit-journal"]);
    assert_eq!(names(Code::EngineData), ["__db.80000002.3a"]);
    assert_eq!(names(Code::FolderLocks), ["folderlock"]);
    let [elsewhere] = of(&found.findings, Code::Elsewhere)[..] else { panic!("{:?}", found.findings) };
    assert!(elsewhere.text.contains("(DB_CONFIG: set_lg_dir /var/log"), "{}", elsewhere.text);
    assert!(!found.is_complete());
    assert_eq!(names(Code::Unreadable), ["empty.db", "text.db"]);
    assert_eq!(found.regions.len(), 1);
    assert!(found.others.iter().any(|other| other.name == "__dbq.queue.db.0" && other.class.is_data()));
    // What cannot be compared leaves the state open.
    assert_eq!(found.decision.state, State::Unknown);
    assert_eq!(of(&found.findings, Code::Live).len(), 1);
    fs::remove_file(folder.path().join("empty.db")).unwrap();
    fs::remove_file(folder.path().join("text.db")).unwrap();
    // Nor does what is here tell of logs that are elsewhere.
    assert_eq!(survey(folder.path()).decision.state, State::Unknown);
    fs::remove_file(folder.path().join("DB_CONFIG")).unwrap();
    assert_eq!(survey(folder.path()).decision.state, State::CleanClosed);
}

#[test]
fn extents_belong_to_their_queue() {
    let folder = copy("mboxlist-ims63-log11-le");
    fs::copy(testdata().join("queue-v4-le-extents/data.db"), folder.path().join("queue.db")).unwrap();
    let extents = ["__dbq.queue.db.2", "__dbq.queue.db.10"];
    for name in extents.iter().chain(&["__dbq.gone.db.0"]) {
        fs::write(folder.path().join(name), b"records").unwrap();
    }
    let found = survey(folder.path());
    let queue = found.databases.iter().find(|file| file.name == "queue.db").unwrap();
    assert_eq!(
        (queue.kind.as_deref(), &queue.extents[..]),
        (Some("queue"), &extents.map(OsString::from)[..])
    );
    // The log does not speak of it.
    assert_eq!(found.decision.state, State::Clean, "{}", found.decision.reason);
    let told = of(&found.findings, Code::Unknown);
    assert!(told.iter().any(|one| one.text.contains("__dbq.queue.db.2, __dbq.queue.db.10")), "{told:?}");
    let [missing] = of(&found.findings, Code::Missing)[..] else { panic!("{:?}", found.findings) };
    assert_eq!(
        (missing.file.as_deref().and_then(OsStr::to_str), missing.severity),
        (Some("gone.db"), StoreSeverity::Warning)
    );
}

/// HASH databases that lack changes of pairs, which the log has behind the last checkpoint.
#[test]
fn pairs_of_hash_databases_are_compared_with_the_log() {
    for case in ["env-log8-le-hash-recno", "env-log11-be-hash-recno", "env-log14-le-hash-recno"] {
        let folder = copy(case);
        for file in survey(folder.path()).databases {
            if file.kind.as_deref() != Some("hash") {
                fs::remove_file(folder.path().join(file.name)).unwrap();
            }
        }
        let found = survey(folder.path());
        assert!(!found.databases.is_empty() && found.databases.iter().all(|file| file.file_id.is_some()));
        assert_eq!(found.decision.state, State::RecoveryNeeded, "{case}: {}", found.decision.reason);
    }
}

/// Pages of a QUEUE do not tell by their LSNs what they lack: recovery in memory does.
#[test]
fn queues_are_judged_by_what_recovery_would_make_of_them() {
    for case in ["env-log11-le-queue", "env-log14-le-queue-ahead"] {
        let from = testdata().join("recover").join(case);
        let folder = TempDir::new().unwrap();
        let take = |folder: &Path, from: &Path, logs: bool| {
            for path in files(from) {
                let name = path.file_name().unwrap();
                if logs || !name.to_str().unwrap().starts_with("log.") {
                    fs::copy(&path, folder.join(name)).unwrap();
                }
            }
        };
        take(folder.path(), &from, true);
        let found = survey(folder.path());
        assert!(found.databases.iter().any(|file| file.kind.as_deref() == Some("queue")));
        assert_eq!(found.decision.state, State::RecoveryNeeded, "{case}: {}", found.decision.reason);
        // What the genuine recovery made of it lacks nothing.
        for path in files(folder.path()) {
            if !path.file_name().unwrap().to_str().unwrap().starts_with("log.") {
                fs::remove_file(path).unwrap();
            }
        }
        take(folder.path(), &from.join("recovered"), false);
        let found = survey(folder.path());
        assert_eq!(found.decision.state, State::Clean, "{case}: {}", found.decision.reason);
    }
}

/// A snapshot of a store: its files, and marks.
fn snapshot(folder: &Path, case: &str, marks: &[&str]) {
    copy_to(&testdata().join(case), folder);
    for mark in marks {
        let file = fs::File::create(folder.join(mark)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(3 * 86_400)).unwrap();
    }
}

#[test]
fn snapshots_are_worth_what_their_marks_and_files_say() {
    let store = TempDir::new().unwrap();
    let place = |name: &str| store.path().join("dbdata/snapshots").join(name);
    copy_to(&testdata().join("mboxlist-ims63-log11-le"), &store.path().join("mboxlist"));
    let both = [".snaptime", ".verified"];
    snapshot(&place("1"), "mboxlist-ims63-log11-le", &both);
    snapshot(&place("2"), "mboxlist-ims60-log3-le-unclean", &both);
    snapshot(&place("3"), "mboxlist-ims60-log3-le-unclean", &both[..1]);
    snapshot(&place("4"), "mboxlist-ims63-log11-le", &both[1..]);
    snapshot(&place("5"), "mboxlist-ims63-log11-le", &both);
    fs::write(place("5").join("quota.db"), b"").unwrap();
    let found = survey(store.path().join("mboxlist"));
    let verdicts: Vec<SnapshotVerdict> = found.snapshots.iter().map(|snapshot| snapshot.verdict).collect();
    let wanted = [
        SnapshotVerdict::Valid,
        SnapshotVerdict::Contradiction,
        SnapshotVerdict::AfterRecovery,
        SnapshotVerdict::Invalid,
        SnapshotVerdict::Contradiction,
    ];
    assert_eq!(verdicts, wanted);
    let days = found.snapshots[0].age.unwrap().as_secs() / 86_400;
    assert_eq!(days, 3);
    assert!(of(&found.findings, Code::NoSnapshot).is_empty());
    assert_eq!(of(&found.findings, Code::Contradiction).len(), 2);
    assert_eq!(of(&found.findings, Code::Unmarked).len(), 2);
}

#[test]
fn a_snapshot_that_lacks_a_database_is_not_valid() {
    let store = TempDir::new().unwrap();
    let place = store.path().join("snapshot");
    snapshot(&place, "mboxlist-ims60-log3-le", &[".snaptime", ".verified"]);
    assert_eq!(Snapshot::of(&place).verdict, SnapshotVerdict::Valid);
    // A log that goes on after its last checkpoint tells which databases were open.
    snapshot(&place, "mboxlist-ims60-log3-le-unclean", &[]);
    fs::remove_file(place.join("quota.db")).unwrap();
    let lacking = Snapshot::of(&place);
    assert_eq!(lacking.verdict, SnapshotVerdict::Contradiction, "{lacking:?}");
    let missing: Vec<_> = lacking.faults().filter(|fault| fault.code == Code::Missing).collect();
    assert_eq!(missing[0].file.as_deref().and_then(OsStr::to_str), Some("quota.db"));
}

#[test]
fn a_set_file_alone_is_told_as_such() {
    let folder = copy("mboxlist-ims63-log11-le");
    fs::write(folder.path().join("bdbkit-set.done"), b"").unwrap();
    let alone = survey(folder.path());
    let [finding] = of(&alone.findings, Code::Interrupted)[..] else { panic!("{:?}", alone.findings) };
    assert_eq!(finding.severity, StoreSeverity::Note);
    assert_eq!(finding.jobs, [Job::ResumeStoreUpgrade], "{}", finding.action);
    fs::write(folder.path().join("folder.db.bdbkit-journal"), b"").unwrap();
    let both = survey(folder.path());
    assert!(
        of(&both.findings, Code::Interrupted).iter().all(|finding| finding.severity == StoreSeverity::Error)
    );
}

/// Every file of a store cut and changed: a finding at most, and never the end.
#[test]
fn damage_is_a_finding() {
    for case in ["mboxlist-ims5-log2-be", "mboxlist-ims60-log3-le-unclean", "mboxlist-ims7u1-log14-be"] {
        let folder = copy(case);
        for path in files(folder.path()) {
            let whole = read(&path);
            let name = path.file_name().unwrap().to_str().unwrap();
            for len in [0, 3, 28, 100, 600, whole.len() / 2, whole.len() - 1] {
                fs::write(&path, &whole[..len]).unwrap();
                let found = survey(folder.path());
                assert_eq!(found.databases.len() + found.logs.len(), 6, "{case}: {name} cut to {len}");
                let silent = found.findings.iter().all(|one| {
                    one.file.as_deref().and_then(OsStr::to_str) != Some(name)
                        || one.severity < StoreSeverity::Warning
                });
                let log = name.starts_with("log.");
                assert!(log || !silent, "{case}: {name} cut to {len}: {:?}", found.findings);
            }
            for at in (0..whole.len()).step_by(whole.len() / 40 + 1) {
                let mut bytes = whole.clone();
                bytes[at] ^= 0xff;
                fs::write(&path, bytes).unwrap();
                survey(folder.path());
            }
            fs::write(&path, &whole).unwrap();
        }
    }
    assert!(Survey::of(testdata().join("no such folder")).is_err());
    let empty = survey(TempDir::new().unwrap().path());
    assert!(empty.candidates.last_writer.is_empty() && empty.candidates.agree);
    assert_eq!(empty.candidates.confidence, Certainty::None);
}

#[test]
fn the_mailbox_version_narrows_the_releases_down() {
    let of =
        |case: &str, mailbox| SurveyOptions::new().mailbox(mailbox).survey(testdata().join(case)).unwrap();
    assert_eq!(ids(&of("mboxlist-ims63-log11-be", Mailbox::V1_2).candidates.last_writer), ["6.3"]);
    let none = of("mboxlist-ims63-log11-be", Mailbox::V1_1);
    assert!(!none.candidates.agree);
    assert_eq!(self::of(&none.findings, Code::NoRelease).len(), 1);
}

/// Names that do something to a terminal, and two that only their bytes tell apart.
#[cfg(unix)]
#[test]
fn names_that_are_no_text_are_not_lost() {
    use std::os::unix::ffi::OsStrExt;
    let folder = copy("mboxlist-ims63-log11-le");
    let bytes = read(folder.path().join("quota.db"));
    let names = [OsStr::from_bytes(b"\xfe.db"), OsStr::from_bytes(b"\xff.db")];
    for name in names {
        fs::write(folder.path().join(name), &bytes).unwrap();
    }
    let found = survey(folder.path());
    for name in names {
        let file = found.databases.iter().find(|file| file.name == name).unwrap();
        assert_eq!(file.path, folder.path().join(name));
        assert!(file.contents.is_some(), "{name:?} was read");
    }
    let told = of(&found.findings, Code::Unknown);
    let told: Vec<String> = told.iter().map(|one| one.to_string()).collect();
    for shown in [r"\fe.db: ", r"\ff.db: "] {
        assert!(told.iter().any(|one| one.contains(shown)), "{shown}: {told:?}");
    }
}

/// A Subversion repository: its files have no name that ends in .db.
#[test]
fn an_environment_of_another_product_is_told_as_such() {
    let found = survey(testdata().join("svn-like"));
    assert_eq!(found.product, Product::Subversion);
    let names: Vec<&OsStr> = found.databases.iter().map(|file| file.name.as_os_str()).collect();
    assert_eq!(
        names,
        [
            "changes",
            "copies",
            "locks",
            "nodes",
            "representations",
            "revisions",
            "strings",
            "transactions",
            "uuids"
        ]
    );
    assert!(of(&found.findings, Code::Missing).is_empty(), "{:?}", found.findings);
    assert_eq!(ids(&found.candidates.last_writer), [""; 0]);
    assert_eq!((found.candidates.confidence, found.candidates.engine), (Certainty::None, Some("5.3.28")));
    let told: BTreeSet<Code> = found.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(told, BTreeSet::from([Code::Database, Code::OtherProduct, Code::Recover]));
    // By the names in the log alone, where page 0 tells nothing.
    let folder = copy("svn-like");
    let path = folder.path().join("nodes");
    let mut bytes = read(&path);
    bytes[..512].fill(0);
    fs::write(&path, bytes).unwrap();
    let found = survey(folder.path());
    assert!(found.databases.iter().any(|file| file.name == "nodes" && file.contents.is_none()));
    assert!(of(&found.findings, Code::Missing).is_empty(), "{:?}", found.findings);
    // By the names in the log of what is elsewhere.
    for path in files(folder.path()).iter().filter(|path| !path.to_str().unwrap().contains("log.")) {
        fs::remove_file(path).unwrap();
    }
    assert_eq!(survey(folder.path()).product, Product::Subversion);
    // A store that lost its databases is still one, by its log.
    let folder = copy("mboxlist-ims63-log11-le");
    for path in files(folder.path()).iter().filter(|path| path.extension().is_some_and(|end| end == "db")) {
        fs::remove_file(path).unwrap();
    }
    assert_eq!(survey(folder.path()).product, Product::MailStore);
    fs::remove_file(folder.path().join("log.0000000001")).unwrap();
    assert_eq!(survey(folder.path()).product, Product::Unknown);
}

/// Logs and databases where `DB_CONFIG` says, or whoever asks.
#[test]
fn an_environment_is_surveyed_where_its_parts_are() {
    let whole = survey(testdata().join("mboxlist-ims63-log11-le"));
    for config in ["set_lg_dir logs\nadd_data_dir data\n", "DB_LOG_DIR logs\nDB_DATA_DIR data\n", ""] {
        let folder = copy("mboxlist-ims63-log11-le");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("logs")).unwrap();
        fs::create_dir(path("data")).unwrap();
        fs::rename(path("log.0000000001"), path("logs/log.0000000001")).unwrap();
        fs::rename(path("folder.db"), path("data/folder.db")).unwrap();
        let mut options = SurveyOptions::new();
        if config.is_empty() {
            options = options.log_dir(path("logs")).data_dir(path("data"));
        } else {
            fs::write(path("DB_CONFIG"), config).unwrap();
        }
        let found = options.survey(folder.path()).unwrap();
        assert_eq!(found.decision.state, State::Clean, "{config}: {}", found.decision.reason);
        assert!(found.is_complete() && found.logs_elsewhere().is_none(), "{config}");
        assert_eq!(found.candidates, whole.candidates, "{config}");
        assert_eq!((found.databases.len(), found.logs.len()), (5, 1), "{config}");
        let there = found.databases.iter().find(|file| file.name == "folder.db").unwrap();
        assert!(there.path.ends_with("data/folder.db"), "{config}: {:?}", there.path);
        let upgrade = |survey: &Survey| StorePlan::of(survey, Release::find("7u1").unwrap()).possible();
        assert!(upgrade(&found), "{config}");
    }
    let folder = copy("mboxlist-ims63-log11-le");
    fs::write(folder.path().join("DB_CONFIG"), "set_lg_dir nowhere\n").unwrap();
    let found = survey(folder.path());
    assert!(!found.is_complete() && found.decision.state == State::Unknown, "{}", found.decision.reason);
    assert!(
        found.logs_elsewhere().is_some_and(|why| why.contains("nowhere (DB_CONFIG: set_lg_dir nowhere)"))
    );
}

/// Evidence that was left out is not whole.
#[cfg(unix)]
#[test]
fn links_and_special_files_make_a_survey_incomplete() {
    assert!(survey(testdata().join("mboxlist-ims63-log11-le")).is_complete());
    let from = testdata().join("mboxlist-ims63-log11-le");
    for name in ["quota.db", "log.0000000001", "notes", "__db.001"] {
        let folder = copy("mboxlist-ims63-log11-le");
        let path = folder.path().join(name);
        let _ = fs::remove_file(&path);
        std::os::unix::fs::symlink(from.join("quota.db"), &path).unwrap();
        let found = survey(folder.path());
        assert!(!found.is_complete(), "{name}");
        let named = of(&found.findings, Code::Elsewhere);
        assert!(named.iter().any(|one| one.file.as_deref() == Some(OsStr::new(name))), "{name}: {named:?}");
    }
    // Among the snapshots, too.
    let top = TempDir::new().unwrap();
    copy_to(&from, &top.path().join("store/mboxlist"));
    copy_to(&from, &top.path().join("store/dbdata/snapshots/one"));
    std::os::unix::fs::symlink("one", top.path().join("store/dbdata/snapshots/latest")).unwrap();
    let found = survey(top.path().join("store/mboxlist"));
    assert_eq!(found.snapshots.len(), 1);
    assert!(!found.is_complete());
    assert!(of(&found.findings, Code::Elsewhere)[0].text.contains("latest is a symbolic link"));
}

/// A database that is called as a region is data.
#[test]
fn a_region_is_none_by_its_name_alone() {
    let folder = copy("mboxlist-ims63-log11-le");
    fs::copy(folder.path().join("quota.db"), folder.path().join("__db.004")).unwrap();
    let found = survey(folder.path());
    assert!(found.regions.iter().all(|region| region.name != "__db.004"));
    assert!(of(&found.findings, Code::EngineData)[0].to_string().contains("__db.004"));
}
