//! The form in which releases from 5.0 on print: log versions 17 and later.

use super::buffer::Text;
use super::data::{data, page_kind};
use super::databases::Databases;
use super::page_listing::{self, Image};
use super::values::{extended, lock_lines, time};
use crate::format::item::{EXTERNAL, HASH_EXTERNAL};
use crate::log::record::{Fields, Record, Value, unsigned};
use crate::log::schema::{FieldKind, Print, RecordLayout};
use crate::order::Endianness;
use crate::types::Lsn;

/// All fields of a record, and what stands behind the last.
pub(super) fn fields(
    layout: &RecordLayout,
    mut fields: Fields<'_>,
    record: &Record<'_>,
    databases: &mut Databases,
    zone: &impl Fn(i64) -> i64,
    text: &mut Text,
) {
    let tailed = layout.fields().iter().any(|field| field.kind() == FieldKind::PageTail);
    let mut image = None;
    let (mut operation, mut register) = (0, None);
    let mut database = None;
    while let Some(field) = fields.next() {
        let (name, kind, print) = (field.name(), field.layout().kind(), field.layout().print());
        match (field.value(), kind) {
            (Value::Bytes(list), FieldKind::Locks) => {
                lock_lines(list, record, text);
                continue;
            }
            (Value::Bytes(list), FieldKind::PageList) => {
                page_list(list, record, text);
                continue;
            }
            (Value::Unsigned(op), FieldKind::Operation) => operation = op,
            (Value::Unsigned(op), FieldKind::Register) => register = Some(op),
            (Value::Signed(id), FieldKind::FileId) => match register {
                Some(opcode) => databases.register(id, opcode),
                None => database = databases.get(id),
            },
            (Value::Bytes([]), FieldKind::Item | FieldKind::ItemTail) => continue,
            (Value::Bytes(head), FieldKind::PageImage) => {
                let whole = Image { head, tail: None, behind: fields.rest(), kept: database };
                if tailed {
                    image = Some((name, whole)); // shown where the tail stands
                    continue;
                }
                if page_listing::list(whole, text) {
                    continue;
                }
            }
            (Value::Bytes(tail), FieldKind::PageTail) => {
                if let Some((head_name, image)) = image.take() {
                    if page_listing::list(Image { tail: Some(tail), ..image }, text) {
                        continue;
                    }
                    text.name(head_name);
                    data(image.head, text);
                    text.raw(b"\n");
                }
            }
            _ => {}
        }
        text.name(name);
        match (field.value(), kind) {
            (Value::Bytes(item), FieldKind::Item)
                if database.is_some_and(|kept| kept.order == Endianness::Big) =>
            {
                data(&swapped(operation, item), text);
            }
            (Value::Bytes(bytes), _) => data(bytes, text),
            (Value::Unsigned(op), FieldKind::Operation) => {
                text.decimal(op >> 8);
                text.raw(b" ptype: ");
                let [.., page] = op.to_be_bytes();
                text.put(page_kind(page));
            }
            (Value::Unsigned(op), FieldKind::Register) => {
                text.put(register_name(op & 0xf));
                text.raw(b" ");
                text.hex(op & !0xf);
            }
            (Value::Signed(n), _) if print == Print::Database => text.decimal(extended(n)),
            (Value::Signed(n), FieldKind::Time) => time(n.into(), zone, text),
            (Value::Signed(n), _) => number(unsigned(n), print, text),
            (Value::Unsigned(n), _) => number(n, print, text),
            (Value::Size(n), _) => text.decimal(n),
            (Value::Lsn(lsn), _) => text.lsn(lsn),
        }
        text.raw(b"\n");
    }
    text.raw(b"\n");
}

/// A big-endian item of a page, with its numbers in the other order. The operation
/// before it in the record tells the type of the page, and of an item of a hash.
fn swapped(operation: u32, item: &[u8]) -> Vec<u8> {
    let [.., hash_kind, page] = operation.to_be_bytes();
    let kind = item.get(2).copied().unwrap_or(0) & 0x7f;
    let numbers: &[(usize, usize)] = match (page, kind) {
        // The length of a long key stands in the order of the machine.
        (3, 3) => &[(0, 2), (4, 4), (8, 4), (16, 4)],
        (3, _) => &[(0, 2), (4, 4), (8, 4)],
        (4, _) => &[(0, 4), (4, 4)],
        (5 | 6 | 12, 1) => &[(0, 2)],
        (5, EXTERNAL) => &[(0, 2), (48, 8), (56, 8), (64, 8), (72, 8)],
        (5 | 6 | 12, _) => &[(4, 4), (8, 4)],
        (2 | 13, _) if matches!(hash_kind, 3 | 4) => &[(4, 4), (8, 4)],
        (2 | 13, _) if hash_kind == HASH_EXTERNAL => &[(48, 8), (56, 8), (64, 8), (72, 8)],
        _ => &[],
    };
    let mut item = item.to_vec();
    for &(at, len) in numbers {
        if let Some(number) = item.get_mut(at..).and_then(|rest| rest.get_mut(..len)) {
            number.reverse();
        }
    }
    if let (2 | 13, 2) = (page, hash_kind) {
        swap_lengths(&mut item);
    }
    item
}

/// Values of a hash with one key: the length of each stands before and behind it.
fn swap_lengths(mut values: &mut [u8]) {
    while let Some((length, rest)) = values.split_first_chunk_mut() {
        let value = u16::from_be_bytes(*length);
        length.reverse();
        let Some((_, rest)) = rest.split_at_mut_checked(value.into()) else { return };
        let Some((length, rest)) = rest.split_first_chunk_mut::<2>() else { return };
        length.reverse();
        values = rest;
    }
}

fn number(n: u32, print: Print, text: &mut Text) {
    match print {
        Print::Hexadecimal => text.hex(n),
        Print::Octal => text.octal(n),
        _ => text.decimal(n),
    }
}

/// `page [file][offset]`, the last of them four to a line.
fn page_list(list: &[u8], record: &Record<'_>, text: &mut Text) {
    let order = record.endianness();
    let word = |entry: &[u8], at: usize| {
        entry.get(at..).and_then(|rest| order.split_u32(rest)).map_or(0, |(n, _)| n)
    };
    text.raw(b"\t");
    let entries = list.chunks_exact(16);
    for (left, entry) in (0..entries.len()).rev().zip(entries) {
        text.decimal(word(entry, 0));
        text.raw(b" ");
        text.lsn(Lsn { file: word(entry, 8), offset: word(entry, 12) });
        text.put(if left % 4 == 0 { "\n\t" } else { " " });
    }
}

fn register_name(operation: u32) -> &'static str {
    match operation {
        1 => "CHKPNT",
        2 => "CLOSE",
        3 => "OPEN",
        4 => "PREOPEN",
        5 => "RCLOSE",
        6 => "REOPEN",
        7 => "XCHKPNT",
        8 => "XOPEN",
        9 => "XREOPEN",
        _ => "UNKNOWN",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_items_are_swapped_by_the_kind_of_item() {
        let (leaf, hash) = (0x105, 13);
        assert_eq!(swapped(leaf, b"\0\x05\x01abcde"), b"\x05\0\x01abcde");
        assert_eq!(swapped(leaf, b"\0\0\x03\0\0\0\0\x05\0\0\x03\x84"), b"\0\0\x03\0\x05\0\0\0\x84\x03\0\0");
        assert_eq!(swapped(0x104, b"\0\0\0\x08\0\0\0\x03"), b"\x08\0\0\0\x03\0\0\0");
        let pairs = b"\0\x02ab\0\x02\0\x01c\0\x01";
        assert_eq!(swapped(0x200 | hash, pairs), b"\x02\0ab\x02\0\x01\0c\x01\0");
        assert_eq!(swapped(0x100 | hash, pairs), pairs, "an ordinary value");
        assert_eq!(swapped(0x200 | hash, b"\xff\xffab"), b"\xff\xffab", "cut");
        assert_eq!(swapped(leaf, b"\0"), b"\0", "cut");
    }
}
