//! The upgraded file under another name (upgrade, "Alternative: copy mode").

use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;

use super::draft::Draft;
use super::error::{Refusal, UpgradeError};
use super::validation;
use crate::error::Error;
use crate::journal::{self, BoxError, Contents, Disk, DiskFile, JournalError, SystemDisk, SystemFile};

/// Writes a copy, validates it, and gives it its name. The names of extended attributes that it
/// could not be given.
pub(super) fn write(
    (source, from): (&SystemFile, &Path),
    target: &Path,
    draft: &Draft<'_>,
    validate: impl FnOnce(&Contents) -> Result<(), BoxError>,
) -> Result<Vec<String>, UpgradeError> {
    if fs::symlink_metadata(target).is_ok() {
        return Err(Refusal::Exists { path: target.to_owned() }.into());
    }
    // Open until the end: so that nobody else can be taken for it.
    let (name, file) = journal::create_draft(&SystemDisk::MAPPED, target)?;
    let done = fill(file.as_file(), draft)
        .and_then(|()| file.contents())
        .map_err(at(&name))
        .and_then(|contents| validate(&contents).map_err(validation::failed))
        // Last of all: the original may be one that nobody may write.
        .and_then(|()| file.inherit(source).map_err(at(&name)))
        .and_then(|lost| file.sync_all().map(|()| lost).map_err(at(&name)))
        .and_then(|lost| still_there(source, from).map(|()| lost))
        .and_then(|lost| publish(&name, target).map(|()| lost));
    if done.is_err() {
        // What failed is said already; a draft that stays is in nobody's way.
        let _ = fs::remove_file(&name);
    }
    done
}

/// Refuses an original that lost its name to another file meanwhile: the copy would not be that
/// of the file of this name.
fn still_there(source: &SystemFile, from: &Path) -> Result<(), UpgradeError> {
    let (found, own) =
        (SystemDisk::MAPPED.identity(from).map_err(at(from))?, source.identity().map_err(at(from))?);
    if found == own { Ok(()) } else { Err(JournalError::Replaced { path: from.to_owned() }.into()) }
}

fn fill(file: &File, draft: &Draft<'_>) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, file);
    for image in draft.images() {
        out.write_all(&image)?;
    }
    out.flush()
}

/// Gives a file its name, but does not take the place of another that somebody made
/// meanwhile.
fn publish(draft: &Path, target: &Path) -> Result<(), UpgradeError> {
    SystemDisk::MAPPED.rename_new(draft, target).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Refusal::Exists { path: target.to_owned() }.into(),
        _ => at(target)(error),
    })?;
    let folder = journal::directory(target);
    SystemDisk::MAPPED.sync_dir(folder).map_err(at(folder))
}

/// Turns an error of the file system into one that names the file.
fn at(path: &Path) -> impl FnOnce(io::Error) -> UpgradeError + '_ {
    move |source| Error::Open { path: path.to_owned(), cause: source }.into()
}
