//! `bdbkit store`: the mail store of Sun Messaging Server as a whole.

mod convert;
mod json;
mod list;

mod plan;
mod recover;
mod restore;
mod snapshots;
mod survey;
mod text;
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
    Survey(survey::Arguments),
    Plan(plan::Arguments),
    Recover(recover::Arguments),
    Upgrade(upgrade::Arguments),
    Convert(convert::Arguments),
    Snapshots(snapshots::Arguments),
    #[command(name = "restore-snapshot")]
    Restore(restore::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    match &arguments.command {
        Command::List(arguments) => list::run(arguments),
        Command::Survey(arguments) => survey::run(arguments),
        Command::Plan(arguments) => plan::run(arguments),
        Command::Recover(arguments) => recover::run(arguments),
        Command::Upgrade(arguments) => upgrade::run(arguments),
        Command::Convert(arguments) => convert::run(arguments),
        Command::Snapshots(arguments) => snapshots::run(arguments),
        Command::Restore(arguments) => restore::run(arguments),
    }
}
