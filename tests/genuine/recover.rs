//! Recovery beside db_recover of libdb 5.3: environments in which a program worked at random and
//! died in the middle.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use bdbkit::env::Layout;
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

#[test]
fn a_program_that_died_leaves_what_db_recover_makes_of_it() {
    let _guard = crate::among_others();
    let folder = tempfile::tempdir().unwrap();
    let Some(maker) = program(folder.path(), "make_crash", &[RECOVER, DUMP, VERIFY]) else { return };
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
