//! One transaction left out, as if it had not committed: where nothing that came later rests on it.

use std::collections::HashMap;

use super::error::RecoverError;
use crate::log::record::decoded::Surroundings;
use crate::log::schema::Op;
use crate::log::{Fate, Files, LogDir, TransactionOutcome, TxnId};
use crate::types::{FileId, Lsn, PageNo};

/// Which transaction is left out, and the record of its commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) txn: TxnId,
    pub(super) commit: Lsn,
}

impl LeftOut {
    /// Finds the transaction, and shows that its changes can be taken back: nobody else changed one of
    /// its pages later, and it neither made nor removed a file.
    pub(super) fn of(dir: &LogDir, files: &Files<'_>, txn: TxnId) -> Result<LeftOut, RecoverError> {
        let transactions = dir.transactions();
        let mut found = transactions.iter().enumerate().filter(|(_, one)| one.id == txn);
        let Some((index, one)) = found.next() else { return Err(RecoverError::NoTransaction { txn }) };
        if let Some((_, other)) = found.next() {
            return Err(RecoverError::SeveralTransactions { txn, first: one.first, second: other.first });
        }
        let TransactionOutcome::Committed { at: commit, .. } = one.outcome else {
            return Err(RecoverError::NotCommitted { txn, first: one.first });
        };
        let mut pages: HashMap<(Option<FileId>, PageNo), Lsn> = HashMap::new();
        for record in dir.records().from(one.first) {
            let record = record?;
            if record.debug() {
                continue;
            }
            let lsn = record.lsn();
            let of = record.txn().and_then(|id| transactions.index_of(id, lsn));
            let its = of.is_some_and(|of| transactions.outermost(of) == index);
            // What was taken back, or will be, is nobody's.
            let counts =
                of.is_none_or(|of| !matches!(transactions.fate(of), Fate::Aborted | Fate::Uncommitted));
            let Ok(decoded) = record.decode() else { continue };
            if its && is_of_files(decoded.op()) {
                return Err(RecoverError::LeavesFiles { txn, lsn });
            }
            let Some(number) = decoded.database().filter(|_| its || counts) else { continue };
            let Some(binding) = files.at(lsn, number) else { continue };
            let order = files.machine().unwrap_or(record.endianness());
            let around = Surroundings { meta: binding.meta, items: order, images: record.endianness() };
            for touched in decoded.touched(around) {
                let page = (binding.id, touched.page);
                if its {
                    pages.entry(page).or_insert(lsn);
                } else if pages.contains_key(&page) {
                    let name = String::from_utf8_lossy(binding.name).into_owned();
                    return Err(RecoverError::Rests { txn, lsn, page: touched.page, file: name });
                }
            }
        }
        Ok(LeftOut { txn, commit })
    }
}

/// Whether records of this kind are about whole files, or make databases in one.
fn is_of_files(op: Op) -> bool {
    matches!(
        op,
        Op::FileCreate
            | Op::FileRemove
            | Op::FileRename
            | Op::FileReplace
            | Op::FileWrite
            | Op::Metapage
            | Op::Metasub
            | Op::GroupAlloc
    )
}
