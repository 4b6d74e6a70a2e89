//! Logs: the sum over the bytes, a pass that reads the same memory and one that
//! computes the same checksum and nothing else, then verifying all records, reading
//! all fields, and printing.

#[path = "../src/format/checksum.rs"]
#[allow(dead_code, unused_imports)]
mod checksum;
mod common;
#[path = "common/log.rs"]
mod generated;

use std::hint::black_box;
use std::io;
use std::time::Duration;

use bdbkit::log::{LogFile, Printer, Value};
use criterion::{Criterion, SamplingMode, Throughput};

/// Larger than the caches of most machines.
const SIZE: usize = 64 << 20;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let bytes = generated::file(SIZE);
    let log = LogFile::from_bytes(1, &bytes[..]).ok();
    let Some(log) = log.filter(|log| log.records().all(|record| record.is_ok_and(|r| r.note().is_none())))
    else {
        eprintln!("the log that was made is not whole");
        std::process::exit(1);
    };
    let mut group = criterion.benchmark_group("log");
    group.throughput(Throughput::Bytes(log.size()));
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    group.bench_function("memory", |b| b.iter(|| common::sum(black_box(&bytes))));
    group.bench_function("checksum", |b| b.iter(|| checksum::plain(black_box(&bytes))));
    group.bench_function("verify", |b| b.iter(|| log.records().flatten().count()));
    group.bench_function("fields", |b| {
        let size = |value: Value<'_>| value.bytes().map_or(1, <[u8]>::len);
        b.iter(|| {
            let fields = log.records().flatten().flat_map(|record| record.fields());
            fields.fold(0usize, |total, field| total.wrapping_add(size(field.value())))
        });
    });
    group.bench_function("print", |b| {
        let printer = Printer::new();
        b.iter(|| {
            let mut records = log.records().flatten();
            records.try_for_each(|record| printer.print(&record, &mut io::sink()).map(drop))
        });
    });
    group.finish();
    criterion.final_summary();
}
