//! The tool as its users meet it: exit codes, messages, pipes, and what each command
//! prints.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::common;
use crate::common::{cases, read, sections};
use crate::tool::{err, file, out, run, tool, written};

/// What exit codes mean.
const FINDINGS: i32 = 1;
const USAGE: i32 = 2;
const UNSUPPORTED: i32 = 3;

/// Expects this exit code, nothing on standard output, and one line that names the tool, the
/// file, and what is wrong.
#[track_caller]
fn is_refused(code: i32, arguments: &[&str], path: &str, words: &str) {
    let output = run(arguments);
    let message = err(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
    assert_eq!(out(&output), "", "{arguments:?}");
    assert_eq!(message.lines().count(), 1, "one line: {message:?}");
    assert!(message.starts_with("bdbkit: ") && message.contains(path), "{message}");
    assert!(message.contains(words), "{message:?} does not say {words:?}");
}

/// Expects the same with JSON, and an object that says it.
#[track_caller]
fn is_refused_in_json(code: i32, path: &str, words: &str) {
    let output = run(&["info", "--json", path]);
    assert_eq!(output.status.code(), Some(code), "{}", err(&output));
    let error: Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(
        (&error["type"], &error["exit"], &error["file"]),
        (&"error".into(), &code.into(), &path.into())
    );
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(words), "{error}");
    assert_eq!(err(&output), format!("bdbkit: {message}\n"));
}

/// All commands refuse a file for the same reason.
#[track_caller]
fn all_refuse(code: i32, path: &str, words: &str) {
    is_refused(code, &["dump", path], path, words);
    is_refused(code, &["dump", "-l", path], path, words);
    is_refused(code, &["info", path], path, words);
    is_refused_in_json(code, path, words);
    is_refused(code, &["get", path, "key"], path, words);
}

// ---------------------------------------------------------------- what is no database

#[test]
fn a_text_file_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(
        folder.path(),
        "letter.txt",
        "Dear reader,\nthis is no database at all.\n".repeat(40).as_bytes(),
    );
    all_refuse(UNSUPPORTED, &path, "not a Berkeley DB file");
}

#[test]
fn a_directory_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    all_refuse(FINDINGS, folder.path().to_str().unwrap(), "directory");
}

#[test]
fn a_file_that_is_not_there_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nothing.db");
    all_refuse(FINDINGS, path.to_str().unwrap(), "No such file");
}

#[test]
fn an_empty_file_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    all_refuse(FINDINGS, &written(folder.path(), "empty.db", b""), "empty");
}

#[test]
fn a_file_of_a_few_bytes_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let whole = read(file("btree-v9-le-one"));
    all_refuse(FINDINGS, &written(folder.path(), "cut.db", &whole[..300]), "300 bytes are too few");
    all_refuse(FINDINGS, &written(folder.path(), "cut.db", &whole[..10]), "10 bytes are too few");
}

#[test]
fn dump_and_get_refuse_a_transaction_log_by_name() {
    let logs = cases(&["mboxlist-"]);
    assert!(logs.len() >= 11);
    for case in logs {
        let path = case.folder().join("log.0000000001");
        let path = path.to_str().unwrap();
        is_refused(UNSUPPORTED, &["dump", path], path, "transaction log");
        is_refused(UNSUPPORTED, &["dump", "-l", path], path, "transaction log");
        is_refused(UNSUPPORTED, &["get", path, "key"], path, "transaction log");
    }
}

#[test]
fn files_of_the_1_series_of_other_versions_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for (magic, version, name) in [(0x0006_1561_u32, 9_u32, "HASH"), (0x0005_3162, 2, "BTREE")] {
        for big in [false, true] {
            let bytes = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
            let mut head = [bytes(magic), bytes(version), bytes(1234), bytes(4096)].concat();
            head.resize(4096, 0);
            let path = written(folder.path(), "old.db", &head);
            all_refuse(UNSUPPORTED, &path, "1.x series");
            all_refuse(UNSUPPORTED, &path, name);
            all_refuse(UNSUPPORTED, &path, &format!("version {version}"));
        }
    }
}

#[test]
fn versions_that_no_release_wrote_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut newer = crate::common::data("btree-v9-le-few");
    newer[16] = 11;
    let (path, words) = (written(folder.path(), "newer.db", &newer), "version 11");
    is_refused(UNSUPPORTED, &["dump", &path], &path, words);
    is_refused(UNSUPPORTED, &["get", &path, "key"], &path, words);
    // What is known of it all the same.
    let output = run(&["info", &path]);
    assert_eq!(output.status.code(), Some(UNSUPPORTED));
    assert!(err(&output).starts_with("bdbkit: ") && err(&output).contains(words), "{}", err(&output));
    for row in ["type ", "version ", "page size ", "not read "] {
        assert!(out(&output).contains(row), "no {row}: {}", out(&output));
    }
    let output = run(&["info", "--json", &path]);
    let facts: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(UNSUPPORTED));
    assert!(facts["page_size"].as_u64().is_some_and(|size| size >= 512), "{facts}");
}

#[test]
fn a_name_with_a_line_break_does_not_break_the_message() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "two\nlines.db", b"");
    let output = run(&["dump", &path]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(err(&output).lines().count(), 1, "{:?}", err(&output));
}

// ------------------------------------------------------------------ wrong usage, help

#[test]
fn wrong_usage_ends_with_2() {
    let good = file("btree-v9-le-one");
    let wrong: [&[&str]; 11] = [
        &[],
        &["dmup"],
        &["dump"],
        &["dump", "-x", &good],
        &["dump", "-l", "-s", "name", &good],
        &["dump", "-s"],
        &["dump", &good, &good],
        &["info"],
        &["info", "--yaml", &good],
        &["get"],
        &["get", &good],
    ];
    for arguments in wrong {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", err(&output));
        assert_eq!(out(&output), "", "{arguments:?}");
        assert!(!err(&output).is_empty());
    }
}

#[test]
fn the_help_teaches() {
    let output = run(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    let help = out(&output);
    for word in [
        "info",
        "dump",
        "get",
        "log",
        "BTREE",
        "RECNO",
        "Examples",
        "bdbkit dump",
        "bdbkit get",
        "Exit codes",
    ] {
        assert!(help.contains(word), "{word} is missing:\n{help}");
    }
    assert!(help.lines().filter(|line| line.trim_start().starts_with("bdbkit ")).count() >= 4, "{help}");
    for (command, words) in [
        ("info", &["--json", "depth"][..]),
        ("dump", &["-p", "-k", "-l", "-s", "-f", "-N", "db_dump", "DATA=END"]),
        ("get", &["--hex", "-s", "RECNO", "duplicates"]),
    ] {
        let help = out(&run(&[command, "--help"]));
        for word in words {
            assert!(help.contains(word), "{command}: {word} is missing:\n{help}");
        }
    }
    let version = out(&run(&["--version"]));
    assert_eq!(version.trim(), format!("bdbkit {}", env!("CARGO_PKG_VERSION")));
}

// ------------------------------------------------------------------------------- dump

#[test]
fn a_dump_of_every_version_has_the_form_of_the_genuine_tool() {
    for (case, header) in [
        ("btree-v6-be-one", "type=btree\ndb_pagesize=1024\nHEADER=END\n 6b6579\n 64617461\nDATA=END\n"),
        ("btree-v7-le-one", "type=btree\ndb_pagesize=1024\nHEADER=END\n 6b6579\n 64617461\nDATA=END\n"),
        ("btree-v8-be-one", "type=btree\ndb_pagesize=1024\nHEADER=END\n 6b6579\n 64617461\nDATA=END\n"),
        ("btree-v9-le-one", "type=btree\ndb_pagesize=1024\nHEADER=END\n 6b6579\n 64617461\nDATA=END\n"),
    ] {
        let output = run(&["dump", &file(case)]);
        assert_eq!(out(&output), format!("VERSION=3\nformat=bytevalue\n{header}"), "{case}");
        assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""), "{case}");
        let printed = out(&run(&["dump", "-p", &file(case)]));
        assert!(
            printed.starts_with("VERSION=3\nformat=print\n")
                && printed.ends_with("\n key\n data\nDATA=END\n")
        );
    }
}

#[test]
fn records_are_dumped_with_their_numbers_if_asked() {
    let path = file("recno-v9-be-holes");
    let plain = &sections(&run(&["dump", &path]).stdout)[0].lines.len();
    let output = run(&["dump", "-pk", &path]);
    let text = out(&output);
    assert!(text.contains("\nkeys=1\n"), "{text}");
    let lines = &sections(&output.stdout)[0].lines;
    assert_eq!(lines.len(), plain * 2);
    let numbers: Vec<u32> =
        lines.iter().step_by(2).map(|line| String::from_utf8_lossy(line).parse().unwrap()).collect();
    assert!(numbers.windows(2).all(|two| two[0] < two[1]));
    assert!(numbers.windows(2).any(|two| two[0] + 1 < two[1]), "the holes show: {numbers:?}");
}

#[test]
fn the_databases_of_a_file_are_listed_and_dumped_by_name() {
    let path = file("btree-v9-le-subdbs");
    let list = out(&run(&["dump", "-l", &path]));
    let names: Vec<&str> = list.lines().collect();
    assert!(names.contains(&"plain") && names.contains(&"numbers") && names.len() >= 5, "{names:?}");
    let all = sections(&run(&["dump", &path]).stdout);
    for (name, section) in names.iter().zip(&all) {
        let output = run(&["dump", "-s", name, &path]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", err(&output));
        assert_eq!(sections(&output.stdout)[0].lines, section.lines, "{name}");
        assert_eq!(section.database.as_deref(), Some(*name));
    }
    is_refused(FINDINGS, &["dump", "-s", "nobody", &path], &path, "no database named nobody");
    is_refused(
        FINDINGS,
        &["dump", "-s", "any", &file("btree-v9-le-one")],
        "data.db",
        "does not hold several databases",
    );
    is_refused(
        FINDINGS,
        &["dump", "-l", &file("btree-v9-le-one")],
        "data.db",
        "does not hold several databases",
    );
}

#[test]
fn a_damaged_file_is_dumped_as_far_as_it_goes_and_ends_with_1() {
    let path = file("damage-v9-le-item-len");
    let output = run(&["dump", &path]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!out(&output).contains("DATA=END"), "an incomplete dump has no end");
    assert!(sections(&[&output.stdout[..], b"DATA=END\n"].concat())[0].lines.len() > 20);
    let message = err(&output);
    assert!(message.contains("page 4: byte 440: item of 65520 bytes"), "{message}");
    assert!(message.lines().all(|line| line.starts_with("bdbkit: ")), "{message}");
    let output = run(&["info", &path]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("page 4"), "{}", err(&output));
}

#[test]
fn a_truncated_file_is_dumped_as_far_as_it_goes_and_ends_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let whole = read(file("btree-v8-be-levels"));
    let all = sections(&run(&["dump", &file("btree-v8-be-levels")]).stdout)[0].lines.len();
    let path = written(folder.path(), "cut.db", &whole[..whole.len() * 3 / 4]);
    let output = run(&["dump", &path]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("beyond the end"), "{}", err(&output));
    assert!(!out(&output).contains("DATA=END"));
    let rest = sections(&output.stdout)[0].lines.len();
    assert!(rest > all / 4 && rest < all, "{rest} of {all} lines");
}

#[test]
fn a_dump_goes_to_a_file_if_asked() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("out.txt");
    for case in ["btree-v6-le-few", "recno-v8-be-fixed"] {
        let expected = run(&["dump", "-p", &file(case)]);
        let output = run(&["dump", "-p", "-f", to.to_str().unwrap(), &file(case)]);
        assert_eq!((output.status.code(), out(&output).as_str()), (Some(0), ""), "{}", err(&output));
        assert_eq!(read(&to), expected.stdout, "{case}");
    }
    let nowhere = folder.path().join("no/such/folder/out.txt");
    is_refused(
        FINDINGS,
        &["dump", "-f", nowhere.to_str().unwrap(), &file("btree-v9-le-one")],
        "out.txt",
        "No such file",
    );
}

#[test]
fn a_dump_does_not_overwrite_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let whole = read(file("btree-v9-le-few"));
    let path = written(folder.path(), "data.db", &whole);
    is_refused(USAGE, &["dump", "-f", &path, &path], &path, "not overwritten");
    let dotted = folder.path().join(".").join("data.db");
    is_refused(USAGE, &["dump", "-f", dotted.to_str().unwrap(), &path], "data.db", "not overwritten");
    #[cfg(unix)]
    {
        let link = folder.path().join("link.db");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        is_refused(USAGE, &["dump", "-f", link.to_str().unwrap(), &path], "link.db", "not overwritten");
        let hard = folder.path().join("hard.db");
        fs::hard_link(&path, &hard).unwrap();
        is_refused(USAGE, &["dump", "-f", hard.to_str().unwrap(), &path], "hard.db", "not overwritten");
    }
    // A refused list writes nothing either.
    is_refused(FINDINGS, &["dump", "-l", "-f", &path, &path], "data.db", "");
    assert!(read(&path) == whole, "the database is as it was");
}

#[test]
fn a_database_comes_through_a_pipe() {
    for case in ["btree-v6-be-dups-onpage", "btree-v9-le-levels"] {
        let expected = run(&["dump", &file(case)]).stdout;
        for name in ["-", "/dev/stdin"] {
            let output = tool().args(["dump", name]).write_stdin(read(file(case))).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", err(&output));
            assert!(output.stdout == expected, "{case} through {name}");
        }
    }
    let output = tool().args(["dump", "-"]).write_stdin("no database ".repeat(900)).output().unwrap();
    assert_eq!(output.status.code(), Some(UNSUPPORTED));
    assert!(err(&output).contains("not a Berkeley DB file"), "{}", err(&output));
    let output = tool().args(["info", "-"]).write_stdin("").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("empty"), "{}", err(&output));
    let output =
        tool().args(["get", "-", "key"]).write_stdin(read(file("btree-v9-le-one"))).output().unwrap();
    assert_eq!(out(&output), "data\n");
}

#[test]
fn a_reader_that_has_enough_ends_the_tool_quietly() {
    // The longest dump there is, to have more than a pipe can hold.
    let golden =
        common::readable().into_iter().max_by_key(|golden| fs::metadata(&golden.dump).unwrap().len());
    let path = golden.unwrap().db;
    let path = path.to_str().unwrap();
    for arguments in [&["dump", path][..], &["dump", "-p", path]] {
        let size = run(arguments).stdout.len();
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_bdbkit"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let mut some = [0; 100];
        stdout.read_exact(&mut some).unwrap();
        drop(stdout);
        let output = child.wait_with_output().unwrap();
        assert_eq!(err(&output), "", "quiet, of {size} bytes");
        assert!(output.status.code().is_some(), "no signal: {:?}", output.status);
    }
    // One that is closed from the start.
    for arguments in [
        &["dump", path][..],
        &["info", path],
        &["info", "--json", path],
        &["get", &file("btree-v9-le-one"), "key"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_bdbkit"))
            .args(arguments)
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(err(&output), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        return;
    }
    for arguments in [&["dump", &file("btree-v9-le-levels")][..], &["info", &file("btree-v9-le-levels")]] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_bdbkit"))
            .args(arguments)
            .stdout(fs::OpenOptions::new().write(true).open(full).unwrap())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(err(&output).contains("cannot write"), "{arguments:?}: {}", err(&output));
    }
}

#[test]
fn reading_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let whole = read(file("btree-v8-le-few-3.1").replace("le-few-3.1", "le-levels"));
    let path = written(folder.path(), "data.db", &whole);
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    for arguments in [&["dump", &path][..], &["info", &path], &["get", &path, "x"]] {
        run(arguments);
    }
    assert!(read(&path) == whole);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no file was made");
}

// ------------------------------------------------------------------------------- info

fn info(path: &str) -> Value {
    let output = run(&["info", "--json", path]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(out(&output).lines().count(), 1, "one line for each file");
    serde_json::from_str(&out(&output)).expect("JSON")
}

#[test]
fn info_tells_the_facts_in_json() {
    let path = file("btree-v6-be-levels");
    let facts = info(&path);
    assert_eq!(facts["file"], Value::from(path.as_str()));
    assert_eq!((&facts["type"], &facts["method"]), (&"database".into(), &"btree".into()));
    assert_eq!(facts["version"], 6);
    assert_eq!(facts["byte_order"], "big-endian");
    assert_eq!(facts["page_size"], 512);
    let pages = read(&path).len() / 512;
    assert_eq!(facts["pages"], pages);
    assert_eq!(facts["tail"], 0);
    assert_eq!(facts["last_page"], Value::Null, "version 6 does not keep it");
    assert_eq!((&facts["checksums"], &facts["encrypted"]), (&false.into(), &false.into()));
    assert_eq!(facts["several_databases"], false);
    assert_eq!(facts["complete"], true);
    let by_type = facts["page_types"].as_array().unwrap().iter();
    let sum: u64 = by_type.map(|one| one["pages"].as_u64().unwrap()).sum();
    assert_eq!(sum, u64::try_from(pages).unwrap());
    let database = &facts["databases"][0];
    assert_eq!(database["records"], 170);
    assert!(database["depth"].as_u64().unwrap() >= 2);
    assert_eq!((&database["deleted"], &database["damaged"]), (&0.into(), &0.into()));
    assert_eq!(database["database"], Value::Null);
}

#[test]
fn info_tells_flags_lengths_and_checksums() {
    let fixed = info(&file("recno-v9-le-fixed"));
    let text = out(&run(&["dump", &file("recno-v9-le-fixed")]));
    let length = text.lines().find_map(|line| line.strip_prefix("re_len=")).unwrap();
    assert_eq!(fixed["method"], "recno");
    assert_eq!(fixed["databases"][0]["record_length"].to_string(), length);
    assert!(fixed["databases"][0]["flags"].to_string().contains("fixed length"), "{fixed}");
    let checked = info(&file("btree-v9-be-checksum"));
    assert_eq!((&checked["checksums"], &checked["byte_order"]), (&true.into(), &"big-endian".into()));
    let sorted = info(&file("btree-v9-le-dups-offpage-sorted"));
    assert_eq!(sorted["databases"][0]["flags"], serde_json::json!(["duplicates", "sorted duplicates"]));
    let numbered = info(&file("btree-v7-le-recnum"));
    assert_eq!(numbered["databases"][0]["flags"], serde_json::json!(["record numbers"]));
    let marked = info(&file("btree-v9-le-delete-marked"));
    assert!(marked["databases"][0]["deleted"].as_u64().unwrap() > 0);
    let freed = info(&file("btree-v6-be-deleted"));
    assert!(freed["free_pages"].as_u64().unwrap() > 0, "{freed}");
    let empty = info(&file("btree-v9-le-empty"));
    assert_eq!((&empty["databases"][0]["records"], &empty["databases"][0]["depth"]), (&0.into(), &1.into()));
}

#[test]
fn info_tells_of_the_databases_inside() {
    let facts = info(&file("btree-v9-le-subdbs"));
    assert_eq!(facts["several_databases"], true);
    let databases = facts["databases"].as_array().unwrap();
    let list = out(&run(&["dump", "-l", &file("btree-v9-le-subdbs")]));
    let names: Vec<&str> = databases.iter().map(|db| db["database"].as_str().unwrap()).collect();
    assert_eq!(names, list.lines().collect::<Vec<_>>());
    let of = |name: &str| &databases[names.iter().position(|n| *n == name).unwrap()];
    assert_eq!(of("numbers")["method"], "recno");
    assert_eq!(of("plain")["method"], "btree");
    assert_eq!(of("hashed")["method"], "hash");
    assert!(of("dups")["flags"].to_string().contains("duplicates"));
    let dumped = sections(&run(&["dump", &file("btree-v9-le-subdbs")]).stdout);
    for (database, section) in databases.iter().zip(&dumped) {
        let lines = u64::try_from(section.lines.len()).unwrap();
        let records = if section.kind == "recno" { lines } else { lines / 2 };
        assert_eq!(database["records"], records, "{:?}", section.database);
    }
}

#[test]
fn info_tells_the_same_in_words() {
    let path = file("btree-v8-be-levels");
    let output = run(&["info", &path]);
    assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""));
    let text = out(&output);
    for words in [
        &path,
        "btree",
        "8, big-endian",
        "512",
        "170",
        "btree leaf",
        "highest LSN",
        "depth",
        "checksums",
        "none",
    ] {
        assert!(text.contains(words), "{words} is missing:\n{text}");
    }
    let several = out(&run(&["info", &file("btree-v8-be-subdbs")]));
    for words in ["several databases", "\"numbers\"", "recno", "hash"] {
        assert!(several.contains(words), "{words} is missing:\n{several}");
    }
}

#[test]
fn info_tells_of_many_files_and_names_those_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let text = written(folder.path(), "letter.txt", "no database".repeat(100).as_bytes());
    let (a, b) = (file("btree-v6-le-one"), file("recno-v9-be-var"));
    let output = run(&["info", "--json", &a, &text, &b]);
    assert_eq!(output.status.code(), Some(UNSUPPORTED), "one of them is no database");
    let lines: Vec<Value> = out(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!((&lines[0]["method"], &lines[2]["method"]), (&"btree".into(), &"recno".into()));
    assert_eq!((&lines[1]["type"], &lines[1]["kind"]), (&"error".into(), &"not-a-database".into()));
    assert_eq!(err(&output).lines().count(), 1);
    assert!(err(&output).contains("letter.txt"));
    assert_eq!(run(&["info", &a, &b]).status.code(), Some(0));
}

#[test]
fn info_reads_every_file_of_the_test_data() {
    let paths: Vec<String> =
        common::readable().iter().map(|golden| golden.db.to_str().unwrap().to_owned()).collect();
    let output = run(&[&["info".to_owned(), "--json".to_owned()], &paths[..]].concat());
    assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""));
    let lines = out(&output);
    assert_eq!(lines.lines().count(), paths.len());
    for line in lines.lines() {
        let facts: Value = serde_json::from_str(line).unwrap();
        assert_eq!(facts["complete"], true, "{line}");
    }
}

// -------------------------------------------------------------------------------- get

#[test]
fn get_prints_the_value_of_a_key() {
    for case in ["btree-v6-be-one", "btree-v7-le-one", "btree-v8-be-one", "btree-v9-le-one"] {
        let output = run(&["get", &file(case), "key"]);
        assert_eq!((output.status.code(), out(&output).as_str()), (Some(0), "data\n"), "{}", err(&output));
        let output = run(&["get", "--hex", &file(case), "6b6579"]);
        assert_eq!(out(&output), "64617461\n");
        let output = run(&["get", "--hex", &file(case), "6B6579"]);
        assert_eq!(out(&output), "64617461\n", "capital digits");
    }
}

#[test]
fn get_prints_all_values_of_a_key_with_duplicates() {
    for case in
        ["btree-v6-le-dups-offpage", "btree-v8-be-dups-onpage-sorted", "btree-v9-be-dups-offpage-many"]
    {
        let lines = &sections(&run(&["dump", &file(case)]).stdout)[0].lines;
        let (mut best, mut count) = (&lines[0], 0);
        for key in lines.iter().step_by(2) {
            let number = lines.iter().step_by(2).filter(|other| *other == key).count();
            if number > count {
                (best, count) = (key, number);
            }
        }
        assert!(count > 1, "{case}");
        let output = run(&["get", "--hex", &file(case), &String::from_utf8_lossy(best)]);
        let expected: Vec<String> = lines
            .chunks(2)
            .filter(|two| &two[0] == best)
            .map(|two| String::from_utf8_lossy(&two[1]).into_owned())
            .collect();
        assert_eq!(out(&output).lines().collect::<Vec<_>>(), expected, "{case}");
    }
}

#[test]
fn get_prints_records_by_their_numbers() {
    let path = file("recno-v8-be-var");
    let lines = &sections(&run(&["dump", "-p", &path]).stdout)[0].lines;
    for number in [1, 2, lines.len()] {
        let output = run(&["get", &path, &number.to_string()]);
        let expected = [lines[number - 1].as_slice(), b"\n"].concat();
        assert_eq!((output.status.code(), output.stdout), (Some(0), expected), "record {number}");
    }
    for number in ["0", "99999"] {
        let output = run(&["get", &path, number]);
        assert_eq!((output.status.code(), out(&output).as_str()), (Some(1), ""), "record {number}");
        assert!(!err(&output).is_empty());
    }
    is_refused(USAGE, &["get", &path, "first"], "first", "");
}

#[test]
fn get_looks_in_one_of_several_databases() {
    let path = file("btree-v9-be-subdbs");
    let dumped = sections(&run(&["dump", "-p", &path]).stdout);
    let plain = dumped.iter().find(|section| section.database.as_deref() == Some("plain")).unwrap();
    let key = String::from_utf8_lossy(&plain.lines[2]).into_owned();
    let output = run(&["get", "-s", "plain", &path, &key]);
    assert_eq!(output.stdout, [plain.lines[3].as_slice(), b"\n"].concat(), "{}", err(&output));
    let numbers = dumped.iter().find(|section| section.database.as_deref() == Some("numbers")).unwrap();
    let output = run(&["get", "-s", "numbers", &path, "2"]);
    assert_eq!(output.stdout, [numbers.lines[1].as_slice(), b"\n"].concat(), "{}", err(&output));
    is_refused(FINDINGS, &["get", "-s", "nobody", &path, "key"], &path, "nobody");
    let output = run(&["get", &path, "key"]);
    assert_eq!(output.status.code(), Some(USAGE));
    assert!(err(&output).contains("several databases") || err(&output).contains("-s"), "{}", err(&output));
}

#[test]
fn get_of_a_key_that_is_not_there_ends_with_1() {
    let path = file("btree-v9-le-one");
    for key in ["nothing", "ke", "key ", ""] {
        let output = run(&["get", &path, key]);
        assert_eq!((output.status.code(), out(&output).as_str()), (Some(1), ""), "{key:?}");
        assert!(err(&output).lines().count() <= 1);
    }
    is_refused(USAGE, &["get", "--hex", &path, "6b657"], "6b657", "hexadecimal");
    is_refused(USAGE, &["get", "--hex", &path, "zz"], "zz", "hexadecimal");
}

#[test]
fn get_reads_long_values() {
    let path = file("btree-v9-be-overflow");
    let lines = &sections(&run(&["dump", &path]).stdout)[0].lines;
    let longest = lines.chunks(2).max_by_key(|two| two[1].len()).unwrap();
    let output = run(&["get", "--hex", &path, &String::from_utf8_lossy(&longest[0])]);
    assert_eq!(output.stdout, [longest[1].as_slice(), b"\n"].concat());
}
