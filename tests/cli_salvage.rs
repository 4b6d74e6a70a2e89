//! `bdbkit salvage` and `bdbkit dump -r` as their users meet them.

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

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::{data, missing, multiset, pairs_of_text, read, sections, testdata};
use serde_json::Value;

fn run<S: AsRef<OsStr>>(arguments: &[S]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bdbkit")).args(arguments).output().unwrap()
}

fn file(case: &str) -> String {
    testdata().join(case).join("data.db").to_str().unwrap().to_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn written(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_healthy_file_is_salvaged_as_it_is_dumped() {
    for case in ["btree-v6-be-levels", "btree-v9-le-dups-offpage", "recno-v9-le-var", "btree-v9-le-subdbs"] {
        let dumped = run(&["dump", &file(case)]);
        let found = run(&["dump", "-r", &file(case)]);
        assert_eq!(found.status.code(), Some(0), "{case}: {}", err(&found));
        assert_eq!(err(&found), "", "{case}");
        let lines = |output: &Output| {
            sections(&output.stdout).into_iter().map(|s| (s.database, s.kind, s.lines)).collect::<Vec<_>>()
        };
        assert_eq!(lines(&dumped), lines(&found), "{case}");
        let salvaged = run(&["salvage", &file(case)]);
        assert_eq!(salvaged.status.code(), Some(0));
        assert_eq!(salvaged.stdout, found.stdout);
        assert_eq!(err(&salvaged).lines().count(), 1, "the summary");
    }
    let printed = run(&["salvage", "-p", &file("btree-v6-be-one")]);
    assert!(String::from_utf8_lossy(&printed.stdout).ends_with(" key\n data\nDATA=END\n"));
}

#[test]
fn damage_is_named_line_by_line_up_to_a_number_and_ends_with_1() {
    let path = file("damage-v9-le-garbage");
    let output = run(&["salvage", &path]);
    assert_eq!(output.status.code(), Some(1));
    let message = err(&output);
    assert!(message.lines().all(|line| line.starts_with(&format!("bdbkit: {path}: "))), "{message}");
    assert!(message.contains("page 5: byte 26: slot 0 points to"), "{message}");
    assert!(message.lines().last().unwrap().contains("records: "), "{message}");
    // A page of nothing but wrong slots.
    let mut image = common::image::Image::of_case("btree-v9-be-few");
    let leaf = image.pages_of(common::image::LEAF)[0];
    for slot in 0..image.entries(leaf) {
        image.put_u16(leaf, image.slot(slot), 7);
    }
    let folder = tempfile::tempdir().unwrap();
    let output = run(&["salvage", &written(folder.path(), "slots.db", &image.bytes)]);
    let message = err(&output);
    assert!(message.contains("more\n") && message.lines().count() < 30, "{message}");
}

#[test]
fn dump_of_a_damaged_file_tells_of_salvage() {
    let output = run(&["dump", &file("damage-v9-le-garbage")]);
    assert!(err(&output).lines().last().unwrap().contains("bdbkit salvage"));
}

#[test]
fn a_file_without_page_0_is_salvaged_and_page_size_and_order_can_be_given() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = data("btree-v6-be-levels");
    let expected = multiset(pairs_of_text(&run(&["dump", &file("btree-v6-be-levels")]).stdout));
    bytes[..512].fill(0);
    let path = written(folder.path(), "headless.db", &bytes);
    let output = run(&["salvage", &path]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        err(&output)
            .contains("page 0 does not tell what the file is: read as big-endian, in pages of 512 bytes")
    );
    assert_eq!(multiset(pairs_of_text(&output.stdout)), expected);
    let output = run(&["salvage", "--page-size", "512", "--big-endian", &path]);
    assert_eq!(multiset(pairs_of_text(&output.stdout)), expected);
    let output = run(&["salvage", "--page-size", "4096", &path]);
    assert_eq!(output.status.code(), Some(1));
    let output = run(&["salvage", "--page-size", "1000", &path]);
    assert_eq!(output.status.code(), Some(2), "wrong usage");
    assert!(err(&output).contains("power of two"));
    let output = run(&["salvage", "--big-endian", "--little-endian", &path]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn each_record_is_a_line_of_json_with_its_provenance() {
    let output = run(&["salvage", "--json", "--deleted", &file("btree-v9-le-delete-marked")]);
    let lines: Vec<Value> = output
        .stdout
        .split(|&b| b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).unwrap())
        .collect();
    let origin = |name: &str| lines.iter().filter(|line| line["origin"] == name).count();
    assert!(origin("tree") > 30 && origin("deleted") >= 3, "{}", lines.len());
    let live = lines.iter().find(|line| line["origin"] == "tree").unwrap();
    assert_eq!(live["confidence"], "high");
    assert!(live["key"]["hex"].is_string() && live["page"].is_u64() && live["slot"].is_u64(), "{live}");
    assert!(lines.iter().filter(|line| line["origin"] == "deleted").all(|line| line["confidence"] == "low"));
    let output = run(&["salvage", "--json", &file("btree-v9-le-subdbs")]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.lines().any(|line| line.contains(r#""database":"numbers""#) && line.contains(r#""record":1,"#))
    );
}

#[test]
fn what_cannot_be_salvaged_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let letter = written(folder.path(), "letter.txt", "Dear reader,\n".repeat(400).as_bytes());
    let nothing = folder.path().join("nothing.db").to_str().unwrap().to_owned();
    for (path, words) in [
        (letter, "not a Berkeley DB file"),
        (nothing, "No such file"),
        (written(folder.path(), "empty.db", b""), "empty"),
        (file("btree-v9-le-encrypted"), "encrypted"),
        (file("queue-v4-le-few"), "QUEUE"),
    ] {
        for command in [&["salvage", path.as_str()][..], &["dump", "-r", path.as_str()]] {
            let output = run(command);
            assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{command:?}");
            assert!(err(&output).lines().count() == 1 && err(&output).contains(words), "{}", err(&output));
        }
    }
    // Nothing found is told too.
    let output = run(&["salvage", &file("btree-v9-le-empty")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("no records found"));
}

#[test]
fn the_input_is_never_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "data.db", &data("damage-v9-le-garbage"));
    let output = run(&["salvage", "-f", &path, &path]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("not overwritten"));
    run(&["salvage", "--deleted", "-f", folder.path().join("out.txt").to_str().unwrap(), &path]);
    assert_eq!(read(&path), data("damage-v9-le-garbage"));
    assert!(read(folder.path().join("out.txt")).ends_with(b"DATA=END\n"));
}

/// Whether a genuine tool is installed.
fn installed(tool: &str) -> bool {
    let there = Command::new(tool).arg("-V").output().is_ok();
    if !there {
        println!("not run: {tool} is not installed");
    }
    there
}

#[test]
fn db_load_reads_what_dash_r_and_dash_big_r_write() {
    if !installed("db5.3_load") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut loaded = 0;
    for (case, headless) in [
        ("btree-v6-be-levels", false),
        ("btree-v6-be-levels", true),
        ("btree-v9-le-dups-offpage", true),
        ("btree-v8-be-dups-offpage-sorted", false),
        ("btree-v9-be-subdbs", false),
        ("btree-v9-le-subdbs", true),
        ("btree-v9-le-recnum", false),
        ("btree-v9-le-overflow", true),
        ("recno-v9-le-var", false),
        ("recno-v9-be-fixed", false),
        ("recno-v6-le-fixed", true),
        ("damage-v9-le-garbage", false),
        ("damage-v9-le-zero-page", false),
        ("damage-v9-le-dup-range", false),
        ("btree-v9-le-subdbs-removed", false),
        ("damage-v9-le-free-in-use", false),
    ] {
        for option in ["-r", "-R"] {
            let mut bytes = data(case);
            if headless {
                bytes[..512].fill(0);
            }
            let path = written(folder.path(), "in.db", &bytes);
            let text = run(&["dump", option, &path]).stdout;
            let new = folder.path().join(format!("{case}-{headless}{option}.db"));
            let input = fs::File::open(written(folder.path(), "text", &text)).unwrap();
            let load = Command::new("db5.3_load").arg(&new).stdin(Stdio::from(input)).output().unwrap();
            assert_eq!(load.status.code(), Some(0), "{case} {option}: {}", err(&load));
            let dump = Command::new("db5.3_dump").arg(&new).output().unwrap();
            let all = |text: &[u8]| multiset(pairs_of_text(text));
            let (ours, theirs) = (all(&text), all(&dump.stdout));
            let lost = missing(&theirs, &ours);
            assert!(
                lost.is_empty() && missing(&ours, &theirs).is_empty(),
                "{case} {option}: {} lost",
                lost.len()
            );
            loaded += ours.len();
        }
    }
    assert!(loaded > 2000, "{loaded} pairs");
}
