//! The password of what is encrypted: given, in a file, or asked for.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bdbkit::{FileKind, ShowName};

use crate::failure::Failure;

/// The password of encrypted files.
#[derive(clap::Args)]
pub(crate) struct Password {
    /// Password of encrypted files; others can see it in the list of processes
    #[arg(short = 'P', value_name = "PASSWORD", conflicts_with = "password_file")]
    password: Option<String>,

    /// A file whose first line is the password
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// What a command was given: set by those that take a password.
static GIVEN: OnceLock<Option<String>> = OnceLock::new();

/// What was typed, if a command was given none.
static TYPED: OnceLock<Option<String>> = OnceLock::new();

impl Password {
    /// Sets it for all files, before any is opened.
    pub(crate) fn set(&self) -> Result<(), Failure> {
        let password = match (&self.password, &self.password_file) {
            (Some(password), _) => Some(password.clone()),
            (None, Some(file)) => {
                let text = fs::read_to_string(file).map_err(|error| Failure::io(file, &error))?;
                Some(text.lines().next().unwrap_or_default().to_owned())
            }
            (None, None) => None,
        };
        set(password);
        Ok(())
    }
}

/// Sets what a command was given.
pub(crate) fn set(password: Option<String>) {
    let _ = GIVEN.set(password);
}

/// The password that is known by now.
pub(crate) fn known() -> Option<&'static str> {
    let given = GIVEN.get().and_then(Option::as_deref);
    given.or_else(|| TYPED.get().and_then(Option::as_deref))
}

/// Whether the command takes one.
pub(crate) fn is_taken() -> bool {
    GIVEN.get().is_some()
}

/// The password for a database file: one that is encrypted is asked for, once for all, by commands
/// that take one and were given none, if somebody can answer.
pub(crate) fn of(path: &Path) -> Option<&'static str> {
    let asks = known().is_none() && is_taken() && TYPED.get().is_none();
    if asks && can_answer() && is_encrypted(path) {
        let prompt = format!("Password of {}: ", path.shown());
        let typed = rpassword::prompt_password(prompt).ok().filter(|password| !password.is_empty());
        let _ = TYPED.set(typed);
    }
    known()
}

fn can_answer() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn is_encrypted(path: &Path) -> bool {
    FileKind::at(path).is_ok_and(|kind| kind.database().is_some_and(|database| database.encrypted))
}
