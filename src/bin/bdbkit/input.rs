//! Which file an argument stands for, and how it is opened.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use bdbkit::env::Layout;
use bdbkit::journal::{self, SystemDisk};
use bdbkit::log::LogOptions;
use bdbkit::{Database, Limits, OpenOptions};

use crate::failure::Failure;
use crate::files::refused;
use crate::password;

/// What the command line says of all files, whatever the command.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Opening {
    /// Read pages of files when they are needed instead of mapping files: slower, but safe if others cut
    /// them meanwhile
    #[arg(long, global = true)]
    no_mmap: bool,

    /// How many times its size the pairs of a page may repeat, as duplicates that share a long key
    /// do, before they are errors (default: 64)
    #[arg(long, global = true, value_name = "TIMES")]
    max_repeats: Option<u32>,

    /// How much is read of a pipe or a device, in bytes (default: 1 GiB)
    #[arg(long, global = true, value_name = "BYTES")]
    max_stream: Option<u64>,

    /// The folder of external files, whatever DB_CONFIG says (default: __db_bl beside the file or in a
    /// folder above)
    #[arg(long, global = true, value_name = "DIR")]
    external_dir: Option<PathBuf>,
}

static OPENING: OnceLock<Opening> = OnceLock::new();

impl Opening {
    /// Sets how files are opened, before any is.
    pub(crate) fn set(self) {
        let _ = OPENING.set(self);
    }

    fn get() -> &'static Opening {
        OPENING.get_or_init(Opening::default)
    }

    fn limits(&self) -> Limits {
        let limits = Limits::DEFAULT;
        let limits = self.max_repeats.into_iter().fold(limits, Limits::max_repeats);
        self.max_stream.into_iter().fold(limits, Limits::max_stream)
    }
}

/// Whether files are mapped.
pub(crate) fn map() -> bool {
    !Opening::get().no_mmap
}

/// The disk on which files are changed.
pub(crate) fn disk() -> &'static SystemDisk {
    if map() { &SystemDisk::MAPPED } else { &SystemDisk::READ }
}

/// How a database file is opened: mapped, unless somebody else may cut it meanwhile; with the
/// password, if there is one.
pub(crate) fn options(path: &Path) -> OpenOptions<'static> {
    let opening = Opening::get();
    let map = map() && !journal::held_elsewhere(path) && !journal::on_network(path);
    // What others may change is read at once, unless it is asked to be read as it is needed.
    let options = OpenOptions::new().map(map).on_demand(opening.no_mmap).limits(opening.limits());
    let options = match opening.external_dir.as_deref().or_else(|| external_dir(path)) {
        Some(folder) => options.external_dir(folder),
        None => options,
    };
    password::of(path).into_iter().fold(options, OpenOptions::password)
}

/// The folder of external files by the configuration of the nearest environment that a file may be in;
/// `None`, if it is where the library looks for it.
fn external_dir(path: &Path) -> Option<&'static Path> {
    static KNOWN: Mutex<BTreeMap<PathBuf, Option<&'static Path>>> = Mutex::new(BTreeMap::new());
    let folder = std::path::absolute(path).ok()?.parent()?.to_owned();
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    *known.entry(folder).or_insert_with_key(|folder| external_dir_above(folder))
}

fn external_dir_above(folder: &Path) -> Option<&'static Path> {
    for home in folder.ancestors() {
        if let Some(folder) = Layout::of(home).external() {
            // Once for each folder on the command line.
            return Some(Box::leak(folder.path.clone().into_boxed_path()));
        }
        if home.join("__db_bl").is_dir() {
            return None;
        }
    }
    None
}

/// How the databases of an environment are opened that is recovered.
pub(crate) fn recovered_options() -> OpenOptions<'static> {
    let options = OpenOptions::new().map(map()).limits(Opening::get().limits());
    password::known().into_iter().fold(options, OpenOptions::password)
}

/// How log files are opened.
pub(crate) fn log_options() -> LogOptions {
    let opening = Opening::get();
    let options = LogOptions::new().map(map()).limits(opening.limits());
    password::known().into_iter().fold(options, LogOptions::password)
}

/// Opens a database; `-` is standard input.
pub(crate) fn open<'f>(path: &Path) -> Result<Database<'f>, Failure> {
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
