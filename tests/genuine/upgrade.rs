//! Files upgraded to version 9 in the hands of libdb 5.3: `db5.3_verify` accepts them,
//! `db5.3_dump` prints their pairs, and a program that adds 500 records leaves them sound
//! (`genuine/insert.c`).
//!
//! Where a C compiler, libdb's header or a tool is missing the tests say so and do nothing;
//! with `BDBKIT_DEMAND_GENUINE` in the environment that is a failure.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use bdbkit::Database;
use bdbkit::downgrade::{DowngradeChoices, DowngradeTo, downgraded};
use bdbkit::upgrade::{Choices, RecordForm, in_memory};

use crate::among_others;
use crate::common::image::Image;
use crate::common::tools::{DUMP, VERIFY, genuine, program};
use crate::common::{Pair, Section, all_readable, dump, pairs_of_section, read, readable, sections};

/// Inputs that 5.3 does not accept afterwards either, and why: what the upgrade carries over.
const ODD: [(&str, &str); 9] = [
    ("btree-v6-be-delete-marked/data.db", "marked deleted"),
    ("btree-v6-be-delete-marked/upgraded-v8.db", "marked deleted"),
    ("btree-v6-be-delete-marked/upgraded-v9.db", "marked deleted"),
    ("btree-v6-be-delete-marked-dups/data.db", "marked deleted"),
    ("btree-v7-le-delete-marked/data.db", "marked deleted"),
    ("btree-v8-be-delete-marked/data.db", "marked deleted"),
    ("btree-v8-be-delete-marked-dups/data.db", "marked deleted"),
    // The genuine tools stored no length of records (9.6).
    ("recno-v6-be-fixed/upgraded-v8.db", "maximum record length 0"),
    ("recno-v6-be-fixed/upgraded-v9.db", "maximum record length 0"),
];

fn run(program: impl AsRef<OsStr>, arguments: &[&OsStr]) -> Output {
    Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// All pairs, database by database.
fn pairs(bytes: &[u8]) -> Vec<Vec<Pair>> {
    let (text, _, damage) = dump(&Database::from_bytes(bytes).unwrap(), false);
    assert!(damage.is_empty(), "{damage:?}");
    sections(&text).iter().map(in_order).collect()
}

/// The pairs of a section. Those of a HASH, whose keys have no order that stays, by their keys.
fn in_order(section: &Section) -> Vec<Pair> {
    let mut pairs = pairs_of_section(section);
    if section.kind == "hash" {
        pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
    }
    pairs
}

/// The pairs that `db5.3_dump` prints.
fn dumped(file: &Path) -> Vec<Vec<Pair>> {
    let output = run("db5.3_dump", &[file.as_ref()]);
    assert!(output.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&output.stderr));
    sections(&output.stdout).iter().map(in_order).collect()
}

fn verify(file: &Path) -> Result<(), String> {
    let output = run("db5.3_verify", &[file.as_ref()]);
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// The length of the records of a file of version 6, if they all have one: the genuine
/// library adds records only where it is stored.
fn record_form(bytes: &[u8]) -> Option<RecordForm> {
    let db = Database::from_bytes(bytes).unwrap();
    let same = db.meta().version() == 6 && db.meta().flags().fixed_length();
    let first = same.then(|| db.iter().pairs().next())??;
    Some(RecordForm { length: first.unwrap().value().len(), pad: b'.' })
}

#[test]
fn libdb_accepts_version_9_and_adds_to_it() {
    let _among_others = among_others();
    let folder = tempfile::tempdir().unwrap();
    let Some(insert) = program(folder.path(), "insert", &[VERIFY, DUMP]) else { return };
    let (mut files, mut fixed, mut failures) = (0, 0, Vec::new());
    for golden in readable() {
        let bytes = read(&golden.db);
        let name = golden.name();
        if Image::new(&name, bytes.clone()).version() == 9 {
            continue;
        }
        files += 1;
        let path = folder.path().join("upgraded.db");
        let records = record_form(&bytes);
        fixed += usize::from(records.is_some());
        let choices = Choices { records, ..Choices::default() };
        std::fs::write(&path, in_memory(&bytes, &choices).unwrap().0).unwrap();
        let check = || -> Result<(), String> {
            verify(&path)?;
            if pairs(&bytes) != dumped(&path) {
                return Err("other pairs".to_owned());
            }
            let db = Database::open(&path).unwrap();
            let names: Vec<Option<Vec<u8>>> = match db.is_directory() {
                true => db.subdatabases().map(|found| Some(found.unwrap().name().to_vec())).collect(),
                false => vec![None],
            };
            drop(db);
            for database in &names {
                let database = database.as_ref().map(|name| String::from_utf8(name.clone()).unwrap());
                let mut arguments: Vec<&OsStr> = vec![path.as_ref()];
                arguments.extend(database.as_ref().map(AsRef::<OsStr>::as_ref));
                let output = run(&insert, &arguments);
                if !output.status.success() {
                    return Err(String::from_utf8_lossy(&output.stderr).into_owned());
                }
            }
            verify(&path).map_err(|text| format!("after adding: {text}"))
        };
        match (check(), ODD.iter().find(|(odd, _)| *odd == name)) {
            (Ok(()), None) => {}
            (Err(text), Some((_, why))) if text.contains(why) => {}
            (result, odd) => failures.push(format!("{name}: {result:?}, expected {odd:?}")),
        }
    }
    assert!(failures.is_empty(), "{} of {files}: {failures:#?}", failures.len());
    assert!(files >= 100 && fixed >= 2, "{files} files, {fixed} of records of one length");
}

/// Files of version 9 in the form of version 8, which release 5.3 opens, too; and in those of versions 7 and 6,
/// and up again: what it thinks of the file stays, and so do the pairs.
#[test]
fn libdb_accepts_what_went_down_and_up_again() {
    let _among_others = among_others();
    if !genuine() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (mut tried, mut failures) = (0, Vec::new());
    for golden in all_readable() {
        let bytes = read(&golden.db);
        let db = Database::from_bytes(&bytes[..]).unwrap();
        if db.meta().version() != 9 || db.meta().partitions().is_some() {
            continue;
        }
        let path = folder.path().join("file.db");
        std::fs::write(&path, &bytes).unwrap();
        let sound = verify(&path).is_ok();
        for target in [DowngradeTo::V8, DowngradeTo::V7, DowngradeTo::V6] {
            let machine = Some(db.meta().endianness());
            let Ok((old, _)) =
                downgraded(&bytes, &DowngradeChoices { machine, ..DowngradeChoices::new(target) })
            else {
                continue;
            };
            let form = match target {
                DowngradeTo::V8 => old,
                _ => in_memory(&old, &Choices::default()).unwrap().0,
            };
            std::fs::write(&path, form).unwrap();
            tried += 1;
            if sound {
                let verdict = verify(&path);
                failures.extend(verdict.err().map(|text| format!("{}: {target:?}: {text}", golden.name())));
            }
            if dumped(&path) != pairs(&bytes) {
                failures.push(format!("{}: {target:?}: other pairs", golden.name()));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {tried}: {failures:#?}", failures.len());
    assert!(tried > 150, "{tried}");
}
