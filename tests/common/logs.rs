//! A small writer of transaction logs, and what the tests of logs share. Written from
//! log-format, apart from the reader.

use std::path::Path;

use bdbkit::Endianness::{self, Big, Little};
use bdbkit::Lsn;
use bdbkit::log::{LogDir, LogError, LogOptions, Record, Records, Tail};

use super::Case;

/// All log versions that were released.
pub(crate) const VERSIONS: [u32; 20] =
    [2, 3, 4, 5, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23];
/// Those that other-releases describes by what they changed in the last of the others.
pub(crate) const LATER: std::ops::RangeInclusive<u32> = 20..=23;
/// Bytes of a record header without encryption.
pub(crate) const HEADER: usize = 12;
/// Offset of the first record behind a file's header.
pub(crate) const FIRST: usize = 28;
/// The password of the corpus.
pub(crate) const PASSWORD: &str = "corpus-password";

pub(crate) fn to_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap()
}

pub(crate) fn to_usize(n: u32) -> usize {
    usize::try_from(n).unwrap()
}

pub(crate) fn lsn(file: u32, offset: u32) -> Lsn {
    Lsn { file, offset }
}

pub(crate) fn word(order: Endianness, n: u32) -> [u8; 4] {
    match order {
        Little => n.to_le_bytes(),
        Big => n.to_be_bytes(),
    }
}

pub(crate) fn get_u32(order: Endianness, bytes: &[u8], at: usize) -> u32 {
    let word = bytes[at..at + 4].try_into().unwrap();
    match order {
        Little => u32::from_le_bytes(word),
        Big => u32::from_be_bytes(word),
    }
}

pub(crate) fn put_u32(order: Endianness, bytes: &mut [u8], at: usize, n: u32) {
    bytes[at..at + 4].copy_from_slice(&word(order, n));
}

/// The places of length and checksum in a header.
pub(crate) fn places(version: u32) -> (usize, usize) {
    if version <= 5 { (8, 4) } else { (4, 8) }
}

/// Makes the checksum of a record right; the record takes all of the bytes.
pub(crate) fn seal(version: u32, order: Endianness, record: &mut [u8]) {
    let (len_at, sum_at) = places(version);
    let sum =
        record[HEADER..].iter().fold(0_u32, |sum, &byte| sum.wrapping_mul(33).wrapping_add(byte.into()));
    let header = get_u32(order, record, 0) ^ get_u32(order, record, len_at);
    put_u32(order, record, sum_at, if version < 12 { sum } else { sum ^ header });
}

/// A whole record.
pub(crate) fn record(version: u32, order: Endianness, prev: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = [&[0; HEADER], body].concat();
    let len = to_u32(bytes.len());
    put_u32(order, &mut bytes, 0, prev);
    put_u32(order, &mut bytes, places(version).0, len);
    seal(version, order, &mut bytes);
    bytes
}

/// The header of a file.
pub(crate) fn file_header(version: u32, order: Endianness, prev: u32, max: u32) -> Vec<u8> {
    let body = [0x0004_0988, version, max, 0].map(|n| word(order, n)).concat();
    record(version, order, prev, &body)
}

/// A record as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) lsn: Lsn,
    pub(crate) prev: u32,
    pub(crate) body: Vec<u8>,
}

impl Written {
    pub(crate) fn of(record: &Record<'_>) -> Written {
        assert_eq!(record.misplaced(), None, "{}", record.lsn());
        Written { lsn: record.lsn(), prev: record.prev(), body: record.body().to_vec() }
    }
}

/// A log that grows record by record, and goes on in the next file as the library does.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    pub(crate) version: u32,
    pub(crate) order: Endianness,
    pub(crate) max: usize,
    /// The number of the first file.
    pub(crate) first: u32,
    pub(crate) files: Vec<Vec<u8>>,
    pub(crate) written: Vec<Written>,
    last: u32,
}

impl Writer {
    pub(crate) fn new(version: u32, order: Endianness, max: usize, first: u32) -> Writer {
        let files = vec![file_header(version, order, 0, to_u32(max))];
        Writer { version, order, max, first, files, written: Vec::new(), last: 0 }
    }

    pub(crate) fn append(&mut self, body: &[u8]) -> Lsn {
        let used = self.files.last().unwrap().len();
        if used + HEADER + body.len() > self.max {
            self.files.push(file_header(self.version, self.order, self.last, to_u32(self.max)));
            self.last = 0;
        }
        let number = self.first + to_u32(self.files.len()) - 1;
        let file = self.files.last_mut().unwrap();
        let lsn = lsn(number, to_u32(file.len()));
        file.extend(record(self.version, self.order, self.last, body));
        self.written.push(Written { lsn, prev: self.last, body: body.to_vec() });
        self.last = lsn.offset;
        lsn
    }

    /// Writes the files into a folder under their names.
    pub(crate) fn save(&self, folder: &Path) {
        for (number, bytes) in (self.first..).zip(&self.files) {
            save(folder, number, bytes);
        }
    }
}

pub(crate) fn save(folder: &Path, number: u32, bytes: &[u8]) {
    std::fs::write(folder.join(format!("log.{number:010}")), bytes).unwrap();
}

/// The names and bytes of a case's log files, in their order.
pub(crate) fn log_files(case: &str) -> Vec<Vec<u8>> {
    let folder = super::testdata().join(case);
    let name = |number: u32| folder.join(format!("log.{number:010}"));
    (1..).map(name).take_while(|path| path.is_file()).map(super::read).collect()
}

/// The options that open a case: the password, if it has one.
pub(crate) fn options(case: &Case) -> LogOptions {
    let options = LogOptions::new();
    if case.has("encrypted") { options.password(PASSWORD) } else { options }
}

/// Opens the log of a case.
pub(crate) fn open(case: &Case) -> LogDir {
    options(case).open_dir(case.folder()).unwrap_or_else(|error| panic!("{}: {error}", case.name))
}

/// Whether a case is encrypted, but the library was built without a cipher.
pub(crate) fn skipped(case: &Case) -> bool {
    let skipped = case.has("encrypted") && !cfg!(feature = "encryption");
    if skipped {
        eprintln!("skipped: {} is encrypted, and the feature is off", case.name);
    }
    skipped
}

/// What an iterator over records gave: records, errors, and why it ended.
#[derive(Debug)]
pub(crate) struct Outcome<'a> {
    pub(crate) records: Vec<Record<'a>>,
    pub(crate) errors: Vec<LogError>,
    pub(crate) tail: Option<Tail>,
}

/// Reads one file to the end. No file can hold more records and errors than bytes.
pub(crate) fn read_file<'a>(mut records: Records<'a>, bytes: usize) -> Outcome<'a> {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for record in records.by_ref().take(bytes + 2) {
        match record {
            Ok(record) => found.push(record),
            Err(error) => errors.push(error),
        }
    }
    assert!(records.next().is_none(), "more records than bytes");
    Outcome { records: found, errors, tail: records.tail() }
}
