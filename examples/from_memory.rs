//! Reads one record of a database that is in memory, such as an attachment, a
//! part of an archive, or a file that a program has locked away.
//!
//! `cargo run --example from_memory`

use bdbkit::Database;

/// A database of version 6, written on a big-endian machine.
const FILE: &[u8] = include_bytes!("../testdata/btree-v6-be-one/data.db");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let db = Database::from_bytes(FILE)?;
    println!("version {}, {}", db.meta().version(), db.meta().endianness());
    match db.get(b"key")? {
        Some(value) => println!("key = {}", String::from_utf8_lossy(&value)),
        None => println!("no such key"),
    }
    Ok(())
}
