//! Log files: from their first record on, as far as one record follows another
//! (log-format, "Where a file, and the log, ends").

use std::io::{Read, Seek};

use super::error::CarveError;
use super::image::{Image, WINDOW};
use crate::format::checksum;
use crate::format::log::{self as layout, Form, Guard, Header};
use crate::order::Endianness::{self, Big, Little};

/// Records that must follow each other where no checksum can be told.
const CHAINED: u64 = 3;
/// Length of the cipher's block, in bytes.
const CIPHER_BLOCK: u32 = 16;
/// Bytes that hold the header of a record, and the first one of an encrypted file.
const HEAD: usize = 64;
/// Where in the body of a record the LSN of the record before it in its transaction stands.
const PREV_LSN: usize = 8;

/// A log file in an image.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CarvedLog {
    /// Version of the log's format; not known of one that is encrypted.
    pub version: Option<u32>,
    /// Byte order.
    pub order: Endianness,
    /// The number of the file, if records that refer to others of it tell it.
    pub number: Option<u32>,
    /// How many records follow each other, the header of the file included.
    pub records: u64,
    /// Whether records are encrypted.
    pub encrypted: bool,
}

/// What the first record says.
struct First {
    form: Form,
    order: Endianness,
    version: Option<u32>,
    /// The most that a record can have.
    most: u32,
}

impl First {
    fn of(bytes: &[u8]) -> Option<First> {
        let plain = [Little, Big].into_iter().find_map(|order| First::plain(bytes, order));
        plain.or_else(|| [Little, Big].into_iter().find_map(|order| First::encrypted(bytes, order)))
    }

    fn plain(bytes: &[u8], order: Endianness) -> Option<First> {
        let (_, header) = layout::file_header(bytes.get(layout::MAGIC_AT..)?, order).ok()?;
        let form = Form::of_version(header.version);
        let known = header.magic == layout::MAGIC && (2..=23).contains(&header.version);
        let first = First { form, order, version: Some(header.version), most: header.max };
        known.then_some(first)
    }

    fn encrypted(bytes: &[u8], order: Endianness) -> Option<First> {
        let (_, header) = layout::header(bytes, Form::Encrypted, order)?;
        let first = First { form: Form::Encrypted, order, version: None, most: u32::MAX };
        (header.len == layout::ENCRYPTED_FIRST).then_some(first)
    }
}

/// The log file that begins at an offset, and its length; `None`, if none does.
pub(super) fn find<R: Read + Seek>(
    image: &mut Image<'_, R>,
    start: u64,
) -> Result<Option<(CarvedLog, u64)>, CarveError> {
    let Some(first) = First::of(image.bytes(start, HEAD)?) else {
        return Ok(None);
    };
    let (mut at, mut prev, mut records) = (0u32, 0u32, 0u64);
    let mut number = Majority::default();
    loop {
        let here = start.saturating_add(at.into());
        let head = image.bytes(here, HEAD)?;
        let Some((body, header)) = layout::header(head, first.form, first.order) else { break };
        let least = first.form.len();
        // Another file may begin where this one ends.
        let again = records > 0 && First::plain(head, first.order).is_some();
        if header.len <= least || header.len > first.most || (records > 0 && header.prev != prev) || again {
            break;
        }
        let lsn = body
            .get(PREV_LSN..)
            .and_then(|lsn| Some((first.order.u32_at(lsn, 0)?, first.order.u32_at(lsn, 4)?)));
        let stated = Stated::of(&header);
        let (prev_here, len) = (stated.prev, stated.len);
        if !is_whole(image, here, &first, &stated)? {
            break;
        }
        if first.form != Form::Encrypted && records > 0 {
            lsn.filter(|&(file, offset)| file > 0 && offset == prev_here && offset > 0)
                .map(|(file, _)| file)
                .into_iter()
                .for_each(|file| number.vote(file));
        }
        records = records.saturating_add(1);
        prev = at;
        match at.checked_add(len) {
            Some(next) => at = next,
            None => break,
        }
    }
    let encrypted = first.form == Form::Encrypted;
    let found = records >= if encrypted { CHAINED } else { 1 };
    let log =
        CarvedLog { version: first.version, order: first.order, number: number.winner(), records, encrypted };
    Ok(found.then_some((log, at.into())))
}

/// What the header of a record says of its body.
struct Stated {
    prev: u32,
    len: u32,
    sum: Option<u32>,
}

impl Stated {
    fn of(header: &Header<'_>) -> Stated {
        let sum = match header.guard {
            Guard::Checksum(sum) => Some(sum),
            Guard::Mac { .. } => None,
        };
        Stated { prev: header.prev, len: header.len, sum }
    }
}

/// Whether a record is all there, and its body is what was written: as far as can be told without
/// a password.
fn is_whole<R: Read + Seek>(
    image: &mut Image<'_, R>,
    at: u64,
    first: &First,
    stated: &Stated,
) -> Result<bool, CarveError> {
    let head = first.form.len();
    let (mut from, end) = (at.saturating_add(head.into()), at.saturating_add(stated.len.into()));
    if end > image.len() || !image.spend(stated.len.into()) {
        return Ok(false);
    }
    let Some(expected) = stated.sum else {
        return Ok(stated.len.saturating_sub(head) % CIPHER_BLOCK == 0);
    };
    let mut sum = 0;
    while from < end {
        let left = usize::try_from(end.saturating_sub(from)).unwrap_or(WINDOW);
        let body = image.bytes(from, left)?;
        if body.is_empty() {
            return Ok(false);
        }
        sum = checksum::update(sum, body);
        from = from.saturating_add(u64::try_from(body.len()).unwrap_or(u64::MAX));
    }
    // The first record of a file may be without it.
    let whole = layout::sum_with_header(first.version.unwrap_or(0), stated.prev, stated.len, sum);
    Ok(expected == whole || expected == sum)
}

/// What most say, if more than half do.
#[derive(Default)]
struct Majority {
    candidate: u32,
    lead: u32,
}

impl Majority {
    fn vote(&mut self, one: u32) {
        if self.lead == 0 {
            self.candidate = one;
        }
        self.lead = match one == self.candidate {
            true => self.lead.saturating_add(1),
            false => self.lead.saturating_sub(1),
        };
    }

    fn winner(&self) -> Option<u32> {
        (self.lead > 0).then_some(self.candidate)
    }
}
