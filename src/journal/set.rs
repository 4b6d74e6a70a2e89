//! Several files changed as one unit (upgrade, "Several files").
//!
//! No file is published before all are written, and no journal is removed before a
//! set file says that all are published. So a later run can always make all files new,
//! or all of them old.

use std::path::{Path, PathBuf};

use super::discard;
use super::disk::{Contents, Disk, DiskFile};
use super::error::{BoxError, JournalError, at};
use super::format::{self, Ending};
use super::leftover::LeftoverState::{
    Damaged, Foreign, HalfWritten, Outdated, RollingBack, Superseded, TornHead, Untouched,
};
use super::leftover::{Leftover, LeftoverState, Outcome};
use super::plan::{Estimate, Facts, PageChange};
use super::run::{Journal, Stage};

/// Name of the set file.
pub(crate) const NAME: &str = "bdbkit-set.done";
/// Longest set file that is read, in bytes.
const LONGEST: u64 = 64 << 20;

/// Files that are changed as one unit: all are new in the end, or all are as before.
#[derive(Debug)]
pub struct Set<'d, D: Disk> {
    disk: &'d D,
    directory: PathBuf,
    journals: Vec<Journal<'d, D>>,
}

impl<'d, D: Disk> Set<'d, D> {
    /// An empty set, whose set file is to stand in this directory.
    ///
    /// # Errors
    ///
    /// [`JournalError::Exists`] if there is a set file: see [`SetLeftover`]. Those of the
    /// file system.
    pub fn new(disk: &'d D, directory: &Path) -> Result<Self, JournalError> {
        let directory = disk.resolve(directory).map_err(at(directory, "resolving"))?;
        let path = directory.join(NAME);
        if disk.exists(&path).map_err(at(&path, "looking for it"))? {
            return Err(JournalError::Exists { path });
        }
        Ok(Set { disk, directory, journals: Vec::new() })
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
        validate: impl FnMut(&Path, &Contents, &Facts) -> Result<(), BoxError>,
    ) -> Result<(), JournalError> {
        if self.journals.is_empty() {
            return Ok(());
        }
        if let Err(cause) = self.publish(validate) {
            return Err(self.give_up(cause));
        }
        let seal = match self.create_seal() {
            Ok(seal) => seal,
            // A set file that is there is that of others.
            Err(cause) => return Err(self.give_up(cause)),
        };
        if let Err(cause) = self.seal(&seal) {
            return Err(match self.unseal() {
                Ok(()) => self.give_up(cause),
                Err(then) => self.unsettled(cause, then),
            });
        }
        self.end()
    }

    /// Makes all files what they were before, and removes their journals.
    ///
    /// # Errors
    ///
    /// Those of the file system; a later run goes on.
    pub fn roll_back(mut self) -> Result<(), JournalError> {
        self.restore()
    }

    /// Steps A1 to A4 of all files.
    fn publish(
        &mut self,
        mut validate: impl FnMut(&Path, &Contents, &Facts) -> Result<(), BoxError>,
    ) -> Result<(), JournalError> {
        for journal in &mut self.journals {
            let path = journal.path.clone();
            let validate = |contents: &Contents, facts: &Facts| validate(&path, contents, facts);
            match journal.stage {
                Stage::Ended(_) => {}
                Stage::Published => journal.validate(validate)?,
                _ => journal.prepare(validate)?,
            }
        }
        let open = |stage| matches!(stage, Stage::Applied | Stage::Publishing);
        self.journals.iter_mut().filter(|journal| open(journal.stage)).try_for_each(Journal::publish)
    }

    fn create_seal(&self) -> Result<D::File, JournalError> {
        let path = self.directory.join(NAME);
        self.disk.create_new(&path).map_err(at(&path, "creating"))
    }

    /// Puts on record that all files are published.
    fn seal(&self, file: &D::File) -> Result<(), JournalError> {
        let path = self.directory.join(NAME);
        let members = self.journals.iter().map(|journal| {
            let name = journal.path.strip_prefix(&self.directory).unwrap_or(&journal.path);
            (journal.header.id, name.as_os_str().as_encoded_bytes())
        });
        file.write_at(0, &format::encode_set(members)).map_err(at(&path, "writing"))?;
        file.sync_all().map_err(at(&path, "syncing"))?;
        self.disk.sync_dir(&self.directory).map_err(at(&self.directory, "syncing"))
    }

    /// Removes the set file.
    fn unseal(&self) -> Result<(), JournalError> {
        discard(self.disk, &self.directory.join(NAME))
    }

    /// Steps E1 and E2 of all files, then the set file goes.
    fn end(&mut self) -> Result<(), JournalError> {
        // The set file must outlive all journals, but one that stays holds up no other.
        let ended: Vec<_> =
            self.journals.iter_mut().map(|journal| journal.close(Ending::Completed)).collect();
        ended.into_iter().collect::<Result<(), _>>()?;
        self.unseal().map_err(|cause| JournalError::NotRemoved {
            path: self.directory.clone(),
            state: "complete",
            cause: Box::new(cause),
        })
    }

    /// Rolls all files back, and says why and with what success.
    fn give_up(&mut self, cause: JournalError) -> JournalError {
        match self.restore() {
            Ok(()) => JournalError::RolledBack { path: self.directory.clone(), cause: Box::new(cause) },
            Err(then) => self.unsettled(cause, then),
        }
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
        restored.into_iter().collect()
    }
}

/// A set of files that an earlier run left behind.
#[derive(Debug)]
pub struct SetLeftover<'d, D: Disk> {
    disk: &'d D,
    directory: PathBuf,
    /// Ids of the journals whose files are all published.
    sealed: Option<Vec<u64>>,
    members: Vec<Leftover<'d, D>>,
}

impl<'d, D: Disk> SetLeftover<'d, D> {
    /// Puts together what an earlier run left behind of a set: the set file in the
    /// directory, and the leftovers of all files of the set, as far as they have any
    /// ([`Leftover::one_of_set`]). `None` if there is nothing.
    ///
    /// # Errors
    ///
    /// [`JournalError::NotOfSet`] for a leftover that is none of a set; those of the file
    /// system.
    pub fn new(
        disk: &'d D,
        directory: &Path,
        members: Vec<Leftover<'d, D>>,
    ) -> Result<Option<Self>, JournalError> {
        if let Some(other) = members.iter().find(|member| !member.one_of_set()) {
            return Err(JournalError::NotOfSet { path: other.path.clone() });
        }
        let directory = disk.resolve(directory).map_err(at(directory, "resolving"))?;
        let present = Self::has_set_file(disk, &directory)?;
        let sealed = if present { read_set(disk, &directory.join(NAME))? } else { None };
        let found = present || !members.is_empty();
        Ok(found.then_some(SetLeftover { disk, directory, sealed, members }))
    }

    /// Whether there is a set file in the directory: then the journals in it that are of a
    /// set belong together, whichever of them are left.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn has_set_file(disk: &D, directory: &Path) -> Result<bool, JournalError> {
        let path = directory.join(NAME);
        disk.exists(&path).map_err(at(&path, "looking for it"))
    }

    /// The leftovers of the files.
    #[must_use]
    pub fn members(&self) -> &[Leftover<'d, D>] {
        &self.members
    }

    /// Does what is right without a wish of the user: makes all files new, unless rolling
    /// back had begun or no file was touched yet. Then all are as before.
    ///
    /// # Errors
    ///
    /// [`JournalError::Stuck`] if one of the files cannot be dealt with: none is touched. Go
    /// on without it ([`Leftover::apart`]), or restore it. Else as [`Set::run`].
    pub fn resume(
        mut self,
        validate: impl FnMut(&Path, &Contents, &Facts) -> Result<(), BoxError>,
    ) -> Result<Outcome, JournalError> {
        self.end_sealed()?;
        if self.members.is_empty() {
            return Ok(Outcome::Completed);
        }
        self.refuse(|state| matches!(state, Damaged | Foreign | TornHead { .. }))?;
        if self.members.iter().any(|member| member.state == RollingBack) {
            return self.roll_back();
        }
        // No file is touched before all journals are whole, so some may be missing here.
        if self.members.iter().all(|member| matches!(member.state, Untouched | Outdated)) {
            self.members.iter().try_for_each(Leftover::remove)?;
            return Ok(Outcome::Discarded);
        }
        self.refuse(|state| state == Outdated)?;
        self.into_set()?.run(validate).map(|()| Outcome::Completed)
    }

    /// Makes all files what they were before. [`Outcome::Completed`] if only the set file
    /// was left to be removed.
    ///
    /// # Errors
    ///
    /// [`JournalError::TooLate`] if all files were published; [`JournalError::Stuck`] if
    /// one of them cannot be rolled back: none is touched. Else as [`Set::roll_back`].
    pub fn roll_back(mut self) -> Result<Outcome, JournalError> {
        if let Some(member) = self.members.iter().find(|member| self.is_sealed(member)) {
            return Err(JournalError::TooLate { path: member.path.clone() });
        }
        self.refuse(|state| {
            matches!(state, Damaged | Foreign | Superseded | TornHead { restorable: false })
        })?;
        self.end_sealed()?;
        if self.members.is_empty() {
            return Ok(Outcome::Completed);
        }
        self.into_set()?.roll_back().map(|()| Outcome::RolledBack)
    }

    /// Refuses to go on with a file in certain states.
    fn refuse(&self, stuck: impl Fn(LeftoverState) -> bool) -> Result<(), JournalError> {
        let member = self.members.iter().find(|member| stuck(member.state));
        member.map_or(Ok(()), |member| Err(member.stuck()))
    }

    fn is_sealed(&self, member: &Leftover<'d, D>) -> bool {
        let id = member.journal().map(|journal| journal.header.id);
        id.is_some_and(|id| self.sealed.as_ref().is_some_and(|sealed| sealed.contains(&id)))
    }

    /// Ends what the set file says is published; then the set file goes. One that is not
    /// whole was never relied upon.
    fn end_sealed(&mut self) -> Result<(), JournalError> {
        let (ended, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.members).into_iter().partition(|member| self.is_sealed(member));
        self.members = rest;
        let stuck = |state| matches!(state, Damaged | HalfWritten | RollingBack | TornHead { .. });
        if let Some(member) = ended.iter().find(|member| stuck(member.state)) {
            return Err(member.stuck());
        }
        if self.sealed.is_some() {
            let path = self.directory.join(NAME);
            let file = self.disk.open(&path).map_err(at(&path, "opening"))?;
            file.sync_all().map_err(at(&path, "syncing"))?;
            self.disk.sync_dir(&self.directory).map_err(at(&self.directory, "syncing"))?;
        }
        for member in ended {
            member.settled()?.close(Ending::Completed)?;
        }
        discard(self.disk, &self.directory.join(NAME))
    }

    fn into_set(self) -> Result<Set<'d, D>, JournalError> {
        let journals = self.members.into_iter().map(Leftover::settled).collect::<Result<_, _>>()?;
        Ok(Set { disk: self.disk, directory: self.directory, journals })
    }
}

/// The ids in a set file; `None` if it is not whole: then it was never relied upon.
fn read_set<D: Disk>(disk: &D, path: &Path) -> Result<Option<Vec<u64>>, JournalError> {
    let file = disk.open(path).map_err(at(path, "opening"))?;
    let size = file.size().map_err(at(path, "asking for its length"))?;
    if size > LONGEST {
        return Ok(None);
    }
    let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
    file.read_at(0, &mut bytes).map_err(at(path, "reading"))?;
    Ok(format::parse_set(&bytes))
}
