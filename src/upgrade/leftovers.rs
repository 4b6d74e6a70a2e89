//! What an earlier run left behind: of the files that are given, and of those that it had been
//! changing together with them (upgrade, "What a later run does when it finds a journal").

use std::path::{Path, PathBuf};

use super::error::Result;
use super::progress::Step;
use super::run::{Upgrade, at};
use super::validation;
use crate::journal::{self, Disk, Leftover, Outcome, SetLeftover};

/// What to do with a leftover.
#[derive(Clone, Copy)]
pub(super) enum Wish {
    Resume,
    RollBack,
}

/// What became of what an earlier run had left behind.
pub(super) struct Settled {
    /// Of the files that were given, one by one.
    pub(super) files: Vec<Option<Outcome>>,
    /// Of the others that it had been changing together with them.
    pub(super) others: Vec<(PathBuf, Outcome)>,
}

impl<D: Disk> Upgrade<'_, D> {
    /// Goes on with what an earlier run left behind: makes the files new.
    ///
    /// # Errors
    ///
    /// Those of [`Leftover::resume`] and [`SetLeftover::resume`].
    pub fn resume(&self) -> Result<Vec<Option<Outcome>>> {
        let (places, files) = self.lock()?;
        Ok(self.settle(&places, &files, Wish::Resume)?.files)
    }

    /// Undoes what an earlier run left behind: makes the files what they were before.
    ///
    /// # Errors
    ///
    /// Those of [`Leftover::roll_back`] and [`SetLeftover::roll_back`].
    pub fn roll_back(&self) -> Result<Vec<Option<Outcome>>> {
        let (places, files) = self.lock()?;
        Ok(self.settle(&places, &files, Wish::RollBack)?.files)
    }

    /// Deals with what an earlier run left behind; what became of it, file by file.
    pub(super) fn settle(&self, places: &[PathBuf], files: &[D::File], wish: Wish) -> Result<Settled> {
        let mut outcomes = Vec::new();
        let (mut of_set, mut numbers) = (Vec::new(), Vec::new());
        for (path, file) in places.iter().zip(files) {
            let outcome = match journal::leftover(self.disk, file, path)? {
                None => None,
                Some(leftover) if leftover.one_of_set() => {
                    numbers.push(outcomes.len());
                    of_set.push(leftover);
                    None
                }
                Some(leftover) => Some(match wish {
                    Wish::Resume => {
                        let counter = self.watch.step(path, Step::Validate);
                        leftover.resume(|contents, facts| validation::whole(contents, facts, counter))?
                    }
                    Wish::RollBack => leftover.roll_back()?,
                }),
            };
            outcomes.push(outcome);
        }
        let Some(folder) = places.first().and_then(|first| first.parent()) else {
            return Ok(Settled { files: outcomes, others: Vec::new() });
        };
        let strangers = match of_set.is_empty() && !SetLeftover::has_set_file(self.disk, folder)? {
            true => Vec::new(),
            false => self.strangers(folder, places)?,
        };
        let mut others = Vec::new();
        for (path, file) in &strangers {
            if let Some(leftover) = journal::leftover(self.disk, file, path)?.filter(Leftover::one_of_set) {
                of_set.push(leftover);
                others.push((path.clone(), Outcome::Discarded));
            }
        }
        if let Some(set) = SetLeftover::new(self.disk, folder, of_set)? {
            let outcome = match wish {
                Wish::Resume => set.resume(|path, contents, facts| {
                    validation::whole(contents, facts, self.watch.step(path, Step::Validate))
                })?,
                Wish::RollBack => set.roll_back()?,
            };
            for number in numbers {
                outcomes.iter_mut().skip(number).take(1).for_each(|of| *of = Some(outcome.clone()));
            }
            others.iter_mut().for_each(|(_, of)| *of = outcome.clone());
        }
        Ok(Settled { files: outcomes, others })
    }

    /// The other files of the folder that have a journal: a set is dealt with as a whole,
    /// whichever of its files were given.
    fn strangers(&self, folder: &Path, own: &[PathBuf]) -> Result<Vec<(PathBuf, D::File)>> {
        let mut strangers = Vec::new();
        for path in self.disk.list(folder).map_err(at(folder))? {
            let Some(database) = journal::database(&path).filter(|database| !own.contains(database)) else {
                continue;
            };
            if self.disk.exists(&database).map_err(at(&database))? {
                let file = self.disk.open_exclusive(&database, self.choices.assume_closed)?;
                strangers.push((database, file));
            }
        }
        Ok(strangers)
    }
}
