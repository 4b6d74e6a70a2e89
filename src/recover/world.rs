//! The files of an environment while it is recovered: which is where, under which name
//! (recovery, "Names" and "Records about files").

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::release::Release;
use super::target::{Head, Target};
use crate::env::{DataFolders, Layout};
use crate::error::Error;
use crate::file_name;
use crate::format::{edit, swap};
use crate::order::{Endianness, with_order};
use crate::pages::OpenOptions;
use crate::types::{FileId, Lsn, PageSize};

/// The place of a file among those of a [`World`].
pub(crate) type Index = usize;

/// The files of an environment while it is recovered.
#[derive(Debug)]
pub(crate) struct World<'l> {
    layout: &'l Layout,
    folders: DataFolders,
    files: Vec<Target>,
    /// What stands under each name that was asked for, now; `None` for nothing.
    names: HashMap<PathBuf, Option<Index>>,
    /// Why files under names could not be opened.
    pub(crate) failed: Vec<(PathBuf, Error)>,
    release: Release,
    /// So many pages a file may have more than on disk.
    growth: u64,
    /// Size of the log in bytes.
    log: u64,
    /// Whether faults of releases are mended.
    sound: bool,
    /// The files of each id that are there.
    ids: HashMap<FileId, BTreeSet<Index>>,
    /// How often names or ids have changed.
    epoch: u64,
    /// How files are opened.
    options: OpenOptions<'static>,
}

impl<'l> World<'l> {
    pub(crate) fn new(
        layout: &'l Layout,
        release: Release,
        growth: u64,
        log: u64,
        sound: bool,
        options: OpenOptions<'static>,
    ) -> World<'l> {
        World {
            layout,
            folders: DataFolders::of(layout),
            files: Vec::new(),
            names: HashMap::new(),
            failed: Vec::new(),
            release,
            growth,
            log,
            sound,
            ids: HashMap::new(),
            epoch: 0,
            options,
        }
    }

    /// Changes with every change of what stands under a name.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    fn changed(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
    }

    pub(crate) fn indices(&self) -> std::ops::Range<Index> {
        0..self.files.len()
    }

    pub(crate) fn get(&self, index: Index) -> Option<&Target> {
        self.files.get(index)
    }

    pub(crate) fn get_mut(&mut self, index: Index) -> Option<&mut Target> {
        self.files.get_mut(index)
    }

    /// All files that were met, by their places.
    pub(crate) fn targets(&mut self) -> &mut [Target] {
        &mut self.files
    }

    /// All files that were met, also those that are removed, by their places; and the folders in which
    /// they are.
    pub(crate) fn into_files(self) -> (Vec<Target>, DataFolders) {
        (self.files, self.folders)
    }

    /// Whether a file is there, under its name.
    pub(crate) fn is_there(&self, index: Index) -> bool {
        self.get(index).is_some_and(|file| self.names.get(&file.name) == Some(&Some(index)))
    }

    /// A name as the log has it, as a path under the home: `None` if it leads out of the
    /// folders of the environment, or to none of their files.
    fn path(&self, name: &[u8]) -> Option<PathBuf> {
        let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
        let path = Path::new(file_name::from_bytes(name)?);
        let inside = match path.is_absolute() {
            true => self.folders.all().iter().find_map(|folder| path.strip_prefix(&folder.path).ok())?,
            false => path,
        };
        let mut parts = inside.components();
        let below = parts.clone().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        let named = parts.any(|part| matches!(part, Component::Normal(_)));
        (below && named).then(|| inside.components().filter(|part| *part != Component::CurDir).collect())
    }

    /// What stands under a name now.
    pub(crate) fn find(&mut self, name: &[u8]) -> Option<Index> {
        let path = self.path(name)?;
        if let Some(known) = self.names.get(&path) {
            return *known;
        }
        let found = self.folders.find(&path).and_then(|disk| match self.open(&disk, &path) {
            Ok(file) => Some(self.push(file)),
            Err(error) => {
                self.failed.push((path.clone(), error));
                None
            }
        });
        self.names.insert(path, found);
        found
    }

    /// Opens a file, unless its path is a link that leads out of the folders of the environment.
    fn open(&self, disk: &Path, name: &Path) -> Result<Target, Error> {
        let real = fs::canonicalize(disk).ok();
        if real.as_ref().is_some_and(|real| self.folders.name_of(real).is_none()) {
            let cause = io::Error::other("a link that leads out of the folders of the environment");
            return Err(Error::Open { path: disk.to_owned(), cause: cause.into() });
        }
        let mut file = Target::open(disk, name.to_owned(), self.options)?;
        (file.sound, file.real) = (self.sound, real);
        Ok(file)
    }

    /// The file of an id among those that are there.
    pub(crate) fn with_id(&self, id: FileId) -> Option<Index> {
        self.ids.get(&id)?.first().copied()
    }

    /// Nothing stands under a name any more.
    fn clear(&mut self, path: &Path) {
        let Some(index) = self.names.insert(path.to_owned(), None).flatten() else { return };
        if let Some(of_it) = self.id(index).and_then(|id| self.ids.get_mut(&id)) {
            of_it.remove(&index);
        }
    }

    /// Takes a file in; gives its place.
    fn push(&mut self, mut file: Target) -> Index {
        let index = self.files.len();
        file.bound(self.growth, self.log);
        if let Some(head) = file.head {
            self.ids.entry(head.id).or_default().insert(index);
        }
        self.files.push(file);
        index
    }

    /// The id of a file.
    pub(crate) fn id(&self, index: Index) -> Option<FileId> {
        self.get(index)?.head.map(|head| head.id)
    }

    /// Makes an empty file under a name, in a folder of the environment that the record names;
    /// the one that is there, if there is one.
    pub(crate) fn make(&mut self, name: &[u8], folder: &[u8]) -> Option<Index> {
        if let Some(index) = self.find(name) {
            return Some(index);
        }
        let path = self.path(name)?;
        let folders = self.folders.all();
        let wanted = self.path(folder).map(|folder| self.layout.home().join(folder));
        let place = if self.release <= Release::R47 {
            folders.first().map(|folder| folder.path.clone())
        } else {
            wanted.filter(|wanted| folders.iter().any(|folder| folder.path == *wanted))
        };
        let mut made = Target::made(path.clone());
        // One that is encrypted is so with the password of the environment, as others are.
        let known = self.files.iter().find_map(|file| file.sealing);
        made.sealing = known.and_then(|known| known.anew().ok());
        made.folder = Some(place.unwrap_or_else(|| self.layout.home().to_owned()));
        let index = self.push(made);
        self.names.insert(path, Some(index));
        self.changed();
        Some(index)
    }

    /// Writes bytes into a file.
    pub(crate) fn write(&mut self, index: Index, size: PageSize, page: u32, offset: u32, bytes: &[u8]) {
        let Some(file) = self.files.get_mut(index) else { return };
        let before = file.head.map(|head| head.id);
        file.write(size, page, offset, bytes);
        let after = file.head.map(|head| head.id);
        if before != after {
            if let Some(of_it) = before.and_then(|id| self.ids.get_mut(&id)) {
                of_it.remove(&index);
            }
            if let Some(id) = after {
                self.ids.entry(id).or_default().insert(index);
            }
        }
        self.changed();
    }

    /// Writes a page that a log has in its own order, as release 3.2 makes files.
    pub(crate) fn write_image(&mut self, index: Index, page: u32, image: &[u8], lsn: Lsn, order: Endianness) {
        let Some(file) = self.files.get_mut(index) else { return };
        let known = file.head.or_else(|| Head::of(image));
        let Some(head) = known else { return };
        let mut image = image.to_vec();
        image.resize(head.size.bytes(), 0);
        if head.order != order && swap::page(&mut image, head.index, order).is_none() {
            return;
        }
        with_order!(head.order, O => {
            edit::put_u32::<O>(&mut image, 0, lsn.file);
            edit::put_u32::<O>(&mut image, 4, lsn.offset);
        });
        self.write(index, head.size, page, 0, &image);
    }

    /// Removes what stands under a name.
    pub(crate) fn remove(&mut self, name: &[u8]) {
        self.find(name);
        if let Some(path) = self.path(name) {
            self.clear(&path);
            self.changed();
        }
    }

    /// Gives what stands under a name another one, in place of what may stand there.
    pub(crate) fn rename(&mut self, old: &[u8], new: &[u8]) {
        let (Some(index), Some(from), Some(to)) = (self.find(old), self.path(old), self.path(new)) else {
            return;
        };
        if from == to {
            return;
        }
        self.find(new);
        self.clear(&to);
        self.names.insert(from, None);
        if let Some(file) = self.files.get_mut(index) {
            file.name.clone_from(&to);
        }
        self.names.insert(to, Some(index));
        self.changed();
    }
}
