//! A restore that has a plan: it goes on, or goes back.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::Restored;
use super::aside;
use super::error::{RestoreError, Result, at, foreign};
use super::moves::{Found, Mover, Step, look, remove};
use super::names::{MARK, REGIONS, draft, of_store, region};
use super::plan::{Item, Place, Plan, State};
use super::stage::Stage;
use crate::journal::{Disk, EntryKind};

/// A restore whose plan is believed.
pub(super) struct Progress<'d, D: Disk> {
    stage: Stage<'d, D>,
    plan: Plan,
    /// The file system of the folder that is restored.
    device: u64,
}

impl<'d, D: Disk> Progress<'d, D> {
    /// Looks at all folders of a plan before a file moves.
    pub(super) fn of(stage: Stage<'d, D>, plan: Plan) -> Result<Self> {
        let disk = stage.disk;
        let folder = disk.resolve(&stage.folder).map_err(at(&stage.folder, "resolving"))?;
        let here =
            look(disk, &folder)?.ok_or_else(|| RestoreError::Missing { path: stage.folder.clone() })?;
        let device = here.identity.device;
        if matches!(plan.state, State::Moving | State::Placing) {
            aside::check(disk, &plan, device)?;
        }
        if let Some((path, is)) = plan.cache.as_ref().filter(|_| plan.state != State::Staging) {
            let found = look(disk, path)?.ok_or_else(|| RestoreError::Missing { path: path.clone() })?;
            if found.kind != EntryKind::Folder || !plan.is_known(*is, found.identity, device) {
                return Err(foreign(path, "it is not the folder that was named for region files"));
            }
        }
        // A plan that was found must not be lost again after a file has moved.
        stage.sync()?;
        Ok(Progress { stage, plan, device })
    }

    /// Moves all to its place, and counts it.
    pub(super) fn forward(mut self) -> Result<Self> {
        if self.plan.state == State::Moving {
            self.only(|place| self.names(&self.plan.moves, place))?;
            let steps = self.steps(&self.plan.moves, |item| (self.origin(item), self.aside(item)))?;
            for item in &self.plan.places {
                let path = self.staged(item);
                match self.mover().find(&path, &item.known)? {
                    Found::It => {}
                    Found::Nothing => return Err(RestoreError::Missing { path }),
                    Found::Other => return Err(RestoreError::Copy { path }),
                }
            }
            self.remove_drafts()?;
            self.mover().go(&steps)?;
            self.enter(State::Placing)?;
        }
        if self.plan.state == State::Placing {
            self.only(|place| self.names(&self.plan.places, place))?;
            let steps = self.steps(&self.plan.places, |item| (self.staged(item), self.origin(item)))?;
            self.count(&self.plan.moves, |item| self.aside(item))?;
            self.remove_drafts()?;
            self.mover().go(&steps)?;
        }
        self.count(&self.plan.moves, |item| self.aside(item))?;
        self.count(&self.plan.places, |item| self.origin(item))?;
        if self.plan.state != State::Done {
            self.enter(State::Done)?;
        }
        Ok(self)
    }

    /// Removes the stage when all is done, and says what was.
    pub(super) fn end(self) -> Result<Restored> {
        self.stage.discard(Some(&self.plan))?;
        let Plan { aside, moves, places, skipped, .. } = self.plan;
        let names = |items: Vec<Item>| items.into_iter().map(|item| item.name).collect();
        Ok(Restored { aside, moved: names(moves), placed: names(places), skipped })
    }

    /// Moves back what moved aside, and removes the copies; gives the names of what moved back.
    pub(super) fn back(mut self) -> Result<Vec<OsString>> {
        let mut names = Vec::new();
        if matches!(self.plan.state, State::Placing | State::Done) {
            if let Some(path) = self.in_place()? {
                return Err(RestoreError::InPlace { path, aside: self.plan.aside });
            }
        }
        if self.plan.state != State::Staging {
            self.only(|place| self.names(&self.plan.moves, place))?;
            let steps = self.steps(&self.plan.moves, |item| (self.aside(item), self.origin(item)))?;
            let moved = self.plan.moves.iter().zip(&steps).filter(|(_, step)| !step.done());
            names = moved.map(|(item, _)| item.name.clone()).collect();
            if self.plan.state != State::Moving {
                self.enter(State::Moving)?;
            }
            self.remove_drafts()?;
            self.mover().go(&steps)?;
            self.enter(State::Staging)?;
        }
        self.stage.discard(Some(&self.plan))?;
        names.sort();
        Ok(names)
    }

    /// Removes copies on another file system that an earlier run did not bring to their end. Their
    /// names have the number of this restore.
    fn remove_drafts(&self) -> Result<()> {
        let Some((cache, _)) = self.plan.cache.as_ref().filter(|_| self.plan.state != State::Staging) else {
            return Ok(());
        };
        for folder in [cache, &self.aside_at(Place::Cache)] {
            let path = folder.join(draft(self.plan.id));
            if look(self.stage.disk, &path)?.is_some_and(|found| found.kind == EntryKind::File) {
                remove(self.stage.disk, &path)?;
            }
        }
        Ok(())
    }

    /// Something that stands in the places of the snapshot's files.
    fn in_place(&self) -> Result<Option<PathBuf>> {
        for (place, folder) in self.places() {
            let names = self.stage.disk.names(folder).map_err(at(folder, "reading"))?;
            if let Some(name) = names.iter().find(|name| belongs(place, name)) {
                return Ok(Some(folder.join(name)));
            }
        }
        Ok(None)
    }

    /// Refuses what stands in the folders of the store, or in those aside, and is not expected:
    /// not one file may stay beside the databases that is not of them.
    fn only<'p>(&'p self, expected: impl Fn(Place) -> BTreeSet<&'p OsStr>) -> Result<()> {
        let draft = draft(self.plan.id);
        for (place, folder) in self.places() {
            let expected = expected(place);
            self.none_but(folder, |name| !belongs(place, name) || expected.contains(name))?;
            let (moved, folder) = (self.names(&self.plan.moves, place), self.aside_at(place));
            let own = |name: &OsStr| match place {
                Place::Folder => name == MARK || (name == REGIONS && self.plan.cache.is_some()),
                Place::Cache => name == &*draft,
            };
            self.none_but(&folder, |name| own(name) || moved.contains(name))?;
        }
        Ok(())
    }

    fn none_but(&self, folder: &Path, expected: impl Fn(&OsStr) -> bool) -> Result<()> {
        let names = self.stage.disk.names(folder).map_err(at(folder, "reading"))?;
        match names.into_iter().find(|name| !expected(name)) {
            Some(name) => Err(RestoreError::Unexpected { path: folder.join(name) }),
            None => Ok(()),
        }
    }

    fn names<'p>(&self, items: &'p [Item], place: Place) -> BTreeSet<&'p OsStr> {
        items.iter().filter(|item| item.place == place).map(|item| &*item.name).collect()
    }

    fn steps(&self, items: &[Item], way: impl Fn(&Item) -> (PathBuf, PathBuf)) -> Result<Vec<Step>> {
        let step = |item: &Item| {
            let (from, to) = way(item);
            self.mover().step(from, to, item.known)
        };
        items.iter().map(step).collect()
    }

    /// Counts that all is where it belongs.
    fn count(&self, items: &[Item], place: impl Fn(&Item) -> PathBuf) -> Result<()> {
        for item in items {
            let path = place(item);
            match self.mover().find(&path, &item.known)? {
                Found::It => {}
                Found::Nothing => return Err(RestoreError::Missing { path }),
                Found::Other => return Err(RestoreError::Unexpected { path }),
            }
        }
        Ok(())
    }

    fn enter(&mut self, state: State) -> Result<()> {
        let plan = Plan { state, ..self.plan.clone() };
        self.stage.write(&plan)?;
        self.plan = plan;
        Ok(())
    }

    fn mover(&self) -> Mover<'_, D> {
        Mover { disk: self.stage.disk, plan: &self.plan, device: self.device }
    }

    /// The folders in which the files of the store are.
    fn places(&self) -> impl Iterator<Item = (Place, &Path)> {
        let cache = self.plan.cache.as_ref().map(|(path, _)| (Place::Cache, path.as_path()));
        std::iter::once((Place::Folder, self.stage.folder.as_path())).chain(cache)
    }

    /// Where something is before it moves aside, or when it is placed.
    fn origin(&self, item: &Item) -> PathBuf {
        let folder = match (&self.plan.cache, item.place) {
            (Some((cache, _)), Place::Cache) => cache,
            _ => &self.stage.folder,
        };
        folder.join(&item.name)
    }

    fn aside_at(&self, place: Place) -> PathBuf {
        match place {
            Place::Folder => self.plan.aside.clone(),
            Place::Cache => self.plan.aside.join(REGIONS),
        }
    }

    fn aside(&self, item: &Item) -> PathBuf {
        self.aside_at(item.place).join(&item.name)
    }

    fn staged(&self, item: &Item) -> PathBuf {
        self.stage.path.join(&item.name)
    }
}

/// Whether something in a folder of the store moves aside, by its name.
fn belongs(place: Place, name: &OsStr) -> bool {
    match place {
        Place::Folder => of_store(name),
        Place::Cache => region(name),
    }
}
