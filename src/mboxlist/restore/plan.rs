//! The plan of a restore: what a later run needs to know to go on, or to go back.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::error::{Result, at};
use super::moves::{entries, move_all, relocate, remove, remove_draft, stands, sync};
use crate::mboxlist::classify::Class;

/// Where copies wait, in the folder that is restored.
pub(in crate::mboxlist) const STAGE: &str = ".bdbkit-restore";
/// The plan, in that folder: the folder of what moves aside, the folder for region files, and
/// the names of what is not copied; with a zero after each but the last.
pub(super) const PLAN: &str = "bdbkit-plan";
/// A file that is there when everything has moved aside.
pub(super) const MOVED: &str = "bdbkit-moved";
/// What stays in its place: the locks of release 6.0.
pub(super) const STAYS: &str = "folderlock";
/// Where region files of another folder go, in the folder of what moves aside.
pub(super) const REGIONS: &str = "dbtmpdir";

/// What a later run needs to know.
pub(super) struct Plan {
    pub(super) aside: PathBuf,
    pub(super) cache: Option<PathBuf>,
    /// What is in the snapshot but not copied.
    pub(super) skipped: Vec<OsString>,
}

impl Plan {
    /// Writes it, so that it is there whole or not at all.
    pub(super) fn write(&self, stage: &Path) -> Result<()> {
        let path = stage.join(PLAN);
        let draft = stage.join("bdbkit-plan.tmp");
        let cache = self.cache.as_deref().unwrap_or(Path::new(""));
        let mut text = vec![self.aside.as_os_str().as_bytes(), cache.as_os_str().as_bytes()];
        text.extend(self.skipped.iter().map(|name| name.as_bytes()));
        let mut file = File::create(&draft).map_err(at(&draft, "creating"))?;
        file.write_all(&text.join(&0)).map_err(at(&draft, "writing"))?;
        file.sync_all().map_err(at(&draft, "syncing"))?;
        fs::rename(&draft, &path).map_err(at(&draft, "renaming"))?;
        sync(stage)?;
        stage.parent().map_or(Ok(()), sync)
    }

    pub(super) fn read(stage: &Path) -> Result<Option<Plan>> {
        let path = stage.join(PLAN);
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(at(&path, "reading"))?,
        };
        let mut fields = text.split(|&byte| byte == 0).map(|field| OsString::from_vec(field.to_vec()));
        let aside = PathBuf::from(fields.next().unwrap_or_default());
        let cache = fields.next().map(PathBuf::from).filter(|cache| !cache.as_os_str().is_empty());
        Ok(Some(Plan { aside, cache, skipped: fields.filter(|name| !name.is_empty()).collect() }))
    }

    /// Moves what is in the folder aside, and notes that all of it has.
    pub(super) fn move_aside(&self, folder: &Path, stage: &Path) -> Result<()> {
        move_all(folder, &self.aside, of_store)?;
        if let Some(cache) = &self.cache {
            let aside = self.aside.join(REGIONS);
            fs::create_dir_all(&aside).map_err(at(&aside, "creating"))?;
            sync(&self.aside)?;
            self.remove_drafts()?;
            move_all(cache, &aside, region)?;
        }
        let moved = stage.join(MOVED);
        let note = File::create(&moved).map_err(at(&moved, "creating"))?;
        note.sync_all().map_err(at(&moved, "syncing"))?;
        sync(stage)
    }

    /// Moves what has moved aside back to where it was; gives its names.
    pub(super) fn move_back(&self, folder: &Path) -> Result<Vec<OsString>> {
        let mut names = Vec::new();
        if let Some(cache) = &self.cache {
            self.remove_drafts()?;
            let aside = self.aside.join(REGIONS);
            if stands(&aside) {
                names = move_all(&aside, cache, |_| true)?;
                fs::remove_dir(&aside).map_err(at(&aside, "removing"))?;
            }
        }
        names.extend(move_all(&self.aside, folder, |_| true)?);
        names.sort();
        Ok(names)
    }

    /// Moves the copies to their places; gives the names of what is there then.
    pub(super) fn place(&self, folder: &Path, stage: &Path) -> Result<Vec<OsString>> {
        self.remove_drafts()?;
        for name in entries(stage)?.into_iter().filter(|name| name != PLAN && name != MOVED) {
            let target = match &self.cache {
                Some(cache) if region(&name) => cache,
                _ => folder,
            };
            relocate(&stage.join(&name), &target.join(&name))?;
        }
        sync(folder)?;
        self.cache.as_deref().map_or(Ok(()), sync)?;
        let mut placed: Vec<_> = self.found(folder)?.into_iter().map(|(_, name)| name).collect();
        placed.sort();
        Ok(placed)
    }

    /// What stands in the places of the snapshot's files.
    pub(super) fn found<'a>(&'a self, folder: &'a Path) -> Result<Vec<(&'a Path, OsString)>> {
        let names = entries(folder)?.into_iter().filter(|name| of_store(name));
        let mut found: Vec<_> = names.map(|name| (folder, name)).collect();
        if let Some(cache) = self.cache.as_deref() {
            found.extend(entries(cache)?.into_iter().filter(|name| region(name)).map(|name| (cache, name)));
        }
        Ok(found)
    }

    fn remove_drafts(&self) -> Result<()> {
        let Some(cache) = &self.cache else { return Ok(()) };
        remove_draft(&self.aside.join(REGIONS))?;
        remove_draft(cache)
    }
}

/// Whether a file is a region file, by its name.
pub(super) fn region(name: &OsStr) -> bool {
    matches!(Class::of_file(Path::new(name)), Class::Region(_))
}

/// Whether something in the folder moves aside.
pub(super) fn of_store(name: &OsStr) -> bool {
    name != STAGE && name != STAYS
}

/// Removes the folder of copies. The plan goes first: with it, but without the copies or the
/// note that everything has moved, a later run would lose what is in place.
pub(super) fn discard(stage: &Path) -> Result<()> {
    if !stands(stage) {
        return Ok(());
    }
    let plan = stage.join(PLAN);
    if stands(&plan) {
        remove(&plan)?;
        sync(stage)?;
    }
    for name in entries(stage)? {
        remove(&stage.join(name))?;
    }
    fs::remove_dir(stage).map_err(at(stage, "removing"))
}
