//! `bdbkit repair`: what a check finds, mended in place.

use std::io::{self, Write};
use std::path::PathBuf;

use bdbkit::repair::{Repair, RepairChoices};
use bdbkit::upgrade::{FileReport, Plan};

use crate::change::{How, Tell};
use crate::failure::{Failure, Outcome};
use crate::input::disk;
use crate::output::counted;
use crate::upgrade::{self, Did, notices, shown};

/// Mend what bdbkit verify finds, where the rest of a file says what is right
///
/// The free list, the links between leaves, levels, counts of records and of references, the number of the
/// last page: all of these follow from the trees of a file. So do pages that a crash left in no place and
/// that hold nothing, and off-page duplicates of which a genuine upgrade died on its way. Nothing is guessed:
/// if anything else is wrong the file stays as it is, and what cannot be mended is named. A page whose checksum
/// is wrong is changed only if the checksum fits afterwards; else it stays, and is told.
///
/// The old file is kept, always: --backup names the folder of its copy, or --copy the file for the result.
/// The change itself goes through a journal, as those of bdbkit upgrade; the result is validated before it
/// counts: every rule of bdbkit verify, and the same pairs as before, as far as they could be read.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Take pages whose checksum is wrong as they are, if everything else about the file is sound: a value
    /// with a few wrong bytes is then no longer told from one that is right
    #[arg(long)]
    accept_checksums: bool,

    #[command(flatten)]
    how: How,

    /// The home of the environment that the files belong to, with its logs (default: their folder)
    #[arg(long, value_name = "FOLDER")]
    home: Option<PathBuf>,

    /// Database files of one folder, or a folder: then all database files in it. All of them are
    /// mended, or none
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  bdbkit repair --check folder.db                # what could be mended, and what not?
  bdbkit repair --backup /var/tmp/old folder.db  # mend it, and keep the old file there
  bdbkit repair --copy mended.db folder.db       # leaves folder.db alone";

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let mut out = io::stdout().lock();
    let files = arguments.how.files(arguments.files.iter().cloned())?;
    let choices = RepairChoices { accept_checksums: arguments.accept_checksums };
    let repair = Repair::on(disk(), &files, choices);
    let outcome = arguments.how.keeping().run(repair, arguments.home.clone(), &files, arguments, &mut out)?;
    out.flush()?;
    Ok(outcome)
}

impl Tell for Arguments {
    fn plan(&self, plan: &Plan, out: &mut impl Write) -> Result<(), Failure> {
        Ok(upgrade::plan_of("repair_plan", plan, self.how.json, out)?)
    }

    fn done(&self, report: &FileReport, out: &mut impl Write) -> Result<(), Failure> {
        let did = Did { kind: "repaired", nothing: "nothing to mend" };
        if self.how.json || !report.changed() {
            return Ok(upgrade::did(report, self.how.copy.as_deref(), did, self.how.json, out)?);
        }
        // Of pairs that could not be read before nobody can say that they are as they were.
        let file = shown(&report.path);
        let place = self.how.copy.as_deref().map(|path| format!(" in {}", shown(path))).unwrap_or_default();
        let pages = counted(u64::from(report.modified).saturating_add(report.appended.into()), "page");
        let pairs = report.content.map(|content| format!("; {}", counted(content.pairs, "pair")));
        writeln!(out, "{file}: {pages} mended{place}{}", pairs.unwrap_or_default())?;
        if let Some(backup) = &report.backup {
            writeln!(out, "{file}: the old file is {}", shown(backup))?;
        }
        Ok(notices(&file, &report.notices, out)?)
    }
}
