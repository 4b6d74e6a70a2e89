//! What to do about a journal that an earlier run left behind (upgrade, "What a later
//! run does when it finds a journal").

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::change::{Journal, Stage};
use super::disk::{Contents, Disk, DiskFile};
use super::error::{BoxError, Flaw, JournalError, LeftoverState, at};
use super::format::{self, Ending};
use super::names::{HEAD, Head, beside, discard, order, poisoned, version};
use super::plan::{Facts, Form, Promise};
use super::trust;
use crate::folder::directory;
use crate::format::meta::{HALF_WRITTEN, at as layout};
use crate::order::Endianness;
use crate::pages::Extents;

/// Versions that a file in use may have, whatever its access method.
const VERSIONS: std::ops::RangeInclusive<u32> = 1..=10;

/// What became of a leftover.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The journal had had no effect and is gone; the file was not touched.
    Discarded,
    /// The file is new.
    Completed,
    /// The file is as it was before.
    RolledBack,
    /// The file was not touched; the journal has this name now.
    Orphaned(PathBuf),
}

impl Outcome {
    /// A word for it, which stays the same.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Discarded => "discarded",
            Outcome::Completed => "completed",
            Outcome::RolledBack => "rolled-back",
            Outcome::Orphaned(_) => "orphaned",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Discarded => "was not touched; the journal is removed",
            Outcome::Completed => "completed",
            Outcome::RolledBack => "brought back as it was",
            Outcome::Orphaned(_) => "is another file, or was used since; the journal is renamed",
        })
    }
}

/// A journal that an earlier run left behind.
///
/// The file stays as it is until one of the methods that consume the leftover is called.
#[derive(Debug)]
pub struct Leftover<'d, D: Disk> {
    disk: &'d D,
    pub(super) path: PathBuf,
    name: PathBuf,
    pub(super) state: LeftoverState,
    moved: bool,
    apart: bool,
    content: Content<'d, D>,
}

#[derive(Debug)]
enum Content<'d, D: Disk> {
    Journal(Box<Journal<'d, D>>),
    Flawed(Flaw),
}

/// Looks for a journal of a file. `file` is locked, and `path` is its name. Reads the
/// whole journal, and the pages it is about; writes nothing.
///
/// # Errors
///
/// [`JournalError::Lost`] if the file is half-written and there is no journal;
/// [`JournalError::NotOurs`] and [`JournalError::Strange`] if something has the name of the
/// journal that is none, or is not believed; those of the file system.
pub fn leftover<'d, D: Disk>(
    disk: &'d D,
    file: &'d D::File,
    path: &Path,
) -> Result<Option<Leftover<'d, D>>, JournalError> {
    let path = disk.resolve(path).map_err(at(path, "resolving"))?;
    let name = super::name(&path);
    let head = head(file).map_err(at(&path, "reading"))?;
    let poisoned = head.as_ref().is_some_and(|head| poisoned(head));
    let store = match disk.open(&name) {
        Ok(store) => store,
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(at(&name, "opening")(error)),
        Err(_) if poisoned => return Err(JournalError::Lost { path }),
        Err(_) => return Ok(None),
    };
    trust::believe(&name, &store, Some(file))?;
    if !poisoned && !is_journal(&store).map_err(at(&name, "reading"))? {
        return Err(JournalError::NotOurs { path: name, what: "a journal" });
    }
    let journal = match Journal::read(disk, file, path.clone(), store, name.clone())? {
        Ok(journal) => journal,
        Err(flaw) => {
            let sound = |head: &Head| in_use(head) || is_extent(&path, head);
            let harmless = !flaw.whole && head.as_ref().is_some_and(sound);
            let state = if harmless { LeftoverState::Incomplete } else { LeftoverState::Damaged };
            let content = Content::Flawed(flaw);
            return Ok(Some(Leftover { disk, path, name, state, moved: false, apart: false, content }));
        }
    };
    let identity = file.identity().map_err(at(&path, "asking for its identity"))?;
    let (state, stage) = classify(&journal, head.as_ref())?;
    let journal = Journal { stage, ..journal };
    let moved = journal.header.identity != identity;
    Ok(Some(Leftover {
        disk,
        path,
        name,
        state,
        moved,
        apart: false,
        content: Content::Journal(Box::new(journal)),
    }))
}

/// Whether a file is a journal by what stands in it.
fn is_journal(file: &impl DiskFile) -> std::io::Result<bool> {
    let mut start = [0; format::START];
    let len = usize::try_from(file.size()?).unwrap_or(usize::MAX);
    let start = start.get_mut(..len.min(format::START)).unwrap_or_default();
    file.read_at(0, start)?;
    Ok(format::is_journal(start))
}

/// The start of page 0, if the file is as long.
fn head(file: &impl DiskFile) -> std::io::Result<Option<Head>> {
    let mut head = [0; HEAD];
    if file.size()? < super::names::long(HEAD) {
        return Ok(None);
    }
    file.read_at(0, &mut head)?;
    Ok(Some(head))
}

/// Whether page 0 is one that other programs open.
fn in_use(head: &Head) -> bool {
    version(head).is_some_and(|version| VERSIONS.contains(&version))
}

/// Whether a file has the name of an extent of a QUEUE, and a first page that no run poisoned.
fn is_extent(path: &Path, head: &Head) -> bool {
    let poisoned = [Endianness::Little, Endianness::Big]
        .into_iter()
        .any(|order| order.u32_at(head, layout::VERSION) == Some(HALF_WRITTEN));
    Extents::is_name(path) && order(head).is_none() && !poisoned
}

/// The state of a file with a whole journal, and the step with which its run goes on.
fn classify<D: Disk>(
    journal: &Journal<'_, D>,
    head: Option<&Head>,
) -> Result<(LeftoverState, Stage), JournalError> {
    let (state, stage) = compare(journal, head)?;
    let writes = match state {
        LeftoverState::HalfWritten
        | LeftoverState::Complete
        | LeftoverState::RollingBack
        | LeftoverState::TornHead { .. } => journal.header.poison,
        _ => false,
    };
    let unproven = writes && journal.facts().promise == Promise::OnlyPageZero;
    Ok((if unproven { LeftoverState::Unproven } else { state }, stage))
}

/// The same, by what stands in the file.
fn compare<D: Disk>(
    journal: &Journal<'_, D>,
    head: Option<&Head>,
) -> Result<(LeftoverState, Stage), JournalError> {
    if let Stage::Ended(_) = journal.stage {
        return Ok((LeftoverState::Ended, journal.stage));
    }
    let (header, heads, rolling) = (&journal.header, &journal.heads, journal.rolling);
    let size = journal.size()?;
    let (shortest, longest) =
        (header.len_before.min(header.len_after), header.len_before.max(header.len_after));
    let in_range = (shortest..=longest).contains(&size);
    let is = |image| head == Some(image);
    if header.poison && is(&heads.poison) {
        return Ok(match (in_range, rolling) {
            (false, _) => (LeftoverState::Damaged, Stage::Applying),
            (true, true) => (LeftoverState::RollingBack, Stage::RollingBack),
            (true, false) => (LeftoverState::HalfWritten, Stage::Applying),
        });
    }
    let pages = Pages::survey(journal)?;
    let before = pages.before && size == header.len_before;
    let after = pages.after && size == header.len_after;
    // A page 0 that does not change is told apart by the other pages.
    if is(&heads.before) && (before || heads.before != heads.after) {
        return Ok(match (rolling, before) {
            // The old page 0 is written last: all else was old before it.
            (true, _) => (LeftoverState::RollingBack, Stage::Restored),
            (false, true) => (LeftoverState::Untouched, Stage::Committed),
            (false, false) => (LeftoverState::Outdated, Stage::Committed),
        });
    }
    if is(&heads.after) {
        return Ok(match (rolling, after) {
            (true, true) => (LeftoverState::RollingBack, Stage::RollingBack),
            (false, true) => (LeftoverState::Complete, Stage::Published),
            (_, false) => (LeftoverState::Superseded, Stage::Ended(Ending::Completed)),
        });
    }
    // An extent says nothing of itself.
    let other = |head: &Head| in_use(head) || header.facts.options.extent;
    let torn = head.is_none_or(|head| !other(head) || heads.mixed(head));
    let restorable = head.is_some() && pages.known && in_range;
    Ok(if torn {
        (LeftoverState::TornHead { restorable }, Stage::Applying)
    } else {
        (LeftoverState::Foreign, Stage::Committed)
    })
}

/// How the pages of a change, but for page 0, stand in the file.
struct Pages {
    /// All are as before.
    before: bool,
    /// All are as they are to be.
    after: bool,
    /// All are one or the other.
    known: bool,
}

impl Pages {
    fn survey<D: Disk>(journal: &Journal<'_, D>) -> Result<Pages, JournalError> {
        let mut pages = Pages { before: true, after: true, known: true };
        journal.look(|_, sight| {
            let (before, after) = (sight.found == sight.before, sight.found == sight.after);
            pages.before &= before;
            pages.after &= after;
            pages.known &= before || after;
            Ok(())
        })?;
        Ok(pages)
    }
}

impl<'d, D: Disk> Leftover<'d, D> {
    /// How the file was left.
    #[must_use]
    pub fn state(&self) -> LeftoverState {
        self.state
    }

    /// What the journal says about the change; `None` if it is not whole.
    #[must_use]
    pub fn facts(&self) -> Option<&Facts> {
        self.journal().map(Journal::facts)
    }

    /// Whether journal and file were copied or restored since: the device or the inode is
    /// another one. That is accepted, if everything else fits; but tell who asked for it, and
    /// let nobody have it who did not ask.
    #[must_use]
    pub fn moved(&self) -> bool {
        self.moved
    }

    /// Whether dealing with the leftover writes to the file: all else only removes a journal
    /// that has no effect any more, or renames it.
    #[must_use]
    pub fn writes(&self) -> bool {
        matches!(
            self.state,
            LeftoverState::HalfWritten
                | LeftoverState::Complete
                | LeftoverState::RollingBack
                | LeftoverState::TornHead { .. }
        )
    }

    /// Whether the file is one of a [`Set`](super::Set), and can only be dealt with as a
    /// part of it.
    #[must_use]
    pub fn one_of_set(&self) -> bool {
        let member = self.journal().is_some_and(|journal| journal.header.one_of_set);
        member && !self.apart && self.state != LeftoverState::Ended
    }

    /// Parts the file from its set, for a set that cannot go on with it: the file is dealt
    /// with on its own, and may then be new while the others are old, or old while they
    /// are new.
    #[must_use]
    pub fn apart(self) -> Self {
        Leftover { apart: true, ..self }
    }

    /// Does what is right without a wish of the user: goes on with the change, or with
    /// rolling back, or removes the journal; a change that had not begun is not made. `check`
    /// sees the new file as in [`Journal::run`], and the old one before it is brought back.
    ///
    /// # Errors
    ///
    /// [`JournalError::Stuck`] in the states [`TornHead`](LeftoverState::TornHead) and
    /// [`Damaged`](LeftoverState::Damaged); [`JournalError::OneOfSet`]; else as
    /// [`Journal::run`].
    pub fn resume(
        self,
        check: impl FnMut(Form, &Contents, &Facts) -> Result<(), BoxError>,
    ) -> Result<Outcome, JournalError> {
        self.alone()?;
        match self.state {
            LeftoverState::HalfWritten | LeftoverState::Complete => self.redo(check),
            LeftoverState::RollingBack => self.restore(check),
            _ => self.settle_rest(),
        }
    }

    /// Makes the file what it was before, once `check` has seen what that is.
    ///
    /// # Errors
    ///
    /// [`JournalError::Stuck`] in the state [`Superseded`](LeftoverState::Superseded), where
    /// others would lose what they wrote, in [`Damaged`](LeftoverState::Damaged), and in
    /// [`TornHead`](LeftoverState::TornHead) if not restorable;
    /// [`JournalError::OneOfSet`]; else as [`Journal::roll_back`].
    pub fn roll_back(
        self,
        check: impl FnMut(Form, &Contents, &Facts) -> Result<(), BoxError>,
    ) -> Result<Outcome, JournalError> {
        self.alone()?;
        match self.state {
            LeftoverState::Untouched
            | LeftoverState::HalfWritten
            | LeftoverState::Complete
            | LeftoverState::RollingBack
            | LeftoverState::TornHead { restorable: true } => self.restore(check),
            LeftoverState::Superseded => Err(self.stuck()),
            _ => self.settle_rest(),
        }
    }

    /// As [`resume`](Self::resume), but redoes the change also if page 0 is torn and
    /// everything else is as the run left it.
    ///
    /// # Errors
    ///
    /// As [`resume`](Self::resume).
    pub fn force_redo(
        self,
        check: impl FnMut(Form, &Contents, &Facts) -> Result<(), BoxError>,
    ) -> Result<Outcome, JournalError> {
        self.alone()?;
        let rolling = self.journal().is_some_and(|journal| journal.rolling);
        match self.state {
            LeftoverState::TornHead { restorable: true } if !rolling => self.redo(check),
            _ => self.resume(check),
        }
    }

    pub(super) fn journal(&self) -> Option<&Journal<'d, D>> {
        match &self.content {
            Content::Journal(journal) => Some(journal),
            Content::Flawed(_) => None,
        }
    }

    /// Refuses to part a file from its set.
    fn alone(&self) -> Result<(), JournalError> {
        if self.one_of_set() { Err(JournalError::OneOfSet { path: self.path.clone() }) } else { Ok(()) }
    }

    fn redo(
        self,
        check: impl FnMut(Form, &Contents, &Facts) -> Result<(), BoxError>,
    ) -> Result<Outcome, JournalError> {
        self.settled()?.carry_out(check).map(|()| Outcome::Completed)
    }

    fn restore(
        self,
        check: impl FnMut(Form, &Contents, &Facts) -> Result<(), BoxError>,
    ) -> Result<Outcome, JournalError> {
        let mut journal = self.settled()?;
        journal.prove(check)?;
        journal.roll_back().map(|()| Outcome::RolledBack)
    }

    /// Deals with the states in which there is only one thing to do.
    fn settle_rest(self) -> Result<Outcome, JournalError> {
        match self.state {
            LeftoverState::Incomplete | LeftoverState::Untouched | LeftoverState::Outdated => {
                self.remove()?;
                Ok(Outcome::Discarded)
            }
            LeftoverState::Superseded => {
                self.settled()?.close(Ending::Completed).map(|()| Outcome::Completed)
            }
            LeftoverState::Ended => {
                self.remove()?;
                let rolled_back =
                    |journal: &Journal<'d, D>| journal.stage == Stage::Ended(Ending::RolledBack);
                let rolled_back = self.journal().is_some_and(rolled_back);
                Ok(if rolled_back { Outcome::RolledBack } else { Outcome::Completed })
            }
            LeftoverState::Foreign => self.orphan(),
            _ => Err(self.stuck()),
        }
    }

    /// The journal, with everything made to last on which the next step builds: what the
    /// earlier run wrote may stand in the system's memory only. What a sync failed to
    /// bring to the medium, another sync need not bring there either, so the few bytes
    /// that decide are written once more.
    pub(super) fn settled(self) -> Result<Journal<'d, D>, JournalError> {
        self.sync_dir()?;
        let Content::Journal(mut journal) = self.content else { return Err(self.stuck()) };
        journal.store.sync_all().map_err(at(&self.name, "syncing"))?;
        if std::mem::take(&mut journal.rolling) {
            journal.intend()?;
        }
        match journal.stage {
            Stage::Published => journal.put_head(&journal.heads.after)?,
            Stage::Restored => journal.put_head(&journal.heads.before)?,
            _ => {}
        }
        journal.sync()?;
        Ok(*journal)
    }

    pub(super) fn remove(&self) -> Result<(), JournalError> {
        discard(self.disk, &self.name)
    }

    fn sync_dir(&self) -> Result<(), JournalError> {
        let directory = directory(&self.path);
        self.disk.sync_dir(directory).map_err(at(directory, "syncing"))
    }

    /// Gives the journal a name under which no run finds it.
    fn orphan(&self) -> Result<Outcome, JournalError> {
        let first = beside(&self.name, ".orphan");
        let names = (2..100).map(|number| beside(&first, &format!("-{number}")));
        for name in std::iter::once(first.clone()).chain(names) {
            if !self.disk.exists(&name).map_err(at(&name, "looking for it"))? {
                self.disk.rename(&self.name, &name).map_err(at(&self.name, "renaming"))?;
                self.sync_dir()?;
                return Ok(Outcome::Orphaned(name));
            }
        }
        Err(at(&first, "renaming")(ErrorKind::AlreadyExists.into()))
    }

    pub(super) fn stuck(&self) -> JournalError {
        let damage = match self.content {
            Content::Flawed(flaw) => Some(Box::new(JournalError::damaged(&self.name, flaw))),
            Content::Journal(_) => None,
        };
        JournalError::Stuck { path: self.path.clone(), state: self.state, damage }
    }
}
