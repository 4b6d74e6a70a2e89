//! Databases as they would be after a recovery, for commands that read one.

use std::path::Path;

use bdbkit::Database;
use bdbkit::recover::{View, ViewFile};

use crate::beside::Beside;
use crate::failure::{Failure, Outcome, about};
use crate::files::refused;
use crate::input::open;
use crate::recover::{self, Choices};

/// Whether a database is read as it stands, or as it would be.
#[derive(clap::Args)]
pub(crate) struct Recovered {
    /// The database as it would be after a recovery by the log in the environment's home, or beside the
    /// file: in memory, no file is changed
    #[arg(long)]
    recovered: bool,

    #[command(flatten)]
    choices: Choices,
}

/// The databases of an environment after its recovery.
pub(crate) struct Environment {
    view: View,
    /// Whether all of them are consistent.
    outcome: Outcome,
}

impl Recovered {
    pub(crate) fn is_wanted(&self) -> bool {
        self.recovered
    }

    /// The environment of a file, recovered, if that is wanted: the one with this home, or otherwise
    /// with that of the file's folder.
    pub(crate) fn environment(
        &self,
        path: &Path,
        home: Option<&Path>,
        beside: &Beside,
    ) -> Result<Option<Environment>, Failure> {
        if !self.recovered {
            if self.choices.are_made() {
                let message = "--catastrophic, --until, --in-doubt and --without go with --recovered";
                return Err(Failure::Usage(about(path, message)));
            }
            return Ok(None);
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Environment::of(home.unwrap_or(folder), beside, &self.choices).map(Some)
    }
}

impl Environment {
    /// The environment with this home. What could not be recovered is told.
    pub(crate) fn of(home: &Path, beside: &Beside, choices: &Choices) -> Result<Environment, Failure> {
        let view = recover::view(home, &beside.layout(home), choices.recover())?;
        let outcome = recover::tell(home, view.report(), choices.in_doubt());
        Ok(Environment { view, outcome })
    }

    pub(crate) fn view(&self) -> &View {
        &self.view
    }

    /// Whether all databases that the log speaks of are consistent.
    pub(crate) fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// A file that the log changes; `None` for one that it leaves alone.
    pub(crate) fn file(&self, path: &Path) -> Result<Option<ViewFile<'_>>, Failure> {
        match self.view.file(path) {
            None if self.view.removes(path) => {
                let gone = "there is no such file after the recovery: the log removes it, or names it anew";
                Err(Failure::Message(about(path, gone)))
            }
            found => Ok(found),
        }
    }
}

/// A file as it would be, of an environment that is recovered; `None` for one as it stands.
pub(crate) fn file<'e>(
    environment: Option<&'e Environment>,
    path: &Path,
) -> Result<Option<ViewFile<'e>>, Failure> {
    environment.map(|environment| environment.file(path)).transpose().map(Option::flatten)
}

/// The database of a file as it would be, or as it stands.
pub(crate) fn database<'v>(file: Option<&'v ViewFile<'_>>, path: &Path) -> Result<Database<'v>, Failure> {
    match file {
        Some(file) => file.open().database().map_err(|error| refused(path, &error)),
        None => open(path),
    }
}
