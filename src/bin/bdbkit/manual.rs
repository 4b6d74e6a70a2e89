//! `bdbkit completions` and `bdbkit manual`: what a shell and `man` know of the tool.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Command;
use clap_complete::Shell;

use crate::failure::{Failure, Outcome};

/// Write what completes the words of a command line, for a shell to read
///
/// For bash: bdbkit completions bash > ~/.local/share/bash-completion/completions/bdbkit
#[derive(clap::Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Write the manual pages into a folder: bdbkit.1, and one for each command
#[derive(clap::Args)]
pub(crate) struct Manual {
    /// The folder, which is made if it is not there
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(crate) fn completions(arguments: &Completions, mut tool: Command) -> Result<Outcome, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut tool, "bdbkit", &mut text);
    let mut out = io::stdout().lock();
    out.write_all(&text)?;
    out.flush()?;
    Ok(Outcome::Complete)
}

pub(crate) fn manual(arguments: &Manual, tool: Command) -> Result<Outcome, Failure> {
    let folder = &arguments.folder;
    let io = |error: io::Error| Failure::io(folder, &error);
    fs::create_dir_all(folder).map_err(io)?;
    clap_mangen::generate_to(tool, folder).map_err(io)?;
    Ok(Outcome::Complete)
}
