//! Compressed databases (database-format, "Compressed BTREEs"): records put into entries of
//! several, and a file of version 8 made one of version 9 that holds such.

use bdbkit::Endianness;

use super::{Builder, Duplicates, Tree};

/// A number of one to five bytes.
pub(crate) fn number(value: usize, to: &mut Vec<u8>) {
    let value = u64::try_from(value).expect("a length");
    let ranges: [(u64, usize, u8); 5] =
        [(0, 1, 0), (0x80, 2, 0x80), (0x4080, 3, 0xc0), (0x0020_4080, 4, 0xe0), (0x1020_4080, 5, 0xf0)];
    let (base, len, mark) = *ranges.iter().rev().find(|(base, ..)| value >= *base).unwrap();
    let bytes = (value - base).to_be_bytes();
    let at = to.len();
    to.extend_from_slice(&bytes[8 - len..]);
    to[at] |= mark;
}

fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(x, y)| x == y).count()
}

/// The data of the entry that holds these records.
pub(crate) fn chunk(records: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    number(records[0].1.len(), &mut bytes);
    bytes.extend_from_slice(&records[0].1);
    for pair in records.windows(2) {
        let ((key_before, data_before), (key, data)) = (&pair[0], &pair[1]);
        if key == key_before {
            let prefix = common(data_before, data);
            bytes.push(0xfc);
            number(prefix, &mut bytes);
            number(data.len() - prefix, &mut bytes);
            bytes.extend_from_slice(&data[prefix..]);
        } else {
            let prefix = common(key_before, key);
            number(prefix, &mut bytes);
            number(key.len() - prefix, &mut bytes);
            number(data.len(), &mut bytes);
            bytes.extend_from_slice(&key[prefix..]);
            bytes.extend_from_slice(data);
        }
    }
    bytes
}

/// A file of records in ascending order, in entries of these numbers of records, again and again.
pub(crate) fn build(
    builder: &Builder,
    tree: &Tree,
    records: &[(Vec<u8>, Vec<u8>)],
    sizes: &[usize],
) -> Vec<u8> {
    let (mut rest, mut sizes) = (records, sizes.iter().cycle());
    let mut entries: Vec<(Vec<u8>, Vec<Vec<u8>>)> = Vec::new();
    while !rest.is_empty() {
        let (these, others) = rest.split_at((*sizes.next().unwrap()).clamp(1, rest.len()));
        rest = others;
        let data = chunk(these);
        match entries.last_mut().filter(|(key, _)| *key == these[0].0) {
            Some((_, values)) => values.push(data),
            None => entries.push((these[0].0.clone(), vec![data])),
        }
    }
    raw(builder, tree, &entries)
}

/// A file whose pairs are called compressed, whatever they hold.
pub(crate) fn raw(builder: &Builder, tree: &Tree, entries: &[(Vec<u8>, Vec<Vec<u8>>)]) -> Vec<u8> {
    let mut file = builder.build(tree, entries);
    let big = builder.endianness == Endianness::Big;
    let mut put = |at: usize, value: u32| {
        file[at..at + 4].copy_from_slice(&if big { value.to_be_bytes() } else { value.to_le_bytes() });
    };
    let duplicates = if tree.duplicates == Duplicates::None { 0 } else { 0x41 };
    put(16, 9);
    put(48, 0x80 | duplicates);
    let pages = file.len() / builder.page_size - 1;
    let pages = u32::try_from(pages).unwrap();
    file[32..36].copy_from_slice(&if big { pages.to_be_bytes() } else { pages.to_le_bytes() });
    file
}
