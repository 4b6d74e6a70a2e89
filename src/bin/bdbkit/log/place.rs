//! Places in a log, in words.

use bdbkit::Lsn;
use bdbkit::log::{Record, Tail};

/// What is wrong with a record whose header names another record before it.
pub(crate) fn misplaced(record: &Record<'_>, found: u32) -> String {
    let expected = record.prev();
    format!("the header says that the record before is at {expected}, but it is at {found}")
}

/// A message that begins with an LSN, without it.
pub(crate) fn without_lsn(message: String, lsn: Lsn) -> String {
    match message.strip_prefix(&format!("{lsn}: ")) {
        Some(rest) => rest.to_owned(),
        None => message,
    }
}

/// How the log ends, without where.
pub(crate) fn ending(tail: Tail) -> String {
    without_lsn(tail.to_string(), tail.lsn)
}
