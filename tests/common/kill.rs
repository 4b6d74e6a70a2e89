//! Runs of the tool that are killed.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// The tool with its first arguments.
pub(crate) fn tool(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bdbkit"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// As many kills as `BDBKIT_KILLS` in the environment says.
pub(crate) fn wanted(default: usize) -> usize {
    std::env::var("BDBKIT_KILLS").map_or(default, |kills| kills.parse().unwrap())
}

/// Ends a run at once, or asks it to end as the terminal does.
fn stop(child: &mut Child, interrupt: bool) {
    if interrupt {
        let done =
            Command::new("kill").args(["-INT", &child.id().to_string()]).stderr(Stdio::null()).status();
        assert!(done.is_ok(), "no program named kill");
    } else {
        child.kill().unwrap();
    }
}

/// Starts a run and stops it after some time; whether it was still running.
pub(crate) fn killed(mut run: Command, after: Duration, interrupt: bool) -> bool {
    let mut child = run.spawn().unwrap();
    sleep(after);
    stop(&mut child, interrupt);
    let output = child.wait_with_output().unwrap();
    let by_signal = output.status.signal().is_some();
    assert!(by_signal || output.status.success() || too_late(&output), "{}", told(&output));
    by_signal
}

pub(crate) fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Whether all files were new already, so that rolling back was refused.
pub(crate) fn too_late(output: &Output) -> bool {
    let words = ["can no longer be rolled back", "too late to bring the old file back"];
    output.status.code() == Some(1) && words.iter().any(|words| told(output).contains(words))
}
