//! Salvage beside the page scan: both read every record of every leaf.
//!
//! `BDBKIT_BENCH_FILES` may name more files, as in `benches/reader.rs`.

mod common;

use std::path::PathBuf;
use std::time::Duration;

use bdbkit::salvage::{Key, Recovered, Salvage};
use bdbkit::{Database, Item, Scanned, dump};
use common::sum;
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};

/// Files of this length take long enough that fewer samples do.
const LARGE: u64 = 4 << 20;

fn files() -> Vec<PathBuf> {
    let testdata = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let cases = ["btree-v6-be-levels", "btree-v9-le-levels", "btree-v9-le-checksum", "recno-v9-le-var"];
    let mut files: Vec<PathBuf> = cases.iter().map(|case| testdata.join(case).join("data.db")).collect();
    if let Some(more) = std::env::var_os("BDBKIT_BENCH_FILES") {
        files.extend(std::env::split_paths(&more).filter(|path| path.is_file()));
    }
    files
}

fn sum_of_item(item: &Item<'_>) -> u64 {
    item.pieces().flatten().fold(0, |total, piece| total.wrapping_add(sum(&piece)))
}

fn sum_of_recovered(item: &Recovered<'_>) -> u64 {
    let pieces = item.bytes().into_iter().flat_map(|bytes| bytes.pieces());
    pieces.fold(0, |total, piece| total.wrapping_add(sum(piece)))
}

fn page_scan(db: &Database<'_>) -> u64 {
    let entries = db.scan().flatten().flat_map(|leaf| leaf.entries()).flatten();
    entries.fold(0, |total, entry| {
        total.wrapping_add(match entry {
            Scanned::Pair { key, value } => sum_of_item(&key).wrapping_add(sum_of_item(&value)),
            Scanned::Duplicates { key, .. } => sum_of_item(&key),
            Scanned::Value(value) => sum_of_item(&value),
            _ => 0,
        })
    })
}

fn salvage(salvage: &Salvage<'_>) -> u64 {
    let Ok(survey) = salvage.survey() else { return 0 };
    survey.records().fold(0, |total, record| {
        let key = match &record.key {
            Key::Bytes(key) => sum_of_recovered(key),
            Key::Record(_) => 0,
        };
        total.wrapping_add(key).wrapping_add(sum_of_recovered(&record.value))
    })
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("salvage");
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    for path in files() {
        let (Ok(db), Ok(found), Ok(file)) = (Database::open(&path), Salvage::open(&path), path.metadata())
        else {
            continue;
        };
        assert_eq!(page_scan(&db), salvage(&found), "both read the same of {}", path.display());
        if file.len() >= LARGE {
            group.sampling_mode(SamplingMode::Flat).sample_size(10);
        } else {
            group.sampling_mode(SamplingMode::Auto).sample_size(50);
        }
        group.throughput(Throughput::Bytes(file.len()));
        let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(&path).display().to_string();
        group.bench_function(BenchmarkId::new("page scan", &name), |b| b.iter(|| page_scan(&db)));
        group.bench_function(BenchmarkId::new("salvage", &name), |b| b.iter(|| salvage(&found)));
        group.bench_function(BenchmarkId::new("dump -r", &name), |b| {
            b.iter(|| {
                let survey = found.survey().ok()?;
                dump::Writer::new().write_salvaged(&survey, &mut survey.records(), std::io::sink()).ok()
            });
        });
    }
    group.finish();
    criterion.final_summary();
}
