//! Items that stand for a value in an external file (other-releases, "External file items").
//!
//! ```text
//! leaf     0 len u16 = 77   2 type   3 encoding
//! bucket   0 type   1 encoding
//! heap     0 flags   2 size u16 = 76   4 encoding
//!
//! late     leaf and bucket   48 id u64   56 size u64   64 folder u64   72 database u64
//!          heap              56 id u64   64 size u64   72 folder u64
//! early    leaf and bucket   4 id   12 size   64 folder   72 database
//!          heap              8 id   16 size   72 folder          each two u32, the low one first
//! ```

use crate::order::Endianness;

/// Length of such an item, wherever it stands.
pub(crate) const LENGTH: usize = 80;
/// The length that one of a leaf states, and one of a HEAP.
const STATED_ON_LEAF: u16 = 77;
const STATED_IN_HEAP: u16 = 76;

/// On what kind of page an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    Leaf,
    Bucket,
    Heap,
}

/// Where the numbers stand in an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As releases 6.0.19 and 6.0.20 wrote them.
    Early,
    /// As all later ones do.
    Late,
}

/// What an item says of its external file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Numbers {
    /// The number of the file in its folder.
    pub(crate) id: u64,
    /// Bytes of the value.
    pub(crate) size: u64,
    /// The folder of the file that the item stands in.
    pub(crate) folder: u64,
    /// The folder in that, of a database that is not alone in its file; 0 if it is.
    pub(crate) database: u64,
}

/// Where the numbers stand, in the order of [`Numbers`].
fn places(holder: Holder, form: Form) -> [Option<usize>; 4] {
    match (holder, form) {
        (Holder::Leaf | Holder::Bucket, Form::Late) => [Some(48), Some(56), Some(64), Some(72)],
        (Holder::Leaf | Holder::Bucket, Form::Early) => [Some(4), Some(12), Some(64), Some(72)],
        (Holder::Heap, Form::Late) => [Some(56), Some(64), Some(72), None],
        (Holder::Heap, Form::Early) => [Some(8), Some(16), Some(72), None],
    }
}

impl Form {
    /// The form of an item, by itself: where the later form has its number, the early one has nothing.
    pub(crate) fn of(item: &[u8; LENGTH], holder: Holder) -> Form {
        let late = item.get(Form::Late.id_at(holder)..).and_then(|rest| rest.first_chunk::<8>());
        if late.is_some_and(|id| *id != [0; 8]) { Form::Late } else { Form::Early }
    }

    /// Where the number of the file stands in an item.
    pub(crate) fn id_at(self, holder: Holder) -> usize {
        let [id, ..] = places(holder, self);
        id.unwrap_or(0)
    }

    /// Where the size stands in an item.
    pub(crate) fn size_at(self, holder: Holder) -> usize {
        let [_, size, ..] = places(holder, self);
        size.unwrap_or(0)
    }
}

impl Numbers {
    /// Those of an item.
    pub(crate) fn of(item: &[u8; LENGTH], holder: Holder, form: Form, order: Endianness) -> Numbers {
        let number = |at: usize| {
            let (first, second) = (order.u32_at(item, at)?, order.u32_at(item, at.checked_add(4)?)?);
            // Two halves, or a number of 64 bits in the order of the file.
            let low_first = form == Form::Early || order == Endianness::Little;
            Some(if low_first { joined(first, second) } else { joined(second, first) })
        };
        let [id, size, folder, database] = places(holder, form).map(|at| at.and_then(number).unwrap_or(0));
        Numbers { id, size, folder, database }
    }
}

/// Turns the numbers of an item around, but for the length that it states.
pub(crate) fn turn(item: &mut [u8; LENGTH], holder: Holder) {
    let form = Form::of(item, holder);
    for at in places(holder, form).into_iter().flatten() {
        let Some(number) = item.get_mut(at..).and_then(|rest| rest.get_mut(..8)) else { continue };
        match form {
            Form::Late => number.reverse(),
            Form::Early => number.chunks_exact_mut(4).for_each(<[u8]>::reverse),
        }
    }
}

/// Whether an item of a leaf states its length in this order.
pub(crate) fn states_length(item: &[u8], order: Endianness) -> bool {
    order.u16_at(item, 0) == Some(STATED_ON_LEAF)
}

/// A number from its two halves.
pub(crate) fn joined(low: u32, high: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// The bytes of such an item, if there are as many.
pub(crate) fn item(bytes: &[u8]) -> Option<&[u8; LENGTH]> {
    bytes.first_chunk()
}

/// The item with which the rest of a leaf begins, if it states the length that all have.
pub(crate) fn on_leaf(rest: &[u8]) -> Option<&[u8; LENGTH]> {
    // That is the same in both orders.
    item(rest).filter(|item| wrong_length(item, Holder::Leaf, Endianness::Little).is_none())
}

/// The length that an item states, if it is not the one that all have. Early files that are not in the
/// order of their machine have it in that of the machine.
pub(crate) fn wrong_length(item: &[u8; LENGTH], holder: Holder, order: Endianness) -> Option<u16> {
    let (at, stated) = match holder {
        Holder::Leaf => (0, STATED_ON_LEAF),
        Holder::Heap => (super::heap::SIZE_AT, STATED_IN_HEAP),
        Holder::Bucket => return None,
    };
    let found = order.u16_at(item, at).unwrap_or(0);
    (found != stated && found.swap_bytes() != stated).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_in_both_orders() {
        let numbers = Numbers { id: 0x0102_0304_0506, size: 7, folder: 0x1_0000_0008, database: 9 };
        let all = [numbers.id, numbers.size, numbers.folder, numbers.database];
        for order in [Endianness::Little, Endianness::Big] {
            let half = |number: u64| {
                let low = u32::try_from(number & 0xffff_ffff).unwrap();
                if order == Endianness::Big { low.to_be_bytes() } else { low.to_le_bytes() }
            };
            for (holder, late, early, count) in [
                (Holder::Leaf, [48, 56, 64, 72], [4, 12, 64, 72], 4),
                (Holder::Bucket, [48, 56, 64, 72], [4, 12, 64, 72], 4),
                (Holder::Heap, [56, 64, 72, 0], [8, 16, 72, 0], 3),
            ] {
                let (mut a, mut b) = ([0; LENGTH], [0; LENGTH]);
                for (index, number) in all.into_iter().enumerate().take(count) {
                    let wide =
                        if order == Endianness::Big { number.to_be_bytes() } else { number.to_le_bytes() };
                    a[late[index]..][..8].copy_from_slice(&wide);
                    b[early[index]..][..4].copy_from_slice(&half(number));
                    b[early[index] + 4..][..4].copy_from_slice(&half(number >> 32));
                }
                let expected = Numbers { database: if count == 4 { 9 } else { 0 }, ..numbers };
                assert_eq!((Form::of(&a, holder), Form::of(&b, holder)), (Form::Late, Form::Early));
                assert_eq!(Numbers::of(&a, holder, Form::Late, order), expected);
                assert_eq!(Numbers::of(&b, holder, Form::Early, order), expected);
                assert_eq!((Form::Late.id_at(holder), Form::Early.size_at(holder)), (late[0], early[1]));
            }
        }
    }

    #[test]
    fn lengths_are_told_from_wrong_ones_in_both_orders() {
        let mut item = [0; LENGTH];
        (item[0], item[3]) = (77, 76);
        for order in [Endianness::Little, Endianness::Big] {
            for holder in [Holder::Leaf, Holder::Heap, Holder::Bucket] {
                assert_eq!(wrong_length(&item, holder, order), None);
            }
        }
        item[0] = 78;
        assert_eq!(wrong_length(&item, Holder::Leaf, Endianness::Little), Some(78));
        assert_eq!(on_leaf(&item), None);
        item[0] = 77;
        assert!(on_leaf(&item).is_some() && on_leaf(&item[1..]).is_none());
    }
}
