//! Applying a journal and rolling it back: steps A1 to E2 and B0 to B5 (upgrade,
//! "Steps").

use std::io::ErrorKind;
use std::path::Path;

use super::change::{Entry, Journal, Kind, Stage};
use super::disk::{Contents, Disk, DiskFile};
use super::error::{BoxError, JournalError, at};
use super::format::{Ending, RECORD, Record};
use super::names::{Head, discard, long};
use super::plan::{Facts, Form};
use super::read::{self, Found, Unread};
use super::window::{CHUNK, Window};
use crate::types::PageNo;

/// The images of a page, and how it stands in the file.
pub(super) struct Sight<'a> {
    /// The image before; `None` for an appended page.
    pub(super) before: Option<&'a [u8]>,
    /// The image after; `None` for a page that is cut off.
    pub(super) after: Option<&'a [u8]>,
    /// The page in the file; `None` if the file ends before.
    pub(super) found: Option<&'a [u8]>,
}

impl<D: Disk> Journal<'_, D> {
    /// What the journal says about the change as a whole.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.header.facts
    }

    /// Name of the database file, without symbolic links.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The first 512 bytes of page 0 as they are to be.
    #[must_use]
    pub fn page_zero(&self) -> &[u8; 512] {
        &self.heads.after
    }

    /// Does all that is left to do, and removes the journal: applies the change, reads it
    /// back, lets `validate` see the file [as it will be](Self::preview), and publishes it.
    /// If anything of this fails, rolls back.
    ///
    /// # Errors
    ///
    /// [`JournalError::RolledBack`] with the reason: the file is as before. Only if the
    /// disk fails again while rolling back is it [`JournalError::Unsettled`]: the journal
    /// is still there, and a later run can go on. [`JournalError::NotRemoved`]: the file
    /// is new.
    pub fn run(
        self,
        mut validate: impl FnMut(&Contents, &Facts) -> Result<(), BoxError>,
    ) -> Result<(), JournalError> {
        self.carry_out(|form, contents, facts| match form {
            Form::New => validate(contents, facts),
            Form::Old => Ok(()), // this run read it
        })
    }

    /// The same, of whatever run the journal is. Before the old file is brought back, `check`
    /// sees what that is.
    pub(super) fn carry_out(
        mut self,
        mut check: impl FnMut(Form, &Contents, &Facts) -> Result<(), BoxError>,
    ) -> Result<(), JournalError> {
        match self.make_new(&mut check) {
            Ok(()) => self.end(),
            Err(cause) => Err(self.give_up(cause, check)),
        }
    }

    /// Steps A1 to A4, as far as they are not done.
    fn make_new(
        &mut self,
        check: &mut impl FnMut(Form, &Contents, &Facts) -> Result<(), BoxError>,
    ) -> Result<(), JournalError> {
        let validate = |contents: &Contents, facts: &Facts| check(Form::New, contents, facts);
        if self.stage == Stage::Published {
            self.validate(validate)?;
        } else {
            self.prepare(validate)?;
            self.publish()?;
        }
        self.still_there()
    }

    /// Refuses a file that lost its name to another while it was changed: whoever opens the
    /// name would not find what was done.
    pub(super) fn still_there(&self) -> Result<(), JournalError> {
        let own = self.file.identity().map_err(at(&self.path, "asking for its identity"))?;
        match self.disk.identity(&self.path) {
            Ok(found) if found == own => Ok(()),
            Ok(_) => Err(JournalError::Replaced { path: self.path.clone() }),
            Err(error) => Err(at(&self.path, "looking for it")(error)),
        }
    }

    /// Steps A1 to A3. Pages are read back and validated while they are on their way to the
    /// medium; this ends when they are there.
    pub(super) fn prepare(
        &mut self,
        validate: impl FnOnce(&Contents, &Facts) -> Result<(), BoxError>,
    ) -> Result<(), JournalError> {
        self.write_pages()?;
        self.read_back()?;
        self.validate(validate)?;
        self.settle_pages()
    }

    /// Lets the caller have a look at the new file.
    pub(super) fn validate(
        &self,
        validate: impl FnOnce(&Contents, &Facts) -> Result<(), BoxError>,
    ) -> Result<(), JournalError> {
        validate(&self.preview()?, self.facts())
            .map_err(|source| JournalError::Invalid { path: self.path.clone(), cause: source })
    }

    /// Checks that the journal holds the old file, if that is to be written.
    pub(super) fn prove(
        &self,
        mut check: impl FnMut(Form, &Contents, &Facts) -> Result<(), BoxError>,
    ) -> Result<(), JournalError> {
        if self.own || matches!(self.stage, Stage::Committed | Stage::Restored | Stage::Ended(_)) {
            return Ok(());
        }
        check(Form::Old, &self.old()?, self.facts())
            .map_err(|source| JournalError::NotOld { path: self.path.clone(), cause: source })
    }

    /// The bytes of the old file, in memory of the size of the changes where the file is mapped.
    fn old(&self) -> Result<Contents, JournalError> {
        let mut contents = self.file.contents().map_err(at(&self.path, "reading"))?;
        contents.resize(self.header.len_before);
        let mut images = Images::of(self)?;
        for entry in self.entries.iter().filter(|entry| entry.kind != Kind::Appended) {
            let before = images.get(entry)?.before;
            contents.lay_over(self.offset(entry.page), before.unwrap_or_default());
        }
        contents.lay_over(0, &self.heads.before);
        Ok(contents)
    }

    /// Rolls back if that makes the old file, and says why and with what success.
    fn give_up(
        &mut self,
        cause: JournalError,
        check: impl FnMut(Form, &Contents, &Facts) -> Result<(), BoxError>,
    ) -> JournalError {
        let (path, cause) = (self.path.clone(), Box::new(cause));
        match self.prove(check).and_then(|()| self.roll_back()) {
            Ok(()) => JournalError::RolledBack { path, cause },
            Err(then) => JournalError::Unsettled { path, cause, then: Box::new(then) },
        }
    }

    /// Steps A1 and A2: poisons page 0, then writes all other pages. A change of page 0
    /// alone leaves nothing to do here.
    ///
    /// # Errors
    ///
    /// Those of the file system, or the journal is damaged: [roll back](Self::roll_back).
    pub fn apply(&mut self) -> Result<(), JournalError> {
        self.write_pages()?;
        self.settle_pages()
    }

    /// Steps A1 and A2 but for the sync at their end.
    fn write_pages(&mut self) -> Result<(), JournalError> {
        self.expect("applying the change", &[Stage::Committed, Stage::Applying])?;
        if self.entries.is_empty() {
            return Ok(());
        }
        let grows = self.header.len_after.saturating_sub(self.header.len_before);
        self.file
            .reserve(self.header.len_before, grows, false)
            .map_err(at(&self.path, "reserving disk space"))?;
        self.stage = Stage::Applying;
        self.poison()?;
        self.put(true)
    }

    /// The end of step A2: the pages last. A file that becomes shorter is cut now, when all
    /// that could be checked was checked: until here its old pages are in their place.
    fn settle_pages(&mut self) -> Result<(), JournalError> {
        if !self.entries.is_empty() {
            if self.shrinks() {
                self.file.set_size(self.header.len_after).map_err(at(&self.path, "cutting"))?;
            }
            self.sync()?;
        }
        self.stage = Stage::Applied;
        Ok(())
    }

    /// Checks that the pages read back from the file are those that were to be written
    /// (upgrade, "Validation", 3).
    ///
    /// # Errors
    ///
    /// [`JournalError::ReadBack`], [`JournalError::Length`], and those of the file system.
    pub fn read_back(&self) -> Result<(), JournalError> {
        let (found, expected) = (self.size()?, self.header.len_after);
        // An earlier run may have cut the file already.
        let uncut = self.shrinks() && self.stage != Stage::Applied && found == self.header.len_before;
        if found != expected && !uncut {
            return Err(JournalError::Length { path: self.path.clone(), found, expected });
        }
        self.look(|page, sight| {
            let (Some(after), found) = (sight.after, sight.found.unwrap_or_default()) else { return Ok(()) };
            if found == after {
                return Ok(());
            }
            let offset = found.iter().zip(after).take_while(|(found, after)| found == after).count();
            Err(JournalError::ReadBack { path: self.path.clone(), page, offset })
        })
    }

    /// The bytes of the file as they are, with the new page 0 laid over them in memory:
    /// between [`apply`](Self::apply) and [`publish`](Self::publish), the new file. Drop
    /// them before going on.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn preview(&self) -> Result<Contents, JournalError> {
        let mut contents = self.file.contents().map_err(at(&self.path, "reading"))?;
        contents.resize(self.header.len_after.min(long(contents.len())));
        contents.lay_over(0, &self.heads.after);
        Ok(contents)
    }

    /// Step A4: writes page 0 of the new file, which is complete with it.
    ///
    /// # Errors
    ///
    /// Those of the file system: [roll back](Self::roll_back).
    pub fn publish(&mut self) -> Result<(), JournalError> {
        self.expect("publishing the change", &[Stage::Applied, Stage::Publishing])?;
        self.stage = Stage::Publishing;
        self.put_head(&self.heads.after)?;
        self.sync()?;
        self.stage = Stage::Published;
        Ok(())
    }

    /// Steps E1 and E2: puts the end on record, then removes the journal. There is no way
    /// back from here.
    ///
    /// # Errors
    ///
    /// [`JournalError::NotRemoved`]: the file is new all the same, and a later run will
    /// remove the journal.
    pub fn end(&mut self) -> Result<(), JournalError> {
        self.expect("ending the change", &[Stage::Published, Stage::Ended(Ending::Completed)])?;
        self.close(Ending::Completed)
    }

    /// Steps A4, E1 and E2.
    ///
    /// # Errors
    ///
    /// Those of [`publish`](Self::publish) and [`end`](Self::end).
    pub fn finish(&mut self) -> Result<(), JournalError> {
        self.publish()?;
        self.end()
    }

    /// Makes the file what it was before and removes the journal: steps B0 to B5, at any
    /// time before [`end`](Self::end). May be tried again if it fails.
    ///
    /// # Errors
    ///
    /// [`JournalError::TooLate`]; [`JournalError::NotRemoved`] if only the journal is left
    /// to be removed; those of the file system.
    pub fn roll_back(&mut self) -> Result<(), JournalError> {
        match self.stage {
            Stage::Ended(Ending::Completed) => {
                return Err(JournalError::TooLate { path: self.path.clone() });
            }
            Stage::Committed | Stage::Restored | Stage::Ended(Ending::RolledBack) => {}
            _ => self.restore()?,
        }
        self.close(Ending::RolledBack)
    }

    /// Step B0: puts on record that the change is to be rolled back.
    pub(super) fn intend(&mut self) -> Result<(), JournalError> {
        if !self.rolling {
            self.record(Record::RollBack)?;
            self.rolling = true;
        }
        Ok(())
    }

    /// Steps B0 to B4.
    fn restore(&mut self) -> Result<(), JournalError> {
        self.stage = Stage::RollingBack;
        self.intend()?;
        if self.header.poison {
            self.poison()?;
            self.put(false)?;
            self.sync()?;
            self.file.set_size(self.header.len_before).map_err(at(&self.path, "cutting"))?;
            self.sync()?;
        }
        self.put_head(&self.heads.before)?;
        self.sync()?;
        self.stage = Stage::Restored;
        Ok(())
    }

    /// Puts the end on record and removes the journal: steps E1 and E2, or B5.
    pub(super) fn close(&mut self, ending: Ending) -> Result<(), JournalError> {
        self.stage = Stage::Ended(ending);
        let closed = self.record(Record::Done(ending)).and_then(|()| discard(self.disk, &self.name));
        closed.map_err(|cause| JournalError::NotRemoved {
            path: self.path.clone(),
            state: match ending {
                Ending::Completed => "complete",
                Ending::RolledBack => "as before",
            },
            cause: Box::new(cause),
        })
    }

    /// Appends a record and makes it last.
    fn record(&self, record: Record) -> Result<(), JournalError> {
        let behind = if self.rolling { long(RECORD) } else { 0 };
        self.store
            .write_at(self.tail.saturating_add(behind), &record.encode(self.header.id))
            .map_err(at(&self.name, "writing"))?;
        self.store.sync_all().map_err(at(&self.name, "syncing"))
    }

    /// Poisons page 0, and makes that last before any other page is written.
    fn poison(&self) -> Result<(), JournalError> {
        self.put_head(&self.heads.poison)?;
        self.file.sync_data().map_err(at(&self.path, "syncing"))
    }

    pub(super) fn put_head(&self, head: &Head) -> Result<(), JournalError> {
        self.file.write_at(0, head).map_err(at(&self.path, "writing page 0"))
    }

    pub(super) fn sync(&self) -> Result<(), JournalError> {
        self.file.sync_all().map_err(at(&self.path, "syncing"))
    }

    pub(super) fn size(&self) -> Result<u64, JournalError> {
        self.file.size().map_err(at(&self.path, "asking for its length"))
    }

    /// Writes the images after, or those before, of all pages but page 0; neighbours
    /// together.
    fn put(&self, after: bool) -> Result<(), JournalError> {
        let mut images = Images::of(self)?;
        let mut run: Vec<u8> = Vec::new();
        let mut start = 0_u64;
        let write = |start, run: &[u8]| {
            self.file.write_at(start, run).map_err(at(&self.path, "writing pages"))?;
            self.file.begin_sync(start, long(run.len()));
            Ok(())
        };
        let other = if after { Kind::Cut } else { Kind::Appended };
        for entry in self.entries.iter().filter(|entry| entry.kind != other) {
            let offset = self.offset(entry.page);
            let neighbour = start.saturating_add(long(run.len())) == offset;
            if !run.is_empty() && (!neighbour || run.len() >= CHUNK) {
                write(start, &run)?;
                run.clear();
            }
            if run.is_empty() {
                start = offset;
            }
            let image = images.get(entry)?;
            run.extend_from_slice(if after { image.after } else { image.before }.unwrap_or_default());
        }
        if run.is_empty() { Ok(()) } else { write(start, &run) }
    }

    /// Shows every page but page 0 beside its images.
    pub(super) fn look(
        &self,
        mut show: impl FnMut(PageNo, Sight<'_>) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        let mut images = Images::of(self)?;
        let mut pages = Window::new(self.file).map_err(at(&self.path, "reading"))?;
        let size = self.facts().page_size.bytes();
        for entry in &self.entries {
            let Found { before, after, .. } = images.get(entry)?;
            let found = pages.get(self.offset(entry.page), size).map_err(at(&self.path, "reading"))?;
            show(entry.page, Sight { before, after, found })?;
        }
        Ok(())
    }

    /// Whether the file becomes shorter.
    pub(super) fn shrinks(&self) -> bool {
        self.header.len_after < self.header.len_before
    }

    /// Offset of a page in the file, in bytes.
    fn offset(&self, page: PageNo) -> u64 {
        u64::from(page.0).saturating_mul(self.facts().page_size.get().into())
    }

    /// Refuses a step that does not come next.
    fn expect(&self, step: &'static str, stages: &[Stage]) -> Result<(), JournalError> {
        if stages.contains(&self.stage) {
            Ok(())
        } else {
            Err(JournalError::OutOfOrder { path: self.path.clone(), step })
        }
    }
}

/// The images of a journal, read back.
struct Images<'j, F> {
    name: &'j Path,
    id: u64,
    page_size: usize,
    window: Window<'j, F>,
    /// Room for an image that is made of parts.
    image: Vec<u8>,
}

impl<'j, F: DiskFile> Images<'j, F> {
    fn of<D: Disk<File = F>>(journal: &'j Journal<'_, D>) -> Result<Images<'j, F>, JournalError> {
        Ok(Images {
            name: &journal.name,
            id: journal.header.id,
            page_size: journal.facts().page_size.bytes(),
            window: Window::new(&journal.store).map_err(at(&journal.name, "reading"))?,
            image: Vec::new(),
        })
    }

    /// The images of a page, before and after. Their CRCs are checked once more.
    fn get(&mut self, entry: &Entry) -> Result<Found<'_>, JournalError> {
        match read::entry(&mut self.window, entry.at, self.id, self.page_size, &mut self.image) {
            Ok(Some(found)) => Ok(found),
            Ok(None) => Err(at(self.name, "reading")(ErrorKind::UnexpectedEof.into())),
            Err(Unread::Io(error)) => Err(at(self.name, "reading")(error)),
            Err(Unread::Flaw(flaw)) => Err(JournalError::damaged(self.name, flaw)),
        }
    }
}
