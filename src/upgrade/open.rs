//! An upgrade of files, or of bytes in memory.

use std::path::Path;

use super::choices::Choices;
use crate::edit::{self, Edit, Notice, Result};
use crate::journal::{Disk, SystemDisk};

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
pub type Upgrade<'d, D> = Edit<'d, D, Choices>;

impl Upgrade<'_, SystemDisk> {
    /// An upgrade of a file to version 9. Nothing is read yet.
    #[must_use]
    pub fn open(path: impl AsRef<Path>) -> Self {
        Upgrade::open_all([path])
    }

    /// An upgrade of several files of one folder: all of them or none.
    #[must_use]
    pub fn open_all(paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        Upgrade::on(&SystemDisk::MAPPED, paths)
    }
}

impl<'d, D: Disk> Upgrade<'d, D> {
    /// An upgrade of files of some disk.
    #[must_use]
    pub fn on(disk: &'d D, paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        Edit::new(disk, paths, Choices::default())
    }

    /// What to do, if not what [`Choices::default`] says.
    #[must_use]
    pub fn choices(self, choices: Choices) -> Self {
        self.with(|all| *all = choices)
    }
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
    edit::in_memory(choices, file)
}
