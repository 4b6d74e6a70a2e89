//! Options of the genuine programs that a command of the same job takes too.

use std::path::{Path, PathBuf};

use crate::input::in_home;

/// What all of db_dump, db_verify, db_upgrade and db_load take. A command that has them
/// disables the short form of `--help`, which is `-h` elsewhere.
#[derive(clap::Args)]
pub(crate) struct Genuine {
    /// The home of the environment: files are looked for there
    #[arg(id = "files_home", short = 'h', value_name = "HOME")]
    home: Option<PathBuf>,

    /// Accepted for the genuine programs' sake: bdbkit takes no locks
    #[arg(short = 'N')]
    _no_locks: bool,

    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
}

impl Genuine {
    /// Where a file is.
    pub(crate) fn file(&self, file: &Path) -> PathBuf {
        in_home(self.home.as_deref(), file)
    }

    /// The home, if it is named.
    pub(crate) fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }
}
