//! `bdbkit upgrade`: files to a later version, in place.

mod choices;
mod report;

pub(crate) use choices::{Duplicates, choices, duplicates, file_id, profile};
pub(crate) use report::{
    Did, Noticed, did, done, noticed, notices, outcome, plan, plan_of, reset, settled, shown, text,
};

use std::io::Write;
use std::path::{Path, PathBuf};

use bdbkit::ErrorKind;
use bdbkit::journal::{JournalError, Outcome as Became};
use bdbkit::upgrade::{EditError, FileReport, Plan, Profile, Refusal, Upgrade};

use crate::change::{How, Tell};
use crate::failure::{Failure, Outcome, Told, about};
use crate::genuine::Genuine;
use crate::input::disk;
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

    /// Reset the LSNs of all pages too: for files that leave their logs behind
    #[arg(long)]
    reset_lsn: bool,

    /// The id of a file of version 6: keep, or 40 hexadecimal digits (default: a fresh one)
    #[arg(long, value_name = "ID", value_parser = choices::id)]
    uid: Option<Id>,

    /// The home of the environment that the files belong to, with its logs (default: their folder)
    #[arg(long, value_name = "FOLDER", conflicts_with = "files_home")]
    home: Option<PathBuf>,

    /// Upgrade even if pages hold records that nothing leads to: they stay as they are, for bdbkit
    /// salvage to find
    #[arg(long)]
    leave_unreachable: bool,

    #[command(flatten)]
    how: How,

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

pub(crate) fn run(arguments: &Arguments, out: &mut impl Write) -> Result<Outcome, Failure> {
    let files = arguments.how.files(arguments.files.iter().map(|path| arguments.genuine.file(path)))?;
    let choices = arguments.choices();
    if choices.profile.is_genuine() && (choices.records.is_some() || !choices.duplicates_of.is_empty()) {
        let text = "the genuine profiles know neither --re-len nor --dupsort NAME=";
        return Err(Failure::Usage(text.into()));
    }
    let upgrade = Upgrade::on(disk(), &files).choices(choices);
    let outcome = arguments.how.run(upgrade, arguments.home(), &files, arguments, out)?;
    out.flush()?;
    Ok(outcome)
}

impl Tell for Arguments {
    fn plan(&self, plan: &Plan, out: &mut impl Write) -> Result<(), Failure> {
        Ok(report::plan(plan, self.how.json, out)?)
    }

    fn done(&self, file: &FileReport, out: &mut impl Write) -> Result<(), Failure> {
        Ok(report::done(file, self.how.copy.as_deref(), self.how.json, out)?)
    }
}

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
            | Refusal::NotMended { .. }
            | Refusal::Growth { .. } => Failure::Message,
            Refusal::QueueStart { .. } | Refusal::Encrypted => Failure::Unsupported,
            Refusal::NotKept
            | Refusal::NoSuchDatabase { .. }
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
