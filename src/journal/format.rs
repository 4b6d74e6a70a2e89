//! The journal's bytes: header, page entries, records (upgrade, "Journal file").
//!
//! ```text
//! header 512   entry 0   entry 1   …   entry of page 0   CMIT 64   [ROLL 64]   DONE 64
//! entry: head 32, then one of: image before, image after
//!                              image after (an appended page)
//!                              image before, the parts in which the image after differs
//! ```
//!
//! Everything is little-endian, and each part ends with the CRC-32 of its other bytes.

use nom::bytes::complete::take;
use nom::multi::length_data;
use nom::number::complete::{le_u8, le_u32, le_u64};
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

const MAGIC: &[u8; 8] = b"BDBKJRN1";
const PUBLISHED: &[u8; 8] = b"BDBKSET1";
const MEMBERS: &[u8; 8] = b"BDBKMEM1";
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
}

/// The codes of byte 12.
const OPERATIONS: [(u8, Operation); 5] = [
    (1, Operation::Upgrade),
    (2, Operation::ResetLsn),
    (3, Operation::ResetFileId),
    (4, Operation::Rewrite),
    (5, Operation::Repair),
];

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
        let operation = OPERATIONS.iter().find(|(_, known)| *known == facts.operation);
        let order = match facts.order {
            Endianness::Little => 0,
            Endianness::Big => 1,
        };
        let options = [
            (facts.options.sorted, bit::SORTED),
            (self.poison, bit::POISON),
            (facts.options.genuine_8a, bit::GENUINE_8A),
            (facts.options.genuine_8b, bit::GENUINE_8B),
            (facts.options.logs_ignored, bit::LOGS_IGNORED),
            (self.one_of_set, bit::ONE_OF_SET),
        ];
        let options = options.iter().filter(|(set, _)| *set).fold(0, |bits, (_, bit)| bits | bit);
        let [before, poison, after] = self.heads;
        seal(&[
            MAGIC,
            &512_u32.to_le_bytes(),
            &[operation.map_or(0, |(code, _)| *code), order, facts.source_version, facts.target_version],
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
    magic: u64,
    size: u32,
    operation: u8,
    order: u8,
    versions: (u8, u8),
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
}

impl RawHeader {
    fn parse(input: &[u8]) -> IResult<&[u8], RawHeader> {
        let (input, (magic, size)) = (le_u64, le_u32).parse(input)?;
        let (input, (operation, order, versions)) = (le_u8, le_u8, (le_u8, le_u8)).parse(input)?;
        let (input, (page_size, options, lens)) = (le_u32, le_u32, (le_u64, le_u64)).parse(input)?;
        let (input, (device, inode, id)) = (le_u64, le_u64, le_u64).parse(input)?;
        let (input, (before, poison, after, entries)) = (le_u32, le_u32, le_u32, le_u32).parse(input)?;
        let (input, (new_uid, digest, pairs)) = (array, array, le_u64).parse(input)?;
        let raw = RawHeader {
            magic,
            size,
            operation,
            order,
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
        };
        Ok((input, raw))
    }

    /// The header that these fields make, if they are legal and fit together.
    fn check(self) -> Result<Header, Flaw> {
        let flaw = |offset, what, found, expected| Flaw { offset, what, found, expected, whole: true };
        let equal = |offset, what, found, expected| {
            if found == expected { Ok(()) } else { Err(flaw(offset, what, found, expected)) }
        };
        equal(0, "magic", self.magic, u64::from_le_bytes(*MAGIC))?;
        equal(8, "header size", self.size.into(), 512)?;
        let (_, operation) = OPERATIONS.into_iter().find(|(code, _)| *code == self.operation).ok_or(flaw(
            12,
            "operation",
            self.operation.into(),
            1,
        ))?;
        let order = match self.order {
            0 => Endianness::Little,
            1 => Endianness::Big,
            found => return Err(flaw(13, "byte order", found.into(), 0)),
        };
        let page_size =
            PageSize::new(self.page_size).ok_or(flaw(16, "page size", self.page_size.into(), 4096))?;
        let (len_before, len_after) = self.lens;
        for (offset, len) in [(24, len_before), (32, len_after)] {
            let rest = len.checked_rem(page_size.get().into()).unwrap_or(1);
            equal(offset, "bytes of the file behind its last page", rest, 0)?;
        }
        if len_before == 0 || len_after < len_before {
            return Err(flaw(32, "length of the file after", len_after, len_before));
        }
        let option = |bit| self.options & bit != 0;
        let options = Options {
            sorted: option(bit::SORTED),
            genuine_8a: option(bit::GENUINE_8A),
            genuine_8b: option(bit::GENUINE_8B),
            logs_ignored: option(bit::LOGS_IGNORED),
        };
        let poison = option(bit::POISON);
        equal(20, "poison bit of the options", poison.into(), (self.entries > 1).into())?;
        let (source_version, target_version) = self.versions;
        Ok(Header {
            facts: Facts {
                operation,
                order,
                source_version,
                target_version,
                page_size,
                options,
                new_uid: self.new_uid,
                promise: match self.digest {
                    // No content has this sum.
                    [0, .., 0] if self.digest == [0; 32] => Promise::OnlyPageZero,
                    digest => Promise::SamePairs(ContentSum { digest, pairs: self.pairs }),
                },
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
    /// CRC-32 of the image after.
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
}

impl EntryHead {
    /// The head, in the journal with this id.
    pub(super) fn encode(&self, journal: u64) -> [u8; ENTRY] {
        let (kind, before) = match self.images {
            Images::Both { before } => (1_u32, before),
            Images::After => (2, 0),
            Images::Parts { before } => (3, before),
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
    begins(header, MAGIC) || (zero(header) && (zero(entry) || PAGE.starts_with(tag)))
}

/// Whether a file has a magic number, or as much of it as fits.
fn begins(file: &[u8], magic: &[u8; 8]) -> bool {
    let start = file.get(..magic.len()).unwrap_or(file);
    !start.is_empty() && magic.starts_with(start)
}

/// What a file in the folder of a set says of all its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Say {
    /// They are changed as one unit.
    Members,
    /// They are published.
    Published,
}

impl Say {
    fn magic(self) -> &'static [u8; 8] {
        match self {
            Say::Members => MEMBERS,
            Say::Published => PUBLISHED,
        }
    }

    /// Whether a file can be one that says this: whole, cut, or never written.
    pub(super) fn is_said_by(self, file: &[u8]) -> bool {
        file.iter().all(|&byte| byte == 0) || begins(file, self.magic())
    }
}

/// One file of a set: the id of its journal, and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) journal: u64,
    pub(super) name: Vec<u8>,
}

/// A file that says something of all files of a set: journal ids and names.
///
/// ```text
/// BDBKMEM1 or BDBKSET1   count 4   count × (journal id 8, length 4, name)   CRC-32 4
/// ```
pub(super) fn encode_set<'a>(say: Say, members: impl ExactSizeIterator<Item = (u64, &'a [u8])>) -> Vec<u8> {
    let short = |len: usize| u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
    let mut bytes = [say.magic().as_slice(), &short(members.len())].concat();
    for (journal, name) in members {
        bytes.extend_from_slice(&journal.to_le_bytes());
        bytes.extend_from_slice(&short(name.len()));
        bytes.extend_from_slice(name);
    }
    let crc = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

/// The members in the file of a set; `None` if it is not whole.
pub(super) fn parse_set(say: Say, bytes: &[u8]) -> Option<Vec<Member>> {
    let content = unseal(bytes).ok()?;
    let (mut rest, (tag, count)) = raw((take(8_usize), le_u32), content)?;
    let mut members = Vec::new();
    for _ in 0..count {
        let (behind, (journal, name)) = raw((le_u64, length_data(le_u32)), rest)?;
        members.push(Member { journal, name: name.to_vec() });
        rest = behind;
    }
    (tag == say.magic() && rest.is_empty()).then_some(members)
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
fn unseal(bytes: &[u8]) -> Result<&[u8], (u32, u32)> {
    let (content, crc) = bytes.split_last_chunk().ok_or((0, 0))?;
    let (found, expected) = (u32::from_le_bytes(*crc), crc32fast::hash(content));
    if found == expected { Ok(content) } else { Err((found, expected)) }
}

/// Fields with the plainest error.
fn raw<'a, P>(mut fields: P, input: &'a [u8]) -> Option<(&'a [u8], P::Output)>
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
mod tests {
    use super::*;

    /// CRC-32 bit by bit, as the specification has it.
    fn crc(bytes: &[u8]) -> [u8; 4] {
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
    fn laid_out(len: usize, fields: &[(usize, &[u8])]) -> Vec<u8> {
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
                order: Endianness::Big,
                source_version: 7,
                target_version: 9,
                page_size: PageSize::new(0x1000).unwrap(),
                options: Options { sorted: true, genuine_8a: false, genuine_8b: true, logs_ignored: true },
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
                (0, b"BDBKJRN1"),
                (8, &[0, 2, 0, 0]),
                (12, &[2, 1, 7, 9]),
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
            ],
        );
        assert_eq!(header().encode()[..], expected);
        assert_eq!(Header::parse(&expected), Ok(header()));
        let mut without = header();
        without.facts.promise = Promise::OnlyPageZero;
        assert_eq!(without.encode()[100..132], [0; 32]);
        assert_eq!(Header::parse(&without.encode()), Ok(without));
    }

    #[test]
    fn every_operation_has_its_code() {
        for (code, operation) in OPERATIONS {
            let mut header = header();
            header.facts.operation = operation;
            assert_eq!(header.encode()[12], code);
            assert_eq!(Header::parse(&header.encode()), Ok(header));
        }
    }

    #[test]
    fn entry_heads_are_laid_out_as_specified() {
        let id = 0x3132_3334_3536_3738;
        let before = 0x1112_1314;
        let cases: [(Images, u8, &[u8]); 3] = [
            (Images::Both { before }, 1, &[0x14, 0x13, 0x12, 0x11]),
            (Images::After, 2, &[]),
            (Images::Parts { before }, 3, &[0x14, 0x13, 0x12, 0x11]),
        ];
        for (images, kind, crc) in cases {
            let head = EntryHead { number: 5, page: PageNo(0x0102_0304), images, after: 0x2122_2324 };
            let expected = laid_out(
                32,
                &[
                    (0, b"PAGE"),
                    (4, &[5]),
                    (8, &[4, 3, 2, 1]),
                    (12, &[kind]),
                    (16, crc),
                    (20, &[0x24, 0x23, 0x22, 0x21]),
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
    fn set_files_keep_ids_and_names() {
        for (say, magic) in [(Say::Published, b"BDBKSET1"), (Say::Members, b"BDBKMEM1")] {
            let bytes = encode_set(say, [(0x0102_0304_0506_0708, b"a.db".as_slice()), (9, b"")].into_iter());
            let expected = laid_out(
                44,
                &[
                    (0, magic),
                    (8, &[2]),
                    (12, &[8, 7, 6, 5, 4, 3, 2, 1]),
                    (20, &[4, 0, 0, 0, b'a', b'.', b'd', b'b']),
                    (28, &[9]),
                ],
            );
            assert_eq!(bytes, expected);
            let members = [(0x0102_0304_0506_0708, &b"a.db"[..]), (9, b"")];
            let members = members.map(|(journal, name)| Member { journal, name: name.to_vec() });
            assert_eq!(parse_set(say, &bytes), Some(members.to_vec()));
            let other = if say == Say::Members { Say::Published } else { Say::Members };
            assert_eq!(parse_set(other, &bytes), None);
            assert_eq!(parse_set(say, &laid_out(16, &[(0, magic), (8, &[0xff; 4])])), None);
            assert!((0..=bytes.len()).all(|len| say.is_said_by(&bytes[..len])));
            assert!(!other.is_said_by(&bytes));
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
        assert!(is_journal(&begun));
        begun[HEADER + 20] = 1;
        assert!(!is_journal(&begun), "zeros, and then something else");
        for other in [&b"mine\n"[..], b"BDBKJRN2", b"BDBKSET1", &[0, 0, 0, 1]] {
            assert!(!is_journal(other));
        }
    }
}
