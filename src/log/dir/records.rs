//! The records of all files of a folder, forward and backward.

use std::collections::VecDeque;
use std::iter::FusedIterator;

use super::{DirFile, LogDir};
use crate::log::error::LogError;
use crate::log::file::LogFile;
use crate::log::file::records::Records;
use crate::log::file::tail::Tail;
use crate::log::record::Record;
use crate::types::Lsn;

/// The records of a folder's log files in their order.
///
/// In the last file the log ends as [`Records`] says. Damage in any
/// other file, a gap between two numbers, a file that cannot be read, and one that
/// ends before its last record are errors; the records behind them follow.
#[derive(Clone, Debug)]
pub struct DirRecords<'a> {
    dir: &'a LogDir,
    /// The file that comes next.
    next: usize,
    current: Option<Records<'a>>,
    errors: VecDeque<Seam>,
    through: bool,
    from: Lsn,
    tail: Option<Tail>,
}

/// What is wrong between two files, or with one as a whole.
#[derive(Clone, Copy, Debug)]
enum Seam {
    Gap { after: u32, next: u32 },
    Unreadable(usize),
    Unjoined { last: Lsn, expected: Lsn },
    Tail(Tail),
}

impl LogDir {
    /// The records of all files in their order. Damage, gaps and files that cannot be
    /// read are errors between them; what follows is read all the same.
    #[must_use]
    pub fn records(&self) -> DirRecords<'_> {
        DirRecords::new(self)
    }

    /// The same records and errors as [`LogDir::records`], last first.
    #[must_use]
    pub fn records_back(&self) -> DirRecordsBack<'_> {
        DirRecordsBack::new(self)
    }
}

impl<'a> DirRecords<'a> {
    fn new(dir: &'a LogDir) -> DirRecords<'a> {
        DirRecords {
            dir,
            next: 0,
            current: None,
            errors: VecDeque::new(),
            through: false,
            from: Lsn::default(),
            tail: None,
        }
    }

    /// Goes on behind the end of the log, with records that can still be found there,
    /// after an error.
    #[must_use]
    pub fn past_end(mut self) -> DirRecords<'a> {
        self.through = true;
        self
    }

    /// Begins with the first record that does not stand before this LSN.
    #[must_use]
    pub fn from(mut self, lsn: Lsn) -> DirRecords<'a> {
        self.from = lsn;
        self.next = self.dir.slice().partition_point(|file| file.number() < lsn.file);
        self
    }

    /// Where the log ends and why, once it has.
    #[must_use]
    pub fn tail(&self) -> Option<Tail> {
        self.tail
    }

    fn error(&self, seam: Seam) -> Option<LogError> {
        Some(match seam {
            Seam::Gap { after, next } => LogError::Gap { after, next },
            Seam::Unjoined { last, expected } => LogError::Unjoined { last, expected },
            Seam::Tail(tail) => LogError::Damaged { lsn: tail.lsn, defect: tail.defect()? },
            Seam::Unreadable(index) => {
                let file = self.dir.slice().get(index)?;
                let source = file.log().err()?.clone();
                LogError::File { path: file.path().to_owned(), source }
            }
        })
    }

    /// Opens the next file; says whether there was one.
    fn advance(&mut self) -> bool {
        let index = self.next;
        self.dir.tell(index);
        let Some(file) = self.dir.slice().get(index) else { return false };
        let before = index.checked_sub(1).and_then(|index| self.dir.slice().get(index));
        self.next = index.saturating_add(1);
        if let Some(before) = before.filter(|before| before.number().saturating_add(1) < file.number()) {
            if file.number() > self.from.file {
                self.errors.push_back(Seam::Gap { after: before.number(), next: file.number() });
            }
        }
        match file.log() {
            Ok(log) => {
                let records = log.records();
                let next = self.dir.slice().get(self.next);
                self.current = Some(match next.and_then(|next| last_said(file, next)) {
                    _ if self.through => records.past_end(),
                    Some(last) => records.past_end().up_to(last),
                    None if self.dir.goes_on(index) => records.past_end(),
                    None => records,
                });
            }
            Err(_) if file.unwritten() && !self.dir.goes_on(index) => {}
            Err(_) => self.errors.push_back(Seam::Unreadable(index)),
        }
        true
    }

    /// Judges how a file ended of which all records were given.
    fn finish(&mut self, records: &Records<'_>) {
        let Some(tail) = records.tail() else { return };
        let index = self.next.saturating_sub(1);
        if !self.dir.goes_on(index) {
            self.tail = Some(tail);
            return;
        }
        if tail.defect().is_some() {
            self.errors.push_back(Seam::Tail(tail));
            return;
        }
        let pair = (self.dir.slice().get(index), self.dir.slice().get(self.next));
        if let (Some(file), Some(next)) = pair {
            self.errors.extend(unjoined(file, next, records.last()));
        }
    }
}

/// Compares the end of a file with what the next one says of it.
fn unjoined(file: &DirFile, next: &DirFile, last: u32) -> Option<Seam> {
    let said = last_said(file, next).filter(|said| *said != last)?;
    let [last, expected] = [last, said].map(|offset| Lsn { file: file.number(), offset });
    Some(Seam::Unjoined { last, expected })
}

/// Offset of the last record of a file, if the next one tells it.
fn last_said(file: &DirFile, next: &DirFile) -> Option<u32> {
    let (log, next_log) = (file.log().ok()?, next.log().ok()?);
    let neighbours = file.number().saturating_add(1) == next.number();
    (neighbours && log.version() == next_log.version()).then(|| next_log.last_of_previous())
}

impl<'a> Iterator for DirRecords<'a> {
    type Item = Result<Record<'a>, LogError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(error) = self.errors.pop_front().and_then(|seam| self.error(seam)) {
                return Some(Err(error));
            }
            // Taken out only once all are given: it is large.
            for record in self.current.iter_mut().flatten() {
                let lsn = match &record {
                    Ok(record) => Some(record.lsn()),
                    Err(LogError::Damaged { lsn, .. }) => Some(*lsn),
                    Err(_) => None,
                };
                if lsn.is_none_or(|lsn| lsn >= self.from) {
                    return Some(record);
                }
            }
            if let Some(records) = self.current.take() {
                self.finish(&records);
            } else if !self.advance() {
                return None;
            }
        }
    }
}

impl FusedIterator for DirRecords<'_> {}

/// The records of a folder's log files, last first, with the same errors between them.
///
/// Where records begin is found forward, one file at a time; so a wrong offset in a
/// header leads nowhere. Takes a few bytes of memory for each record of a file.
#[derive(Debug)]
pub struct DirRecordsBack<'a> {
    dir: &'a LogDir,
    through: bool,
    /// The file that comes next is the one before this.
    next: usize,
    found: Vec<Step>,
    tail: Option<Tail>,
    log: Option<&'a LogFile<'static>>,
}

/// A record of a file, or an error.
#[derive(Debug)]
enum Step {
    Record { offset: u32, misplaced: Option<u32> },
    Error(Box<LogError>),
}

impl<'a> DirRecordsBack<'a> {
    fn new(dir: &'a LogDir) -> DirRecordsBack<'a> {
        DirRecordsBack {
            dir,
            through: false,
            next: dir.slice().len(),
            found: Vec::new(),
            tail: None,
            log: None,
        }
    }

    /// Also gives what stands behind the end of the log, as
    /// [`DirRecords::past_end`] does.
    #[must_use]
    pub fn past_end(mut self) -> DirRecordsBack<'a> {
        self.through = true;
        self
    }

    /// Where the log ends and why, once its last file was looked at.
    #[must_use]
    pub fn tail(&self) -> Option<Tail> {
        self.tail
    }

    /// Finds the records of the file before; says whether there was one.
    fn advance(&mut self) -> bool {
        let Some(index) = self.next.checked_sub(1) else { return false };
        self.next = index;
        let mut records = self.dir.records();
        records.next = index;
        records.through = self.through;
        self.log = self.dir.slice().get(index).and_then(|file| file.log().ok());
        // Up to where the forward iterator would open the next file.
        records.advance();
        loop {
            while let Some(error) = records.errors.pop_front().and_then(|seam| records.error(seam)) {
                self.found.push(Step::Error(Box::new(error)));
            }
            let Some(mut file) = records.current.take() else { break };
            for record in file.by_ref() {
                self.found.push(match record {
                    Ok(record) => Step::Record { offset: record.lsn().offset, misplaced: record.misplaced() },
                    Err(error) => Step::Error(Box::new(error)),
                });
            }
            records.finish(&file);
            self.tail = self.tail.or(records.tail);
        }
        true
    }
}

impl<'a> Iterator for DirRecordsBack<'a> {
    type Item = Result<Record<'a>, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match (self.found.pop(), self.log) {
                (Some(Step::Record { offset, misplaced }), Some(log)) => {
                    let record = log.again(offset).map(|record| Record { misplaced, ..record });
                    let lsn = log.lsn(offset);
                    return Some(record.map_err(|defect| LogError::Damaged { lsn, defect }));
                }
                (Some(Step::Error(error)), _) => return Some(Err(*error)),
                _ if self.advance() => {}
                _ => return None,
            }
        }
    }
}

impl FusedIterator for DirRecordsBack<'_> {}
