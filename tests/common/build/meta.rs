//! Metadata pages (database-format, "BTREE metadata pages").

use std::io::{self, Seek, Write};

use super::output::Output;
use super::page::{Page, at};
use super::{Duplicates, Tree};

const MAGIC: u32 = 0x0005_3162;
const BTREE_METADATA: u8 = 9;

const DUP: u32 = 0x01;
const RECNO: u32 = 0x02;
const RECNUM: u32 = 0x04;
const FIXED_LENGTH: u32 = 0x08;
const RENUMBER: u32 = 0x10;
const SEVERAL: u32 = 0x20;
const SORTED: u32 = 0x40;

/// Where the fields stand whose place changed.
struct Layout {
    free: usize,
    flags: usize,
    uid: usize,
    /// `maxkey` and `minkey`.
    keys: usize,
    /// `re_len` and `re_pad`, which version 6 does not store.
    records: Option<usize>,
    root: Option<usize>,
    last_page: Option<usize>,
}

impl Layout {
    fn of(version: u32) -> Layout {
        match version {
            6 => {
                Layout { free: 32, flags: 36, uid: 48, keys: 24, records: None, root: None, last_page: None }
            }
            7 => Layout {
                free: 28,
                flags: 32,
                uid: 36,
                keys: 56,
                records: Some(64),
                root: Some(72),
                last_page: None,
            },
            _ => Layout {
                free: 28,
                flags: 48,
                uid: 52,
                keys: 72,
                records: Some(80),
                root: Some(88),
                last_page: Some(32),
            },
        }
    }
}

/// Writes the metadata page of a database; that of page 0 last, as it knows the free list.
pub(super) fn write<W: Write + Seek>(
    out: &mut Output<'_, W>,
    tree: &Tree,
    number: u32,
    root: u32,
    several: bool,
) -> io::Result<()> {
    let version = out.builder.version;
    let layout = Layout::of(version);
    let mut page = Page::new(out.builder.page_size, out.builder.big());
    page.put_lsn(out.lsn());
    for (offset, value) in [(at::PGNO, number), (12, MAGIC), (16, version)] {
        page.put_u32(offset, value);
    }
    page.put_u32(20, u32::try_from(out.builder.page_size).unwrap());
    if version > 6 {
        page.bytes[at::TYPE] = BTREE_METADATA;
    }
    page.put_u32(layout.keys, tree.max_key);
    page.put_u32(layout.keys + 4, tree.min_key);
    page.put_u32(layout.flags, flags(tree, version) | if several { SEVERAL } else { 0 });
    page.bytes[layout.uid..layout.uid + 20].copy_from_slice(&out.uid());
    if let Some(records) = layout.records {
        page.put_u32(records, u32::try_from(tree.record_length.unwrap_or(0)).unwrap());
        page.put_u32(records + 4, b' '.into());
    }
    if let Some(offset) = layout.root {
        page.put_u32(offset, root);
    }
    if number == 0 {
        page.put_u32(layout.free, out.write_free_list()?);
    }
    if let Some(offset) = layout.last_page {
        // On the pages of further databases it is what it was when they were made.
        page.put_u32(offset, if number == 0 { out.pages() - 1 } else { number });
    }
    out.put(number, &page.bytes)
}

fn flags(tree: &Tree, version: u32) -> u32 {
    let sorted = tree.duplicates == Duplicates::Sorted && version > 7;
    let flags = [
        (DUP, tree.duplicates != Duplicates::None),
        (RECNO, tree.recno),
        (RECNUM, tree.recnum),
        (FIXED_LENGTH, tree.record_length.is_some()),
        (RENUMBER, tree.renumber),
        (SORTED, sorted),
    ];
    flags.iter().filter(|(_, set)| *set).map(|(flag, _)| flag).sum()
}
