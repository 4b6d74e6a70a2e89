//! Whether a file may be changed beside its logs (upgrade, "Environment and logs").

use std::path::{Path, PathBuf};

use super::error::{EditError, Refusal, Result};
use super::notice::Notice;
use super::surroundings::Surroundings;
use crate::access::Database;
use crate::env::{FolderOrigin, Layout, is_region};
use crate::log::{LogDir, LogError};
use crate::recover::{Condition, FileChange, Pending, Recover, RecoverError, Unrecovered};
use crate::shown::counted;

/// Refuses a file that may be in use, or that its logs have not finished with: that first,
/// for it says what to do.
pub(crate) fn check_logs(file: &Database<'_>, path: &Path, around: &Surroundings) -> Result<Option<Notice>> {
    let home = around.home(path);
    let region = region(home).filter(|_| !around.assume_closed);
    let notice = compare(file, path, home, region.is_some(), around)?;
    match region {
        Some(file) => Err(Refusal::Environment { file }.into()),
        None => Ok(notice),
    }
}

fn compare(
    file: &Database<'_>,
    path: &Path,
    home: &Path,
    regions: bool,
    around: &Surroundings,
) -> Result<Option<Notice>> {
    let layout = Layout::of(home);
    let folder = &layout.logs().path;
    let error = |source| EditError::Log { folder: folder.clone(), cause: source };
    let logs = match LogDir::open(folder) {
        Ok(_) if around.ignore_logs => return Ok(Some(Notice::LogsIgnored)),
        Ok(logs) => logs,
        // Where logs were said to be, their absence is worth a word.
        Err(LogError::NoLogs { .. })
            if layout.logs().origin == FolderOrigin::Home && around.home.is_none() =>
        {
            return Ok(None);
        }
        Err(_) if around.ignore_logs => return Ok(Some(Notice::LogsIgnored)),
        Err(source) => return Err(error(source)),
    };
    let start = logs.recovery_start().map_err(error)?;
    let recover = Recover::new();
    let unrecovered = Unrecovered::from(&logs, start, || logs.files(), &layout, recover);
    let running = if regions { "; region files are there: it may be in use" } else { "" };
    let condition = unrecovered.condition(path).map_err(|why| match why {
        RecoverError::Log(source) => error(source),
        RecoverError::File(source) => source.into(),
        other => {
            Refusal::Recovery { why: other.to_string(), from: unrecovered.start(), to: unrecovered.end() }
                .into()
        }
    })?;
    let end = unrecovered.end();
    match condition {
        Condition::Clean => {}
        Condition::Due(pending) => {
            let Pending { committed, uncommitted, undecided, change, first, .. } = pending;
            let committed = committed.saturating_add(undecided);
            let whole =
                if change == FileChange::Kept { "" } else { ", and it is made or removed as a whole" };
            let why = format!(
                "{} not in the file, {} in it{whole}{running}",
                counted(committed, "committed change"),
                counted(uncommitted, "uncommitted one")
            );
            return Err(Refusal::Recovery { why, from: first, to: end }.into());
        }
        Condition::Unrecoverable { why, until } => {
            let why = format!("it cannot be brought up to its log: {why}{running}");
            return Err(Refusal::Recovery { why, from: until, to: end }.into());
        }
    }
    let highest = file.highest_lsn();
    Ok((highest > end).then(|| Notice::ForeignLog {
        text: format!(
            "pages are newer ({highest}) than the end of the log ({}): reset the LSNs before a new environment uses the file",
            end
        ),
    }))
}

fn region(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok())
        .filter(|entry| entry.file_name().to_str().is_some_and(is_region))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found.into_iter().next()
}
