//! How values are serialized: structs by the names of their fields, enums by a word, numbers of
//! pages as numbers, file ids as hexadecimal digits, keys and values as bytes.

use std::fmt::Display;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::access::{Entry, FileStats, TreeStats};
use crate::error::{Error, ErrorKind};
use crate::format::page::PageKind;
use crate::log::{
    Binding, ChangeKind, Fate, Known, PairChange, Rename, Transaction, TransactionOutcome, TxnId,
};
use crate::meta::{DatabaseKind, Extents, FileKind, Flags, Meta, Region};
use crate::method::{Feature, Method};
use crate::order::Endianness;
use crate::salvage::{self, Confidence, Provenance};
use crate::types::{FileId, Lsn, PageNo, PageSize, RecordId};
use crate::verify::{Finding, Rule, Severity, Verdict};

/// Bytes as such, not as a list of numbers, where a format tells them apart.
struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(self.0)
    }
}

/// As it is displayed.
struct Shown<T>(T);

impl<T: Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

/// What a type is serialized as: an expression of its value.
macro_rules! as_value {
    ($($type:ty: |$it:ident| $value:expr;)*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                let $it = self;
                $value.serialize(to)
            }
        }
    )*};
}

/// A map of some fields, each an expression.
macro_rules! map {
    ($to:ident, $($field:literal: $value:expr),* $(,)?) => {{
        let mut map = $to.serialize_map(Some([$($field),*].len()))?;
        $(map.serialize_entry($field, &$value)?;)*
        map.end()
    }};
}

/// What a struct is serialized as: fields by their names.
macro_rules! as_fields {
    ($($type:ty: |$it:ident| { $($field:literal: $value:expr),* $(,)? };)*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                let $it = self;
                map!(to, $($field: $value),*)
            }
        }
    )*};
}

as_value! {
    PageNo: |no| no.0;
    PageSize: |size| size.get();
    TxnId: |id| id.0;
    FileId: |id| Shown(id);
    Method: |method| method.name();
    Feature: |feature| Shown(feature);
    PageKind: |kind| kind.name();
    ErrorKind: |kind| kind.name();
    Severity: |severity| severity.name();
    Rule: |rule| rule.id();
    Confidence: |confidence| confidence.name();
    salvage::Origin: |origin| origin.name();
    Endianness: |order| match order {
        Endianness::Little => "little",
        Endianness::Big => "big",
    };
    ChangeKind: |kind| match kind {
        ChangeKind::Put => "put",
        ChangeKind::Replace => "replace",
        ChangeKind::Delete => "delete",
    };
}

as_fields! {
    Lsn: |lsn| { "file": lsn.file, "offset": lsn.offset };
    Error: |error| { "kind": error.kind(), "page": error.page(), "message": error.to_string() };
    Flags: |flags| { "bits": flags.bits(), "names": flags.names().collect::<Vec<_>>() };
    Extents: |extents| { "first": extents.first, "last": extents.last };
    Region: |region| { "primary": region.primary, "release": region.release };
    DatabaseKind: |kind| {
        "method": kind.method,
        "version": kind.version,
        "order": kind.order,
        "page_size": kind.page_size,
        "file_id": kind.file_id,
        "lsn": kind.lsn,
        "encrypted": kind.encrypted,
        "checksummed": kind.checksummed,
        "compressed": kind.compressed,
        "partitions": kind.partitions,
        "extents": kind.extents,
    };
    Meta: |meta| {
        "page": meta.page(),
        "method": meta.method(),
        "version": meta.version(),
        "order": meta.endianness(),
        "page_size": meta.page_size(),
        "file_id": meta.file_id(),
        "lsn": meta.lsn(),
        "flags": meta.flags(),
        "checksummed": meta.checksummed(),
        "encrypted": meta.encrypted(),
        "root": meta.root(),
        "free": meta.free(),
        "last_page": meta.last_page(),
        "record_length": meta.record_length(),
        "pad": meta.pad(),
    };
    Entry<'_>: |entry| {
        "key": Bytes(entry.key()),
        "value": Bytes(entry.value()),
        "record": entry.record_number(),
        "place": entry.record_id(),
    };
    RecordId: |id| { "page": id.page, "slot": id.slot };
    FileStats: |stats| {
        "pages": stats.pages,
        "unwritten": stats.unwritten,
        "unknown": stats.unknown,
        "free_list": stats.free_list,
        "highest_lsn": stats.highest_lsn,
    };
    TreeStats<'_>: |stats| {
        "database": stats.database.as_ref().and_then(|database| database.name()).map(Bytes),
        "depth": stats.depth,
        "records": stats.records,
        "deleted": stats.deleted,
        "damaged": stats.damaged,
        "first_damage": stats.first_damage,
    };
    Finding: |finding| {
        "rule": finding.rule,
        "severity": finding.severity,
        "partition": finding.partition.as_deref().map(|path| Bytes(path.as_os_str().as_encoded_bytes())),
        "database": finding.database.as_deref().map(Bytes),
        "page": finding.page,
        "offset": finding.offset,
        "text": finding.text,
    };
    Verdict: |verdict| {
        "findings": verdict.findings(),
        "complete": verdict.complete(),
        "refused": verdict.refused(),
    };
    Provenance: |found| {
        "page": found.page,
        "says": found.says,
        "offset": found.offset,
        "place": found.place,
        "origin": found.origin,
    };
    Binding<'_>: |binding| {
        "number": binding.number,
        "name": Bytes(binding.name),
        "id": binding.id,
        "method": binding.method,
        "meta": binding.meta,
        "big_endian": binding.big_endian,
        "from": binding.from,
        "opened": binding.opened,
        "to": binding.to,
    };
    Rename<'_>: |rename| {
        "at": rename.at,
        "old": Bytes(rename.old),
        "new": Bytes(rename.new),
        "id": rename.id,
        "txn": rename.txn,
    };
    Transaction<'_>: |transaction| {
        "id": transaction.id,
        "first": transaction.first,
        "last": transaction.last,
        "records": transaction.records,
        "whole": transaction.whole,
        "outcome": transaction.outcome,
    };
    PairChange<'_>: |change| {
        "lsn": change.lsn,
        "kind": change.kind,
        "key": change.key,
        "old": change.old,
        "new": change.new,
        "page": change.page,
        "index": change.index,
    };
}

impl Serialize for FileKind {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            FileKind::Database(kind) => map!(to, "kind": "database", "database": kind),
            FileKind::Extent => map!(to, "kind": "extent"),
            FileKind::Log { version, order } => map!(to, "kind": "log", "version": version, "order": order),
            FileKind::Region(region) => map!(to, "kind": "region", "region": region),
            FileKind::Series1 { method, version, order } => {
                map!(to, "kind": "series-1", "method": method, "version": version, "order": order)
            }
            FileKind::Placeholder => map!(to, "kind": "placeholder"),
            FileKind::Empty => map!(to, "kind": "empty"),
            FileKind::Other => map!(to, "kind": "other"),
        }
    }
}

impl Serialize for salvage::Place {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            salvage::Place::Slot(slot) => map!(to, "slot": slot),
            salvage::Place::Offset(offset) => map!(to, "offset": offset),
        }
    }
}

impl Serialize for TransactionOutcome<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            TransactionOutcome::Committed { at, time } => {
                map!(to, "outcome": "committed", "at": at, "time": time)
            }
            TransactionOutcome::Nested { at, parent, index } => {
                map!(to, "outcome": "nested", "at": at, "parent": parent, "index": index)
            }
            TransactionOutcome::Prepared { at, id } => {
                map!(to, "outcome": "prepared", "at": at, "id": Bytes(id))
            }
            TransactionOutcome::Aborted { at, time } => {
                map!(to, "outcome": "aborted", "at": at, "time": time)
            }
            TransactionOutcome::Open => map!(to, "outcome": "open"),
            TransactionOutcome::Unknown => map!(to, "outcome": "unknown"),
        }
    }
}

impl Serialize for Fate {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Fate::Committed { at, time } => map!(to, "fate": "committed", "at": at, "time": time),
            Fate::Prepared => map!(to, "fate": "prepared"),
            Fate::Aborted => map!(to, "fate": "aborted"),
            Fate::Uncommitted => map!(to, "fate": "uncommitted"),
            Fate::Unknown => map!(to, "fate": "unknown"),
        }
    }
}

impl Serialize for Known<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Known::Bytes(bytes) => map!(to, "bytes": Bytes(bytes)),
            Known::Part { prefix, middle, suffix } => {
                map!(to, "prefix": prefix, "middle": Bytes(middle), "suffix": suffix)
            }
            Known::Chain { page, len } => map!(to, "chain": page, "len": len),
            Known::Record(number) => map!(to, "record": number),
            Known::Unknown => map!(to, "unknown": true),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::access::Database;

    fn value(of: &impl Serialize) -> Value {
        serde_json::to_value(of).unwrap()
    }

    #[test]
    fn nouns_are_numbers_words_and_fields() {
        assert_eq!(value(&Lsn { file: 1, offset: 28 }), json!({"file": 1, "offset": 28}));
        assert_eq!(value(&(PageNo(7), Method::Recno, Endianness::Big)), json!([7, "recno", "big"]));
        assert_eq!(value(&FileId([0xab; 20])), json!("ab".repeat(20)));
        assert_eq!(value(&FileKind::Empty), json!({"kind": "empty"}));
        let known = Known::Part { prefix: 1, middle: b"a", suffix: 0 };
        assert_eq!(value(&known), json!({"prefix": 1, "middle": [97], "suffix": 0}));
    }

    #[test]
    fn what_is_read_of_a_file_can_be_written_down() {
        let db = Database::open("testdata/btree-v9-le-one/data.db").unwrap();
        let entry = db.iter().next().unwrap().unwrap();
        let expected = json!({"key": b"key", "value": b"data", "record": null, "place": null});
        assert_eq!(value(&entry), expected);
        let (meta, kind) = (value(db.meta()), value(db.file().kind()));
        assert_eq!(
            (&meta["method"], &meta["version"], &meta["root"]),
            (&json!("btree"), &json!(9), &json!(1))
        );
        assert_eq!((&kind["kind"], &kind["database"]["file_id"]), (&json!("database"), &meta["file_id"]));
        let stats = value(&db.file_stats());
        assert_eq!(stats["pages"]["btree leaf"], json!(1), "{stats}");
        let damaged = crate::verify::Verify::open("testdata/damage-v9-le-next-cycle/data.db").unwrap().run();
        let verdict = value(&damaged);
        assert_eq!(verdict["findings"].as_array().unwrap().len(), damaged.findings().len());
        assert_eq!(verdict["findings"][0]["severity"], json!("error"), "{verdict}");
    }
}
