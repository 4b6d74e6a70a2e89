//! What stands beside a database file and concerns it: changes in its log that it lacks, the
//! journal of a change that was stopped.

use std::path::{Path, PathBuf};

use bdbkit::ShowName;
use bdbkit::env::{Layout, pending};
use bdbkit::journal;

use crate::failure::{Outcome, about, complain};
use crate::input::log_options;

/// How far a command goes beyond the file itself.
#[derive(clap::Args)]
pub(crate) struct Beside {
    /// What the log beside a file has and the file lacks is an error, not a note
    #[arg(long)]
    strict: bool,

    /// Where the log of the environment is, whatever its DB_CONFIG says
    #[arg(long, value_name = "DIR")]
    log_dir: Option<PathBuf>,
}

impl Beside {
    /// Tells what concerns a file and is not in it; in an environment with this home, or
    /// otherwise in the one of its folder.
    pub(crate) fn tell(&self, path: &Path, home: Option<&Path>) -> Outcome {
        if !path.is_file() {
            return Outcome::Complete;
        }
        let layout = home.map_or_else(|| Layout::beside(path), Layout::of);
        let layout = self.log_dir.iter().fold(layout, Layout::log_dir);
        let whole = [self.log(path, &layout), self.journal(path)];
        Outcome::complete_if(!self.strict || whole.iter().all(|whole| *whole))
    }

    fn log(&self, path: &Path, layout: &Layout) -> bool {
        match pending(path, layout, &log_options()) {
            Ok(None) => return true,
            Ok(Some(pending)) => complain(about(path, format_args!("{}{pending}", self.severity()))),
            Err(error) => {
                let text = "the log beside it cannot tell whether changes are missing";
                complain(about(path, format_args!("{}{text}: {error}", self.severity())));
            }
        }
        false
    }

    fn journal(&self, path: &Path) -> bool {
        let journal = journal::name(path);
        if !journal::stands(&journal) {
            return true;
        }
        let text = format_args!(
            "{}{} is the journal of a change that was stopped: bdbkit upgrade --resume or --rollback deals with it",
            self.severity(),
            journal.shown()
        );
        complain(about(path, text));
        false
    }

    fn severity(&self) -> &'static str {
        if self.strict { "" } else { "note: " }
    }
}
