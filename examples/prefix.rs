//! Lists the keys of a database that start with a prefix.
//!
//! `cargo run --example prefix -- testdata/btree-v6-be-levels/data.db 22`

use std::io::Write;

use bdbkit::{Database, dump::escape};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().unwrap_or_else(|| "testdata/btree-v6-be-levels/data.db".into());
    let prefix = arguments.next().unwrap_or_default();

    let db = Database::open(&file)?;
    let mut out = std::io::stdout().lock();
    // `pairs` leaves the values unread, so long ones cost nothing.
    for pair in db.prefix(prefix.as_bytes()).pairs() {
        let pair = pair?;
        writeln!(out, "{} ({} bytes)", escape(&pair.key().read()?), pair.value().len())?;
    }
    Ok(())
}
