//! `bdbkit store survey` and `store plan`.

use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

use crate::common::{cases, testdata};
use crate::tool;
use crate::tool::{code, out, run};

fn store(arguments: &[&str]) -> Output {
    tool::store(arguments, &testdata())
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn text_fits_a_terminal() {
    for case in cases(&["mboxlist-"]) {
        for command in ["survey", "plan"] {
            let output = store(&[command, &case.name]);
            let text = out(&output);
            for line in text.lines() {
                assert!(line.chars().count() <= 80, "{} {command}: {line}", case.name);
            }
            assert!(text.starts_with(&format!("{}\n", case.name)), "{text}");
            assert!(output.stderr.is_empty());
        }
    }
}

#[test]
fn a_survey_tells_what_a_store_is() {
    let output = store(&["survey", "mboxlist-ims61-log8-be"]);
    let lines = out(&output);
    assert_eq!(code(&output), 0, "{lines}");
    for wanted in [
        "  state         clean: no page lacks a change of the log\n",
        "  written by    6.1 or 6.2 (certain), engine 4.2.52\n",
        "folder.db  btree 9 big ",
        "log.0000000001 8       big ",
        "warning  M-302  no valid snapshot was found\n",
    ] {
        assert!(lines.contains(wanted), "{wanted}: {lines}");
    }
}

#[test]
fn a_store_that_needs_recovery_needs_attention() {
    let output = store(&["survey", "mboxlist-ims60-log3-le-unclean"]);
    let lines = out(&output);
    assert_eq!(code(&output), 1);
    assert!(lines.contains("recovery-needed: folder.db, peruser.db, quota.db: 27 committed"), "{lines}");
    assert!(lines.contains("error    M-111"), "{lines}");
    let plan = store(&["plan", "mboxlist-ims60-log3-le-unclean", "--target", "6.3"]);
    assert_eq!(code(&plan), 0, "a plan that can be carried out");
    assert!(out(&plan).contains("critical M-110"), "{}", out(&plan));
}

#[test]
fn a_plan_is_for_the_newest_known_release_unless_told() {
    let plan = json(&store(&["plan", "--json", "mboxlist-ims5-log2-be"]));
    assert_eq!(plan["target"], "7u3");
    let plan = store(&["plan", "--json", "mboxlist-ims63-log11-be", "--target", "7.0"]);
    assert_eq!(code(&plan), 0);
    assert_eq!(json(&plan)["target"], "7.0");
    let unknown = store(&["plan", "mboxlist-ims5-log2-be", "--target", "9.9"]);
    assert_eq!(code(&unknown), 2);
    let error = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(error.contains("one of 4.15, 5.x (5.0, 5.1, 5.2), 6.0, "), "{error}");
    assert_eq!(code(&store(&["survey"])), 2);
    assert_eq!(code(&store(&["survey", "no such folder"])), 1);
}

#[test]
fn json_has_the_keys_of_the_specification() {
    let survey = json(&store(&["survey", "--json", "mboxlist-ims60-log3-le-unclean"]));
    let keys = |value: &Value, wanted: &[&str]| {
        for key in wanted {
            assert!(value.get(key).is_some(), "{key}: {value}");
        }
    };
    keys(&survey, &["schema", "dir", "dbtmpdir", "state", "dry_recovery", "database_files", "log_files"]);
    keys(&survey, &["candidates", "snapshots", "findings", "region_files"]);
    assert_eq!((&survey["schema"], &survey["state"]), (&1.into(), &"recovery-needed".into()));
    keys(&survey["dry_recovery"], &["from_lsn", "end_lsn", "redo", "undo", "first_lsn"]);
    assert_eq!(survey["dry_recovery"]["from_lsn"], serde_json::json!({ "file": 1, "offset": 20140 }));
    let database = ["name", "method", "version", "byte_order", "page_size", "pages", "meta_lsn", "max_lsn"];
    keys(&survey["database_files"][0], &database);
    keys(&survey["database_files"][0], &["file_id", "encrypted", "checksums"]);
    assert_eq!(survey["database_files"][0]["method"], "btree");
    keys(
        &survey["log_files"][0],
        &["name", "version", "byte_order", "max_size", "first_lsn", "last_lsn", "damage"],
    );
    keys(&survey["log_files"][0], &["checkpoint_lsn"]);
    assert_eq!(survey["log_files"][0]["byte_order"], "little-endian");
    keys(&survey["candidates"], &["last_writer", "engine", "confidence", "earliest_origin", "reasons"]);
    keys(&survey["findings"][0], &["code", "severity", "name", "evidence", "message", "remedy", "sources"]);
    keys(&survey, &["product", "complete"]);
    let plan = json(&store(&["plan", "--json", "mboxlist-ims5-log2-be"]));
    keys(&plan["steps"][0], &["step", "code", "title", "by", "state", "command", "sources"]);
    keys(&plan["steps"][0], &["alternative", "note"]);
    assert_eq!(plan["steps"][1]["step"], 2);
    let old = plan["findings"].as_array().unwrap().iter().find(|one| one["code"] == "M-101").unwrap();
    assert_eq!(old["evidence"], serde_json::json!({ "offset": 16, "found": { "hex": "00000006" } }));
    assert_eq!(old["severity"], "error");
}

/// A folder with files of a store under a name that a terminal and a shell mistake.
#[cfg(unix)]
#[test]
fn names_are_escaped_and_quoted() {
    let top = tempfile::tempdir().unwrap();
    let folder = top.path().join("it's  my\tstore");
    std::fs::create_dir(&folder).unwrap();
    let from = testdata().join("mboxlist-ims63-log11-le");
    std::fs::copy(from.join("folder.db"), folder.join("folder.db")).unwrap();
    std::fs::copy(from.join("folder.db"), folder.join("a\nb\u{1b}[31m.db")).unwrap();
    std::fs::write(folder.join("c\u{1b}[2J.db"), b"").unwrap();
    let dir = folder.to_str().unwrap();
    for command in ["survey", "plan"] {
        let lines = out(&store(&[command, dir]));
        assert!(!lines.contains(['\u{1b}', '\t']), "{command}: {lines}");
        assert!(!lines.lines().any(|line| line.starts_with("b\\")), "{command}: {lines}");
    }
    let survey = out(&store(&["survey", dir]));
    assert!(survey.contains("a\\0ab\\1b[31m.db"), "{survey}");
    let plan = out(&store(&["plan", dir]));
    assert!(plan.contains("it\\'s  my\\011store/a\\012b\\033[31m.db'"), "{plan}");
}

/// Names that do something to a terminal or to a reader, and two that only one byte tells apart.
#[cfg(unix)]
fn evil() -> Vec<std::ffi::OsString> {
    let names: [&[u8]; 8] = [
        b"\x1b[31mred",
        b"good.db: sound\nbad",
        b"\r\x07\x7f",
        "\u{9b}31m\u{85}".as_bytes(),
        "\u{202e}bd.\u{2066}\u{2028}".as_bytes(),
        b"\xff",
        b"\xfe",
        br"back\ff",
    ];
    names.map(|name| std::os::unix::ffi::OsStringExt::from_vec(name.to_vec())).into()
}

/// A store, its snapshots, links, pipes and configuration under such names: nothing of them is
/// printed as it is, and no two look alike.
#[cfg(unix)]
#[test]
fn no_name_in_a_store_is_printed_as_it_is() {
    use std::os::unix::ffi::OsStrExt;
    let top = tempfile::tempdir().unwrap();
    let dir = top.path().join("mboxlist");
    let from = testdata().join("mboxlist-ims63-log11-le");
    let fill = |folder: &std::path::Path| {
        std::fs::create_dir_all(folder).unwrap();
        for name in ["folder.db", "log.0000000001"] {
            std::fs::copy(from.join(name), folder.join(name)).unwrap();
        }
    };
    fill(&dir);
    let with = |before: &str, name: &std::ffi::OsStr, behind: &str| {
        let parts = [before.as_bytes(), name.as_bytes(), behind.as_bytes()];
        std::ffi::OsString::from(std::ffi::OsStr::from_bytes(&parts.concat()))
    };
    for name in evil() {
        std::fs::copy(from.join("quota.db"), dir.join(with("", &name, ".db"))).unwrap();
        std::fs::write(dir.join(with("damaged", &name, ".db")), "no database").unwrap();
        for (before, behind) in [("__dbq.", ".0"), ("__db.", "x"), ("", ""), ("", ".bdbkit-journal")] {
            std::fs::write(dir.join(with(before, &name, behind)), "data").unwrap();
        }
        std::os::unix::fs::symlink("x", dir.join(with("link", &name, ".db"))).unwrap();
        std::fs::create_dir(dir.join(with("folder", &name, ""))).unwrap();
        fill(&top.path().join("dbdata/snapshots").join(&name));
        std::os::unix::fs::symlink("x", top.path().join("dbdata/snapshots").join(with("to", &name, "")))
            .unwrap();
    }
    let mut config = b"set_data_dir ".to_vec();
    config.extend("\u{1b}[31m\u{202e}\u{9b}x\n".bytes());
    std::fs::write(dir.join("DB_CONFIG"), config).unwrap();
    let path = dir.to_str().unwrap();
    for (command, more) in
        [("survey", &[][..]), ("plan", &[]), ("snapshots", &[]), ("list", &["--deleted", "--from-logs"])]
    {
        for form in [&[][..], &["--json"]] {
            let output = store(&[&[command], more, form, &[path]].concat());
            for bytes in [&output.stdout, &output.stderr] {
                let printed = std::str::from_utf8(bytes).unwrap();
                let does = |c: char| {
                    c.is_control() && c != '\n'
                        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
                };
                let line = printed.lines().find(|line| line.contains(does));
                assert_eq!(line, None, "{command} {form:?}");
                assert!(!printed.lines().any(|line| line.starts_with("bad")), "{command} {form:?}");
            }
            let printed = String::from_utf8(output.stdout).unwrap();
            let slash = if form.is_empty() { "\\" } else { "\\\\" };
            for name in ["ff", "fe"] {
                let name = format!("{slash}{name}");
                assert!(printed.contains(&name), "{command} {form:?}: {name}");
            }
        }
    }
    // What was passed over is incomplete.
    for command in ["survey", "list"] {
        assert_eq!(code(&store(&[command, path])), 1, "{command}");
    }
}

/// Splits a command as a shell does; the words of each of several that `&&` joins.
fn shell_words(command: &str) -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    let mut chars = command.chars().peekable();
    while let Some(&c) = chars.peek() {
        if c == ' ' {
            chars.next();
            continue;
        }
        let mut word = String::new();
        while let Some(c) = chars.next_if(|c| *c != ' ') {
            match c {
                '\'' => word.extend(chars.by_ref().take_while(|c| *c != '\'')),
                '\\' => word.extend(chars.next()),
                '$' if chars.peek() == Some(&'\'') => {
                    chars.next();
                    while let Some(c) = chars.next_if(|c| *c != '\'') {
                        word.push(c);
                        if c == '\\' {
                            word.extend(chars.next());
                        }
                    }
                    assert_eq!(chars.next(), Some('\''), "{command}");
                }
                ';' | '(' | ')' | '|' | '"' | '`' | '$' | '*' | '?' | '<' => panic!("{c} in {command}"),
                _ => word.push(c),
            }
        }
        if word == "&&" { all.push(Vec::new()) } else { all.last_mut().unwrap().push(word) }
    }
    all
}

/// Every command of every plan is one that a shell can run.
#[test]
fn a_command_of_a_plan_is_a_command() {
    let programs = ["bdbkit", "stored", "reconstruct", "imcheck"];
    let mut seen = std::collections::BTreeSet::new();
    let releases = ["4.15", "5.2", "6.0", "6.1", "6.3", "7.0", "7u3", "8.0.1"];
    let top = tempfile::tempdir().unwrap();
    let mut folders: Vec<String> = cases(&["mboxlist-"]).into_iter().map(|case| case.name).collect();
    // One that was interrupted, lost its log, and has a damaged database.
    let odd = top.path().join("a store; it's");
    std::fs::create_dir(&odd).unwrap();
    for (case, name) in [("mboxlist-ims5-log2-le", "folder.db"), ("mboxlist-ims5-log2-le", "quota.db")] {
        std::fs::copy(testdata().join(case).join(name), odd.join(name)).unwrap();
    }
    std::fs::write(odd.join("peruser.db"), [0xff; 2048]).unwrap();
    std::fs::create_dir(odd.join(".bdbkit-restore")).unwrap();
    std::fs::create_dir(odd.join(".bdbkit-backup-1")).unwrap();
    folders.push(odd.to_str().unwrap().to_owned());
    // One that was stopped without a final recovery.
    let stopped = top.path().join("stopped");
    std::fs::create_dir(&stopped).unwrap();
    for name in ["folder.db", "log.0000000001"] {
        std::fs::copy(testdata().join("mboxlist-ims63-log11-le").join(name), stopped.join(name)).unwrap();
    }
    std::fs::write(stopped.join("__db.001"), "region").unwrap();
    folders.push(stopped.to_str().unwrap().to_owned());
    for folder in &folders {
        for target in releases {
            let plan = json(&store(&["plan", "--json", "--target", target, folder]));
            for step in plan["steps"].as_array().unwrap() {
                assert!(step["note"].is_null() || step["note"].is_string(), "{step}");
                for command in [&step["command"], &step["alternative"]] {
                    let Some(command) = command.as_str() else { continue };
                    for words in shell_words(command) {
                        assert!(programs.contains(&words[0].as_str()), "{command}");
                        seen.insert(words[..words.len().min(3)].join(" "));
                        if folder.contains("it's") && words[0] == "bdbkit" {
                            assert!(words.last().unwrap().starts_with(folder.as_str()), "{words:?}");
                        }
                    }
                }
            }
        }
    }
    for wanted in
        ["bdbkit store upgrade", "bdbkit store restore-snapshot", "bdbkit store snapshots", "stored -r"]
    {
        assert!(seen.contains(wanted), "{wanted}: {seen:?}");
    }
    assert!(seen.iter().any(|one| one.starts_with("bdbkit salvage")), "{seen:?}");
    assert!(seen.iter().any(|one| one.starts_with("bdbkit reset-lsn")), "{seen:?}");
}

/// 0 where a plan can be carried out, 4 where it cannot, 1 where not all is known.
#[test]
fn exit_codes_of_plans_and_surveys_mean_one_thing_each() {
    let plan = |arguments: &[&str]| {
        let arguments = [&["plan", "--json"], arguments].concat();
        let output = store(&arguments);
        let value = json(&output);
        (code(&output), value["possible"].clone(), value["complete"].clone())
    };
    let (yes, no) = (Value::Bool(true), Value::Bool(false));
    let old = "mboxlist-ims5-log2-be";
    assert_eq!(plan(&["--target", "7u3", "--source", "5.2", old]), (0, yes.clone(), yes.clone()));
    assert_eq!(plan(&["--target", "7u3", "--byte-order", "little", old]), (0, yes.clone(), yes.clone()));
    let new = "mboxlist-ims7u1-log14-be";
    assert_eq!(plan(&["--target", "5.2", new]), (4, no.clone(), yes.clone()));
    // Recovery is a step of the plan.
    let unclean = "mboxlist-ims60-log3-le-unclean";
    assert_eq!(plan(&["--target", "6.3", unclean]), (0, yes.clone(), yes.clone()));
    assert_eq!(code(&store(&["survey", unclean])), 1);
    // A database that is no more to be told from its page 0: salvage is a step, the state is open.
    let wreck = tempfile::tempdir().unwrap();
    for name in ["folder.db", "quota.db", "log.0000000001"] {
        std::fs::copy(testdata().join(old).join(name), wreck.path().join(name)).unwrap();
    }
    let file = wreck.path().join("folder.db");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[..1024].fill(0);
    std::fs::write(file, bytes).unwrap();
    let folder = wreck.path().to_str().unwrap();
    assert_eq!(plan(&["--target", "7u3", folder]), (1, yes, no.clone()));
    let survey = store(&["survey", folder]);
    assert!(out(&survey).contains("state         unknown: "), "{}", out(&survey));
    assert_eq!(code(&survey), 1);
    // No mail store at all.
    assert_eq!(code(&store(&["survey", "svn-like"])), 3);
    assert_eq!(plan(&["--target", "7u3", "svn-like"]).0, 3);
    let lines = out(&store(&["survey", "svn-like"]));
    assert!(lines.contains("is            a Subversion repository, no mail store\n"), "{lines}");
    assert!(!lines.contains("6.1") && !lines.contains("certain"), "{lines}");
}

#[test]
fn releases_are_named_as_people_name_them() {
    let plan = |source: &str, target: &str| {
        let folder = "mboxlist-ims5-log2-be";
        let plan = store(&["plan", "--json", "--source", source, "--target", target, folder]);
        assert_eq!(code(&plan), 0, "{source} to {target}");
        let plan = json(&plan);
        (plan["source"][0].as_str().unwrap().to_owned(), plan["target"].as_str().unwrap().to_owned())
    };
    let version = "Sun Java(tm) System Messaging Server 7.3-11.01 64bit (built Sep  1 2009)";
    for (source, target) in [("5.2", "7.3"), ("iMS 5.2", "7 Update 3"), ("5.x", "7u3"), ("5.0", version)] {
        assert_eq!(plan(source, target), ("5.x".into(), "7u3".into()));
    }
    let help = out(&store(&["plan", "--help"]));
    let words: Vec<&str> = help.split_whitespace().collect();
    assert_eq!(words.join(" ").matches("one of 4.15, 5.x (5.0, 5.1, 5.2), 6.0").count(), 2, "{help}");
}

/// Tables become lists where they do not fit, and nothing is wider than the terminal.
#[test]
fn text_fits_whatever_terminal_there_is() {
    let run = |command: &str, columns: &str| {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_bdbkit"));
        let tool = tool.current_dir(testdata()).env("COLUMNS", columns).args(["store", command]);
        out(&tool.arg("mboxlist-ims60-log3-le").output().unwrap())
    };
    for command in ["survey", "plan", "list"] {
        for columns in [40, 50, 80, 200] {
            let lines = run(command, &columns.to_string());
            // A sum is one word.
            let wide = |line: &&str| line.chars().count() > columns && !line.ends_with(" equal");
            assert_eq!(lines.lines().find(wide), None, "{command} {columns}");
        }
    }
    assert!(run("survey", "40").contains("folder.db\n    type btree 8, "), "{}", run("survey", "40"));
    let value = |columns: &str| {
        let lines = run("list", columns);
        lines.lines().find(|line| line.contains("    user/alice")).unwrap().trim_end().len()
    };
    assert!(value("40") < value("80") && value("80") < value("200"), "values have the room that is there");
}

/// Each code that a command can print is explained.
#[test]
fn every_code_is_explained() {
    use bdbkit::in_place::InPlaceError;
    use bdbkit::journal::JournalError;
    use bdbkit::mboxlist::{Code, RestoreError, StoreRecoverError, StoreUpgradeError, Task};
    use bdbkit::upgrade::{Notice, Refusal};
    let rules = bdbkit::verify::Rule::ALL.iter().map(|rule| rule.id());
    let codes = Code::ALL.iter().map(|code| code.id()).chain(Task::ALL.iter().map(|task| task.id()));
    let upgrade = Refusal::CODES.iter().chain(Notice::CODES).copied();
    let changes = [JournalError::CODES, RestoreError::CODES, StoreUpgradeError::CODES];
    let changes = [changes.concat().as_slice(), InPlaceError::CODES, StoreRecoverError::CODES].concat();
    let printed: std::collections::BTreeSet<&str> =
        rules.chain(codes).chain(upgrade).chain(changes).collect();
    let listed = out(&run(&["explain", "--json"]));
    let listed: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let known: std::collections::BTreeSet<&str> =
        listed.iter().map(|line| line["code"].as_str().unwrap()).collect();
    assert_eq!(known, printed, "every code, and no other");
    assert!(listed.iter().all(|line| line["schema"] == 1 && !line["sources"].as_array().unwrap().is_empty()));
    let one = run(&["explain", "k-ord", "M-101"]);
    let lines = out(&one);
    assert!(one.status.success() && lines.contains("K-ORD: ") && lines.contains("  source "), "{lines}");
    assert!(lines.contains("--no-order") && lines.contains("bdbkit store upgrade"), "{lines}");
    assert!(lines.lines().all(|line| line.chars().count() <= 80), "{lines}");
    let none = run(&["explain", "\u{1b}X-1"]);
    assert_eq!((code(&none), none.stdout.len()), (2, 0));
    let error = String::from_utf8(none.stderr).unwrap();
    assert!(error.contains("\\1bX-1: no such code") && !error.contains('\u{1b}'), "{error}");
    let all = out(&run(&["explain"]));
    assert!(all.lines().count() > printed.len() && all.contains("T-RECOVER"), "{all}");
    // Nothing refers to what a reader does not have.
    for case in cases(&["mboxlist-"]) {
        for command in [&["survey"][..], &["plan"], &["survey", "--json"], &["plan", "--json"]] {
            let printed = out(&store(&[command, &[&case.name]].concat()));
            let reference = |word: &str| {
                let digits = word.trim_matches(['[', ']', ',', '"']).strip_prefix('S').unwrap_or("x");
                digits.chars().all(|c| c.is_ascii_digit()) && !digits.is_empty()
            };
            assert_eq!(printed.split_whitespace().find(|word| reference(word)), None, "{}", case.name);
            assert!(!printed.contains("seed"), "{}", case.name);
        }
    }
}

#[test]
fn an_empty_folder_has_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let survey = store(&["survey", dir]);
    let lines = out(&survey);
    assert!(lines.contains("no database here") && !lines.contains("because"), "{lines}");
    let plan = store(&["plan", dir]);
    assert!(out(&plan).contains("Nothing to do"), "{}", out(&plan));
    assert!(!out(&plan).contains("Recover"));
    assert_eq!((code(&survey), code(&plan)), (1, 1));
}

#[test]
fn a_folder_that_is_named_must_be_there() {
    for option in ["--snapshots", "--dbtmpdir", "--lock-dir", "--session-dir"] {
        for command in ["survey", "plan"] {
            let output = store(&[command, "mboxlist-ims61-log8-be", option, "nope"]);
            assert_eq!(code(&output), 1, "{command} {option}");
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(error.contains("nope: ") && output.stdout.is_empty(), "{command} {option}: {error}");
        }
    }
}
