//! How logs are opened.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use super::dir::{LogDir, number_of};
use super::error::LogError;
use super::file::LogFile;
use crate::limits::Limits;
use crate::pages::Source;

/// How a log is opened: its password, and whether files are mapped.
///
/// ```
/// use bdbkit::log::LogOptions;
///
/// let log = LogOptions::new().map(false).open_dir("testdata/env-log2-be-clean")?;
/// assert_eq!(log.log_files().count(), 1);
/// # Ok::<(), bdbkit::log::LogError>(())
/// ```
#[derive(Clone)]
pub struct LogOptions {
    password: Option<String>,
    map: bool,
    limits: Limits,
}

impl LogOptions {
    /// No password; files are mapped if the feature `mmap` is on.
    #[must_use]
    pub fn new() -> LogOptions {
        LogOptions { password: None, map: true, limits: Limits::DEFAULT }
    }

    /// The password of an encrypted environment; needs the feature `encryption`.
    /// Logs that are not encrypted are read all the same.
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> LogOptions {
        self.password = Some(password.into());
        self
    }

    /// Whether files are mapped, or read into memory: for files that another
    /// program may cut or change meanwhile.
    #[must_use]
    pub fn map(mut self, map: bool) -> LogOptions {
        self.map = map;
        self
    }

    /// Bounds of memory.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> LogOptions {
        self.limits = limits;
        self
    }

    /// As [`LogFile::open`].
    ///
    /// # Errors
    ///
    /// The file cannot be read, is no log of a supported version, or needs another
    /// password.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<LogFile<'static>, LogError> {
        let path = path.as_ref();
        let source = Source::open(path, self.map, self.limits, |_| Ok(()))?;
        let name = path.file_name().and_then(|name| name.to_str());
        LogFile::new(name.and_then(number_of).unwrap_or(1), source, self.password.as_deref())
    }

    /// As [`LogFile::from_bytes`].
    ///
    /// # Errors
    ///
    /// The bytes are no log of a supported version, or need another password.
    #[allow(clippy::wrong_self_convention)] // the options are not what is converted
    pub fn from_bytes<'a>(
        &self,
        number: u32,
        bytes: impl Into<Cow<'a, [u8]>>,
    ) -> Result<LogFile<'a>, LogError> {
        LogFile::new(number, Source::Bytes(bytes.into()), self.password.as_deref())
    }

    /// As [`LogDir::open`].
    ///
    /// # Errors
    ///
    /// The folder cannot be read or holds no log file.
    pub fn open_dir(&self, path: impl AsRef<Path>) -> Result<LogDir, LogError> {
        LogDir::new(path.as_ref(), |path| self.open(path))
    }

    /// Some files of one log, as if no others stood in their folder. A file that
    /// cannot be opened is [one of the files](LogDir::log_files) all the same.
    #[must_use]
    pub fn open_files(&self, paths: impl IntoIterator<Item = impl AsRef<Path>>) -> LogDir {
        LogDir::of_files(paths, |path| self.open(path))
    }
}

impl LogFile<'static> {
    /// Opens a log file. Its number, which is a part of all its LSNs, is taken from
    /// its name; a file with another name counts as number 1. Maps the file: nobody
    /// may change or cut it while it is open.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is no log of a supported version.
    pub fn open(path: impl AsRef<Path>) -> Result<LogFile<'static>, LogError> {
        LogOptions::new().open(path)
    }
}

impl<'a> LogFile<'a> {
    /// Reads a log file from its bytes, as file `number` of its log.
    ///
    /// # Errors
    ///
    /// The bytes are no log of a supported version.
    pub fn from_bytes(number: u32, bytes: impl Into<Cow<'a, [u8]>>) -> Result<LogFile<'a>, LogError> {
        LogOptions::new().from_bytes(number, bytes)
    }
}

impl LogDir {
    /// Opens the log files of a folder. Maps them: nobody may change or cut them while
    /// they are open.
    ///
    /// # Errors
    ///
    /// The folder cannot be read, or holds no log file. A file that cannot be opened
    /// is [one of the files](LogDir::log_files) all the same.
    pub fn open(path: impl AsRef<Path>) -> Result<LogDir, LogError> {
        LogOptions::new().open_dir(path)
    }
}

impl fmt::Debug for LogOptions {
    /// The password is not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogOptions")
            .field("map", &self.map)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Default for LogOptions {
    fn default() -> Self {
        LogOptions::new()
    }
}
