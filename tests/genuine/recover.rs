//! Recovery beside db_recover of libdb 5.3: environments in which a program worked at random and
//! died in the middle.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use bdbkit::env::Layout;
use bdbkit::in_place::{InPlace, InPlaceError};
use bdbkit::recover::Recover;

use crate::common::tools::{DUMP, VERIFY, expect_success, program, tool};

const RECOVER: &str = "db5.3_recover";

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// What db_dump prints of every database in a folder.
fn dumps(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("log.") || name.starts_with("__db") {
            continue;
        }
        let output = tool(DUMP, &[], &path);
        expect_success(&output);
        found.insert(name, output.stdout);
    }
    found
}

/// The application opens what was recovered in place, and works on.
fn goes_on(program: &Path, home: &Path, before: &BTreeMap<String, Vec<u8>>, seed: u64) {
    let is_main = |name: &&String| !name.starts_with("__db");
    let sound = |name: &&String| tool(VERIFY, &["-q"], &home.join(name)).status.success();
    let names: Vec<&String> = before.keys().filter(is_main).filter(sound).collect();
    if names.is_empty() {
        return;
    }
    // Of several databases in a file, one.
    let several = |name: &str| before[name].windows(13).any(|line| line == b"database=one\n");
    let databases =
        names.iter().map(|name| if several(name) { format!("{name}:one") } else { name.to_string() });
    let output = Command::new(program).arg(home).args(databases).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "seed {seed}: the library does not go on: {told}");
    let after = dumps(home);
    for name in names {
        expect_success(&tool(VERIFY, &["-q"], &home.join(name)));
        assert!(after[name].len() > before[name].len(), "seed {seed}: nothing was added to {name}");
    }
    expect_success(&Command::new(RECOVER).arg("-h").arg(home).output().unwrap());
    assert!(dumps(home) == after, "seed {seed}: a later recovery changes what was written");
}

#[test]
fn a_program_that_died_leaves_what_db_recover_makes_of_it() {
    let _guard = crate::among_others();
    let folder = tempfile::tempdir().unwrap();
    let Some(maker) = program(folder.path(), "make_crash", &[RECOVER, DUMP, VERIFY]) else { return };
    let Some(go_on) = program(folder.path(), "go_on", &[VERIFY]) else { return };
    let number = |name: &str, default: u64| {
        std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(default)
    };
    let (first, rounds) = (number("BDBKIT_SEED", 1), number("BDBKIT_CRASHES", 40));
    println!("seeds {first} to {}", first + rounds - 1);
    let mut compared = 0;
    for seed in first..first + rounds {
        let round = tempfile::tempdir().unwrap();
        let [home, genuine, strict, sound] =
            ["home", "genuine", "strict", "sound"].map(|name| round.path().join(name));
        fs::create_dir(&home).unwrap();
        expect_success(&Command::new(&maker).arg(&home).arg(seed.to_string()).output().unwrap());
        copy(&home, &genuine);
        let recovered = Command::new(RECOVER).arg("-h").arg(&genuine).output().unwrap();
        if !recovered.status.success() {
            println!("seed {seed}: {RECOVER} failed: {}", String::from_utf8_lossy(&recovered.stderr));
            continue;
        }
        // What the release does wrong is done, too; then what it should do.
        for (strict, to) in [(true, &strict), (false, &sound)] {
            let view = Recover::new().strict(strict).view(&Layout::of(&home)).unwrap();
            assert!(view.report().is_complete(), "seed {seed}: {:#?}", view.report());
            view.write_to(to).unwrap();
        }
        let here = round.path().join("here");
        copy(&home, &here);
        let done = InPlace::open(Layout::of(&here)).assume_closed(true).run(&Recover::new());
        let done = match done {
            // What the library itself made unsound is for copies only.
            Err(InPlaceError::Unsound { path, why }) => {
                let of_genuine = genuine.join(path.file_name().unwrap());
                assert!(!tool(VERIFY, &["-q"], &of_genuine).status.success(), "seed {seed}: {why}");
                println!("seed {seed}: not in place: {why}");
                None
            }
            done => Some(done.unwrap_or_else(|error| panic!("seed {seed}: {error}"))),
        };
        assert!(done.as_ref().is_none_or(|done| done.clean), "seed {seed}: {done:#?}");
        let [of_genuine, of_strict, of_sound] = [&genuine, &strict, &sound].map(|folder| dumps(folder));
        assert!(
            of_genuine.keys().eq(of_strict.keys()),
            "seed {seed}: {:?}, not {:?}",
            of_strict.keys(),
            of_genuine.keys()
        );
        assert!(
            of_genuine.keys().eq(of_sound.keys()),
            "seed {seed}: {:?}, not {:?}",
            of_sound.keys(),
            of_genuine.keys()
        );
        if let Some(done) = done {
            let of_here = dumps(&here);
            assert!(of_here == of_sound, "seed {seed}: {:?}, not {:?}", of_here.keys(), of_sound.keys());
            // The library ends in a panic where a transaction is in doubt, after its own recovery, too.
            if done.recovered.in_doubt.is_empty() {
                goes_on(&go_on, &here, &of_here, seed);
            }
        }
        for (name, dump) in &of_genuine {
            assert!(*dump == of_strict[name], "seed {seed}: {name} has other pairs");
            if *dump != of_sound[name] {
                println!("seed {seed}: {name}: {RECOVER} leaves other pairs than there should be");
            }
            let is_sound = |folder: &Path| tool(VERIFY, &["-q"], &folder.join(name)).status.success();
            assert!(is_sound(&sound) || !is_sound(&genuine), "seed {seed}: {name} is not sound");
            compared += 1;
        }
    }
    assert!(compared > rounds, "{compared} databases");
}
