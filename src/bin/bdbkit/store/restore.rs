//! `bdbkit store restore-snapshot`: a snapshot in the place of the databases.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bdbkit::mboxlist::{Restore, RestoreError, Restored};
use bdbkit::{ErrorKind, ShowName};
use serde::Serialize;

use crate::failure::{Failure, Outcome, Told};
use crate::input::disk;
use crate::json;
use crate::output::counted;

/// Put a snapshot in the place of the databases
///
/// The snapshot is judged first, as bdbkit store snapshots does: one that is not valid is refused,
/// and so is a store that may be running. Then it is copied, all of it but its marks: databases,
/// logs, and the files with names in __*. What is in the folder moves aside and is never deleted:
/// not one old log may stay beside the databases of a snapshot. Stop the server first. Afterwards
/// start it, and run reconstruct -m and reconstruct -r.
///
/// To undo a restore, restore the folder of the old files with --force, and name another --aside.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where the old files go: a new folder outside of DIR (default: DIR.aside beside it)
    #[arg(long, value_name = "FOLDER")]
    aside: Option<PathBuf>,

    /// The folder of the region files (store.dbtmpdir), if it is not DIR
    #[arg(long, value_name = "FOLDER")]
    dbtmpdir: Option<PathBuf>,

    /// Leave out the region files: for a snapshot of another machine or release
    #[arg(long)]
    no_regions: bool,

    /// Restore a snapshot that is not valid, or not what its marks say, all the same
    #[arg(long)]
    force: bool,

    /// Take it that no program uses the store
    #[arg(long)]
    assume_closed: bool,

    /// Go on with a restore that was interrupted
    #[arg(long, conflicts_with_all = ["snapshot", "aside", "dbtmpdir", "no_regions", "force", "assume_closed"])]
    resume: bool,

    /// Go back from a restore that was interrupted: the old files move to their places again.
    /// Refused when files of the snapshot are in theirs already
    #[arg(long, conflicts_with_all = ["resume", "snapshot", "aside", "dbtmpdir", "no_regions", "force", "assume_closed"])]
    rollback: bool,

    /// One JSON object
    #[arg(long)]
    json: bool,

    /// The folder of the databases, mboxlist
    dir: PathBuf,

    /// The folder of the snapshot
    #[arg(required_unless_present_any = ["resume", "rollback"])]
    snapshot: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    if arguments.rollback {
        let back = Restore::rollback_on(disk(), &arguments.dir).map_err(failure)?;
        print_back(&back, arguments)?;
        return Ok(Outcome::Complete);
    }
    let restored = match &arguments.snapshot {
        None => Restore::resume_on(disk(), &arguments.dir),
        Some(snapshot) => {
            let aside = arguments.aside.clone().unwrap_or_else(|| beside(&arguments.dir));
            let restore = Restore::on(disk(), &arguments.dir, snapshot, aside)
                .regions(!arguments.no_regions)
                .force(arguments.force)
                .assume_closed(arguments.assume_closed);
            arguments.dbtmpdir.iter().fold(restore, Restore::cache_dir).run()
        }
    };
    let restored = restored.map_err(failure)?;
    print(&restored, arguments)?;
    Ok(Outcome::Complete)
}

fn failure(error: RestoreError) -> Failure {
    let message = Told::new(error.path(), error.to_string()).code(error.code());
    match error {
        RestoreError::Folder(source) => Failure::Message(message.kind(source.kind())),
        RestoreError::Io { .. } => Failure::Message(message.kind(ErrorKind::Io)),
        RestoreError::NotASnapshot { .. } | RestoreError::Link { .. } => Failure::Unsupported(message),
        RestoreError::Cache { .. } => Failure::Usage(message),
        RestoreError::Unfit { .. }
        | RestoreError::Live { .. }
        | RestoreError::Busy { .. }
        | RestoreError::Interrupted { .. }
        | RestoreError::NothingMoved { .. }
        | RestoreError::Foreign { .. }
        | RestoreError::Unexpected { .. }
        | RestoreError::Clash { .. }
        | RestoreError::InPlace { .. }
        | RestoreError::Aside { .. }
        | RestoreError::OtherFileSystem { .. } => Failure::Refused(message),
        _ => Failure::Message(message),
    }
}

fn beside(folder: &Path) -> PathBuf {
    let mut name = folder.components().as_path().as_os_str().to_owned();
    name.push(".aside");
    PathBuf::from(name)
}

fn print(restored: &Restored, arguments: &Arguments) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let aside = json::name(&restored.aside);
    let [moved, placed, skipped] = [&restored.moved, &restored.placed, &restored.skipped].map(json::names);
    if arguments.json {
        let dir = json::name(&arguments.dir);
        return json::line("restored", &Done { dir, aside, moved, placed, skipped }, &mut out);
    }
    let dir = arguments.dir.shown();
    // A database and a log at least.
    writeln!(out, "{dir}: {} files of the snapshot are in place", placed.len())?;
    if !skipped.is_empty() {
        writeln!(out, "{dir}: not copied, as no file of a database: {}", skipped.join(", "))?;
    }
    writeln!(out, "{dir}: {} in {aside}", old_files(&moved))?;
    writeln!(out, "{dir}: start the server, then run reconstruct -m and reconstruct -r")
}

fn print_back(names: &[OsString], arguments: &Arguments) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let put_back = json::names(names);
    if arguments.json {
        let dir = json::name(&arguments.dir);
        return json::line("put_back", &Back { dir, put_back }, &mut out);
    }
    let dir = arguments.dir.shown();
    if put_back.is_empty() {
        return writeln!(out, "{dir}: no old file had moved; what the restore left is removed");
    }
    writeln!(out, "{dir}: {} back in place", old_files(&put_back))
}

fn old_files(names: &[String]) -> String {
    let number = u64::try_from(names.len()).unwrap_or(u64::MAX);
    format!("{} {}", counted(number, "old file"), if number == 1 { "is" } else { "are" })
}

#[derive(Serialize)]
struct Done {
    dir: String,
    aside: String,
    moved: Vec<String>,
    placed: Vec<String>,
    skipped: Vec<String>,
}

#[derive(Serialize)]
struct Back {
    dir: String,
    put_back: Vec<String>,
}
