//! Where the fields of metadata pages stand (database-format, "BTREE metadata pages" and the
//! annexes): one table for each access method and version, from which all readers and writers
//! take them.

use super::generation::Generation;
pub(crate) use super::magic::{BTREE_MAGIC, HASH_MAGIC, HEAP_MAGIC, QUEUE_MAGIC, RENAME_MAGIC};
use crate::order::Endianness;

/// The version of a file that a change in place has not finished with: "BBDK" in a
/// little-endian file (upgrade, "States of the database file").
pub(crate) const HALF_WRITTEN: u32 = 0x4B44_4242;

/// Shortest metadata page, and the unit in which all of them are read.
pub(crate) const LENGTH: usize = 512;

/// Offsets of fields that stand at one place wherever they are.
pub(crate) mod at {
    pub(crate) const PGNO: usize = 8;
    pub(crate) const MAGIC: usize = 12;
    pub(crate) const VERSION: usize = 16;
    pub(crate) const PAGE_SIZE: usize = 20;
    pub(crate) const ENCRYPTION: usize = 24;
    pub(crate) const TYPE: usize = 25;
    pub(crate) const METAFLAGS: usize = 26;
    /// From release 3.1 on.
    pub(crate) const LAST_PGNO: usize = 32;
    /// Of a tree, from release 3.1 on.
    pub(crate) const ROOT: usize = 88;
    /// From release 4.1 on.
    pub(crate) const CRYPTO_MAGIC: usize = 460;
    #[cfg(feature = "upgrade")]
    /// From release 4.8 on; half of an LSN in files of 3.1.
    pub(crate) const NPARTS: usize = 36;
}

/// encrypt_alg of release 4.1 and later: the one cipher that there is.
pub(crate) const AES: u8 = 1;

/// metaflags of release 4.1 and later.
pub(crate) const CHECKSUMMED: u8 = 0x01;
pub(crate) const BY_KEYS: u8 = 0x02;
pub(crate) const BY_CALLBACK: u8 = 0x04;
pub(crate) const PARTITIONED: u8 = BY_KEYS | BY_CALLBACK;
/// metaflags of release 6.2 and later, and the flags that say the same of a BTREE and a HASH.
pub(crate) const SLICED: u8 = 0x08;
pub(crate) const SLICED_BTREE: u32 = 0x100;
pub(crate) const SLICED_HASH: u32 = 0x08;

macro_rules! fields {
    ($($name:ident $text:literal),* $(,)?) => {
        /// A field of a metadata page.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Field { $($name),* }

        impl Field {
            /// The name that the specification gives it.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Field::$name => $text),* }
            }
        }
    };
}

fields! {
    Lsn "lsn", Pgno "pgno", Magic "magic", Version "version", PageSize "pagesize",
    EncryptAlg "encrypt_alg", Type "type", Metaflags "metaflags", Free "free", LastPgno "last_pgno",
    Nparts "nparts", KeyCount "key_count", RecordCount "record_count", Flags "flags", Uid "uid",
    MaxKey "maxkey", MinKey "minkey", ReLen "re_len", RePad "re_pad", Root "root",
    OvflPoint "ovfl_point", MaxBucket "max_bucket", HighMask "high_mask", LowMask "low_mask",
    Ffactor "ffactor", Nelem "nelem", Charkey "h_charkey", Spares "spares",
    Start "start", FirstRecno "first_recno", CurRecno "cur_recno", RecPage "rec_page", PageExt "page_ext",
    CurRegion "curregion", Nregions "nregions", Gbytes "gbytes", Bytes "bytes", RegionSize "region_size",
    Threshold "threshold", FileLow "file_lo", FileHigh "file_hi", DatabaseLow "sdb_lo",
    DatabaseHigh "sdb_hi", CryptoMagic "crypto_magic", Iv "iv", Chksum "chksum",
}

/// A field, its offset in the page, and how many bytes it has.
type Entry = (Field, usize, usize);

use Field::*;

const PREFIX: &[Entry] = &[(Lsn, 0, 8), (Pgno, 8, 4), (Magic, 12, 4), (Version, 16, 4), (PageSize, 20, 4)];
/// The header of release 3.0.
const HEADER_30: &[Entry] = &[(Type, 25, 1), (Free, 28, 4), (Flags, 32, 4), (Uid, 36, 20)];
/// The header of release 3.1 and later.
const HEADER_31: &[Entry] = &[
    (EncryptAlg, 24, 1),
    (Type, 25, 1),
    (Metaflags, 26, 1),
    (Free, 28, 4),
    (LastPgno, 32, 4),
    (Nparts, 36, 4),
    (KeyCount, 40, 4),
    (RecordCount, 44, 4),
    (Flags, 48, 4),
    (Uid, 52, 20),
];
const BTREE_6: &[Entry] = &[
    (MaxKey, 24, 4),
    (MinKey, 28, 4),
    (Free, 32, 4),
    (Flags, 36, 4),
    (ReLen, 40, 4),
    (RePad, 44, 4),
    (Uid, 48, 20),
];
const BTREE_7: &[Entry] = &[(MaxKey, 56, 4), (MinKey, 60, 4), (ReLen, 64, 4), (RePad, 68, 4), (Root, 72, 4)];
const BTREE_8: &[Entry] = &[(MaxKey, 72, 4), (MinKey, 76, 4), (ReLen, 80, 4), (RePad, 84, 4), (Root, 88, 4)];
const HASH_4: &[Entry] = &[
    (OvflPoint, 24, 4),
    (Free, 28, 4),
    (MaxBucket, 32, 4),
    (HighMask, 36, 4),
    (LowMask, 40, 4),
    (Ffactor, 44, 4),
    (Nelem, 48, 4),
    (Charkey, 52, 4),
    (Flags, 56, 4),
    (Spares, 60, 128),
    (Uid, 188, 20),
];
const HASH_6: &[Entry] = &[
    (MaxBucket, 56, 4),
    (HighMask, 60, 4),
    (LowMask, 64, 4),
    (Ffactor, 68, 4),
    (Nelem, 72, 4),
    (Charkey, 76, 4),
    (Spares, 80, 128),
];
const HASH_7: &[Entry] = &[
    (MaxBucket, 72, 4),
    (HighMask, 76, 4),
    (LowMask, 80, 4),
    (Ffactor, 84, 4),
    (Nelem, 88, 4),
    (Charkey, 92, 4),
    (Spares, 96, 128),
];
const QUEUE_1: &[Entry] = &[
    (Start, 56, 4),
    (FirstRecno, 60, 4),
    (CurRecno, 64, 4),
    (ReLen, 68, 4),
    (RePad, 72, 4),
    (RecPage, 76, 4),
];
const QUEUE_2: &[Entry] = &[
    (Start, 72, 4),
    (FirstRecno, 76, 4),
    (CurRecno, 80, 4),
    (ReLen, 84, 4),
    (RePad, 88, 4),
    (RecPage, 92, 4),
];
const QUEUE_3: &[Entry] = &[
    (FirstRecno, 72, 4),
    (CurRecno, 76, 4),
    (ReLen, 80, 4),
    (RePad, 84, 4),
    (RecPage, 88, 4),
    (PageExt, 92, 4),
];
const HEAP_1: &[Entry] =
    &[(CurRegion, 72, 4), (Nregions, 76, 4), (Gbytes, 80, 4), (Bytes, 84, 4), (RegionSize, 88, 4)];
/// What releases 6.0 and later added, beginning with 6.0.19, which still wrote the versions of 5.3.
const EXTERNAL_BTREE: &[Entry] = &[
    (Threshold, 92, 4),
    (FileLow, 96, 4),
    (FileHigh, 100, 4),
    (DatabaseLow, 104, 4),
    (DatabaseHigh, 108, 4),
];
const EXTERNAL_HASH: &[Entry] = &[
    (Threshold, 224, 4),
    (FileLow, 228, 4),
    (FileHigh, 232, 4),
    (DatabaseLow, 236, 4),
    (DatabaseHigh, 240, 4),
];
const EXTERNAL_HEAP: &[Entry] = &[(Threshold, 92, 4), (FileLow, 96, 4), (FileHigh, 100, 4)];
/// What release 4.1 added.
const TAIL: &[Entry] = &[(CryptoMagic, 460, 4), (Iv, 476, 16), (Chksum, 492, 20)];

/// The fields of the metadata pages of one access method and version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    magic: u32,
    generation: Generation,
    header: &'static [Entry],
    own: &'static [Entry],
    external: &'static [Entry],
    tail: &'static [Entry],
}

impl Layout {
    /// The magic number.
    pub(crate) fn magic(&self) -> u32 {
        self.magic
    }

    /// The layout of a metadata page with this magic number and version; `None` if no release
    /// wrote such.
    pub(crate) fn of(magic: u32, version: u32) -> Option<Layout> {
        let generation = Generation::of(magic, version)?;
        let own = match (magic, version) {
            (BTREE_MAGIC, 6) => BTREE_6,
            (BTREE_MAGIC, 7) => BTREE_7,
            (BTREE_MAGIC, _) => BTREE_8,
            (HASH_MAGIC, 4 | 5) => HASH_4,
            (HASH_MAGIC, 6) => HASH_6,
            (HASH_MAGIC, _) => HASH_7,
            (QUEUE_MAGIC, 1) => QUEUE_1,
            (QUEUE_MAGIC, 2) => QUEUE_2,
            (QUEUE_MAGIC, _) => QUEUE_3,
            _ => HEAP_1,
        };
        let header = match generation {
            Generation::V1 | Generation::V2 => &[],
            Generation::V30 => HEADER_30,
            Generation::V31 | Generation::V41 | Generation::V60 => HEADER_31,
        };
        let external: &[Entry] = match (magic, version) {
            (BTREE_MAGIC, 9..) => EXTERNAL_BTREE,
            (HASH_MAGIC, 9..) => EXTERNAL_HASH,
            (HEAP_MAGIC, _) => EXTERNAL_HEAP,
            _ => &[],
        };
        let tail: &[Entry] = if generation.has_checksums() { TAIL } else { &[] };
        Some(Layout { magic, generation, header, own, external, tail })
    }

    /// That of a file of the 1.x series, whose fields are others: it has none.
    pub(crate) fn of_series1(magic: u32) -> Layout {
        Layout { magic, generation: Generation::V1, header: &[], own: &[], external: &[], tail: &[] }
    }

    /// The layout of the metadata page that these bytes begin.
    pub(crate) fn of_page(page: &[u8], order: Endianness) -> Option<Layout> {
        Layout::of(order.u32_at(page, at::MAGIC)?, order.u32_at(page, at::VERSION)?)
    }

    /// The layout that release 5.3 writes with this magic number; `None` if it has no such.
    pub(crate) fn newest(magic: u32) -> Option<Layout> {
        let mut all = (1..=9).rev().filter_map(|version| Layout::of(magic, version));
        all.find(|layout| layout.generation <= Generation::V41)
    }

    /// The family of releases that wrote it.
    pub(crate) fn generation(&self) -> Generation {
        self.generation
    }

    /// All fields in the order of their offsets, each with its length.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> {
        let prefix: &[Entry] = if self.generation == Generation::V1 { &[] } else { PREFIX };
        [prefix, self.header, self.own, self.external, self.tail].into_iter().flatten().copied()
    }

    /// Where a field stands and how long it is; `None` if the version has none.
    pub(crate) fn place(&self, field: Field) -> Option<(usize, usize)> {
        self.entries().find(|(name, ..)| *name == field).map(|(_, at, len)| (at, len))
    }

    /// The bytes of a field; `None` if the version has none, or the page is too short.
    pub(crate) fn bytes<'p>(&self, page: &'p [u8], field: Field) -> Option<&'p [u8]> {
        let (at, len) = self.place(field)?;
        page.get(at..)?.get(..len)
    }

    /// A field that is a number of one or four bytes, as [`Layout::bytes`].
    pub(crate) fn number(&self, page: &[u8], field: Field, order: Endianness) -> Option<u32> {
        match self.bytes(page, field)? {
            [byte] => Some((*byte).into()),
            bytes => order.u32_at(bytes, 0),
        }
    }

    /// Puts a number into a field of four bytes, or of one; nothing if the version has no such
    /// field.
    #[cfg(any(feature = "upgrade", feature = "build"))]
    pub(crate) fn put(&self, page: &mut [u8], field: Field, order: Endianness, number: u32) {
        match self.place(field) {
            Some((at, 1)) => super::edit::put(page, at, &number.to_le_bytes()[..1]),
            Some((at, _)) => order.put_u32(page, at, number),
            None => {}
        }
    }

    /// Takes over the fields of a page of another version, each to its new place. What that
    /// does not have stays as it stands.
    #[cfg(feature = "upgrade")]
    pub(crate) fn carry(&self, page: &mut [u8], from: &Layout, old: &[u8]) {
        for (field, at, _) in self.entries() {
            if let Some(bytes) = from.bytes(old, field) {
                super::edit::put(page, at, bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests;
