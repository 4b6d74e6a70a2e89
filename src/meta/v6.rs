//! Version 6 (releases 2.x): no page type, the root is always page 1, and
//! re_len and re_pad are there, but always 0.

use nom::{IResult, Parser, number::complete::u32 as number};

use super::{Raw, file_id, prefix};
use crate::order::Endianness;

pub(super) fn parse(page: &[u8], order: Endianness) -> IResult<&[u8], Raw> {
    let n = || number(order.nom());
    let (rest, raw) = prefix(order)(page)?;
    let (rest, (_maxkey, min_key, free, flags)) = (n(), n(), n(), n()).parse(rest)?;
    let (rest, (record_length, _re_pad, file_id)) = (n(), n(), file_id).parse(rest)?;
    Ok((rest, Raw { min_key, free, flags, record_length, file_id, root: 1, ..raw }))
}
