//! Scanning an encrypted file, beside decrypting and authenticating its pages alone: what no reader
//! can do without.
//!
//! `BDBKIT_BENCH_ENCRYPTED` names a large BTREE file whose password is `corpus-password`:
//!
//! ```text
//! db5.3_dump large.db | db5.3_load -P corpus-password encrypted.db
//! BDBKIT_BENCH_ENCRYPTED=encrypted.db cargo bench --features encryption --bench encrypted
//! ```

#![allow(dead_code, unreachable_pub, unused_imports)] // of what is taken from the library
#![allow(clippy::expect_used)]

mod common;
#[path = "../src/crypt.rs"]
mod crypt;
#[path = "../src/order.rs"]
mod order;

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Duration;

use bdbkit::{Database, Limits, OpenOptions, Scanned};
use common::sum;
use criterion::{Criterion, SamplingMode, Throughput};
use crypt::Secret;

const PASSWORD: &str = "corpus-password";
/// What stands before it on a page is in the clear.
const HEADER: usize = 64;

fn open(path: &PathBuf) -> Database<'static> {
    let limits = Limits::default().max_kept(u64::MAX);
    OpenOptions::new().password(PASSWORD).limits(limits).open(path).expect("an encrypted file")
}

/// All values of the pages, by a scan that begins with a file of which no page is open.
fn scan(path: &PathBuf) -> u64 {
    let db = open(path);
    let entries = db.scan().flatten().flat_map(|leaf| leaf.entries()).flatten();
    entries.fold(0, |total, entry| match entry {
        Scanned::Pair { key, value } => [key, value]
            .iter()
            .filter_map(|item| item.on_page())
            .fold(total, |total: u64, bytes| total.wrapping_add(sum(bytes))),
        _ => total,
    })
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let named = std::env::var_os("BDBKIT_BENCH_ENCRYPTED").map(PathBuf::from);
    let small = || concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/btree-v9-le-encrypted-5.3/data.db").into();
    let path: PathBuf = named.unwrap_or_else(small);
    let bytes = std::fs::read(&path).expect("a file");
    let (size, order) = {
        let db = open(&path);
        (db.meta().page_size().bytes(), db.meta().endianness())
    };
    let order =
        if order == bdbkit::Endianness::Little { order::Endianness::Little } else { order::Endianness::Big };
    let [keys, _] = Secret::of(PASSWORD).expect("a cipher").keys(order);

    let mut group = criterion.benchmark_group("encrypted");
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(4));
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    group.throughput(Throughput::Bytes(u64::try_from(bytes.len()).unwrap_or(0)));
    let mut page = vec![0; size];
    let mut pass = |decrypts: bool, authenticates: bool| {
        for stored in bytes.chunks_exact(size).skip(1) {
            let (head, hidden) = stored.split_at(HEADER);
            if authenticates {
                let code = keys.code(&[
                    head.get(..28).unwrap_or(&[]),
                    &[0; 20],
                    head.get(48..).unwrap_or(&[]),
                    hidden,
                ]);
                black_box(code);
            }
            if decrypts {
                page.copy_from_slice(stored);
                let hidden = page.get_mut(HEADER..).unwrap_or_default();
                black_box(keys.decrypt(head.get(48..).unwrap_or(&[]), hidden));
            }
        }
    };
    group.bench_function("decrypting alone", |b| b.iter(|| pass(true, false)));
    group.bench_function("authenticating alone", |b| b.iter(|| pass(false, true)));
    group.bench_function("decrypting and authenticating alone", |b| b.iter(|| pass(true, true)));
    group.bench_function("page scan", |b| b.iter(|| scan(&path)));
    group.finish();
    criterion.final_summary();
}
