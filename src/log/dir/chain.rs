//! The records of one transaction, backward.

use std::iter::FusedIterator;

use super::LogDir;
use crate::log::error::LogError;
use crate::log::record::Record;
use crate::types::Lsn;

/// The records of a transaction from one of them back to the first, by their previous
/// LSNs. Records of nested transactions have chains of their own, to which the record
/// of their commit leads.
#[derive(Clone, Debug)]
pub struct Chain<'a> {
    dir: &'a LogDir,
    /// The record that was given last.
    last: Option<Lsn>,
    next: Option<Lsn>,
}

impl LogDir {
    /// The records of a transaction, from the one at this LSN back to its first.
    #[must_use]
    pub fn chain(&self, last: Lsn) -> Chain<'_> {
        Chain { dir: self, last: None, next: Some(last) }
    }
}

impl<'a> Iterator for Chain<'a> {
    type Item = Result<Record<'a>, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next.take()?;
        if let Some(lsn) = self.last.filter(|last| next >= *last) {
            return Some(Err(LogError::Chain { lsn, prev: next }));
        }
        let record = self.dir.record(next);
        if let Ok(record) = &record {
            self.last = Some(next);
            self.next = Some(record.prev_lsn()).filter(|prev| prev.file != 0);
        }
        Some(record)
    }
}

impl FusedIterator for Chain<'_> {}
