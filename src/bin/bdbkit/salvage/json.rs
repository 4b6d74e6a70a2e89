//! A record that was found as a line of JSON.

use std::fmt;
use std::io::{self, Write};

use bdbkit::dump::escape;
use bdbkit::salvage::{self, Key, Note, Place, Recovered, Salvaged};
use serde::{Serialize, Serializer};

use crate::output::json_line;

#[derive(Serialize)]
struct Line<'r> {
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
    notes: Vec<String>,
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

pub(super) fn write(record: &Salvaged<'_>, out: &mut impl Write) -> io::Result<()> {
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
        database: record.database.label().map(|name| escape(&name)),
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
        notes: record.notes.iter().map(|note| note.to_string()).collect(),
    };
    json_line(&line, out)
}

fn item<'r>(found: &'r Recovered<'_>) -> Item<'r> {
    match found {
        Recovered::Whole(bytes) => Item::Whole(Bytes::of(bytes)),
        Recovered::Part { bytes, expected } => Item::Part { part: Bytes::of(bytes), length: *expected },
        Recovered::Missing => Item::Missing,
    }
}

/// Bytes in hexadecimal, and as text if they are that. They are written piece by piece: a long
/// value is never put together.
#[derive(Serialize)]
struct Bytes<'r> {
    hex: Hex<'r>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text<'r>>,
}

impl<'r> Bytes<'r> {
    fn of(bytes: &'r salvage::Bytes<'_>) -> Bytes<'r> {
        let printable = |piece: &[u8]| piece.iter().all(|byte| matches!(byte, b' '..=b'~'));
        let is_text = !bytes.is_empty() && bytes.pieces().all(printable);
        Bytes { hex: Hex(bytes), text: is_text.then_some(Text(bytes)) }
    }
}

struct Hex<'r>(&'r salvage::Bytes<'r>);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.pieces().try_for_each(|piece| f.write_str(&crate::hex::hex(piece)))
    }
}

impl Serialize for Hex<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Printing characters.
struct Text<'r>(&'r salvage::Bytes<'r>);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.pieces().try_for_each(|piece| f.write_str(&String::from_utf8_lossy(piece)))
    }
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
