//! The files of `testdata/damage-*`: genuine files, each with one piece of damage that
//! its `damage.txt` describes, and the dump of what was there before.

use std::time::Duration;

use bdbkit::Database;

use crate::common::{Watch, cases, dump, missing, multiset, pairs_of_text, read};

/// Damage that takes nothing away: fields that no reader needs, pages on the free
/// list, or pages in the wrong place that the pointers still find.
const HARMLESS: [&str; 9] = [
    "damage-v6-be-free-loop",
    "damage-v9-le-flip-meta",
    "damage-v9-le-free-in-use",
    "damage-v9-le-free-loop",
    "damage-v9-le-free-range",
    "damage-v9-le-last-pgno",
    "damage-v9-le-minkey",
    "damage-v9-le-nrecs",
    "damage-v9-le-ovfl-ref",
];

#[test]
fn a_damaged_file_gives_no_pair_less_without_an_error_and_none_that_was_not_there() {
    let watch = Watch::start(Duration::from_secs(30));
    let (mut whole, mut with_errors, mut refused, mut failures) = (Vec::new(), 0, 0, Vec::new());
    let all = cases(&["damage-v"]);
    for case in &all {
        watch.about(&case.name);
        let original = multiset(pairs_of_text(&read(case.folder().join("original.dump.txt"))));
        let path = case.folder().join("data.db");
        let db = match Database::open(&path) {
            Ok(db) => db,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                refused += 1;
                continue;
            }
        };
        let (text, summary, damage) = dump(&db, false);
        let given = multiset(pairs_of_text(&text));
        let invented = missing(&original, &given);
        let lost = missing(&given, &original);
        // A flipped bit in the bytes of a pair makes another pair of it: the format
        // has nothing to tell it by. In the same place there must be one less.
        let flipped = case.name.ends_with("-flip") && invented.len() == 1 && lost.len() == 1;
        // Two keys that changed places give each other's value. Whether keys are in
        // order only look-ups can judge: the writer may have had an order of its own.
        let exchanged = case.name.ends_with("-key-order") && invented.len() == 2 && lost.len() == 2;
        if exchanged {
            let (key, _) = &lost[0];
            let error = db.get(key).map(drop).expect_err("keys out of order");
            assert!(error.to_string().contains("out of order"), "{}: {error}", case.name);
        }
        let flipped = flipped || exchanged;
        if !invented.is_empty() && !flipped {
            failures.push(format!("{}: {} pairs that were not there", case.name, invented.len()));
        }
        if summary.damaged == 0 {
            if !lost.is_empty() && !flipped {
                failures.push(format!("{}: {} pairs less without an error", case.name, lost.len()));
            }
            whole.push(case.name.clone());
        } else {
            with_errors += 1;
            assert!(!text.ends_with(b"DATA=END\n"), "{}: a dump that seems whole", case.name);
            for message in &damage {
                assert!(message.starts_with("page "), "{}: {message:?} names no page", case.name);
            }
        }
        if HARMLESS.contains(&&*case.name) && !lost.is_empty() {
            failures.push(format!("{}: lost {} pairs: {damage:?}", case.name, lost.len()));
        }
        // In the other direction, the same.
        let mut steps = 0;
        let (mut back, mut errors) = (Vec::new(), 0);
        for entry in db.iter().rev() {
            steps += 1;
            assert!(steps < 70_000, "{}: an endless iterator", case.name);
            match entry {
                Ok(entry) => {
                    let (key, value) = entry.into_parts();
                    back.push((key.into_owned(), value.into_owned()));
                }
                Err(_) => errors += 1,
            }
        }
        let back = multiset(back);
        if !missing(&original, &back).is_empty() && !flipped {
            failures.push(format!("{}: backward, pairs that were not there", case.name));
        }
        if errors == 0 && !missing(&back, &original).is_empty() && !flipped {
            failures.push(format!("{}: backward, pairs less without an error", case.name));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(all.len() >= 55, "damaged files went missing: {}", all.len());
    assert!(with_errors >= 35 && refused >= 4 && whole.len() >= 6, "{with_errors}, {refused}, {whole:?}");
}

#[test]
fn damage_to_one_leaf_costs_the_pairs_of_that_leaf_only() {
    for (case, at_most) in [
        ("damage-v9-le-item-len", 6),
        ("damage-v9-le-garbage", 7),
        ("damage-v9-le-zero-page", 7),
        ("damage-v9-le-inp-beyond", 6),
        ("damage-v6-le-next-self", 0),
        ("damage-v9-be-next-cycle", 0),
        ("damage-v9-le-prev-wrong", 0),
        ("damage-v9-le-swapped-renumbered", 0),
        ("damage-v9-le-ovfl-loop", 1),
        ("damage-v9-le-ovfl-range", 1),
    ] {
        let folder = crate::common::testdata().join(case);
        let original = multiset(pairs_of_text(&read(folder.join("original.dump.txt"))));
        let (text, summary, _) = dump(&Database::open(folder.join("data.db")).unwrap(), false);
        let lost = missing(&multiset(pairs_of_text(&text)), &original);
        assert!(summary.damaged > 0, "{case}");
        assert!(lost.len() <= at_most, "{case}: lost {} pairs, not {at_most}", lost.len());
    }
}
