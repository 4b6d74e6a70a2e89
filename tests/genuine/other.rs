//! HASH and QUEUE files beside what the tools of release 5.3 make of them, and in their hands.
//!
//! Where the genuine tools are not installed the tests say so and do nothing; with
//! `BDBKIT_DEMAND_GENUINE` in the environment that is a failure.

use std::fs;
use std::path::Path;

use bdbkit::upgrade::{Choices, Duplicates, Profile, Upgrade, in_memory};
use bdbkit::{Database, Endianness};

use crate::build::{self, Builder, Tree};
use crate::common::hash::{HashFile, among_others as hash_among_others, mixed};
use crate::common::image::{Image, difference_to_genuine};
use crate::common::tools::{DUMP, UPGRADE, VERIFY, expect_success, genuine, tool};
use crate::common::{Pair, cases, dump, hashes, pairs_of_section, read, sections, testdata};
use crate::{alone, among_others};

/// Files of every version and page size, of which the last pages may be missing.
fn built(order: Endianness) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for (seed, version) in (0..).zip([5, 6, 7, 8].repeat(6)) {
        let page_size = [512, 1024, 2048, 4096, 16384, 65536][seed as usize % 6];
        let checksums = version == 8 && seed % 3 == 0;
        let file = HashFile { checksums, ..HashFile::new(version, order, page_size, 2 + seed % 7) };
        all.push((
            format!("{file:?}"),
            file.build(&mixed(seed, 70, page_size, if version < 7 { 150 } else { 24 })),
        ));
    }
    for max in [3, 7, 12] {
        for keys in 1..5 {
            let file = HashFile { short: true, ..HashFile::new(5, order, 512, max) };
            let entries: Vec<_> = mixed(keys, keys, 4096, 3);
            all.push((format!("{file:?} {keys}"), file.build(&entries)));
        }
    }
    all
}

/// All pairs, database by database, sorted: those of a HASH have no order that stays.
fn pairs(path: &Path) -> Vec<Vec<Pair>> {
    let (text, _, damage) = dump(&Database::open(path).unwrap(), false);
    assert!(damage.is_empty(), "{damage:?}");
    sorted(&text)
}

fn sorted(text: &[u8]) -> Vec<Vec<Pair>> {
    let one = |section| {
        let mut pairs = pairs_of_section(section);
        pairs.sort();
        pairs
    };
    sections(text).iter().map(one).collect()
}

/// What `db5.3_verify` and `db5.3_dump` say of a file, and whether that are these pairs.
fn accepted(name: &str, path: &Path, before: &[Vec<Pair>]) -> Vec<String> {
    let mut failures = Vec::new();
    let verdict = tool(VERIFY, &[], path);
    if !verdict.status.success() {
        failures.push(format!("{name}: {}", String::from_utf8_lossy(&verdict.stderr)));
    }
    let text = tool(DUMP, &[], path);
    if !text.status.success() || sorted(&text.stdout) != before {
        failures.push(format!("{name}: other pairs: {}", String::from_utf8_lossy(&text.stderr)));
    }
    failures
}

#[test]
fn hash_files_become_what_the_genuine_tool_makes_of_them() {
    let _among_others = among_others();
    if !genuine() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.db");
    let from_data = hashes().into_iter().map(|golden| (golden.name(), read(&golden.db)));
    let native = |bytes: &[u8]| bytes.get(12) == Some(&0x61);
    let all = from_data.filter(|(_, bytes)| native(bytes)).chain(built(Endianness::Little));
    let (mut files, mut failures) = (0, Vec::new());
    for (name, old) in all {
        let before = Image::new(&name, old.clone());
        if before.version() > 8 {
            continue;
        }
        for (option, duplicates) in
            [(&[][..], Duplicates::Unsorted), (&["-s"][..], Duplicates::SortedUnchecked)]
        {
            files += 1;
            fs::write(&path, &old).unwrap();
            expect_success(&tool(UPGRADE, option, &path));
            let genuine = Image::new(&name, read(&path));
            let choices = Choices { profile: Profile::Genuine8b, duplicates, ..Choices::default() };
            match in_memory(&old, &choices) {
                Ok((ours, _)) => {
                    let difference = difference_to_genuine(&before, &ours, &genuine);
                    failures.extend(difference.map(|difference| format!("{name} {option:?}: {difference}")));
                }
                Err(error) => failures.push(format!("{name} {option:?}: {error}")),
            }
        }
    }
    assert!(failures.is_empty(), "{} of {files}: {failures:#?}", failures.len());
    assert!(files >= 80, "{files}");
}

#[test]
fn libdb_accepts_hash_files_of_version_9() {
    let _among_others = among_others();
    if !genuine() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.db");
    let from_data = hashes().into_iter().map(|golden| (golden.name(), read(&golden.db)));
    let all = from_data.chain(built(Endianness::Little)).chain(built(Endianness::Big));
    let (mut files, mut failures) = (0, Vec::new());
    for (name, old) in all {
        if Image::new(&name, old.clone()).version() > 8 {
            continue;
        }
        fs::write(&path, &old).unwrap();
        let before = pairs(&path);
        for (lazy, duplicates) in
            [(false, Duplicates::Unsorted), (true, Duplicates::Unsorted), (false, Duplicates::Sorted)]
        {
            files += 1;
            match in_memory(&old, &Choices { lazy, duplicates, ..Choices::default() }) {
                Ok((new, _)) => {
                    fs::write(&path, new).unwrap();
                    failures.extend(accepted(&name, &path, &before));
                }
                Err(error) if error.code() == Some("R-UNSORTED") => {}
                Err(error) => failures.push(format!("{name}: {error}")),
            }
        }
    }
    assert!(failures.is_empty(), "{} of {files}: {failures:#?}", failures.len());
    assert!(files >= 150, "{files}");
}

#[test]
fn libdb_accepts_a_hash_among_several_databases() {
    let _among_others = among_others();
    if !genuine() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.db");
    let tree = || Tree::btree().duplicates(build::Duplicates::Unsorted);
    let values = |count: u32| (0..count).map(|n| n.to_be_bytes().to_vec()).collect::<Vec<_>>();
    let entries = || [(&b"one"[..], values(1)), (b"several", values(150)), (b"two", values(1))].to_vec();
    for order in [Endianness::Little, Endianness::Big] {
        for page_size in [512, 4096] {
            let databases = [(b"a hash", tree(), entries()), (b"b tree", tree(), entries())];
            let file = Image::new("several", Builder::new(7, order, page_size).build_several(&databases));
            let old = hash_among_others(file, &[b"one", b"several", b"two"], order);
            fs::write(&path, &old.bytes).unwrap();
            let before = pairs(&path);
            if order == Endianness::Little {
                expect_success(&tool(UPGRADE, &[], &path));
                let genuine = Image::new("several", read(&path));
                let choices = Choices { profile: Profile::Genuine8b, ..Choices::default() };
                let ours = in_memory(&old.bytes, &choices).unwrap().0;
                assert_eq!(difference_to_genuine(&old, &ours, &genuine), None);
            }
            for lazy in [false, true] {
                let (new, _) = in_memory(&old.bytes, &Choices { lazy, ..Choices::default() }).unwrap();
                fs::write(&path, new).unwrap();
                let failures = accepted("several", &path, &before);
                assert!(failures.is_empty(), "{order:?} {page_size} {lazy}: {failures:#?}");
            }
        }
    }
}

#[test]
fn libdb_accepts_queues_of_version_4_and_upgrades_as_we_do() {
    let _alone = alone();
    if !genuine() {
        return;
    }
    let mut files = 0;
    for case in cases(&["queue-v"]).iter().filter(|case| !case.has("encrypted")) {
        let folder = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(testdata().join(&case.name)).unwrap() {
            let path = entry.unwrap().path();
            fs::write(folder.path().join(path.file_name().unwrap()), read(&path)).unwrap();
        }
        let path = folder.path().join("data.db");
        let old = read(&path);
        if old[16..20].contains(&4) {
            continue;
        }
        files += 1;
        if !case.big_endian {
            expect_success(&tool(UPGRADE, &[], &path));
            let genuine = read(&path);
            let choices = Choices { profile: Profile::Genuine8b, ..Choices::default() };
            assert!(in_memory(&old, &choices).unwrap().0 == genuine, "{}", case.name);
            fs::write(&path, &old).unwrap();
        }
        let lines = |text: &[u8]| sections(text).into_iter().map(|section| section.lines).collect::<Vec<_>>();
        let (before, _, _) = dump(&Database::open(&path).unwrap(), false);
        Upgrade::open(&path).run().unwrap();
        expect_success(&tool(VERIFY, &[], &path));
        let after = tool(DUMP, &[], &path);
        expect_success(&after);
        assert!(lines(&after.stdout) == lines(&before), "{}", case.name);
    }
    assert!(files >= 4, "{files}");
}
