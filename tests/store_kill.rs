//! The tool killed while it upgrades a store, at moments spread over its run, on the real
//! disk: a later run makes all databases new or all old, keeps the logs, and leaves nothing
//! behind.
//!
//! Twelve kills, or as many as `BDBKIT_KILLS` in the environment says:
//!
//! ```text
//! BDBKIT_KILLS=500 cargo test --features cli --test store_kill -- --nocapture
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

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use bdbkit::journal::poisoned;
use bdbkit::{Database, Severity, Verify};
use common::{Pair, forward, testdata};
use kill::{killed, told, too_late, wanted};

/// What stands in a folder, by name; folders without what is in them.
type Files = BTreeMap<String, Vec<u8>>;

fn found(folder: &Path) -> Files {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let bytes = |path: &Path| if path.is_dir() { Vec::new() } else { fs::read(path).unwrap() };
    entries.map(|entry| (entry.file_name().into_string().unwrap(), bytes(&entry.path()))).collect()
}

fn pairs(bytes: &[u8]) -> Vec<Pair> {
    forward(&Database::from_bytes(bytes).unwrap())
}

/// The databases, the logs, and a larger database, without which a run is soon over.
fn store() -> Files {
    let of_store = |name: &String| name.ends_with(".db") || name.starts_with("log.");
    let mut files = found(&testdata().join("mboxlist-ims5-log2-be"));
    files.retain(|name, _| of_store(name));
    files.insert("larger.db".into(), common::data("btree-v6-be-dups-offpage-many"));
    files
}

/// Whether all databases of the folder are new, and everything else is as it was.
fn is_new(old: &Files, folder: &Path) -> bool {
    let now = found(folder);
    assert_eq!(now.keys().collect::<Vec<_>>(), old.keys().collect::<Vec<_>>(), "something was left behind");
    old.iter().all(|(name, old)| {
        let new = &now[name];
        if !name.ends_with(".db") {
            assert!(new == old, "{name} was changed");
            return true;
        }
        if new == old {
            return false;
        }
        assert_eq!(Database::from_bytes(&new[..]).unwrap().meta().version(), 9, "{name}");
        assert!(pairs(new) == pairs(old), "{name} holds something else");
        assert!(Verify::open(folder.join(name)).unwrap().run().worst() < Some(Severity::Error), "{name}");
        true
    })
}

fn tool(arguments: &[&str], folder: &Path) -> Command {
    let mut command = kill::tool(&["store", "upgrade"]);
    command.args(arguments).arg(folder);
    command
}

#[derive(Debug, Default)]
struct Seen {
    kills: usize,
    /// Kills that left a journal, a set file, or copies.
    in_the_middle: usize,
    /// Those that left a half-written file.
    half_written: usize,
    /// Later runs that were killed in turn.
    again: usize,
    new: usize,
    old: usize,
}

#[test]
fn a_store_survives_any_kill() {
    let (wanted, old) = (wanted(12), store());
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let restore = || old.iter().for_each(|(name, bytes)| fs::write(folder.join(name), bytes).unwrap());

    restore();
    let began = Instant::now();
    let output = tool(&[], folder).output().unwrap();
    let whole = began.elapsed();
    assert!(output.status.success() && is_new(&old, folder), "{}", told(&output));

    let mut seen = Seen::default();
    for run in 0..10 * wanted {
        if seen.kills == wanted {
            break;
        }
        restore();
        // All parts of the run in turn, in no order.
        let part = |n: usize| whole.mul_f64(f64::from(u32::try_from(run * n % 101).unwrap()) / 100.0);
        if !killed(tool(&[], folder), part(37), run % 5 == 0) {
            assert!(is_new(&old, folder), "a run that came to its end");
            continue;
        }
        seen.kills += 1;
        let now = found(folder);
        seen.in_the_middle += usize::from(now.len() > old.len());
        seen.half_written += usize::from(now.values().any(|bytes| poisoned(bytes)));
        let wish = ["--resume", "--rollback", "--json"][run % 3];
        if run % 4 == 0 {
            seen.again += usize::from(killed(tool(&[wish], folder), part(53), false));
        }
        let output = tool(&[wish], folder).output().unwrap();
        if too_late(&output) {
            let output = tool(&["--resume"], folder).output().unwrap();
            assert!(output.status.success() && is_new(&old, folder), "{}", told(&output));
        } else {
            assert!(output.status.success(), "{wish}: {}", told(&output));
        }
        let (new, is_old) = (is_new(&old, folder), found(folder) == old);
        assert!(new || is_old, "a mixture after {wish}: {}", String::from_utf8_lossy(&output.stdout));
        // Without a wish a run goes on to its end.
        assert!(new || wish != "--json", "{}", told(&output));
        seen.new += usize::from(new);
        seen.old += usize::from(is_old);
    }
    println!("a run takes {whole:.0?}; {seen:?}");
    assert_eq!(seen.kills, wanted);
    assert!(seen.in_the_middle > wanted / 10, "{seen:?}");
    let all_kinds = [seen.half_written, seen.again, seen.new, seen.old].iter().all(|&count| count > 0);
    assert!(all_kinds || wanted < 100, "{seen:?}");
}
