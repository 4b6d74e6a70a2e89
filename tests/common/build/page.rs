//! A page as it fills up: items from its end down, slots from its header up
//! (database-format, "Ordinary pages" and "Items").

/// The length of the header.
pub(super) const HEADER: usize = 26;

/// Offsets in the header.
pub(super) mod at {
    pub(crate) const PGNO: usize = 8;
    pub(crate) const PREV: usize = 12;
    pub(crate) const NEXT: usize = 16;
    pub(crate) const ENTRIES: usize = 20;
    pub(crate) const AREA: usize = 22;
    pub(crate) const LEVEL: usize = 24;
    pub(crate) const TYPE: usize = 25;
}

/// Page types.
pub(super) mod kind {
    pub(crate) const DUPLICATE: u8 = 1;
    pub(crate) const INTERNAL: u8 = 3;
    pub(crate) const RECNO_INTERNAL: u8 = 4;
    pub(crate) const LEAF: u8 = 5;
    pub(crate) const RECNO_LEAF: u8 = 6;
    pub(crate) const OVERFLOW: u8 = 7;
    pub(crate) const DUPLICATE_LEAF: u8 = 12;
}

const PLAIN: u8 = 1;
const DUPLICATES: u8 = 2;
const CHAIN: u8 = 3;
const DELETED: u8 = 0x80;

/// The size of an item that refers to other pages.
const REFERENCE: usize = 12;

/// What precedes the key in an item of an internal page.
const INTERNAL_HEAD: usize = 12;

/// The content of an item.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item<'a> {
    Plain(&'a [u8]),
    Chain { first: u32, len: u32 },
    Duplicates { root: u32 },
}

/// The size on a leaf of a plain item.
pub(super) fn plain_size(len: usize) -> usize {
    (3 + len).next_multiple_of(4)
}

impl Item<'_> {
    pub(super) fn size(&self) -> usize {
        match self {
            Item::Plain(bytes) => plain_size(bytes.len()),
            _ => REFERENCE,
        }
    }

    /// The size of an item of an internal page with this as its key.
    pub(super) fn internal_size(&self) -> usize {
        match self {
            Item::Plain(bytes) => (INTERNAL_HEAD + bytes.len()).next_multiple_of(4),
            _ => INTERNAL_HEAD + REFERENCE,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Page {
    pub(super) bytes: Vec<u8>,
    big: bool,
    entries: usize,
    area: usize,
}

impl Page {
    pub(super) fn new(size: usize, big: bool) -> Page {
        Page { bytes: vec![0; size], big, entries: 0, area: size }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.fill(0);
        (self.entries, self.area) = (0, self.bytes.len());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Bytes between slots and items.
    pub(super) fn room(&self) -> usize {
        self.area - HEADER - 2 * self.entries
    }

    /// Puts an item on the page; gives its offset.
    pub(super) fn push(&mut self, item: Item<'_>, deleted: bool) -> usize {
        let offset = self.reserve(item.size());
        self.put_item(offset, item, deleted);
        offset
    }

    /// Points another slot at an item.
    pub(super) fn share(&mut self, offset: usize) {
        self.put_u16(HEADER + 2 * self.entries, short(offset));
        self.entries += 1;
    }

    /// Puts an item of a BTREE's internal page there.
    pub(super) fn push_child(&mut self, key: Item<'_>, child: u32, records: u32) {
        let offset = self.reserve(key.internal_size());
        let (len, kind) = match key {
            Item::Plain(bytes) => (bytes.len(), PLAIN),
            _ => (REFERENCE, CHAIN),
        };
        self.put_u16(offset, short(len));
        self.bytes[offset + 2] = kind;
        self.put_u32(offset + 4, child);
        self.put_u32(offset + 8, records);
        match key {
            Item::Plain(bytes) => self.put_bytes(offset + INTERNAL_HEAD, bytes),
            _ => self.put_item(offset + INTERNAL_HEAD, key, false),
        }
    }

    /// Puts an item of a RECNO's internal page there.
    pub(super) fn push_numbered_child(&mut self, child: u32, records: u32) {
        let offset = self.reserve(8);
        self.put_u32(offset, child);
        self.put_u32(offset + 4, records);
    }

    /// Puts a piece of a long item there.
    pub(super) fn put_piece(&mut self, piece: &[u8]) {
        self.put_bytes(HEADER, piece);
        (self.entries, self.area) = (1, piece.len());
    }

    /// Reverses the fields of a key, as if it had been swapped once too often.
    pub(super) fn reverse_key(&mut self, offset: usize) {
        match self.bytes[offset + 2] {
            PLAIN => self.bytes[offset..offset + 2].reverse(),
            _ => {
                self.bytes[offset + 4..offset + 8].reverse();
                self.bytes[offset + 8..offset + 12].reverse();
            }
        }
    }

    /// Writes the header but for the LSN.
    pub(super) fn head(&mut self, number: u32, [prev, next]: [u32; 2], level: u8, kind: u8) {
        self.put_u32(at::PGNO, number);
        self.put_u32(at::PREV, prev);
        self.put_u32(at::NEXT, next);
        self.put_u16(at::ENTRIES, short(self.entries));
        // An empty page of 65536 bytes says 0.
        self.put_u16(at::AREA, short(self.area & 0xffff));
        self.bytes[at::LEVEL] = level;
        self.bytes[at::TYPE] = kind;
    }

    pub(super) fn put_lsn(&mut self, [file, offset]: [u32; 2]) {
        self.put_u32(0, file);
        self.put_u32(4, offset);
    }

    pub(super) fn put_u32(&mut self, offset: usize, value: u32) {
        let raw = if self.big { value.to_be_bytes() } else { value.to_le_bytes() };
        self.put_bytes(offset, &raw);
    }

    fn put_u16(&mut self, offset: usize, value: u16) {
        let raw = if self.big { value.to_be_bytes() } else { value.to_le_bytes() };
        self.put_bytes(offset, &raw);
    }

    fn put_bytes(&mut self, offset: usize, bytes: &[u8]) {
        self.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    /// Takes room for an item, with a slot.
    fn reserve(&mut self, size: usize) -> usize {
        assert!(self.room() >= size + 2, "an item of {size} bytes, but only {} are free", self.room());
        self.area -= size;
        self.share(self.area);
        self.area
    }

    fn put_item(&mut self, offset: usize, item: Item<'_>, deleted: bool) {
        let deleted = if deleted { DELETED } else { 0 };
        let (kind, page, len) = match item {
            Item::Plain(bytes) => {
                self.put_u16(offset, short(bytes.len()));
                self.bytes[offset + 2] = PLAIN | deleted;
                return self.put_bytes(offset + 3, bytes);
            }
            Item::Chain { first, len } => (CHAIN, first, len),
            Item::Duplicates { root } => (DUPLICATES, root, 0),
        };
        self.bytes[offset + 2] = kind | deleted;
        self.put_u32(offset + 4, page);
        self.put_u32(offset + 8, len);
    }
}

fn short(n: usize) -> u16 {
    u16::try_from(n).expect("16 bits")
}
