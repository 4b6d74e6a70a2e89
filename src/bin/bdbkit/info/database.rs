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
    max_lsn: json::Lsn,
    page_types: Vec<Pages>,
    unwritten_pages: u32,
    unknown_pages: u32,
    free_pages: u32,
    several_databases: bool,
    databases: Vec<Inner>,
    #[serde(flatten)]
    pub(super) log: LogState,
    pub(super) complete: bool,
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
    root: Option<u32>,
    depth: Option<u8>,
    records: u64,
    deleted: u64,
    damaged: u64,
    first_damage: Option<String>,
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
            encrypted: false,
            max_lsn: highest_lsn.into(),
            page_types,
            unwritten_pages: unwritten,
            unknown_pages: unknown,
            free_pages: free_list,
            several_databases: db.is_directory(),
            databases,
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
        row("encryption", "none".into())?;
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
