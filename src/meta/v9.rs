//! Version 9 (releases 4.1 to 5.3): version 8 with a tail for checksum and
//! encryption, which [`super::verify_checksum`] reads where it is used.

use nom::{IResult, Parser, bytes::complete::take};

use super::{Raw, v8};
use crate::order::Endianness;

pub(super) fn parse(page: &[u8], order: Endianness) -> IResult<&[u8], Raw> {
    let (rest, raw) = v8::parse(page, order)?;
    let (rest, _crypto_magic_trash_iv_chksum) = take(52usize).parse(rest)?;
    Ok((rest, raw))
}
