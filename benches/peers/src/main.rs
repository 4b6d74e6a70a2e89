//! The same pairs in a BTREE of Berkeley DB, read by bdbkit, and in LMDB: look-ups and scans side by side.
//!
//! ```text
//! peers FOLDER [PAIRS [LOOKUPS [RUNS]]]
//! ```
//!
//! Makes both files in the folder, unless they are there, and runs the jobs in turns. Every byte of keys and
//! values that a job gives is summed; it ends with an error where two jobs have not the same sum.

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::path::Path;
use std::time::Instant;

use bdbkit::Database;
use bdbkit::build::{Builder, FileForm, Shape};
use heed::types::Bytes;
use heed::{EnvFlags, EnvOpenOptions, PutFlags, RoTxn, WithTls};

#[path = "../../common/mod.rs"]
mod common;
use common::sum;

type Outcome<T> = Result<T, Box<dyn Error>>;
type Lmdb = heed::Database<Bytes, Bytes>;

/// What LMDB may map; it takes no room before it is written.
const ROOM: usize = 64 << 30;

/// Numbers that look like chance, the same in every run.
struct Chance(u64);

impl Chance {
    fn next(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn key(number: u64) -> Vec<u8> {
    format!("user/{number:010}/seen").into_bytes()
}

/// Pairs in the order of their keys.
fn pairs(count: u64) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    let mut chance = Chance(7);
    (0..count).map(move |number| {
        let len = 60 + chance.next(360);
        let byte = u8::try_from(chance.next(256)).unwrap_or(0);
        (key(number), (0..len).map(|at| byte.wrapping_add(at as u8)).collect())
    })
}

fn make(folder: &Path, count: u64) -> Outcome<()> {
    let (ours, theirs) = (folder.join("pairs.db"), folder.join("lmdb"));
    if !ours.exists() {
        let part = folder.join("pairs.part");
        let mut file = Builder::new(BufWriter::with_capacity(1 << 20, File::create(&part)?), &FileForm::default())?;
        file.begin(&Shape::btree())?;
        pairs(count).try_for_each(|(key, value)| file.put(&key, &value))?;
        file.end()?;
        file.finish()?;
        fs::rename(part, ours)?;
    }
    if !theirs.exists() {
        let part = folder.join("lmdb.part");
        let _ = fs::remove_dir_all(&part);
        fs::create_dir(&part)?;
        let env = open(&part)?;
        let mut txn = env.write_txn()?;
        let db: Lmdb = env.create_database(&mut txn, None)?;
        for (key, value) in pairs(count) {
            db.put_with_flags(&mut txn, PutFlags::APPEND, &key, &value)?;
        }
        txn.commit()?;
        env.prepare_for_closing().wait();
        fs::rename(part, theirs)?;
    }
    Ok(())
}

fn open(folder: &Path) -> Outcome<heed::Env<WithTls>> {
    // SAFETY: nobody else has the files of the folder, which this program made.
    Ok(unsafe { EnvOpenOptions::new().map_size(ROOM).flags(EnvFlags::NO_READ_AHEAD).open(folder)? })
}

/// What is measured.
struct Sides<'t> {
    ours: Database<'static>,
    theirs: Lmdb,
    txn: RoTxn<'t, WithTls>,
    keys: Vec<Vec<u8>>,
}

impl Sides<'_> {
    fn run(&self, job: &str) -> Outcome<u64> {
        let mut total = 0_u64;
        let mut add = |bytes: &[u8]| total = total.wrapping_add(sum(bytes));
        match job {
            "LMDB get" => {
                for key in &self.keys {
                    add(self.theirs.get(&self.txn, key)?.ok_or("a key is missing")?);
                }
            }
            "get" => {
                for key in &self.keys {
                    add(&self.ours.get(key)?.ok_or("a key is missing")?);
                }
            }
            "get_many" => {
                for value in self.ours.get_many(&self.keys) {
                    add(&value?.ok_or("a key is missing")?);
                }
            }
            "LMDB scan" => {
                for pair in self.theirs.iter(&self.txn)? {
                    let (key, value) = pair?;
                    add(key);
                    add(value);
                }
            }
            "scan" => {
                for entry in self.ours.iter() {
                    let entry = entry?;
                    add(&entry.key());
                    add(&entry.value());
                }
            }
            _ => return Err(format!("no job {job}").into()),
        }
        Ok(total)
    }
}

/// The jobs: what each is compared with, and what the ratio is to be at most.
const JOBS: [(&str, &str, f64); 5] = [
    ("LMDB get", "LMDB get", 1.0),
    ("get", "LMDB get", 0.6),
    ("get_many", "LMDB get", 0.35),
    ("LMDB scan", "LMDB scan", 1.0),
    ("scan", "LMDB scan", 0.7),
];

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: peers FOLDER [PAIRS [LOOKUPS [RUNS]]]")?;
    let mut number = |usual: u64| arguments.next().map_or(Ok(usual), |text| text.parse());
    let (count, lookups, runs) = (number(2_000_000)?, number(1_000_000)?, number(5)?);
    let folder = Path::new(&folder);
    make(folder, count)?;
    std::io::copy(&mut BufReader::new(File::open(folder.join("pairs.db"))?), &mut std::io::sink())?;
    let env = open(&folder.join("lmdb"))?;
    let txn = env.read_txn()?;
    let theirs = env.open_database(&txn, None)?.ok_or("no database")?;
    let mut chance = Chance(11);
    let keys = (0..lookups).map(|_| key(chance.next(count))).collect();
    let sides = Sides { ours: Database::open(folder.join("pairs.db"))?, theirs, txn, keys };
    let mut seconds: Vec<Vec<f64>> = vec![Vec::new(); JOBS.len()];
    let mut sums = std::collections::HashMap::new();
    // One run before those that count: what is read once is in memory, and proven.
    for run in 0..=runs {
        for ((job, peer, _), seconds) in JOBS.iter().zip(&mut seconds) {
            let start = Instant::now();
            let total = sides.run(job)?;
            let elapsed = start.elapsed().as_secs_f64();
            if *sums.entry(peer).or_insert(total) != total {
                return Err(format!("{job} has another sum than {peer}").into());
            }
            if run > 0 {
                seconds.push(elapsed);
            }
        }
    }
    seconds.iter_mut().for_each(|seconds| seconds.sort_by(f64::total_cmp));
    let median = |job: &str| {
        let place = JOBS.iter().position(|(name, ..)| *name == job).unwrap_or(0);
        seconds[place][seconds[place].len() / 2]
    };
    println!("| job | median | least to most | of its peer | target |");
    println!("|---|---:|---:|---:|---:|");
    for ((job, peer, target), seconds) in JOBS.iter().zip(&seconds) {
        let ratio = median(job) / median(peer);
        let missed = if ratio > *target { " **missed**" } else { "" };
        let (least, most) = (seconds[0], seconds[seconds.len() - 1]);
        println!("| {job} | {:.3} s | {least:.3} to {most:.3} s | {ratio:.2}{missed} | ≤ {target} |", median(job));
    }
    println!("\n{count} pairs, {lookups} look-ups, medians of {runs} runs in turns, one thread, page cache warm.");
    Ok(())
}
