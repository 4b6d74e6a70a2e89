//! `bdbkit recover`: the databases of an environment as its log says they should be.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bdbkit::ShowName;
use bdbkit::env::Layout;
use bdbkit::recover::{
    FileChange, InDoubt, Recover, RecoverError, RecoverReport, RecoveredFile, Until, View,
};
use serde::Serialize;

use crate::evidence::Evidence;
use crate::failure::{Failure, Outcome, about, complain};
use crate::input::log_options;
use crate::json;
use crate::log::source::log_failure;
use crate::output::counted;
use crate::password::Password;
use crate::places::{self, Places};
use crate::time;

/// Bring the databases of an environment to their consistent state, in a copy
///
/// What committed transactions changed and the files lack is done, what unfinished ones left
/// in them is taken back: as the release would that wrote the log, and without it. Logs of releases
/// 2.x, 3.2 and 4.1 to 5.3, from machines of either byte order. Nothing is ever written into the
/// environment: --to names a new folder for the databases, --check tells only what would be done, and
/// exits with 1 if that is anything.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// Write the databases into this folder, which is made
    #[arg(long, value_name = "FOLDER", required_unless_present = "check")]
    to: Option<PathBuf>,

    /// Tell what would be done, and write nothing
    #[arg(long, conflicts_with = "to")]
    check: bool,

    /// Begin with the first record, whatever checkpoints say: for files that are older than the
    /// last checkpoint, or missing
    #[arg(short = 'c', long)]
    catastrophic: bool,

    /// Repeat the faults that the release has which wrote the log: to compare with it
    #[arg(long)]
    strict: bool,

    /// To this moment: an LSN, the end of a second since 1970, or a time; what commits later is taken back
    #[arg(long, value_name = "LSN|TIME", value_parser = until)]
    until: Option<Until>,

    /// What transactions count as that were prepared, and not decided
    #[arg(long, value_name = "OUTCOME", value_enum, default_value_t)]
    in_doubt: Prepared,

    /// Tell the SHA-256 of every log file and database that is there, taken before, and see afterwards
    /// that they are the same
    #[arg(long)]
    hash: bool,

    #[command(flatten)]
    password: Password,

    #[command(flatten)]
    places: Places,

    /// One JSON object for each file, and one for the environment
    #[arg(long)]
    json: bool,

    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,

    /// The home of the environment
    #[arg(value_name = "DIR")]
    home: PathBuf,
}

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

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let home = arguments.home.as_path();
    if home.is_file() {
        return Err(Failure::Usage(about(home, "a file: recover takes the folder of the environment")));
    }
    let layout = arguments.places.layout(home);
    let placed = Outcome::complete_if(places::complete(&layout));
    places::note(&layout);
    let recover = Recover::new()
        .strict(arguments.strict)
        .catastrophic(arguments.catastrophic)
        .in_doubt(arguments.in_doubt.in_doubt());
    let recover = arguments.until.into_iter().fold(recover, Recover::until);
    arguments.password.set()?;
    let evidence = arguments.hash.then(|| Evidence::of(&layout)).transpose()?;
    let view = view(home, &layout, recover)?;
    let report = view.report();
    let outcome = tell(home, report, arguments.in_doubt.in_doubt());
    let copy = arguments.to.as_deref();
    if let Some(folder) = copy {
        view.write_to(folder).map_err(|error| Failure::io(folder, &error))?;
    }
    let mut out = io::stdout().lock();
    if arguments.json {
        lines(home, copy, report, &mut out)?;
    } else {
        text(home, copy, report, &mut out)?;
    }
    let untouched = match &evidence {
        Some(evidence) => {
            evidence.write(arguments.json, &mut out)?;
            evidence.stayed(&layout)?
        }
        None => Outcome::Complete,
    };
    let wanted = copy.is_some() || report.is_clean();
    Ok(Outcome::complete_if(wanted).and(outcome).and(placed).and(untouched))
}

/// The databases of an environment as they would be.
pub(crate) fn view(home: &Path, layout: &Layout, recover: Recover) -> Result<View, Failure> {
    let view = recover.log(log_options()).view(layout);
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

fn text(home: &Path, copy: Option<&Path>, report: &RecoverReport, out: &mut impl Write) -> io::Result<()> {
    for file in &report.files {
        let what = match file.change {
            FileChange::Kept if file.pages == 0 && !file.resized => continue,
            FileChange::Kept => changes(file),
            FileChange::Made => format!("made, or named anew; {}", changes(file)),
            _ => "removed, or named anew".to_owned(),
        };
        writeln!(out, "{}: {what}", file.name.shown())?;
    }
    let records = counted(report.records, "record");
    let state = match (report.is_complete(), report.is_clean(), copy) {
        (true, true, _) => "nothing to recover",
        (true, _, None) => "recovery is due",
        (true, _, Some(_)) => "recovered",
        (false, _, None) => "can be recovered in part only",
        (false, _, Some(_)) => "recovered in part only",
    };
    let to = copy.map(|copy| format!(" into {}", copy.shown())).unwrap_or_default();
    writeln!(out, "{}: {state}{to} ({records}, {} to {})", home.shown(), report.from, report.end)
}

fn changes(file: &RecoveredFile) -> String {
    let parts = [
        format!("{} changed", counted(file.pages, "page")),
        format!("{} made", counted(file.redone, "change")),
        format!("{} taken back", counted(file.undone, "change")),
    ];
    parts.join(", ")
}

#[derive(Serialize)]
struct FileLine<'r> {
    file: String,
    outcome: &'static str,
    pages: u64,
    resized: bool,
    redone: u64,
    undone: u64,
    problem: Option<&'r str>,
}

#[derive(Serialize)]
struct EnvironmentLine {
    dir: String,
    clean: bool,
    complete: bool,
    records: u64,
    from_lsn: json::Lsn,
    end_lsn: json::Lsn,
    /// The last commit that counts, if a moment was given.
    last_lsn: Option<json::Lsn>,
    in_doubt: Vec<String>,
    copy: Option<String>,
}

fn lines(home: &Path, copy: Option<&Path>, report: &RecoverReport, out: &mut impl Write) -> io::Result<()> {
    for file in &report.files {
        let outcome = match file.change {
            FileChange::Made => "made",
            FileChange::Removed => "removed",
            _ => "kept",
        };
        let RecoveredFile { pages, resized, redone, undone, .. } = *file;
        let (name, problem) = (file.name.shown().to_string(), file.stopped.as_deref());
        let line = FileLine { file: name, outcome, pages, resized, redone, undone, problem };
        json::line("recovered_file", &line, out)?;
    }
    let line = EnvironmentLine {
        dir: home.shown().to_string(),
        clean: report.is_clean(),
        complete: report.is_complete(),
        records: report.records,
        from_lsn: report.from.into(),
        end_lsn: report.end.into(),
        last_lsn: report.last.map(json::Lsn::from),
        in_doubt: report.in_doubt.iter().map(|(txn, _)| txn.to_string()).collect(),
        copy: copy.map(|copy| copy.shown().to_string()),
    };
    json::line("recovered", &line, out)
}
