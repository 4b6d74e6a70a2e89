//! Putting a snapshot in the place of the databases (mboxlist, "`snapshot restore`").
//!
//! ```text
//! 0  the snapshot is judged, and so is whether the store may be running
//! 1  the snapshot's files are copied to DIR/.bdbkit-restore, synced, and compared
//! 2  the plan is written there: from now on a later run goes on
//! 3  what is in DIR moves aside; then it is noted that all of it has
//! 4  the copies move to their places, and .bdbkit-restore is removed
//! ```
//!
//! Nothing is ever deleted but copies that were made here.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::files::{self, Hash};
use super::survey::{Code, Snapshot, SurveyOptions, Verdict};
use crate::upgrade::is_region;

/// Where copies wait, in the folder that is restored.
pub(super) const STAGE: &str = ".bdbkit-restore";
/// The plan, in that folder: the folder of what moves aside, and the folder for region files.
const PLAN: &str = "bdbkit-plan";
/// A file that is there when everything has moved aside.
const MOVED: &str = "bdbkit-moved";
/// Marks of a snapshot, which are none of the database.
const MARKS: [&str; 2] = [".snaptime", ".verified"];
/// What stays in its place: the locks of release 6.0.
const STAYS: &str = "folderlock";

/// Why a snapshot was not restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The file system refused.
    #[error("{}: {doing}: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the file system said.
        source: io::Error,
    },
    /// The folder of the databases cannot be read.
    #[error(transparent)]
    Folder(#[from] crate::Error),
    /// The snapshot has no databases, or no logs.
    #[error("{}: no snapshot: {what}", .path.display())]
    NotASnapshot {
        /// The folder.
        path: PathBuf,
        /// What is missing.
        what: &'static str,
    },
    /// The snapshot is not valid, or not what its marks say.
    #[error("{}: {}: {reason}", .path.display(), .verdict.name())]
    Unfit {
        /// The folder.
        path: PathBuf,
        /// What it is worth.
        verdict: Verdict,
        /// Why.
        reason: String,
    },
    /// The store may be running.
    #[error("{}: {what}", .path.display())]
    Live {
        /// The folder.
        path: PathBuf,
        /// What shows it.
        what: String,
    },
    /// An earlier run did not come to its end.
    #[error("{}: an earlier restore did not come to its end: resume it first", .path.display())]
    Interrupted {
        /// The folder.
        path: PathBuf,
    },
    /// There is nothing to resume.
    #[error("{}: no restore was interrupted here", .path.display())]
    NothingToResume {
        /// The folder.
        path: PathBuf,
    },
    /// The folder for what moves aside is there already, or lies within the one restored.
    #[error("{}: not a new folder outside of the one that is restored", .path.display())]
    Aside {
        /// The folder.
        path: PathBuf,
    },
    /// A copy is not what was copied.
    #[error("{}: the copy is not like the original", .path.display())]
    Copy {
        /// The copy.
        path: PathBuf,
    },
}

type Result<T> = std::result::Result<T, RestoreError>;

fn at<'p>(path: &'p Path, doing: &'static str) -> impl FnOnce(io::Error) -> RestoreError + 'p {
    move |source| RestoreError::Io { path: path.to_owned(), doing, source }
}

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

    /// Takes it that no program uses the store, although region files of a store that was not
    /// closed are there.
    #[must_use]
    pub fn assume_closed(mut self, assume: bool) -> Restore {
        self.assume_closed = assume;
        self
    }

    /// Does it.
    ///
    /// # Errors
    ///
    /// The snapshot is unfit, or the store may be running; what is missing, or what the file system says. Before the copies are whole nothing in the
    /// folder was touched; after that [`Restore::resume`] goes on.
    pub fn run(&self) -> Result<Restored> {
        let stage = self.folder.join(STAGE);
        if stage.join(PLAN).exists() {
            return Err(RestoreError::Interrupted { path: self.folder.clone() });
        }
        self.check()?;
        discard(&stage)?;
        fs::create_dir(&stage).map_err(at(&stage, "creating"))?;
        let staged = self.stage(&stage);
        if staged.is_err() {
            discard(&stage)?;
        }
        staged?;
        Restore::resume(&self.folder)
    }

    fn check(&self) -> Result<()> {
        let names = entries(&self.snapshot)?;
        let missing = |what| Err(RestoreError::NotASnapshot { path: self.snapshot.clone(), what });
        if !names.iter().any(|name| name.ends_with(".db")) {
            return missing("it holds no database");
        }
        if !names.iter().any(|name| files::is_log(Path::new(name))) {
            return missing("it holds no log, without which its databases are worth nothing");
        }
        let folder = fs::canonicalize(&self.folder).map_err(at(&self.folder, "resolving"))?;
        let parent = match self.aside.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let parent = fs::canonicalize(parent).map_err(at(parent, "resolving"))?;
        if parent.starts_with(&folder) || self.aside.exists() {
            return Err(RestoreError::Aside { path: self.aside.clone() });
        }
        self.judge()
    }

    /// Refuses a snapshot that is not valid, and a store that may be running.
    fn judge(&self) -> Result<()> {
        let snapshot = Snapshot::of(&self.snapshot);
        if snapshot.verdict != Verdict::Valid && !self.force {
            let (path, verdict) = (self.snapshot.clone(), snapshot.verdict);
            return Err(RestoreError::Unfit { path, verdict, reason: snapshot.reason() });
        }
        let options = SurveyOptions::new().alone();
        let survey = self.cache.iter().fold(options, SurveyOptions::dbtmpdir).survey(&self.folder)?;
        let live = survey.findings.iter().find(|finding| finding.code == Code::Live);
        match live.filter(|_| !self.assume_closed) {
            Some(live) => Err(RestoreError::Live { path: self.folder.clone(), what: live.text.clone() }),
            None => Ok(()),
        }
    }

    /// Copies the snapshot, and writes the plan when all of it is there.
    fn stage(&self, stage: &Path) -> Result<()> {
        let mut copies = BTreeMap::new();
        for name in entries(&self.snapshot)? {
            let from = self.snapshot.join(&name);
            if MARKS.contains(&name.as_str()) || !from.is_file() || (is_region(&name) && !self.regions) {
                continue;
            }
            copies.insert(name.clone(), copy(&from, &stage.join(&name))?);
        }
        for (name, original) in &copies {
            let path = stage.join(name);
            if hash(&path)?.sha256 != *original {
                return Err(RestoreError::Copy { path });
            }
        }
        let parent = self.aside.parent().filter(|parent| !parent.as_os_str().is_empty());
        let absolute = |path: &Path| std::path::absolute(path).map_err(at(path, "resolving"));
        fs::create_dir(&self.aside).map_err(at(&self.aside, "creating"))?;
        sync(parent.unwrap_or(Path::new(".")))?;
        let plan =
            Plan { aside: absolute(&self.aside)?, cache: self.cache.as_deref().map(absolute).transpose()? };
        plan.write(stage)
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
        let plan = Plan::read(&stage)?;
        let Some(plan) = plan else {
            return Err(RestoreError::NothingToResume { path: folder.to_owned() });
        };
        let moved = stage.join(MOVED);
        if !moved.exists() {
            move_aside(folder, &plan.aside, |name| name != STAGE && name != STAYS)?;
            if let Some(cache) = &plan.cache {
                let aside = plan.aside.join("dbtmpdir");
                fs::create_dir_all(&aside).map_err(at(&aside, "creating"))?;
                move_aside(cache, &aside, is_region)?;
            }
            let note = File::create(&moved).map_err(at(&moved, "creating"))?;
            note.sync_all().map_err(at(&moved, "syncing"))?;
            sync(&stage)?;
        }
        let placed = plan.place(folder, &stage)?;
        let mut names = entries(&plan.aside)?;
        names.sort();
        discard(&stage)?;
        Ok(Restored { aside: plan.aside, moved: names, placed })
    }
}

/// What a later run needs to know.
struct Plan {
    aside: PathBuf,
    cache: Option<PathBuf>,
}

impl Plan {
    /// Writes it, so that it is there whole or not at all.
    fn write(&self, stage: &Path) -> Result<()> {
        let path = stage.join(PLAN);
        let draft = stage.join("bdbkit-plan.tmp");
        let cache = self.cache.as_deref().unwrap_or(Path::new(""));
        let text = [self.aside.as_os_str(), cache.as_os_str()].map(|path| path.as_encoded_bytes().to_vec());
        let mut file = File::create(&draft).map_err(at(&draft, "creating"))?;
        file.write_all(&text.join(&0)).map_err(at(&draft, "writing"))?;
        file.sync_all().map_err(at(&draft, "syncing"))?;
        fs::rename(&draft, &path).map_err(at(&draft, "renaming"))?;
        sync(stage)?;
        stage.parent().map_or(Ok(()), sync)
    }

    fn read(stage: &Path) -> Result<Option<Plan>> {
        let path = stage.join(PLAN);
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(at(&path, "reading"))?,
        };
        let text = String::from_utf8_lossy(&text).into_owned();
        let (aside, cache) = text.split_once('\0').unwrap_or((&text, ""));
        let cache = Some(PathBuf::from(cache)).filter(|cache| !cache.as_os_str().is_empty());
        Ok(Some(Plan { aside: PathBuf::from(aside), cache }))
    }

    /// Moves the copies to their places; gives the names of what is there then.
    fn place(&self, folder: &Path, stage: &Path) -> Result<Vec<String>> {
        for name in entries(stage)?.into_iter().filter(|name| name != PLAN && name != MOVED) {
            let target = match &self.cache {
                Some(cache) if is_region(&name) => cache,
                _ => folder,
            };
            let (from, to) = (stage.join(&name), target.join(&name));
            relocate(&from, &to)?;
        }
        sync(folder)?;
        let mut placed = entries(folder)?;
        if let Some(cache) = &self.cache {
            sync(cache)?;
            placed.extend(entries(cache)?.into_iter().filter(|name| is_region(name)));
        }
        placed.retain(|name| name != STAGE && name != STAYS);
        placed.sort();
        Ok(placed)
    }
}

/// Moves what is in a folder to another one; what is there already, moved before.
fn move_aside(folder: &Path, aside: &Path, wanted: impl Fn(&str) -> bool) -> Result<()> {
    for name in entries(folder)?.into_iter().filter(|name| wanted(name)) {
        relocate(&folder.join(&name), &aside.join(&name))?;
    }
    sync(aside)?;
    sync(folder)
}

/// Moves a file or a folder; a file also to another file system, as region files may have to.
fn relocate(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        // A copy that an interrupted run did not come to remove.
        let same = from.is_file() && hash(from)? == hash(to)?;
        return if same { remove(from) } else { Err(RestoreError::Aside { path: to.to_owned() }) };
    }
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {}
        renamed => return renamed.map_err(at(from, "moving")),
    }
    let mut draft = to.as_os_str().to_owned();
    draft.push(".bdbkit-tmp");
    let draft = PathBuf::from(draft);
    if draft.exists() {
        remove(&draft)?;
    }
    copy(from, &draft)?;
    fs::rename(&draft, to).map_err(at(&draft, "renaming"))?;
    remove(from)
}

fn hash(path: &Path) -> Result<Hash> {
    Hash::of(path).map_err(at(path, "reading"))
}

fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).map_err(at(path, "removing"))
}

/// The names of what is in a folder. Names that are no text keep their place: such a folder is
/// none of a store.
fn entries(folder: &Path) -> Result<Vec<String>> {
    let read = fs::read_dir(folder).map_err(at(folder, "reading"))?;
    let mut names = Vec::new();
    for entry in read {
        let name = entry.map_err(at(folder, "reading"))?.file_name();
        let name = name.into_string().map_err(|name| RestoreError::NotASnapshot {
            path: folder.join(name),
            what: "a name that is no text",
        })?;
        names.push(name);
    }
    names.sort();
    Ok(names)
}

/// Copies a file with its permissions, makes the copy last, and gives the SHA-256 of what was
/// read.
fn copy(from: &Path, to: &Path) -> Result<[u8; 32]> {
    let mut source = File::open(from).map_err(at(from, "opening"))?;
    let permissions = source.metadata().map_err(at(from, "asking for its permissions"))?.permissions();
    let mut target = File::options().write(true).create_new(true).open(to).map_err(at(to, "creating"))?;
    let mut sum = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = source.read(&mut buffer).map_err(at(from, "reading"))?;
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        sum.update(bytes);
        target.write_all(bytes).map_err(at(to, "writing"))?;
    }
    target.set_permissions(permissions).map_err(at(to, "setting its permissions"))?;
    target.sync_all().map_err(at(to, "syncing"))?;
    Ok(sum.finalize().into())
}

fn sync(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder, "syncing"))
}

/// Removes the folder of copies. The plan goes before the note that everything has moved: with
/// the plan alone a later run would move the new files aside.
fn discard(stage: &Path) -> Result<()> {
    if !stage.exists() {
        return Ok(());
    }
    let copies = entries(stage)?.into_iter().filter(|name| name != PLAN && name != MOVED);
    for name in copies.collect::<Vec<_>>() {
        remove(&stage.join(name))?;
    }
    for name in [PLAN, MOVED] {
        let path = stage.join(name);
        if path.exists() {
            remove(&path)?;
            sync(stage)?;
        }
    }
    fs::remove_dir(stage).map_err(at(stage, "removing"))
}
