//! Several files changed as one unit (upgrade, "Several files").
//!
//! All files are put on record before one is touched. No file is published before all are
//! written, and no journal is removed before it is on record that all are published. So a
//! later run can always make all files new, or all of them old, whichever of them it is given.

use std::path::{Path, PathBuf};

use super::change::{Journal, Stage};
use super::disk::{Contents, Disk, DiskFile};
use super::error::LeftoverState::{
    Damaged, Foreign, HalfWritten, Outdated, RollingBack, Superseded, TornHead, Unproven, Untouched,
};
use super::error::{BoxError, JournalError, LeftoverState, at};
use super::format::Ending;
use super::leftover::{Leftover, Outcome};
use super::plan::{Estimate, Facts, Form, PageChange};
use super::record::{self, Record, Unwritten};
use super::set_format::{Say, StepKind};
use super::steps::Steps;

/// Files that are changed as one unit: all are new in the end, or all are as before.
#[derive(Debug)]
pub struct Set<'d, D: Disk> {
    disk: &'d D,
    directory: PathBuf,
    journals: Vec<Journal<'d, D>>,
    /// What happens to other files of the directory.
    steps: Steps,
    /// Whether the members are on record.
    recorded: bool,
}

impl<'d, D: Disk> Set<'d, D> {
    /// An empty set, which goes on record in this directory.
    ///
    /// # Errors
    ///
    /// [`JournalError::Exists`] if one is on record: see [`SetLeftover`].
    /// [`JournalError::NotOurs`], [`JournalError::Strange`] or [`JournalError::Io`] if
    /// something else has the name of such a record. Those of the file system.
    pub fn new(disk: &'d D, directory: &Path) -> Result<Self, JournalError> {
        let directory = disk.resolve(directory).map_err(at(directory, "resolving"))?;
        for say in [Say::Members, Say::Published] {
            if record::read(disk, &directory, say, None)?.not_foreign()?.is_there() {
                return Err(JournalError::Exists { path: record::place(&directory, say) });
            }
        }
        Ok(Set { disk, directory, journals: Vec::new(), steps: Steps::default(), recorded: false })
    }

    /// Writes the journal of one file: [`Journal::write`]. No file is touched before
    /// [`run`](Self::run).
    ///
    /// # Errors
    ///
    /// Those of [`Journal::write`]. The set can go on without this file, or be
    /// [rolled back](Self::roll_back).
    pub fn write<'p, E: Into<BoxError>>(
        &mut self,
        file: &'d D::File,
        path: &Path,
        facts: &Facts,
        estimate: Estimate,
        changes: impl IntoIterator<Item = Result<PageChange<'p>, E>>,
    ) -> Result<(), JournalError> {
        let journal = Journal::write_as(self.disk, file, path, facts, estimate, changes, true)?;
        self.journals.push(journal);
        Ok(())
    }

    /// Lets a new file of the directory get its name together with the set: one that was written
    /// under the name of a draft, and that is removed if the set is rolled back.
    ///
    /// # Errors
    ///
    /// [`JournalError::Taken`], if something has the name; [`JournalError::Step`], if one of the
    /// names is outside of the directory or occurs in another step; those of the file system.
    pub fn make(&mut self, draft: &Path, path: &Path) -> Result<(), JournalError> {
        let written = self.disk.open(draft).and_then(|file| file.sync_all());
        written.map_err(at(draft, "syncing"))?;
        self.steps.add(self.disk, &self.directory, StepKind::Make, draft, Some(path))
    }

    /// Lets a new file take the place of one of the directory together with the set: one that was
    /// written under the name of a draft, and that is removed if the set is rolled back.
    ///
    /// # Errors
    ///
    /// As [`make`](Self::make), but that the name is one that a file has.
    pub fn replace(&mut self, draft: &Path, path: &Path) -> Result<(), JournalError> {
        let written = self.disk.open(draft).and_then(|file| file.sync_all());
        written.map_err(at(draft, "syncing"))?;
        self.steps.add(self.disk, &self.directory, StepKind::Replace, draft, Some(path))
    }

    /// Gives a file of the directory another name together with the set.
    ///
    /// # Errors
    ///
    /// As [`make`](Self::make).
    pub fn rename(&mut self, path: &Path, to: &Path) -> Result<(), JournalError> {
        self.steps.add(self.disk, &self.directory, StepKind::Rename, path, Some(to))
    }

    /// Removes a file of the directory together with the set.
    ///
    /// # Errors
    ///
    /// As [`make`](Self::make).
    pub fn remove(&mut self, path: &Path) -> Result<(), JournalError> {
        self.steps.add(self.disk, &self.directory, StepKind::Remove, path, None)
    }

    /// Changes all files and removes all journals. `validate` sees every file with its path
    /// as it will be. If anything fails before all files are published, all are rolled
    /// back.
    ///
    /// # Errors
    ///
    /// [`JournalError::RolledBack`]: all files are as before. [`JournalError::Unsettled`]:
    /// a later run must make them so, or all of them new. [`JournalError::NotRemoved`]: all
    /// files are new.
    pub fn run(
        mut self,
        mut validate: impl FnMut(&Path, &Contents, &Facts) -> Result<(), BoxError>,
    ) -> Result<(), JournalError> {
        if self.journals.is_empty() && self.steps == Steps::default() {
            return Ok(());
        }
        match self.record(Say::Members) {
            Ok(()) => self.recorded = true,
            // No file is touched yet: without a record of them, all are as they were.
            Err(unwritten) => return Err(self.give_up(*unwritten.cause, |_, _, _, _| Ok(()))),
        }
        self.carry_out(|path, form, contents, facts| match form {
            Form::New => validate(path, contents, facts),
            Form::Old => Ok(()), // this run read it
        })
    }

    /// Makes all files what they were before, and removes their journals.
    ///
    /// # Errors
    ///
    /// Those of the file system; a later run goes on.
    pub fn roll_back(mut self) -> Result<(), JournalError> {
        self.restore()
    }

    /// All that is left to do once the members are on record.
    fn carry_out(
        &mut self,
        mut check: impl FnMut(&Path, Form, &Contents, &Facts) -> Result<(), BoxError>,
    ) -> Result<(), JournalError> {
        if let Err(cause) = self.publish(&mut check) {
            return Err(self.give_up(cause, check));
        }
        if let Err(Unwritten { cause, removed }) = self.record(Say::Published) {
            return Err(match removed {
                Ok(()) => self.give_up(*cause, check),
                Err(then) => self.unsettled(*cause, *then),
            });
        }
        self.end()
    }

    /// Steps A1 to A4 of all files.
    fn publish(
        &mut self,
        check: &mut impl FnMut(&Path, Form, &Contents, &Facts) -> Result<(), BoxError>,
    ) -> Result<(), JournalError> {
        for journal in &mut self.journals {
            let path = journal.path.clone();
            let validate = |contents: &Contents, facts: &Facts| check(&path, Form::New, contents, facts);
            match journal.stage {
                Stage::Ended(_) => {}
                Stage::Published => journal.validate(validate)?,
                _ => journal.prepare(validate)?,
            }
        }
        let open = |stage| matches!(stage, Stage::Applied | Stage::Publishing);
        self.journals.iter_mut().filter(|journal| open(journal.stage)).try_for_each(Journal::publish)?;
        self.journals.iter().try_for_each(Journal::still_there)?;
        self.steps.check(self.disk, &self.directory)
    }

    /// Puts something on record about all files.
    fn record(&self, say: Say) -> Result<(), Unwritten> {
        let members = self.journals.iter().map(|journal| {
            let name = journal.path.strip_prefix(&self.directory).unwrap_or(&journal.path);
            (journal.header.id, name.as_os_str().as_encoded_bytes())
        });
        record::write(self.disk, &self.directory, say, members, &self.steps)
    }

    /// What happens to other files, then steps E1 and E2 of all, then the records go: the one
    /// that says that all files are new is the last.
    fn end(&mut self) -> Result<(), JournalError> {
        self.steps.take(self.disk, &self.directory).map_err(|cause| JournalError::Unnamed {
            path: self.directory.clone(),
            cause: Box::new(cause),
        })?;
        // The record must outlive all journals, but one that stays holds up no other.
        let ended: Vec<_> =
            self.journals.iter_mut().map(|journal| journal.close(Ending::Completed)).collect();
        ended.into_iter().collect::<Result<(), _>>()?;
        let members = if self.recorded { self.forget(Say::Members) } else { Ok(()) };
        members.and_then(|()| self.forget(Say::Published)).map_err(|cause| JournalError::NotRemoved {
            path: self.directory.clone(),
            state: "complete",
            cause: Box::new(cause),
        })
    }

    fn forget(&self, say: Say) -> Result<(), JournalError> {
        record::remove(self.disk, &self.directory, say)
    }

    /// Rolls all files back if what that would make of them is right, and says why and with what
    /// success.
    fn give_up(
        &mut self,
        cause: JournalError,
        mut check: impl FnMut(&Path, Form, &Contents, &Facts) -> Result<(), BoxError>,
    ) -> JournalError {
        match self.prove(&mut check).and_then(|()| self.restore()) {
            Ok(()) => JournalError::RolledBack { path: self.directory.clone(), cause: Box::new(cause) },
            Err(then) => self.unsettled(cause, then),
        }
    }

    /// Checks that the journals hold the old files: of all of them before one is written.
    fn prove(
        &self,
        check: &mut impl FnMut(&Path, Form, &Contents, &Facts) -> Result<(), BoxError>,
    ) -> Result<(), JournalError> {
        self.journals.iter().try_for_each(|journal| {
            journal.prove(|form, contents, facts| check(&journal.path, form, contents, facts))
        })
    }

    fn unsettled(&self, cause: JournalError, then: JournalError) -> JournalError {
        let path = self.directory.clone();
        JournalError::Unsettled { path, cause: Box::new(cause), then: Box::new(then) }
    }

    /// Steps B0 to B5 of all files. The intent is on record for all before the first
    /// is old again: else a later run would redo those without it.
    fn restore(&mut self) -> Result<(), JournalError> {
        if let Some(used) =
            self.journals.iter().find(|journal| journal.stage == Stage::Ended(Ending::Completed))
        {
            return Err(JournalError::TooLate { path: used.path.clone() });
        }
        if self.journals.iter().any(|journal| journal.stage != Stage::Committed) {
            self.journals.iter_mut().try_for_each(Journal::intend)?;
        }
        let restored: Vec<_> = self.journals.iter_mut().map(Journal::roll_back).collect();
        restored.into_iter().collect::<Result<(), _>>()?;
        self.steps.discard(self.disk, &self.directory)?;
        if self.recorded { self.forget(Say::Members) } else { Ok(()) }
    }
}

/// A set of files that an earlier run left behind.
#[derive(Debug)]
pub struct SetLeftover<'d, D: Disk> {
    disk: &'d D,
    directory: PathBuf,
    /// Which files are of the set.
    on_record: Record,
    /// Those that are published: all of a set.
    published: Record,
    members: Vec<Leftover<'d, D>>,
}

impl<'d, D: Disk> SetLeftover<'d, D> {
    /// Puts together what an earlier run left behind of a set: its records in the directory,
    /// and the leftovers of all files of the set, as far as they have any
    /// ([`Leftover::one_of_set`]). `None` if there is nothing.
    ///
    /// # Errors
    ///
    /// [`JournalError::NotOfSet`] for a leftover that is none of a set;
    /// [`JournalError::NotOurs`], [`JournalError::Strange`] or [`JournalError::Io`] if there
    /// are leftovers, and a record that is not to be believed; those of the file system.
    pub fn new(
        disk: &'d D,
        directory: &Path,
        members: Vec<Leftover<'d, D>>,
    ) -> Result<Option<Self>, JournalError> {
        if let Some(other) = members.iter().find(|member| !member.one_of_set()) {
            return Err(JournalError::NotOfSet { path: other.path.clone() });
        }
        let directory = disk.resolve(directory).map_err(at(directory, "resolving"))?;
        let owner = members.iter().find_map(|member| member.journal()).map(|journal| journal.file);
        let mut on_record = record::read(disk, &directory, Say::Members, owner)?;
        let mut published = record::read(disk, &directory, Say::Published, owner)?;
        if !members.is_empty() {
            (on_record, published) = (on_record.not_foreign()?, published.not_foreign()?);
        }
        let found = on_record.is_there() || published.is_there() || !members.is_empty();
        Ok(found.then_some(SetLeftover { disk, directory, on_record, published, members }))
    }

    /// The files in a directory that are on record as those of a set, or as published; `None`
    /// if there is no record.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn on_record(disk: &D, directory: &Path) -> Result<Option<Vec<PathBuf>>, JournalError> {
        let (mut there, mut paths) = (false, Vec::new());
        for say in [Say::Members, Say::Published] {
            let record = record::read(disk, directory, say, None)?;
            there |= record.is_there();
            paths.extend(record.members().iter().filter_map(|member| member.path(directory)));
        }
        paths.sort();
        paths.dedup();
        Ok(there.then_some(paths))
    }

    /// The leftovers of the files.
    #[must_use]
    pub fn members(&self) -> &[Leftover<'d, D>] {
        &self.members
    }

    /// Does what is right without a wish of the user: makes all files new, unless rolling
    /// back had begun or no file was touched yet. Then all are as before. `check` sees every
    /// file with its path, new, or old before it is brought back.
    ///
    /// # Errors
    ///
    /// [`JournalError::Stuck`] if one of the files cannot be dealt with: none is touched. Go
    /// on without it ([`Leftover::apart`]), or restore it. Else as [`Set::run`].
    pub fn resume(
        mut self,
        check: impl FnMut(&Path, Form, &Contents, &Facts) -> Result<(), BoxError>,
    ) -> Result<Outcome, JournalError> {
        let ended = self.end_published()?;
        if self.members.is_empty() {
            return Ok(ended);
        }
        self.refuse(|state| matches!(state, Damaged | Foreign | Unproven | TornHead { .. }))?;
        if self.members.iter().any(|member| member.state == RollingBack) {
            return self.restore(check);
        }
        // No file is touched before all journals are whole, so some may be missing here.
        if self.members.iter().all(|member| matches!(member.state, Untouched | Outdated)) {
            self.members.iter().try_for_each(Leftover::remove)?;
            self.on_record.steps().discard(self.disk, &self.directory)?;
            if self.on_record.is_there() {
                record::remove(self.disk, &self.directory, Say::Members)?;
            }
            return Ok(Outcome::Discarded);
        }
        self.refuse(|state| state == Outdated)?;
        self.into_set()?.carry_out(check).map(|()| Outcome::Completed)
    }

    /// Makes all files what they were before, once `check` has seen what that is.
    /// [`Outcome::Completed`] if they were published already, and only the records were left to
    /// be removed.
    ///
    /// # Errors
    ///
    /// [`JournalError::TooLate`] if all files were published; [`JournalError::Stuck`] if
    /// one of them cannot be rolled back: none is touched. Else as [`Set::roll_back`].
    pub fn roll_back(
        mut self,
        check: impl FnMut(&Path, Form, &Contents, &Facts) -> Result<(), BoxError>,
    ) -> Result<Outcome, JournalError> {
        if let Some(member) = self.members.iter().find(|member| self.is_published(member)) {
            return Err(JournalError::TooLate { path: member.path.clone() });
        }
        self.refuse(|state| {
            matches!(state, Damaged | Foreign | Superseded | Unproven | TornHead { restorable: false })
        })?;
        let ended = self.end_published()?;
        if self.members.is_empty() {
            return Ok(ended);
        }
        self.restore(check)
    }

    fn restore(
        self,
        mut check: impl FnMut(&Path, Form, &Contents, &Facts) -> Result<(), BoxError>,
    ) -> Result<Outcome, JournalError> {
        let set = self.into_set()?;
        set.prove(&mut check)?;
        set.roll_back().map(|()| Outcome::RolledBack)
    }

    /// Refuses to go on with a file in certain states.
    fn refuse(&self, stuck: impl Fn(LeftoverState) -> bool) -> Result<(), JournalError> {
        let member = self.members.iter().find(|member| stuck(member.state));
        member.map_or(Ok(()), |member| Err(member.stuck()))
    }

    fn is_published(&self, member: &Leftover<'d, D>) -> bool {
        let id = member.journal().map(|journal| journal.header.id);
        id.is_some_and(|id| self.published.members().iter().any(|published| published.journal == id))
    }

    /// Whether all that are on record as published are on record as members.
    fn is_of_this_set(&self) -> bool {
        let members = self.on_record.members();
        self.published.members().iter().all(|published| members.contains(published))
    }

    /// Ends what is on record as published; then the records go, unless that of the members is
    /// needed for others. One that is not whole was never relied upon. What became of the set,
    /// if that was all.
    fn end_published(&mut self) -> Result<Outcome, JournalError> {
        let (ended, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.members).into_iter().partition(|member| self.is_published(member));
        self.members = rest;
        let stuck = |state| matches!(state, Damaged | HalfWritten | RollingBack | TornHead { .. });
        if let Some(member) = ended.iter().find(|member| stuck(member.state)) {
            return Err(member.stuck());
        }
        let decided = matches!(self.published, Record::Whole(..));
        if decided {
            record::sync(self.disk, &self.directory, Say::Published)?;
            if self.is_of_this_set() {
                self.on_record.steps().take(self.disk, &self.directory)?;
            }
        }
        for member in ended {
            member.settled()?.close(Ending::Completed)?;
        }
        // What tells whether it was decided goes last.
        if !decided && self.published.is_there() {
            record::remove(self.disk, &self.directory, Say::Published)?;
        }
        if self.members.is_empty() && self.on_record.is_there() {
            if !decided {
                self.on_record.steps().discard(self.disk, &self.directory)?;
            }
            record::remove(self.disk, &self.directory, Say::Members)?;
        }
        if decided {
            record::remove(self.disk, &self.directory, Say::Published)?;
        }
        // The record of the members is the last to go when files were rolled back.
        let old = self.on_record.is_there() && !decided;
        Ok(if old { Outcome::RolledBack } else { Outcome::Completed })
    }

    fn into_set(self) -> Result<Set<'d, D>, JournalError> {
        let journals = self.members.into_iter().map(Leftover::settled).collect::<Result<_, _>>()?;
        let recorded = self.on_record.is_there();
        Ok(Set {
            disk: self.disk,
            directory: self.directory,
            journals,
            steps: self.on_record.steps(),
            recorded,
        })
    }
}
