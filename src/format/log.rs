//! Headers of log files and log records (log-format, "Files" and "Records").
//!
//! ```text
//! record, versions 2 to 5     0 prev   4 checksum   8 len        12 body
//! record, from version 7 on   0 prev   4 len        8 checksum   12 body
//! the same, encrypted         0 prev   4 len        8 mac  28 iv  44 size  48 body
//! body of the first record    0 magic  4 version    8 max        12 mode
//! ```

use nom::{IResult, Parser, bytes::complete::take, number::complete::u32 as number};

use super::checksum;
use crate::order::Endianness;

/// The first number of a log file's first body.
pub(crate) const MAGIC: u32 = 0x0004_0988;
/// Offset of the magic number in a file that is not encrypted, of any version.
pub(crate) const MAGIC_AT: usize = 12;
/// Offset of the length of a record, from version 7 on.
pub(crate) const LENGTH_AT: usize = 4;
/// Length of a file header's body, in bytes.
pub(crate) const FILE_HEADER: usize = 16;
/// Length of the first record of an encrypted file, in bytes.
pub(crate) const ENCRYPTED_FIRST: u32 = 64;
/// The mark in a record's type that says: only for printing.
pub(crate) const DEBUG: u32 = 0x8000_0000;

/// The three forms of a record header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Versions 2 to 5.
    ChecksumFirst,
    /// From version 7 on.
    LengthFirst,
    /// From version 7 on, with a password.
    Encrypted,
}

impl Form {
    pub(crate) fn of_version(version: u32) -> Form {
        if version <= 5 { Form::ChecksumFirst } else { Form::LengthFirst }
    }

    /// Offset of the first record behind that of the file.
    pub(crate) fn first(self) -> u32 {
        match self {
            Form::Encrypted => ENCRYPTED_FIRST,
            form => form.len().saturating_add(16),
        }
    }

    /// Bytes of the header.
    #[inline]
    pub(crate) fn len(self) -> u32 {
        match self {
            Form::ChecksumFirst | Form::LengthFirst => 12,
            Form::Encrypted => 48,
        }
    }
}

/// The header of a record, as it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header<'a> {
    /// Offset of the record before.
    pub(crate) prev: u32,
    /// Bytes of header and body.
    pub(crate) len: u32,
    pub(crate) guard: Guard<'a>,
}

/// What protects a record's body.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Guard<'a> {
    Checksum(u32),
    /// The size of the body before padding is in the byte order of the writing
    /// machine, also where the log is little-endian on every machine.
    Mac {
        mac: &'a [u8],
        iv: &'a [u8],
        size: &'a [u8],
    },
}

/// The header of a record, and what stands behind it; `None` if it is cut.
#[inline]
pub(crate) fn header(bytes: &[u8], form: Form, order: Endianness) -> Option<(&[u8], Header<'_>)> {
    if form == Form::Encrypted {
        return encrypted(bytes, order).ok();
    }
    let (prev, rest) = order.split_u32(bytes)?;
    let (second, rest) = order.split_u32(rest)?;
    let (third, rest) = order.split_u32(rest)?;
    let (len, sum) = if form == Form::LengthFirst { (second, third) } else { (third, second) };
    Some((rest, Header { prev, len, guard: Guard::Checksum(sum) }))
}

fn encrypted(bytes: &[u8], order: Endianness) -> IResult<&[u8], Header<'_>> {
    let n = || number(order.nom());
    let (rest, (prev, len, mac, iv, size)) =
        (n(), n(), take(20usize), take(16usize), take(4usize)).parse(bytes)?;
    Ok((rest, Header { prev, len, guard: Guard::Mac { mac, iv, size } }))
}

/// The body of the first record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileHeader {
    pub(crate) magic: u32,
    pub(crate) version: u32,
    pub(crate) max: u32,
    pub(crate) mode: u32,
}

pub(crate) fn file_header(body: &[u8], order: Endianness) -> IResult<&[u8], FileHeader> {
    let n = || number(order.nom());
    let (rest, (magic, version, max, mode)) = (n(), n(), n(), n()).parse(body)?;
    Ok((rest, FileHeader { magic, version, max, mode }))
}

/// Whether the sum or the code of a record covers its header, too.
#[inline]
pub(crate) const fn covers_header(version: u32) -> bool {
    version >= 12
}

/// The checksum that a record should carry.
#[inline]
pub(crate) fn record_sum(version: u32, header: &Header<'_>, body: &[u8]) -> u32 {
    sum_with_header(version, header.prev, header.len, checksum::plain(body))
}

/// The same, made of the sum of the body.
pub(crate) fn sum_with_header(version: u32, prev: u32, len: u32, body: u32) -> u32 {
    if covers_header(version) { body ^ prev ^ len } else { body }
}
