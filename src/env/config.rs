//! `DB_CONFIG`: what an environment is told about itself (recovery, "Names").

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Settings that put logs elsewhere, those of the first releases last.
pub(crate) const LOGS: [&str; 2] = ["set_lg_dir", "DB_LOG_DIR"];
/// Settings that name a folder of databases, those of the first releases last.
pub(crate) const DATABASES: [&str; 3] = ["set_data_dir", "add_data_dir", "DB_DATA_DIR"];
/// Settings that name the folder of external files, that of releases 6.0 and 6.1 last.
pub(crate) const EXTERNAL: [&str; 2] = ["set_ext_file_dir", "set_blob_dir"];
/// More is not read, in bytes.
pub(crate) const LONGEST: u64 = 64 << 10;

/// The settings of an environment.
#[derive(Debug, Default)]
pub(crate) struct Config {
    text: String,
    /// Whether the file is too long, and only its start was read.
    pub(crate) cut: bool,
    /// Why reading ended before that.
    pub(crate) failed: Option<io::Error>,
}

impl Config {
    /// Reads the configuration of the environment with this home, as far as it can be read.
    ///
    /// # Errors
    ///
    /// It cannot be opened; [`NotFound`](ErrorKind::NotFound) if no regular file has its name.
    pub(crate) fn of(home: &Path) -> io::Result<Config> {
        let path = home.join("DB_CONFIG");
        let kind = fs::metadata(&path)?;
        if !kind.is_file() {
            // Opening a pipe would wait for its other end.
            return Err(ErrorKind::NotFound.into());
        }
        let mut bytes = Vec::new();
        let failed = File::open(path)?.take(LONGEST).read_to_end(&mut bytes).err();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Config { text, cut: kind.len() > LONGEST, failed })
    }

    /// The lines, and of each its name and its value, which may be empty.
    pub(crate) fn settings(&self) -> impl DoubleEndedIterator<Item = (&str, &str, &str)> {
        self.text.lines().map(str::trim).map(|line| {
            let (name, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            (line, name, value.trim())
        })
    }
}
