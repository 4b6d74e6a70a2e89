//! `bdbkit upgrade`: files to a later version, in place.

mod choices;
mod report;

pub(crate) use choices::{Duplicates, choices, duplicates, file_id, profile};
pub(crate) use report::{done, plan, reset, settled};

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bdbkit::journal::{Disk, JournalError, Outcome as Became, SystemDisk};
use bdbkit::upgrade::{EditError, Profile, Refusal, Upgrade};
use bdbkit::{ErrorKind, ShowName};
use indicatif::ProgressBar;

use crate::failure::{Failure, Outcome, Told, about, complain};
use crate::files::databases;
use crate::genuine::Genuine;
use crate::input::disk;
use crate::progress;
use choices::{Id, To};

/// Upgrade files in place: to version 9, 8 or 7
///
/// Works on BTREE and RECNO files of versions 6, 7 and 8, on HASH files of versions 4 to 8 and on
/// QUEUE files of versions 1 to 3 with their extents, in either byte order, and keeps the order.
/// Each method counts its own versions: where BTREE becomes 9, 8 or 7, HASH becomes 9, 7 or 6,
/// and QUEUE 4, 3 or stays 1. All files are checked first, and planned; then a journal beside each holds what was
/// there and what is to be. Whatever happens then, a later run completes all files or brings
/// all of them back. The result is validated before it counts: every rule of bdbkit verify,
/// and the same pairs as before.
///
/// Damaged files, files in use, and files whose log holds changes that they lack are refused.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, disable_help_flag = true)]
pub(crate) struct Arguments {
    /// The version to upgrade to: 9 for releases 4.1 to 5.3, 8 for 3.1 to 4.0, 7 for 3.0
    #[arg(long, value_name = "VERSION", value_enum, default_value = "9")]
    to: To,

    /// The result byte for byte as the tools of a release write it, faults included
    #[arg(long, value_name = "NAME", value_parser = choices::profile, conflicts_with = "to")]
    profile: Option<Profile>,

    /// How duplicates are taken, which versions 6 and 7 do not record: no (in the order in which
    /// they stand), yes (sorted; refused if they are not), auto (by looking), unchecked (sorted by
    /// an order of the application's); NAME=… for one database of several
    #[arg(long, value_name = "[NAME=]no|yes|auto|unchecked", value_parser = choices::duplicates)]
    dupsort: Vec<Duplicates>,

    /// Length of records that all have one, which version 6 does not record: without it newer
    /// releases read such records, but refuse to add any
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..))]
    re_len: Option<u32>,

    /// What fills shorter data up to that length
    #[arg(long, value_name = "BYTE", default_value = "0x20", requires = "re_len", value_parser = choices::byte)]
    re_pad: u8,

    /// Leave the pairs of HASH pages in their order: valid in version 9, whose releases sort a page
    /// when they first put something on it. Little more than page 0 changes
    #[arg(long)]
    lazy: bool,

    /// Upgrade HASH files of version 4 for an application with a hash function of its own: any other
    /// would not find its keys afterwards
    #[arg(long)]
    keep_hash: bool,

    /// As --dupsort yes, as db_upgrade has it
    #[arg(short = 's', conflicts_with = "dupsort")]
    sorted: bool,

    #[command(flatten)]
    genuine: Genuine,

    /// Accepted for the genuine programs' sake: encrypted files are not changed
    #[arg(short = 'P', value_name = "PASSWORD")]
    _password: Option<String>,

    /// Print what would be done, page by page, and write nothing
    #[arg(long, conflicts_with_all = ["backup", "copy"])]
    check: bool,

    /// Copy each file to this folder first; the copies are removed when all went well
    #[arg(long, value_name = "DIR")]
    backup: Option<PathBuf>,

    /// Keep the copies
    #[arg(long, requires = "backup")]
    keep_backup: bool,

    /// Write the upgraded file here, and leave the original as it is
    #[arg(long, value_name = "OUT", conflicts_with = "backup")]
    copy: Option<PathBuf>,

    /// Reset the LSNs of all pages too: for files that leave their logs behind
    #[arg(long)]
    reset_lsn: bool,

    /// The id of a file of version 6: keep, or 40 hexadecimal digits (default: a fresh one)
    #[arg(long, value_name = "ID", value_parser = choices::id)]
    uid: Option<Id>,

    /// The home of the environment that the files belong to, with its logs (default: their folder)
    #[arg(long, value_name = "FOLDER", conflicts_with = "files_home")]
    home: Option<PathBuf>,

    /// Upgrade even if the logs beside the file say that it is not complete
    #[arg(long)]
    ignore_logs: bool,

    /// Upgrade even if pages hold records that nothing leads to: they stay as they are, for bdbkit
    /// salvage to find
    #[arg(long)]
    leave_unreachable: bool,

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
    json: bool,

    /// Database files of one folder, or a folder: then all database files in it. All of them are
    /// upgraded, or none
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  bdbkit upgrade --check mboxlist                  # what would be done?
  bdbkit upgrade --backup /var/tmp/old mboxlist    # all databases of the folder, or none
  bdbkit upgrade --copy new.db old.db              # leaves old.db alone
  bdbkit upgrade --resume mboxlist                 # after a crash: complete it
  bdbkit upgrade --rollback mboxlist               # after a crash: bring the old files back";

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let mut out = io::stdout().lock();
    let mut files = Vec::new();
    for path in &arguments.files {
        files.extend(given(&arguments.genuine.file(path))?);
    }
    let choices = arguments.choices();
    if choices.profile.is_genuine() && (choices.records.is_some() || !choices.duplicates_of.is_empty()) {
        let text = "the genuine profiles know neither --re-len nor --dupsort NAME=";
        return Err(Failure::Usage(text.into()));
    }
    if arguments.copy.is_some() && files.len() != 1 {
        return Err(Failure::Usage("--copy takes one file".into()));
    }
    let outcome = arguments.act(&files, &mut out)?;
    out.flush()?;
    Ok(outcome)
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

impl Arguments {
    fn act(&self, files: &[PathBuf], out: &mut impl Write) -> Result<Outcome, Failure> {
        let bar = progress::pages(files.first().map_or(Path::new(""), PathBuf::as_path));
        let upgrade = Upgrade::on(disk(), files)
            .choices(self.choices())
            .home(self.home())
            .ignore_logs(self.ignore_logs)
            .assume_closed(self.assume_closed);
        let upgrade = upgrade.progress(|progress| {
            bar.set_message(format!("{}: {}", progress.path.shown(), progress.step.text()));
            bar.set_length(progress.total);
            bar.set_position(progress.pages);
        });
        if self.resume || self.rollback {
            return self.settle(&upgrade, files, &bar, out);
        }
        if self.check {
            let plans = upgrade.plan();
            bar.finish_and_clear();
            for plan in plans.map_err(failure)? {
                report::plan(&plan, self.json, out)?;
            }
            return Ok(Outcome::Complete);
        }
        let done = match &self.copy {
            Some(target) => upgrade.copy_to(target),
            None => match &self.backup {
                Some(folder) => upgrade.backup_dir(folder).keep_backup(self.keep_backup).run(),
                None => upgrade.run(),
            },
        };
        bar.finish_and_clear();
        let done = done.map_err(failure)?;
        for (path, became) in &done.others {
            report::settled(path, Some(became), self.json, out)?;
        }
        for file in done.files {
            report::done(&file, self.copy.as_deref(), self.json, out)?;
        }
        Ok(Outcome::Complete)
    }

    fn settle(
        &self,
        upgrade: &Upgrade<'_, SystemDisk>,
        files: &[PathBuf],
        bar: &ProgressBar,
        out: &mut impl Write,
    ) -> Result<Outcome, Failure> {
        let settled = if self.resume { upgrade.resume() } else { upgrade.roll_back() };
        bar.finish_and_clear();
        let settled = settled.map_err(failure)?;
        let mut outcome = Outcome::Complete;
        let others = settled.others.iter().map(|(path, became)| (path, Some(became)));
        let all = files.iter().zip(settled.files.iter().map(Option::as_ref)).chain(others);
        for (path, became) in all {
            report::settled(path, became, self.json, out)?;
            if self.rollback {
                outcome = outcome.and(ended(path, became, self.json.then_some(&mut *out))?);
            }
        }
        for path in &settled.moved {
            complain(about(path, MOVED));
        }
        Ok(outcome)
    }
}

/// What is told of a journal that was written beside another file.
const MOVED: &str = "note: its journal was written beside another file, or the file was copied or restored \
                     since; it was accepted, as asked";

/// What to tell about an upgrade that did not take place.
pub(crate) fn failure(error: EditError) -> Failure {
    let told = Told::new(error.path(), error.to_string()).code(error.code());
    kind(&error)(error_kind(&error).into_iter().fold(told, Told::kind))
}

/// What kind of failure an error is.
pub(crate) fn kind(error: &EditError) -> fn(Told) -> Failure {
    match error {
        EditError::About { cause, .. } | EditError::Afterwards { cause, .. } => kind(cause),
        // A question about a database comes from an option here.
        EditError::Database(error) if error.kind() == ErrorKind::Question => Failure::Usage,
        EditError::Database(error) => Failure::of_kind(error.kind()),
        EditError::Refused(refusal) => match refusal {
            Refusal::Tail { .. }
            | Refusal::Damaged { .. }
            | Refusal::Unreachable { .. }
            | Refusal::Unreadable { .. }
            | Refusal::Chain { .. }
            | Refusal::DatabaseList { .. }
            | Refusal::Growth { .. } => Failure::Message,
            Refusal::QueueStart { .. } => Failure::Unsupported,
            Refusal::NoSuchDatabase { .. }
            | Refusal::RecordLength { .. }
            | Refusal::Twice
            | Refusal::Folders => Failure::Usage,
            _ => Failure::Refused,
        },
        EditError::Journal(error) if error.is_refusal() => Failure::Refused,
        _ => Failure::Message,
    }
}

/// What kind of error the library met, where it was one of reading or of the system.
fn error_kind(error: &EditError) -> Option<ErrorKind> {
    match error {
        EditError::About { cause, .. } | EditError::Afterwards { cause, .. } => error_kind(cause),
        EditError::Database(error) => Some(error.kind()),
        EditError::Journal(JournalError::Io { .. }) => Some(ErrorKind::Io),
        _ => None,
    }
}

/// Tells of a roll back that found that the upgrade had ended.
pub(crate) fn ended<W: Write>(
    path: &Path,
    became: Option<&Became>,
    json: Option<&mut W>,
) -> Result<Outcome, Failure> {
    if became != Some(&Became::Completed) {
        return Ok(Outcome::Complete);
    }
    let text = "too late to bring the old file back: the upgrade had ended";
    Failure::Message(about(path, text)).survive(json)
}

/// What became of what an earlier run had left behind, in words.
pub(crate) fn became(became: Option<&Became>) -> String {
    became.map_or_else(|| "nothing was left behind".to_owned(), ToString::to_string)
}
