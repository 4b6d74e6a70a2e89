//! Doing it: plan, journal, validation, and what an earlier run left behind (upgrade,
//! "Our procedure" and "Crash-safe protocol").

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::backups::Backups;
use super::choices::{Choices, Job, NewId, ResetOf};
use super::copy;
use super::databases::Missing;
use super::error::{Refusal, Result, UpgradeError};
use super::journals::Journals;
use super::leftovers::Wish;
use super::notice::Notice;
use super::plan::Plan;
use super::prepare::{self, Prepared, Ready};
use super::profile::Profile;
use super::progress::{Progress, Step, Watch};
use super::report::{FileReport, Report, Settled};
use super::validation::{self, Validation};
use super::{logs, reset};
use crate::access::Database;
use crate::journal::{self, Disk, DiskFile, Facts, Identity, JournalError, Operation, Outcome};
use crate::types::FileId;

/// A plan for a file of more bytes is not carried out in memory to see what comes of it.
const CHECKED_IN_MEMORY: u64 = 32 << 20;

/// An upgrade of one file, or of several as one unit.
///
/// ```
/// use bdbkit::upgrade::Upgrade;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("folder.db");
/// # std::fs::copy("testdata/btree-v6-be-levels/data.db", &path)?;
/// let upgrade = Upgrade::open(&path);
/// for plan in upgrade.plan()? {
///     println!("{} pages change", plan.changes().count());
/// }
/// let report = upgrade.run()?;
/// assert_eq!((report.files[0].from, report.files[0].to), (6, 9));
/// assert_eq!(bdbkit::Database::open(&path)?.meta().version(), 9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Nothing is written before all checks of all files are done. Then a journal beside each
/// file holds every page as it was and as it is to be; whenever the run dies, a later one
/// makes the file new or old again, whole. See [`journal`](crate::journal).
#[derive(Debug)]
pub struct Upgrade<'d, D: Disk> {
    pub(super) disk: &'d D,
    paths: Vec<PathBuf>,
    pub(super) choices: Choices,
    job: Job,
    backup: Option<PathBuf>,
    keep_backup: bool,
    pub(super) watch: Watch<'d>,
}

/// The upgraded form of a file that is in memory, and what is worth knowing about it.
///
/// ```
/// use bdbkit::upgrade::{Choices, in_memory};
///
/// let old = std::fs::read("testdata/btree-v6-be-levels/data.db")?;
/// let (new, notices) = in_memory(&old, &Choices::default())?;
/// assert_eq!(bdbkit::Database::from_bytes(new)?.meta().version(), 9);
/// assert!(notices.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Why the file is refused, or that the result would be wrong. Logs are not looked at.
pub fn in_memory(file: &[u8], choices: &Choices) -> Result<(Vec<u8>, Vec<Notice>)> {
    let mut missing = Missing::new(choices);
    if prepare::ready(file, choices)?.is_some() {
        missing.look_at(Database::from_bytes(file));
        missing.none()?;
        return Ok((file.to_vec(), Vec::new()));
    }
    let db = Database::from_bytes(file)?;
    missing.look(&db);
    missing.none()?;
    let id = choices.new_id(&db, None);
    let watch = Watch::default();
    let counter = watch.step(Path::new(""), Step::Check);
    let prepared = prepare::prepare(&db, choices, id, counter)?;
    let facts = facts(Job::Upgrade, choices, &db, &prepared, id);
    validation::plan(&prepared.draft, &facts, u64::MAX, counter)?;
    Ok((prepared.draft.file(), prepared.notices))
}

impl Upgrade<'_, journal::SystemDisk> {
    /// An upgrade of a file to version 9. Nothing is read yet.
    #[must_use]
    pub fn open(path: impl AsRef<Path>) -> Self {
        Upgrade::open_all([path])
    }

    /// An upgrade of several files of one folder: all of them or none.
    #[must_use]
    pub fn open_all(paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        Upgrade::on(&journal::SystemDisk::MAPPED, paths)
    }

    /// Writes the upgraded file under another name; the original stays as it is. Needs no
    /// journal: the copy gets its name when it is whole and validated.
    ///
    /// # Errors
    ///
    /// Why the file is refused; [`Refusal::Exists`](super::Refusal::Exists); those of the
    /// file system.
    pub fn copy_to(&self, target: impl AsRef<Path>) -> Result<Report> {
        let copy = |path: &PathBuf| self.copy_one(path, target.as_ref()).map_err(|error| error.about(path));
        Ok(Report { files: self.paths.iter().map(copy).collect::<Result<_>>()?, others: Vec::new() })
    }

    fn copy_one(&self, path: &Path, target: &Path) -> Result<FileReport> {
        let source = self.disk.open_to_read(path).map_err(at(path))?;
        let contents = source.contents().map_err(at(path))?;
        // A file that has the form already is checked all the same: it is written.
        self.ready(&contents)?;
        let db = Database::from_bytes(&contents[..])?;
        let mut missing = Missing::new(&self.choices);
        missing.look(&db);
        missing.none()?;
        let (mut prepared, id) = self.prepare(&db, path, None)?;
        // All pages are written, so all pairs are compared.
        if prepared.content.is_none() {
            prepared.content = Some(prepare::content(&db)?);
        }
        let facts = self.facts(&db, &prepared, id);
        let validating = self.watch.step(path, Step::Validate);
        let lost = copy::write((&source, path), target, &prepared.draft, |contents| {
            validation::whole(contents, &facts, validating)
        })?;
        prepared.notices.extend((!lost.is_empty()).then_some(Notice::Attributes { names: lost }));
        Ok(FileReport::new(path, &prepared, None))
    }
}

impl<'d, D: Disk> Upgrade<'d, D> {
    /// An upgrade of files of some disk.
    #[must_use]
    pub fn on(disk: &'d D, paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        let paths = paths.into_iter().map(|path| path.as_ref().to_owned()).collect();
        Upgrade {
            disk,
            paths,
            choices: Choices::default(),
            job: Job::Upgrade,
            backup: None,
            keep_backup: false,
            watch: Watch::default(),
        }
    }

    /// What to do, if not what [`Choices::default`] says.
    #[must_use]
    pub fn choices(mut self, choices: Choices) -> Self {
        self.choices = choices;
        self
    }

    /// Another job than an upgrade.
    pub(super) fn job(self, job: Job) -> Self {
        Upgrade { job, ..self }
    }

    pub(super) fn with_choices(mut self, change: impl FnOnce(&mut Choices)) -> Self {
        change(&mut self.choices);
        self
    }

    /// Copies each file to this folder first, which is made if it is not there. The copies are
    /// removed when all went well.
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

    /// Keeps the copies.
    #[must_use]
    pub fn keep_backup(mut self, keep: bool) -> Self {
        self.keep_backup = keep;
        self
    }

    /// What would be done to each file. Writes nothing, and takes no lock.
    ///
    /// The result is validated as [`Upgrade::run`] does it. Of files above 32 MiB only if
    /// nothing but page 0 changes: a larger result is not put together in memory.
    ///
    /// # Errors
    ///
    /// Why a file would be refused, or that the result would be wrong.
    pub fn plan(&self) -> Result<Vec<Plan>> {
        let mut missing = Missing::new(&self.choices);
        let mut plan = |path: &PathBuf| self.plan_one(path, &mut missing).map_err(|error| error.about(path));
        let mut plans = self.paths.iter().map(&mut plan).collect::<Result<Vec<_>>>()?;
        missing.none()?;
        if let Some(first) = plans.iter_mut().find(|plan| plan.changes().len() > 0) {
            first.notices.extend(self.unseen());
        }
        Ok(plans)
    }

    /// That not all processes can be looked at which may have a file open: said once for all
    /// files.
    fn unseen(&self) -> Option<Notice> {
        let processes = if self.choices.assume_closed { 0 } else { self.disk.unseen() };
        (processes > 0).then_some(Notice::Unseen { processes })
    }

    /// Upgrades the files: all of them or none.
    ///
    /// # Errors
    ///
    /// Why a file is refused: then none was touched. [`UpgradeError::Journal`](super::UpgradeError::Journal) says in which
    /// state a failure left the files: as they were, unless the disk failed again.
    pub fn run(&self) -> Result<Report> {
        let (places, files) = self.lock()?;
        let Settled { files: leftovers, others, .. } = self.settle(&places, &files, Wish::Implied)?;
        let own =
            self.paths.iter().zip(&leftovers).filter_map(|(path, of)| Some((path.clone(), of.clone()?)));
        let settled: Vec<_> = own.chain(others.iter().cloned()).collect();
        let report =
            self.run_after(&places, &files, leftovers).map_err(|error| match settled.is_empty() {
                true => error,
                false => UpgradeError::Afterwards { settled, cause: Box::new(error) },
            })?;
        Ok(Report { others, ..report })
    }

    /// The run, once it is known that no earlier one left anything behind.
    fn run_after(
        &self,
        places: &[PathBuf],
        files: &[D::File],
        leftovers: Vec<Option<Outcome>>,
    ) -> Result<Report> {
        let mut journals = Journals::new(self.disk, places)?;
        let mut reports = Vec::new();
        let mut backups = Backups::new(self.disk, self.backup.as_deref());
        let (mut validation, mut missing) = (Validation::default(), Missing::new(&self.choices));
        let mut written = Ok(());
        for ((path, file), leftover) in self.paths.iter().zip(files).zip(leftovers) {
            let report = self.write(path, file, &mut journals, &mut backups, &mut validation, &mut missing);
            match report {
                Ok(report) => reports.push(FileReport { leftover, ..report }),
                Err(error) => {
                    written = Err(error.about(path));
                    break;
                }
            }
        }
        if let Err(error) = written.and_then(|()| missing.none()) {
            // Why a file is refused matters more than what could not be removed.
            let _ = journals.discard().and_then(|()| backups.undo());
            return Err(error);
        }
        if let Some(first) = reports.iter_mut().find(|report| report.changed()) {
            first.notices.extend(self.unseen());
        }
        let done = journals.run(&validation, &self.watch);
        if done.is_ok() && !self.keep_backup {
            backups.remove()?;
        }
        done?;
        Ok(Report { files: reports, others: Vec::new() })
    }

    /// Locks the files, and says where they are, without symbolic links. All are in one
    /// folder: there a later run finds all of a set, whichever of them it is given.
    pub(super) fn lock(&self) -> Result<(Vec<PathBuf>, Vec<D::File>)> {
        let mut places: Vec<PathBuf> = Vec::new();
        for path in &self.paths {
            let place = self.disk.resolve(path).map_err(at(path))?;
            if places.contains(&place) {
                return Err(UpgradeError::from(Refusal::Twice).about(path));
            }
            if places.first().is_some_and(|first| first.parent() != place.parent()) {
                return Err(UpgradeError::from(Refusal::Folders).about(path));
            }
            places.push(place);
        }
        let open = |path: &PathBuf| Ok(self.disk.open_exclusive(path, self.choices.assume_closed)?);
        let files = self.paths.iter().map(open).collect::<Result<_>>()?;
        Ok((places, files))
    }

    fn plan_one(&self, path: &Path, missing: &mut Missing<'_>) -> Result<Plan> {
        let contents = self.disk.read(path).map_err(at(path))?;
        if let Some(ready) = self.ready(&contents)? {
            missing.look_at(Database::from_bytes(&contents[..]));
            let mut plan = Plan::nothing(path, ready);
            plan.notices = self.unfinished(path)?;
            return Ok(plan);
        }
        let db = Database::from_bytes(&contents[..])?;
        missing.look(&db);
        let (prepared, id) = self.prepare(&db, path, None)?;
        let counter = self.watch.step(path, Step::Validate);
        validation::plan(&prepared.draft, &self.facts(&db, &prepared, id), CHECKED_IN_MEMORY, counter)?;
        let mut plan = Plan::new(path, &prepared);
        plan.notices.extend(self.unfinished(path)?);
        Ok(plan)
    }

    /// That an earlier run left a journal, which the next one deals with first.
    fn unfinished(&self, path: &Path) -> Result<Vec<Notice>> {
        let place = self.disk.resolve(path).map_err(at(path))?;
        let name = journal::name(&place);
        if !self.disk.exists(&name).map_err(at(path))? {
            return Ok(Vec::new());
        }
        match journal::is_journal(self.disk, &name) {
            Ok(true) => Ok(vec![Notice::Unfinished]),
            Ok(false) => Err(JournalError::NotOurs { path: name, what: "a journal" }.into()),
            Err(error) => Err(at(&name)(error).into()),
        }
    }

    /// Plans one file, copies it if asked, and writes its journal.
    fn write<'f>(
        &self,
        path: &Path,
        file: &'f D::File,
        journals: &mut Journals<'f, D>,
        backups: &mut Backups<'_, D>,
        validation: &mut Validation,
        missing: &mut Missing<'_>,
    ) -> Result<FileReport>
    where
        'd: 'f,
    {
        let contents = file.contents().map_err(at(path))?;
        if let Some(ready) = self.ready(&contents)? {
            missing.look_at(Database::from_bytes(&contents[..]));
            return Ok(FileReport::nothing(path, ready));
        }
        let db = Database::from_bytes(&contents[..])?;
        missing.look(&db);
        let (prepared, id) = self.prepare(&db, path, file.identity().ok())?;
        let mut backup = None;
        if !prepared.draft.is_empty() {
            backup = backups.copy(file, path)?.filter(|_| self.keep_backup);
            let facts = self.facts(&db, &prepared, id);
            let counter = self.watch.step(path, Step::Journal);
            journals.write(file, path, &facts, &prepared.draft, counter)?;
            if prepared.draft.is_head_only() {
                validation.only_head(self.disk.resolve(path).map_err(at(path))?, db.meta().clone());
            }
        }
        Ok(FileReport::new(path, &prepared, backup))
    }

    fn prepare<'p>(
        &self,
        db: &'p Database<'_>,
        path: &Path,
        identity: Option<Identity>,
    ) -> Result<(Prepared<'p>, FileId)> {
        let id = self.choices.new_id(db, identity);
        // The log lies beside the file, not beside a link to it.
        let place = self.disk.resolve(path).unwrap_or_else(|_| path.to_owned());
        let logs = logs::check_logs(db, &place, &self.choices);
        let counter = self.watch.step(path, Step::Check);
        let prepared = match self.job {
            Job::Upgrade => prepare::prepare(db, &self.choices, id, counter),
            Job::Reset(what) => reset::prepare(db, what, id, counter),
        };
        match (logs, prepared) {
            // Nothing is written: whatever the logs say may come later.
            (_, Ok(prepared)) if prepared.draft.is_empty() => Ok((prepared, id)),
            // A file that was not recovered may look damaged: recovery is what it needs.
            (Err(error), _) | (Ok(_), Err(error)) => Err(error),
            (Ok(notice), Ok(mut prepared)) => {
                prepared.notices.extend(notice);
                Ok((prepared, id))
            }
        }
    }

    /// Whether the version of a file says that there is nothing to do.
    fn ready(&self, file: &[u8]) -> Result<Option<Ready>> {
        match self.job {
            Job::Upgrade => prepare::ready(file, &self.choices),
            Job::Reset(_) => Ok(None),
        }
    }

    fn facts(&self, db: &Database<'_>, prepared: &Prepared<'_>, id: FileId) -> Facts {
        facts(self.job, &self.choices, db, prepared, id)
    }
}

fn facts(job: Job, choices: &Choices, db: &Database<'_>, prepared: &Prepared<'_>, id: FileId) -> Facts {
    let options = journal::Options {
        sorted: prepared.sorted,
        genuine_8a: choices.profile == Profile::Genuine8a,
        genuine_8b: choices.profile == Profile::Genuine8b,
        logs_ignored: choices.ignore_logs,
    };
    let version = |version: u32| u8::try_from(version).unwrap_or(u8::MAX);
    Facts {
        operation: match job {
            Job::Upgrade => Operation::Upgrade,
            Job::Reset(ResetOf::Lsns(_)) => Operation::ResetLsn,
            Job::Reset(ResetOf::FileId) => Operation::ResetFileId,
        },
        order: db.meta().endianness(),
        source_version: version(prepared.from),
        target_version: version(prepared.to),
        page_size: db.meta().page_size(),
        options,
        new_uid: id,
        digest: prepared.content.map(|content| content.digest),
        pairs: prepared.content.map_or(0, |content| content.pairs),
    }
}

/// Turns an error of the file system into one that names the file.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> crate::Error + '_ {
    move |source| crate::Error::Open { path: path.to_owned(), cause: source }
}

impl Choices {
    /// The id of the new file, if it gets another one.
    fn new_id(&self, db: &Database<'_>, identity: Option<Identity>) -> FileId {
        match self.id {
            NewId::Fresh => fresh_id(identity),
            NewId::Keep => db.meta().file_id(),
            NewId::Given(id) => id,
        }
    }
}

/// An id that no other file has: which file it is, when, and chance (upgrade, "The uid").
pub(super) fn fresh_id(identity: Option<Identity>) -> FileId {
    let Identity { device, inode } = identity.unwrap_or_default();
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let chance = RandomState::new().build_hasher().finish();
    let mut id = [0; 20];
    let low = |n: u64| n.to_le_bytes().into_iter().take(4);
    let bytes = low(inode).chain(low(device)).chain(low(seconds)).chain(chance.to_le_bytes());
    id.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
    FileId(id)
}
