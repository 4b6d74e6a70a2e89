//! Region files: the cache and the locks of programs that have an environment open, or had it
//! open and left them behind (mboxlist, "Files in mboxlist").

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::Error;
use crate::meta::FileKind;
use crate::order::Endianness;

/// The magic number of a primary region, wherever a release puts it.
const MAGIC: u32 = 0x0012_0897;
/// So much of a file is searched for it, in bytes.
const HEAD: u64 = 512;

/// Whether a name is that of a region file: `__db.` and three digits, or one of the four of
/// release 2.x.
pub(crate) fn is_region(name: &str) -> bool {
    let number = name
        .strip_prefix("__db.")
        .is_some_and(|rest| rest.len() == 3 && rest.bytes().all(|byte| byte.is_ascii_digit()));
    let early = ["mpool", "lock", "log", "txn"].iter().any(|region| name == format!("__db_{region}.share"));
    number || early
}

/// A region file: nothing in it is data that a database lacks, but its programs may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Region {
    /// Whether it bears the magic number; of several only the first does from release 3.0 on.
    pub primary: bool,
    /// The release of the library that made it (major, minor, patch), where it stands: in the
    /// words behind the magic number. Where they are differs from build to build.
    pub release: Option<(u32, u32, u32)>,
}

impl Region {
    /// What a file is if it is a region file: by its content, or else by its name. A file of
    /// another kind that only has such a name is none.
    #[must_use]
    pub fn of(path: &Path) -> Option<Region> {
        let named = path.file_name().and_then(|name| name.to_str()).is_some_and(is_region);
        let regular = std::fs::metadata(path).is_ok_and(|kind| kind.is_file());
        let mut head = Vec::new();
        if regular {
            File::open(path).ok()?.take(HEAD).read_to_end(&mut head).ok()?;
        }
        let nothing_else = matches!(
            FileKind::of(&head),
            Err(Error::NotADatabase { .. } | Error::TooShort { .. } | Error::Empty)
        );
        let by_name = (named && regular).then_some(Region { primary: false, release: None });
        Region::in_bytes(&head).or(by_name).filter(|_| nothing_else)
    }

    fn in_bytes(head: &[u8]) -> Option<Region> {
        [Endianness::Little, Endianness::Big].into_iter().find_map(|order| {
            let word = |index: usize| order.u32_at(head, index.checked_mul(4)?);
            let words = head.len().div_euclid(4);
            let at = (0..words).find(|&at| word(at) == Some(MAGIC))?;
            let behind = |count: usize| word(at.saturating_add(count)).unwrap_or(u32::MAX);
            // A mark that the environment is unusable may stand between.
            let release = [1, 2].into_iter().find_map(|from: usize| {
                let [major, minor, patch] = [0, 1, 2].map(|next: usize| behind(from.saturating_add(next)));
                ((2..=18).contains(&major) && minor < 10 && patch < 1000).then_some((major, minor, patch))
            });
            Some(Region { primary: true, release })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(order: Endianness, words: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        for (at, &word) in (0..).step_by(4).zip(words) {
            order.put_u32(&mut bytes, at, word);
        }
        bytes
    }

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
    fn a_region_is_known_by_its_magic_number_and_tells_its_release() {
        for order in [Endianness::Little, Endianness::Big] {
            // As release 5.3 writes it; and with something before.
            for words in [&[MAGIC, 0, 5, 3, 28][..], &[0, 7, MAGIC, 4, 2, 52]] {
                let found = Region::in_bytes(&region(order, words)).unwrap();
                assert!(found.primary && found.release.is_some(), "{words:?}");
            }
            let odd = Region::in_bytes(&region(order, &[MAGIC, 0, 0, 3, 28])).unwrap();
            assert_eq!(odd.release, None);
            assert_eq!(Region::in_bytes(&region(order, &[1, 2, 3])), None);
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
