//! The tool on encrypted databases: the password given, in a file, asked for, missing and wrong; and
//! its dumps beside those of Debian's tools.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bdbkit::{Database, OpenOptions};
use serde_json::Value;

use crate::common::{hex, read, testdata};
use crate::differential::{DUMP, LOAD, genuine};
use crate::tool::{code, err, file, out, run, written};

pub(crate) const PASSWORD: &str = "corpus-password";
const CASES: [&str; 6] = [
    "btree-v9-be-encrypted",
    "btree-v9-le-encrypted-5.3",
    "hash-v9-be-encrypted-mixed",
    "queue-v4-le-encrypted-extents",
    "queue-v4-be-encrypted",
    "heap-v1-le-encrypted",
];

#[test]
fn every_command_takes_the_password_as_the_genuine_tools_do_or_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let secret = written(folder.path(), "secret", b"corpus-password\nand more\n");
    let windows = written(folder.path(), "windows", b"corpus-password\r\n");
    for case in CASES {
        let path = file(case);
        let golden = read(testdata().join(case).join("dump.txt"));
        for given in [["-P", PASSWORD], ["--password-file", &secret], ["--password-file", &windows]] {
            let all = |arguments: &[&str]| run(&[arguments, &given, &[&path]].concat());
            let dumped = all(&["dump"]);
            assert_eq!((dumped.stdout, err_of(&dumped.stderr)), (golden.clone(), String::new()), "{case}");
            let verified = all(&["verify"]);
            assert_eq!((code(&verified), out(&verified)), (0, format!("{path}: sound\n")), "{case}");
            let salvaged = all(&["salvage"]);
            assert_eq!(code(&salvaged), 0, "{case}: {}", err(&salvaged));
            let recovered = all(&["dump", "-r"]);
            assert_eq!((code(&recovered), &recovered.stdout), (0, &salvaged.stdout), "{case}");
            let told = all(&["info"]);
            assert!(out(&told).contains("encryption      with a password"), "{case}: {}", out(&told));
            let facts: Value = serde_json::from_slice(&all(&["info", "--json"]).stdout).unwrap();
            assert_eq!((&facts["encrypted"], &facts["checksums"]), (&true.into(), &true.into()), "{case}");
            assert_eq!(facts["file_id"].as_str().map(str::len), Some(40), "{case}");
        }
    }
    let value = run(&["get", "-P", PASSWORD, "--hex", &file("queue-v4-le-encrypted-extents"), "3"]);
    assert_eq!(code(&value), 0, "{}", err(&value));
    assert_eq!(code(&run(&["dump", "-P", "a", "--password-file", &secret, &file(CASES[0])])), 2);
    assert_eq!(code(&run(&["dump", "--password-file", "no such file", &file(CASES[0])])), 1);
}

fn err_of(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn without_the_password_a_file_is_named_for_what_it_is_and_says_what_to_give() {
    for case in CASES {
        let path = file(case);
        for arguments in [&["dump"][..], &["dump", "-r"], &["verify"], &["salvage"], &["get"]] {
            let key: &[&str] = if arguments == ["get"] { &["1"] } else { &[] };
            let output = run(&[arguments, &[&path], key].concat());
            assert_eq!((code(&output), out(&output)), (1, String::new()), "{case} {arguments:?}");
            let message = err(&output);
            assert!(message.contains("encrypted: its password is needed"), "{message}");
            assert!(message.contains("--password-file FILE or -P PASSWORD"), "{message}");
            let output = run(&[arguments, &["-P", "another"], &[&path], key].concat());
            assert_eq!((code(&output), out(&output)), (1, String::new()), "{case} {arguments:?}");
            assert!(err(&output).contains("encrypted, and the password does not fit"), "{}", err(&output));
        }
        // What stands in the clear is told all the same.
        let told = run(&["info", &path]);
        assert_eq!(code(&told), 1, "{case}");
        for row in ["type  ", "version  ", "page size  ", "encryption      with a password", "not read  "] {
            assert!(out(&told).contains(row), "{case}: no {row}: {}", out(&told));
        }
        let facts: Value = serde_json::from_slice(&run(&["info", "--json", &path]).stdout).unwrap();
        assert_eq!((&facts["encrypted"], &facts["file_id"]), (&true.into(), &Value::Null), "{case}");
    }
}

#[test]
fn a_folder_is_judged_with_one_password_and_its_encrypted_files_are_unjudged_without() {
    let folder = tempfile::tempdir().unwrap();
    for (case, name) in [("btree-v9-le-encrypted", "a.db"), ("btree-v9-le-one", "b.db")] {
        fs::copy(file(case), folder.path().join(name)).unwrap();
    }
    let path = folder.path().to_str().unwrap();
    assert_eq!(code(&run(&["verify", "-P", PASSWORD, path])), 0);
    let output = run(&["verify", path]);
    assert_eq!(code(&output), 1);
    assert!(
        out(&output).contains("a.db: NOT JUDGED: ") && out(&output).contains("b.db: sound"),
        "{}",
        out(&output)
    );
}

#[test]
fn files_that_are_encrypted_are_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let bytes = read(file("btree-v9-le-encrypted"));
    let (one, all) = (path.to_str().unwrap(), folder.path().to_str().unwrap());
    for arguments in [["upgrade", all], ["reset-lsn", one], ["reset-fileid", one]] {
        fs::write(&path, &bytes).unwrap();
        let output = run(&arguments);
        assert_ne!(code(&output), 0, "{arguments:?}");
        assert!(err(&output).contains("encrypted: not supported"), "{arguments:?}: {}", err(&output));
        assert!(read(&path) == bytes, "{arguments:?}");
    }
}

/// A password is asked for where somebody can answer, and not shown.
#[test]
#[cfg(target_os = "linux")]
fn on_a_terminal_the_password_is_asked_for_once() {
    if !Command::new("script").arg("--version").output().is_ok_and(|output| output.status.success()) {
        println!("not run: script is not installed");
        return;
    }
    let tool = env!("CARGO_BIN_EXE_bdbkit");
    let ask = |answer: &str, arguments: &str| {
        let mut child = Command::new("script")
            .args(["-qec", &format!("{tool} {arguments}"), "/dev/null"])
            .env("NO_COLOR", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), format!("{answer}\n").as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).replace('\r', ""))
    };
    let (one, other) = (file("btree-v9-le-encrypted"), file("heap-v1-be-encrypted"));
    let (code, shown) = ask(PASSWORD, &format!("verify {one} {other}"));
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(shown.matches("Password of ").count(), 1, "{shown}");
    assert!(shown.contains(&format!("{other}: sound")), "{shown}");
    let (code, shown) = ask("another", &format!("dump {one}"));
    assert!(code == Some(1) && shown.contains("the password does not fit"), "{shown}");
    // Nobody is asked about a file that needs none.
    let (code, shown) = ask("", &format!("dump {}", file("btree-v9-le-one")));
    assert!(code == Some(0) && !shown.contains("Password"), "{shown}");
}

/// Loads a text with a password.
fn load(folder: &Path, text: &[u8], settings: &[String]) -> PathBuf {
    let path = folder.join("made.db");
    let mut command = Command::new(LOAD);
    command.args(["-P", PASSWORD]);
    settings.iter().for_each(|setting| {
        command.args(["-c", setting]);
    });
    let mut child = command.arg(&path).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), text).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{settings:?}: {}", err_of(&output.stderr));
    path
}

/// The text of a database with many pairs, or records: long ones, and duplicates.
fn text(kind: &str, header: &str, pairs: bool) -> Vec<u8> {
    let mut text = format!("VERSION=3\nformat=bytevalue\n{kind}\n");
    header.split_whitespace().for_each(|line| text += &format!("{line}\n"));
    text += "HEADER=END\n";
    let mut line = |bytes: &[u8]| text += &format!(" {}\n", String::from_utf8(hex(bytes)).unwrap());
    for i in 0..400u32 {
        if pairs {
            let mut key = format!("key{:05}", i / 2).into_bytes();
            // That tool writes unsound files of HASH with long keys that have duplicates.
            if i % 50 < 2 && !kind.contains("hash") {
                key.resize(1500, b'k');
            }
            line(&key);
        }
        let length = if kind.contains("queue") { 8 } else { usize::try_from(i * i % 900).unwrap() };
        line(&i.to_be_bytes().repeat(300)[..length]);
    }
    (text + "DATA=END\n").into_bytes()
}

#[test]
fn encrypted_files_of_every_method_are_dumped_as_the_genuine_tool_does() {
    if !genuine() {
        return;
    }
    let (mut done, folder) = (0, tempfile::tempdir().unwrap());
    let kinds = [
        ("type=btree", "duplicates=1", true),
        ("type=btree", "duplicates=1 dupsort=1", true),
        ("type=hash", "duplicates=1", true),
        ("type=hash", "duplicates=1 dupsort=1", true),
        ("type=recno", "", false),
        ("type=recno", "re_len=1000", false),
        ("type=queue", "re_len=8", false),
        ("type=queue", "re_len=17 re_pad=0x2e extentsize=2", false),
        ("type=heap", "", false),
    ];
    for (kind, header, pairs) in kinds {
        let sizes = [512u32, 1024, 2048, 4096, 8192, 16384, 32768, 65536];
        for (at, size) in sizes.into_iter().enumerate() {
            let order = if (at % 2 == 0) == header.is_empty() { 4321 } else { 1234 };
            let folder = tempfile::tempdir_in(folder.path()).unwrap();
            let settings = [format!("db_pagesize={size}"), format!("db_lorder={order}")];
            let path = load(folder.path(), &text(kind, header, pairs), &settings);
            let label = format!("{kind} {header} {settings:?}");
            for options in [&[][..], &["-k"]] {
                let with = |tool: &str, sub: &[&str]| {
                    let output =
                        Command::new(tool).args(sub).args(options).args(["-P", PASSWORD]).arg(&path).output();
                    let output = output.unwrap();
                    assert!(output.status.success(), "{label}: {tool}: {}", err_of(&output.stderr));
                    output.stdout
                };
                assert!(
                    with(env!("CARGO_BIN_EXE_bdbkit"), &["dump"]) == with(DUMP, &[]),
                    "{label} {options:?}"
                );
                done += 1;
            }
            let opened = OpenOptions::new().password(PASSWORD);
            let verdict = opened.verify(&path).unwrap().run();
            assert!(verdict.complete() && verdict.findings().is_empty(), "{label}: {:?}", verdict.findings());
            let salvage = opened.salvage(&path).unwrap();
            let survey = salvage.survey().unwrap();
            assert_eq!(survey.records().count(), opened.open(&path).unwrap().iter().count(), "{label}");
            assert!(Database::open(&path).is_err());
        }
    }
    assert_eq!(done, 9 * 8 * 2);
}

#[test]
fn encrypted_files_of_several_databases_are_dumped_as_the_genuine_tool_does() {
    if !genuine() {
        return;
    }
    for size in [512, 4096, 65536] {
        for order in [1234, 4321] {
            let folder = tempfile::tempdir().unwrap();
            let mut all = Vec::new();
            for (name, kind) in [("one", "btree"), ("two", "hash"), ("three", "recno"), ("four", "btree")] {
                let kind = format!("database={name}\ntype={kind}");
                all.extend(text(
                    &kind,
                    if kind.contains("recno") { "" } else { "duplicates=1" },
                    !kind.contains("recno"),
                ));
            }
            let path =
                load(folder.path(), &all, &[format!("db_pagesize={size}"), format!("db_lorder={order}")]);
            for options in [&[][..], &["-l"], &["-s", "two"], &["-k", "-s", "three"]] {
                let with = |tool: &str, sub: &[&str]| {
                    Command::new(tool)
                        .args(sub)
                        .args(options)
                        .args(["-P", PASSWORD])
                        .arg(&path)
                        .output()
                        .unwrap()
                };
                let (ours, theirs) = (with(env!("CARGO_BIN_EXE_bdbkit"), &["dump"]), with(DUMP, &[]));
                assert!(theirs.status.success() && ours.status.success(), "{}", err_of(&ours.stderr));
                assert!(ours.stdout == theirs.stdout, "{size} {order} {options:?}");
            }
            let opened = OpenOptions::new().password(PASSWORD);
            let verdict = opened.verify(&path).unwrap().run();
            assert!(verdict.findings().is_empty(), "{:?}", verdict.findings());
            // A database whose metadata page is damaged is named; the others are read.
            let mut bytes = read(&path);
            let file = opened.from_bytes(&bytes[..]).unwrap();
            let inner = file.subdatabase(b"two").unwrap().meta().page();
            drop(file);
            bytes[inner.index() * usize::try_from(size).unwrap() + 500] ^= 1;
            let file = opened.from_bytes(&bytes[..]).unwrap();
            let (good, bad): (Vec<_>, Vec<_>) = file.subdatabases().partition(|found| found.is_ok());
            assert_eq!((good.len(), bad.len()), (3, 1));
            let verdict = bdbkit::verify::Verify::new(&file).run();
            let codes = verdict.findings().iter().filter(|f| f.rule == bdbkit::verify::Rule::Checksum);
            assert_eq!(codes.map(|f| f.page).collect::<Vec<_>>(), [inner]);
        }
    }
}
