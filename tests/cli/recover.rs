//! The tool's recovery of environments.

use std::fs;
use std::path::Path;
use std::process::Output;

use sha2::Digest;

use crate::common::{read, testdata};
use crate::tool::{err, out, run_in};

fn recover(folder: &Path, arguments: &[&str]) -> Output {
    run_in(folder, &[&["recover"], arguments].concat())
}

#[test]
fn a_check_tells_what_is_due_and_writes_nothing() {
    let output = recover(&testdata(), &["--check", "env-log3-le-crashed"]);
    assert_eq!(output.status.code(), Some(1));
    let text = out(&output);
    assert!(text.contains("p.db: ") && text.contains("env-log3-le-crashed: recovery is due ("), "{text}");
    assert!(err(&output).is_empty());
    let output = recover(&testdata(), &["--check", "env-log3-le-clean"]);
    assert_eq!((output.status.code(), out(&output).contains("nothing to recover")), (Some(0), true));
}

#[test]
fn what_became_of_each_transaction_is_told() {
    let output = recover(&testdata(), &["--check", "--transactions", "env-log2-be-mix"]);
    let text = out(&output);
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("transaction ")).collect();
    assert_eq!(lines.len(), 8, "{text}");
    let made =
        "transaction 80000002 ([1][3781] to [1][6759]) committed: 25 changes made, 0 changes taken back";
    assert_eq!(lines[1], made);
    assert!(
        lines[7].contains("did not commit: 0 changes made")
            && lines[7].ends_with("13 records with nothing to do"),
        "{text}"
    );
}

#[test]
fn a_copy_has_what_the_old_program_would_have_left() {
    let folder = tempfile::tempdir().unwrap();
    let home = testdata().join("env-log2-be-mix");
    let home = home.to_str().unwrap();
    let output = recover(folder.path(), &["--to", "copy", home]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let dump = |file: &Path| out(&run_in(folder.path(), &["dump", file.to_str().unwrap()]));
    for name in ["p.db", "d.db"] {
        let genuine = testdata().join("recover/env-log2-be-mix/recovered").join(name);
        assert_eq!(dump(&folder.path().join("copy").join(name)), dump(&genuine));
    }
    // What is there is not written over, and nothing is left of the attempt.
    let before = read(folder.path().join("copy/p.db"));
    let output = recover(folder.path(), &["--to", "copy", home]);
    assert_eq!((output.status.code(), err(&output).contains("exists")), (Some(1), true));
    assert_eq!(read(folder.path().join("copy/p.db")), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn what_is_asked_for_is_said() {
    let output = recover(&testdata(), &["--check", "btree-v9-le-one/data.db"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).starts_with("bdbkit: btree-v9-le-one/data.db: a file: "), "{}", err(&output));
    let output = recover(&testdata(), &["--to", "copy", "--partial", "env-log3-le-crashed"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("--to"), "{}", err(&output));
    let output = recover(&testdata(), &["--check", "btree-v9-le-one"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("log"), "{}", err(&output));
}

#[test]
fn commands_read_databases_as_they_would_be() {
    // A QUEUE with extents, too.
    let cases = [
        ("env-log3-le-crashed", "env-log3-le-crashed", ["p.db", "d.db"]),
        ("recover/env-log11-le-queue", "env-log11-le-queue", ["q.db", "e.db"]),
        ("env-log2-be-mix", "env-log2-be-mix", ["p.db", "d.db"]),
    ];
    for (home, case, names) in cases {
        let (home, recovered) =
            (testdata().join(home), testdata().join("recover").join(case).join("recovered"));
        for name in names {
            let genuine = out(&run_in(&recovered, &["dump", name]));
            let before = read(home.join(name));
            let as_found = run_in(&home, &["dump", "--recovered", name]);
            assert_eq!((as_found.status.code(), err(&as_found)), (Some(0), String::new()));
            assert_eq!(out(&as_found), genuine, "{}: {name}", home.display());
            // The name in the environment, and a path to it from elsewhere, are the same file.
            let path = home.join(name);
            let elsewhere = run_in(&testdata(), &["dump", "--recovered", path.to_str().unwrap()]);
            assert_eq!(out(&elsewhere), genuine);
            let by_home = run_in(&testdata(), &["dump", "--recovered", "-h", home.to_str().unwrap(), name]);
            assert_eq!(out(&by_home), genuine);
            assert_eq!(read(path), before);
        }
    }
}

#[test]
fn a_value_is_looked_up_in_what_recovery_would_make() {
    let home = testdata().join("env-log3-le-crashed");
    let recovered = testdata().join("recover/env-log3-le-crashed/recovered/p.db");
    let recovered = bdbkit::Database::open(recovered).unwrap();
    let old = bdbkit::Database::open(home.join("p.db")).unwrap();
    let new = recovered
        .iter()
        .map(|pair| pair.unwrap().key().to_owned())
        .find(|key| old.get(key).unwrap().is_none());
    let new = String::from_utf8(new.expect("a key that is only in the log")).unwrap();
    assert_eq!(run_in(&home, &["get", "p.db", &new]).status.code(), Some(1));
    let output = run_in(&home, &["get", "--recovered", "p.db", &new]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let value = recovered.get(&new).unwrap().unwrap();
    assert_eq!(out(&output).as_bytes(), [&*value, b"\n"].concat());
}

#[test]
fn files_that_the_log_removes_or_makes_are_judged_so() {
    let home = testdata().join("env-log11-le-files");
    let output = run_in(&home, &["dump", "--recovered", "x6.db"]);
    assert_eq!((output.status.code(), err(&output).contains("the log removes it")), (Some(1), true));
    let output = run_in(&home, &["verify", "--recovered", "."]);
    let text = out(&output);
    assert_eq!(output.status.code(), Some(0), "{}{text}", err(&output));
    assert!(text.contains("x5.db: sound") && !text.contains("x6.db"), "{text}");
    // What is not there at all, and what the log makes.
    let folder = tempfile::tempdir().unwrap();
    for log in ["log.0000000001", "log.0000000002"] {
        fs::copy(home.join(log), folder.path().join(log)).unwrap();
    }
    let output = run_in(folder.path(), &["verify", "--recovered", "."]);
    let made = out(&output);
    assert_eq!(output.status.code(), Some(0), "{}{made}", err(&output));
    assert!(made.contains("x4.db: sound") && made.contains("x5.db: sound"), "{made}");
    // Pages as they stand, or as they would be: not both.
    let output = run_in(&home, &["dump", "-r", "--recovered", "p.db"]);
    assert_eq!(output.status.code(), Some(2));
    // Without a log there is nothing to do it by.
    let output = run_in(&testdata(), &["dump", "--recovered", "btree-v9-le-one/data.db"]);
    assert_eq!((output.status.code(), err(&output).contains("no log files")), (Some(1), true));
}

#[test]
fn prepared_transactions_are_named_with_what_they_count_as() {
    let told =
        |more: &[&str]| err(&recover(&testdata(), &[&["--check", "env-log11-be-prepared"], more].concat()));
    assert!(told(&[]).contains("transaction 80000008 was prepared ([1][7254]): it counts as committed"));
    assert_eq!(told(&["--in-doubt", "commit"]), told(&[]));
    assert!(
        told(&["--in-doubt", "abort"])
            .contains("transaction 80000008 was prepared ([1][7254]): it is taken back")
    );
    let output = recover(&testdata(), &["--check", "--in-doubt", "guess", "env-log11-be-prepared"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_copy_is_made_of_a_moment() {
    let home = testdata().join("env-log11-be-mix");
    let home = home.to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let line = |until: &str| {
        let output = run_in(folder.path(), &["recover", "--check", "--json", "--until", until, home]);
        let last = out(&output).lines().last().map(str::to_owned);
        (output.status.code(), last.unwrap_or_default(), err(&output))
    };
    // Seconds after the last commit: all of it.
    let (code, whole, _) = line("9999999999");
    let all = out(&run_in(folder.path(), &["recover", "--check", "--json", home]));
    let known = |text: &str, key: &str| {
        let value: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        value[key].clone()
    };
    assert_eq!((code, known(&whole, "end_lsn")), (Some(1), known(&all, "end_lsn")));
    assert!(known(&whole, "last_lsn").is_object() && known(&all, "last_lsn").is_null(), "{whole}");
    // Before the first checkpoint, and what is no moment.
    let (code, _, told) = line("1");
    assert_eq!(
        (code, told.contains("does not reach back to second 1 since 1970")),
        (Some(1), true),
        "{told}"
    );
    let (code, _, told) = line("yesterday");
    assert_eq!((code, told.contains("or an LSN")), (Some(2), true), "{told}");
    let last = known(&whole, "last_lsn");
    let last = format!("{}/{}", last["file"], last["offset"]);
    let output = run_in(folder.path(), &["recover", "--until", &last, "--to", "then", home]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let dump = |path: &str| out(&run_in(folder.path(), &["dump", path]));
    let genuine = testdata().join("recover/env-log11-be-mix/recovered/p.db");
    assert_eq!(dump("then/p.db"), dump(genuine.to_str().unwrap()));
}

#[test]
fn a_command_reads_databases_as_they_were_at_a_moment() {
    let folder = tempfile::tempdir().unwrap();
    let home = testdata().join("env-log11-be-mix");
    let home = home.to_str().unwrap();
    let log = bdbkit::log::LogDir::open(home).unwrap();
    let records = log.records().map(|record| record.unwrap());
    let commits = records.filter(|record| record.name().ends_with("txn_regop"));
    let commits = commits.map(|record| record.lsn()).collect::<Vec<_>>();
    let moment = commits[commits.len() - 4];
    let moment = format!("{}/{}", moment.file, moment.offset);
    let output = recover(folder.path(), &["--until", &moment, "--to", "then", home]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let copied = out(&run_in(folder.path(), &["dump", "then/p.db"]));
    let read = |more: &[&str]| run_in(folder.path(), &[&["dump", "-h", home, "p.db"], more].concat());
    assert_eq!(out(&read(&["--recovered", "--until", &moment])), copied);
    assert_ne!(out(&read(&["--recovered"])), copied);
    // They go with what is recovered only.
    for more in [&["--until", &moment][..], &["--without", "80000001"], &["--in-doubt", "abort"], &["-c"]] {
        let output = read(more);
        assert_eq!((output.status.code(), err(&output).contains("--recovered")), (Some(2), true), "{more:?}");
    }
}

#[test]
fn the_evidence_is_shown_as_sha256sum_does() {
    let output = recover(&testdata().join("env-log3-le-crashed"), &["--check", "--hash", "."]);
    assert_eq!(output.status.code(), Some(1));
    let text = out(&output);
    for name in ["./log.0000000001", "./p.db", "./d.db"] {
        let line = text.lines().find(|line| line.ends_with(name)).unwrap_or_else(|| panic!("{name}: {text}"));
        let bytes = read(testdata().join("env-log3-le-crashed").join(name));
        let sum: String = sha2::Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(line, format!("{sum}  {name}"));
    }
}

#[test]
fn a_transaction_is_left_out_or_it_is_said_why_not() {
    let home = testdata().join("env-log11-be-crashed");
    let home = home.to_str().unwrap();
    let told = |txn: &str| {
        let output = recover(&testdata(), &["--check", "--without", txn, home]);
        (output.status.code(), err(&output))
    };
    let (code, text) = told("8fffffff");
    assert_eq!((code, text.contains("the log has no transaction 8fffffff")), (Some(1), true), "{text}");
    assert_eq!(told("txn").0, Some(2));
    let log = bdbkit::log::LogDir::open(home).unwrap();
    let records = log.records().map(|record| record.unwrap());
    let commits = records.filter(|record| record.name().ends_with("txn_regop"));
    let commits = commits.filter_map(|record| record.txn()).collect::<Vec<_>>();
    let told = commits.iter().map(|txn| told(&txn.to_string()).1).collect::<Vec<_>>();
    assert!(told.iter().any(|text| text.contains("was changed later, after transaction")), "{told:?}");
}

#[test]
fn a_partitioned_database_is_read_as_it_would_be() {
    for case in ["env-log16-le-partitioned", "env-log19-le-partitioned"] {
        let home = testdata().join("recover").join(case);
        let mut compared = 0;
        for entry in fs::read_dir(home.join("recovered")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if !name.ends_with(".db") || name.starts_with("__db") {
                continue;
            }
            let genuine = out(&run_in(&home.join("recovered"), &["dump", &name]));
            let found = run_in(&home, &["dump", "--recovered", &name]);
            assert_eq!((found.status.code(), err(&found)), (Some(0), String::new()), "{case}: {name}");
            assert!(out(&found) == genuine && genuine.len() > 200, "{case}: {name}");
            let output = run_in(&home, &["verify", "--recovered", &name]);
            assert_eq!(output.status.code(), Some(0), "{case}: {name}: {}{}", out(&output), err(&output));
            compared += 1;
        }
        assert!(compared > 0, "{case}");
    }
}

#[test]
fn an_encrypted_environment_is_recovered_with_its_password() {
    let folder = tempfile::tempdir().unwrap();
    for case in ["env-log19-le-encrypted-types", "env-log14-be-encrypted"] {
        let elsewhere = testdata().join(case);
        let recovered = testdata().join("recover").join(case);
        let home = if elsewhere.is_dir() { elsewhere } else { recovered.clone() };
        let home = home.to_str().unwrap();
        let secret = ["-P", "corpus-password"];
        let output = recover(folder.path(), &[&secret, &["--to", case, home][..]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        for entry in fs::read_dir(recovered.join("recovered")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let dump = |file: &Path| {
                let output =
                    run_in(folder.path(), &[&["dump"], &secret[..], &[file.to_str().unwrap()]].concat());
                assert_eq!(output.status.code(), Some(0), "{}", err(&output));
                out(&output)
            };
            let genuine = dump(&recovered.join("recovered").join(&name));
            assert_eq!(dump(&folder.path().join(case).join(&name)), genuine, "{case}: {name}");
            let seen = run_in(
                folder.path(),
                &[&["dump", "--recovered", "-h", home], &secret[..], &[&name]].concat(),
            );
            assert_eq!(out(&seen), genuine, "{case}: {name}: {}", err(&seen));
        }
        let output = recover(folder.path(), &["--check", home]);
        assert!(err(&output).contains("password") && output.status.code() != Some(0), "{}", err(&output));
        let output = run_in(folder.path(), &[&["info"], &secret[..], &[home]].concat());
        assert!(out(&output).contains("due: "), "{}{}", out(&output), err(&output));
    }
}

/// A folder with the databases and logs of an environment, and region files.
fn crashed(case: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    for entry in fs::read_dir(testdata().join(case)).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if name.ends_with(".db") || name.starts_with("log.") || name.starts_with("__db.0") {
            fs::copy(entry.path(), home.join(name)).unwrap();
        }
    }
    fs::write(home.join("__db.001"), b"region").unwrap();
    folder
}

fn files(folder: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), read(entry.path()))).collect()
}

#[test]
fn an_environment_is_recovered_where_it_is() {
    let folder = crashed("env-log3-le-crashed");
    let (home, copy) = (folder.path().join("home"), folder.path().join("copy"));
    assert_eq!(recover(folder.path(), &["--to", "copy", "home"]).status.code(), Some(0));
    let before = files(&home);
    let output = recover(folder.path(), &["--check", "home"]);
    assert_eq!((output.status.code(), files(&home) == before), (Some(1), true));
    let output = recover(folder.path(), &["--backup", "old", "home"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let text = out(&output);
    assert!(text.contains("home: recovered (") && text.contains("home: 1 region file removed"), "{text}");
    let mut after = files(&home);
    after.retain(|name, bytes| !name.starts_with("log.") || before[name] != *bytes);
    assert!(after == files(&copy), "{:?}", after.keys());
    for (name, old) in files(&folder.path().join("old")) {
        assert!(before[&name] == old && after[&name] != old, "{name}");
    }
    let output = recover(folder.path(), &["home"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(out(&output).contains("nothing to recover"), "{}", out(&output));
    let output = recover(folder.path(), &["--rollback", "home"]);
    assert_eq!((output.status.code(), out(&output).as_str()), (Some(0), "home: nothing was left behind\n"));
    let output = recover(folder.path(), &["--until", "2030-01-01", "home"]);
    assert!([Some(1), Some(4)].contains(&output.status.code()), "{}", err(&output));
}

#[cfg(target_os = "linux")]
#[test]
fn an_environment_in_use_is_refused() {
    let folder = crashed("env-log14-le-crashed");
    let home = folder.path().join("home");
    let before = files(&home);
    for name in ["__db.001", "log.0000000001", "p.db"] {
        let open = fs::File::open(home.join(name)).unwrap();
        let output = recover(folder.path(), &["home"]);
        assert_eq!(output.status.code(), Some(4), "{name}: {}", err(&output));
        assert!(err(&output).contains("R-IN-USE"), "{}", err(&output));
        assert!(files(&home) == before);
        drop(open);
    }
    let output = recover(folder.path(), &["--json", "home"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(out(&output).contains("\"in_place\":true") && out(&output).contains("\"written_file\""));
}

#[test]
fn a_store_is_recovered_without_its_old_release() {
    let folder = crashed("mboxlist-ims60-log3-le-unclean");
    let home = folder.path().join("home");
    let run = |arguments: &[&str]| run_in(folder.path(), &[&["store"], arguments].concat());
    let plan = out(&run(&["plan", "--target", "6.3", "home"]));
    assert!(plan.contains("bdbkit store recover home"), "{plan}");
    let before = files(&home);
    let output = run(&["recover", "--check", "home"]);
    assert_eq!((output.status.code(), files(&home) == before), (Some(1), true), "{}", err(&output));
    let locks = folder.path().join("locks");
    fs::create_dir(&locks).unwrap();
    for name in ["__db.001", "__db.register", "__db.rep.db", "other"] {
        fs::write(locks.join(name), b"region").unwrap();
    }
    let output = run(&["recover", "--lock-dir", "locks", "home"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(files(&locks).into_keys().collect::<Vec<_>>(), ["__db.rep.db", "other"]);
    assert!(files(&home).keys().all(|name| !name.starts_with("__db.0")));
    let survey = out(&run(&["survey", "home"]));
    assert!(survey.contains("clean"), "{survey}");
    assert_eq!(run(&["recover", "--check", "home"]).status.code(), Some(0));
    for (name, bytes) in before.iter().filter(|(name, _)| name.starts_with("log.")) {
        assert!(files(&home)[name] == *bytes, "{name}");
    }
    // Without a recovery, only the region files go.
    let other = crashed("mboxlist-ims60-log3-le-unclean");
    let mut expected = files(&other.path().join("home"));
    expected.retain(|name, _| !name.starts_with("__db.0"));
    let output = run_in(other.path(), &["store", "recover", "--remove-only", "home"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(files(&other.path().join("home")) == expected);
}

#[test]
fn an_upgrade_may_begin_with_a_recovery() {
    let folder = crashed("mboxlist-ims60-log3-le-unclean");
    let run = |arguments: &[&str]| run_in(folder.path(), &[&["store", "upgrade"], arguments].concat());
    let output = run(&["--include-8", "home"]);
    assert_eq!(output.status.code(), Some(4), "{}", err(&output));
    let output = run(&["--recover", "--include-8", "home"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(
        out(&output).contains("home: recovered (") && out(&output).contains("version 8 to 9"),
        "{}",
        out(&output)
    );
}

#[test]
fn what_a_key_held_is_text_that_load_reads() {
    let home = testdata().join("mboxlist-ims60-log3-le");
    let undelete = |arguments: &[&str]| {
        run_in(&home, &[&["log", "undelete", ".", "--db", "folder.db"], arguments].concat())
    };
    let output = undelete(&["-p", "--key", "user/alice", "--prefix"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let text = out(&output);
    assert!(
        text.starts_with("VERSION=3\nformat=print\ntype=btree\n") && text.ends_with("DATA=END\n"),
        "{text}"
    );
    assert!(text.contains("\n user/alice/INBOX\n"), "{text}");
    assert!(
        err(&output).contains("note: as it was before a") && err(&output).contains("by transaction"),
        "{}",
        err(&output)
    );
    // Of what was never there nothing was lost, and nothing is there at a moment.
    let output = undelete(&["--key", "nobody"]);
    assert_eq!((output.status.code(), err(&output).contains("--at asks for a moment")), (Some(1), true));
    let output = undelete(&["--key-hex", "6e6f626f6479", "--at", "9999999999"]);
    assert_eq!((output.status.code(), err(&output).contains("held nothing of it then")), (Some(1), true));
    // Into a file, which is not there before it is whole.
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("then.txt");
    let output = undelete(&["-p", "--key", "user/alice", "--prefix", "-o", to.to_str().unwrap()]);
    assert_eq!((output.status.code(), out(&output).as_str()), (Some(0), ""));
    assert_eq!(String::from_utf8(read(&to)).unwrap(), text);
    let output = undelete(&["--prefix"]);
    assert_eq!(output.status.code(), Some(2));
    let output = run_in(&home, &["log", "undelete", ".", "--db", "other.db"]);
    assert_eq!((output.status.code(), err(&output).contains("but ")), (Some(1), true), "{}", err(&output));
}
