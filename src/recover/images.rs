//! The files on disk that a recovery leaves: each as it would be, page by page, for whoever makes it
//! so.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::report::InDoubt;
use super::target::Target;
use super::view::{View, ViewFile};
use crate::error::Error;
use crate::order::Endianness;
use crate::pages::{Extents, extent_paths};
use crate::types::PageSize;

/// A file on disk as it would be after a recovery: the main file of a database, an extent of a
/// QUEUE, or one that is no database.
#[derive(Debug)]
pub(crate) struct FileImage<'v> {
    target: &'v Target,
    path: PathBuf,
    extent: Option<u32>,
    /// The number that its first page has in the database.
    first: u32,
    pages: u32,
}

impl<'v> FileImage<'v> {
    /// Where it would stand.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The number of an extent.
    pub(crate) fn extent(&self) -> Option<u32> {
        self.extent
    }

    /// Number of its pages.
    pub(crate) fn pages(&self) -> u32 {
        self.pages
    }

    /// Length of its pages, and the byte order of its metadata; `None` if it is no database.
    pub(crate) fn form(&self) -> Option<(PageSize, Endianness)> {
        self.target.head.map(|head| (head.size, head.order))
    }

    /// Whether its pages are those of the file of this name, but for the ones that
    /// [change](Self::changed).
    pub(crate) fn is_in_place(&self) -> bool {
        self.target.is_where_it_was()
    }

    /// The file on disk from which its pages come.
    pub(crate) fn origin(&self) -> Option<&'v Path> {
        self.target.origin()
    }

    /// The pages that may not be as they stand on disk, by their places in this file; those behind
    /// the end of the one on disk are not all among them.
    pub(crate) fn changed(&self) -> BTreeSet<u32> {
        let end = self.first.saturating_add(self.pages);
        let changed = self.target.changed().map(|(no, _)| no);
        let within = changed.filter(|no| (self.first..end).contains(no));
        let within = within.map(|no| no.saturating_sub(self.first));
        let lost = self.extent.is_none().then(|| self.target.kept()..self.pages);
        within.chain(lost.into_iter().flatten()).collect()
    }

    /// A page by its place in this file, as it is to be written.
    pub(crate) fn page(&self, place: u32) -> Vec<u8> {
        self.target.sealed(self.first.saturating_add(place)).into_owned()
    }

    /// Whether a page as it stands on disk is the one of this place.
    pub(crate) fn holds(&self, page: &[u8], place: u32) -> bool {
        self.target.holds(page, self.first.saturating_add(place))
    }

    /// All its bytes, in pieces.
    pub(crate) fn bytes(&self) -> Box<dyn Iterator<Item = Vec<u8>> + '_> {
        match self.target.head {
            Some(_) => Box::new((0..self.pages).map(|place| self.page(place))),
            None => Box::new(std::iter::once(self.target.whole())),
        }
    }
}

impl View {
    /// The files on disk that a file stands for after the recovery; none of one that was stopped.
    pub(crate) fn images(&self) -> Vec<(ViewFile<'_>, Vec<FileImage<'_>>)> {
        let sound = self.targets().filter(|target| target.stopped.is_none());
        sound.map(|target| (self.view_of(target), self.images_of(target))).collect()
    }

    fn images_of<'v>(&self, target: &'v Target) -> Vec<FileImage<'v>> {
        let main = self.place(target).join(&target.name);
        let extents = target.extents().into_iter().map(|(number, pages)| {
            let size = target.head.map_or(0, |head| head.extent);
            let first = number.saturating_mul(size).saturating_add(1);
            let path = Extents::path_beside(&main, number).unwrap_or_else(|| main.clone());
            FileImage { target, path, extent: Some(number), first, pages }
        });
        let extents = extents.collect::<Vec<_>>();
        let pages = target.count();
        let main = FileImage { target, path: main, extent: None, first: 0, pages };
        std::iter::once(main).chain(extents).collect()
    }

    /// The files on disk of which the log speaks, that were not stopped, and extents of such: all
    /// that may have to go.
    ///
    /// # Errors
    ///
    /// [`Error::Open`]: a folder cannot be read.
    pub(crate) fn origins(&self) -> Result<Vec<PathBuf>, Error> {
        let mut found = Vec::new();
        for (path, has_extents) in self.free() {
            if *has_extents {
                found.extend(extent_paths(path)?.into_iter().map(|(_, path)| path));
            }
            found.push(path.clone());
        }
        Ok(found)
    }

    /// Why what was asked for does not last: the log says otherwise, and whoever recovers the
    /// environment later goes by the log.
    pub(crate) fn contradicts_log(&self) -> Option<&'static str> {
        let wanted = self.wanted();
        if wanted.until.is_some() {
            Some("it was brought to a moment, and the log goes on")
        } else if wanted.without.is_some() {
            Some("a transaction was left out, and the log has it as committed")
        } else if wanted.in_doubt == InDoubt::Abort && !self.report().in_doubt.is_empty() {
            Some("prepared transactions were taken back, and the log has them as prepared")
        } else {
            None
        }
    }
}
