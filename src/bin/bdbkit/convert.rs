//! `bdbkit convert`: files in the other byte order.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bdbkit::upgrade::{Convert, FileReport, Plan};
use bdbkit::{Endianness, FileKind, journal};
use serde::Serialize;

use crate::change::{How, Tell};
use crate::failure::{Failure, Outcome};
use crate::hex::hex;
use crate::input::{disk, open};
use crate::json;
use crate::output::counted;
use crate::password::{self, Password};
use crate::upgrade::{Noticed, noticed, notices, outcome, shown, text};

/// Bring files into the byte order of another kind of machine, in place
///
/// Works on BTREE, RECNO, HASH, QUEUE and HEAP files of releases 2.x to 18.1: with all databases that a
/// file holds, a QUEUE with its extents, and a database with its partitions. Numbers are turned around, and nothing else: keys, values and
/// the places of pages stay as they are, and to convert back gives the file that was. All files are
/// checked first; then a journal beside each holds what was there and what is to be. Whatever
/// happens then, a later run completes all files or brings all of them back. The result is
/// validated before it counts: every rule of bdbkit verify, and the same pairs as before.
///
/// What release 2 or 3.2 left in the order of its machine, and not of the file, is put right.
/// An encrypted file is encrypted anew, for machines of that order. Damaged files, files in use, and files whose log holds changes that they lack are refused.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The byte order to convert to: little, as of x86; big, as of SPARC; native, that of this machine
    #[arg(long, value_name = "ORDER", value_enum)]
    byte_order: To,

    /// The byte order of the machine that is to use the files, if it is another: releases 5.2 and 5.3 have
    /// numbers on the pages of a HEAP in that, whatever the order of the file, and the keys of encrypted files
    /// depend on it
    #[arg(long, value_name = "ORDER", value_enum)]
    machine: Option<To>,

    #[command(flatten)]
    password: Password,

    #[command(flatten)]
    how: How,

    /// Reset the LSNs of all pages too: for files that leave their logs behind
    #[arg(long)]
    reset_lsn: bool,

    /// The home of the environment that the files belong to, with its logs (default: their folder)
    #[arg(long, value_name = "FOLDER")]
    home: Option<PathBuf>,

    /// Database files of one folder, or a folder: then all database files in it. All of them are
    /// converted, or none
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// Byte orders to convert to.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum To {
    Little,
    Big,
    Native,
}

const EXAMPLES: &str = "\
Examples:
  bdbkit convert --byte-order little --check mboxlist           # what would be done?
  bdbkit convert --byte-order little mboxlist                   # all databases of the folder, or none
  bdbkit convert --byte-order native --copy new.db old.db       # leaves old.db alone
  bdbkit convert --byte-order little --resume mboxlist          # after a crash: complete it
  bdbkit convert --byte-order little --rollback mboxlist        # after a crash: bring the old files back";

impl To {
    fn order(self) -> Endianness {
        match self {
            To::Little => Endianness::Little,
            To::Big => Endianness::Big,
            To::Native if cfg!(target_endian = "big") => Endianness::Big,
            To::Native => Endianness::Little,
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    arguments.password.set()?;
    let mut out = io::stdout().lock();
    let files = arguments.how.files(arguments.files.iter().cloned())?;
    let files = with_partitions(files, arguments.how.settles())?;
    let convert = Convert::on(disk(), &files, arguments.byte_order.order())
        .machine(arguments.machine.map(To::order))
        .reset_lsn(arguments.reset_lsn);
    let password = files.iter().find_map(|path| password::of(path));
    let convert = match password {
        Some(password) => convert.password(password),
        None => convert,
    };
    let outcome = arguments.how.run(convert, arguments.home.clone(), &files, arguments, &mut out)?;
    out.flush()?;
    Ok(outcome)
}

/// The files, each with the partitions that it has: they are one unit. Where a run ended midway they are of
/// two byte orders, so none is opened, and their names say which they are.
fn with_partitions(files: Vec<PathBuf>, settles: bool) -> Result<Vec<PathBuf>, Failure> {
    let mut all = files.clone();
    for path in files {
        let failed = |error: &bdbkit::Error| Failure::about(&path, error);
        let named = FileKind::partitions_at(&path).map_err(|error| failed(&error))?;
        let kind = FileKind::at(&path).ok();
        let kind = kind.as_ref().and_then(FileKind::database);
        let mut parts: Vec<PathBuf> = Vec::new();
        if settles || named.iter().chain([&path]).any(|path| journal::name(path).exists()) {
            parts = named;
        } else if kind.is_some_and(|kind| kind.partitions.is_some()) {
            for part in open(&path)?.partitions() {
                let part = part.map_err(|error| failed(&error))?;
                parts.extend(part.file().path().map(Path::to_owned));
            }
        }
        for part in parts {
            if !all.contains(&part) {
                all.push(part);
            }
        }
    }
    Ok(all)
}

impl Tell for Arguments {
    fn plan(&self, plan: &Plan, out: &mut impl Write) -> Result<(), Failure> {
        Ok(planned(plan, self.how.json, out)?)
    }

    fn done(&self, report: &FileReport, out: &mut impl Write) -> Result<(), Failure> {
        Ok(done(report, self.how.copy.as_deref(), self.how.json, out)?)
    }
}

/// Tells what would be done to a file.
pub(crate) fn planned(plan: &Plan, as_json: bool, out: &mut impl Write) -> io::Result<()> {
    let file = shown(&plan.path);
    let changed = u64::try_from(plan.changes().len()).unwrap_or(u64::MAX);
    if as_json {
        let planned = Planned {
            file: &file,
            version: plan.from,
            from_byte_order: plan.from_order.to_string(),
            to_byte_order: plan.to_order.to_string(),
            pages: plan.pages_before,
            modified: changed,
            pairs: plan.content.map(|content| content.pairs),
            content_sha256: plan.content.map(|content| hex(&content.digest)),
            notices: noticed(&plan.notices),
        };
        return json::line("convert_plan", &planned, out);
    }
    if changed == 0 {
        writeln!(out, "{file}: {}: nothing to do", plan.from_order)?;
    } else {
        let pairs = plan.content.map(|content| format!("; {}", counted(content.pairs, "pair")));
        let (from, to, pages) = (plan.from_order, plan.to_order, plan.pages_before);
        let pairs = pairs.unwrap_or_default();
        writeln!(out, "{file}: {from} to {to}: {changed} of {pages} pages would change{pairs}")?;
    }
    notices(&file, &plan.notices, out)
}

/// Tells what was done to a file.
pub(crate) fn done(
    report: &FileReport,
    copy: Option<&Path>,
    as_json: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    let file = shown(&report.path);
    if as_json {
        let done = Done {
            file: &file,
            leftover: report.leftover.as_ref().map(|found| outcome(Some(found))),
            version: report.to,
            from_byte_order: report.from_order.to_string(),
            to_byte_order: report.to_order.to_string(),
            modified: report.modified,
            pairs: report.content.map(|content| content.pairs),
            content_sha256: report.content.map(|content| hex(&content.digest)),
            notices: noticed(&report.notices),
            copy: copy.map(shown),
            backup: report.backup.as_deref().map(shown),
        };
        return json::line("converted", &done, out);
    }
    let FileReport { from_order: from, to_order: to, .. } = report;
    let orders = if from == to { from.to_string() } else { format!("{from} to {to}") };
    text(report, &orders, copy, &format!("{from}: nothing to do"), out)
}

#[derive(Serialize)]
struct Planned<'a> {
    file: &'a str,
    version: u32,
    from_byte_order: String,
    to_byte_order: String,
    pages: u32,
    modified: u64,
    pairs: Option<u64>,
    content_sha256: Option<String>,
    notices: Vec<Noticed>,
}

#[derive(Serialize)]
struct Done<'a> {
    file: &'a str,
    leftover: Option<&'static str>,
    version: u32,
    from_byte_order: String,
    to_byte_order: String,
    modified: u32,
    pairs: Option<u64>,
    content_sha256: Option<String>,
    notices: Vec<Noticed>,
    copy: Option<String>,
    backup: Option<String>,
}
