//! Upgrading a whole store as one unit, as `ims_db_upgrade` does (mboxlist, "`store-upgrade`").

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::btree::Database;
use crate::error::Error;
use crate::journal::{self, Outcome};
use crate::order::Endianness;
use crate::types::Lsn;
use crate::upgrade::{Choices, FileReport, Plan, Upgrade, UpgradeError};

use super::files::{self, Hash};

/// What the names of backup folders begin with, until they are kept.
const TEMPORARY: &str = ".bdbkit-backup-";
/// The list of what is in a backup folder: there when all of it is.
const MANIFEST: &str = "MANIFEST";

/// What happens to the LSNs of pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lsns {
    /// They are reset if the store has no logs any more, and stay if it has.
    #[default]
    Auto,
    /// They stay.
    Keep,
    /// They are reset.
    Reset,
}

/// An upgrade of all databases of a store, or of none.
///
/// Databases of versions 6 and 7 are upgraded; 8 and 9 are compatible and stay as they are,
/// unless asked for. Logs are never touched: they are kept as they are.
#[derive(Clone, Debug)]
pub struct StoreUpgrade {
    folder: PathBuf,
    choices: Choices,
    lsns: Lsns,
    version_8: bool,
    backup: Option<PathBuf>,
    keep_backup: bool,
}

/// What a store upgrade did.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct StoreReport {
    /// The databases that were upgraded.
    pub files: Vec<FileReport>,
    /// The databases that needed nothing, and their versions.
    pub untouched: Vec<(PathBuf, u32)>,
    /// The log files, all of which are kept.
    pub logs: Vec<PathBuf>,
    /// Whether the LSNs were reset.
    pub lsns_reset: bool,
    /// The old databases, if they are kept.
    pub backup: Option<PathBuf>,
}

/// Why a store was not upgraded. No database is changed, unless it says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreUpgradeError {
    /// One of the databases is refused, or could not be changed.
    #[error(transparent)]
    Upgrade(#[from] UpgradeError),
    /// The folder holds no database.
    #[error("{}: no database here", .folder.display())]
    NoDatabase {
        /// The folder.
        folder: PathBuf,
    },
    /// Databases of two machines are mixed.
    #[error(
        "{} is {order}, but {} is not: files of two machines are mixed, and no store wrote both",
        .file.display(), .other.display()
    )]
    MixedOrders {
        /// A database.
        file: PathBuf,
        /// Its byte order.
        order: Endianness,
        /// A database of the other order.
        other: PathBuf,
    },
    /// The file system refused.
    #[error("{}: {doing}: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the file system said.
        source: io::Error,
    },
}

type Result<T> = std::result::Result<T, StoreUpgradeError>;

fn at<'p>(path: &'p Path, doing: &'static str) -> impl FnOnce(io::Error) -> StoreUpgradeError + 'p {
    move |source| StoreUpgradeError::Io { path: path.to_owned(), doing, source }
}

/// The databases of a store.
struct Found {
    /// Those to upgrade.
    due: Vec<PathBuf>,
    untouched: Vec<(PathBuf, u32)>,
    logs: Vec<PathBuf>,
    reset: bool,
}

impl StoreUpgrade {
    /// An upgrade of the databases in a folder to version 9.
    #[must_use]
    pub fn open(folder: impl AsRef<Path>) -> StoreUpgrade {
        StoreUpgrade {
            folder: folder.as_ref().to_owned(),
            choices: Choices::default(),
            lsns: Lsns::Auto,
            version_8: false,
            backup: None,
            keep_backup: false,
        }
    }

    /// The choices for each database. Whether LSNs are reset [`StoreUpgrade::lsns`] tells.
    #[must_use]
    pub fn choices(mut self, choices: Choices) -> StoreUpgrade {
        self.choices = choices;
        self
    }

    /// What happens to the LSNs of pages.
    #[must_use]
    pub fn lsns(mut self, lsns: Lsns) -> StoreUpgrade {
        self.lsns = lsns;
        self
    }

    /// Whether databases of version 8 are upgraded, too.
    #[must_use]
    pub fn include_version_8(mut self, include: bool) -> StoreUpgrade {
        self.version_8 = include;
        self
    }

    /// Where the old databases are copied first; a new folder within the store if nothing is said.
    #[must_use]
    pub fn backup_dir(mut self, folder: impl AsRef<Path>) -> StoreUpgrade {
        self.backup = Some(folder.as_ref().to_owned());
        self
    }

    /// Keeps the copies. They are kept, too, if LSNs are reset.
    #[must_use]
    pub fn keep_backup(mut self, keep: bool) -> StoreUpgrade {
        self.keep_backup = keep;
        self
    }

    /// What would be done. Writes nothing.
    ///
    /// # Errors
    ///
    /// Why the store would be refused.
    pub fn plan(&self) -> Result<Vec<Plan>> {
        let found = self.find()?;
        Ok(self.upgrade(&found).plan()?)
    }

    /// Upgrades the databases: all of them or none. What an earlier run left behind is
    /// completed first.
    ///
    /// # Errors
    ///
    /// Why the store is refused, or what failed: then all databases are as they were, unless
    /// the disk failed again, and a later run goes on.
    pub fn run(&self) -> Result<StoreReport> {
        self.resume()?;
        let found = self.find()?;
        let mut report = StoreReport {
            untouched: found.untouched.clone(),
            logs: found.logs.clone(),
            lsns_reset: found.reset && !found.due.is_empty(),
            ..StoreReport::default()
        };
        if found.due.is_empty() {
            return Ok(report);
        }
        let upgrade = self.upgrade(&found);
        // Refused files are found before anything is written.
        upgrade.plan()?;
        let mut backup = Backup::begin(&self.folder, self.backup.as_deref(), &found)?;
        match upgrade.backup_dir(&backup.folder).keep_backup(true).run() {
            Ok(done) => report.files = done.files,
            Err(error) => {
                // The journals have brought the databases back: only then the copies may go.
                if found.due.iter().all(|path| backup.is_like(path)) {
                    backup.remove()?;
                }
                return Err(error.into());
            }
        }
        if self.keep_backup || found.reset {
            backup.keep()?;
            report.backup = Some(backup.folder);
        } else {
            backup.remove()?;
        }
        report.files.iter_mut().for_each(|file| file.backup = None);
        Ok(report)
    }

    /// Completes what an earlier run left behind; what became of it, file by file.
    ///
    /// # Errors
    ///
    /// As [`Upgrade::resume`].
    pub fn resume(&self) -> Result<Vec<(PathBuf, Outcome)>> {
        self.settle(|upgrade| upgrade.resume())
    }

    /// Brings back the databases that an earlier run left behind.
    ///
    /// # Errors
    ///
    /// As [`Upgrade::roll_back`].
    pub fn roll_back(&self) -> Result<Vec<(PathBuf, Outcome)>> {
        self.settle(|upgrade| upgrade.roll_back())
    }

    fn settle(
        &self,
        how: impl FnOnce(
            &Upgrade<'_, journal::SystemDisk>,
        ) -> std::result::Result<Vec<Option<Outcome>>, UpgradeError>,
    ) -> Result<Vec<(PathBuf, Outcome)>> {
        let journaled: Vec<PathBuf> = files::of(&self.folder)
            .map_err(at(&self.folder, "reading"))?
            .iter()
            .filter_map(|path| journal::database(path))
            .filter(|path| path.is_file())
            .collect();
        let mut settled = Vec::new();
        if !journaled.is_empty() {
            let outcomes = how(&Upgrade::open_all(&journaled).choices(self.choices.clone()))?;
            settled =
                journaled.into_iter().zip(outcomes).filter_map(|(path, of)| Some((path, of?))).collect();
        }
        // Copies of a run that was interrupted: the journals have done what these were for.
        for path in files::folders(&self.folder).map_err(at(&self.folder, "reading"))? {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with(TEMPORARY) {
                Backup { folder: path, own: true }.remove()?;
            }
        }
        Ok(settled)
    }

    fn find(&self) -> Result<Found> {
        let all = files::of(&self.folder).map_err(at(&self.folder, "reading"))?;
        let (mut due, mut untouched) = (Vec::new(), Vec::new());
        let mut orders: Vec<(PathBuf, Endianness)> = Vec::new();
        let mut newest = Lsn::default();
        for path in all.iter().filter(|path| path.extension().is_some_and(|extension| extension == "db")) {
            let db = match Database::open(path) {
                Ok(db) => db,
                // Other access methods, and files that were created and never written.
                Err(Error::UnsupportedMethod { .. } | Error::Empty | Error::NotADatabase { .. }) => continue,
                Err(error) => return Err(UpgradeError::from(error).about(path).into()),
            };
            let version = db.meta().version();
            newest = newest.max(db.meta().lsn());
            orders.push((path.clone(), db.meta().endianness()));
            if version < 8 || (version == 8 && self.version_8) {
                due.push(path.clone());
            } else {
                untouched.push((path.clone(), version));
            }
        }
        let Some((file, order)) = orders.first().cloned() else {
            return Err(StoreUpgradeError::NoDatabase { folder: self.folder.clone() });
        };
        if let Some((other, _)) = orders.iter().find(|(_, of)| *of != order) {
            return Err(StoreUpgradeError::MixedOrders { file, order, other: other.clone() });
        }
        let logs: Vec<PathBuf> = all.into_iter().filter(|path| files::is_log(path)).collect();
        let reset = match self.lsns {
            Lsns::Keep => false,
            Lsns::Reset => true,
            Lsns::Auto => logs.is_empty() && newest.file > 0,
        };
        Ok(Found { due, untouched, logs, reset })
    }

    fn upgrade(&self, found: &Found) -> Upgrade<'static, journal::SystemDisk> {
        let choices = Choices { reset_lsn: found.reset, ..self.choices.clone() };
        Upgrade::open_all(&found.due).choices(choices)
    }
}

/// The folder of the old databases.
struct Backup {
    folder: PathBuf,
    /// Whether it was made here, within the store.
    own: bool,
}

impl Backup {
    /// Makes the folder, with a list of what is in the store.
    fn begin(store: &Path, wanted: Option<&Path>, found: &Found) -> Result<Backup> {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let folder = match wanted {
            Some(folder) => folder.to_owned(),
            None => store.join(format!("{TEMPORARY}{seconds}")),
        };
        if !folder.is_dir() {
            create_private(&folder).map_err(at(&folder, "creating"))?;
        }
        let mut text = String::new();
        for path in found.due.iter().chain(&found.logs) {
            let hash = Hash::of(path).map_err(at(path, "reading"))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            // Writing to a string does not fail.
            let _ = writeln!(text, "{}  {:>12}  {name}", hash.hex(), hash.size);
        }
        let path = folder.join(MANIFEST);
        let written = File::create(&path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        written.map_err(at(&path, "writing"))?;
        Ok(Backup { folder, own: wanted.is_none() })
    }

    /// Whether a database is still what its copy is; it is, if there is none yet.
    fn is_like(&self, path: &Path) -> bool {
        let copy = self.folder.join(path.file_name().unwrap_or_default());
        match (Hash::of(&copy), Hash::of(path)) {
            (Ok(copy), Ok(now)) => copy == now,
            (Err(error), _) => error.kind() == io::ErrorKind::NotFound,
            _ => false,
        }
    }

    /// Gives the folder a name under which later runs leave it alone.
    fn keep(&mut self) -> Result<()> {
        if !self.own {
            return Ok(());
        }
        let name = self.folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let kept = self.folder.with_file_name(name.trim_start_matches('.'));
        fs::rename(&self.folder, &kept).map_err(at(&self.folder, "renaming"))?;
        self.folder = kept;
        Ok(())
    }

    /// Removes the copies, and the folder if it was made here.
    fn remove(self) -> Result<()> {
        let copies = files::of(&self.folder).map_err(at(&self.folder, "reading"))?;
        let mine = |path: &&PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            self.own || name == MANIFEST || name.ends_with(".db")
        };
        for path in copies.iter().filter(mine) {
            fs::remove_file(path).map_err(at(path, "removing"))?;
        }
        if self.own {
            fs::remove_dir(&self.folder).map_err(at(&self.folder, "removing"))?;
        }
        Ok(())
    }
}

/// Makes a folder that only its owner may look into.
fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
