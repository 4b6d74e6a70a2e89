//! A record that was found as a line of JSON.

use std::io::{self, Write};

use bdbkit::salvage::{self, Key, Note, Place, Recovered, Salvaged};
use serde::Serialize;

use crate::json;

#[derive(Serialize)]
struct Line<'r> {
    file: &'r str,
    database: Option<String>,
    #[serde(flatten)]
    parts: Parts<'r>,
    page: u32,
    /// The number that the page carries, if it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    page_says: Option<u32>,
    #[serde(flatten)]
    place: Standing,
    /// Where the item stands in the file, in bytes.
    offset: u64,
    origin: &'static str,
    confidence: &'static str,
    remarks: Vec<String>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Parts<'r> {
    Pair {
        key: Item<'r>,
        value: Item<'r>,
    },
    Record {
        #[serde(skip_serializing_if = "Option::is_none")]
        record: Option<u32>,
        value: Item<'r>,
    },
    /// Two items one after the other, or one: which is the key is not known.
    Unknown {
        first: Item<'r>,
        #[serde(skip_serializing_if = "Option::is_none")]
        second: Option<Item<'r>>,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    Slot(u16),
    PageOffset(u16),
}

/// A key or a value, or what is left of it: `null` if nothing is.
#[derive(Serialize)]
#[serde(untagged)]
enum Item<'r> {
    Whole(Bytes<'r>),
    Part { part: Bytes<'r>, length: u32 },
    Missing,
}

type Bytes<'r> = json::Bytes<'r, salvage::Bytes<'r>>;

pub(super) fn write(file: &str, record: &Salvaged<'_>, out: &mut impl Write) -> io::Result<()> {
    let value = item(&record.value);
    let parts = match &record.key {
        Key::Record(number) => Parts::Record { record: *number, value },
        Key::Bytes(key) if record.notes.has(Note::Parts) => {
            let second = Some(item(key)).filter(|second| !matches!(second, Item::Missing));
            Parts::Unknown { first: value, second }
        }
        Key::Bytes(key) => Parts::Pair { key: item(key), value },
    };
    let found = record.provenance;
    let line = Line {
        file,
        database: record.database.label().map(|name| json::raw_name(&name)),
        parts,
        page: found.page.0,
        page_says: found.says.map(|says| says.0),
        place: match found.place {
            Place::Slot(slot) => Standing::Slot(slot),
            Place::Offset(offset) => Standing::PageOffset(offset),
        },
        offset: found.offset,
        origin: found.origin.name(),
        confidence: record.confidence().name(),
        remarks: record.notes.iter().map(|note| note.to_string()).collect(),
    };
    json::line("salvaged", &line, out)
}

fn item<'r>(found: &'r Recovered<'_>) -> Item<'r> {
    match found {
        Recovered::Whole(bytes) => Item::Whole(json::Bytes(bytes)),
        Recovered::Part { bytes, expected } => Item::Part { part: json::Bytes(bytes), length: *expected },
        Recovered::Missing => Item::Missing,
    }
}
