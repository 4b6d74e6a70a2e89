//! HASH databases inside a file with several (database-format, annex A):
//! versions 6 to 9. Their flags are told in those of BTREE.

use nom::bytes::complete::take;
use nom::multi::fill;
use nom::number::complete::{u8 as byte, u32 as number};
use nom::{IResult, Parser};

use super::flags::Flags;
use super::{Raw, file_id, prefix};
use crate::order::Endianness;

/// Where the buckets of a HASH database are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Buckets {
    /// The highest bucket number.
    pub(crate) max: u32,
    /// For each doubling, what is added to a bucket number to get its page.
    pub(crate) spares: [u32; 32],
    /// Number of elements as the file says; not reliable.
    pub(crate) elements: u32,
}

pub(super) fn parse(page: &[u8], version: u32, order: Endianness) -> IResult<&[u8], (Raw, Buckets)> {
    let n = || number(order.nom());
    let (rest, raw) = prefix(order)(page)?;
    let (rest, (encryption, kind, metaflags, _)) = (byte, byte, byte, byte).parse(rest)?;
    let (rest, free) = n().parse(rest)?;
    let skipped: usize = if version == 6 { 0 } else { 16 };
    let (rest, (_last_pgno_nparts_counts, bits, file_id)) = (take(skipped), n(), file_id).parse(rest)?;
    let (rest, (max, _high, _low, _ffactor, elements, _charkey)) =
        (n(), n(), n(), n(), n(), n()).parse(rest)?;
    let mut spares = [0; 32];
    let (rest, ()) = fill(n(), &mut spares).parse(rest)?;
    let flags = Flags::of_hash(bits).bits();
    let raw = Raw { encryption, kind: Some(kind), metaflags, free, flags, file_id, min_key: 2, ..raw };
    Ok((rest, (raw, Buckets { max, spares, elements })))
}
