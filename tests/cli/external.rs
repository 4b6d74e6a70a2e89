//! The tool and values in external files, of releases 6.0 to 18.1.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{LATER_CASES, copy_folder, read, testdata};
use crate::tool::{err, out, run};

/// A copy of a case in a folder of its own, and the path of its database.
fn copy_of(case: &str) -> (tempfile::TempDir, String) {
    let home = tempfile::tempdir().unwrap();
    copy_folder(&testdata().join(case), home.path());
    let path = text(&home.path().join("f.db"));
    (home, path)
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn data_lines(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.starts_with(' ')).collect()
}

#[test]
fn dump_verify_and_salvage_read_them_whole() {
    for case in LATER_CASES {
        let path = text(&testdata().join(case).join("f.db"));
        let golden = String::from_utf8(read(testdata().join(case).join("golden.dump"))).unwrap();
        for command in [&["dump", &path][..], &["salvage", &path], &["dump", "-r", &path]] {
            let output = run(command);
            assert_eq!(output.status.code(), Some(0), "{command:?}: {}", err(&output));
            assert_eq!(data_lines(&out(&output)), data_lines(&golden), "{command:?}");
        }
        let output = run(&["verify", &path]);
        assert_eq!(output.status.code(), Some(0));
        assert!(out(&output).ends_with(": sound\n"), "{}", out(&output));
        // There is nothing to upgrade, and no way back.
        let output = run(&["upgrade", "--check", &path]);
        let code = if case.starts_with("v9") { 0 } else { 4 };
        assert_eq!(output.status.code(), Some(code), "{case}: {}", err(&output));
    }
}

#[test]
fn info_tells_where_they_are() {
    let path = text(&testdata().join("v10-several-external/f.db"));
    let output = run(&["info", &path]);
    let told = out(&output);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    for part in ["version         10, little-endian", "external files", "v10-several-external/__db_bl"] {
        assert!(told.contains(part), "no {part:?} in {told}");
    }
    assert!(told.contains("values of 150 bytes and more, in __db1/__db2"), "{told}");
    let output = run(&["info", &text(&testdata().join("v10-heap2-be/f.db"))]);
    assert!(!out(&output).contains("external"), "{}", out(&output));
}

#[test]
fn a_missing_file_is_named_and_the_rest_is_written() {
    let (home, path) = copy_of("v10-btree-external");
    let gone: PathBuf = home.path().join("__db_bl/__db1/__db.bl002");
    fs::remove_file(&gone).unwrap();
    let output = run(&["dump", &path]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(data_lines(&out(&output)).len(), 58);
    assert!(!out(&output).contains("DATA=END"), "not whole");
    let told = err(&output);
    let line = told.lines().next().unwrap();
    for part in ["external file 2", "1134 bytes", "__db_bl/__db1/__db.bl002, which is missing"] {
        assert!(line.contains(part), "no {part:?} in {told}");
    }
    let output = run(&["verify", &path]);
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("B-FILE"), "{}", out(&output));
    let output = run(&["salvage", "-p", &path]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(out(&output).matches("UNKNOWN_DATA").count(), 1);
    let output = run(&["info", &path]);
    assert_eq!(output.status.code(), Some(0), "counting reads no external file: {}", err(&output));
    // The key of the value that is missing, and another.
    let golden = String::from_utf8(read(testdata().join("v10-btree-external/golden.dump"))).unwrap();
    let lines = data_lines(&golden);
    let values = ["__db.bl001", "__db.bl002"].map(|name| {
        let bytes = read(testdata().join("v10-btree-external/__db_bl/__db1").join(name));
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let at = lines.iter().position(|line| line[1..] == hex).unwrap();
        (lines[at - 1][1..].to_owned(), bytes)
    });
    let output = run(&["get", "--hex", &path, &values[1].0]);
    assert_eq!((output.status.code(), out(&output).as_str()), (Some(1), ""));
    assert!(err(&output).contains("which is missing"));
    let output = run(&["get", "--hex", &path, &values[0].0]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(out(&output).trim().len(), 2 * values[0].1.len());
}

#[test]
fn the_folder_is_the_one_that_is_named_or_that_the_configuration_names() {
    let (home, path) = copy_of("v10-hash-external");
    let elsewhere = home.path().join("elsewhere/files");
    fs::create_dir(home.path().join("elsewhere")).unwrap();
    fs::rename(home.path().join("__db_bl"), &elsewhere).unwrap();
    let output = run(&["dump", &path]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("--external-dir"), "what to type is said: {}", err(&output));
    let output = run(&["dump", "--external-dir", &text(&elsewhere), &path]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    for line in ["set_ext_file_dir elsewhere/files", "set_blob_dir elsewhere/files"] {
        fs::write(home.path().join("DB_CONFIG"), line).unwrap();
        for command in [&["dump", &path][..], &["verify", &path], &["salvage", &path]] {
            let output = run(command);
            assert_eq!(output.status.code(), Some(0), "{command:?}: {}", err(&output));
        }
    }
}
