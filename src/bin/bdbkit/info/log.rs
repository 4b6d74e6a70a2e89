//! What a log file is and holds.

use std::io::{self, Write};
use std::path::Path;

use bdbkit::log::LogOptions;
use serde::Serialize;

use crate::failure::{Failure, about, complain, places};
use crate::json::{End, Lsn};
use crate::log::releases::Treatments;
use crate::log::source::Log;
use crate::log::summary::{Header, Summary};
use crate::progress;

/// The facts about a log file.
#[derive(Serialize)]
pub(super) struct File {
    file: String,
    number: u32,
    size: u64,
    #[serde(flatten)]
    header: Header,
    records: u64,
    first_lsn: Option<Lsn>,
    last_lsn: Option<Lsn>,
    end: Option<End>,
    damaged: u64,
    first_damage: Option<String>,
    #[serde(flatten)]
    releases: Treatments,
    pub(super) complete: bool,
}

impl File {
    pub(super) fn of(path: &Path, options: &LogOptions) -> Result<File, Failure> {
        let log = Log::of_file(path, options)?;
        log.readable()?;
        let bar = progress::spinner(path);
        let summary = Summary::of(&log);
        bar.finish_and_clear();
        if let Some(damage) = &summary.first_damage {
            complain(about(log.path(), format_args!("damage {}, first: {damage}", places(summary.damaged))));
        }
        let file =
            summary.log_files.into_iter().find_map(|file| Some((file.number, file.size, file.header?)));
        let unread = || Failure::Message(about(path, "the log cannot be read"));
        let (number, size, header) = file.ok_or_else(unread)?;
        let releases = Treatments::of(header.version, header.byte_order.0);
        Ok(File {
            file: summary.log,
            number,
            size,
            header,
            records: summary.records,
            first_lsn: summary.first_lsn,
            last_lsn: summary.last_lsn,
            end: summary.end,
            damaged: summary.damaged,
            first_damage: summary.first_damage,
            releases,
            complete: summary.damaged == 0,
        })
    }

    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{}", self.file)?;
        let mut row = |name: &str, value: String| writeln!(out, "  {name:<15} {value}");
        let Header { version, byte_order, encrypted, max_size } = &self.header;
        row("type", format!("transaction log, file {}", self.number))?;
        row("version", format!("{version}, {}", byte_order.0))?;
        row("encryption", if *encrypted { "with a password" } else { "none" }.into())?;
        row("size", format!("{} bytes, at most {max_size}", self.size))?;
        let range = match (self.first_lsn, self.last_lsn) {
            (Some(first), Some(last)) => format!(", {first} to {last}"),
            _ => String::new(),
        };
        row("records", format!("{}{range}", self.records))?;
        if let Some(end) = &self.end {
            row("end", format!("{} {}", end.lsn, end.message))?;
        }
        if self.damaged > 0 {
            row("damage", places(self.damaged))?;
        }
        self.releases.rows().into_iter().try_for_each(|(name, value)| row(name, value))
    }
}
