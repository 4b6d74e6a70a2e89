//! Where the text of a command goes.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use serde::Serialize;

use crate::failure::{Failure, about};

/// Writes a value as one line of JSON.
pub(crate) fn json_line(value: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

/// A number of things.
pub(crate) fn counted(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Standard output, or a file.
pub(crate) struct Output {
    pub(crate) to: Box<dyn Write>,
    /// Whether a terminal shows it.
    pub(crate) terminal: bool,
}

impl Output {
    /// Opens the file `to`, if there is one: never the input itself.
    pub(crate) fn open(to: Option<&Path>, input: &Path) -> Result<Output, Failure> {
        let Some(path) = to else {
            let out = io::stdout();
            return Ok(Output { terminal: out.is_terminal(), to: Box::new(out) });
        };
        if same_file::is_same_file(path, input).unwrap_or(false) {
            return Err(Failure::Message(about(path, "is the database itself: not overwritten")));
        }
        let file = File::create(path).map_err(|error| Failure::Message(about(path, error)))?;
        Ok(Output { terminal: false, to: Box::new(file) })
    }
}
