//! A downgrade of files, or of bytes in memory.

use std::path::Path;

use super::choices::{DowngradeChoices, DowngradeTo};
use crate::edit::{self, Edit, Notice, Result};
use crate::journal::{Disk, SystemDisk};

/// A downgrade of one file, or of several as one unit.
///
/// ```
/// use bdbkit::downgrade::{Downgrade, DowngradeTo};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("folder.db");
/// # std::fs::copy("testdata/btree-v9-le-levels/data.db", &path)?;
/// let report = Downgrade::open(&path, DowngradeTo::V6).run()?;
/// assert_eq!((report.files[0].from, report.files[0].to), (9, 6));
/// assert_eq!(bdbkit::Database::open(&path)?.meta().version(), 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type Downgrade<'d, D> = Edit<'d, D, DowngradeChoices>;

impl Downgrade<'_, SystemDisk> {
    /// A downgrade of a file. Nothing is read yet.
    #[must_use]
    pub fn open(path: impl AsRef<Path>, to: DowngradeTo) -> Self {
        Downgrade::on(&SystemDisk::MAPPED, [path], DowngradeChoices::new(to))
    }
}

impl<'d, D: Disk> Downgrade<'d, D> {
    /// A downgrade of files of some disk: all of them or none.
    #[must_use]
    pub fn on(
        disk: &'d D,
        paths: impl IntoIterator<Item = impl AsRef<Path>>,
        choices: DowngradeChoices,
    ) -> Self {
        Edit::new(disk, paths, choices)
    }
}

/// The earlier form of a file that is in memory, and what is worth knowing about it.
///
/// ```
/// use bdbkit::downgrade::{DowngradeChoices, DowngradeTo, downgraded};
///
/// let new = std::fs::read("testdata/btree-v9-le-levels/data.db")?;
/// let (old, notices) = downgraded(&new, &DowngradeChoices::new(DowngradeTo::V8))?;
/// assert_eq!(bdbkit::Database::from_bytes(old)?.meta().version(), 8);
/// assert!(notices.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Why the file is refused, or that the result would be wrong. Logs are not looked at.
pub fn downgraded(file: &[u8], choices: &DowngradeChoices) -> Result<(Vec<u8>, Vec<Notice>)> {
    edit::in_memory(choices, file)
}
