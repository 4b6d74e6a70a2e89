//! `bdbkit store recover`: what `stored -r` does, without the old release.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bdbkit::ShowName;
use bdbkit::env::Layout;
use bdbkit::journal::{Outcome as Became, SystemDisk};
use bdbkit::mboxlist::{StoreRecover, StoreRecoverError};
use bdbkit::recover::InDoubt;
use serde::Serialize;

use crate::failure::{Failure, Outcome, Told};
use crate::input::disk;
use crate::output::counted;
use crate::recover::{Form, Place, in_place, report, tell};
use crate::upgrade::{ended, settled};
use crate::{json, progress};

/// Recover a store by its own log, and remove its region files: as stored -r, without the old release
///
/// What committed transactions changed and the databases lack is done, what unfinished ones left in them
/// is taken back, in all databases or in none; a later run completes what an interrupted one left. When a
/// second look at the store finds nothing to do, the region files go: __db.001 and its like,
/// __db.register and the four __db_*.share, and nothing else. Logs, DB_CONFIG and marks are never touched.
///
/// No checkpoint is written into the log: keep the logs, and go on with store upgrade.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Tell what would be done, and write nothing
    #[arg(long, conflicts_with_all = ["backup", "remove_only"])]
    check: bool,

    /// Remove the region files only, as stored -R: committed work may be lost
    #[arg(long, conflicts_with_all = ["backup"])]
    remove_only: bool,

    /// Copy each database that changes to this folder first, and keep the copies
    #[arg(long, value_name = "FOLDER")]
    backup: Option<PathBuf>,

    /// Where the region files are, if not in DIR: the setting store.dbtmpdir
    #[arg(long, value_name = "FOLDER")]
    dbtmpdir: Option<PathBuf>,

    /// The folder of the lock environment, whose region files go, too
    #[arg(long, value_name = "FOLDER")]
    lock_dir: Option<PathBuf>,

    /// Take it that no program uses the store
    #[arg(long)]
    assume_closed: bool,

    /// Complete what an interrupted run left behind, and do nothing else
    #[arg(long, conflicts_with_all = ["rollback", "check", "remove_only"])]
    resume: bool,

    /// Bring back the databases that an interrupted run left behind
    #[arg(long, conflicts_with_all = ["check", "remove_only"])]
    rollback: bool,

    #[command(flatten)]
    form: Form,

    /// The folder of the databases, mboxlist
    dir: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let (dir, mut out) = (arguments.dir.as_path(), io::stdout().lock());
    let bar = progress::pages(dir);
    let recover = arguments.recover();
    let recover = recover.progress({
        let bar = bar.clone();
        move |progress| {
            bar.set_message(format!("{}: {}", progress.path.shown(), progress.step.text()));
            bar.set_length(progress.total);
            bar.set_position(progress.pages);
        }
    });
    if arguments.resume || arguments.rollback {
        let found = if arguments.resume { recover.resume() } else { recover.roll_back() };
        return arguments.settle(&found.map_err(|error| failure(dir, error))?, &mut out);
    }
    if arguments.remove_only {
        let removed = recover.remove_only().map_err(|error| failure(dir, error))?;
        return arguments.removed(&removed, &mut out);
    }
    if arguments.check {
        let found = recover.check();
        bar.finish_and_clear();
        let found = found.map_err(|error| failure(dir, error))?;
        let outcome = tell(dir, &found, InDoubt::Commit);
        report(dir, Place::Nowhere, &found, arguments.form, &mut out)?;
        return Ok(Outcome::complete_if(found.is_clean()).and(outcome));
    }
    let done = recover.run();
    bar.finish_and_clear();
    let done = done.map_err(|error| failure(dir, error))?;
    in_place::done(dir, &done, InDoubt::Commit, arguments.form, &mut out)
}

/// Recovers a store as the first step of something else; its region files may be elsewhere.
pub(super) fn first(
    dir: &Path,
    regions: Option<&Path>,
    assume_closed: bool,
    as_json: bool,
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    let recover = StoreRecover::on(disk(), dir).assume_closed(assume_closed);
    let recover = regions.into_iter().fold(recover, StoreRecover::region_dir);
    let done = recover.run().map_err(|error| failure(dir, error))?;
    in_place::done(dir, &done, InDoubt::Commit, Form::json(as_json), out)
}

fn failure(dir: &Path, error: StoreRecoverError) -> Failure {
    match error {
        StoreRecoverError::InPlace(error) => in_place::failure(dir, &Layout::of(dir), error),
        other => Failure::Refused(Told::new(other.path(), other.to_string()).code(other.code())),
    }
}

impl Arguments {
    fn recover(&self) -> StoreRecover<'static, SystemDisk> {
        let recover = StoreRecover::on(disk(), &self.dir).assume_closed(self.assume_closed);
        let folders = self.dbtmpdir.iter().chain(&self.lock_dir);
        let recover = folders.fold(recover, StoreRecover::region_dir);
        self.backup.iter().fold(recover, StoreRecover::backup_dir)
    }

    fn settle(&self, found: &[(PathBuf, Became)], out: &mut impl Write) -> Result<Outcome, Failure> {
        if found.is_empty() {
            settled(&self.dir, None, self.form.json, out)?;
        }
        let mut outcome = Outcome::Complete;
        for (path, became) in found {
            settled(path, Some(became), self.form.json, out)?;
            if self.rollback {
                outcome = outcome.and(ended(path, Some(became), self.form.json.then_some(&mut *out))?);
            }
        }
        Ok(outcome)
    }

    fn removed(&self, regions: &[PathBuf], out: &mut impl Write) -> Result<Outcome, Failure> {
        if self.form.json {
            let removed = Removed { dir: json::name(&self.dir), regions: json::names(regions) };
            json::line("regions_removed", &removed, out)?;
            return Ok(Outcome::Complete);
        }
        let count = counted(u64::try_from(regions.len()).unwrap_or(u64::MAX), "region file");
        writeln!(out, "{}: {count} removed, without a recovery; all logs stay", self.dir.shown())?;
        Ok(Outcome::Complete)
    }
}

#[derive(Serialize)]
struct Removed {
    dir: String,
    regions: Vec<String>,
}
