//! The database files that arguments stand for.

use std::path::{Path, PathBuf};

use bdbkit::Verify;
use bdbkit::journal::is_remnant;

use crate::failure::about;

/// The file, or the database files of a folder.
///
/// # Errors
///
/// What to tell.
pub(crate) fn databases(path: &Path) -> Result<Vec<PathBuf>, String> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).map_err(|error| about(path, error))?;
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut files: Vec<PathBuf> =
        paths.filter(|path| path.is_file() && !is_remnant(path) && is_database(path)).collect();
    files.sort();
    if files.is_empty() { Err(about(path, "no database files in this folder")) } else { Ok(files) }
}

/// Whether a file is a database, sound or not, and not something else.
fn is_database(path: &Path) -> bool {
    Verify::open(path).is_ok_and(|verify| verify.refused().is_none())
}
