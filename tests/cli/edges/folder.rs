//! Every command over a folder of files as rpm, Subversion, wallets and postfix keep them, and of
//! others that lie beside such: made by libdb 5.3, with what was printed kept in
//! `testdata/edges`. `BDBKIT_BLESS=1` writes it anew.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{read, testdata};
use crate::tool::{err, run_in};

/// Lines of standard output that are kept of a long one.
const KEPT: usize = 5;

/// Makes the folder, if everything for that is here.
fn made(folder: &Path) -> bool {
    let program = folder.join("make_folder");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/genuine/make_folder.c");
    let compiled = Command::new("cc").arg("-o").arg(&program).arg(source).arg("-ldb-5.3").output();
    if compiled.is_ok_and(|output| output.status.success()) {
        let files = folder.join("files");
        fs::create_dir(&files).unwrap();
        let output = Command::new(program).arg(&files).output().unwrap();
        assert!(output.status.success(), "{}", err(&output));
        others(&files);
        return true;
    }
    let demanded = std::env::var_os("BDBKIT_DEMAND_GENUINE").is_some();
    assert!(!demanded, "a C compiler and libdb5.3-dev are demanded, but not both there");
    println!("not run: no C compiler, or not installed: Debian's libdb5.3-dev");
    false
}

/// What libdb 5.3 does not make: damage, older releases, other programs.
fn others(files: &Path) {
    let write = |name: &str, bytes: &[u8]| fs::write(files.join(name), bytes).unwrap();
    let genuine = |case: &str| read(testdata().join(case).join("data.db"));
    let mut destroyed = read(files.join("numbers.db"));
    destroyed[..4096].fill(0);
    write("destroyed.db", &destroyed);
    let whole = read(files.join("small-pages.db"));
    write("cut.db", &whole[..whole.len() * 2 / 3]);
    write("cut-short.db", &read(files.join("checksummed.db"))[..700]);
    let mut flipped = read(files.join("checksummed.db"));
    flipped[2 * 4096 + 3000] ^= 0x20;
    write("flipped.db", &flipped);
    write("version6.db", &genuine("btree-v6-be-levels"));
    write("version6-chains.db", &genuine("btree-v6-le-dups-offpage"));
    write("version8.db", &genuine("btree-v8-le-all-deleted"));
    let mut series1 = [0x0005_3162_u32, 3, 1234, 4096].map(u32::to_le_bytes).concat();
    series1.resize(8192, 0);
    write("series1.db", &series1);
    write("zero-length.db", b"");
    write("zeros.db", &[0; 8192]);
    write(".verified", b"");
    write("notes.txt", "Nothing of interest is written here.\n".repeat(60).as_bytes());
    write("letter.db", "This is a letter, whatever its name says.\n".repeat(60).as_bytes());
    let mut sqlite = b"SQLite format 3\0\x10\x00\x01\x01\x00\x40\x20\x20".to_vec();
    sqlite.resize(4096, 0);
    write("other-engine.db", &sqlite);
    write("packed.gz", &[&[0x1f, 0x8b, 8, 0][..], &[0x55; 900]].concat());
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", files.join("dangling.db")).unwrap();
        std::os::unix::fs::symlink("virtual.db", files.join("link.db")).unwrap();
    }
}

/// How much of what a run printed is the same each time.
#[derive(Clone, Copy, PartialEq)]
enum Sameness {
    /// All but file ids and times.
    Whole,
    /// Numbers differ, and what there is: the log has names by chance in it, and remains may be
    /// parts of a file id.
    Loose,
}

/// What a run printed, without what differs from run to run.
fn shown(folder: &Path, arguments: &[&str], sameness: Sameness) -> String {
    let output = run_in(folder, arguments);
    let mut shown = format!("$ bdbkit {}\n", arguments.join(" "));
    let masked = |bytes: &[u8]| match sameness {
        Sameness::Whole => masked(&String::from_utf8_lossy(bytes)),
        Sameness::Loose => numberless(&masked(&String::from_utf8_lossy(bytes))),
    };
    let out = masked(&output.stdout);
    let lines: Vec<&str> = out.lines().collect();
    let kept = if lines.len() > 4 * KEPT { KEPT } else { lines.len() };
    for line in &lines[..kept] {
        writeln!(shown, "{}", line.chars().take(200).collect::<String>()).unwrap();
    }
    if kept < lines.len() && sameness == Sameness::Whole {
        writeln!(shown, "... {} lines, {:08x}", lines.len(), crc32fast::hash(out.as_bytes())).unwrap();
    }
    let error = masked(&output.stderr);
    let same = |line: &&str| sameness == Sameness::Whole || !line.contains("# records");
    error.lines().filter(same).for_each(|line| writeln!(shown, "! {line}").unwrap());
    writeln!(shown, "exit {}\n", output.status.code().map_or("by a signal".into(), |code| code.to_string()))
        .unwrap();
    shown
}

/// A text with one mark for each number.
fn numberless(text: &str) -> String {
    let mut masked = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' if masked.ends_with('#') => {}
            '0'..='9' => masked.push('#'),
            c => masked.push(c),
        }
    }
    masked
}

/// File ids and times differ each time.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        let (before, from) = rest.split_at(start);
        masked.push_str(before);
        let time = from.get(..19).filter(|time| is_time(time));
        let length = from.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(from.len());
        let (length, mask) = match time {
            Some(_) => (19, Some("<time>")),
            None => (length, (length == 40).then_some("<file id>")),
        };
        let (word, after) = from.split_at(length);
        masked.push_str(mask.unwrap_or(word));
        rest = after;
    }
    masked + rest
}

/// Whether a text is a time, as 2009-11-04 00:00:00.
fn is_time(text: &str) -> bool {
    text.bytes().zip("dddd-dd-dd dd:dd:dd".bytes()).all(|(is, form)| match form {
        b'd' => is.is_ascii_digit(),
        b' ' => is == b' ' || is == b'T',
        form => is == form,
    })
}

fn check(name: &str, shown: &str) {
    let golden = testdata().join("edges").join(name);
    if std::env::var_os("BDBKIT_BLESS").is_some() {
        fs::create_dir_all(golden.parent().unwrap()).unwrap();
        fs::write(golden, shown).unwrap();
        return;
    }
    let expected = fs::read_to_string(&golden).unwrap_or_default();
    for (is, was) in shown.split("\n\n").zip(expected.split("\n\n")) {
        assert_eq!(is, was, "{name} differs; BDBKIT_BLESS=1 writes it anew");
    }
    assert_eq!(shown.len(), expected.len(), "{name} differs in length");
}

#[test]
fn every_command_over_a_folder_of_real_files() {
    let folder = tempfile::tempdir().unwrap();
    if !made(folder.path()) {
        return;
    }
    let files = folder.path().join("files");
    let mut names: Vec<PathBuf> = fs::read_dir(&files).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let names: Vec<&str> = names.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert!(names.len() >= 40, "{names:?}");
    let commands: [(&str, &[&str]); 9] = [
        ("info", &["info"]),
        ("verify", &["verify"]),
        ("dump", &["dump", "-p"]),
        ("list", &["dump", "-l"]),
        ("get", &["get"]),
        ("salvage", &["salvage", "-p"]),
        ("salvage-deleted", &["salvage", "--deleted", "--json"]),
        ("upgrade", &["upgrade", "--check"]),
        ("reset", &["reset-lsn"]),
    ];
    let before = tree(&files);
    for (name, command) in commands {
        let sameness = if name == "salvage-deleted" { Sameness::Loose } else { Sameness::Whole };
        let mut all = String::new();
        for file in &names {
            if command[0] == "reset-lsn" {
                continue;
            }
            let key: &[&str] = if command == ["get"] { &["key0003"] } else { &[] };
            all.push_str(&shown(&files, &[command, &[file], key].concat(), sameness));
        }
        if command[0] != "get" {
            all.push_str(&shown(&files, &[command, &["."]].concat(), sameness));
            all.push_str(&shown(&files, &[command, &["svn"]].concat(), sameness));
        }
        check(&format!("{name}.txt"), &all);
    }
    let logs: [&[&str]; 5] = [
        &["log", "verify", "svn"],
        &["log", "stat", "svn"],
        &["store", "survey", "svn"],
        &["store", "survey", "."],
        &["store", "list", "svn"],
    ];
    let all: String = logs.iter().map(|arguments| shown(&files, arguments, Sameness::Loose)).collect();
    check("environment.txt", &all);
    assert_eq!(tree(&files), before, "no command wrote anything");
}

/// All files of a folder and their bytes.
fn tree(folder: &Path) -> Vec<(PathBuf, u32)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(tree(&path));
        } else if path.is_file() {
            found.push((path.clone(), crc32fast::hash(&read(&path))));
        }
    }
    found.sort();
    found
}
