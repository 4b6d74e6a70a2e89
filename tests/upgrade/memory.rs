//! How much memory an upgrade takes: so much for each page that changes, and no more.

use std::fs::File;
use std::io::BufWriter;

use bdbkit::Endianness;
use bdbkit::upgrade::Upgrade;

use crate::build::{Builder, Duplicates, Tree};
use crate::common::hash::{HashFile, mixed};
use crate::counting::peak_of;

/// Bytes a page: 64 MiB for a million.
const EACH: usize = 64;

#[test]
fn chains_of_many_pages_take_little_memory() {
    const KEYS: u32 = 2000;
    const VALUES: u32 = 400;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chains.db");
    let entries = (0..KEYS).map(|key| {
        let value = |value: u32| [value.to_be_bytes(); 25].concat();
        (format!("key {key:08}"), (0..VALUES).map(value))
    });
    let out = BufWriter::new(File::create(&path).unwrap());
    let tree = Tree::btree().duplicates(Duplicates::Unsorted);
    Builder::new(6, Endianness::Little, 512).write(&tree, entries, out).unwrap();
    let upgrade = Upgrade::open(&path);
    let mut pages = 0;
    let planned = peak_of(|| pages = upgrade.plan().unwrap()[0].changes().len());
    assert!(pages > 200_000, "{pages}");
    let written = peak_of(|| assert!(upgrade.run().unwrap().files[0].changed()));
    println!("{planned} and {written} bytes for {pages} pages");
    assert!(planned < EACH * pages && written < EACH * pages, "{planned} {written} for {pages} pages");
}

/// Pages of buckets are sorted when they are written, one after the other.
#[test]
fn pages_of_buckets_take_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hash.db");
    let mut found = Vec::new();
    for bits in [12, 14] {
        let max = (1 << bits) - 1;
        let old = HashFile::new(6, Endianness::Big, 512, max).build(&mixed(1, 40, 512, 24));
        std::fs::write(&path, old).unwrap();
        let upgrade = Upgrade::open(&path);
        let mut pages = 0;
        let planned = peak_of(|| pages = upgrade.plan().unwrap()[0].changes().len());
        assert!(pages >= 1 << bits, "{pages}");
        let written = peak_of(|| assert!(upgrade.run().unwrap().files[0].changed()));
        println!("{planned} and {written} bytes for {pages} pages");
        found.push([pages, planned, written]);
    }
    let [pages, planned, written] = [0, 1, 2].map(|of| found[1][of] - found[0][of]);
    // To plan, up to 32 MiB of pages that change are in memory.
    assert!(planned < (EACH + 640) * pages && written < EACH * pages, "{found:?}");
}
