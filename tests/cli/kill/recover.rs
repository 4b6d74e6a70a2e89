//! The tool killed while it recovers an environment in place, at moments spread over its run, on the real disk:
//! a later run makes all files recovered or all as they were, keeps the logs, and leaves nothing behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use bdbkit::env::Layout;
use bdbkit::journal::poisoned;
use bdbkit::recover::Recover;

use super::store::{Files, found};
use super::{self as kill, State, Victim};
use crate::common::testdata;

/// The environment: files change, grow, are made and removed.
const CASE: &str = "env-log14-be-files";

fn tool(arguments: &[&str], folder: &Path) -> Command {
    let mut command = kill::tool(&["recover", "--assume-closed"]);
    command.args(arguments).arg(folder);
    command
}

/// What is there before, and what recovery makes of it.
fn before_and_after(folder: &Path) -> (Files, Files) {
    let mut old = found(&testdata().join(CASE));
    old.retain(|name, _| name.ends_with(".db") || name.starts_with("log."));
    old.iter().for_each(|(name, bytes)| fs::write(folder.join(name), bytes).unwrap());
    let copies = tempfile::tempdir().unwrap();
    let copy: PathBuf = copies.path().join("copy");
    Recover::new().view(&Layout::of(folder)).unwrap().write_to(&copy).unwrap();
    let mut new = found(&copy);
    new.extend(old.iter().filter(|(name, _)| name.starts_with("log.")).map(|(n, b)| (n.clone(), b.clone())));
    old.insert("__db.001".to_owned(), b"region".to_vec());
    (old, new)
}

#[test]
fn a_recovery_survives_any_kill() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (old, new) = before_and_after(folder);
    let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
    let state = || {
        let mut now = found(folder);
        let whole = now.clone();
        // Whoever only completes what was begun leaves the region files.
        now.remove("__db.001");
        let (mut before, after) = (old.clone(), &new);
        before.remove("__db.001");
        let leftovers = names(&now) != names(&before) && names(&now) != names(after);
        let half_written = now.values().any(|bytes| poisoned(bytes));
        State { new: now == *after, old: whole == old, leftovers, half_written }
    };
    let restore = || {
        found(folder).keys().for_each(|name| fs::remove_file(folder.join(name)).unwrap());
        old.iter().for_each(|(name, bytes)| fs::write(folder.join(name), bytes).unwrap());
    };
    let victim = Victim {
        tool: &|arguments| tool(arguments, folder),
        restore: &restore,
        state: &state,
        midway: &|| found_names(folder).iter().any(|name| name.contains("bdbkit")),
        later: &["--resume", "--rollback", "--json"],
        again: 4,
    };
    // Without a wish a run goes on to its end.
    victim.survives(12, |wish, state| {
        assert!(state.new || wish != "--json", "{state:?}");
        assert!(wish != "--json" || !folder.join("__db.001").exists(), "a region file stays");
    });
}

fn found_names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().filter_map(Result::ok);
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}
