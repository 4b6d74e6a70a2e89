//! The tool killed while it converts a partitioned database and another file, at moments spread over its run, on
//! the real disk: a later run makes all files new or all old, and leaves nothing behind. Only the main file is
//! named, and midway its partitions cannot be opened.

use std::fs;
use std::path::Path;
use std::process::Command;

use bdbkit::Endianness;
use bdbkit::journal::poisoned;
use bdbkit::upgrade::ConvertTo;

use super::store::{Files, found};
use super::{self as kill, State, Victim};
use crate::common::{data, testdata};

fn tool(arguments: &[&str], folder: &Path) -> Command {
    let mut command = kill::tool(&["convert", "--byte-order", "big"]);
    command.args(arguments).args(["data.db", "larger.db"]).current_dir(folder);
    command
}

/// The files before.
fn files() -> Files {
    let mut files = found(&testdata().join("partitioned/btree-v9-le-partitioned-keys"));
    files.remove("dump.txt");
    files.insert("larger.db".into(), data("btree-v6-le-dups-offpage-many-sorted"));
    files
}

#[test]
fn a_conversion_survives_any_kill() {
    let (old, folder) = (files(), tempfile::tempdir().unwrap());
    let folder = folder.path();
    let to = ConvertTo { order: Endianness::Big, machine: None, reset_lsn: false };
    let new: Files = old.iter().map(|(name, bytes)| (name.clone(), to.in_memory(bytes).unwrap().0)).collect();
    assert!(old.len() > 4 && old.iter().all(|(name, bytes)| new[name] != *bytes));
    let state = || {
        let now = found(folder);
        State {
            new: now == new,
            old: now == old,
            leftovers: !now.keys().eq(old.keys()),
            half_written: now.values().any(|bytes| poisoned(bytes)),
        }
    };
    let restore = || {
        found(folder).keys().for_each(|name| fs::remove_file(folder.join(name)).unwrap());
        old.iter().for_each(|(name, bytes)| fs::write(folder.join(name), bytes).unwrap());
    };
    let victim = Victim {
        tool: &|arguments| tool(arguments, folder),
        restore: &restore,
        state: &state,
        midway: &|| fs::read_dir(folder).unwrap().count() > old.len(),
        later: &["--resume", "--rollback", "--json"],
        again: 4,
    };
    // Without a wish a run goes on to its end.
    victim.survives(15, |wish, state| assert!(state.new || wish != "--json", "{state:?}"));
}
