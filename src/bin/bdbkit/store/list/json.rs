//! Entries and the report as lines of JSON.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bdbkit::mboxlist::{EntryOrigin, Found, ListReport, Listed, ListedFile};
use bdbkit::salvage::Place;
use serde::Serialize;

use super::text::what;

use crate::json::{self, Content, End, Lsn, Time, fate};
use crate::log::history::action;

#[derive(Serialize)]
struct Line<'a> {
    name: String,
    /// What the database is for.
    purpose: &'static str,
    /// What tells the purpose.
    purpose_from: &'static str,
    database: Option<String>,
    /// `null` if it is not known.
    key: Option<Content<'a>>,
    value: Option<Content<'a>>,
    #[serde(flatten)]
    status: From<'a>,
}

#[derive(Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum From<'a> {
    Live,
    Salvaged(Spot),
    Deleted(Spot),
    Log {
        lsn: Lsn,
        txn: Option<String>,
        fate: &'static str,
        /// When it was committed, if that is recorded.
        time: Option<Time>,
        action: &'static str,
        /// What a replaced value was before.
        #[serde(skip_serializing_if = "Option::is_none")]
        replaced: Option<Content<'a>>,
        page: u32,
        index: u32,
    },
}

#[derive(Serialize)]
struct Spot {
    page: u32,
    #[serde(flatten)]
    place: Standing,
    /// Where the item stands in the file, in bytes.
    offset: u64,
    origin: &'static str,
    confidence: &'static str,
    /// Whether the same key and value are live.
    is_copy: bool,
    remarks: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    Slot(u16),
    PageOffset(u16),
}

impl Spot {
    fn of(found: &Found) -> Spot {
        Spot {
            page: found.provenance.page.0,
            place: match found.provenance.place {
                Place::Slot(slot) => Standing::Slot(slot),
                Place::Offset(offset) => Standing::PageOffset(offset),
            },
            offset: found.provenance.offset,
            origin: found.provenance.origin.name(),
            confidence: found.confidence.name(),
            is_copy: found.is_copy,
            remarks: found.notes.iter().map(|note| note.to_string()).collect(),
        }
    }
}

pub(super) fn entry(entry: &Listed<'_>, out: &mut impl Write) -> io::Result<()> {
    let status = match &entry.origin {
        EntryOrigin::Salvaged(found) => From::Salvaged(Spot::of(found)),
        EntryOrigin::Deleted(found) => From::Deleted(Spot::of(found)),
        EntryOrigin::Log { change, txn, fate: became } => {
            let (fate, time) = fate(*became);
            From::Log {
                lsn: change.lsn.into(),
                txn: txn.map(|txn| txn.to_string()),
                fate,
                time,
                action: action(change.kind),
                replaced: change.new.as_ref().and(change.old.as_ref()).and_then(Content::of),
                page: change.page.0,
                index: change.index,
            }
        }
        _ => From::Live,
    };
    let line = Line {
        name: json::raw_name(entry.file),
        purpose: entry.kind.name(),
        purpose_from: "file name",
        database: entry.database.map(json::raw_name),
        key: Content::of(&entry.key),
        value: Content::of(&entry.value),
        status,
    };
    json::line("entry", &line, out)
}

#[derive(Serialize)]
struct Report<'a> {
    /// As it was given.
    dir: String,
    complete: bool,
    files: Vec<File<'a>>,
    /// Symbolic links and special files.
    left_out: Vec<LeftOut>,
    /// Folders, whose files are not read.
    dirs: Vec<String>,
    /// What could not be looked into.
    problems: &'a [String],
    logs: Option<Logs>,
}

#[derive(Serialize)]
struct LeftOut {
    file: String,
    reason: &'static str,
}

#[derive(Serialize)]
struct File<'a> {
    name: String,
    file: String,
    size: Option<u64>,
    sha256_before: Option<String>,
    sha256_after: Option<String>,
    equal: bool,
    is_database: bool,
    live: u64,
    salvaged: u64,
    deleted: u64,
    problems: &'a [String],
}

#[derive(Serialize)]
struct Logs {
    changes: u64,
    end: Option<End>,
    problems: Vec<String>,
}

impl<'a> File<'a> {
    fn of(file: &'a ListedFile) -> File<'a> {
        File {
            name: json::raw_name(file.name()),
            file: json::name(&file.path),
            size: file.before.map(|hash| hash.size),
            sha256_before: file.before.map(|hash| hash.hex()),
            sha256_after: file.after.map(|hash| hash.hex()),
            equal: file.is_unchanged(),
            is_database: file.is_database,
            live: file.live,
            salvaged: file.recovered,
            deleted: file.deleted,
            problems: &file.problems,
        }
    }
}

pub(super) fn report(report: &ListReport, dir: &Path, out: &mut impl Write) -> io::Result<()> {
    let left_out = |path: &PathBuf| LeftOut { file: json::name(path), reason: what(path) };
    let line = Report {
        dir: json::name(dir),
        complete: report.is_complete(),
        files: report.files.iter().map(File::of).collect(),
        left_out: report.left_out.iter().map(left_out).collect(),
        dirs: json::names(&report.folders),
        problems: &report.problems,
        logs: report.logs.as_ref().map(|logs| Logs {
            changes: logs.changes,
            end: logs.tail.map(End::from),
            problems: logs.problems.iter().map(|error| error.to_string()).collect(),
        }),
    };
    json::line("report", &line, out)
}
