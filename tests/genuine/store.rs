//! Stores of every release that is due an upgrade, upgraded for every release that they can go
//! to, in the hands of libdb 5.3: `db5.3_verify` accepts every database, and `db5.3_dump`
//! prints the pairs that were there before.
//!
//! Where the tools are missing the tests say so and do nothing; with `BDBKIT_DEMAND_GENUINE`
//! in the environment that is a failure.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bdbkit::Database;
use bdbkit::mboxlist::{RELEASES, Release, StoreUpgrade};
use bdbkit::upgrade::{Choices, Profile};

use crate::alone;
use crate::common;
use crate::common::tools::{DUMP, VERIFY, expect_success, genuine, tool};
use crate::common::{Pair, cases, forward, pairs_of_section, sections};

/// The databases and logs of a case, in a folder of their own.
fn store(case: &common::Case) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(case.folder()).unwrap().map(|entry| entry.unwrap()) {
        let name = entry.file_name().into_string().unwrap();
        if name.ends_with(".db") || name.starts_with("log.") {
            fs::copy(entry.path(), to.path().join(name)).unwrap();
        }
    }
    to
}

fn databases(folder: &Path) -> BTreeMap<PathBuf, (u32, Vec<Pair>)> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        let db = Database::open(&path).unwrap();
        (path, (db.meta().version(), forward(&db)))
    };
    paths.filter(|path| path.extension().is_some_and(|end| end == "db")).map(read).collect()
}

/// Whether the tools of 5.3 accept a database, and find these pairs in it.
fn accepted(path: &Path, pairs: &[Pair]) {
    expect_success(&tool(VERIFY, &[], path));
    let dumped = tool(DUMP, &[], path);
    expect_success(&dumped);
    let dumped: Vec<Pair> = sections(&dumped.stdout).iter().flat_map(pairs_of_section).collect();
    assert!(dumped == pairs, "{}: other pairs", path.display());
}

/// Upgrades copies of all stores of a release for a target, and gives how many databases of
/// big-endian and of little-endian machines were accepted.
fn upgraded(from: &Release, to: &Release, version_8: bool) -> [usize; 2] {
    let prefix = match from.id {
        "4.15" | "5.x" => "mboxlist-ims5-".to_owned(),
        id => format!("mboxlist-ims{}-", id.replace('.', "")),
    };
    let profile = if to.opens(9) == Some(true) { Profile::V9 } else { Profile::V8 };
    let mut seen = [0, 0];
    for case in cases(&[&prefix]).iter().filter(|case| !case.name.ends_with("unclean")) {
        let folder = store(case);
        let before = databases(folder.path());
        let choices = Choices { profile, ..Choices::default() };
        let upgrade = StoreUpgrade::open(folder.path()).choices(choices).include_version_8(version_8);
        let files = upgrade.run().unwrap().files;
        assert_eq!(files.len(), before.len(), "{}: {} to {}", case.name, from.id, to.id);
        for (path, (version, pairs)) in databases(folder.path()) {
            assert_eq!(to.opens(version), Some(true), "{}: {version} for {}", path.display(), to.id);
            let (old, expected) = &before[&path];
            assert!(*old < version && pairs == *expected, "{}", path.display());
            accepted(&path, &pairs);
            seen[usize::from(!case.big_endian)] += 1;
        }
    }
    assert!(seen.iter().all(|&count| count > 0), "{}: {seen:?}", from.id);
    seen
}

#[test]
fn libdb_accepts_every_store_that_is_due_an_upgrade() {
    let _alone = alone();
    if !genuine() {
        return;
    }
    let (mut ways, mut seen) = (0, [0, 0]);
    for from in RELEASES.iter().filter(|release| release.btree.is_some_and(|version| version < 8)) {
        let due = |to: &&Release| from.btree.and_then(|version| to.opens(version)) == Some(false);
        for to in RELEASES.iter().filter(|to| *to > from).filter(due) {
            let [big, little] = upgraded(from, to, false);
            seen = [seen[0] + big, seen[1] + little];
            ways += 1;
        }
    }
    println!("{ways} ways from release to release, {seen:?} databases of SPARC and x86");
    // 4.15 and 5.x, each to eight releases; five databases.
    assert_eq!((ways, seen), (2 * 8, [2 * 8 * 5, 2 * 8 * 5]));
}

#[test]
fn libdb_accepts_version_8_upgraded_as_asked() {
    let _alone = alone();
    if !genuine() {
        return;
    }
    let from = Release::find("6.0").unwrap();
    for to in RELEASES.iter().filter(|to| *to > from && to.opens(9) == Some(true)) {
        assert_eq!(upgraded(from, to, true), [5, 5]);
    }
}
