//! The journal: a file changed in place is entirely old or entirely new, whatever fails.

#![cfg(all(feature = "upgrade", unix))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

use std::fs;

use bdbkit::journal::{
    self, Disk, Estimate, Facts, Journal, JournalError, Operation, Options, PageChange, SystemDisk,
};
use bdbkit::{Endianness, FileId, PageNo, PageSize};

fn facts() -> Facts {
    Facts {
        operation: Operation::Upgrade,
        order: Endianness::Little,
        source_version: 6,
        target_version: 9,
        page_size: PageSize::new(512).unwrap(),
        options: Options::default(),
        new_uid: FileId([7; 20]),
        digest: [9; 32],
        pairs: 3,
    }
}

#[test]
fn a_file_is_changed_on_the_real_disk() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let mut old = vec![1; 2048];
    old[12..16].copy_from_slice(&0x0005_3162_u32.to_le_bytes());
    let mut new = vec![2; 2560];
    new[1024..1536].fill(1);
    fs::write(&path, &old).unwrap();
    let change = |page: usize| {
        let at = page * 512;
        Ok::<_, JournalError>(PageChange {
            page: PageNo(u32::try_from(page).unwrap()),
            before: old.get(at..at + 512).map(Into::into),
            after: new[at..at + 512].into(),
        })
    };
    let file = SystemDisk.open_exclusive(&path, false).unwrap();
    assert!(matches!(SystemDisk.open_exclusive(&path, false), Err(JournalError::Locked { .. })));
    let estimate = Estimate { modified: 3, appended: 1 };
    let journal =
        Journal::write(&SystemDisk, &file, &path, &facts(), estimate, [1, 3, 4, 0].map(change)).unwrap();
    assert_eq!(fs::read(&path).unwrap(), old);
    assert!(journal::name(&path).exists());
    journal
        .run(|contents, _| {
            assert_eq!(contents[..], new);
            Ok(())
        })
        .unwrap();
    assert_eq!(fs::read(&path).unwrap(), new);
    assert!(!journal::name(&path).exists());
}
