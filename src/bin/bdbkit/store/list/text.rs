//! Entries and the report as text that fits a terminal.

use std::io::{self, Write};
use std::path::Path;

use bdbkit::dump::escape;
use bdbkit::log::Content;
use bdbkit::mboxlist::{Found, Hash, Kind, ListReport, Listed, ListedFile, Origin};
use bdbkit::salvage::Place;

use crate::log::history::action;
use crate::log::history::text::{content, head, when};
use crate::output::counted;

/// The width of a terminal.
const WIDTH: usize = 80;
/// The space for a key, and for a value behind it.
const KEY: usize = 36;
const VALUE: usize = 30;

/// How entries are shown.
pub(super) struct Style {
    full: bool,
    /// Of the entry before: what stands above those of one database.
    title: Option<String>,
}

impl Style {
    pub(super) fn new(full: bool) -> Style {
        Style { full, title: None }
    }

    pub(super) fn entry(&mut self, entry: &Listed<'_>, out: &mut impl Write) -> io::Result<()> {
        let title = title(entry);
        if self.title.as_ref() != Some(&title) {
            let gap = if self.title.is_some() { "\n" } else { "" };
            writeln!(out, "{gap}{}", self.fit(&title, WIDTH))?;
            self.title = Some(title);
        }
        match &entry.origin {
            Origin::Salvaged(found) => self.found("salvaged", found, out)?,
            Origin::Deleted(found) if found.is_copy => self.found("old copy", found, out)?,
            Origin::Deleted(found) => self.found("deleted", found, out)?,
            Origin::Log { change, txn, fate } => {
                let (lsn, when, action) = (change.lsn.to_string(), when(*fate), action(change.kind));
                let txn = txn.map_or("no txn".into(), |txn| format!("txn {txn}"));
                let line = format!("  {lsn:<12} {when:<23} {txn:<12} {action:<7} {}", name(entry));
                writeln!(out, "{}", self.fit(&line, WIDTH))?;
            }
            _ => {}
        }
        self.pair(&self.shown(&entry.key, KEY), &entry.value, out)?;
        match &entry.origin {
            Origin::Log { change, .. } if change.new.is_some() => {
                change.old.iter().try_for_each(|old| self.pair("  before", old, out))
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
        writeln!(out, "  {what}: page {}, {place}, {origin}, confidence {confidence}", provenance.page)?;
        found.notes.iter().try_for_each(|note| writeln!(out, "    {note}"))
    }

    /// A key, the length of the value, and the value.
    fn pair(&self, key: &str, value: &Content<'_>, out: &mut impl Write) -> io::Result<()> {
        let length = length(value).map_or("-".into(), |length| length.to_string());
        writeln!(out, "    {key:<KEY$} {length:>7}  {}", self.shown(value, VALUE))
    }

    fn shown(&self, item: &Content<'_>, width: usize) -> String {
        match item {
            Content::Bytes(bytes) if bytes.is_empty() => "(empty)".into(),
            Content::Bytes(bytes) if !self.full => {
                let text = escape(head(bytes, width));
                let whole = head(bytes, width).len() == bytes.len();
                if whole { text } else { escape(head(bytes, width.saturating_sub(1))) + "…" }
            }
            Content::Unknown => "(not known)".into(),
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
        writeln!(out, "{gap}Files read, and their SHA-256 before and after")?;
        for file in &report.files {
            writeln!(out, "  {}", self.fit(&summary(file), WIDTH.saturating_sub(2)))?;
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
        for path in &report.left_out {
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            let line = format!("  {}: {}, not read", escape(name), what(path));
            writeln!(out, "{}", self.fit(&line, WIDTH))?;
        }
        if let Some(logs) = &report.logs {
            writeln!(out, "Changes in the logs: {}", logs.changes)?;
        }
        Ok(())
    }
}

/// What stands above the entries of a database, or above those of the logs.
fn title(entry: &Listed<'_>) -> String {
    if matches!(entry.origin, Origin::Log { .. }) {
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
    let file = escape(entry.file);
    entry.database.map_or(file.clone(), |name| format!("{file}/{}", escape(name)))
}

fn length(item: &Content<'_>) -> Option<u64> {
    match item {
        Content::Bytes(bytes) => u64::try_from(bytes.len()).ok(),
        Content::Part { prefix, middle, suffix } => {
            let ends = u64::from(*prefix).saturating_add(u64::from(*suffix));
            Some(ends.saturating_add(u64::try_from(middle.len()).ok()?))
        }
        Content::Chain { len, .. } => Some(u64::from(*len)),
        _ => None,
    }
}

/// A file, its size, and how many entries were found in it.
fn summary(file: &ListedFile) -> String {
    let size = file.before.map_or(String::new(), |hash| format!(": {}", counted(hash.size, "byte")));
    let counts = [(file.live, "live"), (file.recovered, "salvaged"), (file.deleted, "deleted")];
    let some = counts.iter().filter(|(count, _)| *count > 0);
    let counts: String = some.map(|(count, what)| format!(", {count} {what}")).collect();
    escape(file.name()) + &size + &counts
}

/// What is at a path, if it is no regular file.
fn what(path: &Path) -> &'static str {
    if path.is_symlink() {
        "a symbolic link"
    } else if path.is_dir() {
        "a folder"
    } else {
        "a special file"
    }
}
