//! The marks of snapshots, and what they are worth (mboxlist, "Snapshots").

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// As much of a mark as is read, in bytes.
const HEAD: u64 = 256;

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
    pub(super) fn of(path: &Path) -> Option<MarkFile> {
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

    pub(super) fn time(self, mark: &MarkFile) -> Option<SystemTime> {
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
pub enum SnapshotVerdict {
    /// Both marks, and the files agree.
    Valid,
    /// Both marks, but the files disagree.
    Contradiction,
    /// Not verified: it may serve after recovery and a check.
    AfterRecovery,
    /// Not valid.
    Invalid,
}

impl SnapshotVerdict {
    /// In a word: `valid`, `contradiction`, `after-recovery` or `invalid`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            SnapshotVerdict::Valid => "valid",
            SnapshotVerdict::Contradiction => "contradiction",
            SnapshotVerdict::AfterRecovery => "after-recovery",
            SnapshotVerdict::Invalid => "invalid",
        }
    }
}
