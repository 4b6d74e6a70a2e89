//! What can go wrong when a log is read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::order::Endianness;
use crate::shown::ShowName;
use crate::types::Lsn;

/// Why a log, or a part of it, could not be read.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The operating system refused to open, map or read a file or folder.
    #[error("{}: {cause}", .path.shown())]
    Open {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        cause: Arc<std::io::Error>,
    },
    /// A file of a folder cannot be read as a log file.
    #[error("{}", in_file(.path, .source))]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Arc<LogError>,
    },
    /// A folder without log files.
    #[error("{}: no log files here: none is named log. and ten digits", .path.shown())]
    NoLogs {
        /// The folder.
        path: PathBuf,
    },
    /// The file is shorter than the header of a log file: cut, made but not written, or no
    /// log at all.
    #[error("too short for a log file: {len} bytes, a header has {need}")]
    Short {
        /// Length of the file in bytes.
        len: u64,
        /// Length of the header in bytes.
        need: u32,
    },
    /// The file begins with zero bytes: made, but nothing written yet.
    #[error("the log file begins with zeros: room was made for it, but nothing was written")]
    Zeroed,
    /// No magic number of a log where it should stand.
    #[error("not a log file: byte 12 holds {found:#010x}, expected the magic number 0x00040988")]
    NotALog {
        /// The four bytes at 12, as a little-endian number.
        found: u32,
    },
    /// A log version that is not read.
    #[error("log version {version} ({order}) is not supported, only 2 to 5, 7, 8 and 10 to 23")]
    Version {
        /// Version in the header.
        version: u32,
        /// Byte order of the header.
        order: Endianness,
    },
    /// The log is encrypted and no password was given.
    #[error("the log is encrypted: its password is needed{}", hint())]
    Encrypted,
    /// The password does not open the log.
    #[error("the password does not fit this log")]
    Password,
    /// A record is damaged.
    #[error("{lsn}: {defect}")]
    Damaged {
        /// Where the record stands.
        lsn: Lsn,
        /// What was found and expected.
        defect: RecordDefect,
    },
    /// Log files are missing between two others.
    #[error("{}", missing(.after.saturating_add(1), .next.saturating_sub(1)))]
    Gap {
        /// The last file before the gap.
        after: u32,
        /// The first file behind it.
        next: u32,
    },
    /// A file does not end where the next one says: records are missing between.
    #[error(
        "the last record is at {last}, but the next file says that it is at {expected}: the file was cut"
    )]
    Unjoined {
        /// The last record found in the file.
        last: Lsn,
        /// The last record according to the file behind it.
        expected: Lsn,
    },
    /// No record can stand at this LSN.
    #[error("{lsn}: no record there: {why}")]
    NoRecord {
        /// The LSN asked for.
        lsn: Lsn,
        /// What speaks against it.
        why: &'static str,
    },
    /// The records of a transaction do not lead backwards.
    #[error("{lsn}: the previous record of the transaction is at {prev}, which is not before it")]
    Chain {
        /// The record.
        lsn: Lsn,
        /// Its previous LSN.
        prev: Lsn,
    },
    /// A history may not take more memory.
    #[error(
        "{lsn}: from here on some changes are left out or unknown: they would take more than {limit} bytes of memory"
    )]
    Memory {
        /// The first record for which there was not enough.
        lsn: Lsn,
        /// How much there was, in bytes.
        limit: u64,
    },
    /// A part of a record does not lead where it should.
    #[error("{lsn}: {what}")]
    Inconsistent {
        /// The record.
        lsn: Lsn,
        /// What is wrong.
        what: &'static str,
    },
}

/// Errors of the operating system name the file already.
fn in_file(path: &Path, source: &LogError) -> String {
    match source {
        LogError::Open { .. } => source.to_string(),
        _ => format!("{}: {source}", path.shown()),
    }
}

fn missing(first: u32, last: u32) -> String {
    if first == last {
        format!("log file {first} is missing")
    } else {
        format!("log files {first} to {last} are missing")
    }
}

fn hint() -> &'static str {
    if cfg!(feature = "encryption") { "" } else { ", and the feature `encryption` of this library" }
}

/// What is wrong with a record: found and expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordDefect {
    /// Too few bytes are left for the header of a record.
    #[error("{left} bytes are left, a record's header has {need}")]
    Header {
        /// Bytes left in the file.
        left: u32,
        /// Length of a header.
        need: u32,
    },
    /// The length cannot be right.
    #[error(
        "a record of {found} bytes, expected more than {header} and at most {left}, what is left of the file"
    )]
    Length {
        /// The length found.
        found: u32,
        /// Length of a header, in bytes.
        header: u32,
        /// Bytes left in the file.
        left: u32,
    },
    /// The first record of a file is its header, of one length.
    #[error("a file header of {found} bytes, expected {need}")]
    FileHeader {
        /// The length found.
        found: u32,
        /// The length of a file header.
        need: u32,
    },
    /// The record is not all there.
    #[error("a torn or cut record: {have} bytes of {need}")]
    Cut {
        /// Bytes that are there.
        have: u32,
        /// Bytes of the whole record, or of its header if that is cut.
        need: u32,
    },
    /// The checksum is not that of the bytes.
    #[error("checksum {stored:#010x}, expected {computed:#010x}")]
    Checksum {
        /// The checksum in the header.
        stored: u32,
        /// The checksum of the bytes.
        computed: u32,
    },
    /// The authentication code of an encrypted record is not that of its bytes.
    #[error("the authentication code is not that of the record's bytes")]
    Code,
    /// The size of an encrypted body cannot be right.
    #[error("an encrypted body of {stored} bytes says that {size} of them count")]
    Padding {
        /// Bytes that are stored.
        stored: u32,
        /// Bytes that count, according to the header.
        size: u32,
    },
}
