//! `bdbkit log`: transaction logs.

mod chains;
mod databases;
mod filter;
pub(crate) mod history;
mod line;
pub(crate) mod moments;
pub(crate) mod place;
mod print;
pub(crate) mod releases;
pub(crate) mod source;
mod stat;
pub(crate) mod summary;
mod timeline;
mod times;
mod types;
mod undelete;
mod verify;
mod zone;

use clap::Subcommand;

use crate::failure::{Failure, Outcome};

/// Read transaction logs: the files log.0000000001, log.0000000002, ...
///
/// Logs of versions 2 to 23 (releases 2.x to 18.1), of both byte orders, encrypted
/// ones too. Give the folder of an environment, or log files: those of one folder
/// are read as one log.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Print(print::Arguments),
    Verify(verify::Arguments),
    Stat(stat::Arguments),
    History(history::Arguments),
    Timeline(timeline::Arguments),
    Undelete(undelete::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    match &arguments.command {
        Command::Print(arguments) => print::run(arguments),
        Command::Verify(arguments) => verify::run(arguments),
        Command::Stat(arguments) => stat::run(arguments),
        Command::History(arguments) => history::run(arguments),
        Command::Timeline(arguments) => timeline::run(arguments),
        Command::Undelete(arguments) => undelete::run(arguments),
    }
}
