//! Why an environment cannot be recovered.

use super::report::Until;
use crate::log::{LogError, RecordNote};
use crate::types::Lsn;

/// Why an environment cannot be recovered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// The log cannot be read, or is damaged where recovery needs it.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A record that recovery needs cannot be read.
    #[error("record {lsn} cannot be read: {note}")]
    Record {
        /// The record.
        lsn: Lsn,
        /// Why.
        note: RecordNote,
    },
    /// The record with which recovery begins is not there.
    #[error("the checkpoint {checkpoint} says that recovery begins with {lsn}: there is no such record")]
    NoStart {
        /// The checkpoint.
        checkpoint: Lsn,
        /// The record that is missing.
        lsn: Lsn,
    },
    /// The moment is before all that the log can take back.
    #[error(
        "the log does not reach back to {until}: its first checkpoint to begin with is {checkpoint}{when}"
    )]
    Early {
        /// The moment.
        until: Until,
        /// The first checkpoint that recovery can begin with.
        checkpoint: Lsn,
        /// Its time, in words.
        when: String,
    },
    /// A moment is given for a log without a checkpoint to begin with.
    #[error("the log has no checkpoint to begin with: it cannot be brought to {until}")]
    NoCheckpoint {
        /// The moment.
        until: Until,
    },
    /// A time is given for a log whose commits have none.
    #[error("record {lsn}: commits of this release have no time: give an LSN")]
    Timeless {
        /// A commit.
        lsn: Lsn,
    },
    /// It is not specified how logs of this version are recovered.
    #[error("a log of version {version}, as it is here: it is not known how such logs are recovered")]
    Version {
        /// The version of the log.
        version: u32,
    },
    /// A page had a wrong checksum when the log was written.
    #[error(
        "record {lsn}: a page had a wrong checksum; only a recovery from the first record on can mend that"
    )]
    Checksum {
        /// The record that says so.
        lsn: Lsn,
    },
}
