//! `bdbkit store list` as its users meet it.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::common::{cases, escaped, hex, pairs_of_text, read, testdata};
use crate::tool::{err, out, tool};

fn list(arguments: &[&str], path: &Path) -> Output {
    tool().args(["store", "list"]).args(arguments).arg(path).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(output: &Output) -> (Vec<Value>, Value) {
    let text = out(output);
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let report = lines.pop().unwrap();
    assert!(lines.iter().all(|line| line["type"] == "entry") && report["type"] == "report");
    (lines, report)
}

#[test]
fn json_gives_the_pairs_of_the_genuine_tools_and_the_sums_of_the_files() {
    for case in cases(&["mboxlist-"]).iter().filter(|case| !case.name.ends_with("unclean")) {
        let output = list(&["--json"], &case.folder());
        assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""), "{}", case.name);
        let (lines, report) = json(&output);
        for (file, kind) in
            [("folder.db", "mailbox"), ("peruser.db", "per-user"), ("lright.db", "look-up right")]
        {
            let lines: Vec<&Value> = lines.iter().filter(|line| line["name"] == file).collect();
            let pairs = pairs_of_text(&read(case.folder().join(format!("{file}.dump.txt"))));
            assert_eq!(lines.len(), pairs.len(), "{}/{file}", case.name);
            for (line, (key, value)) in lines.iter().zip(pairs) {
                assert_eq!(line["key"]["hex"], text(&hex(&key)));
                assert_eq!(line["value"]["hex"], text(&hex(&value)));
                assert_eq!((&line["purpose"], &line["purpose_from"]), (&kind.into(), &"file name".into()));
                assert_eq!(line["status"], "live");
            }
        }
        assert_eq!(report["complete"], true);
        for file in report["files"].as_array().unwrap() {
            let bytes = read(case.folder().join(file["name"].as_str().unwrap()));
            let sum = text(&hex(&Sha256::digest(&bytes)));
            assert_eq!((&file["sha256_before"], &file["sha256_after"]), (&sum.clone().into(), &sum.into()));
            assert_eq!((&file["size"], &file["equal"]), (&bytes.len().into(), &true.into()));
        }
    }
}

#[test]
fn text_fits_a_terminal_unless_all_is_asked_for() {
    let (mut long, mut lines) = (0, 0);
    for case in cases(&["mboxlist-"]) {
        let output = list(&["--deleted", "--from-logs"], &case.folder());
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        for line in out(&output).lines() {
            assert!(line.chars().count() <= 80, "{}: {line}", case.name);
            lines += 1;
        }
        let full = out(&list(&["--full"], &case.folder()));
        let dump = ["", "before"].map(|inner| case.folder().join(inner).join("folder.db.dump.txt"));
        for (key, value) in pairs_of_text(&read(dump.iter().find(|path| path.is_file()).unwrap())) {
            let (key, length, value) = (text(&escaped(&key)), value.len(), text(&escaped(&value)));
            let line = format!("    {key:<36} {length:>7}  {value}\n");
            assert!(full.contains(&line), "{}: {line}", case.name);
            long += usize::from(value.len() > 30);
        }
    }
    assert!(long >= 100 && lines >= 1000, "{long} {lines}");
}

#[test]
fn the_logs_say_what_was_committed_and_what_was_not() {
    let folder = testdata().join("mboxlist-ims60-log3-le-unclean");
    let (lines, report) = json(&list(&["--json", "--from-logs"], &folder));
    let logged: Vec<&Value> = lines.iter().filter(|line| line["status"] == "log").collect();
    assert_eq!((logged.len(), &report["logs"]["changes"]), (50, &50.into()));
    let deleted: Vec<&&Value> = logged.iter().filter(|line| line["action"] == "delete").collect();
    assert_eq!(deleted.len(), 5);
    let first = deleted[0];
    assert_eq!((&first["key"]["text"], &first["fate"]), (&"user/alice/Trash".into(), &"committed".into()));
    assert_eq!((&first["lsn"]["offset"], &first["txn"]), (&21233.into(), &"80000010".into()));
    assert_eq!(first["time"]["utc"], "2026-11-24T06:32:37Z");
    let open: Vec<&&Value> = logged.iter().filter(|line| line["fate"] == "uncommitted").collect();
    assert_eq!(open.len(), 2);
    assert!(open.iter().all(|line| line["txn"] == "80000016" && line["time"].is_null()));
    assert_eq!(open[1]["replaced"]["text"], "5242880 2044223 700");
    let shown = out(&list(&["--from-logs"], &folder));
    assert!(
        shown.contains("[1][23353]   not committed           txn 80000016 replace quota.db\n"),
        "{shown}"
    );
    assert!(shown.contains("Changes in the logs: 50\n") && shown.contains("  before: a folder, not read\n"));
}

#[test]
fn deleted_and_salvaged_entries_say_where_they_are_from() {
    let path = testdata().join("mboxlist-ims60-log3-be/folder.db");
    let (lines, report) = json(&list(&["--json", "--deleted"], &path));
    let deleted: Vec<&Value> = lines.iter().filter(|line| line["status"] == "deleted").collect();
    assert_eq!((deleted.len(), &report["files"][0]["deleted"]), (15, &15.into()));
    assert!(deleted.iter().all(|line| line["origin"] == "unused" && line["confidence"] == "low"));
    assert!(deleted.iter().all(|line| line["page"].is_u64() && line["page_offset"].is_u64()));
    let gone: Vec<&&Value> = deleted.iter().filter(|line| line["is_copy"] == false).collect();
    assert_eq!(gone.len(), 3);
    assert!(gone.iter().any(|line| line["key"]["text"] == "user/alice/Trash"));
    let offsets: Vec<u64> = deleted.iter().map(|line| line["page_offset"].as_u64().unwrap()).collect();
    assert!(offsets.is_sorted(), "as they stand on the page: {offsets:?}");
    let shown = out(&list(&["--deleted"], &path));
    assert!(shown.contains("  deleted: page 1, offset 776, unused, confidence low\n"), "{shown}");
    assert!(shown.contains("  old copy: page 1, offset 708, unused, confidence low\n"), "{shown}");
    let folder = testdata().join("mboxlist-ims7u1-log14-be");
    let damaged = tempfile::tempdir().unwrap();
    let path = damaged.path().join("folder.db");
    let mut bytes = read(folder.join("folder.db"));
    bytes[..1024].fill(0);
    fs::write(&path, bytes).unwrap();
    let output = list(&["--json"], damaged.path());
    let (lines, report) = json(&output);
    assert_eq!((output.status.code(), &report["complete"]), (Some(1), &false.into()));
    assert!(lines.len() == 22 && lines.iter().all(|line| line["status"] == "salvaged"), "{}", lines.len());
    assert!(lines.iter().all(|line| line["slot"].is_u64() && line["confidence"] != "low"));
    let errors = err(&output);
    let about = format!("bdbkit: {}: ", path.display());
    assert!(errors.lines().all(|line| line.starts_with(&about)), "{errors}");
    assert!(errors.contains("not a Berkeley DB file") && errors.contains("its entries are salvaged"));
    let shown = out(&list(&[], damaged.path()));
    assert!(shown.contains("  salvaged: page 2, slot 1, "), "{shown}");
}

#[test]
fn what_is_no_store_is_refused() {
    let absent = list(&[], &testdata().join("absent"));
    assert_eq!((absent.status.code(), absent.stdout.len()), (Some(1), 0));
    assert!(err(&absent).contains("No such file"), "{absent:?}");
    assert_eq!(list(&["--full", "--json"], &testdata()).status.code(), Some(2));
    let empty = tempfile::tempdir().unwrap();
    let logless = list(&["--from-logs"], empty.path());
    assert_eq!(logless.status.code(), Some(1));
    assert!(err(&logless).contains("no log files here"), "{logless:?}");
}
