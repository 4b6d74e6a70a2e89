//! What a table says of a record type and of its fields.

use std::sync::OnceLock;

use super::name::{Name, Places};
use super::op::Op;

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
    pub(super) const fn new(
        version: u32,
        before: Option<&'static Schema>,
        dropped: &'static [u32],
        changed: &'static [RecordLayout],
    ) -> Schema {
        Schema { version, before, dropped, changed, table: OnceLock::new() }
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
    pub(super) kind: u32,
    pub(super) name: &'static str,
    pub(super) printed: &'static str,
    pub(super) op: Op,
    pub(super) fields: &'static [FieldLayout],
    pub(super) places: Places,
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

    /// What the record does, whatever its release calls it.
    pub(crate) fn op(&self) -> Op {
        self.op
    }

    /// Whether a field depends on the word size of the writer.
    pub(crate) fn has_words(&self) -> bool {
        self.fields.iter().any(|field| field.kind == FieldKind::Size)
    }

    /// The place of a field among the others.
    pub(crate) fn place(&self, field: Name) -> Option<usize> {
        self.places.of_field(field)
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
    pub(super) name: &'static str,
    pub(super) kind: FieldKind,
    pub(super) print: Print,
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
    /// An unsigned number of 64 bits, in the order of the log.
    Wide,
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
        &[$(super::layout::RecordLayout {
            kind: $kind,
            name: stringify!($name),
            printed: super::layout::records!(@printed $name $($printed)?),
            op: super::op::Op::of(stringify!($name)),
            fields: &[$(super::layout::records!(@field $field $type $($form)?)),*],
            places: super::name::Places::of(&[$(super::name::Name::$field),*]),
        }),*]
    };
    (@printed $name:ident) => { stringify!($name) };
    (@printed $name:ident $printed:ident) => { stringify!($printed) };
    (@field $field:ident u32) => { super::layout::records!(@make $field Unsigned UnsignedLong) };
    (@field $field:ident u32 $form:ident) => { super::layout::records!(@as $field Unsigned $form) };
    (@field $field:ident i32) => { super::layout::records!(@make $field Signed SignedLong) };
    (@field $field:ident i32 $form:ident) => { super::layout::records!(@as $field Signed $form) };
    (@field $field:ident pgno) => { super::layout::records!(@make $field Page UnsignedLong) };
    (@field $field:ident pgno $form:ident) => { super::layout::records!(@as $field Page $form) };
    (@field $field:ident recno) => { super::layout::records!(@make $field RecordNumber UnsignedLong) };
    (@field $field:ident recno $form:ident) => { super::layout::records!(@as $field RecordNumber $form) };
    (@field $field:ident fileid) => { super::layout::records!(@make $field FileId SignedLong) };
    (@field $field:ident fileid $form:ident) => { super::layout::records!(@as $field FileId $form) };
    (@field $field:ident time) => { super::layout::records!(@make $field Time Time) };
    (@field $field:ident op) => { super::layout::records!(@make $field Operation Operation) };
    (@field $field:ident regop) => { super::layout::records!(@make $field Register Register) };
    (@field $field:ident lsn) => { super::layout::records!(@make $field Lsn Lsn) };
    (@field $field:ident size) => { super::layout::records!(@make $field Size UnsignedLong) };
    (@field $field:ident u64) => { super::layout::records!(@make $field Wide UnsignedLong) };
    (@field $field:ident dbt) => { super::layout::records!(@make $field Bytes Bytes) };
    (@field $field:ident pgdbt) => { super::layout::records!(@make $field PageImage Bytes) };
    (@field $field:ident pgddbt) => { super::layout::records!(@make $field PageTail Bytes) };
    (@field $field:ident hdr) => { super::layout::records!(@make $field Item Bytes) };
    (@field $field:ident data) => { super::layout::records!(@make $field ItemTail Bytes) };
    (@field $field:ident locks) => { super::layout::records!(@make $field Locks Locks) };
    (@field $field:ident pglist) => { super::layout::records!(@make $field PageList PageList) };
    (@as $field:ident $kind:ident lu) => { super::layout::records!(@make $field $kind UnsignedLong) };
    (@as $field:ident $kind:ident ld) => { super::layout::records!(@make $field $kind SignedLong) };
    (@as $field:ident $kind:ident lx) => { super::layout::records!(@make $field $kind Hexadecimal) };
    (@as $field:ident $kind:ident u) => { super::layout::records!(@make $field $kind Unsigned) };
    (@as $field:ident $kind:ident d) => { super::layout::records!(@make $field $kind Signed) };
    (@as $field:ident $kind:ident o) => { super::layout::records!(@make $field $kind Octal) };
    (@as $field:ident $kind:ident db) => { super::layout::records!(@make $field $kind Database) };
    (@make $field:ident $kind:ident $print:ident) => {
        super::layout::FieldLayout {
            name: stringify!($field),
            kind: super::layout::FieldKind::$kind,
            print: super::layout::Print::$print,
        }
    };
}
pub(super) use records;
