//! The input is never the output, and an output is there when it is whole.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{read, testdata};
use crate::tool::{err, run_in, tool};

const CASE: &str = "btree-v6-be-dups-offpage";

fn copy(folder: &Path, case: &str) -> Vec<u8> {
    let bytes = read(testdata().join(case).join("data.db"));
    fs::write(folder.join("a.db"), &bytes).unwrap();
    bytes
}

/// The commands that write a file.
const WRITERS: [&[&str]; 6] = [
    &["dump", "-f", "OUT"],
    &["dump", "-p", "-f", "OUT"],
    &["dump", "-r", "-f", "OUT"],
    &["dump", "-R", "-f", "OUT"],
    &["salvage", "-f", "OUT"],
    &["salvage", "--json", "-f", "OUT"],
];

#[cfg(unix)]
#[test]
fn what_comes_through_a_stream_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let whole = copy(folder.path(), CASE);
    std::os::unix::fs::symlink("a.db", folder.path().join("link.db")).unwrap();
    fs::hard_link(folder.path().join("a.db"), folder.path().join("hard.db")).unwrap();
    for writer in WRITERS {
        for input in ["-", "/dev/stdin", "a.db", "./a.db", "link.db", "hard.db"] {
            for output in ["a.db", "link.db", "hard.db"] {
                let arguments = writer.iter().map(|word| if *word == "OUT" { output } else { word });
                let arguments: Vec<&str> = arguments.chain([input]).collect();
                let stdin = File::open(folder.path().join("a.db")).unwrap();
                let mut command = Command::new(env!("CARGO_BIN_EXE_bdbkit"));
                let command = command.current_dir(folder.path()).args(&arguments).stdin(Stdio::from(stdin));
                let output = command.output().unwrap();
                assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", err(&output));
                assert!(err(&output).contains("is the database itself: not overwritten"));
                assert!(read(folder.path().join("a.db")) == whole, "{arguments:?}");
            }
        }
    }
}

#[test]
fn an_output_takes_its_name_when_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    copy(folder.path(), CASE);
    let out = folder.path().join("out.txt");
    for writer in WRITERS {
        let arguments: Vec<&str> =
            writer.iter().map(|word| if *word == "OUT" { "out.txt" } else { word }).chain(["a.db"]).collect();
        fs::write(&out, "what was there before").unwrap();
        let plain: Vec<&str> = writer.iter().filter(|word| !["-f", "OUT"].contains(word)).copied().collect();
        let expected = run_in(folder.path(), &[&plain[..], &["a.db"]].concat());
        let output = run_in(folder.path(), &arguments);
        assert_eq!(output.status.code(), expected.status.code(), "{}", err(&output));
        assert!(read(&out) == expected.stdout, "{arguments:?}");
    }
    // A refused run leaves what was there.
    fs::write(&out, "what was there before").unwrap();
    let output = run_in(folder.path(), &["dump", "-s", "nobody", "-f", "out.txt", "a.db"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(read(&out), b"what was there before");
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "nothing is left behind: {names:?}");
}

/// An output that fails on the way leaves what was there before.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_old_output() {
    let folder = tempfile::tempdir().unwrap();
    copy(folder.path(), "btree-v9-be-overflow");
    fs::write(folder.path().join("out.txt"), "what was there before").unwrap();
    let script = "trap '' XFSZ; ulimit -f 8; exec \"$0\" dump -f out.txt a.db";
    let output = Command::new("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_bdbkit")])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    assert!(err(&output).contains("cannot write"), "{}", err(&output));
    assert_eq!(read(folder.path().join("out.txt")), b"what was there before");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no draft is left behind");
}

#[cfg(unix)]
#[test]
fn an_output_may_be_a_device_a_pipe_or_a_link() {
    let folder = tempfile::tempdir().unwrap();
    copy(folder.path(), CASE);
    let expected = run_in(folder.path(), &["dump", "a.db"]).stdout;
    let output = run_in(folder.path(), &["dump", "-f", "/dev/null", "a.db"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
    assert!(run_in(folder.path(), &["dump", "-f", "/dev/stdout", "a.db"]).stdout == expected);
    fs::write(folder.path().join("target.txt"), "").unwrap();
    std::os::unix::fs::symlink("target.txt", folder.path().join("link.txt")).unwrap();
    assert_eq!(run_in(folder.path(), &["dump", "-f", "link.txt", "a.db"]).status.code(), Some(0));
    assert!(folder.path().join("link.txt").is_symlink(), "a link stays one");
    assert!(read(folder.path().join("target.txt")) == expected);
    let endless = tool().args(["dump", "-f", "/dev/full"]).arg(folder.path().join("a.db")).output().unwrap();
    assert_eq!(endless.status.code(), Some(1));
    assert!(err(&endless).contains("cannot write"), "{}", err(&endless));
}
