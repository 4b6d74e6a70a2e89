//! The records of one file, forward.

use std::iter::FusedIterator;

use super::LogFile;
use super::tail::{Budget, Tail, judge};
use crate::log::error::{LogError, RecordDefect};
use crate::log::record::Record;

/// The records of a log file in their order, up to the end of its log.
///
/// The log ends where recovery would say that it ends: at the first place where no
/// whole record with a right checksum stands. If records that follow show that this
/// one is damaged, there is an error; in any case [`Records::tail`] tells what stands
/// there. [`Records::past_end`] reads on behind it.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    file: &'a LogFile<'a>,
    at: u32,
    /// Whether all records before are those from the first of the file on.
    joined: bool,
    before: u32,
    through: bool,
    /// The last record of the file, where the next file tells it.
    last: Option<u32>,
    header: Option<RecordDefect>,
    budget: Budget,
    tail: Option<Tail>,
}

impl LogFile<'_> {
    /// The records in their order, up to the end of the log.
    #[must_use]
    pub fn records(&self) -> Records<'_> {
        Records::new(self)
    }
}

impl<'a> Records<'a> {
    fn new(file: &'a LogFile<'a>) -> Records<'a> {
        Records {
            file,
            at: file.first(),
            joined: true,
            before: 0,
            through: false,
            last: None,
            header: file.header_defect(),
            budget: Budget::of(file),
            tail: None,
        }
    }

    /// Goes on behind damage, and behind the end of the log: with records that can
    /// still be found there, each time after an error.
    #[must_use]
    pub fn past_end(mut self) -> Records<'a> {
        self.through = true;
        self
    }

    /// Takes what stands behind this record for remains of an older log. Offset 0 is that
    /// of no record.
    pub(crate) fn up_to(mut self, last: u32) -> Records<'a> {
        self.last = Some(last).filter(|&last| last > 0);
        self
    }

    /// Begins behind a record of the file, or with the first one.
    #[cfg(feature = "mboxlist")]
    pub(crate) fn behind(mut self, last: Option<&Record<'_>>) -> Records<'a> {
        (self.header, self.joined) = (None, false);
        if let Some(last) = last {
            self.before = last.lsn().offset;
            self.at = last.lsn().offset.saturating_add(last.size());
        }
        self
    }

    /// Where the records end and why, once they have.
    #[must_use]
    pub fn tail(&self) -> Option<Tail> {
        self.tail
    }

    /// Offset of the record that was given last; 0, the file's header, before that.
    pub(crate) fn last(&self) -> u32 {
        self.before
    }

    fn damaged(&self, offset: u32, defect: RecordDefect) -> LogError {
        LogError::Damaged { lsn: self.file.lsn(offset), defect }
    }

    fn end(&mut self, defect: RecordDefect) -> Option<Result<Record<'a>, LogError>> {
        let tail = judge(self.file, self.at, self.before, defect, &mut self.budget);
        let behind = tail.behind.filter(|behind| self.through || behind.follows);
        let behind = behind.filter(|_| self.last != Some(self.before));
        if let (true, Some(behind)) = (self.through, behind) {
            // What is left of an older log has nothing to do with the record before.
            let older = self.file.raw_header(behind.lsn.offset).map_or(0, |(_, raw)| raw.prev);
            self.before = if behind.follows { self.at } else { older };
            (self.at, self.joined) = (behind.lsn.offset, false);
        } else {
            self.tail = Some(tail);
        }
        behind.map(|_| Err(self.damaged(tail.lsn.offset, tail.defect().unwrap_or(defect))))
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, LogError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.header.is_some() {
            let defect = self.header.take()?;
            return Some(Err(self.damaged(0, defect)));
        }
        if self.tail.is_some() {
            return None;
        }
        let read = if self.joined { self.file.read_on(self.at) } else { self.file.read(self.at) };
        match read {
            Ok(mut record) => {
                record.misplaced = (record.prev != self.before).then_some(self.before);
                self.before = self.at;
                self.at = self.at.saturating_add(record.len);
                Some(Ok(record))
            }
            Err(defect) => self.end(defect),
        }
    }
}

impl FusedIterator for Records<'_> {}
