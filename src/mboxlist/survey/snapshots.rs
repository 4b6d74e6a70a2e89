//! Snapshots, and what their marks are worth (mboxlist, "Snapshots").

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::findings::{Code, Severity};
use super::state::State;
use super::{Survey, SurveyOptions};
use crate::mboxlist::files;

/// A snapshot, or the rescue copy beside the databases.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// Name of its folder.
    pub name: String,
    /// The folder.
    pub path: PathBuf,
    /// When it was taken, by the date of the file `.snaptime`.
    pub snaptime: Option<SystemTime>,
    /// How long before the survey that was.
    pub age: Option<Duration>,
    /// Whether the file `.verified` is there.
    pub verified: bool,
    /// What it is worth.
    pub verdict: Verdict,
    /// Whether it is the rescue copy, `removed`.
    pub rescue: bool,
    /// How its own databases were left.
    pub state: State,
    /// The worst of its own findings that counts.
    pub worst: Option<Severity>,
}

/// What a snapshot is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Both marks, and the files agree.
    Valid,
    /// Both marks, but the files disagree.
    Contradiction,
    /// Not verified: it may serve after recovery and a check.
    AfterRecovery,
    /// Not valid.
    Invalid,
}

impl Verdict {
    /// In a word: `valid`, `contradiction`, `after-recovery` or `invalid`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Valid => "valid",
            Verdict::Contradiction => "contradiction",
            Verdict::AfterRecovery => "after-recovery",
            Verdict::Invalid => "invalid",
        }
    }
}

impl Snapshot {
    fn of(path: PathBuf, rescue: bool) -> Snapshot {
        let time = |name: &str| fs::symlink_metadata(path.join(name)).ok()?.modified().ok();
        let (snaptime, verified) = (time(".snaptime"), time(".verified").is_some());
        let own = SurveyOptions::new().alone().survey(&path).ok();
        let state = own.as_ref().map_or(State::Unknown, |own| own.decision.state);
        let worst = own.as_ref().map_or(Some(Severity::Error), worst);
        let sound = worst <= Some(Severity::Note);
        let verdict = match (snaptime, verified) {
            (Some(_), true) if sound => Verdict::Valid,
            (Some(_), true) => Verdict::Contradiction,
            (Some(_), false) if state.is_closed() || state == State::RecoveryNeeded => Verdict::AfterRecovery,
            _ => Verdict::Invalid,
        };
        let age = snaptime.and_then(|time| SystemTime::now().duration_since(time).ok());
        let name = path.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
        Snapshot { name, path, snaptime, age, verified, verdict, rescue, state, worst }
    }
}

/// The worst finding about the files themselves: that there are region files, and what
/// was not looked at, is no fault of a snapshot.
fn worst(survey: &Survey) -> Option<Severity> {
    let about_files = survey.findings.iter().filter(|finding| {
        !matches!(
            finding.code,
            Code::ManyLogs
                | Code::Regions
                | Code::Places
                | Code::Unmarked
                | Code::NoSnapshot
                | Code::Contradiction
                | Code::Rescue
        )
    });
    about_files.map(|finding| finding.severity).max()
}

/// The snapshots below a folder, and the rescue copy in that of the databases.
pub(super) fn of(databases: &Path, snapshots: &Path) -> Vec<Snapshot> {
    let below = files::folders(snapshots).unwrap_or_default();
    let mut found: Vec<Snapshot> = below.into_iter().map(|path| Snapshot::of(path, false)).collect();
    let rescue = databases.join("removed");
    if fs::symlink_metadata(&rescue).is_ok_and(|metadata| metadata.is_dir()) {
        found.push(Snapshot::of(rescue, true));
    }
    found
}
