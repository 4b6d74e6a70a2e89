//! LSNs and file ids as operations of their own (upgrade, "LSNs, uids: reset-lsn and
//! reset-fileid as operations of their own").

use std::path::Path;

use crate::access::Database;
use crate::edit::{
    Counter, Draft, Edit, Operation, Prepared, Reason, Result, fresh_id, structure, with_content,
};
use crate::format::meta::Field;
use crate::journal::{self, Disk, Identity, Options, SystemDisk};
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
pub type Reset<'d, D> = Edit<'d, D, ResetOf>;

/// What of a file is reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetOf {
    /// The LSNs of all pages, to this one.
    Lsns(Lsn),
    /// The id of the file, to this one, or to one that no other file has.
    FileId(Option<FileId>),
}

impl Reset<'_, SystemDisk> {
    /// Gives all pages of a file the LSN of a page that no log knows: before the file goes
    /// to another environment, or loses its logs. Pages that were never written stay so.
    #[must_use]
    pub fn lsn(path: impl AsRef<Path>) -> Self {
        Reset::lsn_on(&SystemDisk::MAPPED, [path])
    }

    /// Gives a file, and all databases in it, a new id: for a copy of a file in an
    /// environment that knows the original.
    #[must_use]
    pub fn file_id(path: impl AsRef<Path>) -> Self {
        Reset::file_id_on(&SystemDisk::MAPPED, [path])
    }
}

impl<'d, D: Disk> Reset<'d, D> {
    /// As [`Reset::lsn`], for files of some disk.
    #[must_use]
    pub fn lsn_on(disk: &'d D, paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        Edit::new(disk, paths, ResetOf::Lsns(Lsn::NOT_LOGGED))
    }

    /// As [`Reset::file_id`], for files of some disk. Each file gets an id of its own.
    #[must_use]
    pub fn file_id_on(disk: &'d D, paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        Edit::new(disk, paths, ResetOf::FileId(None))
    }

    /// LSN `[0][0]` instead of `[0][1]`, if LSNs are reset: for releases 2.x and 3.x.
    #[must_use]
    pub fn zero(self) -> Self {
        self.with(|what| {
            if let ResetOf::Lsns(lsn) = what {
                *lsn = Lsn::default();
            }
        })
    }

    /// This id instead of a fresh one, if ids are reset.
    #[must_use]
    pub fn to(self, id: FileId) -> Self {
        self.with(|what| {
            if let ResetOf::FileId(given) = what {
                *given = Some(id);
            }
        })
    }
}

impl Operation for ResetOf {
    fn name(&self) -> journal::Operation {
        match self {
            ResetOf::Lsns(_) => journal::Operation::ResetLsn,
            ResetOf::FileId(_) => journal::Operation::ResetFileId,
        }
    }

    fn may_change(&self) -> &'static [Reason] {
        match self {
            ResetOf::Lsns(_) => &[Reason::Lsn],
            ResetOf::FileId(_) => &[Reason::FileId],
        }
    }

    fn prepare<'p>(
        &self,
        file: &'p Database<'_>,
        identity: Option<Identity>,
        counter: Counter<'_>,
    ) -> Result<Prepared<'p>> {
        // No page takes another form.
        let notices = structure(file, true, counter)?;
        let id = match self {
            ResetOf::Lsns(_) => file.meta().file_id(),
            ResetOf::FileId(given) => given.unwrap_or_else(|| fresh_id(identity)),
        };
        let (draft, promise) = with_content(file, matches!(self, ResetOf::Lsns(_)), || {
            let mut draft = Draft::new(file.pages());
            match self {
                ResetOf::Lsns(lsn) => draft.reset_lsn(*lsn),
                ResetOf::FileId(_) => rename(file, id, &mut draft)?,
            }
            Ok(draft)
        })?;
        let (order, version) = (file.meta().endianness(), file.meta().version());
        let options = Options::default();
        Ok(Prepared { draft, promise, notices, options, order, from: version, to: version, id })
    }
}

/// Gives the metadata pages of all databases of a file an id.
fn rename(file: &Database<'_>, id: FileId, draft: &mut Draft<'_>) -> Result<()> {
    let mut put = |meta: &crate::meta::Meta| {
        draft.replace(meta.page(), meta.at(Field::Uid), &id.0, Reason::FileId);
    };
    put(file.meta());
    for found in file.subdatabases() {
        put(found?.meta());
    }
    Ok(())
}
