//! The tool against Debian's `db5.3_dump` and `db5.3_load`: same files, same output,
//! byte for byte, headers included.
//!
//! Where these tools are not installed the tests say so and do nothing; with
//! `BDBKIT_DEMAND_GENUINE` in the environment that is a failure.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use bdbkit::{Database, Method};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::common;
use crate::common::{Pair, escaped, forward, hex, readable};

pub(crate) const DUMP: &str = "db5.3_dump";
pub(crate) const LOAD: &str = "db5.3_load";

/// Whether the genuine tools are here.
pub(crate) fn genuine() -> bool {
    let here = |tool| Command::new(tool).arg("-V").output().is_ok_and(|output| output.status.success());
    let all = here(DUMP) && here(LOAD);
    if !all {
        let demanded = std::env::var_os("BDBKIT_DEMAND_GENUINE").is_some();
        assert!(!demanded, "{DUMP} and {LOAD} are demanded, but not installed");
        println!("not run: {DUMP} and {LOAD} are not installed (Debian's package db5.3-util)");
    }
    all
}

fn run(program: impl AsRef<OsStr>, arguments: &[OsString]) -> Output {
    Command::new(program).args(arguments).stdin(Stdio::null()).output().expect("a program that runs")
}

fn ours(arguments: &[OsString]) -> Output {
    let mut all = vec![OsString::from("dump")];
    all.extend_from_slice(arguments);
    run(env!("CARGO_BIN_EXE_bdbkit"), &all)
}

fn words(options: &[&str]) -> Vec<OsString> {
    options.iter().map(OsString::from).collect()
}

/// Comparisons of the two tools, and what came of them.
#[derive(Debug, Default)]
struct Comparisons {
    done: usize,
    failures: Vec<String>,
}

impl Comparisons {
    /// Compares the output for a file; nothing is compared if the genuine tool fails.
    fn one(&mut self, label: &str, options: &[OsString], file: &Path) {
        let mut arguments = options.to_vec();
        arguments.push(file.into());
        let genuine = run(DUMP, &arguments);
        if !genuine.status.success() {
            return;
        }
        self.done += 1;
        let ours = ours(&arguments);
        let complaint = String::from_utf8_lossy(&ours.stderr);
        let lines = |bytes: &[u8]| -> Vec<String> {
            bytes.split(|&b| b == b'\n').map(|line| line.escape_ascii().to_string()).collect()
        };
        let (a, b) = (lines(&ours.stdout), lines(&genuine.stdout));
        if let Some(at) = (0..a.len().max(b.len())).find(|&i| a.get(i) != b.get(i)) {
            let (found, expected) = (a.get(at), b.get(at));
            let lens = (a.len(), b.len());
            self.failures.push(format!(
                "{label} {options:?}: line {at} is {found:?}, genuine {expected:?} ({lens:?} lines) {complaint}"
            ));
        } else if !ours.status.success() {
            self.failures.push(format!("{label} {options:?}: exit {:?}: {complaint}", ours.status.code()));
        }
    }

    /// Compares everything that `db_dump` can print of a file; how many outputs that was.
    fn all(&mut self, label: &str, file: &Path, names: &[Vec<u8>]) -> usize {
        let before = self.done;
        for options in [&[][..], &["-p"], &["-k"], &["-pk"], &["-p", "-N"]] {
            self.one(label, &words(options), file);
        }
        if !names.is_empty() {
            self.one(label, &words(&["-l"]), file);
        }
        for name in names {
            for options in [&[][..], &["-p"], &["-pk"]] {
                let mut options = words(options);
                options.extend([OsString::from("-s"), OsString::from_vec(name.clone())]);
                self.one(label, &options, file);
            }
        }
        self.done - before
    }

    #[track_caller]
    fn expect(self, least: usize) {
        let shown = self.failures.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
        assert!(self.failures.is_empty(), "{} of {} differ:\n{shown}", self.failures.len(), self.done);
        assert!(self.done >= least, "comparisons went missing: {}", self.done);
    }
}

fn names(file: &Path) -> Vec<Vec<u8>> {
    let db = Database::open(file).unwrap();
    db.subdatabases().map(|found| found.unwrap().name().to_vec()).collect()
}

#[test]
fn every_file_that_the_genuine_tool_reads_is_dumped_as_it_does() {
    if !genuine() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (mut files, mut comparisons) = (0, Comparisons::default());
    for golden in common::all_readable() {
        let db = Database::open(&golden.db).unwrap();
        // It takes HASH files of version 7 without a last page number for empty ones, and clears them.
        if db.meta().method() == Method::Hash && db.meta().version() == 7 {
            continue;
        }
        let (version, big) = (db.meta().version(), golden.case.big_endian);
        let copy = folder.path().join("copy.db");
        std::fs::copy(&golden.db, &copy).unwrap();
        common::copy_partitions(&golden.db, &copy);
        let compared = comparisons.all(&golden.name(), &copy, &names(&golden.db));
        // Version 8 without a last page number it takes for damage in some orders.
        assert!(compared > 0 || version < 9, "{}: version {version} is not read", golden.name());
        assert!(compared > 0 || version != 8 || big, "{}: version 8 is not read", golden.name());
        files += usize::from(compared > 0);
    }
    assert!(files >= 120, "comparisons went missing: {files} files");
    comparisons.expect(600);
}

/// A database to be made with `db5.3_load`.
#[derive(Clone, Debug, Default)]
struct Plan {
    kind: &'static str,
    name: Option<Vec<u8>>,
    header: Vec<String>,
    pairs: Vec<Pair>,
    /// Records with their numbers, in place of pairs.
    numbered: bool,
}

impl Plan {
    fn new(kind: &'static str, header: &[&str], pairs: Vec<Pair>) -> Plan {
        let header = header.iter().map(|&line| line.to_owned()).collect();
        Plan { kind, header, pairs, ..Plan::default() }
    }

    fn named(mut self, name: &[u8]) -> Plan {
        self.name = Some(name.to_vec());
        self
    }

    fn has(&self, line: &str) -> bool {
        self.header.iter().any(|l| l == line)
    }

    /// The text that `db5.3_load` reads.
    fn text(&self) -> Vec<u8> {
        let mut text = b"VERSION=3\nformat=bytevalue\n".to_vec();
        if let Some(name) = &self.name {
            text.extend_from_slice(&[b"database=", escaped(name).as_slice(), b"\n"].concat());
        }
        text.extend_from_slice(format!("type={}\n", self.kind).as_bytes());
        for line in &self.header {
            text.extend_from_slice(format!("{line}\n").as_bytes());
        }
        if self.numbered {
            text.extend_from_slice(b"keys=1\n");
        }
        text.extend_from_slice(b"HEADER=END\n");
        for (key, value) in &self.pairs {
            if self.kind != "recno" || self.numbered {
                text.extend_from_slice(&[b" ", hex(key).as_slice(), b"\n"].concat());
            }
            text.extend_from_slice(&[b" ", hex(value).as_slice(), b"\n"].concat());
        }
        text.extend_from_slice(b"DATA=END\n");
        text
    }

    /// What a reader gives of it, in order.
    fn expected(&self) -> Vec<Pair> {
        let mut pairs = self.pairs.clone();
        if self.kind == "recno" {
            let length = self.header.iter().find_map(|l| l.strip_prefix("re_len=")?.parse::<usize>().ok());
            // db5.3_load takes the first character, although db5.3_dump writes a number.
            let pad = self.header.iter().find_map(|l| l.strip_prefix("re_pad=")?.bytes().next());
            if self.numbered {
                pairs.sort_by_key(|(key, _)| String::from_utf8(key.clone()).unwrap().parse::<u32>().unwrap());
            }
            for (key, value) in &mut pairs {
                key.clear();
                if let Some(length) = length {
                    value.resize(length, pad.unwrap_or(b' '));
                }
            }
            return pairs;
        }
        if self.has("dupsort=1") {
            pairs.sort();
            pairs.dedup();
        } else {
            pairs.sort_by(|a, b| a.0.cmp(&b.0)); // equal keys stay in their order
        }
        pairs
    }
}

/// Makes a file of these databases. The byte order is that of the file, so of all.
fn load(folder: &Path, plans: &[Plan], big: bool) -> PathBuf {
    let file = folder.join("made.db");
    let _ = std::fs::remove_file(&file);
    for plan in plans {
        let mut command = Command::new(LOAD);
        let order = if big { "db_lorder=4321" } else { "db_lorder=1234" };
        command.args(["-c", order]);
        let mut child = command
            .arg(&file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(&plan.text()).unwrap();
        let output = child.wait_with_output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{:?}: {complaint}", plan.header);
    }
    file
}

/// Makes a file, and compares what both tools and the model say of it.
fn check(folder: &Path, label: &str, plans: &[Plan], comparisons: &mut Comparisons) {
    for big in [false, true] {
        let file = load(folder, plans, big);
        let names: Vec<Vec<u8>> = plans.iter().filter_map(|plan| plan.name.clone()).collect();
        let label = format!("{label}, big-endian {big}");
        let compared = comparisons.all(&label, &file, &names);
        assert!(compared > 0, "{label}: the genuine tool does not read its own file");
        let db = Database::open(&file).unwrap();
        assert_eq!(db.meta().endianness() == bdbkit::Endianness::Big, big, "{label}");
        for plan in plans {
            let db = match &plan.name {
                Some(name) => db.subdatabase(name).unwrap(),
                None => db.clone(),
            };
            if plan.kind == "hash" {
                // Bucket by bucket. Where long keys are, that tool may miss one and put it in again:
                // then its values are in two places.
                let (found, expected) = (forward(&db), plan.expected());
                if common::multiset(found.clone()) != common::multiset(expected) {
                    comparisons.failures.push(format!("{label} {:?}: not what was loaded", plan.name));
                }
                let values = |key: &[u8]| -> Vec<Vec<u8>> {
                    found.iter().filter(|(k, _)| k == key).map(|(_, value)| value.clone()).collect()
                };
                let wrong = |(key, _): &&Pair| {
                    let all: Vec<Vec<u8>> =
                        db.duplicates(key).map(|entry| entry.unwrap().value().to_vec()).collect();
                    all != values(key) || db.get(key).unwrap().as_deref() != all.first().map(Vec::as_slice)
                };
                if let Some((key, _)) = found.iter().find(wrong) {
                    comparisons.failures.push(format!("{label} {:?}: {key:?} is not found", plan.name));
                }
            } else if forward(&db) != plan.expected() {
                comparisons.failures.push(format!("{label} {:?}: not what was loaded", plan.name));
            }
        }
    }
}

/// Pairs without any order, the same each time.
fn some_pairs(count: u32, key: impl Fn(u32) -> Vec<u8>, value: impl Fn(u32) -> Vec<u8>) -> Vec<Pair> {
    let mut order: Vec<u32> = (0..count).collect();
    order.sort_by_key(|i| i.wrapping_mul(2_654_435_761));
    order.into_iter().map(|i| (key(i), value(i))).collect()
}

fn plain(count: u32) -> Vec<Pair> {
    let value = |i: u32| vec![u8::try_from(i % 251).unwrap(); usize::try_from(i % 40).unwrap()];
    some_pairs(count, |i| format!("key{i:05}").into_bytes(), value)
}

#[test]
fn files_with_all_kinds_of_headers_are_dumped_as_the_genuine_tool_does() {
    if !genuine() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let long = |i: u32| vec![b'a' + u8::try_from(i % 26).unwrap(); usize::try_from(i * 97 % 5000).unwrap()];
    let records: Vec<Pair> = plain(300).into_iter().map(|(_, value)| (Vec::new(), value)).collect();
    let fixed: Vec<Pair> = (0..200_u32).map(|i| (Vec::new(), format!("r{i}").into_bytes())).collect();
    let duplicates = |keys: u32| {
        some_pairs(600, move |i| format!("d{}", i % keys).into_bytes(), |i| format!("v{i:04}").into_bytes())
    };
    let holes: Vec<Pair> =
        [3_u32, 4, 9, 40, 41].iter().map(|i| (i.to_string().into_bytes(), vec![7; 5])).collect();
    let numbered = |header: &[&str]| Plan { numbered: true, ..Plan::new("recno", header, holes.clone()) };
    let plans = [
        ("empty", Plan::new("btree", &[], vec![])),
        ("plain", Plan::new("btree", &[], plain(400))),
        ("pages of 512", Plan::new("btree", &["db_pagesize=512"], plain(2000))),
        ("pages of 65536", Plan::new("btree", &["db_pagesize=65536"], plain(3000))),
        ("checksums", Plan::new("btree", &["chksum=1", "db_pagesize=512"], plain(500))),
        ("minkey", Plan::new("btree", &["bt_minkey=6", "db_pagesize=1024"], plain(300))),
        ("minkey 2", Plan::new("btree", &["bt_minkey=2"], plain(30))),
        ("record numbers", Plan::new("btree", &["recnum=1", "db_pagesize=512"], plain(700))),
        ("checksums and record numbers", Plan::new("btree", &["chksum=1", "recnum=1"], plain(300))),
        ("duplicates", Plan::new("btree", &["duplicates=1", "db_pagesize=512"], duplicates(90))),
        ("many duplicates", Plan::new("btree", &["duplicates=1", "db_pagesize=512"], duplicates(3))),
        (
            "sorted duplicates",
            Plan::new("btree", &["duplicates=1", "dupsort=1", "db_pagesize=512"], duplicates(90)),
        ),
        (
            "many sorted duplicates",
            Plan::new("btree", &["duplicates=1", "dupsort=1", "db_pagesize=512"], duplicates(3)),
        ),
        (
            "checked duplicates",
            Plan::new("btree", &["chksum=1", "duplicates=1", "db_pagesize=512"], duplicates(5)),
        ),
        (
            "long values",
            Plan::new(
                "btree",
                &["db_pagesize=512"],
                some_pairs(60, |i| vec![b'k', u8::try_from(i).unwrap()], long),
            ),
        ),
        (
            "long keys",
            Plan::new(
                "btree",
                &["db_pagesize=512"],
                some_pairs(60, |i| [long(i), vec![u8::try_from(i).unwrap()]].concat(), |_| vec![1]),
            ),
        ),
        (
            "long keys with duplicates",
            Plan::new(
                "btree",
                &["duplicates=1", "db_pagesize=512"],
                some_pairs(60, |i| [long(i % 9), b"k".to_vec()].concat(), long),
            ),
        ),
        (
            "empty keys and values",
            Plan::new("btree", &[], vec![(vec![], b"of the empty key".to_vec()), (b"e".to_vec(), vec![])]),
        ),
        (
            "all bytes",
            Plan::new(
                "btree",
                &[],
                some_pairs(
                    256,
                    |i| vec![u8::try_from(i).unwrap()],
                    |i| vec![u8::try_from(255 - i).unwrap(); 3],
                ),
            ),
        ),
        ("records", Plan::new("recno", &["db_pagesize=512"], records.clone())),
        ("no records", Plan::new("recno", &[], vec![])),
        ("renumbered records", Plan::new("recno", &["renumber=1"], records.clone())),
        ("records with checksums", Plan::new("recno", &["chksum=1", "db_pagesize=512"], records)),
        ("long records", Plan::new("recno", &["db_pagesize=512"], some_pairs(40, |_| vec![], long))),
        ("fixed records", Plan::new("recno", &["re_len=12", "db_pagesize=512"], fixed.clone())),
        ("padded records", Plan::new("recno", &["re_len=20", "re_pad=."], fixed.clone())),
        (
            "records padded with zeros",
            Plan::new("recno", &["re_len=7", "re_pad=0", "renumber=1"], fixed.clone()),
        ),
        ("records padded with blanks", Plan::new("recno", &["re_len=7", "re_pad= "], fixed)),
        ("buckets", Plan::new("hash", &["db_pagesize=512"], plain(900))),
        ("full buckets", Plan::new("hash", &["h_ffactor=100", "db_pagesize=512"], plain(900))),
        ("buckets made before", Plan::new("hash", &["h_ffactor=4", "h_nelem=700"], plain(90))),
        ("buckets with checksums", Plan::new("hash", &["chksum=1", "db_pagesize=65536"], plain(4000))),
        ("no buckets", Plan::new("hash", &[], vec![])),
        (
            "duplicates in buckets",
            Plan::new(
                "hash",
                &["duplicates=1", "db_pagesize=512"],
                some_pairs(900, |i| vec![b'k', u8::try_from(i % 7).unwrap()], |i| i.to_le_bytes().to_vec()),
            ),
        ),
        (
            "sorted duplicates in buckets",
            Plan::new(
                "hash",
                &["duplicates=1", "dupsort=1", "db_pagesize=512"],
                some_pairs(900, |i| vec![b'k', u8::try_from(i % 90).unwrap()], |i| i.to_le_bytes().to_vec()),
            ),
        ),
        (
            "keys in buckets of which some begin others, and long ones",
            Plan::new(
                "hash",
                &["db_pagesize=512"],
                some_pairs(
                    300,
                    |i| [vec![b'k'; usize::try_from(i % 5).unwrap()], long(i)].concat(),
                    |_| vec![1],
                ),
            ),
        ),
        ("records with holes", numbered(&[])),
        ("fixed records with holes", numbered(&["re_len=9"])),
    ];
    let mut comparisons = Comparisons::default();
    for (label, plan) in plans {
        check(folder.path(), label, &[plan], &mut comparisons);
    }
    comparisons.expect(38 * 2 * 4);
}

#[test]
fn files_of_several_databases_are_dumped_as_the_genuine_tool_does() {
    if !genuine() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let records: Vec<Pair> = (0..90_u32).map(|i| (Vec::new(), format!("record {i}").into_bytes())).collect();
    let small = ["db_pagesize=512"];
    let plans = |header: &[&'static str]| {
        let with = |more: &[&'static str]| [header, more].concat();
        vec![
            Plan::new("btree", &with(&[]), plain(300)).named(b"plain"),
            Plan::new("btree", &with(&["duplicates=1"]), plain(50)).named(b"dups"),
            Plan::new("recno", &with(&[]), records.clone()).named(b"a name with blanks"),
            Plan::new("recno", &with(&["re_len=30"]), records.clone()).named(b"\xff\xfe not UTF-8 \x01"),
            Plan::new("btree", &with(&["recnum=1"]), plain(100)).named("Ünïcode".as_bytes()),
            Plan::new("btree", &with(&[]), vec![]).named(b"back\\slash"),
            Plan::new("btree", &with(&[]), plain(3)).named(&[b'n'; 100]),
        ]
    };
    let mut comparisons = Comparisons::default();
    check(folder.path(), "several", &plans(&small), &mut comparisons);
    let checked = plans(&["chksum=1", "db_pagesize=1024"]);
    check(folder.path(), "several with checksums", &checked, &mut comparisons);
    let many: Vec<Plan> =
        (0..40).map(|i| Plan::new("btree", &small, plain(i)).named(format!("db{i}").as_bytes())).collect();
    check(folder.path(), "many", &many, &mut comparisons);
    comparisons.expect(300);
}

#[test]
fn files_of_any_pairs_are_dumped_as_the_genuine_tool_does() {
    if !genuine() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let bytes = |longest: usize| {
        prop_oneof![
            6 => prop::collection::vec(any::<u8>(), 0..20),
            3 => prop::collection::vec(prop::sample::select(b"ab\\\n ".to_vec()), 0..6),
            1 => prop::collection::vec(any::<u8>(), 0..longest),
        ]
    };
    let header = (
        prop::sample::select(vec!["db_pagesize=512", "db_pagesize=1024", "db_pagesize=4096"]),
        prop::sample::select(vec!["", "duplicates=1", "dupsort=1", "recnum=1", "bt_minkey=4"]),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    let pairs = prop::collection::vec((bytes(700), bytes(1500)), 0..120);
    let config = Config { cases: 60, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let done = std::cell::Cell::new(0);
    let run = TestRunner::new(config).run(&(header, pairs), |(header, mut pairs)| {
        let (size, mut feature, checksums, few_keys, hash) = header;
        if hash && !feature.starts_with("dup") {
            feature = "";
        }
        if few_keys && feature.starts_with("dup") {
            pairs.iter_mut().for_each(|(key, _)| key.truncate(1));
        }
        let mut lines = vec![size];
        lines.extend(checksums.then_some("chksum=1"));
        lines.extend((feature == "dupsort=1").then_some("duplicates=1"));
        lines.extend((!feature.is_empty()).then_some(feature));
        if !feature.starts_with("dup") {
            // Of two equal keys db_load keeps the last.
            let mut seen = std::collections::BTreeSet::new();
            pairs.retain(|(key, _)| seen.insert(key.clone()));
        } else if feature == "dupsort=1" {
            let mut seen = std::collections::BTreeSet::new();
            pairs.retain(|pair| seen.insert(pair.clone()));
        }
        let plan = Plan::new(if hash { "hash" } else { "btree" }, &lines, pairs);
        let mut comparisons = Comparisons::default();
        check(folder.path(), "any pairs", &[plan], &mut comparisons);
        done.set(done.get() + comparisons.done);
        prop_assert!(comparisons.failures.is_empty(), "{:?}", comparisons.failures);
        Ok(())
    });
    run.unwrap();
    assert!(done.get() >= 400, "{} comparisons", done.get());
}

/// A dump of ours, loaded again by the genuine tool, is the same database.
#[test]
fn the_genuine_tool_loads_what_ours_writes() {
    if !genuine() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut loaded = 0;
    for golden in readable().into_iter().filter(|golden| golden.case.kind != "env").step_by(3) {
        let db = Database::open(&golden.db).unwrap();
        // Version 6 does not keep the length of fixed records, nor do its genuine upgrades.
        let unknown_length = db.meta().record_length() == Some(0);
        if db.is_directory() || db.page_count() > 60 || unknown_length {
            continue;
        }
        // RECNO with holes needs the numbers to keep them.
        let keys = if common::has_keys(&db) { words(&[]) } else { words(&["-k"]) };
        let text = folder.path().join("text");
        let mut arguments = keys;
        arguments.extend([OsString::from("-f"), text.clone().into(), golden.db.clone().into()]);
        assert!(ours(&arguments).status.success(), "{}", golden.name());
        let again = folder.path().join("again.db");
        let _ = std::fs::remove_file(&again);
        let output = run(LOAD, &[OsString::from("-f"), text.into(), again.clone().into()]);
        let complaint = OsStr::from_bytes(&output.stderr);
        assert!(output.status.success(), "{}: {complaint:?}", golden.name());
        let (old, new) = (forward(&db), forward(&Database::open(&again).unwrap()));
        assert!(old == new, "{}: not the same after loading", golden.name());
        loaded += 1;
    }
    assert!(loaded >= 60, "{loaded} files loaded");
}

/// Loads records into a QUEUE or a HEAP of a folder of its own.
fn load_records(kind: &str, header: &str, records: &[Vec<u8>], big: bool) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("made.db");
    let mut text = format!("VERSION=3\nformat=bytevalue\ntype={kind}\n").into_bytes();
    for line in header.split_whitespace() {
        text.extend_from_slice(format!("{line}\n").as_bytes());
    }
    text.extend_from_slice(b"HEADER=END\n");
    for record in records {
        text.push(b' ');
        text.extend_from_slice(&hex(record));
        text.push(b'\n');
    }
    text.extend_from_slice(b"DATA=END\n");
    let order = if big { "db_lorder=4321" } else { "db_lorder=1234" };
    let mut child = Command::new(LOAD)
        .args(["-c", order])
        .arg(&file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&text).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{header:?}: {}", String::from_utf8_lossy(&output.stderr));
    (folder, file)
}

#[test]
fn queues_and_heaps_are_dumped_as_the_genuine_tool_does() {
    if !genuine() {
        return;
    }
    let short: Vec<Vec<u8>> = (0..500_u32).map(|i| format!("r{i}").into_bytes()).collect();
    let long: Vec<Vec<u8>> = (0..80_u32)
        .map(|i| vec![u8::try_from(i).unwrap(); usize::try_from(i * 131 % 4000).unwrap()])
        .collect();
    let cases = [
        ("queue", "re_len=8", &short[..0]),
        ("queue", "re_len=8 db_pagesize=512", &short),
        ("queue", "re_len=9 re_pad=0x2e db_pagesize=1024", &short),
        ("queue", "re_len=40 re_pad=0 db_pagesize=65536", &short),
        ("queue", "re_len=12 extentsize=1 db_pagesize=512", &short),
        ("queue", "re_len=15 extentsize=3 db_pagesize=512 chksum=1", &short),
        ("queue", "re_len=200 db_pagesize=512 chksum=1", &short[..60]),
        ("heap", "db_pagesize=512", &short),
        ("heap", "db_pagesize=512 heap_regionsize=4", &long),
        ("heap", "db_pagesize=512 chksum=1", &long),
        ("heap", "db_pagesize=65536", &long),
        ("heap", "", &long[..0]),
    ];
    let mut comparisons = Comparisons::default();
    for (kind, header, records) in cases {
        for big in [false, true] {
            let (_folder, file) = load_records(kind, header, records, big);
            let label = format!("{kind} {header:?}, big-endian {big}");
            assert_eq!(comparisons.all(&label, &file, &[]), 5, "{label}: not read");
            let db = Database::open(&file).unwrap();
            assert_eq!(db.meta().endianness() == bdbkit::Endianness::Big, big, "{label}");
            let found: Vec<Vec<u8>> = db.iter().map(|entry| entry.unwrap().value().to_vec()).collect();
            let length = db.meta().record_length().map(|length| usize::try_from(length).unwrap());
            let expected = records.iter().map(|record| {
                let mut record = record.clone();
                record.resize(length.unwrap_or(record.len()), db.meta().pad().unwrap_or(0));
                record
            });
            let mut expected: Vec<Vec<u8>> = expected.collect();
            let mut found = found;
            if kind == "heap" {
                // Each where there was room.
                found.sort();
                expected.sort();
            }
            assert_eq!(found, expected, "{label}");
            assert_eq!(bdbkit::verify::Verify::open(&file).unwrap().run().findings(), [], "{label}");
        }
    }
    comparisons.expect(120);
}
