//! Images of metadata pages, as releases 5.0 to 5.3 list them: in logs of sub-databases
//! and of databases in memory (database-format, "BTREE metadata pages" and annex A).

use super::buffer::Text;
use crate::format::meta::{BTREE_MAGIC, Field, HASH_MAGIC, Layout, at};
use crate::format::page::PageKind;
use crate::meta::Flags;
use crate::order::Endianness;

/// The names of the flags of a tree and of a hash, lowest first.
const TREE: [&str; 8] = [
    "duplicates",
    "recno",
    "btree:recnum",
    "recno:fixed-length",
    "recno:renumber",
    "multiple-databases",
    "sorted duplicates",
    "compressed",
];
const HASH: [&str; 3] = ["duplicates", "multiple-databases", "sorted duplicates"];

/// Lists what follows the first line, as these releases do: wherever their own layout has it.
pub(super) fn list(bytes: &[u8], order: Endianness, text: &mut Text) -> Option<()> {
    let hash = PageKind::from_byte(*bytes.get(at::TYPE)?) == Some(PageKind::HashMeta);
    let layout = Layout::newest(if hash { HASH_MAGIC } else { BTREE_MAGIC })?;
    let number = |field| layout.number(bytes, field, order);
    text.put(&format!("\tmagic: {:#x}\n", number(Field::Magic)?));
    text.put(&format!("\tversion: {}\n\tpagesize: {}\n", number(Field::Version)?, number(Field::PageSize)?));
    text.put(&format!("\ttype: {}\n\tmetaflags {}\n", number(Field::Type)?, hex(number(Field::Metaflags)?)));
    let [keys, records] = [number(Field::KeyCount)?, number(Field::RecordCount)?];
    text.put(&format!("\tkeys: {keys}\trecords: {records}\n"));
    if number(Field::Pgno)? != 0 {
        let [free, last] = [number(Field::Free)?, number(Field::LastPgno)?];
        text.put(&format!("\tfree list: {free}\n\tlast_pgno: {last}\n"));
    }
    let flags = number(Field::Flags)?;
    text.put(&format!("\tflags: {}", hex(flags)));
    let names: &[&str] = if hash { &HASH } else { &TREE };
    let set = names.iter().zip(0..).filter(|(_, bit)| flags >> bit & 1 != 0).map(|(name, _)| *name);
    let set: Vec<_> = set.collect();
    if !set.is_empty() {
        text.put(&format!(" ({})", set.join(", ")));
    }
    text.raw(b"\n\tuid: ");
    let uid: Vec<_> = layout.bytes(bytes, Field::Uid)?.iter().map(|byte| format!("{byte:x}")).collect();
    text.put(&uid.join(" "));
    text.raw(b"\n");
    if hash {
        let [max, high, low] = [Field::MaxBucket, Field::HighMask, Field::LowMask].map(number);
        text.put(&format!("\tmax_bucket: {}\n\thigh_mask: {}\n", max?, hex(high?)));
        text.put(&format!("\tlow_mask:  {}\n\tffactor: {}\n", hex(low?), number(Field::Ffactor)?));
        let [items, charkey] = [number(Field::Nelem)?, number(Field::Charkey)?];
        text.put(&format!("\tnelem: {items}\n\th_charkey: {}\n\tspare points:\n", hex(charkey)));
        return spares(layout.bytes(bytes, Field::Spares)?, order, text);
    }
    text.put(&format!("\tminkey: {}\n", number(Field::MinKey)?));
    if Flags::new(flags).recno() {
        let [len, pad] = [number(Field::ReLen)?, number(Field::RePad)?];
        text.put(&format!("\tre_len: {} re_pad: {}\n", hex(len), hex(pad)));
    }
    text.put(&format!("\troot: {}\n", number(Field::Root)?));
    Some(())
}

/// What is added to a bucket's number to find its page, for each doubling of the
/// table, and the first page of the doubling.
fn spares(spares: &[u8], order: Endianness, text: &mut Text) -> Option<()> {
    text.raw(b"\t");
    for (n, spare) in (0_u32..).zip(spares.chunks(4)) {
        let spare = order.u32_at(spare, 0)?;
        let first = n.checked_sub(1).map_or(0, |power| 1 << power);
        let page = if spare == 0 { 0 } else { spare.wrapping_add(first) };
        text.put(&format!("{spare} ({page}) {}", if n % 8 == 7 { "\n\t" } else { "" }));
    }
    text.raw(b"\n");
    Some(())
}

/// As `%#x` does: nothing stands before a zero.
fn hex(n: impl Into<u32>) -> String {
    match n.into() {
        0 => "0".to_owned(),
        n => format!("{n:#x}"),
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::super::tests::written;
    use super::*;

    fn listed(bytes: &[u8]) -> String {
        written(|text| list(bytes, Endianness::Little, text).unwrap())
    }

    fn page(kind: u8, numbers: &[(usize, u32)]) -> Vec<u8> {
        let mut page = vec![0; 512];
        for &(place, n) in numbers {
            page[place * 4..][..4].copy_from_slice(&n.to_le_bytes());
        }
        page[25] = kind;
        page
    }

    #[test]
    fn trees_are_listed_with_the_names_of_their_flags() {
        let numbers =
            [(2, 3), (3, 0x53162), (4, 9), (5, 512), (8, 4), (12, 0x22), (13, 0xff01), (19, 2), (21, 32)];
        let expected = "\tmagic: 0x53162\n\tversion: 9\n\tpagesize: 512\n\ttype: 9\n\tmetaflags 0\n\
            \tkeys: 0\trecords: 0\n\tfree list: 0\n\tlast_pgno: 4\n\
            \tflags: 0x22 (recno, multiple-databases)\n\
            \tuid: 1 ff 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n\
            \tminkey: 2\n\tre_len: 0 re_pad: 0x20\n\troot: 0\n";
        assert_eq!(listed(&page(9, &numbers)), expected);
    }

    #[test]
    fn spares_are_listed_with_the_first_page_of_each_doubling() {
        let text = listed(&page(8, &[(24, 1), (25, 1), (26, 2), (31, 16)]));
        assert!(text.contains("\t1 (1) 1 (2) 2 (4) 0 (0) 0 (0) 0 (0) 0 (0) 16 (80) \n\t0 (0) "), "{text}");
        assert!(text.ends_with(" 0 (0) \n\t\n"), "{text}");
    }

    #[test]
    fn a_short_page_is_not_listed() {
        let text = written(|text| assert_eq!(list(&[9; 60], Endianness::Little, text), None));
        assert!(!text.contains("root"));
    }
}
