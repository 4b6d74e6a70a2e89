//! Genuine logs of every version that the store used, in both byte orders, beside what
//! `db_printlog` of the release that wrote them printed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

mod common;

use bdbkit::log::{LogDir, LogError, LogOptions, Printer};
use common::{Case, cases, read};

/// Opens the log of a case, with its password if it has one.
fn open(case: &Case) -> LogDir {
    let options = LogOptions::new();
    let options = if case.has("encrypted") { options.password("corpus-password") } else { options };
    options.open_dir(case.folder()).unwrap_or_else(|error| panic!("{}: {error}", case.name))
}

/// Prints a whole log as `db_printlog` does, and gives the errors that were met.
fn print(log: &LogDir) -> (Vec<u8>, Vec<LogError>) {
    let (mut text, mut errors) = (Vec::new(), Vec::new());
    for record in log.records() {
        match record {
            Ok(record) => Printer::new().print(&record, &mut text).unwrap(),
            Err(error) => errors.push(error),
        }
    }
    (text, errors)
}

fn assert_same_lines(case: &str, found: &[u8], expected: &[u8]) {
    let lines = |text: &[u8]| -> Vec<String> {
        text.split(|&byte| byte == b'\n').map(|line| line.escape_ascii().to_string()).collect()
    };
    for (i, (found, expected)) in lines(found).into_iter().zip(lines(expected)).enumerate() {
        assert_eq!(found, expected, "{case}: line {}", i + 1);
    }
    assert_eq!(found.len(), expected.len(), "{case}: the same lines, but not as many");
}

#[test]
fn genuine_logs_print_as_the_release_that_wrote_them_prints() {
    let cases = cases(&["env-", "mboxlist-"]);
    assert!(cases.len() >= 75);
    for case in cases {
        if case.has("encrypted") && !cfg!(feature = "encryption") {
            eprintln!("skipped: {} is encrypted, and the feature is off", case.name);
            continue;
        }
        let (text, errors) = print(&open(&case));
        assert!(errors.is_empty(), "{}: {errors:?}", case.name);
        assert_same_lines(&case.name, &text, &read(case.folder().join("printlog.txt")));
    }
}
