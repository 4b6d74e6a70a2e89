//! How a command ends: exit codes, and one line on standard error for each failure.

use bdbkit::{ErrorKind, ShowName};
use std::fmt::Display;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// How a command ended that could do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything was done, and nothing is wrong.
    Complete,
    /// What was asked about is no database, or of a kind that is not supported.
    Unsupported,
    /// Something must be done first; standard error says what.
    Refused,
    /// There are findings, or something was not done; standard error says what.
    Incomplete,
}

/// Why a command could not go on.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What to tell, in one line.
    Message(String),
    /// It was asked for something that cannot be meant: what to tell.
    Usage(String),
    /// Not a database, or of a kind that is not supported: what to tell.
    Unsupported(String),
    /// Something must be done first: what to tell.
    Refused(String),
    /// The output cannot be written: what to tell, in one line. Nothing goes on then.
    Output(String),
    /// Whoever reads the output has read enough.
    Closed,
}

impl Failure {
    /// Something about a file, and who may read it if this command does not.
    pub(crate) fn about(path: &Path, error: &bdbkit::Error) -> Failure {
        let Some(hint) = salvage_may(error) else { return Failure::plain(path, error) };
        Failure::Unsupported(format!("{}{hint}", about(path, error)))
    }

    /// Something about a file. Errors of the operating system name it already.
    pub(crate) fn plain(path: &Path, error: &bdbkit::Error) -> Failure {
        let message = match error {
            bdbkit::Error::Open { .. } => error.to_string(),
            _ => about(path, error),
        };
        match error.kind() {
            ErrorKind::NotADatabase | ErrorKind::Unsupported => Failure::Unsupported(message),
            ErrorKind::Interrupted => Failure::Refused(message),

            _ => Failure::Message(message),
        }
    }

    /// What the failure makes of the whole command if it goes on, and its message told;
    /// otherwise the failure itself.
    pub(crate) fn survive(self) -> Result<Outcome, Failure> {
        let (message, outcome) = match self {
            Failure::Message(message) => (message, Outcome::Incomplete),
            Failure::Unsupported(message) => (message, Outcome::Unsupported),
            Failure::Refused(message) => (message, Outcome::Refused),
            other => return Err(other),
        };
        complain(message);
        Ok(outcome)
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

/// What to add to a refusal of a file in which a salvage finds records all the same.
pub(crate) fn salvage_may(error: &bdbkit::Error) -> Option<&'static str> {
    bdbkit::salvage::may_read(error).then_some(" (\"bdbkit salvage\" may find what is in it)")
}

/// A message about a file.
pub(crate) fn about(path: &Path, message: impl Display) -> String {
    format!("{}: {message}", path.shown())
}

/// In how many places there was damage.
pub(crate) fn places(damaged: u64) -> String {
    format!("in {damaged} {}", if damaged == 1 { "place" } else { "places" })
}

/// A text in one line, in which nothing moves a cursor or turns the text around. The names in it
/// are [shown](ShowName) already, so that a backslash stays one.
pub(crate) fn harmless(text: &str) -> String {
    let parts = text.split_inclusive('\\').map(|part| match part.strip_suffix('\\') {
        Some(before) => format!("{}\\", before.shown()),
        None => part.shown().to_string(),
    });
    parts.collect()
}

/// Tells what went wrong, in one line.
pub(crate) fn complain(message: impl Display) {
    eprintln!("bdbkit: {}", harmless(&message.to_string()));
}

impl Outcome {
    /// The exit code of a command.
    pub(crate) fn exit_code(outcome: Result<Outcome, Failure>) -> ExitCode {
        let outcome = match outcome.or_else(Failure::survive) {
            Ok(outcome) => outcome,
            Err(Failure::Closed) => Outcome::Complete,
            Err(Failure::Usage(message)) => {
                complain(message);
                return ExitCode::from(2);
            }
            Err(failure) => {
                if let Failure::Output(message) = failure {
                    complain(message);
                }
                Outcome::Incomplete
            }
        };
        ExitCode::from(match outcome {
            Outcome::Complete => 0,
            Outcome::Incomplete => 1,
            Outcome::Unsupported => 3,
            Outcome::Refused => 4,
        })
    }

    /// Complete if nothing was missed.
    pub(crate) fn complete_if(complete: bool) -> Outcome {
        if complete { Outcome::Complete } else { Outcome::Incomplete }
    }

    /// What two parts of a command make together: the same if they ended alike or one of them
    /// went well, and otherwise incomplete.
    pub(crate) fn and(self, other: Outcome) -> Outcome {
        match (self, other) {
            (Outcome::Complete, other) => other,
            (one, Outcome::Complete) => one,
            (one, other) if one == other => one,
            _ => Outcome::Incomplete,
        }
    }
}
