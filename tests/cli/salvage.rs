//! `bdbkit salvage` and `bdbkit dump -r` as their users meet them.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::common;
use crate::common::{data, missing, multiset, pairs_of_text, read, sections, testdata};
use crate::tool::{err, file, run, written};

#[test]
fn a_healthy_file_is_salvaged_as_it_is_dumped() {
    for case in ["btree-v6-be-levels", "btree-v9-le-dups-offpage", "recno-v9-le-var", "btree-v9-le-subdbs"] {
        let dumped = run(&["dump", &file(case)]);
        let found = run(&["dump", "-r", &file(case)]);
        assert_eq!(found.status.code(), Some(0), "{case}: {}", err(&found));
        assert_eq!(err(&found), "", "{case}");
        let lines = |output: &Output| {
            sections(&output.stdout).into_iter().map(|s| (s.database, s.kind, s.lines)).collect::<Vec<_>>()
        };
        assert_eq!(lines(&dumped), lines(&found), "{case}");
        let salvaged = run(&["salvage", &file(case)]);
        assert_eq!(salvaged.status.code(), Some(0));
        assert_eq!(salvaged.stdout, found.stdout);
        let said = err(&salvaged);
        assert!(said.lines().count() == 2 && said.contains("load it with: db_load"), "{said}");
    }
    let printed = run(&["salvage", "-p", &file("btree-v6-be-one")]);
    assert!(String::from_utf8_lossy(&printed.stdout).ends_with(" key\n data\nDATA=END\n"));
}

#[test]
fn damage_is_named_line_by_line_up_to_a_number_and_ends_with_1() {
    let path = file("damage-v9-le-garbage");
    let output = run(&["salvage", &path]);
    assert_eq!(output.status.code(), Some(1));
    let message = err(&output);
    assert!(message.lines().all(|line| line.starts_with(&format!("bdbkit: {path}: "))), "{message}");
    assert!(message.contains("page 5: byte 26: slot 0 points to"), "{message}");
    assert!(message.contains(" records: "), "{message}");
    // A page of nothing but wrong slots.
    let mut image = common::image::Image::of_case("btree-v9-be-few");
    let leaf = image.pages_of(common::image::LEAF)[0];
    for slot in 0..image.entries(leaf) {
        image.put_u16(leaf, image.slot(slot), 7);
    }
    let folder = tempfile::tempdir().unwrap();
    let output = run(&["salvage", &written(folder.path(), "slots.db", &image.bytes)]);
    let message = err(&output);
    assert!(message.contains("more\n") && message.lines().count() < 30, "{message}");
}

#[test]
fn dump_of_a_damaged_file_tells_of_salvage() {
    let output = run(&["dump", &file("damage-v9-le-garbage")]);
    assert!(err(&output).lines().last().unwrap().contains("bdbkit salvage"));
}

#[test]
fn a_file_without_page_0_is_salvaged_and_page_size_and_order_can_be_given() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = data("btree-v6-be-levels");
    let expected = multiset(pairs_of_text(&run(&["dump", &file("btree-v6-be-levels")]).stdout));
    bytes[..512].fill(0);
    let path = written(folder.path(), "headless.db", &bytes);
    let output = run(&["salvage", &path]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        err(&output)
            .contains("page 0 does not tell what the file is: read as big-endian, in pages of 512 bytes")
    );
    assert_eq!(multiset(pairs_of_text(&output.stdout)), expected);
    let output = run(&["salvage", "--page-size", "512", "--big-endian", &path]);
    assert_eq!(multiset(pairs_of_text(&output.stdout)), expected);
    let output = run(&["salvage", "--page-size", "4096", &path]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(3), 0), "{}", err(&output));
    let output = run(&["salvage", "--page-size", "1000", &path]);
    assert_eq!(output.status.code(), Some(2), "wrong usage");
    assert!(err(&output).contains("power of two"));
    let output = run(&["salvage", "--big-endian", "--little-endian", &path]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn each_record_is_a_line_of_json_with_its_provenance() {
    let output = run(&["salvage", "--json", "--deleted", &file("btree-v9-le-delete-marked")]);
    let lines: Vec<Value> = output
        .stdout
        .split(|&b| b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).unwrap())
        .collect();
    let origin = |name: &str| lines.iter().filter(|line| line["origin"] == name).count();
    assert!(origin("tree") > 30 && origin("deleted") >= 3, "{}", lines.len());
    let live = lines.iter().find(|line| line["origin"] == "tree").unwrap();
    assert_eq!(live["confidence"], "high");
    assert!(live["key"]["hex"].is_string() && live["page"].is_u64() && live["slot"].is_u64(), "{live}");
    assert!(lines.iter().filter(|line| line["origin"] == "deleted").all(|line| line["confidence"] == "low"));
    let output = run(&["salvage", "--json", &file("btree-v9-le-subdbs")]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.lines().any(|line| line.contains(r#""database":"numbers""#) && line.contains(r#""record":1,"#))
    );
}

#[test]
fn what_cannot_be_salvaged_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let letter = written(folder.path(), "letter.txt", "Dear reader,\n".repeat(400).as_bytes());
    let nothing = folder.path().join("nothing.db").to_str().unwrap().to_owned();
    // Numbers that rise as page numbers do, where 1.85 has the links of its pages.
    let mut old = vec![0; 40 * 512];
    old[..8].copy_from_slice(&[0x62, 0x31, 5, 0, 3, 0, 0, 0]);
    for page in 1..40u32 {
        let start = usize::try_from(page).unwrap() * 512;
        old[start..start + 4].copy_from_slice(&page.to_le_bytes());
        old[start + 8..start + 12].copy_from_slice(&(page + 1).to_le_bytes());
        old[start + 24..start + 26].copy_from_slice(&[1, 5]);
    }
    let mut state = 9u32;
    let mut noise = |len: usize| -> Vec<u8> {
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        (0..len).map(|_| next()).collect()
    };
    for (path, code, words) in [
        (letter, 3, "not a Berkeley DB file"),
        (nothing, 1, "No such file"),
        (written(folder.path(), "empty.db", b""), 1, "empty"),
        (written(folder.path(), "old.db", &old), 1, "page size is 0, expected an even number"),
        (written(folder.path(), "noise.bin", &noise(300_000)), 3, "not a Berkeley DB file"),
        (
            written(folder.path(), "tables.sqlite", &[b"SQLite format 3\0".to_vec(), noise(99_000)].concat()),
            3,
            "not a",
        ),
        (file("btree-v9-le-encrypted"), 1, "encrypted: its password is needed"),
    ] {
        for command in
            [&["salvage", path.as_str()][..], &["dump", "-r", &path], &["salvage", "--json", &path]]
        {
            let output = run(command);
            let told = if command.contains(&"--json") { "{\"schema\":1,\"type\":\"error\"," } else { "" };
            let lines = String::from_utf8(output.stdout.clone()).unwrap();
            assert_eq!(
                (output.status.code(), lines.is_empty()),
                (Some(code), told.is_empty()),
                "{command:?}"
            );
            assert!(lines.starts_with(told) && lines.lines().count() <= 1, "{lines}");
            let said = err(&output);
            assert!(said.lines().count() == 1 && said.contains(words), "{said}");
            assert!(!said.contains("bdbkit salvage"), "{said}");
        }
        if code == 3 {
            let words =
                |output: &Output| err(output).replace(" (\"bdbkit salvage\" may find what is in it)", "");
            assert_eq!(words(&run(&["dump", &path])), words(&run(&["salvage", &path])), "the same words");
        }
    }
    // Who says how it is divided gets what looks like records, if anything does.
    let output = run(&["salvage", "--page-size", "1024", &written(folder.path(), "zeros", &[0; 9000])]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(3), 0), "{}", err(&output));
}

#[test]
fn a_sound_file_without_records_is_complete() {
    for case in [
        "btree-v6-be-empty",
        "btree-v7-le-empty",
        "btree-v9-le-empty",
        "hash-v5-le-empty",
        "hash-v8-be-empty",
    ] {
        for command in ["salvage", "dump"] {
            let option = if command == "dump" { "-r" } else { "--deleted" };
            let output = run(&[command, option, &file(case)]);
            assert_eq!(output.status.code(), Some(0), "{case}: {}", err(&output));
            assert!(output.stdout.ends_with(b"HEADER=END\nDATA=END\n"), "{case}");
            assert!(!err(&output).contains("no records"), "{}", err(&output));
        }
    }
    // Where something is wrong, nothing is said to be lost.
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = data("btree-v9-le-empty");
    bytes[12..16].fill(0);
    let output = run(&["salvage", &written(folder.path(), "headless.db", &bytes)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("no records found"), "{}", err(&output));
}

#[test]
fn who_refuses_a_file_says_that_a_salvage_may_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut newer = data("btree-v9-le-few");
    newer[16] = 11;
    let newer = written(folder.path(), "newer.db", &newer);
    // A missing password no salvage makes up for.
    for (path, may) in [(newer, true), (file("btree-v9-le-encrypted"), false)] {
        let output = run(&["dump", &path]);
        assert_eq!(output.status.code(), Some(if may { 3 } else { 1 }), "{path}");
        assert_eq!(err(&output).contains("bdbkit salvage"), may, "{path}: {}", err(&output));
        let code = run(&["salvage", &path]).status.code();
        assert_eq!(code == Some(0), may, "{path}");
    }
}

#[test]
fn the_input_is_never_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "data.db", &data("damage-v9-le-garbage"));
    let output = run(&["salvage", "-f", &path, &path]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("not overwritten"));
    run(&["salvage", "--deleted", "-f", folder.path().join("out.txt").to_str().unwrap(), &path]);
    assert_eq!(read(&path), data("damage-v9-le-garbage"));
    assert!(read(folder.path().join("out.txt")).ends_with(b"DATA=END\n"));
}

/// The lines of JSON of a salvage.
fn lines(arguments: &[&str]) -> Vec<Value> {
    let output = run(arguments).stdout;
    let lines = output.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

#[test]
fn json_tells_where_in_the_file_a_record_stands_and_what_is_not_known() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = data("btree-v9-le-levels");
    let path = written(folder.path(), "cut.db", &bytes[2 * 512..]);
    let found = lines(&["salvage", "--json", &path]);
    assert!(found.len() > 100);
    for line in &found {
        let (page, offset) = (line["page"].as_u64().unwrap(), line["offset"].as_u64().unwrap());
        assert_eq!(offset / 512, page, "{line}");
        assert_eq!(line["page_says"].as_u64(), Some(page + 2), "{line}");
    }
    assert!(err(&run(&["salvage", &path])).contains("the first one here says that it is page 2"));
    // Of remains it may not be known which is the key.
    let found = lines(&["salvage", "--json", "--deleted", &file("btree-v9-le-subdbs-removed")]);
    let unknown: Vec<&Value> = found.iter().filter(|line| line.get("first").is_some()).collect();
    for line in &found {
        let noted = line["remarks"].to_string().contains("which part is the key");
        assert_eq!(line.get("first").is_some(), noted, "{line}");
        assert_eq!(line.get("key").is_none() && line.get("record").is_none(), noted, "{line}");
    }
    let said = err(&run(&["salvage", "--deleted", &file("btree-v9-le-subdbs-removed")]));
    assert_eq!(said.contains("it is not known which part is the key"), !unknown.is_empty(), "{said}");
}

#[cfg(unix)]
#[test]
fn json_is_written_in_large_pieces() {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixDatagram;
    use std::time::Duration;
    // A socket that keeps writes apart, each one a message.
    let (ours, theirs) = UnixDatagram::pair().unwrap();
    ours.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_bdbkit"));
    command.args(["salvage", "--json", &file("btree-v9-le-dups-offpage-many")]).stderr(Stdio::null());
    let mut child = command.stdout(Stdio::from(OwnedFd::from(theirs))).spawn().unwrap();
    drop(command);
    let (mut writes, mut bytes, mut buffer) = (0, Vec::new(), vec![0; 1 << 20]);
    loop {
        match ours.recv(&mut buffer) {
            Ok(0) => break,
            Ok(len) => {
                writes += 1;
                bytes.extend_from_slice(&buffer[..len]);
            }
            Err(_) if child.try_wait().unwrap().is_some() => break,
            Err(_) => {}
        }
    }
    let records = bytes.iter().filter(|byte| **byte == b'\n').count();
    assert!(records > 200, "{records} records");
    assert!(writes <= bytes.len() / (32 << 10) + 1, "{writes} writes of {} bytes", bytes.len());
}

/// The command that a salvage says to load its output with.
fn recipe(said: &str) -> String {
    let line = said.lines().find_map(|line| line.split_once("load it with: ")).unwrap().1;
    line.rsplit_once(" (").unwrap().0.replace("db_load", "db5.3_load")
}

#[test]
fn the_command_that_is_said_loads_all_that_was_found() {
    if !installed("db5.3_load") || !installed("db5.3_dump") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let all = |text: &[u8]| multiset(pairs_of_text(text));
    let (mut said, mut loaded) = (BTreeSet::new(), 0);
    // Leaves whose keys are lost, where the database keeps each key once.
    let keyless = |case: &str| {
        let mut image = common::image::Image::of_case(case);
        for page in image.pages_of(common::image::LEAF).into_iter().take(3) {
            for slot in (0..image.entries(page)).step_by(2) {
                let at = image.item(page, slot) + 2;
                image.put(page, at, 9);
            }
        }
        image.bytes
    };
    let mut files: Vec<(String, Vec<u8>)> = [
        "btree-v6-be-levels",
        "btree-v7-be-dups-offpage",
        "btree-v8-be-dups-onpage-sorted",
        "btree-v9-le-dups-offpage-many-sorted",
        "btree-v9-le-dups-onpage",
        "btree-v9-be-checksum",
        "btree-v9-le-compressed",
        "btree-v9-le-compressed-dups",
        "btree-v9-le-recnum",
        "btree-v9-be-subdbs",
        "btree-v9-be-empty",
        "recno-v9-le-var",
        "recno-v9-be-fixed",
        "recno-v9-be-holes",
        "hash-v5-le-dups",
        "hash-v8-be-dups",
        "hash-v9-be-dups-offpage",
        "hash-v9-be-few",
    ]
    .map(|case| (case.to_owned(), data(case)))
    .to_vec();
    files.extend(
        ["btree-v9-le-levels", "btree-v9-le-recnum"].map(|case| (format!("{case}, keyless"), keyless(case))),
    );
    for (name, bytes) in files {
        for more in [&[][..], &["--deleted"], &["-p"]] {
            let path = written(folder.path(), "in.db", &bytes);
            let found = run(&[&["salvage", &path][..], more].concat());
            let plain = if more == ["-p"] { run(&["salvage", &path]).stdout } else { found.stdout.clone() };
            let recipe = recipe(&err(&found));
            said.insert(recipe.clone());
            let new = folder.path().join("NEW.db");
            let _ = fs::remove_file(&new);
            let input = fs::File::open(written(folder.path(), "text", &found.stdout)).unwrap();
            let mut shell = Command::new("sh");
            shell.args(["-c", &recipe]).current_dir(folder.path()).stdin(Stdio::from(input));
            let load = shell.output().unwrap();
            assert_eq!(load.status.code(), Some(0), "{name} {more:?}, {recipe}: {}", err(&load));
            let (ours, theirs) =
                (all(&plain), all(&Command::new("db5.3_dump").arg(&new).output().unwrap().stdout));
            let (lost, more_there) = (missing(&theirs, &ours), missing(&ours, &theirs));
            assert!(
                lost.is_empty() && more_there.is_empty(),
                "{name} {more:?}, {recipe}: {} lost",
                lost.len()
            );
            loaded += ours.len();
        }
    }
    assert!(said.len() == 4 && loaded > 2000, "{said:?}, {loaded} pairs");
    // Of two pairs with one key the live one stays.
    let mut image = common::image::Image::of_case("btree-v9-le-levels");
    let leaf = image.pages_of(common::image::LEAF)[0];
    let mut copy = image.bytes[usize::try_from(leaf).unwrap() * 512..][..512].to_vec();
    copy[8..12].copy_from_slice(&image.pages().to_le_bytes());
    let at = image.item(leaf, 1) + 3;
    copy[at] ^= 1;
    image.bytes.extend(copy);
    let found = run(&["salvage", &written(folder.path(), "copy.db", &image.bytes)]);
    assert!(err(&found).contains("on pages that nothing leads to"), "{}", err(&found));
    let new = folder.path().join("NEW.db");
    let _ = fs::remove_file(&new);
    let input = fs::File::open(written(folder.path(), "text", &found.stdout)).unwrap();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &recipe(&err(&found))])
        .current_dir(folder.path())
        .stdin(Stdio::from(input))
        .output()
        .unwrap();
    let theirs = Command::new("db5.3_dump").arg(&new).output().unwrap().stdout;
    let whole = run(&["dump", &file("btree-v9-le-levels")]).stdout;
    assert!(all(&theirs) == all(&whole), "an old copy took the place of a live pair");
}

#[test]
fn headers_are_those_of_the_genuine_tool() {
    if !installed("db5.3_dump") {
        return;
    }
    let mut files = 0;
    for entry in fs::read_dir(testdata()).unwrap() {
        let (folder, name) = (entry.as_ref().unwrap().path(), entry.unwrap().file_name());
        let name = name.to_str().unwrap();
        let known =
            ["btree-v9", "recno-v9", "hash-v8", "hash-v9"].iter().any(|start| name.starts_with(start));
        if !known || name.contains("encrypted") || name.contains("partitioned") {
            continue;
        }
        let path = folder.join("data.db").to_str().unwrap().to_owned();
        let header = |text: &[u8]| -> Vec<String> {
            let lines = text
                .split(|byte| *byte == b'\n')
                .filter(|line| line.contains(&b'=') && !line.starts_with(b" "));
            // That tool leaves the page size out of what it salvages, not of what it dumps.
            let lines = lines.map(|line| String::from_utf8_lossy(line).into_owned());
            lines.filter(|line| !line.starts_with("db_pagesize=") && line != "DATA=END").collect()
        };
        let genuine = Command::new("db5.3_dump").args(["-r", &path]).output().unwrap().stdout;
        assert_eq!(header(&run(&["dump", "-r", &path]).stdout), header(&genuine), "{name}");
        files += 1;
    }
    assert!(files > 50, "{files} files");
}

/// Whether a genuine tool is installed.
fn installed(tool: &str) -> bool {
    let there = Command::new(tool).arg("-V").output().is_ok();
    if !there {
        println!("not run: {tool} is not installed");
    }
    there
}

#[test]
fn db_load_reads_what_dash_r_and_dash_big_r_write() {
    if !installed("db5.3_load") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut loaded = 0;
    for (case, headless) in [
        ("btree-v6-be-levels", false),
        ("btree-v6-be-levels", true),
        ("btree-v9-le-dups-offpage", true),
        ("btree-v8-be-dups-offpage-sorted", false),
        ("btree-v9-be-subdbs", false),
        ("btree-v9-le-subdbs", true),
        ("btree-v9-le-recnum", false),
        ("btree-v9-le-overflow", true),
        ("recno-v9-le-var", false),
        ("recno-v9-be-fixed", false),
        ("recno-v6-le-fixed", true),
        ("damage-v9-le-garbage", false),
        ("damage-v9-le-zero-page", false),
        ("damage-v9-le-dup-range", false),
        ("btree-v9-le-subdbs-removed", false),
        ("damage-v9-le-free-in-use", false),
    ] {
        for option in ["-r", "-R"] {
            let mut bytes = data(case);
            if headless {
                bytes[..512].fill(0);
            }
            let path = written(folder.path(), "in.db", &bytes);
            let text = run(&["dump", option, &path]).stdout;
            let new = folder.path().join(format!("{case}-{headless}{option}.db"));
            let input = fs::File::open(written(folder.path(), "text", &text)).unwrap();
            let load = Command::new("db5.3_load").arg(&new).stdin(Stdio::from(input)).output().unwrap();
            assert_eq!(load.status.code(), Some(0), "{case} {option}: {}", err(&load));
            let dump = Command::new("db5.3_dump").arg(&new).output().unwrap();
            let all = |text: &[u8]| multiset(pairs_of_text(text));
            let (ours, theirs) = (all(&text), all(&dump.stdout));
            let lost = missing(&theirs, &ours);
            assert!(
                lost.is_empty() && missing(&ours, &theirs).is_empty(),
                "{case} {option}: {} lost",
                lost.len()
            );
            loaded += ours.len();
        }
    }
    assert!(loaded > 2000, "{loaded} pairs");
}
