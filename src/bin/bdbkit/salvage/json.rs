//! A record that was found as a line of JSON.

use std::io::{self, Write};

use bdbkit::dump::escape;
use bdbkit::salvage::{Key, Place, Recovered, Salvaged};
use serde::Serialize;

use crate::hex::hex;
use crate::output::json_line;

#[derive(Serialize)]
struct Line {
    database: Option<String>,
    /// Absent for records of a RECNO database.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<u32>,
    value: Item,
    page: u32,
    #[serde(flatten)]
    place: Standing,
    origin: &'static str,
    confidence: &'static str,
    notes: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Standing {
    Slot(u16),
    Offset(u16),
}

/// A key or a value, or what is left of it: `null` if nothing is.
#[derive(Serialize)]
#[serde(untagged)]
enum Item {
    Whole(Bytes),
    Part { part: Bytes, length: u32 },
    Missing,
}

pub(super) fn write(record: &Salvaged<'_>, out: &mut impl Write) -> io::Result<()> {
    let key = match &record.key {
        Key::Bytes(key) => Some(key),
        Key::Record(_) => None,
    };
    let line = Line {
        database: record.database.label().map(|name| escape(&name)),
        key: key.map(item),
        record: match record.key {
            Key::Record(number) => number,
            Key::Bytes(_) => None,
        },
        value: item(&record.value),
        page: record.provenance.page.0,
        place: match record.provenance.place {
            Place::Slot(slot) => Standing::Slot(slot),
            Place::Offset(offset) => Standing::Offset(offset),
        },
        origin: record.provenance.origin.name(),
        confidence: record.confidence().name(),
        notes: record.notes.iter().map(|note| note.to_string()).collect(),
    };
    json_line(&line, out)
}

fn item(found: &Recovered<'_>) -> Item {
    match found {
        Recovered::Whole(bytes) => Item::Whole(Bytes::of(&bytes.to_cow())),
        Recovered::Part { bytes, expected } => {
            Item::Part { part: Bytes::of(&bytes.to_cow()), length: *expected }
        }
        Recovered::Missing => Item::Missing,
    }
}

/// Bytes in hexadecimal, and as text if they are that.
#[derive(Serialize)]
struct Bytes {
    hex: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl Bytes {
    fn of(bytes: &[u8]) -> Bytes {
        let printable = !bytes.is_empty() && bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
        let text = std::str::from_utf8(bytes).ok().filter(|_| printable);
        Bytes { hex: hex(bytes), text: text.map(str::to_owned) }
    }
}
