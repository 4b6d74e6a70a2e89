//! Snapshots, and what their marks are worth (mboxlist, "Snapshots").

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::findings::{Code, Finding, Severity};
use super::options::SurveyOptions;
use super::state::State;
use super::store::Survey;
use crate::mboxlist::{files, names};
use crate::shown::ShowName;

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
    /// When it was taken.
    pub taken: Option<SystemTime>,
    /// What tells so.
    pub age_from: AgeFrom,
    /// How long ago that was.
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

/// What tells when a snapshot was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AgeFrom {
    /// The date of its file `.snaptime`, which a copy without `-p` loses.
    #[default]
    Date,
    /// The content of that file, if it is a number of seconds: which is likely, and nowhere
    /// documented.
    Content,
}

impl AgeFrom {
    /// In a word: `date` or `content`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            AgeFrom::Date => "date",
            AgeFrom::Content => "content",
        }
    }

    fn time(self, mark: &MarkFile) -> Option<SystemTime> {
        match self {
            AgeFrom::Date => mark.time,
            AgeFrom::Content => {
                let seconds = u64::try_from(mark.seconds()?).ok()?;
                SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
            }
        }
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
            Err(_) => Some(Severity::Error),
        };
        let whole = own.as_ref().is_ok_and(|own| faults(own).next().is_none());
        let verdict = match (&snaptime, &verified) {
            (Some(_), Some(_)) if whole => Verdict::Valid,
            (Some(_), Some(_)) => Verdict::Contradiction,
            (Some(_), None) if state.is_closed() || state == State::RecoveryNeeded => Verdict::AfterRecovery,
            _ => Verdict::Invalid,
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
        self.verdict == Verdict::Valid && self.taken.is_some_and(|taken| taken < upgrade)
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
