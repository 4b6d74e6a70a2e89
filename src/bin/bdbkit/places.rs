//! Where an environment keeps its files: by its DB_CONFIG, or by hand.

use std::path::{Path, PathBuf};

use bdbkit::ShowName;
use bdbkit::env::Layout;

use crate::failure::{about, complain};

/// Folders of an environment that are named by hand.
#[derive(clap::Args)]
pub(crate) struct Places {
    /// The folder of the log files, whatever DB_CONFIG says
    #[arg(long, value_name = "DIR")]
    log_dir: Option<PathBuf>,

    /// A folder of databases, whatever DB_CONFIG says; the home is one, too. Repeatable
    #[arg(long, value_name = "DIR")]
    data_dir: Vec<PathBuf>,
}

impl Places {
    /// The environment with this home.
    pub(crate) fn layout(&self, home: &Path) -> Layout {
        let layout = with_logs(home, self.log_dir.as_deref());
        if self.data_dir.is_empty() { layout } else { layout.data_dirs(&self.data_dir) }
    }
}

/// The environment with this home, and its logs where they were said to be.
pub(crate) fn with_logs(home: &Path, logs: Option<&Path>) -> Layout {
    let layout = Layout::of(home);
    match logs {
        Some(folder) => layout.log_dir(folder),
        None => layout,
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
