//! The jobs of `libdb_peer.c`, done by this crate.
//!
//! ```text
//! peer scan     FILE              every pair in key order (also: bulk)
//! peer pairs    FILE              the same without assembling overflow items
//! peer pagescan FILE              every pair in page order
//! peer sum      FILE              the least a scan can do: add up all bytes of the map
//! peer get      FILE COUNT SEED   look-ups of keys as `libdb_peer build` made them
//! peer open     FILE COUNT        open, COUNT times
//! peer dump     FILE              the text of `bdbkit dump`, written to nowhere
//! peer verify   FILE              the whole check, on two threads
//! peer salvage  FILE              every record that salvage finds
//! ```
//!
//! Each run prints one line: job, records, bytes of keys and data, checksum, and
//! seconds as `libdb_peer` does, then the most memory that was allocated at one
//! time and the anonymous memory at the end, both in bytes. `compare.sh` runs the
//! two programs in turn. Without a job and a file the program only says what it
//! is, as `cargo bench` runs it so.
#![allow(unsafe_code)] // the allocator that counts

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::error::Error;
use std::fmt::Write as _;
use std::hint::black_box;
use std::io;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bdbkit::salvage::{Key, Salvage};
use bdbkit::verify::{Severity, Verify};
use bdbkit::{Database, Item, Scanned, dump};
use common::sum;

/// The system's allocator, counting.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn grow(by: usize) {
    let now = NOW.fetch_add(by, Relaxed).wrapping_add(by);
    PEAK.fetch_max(now, Relaxed);
}

// SAFETY: all calls go to the system's allocator as they are.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: as the caller promises for this function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: as the caller promises for this function.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both blocks may exist at one time.
        grow(size);
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as the caller promises for this function.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as the caller promises for this function.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What a job has read.
#[derive(Default)]
struct Tally {
    records: u64,
    bytes: u64,
    checksum: u64,
}

impl Tally {
    #[inline]
    fn add(&mut self, bytes: &[u8]) {
        self.bytes = self.bytes.wrapping_add(length(bytes));
        self.checksum = self.checksum.wrapping_add(sum(bytes));
    }

    #[inline]
    fn record(&mut self) {
        self.records = self.records.wrapping_add(1);
    }

    #[inline(always)]
    fn add_item(&mut self, item: &Item<'_>) -> Outcome<()> {
        match item.on_page() {
            Some(bytes) => self.add(bytes),
            None => self.add_chain(item)?,
        }
        Ok(())
    }

    #[cold]
    fn add_chain(&mut self, item: &Item<'_>) -> Outcome<()> {
        for piece in item.pieces() {
            self.add(&piece?);
        }
        Ok(())
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn scan(file: &str) -> Outcome<Tally> {
    let mut tally = Tally::default();
    for entry in &Database::open(file)? {
        let entry = entry?;
        tally.record();
        tally.add(entry.key());
        tally.add(entry.value());
    }
    Ok(tally)
}

fn pairs(file: &str) -> Outcome<Tally> {
    let mut tally = Tally::default();
    for pair in Database::open(file)?.iter().pairs() {
        let pair = pair?;
        tally.record();
        tally.add_item(&pair.key())?;
        tally.add_item(&pair.value())?;
    }
    Ok(tally)
}

fn page_scan(file: &str) -> Outcome<Tally> {
    let mut tally = Tally::default();
    for leaf in Database::open(file)?.scan() {
        for entry in leaf?.entries() {
            match entry? {
                Scanned::Pair { key, value } => {
                    tally.record();
                    tally.add_item(&key)?;
                    tally.add_item(&value)?;
                }
                Scanned::Duplicates { key, .. } => tally.add_item(&key)?,
                Scanned::Value(value) => {
                    tally.record();
                    tally.add_item(&value)?;
                }
                _ => return Err("an entry of a kind that this program does not know".into()),
            }
        }
    }
    Ok(tally)
}

#[cfg(feature = "mmap")]
fn map(file: &str) -> io::Result<memmap2::Mmap> {
    let file = std::fs::File::open(file)?;
    // SAFETY: nobody changes the file while it is measured.
    unsafe { memmap2::Mmap::map(&file) }
}

#[cfg(not(feature = "mmap"))]
fn map(file: &str) -> io::Result<Vec<u8>> {
    std::fs::read(file)
}

fn sum_of_map(file: &str) -> Outcome<Tally> {
    let mut tally = Tally::default();
    tally.add(&map(file)?);
    Ok(tally)
}

/// The keys of `libdb_peer build`.
fn scramble(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

/// How many different keys there are.
fn keys(db: &Database<'_>) -> Outcome<u32> {
    let (mut count, mut last) = (0u32, Vec::new());
    for entry in db {
        let entry = entry?;
        if count == 0 || last != entry.key() {
            count = count.wrapping_add(1);
            last.clear();
            last.extend_from_slice(entry.key());
        }
    }
    Ok(count)
}

fn get(db: &Database<'_>, count: u32, seed: u32, total: u32) -> Outcome<Tally> {
    let mut tally = Tally::default();
    let mut key = String::new();
    for i in 0..count {
        let number = scramble(i).checked_rem(total).unwrap_or(0);
        key.clear();
        write!(key, "user/{:08x}/folder/{:06}", scramble(number ^ seed), number % 1_000_000)?;
        if let Some(value) = db.get(key.as_bytes())? {
            tally.record();
            tally.bytes = tally.bytes.wrapping_add(length(key.as_bytes()));
            tally.add(&value);
        }
    }
    Ok(tally)
}

/// Opens a file again and again. Only opening is timed: taking the map down again
/// is the kernel's work, and takes it a little longer the larger the map.
fn open(file: &str, count: u32) -> Outcome<(Tally, Duration)> {
    let (mut tally, mut time) = (Tally::default(), Duration::ZERO);
    for _ in 0..count {
        let start = Instant::now();
        let db = black_box(Database::open(file)?);
        time = time.saturating_add(start.elapsed());
        drop(db);
        tally.record();
    }
    Ok((tally, time))
}

fn dump(file: &str) -> Outcome<Tally> {
    let summary = dump::Writer::new().write(&Database::open(file)?, io::sink(), |damage| {
        eprintln!("{}", damage.error);
    })?;
    Ok(Tally { records: summary.records, ..Tally::default() })
}

fn verify(file: &str) -> Outcome<Tally> {
    let verdict = Verify::open(file)?.threads(2).run();
    if verdict.worst() == Some(Severity::Error) { Err("not sound".into()) } else { Ok(Tally::default()) }
}

fn salvage(file: &str) -> Outcome<Tally> {
    let mut tally = Tally::default();
    let salvage = Salvage::open(file)?;
    for record in salvage.survey()?.records() {
        tally.record();
        if let Key::Bytes(key) = &record.key {
            key.bytes().into_iter().flat_map(|bytes| bytes.pieces()).for_each(|piece| tally.add(piece));
        }
        record.value.bytes().into_iter().flat_map(|bytes| bytes.pieces()).for_each(|piece| tally.add(piece));
    }
    Ok(tally)
}

/// Anonymous memory of this process, which does not include maps of files.
fn anonymous() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

fn run(job: &str, file: &str, rest: &[String]) -> Outcome<(Tally, Duration)> {
    let number = |at: usize, default: u32| rest.get(at).map_or(Ok(default), |text| text.parse());
    let mut start = Instant::now();
    let tally = match job {
        "scan" | "bulk" => scan(file)?,
        "pairs" => pairs(file)?,
        "pagescan" => page_scan(file)?,
        "sum" => sum_of_map(file)?,
        "get" => {
            let (count, seed) = (number(0, 100_000)?, number(1, 7)?);
            let db = Database::open(file)?;
            // Not timed, as in libdb_peer, which asks for statistics.
            let total = keys(&db)?;
            start = Instant::now();
            get(&db, count, seed, total)?
        }
        "open" => return open(file, number(0, 1000)?),
        "dump" => dump(file)?,
        "verify" => verify(file)?,
        "salvage" => salvage(file)?,
        _ => return Err(format!("unknown job {job}").into()),
    };
    Ok((tally, start.elapsed()))
}

fn main() -> ExitCode {
    // `cargo bench` adds options that are meant for other programs.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let [job, file, rest @ ..] = arguments.as_slice() else {
        eprintln!(
            "usage: peer scan|bulk|pairs|pagescan|sum|get|open|dump|verify|salvage FILE ... (see compare.sh)"
        );
        return ExitCode::SUCCESS;
    };
    match run(job, file, rest) {
        Ok((Tally { records, bytes, checksum }, time)) => {
            let (seconds, peak) = (time.as_secs_f64(), PEAK.load(Relaxed));
            print!("{job} records={records} bytes={bytes} checksum={checksum} seconds={seconds:.4}");
            println!(" heap_peak={peak} anonymous={}", anonymous().unwrap_or(0));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{file}: {error}");
            ExitCode::from(2)
        }
    }
}
