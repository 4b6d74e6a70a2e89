//! The builder of files of versions 6 to 8: what it writes is sound, reads back as it
//! was given, and is taken by the genuine tools.
//!
//! Where these tools are not installed the tests say so and do nothing; with
//! `BDBKIT_DEMAND_GENUINE` in the environment that is a failure.

use std::collections::BTreeSet;
use std::io::{Read, Seek};
use std::path::Path;

use bdbkit::verify::{Severity, Verify};
use bdbkit::{Database, Endianness};

use crate::build::{Builder, Duplicates, Lsns, Tree};
use crate::common;
use crate::common::image::{self, Image};
use crate::common::tools::{DUMP, UPGRADE, VERIFY, expect_success, genuine, tool};
use crate::common::{Pair, forward};
use crate::plans::{Entries, plans, run};

#[track_caller]
fn expect_sound(bytes: &[u8]) {
    let verdict = Verify::from_bytes(bytes).threads(1).run();
    let errors: Vec<String> = verdict
        .findings()
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(ToString::to_string)
        .collect();
    assert!(errors.is_empty() && verdict.refused().is_none(), "{errors:#?} {:?}", verdict.refused());
}

#[test]
fn what_is_built_is_sound_and_reads_back() {
    run(40, plans(false), |plan| {
        let bytes = plan.bytes();
        let db = Database::from_bytes(&bytes).unwrap();
        assert!(forward(&db) == plan.tree.live(&plan.entries), "not what was given");
        if plan.holes {
            return; // lost pages are damage
        }
        expect_sound(&bytes);
    });
}

/// Upgrades a file of version 6 or 7 with the genuine tool, and puts right what that gets
/// wrong: the number of the last page is one too large, and `maxkey` of version 6 stays
/// where algorithms of encryption and checksums are.
fn upgrade(file: &Path, sorted: bool) {
    expect_success(&tool(UPGRADE, if sorted { &["-s"] } else { &[] }, file));
    let mut bytes = common::read(file);
    let size = u32::from_le_bytes(bytes[20..24].try_into().unwrap());
    let pages = u32::try_from(bytes.len()).unwrap() / size;
    assert_eq!(bytes[32..36], pages.to_le_bytes());
    bytes[32..36].copy_from_slice(&(pages - 1).to_le_bytes());
    (bytes[24], bytes[26], bytes[27]) = (0, 0, 0);
    std::fs::write(file, bytes).unwrap();
}

/// What the genuine tools make of a file of version 8, and whether the library agrees
/// that it is sound.
#[track_caller]
fn check_genuine(file: &Path, expected: &[Pair], sound: bool) {
    let dump = tool(DUMP, &[], file);
    expect_success(&dump);
    assert!(common::pairs_of_text(&dump.stdout) == expected, "the genuine tool reads something else");
    if sound {
        expect_success(&tool(VERIFY, &[], file));
        expect_sound(&common::read(file));
    }
}

#[test]
fn the_genuine_tools_take_what_is_built() {
    if !genuine() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (upgraded, verified) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    run(40, plans(true), |plan| {
        let old = plan.builder.version() < 8;
        let live = plan.tree.live(&plan.entries);
        // db5.3_dump stumbles over keys whose off-page duplicates are all deleted.
        let keys: BTreeSet<&[u8]> = live.iter().map(|(key, _)| key.as_slice()).collect();
        if plan.duplicates && keys.len() < plan.entries.len() {
            return;
        }
        let file = folder.path().join("built.db");
        std::fs::write(&file, plan.bytes()).unwrap();
        if old {
            upgrade(&file, plan.sorted);
            upgraded.set(upgraded.get() + 1);
        }
        check_genuine(&file, &live, !plan.deleted);
        verified.set(verified.get() + usize::from(!plan.deleted));
    });
    assert!(upgraded.get() >= 8 && verified.get() >= 8, "{} {}", upgraded.get(), verified.get());
}

/// The genuine tool gives the first entry of an internal page a key, and counts it as a
/// reference to its chain.
#[test]
fn long_duplicates_are_counted_as_the_genuine_tool_does() {
    if !genuine() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("long.db");
    let (tree, entries) =
        (Tree::btree().duplicates(Duplicates::Sorted).overflow_above(9), numbered(3, |_| 100, 10));
    std::fs::write(&file, Builder::new(6, Endianness::Little, 512).build(&tree, &entries)).unwrap();
    upgrade(&file, true);
    check_genuine(&file, &tree.live(&entries), true);
    let upgraded = Image::new("upgraded", common::read(&file));
    let node = upgraded.pages_of(image::INTERNAL)[0];
    let first = upgraded.item(node, 0);
    assert_eq!(upgraded.byte(node, first + 2), 3);
    assert_eq!(upgraded.entries(upgraded.u32(node, first + 16)), 2);
}

/// Keys with some values each, in order.
fn numbered(keys: usize, values: impl Fn(usize) -> usize, len: usize) -> Entries {
    let value = |key: usize, i: usize| format!("{i:05} of {key:0width$}", width = len - 9).into_bytes();
    let values = |key: usize| (0..values(key)).map(|i| value(key, i)).collect();
    (0..keys).map(|key| (format!("key {key:05}").into_bytes(), values(key))).collect()
}

fn sound(bytes: Vec<u8>) -> Image {
    expect_sound(&bytes);
    Image::new("built", bytes)
}

fn both_orders() -> [Endianness; 2] {
    [Endianness::Little, Endianness::Big]
}

#[test]
fn off_page_duplicates_have_the_form_of_their_version() {
    let entries = numbered(3, |_| 100, 30);
    for order in both_orders() {
        for (version, duplicates, pages, above) in [
            (6, Duplicates::Sorted, image::DUPLICATE, None),
            (7, Duplicates::Unsorted, image::DUPLICATE, None),
            (8, Duplicates::Unsorted, image::RECNO_LEAF, Some(image::RECNO_INTERNAL)),
            (8, Duplicates::Sorted, image::DUPLICATE_LEAF, Some(image::INTERNAL)),
        ] {
            let tree = Tree::btree().duplicates(duplicates);
            let file = sound(Builder::new(version, order, 512).build(&tree, &entries));
            assert_eq!(file.version(), version);
            assert_eq!(file.kind(1), image::LEAF);
            assert_eq!(file.items(image::LEAF, 2).len(), 3);
            assert!(file.pages_of(pages).len() > 12, "version {version}: {:?}", file.pages_of(pages));
            let roots = above.map(|kind| file.pages_of(kind));
            assert!(roots.is_none_or(|roots| roots.iter().all(|&root| file.u32(root, image::PREV) == 100)));
        }
    }
}

#[test]
fn on_page_duplicates_share_their_key() {
    let entries = numbered(40, |key| key % 4 + 1, 10);
    for order in both_orders() {
        let tree = Tree::btree().duplicates(Duplicates::Unsorted);
        let builder = Builder::new(6, order, 512);
        let right = sound(builder.build(&tree, &entries));
        let odd = sound(builder.build(&tree.clone().reversed_shared_keys(true), &entries));
        let (mut same, mut reversed) = (0, 0);
        for leaf in right.pages_of(image::LEAF) {
            for slot in (0..right.entries(leaf)).step_by(2) {
                let at = right.item(leaf, slot);
                let sharing = (0..right.entries(leaf)).filter(|&other| right.item(leaf, other) == at).count();
                assert_eq!(right.u16(leaf, at), 9);
                let expected: u16 = if sharing % 2 == 0 { 9 << 8 } else { 9 };
                assert_eq!(odd.u16(leaf, at), expected, "{sharing} slots");
                *(if sharing % 2 == 0 { &mut reversed } else { &mut same }) += 1;
            }
        }
        assert_eq!((same, reversed), (10 + 30, 20 + 40));
        assert!(forward(&Database::from_bytes(&odd.bytes).unwrap()) == tree.live(&entries));
    }
}

/// A tree of many levels in which each key is a chain of pages, which internal pages
/// share.
#[test]
fn overflow_keys_are_counted_wherever_they_stand() {
    for (order, kept) in both_orders().into_iter().flat_map(|order| [(order, false), (order, true)]) {
        let tree = Tree::btree().overflow_above(0).fanout(3).fill(30).first_keys(kept);
        let file = sound(Builder::new(6, order, 512).build(&tree, &numbered(100, |_| 1, 10)));
        assert!(file.byte(1, image::LEVEL) >= 4);
        assert!(file.children(1).len() >= 2);
        let most = file.pages_of(image::OVERFLOW).into_iter().map(|page| file.entries(page)).max();
        assert!(most == if kept { Some(u16::from(file.byte(1, image::LEVEL))) } else { Some(2) }, "{most:?}");
        let first = file.item(1, 0);
        assert_eq!(file.byte(1, first + 2), if kept { 3 } else { 1 });
        assert!(kept || file.u16(1, first) == 0);
    }
}

#[test]
fn what_a_long_life_leaves_behind_is_there() {
    let entries = numbered(300, |_| 1, 20);
    for version in 6..=8 {
        for order in both_orders() {
            let builder = Builder::new(version, order, 512).scattered(8).free(5).lsns(Lsns::Logged);
            let tree = Tree::btree().deleted(4).empty_leaves(2).truncated_keys(true).keys_per_page(2, 7);
            let file = sound(builder.noise(true).build(&tree, &entries));
            let free = file.pages_of(0);
            let head = file.u32(0, if version == 6 { 32 } else { 28 });
            let list = std::iter::successors(Some(head), |&page| Some(file.u32(page, image::NEXT)));
            let mut list: Vec<u32> = list.take_while(|&page| page != 0).collect();
            list.sort_unstable();
            assert!(list == free && free.len() > 5, "{list:?} {free:?}");
            let leaves = file.leaves(1);
            assert!(!leaves.is_sorted(), "{leaves:?}");
            assert!(leaves.iter().any(|&leaf| file.entries(leaf) == 0));
            assert!(leaves.iter().all(|&leaf| file.u32(leaf, 0) == 1 && file.u32(leaf, 4) > 0));
            assert_eq!(file.u32(0, [24, 56, 72][usize::try_from(version).unwrap() - 6]), 7);
            let live = tree.live(&entries).len();
            assert!((200..250).contains(&live), "{live}");
        }
    }
}

#[test]
fn a_file_streams_as_it_is_built() {
    let entries = numbered(40_000, |key| if key % 1000 == 0 { 30 } else { 1 }, 300);
    let tree = Tree::btree().duplicates(Duplicates::Sorted);
    let builder = Builder::new(6, Endianness::Big, 1024).scattered(64).free(50);
    let mut file = tempfile::tempfile().unwrap();
    builder.write(&tree, entries.iter().map(|(key, values)| (key, values)), &mut file).unwrap();
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    assert!(bytes.len() > 12_000_000, "{} bytes: fewer than the window holds", bytes.len());
    assert!(bytes == builder.build(&tree, &entries));
    expect_sound(&bytes);
}

#[test]
fn several_databases_are_found_by_their_names() {
    let long = Tree::btree().overflow_above(5).fanout(3);
    let databases: [(&[u8], Tree, Entries); 4] = [
        (b"plain", Tree::btree().recnum(true), numbered(200, |_| 1, 20)),
        (b"doubled", Tree::btree().duplicates(Duplicates::Unsorted), numbered(9, |key| key * 5, 30)),
        (b"records", Tree::recno().fixed(20), numbered(1, |_| 90, 20)),
        (b"long", long, numbered(20, |_| 1, 900)),
    ];
    let genuine = genuine();
    let folder = tempfile::tempdir().unwrap();
    for (version, order) in [7, 8].into_iter().flat_map(|v| both_orders().map(|order| (v, order))) {
        let bytes = Builder::new(version, order, 512).scattered(4).build_several(&databases);
        expect_sound(&bytes);
        let file = Database::from_bytes(&bytes).unwrap();
        assert_eq!(file.subdatabases().count(), databases.len());
        for (name, tree, entries) in &databases {
            let db = file.subdatabase(name).unwrap();
            assert!(forward(&db) == tree.live(entries), "{}", name.escape_ascii());
        }
        if genuine && version == 8 {
            let path = folder.path().join("several.db");
            std::fs::write(&path, &bytes).unwrap();
            expect_success(&tool(VERIFY, &[], &path));
        }
    }
}
