//! The pages of buckets: their items, and whether keys are where they belong (database-format,
//! "Bucket pages").

use byteorder::ByteOrder;

use super::finding::Rule;
use super::order::Comparer;
use super::page::{Context, Held, Repeats};
use super::seen::Referrer;
use crate::format::external::{self, Holder};
use crate::format::hash::{PROBE, sorted};
use crate::format::item::{self, DUPLICATE, HASH_EXTERNAL, KEYDATA, OFFDUP, OFFDUP_LEN, OVERFLOW, REFERENCE};
use crate::format::meta::Field;
use crate::format::page::{Page, PageKind, at, slot_offset};
use crate::key_hash::KeyHash;
use crate::meta::Buckets;
use crate::pages::Origin;
use crate::types::PageNo;

/// How many keys were found, and how many of them with duplicates.
#[derive(Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) keys: u32,
    pub(super) several: u32,
}

impl Tally {
    pub(super) fn add(&mut self, other: Tally) {
        self.keys = self.keys.saturating_add(other.keys);
        self.several = self.several.saturating_add(other.several);
    }
}

/// The bucket of a key, where that can be told.
pub(super) struct Hasher<'b> {
    buckets: &'b Buckets,
    function: KeyHash<'b>,
}

impl<'b> Hasher<'b> {
    /// That of a database; `None` if its numbers cannot be, or if its function is not known.
    pub(super) fn of(context: &Context<'b, '_>, buckets: &'b Buckets) -> Option<Hasher<'b>> {
        let hasher = Hasher { buckets, function: context.pages.file().key_hash() };
        if buckets.objection().is_some() {
            return None;
        }
        if hasher.hash(PROBE) == buckets.probe {
            return Some(hasher);
        }
        let meta = context.meta;
        let text = "the keys were placed by a hash function of the program's own: whether each is in its \
                    bucket is not known";
        context.report.note(Rule::Bucket, meta.page(), meta.at(Field::Charkey), text);
        None
    }

    fn hash(&self, key: &[u8]) -> u32 {
        match self.function {
            KeyHash::Release => self.buckets.function.hash(key),
            KeyHash::Custom(hash) => hash(key),
        }
    }

    fn bucket(&self, key: &[u8]) -> u32 {
        self.buckets.of_hash(self.hash(key))
    }
}

/// The keys of a page that stand on it, one after the other.
struct KeysInOrder<'a> {
    sorted: bool,
    before: Option<&'a [u8]>,
    /// The slot of the first that is out of order.
    broken: Option<u16>,
    /// Whether there are keys in chains besides.
    chains: bool,
}

impl<'a> KeysInOrder<'a> {
    fn new(sorted: bool) -> Self {
        KeysInOrder { sorted, before: None, broken: None, chains: false }
    }

    fn next(&mut self, slot: u16, key: Held<'a>) {
        let Held::Plain(key) = key else {
            self.chains = true;
            return;
        };
        let follows = self.before.is_none_or(|before| sorted(before, key).is_lt());
        if self.sorted && !follows {
            self.broken = self.broken.or(Some(slot));
        }
        self.before = Some(key);
    }
}

impl<'c> Context<'c, '_> {
    /// Items lie one below the other, in slot order, down to the start of the item area. Counts the
    /// keys.
    pub(super) fn bucket_items<O: ByteOrder>(
        &self,
        no: PageNo,
        page: Page<'c, O>,
        bucket: u32,
        compare: &Comparer<'c>,
        hasher: Option<&Hasher<'_>>,
    ) -> Tally {
        let mut tally = Tally::default();
        let report = &self.report;
        let (overhead, entries) = (self.pages.overhead(), page.entries());
        if entries & 1 != 0 {
            report.error(
                Rule::Entries,
                no,
                at::ENTRIES,
                format!("{entries} entries: keys and data come in pairs"),
            );
        }
        let lowest = slot_offset(overhead, entries);
        let mut end = page.bytes().len();
        let (mut repeats, mut key) = (Repeats::new(self.pages), 0);
        let mut order = KeysInOrder::new(PageKind::from_byte(page.type_byte()) == Some(PageKind::Hash));
        for slot in 0..entries {
            let at = slot_offset(overhead, slot);
            let offset = page.slot(overhead, slot).map_or(0, usize::from);
            let item = page.bytes().get(offset..end).filter(|_| offset >= lowest);
            let Some((&kind, rest)) = item.and_then(<[u8]>::split_first) else {
                let text = format!("slot {slot} points to {offset}, expected from {lowest} to below {end}");
                report.error(Rule::BucketItem, no, at, text);
                return tally;
            };
            end = offset;
            let from = Origin { page: no, offset: offset.saturating_add(4), what: "overflow page" };
            let reference = item.filter(|item| item.len() == REFERENCE).and_then(item::reference::<O>);
            let externals = self.meta.generation().has_externals();
            let external = item.filter(|item| item.len() == external::LENGTH && externals);
            let external = external.and_then(external::item);
            let held = match (kind, reference) {
                (KEYDATA, _) => Held::Plain(rest),
                (OVERFLOW, Some((first, len))) => Held::Chain { first: PageNo(first), len },
                (HASH_EXTERNAL, _) => external.map_or(Held::Duplicates(PageNo::META), Held::External),
                _ => Held::Duplicates(PageNo::META),
            };
            if slot & 1 == 0 {
                (key, repeats.key) = (held.len(), held.given(false));
                tally.keys = tally.keys.saturating_add(1);
                if kind == KEYDATA || (kind == OVERFLOW && reference.is_some()) {
                    order.next(slot, held);
                    if let Some(hasher) = hasher {
                        self.expect_bucket::<O>(no, slot, bucket, held, compare, hasher);
                    }
                }
            } else {
                repeats.value(slot_offset(overhead, slot & !1), 0, held);
            }
            match (kind, reference) {
                (KEYDATA, _) => {}
                (OVERFLOW, Some((first, len))) => {
                    self.overflow::<O>(PageNo(first), len, from, Referrer::Owner);
                }
                (HASH_EXTERNAL, _) if slot & 1 == 1 && external.is_some() => {
                    if let Some(item) = external {
                        self.external(no, offset, item, Holder::Bucket);
                    }
                }
                (DUPLICATE, _) if slot & 1 == 1 => {
                    repeats.key = 0;
                    tally.several = tally.several.saturating_add(1);
                    self.set::<O>(no, offset, rest, key, &mut repeats);
                }
                (OFFDUP, _) if slot & 1 == 1 && item.is_some_and(|item| item.len() == OFFDUP_LEN) => {
                    let root = rest.last_chunk::<4>().map_or(0, |raw| O::read_u32(raw));
                    tally.several = tally.several.saturating_add(1);
                    self.off_page::<O>(PageNo(root), from, compare, key);
                }
                _ => {
                    let text =
                        format!("item type {kind:#04x} in slot {slot}, expected 1 to 5 and their lengths");
                    report.error(Rule::BucketItem, no, offset, text);
                }
            }
        }
        repeats.report(no, report);
        self.keys_in_order(no, &order);
        if page.item_area() != end {
            let text = format!("the item area starts at {}, but the lowest item at {end}", page.item_area());
            report.error(Rule::ItemArea, no, at::HF_OFFSET, text);
        }
        tally
    }

    /// Duplicates on the page: each between its length and its length again.
    fn set<O: ByteOrder>(&self, no: PageNo, offset: usize, set: &[u8], key: u32, repeats: &mut Repeats) {
        if set.is_empty() {
            self.report.error(Rule::BucketItem, no, offset, "an empty set of duplicates");
        }
        let mut rest = set;
        while !rest.is_empty() {
            match item::hash_duplicate::<O>(rest) {
                Some((value, behind)) => {
                    repeats.value(offset, key, Held::Plain(value));
                    rest = behind;
                }
                None => {
                    let text = "the lengths of duplicates on the page do not add up";
                    self.report.error(Rule::BucketItem, no, offset, text);
                    return;
                }
            }
        }
        if !self.meta.flags().duplicates() {
            self.report.error(Rule::BucketDuplicates, no, offset, "duplicates, but the database has none");
        }
    }

    /// The bucket of a key is the one that its hash gives.
    fn expect_bucket<O: ByteOrder>(
        &self,
        no: PageNo,
        slot: u16,
        bucket: u32,
        key: Held<'c>,
        compare: &Comparer<'c>,
        hasher: &Hasher<'_>,
    ) {
        let expected = match key {
            Held::Plain(bytes) => hasher.bucket(bytes),
            // What cannot be read is reported elsewhere.
            held => match compare.whole::<O>(held) {
                Some(bytes) => hasher.bucket(&bytes),
                None => return,
            },
        };
        if expected != bucket {
            let text = format!("the key in slot {slot} belongs to bucket {expected}, not {bucket}");
            self.report.error(Rule::Bucket, no, slot_offset(self.pages.overhead(), slot), text);
        }
    }

    /// Keys on a sorted page are in order. Where some stand in chains that order is not total,
    /// and genuine pages break it.
    fn keys_in_order(&self, no: PageNo, order: &KeysInOrder<'_>) {
        let Some(slot) = order.broken.filter(|_| self.order) else { return };
        let at = slot_offset(self.pages.overhead(), slot);
        let text = format!("the key in slot {slot} is out of order");
        if order.chains {
            self.report.warning(Rule::BucketOrder, no, at, text + ", as long keys on the page can make it");
        } else {
            self.report.error(Rule::BucketOrder, no, at, text);
        }
    }

    fn off_page<O: ByteOrder>(&self, root: PageNo, from: Origin, compare: &Comparer<'c>, key: u32) {
        let from = Origin { what: "off-page duplicates on page", ..from };
        if !self.meta.flags().duplicates() {
            let text = "off-page duplicates, but the database has none";
            self.report.error(Rule::BucketDuplicates, from.page, from.offset, text);
        }
        self.duplicates::<O>(root, from, compare, key, None);
    }
}
