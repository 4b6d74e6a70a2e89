//! The extents of a QUEUE: files beside the one that was given, which are changed together with
//! it (upgrade-other, "Extents").

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::builder::Edit;
use super::draft::Draft;
use super::error::{Refusal, Result, at};
use super::operation::{ExtentDraft, Operation, Prepared};
use crate::access::Database;
use crate::error::Error;
use crate::folder::directory;
use crate::journal::{ContentSum, Contents, Disk, DiskFile, EntryKind, Facts, Options, Promise};
use crate::meta::{self, FileKind};
use crate::method::Method;
use crate::pages::{Extents, OpenOptions, Pages};
use crate::types::PageNo;

/// An extent, and what is in it.
pub(crate) struct Extent {
    pub(super) number: u32,
    path: PathBuf,
    /// Its main file.
    pub(super) main: PathBuf,
    pub(super) contents: Contents,
}

impl Extent {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Refuses a QUEUE with extents that has records in its main file, too.
pub(crate) fn expect_empty_main(pages: &Pages<'_>) -> Result<()> {
    if pages.extents().is_some() && pages.count() > 1 {
        let first = format!("the main file has {} pages, but its records are in extents", pages.count());
        return Err(Refusal::Unreadable { first }.into());
    }
    Ok(())
}

/// An extent that is locked.
pub(super) struct Held<F> {
    pub(super) number: u32,
    pub(super) path: PathBuf,
    pub(super) file: F,
}

/// The places of the extents of a file that has this place, with their numbers; none, if it is no
/// QUEUE with such.
fn places<D: Disk>(disk: &D, place: &Path, contents: &[u8]) -> Result<Vec<(u32, PathBuf)>> {
    let kind = FileKind::of(contents);
    let is_queue = kind.database().is_some_and(|kind| kind.method == Method::Queue);
    let elsewhere = || meta::parse(&kind, contents).ok().and_then(|meta| meta.extent_pages());
    let encrypted = kind.database().is_some_and(|kind| kind.encrypted);
    if !is_queue || !(encrypted || elsewhere().is_some()) {
        return Ok(Vec::new());
    }
    let folder = directory(place);
    let found = Extents::among(place, &disk.names(folder).map_err(at(folder))?);
    for (_, path) in &found {
        // No link is followed: who names a file does not mean what stands elsewhere.
        let is_file = disk.look(path).map_err(at(path))?.map(|found| found.kind);
        if is_file != Some(EntryKind::File) {
            let cause = io::Error::new(ErrorKind::InvalidInput, "not a regular file").into();
            return Err(Error::Open { path: path.clone(), cause }.into());
        }
    }
    Ok(found)
}

/// The extents of a file that is not locked.
pub(crate) fn extents_of<D: Disk>(disk: &D, path: &Path, contents: &[u8]) -> Result<Vec<Extent>> {
    let place = disk.resolve(path).map_err(at(path))?;
    let read = |(number, path): (u32, PathBuf)| {
        let contents = disk.read(&path).map_err(at(&path))?;
        Ok(Extent { number, path, main: place.clone(), contents })
    };
    places(disk, &place, contents)?.into_iter().map(read).collect()
}

impl<D: Disk, O: Operation> Edit<'_, D, O> {
    /// The extents of a file that is not locked, if the operation changes such.
    pub(super) fn look_at_extents(&self, path: &Path, contents: &[u8]) -> Result<Vec<Extent>> {
        if self.operation.takes(Method::Queue) {
            extents_of(self.disk, path, contents)
        } else {
            Ok(Vec::new())
        }
    }

    /// Locks the extents of a file that has this place and is locked, if it may change.
    pub(super) fn hold_extents(&self, place: &Path, file: &D::File) -> Result<Vec<Held<D::File>>> {
        if !self.operation.takes(Method::Queue) {
            return Ok(Vec::new());
        }
        let contents = file.contents().map_err(at(place))?;
        // Whether it is refused is for others to say.
        if !matches!(self.operation.ready(&contents), Ok(None)) {
            return Ok(Vec::new());
        }
        let hold = |(number, path): (u32, PathBuf)| {
            let file = self.disk.open_exclusive(&path, self.surroundings.assume_closed)?;
            Ok(Held { number, path, file })
        };
        places(self.disk, place, &contents)?.into_iter().map(hold).collect()
    }

    /// What becomes of an extent: its pages, for a draft of them.
    pub(super) fn pages_of_extent<'e>(&self, db: &Database<'e>, extent: &'e Extent) -> Pages<'e> {
        Pages::of_extent(&extent.contents, db.pages())
    }

    /// What changes in an extent.
    pub(super) fn draft_of_extent<'p>(
        &self,
        db: &Database<'_>,
        extent: &Extent,
        pages: &'p Pages<'_>,
    ) -> Draft<'p> {
        let before = db.meta().extent_pages().and_then(|pages| pages.checked_mul(extent.number));
        let first = PageNo(before.unwrap_or(0).saturating_add(1));
        let mut extent = ExtentDraft { draft: Draft::new(pages), first };
        self.operation.extent(&mut extent);
        extent.draft
    }
}

/// What a journal says of a change of an extent, of whose main file it says this.
pub(super) fn facts(main: &Facts, extent: &Extent, options: OpenOptions<'_>) -> Facts {
    let records = ContentSum::of_extent(&extent.contents, main.page_size, options);
    Facts { options: Options { extent: true, ..main.options }, promise: Promise::SamePairs(records), ..*main }
}

/// What is told of an extent, whose main file was prepared so.
pub(super) fn told<'p>(main: &Prepared<'_>, draft: Draft<'p>, facts: &Facts) -> Prepared<'p> {
    Prepared {
        draft,
        promise: facts.promise,
        notices: Vec::new(),
        options: facts.options,
        order: main.order,
        from: main.from,
        to: main.to,
        id: main.id,
    }
}

/// The extents of a file that is locked, with what is in them.
pub(super) fn contents<F: DiskFile>(place: &Path, held: &[Held<F>]) -> Result<Vec<Extent>> {
    let read = |held: &Held<F>| {
        let contents = held.file.contents().map_err(at(&held.path))?;
        Ok(Extent { number: held.number, path: held.path.clone(), main: place.to_owned(), contents })
    };
    held.iter().map(read).collect()
}
