//! `bdbkit store upgrade`: all databases of a store, or none.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bdbkit::journal::{Outcome as Became, SystemDisk};
use bdbkit::mboxlist::{Lsns, StoreReport, StoreUpgrade, StoreUpgradeError};
use bdbkit::upgrade::{Choices, Profile, Refusal};
use bdbkit::{ErrorKind, ShowName};
use serde::Serialize;

use super::recover;
use crate::failure::{Failure, Outcome, Told};
use crate::input::disk;
use crate::json;
use crate::output::counted;
use crate::progress;
use crate::upgrade::{Duplicates, choices, done, duplicates, ended, plan, profile, settled as settled_file};

/// Upgrade all databases of a store as one unit
///
/// As ims_db_upgrade: databases of versions 6 and 7 are copied to a folder, upgraded, and
/// validated; if anything fails all of them are brought back, and the copies are removed when all
/// went well. Databases of versions 8 and 9 are compatible and stay as they are. Log files are
/// never touched: keep them, a newer library needs to see where they ended.
///
/// A store is refused that its release has not shut down cleanly: run its stored -r first, or bdbkit
/// store recover; --recover does that as the first step.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The version to upgrade to: 9 for releases from 6.1 on, 8 for 6.0
    #[arg(long, value_name = "VERSION", default_value = "9", value_parser = ["9", "8"])]
    to: String,

    /// The result byte for byte as the tools of a release write it, faults included
    #[arg(long, value_name = "NAME", value_parser = profile, conflicts_with = "to")]
    profile: Option<Profile>,

    /// How duplicates are taken: see bdbkit upgrade
    #[arg(long, value_name = "no|yes|auto|unchecked", value_parser = duplicates)]
    dupsort: Vec<Duplicates>,

    /// Upgrade databases of version 8, too
    #[arg(long)]
    include_8: bool,

    /// What happens to the LSNs of pages: auto resets them if the logs are gone
    #[arg(long, value_name = "auto|keep|reset", default_value = "auto", value_parser = lsns)]
    lsn: Lsns,

    /// Print what would be done, page by page, and write nothing
    #[arg(long, conflicts_with_all = ["backup", "keep_backup"])]
    check: bool,

    /// Where the old databases are copied: a new folder (default: one in DIR)
    #[arg(long, value_name = "FOLDER")]
    backup: Option<PathBuf>,

    /// Keep the copies
    #[arg(long)]
    keep_backup: bool,

    /// Where the region files are, if not in DIR: the setting store.dbtmpdir
    #[arg(long, value_name = "FOLDER")]
    dbtmpdir: Option<PathBuf>,

    /// Recover the store first, as bdbkit store recover does: the old databases are then recovered even if
    /// the upgrade is refused
    #[arg(long, conflicts_with_all = ["check", "resume", "rollback", "ignore_logs"])]
    recover: bool,

    /// Upgrade even if the logs say that the databases are not complete
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

    /// One JSON object for each database that was upgraded, and one for the store
    #[arg(long)]
    json: bool,

    /// The folder of the databases, mboxlist
    dir: PathBuf,
}

fn lsns(text: &str) -> Result<Lsns, &'static str> {
    match text {
        "auto" => Ok(Lsns::Auto),
        "keep" => Ok(Lsns::Keep),
        "reset" => Ok(Lsns::Reset),
        _ => Err("auto, keep or reset"),
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let mut out = io::stdout().lock();
    let upgrade = arguments.upgrade();
    if arguments.resume || arguments.rollback {
        let settled = if arguments.resume { upgrade.resume() } else { upgrade.roll_back() };
        let foreign = || upgrade.foreign().map_err(failure);
        let found = settled.map_err(failure)?;
        return settle(&arguments.dir, &found, arguments.rollback, arguments.json, foreign, &mut out);
    }
    if arguments.recover {
        let regions = arguments.dbtmpdir.as_deref();
        let outcome =
            recover::first(&arguments.dir, regions, arguments.assume_closed, arguments.json, &mut out)?;
        if outcome != Outcome::Complete {
            return Ok(outcome);
        }
    }
    let spinner = progress::spinner(&arguments.dir);
    if arguments.check {
        let plans = upgrade.plan();
        spinner.finish_and_clear();
        for found in plans.map_err(failure)? {
            plan(&found, arguments.json, &mut out)?;
        }
        return Ok(Outcome::Complete);
    }
    let report = upgrade.run();
    spinner.finish_and_clear();
    print(&report.map_err(failure)?, arguments, &mut out)?;
    out.flush()?;
    Ok(Outcome::Complete)
}

/// Tells what became of what an earlier run left behind.
pub(super) fn settle(
    dir: &Path,
    found: &[(PathBuf, Became)],
    back: bool,
    as_json: bool,
    foreign: impl FnOnce() -> Result<Vec<PathBuf>, Failure>,
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::Complete;
    for (path, became) in found {
        settled_file(path, Some(became), as_json, out)?;
        if back {
            outcome = outcome.and(ended(path, Some(became), as_json.then_some(&mut *out))?);
        }
    }
    if found.is_empty() {
        settled_file(dir, None, as_json, out)?;
    }
    if !as_json {
        left_alone(&foreign()?, out)?;
    }
    Ok(outcome)
}

pub(super) fn failure(error: StoreUpgradeError) -> Failure {
    let message = Told::new(error.path(), error.to_string()).code(error.code());
    match &error {
        StoreUpgradeError::NoDatabase { .. } => Failure::Unsupported(message),
        StoreUpgradeError::Unclean { .. }
        | StoreUpgradeError::Inconsistent { .. }
        | StoreUpgradeError::Busy { .. }
        | StoreUpgradeError::Restoring { .. }
        | StoreUpgradeError::LogsElsewhere { .. }
        | StoreUpgradeError::BackupExists { .. } => Failure::Refused(message),
        StoreUpgradeError::Upgrade(error) if matches!(error.refusal(), Some(Refusal::Environment { .. })) => {
            Failure::Refused(message)
        }
        StoreUpgradeError::Io { .. } => Failure::Message(message.kind(ErrorKind::Io)),
        _ => Failure::Message(message),
    }
}

/// What has the name of a backup, and was not touched.
pub(super) fn left_alone(folders: &[PathBuf], out: &mut impl Write) -> io::Result<()> {
    folders.iter().try_for_each(|path| {
        writeln!(out, "{}: not a backup that bdbkit made of this store: left alone", path.shown())
    })
}

fn print(report: &StoreReport, arguments: &Arguments, out: &mut impl Write) -> io::Result<()> {
    for file in &report.files {
        done(file, None, arguments.json, out)?;
    }
    if arguments.json {
        return json::line("store_upgraded", &Summary::of(report, &arguments.dir), out);
    }
    for (path, why) in &report.left_out {
        writeln!(out, "{}: left as it is: {why}", path.shown())?;
    }
    for (path, version) in &report.untouched {
        writeln!(out, "{}: version {version}: stays as it is", path.shown())?;
    }
    if !report.logs.is_empty() {
        let logs = counted(u64::try_from(report.logs.len()).unwrap_or(u64::MAX), "log file");
        writeln!(out, "{}: {logs}: kept; do not remove them", arguments.dir.shown())?;
    }
    if report.lsns_reset {
        writeln!(out, "{}: LSNs are reset, as the logs are gone", arguments.dir.shown())?;
    }
    if !report.lsns_stale.is_empty() {
        let files = report.lsns_stale.iter().map(|path| path.shown().to_string()).collect::<Vec<_>>();
        let (dir, files) = (arguments.dir.shown(), files.join(" "));
        writeln!(out, "{dir}: pages lead into logs that are gone; run bdbkit reset-lsn {files}")?;
    }
    left_alone(&report.foreign, out)?;
    if let Some(backup) = &report.backup {
        writeln!(out, "{}: the old databases are in {}", arguments.dir.shown(), backup.shown())?;
    }
    Ok(())
}

/// What was done to the store as a whole.
#[derive(Serialize)]
struct Summary {
    dir: String,
    untouched: Vec<Untouched>,
    left_out: Vec<LeftOut>,
    kept_logs: Vec<String>,
    lsns_reset: bool,
    lsns_stale: Vec<String>,
    backup: Option<String>,
    foreign: Vec<String>,
}

#[derive(Serialize)]
struct Untouched {
    file: String,
    version: u32,
}

#[derive(Serialize)]
pub(super) struct LeftOut {
    file: String,
    reason: String,
}

impl LeftOut {
    pub(super) fn of((path, why): &(PathBuf, String)) -> LeftOut {
        LeftOut { file: json::name(path), reason: why.clone() }
    }
}

impl Summary {
    fn of(report: &StoreReport, folder: &Path) -> Summary {
        let text = |path: &Path| json::name(path);
        let texts = |paths: &[PathBuf]| paths.iter().map(|path| text(path)).collect();
        let untouched = report.untouched.iter();
        Summary {
            dir: text(folder),
            untouched: untouched
                .map(|(path, version)| Untouched { file: text(path), version: *version })
                .collect(),
            left_out: report.left_out.iter().map(LeftOut::of).collect(),
            kept_logs: texts(&report.logs),
            lsns_reset: report.lsns_reset,
            lsns_stale: texts(&report.lsns_stale),
            backup: report.backup.as_deref().map(text),
            foreign: texts(&report.foreign),
        }
    }
}

impl Arguments {
    fn upgrade(&self) -> StoreUpgrade<'static, SystemDisk> {
        let version = if self.to == "8" { Profile::V8 } else { Profile::V9 };
        let choices = Choices { profile: self.profile.unwrap_or(version), ..choices(&self.dupsort) };
        let upgrade = StoreUpgrade::on(disk(), &self.dir)
            .choices(choices)
            .ignore_logs(self.ignore_logs)
            .assume_closed(self.assume_closed)
            .lsns(self.lsn)
            .include_version_8(self.include_8)
            .keep_backup(self.keep_backup);
        let upgrade = self.dbtmpdir.iter().fold(upgrade, StoreUpgrade::region_dir);
        self.backup.iter().fold(upgrade, StoreUpgrade::backup_dir)
    }
}
