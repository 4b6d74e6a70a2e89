//! Logs made record by record: what transactions do to pages, with LSNs that fit.

use std::collections::HashMap;

use bdbkit::log::{FieldKind, LogDir, RecordLayout, Schema};
use bdbkit::{Endianness, Lsn};

use super::common::logs::{Writer, lsn, to_u32, word};

/// The value of a field; those not named are zero or empty.
#[derive(Clone, Debug)]
pub(crate) enum Of {
    Number(u32),
    Wide(u64),
    Lsn(Lsn),
    Bytes(Vec<u8>),
}

impl From<u32> for Of {
    fn from(n: u32) -> Of {
        Of::Number(n)
    }
}

impl From<Lsn> for Of {
    fn from(lsn: Lsn) -> Of {
        Of::Lsn(lsn)
    }
}

impl From<&[u8]> for Of {
    fn from(bytes: &[u8]) -> Of {
        Of::Bytes(bytes.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for Of {
    fn from(bytes: &[u8; N]) -> Of {
        Of::Bytes(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Of {
    fn from(bytes: Vec<u8>) -> Of {
        Of::Bytes(bytes)
    }
}

/// Names of fields with their values.
#[macro_export]
macro_rules! fields {
    ($($name:ident: $value:expr),* $(,)?) => { &[$((stringify!($name), $crate::craft::Of::from($value))),*] };
}

/// The first transaction number.
pub(crate) const TXN: u32 = 0x8000_0001;

/// A log that grows, and what its writer knows.
#[derive(Clone)]
pub(crate) struct Craft {
    pub(crate) writer: Writer,
    /// The last record of each transaction.
    last: HashMap<u32, Lsn>,
    /// The LSN of each page of each file.
    pages: HashMap<(u32, u32), Lsn>,
}

impl Craft {
    pub(crate) fn new(version: u32) -> Craft {
        Craft::of(version, Endianness::Little, 1 << 28)
    }

    pub(crate) fn of(version: u32, order: Endianness, max: usize) -> Craft {
        let writer = Writer::new(version, order, max, 1);
        Craft { writer, last: HashMap::new(), pages: HashMap::new() }
    }

    /// The layout of a name that has the fields: version 2 has several of some names.
    fn layout(&self, name: &str, fields: &[(&str, Of)]) -> &'static RecordLayout {
        let version = self.writer.version;
        let mut records = Schema::of_version(version).flat_map(Schema::records);
        let has =
            |record: &RecordLayout, name: &str| record.fields().iter().any(|field| field.name() == name);
        let found = records.find(|record| {
            record.name().trim_start_matches('_') == name && fields.iter().all(|(name, _)| has(record, name))
        });
        found.unwrap_or_else(|| panic!("version {version} has no {name} with {fields:?}"))
    }

    /// A record with the transaction's last record before it.
    pub(crate) fn add(&mut self, name: &str, txn: u32, fields: &[(&str, Of)]) -> Lsn {
        let prev = self.last.get(&txn).copied().filter(|_| txn != 0).unwrap_or_default();
        let at = self.add_behind(name, txn, prev, fields);
        self.last.insert(txn, at);
        at
    }

    pub(crate) fn add_behind(&mut self, name: &str, txn: u32, prev: Lsn, fields: &[(&str, Of)]) -> Lsn {
        let (order, layout) = (self.writer.order, self.layout(name, fields));
        let mut body = [layout.kind(), txn, prev.file, prev.offset].map(|n| word(order, n)).concat();
        for field in layout.fields() {
            let value = fields.iter().find(|(name, _)| *name == field.name()).map(|(_, value)| value.clone());
            match (value, field.kind()) {
                (Some(Of::Number(n)), _) => body.extend(word(order, n)),
                (Some(Of::Lsn(lsn)), _) => {
                    body.extend([lsn.file, lsn.offset].map(|n| word(order, n)).concat())
                }
                (Some(Of::Bytes(bytes)), _) => {
                    body.extend(word(order, to_u32(bytes.len())));
                    body.extend(bytes);
                }
                (Some(Of::Wide(n)), _) if order == Endianness::Big => body.extend(n.to_be_bytes()),
                (Some(Of::Wide(n)), _) => body.extend(n.to_le_bytes()),
                (None, FieldKind::Lsn | FieldKind::Wide) => body.extend([0; 8]),
                (None, _) => body.extend([0; 4]),
            }
        }
        self.writer.append(&body)
    }

    /// The LSN of a page, if the record that comes is its next.
    pub(crate) fn page(&self, file: u32, page: u32) -> Lsn {
        self.pages.get(&(file, page)).copied().unwrap_or(lsn(0, 1))
    }

    pub(crate) fn set_page(&mut self, file: u32, page: u32, lsn: Lsn) {
        self.pages.insert((file, page), lsn);
    }

    /// A record that changes one page.
    pub(crate) fn change(
        &mut self,
        name: &str,
        txn: u32,
        [file, page]: [u32; 2],
        fields: &[(&str, Of)],
    ) -> Lsn {
        let mut fields = fields.to_vec();
        fields.extend([("fileid", Of::Number(file)), ("pgno", Of::Number(page))]);
        let layout = self.layout(name, &fields);
        let before = ["pagelsn", "lsn", "page_lsn", "prevlsn"].into_iter();
        let before = before.filter(|name| layout.fields().iter().any(|field| field.name() == *name)).take(1);
        fields.extend(before.map(|name| (name, Of::Lsn(self.page(file, page)))));
        let at = self.add(name, txn, &fields);
        self.set_page(file, page, at);
        at
    }

    fn adds(&self, add: bool) -> u32 {
        match (self.writer.version, add) {
            (..7, true) => 0x10,
            (..7, false) => 0x20,
            (7..17, add) => {
                if add {
                    1
                } else {
                    2
                }
            }
            (_, add) => {
                if add {
                    0x105
                } else {
                    0x205
                }
            }
        }
    }

    pub(crate) fn insert(&mut self, txn: u32, at: [u32; 2], index: u32, data: &[u8]) -> Lsn {
        let opcode = self.adds(true);
        self.change("db_addrem", txn, at, fields! {opcode: opcode, indx: index, dbt: data})
    }

    /// A pair is put: key and data.
    pub(crate) fn put(&mut self, txn: u32, at: [u32; 2], index: u32, key: &[u8], data: &[u8]) -> Lsn {
        self.insert(txn, at, index, key);
        self.insert(txn, at, index + 1, data)
    }

    /// An item is put that is recorded whole.
    pub(crate) fn insert_whole(&mut self, txn: u32, at: [u32; 2], index: u32, item: Vec<u8>) -> Lsn {
        let opcode = self.adds(true);
        self.change("db_addrem", txn, at, fields! {opcode: opcode, indx: index, hdr: item})
    }

    pub(crate) fn remove(&mut self, txn: u32, at: [u32; 2], index: u32, item: Vec<u8>) -> Lsn {
        let opcode = self.adds(false);
        self.change("db_addrem", txn, at, fields! {opcode: opcode, indx: index, hdr: item})
    }

    pub(crate) fn mark(&mut self, txn: u32, at: [u32; 2], index: u32) -> Lsn {
        self.change("bam_cdel", txn, at, fields! {indx: index})
    }

    pub(crate) fn register(
        &mut self,
        opcode: u32,
        number: u32,
        name: &[u8],
        id: u8,
        method: u32,
        meta: u32,
    ) -> Lsn {
        let record = match self.writer.version {
            ..7 => "log_register",
            _ => "dbreg_register",
        };
        let name = [name, &[0]].concat();
        self.add(
            record,
            0,
            fields! {opcode: opcode, name: name, uid: &[id; 20], fileid: number, ftype: method, meta_pgno: meta},
        )
    }

    pub(crate) fn open(&mut self, number: u32, name: &[u8], id: u8) -> Lsn {
        self.register(3, number, name, id, 1, 0)
    }

    pub(crate) fn commit(&mut self, txn: u32, time: u32) -> Lsn {
        let at = self.add("txn_regop", txn, fields! {opcode: 1, timestamp: time});
        self.last.remove(&txn);
        at
    }

    /// The transaction aborted: no record says so, but pages are what they were.
    pub(crate) fn abort(&mut self, txn: u32, pages: &[([u32; 2], Lsn)]) {
        self.last.remove(&txn);
        for &([file, page], lsn) in pages {
            self.set_page(file, page, lsn);
        }
    }

    pub(crate) fn save(&self) -> (tempfile::TempDir, LogDir) {
        let folder = tempfile::tempdir().unwrap();
        self.writer.save(folder.path());
        let log = LogDir::open(folder.path()).unwrap();
        (folder, log)
    }

    pub(crate) fn size(&self) -> usize {
        self.writer.files.iter().map(Vec::len).sum()
    }
}

/// A plain item with its head: length, type.
pub(crate) fn item(order: Endianness, kind: u8, data: &[u8]) -> Vec<u8> {
    let len = u16::try_from(data.len()).unwrap();
    let len = if order == Endianness::Big { len.to_be_bytes() } else { len.to_le_bytes() };
    let mut item = [&len[..], &[kind], data].concat();
    item.resize(item.len().next_multiple_of(4), 0);
    item
}

/// The image of a page of 512 bytes: its items from the end down.
pub(crate) fn image(order: Endianness, number: u32, lsn: Lsn, kind: u8, items: &[Vec<u8>]) -> Vec<u8> {
    let mut page = vec![0; 512];
    let short = |n: usize| {
        let n = u16::try_from(n).unwrap();
        if order == Endianness::Big { n.to_be_bytes() } else { n.to_le_bytes() }
    };
    let head = [lsn.file, lsn.offset, number].map(|n| word(order, n)).concat();
    page[..12].copy_from_slice(&head);
    let mut area = page.len();
    for (index, item) in items.iter().enumerate() {
        area -= item.len();
        page[area..area + item.len()].copy_from_slice(item);
        page[26 + 2 * index..28 + 2 * index].copy_from_slice(&short(area));
    }
    page[20..22].copy_from_slice(&short(items.len()));
    page[22..24].copy_from_slice(&short(area));
    (page[24], page[25]) = (1, kind);
    page
}
