//! Reading a journal that an earlier run left behind. Nothing in it is trusted.

use std::path::PathBuf;

use super::disk::{Disk, DiskFile};
use super::error::{JournalError, at};
use super::format::{ENTRY, EntryHead, Flaw, HEADER, Header, RECORD, Record};
use super::long;
use super::run::{Entry, Heads, Journal, Stage};
use super::window::Window;
use super::write::arrange;
use crate::types::PageNo;

/// The images of a page: before, which an appended page does not have, and after.
pub(super) type Images<'a> = (Option<&'a [u8]>, &'a [u8]);

/// Everything a journal says, once all its CRCs are checked.
pub(super) struct Reading {
    header: Header,
    entries: Vec<Entry>,
    heads: Heads,
    tail: u64,
    rolling: bool,
    stage: Stage,
}

/// Why a journal could not be read.
pub(super) enum Unread {
    /// The disk failed.
    Io(std::io::Error),
    /// It is not whole, or not legal.
    Flaw(Flaw),
}

impl From<std::io::Error> for Unread {
    fn from(error: std::io::Error) -> Unread {
        Unread::Io(error)
    }
}

impl From<Flaw> for Unread {
    fn from(flaw: Flaw) -> Unread {
        Unread::Flaw(flaw)
    }
}

impl<'d, D: Disk> Journal<'d, D> {
    /// The journal in `store`; or why it is none that may be used.
    pub(super) fn read(
        disk: &'d D,
        file: &'d D::File,
        path: PathBuf,
        store: D::File,
        name: PathBuf,
    ) -> Result<Result<Self, Flaw>, JournalError> {
        match Reading::of(&store) {
            Ok(Reading { header, entries, heads, tail, rolling, stage }) => Ok(Ok(Journal {
                disk,
                file,
                path,
                store,
                name,
                header,
                entries,
                heads,
                tail,
                rolling,
                stage,
            })),
            Err(Unread::Flaw(flaw)) => Ok(Err(flaw)),
            Err(Unread::Io(error)) => Err(at(&name, "reading")(error)),
        }
    }
}

impl Reading {
    fn of(store: &impl DiskFile) -> Result<Reading, Unread> {
        let mut window = Window::new(store)?;
        let cut = |offset, what| Flaw { offset, what, found: 0, expected: 1, whole: false };
        let header = Header::parse(window.get(0, HEADER)?.ok_or(cut(0, "number of whole headers"))?)?;
        let size = header.facts.page_size.bytes();
        let mut entries = Vec::new();
        let mut heads = None;
        let mut offset = long(HEADER);
        for number in 0..header.entries {
            let missing = cut(offset, "number of whole entries");
            let head = head(window.get(offset, ENTRY)?.ok_or(missing)?, header.id, offset)?;
            let images_len = size.saturating_mul(if head.before.is_some() { 2 } else { 1 });
            let len = ENTRY.saturating_add(images_len);
            let bytes = window.get(offset, len)?.ok_or(missing)?;
            let (before, after) = images(bytes, &head, size, offset)?;
            expect(offset, "number of the entry", head.number.into(), number.into())?;
            let last = number.saturating_add(1) == header.entries;
            if last {
                expect(offset, "page of the last entry", head.page.0.into(), 0)?;
                heads = before.and_then(|before| Heads::of(before, after, header.facts.order));
            } else {
                entries.push(Entry { page: head.page, appended: head.before.is_none(), at: offset });
            }
            offset = offset.saturating_add(long(len));
        }
        let commit = Record::Commit { entries: header.entries, offset };
        if record(&mut window, offset, header.id)? != Some(commit) {
            return Err(cut(offset, "number of commit records").into());
        }
        let heads = heads.ok_or(illegal(offset, "number of entries with both images of page 0", 0, 1))?;
        for (found, expected) in header.heads.into_iter().zip(heads.crcs(header.poison)) {
            expect(64, "CRC of page 0", found.into(), expected.into())?;
        }
        let len_after = arrange(&mut entries, header.len_before, header.facts.page_size)
            .map_err(|(PageNo(page), what)| illegal(0, what, page.into(), 0))?;
        expect(32, "length of the file after", header.len_after, len_after)?;
        let tail = offset.saturating_add(long(RECORD));
        let mut record = |at| record(&mut window, at, header.id);
        let first = record(tail)?;
        let rolling = first == Some(Record::RollBack);
        let end = if rolling { record(tail.saturating_add(long(RECORD)))? } else { first };
        let stage = match end {
            Some(Record::Done(ending)) => Stage::Ended(ending),
            _ => Stage::Committed,
        };
        Ok(Reading { header, entries, heads, tail, rolling, stage })
    }
}

/// The record at an offset of the journal, if there is one.
fn record<F: DiskFile>(window: &mut Window<'_, F>, offset: u64, id: u64) -> std::io::Result<Option<Record>> {
    Ok(window.get(offset, RECORD)?.and_then(|bytes| Record::parse(bytes, id)))
}

/// The head at the start of an entry.
pub(super) fn head(entry: &[u8], id: u64, offset: u64) -> Result<EntryHead, Flaw> {
    entry.get(..ENTRY).and_then(|head| EntryHead::parse(head, id)).ok_or(Flaw {
        offset,
        what: "number of valid entry heads",
        found: 0,
        expected: 1,
        whole: false,
    })
}

/// The images of an entry, which is given as a whole, with their CRCs checked.
pub(super) fn images<'a>(
    entry: &'a [u8],
    head: &EntryHead,
    page_size: usize,
    offset: u64,
) -> Result<Images<'a>, Flaw> {
    let images = entry.get(ENTRY..).unwrap_or_default();
    let (before, after) = match head.before {
        Some(_) => images.split_at_checked(page_size).unwrap_or_default(),
        None => (Default::default(), images),
    };
    for (image, crc) in [(before, head.before.unwrap_or(0)), (after, head.after)] {
        let found = crc32fast::hash(image);
        if found != crc {
            let (found, expected) = (found.into(), crc.into());
            return Err(Flaw { offset, what: "CRC of a page image", found, expected, whole: false });
        }
    }
    Ok((head.before.map(|_| before), after))
}

fn illegal(offset: u64, what: &'static str, found: u64, expected: u64) -> Flaw {
    Flaw { offset, what, found, expected, whole: true }
}

fn expect(offset: u64, what: &'static str, found: u64, expected: u64) -> Result<(), Flaw> {
    if found == expected { Ok(()) } else { Err(illegal(offset, what, found, expected)) }
}
