//! Whether a file may be changed beside its logs (upgrade, "Environment and logs").

use std::path::{Path, PathBuf};

use super::error::{EditError, Refusal, Result};
use super::notice::Notice;
use super::surroundings::Surroundings;
use crate::access::Database;
use crate::env::{FolderOrigin, Layout, is_region};
use crate::log::LogError;
use crate::recover::{Condition, FileChange, Pending, RecoverError, Unrecovered};
use crate::shown::counted;

/// What is around the files of a run: the logs of each home are read once.
pub(crate) struct Logs<'a> {
    around: &'a Surroundings,
    /// The home that was asked for last, and its logs.
    known: Option<(PathBuf, Known)>,
}

/// The logs of a home.
enum Known {
    None,
    Ignored,
    Read(Box<Unrecovered>),
}

impl<'a> Logs<'a> {
    pub(crate) fn new(around: &'a Surroundings) -> Logs<'a> {
        Logs { around, known: None }
    }

    /// Refuses a file that may be in use, or that its logs have not finished with: that first,
    /// for it says what to do.
    pub(crate) fn check(&mut self, file: &Database<'_>, path: &Path) -> Result<Option<Notice>> {
        let home = self.around.home(path);
        let region = region(home).filter(|_| !self.around.assume_closed);
        let notice = match self.of(home)? {
            Known::None => None,
            Known::Ignored => Some(Notice::LogsIgnored),
            Known::Read(unrecovered) => compare(file, path, unrecovered, region.is_some())?,
        };
        match region {
            Some(file) => Err(Refusal::Environment { file }.into()),
            None => Ok(notice),
        }
    }

    /// The logs of a home.
    fn of(&mut self, home: &Path) -> Result<&Known> {
        let known = match self.known.take().filter(|(known, _)| known == home) {
            Some((_, known)) => known,
            None => self.read(home)?,
        };
        Ok(&self.known.insert((home.to_owned(), known)).1)
    }

    fn read(&self, home: &Path) -> Result<Known> {
        let (layout, recover) = (Layout::of(home), &self.around.recover);
        let folder = &layout.logs().path;
        let error = |source| EditError::Log { folder: folder.clone(), cause: source };
        let logs = match recover.log_options().open_dir(folder) {
            Ok(_) if self.around.ignore_logs => return Ok(Known::Ignored),
            Ok(logs) => logs,
            // Where logs were said to be, their absence is worth a word.
            Err(LogError::NoLogs { .. })
                if layout.logs().origin == FolderOrigin::Home && self.around.home.is_none() =>
            {
                return Ok(Known::None);
            }
            Err(_) if self.around.ignore_logs => return Ok(Known::Ignored),
            Err(source) => return Err(error(source)),
        };
        let start = logs.recovery_start().map_err(error)?;
        let unrecovered = Unrecovered::from(&logs, start, || logs.files(), &layout, recover.clone());
        Ok(Known::Read(Box::new(unrecovered)))
    }
}

fn compare(
    file: &Database<'_>,
    path: &Path,
    unrecovered: &Unrecovered,
    regions: bool,
) -> Result<Option<Notice>> {
    let running = if regions { "; region files are there: it may be in use" } else { "" };
    let condition = unrecovered.condition(path).map_err(|why| match why {
        RecoverError::Log(cause) => EditError::Log { folder: unrecovered.folder().to_owned(), cause },
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

#[cfg(test)]
mod tests {
    use super::*;

    /// For whoever has many files in a folder.
    #[test]
    fn a_log_is_read_once_for_all_files_of_a_home() {
        let folder = tempfile::tempdir().unwrap();
        let case = Path::new("testdata/env-log3-le-crashed");
        let names = ["d.db", "p.db", "log.0000000001"];
        for name in names.iter().filter(|name| case.join(name).exists()) {
            std::fs::copy(case.join(name), folder.path().join(name)).unwrap();
        }
        let around = Surroundings::default();
        let mut logs = Logs::new(&around);
        let path = folder.path().join("p.db");
        let db = Database::open(&path).unwrap();
        let refused = |logs: &mut Logs<'_>| {
            matches!(logs.check(&db, &path), Err(EditError::Refused(Refusal::Recovery { .. })))
        };
        assert!(refused(&mut logs));
        std::fs::remove_file(folder.path().join("log.0000000001")).unwrap();
        assert!(refused(&mut logs), "it is read again");
        assert!(!refused(&mut Logs::new(&around)), "another run");
    }
}
