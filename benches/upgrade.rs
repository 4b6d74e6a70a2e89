//! Builds the large files of version 6 for `compare_upgrade.sh`.
//!
//! ```text
//! upgrade plain  MEGABYTES FILE   keys with one value: only page 0 changes
//! upgrade shared MEGABYTES FILE   keys with two values each, and lengths of keys in the
//!                                 wrong byte order: every leaf changes
//! upgrade chains MEGABYTES FILE   a chain of off-page duplicates for every leaf: leaves
//!                                 and chains change, internal pages are added
//! ```
//!
//! Files are little-endian, with pages of 4096 bytes. Without arguments the program only
//! says what it is, as `cargo bench` runs it so.

#[path = "../tests/common/build/mod.rs"]
mod build;

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::process::ExitCode;

use bdbkit::Endianness;
use build::{Builder, Duplicates, Tree};

const PAGE_SIZE: usize = 4096;
/// Values fill a leaf with 30 keys or so.
const VALUE: [u8; 100] = [b'v'; 100];
/// Of so many keys one has a chain: of this many values, on eight pages or so.
const CHAIN_EVERY: u64 = 30;
const CHAIN: u64 = 300;

fn build(kind: &str, megabytes: u64, file: &str) -> Result<(), Box<dyn Error>> {
    let plain = Tree::btree();
    let (tree, values): (Tree, fn(u64) -> u64) = match kind {
        "plain" => (plain, |_| 1),
        "shared" => (plain.duplicates(Duplicates::Unsorted).reversed_shared_keys(true), |_| 2),
        "chains" => {
            let of_key = |key: u64| if key % CHAIN_EVERY == 0 { CHAIN } else { 1 };
            (plain.duplicates(Duplicates::Unsorted), of_key)
        }
        _ => return Err(format!("unknown kind {kind}").into()),
    };
    // A value takes 104 bytes and two for its slot.
    let mut left = megabytes.saturating_mul(1_000_000);
    let entries = (0u64..).map_while(|key| {
        let values = values(key);
        left = left.checked_sub(values.saturating_mul(106).saturating_add(22))?;
        Some((format!("key {key:012}"), (0..values).map(numbered)))
    });
    let out = BufWriter::with_capacity(1 << 20, File::create(file)?);
    Ok(Builder::new(6, Endianness::Little, PAGE_SIZE).write(&tree, entries, out)?)
}

fn numbered(ordinal: u64) -> [u8; 100] {
    let mut value = VALUE;
    value.iter_mut().zip(ordinal.to_be_bytes()).for_each(|(place, byte)| *place = byte);
    value
}

fn main() -> ExitCode {
    // `cargo bench` adds options that are meant for other programs.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let (kind, megabytes, file) = match arguments.as_slice() {
        [kind, megabytes, file] => (kind, megabytes, file),
        _ => {
            eprintln!("usage: upgrade plain|shared|chains MEGABYTES FILE (see compare_upgrade.sh)");
            return ExitCode::SUCCESS;
        }
    };
    let built = megabytes.parse().map_err(Into::into).and_then(|megabytes| build(kind, megabytes, file));
    match built {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{file}: {error}");
            ExitCode::from(2)
        }
    }
}
