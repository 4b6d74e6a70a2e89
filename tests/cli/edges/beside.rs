//! What stands beside a file and concerns it is told: changes in the log that it lacks, and the
//! journal of a change that was stopped.

use std::fs;
use std::path::Path;

use crate::common::{read, testdata};
use crate::tool::{err, out, run_in};

const CASE: &str = "env-log3-le-crashed";

fn store(folder: &Path) {
    for name in ["p.db", "log.0000000001"] {
        fs::write(folder.join(name), read(testdata().join(CASE).join(name))).unwrap();
    }
}

#[test]
fn committed_changes_that_a_file_lacks_are_told() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path());
    let told = "20 committed changes not in the file";
    for command in [&["info", "p.db"][..], &["verify", "p.db"], &["verify", "."], &["dump", "p.db"]] {
        let output = run_in(folder.path(), command);
        assert_eq!(output.status.code(), Some(0), "{command:?}: {}", err(&output));
        let said = err(&output) + &out(&output);
        assert!(said.contains(told), "{command:?}: {said}");
        let strict = run_in(folder.path(), &[command, &["--strict"]].concat());
        assert_eq!(strict.status.code(), Some(1), "{command:?}");
        assert!(strict.stdout == output.stdout || command[0] == "info", "{command:?}");
    }
    let key = out(&run_in(folder.path(), &["dump", "-p", "p.db"])).lines().nth(5).unwrap().trim().to_owned();
    let found = run_in(folder.path(), &["get", "p.db", &key]);
    assert_eq!(found.status.code(), Some(0), "{}", err(&found));
    assert!(err(&found).contains(told));
    assert_eq!(run_in(folder.path(), &["get", "--strict", "p.db", &key]).status.code(), Some(1));
    let check = run_in(folder.path(), &["upgrade", "--check", "p.db"]);
    assert!(err(&check).contains(told), "{}", err(&check));
    // Without the log nothing is known to be missing.
    fs::create_dir(folder.path().join("logs")).unwrap();
    fs::rename(folder.path().join("log.0000000001"), folder.path().join("logs/log.0000000001")).unwrap();
    assert_eq!(err(&run_in(folder.path(), &["verify", "--strict", "p.db"])), "");
    let elsewhere = run_in(folder.path(), &["verify", "--log-dir", "logs", "p.db"]);
    assert!(err(&elsewhere).contains(told), "{}", err(&elsewhere));
    fs::write(folder.path().join("DB_CONFIG"), "set_lg_dir logs\n").unwrap();
    assert!(err(&run_in(folder.path(), &["verify", "p.db"])).contains(told));
}

#[test]
fn a_log_that_cannot_be_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path());
    let mut log = read(folder.path().join("log.0000000001"));
    log[..64].fill(0xee);
    fs::write(folder.path().join("log.0000000001"), log).unwrap();
    let output = run_in(folder.path(), &["verify", "p.db"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(err(&output).contains("cannot tell whether changes are missing"), "{}", err(&output));
    assert_eq!(run_in(folder.path(), &["verify", "--strict", "p.db"]).status.code(), Some(1));
}

#[test]
fn a_journal_beside_a_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.db"), read(testdata().join("btree-v8-le-deleted/data.db"))).unwrap();
    let mut journal = b"BDBKJRN2".to_vec();
    journal.resize(512, 0);
    fs::write(folder.path().join("a.db.bdbkit-journal"), &journal).unwrap();
    for command in ["info", "verify", "dump"] {
        let output = run_in(folder.path(), &[command, "a.db"]);
        assert!(err(&output).contains("journal of a change that was stopped"), "{command}: {}", err(&output));
        assert_eq!(run_in(folder.path(), &[command, "--strict", "a.db"]).status.code(), Some(1));
    }
    fs::write(folder.path().join("a.db.bdbkit-journal"), "somebody's notes").unwrap();
    assert_eq!(err(&run_in(folder.path(), &["verify", "a.db"])), "", "only a journal is one");
}

#[test]
fn the_databases_of_an_environment_are_where_its_configuration_says() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    fs::create_dir_all(home.join("data")).unwrap();
    fs::write(home.join("DB_CONFIG"), "set_data_dir data\n").unwrap();
    fs::write(home.join("data/x.db"), read(testdata().join("btree-v9-le-few/data.db"))).unwrap();
    fs::write(home.join("y.db"), read(testdata().join("damage-v9-le-next-cycle/data.db"))).unwrap();
    let output = run_in(folder.path(), &["verify", "home"]);
    let said = out(&output);
    assert!(said.contains("home/data/x.db: sound") && said.contains("home/y.db: 1 error"), "{said}");
    assert!(err(&output).contains("databases are in"), "{}", err(&output));
    let output = run_in(folder.path(), &["verify", "-h", "home", "x.db"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let by_hand = run_in(folder.path(), &["verify", "--data-dir", "home/data", "."]);
    assert!(out(&by_hand).contains("x.db: sound"), "{}", out(&by_hand));
}
