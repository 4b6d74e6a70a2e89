//! How a command ends: exit codes, and one line on standard error for each failure.

use std::fmt::Display;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// How a command ended that could do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything was read.
    Complete,
    /// Something was not; standard error says what.
    Incomplete,
}

/// Why a command could not go on.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What to tell, in one line.
    Message(String),
    /// The output cannot be written: what to tell, in one line. Nothing goes on then.
    Output(String),
    /// Whoever reads the output has read enough.
    Closed,
}

impl Failure {
    /// Something about a file. Errors of the operating system name it already.
    pub(crate) fn about(path: &Path, error: &bdbkit::Error) -> Failure {
        Failure::Message(match error {
            bdbkit::Error::Open { .. } => error.to_string(),
            _ => about(path, error),
        })
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::Closed,
            _ => Failure::Output(format!("cannot write: {error}")),
        }
    }
}

/// A message about a file.
pub(crate) fn about(path: &Path, message: impl Display) -> String {
    format!("{}: {message}", path.display())
}

/// In how many places there was damage.
pub(crate) fn places(damaged: u64) -> String {
    format!("in {damaged} {}", if damaged == 1 { "place" } else { "places" })
}

/// Tells what went wrong, in one line.
pub(crate) fn complain(message: impl Display) {
    let line = message.to_string().replace(['\n', '\r'], " ");
    eprintln!("bdbkit: {line}");
}

impl Outcome {
    /// The exit code of a command.
    pub(crate) fn exit_code(outcome: Result<Outcome, Failure>) -> ExitCode {
        match outcome {
            Ok(Outcome::Complete) | Err(Failure::Closed) => ExitCode::SUCCESS,
            Ok(Outcome::Incomplete) => ExitCode::FAILURE,
            Err(Failure::Message(message) | Failure::Output(message)) => {
                complain(message);
                ExitCode::FAILURE
            }
        }
    }

    /// Complete if nothing was missed.
    pub(crate) fn complete_if(complete: bool) -> Outcome {
        if complete { Outcome::Complete } else { Outcome::Incomplete }
    }
}
