//! A recovery in place: what is asked of it, and what is told of it.

use std::io::Write;
use std::path::{Path, PathBuf};

use bdbkit::env::Layout;
use bdbkit::in_place::{InPlace, InPlaceError, InPlaceReport, Written};
use bdbkit::journal::SystemDisk;
use bdbkit::recover::{InDoubt, Recover};
use bdbkit::{ErrorKind, ShowName};
use indicatif::ProgressBar;
use serde::Serialize;

use super::{Form, Place};
use crate::failure::{Failure, Outcome, Told, about, complain};
use crate::input::{disk, log_options, recovered_options};
use crate::output::counted;
use crate::upgrade::{ended, failure as edit_failure, settled};
use crate::{json, progress};

/// How files are changed.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Copy each file that changes to this folder first, and keep the copies
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["check"])]
    backup: Option<PathBuf>,

    /// Recover the files that can be, if others cannot: those, and the region files, stay as they are
    #[arg(long, conflicts_with_all = ["check"])]
    partial: bool,

    /// Take it that no program uses the environment
    #[arg(long)]
    assume_closed: bool,

    /// Where the region files are, if not in DIR
    #[arg(long, value_name = "FOLDER")]
    region_dir: Vec<PathBuf>,

    /// Complete what an interrupted run left behind, and do nothing else
    #[arg(long, conflicts_with_all = ["rollback", "check"])]
    resume: bool,

    /// Bring back the files that an interrupted run left behind
    #[arg(long, conflicts_with_all = ["check"])]
    rollback: bool,
}

impl Options {
    /// Whether only what an earlier run left behind is dealt with.
    pub(crate) fn settles(&self) -> bool {
        self.resume || self.rollback
    }

    /// Whether anything is asked for that makes sense in place only.
    pub(crate) fn are_given(&self) -> bool {
        self.settles()
            || self.backup.is_some()
            || self.partial
            || self.assume_closed
            || !self.region_dir.is_empty()
    }

    pub(crate) fn in_place(&self, layout: &Layout, bar: &ProgressBar) -> InPlace<'static, SystemDisk> {
        let in_place =
            InPlace::on(disk(), layout.clone()).assume_closed(self.assume_closed).partial(self.partial);
        let bar = bar.clone();
        let in_place = in_place.progress(move |progress| {
            bar.set_message(format!("{}: {}", progress.path.shown(), progress.step.text()));
            bar.set_length(progress.total);
            bar.set_position(progress.pages);
        });
        let in_place = self.region_dir.iter().fold(in_place, InPlace::region_dir);
        self.backup.iter().fold(in_place, InPlace::backup_dir)
    }

    /// Recovers the environment.
    pub(crate) fn run(
        &self,
        home: &Path,
        layout: &Layout,
        recover: Recover,
    ) -> Result<InPlaceReport, Failure> {
        let bar = progress::pages(home);
        let done = self.in_place(layout, &bar).run(&recover.log(log_options()).files(recovered_options()));
        bar.finish_and_clear();
        done.map_err(|error| failure(home, layout, error))
    }

    /// Deals with what an earlier run left behind.
    pub(crate) fn settle(
        &self,
        home: &Path,
        layout: &Layout,
        as_json: bool,
        out: &mut impl Write,
    ) -> Result<Outcome, Failure> {
        let in_place = self.in_place(layout, &ProgressBar::hidden());
        let found = if self.resume { in_place.resume() } else { in_place.roll_back() };
        let found = found.map_err(|error| failure(home, layout, error))?;
        if found.is_empty() {
            settled(home, None, as_json, out)?;
        }
        let mut outcome = Outcome::Complete;
        for (path, became) in &found {
            settled(path, Some(became), as_json, out)?;
            if self.rollback {
                outcome = outcome.and(ended(path, Some(became), as_json.then_some(&mut *out))?);
            }
        }
        Ok(outcome)
    }
}

/// What to tell about a recovery in place that did not take place.
pub(crate) fn failure(home: &Path, layout: &Layout, error: InPlaceError) -> Failure {
    let told = |error: &InPlaceError| Told::new(error.path(), error.to_string()).code(error.code());
    match error {
        InPlaceError::Recover(error) => super::failure(home, &layout.logs().path, &error),
        InPlaceError::Edit(error) => edit_failure(error),
        InPlaceError::Stopped { .. } | InPlaceError::Unsound { .. } => Failure::Message(told(&error)),
        _ => Failure::Refused(told(&error).kind(ErrorKind::Unsupported)),
    }
}

/// Tells what was done in place; the outcome says whether that is all.
pub(crate) fn done(
    home: &Path,
    report: &InPlaceReport,
    in_doubt: InDoubt,
    form: Form,
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    if report.unseen > 0 {
        let text = format!(
            "note: {} of other users could not be looked at: one of them may have a file open",
            counted(report.unseen, "process")
        );
        complain(about(home, text));
    }
    let outcome = super::tell(home, &report.recovered, in_doubt);
    for (path, became) in &report.settled {
        settled(path, Some(became), form.json, out)?;
    }
    for (path, why) in &report.left_out {
        complain(about(path, format_args!("not recovered: it would not be sound: {why}")));
    }
    if report.is_whole() && !report.clean {
        complain(about(home, "a second look finds more to do: the region files stay"));
    }
    for file in report.files.iter().filter(|_| form.json) {
        let pages = match file.what {
            Written::Pages(pages) => Some(pages),
            _ => None,
        };
        let line = WrittenLine { file: json::name(&file.path), outcome: file.what.name(), pages };
        json::line("written_file", &line, out)?;
    }
    super::report(home, Place::Here(&report.regions), &report.recovered, form, out)?;
    let removed = u64::try_from(report.regions.len()).unwrap_or(u64::MAX);
    if removed > 0 && !form.json {
        writeln!(out, "{}: {} removed; all logs stay", home.shown(), counted(removed, "region file"))?;
    }
    Ok(outcome.and(Outcome::complete_if(report.is_whole() && report.clean)))
}

#[derive(Serialize)]
struct WrittenLine {
    file: String,
    outcome: &'static str,
    pages: Option<u64>,
}
