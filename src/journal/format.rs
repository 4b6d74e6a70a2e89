//! The journal's bytes: header, page entries, records (upgrade, "Journal file").
//!
//! ```text
//! header 512   entry 0   entry 1   …   entry of page 0   CMIT 64   [ROLL 64]   DONE 64
//! entry: head 32, then one of: image before, image after
//!                              image after (an appended page)
//!                              image before, the parts in which the image after differs
//!                              image before (a page that is cut off)
//! ```
//!
//! Everything is little-endian, and each part ends with the CRC-32 of its other bytes.
//!
//! # Header
//!
//! The second form of the journal is written; the first is read as well.
//!
//! | offset | size | second form, `BDBKJRN2` | first form, `BDBKJRN1` |
//! |---|---|---|---|
//! | 0 | 8 | magic | magic |
//! | 8 | 4 | header size, 512 | the same |
//! | 12 | 1 | byte order before: 0 little, 1 big | operation: 1 upgrade, 2 reset-lsn, 3 reset-fileid |
//! | 13 | 1 | byte order after | byte order |
//! | 14 | 2 | version before, version after | the same |
//! | 16 | 4 | page size | the same |
//! | 20 | 4 | option bits | the same |
//! | 24 | 16 | length of the file before, and after | the same; it does not become shorter |
//! | 40 | 24 | device, inode, id of the journal | the same |
//! | 64 | 12 | CRC-32 of page 0's first 512 bytes: before, poison, after | the same |
//! | 76 | 4 | number of entries | the same |
//! | 80 | 20 | new file id | the same |
//! | 100 | 32 | SHA-256 of the pairs, if the promise has one, else 0 | 0 if only page 0 changes |
//! | 132 | 8 | number of pairs, or 0 | the same |
//! | 140 | 1 | promise: 1 the same pairs, 2 only page 0 changes, 3 these pairs, 4 sound | 0 |
//! | 144 | 16 | name of the operation in ASCII, zeros behind it | 0 |
//! | 508 | 4 | CRC-32 of bytes 0 to 507 | the same |

use nom::bytes::complete::take;
use nom::number::complete::{le_u32, le_u64};
use nom::{IResult, Parser};

use super::disk::Identity;
use super::error::Flaw;
use super::plan::{ContentSum, Facts, Operation, Options, Promise};
use crate::order::Endianness;
use crate::types::{FileId, PageNo, PageSize};

/// Length of the header, in bytes.
pub(super) const HEADER: usize = 512;
/// Length of the head of an entry, in bytes.
pub(super) const ENTRY: usize = 32;
/// Length of a record, in bytes.
pub(super) const RECORD: usize = 64;
/// Records there may be: the commit, the intent to roll back, the end.
pub(super) const RECORDS: usize = 3;

const MAGIC: &[u8; 8] = b"BDBKJRN2";
/// That of the first form, which is no longer written.
const FIRST: &[u8; 8] = b"BDBKJRN1";
const PAGE: &[u8; 4] = b"PAGE";
const COMMIT: &[u8; 4] = b"CMIT";
const ROLL: &[u8; 4] = b"ROLL";
const DONE: &[u8; 4] = b"DONE";

/// The option bits.
mod bit {
    pub(super) const SORTED: u32 = 1;
    pub(super) const POISON: u32 = 2;
    pub(super) const GENUINE_8A: u32 = 4;
    pub(super) const GENUINE_8B: u32 = 8;
    pub(super) const LOGS_IGNORED: u32 = 16;
    pub(super) const ONE_OF_SET: u32 = 32;
    pub(super) const EXTENT: u32 = 64;
    pub(super) const SUMS_LEFT: u32 = 128;
}

/// The codes of byte 12 in the first form.
const FIRST_OPERATIONS: [(u8, Operation); 5] = [
    (1, Operation::Upgrade),
    (2, Operation::ResetLsn),
    (3, Operation::ResetFileId),
    (4, Operation::Downgrade),
    (5, Operation::Repair),
];

/// Length of the name of an operation, in bytes.
const NAME: usize = 16;

/// The header of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) facts: Facts,
    /// Whether page 0 passes through the poison state.
    pub(super) poison: bool,
    /// Whether the file is one of a set that is changed as a unit.
    pub(super) one_of_set: bool,
    /// Length of the file before, in bytes.
    pub(super) len_before: u64,
    /// Length of the file after, in bytes.
    pub(super) len_after: u64,
    /// Which file it is.
    pub(super) identity: Identity,
    /// The journal's id, random.
    pub(super) id: u64,
    /// CRC-32 of page 0's first 512 bytes: before, poisoned (0: not used), after.
    pub(super) heads: [u32; 3],
    /// Number of entries.
    pub(super) entries: u32,
}

impl Header {
    pub(super) fn encode(&self) -> [u8; HEADER] {
        let facts = &self.facts;
        let order = |order| match order {
            Endianness::Little => 0,
            Endianness::Big => 1,
        };
        let orders = [order(facts.source_order), order(facts.target_order)];
        let mut name = [0; NAME];
        name.iter_mut().zip(facts.operation.name().bytes()).for_each(|(to, from)| *to = from);
        let promise = match facts.promise {
            Promise::SamePairs(_) => 1,
            Promise::OnlyPageZero => 2,
            Promise::Pairs(_) => 3,
            Promise::SoundOnly => 4,
        };
        let options = [
            (facts.options.sorted, bit::SORTED),
            (self.poison, bit::POISON),
            (facts.options.genuine_8a, bit::GENUINE_8A),
            (facts.options.genuine_8b, bit::GENUINE_8B),
            (facts.options.logs_ignored, bit::LOGS_IGNORED),
            (self.one_of_set, bit::ONE_OF_SET),
            (facts.options.extent, bit::EXTENT),
            (facts.options.sums_left, bit::SUMS_LEFT),
        ];
        let options = options.iter().filter(|(set, _)| *set).fold(0, |bits, (_, bit)| bits | bit);
        let [before, poison, after] = self.heads;
        seal(&[
            MAGIC,
            &512_u32.to_le_bytes(),
            &orders,
            &[facts.source_version, facts.target_version],
            &facts.page_size.get().to_le_bytes(),
            &options.to_le_bytes(),
            &self.len_before.to_le_bytes(),
            &self.len_after.to_le_bytes(),
            &self.identity.device.to_le_bytes(),
            &self.identity.inode.to_le_bytes(),
            &self.id.to_le_bytes(),
            &before.to_le_bytes(),
            &poison.to_le_bytes(),
            &after.to_le_bytes(),
            &self.entries.to_le_bytes(),
            &facts.new_uid.0,
            &facts.promise.content().map_or([0; 32], |sum| sum.digest),
            &facts.promise.content().map_or(0, |sum| sum.pairs).to_le_bytes(),
            &[promise, 0, 0, 0],
            &name,
        ])
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Header, Flaw> {
        let content = unseal(bytes).map_err(|(found, expected)| Flaw {
            offset: 508,
            what: "CRC of the header",
            found: found.into(),
            expected: expected.into(),
            whole: false,
        })?;
        let short = Flaw { offset: 0, what: "header", found: 0, expected: 512, whole: false };
        let (_, raw) = RawHeader::parse(content).map_err(|_| short)?;
        raw.check()
    }
}

/// The fields of a header, legal or not.
struct RawHeader {
    magic: [u8; 8],
    size: u32,
    /// The byte orders; in the first form operation and byte order.
    kind: [u8; 2],
    versions: [u8; 2],
    page_size: u32,
    options: u32,
    lens: (u64, u64),
    identity: Identity,
    id: u64,
    heads: [u32; 3],
    entries: u32,
    new_uid: FileId,
    digest: [u8; 32],
    pairs: u64,
    promise: u32,
    operation: [u8; NAME],
}

impl RawHeader {
    fn parse(input: &[u8]) -> IResult<&[u8], RawHeader> {
        let (input, (magic, size)) = (array, le_u32).parse(input)?;
        let (input, (kind, versions)) = (array, array).parse(input)?;
        let (input, (page_size, options, lens)) = (le_u32, le_u32, (le_u64, le_u64)).parse(input)?;
        let (input, (device, inode, id)) = (le_u64, le_u64, le_u64).parse(input)?;
        let (input, (before, poison, after, entries)) = (le_u32, le_u32, le_u32, le_u32).parse(input)?;
        let (input, (new_uid, digest, pairs)) = (array, array, le_u64).parse(input)?;
        let (input, (promise, operation)) = (le_u32, array).parse(input)?;
        let raw = RawHeader {
            magic,
            size,
            kind,
            versions,
            page_size,
            options,
            lens,
            identity: Identity { device, inode },
            id,
            heads: [before, poison, after],
            entries,
            new_uid: FileId(new_uid),
            digest,
            pairs,
            promise,
            operation,
        };
        Ok((input, raw))
    }

    /// The header that these fields make, if they are legal and fit together.
    fn check(self) -> Result<Header, Flaw> {
        let first = self.magic == *FIRST;
        if !first {
            equal(0, "magic", u64::from_le_bytes(self.magic), u64::from_le_bytes(*MAGIC))?;
        }
        equal(8, "header size", self.size.into(), 512)?;
        let (operation, source_order, target_order, promise) =
            if first { self.first()? } else { self.second()? };
        let page_size =
            PageSize::new(self.page_size).ok_or(flaw(16, "page size", self.page_size.into(), 4096))?;
        let (len_before, len_after) = self.lens;
        for (offset, len) in [(24, len_before), (32, len_after)] {
            let rest = len.checked_rem(page_size.get().into()).unwrap_or(1);
            equal(offset, "bytes of the file behind its last page", rest, 0)?;
        }
        if len_before == 0 || len_after == 0 || (first && len_after < len_before) {
            return Err(flaw(32, "length of the file after", len_after, len_before));
        }
        let option = |bit| self.options & bit != 0;
        let options = Options {
            sorted: option(bit::SORTED),
            genuine_8a: option(bit::GENUINE_8A),
            genuine_8b: option(bit::GENUINE_8B),
            logs_ignored: option(bit::LOGS_IGNORED),
            extent: option(bit::EXTENT),
            sums_left: option(bit::SUMS_LEFT),
        };
        let poison = option(bit::POISON);
        equal(20, "poison bit of the options", poison.into(), (self.entries > 1).into())?;
        let [source_version, target_version] = self.versions;
        Ok(Header {
            facts: Facts {
                operation,
                source_order,
                target_order,
                source_version,
                target_version,
                page_size,
                options,
                new_uid: self.new_uid,
                promise,
            },
            poison,
            one_of_set: option(bit::ONE_OF_SET),
            len_before,
            len_after,
            identity: self.identity,
            id: self.id,
            heads: self.heads,
            entries: self.entries,
        })
    }

    /// What the first form says in its own way.
    fn first(&self) -> Result<(Operation, Endianness, Endianness, Promise), Flaw> {
        let [code, order] = self.kind;
        let operation = FIRST_OPERATIONS.into_iter().find(|(known, _)| *known == code);
        let (_, operation) = operation.ok_or(flaw(12, "operation", code.into(), 1))?;
        let order = byte_order(13, order)?;
        // No content has a sum of zeros.
        let promise =
            if self.digest == [0; 32] { Promise::OnlyPageZero } else { Promise::SamePairs(self.sum()) };
        Ok((operation, order, order, promise))
    }

    /// The same in the second form.
    fn second(&self) -> Result<(Operation, Endianness, Endianness, Promise), Flaw> {
        let length = self.operation.iter().position(|&byte| byte == 0).unwrap_or(NAME);
        let (name, rest) = self.operation.split_at_checked(length).unwrap_or_default();
        let unknown = || {
            let first = self.operation.first_chunk().copied().unwrap_or_default();
            flaw(144, "name of the operation", u64::from_le_bytes(first), 0)
        };
        let known = Operation::ALL.into_iter().find(|known| known.name().as_bytes() == name);
        let operation = known.filter(|_| rest.iter().all(|&byte| byte == 0)).ok_or_else(unknown)?;
        let [before, after] = self.kind;
        let promise = match self.promise {
            1 => Promise::SamePairs(self.sum()),
            2 => Promise::OnlyPageZero,
            3 => Promise::Pairs(self.sum()),
            4 => Promise::SoundOnly,
            found => return Err(flaw(140, "promise", found.into(), 1)),
        };
        if !operation.may(&promise) {
            return Err(flaw(140, "promise that the operation may give", self.promise.into(), 1));
        }
        Ok((operation, byte_order(12, before)?, byte_order(13, after)?, promise))
    }

    fn sum(&self) -> ContentSum {
        ContentSum { digest: self.digest, pairs: self.pairs }
    }
}

fn byte_order(offset: u64, code: u8) -> Result<Endianness, Flaw> {
    match code {
        0 => Ok(Endianness::Little),
        1 => Ok(Endianness::Big),
        found => Err(flaw(offset, "byte order", found.into(), 0)),
    }
}

/// A field of a whole header that is wrong.
fn flaw(offset: u64, what: &'static str, found: u64, expected: u64) -> Flaw {
    Flaw { offset, what, found, expected, whole: true }
}

fn equal(offset: u64, what: &'static str, found: u64, expected: u64) -> Result<(), Flaw> {
    if found == expected { Ok(()) } else { Err(flaw(offset, what, found, expected)) }
}

/// The head of a page entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EntryHead {
    /// Number of the entry, from 0.
    pub(super) number: u32,
    /// The page.
    pub(super) page: PageNo,
    /// What follows the head.
    pub(super) images: Images,
    /// CRC-32 of the image after; 0 if there is none.
    pub(super) after: u32,
}

/// What follows the head of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Images {
    /// Both images; the CRC-32 of that before.
    Both { before: u32 },
    /// The image after: the page is appended and has no other.
    After,
    /// The image before, with its CRC-32, and the parts in which the image after differs.
    Parts { before: u32 },
    /// The image before, with its CRC-32: the page is cut off and has no other.
    Before { before: u32 },
}

impl EntryHead {
    /// The head, in the journal with this id.
    pub(super) fn encode(&self, journal: u64) -> [u8; ENTRY] {
        let (kind, before) = match self.images {
            Images::Both { before } => (1_u32, before),
            Images::After => (2, 0),
            Images::Parts { before } => (3, before),
            Images::Before { before } => (4, before),
        };
        seal(&[
            PAGE,
            &self.number.to_le_bytes(),
            &self.page.0.to_le_bytes(),
            &kind.to_le_bytes(),
            &before.to_le_bytes(),
            &self.after.to_le_bytes(),
            &low(journal).to_le_bytes(),
        ])
    }

    /// The head, if it is one of the journal with this id.
    pub(super) fn parse(bytes: &[u8], journal: u64) -> Option<EntryHead> {
        let content = unseal(bytes).ok()?;
        let fields = (take(4_usize), le_u32, le_u32, le_u32, le_u32, le_u32, le_u32);
        let (_, (tag, number, page, kind, before, after, id)) = raw(fields, content)?;
        let images = match kind {
            1 => Images::Both { before },
            2 if before == 0 => Images::After,
            3 => Images::Parts { before },
            4 if after == 0 => Images::Before { before },
            _ => return None,
        };
        let ours = tag == PAGE && id == low(journal);
        ours.then_some(EntryHead { number, page: PageNo(page), images, after })
    }
}

/// A record behind the entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// The journal is whole.
    Commit {
        /// Number of entries.
        entries: u32,
        /// Offset of this record in the journal, in bytes.
        offset: u64,
    },
    /// A roll back has been decided.
    RollBack,
    /// The end: the file is new, or old again.
    Done(Ending),
}

/// What the end record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Completed,
    RolledBack,
}

impl Record {
    /// The record, in the journal with this id.
    pub(super) fn encode(self, journal: u64) -> [u8; RECORD] {
        let (tag, number, offset) = match self {
            Record::Commit { entries, offset } => (COMMIT, entries, offset),
            Record::RollBack => (ROLL, 0, 0),
            Record::Done(Ending::Completed) => (DONE, 1, 0),
            Record::Done(Ending::RolledBack) => (DONE, 2, 0),
        };
        seal(&[tag, &number.to_le_bytes(), &journal.to_le_bytes(), &offset.to_le_bytes()])
    }

    /// The record, if it is one of the journal with this id.
    pub(super) fn parse(bytes: &[u8], journal: u64) -> Option<Record> {
        let content = unseal(bytes).ok()?;
        let (_, (tag, number, id, offset)) = raw((take(4_usize), le_u32, le_u64, le_u64), content)?;
        if id != journal {
            return None;
        }
        match (tag.first_chunk()?, number, offset) {
            (COMMIT, entries, offset) => Some(Record::Commit { entries, offset }),
            (ROLL, 0, 0) => Some(Record::RollBack),
            (DONE, 1, 0) => Some(Record::Done(Ending::Completed)),
            (DONE, 2, 0) => Some(Record::Done(Ending::RolledBack)),
            _ => None,
        }
    }
}

/// How much of a file tells whether it is a journal, in bytes.
pub(super) const START: usize = HEADER + ENTRY;

/// Whether a file that starts so can be a journal: whole, cut, or under construction, when
/// zeros stand where the header will. Fewer bytes than [`START`] are the whole file.
pub(super) fn is_journal(start: &[u8]) -> bool {
    let (header, entry) = start.split_at(start.len().min(HEADER));
    let zero = |bytes: &[u8]| bytes.iter().all(|&byte| byte == 0);
    let tag = entry.get(..PAGE.len()).unwrap_or(entry);
    begins(header, MAGIC) || begins(header, FIRST) || (zero(header) && (zero(entry) || PAGE.starts_with(tag)))
}

/// Whether a file has a magic number, or as much of it as fits.
pub(super) fn begins(file: &[u8], magic: &[u8; 8]) -> bool {
    let start = file.get(..magic.len()).unwrap_or(file);
    !start.is_empty() && magic.starts_with(start)
}

/// Fields from the start on, zeros, and in the last four bytes the CRC-32 of the rest.
fn seal<const N: usize>(fields: &[&[u8]]) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.iter_mut().zip(fields.iter().copied().flatten()).for_each(|(to, from)| *to = *from);
    if let Some((content, crc)) = bytes.split_last_chunk_mut() {
        *crc = crc32fast::hash(content).to_le_bytes();
    }
    bytes
}

/// The bytes that the CRC-32 at their end guards, or the CRC found and the one expected.
pub(super) fn unseal(bytes: &[u8]) -> Result<&[u8], (u32, u32)> {
    let (content, crc) = bytes.split_last_chunk().ok_or((0, 0))?;
    let (found, expected) = (u32::from_le_bytes(*crc), crc32fast::hash(content));
    if found == expected { Ok(content) } else { Err((found, expected)) }
}

/// Fields with the plainest error.
pub(super) fn raw<'a, P>(mut fields: P, input: &'a [u8]) -> Option<(&'a [u8], P::Output)>
where
    P: Parser<&'a [u8], Error = nom::error::Error<&'a [u8]>>,
{
    fields.parse(input).ok()
}

/// Bytes of fixed number.
fn array<const N: usize>(input: &[u8]) -> IResult<&[u8], [u8; N]> {
    let (rest, bytes) = take(N).parse(input)?;
    let array = bytes.first_chunk().copied().unwrap_or([0; N]);
    Ok((rest, array))
}

/// The low half of a journal's id.
fn low(journal: u64) -> u32 {
    let [a, b, c, d, ..] = journal.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// CRC-32 bit by bit, as the specification has it.
    pub(in crate::journal) fn crc(bytes: &[u8]) -> [u8; 4] {
        let mut crc = u32::MAX;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
            }
        }
        (!crc).to_le_bytes()
    }

    /// Zeros with some fields, and the CRC at the end.
    pub(in crate::journal) fn laid_out(len: usize, fields: &[(usize, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0; len];
        for (offset, field) in fields {
            bytes.splice(*offset..offset.saturating_add(field.len()), field.iter().copied());
        }
        let content = len.saturating_sub(4);
        let crc = crc(&bytes[..content]);
        bytes[content..].copy_from_slice(&crc);
        bytes
    }

    fn header() -> Header {
        Header {
            facts: Facts {
                operation: Operation::ResetLsn,
                source_order: Endianness::Big,
                target_order: Endianness::Little,
                source_version: 7,
                target_version: 9,
                page_size: PageSize::new(0x1000).unwrap(),
                options: Options { sorted: true, genuine_8b: true, logs_ignored: true, ..Options::default() },
                new_uid: FileId(std::array::from_fn(|i| 0xa0 | u8::try_from(i).unwrap())),
                promise: Promise::SamePairs(ContentSum {
                    digest: std::array::from_fn(|i| 0x40 | u8::try_from(i).unwrap()),
                    pairs: 0x0102_0304_0506_0708,
                }),
            },
            poison: true,
            one_of_set: false,
            len_before: 0x0000_0012_3456_7000,
            len_after: 0x0000_0012_3456_9000,
            identity: Identity { device: 0x1112_1314_1516_1718, inode: 0x2122_2324_2526_2728 },
            id: 0x3132_3334_3536_3738,
            heads: [0x4142_4344, 0x5152_5354, 0x6162_6364],
            entries: 0x7172_7374,
        }
    }

    #[test]
    fn the_header_is_laid_out_as_specified() {
        let uid: Vec<u8> = (0xa0..=0xb3).collect();
        let digest: Vec<u8> = (0x40..=0x5f).collect();
        let expected = laid_out(
            512,
            &[
                (0, b"BDBKJRN2"),
                (8, &[0, 2, 0, 0]),
                (12, &[1, 0, 7, 9]),
                (16, &[0, 0x10, 0, 0]),
                (20, &[1 | 2 | 8 | 16, 0, 0, 0]),
                (24, &[0, 0x70, 0x56, 0x34, 0x12, 0, 0, 0]),
                (32, &[0, 0x90, 0x56, 0x34, 0x12, 0, 0, 0]),
                (40, &[0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11]),
                (48, &[0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21]),
                (56, &[0x38, 0x37, 0x36, 0x35, 0x34, 0x33, 0x32, 0x31]),
                (64, &[0x44, 0x43, 0x42, 0x41]),
                (68, &[0x54, 0x53, 0x52, 0x51]),
                (72, &[0x64, 0x63, 0x62, 0x61]),
                (76, &[0x74, 0x73, 0x72, 0x71]),
                (80, &uid),
                (100, &digest),
                (132, &[8, 7, 6, 5, 4, 3, 2, 1]),
                (140, &[1]),
                (144, b"reset-lsn"),
            ],
        );
        assert_eq!(header().encode()[..], expected);
        assert_eq!(Header::parse(&expected), Ok(header()));
    }

    #[test]
    fn promises_and_operations_are_kept() {
        let sum = ContentSum { digest: [7; 32], pairs: 9 };
        let promises =
            [Promise::SamePairs(sum), Promise::OnlyPageZero, Promise::Pairs(sum), Promise::SoundOnly];
        for operation in Operation::ALL {
            for (promise, code) in promises.into_iter().zip(1..) {
                let mut header = header();
                (header.facts.operation, header.facts.promise) = (operation, promise);
                let bytes = header.encode();
                assert_eq!(bytes[140], code);
                assert_eq!(bytes[100..132], promise.content().map_or([0; 32], |sum| sum.digest));
                assert!(bytes[144..].starts_with(operation.name().as_bytes()));
                let on_purpose = matches!(operation, Operation::Recover | Operation::Repair);
                let kept = if code < 3 || on_purpose { Ok(header) } else { Err(140) };
                assert_eq!(Header::parse(&bytes).map_err(|flaw| flaw.offset), kept);
            }
        }
    }

    #[test]
    fn a_header_that_says_what_cannot_be_is_refused() {
        let refused = |offset: usize, byte: u8| {
            let mut bytes = header().encode();
            bytes[offset] = byte;
            let crc = crc(&bytes[..508]);
            bytes[508..].copy_from_slice(&crc);
            Header::parse(&bytes).unwrap_err()
        };
        // Where the byte is, and where the field begins.
        for (offset, byte, field) in [
            (12, 2, 12),
            (13, 2, 13),
            (140, 0, 140),
            (140, 5, 140),
            (141, 1, 140),
            (144, b'R', 144),
            (159, 9, 144),
        ] {
            let flaw = refused(offset, byte);
            assert!(flaw.whole && flaw.offset == field, "{offset}: {flaw:?}");
        }
        let mut empty = header();
        empty.len_after = 0;
        assert_eq!(Header::parse(&empty.encode()).unwrap_err().offset, 32);
        let mut shorter = header();
        shorter.len_after = 0x1000;
        assert_eq!(Header::parse(&shorter.encode()), Ok(shorter));
    }

    #[test]
    fn the_first_form_is_read() {
        let uid: Vec<u8> = (0xa0..=0xb3).collect();
        for (code, operation) in FIRST_OPERATIONS {
            for digest in [[7; 32], [0; 32]] {
                let mut header = header();
                header.facts.operation = operation;
                header.facts.target_order = Endianness::Big;
                header.facts.promise = match digest {
                    [0, ..] => Promise::OnlyPageZero,
                    _ => Promise::SamePairs(ContentSum { digest, pairs: 9 }),
                };
                let mut bytes = header.encode().to_vec();
                bytes[..8].copy_from_slice(b"BDBKJRN1");
                bytes[12..14].copy_from_slice(&[code, 1]);
                bytes[80..100].copy_from_slice(&uid);
                bytes[140..508].fill(0);
                let crc = crc(&bytes[..508]);
                bytes[508..].copy_from_slice(&crc);
                assert_eq!(Header::parse(&bytes), Ok(header));
                // It has no way to say that a file becomes shorter.
                bytes[32..40].copy_from_slice(&0x1000_u64.to_le_bytes());
                let crc = self::crc(&bytes[..508]);
                bytes[508..].copy_from_slice(&crc);
                assert_eq!(Header::parse(&bytes).unwrap_err().offset, 32);
            }
        }
    }

    #[test]
    fn entry_heads_are_laid_out_as_specified() {
        let id = 0x3132_3334_3536_3738;
        let before = 0x1112_1314;
        let cases: [(Images, u8, &[u8]); 4] = [
            (Images::Both { before }, 1, &[0x14, 0x13, 0x12, 0x11]),
            (Images::After, 2, &[]),
            (Images::Parts { before }, 3, &[0x14, 0x13, 0x12, 0x11]),
            (Images::Before { before }, 4, &[0x14, 0x13, 0x12, 0x11]),
        ];
        for (images, kind, crc) in cases {
            let after = if kind == 4 { 0 } else { 0x2122_2324_u32 };
            let head = EntryHead { number: 5, page: PageNo(0x0102_0304), images, after };
            let expected = laid_out(
                32,
                &[
                    (0, b"PAGE"),
                    (4, &[5]),
                    (8, &[4, 3, 2, 1]),
                    (12, &[kind]),
                    (16, crc),
                    (20, &after.to_le_bytes()),
                    (24, &[0x38, 0x37, 0x36, 0x35]),
                ],
            );
            assert_eq!(head.encode(id)[..], expected);
            assert_eq!(EntryHead::parse(&expected, id), Some(head));
            assert_eq!(EntryHead::parse(&expected, id ^ 1), None, "the entry of another journal");
        }
    }

    #[test]
    fn records_are_laid_out_as_specified() {
        let id = 0x3132_3334_3536_3738;
        let id_bytes = [0x38, 0x37, 0x36, 0x35, 0x34, 0x33, 0x32, 0x31];
        let offset = [8, 7, 6, 5, 4, 3, 2, 1];
        let commit = Record::Commit { entries: 7, offset: 0x0102_0304_0506_0708 };
        let cases: [(Record, &[u8; 4], u8, &[u8]); 4] = [
            (commit, b"CMIT", 7, &offset),
            (Record::RollBack, b"ROLL", 0, &[]),
            (Record::Done(Ending::Completed), b"DONE", 1, &[]),
            (Record::Done(Ending::RolledBack), b"DONE", 2, &[]),
        ];
        for (record, tag, number, offset) in cases {
            let expected = laid_out(64, &[(0, tag), (4, &[number]), (8, &id_bytes), (16, offset)]);
            assert_eq!(record.encode(id)[..], expected);
            assert_eq!(Record::parse(&expected, id), Some(record));
            assert_eq!(Record::parse(&expected, id ^ (1 << 63)), None, "the record of another journal");
        }
    }

    #[test]
    fn a_journal_is_told_from_other_files() {
        let journal = [&header().encode()[..], b"PAGE", &[1; 28]].concat();
        assert!((0..=START).all(|len| is_journal(&journal[..len])));
        let mut begun = journal;
        begun[..HEADER].fill(0);
        assert!((0..=START).all(|len| is_journal(&begun[..len])));
        begun[HEADER..].fill(0);
        assert!(is_journal(&begun) && is_journal(b"BDBKJRN1"));
        begun[HEADER + 20] = 1;
        assert!(!is_journal(&begun), "zeros, and then something else");
        for other in [&b"mine\n"[..], b"BDBKJRN3", b"BDBKSET1", &[0, 0, 0, 1]] {
            assert!(!is_journal(other));
        }
    }
}
