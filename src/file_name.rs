//! Names of files from bytes, as journals, plans and logs keep them.

use std::ffi::OsStr;

/// The name of these bytes; `None` if no file of this system can have it.
#[cfg(unix)]
pub(crate) fn from_bytes(name: &[u8]) -> Option<&OsStr> {
    Some(std::os::unix::ffi::OsStrExt::from_bytes(name))
}

/// The name of these bytes; `None` if no file of this system can have it.
#[cfg(not(unix))]
pub(crate) fn from_bytes(name: &[u8]) -> Option<&OsStr> {
    std::str::from_utf8(name).ok().map(OsStr::new)
}
