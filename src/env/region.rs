//! Region files: the cache and the locks of programs that have an environment open, or had it
//! open and left them behind (mboxlist, "Files in mboxlist").

use std::path::Path;

use crate::meta::{FileKind, Region};

/// Whether a name is that of a region file: `__db.` and three digits, or one of the four of
/// release 2.x.
pub(crate) fn is_region(name: &str) -> bool {
    let number = name
        .strip_prefix("__db.")
        .is_some_and(|rest| rest.len() == 3 && rest.bytes().all(|byte| byte.is_ascii_digit()));
    let early = ["mpool", "lock", "log", "txn"].iter().any(|region| name == format!("__db_{region}.share"));
    number || early
}

impl Region {
    /// What a file is if it is a region file: by its content, or else by its name. A file of
    /// another kind that only has such a name is none.
    #[must_use]
    pub fn of(path: &Path) -> Option<Region> {
        let named = path.file_name().and_then(|name| name.to_str()).is_some_and(is_region);
        match FileKind::at(path).ok()? {
            FileKind::Region(region) => Some(region),
            FileKind::Empty | FileKind::Other if named => Some(Region { primary: false, release: None }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::Endianness;

    #[test]
    fn three_digits_and_the_names_of_the_first_releases_are_regions() {
        for name in ["__db.001", "__db.012", "__db_mpool.share", "__db_txn.share"] {
            assert!(is_region(name), "{name}");
        }
        for name in ["__db.", "__db.1", "__db.0012", "__db.00a", "__db.register", "__db_other.share", "__db"]
        {
            assert!(!is_region(name), "{name}");
        }
    }

    #[test]
    fn a_name_alone_makes_no_region_of_a_folder_or_a_database() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("__db.001");
        std::fs::create_dir(&path).unwrap();
        assert_eq!(Region::of(&path), None);
        std::fs::remove_dir(&path).unwrap();
        std::fs::write(&path, [0; 100]).unwrap();
        assert_eq!(Region::of(&path), Some(Region { primary: false, release: None }));
        let mut database = vec![0; 512];
        Endianness::Little.put_u32(&mut database, 12, 0x0005_3162);
        std::fs::write(&path, database).unwrap();
        assert_eq!(Region::of(&path), None);
    }
}
