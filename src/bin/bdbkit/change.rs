//! What the commands that change files have in common: how it is to be done, and the run itself.

use std::io::Write;
use std::path::{Path, PathBuf};

use bdbkit::ShowName;
use bdbkit::downgrade::Downgrade;
use bdbkit::journal::{Disk, SystemDisk};
use bdbkit::repair::Repair;
use bdbkit::upgrade::{Convert, EditError, FileReport, Plan, Progress, Report, Settled, Upgrade};
use indicatif::ProgressBar;

use crate::failure::{Failure, Outcome, about, complain};
use crate::files::databases;
use crate::input::disk;
use crate::progress;
use crate::upgrade::{ended, failure, settled};

/// How files are changed.
#[derive(Clone, clap::Args)]
pub(crate) struct How {
    /// Print what would be done, and write nothing
    #[arg(long, conflicts_with_all = ["backup", "copy"])]
    pub(crate) check: bool,

    /// Copy each file to this folder first; the copies are removed when all went well
    #[arg(long, value_name = "DIR")]
    backup: Option<PathBuf>,

    /// Keep the copies
    #[arg(long, requires = "backup")]
    keep_backup: bool,

    /// Write the changed file here, and leave the original as it is
    #[arg(long, short = 'o', value_name = "OUT", conflicts_with = "backup")]
    pub(crate) copy: Option<PathBuf>,

    /// Go on even if the logs beside the file say that it is not complete
    #[arg(long)]
    ignore_logs: bool,

    /// Take it that no program uses the file or its environment
    #[arg(long)]
    assume_closed: bool,

    /// Complete what an interrupted run left behind, and do nothing else
    #[arg(long, conflicts_with_all = ["rollback", "check", "copy"])]
    resume: bool,

    /// Bring back the files that an interrupted run left behind
    #[arg(long, conflicts_with_all = ["check", "copy"])]
    rollback: bool,

    /// One JSON object for each file
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is told of a journal that was written beside another file.
const MOVED: &str = "note: its journal was written beside another file, or the file was copied or restored \
                     since; it was accepted, as asked";

/// A change of files, ready to run.
pub(crate) trait Change<'d>: Sized {
    fn within(self, home: Option<PathBuf>, ignore_logs: bool, assume_closed: bool) -> Self;
    fn backed_up(self, folder: &Path, keep: bool) -> Self;
    fn watched(self, watch: impl Fn(Progress<'_>) + Sync + 'd) -> Self;
    fn planned(&self) -> Result<Vec<Plan>, EditError>;
    fn done(&self) -> Result<Report, EditError>;
    fn copied(&self, target: &Path) -> Result<Report, EditError>;
    fn resumed(&self) -> Result<Settled, EditError>;
    fn taken_back(&self) -> Result<Settled, EditError>;
}

/// The changes of the library are of one type each, which have all of this.
macro_rules! changes {
    ($($name:ident),*) => {$(
        impl<'d> Change<'d> for $name<'d, SystemDisk> {
            fn within(self, home: Option<PathBuf>, ignore_logs: bool, assume_closed: bool) -> Self {
                self.home(home).ignore_logs(ignore_logs).assume_closed(assume_closed)
            }

            fn backed_up(self, folder: &Path, keep: bool) -> Self {
                self.backup_dir(folder).keep_backup(keep)
            }

            fn watched(self, watch: impl Fn(Progress<'_>) + Sync + 'd) -> Self {
                self.progress(watch)
            }

            fn planned(&self) -> Result<Vec<Plan>, EditError> {
                self.plan()
            }

            fn done(&self) -> Result<Report, EditError> {
                self.run()
            }

            fn copied(&self, target: &Path) -> Result<Report, EditError> {
                self.copy_to(target)
            }

            fn resumed(&self) -> Result<Settled, EditError> {
                self.resume()
            }

            fn taken_back(&self) -> Result<Settled, EditError> {
                self.roll_back()
            }
        }
    )*};
}

changes!(Upgrade, Convert, Downgrade, Repair);

/// How a command tells what it plans and what it did.
pub(crate) trait Tell {
    fn plan(&self, plan: &Plan, out: &mut impl Write) -> Result<(), Failure>;
    fn done(&self, file: &FileReport, out: &mut impl Write) -> Result<(), Failure>;
}

impl How {
    /// The same, but copies of the old files are kept.
    pub(crate) fn keeping(&self) -> How {
        How { keep_backup: true, ..self.clone() }
    }

    /// Whether it only deals with what an earlier run left behind.
    pub(crate) fn settles(&self) -> bool {
        self.resume || self.rollback
    }

    /// The files that the arguments stand for.
    pub(crate) fn files(
        &self,
        arguments: impl IntoIterator<Item = PathBuf>,
    ) -> Result<Vec<PathBuf>, Failure> {
        let mut files = Vec::new();
        for path in arguments {
            files.extend(given(&path)?);
        }
        if self.copy.is_some() && files.len() != 1 {
            return Err(Failure::Usage("--copy takes one file".into()));
        }
        Ok(files)
    }

    /// Does what was asked for.
    pub(crate) fn run<'d>(
        &self,
        change: impl Change<'d>,
        home: Option<PathBuf>,
        files: &[PathBuf],
        told: &impl Tell,
        out: &mut impl Write,
    ) -> Result<Outcome, Failure> {
        let bar = progress::pages(files.first().map_or(Path::new(""), PathBuf::as_path));
        let change = change.within(home, self.ignore_logs, self.assume_closed);
        let shown = bar.clone();
        let change = change.watched(move |progress| {
            shown.set_message(format!("{}: {}", progress.path.shown(), progress.step.text()));
            shown.set_length(progress.total);
            shown.set_position(progress.pages);
        });
        if self.settles() {
            return self.settle(&change, files, &bar, out);
        }
        if self.check {
            let plans = change.planned();
            bar.finish_and_clear();
            for plan in plans.map_err(failure)? {
                told.plan(&plan, out)?;
            }
            return Ok(Outcome::Complete);
        }
        let done = match (&self.copy, &self.backup) {
            (Some(target), _) => change.copied(target),
            (None, Some(folder)) => change.backed_up(folder, self.keep_backup).done(),
            (None, None) => change.done(),
        };
        bar.finish_and_clear();
        let done = done.map_err(failure)?;
        for (path, became) in &done.others {
            settled(path, Some(became), self.json, out)?;
        }
        for file in &done.files {
            told.done(file, out)?;
        }
        Ok(Outcome::Complete)
    }

    fn settle<'d>(
        &self,
        change: &impl Change<'d>,
        files: &[PathBuf],
        bar: &ProgressBar,
        out: &mut impl Write,
    ) -> Result<Outcome, Failure> {
        let found = if self.resume { change.resumed() } else { change.taken_back() };
        bar.finish_and_clear();
        let found = found.map_err(failure)?;
        let mut outcome = Outcome::Complete;
        let others = found.others.iter().map(|(path, became)| (path, Some(became)));
        let all = files.iter().zip(found.files.iter().map(Option::as_ref)).chain(others);
        for (path, became) in all {
            settled(path, became, self.json, out)?;
            if self.rollback {
                outcome = outcome.and(ended(path, became, self.json.then_some(&mut *out))?);
            }
        }
        for path in &found.moved {
            complain(about(path, MOVED));
        }
        Ok(outcome)
    }
}

/// The files that an argument stands for. In a folder, a symbolic link to one of its files says
/// nothing new; a file that stands elsewhere, too, is refused: who names a folder means what is
/// in it and nowhere else.
fn given(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let found = databases(path)?;
    if !path.is_dir() {
        return Ok(found);
    }
    let refused = |path: &Path, what: &str| {
        Failure::Refused(about(path, format!("{what}: name the file itself to have it changed")))
    };
    let folder = path.canonicalize().map_err(|error| Failure::io(path, &error))?;
    let (links, files): (Vec<PathBuf>, Vec<PathBuf>) = found.into_iter().partition(|file| file.is_symlink());
    for link in links {
        let target = link.canonicalize().map_err(|error| Failure::io(&link, &error))?;
        if target.parent() != Some(&folder) {
            return Err(refused(&link, "a link that leads out of the folder"));
        }
    }
    for file in &files {
        let found = disk().look(file).map_err(|error| Failure::io(file, &error))?;
        if found.is_some_and(|found| found.links > 1) {
            return Err(refused(file, "it has several names, perhaps in other folders"));
        }
    }
    Ok(files)
}
