//! Trees and chains, from their leaves up (database-format, "Items", "Overflow chains",
//! "Duplicates, RECNO, record numbers").

use std::io::{self, Seek, Write};

use super::output::Output;
use super::page::{HEADER, Item, Page, kind, plain_size};
use super::{Duplicates, Tree};

/// Writes a database but for its metadata; gives its root, which is at a page of its own
/// choice if none is given.
pub(super) fn write<W, K, Vs>(
    out: &mut Output<'_, W>,
    tree: &Tree,
    root: Option<u32>,
    entries: impl IntoIterator<Item = (K, Vs)>,
) -> io::Result<u32>
where
    W: Write + Seek,
    K: AsRef<[u8]>,
    Vs: IntoIterator,
    Vs::Item: AsRef<[u8]>,
{
    assert!(
        tree.duplicates == Duplicates::None || !(tree.recnum || tree.recno),
        "records have no duplicates"
    );
    let mut writer = Writer::new(out, tree);
    if tree.recno {
        let mut leaves = Leaves::new(writer.out, tree, kind::RECNO_LEAF);
        for value in entries.into_iter().flat_map(|(_, values)| values) {
            writer.record(&mut leaves, value.as_ref())?;
        }
        return leaves.into_tree(writer.out, root);
    }
    let mut leaves = Leaves::new(writer.out, tree, kind::LEAF);
    let mut key_before: Option<K> = None;
    for (key, values) in entries {
        assert!(key_before.is_none_or(|before| before.as_ref() < key.as_ref()), "the keys do not ascend");
        let values: Vec<Vs::Item> = values.into_iter().collect();
        writer.entry(&mut leaves, key.as_ref(), &values)?;
        key_before = Some(key);
    }
    leaves.into_tree(writer.out, root)
}

/// A database as it is written.
struct Writer<'o, 'b, 't, W> {
    out: &'o mut Output<'b, W>,
    tree: &'t Tree,
    /// Items above so many bytes go into overflow chains: on leaves, and among off-page
    /// duplicates.
    most: usize,
    most_off_page: usize,
    /// Sets of duplicates that take so many bytes go off the page.
    off_page_from: usize,
    /// Number of the next value.
    ordinal: u64,
}

impl<'o, 'b, 't, W: Write + Seek> Writer<'o, 'b, 't, W> {
    fn new(out: &'o mut Output<'b, W>, tree: &'t Tree) -> Writer<'o, 'b, 't, W> {
        let size = out.builder.page_size;
        let most = (size - HEADER) / (2 * usize::try_from(tree.min_key).unwrap()) - 10;
        let most_off_page = if chained(out) { size / 4 } else { most };
        let asked = tree.overflow_above.unwrap_or(usize::MAX);
        Writer {
            out,
            tree,
            most: most.min(asked),
            most_off_page: most_off_page.min(asked),
            off_page_from: tree.off_page_from.unwrap_or(usize::MAX).min(size / 4),
            ordinal: 0,
        }
    }

    /// Whether the next value is marked as deleted.
    fn next_is_deleted(&mut self) -> bool {
        self.ordinal += 1;
        self.tree.is_deleted(self.ordinal - 1)
    }

    fn record(&mut self, leaves: &mut Leaves<'_>, value: &[u8]) -> io::Result<()> {
        let length = self.tree.record_length;
        assert!(length.is_none_or(|length| length == value.len()), "a record of {} bytes", value.len());
        let deleted = self.next_is_deleted();
        // Releases 2.x and 3.x keep the length of fixed records.
        let value = if deleted && length.is_none() { &[][..] } else { value };
        let item = if deleted { Item::Plain(value) } else { self.item(value, self.most)? };
        if !leaves.fits(item.size(), 1) {
            leaves.turn(self.out)?;
        }
        leaves.page.push(item, deleted);
        leaves.records += 1;
        Ok(())
    }

    /// A key with its values.
    fn entry<V: AsRef<[u8]>>(&mut self, leaves: &mut Leaves<'_>, key: &[u8], values: &[V]) -> io::Result<()> {
        assert!(values.len() <= 1 || self.tree.duplicates != Duplicates::None, "a key with several values");
        if values.is_empty() {
            return Ok(());
        }
        let key_item = self.item(key, self.most)?;
        let on_leaf = |value: &V| match value.as_ref().len() {
            len if len > self.most => Item::Chain { first: 0, len: 0 }.size(),
            len => plain_size(len),
        };
        let slots = 2 * values.len();
        let size = key_item.size() + values.iter().map(on_leaf).sum::<usize>();
        let movable =
            self.tree.duplicates != Duplicates::None && (values.len() > 1 || self.off_page_from == 0);
        if movable && size + 2 * slots + 2 >= self.off_page_from {
            let data = Item::Duplicates { root: self.off_page(values)? };
            self.make_room(leaves, key, key_item, key_item.size() + data.size(), 2)?;
            leaves.page.push(key_item, false);
            leaves.page.push(data, false);
            return Ok(());
        }
        self.make_room(leaves, key, key_item, size, slots)?;
        let mut key_at = None;
        for value in values {
            match key_at {
                None => key_at = Some(leaves.page.push(key_item, false)),
                Some(offset) => leaves.page.share(offset),
            }
            let deleted = self.next_is_deleted();
            let item = self.item(value.as_ref(), self.most)?;
            leaves.page.push(item, deleted);
            leaves.records += u32::from(!deleted);
        }
        let reversed = self.tree.reversed_shared_keys && values.len() % 2 == 0;
        if let Some(offset) = key_at.filter(|_| reversed) {
            leaves.page.reverse_key(offset);
        }
        Ok(())
    }

    /// Begins a new leaf if there is no room for a key with its values.
    fn make_room(
        &mut self,
        leaves: &mut Leaves<'_>,
        key: &[u8],
        item: Item<'_>,
        size: usize,
        slots: usize,
    ) -> io::Result<()> {
        let mut separator = Separator::of(item);
        if !leaves.fits(size, slots) {
            leaves.turn(self.out)?;
            let between = [&leaves.last_key, &[0][..]].concat();
            let possible = between.as_slice() < key && between.len() <= self.most;
            if possible && self.out.chance(self.tree.empty_leaves) {
                leaves.separator = Some(Separator::Plain(between));
                leaves.turn(self.out)?;
            } else if self.tree.truncated_keys && leaves.last_key.len() <= self.most {
                separator = separator.truncated(&leaves.last_key);
            }
        }
        leaves.separator.get_or_insert(separator);
        leaves.last_key.clear();
        leaves.last_key.extend_from_slice(key);
        Ok(())
    }

    /// Writes duplicates to pages of their own; gives the first of the chain, or the root
    /// of the tree.
    fn off_page<V: AsRef<[u8]>>(&mut self, values: &[V]) -> io::Result<u32> {
        let sorted = self.tree.duplicates == Duplicates::Sorted;
        let kind = match (chained(self.out), sorted) {
            (true, _) => kind::DUPLICATE,
            (false, true) => kind::DUPLICATE_LEAF,
            (false, false) => kind::RECNO_LEAF,
        };
        let mut leaves = Leaves::new(self.out, self.tree, kind);
        for value in values {
            let deleted = self.next_is_deleted();
            let item = self.item(value.as_ref(), self.most_off_page)?;
            if !leaves.fits(item.size(), 1) {
                leaves.turn(self.out)?;
            }
            if kind == kind::DUPLICATE_LEAF {
                leaves.separator.get_or_insert_with(|| Separator::of(item));
            }
            leaves.page.push(item, deleted);
            leaves.records += u32::from(!deleted || kind != kind::DUPLICATE_LEAF);
        }
        leaves.into_tree(self.out, None)
    }

    /// An item of some bytes, which are put into an overflow chain if they are too many.
    fn item<'v>(&mut self, bytes: &'v [u8], most: usize) -> io::Result<Item<'v>> {
        if bytes.len() <= most {
            return Ok(Item::Plain(bytes));
        }
        let first = self.out.allocate();
        let (mut prev, mut number) = (0, first);
        let mut pieces = bytes.chunks(self.out.builder.page_size - HEADER).peekable();
        while let Some(piece) = pieces.next() {
            let next = if pieces.peek().is_some() { self.out.allocate() } else { 0 };
            let mut page = self.out.page();
            page.put_piece(piece);
            page.head(number, [prev, next], 0, kind::OVERFLOW);
            page.put_lsn(self.out.lsn());
            self.out.put(number, &page.bytes)?;
            (prev, number) = (number, next);
        }
        Ok(Item::Chain { first, len: u32::try_from(bytes.len()).unwrap() })
    }
}

/// Whether off-page duplicates are chains, not trees.
fn chained<W>(out: &Output<'_, W>) -> bool {
    out.builder.version < 8
}

/// The key of a child on its internal page.
#[derive(Clone, Debug)]
enum Separator {
    Plain(Vec<u8>),
    Chain { first: u32, len: u32 },
}

impl Separator {
    fn of(item: Item<'_>) -> Separator {
        match item {
            Item::Plain(bytes) => Separator::Plain(bytes.to_vec()),
            Item::Chain { first, len } => Separator::Chain { first, len },
            Item::Duplicates { .. } => unreachable!("no key"),
        }
    }

    /// The shortest prefix that is still greater than a key.
    fn truncated(self, before: &[u8]) -> Separator {
        match self {
            Separator::Plain(mut key) => {
                let same = key.iter().zip(before).take_while(|(a, b)| a == b).count();
                key.truncate(same + 1);
                Separator::Plain(key)
            }
            chain @ Separator::Chain { .. } => chain,
        }
    }

    fn item(&self) -> Item<'_> {
        match self {
            Separator::Plain(bytes) => Item::Plain(bytes),
            Separator::Chain { first, len } => Item::Chain { first: *first, len: *len },
        }
    }
}

/// A page below an internal page.
struct Child {
    number: u32,
    records: u32,
    key: Separator,
}

/// The leaves of a tree, or the pages of a chain, from left to right.
struct Leaves<'t> {
    tree: &'t Tree,
    kind: u8,
    /// The page that fills up, its first key and its records.
    page: Page,
    separator: Option<Separator>,
    records: u32,
    /// The page before, which waits for the number of its successor.
    before: Page,
    /// The last key of all.
    last_key: Vec<u8>,
    children: Vec<Child>,
}

impl<'t> Leaves<'t> {
    fn new<W: Write + Seek>(out: &mut Output<'_, W>, tree: &'t Tree, kind: u8) -> Leaves<'t> {
        Leaves {
            tree,
            kind,
            page: out.page(),
            separator: None,
            records: 0,
            before: Page::new(out.builder.page_size, out.builder.big()),
            last_key: Vec::new(),
            children: Vec::new(),
        }
    }

    /// Whether items of a size with so many slots go onto the page.
    fn fits(&self, size: usize, slots: usize) -> bool {
        self.page.is_empty() || fits(&self.page, size + 2 * slots, self.tree.fill)
    }

    /// Goes on to the next page.
    fn turn<W: Write + Seek>(&mut self, out: &mut Output<'_, W>) -> io::Result<()> {
        let number = out.allocate();
        self.close(out, number)?;
        out.clear(&mut self.page);
        Ok(())
    }

    /// Writes the page before, now that its successor has a number.
    fn close<W: Write + Seek>(&mut self, out: &mut Output<'_, W>, number: u32) -> io::Result<()> {
        self.write_before(out, number)?;
        let key = self.separator.take().unwrap_or(Separator::Plain(Vec::new()));
        self.children.push(Child { number, records: std::mem::take(&mut self.records), key });
        std::mem::swap(&mut self.page, &mut self.before);
        Ok(())
    }

    fn write_before<W: Write + Seek>(&mut self, out: &mut Output<'_, W>, next: u32) -> io::Result<()> {
        let mut last_two = self.children.iter().rev().map(|child| child.number);
        let Some(number) = last_two.next() else { return Ok(()) };
        let prev = last_two.next().unwrap_or(0);
        let level = u8::from(self.kind != kind::DUPLICATE);
        self.before.head(number, [prev, next], level, self.kind);
        if self.kind != kind::DUPLICATE || !out.builder.noise {
            self.before.put_lsn(out.lsn());
        }
        out.put(number, &self.before.bytes)
    }

    /// Writes what is left, and the internal pages; gives the root, or the first page of a
    /// chain.
    fn into_tree<W: Write + Seek>(mut self, out: &mut Output<'_, W>, root: Option<u32>) -> io::Result<u32> {
        let number = root.filter(|_| self.children.is_empty()).unwrap_or_else(|| out.allocate());
        self.close(out, number)?;
        self.write_before(out, 0)?;
        if self.kind == kind::DUPLICATE {
            return Ok(self.children[0].number);
        }
        let of_duplicates = self.kind == kind::DUPLICATE_LEAF;
        let keyed = of_duplicates || self.kind == kind::LEAF;
        let level = Level {
            tree: self.tree,
            kind: if keyed { kind::INTERNAL } else { kind::RECNO_INTERNAL },
            counted: !keyed || of_duplicates || self.tree.recnum,
        };
        let (mut children, mut height) = (self.children, 1);
        while children.len() > 1 {
            height += 1;
            children = level.above(out, &children, height, root)?;
        }
        Ok(children[0].number)
    }
}

/// Whether so many bytes go onto a page that is to be filled by some percent.
fn fits(page: &Page, bytes: usize, fill: usize) -> bool {
    let all = page.bytes.len() - HEADER;
    page.room() >= bytes && (all - page.room() + bytes) * 100 <= all * fill
}

/// What the internal pages of a tree have in common.
struct Level<'t> {
    tree: &'t Tree,
    kind: u8,
    counted: bool,
}

impl Level<'_> {
    /// Writes the pages above some others.
    fn above<W: Write + Seek>(
        &self,
        out: &mut Output<'_, W>,
        children: &[Child],
        height: u8,
        root: Option<u32>,
    ) -> io::Result<Vec<Child>> {
        let groups = self.groups(out, children);
        let is_root = groups.len() == 1;
        let mut above = Vec::new();
        for group in groups {
            let number = root.filter(|_| is_root).unwrap_or_else(|| out.allocate());
            let mut page = out.page();
            for (slot, child) in group.iter().enumerate() {
                let key = self.key(slot, child);
                if let Item::Chain { first, .. } = key {
                    out.refer(first);
                }
                self.push(&mut page, key, child);
            }
            let records = group.iter().map(|child| child.records).sum();
            let total = if is_root && self.counted { records } else { 0 };
            page.head(number, [total, 0], height, self.kind);
            page.put_lsn(out.lsn());
            out.put(number, &page.bytes)?;
            above.push(Child { number, records, key: group[0].key.clone() });
        }
        Ok(above)
    }

    /// Divides children among pages, so that each page has two at least.
    fn groups<'c, W: Write + Seek>(&self, out: &Output<'_, W>, children: &'c [Child]) -> Vec<&'c [Child]> {
        let mut starts = vec![0];
        let mut page = Page::new(out.builder.page_size, out.builder.big());
        let mut on_page = 0;
        for (index, child) in children.iter().enumerate() {
            let size = 2 + match self.kind {
                kind::RECNO_INTERNAL => 8,
                _ => self.key(on_page, child).internal_size(),
            };
            let full = on_page >= self.tree.fanout || !fits(&page, size, self.tree.fill);
            // Three at least, so that one can be given away.
            if full && (on_page >= 3 || page.room() < size) {
                starts.push(index);
                page.clear();
                on_page = 0;
            }
            let key = self.key(on_page, child);
            self.push(&mut page, key, child);
            on_page += 1;
        }
        if on_page == 1 && starts.len() > 1 {
            *starts.last_mut().unwrap() -= 1;
        }
        let ends = starts.iter().skip(1).copied().chain([children.len()]);
        starts.iter().zip(ends).map(|(&start, end)| &children[start..end]).collect()
    }

    /// The key in a slot: that of the first means nothing.
    fn key<'c>(&self, slot: usize, child: &'c Child) -> Item<'c> {
        if slot == 0 && !self.tree.first_keys { Item::Plain(&[]) } else { child.key.item() }
    }

    fn push(&self, page: &mut Page, key: Item<'_>, child: &Child) {
        if self.kind == kind::RECNO_INTERNAL {
            page.push_numbered_child(child.number, child.records);
        } else {
            page.push_child(key, child.number, if self.counted { child.records } else { 0 });
        }
    }
}
