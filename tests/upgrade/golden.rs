//! Upgrades against the genuine tools: byte for byte in the genuine profiles, pair for
//! pair and sound in the others.

use bdbkit::upgrade::{Choices, Duplicates, EditError, Notice, Profile, Refusal, Upgrade, in_memory};
use bdbkit::verify::{Rule, Severity, Verify};
use bdbkit::{Database, Endianness, PageNo};

use crate::build;
use crate::build::{Builder, Tree};
use crate::common;
use crate::common::image::{DUPLICATE, DUPLICATE_LEAF, Image, LEAF, RECNO_LEAF, difference_to_genuine};
use crate::common::{cases, pairs_by_database, read, readable};

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
    for case in cases(&["btree-", "recno-", "hash-", "queue-"]) {
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

fn upgraded(bytes: &[u8], profile: Profile, duplicates: Duplicates) -> Result<Vec<u8>, EditError> {
    let choices = Choices { profile, duplicates, ..Choices::default() };
    in_memory(bytes, &choices).map(|(image, _)| image)
}

#[test]
fn the_genuine_profiles_equal_the_genuine_tools_byte_for_byte() {
    let all = genuine();
    assert_eq!(all.len(), 61);
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

/// A database of one key with many duplicates.
fn chain(tree: &Tree, builder: &Builder) -> Image {
    let values: Vec<[u8; 4]> = (0..200_u32).map(u32::to_be_bytes).collect();
    Image::new("chain", builder.build(tree, &[(b"key", values)]))
}

/// The genuine tools count deleted duplicates on the root of sorted ones, and only there.
#[test]
fn the_counts_of_genuine_profiles_are_no_damage() {
    let tree = Tree::btree().duplicates(build::Duplicates::Sorted).deleted(5);
    let old = chain(&tree, &Builder::new(6, Endianness::Little, 512));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chain.db");
    for profile in [Profile::Genuine8a, Profile::Genuine8b] {
        std::fs::write(&path, &old.bytes).unwrap();
        let choices = Choices { profile, duplicates: Duplicates::SortedUnchecked, ..Choices::default() };
        let report = Upgrade::open(&path).choices(choices).run().unwrap();
        assert_eq!(report.files[0].to, 8);
        let new = read(&path);
        let verdict = Verify::from_bytes(&new[..]).run();
        let counts: Vec<_> = verdict.findings().iter().filter(|found| found.rule == Rule::Count).collect();
        assert!(matches!(counts[..], [found] if found.severity == Severity::Warning), "{counts:?}");
        assert!(pairs_by_database(&new) == pairs_by_database(&old.bytes));
        // Later upgrades carry them over.
        assert_eq!(
            Image::new("new", upgraded(&new, Profile::V9, Duplicates::Unsorted).unwrap()).version(),
            9
        );
    }
}

#[test]
fn genuine_profiles_refuse_keys_that_the_genuine_tools_would_spoil() {
    let entries: Vec<_> = (0..40).map(|key| (format!("key {key:03}"), vec![b"a", b"b"])).collect();
    for (reversed, order) in
        [(true, Endianness::Little), (true, Endianness::Big), (false, Endianness::Little)]
    {
        let tree = Tree::btree().duplicates(build::Duplicates::Unsorted).reversed_shared_keys(reversed);
        let old = Builder::new(6, order, 512).build(&tree, &entries);
        for &profile in Profile::ALL {
            let result = upgraded(&old, profile, Duplicates::Unsorted);
            if reversed && profile.is_genuine() {
                let error = result.unwrap_err();
                assert!(matches!(error.refusal(), Some(Refusal::KeyOrder { keys: 40 })), "{error}");
                assert!(error.to_string().contains("profile v8 or v9"), "{error}");
            } else {
                let new = result.unwrap();
                assert!(pairs_by_database(&new) == pairs_by_database(&old), "{profile:?}");
            }
        }
    }
}

#[test]
fn a_set_of_duplicates_that_is_marked_as_deleted_stays_so() {
    for (sort, leaf) in [(Duplicates::Unsorted, RECNO_LEAF), (Duplicates::Sorted, DUPLICATE_LEAF)] {
        let tree = Tree::btree().duplicates(build::Duplicates::Sorted);
        let mut old = chain(&tree, &Builder::new(6, Endianness::Big, 512));
        let pages = old.pages_of(DUPLICATE);
        let (page, slot) = old.items(LEAF, 2)[0];
        let at = old.item(page, slot) + 2;
        old.put(page, at, 0x82);
        let choices = Choices { duplicates: sort, ..Choices::default() };
        let (new, notices) = in_memory(&old.bytes, &choices).unwrap();
        let new = Image::new("new", new);
        assert_eq!(new.byte(page, at), 0x82);
        assert_eq!(new.pages_of(leaf), pages, "its pages are converted all the same");
        assert!(new.u32(page, at + 2) >= old.pages(), "the root of a new tree");
        assert!(
            notices.iter().any(|notice| matches!(notice, Notice::Deleted { items: 1, .. })),
            "{notices:?}"
        );
    }
}

#[test]
fn numbers_of_things_are_told_as_such() {
    let first = PageNo(7);
    let told = |count| {
        let deleted = Notice::Deleted { items: count, first }.to_string();
        let unreferenced = Notice::Unreferenced { pages: count, first }.to_string();
        let damaged = Refusal::Damaged { errors: count, first: "it".into() }.to_string();
        [deleted, unreferenced, Notice::KeyOrder { keys: count }.to_string(), damaged]
    };
    for (text, one) in told(1).iter().zip(["1 item ", "1 page ", "1 shared key ", "1 finding,"]) {
        assert!(text.contains(one), "{text}");
    }
    for (text, two) in told(2).iter().zip(["2 items ", "2 pages ", "2 shared keys ", "2 findings,"]) {
        assert!(text.contains(two), "{text}");
    }
}

/// Entries of the list of databases: page, offset of the type byte.
fn list_entries(file: &Image) -> Vec<(u32, usize)> {
    let leaves = file.leaves(1).into_iter();
    leaves
        .flat_map(|page| (1..file.entries(page)).step_by(2).map(move |slot| (page, slot)))
        .map(|(page, slot)| (page, file.item(page, slot) + 2))
        .collect()
}

#[test]
fn deleted_entries_of_the_list_are_no_databases() {
    let named =
        |name: &str| (name.as_bytes().to_vec(), Tree::btree(), vec![(b"key".to_vec(), vec![b"value"])]);
    let databases = [named("a"), named("b"), named("c")];
    let mut old = Image::new("several", Builder::new(7, Endianness::Little, 512).build_several(&databases));
    let (page, at) = list_entries(&old)[1];
    let metadata = old.u32(page, at + 1);
    for lost in [metadata, old.u32(metadata, 72)] {
        (0..512).for_each(|byte| {
            old.put(lost, byte, 0);
        });
    }
    old.put(page, at, 0x81).put_u32(page, at + 1, 0xeeee_eeee);
    let new = Image::new("new", upgraded(&old.bytes, Profile::V9, Duplicates::Unsorted).unwrap());
    assert_eq!((new.byte(page, at), new.u32(page, at + 1)), (0x81, 0xeeee_eeee));
    let db = Database::from_bytes(&new.bytes[..]).unwrap();
    let names: Vec<_> = db.subdatabases().map(|found| found.unwrap().name().to_vec()).collect();
    assert_eq!(names, [b"a", b"c"]);
}

#[test]
fn an_upgrade_tells_how_far_it_has_come() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    std::fs::copy(common::testdata().join("btree-v6-be-dups-offpage/data.db"), &path).unwrap();
    let seen = std::sync::Mutex::new(Vec::new());
    let upgrade = Upgrade::open(&path).progress(|progress| {
        assert!(progress.path == path && progress.pages <= progress.total);
        seen.lock().unwrap().push(progress.step.text());
    });
    upgrade.run().unwrap();
    drop(upgrade);
    let mut steps = seen.into_inner().unwrap();
    steps.dedup();
    assert_eq!(steps, ["checking", "writing the journal", "validating"]);
}

/// The genuine tools have one choice for a file: where one database is not sorted, none is.
#[test]
fn genuine_profiles_take_all_databases_as_sorted_or_none() {
    let named = |name: &str, values: [&'static str; 3]| {
        let tree = Tree::btree().duplicates(build::Duplicates::Unsorted);
        (name.as_bytes().to_vec(), tree, vec![(b"key".to_vec(), values.to_vec())])
    };
    let (rising, mixed) = (["1", "2", "3"], ["3", "1", "2"]);
    for (second, sorted) in [(rising, true), (mixed, false)] {
        let databases = [named("a", rising), named("b", second)];
        let old = Builder::new(7, Endianness::Little, 512).build_several(&databases);
        let new = upgraded(&old, Profile::Genuine8b, Duplicates::Auto).unwrap();
        let db = Database::from_bytes(&new[..]).unwrap();
        let flags = db.subdatabases().map(|found| found.unwrap().meta().flags().sorted_duplicates());
        assert_eq!(flags.collect::<Vec<_>>(), [sorted; 2]);
        assert_eq!(Verify::new(&db).run().count(Severity::Error), 0);
    }
}

/// Release 3.0 brings page 0 to version 7 and leaves the keys as release 2 wrote them.
#[test]
fn reversed_shared_keys_of_version_7_are_turned_round() {
    let values: Vec<Vec<u8>> = (0..4_u8).map(|value| vec![value; 8]).collect();
    let pairs: Vec<_> = (0..30_u8).map(|key| (vec![b'k', key], values.clone())).collect();
    let build = |reversed| {
        let tree = Tree::btree().duplicates(build::Duplicates::Unsorted).reversed_shared_keys(reversed);
        Builder::new(7, Endianness::Big, 512).build(&tree, &pairs)
    };
    let (new, notices) = in_memory(&build(true), &Choices::default()).unwrap();
    assert_eq!(new, in_memory(&build(false), &Choices::default()).unwrap().0);
    assert!(matches!(notices[..], [Notice::KeyOrder { keys: 30 }]), "{notices:?}");
}

/// What release 2 and 3.1 left on metadata pages is cleared on all of them, and told.
#[test]
fn stale_bytes_of_all_metadata_pages_are_cleared() {
    let named =
        |name: &str| (name.as_bytes().to_vec(), Tree::btree(), vec![(b"key".to_vec(), vec![b"value"])]);
    let clean = Image::new("clean", Builder::new(8, Endianness::Big, 512).build_several(&[named("a")]));
    let inner = clean.pages_of(9)[0];
    let notices = |file: &Image, profile| {
        let (new, notices) = in_memory(&file.bytes, &Choices { profile, ..Choices::default() }).unwrap();
        let new = Image::new("new", new);
        for page in [0, inner] {
            let stale = [24, 26, 27, 36, 37, 38, 39].map(|at| new.byte(page, at));
            assert!(profile.is_genuine() || stale == [0; 7], "{page}: {stale:?}");
        }
        notices
    };
    assert_eq!(notices(&clean, Profile::V9), []);
    for page in [0, inner] {
        for (offset, notice) in [
            (24, Notice::StaleMaxKey),
            (26, Notice::StaleMaxKey),
            (27, Notice::StaleMaxKey),
            (36, Notice::StaleAllocation),
            (39, Notice::StaleAllocation),
        ] {
            let mut stale = clean.clone();
            stale.put(page, offset, 1);
            for profile in [Profile::V8, Profile::V9] {
                assert_eq!(
                    notices(&stale, profile),
                    std::slice::from_ref(&notice),
                    "page {page}, byte {offset}"
                );
            }
            assert_eq!(notices(&stale, Profile::Genuine8b), []);
        }
    }
}

/// The folder of a file that is upgraded, and the file.
#[cfg(unix)]
fn one(case: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap().join("a.db");
    std::fs::write(&path, Image::of_case(case).bytes).unwrap();
    (folder, path)
}

#[cfg(unix)]
const CHAIN: &str = "btree-v6-be-dups-offpage";

/// Another file gets the name, as editors and programs that copy do it: that one is as it was,
/// and nobody says that it was upgraded.
#[test]
#[cfg(unix)]
fn a_file_that_is_replaced_meanwhile_is_not_done() {
    use bdbkit::upgrade::Step;
    for (copy, step) in
        [(false, Step::Journal), (false, Step::Validate), (true, Step::Check), (true, Step::Validate)]
    {
        let (folder, path) = one(CHAIN);
        let other = folder.path().join("other");
        std::fs::write(&other, b"what somebody else wrote").unwrap();
        let upgrade = Upgrade::open(&path).progress(|progress| {
            if progress.step == step {
                let _ = std::fs::rename(&other, &path);
            }
        });
        let target = folder.path().join("new.db");
        let error = if copy { upgrade.copy_to(&target) } else { upgrade.run() }.unwrap_err();
        assert!(error.to_string().contains("another file has this name now"), "{error}");
        assert_eq!(read(&path), b"what somebody else wrote");
        let left = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 1, "{copy}, {step:?}: something was left behind");
    }
}

/// What was written is looked at before it gets its name.
#[test]
#[cfg(unix)]
fn a_copy_that_is_not_what_was_planned_gets_no_name() {
    use bdbkit::upgrade::Step;
    use std::os::unix::fs::FileExt;
    let (folder, path) = one(CHAIN);
    let target = folder.path().join("new.db");
    let page = u64::try_from(Image::of_case(CHAIN).page_size).unwrap();
    let spoilt = std::sync::atomic::AtomicBool::new(false);
    let upgrade = Upgrade::open(&path).progress(|progress| {
        let drafts = || std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let draft = drafts().find(|path| bdbkit::journal::is_remnant(path));
        if let Some(draft) = draft.filter(|_| progress.step == Step::Validate) {
            let file = std::fs::OpenOptions::new().write(true).open(draft).unwrap();
            let pages = file.metadata().unwrap().len() / page;
            (2..pages).for_each(|no| file.write_all_at(&[0xa5; 64], no * page + page - 64).unwrap());
            spoilt.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    });
    let error = upgrade.copy_to(&target).unwrap_err();
    assert!(spoilt.load(std::sync::atomic::Ordering::Relaxed));
    assert!(
        matches!(error, EditError::About { cause: ref source, .. } if matches!(**source, EditError::Validation { .. })),
        "{error}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(read(&path), Image::of_case(CHAIN).bytes);
}

/// Releases 6.0 and later put databases of their version into files of before: they cannot be made older.
#[test]
fn databases_of_later_releases_are_no_part_of_an_upgrade() {
    for case in ["btree-v8-le-subdbs", "btree-v8-be-subdbs"] {
        let mut bytes = common::data(case);
        let (page, order) = {
            let file = Database::from_bytes(&bytes[..]).unwrap();
            let inner = file.subdatabases().map(Result::unwrap);
            let tree = inner.filter(|found| found.meta().root().is_some()).last().unwrap();
            (tree.meta().page(), file.meta().endianness())
        };
        let at = usize::try_from(page.0).unwrap() * 512 + 16;
        let version = if order == Endianness::Big { 10u32.to_be_bytes() } else { 10u32.to_le_bytes() };
        bytes[at..at + 4].copy_from_slice(&version);
        for &profile in Profile::ALL {
            let Err(error) = upgraded(&bytes, profile, Duplicates::Unsorted) else {
                assert!(matches!(profile, Profile::Genuine8a), "{case} {profile:?}");
                continue;
            };
            let refusal = error.refusal();
            assert!(matches!(refusal, Some(Refusal::Downgrade { .. })), "{case} {profile:?}: {error}");
        }
    }
    let bytes = read(common::testdata().join("v10-btree-external/f.db"));
    let error = upgraded(&bytes, Profile::V9, Duplicates::Unsorted).unwrap_err();
    assert!(matches!(error.refusal(), Some(Refusal::Downgrade { version: 10, .. })), "{error}");
}
