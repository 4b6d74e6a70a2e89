//! A record as a line of JSON.

use bdbkit::log::{Fate, FieldKind, Fields, Known, Record, Value};
use jiff::Timestamp;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::place::JsonLsn;
use crate::hex::Hex;

/// A record, serialized as it is read.
pub(crate) struct Line<'a>(pub(crate) &'a Record<'a>);

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let record = self.0;
        let prev = Some(record.prev_lsn()).filter(|lsn| lsn.file != 0);
        let mut line = serializer.serialize_map(None)?;
        line.serialize_entry("lsn", &JsonLsn::from(record.lsn()))?;
        line.serialize_entry("type", &record.kind())?;
        line.serialize_entry("name", record.name())?;
        line.serialize_entry("txn", &record.txn().map(|txn| txn.to_string()))?;
        line.serialize_entry("prev_lsn", &prev.map(JsonLsn::from))?;
        line.serialize_entry("version", &record.version())?;
        if record.debug() {
            line.serialize_entry("debug", &true)?;
        }
        match record.note() {
            None => line.serialize_entry("fields", &Named(record.fields()))?,
            Some(note) => {
                line.serialize_entry("note", &note.to_string())?;
                line.serialize_entry("body", &Bytes(record.body()))?;
            }
        }
        line.end()
    }
}

/// Fields by their names.
struct Named<'a>(Fields<'a>);

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for field in self.0.clone() {
            let name = field.name();
            match (field.value(), field.layout().kind()) {
                (Value::Signed(seconds), FieldKind::Time) => {
                    map.serialize_entry(name, &Time(seconds.into()))?
                }
                (Value::Signed(seconds), _) if name == "timestamp" => {
                    map.serialize_entry(name, &Time(seconds.into()))?;
                }
                (Value::Signed(n), _) => map.serialize_entry(name, &n)?,
                (Value::Unsigned(n), _) => map.serialize_entry(name, &n)?,
                (Value::Size(n), _) => map.serialize_entry(name, &n)?,
                (Value::Lsn(lsn), _) => map.serialize_entry(name, &JsonLsn::from(lsn))?,
                (Value::Bytes(bytes), _) => map.serialize_entry(name, &Bytes(bytes))?,
                (other, _) => map.serialize_entry(name, &format!("{other:?}"))?,
            }
        }
        map.end()
    }
}

/// Bytes in hexadecimal, and as text if they are that; names end with a zero byte,
/// which the text leaves out.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("hex", &Hex(self.0))?;
        let text = self.0.strip_suffix(&[0]).unwrap_or(self.0);
        let printable = !text.is_empty() && text.iter().all(|byte| matches!(byte, b' '..=b'~'));
        if let (true, Ok(text)) = (printable, std::str::from_utf8(text)) {
            map.serialize_entry("text", text)?;
        }
        map.end()
    }
}

/// Seconds since 1970, and the same as a date.
#[derive(Clone, Copy)]
pub(crate) struct Time(pub(crate) i64);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let utc = Timestamp::from_second(self.0).map(|time| time.to_string());
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("seconds", &self.0)?;
        map.serialize_entry("utc", &utc.ok())?;
        map.end()
    }
}

/// A key or a value, as far as the log shows it.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Shown<'a> {
    Whole(Bytes<'a>),
    Part { prefix: u32, middle: Bytes<'a>, suffix: u32 },
    Chain { page: u32, length: u32 },
    Record { record: u32 },
}

impl<'a> Shown<'a> {
    pub(crate) fn of(content: &'a Known<'_>) -> Option<Shown<'a>> {
        Some(match content {
            Known::Bytes(bytes) => Shown::Whole(Bytes(bytes)),
            Known::Part { prefix, middle, suffix } => {
                Shown::Part { prefix: *prefix, middle: Bytes(middle), suffix: *suffix }
            }
            Known::Chain { page, len } => Shown::Chain { page: page.0, length: *len },
            Known::Record(number) => Shown::Record { record: *number },
            _ => return None,
        })
    }
}

/// What became of a change, and when it was committed, if that is recorded.
pub(crate) fn fate(fate: Fate) -> (&'static str, Option<Time>) {
    match fate {
        Fate::Committed { time, .. } => ("committed", time.map(Time)),
        Fate::Aborted => ("aborted", None),
        Fate::Prepared => ("prepared", None),
        Fate::Unknown => ("unknown", None),
        _ => ("uncommitted", None),
    }
}
