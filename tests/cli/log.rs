//! The tool on transaction logs: `log print`, `log verify`, `log stat`, `log history`,
//! and `info`.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Output, Stdio};

use bdbkit::Endianness::Little;
use serde_json::Value;

use crate::common::logs::{PASSWORD, Writer};
use crate::common::{Case, cases, read, testdata};
use crate::tool::{err, out, run, tool};

/// Runs a command on logs on the folder of a case.
fn on(case: &str, arguments: &[&str]) -> Output {
    tool().arg("log").args(arguments).arg(testdata().join(case)).output().unwrap()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The records in the text of `log print`: each with the empty line behind it.
fn records(text: &str) -> Vec<&str> {
    let mut starts: Vec<usize> = text.match_indices("\n\n[").map(|(at, _)| at + 2).collect();
    starts.insert(0, 0);
    starts.push(text.len());
    starts.windows(2).map(|two| &text[two[0]..two[1]]).filter(|record| !record.is_empty()).collect()
}

/// The LSN at the start of a record, as it is printed.
fn lsn(record: &str) -> &str {
    let end = record.match_indices(']').nth(1).unwrap().0;
    &record[..=end]
}

fn lsns(output: &Output) -> Vec<String> {
    records(&out(output)).into_iter().map(|record| lsn(record).to_owned()).collect()
}

/// The objects of a command that prints one a line.
fn objects(output: &Output) -> Vec<Value> {
    out(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// An LSN of JSON, as it is printed.
fn shown(lsn: &Value) -> String {
    format!("[{}][{}]", lsn["file"], lsn["offset"])
}

#[track_caller]
fn is(output: &Output, code: i32, message: &str) {
    assert_eq!((output.status.code(), err(output).as_str()), (Some(code), message));
}

/// Expects exit 1, no output, and one line that names the tool, the path, and what is
/// wrong.
#[track_caller]
fn is_refused(arguments: &[&str], path: &str, words: &str) {
    let output = run(arguments);
    let message = err(&output);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {message}");
    assert_eq!(out(&output), "", "{arguments:?}");
    assert_eq!(message.lines().count(), 1, "one line: {message:?}");
    assert!(message.starts_with("bdbkit: ") && message.contains(path), "{message}");
    assert!(message.contains(words), "{message:?} does not say {words:?}");
}

/// The genuine logs, and the options that open them.
fn genuine() -> Vec<(Case, Vec<&'static str>)> {
    let cases = cases(&["env-", "mboxlist-"]);
    assert!(cases.len() >= 75);
    cases
        .into_iter()
        .map(|case| {
            let options = if case.has("encrypted") { vec!["-P", PASSWORD] } else { Vec::new() };
            (case, options)
        })
        .collect()
}

// ------------------------------------------------------------------------------ print

#[test]
fn print_prints_what_db_printlog_prints() {
    for (case, options) in genuine() {
        let output = on(&case.name, &[&["print"], options.as_slice()].concat());
        assert!(output.stdout == read(case.folder().join("printlog.txt")), "{}", case.name);
        assert_eq!(output.status.code(), Some(0), "{}", case.name);
        let notes = err(&output);
        let torn = notes.contains("ends before a torn or cut record");
        assert_eq!(torn, case.has("torn"), "{}: {notes}", case.name);
        assert_eq!(notes.lines().count(), usize::from(torn), "{}: {notes}", case.name);
    }
}

#[test]
fn print_takes_the_files_of_a_folder_for_one_log() {
    let folder = testdata().join("env-log8-be-mix");
    let whole = run(&["log", "print", path(&folder)]);
    let [first, second] = ["log.0000000001", "log.0000000002"].map(|name| folder.join(name));
    for files in [[&first, &second], [&second, &first]] {
        let output = tool().args(["log", "print"]).args(files).output().unwrap();
        is(&output, 0, "");
        assert!(output.stdout == whole.stdout);
    }
    let output = run(&["log", "print", path(&second)]);
    is(&output, 0, "");
    assert!(whole.stdout.ends_with(&output.stdout) && output.stdout.starts_with(b"[2][28]"));
    // Folders are logs of their own.
    let twice = run(&["log", "print", path(&folder), path(&folder)]);
    assert!(twice.stdout == [whole.stdout.as_slice(), &whole.stdout].concat());
    let piped = tool().args(["log", "print", "-"]).write_stdin(read(&first)).output().unwrap();
    assert!(whole.stdout.starts_with(&piped.stdout) && !piped.stdout.is_empty());
}

#[test]
fn print_shows_local_time() {
    let of = |zone: &str| {
        let mut command = tool();
        let case = testdata().join("env-log8-le-mix");
        let output = command.env("TZ", zone).args(["log", "print", "--type", "txn_regop"]).arg(case);
        let text = out(&output.output().unwrap());
        text.lines().find(|line| line.starts_with("\ttimestamp: ")).unwrap().to_owned()
    };
    let (utc, ahead) = (of("UTC"), of("UTC-5:30"));
    assert_ne!(utc, ahead);
    let minutes = |line: &str| {
        let time = line.split_whitespace().find(|word| word.matches(':').count() == 2).unwrap();
        let [hour, minute] = [0..2, 3..5].map(|range| time[range].parse::<u32>().unwrap());
        hour * 60 + minute
    };
    assert_eq!((minutes(&utc) + 330) % 1440, minutes(&ahead));
}

#[test]
fn print_backwards_gives_the_same_records_last_first() {
    for case in ["env-log2-le-mix", "env-log11-be-mix", "env-log8-le-torn"] {
        let (forward, backward) = (on(case, &["print"]), on(case, &["print", "-r"]));
        let (forward, backward) = ((out(&forward), err(&forward)), (out(&backward), err(&backward)));
        let reversed: Vec<&str> = records(&forward.0).into_iter().rev().collect();
        assert_eq!(records(&backward.0), reversed, "{case}");
        assert_eq!(forward.1, backward.1, "{case}");
    }
}

#[test]
fn print_begins_and_ends_where_it_is_told() {
    let case = "env-log14-le-mix";
    let all = lsns(&on(case, &["print"]));
    let number = |lsn: &str| lsn[1..lsn.len() - 1].replace("][", "/");
    let slice = |options: &[&str]| {
        let output = on(case, &[&["print"], options].concat());
        is(&output, 0, "");
        lsns(&output)
    };
    let (b, e) = (number(&all[3]), number(&all[7]));
    assert_eq!(slice(&["-b", &b]), all[3..]);
    assert_eq!(slice(&["-e", &e]), all[..=7]);
    assert_eq!(slice(&["-b", &b, "-e", &e]), all[3..=7]);
    assert_eq!(slice(&["-b", &all[3], "-e", &all[7]]), all[3..=7], "as they are printed");
    let reversed: Vec<String> = all[3..=7].iter().rev().cloned().collect();
    assert_eq!(slice(&["-r", "-b", &e, "-e", &b]), reversed);
    // Between two records: the next one in the direction of reading.
    let (_, offset) = b.split_once('/').unwrap();
    let between = format!("1/{}", offset.parse::<u32>().unwrap() + 1);
    assert_eq!(slice(&["-b", &between]), all[4..]);
    assert_eq!(slice(&["-e", &between]), all[..=3]);
    assert_eq!(slice(&["-r", "-b", &between])[0], all[3]);
    assert_eq!(slice(&["-b", "2/0"])[0], "[2][28]");
    assert_eq!(slice(&["-b", "9/28"]), [""; 0]);
    assert_eq!(slice(&["-b", &e, "-e", &b]), [""; 0]);
    assert_eq!(slice(&["-e", "9/28"]), all);
}

#[test]
fn print_chooses_records() {
    let case = "env-log14-le-mix";
    let text = out(&on(case, &["print"]));
    let all = records(&text);
    let chosen = |options: &[&str]| {
        let output = on(case, &[&["print"], options].concat());
        is(&output, 0, "");
        out(&output)
    };
    let with = |words: &[&str]| -> Vec<&str> {
        let head = |record: &&&str| {
            let head = record.lines().next().unwrap();
            words.iter().any(|word| head.contains(word))
        };
        all.iter().filter(head).copied().collect()
    };
    let transaction = with(&["txnp 80000005 "]);
    assert!(!transaction.is_empty() && transaction.len() < all.len());
    assert_eq!(records(&chosen(&["--txn", "80000005"])), transaction);
    assert_eq!(records(&chosen(&["--txn", "0x80000005"])), transaction);
    let two = with(&["txnp 80000005 ", "txnp 80000003 "]);
    assert_eq!(records(&chosen(&["--txn", "80000005", "--txn", "80000003"])), two);
    for name in ["__bam_split", "bam_split", "62"] {
        assert_eq!(records(&chosen(&["--type", name])), with(&["__bam_split: "]), "{name}");
    }
    let both =
        records(&text).into_iter().filter(|record| record.contains("__bam_split: rec: 62 txnp 80000005 "));
    assert_eq!(records(&chosen(&["--type", "62", "--txn", "80000005"])), both.collect::<Vec<_>>());
    let of_file = |id: u32| -> Vec<&str> {
        all.iter().filter(|record| record.contains(&format!("\n\tfileid: {id}\n"))).copied().collect()
    };
    assert!(!of_file(1).is_empty() && of_file(0) != of_file(1));
    assert_eq!(records(&chosen(&["--file", "1"])), of_file(1), "its number");
}

#[test]
fn print_chooses_a_database_by_any_of_its_names() {
    let case = "env-log14-le-mix";
    let text = out(&on(case, &["print"]));
    let output = on(case, &["print", "--file", "p.db"]);
    is(&output, 0, "");
    let chosen = out(&output);
    let chosen = records(&chosen);
    let temporary = "__db.80000001.6622bdd5"; // its name while it was made
    let made = |record: &&str| record.contains(temporary) || record.contains("name: p.db");
    let number = chosen.iter().find(|record| record.contains("__dbreg_register")).unwrap();
    let number = number.lines().find(|line| line.starts_with("\tfileid: ")).unwrap();
    let of_number = |record: &&str| record.contains(&format!("\n{number}\n"));
    let expected: Vec<&str> =
        records(&text).into_iter().filter(|record| made(record) || of_number(record)).collect();
    assert!(expected.len() < records(&text).len(), "there are two databases");
    assert_eq!(chosen, expected);
    assert_eq!(records(&out(&on(case, &["print", "--file", temporary]))), expected);
    let both = lsns(&on(case, &["print", "--file", "p.db", "--file", "d.db"]));
    assert!(both.len() > expected.len());
    let unknown = on(case, &["print", "--file", "x.db"]);
    assert_eq!((unknown.status.code(), out(&unknown).as_str()), (Some(1), ""));
    assert!(err(&unknown).contains("knows no database x.db, but d.db, p.db"), "{}", err(&unknown));
}

#[test]
fn print_chooses_records_by_the_time_of_their_commits() {
    let case = "env-log14-le-mix"; // all commits within one second, then an open transaction
    let all = lsns(&on(case, &["print"]));
    let within = |options: &[&str]| {
        let output = on(case, &[&["print"], options].concat());
        is(&output, 0, "");
        lsns(&output)
    };
    assert_eq!(within(&["--since", "1795501977"]), all);
    assert_eq!(within(&["--since", "2026-11-24 06:32:57"]), all, "local time, which is UTC here");
    assert_eq!(within(&["--since", "2026-11-24T07:32:57+01:00"]), all);
    assert_eq!(within(&["--until", "2026-11-24T06:32:56Z"]), [""; 0]);
    let ended = within(&["--until", "2026-11-24T06:32:57Z"]);
    assert!(ended.len() < all.len() && all.starts_with(&ended));
    assert_eq!(within(&["--since", "2026-11-25"]), all[ended.len()..], "what has no time is newest");
    let output = on("env-log2-le-mix", &["print", "--since", "2026-11-24"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("no times are in this log"), "{}", err(&output));
}

#[test]
fn print_gives_the_same_records_in_json() {
    for (case, options) in genuine() {
        let text = out(&on(&case.name, &[&["print"], options.as_slice()].concat()));
        let output = on(&case.name, &[&["print", "--json"], options.as_slice()].concat());
        assert_eq!(output.status.code(), Some(0), "{}", case.name);
        let heads: Vec<String> = objects(&output)
            .iter()
            .map(|object| {
                let none = Value::from("0");
                let prev = &object["prev_lsn"];
                let prev = if prev.is_null() { "[0][0]".to_owned() } else { shown(prev) };
                let txn = if object["txn"].is_null() { &none } else { &object["txn"] };
                let label = if object["version"].as_u64() >= Some(12) { "txnp" } else { "txnid" };
                format!(
                    "{} {} {label} {} prevlsn {prev}",
                    shown(&object["lsn"]),
                    object["record_type"],
                    txn.as_str().unwrap()
                )
            })
            .collect();
        let expected: Vec<String> = records(&text)
            .into_iter()
            .map(|record| {
                let (head, rest) = record.lines().next().unwrap().split_once(": rec: ").unwrap();
                format!("{} {rest}", lsn(head))
            })
            .collect();
        assert_eq!(heads, expected, "{}", case.name);
    }
}

#[test]
fn json_has_fields_by_name() {
    let objects = objects(&on("env-log14-le-mix", &["print", "--json"]));
    let of = |name: &str| objects.iter().find(|object| object["record_name"] == name).unwrap();
    let rename = &of("__fop_rename")["fields"];
    assert_eq!(rename["newname"], serde_json::json!({ "hex": "702e646200", "text": "p.db" }));
    assert_eq!(rename["fileid"]["text"], Value::Null);
    assert_eq!(rename["fileid"]["hex"].as_str().unwrap().len(), 40);
    let commit = &of("__txn_regop")["fields"];
    assert_eq!(commit["opcode"], 1);
    let expected = serde_json::json!({ "seconds": 1_795_501_977, "utc": "2026-11-24T06:32:57Z" });
    assert_eq!(commit["timestamp"], expected);
    let checkpoint = &of("__txn_ckp")["fields"];
    assert!(checkpoint["ckp_lsn"]["offset"].is_u64(), "{checkpoint}");
}

// ----------------------------------------------------------------------------- damage

/// The cases with damage, where it is, and how print names it.
const DAMAGE: [(&str, &str, &str); 4] = [
    ("damage-log14-le-zero-length", "[1][10234]", "a record of 0 bytes"),
    ("damage-log2-le-bad-checksum", "[1][9658]", "checksum 0x"),
    ("damage-log3-be-length-beyond", "[1][5140]", "bytes of 1048576"),
    ("damage-log8-le-bad-prev", "[1][9852]", "the record before is at 1"),
];

#[test]
fn print_names_damage_and_prints_what_genuine_tools_print() {
    for (case, place, words) in DAMAGE {
        let output = on(case, &["print"]);
        let message = err(&output);
        assert_eq!(output.status.code(), Some(1), "{case}: {message}");
        assert!(output.stdout == read(testdata().join(case).join("printlog.txt")), "{case}");
        let line = message.lines().next().unwrap();
        assert!(line.starts_with("bdbkit: ") && line.contains("log.0000000001"), "{line}");
        assert!(line.contains(&format!("{place}: ")) && line.contains(words), "{line}");
        let past = on(case, &["print", "--past-end"]);
        assert_eq!(past.status.code(), Some(1), "{case}");
        assert!(past.stdout.starts_with(&output.stdout), "{case}");
        let hint = message.contains("--past-end");
        assert_eq!(past.stdout.len() > output.stdout.len(), hint, "{case}: {message}");
        assert_eq!(hint, !case.contains("bad-prev"), "{case}");
        let back = on(case, &["print", "-r"]);
        assert_eq!(lsns(&back).into_iter().rev().collect::<Vec<_>>(), lsns(&output), "{case}");
    }
}

#[test]
fn a_gap_and_a_cut_file_are_named_and_stepped_over() {
    let folder = tempfile::tempdir().unwrap();
    let case = testdata().join("env-log11-le-files");
    let [first, second] = ["log.0000000001", "log.0000000002"].map(|name| read(case.join(name)));
    fs::write(folder.path().join("log.0000000001"), &first[..9000]).unwrap();
    fs::write(folder.path().join("log.0000000002"), &second).unwrap();
    let output = run(&["log", "print", path(folder.path())]);
    assert_eq!(output.status.code(), Some(1));
    let message = err(&output);
    assert!(message.contains("log.0000000001: [1][8950]: a torn or cut record"), "{message}");
    assert!(out(&output).contains("\n[2][28]"));
    fs::remove_file(folder.path().join("log.0000000001")).unwrap();
    fs::write(folder.path().join("log.0000000003"), b"").unwrap();
    let output = run(&["log", "print", path(folder.path())]);
    is(&output, 0, "");
    fs::remove_file(folder.path().join("log.0000000003")).unwrap();
    fs::write(folder.path().join("log.0000000004"), [7; 100]).unwrap();
    let output = run(&["log", "print", path(folder.path())]);
    let message = err(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(message.contains("log file 3 is missing") && message.contains("not a log file"), "{message}");
    assert_eq!(lsns(&output)[0], "[2][28]");
}

#[test]
fn a_gap_around_the_beginning_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let case = testdata().join("env-log11-le-files");
    for (from, to) in [(1, 1), (2, 5)] {
        let name = |number: u32| format!("log.{number:010}");
        fs::copy(case.join(name(from)), folder.path().join(name(to))).unwrap();
    }
    for (options, named) in [
        (["-b", "3/28"].as_slice(), true),
        (&["-b", "5/0"], false),
        (&["-e", "3/0"], true),
        (&["-e", "1/9999999"], false),
        (&["-r", "-b", "3/28"], true),
        (&["-r", "-e", "3/28"], true),
        (&["-r", "-e", "5/0"], false),
    ] {
        let output = run(&[&["log", "print", path(folder.path())], options].concat());
        assert_eq!(err(&output).contains("log files 2 to 4 are missing"), named, "{options:?}");
    }
    fs::write(folder.path().join("log.0000000005"), [7; 100]).unwrap();
    let output = run(&["log", "print", "-b", "5/50", path(folder.path())]);
    assert!(err(&output).contains("not a log file"), "{}", err(&output));
}

/// A log of version 19: a big-endian database is opened, and an item added to it.
fn log_of_a_big_endian_database(folder: &Path) {
    let bytes = |text: &[u8]| [&u32::try_from(text.len()).unwrap().to_le_bytes(), text].concat();
    let words = |numbers: &[u32]| numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
    let mut log = Writer::new(19, Little, 9999, 1);
    let prefix = |kind| words(&[kind, 0x8000_0001, 0, 0]);
    let register = [prefix(2), words(&[0x1003]), bytes(b"big.db\0"), bytes(&[9; 20]), words(&[0, 1, 0, 0])];
    log.append(&register.concat());
    let added =
        [prefix(41), words(&[0x105, 0, 2, 0, 8]), bytes(b"\0\x05\x01abcde"), bytes(b""), words(&[1, 28])];
    log.append(&added.concat());
    log.save(folder);
}

#[test]
fn records_that_are_not_printed_tell_how_others_are() {
    let folder = tempfile::tempdir().unwrap();
    log_of_a_big_endian_database(folder.path());
    let all = run(&["log", "print", path(folder.path())]);
    is(&all, 0, "");
    let text = out(&all);
    let added = records(&text)[1];
    assert!(added.contains("hdr: len:   8 data: 0500016162636465"), "{added}");
    let begin = lsn(added);
    for options in [["-b", begin], ["--type", "db_addrem"]] {
        let output = run(&[&["log", "print", path(folder.path())], options.as_slice()].concat());
        assert_eq!(out(&output), added, "{options:?}");
    }
}

#[test]
fn files_with_other_names_are_logs_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let files = ["log.0000000001", "log.bak"].map(|name| {
        let file = folder.path().join(name);
        fs::copy(testdata().join("env-log8-be-mix/log.0000000001"), &file).unwrap();
        file
    });
    let output = run(&["log", "stat", "--json", path(&files[0]), path(&files[1])]);
    is(&output, 0, "");
    let logs = objects(&output);
    assert_eq!(logs.len(), 2);
    assert_eq!(logs[0]["records"], logs[1]["records"]);
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_ends_the_work() {
    let case = testdata().join("env-log8-be-mix");
    for command in ["print", "stat", "verify", "history"] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let child = std::process::Command::new(env!("CARGO_BIN_EXE_bdbkit"))
            .args(["log", command, path(&case), path(&case)])
            .stdout(full)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{command}");
        let message = err(&output);
        assert!(message.starts_with("bdbkit: cannot write: "), "{command}: {message}");
        assert_eq!(message.lines().count(), 1, "{command}: {message}");
    }
}

#[test]
fn what_is_no_log_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let written = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let letter = written("letter.txt", b"Dear reader, this is no log at all.");
    let empty = written("log.0000000001", b"");
    let nothing = folder.path().join("nothing");
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let database = testdata().join("btree-v9-le-one/data.db");
    let wrong = testdata().join("env-log14-be-encrypted");
    for command in ["print", "stat", "verify", "history"] {
        if command != "verify" {
            is_refused(&["log", command, path(&letter)], path(&letter), "not a log file");
            is_refused(&["log", command, path(&database)], path(&database), "not a log file");
        }
        is_refused(
            &["log", command, path(&empty)],
            path(&empty),
            "too short for a log file: 0 bytes, a header has 28",
        );
        is_refused(&["log", command, path(&nothing)], path(&nothing), "No such file");
        is_refused(&["log", command, path(&inner)], path(&inner), "no log files here");
        is_refused(&["log", command, path(&wrong)], path(&wrong), "password is needed");
        is_refused(&["log", command, "-P", "wrong", path(&wrong)], path(&wrong), "password does not fit");
    }
    is_refused(&["info", path(&inner)], path(&inner), "a directory without log files or databases");
    let file = wrong.join("log.0000000001");
    is_refused(&["info", path(&file)], path(&file), "password is needed");
    is_refused(&["info", path(&empty)], path(&empty), "too short for a log file");
    let zeros = written("log.0000000002", &[0; 4096]);
    is_refused(&["info", path(&zeros)], path(&zeros), "the log file begins with zeros");
}

#[test]
fn a_password_can_stand_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    fs::write(&file, format!("{PASSWORD}\nand a note\n")).unwrap();
    let output = on("env-log11-le-encrypted", &["print", "--password-file", path(&file)]);
    is(&output, 0, "");
    assert!(output.stdout == read(testdata().join("env-log11-le-encrypted/printlog.txt")));
    let missing = folder.path().join("missing");
    let output = on("env-log11-le-encrypted", &["print", "--password-file", path(&missing)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("missing: No such file"), "{}", err(&output));
}

#[test]
fn one_bad_log_does_not_hide_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let case = testdata().join("env-log8-be-clean");
    let output = run(&["log", "print", path(folder.path()), path(&case)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout == read(case.join("printlog.txt")));
}

#[test]
fn wrong_usage_ends_with_2() {
    let case = testdata().join("env-log8-be-clean");
    let wrong: [&[&str]; 13] = [
        &[],
        &["print"],
        &["print", "-b", "5", path(&case)],
        &["print", "-e", "a/b", path(&case)],
        &["print", "--txn", "xyz", path(&case)],
        &["print", "--type", "txn_nonsense", path(&case)],
        &["print", "-P", "a", "--password-file", "b", path(&case)],
        &["print", "--since", "yesterday", path(&case)],
        &["verify"],
        &["stat", "-r", path(&case)],
        &["history"],
        &["history", "--key-hex", "616", path(&case)],
        &["history", "--key", "a", "--key-hex", "61", path(&case)],
    ];
    for arguments in wrong {
        let output = tool().arg("log").args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", err(&output));
        assert_eq!(out(&output), "", "{arguments:?}");
    }
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let folder = tempfile::tempdir().unwrap();
    for number in 1..=20 {
        let from = testdata().join("env-log8-be-mix/log.0000000001");
        fs::copy(from, folder.path().join(format!("log.{number:010}"))).unwrap();
    }
    for command in ["print", "history"] {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_bdbkit"))
            .args(["log", command, "--json", path(folder.path())])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut start = [0; 10];
        child.stdout.take().unwrap().read_exact(&mut start).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{command}");
    }
}

// ----------------------------------------------------------------------------- verify

#[test]
fn verify_finds_nothing_wrong_with_genuine_logs() {
    for (case, options) in genuine() {
        let output = on(&case.name, &[&["verify"], options.as_slice()].concat());
        let text = out(&output);
        is(&output, 0, "");
        let last = text.lines().last().unwrap();
        assert!(last.starts_with("  0 errors, 0 warnings; "), "{}: {text}", case.name);
        let ends = text.lines().filter(|line| line.contains("  the log ends "));
        assert_eq!(ends.count(), 1, "{}: {text}", case.name);
        let records = records(&out(&on(&case.name, &[&["print"], options.as_slice()].concat()))).len();
        assert!(last.contains(&format!("; {records} records in ")), "{}: {last}", case.name);
    }
}

#[test]
fn verify_names_damage_and_goes_on_behind_it() {
    let all = DAMAGE.into_iter().chain([("damage-log11-be-bad-magic", "[1][0]", "not a log file")]);
    for (case, place, words) in all {
        let output = on(case, &["verify"]);
        is(&output, 1, "");
        let text = out(&output);
        let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("  error ")).collect();
        assert_eq!(errors.len(), 1, "{text}");
        assert!(errors[0].contains(&format!(" {place} ")), "{text}");
        let found = on(case, &["verify", "--json"]);
        is(&found, 1, "");
        let findings = objects(&found);
        let (sums, findings) = findings.split_last().unwrap();
        let error = findings.iter().find(|finding| finding["severity"] == "error").unwrap();
        assert_eq!(shown(&error["lsn"]), place);
        assert_eq!((&sums["errors"], sums["warnings"].as_u64()), (&1.into(), Some(warnings(findings))));
        assert!(error["message"].as_str().unwrap().contains(words) || case.contains("bad-prev"), "{error}");
        let past = lsns(&on(case, &["print", "--past-end"])).len();
        assert_eq!(sums["records"], past, "{case}");
    }
}

#[test]
fn verify_warns_of_whole_records_behind_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = read(testdata().join("env-log8-be-mix/log.0000000001"));
    let all = lsns(&on("env-log8-be-mix", &["print"]));
    let offset = |lsn: &str| lsn[4..].trim_end_matches(']').parse::<usize>().unwrap();
    for damaged in &all[20..22] {
        bytes[offset(damaged) + 30] ^= 1;
    }
    fs::write(folder.path().join("log.0000000001"), bytes).unwrap();
    fs::write(folder.path().join("log.0000000002"), b"").unwrap();
    fs::write(folder.path().join("log.0000000003"), b"").unwrap();
    let text = out(&run(&["log", "verify", path(folder.path())]));
    let warning = text.lines().find(|line| line.starts_with("  warning ")).unwrap();
    assert!(warning.contains(&all[20]) && warning.contains(&all[22]), "{warning}");
    let at = |words| text.find(words).unwrap();
    assert!(at("[2][0]") < at("[3][0]"), "{text}");
}

fn warnings(findings: &[Value]) -> u64 {
    findings.iter().filter(|finding| finding["severity"] == "warning").map(|_| 1).sum()
}

#[test]
fn verify_notes_other_forms_and_missing_files() {
    let folder = tempfile::tempdir().unwrap();
    let copy = |case: &str, from: u32, to: u32| {
        let from = testdata().join(case).join(format!("log.{from:010}"));
        fs::copy(from, folder.path().join(format!("log.{to:010}"))).unwrap();
    };
    copy("env-log11-be-mix", 1, 5);
    copy("env-log14-le-clean", 1, 6);
    let output = run(&["log", "verify", path(folder.path())]);
    let text = out(&output);
    for words in
        ["[5][0] ", "there are no files before", "[6][28] ", "from here on log version 14, little-endian"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    copy("env-log14-le-clean", 1, 9);
    let output = run(&["log", "verify", path(folder.path())]);
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("error    [7][0]       log files 7 to 8 are missing"), "{}", out(&output));
}

#[test]
fn verify_follows_the_chains_of_transactions() {
    // A checksum of version 2 covers the body; it is made right again.
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = read(testdata().join("env-log2-le-clean/log.0000000001"));
    let text = out(&on("env-log2-le-clean", &["print"]));
    let record = records(&text)
        .into_iter()
        .find(|record| !record.lines().next().unwrap().contains("prevlsn [0][0]"))
        .unwrap();
    let at: usize = lsn(record)[4..].trim_end_matches(']').parse().unwrap();
    let word = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let end = at + usize::try_from(word(&bytes, at + 8)).unwrap();
    bytes[at + 24] ^= 2; // the offset of the previous record of the transaction
    let sum =
        bytes[at + 12..end].iter().fold(0u32, |sum, byte| sum.wrapping_mul(33).wrapping_add((*byte).into()));
    bytes[at + 4..at + 8].copy_from_slice(&sum.to_le_bytes());
    let file = folder.path().join("log.0000000001");
    fs::write(&file, bytes).unwrap();
    let output = run(&["log", "verify", path(&file)]);
    is(&output, 1, "");
    let error = format!("  error    {:<12} the previous record of transaction ", lsn(record));
    assert!(out(&output).contains(&error), "{error}{}", out(&output));
}

// ---------------------------------------------------------------------------- history

#[test]
fn history_tells_who_changed_a_key_and_when() {
    let output = on("mboxlist-ims60-log3-be", &["history", "--db", "quota.db", "--key", "user/bob"]);
    is(&output, 0, "");
    let expected = "\
[1][16596]   2026-11-24 06:32:35 UTC txn 8000000c put     user/bob
    5242880 1739222 882
[1][20934]   2026-11-24 06:32:35 UTC txn 8000000f replace user/bob
    5242880 1739222 882 → 20971520 4712381 380
";
    assert_eq!(out(&output), expected);
    let hex = on("mboxlist-ims60-log3-be", &["history", "--db", "quota.db", "--key-hex", "757365722F626f62"]);
    assert_eq!(out(&hex), expected);
    let none = on("mboxlist-ims60-log3-be", &["history", "--db", "quota.db", "--key", "user/nobody"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(err(&none).ends_with(": no change of such a key was found\n"), "{}", err(&none));
    assert_eq!(out(&none), "");
}

#[test]
fn history_gives_the_same_changes_in_text_and_json() {
    let mut fates = std::collections::BTreeSet::new();
    for (case, options) in genuine() {
        let text = on(&case.name, &[&["history"], options.as_slice()].concat());
        let output = on(&case.name, &[&["history", "--json"], options.as_slice()].concat());
        for output in [&text, &output] {
            assert_eq!(output.status.code(), Some(0), "{}", case.name);
            assert_eq!(err(output).lines().count(), usize::from(case.has("torn")), "{}", case.name);
        }
        let text = out(&text);
        let heads: Vec<&str> = text.lines().step_by(2).collect();
        let objects = objects(&output);
        assert_eq!(text.lines().count(), 2 * objects.len(), "{}", case.name);
        for (head, object) in heads.iter().zip(objects) {
            let fate = object["fate"].as_str().unwrap().to_owned();
            let when = match object["time"]["utc"].as_str() {
                Some(utc) => utc.replace('T', " ").replace('Z', " UTC"),
                None => fate.replace("uncommitted", "not committed"),
            };
            let txn = object["txn"].as_str().map_or("no txn".to_owned(), |txn| format!("txn {txn}"));
            let [action, database] = ["action", "opened_as"].map(|name| object[name].as_str().unwrap());
            let start = format!("{:<12} {when:<23} {txn:<12} {action:<7} {database}", shown(&object["lsn"]));
            assert!(head.starts_with(&start), "{}: {head:?} is not {start:?}", case.name);
            let values = [object["old"].is_null(), object["new"].is_null()];
            assert!(action != "put" || values[0], "{}: {object}", case.name);
            assert!(action != "delete" || values[1], "{}: {object}", case.name);
            fates.insert(fate);
        }
    }
    assert_eq!(fates.into_iter().collect::<Vec<_>>(), ["aborted", "committed", "prepared", "uncommitted"]);
}

#[test]
fn history_leaves_out_what_did_not_commit() {
    let case = "env-log3-le-crashed";
    let all = objects(&on(case, &["history", "--db", "p.db", "--json"]));
    let committed = objects(&on(case, &["history", "--db", "p.db", "--json", "--committed"]));
    let (kept, left): (Vec<Value>, Vec<Value>) =
        all.into_iter().partition(|change| change["fate"] == "committed");
    assert_eq!(kept, committed);
    assert!(left.iter().any(|change| change["key"]["text"] == "cedar.0030" && change["time"].is_null()));
}

#[test]
fn history_chooses_changes_by_the_time_of_their_commits() {
    let lines = |options: &[&str]| {
        let output = on("mboxlist-ims60-log3-be", &[&["history", "--db", "quota.db"], options].concat());
        is(&output, 0, "");
        out(&output).lines().count()
    };
    let all = lines(&[]);
    assert_eq!(lines(&["--since", "2026-11-24 06:32:35", "--until", "2026-11-24 06:32:35"]), all);
    assert_eq!(lines(&["--until", "2026-11-24 06:32:34"]), 0);
    assert_eq!(lines(&["--since", "2026-11-24 06:32:36"]), 0);
    let output = on("env-log2-le-mix", &["history", "--since", "2026-11-24"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("no times are in this log"), "{}", err(&output));
}

#[test]
fn history_knows_the_databases_of_a_file() {
    let history = |name: &str| on("env-log11-le-files", &["history", "--db", name]);
    let two = out(&history("multi.db/two"));
    assert!(two.lines().next().unwrap().ends_with(" put     k0"), "{two}");
    let all = out(&history("multi.db"));
    for name in ["multi.db    ", "multi.db/uno", "multi.db/two"] {
        assert!(all.contains(&format!(" put     {name} ")), "{name}: {all}");
    }
    let unknown = history("nix.db");
    assert_eq!((unknown.status.code(), out(&unknown).as_str()), (Some(1), ""));
    let message = err(&unknown);
    assert!(message.contains("knows no database nix.db, but ") && message.contains("multi.db/two"));
}

#[test]
fn history_says_what_the_log_does_not_show() {
    let file = testdata().join("env-log3-le-logs/log.0000000005");
    let output = run(&["log", "history", path(&file)]);
    is(&output, 0, "");
    let text = out(&output);
    let part = "(unknown key, page 6 index 5)\n    (5 bytes)… jade right ember s…(20 bytes) → (5 bytes)…fj…(20 bytes)\n";
    assert!(text.contains(part), "{text}");
    let change = &objects(&run(&["log", "history", "--json", path(&file)]))[2];
    let middle = serde_json::json!({ "hex": "666a", "text": "fj" });
    let new = serde_json::json!({ "prefix": 5, "middle": middle, "suffix": 20 });
    assert_eq!((&change["key"], &change["new"]), (&Value::Null, &new));
    let long = "n.0057\n    draft item sent mail sto";
    assert!(!text.contains(long) && text.contains("seen… (125 bytes)\n"), "{text}");
    assert!(out(&run(&["log", "history", "--full", path(&file)])).contains(long));
    let output = run(&["log", "history", "--key", "q", path(&file)]);
    assert_eq!(output.status.code(), Some(0));
    assert!(out(&output).lines().step_by(2).all(|line| line.contains(".db q")), "{}", out(&output));
    assert!(err(&output).contains("left out 2 changes whose key the log does not show"), "{}", err(&output));
}

#[test]
fn history_names_damage() {
    for (case, place, words) in &DAMAGE[..3] {
        let output = on(case, &["history"]);
        let message = err(&output);
        assert_eq!(output.status.code(), Some(1), "{case}: {message}");
        assert!(message.contains(&format!("log.0000000001: {place}: ")) && message.contains(words));
        assert!(message.contains("--past-end"), "{message}");
        let past = on(case, &["history", "--past-end"]);
        assert_eq!(past.status.code(), Some(1), "{case}");
        assert!(past.stdout.len() >= output.stdout.len() && !output.stdout.is_empty(), "{case}");
        assert!(!err(&past).contains("--past-end"), "{case}: {}", err(&past));
    }
}

// ----------------------------------------------------------------------- stat and info

#[test]
fn stat_counts() {
    let output = on("env-log14-le-mix", &["stat", "--json"]);
    is(&output, 0, "");
    let facts = &objects(&output)[0];
    let text = out(&on("env-log14-le-mix", &["print"]));
    let all = records(&text);
    assert_eq!(facts["records"], all.len());
    assert_eq!(shown(&facts["first_lsn"]), lsn(all[0]));
    assert_eq!(shown(&facts["last_lsn"]), lsn(all[all.len() - 1]));
    let types = facts["record_types"].as_array().unwrap();
    for count in types {
        let name = count["record_name"].as_str().unwrap();
        let printed = all.iter().filter(|record| record.contains(&format!("]{name}: rec:"))).count();
        assert_eq!(count["records"], printed, "{name}");
    }
    assert_eq!(types.iter().map(|count| count["bytes"].as_u64().unwrap()).sum::<u64>(), facts["bytes"]);
    let checkpoints = types.iter().find(|count| count["record_name"] == "__txn_ckp").unwrap();
    assert_eq!(facts["checkpoints"], checkpoints["records"]);
    let files = facts["log_files"].as_array().unwrap();
    assert_eq!(files.len(), 2);
    assert_eq!((&files[1]["version"], &files[1]["encrypted"]), (&14.into(), &false.into()));
    assert_eq!(files[0]["byte_order"], "little-endian");
    assert_eq!(facts["end"]["clean"], true);
    assert_eq!((&facts["commits"], &facts["transactions"]["committed"]), (&9.into(), &9.into()));
    assert_eq!((&facts["transactions"]["nested"], &facts["transactions"]["open"]), (&2.into(), &2.into()));
    assert_eq!(facts["last_commit"]["utc"], "2026-11-24T06:32:57Z");
    let words = out(&on("env-log14-le-mix", &["stat"]));
    assert!(words.contains("9 committed, 2 committed to their parents, 2 aborted or open"), "{words}");
    assert!(words.contains("2026-11-24 06:32:57 UTC to 2026-11-24 06:32:57 UTC"), "{words}");
    let torn = on("env-log8-be-torn", &["stat"]);
    is(&torn, 0, "");
    assert!(out(&torn).contains("ends before a torn or cut record"), "{}", out(&torn));
    let damaged = on("damage-log2-le-bad-checksum", &["stat"]);
    assert_eq!(damaged.status.code(), Some(1));
    assert!(err(&damaged).contains("damage in 1 place, first: ") && err(&damaged).contains("[1][9658]"));
    let linked = on("damage-log8-le-bad-prev", &["stat"]);
    assert_eq!(linked.status.code(), Some(1), "as of print and verify");
    assert!(err(&linked).contains("the header says that the record before is at"), "{}", err(&linked));
}

#[test]
fn stat_knows_the_size_of_a_pipe() {
    let file = read(testdata().join("env-log8-be-mix/log.0000000001"));
    let size = file.len();
    let output = tool().args(["log", "stat", "--json", "-"]).write_stdin(file).output().unwrap();
    is(&output, 0, "");
    assert_eq!(objects(&output)[0]["log_files"][0]["size"], size);
}

#[test]
fn info_tells_what_a_log_file_is_and_who_reads_it() {
    let file = testdata().join("env-log8-be-mix/log.0000000001");
    let output = run(&["info", path(&file)]);
    is(&output, 0, "");
    let text = out(&output);
    for words in [
        "transaction log, file 1",
        "8, big-endian",
        "Berkeley DB 4.2",
        "4.2, 4.5, 4.6, 4.7, on big-endian machines only",
        "4.3, 4.4: say \"historic log version 8\" and skip the file",
        "4.8, 5.3: say \"historic byte order\" and skip the file",
        "say \"unsupported log version 8\" and stop",
    ] {
        assert!(text.contains(words), "{words} is missing: {text}");
    }
    let json = &objects(&run(&["info", "--json", path(&file)]))[0];
    assert_eq!(
        (&json["type"], &json["version"], &json["number"]),
        (&"log_file".into(), &8.into(), &1.into())
    );
    assert_eq!(json["size"], fs::metadata(&file).unwrap().len());
    assert_eq!(json["read_by"][1], "4.5");
    let printed = lsns(&run(&["log", "print", path(&file)]));
    assert_eq!(json["records"], printed.len());
    assert_eq!(shown(&json["last_lsn"]), printed[printed.len() - 1]);
    let encrypted = testdata().join("env-log14-be-encrypted/log.0000000001");
    let output = run(&["info", "-P", PASSWORD, path(&encrypted)]);
    is(&output, 0, "");
    assert!(out(&output).contains("with a password"), "{}", out(&output));
}

#[test]
fn info_lists_an_environment() {
    let folder = tempfile::tempdir().unwrap();
    let copy = |from: &str, to: &str| {
        fs::copy(testdata().join(from), folder.path().join(to)).unwrap();
    };
    copy("mboxlist-ims61-log8-le/folder.db", "folder.db");
    copy("mboxlist-ims61-log8-le/log.0000000001", "log.0000000001");
    copy("env-log14-le-clean/log.0000000001", "log.0000000002");
    copy("hash-v9-be-few/data.db", "hash.db");
    copy("queue-v4-le-few/data.db", "without-suffix");
    fs::write(folder.path().join("__db.001"), b"region").unwrap();
    fs::write(folder.path().join("README"), b"only text").unwrap();
    let output = run(&["info", path(folder.path())]);
    is(&output, 0, "");
    let text = out(&output);
    for words in [
        "2, log.0000000001 to log.0000000002",
        "8, little-endian (file 1)",
        "14, little-endian (file 2)",
        "4.3, 4.4: say \"historic log version 8\" and skip the file",
        "4.5, 4.6: say \"unsupported log version 14\" and stop",
        "folder.db: btree, version 9",
        "hash.db: hash, version 9",
        "without-suffix: queue, version 4",
        "page size 512, file id ",
        "quota.db: not here, but the log has it open",
        "__db.001",
    ] {
        assert!(text.contains(words), "{words} is missing: {text}");
    }
    assert!(!text.contains("README"), "{text}");
    let json = &objects(&run(&["info", "--json", path(folder.path())]))[0];
    assert_eq!(json["type"], "environment");
    assert_eq!(json["log_files"].as_array().unwrap().len(), 2);
    assert_eq!(json["database_files"][1]["method"], "hash");
    let historic = &json["log_versions"][0]["refused_by"];
    assert!(historic.to_string().contains("historic log version 8"), "{historic}");
    assert_eq!(json["region_files"][0]["name"], "__db.001");
    fs::write(folder.path().join("broken.db"), b"").unwrap();
    let output = run(&["info", path(folder.path())]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("broken.db: the file is empty"), "{}", err(&output));
}

/// A copy of a case's files in a folder, its logs in another one.
fn apart(case: &str, home: &Path, logs: &Path) {
    for entry in fs::read_dir(testdata().join(case)).unwrap() {
        let from = entry.unwrap().path();
        let name = from.file_name().unwrap();
        if from.is_file() {
            let folder = if name.to_str().unwrap().starts_with("log.") { logs } else { home };
            fs::copy(&from, folder.join(name)).unwrap();
        }
    }
}

#[test]
fn logs_are_read_where_the_configuration_puts_them() {
    let case = "env-log14-le-crashed";
    let folder = tempfile::tempdir().unwrap();
    let (home, inside, outside) =
        (folder.path().join("home"), folder.path().join("home/logs"), folder.path().join("outside"));
    fs::create_dir_all(&inside).unwrap();
    fs::create_dir_all(&outside).unwrap();
    apart(case, &home, &inside);
    let expected = read(testdata().join(case).join("printlog.txt"));
    let print = |options: &[&str]| run(&[&["log", "print"], options].concat());
    let none = print(&[path(&home)]);
    assert!(err(&none).contains("no log files here"), "{}", err(&none));
    for (config, note) in [
        ("set_lg_dir logs\n", "logs (DB_CONFIG: set_lg_dir logs)\n"),
        ("DB_LOG_DIR ./logs\n", "logs (DB_CONFIG: DB_LOG_DIR ./logs)\n"),
    ] {
        fs::write(home.join("DB_CONFIG"), config).unwrap();
        for options in [&[path(&home)][..], &["-h", path(&home)]] {
            let output = print(options);
            assert_eq!(output.status.code(), Some(0));
            assert!(output.stdout == expected, "{options:?}");
            assert!(err(&output).ends_with(note), "{}", err(&output));
        }
    }
    for command in [&["log", "stat"][..], &["log", "verify"], &["log", "history"]] {
        let output = run(&[command, &[path(&home)]].concat());
        assert_eq!(output.status.code(), Some(0), "{command:?}: {}", err(&output));
        assert!(!output.stdout.is_empty(), "{command:?}");
    }
    // Out of the home it is said; and by hand it may be anywhere.
    fs::rename(inside.join("log.0000000001"), outside.join("log.0000000001")).unwrap();
    fs::write(home.join("DB_CONFIG"), "set_lg_dir ../outside\n").unwrap();
    let output = print(&[path(&home)]);
    assert!(
        output.stdout == expected && err(&output).contains("outside of the home: only read"),
        "{}",
        err(&output)
    );
    fs::write(home.join("DB_CONFIG"), "set_lg_dir nowhere\n").unwrap();
    let output = print(&[path(&home)]);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    assert!(print(&["--log-dir", path(&outside), path(&home)]).stdout == expected);
    let file = outside.join("log.0000000001");
    assert_eq!(print(&["--log-dir", path(&outside), path(&file)]).status.code(), Some(2));
}

#[test]
fn options_of_db_printlog_do_what_they_do_there() {
    let case = testdata().join("env-log14-le-clean");
    let expected = read(case.join("printlog.txt"));
    let output = run(&["log", "print", "-N", "-h", path(&case)]);
    assert!(output.stdout == expected && output.status.code() == Some(0));
    // The home is no request for help, and needs a value.
    let output = run(&["log", "print", "-h"]);
    assert_eq!((output.status.code(), out(&output).as_str()), (Some(2), ""));
    assert_eq!(run(&["log", "print", "-h", "nowhere"]).status.code(), Some(1));
    let output = run(&["log", "print", "-h", path(&case), path(&case)]);
    assert_eq!(output.status.code(), Some(2), "not both");
    let version = run(&["log", "print", "-V"]);
    assert_eq!(version.status.code(), Some(0));
    assert!(out(&version).starts_with("bdbkit 0."), "{}", out(&version));
    assert!(out(&run(&["log", "print", "--help"])).contains("--home <HOME>"));
    // The list has every type, and --type takes each.
    let list = out(&run(&["log", "print", "--type-list"]));
    let line = list.lines().find(|line| line.starts_with("bam_split ")).unwrap();
    assert!(line.contains("62") && line.contains("versions 2 to 23"), "{line}");
    assert!(list.lines().count() > 80, "{list}");
    for name in list.lines().filter_map(|line| line.split_whitespace().next()) {
        let output = run(&["log", "print", "--type", name, path(&case)]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", err(&output));
    }
}

#[test]
fn info_says_what_is_pending() {
    let case = testdata().join("env-log3-le-crashed");
    let file = case.join("p.db");
    let output = run(&["info", path(&file)]);
    is(&output, 0, "");
    assert!(out(&output).contains("has 20 committed changes not in the file ([1]["), "{}", out(&output));
    assert!(out(&output).contains("recovery is due"));
    let json = &objects(&run(&["info", "--json", path(&file)]))[0];
    assert_eq!(json["pending"]["committed"], 20);
    assert!(json["pending"]["first_lsn"]["offset"].is_u64() && json["pending_unknown"].is_null(), "{json}");
    for (options, code) in [
        (&["--strict", path(&file)][..], 1),
        (&["--strict", path(&case)], 1),
        (&[path(&case)], 0),
        (&["--strict", path(&testdata().join("env-log3-be-clean/p.db"))], 0),
        (&["--strict", path(&testdata().join("env-log3-be-clean"))], 0),
        // Not known is not settled.
        (&["--strict", path(&testdata().join("env-log14-be-encrypted/p.db"))], 1),
    ] {
        let output = run(&[&["info"], options].concat());
        assert_eq!(output.status.code(), Some(code), "{options:?}: {}", err(&output));
    }
    let json = &objects(&run(&["info", "--json", path(&case)]))[0];
    assert_eq!(json["recovery"], "due");
    assert_eq!(json["database_files"][1]["pending"]["committed"], 20);
    let clean = &objects(&run(&["info", "--json", path(&testdata().join("env-log3-be-clean"))]))[0];
    assert_eq!(clean["recovery"], "none");
    // The log may be elsewhere.
    let folder = tempfile::tempdir().unwrap();
    let (home, logs) = (folder.path().join("home"), folder.path().join("logs"));
    fs::create_dir_all(&home).unwrap();
    fs::create_dir_all(&logs).unwrap();
    apart("env-log3-le-crashed", &home, &logs);
    let file = home.join("p.db");
    assert!(!out(&run(&["info", path(&file)])).contains("committed"));
    let output = run(&["info", "--log-dir", path(&logs), path(&file)]);
    assert!(out(&output).contains("20 committed changes"), "{}", out(&output));
    // And cannot be read: the file can.
    fs::write(logs.join("log.0000000001"), [7; 500]).unwrap();
    let output = run(&["info", "--log-dir", path(&logs), path(&file)]);
    is(&output, 0, "");
    assert!(out(&output).contains("it is not known whether the log has changes for it"), "{}", out(&output));
}

#[test]
fn info_names_what_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let copy = |from: &str, to: &str| fs::copy(testdata().join(from), home.join(to)).unwrap();
    for (number, from) in [(1, 1), (2, 2), (9, 2)] {
        copy(&format!("env-log11-le-files/log.{from:010}"), &format!("log.{number:010}"));
    }
    copy("env-log11-le-files/p.db", "p.db");
    let output = run(&["info", path(home)]);
    assert_eq!(output.status.code(), Some(1));
    let words = "log.0000000003 to log.0000000008 are missing";
    assert!(out(&output).contains(words) && err(&output).contains(words), "{}{}", out(&output), err(&output));
    let json = &objects(&run(&["info", "--json", path(home)]))[0];
    assert_eq!(json["missing_log_files"], serde_json::json!([{ "first_number": 3, "last_number": 8 }]));
    // Parts of a database.
    let parts = tempfile::tempdir().unwrap();
    let queue = testdata().join("queue-v4-le-extents");
    let give = |name: &str| {
        fs::copy(queue.join(name), parts.path().join(name)).unwrap();
    };
    ["data.db", "__dbq.data.db.3", "__dbq.data.db.4"].into_iter().for_each(give);
    let output = run(&["info", path(parts.path())]);
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("missing: __dbq.data.db.1\n"), "{}", out(&output));
    assert!(err(&output).contains("data.db: missing: __dbq.data.db.1\n"), "{}", err(&output));
    ["__dbq.data.db.1", "__dbq.data.db.2"].into_iter().for_each(give);
    assert_eq!(run(&["info", path(parts.path())]).status.code(), Some(0));
    let output = run(&["info", path(&parts.path().join("data.db"))]);
    assert_eq!(output.status.code(), Some(0));
    let text = out(&output);
    for words in ["queue", "4, little-endian", "page size       512", "__dbq.data.db.4, 2 pages"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn info_knows_region_files_and_folders_of_databases() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    fs::create_dir(home.join("data")).unwrap();
    fs::copy(testdata().join("btree-v6-be-one/data.db"), home.join("data/a.db")).unwrap();
    fs::copy(testdata().join("btree-v6-be-one/data.db"), home.join("b.db")).unwrap();
    let words = [0x0012_0897u32, 0, 5, 3, 28].map(u32::to_le_bytes).concat();
    let region = [words, vec![0; 100]].concat();
    for (name, bytes) in
        [("__db.001", &region[..]), ("__db_log.share", b"locks"), ("__db.0012", b"another"), ("__db.", b"x")]
    {
        fs::write(home.join(name), bytes).unwrap();
    }
    fs::write(home.join("DB_CONFIG"), "set_data_dir data\n").unwrap();
    let output = run(&["info", path(home)]);
    is(&output, 0, "");
    let text = out(&output);
    assert!(text.contains("region files    __db.001, __db_log.share, of release 5.3.28\n"), "{text}");
    assert!(text.contains("data/a.db: btree") && text.contains(" b.db: btree"), "{text}");
    let alone = home.join("__db.001");
    let output = run(&["info", path(&alone)]);
    assert_eq!(output.status.code(), Some(3));
    assert!(err(&output).contains("a region file of release 5.3.28"), "{}", err(&output));
    // By hand.
    fs::remove_file(home.join("DB_CONFIG")).unwrap();
    assert!(!out(&run(&["info", path(home)])).contains("a.db"));
    let data = home.join("data");
    assert!(out(&run(&["info", "--data-dir", path(&data), path(home)])).contains("data/a.db: btree"));
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_are_not_lost() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    for name in [&b"a\xff.db"[..], b"a\xfe.db"] {
        let name = std::ffi::OsStr::from_bytes(name);
        fs::copy(testdata().join("btree-v6-be-one/data.db"), folder.path().join(name)).unwrap();
    }
    let output = run(&["info", path(folder.path())]);
    is(&output, 0, "");
    assert!(
        out(&output).contains("a\\fe.db: btree") && out(&output).contains("a\\ff.db: btree"),
        "{}",
        out(&output)
    );
}
