//! The journal's bytes: header, page entries, records (upgrade, "Journal file").
//!
//! ```text
//! header 512   entry 0   entry 1   …   entry of page 0   CMIT 64   [ROLL 64]   DONE 64
//! entry: head 32, image before (not of an appended page), image after
//! ```
//!
//! Everything is little-endian, and each part ends with the CRC-32 of its other bytes.

use nom::bytes::complete::take;
use nom::number::complete::{le_u8, le_u32, le_u64};
use nom::{IResult, Parser};

use super::disk::Identity;
use super::plan::{Facts, Operation, Options};
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

/// Why bytes are not the part of a journal that should stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    /// Offset in the journal, in bytes.
    pub(super) offset: u64,
    /// What is wrong.
    pub(super) what: &'static str,
    /// What stands there.
    pub(super) found: u64,
    /// What should.
    pub(super) expected: u64,
    /// Whether the part is whole, its CRC right: then no run that died can have left it.
    pub(super) whole: bool,
}

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
            &facts.digest,
            &facts.pairs.to_le_bytes(),
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
                digest: self.digest,
                pairs: self.pairs,
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
    /// CRC-32 of the image before; `None` for an appended page, which has none.
    pub(super) before: Option<u32>,
    /// CRC-32 of the image after.
    pub(super) after: u32,
}

impl EntryHead {
    /// The head, in the journal with this id.
    pub(super) fn encode(&self, journal: u64) -> [u8; ENTRY] {
        let kind: u32 = if self.before.is_some() { 1 } else { 2 };
        seal(&[
            PAGE,
            &self.number.to_le_bytes(),
            &self.page.0.to_le_bytes(),
            &kind.to_le_bytes(),
            &self.before.unwrap_or(0).to_le_bytes(),
            &self.after.to_le_bytes(),
            &low(journal).to_le_bytes(),
        ])
    }

    /// The head, if it is one of the journal with this id.
    pub(super) fn parse(bytes: &[u8], journal: u64) -> Option<EntryHead> {
        let content = unseal(bytes).ok()?;
        let fields = (take(4_usize), le_u32, le_u32, le_u32, le_u32, le_u32, le_u32);
        let (_, (tag, number, page, kind, before, after, id)) = raw(fields, content)?;
        let before = match kind {
            1 => Some(before),
            2 if before == 0 => None,
            _ => return None,
        };
        let ours = tag == PAGE && id == low(journal);
        ours.then_some(EntryHead { number, page: PageNo(page), before, after })
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
