//! The records of one transaction, backward.

use std::iter::FusedIterator;

use super::dir::LogDir;
use super::error::LogError;
use super::record::Record;
use crate::types::Lsn;

/// The records of a transaction from one of them back to the first, by their previous
/// LSNs. Records of nested transactions have chains of their own, to which the record
/// of their commit leads.
#[derive(Clone, Debug)]
pub struct Chain<'a> {
    dir: &'a LogDir,
    next: Option<Lsn>,
}

impl<'a> Chain<'a> {
    pub(super) fn new(dir: &'a LogDir, last: Lsn) -> Chain<'a> {
        Chain { dir, next: Some(last) }
    }
}

impl<'a> Iterator for Chain<'a> {
    type Item = Result<Record<'a>, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        let lsn = self.next.take()?;
        let record = match self.dir.record(lsn) {
            Ok(record) => record,
            Err(error) => return Some(Err(error)),
        };
        let prev = record.prev_lsn();
        if prev >= lsn {
            return Some(Err(LogError::Chain { lsn, prev }));
        }
        self.next = (prev.file != 0).then_some(prev);
        Some(Ok(record))
    }
}

impl FusedIterator for Chain<'_> {}
