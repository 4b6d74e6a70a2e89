//! How a command ends: exit codes, and what is told of each failure: one line on standard error,
//! and one object if the output is JSON.

use std::fmt::{self, Display};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::OnceLock;

use bdbkit::{ErrorKind, ShowName};
use serde::Serialize;

use crate::{colour, hints, json};

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
    /// Something could not be compared: what `diff` ends with in place of all others.
    Trouble,
}

/// Why a command could not go on.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something was not done.
    Message(Told),
    /// It was asked for something that cannot be meant.
    Usage(Told),
    /// Not a database, or of a kind that is not supported.
    Unsupported(Told),
    /// Something must be done first.
    Refused(Told),
    /// Something could not be compared.
    Trouble(Told),
    /// The output cannot be written: nothing goes on then.
    Output(Told),
    /// Whoever reads the output has read enough.
    Closed,
}

/// What is told of a failure, in one line.
#[derive(Debug)]
pub(crate) struct Told {
    /// The file or folder that it is about.
    file: Option<PathBuf>,
    kind: Option<ErrorKind>,
    /// What `bdbkit explain` knows it by.
    code: Option<&'static str>,
    text: String,
    /// What is told before.
    others: Vec<Told>,
}

impl Failure {
    /// Something about a file, and who may read it if this command does not.
    pub(crate) fn about(path: &Path, error: &bdbkit::Error) -> Failure {
        let Some(hint) = hints::salvage_may(error) else { return Failure::plain(path, error) };
        Failure::Unsupported(about(path, error).and(hint).kind(error.kind()))
    }

    /// Something about a file. Errors of the operating system name it already.
    pub(crate) fn plain(path: &Path, error: &bdbkit::Error) -> Failure {
        let told = match error {
            bdbkit::Error::Open { .. } => Told::new(Some(path), error.to_string()),
            _ => about(path, hints::damage(error)),
        };
        Failure::of_kind(error.kind())(told.kind(error.kind()))
    }

    /// The operating system refused something.
    pub(crate) fn io(path: &Path, error: &io::Error) -> Failure {
        Failure::Message(about(path, error).kind(ErrorKind::Io))
    }

    /// What an error of the library makes of a command.
    pub(crate) fn of_kind(kind: ErrorKind) -> fn(Told) -> Failure {
        match kind {
            ErrorKind::NotADatabase | ErrorKind::Unsupported => Failure::Unsupported,
            ErrorKind::Interrupted => Failure::Refused,
            _ => Failure::Message,
        }
    }

    /// The same of a command that compares, which has one exit code for all that goes wrong.
    pub(crate) fn trouble(self) -> Failure {
        match self {
            Failure::Message(told) | Failure::Unsupported(told) | Failure::Refused(told) => {
                Failure::Trouble(told)
            }
            other => other,
        }
    }

    /// Tells the failure, with an object in what is JSON, and says what it makes of the whole
    /// command if it goes on; otherwise gives it back.
    pub(crate) fn survive<W: Write>(self, json: Option<&mut W>) -> Result<Outcome, Failure> {
        let (told, kind, outcome) = match self {
            Failure::Message(told) => (told, "failed", Outcome::Incomplete),
            Failure::Unsupported(told) => (told, "unsupported", Outcome::Unsupported),
            Failure::Refused(told) => (told, "refused", Outcome::Refused),
            Failure::Trouble(told) => (told, "failed", Outcome::Trouble),
            other => return Err(other),
        };
        told.tell(kind, outcome.code(), json)?;
        Ok(outcome)
    }

    /// Tells the failure that ended the command, and gives its exit code.
    fn end(self, json: bool) -> u8 {
        let mut out = io::stdout();
        let rest = match self.survive(json.then_some(&mut out)) {
            Ok(outcome) => return outcome.code(),
            Err(rest) => rest,
        };
        match rest {
            Failure::Usage(told) => {
                let _ = told.tell("usage", 2, json.then_some(&mut out));
                2
            }
            Failure::Closed => 0,
            Failure::Output(told) => {
                complain(told);
                1
            }
            _ => 1,
        }
    }
}

impl Told {
    /// Something about a file, if it is about one; the text names it.
    pub(crate) fn new(file: Option<&Path>, text: String) -> Told {
        Told { file: file.map(Path::to_owned), ..text.into() }
    }

    /// The same, and more of it.
    pub(crate) fn and(self, more: &str) -> Told {
        Told { text: self.text + more, ..self }
    }

    pub(crate) fn kind(self, kind: ErrorKind) -> Told {
        Told { kind: Some(kind), ..self }
    }

    pub(crate) fn code(self, code: Option<&'static str>) -> Told {
        Told { code, ..self }
    }

    /// The same, and others before it.
    pub(crate) fn after(self, others: Vec<Told>) -> Told {
        Told { others, ..self }
    }

    /// The text, with what the tool has for such a thing.
    fn text(&self) -> String {
        let by_code = self.code.and_then(hints::of);
        hints::with(&self.text, by_code.or_else(|| self.kind.and_then(hints::of_kind)))
    }

    fn tell<W: Write>(mut self, kind: &'static str, exit: u8, mut json: Option<&mut W>) -> io::Result<()> {
        for other in std::mem::take(&mut self.others) {
            other.tell(kind, exit, json.as_deref_mut())?;
        }
        complain(&self);
        let Some(out) = json else { return Ok(()) };
        let line = Line {
            file: self.file.as_deref().map(json::name),
            kind: self.kind.map_or(kind, ErrorKind::name),
            code: self.code,
            message: harmless(&self.text()),
            exit,
        };
        json::line("error", &line, out)?;
        out.flush()
    }
}

/// A failure, for programs.
#[derive(Serialize)]
struct Line {
    file: Option<String>,
    kind: &'static str,
    code: Option<&'static str>,
    message: String,
    exit: u8,
}

impl Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())?;
        self.code.map_or(Ok(()), |code| write!(f, " [{code}]"))
    }
}

impl<T: Into<String>> From<T> for Told {
    fn from(text: T) -> Told {
        Told { file: None, kind: None, code: None, text: text.into(), others: Vec::new() }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::Closed,
            _ => Failure::Output(format!("cannot write: {error}").into()),
        }
    }
}

/// A message about a file.
pub(crate) fn about(path: &Path, message: impl Display) -> Told {
    Told::new(Some(path), format!("{}: {message}", path.shown()))
}

/// What stands for the output of a command that writes no JSON.
pub(crate) const NO_JSON: Option<&mut io::Sink> = None;

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

/// What the tool is called, if by another name than its own.
static CALLED: OnceLock<String> = OnceLock::new();

/// Sets the name by which the tool is called: what it tells begins with that.
pub(crate) fn call(name: &str) {
    let _ = CALLED.set(name.to_owned());
}

/// Tells what went wrong, in one line.
pub(crate) fn complain(message: impl Display) {
    let name = format!("{}:", CALLED.get().map_or("bdbkit", String::as_str));
    eprintln!("{} {}", colour::err(name, colour::ERROR), harmless(&message.to_string()));
}

impl Outcome {
    /// The exit code of a command; with what ended it told, as JSON too if that was asked for.
    pub(crate) fn exit_code(outcome: Result<Outcome, Failure>, json: bool) -> ExitCode {
        outcome.map_or_else(|failure| failure.end(json), Outcome::code).into()
    }

    /// Tells the failure that ended something.
    pub(crate) fn tell(failure: Failure) {
        failure.end(false);
    }

    fn code(self) -> u8 {
        match self {
            Outcome::Complete => 0,
            Outcome::Incomplete => 1,
            Outcome::Trouble => 2,
            Outcome::Unsupported => 3,
            Outcome::Refused => 4,
        }
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
            (Outcome::Trouble, _) | (_, Outcome::Trouble) => Outcome::Trouble,
            (one, other) if one == other => one,
            _ => Outcome::Incomplete,
        }
    }
}
