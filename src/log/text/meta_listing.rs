//! Images of metadata pages, as releases 5.0 to 5.3 list them: in logs of sub-databases
//! and of databases in memory (database-format, "BTREE metadata pages" and annex A).

use super::buffer::Text;

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

/// Places on the page, in numbers of 32 bits.
mod at {
    pub(super) const PGNO: usize = 2;
    pub(super) const MAGIC: usize = 3;
    pub(super) const FREE: usize = 7;
    pub(super) const KEYS: usize = 10;
    pub(super) const FLAGS: usize = 12;
    pub(super) const REST: usize = 18;
    pub(super) const SPARES: usize = 24;
}

/// Lists what follows the first line. `number` gives the numbers of 32 bits of the
/// page, the first of which has the number 0.
pub(super) fn list(bytes: &[u8], number: impl Fn(usize) -> Option<u32>, text: &mut Text) -> Option<()> {
    let kind = *bytes.get(25)?;
    let several = |first: usize| Some([number(first)?, number(first.saturating_add(1))?]);
    let (magic, [version, page_size]) = (number(at::MAGIC)?, several(4)?);
    let meta_flags = *bytes.get(26)?;
    let [keys, records] = several(at::KEYS)?;
    text.put(&format!("\tmagic: {magic:#x}\n\tversion: {version}\n\tpagesize: {page_size}\n"));
    text.put(&format!(
        "\ttype: {kind}\n\tmetaflags {}\n\tkeys: {keys}\trecords: {records}\n",
        hex(meta_flags)
    ));
    if number(at::PGNO)? != 0 {
        let [free, last] = several(at::FREE)?;
        text.put(&format!("\tfree list: {free}\n\tlast_pgno: {last}\n"));
    }
    let flags = number(at::FLAGS)?;
    text.put(&format!("\tflags: {}", hex(flags)));
    let names: &[&str] = if kind == 8 { &HASH } else { &TREE };
    let set = names.iter().zip(0..).filter(|(_, bit)| flags >> bit & 1 != 0).map(|(name, _)| *name);
    let set: Vec<_> = set.collect();
    if !set.is_empty() {
        text.put(&format!(" ({})", set.join(", ")));
    }
    text.raw(b"\n\tuid: ");
    let uid: Vec<_> = bytes.get(52..72)?.iter().map(|byte| format!("{byte:x}")).collect();
    text.put(&uid.join(" "));
    text.raw(b"\n");
    let rest = |n: usize| number(at::REST.saturating_add(n));
    if kind == 8 {
        text.put(&format!("\tmax_bucket: {}\n\thigh_mask: {}\n", rest(0)?, hex(rest(1)?)));
        text.put(&format!("\tlow_mask:  {}\n\tffactor: {}\n", hex(rest(2)?), rest(3)?));
        text.put(&format!("\tnelem: {}\n\th_charkey: {}\n\tspare points:\n", rest(4)?, hex(rest(5)?)));
        return spares(|n| number(at::SPARES.saturating_add(n)), text);
    }
    text.put(&format!("\tminkey: {}\n", rest(1)?));
    if flags & 2 != 0 {
        text.put(&format!("\tre_len: {} re_pad: {}\n", hex(rest(2)?), hex(rest(3)?)));
    }
    text.put(&format!("\troot: {}\n", rest(4)?));
    Some(())
}

/// What is added to a bucket's number to find its page, for each doubling of the
/// table, and the first page of the doubling.
fn spares(spare: impl Fn(usize) -> Option<u32>, text: &mut Text) -> Option<()> {
    text.raw(b"\t");
    for n in 0..32 {
        let spare = spare(n)?;
        let first = u32::try_from(n).ok()?.checked_sub(1).map_or(0, |power| 1 << power);
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
        let number = |n: usize| Some(u32::from_le_bytes(*bytes.get(n * 4..)?.first_chunk()?));
        written(|text| list(bytes, number, text).unwrap())
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
        let text = written(|text| assert_eq!(list(&[9; 60], |_| Some(1), text), None));
        assert!(!text.contains("root"));
    }
}
