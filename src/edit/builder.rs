//! The machine that changes files: what it is told before it runs.

use std::path::{Path, PathBuf};

use super::error::{EditError, Refusal, Result, at};
use super::open::opening;
use super::progress::{Progress, Watch};
use super::surroundings::Surroundings;
use crate::journal::Disk;
use crate::log::LogOptions;
use crate::pages::OpenOptions;
use crate::recover::Recover;

/// A change of one file, or of several as one unit: an [`Upgrade`](crate::upgrade::Upgrade), a
/// [`Convert`](crate::upgrade::Convert) or a [`Reset`](crate::upgrade::Reset).
///
/// Nothing is written before all checks of all files are done. Then a journal beside each
/// file holds every page as it was and as it is to be; whenever the run dies, a later one
/// makes the file new or old again, whole. See [`journal`](crate::journal).
#[derive(Debug)]
pub struct Edit<'d, D: Disk, O> {
    pub(super) disk: &'d D,
    pub(super) paths: Vec<PathBuf>,
    pub(super) operation: O,
    pub(super) surroundings: Surroundings,
    pub(super) backup: Option<PathBuf>,
    pub(super) keep_backup: bool,
    pub(super) watch: Watch<'d>,
    /// Files of the same folder that go to the copies.
    pub(super) without: Vec<PathBuf>,
    /// How the files are opened.
    pub(super) options: OpenOptions<'static>,
}

impl<'d, D: Disk, O> Edit<'d, D, O> {
    /// An operation on files of some disk. Nothing is read yet.
    pub(crate) fn new(disk: &'d D, paths: impl IntoIterator<Item = impl AsRef<Path>>, operation: O) -> Self {
        Edit {
            disk,
            paths: paths.into_iter().map(|path| path.as_ref().to_owned()).collect(),
            operation,
            surroundings: Surroundings::default(),
            backup: None,
            keep_backup: false,
            watch: Watch::default(),
            without: Vec::new(),
            options: opening(),
        }
    }

    /// The same files, opened with this password, as the logs of their environment are.
    pub(crate) fn opened_with(mut self, password: impl Into<String>) -> Self {
        let password = password.into();
        self.options = self.options.password(&password);
        let files = OpenOptions::new().password(&password);
        self.surroundings.recover = Recover::new().log(LogOptions::new().password(password)).files(files);
        self
    }

    /// The same files, and what is done to them as this makes it.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut O)) -> Self {
        change(&mut self.operation);
        self
    }

    /// The same files; others of their folder, which are copied as the files are, go together with the change.
    pub(crate) fn without(mut self, others: &[PathBuf]) -> Self {
        self.without = others.to_vec();
        self
    }

    /// The same files in these surroundings.
    pub(crate) fn within(mut self, surroundings: Surroundings) -> Self {
        self.surroundings = surroundings;
        self
    }

    /// The home of the environment that the files belong to, where region files, the logs and
    /// `DB_CONFIG` are looked for, if it is not their folder.
    #[must_use]
    pub fn home(mut self, home: Option<PathBuf>) -> Self {
        self.surroundings.home = home;
        self
    }

    /// Whether to go on even if logs beside a file say that it is not complete.
    #[must_use]
    pub fn ignore_logs(mut self, ignore: bool) -> Self {
        self.surroundings.ignore_logs = ignore;
        self
    }

    /// Whether to take it that no program uses the files or their environment.
    #[must_use]
    pub fn assume_closed(mut self, closed: bool) -> Self {
        self.surroundings.assume_closed = closed;
        self
    }

    /// Copies each file to this folder first, which is made if it is not there. The copies are
    /// removed when all went well.
    #[must_use]
    pub fn backup_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.backup = Some(folder.as_ref().to_owned());
        self
    }

    /// Keeps the copies.
    #[must_use]
    pub fn keep_backup(mut self, keep: bool) -> Self {
        self.keep_backup = keep;
        self
    }

    /// Calls this now and then, from any thread.
    #[must_use]
    pub fn progress(mut self, call: impl Fn(Progress<'_>) + Sync + 'd) -> Self {
        self.watch = Watch::new(call);
        self
    }

    /// Locks the files, and says where they are, without symbolic links. All are in one
    /// folder: there a later run finds all of a set, whichever of them it is given.
    pub(super) fn lock(&self) -> Result<(Vec<PathBuf>, Vec<D::File>)> {
        let mut places: Vec<PathBuf> = Vec::new();
        for path in &self.paths {
            let place = self.disk.resolve(path).map_err(at(path))?;
            if places.contains(&place) {
                return Err(EditError::from(Refusal::Twice).about(path));
            }
            if places.first().is_some_and(|first| first.parent() != place.parent()) {
                return Err(EditError::from(Refusal::Folders).about(path));
            }
            places.push(place);
        }
        let open = |path: &PathBuf| Ok(self.disk.open_exclusive(path, self.surroundings.assume_closed)?);
        let files = self.paths.iter().map(open).collect::<Result<_>>()?;
        Ok((places, files))
    }
}
