//! The upgraded file under another name (upgrade, "Alternative: copy mode").

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::draft::Draft;
use super::error::{Refusal, Result, UpgradeError};
use crate::error::Error;
use crate::journal::{BoxError, Contents, Disk, DiskFile, SystemDisk};
use crate::types::PageNo;

/// Writes a copy, validates it, and gives it its name.
pub(super) fn write(
    from: &Path,
    target: &Path,
    draft: &Draft<'_>,
    validate: impl FnOnce(&Contents) -> std::result::Result<(), BoxError>,
) -> Result<()> {
    if fs::symlink_metadata(target).is_ok() {
        return Err(Refusal::Exists { path: target.to_owned() }.into());
    }
    let mut name = target.as_os_str().to_owned();
    name.push(".bdbkit-tmp");
    let draft_path = PathBuf::from(name);
    let done = fill(from, &draft_path, draft)
        .and_then(|()| SystemDisk.open(&draft_path)?.contents())
        .map_err(|source| UpgradeError::from(Error::Open { path: draft_path.clone(), source }))
        .and_then(|contents| {
            validate(&contents).map_err(|error| UpgradeError::Validation { what: error.to_string() })
        })
        .and_then(|()| {
            publish(&draft_path, target)
                .map_err(|source| Error::Open { path: target.to_owned(), source }.into())
        });
    if done.is_err() {
        // What failed is said already; a draft that stays is in nobody's way.
        let _ = fs::remove_file(&draft_path);
    }
    done
}

fn fill(from: &Path, path: &Path, draft: &Draft<'_>) -> io::Result<()> {
    let file = File::options().write(true).create_new(true).open(path)?;
    file.set_permissions(fs::metadata(from)?.permissions())?;
    let mut out = BufWriter::with_capacity(1 << 20, &file);
    for no in (0..draft.count()).map(PageNo) {
        match draft.pages().raw(no).filter(|_| !draft.changes_page(no)) {
            Some(raw) => out.write_all(raw)?,
            None => out.write_all(&draft.image(no).unwrap_or_default())?,
        }
    }
    out.flush()?;
    drop(out);
    file.sync_all()
}

/// A link does not take the place of a file that somebody else made meanwhile.
fn publish(draft: &Path, target: &Path) -> io::Result<()> {
    fs::hard_link(draft, target).or_else(|_| fs::rename(draft, target))?;
    match fs::remove_file(draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
