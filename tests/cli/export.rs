//! `bdbkit export` and `bdbkit log timeline`: tables, read again by other programs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::{Golden, Pair, all_readable, multiset, pairs_of_text, read, testdata, unhex};
use crate::tool::{code, err, file, out, program, run, tool};

/// The keys and values of rows by the file that they stand in.
type ByFile = BTreeMap<String, Vec<Pair>>;

/// All files with a golden text, and the pairs in it. Those of partitions are named by the main file.
fn goldens() -> (Vec<PathBuf>, ByFile) {
    let goldens = all_readable();
    let pairs =
        |golden: &Golden| (golden.db.to_str().unwrap().to_owned(), pairs_of_text(&read(&golden.dump)));
    (goldens.iter().map(|golden| golden.db.clone()).collect(), goldens.iter().map(pairs).collect())
}

/// Exports files in one run.
fn export(options: &[&str], files: &[PathBuf]) -> String {
    let output = tool().arg("export").args(options).args(files).output().unwrap();
    assert_eq!(code(&output), 0, "{}", err(&output));
    out(&output)
}

fn bytes(digits: &str) -> Vec<u8> {
    unhex(digits.as_bytes())
}

/// What CSV says of each file.
fn of_csv(text: &[u8]) -> ByFile {
    let mut found = ByFile::new();
    for row in csv::Reader::from_reader(text).deserialize() {
        let row: BTreeMap<String, String> = row.unwrap();
        let (key, value) = (bytes(&row["key"]), bytes(&row["value"]));
        for (bytes, text) in [(&key, &row["key_text"]), (&value, &row["value_text"])] {
            assert!(text.is_empty() || text.as_bytes() == bytes, "{row:?}");
        }
        assert_eq!((&row["origin"][..], &row["confidence"][..]), ("tree", "high"), "{row:?}");
        found.entry(row["file"].clone()).or_default().push((key, value));
    }
    found
}

/// A file without rows has no line.
fn filled(goldens: &ByFile) -> ByFile {
    goldens
        .iter()
        .filter(|(_, pairs)| !pairs.is_empty())
        .map(|(file, pairs)| (file.clone(), pairs.clone()))
        .collect()
}

#[test]
fn every_golden_file_is_exported_as_csv() {
    let (files, goldens) = goldens();
    let text = export(&["--format", "csv"], &files);
    assert_eq!(of_csv(text.as_bytes()), filled(&goldens));
    assert!(goldens.len() > 300);
}

#[test]
fn every_golden_file_is_exported_as_lines_of_json() {
    let (files, goldens) = goldens();
    let text = export(&["--format", "jsonl"], &files);
    let mut found = ByFile::new();
    let mut numbered = 0;
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let hex = |key: &str| row[key]["hex"].as_str().map(bytes);
        let (key, value) = (hex("key"), hex("value").unwrap());
        let text = std::str::from_utf8(&value).ok().filter(|text| !text.chars().any(char::is_control));
        assert_eq!(row["value_text"].as_str(), text);
        assert_eq!(row["record"].is_number(), key.is_none(), "{line}");
        numbered += u32::from(key.is_none());
        let file = row["file"].as_str().unwrap().to_owned();
        found.entry(file).or_default().push((key.unwrap_or_default(), value));
    }
    assert_eq!(found, filled(&goldens));
    assert!(numbered > 100);
}

/// Another program's reading: its own CSV, and SQLite where the tool writes it.
const READER: &str = r#"
import csv, sys
csv.field_size_limit(1 << 30)
if sys.argv[1] == "csv":
    rows = csv.DictReader(open(sys.argv[2], newline=""))
    rows = ((r["file"], r["key"], r["value"], r["page"], r["slot"]) for r in rows)
else:
    import sqlite3
    rows = sqlite3.connect(sys.argv[2]).execute("SELECT file, hex(key), hex(value), page, slot FROM rows")
for file, key, value, page, slot in rows:
    print(file, key.lower(), value.lower(), page, slot, sep="|")
"#;

fn python(form: &str, path: &Path) -> Option<String> {
    let ran = Command::new("python3").args(["-c", READER, form]).arg(path).output();
    let Ok(output) = ran else {
        eprintln!("skipped: no python3 is there to read what was exported");
        return None;
    };
    assert!(output.status.success(), "{}", err(&output));
    Some(out(&output))
}

#[test]
fn another_program_reads_what_was_exported() {
    let (files, goldens) = goldens();
    let folder = tempfile::tempdir().unwrap();
    let forms: &[&str] = if cfg!(feature = "sqlite") { &["csv", "sqlite"] } else { &["csv"] };
    let mut texts = Vec::new();
    for form in forms {
        let path = folder.path().join(form);
        export(&["--format", form, "-o", path.to_str().unwrap()], &files);
        let Some(text) = python(form, &path) else { return };
        let mut found = ByFile::new();
        for line in text.lines() {
            let fields: Vec<&str> = line.split('|').collect();
            let pair = (bytes(fields[1]), bytes(fields[2]));
            found.entry(fields[0].to_owned()).or_default().push(pair);
        }
        assert_eq!(found, filled(&goldens), "{form}");
        texts.push(text);
    }
    assert!(texts.iter().all(|text| *text == texts[0]), "the forms differ");
}

#[test]
fn parts_are_together_the_whole() {
    for case in [
        "btree-v6-be-levels",
        "hash-v9-le-buckets",
        "recno-v9-le-var",
        "queue-v4-le-extents",
        "heap-v1-le-full",
    ] {
        let lines = |split: Option<String>| {
            let split = split.iter().flat_map(|split| ["--split", split]);
            let text = export(&split.collect::<Vec<_>>(), &[PathBuf::from(file(case))]);
            text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
        };
        let whole = lines(None);
        let parts: Vec<_> = (1..=4).map(|number| lines(Some(format!("{number}/4")))).collect();
        assert!(parts.iter().filter(|part| !part.is_empty()).count() > 1, "{case}");
        assert_eq!(multiset(parts.concat()), multiset(whole), "{case}");
    }
    for wrong in ["0/4", "5/4", "1", "1/0"] {
        assert_eq!(code(&run(&["export", "--split", wrong, &file("btree-v6-be-one")])), 2, "{wrong}");
    }
}

/// The fields of a column.
fn column(text: &str, name: &str) -> Vec<String> {
    let rows = csv::Reader::from_reader(text.as_bytes());
    rows.into_deserialize::<BTreeMap<String, String>>().map(|row| row.unwrap()[name].clone()).collect()
}

#[test]
fn what_was_deleted_is_told_with_its_origin() {
    let path = [PathBuf::from(file("btree-v6-be-delete-marked"))];
    let (live, all) = (export(&[], &path), export(&["--deleted"], &path));
    let origins = multiset(column(&all, "origin"));
    assert_eq!(origins["tree"], column(&live, "key").len());
    assert!(origins["deleted"] > 0 && origins["unused"] > 0, "{origins:?}");
    let (slots, offsets) = (column(&all, "slot"), column(&all, "page_offset"));
    assert!(slots.iter().zip(&offsets).all(|(slot, offset)| slot.is_empty() != offset.is_empty()));
}

#[test]
fn a_folder_is_exported_without_its_parts_and_a_file_by_its_names() {
    let folder = testdata().join("queue-v4-le-extents");
    let text = export(&[], std::slice::from_ref(&folder));
    assert_eq!(text, export(&[], &[folder.join("data.db")]));
    let store = testdata().join("mboxlist-ims60-log3-le");
    assert_eq!(multiset(column(&export(&[], &[store]), "file")).len(), 5);
    let several = [PathBuf::from(file("btree-v9-le-subdbs"))];
    let names = multiset(column(&export(&[], &several), "database"));
    for (name, count) in &names {
        assert_eq!(column(&export(&["-s", name], &several), "database"), vec![name.clone(); *count]);
    }
    assert!(names.len() > 1);
    let none = run(&["export", "-s", "no such", &file("btree-v9-le-subdbs")]);
    assert_eq!((code(&none), out(&none)), (1, String::new()), "{}", err(&none));
}

#[test]
fn the_recovered_view_is_exported() {
    let folder = testdata().join("env-log14-le-crashed");
    let path = folder.join("p.db");
    let path = path.to_str().unwrap();
    let ours = run(&["export", "--recovered", path]);
    let dump = run(&["dump", "--recovered", path]);
    assert_eq!((code(&ours), code(&dump)), (0, 0), "{}", err(&ours));
    let pairs: Vec<Pair> = of_csv(&ours.stdout).into_values().flatten().collect();
    assert_eq!(pairs, pairs_of_text(&dump.stdout));
    assert_ne!(out(&ours), out(&run(&["export", path])));
}

#[test]
fn encrypted_files_take_a_password() {
    let path = file("btree-v9-le-encrypted");
    let folder = tempfile::tempdir().unwrap();
    let word = folder.path().join("password");
    let password = crate::encrypted::PASSWORD;
    fs::write(&word, format!("{password}\n")).unwrap();
    let given = run(&["export", "-P", password, &path]);
    assert_eq!(code(&given), 0, "{}", err(&given));
    assert!(out(&given).lines().count() > 1);
    assert_eq!(out(&run(&["export", "--password-file", word.to_str().unwrap(), &path])), out(&given));
    let refused = run(&["export", &path]);
    assert_eq!((code(&refused), out(&refused)), (1, String::new()));
}

#[test]
fn damage_is_named_and_stepped_over() {
    let path = file("damage-v9-le-flip");
    let output = run(&["export", &path]);
    assert_eq!(code(&output), 1);
    assert!(err(&output).contains("page "), "{}", err(&output));
    let dump = run(&["dump", &path]);
    assert_eq!(of_csv(&output.stdout).into_values().flatten().count(), pairs_of_text(&dump.stdout).len());
}

#[test]
fn an_output_has_its_name_when_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("out.csv");
    fs::write(&to, "what was there").unwrap();
    let failed = run(&["export", "-o", to.to_str().unwrap(), testdata().join("README.md").to_str().unwrap()]);
    assert_eq!(code(&failed), 3, "{}", err(&failed));
    assert_eq!(fs::read(&to).unwrap(), b"what was there");
    let input = folder.path().join("data.db");
    fs::copy(file("btree-v6-be-one"), &input).unwrap();
    let forms: &[&str] =
        if cfg!(feature = "sqlite") { &["csv", "jsonl", "sqlite"] } else { &["csv", "jsonl"] };
    for form in forms {
        let both = input.to_str().unwrap();
        let itself = run(&["export", "--format", form, "-o", both, &file("btree-v6-be-few"), both]);
        assert_eq!(code(&itself), 2, "{form}: {}", err(&itself));
        assert_eq!(fs::read(&input).unwrap(), read(file("btree-v6-be-one")));
        // Behind a file, it waits for one that does not end.
        let to = folder.path().join(format!("killed.{form}"));
        let mut command = program();
        command.args([
            "export",
            "--format",
            form,
            "-o",
            to.to_str().unwrap(),
            &file("btree-v6-be-levels"),
            "-",
        ]);
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let drafts = || fs::read_dir(folder.path()).unwrap().count();
        let (before, begun) = (2, Instant::now());
        while drafts() <= before && begun.elapsed() < Duration::from_secs(60) {
            sleep(Duration::from_millis(5));
        }
        sleep(Duration::from_millis(50));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!to.exists(), "{form}");
        for entry in fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
            if entry.file_name().to_str().unwrap().starts_with(".bdbkit-") {
                fs::remove_file(entry.path()).unwrap();
            }
        }
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn sqlite_asks_for_a_name() {
    let output = run(&["export", "--format", "sqlite", &file("btree-v6-be-one")]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("-o"), "{}", err(&output));
}

/// The folders of logs that need no password.
fn logs() -> Vec<PathBuf> {
    let folders = fs::read_dir(testdata()).unwrap().map(|entry| entry.unwrap().path());
    let wanted = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("env-log") && !name.contains("encrypted") && path.is_dir()
    };
    let mut folders: Vec<PathBuf> = folders.filter(wanted).collect();
    folders.sort();
    assert!(folders.len() > 60, "{}", folders.len());
    folders
}

fn lines(output: &std::process::Output) -> Vec<Value> {
    out(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn changes_of_a_log_are_those_of_its_history() {
    let mut changes = 0;
    for log in logs() {
        let log = log.to_str().unwrap();
        let ours = run(&["export", "--from-logs", "--format", "jsonl", log]);
        let history = run(&["log", "history", "--json", log]);
        assert_eq!(code(&ours), code(&history), "{log}: {}", err(&ours));
        let told = |value: &Value| {
            let record = value["record"].as_u64().or(value["key"]["record"].as_u64());
            let key = if value["key"]["record"].is_u64() { Value::Null } else { value["key"].clone() };
            let slot = value.get("slot").or(value.get("index")).unwrap().clone();
            let new = value.get("value").or(value.get("new")).unwrap().clone();
            let old = value.get("replaced").or(value.get("old")).unwrap().clone();
            let same = ["lsn", "time", "txn", "fate", "action", "page"].map(|key| value[key].clone());
            (same, key, record, slot, new, old)
        };
        let expected: Vec<_> =
            lines(&history).iter().filter(|line| line["type"] == "change").map(told).collect();
        assert_eq!(lines(&ours).iter().map(told).collect::<Vec<_>>(), expected, "{log}");
        changes += expected.len();
    }
    assert!(changes > 2000, "{changes}");
}

#[test]
fn a_timeline_has_all_changes_checkpoints_and_files_in_the_order_of_the_log() {
    let (mut kinds, mut untimed) = (BTreeMap::new(), 0);
    for log in logs() {
        let log = log.to_str().unwrap();
        let timeline = lines(&run(&["log", "timeline", log]));
        let place = |value: &Value| {
            (value["lsn"]["file"].as_u64().unwrap(), value["lsn"]["offset"].as_u64().unwrap())
        };
        assert!(timeline.is_sorted_by_key(place), "{log}");
        let is_change =
            |line: &&Value| ["put", "replace", "delete"].contains(&line["action"].as_str().unwrap());
        let changes: Vec<&Value> = timeline.iter().filter(is_change).collect();
        let exported = lines(&run(&["export", "--from-logs", "--format", "jsonl", log]));
        assert_eq!(changes, exported.iter().collect::<Vec<_>>(), "{log}");
        let printed = run(&["log", "print", "--json", log]);
        let names = multiset(
            lines(&printed).iter().map(|line| line["record_name"].as_str().unwrap_or("").to_owned()),
        );
        let records = |names_of: &[&str]| names_of.iter().filter_map(|name| names.get(*name)).sum::<usize>();
        let actions = multiset(timeline.iter().map(|line| line["action"].as_str().unwrap().to_owned()));
        let count = |action: &str| actions.get(action).copied().unwrap_or(0);
        assert_eq!(count("checkpoint"), records(&["txn_ckp", "__txn_ckp"]), "{log}: {names:?}");
        assert_eq!(
            count("create"),
            records(&["fop_create", "__fop_create", "crdel_fileopen"]),
            "{log}: {names:?}"
        );
        assert_eq!(
            count("remove"),
            records(&["fop_remove", "__fop_remove", "crdel_delete"]),
            "{log}: {names:?}"
        );
        untimed += timeline.iter().filter(|line| line["time"].is_null()).count();
        actions.into_iter().for_each(|(action, count)| *kinds.entry(action).or_insert(0) += count);
    }
    let all = ["checkpoint", "create", "delete", "put", "remove", "rename", "replace"];
    assert_eq!(kinds.keys().map(String::as_str).collect::<Vec<_>>(), all, "{kinds:?}");
    assert!(untimed > 100);
}

#[test]
fn a_bodyfile_has_a_line_of_eleven_fields_for_each_moment() {
    for log in logs() {
        let log = log.to_str().unwrap();
        let timeline = lines(&run(&["log", "timeline", log]));
        let body = out(&run(&["log", "timeline", "--format", "bodyfile", log]));
        assert_eq!(body.lines().count(), timeline.len(), "{log}");
        for (line, moment) in body.lines().zip(&timeline) {
            let fields: Vec<&str> = line.split('|').collect();
            assert_eq!(fields.len(), 11, "{line}");
            let seconds = moment["time"]["seconds"].as_i64().unwrap_or(0);
            assert_eq!(fields[8], seconds.to_string(), "{line}");
            assert!(fields[1].starts_with(moment["action"].as_str().unwrap()), "{line}");
            let made = ["put", "create"].contains(&moment["action"].as_str().unwrap());
            assert_eq!(fields[10] == fields[8], made || seconds == 0, "{line}");
        }
    }
}

#[test]
fn a_timeline_of_a_time_and_of_a_database() {
    let log = testdata().join("env-log11-le-files");
    let log = log.to_str().unwrap();
    let all = lines(&run(&["log", "timeline", log]));
    let one = lines(&run(&["log", "timeline", "--db", "p.db", log]));
    let files =
        multiset(one.iter().filter(|line| !line["key"].is_null()).map(|line| line["file"].to_string()));
    assert_eq!(files.into_keys().collect::<Vec<_>>(), ["\"p.db\""]);
    assert!(one.len() < all.len());
    let seconds: Vec<i64> = all.iter().filter_map(|line| line["time"]["seconds"].as_i64()).collect();
    let last = *seconds.iter().max().unwrap();
    let late = run(&["log", "timeline", "--since", &(last + 1).to_string(), log]);
    assert!(lines(&late).iter().all(|line| line["time"].is_null()), "{}", out(&late));
    assert_eq!(code(&run(&["log", "timeline", "--db", "nothing", log])), 1);
}
