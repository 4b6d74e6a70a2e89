//! What stands beside a database file and concerns it: changes in its log that it lacks, the
//! journal of a change that was stopped.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bdbkit::ShowName;
use bdbkit::env::{PendingError, Unrecovered};
use bdbkit::journal;

use crate::failure::{Outcome, about, complain};
use crate::input::log_options;
use crate::places::Places;

/// How far a command goes beyond the file itself.
#[derive(clap::Args)]
pub(crate) struct Beside {
    /// What the log beside a file has and the file lacks is an error, not a note
    #[arg(long)]
    strict: bool,

    #[command(flatten)]
    places: Places,

    /// The logs of environments by their homes, each read once for all files.
    #[arg(skip)]
    logs: RefCell<HashMap<PathBuf, Result<Option<Unrecovered>, PendingError>>>,
}

impl Beside {
    /// Tells what concerns a file and is not in it; in an environment with this home, or
    /// otherwise in the one of its folder.
    pub(crate) fn tell(&self, path: &Path, home: Option<&Path>) -> Outcome {
        if !path.is_file() {
            return Outcome::Complete;
        }
        let home = home.or(path.parent()).unwrap_or(Path::new(""));
        let whole = [self.log(path, home), journal(path, self.strict)];
        Outcome::complete_if(!self.strict || whole.iter().all(|whole| *whole))
    }

    fn log(&self, path: &Path, home: &Path) -> bool {
        let mut logs = self.logs.borrow_mut();
        let log = logs
            .entry(home.to_owned())
            .or_insert_with(|| Unrecovered::of(&self.places.layout(home), &log_options()));
        let pending = log.as_ref().map(|log| log.as_ref().map_or(Ok(None), |log| log.pending(path)));
        match pending {
            Ok(Ok(None)) => return true,
            Ok(Ok(Some(pending))) => complain(about(path, format_args!("{}{pending}", self.severity()))),
            Ok(Err(error)) => self.cannot_tell(path, &error),
            Err(error) => self.cannot_tell(path, error),
        }
        false
    }

    fn cannot_tell(&self, path: &Path, error: &PendingError) {
        let text = "the log beside it cannot tell whether changes are missing";
        complain(about(path, format_args!("{}{text}: {error}", self.severity())));
    }

    /// The folders of databases of the environment with this home, itself first.
    pub(crate) fn folders(&self, home: &Path) -> Vec<PathBuf> {
        let layout = self.places.layout(home);
        let elsewhere = layout.data().into_iter().filter(|folder| folder.path != home);
        let elsewhere = elsewhere.inspect(|folder| {
            complain(about(home, format_args!("note: databases are in {folder}, too")));
        });
        std::iter::once(home.to_owned()).chain(elsewhere.map(|folder| folder.path)).collect()
    }

    fn severity(&self) -> &'static str {
        severity(self.strict)
    }
}

/// What begins a line about something that is no fault of the file.
fn severity(strict: bool) -> &'static str {
    if strict { "" } else { "note: " }
}

/// Tells of the journal of a change that was stopped, and says whether there is none.
pub(crate) fn journal(path: &Path, strict: bool) -> bool {
    let journal = journal::name(path);
    if !journal::stands(&journal) {
        return true;
    }
    let text = format!(
        "{}{} is the journal of a change that was stopped: bdbkit upgrade --resume or --rollback deals with it",
        severity(strict),
        journal.shown()
    );
    complain(about(path, text));
    false
}
