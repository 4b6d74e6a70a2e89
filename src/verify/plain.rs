//! The short way to the verdict on the common leaf.

use byteorder::ByteOrder;

use super::tree::Tree;
use crate::format::item::{self, KEYDATA, KEYDATA_HEAD};
use crate::format::page::{Page, slot_offset};
use crate::pages::Tiling;

/// What is to be known of a leaf without a fault.
pub(super) struct PlainLeaf<'c> {
    pub(super) first: &'c [u8],
    pub(super) last: &'c [u8],
    pub(super) pairs: u32,
}

impl<'c> Tree<'_, 'c, '_> {
    /// A leaf of nothing but pairs with both items on it, each with a key of its own, in order, that
    /// fill it. `None` for anything else, good or bad: it needs the long way, which finds
    /// nothing on a leaf like this.
    pub(super) fn plain_leaf<O: ByteOrder>(&self, page: Page<'c, O>) -> Option<PlainLeaf<'c>> {
        #[cfg(test)]
        if LONG_WAY.get() {
            return None;
        }
        let pages = self.context.pages;
        if self.list.is_some() || self.is_compressed() || pages.meta().shared_keys_may_be_reversed() {
            return None;
        }
        let (bytes, entries, overhead) = (page.bytes(), page.entries(), pages.overhead());
        let (lowest, area) = (slot_offset(overhead, entries), page.item_area());
        if entries & 1 != 0 || area < lowest || area > bytes.len() {
            return None;
        }
        let plain = |at: usize| {
            if at < lowest || at & 3 != 0 {
                return None;
            }
            let ([l0, l1, kind], rest) = bytes.get(at..)?.split_first_chunk()?;
            let item = rest.get(..O::read_u16(&[*l0, *l1]).into())?;
            (*kind == KEYDATA).then_some(item)
        };
        let mut tiling = Tiling::default();
        let mut key_before = 0;
        let mut ends: Option<(&'c [u8], &'c [u8])> = None;
        for slots in bytes.get(overhead..lowest)?.chunks_exact(4) {
            let [k0, k1, v0, v1] = *slots.first_chunk()?;
            let (key_at, value_at) =
                (usize::from(O::read_u16(&[k0, k1])), usize::from(O::read_u16(&[v0, v1])));
            let (key, value) = (plain(key_at)?, plain(value_at)?);
            if std::mem::replace(&mut key_before, key_at) == key_at {
                return None;
            }
            tiling.add(key_at, item::padded(KEYDATA_HEAD.saturating_add(key.len())));
            tiling.add(value_at, item::padded(KEYDATA_HEAD.saturating_add(value.len())));
            let first = match ends {
                Some((_, last)) if self.context.order && last >= key => return None,
                Some((first, _)) => first,
                None => key,
            };
            ends = Some((first, key));
        }
        if !tiling.fills(area, bytes.len()) {
            return None;
        }
        let (first, last) = ends?;
        Some(PlainLeaf { first, last, pairs: u32::from(entries >> 1) })
    }
}

#[cfg(test)]
thread_local! {
    /// Whether every leaf goes the long way.
    static LONG_WAY: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests {
    use std::path::Path;

    use byteorder::ByteOrder;

    use super::LONG_WAY;
    use crate::format::item::{KEYDATA, KEYDATA_HEAD};
    use crate::format::page::{HEADER, Page, PageKind};
    use crate::meta::FileKind;
    use crate::order::with_order;
    use crate::verify::{Verdict, Verify};

    fn verdicts(bytes: &[u8]) -> [Verdict; 2] {
        [false, true].map(|long| {
            LONG_WAY.set(long);
            Verify::from_bytes(bytes).threads(1).run()
        })
    }

    /// Small files with a tree.
    fn files() -> Vec<Vec<u8>> {
        let folders = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")).unwrap();
        let files = folders.map(|folder| folder.unwrap().path().join("data.db"));
        let mut files: Vec<_> = files
            .filter(|path| {
                let name = path.to_string_lossy();
                path.metadata().is_ok_and(|meta| meta.len() <= 24 * 1024)
                    && ["btree", "multi", "damage"].iter().any(|kind| name.contains(kind))
            })
            .collect();
        files.sort();
        files.into_iter().map(|path| std::fs::read(path).unwrap()).collect()
    }

    /// Where the items of two keys of one length stand that are neighbours on a leaf of a sound file, and that length.
    fn neighbours(bytes: &[u8]) -> Vec<(usize, usize, usize)> {
        let FileKind::Database(kind) = FileKind::of(bytes) else { return Vec::new() };
        if kind.checksummed || kind.compressed {
            return Vec::new();
        }
        let size = usize::try_from(kind.page_size.unwrap().get()).unwrap();
        let mut found = Vec::new();
        for (no, bytes) in bytes.chunks_exact(size).enumerate() {
            with_order!(kind.order, O => {
                let page = Page::<O>::new(bytes).unwrap();
                if page.type_byte() != PageKind::BtreeLeaf.byte() {
                    continue;
                }
                for number in (2..page.entries()).step_by(2) {
                    let [one, two] = [number - 2, number].map(|slot| usize::from(page.slot(HEADER, slot).unwrap()));
                    let length = |at: usize| usize::from(O::read_u16(&bytes[at..]));
                    let plain = [one, two].iter().all(|at| bytes[at + 2] == KEYDATA);
                    if plain && one != two && length(one) == length(two) {
                        let (one, two, length) = (no * size + one, no * size + two, KEYDATA_HEAD + length(one));
                        found.push((one, two, length));
                    }
                }
            });
        }
        found
    }

    #[test]
    fn a_key_that_its_neighbour_has_goes_the_long_way() {
        let mut pairs = 0;
        let sound = |file: &Vec<u8>| Verify::from_bytes(&file[..]).run().findings.is_empty();
        for file in files().into_iter().filter(sound) {
            for (from, to, length) in neighbours(&file) {
                let mut bytes = file.clone();
                bytes.copy_within(from..from + length, to);
                let [short, long] = verdicts(&bytes);
                assert_eq!(short.findings, long.findings);
                pairs += usize::from(!long.findings.is_empty());
            }
        }
        assert!(pairs > 100, "{pairs}");
    }

    #[test]
    fn the_short_way_and_the_long_one_come_to_the_same_verdict() {
        let (files, mut dice) = (files(), 0x9e37_79b9_7f4a_7c15u64);
        assert!(files.len() > 10, "{}", files.len());
        let mut roll = |below: usize| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(dice >> 33).unwrap() % below
        };
        let count = std::env::var("BDBKIT_MUTANTS").map_or(4000, |count| count.parse().unwrap());
        let mut faulty = 0;
        for number in 0..count {
            let mut bytes = files[number % files.len()].clone();
            for _ in 0..roll(4) {
                let (at, from) = (roll(bytes.len() - 1), roll(bytes.len() - 1));
                match roll(4) {
                    // A slot, or a length, that another one has.
                    0 => bytes.copy_within((from & !1)..(from & !1) + 2, at & !1),
                    1 => bytes[at] ^= 1 << roll(8),
                    2 => bytes[at] = bytes[at].wrapping_add(4),
                    _ => bytes[at] = u8::try_from(roll(256)).unwrap(),
                }
            }
            let [short, long] = verdicts(&bytes);
            assert_eq!(short.findings, long.findings, "mutant {number}");
            faulty += usize::from(!long.findings.is_empty());
        }
        assert!(faulty > count / 10, "{faulty}");
    }
}
