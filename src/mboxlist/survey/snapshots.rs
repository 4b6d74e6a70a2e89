//! Snapshots, and what their marks are worth (mboxlist, "Snapshots").

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::findings::{Code, Finding, Severity};
use super::state::State;
use super::{Survey, SurveyOptions};
use crate::mboxlist::{files, names};

/// As much of a mark as is read, in bytes.
const HEAD: u64 = 256;

/// A snapshot, or the rescue copy beside the databases.
///
/// ```
/// use bdbkit::mboxlist::{Snapshot, Verdict};
///
/// let folder = Snapshot::of("testdata/mboxlist-ims63-log11-be");
/// assert_eq!(folder.verdict, Verdict::Invalid);
/// assert_eq!(folder.reason(), "no .snaptime, no .verified");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// Name of its folder.
    pub name: OsString,
    /// The folder.
    pub path: PathBuf,
    /// The mark `.snaptime`: when it was taken.
    pub snaptime: Option<MarkFile>,
    /// The mark `.verified`: recovered, verified, ready.
    pub verified: Option<MarkFile>,
    /// How long ago it was taken.
    pub age: Option<Duration>,
    /// What it is worth.
    pub verdict: Verdict,
    /// Whether it is the rescue copy, `removed`.
    pub rescue: bool,
    /// How its own databases were left.
    pub state: State,
    /// The worst of its own findings that counts.
    pub worst: Option<Severity>,
    /// Length of all its files in bytes.
    pub size: u64,
    /// The survey of its folder, or why that cannot be read.
    pub own: Result<Survey, String>,
}

/// A mark of a snapshot. What is in such files is not documented: it is shown, not relied on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MarkFile {
    /// When the file was last changed.
    pub time: Option<SystemTime>,
    /// Its length in bytes.
    pub size: u64,
    /// Its first bytes, 256 at most.
    pub head: Vec<u8>,
}

impl MarkFile {
    fn of(path: &Path) -> Option<MarkFile> {
        let metadata = fs::symlink_metadata(path).ok()?;
        let mut head = Vec::new();
        if metadata.is_file() {
            // A mark that cannot be read is a mark.
            let _ = File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head));
        }
        Some(MarkFile { time: metadata.modified().ok(), size: metadata.len(), head })
    }

    /// The content as seconds since 1970, if it is one decimal number of nine or ten digits.
    #[must_use]
    pub fn seconds(&self) -> Option<i64> {
        let text = std::str::from_utf8(&self.head).ok()?.trim();
        let number = matches!(text.len(), 9 | 10) && text.bytes().all(|byte| byte.is_ascii_digit());
        number.then(|| text.parse().ok()).flatten()
    }
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
    /// Looks at the folder of a snapshot: its marks, and its files by a survey of their own.
    #[must_use]
    pub fn of(folder: impl AsRef<Path>) -> Snapshot {
        Snapshot::judge(folder.as_ref(), false)
    }

    fn judge(path: &Path, rescue: bool) -> Snapshot {
        let mark = |name: &str| MarkFile::of(&path.join(name));
        let (snaptime, verified) = (mark(".snaptime"), mark(".verified"));
        let own = SurveyOptions::new().alone().survey(path).map_err(|error| error.to_string());
        let state = own.as_ref().map_or(State::Unknown, |own| own.decision.state);
        let worst = match &own {
            Ok(own) => counting(own).map(|finding| finding.severity).max(),
            Err(_) => Some(Severity::Error),
        };
        let whole = own.as_ref().is_ok_and(|own| faults(own).next().is_none());
        let verdict = match (&snaptime, &verified) {
            (Some(_), Some(_)) if whole => Verdict::Valid,
            (Some(_), Some(_)) => Verdict::Contradiction,
            (Some(_), None) if state.is_closed() || state == State::RecoveryNeeded => Verdict::AfterRecovery,
            _ => Verdict::Invalid,
        };
        let time = snaptime.as_ref().and_then(|mark| mark.time);
        let age = time.and_then(|time| SystemTime::now().duration_since(time).ok());
        let name = names::of(path);
        let size = |path: PathBuf| fs::symlink_metadata(path).map_or(0, |metadata| metadata.len());
        let size = files::of(path).unwrap_or_default().into_iter().map(size).fold(0, u64::saturating_add);
        let path = path.to_owned();
        Snapshot { name, path, snaptime, verified, age, verdict, rescue, state, worst, size, own }
    }

    /// When it was taken, by the date of the file `.snaptime`.
    #[must_use]
    pub fn time(&self) -> Option<SystemTime> {
        self.snaptime.as_ref()?.time
    }

    /// Whether it leads back behind an upgrade: it is valid, and older than that.
    #[must_use]
    pub fn serves(&self, upgrade: SystemTime) -> bool {
        self.verdict == Verdict::Valid && self.time().is_some_and(|time| time < upgrade)
    }

    /// What is wrong with its files: damaged, missing, or not fitting together.
    pub fn faults(&self) -> impl Iterator<Item = &Finding> {
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
            Verdict::Valid => "both marks are there, and the files agree".into(),
            Verdict::AfterRecovery => format!("{lacks}; usable after recovery and a check"),
            Verdict::Invalid => lacks.into(),
            Verdict::Contradiction => {
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
fn counting(survey: &Survey) -> impl Iterator<Item = &Finding> {
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
fn faults(survey: &Survey) -> impl Iterator<Item = &Finding> {
    counting(survey).filter(|finding| finding.severity > Severity::Note || finding.code == Code::Missing)
}

/// The snapshots below a folder, and the rescue copy in that of the databases.
pub(super) fn of(databases: &Path, snapshots: &Path) -> Vec<Snapshot> {
    let below = files::folders(snapshots).unwrap_or_default();
    let mut found: Vec<Snapshot> = below.iter().map(Snapshot::of).collect();
    let rescue = databases.join("removed");
    if fs::symlink_metadata(&rescue).is_ok_and(|metadata| metadata.is_dir()) {
        found.push(Snapshot::judge(&rescue, true));
    }
    found
}
