//! The command-line tool: arguments in, text or JSON out, exit codes.

#![deny(clippy::disallowed_methods)]

mod beside;
mod called;
mod carve;
mod change;
mod colour;
mod compact;
mod convert;
mod diff;
mod downgrade;
mod dump;
mod evidence;
mod explain;
mod export;
mod failure;
mod files;
mod genuine;
mod get;
mod hex;
mod hints;
mod info;
mod input;
mod json;
mod load;
mod log;
mod manual;
mod map;
mod output;
mod page;
mod password;
mod places;
mod progress;
mod recover;
mod recovered;
mod repair;
mod reset;
mod salvage;
mod store;
mod table;
mod terminal;
mod time;
mod upgrade;
mod verify;

use std::io;
use std::process::ExitCode;

use clap::{ArgMatches, ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand};

use failure::Outcome;

/// Reads, upgrades and recovers the database and log files of Berkeley DB, without libdb.
///
/// BTREE, RECNO, HASH, QUEUE and HEAP files of releases 1.85 to 18.1, transaction logs of versions 2
/// to 23, little- and big-endian. Files are only read, never written, except by upgrade, convert,
/// downgrade, repair and the reset commands; load, compact and recover write new ones.
#[derive(Parser)]
#[command(version, propagate_version = true, max_term_width = 100, after_help = EXAMPLES)]
struct Arguments {
    #[command(flatten)]
    opening: input::Opening,

    /// When text is in colours; otherwise NO_COLOR says so, and whether a terminal shows it
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t, hide_default_value = true)]
    color: ColorChoice,

    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  bdbkit info mboxlist/*.db                 # what are these files?
  bdbkit dump -p folder.db | less           # all pairs, readable
  bdbkit dump folder.db | bdbkit load --version 6 --byte-order big sparc.db
                                            # into a fresh file of any release and machine
  bdbkit compact folder.db small.db         # the same pairs, without free pages
  bdbkit dump -l many.db                    # names of the databases in a file
  bdbkit get folder.db user/alice/INBOX     # one value
  bdbkit diff old.db folder.db              # what differs?
  bdbkit verify mboxlist                    # are the databases in this folder sound?
  bdbkit salvage broken.db -f found.txt     # all that can be found in a damaged file, and
                                            # the db_load command that keeps all of it
  bdbkit carve disk.img -o found            # database and log files in an image of a disk
  bdbkit map folder.db -o map.html          # a picture of its pages; without -o in the terminal
  bdbkit upgrade --check mboxlist           # what would an upgrade to version 9 do?
  bdbkit upgrade mboxlist                   # upgrade all databases of the folder, or none
  bdbkit convert --byte-order little mboxlist
                                            # all databases of the folder, for machines such as x86
  bdbkit downgrade --to 8 --check folder.db # back to the form of an earlier release: what would be done?
  bdbkit repair --check folder.db           # what of the damage can be mended without guessing?
  bdbkit recover --check store              # what would recovery do to what a crash left?
  bdbkit store list --deleted mboxlist      # what does a mail store hold, as evidence?
  bdbkit store survey mboxlist              # a mail store: how was it left, what wrote it?
  bdbkit store plan mboxlist --target 7u3   # how does it come to another release?
  bdbkit info store                         # log files and databases of an environment
  bdbkit log print store | less             # all log records, as db_printlog has them
  bdbkit log print --json --txn 80000002 store/log.0000000007
  bdbkit log verify store                   # is the log whole?
  bdbkit log history store --db folder.db --key user/alice/
                                            # who put, replaced, deleted these, and when?

Exit codes:
  0  done, and nothing is wrong
  1  findings; not found; something could not be read or done (whatever could be read was
     printed, and every damage was named on standard error)
  2  wrong usage
  3  not a database, or of a kind that is not supported
  4  refused, because something must be done first: standard error says what
  of diff, as of diff(1): 0 no difference, 1 differences, 2 anything else

Names of files are printed so that they do nothing: what moves a cursor, breaks a line or is not
UTF-8 as \\ and two hexadecimal digits a byte, a backslash as \\\\.";

#[derive(Subcommand)]
enum Command {
    Info(info::Arguments),
    Dump(dump::Arguments),
    Diff(diff::Arguments),
    Export(export::Arguments),
    Get(get::Arguments),
    Load(load::Arguments),
    Compact(compact::Arguments),
    Salvage(salvage::Arguments),
    Carve(carve::Arguments),
    Map(map::Arguments),
    Verify(verify::Arguments),
    Upgrade(upgrade::Arguments),
    Convert(convert::Arguments),
    Downgrade(downgrade::Arguments),
    Repair(repair::Arguments),
    Recover(recover::Arguments),
    #[command(name = "reset-lsn")]
    ResetLsn(reset::Lsn),
    #[command(name = "reset-fileid")]
    ResetFileId(reset::FileIds),
    Store(store::Arguments),
    Log(log::Arguments),
    Explain(explain::Arguments),
    Completions(manual::Completions),
    Manual(manual::Manual),
}

fn main() -> ExitCode {
    if let Some(code) = called::run() {
        return code;
    }
    let matches = Arguments::command().color(colour::asked()).try_get_matches();
    let parsed =
        matches.and_then(|matches| Ok((Arguments::from_arg_matches(&matches)?, wants_json(&matches))));
    let (Arguments { opening, color, command }, json) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return usage(&error),
    };
    opening.set();
    colour::set(color);
    let outcome = match command {
        Command::Info(arguments) => info::run(&arguments),
        Command::Dump(arguments) => dump::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Get(arguments) => get::run(&arguments),
        Command::Load(arguments) => load::run(&arguments),
        Command::Compact(arguments) => compact::run(&arguments),
        Command::Salvage(arguments) => salvage::run(&arguments),
        Command::Carve(arguments) => carve::run(&arguments),
        Command::Map(arguments) => map::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Upgrade(arguments) => upgrade::run(&arguments, &mut io::stdout().lock()),
        Command::Convert(arguments) => convert::run(&arguments),
        Command::Downgrade(arguments) => downgrade::run(&arguments),
        Command::Repair(arguments) => repair::run(&arguments),
        Command::Recover(arguments) => recover::run(&arguments, &mut io::stdout().lock()),
        Command::ResetLsn(arguments) => reset::lsn(&arguments, &mut io::stdout().lock()),
        Command::ResetFileId(arguments) => reset::file_ids(&arguments, &mut io::stdout().lock()),
        Command::Store(arguments) => store::run(&arguments),
        Command::Log(arguments) => log::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Completions(arguments) => manual::completions(&arguments, Arguments::command()),
        Command::Manual(arguments) => manual::manual(&arguments, Arguments::command()),
    };
    Outcome::exit_code(outcome, json)
}

/// Whether the command has an option --json, and it was given.
fn wants_json(matches: &ArgMatches) -> bool {
    match matches.subcommand() {
        Some((_, matches)) => wants_json(matches),
        None => matches!(matches.try_get_one("json"), Ok(Some(true))),
    }
}

/// Help that was asked for, or what is wrong with the command line: the words on it may be names
/// of files, which do nothing to a terminal.
fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let words = std::env::args_os().map(|word| failure::harmless(&word.to_string_lossy()));
    let _ = match Arguments::command().color(colour::asked()).try_get_matches_from(words) {
        Err(same) => same.print(),
        Ok(_) => error.print(),
    };
    ExitCode::from(2)
}
