//! Random and structure-aware mutants of genuine files through everything that reads.
//!
//! A few thousand each time; more, and with another seed, with
//!
//! ```text
//! BDBKIT_MUTANTS=10000000 BDBKIT_SEED=1 cargo test --profile hardened --test fuzz -- --nocapture
//! ```
//!
//! The same targets are in `fuzz/` for libFuzzer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/counting.rs"]
mod counting;
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bdbkit::Endianness::{Big, Little};
use common::{Watch, logs, testdata};

/// Memory that reading may take besides the bytes themselves. A record of a few bytes may make a whole
/// page: recovery has bounds of its own.
fn allowed(name: &str, bytes: usize) -> usize {
    if name == "recovery" { (192 << 20) + 3000 * bytes } else { (1 << 20) + 64 * bytes }
}

/// Small environments with a log of one file: once with each of their databases.
fn environments(most: usize) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for top in [testdata(), testdata().join("recover")] {
        for folder in std::fs::read_dir(top).unwrap().map(|entry| entry.unwrap().path()) {
            let Ok(log) = std::fs::read(folder.join("log.0000000001")) else { continue };
            for path in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.extension().is_some_and(|extension| extension == "db") {
                    let bytes = targets::environment(&log, &std::fs::read(&path).unwrap());
                    found.extend((bytes.len() <= most).then_some((path, bytes)));
                }
            }
        }
    }
    found.sort();
    found
}

/// Small files of every kind, and the target that is theirs.
fn seeds(name: &str, most: u64) -> Vec<(PathBuf, Vec<u8>)> {
    if name == "recovery" {
        return environments(96 * 1024);
    }
    let wanted = |path: &PathBuf| {
        let file = path.file_name().unwrap().to_string_lossy();
        let small = path.metadata().unwrap().len() <= most;
        let kind = if name == "log" { file.starts_with("log.") } else { file.ends_with(".db") };
        small && kind && path.to_string_lossy().contains("encrypted") == (name == "encrypted")
    };
    let folders = std::fs::read_dir(testdata()).unwrap().map(|entry| entry.unwrap().path());
    let folders = folders.filter(|path| path.is_dir());
    let files =
        folders.flat_map(|folder| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    let mut paths: Vec<PathBuf> = files.filter(|path| path.is_file() && wanted(path)).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// Numbers that look random (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(n.max(1)).unwrap()).unwrap()
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// Numbers at which something may go wrong.
const NUMBERS: [u32; 16] =
    [0, 1, 2, 3, 7, 12, 26, 255, 511, 512, 65535, 65536, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, u32::MAX];

/// One to three changes, most of them to fields that mean something.
fn mutate(dice: &mut Dice, seed: &[u8], name: &str) -> Vec<u8> {
    if name == "recovery" {
        let (log, database) = targets::parts(seed);
        return match dice.below(3) {
            0 => targets::environment(log, &mutate(dice, database, "database")),
            _ => targets::environment(&mutate(dice, log, "log"), database),
        };
    }
    let mut bytes = seed.to_vec();
    for _ in 0..=dice.below(3) {
        if bytes.len() < 64 {
            break;
        }
        match dice.below(10) {
            0 => {
                let at = dice.below(bytes.len());
                bytes[at] = u8::try_from(dice.roll() & 255).unwrap();
            }
            1 => bytes.truncate(dice.below(seed.len()).max(1)),
            2 => {
                let (from, to) = (dice.below(bytes.len()), dice.below(bytes.len()));
                let len = dice.below(64).min(bytes.len() - from).min(bytes.len() - to);
                bytes.copy_within(from..from + len, to);
            }
            3 => {
                let at = dice.below(bytes.len());
                let end = (at + dice.below(600)).min(bytes.len());
                bytes[at..end].fill(dice.one_of(&[0, 255, 0x80]));
            }
            _ if name == "log" => log_field(dice, &mut bytes),
            _ => page_field(dice, &mut bytes),
        }
    }
    bytes
}

/// Changes a header field, a slot or an item of a page, or a field of the metadata.
fn page_field(dice: &mut Dice, bytes: &mut [u8]) {
    // Page sizes are powers of two: only one order reads as one. The 1.x series has it elsewhere.
    let sizes = [Little, Big].into_iter().flat_map(|order| {
        [20, 8].map(|at| (order, usize::try_from(logs::get_u32(order, bytes, at)).unwrap()))
    });
    let plausible = |&(_, size): &(_, usize)| size.is_power_of_two() && (512..=65536).contains(&size);
    let (order, size) = sizes.into_iter().find(plausible).unwrap_or((Little, 512));
    let pages = (bytes.len() / size).max(1);
    let page = dice.below(pages) * size;
    let place = match dice.below(4) {
        0 if page == 0 => 12 + 4 * dice.below(20),
        0 | 1 => dice.one_of(&[0, 8, 12, 16, 20, 22, 24, 25]),
        2 => 26 + 2 * dice.below(40),
        _ => dice.below(size / 4) * 4 + dice.one_of(&[0, 2, 4, 8]),
    };
    let at = page + place;
    if at + 4 > bytes.len() {
        return;
    }
    let other = u32::try_from(dice.below(pages + 2)).unwrap();
    let small = u32::try_from(dice.below(256)).unwrap();
    let odd = dice.one_of(&NUMBERS);
    let number = dice.one_of(&[small, other, odd]);
    match dice.below(3) {
        0 => logs::put_u32(order, bytes, at, number),
        1 => {
            let word = logs::word(order, number);
            let half = if order == Big { &word[2..] } else { &word[..2] };
            bytes[at..at + 2].copy_from_slice(half);
        }
        _ => bytes[at] = number.to_le_bytes()[0],
    }
}

/// Changes a number of a record and makes its checksum right again.
fn log_field(dice: &mut Dice, bytes: &mut [u8]) {
    let order = if bytes[12..16] == [0, 4, 9, 0x88] { Big } else { Little };
    let version = logs::get_u32(order, bytes, 16);
    let mut starts = vec![];
    let (len_at, _) = logs::places(version);
    let mut at = 0;
    while at + logs::HEADER <= bytes.len() {
        let len = usize::try_from(logs::get_u32(order, bytes, at + len_at)).unwrap();
        if len <= logs::HEADER || at + len > bytes.len() {
            break;
        }
        starts.push((at, len));
        at += len;
    }
    let Some(&(start, len)) = starts.get(dice.below(starts.len())) else { return };
    let place = start + dice.below(len / 4) * 4;
    if place + 4 <= bytes.len() {
        let near = u32::try_from(dice.below(len + 8)).unwrap();
        let odd = dice.one_of(&NUMBERS);
        let number = dice.one_of(&[near, odd]);
        logs::put_u32(order, bytes, place, number);
    }
    let len = usize::try_from(logs::get_u32(order, bytes, start + len_at)).unwrap();
    if len > logs::HEADER && start + len <= bytes.len() && dice.below(4) > 0 {
        logs::seal(version, order, &mut bytes[start..start + len]);
    }
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |value| value.parse().unwrap())
}

#[test]
fn mutants_neither_panic_nor_hang_nor_take_memory() {
    let (count, seed) = (setting("BDBKIT_MUTANTS", 8000), setting("BDBKIT_SEED", 7));
    let share = count / u64::try_from(targets::ALL.len()).unwrap();
    let failures = Mutex::new(Vec::new());
    let done = AtomicU64::new(0);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    for (name, target) in targets::ALL {
        let seeds = seeds(name, 24 * 1024);
        let least = if name == "encrypted" { 12 } else { 50 };
        assert!(seeds.len() >= least, "{name}: {}", seeds.len());
        std::thread::scope(|scope| {
            for thread in 0..2 {
                let (seeds, failures, done) = (&seeds, &failures, &done);
                scope.spawn(move || {
                    let watch = Watch::start(Duration::from_secs(20));
                    for number in (thread..share).step_by(2) {
                        let mut dice = Dice(seed.wrapping_mul(0x1_0000_0001).wrapping_add(number));
                        let (path, bytes) = &seeds[dice.below(seeds.len())];
                        watch.about(format!("{name}, mutant {number}, of {}", path.display()));
                        let mutant = mutate(&mut dice, bytes, name);
                        let mut result = Ok(());
                        let peak =
                            counting::peak_of(|| result = catch_unwind(AssertUnwindSafe(|| target(&mutant))));
                        done.fetch_add(1, Ordering::Relaxed);
                        let why = match result {
                            Ok(()) if peak <= allowed(name, mutant.len()) => continue,
                            Ok(()) => format!("{peak} bytes of memory for {}", mutant.len()),
                            Err(panic) => match panic.downcast_ref::<String>() {
                                Some(text) => text.clone(),
                                None => (*panic.downcast_ref::<&str>().unwrap_or(&"a panic")).to_owned(),
                            },
                        };
                        if let Some(folder) = std::env::var_os("BDBKIT_SAVE") {
                            std::fs::write(PathBuf::from(folder).join(format!("{name}-{number}")), &mutant)
                                .unwrap();
                        }
                        let from = path.strip_prefix(testdata()).unwrap().display();
                        failures.lock().unwrap().push(format!("{name}: mutant {number} of {from}: {why}"));
                    }
                });
            }
        });
        println!("{name}: {share} mutants of {} files, seed {seed}", seeds.len());
    }
    std::panic::set_hook(hook);
    let failures = failures.into_inner().unwrap();
    let first: Vec<_> = failures.iter().take(20).collect();
    assert!(failures.is_empty(), "{} failures:\n{first:#?}", failures.len());
    assert!(done.into_inner() >= share * 5);
}
