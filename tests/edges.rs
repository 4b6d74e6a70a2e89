//! What real folders hold, and what a name, a stream or an option of another program does to the
//! tool.

#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

mod common;
#[path = "common/restore_plan.rs"]
mod restore_plan;

#[path = "edges/beside.rs"]
mod beside;
#[path = "edges/examples.rs"]
mod examples;
#[path = "edges/folder.rs"]
mod folder;
#[path = "edges/json.rs"]
mod json;
#[path = "edges/names.rs"]
mod names;
#[path = "edges/options.rs"]
mod options;
#[path = "edges/outputs.rs"]
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
