//! The tool by the names of the genuine programs: the same options, the same standard output, the same
//! exit code.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::common::{copy_folder, read};
use crate::differential::genuine;
use crate::tool::{code, err, file, out};

/// A folder with databases, an environment, and texts; and one with the tool under other names.
fn sandbox(top: &Path) -> PathBuf {
    let place = |case: &str, name: &str| fs::write(top.join(name), read(file(case))).unwrap();
    place("btree-v9-le-few", "few.db");
    place("btree-v9-le-levels", "levels.db");
    place("btree-v9-le-subdbs", "several.db");
    place("recno-v9-le-var", "recno.db");
    place("hash-v9-le-mixed", "hash.db");
    place("damage-v9-le-next-cycle", "bad.db");
    place("btree-v8-le-levels", "old.db");
    place("btree-v9-le-encrypted-5.3", "secret.db");
    fs::create_dir(top.join("home")).unwrap();
    place("btree-v9-le-one", "home/one.db");
    fs::write(top.join("pairs.txt"), "k\nv\nm\nw\n").unwrap();
    fs::write(top.join("twice.txt"), "k\nv\nk\nw\n").unwrap();
    let text = Command::new("db5.3_dump").arg(top.join("levels.db")).output().unwrap();
    fs::write(top.join("dump.txt"), text.stdout).unwrap();
    top.to_owned()
}

fn program(names: &Path, name: &str) -> PathBuf {
    let link = names.join(name);
    if !link.exists() {
        symlink(env!("CARGO_BIN_EXE_bdbkit"), &link).unwrap();
    }
    link
}

fn run(program: impl AsRef<Path>, folder: &Path, words: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(program.as_ref());
    command.args(words.split_whitespace()).current_dir(folder).stdin(Stdio::null());
    command.env("TZ", "UTC").env_remove("DB_HOME").envs(variables.iter().copied());
    command.output().unwrap()
}

/// Command lines, whose standard output and exit code are to be the same.
const SAME: [&str; 58] = [
    "dump few.db",
    "dump -p levels.db",
    "dump -pk recno.db",
    "dump -k recno.db -p",
    "dump hash.db",
    "dump -l several.db",
    "dump -p -s nothing several.db",
    "dump -l few.db",
    "dump -N -f out.txt few.db",
    "dump -fout2.txt few.db",
    "dump -h home one.db",
    "dump -P corpus-password secret.db",
    "dump -P wrong secret.db",
    "dump -r few.db",
    "dump -rp few.db",
    "dump -k -r few.db",
    "dump",
    "dump few.db levels.db",
    "dump nowhere.db",
    "dump -Z few.db",
    "dump -f",
    "dump --help",
    "verify few.db",
    "verify -q few.db",
    "verify -o few.db",
    "verify bad.db",
    "verify -q bad.db",
    "verify nowhere.db",
    "verify -h home one.db",
    "verify -N -P corpus-password secret.db",
    "verify",
    "verify -x few.db",
    "load -T -t btree -f pairs.txt new1.db",
    "load -T -t hash -f pairs.txt new2.db",
    "load -T -t btree -f twice.txt new3.db",
    "load -n -T -t btree -f twice.txt new4.db",
    "load -f dump.txt new5.db",
    "load -c db_pagesize=1024 -f dump.txt new6.db",
    "load -T -f pairs.txt new7.db",
    "load -T -t btree -f nowhere.txt new8.db",
    "load -r lsn levels.db",
    "load -r fileid levels.db",
    "load -r nothing levels.db",
    "load",
    "load -t tree -f dump.txt new9.db",
    "upgrade -v old.db",
    "upgrade few.db",
    "upgrade nowhere.db",
    "upgrade",
    "upgrade -q few.db",
    "printlog -h env",
    "printlog -r -h env",
    "printlog -b 1/28 -e 1/1000 -h env",
    "printlog -b x -h env",
    "printlog few.db",
    "recover x",
    "recover -t 13 -h env",
    "recover -h env",
];

/// An environment that was not closed, made by the genuine library; `None` where it cannot be.
fn environment(top: &Path) -> Option<()> {
    let source = r#"
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <db.h>
int main(void) {
    DB_ENV *env; DB *db; DBT key, data; char text[20]; int i;
    if (db_env_create(&env, 0) || env->open(env, "env",
        DB_CREATE | DB_INIT_TXN | DB_INIT_LOG | DB_INIT_MPOOL | DB_INIT_LOCK, 0644)) return 1;
    if (db_create(&db, env, 0) || db->open(db, NULL, "x.db", NULL, DB_BTREE, DB_CREATE | DB_AUTO_COMMIT, 0644))
        return 2;
    memset(&key, 0, sizeof key); memset(&data, 0, sizeof data);
    for (i = 0; i < 50; i++) {
        key.data = text; key.size = sprintf(text, "k%03d", i); data.data = "value"; data.size = 5;
        if (db->put(db, NULL, &key, &data, DB_AUTO_COMMIT)) return 3;
    }
    _exit(0);
}"#;
    fs::write(top.join("make.c"), source).unwrap();
    fs::create_dir(top.join("env")).unwrap();
    let built = Command::new("cc").args(["make.c", "-o", "make", "-ldb"]).current_dir(top).output();
    if !built.is_ok_and(|built| built.status.success()) {
        assert!(std::env::var_os("BDBKIT_DEMAND_GENUINE").is_none(), "a C program is demanded");
        println!("not run on logs: no C program can be made with libdb");
        return None;
    }
    assert!(Command::new(top.join("make")).current_dir(top).status().unwrap().success());
    Some(())
}

#[test]
fn the_programs_options_do_the_same() {
    if !genuine() {
        return;
    }
    let (top, other, names) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (theirs, ours) = (top.path().join("a"), other.path().join("a"));
    fs::create_dir(&theirs).unwrap();
    sandbox(&theirs);
    let logs = environment(&theirs).is_some();
    copy_folder(&theirs, &ours);
    let (mut wrong, mut done) = (Vec::new(), 0);
    for line in SAME.iter().filter(|line| logs || !line.contains("env")) {
        let (name, words) = line.split_once(' ').unwrap_or((line, ""));
        let name = format!("db5.3_{name}");
        let expected = run(&name, &theirs, words, &[]);
        let found = run(program(names.path(), &name), &ours, words, &[]);
        // A salvage of ours tells the page size, too.
        let rescued = line.starts_with("dump -r");
        let text = |output: &Output| {
            let text = out(output);
            let lines =
                text.split_inclusive('\n').filter(|line| !(rescued && line.starts_with("db_pagesize=")));
            lines.collect::<String>()
        };
        if (code(&expected), text(&expected)) != (code(&found), text(&found)) {
            let cut = |output: &Output| out(output).chars().take(300).collect::<String>();
            wrong.push(format!(
                "{line}: exit {} not {}: {:?} not {:?}: {} / {}",
                code(&found),
                code(&expected),
                cut(&found),
                cut(&expected),
                err(&found),
                err(&expected)
            ));
        }
        // It is shown for a text that is not there, too: no fault of the options.
        if err(&expected).contains("usage:") && !line.contains("nowhere") {
            let usage = |output: &Output| err(output).split_once("usage:").map(|(_, text)| text.to_owned());
            assert_eq!(usage(&found), usage(&expected), "{line}");
        }
        done += 1;
    }
    assert!(wrong.is_empty(), "{} of {done}:\n{}", wrong.len(), wrong.join("\n"));
    // What was written says the same, too.
    for file in ["out.txt", "out2.txt"] {
        assert_eq!(read(ours.join(file)), read(theirs.join(file)), "{file}");
    }
    let mut written =
        vec!["new1.db", "new2.db", "new3.db", "new4.db", "new5.db", "new6.db", "levels.db", "old.db"];
    written.extend(logs.then_some("env/x.db"));
    for file in written {
        let dump = |folder: &Path| run("db5.3_dump", folder, &format!("-p {file}"), &[]);
        let (ours, theirs) = (dump(&ours), dump(&theirs));
        assert_eq!((code(&ours), out(&ours)), (0, out(&theirs)), "{file}: {}", err(&ours));
    }
}

#[test]
fn the_variable_names_a_home() {
    if !genuine() {
        return;
    }
    let (top, names) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    sandbox(top.path());
    let home = [("DB_HOME", "home")];
    for line in ["dump one.db", "verify one.db"] {
        let (name, words) = line.split_once(' ').unwrap();
        let expected = run(format!("db5.3_{name}"), top.path(), words, &home);
        let found = run(program(names.path(), &format!("db5.3_{name}")), top.path(), words, &home);
        assert_eq!((code(&found), out(&found)), (code(&expected), out(&expected)), "{line}: {}", err(&found));
        assert_eq!(code(&found), 0);
    }
}

#[test]
fn a_name_may_have_a_release_or_none() {
    let (top, names) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = file("btree-v9-le-one");
    for name in ["db_dump", "db5.3_dump", "db4.8_dump", "db51_dump"] {
        let output = run(program(names.path(), name), top.path(), &format!("-p {path}"), &[]);
        assert_eq!((code(&output), out(&output).ends_with(" key\n data\nDATA=END\n")), (0, true), "{name}");
        let wrong = run(program(names.path(), name), top.path(), "nowhere.db", &[]);
        assert!(err(&wrong).starts_with(&format!("{name}: nowhere.db: ")), "{}", err(&wrong));
        let version = run(program(names.path(), name), top.path(), "-V", &[]);
        assert_eq!((code(&version), out(&version).starts_with("bdbkit ")), (0, true));
    }
    for name in ["dbx_dump", "db_stat", "db_dumps", "mdb_dump"] {
        assert_eq!(
            code(&run(program(names.path(), name), top.path(), "-V", &[])),
            0,
            "{name} is the tool itself"
        );
        let output = run(program(names.path(), name), top.path(), &format!("dump -p {path}"), &[]);
        assert_eq!(code(&output), 0, "{name} is the tool itself");
    }
}
