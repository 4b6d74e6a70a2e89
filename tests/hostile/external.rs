//! Files with values in external files: every truncation and every single-byte change, and that no item is
//! taken for a value.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use bdbkit::salvage::Salvage;
use bdbkit::verify::{Severity, Verify};
use bdbkit::{Database, OpenOptions};

use crate::common::{LATER_CASES, Pair, Watch, all_databases, read, testdata, thorough};

/// What a file gives: pairs, and how many errors.
fn given(db: &Database<'_>) -> (Vec<Pair>, usize) {
    let (mut pairs, mut errors) = (Vec::new(), 0);
    let inner: Vec<Database<'_>> = match db.is_directory() {
        true => db.subdatabases().filter_map(|found| found.ok().map(|found| found.open())).collect(),
        false => vec![db.clone()],
    };
    errors += usize::from(db.is_directory() && db.subdatabases().any(|found| found.is_err()));
    for db in inner {
        for entry in db.iter() {
            match entry {
                Ok(entry) => pairs.push((entry.key().to_vec(), entry.value().to_vec())),
                Err(_) => errors += 1,
            }
        }
    }
    (pairs, errors)
}

/// Reads, checks and salvages; what is wrong, if anything.
fn check(
    options: OpenOptions<'_>,
    bytes: &[u8],
    whole: usize,
    marks: bool,
    turn: usize,
) -> Result<(), String> {
    if turn % 3 == 1 || thorough() {
        for deleted in [false, true] {
            let salvage = Salvage::new(&options.file_from_bytes(bytes)).deleted(deleted);
            if let Ok(survey) = salvage.survey() {
                survey.records().for_each(drop);
            }
        }
    }
    let Ok(db) = options.from_bytes(bytes) else { return Ok(()) };
    let (pairs, errors) = given(&db);
    if pairs.len() + errors < whole && errors == 0 && !marks {
        return Err(format!("{} pairs of {whole}, and no error", pairs.len()));
    }
    for leaf in db.scan().flatten() {
        leaf.entries().for_each(drop);
    }
    if turn % 3 == 2 || thorough() {
        let verdict = Verify::new(&options.file_from_bytes(bytes)).threads(1).run();
        if errors > 0 && verdict.worst() < Some(Severity::Error) {
            return Err(format!("{errors} errors for the reader, none for the check"));
        }
        for (key, _) in pairs.iter().take(2) {
            let _ = db.get(key);
        }
    }
    Ok(())
}

#[test]
fn every_change_of_a_byte_and_every_truncation_of_files_with_external_files() {
    let watch = Watch::start(Duration::from_secs(60));
    let (mut tried, mut failures) = (0usize, Vec::new());
    for case in LATER_CASES {
        let original = read(testdata().join(case).join("f.db"));
        let folder = testdata().join(case).join("__db_bl");
        let options = OpenOptions::new().external_dir(&folder);
        let whole = given(&options.from_bytes(&original[..]).unwrap());
        assert!(whole.1 == 0 && !whole.0.is_empty(), "{case}");
        let mut run = |bytes: &[u8], marks: bool, what: String| {
            watch.about(format!("{case}: {what}"));
            let checked =
                catch_unwind(AssertUnwindSafe(|| check(options, bytes, whole.0.len(), marks, tried)));
            match checked {
                Ok(Ok(())) => {}
                Ok(Err(why)) => failures.push(format!("{case}: {what}: {why}")),
                Err(_) => failures.push(format!("{case}: {what}: panic")),
            }
            tried += 1;
        };
        let mut bytes = original.clone();
        for at in 0..bytes.len() {
            let old = bytes[at];
            let some = [old ^ 1, !old, 0, 0xff, old ^ 0x80, old.wrapping_add(1)];
            let all: Vec<u8> = if thorough() { (0..=255).collect() } else { vec![some[at % 6]] };
            for new in all.into_iter().filter(|&new| new != old) {
                bytes[at] = new;
                // The mark of deletion cannot be told from the truth.
                run(&bytes, new & 0x80 > old & 0x80, format!("byte {at} {old:#04x} -> {new:#04x}"));
            }
            bytes[at] = old;
        }
        let step = if thorough() { 1 } else { 61 };
        for len in (0..original.len()).step_by(step) {
            run(&original[..len], false, format!("cut to {len}"));
        }
    }
    assert!(tried > 40_000, "{tried}");
    let some: Vec<_> = failures.iter().take(20).collect();
    assert!(failures.is_empty(), "{} failures of {tried}:\n{some:#?}", failures.len());
}

/// An item for an external file is 80 bytes that are no data.
#[test]
fn an_item_is_never_given_as_the_value() {
    for case in LATER_CASES.into_iter().filter(|case| case.contains("external")) {
        let bytes = read(testdata().join(case).join("f.db"));
        for folder in [testdata().join(case).join("__db_bl"), testdata().join("nothing")] {
            let options = OpenOptions::new().external_dir(&folder);
            let file = options.from_bytes(&bytes[..]).unwrap();
            let values = all_databases(&file).into_iter().flat_map(|db| given(&db).0).map(|(_, value)| value);
            let salvage = Salvage::new(&options.file_from_bytes(&bytes[..]));
            let survey = salvage.survey().unwrap();
            let found =
                survey.records().filter_map(|record| Some(record.value.bytes()?.to_cow().into_owned()));
            let found: Vec<Vec<u8>> = found.collect();
            for value in values.chain(found) {
                let zeros = value.windows(16).any(|window| window.iter().all(|&byte| byte == 0));
                assert!(!zeros, "{case}: {value:?}");
            }
        }
    }
}
