//! The tool's recovery of environments.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::common::{read, testdata};
use crate::tool::{err, out, run_in};

fn recover(folder: &Path, arguments: &[&str]) -> Output {
    run_in(folder, &[&["recover"], arguments].concat())
}

#[test]
fn a_check_tells_what_is_due_and_writes_nothing() {
    let output = recover(&testdata(), &["--check", "env-log3-le-crashed"]);
    assert_eq!(output.status.code(), Some(1));
    let text = out(&output);
    assert!(text.contains("p.db: ") && text.contains("env-log3-le-crashed: recovery is due ("), "{text}");
    assert!(err(&output).is_empty());
    let output = recover(&testdata(), &["--check", "env-log3-le-clean"]);
    assert_eq!((output.status.code(), out(&output).contains("nothing to recover")), (Some(0), true));
}

#[test]
fn a_copy_has_what_the_old_program_would_have_left() {
    let folder = tempfile::tempdir().unwrap();
    let home = testdata().join("env-log2-be-mix");
    let home = home.to_str().unwrap();
    let output = recover(folder.path(), &["--to", "copy", home]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let dump = |file: &Path| out(&run_in(folder.path(), &["dump", file.to_str().unwrap()]));
    for name in ["p.db", "d.db"] {
        let genuine = testdata().join("recover/env-log2-be-mix/recovered").join(name);
        assert_eq!(dump(&folder.path().join("copy").join(name)), dump(&genuine));
    }
    // What is there is not written over, and nothing is left of the attempt.
    let before = read(folder.path().join("copy/p.db"));
    let output = recover(folder.path(), &["--to", "copy", home]);
    assert_eq!((output.status.code(), err(&output).contains("exists")), (Some(1), true));
    assert_eq!(read(folder.path().join("copy/p.db")), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn what_is_asked_for_is_said() {
    let output = recover(&testdata(), &["env-log3-le-crashed"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("--to"), "{}", err(&output));
    let output = recover(&testdata(), &["--check", "btree-v9-le-one"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("log"), "{}", err(&output));
}
