//! Files beside another, with which they are one database: `__dbq.NAME.N` and `__dbp.NAME.NNN`
//! (database-format, annexes B and D).
//!
//! Their names come from the path that the other was opened by, and from numbers: nothing that
//! stands in a file becomes a part of a path, and no link is followed.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::source::Source;
use super::storage::Storage;
use crate::error::{Error, Result};
use crate::limits::Limits;

/// The names of files beside a main file: all begin alike, and end with a number.
#[derive(Clone, Debug)]
pub(crate) struct Beside {
    folder: PathBuf,
    /// Prefix, name of the main file, and a dot.
    begin: OsString,
}

impl Beside {
    /// Those of a file, with this prefix; `None` if its path has no name.
    pub(crate) fn of(main: &Path, prefix: &str) -> Option<Beside> {
        let mut begin = OsString::from(prefix);
        begin.push(main.file_name()?);
        begin.push(".");
        Some(Beside { folder: main.parent()?.to_owned(), begin })
    }

    /// The path of the file whose number has these digits.
    pub(crate) fn path(&self, digits: &str) -> PathBuf {
        let mut name = self.begin.clone();
        name.push(digits);
        self.folder.join(name)
    }

    /// The numbers of those that are there, as `number` reads the end of a name, ascending.
    ///
    /// # Errors
    ///
    /// [`Error::Open`]: the folder cannot be read.
    pub(crate) fn numbers(&self, number: impl Fn(&str) -> Option<u32>) -> Result<Vec<u32>> {
        let here = if self.folder.as_os_str().is_empty() { Path::new(".") } else { &self.folder };
        let error = |cause: io::Error| Error::Open { path: here.to_owned(), cause: cause.into() };
        let mut numbers = Vec::new();
        for entry in fs::read_dir(here).map_err(error)? {
            let name = entry.map_err(error)?.file_name();
            numbers.extend(self.end(&name).and_then(&number));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// What stands behind the beginning that all names have.
    pub(super) fn end<'n>(&self, name: &'n OsStr) -> Option<&'n str> {
        let end = name.as_encoded_bytes().strip_prefix(self.begin.as_encoded_bytes())?;
        std::str::from_utf8(end).ok()
    }

    /// Opens one of them.
    ///
    /// # Errors
    ///
    /// [`Error::Open`] from the operating system, and for what is no regular file.
    pub(crate) fn open(&self, digits: &str, map: bool, limits: Limits) -> Result<Source<'static>> {
        let path = self.path(digits);
        let error = |cause: io::Error| Error::Open { path: path.clone(), cause: cause.into() };
        let file = open_here(&path).map_err(error)?;
        Source::read(file, &path, map, limits, |_| Ok(()))
    }
}

impl Beside {
    /// As [`Beside::open`], mapped, read, or read on demand as another file is.
    ///
    /// # Errors
    ///
    /// As [`Beside::open`].
    pub(super) fn source(&self, digits: &str, like: &super::File<'_>) -> Result<Source<'static>> {
        if !like.on_demand() {
            return self.open(digits, like.maps(), like.limits());
        }
        let path = self.path(digits);
        let source = open_here(&path).and_then(Storage::of_file).and_then(Source::on_demand);
        source.map_err(|cause| Error::Open { path, cause: cause.into() })
    }
}

/// Opens a regular file, and not what a link leads to.
///
/// # Errors
///
/// [`InvalidInput`](io::ErrorKind::InvalidInput) for what is none, and those of the system.
pub(super) fn open_here(path: &Path) -> io::Result<File> {
    let refused = || io::Error::new(io::ErrorKind::InvalidInput, "not a regular file");
    let named = fs::symlink_metadata(path)?;
    if !named.is_file() {
        return Err(refused());
    }
    let file = File::open(path)?;
    // Nobody put a link there meanwhile.
    if is_same(&named, &file.metadata()?) { Ok(file) } else { Err(refused()) }
}

#[cfg(unix)]
fn is_same(named: &fs::Metadata, opened: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (named.dev(), named.ino()) == (opened.dev(), opened.ino())
}

#[cfg(not(unix))]
fn is_same(_: &fs::Metadata, opened: &fs::Metadata) -> bool {
    opened.is_file()
}
