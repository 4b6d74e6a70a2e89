//! The tool's check of database files.

use std::process::Output;

use crate::common::{read, testdata};
use crate::tool::run_in;

fn verify(arguments: &[&str]) -> Output {
    run_in(&testdata(), &[&["verify"], arguments].concat())
}

fn lines(bytes: &[u8]) -> Vec<String> {
    String::from_utf8(bytes.to_vec()).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn sound_files_are_said_to_be_sound() {
    let output = verify(&["btree-v6-be-levels/data.db", "btree-v9-le-levels/data.db"]);
    assert_eq!(output.status.code(), Some(0));
    let expected = ["btree-v6-be-levels/data.db: sound", "btree-v9-le-levels/data.db: sound"];
    assert_eq!(lines(&output.stdout), expected);
    assert!(output.stderr.is_empty());
}

#[test]
fn a_finding_is_a_line_and_an_error_is_exit_code_1() {
    let file = "damage-v9-le-next-cycle/data.db";
    let output = verify(&[file]);
    assert_eq!(output.status.code(), Some(1));
    let expected = [
        format!("{file}: error: T-CHAIN: page 5: byte 16: next page of the last leaf is 2, expected 0"),
        format!("{file}: 1 error, 0 warnings, 0 notes"),
    ];
    assert_eq!(lines(&output.stdout), expected);
    assert_eq!(lines(&verify(&["-q", file]).stdout), expected[1..]);
    assert_eq!(verify(&["damage-v9-le-key-order/data.db"]).status.code(), Some(1));
    assert_eq!(verify(&["-o", "damage-v9-le-key-order/data.db"]).status.code(), Some(0));
    let some = lines(&verify(&["--max", "1", "damage-v9-le-garbage/data.db"]).stdout);
    assert!(some.len() == 2 && some[1].ends_with("not all of the file was checked"), "{some:?}");
    // A check that was cut short is no clean one, even if nothing wrong was found so far.
    let marked = "btree-v6-be-delete-marked/data.db";
    assert_eq!(verify(&[marked]).status.code(), Some(0));
    assert_eq!(verify(&["--max", "1", marked]).status.code(), Some(1));
}

#[test]
fn a_folder_stands_for_its_databases() {
    let output = verify(&["mboxlist-ims60-log3-be"]);
    assert_eq!(output.status.code(), Some(0));
    let names = ["folder", "lright", "peruser", "quota", "subscr"];
    let expected: Vec<_> =
        names.iter().map(|name| format!("mboxlist-ims60-log3-be/{name}.db: sound")).collect();
    let (databases, others): (Vec<_>, Vec<_>) =
        lines(&output.stdout).into_iter().partition(|line| !line.contains(": no database: "));
    assert_eq!(databases, expected);
    // Five texts of dumps, the text of the log, and the log.
    assert_eq!(others.len(), 7, "every file has a line: {others:?}");
    let folder = tempfile::tempdir().unwrap();
    let log = testdata().join("env-log2-be-mix/log.0000000001");
    std::fs::copy(log, folder.path().join("log.0000000001")).unwrap();
    let none = verify(&[folder.path().to_str().unwrap()]);
    assert_eq!(none.status.code(), Some(3));
    assert!(lines(&none.stdout)[0].ends_with("no database: a log file: see bdbkit log verify"));
    assert!(lines(&none.stderr)[0].contains("no database files in this folder"));
}

#[test]
fn json_has_an_object_for_each_finding_and_each_file() {
    let output = verify(&["--json", "damage-v9-le-flip/data.db", "btree-v9-le-levels/data.db"]);
    assert_eq!(output.status.code(), Some(1));
    let objects: Vec<serde_json::Value> =
        lines(&output.stdout).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 3);
    let finding = &objects[0];
    assert_eq!(
        (&finding["code"], &finding["severity"], &finding["page"]),
        (&"C-SUM".into(), &"error".into(), &4.into())
    );
    assert_eq!((&objects[1]["errors"], &objects[2]["errors"]), (&1.into(), &0.into()));
}

#[test]
fn what_is_no_database_is_named() {
    let text = read(testdata().join("README.md"));
    assert!(text.len() > 512);
    for (file, code, what) in [
        ("README.md", 3, "not a Berkeley DB file"),
        ("absent.db", 1, "No such file"),
        ("env-log8-be-mix/log.0000000001", 3, "transaction log"),
    ] {
        let output = verify(&[file]);
        let message = lines(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len(), message.len()), (Some(code), 0, 1), "{file}");
        assert!(
            message[0].starts_with(&format!("bdbkit: {file}: ")) && message[0].contains(what),
            "{message:?}"
        );
    }
    assert_eq!(verify(&[]).status.code(), Some(2));
}
