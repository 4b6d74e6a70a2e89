//! LSNs and file ids as operations of their own (upgrade, "LSNs, uids: reset-lsn and
//! reset-fileid as operations of their own").

use std::path::{Path, PathBuf};

use super::choices::{Job, NewId, ResetOf};
use super::databases::Databases;
use super::draft::{Draft, Reason};
use super::error::Result;
use super::prepare::{NOT_LOGGED, Prepared, structure, with_content};
use super::progress::Counter;
use super::report::Report;
use super::run::Upgrade;
use crate::access::Database;
use crate::journal::{self, Disk};
use crate::order::with_order;
use crate::types::{FileId, Lsn};

/// A change to what environments know a file by: its LSNs, or its id.
///
/// ```
/// use bdbkit::upgrade::Reset;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("folder.db");
/// # std::fs::copy("testdata/btree-v9-le-levels/data.db", &path)?;
/// let report = Reset::lsn(&path).run()?;
/// assert_eq!(report.files[0].from, report.files[0].to);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Reset<'d, D: Disk>(Upgrade<'d, D>);

impl Reset<'static, journal::SystemDisk> {
    /// Gives all pages of a file the LSN of a page that no log knows: before the file goes
    /// to another environment, or loses its logs. Pages that were never written stay so.
    #[must_use]
    pub fn lsn(path: impl AsRef<Path>) -> Self {
        Reset::lsn_on(&journal::SystemDisk::MAPPED, [path])
    }

    /// Gives a file, and all databases in it, a new id: for a copy of a file in an
    /// environment that knows the original.
    #[must_use]
    pub fn file_id(path: impl AsRef<Path>) -> Self {
        Reset::file_id_on(&journal::SystemDisk::MAPPED, [path])
    }
}

impl<'d, D: Disk> Reset<'d, D> {
    /// As [`Reset::lsn`], for files of some disk.
    #[must_use]
    pub fn lsn_on(disk: &'d D, paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        Reset(Upgrade::on(disk, paths).job(Job::Reset(ResetOf::Lsns(NOT_LOGGED))))
    }

    /// As [`Reset::file_id`], for files of some disk. Each file gets an id of its own.
    #[must_use]
    pub fn file_id_on(disk: &'d D, paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        Reset(Upgrade::on(disk, paths).job(Job::Reset(ResetOf::FileId)))
    }

    /// LSN `[0][0]` instead of `[0][1]`: for releases 2.x and 3.x.
    #[must_use]
    pub fn zero(self) -> Self {
        Reset(self.0.job(Job::Reset(ResetOf::Lsns(Lsn::default()))))
    }

    /// This id instead of a fresh one.
    #[must_use]
    pub fn to(self, id: FileId) -> Self {
        Reset(self.0.with_choices(|choices| choices.id = NewId::Given(id)))
    }

    /// Whether to take it that no program uses the file or its environment.
    #[must_use]
    pub fn assume_closed(self, closed: bool) -> Self {
        Reset(self.0.with_choices(|choices| choices.assume_closed = closed))
    }

    /// The home of the environment that the files belong to, if it is not their folder.
    #[must_use]
    pub fn home(self, home: Option<PathBuf>) -> Self {
        Reset(self.0.with_choices(|choices| choices.home = home))
    }

    /// Whether to go on even if logs beside the file say that it is not complete.
    #[must_use]
    pub fn ignore_logs(self, ignore: bool) -> Self {
        Reset(self.0.with_choices(|choices| choices.ignore_logs = ignore))
    }

    /// Changes the files: all of them or none.
    ///
    /// # Errors
    ///
    /// As [`Upgrade::run`].
    pub fn run(&self) -> Result<Report> {
        self.0.run()
    }
}

/// Checks a file, and computes what changes.
pub(super) fn prepare<'p>(
    file: &'p Database<'_>,
    what: ResetOf,
    id: FileId,
    counter: Counter<'_>,
) -> Result<Prepared<'p>> {
    // No page takes another form.
    let notices = structure(file, true, counter)?;
    let (draft, content) = with_content(file, matches!(what, ResetOf::Lsns(_)), || {
        let mut draft = Draft::new(file.pages());
        match what {
            ResetOf::Lsns(lsn) => draft.reset_lsn(lsn),
            ResetOf::FileId => {
                let databases = with_order!(file.meta().endianness(), O => Databases::find::<O>(file))?;
                for (no, offset) in databases.file_ids() {
                    draft.replace(no, offset, &id.0, Reason::FileId);
                }
            }
        }
        Ok(draft)
    })?;
    let version = file.meta().version();
    Ok(Prepared { draft, content, notices, sorted: false, from: version, to: version })
}
