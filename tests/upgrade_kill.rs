//! The tool killed while it upgrades a folder, at moments spread over its run, on the real
//! disk: a later run makes all files new or all old, and leaves nothing behind.
//!
//! Twenty kills, or as many as `BDBKIT_KILLS` in the environment says:
//!
//! ```text
//! BDBKIT_KILLS=500 cargo test --features cli --test upgrade_kill -- --nocapture
//! ```

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
#[path = "common/kill.rs"]
mod kill;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use bdbkit::FileId;
use bdbkit::journal::poisoned;
use bdbkit::upgrade::{Choices, NewId, in_memory};
use common::data;
use kill::{killed, told, too_late, wanted};

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

#[derive(Debug, Default)]
struct Seen {
    kills: usize,
    /// Kills that left a journal or a set file.
    in_the_middle: usize,
    /// Those that left a half-written file.
    half_written: usize,
    /// Later runs that were killed in turn.
    again: usize,
    new: usize,
    old: usize,
}

#[test]
fn a_folder_survives_any_kill() {
    let wanted = wanted(20);
    let files = files();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let restore = || files.iter().for_each(|file| fs::write(folder.join(&file.name), &file.old).unwrap());
    let is_new = || found(folder, &files).iter().zip(&files).all(|(found, file)| *found == file.new);
    let is_old = || found(folder, &files).iter().zip(&files).all(|(found, file)| *found == file.old);

    restore();
    let began = Instant::now();
    let output = tool(&[], folder).output().unwrap();
    let whole = began.elapsed();
    assert!(output.status.success() && is_new(), "{}", told(&output));
    assert_eq!(leftovers(folder, &files), Vec::<PathBuf>::new());

    let mut seen = Seen::default();
    for run in 0..10 * wanted {
        if seen.kills == wanted {
            break;
        }
        restore();
        // All parts of the run in turn, in no order.
        let part = |n: usize| whole.mul_f64(f64::from(u32::try_from(run * n % 101).unwrap()) / 100.0);
        if !killed(tool(&[], folder), part(37), run % 5 == 0) {
            assert!(is_new(), "a run that came to its end");
            continue;
        }
        seen.kills += 1;
        seen.in_the_middle += usize::from(!leftovers(folder, &files).is_empty());
        seen.half_written += usize::from(found(folder, &files).iter().any(|bytes| poisoned(bytes)));
        let wish = ["--resume", "--rollback"][run % 2];
        if run % 3 == 0 {
            seen.again += usize::from(killed(tool(&[wish], folder), part(53), false));
        }
        let output = tool(&[wish], folder).output().unwrap();
        if too_late(&output) {
            let output = tool(&["--resume"], folder).output().unwrap();
            assert!(output.status.success() && is_new(), "{}", told(&output));
        } else {
            assert!(output.status.success(), "{wish}: {}", told(&output));
        }
        let (new, old) = (is_new(), is_old());
        assert!(new || old, "a mixture after {wish}: {}", String::from_utf8_lossy(&output.stdout));
        assert_eq!(leftovers(folder, &files), Vec::<PathBuf>::new(), "after {wish}");
        seen.new += usize::from(new);
        seen.old += usize::from(old);
    }
    println!("a run takes {whole:.0?}; {seen:?}");
    assert_eq!(seen.kills, wanted);
    assert!(seen.in_the_middle > wanted / 10, "{seen:?}");
    let all_kinds = [seen.half_written, seen.again, seen.new, seen.old].iter().all(|&count| count > 0);
    assert!(all_kinds || wanted < 100, "{seen:?}");
}
