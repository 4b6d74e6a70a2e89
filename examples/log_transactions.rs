//! Lists the transactions of a log with the times of their commits.
//!
//! `cargo run --example log_transactions -- testdata/env-log8-le-mix`

use bdbkit::log::{Fate, LogDir};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).unwrap_or_else(|| "testdata/env-log8-le-mix".into());
    let log = LogDir::open(folder)?;
    let transactions = log.transactions();
    for (index, txn) in transactions.iter().enumerate() {
        let fate = match transactions.fate(index) {
            Fate::Committed { time: Some(seconds), .. } => format!("committed at {seconds}"),
            Fate::Committed { time: None, .. } => "committed".to_owned(),
            other => format!("{other:?}").to_lowercase(),
        };
        println!("{} from {} to {}: {} records, {fate}", txn.id, txn.first, txn.last, txn.records);
    }
    Ok(())
}
