//! HASH files of versions 4 to 8 written from the specification (database-format, annex A), byte by
//! byte and without the library: the pairs of a page in the order in which they are given.

#![allow(dead_code)] // each crate uses a part

use std::collections::VecDeque;

use bdbkit::{Database, Endianness};

use super::image::Image;

/// How a file looks, and what is in it.
#[derive(Clone, Debug)]
pub(crate) struct HashFile {
    pub(crate) version: u32,
    pub(crate) order: Endianness,
    pub(crate) page_size: usize,
    /// The highest bucket.
    pub(crate) max: u32,
    /// Pages are summed up: version 8.
    pub(crate) checksums: bool,
    /// Whether pages of buckets behind the last that has keys are left out, as by release 2, if
    /// nothing stands behind them.
    pub(crate) short: bool,
    /// Values of more bytes together stand on pages of their own.
    pub(crate) off_page: usize,
}

/// A key and its values.
pub(crate) type Entry = (Vec<u8>, Vec<Vec<u8>>);

impl HashFile {
    pub(crate) fn new(version: u32, order: Endianness, page_size: usize, max: u32) -> HashFile {
        HashFile { version, order, page_size, max, checksums: false, short: false, off_page: page_size / 8 }
    }

    fn overhead(&self) -> usize {
        if self.checksums { 32 } else { 26 }
    }

    fn u32(&self, number: u32) -> [u8; 4] {
        if self.order == Endianness::Big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn u16(&self, number: usize) -> [u8; 2] {
        let number = u16::try_from(number).unwrap_or(0); // 65536 is stored as 0
        if self.order == Endianness::Big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn mask(&self) -> u32 {
        u32::MAX >> self.max.leading_zeros().min(31)
    }

    /// The bucket of a key.
    pub(crate) fn bucket(&self, key: &[u8]) -> u32 {
        let hash = match self.version {
            4 => key.iter().fold(0, |hash: u32, &c| hash.wrapping_mul(33).wrapping_add(c.into())),
            _ => fnv(key),
        };
        let bucket = hash & self.mask();
        if bucket > self.max { bucket & (self.mask() >> 1) } else { bucket }
    }

    /// The file.
    pub(crate) fn build(&self, entries: &[Entry]) -> Vec<u8> {
        let buckets = self.mask() + 1;
        let mut pages: Vec<Vec<u8>> = vec![vec![0; self.page_size]; usize::try_from(buckets).unwrap() + 1];
        for bucket in 0..=self.max {
            let own = entries.iter().filter(|(key, _)| self.bucket(key) == bucket);
            let mut pairs: VecDeque<[Vec<u8>; 2]> = VecDeque::new();
            for (key, values) in own {
                let key = self.item(key, &mut pages);
                pairs.push_back([key, self.values(values, &mut pages)]);
            }
            if !pairs.is_empty() || self.version > 5 {
                self.fill(bucket + 1, pairs, &mut pages);
            }
        }
        if self.short && pages.len() == usize::try_from(buckets).unwrap() + 1 {
            let used = pages.iter().rposition(|page| page.iter().any(|&byte| byte != 0)).unwrap_or(0);
            pages.truncate(used.max(1) + 1);
        }
        let keys = u32::try_from(entries.len()).unwrap();
        pages[0] = self.meta(keys, entries.iter().any(|(_, values)| values.len() > 1), pages.len());
        if self.checksums {
            pages.iter_mut().for_each(|page| self.seal(page));
        }
        pages.concat()
    }

    fn seal(&self, page: &mut [u8]) {
        if page.iter().all(|&byte| byte == 0) {
            return;
        }
        let (at, covered) = if page[25] == 8 { (492, 512) } else { (28, page.len()) };
        page[at..at + 4].fill(0);
        let sum = page[..covered].iter().fold(0u32, |sum, &c| sum.wrapping_mul(33).wrapping_add(c.into()));
        let sum = self.u32(sum);
        page[at..at + 4].copy_from_slice(&sum);
    }

    fn meta(&self, keys: u32, duplicates: bool, pages: usize) -> Vec<u8> {
        let mut page = vec![0; self.page_size];
        let mut put = |at: usize, number: u32| page[at..at + 4].copy_from_slice(&self.u32(number));
        for (at, number) in [(12, 0x61561), (16, self.version), (20, u32::try_from(self.page_size).unwrap())]
        {
            put(at, number);
        }
        let own = match self.version {
            4 | 5 => 32,
            6 => 56,
            _ => 72,
        };
        let numbers = [self.max, self.mask(), self.mask() >> 1, 0, keys, self.probe()];
        for (index, number) in numbers.into_iter().enumerate() {
            put(own + 4 * index, number);
        }
        let flags = u32::from(duplicates);
        match self.version {
            4 | 5 => put(56, flags),
            6 => put(32, flags),
            _ => {
                put(48, flags);
                put(32, u32::try_from(pages).unwrap() - 1);
            }
        }
        if self.version > 5 {
            // All buckets stand one behind the other, from page 1 on.
            let used = 32 - self.mask().leading_zeros();
            (0..=usize::try_from(used).unwrap()).for_each(|index| put(own + 24 + 4 * index, 1));
            page[25] = 8;
        }
        let uid = if self.version > 6 {
            52
        } else if self.version == 6 {
            36
        } else {
            188
        };
        page[uid..uid + 20].copy_from_slice(b"a uid of twenty byte");
        page[26] = u8::from(self.checksums);
        page
    }

    fn probe(&self) -> u32 {
        let probe = b"%$sniglet^&\0";
        match self.version {
            4 => probe.iter().fold(0, |hash: u32, &c| hash.wrapping_mul(33).wrapping_add(c.into())),
            _ => fnv(probe),
        }
    }

    /// An ordinary page with items in the order of its slots.
    fn page(&self, no: u32, links: [u32; 2], [level, kind]: [u8; 2], items: &[Vec<u8>]) -> Vec<u8> {
        let mut page = vec![0; self.page_size];
        for (at, number) in [(8, no), (12, links[0]), (16, links[1])] {
            page[at..at + 4].copy_from_slice(&self.u32(number));
        }
        let mut end = self.page_size;
        for (slot, item) in items.iter().enumerate() {
            end -= item.len();
            page[end..end + item.len()].copy_from_slice(item);
            let at = self.overhead() + 2 * slot;
            assert!(at + 2 <= end, "a page with too many items");
            page[at..at + 2].copy_from_slice(&self.u16(end));
        }
        page[20..22].copy_from_slice(&self.u16(items.len()));
        page[22..24].copy_from_slice(&self.u16(end));
        (page[24], page[25]) = (level, kind);
        page
    }

    /// The pages of a bucket, of which the first has its place.
    fn fill(&self, first: u32, mut pairs: VecDeque<[Vec<u8>; 2]>, pages: &mut Vec<Vec<u8>>) {
        let (mut no, mut prev) = (first, 0);
        loop {
            let (mut items, mut room) = (Vec::new(), self.page_size - self.overhead());
            while let Some(pair) = pairs.front() {
                let size = pair[0].len() + pair[1].len() + 4;
                if size > room {
                    break;
                }
                room -= size;
                items.extend(pairs.pop_front().unwrap());
            }
            let next = if pairs.is_empty() { 0 } else { u32::try_from(pages.len()).unwrap() };
            pages[usize::try_from(no).unwrap()] = self.page(no, [prev, next], [0, 2], &items);
            if next == 0 {
                return;
            }
            pages.push(Vec::new());
            (prev, no) = (no, next);
        }
    }

    /// A key or a value as an item of a bucket.
    fn item(&self, bytes: &[u8], pages: &mut Vec<Vec<u8>>) -> Vec<u8> {
        if bytes.len() <= self.page_size / 4 {
            return [&[1], bytes].concat();
        }
        let first = u32::try_from(pages.len()).unwrap();
        let chunks: Vec<_> = bytes.chunks(self.page_size - self.overhead()).collect();
        for (index, chunk) in chunks.iter().enumerate() {
            let no = u32::try_from(pages.len()).unwrap();
            let prev = if index == 0 { 0 } else { no - 1 };
            let next = if index + 1 == chunks.len() { 0 } else { no + 1 };
            let mut page = self.page(no, [prev, next], [0, 7], &[]);
            page[20..22].copy_from_slice(&self.u16(1));
            page[22..24].copy_from_slice(&self.u16(chunk.len()));
            page[self.overhead()..self.overhead() + chunk.len()].copy_from_slice(chunk);
            pages.push(page);
        }
        let len = self.u32(u32::try_from(bytes.len()).unwrap());
        [&[3, 0, 0, 0][..], &self.u32(first), &len].concat()
    }

    fn values(&self, values: &[Vec<u8>], pages: &mut Vec<Vec<u8>>) -> Vec<u8> {
        if let [value] = values {
            return self.item(value, pages);
        }
        let total: usize = values.iter().map(|value| value.len() + 4).sum();
        if total <= self.off_page {
            let one = |value: &Vec<u8>| [&self.u16(value.len())[..], value, &self.u16(value.len())].concat();
            return std::iter::once(vec![2]).chain(values.iter().map(one)).collect::<Vec<_>>().concat();
        }
        let item = |value: &Vec<u8>| {
            let mut item = [&self.u16(value.len())[..], &[1], value].concat();
            item.resize(item.len().next_multiple_of(4), 0);
            item
        };
        let first = u32::try_from(pages.len()).unwrap();
        let mut lots: Vec<Vec<Vec<u8>>> = vec![Vec::new()];
        let mut room = self.page_size - self.overhead();
        for item in values.iter().map(item) {
            if item.len() + 2 > room {
                lots.push(Vec::new());
                room = self.page_size - self.overhead();
            }
            room -= item.len() + 2;
            lots.last_mut().unwrap().push(item);
        }
        assert!(self.version < 7 || lots.len() == 1, "trees are not built");
        let count = lots.len();
        for (index, items) in lots.iter().enumerate() {
            let no = u32::try_from(pages.len()).unwrap();
            let prev = if index == 0 { 0 } else { no - 1 };
            let next = if index + 1 == count { 0 } else { no + 1 };
            let kind = if self.version < 7 { [0, 1] } else { [1, 6] };
            pages.push(self.page(no, [prev, next], kind, items));
        }
        [&[4, 0, 0, 0][..], &self.u32(first)].concat()
    }
}

/// Makes the first of several databases of a file of version 7, which has one leaf with these keys
/// and whose values have 4 bytes, a HASH of two buckets.
pub(crate) fn among_others(mut file: Image, keys: &[&[u8]], order: Endianness) -> Image {
    let (meta, root) = {
        let db = Database::from_bytes(&file.bytes[..]).unwrap();
        let inner = db.subdatabases().next().unwrap().unwrap();
        (inner.meta().page().0, inner.meta().root().unwrap().0)
    };
    let size = file.page_size;
    let second = file.pages();
    file.bytes.resize(file.bytes.len() + size, 0);
    let as_hash = HashFile::new(6, order, size, 1);
    let mut buckets = [Vec::new(), Vec::new()];
    for (slot, key) in (1..).step_by(2).zip(keys) {
        let at = file.item(root, slot);
        let start = usize::try_from(root).unwrap() * size + at;
        let value = match file.byte(root, at + 2) {
            1 => [&[1][..], &file.bytes[start + 3..start + 7]].concat(),
            _ => [&[4, 0, 0, 0][..], &file.bytes[start + 4..start + 8]].concat(),
        };
        let bucket = usize::try_from(as_hash.bucket(key)).unwrap();
        buckets[bucket].extend([[&[1], *key].concat(), value]);
    }
    for (page, items) in [root, second].into_iter().zip(buckets) {
        let start = usize::try_from(page).unwrap() * size;
        file.bytes[start..start + size].copy_from_slice(&as_hash.page(page, [0, 0], [0, 2], &items));
    }
    for at in 12..size {
        file.put(meta, at, 0);
    }
    for (at, number) in [(12, 0x61561), (16, 6), (20, u32::try_from(size).unwrap()), (32, 3), (36, 7)] {
        file.put_u32(meta, at, number);
    }
    for (at, number) in [(56, 1), (60, 1), (72, 77), (76, as_hash.probe()), (80, root), (84, second - 1)] {
        file.put_u32(meta, at, number);
    }
    file.put(meta, 25, 8);
    file
}

fn fnv(key: &[u8]) -> u32 {
    key.iter().fold(0, |hash: u32, &byte| hash.wrapping_mul(0x0100_0193) ^ u32::from(byte))
}

/// Entries of many shapes, the same for each seed: keys that are the start of others, long ones,
/// empty values, long values, some values on the page and so many beside it.
pub(crate) fn mixed(seed: u32, count: u32, page_size: usize, many: u32) -> Vec<Entry> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = move |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % below.max(1)
    };
    let mut keys = std::collections::BTreeSet::new();
    let long = u32::try_from(page_size / 4).unwrap();
    while keys.len() < usize::try_from(count).unwrap() {
        let len = match next(12) {
            0 => long + next(2 * long),
            _ => next(9),
        };
        let tail = next(1000);
        let mut key: Vec<u8> = (0..len).map(|_| b"abcd"[usize::try_from(next(2)).unwrap()]).collect();
        if next(3) == 0 {
            key.extend(tail.to_string().bytes());
        }
        keys.insert(key);
    }
    let mut entries: Vec<Entry> = keys
        .into_iter()
        .map(|key| {
            let values = match next(14) {
                0 => (0..2 + next(3)).map(|value| vec![b'v', u8::try_from(value).unwrap()]).collect(),
                1 => (0..many).map(|value: u32| value.to_be_bytes().repeat(page_size / 512)).collect(),
                2 => vec![vec![b'l'; usize::try_from(long + next(3 * long)).unwrap()]],
                _ => vec![vec![b'x'; usize::try_from(next(20)).unwrap()]],
            };
            (key, values)
        })
        .collect();
    // Not in their order.
    for at in (1..entries.len()).rev() {
        entries.swap(at, usize::try_from(next(u32::try_from(at).unwrap() + 1)).unwrap());
    }
    entries
}
