//! Names of files from bytes, as journals, plans and logs keep them.

use std::ffi::OsString;

/// The name of these bytes; `None` if no file of this system can have it.
#[cfg(unix)]
pub(crate) fn from_bytes(name: &[u8]) -> Option<OsString> {
    Some(std::os::unix::ffi::OsStringExt::from_vec(name.to_vec()))
}

/// The name of these bytes; `None` if no file of this system can have it.
#[cfg(not(unix))]
pub(crate) fn from_bytes(name: &[u8]) -> Option<OsString> {
    std::str::from_utf8(name).ok().map(OsString::from)
}
