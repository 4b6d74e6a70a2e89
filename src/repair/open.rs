//! A repair of files, or of bytes in memory.

use std::path::Path;

use crate::edit::{self, Edit, Notice, Result};
use crate::journal::{Disk, SystemDisk};

/// A repair of one file, or of several as one unit. The old files are kept: without
/// [`backup_dir`](Edit::backup_dir) and [`keep_backup`](Edit::keep_backup), or
/// [`copy_to`](Edit::copy_to), nothing is done.
///
/// ```
/// use bdbkit::repair::Repair;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("folder.db");
/// # std::fs::copy("testdata/damage-v9-le-next-cycle/data.db", &path)?;
/// let report = Repair::open(&path).backup_dir(folder.path().join("old")).keep_backup(true).run()?;
/// for notice in &report.files[0].notices {
///     println!("{notice}");
/// }
/// assert!(report.files[0].backup.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type Repair<'d, D> = Edit<'d, D, RepairChoices>;

/// The choices of a repair.
#[derive(Clone, Copy, Debug, Default)]
pub struct RepairChoices {
    /// Whether a page whose checksum is wrong is taken as it is, if everything else about it and about
    /// the file is sound. A value that is wrong in a few bytes is then no longer told from one that is
    /// right.
    pub accept_checksums: bool,
}

impl Repair<'_, SystemDisk> {
    /// A repair of a file. Nothing is read yet.
    #[must_use]
    pub fn open(path: impl AsRef<Path>) -> Self {
        Repair::on(&SystemDisk::MAPPED, [path], RepairChoices::default())
    }
}

impl<'d, D: Disk> Repair<'d, D> {
    /// A repair of files of some disk: all of them or none.
    #[must_use]
    pub fn on(
        disk: &'d D,
        paths: impl IntoIterator<Item = impl AsRef<Path>>,
        choices: RepairChoices,
    ) -> Self {
        Edit::new(disk, paths, choices)
    }
}

/// The mended form of a file that is in memory, and what was mended, and is left.
///
/// ```
/// use bdbkit::repair::{RepairChoices, repaired};
///
/// let damaged = std::fs::read("testdata/damage-v9-le-next-cycle/data.db")?;
/// let (sound, notices) = repaired(&damaged, RepairChoices::default())?;
/// assert_eq!(bdbkit::verify::Verify::from_bytes(sound).run().worst(), None);
/// assert!(!notices.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Refusal::NotMended`](crate::upgrade::Refusal::NotMended), with what cannot be mended. Logs are not
/// looked at.
pub fn repaired(file: &[u8], choices: RepairChoices) -> Result<(Vec<u8>, Vec<Notice>)> {
    edit::in_memory(&choices, file)
}
