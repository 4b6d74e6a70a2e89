//! What can go wrong when a file is changed.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::codes::refusals;
use crate::shown::ShowName;
use crate::types::PageNo;

/// An error of whoever plans or validates a change.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Why a file could not be changed, and in which state that leaves it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The file system refused.
    #[error("{}: {doing}: {cause}", .path.shown())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the file system said.
        cause: io::Error,
    },
    /// Another program holds a lock on the file.
    #[error("{}: locked by another program", .path.shown())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// Another program has the file open.
    #[error("{}: open in process {process}", .path.shown())]
    InUse {
        /// The file.
        path: PathBuf,
        /// Number of the process.
        process: u32,
    },
    /// The system does not have, or does not tell, what a change in place needs.
    #[error("{}: not changed in place: {lacks}", .path.shown())]
    System {
        /// The file.
        path: PathBuf,
        /// What is missing.
        lacks: &'static str,
    },
    /// There is a journal already: see [`leftover`](super::leftover).
    #[error("{}: an earlier run left this journal behind", .path.shown())]
    Exists {
        /// The journal.
        path: PathBuf,
    },
    /// What has the name of a journal, or of another file that this program makes, is none.
    #[error("{}: has the name of {what}, but is none: it is not touched; move it away first", .path.shown())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What it has the name of.
        what: &'static str,
    },
    /// A journal, or another file of an earlier run, may be that of somebody who must not say
    /// what becomes of the file.
    #[error("{}: not believed: {why}; it is not touched: look at it, and move it away first", .path.shown())]
    Strange {
        /// The file.
        path: PathBuf,
        /// Why it is not believed.
        why: &'static str,
    },
    /// The journal is that of another file, or of one that was copied or restored since.
    #[error(
        "{}: the journal beside it is that of another file, or the file was copied or restored since; on request \
         the change is resumed all the same, or rolled back", .path.shown()
    )]
    Moved {
        /// The file.
        path: PathBuf,
    },
    /// A file that was perhaps changed together with this one is unfinished.
    #[error(
        "{}: nothing was left behind here, but {} is one of a set of files that an earlier run did not \
         finish: deal with that file first", .path.shown(), .sibling.shown()
    )]
    Sibling {
        /// The file.
        path: PathBuf,
        /// The other file.
        sibling: PathBuf,
    },
    /// Another file has the name now.
    #[error("{}: another file has this name now, which was not touched", .path.shown())]
    Replaced {
        /// The name.
        path: PathBuf,
    },
    /// What was to become of a file together with a set cannot be.
    #[error("{}: {what}", .path.shown())]
    Step {
        /// The file.
        path: PathBuf,
        /// Why not.
        what: &'static str,
    },
    /// A file has the name that another was to get.
    #[error("{}: another file has this name: move it away first", .path.shown())]
    Taken {
        /// The name.
        path: PathBuf,
    },
    /// All databases of a set are new, but not all other files have their names yet: the next
    /// run goes on.
    #[error("{cause}; all databases in {} are complete, but other files are still to follow: run again", .path.shown())]
    Unnamed {
        /// The folder.
        path: PathBuf,
        /// What is in the way.
        cause: Box<JournalError>,
    },
    /// The disk is too full for journal and new pages.
    #[error("{}: {needed} bytes of disk space are needed, {available} are available", .path.shown())]
    Space {
        /// The file.
        path: PathBuf,
        /// Bytes needed.
        needed: u64,
        /// Bytes that this user may write.
        available: u64,
    },
    /// The plan of a change is not one.
    #[error("{}: page {page}: the plan is wrong: {what}", .path.shown())]
    Plan {
        /// The file.
        path: PathBuf,
        /// The page.
        page: PageNo,
        /// What is wrong.
        what: &'static str,
    },
    /// Whoever planned the change gave up.
    #[error("{}: {cause}", .path.shown())]
    Planning {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: BoxError,
    },
    /// A journal holds what it cannot hold.
    #[error("{}: byte {offset}: {what} is {found:#x}, expected {expected:#x}", .path.shown())]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// Offset in it, in bytes.
        offset: u64,
        /// What is wrong.
        what: &'static str,
        /// What stands there.
        found: u64,
        /// What should.
        expected: u64,
    },
    /// A page does not read back as it was written.
    #[error("{}: page {page}: byte {offset} does not read back as it was written", .path.shown())]
    ReadBack {
        /// The file.
        path: PathBuf,
        /// The page.
        page: PageNo,
        /// Offset of the first difference in the page, in bytes.
        offset: usize,
    },
    /// The file does not have the length it should have.
    #[error("{}: {found} bytes long, expected {expected}", .path.shown())]
    Length {
        /// The file.
        path: PathBuf,
        /// Length in bytes.
        found: u64,
        /// What it should be.
        expected: u64,
    },
    /// The new file did not pass validation.
    #[error("{}: the new file is not valid: {cause}", .path.shown())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: BoxError,
    },
    /// What the journal has as the old file is not what the file was.
    #[error("{}: what the journal would bring back is not the old file: {cause}", .path.shown())]
    NotOld {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: BoxError,
    },
    /// The change failed, and the file is as it was before.
    #[error("{cause}; {} is as before", .path.shown())]
    RolledBack {
        /// The file.
        path: PathBuf,
        /// Why the change failed.
        cause: Box<JournalError>,
    },
    /// The change failed, and rolling back did not come to its end: the next run does that.
    #[error("{cause}; rolling {} back did not end either: {then}; run again", .path.shown())]
    Unsettled {
        /// The file.
        path: PathBuf,
        /// Why the change failed.
        cause: Box<JournalError>,
        /// Why rolling back did not end.
        then: Box<JournalError>,
    },
    /// All is done, but the journal could not be removed: the next run does that.
    #[error("{cause}; {} is {state}, but its journal is still there", .path.shown())]
    NotRemoved {
        /// The file.
        path: PathBuf,
        /// How the file is: complete, or as before.
        state: &'static str,
        /// Why the journal could not be removed.
        cause: Box<JournalError>,
    },
    /// The file is half-written, and its journal is gone.
    #[error("{}: half-written, and the journal is gone: restore from backup", .path.shown())]
    Lost {
        /// The file.
        path: PathBuf,
    },
    /// Nothing can be done, or not what was asked for, about what an earlier run left.
    #[error("{}: {state}{}", .path.shown(), damage.iter().map(|damage| format!(" ({damage})")).collect::<String>())]
    Stuck {
        /// The file.
        path: PathBuf,
        /// How the file was left.
        state: LeftoverState,
        /// What is wrong with the journal.
        damage: Option<Box<JournalError>>,
    },
    /// The file is one of a set that is dealt with as a unit.
    #[error("{}: one of a set of files that an earlier run was changing: deal with the set", .path.shown())]
    OneOfSet {
        /// The file.
        path: PathBuf,
    },
    /// The file is none of a set.
    #[error("{}: not one of a set of files", .path.shown())]
    NotOfSet {
        /// The file.
        path: PathBuf,
    },
    /// There is another file where the backup should be.
    #[error("{}: an older backup, or another file of this name, is there already", .path.shown())]
    BackupExists {
        /// The file that is there.
        path: PathBuf,
    },
    /// A step was asked for out of turn.
    #[error("{}: {step} does not come next", .path.shown())]
    OutOfOrder {
        /// The file.
        path: PathBuf,
        /// The step.
        step: &'static str,
    },
    /// The change is finished and cannot be rolled back.
    #[error("{}: the change is finished and can no longer be rolled back", .path.shown())]
    TooLate {
        /// The file.
        path: PathBuf,
    },
}

/// How an earlier run left a file, told by its journal and by page 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeftoverState {
    /// The run died before its journal was whole. The file is untouched.
    Incomplete,
    /// The journal is whole, the file untouched.
    Untouched,
    /// The file is untouched by the run, but was changed by others since.
    Outdated,
    /// The file is half-written.
    HalfWritten,
    /// The file is new; only the end was not put on record.
    Complete,
    /// The file is new, and was changed by others since.
    Superseded,
    /// The run was rolling back.
    RollingBack,
    /// The end is on record; only the journal was not removed.
    Ended,
    /// Page 0 is that of another file, or was changed by others since.
    Foreign,
    /// Page 0 is a mixture of its images or no page 0 at all: its last write was torn.
    TornHead {
        /// Whether everything else is as the run left it, so that the file can be
        /// rolled back, or the change redone, on request.
        restorable: bool,
    },
    /// The journal changes more than page 0, but bears no sum of the pairs that the file must
    /// have before and after.
    Unproven,
    /// The file is half-written and the journal damaged, which no crash leaves behind, or
    /// the journal is not one that this program writes.
    Damaged,
}

impl fmt::Display for LeftoverState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LeftoverState::Incomplete => "an earlier run ended before it touched the file",
            LeftoverState::Untouched => "an earlier run ended before it touched the file, ready to do so",
            LeftoverState::Outdated => {
                "an earlier run ended before it touched the file, which was changed since"
            }
            LeftoverState::HalfWritten => "an earlier run left the file half-written",
            LeftoverState::Complete => "an earlier run completed the file, but did not end",
            LeftoverState::Superseded => {
                "an earlier run completed the file, but did not end; the file was changed since"
            }
            LeftoverState::RollingBack => "an earlier run did not come to the end of rolling back",
            LeftoverState::Ended => "an earlier run ended, but did not remove its journal",
            LeftoverState::Foreign => "the journal is that of another file, or the file was changed since",
            LeftoverState::TornHead { restorable: true } => {
                "the last write of page 0 was torn: redo the change or roll it back on request"
            }
            LeftoverState::TornHead { restorable: false } => {
                "page 0 is damaged, and other pages are not as the journal has them: restore from backup"
            }
            LeftoverState::Unproven => {
                "the journal changes more than page 0, but bears no sum of the pairs: not believed; \
                 restore from backup, or move the journal away if the file is sound"
            }
            LeftoverState::Damaged => "journal and file do not fit together: restore from backup",
        })
    }
}

/// Why bytes are not the part of a journal that should stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    /// Offset in the journal, in bytes.
    pub(super) offset: u64,
    /// What is wrong.
    pub(super) what: &'static str,
    /// What stands there.
    pub(super) found: u64,
    /// What should.
    pub(super) expected: u64,
    /// Whether the part is whole, its CRC right: then no run that died can have left it.
    pub(super) whole: bool,
}

/// Turns an error of the file system into one that says where it happened.
pub(super) fn at<'p>(path: &'p Path, doing: &'static str) -> impl FnOnce(io::Error) -> JournalError + 'p {
    move |source| JournalError::Io { path: path.to_owned(), doing, cause: source }
}

refusals! { JournalError:
    Locked = "R-LOCKED",
    InUse = "R-IN-USE",
    System = "R-SYSTEM",
    Exists = "R-JOURNAL",
    NotOurs = "R-NOT-OURS",
    Strange = "R-STRANGE",
    Moved = "R-MOVED",
    Sibling = "R-SIBLING",
    NotOld = "R-NOT-OLD",
    Lost = "R-LOST",
    Stuck = "R-STUCK",
    OneOfSet = "R-ONE-OF-SET",
    NotOfSet = "R-NOT-OF-SET",
    BackupExists = "R-BACKUP-EXISTS",
    Taken = "R-TAKEN",
}

impl JournalError {
    /// Whether nothing was tried, as something else must be done first: a program to be ended, a
    /// file to be moved away, an earlier run to be dealt with, a backup to be restored.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        self.code().is_some()
    }

    /// The file that it is about, or its journal.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            JournalError::Io { path, .. }
            | JournalError::Locked { path, .. }
            | JournalError::InUse { path, .. }
            | JournalError::System { path, .. }
            | JournalError::Exists { path, .. }
            | JournalError::NotOurs { path, .. }
            | JournalError::Strange { path, .. }
            | JournalError::Moved { path, .. }
            | JournalError::Sibling { path, .. }
            | JournalError::Replaced { path, .. }
            | JournalError::Step { path, .. }
            | JournalError::Taken { path, .. }
            | JournalError::Unnamed { path, .. }
            | JournalError::Space { path, .. }
            | JournalError::Plan { path, .. }
            | JournalError::Planning { path, .. }
            | JournalError::Damaged { path, .. }
            | JournalError::ReadBack { path, .. }
            | JournalError::Length { path, .. }
            | JournalError::Invalid { path, .. }
            | JournalError::NotOld { path, .. }
            | JournalError::RolledBack { path, .. }
            | JournalError::Unsettled { path, .. }
            | JournalError::NotRemoved { path, .. }
            | JournalError::Lost { path, .. }
            | JournalError::Stuck { path, .. }
            | JournalError::OneOfSet { path, .. }
            | JournalError::NotOfSet { path, .. }
            | JournalError::BackupExists { path, .. }
            | JournalError::OutOfOrder { path, .. }
            | JournalError::TooLate { path, .. } => path,
        }
    }

    pub(super) fn damaged(path: &Path, flaw: Flaw) -> JournalError {
        let Flaw { offset, what, found, expected, .. } = flaw;
        JournalError::Damaged { path: path.to_owned(), offset, what, found, expected }
    }

    pub(super) fn plan(path: &Path, page: PageNo, what: &'static str) -> JournalError {
        JournalError::Plan { path: path.to_owned(), page, what }
    }
}
