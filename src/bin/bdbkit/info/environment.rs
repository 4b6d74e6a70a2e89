//! What stands in the folder of an environment.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bdbkit::env::{Folder as Place, FolderOrigin, Layout, Region};
use bdbkit::journal::is_remnant;
use bdbkit::log::{LogError, LogOptions};
use bdbkit::recover::Condition;
use bdbkit::{Error, ShowName};
use serde::Serialize;

use super::kind::{self, Known};
use super::log_state::LogState;
use crate::beside::unrecovered;
use crate::failure::{Failure, Told, about, complain};
use crate::input;
use crate::json::{self, Order};
use crate::log::releases::Treatments;
use crate::log::source::{log_failure, named_as_log};
use crate::log::summary::{File, Header, Run, files, runs, size};
use crate::output::counted;
use crate::places;

/// The facts about the folder of an environment.
#[derive(Serialize)]
pub(super) struct Folder {
    dir: String,
    /// Where else files of the environment are, and what says so.
    elsewhere: Vec<Elsewhere>,
    log_files: Vec<File>,
    /// Numbers of log files that are not there between others, first and last.
    missing_log_files: Vec<Hole>,
    log_versions: Vec<Form>,
    recovery: Recovery,
    /// What it would do, or why it cannot.
    recovery_text: Option<String>,
    database_files: Vec<Found>,
    /// Databases that the log has open, and that are not there.
    absent_databases: Vec<String>,
    region_files: Vec<Shared>,
    pub(super) complete: bool,
}

/// A folder of the environment that is not its home.
#[derive(Serialize)]
struct Elsewhere {
    holds: &'static str,
    dir: String,
    outside: bool,
    #[serde(skip)]
    text: String,
}

impl Elsewhere {
    fn of(holds: &'static str, place: &Place) -> Elsewhere {
        Elsewhere { holds, dir: json::name(&place.path), outside: place.outside, text: place.to_string() }
    }
}

/// Whether recovery is due.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Recovery {
    /// The log holds changes that a database lacks, or a database some that are to be undone.
    Due,
    /// No database lacks anything.
    None,
    /// It cannot make all databases consistent.
    Impossible,
    /// Something could not be read for it.
    Unknown,
}

/// Log files of one form, and what the releases do with them.
#[derive(Serialize)]
struct Form {
    #[serde(skip)]
    text: String,
    first_number: u32,
    last_number: u32,
    version: u32,
    byte_order: Order,
    #[serde(flatten)]
    releases: Treatments,
}

impl Form {
    fn of(run: &Run<'_>) -> Form {
        let Header { version, byte_order, .. } = *run.header;
        Form {
            text: run.to_string(),
            first_number: run.first,
            last_number: run.last,
            version,
            byte_order,
            releases: Treatments::of(version, byte_order.0),
        }
    }
}

/// Numbers of log files that are not there between others.
#[derive(Clone, Copy, Serialize)]
struct Hole {
    first_number: u32,
    last_number: u32,
}

/// A region file, and the release that made it, where it stands.
#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Shared {
    name: String,
    release: Option<String>,
}

/// A database file, by its first page.
#[derive(Serialize)]
struct Found {
    name: String,
    #[serde(skip)]
    path: PathBuf,
    method: Option<&'static str>,
    version: Option<u32>,
    byte_order: Option<Order>,
    #[serde(flatten)]
    known: Option<Known>,
    #[serde(flatten)]
    log: LogState,
    /// Why it cannot be read.
    error: Option<String>,
}

impl Folder {
    pub(super) fn of(path: &Path, layout: &Layout, options: &LogOptions) -> Result<Folder, Failure> {
        let log_files = match options.open_dir(&layout.logs().path) {
            Ok(log) => files(&log),
            Err(LogError::NoLogs { .. }) if layout.logs().origin == FolderOrigin::Home => Vec::new(),
            Err(error) => return Err(log_failure(&layout.logs().path, &error)),
        };
        let data = layout.elsewhere().filter(|place| *place != layout.logs());
        let logs = layout.elsewhere().filter(|place| *place == layout.logs());
        let elsewhere = logs.map(|place| Elsewhere::of("logs", place));
        let mut folder = Folder {
            dir: json::name(path),
            elsewhere: elsewhere.chain(data.map(|place| Elsewhere::of("databases", place))).collect(),
            missing_log_files: holes(&log_files),
            log_versions: runs(&log_files).iter().map(Form::of).collect(),
            log_files,
            recovery: Recovery::Unknown,
            recovery_text: None,
            database_files: Vec::new(),
            absent_databases: Vec::new(),
            region_files: Vec::new(),
            complete: places::complete(layout),
        };
        for place in layout.data() {
            let home = place.origin == FolderOrigin::Home;
            let listed = folder.others(&place.path, if home { None } else { Some(&place.path) });
            listed.map_err(|error| Failure::io(&place.path, &error))?;
        }
        folder.database_files.sort_by(|a, b| a.name.cmp(&b.name));
        folder.region_files.sort();
        if folder.log_files.is_empty() && folder.database_files.is_empty() {
            let message = "a directory without log files or databases";
            return Err(Failure::Message(about(path, message)));
        }
        folder.compare(layout);
        folder.complain(layout);
        Ok(folder)
    }

    /// Takes in the files that are no log files, with the folder before their names if it is not
    /// the home.
    fn others(&mut self, folder: &Path, before: Option<&Path>) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let Some(name) = path.file_name() else { continue };
            let name = before.map_or(name.shown().to_string(), |_| path.shown().to_string());
            if let Some(region) = Region::of(&path) {
                self.region_files.push(Shared { name, release: release(region) });
            } else if path.is_file() && !named_as_log(&path) && !is_remnant(&path) {
                self.database_files.extend(Found::of(path, name));
            }
        }
        Ok(())
    }

    /// Says how the log left the databases.
    fn compare(&mut self, layout: &Layout) {
        let log = match unrecovered(layout) {
            Ok(Some(log)) => log,
            Ok(None) => return,
            Err(error) => {
                complain(format_args!("it is not known whether recovery is due: {error}"));
                self.complete = false;
                return;
            }
        };
        let files: Vec<PathBuf> = self.database_files.iter().map(|found| found.path.clone()).collect();
        for (database, path) in self.database_files.iter_mut().zip(&files) {
            database.log = LogState::of(log.condition(path).map(Some));
        }
        self.absent_databases = log.absent(&files).iter().map(|name| json::raw_name(name)).collect();
        let all = log.environment();
        let settled = self.database_files.iter().all(|database| database.log.is_settled());
        let unknown = self.database_files.iter().any(|database| database.log.is_unknown());
        (self.recovery, self.recovery_text) = match all {
            Condition::Due(pending) => {
                let (first, last) = (pending.first, pending.last);
                let text = format!(
                    "{} to make, {} to take back, of {} in {} ({first} to {last})",
                    counted(pending.committed, "change"),
                    counted(pending.uncommitted, "change"),
                    counted(pending.transactions, "transaction"),
                    counted(u64::try_from(pending.files.len()).unwrap_or(u64::MAX), "file"),
                );
                (Recovery::Due, Some(text))
            }
            Condition::Unrecoverable { why, until } => {
                (Recovery::Impossible, Some(format!("{why}; it would come to {until}")))
            }
            _ if unknown || !self.absent_databases.is_empty() => (Recovery::Unknown, None),
            _ if settled => (Recovery::None, None),
            // Of a file that the log knows under another name.
            _ => (Recovery::Due, None),
        };
    }

    /// Names what could not be read, and what of a database or of the log is not there.
    fn complain(&mut self, layout: &Layout) {
        let logs = &layout.logs().path;
        let read = self.log_files.iter().filter(|file| !file.unwritten);
        let read = read.filter_map(|file| {
            Some(format!("{}/{}: {}", logs.shown(), file.name, file.error.as_ref()?).into())
        });
        let holes = self.missing_log_files.iter().map(|hole| about(logs, missing(*hole)));
        let unknown = self.database_files.iter().filter(|found| found.method.is_none());
        let unknown = unknown.filter_map(|found| Some(about(&found.path, found.error.as_ref()?)));
        let partners = self.database_files.iter().filter_map(|found| {
            let known = found.known.as_ref().filter(|known| known.is_parted())?;
            Some(about(&found.path, format_args!("missing: {}", known.missing())))
        });
        let all: Vec<Told> = read.chain(holes).chain(unknown).chain(partners).collect();
        self.complete &= all.is_empty();
        all.iter().for_each(complain);
    }

    /// Whether nothing is pending in any database, as far as is known.
    pub(super) fn is_settled(&self) -> bool {
        self.database_files.iter().all(|found| found.log.is_settled())
    }

    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{}", self.dir)?;
        let mut row = |name: &str, value: String| writeln!(out, "  {name:<15} {value}");
        row("type", "environment".into())?;
        for place in &self.elsewhere {
            row(if place.holds == "logs" { "logs in" } else { "databases in" }, place.text.clone())?;
        }
        let size = size(&self.log_files);
        row(
            "log files",
            match self.log_files.as_slice() {
                [] => "none".into(),
                [one] => format!("{}, {size} bytes", one.name),
                [first, .., last] => {
                    format!("{}, {} to {}, {size} bytes", self.log_files.len(), first.name, last.name)
                }
            },
        )?;
        for hole in &self.missing_log_files {
            row("", missing(*hole))?;
        }
        for (file, error) in self.log_files.iter().filter_map(|file| Some((file, file.error.as_ref()?))) {
            row("", format!("{}: {error}", file.name))?;
        }
        for form in &self.log_versions {
            row("log version", form.text.clone())?;
            form.releases.rows().into_iter().try_for_each(|(name, value)| row(name, value))?;
        }
        let mut name = "databases";
        for found in &self.database_files {
            row(name, found.to_string())?;
            name = "";
            if let Some(known) = &found.known {
                row("", format!("  {known}"))?;
                if known.is_parted() {
                    row("", format!("  missing: {}", known.missing()))?;
                }
            }
            found.log.text().map_or(Ok(()), |text| row("", format!("  {text}")))?;
        }
        for absent in &self.absent_databases {
            row(name, format!("{absent}: not here, but the log has it open"))?;
            name = "";
        }
        let regions: Vec<&str> = self.region_files.iter().map(|region| region.name.as_str()).collect();
        let regions = if regions.is_empty() { "none".into() } else { regions.join(", ") };
        let release = self.region_files.iter().find_map(|region| region.release.as_ref());
        let release = release.map_or(String::new(), |release| format!(", of release {release}"));
        row("region files", regions + &release)?;
        if self.log_files.is_empty() {
            return Ok(());
        }
        let running =
            if self.region_files.is_empty() { "" } else { "; region files are there: it may be in use" };
        let text = self.recovery_text.as_ref().map_or(String::new(), |text| format!(": {text}"));
        let recovery = match self.recovery {
            Recovery::Due => format!("due{text}{running}"),
            Recovery::Impossible => format!("not possible{text}{running}"),
            Recovery::None => "not due: no database lacks a change of the log".into(),
            Recovery::Unknown => "not known: not everything could be read for it".into(),
        };
        row("recovery", recovery)
    }
}

/// Runs of numbers between log files, first and last.
fn holes(files: &[File]) -> Vec<Hole> {
    let pairs = files.iter().zip(files.iter().skip(1));
    let between = pairs.map(|(a, b)| Hole {
        first_number: a.number.saturating_add(1),
        last_number: b.number.saturating_sub(1),
    });
    between.filter(|hole| hole.first_number <= hole.last_number).collect()
}

fn missing(Hole { first_number: first, last_number: last }: Hole) -> String {
    if first == last {
        return format!("log.{first:010} is missing");
    }
    format!("log.{first:010} to log.{last:010} are missing")
}

/// The release that made a region file, where it stands.
fn release(region: Region) -> Option<String> {
    region.release.map(|(major, minor, patch)| format!("{major}.{minor}.{patch}"))
}

/// What a region file is.
pub(super) fn named(region: Region) -> String {
    let release = release(region).map_or(String::new(), |release| format!(" of release {release}"));
    format!("a region file{release}: the cache and locks of an environment")
}

impl Found {
    /// Any file that is a database, and any that is called one.
    fn of(path: PathBuf, name: String) -> Option<Found> {
        let (read, error) = match input::options(&path).open(&path) {
            Ok(db) => {
                let meta = db.meta();
                (Some((meta.method().name(), meta.version(), meta.endianness())), None)
            }
            Err(error) => (None, Some(error)),
        };
        let mut found = Found {
            name,
            method: None,
            version: None,
            byte_order: None,
            known: None,
            log: LogState::default(),
            error: error.as_ref().map(ToString::to_string),
            path,
        };
        let path = &found.path;
        if let Some(kind) = kind::of(path) {
            let method = match (read, &error) {
                (Some((method, ..)), _) => Some(method),
                (None, Some(error)) if error.kind() == bdbkit::ErrorKind::Unsupported => {
                    Some(kind.method.name())
                }
                _ => None,
            };
            found.method = method;
            found.version = Some(kind.version);
            found.byte_order = Some(Order(kind.order));
            found.known = Some(Known::of(path, &kind));
            return Some(found);
        }
        // One of the 1.x series has no more to tell.
        if let Some((method, version, order)) = read {
            (found.method, found.version) = (Some(method), Some(version));
            found.byte_order = Some(Order(order));
            return Some(found);
        }
        match error? {
            Error::Series1 { method, version, order } => {
                (found.method, found.version) = (Some(method.name()), Some(version));
                found.byte_order = Some(Order(order));
            }
            _ if path.extension().is_none_or(|extension| extension != "db") => return None,
            _ => {}
        }
        Some(found)
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: ", self.name)?;
        match (self.method, self.version, self.byte_order, &self.error) {
            (_, _, _, Some(error)) => f.write_str(error),
            (Some(method), Some(version), Some(Order(order)), None) => {
                write!(f, "{method}, version {version}, {order}")
            }
            _ => Ok(()),
        }
    }
}
