//! Repairs: what follows from the rest of a file is put right, and nothing else is touched.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use bdbkit::Database;
use bdbkit::repair::{Repair, RepairChoices, repaired};
use bdbkit::upgrade::{Choices, EditError, Notice, Profile, Refusal, in_memory};
use bdbkit::verify::{Severity, Verify};

use crate::common::image::Image;
use crate::common::{Pair, all_readable, cases, copy_folder, data, pairs_by_database, read, testdata};
use crate::fake_disk::{FakeDisk, Fault};

fn mended(bytes: &[u8]) -> Result<Vec<u8>, EditError> {
    repaired(bytes, RepairChoices::default()).map(|(mended, _)| mended)
}

fn worst(bytes: &[u8]) -> Option<Severity> {
    Verify::from_bytes(bytes).run().worst()
}

/// Whatever pairs can be read, and how often.
fn readable(bytes: &[u8]) -> BTreeMap<Pair, usize> {
    let mut found = BTreeMap::new();
    let Ok(db) = Database::from_bytes(bytes) else { return found };
    for entry in db.iter().flatten() {
        let (key, value) = entry.into_parts();
        *found.entry((key.into_owned(), value.into_owned())).or_default() += 1;
    }
    found
}

/// The damaged files: mended and sound, or refused by name and told what is wrong.
#[test]
fn damage_is_mended_or_named() {
    let (mut done, mut refused, mut unopened) = (Vec::new(), Vec::new(), 0);
    for case in cases(&["damage-"]) {
        let Some(path) = [case.folder().join("data.db")].into_iter().find(|path| path.is_file()) else {
            continue;
        };
        let bytes = read(path);
        match repaired(&bytes, RepairChoices::default()) {
            Ok((new, notices)) => {
                let verdict = Verify::from_bytes(&new[..]).run();
                let left = verdict.findings().iter().filter(|finding| finding.severity == Severity::Error);
                for finding in left {
                    let told = notices.iter().any(
                        |notice| matches!(notice, Notice::Left { rule, .. } if *rule == finding.rule.id()),
                    );
                    assert!(told || new == bytes, "{}: {finding}", case.name);
                }
                let (before, after) = (readable(&bytes), readable(&new));
                let kept = before.iter().all(|(pair, count)| after.get(pair) >= Some(count));
                assert!(kept, "{}: pairs are lost", case.name);
                if new != bytes {
                    assert!(
                        notices.iter().any(|notice| matches!(notice, Notice::Mended { .. })),
                        "{}",
                        case.name
                    );
                    assert!(mended(&new).unwrap() == new, "{}: something is left to mend", case.name);
                    done.push(case.name.clone());
                }
            }
            Err(error) => match error.refusal() {
                Some(Refusal::NotMended { rules, .. }) => refused.push(format!("{} ({rules})", case.name)),
                _ => unopened += 1,
            },
        }
    }
    println!("mended: {done:?}\nrefused: {refused:?}\n{unopened} are refused otherwise");
    for name in [
        "damage-v6-be-free-loop",
        "damage-v9-be-next-cycle",
        "damage-v9-le-free-loop",
        "damage-v9-le-free-range",
        "damage-v9-le-last-pgno",
        "damage-v9-le-level",
        "damage-v9-le-next-cycle",
        "damage-v9-le-next-self",
        "damage-v9-le-nrecs",
        "damage-v9-le-ovfl-ref",
        "damage-v9-le-prev-wrong",
    ] {
        let there = cases(&["damage-"]).iter().any(|case| case.name == name);
        assert!(!there || done.iter().any(|done| done == name), "{name} is not mended");
    }
    for name in
        ["damage-v9-le-swapped", "damage-v9-le-item-len", "damage-v9-le-entries-small", "damage-v9-le-flip"]
    {
        assert!(
            refused.iter().any(|refused| refused.starts_with(&format!("{name} "))),
            "{name} is not refused"
        );
    }
    assert!(done.len() >= 8 && refused.len() > 20, "{} and {}", done.len(), refused.len());
}

#[test]
fn sound_files_stay_as_they_are() {
    let mut files = 0;
    for golden in all_readable() {
        let bytes = read(&golden.db);
        if worst(&bytes).is_none() {
            assert!(mended(&bytes).unwrap() == bytes, "{}", golden.name());
            files += 1;
        }
    }
    assert!(files > 100, "{files}");
}

/// A checksum alone is no reason to believe a page, unless somebody says so.
#[test]
fn a_wrong_checksum_is_taken_only_if_that_is_asked_for() {
    let sound = data("btree-v9-le-checksum");
    let page = Image::new("sound", sound.clone()).page_size;
    let mut bytes = sound.clone();
    let last = bytes.len() - 1;
    bytes[last] ^= 1; // of the first key on the last page, or of its value
    let of_meta = {
        let mut bytes = sound.clone();
        bytes[page + 28] ^= 1;
        bytes
    };
    for bytes in [bytes, of_meta] {
        let error = mended(&bytes).unwrap_err();
        assert!(
            matches!(error.refusal(), Some(Refusal::NotMended { rules, .. }) if rules == "C-SUM"),
            "{error}"
        );
        let Ok((new, _)) = repaired(&bytes, RepairChoices { accept_checksums: true }) else {
            // The byte was one of the structure.
            continue;
        };
        assert_eq!(worst(&new), None);
        let changed = new.iter().zip(&bytes).filter(|(new, old)| new != old).count();
        assert!((1..=4).contains(&changed), "{changed}");
    }
}

/// What the genuine tools leave that died on their way: page 0 says that off-page duplicates are trees, and some
/// are chains.
#[test]
fn an_upgrade_by_other_tools_that_died_is_completed() {
    let mut states = 0;
    for case in
        ["btree-v6-be-dups-offpage-many", "btree-v6-le-dups-offpage", "btree-v7-le-dups-offpage-many-sorted"]
    {
        let old = data(case);
        let choices = Choices { profile: Profile::Genuine8a, ..Choices::default() };
        let (new, _) = in_memory(&old, &choices).unwrap();
        let (before, after) = (Image::new(case, old.clone()), Image::new(case, new.clone()));
        let chains: Vec<u32> = (1..before.pages()).filter(|&page| before.kind(page) == 1).collect();
        assert!(!chains.is_empty(), "{case}");
        for converted in [0, 1, chains.len() / 2, chains.len()] {
            for appended in [false, true] {
                let mut bytes = if appended { new.clone() } else { new[..old.len()].to_vec() };
                let size = before.page_size;
                let place = |page: u32| {
                    usize::try_from(page).unwrap() * size..(usize::try_from(page).unwrap() + 1) * size
                };
                for page in 1..before.pages() {
                    if !chains[..converted].contains(&page) {
                        bytes[place(page)].copy_from_slice(&old[place(page)]);
                    }
                }
                let (mended, notices) = repaired(&bytes, RepairChoices::default())
                    .unwrap_or_else(|error| panic!("{case}: {converted} {appended}: {error}"));
                let told = notices.iter().any(|notice| matches!(notice, Notice::Mended { .. }));
                // A chain of one page is a tree of one leaf, once it is converted.
                assert!(told || worst(&bytes) < Some(Severity::Error), "{case}");
                assert_eq!(pairs_by_database(&mended), pairs_by_database(&old), "{case}: {converted}");
                assert!(worst(&mended) < Some(Severity::Error), "{case}: {converted} {appended}");
                assert!(after.pages() <= Image::new(case, mended).pages(), "{case}");
                states += 1;
            }
        }
    }
    assert_eq!(states, 24);
}

/// Pages that hold nothing and that nothing leads to come to the free list.
#[test]
fn pages_that_a_crash_left_in_no_place_are_adopted() {
    let mut bytes = data("btree-v9-le-deleted");
    let db = Database::from_bytes(&bytes[..]).unwrap();
    let free = db.meta().free().expect("a free list");
    bytes[28..32].copy_from_slice(&[0; 4]);
    assert_eq!(worst(&bytes), Some(Severity::Warning));
    let new = mended(&bytes).unwrap();
    assert_eq!(worst(&new), None);
    assert!(Database::from_bytes(&new[..]).unwrap().meta().free().is_some() && free.0 > 0);
}

#[test]
fn nothing_is_mended_without_a_copy_of_the_old_file() {
    let old = data("damage-v9-le-next-cycle");
    let disk = || {
        let disk = FakeDisk::with([("/store/a.db", &old[..])]);
        ["/", "/store"].iter().for_each(|folder| disk.folder(folder, false));
        disk
    };
    let repair = |disk: &FakeDisk, keep: bool| {
        let repair = Repair::on(disk, ["/store/a.db"], RepairChoices::default());
        repair.ignore_logs(true).assume_closed(true).backup_dir("/old").keep_backup(keep).run().map(drop)
    };
    let error = repair(&disk(), false).unwrap_err();
    assert_eq!(error.code(), Some("R-NOT-KEPT"), "{error}");
    let whole = disk();
    repair(&whole, true).unwrap();
    let new = whole.bytes(Path::new("/store/a.db")).unwrap();
    assert_eq!(worst(&new), None);
    assert!(whole.bytes(Path::new("/old/a.db")).unwrap() == old);
    // Wherever it stops or fails: the file is the old or the new one in the end, and the old one is there.
    for stops in [true, false] {
        let mut points = 0;
        for point in 0.. {
            let fault = match stops {
                true => Fault::Stop { change: point, sectors: 0 },
                false => Fault::Fail { call: point, kind: ErrorKind::Other },
            };
            let disk = disk().faulty(fault);
            let done = repair(&disk, true);
            if !disk.stopped() && !disk.failed() {
                break;
            }
            points += 1;
            let after = disk.copy();
            let _ = done;
            let resumed =
                Repair::on(&after, ["/store/a.db"], RepairChoices::default()).assume_closed(true).resume();
            resumed.unwrap_or_else(|error| panic!("{stops} {point}: {error}: {:?}", after.names()));
            let found = after.bytes(Path::new("/store/a.db")).unwrap();
            assert!(found == old || found == new, "{stops} {point}");
            let kept = after.bytes(Path::new("/old/a.db"));
            assert!(found == old || kept.as_ref() == Some(&old), "{stops} {point}");
        }
        assert!(points > 12, "{points}");
    }
}

/// An item that the index has lost stands between where the header has items begin and the lowest that is known:
/// it is not given up.
#[test]
fn what_an_index_has_lost_is_not_covered_up() {
    let mut bytes = data("recno-v9-le-var");
    let image = Image::new("records", bytes.clone());
    let leaf = (1..image.pages()).find(|&page| image.kind(page) == 6).unwrap();
    let at = usize::try_from(leaf).unwrap() * image.page_size + 20;
    bytes[at] -= 1;
    let error = mended(&bytes).unwrap_err();
    assert!(
        matches!(error.refusal(), Some(Refusal::NotMended { rules, .. }) if rules.contains("P-HF")),
        "{error}"
    );
}

/// A file with checksums, little-endian, of many leaves.
const SUMMED: &str = "btree-v9-le-checksum";

/// The leaves of a file.
fn leaves(image: &Image) -> Vec<usize> {
    let leaves = (1..image.pages()).filter(|&page| image.kind(page) == 5);
    leaves.map(|page| usize::try_from(page).unwrap() * image.page_size).collect()
}

/// Gives a page of a little-endian file its checksum.
fn sum(page: &mut [u8]) {
    page[28..32].fill(0);
    let sum = page.iter().fold(0u32, |sum, &byte| sum.wrapping_mul(33).wrapping_add(byte.into()));
    page[28..32].copy_from_slice(&sum.to_le_bytes());
}

/// A page gets a checksum only if what was mended is all that was wrong with it.
#[test]
fn a_checksum_is_renewed_only_for_what_it_proves() {
    let sound = data(SUMMED);
    let image = Image::new("sound", sound.clone());
    let (leaves, size) = (leaves(&image), image.page_size);
    let mut sums = sound.clone();
    leaves.iter().for_each(|&at| sum(&mut sums[at..at + size]));
    assert!(sums == sound, "the sums of the test");
    // A link that was spoiled: with the right one the checksum fits again.
    let mut link = sound.clone();
    link[leaves[1] + 16] ^= 7;
    assert!(mended(&link).unwrap() == sound);
    // A value of the same page is spoiled, too: nobody knows what else is.
    let last_of = |at: usize| at + size - 1;
    let mut both = link.clone();
    both[last_of(leaves[1])] ^= 1;
    let error = mended(&both).unwrap_err();
    assert!(
        matches!(error.refusal(), Some(Refusal::NotMended { rules, .. }) if rules.contains("C-SUM")),
        "{error}"
    );
    let (new, _) = repaired(&both, RepairChoices { accept_checksums: true }).unwrap();
    assert_eq!(worst(&new), None);
}

/// What other pages need is done, and a page that nothing proves stays.
#[test]
fn a_page_that_is_not_believed_stays_as_it_is() {
    let sound = data(SUMMED);
    let image = Image::new("sound", sound.clone());
    let (leaves, size) = (leaves(&image), image.page_size);
    let mut bytes = sound.clone();
    // Page 0 says what is not so, and is whole; a leaf is not.
    let spoiled = leaves[2];
    bytes[spoiled + size - 1] ^= 1;
    let stated = bytes[32..36].to_vec();
    bytes[32..36].copy_from_slice(&9999u32.to_le_bytes());
    bytes[492..496].fill(0);
    let sum = bytes[..512].iter().fold(0u32, |sum, &b| sum.wrapping_mul(33).wrapping_add(b.into()));
    bytes[492..496].copy_from_slice(&sum.to_le_bytes());
    let (new, notices) = repaired(&bytes, RepairChoices::default()).unwrap();
    assert_eq!(new[32..36], stated[..]);
    assert!(new[spoiled..spoiled + size] == bytes[spoiled..spoiled + size]);
    let left = notices.iter().any(|notice| matches!(notice, Notice::Left { rule: "C-SUM", findings: 1, .. }));
    assert!(left, "{notices:?}");
    // On a disk, through the journal; and if it stops anywhere.
    let path = Path::new("/store/a.db");
    let repair = |disk: &FakeDisk| {
        let repair = Repair::on(disk, [path], RepairChoices::default());
        repair.ignore_logs(true).assume_closed(true).backup_dir("/old").keep_backup(true).run().map(drop)
    };
    let disk = || {
        let disk = FakeDisk::with([("/store/a.db", &bytes[..])]);
        ["/", "/store"].iter().for_each(|folder| disk.folder(folder, false));
        disk
    };
    let whole = disk();
    repair(&whole).unwrap();
    assert!(whole.bytes(path).unwrap() == new);
    let (mut olds, mut news) = (0, 0);
    for point in 0.. {
        let disk = disk().faulty(Fault::Stop { change: point, sectors: 0 });
        let _ = repair(&disk);
        if !disk.stopped() {
            break;
        }
        let after = disk.copy();
        Repair::on(&after, [path], RepairChoices::default()).assume_closed(true).resume().unwrap();
        let found = after.bytes(path).unwrap();
        assert!(found == bytes || found == new, "{point}");
        olds += usize::from(found == bytes);
        news += usize::from(found == new);
    }
    assert!(olds > 0 && news > 0);
}

/// A QUEUE is repaired with its extents around it.
#[test]
fn the_extents_of_a_queue_are_looked_at() {
    let result = |case: &str| {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(&testdata().join(case), folder.path());
        let repair = Repair::open(folder.path().join("data.db")).assume_closed(true);
        repair.backup_dir(folder.path().join("old")).keep_backup(true).run()
    };
    let report = result("queue-v4-le-extents").unwrap();
    assert!(report.files.iter().all(|file| !file.changed()));
    for (case, rule) in [("damage-queue-v4-be-ext-swapped", "P-NUM"), ("damage-queue-v4-le-ext-huge", "Q-")] {
        let error = result(case).unwrap_err();
        let named = matches!(error.refusal(), Some(Refusal::NotMended { rules, .. }) if rules.contains(rule));
        assert!(named, "{case}: {error}");
    }
}
