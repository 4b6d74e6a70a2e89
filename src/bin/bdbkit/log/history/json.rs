//! A change as a line of JSON.

use std::io::{self, Write};

use bdbkit::log::{Content, Fate};
use serde::Serialize;

use super::Entry;
use crate::log::json::{Bytes, Time};
use crate::log::place::JsonLsn;

#[derive(Serialize)]
struct Line<'a> {
    lsn: JsonLsn,
    /// When it was committed, if that is recorded.
    time: Option<Time>,
    txn: Option<String>,
    fate: &'static str,
    action: &'static str,
    database: Option<&'a str>,
    key: Option<Shown<'a>>,
    old: Option<Shown<'a>>,
    new: Option<Shown<'a>>,
    page: u32,
    index: u32,
}

/// A key or a value, as far as the log shows it.
#[derive(Serialize)]
#[serde(untagged)]
enum Shown<'a> {
    Whole(Bytes<'a>),
    Part { prefix: u32, middle: Bytes<'a>, suffix: u32 },
    Chain { page: u32, length: u32 },
    Record { record: u32 },
}

impl<'a> Shown<'a> {
    fn of(content: &'a Content<'_>) -> Option<Shown<'a>> {
        Some(match content {
            Content::Bytes(bytes) => Shown::Whole(Bytes(bytes)),
            Content::Part { prefix, middle, suffix } => {
                Shown::Part { prefix: *prefix, middle: Bytes(middle), suffix: *suffix }
            }
            Content::Chain { page, len } => Shown::Chain { page: page.0, length: *len },
            Content::Record(number) => Shown::Record { record: *number },
            _ => return None,
        })
    }
}

pub(super) fn write(entry: &Entry<'_>, out: &mut impl Write) -> io::Result<()> {
    let (fate, time) = match entry.fate {
        Fate::Committed { time, .. } => ("committed", time),
        Fate::Aborted => ("aborted", None),
        Fate::Prepared => ("prepared", None),
        Fate::Unknown => ("unknown", None),
        _ => ("uncommitted", None),
    };
    let change = entry.change;
    let line = Line {
        lsn: change.lsn.into(),
        time: time.map(Time),
        txn: entry.txn.map(|txn| txn.to_string()),
        fate,
        action: entry.action(),
        database: entry.database,
        key: Shown::of(&change.key),
        old: change.old.as_ref().and_then(Shown::of),
        new: change.new.as_ref().and_then(Shown::of),
        page: change.page.0,
        index: change.index,
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}
