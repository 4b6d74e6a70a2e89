//! What is known of a store.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::candidates::Candidates;
use super::databases::DatabaseFile;
use super::elsewhere::Elsewhere;
use super::findings::{Code, StoreFinding, StoreSeverity};
use super::listing::{Other, OtherForm, RegionFile};
use super::logs::LogFacts;
use super::lost::Lost;
use super::marks::{AgeFrom, MarkFile, SnapshotVerdict};
use super::product::Product;
use super::state::{Decision, State};
use crate::env::Layout;
use crate::mboxlist::classify::Class;
use crate::mboxlist::releases::Mailbox;
use crate::types::Lsn;

/// What is known of a store from its files.
///
/// ```
/// use bdbkit::mboxlist::{State, Survey};
///
/// let survey = Survey::of("testdata/mboxlist-ims60-log3-le-unclean")?;
/// assert_eq!(survey.decision.state, State::RecoveryNeeded);
/// assert_eq!(survey.candidates.last_writer[0].id, "6.0");
/// for finding in &survey.findings {
///     println!("{finding}");
/// }
/// # Ok::<(), bdbkit::Error>(())
/// ```
///
/// Nothing is written, locked or attached to. Damage, and whatever is missing, is a
/// finding. Files are mapped: nobody may change or cut them meanwhile.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Survey {
    /// The folder.
    pub dir: PathBuf,
    /// The folder of the region files, if it is another one.
    pub dbtmpdir: Option<PathBuf>,
    /// Where its logs and databases were looked for.
    pub layout: Layout,
    /// Whose environment it is.
    pub product: Product,
    /// How the store was left.
    pub decision: Decision,
    /// The database files, by name.
    pub databases: Vec<DatabaseFile>,
    /// The log files, by number.
    pub logs: Vec<LogFacts>,
    /// What is wrong between log files.
    pub log_gaps: Vec<String>,
    /// What was lost because an older engine's logs were skipped before they were recovered.
    pub lost: Vec<Lost>,
    /// The region files.
    pub regions: Vec<RegionFile>,
    /// All other files and folders that are worth a word, by name.
    pub others: Vec<Other>,
    /// The releases that fit.
    pub candidates: Candidates,
    /// The snapshots.
    pub snapshots: Vec<Snapshot>,
    /// The version of the mailboxes, as the user stated it.
    pub mailbox: Option<Mailbox>,
    /// What is worth knowing, without regard to a target.
    pub findings: Vec<StoreFinding>,
    /// When the store was upgraded, as the user stated it.
    pub upgraded: Option<SystemTime>,
    pub(super) places_given: bool,
    pub(super) elsewhere: Elsewhere,
}

/// A snapshot, or the rescue copy beside the databases.
///
/// ```
/// use bdbkit::mboxlist::{Snapshot, SnapshotVerdict};
///
/// let folder = Snapshot::of("testdata/mboxlist-ims63-log11-be");
/// assert_eq!(folder.verdict, SnapshotVerdict::Invalid);
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
    pub verdict: SnapshotVerdict,
    /// Whether it is the rescue copy, `removed`.
    pub rescue: bool,
    /// How its own databases were left.
    pub state: State,
    /// The worst of its own findings that counts.
    pub worst: Option<StoreSeverity>,
    /// Length of all its files in bytes.
    pub size: u64,
    /// The survey of its folder, or why that cannot be read.
    pub own: Result<Survey, String>,
}

impl Survey {
    /// The worst severity of all findings.
    #[must_use]
    pub fn worst(&self) -> Option<StoreSeverity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// The first and the last record of all logs.
    #[must_use]
    pub fn log_range(&self) -> Option<(Lsn, Lsn)> {
        let first = self.logs.iter().find_map(|log| log.first)?;
        let last = self.logs.iter().rev().find_map(|log| log.last)?;
        Some((first, last))
    }

    /// The version of the newest log that tells it.
    #[must_use]
    pub fn newest_log(&self) -> Option<u32> {
        self.logs.iter().rev().find_map(|log| log.version)
    }

    /// Whether there is nothing of a store in the folder: no database, no log, and no part or
    /// trace of either.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let interrupted = |finding: &StoreFinding| finding.code == Code::Interrupted;
        self.databases.is_empty()
            && self.logs.is_empty()
            && self.elsewhere.reason().is_none()
            && !self.others.iter().any(|other| matches!(other.class, Class::Extent | Class::EngineData))
            && !self.findings.iter().any(interrupted)
    }

    /// Why logs are to be looked for elsewhere, if `DB_CONFIG` or the names of files tell so:
    /// nothing is concluded then from what is in the folder.
    #[must_use]
    pub fn logs_elsewhere(&self) -> Option<&str> {
        self.elsewhere.logs.as_deref()
    }

    /// Whether everything was looked at, and the state could be told: no link or special file was
    /// left out, nothing was refused by the system, and no part is elsewhere.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.decision.state != State::Unknown
            && self.elsewhere.is_nothing()
            && !self.others.iter().any(|other| other.form == OtherForm::Special)
            && !self.databases.iter().any(|file| file.refused)
            && !self.logs.iter().any(|log| log.refused)
    }

    /// The BTREE and RECNO files, with their versions.
    pub fn btrees(&self) -> impl Iterator<Item = (&DatabaseFile, u32)> {
        let btree = |file: &&DatabaseFile| matches!(file.kind.as_deref(), Some("btree" | "recno"));
        self.databases.iter().filter(btree).filter_map(|file| Some((file, file.version?)))
    }
}
