//! Reading a journal that an earlier run left behind. Nothing in it is trusted.

use std::path::PathBuf;

use super::change::{Entry, Heads, Journal, Kind, Stage, arrange};
use super::disk::{Disk, DiskFile};
use super::error::{Flaw, JournalError, at};
use super::format::{ENTRY, EntryHead, HEADER, Header, Images, RECORD, Record};
use super::names::long;
use super::parts;
use super::window::Window;
use crate::types::PageNo;

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
                own: false,
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
        let mut image = Vec::new();
        let mut offset = long(HEADER);
        for number in 0..header.entries {
            let missing = cut(offset, "number of whole entries");
            let found = entry(&mut window, offset, header.id, size, &mut image)?.ok_or(missing)?;
            let Found { head, before, after, len } = found;
            expect(offset, "number of the entry", head.number.into(), number.into())?;
            let last = number.saturating_add(1) == header.entries;
            if last {
                expect(offset, "page of the last entry", head.page.0.into(), 0)?;
                let order = header.facts.source_order;
                heads = before.zip(after).and_then(|(before, after)| Heads::of(before, after, order));
            } else if let Some(kind) = Kind::of(before.is_some(), after.is_some()) {
                entries.push(Entry { page: head.page, kind, at: offset });
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

/// An entry, with all its CRCs checked.
pub(super) struct Found<'a> {
    head: EntryHead,
    /// The image before; an appended page has none.
    pub(super) before: Option<&'a [u8]>,
    /// The image after; a page that is cut off has none.
    pub(super) after: Option<&'a [u8]>,
    /// Length of the entry, in bytes.
    len: usize,
}

/// The entry at an offset of the journal with this id; `None` if the journal ends before
/// its end. Where the image after stands in parts, it is made in `image`.
pub(super) fn entry<'w, F: DiskFile>(
    window: &'w mut Window<'_, F>,
    offset: u64,
    id: u64,
    page_size: usize,
    image: &'w mut Vec<u8>,
) -> Result<Option<Found<'w>>, Unread> {
    let flaw = |what, found: u64, expected: u64| Flaw { offset, what, found, expected, whole: false };
    let Some(bytes) = window.get(offset, ENTRY)? else { return Ok(None) };
    let head = EntryHead::parse(bytes, id).ok_or(flaw("number of valid entry heads", 0, 1))?;
    let (before_len, mut after_len) = match head.images {
        Images::Both { .. } => (page_size, page_size),
        Images::After => (0, page_size),
        Images::Before { .. } => (page_size, 0),
        Images::Parts { .. } => (page_size, parts::LENGTH),
    };
    let start = ENTRY.saturating_add(before_len);
    if let Images::Parts { .. } = head.images {
        let Some(bytes) = window.get(offset.saturating_add(long(start)), after_len)? else { return Ok(None) };
        after_len = parts::length(bytes, page_size).ok_or(flaw("number of parts that fit a page", 0, 1))?;
    }
    let len = start.saturating_add(after_len);
    let Some(bytes) = window.get(offset, len)? else { return Ok(None) };
    let images = bytes.get(ENTRY..).unwrap_or_default();
    let (before, mut after) = images.split_at_checked(before_len).unwrap_or_default();
    let check = |image: &[u8], crc: u32| {
        let found = crc32fast::hash(image);
        if found == crc { Ok(()) } else { Err(flaw("CRC of a page image", found.into(), crc.into())) }
    };
    if let Images::Both { before: crc } | Images::Parts { before: crc } | Images::Before { before: crc } =
        head.images
    {
        check(before, crc)?;
    }
    if let Images::Parts { .. } = head.images {
        image.clear();
        image.extend_from_slice(before);
        parts::apply(after, image).ok_or(flaw("number of parts that lie in the page", 0, 1))?;
        after = image;
    }
    let after = Some(after).filter(|_| !matches!(head.images, Images::Before { .. }));
    after.map_or(Ok(()), |after| check(after, head.after))?;
    let before = Some(before).filter(|_| head.images != Images::After);
    Ok(Some(Found { head, before, after, len }))
}

fn illegal(offset: u64, what: &'static str, found: u64, expected: u64) -> Flaw {
    Flaw { offset, what, found, expected, whole: true }
}

fn expect(offset: u64, what: &'static str, found: u64, expected: u64) -> Result<(), Flaw> {
    if found == expected { Ok(()) } else { Err(illegal(offset, what, found, expected)) }
}
