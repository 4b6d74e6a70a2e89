//! Jobs over the log of an environment, for `compare_log.sh`.
//!
//! ```text
//! log_peer memory   FOLDER   the least a pass can do: add up all bytes of the maps
//! log_peer checksum FOLDER   the checksum over all bytes, and nothing else
//! log_peer verify   FOLDER   every record, its checksum verified
//! log_peer fields   FOLDER   every field of every record
//! log_peer print    FOLDER   the text of `db_printlog`, to the standard output
//! ```
//!
//! Each run prints one line, `print` on the error stream: job, records, bytes of the
//! log, and seconds without opening. Without a job and a folder the program only says
//! what it is, as `cargo bench` runs it so.
#![allow(unsafe_code)] // maps

#[path = "../src/format/checksum.rs"]
#[allow(dead_code, unused_imports)]
mod checksum;
mod common;

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use bdbkit::log::{LogDir, Printer};

type Outcome<T> = Result<T, Box<dyn Error>>;

#[cfg(feature = "mmap")]
fn map(file: &std::path::Path) -> io::Result<memmap2::Mmap> {
    let file = fs::File::open(file)?;
    // SAFETY: nobody changes the file while it is measured.
    unsafe { memmap2::Mmap::map(&file) }
}

#[cfg(not(feature = "mmap"))]
fn map(file: &std::path::Path) -> io::Result<Vec<u8>> {
    fs::read(file)
}

fn run(job: &str, log: &LogDir) -> Outcome<(u64, Duration)> {
    let mut records = 0u64;
    let mut start = Instant::now();
    match job {
        "memory" | "checksum" => {
            let maps = log.log_files().map(|file| map(file.path())).collect::<Result<Vec<_>, _>>()?;
            start = Instant::now();
            for map in &maps {
                if job == "memory" {
                    black_box(common::sum(map));
                } else {
                    black_box(checksum::plain(map));
                }
            }
        }
        "verify" => {
            for record in log.records() {
                black_box(record?);
                records = records.wrapping_add(1);
            }
        }
        "fields" => {
            for record in log.records() {
                for field in record?.fields() {
                    black_box(field.value());
                }
                records = records.wrapping_add(1);
            }
        }
        "print" => {
            let printer = Printer::new();
            let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
            for record in log.records() {
                printer.print(&record?, &mut out)?;
                records = records.wrapping_add(1);
            }
            out.flush()?;
        }
        _ => return Err(format!("unknown job {job}").into()),
    }
    Ok((records, start.elapsed()))
}

fn main() -> ExitCode {
    // `cargo bench` adds options that are meant for other programs.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let [job, folder] = arguments.as_slice() else {
        eprintln!("usage: log_peer memory|checksum|verify|fields|print FOLDER (see compare_log.sh)");
        return ExitCode::SUCCESS;
    };
    let done = LogDir::open(folder).map_err(Into::into).and_then(|log| {
        let bytes = log.log_files().filter_map(|file| file.log().ok()).map(|log| log.size()).sum();
        run(job, &log).map(|(records, time)| (records, bytes, time))
    });
    match done {
        Ok((records, bytes, time)) => {
            let bytes: u64 = bytes;
            let line = format!("{job} records={records} bytes={bytes} seconds={:.4}", time.as_secs_f64());
            if job == "print" {
                eprintln!("{line}");
            } else {
                println!("{line}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{folder}: {error}");
            ExitCode::from(2)
        }
    }
}
