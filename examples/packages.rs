//! Lists the packages of an rpm database in a HASH file: `Packages` as rpm kept it up to 4.15.
//!
//! The keys are numbers of headers, as the machine that wrote the file counts; the value is a
//! header: two counts, index entries of 16 bytes, and the store that they point into.
//! Key 0 holds the highest number that was given.

use std::io::{self, Write};

use bdbkit::{Database, Endianness};

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
/// A text that ends with a zero byte, and one of several languages.
const TEXTS: [u32; 2] = [6, 9];

/// A number of four bytes, always big-endian in a header.
fn word(bytes: &[u8], number: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.chunks_exact(4).nth(number)?.try_into().ok()?))
}

/// The text of a tag, if the header has it.
fn text(header: &[u8], tag: u32) -> Option<&[u8]> {
    let (counts, rest) = header.split_at_checked(8)?;
    let entries = usize::try_from(word(counts, 0)?).ok()?;
    let (index, store) = rest.split_at_checked(entries.checked_mul(16)?)?;
    let entry = index.chunks_exact(16).find(|entry| word(entry, 0) == Some(tag))?;
    if !TEXTS.contains(&word(entry, 1)?) {
        return None;
    }
    store.get(usize::try_from(word(entry, 2)?).ok()?..)?.split(|&byte| byte == 0).next()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: packages FILE")?;
    let db = Database::open(path)?;
    let number = |key: &[u8]| -> Option<u32> {
        let bytes = key.try_into().ok()?;
        Some(match db.meta().endianness() {
            Endianness::Little => u32::from_le_bytes(bytes),
            Endianness::Big => u32::from_be_bytes(bytes),
        })
    };
    let mut out = io::stdout().lock();
    for entry in &db {
        let entry = entry?;
        let Some(number) = number(entry.key()).filter(|&number| number != 0) else { continue };
        let part = |tag| text(entry.value(), tag).map_or("?".into(), String::from_utf8_lossy);
        let (name, bytes) = ([NAME, VERSION, RELEASE].map(part).join("-"), entry.value().len());
        writeln!(out, "{number}\t{name}\t{bytes} bytes")?;
    }
    Ok(())
}
