//! Upgrades against the genuine tools: byte for byte in the genuine profiles, pair for
//! pair and sound in the others.

#![cfg(feature = "upgrade")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

mod common;

use bdbkit::upgrade::{Choices, Duplicates, Profile, UpgradeError, in_memory};
use bdbkit::{Database, Severity, Verify};
use common::image::{INTERNAL, Image, RECNO_INTERNAL};
use common::{Pair, all_databases, cases, forward, read, readable};

/// A genuine upgrade: the file before and after, and how it was made.
struct Genuine {
    name: String,
    before: Image,
    after: Image,
    profile: Profile,
    duplicates: Duplicates,
}

/// `upgraded-v8.db` is by 3.2.9, `upgraded-v9.db` by 4.7.25; `-s` with sorted duplicates.
fn genuine() -> Vec<Genuine> {
    let mut found = Vec::new();
    for case in cases(&["btree-", "recno-"]) {
        for (file, profile, duplicates) in [
            ("upgraded-v8.db", Profile::Genuine8a, Duplicates::Unsorted),
            ("upgraded-v9.db", Profile::Genuine8b, Duplicates::Unsorted),
            ("upgraded-v8-s.db", Profile::Genuine8a, Duplicates::SortedUnchecked),
            ("upgraded-v9-s.db", Profile::Genuine8b, Duplicates::SortedUnchecked),
        ] {
            let path = case.folder().join(file);
            if path.is_file() {
                let name = format!("{}/{file}", case.name);
                let before = Image::of_case(&case.name);
                let after = Image::new(name.clone(), read(path));
                found.push(Genuine { name, before, after, profile, duplicates });
            }
        }
    }
    found
}

fn upgraded(bytes: &[u8], profile: Profile, duplicates: Duplicates) -> Result<Vec<u8>, UpgradeError> {
    let choices = Choices { profile, duplicates, ..Choices::default() };
    in_memory(bytes, &choices).map(|(image, _)| image)
}

/// The bytes that may differ: the new id of a file that was of version 6, and what the
/// genuine tools leave undefined on the internal pages that they add.
fn undefined(before: &Image, after: &Image) -> Vec<bool> {
    let mut free = vec![false; after.bytes.len()];
    if before.version() == 6 {
        free[52..72].fill(true);
    }
    for page in before.pages()..after.pages() {
        let start = usize::try_from(page).unwrap() * after.page_size;
        let entries = after.entries(page);
        let lowest = usize::from(after.u16(page, 22));
        free[start + after.slot(entries)..start + lowest].fill(true);
        for slot in 0..entries {
            let item = after.item(page, slot);
            match after.kind(page) {
                RECNO_INTERNAL => {}
                INTERNAL => {
                    let end = item + 12 + usize::from(after.u16(page, item));
                    free[start + item + 3] = true;
                    free[start + end..start + end.next_multiple_of(4)].fill(true);
                }
                other => panic!("page {page} of type {other} was added"),
            }
        }
    }
    free
}

#[test]
fn the_genuine_profiles_equal_the_genuine_tools_byte_for_byte() {
    let all = genuine();
    assert_eq!(all.len(), 53);
    let mut failures = Vec::new();
    for Genuine { name, before, after, profile, duplicates } in &all {
        let ours = match upgraded(&before.bytes, *profile, *duplicates) {
            Ok(ours) => ours,
            Err(error) => {
                failures.push(format!("{name}: {error}"));
                continue;
            }
        };
        if ours.len() != after.bytes.len() {
            failures.push(format!("{name}: {} bytes, not {}", ours.len(), after.bytes.len()));
            continue;
        }
        let free = undefined(before, after);
        let differs = (0..ours.len()).find(|&at| ours[at] != after.bytes[at] && !free[at]);
        if let Some(at) = differs {
            let (page, byte) = (at / after.page_size, at % after.page_size);
            failures.push(format!(
                "{name}: page {page}, byte {byte}: {:#x}, not {:#x}",
                ours[at], after.bytes[at]
            ));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// All pairs, database by database.
fn pairs(bytes: &[u8]) -> Vec<(Option<Vec<u8>>, Vec<Pair>)> {
    let file = Database::from_bytes(bytes).unwrap();
    let all = all_databases(&file);
    all.iter().map(|db| (db.name().map(<[u8]>::to_vec), forward(db))).collect()
}

#[test]
fn version_9_has_the_same_pairs_and_is_sound() {
    let (mut files, mut failures) = (0, Vec::new());
    for golden in readable() {
        let bytes = read(&golden.db);
        let version = Image::new(golden.name(), bytes.clone()).version();
        if version == 9 {
            continue;
        }
        files += 1;
        let name = golden.name();
        let ours = match upgraded(&bytes, Profile::V9, Duplicates::Unsorted) {
            Ok(ours) => ours,
            Err(error) => {
                failures.push(format!("{name}: {error}"));
                continue;
            }
        };
        if pairs(&bytes) != pairs(&ours) {
            failures.push(format!("{name}: other pairs"));
        }
        let verdict = Verify::from_bytes(&ours[..]).run();
        let error = verdict.findings().iter().find(|finding| finding.severity == Severity::Error);
        failures.extend(error.map(|error| format!("{name}: {error}")));
        assert_eq!(Image::new(name, ours).version(), 9);
    }
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(files >= 100, "{files} files");
}
