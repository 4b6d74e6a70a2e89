//! Putting a snapshot in the place of the databases (mboxlist, "`snapshot restore`").
//!
//! ```text
//! 0  the snapshot is judged, and so is whether the store may be running; all folders are looked
//!    at, so that nothing has moved when one of them cannot serve
//! 1  the snapshot's files are copied to DIR/.bdbkit-restore, synced, and compared
//! 2  the plan is written there: from now on a later run goes on, or goes back
//! 3  what is in DIR moves aside; then it is noted that all of it has
//! 4  the copies move to their places, and .bdbkit-restore is removed
//! ```
//!
//! Until the first copy is in its place, what moved aside can move back. Nothing is ever deleted
//! but copies that were made here.

mod error;
mod moves;
mod plan;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

pub use error::RestoreError;
use error::{Result, at};
use moves::{copy, entries, hash, is_file, make_like, remove, shown, stands, sync};
pub(super) use plan::STAGE;
use plan::{MOVED, PLAN, Plan, REGIONS, STAYS, discard, of_store, region};

use super::files;
use super::names::listed;
use super::survey::{Code, Snapshot, SurveyOptions, Verdict};
use crate::journal;

/// Marks of a snapshot, which are none of the database.
const MARKS: [&str; 2] = [".snaptime", ".verified"];

/// Puts a snapshot in the place of the databases of a store.
#[derive(Clone, Debug)]
pub struct Restore {
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
    /// The names of what was moved there.
    pub moved: Vec<String>,
    /// The names of what came from the snapshot.
    pub placed: Vec<String>,
    /// The names of what is in the snapshot but was not copied, as it is no file of a database:
    /// folders and special files.
    pub skipped: Vec<String>,
}

impl Restore {
    /// Restores `snapshot` to `folder`. What is there moves to `aside`, a new folder outside of
    /// it, on the same file system.
    #[must_use]
    pub fn new(folder: impl AsRef<Path>, snapshot: impl AsRef<Path>, aside: impl AsRef<Path>) -> Restore {
        let own = |path: &Path| path.to_owned();
        Restore {
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
    pub fn cache_dir(mut self, folder: impl AsRef<Path>) -> Restore {
        self.cache = Some(folder.as_ref().to_owned());
        self
    }

    /// Whether the region files of the snapshot are restored: not if the snapshot is of another
    /// machine or release.
    #[must_use]
    pub fn regions(mut self, restore: bool) -> Restore {
        self.regions = restore;
        self
    }

    /// Restores a snapshot that is not valid, or not what its marks say, all the same.
    #[must_use]
    pub fn force(mut self, force: bool) -> Restore {
        self.force = force;
        self
    }

    /// Takes it that no program uses the store, although region files are there.
    #[must_use]
    pub fn assume_closed(mut self, assume: bool) -> Restore {
        self.assume_closed = assume;
        self
    }

    /// Does it.
    ///
    /// # Errors
    ///
    /// The snapshot is unfit, or the store may be running; what is missing, or what the file
    /// system says. Before the copies are whole nothing in the folder was touched; after that
    /// the old files are put back ([`RestoreError::PutBack`]), or, where that fails too,
    /// [`Restore::resume`] goes on.
    pub fn run(&self) -> Result<Restored> {
        let stage = self.folder.join(STAGE);
        if stands(&stage.join(PLAN)) {
            return Err(RestoreError::Interrupted { path: self.folder.clone() });
        }
        let plan = self.check()?;
        discard(&stage)?;
        DirBuilder::new().mode(0o700).create(&stage).map_err(at(&stage, "creating"))?;
        let staged = self.stage(&stage, &plan);
        if staged.is_err() {
            discard(&stage)?;
        }
        staged?;
        go_on_or_back(&self.folder)
    }

    /// Refuses what cannot come to its end, before anything is touched.
    fn check(&self) -> Result<Plan> {
        let names = entries(&self.snapshot)?;
        let missing = |what| Err(RestoreError::NotASnapshot { path: self.snapshot.clone(), what });
        if !names.iter().any(|name| name.as_bytes().ends_with(b".db")) {
            return missing("it holds no database");
        }
        if !names.iter().any(|name| files::is_log(Path::new(name))) {
            return missing("it holds no log, without which its databases are worth nothing");
        }
        let mut skipped = Vec::new();
        for name in names.into_iter().filter(|name| self.wants(name)) {
            let path = self.snapshot.join(&name);
            if path.is_symlink() {
                return Err(RestoreError::Link { path });
            }
            if !self.copies(&name) {
                skipped.push(name);
            }
        }
        let folder = resolve(&self.folder)?;
        let snapshot = resolve(&self.snapshot)?;
        if folder == snapshot {
            return missing("it is the folder that is restored");
        }
        let aside = self.aside_of(&folder, &snapshot)?;
        let cache = self.cache_of(&folder, &snapshot)?;
        self.judge(cache.as_deref())?;
        Ok(Plan { aside, cache, skipped })
    }

    /// Whether something in the snapshot belongs to what is restored, by its name.
    fn wants(&self, name: &OsStr) -> bool {
        MARKS.iter().all(|mark| name != *mark) && (self.regions || !region(name))
    }

    /// Whether it is copied.
    fn copies(&self, name: &OsStr) -> bool {
        let own = [STAGE, STAYS, PLAN, MOVED].iter().any(|own| name == *own);
        self.wants(name) && !own && is_file(&self.snapshot.join(name))
    }

    /// The folder for what moves aside: a new one, to which all of it can move.
    fn aside_of(&self, folder: &Path, snapshot: &Path) -> Result<PathBuf> {
        let refused = || RestoreError::Aside { path: self.aside.clone() };
        let name = self.aside.file_name().ok_or_else(refused)?;
        let parent = resolve(journal::directory(&self.aside))?;
        if parent.starts_with(folder) || parent.starts_with(snapshot) || stands(&self.aside) {
            return Err(refused());
        }
        let device = device(folder)?;
        if self::device(&parent)? != device {
            return Err(RestoreError::OtherFileSystem { path: self.aside.clone() });
        }
        for name in entries(folder)?.into_iter().filter(|name| of_store(name)) {
            let path = self.folder.join(name);
            if self::device(&path)? != device {
                return Err(RestoreError::OtherFileSystem { path });
            }
        }
        Ok(parent.join(name))
    }

    /// The folder of the region files, if it is not the one that is restored.
    fn cache_of(&self, folder: &Path, snapshot: &Path) -> Result<Option<PathBuf>> {
        let Some(given) = &self.cache else { return Ok(None) };
        let refused = |what| Err(RestoreError::Cache { path: given.clone(), what });
        let cache = resolve(given)?;
        if cache == folder {
            return Ok(None);
        }
        if !cache.is_dir() {
            return refused("it is none");
        }
        if cache.starts_with(folder) {
            return refused("it lies in the folder that is restored, and would move aside with it");
        }
        if cache.starts_with(snapshot) {
            return refused("it lies in the snapshot");
        }
        if entries(&cache)?.iter().any(|name| region(name) && !is_file(&cache.join(name))) {
            return refused("what has the name of a region file in it is none");
        }
        if stands(&folder.join(REGIONS)) {
            return refused("the folder that is restored has a dbtmpdir, too, which moves aside");
        }
        Ok(Some(cache))
    }

    /// Refuses a snapshot that is not valid, and a store that may be running.
    fn judge(&self, cache: Option<&Path>) -> Result<()> {
        let snapshot = Snapshot::of(&self.snapshot);
        if snapshot.verdict != Verdict::Valid && !self.force {
            let (path, verdict) = (self.snapshot.clone(), snapshot.verdict);
            return Err(RestoreError::Unfit { path, verdict, reason: snapshot.reason() });
        }
        let options = SurveyOptions::new().alone();
        let survey = cache.iter().fold(options, SurveyOptions::dbtmpdir).survey(&self.folder)?;
        if survey.regions.is_empty() || self.assume_closed {
            return Ok(());
        }
        let live = survey.findings.iter().find(|finding| finding.code == Code::Live);
        let what = live.map_or_else(
            || {
                let names = listed(survey.regions.iter().map(|region| &region.name));
                format!("region files: {names}: the store may be running")
            },
            |live| live.text.clone(),
        );
        Err(RestoreError::Live { path: self.folder.clone(), what })
    }

    /// Copies the snapshot, and writes the plan when all of it is there.
    fn stage(&self, stage: &Path, plan: &Plan) -> Result<()> {
        let mut copies = BTreeMap::new();
        for name in entries(&self.snapshot)?.into_iter().filter(|name| self.copies(name)) {
            let sum = copy(&self.snapshot.join(&name), &stage.join(&name))?;
            copies.insert(name, sum);
        }
        for (name, original) in &copies {
            let path = stage.join(name);
            if hash(&path)?.sha256 != *original {
                return Err(RestoreError::Copy { path });
            }
        }
        let aside = &plan.aside;
        fs::create_dir(aside).map_err(at(aside, "creating"))?;
        let written = make_like(&self.folder, aside)
            .and_then(|()| aside.parent().map_or(Ok(()), sync))
            .and_then(|()| plan.write(stage));
        if written.is_err() {
            // Empty, and in the way of the next run.
            let _ = fs::remove_dir(aside);
        }
        written
    }

    /// Goes on with a restore that was interrupted.
    ///
    /// # Errors
    ///
    /// [`RestoreError::NothingToResume`]; those of the file system, after which it can be
    /// resumed again.
    pub fn resume(folder: impl AsRef<Path>) -> Result<Restored> {
        let folder = folder.as_ref();
        let stage = folder.join(STAGE);
        let plan = interrupted(folder, &stage)?;
        if !stands(&stage.join(MOVED)) {
            plan.move_aside(folder, &stage)?;
        }
        let placed = plan.place(folder, &stage)?;
        let moved = entries(&plan.aside)?;
        discard(&stage)?;
        let [moved, placed, skipped] = [moved, placed, plan.skipped].map(shown);
        Ok(Restored { aside: plan.aside, moved, placed, skipped })
    }

    /// Goes back from a restore that was interrupted: what moved aside moves to where it was, and
    /// the copies of the snapshot are removed. Gives the names of what moved back.
    ///
    /// # Errors
    ///
    /// [`RestoreError::NothingToResume`]; [`RestoreError::InPlace`] where files of the snapshot
    /// are in their places already, with nothing touched; those of the file system, after which
    /// it can be called again.
    pub fn rollback(folder: impl AsRef<Path>) -> Result<Vec<String>> {
        let folder = folder.as_ref();
        let stage = folder.join(STAGE);
        let plan = interrupted(folder, &stage)?;
        let moved = stage.join(MOVED);
        if stands(&moved) {
            if let Some((place, name)) = plan.found(folder)?.into_iter().next() {
                return Err(RestoreError::InPlace { path: place.join(name), aside: plan.aside.clone() });
            }
            remove(&moved)?;
            sync(&stage)?;
        }
        let names = plan.move_back(folder)?;
        discard(&stage)?;
        fs::remove_dir(&plan.aside).map_err(at(&plan.aside, "removing"))?;
        Ok(shown(names))
    }
}

/// Moves the files; what moved aside moves back if that fails before anything new is in place.
fn go_on_or_back(folder: &Path) -> Result<Restored> {
    Restore::resume(folder).map_err(|error| match Restore::rollback(folder) {
        Ok(_) => RestoreError::PutBack { source: Box::new(error) },
        Err(_) => error,
    })
}

fn interrupted(folder: &Path, stage: &Path) -> Result<Plan> {
    Plan::read(stage)?.ok_or_else(|| RestoreError::NothingToResume { path: folder.to_owned() })
}

fn resolve(path: &Path) -> Result<PathBuf> {
    fs::canonicalize(path).map_err(at(path, "resolving"))
}

/// The file system something is on.
fn device(path: &Path) -> Result<u64> {
    Ok(fs::symlink_metadata(path).map_err(at(path, "asking for its file system"))?.dev())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    /// The folder for region files is gone when they are to move.
    #[test]
    fn what_moved_aside_is_put_back_if_the_rest_cannot_move() {
        let folder = tempfile::tempdir().unwrap();
        let (store, aside) = (folder.path().join("mboxlist"), folder.path().join("aside"));
        let stage = store.join(STAGE);
        fs::create_dir_all(&stage).unwrap();
        fs::create_dir(&aside).unwrap();
        fs::write(store.join("folder.db"), "old").unwrap();
        fs::write(stage.join("folder.db"), "new").unwrap();
        let cache = Some(folder.path().join("gone"));
        Plan { aside: aside.clone(), cache, skipped: vec!["removed".into()] }.write(&stage).unwrap();
        let failed = go_on_or_back(&store).unwrap_err();
        assert!(matches!(failed, RestoreError::PutBack { .. }), "{failed}");
        assert!(failed.to_string().ends_with("all old files are in their places again"), "{failed}");
        assert_eq!(fs::read(store.join("folder.db")).unwrap(), b"old");
        assert!(!stage.exists() && !aside.exists());
    }
}
