//! What a survey can find (mboxlist, "Findings").

use std::ffi::{OsStr, OsString};
use std::fmt;

use crate::mboxlist::job::Job;
use crate::shown::ShowName;

/// Something worth knowing about a store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreFinding {
    /// What it is.
    pub code: Code,
    /// How bad it is.
    pub severity: StoreSeverity,
    /// The file, if it is about one.
    pub file: Option<OsString>,
    /// The bytes that show it, where a few do.
    pub evidence: Option<Evidence>,
    /// What was found.
    pub text: String,
    /// What to do; empty if nothing.
    pub action: String,
    /// What this library has for it: any of these jobs.
    pub jobs: Vec<Job>,
}

/// Bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Where they stand.
    pub offset: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl StoreFinding {
    pub(crate) fn new(code: Code, severity: StoreSeverity, text: impl Into<String>) -> StoreFinding {
        let (text, action) = (text.into(), String::new());
        StoreFinding { code, severity, file: None, evidence: None, text, action, jobs: Vec::new() }
    }

    pub(crate) fn file(mut self, name: impl AsRef<OsStr>) -> StoreFinding {
        self.file = Some(name.as_ref().to_owned());
        self
    }

    pub(crate) fn action(mut self, action: impl Into<String>) -> StoreFinding {
        self.action = action.into();
        self
    }

    pub(crate) fn jobs(mut self, jobs: &[Job]) -> StoreFinding {
        self.jobs = jobs.to_vec();
        self
    }

    pub(crate) fn evidence(mut self, evidence: Option<Evidence>) -> StoreFinding {
        self.evidence = evidence;
        self
    }
}

impl fmt::Display for StoreFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: ", self.severity, self.code.id())?;
        if let Some(file) = &self.file {
            write!(f, "{}: ", file.shown())?;
        }
        f.write_str(&self.text)
    }
}

/// How bad a finding is for a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StoreSeverity {
    /// A fact.
    Info,
    /// Worth knowing.
    Note,
    /// Something to do before it becomes worse.
    Warning,
    /// A release will refuse the store, or work is lost.
    Error,
    /// Data would be lost without a word, or look lost already.
    Critical,
}

impl StoreSeverity {
    /// In one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            StoreSeverity::Info => "info",
            StoreSeverity::Note => "note",
            StoreSeverity::Warning => "warning",
            StoreSeverity::Error => "error",
            StoreSeverity::Critical => "critical",
        }
    }
}

impl fmt::Display for StoreSeverity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $id:literal;)*) => {
        /// What a finding is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Code] = &[$(Code::$name),*];

            /// The code, which [`Explanation::of`](crate::explain::Explanation::of) explains:
            /// `M-100`.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Code::$name => $id,)* }
            }
        }
    };
}

codes! {
    /// A database, and what it is.
    Database = "M-100";
    /// A BTREE version that newer releases do not open.
    OldBtree = "M-101";
    /// BTREE 8, where the target writes 9.
    CompatibleBtree = "M-102";
    /// A BTREE version that the target does not open.
    NewBtree = "M-103";
    /// A change in place did not come to its end.
    Interrupted = "M-104";
    /// A database file that cannot be read.
    Unreadable = "M-105";
    /// Another access method, or a name that is not known.
    Unknown = "M-106";
    /// lright.db is missing.
    NoLright = "M-107";
    /// Not a store of this product.
    OtherProduct = "M-108";
    /// The check of a database found damage.
    Damaged = "M-109";
    /// Recovery is needed, and the target does not read these logs.
    RecoverFirst = "M-110";
    /// Recovery is needed.
    Recover = "M-111";
    /// Databases and logs do not fit together.
    Inconsistent = "M-112";
    /// Pages are newer than the logs.
    LogsRemoved = "M-113";
    /// Logs of several versions.
    SeveralLogs = "M-114";
    /// The target will skip logs.
    LogsSkipped = "M-115";
    /// A log that is newer than the target.
    NewLog = "M-116";
    /// Log files are missing or damaged.
    LogDamage = "M-117";
    /// A log version that no release of the table writes.
    OtherLog = "M-118";
    /// More log files than usual.
    ManyLogs = "M-119";
    /// Region files of a store that was closed.
    Regions = "M-120";
    /// Region files, and recovery is needed.
    Live = "M-121";
    /// Region files of another engine than the logs.
    OtherRegions = "M-122";
    /// Places that were not looked at.
    Places = "M-123";
    /// Data that a transaction was removing or renaming.
    EngineData = "M-124";
    /// Locks of folders.
    FolderLocks = "M-125";
    /// Parts of the store are elsewhere, or were not opened.
    Elsewhere = "M-126";
    /// A log or an extent speaks of a database that is not there.
    Missing = "M-127";
    /// The state could not be decided.
    Undecided = "M-128";
    /// Databases of both byte orders.
    MixedOrders = "M-201";
    /// The target's machine has the other byte order.
    OtherOrder = "M-202";
    /// The same, and recovery is needed.
    OtherOrderUnrecovered = "M-203";
    /// Logs of another machine.
    ForeignLogs = "M-204";
    /// No release fits.
    NoRelease = "M-205";
    /// The word size is not in the files.
    WordSize = "M-206";
    /// A snapshot without its marks.
    Unmarked = "M-301";
    /// There is no valid snapshot.
    NoSnapshot = "M-302";
    /// No valid snapshot is older than the upgrade.
    TooYoung = "M-303";
    /// A snapshot that is not what its marks say.
    Contradiction = "M-304";
    /// A rescue copy.
    Rescue = "M-305";
    /// Mailboxes that the target does not convert.
    MailboxTooOld = "M-401";
    /// Mailboxes that the target converts by itself.
    MailboxConverted = "M-402";
    /// Mailboxes that are newer than the target.
    MailboxTooNew = "M-403";
    /// The version of the mailboxes is not known.
    MailboxUnknown = "M-404";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_used_once() {
        let mut ids: Vec<&str> = Code::ALL.iter().map(|code| code.id()).collect();
        ids.dedup();
        assert_eq!(ids.len(), Code::ALL.len());
        assert!(ids.is_sorted());
    }
}
