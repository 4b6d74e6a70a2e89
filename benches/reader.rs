//! Opening, scanning, looking up and dumping, over files of several versions in
//! both byte orders.
//!
//! `BDBKIT_BENCH_FILES` may name more files and folders of `.db` files, separated
//! as in `PATH`: large ones that are not in `testdata`.

mod common;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt::Display;
use std::hint::black_box;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bdbkit::{Database, Item, Scanned, dump};
use common::sum;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput};

/// Files of this length take long enough that fewer samples do.
const LARGE: u64 = 4 << 20;

/// How many keys `get` looks up in turn.
const KEYS: usize = 4096;

/// A file to measure with.
struct Sample {
    name: String,
    path: PathBuf,
    db: Database<'static>,
    bytes: u64,
}

impl Sample {
    /// A file, unless it is none that this crate reads.
    fn new(path: &Path) -> Option<Self> {
        let db = Database::open(path).ok()?;
        let bytes = path.metadata().ok()?.len();
        let meta = db.meta();
        let order = match meta.endianness() {
            bdbkit::Endianness::Little => "le",
            bdbkit::Endianness::Big => "be",
        };
        // Files of the corpus are called data.db, in a folder with their name.
        let stem = path.file_stem().filter(|&stem| stem != "data");
        let stem = stem.or_else(|| path.parent()?.file_name()).unwrap_or(OsStr::new("file"));
        let (kind, version, size) = (meta.method().name(), meta.version(), Size(bytes));
        let name = format!("{kind}-v{version}-{order}-{size}/{}", stem.to_string_lossy());
        Some(Sample { name, path: path.to_owned(), db, bytes })
    }

    /// Whether all of it can be read in each way.
    fn is_whole(&self) -> bool {
        !self.db.is_directory() && self.db.iter().all(|entry| entry.is_ok())
    }

    /// Keys of the file, from all over it, in no order.
    fn keys(&self) -> Vec<Vec<u8>> {
        if self.db.meta().method() != bdbkit::Method::Btree {
            return Vec::new();
        }
        let count = self.db.iter().count();
        let step = count.div_ceil(KEYS).max(1);
        let some = self.db.iter().flatten().step_by(step);
        let mut keys: Vec<_> = some.map(|entry| entry.key().to_vec()).collect();
        keys.sort_by_key(|key| {
            key.iter().fold(0u32, |h, &b| h.wrapping_add(b.into()).wrapping_mul(0x9e37_79b1))
        });
        keys
    }
}

/// A length in bytes, to two digits or so.
struct Size(u64);

impl Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0..10_240 => write!(f, "{}B", self.0),
            10_240..10_485_760 => write!(f, "{}KiB", self.0 >> 10),
            _ => write!(f, "{}MiB", self.0 >> 20),
        }
    }
}

/// Files of a folder and the folders in it.
fn walk(path: &Path, wanted: &dyn Fn(&Path) -> bool, found: &mut BTreeSet<PathBuf>) {
    let Ok(entries) = path.read_dir() else {
        if wanted(path) {
            found.insert(path.to_owned());
        }
        return;
    };
    entries.flatten().for_each(|entry| walk(&entry.path(), wanted, found));
}

/// The trees of several levels in `testdata`, and what the environment names.
fn samples() -> Vec<Sample> {
    let mut found = BTreeSet::new();
    let ours = |path: &Path| {
        let folder = path.parent().and_then(Path::file_name).and_then(OsStr::to_str).unwrap_or("");
        let wanted = ["-levels", "recno-v6-be-var", "recno-v9-le-var", "btree-v9-le-checksum"];
        path.file_name() == Some(OsStr::new("data.db")) && wanted.iter().any(|end| folder.ends_with(end))
    };
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata"), &ours, &mut found);
    if let Some(more) = std::env::var_os("BDBKIT_BENCH_FILES") {
        for path in std::env::split_paths(&more) {
            if path.is_file() {
                found.insert(path);
            } else {
                walk(&path, &|path| path.extension() == Some(OsStr::new("db")), &mut found);
            }
        }
    }
    found.iter().filter_map(|path| Sample::new(path)).filter(Sample::is_whole).collect()
}

fn sum_of_item(item: &Item<'_>) -> u64 {
    match item.on_page() {
        Some(bytes) => sum(bytes),
        None => item.pieces().flatten().fold(0, |total, piece| total.wrapping_add(sum(&piece))),
    }
}

fn sum_of_scanned(entry: &Scanned<'_>) -> u64 {
    match entry {
        Scanned::Pair { key, value } => sum_of_item(key).wrapping_add(sum_of_item(value)),
        Scanned::Duplicates { key, .. } => sum_of_item(key),
        Scanned::Value(value) => sum_of_item(value),
        _ => 0,
    }
}

/// A group of benches, each over one of the samples.
fn group(
    criterion: &mut Criterion,
    name: &str,
    samples: &[Sample],
    mut bench: impl FnMut(&mut BenchmarkGroup<'_, WallTime>, BenchmarkId, &Sample),
) {
    let mut group = criterion.benchmark_group(name);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    for sample in samples {
        if sample.bytes >= LARGE {
            group.sampling_mode(SamplingMode::Flat).sample_size(10);
        } else {
            group.sampling_mode(SamplingMode::Auto).sample_size(50);
        }
        group.throughput(Throughput::Bytes(sample.bytes));
        bench(&mut group, BenchmarkId::from_parameter(&sample.name), sample);
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let samples = samples();
    group(&mut criterion, "open", &samples, |group, id, sample| {
        // Opening reads one page, whatever the length of the file.
        group.throughput(Throughput::Bytes(sample.db.meta().page_size().get().into()));
        group.bench_function(id, |b| b.iter(|| Database::open(&sample.path)));
    });
    group(&mut criterion, "scan in key order", &samples, |group, id, sample| {
        group.bench_function(id, |b| {
            b.iter(|| {
                sample.db.iter().flatten().fold(0u64, |total, entry| {
                    total.wrapping_add(sum(entry.key())).wrapping_add(sum(entry.value()))
                })
            });
        });
    });
    group(&mut criterion, "page scan", &samples, |group, id, sample| {
        group.bench_function(id, |b| {
            b.iter(|| {
                let entries = sample.db.scan().flatten().flat_map(|leaf| leaf.entries()).flatten();
                entries.fold(0u64, |total, entry| total.wrapping_add(sum_of_scanned(&entry)))
            });
        });
    });
    group(&mut criterion, "get", &samples, |group, id, sample| {
        let keys = sample.keys();
        if keys.is_empty() {
            return;
        }
        let read = |key: &Vec<u8>| sample.db.get(key).ok().flatten().map_or(0, |value| value.len());
        let bytes: usize = keys.iter().map(read).sum();
        group.throughput(Throughput::Bytes(u64::try_from(bytes.div_ceil(keys.len())).unwrap_or(0)));
        let mut next = keys.iter().cycle();
        group.bench_function(id, |b| b.iter(|| sample.db.get(black_box(next.next()?)).ok()));
    });
    group(&mut criterion, "get_many", &samples, |group, id, sample| {
        let keys = sample.keys();
        if keys.is_empty() {
            return;
        }
        // Of one look-up, as above.
        group.throughput(Throughput::Elements(u64::try_from(keys.len()).unwrap_or(0)));
        group.bench_function(id, |b| b.iter(|| sample.db.get_many(&keys).flatten().flatten().count()));
    });
    group(&mut criterion, "dump", &samples, |group, id, sample| {
        let write = || dump::Writer::new().write(&sample.db, io::sink(), |_| {});
        group.bench_function(id, |b| b.iter(write));
    });
    criterion.final_summary();
}
