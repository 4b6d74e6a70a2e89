//! Encrypted databases of every method: read, checked and salvaged with their password, and what is
//! said without it, with another one, and of damage.

use std::collections::BTreeSet;
use std::fs;
use std::io::Cursor;
use std::path::PathBuf;

use bdbkit::salvage::{Note, Salvage};
use bdbkit::verify::{Rule, Severity, Verdict, Verify};
use bdbkit::{Error, ErrorKind, File, FileKind, Limits, OpenOptions, PageNo};

use crate::common::{Case, Pair, cases, data, dump, forward, read, sections, testdata, thorough};

const PASSWORD: &str = "corpus-password";

fn options() -> OpenOptions<'static> {
    OpenOptions::new().password(PASSWORD)
}

/// The healthy cases, but for those of features that are not read.
fn healthy() -> Vec<Case> {
    let all = cases(&["btree-", "hash-", "queue-", "heap-"]);
    let all: Vec<Case> = all.into_iter().filter(|case| case.has("encrypted") && is_read(case)).collect();
    assert!(all.len() >= 11, "encrypted cases went missing: {}", all.len());
    all
}

/// Whether a case has no feature besides that is refused by name.
fn is_read(case: &Case) -> bool {
    match options().open(case.folder().join("data.db")) {
        Err(Error::UnsupportedFeature { feature, .. }) => {
            let feature = feature.to_string();
            assert!(["compressed", "partitioned"].contains(&feature.as_str()) && case.has(&feature));
            false
        }
        _ if case.has("subdbs") && case.has("compressed") => {
            let file = options().open(case.folder().join("data.db")).unwrap();
            file.subdatabases().all(|found| found.is_ok())
        }
        _ => true,
    }
}

fn path(case: &str) -> PathBuf {
    testdata().join(case).join("data.db")
}

/// A case that is one file, which stays in memory.
fn small() -> Vec<u8> {
    data("btree-v9-le-encrypted-5.3")
}

fn page_size(bytes: &[u8]) -> usize {
    usize::try_from(FileKind::of(bytes).database().unwrap().page_size.unwrap().get()).unwrap()
}

fn check(bytes: &[u8]) -> Verdict {
    Verify::new(&options().file_from_bytes(bytes)).run()
}

fn salvaged(bytes: &[u8]) -> (usize, BTreeSet<PageNo>) {
    let salvage = Salvage::new(&options().file_from_bytes(bytes));
    let survey = salvage.survey().unwrap();
    let mut records = survey.records();
    let count = records.by_ref().count();
    let problems = survey.problems().iter().chain(records.report().problems());
    let wrong = problems.filter(|error| matches!(error, Error::Authentication { .. }));
    (count, wrong.filter_map(Error::page).collect())
}

// -------------------------------------------------------------------------- healthy files

#[test]
fn every_encrypted_file_gives_the_text_that_the_genuine_tool_printed_however_it_is_opened() {
    let (mut methods, mut orders) = (BTreeSet::new(), BTreeSet::new());
    for case in healthy() {
        let path = case.folder().join("data.db");
        let genuine = sections(&read(case.folder().join("dump.txt")));
        let mut opened = vec![
            options().open(&path).unwrap(),
            options().map(false).open(&path).unwrap(),
            options().on_demand(true).open(&path).unwrap(),
        ];
        if !case.has("extents") && !case.has("partitioned") {
            opened.push(options().from_bytes(read(&path)).unwrap());
            opened.push(options().file_from_reader(Cursor::new(read(&path))).unwrap().database().unwrap());
        }
        for db in opened {
            let (text, summary, damage) = dump(&db, false);
            assert_eq!(damage, [""; 0], "{}", case.name);
            assert_eq!((sections(&text), summary.damaged), (genuine.clone(), 0), "{}", case.name);
            assert!(db.meta().encrypted() && db.meta().checksummed(), "{}", case.name);
        }
        let verdict = options().verify(&path).unwrap().run();
        assert!(verdict.complete(), "{}", case.name);
        assert_eq!(verdict.worst().max(Some(Severity::Note)), Some(Severity::Note), "{}", case.name);
        methods.insert(case.kind.clone());
        orders.insert((case.big_endian, case.has("be-machine")));
    }
    assert_eq!(methods.len(), 4, "{methods:?}");
    assert_eq!(orders.len(), 4, "files in both orders, of machines of both orders: {orders:?}");
}

#[test]
fn a_salvage_gives_all_of_every_healthy_file() {
    for case in healthy() {
        let salvage = options().salvage(case.folder().join("data.db")).unwrap();
        let survey = salvage.survey().unwrap();
        assert!(survey.geometry().encrypted() && survey.geometry().told(), "{}", case.name);
        let mut records = survey.records();
        let mut text = Vec::new();
        bdbkit::dump::Writer::new().write_salvaged(&survey, &mut records, &mut text).unwrap();
        assert_eq!(records.report().problem_count(), 0, "{}", case.name);
        for (_, part) in salvage.partitions() {
            let part = part.unwrap();
            let survey = part.survey().unwrap();
            let mut records = survey.records();
            bdbkit::dump::Writer::new().write_salvaged(&survey, &mut records, &mut text).unwrap();
            assert_eq!(records.report().problem_count(), 0, "{}", case.name);
        }
        let lines = |text: &[u8]| {
            let mut lines: Vec<Vec<u8>> = sections(text).into_iter().flat_map(|found| found.lines).collect();
            lines.sort();
            lines
        };
        // Records of a QUEUE are written with their numbers.
        let golden = if case.kind == "queue" { "dump-k.txt" } else { "dump.txt" };
        let genuine = lines(&read(case.folder().join(golden)));
        let ours = lines(&text);
        if case.kind != "queue" {
            assert_eq!(ours, genuine, "{}", case.name);
        } else {
            assert_eq!(ours.len(), genuine.len(), "{}", case.name);
        }
    }
}

#[test]
fn single_values_are_found() {
    for case in ["btree-v9-be-encrypted", "hash-v9-be-encrypted-mixed", "btree-v9-le-encrypted-overflow"] {
        let db = options().open(path(case)).unwrap();
        let mut pairs = 0;
        for entry in &db {
            let entry = entry.unwrap();
            let values = db.duplicates(entry.key()).map(|entry| entry.unwrap().value().to_vec());
            assert!(values.into_iter().any(|value| value == entry.value()), "{case}");
            assert!(db.get(entry.key()).unwrap().is_some(), "{case}");
            pairs += 1;
        }
        assert!(pairs >= 10, "{case}: {pairs}");
    }
    let queue = options().open(path("queue-v4-le-encrypted-extents")).unwrap();
    let numbers: Vec<u32> = queue.iter().map(|entry| entry.unwrap().record_number().unwrap()).collect();
    assert!(numbers.iter().all(|&number| queue.record(number).unwrap().is_some()));
    let heap = options().open(path("heap-v1-be-encrypted")).unwrap();
    let ids: Vec<_> = heap.iter().map(|entry| entry.unwrap().record_id().unwrap()).collect();
    assert!(ids.len() == 30 && ids.iter().all(|&id| heap.record_at(id).unwrap().is_some()));
}

#[test]
fn pages_are_decrypted_once_and_kept_within_the_bound() {
    for case in healthy() {
        let path = case.folder().join("data.db");
        let genuine = sections(&read(case.folder().join("dump.txt")));
        let size = u64::from(options().open(&path).unwrap().meta().page_size().get());

        let db = options().open(&path).unwrap();
        let count = db.iter().count();
        let kept = db.kept();
        assert!(kept > 0 && kept % size == 0, "{}", case.name);
        assert_eq!((db.iter().count(), db.kept()), (count, kept), "not once more: {}", case.name);

        // What is kept until it was given may take some pages of its own.
        let bound = 16 * size;
        let few = options().limits(Limits::default().max_kept(bound));
        let mut db = few.open(&path).unwrap();
        let (text, _, damage) = dump(&db, false);
        assert_eq!(damage, [""; 0], "{}", case.name);
        assert_eq!(sections(&text), genuine, "{}", case.name);
        assert!(db.kept() <= bound, "{}: {}", case.name, db.kept());
        db.release();
        assert_eq!(db.kept(), 0);
        if !db.is_directory() {
            assert_eq!(db.clone().into_iter().filter(|entry| entry.is_ok()).count(), count, "{}", case.name);
        }
    }
}

#[test]
fn what_borrows_meets_the_bound_as_an_error_that_says_so() {
    let bytes = small();
    let limits = Limits::default().max_kept(4 * 512);
    let db = options().limits(limits).from_bytes(&bytes[..]).unwrap();
    let error = db.iter().find_map(Result::err).expect("more pages than that");
    assert!(matches!(error, Error::KeptPages { limit: 2048, .. }), "{error}");
    assert!(db.kept() <= 2048);
}

// -------------------------------------------------------------------------- the password

#[test]
fn without_the_password_it_is_asked_for_and_another_one_is_told_from_damage() {
    for case in healthy() {
        let path = case.folder().join("data.db");
        let without = OpenOptions::new();
        let errors = [
            without.open(&path).map(drop).unwrap_err(),
            without.verify(&path).unwrap().refusal().unwrap().clone(),
            without.salvage(&path).unwrap().survey().map(drop).unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, Error::Encrypted { .. }), "{}: {error}", case.name);
            assert_eq!(error.kind(), ErrorKind::Password);
            assert!(error.to_string().ends_with("encrypted: its password is needed"), "{error}");
        }
        for wrong in ["corpus-passwore", "", "corpus-password "] {
            let wrong = OpenOptions::new().password(wrong);
            let errors = [
                wrong.open(&path).map(drop).unwrap_err(),
                wrong.verify(&path).unwrap().refusal().unwrap().clone(),
                wrong.salvage(&path).unwrap().survey().map(drop).unwrap_err(),
            ];
            for error in errors {
                assert!(matches!(error, Error::Password), "{}: {error}", case.name);
                assert_eq!(error.kind(), ErrorKind::Password);
            }
        }
        // In the clear: what the file is, and no field that is hidden.
        let kind = File::open(&path).unwrap().kind().database().unwrap().clone();
        assert!(kind.encrypted && kind.page_size.is_some(), "{}", case.name);
        assert_eq!((kind.file_id, kind.extents), (None, None), "{}", case.name);
    }
}

#[test]
fn a_file_that_is_not_encrypted_needs_no_password_and_takes_one() {
    for case in ["btree-v9-le-levels", "hash-v9-be-few", "queue-v4-le-extents", "heap-v1-be-few"] {
        let golden = sections(&read(testdata().join(case).join("dump.txt")));
        let db = options().open(path(case)).unwrap();
        assert_eq!(sections(&dump(&db, false).0), golden, "{case}");
        assert!(!db.meta().encrypted() && db.kept() == 0);
        let salvage = options().salvage(path(case)).unwrap();
        assert!(!salvage.survey().unwrap().geometry().encrypted(), "{case}");
    }
}

#[test]
fn nothing_shows_the_password_or_its_keys() {
    let options = options();
    let file = options.file_from_bytes(small());
    let db = file.database().unwrap();
    let salvage = Salvage::new(&file);
    for shown in [
        format!("{options:?}"),
        format!("{file:?}"),
        format!("{db:?}"),
        format!("{:?}", Verify::new(&file)),
        format!("{salvage:?}"),
    ] {
        assert!(!shown.contains(PASSWORD) && !shown.contains("aes") && !shown.contains("inner"), "{shown}");
    }
}

// -------------------------------------------------------------------------- damage

#[test]
fn a_code_that_is_wrong_is_found_on_its_page_and_the_page_is_salvaged_all_the_same() {
    for name in [
        "btree-v9-le-encrypted-5.3",
        "hash-v9-le-encrypted-mixed",
        "queue-v4-be-encrypted",
        "heap-v1-le-encrypted",
    ] {
        let good = data(name);
        let (records, wrong) = salvaged(&good);
        assert!(records > 0 && wrong.is_empty(), "{name}");
        let size = page_size(&good);
        for (no, page) in good.chunks(size).enumerate() {
            if page.iter().all(|&byte| byte == 0) {
                continue;
            }
            let mut bad = good.clone();
            let code = if no == 0 || (8..=10).contains(&page[25]) { 500 } else { 40 };
            bad[no * size + code] ^= 4;
            let no = PageNo(u32::try_from(no).unwrap());
            let verdict = check(&bad);
            let found: Vec<_> = verdict.findings().iter().filter(|f| f.severity == Severity::Error).collect();
            assert!(
                found.iter().any(|f| f.rule == Rule::Checksum && f.page == no),
                "{name}: page {no}: {found:?}"
            );
            assert!(found.iter().all(|f| f.page == no), "{name}: page {no}: {found:?}");
            let (again, wrong) = salvaged(&bad);
            assert_eq!(again, records, "{name}: page {no}");
            let is_used = page[25] != 0 && page[25] != 16;
            assert!(!is_used || wrong == BTreeSet::from([no]), "{name}: page {no}: {wrong:?}");
        }
    }
}

/// The code covers all bytes: whichever is changed, a check says so, and says it of that page.
#[test]
fn every_byte_that_is_changed_is_found_on_its_page() {
    let good = small();
    let size = page_size(&good);
    let step = if thorough() { 1 } else { 17 };
    let pairs: BTreeSet<Pair> = forward(&options().from_bytes(&good[..]).unwrap()).into_iter().collect();
    for at in (0..good.len()).step_by(step) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        let page = PageNo(u32::try_from(at / size).unwrap());
        let file = options().file_from_bytes(&bad[..]);
        let verdict = Verify::new(&file).run();
        let told = verdict.refused().is_some()
            || verdict.findings().iter().any(|f| f.page == page && f.severity == Severity::Error);
        assert!(told, "byte {at}: {:?}", verdict.findings());
        // Reading never gives what was changed.
        if let Ok(db) = file.database() {
            for entry in db.iter().flatten() {
                let (key, value) = entry.into_parts();
                assert!(pairs.contains(&(key.into_owned(), value.into_owned())), "byte {at}");
            }
        }
    }
}

#[test]
fn damage_of_the_first_page_is_no_wrong_password() {
    let good = small();
    let damaged = |at: &[usize]| {
        let mut bad = good.clone();
        at.iter().for_each(|&at| bad[at] ^= 1);
        options().from_bytes(bad).map(drop).unwrap_err()
    };
    // The code alone; what is hidden; the magic number that shows the password; all of them.
    for at in [&[495][..], &[100], &[461], &[500, 461], &[500, 450, 70]] {
        let error = damaged(at);
        let first = matches!(error, Error::Authentication { page: PageNo(0), offset: 492 });
        assert!(first, "{at:?}: {error}");
        assert_eq!(error.kind(), ErrorKind::Damaged);
    }
    // Nothing tells, if no other page is there.
    let mut alone = good[..512].to_vec();
    assert!(options().from_bytes(alone.clone()).is_ok());
    alone[500] ^= 1;
    assert!(matches!(options().from_bytes(alone.clone()).map(drop), Err(Error::Authentication { .. })));
    alone[461] ^= 1;
    assert!(matches!(options().from_bytes(alone).map(drop), Err(Error::Password)));
}

#[test]
fn a_page_is_opened_with_its_own_iv_and_read_where_it_belongs() {
    let good = small();
    let mut bad = good.clone();
    bad.copy_within(512..1024, 1024);
    let verdict = check(&bad);
    assert!(verdict.findings().iter().any(|f| f.rule == Rule::PageNumber && f.page == PageNo(2)));
    assert!(!verdict.findings().iter().any(|f| f.rule == Rule::Checksum), "its code is right");
}

/// What the damage of a case is found as, and how many of its records a salvage gives.
#[test]
fn every_damaged_case_is_found_and_salvaged() {
    let all = cases(&["damage-encrypted-"]);
    assert!(all.len() >= 8, "{}", all.len());
    for case in all {
        let bytes = data(&case.name);
        let verdict = check(&bytes);
        let errors: Vec<_> = verdict.findings().iter().filter(|f| f.severity == Severity::Error).collect();
        let name = case.name.rsplit_once("e-").unwrap().1;
        let (rule, page) = match name {
            "alg" | "metaflags" => (Rule::Flags, 0),
            "meta-flags" | "meta-mac" => (Rule::Checksum, 0),
            "body" => (Rule::Checksum, 4),
            "iv" => (Rule::Checksum, 9),
            "copied" => (Rule::PageNumber, 5),
            "truncated" => (Rule::FileSize, 7),
            other => panic!("{other}"),
        };
        assert!(errors.iter().any(|f| f.rule == rule && f.page == PageNo(page)), "{name}: {errors:?}");

        let lines = |file: &str| {
            let text = read(case.folder().join(file));
            text.split(|&byte| byte == b'\n')
                .map(<[u8]>::to_vec)
                .filter(|line| line.starts_with(b" "))
                .collect()
        };
        let genuine: BTreeSet<Vec<u8>> = lines("salvage-r.txt");
        let original: BTreeSet<Vec<u8>> = lines("original.dump.txt");
        let salvage = Salvage::new(&options().file_from_bytes(&bytes[..]));
        let survey = salvage.survey().unwrap();
        let mut text = Vec::new();
        let mut records = survey.records();
        bdbkit::dump::Writer::new().write_salvaged(&survey, &mut records, &mut text).unwrap();
        let ours: BTreeSet<Vec<u8>> = text
            .split(|&byte| byte == b'\n')
            .map(<[u8]>::to_vec)
            .filter(|line| line.starts_with(b" "))
            .collect();
        let missing: Vec<_> = genuine.intersection(&original).filter(|line| !ours.contains(*line)).collect();
        assert!(missing.is_empty(), "{name}: {missing:?}");
        let problems = survey.problems().len() as u64 + records.report().problem_count();
        assert!(problems > 0, "{name}: named");
        if page == 0 {
            assert_eq!(ours, original, "{name}");
        }
    }
}

#[test]
fn a_file_whose_first_page_is_gone_is_salvaged_with_the_password() {
    for name in [
        "btree-v9-be-encrypted",
        "btree-v9-le-encrypted",
        "hash-v9-be-encrypted-mixed",
        "heap-v1-be-encrypted",
    ] {
        let mut bytes = data(name);
        let (records, _) = salvaged(&bytes);
        let size = page_size(&bytes);
        bytes[..size].fill(0);
        let salvage = Salvage::new(&options().file_from_bytes(&bytes[..]));
        let survey = salvage.survey().unwrap();
        assert!(survey.geometry().encrypted() && !survey.geometry().told(), "{name}");
        assert_eq!(survey.geometry().page_size().bytes(), size, "{name}");
        assert_eq!(survey.records().count(), records, "{name}");
    }
    // An extent alone.
    let extent = testdata().join("queue-v4-le-encrypted-extents/__dbq.data.db.0");
    let salvage = options().salvage(extent).unwrap();
    assert!(salvage.survey().unwrap().records().count() > 0);
}

#[test]
fn records_of_a_page_whose_code_is_wrong_say_so() {
    let mut bytes = data("queue-v4-be-encrypted");
    bytes[512 + 40] ^= 1;
    let salvage = Salvage::new(&options().file_from_bytes(&bytes[..]));
    let survey = salvage.survey().unwrap();
    let noted = survey.records().filter(|record| record.notes.has(Note::Checksum)).count();
    assert!(noted > 0);
}

#[test]
fn without_the_mark_for_codes_a_file_is_read_as_the_genuine_tool_reads_it() {
    let bytes = data("damage-encrypted-v9-be-metaflags");
    let db = options().from_bytes(&bytes[..]).unwrap();
    let (text, summary, _) = dump(&db, false);
    assert_eq!(summary.damaged, 0);
    let original = read(testdata().join("damage-encrypted-v9-be-metaflags/original.dump.txt"));
    let expected = String::from_utf8(original).unwrap().replace("chksum=1\n", "");
    assert_eq!(String::from_utf8(text).unwrap(), expected);
}

/// An extent whose page was exchanged, and one that is not there.
#[test]
fn extents_are_checked_page_by_page() {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(testdata().join("queue-v4-le-encrypted-extents")).unwrap() {
        let from = entry.unwrap().path();
        fs::copy(&from, folder.path().join(from.file_name().unwrap())).unwrap();
    }
    let main = folder.path().join("data.db");
    let extent = folder.path().join("__dbq.data.db.0");
    let good = read(&extent);
    let (size, all) = (512, options().open(&main).unwrap().iter().count());
    for page in 0..good.len() / size {
        let mut bad = good.clone();
        bad[page * size + 100] ^= 1;
        fs::write(&extent, bad).unwrap();
        let no = PageNo(u32::try_from(page + 1).unwrap());
        let verdict = options().verify(&main).unwrap().run();
        assert!(verdict.findings().iter().any(|f| f.rule == Rule::Checksum && f.page == no), "page {no}");
        let db = options().open(&main).unwrap();
        let errors: Vec<Error> = db.iter().filter_map(Result::err).collect();
        assert!(
            errors.iter().any(|e| matches!(e, Error::Authentication { page, .. } if *page == no)),
            "{errors:?}"
        );
        let salvage = options().salvage(&main).unwrap();
        assert!(salvage.survey().unwrap().records().count() + 1 >= all, "page {no}");
    }
    fs::remove_file(folder.path().join("__dbq.data.db.1")).unwrap();
    let db = options().open(&main).unwrap();
    assert!(db.iter().filter_map(Result::err).any(|error| matches!(error, Error::MissingFile { .. })));
}
