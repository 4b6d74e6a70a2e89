//! Counts the pairs of a database, and their bytes, on all cores.
//!
//! `cargo run --release --features parallel --example count_parallel -- testdata/btree-v9-le-levels/data.db`

use bdbkit::{Database, LeafPage, Result, Scanned};
use rayon::iter::ParallelIterator;

/// Records and bytes on one leaf. Long items are counted by their stated length,
/// without reading their overflow pages.
fn count(leaf: Result<LeafPage<'_>>) -> Result<(u64, u64)> {
    let mut sum = (0u64, 0u64);
    for entry in leaf?.entries() {
        let (records, bytes) = match entry? {
            Scanned::Pair { key, value } => (1, u64::from(key.len()).saturating_add(value.len().into())),
            Scanned::Value(value) => (1, value.len().into()), // a record, or a duplicate of some key
            _ => (0, 0),                                      // a key whose values are on other pages
        };
        sum = (sum.0.saturating_add(records), sum.1.saturating_add(bytes));
    }
    Ok(sum)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).unwrap_or_else(|| "testdata/btree-v9-le-levels/data.db".into());
    let db = Database::open(&file)?;
    let add = |a: (u64, u64), b: (u64, u64)| Ok((a.0.saturating_add(b.0), a.1.saturating_add(b.1)));
    let (records, bytes) = db.scan().parallel().map(count).try_reduce(|| (0, 0), add)?;
    println!("{records} records, {bytes} bytes of keys and values");
    Ok(())
}
