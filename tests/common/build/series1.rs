//! Files of the 1.x series written from the specification (other-releases, "The 1.x series"), without
//! the library.

#![allow(
    dead_code, // each crate uses a part
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]

use bdbkit::Endianness;

use crate::common::Pair;

/// Writes numbers in an order.
fn put(bytes: &mut [u8], at: usize, number: u64, len: usize, order: Endianness) {
    let le = number.to_le_bytes();
    for i in 0..len {
        bytes[at + i] = if order == Endianness::Little { le[i] } else { le[len - 1 - i] };
    }
}

/// A BTREE 3 or a RECNO.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tree {
    pub(crate) order: Endianness,
    pub(crate) page_size: usize,
    pub(crate) duplicates: bool,
    /// The order of index and items of RECNO pages; `None` for a BTREE.
    pub(crate) records: Option<Endianness>,
}

struct Pages {
    tree: Tree,
    pages: Vec<Vec<u8>>,
}

/// An item with what pads it.
struct Item {
    bytes: Vec<u8>,
}

impl Tree {
    fn body(&self) -> Endianness {
        self.records.unwrap_or(self.order)
    }

    /// The file, with pairs in the order in which they are given.
    pub(crate) fn build(self, pairs: &[Pair]) -> Vec<u8> {
        let size = self.page_size;
        let mut file = Pages { tree: self, pages: vec![vec![0; size], vec![0; size]] };
        let limit = (size - 20) / 2 - 14;
        let mut leaves: Vec<(Vec<Item>, Vec<u8>, bool)> = Vec::new();
        let (mut items, mut first, mut used) = (Vec::new(), None, 20);
        for (key, data) in pairs {
            let big_data =
                if self.records.is_some() { data.len() > limit } else { key.len() + data.len() > limit };
            let big_key = self.records.is_none() && key.len() + if big_data { 8 } else { data.len() } > limit;
            let data = if big_data { file.chain(data, false) } else { data.clone() };
            let stored = if big_key { file.chain(key, true) } else { key.clone() };
            let flags = u8::from(big_data) | u8::from(big_key) << 1;
            let mut bytes = Vec::new();
            if self.records.is_some() {
                bytes.resize(4, 0);
                put(&mut bytes, 0, data.len() as u64, 4, self.body());
                bytes.push(flags & 1);
            } else {
                bytes.resize(8, 0);
                put(&mut bytes, 0, stored.len() as u64, 4, self.order);
                put(&mut bytes, 4, data.len() as u64, 4, self.order);
                bytes.push(flags);
                bytes.extend_from_slice(&stored);
            }
            bytes.extend_from_slice(&data);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            if used + bytes.len() + 2 > size {
                let (key, big) = first.take().unwrap();
                leaves.push((std::mem::take(&mut items), key, big));
                used = 20;
            }
            first.get_or_insert((stored, big_key));
            used += bytes.len() + 2;
            items.push(Item { bytes });
        }
        let (key, big) = first.unwrap_or_default();
        leaves.push((items, key, big));
        let alone = leaves.len() == 1;
        let (leaf, internal) = if self.records.is_some() { (16, 8) } else { (2, 1) };
        let start = if alone { 1 } else { file.pages.len() };
        let count = leaves.len();
        let mut level: Vec<(usize, Vec<u8>, bool, usize)> = Vec::new();
        for (i, (items, key, big)) in leaves.into_iter().enumerate() {
            let no = start + i;
            let (prev, next) = (if i == 0 { 0 } else { no - 1 }, if i + 1 == count { 0 } else { no + 1 });
            level.push((no, key, big, items.len()));
            file.page(no, leaf, prev, next, &items);
        }
        while level.len() > 1 {
            let mut above: Vec<(usize, Vec<u8>, bool, usize)> = Vec::new();
            let mut rest = level.into_iter().peekable();
            let mut groups: Vec<(Vec<Item>, Vec<u8>, bool, usize)> = Vec::new();
            while rest.peek().is_some() {
                let (mut items, mut used, mut of, mut records) = (Vec::new(), 20, None, 0);
                while let Some((no, key, big, below)) =
                    rest.next_if(|(_, key, ..)| used + (9 + key.len()).next_multiple_of(4) + 2 <= size)
                {
                    let mut bytes = vec![0; 8];
                    if self.records.is_some() {
                        put(&mut bytes, 0, below as u64, 4, self.body());
                        put(&mut bytes, 4, no as u64, 4, self.body());
                    } else {
                        put(&mut bytes, 0, key.len() as u64, 4, self.order);
                        put(&mut bytes, 4, no as u64, 4, self.order);
                        bytes.push(u8::from(big) << 1);
                        bytes.extend_from_slice(&key);
                        bytes.resize(bytes.len().next_multiple_of(4), 0);
                    }
                    used += bytes.len() + 2;
                    records += below;
                    of.get_or_insert((key, big));
                    items.push(Item { bytes });
                }
                let (key, big) = of.unwrap();
                groups.push((items, key, big, records));
            }
            let top = groups.len() == 1;
            for (items, key, big, records) in groups {
                let no = if top { 1 } else { file.pages.len() };
                file.page(no, internal, 0, 0, &items);
                above.push((no, key, big, records));
            }
            level = above;
        }
        let meta = &mut file.pages[0];
        let flags = match (self.records.is_some(), self.duplicates) {
            (true, _) => 0xa0,
            (false, true) => 0,
            (false, false) => 0x20,
        };
        let records = if self.records.is_some() { pairs.len() } else { 0 };
        for (at, number) in [(0, 0x0005_3162), (4, 3), (8, size), (16, records), (20, flags)] {
            put(meta, at, number as u64, 4, self.order);
        }
        file.pages.concat()
    }
}

impl Pages {
    /// An overflow chain; gives the reference to it.
    fn chain(&mut self, bytes: &[u8], key: bool) -> Vec<u8> {
        let (order, size) = (self.tree.order, self.tree.page_size);
        let first = self.pages.len();
        // Nothing takes a page, too.
        let pieces: Vec<&[u8]> = if bytes.is_empty() { vec![&[]] } else { bytes.chunks(size - 20).collect() };
        for (i, piece) in pieces.iter().enumerate() {
            let mut page = vec![0; size];
            let next = if i + 1 < pieces.len() { first + i + 1 } else { 0 };
            let kind = if key && i == 0 { 0x24 } else { 4 };
            for (at, number) in [(0, first + i), (8, next), (12, kind)] {
                put(&mut page, at, number as u64, 4, order);
            }
            page[20..20 + piece.len()].copy_from_slice(piece);
            self.pages.push(page);
        }
        let mut reference = vec![0; 8];
        put(&mut reference, 0, first as u64, 4, self.tree.body());
        put(&mut reference, 4, bytes.len() as u64, 4, self.tree.body());
        reference
    }

    fn page(&mut self, no: usize, kind: u32, prev: usize, next: usize, items: &[Item]) {
        let (order, size) = (self.tree.order, self.tree.page_size);
        let mut page = vec![0; size];
        let mut upper = size;
        for (slot, item) in items.iter().enumerate() {
            upper -= item.bytes.len();
            page[upper..upper + item.bytes.len()].copy_from_slice(&item.bytes);
            put(&mut page, 20 + 2 * slot, upper as u64, 2, self.tree.body());
        }
        for (at, number) in [(0, no as u64), (4, prev as u64), (8, next as u64), (12, kind.into())] {
            put(&mut page, at, number, 4, order);
        }
        put(&mut page, 16, 20 + 2 * items.len() as u64, 2, order);
        put(&mut page, 18, upper as u64 & 0xffff, 2, order);
        if self.pages.len() <= no {
            self.pages.resize(no + 1, Vec::new());
        }
        self.pages[no] = page;
    }
}

/// A HASH of version 2 or 3.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    pub(crate) version: u32,
    pub(crate) order: Endianness,
    pub(crate) page_size: usize,
    pub(crate) buckets: u32,
}

/// The hash function of the series.
pub(crate) fn hash(key: &[u8]) -> u32 {
    key.iter().fold(0, |hash: u32, &byte| hash.wrapping_mul(33).wrapping_add(byte.into()))
}

/// Where a page of a table comes to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spot {
    Bucket(u32),
    Overflow(u16),
}

/// What is written when all places are known.
struct Draft {
    spot: Spot,
    kind: u8,
    /// HASH 2: the words, but for two; HASH 3: the slots.
    words: Vec<u16>,
    /// Where data begins, and the bytes from there to the end; of a big page of HASH 3 from the start.
    data: Vec<u8>,
    free: Option<u16>,
    next: Option<u16>,
}

impl Draft {
    fn empty(spot: Spot, kind: u8) -> Draft {
        Draft { spot, kind, words: Vec::new(), data: Vec::new(), free: None, next: None }
    }
}

impl Table {
    fn header_pages(&self) -> usize {
        (if self.version == 3 { 248 } else { 260usize }).div_ceil(self.page_size)
    }

    /// The file; gives it with the pairs in the order in which they stand there.
    pub(crate) fn build(self, pairs: &[Pair]) -> (Vec<u8>, Vec<Pair>) {
        let max = self.buckets - 1;
        let point = 32 - max.leading_zeros();
        let high = if max == 0 { 1 } else { u32::MAX >> max.leading_zeros() };
        let low = high >> 1;
        let mut counts = [0u32; 32];
        let mut turn = 0;
        // Overflow pages behind the buckets of each doubling in turn.
        let mut address = || {
            let at = turn % (point + 1);
            turn += 1;
            counts[at as usize] += 1;
            (at << 11) as u16 | counts[at as usize] as u16
        };
        let bits = address();
        let (mut drafts, mut standing) = (Vec::new(), Vec::new());
        for bucket in 0..=max {
            let own = |key: &[u8]| {
                let bucket = hash(key) & high;
                if bucket > max { bucket & low } else { bucket }
            };
            let here: Vec<&Pair> = pairs.iter().filter(|(key, _)| own(key) == bucket).collect();
            standing.extend(here.iter().map(|pair| (*pair).clone()));
            match self.version {
                3 => self.bucket3(bucket, &here, &mut address, &mut drafts),
                _ => self.bucket2(bucket, &here, &mut address, &mut drafts),
            }
        }
        let mut spares = [0u32; 32];
        let mut sum = 0;
        for (at, count) in counts.iter().enumerate() {
            sum += count;
            spares[at] = sum;
        }
        let header_pages = self.header_pages() as u32;
        let before = |point: u32| if point == 0 { 0 } else { spares[point as usize - 1] };
        let page_of = |spot: Spot| match spot {
            Spot::Bucket(bucket) => (bucket + header_pages + before(32 - bucket.leading_zeros())) as usize,
            Spot::Overflow(address) => {
                let (point, number) = (u32::from(address >> 11), u32::from(address & 0x7ff));
                let bucket = (1u32 << point) - 1;
                (bucket + header_pages + before(32 - bucket.leading_zeros()) + number) as usize
            }
        };
        let size = self.page_size;
        let mut spots: Vec<usize> = drafts.iter().map(|draft: &Draft| page_of(draft.spot)).collect();
        spots.push(page_of(Spot::Overflow(bits)));
        let end = spots.iter().max().unwrap() + 1;
        let mut file = vec![0; end * size];
        for draft in &drafts {
            let no = page_of(draft.spot);
            let page = &mut file[no * size..(no + 1) * size];
            let next = draft.next.map(|address| page_of(Spot::Overflow(address)));
            self.write(page, no, draft, next);
        }
        // All overflow pages are in use.
        let map = page_of(Spot::Overflow(bits)) * size;
        assert!(sum as usize <= size * 8, "one page of bits is too little");
        for bit in 0..sum as usize {
            let word = map + bit / 32 * 4;
            let byte =
                if self.order == Endianness::Little { word + bit % 32 / 8 } else { word + 3 - bit % 32 / 8 };
            file[byte] |= 1 << (bit % 8);
        }
        let shift = size.trailing_zeros();
        let lorder = if self.order == Endianness::Little { 1234 } else { 4321 };
        let probe = hash(b"%$sniglet^&\0");
        let keys = pairs.len() as u32;
        let numbers: Vec<(usize, u32)> = match self.version {
            3 => vec![
                (16, shift),
                (20, point),
                (28, max),
                (32, high),
                (36, low),
                (40, 8),
                (44, keys),
                (48, header_pages),
                (52, probe),
            ],
            _ => vec![
                (16, shift),
                (20, 256),
                (24, 256),
                (28, 8),
                (32, point),
                (40, max),
                (44, high),
                (48, low),
                (52, 8),
                (56, keys),
                (60, header_pages),
                (64, probe),
            ],
        };
        let (spares_at, bits_at) = if self.version == 3 { (56, 184) } else { (68, 196) };
        let all =
            [(0, 0x0006_1561), (4, self.version), (8, lorder), (12, size as u32)].into_iter().chain(numbers);
        for (at, number) in all.chain((spares_at..).step_by(4).zip(spares)) {
            put(&mut file, at, number.into(), 4, Endianness::Big);
        }
        put(&mut file, bits_at, bits.into(), 2, Endianness::Big);
        (file, standing)
    }

    fn write(&self, page: &mut [u8], no: usize, draft: &Draft, next: Option<usize>) {
        let (order, size) = (self.order, page.len());
        if self.version == 3 {
            put(page, 0, no as u64, 4, order);
            put(page, 4, next.map_or(0xffff_ffff, |next| next as u64), 4, order);
            put(page, 8, draft.words.len() as u64 / 2, 2, order);
            page[10] = draft.kind;
            for (i, &word) in draft.words.iter().enumerate() {
                put(page, 14 + 2 * i, word.into(), 2, order);
            }
            if draft.kind == 3 {
                page[18..18 + draft.data.len()].copy_from_slice(&draft.data);
            } else {
                put(page, 12, (size - draft.data.len() - 1) as u64, 2, order);
                page[size - draft.data.len()..].copy_from_slice(&draft.data);
            }
            return;
        }
        let lowest = size - draft.data.len();
        page[lowest..].copy_from_slice(&draft.data);
        let words = draft.words.len();
        put(page, 0, words as u64, 2, order);
        for (i, &word) in draft.words.iter().enumerate() {
            put(page, 2 + 2 * i, word.into(), 2, order);
        }
        let free = draft.free.unwrap_or((lowest - (words + 3) * 2) as u16);
        put(page, 2 * (words + 1), free.into(), 2, order);
        put(page, 2 * (words + 2), lowest as u64, 2, order);
    }

    fn bucket2(
        &self,
        bucket: u32,
        pairs: &[&Pair],
        address: &mut impl FnMut() -> u16,
        drafts: &mut Vec<Draft>,
    ) {
        let size = self.page_size;
        let empty = |spot| Draft::empty(spot, 0);
        let mut page = empty(Spot::Bucket(bucket));
        for (key, data) in pairs {
            let big = key.len() + data.len() + 14 > size;
            let room = size - page.data.len() - (page.words.len() + 3) * 2;
            if (big && !page.words.is_empty()) || room < key.len() + data.len() + 8 && !big {
                // The bucket goes on on another page.
                let next = address();
                page.words.extend([next, 0]);
                drafts.push(std::mem::replace(&mut page, empty(Spot::Overflow(next))));
            }
            if !big {
                page.data.splice(0..0, key.iter().copied());
                page.words.push((size - page.data.len()) as u16);
                page.data.splice(0..0, data.iter().copied());
                page.words.push((size - page.data.len()) as u16);
                continue;
            }
            // Pages of four words: those of the key, of both, and of data.
            let room = size - 14;
            let mut rest: &[u8] = key;
            let behind = loop {
                let (piece, more) = rest.split_at(rest.len().min(room));
                rest = more;
                let next = address();
                page.data = piece.to_vec();
                if !rest.is_empty() {
                    page.words = vec![(size - piece.len()) as u16, 1, next, 0];
                    drafts.push(std::mem::replace(&mut page, empty(Spot::Overflow(next))));
                    continue;
                }
                let left = room - piece.len();
                if left == 0 {
                    page.words = vec![(size - piece.len()) as u16, 2, next, 0];
                    drafts.push(std::mem::replace(&mut page, empty(Spot::Overflow(next))));
                    break (next, &data[..]);
                }
                // Some room is left if all data fits: the word says so.
                let here = if data.len() < left { data.len() } else { left };
                let mut both = data[..here].to_vec();
                both.extend_from_slice(piece);
                page.words = vec![(size - piece.len()) as u16, 3, next, (size - both.len()) as u16];
                page.data = both;
                page.free =
                    Some(if here < data.len() || data.len() == left { 0 } else { (left - here) as u16 });
                let all = here == data.len() && page.free != Some(0);
                drafts.push(std::mem::replace(&mut page, empty(Spot::Overflow(next))));
                if all {
                    break (next, &[][..]);
                }
                break (next, &data[here..]);
            };
            let (_, mut rest) = behind;
            // What is left of data, on pages of its own; an empty one, if it ended with a full page.
            let whole = drafts.last().unwrap();
            let done = whole.words[1] == 3 && whole.free != Some(0);
            if done {
                continue;
            }
            loop {
                let (piece, more) = rest.split_at(rest.len().min(room));
                rest = more;
                let next = address();
                page.data = piece.to_vec();
                let last = rest.is_empty();
                page.words = vec![(size - piece.len()) as u16, if last { 3 } else { 2 }, next, 0];
                drafts.push(std::mem::replace(&mut page, empty(Spot::Overflow(next))));
                if last {
                    break;
                }
            }
        }
        drafts.push(page);
    }

    fn bucket3(
        &self,
        bucket: u32,
        pairs: &[&Pair],
        address: &mut impl FnMut() -> u16,
        drafts: &mut Vec<Draft>,
    ) {
        let size = self.page_size;
        let mut page = Draft::empty(Spot::Bucket(bucket), 2);
        for (key, data) in pairs {
            let big = key.len() + data.len() + 24 > size;
            let needed = if big { 4 } else { key.len() + data.len() + 4 };
            if size - page.data.len() - 14 - page.words.len() * 2 < needed {
                let next = address();
                page.next = Some(next);
                drafts.push(std::mem::replace(&mut page, Draft::empty(Spot::Overflow(next), 4)));
            }
            if !big {
                page.data.splice(0..0, key.iter().copied());
                page.words.push((size - page.data.len()) as u16);
                page.data.splice(0..0, data.iter().copied());
                page.words.push((size - page.data.len()) as u16);
                continue;
            }
            let mut at = address();
            page.words.extend([0, at]);
            let (mut key, mut data): (&[u8], &[u8]) = (key, data);
            loop {
                let room = size - 18;
                let (k, more) = key.split_at(key.len().min(room));
                key = more;
                let (d, more) = data.split_at(data.len().min(room - k.len()));
                data = more;
                let mut draft = Draft::empty(Spot::Overflow(at), 3);
                draft.words = vec![k.len() as u16, d.len() as u16];
                draft.data = [k, d].concat();
                let last = key.is_empty() && data.is_empty();
                if !last {
                    at = address();
                    draft.next = Some(at);
                }
                drafts.push(draft);
                if last {
                    break;
                }
            }
        }
        drafts.push(page);
    }
}
