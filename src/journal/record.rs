//! What a set keeps on record in its folder: which files are of it, for as long as one of them
//! is unfinished; and that all are published.
//!
//! Each is a file that is whole or was never relied upon. A file that only has the name is that
//! of others, and not touched.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::disk::{Disk, DiskFile};
use super::error::{JournalError, at};
use super::names::{MEMBERS, PUBLISHED, discard};
use super::set_format::{self, Member, Say};
use super::steps::Steps;
use super::trust;
use crate::file_name;

/// What stands on record.
#[derive(Debug)]
pub(super) enum Record {
    /// Nothing.
    None,
    /// The file is not whole: it was never relied upon.
    Begun,
    /// These files are of the set.
    Whole(Vec<Member>, Steps),
    /// The file is that of others.
    Foreign(JournalError),
}

/// Longest such file that is read, in bytes.
const LONGEST: u64 = 64 << 20;

impl Record {
    /// Whether there is a file that a run of this program made.
    pub(super) fn is_there(&self) -> bool {
        matches!(self, Record::Begun | Record::Whole(..))
    }

    /// The members, if the record is whole.
    pub(super) fn members(&self) -> &[Member] {
        match self {
            Record::Whole(members, _) => members,
            _ => &[],
        }
    }

    /// What happens to other files of the folder, if the record is whole.
    pub(super) fn steps(&self) -> Steps {
        match self {
            Record::Whole(_, steps) => steps.clone(),
            _ => Steps::default(),
        }
    }

    /// Refuses a file of others.
    pub(super) fn not_foreign(self) -> Result<Record, JournalError> {
        match self {
            Record::Foreign(error) => Err(error),
            record => Ok(record),
        }
    }
}

impl Member {
    /// Where the file is; `None` if the name leads out of the folder.
    pub(super) fn path(&self, directory: &Path) -> Option<PathBuf> {
        Some(directory.join(within(&self.name)?))
    }
}

/// A name, if it does not lead out of its folder.
pub(super) fn within(bytes: &[u8]) -> Option<&OsStr> {
    file_name::from_bytes(bytes).filter(|name| Path::new(name).file_name() == Some(name))
}

/// Where a record stands in a folder.
pub(super) fn place(directory: &Path, say: Say) -> PathBuf {
    directory.join(match say {
        Say::Members => MEMBERS,
        Say::Published => PUBLISHED,
    })
}

/// What stands on record in a folder. It is believed if a run of this user, of the superuser or
/// of the owner of the database can have written it.
pub(super) fn read<D: Disk>(
    disk: &D,
    directory: &Path,
    say: Say,
    database: Option<&D::File>,
) -> Result<Record, JournalError> {
    let path = place(directory, say);
    let file = match disk.open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Record::None),
        Err(error) => return Ok(Record::Foreign(at(&path, "opening")(error))),
    };
    match trust::believe(&path, &file, database) {
        Ok(()) => {}
        Err(error @ JournalError::Strange { .. }) => return Ok(Record::Foreign(error)),
        Err(error) => return Err(error),
    }
    let foreign =
        || Record::Foreign(JournalError::NotOurs { path: path.clone(), what: "the record of a set" });
    let size = file.size().map_err(at(&path, "asking for its length"))?;
    if size > LONGEST {
        return Ok(foreign());
    }
    let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
    file.read_at(0, &mut bytes).map_err(at(&path, "reading"))?;
    Ok(match set_format::parse_set(say, &bytes) {
        Some((members, steps)) => {
            let steps = Steps(steps);
            if steps.are_legal() { Record::Whole(members, steps) } else { foreign() }
        }
        None if say.is_said_by(&bytes) => Record::Begun,
        None => foreign(),
    })
}

/// Puts something on record, and makes it last. What was begun is removed if that fails;
/// nothing else is touched.
pub(super) fn write<'a, D: Disk>(
    disk: &D,
    directory: &Path,
    say: Say,
    members: impl ExactSizeIterator<Item = (u64, &'a [u8])>,
    steps: &Steps,
) -> Result<(), Unwritten> {
    let path = place(directory, say);
    let file = disk
        .create_new(&path)
        .map_err(|error| Unwritten { cause: Box::new(at(&path, "creating")(error)), removed: Ok(()) })?;
    let written = || {
        file.write_at(0, &set_format::encode_set(say, members, &steps.0)).map_err(at(&path, "writing"))?;
        file.sync_all().map_err(at(&path, "syncing"))?;
        disk.sync_dir(directory).map_err(at(directory, "syncing"))
    };
    written().map_err(|cause| Unwritten {
        cause: Box::new(cause),
        removed: remove(disk, directory, say).map_err(Box::new),
    })
}

/// Why something was not put on record, and whether what was begun is gone.
pub(super) struct Unwritten {
    pub(super) cause: Box<JournalError>,
    pub(super) removed: Result<(), Box<JournalError>>,
}

/// Removes what stands on record: one of this program's files, as is known before.
pub(super) fn remove<D: Disk>(disk: &D, directory: &Path, say: Say) -> Result<(), JournalError> {
    discard(disk, &place(directory, say))
}

/// Makes a record last that an earlier run wrote.
pub(super) fn sync<D: Disk>(disk: &D, directory: &Path, say: Say) -> Result<(), JournalError> {
    let path = place(directory, say);
    let file = disk.open(&path).map_err(at(&path, "opening"))?;
    file.sync_all().map_err(at(&path, "syncing"))?;
    disk.sync_dir(directory).map_err(at(directory, "syncing"))
}
