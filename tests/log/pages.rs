//! What records do to pages, step by step: beside lists of items, and beside the pages that the
//! library left.

use std::collections::HashMap;
use std::ops::Range;

use bdbkit::Endianness::{self, Big, Little};
use bdbkit::log::{Event, LogDir, PageError, PageHeader, PageMut, Record};
use bdbkit::{Database, Lsn, Method, PageKind, PageNo};
use proptest::prelude::*;

use crate::common::cases;
use crate::common::logs::{get_u32, open, put_u32, skipped, to_usize};

fn get_u16(order: Endianness, page: &[u8], at: usize) -> usize {
    let bytes = [page[at], page[at + 1]];
    usize::from(if order == Big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
}

fn padded(len: usize) -> usize {
    len.div_ceil(4) * 4
}

fn header(kind: PageKind) -> PageHeader {
    PageHeader { no: PageNo(7), prev: 5, next: 9, level: 1, kind }
}

/// What a page holds, written down as the specification has it: the data of each item, and the
/// item of each slot.
#[derive(Clone, Debug, PartialEq)]
struct Model {
    items: Vec<Vec<u8>>,
    slots: Vec<usize>,
}

impl Model {
    fn used(&self, index: usize) -> usize {
        let mut there: Vec<usize> = self.slots.clone();
        there.sort_unstable();
        there.dedup();
        let items: usize = there.iter().map(|&item| padded(self.items[item].len() + 3)).sum();
        index + 2 * self.slots.len() + items
    }

    fn shared(&self, slot: usize) -> bool {
        self.slots.iter().filter(|&&item| item == self.slots[slot]).count() > 1
    }
}

/// Reads a page of plain items anew: the data of each slot, and where it stands.
fn read_page(order: Endianness, index: usize, page: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let slot = |slot: usize| {
        let at = get_u16(order, page, index + 2 * slot);
        let len = get_u16(order, page, at);
        (at, page[at + 3..at + 3 + len].to_vec())
    };
    (0..get_u16(order, page, 20)).map(slot).collect()
}

fn assert_is(order: Endianness, index: usize, page: &[u8], model: &Model) {
    let read = read_page(order, index, page);
    let data: Vec<&[u8]> = read.iter().map(|(_, data)| data.as_slice()).collect();
    let expected: Vec<&[u8]> = model.slots.iter().map(|&item| model.items[item].as_slice()).collect();
    assert_eq!(data, expected);
    // Slots share an item as they should, and the items fill the page from where they begin.
    let mut places: HashMap<usize, usize> = HashMap::new();
    for ((at, _), item) in read.iter().zip(&model.slots) {
        assert_eq!(places.entry(*at).or_insert(*item), item);
    }
    let mut ends: Vec<(usize, usize)> =
        read.iter().map(|(at, data)| (*at, at + padded(data.len() + 3))).collect();
    ends.sort_unstable();
    ends.dedup();
    let mut at = match get_u16(order, page, 22) {
        0 => page.len(),
        at => at,
    };
    for (start, end) in ends {
        assert_eq!(start, at);
        at = end;
    }
    assert_eq!(at, page.len());
}

#[derive(Clone, Debug)]
enum Step {
    Insert(prop::sample::Index, Vec<u8>),
    Whole(prop::sample::Index, Vec<u8>),
    Delete(prop::sample::Index),
    Share(prop::sample::Index, prop::sample::Index),
    Unshare(prop::sample::Index),
    Replace(prop::sample::Index, Vec<u8>),
    Init,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let at = any::<prop::sample::Index>;
    let data = || prop_oneof![8 => prop::collection::vec(any::<u8>(), 0..40), 1 => prop::collection::vec(any::<u8>(), 0..600)];
    let step = prop_oneof![
        6 => (at(), data()).prop_map(|(at, data)| Step::Insert(at, data)),
        2 => (at(), data()).prop_map(|(at, data)| Step::Whole(at, data)),
        3 => at().prop_map(Step::Delete),
        2 => (at(), at()).prop_map(|(at, like)| Step::Share(at, like)),
        2 => at().prop_map(Step::Unshare),
        4 => (at(), data()).prop_map(|(at, data)| Step::Replace(at, data)),
        1 => Just(Step::Init),
    ];
    prop::collection::vec(step, 1..60)
}

type Change<'c> = &'c dyn Fn(&mut PageMut<'_>) -> Result<(), PageError>;

fn slot(n: usize) -> u16 {
    u16::try_from(n).unwrap()
}

proptest! {
    /// Any steps do to a page what they do to a list; what is refused changes nothing.
    #[test]
    fn a_page_is_a_list_of_items(
        steps in steps(),
        big in any::<bool>(),
        index in prop::sample::select(vec![26, 32, 64]),
        len in prop::sample::select(vec![512, 4096, 65536]),
    ) {
        let order = if big { Big } else { Little };
        let mut bytes = vec![0xee; len];
        PageMut::new(&mut bytes, order, index).unwrap().init(header(PageKind::BtreeLeaf));
        let lsn = bytes[..8].to_vec();
        let mut model = Model { items: Vec::new(), slots: Vec::new() };
        for step in steps {
            let before = bytes.clone();
            let count = model.slots.len();
            let mut page = PageMut::new(&mut bytes, order, index).unwrap();
            let mut next = model.clone();
            let done = match &step {
                Step::Insert(at, data) | Step::Whole(at, data) => {
                    let (at, space) = (at.index(count + 1), padded(data.len() + 3));
                    next.items.push(data.clone());
                    next.slots.insert(at, next.items.len() - 1);
                    let len = slot(data.len());
                    let mut head = if big { len.to_be_bytes() } else { len.to_le_bytes() }.to_vec();
                    head.push(1);
                    let head = if matches!(step, Step::Whole(..)) { &head[..] } else { &[] };
                    page.insert(slot(at), space, head, data)
                }
                Step::Delete(at) if count > 0 => {
                    let at = at.index(count);
                    if model.shared(at) {
                        continue; // only the last slot of an item takes it away
                    }
                    let item = next.slots.remove(at);
                    page.delete(slot(at), padded(next.items[item].len() + 3))
                }
                Step::Share(at, like) if count > 0 => {
                    let (at, like) = (at.index(count + 1), like.index(count));
                    next.slots.insert(at, model.slots[like]);
                    page.insert_slot(slot(at), slot(like))
                }
                Step::Unshare(at) if count > 0 => {
                    let at = at.index(count);
                    if !model.shared(at) {
                        continue;
                    }
                    next.slots.remove(at);
                    page.delete_slot(slot(at))
                }
                Step::Replace(at, data) if count > 0 => {
                    let at = at.index(count);
                    if model.shared(at) {
                        continue; // only data is replaced, and only keys are shared
                    }
                    next.items[model.slots[at]].clone_from(data);
                    page.replace(slot(at), data)
                }
                Step::Init => {
                    next = Model { items: Vec::new(), slots: Vec::new() };
                    page.init(header(PageKind::BtreeLeaf));
                    Ok(())
                }
                _ => continue,
            };
            match done {
                Ok(()) => model = next,
                Err(error) => {
                    prop_assert!(matches!(error, PageError::Full { .. }), "{:?}: {}", step, error);
                    prop_assert!(next.used(index) > len, "{:?}: {}", step, error);
                    prop_assert!(bytes == before);
                }
            }
            prop_assert_eq!(&bytes[..8], &lsn[..]);
            assert_is(order, index, &bytes, &model);
            let pairs = PageMut::new(&mut bytes, order, index).unwrap().total().unwrap();
            prop_assert_eq!(to_usize(pairs), model.slots.len() / 2);
        }
    }

    /// No bytes whatever lead to a panic, and what is refused changes nothing.
    #[test]
    fn no_page_is_too_strange_to_be_refused(
        mut bytes in prop::collection::vec(prop_oneof![3 => Just(0u8), 1 => Just(1u8), 2 => any::<u8>()], 0..700),
        from in prop::collection::vec(any::<u8>(), 0..600),
        slots in (0u16..40, 0u16..40),
        space in 0usize..800,
        kind in 0u8..17,
        index in prop::sample::select(vec![0, 26, 32, 64]),
    ) {
        let before = bytes.clone();
        if let Some(byte) = bytes.get_mut(25) {
            *byte = kind;
        }
        let changed = bytes.clone();
        let Ok(_) = PageMut::new(&mut bytes, Little, index) else {
            prop_assert!(index < 26 || before.len() < index);
            return Ok(());
        };
        let changes: [Change<'_>; 6] = [
            &|page| page.insert(slots.0, space, &[], &from),
            &|page| page.delete(slots.0, space),
            &|page| page.insert_slot(slots.0, slots.1),
            &|page| page.delete_slot(slots.0),
            &|page| page.replace(slots.0, &from),
            &|page| page.total().map(drop),
        ];
        for change in changes {
            let mut page = changed.clone();
            if change(&mut PageMut::new(&mut page, Big, index).unwrap()).is_err() {
                prop_assert!(page == changed);
            }
        }
        let _ = PageMut::new(&mut bytes, Big, index).unwrap().copy_run(&from, slots.0..slots.1, true);
    }
}

/// A page of plain items, in this order.
fn page_of(order: Endianness, kind: PageKind, items: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![0; 512];
    let mut page = PageMut::new(&mut bytes, order, 26).unwrap();
    page.init(header(kind));
    for (at, item) in items.iter().enumerate() {
        page.insert(slot(at), padded(item.len() + 3), &[], item).unwrap();
    }
    bytes
}

fn run(order: Endianness, from: &[u8], slots: Range<u16>, bare: bool) -> Vec<u8> {
    let mut bytes = vec![0; 512];
    let mut page = PageMut::new(&mut bytes, order, 26).unwrap();
    page.init(header(PageKind::from_byte(from[25]).unwrap()));
    page.copy_run(from, slots, bare).unwrap();
    bytes
}

#[test]
fn a_run_keeps_keys_shared_that_are_copied_together() {
    for order in [Little, Big] {
        let mut from = page_of(order, PageKind::BtreeLeaf, &[b"key", b"one", b"two", b"other", b"three"]);
        let mut page = PageMut::new(&mut from, order, 26).unwrap();
        page.insert_slot(2, 0).unwrap();
        let data = |page: &[u8]| read_page(order, 26, page);
        let left = data(&run(order, &from, 0..4, false));
        assert_eq!(
            left.iter().map(|(_, data)| &data[..]).collect::<Vec<_>>(),
            [&b"key"[..], b"one", b"key", b"two"]
        );
        assert_eq!(left[0].0, left[2].0, "shared");
        // Beginning with the second pair, the key is copied.
        let right = data(&run(order, &from, 2..6, false));
        assert_eq!(
            right.iter().map(|(_, data)| &data[..]).collect::<Vec<_>>(),
            [&b"key"[..], b"two", b"other", b"three"]
        );
        let total = |mut page: Vec<u8>| PageMut::new(&mut page, order, 26).unwrap().total().unwrap();
        assert_eq!((total(from.clone()), total(run(order, &from, 2..6, false))), (3, 2));
    }
}

/// An internal page: children with their counts and keys; a long key is a reference.
fn internal(order: Endianness, children: &[(u32, u32, u8, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0; 512];
    let mut page = PageMut::new(&mut bytes, order, 26).unwrap();
    page.init(PageHeader { level: 2, ..header(PageKind::BtreeInternal) });
    for (at, (child, count, kind, key)) in children.iter().enumerate() {
        let mut head = vec![0; 12];
        put_u32(order, &mut head, 4, *child);
        put_u32(order, &mut head, 8, *count);
        let len = slot(key.len());
        head[..2].copy_from_slice(&if order == Big { len.to_be_bytes() } else { len.to_le_bytes() });
        head[2] = *kind;
        page.insert(slot(at), padded(12 + key.len()), &head, key).unwrap();
    }
    bytes
}

#[test]
fn the_first_key_of_a_right_half_is_left_out_since_4_6() {
    for order in [Little, Big] {
        let children: [(u32, u32, u8, &[u8]); 3] =
            [(3, 10, 1, b""), (4, 20, 1, b"middle"), (5, 30, 3, &[1; 12])];
        let from = internal(order, &children);
        let total = |mut page: Vec<u8>| PageMut::new(&mut page, order, 26).unwrap().total().unwrap();
        assert_eq!(total(from.clone()), 60);
        let whole = run(order, &from, 1..3, false);
        let bare = run(order, &from, 1..3, true);
        assert_eq!((total(whole.clone()), total(bare.clone())), (50, 50));
        let sizes = |page: &[u8]| (512 - get_u16(order, page, 26), 512 - get_u16(order, page, 28));
        assert_eq!(sizes(&whole), (20, 44));
        assert_eq!(sizes(&bare), (12, 36));
        let first = &bare[get_u16(order, &bare, 26)..];
        assert_eq!((get_u16(order, first, 0), first[2], get_u32(order, first, 4)), (0, 1, 4));
        // The first item of a page has its key whatever it is.
        assert_eq!(run(order, &from, 0..1, true), run(order, &from, 0..1, false));
    }
}

/// A page of a genuine file while the records of its log are applied to it, each as section 7 of
/// recovery says.
struct Replayed<'p> {
    order: Endianness,
    no: u32,
    /// Whether the database counts records, which the records of 2.x do not say.
    counts: bool,
    bytes: &'p mut [u8],
}

/// What a record says of one page: its LSN before, and how it changes.
type Applied = (Lsn, &'static str);

impl Replayed<'_> {
    fn page(&mut self) -> PageMut<'_> {
        PageMut::new(self.bytes, self.order, 26).unwrap()
    }

    fn kind(&self) -> PageKind {
        PageKind::from_byte(self.bytes[25]).unwrap()
    }

    /// Where the item of a slot stands.
    fn item(&self, slot: u32) -> usize {
        get_u16(self.order, self.bytes, 26 + 2 * to_usize(slot))
    }

    fn put(&mut self, at: usize, number: u32) {
        put_u32(self.order, self.bytes, at, number);
    }

    fn put_short(&mut self, at: usize, number: usize) {
        let short = slot(number);
        let short = if self.order == Big { short.to_be_bytes() } else { short.to_le_bytes() };
        self.bytes[at..at + 2].copy_from_slice(&short);
    }

    fn init(&mut self, level: u8, kind: PageKind, prev: u32, next: u32) {
        let no = PageNo(self.no);
        self.page().init(PageHeader { no, prev, next, level, kind });
    }

    fn add(&mut self, at: usize, number: i32) {
        let sum = get_u32(self.order, self.bytes, at).checked_add_signed(number).unwrap();
        self.put(at, sum);
    }

    /// Applies a record, if `apply` says so, and tells what it says of this page; `None` if
    /// this test does not know such records.
    fn redo(&mut self, record: &Record<'_>, apply: bool) -> Option<Applied> {
        let number = |name: &str| record.field(name).and_then(|value| value.unsigned()).unwrap();
        let signed = |name: &str| record.field(name).and_then(|value| value.signed()).unwrap();
        let lsn = |name: &str| record.field(name).and_then(|value| value.lsn()).unwrap();
        let bytes = |name: &str| record.field(name).and_then(|value| value.bytes()).unwrap();
        let index = |name: &str| slot(to_usize(number(name)));
        let says = |name: &str, what: &'static str| Some((lsn(name), what));
        let old = record.version() == 2;
        let name = record.name().trim_start_matches("__");
        match name {
            "db_addrem" if apply => {
                let Event::Item { add, head, data, .. } = record.event() else { panic!("{record:?}") };
                let space = to_usize(number("nbytes"));
                match add {
                    true => self.page().insert(index("indx"), space, head, data).unwrap(),
                    false => self.page().delete(index("indx"), space).unwrap(),
                }
            }
            "bam_adj" if apply => match number("is_insert") {
                0 => self.page().delete_slot(index("indx")).unwrap(),
                _ => self.page().insert_slot(index("indx"), index("indx_copy")).unwrap(),
            },
            "bam_cdel" if apply => {
                let plain =
                    if old { self.kind() == PageKind::Duplicate } else { self.kind() != PageKind::BtreeLeaf };
                let at = self.item(number("indx") + u32::from(!plain)) + 2;
                self.bytes[at] |= 0x80;
            }
            "bam_repl" if apply => {
                let at = self.item(number("indx"));
                let whole = &self.bytes[at + 3..at + 3 + get_u16(self.order, self.bytes, at)];
                let (prefix, suffix) = (to_usize(number("prefix")), to_usize(number("suffix")));
                assert_eq!(&whole[prefix..whole.len() - suffix], bytes("orig"));
                let new = [&whole[..prefix], bytes("repl"), &whole[whole.len() - suffix..]].concat();
                self.page().replace(index("indx"), &new).unwrap();
            }
            "bam_cadjust" if apply => {
                let counts = if self.kind() == PageKind::RecnoInternal { 4 } else { 8 };
                let (at, adjust) = (self.item(number("indx")) + counts, signed("adjust"));
                self.add(at, adjust);
                if number(if old { "total" } else { "opflags" }) != 0 {
                    self.add(12, adjust);
                }
            }
            "db_ovref" if apply => {
                let count = i32::try_from(get_u16(self.order, self.bytes, 20)).unwrap() + signed("adjust");
                self.put_short(20, usize::try_from(count).unwrap());
            }
            "db_big" if number("pgno") != self.no => {
                let Event::Overflow { add, .. } = record.event() else { panic!("{record:?}") };
                if number("prev_pgno") == self.no {
                    if apply {
                        self.put(16, number(if add { "pgno" } else { "next_pgno" }));
                    }
                    return says("prevlsn", "big");
                }
                if apply {
                    self.put(12, 0);
                }
                return says("nextlsn", "big");
            }
            "db_big" if apply => {
                let Event::Overflow { add, data, .. } = record.event() else { panic!("{record:?}") };
                if add {
                    self.init(0, PageKind::Overflow, number("prev_pgno"), number("next_pgno"));
                    self.put_short(20, 1);
                    self.put_short(22, data.len());
                    self.bytes[26..26 + data.len()].copy_from_slice(data);
                }
            }
            "bam_pg_alloc" | "db_pg_alloc" => {
                if number("pgno") != self.no {
                    return None;
                }
                if apply {
                    let kind = PageKind::from_byte(u8::try_from(number("ptype")).unwrap()).unwrap();
                    let leaf = [PageKind::BtreeLeaf, PageKind::RecnoLeaf, PageKind::DuplicateLeaf];
                    self.init(u8::from(!old && leaf.contains(&kind)), kind, 0, 0);
                }
                return says("page_lsn", "alloc");
            }
            "bam_pg_free" | "db_pg_free" | "db_pg_freedata" => {
                if number("pgno") != self.no {
                    return None;
                }
                if apply {
                    self.init(0, PageKind::Invalid, 0, number("next"));
                }
                let header = bytes("header");
                let before = [0, 4].map(|at| get_u32(self.order, header, at));
                return Some((Lsn { file: before[0], offset: before[1] }, "free"));
            }
            "bam_split" => return self.split(record, apply),
            "db_relink" => {
                // Removed: the neighbours lead past it.
                let remove = matches!(number("opcode"), 0x80 | 6);
                if number("next") == self.no {
                    if apply {
                        self.put(12, number(if remove { "prev" } else { "pgno" }));
                    }
                    return says("lsn_next", "relink");
                }
                if number("prev") == self.no && remove {
                    if apply {
                        self.put(16, number("next"));
                    }
                    return says("lsn_prev", "relink");
                }
            }
            "db_addrem" | "bam_adj" | "bam_cdel" | "bam_repl" | "bam_cadjust" | "db_ovref" | "db_big" => {}
            _ => return None,
        }
        if number("pgno") != self.no {
            return None;
        }
        let before = if matches!(name, "db_addrem" | "db_big") { "pagelsn" } else { "lsn" };
        let known = [
            "db_addrem",
            "bam_adj",
            "bam_cdel",
            "bam_repl",
            "bam_cadjust",
            "db_ovref",
            "db_big",
            "db_relink",
        ];
        says(before, known.into_iter().find(|known| *known == name)?)
    }

    fn split(&mut self, record: &Record<'_>, apply: bool) -> Option<Applied> {
        let number = |name: &str| record.field(name).and_then(|value| value.unsigned()).unwrap();
        let lsn = |name: &str| record.field(name).and_then(|value| value.lsn()).unwrap();
        let image = record.field("pg").and_then(|value| value.bytes()).unwrap();
        let order = self.order;
        let word = |at: usize| get_u32(order, image, at);
        let (left, right, own) = (number("left"), number("right"), word(8));
        let (count, all) = (slot(to_usize(number("indx"))), slot(get_u16(order, image, 20)));
        let (kind, level) = (PageKind::from_byte(image[25]).unwrap(), image[24]);
        let internal = matches!(kind, PageKind::BtreeInternal | PageKind::RecnoInternal);
        let root = match record.version() {
            2 => own == 1,
            3 => own == number("root_pgno"),
            _ => number("root_pgno") != 0,
        };
        let half = |no: u32, prev: u32, next: u32, slots: Range<u16>| {
            let mut bytes = vec![0; image.len()];
            let mut page = PageMut::new(&mut bytes, order, 26).unwrap();
            let (prev, next) = if internal { (0, 0) } else { (prev, next) };
            page.init(PageHeader { no: PageNo(no), prev, next, level, kind });
            page.copy_run(image, slots, record.version() >= 13).unwrap();
            (page.total(), bytes)
        };
        let (prev, next) = if root { (0, 0) } else { (word(12), word(16)) };
        let (of_left, left_half) = half(left, prev, right, 0..count);
        let (of_right, right_half) = half(right, left, next, count..all);
        if self.no == left || self.no == right {
            if apply {
                self.bytes.copy_from_slice(if self.no == left { &left_half } else { &right_half });
            }
            return Some((lsn(if self.no == left { "llsn" } else { "rlsn" }), "split"));
        }
        if root && self.no == own {
            if apply {
                let numbered = matches!(kind, PageKind::RecnoInternal | PageKind::RecnoLeaf);
                let flags = record.field("opflags").and_then(|flags| flags.unsigned());
                let counted = numbered || flags.map_or(self.counts, |flags| flags & 1 != 0);
                let total = if counted { of_left.unwrap() + of_right.unwrap() } else { 0 };
                let above = if numbered { PageKind::RecnoInternal } else { PageKind::BtreeInternal };
                self.init(level + 1, above, total, 0);
            }
            return Some((Lsn { file: word(0), offset: word(4) }, "root split"));
        }
        if self.no == number("npgno") {
            if apply {
                self.put(12, right);
            }
            return Some((lsn("nlsn"), "split"));
        }
        None
    }
}

/// The items of the slots of a page, without what pads them; of an overflow page its bytes.
fn contents(order: Endianness, page: &[u8]) -> Vec<Vec<u8>> {
    let kind = PageKind::from_byte(page[25]).unwrap();
    if kind == PageKind::Overflow {
        return vec![page[26..26 + get_u16(order, page, 22)].to_vec()];
    }
    let item = |slot: usize| {
        let at = get_u16(order, page, 26 + 2 * slot);
        let (len, plain) = (get_u16(order, page, at), page[at + 2] & 0x7f == 1);
        // What means nothing: the first bytes of a reference, and byte 3 of an internal item.
        match (kind, plain) {
            (PageKind::RecnoInternal, _) => page[at..at + 8].to_vec(),
            (PageKind::BtreeInternal, true) => [&page[at..at + 3], &page[at + 4..at + 12 + len]].concat(),
            (PageKind::BtreeInternal, false) => {
                [&page[at + 2..at + 3], &page[at + 4..at + 12], &page[at + 16..at + 24]].concat()
            }
            (_, true) => page[at..at + 3 + len].to_vec(),
            (_, false) => [&page[at + 2..at + 3], &page[at + 4..at + 12]].concat(),
        }
    };
    (0..get_u16(order, page, 20)).map(item).collect()
}

/// Applies to a page what its log says of it, from its allocation on: the LSN on it names the
/// last record, which names the one before.
fn replay(
    log: &LogDir,
    db: &Database<'_>,
    genuine: &[u8],
    seen: &mut HashMap<&'static str, usize>,
) -> Option<Vec<u8>> {
    let mut bytes = vec![0; genuine.len()];
    let (order, numbered) = (db.meta().endianness(), db.meta().method() == Method::Recno);
    let (no, counts) = (get_u32(order, genuine, 8), db.meta().flags().record_numbers());
    let mut page = Replayed { order, no, counts, bytes: &mut bytes };
    let mut last = Lsn { file: get_u32(order, genuine, 0), offset: get_u32(order, genuine, 4) };
    let mut records = Vec::new();
    while last.file != 0 {
        let record = log.record(last).ok()?;
        let (before, what) = page.redo(&record, false)?;
        *seen.entry(what).or_default() += 1;
        records.push(record);
        last = before;
    }
    // Files are made with a root that is empty.
    page.init(1, if numbered { PageKind::RecnoLeaf } else { PageKind::BtreeLeaf }, 0, 0);
    for record in records.iter().rev() {
        page.redo(record, true);
        page.put(0, record.lsn().file);
        page.put(4, record.lsn().offset);
    }
    (!records.is_empty()).then_some(bytes)
}

#[test]
fn genuine_pages_are_what_their_records_say() {
    let (mut pages, mut seen) = (HashMap::<u32, usize>::new(), HashMap::new());
    for case in cases(&["env-"]) {
        // Logs that are written in the order of the files, in the clear.
        let known = ["log2", "log3", "log8", "log11", "log14-le"].iter().any(|log| case.name.contains(log));
        if !known || ["foreign", "encrypted"].iter().any(|other| case.has(other)) || skipped(&case) {
            continue;
        }
        let log = open(&case);
        let version = log.log_files().next().unwrap().log().unwrap().version();
        for entry in std::fs::read_dir(case.folder()).unwrap() {
            let path = entry.unwrap().path();
            let Ok(db) = Database::open(&path) else { continue };
            let (order, size) = (db.meta().endianness(), db.meta().page_size().bytes());
            if !matches!(db.meta().method(), Method::Btree | Method::Recno) {
                continue;
            }
            for genuine in std::fs::read(&path).unwrap().chunks_exact(size).skip(1) {
                // The link of a free page may be what a transaction that gave it back found.
                if genuine[25] == 0 {
                    continue;
                }
                let Some(replayed) = replay(&log, &db, genuine, &mut seen) else { continue };
                let what = format!("{}: {}: page {}", case.name, path.display(), get_u32(order, genuine, 8));
                assert_eq!(replayed[..26], genuine[..26], "{what}");
                assert_eq!(contents(order, &replayed), contents(order, genuine), "{what}");
                *pages.entry(version).or_default() += 1;
            }
        }
    }
    let all: usize = pages.values().sum();
    assert!(all >= 170 && pages.len() == 5, "{pages:?}");
    assert!(seen.len() == 11 && seen.values().all(|&records| records >= 8), "{seen:?}");
}
