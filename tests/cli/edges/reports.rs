//! Reports for people stay as they are: what is written is kept in `testdata/text`;
//! `BDBKIT_BLESS=1` writes it anew.

use super::json::{Goldens, made, stop};
use crate::tool::{err, out};

/// Every report, and how it ends.
const RUNS: [(&str, &str, i32); 32] = [
    ("info", "info home crashed crashed/p.db", 1),
    ("info", "info several.db fixed.db hash.db notes.txt", 3),
    ("verify", "verify damaged.db several.db", 1),
    ("verify", "verify mixed", 1),
    ("survey", "store survey lost", 1),
    ("survey", "store survey unclean", 1),
    ("survey", "store survey stopped", 1),
    ("survey", "store survey --snapshots store/dbdata/snapshots store", 0),
    ("survey", "store survey listed", 1),
    ("survey", "store survey crashed", 3),
    ("survey", "store survey nowhere", 1),
    ("plan", "store plan --target 7u3 --mailbox-version 1_2 store", 0),
    ("plan", "store plan --target 6.0 store", 0),
    ("plan", "store plan --target 7u3 --byte-order big store", 0),
    ("plan", "store plan --target 8.0 --source 5.2 unclean", 0),
    ("plan", "store plan --target 5.2 lost", 4),
    ("plan", "store plan --target 7u3 lost", 0),
    ("plan", "store plan --target 7u3 stopped", 0),
    ("plan", "store plan --target 7u3 listed", 1),
    ("plan", "store plan --target 7u3 crashed", 3),
    ("snapshots", "store snapshots --snapshots store/dbdata/snapshots store", 0),
    ("store", "store upgrade unclean", 4),
    ("store", "store upgrade --check store", 0),
    ("store", "store restore-snapshot --force --aside aside stopped snapshot", 4),
    ("store", "store restore-snapshot target listed", 3),
    ("upgrade", "upgrade mixed", 4),
    ("upgrade", "upgrade --check old several.db", 0),
    ("export", "export --deleted removed.db", 0),
    ("timeline", "log timeline --format csv crashed", 0),
    ("timeline", "log timeline --format bodyfile crashed torn", 0),
    ("timeline", "log timeline --format csv --db nothing crashed nowhere", 1),
    ("explain", "explain K-ORD M-104 R-UNFIT R-MIXED-ORDERS T-LSN W-UNFINISHED", 0),
];

#[test]
fn every_report_stays_as_it_is() {
    let top = tempfile::tempdir().unwrap();
    made(top.path());
    stop(top.path());
    let mut kept = Goldens::default();
    for (name, arguments, exit) in RUNS {
        let output = kept.run(top.path(), arguments, exit);
        let plain = |text: String| text.replace(top.path().to_str().unwrap(), "<top>");
        let (out, err) = (plain(out(&output)), plain(err(&output)));
        let told = err.lines().map(|line| format!("! {}", masked(line)));
        kept.keep(name, arguments, out.lines().map(masked).chain(told), exit);
    }
    kept.expect_ends();
    kept.stay("text");
}

/// How old a snapshot is differs from run to run.
fn masked(line: &str) -> String {
    let Some((before, after)) = line.split_once(" days ") else { return line.to_owned() };
    let before = before.trim_end_matches(|c: char| c.is_ascii_digit());
    format!("{before}<age> {after}")
}
