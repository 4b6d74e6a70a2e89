//! Whether a file beside a database is one that a run of this program can have made: journals,
//! the files of a set, copies. Whoever could lay such a file there could have the database
//! changed as they like.

use std::path::Path;

use super::disk::DiskFile;
use super::error::{JournalError, at};

/// The bits of permissions that let others write: the group, and everybody.
const OTHERS: u32 = 0o022;

/// Believes a journal, or a file of a set, beside a database.
///
/// # Errors
///
/// [`JournalError::Strange`]: it has several names, belongs neither to this user nor to the
/// superuser nor to the owner of the database, or others may write it.
pub(super) fn believe<F: DiskFile>(path: &Path, file: &F, database: Option<&F>) -> Result<(), JournalError> {
    judge(path, file, database, OTHERS)
}

/// Believes a whole copy of a database, which has its permissions.
///
/// # Errors
///
/// As [`believe`], but others may write the copy if they may write the database.
pub(super) fn believe_copy<F: DiskFile>(path: &Path, copy: &F, database: &F) -> Result<(), JournalError> {
    let shared = database.standing().map_err(at(path, "asking for the owner"))?.mode;
    judge(path, copy, Some(database), OTHERS & !shared)
}

fn judge<F: DiskFile>(
    path: &Path,
    file: &F,
    database: Option<&F>,
    forbidden: u32,
) -> Result<(), JournalError> {
    let ask = |file: &F| file.standing().map_err(at(path, "asking for the owner"));
    let found = ask(file)?;
    let owner = database.map(ask).transpose()?.map_or(found.user, |database| database.owner);
    let why = if found.links != 1 {
        "it has several names"
    } else if ![0, found.user, owner].contains(&found.owner) {
        "it belongs to another user"
    } else if found.mode & forbidden != 0 {
        "others may write it"
    } else {
        return Ok(());
    };
    Err(JournalError::Strange { path: path.to_owned(), why })
}
