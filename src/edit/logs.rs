//! Whether a file may be changed beside its logs (upgrade, "Environment and logs").

use std::path::{Path, PathBuf};

use super::error::{EditError, Refusal, Result};
use super::notice::Notice;
use super::surroundings::Surroundings;
use crate::access::Database;
use crate::env::{Comparison, FolderOrigin, Layout, is_region};
use crate::log::{LogDir, LogError};
use crate::method::Method;
use crate::shown::counted;

/// Refuses a file that may be in use, or that its logs have not finished with: that first,
/// for it says what to do.
pub(crate) fn check_logs(file: &Database<'_>, path: &Path, around: &Surroundings) -> Result<Option<Notice>> {
    let home = around.home(path);
    let region = region(home).filter(|_| !around.assume_closed);
    let notice = compare(file, home, region.is_some(), around)?;
    match region {
        Some(file) => Err(Refusal::Environment { file }.into()),
        None => Ok(notice),
    }
}

fn compare(file: &Database<'_>, home: &Path, regions: bool, around: &Surroundings) -> Result<Option<Notice>> {
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
    let comparison = Comparison::new(&logs).map_err(error)?;
    let found = comparison.with(file).map_err(error)?;
    let running = if regions { "; region files are there: it may be in use" } else { "" };
    // Of a QUEUE the log says too little to compare it: all that it does say may be missing.
    let is_concerned = || comparison.concerned().is_none_or(|ids| ids.contains(&file.meta().file_id()));
    if file.meta().method() == Method::Queue && is_concerned() {
        let why = format!("the log speaks of changes of a QUEUE, which cannot be compared with it{running}");
        return Err(Refusal::Recovery { why, from: comparison.start, to: found.end }.into());
    }
    if let Some(from) = found.first {
        let why = format!(
            "{} not in the file, {} in it{running}",
            counted(found.redo, "committed change"),
            counted(found.undo, "uncommitted one")
        );
        return Err(Refusal::Recovery { why, from, to: found.end }.into());
    }
    let highest = file.highest_lsn();
    Ok((highest > found.end).then(|| Notice::ForeignLog {
        text: format!(
            "pages are newer ({highest}) than the end of the log ({}): reset the LSNs before a new environment uses the file",
            found.end
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
