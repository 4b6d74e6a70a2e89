//! What a database file is and holds.

use std::io::{self, Write};
use std::path::Path;

use bdbkit::ShowName;
use bdbkit::dump::escape;
use bdbkit::{Database, FileStats, TreeStats};
use serde::Serialize;

use super::log_state::LogState;
use crate::failure::{about, complain, places};
use crate::json;
use crate::output::counted;
use crate::progress;

/// The facts about a file.
#[derive(Serialize)]
pub(super) struct File {
    file: String,
    method: &'static str,
    version: u32,
    byte_order: json::Order,
    page_size: u32,
    pages: u32,
    /// Bytes behind the last whole page.
    tail: u64,
    last_page: Option<u32>,
    file_id: String,
    checksums: bool,
    encrypted: bool,
    /// The folder of external files, if the file has such.
    #[serde(skip_serializing_if = "Option::is_none")]
    external_dir: Option<String>,
    max_lsn: json::Lsn,
    page_types: Vec<Pages>,
    unwritten_pages: u32,
    unknown_pages: u32,
    free_pages: u32,
    several_databases: bool,
    databases: Vec<Inner>,
    /// Files beside this one that hold the records of a QUEUE.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extent_files: Vec<Extent>,
    /// How many files beside this one hold the pairs, and what divides those: `keys`, or a
    /// `function` of the program.
    #[serde(skip_serializing_if = "Option::is_none")]
    partitions: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partitioned_by: Option<&'static str>,
    /// The keys with which partitions begin, but for the first, which begins before all keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    partition_keys: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    partition_files: Vec<Extent>,
    /// The main file, if this one has the name of a partition.
    #[serde(skip_serializing_if = "Option::is_none")]
    partition_of: Option<String>,
    /// Those that are not there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
    #[serde(flatten)]
    pub(super) log: LogState,
    pub(super) complete: bool,
}

/// A file beside a main file.
#[derive(Serialize)]
struct Extent {
    file: String,
    pages: u32,
}

/// How many pages of a type there are.
#[derive(Serialize)]
struct Pages {
    page_type: &'static str,
    pages: u32,
}

/// The facts about a database.
#[derive(Serialize)]
struct Inner {
    #[serde(rename = "database")]
    name: Option<String>,
    method: &'static str,
    version: u32,
    flags: Vec<&'static str>,
    min_key: u32,
    record_length: Option<u32>,
    pad: Option<u8>,
    /// Of a QUEUE: the number of its first record, and that of the next that it will have.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_record: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_record: Option<u32>,
    /// Of a QUEUE with extents: pages of each.
    #[serde(skip_serializing_if = "Option::is_none")]
    extent_pages: Option<u32>,
    /// Of a HEAP: pages of a region, and the bytes that it may grow to.
    #[serde(skip_serializing_if = "Option::is_none")]
    region_size: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    most_bytes: Option<u64>,
    /// From which length on values are in external files, and the numbers of their folders.
    #[serde(skip_serializing_if = "Option::is_none")]
    external_threshold: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_folder: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_subfolder: Option<u64>,
    root: Option<u32>,
    depth: Option<u8>,
    records: u64,
    deleted: u64,
    damaged: u64,
    first_damage: Option<String>,
}

/// So many extents are named in a text.
const TOLD: usize = 20;

impl Extent {
    fn of(path: &Path, pages: u32) -> Option<Extent> {
        Some(Extent { file: json::name(Path::new(path.file_name()?)), pages })
    }
}

/// The partitions that can be opened; the others are named.
fn partition_files(path: &Path, db: &Database<'_>) -> Vec<Extent> {
    let parts = db.partitions().into_iter().filter_map(|part| match part {
        Ok(part) => Extent::of(part.file().path()?, part.page_count()),
        Err(error) => {
            complain(about(path, error));
            None
        }
    });
    parts.collect()
}

/// The name of the main file, if a name is that of a partition.
fn partition_of(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy();
    let (main, number) = name.strip_prefix("__dbp.")?.rsplit_once('.')?;
    let digits = number.len() >= 3 && number.bytes().all(|digit| digit.is_ascii_digit());
    (digits && !main.is_empty()).then(|| json::name(Path::new(main)))
}

/// Rows of files, the first with a name.
fn files(row: &mut impl FnMut(&str, String) -> io::Result<()>, name: &str, all: &[Extent]) -> io::Result<()> {
    for (i, Extent { file, pages }) in all.iter().take(TOLD).enumerate() {
        let pages = counted(u64::from(*pages), "page");
        row(if i == 0 { name } else { "" }, format!("{file}, {pages}"))?;
    }
    match all.len().saturating_sub(TOLD) {
        0 => Ok(()),
        more => row("", format!("and {more} more")),
    }
}

impl File {
    pub(super) fn of(path: &Path, db: &Database<'_>, log: LogState) -> File {
        let bar = progress::spinner(path);
        let FileStats { pages, unwritten, unknown, free_list, highest_lsn, .. } = db.file_stats();
        let stats = db.tree_stats();
        bar.finish_and_clear();
        for TreeStats { database, damaged, first_damage, .. } in &stats {
            if let Some(damage) = first_damage {
                let name = database.as_ref().and_then(|db| db.name());
                let place = name.map_or(String::new(), |name| format!("database {}: ", escape(name)));
                complain(about(path, format_args!("{place}damage {}, first: {damage}", places(*damaged))));
            }
        }
        let complete = stats.iter().all(|stats| stats.damaged == 0);
        let pages = pages.into_iter().map(|(kind, pages)| Pages { page_type: kind.name(), pages });
        let mut page_types: Vec<Pages> = pages.collect();
        page_types.sort_by_key(|pages| pages.page_type);
        let databases = stats.iter().filter_map(Inner::of).collect();
        let meta = db.meta();
        File {
            file: path.shown().to_string(),
            method: meta.method().name(),
            version: meta.version(),
            byte_order: json::Order(meta.endianness()),
            page_size: meta.page_size().get(),
            pages: db.page_count(),
            tail: db.tail(),
            last_page: meta.last_page().map(|no| no.0),
            file_id: meta.file_id().to_string(),
            checksums: meta.checksummed(),
            encrypted: meta.encrypted(),
            external_dir: meta
                .external_folder()
                .and_then(|_| db.file().external_dir())
                .map(|folder| folder.shown().to_string()),
            max_lsn: highest_lsn.into(),
            page_types,
            unwritten_pages: unwritten,
            unknown_pages: unknown,
            free_pages: free_list,
            several_databases: db.is_directory(),
            databases,
            extent_files: db
                .extents()
                .into_iter()
                .filter_map(|(path, pages)| Extent::of(&path, pages))
                .collect(),
            partitions: meta.partitions(),
            partitioned_by: meta
                .partitions()
                .map(|_| if meta.partitioned_by_keys() { "keys" } else { "function" }),
            partition_keys: db
                .partition_keys()
                .unwrap_or(&[])
                .iter()
                .take(TOLD)
                .map(|key| escape(key).to_string())
                .collect(),
            partition_files: partition_files(path, db),
            partition_of: partition_of(path),
            missing: super::kind::missing_files(path),
            log,
            complete,
        }
    }

    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{}", self.file)?;
        let mut row = |name: &str, value: String| writeln!(out, "  {name:<15} {value}");
        let several = if self.several_databases { ", several databases" } else { "" };
        row("type", format!("{}{several}", self.method))?;
        row("version", format!("{}, {}", self.version, self.byte_order.0))?;
        row("page size", self.page_size.to_string())?;
        row("checksums", if self.checksums { "yes" } else { "no" }.into())?;
        row("encryption", if self.encrypted { "with a password" } else { "none" }.into())?;
        if let Some(folder) = &self.external_dir {
            row("external files", folder.clone())?;
        }
        row("pages", self.pages.to_string())?;
        for Pages { page_type, pages } in &self.page_types {
            row("", format!("{pages} {page_type}"))?;
        }
        for (count, what) in
            [(self.unwritten_pages, "never written"), (self.unknown_pages, "of unknown type")]
        {
            if count > 0 {
                row("", format!("{count} {what}"))?;
            }
        }
        row("free list", self.free_pages.to_string())?;
        if self.tail > 0 {
            row("tail", format!("{} bytes behind the last whole page", self.tail))?;
        }
        files(&mut row, "extents", &self.extent_files)?;
        if let Some((count, by)) = self.partitions.zip(self.partitioned_by) {
            row(
                "partitions",
                format!(
                    "{count}, divided by {}",
                    if by == "keys" { by } else { "a function of the program" }
                ),
            )?;
        }
        files(&mut row, "", &self.partition_files)?;
        for (i, key) in self.partition_keys.iter().enumerate() {
            row(if i == 0 { "first keys" } else { "" }, key.clone())?;
        }
        if let Some(main) = &self.partition_of {
            row("partition of", main.clone())?;
        }
        if !self.missing.is_empty() {
            row("missing", super::kind::some_of(&self.missing))?;
        }
        row("highest LSN", self.max_lsn.to_string())?;
        row("file id", self.file_id.clone())?;
        self.log.print(out)?;
        self.databases.iter().try_for_each(|inner| inner.print(out))
    }
}

impl Inner {
    fn of(stats: &TreeStats<'_>) -> Option<Inner> {
        let db = stats.database.as_ref()?;
        let meta = db.meta();
        Some(Inner {
            name: db.name().map(json::raw_name),
            method: meta.method().name(),
            version: meta.version(),
            flags: meta.flags().names().collect(),
            min_key: meta.min_key(),
            record_length: meta.record_length(),
            pad: meta.pad(),
            first_record: meta.record_range().map(|(first, _)| first),
            next_record: meta.record_range().map(|(_, next)| next),
            extent_pages: meta.extent_pages(),
            region_size: meta.region_size(),
            most_bytes: meta.most_bytes(),
            external_threshold: meta.external_threshold().filter(|_| meta.external_folder().is_some()),
            external_folder: meta.external_folder().map(|(folder, _)| folder),
            external_subfolder: meta.external_folder().and_then(|(_, inner)| inner),
            root: meta.root().map(|root| root.0),
            depth: stats.depth,
            records: stats.records,
            deleted: stats.deleted,
            damaged: stats.damaged,
            first_damage: stats.first_damage.as_ref().map(ToString::to_string),
        })
    }

    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let indent = if let Some(name) = &self.name {
            writeln!(out, "  database \"{name}\"")?;
            "    "
        } else {
            "  "
        };
        let width = 17usize.saturating_sub(indent.len());
        let mut row = |name: &str, value: String| writeln!(out, "{indent}{name:<width$} {value}");
        if self.name.is_some() {
            row("type", format!("{}, version {}", self.method, self.version))?;
        }
        let flags = if self.flags.is_empty() { "none".into() } else { self.flags.join(", ") };
        row("flags", flags)?;
        if self.root.is_some() {
            row("depth", self.depth.map_or("unknown".into(), |depth| depth.to_string()))?;
        }
        row("records", self.records.to_string())?;
        if let Some((first, next)) = self.first_record.zip(self.next_record) {
            row(
                "numbers",
                if first == next { "none".into() } else { format!("from {first}, the next is {next}") },
            )?;
        }
        if let Some(pages) = self.extent_pages {
            row("extent size", counted(u64::from(pages), "page"))?;
        }
        if let Some(pages) = self.region_size {
            row("region size", counted(u64::from(pages), "page"))?;
        }
        if let Some(bytes) = self.most_bytes {
            row("size limit", format!("{bytes} bytes"))?;
        }
        if let Some(folder) = self.external_folder {
            let inner = self.external_subfolder.map_or(String::new(), |inner| format!("/__db{inner}"));
            let from = match self.external_threshold {
                Some(bytes) => format!("values of {bytes} bytes and more"),
                None => "none by itself".to_owned(),
            };
            row("external", format!("{from}, in __db{folder}{inner}"))?;
        }
        if self.deleted > 0 {
            row("deleted", format!("{}, marked but still there", self.deleted))?;
        }
        if let Some(length) = self.record_length {
            let pad = self.pad.map_or(String::new(), |pad| format!(", padded with {pad:#04x}"));
            row("record length", format!("{length}{pad}"))?;
        }
        if self.damaged > 0 {
            row("damage", places(self.damaged))?;
        }
        Ok(())
    }
}
