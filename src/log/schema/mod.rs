//! The layouts of log records as data: one table for each log version
//! (log-format, "Record types" and `log-records.toml`).
//!
//! A table lists what its version added or changed, and which types it dropped;
//! the rest is that of the version before.

mod v10;
mod v11;
mod v12;
mod v13;
mod v14;
mod v15;
mod v16;
mod v17;
mod v18;
mod v19;
mod v2;
mod v3;
mod v4;
mod v5;
mod v7;
mod v8;

use std::sync::OnceLock;

/// All tables, oldest first. Log version 2 has one for each of its dialects.
static TABLES: [&Schema; 18] = [
    &v2::V2_7,
    &v2::V3_0,
    &v2::V3_1,
    &v3::V3,
    &v4::V4,
    &v5::V5,
    &v7::V7,
    &v8::V8,
    &v10::V10,
    &v11::V11,
    &v12::V12,
    &v13::V13,
    &v14::V14,
    &v15::V15,
    &v16::V16,
    &v17::V17,
    &v18::V18,
    &v19::V19,
];

/// The record types of one log version.
#[derive(Debug)]
pub struct Schema {
    version: u32,
    before: Option<&'static Schema>,
    dropped: &'static [u32],
    changed: &'static [RecordLayout],
    table: OnceLock<Vec<Option<&'static RecordLayout>>>,
}

impl Schema {
    const fn new(
        version: u32,
        before: Option<&'static Schema>,
        dropped: &'static [u32],
        changed: &'static [RecordLayout],
    ) -> Schema {
        Schema { version, before, dropped, changed, table: OnceLock::new() }
    }

    /// The tables of a log version: one, or for version 2 those of releases 2.x,
    /// 3.0 and 3.1; none for a version that was never released.
    pub fn of_version(version: u32) -> impl Iterator<Item = &'static Schema> {
        TABLES.iter().copied().filter(move |schema| schema.version == version)
    }

    /// The log version.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The record types, by number.
    pub fn records(&self) -> impl Iterator<Item = &'static RecordLayout> {
        self.table().iter().copied().flatten()
    }

    /// The layout of a record type.
    #[must_use]
    pub fn record(&self, kind: u32) -> Option<&'static RecordLayout> {
        self.table().get(usize::try_from(kind).ok()?).copied().flatten()
    }

    fn table(&self) -> &[Option<&'static RecordLayout>] {
        self.table.get_or_init(|| {
            let mut table = self.before.map_or(Vec::new(), |before| before.table().to_vec());
            let index = |kind| usize::try_from(kind).unwrap_or(usize::MAX);
            for kind in self.dropped {
                if let Some(slot) = table.get_mut(index(*kind)) {
                    *slot = None;
                }
            }
            for layout in self.changed {
                let needed = index(layout.kind).saturating_add(1);
                if table.len() < needed {
                    table.resize(needed, None);
                }
                if let Some(slot) = table.get_mut(index(layout.kind)) {
                    *slot = Some(layout);
                }
            }
            table
        })
    }
}

/// One record type of one log version.
#[derive(Debug, PartialEq, Eq)]
pub struct RecordLayout {
    kind: u32,
    name: &'static str,
    printed: &'static str,
    fields: &'static [FieldLayout],
}

impl RecordLayout {
    /// The number of the type.
    #[must_use]
    pub fn kind(&self) -> u32 {
        self.kind
    }

    /// The name of the type, as its release spells it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The name that the release's `db_printlog` prints; nearly always the same.
    #[must_use]
    pub fn printed_name(&self) -> &'static str {
        self.printed
    }

    /// The fields of the body behind the common prefix, in their order.
    #[must_use]
    pub fn fields(&self) -> &'static [FieldLayout] {
        self.fields
    }
}

/// One field of a record type.
#[derive(Debug, PartialEq, Eq)]
pub struct FieldLayout {
    name: &'static str,
    kind: FieldKind,
    print: Print,
}

impl FieldLayout {
    /// Name of the field.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What the field holds.
    #[must_use]
    pub fn kind(&self) -> FieldKind {
        self.kind
    }

    /// How the release's `db_printlog` shows it.
    #[must_use]
    pub fn print(&self) -> Print {
        self.print
    }
}

/// What a field of a log record holds (log-format, "Field types").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FieldKind {
    /// An unsigned number of 32 bits.
    Unsigned,
    /// A signed number of 32 bits.
    Signed,
    /// A page number.
    Page,
    /// A record number.
    RecordNumber,
    /// The number by which the log knows an open database.
    FileId,
    /// Seconds since 1970, UTC.
    Time,
    /// An operation in the high 24 bits and a page type in the low 8.
    Operation,
    /// An operation of a register record in the low 4 bits, flags above.
    Register,
    /// An LSN.
    Lsn,
    /// An unsigned number of the writer's word size, 4 or 8 bytes.
    Size,
    /// Bytes.
    Bytes,
    /// Bytes: the image of a page, or of its head.
    PageImage,
    /// Bytes: the tail of the page whose head stands in the field before.
    PageTail,
    /// Bytes: an item, or its head.
    Item,
    /// Bytes that follow the head of an item.
    ItemTail,
    /// Bytes: a list of locks.
    Locks,
    /// Bytes: a list of page numbers and LSNs.
    PageList,
}

/// How `db_printlog` shows a field (log-format, "Printing").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Print {
    /// Unsigned decimal, of the printing program's `long`.
    UnsignedLong,
    /// Signed decimal, of the printing program's `long`.
    SignedLong,
    /// Hexadecimal with `0x`.
    Hexadecimal,
    /// Unsigned decimal of 32 bits.
    Unsigned,
    /// Signed decimal of 32 bits.
    Signed,
    /// Octal without prefix.
    Octal,
    /// `[file][offset]`.
    Lsn,
    /// Printable bytes as themselves, others in hexadecimal.
    Bytes,
    /// Seconds, and the local time in two forms.
    Time,
    /// One line for each entry of a list of locks.
    Locks,
    /// An operation, and a page type by name.
    Operation,
    /// The operation of a register record by name, and its flags.
    Register,
    /// Page numbers and LSNs, four to a line.
    PageList,
    /// A file id as an unsigned number.
    Database,
}

/// Writes a table of records: `number name { field: type as form, … }`. A form is
/// given only where it is not the usual one of the type.
macro_rules! records {
    ($($kind:literal $name:ident $(printed $printed:ident)? {
        $($field:ident: $type:ident $(as $form:ident)?),* $(,)?
    })*) => {
        &[$(super::RecordLayout {
            kind: $kind,
            name: stringify!($name),
            printed: super::records!(@printed $name $($printed)?),
            fields: &[$(super::records!(@field $field $type $($form)?)),*],
        }),*]
    };
    (@printed $name:ident) => { stringify!($name) };
    (@printed $name:ident $printed:ident) => { stringify!($printed) };
    (@field $field:ident u32) => { super::records!(@make $field Unsigned UnsignedLong) };
    (@field $field:ident u32 $form:ident) => { super::records!(@as $field Unsigned $form) };
    (@field $field:ident i32) => { super::records!(@make $field Signed SignedLong) };
    (@field $field:ident i32 $form:ident) => { super::records!(@as $field Signed $form) };
    (@field $field:ident pgno) => { super::records!(@make $field Page UnsignedLong) };
    (@field $field:ident pgno $form:ident) => { super::records!(@as $field Page $form) };
    (@field $field:ident recno) => { super::records!(@make $field RecordNumber UnsignedLong) };
    (@field $field:ident recno $form:ident) => { super::records!(@as $field RecordNumber $form) };
    (@field $field:ident fileid) => { super::records!(@make $field FileId SignedLong) };
    (@field $field:ident fileid $form:ident) => { super::records!(@as $field FileId $form) };
    (@field $field:ident time) => { super::records!(@make $field Time Time) };
    (@field $field:ident op) => { super::records!(@make $field Operation Operation) };
    (@field $field:ident regop) => { super::records!(@make $field Register Register) };
    (@field $field:ident lsn) => { super::records!(@make $field Lsn Lsn) };
    (@field $field:ident size) => { super::records!(@make $field Size UnsignedLong) };
    (@field $field:ident dbt) => { super::records!(@make $field Bytes Bytes) };
    (@field $field:ident pgdbt) => { super::records!(@make $field PageImage Bytes) };
    (@field $field:ident pgddbt) => { super::records!(@make $field PageTail Bytes) };
    (@field $field:ident hdr) => { super::records!(@make $field Item Bytes) };
    (@field $field:ident data) => { super::records!(@make $field ItemTail Bytes) };
    (@field $field:ident locks) => { super::records!(@make $field Locks Locks) };
    (@field $field:ident pglist) => { super::records!(@make $field PageList PageList) };
    (@as $field:ident $kind:ident lu) => { super::records!(@make $field $kind UnsignedLong) };
    (@as $field:ident $kind:ident ld) => { super::records!(@make $field $kind SignedLong) };
    (@as $field:ident $kind:ident lx) => { super::records!(@make $field $kind Hexadecimal) };
    (@as $field:ident $kind:ident u) => { super::records!(@make $field $kind Unsigned) };
    (@as $field:ident $kind:ident d) => { super::records!(@make $field $kind Signed) };
    (@as $field:ident $kind:ident o) => { super::records!(@make $field $kind Octal) };
    (@as $field:ident $kind:ident db) => { super::records!(@make $field $kind Database) };
    (@make $field:ident $kind:ident $print:ident) => {
        super::FieldLayout {
            name: stringify!($field),
            kind: super::FieldKind::$kind,
            print: super::Print::$print,
        }
    };
}
use records;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_what_it_changed_and_the_rest_from_before() {
        let schema = |version| Schema::of_version(version).last().unwrap();
        assert_eq!(schema(19).record(41).unwrap().name(), "__db_addrem");
        assert_eq!(schema(5).record(41).unwrap().name(), "db_addrem");
        assert!(schema(8).record(45).is_some());
        assert!(schema(10).record(45).is_none());
        assert_eq!(schema(14).record(150).unwrap().printed_name(), "__fop_rename");
        assert_eq!(Schema::of_version(2).count(), 3);
        assert_eq!(Schema::of_version(6).count(), 0);
        assert!(schema(19).record(u32::MAX).is_none());
    }
}
