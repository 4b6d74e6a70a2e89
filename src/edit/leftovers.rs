//! What an earlier run left behind: of the files that are given, and of those that it had been
//! changing together with them (upgrade, "What a later run does when it finds a journal").

use std::path::{Path, PathBuf};

use super::builder::Edit;
use super::error::{Result, at};
use super::progress::Step;
use super::report::Settled;
use super::surroundings::Surroundings;
use super::validation;
use crate::folder::{PUBLISHED, directory};
use crate::journal::{
    self, BoxError, Contents, Disk, DiskFile, EntryKind, Facts, Form, JournalError, Leftover, LeftoverState,
    SetLeftover,
};
use crate::pages::Extents;

/// What to do with a leftover.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// Nobody said: what is right, if there is no doubt about it.
    Implied,
    /// Go on with the change.
    Resume,
    /// Bring back the old file.
    RollBack,
}

impl<'d, D: Disk, O> Edit<'d, D, O> {
    /// Goes on with what an earlier run left behind: makes the files new, unless it had not
    /// touched them yet. Files that it had been changing together with them are dealt with,
    /// too.
    ///
    /// # Errors
    ///
    /// Those of [`Leftover::resume`] and [`SetLeftover::resume`]; [`JournalError::Sibling`] if
    /// nothing was left behind of the files, but another in the folder is unfinished.
    pub fn resume(&self) -> Result<Settled> {
        let (places, files) = self.lock()?;
        self.settle(&places, &files, Wish::Resume)
    }

    /// Undoes what an earlier run left behind: makes the files what they were before, and those
    /// that it had been changing together with them.
    ///
    /// # Errors
    ///
    /// Those of [`Leftover::roll_back`] and [`SetLeftover::roll_back`]; [`JournalError::Sibling`]
    /// if nothing was left behind of the files, but another in the folder is unfinished.
    pub fn roll_back(&self) -> Result<Settled> {
        let (places, files) = self.lock()?;
        self.settle(&places, &files, Wish::RollBack)
    }

    /// Deals with what an earlier run left behind; what became of it, file by file.
    pub(super) fn settle(&self, places: &[PathBuf], files: &[D::File], wish: Wish) -> Result<Settled> {
        let extents = self.journaled_extents(places)?;
        let (paths, held): (Vec<_>, Vec<_>) = extents.iter().map(|(path, file)| (path.clone(), file)).unzip();
        let all: Vec<PathBuf> = places.iter().chain(&paths).cloned().collect();
        let held: Vec<&D::File> = files.iter().chain(held).collect();
        let mut settled = self.settle_all(&all, &held, wish)?;
        let of_extents = paths.into_iter().zip(settled.files.split_off(places.len()));
        settled.others.extend(of_extents.filter_map(|(path, outcome)| Some((path, outcome?))));
        Ok(settled)
    }

    /// The extents of files that have journals, locked: whoever gives a main file means them, too.
    fn journaled_extents(&self, places: &[PathBuf]) -> Result<Vec<(PathBuf, D::File)>> {
        let mut found = Vec::new();
        for place in places {
            let folder = directory(place);
            let names = self.disk.names(folder).map_err(at(folder))?;
            for (_, path) in Extents::among(place, &names) {
                let there = self.disk.exists(&journal::name(&path)).map_err(at(&path))?;
                let is_file = self.disk.look(&path).map_err(at(&path))?.map(|found| found.kind);
                if there && is_file == Some(EntryKind::File) {
                    let file = self.disk.open_exclusive(&path, self.surroundings.assume_closed)?;
                    found.push((path, file));
                }
            }
        }
        Ok(found)
    }

    fn settle_all(&self, places: &[PathBuf], files: &[&D::File], wish: Wish) -> Result<Settled> {
        let mut settled = Settled::default();
        let (mut of_set, mut numbers) = (Vec::new(), Vec::new());
        for (path, &file) in places.iter().zip(files) {
            let outcome = match journal::leftover(self.disk, file, path)? {
                None => None,
                Some(leftover) if leftover.one_of_set() => {
                    numbers.push(settled.files.len());
                    of_set.push((path.clone(), leftover));
                    None
                }
                Some(leftover) => {
                    settled.accept(path, &leftover, wish)?;
                    let check = |form, contents: &Contents, facts: &Facts| {
                        self.check(path, file, form, contents, facts)
                    };
                    Some(match wish {
                        Wish::Implied | Wish::Resume => leftover.resume(check)?,
                        Wish::RollBack => leftover.roll_back(check)?,
                    })
                }
            };
            settled.files.push(outcome);
        }
        let Some(folder) = places.first().and_then(|first| first.parent()) else { return Ok(settled) };
        let strangers = self.strangers(folder, places, !of_set.is_empty())?;
        let mut ended = Vec::new();
        for (path, file) in &strangers {
            match journal::leftover(self.disk, file, path)? {
                Some(leftover) if leftover.one_of_set() => {
                    settled.others.push((path.clone(), journal::Outcome::Discarded));
                    of_set.push((path.clone(), leftover));
                }
                // It is of the set no more, but its journal is still there.
                Some(leftover) if leftover.state() == LeftoverState::Ended => {
                    ended.push((path.clone(), leftover.resume(|_, _, _| Ok(()))?));
                }
                _ => {}
            }
        }
        for (path, leftover) in &of_set {
            settled.accept(path, leftover, wish)?;
        }
        let nothing = of_set.is_empty() && settled.files.iter().all(Option::is_none);
        let members = of_set.into_iter().map(|(_, leftover)| leftover).collect();
        if let Some(set) = self.set(folder, places, members)? {
            let own = || places.iter().zip(files.iter().copied());
            let locked = || own().chain(strangers.iter().map(|(path, file)| (path, file)));
            let check = |path: &Path, form, contents: &Contents, facts: &Facts| {
                let file = locked().find(|(place, _)| *place == path);
                file.map_or(Ok(()), |(path, file)| self.check(path, file, form, contents, facts))
            };
            let outcome = match wish {
                Wish::Implied | Wish::Resume => set.resume(check)?,
                Wish::RollBack => set.roll_back(check)?,
            };
            for number in numbers {
                settled.files.iter_mut().skip(number).take(1).for_each(|of| *of = Some(outcome.clone()));
            }
            settled.others.iter_mut().for_each(|(_, of)| *of = outcome.clone());
            settled.others.extend(ended);
        } else if nothing && wish != Wish::Implied {
            self.no_siblings(folder, places)?;
        }
        Ok(settled)
    }

    /// Checks the new file, or the old one before it is brought back.
    fn check(
        &self,
        path: &Path,
        file: &D::File,
        form: Form,
        contents: &[u8],
        facts: &Facts,
    ) -> std::result::Result<(), BoxError> {
        match form {
            Form::New => {
                validation::whole(contents, facts, self.watch.step(path, Step::Validate), self.options)
            }
            Form::Old => validation::old(contents, facts, || file.contents().ok(), self.options),
        }
    }

    /// The set that the files are of, or whose record stands in their way.
    fn set(
        &self,
        folder: &Path,
        places: &[PathBuf],
        members: Vec<Leftover<'d, D>>,
    ) -> Result<Option<SetLeftover<'d, D>>> {
        let concerned = !members.is_empty() || self.recorded(folder, places)?.is_some();
        Ok(if concerned { SetLeftover::new(self.disk, folder, members)? } else { None })
    }

    /// The files on record as those of a set, if that concerns these: they are of it, or are a
    /// set themselves and need the place.
    fn recorded(&self, folder: &Path, places: &[PathBuf]) -> Result<Option<Vec<PathBuf>>> {
        let recorded = SetLeftover::on_record(self.disk, folder)?;
        Ok(recorded.filter(|members| places.len() > 1 || members.iter().any(|path| places.contains(path))))
    }

    /// The other files that may be of the set of these: those on record, or else all in the
    /// folder that have a journal.
    fn strangers(&self, folder: &Path, own: &[PathBuf], of_set: bool) -> Result<Vec<(PathBuf, D::File)>> {
        let recorded = self.recorded(folder, own)?;
        if recorded.is_none() && !of_set {
            return Ok(Vec::new());
        }
        let there = self.disk.list(folder).map_err(at(folder))?;
        let named = recorded.unwrap_or_default();
        let paths = if named.is_empty() { journaled(&there) } else { named };
        let others = paths.into_iter().filter(|path| !own.contains(path) && there.contains(path));
        let open = |path: PathBuf| {
            let file = self.disk.open_exclusive(&path, self.surroundings.assume_closed)?;
            Ok((path, file))
        };
        others.map(open).collect()
    }

    /// Refuses to say that nothing was left behind if another file of the folder is one of a set
    /// that is unfinished, and no record says which files are of it.
    fn no_siblings(&self, folder: &Path, own: &[PathBuf]) -> Result<()> {
        if SetLeftover::on_record(self.disk, folder)?.is_some() {
            return Ok(());
        }
        let there = self.disk.list(folder).map_err(at(folder))?;
        let others = journaled(&there).into_iter().filter(|path| !own.contains(path) && there.contains(path));
        for sibling in others {
            // What cannot be looked at, or has no journal of ours, is no reason to refuse.
            let Ok(file) = self.disk.open_exclusive(&sibling, self.surroundings.assume_closed) else {
                continue;
            };
            let Ok(Some(leftover)) = journal::leftover(self.disk, &file, &sibling) else { continue };
            let unfinished = leftover.writes() || leftover.state() == LeftoverState::Unproven;
            if let Some(path) = own.first().filter(|_| leftover.one_of_set() && unfinished) {
                return Err(JournalError::Sibling { path: path.clone(), sibling }.into());
            }
        }
        Ok(())
    }
}

/// Deals with all that an earlier run left behind in a folder: completes it, or takes it back; what
/// became of it, file by file.
///
/// # Errors
///
/// As [`Edit::resume`] and [`Edit::roll_back`].
pub(crate) fn settle_folder<D: Disk>(
    disk: &D,
    folder: &Path,
    around: &Surroundings,
    back: bool,
) -> Result<Vec<(PathBuf, journal::Outcome)>> {
    let there = disk.list(folder).map_err(at(folder))?;
    let journaled = journaled(&there).into_iter().filter(|path| there.contains(path)).collect::<Vec<_>>();
    // Whoever gives a main file means its extents, too.
    let is_extent = |path: &PathBuf| journaled.iter().any(|main| Extents::is_beside(main, path));
    let given = journaled.iter().filter(|path| !is_extent(path)).cloned().collect::<Vec<_>>();
    if given.is_empty() {
        // A record that has outlived all journals, as it does when a run dies just before its end.
        let Some(set) = SetLeftover::new(disk, folder, Vec::new())? else { return Ok(Vec::new()) };
        let outcome = set.resume(|_, _, _, _| Ok(()))?;
        return Ok(vec![(folder.join(PUBLISHED), outcome)]);
    }
    let edit = Edit::new(disk, &given, ()).within(around.clone());
    let settled = if back { edit.roll_back()? } else { edit.resume()? };
    let own = given.into_iter().zip(settled.files).filter_map(|(path, outcome)| Some((path, outcome?)));
    Ok(own.chain(settled.others).collect())
}

/// The databases of whose journals the names are among these.
fn journaled(paths: &[PathBuf]) -> Vec<PathBuf> {
    paths.iter().filter_map(|path| journal::database(path)).collect()
}

impl Settled {
    /// Accepts the journal of a file that was copied since, if somebody asked for it.
    fn accept<D: Disk>(&mut self, path: &Path, leftover: &Leftover<'_, D>, wish: Wish) -> Result<()> {
        if leftover.moved() && leftover.writes() {
            if wish == Wish::Implied {
                return Err(JournalError::Moved { path: path.to_owned() }.into());
            }
            self.moved.push(path.to_owned());
        }
        Ok(())
    }
}
