//! What stands in the folder of an environment.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use bdbkit::Error;
use bdbkit::ShowName;
use bdbkit::log::{LogError, LogOptions};
use serde::Serialize;

use crate::failure::{Failure, about, complain};
use crate::input;
use crate::log::releases::Treatments;
use crate::log::source::named_as_log;
use crate::log::summary::{File, Header, Run, files, runs, size};

/// The facts about the folder of an environment.
#[derive(Serialize)]
pub(super) struct Folder {
    file: String,
    #[serde(rename = "type")]
    kind: &'static str,
    log_files: Vec<File>,
    log_versions: Vec<Form>,
    databases: Vec<Found>,
    region_files: Vec<String>,
    pub(super) complete: bool,
}

/// Log files of one form, and what the releases do with them.
#[derive(Serialize)]
struct Form {
    #[serde(skip)]
    text: String,
    first_file: u32,
    last_file: u32,
    version: u32,
    byte_order: String,
    #[serde(flatten)]
    releases: Treatments,
}

impl Form {
    fn of(run: &Run<'_>) -> Form {
        let Header { version, byte_order, .. } = *run.header;
        Form {
            text: run.to_string(),
            first_file: run.first,
            last_file: run.last,
            version,
            byte_order: byte_order.to_string(),
            releases: Treatments::of(version, byte_order),
        }
    }
}

/// A database file, by its first page.
#[derive(Serialize)]
struct Found {
    name: String,
    #[serde(rename = "type")]
    kind: Option<&'static str>,
    version: Option<u32>,
    byte_order: Option<String>,
    /// Why it cannot be read.
    error: Option<String>,
}

impl Folder {
    pub(super) fn of(path: &Path, options: &LogOptions) -> Result<Folder, Failure> {
        let log_files = match options.open_dir(path) {
            Ok(log) => files(&log),
            Err(LogError::NoLogs { .. }) => Vec::new(),
            Err(error) => return Err(Failure::Message(error.to_string())),
        };
        let mut folder = Folder {
            file: path.shown().to_string(),
            kind: "environment",
            log_versions: runs(&log_files).iter().map(Form::of).collect(),
            log_files,
            databases: Vec::new(),
            region_files: Vec::new(),
            complete: true,
        };
        folder.others(path).map_err(|error| Failure::Message(about(path, error)))?;
        if folder.log_files.is_empty() && folder.databases.is_empty() {
            let message = "a directory without log files or databases";
            return Err(Failure::Message(about(path, message)));
        }
        let logs = folder.log_files.iter().filter(|file| !file.unwritten);
        let logs = logs.filter_map(|file| Some((&file.name, file.error.as_ref()?)));
        let databases = folder.databases.iter().filter(|found| found.kind.is_none());
        let databases = databases.filter_map(|found| Some((&found.name, found.error.as_ref()?)));
        for (name, error) in logs.chain(databases) {
            complain(about(&path.join(name), error));
            folder.complete = false;
        }
        Ok(folder)
    }

    /// Takes in the files that are no log files.
    fn others(&mut self, path: &Path) -> io::Result<()> {
        for entry in fs::read_dir(path)? {
            let path = entry?.path();
            let name = path.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
            if name.strip_prefix("__db.").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit())) {
                self.region_files.push(name);
            } else if path.is_file() && !named_as_log(&path) {
                self.databases.extend(Found::of(&path, name));
            }
        }
        self.databases.sort_by(|a, b| a.name.cmp(&b.name));
        self.region_files.sort();
        Ok(())
    }

    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{}", self.file)?;
        let mut row = |name: &str, value: String| writeln!(out, "  {name:<15} {value}");
        row("type", "environment".into())?;
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
        for (file, error) in self.log_files.iter().filter_map(|file| Some((file, file.error.as_ref()?))) {
            row("", format!("{}: {error}", file.name))?;
        }
        for form in &self.log_versions {
            row("log version", form.text.clone())?;
            form.releases.rows().into_iter().try_for_each(|(name, value)| row(name, value))?;
        }
        let mut name = "databases";
        for found in &self.databases {
            row(name, found.to_string())?;
            name = "";
        }
        let regions = if self.region_files.is_empty() { "none".into() } else { self.region_files.join(", ") };
        row("region files", regions)
    }
}

impl Found {
    /// Any file that is a database, and any that is called one.
    fn of(path: &Path, name: String) -> Option<Found> {
        let called_one = path.extension().is_some_and(|extension| extension == "db");
        let (kind, version, order, error) = match input::options().open(path) {
            Ok(db) => {
                let meta = db.meta();
                (meta.method().name(), meta.version(), meta.endianness(), None)
            }
            Err(error) => match error {
                Error::UnsupportedMethod { kind, version, order }
                | Error::UnsupportedVersion { kind, version, order, .. }
                | Error::Series1 { kind, version, order } => (kind, version, order, Some(error.to_string())),
                Error::UnsupportedFeature { version, order, .. } => {
                    ("BTREE", version, order, Some(error.to_string()))
                }
                other if called_one => {
                    let error = Some(other.to_string());
                    return Some(Found { name, kind: None, version: None, byte_order: None, error });
                }
                _ => return None,
            },
        };
        let byte_order = Some(order.to_string());
        Some(Found { name, kind: Some(kind), version: Some(version), byte_order, error })
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: ", self.name)?;
        match (self.kind, self.version, &self.byte_order, &self.error) {
            (_, _, _, Some(error)) => f.write_str(error),
            (Some(kind), Some(version), Some(order), None) => write!(f, "{kind}, version {version}, {order}"),
            _ => Ok(()),
        }
    }
}
