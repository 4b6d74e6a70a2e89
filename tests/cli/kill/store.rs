//! The tool killed while it upgrades a store, or restores a snapshot, at moments spread over its run, on the real
//! disk: a later run makes all databases new or all old, keeps the logs, and leaves nothing
//! behind.
//!
//! Twelve kills, or as many as `BDBKIT_KILLS` in the environment says:
//!
//! ```text
//! BDBKIT_KILLS=500 cargo test --features cli --test cli kill:: -- --nocapture
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use bdbkit::Database;
use bdbkit::journal::poisoned;
use bdbkit::verify::{Severity, Verify};

use super::{self as kill, State, Victim};
use crate::common;
use crate::common::{Pair, forward, testdata};

/// What stands in a folder, by name; folders without what is in them.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

pub(super) fn found(folder: &Path) -> Files {
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

/// Whether all databases are new, and everything else is as it was.
fn is_new(old: &Files, now: &Files) -> bool {
    old.iter().all(|(name, old)| {
        let new = &now[name];
        if !name.ends_with(".db") {
            assert!(new == old, "{name} was changed");
            return true;
        }
        if new == old {
            return false;
        }
        let db = Database::from_bytes(&new[..]).unwrap();
        assert_eq!(db.meta().version(), 9, "{name}");
        assert!(forward(&db) == pairs(old), "{name} holds something else");
        assert!(Verify::new(&db).run().worst() < Some(Severity::Error), "{name}");
        true
    })
}

fn tool(arguments: &[&str], folder: &Path) -> Command {
    let mut command = kill::tool(&["store", "upgrade"]);
    command.args(arguments).arg(folder);
    command
}

#[test]
fn a_store_survives_any_kill() {
    let old = store();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let state = || {
        let now = found(folder);
        let leftovers = !now.keys().eq(old.keys());
        // Where something is left, files may be anything until a later run has ended.
        let new = !leftovers && is_new(&old, &now);
        let half_written = now.values().any(|bytes| poisoned(bytes));
        State { new, old: now == old, leftovers, half_written }
    };
    let victim = Victim {
        tool: &|arguments| tool(arguments, folder),
        restore: &|| old.iter().for_each(|(name, bytes)| fs::write(folder.join(name), bytes).unwrap()),
        state: &state,
        midway: &|| fs::read_dir(folder).unwrap().count() > old.len(),
        later: &["--resume", "--rollback", "--json"],
        again: 4,
    };
    // Without a wish a run goes on to its end.
    victim.survives(12, |wish, state| assert!(state.new || wish != "--json", "{state:?}"));
}
