//! A folder in, facts out: what is there, how it was left, which release wrote it
//! (mboxlist, "`survey`").
//!
//! - `databases`, `logs`, `snapshots`: the facts of each kind of file
//! - `elsewhere`: parts of a store that are in other places
//! - `lost`: what skipped logs had
//! - `product`: whose environment it is
//! - `state`: closed, or in need of recovery
//! - `candidates`: the releases that fit
//! - `judge`: the findings

mod candidates;
mod databases;
mod elsewhere;
mod findings;
mod judge;
mod logs;
mod lost;
mod product;
mod snapshots;
mod state;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub use candidates::{Candidates, Confidence};
pub use databases::{Check, Contents, DatabaseFile};
pub use findings::{Code, Evidence, Finding, Severity};
pub use logs::{LogEnd, LogFacts};
pub use lost::Lost;
pub use product::Product;
pub use snapshots::{AgeFrom, MarkFile, Snapshot, Verdict};
pub use state::{Decision, DryTest, State};

pub(super) use judge::files::RESTORE;
pub(super) use judge::{Target, judge};
pub(super) use state::FIRST_RECORD;

use super::classify::{Class, extent};
use super::progress::{StoreProgress, Tell};
use super::releases::Mailbox;
use super::{files, names};
use crate::env::Regions;
use crate::env::{self, Layout};
use crate::error::{Error, Result};
use crate::types::Lsn;
use elsewhere::Elsewhere;
use logs::Logs;

/// What is known of a store from its files.
///
/// ```
/// use bdbkit::mboxlist::{State, Survey};
///
/// let survey = Survey::of("testdata/mboxlist-ims60-log3-le-unclean")?;
/// assert_eq!(survey.decision.state, State::RecoveryNeeded);
/// assert_eq!(survey.candidates.last_writer[0].id, "6.0");
/// for finding in &survey.findings {
///     println!("{finding}");
/// }
/// # Ok::<(), bdbkit::Error>(())
/// ```
///
/// Nothing is written, locked or attached to. Damage, and whatever is missing, is a
/// finding. Files are mapped: nobody may change or cut them meanwhile.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Survey {
    /// The folder.
    pub dir: PathBuf,
    /// The folder of the region files, if it is another one.
    pub dbtmpdir: Option<PathBuf>,
    /// Where its logs and databases were looked for.
    pub layout: Layout,
    /// Whose environment it is.
    pub product: Product,
    /// How the store was left.
    pub decision: Decision,
    /// The database files, by name.
    pub databases: Vec<DatabaseFile>,
    /// The log files, by number.
    pub logs: Vec<LogFacts>,
    /// What is wrong between log files.
    pub log_gaps: Vec<String>,
    /// What was lost because an older engine's logs were skipped before they were recovered.
    pub lost: Vec<Lost>,
    /// The region files.
    pub regions: Vec<Region>,
    /// All other files and folders that are worth a word, by name.
    pub others: Vec<Other>,
    /// The releases that fit.
    pub candidates: Candidates,
    /// The snapshots.
    pub snapshots: Vec<Snapshot>,
    /// The version of the mailboxes, as the user stated it.
    pub mailbox: Option<Mailbox>,
    /// What is worth knowing, without regard to a target.
    pub findings: Vec<Finding>,
    /// When the store was upgraded, as the user stated it.
    pub upgraded: Option<SystemTime>,
    places_given: bool,
    elsewhere: Elsewhere,
}

/// A region file: a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Region {
    /// Where it is: `mboxlist`, `dbtmpdir`, `lock` or `session`.
    pub place: &'static str,
    /// Its name.
    pub name: OsString,
    /// Which engines name it so.
    pub family: Regions,
    /// The release of the library that made it (major, minor, patch), where it stands in the file.
    pub release: Option<(u32, u32, u32)>,
}

impl Region {
    /// A file by its content, or else by its name; `None` if it is no region.
    fn of(path: &Path, place: &'static str) -> Option<Region> {
        let found = env::Region::of(path)?;
        let name = names::of(path);
        let early = found.release.is_some_and(|(major, ..)| major < 3);
        let family = match Class::of(&name) {
            Class::Region(family) => family,
            _ if early => Regions::Share,
            _ => Regions::Numbered,
        };
        Some(Region { place, name, family, release: found.release })
    }
}

/// A file that is neither database, log nor region.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Other {
    /// Its name.
    pub name: OsString,
    /// Where it is.
    pub path: PathBuf,
    /// Its class by its name.
    pub class: Class,
    /// What it is besides a regular file.
    pub form: Form,
    /// Length in bytes.
    pub size: u64,
}

/// What stands in a folder under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// A regular file.
    File,
    /// A folder, and how many entries it has.
    Folder(usize),
    /// A symbolic link, a device, a pipe: never opened.
    Special,
}

/// What a survey is told.
///
/// ```
/// use bdbkit::mboxlist::{Mailbox, SurveyOptions};
///
/// let survey = SurveyOptions::new().mailbox(Mailbox::V1_1).survey("testdata/mboxlist-ims5-log2-be")?;
/// assert_eq!(survey.candidates.last_writer[0].id, "4.15");
/// # Ok::<(), bdbkit::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct SurveyOptions {
    dbtmpdir: Option<PathBuf>,
    lock: Option<PathBuf>,
    session: Option<PathBuf>,
    snapshots: Option<PathBuf>,
    mailbox: Option<Mailbox>,
    upgraded: Option<SystemTime>,
    log_dir: Option<PathBuf>,
    data_dirs: Vec<PathBuf>,
    age_from: AgeFrom,
    read: bool,
    tell: Tell,
    alone: bool,
}

impl SurveyOptions {
    /// Only the folder itself, and `../dbdata/snapshots` if that is there.
    #[must_use]
    pub fn new() -> SurveyOptions {
        SurveyOptions::default()
    }

    /// The folder of the region files, `store.dbtmpdir`.
    #[must_use]
    pub fn dbtmpdir(mut self, folder: impl AsRef<Path>) -> SurveyOptions {
        self.dbtmpdir = Some(folder.as_ref().to_owned());
        self
    }

    /// The folder of the lock environment.
    #[must_use]
    pub fn lock_dir(mut self, folder: impl AsRef<Path>) -> SurveyOptions {
        self.lock = Some(folder.as_ref().to_owned());
        self
    }

    /// The folder of the session database.
    #[must_use]
    pub fn session_dir(mut self, folder: impl AsRef<Path>) -> SurveyOptions {
        self.session = Some(folder.as_ref().to_owned());
        self
    }

    /// The folder of the snapshots.
    #[must_use]
    pub fn snapshots(mut self, folder: impl AsRef<Path>) -> SurveyOptions {
        self.snapshots = Some(folder.as_ref().to_owned());
        self
    }

    /// The version of the mailboxes, which is not in these files.
    #[must_use]
    pub fn mailbox(mut self, mailbox: Mailbox) -> SurveyOptions {
        self.mailbox = Some(mailbox);
        self
    }

    /// When the store was upgraded: only a snapshot that is older leads back behind that.
    #[must_use]
    pub fn upgraded(mut self, time: SystemTime) -> SurveyOptions {
        self.upgraded = Some(time);
        self
    }

    /// What tells when a snapshot was taken.
    #[must_use]
    pub fn age_from(mut self, what: AgeFrom) -> SurveyOptions {
        self.age_from = what;
        self
    }

    /// The folder of the logs, whatever `DB_CONFIG` says.
    #[must_use]
    pub fn log_dir(mut self, folder: impl AsRef<Path>) -> SurveyOptions {
        self.log_dir = Some(folder.as_ref().to_owned());
        self
    }

    /// A folder of databases besides the store's own, whatever `DB_CONFIG` says. There may be
    /// several.
    #[must_use]
    pub fn data_dir(mut self, folder: impl AsRef<Path>) -> SurveyOptions {
        self.data_dirs.push(folder.as_ref().to_owned());
        self
    }

    /// Whether files are mapped, as they are by default, or read into memory: where others may
    /// cut them meanwhile.
    #[must_use]
    pub fn mapped(mut self, map: bool) -> SurveyOptions {
        self.read = !map;
        self
    }

    /// Tells how far it has come, before each file and each snapshot.
    #[must_use]
    pub fn progress(mut self, tell: impl Fn(StoreProgress<'_>) + Send + Sync + 'static) -> SurveyOptions {
        self.tell = Tell::new(tell);
        self
    }

    fn map(&self) -> bool {
        !self.read
    }

    /// Where the environment keeps its files. A configuration that is a link is not followed.
    fn layout(&self, dir: &Path, listing: &Listing) -> Layout {
        let linked = elsewhere::is_linked_config(&listing.others);
        let layout = if linked { Layout::of(dir).log_dir(dir).data_dirs([dir]) } else { Layout::of(dir) };
        let layout = match &self.log_dir {
            Some(folder) => layout.log_dir(folder),
            None => layout,
        };
        if self.data_dirs.is_empty() { layout } else { layout.data_dirs(&self.data_dirs) }
    }

    /// Without any snapshots.
    pub(super) fn alone(mut self) -> SurveyOptions {
        self.alone = true;
        self
    }

    /// Surveys a folder.
    ///
    /// # Errors
    ///
    /// The folder cannot be read.
    pub fn survey(&self, dir: impl AsRef<Path>) -> Result<Survey> {
        let dir = dir.as_ref();
        let mut listing = Listing::of(dir)?;
        let layout = self.layout(dir, &listing);
        let mut elsewhere = Elsewhere::of(&layout, &listing.others, !listing.logs.is_empty());
        listing.take_folders(&layout, &mut elsewhere);
        let mut measure = self.tell.measure(listing.logs.iter().chain(&listing.databases), 1);
        listing.logs.iter().for_each(|path| measure.next(path));
        let log = logs::open(&listing.logs, self.map());
        let logs = Logs::of(log.as_ref());
        listing.take_databases(&logs.names);
        let names: BTreeSet<OsString> =
            listing.databases.iter().map(|path| names::of(path)).chain(logs.names.iter().cloned()).collect();
        let product = Product::of(names.iter().map(OsString::as_os_str));
        let mut regions = listing.regions;
        let places = [("dbtmpdir", &self.dbtmpdir), ("lock", &self.lock), ("session", &self.session)];
        for (place, folder) in places {
            regions.extend(folder.iter().flat_map(|folder| regions_in(folder, place)));
        }
        let opened: Vec<_> = listing
            .databases
            .iter()
            .map(|path| {
                measure.next(path);
                DatabaseFile::of(path, self.map())
            })
            .collect();
        let decision = Decision::of(&opened, &logs, !regions.is_empty(), &elsewhere);
        let lost =
            log.as_ref().map(|log| Lost::of(&opened, &logs.files, log, self.map())).unwrap_or_default();
        let mut databases: Vec<DatabaseFile> = opened.into_iter().map(|(file, _)| file).collect();
        attach_extents(&mut databases, &listing.others);
        let families = regions.iter().map(|region| region.family).collect();
        let candidates = Candidates::of(&candidates::Evidence {
            databases: &databases,
            logs: &logs.files,
            regions: &families,
            mailbox: self.mailbox,
            product,
            names: &names,
        });
        let snapshots = if self.alone { snapshots::Found::default() } else { self.snapshots_of(dir) };
        elsewhere.folders.extend(snapshots.unread);
        let snapshots = snapshots.snapshots;
        let mut survey = Survey {
            dir: dir.to_owned(),
            dbtmpdir: self.dbtmpdir.clone(),
            layout,
            product,
            decision,
            databases,
            logs: logs.files,
            log_gaps: logs.gaps,
            lost,
            regions,
            others: listing.others,
            candidates,
            snapshots,
            mailbox: self.mailbox,
            findings: Vec::new(),
            upgraded: self.upgraded,
            places_given: places.iter().all(|(_, folder)| folder.is_some()),
            elsewhere,
        };
        survey.findings = judge(&survey, None);
        Ok(survey)
    }

    /// Judges the snapshots of a store, without a survey of the store itself.
    ///
    /// ```
    /// use bdbkit::ShowName;
    /// use bdbkit::mboxlist::SurveyOptions;
    ///
    /// for snapshot in SurveyOptions::new().list_snapshots("testdata/mboxlist-ims63-log11-be")? {
    ///     println!("{}: {}: {}", snapshot.name.shown(), snapshot.verdict.name(), snapshot.reason());
    /// }
    /// # Ok::<(), bdbkit::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The folder, or that of the snapshots if one was named, cannot be read.
    pub fn list_snapshots(&self, dir: impl AsRef<Path>) -> Result<Vec<Snapshot>> {
        let dir = dir.as_ref();
        for folder in std::iter::once(dir).chain(self.snapshots.as_deref()) {
            fs::read_dir(folder).map_err(|source| Error::Open { path: folder.to_owned(), cause: source })?;
        }
        Ok(self.snapshots_of(dir).snapshots)
    }

    fn snapshots_of(&self, dir: &Path) -> snapshots::Found {
        match &self.snapshots {
            Some(folder) => snapshots::Found::of(dir, folder, self),
            None => snapshots::Found::of(dir, &dir.join("../dbdata/snapshots"), self),
        }
    }
}

impl Survey {
    /// Surveys a folder, and what is in its usual places.
    ///
    /// # Errors
    ///
    /// The folder cannot be read.
    pub fn of(dir: impl AsRef<Path>) -> Result<Survey> {
        SurveyOptions::new().survey(dir)
    }

    /// The worst severity of all findings.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// The first and the last record of all logs.
    #[must_use]
    pub fn log_range(&self) -> Option<(Lsn, Lsn)> {
        let first = self.logs.iter().find_map(|log| log.first)?;
        let last = self.logs.iter().rev().find_map(|log| log.last)?;
        Some((first, last))
    }

    /// The version of the newest log that tells it.
    #[must_use]
    pub fn newest_log(&self) -> Option<u32> {
        self.logs.iter().rev().find_map(|log| log.version)
    }

    /// Whether there is nothing of a store in the folder: no database, no log, and no part or
    /// trace of either.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let interrupted = |finding: &Finding| finding.code == Code::Interrupted;
        self.databases.is_empty()
            && self.logs.is_empty()
            && self.elsewhere.reason().is_none()
            && !self.others.iter().any(|other| matches!(other.class, Class::Extent | Class::EngineData))
            && !self.findings.iter().any(interrupted)
    }

    /// Why logs are to be looked for elsewhere, if `DB_CONFIG` or the names of files tell so:
    /// nothing is concluded then from what is in the folder.
    #[must_use]
    pub fn logs_elsewhere(&self) -> Option<&str> {
        self.elsewhere.logs.as_deref()
    }

    /// Whether everything was looked at, and the state could be told: no link or special file was
    /// left out, nothing was refused by the system, and no part is elsewhere.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.decision.state != State::Unknown
            && self.elsewhere.is_nothing()
            && !self.others.iter().any(|other| other.form == Form::Special)
            && !self.databases.iter().any(|file| file.refused)
            && !self.logs.iter().any(|log| log.refused)
    }

    /// The BTREE and RECNO files, with their versions.
    pub fn btrees(&self) -> impl Iterator<Item = (&DatabaseFile, u32)> {
        let btree = |file: &&DatabaseFile| matches!(file.kind.as_deref(), Some("btree" | "recno"));
        self.databases.iter().filter(btree).filter_map(|file| Some((file, file.version?)))
    }
}

/// The entries of a folder by what they are.
#[derive(Default)]
struct Listing {
    databases: Vec<PathBuf>,
    logs: Vec<PathBuf>,
    regions: Vec<Region>,
    others: Vec<Other>,
}

impl Listing {
    fn of(dir: &Path) -> Result<Listing> {
        let error = |source| Error::Open { path: dir.to_owned(), cause: source };
        let mut paths = Vec::new();
        for entry in fs::read_dir(dir).map_err(error)? {
            paths.push(entry.map_err(error)?.path());
        }
        paths.sort();
        let mut listing = Listing::default();
        for path in paths {
            let name = names::of(&path);
            let class = Class::of(&name);
            let metadata = fs::symlink_metadata(&path).ok();
            let size = metadata.as_ref().map_or(0, fs::Metadata::len);
            let form = match metadata {
                Some(metadata) if metadata.is_file() => Form::File,
                Some(metadata) if metadata.is_dir() => {
                    Form::Folder(fs::read_dir(&path).map_or(0, Iterator::count))
                }
                _ => Form::Special,
            };
            let class = match class {
                // Data, although it is called as a cache.
                Class::Region(_) if form == Form::File && files::has_magic(&path) => Class::EngineData,
                class => class,
            };
            match (form, class) {
                (Form::File, Class::Database) => listing.databases.push(path),
                (Form::File, Class::Other) if files::has_magic(&path) => {
                    listing.databases.push(path);
                }
                (Form::File, Class::Log) => listing.logs.push(path),
                (Form::File, Class::Region(_) | Class::EngineData | Class::Other) => {
                    match Region::of(&path, "mboxlist") {
                        Some(region) => listing.regions.push(region),
                        None => listing.others.push(Other { name, path, class, form, size }),
                    }
                }
                _ => listing.others.push(Other { name, path, class, form, size }),
            }
        }
        Ok(listing)
    }

    /// Takes what is in the other folders of the environment: the logs of that of the logs, in
    /// the place of those here, and the databases of those of databases.
    fn take_folders(&mut self, layout: &Layout, elsewhere: &mut Elsewhere) {
        for folder in layout.elsewhere() {
            let of_logs = folder == layout.logs();
            let found = match Listing::of(&folder.path) {
                Ok(found) => found,
                Err(error) => {
                    let place = if of_logs { &mut elsewhere.logs } else { &mut elsewhere.databases };
                    let why = match error {
                        Error::Open { cause: source, .. } => format!("{folder}: {source}"),
                        other => format!("{folder}: {other}"),
                    };
                    *place = Some(why.clone());
                    elsewhere.folders.push(why);
                    continue;
                }
            };
            if of_logs && found.logs.is_empty() {
                elsewhere.logs = Some(format!("{folder}: no log files there"));
                elsewhere.folders.extend(elsewhere.logs.clone());
            }
            if of_logs {
                self.logs = found.logs;
            }
            let of_data = layout.data().contains(folder);
            if of_data {
                self.databases.extend(found.databases);
            }
            let due = |other: &Other| match other.class {
                Class::Log => of_logs,
                Class::Database => of_data,
                _ => false,
            };
            let links = found.others.into_iter().filter(|other| other.form == Form::Special && due(other));
            self.others.extend(links);
        }
    }

    /// Takes the files that a log names as databases, although nothing else shows it.
    fn take_databases(&mut self, names: &BTreeSet<OsString>) {
        let named = |other: &Other| {
            other.form == Form::File && other.class == Class::Other && names.contains(&other.name)
        };
        let (found, others) = std::mem::take(&mut self.others).into_iter().partition::<Vec<_>, _>(named);
        self.others = others;
        self.databases.extend(found.into_iter().map(|other| other.path));
        self.databases.sort();
    }
}

/// Gives the QUEUE databases their extents.
fn attach_extents(databases: &mut [DatabaseFile], others: &[Other]) {
    for file in databases {
        let own = |other: &Other| {
            let (database, number) = extent(&other.name).filter(|_| other.form == Form::File)?;
            (database == file.name.as_encoded_bytes()).then(|| (number, other.name.clone()))
        };
        let mut extents: Vec<_> = others.iter().filter_map(own).collect();
        extents.sort();
        file.extents = extents.into_iter().map(|(_, name)| name).collect();
    }
}

/// The region files of another place of the store.
fn regions_in(folder: &Path, place: &'static str) -> Vec<Region> {
    files::of(folder).unwrap_or_default().iter().filter_map(|path| Region::of(path, place)).collect()
}

/// The families of region files in some places.
fn families(regions: &[Region]) -> BTreeSet<Regions> {
    regions.iter().map(|region| region.family).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::effort;
    use crate::mboxlist::{Plan, Release};

    /// As a file without permission, which hinders nobody who is root.
    #[test]
    fn what_the_system_refuses_is_no_damage() {
        let gone = PathBuf::from("/no such folder/log.0000000001");
        let log = logs::open(&[gone], true);
        let logs = Logs::of(log.as_ref());
        assert!(logs.files.iter().all(|log| log.refused) && logs.files.len() == 1);
        let (file, _) = DatabaseFile::of(Path::new("/no such folder/folder.db"), true);
        assert!(file.refused);
        let elsewhere = Elsewhere::default();
        let decision = Decision::of(&[(file.clone(), None)], &logs, false, &elsewhere);
        assert_eq!(decision.state, State::Unknown);
        assert!(decision.reason.starts_with("the log cannot be read: "), "{}", decision.reason);

        let mut survey = Survey::of("testdata/mboxlist-ims63-log11-le").unwrap();
        survey.databases = vec![file];
        survey.logs = logs.files;
        survey.findings = judge(&survey, None);
        let found: Vec<_> =
            survey.findings.iter().filter(|one| one.text.contains("cannot be read: ")).collect();
        assert_eq!(found.iter().map(|one| one.code).collect::<Vec<_>>(), [Code::Unreadable, Code::LogDamage]);
        assert!(found.iter().all(|one| one.action.starts_with("run as the owner")));
        let plan = Plan::of(&survey, Release::find("7u1").unwrap());
        let titles: Vec<_> = plan.steps.iter().map(|step| step.title.as_str()).collect();
        assert!(titles.contains(&"Make folder.db, log.0000000001 readable first"), "{titles:?}");
        assert!(titles.iter().all(|title| !title.contains("Salvage")), "{titles:?}");
    }

    #[test]
    fn a_survey_reads_the_log_twice_at_most() {
        for folder in ["mboxlist-ims5-log2-be", "mboxlist-ims60-log3-le-unclean", "mboxlist-ims63-log11-be"] {
            let log = crate::log::LogDir::open(format!("testdata/{folder}")).unwrap();
            let (once, _) = effort::of(|| log.records().count());
            let survey = || SurveyOptions::new().alone().survey(format!("testdata/{folder}"));
            let (all, survey) = effort::of(survey);
            assert!(survey.unwrap().databases.len() > 2);
            assert!(all <= once * 2, "{folder}: {all} bytes of {once}");
        }
    }
}
