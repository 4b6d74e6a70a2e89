//! Names are data: a file may be called anything, and does nothing to a terminal or to a program
//! that reads what is printed.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use crate::common::{read, testdata};
use crate::tool::run_in;

fn names() -> Vec<OsString> {
    let names: [&[u8]; 10] = [
        b"\x1b[31mred.db",
        b"good.db: sound\nbad.db",
        b"carriage\rreturn.db",
        b"tab\tand\x07bell.db",
        b"\xff.db",
        b"\xfe.db",
        "c1-\u{9b}31m.db".as_bytes(),
        "bidi-\u{202e}bd.txt.db".as_bytes(),
        "lines-\u{2028}\u{85}.db".as_bytes(),
        br"back\slash.db",
    ];
    names.map(|name| OsString::from_vec(name.to_vec())).into()
}

/// A byte, or the start of a character, that does something.
fn does_something(output: &[u8]) -> Option<String> {
    let Ok(text) = std::str::from_utf8(output) else { return Some("what is not UTF-8".into()) };
    text.lines().find_map(|line| {
        let c = line.chars().find(|c| {
            (c.is_control() && *c != '\t')
                || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        })?;
        Some(format!("{c:?} in {line:?}"))
    })
}

/// All files of a kind under these names, and the folder itself under one of them.
fn folder(root: &Path, case: &str, file: &str) -> std::path::PathBuf {
    let folder = root.join(OsString::from_vec(b"\x1b]0;title\x07 \nfolder".to_vec()));
    fs::create_dir(&folder).unwrap();
    let bytes = read(testdata().join(case).join(file));
    for name in names() {
        fs::write(folder.join(name), &bytes).unwrap();
    }
    folder
}

#[track_caller]
fn harmless(folder: &Path, arguments: &[OsString]) {
    let output = run_in(folder, arguments);
    assert_eq!(does_something(&output.stdout), None, "{arguments:?}");
    assert_eq!(does_something(&output.stderr), None, "{arguments:?}");
}

fn words(words: &[&str], last: impl Into<OsString>) -> Vec<OsString> {
    words.iter().map(OsString::from).chain([last.into()]).collect()
}

#[test]
fn no_command_prints_a_name_as_it_is() {
    for case in ["btree-v6-be-few", "damage-v9-le-next-cycle", "hash-v9-be-few", "btree-v9-le-encrypted"] {
        let root = tempfile::tempdir().unwrap();
        let folder = folder(root.path(), case, "data.db");
        let each: [&[&str]; 14] = [
            &["info"],
            &["info", "--json"],
            &["dump", "-s", "x"],
            &["dump", "-l"],
            &["dump", "-r"],
            &["verify"],
            &["verify", "--json"],
            &["salvage", "--json"],
            &["upgrade", "--check"],
            &["upgrade", "--check", "--json"],
            &["upgrade", "--resume"],
            &["upgrade", "--backup", "/dev/null/x"],
            &["reset-lsn", "--home", "/nowhere"],
            &["store", "list"],
        ];
        for arguments in each {
            for name in names() {
                harmless(&folder, &words(arguments, name));
            }
            harmless(&folder, &words(arguments, "."));
            harmless(root.path(), &words(arguments, folder.clone()));
        }
        for arguments in [
            &["store", "survey"][..],
            &["store", "survey", "--json"],
            &["store", "plan", "--target", "7u3"],
            &["store", "plan", "--json", "--target", "7u3"],
            &["store", "snapshots"],
            &["store", "upgrade", "--check"],
            &["store", "list", "--json"],
            &["log", "stat"],
            &["log", "verify"],
        ] {
            harmless(root.path(), &words(arguments, folder.clone()));
        }
        harmless(&folder, &words(&["no-such-command"], "\x1b[31m"));
        harmless(&folder, &words(&["verify", "--max"], "\x1b[31m\nx"));
        // Last, as they write.
        harmless(&folder, &words(&["reset-lsn"], "\x1b[31mred.db"));
        harmless(&folder, &words(&["upgrade"], "."));
        harmless(&folder, &words(&["upgrade", "--json"], "."));
        harmless(root.path(), &words(&["store", "upgrade", "--keep-backup"], folder.clone()));
    }
}

#[test]
fn logs_under_such_names_do_nothing_either() {
    let root = tempfile::tempdir().unwrap();
    let folder = folder(root.path(), "env-log8-be-mix", "log.0000000001");
    for arguments in [
        &["log", "print"][..],
        &["log", "stat"],
        &["log", "verify"],
        &["log", "verify", "--json"],
        &["log", "history"],
        &["info"],
        &["info", "--json"],
    ] {
        for name in names() {
            let output = run_in(&folder, &words(arguments, name));
            assert_eq!(does_something(&output.stderr), None, "{arguments:?}");
            if arguments != ["log", "print"] {
                assert_eq!(does_something(&output.stdout), None, "{arguments:?}");
            }
        }
    }
}

/// Two names are two names in what a program reads.
#[test]
fn different_names_stay_different() {
    let root = tempfile::tempdir().unwrap();
    let folder = folder(root.path(), "btree-v9-le-few", "data.db");
    for arguments in [&["verify", "--json"][..], &["info", "--json"]] {
        for name in names() {
            let output = run_in(&folder, &words(arguments, &name)).stdout;
            let object: serde_json::Value = serde_json::from_slice(&output).unwrap();
            assert_eq!(super::json::bytes_of(object["file"].as_str().unwrap()), name.as_encoded_bytes());
        }
    }
}
