//! Entries and the report as text that fits a terminal.

use std::io::{self, Write};
use std::path::Path;

use bdbkit::ShowName;
use bdbkit::dump::escape;
use bdbkit::log::Known;
use bdbkit::mboxlist::{EntryOrigin, Found, Hash, Kind, ListReport, Listed, ListedFile};
use bdbkit::salvage::Place;

use crate::log::history::action;
use crate::log::history::text::{content, head, when};
use crate::output::counted;
use crate::terminal::columns;

/// What stands around a key and its value in a line: blanks, and the length of the value.
const AROUND: usize = 14;
/// On less columns a change in the log takes two lines before its key.
const NARROW: usize = 60;
/// So many bytes are written at once.
const CHUNK: usize = 4096;

/// How entries are shown.
pub(super) struct Style {
    full: bool,
    /// How wide a line may be.
    columns: usize,
    /// The space for a key, and for a value behind it.
    key: usize,
    value: usize,
    /// Of the entry before: what stands above those of one database.
    title: Option<String>,
}

impl Style {
    pub(super) fn new(full: bool) -> Style {
        let columns = columns();
        let room = columns.saturating_sub(AROUND).max(2);
        let key = room.saturating_mul(6) / 11;
        Style { full, columns, key, value: room.saturating_sub(key), title: None }
    }

    pub(super) fn entry(&mut self, entry: &Listed<'_>, out: &mut impl Write) -> io::Result<()> {
        let title = title(entry);
        if self.title.as_ref() != Some(&title) {
            let gap = if self.title.is_some() { "\n" } else { "" };
            writeln!(out, "{gap}{}", self.fit(&title, self.columns))?;
            self.title = Some(title);
        }
        match &entry.origin {
            EntryOrigin::Salvaged(found) => self.found("salvaged", found, out)?,
            EntryOrigin::Deleted(found) if found.is_copy => self.found("old copy", found, out)?,
            EntryOrigin::Deleted(found) => self.found("deleted", found, out)?,
            EntryOrigin::Log { change, txn, fate } => {
                let (lsn, when, action) = (change.lsn.to_string(), when(*fate), action(change.kind));
                let txn = txn.map_or("no txn".into(), |txn| format!("txn {txn}"));
                if self.columns < NARROW {
                    writeln!(out, "{}", self.fit(&format!("  {lsn} {when}"), self.columns))?;
                    let line = format!("    {txn} {action} {}", name(entry));
                    writeln!(out, "{}", self.fit(&line, self.columns))?;
                } else {
                    let line = format!("  {lsn:<12} {when:<23} {txn:<12} {action:<7} {}", name(entry));
                    writeln!(out, "{}", self.fit(&line, self.columns))?;
                }
            }
            _ => {}
        }
        self.pair("", &entry.key, &entry.value, out)?;
        match &entry.origin {
            EntryOrigin::Log { change, .. } if change.new.is_some() => {
                change.old.iter().try_for_each(|old| self.pair("  before", &Known::Unknown, old, out))
            }
            _ => Ok(()),
        }
    }

    fn found(&self, what: &str, found: &Found, out: &mut impl Write) -> io::Result<()> {
        let provenance = found.provenance;
        let place = match provenance.place {
            Place::Slot(slot) => format!("slot {slot}"),
            Place::Offset(offset) => format!("offset {offset}"),
        };
        let (origin, confidence) = (provenance.origin.name(), found.confidence.name());
        let line = format!("  {what}: page {}, {place}, {origin}, confidence {confidence}", provenance.page);
        writeln!(out, "{}", self.fit(&line, self.columns))?;
        let notes = found.notes.iter().map(|note| format!("    {note}"));
        notes.into_iter().try_for_each(|note| writeln!(out, "{}", self.fit(&note, self.columns)))
    }

    /// A key, or a label in its place; the length of the value; and the value.
    fn pair(&self, label: &str, key: &Known<'_>, value: &Known<'_>, out: &mut impl Write) -> io::Result<()> {
        let length = length(value).map_or("-".into(), |length| length.to_string());
        let width = self.key;
        write!(out, "    ")?;
        match key {
            _ if !label.is_empty() => write!(out, "{label:<width$}")?,
            // Nothing is filled up behind so much.
            Known::Bytes(bytes) if self.full && bytes.len() > CHUNK => escaped(bytes, out)?,
            key => write!(out, "{:<width$}", self.shown(key, width))?,
        }
        write!(out, " {length:>7}  ")?;
        match value {
            Known::Bytes(bytes) if self.full && !bytes.is_empty() => escaped(bytes, out)?,
            value => write!(out, "{}", self.shown(value, self.value))?,
        }
        writeln!(out)
    }

    fn shown(&self, item: &Known<'_>, width: usize) -> String {
        match item {
            Known::Bytes(bytes) if bytes.is_empty() => "(empty)".into(),
            Known::Bytes(bytes) if !self.full => {
                let text = escape(head(bytes, width));
                let whole = head(bytes, width).len() == bytes.len();
                if whole { text } else { escape(head(bytes, width.saturating_sub(1))) + "…" }
            }
            Known::Unknown => "(not known)".into(),
            _ => self.fit(&content(Some(item), usize::MAX), width),
        }
    }

    /// Text, as much as there is space for.
    fn fit(&self, text: &str, width: usize) -> String {
        if self.full || text.chars().count() <= width {
            return text.to_owned();
        }
        text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
    }

    pub(super) fn report(&self, report: &ListReport, out: &mut impl Write) -> io::Result<()> {
        let gap = if self.title.is_some() { "\n" } else { "" };
        writeln!(out, "{gap}Files, SHA-256 before and after reading")?;
        for file in &report.files {
            writeln!(out, "  {}", self.fit(&summary(file), self.columns.saturating_sub(2)))?;
            match (file.before, file.after) {
                (Some(before), Some(after)) if before == after => {
                    writeln!(out, "    {} equal", before.hex())?
                }
                (before, after) => {
                    let sum = |hash: Option<Hash>| hash.map_or("not read".into(), |hash| hash.hex());
                    writeln!(out, "    {} before", sum(before))?;
                    writeln!(out, "    {} after", sum(after))?;
                }
            }
        }
        for path in report.folders.iter().chain(&report.left_out) {
            let name = path.file_name().unwrap_or_default();
            let line = format!("  {}: {}, not read", name.shown(), what(path));
            writeln!(out, "{}", self.fit(&line, self.columns))?;
        }
        if let Some(logs) = &report.logs {
            writeln!(out, "Changes in the logs: {}", logs.changes)?;
        }
        Ok(())
    }
}

/// What stands above the entries of a database, or above those of the logs.
fn title(entry: &Listed<'_>) -> String {
    if matches!(entry.origin, EntryOrigin::Log { .. }) {
        return "From the logs".into();
    }
    let holds = match entry.kind {
        Kind::Mailbox => "mailboxes",
        Kind::Quota => "quotas",
        Kind::Subscription => "subscriptions",
        Kind::PerUser => "per-user entries",
        Kind::LookUpRight => "look-up rights",
        _ => return name(entry),
    };
    format!("{}: {holds}, by the name of the file", name(entry))
}

/// The name of an entry's database.
fn name(entry: &Listed<'_>) -> String {
    let file = entry.file.shown().to_string();
    entry.database.map_or(file.clone(), |name| format!("{file}/{}", escape(name)))
}

fn length(item: &Known<'_>) -> Option<u64> {
    match item {
        Known::Bytes(bytes) => u64::try_from(bytes.len()).ok(),
        Known::Part { prefix, middle, suffix } => {
            let ends = u64::from(*prefix).saturating_add(u64::from(*suffix));
            Some(ends.saturating_add(u64::try_from(middle.len()).ok()?))
        }
        Known::Chain { len, .. } => Some(u64::from(*len)),
        _ => None,
    }
}

/// A file, its size, and how many entries were found in it.
fn summary(file: &ListedFile) -> String {
    let size = file.before.map_or(String::new(), |hash| format!(": {}", counted(hash.size, "byte")));
    let counts = [(file.live, "live"), (file.recovered, "salvaged"), (file.deleted, "deleted")];
    let some = counts.iter().filter(|(count, _)| *count > 0);
    let counts: String = some.map(|(count, what)| format!(", {count} {what}")).collect();
    file.name().shown().to_string() + &size + &counts
}

/// Bytes as text, piece by piece.
fn escaped(bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
    bytes.chunks(CHUNK).try_for_each(|chunk| out.write_all(escape(chunk).as_bytes()))
}

/// What is at a path, if it is no regular file.
pub(super) fn what(path: &Path) -> &'static str {
    if path.is_symlink() {
        "a symbolic link"
    } else if path.is_dir() {
        "a folder"
    } else {
        "a special file"
    }
}
