//! The new file under another name (upgrade, "Alternative: copy mode").

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::builder::Edit;
use super::draft::Draft;
use super::error::{EditError, Refusal, Result, at};
use super::extents::{self, Extent};
use super::logs::Logs;
use super::names::Names;
use super::notice::Notice;
use super::open::open;
use super::operation::Operation;
use super::progress::Step;
use super::report::{FileReport, Report};
use super::{soundness, validation};
use crate::access::Database;
use crate::error::Error;
use crate::journal::{self, BoxError, ContentSum, Contents, Disk, DiskFile, Facts, JournalError, Promise};
use crate::method::Feature;
use crate::pages::Extents;

/// As much as is written at once, in bytes.
const AT_ONCE: usize = 1 << 20;

impl<D: Disk, O: Operation> Edit<'_, D, O> {
    /// Writes the changed file under another name; the original stays as it is. Needs no
    /// journal: the copy gets its name when it is whole and validated.
    ///
    /// # Errors
    ///
    /// Why the file is refused; [`Refusal::Exists`]; those of the file system.
    pub fn copy_to(&self, target: impl AsRef<Path>) -> Result<Report> {
        let copy = |path| self.copy_one(path, target.as_ref()).map_err(|error| error.about(path));
        let files = self.paths.iter().map(|path| copy(path.as_path())).collect::<Result<_>>()?;
        Ok(Report { files, others: Vec::new() })
    }

    fn copy_one(&self, path: &Path, target: &Path) -> Result<FileReport> {
        let place = self.disk.resolve(path).map_err(at(path))?;
        let source = self.disk.open_plain(&place).map_err(at(path))?;
        let contents = source.contents().map_err(at(path))?;
        // A file that has the form already is checked all the same: it is written.
        self.operation.ready(&contents)?;
        let extents = self.look_at_extents(path, &contents)?;
        let db = open(&self.operation, &contents, &extents, self.options)?;
        let mut names = Names::new(self.operation.databases());
        names.look(&db);
        names.all_found()?;
        if db.meta().partitions().is_some() {
            // A copy of its main file would look for partitions of another name.
            let (method, version, order) = (db.meta().method(), db.meta().version(), db.meta().endianness());
            let feature = Feature::Partitioned;
            return Err(Error::UnsupportedFeature { method, version, order, feature }.into());
        }
        let mut prepared = self.prepare(&db, path, None, &mut Logs::new(&self.surroundings))?;
        // All pages are written, so all pairs are compared. Those in extents are compared there.
        if prepared.promise == Promise::OnlyPageZero && extents.is_empty() {
            let sum = ContentSum::of(&db).map_err(soundness::unreadable)?;
            prepared.promise = Promise::SamePairs(sum);
        }
        let facts = self.facts(&db, &prepared);
        let validating = self.watch.step(path, Step::Validate);
        let made = self.copy_extents(&db, &facts, &extents, target)?;
        let lost = write(self.disk, (&source, path), target, &prepared.draft, |contents| {
            match extents.is_empty() || db.meta().encrypted() {
                true => validation::whole(contents, &facts, validating, self.options),
                false => validation::head(contents, &facts, db.meta()),
            }
        });
        let lost = lost.inspect_err(|_| self.remove_all(&made))?;
        prepared.notices.extend((!lost.is_empty()).then_some(Notice::Attributes { names: lost }));
        Ok(FileReport::new(path, &prepared, None))
    }

    /// Writes the extents of a QUEUE beside where its main file is to be; gives their names.
    fn copy_extents<'e>(
        &self,
        db: &Database<'e>,
        facts: &Facts,
        extents: &'e [Extent],
        target: &Path,
    ) -> Result<Vec<PathBuf>> {
        let mut made = Vec::new();
        for extent in extents {
            let copy = || {
                let source = self.disk.open_plain(extent.path()).map_err(at(extent.path()))?;
                let place = Extents::path_beside(target, extent.number).unwrap_or_else(|| target.to_owned());
                let pages = self.pages_of_extent(db, extent);
                let draft = self.draft_of_extent(db, extent, &pages);
                let facts = extents::facts(facts, extent, self.options);
                let watch = self.watch.step(extent.path(), Step::Validate);
                write(self.disk, (&source, extent.path()), &place, &draft, |contents| {
                    validation::whole(contents, &facts, watch, self.options)
                })?;
                Ok(place)
            };
            made.push(copy().inspect_err(|_: &EditError| self.remove_all(&made))?);
        }
        Ok(made)
    }

    /// Removes copies whose main file could not be written.
    fn remove_all(&self, made: &[PathBuf]) {
        for path in made {
            // What failed is said already; an extent without a main file is in nobody's way.
            let _ = self.disk.remove(path);
        }
    }
}

/// Writes a copy, validates it, and gives it its name. The names of extended attributes that it
/// could not be given.
fn write<D: Disk>(
    disk: &D,
    (source, from): (&D::File, &Path),
    target: &Path,
    draft: &Draft<'_>,
    validate: impl FnOnce(&Contents) -> std::result::Result<(), BoxError>,
) -> Result<Vec<String>> {
    if disk.exists(target).map_err(at(target))? {
        return Err(Refusal::Exists { path: target.to_owned() }.into());
    }
    // Open until the end: so that nobody else can be taken for it.
    let (name, file) = journal::create_draft(disk, target)?;
    let made = || {
        fill::<D>(&file, draft).map_err(at(&name))?;
        validate(&file.contents().map_err(at(&name))?).map_err(validation::failed)?;
        // Last of all: the original may be one that nobody may write.
        let lost = file.inherit(source).map_err(at(&name))?;
        file.sync_all().map_err(at(&name))?;
        still_there(disk, source, from)?;
        publish(disk, &name, target)?;
        Ok(lost)
    };
    let done = made();
    if done.is_err() {
        // What failed is said already; a draft that stays is in nobody's way.
        let _ = disk.remove(&name);
    }
    done
}

/// Refuses an original that lost its name to another file meanwhile: the copy would not be that
/// of the file of this name.
fn still_there<D: Disk>(disk: &D, source: &D::File, from: &Path) -> Result<()> {
    let (found, own) = (disk.identity(from).map_err(at(from))?, source.identity().map_err(at(from))?);
    if found == own { Ok(()) } else { Err(JournalError::Replaced { path: from.to_owned() }.into()) }
}

fn fill<D: Disk>(file: &D::File, draft: &Draft<'_>) -> std::io::Result<()> {
    let (mut start, mut bytes) = (0_u64, Vec::with_capacity(AT_ONCE));
    let mut write = |bytes: &mut Vec<u8>| {
        file.write_at(start, bytes)?;
        start = start.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        bytes.clear();
        Ok(())
    };
    for image in draft.images() {
        if bytes.len().saturating_add(image.len()) > AT_ONCE {
            write(&mut bytes)?;
        }
        bytes.extend_from_slice(&image);
    }
    write(&mut bytes)
}

/// Gives a file its name, but does not take the place of another that somebody made
/// meanwhile.
fn publish<D: Disk>(disk: &D, draft: &Path, target: &Path) -> Result<()> {
    disk.rename_new(draft, target).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => EditError::from(Refusal::Exists { path: target.to_owned() }),
        _ => at(target)(error).into(),
    })?;
    let folder = crate::folder::directory(target);
    Ok(disk.sync_dir(folder).map_err(at(folder))?)
}
