//! Version 7 (release 3.0): a page type, and the root's number at the end.

use nom::{
    IResult, Parser, bytes::complete::take, number::complete::u8 as byte, number::complete::u32 as number,
};

use super::{Raw, file_id, prefix};
use crate::order::Endianness;

pub(super) fn parse(page: &[u8], order: Endianness) -> IResult<&[u8], Raw> {
    let n = || number(order.nom());
    let (rest, raw) = prefix(order)(page)?;
    let (rest, (_, kind, _)) = (byte, byte, take(2usize)).parse(rest)?;
    let (rest, (free, flags, file_id)) = (n(), n(), file_id).parse(rest)?;
    let (rest, (_maxkey, min_key, record_length, pad, root)) = (n(), n(), n(), n(), n()).parse(rest)?;
    Ok((rest, Raw { kind: Some(kind), free, flags, file_id, min_key, record_length, pad, root, ..raw }))
}
