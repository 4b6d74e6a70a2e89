//! What a file of the folder is, by its name (mboxlist, "Files in mboxlist").
//!
//! `__db*` is not one class: there are regions, which are caches, but also extents of
//! QUEUE databases and files under removal, which are data.

use std::ffi::OsStr;
use std::path::Path;

use crate::env::{Regions, is_region};
use crate::folder;

/// The name of the QUEUE database to which an extent belongs, and its number: those that stand
/// in its own name, `__dbq.NAME.NUMBER`.
pub(super) fn extent(name: &OsStr) -> Option<(&[u8], u64)> {
    let rest = name.as_encoded_bytes().strip_prefix(b"__dbq.")?;
    let dot = rest.iter().rposition(|&byte| byte == b'.')?;
    let (database, number) = rest.split_at_checked(dot)?;
    Some((database, std::str::from_utf8(number.get(1..)?).ok()?.parse().ok()?))
}

/// The class of a file, by its name. The order of the variants is that in which names are
/// looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Class {
    /// A region of the shared cache, and how the engine names them.
    Region(Regions),
    /// Internal to the engine: process registry, replication.
    Engine,
    /// Data: an extent of a QUEUE database.
    Extent,
    /// Data: what a transaction was removing or renaming.
    EngineData,
    /// A log file.
    Log,
    /// A log file of the first naming scheme, with five digits.
    EarlyLog,
    /// The configuration of the environment.
    Config,
    /// The journal of a change in place.
    Journal,
    /// The record that several changed files are complete.
    Set,
    /// A database, or what is called one.
    Database,
    /// A mark of a snapshot.
    Mark(Mark),
    /// Anything else.
    Other,
}

/// A file that the product puts into a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// `.snaptime`: when it was taken.
    Snaptime,
    /// `.verified`: recovered, verified, ready.
    Verified,
}

impl Class {
    /// The class of a name.
    #[must_use]
    pub fn of(name: impl AsRef<OsStr>) -> Class {
        // What decides is ASCII.
        let name = &*name.as_ref().to_string_lossy();
        match name {
            "__db.register" | "__db.reppg.db" => return Class::Engine,
            "DB_CONFIG" => return Class::Config,
            ".snaptime" => return Class::Mark(Mark::Snaptime),
            ".verified" => return Class::Mark(Mark::Verified),
            folder::PUBLISHED | folder::MEMBERS => return Class::Set,
            _ => {}
        }
        let digits = name.strip_prefix("log.").unwrap_or_default();
        match digits.len() {
            _ if is_region(name) && name.ends_with(".share") => Class::Region(Regions::Share),
            _ if is_region(name) => Class::Region(Regions::Numbered),
            _ if name.starts_with("__db.rep.") => Class::Engine,
            _ if name.starts_with("__dbq.") => Class::Extent,
            _ if name.starts_with("__db") => Class::EngineData,
            10 if digits.parse::<u32>().is_ok_and(|number| number > 0) && !digits.starts_with('+') => {
                Class::Log
            }
            5 if digits.bytes().all(|byte| byte.is_ascii_digit()) => Class::EarlyLog,
            _ if name.ends_with(folder::JOURNAL) => Class::Journal,
            _ if name.ends_with(".db") => Class::Database,
            _ => Class::Other,
        }
    }

    /// The class of a file, by the last part of its path.
    pub(super) fn of_file(path: &Path) -> Class {
        Class::of(path.file_name().unwrap_or_default())
    }

    /// The class in one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Class::Region(_) => "region",
            Class::Engine => "engine-other",
            Class::Extent => "extent",
            Class::EngineData => "engine-data",
            Class::Log | Class::EarlyLog => "log",
            Class::Config => "config",
            Class::Journal => "journal",
            Class::Set => "journal-set",
            Class::Database => "database",
            Class::Mark(_) => "snapshot-mark",
            Class::Other => "other",
        }
    }

    /// Whether a file of this class holds what the store holds: never to be removed.
    #[must_use]
    pub fn is_data(self) -> bool {
        matches!(
            self,
            Class::Extent | Class::EngineData | Class::Log | Class::EarlyLog | Class::Database | Class::Other
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        let cases = [
            ("__db.001", Class::Region(Regions::Numbered)),
            ("__db_mpool.share", Class::Region(Regions::Share)),
            ("__db_mpool.sharex", Class::EngineData),
            ("__db.register", Class::Engine),
            ("__db.rep.db", Class::Engine),
            ("__db.rep.gen", Class::Engine),
            ("__db.reppg.db", Class::Engine),
            ("__dbq.queue.db.0", Class::Extent),
            ("__db.0012", Class::EngineData),
            ("__db.80000002.3a", Class::EngineData),
            ("log.0000000012", Class::Log),
            ("log.00012", Class::EarlyLog),
            ("log.0000000000", Class::Other),
            ("log.+000000001", Class::Other),
            ("log.000000001x", Class::Other),
            ("DB_CONFIG", Class::Config),
            ("folder.db", Class::Database),
            ("folder.db.bdbkit-journal", Class::Journal),
            ("bdbkit-set.done", Class::Set),
            (".snaptime", Class::Mark(Mark::Snaptime)),
            (".verified", Class::Mark(Mark::Verified)),
            ("folder.db.dump.txt", Class::Other),
            ("\u{202e}.db", Class::Database),
        ];
        for (name, class) in cases {
            assert_eq!(Class::of(name), class, "{name}");
        }
    }

    #[test]
    fn extents_name_their_database() {
        assert_eq!(extent(OsStr::new("__dbq.queue.db.12")), Some((&b"queue.db"[..], 12)));
        for other in ["__dbq.queue.db", "__dbq.12", "queue.db.1", "__dbq.queue.db.-1"] {
            assert_eq!(extent(OsStr::new(other)), None, "{other}");
        }
    }

    #[test]
    fn only_caches_and_marks_are_no_data() {
        for name in ["__dbq.queue.db.0", "__db.80000002.3a", "log.0000000012", "folder.db", "unknown"] {
            assert!(Class::of(name).is_data(), "{name}");
        }
        assert!(!Class::of("__db.001").is_data());
    }
}
