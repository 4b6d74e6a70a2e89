//! Places in a log, in words and in JSON.

use std::fmt;

use bdbkit::Lsn;
use bdbkit::log::{Record, Tail};
use serde::Serialize;

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

/// An LSN in JSON.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct JsonLsn {
    file: u32,
    offset: u32,
}

impl fmt::Display for JsonLsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Lsn { file: self.file, offset: self.offset }.fmt(f)
    }
}

impl From<Lsn> for JsonLsn {
    fn from(Lsn { file, offset }: Lsn) -> JsonLsn {
        JsonLsn { file, offset }
    }
}
