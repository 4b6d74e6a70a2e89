//! `bdbkit store convert`: a whole store for a machine of the other byte order.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bdbkit::journal::SystemDisk;
use bdbkit::mboxlist::{ConvertedStore, StoreConvert};
use bdbkit::{Endianness, ShowName};
use serde::Serialize;

use super::recover;
use super::upgrade::{LeftOut, failure, left_alone, settle};
use crate::convert::{done, planned};
use crate::failure::{Failure, Outcome};
use crate::input::disk;
use crate::output::counted;
use crate::{json, progress};

/// Bring a store into the byte order of another kind of machine as one unit
///
/// All databases are copied to a folder and turned, as bdbkit convert does it; their LSNs are reset, and the
/// logs go with the copies, which are kept: an engine of the other machine stops at such logs, or destroys the
/// databases with them. All of that is done, or nothing; after a crash --resume completes it, and --rollback
/// takes it back. Whatever the new store does not like, the old one is in the folder of the copies.
///
/// Keys and values stay as they are: whether there are numbers in them in the order of the old machine nobody
/// can tell. The way of the product is imsbackup there, and imsrestore on the new machine.
///
/// A store is refused that its release has not shut down cleanly: run its stored -r first, or bdbkit
/// store recover; --recover does that as the first step.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The machine that is to use the store
    #[arg(long, value_name = "MACHINE", value_enum)]
    to: Machine,

    /// Print what would be done, and write nothing
    #[arg(long, conflicts_with_all = ["backup"])]
    check: bool,

    /// Where the old databases and logs go: a new folder (default: one in DIR)
    #[arg(long, value_name = "FOLDER")]
    backup: Option<PathBuf>,

    /// Where the region files are, if not in DIR: the setting store.dbtmpdir
    #[arg(long, value_name = "FOLDER")]
    dbtmpdir: Option<PathBuf>,

    /// Recover the store first, as bdbkit store recover does: the old databases are then recovered even if
    /// the conversion is refused
    #[arg(long, conflicts_with_all = ["check", "resume", "rollback", "ignore_logs"])]
    recover: bool,

    /// Convert even if the logs say that the databases are not complete
    #[arg(long)]
    ignore_logs: bool,

    /// Take it that no program uses the store
    #[arg(long)]
    assume_closed: bool,

    /// Complete what an interrupted run left behind, and do nothing else
    #[arg(long, conflicts_with_all = ["rollback", "check"])]
    resume: bool,

    /// Bring back the databases that an interrupted run left behind
    #[arg(long, conflicts_with = "check")]
    rollback: bool,

    /// One JSON object for each database, and one for the store
    #[arg(long)]
    json: bool,

    /// The folder of the databases, mboxlist
    dir: PathBuf,
}

/// Kinds of machines.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Machine {
    /// Big-endian.
    Sparc,
    /// Little-endian.
    X86,
}

impl Machine {
    fn order(self) -> Endianness {
        match self {
            Machine::Sparc => Endianness::Big,
            Machine::X86 => Endianness::Little,
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let (dir, mut out) = (arguments.dir.as_path(), io::stdout().lock());
    let convert = arguments.convert();
    if arguments.resume || arguments.rollback {
        let settled = if arguments.resume { convert.resume() } else { convert.roll_back() };
        let foreign = || convert.foreign().map_err(failure);
        return settle(
            dir,
            &settled.map_err(failure)?,
            arguments.rollback,
            arguments.json,
            foreign,
            &mut out,
        );
    }
    if arguments.recover {
        let regions = arguments.dbtmpdir.as_deref();
        let outcome = recover::first(dir, regions, arguments.assume_closed, arguments.json, &mut out)?;
        if outcome != Outcome::Complete {
            return Ok(outcome);
        }
    }
    let spinner = progress::spinner(dir);
    if arguments.check {
        let plan = convert.plan();
        spinner.finish_and_clear();
        let plan = plan.map_err(failure)?;
        for file in &plan.files {
            planned(file, arguments.json, &mut out)?;
        }
        if arguments.json {
            let plan = Planned { dir: json::name(dir), logs_aside: json::names(&plan.logs) };
            json::line("store_convert_plan", &plan, &mut out)?;
        } else if plan.files.is_empty() {
            nothing(dir, arguments.to, &mut out)?;
        } else if !plan.logs.is_empty() {
            writeln!(out, "{}: {} would go with the old databases", dir.shown(), logs(&plan.logs))?;
        }
        return Ok(Outcome::Complete);
    }
    let report = convert.run();
    spinner.finish_and_clear();
    print(&report.map_err(failure)?, arguments, &mut out)?;
    out.flush()?;
    Ok(Outcome::Complete)
}

fn nothing(dir: &Path, to: Machine, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}: {}: nothing to do", dir.shown(), to.order())
}

fn logs(paths: &[PathBuf]) -> String {
    counted(u64::try_from(paths.len()).unwrap_or(u64::MAX), "log file")
}

fn print(report: &ConvertedStore, arguments: &Arguments, out: &mut impl Write) -> io::Result<()> {
    let dir = arguments.dir.as_path();
    for file in &report.files {
        done(file, None, arguments.json, out)?;
    }
    if arguments.json {
        let summary = Summary {
            dir: json::name(dir),
            left_out: report.left_out.iter().map(LeftOut::of).collect(),
            logs_aside: json::names(&report.logs),
            backup: report.backup.as_deref().map(json::name),
            foreign: json::names(&report.foreign),
        };
        return json::line("store_converted", &summary, out);
    }
    for (path, why) in &report.left_out {
        writeln!(out, "{}: left as it is: {why}", path.shown())?;
    }
    if report.files.is_empty() {
        nothing(dir, arguments.to, out)?;
    }
    left_alone(&report.foreign, out)?;
    if let Some(backup) = &report.backup {
        let with =
            if report.logs.is_empty() { String::new() } else { format!(" and {}", logs(&report.logs)) };
        writeln!(out, "{}: LSNs are reset; the old databases{with} are in {}", dir.shown(), backup.shown())?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Planned {
    dir: String,
    logs_aside: Vec<String>,
}

/// What was done to the store as a whole.
#[derive(Serialize)]
struct Summary {
    dir: String,
    left_out: Vec<LeftOut>,
    logs_aside: Vec<String>,
    backup: Option<String>,
    foreign: Vec<String>,
}

impl Arguments {
    fn convert(&self) -> StoreConvert<'static, SystemDisk> {
        let convert = StoreConvert::on(disk(), &self.dir, self.to.order())
            .ignore_logs(self.ignore_logs)
            .assume_closed(self.assume_closed);
        let convert = self.dbtmpdir.iter().fold(convert, StoreConvert::region_dir);
        self.backup.iter().fold(convert, StoreConvert::backup_dir)
    }
}
