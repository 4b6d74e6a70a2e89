//! The files that arguments stand for, and what each one in a folder is.

use std::fs;
use std::path::{Path, PathBuf};

use bdbkit::env::Region;
use bdbkit::journal::is_remnant;
use bdbkit::{Error, ErrorKind, Feature};

use crate::failure::{Failure, about};
use crate::hints;
use crate::input::options;
use crate::log::source::named_as_log;
use crate::password;

/// A file that an argument stands for.
pub(crate) struct Candidate {
    pub(crate) path: PathBuf,
    pub(crate) what: What,
}

/// The file, or the databases of the folder: all of them are to be changed, or none.
///
/// # Errors
///
/// What keeps the folder from being changed as a whole: something in it that is a database, or
/// may be one, and cannot be changed.
pub(crate) fn databases(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let (mut files, mut others) = (Vec::new(), Vec::new());
    for Candidate { path, what } in candidates(path)? {
        match what {
            What::Database => files.push(path),
            What::Unjudged(why) => others.push(about(&path, why)),
            What::Other(_) => {}
        }
    }
    if files.is_empty() && others.is_empty() {
        return Err(none_in(path));
    }
    if others.is_empty() {
        return Ok(files);
    }
    let advice =
        "all databases of a folder are changed, or none: name the files if these may stay as they are";
    Err(Failure::Refused(about(path, advice).after(others)))
}

/// What a file of a folder is, for a command that works on databases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A database that can be worked on, sound or not; or a file that was named.
    Database,
    /// It is a database, or may be one, and cannot be worked on: why.
    Unjudged(String),
    /// Something else: what.
    Other(String),
}

/// The file, or all that stands in the folder, each with what it is.
///
/// # Errors
///
/// The folder cannot be read.
pub(crate) fn candidates(path: &Path) -> Result<Vec<Candidate>, Failure> {
    if !path.is_dir() {
        return Ok(vec![Candidate { path: path.to_owned(), what: What::Database }]);
    }
    let entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(|error| Failure::io(path, &error))?;
    let mut paths: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
    paths.sort();
    let what = |path: PathBuf| Candidate { what: What::of(&path), path };
    Ok(paths.into_iter().map(what).collect())
}

/// What to tell of a folder in which nothing looks like a database.
pub(crate) fn none_in(folder: &Path) -> Failure {
    Failure::Unsupported(about(folder, "no database files in this folder"))
}

impl What {
    fn of(path: &Path) -> What {
        let other = |what: &str| What::Other(what.to_owned());
        if is_remnant(path) {
            return other("what a change in place keeps until it is done");
        }
        let kind = match fs::metadata(path) {
            Ok(kind) => kind,
            Err(error) if path.is_symlink() => {
                return What::Unjudged(format!("a symbolic link that cannot be followed: {error}"));
            }
            Err(error) => return What::Unjudged(error.to_string()),
        };
        if kind.is_dir() {
            return other("a folder: not looked into");
        }
        if !kind.is_file() {
            return other("no regular file: not looked into");
        }
        if named_as_log(path) {
            return other("a log file: see bdbkit log verify");
        }
        if kind.len() == 0 && !named_as_database(path) {
            return other("empty");
        }
        if Region::of(path).is_some() {
            return other("a region file of an environment");
        }
        What::by_content(path)
    }

    fn by_content(path: &Path) -> What {
        let verify = match options(path).verify(path) {
            Ok(verify) => verify,
            Err(Error::Open { cause: source, .. }) => return What::Unjudged(source.to_string()),
            Err(error) => return What::Unjudged(error.to_string()),
        };
        let Some(error) = verify.refusal() else { return What::Database };
        match error.kind() {
            ErrorKind::NotADatabase if matches!(error, Error::LogFile { .. }) => {
                What::Other(error.to_string())
            }
            ErrorKind::NotADatabase if holds_pages(path) => What::Unjudged(DESTROYED.to_owned()),
            ErrorKind::NotADatabase if named_as_database(path) => What::Unjudged(error.to_string()),
            ErrorKind::NotADatabase => What::Other("nothing of Berkeley DB".to_owned()),
            ErrorKind::Damaged => What::Other(error.to_string()),
            _ => What::Unjudged(hints::error(&as_met(error))),
        }
    }
}

/// What an error is to a command that takes no password: the file is not for it.
fn as_met(error: &Error) -> Error {
    match *error {
        Error::Encrypted { method, version, order } if !password::is_taken() => {
            Error::UnsupportedFeature { method, version, order, feature: Feature::Encrypted }
        }
        _ => error.clone(),
    }
}

/// What to tell of a file that is refused: that it is no database, or rather one that is damaged.
pub(crate) fn refused(path: &Path, error: &Error) -> Failure {
    match error.kind() {
        ErrorKind::NotADatabase if holds_pages(path) => {
            Failure::Message(about(path, DESTROYED).kind(ErrorKind::Damaged))
        }
        _ => Failure::about(path, error),
    }
}

/// What is said of a file whose metadata is gone.
const DESTROYED: &str = "page 0 is none of a database, but other pages are: see bdbkit salvage";

/// Whether pages in a file are those of a database, whatever its page 0 is.
fn holds_pages(path: &Path) -> bool {
    path.is_file()
        && options(path)
            .salvage(path)
            .is_ok_and(|salvage| salvage.survey().is_ok_and(|survey| survey.records().next().is_some()))
}

/// Whether a file is called a database.
fn named_as_database(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "db")
}
