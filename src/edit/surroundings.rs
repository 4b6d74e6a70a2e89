//! What stands around the files.

use std::path::{Path, PathBuf};

use crate::recover::Recover;

/// What stands around files that are to be changed, and how far it counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    /// The home of the environment that the files belong to, where region files, the logs and
    /// `DB_CONFIG` are looked for; `None` stands for the folder of the file.
    pub(crate) home: Option<PathBuf>,
    /// How the logs are opened, and the files that they tell of.
    pub(crate) recover: Recover,
    /// Whether to go on even if logs beside a file say that it is not complete.
    pub(crate) ignore_logs: bool,
    /// Whether to take it that no program uses the files or their environment.
    pub(crate) assume_closed: bool,
}

impl Surroundings {
    /// The home of a file with this path.
    pub(super) fn home<'s>(&'s self, file: &'s Path) -> &'s Path {
        self.home.as_deref().unwrap_or_else(|| crate::folder::directory(file))
    }
}
