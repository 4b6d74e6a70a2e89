//! The names that a restore gives, and those that it knows.

use std::ffi::OsStr;
use std::path::Path;

use crate::mboxlist::classify::Class;

/// Where copies wait, in the folder that is restored.
pub(in crate::mboxlist) const STAGE: &str = ".bdbkit-restore";
/// The mark in the folder of what moves aside, as long as a restore goes on.
pub(super) const MARK: &str = ".bdbkit-aside";
/// What stays in its place: the locks of release 6.0.
pub(super) const STAYS: &str = "folderlock";
/// Where region files of another folder go, in the folder of what moves aside.
pub(super) const REGIONS: &str = "dbtmpdir";
/// Marks of a snapshot, which are none of the database.
pub(super) const MARKS: [&str; 2] = [".snaptime", ".verified"];

/// The plan.
pub(super) const PLAN: &str = "bdbkit-plan";
/// The plan until it is whole.
pub(super) const DRAFT: &str = "bdbkit-plan.tmp";
/// What the names of copies begin with until they are whole; the id of the restore follows.
pub(super) const COPY: &str = "bdbkit-copy-";

/// Whether a name in the stage is none of the snapshot's.
pub(super) fn is_own(name: &OsStr) -> bool {
    name == PLAN || name == DRAFT || name.as_encoded_bytes().starts_with(COPY.as_bytes())
}

/// The name of a copy until it is whole, in the restore of this id.
pub(super) fn draft(id: u64) -> String {
    format!("{COPY}{id:016x}")
}

/// Whether a file is a region file, by its name.
pub(super) fn region(name: &OsStr) -> bool {
    matches!(Class::of_file(Path::new(name)), Class::Region(_))
}

/// Whether something in the folder moves aside.
pub(super) fn of_store(name: &OsStr) -> bool {
    name != STAGE && name != STAYS
}
