//! Writes every mailbox of a mail store as a line of JSON.
//!
//! `cargo run --example mailboxes_json -- testdata/mboxlist-ims5-log2-be/folder.db`

use std::io::{BufWriter, Write};

use bdbkit::Database;
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).unwrap_or_else(|| "testdata/mboxlist-ims5-log2-be/folder.db".into());

    let db = Database::open(&file)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    for entry in db.iter() {
        let entry = entry?;
        // Values have no layout that is public: they stay bytes.
        let line = json!({
            "mailbox": String::from_utf8_lossy(entry.key()),
            "key": hex(entry.key()),
            "value": hex(entry.value()),
        });
        writeln!(out, "{line}")?;
    }
    out.flush()?;
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
