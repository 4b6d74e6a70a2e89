//! `bdbkit convert` as its users meet it, and what the genuine tools say of its results.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use bdbkit::{Endianness, FileKind};
use serde_json::Value;

use crate::common::{copy_folder, data, read, testdata};
use crate::differential::{DUMP, genuine};
use crate::tool::{code, err, file, out, run_in, written};

fn order(path: impl AsRef<Path>) -> Endianness {
    FileKind::at(path).unwrap().database().unwrap().order
}

#[test]
fn a_file_is_converted_and_converted_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "a.db", &data("btree-v9-be-levels"));
    let convert =
        |arguments: &[&str]| run_in(folder.path(), &[&["convert", "--byte-order"], arguments].concat());
    let check = convert(&["little", "--check", "a.db"]);
    assert_eq!(out(&check), "a.db: big-endian to little-endian: 38 of 38 pages would change; 170 pairs\n");
    assert_eq!(read(&path), data("btree-v9-be-levels"), "a check writes nothing");
    let copied = convert(&["little", "-o", "b.db", "a.db"]);
    let said = "a.db: big-endian to little-endian in b.db: 38 pages changed; all pairs, as before (170)\n";
    assert_eq!((out(&copied).as_str(), order(&path)), (said, Endianness::Big));
    let done = convert(&["little", "a.db"]);
    assert_eq!(
        out(&done),
        "a.db: big-endian to little-endian: 38 pages changed; all pairs, as before (170)\n"
    );
    assert_eq!((code(&done), order(&path)), (0, Endianness::Little));
    assert_eq!(read(&path), read(folder.path().join("b.db")));
    let again = convert(&["little", "a.db"]);
    assert_eq!((out(&again).as_str(), code(&again)), ("a.db: little-endian: nothing to do\n", 0));
    let json = convert(&["big", "--json", "a.db"]);
    let line: Value = serde_json::from_str(&out(&json)).unwrap();
    assert_eq!(
        (&line["type"], &line["to_byte_order"]),
        (&Value::from("converted"), &Value::from("big-endian"))
    );
    assert_eq!(read(&path), data("btree-v9-be-levels"));
    let native = convert(&["native", "--check", "a.db"]);
    let changes = if cfg!(target_endian = "big") { "nothing to do" } else { "would change" };
    assert!(out(&native).contains(changes), "{}", out(&native));
}

#[test]
fn what_is_not_converted_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), "old.db", &data("old-small-4321"));
    let refused = |arguments: &[&str], exit: i32, words: &str| {
        let output: Output =
            run_in(folder.path(), &[&["convert", "--byte-order", "little"], arguments].concat());
        assert_eq!(code(&output), exit, "{}", err(&output));
        assert!(err(&output).contains(words), "{}", err(&output));
    };
    refused(&[&file("btree-v9-be-encrypted")], 1, "--password-file");
    refused(&[&file("queue-v4-le-encrypted-extents")], 1, "--password-file");
    refused(&[&file("damage-v9-be-inp-beyond")], 1, "[R-DAMAGED]");
    refused(&["--copy", "x.db", "old.db", "old.db"], 2, "--copy takes one file");
}

/// A partitioned database is one unit, whichever of its files are named.
#[test]
fn partitions_come_with_their_main_file() {
    for arguments in [&["data.db"][..], &["."]] {
        let folder = tempfile::tempdir().unwrap();
        let case = testdata().join("partitioned/btree-v9-le-partitioned-keys");
        copy_folder(&case, folder.path());
        fs::remove_file(folder.path().join("dump.txt")).unwrap();
        let output = run_in(folder.path(), &[&["convert", "--byte-order", "big"], arguments].concat());
        assert_eq!((code(&output), out(&output).lines().count()), (0, 5), "{}", err(&output));
        for number in 0..4 {
            assert_eq!(order(folder.path().join(format!("__dbp.data.db.{number:03}"))), Endianness::Big);
        }
        let diff = run_in(folder.path(), &["diff", "data.db", case.join("data.db").to_str().unwrap()]);
        assert_eq!((code(&diff), out(&diff).as_str()), (0, ""), "{}", err(&diff));
    }
}

/// A file that a big-endian machine encrypted, which the genuine tools of this one do not open, for this one.
#[test]
fn an_encrypted_file_is_converted_for_this_machine() {
    if !genuine() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), "a.db", &data("btree-v9-be-encrypted"));
    let opens = || {
        let tool =
            Command::new(DUMP).args(["-P", "corpus-password", "a.db"]).current_dir(folder.path()).output();
        tool.unwrap().status.success()
    };
    let other = cfg!(target_endian = "little");
    assert_eq!(opens(), !other);
    let options = ["convert", "-P", "corpus-password", "--byte-order", "native", "a.db"];
    let done = run_in(folder.path(), &options);
    assert_eq!(code(&done), 0, "{}", err(&done));
    assert!(opens());
}

/// Whatever files of the last versions the genuine tools accept, they accept converted, and print the same.
#[test]
fn the_genuine_tools_accept_what_is_converted() {
    if !genuine() {
        return;
    }
    let names = [
        "btree-v9-be-levels",
        "btree-v9-be-dups-offpage",
        "btree-v9-be-dups-offpage-many-sorted",
        "btree-v9-be-overflow",
        "btree-v9-be-recnum",
        "btree-v9-be-subdbs",
        "btree-v9-be-checksum",
        "btree-v9-be-compressed",
        "btree-v9-le-checksum-dups",
        "btree-v9-le-overflow-keys",
        "recno-v9-le-var",
        "recno-v9-le-fixed",
        "hash-v9-be-few",
        "hash-v9-le-mixed",
        "queue-v4-be-few",
        "queue-v4-le-extents",
        "queue-v4-be-checksum-4.8",
        "heap-v1-le-few",
        "heap-v1-le-split",
        "btree-v9-le-encrypted-5.3",
        "btree-v9-le-encrypted-overflow",
        "hash-v9-be-encrypted-mixed",
        "heap-v1-be-encrypted",
        "queue-v4-le-encrypted",
        "queue-v4-le-encrypted-extents",
    ];
    for name in names {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(&testdata().join(name), folder.path());
        let encrypted = name.contains("encrypted");
        let password: &[&str] = if encrypted { &["-P", "corpus-password"] } else { &[] };
        let genuine = |tool: &str| {
            let output =
                Command::new(tool).args(password).arg("data.db").current_dir(folder.path()).output().unwrap();
            assert!(output.status.success(), "{name}: {tool}: {}", err(&output));
            let lines = output.stdout.split(|&byte| byte == b'\n');
            // The text says in which order the file is.
            lines.filter(|line| !line.starts_with(b"db_lorder=")).map(<[u8]>::to_vec).collect::<Vec<_>>()
        };
        let before = genuine(DUMP);
        let path = folder.path().join("data.db");
        let to = if order(&path) == Endianness::Big { "little" } else { "big" };
        // The genuine tools are those of this machine.
        let options = ["convert", "--byte-order", to, "--machine", "native", "data.db"];
        let done = run_in(folder.path(), &[&options, password].concat());
        assert_eq!(code(&done), 0, "{name}: {}", err(&done));
        assert!(genuine(DUMP) == before, "{name}");
        genuine("db5.3_verify");
    }
}

/// The logs of an encrypted environment are read with the password of its files.
#[test]
fn the_password_opens_the_logs_beside_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let case = testdata().join("env-log14-be-encrypted");
    let (logs, databases) = (["log.0000000001", "log.0000000002"], ["d.db", "p.db"]);
    let recovered = folder.path().join("recovered");
    let to =
        ["recover", "-P", "corpus-password", "--to", recovered.to_str().unwrap(), case.to_str().unwrap()];
    assert_eq!(code(&run_in(folder.path(), &to)), 0);
    for name in databases {
        fs::copy(recovered.join(name), folder.path().join(name)).unwrap();
    }
    for name in logs {
        fs::copy(case.join(name), folder.path().join(name)).unwrap();
    }
    fs::remove_dir_all(&recovered).unwrap();
    let convert = |name: &str| {
        let arguments = ["convert", "-P", "corpus-password", "--byte-order", "little", "--check", name];
        run_in(folder.path(), &arguments)
    };
    let check = convert(".");
    assert_eq!(code(&check), 0, "{}", err(&check));
    assert!(!out(&check).contains("not looked at"), "{}", out(&check));
    // The log is not only opened.
    fs::copy(case.join("d.db"), folder.path().join("d.db")).unwrap();
    let refused = convert("d.db");
    assert!(code(&refused) == 4 && err(&refused).contains("[R-RECOVERY]"), "{}", err(&refused));
}
