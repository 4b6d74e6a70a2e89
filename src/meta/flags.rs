//! The flags of a BTREE metadata page.

use std::fmt;

use crate::format::generation::Generation;

/// The flags of a database (database-format, "flags").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u32);

const DUP: u32 = 0x01;
const RECNO: u32 = 0x02;
const RECNUM: u32 = 0x04;
const FIXEDLEN: u32 = 0x08;
const RENUMBER: u32 = 0x10;
const SUBDB: u32 = 0x20;
const DUPSORT: u32 = 0x40;
const COMPRESS: u32 = 0x80;

/// Stands for bits that have no place here.
const UNKNOWN: u32 = 0x8000_0000;

const NAMES: [(u32, &str); 8] = [
    (DUP, "duplicates"),
    (RECNO, "recno"),
    (RECNUM, "record numbers"),
    (FIXEDLEN, "fixed length"),
    (RENUMBER, "renumber"),
    (SUBDB, "several databases"),
    (DUPSORT, "sorted duplicates"),
    (COMPRESS, "compressed"),
];

impl Flags {
    /// The bit of [`Flags::sorted_duplicates`].
    #[cfg(feature = "upgrade")]
    pub(crate) const SORTED: u32 = DUPSORT;

    pub(crate) fn new(bits: u32) -> Flags {
        Flags(bits)
    }

    /// The flags of a HASH database, where the bits have other places.
    pub(crate) fn of_hash(bits: u32) -> Flags {
        let places = [(0x01, DUP), (0x02, SUBDB), (0x04, DUPSORT)];
        let known = places.iter().filter(|(bit, _)| bits & bit != 0).fold(0, |all, (_, flag)| all | flag);
        let unknown = if bits & !0x07 == 0 { 0 } else { UNKNOWN };
        Flags(known | unknown)
    }

    /// The flags of a QUEUE or a HEAP, which have none.
    pub(crate) fn of_none(bits: u32) -> Flags {
        Flags(if bits == 0 { 0 } else { UNKNOWN })
    }

    /// The flags of a file of the 1.x series, where the bits are others.
    pub(super) fn of_series1(duplicates: bool, recno: bool) -> Flags {
        Flags(if duplicates { DUP } else { 0 } | if recno { RECNO } else { 0 })
    }

    /// The bits, as they are stored in BTREE files.
    #[must_use]
    pub fn bits(self) -> u32 {
        self.0
    }

    fn has(self, bits: u32) -> bool {
        self.0 & bits != 0
    }

    /// A key may have several values.
    #[must_use]
    pub fn duplicates(self) -> bool {
        self.has(DUP)
    }

    /// The tree is that of a RECNO database.
    #[must_use]
    pub fn recno(self) -> bool {
        self.has(RECNO)
    }

    /// A BTREE that keeps record numbers.
    #[must_use]
    pub fn record_numbers(self) -> bool {
        self.has(RECNUM)
    }

    /// RECNO: all records have one length.
    #[must_use]
    pub fn fixed_length(self) -> bool {
        self.has(FIXEDLEN)
    }

    /// RECNO: numbers close up when a record is deleted.
    #[must_use]
    pub fn renumber(self) -> bool {
        self.has(RENUMBER)
    }

    /// The file holds several databases; also set on each of them.
    #[must_use]
    pub fn several_databases(self) -> bool {
        self.has(SUBDB)
    }

    /// The values of a key are sorted. Not recorded before version 8.
    #[must_use]
    pub fn sorted_duplicates(self) -> bool {
        self.has(DUPSORT)
    }

    /// Leaf entries are compressed.
    #[must_use]
    pub fn compressed(self) -> bool {
        self.has(COMPRESS)
    }

    /// The names of the flags that are set, in words.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.iter().filter(move |(bit, _)| self.has(*bit)).map(|(_, name)| *name)
    }

    /// What would be legal, if these flags are not.
    pub(super) fn objection(self, generation: Generation) -> Option<&'static str> {
        let known = match generation {
            Generation::V1 | Generation::V2 => 0x1f,
            Generation::V30 => 0x3f,
            Generation::V31 => 0x7f,
            Generation::V41 | Generation::V60 => 0xff,
        };
        if self.has(!known) {
            Some("flags that this version knows")
        } else if self.recno() && self.duplicates() {
            Some("no duplicates in a RECNO database")
        } else if self.has(FIXEDLEN | RENUMBER) && !self.recno() {
            Some("fixed length and renumber in RECNO only")
        } else if generation > Generation::V2 && self.record_numbers() && self.duplicates() {
            Some("no duplicates where record numbers are kept")
        } else if self.compressed() && (self.recno() || self.record_numbers()) {
            Some("no records or record numbers in a compressed database")
        } else if self.compressed() && self.duplicates() && !self.sorted_duplicates() {
            Some("duplicates of a compressed database that are sorted")
        } else {
            None
        }
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, name) in self.names().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}
