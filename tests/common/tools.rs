//! The genuine tools of release 5.3, where they are installed.

use std::path::Path;
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
