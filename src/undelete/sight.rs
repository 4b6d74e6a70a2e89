//! What a database held, as a recovery to the moment makes it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{Keys, Undelete, UndeleteError};
use crate::access::Database;
use crate::env::Layout;
use crate::error::Error;
use crate::file_name;
use crate::log::History;
use crate::recover::{Recover, Until, View};
use crate::shown::ShowName;

/// A database of an environment at a moment.
#[derive(Debug)]
pub(super) struct Sight {
    view: View,
    /// The name of its file.
    file: PathBuf,
    /// Its own, if it is one of several in the file.
    inner: Option<Vec<u8>>,
}

/// Looks for the database that is asked for as it was at a moment; gives the reason where that cannot
/// be seen.
pub(super) fn at(
    asked: &Undelete,
    layout: &Layout,
    history: &History<'_>,
    moment: Until,
) -> Result<Result<Sight, String>, UndeleteError> {
    // From the first record on, files are made that are not there any more.
    let recover = Recover::new().catastrophic(true).until(moment);
    let recover = recover.log(asked.log.clone()).files(asked.files);
    let view = match recover.view(layout) {
        Ok(view) => view,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let mut found = BTreeSet::new();
    for (name, inner) in names(history, &asked.database) {
        let file = file_name::from_bytes(&name).and_then(|name| view.file(name));
        if let Some(file) = file {
            found.insert((file.name().to_owned(), inner));
        }
    }
    if found.len() > 1 {
        let exact = |(file, inner): &(PathBuf, Option<Vec<u8>>)| {
            let whole = [Some(file.as_os_str().as_encoded_bytes()), inner.as_deref()];
            whole.into_iter().flatten().collect::<Vec<_>>().join(&b'/') == asked.database
        };
        if found.iter().any(exact) {
            found.retain(exact);
        }
    }
    let mut found = found.into_iter();
    let (file, inner) = match (found.next(), found.next()) {
        (Some(only), None) => only,
        (None, _) => return Ok(Err("the file is not there, and was not made by the log up to then".into())),
        (Some(one), Some(other)) => {
            let all = [one, other].into_iter().chain(found).map(|(file, inner)| match inner {
                Some(inner) => format!("{}/{}", file.shown(), inner.shown()),
                None => file.shown().to_string(),
            });
            return Err(UndeleteError::SeveralDatabases(all.collect()));
        }
    };
    let report = view.report().files.iter().find(|of| of.name == file);
    if let Some(why) = report.and_then(|of| of.stopped.clone()) {
        return Ok(Err(why));
    }
    let sight = Sight { view, file, inner };
    let keyed = !matches!(asked.keys, Keys::All);
    let several = sight.with(|db| {
        db.map(|db| match db.is_directory() && keyed {
            true => db.subdatabases().flatten().map(|inner| inner.name().shown().to_string()).collect(),
            false => Vec::new(),
        })
    });
    match several {
        Ok(names) if names.is_empty() => Ok(Ok(sight)),
        Ok(names) => Err(UndeleteError::SeveralDatabases(names)),
        Err(error) => Ok(Err(error.to_string())),
    }
}

/// The names of the files that may hold the database, each with its own name in there, if it is
/// that of one of several that is asked for.
fn names(history: &History<'_>, asked: &[u8]) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let files = history.files();
    let mut found = Vec::new();
    for binding in history.databases() {
        let inner = files.inner_name(binding).filter(|inner| {
            let file = asked.strip_suffix(*inner);
            file.is_some_and(|file| file.is_empty() || file.ends_with(b"/"))
        });
        for name in files.all_names(binding) {
            found.push((name.to_vec(), inner.map(<[u8]>::to_vec)));
        }
    }
    found.sort();
    found.dedup();
    found
}

impl Sight {
    /// Does something with the database.
    pub(super) fn with<T>(&self, work: impl FnOnce(Result<&Database<'_>, Error>) -> T) -> T {
        let Some(file) = self.view.file(&self.file) else {
            return work(Err(Error::NotADatabase { found: 0 }));
        };
        let opened = file.open();
        let db = opened.database().and_then(|db| match &self.inner {
            Some(inner) => db.subdatabase(inner),
            None => Ok(db),
        });
        match db {
            Ok(db) => work(Ok(&db)),
            Err(error) => work(Err(error)),
        }
    }
}
