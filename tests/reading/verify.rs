//! The check of whole files: silent on what genuine releases wrote, and pointing at what
//! was damaged.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bdbkit::verify::{Finding, Rule, Severity, Verdict, Verify};
use bdbkit::{Database, Endianness};

use crate::build::{Builder, Duplicates, Tree};
use crate::common;
use crate::common::image::{DUPLICATE_LEAF, ENTRIES, INTERNAL, Image, LEAF, NEXT, PREV};
use crate::common::{cases, databases, read};

fn check(path: &Path) -> Verdict {
    Verify::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).run()
}

fn errors(verdict: &Verdict) -> Vec<&Finding> {
    verdict.findings().iter().filter(|finding| finding.severity == Severity::Error).collect()
}

/// The files of cases that no one damaged, and that are not refused.
fn healthy() -> Vec<PathBuf> {
    let cases = cases(&["btree-", "recno-", "hash-", "mboxlist-"]);
    let files = cases.iter().flat_map(|case| databases(&case.folder()));
    files.filter(|path| check(path).refused().is_none()).collect()
}

#[test]
fn files_of_genuine_releases_have_no_errors() {
    let files = healthy();
    assert!(files.len() >= 195, "{}", files.len());
    for path in files {
        let verdict = check(&path);
        assert!(errors(&verdict).is_empty(), "{}: {:?}", path.display(), errors(&verdict));
        assert!(verdict.complete());
    }
}

#[test]
fn damage_is_found_where_it_is() {
    let mut seen = 0;
    for case in cases(&["damage-v", "damage-hash-"]) {
        // How full buckets are to be is for the next program that writes.
        if case.name.ends_with("-ffactor") {
            continue;
        }
        let verdict = check(&case.folder().join("data.db"));
        let errors = errors(&verdict);
        let text = String::from_utf8(read(case.folder().join("damage.txt"))).unwrap();
        assert!(!errors.is_empty() || verdict.refused().is_some(), "{}: {text}", case.name);
        // `offset 1562 (page 3, byte 26): …`, or `page 4 filled with …`.
        let number = |text: &str| text.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().ok();
        let page: Option<u32> = text.split_once("page ").and_then(|(_, rest)| number(rest));
        // Where a link was made to point elsewhere, the page that it leads to will do.
        let target: Option<u32> = text.trim().rsplit_once("-> ").and_then(|(_, rest)| number(rest));
        let named = errors.iter().any(|e| Some(e.page.0) == page || Some(e.page.0) == target);
        assert!(named || page.is_none() || verdict.refused().is_some(), "{}: {text}{errors:?}", case.name);
        seen += 1;
    }
    assert!(seen >= 72, "{seen}");
}

#[test]
fn each_kind_of_damage_breaks_its_rule() {
    let expected = [
        ("v9-le-next-cycle", Rule::LeafChain),
        ("v9-le-prev-wrong", Rule::LeafChain),
        ("v9-le-nrecs", Rule::Count),
        ("v9-le-key-order", Rule::KeyOrder),
        ("v9-le-dup-order", Rule::DuplicateOrder),
        ("v9-le-ovfl-ref", Rule::OverflowCount),
        ("v9-le-ovfl-loop", Rule::Once),
        ("v9-be-ovfl-tlen", Rule::OverflowLength),
        ("v9-le-free-loop", Rule::FreeCycle),
        ("v9-le-free-range", Rule::FreeLink),
        ("v9-le-free-in-use", Rule::FreeType),
        ("v9-le-last-pgno", Rule::LastPage),
        ("v9-le-minkey", Rule::MinKey),
        ("v9-le-hf-offset", Rule::ItemArea),
        ("v9-le-inp-overlap", Rule::ItemOffset),
        ("v9-le-inp-beyond", Rule::ItemOffset),
        ("v9-le-item-len", Rule::ItemLength),
        ("v9-le-item-type", Rule::ItemKind),
        ("v9-le-level", Rule::Level),
        ("v9-le-page-type", Rule::PageType),
        ("v9-le-wrong-pgno", Rule::PageNumber),
        ("v9-le-zero-page", Rule::PageType),
        ("v9-le-truncated", Rule::FileSize),
        ("v9-le-child-range", Rule::Link),
        ("v9-le-swapped-renumbered", Rule::KeyRange),
        ("v9-le-flip", Rule::Checksum),
        ("v6-be-free-loop", Rule::FreeCycle),
        ("v6-le-next-self", Rule::LeafChain),
        ("hash-v9-be-flag-dup", Rule::BucketDuplicates),
        ("hash-v9-be-inp-order", Rule::BucketItem),
        ("hash-v9-be-masks-odd", Rule::Masks),
        ("hash-v9-be-offdup-leaf", Rule::ItemOffset),
        ("hash-v9-be-offpage-range", Rule::Link),
        ("hash-v9-be-pgno", Rule::PageNumber),
        ("hash-v9-le-dup-len", Rule::BucketItem),
        ("hash-v9-le-entries-large", Rule::BucketItem),
        ("hash-v9-le-high-mask", Rule::Masks),
        ("hash-v9-le-inp-beyond", Rule::BucketItem),
        ("hash-v9-le-item-type", Rule::BucketItem),
        ("hash-v9-le-last-pgno", Rule::LastPage),
        ("hash-v9-le-max-bucket", Rule::Masks),
        ("hash-v9-le-next-other", Rule::Once),
        ("hash-v9-le-next-self", Rule::Once),
        ("hash-v9-le-offdup-range", Rule::Link),
        ("hash-v9-le-offpage-tlen", Rule::OverflowLength),
        ("hash-v9-le-spares-zero", Rule::Once),
        ("hash-v9-le-truncated", Rule::FileSize),
        ("hash-v9-le-truncated", Rule::Spares),
        ("hash-v9-le-type-ovfl", Rule::Spares),
    ];
    for (case, rule) in expected {
        let verdict = check(&common::testdata().join(format!("damage-{case}")).join("data.db"));
        let found: Vec<Rule> = errors(&verdict).iter().map(|finding| finding.rule).collect();
        assert!(found.contains(&rule), "{case}: expected {}, found {:?}", rule.id(), errors(&verdict));
    }
}

#[test]
fn a_page_that_two_links_lead_to_has_its_place_once() {
    let mut tried = 0;
    for tree in ["btree-v6-be-levels", "btree-v9-le-levels"].map(Image::of_case) {
        for page in tree.pages_of(INTERNAL) {
            let last = tree.entries(page) - 1;
            // The root, the metadata page, the page itself, and a neighbour.
            for target in [1, 0, page, tree.children(page)[0]] {
                let mut damaged = tree.clone();
                damaged.put_u32(page, tree.child_at(page, last), target);
                let verdict = Verify::from_bytes(&damaged.bytes[..]).run();
                let is_it = |e: &&Finding| e.rule == Rule::Once && e.page.0 == page;
                let found = errors(&verdict);
                assert!(found.iter().any(is_it), "{}, page {page} to {target}: {found:?}", tree.name);
                tried += 1;
            }
        }
    }
    assert!(tried >= 16, "{tried}");
}

#[test]
fn the_leaves_at_the_ends_lead_nowhere() {
    for tree in ["btree-v6-be-levels", "btree-v9-le-levels", "recno-v9-be-var"].map(Image::of_case) {
        let leaves = tree.leaves(1);
        let (first, last) = (leaves[0], leaves[leaves.len() - 1]);
        for (page, field) in [(first, PREV), (last, NEXT)] {
            for target in [first, last, leaves[1], tree.pages(), u32::MAX] {
                let mut damaged = tree.clone();
                damaged.put_u32(page, field, target);
                let verdict = Verify::from_bytes(&damaged.bytes[..]).run();
                let places: Vec<_> = errors(&verdict).iter().map(|e| (e.rule, e.page.0, e.offset)).collect();
                assert_eq!(places, [(Rule::LeafChain, page, field)], "{}", tree.name);
            }
        }
    }
}

#[test]
fn an_overflow_chain_counts_the_items_that_lead_to_it() {
    for file in ["btree-v6-be-overflow", "btree-v8-le-overflow", "btree-v9-le-overflow"].map(Image::of_case) {
        let [(page, slot), (other, other_slot), ..] = file.items(LEAF, 3)[..] else {
            panic!("{}", file.name)
        };
        let (at, from) = (file.item(page, slot), file.item(other, other_slot));
        let (first, len) = (file.u32(other, from + 4), file.u32(other, from + 8));
        let mut shared = file.clone();
        shared.put_u32(page, at + 4, first).put_u32(page, at + 8, len);
        for stated in [1, 2, 3] {
            shared.put_u16(first, ENTRIES, stated);
            let verdict = Verify::from_bytes(&shared.bytes[..]).run();
            let miscounted = errors(&verdict).into_iter().filter(|e| e.rule == Rule::OverflowCount);
            let places: Vec<_> = miscounted.map(|e| (e.page.0, e.offset)).collect();
            let expected = if stated == 2 { vec![] } else { vec![(first, ENTRIES)] };
            assert_eq!(places, expected, "{}: {stated} stated", file.name);
        }
    }
}

#[test]
fn the_count_of_all_records_is_right() {
    for tree in ["btree-v7-le-recnum", "btree-v9-be-recnum", "recno-v9-be-var"].map(Image::of_case) {
        let total = tree.u32(1, PREV);
        for wrong in [0, total - 1, total + 1, u32::MAX] {
            let mut damaged = tree.clone();
            damaged.put_u32(1, PREV, wrong);
            let verdict = Verify::from_bytes(&damaged.bytes[..]).run();
            let places: Vec<_> = errors(&verdict).iter().map(|e| (e.rule, e.page.0, e.offset)).collect();
            assert_eq!(places, [(Rule::Count, 1, PREV)], "{}: {wrong} records", tree.name);
        }
    }
}

/// Releases count all duplicates that they upgrade as sorted, deleted ones too, on the root
/// of their tree, and only there.
#[test]
fn the_root_of_sorted_duplicates_may_count_deleted_ones() {
    let values: Vec<[u8; 4]> = (0..200_u32).map(u32::to_be_bytes).collect();
    let entries = [(b"key", values)];
    let tree = Tree::btree().duplicates(Duplicates::Sorted).deleted(5);
    for order in [Endianness::Little, Endianness::Big] {
        let mut file = Image::new("built", Builder::new(8, order, 512).build(&tree, &entries));
        let root = file.pages_of(INTERNAL)[0];
        let live = u32::try_from(tree.live(&entries).len()).unwrap();
        assert!(file.pages_of(DUPLICATE_LEAF).len() > 2 && live < 190 && file.u32(root, PREV) == live);
        for (total, severity) in [
            (live, None),
            (200, Some(Severity::Warning)),
            (live - 1, Some(Severity::Error)),
            (live + 1, Some(Severity::Error)),
            (199, Some(Severity::Error)),
            (201, Some(Severity::Error)),
            (0, Some(Severity::Error)),
        ] {
            file.put_u32(root, PREV, total);
            let verdict = Verify::from_bytes(&file.bytes[..]).run();
            let found = verdict.findings().iter().filter(|finding| finding.rule == Rule::Count);
            let found: Vec<_> = found.map(|f| (f.severity, f.page.0, f.offset)).collect();
            assert_eq!(found, severity.map(|severity| (severity, root, PREV)).as_slice(), "{total}");
            // The reader cannot know how many are deleted before it has read all.
            let whole = Database::from_bytes(&file.bytes[..]).unwrap().iter().all(|entry| entry.is_ok());
            assert_eq!(whole, total >= live, "{total}");
        }
    }
}

#[test]
fn what_reading_strictly_accepts_has_no_errors() {
    for path in healthy() {
        let db = Database::open(&path).unwrap();
        let strict = common::all_databases(&db).iter().all(|db| db.iter().all(|entry| entry.is_ok()));
        assert!(!strict || errors(&Verify::new(&db).run()).is_empty(), "{}", path.display());
    }
}

#[test]
fn threads_change_nothing_but_the_time() {
    let mut files = healthy();
    files.extend(cases(&["damage-v", "damage-hash-"]).iter().map(|case| case.folder().join("data.db")));
    for path in files {
        let found = |threads| Verify::open(&path).unwrap().threads(threads).run().findings().to_vec();
        assert_eq!(found(1), found(4), "{}", path.display());
        let bytes = read(&path);
        assert_eq!(found(1), Verify::from_bytes(&bytes[..]).run().findings(), "{}", path.display());
    }
}

#[test]
fn a_database_that_is_deleted_from_the_list_leaves_its_pages_without_a_place() {
    let mut bytes = common::data("btree-v9-be-subdbs");
    assert_eq!(bytes[1008..1010], [0, 4], "the metadata page of a database");
    bytes[1010] |= 0x80;
    let verdict = Verify::from_bytes(bytes).run();
    let pages: Vec<u32> = errors(&verdict).iter().map(|e| e.page.0).collect();
    assert_eq!(pages, (2..=10).collect::<Vec<_>>(), "{:?}", verdict.findings());
}

#[test]
fn it_stops_after_as_many_findings_as_asked_for() {
    let path = common::testdata().join("damage-v9-le-garbage/data.db");
    let all = check(&path).findings().len();
    assert!(all > 1);
    let verdict = Verify::open(&path).unwrap().at_most(1).run();
    assert_eq!((verdict.findings().len(), verdict.complete()), (1, false));
    let verdict = Verify::open(&path).unwrap().at_most(all).run();
    assert_eq!((verdict.findings().len(), verdict.complete()), (all, true));
}

#[test]
fn a_file_whose_metadata_cannot_be_read_is_not_checked_to_the_end() {
    for case in ["damage-v9-le-pagesize", "damage-v9-le-flip-meta"] {
        let verdict = check(&common::testdata().join(case).join("data.db"));
        let findings = verdict.findings();
        assert_eq!((findings.len(), findings[0].page.0, verdict.complete()), (1, 0, false), "{findings:?}");
    }
}

#[test]
fn without_order_checks_a_foreign_order_is_no_damage() {
    let path = common::testdata().join("damage-v9-le-key-order/data.db");
    assert!(!errors(&check(&path)).is_empty());
    let verdict = Verify::open(&path).unwrap().check_order(false).run();
    assert!(errors(&verdict).is_empty(), "{:?}", errors(&verdict));
}

#[test]
fn progress_counts_pages() {
    let pages = AtomicU64::new(0);
    let path = common::testdata().join("btree-v9-le-levels/data.db");
    let db = Database::open(path).unwrap();
    let _ = Verify::new(&db)
        .progress(|progress| {
            assert!(progress.pages <= progress.total);
            pages.fetch_add(1, Ordering::Relaxed);
        })
        .run();
    assert!(pages.load(Ordering::Relaxed) > 0);
}

#[test]
fn other_files_are_refused_or_empty() {
    let refused = |bytes: &[u8]| Verify::from_bytes(bytes).run().refused().map(str::to_owned);
    assert!(refused(b"just a text that is longer than a header").unwrap().contains("not a Berkeley DB file"));
    assert!(refused(&read(common::testdata().join("btree-v9-le-encrypted/data.db"))).is_some());
    let empty = Verify::from_bytes(&b""[..]).run();
    assert_eq!(errors(&empty)[0].rule, Rule::FileSize);
}

/// Files in which a check once found no error, although reading met one.
#[test]
fn faults_that_were_missed_are_found() {
    let expected = [
        ("verify-entries-in-an-unused-bucket", Rule::Hash),
        ("verify-length-of-a-shared-chain", Rule::OverflowLength),
        ("verify-list-entry-with-a-long-name", Rule::Directory),
    ];
    for (name, rule) in expected {
        let verdict = check(&common::testdata().join("regress").join(format!("{name}.db")));
        let found: Vec<Rule> = errors(&verdict).iter().map(|finding| finding.rule).collect();
        assert!(found.contains(&rule), "{name}: {:?}", errors(&verdict));
    }
}

#[test]
fn a_count_of_keys_below_zero_tells_nothing() {
    // Release 2.x let it sink.
    let mut bytes = common::data("hash-v5-le-empty");
    bytes[48..52].copy_from_slice(&u32::MAX.to_le_bytes());
    let verdict = Verify::from_bytes(&bytes[..]).run();
    assert!(verdict.worst() < Some(Severity::Error), "{:?}", verdict.findings());
    assert_eq!(Database::from_bytes(&bytes[..]).unwrap().iter().count(), 0);
}
