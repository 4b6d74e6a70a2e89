//! The checks that a page alone allows: header, index, items (database-format,
//! "Ordinary pages" and "Items").

use byteorder::ByteOrder;

use super::finding::Rule;
use super::seen::Seen;
use super::sink::Reporter;
use crate::error::{Defect, Error};
use crate::format::external::{self, Holder};
use crate::format::item::{self, DELETED, Form, INTERNAL_HEAD, KEYDATA, NoItem, OVERFLOW, REFERENCE};
use crate::format::page::{Page, PageKind, at, slot as slot_of, slot_offset};
use crate::meta::Meta;
use crate::pages::{Allowance, Content, Origin, Pages, Place, Reversible, Tiling, size_of_item};
use crate::types::PageNo;

/// What all checks of one database need.
#[derive(Clone)]
pub(super) struct Context<'c, 'p> {
    pub(super) pages: &'c Pages<'c>,
    pub(super) meta: &'c Meta,
    pub(super) report: Reporter<'c, 'p>,
    pub(super) seen: &'c Seen,
    /// Whether keys and duplicates are compared.
    pub(super) order: bool,
}

/// An item of a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held<'a> {
    Plain(&'a [u8]),
    Chain {
        first: PageNo,
        len: u32,
    },
    /// Some bytes of a chain.
    Part {
        first: PageNo,
        whole: u32,
        skip: u32,
        len: u32,
    },
    Duplicates(PageNo),
    /// In an external file: the item.
    External(&'a [u8; external::LENGTH]),
}

impl<'a> Held<'a> {
    fn of(form: Form<'a>) -> Held<'a> {
        match form {
            Form::Data(bytes) => Held::Plain(bytes),
            Form::Overflow { first, len } => Held::Chain { first: PageNo(first), len },
            Form::Duplicates { root } => Held::Duplicates(PageNo(root)),
            Form::External(item) => Held::External(item),
        }
    }

    /// Length in bytes, as the item states it.
    pub(super) fn len(self) -> u32 {
        match self {
            Held::Plain(bytes) => u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            Held::Chain { len, .. } | Held::Part { len, .. } => len,
            Held::Duplicates(_) | Held::External(_) => 0,
        }
    }

    /// How many bytes a pair gives of a page and of what it leads to more than once; `again`
    /// says that this is the key of the pair before.
    pub(super) fn given(self, again: bool) -> u64 {
        match self {
            Held::Chain { .. } | Held::Part { .. } if !again => 0,
            held => held.len().into(),
        }
    }
}

impl<'c> Context<'c, '_> {
    /// Says why a page is not there to which a link leads: it cannot be read, or the file ends
    /// before it.
    pub(super) fn absent(&self, no: PageNo, from: Origin, rule: Rule) {
        match self.pages.unread(no) {
            Some(error) => self.report.reader(&error),
            None => {
                let count = self.pages.count();
                let text = format!("{} {no} lies beyond the end: the file has {count} pages", from.what);
                self.report.error(rule, from.page, from.offset, text);
            }
        }
    }

    /// A page that a link leads to: within the file, not reached before, with the right
    /// checksum and its own number on it.
    pub(super) fn reach<O: ByteOrder>(&self, no: PageNo, from: Origin) -> Option<Page<'c, O>> {
        let report = &self.report;
        let Some(page) = self.pages.raw(no).and_then(Page::<O>::new) else {
            self.absent(no, from, Rule::Link);
            return None;
        };
        if no == PageNo::META || !self.seen.mark(no) {
            let text = format!("{} {no} has another place already", from.what);
            report.error(Rule::Once, from.page, from.offset, text);
            return None;
        }
        if page.is_hole() {
            report.sink.page();
            let defect = Defect::Unwritten { page: from.page, offset: from.offset };
            report.reader(&Error::corrupt(no, at::TYPE, defect));
            return None;
        }
        self.look::<O>(no, page).then_some(page)
    }

    /// Checks the checksum and the number of a page; says whether its contents are its own.
    pub(super) fn look<O: ByteOrder>(&self, no: PageNo, page: Page<'_, O>) -> bool {
        let report = &self.report;
        report.sink.page();
        if page.is_hole() {
            report.error(Rule::PageType, no, at::TYPE, "the page is empty: zeroed, or never written");
            return false;
        }
        if let Err(error) = self.pages.codec().check(page.bytes(), no) {
            report.reader(&error);
        }
        if page.pgno() != no.0 {
            let text = format!("the page says that it is page {}", page.pgno());
            report.error(Rule::PageNumber, no, at::PGNO, text);
            return false;
        }
        true
    }

    /// Whether a page is of a kind, at a level.
    pub(super) fn is<O: ByteOrder>(&self, no: PageNo, page: Page<'_, O>, kind: PageKind, level: u8) -> bool {
        let found = page.type_byte();
        if PageKind::from_byte(found) != Some(kind) {
            let name = PageKind::from_byte(found).map_or("unknown", PageKind::name);
            let text = format!("page type {found} ({name}), expected {}", kind.name());
            self.report.error(Rule::PageType, no, at::TYPE, text);
            return false;
        }
        if page.level() != level {
            let text = format!("level {}, expected {level}", page.level());
            self.report.error(Rule::Level, no, at::LEVEL, text);
        }
        true
    }

    /// The slots of a page, if index and item area fit it.
    fn slots<O: ByteOrder>(&self, no: PageNo, page: Page<'c, O>) -> Option<Slots<'c>> {
        let report = &self.report;
        let (bytes, entries, overhead) = (page.bytes(), page.entries(), self.pages.overhead());
        let (lowest, area) = (slot_offset(overhead, entries), page.item_area());
        if lowest > bytes.len() {
            report.error(
                Rule::Entries,
                no,
                at::ENTRIES,
                format!("{entries} entries: more than fit the page"),
            );
            return None;
        }
        if area < lowest || area > bytes.len() {
            let text =
                format!("the item area starts at {area}, expected between {lowest} and {}", bytes.len());
            report.error(Rule::ItemArea, no, at::HF_OFFSET, text);
        }
        Some(Slots { bytes, overhead, entries, lowest, area })
    }

    /// Checks the items of a leaf; gives them to `each` by slot, as far as they can be
    /// read. Says whether all can. `key` is the length of the key whose duplicates they are.
    pub(super) fn leaf<O: ByteOrder>(
        &self,
        no: PageNo,
        page: Page<'c, O>,
        kind: PageKind,
        key: u32,
        mut each: impl FnMut(u16, usize, Held<'c>, bool),
    ) -> bool {
        let report = &self.report;
        let Some(slots) = self.slots::<O>(no, page) else { return false };
        let pairs = kind == PageKind::BtreeLeaf;
        if pairs && slots.entries & 1 != 0 {
            let text = format!("{} entries: keys and data come in pairs", slots.entries);
            report.error(Rule::Entries, no, at::ENTRIES, text);
        }
        let (mut tiling, mut good) = (Tiling::default(), true);
        let mut key_before = None;
        let mut repeats = Repeats::new(self.pages);
        // Keys that release 2.x stored in the opposite byte order.
        let reversible = pairs && self.pages.meta().shared_keys_may_be_reversed();
        let old = if reversible { Reversible::of::<O>(slots.index()) } else { None };
        for slot in 0..slots.entries {
            let is_key = pairs && slot & 1 == 0;
            let Some(offset) = self.offset::<O>(no, &slots, slot) else {
                good = false;
                continue;
            };
            let reversed = old
                .as_ref()
                .filter(|_| is_key)
                .and_then(|old| old.key::<O>(self.pages, slots.bytes, Place::new(no, offset), offset));
            let found = match reversed {
                Some(content) => held_key(content).map(|held| (held, size_of_item(content), false)),
                None => self.held::<O>(no, &slots, slot, offset, pairs && !is_key),
            };
            let Some((held, size, deleted)) = found else {
                good = false;
                continue;
            };
            let shared = is_key && key_before == Some(offset);
            if is_key {
                key_before = Some(offset);
            }
            if shared && !self.meta.flags().duplicates() {
                let text = format!(
                    "slot {slot} shares the key of the pair before, but the database has no duplicates"
                );
                report.error(Rule::DuplicateFlag, no, slots.at(slot), text);
            }
            if deleted && matches!(held, Held::Duplicates(_)) {
                let text =
                    format!("slot {slot} marks all off-page duplicates as deleted, which is done one by one");
                report.error(Rule::ItemDeleted, no, offset.saturating_add(2), text);
            } else if deleted && kind != PageKind::RecnoLeaf && !is_key {
                let text = format!("slot {slot} is marked as deleted but still there, as a crash leaves it");
                report.warning(Rule::ItemDeleted, no, offset.saturating_add(2), text);
            }
            if let (Held::External(item), false) = (held, deleted) {
                self.external(no, offset, item, Holder::Leaf);
            }
            if !shared {
                tiling.add(offset, size);
            }
            if is_key {
                repeats.key = held.given(shared);
            } else if !deleted {
                repeats.value(slots.at(if pairs { slot & !1 } else { slot }), key, held);
            }
            each(slot, offset, held, deleted);
        }
        repeats.report(no, report);
        if good && tiling.check(no, slots.area, slots.bytes.len()).is_err() {
            self.packing::<O>(no, &slots, |offset| {
                item::leaf::<O>(slots.bytes.get(offset..)?).ok().map(|item| item.form.size())
            });
        }
        good
    }

    /// Checks the items of an internal page; gives each child, its count and where its
    /// number stands.
    pub(super) fn node<O: ByteOrder>(
        &self,
        no: PageNo,
        page: Page<'c, O>,
        kind: PageKind,
        mut each: impl FnMut(u16, PageNo, u32, usize),
    ) -> bool {
        let report = &self.report;
        if page.entries() == 0 {
            report.error(Rule::EmptyNode, no, at::ENTRIES, "an internal page without children");
            return false;
        }
        let Some(slots) = self.slots::<O>(no, page) else { return false };
        let (mut tiling, mut good) = (Tiling::default(), true);
        for slot in 0..slots.entries {
            let Some(offset) = self.offset::<O>(no, &slots, slot) else {
                good = false;
                continue;
            };
            let raw = slots.bytes.get(offset..).unwrap_or_default();
            if kind == PageKind::RecnoInternal {
                let (child, count) = item::recno_internal::<O>(raw).unwrap_or((0, 0));
                tiling.add(offset, item::RECNO_INTERNAL);
                each(slot, PageNo(child), count, offset);
                continue;
            }
            let Some(entry) = item::btree_internal::<O>(raw) else {
                let text = format!("the item in slot {slot} reaches past the end of the page");
                report.error(Rule::ItemLength, no, offset, text);
                good = false;
                continue;
            };
            let chain = entry.type_byte & !DELETED == OVERFLOW && entry.key.len() == REFERENCE;
            if entry.type_byte & !DELETED != KEYDATA && !chain {
                let text = format!(
                    "item type {:#04x} in slot {slot}, expected 1, or 3 with length 12",
                    entry.type_byte
                );
                report.error(Rule::ItemKind, no, offset.saturating_add(2), text);
                good = false;
                continue;
            }
            tiling.add(offset, item::padded(INTERNAL_HEAD.saturating_add(entry.key.len())));
            each(slot, PageNo(entry.child), entry.nrecs, offset.saturating_add(4));
        }
        if good && tiling.check(no, slots.area, slots.bytes.len()).is_err() {
            self.packing::<O>(no, &slots, |offset| {
                let raw = slots.bytes.get(offset..)?;
                match kind {
                    PageKind::RecnoInternal => Some(item::RECNO_INTERNAL),
                    _ => item::btree_internal::<O>(raw)
                        .map(|entry| item::padded(INTERNAL_HEAD.saturating_add(entry.key.len()))),
                }
            });
        }
        good
    }

    /// The offset in a slot, if it can be one.
    fn offset<O: ByteOrder>(&self, no: PageNo, slots: &Slots<'_>, slot: u16) -> Option<usize> {
        let at = slots.at(slot);
        let offset = usize::from(slot_of::<O>(slots.index(), slot)?);
        if offset >= slots.lowest && offset & 3 == 0 && offset < slots.bytes.len() {
            return Some(offset);
        }
        let (lowest, end) = (slots.lowest, slots.bytes.len());
        let text =
            format!("slot {slot} points to {offset}, expected a multiple of 4 from {lowest} to below {end}");
        self.report.error(Rule::ItemOffset, no, at, text);
        None
    }

    /// The item at an offset of a leaf, its size on the page, and its mark of deletion.
    fn held<O: ByteOrder>(
        &self,
        no: PageNo,
        slots: &Slots<'c>,
        slot: u16,
        offset: usize,
        data_of_pair: bool,
    ) -> Option<(Held<'c>, usize, bool)> {
        let raw = slots.bytes.get(offset..)?;
        let expected = if data_of_pair { "1 to 4" } else { "1 or 3" };
        let wrong_kind = |byte: u8| {
            let text = format!("item type {byte:#04x} in slot {slot}, expected {expected}");
            self.report.error(Rule::ItemKind, no, offset.saturating_add(2), text);
        };
        let item = match item::leaf::<O>(raw) {
            Ok(item) => item,
            Err(NoItem::Kind(byte)) => {
                wrong_kind(byte);
                return None;
            }
            Err(NoItem::Length(len)) => {
                let text = format!("an item of {len} bytes in slot {slot} reaches past the end of the page");
                self.report.error(Rule::ItemLength, no, offset, text);
                return None;
            }
            Err(NoItem::Cut) => {
                let text = format!("the item in slot {slot} reaches past the end of the page");
                self.report.error(Rule::ItemLength, no, offset, text);
                return None;
            }
        };
        let external = matches!(item.form, Form::External(_));
        if (external || matches!(item.form, Form::Duplicates { .. })) && !data_of_pair
            || external && !self.meta.generation().has_externals()
        {
            wrong_kind(item::type_byte(raw).unwrap_or(0));
            return None;
        }
        Some((Held::of(item.form), item.form.size(), item.deleted))
    }

    /// Says where the items of a page overlap, leave a gap, or begin elsewhere than the
    /// item area.
    fn packing<O: ByteOrder>(&self, no: PageNo, slots: &Slots<'_>, size: impl Fn(usize) -> Option<usize>) {
        let offset = |slot: u16| slot_of::<O>(slots.index(), slot).map(usize::from);
        let mut offsets: Vec<usize> = (0..slots.entries).filter_map(offset).collect();
        offsets.sort_unstable();
        let repeated = offsets.windows(2).any(|pair| pair.first() == pair.last());
        offsets.dedup();
        let lowest = offsets.first().copied().unwrap_or(slots.bytes.len());
        if lowest != slots.area {
            let text = format!("the item area starts at {}, but the lowest item at {lowest}", slots.area);
            self.report.error(Rule::ItemArea, no, at::HF_OFFSET, text);
        }
        let ends = offsets.iter().skip(1).copied().chain([slots.bytes.len()]);
        for (&offset, next) in offsets.iter().zip(ends) {
            let end = offset.saturating_add(size(offset).unwrap_or(0));
            let text = match end.cmp(&next) {
                std::cmp::Ordering::Equal => continue,
                std::cmp::Ordering::Less => format!("a gap from {end} to {next}"),
                std::cmp::Ordering::Greater => {
                    format!("the item ends at {end}, but another begins at {next}")
                }
            };
            self.report.error(Rule::ItemPacking, no, offset, text);
        }
        if repeated {
            self.report.error(Rule::ItemShare, no, at::ENTRIES, "two slots that may not share an item do");
        }
    }
}

/// Pairs that give the bytes of others again.
pub(super) struct Repeats {
    allowance: Allowance,
    /// What the key of the pair gives.
    pub(super) key: u64,
    /// Pairs beyond the allowance: where the first one is, what is wrong, how many there are.
    beyond: Option<(usize, Defect, u32)>,
}

impl Repeats {
    pub(super) fn new(pages: &Pages<'_>) -> Repeats {
        Repeats { allowance: pages.allowance(), key: 0, beyond: None }
    }

    /// A value is given with its key: one on the page, or the key of duplicates off it.
    pub(super) fn value(&mut self, at: usize, duplicates_of: u32, held: Held<'_>) {
        if matches!(held, Held::Duplicates(_)) {
            return; // each of them is given where it is
        }
        let bytes = self.key.saturating_add(held.given(false));
        if let Err(defect) = self.allowance.give_duplicate(duplicates_of, bytes) {
            let (_, _, number) = self.beyond.get_or_insert((at, defect, 0));
            *number = number.saturating_add(1);
        }
    }

    pub(super) fn report(self, no: PageNo, report: &Reporter<'_, '_>) {
        if let Some((at, defect, number)) = self.beyond {
            report.error(Rule::Repeats, no, at, format!("{number} of them from here on: {defect}"));
        }
    }
}

fn held_key(content: Content<'_>) -> Option<Held<'_>> {
    match content {
        Content::Here(bytes) => Some(Held::Plain(bytes)),
        Content::Chain(chain) => Some(Held::Chain { first: chain.first, len: chain.len }),
        Content::Split(_)
        | Content::External(_)
        | Content::Duplicates(_)
        | Content::Long(_)
        | Content::Mended(_) => None,
    }
}

/// The index of a page.
#[derive(Clone, Copy)]
struct Slots<'a> {
    bytes: &'a [u8],
    overhead: usize,
    entries: u16,
    /// The end of the index.
    lowest: usize,
    /// The start of the item area.
    area: usize,
}

impl<'a> Slots<'a> {
    fn index(&self) -> &'a [u8] {
        self.bytes.get(self.overhead..self.lowest).unwrap_or(&[])
    }

    fn at(&self, slot: u16) -> usize {
        slot_offset(self.overhead, slot)
    }
}
