//! Logs against Debian's `db5.3_printlog`: a log of version 19 that a C program makes
//! with libdb 5.3 (`genuine/make_log.c`), printed by both, line by line.
//!
//! Where a C compiler, libdb's header or the tool is missing the tests say so and do
//! nothing; with `BDBKIT_DEMAND_GENUINE` in the environment that is a failure.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bdbkit::env::Layout;
use bdbkit::log::{LogDir, LogOptions, Printer};
use bdbkit::recover::{Condition, condition};

use crate::among_others;
use crate::common::history::{counted, replayed};
use crate::common::tools::program;
use crate::common::{databases, pairs_of_section, sections};

const PRINTLOG: &str = "db5.3_printlog";
/// That of the program that makes logs.
const PASSWORD: &str = "secret";

fn make(maker: &Path, folder: &Path, kind: Option<&str>) -> PathBuf {
    let environment = folder.join("environment");
    std::fs::create_dir(&environment).unwrap();
    let output = Command::new(maker).arg("small").arg(&environment).args(kind).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    environment
}

fn genuine(environment: &Path, password: bool) -> Vec<u8> {
    let mut command = Command::new(PRINTLOG);
    command.env("TZ", "UTC").arg("-h").arg(environment).stdin(Stdio::null());
    if password {
        command.args(["-P", PASSWORD]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Compares record by record: how many there are of each type, and what differs.
fn compare(environment: &Path, password: bool) -> (BTreeMap<&'static str, usize>, Vec<String>) {
    let genuine = genuine(environment, password);
    let options = LogOptions::new();
    let options = if password { options.password(PASSWORD) } else { options };
    let log = options.open_dir(&Layout::of(environment).logs().path).unwrap();
    let (mut counts, mut differences) = (BTreeMap::new(), Vec::new());
    let mut rest = &genuine[..];
    let printer = Printer::new();
    for record in log.records() {
        let record = record.unwrap();
        *counts.entry(record.name()).or_default() += 1;
        let mut ours = Vec::new();
        printer.print(&record, &mut ours).unwrap();
        if let Some(behind) = rest.strip_prefix(&ours[..]) {
            rest = behind;
            continue;
        }
        let next = u64::from(record.lsn().offset) + u64::from(record.size());
        let heads = [format!("\n[{}][{next}]", record.lsn().file), format!("\n[{}][", record.lsn().file + 1)];
        let starts = heads.iter().filter_map(|head| find(rest, head.as_bytes()));
        let (theirs, behind) = rest.split_at(starts.min().map_or(rest.len(), |at| at + 1));
        rest = behind;
        let lines = |text: &[u8]| -> Vec<String> {
            text.split(|&byte| byte == b'\n').map(|line| line.escape_ascii().to_string()).collect()
        };
        let (mut ours, mut theirs) = (lines(&ours), lines(theirs));
        match record.name() {
            // Of a page in two parts the tool looks for the marks of deleted items behind
            // the record's own bytes.
            "__db_merge" | "__db_pg_freedata" | "__db_pg_init" => {
                for line in ours.iter_mut().chain(&mut theirs) {
                    *line = line.replace("       D[", "\\t[");
                }
            }
            // It swaps a page number that stands behind a head without one.
            "__db_addrem" if theirs[1].ends_with("btree internal") => {
                for line in theirs.iter_mut().filter(|line| line.contains("dbt:")) {
                    *line = line.replace("data: 00030000", "data: 00000300");
                }
            }
            _ => {}
        }
        let Some(at) = (0..ours.len().max(theirs.len())).find(|&at| ours.get(at) != theirs.get(at)) else {
            continue;
        };
        differences.push(format!(
            "{} {}: ours {:?}, genuine {:?}",
            record.lsn(),
            record.name(),
            ours.get(at),
            theirs.get(at)
        ));
    }
    assert!(rest.is_empty(), "{} bytes are left", rest.len());
    (counts, differences)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

/// Makes a log and compares it, where that is possible.
fn check(kind: Option<&str>, password: bool) {
    let folder = tempfile::tempdir().unwrap();
    let Some(maker) = program(folder.path(), "make_log", &[PRINTLOG]) else { return };
    let environment = make(&maker, folder.path(), kind);
    let (counts, differences) = compare(&environment, password);
    let shown = differences.iter().take(40).cloned().collect::<Vec<_>>().join("\n");
    assert!(differences.is_empty(), "{} differ:\n{shown}", differences.len());
    assert!(counts.len() >= 50, "record types went missing: {counts:?}");
    assert!(counts.values().sum::<usize>() >= 30_000, "{counts:?}");
}

#[test]
fn records_are_printed_as_the_genuine_tool_does() {
    let _among_others = among_others();
    check(None, false);
}

#[test]
fn records_of_big_endian_databases_are_printed_as_the_genuine_tool_does() {
    let _among_others = among_others();
    check(Some("big-endian"), false);
}

#[test]
#[cfg(feature = "encryption")]
fn encrypted_records_are_printed_as_the_genuine_tool_does() {
    let _among_others = among_others();
    check(Some("encrypted"), true);
}

#[test]
fn a_configuration_is_followed_as_the_genuine_tool_does() {
    let _among_others = among_others();
    for setting in ["set_lg_dir logs\n", "# the logs\n  set_lg_dir\tlogs\nset_flags DB_LOG_AUTOREMOVE\n"] {
        let folder = tempfile::tempdir().unwrap();
        let Some(maker) = program(folder.path(), "make_log", &[PRINTLOG]) else { return };
        let environment = make(&maker, folder.path(), None);
        let logs = environment.join("logs");
        std::fs::create_dir(&logs).unwrap();
        for entry in std::fs::read_dir(&environment).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap();
            if name.to_str().unwrap().starts_with("log.") {
                std::fs::rename(&path, logs.join(name)).unwrap();
            }
        }
        std::fs::write(environment.join("DB_CONFIG"), setting).unwrap();
        let (counts, differences) = compare(&environment, false);
        assert!(differences.is_empty(), "{differences:?}");
        assert!(counts.len() >= 50, "{counts:?}");
    }
}

#[test]
fn nothing_is_pending_behind_a_genuine_recovery() {
    let _among_others = among_others();
    let folder = tempfile::tempdir().unwrap();
    let Some(maker) = program(folder.path(), "make_log", &[PRINTLOG]) else { return };
    let environment = make(&maker, folder.path(), None);
    run("db5.3_recover", &["-h".as_ref(), environment.as_os_str()]);
    let files = databases(&environment);
    assert!(files.len() >= 10);
    for file in files {
        let found = condition(&file, &Layout::of(&environment), &LogOptions::new()).unwrap();
        assert_eq!(found, Some(Condition::Clean), "{}", file.display());
    }
}

/// Runs a genuine tool, which must succeed.
fn run(tool: &str, arguments: &[&std::ffi::OsStr]) -> Vec<u8> {
    let output = Command::new(tool).args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{tool}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn the_history_leads_to_what_genuine_recovery_makes_of_the_same_log() {
    let _among_others = among_others();
    for kind in [None, Some("big-endian")] {
        let folder = tempfile::tempdir().unwrap();
        let Some(maker) = program(folder.path(), "make_log", &[PRINTLOG]) else { return };
        let environment = make(&maker, folder.path(), kind);
        run("db5.3_recover", &["-h".as_ref(), environment.as_os_str()]);
        let log = LogDir::open(&environment).unwrap();
        let mut compared = 0;
        for database in databases(&environment) {
            let text = run("db5.3_dump", &[database.as_os_str()]);
            let sections = sections(&text);
            let supported = |kind: &str| ["btree", "hash", "recno"].contains(&kind);
            if !sections.iter().all(|section| supported(&section.kind)) {
                continue; // records of queues and heaps have no keys of their own in a dump
            }
            let name = database.file_name().unwrap().to_str().unwrap();
            let history = log.history().database(name).read();
            let expected = counted(sections.iter().flat_map(pairs_of_section).collect());
            assert!(replayed(name, &history) == expected, "{name}, {kind:?}");
            compared += 1;
        }
        assert!(compared >= 10, "{compared}");
    }
}
