//! QUEUE and HEAP: read, checked and salvaged as the genuine tools printed them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use bdbkit::salvage::{Confidence, Key, Origin, Salvage};
use bdbkit::verify::{Finding, Rule, Severity, Verify};
use bdbkit::{
    Database, Error, ErrorKind, FileKind, Method, OpenOptions, PageKind, PageNo, RecordId, Scanned,
};

use crate::common::{Case, cases, data, dump, hex, read, sections, testdata};

/// The healthy cases of both methods.
fn healthy() -> Vec<Case> {
    let all = cases(&["queue-", "heap-"]);
    let all: Vec<Case> = all.into_iter().filter(|case| !case.has("encrypted")).collect();
    assert!(all.len() >= 23, "cases went missing: {}", all.len());
    all
}

fn digits(bytes: &[u8]) -> String {
    String::from_utf8(hex(bytes)).unwrap()
}

fn open(case: &Case) -> Database<'static> {
    Database::open(case.folder().join("data.db")).unwrap_or_else(|error| panic!("{}: {error}", case.name))
}

/// The data lines of a golden text.
fn lines(case: &Case, name: &str) -> Option<Vec<Vec<u8>>> {
    let path = case.folder().join(name);
    path.is_file().then(|| sections(&read(path)).remove(0).lines)
}

/// The records of a golden text in the printed order, hexadecimal.
fn records(case: &Case) -> Vec<String> {
    let lines = lines(case, "dump.txt").unwrap();
    lines.into_iter().map(|line| String::from_utf8(line).unwrap()).collect()
}

/// A copy of a case in a folder of its own.
fn copy_of(case: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(testdata().join(case)).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

// -------------------------------------------------------------------------- reading

#[test]
fn every_file_gives_the_records_that_the_genuine_tool_printed() {
    for case in healthy() {
        let db = open(&case);
        for (name, print, keys) in
            [("dump.txt", false, false), ("dump-p.txt", true, false), ("dump-k.txt", false, true)]
        {
            let Some(expected) = lines(&case, name) else { continue };
            let writer = bdbkit::dump::Writer::new().print(print).record_numbers(keys);
            let mut text = Vec::new();
            let summary =
                writer.write(&db, &mut text, |damage| panic!("{}: {}", case.name, damage.error)).unwrap();
            assert_eq!(sections(&text)[0].lines, expected, "{}: {name}", case.name);
            assert_eq!(summary.damaged, 0);
        }
        let found: Vec<String> = db.iter().map(|entry| digits(entry.unwrap().value())).collect();
        assert_eq!(found, records(&case), "{}", case.name);
    }
}

#[test]
fn the_metadata_says_what_the_manifest_says() {
    for case in healthy() {
        let db = open(&case);
        let meta = db.meta();
        assert_eq!(meta.version().to_string(), case.version, "{}", case.name);
        assert_eq!(meta.endianness() == bdbkit::Endianness::Big, case.big_endian, "{}", case.name);
        assert_eq!(meta.method().name(), case.kind, "{}", case.name);
        assert_eq!(meta.checksummed(), case.has("checksum"), "{}", case.name);
        assert_eq!(meta.extent_pages().is_some(), case.has("extents"), "{}", case.name);
        assert_eq!(db.extents().is_empty(), !case.has("extents"), "{}", case.name);
        assert_eq!(meta.record_length().is_some(), case.kind == "queue", "{}", case.name);
        assert_eq!(meta.region_size().is_some(), case.kind == "heap", "{}", case.name);
        assert_eq!(meta.most_bytes().is_some(), case.has("size-limit"), "{}", case.name);
        assert_eq!((meta.root(), db.tree_stats()[0].depth), (None, None), "{}", case.name);
        if let Some((first, next)) = meta.record_range() {
            assert_eq!(first > next, case.has("wrap-around"), "{}", case.name);
        }
    }
}

#[test]
fn every_record_is_found_by_what_it_is_known_by() {
    let (mut numbers, mut places) = (0, 0);
    for case in healthy() {
        let db = open(&case);
        let mut before = None;
        for entry in db.iter() {
            let entry = entry.unwrap();
            let again = match (entry.record_number(), entry.record_id()) {
                (Some(number), None) => {
                    numbers += 1;
                    db.record(number).unwrap()
                }
                (None, Some(id)) => {
                    assert!(before < Some(id), "{}: by page and slot", case.name);
                    before = Some(id);
                    places += 1;
                    assert_eq!(db.item_at(id).unwrap().unwrap().read().unwrap(), entry.value());
                    db.record_at(id).unwrap()
                }
                other => panic!("{}: {other:?}", case.name),
            };
            assert!(entry.key().is_empty());
            assert_eq!(again.as_ref(), Some(&entry), "{}", case.name);
        }
    }
    assert!(numbers > 900 && places > 350, "{numbers} {places}");
}

#[test]
fn numbers_without_a_record_have_none() {
    for case in healthy().iter().filter(|case| case.kind == "queue") {
        let db = open(case);
        let there: BTreeSet<u32> = db.iter().map(|entry| entry.unwrap().record_number().unwrap()).collect();
        let (first, next) = db.meta().record_range().unwrap();
        let around = |number: u32| (0..40).map(move |step: u32| number.wrapping_add(step).wrapping_sub(20));
        let all = (1..500).chain(around(first)).chain(around(next)).chain([0, u32::MAX, 1 << 31]);
        for number in all {
            assert_eq!(
                db.record(number).unwrap().is_some(),
                there.contains(&number),
                "{} {number}",
                case.name
            );
        }
    }
}

#[test]
fn places_without_a_record_have_none() {
    for case in healthy().iter().filter(|case| case.kind == "heap") {
        let db = open(case);
        let there: BTreeSet<RecordId> = db.iter().map(|entry| entry.unwrap().record_id().unwrap()).collect();
        for page in (0..db.page_count() + 2).chain([u32::MAX]).map(PageNo) {
            for slot in (0..40).chain([u16::MAX]) {
                let id = RecordId { page, slot };
                assert_eq!(db.record_at(id).unwrap().is_some(), there.contains(&id), "{} {id}", case.name);
            }
        }
    }
}

#[test]
fn a_scan_gives_the_same_records() {
    for case in healthy() {
        let db = open(&case);
        let walked: BTreeMap<String, Vec<u8>> = db
            .iter()
            .map(|entry| {
                let entry = entry.unwrap();
                let key = entry.record_id().map(|id| id.to_string());
                (key.or(entry.record_number().map(|n| n.to_string())).unwrap(), entry.value().to_vec())
            })
            .collect();
        let all = |scan: bdbkit::PageScan<'_>| {
            let mut found = BTreeMap::new();
            for leaf in scan {
                let leaf = leaf.unwrap();
                let kind = if case.kind == "heap" { PageKind::Heap } else { PageKind::QueueData };
                assert_eq!(leaf.kind(), kind);
                for entry in leaf.entries() {
                    let (key, value) = match entry.unwrap() {
                        Scanned::Record { number, value } => (number.to_string(), value),
                        Scanned::Placed { id, value } => {
                            assert_eq!(id.page, leaf.page());
                            (id.to_string(), value)
                        }
                        other => panic!("{other:?}"),
                    };
                    assert!(found.insert(key, value.read().unwrap().into_owned()).is_none());
                }
            }
            found
        };
        assert_eq!(all(db.scan()), walked, "{}", case.name);
        let mut parts = BTreeMap::new();
        db.scan().split(5).into_iter().for_each(|part| parts.extend(all(part)));
        assert_eq!(parts, walked, "{}", case.name);
    }
}

#[test]
fn what_they_cannot_answer_is_refused_by_name() {
    for name in ["queue-v4-le-extents", "heap-v1-be-few"] {
        let case = cases(&[name]).remove(0);
        let db = open(&case);
        let method = db.meta().method();
        let id = RecordId { page: PageNo(2), slot: 0 };
        let asked = [
            db.get("key").err(),
            db.cursor().err(),
            db.record_number("key").err(),
            db.range("a".."b").next().and_then(Result::err),
            db.prefix("a").next().and_then(Result::err),
            db.iter().next_back().and_then(Result::err),
            db.record(1).err().filter(|_| method == Method::Heap),
            db.record_at(id).err().filter(|_| method == Method::Queue),
        ];
        let refused = asked.into_iter().flatten().map(|error| match error {
            Error::WrongMethod { method: found, .. } => assert_eq!(found, method),
            other => panic!("{name}: {other}"),
        });
        assert_eq!(refused.count(), 7, "{name}");
        assert_eq!(db.iter().pairs().rev().count(), 1, "the error once");
        assert_eq!(db.directory().map(|_| ()), None);
    }
}

#[test]
fn pages_are_counted_in_all_files() {
    let db = open(&cases(&["queue-v4-le-extents"]).remove(0));
    let stats = db.file_stats();
    assert_eq!(stats.pages, BTreeMap::from([(PageKind::QueueMeta, 1), (PageKind::QueueData, 8)]));
    let names: Vec<_> =
        db.extents().into_iter().map(|(path, pages)| (path.file_name().unwrap().to_owned(), pages)).collect();
    let expected: Vec<_> = (1..5).map(|n| (format!("__dbq.data.db.{n}").into(), 2)).collect();
    assert_eq!((names, db.page_count()), (expected, 1));
    let heap = open(&cases(&["heap-v1-le-full"]).remove(0)).file_stats();
    assert_eq!(
        heap.pages,
        BTreeMap::from([(PageKind::HeapMeta, 1), (PageKind::Heap, 20), (PageKind::HeapRegion, 3)])
    );
}

// -------------------------------------------------------------------------- files beside

#[test]
fn a_queue_in_memory_has_no_files_beside_it() {
    let bytes = data("queue-v4-le-extents");
    let error = Database::from_bytes(&bytes[..]).unwrap_err();
    assert!(matches!(error, Error::NoFolder) && error.kind() == ErrorKind::Question, "{error}");
    assert!(Verify::from_bytes(&bytes[..]).run().refused().is_some());
    assert!(Database::from_bytes(data("queue-v4-le-few")).is_ok());
}

#[test]
fn extents_between_may_be_missing_but_not_the_first_or_the_last() {
    let whole = open(&cases(&["queue-v4-le-extents"]).remove(0)).iter().count();
    for number in 1..5 {
        let folder = copy_of("queue-v4-le-extents");
        fs::remove_file(folder.path().join(format!("__dbq.data.db.{number}"))).unwrap();
        let db = Database::open(folder.path().join("data.db")).unwrap();
        let errors: Vec<Error> = db.iter().filter_map(Result::err).collect();
        assert!(db.iter().flatten().count() < whole);
        let worst = Verify::open(folder.path().join("data.db")).unwrap().run().worst();
        if [2, 3].contains(&number) {
            assert!(errors.is_empty(), "{errors:?}");
            assert_eq!(worst, Some(Severity::Warning));
        } else {
            let name = format!("__dbq.data.db.{number}");
            let [Error::MissingFile { path }] = &errors[..] else { panic!("{errors:?}") };
            assert!(path.ends_with(&name), "{path:?}");
            assert_eq!(worst, Some(Severity::Error));
            let lost = if number == 1 { 35 } else { 120 };
            assert!(matches!(db.record(lost), Err(Error::MissingFile { .. })));
        }
    }
}

#[test]
fn names_that_are_not_those_of_extents_are_left_alone() {
    let folder = copy_of("queue-v4-le-extents");
    let expected: Vec<_> = Database::open(folder.path().join("data.db"))
        .unwrap()
        .iter()
        .map(Result::unwrap)
        .map(|entry| entry.into_owned())
        .collect();
    for name in [
        "__dbq.data.db.01",
        "__dbq.data.db.+2",
        "__dbq.data.db.4294967296",
        "__dbq.data.db.",
        "__dbq.data.db.2.old",
        "__dbq.other.db.2",
    ] {
        fs::write(folder.path().join(name), [1; 700]).unwrap();
    }
    let db = Database::open(folder.path().join("data.db")).unwrap();
    assert_eq!(db.iter().map(Result::unwrap).collect::<Vec<_>>(), expected);
    // One without a byte was made, but not written.
    fs::write(folder.path().join("__dbq.data.db.7"), b"").unwrap();
    assert_eq!(Database::open(folder.path().join("data.db")).unwrap().iter().count(), expected.len());
}

#[test]
fn a_path_without_a_folder_is_looked_at_where_we_are() {
    let folder = copy_of("queue-v4-le-extents");
    let path = folder.path().join("data.db");
    let relative = Path::new("data.db");
    // The working folder of tests is shared, so only the names are looked at.
    let db = Database::open(&path).unwrap();
    assert!(db.extents().iter().all(|(path, _)| path.parent() == Some(folder.path())));
    assert!(!relative.exists());
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_no_extent() {
    let folder = copy_of("queue-v4-le-extents");
    let extent = folder.path().join("__dbq.data.db.2");
    let elsewhere = tempfile::tempdir().unwrap();
    let target = elsewhere.path().join("secret");
    fs::rename(&extent, &target).unwrap();
    std::os::unix::fs::symlink(&target, &extent).unwrap();
    let refused = |what: &str| {
        let path = folder.path().join("data.db");
        let db = Database::open(&path).unwrap();
        let is_named = |error: &Error| matches!(error, Error::Open { path, .. } if *path == extent);
        let errors: Vec<Error> = db.iter().filter_map(|entry| entry.err()).collect();
        assert!(errors.len() == 1 && is_named(&errors[0]), "{what}: {errors:?}");
        assert_eq!(db.iter().filter(|entry| entry.is_ok()).count(), 54, "{what}");
        let (first, next) = db.meta().record_range().unwrap();
        let found: Vec<_> = (first..next).map(|number| db.record(number)).collect();
        assert!(found.iter().all(|record| record.as_ref().map_or_else(is_named, |_| true)), "{what}");
        assert!(found.iter().filter(|record| record.is_err()).count() > 1, "{what}");
        assert_eq!(db.scan().filter(|page| page.as_ref().is_err_and(is_named)).count(), 1, "{what}");
        let told = findings(&path);
        let extents = told.iter().filter(|finding| finding.text.contains("__dbq.data.db.2"));
        assert!(extents.count() == 1 && errors_of(&told) == 1, "{what}: {told:?}");
        let salvage = Salvage::open(folder.path().join("data.db")).unwrap();
        let survey = salvage.survey().unwrap();
        // The records of the other extents, and a word about this one.
        assert_eq!((survey.records().count(), survey.problems().len()), (54, 1), "{what}");
    };
    refused("a link");
    fs::remove_file(&extent).unwrap();
    fs::create_dir(&extent).unwrap();
    refused("a folder");
}

// -------------------------------------------------------------------------- checking

fn findings(path: impl AsRef<Path>) -> Vec<Finding> {
    Verify::open(path).unwrap().run().findings().to_vec()
}

fn errors_of(findings: &[Finding]) -> usize {
    errors(findings).len()
}

fn errors(findings: &[Finding]) -> Vec<&Finding> {
    findings.iter().filter(|finding| finding.severity == Severity::Error).collect()
}

#[test]
fn healthy_files_have_no_errors() {
    for case in healthy() {
        let found = findings(case.folder().join("data.db"));
        assert!(errors(&found).is_empty(), "{}: {found:?}", case.name);
        let old = case.name == "queue-v1-be-few" || case.name == "queue-v3-be-extents";
        // Numbers were left out, so that pages or whole extents were never written.
        let sparse = case.name.contains("-middle") || case.name.contains("-checksum");
        if sparse {
            assert!(found.iter().all(|finding| finding.rule == Rule::QueueRange), "{}: {found:?}", case.name);
        } else {
            assert_eq!(found.len(), usize::from(old), "{}: {found:?}", case.name);
        }
    }
}

#[test]
fn pages_of_zeros_and_empty_extents_between_records_are_told_of() {
    let warned = |change: &dyn Fn(&Path)| {
        let folder = copy_of("queue-v4-le-extents");
        change(folder.path());
        let found = findings(folder.path().join("data.db"));
        assert!(errors(&found).is_empty(), "{found:?}");
        found
            .iter()
            .filter(|finding| finding.rule == Rule::QueueRange && finding.text.contains("lost"))
            .count()
    };
    let extent = |folder: &Path| folder.join("__dbq.data.db.2");
    assert_eq!(warned(&|_| {}), 0);
    assert_eq!(warned(&|folder| fs::write(extent(folder), b"").unwrap()), 1);
    let zeroed = |folder: &Path| {
        let len = fs::metadata(extent(folder)).unwrap().len() as usize;
        fs::write(extent(folder), vec![0; len]).unwrap();
    };
    assert_eq!(warned(&zeroed), 1);
    let one_page = |folder: &Path| {
        let mut bytes = read(extent(folder));
        bytes[..512].fill(0);
        fs::write(extent(folder), bytes).unwrap();
    };
    assert_eq!(warned(&one_page), 1);
}

/// What breaks which rule, on which page.
const DAMAGE: [(&str, Rule, u32); 30] = [
    ("queue-v4-be-cur-near", Rule::QueueRange, 0),
    ("queue-v4-be-ext-swapped", Rule::PageNumber, 1),
    ("queue-v4-be-pgno", Rule::PageNumber, 3),
    ("queue-v4-be-rec-page", Rule::QueuePage, 0),
    ("queue-v4-le-ext-huge", Rule::QueueRange, 0),
    ("queue-v4-le-ext-zero", Rule::QueueRange, 0),
    ("queue-v4-le-first-beyond", Rule::QueueRange, 0),
    ("queue-v4-le-first-zero", Rule::QueueRange, 0),
    ("queue-v4-le-re-len", Rule::QueuePage, 0),
    ("queue-v4-le-re-len-other", Rule::QueuePage, 0),
    ("queue-v4-le-truncated", Rule::FileSize, 4),
    ("heap-v1-be-entries-large", Rule::HeapTable, 6),
    ("heap-v1-be-flag-unknown", Rule::HeapFlag, 17),
    ("heap-v1-be-next-range", Rule::Split, 13),
    ("heap-v1-be-region-size", Rule::Region, 0),
    ("heap-v1-be-tab-same", Rule::HeapOverlap, 4),
    ("heap-v1-be-tsize-small", Rule::Split, 16),
    ("heap-v1-be-zero", Rule::PageType, 15),
    ("heap-v1-le-curregion", Rule::Region, 0),
    ("heap-v1-le-first-missing", Rule::Split, 22),
    ("heap-v1-le-flag-first-only", Rule::HeapFlag, 13),
    ("heap-v1-le-high-indx", Rule::HeapTable, 2),
    ("heap-v1-le-last-pgno", Rule::LastPage, 0),
    ("heap-v1-le-next-slot", Rule::Split, 4),
    ("heap-v1-le-region-zero", Rule::Region, 1),
    ("heap-v1-le-size-over", Rule::HeapOverlap, 16),
    ("heap-v1-le-tab-beyond", Rule::HeapTable, 8),
    ("heap-v1-le-tab-zero", Rule::HeapTable, 17),
    ("heap-v1-le-truncated", Rule::FileSize, 17),
    ("heap-v1-le-truncated", Rule::LastPage, 0),
];

#[test]
fn damage_is_found_where_it_is() {
    for (name, rule, page) in DAMAGE {
        let found = findings(testdata().join(format!("damage-{name}/data.db")));
        let named = errors(&found).iter().any(|finding| (finding.rule, finding.page.0) == (rule, page));
        assert!(named, "{name}: {found:?}");
    }
    // Nothing tells a record that was deleted from one whose flag was taken away.
    assert!(findings(testdata().join("damage-queue-v4-le-valid/data.db")).is_empty());
    let missing = findings(testdata().join("damage-queue-v4-le-ext-missing/data.db"));
    assert_eq!(missing.iter().map(|f| (f.rule, f.page.0)).collect::<Vec<_>>(), [(Rule::QueueRange, 0)]);
    for (case, words) in
        [("queue-v4-le-version", "newer than 4"), ("heap-v1-le-magic", "not a Berkeley DB file")]
    {
        let verdict = Verify::open(testdata().join(format!("damage-{case}/data.db"))).unwrap().run();
        assert!(verdict.refused().unwrap().contains(words));
    }
}

#[test]
fn what_is_damaged_is_not_read_without_an_error() {
    // What the strict reader does not need, and what nothing tells.
    let fine = ["valid", "first-zero", "ext-missing", "curregion"];
    for case in cases(&["damage-queue-", "damage-heap-"]) {
        let Ok(db) = Database::open(case.folder().join("data.db")) else { continue };
        let (_, summary, _) = dump(&db, false);
        let expected = fine.iter().any(|end| case.name.ends_with(end));
        assert_eq!(summary.damaged == 0, expected, "{}", case.name);
    }
}

// -------------------------------------------------------------------------- salvage

/// The numbers and the bytes that a salvage finds, in its order, and the problems it tells.
fn salvaged(path: impl AsRef<Path>, deleted: bool) -> (Vec<(Option<u32>, String)>, u64) {
    let salvage = Salvage::open(path).unwrap().deleted(deleted);
    let survey = salvage.survey().unwrap();
    let mut records = survey.records();
    let found = records.by_ref().map(|record| {
        let Key::Record(number) = record.key else { panic!("{:?}", record.key) };
        (number, record.value.bytes().map_or(String::new(), |bytes| digits(&bytes.to_cow())))
    });
    let found = found.collect();
    let problems = records.report().problem_count() + u64::try_from(survey.problems().len()).unwrap();
    (found, problems)
}

fn values(found: &[(Option<u32>, String)]) -> Vec<&str> {
    found.iter().map(|(_, value)| value.as_str()).collect()
}

#[test]
fn of_healthy_files_a_salvage_finds_what_is_there() {
    for case in healthy() {
        let (found, problems) = salvaged(case.folder().join("data.db"), false);
        assert_eq!(values(&found), records(&case), "{}", case.name);
        assert_eq!(problems, 0, "{}", case.name);
        let numbers: Vec<_> = open(&case).iter().map(|entry| entry.unwrap().record_number()).collect();
        assert_eq!(found.iter().map(|(number, _)| *number).collect::<Vec<_>>(), numbers, "{}", case.name);
    }
}

#[test]
fn without_its_first_page_a_file_loses_no_record() {
    for case in healthy().iter().filter(|case| case.version != "1" || case.kind == "heap") {
        let folder = copy_of(&case.name);
        let path = folder.path().join("data.db");
        let (expected, _) = salvaged(&path, false);
        let mut bytes = read(&path);
        bytes[..512].fill(0);
        fs::write(&path, bytes).unwrap();
        let salvage = Salvage::open(&path).unwrap();
        if expected.len() < 3 {
            continue; // nothing speaks for a database
        }
        let survey = salvage.survey().unwrap();
        assert!(!survey.geometry().told());
        let (mut found, _) = salvaged(&path, false);
        let mut expected = expected;
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{}", case.name);
    }
}

#[test]
fn an_extent_by_itself_gives_its_records_with_their_numbers() {
    let case = cases(&["queue-v4-le-extents"]).remove(0);
    let all: BTreeMap<u32, String> = open(&case)
        .iter()
        .map(Result::unwrap)
        .map(|e| (e.record_number().unwrap(), digits(e.value())))
        .collect();
    let mut found = BTreeMap::new();
    for number in 1..5 {
        let path = case.folder().join(format!("__dbq.data.db.{number}"));
        assert!(matches!(FileKind::at(&path).unwrap(), FileKind::Extent));
        let error = Database::open(&path).unwrap_err();
        assert!(bdbkit::salvage::may_read(&error), "{error}");
        // Copied away, so that nothing tells its name.
        let folder = tempfile::tempdir().unwrap();
        fs::copy(&path, folder.path().join("piece")).unwrap();
        let (records, _) = salvaged(folder.path().join("piece"), false);
        found.extend(records.into_iter().map(|(number, value)| (number.unwrap(), value)));
    }
    assert_eq!(found, all);
}

#[test]
fn of_damaged_files_a_salvage_finds_what_the_genuine_tool_does() {
    // The genuine tool gives these records with pieces left out, or makes up an empty one; ours are
    // whole. Of exchanged extents it takes the numbers for those of the other.
    let made_up =
        ["heap-v1-be-next-range", "heap-v1-be-zero", "heap-v1-le-tab-beyond", "heap-v1-le-tab-zero"];
    let mut seen = 0;
    for case in cases(&["damage-queue-", "damage-heap-"]) {
        let (found, _) = salvaged(case.folder().join("data.db"), false);
        let found: BTreeSet<&str> = values(&found).into_iter().collect();
        let text = read(case.folder().join("salvage-r.txt"));
        let with_numbers = case.kind == "queue";
        // It goes on behind DATA=END with records that it finds on other pages.
        let text = String::from_utf8(text).unwrap();
        let genuine = text.lines().filter_map(|line| line.strip_prefix(' ')).map(str::to_owned).enumerate();
        let genuine = genuine.filter(|(at, _)| !with_numbers || at % 2 == 1).map(|(_, line)| line);
        let missing = genuine.filter(|line| !found.contains(line.as_str())).count();
        let least = usize::from(made_up.iter().any(|name| case.name.ends_with(name)));
        assert_eq!(missing, least, "{}", case.name);
        seen += 1;
    }
    assert!(seen >= 32, "{seen}");
}

#[test]
fn of_most_damage_a_salvage_loses_nothing() {
    let mut whole = 0;
    for case in cases(&["damage-queue-", "damage-heap-"]) {
        let lost = [
            ("first-missing", 1),
            ("size-over", 1),
            ("tab-same", 0),
            ("-valid", 1),
            ("heap-v1-be-zero", 3),
            ("ext-missing", 22),
            ("queue-v4-le-truncated", 3),
            ("heap-v1-le-truncated", 10),
        ];
        let expected = lost.iter().find(|(end, _)| case.name.ends_with(end)).map_or(0, |(_, lost)| *lost);
        let (found, _) = salvaged(case.folder().join("data.db"), false);
        let found: BTreeSet<&str> = values(&found).into_iter().collect();
        let lines = sections(&read(case.folder().join("original.dump.txt"))).remove(0).lines;
        let original: Vec<String> = lines.into_iter().map(|line| String::from_utf8(line).unwrap()).collect();
        let lost = original.iter().filter(|line| !found.contains(line.as_str())).count();
        assert_eq!(lost, expected, "{}", case.name);
        whole += usize::from(lost == 0);
    }
    assert!(whole >= 25, "{whole}");
}

#[test]
fn pages_in_another_place_keep_their_numbers() {
    for name in ["damage-queue-v4-be-ext-swapped", "damage-queue-v4-be-pgno", "damage-queue-v4-le-ext-huge"] {
        let (found, problems) = salvaged(testdata().join(name).join("data.db"), false);
        let lines = sections(&read(testdata().join(name).join("original.dump.txt"))).remove(0).lines;
        let original: Vec<String> = lines.into_iter().map(|line| String::from_utf8(line).unwrap()).collect();
        assert_eq!(values(&found), original, "{name}: by their numbers");
        assert!(found.is_sorted() && problems > 0, "{name}");
    }
}

#[test]
fn deleted_records_of_a_queue_are_told_from_live_ones() {
    let path = testdata().join("damage-queue-v4-le-valid/data.db");
    let salvage = Salvage::open(&path).unwrap().deleted(true);
    let survey = salvage.survey().unwrap();
    let found: Vec<_> = survey.records().collect();
    let deleted: Vec<_> = found.iter().filter(|record| record.provenance.origin == Origin::Deleted).collect();
    assert!(deleted.iter().all(|record| record.confidence() == Confidence::Low));
    // The one whose flag was taken away, and those that were consumed or deleted.
    assert!(deleted.iter().any(|record| record.key == Key::Record(Some(61))), "{deleted:?}");
    let live = Database::open(&path).unwrap().iter().count();
    assert_eq!(found.len() - deleted.len(), live);
    assert!(deleted.len() > 1);
}

#[test]
fn the_length_of_records_is_found_where_the_metadata_has_it_wrong() {
    for name in ["rec-page", "re-len", "re-len-other"] {
        let order = if name == "rec-page" { "be" } else { "le" };
        let salvage =
            Salvage::open(testdata().join(format!("damage-queue-v4-{order}-{name}/data.db"))).unwrap();
        let survey = salvage.survey().unwrap();
        assert_eq!(survey.databases()[0].fixed_length().unwrap().0, 20, "{name}");
        assert!(survey.problems().iter().any(|problem| problem.page() == Some(PageNo(0))), "{name}");
        let found: Vec<_> = survey.records().collect();
        let guessed = name != "rec-page";
        let at_most = if guessed { Confidence::Medium } else { Confidence::High };
        assert!(found.iter().all(|record| record.confidence() == at_most), "{name}");
    }
}

#[test]
fn files_may_be_read_without_a_map() {
    for case in healthy().iter().filter(|case| case.has("extents")) {
        let db = OpenOptions::new().map(false).open(case.folder().join("data.db")).unwrap();
        assert_eq!(db.iter().map(Result::unwrap).count(), records(case).len());
    }
}

// -------------------------------------------------------------------------- made files

/// A QUEUE with these records, made anew, and its extents.
fn write_queue(
    folder: &Path,
    first: u32,
    next: u32,
    per_extent: u32,
    length: u32,
    there: &BTreeSet<u32>,
    big: bool,
) {
    let raw = |number: u32| if big { number.to_be_bytes() } else { number.to_le_bytes() };
    let slot = (length + 4) & !3;
    let per_page = (512 - 28) / slot;
    let mut meta = vec![0; 512];
    let fields = [
        (12, 0x0004_2253),
        (16, 4),
        (20, 512),
        (72, first),
        (76, next),
        (80, length),
        (88, per_page),
        (92, per_extent),
    ];
    for (at, number) in fields {
        meta[at..at + 4].copy_from_slice(&raw(number));
    }
    meta[25] = 10;
    fs::write(folder.join("data.db"), meta).unwrap();
    let mut pages = BTreeMap::<u32, Vec<u8>>::new();
    let last = if next == 1 { u32::MAX } else { next - 1 };
    // The pages of the first and the last record are always there.
    for record in there.iter().copied().chain([first, last]).filter(|_| first != next) {
        let (no, place) = ((record - 1) / per_page + 1, (record - 1) % per_page);
        let page = pages.entry(no).or_insert_with(|| {
            let mut page = vec![0; 512];
            page[8..12].copy_from_slice(&raw(no));
            page[25] = 11;
            page
        });
        if there.contains(&record) {
            let at = usize::try_from(28 + place * slot).unwrap();
            page[at] = 3;
            page[at + 1..at + 5].copy_from_slice(&record.to_be_bytes());
        }
    }
    let mut extents = BTreeMap::<u32, Vec<u8>>::new();
    for (no, page) in pages {
        let (number, place) = ((no - 1) / per_extent, usize::try_from((no - 1) % per_extent).unwrap());
        let file = extents.entry(number).or_default();
        file.resize(file.len().max((place + 1) * 512), 0);
        file[place * 512..][..512].copy_from_slice(&page);
    }
    for (number, bytes) in extents {
        fs::write(folder.join(format!("__dbq.data.db.{number}")), bytes).unwrap();
    }
}

#[test]
fn queues_of_any_numbers_are_read_as_they_were_made() {
    let mut seed = 11_u64;
    let mut random = |below: u32| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(seed >> 33).unwrap() % below
    };
    for round in 0..60 {
        let folder = tempfile::tempdir().unwrap();
        let (count, length, per_extent) = (random(300), 4 + random(30), 1 + random(4));
        let first = match round % 3 {
            0 => 1 + random(1000),
            1 => u32::MAX - random(400),
            _ => 1 + random(u32::MAX - 2000),
        };
        // 0 is no number.
        let step = |record: u32| if record == u32::MAX { 1 } else { record + 1 };
        let mut numbers = vec![first];
        (0..count).for_each(|_| numbers.push(step(numbers[numbers.len() - 1])));
        let next = numbers.pop().unwrap();
        let there: BTreeSet<u32> = numbers.iter().copied().filter(|_| random(3) > 0).collect();
        write_queue(folder.path(), first, next, per_extent, length, &there, round % 2 == 0);
        let path = folder.path().join("data.db");
        let db = Database::open(&path).unwrap();
        let found: Vec<u32> = db
            .iter()
            .map(|entry| {
                let entry = entry.unwrap();
                let number = entry.record_number().unwrap();
                assert_eq!(entry.value()[..4], number.to_be_bytes());
                number
            })
            .collect();
        let expected: Vec<u32> = numbers.iter().copied().filter(|number| there.contains(number)).collect();
        assert_eq!(found, expected, "round {round}: {first} to {next}");
        assert_eq!(db.meta().record_range(), Some((first, next)));
        let verdict = Verify::open(&path).unwrap().run();
        assert_eq!(errors(verdict.findings()), [] as [&Finding; 0], "round {round}");
        for number in numbers.iter().copied().chain([next]) {
            assert_eq!(db.record(number).unwrap().is_some(), there.contains(&number), "{number}");
        }
        let (salvaged, problems) = salvaged(&path, false);
        let salvaged: Vec<u32> = salvaged.into_iter().map(|(number, _)| number.unwrap()).collect();
        assert_eq!((salvaged, problems), (expected, 0), "round {round}");
        // One number less is in the range, and one record is told.
        if let Some(last) = numbers.iter().rev().find(|number| there.contains(number)) {
            let before = if *last == 1 { u32::MAX } else { last - 1 };
            if numbers.len() > 1 && *last != first {
                let others: BTreeSet<u32> = there.iter().copied().filter(|number| number != last).collect();
                let raw =
                    |number: u32| if round % 2 == 0 { number.to_be_bytes() } else { number.to_le_bytes() };
                let mut bytes = read(&path);
                bytes[76..80].copy_from_slice(&raw(*last));
                fs::write(&path, bytes).unwrap();
                let db = Database::open(&path).unwrap();
                let errors = db.iter().filter(Result::is_err).count();
                assert_eq!(
                    (db.iter().flatten().count(), errors),
                    (others.len(), 1),
                    "round {round}: {before}"
                );
            }
        }
    }
}

/// What a region says of the room on a page may be old, and 0 for a page that is full; which pages were
/// made it says besides.
#[test]
fn a_page_of_zeros_below_the_highest_is_told() {
    for (case, size) in [("heap-v1-le-few", 1024), ("heap-v1-be-few", 1024)] {
        let mut bytes = data(case);
        bytes[3 * size..4 * size].fill(0);
        bytes[size + 26] &= !0b1100;
        // Recovery leaves such pages: no reader can tell them from one that was zeroed.
        assert!(Database::from_bytes(&bytes[..]).unwrap().iter().all(|entry| entry.is_ok()), "{case}");
        let verdict = Verify::from_bytes(&bytes[..]).run();
        let found = verdict.findings().iter().any(|finding| finding.page == PageNo(3));
        assert!(found && verdict.worst() == Some(Severity::Warning), "{case}: {:?}", verdict.findings());
        // What is above the highest was never made.
        let last = bytes.len() / size - 1;
        let mut bytes = data(case);
        bytes[last * size..].fill(0);
        let index = last - 2;
        bytes[size + 26 + index / 4] &= !(3 << (index % 4 * 2));
        let at = if case.contains("be") { size + 15 } else { size + 12 };
        assert_eq!(usize::from(bytes[at]), last);
        bytes[at] = u8::try_from(last - 1).unwrap();
        let verdict = Verify::from_bytes(&bytes[..]).run();
        assert!(verdict.findings().iter().all(|finding| finding.page != PageNo(last as u32)), "{case}");
    }
}
