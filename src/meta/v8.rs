//! Version 8 (releases 3.1 to 4.0, and upgraded files): the generic header that
//! all access methods share, then the BTREE part.
//!
//! Where version 9 keeps encryption and checksums, files that a genuine tool upgraded from
//! version 6 may have bytes of maxkey (upgrade, "Stale maxkey bytes").

use nom::{
    IResult, Parser, bytes::complete::take, number::complete::u8 as byte, number::complete::u32 as number,
};

use super::{Raw, file_id, prefix};
use crate::order::Endianness;

pub(super) fn parse(page: &[u8], order: Endianness) -> IResult<&[u8], Raw> {
    let n = || number(order.nom());
    let (rest, raw) = prefix(order)(page)?;
    let (rest, (encryption, kind, metaflags, _)) = (byte, byte, byte, byte).parse(rest)?;
    let (rest, (free, last_pgno, nparts)) = (n(), n(), n()).parse(rest)?;
    let (rest, (_key_count, _record_count, flags, file_id)) = (n(), n(), n(), file_id).parse(rest)?;
    let (rest, (_maxkey, min_key, record_length, pad, root)) = (n(), n(), n(), n(), n()).parse(rest)?;
    let (rest, _unused) = take(368usize).parse(rest)?;
    let raw = Raw { encryption, kind: Some(kind), metaflags, free, last_pgno, nparts, flags, file_id, ..raw };
    Ok((rest, Raw { min_key, record_length, pad, root, ..raw }))
}
