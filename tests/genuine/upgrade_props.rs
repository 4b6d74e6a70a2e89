//! Upgrades of random files, of every shape that the builder has: nothing is lost, the result
//! is sound, and that of the genuine profile is what the genuine tool makes of them.
//!
//! Where the genuine tools are not installed the tests say so and do nothing; with
//! `BDBKIT_DEMAND_GENUINE` in the environment that is a failure.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use bdbkit::upgrade::{Choices, Duplicates, EditError, NewId, Profile, in_memory};
use bdbkit::verify::{Rule, Severity, Verify};
use bdbkit::{Database, Defect, Endianness, Error, FileId};
use proptest::prelude::*;

use crate::among_others;
use crate::build;
use crate::build::{Builder, Tree};
use crate::common;
use crate::common::image::{DUPLICATE, Image, difference_to_genuine};
use crate::common::tools::{DUMP, UPGRADE, VERIFY, expect_success, genuine, tool};
use crate::common::{Pair, Watch, pairs_by_database};
use crate::plans::{Plan, plans, run, several};

const ID: FileId = FileId(*b"an id of twenty byte");

fn upgraded(bytes: &[u8], profile: Profile, duplicates: Duplicates) -> Result<Vec<u8>, EditError> {
    let choices = Choices { profile, duplicates, id: NewId::Given(ID), ..Choices::default() };
    in_memory(bytes, &choices).map(|(image, _)| image)
}

/// Files above this size, in bytes, are left out: they take long, and show nothing more.
const LARGE: usize = 1 << 19;

/// Errors but for pages that nothing leads to: those stay.
#[track_caller]
fn expect_sound(bytes: &[u8]) {
    let verdict = Verify::from_bytes(bytes).threads(1).run();
    let errors = verdict.findings().iter().filter(|finding| finding.severity == Severity::Error);
    let errors: Vec<String> =
        errors.filter(|finding| finding.rule != Rule::Unreferenced).map(ToString::to_string).collect();
    assert!(errors.is_empty() && verdict.refused().is_none(), "{errors:#?} {:?}", verdict.refused());
}

/// Upgrades a file to all later versions, and checks what comes of it; gives version 9.
#[track_caller]
fn check(old: &[u8], duplicates: Duplicates) -> Vec<u8> {
    let version = Image::new("old", old.to_vec()).version();
    let pairs = pairs_by_database(old);
    let mut step = old.to_vec();
    for (profile, result) in [(Profile::V7, 7), (Profile::V8, 8), (Profile::V9, 9)] {
        if version > result {
            continue;
        }
        let new = upgraded(old, profile, duplicates).unwrap();
        assert_eq!(Image::new("new", new.clone()).version(), result);
        assert!(pairs_by_database(&new) == pairs, "{profile:?}: other pairs");
        expect_sound(&new);
        assert!(upgraded(&new, profile, duplicates).unwrap() == new, "{profile:?}: not done at once");
        step = upgraded(&step, profile, duplicates).unwrap();
        assert!(step == new, "{profile:?}: step by step is another way");
    }
    step
}

#[track_caller]
fn check_all_ways(plan: &Plan) {
    let old = plan.bytes();
    if old.len() > LARGE {
        return;
    }
    let unsorted = check(&old, Duplicates::Unsorted);
    let automatic = check(&old, Duplicates::Auto);
    if plan.sorted {
        assert_eq!(check(&old, Duplicates::Sorted).len(), automatic.len());
    } else if !plan.duplicates {
        assert!(unsorted == automatic);
    }
}

#[test]
fn nothing_is_lost_and_the_result_is_sound() {
    run(25, plans(false), check_all_ways);
}

#[test]
fn nothing_is_lost_where_keys_are_in_the_opposite_order() {
    run(10, plans(false).prop_filter("reversed keys", |plan| plan.reversed), check_all_ways);
}

#[test]
fn nothing_of_several_databases_is_lost() {
    run(15, several(), |plan| {
        let old = plan.bytes();
        if old.len() > LARGE {
            return;
        }
        check(&old, Duplicates::Unsorted);
        check(&old, Duplicates::Auto);
    });
}

/// Whether all duplicates of some key are deleted: `db5.3_dump` stumbles over that.
fn loses_a_key(plan: &Plan) -> bool {
    let live = plan.tree.live(&plan.entries);
    let keys: BTreeSet<&[u8]> = live.iter().map(|(key, _)| key.as_slice()).collect();
    plan.duplicates && keys.len() < plan.entries.len()
}

#[test]
fn the_genuine_profile_is_what_the_genuine_tool_makes() {
    let _among_others = among_others();
    if !genuine() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let grown = Cell::new(0);
    run(30, plans(true), |plan| {
        let before = Image::new("before", plan.bytes());
        // The tool refuses the order of other machines.
        if before.big || before.bytes.len() > LARGE {
            return;
        }
        for (options, duplicates) in
            [(&[][..], Duplicates::Unsorted), (&["-s"][..], Duplicates::SortedUnchecked)]
        {
            let file = folder.path().join("built.db");
            std::fs::write(&file, &before.bytes).unwrap();
            expect_success(&tool(UPGRADE, options, &file));
            let after = Image::new("after", common::read(&file));
            let ours = upgraded(&before.bytes, Profile::Genuine8b, duplicates).unwrap();
            let difference = difference_to_genuine(&before, &ours, &after);
            assert!(difference.is_none(), "{duplicates:?}: {difference:?}");
            grown.set(grown.get() + u32::from(after.pages() > before.pages()));
        }
    });
    assert!(grown.get() > 0, "no chain became a tree of several pages");
}

#[test]
fn the_genuine_tools_take_version_9() {
    let _among_others = among_others();
    if !genuine() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let verified = Cell::new(0);
    run(30, prop_oneof![plans(true), plans(false)], |plan| {
        let old = plan.bytes();
        if loses_a_key(plan) || old.len() > LARGE {
            return;
        }
        let file = folder.path().join("upgraded.db");
        let duplicates = if plan.sorted { Duplicates::Sorted } else { Duplicates::Unsorted };
        std::fs::write(&file, upgraded(&old, Profile::V9, duplicates).unwrap()).unwrap();
        let dump = tool(DUMP, &[], &file);
        expect_success(&dump);
        let expected = plan.tree.live(&plan.entries);
        assert!(common::pairs_of_text(&dump.stdout) == expected, "the genuine tool reads something else");
        if !plan.deleted && !plan.holes {
            expect_success(&tool(VERIFY, &[], &file));
            verified.set(verified.get() + 1);
        }
    });
    assert!(verified.get() > 0);
}

/// All pairs that the reader gives, if nothing is damaged but that pages are lost.
fn read_whole(bytes: &[u8]) -> Result<Vec<Pair>, Error> {
    let mut pairs = Vec::new();
    let file = Database::from_bytes(bytes)?;
    let databases = if file.is_directory() {
        file.subdatabases().map(|found| found.map(|found| found.open())).collect::<Result<_, _>>()?
    } else {
        vec![file]
    };
    for database in &databases {
        for pair in database.iter() {
            match pair {
                Ok(pair) => {
                    let (key, value) = pair.into_parts();
                    pairs.push((key.into_owned(), value.into_owned()));
                }
                Err(Error::Corrupt { defect: Defect::Unreachable { .. }, .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(pairs)
}

#[test]
fn damaged_files_are_refused_or_lose_nothing() {
    let watch = Watch::start(Duration::from_secs(60));
    let (taken, refused) = (Cell::new(0), Cell::new(0));
    let files = prop_oneof![
        3 => plans(false).prop_map(|plan| plan.bytes()),
        1 => several().prop_map(|plan| plan.bytes()),
    ];
    // Nothing is expected of a file that does not say what it is.
    let flips = prop::collection::vec((24..usize::MAX, 0..8_u32), 1..4);
    run(30, (files, prop::collection::vec(flips, 8)), |(sound, damages)| {
        watch.tick();
        for flips in damages.iter().filter(|_| sound.len() <= LARGE) {
            let mut bytes = sound.clone();
            for (at, bit) in flips {
                // Every other flip hits the start of a page, where most is at stake.
                let at = if bit & 1 == 0 { at % bytes.len() } else { at % bytes.len() / 512 * 512 + at % 64 };
                bytes[at] ^= 1 << bit;
            }
            let duplicates = if flips.len() % 2 == 0 { Duplicates::Auto } else { Duplicates::Unsorted };
            match upgraded(&bytes, Profile::V9, duplicates) {
                Ok(new) => {
                    taken.set(taken.get() + 1);
                    assert!(read_whole(&bytes).unwrap() == read_whole(&new).unwrap(), "other pairs");
                }
                Err(_) => refused.set(refused.get() + 1),
            }
        }
    });
    assert!(taken.get() > 5 && refused.get() > 5, "{} {}", taken.get(), refused.get());
}

/// Release 2.x never writes items of more than a quarter of a page to a chain: with longer
/// ones each level of the tree would be as wide as the one below.
#[test]
fn chains_with_keys_of_which_no_two_fit_a_page_are_refused() {
    let values: Vec<Vec<u8>> = (b'a'..=b'z').map(|letter| vec![letter; 100]).collect();
    let tree = Tree::btree().duplicates(build::Duplicates::Sorted);
    let mut file =
        Image::new("long", Builder::new(6, Endianness::Little, 512).build(&tree, &[(b"key", values)]));
    let chain = file.pages_of(DUPLICATE);
    assert!(chain.len() > 2);
    for (page, letter) in chain.into_iter().zip(b'a'..) {
        file.put_u16(page, 20, 1).put_u16(page, 22, 512 - 304).put_u16(page, 26, 512 - 304);
        file.put_u16(page, 512 - 304, 300).put(page, 512 - 302, 1);
        (0..300).for_each(|at| {
            file.put(page, 512 - 301 + at, letter);
        });
    }
    let pairs = pairs_by_database(&file.bytes);
    let error = upgraded(&file.bytes, Profile::V9, Duplicates::Sorted).unwrap_err();
    assert!(error.to_string().contains("no two of its keys fit a page"), "{error}");
    let unsorted = upgraded(&file.bytes, Profile::V9, Duplicates::Unsorted).unwrap();
    assert!(pairs_by_database(&unsorted) == pairs);
}
