//! The folder in which the copies wait, and the plan beside them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::aside;
use super::error::{Result, at, foreign};
use super::moves::{copy, remove, rename_new};
use super::names::{DRAFT, PLAN, STAGE, draft};
use super::plan::{self, Known, Plan, State};
use crate::journal::{Disk, DiskFile, EntryKind, FileEntry, Identity};

/// The folder in which the copies wait.
pub(super) struct Stage<'d, D: Disk> {
    pub(super) disk: &'d D,
    pub(super) folder: PathBuf,
    pub(super) path: PathBuf,
}

/// What an earlier run left.
pub(super) enum Left {
    Nothing,
    /// A stage, in which there is no plan yet and nothing else.
    Unplanned,
    Planned(Box<Plan>),
}

impl<'d, D: Disk> Stage<'d, D> {
    pub(super) fn of(disk: &'d D, folder: &Path) -> Stage<'d, D> {
        Stage { disk, folder: folder.to_owned(), path: folder.join(STAGE) }
    }

    /// What an earlier run left. Whatever else there is is refused by its name.
    pub(super) fn left(&self) -> Result<Left> {
        let Some(stage) = self.look(&self.path)? else { return Ok(Left::Nothing) };
        if let Some(what) = stage.folder_not_of(self.disk.user()) {
            return Err(foreign(&self.path, what));
        }
        if stage.mode & 0o077 != 0 {
            return Err(foreign(&self.path, "others may look into it"));
        }
        let names = self.disk.names(&self.path).map_err(at(&self.path, "reading"))?;
        let planned = names.iter().any(|name| name == PLAN);
        let plan = if planned { Some(self.read(stage.identity)?) } else { None };
        for name in names.iter().filter(|name| *name != PLAN) {
            self.judge(name, plan.as_ref())?;
        }
        Ok(plan.map_or(Left::Unplanned, |plan| Left::Planned(Box::new(plan))))
    }

    /// Refuses what this program did not put into the stage.
    fn judge(&self, name: &OsString, plan: Option<&Plan>) -> Result<()> {
        let path = self.path.join(name);
        // What went meanwhile went by no hand of ours.
        let Some(found) = self.look(&path)? else { return Ok(()) };
        let user = self.disk.user();
        let fault = match plan {
            _ if name == DRAFT => match found.file_not_of(user) {
                None if found.size > plan::LONGEST => Some("too long for the draft of a plan"),
                None if !plan::is_torn(&self.bytes(&path, found)?) => Some("it is not the draft of a plan"),
                fault => fault,
            },
            None => Some("no plan of a restore is here"),
            Some(plan) => match plan.places.iter().find(|item| item.name == *name).map(|item| item.known) {
                Some(Known::Content { hash, .. }) if found.size != hash.size => {
                    Some("it is not as long as the file of the snapshot")
                }
                Some(Known::Content { owner, .. }) => copy_not_of(found, &[user, 0, owner]),
                // It may have its owner already.
                _ if *name == *draft(plan.id) => copy_not_of(found, &[found.owner]),
                _ => Some("the plan of the restore does not name it"),
            },
        };
        fault.map_or(Ok(()), |what| Err(foreign(&path, what)))
    }

    /// Reads the plan, which must be that of a restore of this folder.
    fn read(&self, stage: Identity) -> Result<Plan> {
        let path = self.path.join(PLAN);
        let found = self.look(&path)?.ok_or_else(|| foreign(&path, "it has just gone"))?;
        if let Some(what) = found.file_not_of(self.disk.user()) {
            return Err(foreign(&path, what));
        }
        if found.size > plan::LONGEST {
            return Err(foreign(&path, "too long for a plan of a restore"));
        }
        let plan = Plan::parse(&self.bytes(&path, found)?).map_err(|what| foreign(&path, what))?;
        let folder = self.disk.resolve(&self.folder).map_err(at(&self.folder, "resolving"))?;
        let folder = self.look(&folder)?.ok_or_else(|| foreign(&path, "its folder has just gone"))?;
        let device = folder.identity.device;
        let here = plan.is_known(plan.folder, folder.identity, device);
        if here && plan.is_known(plan.stage, stage, device) {
            Ok(plan)
        } else {
            Err(foreign(&path, "it is the plan of a restore of another folder"))
        }
    }

    /// The bytes of a small file.
    fn bytes(&self, path: &Path, found: FileEntry) -> Result<Vec<u8>> {
        if found.kind != EntryKind::File {
            return Err(foreign(path, found.kind.name()));
        }
        let mut bytes = vec![0; usize::try_from(found.size).unwrap_or_default()];
        let file = self.disk.open_plain(path).map_err(at(path, "opening"))?;
        if file.identity().map_err(at(path, "looking at it"))? != found.identity {
            return Err(foreign(path, "it was replaced while it was read"));
        }
        file.read_at(0, &mut bytes).map_err(at(path, "reading"))?;
        Ok(bytes)
    }

    fn look(&self, path: &Path) -> Result<Option<FileEntry>> {
        self.disk.look(path).map_err(at(path, "looking for it"))
    }

    /// Makes the folder: one that is there is not taken.
    pub(super) fn create(&self) -> Result<Identity> {
        self.disk.create_dir(&self.path).map_err(at(&self.path, "creating"))?;
        self.sync_folder()?;
        let made = self.look(&self.path)?.ok_or_else(|| foreign(&self.path, "it has just gone"))?;
        Ok(made.identity)
    }

    /// Writes the plan in place of the one before, so that either is there whole.
    pub(super) fn write(&self, plan: &Plan) -> Result<()> {
        let (path, draft) = (self.path.join(PLAN), self.path.join(DRAFT));
        if self.look(&draft)?.is_some() {
            remove(self.disk, &draft)?;
        }
        let file = self.disk.create_new(&draft).map_err(at(&draft, "creating"))?;
        file.write_at(0, &plan.encode()).map_err(at(&draft, "writing"))?;
        file.sync_all().map_err(at(&draft, "syncing"))?;
        self.disk.rename(&draft, &path).map_err(at(&draft, "renaming"))?;
        self.sync()
    }

    /// Copies the files of the snapshot, and notes in the plan what is in them.
    pub(super) fn copy(&self, plan: &mut Plan, snapshot: &Path) -> Result<()> {
        let draft = self.path.join(draft(plan.id));
        for item in &mut plan.places {
            let (owner, hash) = copy(self.disk, &snapshot.join(&item.name), &draft)?;
            item.known = Known::Content { owner, hash };
            rename_new(self.disk, &draft, &self.path.join(&item.name))?;
        }
        self.sync()
    }

    /// Removes the stage, and of the folder aside what serves nobody any more. The plan goes
    /// last: without it nobody knows whose the copies are.
    pub(super) fn discard(&self, plan: Option<&Plan>) -> Result<()> {
        if let Some(plan) = plan {
            match plan.state {
                State::Done => aside::unmark(self.disk, plan)?,
                _ => aside::remove(self.disk, plan)?,
            }
        }
        let names = self.disk.names(&self.path).map_err(at(&self.path, "reading"))?;
        for name in names.iter().filter(|name| *name != PLAN) {
            // Nothing else has come since it was looked at.
            self.judge(name, plan)?;
            remove(self.disk, &self.path.join(name))?;
        }
        self.sync()?;
        if names.iter().any(|name| name == PLAN) {
            remove(self.disk, &self.path.join(PLAN))?;
            self.sync()?;
        }
        self.disk.remove_dir(&self.path).map_err(at(&self.path, "removing"))?;
        self.sync_folder()
    }

    pub(super) fn sync(&self) -> Result<()> {
        self.disk.sync_dir(&self.path).map_err(at(&self.path, "syncing"))
    }

    fn sync_folder(&self) -> Result<()> {
        self.disk.sync_dir(&self.folder).map_err(at(&self.folder, "syncing"))
    }
}

/// Why something is not a copy that was made here, for one of these users; `None` if it is.
fn copy_not_of(found: FileEntry, owners: &[u32]) -> Option<&'static str> {
    match found.kind {
        EntryKind::File if found.links > 1 => Some("a file with a second name"),
        EntryKind::File if !owners.contains(&found.owner) => Some("it belongs to another user"),
        EntryKind::File => None,
        kind => Some(kind.name()),
    }
}
