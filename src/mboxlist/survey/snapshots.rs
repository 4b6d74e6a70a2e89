//! Snapshots, and what their marks are worth (mboxlist, "Snapshots").

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::findings::{Code, StoreFinding, StoreSeverity};
use super::marks::{MarkFile, SnapshotVerdict};
use super::options::SurveyOptions;
use super::state::State;
use super::store::{Snapshot, Survey};
use crate::mboxlist::{files, names};
use crate::shown::ShowName;

impl Snapshot {
    /// Looks at the folder of a snapshot: its marks, and its files by a survey of their own.
    #[must_use]
    pub fn of(folder: impl AsRef<Path>) -> Snapshot {
        Snapshot::judge(folder.as_ref(), false, &SurveyOptions::new())
    }

    fn judge(path: &Path, rescue: bool, options: &SurveyOptions) -> Snapshot {
        let mark = |name: &str| MarkFile::of(&path.join(name));
        let (snaptime, verified) = (mark(".snaptime"), mark(".verified"));
        let own = SurveyOptions::new()
            .mapped(options.map())
            .alone()
            .survey(path)
            .map_err(|error| error.to_string());
        let state = own.as_ref().map_or(State::Unknown, |own| own.decision.state);
        let worst = match &own {
            Ok(own) => counting(own).map(|finding| finding.severity).max(),
            Err(_) => Some(StoreSeverity::Error),
        };
        let whole = own.as_ref().is_ok_and(|own| faults(own).next().is_none());
        let verdict = match (&snaptime, &verified) {
            (Some(_), Some(_)) if whole => SnapshotVerdict::Valid,
            (Some(_), Some(_)) => SnapshotVerdict::Contradiction,
            (Some(_), None) if state.is_closed() || state == State::RecoveryNeeded => {
                SnapshotVerdict::AfterRecovery
            }
            _ => SnapshotVerdict::Invalid,
        };
        let age_from = options.age_from;
        let taken = snaptime.as_ref().and_then(|mark| age_from.time(mark));
        let age = taken.and_then(|time| SystemTime::now().duration_since(time).ok());
        let name = names::of(path);
        let size = |path: PathBuf| fs::symlink_metadata(path).map_or(0, |metadata| metadata.len());
        let size = files::of(path).unwrap_or_default().into_iter().map(size).fold(0, u64::saturating_add);
        let path = path.to_owned();
        Snapshot {
            name,
            path,
            snaptime,
            verified,
            taken,
            age_from,
            age,
            verdict,
            rescue,
            state,
            worst,
            size,
            own,
        }
    }

    /// Whether it leads back behind an upgrade: it is valid, and older than that.
    #[must_use]
    pub fn serves(&self, upgrade: SystemTime) -> bool {
        self.verdict == SnapshotVerdict::Valid && self.taken.is_some_and(|taken| taken < upgrade)
    }

    /// What is wrong with its files: damaged, missing, or not fitting together.
    pub fn faults(&self) -> impl Iterator<Item = &StoreFinding> {
        self.own.iter().flat_map(faults)
    }

    /// Why it is worth what it is, in words.
    #[must_use]
    pub fn reason(&self) -> String {
        let lacks = match (&self.snaptime, &self.verified) {
            (None, None) => "no .snaptime, no .verified",
            (None, _) => "no .snaptime",
            _ => "no .verified",
        };
        match self.verdict {
            SnapshotVerdict::Valid => "both marks are there, and the files agree".into(),
            SnapshotVerdict::AfterRecovery => format!("{lacks}; usable after recovery and a check"),
            SnapshotVerdict::Invalid => lacks.into(),
            SnapshotVerdict::Contradiction => {
                let fault = self.faults().max_by_key(|fault| fault.severity);
                let why = match (fault, &self.own) {
                    (Some(fault), _) => fault.to_string(),
                    (None, Err(error)) => error.clone(),
                    (None, Ok(_)) => String::new(),
                };
                format!("valid by its marks, but its own survey says {}: {why}", self.state)
            }
        }
    }
}

/// The findings about the files themselves: that there are region files, and what was not
/// looked at, is no fault of a snapshot.
fn counting(survey: &Survey) -> impl Iterator<Item = &StoreFinding> {
    survey.findings.iter().filter(|finding| {
        !matches!(
            finding.code,
            Code::ManyLogs
                | Code::Regions
                | Code::Places
                | Code::Unmarked
                | Code::NoSnapshot
                | Code::TooYoung
                | Code::Contradiction
                | Code::Rescue
        )
    })
}

/// Those above a note. A database that the log speaks of, and that is not there, may be
/// elsewhere in a store: in a snapshot it is missing.
fn faults(survey: &Survey) -> impl Iterator<Item = &StoreFinding> {
    counting(survey).filter(|finding| finding.severity > StoreSeverity::Note || finding.code == Code::Missing)
}

/// The snapshots of a store, and what could not be looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) snapshots: Vec<Snapshot>,
    /// Links among the snapshots, which are not followed, and a folder that cannot be read.
    pub(super) unread: Vec<String>,
}

impl Found {
    /// The snapshots below a folder, and the rescue copy in that of the databases.
    pub(super) fn of(databases: &Path, folder: &Path, options: &SurveyOptions) -> Found {
        let mut found = Found::default();
        match files::all(folder) {
            Ok(below) => below.iter().for_each(|path| {
                options.tell.measure([], 1).next(path);
                found.look(path, false, options);
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => found.unread.push(format!("{}: {error}", folder.shown())),
        }
        found.look(&databases.join("removed"), true, options);
        found
    }

    fn look(&mut self, path: &Path, rescue: bool, options: &SurveyOptions) {
        match fs::symlink_metadata(path).map(|kind| kind.file_type()) {
            Ok(kind) if kind.is_dir() => self.snapshots.push(Snapshot::judge(path, rescue, options)),
            Ok(kind) if kind.is_symlink() => {
                self.unread.push(format!("{} is a symbolic link, not followed", path.shown()));
            }
            _ => {}
        }
    }
}
