//! The databases of a store.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::access::Database;
use crate::dump::escape;
use crate::error::Error;
use crate::format::generation::Generation;
use crate::format::meta::{HASH_MAGIC, QUEUE_MAGIC};
use crate::mboxlist::names;
use crate::meta::{DatabaseKind, FileKind};
use crate::order::Endianness;
use crate::pages::OpenOptions;
use crate::types::{FileId, Lsn};
use crate::verify::{Rule, Severity, Verify};

/// The names of the databases of a store.
pub(super) const KNOWN: [&str; 5] = ["folder.db", "quota.db", "lright.db", "peruser.db", "subscr.db"];

/// A database file: what its pages say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatabaseFile {
    /// Name of the file.
    pub name: OsString,
    /// Where it is.
    pub path: PathBuf,
    /// Length in bytes.
    pub size: u64,
    /// The access method in lower case, as far as it can be told.
    pub kind: Option<String>,
    /// Version of the file.
    pub version: Option<u32>,
    /// Byte order of the file.
    pub order: Option<Endianness>,
    /// The id by which logs know the file, as far as it can be told.
    pub file_id: Option<FileId>,
    /// What is only known of a file that could be opened.
    pub contents: Option<DatabaseContents>,
    /// Why it could not be opened.
    pub error: Option<String>,
    /// Whether the system refused to open or read it: nothing is known then, and nothing is wrong
    /// with it as far as was seen.
    pub refused: bool,
    /// Whether a change in place did not come to its end.
    pub half_written: bool,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// The extents of a QUEUE database, by number: files that hold its records.
    pub extents: Vec<OsString>,
}

/// What a database file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatabaseContents {
    /// Page size in bytes.
    pub page_size: u32,
    /// Whole pages in the file.
    pub pages: u32,
    /// LSN of the metadata page.
    pub meta_lsn: Lsn,
    /// The highest LSN of all pages on which it means something.
    pub max_lsn: Lsn,
    /// The id by which logs know the file.
    pub file_id: FileId,
    /// Whether pages have checksums.
    pub checksum: bool,
    /// Names of the databases, if there are several in the file.
    pub databases: Vec<String>,
    /// Records of all databases that could be read.
    pub records: u64,
    /// How a check of the whole file came off.
    pub check: Check,
}

/// How the check of a file came off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// Errors, those of the order of keys apart.
    pub errors: usize,
    /// Errors of the order of keys: a database may have an order of its own.
    pub order_errors: usize,
    /// Warnings.
    pub warnings: usize,
    /// Notes.
    pub notes: usize,
    /// The worst finding, of several the first.
    pub first: Option<String>,
}

impl Check {
    fn of(db: &Database<'_>) -> Check {
        let verdict = Verify::new(db).run();
        let order =
            [Rule::KeyOrder, Rule::InternalOrder, Rule::KeyRange, Rule::KeyChain, Rule::DuplicateOrder];
        let findings = verdict.findings();
        let of_order =
            findings.iter().filter(|found| found.severity == Severity::Error && order.contains(&found.rule));
        let order_errors = of_order.count();
        let first = findings.iter().find(|found| Some(found.severity) == verdict.worst());
        Check {
            errors: verdict.count(Severity::Error).saturating_sub(order_errors),
            order_errors,
            warnings: verdict.count(Severity::Warning),
            notes: verdict.count(Severity::Note),
            first: first.map(ToString::to_string),
        }
    }

    /// In one word: `sound`, `warnings`, `order` or `damaged`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Check { errors: 1.., .. } => "damaged",
            Check { order_errors: 1.., .. } => "order",
            Check { warnings: 1.., .. } => "warnings",
            _ => "sound",
        }
    }
}

impl DatabaseFile {
    /// Looks at a file. The database is given back, for its pages to be compared with the
    /// logs.
    pub(super) fn of(path: &Path, map: bool) -> (DatabaseFile, Option<Database<'static>>) {
        let kind = FileKind::at(path).unwrap_or(FileKind::Empty);
        let database = kind.database();
        let series_1 = match kind {
            FileKind::Series1 { method, version, order } => Some((method, version, order)),
            _ => None,
        };
        let told = database.map(|kind| (kind.method, kind.version, kind.order)).or(series_1);
        let mut file = DatabaseFile {
            name: names::of(path),
            path: path.to_owned(),
            size: fs::metadata(path).map_or(0, |metadata| metadata.len()),
            kind: told.map(|(method, ..)| method.name().to_owned()),
            version: told.map(|(_, version, _)| version),
            order: told.map(|(.., order)| order),
            file_id: database.and_then(|kind| kind.file_id),
            contents: None,
            error: None,
            refused: false,
            half_written: database.is_some_and(DatabaseKind::is_half_written),
            encrypted: database.is_some_and(|kind| kind.encrypted),
            extents: Vec::new(),
        };
        match OpenOptions::new().map(map).open(path) {
            Ok(db) => {
                file.kind = Some(db.meta().method().name().to_owned());
                file.contents = Some(DatabaseContents::of(&db));
                (file, Some(db))
            }
            Err(error) => {
                file.refused = matches!(error, Error::Open { .. });
                file.error = Some(error.to_string());
                (file, None)
            }
        }
    }

    /// Whether it is called as, and is, what a store has: a BTREE or RECNO database of a
    /// name that is known.
    #[must_use]
    pub fn is_known(&self) -> bool {
        KNOWN.iter().any(|name| self.name == *name) && self.kind.as_deref().is_none_or(|kind| kind == "btree")
    }

    /// Whether it is a HASH or a QUEUE that is of releases before 3.1, which no later one opens as
    /// it is.
    #[must_use]
    pub fn is_old_hash_or_queue(&self) -> bool {
        let magic = match self.kind.as_deref() {
            Some("hash") => HASH_MAGIC,
            Some("queue") => QUEUE_MAGIC,
            _ => return false,
        };
        let generation = self.version.and_then(|version| Generation::of(magic, version));
        generation.is_some_and(|generation| generation < Generation::V31)
    }

    /// The version in the file, as it stands there.
    pub(super) fn version_bytes(&self) -> Option<Vec<u8>> {
        let version = self.version?;
        Some(match self.order? {
            Endianness::Little => version.to_le_bytes().to_vec(),
            Endianness::Big => version.to_be_bytes().to_vec(),
        })
    }
}

impl DatabaseContents {
    fn of(db: &Database<'static>) -> DatabaseContents {
        let stats = db.tree_stats();
        let inner = stats.iter().filter_map(|stats| stats.database.as_ref()?.name());
        DatabaseContents {
            page_size: db.meta().page_size().get(),
            pages: db.page_count(),
            meta_lsn: db.meta().lsn(),
            max_lsn: db.highest_lsn(),
            file_id: db.meta().file_id(),
            checksum: db.meta().checksummed(),
            databases: inner.map(escape).collect(),
            records: stats.iter().fold(0, |sum, stats| sum.saturating_add(stats.records)),
            check: Check::of(db),
        }
    }
}
