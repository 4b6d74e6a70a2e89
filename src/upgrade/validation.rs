//! Whether the new file is what was planned (upgrade, "Validation").

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::content::Content;
use super::error::UpgradeError;
use super::prepare;
use crate::btree::Database;
use crate::journal::{BoxError, Contents, Facts};
use crate::meta::Meta;

/// What is known of files before they change.
#[derive(Debug, Default)]
pub(super) struct Validation {
    /// The metadata of files of which nothing but page 0 changes.
    heads: BTreeMap<PathBuf, Meta>,
}

impl Validation {
    /// Only page 0 of a file changes, which has this metadata.
    pub(super) fn only_head(&mut self, path: PathBuf, before: Meta) {
        self.heads.insert(path, before);
    }

    /// Checks the new file.
    pub(super) fn check(&self, path: &Path, contents: &Contents, facts: &Facts) -> Result<(), BoxError> {
        match self.heads.get(path) {
            Some(before) => head(contents, facts, before),
            None => whole(contents, facts),
        }
    }
}

fn invalid(what: String) -> BoxError {
    UpgradeError::Validation { what }.into()
}

/// Whether a file is sound, and has the pairs that it had before.
pub(super) fn whole(contents: &Contents, facts: &Facts) -> Result<(), BoxError> {
    let db = Database::from_bytes(&contents[..])?;
    let genuine = facts.options.genuine_8a || facts.options.genuine_8b;
    let (error, content) = std::thread::scope(|scope| {
        let content = facts.digest.map(|_| scope.spawn(|| Content::of(&db)));
        let error = prepare::first_error(&db, genuine);
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| thread.join();
        (error, content.map(join).transpose())
    });
    if let Some(error) = error {
        return Err(invalid(error));
    }
    let content = content.unwrap_or_else(|panic| std::panic::resume_unwind(panic)).transpose()?;
    if let Some(content) =
        content.filter(|found| (Some(found.digest), found.pairs) != (facts.digest, facts.pairs))
    {
        return Err(invalid(format!("{} pairs, of which some are not those of before", content.pairs)));
    }
    Ok(())
}

/// Whether page 0 is right. All other pages were checked and read before, and stay as they
/// are; so do the pairs, if page 0 leads to them as it did.
fn head(contents: &Contents, facts: &Facts, before: &Meta) -> Result<(), BoxError> {
    let db = Database::from_bytes(&contents[..])?;
    let version = db.meta().version();
    if version == facts.target_version.into() && db.meta().leads_as(before) {
        return Ok(());
    }
    Err(invalid(format!("page 0 says version {version}, or leads elsewhere than before")))
}
