//! `load` and `compact`: whole files, or none.

use std::fs;
use std::path::Path;

use crate::common::{read, testdata};
use crate::tool::{code, err, file, out, run_in, tool, written};

fn names(folder: &Path) -> Vec<String> {
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = all.collect();
    names.sort();
    names
}

#[test]
fn a_dump_is_loaded_into_any_version_and_order() {
    let folder = tempfile::tempdir().unwrap();
    let text = run_in(folder.path(), &["dump", "-p", &file("btree-v9-le-levels")]).stdout;
    written(folder.path(), "text", &text);
    for version in ["6", "7", "8", "9"] {
        for order in ["big", "little", "native"] {
            let name = format!("{version}{order}.db");
            let done = run_in(
                folder.path(),
                &["load", "--version", version, "--byte-order", order, "-f", "text", &name],
            );
            assert_eq!((code(&done), out(&done), err(&done)), (0, String::new(), String::new()));
            assert_eq!(code(&run_in(folder.path(), &["verify", &name])), 0);
            let again = run_in(folder.path(), &["dump", "-p", &name]).stdout;
            assert!(again == text, "{name}");
        }
    }
    // From a pipe.
    let piped = tool()
        .current_dir(folder.path())
        .args(["load", "-t", "hash", "h.db"])
        .write_stdin(text)
        .output()
        .unwrap();
    assert_eq!((code(&piped), err(&piped)), (0, String::new()));
    assert!(out(&run_in(folder.path(), &["dump", "h.db"])).contains("\ntype=hash\n"));
}

#[test]
fn a_file_that_is_there_stays_unless_it_is_to_be_replaced() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), "text", b"VERSION=3\nformat=print\ntype=btree\nHEADER=END\n a\n 1\nDATA=END\n");
    written(folder.path(), "bad", b"VERSION=3\nformat=print\ntype=btree\nHEADER=END\n a\n 1\n");
    written(folder.path(), "x.db", b"mine");
    let refused = run_in(folder.path(), &["load", "-f", "text", "x.db"]);
    assert_eq!((code(&refused), read(folder.path().join("x.db"))), (4, b"mine".to_vec()));
    assert!(err(&refused).contains("--overwrite"), "{}", err(&refused));
    let bad = run_in(folder.path(), &["load", "--overwrite", "-f", "bad", "x.db"]);
    assert_eq!((code(&bad), read(folder.path().join("x.db"))), (1, b"mine".to_vec()));
    assert!(err(&bad).contains("bad: line 7: the text ends where DATA=END should be"), "{}", err(&bad));
    assert_eq!(names(folder.path()), ["bad", "text", "x.db"]);
    let itself = run_in(folder.path(), &["load", "--overwrite", "-f", "text", "text"]);
    assert_eq!(code(&itself), 2);
    let done = run_in(folder.path(), &["load", "--overwrite", "-f", "text", "x.db"]);
    assert_eq!(code(&done), 0, "{}", err(&done));
    assert_eq!(out(&run_in(folder.path(), &["get", "x.db", "a"])).trim_end(), "1");
    assert_eq!(names(folder.path()), ["bad", "text", "x.db"]);
}

#[test]
fn options_mean_what_they_mean_to_db_load() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), "text", b"a\n1\na\n2\n");
    let first = run_in(folder.path(), &["load", "-n", "-T", "-t", "btree", "-f", "text", "first.db"]);
    assert_eq!(code(&first), 1);
    assert!(err(&first).contains("1 pair left out"), "{}", err(&first));
    assert_eq!(out(&run_in(folder.path(), &["get", "first.db", "a"])).trim_end(), "1");
    let both =
        ["load", "-T", "-t", "btree", "-c", "duplicates=1", "-c", "db_pagesize=512", "-f", "text", "both.db"];
    assert_eq!(code(&run_in(folder.path(), &both)), 0);
    let text = out(&run_in(folder.path(), &["dump", "-p", "both.db"]));
    assert!(text.contains("duplicates=1\ndb_pagesize=512\n") && text.contains(" a\n 1\n a\n 2\n"), "{text}");
    for usage in [
        &["load", "-r", "lsn", "x.db"][..],
        &["load", "-T", "x.db"],
        &["load", "-c", "spam", "x.db"],
        &["load", "--version", "10", "x.db"],
        &["load", "-T", "-t", "btree", "-c", "spam=1", "-f", "text", "x.db"],
    ] {
        assert_eq!(code(&run_in(folder.path(), usage)), 2, "{usage:?}");
    }
    assert_eq!(names(folder.path()), ["both.db", "first.db", "text"]);
}

#[test]
fn what_is_compacted_is_sound_and_smaller() {
    let folder = tempfile::tempdir().unwrap();
    let before = read(testdata().join("btree-v9-le-deleted/data.db"));
    written(folder.path(), "old.db", &before);
    let done = run_in(folder.path(), &["compact", "old.db", "new.db"]);
    assert_eq!((code(&done), err(&done)), (0, String::new()));
    assert!(out(&done).starts_with("old.db: "), "{}", out(&done));
    let after = read(folder.path().join("new.db"));
    assert!(after.len() < before.len(), "{} of {}", after.len(), before.len());
    let dump = |name: &str| run_in(folder.path(), &["dump", name]).stdout;
    assert!(dump("old.db") == dump("new.db"));
    assert_eq!(read(folder.path().join("old.db")), before);
    assert_eq!(code(&run_in(folder.path(), &["compact", "old.db", "new.db"])), 4);
    let wide = run_in(folder.path(), &["compact", "--fill", "50", "--overwrite", "old.db", "new.db"]);
    assert_eq!(code(&wide), 0);
    assert!(read(folder.path().join("new.db")).len() >= after.len());
    // In place, and the old one kept.
    written(folder.path(), "in.db", &before);
    assert_eq!(code(&run_in(folder.path(), &["compact", "in.db"])), 0);
    assert_eq!(read(folder.path().join("in.db.old")), before);
    assert!(dump("in.db") == dump("old.db") && read(folder.path().join("in.db")).len() == after.len());
    let again = run_in(folder.path(), &["compact", "in.db"]);
    assert_eq!(code(&again), 4, "the old file is not replaced");
    assert_eq!(code(&run_in(folder.path(), &["compact", "--discard", "in.db"])), 0);
    assert_eq!(read(folder.path().join("in.db.old")), before);
    written(folder.path(), "log.0000000001", b"");
    let refused = run_in(folder.path(), &["compact", "--discard", "in.db"]);
    assert_eq!(code(&refused), 4);
    assert!(err(&refused).contains("--assume-closed"), "{}", err(&refused));
    assert_eq!(code(&run_in(folder.path(), &["compact", "--discard", "--assume-closed", "in.db"])), 0);
    fs::remove_file(folder.path().join("log.0000000001")).unwrap();
    // An environment that may be open, of release 2, too: not even a copy would be whole.
    for region in ["__db.001", "__db_mpool.share"] {
        written(folder.path(), region, &[0; 100]);
        for arguments in
            [&["compact", "--discard", "in.db"][..], &["compact", "--overwrite", "in.db", "new.db"]]
        {
            let refused = run_in(folder.path(), arguments);
            assert_eq!(code(&refused), 4);
            assert!(
                err(&refused).contains(region) && err(&refused).contains("[R-ENVIRONMENT]"),
                "{}",
                err(&refused)
            );
        }
        assert_eq!(
            code(&run_in(folder.path(), &["compact", "--overwrite", "--assume-closed", "in.db", "new.db"])),
            0
        );
        fs::remove_file(folder.path().join(region)).unwrap();
    }
    let home = tempfile::tempdir().unwrap();
    written(home.path(), "__db.001", &[0; 100]);
    let elsewhere = ["compact", "--discard", "--home", home.path().to_str().unwrap(), "in.db"];
    assert_eq!(code(&run_in(folder.path(), &elsewhere)), 4);
    written(folder.path(), "bad.db", &read(testdata().join("damage-v9-le-next-cycle/data.db")));
    assert_eq!(code(&run_in(folder.path(), &["compact", "bad.db", "x.db"])), 1);
    assert_eq!(names(folder.path()), ["bad.db", "in.db", "in.db.old", "new.db", "old.db"]);
}

/// Files of 18.1 that do not go back in place: what the refusal says to do, done.
#[test]
fn what_does_not_go_back_in_place_is_dumped_and_loaded() {
    for (case, version) in [
        ("v10-btree-external", "9"),
        ("v10-btree-external-be", "9"),
        ("v10-hash-external", "9"),
        ("v9-early-external-6020", "9"),
        ("v10-btree-external", "6"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = testdata().join(case).join("f.db");
        let path = path.to_str().unwrap();
        let refused = run_in(folder.path(), &["downgrade", "--to", version, "--check", path]);
        assert_eq!(code(&refused), 4, "{}", err(&refused));
        let words = err(&refused);
        assert!(words.contains("[R-OLDER]") && words.contains("dump it and load the dump"), "{words}");
        let text = run_in(folder.path(), &["dump", path]);
        assert_eq!(code(&text), 0, "{}", err(&text));
        written(folder.path(), "text", &text.stdout);
        let loaded = run_in(folder.path(), &["load", "--version", version, "-f", "text", "old.db"]);
        assert_eq!(code(&loaded), 0, "{case}: {}", err(&loaded));
        let pairs = |text: &[u8]| crate::common::pairs_of_text(text);
        let again = run_in(folder.path(), &["dump", "old.db"]);
        let sorted = |text: &[u8]| {
            let mut pairs = pairs(text);
            pairs.sort();
            pairs
        };
        assert!(sorted(&again.stdout) == sorted(&text.stdout), "{case}");
        if version == "9" && crate::differential::genuine() {
            let path = folder.path().join("old.db");
            let verified = std::process::Command::new("db5.3_verify").arg(path).output().unwrap();
            assert!(verified.status.success(), "{case}: {}", err(&verified));
        }
    }
}

/// A HEAP of 18.1 goes back in place, and the release of this machine reads it once it has its order.
#[test]
fn a_heap_of_18_1_goes_back_to_5_3() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), "f.db", &read(testdata().join("v10-heap2-be/f.db")));
    let before = run_in(folder.path(), &["dump", "f.db"]).stdout;
    let down = run_in(folder.path(), &["downgrade", "--to", "9", "--machine", "big", "f.db"]);
    assert_eq!(code(&down), 0, "{}", err(&down));
    assert!(out(&down).starts_with("f.db: version 2 to 1: "), "{}", out(&down));
    let turned = run_in(folder.path(), &["convert", "--byte-order", "native", "f.db"]);
    assert_eq!(code(&turned), 0, "{}", err(&turned));
    assert!(run_in(folder.path(), &["dump", "f.db"]).stdout == before);
    if crate::differential::genuine() {
        for tool in ["db5.3_verify", "db5.3_dump"] {
            let output = std::process::Command::new(tool).arg("f.db").current_dir(folder.path()).output();
            assert!(output.unwrap().status.success(), "{tool}");
        }
    }
}
