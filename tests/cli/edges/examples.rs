//! Every command that the help and the README show is run: a reader copies it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::common::{read, testdata};
use crate::tool::{err, out, tool};

/// The folder that the examples speak of.
fn sandbox(folder: &Path) {
    let case = |case: &str| read(testdata().join(case).join("data.db"));
    let write = |name: &str, bytes: Vec<u8>| fs::write(folder.join(name), bytes).unwrap();
    write("folder.db", case("btree-v9-le-few"));
    write("old.db", case("btree-v6-be-levels"));
    write("many.db", case("btree-v9-le-subdbs"));
    write("broken.db", case("damage-v9-le-garbage"));
    write("disk.img", [vec![0; 8192], case("btree-v9-le-few")].concat());
    for (name, store) in [("mboxlist", "mboxlist-ims60-log3-le"), ("store", "mboxlist-ims60-log3-le")] {
        copy(&testdata().join(store), &folder.join(name));
    }
    copy(&testdata().join("mboxlist-ims60-log3-le"), &folder.join("dbdata/snapshots/20091104"));
    for mark in [".snaptime", ".verified"] {
        fs::write(folder.join("dbdata/snapshots/20091104").join(mark), "").unwrap();
    }
    fs::create_dir(folder.join("bin")).unwrap();
    #[cfg(unix)]
    for (name, program) in
        [("bdbkit", env!("CARGO_BIN_EXE_bdbkit")), ("db_load", "/usr/bin/db5.3_load"), ("less", "/bin/cat")]
    {
        std::os::unix::fs::symlink(program, folder.join("bin").join(name)).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.path().extension().is_none_or(|extension| extension != "txt") {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

fn help(command: &[&str]) -> String {
    out(&tool().args(command).arg("--help").output().unwrap())
}

/// The commands of a tool's help, by their paths.
fn commands(path: &[&str], found: &mut Vec<String>) {
    let help = help(path);
    found.extend(examples(&help));
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names: Vec<&str> = listed.take_while(|line| !line.is_empty()).filter_map(command_of).collect();
    for name in names {
        commands(&[path, &[name]].concat(), found);
    }
}

fn command_of(line: &str) -> Option<&str> {
    let name = line.strip_prefix("  ")?.split(' ').next()?;
    (!name.is_empty() && name != "help").then_some(name)
}

/// What stands behind a dollar or is indented, up to its comment.
fn examples(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("$ ").or(line.strip_prefix("  ")));
    let commands = lines.filter(|line| line.starts_with("bdbkit ") && !line.contains("[OPTIONS]"));
    commands.map(|line| line.split(" #").next().unwrap_or(line).trim().to_owned()).collect()
}

fn shell(folder: &Path, command: &str) -> Output {
    let path = format!("{}:{}", folder.join("bin").to_str().unwrap(), std::env::var("PATH").unwrap());
    let command = command.replace("/var/tmp/old", "aside");
    // The last program of a pipe must end well, whatever bdbkit says of a damaged file.
    Command::new("bash").args(["-c", &command]).current_dir(folder).env("PATH", path).output().unwrap()
}

#[test]
fn every_example_is_a_command_that_works() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let mut all = examples(&readme);
    commands(&[], &mut all);
    all.sort();
    all.dedup();
    assert!(all.len() >= 35, "{all:#?}");
    let genuine = Path::new("/usr/bin/db5.3_load").exists();
    assert!(genuine || std::env::var_os("BDBKIT_DEMAND_GENUINE").is_none(), "db5.3_load is demanded");
    for command in all {
        if !genuine && command.contains("_load") {
            println!("not run: {command}: db5.3_load is not installed");
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        sandbox(folder.path());
        fs::copy(folder.path().join("folder.db"), folder.path().join("disk.img")).unwrap();
        if command.contains("log.0000000007") {
            // The log of this store has one file; alone, any may be the seventh.
            let log = read(folder.path().join("store/log.0000000001"));
            for name in ["log.0000000007", "store/log.0000000007"] {
                fs::write(folder.path().join(name), &log).unwrap();
            }
        }
        let output = shell(folder.path(), &command);
        let expected: &[i32] = match command.split(' ').nth(1).unwrap() {
            // What is asked for may not be there, the file is broken.
            "get" | "diff" => &[0, 1],
            "log" if command.contains("history") => &[0, 1],
            "salvage" if !command.contains('|') => &[1],
            "dump" if command.contains("broken") => &[1],
            // There is nothing to complete, and the snapshot is restored by force only.
            "store" | "upgrade" | "downgrade" | "convert" | "info" => &[0, 1, 4],
            _ => &[0],
        };
        let code = output.status.code().unwrap();
        assert!(expected.contains(&code), "{command}: exit {code}: {}", err(&output));
        assert!(!err(&output).contains("Usage:"), "{command}: {}", err(&output));
    }
}

/// The files that a section of the README begins with, and what it shows then, line by line.
#[test]
fn worked_examples_print_what_the_readme_shows() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    for (section, file, case) in [
        ("### From SPARC to x86\n", "mboxlist", "mboxlist-ims63-log11-be"),
        ("### Back to an older release\n", "folder.db", "btree-v9-le-levels"),
        ("## A fresh file\n", "folder.db", "btree-v9-le-levels"),
        ("### Mending\n", "folder.db", "damage-v9-le-next-cycle"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        sandbox(folder.path());
        let case = testdata().join(case);
        if file == "mboxlist" {
            // As a conversion leaves its logs behind.
            for store in ["mboxlist", "dbdata/snapshots/20091104"] {
                fs::remove_dir_all(folder.path().join(store)).unwrap();
                copy(&case, &folder.path().join(store));
                fs::remove_file(folder.path().join(store).join("log.0000000001")).unwrap();
            }
        } else {
            fs::copy(case.join("data.db"), folder.path().join(file)).unwrap();
        }
        let from = readme.find(section).unwrap();
        let block = readme[from..].split("```console\n").nth(1).unwrap().split("```").next().unwrap();
        let (mut printed, mut shown) = (Vec::new(), 0);
        for line in block.lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                assert!(printed.is_empty(), "{section}: not shown: {printed:?}");
                let output = shell(folder.path(), command.split(" #").next().unwrap());
                let text = out(&output).replace("aside/", "/var/tmp/old/") + &err(&output);
                assert!(output.status.success(), "{section}: {command}: {text}");
                printed = text.lines().map(str::to_owned).rev().collect();
            } else if line == "…" {
                printed.clear();
            } else {
                assert_eq!(printed.pop().as_deref(), Some(line), "{section}");
                shown += 1;
            }
        }
        assert!(printed.is_empty() && shown > 1, "{section}: {printed:?}");
    }
}
