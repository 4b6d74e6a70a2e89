//! Putting a snapshot in the place of the databases (mboxlist, "`snapshot restore`").
//!
//! ```text
//! 0  the folder is locked; the snapshot is judged, and so is whether the store may be running;
//!    all folders are looked at, so that nothing has moved when one of them cannot serve
//! 1  DIR/.bdbkit-restore is made, with a sealed plan in it: what moves aside, what is placed
//! 2  the snapshot's files are copied there, and synced; the folder for what moves aside is made,
//!    with a mark in it. The plan says so: from now on a later run goes on, or goes back
//! 3  the copies are compared; what is in DIR moves aside; the plan says that all of it has
//! 4  the copies move to their places, and are counted; the plan says that all is done
//! 5  the mark goes, and so does DIR/.bdbkit-restore
//! ```
//!
//! Until the first copy is in its place, what moved aside can move back. Nothing is ever deleted
//! but what was made here, which a later run knows by the plan, and not by its name.

mod aside;
mod check;
mod error;
mod moves;
mod names;
mod plan;
mod progress;
mod stage;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

pub use error::RestoreError;
use error::{Result, at};
pub(super) use names::STAGE;
use plan::{Plan, State};
use progress::Progress;
use stage::{Left, Stage};

use crate::journal::{Disk, SystemDisk};

/// Puts a snapshot in the place of the databases of a store.
#[derive(Clone, Debug)]
pub struct Restore<'d, D: Disk> {
    disk: &'d D,
    folder: PathBuf,
    snapshot: PathBuf,
    aside: PathBuf,
    cache: Option<PathBuf>,
    regions: bool,
    force: bool,
    assume_closed: bool,
}

/// What a restore did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restored {
    /// Where the old files are.
    pub aside: PathBuf,
    /// The names of what was moved there; those of region files of another folder are in
    /// `dbtmpdir` in it.
    pub moved: Vec<OsString>,
    /// The names of what came from the snapshot.
    pub placed: Vec<OsString>,
    /// The names of what is in the snapshot but was not copied, as it is no file of a database:
    /// folders and special files.
    pub skipped: Vec<OsString>,
}

impl Restore<'static, SystemDisk> {
    /// Restores `snapshot` to `folder`. What is there moves to `aside`, a new folder outside of
    /// it, on the same file system.
    #[must_use]
    pub fn new(folder: impl AsRef<Path>, snapshot: impl AsRef<Path>, aside: impl AsRef<Path>) -> Self {
        Restore::on(&SystemDisk::MAPPED, folder, snapshot, aside)
    }

    /// Goes on with a restore that was interrupted.
    ///
    /// # Errors
    ///
    /// As [`Restore::resume_on`].
    pub fn resume(folder: impl AsRef<Path>) -> Result<Restored> {
        Restore::resume_on(&SystemDisk::MAPPED, folder)
    }

    /// Goes back from a restore that was interrupted.
    ///
    /// # Errors
    ///
    /// As [`Restore::rollback_on`].
    pub fn rollback(folder: impl AsRef<Path>) -> Result<Vec<OsString>> {
        Restore::rollback_on(&SystemDisk::MAPPED, folder)
    }
}

impl<'d, D: Disk> Restore<'d, D> {
    /// The same as [`Restore::new`], on some disk. Whether the snapshot is valid and the store
    /// closed is judged by the files of this machine, unless [forced](Restore::force) and
    /// [assumed](Restore::assume_closed).
    #[must_use]
    pub fn on(
        disk: &'d D,
        folder: impl AsRef<Path>,
        snapshot: impl AsRef<Path>,
        aside: impl AsRef<Path>,
    ) -> Self {
        let own = |path: &Path| path.to_owned();
        Restore {
            disk,
            folder: own(folder.as_ref()),
            snapshot: own(snapshot.as_ref()),
            aside: own(aside.as_ref()),
            cache: None,
            regions: true,
            force: false,
            assume_closed: false,
        }
    }

    /// Region files belong to this folder (`store.dbtmpdir`); those there move aside, too.
    #[must_use]
    pub fn cache_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.cache = Some(folder.as_ref().to_owned());
        self
    }

    /// Whether the region files of the snapshot are restored: not if the snapshot is of another
    /// machine or release.
    #[must_use]
    pub fn regions(mut self, restore: bool) -> Self {
        self.regions = restore;
        self
    }

    /// Restores a snapshot that is not valid, or not what its marks say, all the same.
    #[must_use]
    pub fn force(mut self, force: bool) -> Self {
        self.force = force;
        self
    }

    /// Takes it that no program uses the store, although region files are there.
    #[must_use]
    pub fn assume_closed(mut self, assume: bool) -> Self {
        self.assume_closed = assume;
        self
    }

    /// Does it.
    ///
    /// # Errors
    ///
    /// The snapshot is unfit, the store may be running, or another run is at work in it
    /// ([`RestoreError::Busy`]); what is missing, or what the file system says. Before the copies
    /// are whole nothing in the folder was touched; after that the old files are put back
    /// ([`RestoreError::PutBack`]), or, where that fails too, [`Restore::resume`] goes on.
    pub fn run(&self) -> Result<Restored> {
        let _lock = lock(self.disk, &self.folder)?;
        let stage = Stage::of(self.disk, &self.folder);
        let left = stage.left()?;
        if matches!(&left, Left::Planned(plan) if plan.state != State::Staging) {
            return Err(RestoreError::Interrupted { path: self.folder.clone() });
        }
        match left {
            Left::Nothing => {}
            Left::Unplanned => stage.discard(None)?,
            Left::Planned(plan) => stage.discard(Some(&*plan))?,
        }
        let plan = self.check()?;
        let stage_is = stage.create()?;
        let mut plan = Plan { stage: stage_is, ..plan };
        if let Err(error) = self.stage(&stage, &mut plan) {
            // Why it failed matters more than what could not be removed: a later run does that.
            if let Ok(Left::Planned(plan)) = stage.left() {
                let _ = Progress::of(stage, *plan).and_then(Progress::back);
            } else {
                let _ = stage.discard(None);
            }
            return Err(error);
        }
        self.go_on_or_back(stage, plan)?.end()
    }

    /// Writes the plan, copies the snapshot, and notes in the plan when all of it is there.
    fn stage(&self, stage: &Stage<'_, D>, plan: &mut Plan) -> Result<()> {
        stage.write(plan)?;
        stage.copy(plan, &self.snapshot)?;
        plan.aside_is = Some(aside::create(self.disk, plan, &self.folder)?);
        plan.state = State::Moving;
        stage.write(plan)
    }

    /// Moves the files; what moved aside moves back if that fails before anything new is in place.
    fn go_on_or_back<'s>(&self, stage: Stage<'s, D>, plan: Plan) -> Result<Progress<'s, D>> {
        Progress::of(stage, plan).and_then(Progress::forward).map_err(|error| {
            match roll_back(self.disk, &self.folder) {
                Ok(_) => RestoreError::PutBack { cause: Box::new(error) },
                Err(_) => error,
            }
        })
    }

    /// Goes on with a restore that was interrupted on some disk.
    ///
    /// # Errors
    ///
    /// [`RestoreError::NothingToResume`]; [`RestoreError::NothingMoved`] if it had not come far
    /// enough; [`RestoreError::Foreign`] and [`RestoreError::Unexpected`] for what is not what
    /// the plan says, before anything moves; those of the file system, after which it can be
    /// resumed again.
    pub fn resume_on(disk: &'d D, folder: impl AsRef<Path>) -> Result<Restored> {
        let folder = folder.as_ref();
        let _lock = lock(disk, folder)?;
        let stage = Stage::of(disk, folder);
        let path = folder.to_owned();
        match stage.left()? {
            Left::Nothing => Err(RestoreError::NothingToResume { path }),
            Left::Unplanned => {
                stage.discard(None)?;
                Err(RestoreError::NothingToResume { path })
            }
            Left::Planned(plan) if plan.state == State::Staging => Err(RestoreError::NothingMoved { path }),
            Left::Planned(plan) => Progress::of(stage, *plan)?.forward()?.end(),
        }
    }

    /// Goes back from a restore that was interrupted on some disk: what moved aside moves to where
    /// it was, and the copies of the snapshot are removed. Gives the names of what moved back.
    ///
    /// # Errors
    ///
    /// [`RestoreError::NothingToResume`]; [`RestoreError::InPlace`] where files of the snapshot
    /// are in their places already, with nothing touched; else as [`Restore::resume_on`].
    pub fn rollback_on(disk: &'d D, folder: impl AsRef<Path>) -> Result<Vec<OsString>> {
        let folder = folder.as_ref();
        let _lock = lock(disk, folder)?;
        roll_back(disk, folder)
    }
}

fn roll_back<D: Disk>(disk: &D, folder: &Path) -> Result<Vec<OsString>> {
    let stage = Stage::of(disk, folder);
    match stage.left()? {
        Left::Planned(plan) => return Progress::of(stage, *plan)?.back(),
        // It died before it had a plan, or after all was done.
        Left::Unplanned => stage.discard(None)?,
        Left::Nothing => {}
    }
    Err(RestoreError::NothingToResume { path: folder.to_owned() })
}

/// Locks the folder against other restores, and upgrades of the store.
fn lock<D: Disk>(disk: &D, folder: &Path) -> Result<D::Lock> {
    disk.lock_dir(folder).map_err(|source| match source.kind() {
        io::ErrorKind::WouldBlock => RestoreError::Busy { path: folder.to_owned() },
        _ => at(folder, "locking")(source),
    })
}
