//! `bdbkit diff` as its users meet it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::{copy_folder, data, testdata};
use crate::tool::{code, err, file, out, run, run_in, written};

#[test]
fn the_exit_code_is_that_of_diff() {
    let (one, few) = (file("btree-v9-le-one"), file("btree-v9-le-few"));
    let ends = |arguments: &[&str]| {
        let output = run(&[&["diff"], arguments].concat());
        (code(&output), out(&output), err(&output))
    };
    assert_eq!(ends(&[&one, &one]), (0, String::new(), String::new()));
    assert_eq!(
        ends(&[&file("btree-v6-le-one"), &file("btree-v9-be-one")]),
        (0, String::new(), String::new())
    );
    let (exit, text, _) = ends(&[&one, &few]);
    assert_eq!(exit, 1);
    assert!(text.starts_with(&format!("--- {one}\n+++ {few}\n")), "{text}");
    assert!(
        text.contains("\n-key\tdata\n")
            && text.lines().skip(2).filter(|line| line.starts_with('+')).count() > 3
    );
    assert_eq!(ends(&["-q", &one, &few]), (1, String::new(), String::new()));
    for (trouble, words) in [
        (&[one.as_str(), "nowhere.db"][..], "No such file"),
        (&[&one, &file("heap-v1-le-few")], "nothing to be compared by"),
        (&[&one, &file("btree-v9-le-subdbs")], "several databases"),
        (&[&one, &file("damage-v9-le-next-cycle")], "page"),
        (&[&one, &file("btree-v9-le-encrypted")], "password"),
        (&["-s", "nothing", &one, &few], "databases"),
        (&[one.as_str()], "<NEW>"),
    ] {
        let (exit, _, message) = ends(trouble);
        assert_eq!(exit, 2, "{trouble:?}: {message}");
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn folders_are_compared_by_names() {
    let folder = tempfile::tempdir().unwrap();
    let [old, new] = ["old", "new"].map(|name| folder.path().join(name));
    for (folder, names) in
        [(&old, ["same.db", "other.db", "gone.db"]), (&new, ["same.db", "other.db", "come.db"])]
    {
        fs::create_dir(folder).unwrap();
        for name in names {
            let case =
                if name == "other.db" && *folder == new { "btree-v9-le-few" } else { "btree-v9-le-one" };
            written(folder, name, &data(case));
        }
        written(folder, "notes.txt", &b"nothing of ours".repeat(99));
    }
    let output = run_in(folder.path(), &["diff", "old", "new"]);
    let text = out(&output);
    assert_eq!(code(&output), 1, "{}", err(&output));
    assert!(
        text.starts_with("only in the second folder: come.db\nonly in the first folder: gone.db\n"),
        "{text}"
    );
    assert!(text.contains("--- old/other.db\n+++ new/other.db\n") && !text.contains("same.db"), "{text}");
    // A file beside the one of its name in a folder.
    assert_eq!(code(&run_in(folder.path(), &["diff", "old/same.db", "new"])), 0);
    assert_eq!(code(&run_in(folder.path(), &["diff", "old", "new/other.db"])), 1);
    let json = run_in(folder.path(), &["diff", "--json", "old", "new"]);
    let lines: Vec<Value> = out(&json).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["type"], &lines[0]["only"]), (&Value::from("only_file"), &Value::from("new")));
}

#[test]
fn a_file_is_compared_with_what_a_recovery_makes_of_it() {
    let folder = tempfile::tempdir().unwrap();
    copy_folder(&testdata().join("env-log14-be-crashed"), folder.path());
    let recovered = |path: &Path| {
        let output = run_in(folder.path(), &["diff".as_ref(), "--recovered".as_ref(), path.as_os_str()]);
        (code(&output), out(&output), err(&output))
    };
    let mut differing = 0;
    for path in crate::common::databases(folder.path()) {
        let (exit, text, message) = recovered(path.file_name().unwrap().as_ref());
        assert!(exit < 2 || !message.is_empty(), "{}: {message}", path.display());
        differing += usize::from(exit == 1 && text.contains("\n+"));
    }
    assert!(differing > 0);
}
