//! `bdbkit diff`: what differs between two databases, two files, or two folders of them.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};

use bdbkit::Database;
use bdbkit::diff::{Diff, DiffError, DiffKey, Difference, Side};
use bdbkit::dump::escape;
use serde::Serialize;

use crate::beside::Beside;
use crate::failure::{Failure, Outcome, about};
use crate::files::{What, candidates};
use crate::input::open;
use crate::json::{self, Bytes};
use crate::output::Output;
use crate::password::Password;
use crate::recovered::{self, Environment, Recovered};

/// Print what differs between two databases: keys that only one has, and values that differ
///
/// Two files, or the databases of two folders by their names: a snapshot and its store. A line of the
/// first begins with -, one of the second with +; then the key, a tab, and the value, as in dump -p. How
/// often a value of a key is there counts, and the order of values does not; nor do byte order,
/// version, and the way in which pages are filled. Of files of several databases those of one name
/// are compared.
///
/// The exit code is that of diff: 0 if nothing differs, 1 if something does, 2 if something could not
/// be compared.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Only whether something differs: the exit code says so
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,

    /// The one of several databases in the files to compare
    #[arg(short, value_name = "NAME")]
    subdatabase: Option<OsString>,

    #[command(flatten)]
    password: Password,

    /// One JSON object for each difference
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    recovered: Recovered,

    #[command(flatten)]
    beside: Beside,

    /// A database file, or a folder of them
    old: PathBuf,

    /// Another one; with --recovered it may be left out: the same as it would be
    #[arg(required_unless_present = "recovered")]
    new: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  bdbkit diff old.db folder.db
  bdbkit diff --recovered mboxlist/folder.db           # what would a recovery change?
  bdbkit diff dbdata/snapshots/20091104 mboxlist       # what became of the store since?";

/// What is written, and how all ended.
struct Report {
    out: Output,
    json: bool,
    quiet: bool,
    outcome: Outcome,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    arguments.password.set()?;
    compare_all(arguments).map_err(Failure::trouble)
}

fn compare_all(arguments: &Arguments) -> Result<Outcome, Failure> {
    let old = &arguments.old;
    let new = arguments.new.as_ref().unwrap_or(old);
    let home = new.is_dir().then_some(new.as_path());
    let environment = arguments.recovered.environment(new, home, &arguments.beside)?;
    let out = Output::open(None, old)?;
    let (json, quiet) = (arguments.json, arguments.quiet);
    let mut report = Report { out, json, quiet, outcome: Outcome::Complete };
    match (old.is_dir(), new.is_dir()) {
        (true, true) => {
            for (name, sides) in by_name(old, new)? {
                match sides {
                    [true, true] => {
                        let [old, new] = [old, new].map(|folder| folder.join(&name));
                        let found = arguments.compare([&old, &new], environment.as_ref(), &mut report);
                        report.survive(found)?;
                    }
                    [in_old, _] => report.file(&name, if in_old { Side::Old } else { Side::New })?,
                }
            }
        }
        (false, false) => arguments.compare([old, new], environment.as_ref(), &mut report)?,
        (is_folder, _) => {
            let (folder, file) = if is_folder { (old, new) } else { (new, old) };
            let name = file.file_name().unwrap_or_default();
            let inside = folder.join(name);
            let (inside, file) = (inside.as_path(), file.as_path());
            let paths = if is_folder { [inside, file] } else { [file, inside] };
            arguments.compare(paths, environment.as_ref(), &mut report)?;
        }
    }
    report.out.finish()?;
    Ok(report.outcome)
}

/// The names of the databases of two folders, and which of them has each.
fn by_name(old: &Path, new: &Path) -> Result<BTreeMap<OsString, [bool; 2]>, Failure> {
    let mut named: BTreeMap<OsString, [bool; 2]> = BTreeMap::new();
    for (folder, is_new) in [(old, false), (new, true)] {
        for candidate in candidates(folder)? {
            // Partitions are compared as parts of their database.
            let is_part = |name: &&OsStr| name.as_encoded_bytes().starts_with(b"__dbp.");
            let name = candidate.path.file_name().filter(|name| !is_part(name));
            let Some(name) = name.filter(|_| !matches!(candidate.what, What::Other(_))) else { continue };
            let [in_old, in_new] = named.entry(name.to_owned()).or_default();
            *(if is_new { in_new } else { in_old }) = true;
        }
    }
    Ok(named)
}

impl Arguments {
    /// Compares two files.
    fn compare(
        &self,
        [old, new]: [&Path; 2],
        environment: Option<&Environment>,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let file = recovered::file(environment, new)?;
        let first = self.database(open(old)?, old)?;
        let second = self.database(recovered::database(file.as_ref(), new)?, new)?;
        let mut told = Told { files: [old, new], headed: false, database: None };
        for found in Diff::new(&first, &second) {
            match found {
                Ok(difference) => {
                    report.outcome = Outcome::Incomplete.and(report.outcome);
                    if report.quiet {
                        return Ok(());
                    }
                    told.tell(&difference, report)?;
                }
                Err(error) => report.survive(Err(failure(&error, [old, new])))?,
            }
        }
        Ok(())
    }

    fn database<'d>(&self, file: Database<'d>, path: &Path) -> Result<Database<'d>, Failure> {
        match &self.subdatabase {
            Some(name) => {
                file.subdatabase(name.as_encoded_bytes()).map_err(|error| Failure::about(path, &error))
            }
            None => Ok(file),
        }
    }
}

/// What to tell of something that could not be compared.
fn failure(error: &DiffError, [old, new]: [&Path; 2]) -> Failure {
    let path = if error.side() == Some(Side::Old) { old } else { new };
    match error {
        DiffError::Read { cause, .. } => Failure::plain(path, cause),
        error => Failure::Message(about(path, error)),
    }
}

impl Report {
    /// Tells what went wrong, and goes on.
    fn survive(&mut self, found: Result<(), Failure>) -> Result<(), Failure> {
        if let Err(failure) = found {
            let outcome = failure.trouble().survive(self.json.then_some(&mut self.out))?;
            self.outcome = self.outcome.and(outcome);
        }
        Ok(())
    }

    /// Tells of a file that only one folder has.
    fn file(&mut self, name: &OsStr, side: Side) -> Result<(), Failure> {
        self.outcome = Outcome::Incomplete.and(self.outcome);
        if self.quiet {
            return Ok(());
        }
        let name = json::name(name);
        if self.json {
            let only = OnlyFile { name, only: word(side) };
            return Ok(json::line("only_file", &only, &mut self.out)?);
        }
        Ok(writeln!(self.out, "only in the {side} folder: {name}")?)
    }
}

/// The two files of which differences are told.
struct Told<'p> {
    files: [&'p Path; 2],
    /// Whether their names were.
    headed: bool,
    /// The database that was spoken of.
    database: Option<Vec<u8>>,
}

impl Told<'_> {
    fn tell(&mut self, difference: &Difference, report: &mut Report) -> Result<(), Failure> {
        let out = &mut report.out;
        let [old_file, new_file] = self.files.map(json::name);
        match difference {
            Difference::Database { name, side } if report.json => {
                let only =
                    OnlyDatabase { old_file, new_file, database: json::raw_name(name), only: word(*side) };
                json::line("only_database", &only, out)?;
            }
            Difference::Key { database, key, only, old, new } if report.json => {
                let line = KeyLine {
                    old_file,
                    new_file,
                    database: database.as_deref().map(json::raw_name),
                    key: if let DiffKey::Key(key) = key { Some(Bytes(key)) } else { None },
                    record: if let DiffKey::Record(number) = key { Some(*number) } else { None },
                    place: if let DiffKey::Place(place) = key { Some(place.to_string()) } else { None },
                    only: only.map(word),
                    old_values: old.iter().map(|value| Bytes(&value[..])).collect(),
                    new_values: new.iter().map(|value| Bytes(&value[..])).collect(),
                };
                json::line("difference", &line, out)?;
            }
            difference => {
                if !self.headed {
                    writeln!(out, "--- {old_file}\n+++ {new_file}")?;
                    self.headed = true;
                }
                self.text(difference, out)?;
            }
        }
        Ok(())
    }

    fn text(&mut self, difference: &Difference, out: &mut impl Write) -> Result<(), Failure> {
        match difference {
            Difference::Database { name, side } => {
                writeln!(out, "{} database {}", sign(*side), escape(name))?;
            }
            Difference::Key { database, key, old, new, .. } => {
                if let Some(name) = database.as_deref().filter(|name| self.database.as_deref() != Some(*name))
                {
                    writeln!(out, "@@ database {} @@", escape(name))?;
                    self.database = Some(name.to_vec());
                }
                let key = match key {
                    DiffKey::Key(key) => escape(key),
                    DiffKey::Record(number) => number.to_string(),
                    DiffKey::Place(place) => place.to_string(),
                };
                for (side, values) in [(Side::Old, old), (Side::New, new)] {
                    for value in values {
                        writeln!(out, "{}{key}\t{}", sign(side), escape(value))?;
                    }
                }
            }
            // What is not known here has no text.
            _ => {}
        }
        Ok(())
    }
}

fn sign(side: Side) -> char {
    match side {
        Side::Old => '-',
        Side::New => '+',
    }
}

fn word(side: Side) -> &'static str {
    match side {
        Side::Old => "old",
        Side::New => "new",
    }
}

#[derive(Serialize)]
struct OnlyFile {
    name: String,
    only: &'static str,
}

#[derive(Serialize)]
struct OnlyDatabase {
    old_file: String,
    new_file: String,
    database: String,
    only: &'static str,
}

#[derive(Serialize)]
struct KeyLine<'d> {
    old_file: String,
    new_file: String,
    database: Option<String>,
    key: Option<Bytes<'d>>,
    record: Option<u32>,
    place: Option<String>,
    only: Option<&'static str>,
    old_values: Vec<Bytes<'d>>,
    new_values: Vec<Bytes<'d>>,
}
