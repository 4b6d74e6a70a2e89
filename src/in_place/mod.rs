//! Makes on disk what recovery found (recovery, "The overall algorithm"; mboxlist, "`store-recover`"):
//! all files of an environment as one unit, then the region files go.
//!
//! ```text
//! 1  what an earlier run left behind is completed
//! 2  the environment is recovered in memory; all its files are locked
//! 3  every database as it would be is checked: an environment that is refused is not touched
//! 4  pages go to journals, files that are made or replaced to drafts; all of it is one set (see `journal`),
//!    or one for each folder
//! 5  the set is published, or one after the other, and the region files are removed
//! ```
//!
//! Logs are never touched.

mod drafts;
mod error;
mod held;
mod regions;
mod report;
mod sets;
mod tasks;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

pub use error::InPlaceError;
pub use report::{InPlaceReport, Written, WrittenFile};

use crate::edit::{Backups, Progress, Step, Surroundings, Watch, settle_folder, whole};
use crate::env::Layout;
use crate::journal::{Disk, Outcome, SystemDisk};
use crate::recover::{Recover, View};
use error::{Result, at};
use held::{Held, Sight};
use sets::Sets;
use tasks::Tasks;

/// So often an environment is looked at again.
const LOOKS: usize = 3;

/// A recovery of an environment in place: of all its files or of none.
///
/// ```
/// use bdbkit::env::Layout;
/// use bdbkit::in_place::InPlace;
/// use bdbkit::recover::Recover;
///
/// # let folder = tempfile::tempdir()?;
/// # let home = folder.path();
/// # for entry in std::fs::read_dir("testdata/env-log3-le-crashed")? {
/// #     let path = entry?.path();
/// #     if path.is_dir() {
/// #         continue;
/// #     }
/// #     std::fs::copy(&path, home.join(path.file_name().expect("it has one")))?;
/// # }
/// let report = InPlace::open(Layout::of(home)).run(&Recover::new())?;
/// assert!(report.recovered.is_complete() && !report.files.is_empty());
/// assert!(Recover::new().view(&Layout::of(home))?.report().is_clean());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct InPlace<'d, D: Disk> {
    disk: &'d D,
    layout: Layout,
    regions: Vec<PathBuf>,
    assume_closed: bool,
    partial: bool,
    backup: Option<PathBuf>,
    watch: Watch<'d>,
}

impl InPlace<'static, SystemDisk> {
    /// A recovery of the environment with this layout. Nothing is read yet.
    #[must_use]
    pub fn open(layout: Layout) -> Self {
        InPlace::on(&SystemDisk::MAPPED, layout)
    }
}

impl<'d, D: Disk> InPlace<'d, D> {
    /// The same on some disk. Logs, and databases before they are recovered, are read from the
    /// operating system's.
    #[must_use]
    pub fn on(disk: &'d D, layout: Layout) -> Self {
        InPlace {
            disk,
            layout,
            regions: Vec::new(),
            assume_closed: false,
            partial: false,
            backup: None,
            watch: Watch::default(),
        }
    }

    /// Whether to take it that no program uses the environment.
    #[must_use]
    pub fn assume_closed(mut self, closed: bool) -> Self {
        self.assume_closed = closed;
        self
    }

    /// Whether to recover the files that can be, if others cannot: those stay as they are, and so do
    /// the region files.
    #[must_use]
    pub fn partial(mut self, partial: bool) -> Self {
        self.partial = partial;
        self
    }

    /// Another folder of region files, if not all are in the home.
    #[must_use]
    pub fn region_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.regions.push(folder.as_ref().to_owned());
        self
    }

    /// Copies each file that is changed, replaced or removed to this folder first, which is made if it
    /// is not there.
    #[must_use]
    pub fn backup_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.backup = Some(folder.as_ref().to_owned());
        self
    }

    /// Calls this now and then, from any thread.
    #[must_use]
    pub fn progress(mut self, call: impl Fn(Progress<'_>) + Sync + 'd) -> Self {
        self.watch = Watch::new(call);
        self
    }

    /// Recovers the environment. What an earlier run left behind is completed first.
    ///
    /// # Errors
    ///
    /// Why it is refused, or what failed: then all files are as they were, unless the disk failed
    /// again, and a later run goes on.
    pub fn run(&self, recover: &Recover) -> Result<InPlaceReport> {
        let (folders, _locks) = self.lock()?;
        let settled = self.settle(&folders, false)?;
        // What is recovered in memory has the files open: before that nobody has.
        let held = self.hold(&folders, self.assume_closed)?;
        let before = self.sight(&folders)?;
        let view = recover.view(&self.layout)?;
        if let Some(path) = held::changed(&before, &self.sight(&folders)?) {
            return Err(InPlaceError::Changed { path });
        }
        let mut report = InPlaceReport { settled, ..self.apply(view, &folders, &held)? };
        // The decisive test: is there anything left to do? Of a QUEUE a second recovery may still move the
        // first record on.
        let mut held = Some(held);
        for _ in 0..LOOKS {
            let view = recover.view(&self.layout)?;
            report.clean = report.is_whole() && self.is_done(&view)?;
            if report.clean || !report.is_whole() {
                break;
            }
            // What was replaced is another file now.
            drop(held.take());
            let again = held.insert(self.hold(&folders, true)?);
            let more = self.apply(view, &folders, again)?.files;
            let is_new = |file: &WrittenFile| !report.files.iter().any(|known| known.path == file.path);
            let more = more.into_iter().filter(is_new).collect::<Vec<_>>();
            report.files.extend(more);
        }
        self.finish(report)
    }

    /// Makes an environment what a view of it says, once nothing is left behind of earlier runs
    /// ([`InPlace::resume`]). As the view has its files open, nobody is looked for who has them open, too.
    ///
    /// # Errors
    ///
    /// As [`InPlace::run`].
    pub fn write(&self, view: View) -> Result<InPlaceReport> {
        let (folders, _locks) = self.lock()?;
        let held = self.hold(&folders, true)?;
        let report = self.apply(view, &folders, &held)?;
        let clean = report.is_whole();
        self.finish(InPlaceReport { clean, ..report })
    }

    /// Removes the region files and does nothing else: what the log holds and the files lack stays away.
    ///
    /// # Errors
    ///
    /// Those of the file system; that something uses the environment.
    pub fn remove_regions(&self) -> Result<Vec<PathBuf>> {
        let _locks = self.lock()?;
        let mut held = Held::new(self.assume_closed);
        self.hold_environment(&mut held)?;
        regions::remove(self.disk, &self.region_folders()?)
    }

    /// Completes what an earlier run left behind; what became of it, file by file. A change that had
    /// not begun is not made.
    ///
    /// # Errors
    ///
    /// As [`SetLeftover::resume`](crate::journal::SetLeftover::resume).
    pub fn resume(&self) -> Result<Vec<(PathBuf, Outcome)>> {
        let (folders, _locks) = self.lock()?;
        self.settle(&folders, false)
    }

    /// Brings the files back that an earlier run left behind, unless all of them were recovered.
    ///
    /// # Errors
    ///
    /// As [`SetLeftover::roll_back`](crate::journal::SetLeftover::roll_back).
    pub fn roll_back(&self) -> Result<Vec<(PathBuf, Outcome)>> {
        let (folders, _locks) = self.lock()?;
        self.settle(&folders, true)
    }

    /// The folders in which files may be changed, without links, each once: a log may name files of
    /// folders in that of the databases, too.
    fn folders(&self) -> Result<Vec<PathBuf>> {
        let data = self.layout.data();
        let data = data.iter().filter(|folder| folder.writable()).map(|folder| folder.path.as_path());
        let mut found = self.resolved(data)?;
        for folder in found.clone() {
            for inner in self.disk.list_dirs(&folder).map_err(at(&folder, "reading"))? {
                if !found.contains(&inner) {
                    found.push(inner);
                }
            }
        }
        Ok(found)
    }

    /// Folders without links, each once; those that are not there are left out.
    fn resolved<'p>(&self, folders: impl Iterator<Item = &'p Path>) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for folder in folders {
            match self.disk.resolve(folder) {
                Ok(path) if !found.contains(&path) => found.push(path),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(at(folder, "looking for it")(error)),
            }
        }
        Ok(found)
    }

    /// The folders in which files may be changed, locked against other runs.
    fn lock(&self) -> Result<(Vec<PathBuf>, Vec<D::Lock>)> {
        if let Some(why) = self.layout.unread() {
            let home = self.layout.home().to_owned();
            return Err(InPlaceError::Config { home, why: why.to_owned() });
        }
        let lock = |folder: &PathBuf| {
            self.disk.lock_dir(folder).map_err(|source| match source.kind() {
                ErrorKind::WouldBlock => InPlaceError::Busy { folder: folder.clone() },
                _ => at(folder, "locking")(source),
            })
        };
        let folders = self.folders()?;
        let locks = folders.iter().map(lock).collect::<Result<_>>()?;
        Ok((folders, locks))
    }

    fn settle(&self, folders: &[PathBuf], back: bool) -> Result<Vec<(PathBuf, Outcome)>> {
        let mut settled = Vec::new();
        for folder in folders {
            let around = Surroundings { assume_closed: self.assume_closed, ..Surroundings::default() };
            settled.extend(settle_folder(self.disk, folder, &around, back)?);
            drafts::forget(self.disk, folder)?;
            // What the earlier run removed last may come back otherwise.
            self.disk.sync_dir(folder).map_err(at(folder, "syncing"))?;
        }
        Ok(settled)
    }

    /// Locks all files that may change, and those that tell whether the environment is in use.
    fn hold(&self, folders: &[PathBuf], assume_closed: bool) -> Result<Held<D::File>> {
        let mut held = Held::new(assume_closed);
        self.hold_environment(&mut held)?;
        for folder in folders {
            held.add_databases(self.disk, folder)?;
        }
        Ok(held)
    }

    /// Locks the files that tell whether the environment is in use.
    fn hold_environment(&self, held: &mut Held<D::File>) -> Result<()> {
        for path in regions::found(self.disk, &self.region_folders()?)? {
            held.add(self.disk, &path)?;
        }
        held.add_log(self.disk, &self.layout)
    }

    /// What all files look like that are read.
    fn sight(&self, folders: &[PathBuf]) -> Result<Sight> {
        let data = self.layout.data().into_iter().map(|folder| folder.path);
        let folders = folders.iter().cloned().chain(data).chain([self.layout.logs().path.clone()]);
        held::sight(self.disk, folders)
    }

    /// Whether all files are what a view says.
    fn is_done(&self, view: &View) -> Result<bool> {
        let tasks = Tasks::of(self, view, view.report().end)?;
        Ok(view.report().is_complete() && tasks.is_empty())
    }

    /// Removes the region files, if all is as it should be.
    fn finish(&self, report: InPlaceReport) -> Result<InPlaceReport> {
        let regions =
            if report.clean { regions::remove(self.disk, &self.region_folders()?)? } else { Vec::new() };
        Ok(InPlaceReport { regions, ..report })
    }

    fn region_folders(&self) -> Result<Vec<PathBuf>> {
        self.resolved(std::iter::once(self.layout.home()).chain(self.regions.iter().map(PathBuf::as_path)))
    }

    fn apply(&self, view: View, allowed: &[PathBuf], held: &Held<D::File>) -> Result<InPlaceReport> {
        let recovered = view.report().clone();
        if let Some(why) = view.contradicts_log() {
            return Err(InPlaceError::Undone { home: self.layout.home().to_owned(), why });
        }
        let mut stopped = recovered
            .files
            .iter()
            .filter_map(|file| file.stopped.clone().map(|why| (file.name.clone(), why)));
        if let Some((name, why)) = stopped.next().filter(|_| !self.partial) {
            return Err(InPlaceError::Stopped { name, why, others: stopped.count() });
        }
        let tasks = Tasks::of(self, &view, recovered.end)?;
        let mut report = InPlaceReport { unseen: self.unseen(), ..InPlaceReport::default() };
        (report.left_out, report.files) = (tasks.left_out.clone(), tasks.written());
        let folders = tasks.folders(self.disk, allowed)?;
        if !folders.is_empty() {
            let mut sets = Sets::of(self.disk, folders)?;
            let mut backups = Backups::new(self.disk, self.backup.as_deref());
            let mut drafts = Vec::new();
            let options = view.options();
            let planned = tasks.plan(self, held, &mut sets, &mut backups, &mut drafts);
            // What is mapped must not become shorter while somebody looks at it.
            drop(tasks);
            drop(view);
            if let Err(error) = planned {
                // Why nothing is done matters more than what could not be removed.
                sets.roll_back();
                drafts.iter().for_each(|draft| drop(self.disk.remove(draft)));
                let _ = backups.undo();
                return Err(error);
            }
            sets.run(|path, contents, facts| {
                whole(contents, facts, self.watch.step(path, Step::Validate), options)
            })?;
        }
        Ok(InPlaceReport { recovered, ..report })
    }

    /// How many processes cannot be looked at which may have a file open.
    fn unseen(&self) -> u64 {
        if self.assume_closed { 0 } else { self.disk.unseen() }
    }
}
