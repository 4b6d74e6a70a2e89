//! Names of files, which are data: kept as they are, and shown only where they are told.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::file_name;
use crate::shown::ShowName;

/// The name of a file in its folder.
pub(super) fn of(path: &Path) -> OsString {
    path.file_name().unwrap_or_default().to_owned()
}

/// The name of a file whose path stands in a log, in its folder.
pub(super) fn in_log(path: &[u8]) -> OsString {
    from_bytes(path.rsplit(|&byte| byte == b'/').next().unwrap_or_default())
}

/// Names one after the other, as reports have them.
pub(super) fn listed(names: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
    let shown: Vec<String> = names.into_iter().map(|name| name.as_ref().shown().to_string()).collect();
    shown.join(", ")
}

/// A name that a log or a file of the product has. Where no file can have it, it is told as well
/// as it can be.
pub(super) fn from_bytes(name: &[u8]) -> OsString {
    let lossy = || String::from_utf8_lossy(name).into_owned().into();
    file_name::from_bytes(name).map_or_else(lossy, OsStr::to_owned)
}
