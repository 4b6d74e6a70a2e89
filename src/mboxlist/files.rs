//! The files of a store: which are what, and the sums that tell whether they changed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::classify::Class;
use crate::folder::entries;
use crate::meta::FileKind;

/// The regular files of a folder, by name. Symbolic links and special files are none.
pub(super) fn of(folder: &Path) -> io::Result<Vec<PathBuf>> {
    entries(folder, fs::FileType::is_file)
}

/// What is in a folder, by name.
pub(super) fn all(folder: &Path) -> io::Result<Vec<PathBuf>> {
    entries(folder, |_| true)
}

/// Whether the name of a file is that of a log.
pub(super) fn is_log(path: &Path) -> bool {
    matches!(Class::of_file(path), Class::Log | Class::EarlyLog)
}

/// Whether the first bytes of a file are those of a database, whatever it is called.
pub(super) fn has_magic(path: &Path) -> bool {
    use FileKind::{Database, Placeholder, Series1};
    matches!(FileKind::at(path), Ok(Database(_) | Series1 { .. } | Placeholder))
}

/// What tells whether a file changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash {
    /// SHA-256 of all bytes.
    pub sha256: [u8; 32],
    /// Length in bytes.
    pub size: u64,
}

impl Hash {
    /// Reads a file to its end.
    pub(super) fn of(path: &Path) -> io::Result<Hash> {
        let mut sum = Sha256::new();
        let size = io::copy(&mut File::open(path)?, &mut sum)?;
        Ok(Hash { sha256: sum.finalize().into(), size })
    }

    #[cfg(feature = "upgrade")]
    pub(super) fn of_bytes(bytes: &[u8]) -> Hash {
        Hash { sha256: Sha256::digest(bytes).into(), size: u64::try_from(bytes.len()).unwrap_or(u64::MAX) }
    }

    /// The sum as hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        let digit = |n: u8| char::from_digit(n.into(), 16).unwrap_or_default();
        self.sha256.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
    }
}
