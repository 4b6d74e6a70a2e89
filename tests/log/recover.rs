//! Recovery, compared with what the genuine one made of the same environments: page by page, as far
//! as it is determined what stands there (recovery, "Primitive page changes").

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use bdbkit::env::Layout;
use bdbkit::log::{LogDir, LogOptions, TxnId};
use bdbkit::recover::{InDoubt, Recover, RecoverError, RecoveredFile, RecoveredTransaction, Until, View};
use bdbkit::verify::{Severity, Verify};
use bdbkit::{Database, Endianness, File, FileKind, Lsn, OpenOptions, ShowName, dump};

use crate::common::testdata;
use crate::craft::{Craft, TXN};
use crate::fields;

/// The environments that have a genuine recovery.
fn cases() -> Vec<(String, PathBuf, PathBuf)> {
    let folder = testdata().join("recover");
    let mut cases = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let elsewhere = testdata().join(&name);
        let home = if elsewhere.is_dir() { elsewhere } else { folder.join(&name) };
        let recovered = folder.join(&name).join("recovered");
        if recovered.is_dir() {
            cases.push((name, home, recovered));
        }
    }
    cases.sort();
    cases
}

fn view(home: &Path, strict: bool) -> View {
    with_password().strict(strict).view(&Layout::of(home)).unwrap()
}

const PASSWORD: &str = "corpus-password";

fn with_password() -> Recover {
    let log = LogOptions::new().password(PASSWORD);
    Recover::new().log(log).files(OpenOptions::new().password(PASSWORD))
}

/// All databases in a folder and those in it, by their names.
fn databases(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inside) = folders.pop() {
        for entry in fs::read_dir(&inside).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// A page without what is not determined: what stands between the index and the items, what pads items,
/// unused bytes, checksums.
fn determined(page: &[u8], no: usize, index: usize, order: Endianness, checksummed: bool) -> Vec<u8> {
    let short = |at: usize| {
        let raw = [page[at], page[at + 1]];
        usize::from(if order == Endianness::Big { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) })
    };
    let mut kept = page.to_vec();
    let size = page.len();
    let mut clear = |range: Range<usize>| range.filter(|&at| at < size).for_each(|at| kept[at] = 0);
    let (kind, entries) = (page[25], short(20));
    let area = if short(22) == 0 { size } else { short(22) };
    if checksummed {
        clear(if no == 0 { 492..496 } else { 26..32 });
    }
    match kind {
        0 => clear(index..size),
        7 => clear(index + area..size),
        1..=6 | 12 | 13 => clear(index + 2 * entries..area),
        _ => {}
    }
    if matches!(kind, 1 | 3 | 5 | 6 | 12) {
        for slot in 0..entries {
            let at = short(index + 2 * slot);
            if page[at + 2] & 0x7f == 1 {
                let end = at + if kind == 3 { 12 } else { 3 } + short(at);
                clear(end..(end + 3) & !3);
                if kind == 3 {
                    clear(at + 3..at + 4);
                }
            } else {
                clear(at..at + 2);
                clear(at + 3..at + 4);
                if kind != 3 && page[at + 2] & 0x7f == 2 {
                    clear(at + 8..at + 12);
                }
            }
        }
    }
    kept
}

/// What is not the same in two files.
fn differences(ours: &[u8], genuine: &[u8]) -> Vec<String> {
    let kind = FileKind::of(genuine);
    let FileKind::Database(database) = kind else {
        return if ours == genuine { Vec::new() } else { vec!["its bytes".to_owned()] };
    };
    let (size, order) = (usize::try_from(database.page_size.unwrap().get()).unwrap(), database.order);
    let index = if database.checksummed { 32 } else { 26 };
    let mut wrong = Vec::new();
    if ours.len() != genuine.len() {
        wrong.push(format!("{} bytes, not {}", ours.len(), genuine.len()));
    }
    for (no, (one, other)) in ours.chunks(size).zip(genuine.chunks(size)).enumerate() {
        let [one, other] = [one, other].map(|page| determined(page, no, index, order, database.checksummed));
        if let Some(at) = one.iter().zip(&other).position(|(one, other)| one != other) {
            wrong.push(format!("page {no} of type {} at byte {at}", other[25]));
        }
    }
    wrong
}

/// Release 2.x on a machine of the other order leaves keys that an even number of pairs share as they
/// are (recovery, "Quirks of the genuine releases", Q11): ours stand in the order of the file.
const TURNED: &str = "env-log2-be-foreign";

fn compare(strict: bool) -> usize {
    let (mut wrong, mut equal) = (Vec::new(), 0);
    for (name, home, recovered) in cases() {
        if name.contains("encrypted") {
            continue;
        }
        let copy = tempfile::tempdir().unwrap();
        let to = copy.path().join("copy");
        let view = view(&home, strict);
        assert!(view.report().is_complete(), "{name}: {:?}", view.report());
        view.write_to(&to).unwrap();
        let (ours, genuine) = (databases(&to), databases(&recovered));
        let missing =
            genuine.keys().filter(|path| !ours.contains_key(*path)).map(|path| (path, "missing".to_owned()));
        let more =
            ours.keys().filter(|path| !genuine.contains_key(*path)).map(|path| (path, "too many".to_owned()));
        let both = ours.iter().filter_map(|(path, ours)| Some((path, ours, genuine.get(path)?)));
        let other = both.flat_map(|(path, ours, theirs)| {
            differences(ours, theirs).into_iter().take(3).map(move |what| (path, what))
        });
        let found: Vec<String> = missing
            .chain(more)
            .chain(other)
            .map(|(path, what)| format!("{name}: {}: {what}", path.shown()))
            .collect();
        equal += usize::from(found.is_empty());
        if name != TURNED {
            wrong.extend(found);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    equal
}

#[test]
fn every_page_is_what_the_genuine_recovery_makes() {
    assert!(compare(true) >= 100);
}

#[test]
fn without_the_faults_of_releases_it_is_the_same_where_they_were_not_met() {
    assert!(compare(false) >= 100);
}

#[test]
fn recovered_files_are_sound_and_a_view_has_what_a_copy_has() {
    let mut checked = 0;
    for (name, home, _) in cases() {
        let view = view(&home, false);
        for file in view.files() {
            let opened = file.open();
            let FileKind::Database(kind) = opened.kind() else { continue };
            if kind.compressed {
                continue;
            }
            let check = Verify::new(&opened).run();
            assert!(check.worst() < Some(Severity::Error), "{name}: {}: {check:?}", file.name().shown());
            checked += 1;
        }
    }
    assert!(checked > 150, "{checked} files");
}

#[test]
fn what_became_of_transactions_and_of_files_adds_up() {
    let (mut made, mut taken_back, mut settled) = (0, 0, 0);
    for (name, home, _) in cases() {
        let view = view(&home, false);
        let report = view.report();
        let of_files = |count: fn(&RecoveredFile) -> u64| report.files.iter().map(count).sum::<u64>();
        let of_all =
            |count: fn(&RecoveredTransaction) -> u64| report.by_transaction.iter().map(count).sum::<u64>();
        // Some records belong to no transaction; some files are made and removed again.
        if !name.ends_with("-files") {
            assert!(of_all(|of| of.redone) <= of_files(|of| of.redone), "{name}");
            assert_eq!(of_all(|of| of.undone), of_files(|of| of.undone), "{name}");
            assert!(of_all(|of| of.settled) <= of_files(|of| of.settled), "{name}");
        }
        assert_eq!(of_files(|of| of.left), 0, "{name}");
        for of in &report.by_transaction {
            assert!(if of.committed { of.undone == 0 } else { of.redone == 0 }, "{name}: {of:?}");
            assert!(
                report.from <= of.first && of.first <= of.last && of.last <= report.end,
                "{name}: {of:?}"
            );
        }
        assert!(report.by_transaction.is_sorted_by_key(|of| of.first), "{name}");
        let changed = report.by_transaction.iter().filter(|of| of.redone + of.undone > 0).count();
        assert_eq!(report.transactions(), u64::try_from(changed).unwrap(), "{name}");
        (made, taken_back) = (made + of_all(|of| of.redone), taken_back + of_all(|of| of.undone));
        settled += of_all(|of| of.settled);
    }
    assert!(made > 1000 && taken_back > 100 && settled > 1000, "{made} {taken_back} {settled}");
}

#[test]
fn nothing_is_to_be_done_twice() {
    for (name, home, _) in cases() {
        let copy = tempfile::tempdir().unwrap();
        let to = copy.path().join("copy");
        view(&home, false).write_to(&to).unwrap();
        let layout = Layout::of(&home);
        let again = with_password().view(&Layout::of(&to).log_dir(&layout.logs().path)).unwrap();
        let report = again.report();
        assert!(report.is_clean(), "{name}: {report:#?}");
    }
}

/// The pairs of the two databases of an environment with prepared transactions.
fn pairs(view: &View) -> BTreeMap<(&str, Vec<u8>), Vec<Vec<u8>>> {
    let mut all = BTreeMap::<_, Vec<_>>::new();
    for name in ["p.db", "u.db"] {
        let file = view.file(name).unwrap();
        let opened = file.open();
        assert!(Verify::new(&opened).run().worst() < Some(Severity::Error));
        for pair in &opened.database().unwrap() {
            let pair = pair.unwrap();
            let value = pair.value().to_vec();
            all.entry((name, pair.key().to_owned())).or_default().push(value);
        }
    }
    all
}

#[test]
fn a_prepared_transaction_is_taken_back_if_that_is_asked_for() {
    let abort = Recover::new().in_doubt(InDoubt::Abort);
    for case in
        ["env-log8-le-prepared", "env-log11-be-prepared", "env-log14-le-prepared", "env-log19-le-prepared"]
    {
        let (_, home, genuine) = cases().into_iter().find(|(name, ..)| name == case).unwrap();
        let committed = view(&home, false);
        let unfinished = abort.view(&Layout::of(&home)).unwrap();
        let &[(txn, _)] = unfinished.report().in_doubt.as_slice() else {
            panic!("{:?}", unfinished.report())
        };
        assert_eq!(committed.report().in_doubt, unfinished.report().in_doubt);
        let (with, without) = (pairs(&committed), pairs(&unfinished));
        assert_ne!(with, without, "{case}");
        // What is not the same are keys that the transaction changed.
        let log = LogDir::open(&home).unwrap();
        let history = log.history().read();
        let of_it =
            history.changes().filter(|change| history.transaction(change).is_some_and(|of| of.id == txn));
        let touched = of_it.filter_map(|change| change.key.bytes()).collect::<BTreeSet<_>>();
        for key in with.keys().chain(without.keys()) {
            let same = with.get(key) == without.get(key);
            assert!(same || touched.contains(key.1.as_slice()), "{case}: {key:?}");
        }
        // Files that hold its changes already lose them again.
        let after = Layout::of(&genuine).log_dir(&home);
        let again = abort.clone().catastrophic(true).view(&after).unwrap();
        assert_eq!(pairs(&again), without, "{case}");
        assert!(again.report().files.iter().any(|file| file.undone > 0));
    }
}

/// What the databases of an environment hold, as text.
fn texts(view: &View) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for file in view.files() {
        let opened = file.open();
        let FileKind::Database(kind) = opened.kind() else { continue };
        // The partitions themselves are opened with their main file.
        if kind.partitions == Some(0) {
            continue;
        }
        all.insert(file.name().to_owned(), text(&opened));
    }
    all
}

fn text(file: &File<'_>) -> Vec<u8> {
    let mut text = Vec::new();
    let database = file.database().unwrap();
    // Damage is a part of it.
    let mut damage = Vec::new();
    dump::Writer::new().write(&database, &mut text, |found| damage.push(found.error.to_string())).unwrap();
    text.extend(damage.concat().into_bytes());
    text
}

#[test]
fn encrypted_environments_are_recovered() {
    let mut compared = BTreeMap::<String, usize>::new();
    for (name, home, genuine) in cases().into_iter().filter(|(name, ..)| name.contains("encrypted")) {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("copy");
        let options = || OpenOptions::new().password(PASSWORD);
        for strict in [true, false] {
            let view = view(&home, strict);
            assert!(view.report().is_complete() && !view.report().is_clean(), "{name}: {:?}", view.report());
            let texts = texts(&view);
            let _ = fs::remove_dir_all(&copy);
            view.write_to(&copy).unwrap();
            for (file, wanted) in &texts {
                for folder in [&copy, &genuine] {
                    let opened = options().file(folder.join(file)).unwrap();
                    assert!(text(&opened) == *wanted, "{name}: {}", file.shown());
                    assert!(Verify::new(&opened).run().worst() < Some(Severity::Error), "{name}");
                }
                *compared.entry(name.clone()).or_default() += 1;
            }
        }
        // What changed is encrypted anew in each copy, with other beginnings.
        let again = folder.path().join("again");
        view(&home, false).write_to(&again).unwrap();
        let [one, other] = [&copy, &again].map(|folder| databases(folder));
        assert!(one.keys().eq(other.keys()) && one != other, "{name}");
        let path = one.keys().next().unwrap();
        assert!(File::open(copy.join(path)).unwrap().database().is_err());
        // Of the wrong password, and of none for the databases, it is said.
        let log = LogOptions::new().password("wrong");
        let error = Recover::new().log(log).view(&Layout::of(&home)).unwrap_err();
        assert!(error.to_string().contains("password"), "{error}");
        let log = LogOptions::new().password(PASSWORD);
        let view = Recover::new().log(log).view(&Layout::of(&home)).unwrap();
        assert!(!view.report().is_complete());
        let stopped = view.report().files.iter().filter_map(|file| file.stopped.as_deref());
        assert!(stopped.clone().count() > 0 && stopped.clone().all(|why| why.contains("password")), "{name}");
    }
    assert_eq!(compared.len(), 5, "{compared:?}");
}

/// A page that is not as it was written is not sealed as if it were.
#[test]
fn a_page_with_a_wrong_seal_stops_its_file() {
    for (case, file) in [("env-log19-le-checksum", "c.db"), ("env-log19-le-encrypted", "p.db")] {
        let (_, home, _) = cases().into_iter().find(|(name, ..)| name == case).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(&home).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
            }
        }
        let path = folder.path().join(file);
        let mut bytes = fs::read(&path).unwrap();
        let size = 512;
        bytes.chunks_mut(size).for_each(|page| page[size - 1] ^= 1);
        fs::write(&path, bytes).unwrap();
        let view = view(folder.path(), false);
        let report = view.report().files.iter().find(|known| known.name == Path::new(file)).unwrap();
        let why = report.stopped.as_deref().unwrap_or_default();
        assert!(why.contains("page ") && why.contains(" is wrong"), "{case}: {report:?}");
        let others = view.report().files.iter().filter(|known| known.name != Path::new(file));
        assert!(others.clone().all(|other| other.stopped.is_none()) && others.count() > 0, "{case}");
    }
}

/// A folder with a log that ends before a record.
fn cut(home: &Path, end: Option<Lsn>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in LogDir::open(home).unwrap().log_files() {
        if end.is_some_and(|end| file.number() > end.file) {
            continue;
        }
        let name = format!("log.{:010}", file.number());
        let mut bytes = fs::read(home.join(&name)).unwrap();
        if let Some(end) = end.filter(|end| end.file == file.number()) {
            bytes.truncate(end.offset as usize);
        }
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

#[test]
fn a_moment_is_what_the_log_up_to_it_would_have_made() {
    let mut versions = BTreeMap::<u32, usize>::new();
    for (name, home, genuine) in cases().into_iter().filter(|(name, ..)| !name.contains("encrypted")) {
        // From nothing: for logs that begin with the environment.
        let catastrophic = Recover::new().catastrophic(true);
        let made = |end| {
            let folder = cut(&home, end);
            catastrophic.view(&Layout::of(folder.path())).map(|view| texts(&view))
        };
        let whole = texts(&view(&home, false));
        let from_nothing = made(None).is_ok_and(|made| made == whole);
        // But for a genuine result that is damaged (recovery, Q11).
        let recovered = Recover::new().view(&Layout::of(&genuine).log_dir(&home)).unwrap();
        let sound =
            recovered.files().all(|file| Verify::new(&file.open()).run().worst() < Some(Severity::Error));
        let datas = [Some(&home), Some(&genuine).filter(|_| sound)];
        let log = LogDir::open(&home).unwrap();
        let records = log.records().map(|record| record.unwrap()).collect::<Vec<_>>();
        let commits = (0..records.len()).filter(|&at| records[at].name().ends_with("txn_regop"));
        for at in commits.step_by(5) {
            let lsn = records[at].lsn();
            let moment = catastrophic.clone().until(Until::Lsn(lsn));
            let mut expected = None;
            if from_nothing {
                expected = made(records.get(at + 1).map(|record| record.lsn())).ok();
            }
            // Files that lack changes, and files that have those to be taken back.
            for data in datas.into_iter().flatten() {
                let found = match moment.view(&Layout::of(data).log_dir(&home)) {
                    Ok(view) => {
                        assert_eq!(view.report().last, Some(lsn), "{name}");
                        texts(&view)
                    }
                    Err(RecoverError::Early { .. } | RecoverError::NoCheckpoint { .. }) => continue,
                    Err(error) => panic!("{name}: {lsn}: {error}"),
                };
                for (file, text) in expected.get_or_insert_with(|| found.clone()) {
                    assert!(found.get(file) == Some(text), "{name}: {lsn}: {}", file.shown());
                }
                *versions.entry(records[0].version()).or_default() += 1;
            }
        }
    }
    println!("{versions:?}");
    assert!(versions.len() >= 7, "{versions:?}");
}

#[test]
fn a_copy_has_the_extents_of_queues_that_the_log_does_not_name() {
    let home = tempfile::tempdir().unwrap();
    let from = testdata().join("recover/env-log11-le-queue");
    for name in ["log.0000000001", "e.db", "q.db", "__dbq.e.db.0"] {
        fs::copy(from.join(name), home.path().join(name)).unwrap();
    }
    // Another queue, whose name begins as the first one's does.
    fs::copy(from.join("e.db"), home.path().join("e.db.1")).unwrap();
    fs::copy(from.join("__dbq.e.db.0"), home.path().join("__dbq.e.db.1.0")).unwrap();
    let to = home.path().join("copy");
    view(home.path(), false).write_to(&to).unwrap();
    assert_eq!(fs::read(to.join("__dbq.e.db.1.0")).unwrap(), fs::read(from.join("__dbq.e.db.0")).unwrap());
    assert_eq!(fs::read(to.join("e.db.1")).unwrap(), fs::read(from.join("e.db")).unwrap());
}

/// Without the last transaction that committed, all is as it was before that; and where others came to
/// its pages later, no transaction is left out.
#[test]
fn a_transaction_is_left_out_as_if_it_had_not_committed() {
    let (mut equal, mut rests, mut other) = (0, 0, 0);
    for (name, home, genuine) in cases() {
        let log = LogOptions::new().password(PASSWORD).open_dir(&home).unwrap();
        let records = log.records().map(|record| record.unwrap()).collect::<Vec<_>>();
        let commits = records.iter().filter(|record| record.name().ends_with("txn_regop"));
        let commits = commits.filter_map(|record| Some((record.lsn(), record.txn()?))).collect::<Vec<_>>();
        let Some((&(last, txn), before)) = commits.split_last() else { continue };
        let layout = Layout::of(&home);
        let without = |txn| with_password().without(txn).view(&layout);
        match (without(txn), before.last()) {
            (Ok(view), Some(&(moment, _))) => {
                // What was prepared is decided by nobody, and is no part of a moment before.
                if !view.report().in_doubt.is_empty() {
                    continue;
                }
                let until = with_password().catastrophic(true).until(Until::Lsn(moment));
                let Ok(until) = until.view(&layout) else { continue };
                assert!(view.report().is_complete(), "{name}: {:?}", view.report());
                assert!(texts(&view) == texts(&until), "{name}: {txn}, {last}");
                // From files that have its changes, too.
                if !name.starts_with("env-log2") {
                    let after =
                        with_password().without(txn).view(&Layout::of(&genuine).log_dir(&home)).unwrap();
                    assert!(texts(&after) == texts(&view), "{name}: {txn} from the recovered files");
                }
                equal += 1;
            }
            (Ok(_), None) => {}
            (Err(RecoverError::LeavesFiles { .. } | RecoverError::SeveralTransactions { .. }), _) => {
                other += 1
            }
            (Err(error), _) => panic!("{name}: {error}"),
        }
        for &(commit, txn) in before.iter().rev().step_by(7) {
            match without(txn) {
                Ok(_) | Err(RecoverError::LeavesFiles { .. } | RecoverError::SeveralTransactions { .. }) => {}
                Err(RecoverError::Rests { lsn, .. }) => {
                    assert!(lsn > commit || name.contains("mix"), "{name}: {txn}: {lsn}");
                    rests += 1;
                }
                Err(error) => panic!("{name}: {error}"),
            }
        }
        let unknown = TxnId(0x8fff_fff0);
        assert!(
            matches!(without(unknown), Err(RecoverError::NoTransaction { txn }) if txn == unknown),
            "{name}"
        );
    }
    println!("{equal} equal, {rests} rest on later ones, {other} make files or are several");
    assert!(equal > 30 && rests > 50, "{equal} and {rests}");
}

/// A copy has the folders of databases that the environment has.
#[test]
fn a_copy_keeps_the_folders_of_databases() {
    let (_, home, genuine) = cases().into_iter().find(|(name, ..)| name == "env-log11-le-mix").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let [inside, outside, copy] = ["home/d1", "outside", "copy"].map(|name| folder.path().join(name));
    let at = folder.path().join("home");
    fs::create_dir_all(&inside).unwrap();
    fs::create_dir_all(&outside).unwrap();
    for entry in fs::read_dir(&home).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_owned();
        let to = match name.to_str().unwrap() {
            "p.db" => inside.join(&name),
            "d.db" => outside.join(&name),
            _ => at.join(&name),
        };
        if path.is_file() {
            fs::copy(&path, to).unwrap();
        }
    }
    fs::copy(home.join("p.db"), inside.join("other.db")).unwrap();
    fs::write(at.join("DB_CONFIG"), "set_cachesize 0 1 1\nset_data_dir d1\nset_data_dir ../outside\n")
        .unwrap();
    let view = view(&at, false);
    assert!(view.report().is_complete());
    view.write_to(&copy).unwrap();
    assert_eq!(fs::read_to_string(copy.join("DB_CONFIG")).unwrap(), "set_data_dir d1\n");
    let found = databases(&copy);
    let names: BTreeSet<&str> = found.keys().map(|path| path.to_str().unwrap()).collect();
    assert!(names.is_superset(&BTreeSet::from(["DB_CONFIG", "d.db", "d1/other.db", "d1/p.db"])), "{names:?}");
    for (name, place) in [("p.db", "d1/p.db"), ("d.db", "d.db")] {
        let genuine = fs::read(genuine.join(name)).unwrap();
        assert_eq!(differences(&found[Path::new(place)], &genuine), Vec::<String>::new(), "{name}");
    }
    // The copy is an environment with the same names, in which nothing is to be done.
    let again = Recover::new().view(&Layout::of(&copy).log_dir(&at)).unwrap();
    assert!(again.report().is_clean(), "{:#?}", again.report());
    assert!(again.file(copy.join("d1/p.db")).is_some());
}

/// The only record of a transaction is that with which recovery begins: release 5.2 and later do not see it
/// (recovery, Q14).
#[test]
fn a_change_at_the_checkpoint_stays_only_where_the_release_is_asked() {
    const ID: u8 = 7;
    for (version, stays) in [(16, false), (19, true)] {
        let mut log = Craft::new(version);
        log.open(0, b"p.db", ID);
        let change = log.mark(TXN, [0, 1], 0);
        log.add("txn_ckp", 0, fields! {ckp_lsn: change, timestamp: 100});
        let (folder, _) = log.save();
        let mut bytes = fs::read(testdata().join("btree-v9-le-one/data.db")).unwrap();
        let size = Database::from_bytes(&bytes[..]).unwrap().meta().page_size().bytes();
        bytes[52..72].fill(ID);
        bytes[size..size + 4].copy_from_slice(&change.file.to_le_bytes());
        bytes[size + 4..size + 8].copy_from_slice(&change.offset.to_le_bytes());
        fs::write(folder.path().join("p.db"), bytes).unwrap();
        let undone = |strict| {
            let view = Recover::new().strict(strict).view(&Layout::of(folder.path())).unwrap();
            assert!(view.report().is_complete(), "{:?}", view.report());
            view.report().files.iter().map(|file| file.undone).sum::<u64>()
        };
        assert_eq!((undone(true), undone(false)), (u64::from(!stays), 1), "version {version}");
    }
}
