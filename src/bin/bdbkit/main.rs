//! The command-line tool: arguments in, text or JSON out, exit codes.

mod dump;
mod failure;
mod get;
mod info;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Outcome;

/// Reads the database files of Berkeley DB, without libdb.
///
/// BTREE and RECNO files of versions 6 to 9 (releases 2.x to 5.3), little- and
/// big-endian, one or several databases in a file. Files are only read, never
/// written.
#[derive(Parser)]
#[command(version, max_term_width = 100, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  bdbkit info mboxlist/*.db               what are these files?
  bdbkit dump -p folder.db | less         all pairs, readable
  bdbkit dump folder.db | db_load new.db  into a file of this machine's release
  bdbkit dump -l many.db                  names of the databases in a file
  bdbkit get folder.db user/alice/INBOX   one value

Exit codes: 0 done; 1 not found, or something could not be read (whatever could
be read was printed, and every damage was named on standard error); 2 wrong usage.";

#[derive(Subcommand)]
enum Command {
    Info(info::Arguments),
    Dump(dump::Arguments),
    Get(get::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Info(arguments) => info::run(&arguments),
        Command::Dump(arguments) => dump::run(&arguments),
        Command::Get(arguments) => get::run(&arguments),
    };
    Outcome::exit_code(outcome)
}
