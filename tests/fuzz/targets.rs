//! What is done with hostile bytes: plain functions, for the tests here and for the
//! fuzzers in `fuzz/`. None may panic, hang, or take more memory than the bytes allow.

use std::hint::black_box;

use bdbkit::env::Layout;
use bdbkit::log::{LogDir, LogFile, Printer};
use bdbkit::recover::{InDoubt, Recover, Until};
use bdbkit::salvage::{Key, Origin, Salvage};
use bdbkit::undelete::Undelete;
use bdbkit::verify::{Rule, Severity, Verify};
use bdbkit::{Database, File, Lsn, OpenOptions};

/// What takes hostile bytes.
pub(crate) type Target = fn(&[u8]);

/// All targets, with their names.
pub(crate) const ALL: [(&str, Target); 6] = [
    ("database", database),
    ("verify", verify),
    ("salvage", salvage),
    ("log", log),
    ("encrypted", encrypted),
    ("recovery", recovery),
];

/// Reads a database in every way.
pub(crate) fn database(bytes: &[u8]) {
    read(&File::from_bytes(bytes));
}

fn read(file: &File<'_>) {
    let Ok(file) = file.database() else { return };
    let inner: Vec<_> =
        file.subdatabases().filter_map(|found| found.ok().map(|found| found.open())).collect();
    let list = file.directory();
    for db in inner.iter().chain([&file]).chain(&list) {
        for entry in db.iter() {
            black_box(entry.map(|entry| (entry.key().len(), entry.value().len())).ok());
        }
        for entry in db.iter().rev().take(64) {
            black_box(entry.is_ok());
        }
        let key = db.iter().flatten().next().map(|entry| entry.key().to_vec());
        if let Some(key) = key {
            black_box((
                db.get(&key).is_ok(),
                db.record_number(&key).is_ok(),
                db.range(key.as_slice()..).count(),
            ));
        }
        black_box(db.tree_stats().len());
    }
    for leaf in file.scan().flatten() {
        black_box(leaf.entries().count());
    }
    black_box(file.file_stats());
    let mut text = Vec::new();
    black_box(bdbkit::dump::Writer::new().print(true).write(&file, &mut text, |_| {}).is_ok());
}

/// Checks a database; what it finds no error in must be read without one.
pub(crate) fn verify(bytes: &[u8]) {
    let verdict = Verify::from_bytes(bytes).threads(1).run();
    if verdict.refused().is_some() || verdict.worst() >= Some(Severity::Error) {
        return;
    }
    if !verdict.complete() {
        return;
    }
    // External files are not here.
    if verdict.findings().iter().any(|finding| finding.rule == Rule::ExternalFile) {
        return;
    }
    let Ok(file) = Database::from_bytes(bytes) else { panic!("sound, but cannot be opened") };
    let mut text = Vec::new();
    let mut damage = None;
    let written = bdbkit::dump::Writer::new().write(&file, &mut text, |found| {
        damage.get_or_insert(found.error.to_string());
    });
    let written = written.expect("memory takes all");
    assert!(damage.is_none(), "sound, but reading meets: {damage:?}");
    // The list of databases is no record of any of them.
    let salvage = Salvage::from_bytes(bytes);
    let survey = salvage.survey().expect("sound, but salvage gives up");
    let found = survey.records().filter(|record| record.provenance.origin == Origin::Tree).count();
    assert_eq!(u64::try_from(found).ok(), Some(written.records), "sound, but salvage finds other records");
}

/// Salvages what can be found in any bytes.
pub(crate) fn salvage(bytes: &[u8]) {
    recover(&File::from_bytes(bytes));
}

fn recover(file: &File<'_>) {
    for deleted in [false, true] {
        let salvage = Salvage::new(file).deleted(deleted);
        let Ok(survey) = salvage.survey() else { return };
        let mut records = survey.records();
        for record in records.by_ref() {
            let key =
                if let Key::Bytes(key) = &record.key { key.bytes().map(|bytes| bytes.len()) } else { None };
            black_box((key, record.value.bytes().map(|bytes| bytes.len()), record.confidence()));
        }
        black_box(records.into_report());
    }
}

/// Reads, checks and salvages an encrypted database with its password: what stands on a page whose
/// code is wrong is checked and salvaged all the same.
pub(crate) fn encrypted(bytes: &[u8]) {
    let file = OpenOptions::new().password("corpus-password").file_from_bytes(bytes);
    read(&file);
    black_box(Verify::new(&file).threads(1).run().findings().len());
    recover(&file);
}

/// Reads a log file in every way.
pub(crate) fn log(bytes: &[u8]) {
    let Ok(log) = LogFile::from_bytes(1, bytes) else { return };
    let printer = Printer::new();
    let mut text = Vec::new();
    for record in log.records().past_end() {
        let Ok(record) = record else { continue };
        black_box((record.name(), record.note(), record.event(), record.fields().count()));
        text.clear();
        black_box(printer.print(&record, &mut text).is_ok());
        black_box(log.record(record.lsn().offset).is_ok());
    }
    let mut records = log.records();
    black_box((records.by_ref().count(), records.tail().map(|tail| tail.to_string())));
}

/// An environment in one piece: its log file behind its length, then its database.
pub(crate) fn environment(log: &[u8], database: &[u8]) -> Vec<u8> {
    let len = u32::try_from(log.len()).expect("a small file").to_le_bytes();
    [&len[..], log, database].concat()
}

/// The log file and the database of an environment in one piece.
pub(crate) fn parts(bytes: &[u8]) -> (&[u8], &[u8]) {
    let Some((len, rest)) = bytes.split_first_chunk() else { return (&[], &[]) };
    let len = usize::try_from(u32::from_le_bytes(*len)).unwrap_or(usize::MAX);
    rest.split_at_checked(len).unwrap_or((rest, &[]))
}

/// Recovers an environment: the database stands under each simple name that the log knows. Nothing
/// is written, but into the copy.
pub(crate) fn recovery(bytes: &[u8]) {
    let (log, database) = parts(bytes);
    let Ok(folder) = tempfile::tempdir() else { return };
    let home = folder.path().join("home");
    let write = |name: &str, bytes: &[u8]| std::fs::write(home.join(name), bytes).is_ok();
    if std::fs::create_dir(&home).is_err() || !write("log.0000000001", log) {
        return;
    }
    let Ok(dir) = LogDir::open(&home) else { return };
    let mut names: Vec<String> = dir
        .files()
        .bindings()
        .filter_map(|binding| Some(std::str::from_utf8(binding.name).ok()?.to_owned()))
        .filter(|name| {
            name.len() < 40 && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.'))
        })
        .filter(|name| {
            name.starts_with(|first: char| first.is_ascii_lowercase()) && !name.starts_with("log.")
        })
        .collect();
    names.sort();
    names.dedup();
    names.truncate(4);
    names.retain(|name| write(name, database));
    drop(dir);
    let layout = Layout::of(&home);
    let end = Until::Lsn(Lsn { file: 1, offset: u32::try_from(log.len() / 2).unwrap_or(0) });
    let plain = Recover::new();
    let ways = [
        plain.clone(),
        plain.clone().strict(true).catastrophic(true),
        plain.in_doubt(InDoubt::Abort).until(end),
    ];
    for recover in ways {
        let Ok(view) = recover.view(&layout) else { continue };
        for file in view.files() {
            black_box(file.open().database().map(|db| db.iter().count()).ok());
        }
        black_box(view.write_to(folder.path().join("copy")).is_ok());
        drop(std::fs::remove_dir_all(folder.path().join("copy")));
        drop(std::fs::remove_dir_all(folder.path().join("copy.part")));
    }
    if let Some(name) = names.first() {
        let found = Undelete::new(name.as_bytes()).find(&layout);
        black_box(
            found.map(|found| found.write(bdbkit::dump::Writer::new(), std::io::sink(), |_| {}).is_ok()).ok(),
        );
    }
    // What was there is as it was, and nothing stands beside it.
    assert_eq!(std::fs::read(home.join("log.0000000001")).ok().as_deref(), Some(log));
    let mut there = 1;
    for name in &names {
        assert_eq!(std::fs::read(home.join(name)).ok().as_deref(), Some(database));
        there += 1;
    }
    assert_eq!(std::fs::read_dir(&home).map(Iterator::count).ok(), Some(there));
    assert_eq!(std::fs::read_dir(folder.path()).map(Iterator::count).ok(), Some(1));
}
