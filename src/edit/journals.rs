//! The journals of a run: of the only file, or of a set.

use std::path::{Path, PathBuf};

use super::draft::Draft;
use super::error::Result;
use super::progress::{Counter, Watch};
use super::validation::Validation;
use crate::journal::{BoxError, Disk, Estimate, Facts, Journal, Set};

/// Pages of a journal after which somebody is told.
const PAGES_AT_ONCE: u64 = 256;

/// The journal of the only file, or those of a set.
pub(super) enum Journals<'f, D: Disk> {
    One(&'f D, Option<Box<Journal<'f, D>>>),
    Several(Set<'f, D>),
}

impl<'f, D: Disk> Journals<'f, D> {
    pub(super) fn new(disk: &'f D, places: &[PathBuf], several: bool) -> Result<Self> {
        Ok(match places {
            [first, ..] if several => Journals::Several(Set::new(disk, first.parent().unwrap_or(first))?),
            _ => Journals::One(disk, None),
        })
    }

    pub(super) fn write(
        &mut self,
        file: &'f D::File,
        path: &Path,
        facts: &Facts,
        draft: &Draft<'_>,
        counter: Counter<'_>,
    ) -> Result<()> {
        let modified = u64::from(draft.modified()).saturating_add(1);
        let (appended, cut) = (draft.appended().into(), draft.removed().into());
        let estimate = Estimate { modified, appended, cut };
        let total = modified.saturating_add(appended).saturating_add(cut);
        let changes = draft.changes().zip(0..).map(|(change, pages)| {
            if pages % PAGES_AT_ONCE == 0 {
                counter.pages(pages, total);
            }
            Ok::<_, BoxError>(change)
        });
        match self {
            Journals::One(disk, journal) => {
                *journal = Some(Box::new(Journal::write(*disk, file, path, facts, estimate, changes)?));
            }
            Journals::Several(set) => set.write(file, path, facts, estimate, changes)?,
        }
        Ok(())
    }

    /// Removes a file together with the change, if that is one of a set.
    pub(super) fn remove(&mut self, path: &Path) -> Result<()> {
        match self {
            Journals::One(..) => Ok(()),
            Journals::Several(set) => Ok(set.remove(path)?),
        }
    }

    pub(super) fn run(self, validation: &Validation, watch: &Watch<'_>) -> Result<()> {
        match self {
            Journals::One(_, None) => {}
            Journals::One(_, Some(journal)) => {
                let path = journal.path().to_owned();
                journal.run(|contents, facts| validation.check(&path, contents, facts, watch))?;
            }
            Journals::Several(set) => {
                set.run(|path, contents, facts| validation.check(path, contents, facts, watch))?;
            }
        }
        Ok(())
    }

    /// Removes the journals: no file was touched yet.
    pub(super) fn discard(self) -> Result<()> {
        match self {
            Journals::One(_, None) => {}
            Journals::One(_, Some(mut journal)) => journal.roll_back()?,
            Journals::Several(set) => set.roll_back()?,
        }
        Ok(())
    }
}
