//! The files of an environment as units, one for each folder.
//!
//! All of them are prepared before the first is published. A run that dies between two leaves folders
//! whose files are recovered beside others whose files are not: a later recovery does the rest, as pages
//! tell by their LSNs what they have.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::{InPlaceError, Result};
use crate::folder::directory;
use crate::journal::{BoxError, Contents, Disk, Facts, Set};

/// The sets of files that change, by their folders.
pub(super) struct Sets<'d, D: Disk>(BTreeMap<PathBuf, Set<'d, D>>);

impl<'d, D: Disk> Sets<'d, D> {
    /// Those of some folders.
    pub(super) fn of(disk: &'d D, folders: Vec<PathBuf>) -> Result<Self> {
        let sets = folders.into_iter().map(|folder| Ok((folder.clone(), Set::new(disk, &folder)?)));
        Ok(Sets(sets.collect::<Result<_>>()?))
    }

    /// That of a file.
    pub(super) fn with(&mut self, path: &Path) -> Result<&mut Set<'d, D>> {
        let folder = directory(path);
        let outside = || InPlaceError::Outside { folder: folder.to_owned() };
        self.0.get_mut(folder).ok_or_else(outside)
    }

    /// Publishes them, one after the other.
    pub(super) fn run(
        self,
        mut validate: impl FnMut(&Path, &Contents, &Facts) -> std::result::Result<(), BoxError>,
    ) -> Result<()> {
        let mut sets = self.0.into_iter();
        let mut done = None;
        while let Some((folder, set)) = sets.next() {
            if let Err(source) = set.run(&mut validate) {
                // Why it stopped matters more than what could not be removed of the others.
                sets.for_each(|(_, set)| drop(set.roll_back()));
                return Err(match done {
                    Some(done) => InPlaceError::Begun { done, source: Box::new(source) },
                    None => source.into(),
                });
            }
            done = Some(folder);
        }
        Ok(())
    }

    /// Makes all files what they were before.
    pub(super) fn roll_back(self) {
        self.0.into_values().for_each(|set| drop(set.roll_back()));
    }
}
