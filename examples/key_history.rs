//! Tells the history of one key from the logs alone.
//!
//! `cargo run --example key_history -- testdata/env-log14-le-clean d.db draft.0047`

use bdbkit::dump::escape;
use bdbkit::log::{Fate, Known, LogDir};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap_or_else(|| "testdata/env-log14-le-clean".into());
    let database = arguments.next().unwrap_or_else(|| "d.db".into());
    let key = arguments.next().unwrap_or_else(|| "draft.0047".into());

    let log = LogDir::open(folder)?;
    let history = log.history().database(database).key_prefix(key.as_bytes()).read();
    for change in history.changes().filter(|change| change.key.bytes() == Some(key.as_bytes())) {
        let value = change.new.as_ref().and_then(Known::bytes).map_or("nothing".to_owned(), escape);
        let fate = match history.fate(change) {
            Fate::Committed { time: Some(seconds), .. } => format!("committed at {seconds}"),
            Fate::Committed { time: None, .. } => "committed".to_owned(),
            _ => "not committed".to_owned(),
        };
        println!("{} {:?}: {value} ({fate})", change.lsn, change.kind);
    }
    Ok(())
}
