//! A change as a line of JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::{Entry, action};
use crate::json::{self, Content, Lsn, Time, fate};

#[derive(Serialize)]
struct Line<'a> {
    lsn: Lsn,
    /// When it was committed, if that is recorded.
    time: Option<Time>,
    txn: Option<String>,
    fate: &'static str,
    action: &'static str,
    opened_as: Option<&'a str>,
    key: Option<Content<'a>>,
    old: Option<Content<'a>>,
    new: Option<Content<'a>>,
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
        opened_as: entry.database,
        key: Content::of(&change.key),
        old: change.old.as_ref().and_then(Content::of),
        new: change.new.as_ref().and_then(Content::of),
        page: change.page.0,
        index: change.index,
    };
    json::line("change", &line, out)
}
