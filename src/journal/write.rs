//! Writing a journal: steps P2 and P3 (upgrade, "Steps").

use std::io::{self, ErrorKind};
use std::path::Path;

use super::change::{Entry, Heads, Journal, Kind, Stage, arrange};
use super::disk::{Disk, DiskFile};
use super::error::{BoxError, JournalError, at};
use super::format::{ENTRY, EntryHead, HEADER, Header, Images, RECORD, RECORDS, Record};
use super::names::{HEAD, long, random};
use super::parts;
use super::plan::{Estimate, Facts, PageChange, Promise};
use super::window::CHUNK;
use crate::types::PageNo;

/// Disk space asked for beyond what is known to be needed, in bytes.
const MARGIN: u64 = 1 << 20;

impl<'d, D: Disk> Journal<'d, D> {
    /// Writes the journal of a change beside the file and makes it last. The file itself
    /// is not touched.
    ///
    /// `file` is locked, and `path` is its name; `changes` are the pages in any order
    /// but for page 0, which comes last and is there even if it does not change. At most
    /// as many pages are expected as `estimate` says. Memory is taken for page numbers
    /// only.
    ///
    /// # Errors
    ///
    /// [`JournalError::Exists`] if an earlier run must be dealt with first;
    /// [`JournalError::Space`], if not even the least that is needed is there;
    /// [`JournalError::Plan`] if the changes do not fit the file
    /// or each other; [`JournalError::Planning`] with an error of `changes`; those of the
    /// file system. The journal is removed again.
    pub fn write<'p, E: Into<BoxError>>(
        disk: &'d D,
        file: &'d D::File,
        path: &Path,
        facts: &Facts,
        estimate: Estimate,
        changes: impl IntoIterator<Item = Result<PageChange<'p>, E>>,
    ) -> Result<Self, JournalError> {
        Journal::write_as(disk, file, path, facts, estimate, changes, false)
    }

    pub(super) fn write_as<'p, E: Into<BoxError>>(
        disk: &'d D,
        file: &'d D::File,
        path: &Path,
        facts: &Facts,
        estimate: Estimate,
        changes: impl IntoIterator<Item = Result<PageChange<'p>, E>>,
        one_of_set: bool,
    ) -> Result<Self, JournalError> {
        let path = disk.resolve(path).map_err(at(path, "resolving"))?;
        let name = super::name(&path);
        let directory = crate::folder::directory(&path);
        let journal = space(facts, estimate);
        let appended = u64::from(facts.page_size.get()).saturating_mul(estimate.appended);
        let needed = journal.saturating_add(appended).saturating_add(MARGIN);
        let available = disk.free_space(directory).map_err(at(directory, "asking for free space"))?;
        if available < needed {
            return Err(JournalError::Space { path, needed, available });
        }
        let store = disk.create_new(&name).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => JournalError::Exists { path: name.clone() },
            _ => at(&name, "creating")(error),
        })?;
        let draft = Draft { file, path: &path, store: &store, name: &name, facts, one_of_set };
        let written = store
            .reserve(0, journal, true)
            .map_err(at(&name, "reserving disk space"))
            .and_then(|()| draft.write(changes))
            .and_then(|written| {
                store.sync_all().map_err(at(&name, "syncing"))?;
                disk.sync_dir(directory).map_err(at(directory, "syncing"))?;
                Ok(written)
            });
        match written {
            Ok(Written { header, entries, heads, tail }) => Ok(Journal {
                disk,
                file,
                path,
                store,
                name,
                header,
                entries,
                heads,
                tail,
                rolling: false,
                stage: Stage::Committed,
                own: true,
            }),
            Err(error) => {
                // What stays behind is of no effect: a later run removes it.
                let _ = super::names::discard(disk, &name);
                Err(error)
            }
        }
    }
}

/// Bytes that a journal takes at least, with the records that are appended later: the images
/// before, and of those after as little as there may be.
fn space(facts: &Facts, estimate: Estimate) -> u64 {
    let page = u64::from(facts.page_size.get());
    let entry = long(ENTRY);
    let modified =
        estimate.modified.saturating_mul(entry.saturating_add(page).saturating_add(long(parts::LENGTH)));
    let whole = estimate.appended.saturating_add(estimate.cut).saturating_mul(entry.saturating_add(page));
    let records = long(RECORD.saturating_mul(RECORDS));
    long(HEADER).saturating_add(records).saturating_add(modified).saturating_add(whole)
}

/// A journal being written.
struct Draft<'a, F> {
    file: &'a F,
    path: &'a Path,
    store: &'a F,
    name: &'a Path,
    facts: &'a Facts,
    one_of_set: bool,
}

/// What is known once the journal is written.
struct Written {
    header: Header,
    entries: Vec<Entry>,
    heads: Heads,
    tail: u64,
}

impl<F: DiskFile> Draft<'_, F> {
    fn write<'p, E: Into<BoxError>>(
        &self,
        changes: impl IntoIterator<Item = Result<PageChange<'p>, E>>,
    ) -> Result<Written, JournalError> {
        if !self.facts.operation.may(&self.facts.promise) {
            return Err(self.wrong(PageNo::META, "the operation may not promise so little"));
        }
        let id = random();
        let mut out = Appender { store: self.store, start: 0, bytes: vec![0; HEADER] };
        let mut entries = Vec::new();
        let mut heads = None;
        for change in changes {
            let change = change.map_err(|error| JournalError::Planning {
                path: self.path.to_owned(),
                cause: error.into(),
            })?;
            if heads.is_some() {
                return Err(self.wrong(change.page, "it comes after page 0"));
            }
            let number = u32::try_from(entries.len())
                .map_err(|_| self.wrong(change.page, "too many pages are changed"))?;
            let (before, after) = (change.before.as_deref(), change.after.as_deref());
            let size = self.facts.page_size.bytes();
            if before.into_iter().chain(after).any(|image| image.len() != size) {
                return Err(self.wrong(change.page, "an image does not have the size of a page"));
            }
            let kind = Kind::of(before.is_some(), after.is_some())
                .ok_or_else(|| self.wrong(change.page, "it has no image"))?;
            if change.page == PageNo::META {
                heads = Some(self.heads(&change)?);
            } else {
                entries.push(Entry { page: change.page, kind, at: out.end() });
            }
            let parts = before.zip(after).and_then(|(before, after)| parts::encode(before, after));
            let crc = before.map_or(0, crc32fast::hash);
            let images = match kind {
                Kind::Appended => Images::After,
                Kind::Cut => Images::Before { before: crc },
                Kind::Modified if parts.is_some() => Images::Parts { before: crc },
                Kind::Modified => Images::Both { before: crc },
            };
            let head =
                EntryHead { number, page: change.page, images, after: after.map_or(0, crc32fast::hash) };
            let after = parts.as_deref().or(after).unwrap_or_default();
            out.append(&[&head.encode(id), before.unwrap_or_default(), after])
                .map_err(at(self.name, "writing"))?;
        }
        let heads = heads.ok_or_else(|| self.wrong(PageNo::META, "it is missing"))?;
        if let Some(entry) = entries.first().filter(|_| self.facts.promise == Promise::OnlyPageZero) {
            return Err(self.wrong(entry.page, "it changes, but only page 0 was to"));
        }
        let header = self.header(id, &mut entries, &heads)?;
        let commit = Record::Commit { entries: header.entries, offset: out.end() };
        out.append(&[&commit.encode(id)]).map_err(at(self.name, "writing"))?;
        let tail = out.end();
        out.flush().map_err(at(self.name, "writing"))?;
        // What is appended later must not fail for want of space.
        let later = long(RECORD.saturating_mul(RECORDS.saturating_sub(1)));
        self.store.reserve(tail, later, true).map_err(at(self.name, "reserving disk space"))?;
        self.store.write_at(0, &header.encode()).map_err(at(self.name, "writing"))?;
        Ok(Written { header, entries, heads, tail })
    }

    /// What becomes of the start of page 0.
    fn heads(&self, change: &PageChange<'_>) -> Result<Heads, JournalError> {
        let wrong = |what| self.wrong(PageNo::META, what);
        let before = change.before.as_deref().ok_or_else(|| wrong("it cannot be appended"))?;
        let after = change.after.as_deref().ok_or_else(|| wrong("it cannot be cut off"))?;
        if before.get(HEAD..) != after.get(HEAD..) {
            return Err(wrong("it may change in its first 512 bytes only"));
        }
        let heads =
            Heads::of(before, after, self.facts.source_order).ok_or_else(|| wrong("it is too short"))?;
        let mut found = [0; HEAD];
        self.file.read_at(0, &mut found).map_err(at(self.path, "reading"))?;
        if heads.before != found {
            return Err(wrong("its image before is not what the file holds"));
        }
        Ok(heads)
    }

    /// The header, for the entries of all pages but page 0.
    fn header(&self, id: u64, entries: &mut [Entry], heads: &Heads) -> Result<Header, JournalError> {
        let len_before = self.file.size().map_err(at(self.path, "asking for its length"))?;
        let len_after = arrange(entries, len_before, self.facts.page_size)
            .map_err(|(page, what)| self.wrong(page, what))?;
        let poison = !entries.is_empty();
        Ok(Header {
            facts: *self.facts,
            poison,
            one_of_set: self.one_of_set,
            len_before,
            len_after,
            identity: self.file.identity().map_err(at(self.path, "asking for its identity"))?,
            id,
            heads: heads.crcs(poison),
            entries: u32::try_from(entries.len()).unwrap_or(u32::MAX).saturating_add(1),
        })
    }

    fn wrong(&self, page: PageNo, what: &'static str) -> JournalError {
        JournalError::plan(self.path, page, what)
    }
}

/// Writes a file front to back in large pieces.
struct Appender<'f, F> {
    store: &'f F,
    start: u64,
    bytes: Vec<u8>,
}

impl<F: DiskFile> Appender<'_, F> {
    /// Offset at which the next bytes come to stand.
    fn end(&self) -> u64 {
        self.start.saturating_add(long(self.bytes.len()))
    }

    fn append(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
        if self.bytes.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.store.write_at(self.start, &self.bytes)?;
        self.store.begin_sync(self.start, long(self.bytes.len()));
        self.start = self.end();
        self.bytes.clear();
        Ok(())
    }
}
