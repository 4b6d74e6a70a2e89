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
use bdbkit::{Severity, Verify};
use common::image::{Image, difference_to_genuine};
use common::{cases, pairs_by_database, read, readable};

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
        let difference = difference_to_genuine(before, &ours, after);
        failures.extend(difference.map(|difference| format!("{name}: {difference}")));
    }
    assert!(failures.is_empty(), "{failures:#?}");
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
        if pairs_by_database(&bytes) != pairs_by_database(&ours) {
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

#[test]
fn a_flag_that_the_genuine_tools_set_without_need_is_read_and_cleared() {
    let old = Image::of_case("btree-v6-le-levels");
    let ours = upgraded(&old.bytes, Profile::Genuine8b, Duplicates::SortedUnchecked).unwrap();
    let image = Image::new("genuine", ours);
    assert_eq!(image.u32(0, 48), 0x40, "sorted duplicates, but none");
    let verdict = Verify::from_bytes(&image.bytes[..]).run();
    assert_eq!(verdict.worst(), Some(Severity::Warning), "{:?}", verdict.findings());
    let clean = upgraded(&image.bytes, Profile::V9, Duplicates::Unsorted).unwrap();
    assert_eq!(Image::new("clean", clean).u32(0, 48), 0);
}
