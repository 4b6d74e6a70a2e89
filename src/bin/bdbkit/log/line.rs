//! A record as a line of JSON.

use bdbkit::log::{FieldKind, Fields, Record, Value};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::json::{Bytes, Lsn, Time};

/// A record, serialized as it is read.
pub(crate) struct Line<'a>(pub(crate) &'a Record<'a>);

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let record = self.0;
        let prev = Some(record.prev_lsn()).filter(|lsn| lsn.file != 0);
        let mut line = serializer.serialize_map(None)?;
        line.serialize_entry("lsn", &Lsn::from(record.lsn()))?;
        line.serialize_entry("record_type", &record.kind())?;
        line.serialize_entry("record_name", record.name())?;
        line.serialize_entry("txn", &record.txn().map(|txn| txn.to_string()))?;
        line.serialize_entry("prev_lsn", &prev.map(Lsn::from))?;
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
                (Value::Signed(seconds), kind) if kind == FieldKind::Time || name == "timestamp" => {
                    map.serialize_entry(name, &Time::of_seconds(seconds.into()))?;
                }
                (Value::Signed(n), _) => map.serialize_entry(name, &n)?,
                (Value::Unsigned(n), _) => map.serialize_entry(name, &n)?,
                (Value::Size(n), _) => map.serialize_entry(name, &n)?,
                (Value::Lsn(lsn), _) => map.serialize_entry(name, &Lsn::from(lsn))?,
                (Value::Bytes(bytes), _) => map.serialize_entry(name, &Bytes(bytes))?,
                (other, _) => map.serialize_entry(name, &format!("{other:?}"))?,
            }
        }
        map.end()
    }
}
