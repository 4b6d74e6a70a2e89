//! What is known of a database file that is not read further.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bdbkit::{DatabaseKind, Error, ErrorKind, FileKind, ShowName};
use serde::Serialize;

use super::log_state::LogState;
use crate::failure::Outcome;
use crate::{hints, json};

/// What the first page of a database file tells, also if the file is not read further.
#[derive(Serialize)]
pub(super) struct Known {
    page_size: Option<u32>,
    file_id: Option<String>,
    checksums: bool,
    encrypted: bool,
    partitions: Option<u32>,
    /// Files that belong to this one, and are not there.
    missing: Vec<String>,
}

/// The kind of a regular file, if it is a database.
pub(super) fn of(path: &Path) -> Option<DatabaseKind> {
    FileKind::at(path).ok()?.database().cloned()
}

impl Known {
    pub(super) fn of(path: &Path, kind: &DatabaseKind) -> Known {
        Known {
            page_size: kind.page_size.map(bdbkit::PageSize::get),
            file_id: kind.file_id.map(|id| id.to_string()),
            checksums: kind.checksummed,
            encrypted: kind.encrypted,
            partitions: kind.partitions,
            missing: missing(path, kind),
        }
    }

    /// Whether files that belong to this one are not there.
    pub(super) fn is_parted(&self) -> bool {
        !self.missing.is_empty()
    }

    /// Their names, if they are not too many.
    pub(super) fn missing(&self) -> String {
        some_of(&self.missing)
    }
}

impl std::fmt::Display for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let size = self.page_size.map_or("unknown".into(), |size| size.to_string());
        write!(f, "page size {size}")?;
        if let Some(id) = &self.file_id {
            write!(f, ", file id {id}")?;
        }
        if self.checksums {
            write!(f, ", checksums")?;
        }
        if self.encrypted {
            write!(f, ", encrypted")?;
        }
        if let Some(count) = self.partitions {
            write!(f, ", {count} partitions")?;
        }
        Ok(())
    }
}

/// Names, if they are not too many.
pub(super) fn some_of(all: &[String]) -> String {
    let names: Vec<&str> = all.iter().take(TOLD).map(String::as_str).collect();
    match all.len().saturating_sub(TOLD) {
        0 => names.join(", "),
        more => format!("{}, and {more} more", names.join(", ")),
    }
}

/// The names of files that belong to a database and are not there.
pub(super) fn missing_files(path: &Path) -> Vec<String> {
    of(path).map_or(Vec::new(), |kind| missing(path, &kind))
}

/// So many names of missing files are told of one database in a text.
const TOLD: usize = 20;
/// No database has more partitions: their numbers have three digits.
const PARTITIONS: u32 = 1000;

/// The partitions of a database, and the extents of a QUEUE, that are not there. The first and
/// the last extent have to be: those between may never have been written.
fn missing(path: &Path, kind: &DatabaseKind) -> Vec<String> {
    let Some(name) = path.file_name() else { return Vec::new() };
    let beside = |prefix: &str, suffix: String| -> PathBuf {
        let mut partner = std::ffi::OsString::from(prefix);
        partner.push(name);
        partner.push(suffix);
        path.with_file_name(partner)
    };
    let partitions = (0..kind.partitions.unwrap_or(0).min(PARTITIONS))
        .map(|number| beside("__dbp.", format!(".{number:03}")));
    let extents = kind.extents.map(|extents| [extents.first, extents.last]);
    let mut extents: Vec<u32> = extents.into_iter().flatten().collect();
    extents.dedup();
    let extents = extents.into_iter().map(|number| beside("__dbq.", format!(".{number}")));
    let gone: Vec<PathBuf> = partitions.chain(extents).filter(|partner| !partner.exists()).collect();
    gone.iter().filter_map(|partner| Some(json::name(partner.file_name()?))).collect()
}

/// The facts about a database file that is not read further.
#[derive(Serialize)]
pub(super) struct Facts {
    file: String,
    method: &'static str,
    #[serde(skip)]
    kind: String,
    version: u32,
    byte_order: json::Order,
    #[serde(flatten)]
    known: Known,
    meta_lsn: json::Lsn,
    #[serde(flatten)]
    pub(super) log: LogState,
    /// Why it is not read.
    pub(super) error: String,
    #[serde(skip)]
    pub(super) outcome: Outcome,
}

impl Facts {
    pub(super) fn of(path: &Path, kind: &DatabaseKind, log: LogState, error: &Error) -> Facts {
        Facts {
            file: path.shown().to_string(),
            method: kind.method.name(),
            kind: kind.method.to_string(),
            version: kind.version,
            byte_order: json::Order(kind.order),
            known: Known::of(path, kind),
            meta_lsn: kind.lsn.into(),
            log,
            error: hints::with(&error.to_string(), hints::of_kind(error.kind())),
            outcome: if error.kind() == ErrorKind::Password {
                Outcome::Incomplete
            } else {
                Outcome::Unsupported
            },
        }
    }

    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{}", self.file)?;
        let mut row = |name: &str, value: String| writeln!(out, "  {name:<15} {value}");
        row("type", self.kind.clone())?;
        row("version", format!("{}, {}", self.version, self.byte_order.0))?;
        row("page size", self.known.page_size.map_or("unknown".into(), |size| size.to_string()))?;
        row("checksums", if self.known.checksums { "yes" } else { "no" }.into())?;
        row("encryption", if self.known.encrypted { "with a password" } else { "none" }.into())?;
        if let Some(count) = self.known.partitions {
            row("partitions", count.to_string())?;
        }
        if self.known.is_parted() {
            row("missing", self.known.missing())?;
        }
        row("metadata LSN", self.meta_lsn.to_string())?;
        if let Some(id) = &self.known.file_id {
            row("file id", id.clone())?;
        }
        self.log.print(out)?;
        writeln!(out, "  {:<15} {}", "not read", self.error)
    }
}
