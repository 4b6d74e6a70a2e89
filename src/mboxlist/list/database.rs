//! The entries of a database file: read strictly if every one can be, or else salvaged.

use std::borrow::Cow;
use std::path::Path;

use super::entry::{Found, Listed, Origin};
use super::report::ListedFile;
use crate::btree::Database;
use crate::error::Result;
use crate::log::Content;
use crate::salvage::{self, Key, Recovered, Salvage, Salvaged};

/// Gives all entries of a file.
pub(super) fn read<E>(
    file: &mut ListedFile,
    deleted: bool,
    visit: &mut impl FnMut(&Listed<'_>) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    match sound(&file.path) {
        Ok(databases) => {
            databases.iter().try_for_each(|database| live(file, database, visit))?;
            if deleted { salvaged(file, Wanted { tree: false, deleted }, visit) } else { Ok(()) }
        }
        Err(error) => {
            file.damage(&error);
            salvaged(file, Wanted { tree: true, deleted }, visit)
        }
    }
}

/// The databases of a file, if every entry of them can be read.
fn sound(path: &Path) -> Result<Vec<Database<'static>>> {
    let file = Database::open(path)?;
    let databases = if file.is_directory() {
        file.subdatabases().map(|found| found.map(|found| found.open())).collect::<Result<_>>()?
    } else {
        vec![file]
    };
    for database in &databases {
        database.iter().try_for_each(|entry| entry.map(drop))?;
    }
    Ok(databases)
}

fn live<E>(
    file: &mut ListedFile,
    database: &Database<'_>,
    visit: &mut impl FnMut(&Listed<'_>) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    for entry in database.iter() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                file.damage(&error); // it changed meanwhile
                continue;
            }
        };
        let bytes = |bytes| Content::Bytes(Cow::Borrowed(bytes));
        visit(&Listed {
            file: file.name(),
            kind: file.kind(),
            database: database.name(),
            key: entry.record_number().map_or(bytes(entry.key()), Content::Record),
            value: bytes(entry.value()),
            origin: Origin::Live,
        })?;
        file.live = file.live.saturating_add(1);
    }
    Ok(())
}

/// What is wanted of a salvage besides records that nothing leads to.
struct Wanted {
    /// Those that a tree leads to.
    tree: bool,
    /// Those that were deleted.
    deleted: bool,
}

fn salvaged<E>(
    file: &mut ListedFile,
    wanted: Wanted,
    visit: &mut impl FnMut(&Listed<'_>) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let opened = Salvage::open(&file.path);
    let Some(salvage) = file.note(opened) else { return Ok(()) };
    let salvage = salvage.deleted(wanted.deleted);
    let Some(survey) = file.note(salvage.survey()) else { return Ok(()) };
    file.salvaged = wanted.tree;
    let geometry = survey.geometry();
    if !geometry.told() {
        let (order, size) = (geometry.endianness(), geometry.page_size());
        file.problems.push(format!(
            "page 0 does not tell what the file is: read as {order}, in pages of {size} bytes"
        ));
    }
    let mut records = survey.records();
    for record in records.by_ref() {
        if wanted.tree || record.provenance.origin != salvage::Origin::Tree {
            give(file, &record, visit)?;
        }
    }
    let report = records.into_report();
    for problem in survey.problems().iter().chain(report.problems()) {
        file.damage(problem);
    }
    Ok(())
}

fn give<E>(
    file: &mut ListedFile,
    record: &Salvaged<'_>,
    visit: &mut impl FnMut(&Listed<'_>) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let found = Found { provenance: record.provenance, confidence: record.confidence(), notes: record.notes };
    let (origin, count) = match record.provenance.origin {
        salvage::Origin::Tree | salvage::Origin::Orphan => (Origin::Salvaged(found), &mut file.recovered),
        _ => (Origin::Deleted(found), &mut file.deleted),
    };
    *count = count.saturating_add(1);
    let key = match &record.key {
        Key::Bytes(key) => key,
        Key::Record(_) => &Recovered::Missing,
    };
    let (key_bytes, value_bytes) = (bytes(key), bytes(&record.value));
    let database = record.database.label();
    visit(&Listed {
        file: file.name(),
        kind: file.kind(),
        database: database.as_deref(),
        key: match record.key {
            Key::Record(Some(number)) => Content::Record(number),
            _ => content(key, &key_bytes),
        },
        value: content(&record.value, &value_bytes),
        origin,
    })
}

fn bytes<'r>(found: &'r Recovered<'_>) -> Cow<'r, [u8]> {
    found.bytes().map(|bytes| bytes.to_cow()).unwrap_or_default()
}

fn content<'r>(found: &Recovered<'_>, bytes: &'r [u8]) -> Content<'r> {
    match found {
        Recovered::Whole(_) => Content::Bytes(Cow::Borrowed(bytes)),
        Recovered::Part { expected, .. } => {
            let there = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            Content::Part { prefix: 0, middle: bytes, suffix: expected.saturating_sub(there) }
        }
        Recovered::Missing => Content::Unknown,
    }
}
