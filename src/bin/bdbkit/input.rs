//! Which file an argument stands for, and how it is opened.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bdbkit::env::Layout;
use bdbkit::journal;
use bdbkit::log::LogOptions;
use bdbkit::{Database, OpenOptions};

use crate::failure::Failure;
use crate::files::refused;

/// Whether files are mapped: what the command line says, once for the whole run.
static MAP: OnceLock<bool> = OnceLock::new();

/// Sets whether files are mapped, before any is opened.
pub(crate) fn set_map(map: bool) {
    let _ = MAP.set(map);
}

/// Whether files are mapped.
pub(crate) fn map() -> bool {
    *MAP.get_or_init(|| true)
}

/// How a database file is opened: mapped, unless somebody else may cut it meanwhile.
pub(crate) fn options(path: &Path) -> OpenOptions<'static> {
    OpenOptions::new().map(map() && !journal::held_elsewhere(path) && !journal::on_network(path))
}

/// How log files are opened.
pub(crate) fn log_options() -> LogOptions {
    LogOptions::new().map(map())
}

/// Opens a database; `-` is standard input.
pub(crate) fn open(path: &Path) -> Result<Database<'static>, Failure> {
    let file = real(path);
    options(file).open(file).map_err(|error| refused(path, &error))
}

/// The file that is meant by a path.
pub(crate) fn real(path: &Path) -> &Path {
    if path == Path::new("-") { Path::new("/dev/stdin") } else { path }
}

/// A file as the programs of Berkeley DB find it: below the home of its environment, if one is
/// named, unless the path is absolute.
pub(crate) fn in_home(home: Option<&Path>, file: &Path) -> PathBuf {
    match home {
        Some(home) if file != Path::new("-") => {
            Layout::of(home).find(file).unwrap_or_else(|| home.join(file))
        }
        _ => file.to_owned(),
    }
}
