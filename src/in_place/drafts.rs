//! Files that are written whole, under the names of drafts.

use std::path::{Path, PathBuf};

use super::error::{Result, at};
use crate::edit::EditError;
use crate::journal::{DRAFT, Disk, DiskFile, EntryKind, create_draft};
use crate::recover::FileImage;

/// What stands before the end of the name of a draft: a later run knows whose it is.
const OURS: &str = ".recovered";
/// Bytes that are written at once.
const CHUNK: usize = 1 << 20;

/// Writes a file as a draft beside the place where it is to stand, and reads it back. Holes stay
/// holes. It belongs to whom the model belongs.
pub(super) fn write<D: Disk>(
    disk: &D,
    path: &Path,
    image: &FileImage<'_>,
    model: Option<&D::File>,
) -> Result<PathBuf> {
    let mut name = path.as_os_str().to_owned();
    name.push(OURS);
    let (draft, file) = create_draft(disk, Path::new(&name))?;
    let filled = fill(&file, &draft, image).and_then(|()| {
        if let Some(model) = model {
            // What this user may not set is no reason to leave data unrecovered.
            file.inherit(model).map_err(at(&draft, "setting owner and permissions"))?;
        }
        file.sync_all().map_err(at(&draft, "syncing"))
    });
    match filled {
        Ok(()) => Ok(draft),
        Err(error) => {
            // Why there is no draft matters more than that a part of it stays.
            let _ = disk.remove(&draft);
            Err(error)
        }
    }
}

fn fill<F: DiskFile>(file: &F, draft: &Path, image: &FileImage<'_>) -> Result<()> {
    let (mut start, mut run): (u64, Vec<u8>) = (0, Vec::new());
    let flush = |start: u64, run: &[u8]| match run {
        [] => Ok(()),
        run => file.write_at(start, run).map_err(at(draft, "writing")),
    };
    for piece in image.bytes() {
        let hole = piece.iter().all(|&byte| byte == 0);
        if hole || run.len() >= CHUNK {
            flush(start, &run)?;
            start = start.saturating_add(len(&run));
            run.clear();
        }
        if hole {
            start = start.saturating_add(len(&piece));
        } else {
            run.extend_from_slice(&piece);
        }
    }
    flush(start, &run)?;
    file.set_size(start.saturating_add(len(&run))).map_err(at(draft, "setting its length"))?;
    let found = file.contents().map_err(at(draft, "reading back"))?;
    let mut rest: &[u8] = &found;
    for piece in image.bytes() {
        rest = rest.strip_prefix(piece.as_slice()).ok_or_else(|| unlike(draft))?;
    }
    if rest.is_empty() { Ok(()) } else { Err(unlike(draft)) }
}

fn unlike(draft: &Path) -> super::InPlaceError {
    let what = "a file that was written reads otherwise".to_owned();
    EditError::Validation { what }.about(draft).into()
}

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Removes the drafts that a run left behind which died before they were on record.
pub(super) fn forget<D: Disk>(disk: &D, folder: &Path) -> Result<()> {
    for name in disk.names(folder).map_err(at(folder, "reading"))? {
        if !name.to_str().is_some_and(is_ours) {
            continue;
        }
        let path = folder.join(&name);
        let found = disk.look(&path).map_err(at(&path, "looking at it"))?;
        if found.is_some_and(|found| found.kind == EntryKind::File) {
            disk.remove(&path).map_err(at(&path, "removing"))?;
            disk.sync_dir(folder).map_err(at(folder, "syncing"))?;
        }
    }
    Ok(())
}

/// Whether a name is one that [`write`] gives.
fn is_ours(name: &str) -> bool {
    let number = name.rsplit_once(DRAFT).and_then(|(start, end)| {
        start.strip_suffix(OURS)?;
        end.strip_prefix('-')
    });
    number.is_some_and(|number| number.len() == 16 && number.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn drafts_are_known_by_their_names() {
        assert!(is_ours("a.db.recovered.bdbkit-tmp-0123456789abcdef"));
        for other in ["a.db.recovered", "a.db.bdbkit-tmp-0123456789abcdef", "a.recovered.bdbkit-tmp-1", "a"] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
