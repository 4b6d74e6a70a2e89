//! A change as two lines to read: what was done to which key, and the value.

use std::io::{self, Write};

use bdbkit::dump::escape;
use bdbkit::log::{ChangeKind, Fate, Known, PairChange};

use super::{Entry, Names, action};
use crate::time::shown;

/// So many characters of a value are shown.
const WIDTH: usize = 100;

/// How changes are shown.
pub(super) struct Style {
    /// The space for a key, and for the values.
    width: usize,
    /// The space for names of databases, if they are shown.
    names: Option<usize>,
}

impl Style {
    /// Names are shown for all databases, or where the name asked for is that of a file
    /// with several.
    pub(super) fn new(full: bool, all: bool, names: &Names) -> Style {
        let mut names: Vec<&str> = names.0.values().map(|name| &**name).collect();
        names.sort();
        names.dedup();
        let longest = names.iter().map(|name| name.len()).max().unwrap_or(0);
        Style {
            width: if full { usize::MAX } else { WIDTH },
            names: (all || names.len() > 1).then_some(longest.min(WIDTH / 4)),
        }
    }

    pub(super) fn write(&self, entry: &Entry<'_>, out: &mut impl Write) -> io::Result<()> {
        let change = entry.change;
        let when = when(entry.fate);
        let txn = entry.txn.map_or("no txn".into(), |txn| format!("txn {txn}"));
        write!(out, "{:<12} {when:<23} {txn:<12} {:<7}", change.lsn.to_string(), action(change.kind))?;
        if let Some(width) = self.names {
            write!(out, " {:<width$}", entry.database.unwrap_or_default())?;
        }
        writeln!(out, " {}", key(change, self.width))?;
        writeln!(out, "    {}", self.values(change))
    }

    fn values(&self, change: &PairChange<'_>) -> String {
        let (old, new) = (change.old.as_ref(), change.new.as_ref());
        match change.kind {
            ChangeKind::Put => content(new, self.width),
            ChangeKind::Delete => content(old, self.width),
            ChangeKind::Replace => {
                let half = self.width / 2;
                format!("{} → {}", content(old, half), content(new, half))
            }
        }
    }
}

/// When a change was committed, or what else became of it.
pub(crate) fn when(fate: Fate) -> String {
    match fate {
        Fate::Committed { time: Some(time), .. } => shown(time),
        Fate::Committed { time: None, .. } => "committed".into(),
        Fate::Aborted => "aborted".into(),
        Fate::Prepared => "prepared".into(),
        Fate::Unknown => "unknown".into(),
        _ => "not committed".into(),
    }
}

fn key(change: &PairChange<'_>, width: usize) -> String {
    match &change.key {
        Known::Unknown => format!("(unknown key, page {} index {})", change.page, change.index),
        key => content(Some(key), width),
    }
}

pub(crate) fn content(content: Option<&Known<'_>>, width: usize) -> String {
    match content {
        Some(Known::Bytes(bytes)) if bytes.is_empty() => "(empty)".into(),
        Some(Known::Bytes(bytes)) => cut(bytes, width),
        Some(Known::Part { prefix, middle, suffix }) => {
            let before = if *prefix > 0 { format!("({prefix} bytes)…") } else { String::new() };
            let behind = if *suffix > 0 { format!("…({suffix} bytes)") } else { String::new() };
            format!("{before}{}{behind}", cut(middle, width))
        }
        Some(Known::Chain { page, len }) => {
            format!("({len} bytes from overflow page {page} on, not in the log)")
        }
        Some(Known::Record(number)) => format!("record {number}"),
        _ => "(not in the log)".into(),
    }
}

/// Bytes as text, as many as there is space for.
fn cut(bytes: &[u8], width: usize) -> String {
    match head(bytes, width) {
        head if head.len() < bytes.len() => format!("{}… ({} bytes)", escape(head), bytes.len()),
        _ => escape(bytes),
    }
}

/// The first bytes, as many as there is space for as text.
pub(crate) fn head(bytes: &[u8], width: usize) -> &[u8] {
    let fits = |taken: &mut usize, byte: &u8| {
        *taken = taken.saturating_add(characters(*byte));
        (*taken <= width).then_some(())
    };
    let count = bytes.iter().scan(0, fits).count();
    bytes.get(..count).unwrap_or(bytes)
}

/// How many characters a byte is shown as.
fn characters(byte: u8) -> usize {
    match byte {
        b'\\' => 2,
        b' '..=b'~' => 1,
        _ => 3,
    }
}
