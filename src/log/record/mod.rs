//! One record: header, common prefix, and fields by the layout of its type
//! (log-format, "Records").

pub(crate) mod decoded;
pub(super) mod event;
pub(super) mod locks;
mod meaning;

use std::fmt;

use crate::format::log::DEBUG;
use crate::log::schema::{FieldKind, FieldLayout, Name, Op, RecordLayout, Schema};
use crate::order::Endianness;
use crate::types::Lsn;

/// Bytes of the prefix that all bodies of the library's own records have.
const PREFIX: usize = 16;
/// Up to this many zero bytes may follow the last field of an encrypted record.
const PADDING: usize = 15;

/// How the records of one file are written.
#[derive(Clone, Debug)]
pub(crate) struct Format {
    pub(crate) version: u32,
    pub(crate) order: Endianness,
    pub(crate) encrypted: bool,
    /// The record types, those of the file's own dialect first.
    pub(crate) schemas: Vec<&'static Schema>,
}

/// A record of a log file, borrowed from it.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    pub(crate) format: &'a Format,
    pub(crate) lsn: Lsn,
    pub(crate) prev: u32,
    pub(crate) misplaced: Option<u32>,
    pub(crate) len: u32,
    pub(crate) body: &'a [u8],
}

/// The number of a transaction. Numbers are used again after a recovery, and when
/// they run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxnId(pub u32);

impl fmt::Display for TxnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::LowerHex::fmt(&self.0, f)
    }
}

impl<'a> Record<'a> {
    /// Where the record stands.
    #[must_use]
    pub fn lsn(&self) -> Lsn {
        self.lsn
    }

    /// Bytes of the record with its header.
    #[must_use]
    pub fn size(&self) -> u32 {
        self.len
    }

    /// Offset of the record before, as the header says it: in the same file.
    #[must_use]
    pub fn prev(&self) -> u32 {
        self.prev
    }

    /// Where the record before really stands, if the header says something else.
    /// Up to version 11 no checksum covers this.
    #[must_use]
    pub fn misplaced(&self) -> Option<u32> {
        self.misplaced
    }

    /// The version of the log file.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.format.version
    }

    /// The byte order of the numbers.
    #[must_use]
    pub fn endianness(&self) -> Endianness {
        self.format.order
    }

    /// The body as it stands, behind the header; decrypted if need be.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    fn prefix(&self, at: usize) -> u32 {
        let rest = self.body.get(at..).unwrap_or_default();
        self.format.order.split_u32(rest).map_or(0, |(n, _)| n)
    }

    /// The number of the record's type, without the debug mark; 0 if the body is too
    /// short for one.
    #[must_use]
    pub fn kind(&self) -> u32 {
        let kind = self.prefix(0);
        if self.format.version >= 8 { kind & !DEBUG } else { kind }
    }

    /// Whether the record is only there to be printed: recovery skips it.
    #[must_use]
    pub fn debug(&self) -> bool {
        self.format.version >= 8 && self.prefix(0) & DEBUG != 0
    }

    /// The transaction that wrote the record.
    #[must_use]
    pub fn txn(&self) -> Option<TxnId> {
        Some(self.prefix(4)).filter(|&id| id != 0).map(TxnId)
    }

    /// The previous record of the transaction; `[0][0]` in its first record and
    /// outside transactions.
    #[must_use]
    pub fn prev_lsn(&self) -> Lsn {
        Lsn { file: self.prefix(8), offset: self.prefix(12) }
    }

    /// The layout of the record's type.
    ///
    /// # Errors
    ///
    /// The type is not known, or the body does not fit its layout.
    pub fn layout(&self) -> Result<&'static RecordLayout, RecordNote> {
        self.parse().map(|(layout, _)| layout)
    }

    /// The name of the record's type, as its release spells it. Records of
    /// applications are named `application`, others without a layout `unknown`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        let kind = self.kind();
        let known = self.format.schemas.iter().find_map(|schema| schema.record(kind));
        match known {
            Some(layout) if !self.of_application() => layout.name(),
            _ if self.of_application() => "application",
            _ => "unknown",
        }
    }

    /// What keeps the fields from being read, if anything does. The record counts
    /// all the same: its raw [body](Record::body) is there.
    #[must_use]
    pub fn note(&self) -> Option<RecordNote> {
        self.layout().err()
    }

    /// The fields behind the common prefix, in their order; none if there is a
    /// [note](Record::note).
    #[must_use]
    pub fn fields(&self) -> Fields<'a> {
        self.parse().map_or(Fields::none(self.format.order), |(_, fields)| fields)
    }

    /// A field by its name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Value<'a>> {
        self.fields().find(|field| field.name() == name).map(|field| field.value())
    }

    /// Whether it is one of log version 2, and of release 3.0 or 3.1.
    pub(crate) fn is_of_3(&self) -> bool {
        let of_2 = |schema: &&Schema| schema.record(48).is_none();
        self.format.version == 2 && !self.format.schemas.first().is_some_and(of_2)
    }

    /// Types of applications begin at 10000 since release 3.1, before at 150.
    pub(crate) fn of_application(&self) -> bool {
        let first = match self.format.schemas.first() {
            Some(schema) if schema.version() == 2 && schema.record(10).is_none() => 150,
            _ => 10000,
        };
        self.body.len() >= 4 && self.kind() >= first
    }

    /// What the record does if its fields can be read, told by its type alone; `None` if that does not
    /// tell it, and of records of applications.
    #[inline]
    pub(crate) fn presumed(&self) -> Option<Op> {
        let kind = self.kind();
        let mut ops =
            self.format.schemas.iter().filter_map(|schema| schema.record(kind)).map(RecordLayout::op);
        let first = ops.next().filter(|_| !self.of_application())?;
        ops.all(|op| op == first).then_some(first)
    }

    /// Whether the record may do this, as far as its type tells it.
    #[inline]
    pub(crate) fn may_be(&self, op: Op) -> bool {
        self.presumed().is_none_or(|presumed| presumed == op)
    }

    /// The number in a field, if the fields can be read; `Err` if they have to be for that.
    #[inline]
    pub(crate) fn presumed_number(&self, field: Name) -> Result<Option<u32>, Unsure> {
        let [schema] = self.format.schemas.as_slice() else { return Err(Unsure) };
        let layout = schema.record(self.kind()).ok_or(Unsure)?;
        let Some(place) = layout.place(field) else { return Ok(None) };
        let mut at = PREFIX;
        for field in layout.fields().iter().take(place) {
            let len = match field.kind() {
                FieldKind::Lsn => 8,
                FieldKind::Unsigned | FieldKind::Signed | FieldKind::Page | FieldKind::Operation => 4,
                _ => return Err(Unsure),
            };
            at = at.saturating_add(len);
        }
        Ok(self.format.order.u32_at(self.body, at))
    }

    pub(crate) fn parse(&self) -> Result<(&'static RecordLayout, Fields<'a>), RecordNote> {
        self.read(|_, _| {})
    }

    /// As [`Record::parse`], and gives the value of each field with its place. If several layouts have to be
    /// tried, the values of the last one count.
    pub(crate) fn read(
        &self,
        mut value: impl FnMut(usize, Value<'a>),
    ) -> Result<(&'static RecordLayout, Fields<'a>), RecordNote> {
        if self.of_application() {
            return Err(RecordNote::Application);
        }
        let rest = self.body.get(PREFIX..).ok_or(RecordNote::Short { len: self.body.len() })?;
        let kind = self.kind();
        let mut note = RecordNote::UnknownType { kind };
        for layout in self.format.schemas.iter().filter_map(|schema| schema.record(kind)) {
            // Only numbers of the writer's word size differ with it.
            let words = if layout.has_words() { &[4, 8][..] } else { &[4] };
            for &word in words {
                let fields = Fields { layouts: layout.fields(), rest, order: self.format.order, word };
                match fields.check(self.format.encrypted, &mut value) {
                    Ok(()) => return Ok((layout, fields)),
                    Err(other) if matches!(note, RecordNote::UnknownType { .. }) => note = other,
                    Err(_) => {}
                }
            }
        }
        Err(note)
    }
}

impl fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("lsn", &self.lsn)
            .field("name", &self.name())
            .field("txn", &self.txn())
            .field("prev_lsn", &self.prev_lsn())
            .field("fields", &self.fields())
            .finish()
    }
}

/// What the type of a record does not tell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unsure;

/// Why a record is shown as raw bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordNote {
    /// The type is that of an application.
    #[error("a record of an application")]
    Application,
    /// The log version has no record of this type.
    #[error("unknown record type {kind}")]
    UnknownType {
        /// The number of the type.
        kind: u32,
    },
    /// Too short for the prefix that all records have.
    #[error("a body of {len} bytes, records have {PREFIX} at least")]
    Short {
        /// Length of the body in bytes.
        len: usize,
    },
    /// A field reaches past the end of the body.
    #[error("field {field} reaches past the end of the body")]
    Field {
        /// Name of the field.
        field: &'static str,
    },
    /// Bytes are left behind the last field.
    #[error("{len} bytes are left behind the last field")]
    Rest {
        /// How many.
        len: usize,
    },
}

impl RecordNote {
    /// Whether something is wrong with the record, or with what is known about it.
    #[must_use]
    pub fn is_error(&self) -> bool {
        !matches!(self, RecordNote::Application)
    }
}

/// The fields of a record.
#[derive(Clone)]
pub struct Fields<'a> {
    layouts: &'static [FieldLayout],
    rest: &'a [u8],
    order: Endianness,
    word: usize,
}

impl<'a> Fields<'a> {
    fn none(order: Endianness) -> Fields<'a> {
        Fields { layouts: &[], rest: &[], order, word: 4 }
    }

    /// What stands behind the fields that were given.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether the fields fill the body.
    fn check(&self, padded: bool, value: &mut impl FnMut(usize, Value<'a>)) -> Result<(), RecordNote> {
        let mut fields = self.clone();
        for (place, layout) in self.layouts.iter().enumerate() {
            let field = fields.next().ok_or(RecordNote::Field { field: layout.name() })?;
            value(place, field.value());
        }
        let padding = padded && fields.rest.len() <= PADDING && fields.rest.iter().all(|&byte| byte == 0);
        if fields.rest.is_empty() || padding {
            Ok(())
        } else {
            Err(RecordNote::Rest { len: fields.rest.len() })
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let (layout, layouts) = self.layouts.split_first()?;
        let (value, rest) = value(layout.kind(), self.order, self.word, self.rest)?;
        (self.layouts, self.rest) = (layouts, rest);
        Some(Field { layout, value })
    }
}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.clone().map(|field| (field.name(), field.value()))).finish()
    }
}

fn value(kind: FieldKind, order: Endianness, word: usize, bytes: &[u8]) -> Option<(Value<'_>, &[u8])> {
    let (n, rest) = order.split_u32(bytes)?;
    Some(match kind {
        FieldKind::Unsigned
        | FieldKind::Page
        | FieldKind::RecordNumber
        | FieldKind::Operation
        | FieldKind::Register => (Value::Unsigned(n), rest),
        FieldKind::Signed | FieldKind::FileId | FieldKind::Time => (Value::Signed(signed(n)), rest),
        FieldKind::Lsn => {
            let (offset, rest) = order.split_u32(rest)?;
            (Value::Lsn(Lsn { file: n, offset }), rest)
        }
        FieldKind::Size | FieldKind::Wide if word == 8 || kind == FieldKind::Wide => {
            let (second, rest) = order.split_u32(rest)?;
            let (high, low) = if order == Endianness::Big { (n, second) } else { (second, n) };
            (Value::Size(u64::from(high) << 32 | u64::from(low)), rest)
        }
        FieldKind::Size | FieldKind::Wide => (Value::Size(n.into()), rest),
        FieldKind::Bytes
        | FieldKind::PageImage
        | FieldKind::PageTail
        | FieldKind::Item
        | FieldKind::ItemTail
        | FieldKind::Locks
        | FieldKind::PageList => {
            let (bytes, rest) = rest.split_at_checked(usize::try_from(n).ok()?)?;
            (Value::Bytes(bytes), rest)
        }
    })
}

/// One field of a record.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    layout: &'static FieldLayout,
    value: Value<'a>,
}

impl<'a> Field<'a> {
    /// Name of the field.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.layout.name()
    }

    /// Name, type and form of the field.
    #[must_use]
    pub fn layout(&self) -> &'static FieldLayout {
        self.layout
    }

    /// What the field holds.
    #[must_use]
    pub fn value(&self) -> Value<'a> {
        self.value
    }
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// An unsigned number, a page or record number, an operation.
    Unsigned(u32),
    /// A signed number, a file id, or seconds since 1970.
    Signed(i32),
    /// A number of the writer's word size, or of 64 bits.
    Size(u64),
    /// An LSN.
    Lsn(Lsn),
    /// Bytes.
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The value as an unsigned number of 32 bits.
    #[must_use]
    pub fn unsigned(self) -> Option<u32> {
        match self {
            Value::Unsigned(n) => Some(n),
            Value::Signed(n) => u32::try_from(n).ok(),
            Value::Size(n) => u32::try_from(n).ok(),
            Value::Lsn(_) | Value::Bytes(_) => None,
        }
    }

    /// The value as a signed number of 32 bits. Some releases declared file ids and
    /// times as unsigned.
    #[must_use]
    pub fn signed(self) -> Option<i32> {
        match self {
            Value::Unsigned(n) => Some(signed(n)),
            Value::Signed(n) => Some(n),
            Value::Size(_) | Value::Lsn(_) | Value::Bytes(_) => None,
        }
    }

    /// The 32 bits of the value as an unsigned number.
    pub(crate) fn bits(self) -> Option<u32> {
        match self {
            Value::Signed(n) => Some(unsigned(n)),
            _ => self.unsigned(),
        }
    }

    /// The value as an LSN.
    #[must_use]
    pub fn lsn(self) -> Option<Lsn> {
        if let Value::Lsn(lsn) = self { Some(lsn) } else { None }
    }

    /// The value as bytes.
    #[must_use]
    pub fn bytes(self) -> Option<&'a [u8]> {
        if let Value::Bytes(bytes) = self { Some(bytes) } else { None }
    }
}

/// The same 32 bits as a signed number.
pub(crate) fn signed(n: u32) -> i32 {
    i32::from_le_bytes(n.to_le_bytes())
}

/// The same 32 bits as an unsigned number.
pub(crate) fn unsigned(n: i32) -> u32 {
    u32::from_le_bytes(n.to_le_bytes())
}
