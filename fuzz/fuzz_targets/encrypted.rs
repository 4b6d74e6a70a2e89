//! `cargo +nightly fuzz run encrypted`

#![no_main]

#[allow(dead_code)] // each fuzzer runs one of them
#[path = "../../tests/fuzz/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::encrypted(bytes));
