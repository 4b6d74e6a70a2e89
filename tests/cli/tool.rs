//! Runs of the tool, and what they wrote.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{self, Output, Stdio};
use std::time::Duration;

use assert_cmd::Command;

use crate::common::testdata;

/// The tool, which has to end within two minutes.
pub(crate) fn tool() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bdbkit"));
    command.env("TZ", "UTC").timeout(Duration::from_secs(120));
    command
}

/// The tool as a program that goes on beside the test.
pub(crate) fn program() -> process::Command {
    let mut command = process::Command::new(env!("CARGO_BIN_EXE_bdbkit"));
    command.stdin(Stdio::null());
    command
}

pub(crate) fn run<S: AsRef<OsStr>>(arguments: &[S]) -> Output {
    tool().args(arguments).output().unwrap()
}

/// Runs the tool in a folder.
pub(crate) fn run_in<S: AsRef<OsStr>>(folder: &Path, arguments: &[S]) -> Output {
    tool().current_dir(folder).args(arguments).output().unwrap()
}

/// Runs a command of `bdbkit store` in a folder.
pub(crate) fn store(arguments: &[&str], folder: &Path) -> Output {
    run_in(folder, &[&["store"], arguments].concat())
}

/// What a run wrote to its output. All that the tests read of it is text.
pub(crate) fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What a run wrote to its error stream.
pub(crate) fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// The path of the database of a case.
pub(crate) fn file(case: &str) -> String {
    testdata().join(case).join("data.db").to_str().unwrap().to_owned()
}

/// Writes a file, and gives its path.
pub(crate) fn written(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}
