//! `bdbkit log undelete`: what a database held at a moment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use bdbkit::dump;
use bdbkit::recover::Until;
use bdbkit::undelete::{Loss, LossKind, Undelete, UndeleteError, Undeleted, UndeletedPair};
use bdbkit::{ErrorKind, dump::escape};
use serde::Serialize;

use super::databases;
use super::source::log_failure;
use crate::failure::{Failure, Outcome, about, complain, places};
use crate::hex::unhex;
use crate::input::{log_options, recovered_options};
use crate::json;
use crate::output::Output;
use crate::password::Password;
use crate::places::{self as folders, Places};
use crate::recover::until;
use crate::time::shown;

/// Write what a key, a prefix or a whole database held at a moment, as text that db_load reads
///
/// The database as a recovery to the moment would make it, in memory: no file is changed. Where that
/// cannot be, what the changes in the log alone tell of it, which may be less; standard error says so.
/// Without --at the moment is the last one before something of it was deleted or replaced, or the
/// file removed: just before that transaction committed. Exits with 1 if the database held nothing
/// of it then, or if something is missing; then there is no DATA=END line.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// The database: the name of its file, or FILE/NAME for one of several in a file
    #[arg(long, value_name = "NAME")]
    db: OsString,

    /// Only this key: its bytes as they are, or a record number
    #[arg(long, value_name = "KEY")]
    key: Option<OsString>,

    /// The same, given as hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = |hex: &str| unhex(hex.as_bytes()), conflicts_with = "key")]
    key_hex: Option<Bytes>,

    /// All keys that begin like the one given
    #[arg(long)]
    prefix: bool,

    /// The moment: an LSN, the end of a second since 1970, or a time
    #[arg(long, value_name = "LSN|TIME", value_parser = until)]
    at: Option<Until>,

    /// Write printing characters as they are, not as hexadecimal digits
    #[arg(short)]
    print: bool,

    /// Write to a file instead of standard output
    #[arg(short, value_name = "OUT")]
    output: Option<PathBuf>,

    /// One JSON object a line for each pair, and one for the whole
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    password: Password,

    #[command(flatten)]
    places: Places,

    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,

    /// The home of the environment
    #[arg(value_name = "DIR")]
    home: PathBuf,
}

/// By another name, since clap takes a `Vec` for an option that can be repeated.
type Bytes = Vec<u8>;

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let home = arguments.home.as_path();
    let key = arguments.key.as_ref().map(|key| key.as_encoded_bytes());
    let key = arguments.key_hex.as_deref().or(key);
    let question = Undelete::new(arguments.db.as_encoded_bytes());
    let question = match (key, arguments.prefix) {
        (Some(key), false) => question.key(key),
        (Some(prefix), true) => question.prefix(prefix),
        (None, false) => question,
        (None, true) => {
            return Err(Failure::Usage("--prefix says that --key is the beginning of keys: give one".into()));
        }
    };
    if home.is_file() {
        return Err(Failure::Usage(about(home, "a file: undelete takes the folder of the environment")));
    }
    arguments.password.set()?;
    let layout = arguments.places.layout(home);
    let placed = Outcome::complete_if(folders::complete(&layout));
    folders::note(&layout);
    let question = question.log(log_options()).files(recovered_options());
    let question = arguments.at.into_iter().fold(question, Undelete::at);
    let found = question.find(&layout).map_err(|error| failure(arguments, &layout.logs().path, &error))?;
    tell(home, &found);
    // Whatever has another name is no file of the environment.
    let mut out = Output::open(arguments.output.as_deref(), home)?;
    let (records, damaged) =
        if arguments.json { lines(arguments, &found, &mut out)? } else { text(arguments, &found, &mut out)? };
    out.finish()?;
    if damaged > 0 {
        let lost = places(damaged);
        complain(about(
            home,
            format_args!("what is needed is damaged or not in the log {lost}: not complete"),
        ));
    }
    if records == 0 {
        let nothing = format!("{} held nothing of it then", escape(arguments.db.as_encoded_bytes()));
        return Err(Failure::Message(about(home, nothing)));
    }
    Ok(Outcome::complete_if(damaged == 0).and(placed))
}

fn failure(arguments: &Arguments, logs: &Path, error: &UndeleteError) -> Failure {
    let home = arguments.home.as_path();
    match error {
        UndeleteError::Log(error) => log_failure(logs, error),
        UndeleteError::UnknownDatabase => {
            let name = escape(arguments.db.as_encoded_bytes());
            let known = log_options().open_dir(logs).map(|log| databases::unknown(&log.files(), &name));
            Failure::Message(about(home, known.unwrap_or_else(|error| error.to_string())))
        }
        UndeleteError::SeveralDatabases(names) => {
            let names = names.join(", ");
            Failure::Usage(about(
                home,
                format_args!("several databases are meant: give one of {names} with --db"),
            ))
        }
        UndeleteError::NothingLost { .. } => {
            Failure::Message(about(home, format_args!("{error}: --at asks for a moment")))
        }
        UndeleteError::Unseen { .. } => Failure::Message(about(home, error).kind(ErrorKind::Unsupported)),
        _ => Failure::Message(about(home, error)),
    }
}

/// Says which moment it is, and what may be missing.
fn tell(home: &Path, found: &Undeleted) {
    if let Some(loss) = found.loss() {
        complain(about(home, format_args!("note: as it was before {}", said(loss))));
    }
    if let Some(why) = found.from_log_alone() {
        let note = "note: from the changes in the log alone, without pairs that are older and not among them";
        complain(about(home, format_args!("{note}: {why}")));
    }
}

fn said(loss: &Loss) -> String {
    let what = match loss.kind {
        LossKind::Delete => "a pair was deleted",
        LossKind::Replace => "a value was replaced",
        LossKind::Remove => "the file was removed",
        _ => "it was changed",
    };
    let when = loss.time.map(|time| format!(", {}", shown(time))).unwrap_or_default();
    match loss.txn {
        Some(txn) => {
            format!(
                "{what} at {} by transaction {txn}, which committed at {}{when}",
                loss.lsn, loss.committed
            )
        }
        None => format!("{what} at {}, outside of transactions", loss.lsn),
    }
}

/// The pairs as text; how many they are, and how much is missing.
fn text(arguments: &Arguments, found: &Undeleted, out: &mut Output) -> Result<(u64, u64), Failure> {
    let home = arguments.home.as_path();
    let writer = dump::Writer::new().print(arguments.print);
    let summary = found.write(writer, out, |damage| complain(about(home, damage.error)));
    match summary {
        Ok(summary) => Ok((summary.records, summary.damaged)),
        Err(dump::DumpError::Write(error)) => Err(error.into()),
        Err(other) => Err(Failure::Message(about(home, other))),
    }
}

#[derive(Serialize)]
struct PairLine<'a> {
    database: Option<String>,
    key: Option<json::Bytes<'a>>,
    record: Option<u32>,
    value: json::Bytes<'a>,
}

#[derive(Serialize)]
struct Line<'a> {
    dir: String,
    moment_lsn: Option<json::Lsn>,
    moment: Option<json::Time>,
    /// The change before which that is.
    loss: Option<LossPart>,
    log_alone: Option<&'a str>,
    pairs: u64,
    missing_pairs: u64,
}

#[derive(Serialize)]
struct LossPart {
    lsn: json::Lsn,
    action: &'static str,
    txn: Option<String>,
    commit_lsn: json::Lsn,
    time: Option<json::Time>,
}

impl LossPart {
    fn of(loss: &Loss) -> LossPart {
        LossPart {
            lsn: loss.lsn.into(),
            action: match loss.kind {
                LossKind::Delete => "delete",
                LossKind::Replace => "replace",
                _ => "remove",
            },
            txn: loss.txn.map(|txn| txn.to_string()),
            commit_lsn: loss.committed.into(),
            time: loss.time.map(json::Time::of_seconds),
        }
    }
}

/// The same as JSON.
fn lines(arguments: &Arguments, found: &Undeleted, out: &mut Output) -> Result<(u64, u64), Failure> {
    let home = arguments.home.as_path();
    let (mut pairs, mut missing) = (0_u64, found.missing());
    found.each(|pair| match pair {
        Ok(UndeletedPair { database, key, value, record, .. }) => {
            pairs = pairs.saturating_add(1);
            let database = database.map(json::raw_name);
            let key = record.is_none().then_some(json::Bytes(key));
            let line = PairLine { database, key, record, value: json::Bytes(value) };
            json::line("undeleted_pair", &line, out)
        }
        Err(error) => {
            missing = missing.saturating_add(1);
            complain(about(home, error));
            Ok(())
        }
    })?;
    let (moment_lsn, moment) = match found.moment() {
        Until::Lsn(lsn) => (Some(lsn.into()), None),
        Until::Time(time) => (None, Some(json::Time::of_seconds(time))),
    };
    let line = Line {
        dir: json::name(home),
        moment_lsn,
        moment,
        loss: found.loss().map(LossPart::of),
        log_alone: found.from_log_alone(),
        pairs,
        missing_pairs: missing,
    };
    json::line("undeleted", &line, out)?;
    Ok((pairs, missing))
}
