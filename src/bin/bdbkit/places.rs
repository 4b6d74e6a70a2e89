//! Where an environment keeps its files: by its DB_CONFIG, or by hand.

use std::path::{Path, PathBuf};

use bdbkit::ShowName;
use bdbkit::env::Layout;

use crate::failure::{about, complain};

/// Folders of an environment that are named by hand.
#[derive(clap::Args)]
pub(crate) struct Places {
    #[command(flatten)]
    logs: Logs,

    /// A folder of databases, whatever DB_CONFIG says; the home is one, too. Repeatable
    #[arg(long, value_name = "DIR")]
    data_dir: Vec<PathBuf>,
}

/// The folder of the logs, if it is named by hand.
#[derive(clap::Args, Default)]
pub(crate) struct Logs {
    /// The folder of the log files, whatever DB_CONFIG says
    #[arg(long, value_name = "DIR")]
    log_dir: Option<PathBuf>,
}

impl Places {
    /// The environment with this home.
    pub(crate) fn layout(&self, home: &Path) -> Layout {
        let layout = self.logs.layout(home);
        if self.data_dir.is_empty() { layout } else { layout.data_dirs(&self.data_dir) }
    }

    pub(crate) fn log_dir(&self) -> Option<&Path> {
        self.logs.log_dir.as_deref()
    }

    pub(crate) fn data_dirs(&self) -> &[PathBuf] {
        &self.data_dir
    }

    /// All folders that were named.
    pub(crate) fn all(&self) -> impl Iterator<Item = &PathBuf> {
        self.logs.log_dir.iter().chain(&self.data_dir)
    }
}

impl Logs {
    /// The environment with this home.
    pub(crate) fn layout(&self, home: &Path) -> Layout {
        self.log_dir.iter().fold(Layout::of(home), Layout::log_dir)
    }

    pub(crate) fn is_named(&self) -> bool {
        self.log_dir.is_some()
    }
}

/// Says what the configuration of an environment left open; whether that is nothing.
pub(crate) fn complete(layout: &Layout) -> bool {
    if let Some(why) = layout.unread() {
        complain(about(layout.home(), why));
    }
    layout.unread().is_none()
}

/// A note that the logs are elsewhere, if they are.
pub(crate) fn note(layout: &Layout) {
    if layout.logs().path != layout.home() {
        let home = layout.home().shown();
        complain(format_args!("note: {home}: the log is in {}", layout.logs()));
    }
}
