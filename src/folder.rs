//! The files of a folder, and the names that those have which a change leaves behind.

use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};

/// Name of the file that says that all files of a set are published.
pub(crate) const PUBLISHED: &str = "bdbkit-set.done";
/// Name of the file that says which files are of a set.
pub(crate) const MEMBERS: &str = "bdbkit-set.members";

/// What is added to the name of a database file for that of its journal.
pub(crate) const JOURNAL: &str = ".bdbkit-journal";

/// The directory in which a file stands.
pub(crate) fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// The entries of a directory of the operating system that are of a kind, by name.
pub(crate) fn entries(directory: &Path, wanted: impl Fn(&FileType) -> bool) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if wanted(&entry.file_type()?) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}
