//! The changes that the logs tell of.

use std::collections::HashMap;

use super::entry::{EntryOrigin, Listed};
use super::kind::Kind;
use super::report::ListedLogs;
use crate::log::{Binding, History, Known, LogDir, LogError};
use crate::types::Lsn;

/// Gives the changes of all databases, or of one, in the order of the log.
pub(super) fn read<E>(
    log: Result<LogDir, LogError>,
    only: Option<&[u8]>,
    visit: &mut impl FnMut(&Listed<'_>) -> Result<(), E>,
) -> Result<ListedLogs, E> {
    let log = match log {
        Ok(log) => log,
        Err(error) => return Ok(ListedLogs { changes: 0, tail: None, problems: vec![error] }),
    };
    let query = log.history();
    let history = match only {
        Some(name) => query.database(name).read(),
        None => query.read(),
    };
    let names = Names::of(&history);
    for change in history.changes() {
        let name = history.database(change).and_then(|binding| names.0.get(&key(binding)));
        let file = name.map_or(&[][..], |name| name.file);
        visit(&Listed {
            file,
            kind: Kind::of(file),
            database: name.and_then(|name| name.database),
            key: change.key.clone(),
            value: change.new.as_ref().or(change.old.as_ref()).cloned().unwrap_or(Known::Unknown),
            origin: EntryOrigin::Log {
                change,
                txn: history.transaction(change).map(|transaction| transaction.id),
                fate: history.fate(change),
            },
        })?;
    }
    let changes = u64::try_from(history.changes().len()).unwrap_or(u64::MAX);
    Ok(ListedLogs { changes, tail: history.tail(), problems: history.into_errors() })
}

/// What the databases were called last.
struct Names<'h>(HashMap<(i32, Lsn), Name<'h>>);

struct Name<'h> {
    file: &'h [u8],
    /// One of several in the file.
    database: Option<&'h [u8]>,
}

impl<'h> Names<'h> {
    fn of(history: &'h History<'_>) -> Names<'h> {
        let files = history.files();
        let name = |binding| Name {
            file: files.file_name(binding).unwrap_or_default(),
            database: files.inner_name(binding),
        };
        Names(history.databases().map(|binding| (key(binding), name(binding))).collect())
    }
}

fn key(binding: &Binding<'_>) -> (i32, Lsn) {
    (binding.number, binding.from)
}
