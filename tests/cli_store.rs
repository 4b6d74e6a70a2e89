//! `bdbkit store upgrade` and `store restore-snapshot`.

#![cfg(all(unix, feature = "cli"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

mod common;
#[path = "common/restore_plan.rs"]
mod restore_plan;

use std::fs;
use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use common::testdata;
use serde_json::Value;

fn store(arguments: &[&str], folder: &Path) -> Output {
    Command::cargo_bin("bdbkit").unwrap().current_dir(folder).arg("store").args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

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
    let lines = text(&plan.stdout);
    assert!(plan.status.success() && lines.contains("mboxlist/folder.db: version 6 to 9"), "{lines}");
    assert!(fs::read(folder.path().join("mboxlist/folder.db")).unwrap() == before);

    let done = store(&["upgrade", "mboxlist"], folder.path());
    let lines = text(&done.stdout);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(
        lines.contains("mboxlist/subscr.db: version 6 to 9: 2 pages changed; 25 pairs, as before"),
        "{lines}"
    );
    assert!(lines.ends_with("mboxlist: 1 log file: kept; do not remove them\n"), "{lines}");
    let again = store(&["upgrade", "--json", "mboxlist"], folder.path());
    let summary: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!((&summary["untouched"][4]["version"], &summary["backup"]), (&9.into(), &Value::Null));
    assert_eq!(summary["logs"][0], "mboxlist/log.0000000001");
    let settled = store(&["upgrade", "--resume", "mboxlist"], folder.path());
    assert_eq!(text(&settled.stdout), "mboxlist: nothing was left behind\n");
    let again = text(&store(&["upgrade", "mboxlist"], folder.path()).stdout);
    assert!(again.contains("mboxlist/folder.db: version 9: stays as it is"), "{again}");
}

#[test]
fn a_store_that_was_not_closed_is_refused_with_the_reason_and_the_log_range() {
    let folder = tempfile::tempdir().unwrap();
    copy("mboxlist-ims60-log3-le-unclean", &folder.path().join("mboxlist"));
    let refused = store(&["upgrade", "--include-8", "mboxlist"], folder.path());
    let message = text(&refused.stderr);
    assert_eq!((refused.status.code(), refused.stdout.len(), message.lines().count()), (Some(4), 0, 1));
    assert!(
        message.starts_with("bdbkit: mboxlist/folder.db: recovery is needed first: 12 committed"),
        "{message}"
    );
    assert!(message.contains("[1][21233] to [1][23460]"), "{message}");
    for name in ["folder.db", "quota.db"] {
        assert!(message.contains(&format!("mboxlist/{name}")), "{message}");
    }
    assert!(message.ends_with(" (--ignore-logs upgrades them as they are)\n"), "{message}");
    // Regions where a store was told to have them.
    copy("mboxlist-ims5-log2-le", &folder.path().join("idle"));
    fs::create_dir(folder.path().join("run")).unwrap();
    fs::write(folder.path().join("run/__db.001"), "region").unwrap();
    let running = store(&["upgrade", "--dbtmpdir", "run", "idle"], folder.path());
    assert_eq!(running.status.code(), Some(4));
    assert!(
        text(&running.stderr).contains("run/__db.001 is there: an environment may be in use"),
        "{running:?}"
    );
    let typo = store(&["upgrade", "--dbtmpdir", "rum", "idle"], folder.path());
    assert!(text(&typo.stderr).contains("rum: reading: No such file"), "{typo:?}");
    let missing = store(&["upgrade", "absent"], folder.path());
    assert!(text(&missing.stderr).contains("No such file"), "{missing:?}");
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
    let message =
        "bdbkit: snapshot: invalid: no .snaptime, no .verified (--force restores it all the same)\n";
    assert_eq!((refused.status.code(), text(&refused.stderr).as_str()), (Some(4), message));
    for mark in [".snaptime", ".verified"] {
        fs::write(folder.path().join("snapshot").join(mark), "").unwrap();
    }
    let restored = store(&["restore-snapshot", "mboxlist/", "snapshot"], folder.path());
    let lines = text(&restored.stdout);
    assert!(restored.status.success(), "{}", text(&restored.stderr));
    assert!(
        lines.contains("6 files of the snapshot are in place") && lines.contains("reconstruct -m"),
        "{lines}"
    );
    assert!(fs::read(folder.path().join("mboxlist/quota.db")).unwrap() == new);
    assert!(fs::read(folder.path().join("mboxlist.aside/quota.db")).unwrap() == old);
    let again = store(&["restore-snapshot", "mboxlist", "snapshot"], folder.path());
    let message = text(&again.stderr);
    assert!(message.contains("not a new folder") && message.contains("(--aside names another)"), "{message}");
    let nothing = store(&["restore-snapshot", "--resume", "mboxlist"], folder.path());
    assert!(text(&nothing.stderr).contains("no restore was interrupted"), "{nothing:?}");
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
    let refused = text(&store(&restore, folder.path()).stderr);
    assert!(refused.contains("resume it first (--resume), or go back (--rollback)"), "{refused}");
    let back = store(&["restore-snapshot", "--rollback", "mboxlist"], folder.path());
    assert_eq!(text(&back.stdout), "mboxlist: 1 old file is back in place\n", "{back:?}");
    assert!(fs::read(path("mboxlist/quota.db")).unwrap() == old && !path("mboxlist.aside").exists());
    let nothing = store(&["restore-snapshot", "--rollback", "mboxlist"], folder.path());
    assert!(text(&nothing.stderr).contains("no restore was interrupted"), "{nothing:?}");

    fs::create_dir(path("snapshot/removed")).unwrap();
    let done = text(&store(&restore, folder.path()).stdout);
    assert!(done.contains("mboxlist: not copied, as no file of a database: removed\n"), "{done}");
    let undo = ["restore-snapshot", "--force", "--json", "--aside", "new", "mboxlist", "mboxlist.aside"];
    let undone = store(&undo, folder.path());
    assert!(text(&undone.stdout).contains("\"skipped\":[]"), "{undone:?}");
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
        let survey = text(&store(&["survey", "mboxlist"], folder.path()).stdout);
        assert!(survey.contains("note     M-104  bdbkit-set.done: "), "{survey}");
        let mut command = Command::new(env!("CARGO_BIN_EXE_bdbkit"));
        let output = command.current_dir(folder.path()).args(arguments).arg("mboxlist").output().unwrap();
        assert!(output.status.success() && !set.exists(), "{arguments:?}: {output:?}");
    }
}
