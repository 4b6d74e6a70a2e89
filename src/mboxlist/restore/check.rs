//! What is looked at before anything is touched: whether the restore can come to its end.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::Restore;
use super::error::{RestoreError, Result, at};
use super::moves::{self, look};
use super::names::{MARK, MARKS, REGIONS, STAGE, STAYS, is_own, of_store, region};
use super::plan::{Item, Known, Place, Plan, State};
use crate::journal::{self, Disk, EntryKind, Identity};
use crate::mboxlist::files;
use crate::mboxlist::files::Hash;
use crate::mboxlist::names::listed;
use crate::mboxlist::survey::{Code, Snapshot, SnapshotVerdict, SurveyOptions};

impl<D: Disk> Restore<'_, D> {
    /// Refuses what cannot come to its end, before anything is touched. Gives what would be done,
    /// in a stage that is not there yet.
    pub(super) fn check(&self) -> Result<Plan> {
        let disk = self.disk;
        let names = disk.names(&self.snapshot).map_err(at(&self.snapshot, "reading"))?;
        let missing = |what| Err(RestoreError::NotASnapshot { path: self.snapshot.clone(), what });
        if !names.iter().any(|name| name.as_encoded_bytes().ends_with(b".db")) {
            return missing("it holds no database");
        }
        if !names.iter().any(|name| files::is_log(Path::new(name))) {
            return missing("it holds no log, without which its databases are worth nothing");
        }
        let folder = resolve(disk, &self.folder)?;
        let snapshot = resolve(disk, &self.snapshot)?;
        if folder == snapshot {
            return missing("it is the folder that is restored");
        }
        let (aside, folder_is) = self.aside_of(&folder, &snapshot)?;
        let cache = self.cache_of(&folder, &snapshot)?;
        let (mut places, mut skipped) = (Vec::new(), Vec::new());
        for name in names.into_iter().filter(|name| self.wants(name)) {
            let path = self.snapshot.join(&name);
            let found = look(disk, &path)?.ok_or(RestoreError::Changed { path: path.clone() })?;
            match found.kind {
                EntryKind::Link => return Err(RestoreError::Link { path }),
                EntryKind::File if ![STAGE, STAYS, MARK].iter().any(|own| name == *own) && !is_own(&name) => {
                    let place = if cache.is_some() && region(&name) { Place::Cache } else { Place::Folder };
                    // What is in it, the copy tells.
                    let hash = Hash { sha256: [0; 32], size: found.size };
                    places.push(Item { name, place, known: Known::Content { owner: found.owner, hash } });
                }
                _ => skipped.push(name),
            }
        }
        let moves = self.moving(&folder, cache.as_ref().map(|(path, _)| path.as_path()))?;
        self.judge(cache.as_ref().map(|(path, _)| path.as_path()))?;
        let id = journal::random();
        let (state, stage) = (State::Staging, Identity::default());
        Ok(Plan { id, state, folder: folder_is, stage, aside, aside_is: None, cache, moves, places, skipped })
    }

    /// Whether something in the snapshot belongs to what is restored, by its name.
    fn wants(&self, name: &OsStr) -> bool {
        MARKS.iter().all(|mark| name != *mark) && (self.regions || !region(name))
    }

    /// The folder for what moves aside: a new one, to which all of it can move.
    fn aside_of(&self, folder: &Path, snapshot: &Path) -> Result<(PathBuf, Identity)> {
        let refused = || RestoreError::Aside { path: self.aside.clone() };
        let name = self.aside.file_name().ok_or_else(refused)?;
        let parent = resolve(self.disk, crate::folder::directory(&self.aside))?;
        if parent.starts_with(folder)
            || parent.starts_with(snapshot)
            || look(self.disk, &self.aside)?.is_some()
        {
            return Err(refused());
        }
        let here = self.identity(folder)?;
        if self.identity(&parent)?.device != here.device {
            return Err(RestoreError::OtherFileSystem { path: self.aside.clone() });
        }
        Ok((parent.join(name), here))
    }

    /// What moves aside.
    fn moving(&self, folder: &Path, cache: Option<&Path>) -> Result<Vec<Item>> {
        let device = self.identity(folder)?.device;
        let mut items = Vec::new();
        let names = self.disk.names(folder).map_err(at(&self.folder, "reading"))?;
        for name in names.into_iter().filter(|name| of_store(name)) {
            let path = self.folder.join(&name);
            let is = self.identity(&path)?;
            if is.device != device {
                return Err(RestoreError::OtherFileSystem { path });
            }
            if name == MARK {
                return Err(RestoreError::Clash { path });
            }
            items.push(Item { name, place: Place::Folder, known: Known::Itself(is) });
        }
        let Some(cache) = cache else { return Ok(items) };
        let names = self.disk.names(cache).map_err(at(cache, "reading"))?;
        for name in names.into_iter().filter(|name| region(name)) {
            let path = cache.join(&name);
            let owner = look(self.disk, &path)?.map_or(0, |found| found.owner);
            let hash = moves::hash(self.disk, &path)?;
            items.push(Item { name, place: Place::Cache, known: Known::Content { owner, hash } });
        }
        Ok(items)
    }

    /// The folder of the region files, if it is not the one that is restored.
    fn cache_of(&self, folder: &Path, snapshot: &Path) -> Result<Option<(PathBuf, Identity)>> {
        let Some(given) = &self.cache else { return Ok(None) };
        let refused = |what| Err(RestoreError::Cache { path: given.clone(), what });
        let cache = resolve(self.disk, given)?;
        if cache == folder {
            return Ok(None);
        }
        let Some(found) = look(self.disk, &cache)?.filter(|found| found.kind == EntryKind::Folder) else {
            return refused("it is none");
        };
        if cache.starts_with(folder) {
            return refused("it lies in the folder that is restored, and would move aside with it");
        }
        if cache.starts_with(snapshot) {
            return refused("it lies in the snapshot");
        }
        let names = self.disk.names(&cache).map_err(at(given, "reading"))?;
        for name in names.iter().filter(|name| region(name)) {
            if look(self.disk, &cache.join(name))?.is_none_or(|found| found.kind != EntryKind::File) {
                return refused("what has the name of a region file in it is none");
            }
        }
        if look(self.disk, &folder.join(REGIONS))?.is_some() {
            return refused("the folder that is restored has a dbtmpdir, too, which moves aside");
        }
        Ok(Some((cache, found.identity)))
    }

    /// Refuses a snapshot that is not valid, and a store that may be running.
    fn judge(&self, cache: Option<&Path>) -> Result<()> {
        if !self.force {
            let snapshot = Snapshot::of(&self.snapshot);
            if snapshot.verdict != SnapshotVerdict::Valid {
                let (path, verdict) = (self.snapshot.clone(), snapshot.verdict);
                return Err(RestoreError::Unfit { path, verdict, reason: snapshot.reason() });
            }
        }
        if self.assume_closed {
            return Ok(());
        }
        let options = SurveyOptions::new().alone();
        let survey = cache.iter().fold(options, SurveyOptions::dbtmpdir).survey(&self.folder)?;
        if survey.regions.is_empty() {
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

    fn identity(&self, path: &Path) -> Result<Identity> {
        let found = look(self.disk, path)?;
        Ok(found.ok_or_else(|| RestoreError::Missing { path: path.to_owned() })?.identity)
    }
}

fn resolve<D: Disk>(disk: &D, path: &Path) -> Result<PathBuf> {
    disk.resolve(path).map_err(at(path, "resolving"))
}
