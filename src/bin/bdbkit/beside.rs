//! What stands beside a database file and concerns it: changes in its log that it lacks, the
//! journal of a change that was stopped.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use bdbkit::ShowName;
use bdbkit::env::Layout;
use bdbkit::journal;
use bdbkit::recover::{Condition, Recover, RecoverError, Unrecovered};

use crate::failure::{Failure, Outcome, about, complain};
use crate::hints;
use crate::input::{log_options, recovered_options};
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
    logs: RefCell<HashMap<PathBuf, Log>>,
}

/// The log of an environment, if there is one.
type Log = Result<Option<Unrecovered>, Rc<RecoverError>>;

impl Beside {
    /// Tells what concerns a file and is not in it; in an environment with this home, or
    /// otherwise in the one of its folder.
    pub(crate) fn tell<W: Write>(
        &self,
        path: &Path,
        home: Option<&Path>,
        mut json: Option<&mut W>,
    ) -> Result<Outcome, Failure> {
        if !path.is_file() {
            return Ok(Outcome::Complete);
        }
        let home = home.or(path.parent()).unwrap_or(Path::new(""));
        let found = match self.condition(path, home) {
            Ok(Condition::Due(pending)) => Some(pending.to_string()),
            Ok(Condition::Unrecoverable { why, .. }) => {
                Some(format!("it is not consistent, and its log cannot make it so: {why}"))
            }
            Ok(_) => None,
            Err(error) => Some(format!("the log beside it cannot tell whether changes are missing: {error}")),
        };
        let log = match found {
            Some(text) => told(path, &text, self.strict, json.as_deref_mut())?,
            None => Outcome::Complete,
        };
        Ok(log.and(journal(path, self.strict, json)?))
    }

    /// How a file was left by its log, or why that is not known.
    fn condition(&self, path: &Path, home: &Path) -> Result<Condition, Rc<RecoverError>> {
        let mut logs = self.logs.borrow_mut();
        let log = logs
            .entry(home.to_owned())
            .or_insert_with(|| unrecovered(&self.places.layout(home)).map_err(Rc::new));
        let Some(log) = log.as_ref().map_err(Rc::clone)? else { return Ok(Condition::Clean) };
        Ok(log.condition(path)?)
    }

    /// The environment with this home.
    pub(crate) fn layout(&self, home: &Path) -> Layout {
        self.places.layout(home)
    }

    /// Tells of a file that is read as its log has it what else concerns it.
    pub(crate) fn tell_of_recovered<W: Write>(
        &self,
        path: &Path,
        json: Option<&mut W>,
    ) -> Result<Outcome, Failure> {
        journal(path, self.strict, json)
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
}

/// The log of an environment, with the password that is known.
pub(crate) fn unrecovered(layout: &Layout) -> Result<Option<Unrecovered>, RecoverError> {
    let recover = Recover::new().log(log_options()).files(recovered_options());
    Ok(Unrecovered::of(layout, &log_options())?.map(|log| log.recover(recover)))
}

/// Tells of the journal of a change that was stopped, if there is one.
pub(crate) fn journal<W: Write>(path: &Path, strict: bool, json: Option<&mut W>) -> Result<Outcome, Failure> {
    let journal = journal::name(path);
    if !journal::stands(&journal) {
        return Ok(Outcome::Complete);
    }
    let text = format!("{} is the journal of a change that was stopped", journal.shown());
    told(path, &hints::with(&text, hints::of("R-JOURNAL")), strict, json)
}

/// Tells of something that is no fault of the file: an error or a note.
fn told<W: Write>(path: &Path, text: &str, strict: bool, json: Option<&mut W>) -> Result<Outcome, Failure> {
    if strict {
        return Failure::Message(about(path, text)).survive(json);
    }
    complain(about(path, format_args!("note: {text}")));
    Ok(Outcome::Complete)
}
