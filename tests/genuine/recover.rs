//! Recovery beside db_recover of libdb 5.3: environments in which a program worked at random and
//! died in the middle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use bdbkit::OpenOptions;
use bdbkit::env::Layout;
use bdbkit::in_place::{InPlace, InPlaceError};
use bdbkit::log::{Event, LogDir, LogOptions};
use bdbkit::recover::{Recover, RecoverError, Until};

use crate::common::tools::{DUMP, VERIFY, expect_success, program, tool};

const RECOVER: &str = "db5.3_recover";

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, to).unwrap();
        }
    }
}

const PASSWORD: &str = "secret";

fn unlocked(encrypted: bool) -> &'static [&'static str] {
    if encrypted { &["-P", PASSWORD] } else { &[] }
}

/// What db_dump prints of every database in a folder and those in it.
fn dumps(folder: &Path, encrypted: bool) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            let inside = dumps(&path, encrypted).into_iter();
            found.extend(inside.map(|(inner, text)| (format!("{name}/{inner}"), text)));
            continue;
        }
        if name.starts_with("log.") || name.starts_with("__db") || name == "DB_CONFIG" {
            continue;
        }
        let output = tool(DUMP, unlocked(encrypted), &path);
        expect_success(&output);
        found.insert(name, output.stdout);
    }
    found
}

/// The application opens what was recovered in place, and works on.
fn goes_on(program: &Path, home: &Path, before: &BTreeMap<String, Vec<u8>>, encrypted: bool, seed: u64) {
    let is_main = |name: &&String| !name.starts_with("__db");
    let quiet = [&["-q"], unlocked(encrypted)].concat();
    let sound = |name: &&String| tool(VERIFY, &quiet, &home.join(name)).status.success();
    let names: Vec<&String> = before.keys().filter(is_main).filter(sound).collect();
    if names.is_empty() {
        return;
    }
    // Of several databases in a file, one.
    let several = |name: &str| before[name].windows(13).any(|line| line == b"database=one\n");
    let databases =
        names.iter().map(|name| if several(name) { format!("{name}:one") } else { name.to_string() });
    let mut command = Command::new(program);
    if encrypted {
        command.env("PASSWORD", PASSWORD);
    }
    let output = command.arg(home).args(databases).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "seed {seed}: the library does not go on: {told}");
    let after = dumps(home, encrypted);
    for name in names {
        expect_success(&tool(VERIFY, &quiet, &home.join(name)));
        assert!(after[name].len() > before[name].len(), "seed {seed}: nothing was added to {name}");
    }
    let again = Command::new(RECOVER).args(unlocked(encrypted)).arg("-h").arg(home).output().unwrap();
    expect_success(&again);
    assert!(dumps(home, encrypted) == after, "seed {seed}: a later recovery changes what was written");
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
        let encrypted = seed % 4 == 0;
        if seed % 4 == 1 {
            // Databases in folders of their own.
            ["d1", "d2"].iter().for_each(|name| fs::create_dir(home.join(name)).unwrap());
            let config = "set_data_dir d1\nset_data_dir d2\nset_create_dir d2\n";
            fs::write(home.join("DB_CONFIG"), config).unwrap();
        }
        let mut make = Command::new(&maker);
        make.arg(&home).arg(seed.to_string()).args(encrypted.then_some("encrypted"));
        expect_success(&make.output().unwrap());
        copy(&home, &genuine);
        let recovered =
            Command::new(RECOVER).args(unlocked(encrypted)).arg("-h").arg(&genuine).output().unwrap();
        if !recovered.status.success() {
            println!("seed {seed}: {RECOVER} failed: {}", String::from_utf8_lossy(&recovered.stderr));
            continue;
        }
        let recover = if encrypted {
            let log = LogOptions::new().password(PASSWORD);
            Recover::new().log(log).files(OpenOptions::new().password(PASSWORD))
        } else {
            Recover::new()
        };
        // What the release does wrong is done, too; then what it should do.
        for (strict, to) in [(true, &strict), (false, &sound)] {
            let view = recover.clone().strict(strict).view(&Layout::of(&home)).unwrap();
            assert!(view.report().is_complete(), "seed {seed}: {:#?}", view.report());
            view.write_to(to).unwrap();
        }
        let [of_genuine, of_strict, of_sound] =
            [&genuine, &strict, &sound].map(|folder| dumps(folder, encrypted));
        let here = round.path().join("here");
        copy(&home, &here);
        let done = InPlace::open(Layout::of(&here)).assume_closed(true).run(&recover);
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
            let of_here = dumps(&here, encrypted);
            assert!(of_here == of_sound, "seed {seed}: {:?}, not {:?}", of_here.keys(), of_sound.keys());
            // The library ends in a panic where a transaction is in doubt, after its own recovery, too.
            if done.recovered.in_doubt.is_empty() && seed % 4 != 1 {
                goes_on(&go_on, &here, &of_here, encrypted, seed);
            }
        }
        for (name, dump) in &of_genuine {
            assert!(*dump == of_strict[name], "seed {seed}: {name} has other pairs");
            if *dump != of_sound[name] {
                println!("seed {seed}: {name}: {RECOVER} leaves other pairs than there should be");
            }
            let options = [&["-q"], unlocked(encrypted)].concat();
            let is_sound = |folder: &Path| tool(VERIFY, &options, &folder.join(name)).status.success();
            assert!(is_sound(&sound) || !is_sound(&genuine), "seed {seed}: {name} is not sound");
            compared += 1;
        }
    }
    assert!(compared > rounds, "{compared} databases");
}

/// To the end of each second in which the program worked: as db_recover -t has it.
#[test]
fn a_moment_is_what_db_recover_makes_of_it() {
    let _guard = crate::among_others();
    let folder = tempfile::tempdir().unwrap();
    let Some(maker) = program(folder.path(), "make_crash", &[RECOVER, DUMP, VERIFY]) else { return };
    let number = |name: &str, default: u64| {
        std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(default)
    };
    let (first, rounds) = (number("BDBKIT_SEED", 1), number("BDBKIT_MOMENTS", 3));
    let mut compared = 0;
    for seed in first..first + rounds {
        let round = tempfile::tempdir().unwrap();
        let home = round.path().join("home");
        fs::create_dir(&home).unwrap();
        let output = Command::new(&maker).arg(&home).arg(seed.to_string()).arg("slow").output().unwrap();
        expect_success(&output);
        let log = LogDir::open(&home).unwrap();
        let times = log.records().filter_map(|record| match record.unwrap().event() {
            Event::Commit { time, .. } => time,
            _ => None,
        });
        let times = times.collect::<BTreeSet<i64>>();
        for (at, second) in times.into_iter().enumerate() {
            let [genuine, ours] = ["genuine", "ours"].map(|name| round.path().join(format!("{name}{at}")));
            copy(&home, &genuine);
            let of_day = second.rem_euclid(86_400);
            // All of it happens on one day, which the program of the system names.
            let day =
                Command::new("date").args(["-u", "-d", &format!("@{second}"), "+%Y%m%d"]).output().unwrap();
            let day = String::from_utf8(day.stdout).unwrap();
            let (hours, minutes, seconds) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
            let moment = format!("{}{hours:02}{minutes:02}.{seconds:02}", day.trim());
            let mut command = Command::new(RECOVER);
            command.env("TZ", "UTC").arg("-h").arg(&genuine).args(["-t", &moment]);
            let recovered = command.output().unwrap();
            let view = Recover::new().strict(true).until(Until::Time(second)).view(&Layout::of(&home));
            if !recovered.status.success() {
                // Before the first checkpoint there is nothing to go back to.
                let early =
                    matches!(view, Err(RecoverError::Early { .. } | RecoverError::NoCheckpoint { .. }));
                let text = String::from_utf8_lossy(&recovered.stderr).into_owned();
                assert!(
                    early || !text.contains("Invalid recovery timestamp"),
                    "seed {seed}: {moment}: {text}"
                );
                continue;
            }
            let view = view.unwrap_or_else(|error| panic!("seed {seed}: {moment}: {error}"));
            assert!(view.report().is_complete(), "seed {seed}: {moment}: {:#?}", view.report());
            view.write_to(&ours).unwrap();
            let [genuine, ours] = [&genuine, &ours].map(|folder| dumps(folder, false));
            assert!(genuine.keys().eq(ours.keys()), "seed {seed}: {moment}: {:?}", ours.keys());
            for (name, dump) in &genuine {
                assert!(*dump == ours[name], "seed {seed}: {moment}: {name} has other pairs");
                compared += 1;
            }
        }
    }
    assert!(compared > rounds, "{compared} databases");
}
