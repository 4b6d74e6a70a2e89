//! Items on pages (database-format, "Items" and annex A.6).
//!
//! ```text
//! leaf      KEYDATA    0 len u16   2 type   3 bytes
//!           DUPLICATE  2 type   4 pgno of the first page or root
//!           OVERFLOW   2 type   4 pgno of the first page   8 total length
//!           EXTERNAL   see `external`
//! internal  BTREE      0 len u16   2 type   4 child   8 nrecs   12 key bytes or an OVERFLOW item
//!           RECNO      0 child   4 nrecs
//! hash      KEYDATA    0 type   1 bytes
//!           DUPLICATE  0 type   then for each: len u16, bytes, len u16 again
//!           OFFPAGE    0 type   4 pgno of the first page   8 total length
//!           OFFDUP     0 type   4 pgno of the first page or root
//!           EXTERNAL   see `external`
//! ```

use byteorder::ByteOrder;

use super::external;
use crate::order::{Endianness, with_order};

/// Item types: the low seven bits of the type byte.
pub(crate) const KEYDATA: u8 = 1;
pub(crate) const DUPLICATE: u8 = 2;
pub(crate) const OVERFLOW: u8 = 3;
/// The value is in an external file: of a leaf, and of a bucket.
pub(crate) const EXTERNAL: u8 = 4;
pub(crate) const HASH_EXTERNAL: u8 = 5;
/// The bit of the type byte that marks a deleted item.
pub(crate) const DELETED: u8 = 0x80;

/// The type of a HASH item whose duplicates are on other pages.
pub(crate) const OFFDUP: u8 = 4;

/// Where the type byte stands in the item of a leaf.
pub(crate) const TYPE_AT: usize = 2;
/// Length of a HASH item of that type.
pub(crate) const OFFDUP_LEN: usize = 8;

/// Bytes before the data of a KEYDATA item.
pub(crate) const KEYDATA_HEAD: usize = 3;
/// Length of an OVERFLOW or DUPLICATE item.
pub(crate) const REFERENCE: usize = 12;
/// Bytes before the key of a BTREE internal item.
pub(crate) const INTERNAL_HEAD: usize = 12;
/// Length of a RECNO internal item.
pub(crate) const RECNO_INTERNAL: usize = 8;

/// The space that an item of this length takes: the next multiple of 4.
pub(crate) fn padded(len: usize) -> usize {
    len.saturating_add(3) & !3
}

/// The u16 at the start of an item: `len` of KEYDATA and of internal items.
pub(crate) fn len<O: ByteOrder>(item: &[u8]) -> Option<u16> {
    item.first_chunk::<2>().map(|b| O::read_u16(b))
}

/// The type byte.
pub(crate) fn type_byte(item: &[u8]) -> Option<u8> {
    item.get(TYPE_AT).copied()
}

/// The data of a KEYDATA item of the given length.
pub(crate) fn keydata(item: &[u8], len: u16) -> Option<&[u8]> {
    item.get(KEYDATA_HEAD..)?.get(..usize::from(len))
}

/// Whether these bytes are one KEYDATA item, up to the next multiple of 4.
pub(crate) fn is_whole(item: &[u8], order: Endianness) -> bool {
    let len = with_order!(order, O => len::<O>(item));
    len.is_some_and(|len| padded(usize::from(len).saturating_add(KEYDATA_HEAD)) == item.len())
}

/// Page number and total length of an OVERFLOW item, or page number of a
/// DUPLICATE item and a number without meaning.
pub(crate) fn reference<O: ByteOrder>(item: &[u8]) -> Option<(u32, u32)> {
    let raw = item.first_chunk::<REFERENCE>()?;
    let [_, _, _, _, pgno @ .., _, _, _, _] = raw;
    let [_, _, _, _, _, _, _, _, tlen @ ..] = raw;
    Some((O::read_u32(pgno), O::read_u32(tlen)))
}

/// What an item of a leaf says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LeafItem<'a> {
    pub(crate) form: Form<'a>,
    /// Whether it is marked as deleted.
    pub(crate) deleted: bool,
}

/// The forms of an item of a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form<'a> {
    /// The bytes themselves.
    Data(&'a [u8]),
    /// A chain of pages: the first one, and the length of all.
    Overflow { first: u32, len: u32 },
    /// Duplicates on pages of their own: the first page, or the root.
    Duplicates { root: u32 },
    /// A value in an external file: the item.
    External(&'a [u8; external::LENGTH]),
}

/// Why bytes are no item of a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoItem {
    /// The page ends before it says what it is.
    Cut,
    /// A type byte that no item has.
    Kind(u8),
    /// The page ends before it does: so long it is.
    Length(u32),
}

impl Form<'_> {
    /// The space that the item takes on its page.
    #[inline(always)]
    pub(crate) fn size(self) -> usize {
        match self {
            Form::Data(bytes) => padded(KEYDATA_HEAD.saturating_add(bytes.len())),
            Form::Overflow { .. } | Form::Duplicates { .. } => REFERENCE,
            Form::External(item) => item.len(),
        }
    }
}

/// Reads an item of a leaf from the rest of its page.
#[inline(always)]
pub(crate) fn leaf<O: ByteOrder>(item: &[u8]) -> Result<LeafItem<'_>, NoItem> {
    let byte = type_byte(item).ok_or(NoItem::Cut)?;
    let cut = || NoItem::Length(u32::try_from(REFERENCE).unwrap_or(u32::MAX));
    let form = match byte & !DELETED {
        KEYDATA => {
            let len = len::<O>(item).ok_or(NoItem::Cut)?;
            Form::Data(keydata(item, len).ok_or(NoItem::Length(len.into()))?)
        }
        OVERFLOW => reference::<O>(item).map(|(first, len)| Form::Overflow { first, len }).ok_or_else(cut)?,
        DUPLICATE => reference::<O>(item).map(|(root, _)| Form::Duplicates { root }).ok_or_else(cut)?,
        // Of another length it is an item of another type, or none.
        EXTERNAL => external::on_leaf(item).map(Form::External).ok_or(NoItem::Kind(byte))?,
        _ => return Err(NoItem::Kind(byte)),
    };
    Ok(LeafItem { form, deleted: byte & DELETED != 0 })
}

/// A BTREE internal item in place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BtreeInternal<'a> {
    pub(crate) type_byte: u8,
    pub(crate) child: u32,
    pub(crate) nrecs: u32,
    /// Key bytes, or the OVERFLOW item that stands for them.
    pub(crate) key: &'a [u8],
}

/// Reads a BTREE internal item from the rest of its page.
pub(crate) fn btree_internal<O: ByteOrder>(item: &[u8]) -> Option<BtreeInternal<'_>> {
    let (head, rest) = item.split_first_chunk::<INTERNAL_HEAD>()?;
    let [l0, l1, type_byte, _, child @ .., _, _, _, _] = head;
    let [_, _, _, _, _, _, _, _, nrecs @ ..] = head;
    Some(BtreeInternal {
        type_byte: *type_byte,
        child: O::read_u32(child),
        nrecs: O::read_u32(nrecs),
        key: rest.get(..usize::from(O::read_u16(&[*l0, *l1])))?,
    })
}

/// Child and record count of a RECNO internal item.
pub(crate) fn recno_internal<O: ByteOrder>(item: &[u8]) -> Option<(u32, u32)> {
    let [child @ .., _, _, _, _] = item.first_chunk::<RECNO_INTERNAL>()?;
    let [_, _, _, _, nrecs @ ..] = item.first_chunk::<RECNO_INTERNAL>()?;
    Some((O::read_u32(child), O::read_u32(nrecs)))
}

/// The first of the duplicates in a HASH item, and the rest.
pub(crate) fn hash_duplicate<O: ByteOrder>(set: &[u8]) -> Option<(&[u8], &[u8])> {
    let (head, rest) = set.split_first_chunk::<2>()?;
    let (bytes, rest) = rest.split_at_checked(O::read_u16(head).into())?;
    let (again, rest) = rest.split_first_chunk::<2>()?;
    (head == again).then_some((bytes, rest))
}

/// The last of the duplicates in a HASH item, and those before it.
pub(crate) fn last_hash_duplicate<O: ByteOrder>(set: &[u8]) -> Option<(&[u8], &[u8])> {
    let (rest, again) = set.split_last_chunk::<2>()?;
    let start = rest.len().checked_sub(O::read_u16(again).into())?;
    let (rest, bytes) = rest.split_at_checked(start)?;
    let (rest, head) = rest.split_last_chunk::<2>()?;
    (head == again).then_some((bytes, rest))
}

/// A duplicate one of whose two lengths is wrong, if these are its bytes and no others.
pub(crate) fn torn_hash_duplicate<O: ByteOrder>(bytes: &[u8]) -> Option<&[u8]> {
    let (head, rest) = bytes.split_first_chunk::<2>()?;
    let (value, again) = rest.split_last_chunk::<2>()?;
    let fits = |len: &[u8; 2]| usize::from(O::read_u16(len)) == value.len();
    (fits(head) || fits(again)).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use byteorder::{BigEndian, LittleEndian};

    #[test]
    fn references_in_both_orders() {
        let item = [0xee, 0xee, OVERFLOW, 0xee, 0, 0, 1, 2, 0, 0, 3, 4];
        assert_eq!(reference::<BigEndian>(&item), Some((0x0102, 0x0304)));
        assert_eq!(reference::<LittleEndian>(&item), Some((0x0201_0000, 0x0403_0000)));
        assert_eq!(reference::<BigEndian>(&item[..11]), None);
    }

    #[test]
    fn internal_items_in_both_orders() {
        let item = [0, 2, KEYDATA, 0, 0, 0, 0, 9, 0, 0, 0, 5, b'h', b'i', b'!'];
        let read = btree_internal::<BigEndian>(&item).unwrap();
        assert_eq!((read.child, read.nrecs, read.key), (9, 5, &b"hi"[..]));
        // 0x0200 key bytes do not fit
        assert!(btree_internal::<LittleEndian>(&item).is_none());
        assert_eq!(recno_internal::<BigEndian>(&item[4..]), Some((9, 5)));
    }

    #[test]
    fn hash_duplicates_state_their_length_twice() {
        assert_eq!(hash_duplicate::<BigEndian>(&[0, 1, b'a', 0, 1, 9]), Some((&b"a"[..], &[9][..])));
        assert_eq!(hash_duplicate::<BigEndian>(&[0, 1, b'a', 0, 2, 9]), None);
        assert_eq!(hash_duplicate::<LittleEndian>(&[0, 1, b'a', 0, 1]), None);
        let set = [0, 9, b'a', 0, 1, 0, 2, b'b', b'c', 0, 2];
        assert_eq!(last_hash_duplicate::<BigEndian>(&set), Some((&b"bc"[..], &set[..5])));
        assert_eq!(last_hash_duplicate::<BigEndian>(&set[..5]), None);
        assert_eq!(torn_hash_duplicate::<BigEndian>(&set[..5]), Some(&b"a"[..]));
        assert_eq!(torn_hash_duplicate::<BigEndian>(&set), None);
    }

    #[test]
    fn keydata_never_reaches_past_its_page() {
        let item = [3, 0, KEYDATA, b'a', b'b', b'c'];
        assert_eq!(keydata(&item, 3), Some(&b"abc"[..]));
        assert_eq!(keydata(&item, 4), None);
        assert_eq!(len::<LittleEndian>(&item), Some(3));
        assert_eq!(len::<BigEndian>(&item), Some(0x0300));
        assert_eq!((padded(0), padded(1), padded(4)), (0, 4, 4));
    }
}
