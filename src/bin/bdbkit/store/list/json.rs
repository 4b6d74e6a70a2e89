//! Entries and the report as lines of JSON.
//!
//! An entry: `schema` (1), `file`, `kind` and `kind_from` (what the database is for, by its name),
//! `database` (of several in the file), `key`, `value` (each `hex`, and `text` if it prints; a part,
//! a chain or a record number if the log has no more; null if not known), and `origin`: `live`;
//! `salvaged` or `deleted` with `page`, `slot` or `offset`, `provenance`, `confidence`, `copy`,
//! `notes`; or `log` with `lsn`, `txn`, `fate`, `time`, `action`, `replaced`, `page`, `index`.
//!
//! The last line: `schema`, and `report`: `path`, `complete`, `files` (`file`, `path`, `size`,
//! `sha256_before`, `sha256_after`, `equal`, `database`, `live`, `salvaged`, `deleted`,
//! `problems`), `left_out` (links and special files), `folders`, `problems`, `logs` (`changes`,
//! `tail`, `problems`).

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bdbkit::ShowName;
use bdbkit::dump::escape;
use bdbkit::mboxlist::{Found, ListReport, Listed, ListedFile, Origin};
use bdbkit::salvage::Place;
use serde::Serialize;

use crate::log::history::action;
use crate::log::json::{Shown, Time, fate};
use crate::log::place::JsonLsn;
use crate::output::json_line;

#[derive(Serialize)]
struct Line<'a> {
    schema: u32,
    file: String,
    kind: &'static str,
    /// What tells the kind.
    kind_from: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<String>,
    /// `null` if it is not known.
    key: Option<Shown<'a>>,
    value: Option<Shown<'a>>,
    #[serde(flatten)]
    origin: From<'a>,
}

#[derive(Serialize)]
#[serde(tag = "origin", rename_all = "lowercase")]
enum From<'a> {
    Live,
    Salvaged(Spot),
    Deleted(Spot),
    Log {
        lsn: JsonLsn,
        txn: Option<String>,
        fate: &'static str,
        /// When it was committed, if that is recorded.
        time: Option<Time>,
        action: &'static str,
        /// What a replaced value was before.
        #[serde(skip_serializing_if = "Option::is_none")]
        replaced: Option<Shown<'a>>,
        page: u32,
        index: u32,
    },
}

#[derive(Serialize)]
struct Spot {
    page: u32,
    #[serde(flatten)]
    place: Standing,
    provenance: &'static str,
    confidence: &'static str,
    /// Whether the same key and value are live.
    copy: bool,
    notes: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Standing {
    Slot(u16),
    Offset(u16),
}

impl Spot {
    fn of(found: &Found) -> Spot {
        Spot {
            page: found.provenance.page.0,
            place: match found.provenance.place {
                Place::Slot(slot) => Standing::Slot(slot),
                Place::Offset(offset) => Standing::Offset(offset),
            },
            provenance: found.provenance.origin.name(),
            confidence: found.confidence.name(),
            copy: found.is_copy,
            notes: found.notes.iter().map(|note| note.to_string()).collect(),
        }
    }
}

pub(super) fn entry(entry: &Listed<'_>, out: &mut impl Write) -> io::Result<()> {
    let origin = match &entry.origin {
        Origin::Salvaged(found) => From::Salvaged(Spot::of(found)),
        Origin::Deleted(found) => From::Deleted(Spot::of(found)),
        Origin::Log { change, txn, fate: became } => {
            let (fate, time) = fate(*became);
            From::Log {
                lsn: change.lsn.into(),
                txn: txn.map(|txn| txn.to_string()),
                fate,
                time,
                action: action(change.kind),
                replaced: change.new.as_ref().and(change.old.as_ref()).and_then(Shown::of),
                page: change.page.0,
                index: change.index,
            }
        }
        _ => From::Live,
    };
    let line = Line {
        schema: 1,
        file: entry.file.shown().to_string(),
        kind: entry.kind.name(),
        kind_from: "file name",
        database: entry.database.map(escape),
        key: Shown::of(&entry.key),
        value: Shown::of(&entry.value),
        origin,
    };
    json_line(&line, out)
}

fn shown(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| path.shown().to_string()).collect()
}

#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    report: Summary<'a>,
}

#[derive(Serialize)]
struct Summary<'a> {
    /// As it was given.
    path: String,
    complete: bool,
    files: Vec<File<'a>>,
    /// Symbolic links and special files.
    left_out: Vec<String>,
    /// Folders, whose files are not read.
    folders: Vec<String>,
    /// What could not be looked into.
    problems: &'a [String],
    logs: Option<Logs>,
}

#[derive(Serialize)]
struct File<'a> {
    file: String,
    path: String,
    size: Option<u64>,
    sha256_before: Option<String>,
    sha256_after: Option<String>,
    equal: bool,
    database: bool,
    live: u64,
    salvaged: u64,
    deleted: u64,
    problems: &'a [String],
}

#[derive(Serialize)]
struct Logs {
    changes: u64,
    /// How the log ends, if not as a writer leaves it.
    tail: Option<String>,
    problems: Vec<String>,
}

impl<'a> File<'a> {
    fn of(file: &'a ListedFile) -> File<'a> {
        File {
            file: file.name().shown().to_string(),
            path: file.path.shown().to_string(),
            size: file.before.map(|hash| hash.size),
            sha256_before: file.before.map(|hash| hash.hex()),
            sha256_after: file.after.map(|hash| hash.hex()),
            equal: file.is_unchanged(),
            database: file.is_database,
            live: file.live,
            salvaged: file.recovered,
            deleted: file.deleted,
            problems: &file.problems,
        }
    }
}

pub(super) fn report(report: &ListReport, dir: &Path, out: &mut impl Write) -> io::Result<()> {
    let line = Report {
        schema: 1,
        report: Summary {
            path: dir.shown().to_string(),
            complete: report.is_complete(),
            files: report.files.iter().map(File::of).collect(),
            left_out: shown(&report.left_out),
            folders: shown(&report.folders),
            problems: &report.problems,
            logs: report.logs.as_ref().map(|logs| Logs {
                changes: logs.changes,
                tail: logs.tail.filter(|tail| !tail.is_clean()).map(|tail| tail.to_string()),
                problems: logs.problems.iter().map(|error| error.to_string()).collect(),
            }),
        },
    };
    json_line(&line, out)
}
