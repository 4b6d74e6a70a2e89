//! The log files of a folder (log-format, "Files").

pub(super) mod chain;
pub(super) mod records;

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::LogError;
use super::file::{LogFile, dialect};
use super::record::Record;
use crate::types::Lsn;

/// The log of an environment: the files `log.0000000001`, … of a folder, in the
/// order of their numbers. Each file has a version and a byte order of its own.
///
/// A file that cannot be read and a gap in the numbers are errors among the
/// [records](LogDir::records), not the end.
#[derive(Debug)]
pub struct LogDir {
    path: PathBuf,
    files: Vec<DirFile>,
    /// How many files there are up to the last that something was written into.
    written: usize,
    listener: Option<Listener>,
}

/// How far a walk over a log has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogProgress {
    /// Bytes of the files that were read.
    pub bytes: u64,
    /// Bytes of all files.
    pub total: u64,
}

struct Listener(Box<dyn Fn(LogProgress) + Send + Sync>);

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

/// A log file of a folder, or why it could not be opened.
#[derive(Debug)]
pub struct DirFile {
    number: u32,
    path: PathBuf,
    log: Result<LogFile<'static>, Arc<LogError>>,
}

impl DirFile {
    /// The number in the file's name.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file.
    ///
    /// # Errors
    ///
    /// It could not be opened.
    pub fn log(&self) -> Result<&LogFile<'static>, &Arc<LogError>> {
        self.log.as_ref()
    }

    /// Whether the file was made, but nothing was written yet: as a last file it is
    /// no damage, the log ends with the file before.
    #[must_use]
    pub fn unwritten(&self) -> bool {
        let error = self.log.as_ref().err();
        error.is_some_and(|error| matches!(**error, LogError::Zeroed | LogError::Short { .. }))
    }
}

impl LogDir {
    pub(crate) fn new(
        path: &Path,
        open: impl Fn(&Path) -> Result<LogFile<'static>, LogError>,
    ) -> Result<LogDir, LogError> {
        let error = |source: io::Error| LogError::Open { path: path.to_owned(), cause: source.into() };
        let mut found = Vec::new();
        for entry in fs::read_dir(path).map_err(error)? {
            let entry = entry.map_err(error)?;
            let Some(number) = entry.file_name().to_str().and_then(number_of) else { continue };
            // Opening a pipe would wait for its other end.
            if !fs::metadata(entry.path()).is_ok_and(|kind| !kind.is_file() && !kind.is_dir()) {
                found.push((number, entry.path()));
            }
        }
        if found.is_empty() {
            return Err(LogError::NoLogs { path: path.to_owned() });
        }
        Ok(LogDir::of(path, found, open))
    }

    pub(crate) fn of_files(
        paths: impl IntoIterator<Item = impl AsRef<Path>>,
        open: impl Fn(&Path) -> Result<LogFile<'static>, LogError>,
    ) -> LogDir {
        let number = |path: &Path| path.file_name()?.to_str().and_then(number_of);
        let numbered = |path: &Path| (number(path).unwrap_or(1), path.to_owned());
        let found: Vec<_> = paths.into_iter().map(|path| numbered(path.as_ref())).collect();
        let first = found.first().map(|(_, path)| path.clone()).unwrap_or_default();
        LogDir::of(first.parent().unwrap_or(Path::new("")), found, open)
    }

    fn of(
        path: &Path,
        mut found: Vec<(u32, PathBuf)>,
        open: impl Fn(&Path) -> Result<LogFile<'static>, LogError>,
    ) -> LogDir {
        found.sort();
        found.dedup();
        let open = |(number, path): (u32, PathBuf)| {
            let log = open(&path).map_err(Arc::new);
            DirFile { number, path, log }
        };
        let files: Vec<DirFile> = found.into_iter().map(open).collect();
        let written = files.iter().rposition(|file| !file.unwritten());
        let written = written.map_or(0, |last| last.saturating_add(1));
        let mut log = LogDir { path: path.to_owned(), files, written, listener: None };
        log.agree_on_dialect();
        log
    }

    /// All files of version 2 belong to one release: the youngest that any of them
    /// shows.
    fn agree_on_dialect(&mut self) {
        let opened = || self.files.iter().filter_map(|file| file.log.as_ref().ok());
        let dialect = opened().map(dialect::of_file).max().unwrap_or(0);
        for log in self.files.iter_mut().filter_map(|file| file.log.as_mut().ok()) {
            log.set_dialect(dialect);
        }
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The files, in the order of their numbers.
    pub fn log_files(&self) -> impl DoubleEndedIterator<Item = &DirFile> + ExactSizeIterator {
        self.files.iter()
    }

    pub(crate) fn slice(&self) -> &[DirFile] {
        &self.files
    }

    /// Whether the log goes on in another file behind this one.
    pub(crate) fn goes_on(&self, index: usize) -> bool {
        index.saturating_add(1) < self.written
    }

    /// The record at an LSN. Its checksum is verified; its place in the chain of
    /// records is not.
    ///
    /// # Errors
    ///
    /// No whole record stands there.
    pub fn record(&self, lsn: Lsn) -> Result<Record<'_>, LogError> {
        let file = self.files.binary_search_by_key(&lsn.file, |file| file.number);
        let file = file.ok().and_then(|index| self.files.get(index));
        let file = file.ok_or(LogError::NoRecord { lsn, why: "there is no log file of this number" })?;
        match &file.log {
            Ok(log) => log.record(lsn.offset),
            Err(_) => Err(LogError::NoRecord { lsn, why: "its log file cannot be read" }),
        }
    }

    /// Calls this with each file that a walk over all records comes to, from whatever thread
    /// that walks: [`LogDir::records`], and what reads all of it at once, as
    /// [`LogDir::transactions`] and [`LogDir::history`] do.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    ///
    /// static READ: AtomicU64 = AtomicU64::new(0);
    /// let log = bdbkit::log::LogDir::open("testdata/env-log2-be-clean")?;
    /// let log = log.progress(|progress| READ.store(progress.bytes, Ordering::Relaxed));
    /// let _ = log.transactions();
    /// # Ok::<(), bdbkit::log::LogError>(())
    /// ```
    #[must_use]
    pub fn progress(mut self, call: impl Fn(LogProgress) + Send + Sync + 'static) -> LogDir {
        self.listener = Some(Listener(Box::new(call)));
        self
    }

    /// Tells who listens that so many files were read.
    fn tell(&self, files: usize) {
        if let Some(Listener(call)) = &self.listener {
            let bytes = sizes(self.files.get(..files).unwrap_or(&self.files));
            call(LogProgress { bytes, total: self.size() });
        }
    }

    /// The size of all files, in bytes.
    pub(crate) fn size(&self) -> u64 {
        sizes(&self.files)
    }
}

fn sizes(files: &[DirFile]) -> u64 {
    let sizes = files.iter().filter_map(|file| file.log.as_ref().ok().map(LogFile::size));
    sizes.fold(0, u64::saturating_add)
}

/// The number in the name of a log file: `log.` and ten digits.
pub(crate) fn number_of(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("log.")?;
    let ten = digits.len() == 10 && digits.bytes().all(|byte| byte.is_ascii_digit());
    ten.then(|| digits.parse().ok()).flatten().filter(|&number| number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_digits_and_nothing_else_are_a_number() {
        assert_eq!(number_of("log.0000000012"), Some(12));
        for name in
            ["log.00001", "log.0000000000", "log.00000000x1", "log.9999999999", "xlog.0000000001", "log."]
        {
            assert_eq!(number_of(name), None, "{name}");
        }
    }
}
