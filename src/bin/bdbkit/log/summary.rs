//! What a log holds, in numbers.

use std::collections::BTreeMap;
use std::{fmt, fs};

use bdbkit::Lsn;
use bdbkit::ShowName;
use bdbkit::log::{Event, LogDir, Record, RecordNote};
use serde::{Serialize, Serializer};

use super::place::misplaced;
use super::source::Log;
use crate::json::{self, End, Order, Time};

/// The facts about a log.
#[derive(Serialize)]
pub(crate) struct Summary {
    pub(crate) log: String,
    pub(crate) log_files: Vec<File>,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    pub(crate) first_lsn: Option<json::Lsn>,
    pub(crate) last_lsn: Option<json::Lsn>,
    pub(crate) checkpoints: u64,
    pub(crate) last_checkpoint_lsn: Option<json::Lsn>,
    pub(crate) commits: u64,
    pub(crate) first_commit: Option<Time>,
    pub(crate) last_commit: Option<Time>,
    #[serde(serialize_with = "list")]
    pub(crate) record_types: BTreeMap<&'static str, Count>,
    pub(crate) end: Option<End>,
    pub(crate) damaged: u64,
    pub(crate) first_damage: Option<String>,
}

/// One log file, as its header tells it.
#[derive(Serialize)]
pub(crate) struct File {
    pub(crate) number: u32,
    pub(crate) name: String,
    pub(crate) size: u64,
    /// Why nothing else is known.
    pub(crate) error: Option<String>,
    /// Whether it was made, but nothing was written yet.
    #[serde(skip)]
    pub(crate) unwritten: bool,
    #[serde(flatten)]
    pub(crate) header: Option<Header>,
}

#[derive(Serialize)]
pub(crate) struct Header {
    pub(crate) version: u32,
    pub(crate) byte_order: Order,
    pub(crate) encrypted: bool,
    pub(crate) max_size: u32,
}

/// Records of one type.
#[derive(Default, Serialize)]
pub(crate) struct Count {
    pub(crate) records: u64,
    pub(crate) bytes: u64,
}

impl Summary {
    /// Reads a log through.
    pub(crate) fn of(log: &Log) -> Summary {
        let mut summary = Summary {
            log: log.path().shown().to_string(),
            log_files: files(&log.dir),
            records: 0,
            bytes: 0,
            first_lsn: None,
            last_lsn: None,
            checkpoints: 0,
            last_checkpoint_lsn: None,
            commits: 0,
            first_commit: None,
            last_commit: None,
            record_types: BTreeMap::new(),
            end: None,
            damaged: 0,
            first_damage: None,
        };
        let mut records = log.dir.records();
        for record in &mut records {
            match record {
                Ok(record) => summary.record(log, &record),
                Err(error) => summary.damage(|| log.message(&error).to_string()),
            }
        }
        summary.end = records.tail().map(End::from);
        summary
    }

    fn record(&mut self, log: &Log, record: &Record<'_>) {
        let lsn: Lsn = record.lsn();
        let (name, size) = (record.name(), u64::from(record.size()));
        self.records = self.records.saturating_add(1);
        self.bytes = self.bytes.saturating_add(size);
        self.first_lsn = self.first_lsn.or(Some(lsn.into()));
        self.last_lsn = Some(lsn.into());
        let count = self.record_types.entry(name).or_default();
        count.records = count.records.saturating_add(1);
        count.bytes = count.bytes.saturating_add(size);
        match record.event() {
            Event::Checkpoint { .. } => {
                self.checkpoints = self.checkpoints.saturating_add(1);
                self.last_checkpoint_lsn = Some(lsn.into());
            }
            Event::Commit { time } => {
                self.commits = self.commits.saturating_add(1);
                self.first_commit = self.first_commit.or(time.map(Time::of_seconds));
                self.last_commit = time.map(Time::of_seconds).or(self.last_commit);
            }
            _ => {}
        }
        if let Some(note) = record.note().filter(RecordNote::is_error) {
            self.damage(|| log.about(lsn, format_args!("{lsn}: {note}")).to_string());
        }
        if let Some(found) = record.misplaced() {
            self.damage(|| log.about(lsn, format_args!("{lsn}: {}", misplaced(record, found))).to_string());
        }
    }

    fn damage(&mut self, message: impl FnOnce() -> String) {
        self.damaged = self.damaged.saturating_add(1);
        self.first_damage.get_or_insert_with(message);
    }
}

/// Neighbouring files with the same version and byte order, encrypted or not.
pub(crate) struct Run<'a> {
    pub(crate) first: u32,
    pub(crate) last: u32,
    /// Whether these are all files.
    all: bool,
    pub(crate) header: &'a Header,
}

/// The files, by what they have in common.
pub(crate) fn runs(files: &[File]) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    let form = |header: &Header| (header.version, header.byte_order, header.encrypted);
    for (file, header) in files.iter().filter_map(|file| Some((file, file.header.as_ref()?))) {
        match runs.last_mut() {
            Some(run) if form(run.header) == form(header) => run.last = file.number,
            _ => runs.push(Run { first: file.number, last: file.number, all: false, header }),
        }
    }
    if let [run] = runs.as_mut_slice() {
        run.all = true;
    }
    runs
}

impl fmt::Display for Run<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Run { first, last, all, header } = self;
        let encrypted = if header.encrypted { ", encrypted" } else { "" };
        write!(f, "{}, {}{encrypted}", header.version, header.byte_order.0)?;
        match all {
            true => Ok(()),
            false if first == last => write!(f, " (file {first})"),
            false => write!(f, " (files {first} to {last})"),
        }
    }
}

/// Bytes in all files.
pub(crate) fn size(files: &[File]) -> u64 {
    files.iter().fold(0, |sum, file| sum.saturating_add(file.size))
}

/// What the headers of the files say.
pub(crate) fn files(log: &LogDir) -> Vec<File> {
    log.log_files()
        .map(|file| {
            let name = file.path().file_name().map_or(String::new(), |name| name.shown().to_string());
            let header = file.log().ok().map(|log| Header {
                version: log.version(),
                byte_order: Order(log.endianness()),
                encrypted: log.encrypted(),
                max_size: log.max_size(),
            });
            let error = file.log().err().map(ToString::to_string);
            let size = match file.log() {
                Ok(log) => log.size(), // of a pipe, too
                Err(_) => fs::metadata(file.path()).map_or(0, |metadata| metadata.len()),
            };
            File { number: file.number(), name, size, error, unwritten: file.unwritten(), header }
        })
        .collect()
}

/// Record types, each with its name.
fn list<S: Serializer>(types: &BTreeMap<&str, Count>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Type<'a> {
        record_name: &'a str,
        #[serde(flatten)]
        count: &'a Count,
    }
    serializer.collect_seq(types.iter().map(|(record_name, count)| Type { record_name, count }))
}
