//! Releases 6.0 to 18.1: values in external files, and the versions of these releases.

use std::fs;
use std::path::{Path, PathBuf};

use bdbkit::salvage::{Confidence, Key, Note, Salvage};
use bdbkit::verify::{Rule, Severity, Verify};
use bdbkit::{
    Database, Endianness, Error, ErrorKind, ExternalFault, Feature, Limits, Method, OpenOptions, Scanned,
};

use crate::common::{
    LATER_CASES, all_databases, all_readable, cases, copy_folder, dump, hex, read, sections, testdata, unhex,
};

/// Those with values in external files: three each.
fn external() -> impl Iterator<Item = &'static str> {
    LATER_CASES.into_iter().filter(|case| case.contains("external"))
}

fn file(case: &str) -> PathBuf {
    testdata().join(case).join("f.db")
}

fn folder(case: &str) -> PathBuf {
    testdata().join(case).join("__db_bl")
}

/// The data lines that the genuine program printed, of all databases.
fn golden(case: &str) -> Vec<Vec<u8>> {
    let text = read(testdata().join(case).join("golden.dump"));
    let lines = text.split(|&byte| byte == b'\n').filter_map(|line| line.strip_prefix(b" "));
    lines.map(<[u8]>::to_vec).collect()
}

fn written(db: &Database<'_>) -> (Vec<Vec<u8>>, Vec<String>) {
    let (text, _, damage) = dump(db, false);
    (sections(&text).into_iter().flat_map(|section| section.lines).collect(), damage)
}

/// A copy of a case, with its external files, in a folder of its own.
fn copy_of(case: &str) -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    copy_folder(&testdata().join(case), home.path());
    let path = home.path().join("f.db");
    (home, path)
}

/// The external files of a copy, by their names.
fn files_of(home: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![home.join("__db_bl")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().unwrap().to_str().unwrap().starts_with("__db.bl") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The places of the items of external files in a little-endian file, by the slots of its pages.
fn items(bytes: &[u8], case: &str) -> Vec<usize> {
    let short = |at: usize| usize::from(u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()));
    let mut found = Vec::new();
    for page in (512..bytes.len()).step_by(512).filter(|page| matches!(bytes[page + 25], 5 | 13)) {
        for slot in 0..short(page + 20) {
            let at = page + short(page + 26 + 2 * slot);
            let (kind, external) = if bytes[page + 25] == 5 { (bytes[at + 2], 4) } else { (bytes[at], 5) };
            found.extend((kind == external).then_some(at));
        }
    }
    assert_eq!(found.len(), 3, "{case}");
    found
}

#[test]
fn every_file_gives_the_pairs_that_the_genuine_program_printed() {
    for case in LATER_CASES {
        let db = Database::open(file(case)).unwrap();
        let expected = golden(case);
        assert_eq!(written(&db), (expected.clone(), vec![]), "{case}");
        let mut lines = Vec::new();
        for db in all_databases(&db) {
            let early = case.starts_with("v9");
            let version = if early {
                9
            } else if db.meta().method() == Method::Heap {
                2
            } else {
                10
            };
            assert_eq!(db.meta().version(), version, "{case}");
            let with_keys = db.meta().method() != Method::Heap;
            for entry in &db {
                let entry = entry.unwrap();
                lines.extend(with_keys.then(|| hex(entry.key())));
                lines.push(hex(entry.value()));
                if with_keys {
                    let value = db.get(entry.key()).unwrap().unwrap();
                    assert_eq!(value, entry.value(), "{case}");
                    let all: Vec<_> = db.duplicates(entry.key()).map(Result::unwrap).collect();
                    assert_eq!(all.len(), 1, "{case}");
                }
            }
            let stats = db.tree_stats();
            assert!(stats.iter().all(|stats| stats.damaged == 0), "{case}");
        }
        assert_eq!(lines, expected, "{case}");
        let scanned = db.scan().flat_map(|leaf| leaf.unwrap().entries().collect::<Vec<_>>());
        let values = scanned.filter_map(|entry| match entry.unwrap() {
            Scanned::Pair { value, .. } | Scanned::Placed { value, .. } => Some(value.read().unwrap().len()),
            _ => None,
        });
        let long = values.filter(|&len| len > 1000).count();
        assert_eq!(long, if case.contains("external") { 3 } else { 4 }, "{case}");
    }
}

#[test]
fn healthy_files_are_sound() {
    for case in LATER_CASES {
        let verdict = Verify::open(file(case)).unwrap().run();
        assert!(verdict.findings().is_empty(), "{case}: {:?}", verdict.findings());
        assert!(verdict.complete());
    }
}

#[test]
fn salvage_finds_all_pairs_with_their_values() {
    for case in LATER_CASES {
        let salvage = Salvage::open(file(case)).unwrap();
        let survey = salvage.survey().unwrap();
        let mut lines = Vec::new();
        let mut records = survey.records();
        for record in records.by_ref() {
            assert_eq!(record.confidence(), Confidence::High, "{case}");
            if let Key::Bytes(key) = &record.key {
                lines.push(hex(&key.bytes().unwrap().to_cow()));
            }
            lines.push(hex(&record.value.bytes().unwrap().to_cow()));
        }
        assert_eq!(records.report().problem_count(), 0, "{case}: {:?}", records.report().problems());
        assert_eq!(lines, golden(case), "{case}");
    }
}

#[test]
fn an_item_tells_of_its_file_and_gives_it_as_a_stream() {
    let mut seen = 0;
    for case in external() {
        for db in all_databases(&Database::open(file(case)).unwrap()) {
            for pair in db.iter().pairs() {
                let value = pair.unwrap().value();
                let Some(file) = value.external() else { continue };
                let path = file.path.unwrap();
                let bytes = read(&path);
                assert_eq!(file.size, bytes.len() as u64);
                assert_eq!(u64::from(value.len()), file.size);
                assert!(path.to_str().unwrap().ends_with(&format!("__db.bl{:03}", file.id)), "{path:?}");
                assert_eq!(value.read().unwrap(), bytes);
                let mut streamed = Vec::new();
                std::io::Read::read_to_end(&mut value.reader(), &mut streamed).unwrap();
                assert_eq!(streamed, bytes);
                assert!(value.on_page().is_none() && format!("{value:?}").contains("external file"));
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 18);
}

#[test]
fn a_long_external_file_is_streamed_and_not_put_together_beyond_the_limit() {
    let (home, path) = copy_of("v10-btree-external");
    let mut bytes = read(&path);
    let at = items(&bytes, "v10-btree-external")[0];
    let len = 300_000u64;
    bytes[at + 56..at + 64].copy_from_slice(&len.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    let long: Vec<u8> = (0..len).map(|n| (n % 251) as u8).collect();
    fs::write(&files_of(home.path())[0], &long).unwrap();
    let options = OpenOptions::new().limits(Limits::default().max_item(100_000));
    let db = options.open(&path).unwrap();
    let mut errors = db.iter().filter_map(Result::err);
    let error = errors.next().unwrap();
    assert!(errors.next().is_none());
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    assert!(
        matches!(&error, Error::External { file, .. } if matches!(file.fault, ExternalFault::TooLong { .. }))
    );
    let item = db.iter().pairs().flatten().find(|pair| pair.value().len() == 300_000).unwrap().value();
    let pieces: Vec<_> = item.pieces().map(Result::unwrap).collect();
    assert!(pieces.len() > 2 && pieces.concat() == long);
    assert_eq!(written(&db).1, [""; 0], "a dump streams");
    // A salvage keeps what it gives in memory.
    let salvage =
        Salvage::new(&OpenOptions::new().limits(Limits::default().max_item(100_000)).file(&path).unwrap());
    let survey = salvage.survey().unwrap();
    let mut records = survey.records();
    assert_eq!(records.by_ref().filter(|record| !record.is_whole()).count(), 1);
    assert!(records.report().problems()[0].to_string().contains("limit of 100000"));
}

#[test]
fn a_missing_file_costs_its_own_pair_and_is_named() {
    for case in external() {
        let (home, path) = copy_of(case);
        let gone = files_of(home.path())[1].clone();
        let bytes = read(&gone);
        fs::remove_file(&gone).unwrap();
        let db = Database::open(&path).unwrap();
        let mut expected = golden(case);
        let at = expected.iter().position(|line| *line == hex(&bytes)).unwrap();
        let key = unhex(&expected[at - 1]);
        expected.drain(at - 1..=at);
        let (lines, damage) = written(&db);
        assert_eq!(lines, expected, "{case}");
        let [message] = damage.as_slice() else { panic!("{case}: {damage:?}") };
        let name = gone.file_name().unwrap().to_str().unwrap();
        for word in ["external file 2", name, "which is missing", &format!("{} bytes", bytes.len())] {
            assert!(message.contains(word), "{case}: {message}");
        }
        let db = all_databases(&db).remove(0);
        let error = db.get(&key).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Damaged);
        let Error::External { page, offset, file } = &error else { panic!("{error}") };
        assert!(page.0 > 0 && *offset > 26, "{error}");
        assert_eq!((file.id, file.size, file.path.as_deref()), (2, bytes.len() as u64, Some(gone.as_path())));
        assert!(matches!(file.fault, ExternalFault::Missing));
        let verdict = Verify::open(&path).unwrap().run();
        let [finding] = verdict.findings() else { panic!("{case}: {:?}", verdict.findings()) };
        assert_eq!((finding.rule, finding.severity), (Rule::ExternalFile, Severity::Error));
        assert_eq!((finding.page, finding.offset), (*page, *offset));
        let salvage = Salvage::open(&path).unwrap();
        let survey = salvage.survey().unwrap();
        let mut records = survey.records();
        let lost: Vec<_> = records.by_ref().filter(|record| !record.is_whole()).collect();
        assert_eq!((lost.len(), lost[0].value.bytes()), (1, None), "{case}");
        assert_eq!(records.report().problem_count(), 1);
    }
}

#[test]
fn without_a_folder_every_value_in_a_file_is_an_error_and_one_warning() {
    for case in external() {
        let bytes = read(file(case));
        let db = Database::from_bytes(&bytes[..]).unwrap();
        let (lines, damage) = written(&db);
        assert_eq!(lines.len(), golden(case).len() - 6, "{case}");
        assert_eq!(damage.len(), 3, "{case}: {damage:?}");
        assert!(damage.iter().all(|error| error.contains("__db_bl")), "{damage:?}");
        let verdict = Verify::from_bytes(&bytes[..]).run();
        let [finding] = verdict.findings() else { panic!("{case}: {:?}", verdict.findings()) };
        assert_eq!((finding.rule, finding.severity), (Rule::ExternalFile, Severity::Warning), "{case}");
        // The folder can be named.
        let folder = folder(case);
        let options = OpenOptions::new().external_dir(&folder);
        let db = options.from_bytes(&bytes[..]).unwrap();
        assert_eq!(written(&db), (golden(case), vec![]), "{case}");
        assert_eq!(db.file().external_dir(), Some(folder.as_path()));
        let file = options.file_from_bytes(&bytes[..]);
        assert!(Verify::new(&file).run().findings().is_empty(), "{case}");
        let on_demand = options.file_from_reader(std::io::Cursor::new(bytes.clone())).unwrap();
        assert_eq!(written(&on_demand.database().unwrap()), (golden(case), vec![]), "{case}");
    }
}

#[test]
fn the_folder_is_found_above_the_file() {
    let (home, path) = copy_of("v10-hash-external");
    let deep = home.path().join("a/b");
    fs::create_dir_all(&deep).unwrap();
    fs::rename(&path, deep.join("f.db")).unwrap();
    let db = Database::open(deep.join("f.db")).unwrap();
    assert_eq!(written(&db), (golden("v10-hash-external"), vec![]));
}

#[test]
fn a_file_of_another_length_is_no_value() {
    for (case, add) in [("v10-btree-external", true), ("v10-hash-external", false)] {
        let (home, path) = copy_of(case);
        let changed = files_of(home.path())[0].clone();
        let whole = read(&changed);
        let bytes = if add { [&whole[..], b"more"].concat() } else { whole[..100].to_vec() };
        fs::write(&changed, &bytes).unwrap();
        let (_, damage) = written(&Database::open(&path).unwrap());
        let [message] = damage.as_slice() else { panic!("{case}: {damage:?}") };
        assert!(message.contains(&format!("which has {} bytes", bytes.len())), "{message}");
        let verdict = Verify::open(&path).unwrap().run();
        assert_eq!(verdict.findings().iter().filter(|f| f.rule == Rule::ExternalFile).count(), 1);
        // A salvage gives what there is, and no more than the value has.
        let salvage = Salvage::open(&path).unwrap();
        let survey = salvage.survey().unwrap();
        let odd: Vec<_> = survey.records().filter(|record| record.notes.has(Note::External)).collect();
        assert_eq!(odd.len(), 1, "{case}");
        assert_eq!(odd[0].value.bytes().unwrap().to_cow(), if add { &whole[..] } else { &bytes[..] });
        assert_eq!(odd[0].is_whole(), add);
    }
}

/// What stands in items of other files is refused, and nothing outside of the folder is read.
#[test]
fn numbers_that_cannot_be_are_errors_of_their_pairs() {
    for case in ["v10-btree-external", "v10-several-external", "v10-hash-external"] {
        let original = read(file(case));
        let at = items(&original, case)[1];
        let folder = folder(case);
        let mut tries = vec![
            (48, 0, "number of an external file", Rule::ExternalId),
            (48, 1 << 63, "number of an external file", Rule::ExternalId),
            (48, u64::MAX, "number of an external file", Rule::ExternalId),
            (48, u64::MAX >> 1, "which is missing", Rule::ExternalFile),
            (56, 1 << 63, "size of an external file", Rule::ExternalId),
            (56, 1 << 40, "which has", Rule::ExternalFile),
            (64, 7, "folder of an external file", Rule::ExternalId),
            (72, 1 << 63, "folder of an external file", Rule::ExternalId),
            (72, 9, "which is missing", Rule::ExternalId),
        ];
        let first = items(&original, case)[0];
        let taken = u64::from_le_bytes(original[first + 48..first + 56].try_into().unwrap());
        tries.push((48, taken, "is that of another value too", Rule::ExternalId));
        for (field, number, words, rule) in tries {
            let mut bytes = original.clone();
            bytes[at + field..at + field + 8].copy_from_slice(&number.to_le_bytes());
            let options = OpenOptions::new().external_dir(&folder);
            let (lines, damage) = written(&options.from_bytes(&bytes[..]).unwrap());
            assert_eq!(lines.len(), golden(case).len() - 2, "{case} {field} {number}");
            let [message] = damage.as_slice() else { panic!("{case} {field}: {damage:?}") };
            // Of two that claim one file, one has the wrong length.
            let words = if words.contains("another value") { "which has" } else { words };
            assert!(message.contains(words), "{case} {field} {number}: {message}");
            let verdict = Verify::new(&options.file_from_bytes(&bytes[..])).run();
            let rules: Vec<Rule> = verdict.findings().iter().map(|finding| finding.rule).collect();
            assert!(rules.contains(&rule), "{case} {field} {number}: {rules:?}");
            let salvage = Salvage::new(&options.file_from_bytes(&bytes[..]));
            let survey = salvage.survey().unwrap();
            let mut records = survey.records();
            assert_eq!(records.by_ref().count(), golden(case).len() / 2, "{case} {field} {number}");
            assert_eq!(records.report().problem_count(), 1, "{case} {field} {number}");
        }
        // Two items of one file and one length are given once.
        let mut bytes = original.clone();
        bytes.copy_within(first + 48..first + 64, at + 48);
        let options = OpenOptions::new().external_dir(&folder);
        let (lines, damage) = written(&options.from_bytes(&bytes[..]).unwrap());
        assert_eq!((lines.len(), damage.len()), (golden(case).len() - 2, 1), "{case}");
        assert!(damage[0].contains("is that of another value too"), "{damage:?}");
    }
}

#[cfg(unix)]
#[test]
fn no_link_no_pipe_and_no_folder_is_taken_for_an_external_file() {
    use std::os::unix::fs::symlink;

    let (home, path) = copy_of("v10-btree-external");
    let files = files_of(home.path());
    let secret = home.path().join("secret");
    fs::rename(&files[0], &secret).unwrap();
    symlink(&secret, &files[0]).unwrap();
    fs::remove_file(&files[1]).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&files[1]).status().unwrap().success());
    fs::remove_file(&files[2]).unwrap();
    fs::create_dir(&files[2]).unwrap();
    let db = Database::open(&path).unwrap();
    let faults: Vec<Error> = db.iter().filter_map(Result::err).collect();
    assert_eq!(faults.len(), 3);
    for error in &faults {
        assert!(
            matches!(error, Error::External { file, .. } if matches!(file.fault, ExternalFault::NotFollowed)),
            "{error}"
        );
    }
    // A link in the place of the folder is not taken either.
    let (home, path) = copy_of("v10-btree-external");
    let elsewhere = tempfile::tempdir().unwrap();
    fs::rename(home.path().join("__db_bl"), elsewhere.path().join("x")).unwrap();
    symlink(elsewhere.path().join("x"), home.path().join("__db_bl")).unwrap();
    let db = Database::open(&path).unwrap();
    assert_eq!(db.iter().filter(Result::is_err).count(), 3);
}

// ------------------------------------------------------- versions without external files

/// The genuine files of the versions before, as later releases would write them: without external
/// files nothing differs but the number of the version.
fn renumbered(bytes: &[u8]) -> Option<Vec<u8>> {
    let db = Database::from_bytes(bytes).ok()?;
    let meta = db.meta();
    let newer = match (meta.method(), meta.version()) {
        (Method::Btree | Method::Recno | Method::Hash, 9) => 10u32,
        _ => return None,
    };
    if meta.checksummed() {
        return None;
    }
    let big = meta.endianness() == Endianness::Big;
    let mut pages = vec![0];
    pages.extend(db.subdatabases().map(|found| usize::try_from(found.unwrap().meta().page().0).unwrap()));
    let size = usize::try_from(meta.page_size().get()).unwrap();
    let mut new = bytes.to_vec();
    for page in pages {
        let at = page * size + 16;
        new[at..at + 4].copy_from_slice(&if big { newer.to_be_bytes() } else { newer.to_le_bytes() });
    }
    Some(new)
}

#[test]
fn a_file_of_version_10_without_external_files_is_one_of_version_9_with_another_number() {
    let mut files = 0;
    for golden in all_readable() {
        let old = read(&golden.db);
        let Some(new) = renumbered(&old) else { continue };
        let [was, is] = [&old, &new].map(|bytes| Database::from_bytes(&bytes[..]).unwrap());
        assert_eq!(dump(&was, false), dump(&is, false), "{}", golden.name());
        assert_eq!(is.meta().version(), 10);
        let [was, is] = [&old, &new].map(|bytes| Verify::from_bytes(&bytes[..]).run());
        assert_eq!(was.findings(), is.findings(), "{}", golden.name());
        let salvaged = |bytes: &[u8]| {
            let salvage = Salvage::from_bytes(bytes.to_vec());
            let survey = salvage.survey().unwrap();
            survey.records().map(|record| format!("{:?} {:?}", record.key, record.value)).collect::<Vec<_>>()
        };
        assert_eq!(salvaged(&old), salvaged(&new), "{}", golden.name());
        files += 1;
    }
    assert!(files >= 90, "{files}");
}

#[test]
fn databases_of_versions_9_and_10_stand_in_one_file() {
    let mut files = 0;
    for case in cases(&["btree-v9-"]).into_iter().filter(|case| case.has("subdbs")) {
        let old = read(case.folder().join("data.db"));
        let Some(new) = renumbered(&old) else { continue };
        let expected = dump(&Database::from_bytes(&old[..]).unwrap(), false);
        // Page 0 of one version, the databases of another.
        for (head, rest) in [(&old, &new), (&new, &old)] {
            let mixed = [&head[..512], &rest[512..]].concat();
            assert_eq!(dump(&Database::from_bytes(&mixed[..]).unwrap(), false), expected, "{}", case.name);
            let verdict = Verify::from_bytes(&mixed[..]).run();
            assert_eq!(verdict.count(Severity::Error), 0, "{}: {:?}", case.name, verdict.findings());
        }
        files += 1;
    }
    assert!(files >= 2, "{files}");
}

/// HEAP 2 has one order: that of the file. Where it is that of the machine HEAP 1 had the same.
#[test]
fn a_heap_of_version_2_is_one_of_version_1_in_the_order_of_its_machine() {
    let mut files = 0;
    for case in cases(&["heap-"]).into_iter().filter(|case| !case.big_endian && !case.has("checksum")) {
        let old = read(case.folder().join("data.db"));
        let mut new = old.clone();
        new[16] = 2;
        let Ok(was) = Database::from_bytes(&old[..]) else { continue };
        let is = Database::from_bytes(&new[..]).unwrap();
        assert_eq!(dump(&was, false), dump(&is, false), "{}", case.name);
        let [was, is] = [&old, &new].map(|bytes| Verify::from_bytes(&bytes[..]).run());
        assert_eq!(was.findings(), is.findings(), "{}", case.name);
        files += 1;
    }
    assert!(files >= 4, "{files}");
}

#[test]
fn sliced_databases_are_refused_by_name() {
    for (case, places) in [
        ("v10-btree-external", &[(26, 0x08), (49, 0x01)][..]),
        ("v10-hash-external", &[(26, 0x08), (48, 0x08)][..]),
    ] {
        for &(at, bit) in places {
            let mut bytes = read(file(case));
            bytes[at] |= bit;
            let error = Database::from_bytes(&bytes[..]).unwrap_err();
            let sliced =
                matches!(error, Error::UnsupportedFeature { feature: Feature::Sliced, version: 10, .. });
            assert!(sliced && error.to_string().contains("__db.slice000"), "{error}");
            assert_eq!(error.kind(), ErrorKind::Unsupported);
        }
    }
    // Version 9 knows no such flag.
    let mut bytes = read(file("v9-early-external-6020"));
    bytes[26] |= 0x08;
    assert_eq!(Database::from_bytes(&bytes[..]).unwrap_err().kind(), ErrorKind::Damaged);
    let mut bytes = read(file("v10-btree-external"));
    bytes[16] = 11;
    let error = Database::from_bytes(&bytes[..]).unwrap_err();
    assert!(error.to_string().contains("later than 18.1"), "{error}");
}

#[test]
fn metadata_tells_of_the_threshold_and_the_folders() {
    for case in LATER_CASES {
        for db in all_databases(&Database::open(file(case)).unwrap()) {
            let inner = case.contains("several").then_some(2);
            let expected = case.contains("external").then_some((1, inner));
            assert_eq!(db.meta().external_folder(), expected, "{case}");
            assert_eq!(db.meta().external_threshold(), expected.map(|_| 150), "{case}");
        }
    }
    // A threshold without a folder for it cannot be.
    let mut bytes = read(file("v10-btree-external"));
    bytes[96] = 0;
    let verdict = Verify::from_bytes(&bytes[..]).run();
    assert!(verdict.findings().iter().any(|f| f.rule == Rule::ExternalId && (f.page.0, f.offset) == (0, 92)));
}

// ------------------------------------------------------------------------------- HEAP

/// Puts an item for an external file in the place of a record of a HEAP; gives the bytes of that record.
fn with_external_record(bytes: &mut [u8], big: bool, early: bool, id: u64, size: u64) -> Option<Vec<u8>> {
    let page_size = if big {
        u32::from_be_bytes(bytes[20..24].try_into().unwrap())
    } else {
        u32::from_le_bytes(bytes[20..24].try_into().unwrap())
    } as usize;
    let short = |at: usize, bytes: &[u8]| {
        let raw = bytes[at..at + 2].try_into().unwrap();
        usize::from(if big { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) })
    };
    for page in
        (page_size..bytes.len()).step_by(page_size).filter(|page| bytes[page + 25] == 15).collect::<Vec<_>>()
    {
        for slot in 0..=short(page + 16, bytes) {
            let offset = short(page + 26 + 2 * slot, bytes);
            if offset == 0 || bytes[page + offset] != 0 || short(page + offset + 2, bytes) < 76 {
                continue;
            }
            let (at, len) = (page + offset, short(page + offset + 2, bytes));
            let record = bytes[at + 4..at + 4 + len].to_vec();
            bytes[at..at + 80].fill(0);
            bytes[at] = 8;
            bytes[at + 2..at + 4].copy_from_slice(&if big {
                76u16.to_be_bytes()
            } else {
                76u16.to_le_bytes()
            });
            let places = if early { [(8, id), (16, size), (72, 1)] } else { [(56, id), (64, size), (72, 1)] };
            for (place, number) in places {
                let raw = if big && !early { number.to_be_bytes() } else { number.to_le_bytes() };
                bytes[at + place..at + place + 8].copy_from_slice(&raw);
            }
            bytes[92..100].copy_from_slice(&if big {
                [0, 0, 0, 90, 0, 0, 0, 1]
            } else {
                [90, 0, 0, 0, 1, 0, 0, 0]
            });
            return Some(record);
        }
    }
    None
}

#[test]
fn records_of_a_heap_are_in_external_files_too() {
    let early = |case: &str| read(testdata().join(case).join("data.db"));
    for (original, big, is_early) in [
        (read(file("v10-heap2-be")), true, false),
        (early("heap-v1-le-few"), false, true),
        (early("heap-v1-le-full"), false, true),
    ] {
        let mut bytes = original.clone();
        let value: Vec<u8> = (0..5000u32).map(|n| (n % 249) as u8).collect();
        let Some(old) = with_external_record(&mut bytes, big, is_early, 12_002, 5000) else { continue };
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("__db1/012");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("__db.bl012002"), &value).unwrap();
        let whole = Database::from_bytes(&original[..]).unwrap();
        let mut expected: Vec<Vec<u8>> = whole.iter().map(|entry| entry.unwrap().value().to_vec()).collect();
        let at = expected.iter().position(|record| *record == old).unwrap();
        expected[at] = value;
        let options = OpenOptions::new().external_dir(home.path());
        let db = options.from_bytes(&bytes[..]).unwrap();
        let found: Vec<Vec<u8>> = db.iter().map(|entry| entry.unwrap().value().to_vec()).collect();
        assert_eq!(found, expected);
        let place = db.iter().nth(at).unwrap().unwrap().record_id().unwrap();
        assert_eq!(db.record_at(place).unwrap().unwrap().value(), expected[at]);
        let verdict = Verify::new(&options.file_from_bytes(&bytes[..])).run();
        assert_eq!(verdict.count(Severity::Error), 0, "{:?}", verdict.findings());
        let salvage = Salvage::new(&options.file_from_bytes(&bytes[..]));
        let survey = salvage.survey().unwrap();
        let values = survey.records().map(|record| record.value.bytes().unwrap().to_cow().into_owned());
        assert_eq!(values.collect::<Vec<_>>(), expected);
        // Two records of one file.
        if with_external_record(&mut bytes, big, is_early, 12_002, 5000).is_some() {
            let errors: Vec<Error> =
                options.from_bytes(&bytes[..]).unwrap().iter().filter_map(Result::err).collect();
            assert_eq!(errors.len(), 1, "{errors:?}");
            assert!(errors[0].to_string().contains("another value"), "{errors:?}");
            let verdict = Verify::new(&options.file_from_bytes(&bytes[..])).run();
            assert_eq!(verdict.count(Severity::Error), 1, "{:?}", verdict.findings());
        }
    }
    let mut bytes = read(file("v10-heap2-be"));
    assert!(with_external_record(&mut bytes, true, false, 1, 1).is_some(), "the first has such a record");
}
