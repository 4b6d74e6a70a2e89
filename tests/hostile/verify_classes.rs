//! The named kinds of damage, as a check of the whole file reports them: by the right
//! rule, on the right page and at the right byte, and after bounded work.

use std::time::Duration;

use bdbkit::verify::{Finding, Rule, Severity, Verdict, Verify};
use bdbkit::{Database, PageNo};

use crate::common::Watch;
use crate::common::image::{
    AREA, DUPLICATE, ENTRIES, INTERNAL, Image, LEAF, LEVEL, NEXT, PREV, RECNO_INTERNAL, RECNO_LEAF, TYPE,
};
use crate::counting::peak_of;
use crate::damage::{
    ORDERS, all_pairs, buckets, chains, copied, costly, dangling_slot, duplicate_files, duplicates, files,
    ladder, lists, long_equal_keys, metadata_field, misled, noise, not_databases, overflow_files,
    record_trees, run_on, swapped, trees, zeroed,
};

/// Where a page has its own number.
const NUMBER: usize = 8;

/// What is expected: the rule that does not hold, page and byte.
type Breach = (Rule, u32, usize);

fn verdict(image: &Image) -> Verdict {
    let watch = Watch::start(Duration::from_secs(30));
    watch.about(image.name.clone());
    let verdict = Verify::from_bytes(&image.bytes[..]).threads(1).run();
    assert!(verdict.findings().len() <= image.bytes.len(), "{}: more findings than bytes", image.name);
    for finding in verdict.findings() {
        let sane = !finding.text.is_empty() && finding.text.len() < 250 && !finding.text.contains('\n');
        assert!(sane, "{}: {finding}", image.name);
    }
    verdict
}

fn of(finding: &Finding) -> Breach {
    (finding.rule, finding.page.0, finding.offset)
}

fn errors(verdict: &Verdict) -> Vec<&Finding> {
    verdict.findings().iter().filter(|finding| finding.severity == Severity::Error).collect()
}

fn shown(findings: &[&Finding]) -> String {
    findings.iter().map(|finding| format!("\n  {finding}")).collect()
}

/// Expects these errors, which a healthy file does not have. Others may stand on the same
/// pages, or be about pages that nothing leads to any more: damage is where it is said.
#[track_caller]
fn expect(original: &Image, damaged: &Image, expected: &[Breach]) {
    let (before, after) = (verdict(original), verdict(damaged));
    assert!(errors(&before).is_empty(), "{}: {}", original.name, shown(&errors(&before)));
    let errors = errors(&after);
    let name = &original.name;
    for breach in expected {
        let found = errors.iter().any(|finding| of(finding) == *breach);
        assert!(found, "{name}: no {breach:?} among{}", shown(&errors));
    }
    let is_about = |finding: &&Finding| {
        let unreached = finding.rule == Rule::Unreferenced;
        unreached || expected.iter().any(|&(_, page, _)| PageNo(page) == finding.page)
    };
    let others: Vec<&Finding> = errors.iter().filter(|finding| !is_about(finding)).copied().collect();
    assert!(others.is_empty(), "{name}: other pages than {expected:?}:{}", shown(&others));
    assert!(after.complete() && after.refused().is_none());
}

/// Expects nothing worse than a warning, and this one.
#[track_caller]
fn expect_warning(damaged: &Image, expected: Breach) {
    let verdict = verdict(damaged);
    assert!(errors(&verdict).is_empty(), "{}:{}", damaged.name, shown(&errors(&verdict)));
    let found = verdict.findings().iter().find(|finding| of(finding) == expected);
    let severity = found.map(|finding| finding.severity);
    assert_eq!(severity, Some(Severity::Warning), "{}: {expected:?}", damaged.name);
}

/// Expects the findings of the healthy file, and no others.
#[track_caller]
fn expect_nothing(original: &Image, changed: &Image) {
    assert_eq!(verdict(original).findings(), verdict(changed).findings(), "{}", original.name);
}

/// Expects that the file is refused by name, or an error on page 0 with these words.
#[track_caller]
fn expect_refusal(damaged: &Image, words: &str) {
    let verdict = verdict(damaged);
    let named = |finding: &&Finding| finding.page == PageNo::META && finding.text.contains(words);
    let refused = verdict.refused().is_some_and(|reason| reason.contains(words));
    let found = verdict.findings();
    assert!(refused || errors(&verdict).iter().any(named), "{}: {words}: {found:?}", damaged.name);
    assert_eq!(verdict.worst(), Some(Severity::Error));
}

/// The first, a middle and the last leaf of all trees, damaged.
fn damage_leaves(damage: impl Fn(&Image, u32, &mut Image) -> Vec<Breach>) {
    for tree in trees().into_iter().chain(record_trees()) {
        let leaves = tree.leaves(1);
        for page in [leaves[0], leaves[leaves.len() / 2], leaves[leaves.len() - 1]] {
            let mut damaged = tree.clone();
            let expected = damage(&tree, page, &mut damaged);
            expect(&tree, &damaged, &expected);
        }
    }
}

// -------------------------------------------------------- file and metadata: 1 to 12

#[test]
fn class_01_what_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    for (bytes, words) in not_databases() {
        std::fs::write(&path, &bytes).unwrap();
        let checks =
            [Verify::from_bytes(&bytes[..]), Verify::from_bytes(bytes.clone()), Verify::open(&path).unwrap()];
        for verdict in checks.map(Verify::run) {
            assert_eq!(verdict.worst(), Some(Severity::Error), "{words}");
            let said = verdict.findings().iter().any(|finding| finding.text.contains(words));
            let refused = verdict.refused().is_some_and(|reason| reason.contains(words));
            assert!(said || refused, "{words}: {:?}", verdict.findings());
        }
    }
}

#[test]
fn class_02_a_cut_file_is_not_sound_wherever_it_is_cut() {
    for file in files("one").into_iter().chain(files("dups-offpage")) {
        for len in (0..file.bytes.len()).step_by(if file.bytes.len() > 4096 { 31 } else { 1 }) {
            let verdict = Verify::from_bytes(&file.bytes[..len]).threads(1).run();
            let found = errors(&verdict);
            assert!(!found.is_empty(), "{}: cut to {len}", file.name);
            let pages = u32::try_from(len / file.page_size).unwrap();
            if pages >= 1 && len % file.page_size != 0 {
                let size = found.iter().any(|finding| of(finding) == (Rule::FileSize, pages, 0));
                assert!(size, "{}: cut to {len}:{}", file.name, shown(&found));
            }
        }
    }
}

#[test]
fn class_03_bytes_behind_the_last_page_are_found() {
    for tree in trees() {
        for tail in [1, 7, tree.page_size - 1] {
            let mut longer = tree.clone();
            longer.bytes.extend(std::iter::repeat_n(0xa5, tail));
            expect(&tree, &longer, &[(Rule::FileSize, tree.pages(), 0)]);
        }
        let mut longer = tree.clone();
        longer.bytes.extend(std::iter::repeat_n(0, 3 * tree.page_size));
        match tree.version() {
            9 => expect(&tree, &longer, &[(Rule::LastPage, 0, 32)]),
            _ => expect_nothing(&tree, &longer),
        }
    }
}

#[test]
fn class_04_page_sizes_that_cannot_be_are_found() {
    for tree in trees() {
        for size in [0, 1, 511, 1000, 1 << 31, u32::MAX] {
            let mut damaged = tree.clone();
            damaged.put_u32(0, 20, size);
            expect_refusal(&damaged, &format!("page size {size}"));
        }
        for size in [1024, 2048, 65536] {
            let mut damaged = tree.clone();
            damaged.put_u32(0, 20, size);
            assert_eq!(verdict(&damaged).worst(), Some(Severity::Error), "{}: page size {size}", tree.name);
        }
    }
}

#[test]
fn class_05_a_magic_number_of_another_kind_is_refused_by_name() {
    for tree in trees() {
        let mut other = tree.clone();
        other.put(0, 12, tree.byte(0, 15)).put(0, 13, tree.byte(0, 14));
        other.put(0, 14, tree.byte(0, 13)).put(0, 15, tree.byte(0, 12));
        expect_refusal(&other, "version");
        expect_refusal(tree.clone().put_u32(0, 12, 0x0012_3456), "0x");
        // What the 1.x series has at byte 0 decides only where nothing else does.
        let mut series_1 = tree.clone();
        series_1.put_u32(0, 0, 0x0005_3162);
        expect_nothing(&tree, &series_1);
        expect_refusal(series_1.put_u32(0, 12, 0), "1.x series");
    }
}

#[test]
fn class_06_versions_that_are_not_known_are_refused_by_name() {
    for tree in trees() {
        for version in [0, 5, 11, 255, 0x0900_0000, u32::MAX] {
            expect_refusal(tree.clone().put_u32(0, 16, version), &format!("version {version}"));
        }
    }
}

#[test]
fn class_07_metadata_of_another_access_method_is_refused_by_name() {
    for tree in trees() {
        for (magic, kind) in [(0x0004_2253, "QUEUE"), (0x0007_4582, "HEAP")] {
            expect_refusal(tree.clone().put_u32(0, 12, magic), kind);
        }
        if tree.version() > 6 {
            for kind in [0, 5, 8, 10, 14, 255] {
                expect_refusal(tree.clone().put(0, TYPE, kind), &format!("page type {kind}"));
            }
        }
    }
}

#[test]
fn class_08_a_wrong_last_page_is_a_warning_where_nobody_keeps_it() {
    for tree in trees().into_iter().filter(|tree| tree.version() >= 8) {
        for last in [1, tree.pages() - 2, tree.pages() + 1, u32::MAX] {
            let mut damaged = tree.clone();
            damaged.put_u32(0, 32, last);
            match tree.version() {
                8 => expect_warning(&damaged, (Rule::LastPage, 0, 32)),
                _ => expect(&tree, &damaged, &[(Rule::LastPage, 0, 32)]),
            }
        }
        // One too many, as upgrades by genuine releases leave it; 0 as releases 3.1 and 3.2.
        expect_warning(tree.clone().put_u32(0, 32, tree.pages()), (Rule::LastPage, 0, 32));
        let zero = verdict(tree.clone().put_u32(0, 32, 0));
        assert_eq!(errors(&zero).len(), usize::from(tree.version() == 9), "{}", tree.name);
    }
}

#[test]
fn class_09_a_root_that_cannot_be_is_found() {
    for tree in trees() {
        if let Some(field) = metadata_field(&tree, "root") {
            for root in [0, 2, tree.pages(), u32::MAX] {
                let damaged = tree.clone().put_u32(0, field, root).clone();
                let found = verdict(&damaged);
                let at_field = errors(&found).iter().any(|finding| of(finding) == (Rule::Root, 0, field));
                assert!(at_field, "{}: root {root}:{}", tree.name, shown(&errors(&found)));
            }
        }
        for kind in [0, 7, 9, 13, 77, 255] {
            expect(&tree, tree.clone().put(1, TYPE, kind), &[(Rule::PageType, 1, TYPE)]);
        }
    }
    for file in lists() {
        for meta in file.pages_of(9) {
            for (root, rule) in [
                (0, Rule::Root),
                (meta, Rule::Root),
                (1, Rule::Once),
                (file.pages(), Rule::Link),
                (u32::MAX, Rule::Link),
            ] {
                expect(&file, file.clone().put_u32(meta, 88, root), &[(rule, meta, 88)]);
            }
        }
    }
}

#[test]
fn class_10_numbers_of_the_metadata_that_cannot_be_are_found() {
    for tree in trees() {
        let field = |name| metadata_field(&tree, name).unwrap();
        for minimum in [0, 1] {
            let damaged = tree.clone().put_u32(0, field("min_key"), minimum).clone();
            expect(&tree, &damaged, &[(Rule::MinKey, 0, field("min_key"))]);
        }
        for minimum in [3, 65535, u32::MAX] {
            expect_nothing(&tree, tree.clone().put_u32(0, field("min_key"), minimum));
        }
        let damaged = tree.clone().put_u32(0, field("record_length"), 77).clone();
        expect(&tree, &damaged, &[(Rule::RecordLength, 0, field("record_length"))]);
        let free = tree.clone().put_u32(0, field("free"), u32::MAX).clone();
        expect(&tree, &free, &[(Rule::FreeLink, 0, field("free"))]);
        expect_refusal(tree.clone().put_u32(0, field("flags"), 0x8000), "flags is 32768");
    }
    for file in files("deleted") {
        let first = file.u32(0, metadata_field(&file, "free").unwrap());
        let (empty, cycle) = (Rule::FreeType, Rule::FreeCycle);
        expect(&file, file.clone().put_u16(first, ENTRIES, 2), &[(empty, first, ENTRIES)]);
        expect_on(file.clone().put(first, TYPE, LEAF), (empty, first, TYPE));
        expect_on(file.clone().put_u32(first, NEXT, first), (cycle, first, NEXT));
        expect_on(file.clone().put_u32(first, NEXT, file.pages()), (Rule::FreeLink, first, NEXT));
    }
    for order in ORDERS {
        let tree = Image::of_case(&format!("btree-v9-{order}-levels"));
        expect_on(tree.clone().put_u32(0, 36, 4), (Rule::PartitionKeys, 0, 36));
    }
}

#[test]
fn class_11_encryption_is_refused_by_name_and_a_checksum_belongs_to_its_page() {
    for order in ORDERS {
        let tree = Image::of_case(&format!("btree-v9-{order}-levels"));
        expect_refusal(tree.clone().put(0, 24, 1), "encrypted");
        expect_refusal(tree.clone().put(0, 24, 2), "encrypt_alg is 2");
        expect_refusal(&Image::of_case(&format!("btree-v9-{order}-encrypted")), "encrypted");
        let file = Image::of_case(&format!("btree-v9-{order}-checksum"));
        for page in 1..file.pages() {
            for offset in [0, 28, file.page_size - 1] {
                let damaged = file.clone().put(page, offset, file.byte(page, offset) ^ 0x10).clone();
                expect(&file, &damaged, &[(Rule::Checksum, page, 28)]);
            }
        }
        expect_refusal(file.clone().put(0, 300, file.byte(0, 300) ^ 1), "checksum");
    }
}

#[test]
fn class_12_wrong_entries_in_the_list_of_databases_are_found() {
    for file in lists() {
        for entry in 0..file.entries(1) / 2 {
            let at = file.item(1, 2 * entry + 1);
            let other = file.item(1, if entry == 0 { 3 } else { 1 });
            let meta = u32::from_be_bytes([3, 4, 5, 6].map(|i| file.byte(1, at + i)));
            assert!(meta < file.pages(), "{}: the list is big-endian", file.name);
            let mut short = file.clone();
            short.put_u16(1, at, 3);
            for number in [0, 1, file.pages(), u32::MAX] {
                let mut damaged = file.clone();
                for (i, byte) in number.to_be_bytes().into_iter().enumerate() {
                    damaged.put(1, at + 3 + i, byte);
                }
                expect(&file, &damaged, &[(Rule::Directory, 1, at), (Rule::Directory, meta, TYPE)]);
            }
            expect(&file, &short, &[(Rule::Directory, 1, at), (Rule::Directory, meta, TYPE)]);
            let mut twice = file.clone();
            for i in 3..7 {
                twice.put(1, at + i, file.byte(1, other + i));
            }
            let second = if entry == 0 { other } else { at };
            expect(&file, &twice, &[(Rule::Once, 1, second), (Rule::Directory, meta, TYPE)]);
        }
    }
}

// ------------------------------------------------------------------- tree: 13 to 18

#[test]
fn class_13_a_child_that_was_passed_already_is_found() {
    for tree in trees().into_iter().chain(record_trees()) {
        for page in [INTERNAL, RECNO_INTERNAL].iter().flat_map(|&kind| tree.pages_of(kind)) {
            let entry = tree.entries(page) - 1;
            // Itself, the metadata page, the root; the sibling before it.
            let sibling = tree.children(page)[usize::from(entry) - 1];
            for to in [page, 0, 1, sibling] {
                let damaged = misled(&tree, page, entry, to);
                expect_on(&damaged, (Rule::Once, page, tree.child_at(page, entry)));
            }
            for to in [tree.pages(), u32::MAX] {
                let damaged = misled(&tree, page, entry, to);
                expect_on(&damaged, (Rule::Link, page, tree.child_at(page, entry)));
            }
        }
    }
}

/// Expects an error, and any others besides.
#[track_caller]
fn expect_on(damaged: &Image, expected: Breach) {
    let verdict = verdict(damaged);
    let errors = errors(&verdict);
    let found = errors.iter().any(|finding| of(finding) == expected);
    assert!(found, "{}: no {expected:?} among{}", damaged.name, shown(&errors));
}

#[test]
fn class_14_a_diamond_of_thirty_levels_is_checked_once() {
    for (big, entries) in [(false, 2_u8), (true, 2), (false, 10), (true, 10)] {
        let file = ladder(30, entries, 512, big);
        let verdict = verdict(&file);
        let again = usize::from(entries) - 1;
        let twice = errors(&verdict).iter().filter(|finding| finding.rule == Rule::Once).count();
        assert_eq!(twice, 29 * again, "each page is reached again from the one above only");
        assert!(verdict.findings().len() <= 4 * 29 * usize::from(entries), "{}", verdict.findings().len());
    }
}

#[test]
fn class_15_a_level_that_does_not_fit_is_found() {
    for tree in trees() {
        for page in tree.leaves(1).into_iter().step_by(5) {
            for level in [0, 2, 255] {
                expect(&tree, tree.clone().put(page, LEVEL, level), &[(Rule::Level, page, LEVEL)]);
            }
        }
        for page in tree.pages_of(INTERNAL).into_iter().skip(1) {
            for level in [0, 1, 255] {
                expect(&tree, tree.clone().put(page, LEVEL, level), &[(Rule::Level, page, LEVEL)]);
            }
        }
        for level in [0, 1, tree.byte(1, LEVEL) + 1, 255] {
            let verdict = verdict(tree.clone().put(1, LEVEL, level));
            assert_eq!(verdict.worst(), Some(Severity::Error), "{}: root level {level}", tree.name);
        }
    }
}

#[test]
fn class_16_a_chain_of_leaves_that_does_not_follow_the_tree_is_found() {
    for tree in trees().into_iter().chain(record_trees()) {
        let leaves = tree.leaves(1);
        let (first, middle, last) = (leaves[0], leaves[leaves.len() / 2], leaves[leaves.len() - 1]);
        for (page, field, to) in [
            (last, NEXT, first),
            (middle, NEXT, middle),
            (middle, NEXT, first),
            (middle, NEXT, 0),
            (middle, NEXT, 1),
            (middle, NEXT, tree.pages()),
            (first, PREV, last),
            (middle, PREV, middle),
            (middle, PREV, 0),
        ] {
            expect(&tree, tree.clone().put_u32(page, field, to), &[(Rule::LeafChain, page, field)]);
        }
    }
    // Internal pages have no neighbours; a root that counts has its total there.
    for tree in trees() {
        for page in tree.pages_of(INTERNAL) {
            expect(&tree, tree.clone().put_u32(page, PREV, 1), &[(Rule::Link, page, PREV)]);
        }
    }
    for tree in record_trees() {
        expect(&tree, tree.clone().put_u32(1, PREV, 7), &[(Rule::Count, 1, PREV)]);
    }
    for file in lists() {
        let leaves = file.pages_of(LEAF);
        let end = leaves.iter().copied().filter(|&page| page > 1 && file.u32(page, NEXT) == 0);
        for page in end {
            expect(&file, file.clone().put_u32(page, NEXT, 1), &[(Rule::LeafChain, page, NEXT)]);
        }
    }
}

#[test]
fn class_17_internal_pages_without_entries_or_order_are_found() {
    for tree in trees().into_iter().chain(record_trees()) {
        for page in [INTERNAL, RECNO_INTERNAL].iter().flat_map(|&kind| tree.pages_of(kind)) {
            expect(&tree, tree.clone().put_u16(page, ENTRIES, 0), &[(Rule::EmptyNode, page, ENTRIES)]);
        }
    }
    let mut first_keys = 0;
    for tree in trees() {
        let page = tree.pages_of(INTERNAL).into_iter().find(|&page| tree.entries(page) >= 4).unwrap();
        let key = tree.item(page, 2) + 12;
        expect_on(tree.clone().put(page, key, 0xff), (Rule::InternalOrder, page, tree.child_at(page, 3)));
        // The first key is not used: it may be anything.
        for page in tree.pages_of(INTERNAL) {
            let first = tree.item(page, 0);
            if tree.u16(page, first) > 0 {
                expect_nothing(&tree, tree.clone().put(page, first + 12, 0xff));
                first_keys += 1;
            }
        }
    }
    assert!(first_keys > 0);
}

#[test]
fn class_18_a_deep_tree_of_large_pages_is_no_burden_for_the_stack() {
    for (big, size) in [(false, 65536), (true, 65536), (false, 512)] {
        let file = ladder(255, 1, size, big);
        let thread = std::thread::Builder::new().stack_size(128 << 10);
        let verdict = std::thread::scope(|scope| {
            let run = || Verify::from_bytes(&file.bytes[..]).threads(1).run();
            thread.spawn_scoped(scope, run).unwrap().join().unwrap()
        });
        assert!(verdict.findings().is_empty(), "{:?}", verdict.findings());
    }
}

// ------------------------------------------------------------------- page: 19 to 26

#[test]
fn class_19_a_number_of_entries_that_cannot_be_is_found() {
    for entries in [65534, 65535, 5000] {
        damage_leaves(|_, page, damaged| {
            damaged.put_u16(page, ENTRIES, entries);
            vec![(Rule::Entries, page, ENTRIES)]
        });
    }
    for tree in trees().into_iter().chain(record_trees()) {
        let page = tree.leaves(1)[1];
        let odd = tree.clone().put_u16(page, ENTRIES, tree.entries(page) - 1).clone();
        if tree.kind(page) == LEAF {
            expect(&tree, &odd, &[(Rule::Entries, page, ENTRIES)]);
        } else {
            expect(&tree, &odd, &[(Rule::ItemArea, page, AREA), (Rule::Count, 1, PREV)]);
        }
    }
}

#[test]
fn class_20_offsets_that_cannot_be_are_found() {
    for which in 0..6 {
        damage_leaves(|tree, page, damaged| {
            let size = u16::try_from(tree.page_size).unwrap();
            let offset = [size - 1, 0, 4, 26, 0xfff0, size - 2][which];
            damaged.put_u16(page, tree.slot(1), offset);
            vec![(Rule::ItemOffset, page, tree.slot(1))]
        });
    }
    damage_leaves(|tree, page, damaged| {
        let last = tree.entries(page) - 1;
        damaged.put_u16(page, tree.slot(last), tree.u16(page, tree.slot(0)));
        vec![(Rule::ItemShare, page, ENTRIES)]
    });
}

#[test]
fn class_21_lengths_that_cannot_be_are_found() {
    for len in [0xfff0, 0xffff, 512] {
        damage_leaves(|tree, page, damaged| {
            let item = tree.item(page, 1);
            damaged.put_u16(page, item, len);
            vec![(Rule::ItemLength, page, item)]
        });
    }
    damage_leaves(|tree, page, damaged| {
        let lowest = (0..tree.entries(page)).min_by_key(|&slot| tree.item(page, slot)).unwrap();
        let item = tree.item(page, lowest);
        damaged.put_u16(page, item, tree.u16(page, item) + 8);
        vec![(Rule::ItemPacking, page, item)]
    });
}

#[test]
fn class_22_types_of_items_that_cannot_be_are_found() {
    for kind in [0, 4, 5, 0x7f, 0x80, 0x84, 0xff] {
        damage_leaves(|tree, page, damaged| {
            damaged.put(page, tree.item(page, 1) + 2, kind);
            vec![(Rule::ItemKind, page, tree.item(page, 1) + 2)]
        });
    }
    // A pair that is marked as deleted and still there is what a crash leaves.
    for tree in trees() {
        let (page, at) = (tree.leaves(1)[0], tree.item(tree.leaves(1)[0], 1) + 2);
        expect_warning(tree.clone().put(page, at, 0x81), (Rule::ItemDeleted, page, at));
        let at = tree.item(page, 0) + 2;
        assert!(errors(&verdict(tree.clone().put(page, at, 0x81))).is_empty(), "{}: a key", tree.name);
    }
    for file in files("overflow") {
        let (page, slot, ..) = chains(&file)[0];
        let at = file.item(page, slot) + 2;
        expect_warning(file.clone().put(page, at, 0x83), (Rule::ItemDeleted, page, at));
    }
    for file in files("dups-offpage") {
        let (page, slot, _) = duplicates(&file)[0];
        let at = file.item(page, slot) + 2;
        expect(&file, file.clone().put(page, at, 0x82), &[(Rule::ItemDeleted, page, at)]);
    }
}

#[test]
fn class_23_an_item_area_that_cannot_be_is_found() {
    for area in [0, 4, 26, 0xffff] {
        damage_leaves(|_, page, damaged| {
            damaged.put_u16(page, AREA, area);
            vec![(Rule::ItemArea, page, AREA)]
        });
    }
    damage_leaves(|tree, page, damaged| {
        damaged.put_u16(page, AREA, tree.u16(page, AREA) - 4);
        vec![(Rule::ItemArea, page, AREA)]
    });
    // On the largest pages 0 is 65536: right where nothing stands, and nowhere else.
    let largest = Image::of_case("btree-v6-be-few-p65536");
    expect(&largest, largest.clone().put_u16(1, AREA, 0), &[(Rule::ItemArea, 1, AREA)]);
    let empty = largest.clone().put_u16(1, ENTRIES, 0).put_u16(1, AREA, 0).clone();
    expect_nothing(&largest, &empty);
}

#[test]
fn class_24_a_page_of_another_number_type_or_file_is_found() {
    for number in [0, 1, u32::MAX] {
        damage_leaves(|_, page, damaged| {
            damaged.put_u32(page, NUMBER, number);
            vec![(Rule::PageNumber, page, NUMBER)]
        });
    }
    for kind in [0, 3, 7, 9, 13, 17, 77, 255] {
        damage_leaves(|tree, page, damaged| {
            let kind = if tree.kind(page) == kind { 5 } else { kind };
            damaged.put(page, TYPE, kind);
            vec![(Rule::PageType, page, TYPE)]
        });
    }
    damage_leaves(|tree, page, damaged| {
        *damaged = noise(tree, page);
        vec![(Rule::ItemOffset, page, tree.slot(0))]
    });
    for tree in trees() {
        let leaves = tree.leaves(1);
        let (a, b) = (leaves[1], leaves[3]);
        let mut damaged = swapped(&tree, a, b);
        expect(&tree, &damaged, &[(Rule::PageNumber, a, NUMBER), (Rule::PageNumber, b, NUMBER)]);
        damaged.put_u32(a, NUMBER, a).put_u32(b, NUMBER, b);
        for page in [a, b] {
            expect_on(&damaged, (Rule::KeyRange, page, ENTRIES));
        }
        let damaged = copied(&tree, a, b);
        expect(&tree, &damaged, &[(Rule::KeyRange, b, ENTRIES), (Rule::KeyChain, b, ENTRIES)]);
    }
}

#[test]
fn class_25_a_page_of_zeros_is_found_wherever_one_is_needed() {
    let shapes = ["levels", "overflow", "dups-offpage"];
    for file in shapes.into_iter().flat_map(files).chain(record_trees()) {
        for page in 1..file.pages() {
            if file.kind(page) != 0 {
                expect(&file, &zeroed(&file, page), &[(Rule::PageType, page, TYPE)]);
            }
        }
    }
}

#[test]
fn class_26_a_slot_that_leads_nowhere_is_found() {
    for tree in trees().into_iter().chain(record_trees()) {
        let page = tree.leaves(1)[1];
        let (damaged, slot) = dangling_slot(&tree, page);
        expect(&tree, &damaged, &[(Rule::ItemOffset, page, tree.slot(slot))]);
    }
}

// --------------------------------------------------- overflow and duplicates: 27 to 31

#[test]
fn class_27_an_overflow_chain_that_leads_to_itself_is_found() {
    for file in overflow_files() {
        let all = chains(&file);
        assert!(all.len() >= 3, "{}: {} chains", file.name, all.len());
        for &(_, _, first, _) in all.iter().take(4) {
            let second = file.u32(first, NEXT);
            let mut damaged = file.clone();
            damaged.put_u32(first, NEXT, first);
            let rule = if second == 0 { Rule::OverflowLength } else { Rule::Once };
            expect(&file, &damaged, &[(rule, first, NEXT)]);
            // Without a byte on it, the chain never comes to its length.
            damaged.put_u16(first, AREA, 0);
            expect(&file, &damaged, &[(Rule::OverflowLength, first, AREA), (Rule::Once, first, NEXT)]);
            if second != 0 {
                let rule = if file.u32(second, NEXT) == 0 { Rule::OverflowLength } else { Rule::Once };
                expect_on(file.clone().put_u32(second, NEXT, first), (rule, second, NEXT));
            }
        }
    }
}

#[test]
fn class_28_a_stated_length_that_cannot_be_is_found() {
    for file in overflow_files() {
        for &(page, slot, _, len) in chains(&file).iter().take(4) {
            let at = file.item(page, slot) + 8;
            let size = u32::try_from(file.bytes.len()).unwrap();
            for (stated, rule) in [
                (0, Rule::OverflowItem),
                (1, Rule::OverflowLength),
                (len - 1, Rule::OverflowLength),
                (len + 1, Rule::OverflowLength),
                (size + 1, Rule::OverflowItem),
                (1 << 31, Rule::OverflowItem),
                (u32::MAX, Rule::OverflowItem),
            ] {
                let damaged = file.clone().put_u32(page, at, stated).clone();
                expect_on(&damaged, (rule, page, at));
                expect_on(&damaged, (Rule::OverflowLength, page, at));
            }
        }
    }
}

#[test]
fn class_29_a_chain_of_wrong_pages_links_or_references_is_found() {
    for file in overflow_files() {
        for &(page, slot, first, _) in chains(&file).iter().take(4) {
            let at = file.item(page, slot);
            let second = file.u32(first, NEXT);
            if second != 0 {
                expect(&file, file.clone().put_u32(first, NEXT, 0), &[(Rule::OverflowLength, page, at + 8)]);
                expect(&file, file.clone().put_u32(second, PREV, 1), &[(Rule::OverflowLink, second, PREV)]);
            }
            let rule = if second == 0 { Rule::OverflowLength } else { Rule::Link };
            expect(&file, file.clone().put_u32(first, NEXT, file.pages()), &[(rule, first, NEXT)]);
            expect_on(file.clone().put_u32(page, at + 4, page), (Rule::Once, page, at + 4));
            expect_on(file.clone().put_u32(page, at + 4, u32::MAX), (Rule::Link, page, at + 4));
            expect_on(file.clone().put(first, TYPE, LEAF), (Rule::PageType, first, TYPE));
            for count in [0, 2, u16::MAX] {
                expect_on(file.clone().put_u16(first, ENTRIES, count), (Rule::OverflowCount, first, ENTRIES));
            }
        }
    }
    for file in files("overflow") {
        let found = chains(&file);
        let ((page, slot, _, _), (_, _, other, len)) = (found[1], found[0]);
        let at = file.item(page, slot);
        let mut damaged = file.clone();
        damaged.put_u32(page, at + 4, other).put_u32(page, at + 8, len);
        expect(&file, &damaged, &[(Rule::OverflowCount, other, ENTRIES)]);
        for (a, b) in [(found[0].2, found[1].2), (found[1].2, found[0].2)] {
            let (damaged, last) = run_on(&file, a, b);
            expect(&file, &damaged, &[(Rule::OverflowLength, last, NEXT)]);
        }
    }
}

#[test]
fn class_30_off_page_duplicates_that_lead_elsewhere_are_found() {
    let (mut trees, mut chains) = (0, 0);
    for file in duplicate_files() {
        let all = duplicates(&file);
        let (page, slot, root) = all[0];
        let at = file.item(page, slot) + 4;
        for (to, rule) in
            [(file.pages(), Rule::Link), (u32::MAX, Rule::Link), (page, Rule::Once), (0, Rule::Once)]
        {
            expect(&file, file.clone().put_u32(page, at, to), &[(rule, page, at)]);
        }
        for kind in [0, 7, 8, 77] {
            expect(&file, file.clone().put(root, TYPE, kind), &[(Rule::PageType, root, TYPE)]);
        }
        expect(&file, &zeroed(&file, root), &[(Rule::PageType, root, TYPE)]);
        let empty = file.clone().put_u16(root, ENTRIES, 0).clone();
        match file.kind(root) {
            INTERNAL | RECNO_INTERNAL => {
                for to in [root, page, file.children(root)[0]] {
                    expect_on(&misled(&file, root, 1, to), (Rule::Once, root, file.child_at(root, 1)));
                }
                expect(&file, &empty, &[(Rule::EmptyNode, root, ENTRIES)]);
                trees += 1;
            }
            kind => {
                // Duplicates within duplicates.
                let at = file.item(root, 0) + 2;
                expect(&file, file.clone().put(root, at, 2), &[(Rule::ItemKind, root, at)]);
                expect(&file, &empty, &[(Rule::ItemArea, root, AREA)]);
                if kind == DUPLICATE {
                    expect_on(&empty, (Rule::DuplicateType, root, ENTRIES));
                    expect(&file, file.clone().put_u32(root, NEXT, root), &[(Rule::Once, root, NEXT)]);
                    chains += 1;
                }
            }
        }
        if let Some(&(page, slot, _)) = all.get(1) {
            let at = file.item(page, slot) + 4;
            expect(&file, file.clone().put_u32(page, at, root), &[(Rule::Once, page, at)]);
        }
    }
    assert!(trees >= 6 && chains >= 6, "{trees} trees, {chains} chains");
}

#[test]
fn class_31_long_keys_are_compared_in_bounded_work() {
    for big in [false, true] {
        let (file, first) = long_equal_keys(big);
        let verdict = verdict(&file);
        let of_rule = |rule| errors(&verdict).iter().filter(|finding| finding.rule == rule).count();
        // One chain is itself: nothing need be read to know.
        assert_eq!((of_rule(Rule::KeyOrder), verdict.complete()), (3 * 999, true));
        assert_eq!(of_rule(Rule::OverflowCount), 0, "{}", shown(&errors(&verdict)));
        let fewer = file.clone().put_u16(first, ENTRIES, 1).clone();
        expect_on(&fewer, (Rule::OverflowCount, first, ENTRIES));
    }
}

// ---------------------------------------------------- HASH, QUEUE and RECNO: 32 to 35

#[test]
fn class_32_buckets_that_cannot_be_are_found() {
    for file in lists() {
        let (meta, _) = buckets(&file);
        let (max, table) = (72, 96);
        for highest in [1 << 20, u32::MAX - 1, u32::MAX] {
            let expected = [(Rule::Masks, meta, max), (Rule::Spares, meta, table)];
            expect(&file, file.clone().put_u32(meta, max, highest), &expected);
        }
        // Beyond the end, at another database, at the metadata page.
        for spare in [file.pages(), u32::MAX, 2, 0] {
            let mut damaged = file.clone();
            for doubling in 0..32 {
                damaged.put_u32(meta, table + 4 * doubling, spare);
            }
            expect(&file, &damaged, &[(Rule::Spares, meta, table)]);
        }
    }
}

#[test]
fn class_33_items_of_buckets_that_cannot_be_are_found() {
    for file in lists() {
        let (_, page) = buckets(&file);
        for slot in [0, 1] {
            let at = file.item(page, slot);
            // A reference is twelve bytes long; a key has no duplicates.
            for kind in [0, 3, 4, 5, 0x7f, 0xff] {
                expect(&file, file.clone().put(page, at, kind), &[(Rule::BucketItem, page, at)]);
            }
        }
        let at = file.item(page, 1);
        expect_on(file.clone().put(page, at, 2), (Rule::BucketItem, page, at));
        let slot = file.slot(1);
        expect(&file, file.clone().put_u16(page, slot, 0xfff0), &[(Rule::BucketItem, page, slot)]);
        expect(&file, file.clone().put_u16(page, ENTRIES, 3), &[(Rule::Entries, page, ENTRIES)]);
        expect(&file, file.clone().put_u32(page, NEXT, page), &[(Rule::Once, page, NEXT)]);
    }
}

#[test]
fn class_35_records_of_another_length_are_found_and_deleted_ones_are_not() {
    for case in ["recno-v8-be-fixed", "recno-v9-be-fixed", "recno-v9-le-fixed"] {
        let file = Image::of_case(case);
        let field = metadata_field(&file, "record_length").unwrap();
        let mut damaged = file.clone();
        damaged.put_u32(0, field, file.u32(0, field) + 1);
        let found = verdict(&damaged);
        let wrong = errors(&found).iter().filter(|finding| finding.rule == Rule::FixedLength).count();
        assert_eq!(wrong, all_pairs(&file).len(), "{case}");
        expect_nothing(&file, file.clone().put_u32(0, field, 0));
        let page = file.pages_of(RECNO_LEAF)[0];
        let at = file.item(page, 1);
        expect(
            &file,
            file.clone().put_u16(page, at, 3),
            &[(Rule::FixedLength, page, at), (Rule::ItemPacking, page, at)],
        );
        expect_nothing(&file, file.clone().put(page, at + 2, 0x81));
    }
}

// --------------------------------------------------------------------- cost: 49 and 50

#[test]
fn class_49_memory_is_bounded_by_the_file_and_the_findings() {
    for file in costly() {
        let mut findings = 0;
        let peak =
            peak_of(|| findings = Verify::from_bytes(&file.bytes[..]).threads(1).run().findings().len());
        let limit = file.bytes.len() + 512 * findings + (64 << 10);
        assert!(peak <= limit, "{}: {peak} bytes for a file of {}", file.name, file.bytes.len());
    }
}

#[test]
fn class_50_the_verdict_does_not_depend_on_where_the_bytes_come_from() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    for tree in trees().into_iter().chain(record_trees()) {
        let page = tree.leaves(1)[1];
        for damaged in [tree.clone(), zeroed(&tree, page), noise(&tree, page), misled(&tree, 1, 1, 1)] {
            std::fs::write(&path, &damaged.bytes).unwrap();
            let db = Database::open(&path).unwrap();
            let expected = verdict(&damaged);
            for verify in [
                Verify::from_bytes(damaged.bytes.clone()),
                Verify::open(&path).unwrap(),
                Verify::open(&path).unwrap().threads(4),
                Verify::new(&db),
            ] {
                assert_eq!(verify.run().findings(), expected.findings(), "{}", tree.name);
            }
        }
    }
    // The same file in the two byte orders.
    let [little, big] = [false, true].map(|big| verdict(&ladder(30, 3, 512, big)));
    assert_eq!(little.findings(), big.findings());
}
