//! `bdbkit store`: the mail store of Sun Messaging Server as a whole.

mod list;
mod restore;
mod upgrade;

use crate::failure::{Failure, Outcome};

/// The mail store of Sun Messaging Server: its `mboxlist` folder as a whole
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    List(list::Arguments),
    Upgrade(upgrade::Arguments),
    #[command(name = "restore-snapshot")]
    Restore(restore::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    match &arguments.command {
        Command::List(arguments) => list::run(arguments),
        Command::Upgrade(arguments) => upgrade::run(arguments),
        Command::Restore(arguments) => restore::run(arguments),
    }
}
