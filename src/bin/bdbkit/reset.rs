//! `bdbkit reset-lsn` and `bdbkit reset-fileid`: what environments know a file by.

use std::io::Write;
use std::path::PathBuf;

use bdbkit::FileId;
use bdbkit::journal::SystemDisk;
use bdbkit::upgrade::{EditError, Report, Reset};

use crate::failure::{Failure, Outcome};
use crate::input::disk;
use crate::upgrade::{failure, file_id, reset};

/// Reset the LSNs of all pages: for a file that moves to another environment
///
/// A page's LSN is a position in the log of the environment that wrote it. In another
/// environment, or after the logs are gone, it means nothing: newer releases refuse the file, or
/// recovery goes wrong later. As db_load -r lsn, in either byte order, through a journal.
#[derive(clap::Args)]
pub(crate) struct Lsn {
    /// LSN 0/0 instead of 0/1: for releases 2.x and 3.x
    #[arg(long)]
    lsn_zero: bool,

    #[command(flatten)]
    common: Common,
}

/// Give a file a new id: for a copy in an environment that knows the original
///
/// As db_load -r fileid, for all databases in the file, in either byte order, through a journal.
#[derive(clap::Args)]
pub(crate) struct FileIds {
    /// This id, as 40 hexadecimal digits, instead of a fresh one
    #[arg(long, value_name = "ID", value_parser = file_id)]
    uid: Option<FileId>,

    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args)]
struct Common {
    /// The home of the environment that the files belong to, with its logs (default: their folder)
    #[arg(long, value_name = "FOLDER")]
    home: Option<PathBuf>,

    /// Go on even if the logs beside the file say that it is not complete
    #[arg(long)]
    ignore_logs: bool,

    /// Take it that no program uses the file or its environment
    #[arg(long)]
    assume_closed: bool,

    /// One JSON object for each file
    #[arg(long)]
    json: bool,

    /// Database files of one folder: all of them are changed, or none
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

pub(crate) fn lsn(arguments: &Lsn, out: &mut impl Write) -> Result<Outcome, Failure> {
    let common = &arguments.common;
    let reset = Reset::lsn_on(disk(), &common.files);
    common.run(if arguments.lsn_zero { reset.zero() } else { reset }, out)
}

pub(crate) fn file_ids(arguments: &FileIds, out: &mut impl Write) -> Result<Outcome, Failure> {
    let common = &arguments.common;
    let reset = Reset::file_id_on(disk(), &common.files);
    let reset = match arguments.uid {
        Some(id) => reset.to(id),
        None => reset,
    };
    common.run(reset, out)
}

impl Common {
    fn run(&self, reset: Reset<'_, SystemDisk>, out: &mut impl Write) -> Result<Outcome, Failure> {
        let reset = reset.home(self.home.clone()).assume_closed(self.assume_closed);
        let reset = reset.ignore_logs(self.ignore_logs);
        let done: Result<Report, EditError> = reset.run();
        for file in done.map_err(failure)?.files {
            self::reset(&file, self.json, out)?;
        }
        out.flush()?;
        Ok(Outcome::Complete)
    }
}
