//! A change as a line of JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::{Entry, action};
use crate::log::json::{Shown, Time, fate};
use crate::log::place::JsonLsn;
use crate::output::json_line;

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

pub(super) fn write(entry: &Entry<'_>, out: &mut impl Write) -> io::Result<()> {
    let (fate, time) = fate(entry.fate);
    let change = entry.change;
    let line = Line {
        lsn: change.lsn.into(),
        time,
        txn: entry.txn.map(|txn| txn.to_string()),
        fate,
        action: action(change.kind),
        database: entry.database,
        key: Shown::of(&change.key),
        old: change.old.as_ref().and_then(Shown::of),
        new: change.new.as_ref().and_then(Shown::of),
        page: change.page.0,
        index: change.index,
    };
    json_line(&line, out)
}
