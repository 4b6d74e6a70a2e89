//! Options of the genuine programs do what they do there, or are refused.

use std::fs;

use crate::common::{read, testdata};
use crate::tool::{err, out, run_in};

#[test]
fn the_home_of_an_environment_is_where_files_are() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    fs::write(home.join("x.db"), read(testdata().join("btree-v9-le-few/data.db"))).unwrap();
    fs::write(home.join("bad.db"), read(testdata().join("damage-v9-le-next-cycle/data.db"))).unwrap();
    for home in ["home", home.to_str().unwrap()] {
        let output = run_in(folder.path(), &["verify", "-h", home, "x.db"]);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        assert!(out(&output).ends_with("x.db: sound\n"), "{}", out(&output));
        assert_eq!(run_in(folder.path(), &["verify", "-h", home, "bad.db"]).status.code(), Some(1));
        assert_eq!(run_in(folder.path(), &["verify", "-h", home, "nothing.db"]).status.code(), Some(1));
        let plain = run_in(folder.path(), &["dump", "home/x.db"]);
        assert!(plain.stdout.ends_with(b"DATA=END\n"));
        for options in [&["-h", home][..], &["-N", "-P", "secret", "-h", home]] {
            let output = run_in(folder.path(), &[&["dump"], options, &["x.db"]].concat());
            assert_eq!((output.status.code(), &output.stdout), (Some(0), &plain.stdout), "{options:?}");
        }
    }
    fs::write(home.join("old.db"), read(testdata().join("btree-v6-be-levels/data.db"))).unwrap();
    let output =
        run_in(folder.path(), &["upgrade", "-N", "-P", "secret", "-s", "-h", "home", "--check", "old.db"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(out(&output).contains("home/old.db: version 6 to 9"), "{}", out(&output));
    let absolute = home.join("x.db");
    let output = run_in(folder.path(), &["verify", "-h", "elsewhere", absolute.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "an absolute path is one");
}

#[test]
fn what_cannot_be_done_is_refused_as_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    let path = testdata().join("btree-v9-le-few/data.db");
    let path = path.to_str().unwrap();
    for arguments in
        [&["dump", "-d", "a", path][..], &["dump", "-m", "memory"], &["verify", "-h"], &["dump", "-h", path]]
    {
        let output = run_in(folder.path(), arguments);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn help_and_versions_are_asked_for_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["dump", "verify", "upgrade"] {
        let output = run_in(folder.path(), &[command, "-V"]);
        assert_eq!(output.status.code(), Some(0));
        assert!(out(&output).contains(env!("CARGO_PKG_VERSION")));
        let output = run_in(folder.path(), &[command, "--help"]);
        assert_eq!(output.status.code(), Some(0));
        assert!(out(&output).contains("Usage:"));
    }
}

#[test]
fn quiet_names_only_what_is_not_sound() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.db"), read(testdata().join("btree-v9-le-few/data.db"))).unwrap();
    fs::write(folder.path().join("b.db"), read(testdata().join("damage-v9-le-next-cycle/data.db"))).unwrap();
    let output = run_in(folder.path(), &["verify", "-q", "."]);
    assert_eq!(
        (output.status.code(), out(&output).as_str()),
        (Some(1), "./b.db: 1 error, 0 warnings, 0 notes\n")
    );
}

/// Without memory maps everything is the same.
#[test]
fn files_are_read_where_maps_are_not_wanted() {
    let testdata = testdata();
    for (command, file) in [
        ("info", "btree-v9-be-subdbs/data.db"),
        ("dump", "btree-v6-be-dups-offpage/data.db"),
        ("verify", "damage-v9-le-next-cycle/data.db"),
        ("salvage", "damage-v9-le-garbage/data.db"),
    ] {
        let mapped = run_in(&testdata, &[command, file]);
        for arguments in [[command, "--no-mmap", file], ["--no-mmap", command, file]] {
            let read = run_in(&testdata, &arguments);
            assert_eq!(
                (read.status, &read.stdout, &read.stderr),
                (mapped.status, &mapped.stdout, &mapped.stderr)
            );
        }
    }
    for command in [&["upgrade", "--check"][..], &["store", "survey"], &["store", "list"]] {
        let store = "mboxlist-ims60-log3-be";
        let mapped = run_in(&testdata, &[command, &[store]].concat());
        let read = run_in(&testdata, &[command, &["--no-mmap", store]].concat());
        assert_eq!((read.status, &read.stdout), (mapped.status, &mapped.stdout), "{command:?}");
    }
    for command in ["print", "stat", "verify", "history"] {
        let mapped = run_in(&testdata, &["log", command, "env-log8-be-mix"]);
        let read = run_in(&testdata, &["log", command, "--no-mmap", "env-log8-be-mix"]);
        assert_eq!((read.status, &read.stdout), (mapped.status, &mapped.stdout), "{command}");
    }
}
