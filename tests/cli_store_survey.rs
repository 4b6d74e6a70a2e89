//! `bdbkit store survey` and `store plan`.

#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

mod common;

use std::process::Output;

use assert_cmd::Command;
use common::{cases, testdata};
use serde_json::Value;

fn store(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bdbkit"));
    command.current_dir(testdata()).arg("store").args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

#[test]
fn text_fits_a_terminal() {
    for case in cases(&["mboxlist-"]) {
        for command in ["survey", "plan"] {
            let output = store(&[command, &case.name]);
            let text = text(&output);
            for line in text.lines() {
                assert!(line.chars().count() <= 80, "{} {command}: {line}", case.name);
            }
            assert!(text.starts_with(&format!("{}\n", case.name)), "{text}");
            assert!(output.stderr.is_empty());
        }
    }
}

#[test]
fn a_survey_tells_what_a_store_is() {
    let output = store(&["survey", "mboxlist-ims61-log8-be"]);
    let lines = text(&output);
    assert_eq!(code(&output), 0, "{lines}");
    for wanted in [
        "  state         clean: no page lacks a change of the log\n",
        "  written by    6.1 or 6.2 (certain), engine 4.2.52\n",
        "folder.db  btree 9 big ",
        "log.0000000001 8       big ",
        "warning  M-302  no valid snapshot was found\n",
    ] {
        assert!(lines.contains(wanted), "{wanted}: {lines}");
    }
}

#[test]
fn a_store_that_needs_recovery_needs_attention() {
    let output = store(&["survey", "mboxlist-ims60-log3-le-unclean"]);
    let lines = text(&output);
    assert_eq!(code(&output), 1);
    assert!(lines.contains("recovery-needed: folder.db, peruser.db, quota.db: 27 committed"), "{lines}");
    assert!(lines.contains("error    M-111"), "{lines}");
    let plan = store(&["plan", "mboxlist-ims60-log3-le-unclean", "--target", "6.3"]);
    assert_eq!(code(&plan), 0, "a plan that can be carried out");
    assert!(text(&plan).contains("critical M-110"), "{}", text(&plan));
}

#[test]
fn a_plan_is_for_the_newest_known_release_unless_told() {
    let plan = json(&store(&["plan", "--json", "mboxlist-ims5-log2-be"]));
    assert_eq!(plan["target"], "7u3");
    let plan = store(&["plan", "--json", "mboxlist-ims63-log11-be", "--target", "7.0"]);
    assert_eq!(code(&plan), 0);
    assert_eq!(json(&plan)["target"], "7.0");
    let unknown = store(&["plan", "mboxlist-ims5-log2-be", "--target", "9.9"]);
    assert_eq!(code(&unknown), 2);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("one of 4.15, 5.x, 6.0"));
    assert_eq!(code(&store(&["survey"])), 2);
    assert_eq!(code(&store(&["survey", "no such folder"])), 1);
}

#[test]
fn json_has_the_keys_of_the_specification() {
    let survey = json(&store(&["survey", "--json", "mboxlist-ims60-log3-le-unclean"]));
    let keys = |value: &Value, wanted: &[&str]| {
        for key in wanted {
            assert!(value.get(key).is_some(), "{key}: {value}");
        }
    };
    keys(&survey, &["schema", "dir", "dbtmpdir", "state", "dry_recovery", "databases", "logs", "regions"]);
    keys(&survey, &["candidates", "snapshots", "findings"]);
    assert_eq!((&survey["schema"], &survey["state"]), (&1.into(), &"recovery-needed".into()));
    keys(&survey["dry_recovery"], &["from", "end", "redo", "undo", "mismatch"]);
    assert_eq!(survey["dry_recovery"]["from"], serde_json::json!({ "file": 1, "offset": 20140 }));
    assert!(survey["dry_recovery"]["mismatch"].is_null());
    let database = ["name", "type", "version", "byte_order", "page_size", "pages", "meta_lsn", "max_lsn"];
    keys(&survey["databases"][0], &database);
    keys(&survey["databases"][0], &["file_id", "encrypted", "checksums"]);
    assert_eq!(survey["databases"][0]["type"], "btree");
    keys(&survey["logs"][0], &["name", "version", "byte_order", "max", "first", "last", "damage"]);
    keys(&survey["logs"][0], &["checkpoint"]);
    assert_eq!(survey["logs"][0]["byte_order"], "little-endian");
    keys(&survey["candidates"], &["last_writer", "engine", "confidence", "earliest_origin", "reasons"]);
    keys(&survey["findings"][0], &["code", "severity", "file", "evidence", "text", "action", "sources"]);
    keys(&survey, &["product", "complete"]);
    let plan = json(&store(&["plan", "--json", "mboxlist-ims5-log2-be"]));
    keys(&plan["plan"][0], &["step", "code", "title", "by", "state", "command", "sources"]);
    keys(&plan["plan"][0], &["alternative", "note"]);
    assert_eq!(plan["plan"][1]["step"], 2);
    let old = plan["findings"].as_array().unwrap().iter().find(|one| one["code"] == "M-101").unwrap();
    assert_eq!(old["evidence"], serde_json::json!({ "offset": 16, "bytes": "00000006" }));
    assert_eq!(old["severity"], "error");
}

/// A folder with files of a store under a name that a terminal and a shell mistake.
#[cfg(unix)]
#[test]
fn names_are_escaped_and_quoted() {
    let top = tempfile::tempdir().unwrap();
    let folder = top.path().join("it's  my\tstore");
    std::fs::create_dir(&folder).unwrap();
    let from = testdata().join("mboxlist-ims63-log11-le");
    std::fs::copy(from.join("folder.db"), folder.join("a\nb\u{1b}[31m.db")).unwrap();
    std::fs::write(folder.join("c\u{1b}[2J.db"), b"").unwrap();
    let dir = folder.to_str().unwrap();
    for command in ["survey", "plan"] {
        let lines = text(&store(&[command, dir]));
        assert!(!lines.contains(['\u{1b}', '\t']), "{command}: {lines}");
        assert!(!lines.contains("\nb"), "{command}: {lines}");
    }
    let survey = text(&store(&["survey", dir]));
    assert!(survey.contains("a\\0ab\\1b[31m.db"), "{survey}");
    let plan = text(&store(&["plan", dir]));
    assert!(plan.contains("it\\'s  my\\011store/a\\012b\\033[31m.db'"), "{plan}");
}

#[test]
fn an_empty_folder_has_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let survey = store(&["survey", dir]);
    let lines = text(&survey);
    assert!(lines.contains("no database here") && !lines.contains("because"), "{lines}");
    let plan = store(&["plan", dir]);
    assert!(text(&plan).contains("Nothing to do"), "{}", text(&plan));
    assert!(!text(&plan).contains("Recover"));
    assert_eq!((code(&survey), code(&plan)), (1, 1));
}

#[test]
fn a_folder_that_is_named_must_be_there() {
    for option in ["--snapshots", "--dbtmpdir", "--lock-dir", "--session-dir"] {
        for command in ["survey", "plan"] {
            let output = store(&[command, "mboxlist-ims61-log8-be", option, "nope"]);
            assert_eq!(code(&output), 1, "{command} {option}");
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(error.contains("nope: ") && output.stdout.is_empty(), "{command} {option}: {error}");
        }
    }
}
