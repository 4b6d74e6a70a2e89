//! The tool killed while it upgrades a folder, at moments spread over its run, on the real
//! disk: a later run makes all files new or all old, and leaves nothing behind.
//!
//! Twenty kills, or as many as `BDBKIT_KILLS` in the environment says:
//!
//! ```text
//! BDBKIT_KILLS=500 cargo test --features cli --test cli kill:: -- --nocapture
//! ```

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use bdbkit::FileId;
use bdbkit::journal::poisoned;
use bdbkit::upgrade::{Choices, NewId, in_memory};

use super::{self as kill, State, Victim};
use crate::common::data;

const ID: FileId = FileId(*b"an id of twenty byte");
/// Files with long chains of duplicates in either byte order, with overflow items, and such
/// of which page 0 alone changes.
const CASES: [&str; 6] = [
    "btree-v6-be-dups-offpage-many",
    "btree-v6-le-dups-offpage-many-sorted",
    "btree-v6-be-dups-overflow",
    "btree-v7-le-dups-offpage",
    "btree-v6-le-levels",
    "btree-v7-be-one",
];
/// How often each of them is there: the more, the longer a run.
const COPIES: usize = 1;

/// A file before and after the upgrade.
struct File {
    name: String,
    old: Vec<u8>,
    new: Vec<u8>,
}

fn files() -> Vec<File> {
    let choices = Choices { id: NewId::Given(ID), ..Choices::default() };
    let copies = (0..COPIES).flat_map(|copy| CASES.map(|case| (copy, case)));
    let file = |(copy, case): (usize, &str)| {
        let old = data(case);
        let (new, _) = in_memory(&old, &choices).unwrap();
        assert!(old != new);
        File { name: format!("{case}-{copy}.db"), old, new }
    };
    copies.map(file).collect()
}

fn tool(arguments: &[&str], folder: &Path) -> Command {
    let id: String = ID.0.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut command = kill::tool(&["upgrade", "--uid", &id]);
    command.args(arguments).arg(folder);
    command
}

/// Everything in the folder but the databases.
fn leftovers(folder: &Path, files: &[File]) -> Vec<PathBuf> {
    let known = |path: &PathBuf| files.iter().any(|file| path.file_name() == Some(OsStr::new(&file.name)));
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| !known(path)).collect()
}

fn found(folder: &Path, files: &[File]) -> Vec<Vec<u8>> {
    files.iter().map(|file| fs::read(folder.join(&file.name)).unwrap()).collect()
}

#[test]
fn a_folder_survives_any_kill() {
    let files = files();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let state = || {
        let found = found(folder, &files);
        let all = |of: fn(&File) -> &Vec<u8>| found.iter().zip(&files).all(|(found, file)| found == of(file));
        State {
            new: all(|file| &file.new),
            old: all(|file| &file.old),
            leftovers: !leftovers(folder, &files).is_empty(),
            half_written: found.iter().any(|bytes| poisoned(bytes)),
        }
    };
    let victim = Victim {
        tool: &|arguments| tool(arguments, folder),
        restore: &|| files.iter().for_each(|file| fs::write(folder.join(&file.name), &file.old).unwrap()),
        state: &state,
        midway: &|| !leftovers(folder, &files).is_empty(),
        later: &["--resume", "--rollback"],
        again: 3,
    };
    victim.survives(20, |_, _| {});
}
