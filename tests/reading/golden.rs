//! Every file of `testdata/` against the text that the genuine tools printed of it.

use bdbkit::{Database, Error};

use crate::common::{
    Section, all_readable, cases, dump, escaped, goldens, has_keys, hex, read, readable, sections,
};

/// Where two texts differ first, for messages: whole dumps are too long.
fn difference(ours: &[Section], genuine: &[Section]) -> Option<String> {
    let names = |all: &[Section]| {
        all.iter().map(|s| (s.database.clone(), s.kind.clone())).collect::<Vec<(Option<String>, String)>>()
    };
    if names(ours) != names(genuine) {
        return Some(format!("databases are {:?}, expected {:?}", names(ours), names(genuine)));
    }
    for (a, b) in ours.iter().zip(genuine) {
        let show = |line: Option<&Vec<u8>>| line.map(|l| String::from_utf8_lossy(l).into_owned());
        for i in 0..a.lines.len().max(b.lines.len()) {
            if a.lines.get(i) != b.lines.get(i) {
                let (ours, genuine) = (show(a.lines.get(i)), show(b.lines.get(i)));
                return Some(format!("{:?}, data line {i}: {ours:?}, expected {genuine:?}", a.database));
            }
        }
    }
    None
}

fn no_failures(failures: &[String]) {
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_golden_file_gives_the_pairs_that_the_genuine_tool_printed() {
    let (mut files, mut lines, mut failures) = (0, 0, Vec::new());
    for golden in all_readable() {
        let genuine = sections(&read(&golden.dump));
        let db = match Database::open(&golden.db) {
            Ok(db) => db,
            Err(error) => {
                failures.push(format!("{}: {error}", golden.name()));
                continue;
            }
        };
        let (text, summary, damage) = dump(&db, false);
        let ours = sections(&text);
        if let Some(difference) = difference(&ours, &genuine) {
            failures.push(format!("{}: {difference}; reported: {damage:?}", golden.name()));
        } else if summary.damaged != 0 {
            failures.push(format!("{}: damage where there is none: {damage:?}", golden.name()));
        }
        files += 1;
        lines += genuine.iter().map(|section| section.lines.len()).sum::<usize>();
    }
    no_failures(&failures);
    assert!(files >= 315, "golden files went missing: {files}");
    assert!(lines >= 30_000, "golden lines went missing: {lines}");
}

#[test]
fn every_golden_file_gives_the_printable_form_that_the_genuine_tool_printed() {
    let (mut files, mut failures) = (0, Vec::new());
    for golden in all_readable() {
        let Some(path) = &golden.dump_p else { continue };
        let genuine = sections(&read(path));
        let db = Database::open(&golden.db).unwrap();
        let (text, _, damage) = dump(&db, true);
        if let Some(difference) = difference(&sections(&text), &genuine) {
            failures.push(format!("{}: {difference}; reported: {damage:?}", golden.name()));
        }
        files += 1;
    }
    no_failures(&failures);
    assert!(files >= 8, "golden files of the printable form went missing: {files}");
}

/// The same by another way: the iterator instead of the dump, the lines written here.
#[test]
fn every_golden_file_iterates_as_the_genuine_tool_printed() {
    let (mut files, mut failures) = (0, Vec::new());
    for golden in all_readable() {
        let genuine = sections(&read(&golden.dump));
        let file = Database::open(&golden.db).unwrap();
        let found: Vec<_> = if file.is_directory() {
            file.subdatabases().map(|found| found.map(|database| database.open())).collect()
        } else {
            vec![Ok(file.clone())]
        };
        if found.len() != genuine.len() {
            failures.push(format!("{}: {} databases, not {}", golden.name(), found.len(), genuine.len()));
            continue;
        }
        for (db, section) in found.iter().zip(&genuine) {
            let db = match db {
                Ok(db) => db,
                Err(error) => {
                    failures.push(format!("{}: {error}", golden.name()));
                    continue;
                }
            };
            let mut lines = Vec::new();
            for entry in db {
                match entry {
                    Ok(entry) => {
                        if section.kind != "recno" {
                            lines.push(hex(entry.key()));
                        }
                        lines.push(hex(entry.value()));
                    }
                    Err(error) => failures.push(format!("{}: {error}", golden.name())),
                }
            }
            if db.name().map(escaped) != section.database.as_ref().map(|name| name.clone().into_bytes()) {
                failures.push(format!("{}: the name is {:?}", golden.name(), db.name()));
            }
            if lines != section.lines {
                failures.push(format!("{}: {:?} differs", golden.name(), section.database));
            }
        }
        files += 1;
    }
    no_failures(&failures);
    assert!(files >= 270, "golden files went missing: {files}");
}

#[test]
fn files_of_several_databases_are_whole_with_their_hash_databases() {
    let mut hashes = 0;
    let mut files = 0;
    for golden in readable().into_iter().filter(|golden| golden.case.has("subdbs")) {
        let genuine = sections(&read(&golden.dump));
        let (text, summary, damage) = dump(&Database::open(&golden.db).unwrap(), false);
        assert_eq!(damage, [""; 0], "{}", golden.name());
        assert_eq!(difference(&sections(&text), &genuine), None, "{}", golden.name());
        assert_eq!(summary.damaged, 0);
        hashes += genuine.iter().filter(|section| section.kind == "hash" && section.lines.len() > 2).count();
        files += 1;
    }
    assert!(files >= 6 && hashes >= 3, "files of several databases went missing: {files}, {hashes}");
}

#[test]
fn encrypted_files_are_refused_by_name() {
    let mut seen = std::collections::BTreeMap::new();
    for golden in goldens() {
        let Some(feature) = golden.refused() else { continue };
        match Database::open(&golden.db) {
            Err(Error::Encrypted { version: 9, .. }) => {
                assert!(cfg!(feature = "encryption") && feature == "encrypted", "{}", golden.name());
            }
            Err(Error::UnsupportedFeature { feature: found, version: 9, .. }) => {
                assert_eq!(found.to_string(), feature, "{}", golden.name());
            }
            other => panic!("{}: {other:?}", golden.name()),
        }
        *seen.entry(feature).or_insert(0) += 1;
    }
    assert!(seen["encrypted"] >= 3, "{seen:?}");
}

#[test]
fn transaction_logs_are_refused_by_name() {
    let all = cases(&["mboxlist-"]);
    assert!(all.len() >= 11);
    for case in all {
        match Database::open(case.folder().join("log.0000000001")) {
            Err(Error::LogFile { .. }) => {}
            other => panic!("{}: {other:?}", case.name),
        }
    }
}

#[test]
fn the_metadata_says_what_the_manifest_says() {
    let mut files = 0;
    for golden in all_readable() {
        let db = Database::open(&golden.db).unwrap();
        let file = golden.db.file_name().unwrap().to_string_lossy().into_owned();
        if file.starts_with("upgraded") {
            // Those of HASH files by newer tools do lead to version 9.
            let hash = if file.contains("v9") { 9 } else { 7 };
            let expected = if golden.case.kind == "hash" { hash } else { 8 };
            assert_eq!(db.meta().version(), expected, "{}", golden.name());
        } else {
            assert_eq!(db.meta().version().to_string(), golden.case.version, "{}", golden.name());
        }
        let order = if golden.case.big_endian { "big-endian" } else { "little-endian" };
        assert_eq!(db.meta().endianness().to_string(), order, "{}", golden.name());
        assert_eq!(db.is_directory(), golden.case.has("subdbs"), "{}", golden.name());
        if golden.case.kind != "env" && !db.is_directory() {
            assert_eq!(has_keys(&db), golden.case.kind == "btree", "{}", golden.name());
            assert_eq!(db.meta().flags().record_numbers(), golden.case.has("recnum"), "{}", golden.name());
            assert_eq!(db.meta().flags().duplicates(), golden.case.has("dups"), "{}", golden.name());
        }
        assert_eq!(db.tail(), 0, "{}", golden.name());
        files += 1;
    }
    assert!(files >= 270, "{files}");
}

#[test]
fn counting_records_agrees_with_the_genuine_text() {
    for golden in all_readable() {
        let genuine = sections(&read(&golden.dump));
        let file = Database::open(&golden.db).unwrap();
        let stats = file.tree_stats();
        assert_eq!(stats.len(), genuine.len(), "{}", golden.name());
        for (stats, section) in stats.iter().zip(&genuine) {
            let lines = u64::try_from(section.lines.len()).unwrap();
            let records = if section.kind == "recno" { lines } else { lines / 2 };
            assert_eq!((stats.records, stats.damaged), (records, 0), "{}", golden.name());
            assert!(stats.depth.is_some() || section.kind == "hash", "{}", golden.name());
            let name = stats.database.as_ref().and_then(|db| db.name()).map(escaped);
            assert_eq!(name, section.database.clone().map(String::into_bytes), "{}", golden.name());
        }
    }
}
