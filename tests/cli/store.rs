//! `bdbkit store upgrade` and `store restore-snapshot`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

use crate::common::testdata;
use crate::restore_plan;
use crate::tool::{err, out, store};

/// The databases and logs of a case, in `mboxlist`.
fn copy(case: &str, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(testdata().join(case)).unwrap().map(|entry| entry.unwrap()) {
        let name = entry.file_name().into_string().unwrap();
        if name.ends_with(".db") || name.starts_with("log.") {
            fs::copy(entry.path(), to.join(name)).unwrap();
        }
    }
}

#[test]
fn a_store_is_checked_upgraded_and_then_needs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    copy("mboxlist-ims5-log2-be", &folder.path().join("mboxlist"));
    let before = fs::read(folder.path().join("mboxlist/folder.db")).unwrap();
    let plan = store(&["upgrade", "--check", "mboxlist"], folder.path());
    let lines = out(&plan);
    assert!(plan.status.success() && lines.contains("mboxlist/folder.db: version 6 to 9"), "{lines}");
    assert!(fs::read(folder.path().join("mboxlist/folder.db")).unwrap() == before);

    let done = store(&["upgrade", "mboxlist"], folder.path());
    let lines = out(&done);
    assert!(done.status.success(), "{}", err(&done));
    assert!(
        lines.contains("mboxlist/subscr.db: version 6 to 9: 2 pages changed; all pairs, as before (25)"),
        "{lines}"
    );
    assert!(lines.ends_with("mboxlist: 1 log file: kept; do not remove them\n"), "{lines}");
    let again = store(&["upgrade", "--json", "mboxlist"], folder.path());
    let summary: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!((&summary["untouched"][4]["version"], &summary["backup"]), (&9.into(), &Value::Null));
    assert_eq!(summary["kept_logs"][0], "mboxlist/log.0000000001");
    let settled = store(&["upgrade", "--resume", "mboxlist"], folder.path());
    assert_eq!(out(&settled), "mboxlist: nothing was left behind\n");
    let again = out(&store(&["upgrade", "mboxlist"], folder.path()));
    assert!(again.contains("mboxlist/folder.db: version 9: stays as it is"), "{again}");
}

#[test]
fn a_store_that_was_not_closed_is_refused_with_the_reason_and_the_log_range() {
    let folder = tempfile::tempdir().unwrap();
    copy("mboxlist-ims60-log3-le-unclean", &folder.path().join("mboxlist"));
    let refused = store(&["upgrade", "--include-8", "mboxlist"], folder.path());
    let message = err(&refused);
    assert_eq!((refused.status.code(), refused.stdout.len(), message.lines().count()), (Some(4), 0, 1));
    assert!(
        message.starts_with("bdbkit: mboxlist/folder.db: recovery is needed first: 12 committed"),
        "{message}"
    );
    assert!(message.contains("[1][21233] to [1][23460]"), "{message}");
    for name in ["folder.db", "quota.db"] {
        assert!(message.contains(&format!("mboxlist/{name}")), "{message}");
    }
    assert!(
        message.ends_with(" (bdbkit recover does it, --to in a copy; --ignore-logs goes on as if there were no logs) [R-RECOVERY]\n"),
        "{message}"
    );
    // Regions where a store was told to have them.
    copy("mboxlist-ims5-log2-le", &folder.path().join("idle"));
    fs::create_dir(folder.path().join("run")).unwrap();
    fs::write(folder.path().join("run/__db.001"), "region").unwrap();
    let running = store(&["upgrade", "--dbtmpdir", "run", "idle"], folder.path());
    assert_eq!(running.status.code(), Some(4));
    assert!(err(&running).contains("run/__db.001 is there: an environment may be in use"), "{running:?}");
    let typo = store(&["upgrade", "--dbtmpdir", "rum", "idle"], folder.path());
    assert!(err(&typo).contains("rum: reading: No such file"), "{typo:?}");
    let missing = store(&["upgrade", "absent"], folder.path());
    assert!(err(&missing).contains("No such file"), "{missing:?}");
    assert_eq!(store(&["upgrade"], folder.path()).status.code(), Some(2));
}

#[test]
fn a_snapshot_is_restored_and_the_old_files_are_beside() {
    let folder = tempfile::tempdir().unwrap();
    copy("mboxlist-ims63-log11-be", &folder.path().join("mboxlist"));
    copy("mboxlist-ims63-log11-le", &folder.path().join("snapshot"));
    let (old, new) = (folder.path().join("mboxlist/quota.db"), folder.path().join("snapshot/quota.db"));
    let (old, new) = (fs::read(old).unwrap(), fs::read(new).unwrap());
    let refused = store(&["restore-snapshot", "mboxlist/", "snapshot"], folder.path());
    let message = "bdbkit: snapshot: invalid: no .snaptime, no .verified (--force restores it all the same; bdbkit store snapshots lists what each is worth) [R-UNFIT]\n";
    assert_eq!((refused.status.code(), err(&refused).as_str()), (Some(4), message));
    for mark in [".snaptime", ".verified"] {
        fs::write(folder.path().join("snapshot").join(mark), "").unwrap();
    }
    let restored = store(&["restore-snapshot", "mboxlist/", "snapshot"], folder.path());
    let lines = out(&restored);
    assert!(restored.status.success(), "{}", err(&restored));
    assert!(
        lines.contains("6 files of the snapshot are in place") && lines.contains("reconstruct -m"),
        "{lines}"
    );
    assert!(fs::read(folder.path().join("mboxlist/quota.db")).unwrap() == new);
    assert!(fs::read(folder.path().join("mboxlist.aside/quota.db")).unwrap() == old);
    let again = store(&["restore-snapshot", "mboxlist", "snapshot"], folder.path());
    let message = err(&again);
    assert!(message.contains("not a new folder") && message.contains("(--aside names another)"), "{message}");
    let nothing = store(&["restore-snapshot", "--resume", "mboxlist"], folder.path());
    assert!(err(&nothing).contains("no restore was interrupted"), "{nothing:?}");
    assert_eq!(store(&["restore-snapshot", "mboxlist"], folder.path()).status.code(), Some(2));
}

#[test]
fn a_restore_that_stopped_goes_back_and_one_that_is_done_is_undone() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    copy("mboxlist-ims63-log11-be", &path("mboxlist"));
    copy("mboxlist-ims63-log11-le", &path("snapshot"));
    let old = fs::read(path("mboxlist/quota.db")).unwrap();
    // The plan is written, and one file has moved.
    let stage = restore_plan::stage(&path("mboxlist"));
    fs::copy(path("snapshot/quota.db"), stage.join("quota.db")).unwrap();
    fs::create_dir(path("mboxlist.aside")).unwrap();
    let plan = restore_plan::Plan::of(&path("mboxlist"), &path("mboxlist.aside"), restore_plan::MOVING);
    plan.write(&path("mboxlist"), &path("mboxlist.aside"));
    fs::rename(path("mboxlist/quota.db"), path("mboxlist.aside/quota.db")).unwrap();
    let restore = ["restore-snapshot", "--force", "mboxlist", "snapshot"];
    let refused = err(&store(&restore, folder.path()));
    assert!(
        refused.contains(
            "resume it first (bdbkit store restore-snapshot --resume completes it, --rollback goes back)"
        ),
        "{refused}"
    );
    let back = store(&["restore-snapshot", "--rollback", "mboxlist"], folder.path());
    assert_eq!(out(&back), "mboxlist: 1 old file is back in place\n", "{back:?}");
    assert!(fs::read(path("mboxlist/quota.db")).unwrap() == old && !path("mboxlist.aside").exists());
    let nothing = store(&["restore-snapshot", "--rollback", "mboxlist"], folder.path());
    assert!(err(&nothing).contains("no restore was interrupted"), "{nothing:?}");

    fs::create_dir(path("snapshot/removed")).unwrap();
    let done = out(&store(&restore, folder.path()));
    assert!(done.contains("mboxlist: not copied, as no file of a database: removed\n"), "{done}");
    let undo = ["restore-snapshot", "--force", "--json", "--aside", "new", "mboxlist", "mboxlist.aside"];
    let undone = store(&undo, folder.path());
    assert!(out(&undone).contains("\"skipped\":[]"), "{undone:?}");
    assert!(fs::read(path("mboxlist/quota.db")).unwrap() == old && path("new/quota.db").exists());
}

#[test]
fn a_set_file_that_is_left_alone_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("mboxlist/bdbkit-set.done");
    copy("mboxlist-ims63-log11-be", &folder.path().join("mboxlist"));
    let commands = [&["store", "upgrade"][..], &["store", "upgrade", "--resume"], &["upgrade", "--resume"]];
    for arguments in commands {
        fs::write(&set, "").unwrap();
        let survey = out(&store(&["survey", "mboxlist"], folder.path()));
        assert!(survey.contains("note     M-104  bdbkit-set.done: "), "{survey}");
        let mut command = Command::new(env!("CARGO_BIN_EXE_bdbkit"));
        let output = command.current_dir(folder.path()).args(arguments).arg("mboxlist").output().unwrap();
        assert!(output.status.success() && !set.exists(), "{arguments:?}: {output:?}");
    }
}

/// A store, a snapshot of another one, and files of somebody.
fn with_victims(folder: &Path) {
    copy("mboxlist-ims63-log11-be", &folder.join("mboxlist"));
    copy("mboxlist-ims63-log11-le", &folder.join("snapshot"));
    fs::create_dir(folder.join("victim")).unwrap();
    fs::write(folder.join("victim/thesis.txt"), "precious").unwrap();
}

/// Copies the snapshot to the stage of a restore.
fn fill(stage: &Path, folder: &Path) {
    for file in fs::read_dir(folder.join("snapshot")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), stage.join(file.file_name())).unwrap();
    }
}

/// A store, a new folder for what is in it, and the stage with all that is to come in its place.
fn staged(folder: &Path) -> [PathBuf; 3] {
    with_victims(folder);
    let (mboxlist, aside) = (folder.join("mboxlist"), folder.join("mboxlist.aside"));
    let stage = restore_plan::stage(&mboxlist);
    fill(&stage, folder);
    fs::create_dir(&aside).unwrap();
    [mboxlist, aside, stage]
}

const RESTORE: [&str; 4] = ["restore-snapshot", "--force", "mboxlist", "snapshot"];
const RESUME: [&str; 3] = ["restore-snapshot", "--resume", "mboxlist"];
const ROLLBACK: [&str; 3] = ["restore-snapshot", "--rollback", "mboxlist"];

/// What stands below a folder, with its bytes.
fn below(folder: &Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(below(&path));
        }
        found.insert(path.clone(), fs::read(&path).unwrap_or_default());
    }
    found
}

/// Runs each of some commands; all are refused, name what they mean, and change nothing.
fn refused_by_name(folder: &Path, commands: &[&[&str]], names: &str) {
    let before = below(folder);
    for arguments in commands {
        let refused = store(arguments, folder);
        let message = err(&refused);
        assert_eq!(refused.status.code(), Some(4), "{arguments:?}: {message}");
        assert!(message.starts_with(&format!("bdbkit: {names}: ")), "{arguments:?}: {message}");
        assert!(message.contains("not touched"), "{message}");
        assert!(below(folder) == before, "{arguments:?}: {message}");
    }
}

#[test]
fn what_bdbkit_did_not_put_there_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    with_victims(folder);
    let stage = folder.join("mboxlist/.bdbkit-restore");
    let all: [&[&str]; 3] = [&RESTORE, &RESUME, &ROLLBACK];
    std::os::unix::fs::symlink("../victim", &stage).unwrap();
    refused_by_name(folder, &all, "mboxlist/.bdbkit-restore");
    fs::remove_file(&stage).unwrap();
    restore_plan::stage(&folder.join("mboxlist"));
    fs::write(stage.join("thesis.txt"), "precious").unwrap();
    refused_by_name(folder, &all, "mboxlist/.bdbkit-restore/thesis.txt");
    // Nobody wrote these plans but an attacker.
    fs::remove_file(stage.join("thesis.txt")).unwrap();
    let victim = fs::canonicalize(folder.join("victim")).unwrap();
    let text = format!("{}\0", victim.display());
    restore_plan::private(&stage.join("bdbkit-plan"), text.as_bytes());
    refused_by_name(folder, &all, "mboxlist/.bdbkit-restore/bdbkit-plan");
    fs::remove_file(stage.join("bdbkit-plan")).unwrap();
    fill(&stage, folder);
    let plan = restore_plan::Plan::of(&folder.join("mboxlist"), &victim, restore_plan::MOVING);
    restore_plan::private(&stage.join("bdbkit-plan"), &plan.encode());
    let mark = format!("{}/.bdbkit-aside", victim.display());
    refused_by_name(folder, &[&RESUME, &ROLLBACK], &mark);
    let moved = restore_plan::Plan { folder: (plan.folder.0, plan.folder.1 + 1), ..plan.clone() };
    restore_plan::private(&stage.join("bdbkit-plan"), &moved.encode());
    refused_by_name(folder, &all, "mboxlist/.bdbkit-restore/bdbkit-plan");
    let elsewhere = restore_plan::Plan { aside_is: (plan.folder.0, 1), ..plan.clone() };
    restore_plan::private(&stage.join("bdbkit-plan"), &elsewhere.encode());
    refused_by_name(folder, &[&RESUME, &ROLLBACK], victim.to_str().unwrap());
    let empty = restore_plan::Plan { places: Vec::new(), ..plan };
    restore_plan::private(&stage.join("bdbkit-plan"), &empty.encode());
    refused_by_name(folder, &all, "mboxlist/.bdbkit-restore/bdbkit-plan");
}

/// A plan that is right in everything is believed only if nobody else can have written it.
#[test]
fn a_plan_that_others_may_have_written_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let [mboxlist, aside, stage] = staged(folder);
    restore_plan::Plan::of(&mboxlist, &aside, restore_plan::MOVING).write(&mboxlist, &aside);
    let plan = stage.join("bdbkit-plan");
    let both: [&[&str]; 2] = [&RESUME, &ROLLBACK];
    let named = "mboxlist/.bdbkit-restore/bdbkit-plan";
    fs::set_permissions(&plan, fs::Permissions::from_mode(0o666)).unwrap();
    refused_by_name(folder, &both, named);
    fs::set_permissions(&plan, fs::Permissions::from_mode(0o600)).unwrap();
    fs::hard_link(&plan, folder.join("another-name")).unwrap();
    refused_by_name(folder, &both, named);
    fs::remove_file(folder.join("another-name")).unwrap();
    if std::os::unix::fs::chown(&plan, Some(65_534), None).is_ok() {
        refused_by_name(folder, &both, named);
        std::os::unix::fs::chown(&plan, Some(0), None).unwrap();
    }
    let resumed = store(&RESUME, folder);
    assert!(out(&resumed).contains("6 files of the snapshot are in place"), "{resumed:?}");
}

#[test]
fn a_restore_that_lost_a_file_is_not_done() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let [mboxlist, aside, stage] = staged(folder);
    let plan = restore_plan::Plan::of(&mboxlist, &aside, restore_plan::PLACING);
    plan.write(&mboxlist, &aside);
    for item in &plan.moves {
        let name = std::str::from_utf8(&item.name).unwrap();
        fs::rename(mboxlist.join(name), aside.join(name)).unwrap();
    }
    for state in [restore_plan::PLACING, restore_plan::DONE] {
        for item in &plan.places {
            let name = std::str::from_utf8(&item.name).unwrap();
            let (from, away) = (stage.join(name), folder.join("away"));
            restore_plan::private(
                &stage.join("bdbkit-plan"),
                &restore_plan::Plan { state, ..plan.clone() }.encode(),
            );
            fs::rename(&from, &away).unwrap();
            let resumed = store(&RESUME, folder);
            assert_eq!(resumed.status.code(), Some(1), "{resumed:?}");
            assert!(err(&resumed).contains("gone since the restore began"), "{resumed:?}");
            fs::rename(&away, &from).unwrap();
        }
    }
    restore_plan::private(&stage.join("bdbkit-plan"), &plan.encode());
    let resumed = store(&RESUME, folder);
    assert!(out(&resumed).contains("6 files of the snapshot are in place"), "{resumed:?}");
}

#[test]
fn names_of_a_snapshot_do_nothing_to_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    with_victims(folder.path());
    fs::create_dir(folder.path().join("snapshot").join("\u{1b}[31mX\nmboxlist: FAKE")).unwrap();
    fs::write(folder.path().join("snapshot").join("bdbkit-plan"), "none of the snapshot's").unwrap();
    let done = out(&store(&RESTORE, folder.path()));
    assert!(done.contains("of a database: \\1b[31mX\\0amboxlist: FAKE, bdbkit-plan\n"), "{done}");
    assert!(!done.contains('\u{1b}') && !done.contains("\nmboxlist: FAKE"), "{done}");
}

#[test]
fn the_list_of_a_backup_cannot_be_forged_by_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let mboxlist = folder.path().join("mboxlist");
    copy("mboxlist-ims5-log2-be", &mboxlist);
    let odd = format!("x\n{}            1  evil.db", "0".repeat(64));
    fs::copy(mboxlist.join("quota.db"), mboxlist.join(&odd)).unwrap();
    let done = store(&["upgrade", "--keep-backup", "mboxlist"], folder.path());
    assert!(done.status.success(), "{done:?}");
    let folders = fs::read_dir(&mboxlist).unwrap().map(|entry| entry.unwrap().path());
    let backup = folders.into_iter().find(|path| path.is_dir()).unwrap();
    let list = fs::read_to_string(backup.join("MANIFEST")).unwrap();
    let lines: Vec<&str> = list.lines().collect();
    assert!(lines[0].starts_with("bdbkit-backup 1 of the store "), "{list}");
    // Six databases and a log.
    assert_eq!(lines.len(), 9, "{list}");
    assert!(!lines.iter().any(|line| line.starts_with(&"0".repeat(64))), "{list}");
    assert!(list.contains("  x\\0a0000"), "{list}");
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(&backup).unwrap());
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_folder_that_is_a_backup_by_its_name_only_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mboxlist = folder.path().join("mboxlist");
    copy("mboxlist-ims5-log2-be", &mboxlist);
    let theirs = mboxlist.join(".bdbkit-backup-1700000000");
    fs::create_dir(&theirs).unwrap();
    fs::set_permissions(&theirs, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    fs::write(theirs.join("thesis.txt"), "precious").unwrap();
    let words =
        "mboxlist/.bdbkit-backup-1700000000: not a backup that bdbkit made of this store: left alone\n";
    for arguments in [&["upgrade", "mboxlist"][..], &["upgrade", "--resume", "mboxlist"]] {
        let done = store(arguments, folder.path());
        assert!(done.status.success() && out(&done).contains(words), "{done:?}");
        assert_eq!(fs::read(theirs.join("thesis.txt")).unwrap(), b"precious");
    }
}

/// A store of a SPARC on this machine, and what the genuine tools say of it.
#[test]
fn a_store_is_converted_for_x86_and_its_old_logs_go() {
    let folder = tempfile::tempdir().unwrap();
    copy("mboxlist-ims63-log11-be", &folder.path().join("mboxlist"));
    let convert =
        |arguments: &[&str]| store(&[&["convert", "--to", "x86"], arguments].concat(), folder.path());
    let check = convert(&["--check", "mboxlist"]);
    assert!(check.status.success(), "{}", err(&check));
    assert!(
        out(&check).contains("mboxlist/folder.db: big-endian to little-endian: 4 of 4 pages would change")
    );
    assert!(
        out(&check).ends_with("mboxlist: 1 log file would go with the old databases\n"),
        "{}",
        out(&check)
    );
    let done = convert(&["--backup", "old", "mboxlist"]);
    assert!(done.status.success(), "{}", err(&done));
    let last = "mboxlist: LSNs are reset; the old databases and 1 log file are in old\n";
    assert!(out(&done).ends_with(last), "{}", out(&done));
    let there = |name: &str| folder.path().join(name).exists();
    assert!(there("old/log.0000000001") && there("old/folder.db") && !there("mboxlist/log.0000000001"));
    assert_eq!(out(&convert(&["mboxlist"])), "mboxlist: little-endian: nothing to do\n");
    assert_eq!(out(&convert(&["--resume", "mboxlist"])).lines().count(), 1);
    if crate::differential::genuine() {
        for name in ["folder.db", "lright.db", "peruser.db", "quota.db", "subscr.db"] {
            let path = folder.path().join("mboxlist").join(name);
            let verified = std::process::Command::new("db5.3_verify").arg(&path).output().unwrap();
            assert!(verified.status.success(), "{name}: {}", err(&verified));
        }
        // An environment of this machine takes them.
        let home = folder.path().join("mboxlist");
        let dump = std::process::Command::new("db5.3_dump").arg("-h").arg(&home).arg("folder.db").output();
        assert!(dump.unwrap().status.success());
    }
    let json = store(&["convert", "--to", "sparc", "--json", "mboxlist"], folder.path());
    let last = out(&json).lines().last().unwrap().to_owned();
    assert!(last.contains("\"type\":\"store_converted\"") && last.contains("bdbkit-backup-"), "{last}");
}
