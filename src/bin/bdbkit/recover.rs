//! `bdbkit recover`: the databases of an environment as its log says they should be.

pub(crate) mod in_place;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bdbkit::ShowName;
use bdbkit::env::Layout;
use bdbkit::log::TxnId;
use bdbkit::recover::{
    FileChange, InDoubt, Recover, RecoverError, RecoverReport, RecoveredFile, RecoveredTransaction, Until,
    View,
};
use serde::Serialize;

use crate::evidence::Evidence;
use crate::failure::{Failure, Outcome, about, complain};
use crate::input::{log_options, recovered_options};
use crate::json;
use crate::log::source::log_failure;
use crate::output::counted;
use crate::password::Password;
use crate::places::{self, Places};
use crate::time;

/// Bring the databases of an environment to their consistent state
///
/// What committed transactions changed and the files lack is done, what unfinished ones left
/// in them is taken back: as the release would that wrote the log, and without it. Logs of releases
/// 2.x, 3.2 and 4.1 to 5.3, from machines of either byte order. All files change as one unit: journals
/// beside them hold what was there and what is to be, and whatever happens then, a later run completes
/// all of it or brings all of it back. Every database is checked before it counts. In the end the region
/// files are removed, as the release would; logs are never touched.
///
/// --to writes the databases into a new folder instead, and nothing into the environment; --check tells
/// only what would be done, and exits with 1 if that is anything.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, disable_help_flag = true)]
pub(crate) struct Arguments {
    /// Write the databases into this folder, which is made
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,

    /// Tell what would be done, and write nothing
    #[arg(long, conflicts_with = "to")]
    check: bool,

    /// Repeat the faults that the release has which wrote the log: to compare with it
    #[arg(long)]
    strict: bool,

    #[command(flatten)]
    choices: Choices,

    #[command(flatten)]
    in_place: in_place::Options,

    /// Tell the SHA-256 of every log file and database that is there, taken before, and see afterwards
    /// that they are the same
    #[arg(long)]
    hash: bool,

    #[command(flatten)]
    password: Password,

    #[command(flatten)]
    places: Places,

    #[command(flatten)]
    form: Form,

    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,

    /// The home of the environment
    #[arg(value_name = "DIR")]
    home: PathBuf,
}

/// How a report is printed.
#[derive(clap::Args, Clone, Copy, Default)]
pub(crate) struct Form {
    /// Tell what became of the records of each transaction, too
    #[arg(long)]
    transactions: bool,

    /// One JSON object for each file, and one for the environment
    #[arg(long)]
    pub(crate) json: bool,
}

impl Form {
    /// As text or as JSON, without transactions.
    pub(crate) fn json(json: bool) -> Form {
        Form { json, transactions: false }
    }
}

/// Which recovery is meant.
#[derive(clap::Args)]
pub(crate) struct Choices {
    /// Begin with the first record, whatever checkpoints say: for files that are older than the
    /// last checkpoint, or missing
    #[arg(short = 'c', long)]
    catastrophic: bool,

    /// To this moment: an LSN, the end of a second since 1970, or a time; what commits later is taken back
    #[arg(long, value_name = "LSN|TIME", value_parser = until)]
    until: Option<Until>,

    /// What transactions count as that were prepared, and not decided (default: commit)
    #[arg(long, value_name = "OUTCOME", value_enum)]
    in_doubt: Option<Prepared>,

    /// As if this transaction had not committed: refused if others changed its pages later
    #[arg(long, value_name = "TXN", value_parser = transaction)]
    without: Option<TxnId>,
}

impl Choices {
    /// Whether one was made.
    pub(crate) fn are_made(&self) -> bool {
        self.catastrophic || self.until.is_some() || self.in_doubt.is_some() || self.without.is_some()
    }

    /// The recovery.
    pub(crate) fn recover(&self) -> Recover {
        let recover = Recover::new().catastrophic(self.catastrophic).in_doubt(self.in_doubt());
        let recover = self.until.into_iter().fold(recover, Recover::until);
        self.without.into_iter().fold(recover, Recover::without)
    }

    /// What prepared transactions count as.
    pub(crate) fn in_doubt(&self) -> InDoubt {
        self.in_doubt.unwrap_or_default().in_doubt()
    }
}

/// Reads the number of a transaction, as logs are printed.
fn transaction(text: &str) -> Result<TxnId, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let number = u32::from_str_radix(digits, 16).map_err(|_| "a hexadecimal number, as 80000003".to_owned());
    number.map(TxnId)
}
const EXAMPLES: &str = "\
Examples:
  bdbkit recover --check mboxlist               # what would be done?
  bdbkit recover --to copy mboxlist             # leaves mboxlist alone
  bdbkit recover mboxlist                       # in place, all files or none
  bdbkit recover --resume mboxlist              # after a crash: complete it
  bdbkit recover --rollback mboxlist            # after a crash: bring the old files back";

/// Reads a moment.
pub(crate) fn until(text: &str) -> Result<Until, String> {
    match text.parse() {
        Ok(lsn) => Ok(Until::Lsn(lsn)),
        Err(_) => {
            time::parse(text).map(Until::Time).map_err(|error| format!("{error}; or an LSN, as 7/1234"))
        }
    }
}

/// What a prepared transaction counts as.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default)]
enum Prepared {
    /// As committed: a transaction manager may decide so
    #[default]
    Commit,
    /// As unfinished: it is taken back
    Abort,
}

impl Prepared {
    fn in_doubt(self) -> InDoubt {
        match self {
            Prepared::Commit => InDoubt::Commit,
            Prepared::Abort => InDoubt::Abort,
        }
    }
}

pub(crate) fn run(arguments: &Arguments, out: &mut impl Write) -> Result<Outcome, Failure> {
    let home = arguments.home.as_path();
    if home.is_file() {
        return Err(Failure::Usage(about(home, "a file: recover takes the folder of the environment")));
    }
    let layout = arguments.places.layout(home);
    let placed = Outcome::complete_if(places::complete(&layout));
    places::note(&layout);
    let recover = arguments.choices.recover().strict(arguments.strict);
    arguments.password.set()?;
    if arguments.to.is_none() && !arguments.check {
        if arguments.hash {
            return Err(Failure::Usage("--hash goes with --check or --to: otherwise files change".into()));
        }
        return here(arguments, &layout, recover, out).map(|outcome| outcome.and(placed));
    }
    if arguments.to.is_some() && arguments.in_place.are_given() {
        return Err(Failure::Usage(
            "--to leaves the environment alone: it goes with no option of its files".into(),
        ));
    }
    let evidence = arguments.hash.then(|| Evidence::of(&layout)).transpose()?;
    let view = view(home, &layout, recover)?;
    let report = view.report();
    let outcome = tell(home, report, arguments.choices.in_doubt());
    let copy = arguments.to.as_deref();
    if let Some(folder) = copy {
        view.write_to(folder).map_err(|error| Failure::io(folder, &error))?;
    }
    let place = copy.map_or(Place::Nowhere, Place::Copy);
    self::report(home, place, report, arguments.form, out)?;
    let untouched = match &evidence {
        Some(evidence) => {
            evidence.write(arguments.form.json, out)?;
            evidence.stayed(&layout)?
        }
        None => Outcome::Complete,
    };
    let wanted = copy.is_some() || report.is_clean();
    Ok(Outcome::complete_if(wanted).and(outcome).and(placed).and(untouched))
}

/// Recovers an environment in place.
fn here(
    arguments: &Arguments,
    layout: &Layout,
    recover: Recover,
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    let home = arguments.home.as_path();
    if arguments.in_place.settles() {
        return arguments.in_place.settle(home, layout, arguments.form.json, out);
    }
    let done = arguments.in_place.run(home, layout, recover)?;
    in_place::done(home, &done, arguments.choices.in_doubt(), arguments.form, out)
}

/// Where recovered databases are.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    /// Nowhere.
    Nowhere,
    /// In a new folder.
    Copy(&'a Path),
    /// Where they were; these region files were removed.
    Here(&'a [PathBuf]),
}

/// The databases of an environment as they would be.
pub(crate) fn view(home: &Path, layout: &Layout, recover: Recover) -> Result<View, Failure> {
    let view = recover.log(log_options()).files(recovered_options()).view(layout);
    view.map_err(|error| failure(home, &layout.logs().path, &error))
}

/// Tells what was not recovered, and what others decide; whether every file is consistent.
pub(crate) fn tell(home: &Path, report: &RecoverReport, in_doubt: InDoubt) -> Outcome {
    for file in &report.files {
        if let Some(why) = &file.stopped {
            complain(about(&home.join(&file.name), format_args!("not recovered: {why}")));
        }
    }
    let counts = match in_doubt {
        InDoubt::Commit => "counts as committed",
        InDoubt::Abort => "is taken back",
    };
    for (txn, lsn) in &report.in_doubt {
        complain(about(home, format_args!("note: transaction {txn} was prepared ({lsn}): it {counts}")));
    }
    Outcome::complete_if(report.is_complete())
}

fn failure(home: &Path, logs: &Path, error: &RecoverError) -> Failure {
    match error {
        RecoverError::Log(error) => log_failure(logs, error),
        RecoverError::Version { .. } => Failure::Unsupported(about(home, error)),
        _ => Failure::Message(about(home, error)),
    }
}

/// Prints what was done, or would be.
pub(crate) fn report(
    home: &Path,
    place: Place<'_>,
    report: &RecoverReport,
    form: Form,
    out: &mut impl Write,
) -> io::Result<()> {
    let transactions = report.by_transaction.iter().filter(|_| form.transactions);
    if form.json {
        lines(home, place, report, transactions, out)
    } else {
        text(home, place, report, transactions, out)
    }
}

fn text<'r>(
    home: &Path,
    place: Place<'_>,
    report: &RecoverReport,
    transactions: impl Iterator<Item = &'r RecoveredTransaction>,
    out: &mut impl Write,
) -> io::Result<()> {
    for file in &report.files {
        let what = match file.change {
            FileChange::Kept if file.pages == 0 && !file.resized => continue,
            FileChange::Kept => changes(file),
            FileChange::Made => format!("made, or named anew; {}", changes(file)),
            _ => "removed, or named anew".to_owned(),
        };
        writeln!(out, "{}: {what}", file.name.shown())?;
    }
    for of in transactions {
        let what = counts(of.redone, of.undone, of.settled);
        let fate = if of.committed { "committed" } else { "did not commit" };
        writeln!(out, "transaction {} ({} to {}) {fate}: {what}", of.txn, of.first, of.last)?;
    }
    let left_out = [
        (report.unbound, "of databases that the log does not name"),
        (report.absent, "of databases that are not there"),
        (report.applications, "of applications"),
    ];
    for (count, whose) in left_out.into_iter().filter(|(count, _)| *count > 0) {
        writeln!(out, "{}: left out: {} {whose}", home.shown(), counted(count, "record"))?;
    }
    let records = counted(report.records, "record");
    let state = match (report.is_complete(), report.is_clean(), place) {
        (true, true, _) => "nothing to recover",
        (true, _, Place::Nowhere) => "recovery is due",
        (true, ..) => "recovered",
        (false, _, Place::Nowhere) => "can be recovered in part only",
        (false, ..) => "recovered in part only",
    };
    let to = match place {
        Place::Copy(copy) => format!(" into {}", copy.shown()),
        _ => String::new(),
    };
    writeln!(out, "{}: {state}{to} ({records}, {} to {})", home.shown(), report.from, report.end)
}

fn changes(file: &RecoveredFile) -> String {
    let mut text = format!(
        "{} changed, {}",
        counted(file.pages, "page"),
        counts(file.redone, file.undone, file.settled)
    );
    if file.left > 0 {
        text.push_str(&format!(", {} not reached", counted(file.left, "record")));
    }
    text
}

fn counts(redone: u64, undone: u64, settled: u64) -> String {
    let mut text = format!("{} made, {} taken back", counted(redone, "change"), counted(undone, "change"));
    if settled > 0 {
        text.push_str(&format!(", {} with nothing to do", counted(settled, "record")));
    }
    text
}

#[derive(Serialize)]
struct FileLine<'r> {
    file: String,
    outcome: &'static str,
    pages: u64,
    resized: bool,
    redone: u64,
    undone: u64,
    /// Records of which the pages told that nothing was to be done.
    settled: u64,
    /// Records behind the one at which the file stopped, and that one.
    left: u64,
    problem: Option<&'r str>,
}

#[derive(Serialize)]
struct TransactionLine {
    transaction: String,
    outcome: &'static str,
    first_lsn: json::Lsn,
    last_lsn: json::Lsn,
    redone: u64,
    undone: u64,
    settled: u64,
}

#[derive(Serialize)]
struct EnvironmentLine {
    dir: String,
    clean: bool,
    complete: bool,
    records: u64,
    /// Transactions of which pages were changed.
    changed_transactions: u64,
    /// Records that were left out: of databases that the log does not name, of those that are not
    /// there, and of applications.
    unbound: u64,
    absent: u64,
    applications: u64,
    from_lsn: json::Lsn,
    end_lsn: json::Lsn,
    /// The last commit that counts, if a moment was given.
    last_lsn: Option<json::Lsn>,
    in_doubt: Vec<String>,
    copy: Option<String>,
    in_place: bool,
    /// The region files that were removed.
    regions: Vec<String>,
}

fn lines<'r>(
    home: &Path,
    place: Place<'_>,
    report: &RecoverReport,
    transactions: impl Iterator<Item = &'r RecoveredTransaction>,
    out: &mut impl Write,
) -> io::Result<()> {
    for file in &report.files {
        let outcome = match file.change {
            FileChange::Made => "made",
            FileChange::Removed => "removed",
            _ => "kept",
        };
        let RecoveredFile { pages, resized, redone, undone, settled, left, .. } = *file;
        let (name, problem) = (file.name.shown().to_string(), file.stopped.as_deref());
        let line = FileLine { file: name, outcome, pages, resized, redone, undone, settled, left, problem };
        json::line("recovered_file", &line, out)?;
    }
    for of in transactions {
        let line = TransactionLine {
            transaction: of.txn.to_string(),
            outcome: if of.committed { "committed" } else { "taken back" },
            first_lsn: of.first.into(),
            last_lsn: of.last.into(),
            redone: of.redone,
            undone: of.undone,
            settled: of.settled,
        };
        json::line("recovered_transaction", &line, out)?;
    }
    let line = EnvironmentLine {
        dir: home.shown().to_string(),
        clean: report.is_clean(),
        complete: report.is_complete(),
        records: report.records,
        changed_transactions: report.transactions(),
        unbound: report.unbound,
        absent: report.absent,
        applications: report.applications,
        from_lsn: report.from.into(),
        end_lsn: report.end.into(),
        last_lsn: report.last.map(json::Lsn::from),
        in_doubt: report.in_doubt.iter().map(|(txn, _)| txn.to_string()).collect(),
        copy: match place {
            Place::Copy(copy) => Some(copy.shown().to_string()),
            _ => None,
        },
        in_place: matches!(place, Place::Here(_)),
        regions: match place {
            Place::Here(regions) => json::names(regions),
            _ => Vec::new(),
        },
    };
    json::line("recovered", &line, out)
}
