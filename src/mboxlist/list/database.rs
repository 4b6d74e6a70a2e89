//! The entries of a database file: read strictly if every one can be, or else salvaged.

use std::borrow::Cow;
use std::path::Path;

use super::entry::{EntryOrigin, Found, Listed};
use super::report::ListedFile;
use crate::access::{Database, Part};
use crate::error::Result;
use crate::log::Known;
use crate::pages::OpenOptions;
use crate::salvage::{self, Key, Recovered, Salvage, Salvaged};

/// So many duplicates of a key are compared with what was deleted.
const COMPARED: usize = 1000;

/// Gives all entries of a file.
pub(super) fn read<E>(
    file: &mut ListedFile,
    deleted: bool,
    map: bool,
    visit: &mut impl FnMut(&Listed<'_>) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    match sound(&file.path, map) {
        Ok(databases) => {
            databases.iter().try_for_each(|database| live(file, database, visit))?;
            if deleted { salvaged(file, deleted, Some(&databases), visit) } else { Ok(()) }
        }
        Err(error) => {
            file.damage(&error);
            salvaged(file, deleted, None, visit)
        }
    }
}

/// The databases of a file, if every entry of them can be read.
fn sound(path: &Path, map: bool) -> Result<Vec<Database<'static>>> {
    let mut databases = Vec::new();
    OpenOptions::new().map(map).open(path)?.walk_databases(|part| match part {
        Part::Database(database, pairs) => {
            databases.push(database.clone());
            pairs.each(|pair| pair?.read().map(drop))
        }
        Part::Damage(error) => Err(error),
    })?;
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
        let bytes = |bytes| Known::Bytes(Cow::Borrowed(bytes));
        visit(&Listed {
            file: file.name(),
            kind: file.kind(),
            database: database.name(),
            key: entry.record_number().map_or(bytes(entry.key()), Known::Record),
            value: bytes(entry.value()),
            origin: EntryOrigin::Live,
        })?;
        file.live = file.live.saturating_add(1);
    }
    Ok(())
}

/// Gives what a salvage finds; besides the databases, if they were given already.
fn salvaged<E>(
    file: &mut ListedFile,
    deleted: bool,
    given: Option<&[Database<'_>]>,
    visit: &mut impl FnMut(&Listed<'_>) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let opened = Salvage::open(&file.path);
    let Some(salvage) = file.note(opened) else { return Ok(()) };
    let salvage = salvage.deleted(deleted);
    let Some(survey) = file.note(salvage.survey()) else { return Ok(()) };
    file.salvaged = given.is_none();
    let geometry = survey.geometry();
    if !geometry.told() {
        let (order, size) = (geometry.endianness(), geometry.page_size());
        file.problems.push(format!(
            "page 0 does not tell what the file is: read as {order}, in pages of {size} bytes"
        ));
    }
    let mut records = survey.records();
    for record in records.by_ref() {
        if given.is_none() || record.provenance.origin != salvage::Origin::Tree {
            give(file, &record, given.unwrap_or_default(), visit)?;
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
    given: &[Database<'_>],
    visit: &mut impl FnMut(&Listed<'_>) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let found = Found {
        provenance: record.provenance,
        confidence: record.confidence(),
        notes: record.notes,
        is_copy: given.iter().any(|database| has(database, record)),
    };
    let (origin, count) = match record.provenance.origin {
        salvage::Origin::Tree | salvage::Origin::Orphan => {
            (EntryOrigin::Salvaged(found), &mut file.recovered)
        }
        _ => (EntryOrigin::Deleted(found), &mut file.deleted),
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
            Key::Record(Some(number)) => Known::Record(number),
            _ => content(key, &key_bytes),
        },
        value: content(&record.value, &value_bytes),
        origin,
    })
}

/// Whether a database has a pair.
fn has(database: &Database<'_>, record: &Salvaged<'_>) -> bool {
    let Key::Bytes(Recovered::Whole(key)) = &record.key else { return false };
    let Recovered::Whole(value) = &record.value else { return false };
    let (key, value) = (key.to_cow(), value.to_cow());
    let mut entries = database.duplicates(&key).take(COMPARED);
    entries.any(|entry| entry.is_ok_and(|entry| entry.value() == value.as_ref()))
}

fn bytes<'r>(found: &'r Recovered<'_>) -> Cow<'r, [u8]> {
    found.bytes().map(|bytes| bytes.to_cow()).unwrap_or_default()
}

fn content<'r>(found: &Recovered<'_>, bytes: &'r [u8]) -> Known<'r> {
    match found {
        Recovered::Whole(_) => Known::Bytes(Cow::Borrowed(bytes)),
        Recovered::Part { expected, .. } => {
            let there = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            Known::Part { prefix: 0, middle: bytes, suffix: expected.saturating_sub(there) }
        }
        Recovered::Missing => Known::Unknown,
    }
}
