//! Why an environment cannot be recovered.

use super::report::Until;
use crate::error::Error;
use crate::log::{LogError, RecordNote, TxnId};
use crate::types::{Lsn, PageNo};

/// Why an environment cannot be recovered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// The log cannot be read, or is damaged where recovery needs it.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A database file cannot be read.
    #[error(transparent)]
    File(#[from] Error),
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
    /// A transaction is to be left out that is not in the log.
    #[error("the log has no transaction {txn}")]
    NoTransaction {
        /// The transaction.
        txn: TxnId,
    },
    /// The number of the transaction that is to be left out was used again.
    #[error("the log has several transactions {txn}: one begins with {first}, another with {second}")]
    SeveralTransactions {
        /// The number.
        txn: TxnId,
        /// The first record of one of them.
        first: Lsn,
        /// The first record of another.
        second: Lsn,
    },
    /// The transaction that is to be left out did not commit by itself.
    #[error("transaction {txn}, which begins with {first}, has no commit of its own that could be left out")]
    NotCommitted {
        /// The transaction.
        txn: TxnId,
        /// Its first record.
        first: Lsn,
    },
    /// The transaction that is to be left out makes or removes files, or databases in one.
    #[error("record {lsn}: transaction {txn} makes, removes or renames files: it cannot be left out")]
    LeavesFiles {
        /// The transaction.
        txn: TxnId,
        /// The record that says so.
        lsn: Lsn,
    },
    /// Another transaction changed a page after the one that is to be left out.
    #[error(
        "record {lsn}: page {page} of {file} was changed later, after transaction {txn}: it cannot be left out"
    )]
    Rests {
        /// The transaction that is to be left out.
        txn: TxnId,
        /// The later record.
        lsn: Lsn,
        /// The page.
        page: PageNo,
        /// The name of the file in the log.
        file: String,
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

impl RecoverError {
    /// The record up to which all can be recovered, if one is the cause.
    pub(super) fn lsn(&self) -> Option<Lsn> {
        match self {
            RecoverError::Record { lsn, .. }
            | RecoverError::NoStart { lsn, .. }
            | RecoverError::Checksum { lsn } => Some(*lsn),
            _ => None,
        }
    }
}
