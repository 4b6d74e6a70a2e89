//! The genuine tools of release 5.3, where they are installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub(crate) const UPGRADE: &str = "db5.3_upgrade";
pub(crate) const DUMP: &str = "db5.3_dump";
pub(crate) const VERIFY: &str = "db5.3_verify";

/// Whether the genuine tools are here. Says so if not; with `BDBKIT_DEMAND_GENUINE` in the
/// environment that is a failure.
pub(crate) fn genuine() -> bool {
    let here = |tool| Command::new(tool).arg("-V").output().is_ok_and(|output| output.status.success());
    let all = [UPGRADE, DUMP, VERIFY].into_iter().all(here);
    if !all {
        let demanded = std::env::var_os("BDBKIT_DEMAND_GENUINE").is_some();
        assert!(!demanded, "{UPGRADE}, {DUMP} and {VERIFY} are demanded, but not installed");
        println!("not run: {UPGRADE}, {DUMP} and {VERIFY} are not installed (Debian's package db5.3-util)");
    }
    all
}

pub(crate) fn tool(program: &str, options: &[&str], file: &Path) -> Output {
    Command::new(program).args(options).arg(file).output().expect("a program that runs")
}

#[track_caller]
pub(crate) fn expect_success(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A program of tests/genuine that works with libdb 5.3, made in a folder, if everything for that is
/// here, these tools among it. Says so if not, as [`genuine`] does.
pub(crate) fn program(folder: &Path, name: &str, tools: &[&str]) -> Option<PathBuf> {
    let here = |output: std::io::Result<Output>| output.is_ok_and(|output| output.status.success());
    let program = folder.join(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/genuine").join(name).with_extension("c");
    let tools = tools.iter().all(|tool| here(Command::new(tool).arg("-V").output()));
    if tools && here(Command::new("cc").arg("-o").arg(&program).arg(source).arg("-ldb-5.3").output()) {
        return Some(program);
    }
    let demanded = std::env::var_os("BDBKIT_DEMAND_GENUINE").is_some();
    assert!(!demanded, "a C compiler, libdb5.3-dev and db5.3-util are demanded, but not all there");
    println!("not run: no C compiler, or not installed: Debian's libdb5.3-dev and db5.3-util");
    None
}
