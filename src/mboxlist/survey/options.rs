//! What a survey is told, and how it goes.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::candidates::{self, Candidates};
use super::databases::DatabaseFile;
use super::elsewhere::{self, Elsewhere};
use super::judge;
use super::listing::{Listing, attach_extents, regions_in};
use super::logs::{self, Logs};
use super::lost::Lost;
use super::marks::AgeFrom;
use super::product::Product;
use super::snapshots;
use super::state::Decision;
use super::store::{Snapshot, Survey};
use crate::env::Layout;
use crate::error::{Error, Result};
use crate::mboxlist::names;
use crate::mboxlist::progress::{StoreProgress, Tell};
use crate::mboxlist::releases::Mailbox;

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
    pub(super) age_from: AgeFrom,
    read: bool,
    pub(super) tell: Tell,
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

    pub(super) fn map(&self) -> bool {
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
    pub(in crate::mboxlist) fn alone(mut self) -> SurveyOptions {
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
        let decision = Decision::of(&opened, &logs, !regions.is_empty(), &elsewhere, (&layout, self.map()));
        let lost = Lost::of(&opened, &logs.files, logs.skipped, self.map());
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
            fs::read_dir(folder)
                .map_err(|source| Error::Open { path: folder.to_owned(), cause: source.into() })?;
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::effort;
    use crate::mboxlist::{Code, State};
    use crate::mboxlist::{Release, StorePlan};

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
        let layout = Layout::of("/no such folder");
        let decision = Decision::of(&[(file.clone(), None)], &logs, false, &elsewhere, (&layout, true));
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
        let plan = StorePlan::of(&survey, Release::find("7u1").unwrap());
        let titles: Vec<_> = plan.steps.iter().map(|step| step.title.as_str()).collect();
        assert!(titles.contains(&"Make folder.db, log.0000000001 readable first"), "{titles:?}");
        assert!(titles.iter().all(|title| !title.contains("Salvage")), "{titles:?}");
    }

    #[test]
    fn a_survey_reads_the_log_of_a_clean_store_twice_at_most() {
        for folder in ["mboxlist-ims5-log2-be", "mboxlist-ims60-log3-le-unclean", "mboxlist-ims63-log11-be"] {
            let log = crate::log::LogDir::open(format!("testdata/{folder}")).unwrap();
            let (once, _) = effort::of(|| log.records().count());
            let survey = || SurveyOptions::new().alone().survey(format!("testdata/{folder}"));
            let (all, survey) = effort::of(survey);
            assert!(survey.unwrap().databases.len() > 2);
            // One that is not clean is recovered in memory, which passes over the log several times.
            let times = if folder.ends_with("unclean") { 8 } else { 2 };
            assert!(all <= once * times, "{folder}: {all} bytes of {once}");
        }
    }

    #[test]
    fn a_survey_reads_logs_of_older_versions_few_times() {
        let folder = tempfile::tempdir().unwrap();
        for entry in fs::read_dir("testdata/mboxlist-ims60-log3-le-unclean").unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
            }
        }
        let newer = "log.0000000002";
        fs::copy(Path::new("testdata/env-log11-le-logs").join(newer), folder.path().join(newer)).unwrap();
        let log = crate::log::LogDir::open(folder.path()).unwrap();
        let (once, _) = effort::of(|| log.records().count());
        let (all, survey) = effort::of(|| SurveyOptions::new().alone().survey(folder.path()));
        assert_eq!(survey.unwrap().lost.len(), 1);
        // And for a recovery in memory.
        assert!(all <= once * 6, "{all} bytes of {once}");
    }
}
