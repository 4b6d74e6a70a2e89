//! What real folders hold, and what a name, a stream or an option of another program does to the
//! tool.

mod beside;
mod examples;
mod folder;
mod names;
mod options;
mod outputs;

use std::ffi::OsStr;
use std::path::Path;
use std::process::Output;

use assert_cmd::Command;

fn tool() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bdbkit"));
    command.timeout(std::time::Duration::from_secs(120));
    command
}

/// Runs the tool in a folder.
fn run<S: AsRef<OsStr>>(folder: &Path, arguments: &[S]) -> Output {
    tool().current_dir(folder).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
