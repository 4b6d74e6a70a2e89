//! `bdbkit downgrade`: files to an earlier version, in place.

use std::io::{self, Write};
use std::path::PathBuf;

use bdbkit::Endianness;
use bdbkit::downgrade::{Downgrade, DowngradeChoices, DowngradeTo};
use bdbkit::upgrade::{FileReport, Plan};

use crate::change::{How, Tell};
use crate::failure::{Failure, Outcome};
use crate::input::disk;
use crate::upgrade::{self, Did};

/// Bring files in place to the version of an earlier release
///
/// Works on BTREE and RECNO files of versions 10 to 7, on HASH files of versions 10 to 6, on QUEUE files of
/// versions 4 and 3 and on HEAP files of version 2, in either byte order, and keeps the order. Each method
/// counts its own versions: where BTREE becomes 9, 8, 7 or 6, HASH becomes 9, 7, 6 or 5, and QUEUE 4, 3 or
/// 1; releases 2.x have none. All files are checked first, and planned; then a journal beside each holds
/// what was there and what is to be. Whatever happens then, a later run completes all files or brings
/// all of them back. The result is validated before it counts: every rule of bdbkit verify, and the same
/// pairs as before.
///
/// What an earlier release has no place for is refused by name, with the page that says so: checksums,
/// compression and external files, and several databases in a file for releases 2.x. Damaged files, files
/// in use, and files whose log holds changes that they lack are refused, too. Logs, and region files, are
/// those of the later release: recover first, and move them away.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The version to go back to: 9 for releases 4.1 to 5.3, 8 for 3.1 to 4.0, 7 for 3.0, 6 for 2.x
    #[arg(long, value_name = "VERSION", value_enum)]
    to: To,

    /// HASH files to version 8, for releases 4.1 to 4.5: those do not read the pages of version 9
    #[arg(long)]
    hash_8: bool,

    /// The byte order of the machine that is to read the files: asked for where release 3.0 has several
    /// databases in a file, and for a HEAP, if it is not that of this machine
    #[arg(long, value_name = "ORDER", value_enum)]
    machine: Option<Order>,

    #[command(flatten)]
    how: How,

    /// Reset the LSNs of all pages too: for files that leave their logs behind
    #[arg(long)]
    reset_lsn: bool,

    /// Go on even if pages hold records that nothing leads to: they stay as they are, for bdbkit
    /// salvage to find
    #[arg(long)]
    leave_unreachable: bool,

    /// The home of the environment that the files belong to, with its logs (default: their folder)
    #[arg(long, value_name = "FOLDER")]
    home: Option<PathBuf>,

    /// Database files of one folder, or a folder: then all database files in it. All of them are
    /// changed, or none
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// Versions to go back to.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum To {
    #[value(name = "9")]
    V9,
    #[value(name = "8")]
    V8,
    #[value(name = "7")]
    V7,
    #[value(name = "6")]
    V6,
}

/// Byte orders of machines.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Order {
    Little,
    Big,
}

const EXAMPLES: &str = "\
Examples:
  bdbkit downgrade --to 9 --check store                # what would be done for release 5.3?
  bdbkit downgrade --to 8 --backup /var/tmp/old store  # all databases of the folder, or none
  bdbkit downgrade --to 6 --copy down.db folder.db     # leaves folder.db alone
  bdbkit downgrade --to 8 --resume folder.db           # after a crash: complete it
  bdbkit downgrade --to 8 --rollback folder.db         # after a crash: bring the newer file back";

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let mut out = io::stdout().lock();
    let choices = arguments.choices()?;
    let files = arguments.how.files(arguments.files.iter().cloned())?;
    let downgrade = Downgrade::on(disk(), &files, choices);
    let outcome = arguments.how.run(downgrade, arguments.home.clone(), &files, arguments, &mut out)?;
    out.flush()?;
    Ok(outcome)
}

impl Arguments {
    fn choices(&self) -> Result<DowngradeChoices, Failure> {
        let to = match self.to {
            To::V9 if self.hash_8 => DowngradeTo::V9Hash8,
            _ if self.hash_8 => return Err(Failure::Usage("--hash-8 goes with --to 9".into())),
            To::V9 => DowngradeTo::V9,
            To::V8 => DowngradeTo::V8,
            To::V7 => DowngradeTo::V7,
            To::V6 => DowngradeTo::V6,
        };
        let machine = self.machine.map(|order| match order {
            Order::Little => Endianness::Little,
            Order::Big => Endianness::Big,
        });
        let (reset_lsn, leave_unreachable) = (self.reset_lsn, self.leave_unreachable);
        Ok(DowngradeChoices { machine, reset_lsn, leave_unreachable, ..DowngradeChoices::new(to) })
    }
}

impl Tell for Arguments {
    fn plan(&self, plan: &Plan, out: &mut impl Write) -> Result<(), Failure> {
        Ok(upgrade::plan_of("downgrade_plan", plan, self.how.json, out)?)
    }

    fn done(&self, report: &FileReport, out: &mut impl Write) -> Result<(), Failure> {
        let nothing = format!("version {}: nothing to do", report.from);
        let did = Did { kind: "downgraded", nothing: &nothing };
        Ok(upgrade::did(report, self.how.copy.as_deref(), did, self.how.json, out)?)
    }
}
