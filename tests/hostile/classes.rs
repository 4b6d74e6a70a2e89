//! The named kinds of damage, made by patching genuine files of both byte orders.
//!
//! Each must give an error with its page and a sane message, in both directions and
//! in a dump, and all pairs that stand on other pages must still be given.

use std::collections::BTreeMap;
use std::time::Duration;

use bdbkit::verify::{Severity, Verify};
use bdbkit::{Database, Error, Method, PageNo};

use crate::common::image::{
    AREA, DUPLICATE, ENTRIES, INTERNAL, Image, LEAF, LEVEL, NEXT, OVERFLOW, PREV, RECNO_INTERNAL, TYPE,
};
use crate::common::{Pair, Watch, data, dump, forward, missing, multiset};
use crate::damage::{
    ORDERS, all_pairs, chains, duplicates, files, holder, ladder, misled, noise, not_databases,
    of_duplicates, of_length, overflow_files, pairs_on, record_trees, swapped, trees, zeroed,
};

/// What a file gives: pairs, and errors.
#[derive(Debug, Default)]
struct SalvagedFile {
    pairs: BTreeMap<Pair, usize>,
    errors: Vec<Error>,
}

impl SalvagedFile {
    fn messages(&self) -> Vec<String> {
        self.errors.iter().map(ToString::to_string).collect()
    }
}

/// Walks a database from end to end, with a bound for the steps.
fn survey(db: &Database<'_>, bytes: usize, backward: bool) -> SalvagedFile {
    let mut survey = SalvagedFile::default();
    let mut entries = db.iter();
    for step in 0.. {
        assert!(step < bytes + 64, "an endless iterator");
        match if backward { entries.next_back() } else { entries.next() } {
            Some(Ok(entry)) => {
                let (key, value) = entry.into_parts();
                *survey.pairs.entry((key.into_owned(), value.into_owned())).or_insert(0) += 1;
            }
            Some(Err(error)) => survey.errors.push(error),
            None => break,
        }
    }
    survey
}

fn is_sane(error: &Error) {
    let message = error.to_string();
    assert!(!message.is_empty() && message.len() < 250 && !message.contains('\n'), "{message:?}");
    if let Error::Corrupt { page, offset, .. } | Error::Checksum { page, offset, .. } = error {
        assert!(message.starts_with(&format!("page {page}: byte {offset}: ")), "{message:?}");
    }
}

/// Expects damage to be met: an error about this page (or any) with these words, all pairs
/// but some, and a dump without an end.
#[track_caller]
fn expect(
    original: &Image,
    damaged: &Image,
    page: impl Into<Option<u32>>,
    words: &str,
    may_be_lost: &[Pair],
) {
    let page = page.into().map(PageNo); // or any
    let watch = Watch::start(Duration::from_secs(30));
    watch.about(original.name.clone());
    let name = &original.name;
    let whole = multiset(all_pairs(original));
    let may_be_lost = multiset(may_be_lost.iter().cloned());
    let db = match Database::from_bytes(&damaged.bytes[..]) {
        Ok(db) => db,
        Err(error) => {
            is_sane(&error);
            let right = page.is_none() || error.page() == page;
            assert!(right && error.to_string().contains(words), "{name}: {error}");
            let all_may_be_lost = missing(&may_be_lost, &whole).is_empty();
            assert!(all_may_be_lost, "{name}: not opened: {error}");
            return;
        }
    };
    for backward in [false, true] {
        let found = survey(&db, damaged.bytes.len(), backward);
        found.errors.iter().for_each(is_sane);
        let is_it =
            |error: &Error| (page.is_none() || error.page() == page) && error.to_string().contains(words);
        let named = found.errors.iter().any(is_it);
        assert!(
            named || (backward && !found.errors.is_empty()),
            "{name}, backward {backward}: no error about page {page:?} with {words:?} in {:?}",
            found.messages()
        );
        let lost = multiset(missing(&found.pairs, &whole));
        let too_many: Vec<_> = missing(&may_be_lost, &lost);
        assert!(
            too_many.is_empty(),
            "{name}, backward {backward}: lost {} pairs of other pages ({} of this); errors {:?}",
            too_many.len(),
            may_be_lost.len(),
            found.messages()
        );
    }
    let (text, summary, damage) = dump(&db, false);
    assert!(summary.damaged > 0 && !damage.is_empty(), "{name}: a dump without an error");
    assert!(!text.ends_with(b"DATA=END\n"), "{name}: a dump that seems whole");
    for leaf in db.scan().flatten() {
        assert!(leaf.entries().take(damaged.bytes.len()).count() < damaged.bytes.len());
    }
}

/// Expects an error on opening.
#[track_caller]
fn expect_refused(damaged: &Image, words: &str) -> Error {
    match Database::from_bytes(&damaged.bytes[..]) {
        Ok(_) => panic!("{}: opened, although {words}", damaged.name),
        Err(error) => {
            is_sane(&error);
            assert!(error.to_string().contains(words), "{}: {error}", damaged.name);
            error
        }
    }
}

/// Expects that a change matters to nobody.
#[track_caller]
fn expect_whole(original: &Image, changed: &Image) {
    let db = Database::from_bytes(&changed.bytes[..]).unwrap_or_else(|e| panic!("{}: {e}", original.name));
    assert_eq!(forward(&db), all_pairs(original), "{}", original.name);
    let mut backward: Vec<Pair> = db
        .iter()
        .rev()
        .map(|entry| entry.expect("no damage").into_parts())
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    backward.reverse();
    assert_eq!(backward, all_pairs(original), "{}", original.name);
}

// ------------------------------------------------------------- file and metadata

#[test]
fn what_is_no_database_is_refused_at_every_entry() {
    let folder = tempfile::tempdir().unwrap();
    for (bytes, words) in not_databases() {
        let bytes = &bytes[..];
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        let opened = [
            Database::from_bytes(bytes).map(drop),
            Database::from_bytes(bytes.to_vec()).map(drop),
            Database::open(&path).map(drop),
            bdbkit::OpenOptions::new().map(false).open(&path).map(drop),
        ];
        for result in opened {
            let error = result.expect_err("no database");
            is_sane(&error);
            assert!(error.to_string().contains(words), "{error}, expected {words:?}");
        }
    }
}

#[test]
fn page_sizes_that_cannot_be_are_refused() {
    for tree in trees() {
        for size in [0, 1, 77, 256, 511, 513, 777, 1000, 1 << 17, 1 << 31, u32::MAX] {
            let mut damaged = tree.clone();
            damaged.put_u32(0, 20, size);
            let error = expect_refused(&damaged, &format!("page size {size}, expected a power of two"));
            assert_eq!(error.page(), Some(PageNo(0)));
        }
        // Larger than the file: it was cut.
        for size in [32768, 65536] {
            let mut damaged = tree.clone();
            damaged.put_u32(0, 20, size);
            let error = Database::from_bytes(&damaged.bytes[..]).map(drop).unwrap_err().to_string();
            let words = format!("was cut: it has {} bytes, one page has {size}", damaged.bytes.len());
            assert!(error.contains(&words), "{}: {error}", tree.name);
        }
        // A legal size that is not this file's.
        for size in [1024, 2048] {
            let mut damaged = tree.clone();
            damaged.put_u32(0, 20, size);
            let db = Database::from_bytes(&damaged.bytes[..]).unwrap();
            let found = survey(&db, damaged.bytes.len(), false);
            assert!(!found.errors.is_empty(), "{}: page size {size}", tree.name);
            assert!(!survey(&db, damaged.bytes.len(), true).errors.is_empty());
            assert!(dump(&db, false).1.damaged > 0);
        }
    }
}

#[test]
fn versions_that_are_not_read_are_refused_by_name() {
    for tree in trees() {
        for version in [0, 1, 3, 5, 11, 12, 255, 0x0900_0000, u32::MAX] {
            let mut damaged = tree.clone();
            damaged.put_u32(0, 16, version);
            let error = expect_refused(&damaged, &format!("version {version}"));
            assert!(matches!(error, Error::UnsupportedVersion { .. }), "{error}");
            let words = if version < 6 { "older than 6" } else { "newer than 10" };
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}

#[test]
fn metadata_of_another_access_method_is_refused() {
    for tree in trees() {
        for (magic, kind) in [(0x0004_2253, "QUEUE"), (0x0007_4582, "HEAP")] {
            let mut damaged = tree.clone();
            damaged.put_u32(0, 12, magic);
            // No release wrote this version, or no page this type.
            let error = Database::from_bytes(&damaged.bytes[..]).map(drop).unwrap_err();
            let kind_is_said = error.to_string().contains(kind) || error.page() == Some(PageNo(0));
            assert!(kind_is_said, "{error}");
        }
        // A HASH database has another type of metadata page, and bucket 0 where the root is.
        let mut damaged = tree.clone();
        damaged.put_u32(0, 12, 0x0006_1561);
        match Database::from_bytes(&damaged.bytes[..]) {
            Err(error) => assert!(tree.version() > 6 || error.page() == Some(PageNo(0)), "{error}"),
            Ok(db) => assert!(db.iter().any(|entry| entry.is_err()), "{}", tree.name),
        }
        if tree.version() > 6 {
            for kind in [0, 5, 8, 10, 14, 255] {
                let mut damaged = tree.clone();
                damaged.put(0, TYPE, kind);
                let error = expect_refused(&damaged, &format!("page type {kind}, expected"));
                assert_eq!(error.page(), Some(PageNo(0)));
            }
        }
    }
}

#[test]
fn settings_of_page_0_that_cannot_be_are_refused_by_name() {
    for order in ORDERS {
        let tree = Image::of_case(&format!("btree-v9-{order}-levels"));
        let mut damaged = tree.clone();
        expect_refused(damaged.put(0, 24, 1), "encrypted");
        expect_refused(damaged.put(0, 24, 2), "encrypt_alg is 2");
        for flags in [2, 4] {
            expect_refused(tree.clone().put(0, 26, flags), "nparts is 0, expected 2");
            // The others are files beside it: in memory there are none.
            expect_refused(tree.clone().put(0, 26, flags).put_u32(0, 36, 4), "__dbp.NAME.NNN");
        }
        expect_refused(tree.clone().put(0, 26, 6).put_u32(0, 36, 4), "one way to divide keys");
        expect_refused(tree.clone().put_u32(0, 36, 4), "nparts is 4, expected 0");
        expect_refused(tree.clone().put(0, 26, 0x40), "metaflags is 64");
        for flags in [0x81, 0x82, 0x84] {
            expect_refused(tree.clone().put_u32(0, 48, flags), "compressed database");
        }
        expect_refused(tree.clone().put_u32(0, 48, 0x8000), "flags is 32768");
    }
}

#[test]
fn bytes_of_maxkey_that_an_upgrade_to_version_8_left_mean_nothing() {
    for order in ORDERS {
        let mut old = Image::of_case(&format!("btree-v8-{order}-levels"));
        let expected = all_pairs(&old);
        old.put(0, 24, 1).put(0, 26, 1).put(0, 27, 9);
        assert!(all_pairs(&old) == expected, "{order}");
        let verdict = Verify::from_bytes(&old.bytes[..]).run();
        let warning = verdict.findings().iter().find(|finding| finding.offset == 24).expect("a warning");
        assert_eq!((verdict.worst(), warning.page), (Some(Severity::Warning), PageNo(0)), "{warning}");
    }
}

#[test]
fn flags_that_a_version_does_not_know_are_refused() {
    for tree in trees() {
        let (field, first) = match tree.version() {
            6 => (36, 5),
            7 => (32, 6),
            8 => (48, 7),
            _ => (48, 8),
        };
        for flag in (first..32).map(|bit| 1 << bit) {
            let mut damaged = tree.clone();
            let flags = tree.u32(0, field) | flag;
            damaged.put_u32(0, field, flags);
            expect_refused(&damaged, &format!("byte {field}: flags is {flags}"));
        }
    }
}

#[test]
fn a_minimum_of_keys_that_cannot_be_harms_nobody() {
    for tree in trees() {
        let field = match tree.version() {
            6 => 28,
            7 => 60,
            _ => 76,
        };
        for minimum in [0, 1, 3, 65535, u32::MAX] {
            let mut damaged = tree.clone();
            damaged.put_u32(0, field, minimum);
            expect_whole(&tree, &damaged);
        }
    }
}

#[test]
fn the_number_of_the_last_page_is_not_believed() {
    for tree in trees().into_iter().filter(|tree| tree.version() >= 8) {
        for last in [0, 1, 0xffff, u32::MAX] {
            let mut damaged = tree.clone();
            damaged.put_u32(0, 32, last);
            expect_whole(&tree, &damaged);
        }
    }
}

#[test]
fn bytes_behind_the_last_page_are_noted_and_harm_nobody() {
    for tree in trees() {
        for tail in [1, 7, tree.page_size - 1] {
            let mut longer = tree.clone();
            longer.bytes.extend(std::iter::repeat_n(0xa5, tail));
            expect_whole(&tree, &longer);
            let db = Database::from_bytes(&longer.bytes[..]).unwrap();
            assert_eq!(db.tail(), u64::try_from(tail).unwrap());
        }
        let mut longer = tree.clone();
        longer.bytes.extend(std::iter::repeat_n(0, 3 * tree.page_size));
        expect_whole(&tree, &longer);
    }
}

#[test]
fn a_root_that_cannot_be_is_an_error() {
    for tree in trees() {
        let all = all_pairs(&tree);
        if tree.version() > 6 {
            let field = if tree.version() == 7 { 72 } else { 88 };
            for root in [0, 2, tree.pages(), 50_000, u32::MAX] {
                let mut damaged = tree.clone();
                damaged.put_u32(0, field, root);
                expect(&tree, &damaged, 0, &format!("byte {field}: root is {root}"), &all);
            }
        }
        for kind in [0, 7, 9, 13, 77, 255] {
            let mut damaged = tree.clone();
            damaged.put(1, TYPE, kind);
            expect(&tree, &damaged, 1, &format!("page type {kind}, expected"), &all);
        }
        let mut damaged = tree.clone();
        damaged.bytes.truncate(tree.page_size);
        expect(&tree, &damaged, 0, "beyond the end", &all);
    }
}

#[test]
fn a_wrong_checksum_is_an_error_about_its_page() {
    for order in ORDERS {
        let file = Image::of_case(&format!("btree-v9-{order}-checksum"));
        for page in file.pages_of(LEAF) {
            for offset in [0, 28, file.page_size - 1] {
                let mut damaged = file.clone();
                damaged.put(page, offset, file.byte(page, offset) ^ 0x10);
                let lost = pairs_on(&file, &file.leaves(page));
                expect(&file, &damaged, page, "byte 28: checksum", &lost);
            }
        }
        for offset in [0, 57, 300, 511] {
            let mut damaged = file.clone();
            damaged.put(0, offset, file.byte(0, offset) ^ 1);
            let error = expect_refused(&damaged, "checksum");
            assert_eq!(error.page(), Some(PageNo(0)));
        }
    }
}

#[test]
fn checksums_in_the_other_byte_order_are_right() {
    // Release 4.1 wrote them so into files of foreign order.
    for order in ORDERS {
        let file = Image::of_case(&format!("btree-v9-{order}-checksum"));
        let mut reversed = file.clone();
        for page in 0..file.pages() {
            let at = if page == 0 { 492 } else { 28 };
            reversed.put_u32(page, at, file.u32(page, at).swap_bytes());
        }
        assert_ne!(file.bytes, reversed.bytes);
        expect_whole(&file, &reversed);
    }
}

// -------------------------------------------------- several databases in a file

#[test]
fn a_wrong_entry_in_the_list_of_databases_leaves_the_others_readable() {
    for case in ["btree-v8-be-subdbs", "btree-v8-le-subdbs", "btree-v9-be-subdbs", "btree-v9-le-subdbs"] {
        let file = Image::of_case(case);
        assert_eq!(file.kind(1), LEAF, "{case}: the list is one leaf");
        let contents = |image: &Image| -> BTreeMap<Vec<u8>, Vec<Pair>> {
            let db = Database::from_bytes(&image.bytes[..]).unwrap();
            let found =
                db.subdatabases().flatten().map(|found| (found.name().to_vec(), forward(&found.open())));
            found.collect()
        };
        let whole = contents(&file);
        let number = |slot: u16| file.item(1, slot) + 3; // where the four bytes stand
        let entries = file.entries(1) / 2;
        assert!(entries >= 4, "{case}: {entries} databases");
        for entry in 0..entries {
            let slot = 2 * entry + 1;
            let other = if entry == 0 { 3 } else { 1 };
            let name_in = |slot: u16| {
                let at = file.item(1, slot);
                let start = file.page_size + at + 3;
                file.bytes[start..start + usize::from(file.u16(1, at))].to_vec()
            };
            let (name, other_name) = (name_in(slot - 1), name_in(other - 1));
            let big = |value: u32| value.to_be_bytes();
            let mut short = file.clone();
            short.put_u16(1, file.item(1, slot), 3);
            let mut patches = vec![("not four bytes long", short)];
            let mut patch = |words, bytes: [u8; 4]| {
                let mut damaged = file.clone();
                for (i, byte) in bytes.into_iter().enumerate() {
                    damaged.put(1, number(slot) + i, byte);
                }
                patches.push((words, damaged));
            };
            patch("does not lead to a metadata page", big(0));
            patch("does not lead to a metadata page", big(1));
            patch("does not lead to a metadata page", big(file.pages()));
            patch("does not lead to a metadata page", big(u32::MAX));
            let start = file.page_size + number(other);
            patch("of another database", file.bytes[start..start + 4].try_into().unwrap());
            for (words, damaged) in patches {
                let db = Database::from_bytes(&damaged.bytes[..]).unwrap();
                let errors: Vec<Error> = db.subdatabases().filter_map(Result::err).collect();
                // Of two names for one page either may be the wrong one.
                let twice = words == "of another database";
                let wrong = if twice { errors.len() } else { 1 };
                assert!(errors.len() == wrong && matches!(wrong, 1 | 2), "{case}, {words}: {errors:?}");
                errors.iter().for_each(is_sane);
                assert!(errors.iter().all(|e| e.to_string().contains(words)), "{case}: {errors:?}");
                let found = contents(&damaged);
                assert_eq!(found.len() + wrong, whole.len(), "{case}, entry {entry}, {words}");
                for (found, pairs) in &found {
                    let excused = twice && (*found == name || *found == other_name);
                    assert!(excused || *pairs == whole[found], "{case}, {words}: {}", found.escape_ascii());
                }
                if !twice {
                    let error = db.subdatabase(&name).map(drop).expect_err("a wrong entry");
                    assert!(matches!(error, Error::Directory { .. }), "{case}: {error}");
                }
                let (_, summary, damage) = dump(&db, false);
                assert!(
                    summary.damaged > 0 && damage.iter().any(|d| d.contains(words)),
                    "{case}: {damage:?}"
                );
            }
        }
    }
}

#[test]
fn a_name_of_any_bytes_is_a_name() {
    for case in ["btree-v8-be-subdbs", "btree-v9-le-subdbs"] {
        let mut file = Image::of_case(case);
        let last = file.entries(1) - 2;
        let at = file.item(1, last) + 3;
        file.put(1, at, 0xff).put(1, at + 1, 0x0a);
        let db = Database::from_bytes(&file.bytes[..]).unwrap();
        let found: Vec<_> = db.subdatabases().map(|found| found.expect("a database")).collect();
        let name = found.last().unwrap().name().to_vec();
        assert_eq!(&name[..2], b"\xff\n");
        assert!(!forward(&db.subdatabase(&name).unwrap()).is_empty());
        assert!(matches!(db.subdatabase(b"nobody"), Err(Error::NoSuchDatabase { .. })));
        let (text, summary, _) = dump(&db, false);
        assert_eq!(summary.damaged, 0);
        assert!(String::from_utf8_lossy(&text).contains("\ndatabase=\\ff\\0a"));
    }
}

#[test]
fn damage_in_one_database_leaves_the_others_whole() {
    for case in ["btree-v8-be-subdbs", "btree-v8-le-subdbs", "btree-v9-be-subdbs", "btree-v9-le-subdbs"] {
        let file = Image::of_case(case);
        let original = Database::from_bytes(&file.bytes[..]).unwrap();
        let before: Vec<_> = original.subdatabases().map(|found| found.unwrap().open()).collect();
        for target in before.iter().filter(|db| db.meta().method() != Method::Hash) {
            let root = target.meta().root().unwrap().0;
            let mut damaged = file.clone();
            damaged.put_u16(root, ENTRIES, 65534);
            let db = Database::from_bytes(&damaged.bytes[..]).unwrap();
            for other in &before {
                let name = other.name().unwrap();
                let inner = db.subdatabase(name).unwrap();
                if other.name() == target.name() {
                    let errors = survey(&inner, damaged.bytes.len(), false).errors;
                    assert!(
                        errors.iter().any(|error| error.page() == Some(PageNo(root))),
                        "{case}: {errors:?}"
                    );
                } else {
                    assert_eq!(forward(&inner), forward(other), "{case}: {:?}", name.escape_ascii());
                }
            }
            assert!(dump(&db, false).1.damaged > 0);
        }
    }
}

// --------------------------------------------------------------------------- tree

/// Damages one entry of an internal page after the other, so that it leads elsewhere.
fn mislead(tree: &Image, target: impl Fn(&Image, u32) -> Option<(u32, &'static str)>) {
    let mut done = 0;
    for kind in [INTERNAL, RECNO_INTERNAL] {
        for page in tree.pages_of(kind) {
            let Some((to, words)) = target(tree, page) else { continue };
            for entry in [0, 1, tree.entries(page) - 1] {
                let child = tree.children(page)[usize::from(entry)];
                let damaged = misled(tree, page, entry, to);
                let lost = pairs_on(tree, &tree.leaves(child));
                if child == to {
                    continue;
                }
                // Whoever comes second to a page that two lead to is in the wrong, so
                // what is wrong may stand on either.
                let lost = if words == "second time" {
                    [lost, pairs_on(tree, &tree.leaves(to))].concat()
                } else {
                    lost
                };
                let lost = if to == page { pairs_on(tree, &tree.leaves(child)) } else { lost };
                expect(tree, &damaged, page, words, &lost);
                done += 1;
            }
        }
    }
    assert!(done >= 3, "{}: nothing to damage", tree.name);
}

#[test]
fn a_child_that_is_the_page_itself_is_an_error() {
    for tree in trees().into_iter().chain(record_trees()) {
        mislead(&tree, |_, page| Some((page, "second time")));
    }
}

#[test]
fn a_child_beyond_the_end_is_an_error() {
    for tree in trees().into_iter().chain(record_trees()) {
        mislead(&tree, |tree, _| Some((tree.pages(), "beyond the end")));
        mislead(&tree, |_, _| Some((u32::MAX, "beyond the end")));
    }
}

#[test]
fn two_parents_that_share_a_child_are_an_error() {
    let mut shared = 0;
    for tree in trees() {
        let internal = tree.pages_of(INTERNAL);
        let lowest: Vec<u32> = internal.into_iter().filter(|&p| tree.byte(p, LEVEL) == 2).collect();
        let (first, second) = (lowest[0], lowest[lowest.len() - 1]);
        let (from, to) = (tree.children(first)[0], tree.children(second)[1]);
        let mut damaged = tree.clone();
        damaged.put_u32(second, tree.child_at(second, 1), from);
        let lost = [pairs_on(&tree, &[to]), pairs_on(&tree, &[from])].concat();
        // Forward, the second parent finds the page already seen; so all pairs of the
        // page are given once, by the first.
        let db = Database::from_bytes(&damaged.bytes[..]).unwrap();
        let found = survey(&db, damaged.bytes.len(), false);
        let whole = multiset(all_pairs(&tree));
        let missed = missing(&found.pairs, &whole);
        assert_eq!(multiset(missed), multiset(pairs_on(&tree, &[to])), "{}", tree.name);
        assert!(missing(&whole, &found.pairs).is_empty(), "{}: no pair twice", tree.name);
        expect(&tree, &damaged, second, "second time", &lost);
        expect(&tree, &damaged, to, "nothing leads to it", &lost);
        shared += usize::from(first != second);
    }
    assert!(shared >= 2, "trees of three levels: {shared}");
}

#[test]
fn a_diamond_of_many_levels_is_walked_once() {
    let watch = Watch::start(Duration::from_secs(20));
    for big in [false, true] {
        for (levels, entries) in [(30, 2), (30, 10), (255, 2)] {
            let file = ladder(levels, entries, 512, big);
            watch.about(file.name.clone());
            let db = Database::from_bytes(&file.bytes[..]).unwrap();
            for backward in [false, true] {
                let found = survey(&db, file.bytes.len(), backward);
                assert_eq!(found.pairs.into_values().sum::<usize>(), 1, "the one pair, once");
                assert!(found.errors.iter().any(|error| error.to_string().contains("second time")));
                assert!(found.errors.len() <= usize::from(levels) * usize::from(entries));
            }
            // Ranges are bounded as well, by the number of pages.
            let steps = db.range(b"".as_slice()..).take(file.bytes.len()).count();
            assert!(steps < file.bytes.len(), "a range of {steps} steps");
            let steps = db.prefix(b"k").rev().take(file.bytes.len()).count();
            assert!(steps < file.bytes.len(), "a prefix of {steps} steps");
        }
    }
}

#[test]
fn a_tree_of_255_levels_is_no_burden_for_the_stack() {
    for big in [false, true] {
        let file = ladder(255, 1, 512, big);
        let db = Database::from_bytes(&file.bytes[..]).unwrap();
        let thread = std::thread::Builder::new().stack_size(128 << 10);
        let count = std::thread::scope(|scope| {
            let walk = || {
                let (there, back) = (db.iter().count(), db.iter().rev().count());
                let value = db.get(b"k").ok().flatten().map(|value| value.into_owned());
                (there, back, value)
            };
            thread.spawn_scoped(scope, walk).unwrap().join().unwrap()
        });
        assert_eq!(count, (1, 1, Some(b"l".to_vec())));
    }
}

#[test]
fn a_level_that_does_not_fit_is_an_error() {
    for tree in trees() {
        for page in tree.leaves(1).into_iter().step_by(5) {
            for level in [0, 2, 255] {
                let mut damaged = tree.clone();
                damaged.put(page, LEVEL, level);
                expect(
                    &tree,
                    &damaged,
                    page,
                    &format!("level {level}, expected 1"),
                    &pairs_on(&tree, &[page]),
                );
            }
        }
        let root_level = tree.byte(1, LEVEL);
        for level in [0, 1, root_level + 1, 255] {
            let mut damaged = tree.clone();
            damaged.put(1, LEVEL, level);
            let db = Database::from_bytes(&damaged.bytes[..]).unwrap();
            let found = survey(&db, damaged.bytes.len(), false);
            assert!(!found.errors.is_empty(), "{}: root level {level}", tree.name);
        }
    }
}

#[test]
fn a_chain_of_leaves_that_loops_is_an_error_and_loses_nothing() {
    for tree in trees().into_iter().chain(record_trees()) {
        let leaves = tree.leaves(1);
        let (first, middle, last) = (leaves[0], leaves[leaves.len() / 2], leaves[leaves.len() - 1]);
        for (page, field, to, words) in [
            (last, NEXT, first, "next page is"),
            (middle, NEXT, middle, "next page is"),
            (middle, NEXT, first, "next page is"),
            (middle, NEXT, 0, "next page is 0"),
            (middle, NEXT, tree.pages(), "next page is"),
            (first, PREV, last, "previous page is"),
            (middle, PREV, middle, "previous page is"),
            (middle, PREV, 0, "previous page is 0"),
        ] {
            let mut damaged = tree.clone();
            damaged.put_u32(page, field, to);
            expect(&tree, &damaged, page, words, &[]);
        }
    }
}

#[test]
fn an_internal_page_without_entries_is_an_error() {
    for tree in trees().into_iter().chain(record_trees()) {
        let mut damaged = tree.clone();
        damaged.put_u16(1, ENTRIES, 0);
        expect(&tree, &damaged, 1, "0 entries: an internal page has children", &all_pairs(&tree));
    }
}

#[test]
fn a_wrong_count_of_records_is_an_error_and_loses_nothing() {
    let recnum = [
        "btree-v6-be-recnum",
        "btree-v6-le-recnum",
        "btree-v7-le-recnum",
        "btree-v8-be-recnum",
        "btree-v9-be-recnum",
        "btree-v9-le-recnum",
    ];
    for tree in record_trees().into_iter().chain(recnum.map(Image::of_case)) {
        let counts = if tree.kind(1) == INTERNAL { 8 } else { 4 };
        for value in [0, 12345, u32::MAX] {
            let mut damaged = tree.clone();
            damaged.put_u32(1, tree.item(1, 1) + counts, value);
            expect(&tree, &damaged, 1, "are counted", &[]);
            let db = Database::from_bytes(&damaged.bytes[..]).unwrap();
            assert!(db.record(1).is_err() && db.cursor().unwrap().seek_record(5).is_err(), "{}", tree.name);
        }
        let mut damaged = tree.clone();
        damaged.put_u32(1, PREV, 7);
        expect(&tree, &damaged, 1, "7 records", &[]);
    }
}

// --------------------------------------------------------------------------- page

/// Some leaves of each tree, damaged by `damage`, which says what it expects.
fn damage_leaves(damage: impl Fn(&Image, u32, &mut Image) -> String) {
    for tree in trees().into_iter().chain(record_trees()) {
        let leaves = tree.leaves(1);
        for page in [leaves[0], leaves[leaves.len() / 2], leaves[leaves.len() - 1]] {
            let mut damaged = tree.clone();
            let words = damage(&tree, page, &mut damaged);
            expect(&tree, &damaged, page, &words, &pairs_on(&tree, &[page]));
        }
    }
}

#[test]
fn an_offset_outside_the_items_is_an_error() {
    for which in 0..5 {
        damage_leaves(|tree, page, damaged| {
            let size = u16::try_from(tree.page_size).unwrap();
            let offset = [size - 1, 4, 26, 0xfff0, size - 2][which];
            damaged.put_u16(page, tree.slot(1), offset);
            format!("slot 1 points to {offset}")
        });
    }
}

#[test]
fn an_offset_that_another_slot_has_too_is_an_error() {
    damage_leaves(|tree, page, damaged| {
        let slots = tree.entries(page);
        assert!(slots >= 2);
        damaged.put_u16(page, tree.slot(slots - 1), tree.u16(page, tree.slot(0)));
        String::new()
    });
}

#[test]
fn a_length_beyond_the_page_is_an_error() {
    for len in [0xfff0, 0xffff, 512] {
        damage_leaves(|tree, page, damaged| {
            damaged.put_u16(page, tree.item(page, 1), len.max(u16::try_from(tree.page_size).unwrap()));
            "reaches past the end of the page".into()
        });
    }
}

#[test]
fn a_length_that_reaches_into_the_next_item_is_an_error() {
    damage_leaves(|tree, page, damaged| {
        // The item of the lowest address has another one behind it.
        let lowest = (0..tree.entries(page)).min_by_key(|&slot| tree.item(page, slot)).unwrap();
        let at = tree.item(page, lowest);
        damaged.put_u16(page, at, tree.u16(page, at) + 8);
        "or they overlap".into()
    });
}

#[test]
fn a_number_of_entries_that_cannot_be_is_an_error() {
    for entries in [65534, 65535, 5000] {
        damage_leaves(|_, page, damaged| {
            damaged.put_u16(page, ENTRIES, entries);
            format!("{entries} entries")
        });
    }
    damage_leaves(|tree, page, damaged| {
        damaged.put_u16(page, ENTRIES, tree.entries(page) - 2);
        String::new()
    });
}

#[test]
fn a_key_without_data_at_the_end_of_a_leaf_is_an_error() {
    for tree in trees() {
        for page in tree.leaves(1).into_iter().step_by(5) {
            for entries in [tree.entries(page) - 1, tree.entries(page) + 1] {
                let mut damaged = tree.clone();
                damaged.put_u16(page, ENTRIES, entries);
                let words = format!("{entries} entries: keys and data come in pairs");
                expect(&tree, &damaged, page, &words, &pairs_on(&tree, &[page]));
            }
        }
    }
}

#[test]
fn an_item_of_an_unknown_type_is_an_error() {
    for kind in [0, 4, 5, 0x7f] {
        damage_leaves(|tree, page, damaged| {
            damaged.put(page, tree.item(page, 1) + 2, kind);
            format!("item type {kind:#04x} in slot 1")
        });
    }
}

#[test]
fn an_item_area_that_cannot_be_is_an_error() {
    for area in [0, 4, 26, 0xffff] {
        damage_leaves(|_, page, damaged| {
            damaged.put_u16(page, AREA, area);
            format!("item area starts at {area}")
        });
    }
}

#[test]
fn an_empty_leaf_of_64_kib_is_no_damage() {
    // 65536 does not fit the field, and is stored as 0.
    let mut file = Image::of_case("btree-v6-be-few-p65536");
    file.put_u16(1, ENTRIES, 0).put_u16(1, AREA, 0);
    let db = Database::from_bytes(&file.bytes[..]).unwrap();
    assert_eq!((forward(&db).len(), db.iter().rev().count()), (0, 0));
    assert!(db.get(b"any").unwrap().is_none());
    let findings = Verify::new(&db).run().findings().to_vec();
    assert!(findings.is_empty(), "{findings:?}");
    // With items on the page it cannot be.
    file.put_u16(1, ENTRIES, 2);
    let db = Database::from_bytes(&file.bytes[..]).unwrap();
    assert!(db.iter().any(|entry| entry.is_err()));
}

#[test]
fn a_page_with_another_number_is_an_error() {
    for number in [0, 1, u32::MAX] {
        damage_leaves(|_, page, damaged| {
            damaged.put_u32(page, 8, number);
            format!("page {number}")
        });
    }
}

#[test]
fn a_leaf_of_another_type_is_an_error() {
    for kind in [0, 3, 7, 9, 13, 17, 77, 255] {
        damage_leaves(|_, page, damaged| {
            damaged.put(page, TYPE, kind);
            format!("page type {kind}, expected")
        });
    }
}

#[test]
fn a_page_of_zeros_is_an_error() {
    damage_leaves(|tree, page, damaged| {
        *damaged = zeroed(tree, page);
        "zeroed, or never written".into()
    });
}

#[test]
fn a_page_of_noise_is_an_error() {
    damage_leaves(|tree, page, damaged| {
        *damaged = noise(tree, page);
        String::new()
    });
}

#[test]
fn two_pages_that_changed_places_are_an_error() {
    for tree in trees() {
        let leaves = tree.leaves(1);
        let (a, b) = (leaves[1], leaves[2]);
        let mut damaged = swapped(&tree, a, b);
        expect(&tree, &damaged, a, "says that it is page", &pairs_on(&tree, &[a, b]));
        // With their numbers made right, the links tell.
        damaged.put_u32(a, 8, a).put_u32(b, 8, b);
        expect(&tree, &damaged, a, "page is", &[]);
    }
}

// ----------------------------------------------------------------- overflow chains

#[test]
fn an_overflow_chain_that_loops_is_an_error() {
    for file in overflow_files() {
        let long: Vec<_> = chains(&file).into_iter().filter(|c| file.u32(c.2, NEXT) != 0).collect();
        for &(_, _, first, len) in long.iter().take(4) {
            let lost = of_length(&file, len);
            let mut damaged = file.clone();
            damaged.put_u32(first, NEXT, first);
            expect(&file, &damaged, first, "previous page is", &lost);
            let mut damaged = file.clone();
            let second = file.u32(first, NEXT);
            damaged.put_u32(second, NEXT, first);
            expect(&file, &damaged, first, "previous page is", &lost);
            let mut damaged = file.clone();
            damaged.put_u32(first, NEXT, file.pages());
            expect(&file, &damaged, first, "beyond the end", &lost);
            let mut damaged = file.clone();
            damaged.put_u32(first, NEXT, 0);
            expect(&file, &damaged, holder(&file, first), "overflow chain holds", &lost);
        }
        assert!(!long.is_empty() || file.name.contains("keys"), "{}: no long chains", file.name);
    }
}

#[test]
fn an_overflow_page_without_bytes_is_an_error() {
    for file in overflow_files() {
        let found = chains(&file);
        for &(_, _, first, len) in found.iter().take(4) {
            let lost = of_length(&file, len);
            let mut damaged = file.clone();
            damaged.put_u16(first, AREA, 0);
            expect(&file, &damaged, first, "bytes of overflow data is 0", &lost);
            damaged.put_u32(first, NEXT, first).put_u32(first, PREV, 0);
            expect(&file, &damaged, first, "bytes of overflow data is 0", &lost);
            damaged.put_u16(first, AREA, 65535);
            expect(&file, &damaged, first, "bytes of overflow data is 65535", &lost);
        }
        assert!(found.len() >= 3, "{}: {} chains", file.name, found.len());
    }
}

#[test]
fn a_length_that_the_chain_does_not_have_is_an_error() {
    for file in overflow_files() {
        for &(page, slot, first, len) in chains(&file).iter().take(4) {
            let lost = of_length(&file, len);
            let at = file.item(page, slot) + 8;
            for (value, words) in [
                (0, "its item says 0"),
                (1, "its item says 1"),
                (len - 1, "its item says"),
                (len + 1, "its item says"),
                (u32::try_from(file.bytes.len()).unwrap() + 1, "but the whole file has"),
                (1 << 31, "exceeds the limit"),
                (u32::MAX, "exceeds the limit"),
            ] {
                let mut damaged = file.clone();
                damaged.put_u32(page, at, value);
                let about = if words == "exceeds the limit" { first } else { page };
                expect(&file, &damaged, about, words, &lost);
                let (_, _, damage) = dump(&Database::from_bytes(&damaged.bytes[..]).unwrap(), false);
                assert!(
                    damage.iter().any(|d| d.contains("whole file") || d.contains("its item says")),
                    "{damage:?}"
                );
            }
        }
    }
}

#[test]
fn a_chain_on_pages_of_another_kind_is_an_error() {
    for file in overflow_files() {
        for &(page, slot, first, len) in chains(&file).iter().take(4) {
            let lost = of_length(&file, len);
            let at = file.item(page, slot) + 4;
            let mut damaged = file.clone();
            damaged.put_u32(page, at, page);
            expect(&file, &damaged, page, "", &lost);
            let mut damaged = file.clone();
            damaged.put_u32(page, at, u32::MAX);
            expect(&file, &damaged, page, "beyond the end", &lost);
            let mut damaged = file.clone();
            damaged.put(first, TYPE, 5);
            expect(&file, &damaged, first, "expected overflow", &lost);
        }
    }
}

#[test]
fn an_item_that_leads_into_the_middle_of_a_chain_is_an_error() {
    let mut tried = 0;
    for file in files("overflow") {
        for (page, slot, first, len) in chains(&file) {
            let second = file.u32(first, NEXT);
            if second == 0 {
                continue;
            }
            // Its length is right: that of the rest of the chain.
            let (at, rest) = (file.item(page, slot), len - u32::from(file.u16(first, AREA)));
            let mut damaged = file.clone();
            damaged.put_u32(page, at + 4, second).put_u32(page, at + 8, rest);
            let words = format!("previous page is {first}, expected 0");
            expect(&file, &damaged, second, &words, &of_length(&file, len));
            tried += 1;
        }
    }
    assert!(tried >= 8, "{tried} chains of several pages");
}

#[test]
fn two_items_with_one_chain_are_an_error() {
    for file in files("overflow") {
        let found = chains(&file);
        let ((page, slot, _, len), (_, _, other, other_len)) = (found[1], found[0]);
        let mut damaged = file.clone();
        let at = file.item(page, slot);
        damaged.put_u32(page, at + 4, other).put_u32(page, at + 8, other_len);
        let lost = [of_length(&file, len), of_length(&file, other_len)].concat();
        expect(&file, &damaged, page, "second time", &lost);
    }
}

// -------------------------------------------------------------- off-page duplicates

#[test]
fn duplicates_that_lead_elsewhere_are_an_error() {
    let mut all = files("dups-offpage");
    all.extend(
        [
            "btree-v8-be-dups-offpage-sorted",
            "btree-v9-be-dups-offpage-sorted",
            "btree-v9-le-dups-offpage-sorted",
        ]
        .map(Image::of_case),
    );
    for file in all {
        let (page, slot, root) = duplicates(&file)[0];
        let lost = of_duplicates(&file, root);
        assert!(lost.len() > 10);
        let at = file.item(page, slot) + 4;
        for (to, words) in [(file.pages(), "beyond the end"), (u32::MAX, "beyond the end"), (page, "")] {
            let mut damaged = file.clone();
            damaged.put_u32(page, at, to);
            expect(&file, &damaged, page, words, &lost);
        }
        let mut damaged = file.clone();
        damaged.put_u32(page, at, 0);
        expect(&file, &damaged, None, "nothing leads to it", &lost);
        for kind in [0, 7, 8, 77] {
            let mut damaged = file.clone();
            damaged.put(root, TYPE, kind);
            expect(&file, &damaged, root, &format!("page type {kind}"), &lost);
        }
        let mut damaged = file.clone();
        damaged.put_u16(root, ENTRIES, 0);
        expect(&file, &damaged, root, "", &lost);
        let mut damaged = file.clone();
        damaged.put_u16(root, ENTRIES, 65534);
        expect(&file, &damaged, root, "65534 entries", &lost);
        // Duplicates within duplicates.
        if !matches!(file.kind(root), INTERNAL | RECNO_INTERNAL) {
            let mut damaged = file.clone();
            damaged.put(root, file.item(root, 0) + 2, 2);
            expect(&file, &damaged, root, "item type 0x02", &lost);
        }
    }
}

#[test]
fn a_chain_of_duplicates_that_loops_is_an_error() {
    let mut looped = 0;
    for case in [
        "btree-v6-be-dups-offpage-many",
        "btree-v6-le-dups-offpage-many",
        "btree-v7-be-dups-offpage",
        "btree-v7-le-dups-offpage",
        "btree-v7-le-dups-offpage-many-sorted",
    ] {
        let file = Image::of_case(case);
        for (_, _, first) in duplicates(&file) {
            assert_eq!(file.kind(first), DUPLICATE);
            let second = file.u32(first, NEXT);
            if second == 0 {
                continue;
            }
            let lost = of_duplicates(&file, first);
            let mut damaged = file.clone();
            damaged.put_u32(first, NEXT, first);
            expect(&file, &damaged, first, "second time", &lost);
            let mut damaged = file.clone();
            damaged.put_u32(second, NEXT, first);
            expect(&file, &damaged, second, "second time", &lost);
            // What stands before the loop is given.
            let db = Database::from_bytes(&damaged.bytes[..]).unwrap();
            let found = survey(&db, damaged.bytes.len(), false);
            let given: usize = lost.iter().filter(|pair| found.pairs.contains_key(pair)).count();
            let before = usize::from(file.entries(first) + file.entries(second));
            assert!(given >= before, "{case}: {given} duplicates of {before} before the loop");
            looped += 1;
        }
    }
    assert!(looped >= 4, "{looped} chains of duplicates");
}

#[test]
fn a_tree_of_duplicates_that_loops_is_an_error() {
    let mut looped = 0;
    for case in [
        "btree-v8-le-dups-offpage-many",
        "btree-v8-be-dups-offpage-many-sorted",
        "btree-v9-be-dups-offpage-many",
        "btree-v9-le-dups-offpage-many",
        "btree-v9-be-dups-offpage-many-sorted",
        "btree-v9-le-dups-offpage-many-sorted",
    ] {
        let file = Image::of_case(case);
        for (page, _, root) in duplicates(&file) {
            if !matches!(file.kind(root), INTERNAL | RECNO_INTERNAL) {
                continue;
            }
            let lost = of_duplicates(&file, root);
            for to in [root, page, file.children(root)[0]] {
                let mut damaged = file.clone();
                damaged.put_u32(root, file.child_at(root, 1), to);
                expect(&file, &damaged, root, "", &lost);
            }
            looped += 1;
        }
    }
    assert!(looped >= 6, "{looped} trees of duplicates");
}

#[test]
fn duplicates_that_two_keys_share_are_an_error() {
    for case in [
        "btree-v6-be-dups-offpage-many",
        "btree-v6-le-dups-offpage-many",
        "btree-v7-le-dups-offpage-many-sorted",
        "btree-v8-le-dups-offpage-many",
        "btree-v8-be-dups-offpage-many-sorted",
        "btree-v9-be-dups-offpage-many",
        "btree-v9-le-dups-offpage-many-sorted",
    ] {
        let file = Image::of_case(case);
        let found = duplicates(&file);
        let ((_, _, first), (page, slot, second)) = (found[0], found[1]);
        let mut damaged = file.clone();
        damaged.put_u32(page, file.item(page, slot) + 4, first);
        let lost = [of_duplicates(&file, first), of_duplicates(&file, second)].concat();
        expect(&file, &damaged, page, "second time", &lost);
        let whole = multiset(all_pairs(&file));
        let db = Database::from_bytes(&damaged.bytes[..]).unwrap();
        let given = survey(&db, damaged.bytes.len(), false).pairs;
        assert_eq!(multiset(missing(&given, &whole)), multiset(of_duplicates(&file, second)), "{case}");
    }
}

#[test]
fn a_backward_walk_over_a_hash_database_ends() {
    let mut seen = 0;
    for case in ["btree-v8-be-subdbs", "btree-v8-le-subdbs", "btree-v9-be-subdbs", "btree-v9-le-subdbs"] {
        let bytes = data(case);
        let db = Database::from_bytes(&bytes[..]).unwrap();
        for found in db.subdatabases().map(|found| found.unwrap().open()) {
            if found.meta().method() == Method::Hash {
                let forward = survey(&found, bytes.len(), false);
                let backward = survey(&found, bytes.len(), true);
                assert!(forward.errors.is_empty());
                assert!(!backward.errors.is_empty() || backward.pairs == forward.pairs);
                seen += 1;
            }
        }
    }
    assert!(seen >= 4);
}

#[test]
fn overflow_pages_that_nothing_leads_to_are_no_loss_of_pairs() {
    // Freed pages keep their bytes; only pages of records that nothing leads to matter.
    for file in files("overflow") {
        let mut longer = file.clone();
        let at = file.pages_of(OVERFLOW)[0];
        let start = usize::try_from(at).unwrap() * file.page_size;
        let copy = file.bytes[start..start + file.page_size].to_vec();
        longer.bytes.extend_from_slice(&copy);
        longer.put_u32(file.pages(), 8, file.pages());
        expect_whole(&file, &longer);
    }
}

/// Whatever the table of a HASH file says: each page is looked at once, and no walk or look-up
/// takes more steps than the file has pages and pairs.
#[test]
fn a_table_of_buckets_that_cannot_be_ends() {
    for (case, max, spares) in [
        ("hash-v5-be-few", 32, 60),
        ("hash-v6-le-few", 56, 80),
        ("hash-v7-be-few", 72, 96),
        ("hash-v9-be-mixed", 72, 96),
        ("hash-v9-le-few-4.7", 72, 96),
    ] {
        let file = Image::of_case(case);
        let pairs = forward(&Database::from_bytes(&file.bytes[..]).unwrap());
        let most = 2 * pairs.len() + 4 * usize::try_from(file.pages()).unwrap() + 64;
        for highest in [0, 1, 1 << 20, u32::MAX - 1, u32::MAX] {
            for spare in [None, Some(0), Some(1), Some(file.pages() - 1), Some(u32::MAX)] {
                let mut damaged = file.clone();
                damaged.put_u32(0, max, highest);
                for (doubling, spare) in (0..32).zip(std::iter::repeat(spare)) {
                    spare.map(|spare| damaged.put_u32(0, spares + 4 * doubling, spare));
                }
                let what = format!("{case}, highest bucket {highest}, {spare:?}");
                let db = Database::from_bytes(&damaged.bytes[..]).unwrap();
                let found: Vec<_> = db.iter().take(most + 1).collect();
                assert!(found.len() <= most, "{what}: more than {most} steps");
                let whole = found.iter().filter(|entry| entry.is_ok()).count() >= pairs.len();
                assert!(whole || found.iter().any(Result::is_err), "{what}: pairs are gone");
                let findings = Verify::new(&db).run().findings().len();
                assert!(findings <= most, "{what}: {findings} findings");
                for (key, value) in &pairs {
                    // Some look-ups go right, most are errors; none takes another key's value.
                    let found = db.get(key).ok().flatten();
                    let all = || pairs.iter().any(|(k, v)| k == key && found.as_deref() == Some(&v[..]));
                    assert!(found.is_none() || found.as_deref() == Some(&value[..]) || all(), "{what}");
                    assert!(db.duplicates(key).take(most + 1).count() <= most, "{what}");
                }
                let salvage = bdbkit::salvage::Salvage::from_bytes(&damaged.bytes[..]);
                assert!(salvage.survey().unwrap().records().count() >= pairs.len(), "{what}");
            }
        }
    }
}
