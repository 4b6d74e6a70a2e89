//! What stands in the folders of a store, by what it is.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::databases::DatabaseFile;
use super::elsewhere::Elsewhere;
use crate::env::{self, Layout, Regions};
use crate::error::{Error, Result};
use crate::mboxlist::classify::{Class, extent};
use crate::mboxlist::{files, names};

/// A region file: a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegionFile {
    /// Where it is: `mboxlist`, `dbtmpdir`, `lock` or `session`.
    pub place: &'static str,
    /// Its name.
    pub name: OsString,
    /// Which engines name it so.
    pub family: Regions,
    /// The release of the library that made it (major, minor, patch), where it stands in the file.
    pub release: Option<(u32, u32, u32)>,
}

impl RegionFile {
    /// A file by its content, or else by its name; `None` if it is no region.
    pub(super) fn of(path: &Path, place: &'static str) -> Option<RegionFile> {
        let found = env::Region::of(path)?;
        let name = names::of(path);
        let early = found.release.is_some_and(|(major, ..)| major < 3);
        let family = match Class::of(&name) {
            Class::Region(family) => family,
            _ if early => Regions::Share,
            _ => Regions::Numbered,
        };
        Some(RegionFile { place, name, family, release: found.release })
    }
}

/// A file that is neither database, log nor region.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Other {
    /// Its name.
    pub name: OsString,
    /// Where it is.
    pub path: PathBuf,
    /// Its class by its name.
    pub class: Class,
    /// What it is besides a regular file.
    pub form: OtherForm,
    /// Length in bytes.
    pub size: u64,
}

/// What stands in a folder under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OtherForm {
    /// A regular file.
    File,
    /// A folder, and how many entries it has.
    Folder(usize),
    /// A symbolic link, a device, a pipe: never opened.
    Special,
}

/// The entries of a folder by what they are.
#[derive(Default)]
pub(super) struct Listing {
    pub(super) databases: Vec<PathBuf>,
    pub(super) logs: Vec<PathBuf>,
    pub(super) regions: Vec<RegionFile>,
    pub(super) others: Vec<Other>,
}

impl Listing {
    pub(super) fn of(dir: &Path) -> Result<Listing> {
        let error = |source: std::io::Error| Error::Open { path: dir.to_owned(), cause: source.into() };
        let mut paths = Vec::new();
        for entry in fs::read_dir(dir).map_err(error)? {
            paths.push(entry.map_err(error)?.path());
        }
        paths.sort();
        let mut listing = Listing::default();
        for path in paths {
            let name = names::of(&path);
            let class = Class::of(&name);
            let metadata = fs::symlink_metadata(&path).ok();
            let size = metadata.as_ref().map_or(0, fs::Metadata::len);
            let form = match metadata {
                Some(metadata) if metadata.is_file() => OtherForm::File,
                Some(metadata) if metadata.is_dir() => {
                    OtherForm::Folder(fs::read_dir(&path).map_or(0, Iterator::count))
                }
                _ => OtherForm::Special,
            };
            let class = match class {
                // Data, although it is called as a cache.
                Class::Region(_) if form == OtherForm::File && files::has_magic(&path) => Class::EngineData,
                class => class,
            };
            match (form, class) {
                (OtherForm::File, Class::Database) => listing.databases.push(path),
                (OtherForm::File, Class::Other) if files::has_magic(&path) => {
                    listing.databases.push(path);
                }
                (OtherForm::File, Class::Log) => listing.logs.push(path),
                (OtherForm::File, Class::Region(_) | Class::EngineData | Class::Other) => {
                    match RegionFile::of(&path, "mboxlist") {
                        Some(region) => listing.regions.push(region),
                        None => listing.others.push(Other { name, path, class, form, size }),
                    }
                }
                _ => listing.others.push(Other { name, path, class, form, size }),
            }
        }
        Ok(listing)
    }

    /// Takes what is in the other folders of the environment: the logs of that of the logs, in
    /// the place of those here, and the databases of those of databases.
    pub(super) fn take_folders(&mut self, layout: &Layout, elsewhere: &mut Elsewhere) {
        for folder in layout.elsewhere() {
            let of_logs = folder == layout.logs();
            let found = match Listing::of(&folder.path) {
                Ok(found) => found,
                Err(error) => {
                    let place = if of_logs { &mut elsewhere.logs } else { &mut elsewhere.databases };
                    let why = match error {
                        Error::Open { cause: source, .. } => format!("{folder}: {source}"),
                        other => format!("{folder}: {other}"),
                    };
                    *place = Some(why.clone());
                    elsewhere.folders.push(why);
                    continue;
                }
            };
            if of_logs && found.logs.is_empty() {
                elsewhere.logs = Some(format!("{folder}: no log files there"));
                elsewhere.folders.extend(elsewhere.logs.clone());
            }
            if of_logs {
                self.logs = found.logs;
            }
            let of_data = layout.data().contains(folder);
            if of_data {
                self.databases.extend(found.databases);
            }
            let due = |other: &Other| match other.class {
                Class::Log => of_logs,
                Class::Database => of_data,
                _ => false,
            };
            let links =
                found.others.into_iter().filter(|other| other.form == OtherForm::Special && due(other));
            self.others.extend(links);
        }
    }

    /// Takes the files that a log names as databases, although nothing else shows it.
    pub(super) fn take_databases(&mut self, names: &BTreeSet<OsString>) {
        let named = |other: &Other| {
            other.form == OtherForm::File && other.class == Class::Other && names.contains(&other.name)
        };
        let (found, others) = std::mem::take(&mut self.others).into_iter().partition::<Vec<_>, _>(named);
        self.others = others;
        self.databases.extend(found.into_iter().map(|other| other.path));
        self.databases.sort();
    }
}

/// Gives the QUEUE databases their extents.
pub(super) fn attach_extents(databases: &mut [DatabaseFile], others: &[Other]) {
    for file in databases {
        let own = |other: &Other| {
            let (database, number) = extent(&other.name).filter(|_| other.form == OtherForm::File)?;
            (database == file.name.as_encoded_bytes()).then(|| (number, other.name.clone()))
        };
        let mut extents: Vec<_> = others.iter().filter_map(own).collect();
        extents.sort();
        file.extents = extents.into_iter().map(|(_, name)| name).collect();
    }
}

/// The region files of another place of the store.
pub(super) fn regions_in(folder: &Path, place: &'static str) -> Vec<RegionFile> {
    files::of(folder).unwrap_or_default().iter().filter_map(|path| RegionFile::of(path, place)).collect()
}

/// The families of region files in some places.
pub(super) fn families(regions: &[RegionFile]) -> BTreeSet<Regions> {
    regions.iter().map(|region| region.family).collect()
}
