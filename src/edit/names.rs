//! Databases that an operation was told something about, by name.

use super::error::{Refusal, Result};
use crate::access::Database;

/// Names that something was said about, as long as no file has a database of that name.
pub(super) struct Names<'c>(Vec<&'c [u8]>);

impl<'c> Names<'c> {
    pub(super) fn new(names: Vec<&'c [u8]>) -> Self {
        Names(names)
    }

    /// Looks for the names in a file. What is wrong with it others tell.
    pub(super) fn look(&mut self, file: &Database<'_>) {
        if self.0.is_empty() {
            return;
        }
        for found in file.subdatabases().flatten() {
            self.0.retain(|name| *name != found.name());
        }
    }

    /// Looks for the names in a file that is opened for nothing else.
    pub(super) fn look_at(&mut self, file: crate::error::Result<Database<'_>>) {
        if let Ok(file) = file {
            self.look(&file);
        }
    }

    /// Refuses a name that no file has.
    pub(super) fn all_found(&self) -> Result<()> {
        match self.0.first() {
            Some(name) => Err(Refusal::NoSuchDatabase { name: name.to_vec() }.into()),
            None => Ok(()),
        }
    }
}
