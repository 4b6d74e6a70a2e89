//! The log read ahead, once, by all processors: its sums are checked, and what the headers of records say is
//! kept for the passes, so that they read only the fields that they need.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::side_by_side;
use crate::log::record::{Unsure, signed};
use crate::log::schema::{Name, Op};
use crate::log::{Files, LogDir, LogError, LogFile, Record, RecordNote, Records, TxnId};
use crate::pages::expect;
use crate::types::Lsn;

/// A log of less than this is read faster than a thread starts, in bytes.
const SMALL: u64 = 256 << 10;
/// Of so many records at most the headers are kept: 32 MiB.
const MOST: usize = 2 << 20;

/// Where the memory begins that comes together, of most of a record.
const LINES: [usize; 3] = [0, 64, 128];

/// What is known of a log before any pass.
#[derive(Debug)]
pub(super) struct Ahead<'l> {
    dir: &'l LogDir,
    /// The headers of all records, file by file; `None` if there are too many, or if the log is not whole.
    headers: Option<Vec<Of<'l>>>,
    /// The numbers of files with records whose fields cannot be read, or that are damaged.
    doubtful: HashSet<u32>,
}

/// The headers of a file.
#[derive(Debug)]
struct Of<'l> {
    file: &'l LogFile<'static>,
    /// Whether the fields of all records can be read.
    readable: bool,
    /// Whether these are all records that anybody may find in it.
    whole: bool,
    /// Whether nothing, or nothing but room, stands behind the last one.
    ends_clean: bool,
    /// Where the last one stands.
    last: u32,
    headers: Vec<Header>,
}

/// What the header of a record says.
#[derive(Clone, Copy, Debug)]
struct Header {
    offset: u32,
    txn: u32,
    number: i32,
    op: Option<Op>,
    /// Whether `number` is known: `None` if the fields have to be read for it.
    has_number: Option<bool>,
    begins: bool,
    debug: bool,
}

/// A record that a pass comes to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'l> {
    pub(super) lsn: Lsn,
    pub(super) txn: Option<TxnId>,
    /// What it does, if that is known without its fields, and they can be read.
    pub(super) op: Option<Op>,
    /// The log's number of its database, where `op` is known.
    pub(super) number: Result<Option<i32>, Unsure>,
    /// Whether no record of its transaction stands before it.
    pub(super) begins: bool,
    pub(super) debug: bool,
    at: At<'l>,
}

#[derive(Clone, Copy, Debug)]
enum At<'l> {
    File(&'l LogFile<'static>, u32),
    Record(Record<'l>),
}

impl<'l> Seen<'l> {
    /// A record whose fields can be read.
    pub(super) fn of(record: Record<'l>) -> Seen<'l> {
        Seen {
            lsn: record.lsn(),
            txn: record.txn(),
            op: record.presumed(),
            number: database(&record),
            begins: record.prev_lsn().file == 0,
            debug: record.debug(),
            at: At::Record(record),
        }
    }

    /// Asks memory for the record.
    pub(super) fn expect(&self) {
        if let At::File(file, offset) = self.at {
            let bytes = file.rest(offset);
            LINES.into_iter().for_each(|line| expect(bytes, line));
        }
    }

    /// The record itself.
    pub(super) fn record(&self) -> Result<Record<'l>, LogError> {
        match self.at {
            At::Record(record) => Ok(record),
            At::File(file, offset) => {
                file.again(offset).map_err(|defect| LogError::Damaged { lsn: self.lsn, defect })
            }
        }
    }
}

/// The log's number of the database that a record concerns.
fn database(record: &Record<'_>) -> Result<Option<i32>, Unsure> {
    record.presumed_number(Name::fileid).map(|number| number.map(signed))
}

impl Header {
    fn of(record: &Record<'_>) -> Header {
        let number = database(record);
        Header {
            offset: record.lsn().offset,
            txn: record.txn().map_or(0, |txn| txn.0),
            number: number.ok().flatten().unwrap_or(0),
            op: record.presumed(),
            has_number: number.ok().map(|number| number.is_some()),
            begins: record.prev_lsn().file == 0,
            debug: record.debug(),
        }
    }

    fn seen<'l>(self, file: &'l LogFile<'static>, readable: bool) -> Seen<'l> {
        Seen {
            lsn: file.lsn(self.offset),
            txn: Some(self.txn).filter(|&txn| txn != 0).map(TxnId),
            op: self.op.filter(|_| readable),
            number: self.has_number.ok_or(Unsure).map(|has| has.then_some(self.number)),
            begins: self.begins,
            debug: self.debug,
            at: At::File(file, self.offset),
        }
    }
}

impl<'l> Ahead<'l> {
    pub(super) fn of(dir: &'l LogDir) -> Ahead<'l> {
        let files: Vec<&LogFile<'_>> = dir.log_files().filter_map(|file| file.log().ok()).collect();
        let (next, kept, found) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(Vec::new()));
        side_by_side::run(if dir.size() < SMALL { 1 } else { files.len() }, || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(file) = files.get(index) else { break };
                let of_file = Of::read(file, &kept);
                found.lock().unwrap_or_else(PoisonError::into_inner).push((index, of_file));
            }
        });
        let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        found.sort_by_key(|(index, _)| *index);
        let found: Vec<Of<'_>> = found.into_iter().map(|(_, of_file)| of_file).collect();
        let doubtful = found.iter().filter(|of_file| !of_file.readable);
        let doubtful = doubtful.map(|of_file| of_file.file.number()).collect();
        let whole = found.len() == dir.log_files().len() && found.iter().all(|of_file| of_file.whole);
        let kept = kept.into_inner() <= MOST;
        Ahead { dir, headers: Some(found).filter(|found| kept && whole && is_joined(found)), doubtful }
    }

    /// The databases that the log speaks of.
    pub(super) fn files(&self) -> Files<'l> {
        let Some(files) = &self.headers else { return Files::sparing(self.dir.records().map(Result::ok)) };
        // Where nothing is missing, records that tell nothing can be passed over.
        let tells = |file: &LogFile<'_>, header: &Header| Files::reads(file.version(), header.op);
        let records = files.iter().flat_map(|of_file| {
            let telling = of_file.headers.iter().filter(move |header| tells(of_file.file, header));
            telling.map(|header| of_file.file.again(header.offset).ok())
        });
        Files::sparing(records)
    }

    /// The records from an LSN on.
    pub(super) fn forward(&self, from: Lsn) -> Box<dyn Iterator<Item = Result<Seen<'l>, LogError>> + '_> {
        let Some(files) = &self.headers else {
            return Box::new(
                self.dir.records().from(from).map(|record| record.map(|record| self.seen(record))),
            );
        };
        let files = files.iter().filter(move |of_file| of_file.file.number() >= from.file);
        Box::new(files.flat_map(move |of_file| {
            let begin = of_file.headers.partition_point(|header| of_file.file.lsn(header.offset) < from);
            of_file.headers.iter().skip(begin).map(|header| Ok(header.seen(of_file.file, of_file.readable)))
        }))
    }

    /// All records, the last one first.
    pub(super) fn backward(&self) -> Box<dyn Iterator<Item = Result<Seen<'l>, LogError>> + '_> {
        let Some(files) = &self.headers else {
            return Box::new(self.dir.records_back().map(|record| record.map(|record| self.seen(record))));
        };
        Box::new(files.iter().rev().flat_map(|of_file| {
            of_file.headers.iter().rev().map(|header| Ok(header.seen(of_file.file, of_file.readable)))
        }))
    }

    fn seen(&self, record: Record<'l>) -> Seen<'l> {
        let seen = Seen::of(record);
        Seen { op: seen.op.filter(|_| !self.doubtful.contains(&seen.lsn.file)), ..seen }
    }
}

impl<'l> Of<'l> {
    /// Reads a file; `kept` counts the headers of all files.
    fn read(file: &'l LogFile<'static>, kept: &AtomicUsize) -> Of<'l> {
        let (mut readable, mut whole, mut headers) = (true, true, Vec::new());
        let mut records = file.records();
        for record in records.by_ref() {
            let Ok(record) = record else {
                (readable, whole) = (false, false);
                break;
            };
            readable &= record.debug() || matches!(record.parse(), Ok(_) | Err(RecordNote::Application));
            if kept.fetch_add(1, Ordering::Relaxed) < MOST {
                headers.push(Header::of(&record));
            } else {
                headers = Vec::new();
            }
        }
        headers.shrink_to_fit();
        let tail = records.tail().filter(|tail| tail.behind.is_none());
        (readable, whole) = (readable && tail.is_some(), whole && tail.is_some());
        let ends_clean = tail.is_some_and(|tail| tail.defect().is_none());
        Of { file, readable, whole, ends_clean, last: Records::last(&records), headers }
    }
}

/// Whether a walk over a log meets nothing wrong between its files.
fn is_joined(files: &[Of<'_>]) -> bool {
    files.iter().zip(files.iter().skip(1)).all(|(before, next)| {
        let (file, next) = (before.file, next.file);
        let said = file.version() != next.version() || next.last_of_previous() == before.last;
        before.ends_clean && file.number().checked_add(1) == Some(next.number()) && said
    })
}
