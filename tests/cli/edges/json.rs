//! JSON is as `docs/json.md` says: every key that occurs stands there, in its form, and every key
//! that stands there occurs. What is written is kept in `testdata/json`; `BDBKIT_BLESS=1` writes it
//! anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use crate::common::{read, testdata};
use crate::restore_plan;
use crate::tool::err;

/// The forms of the keys of each type and part, by the tables of the document.
struct Document(BTreeMap<String, BTreeMap<String, String>>);

impl Document {
    fn read() -> Document {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/json.md");
        let document = String::from_utf8(read(path)).unwrap();
        let (mut types, mut here) = (BTreeMap::<String, BTreeMap<String, String>>::new(), Vec::new());
        for line in document.lines() {
            if line.starts_with('#') {
                let names = line.strip_prefix("### ").unwrap_or_default().split(", ");
                here = names.filter_map(code).map(str::to_owned).collect();
            }
            let Some(row) = line.strip_prefix("| `") else { continue };
            let mut cells = row.split(" | ");
            let key = cells.next().unwrap().trim_end_matches('`');
            let form = cells.next().unwrap();
            for name in &here {
                let before = types.entry(name.clone()).or_default().insert(key.to_owned(), form.to_owned());
                assert_eq!(before, None, "{name}: {key} is there twice");
            }
        }
        Document(types)
    }
}

/// What stands in code font.
fn code(text: &str) -> Option<&str> {
    text.trim().strip_prefix('`')?.strip_suffix('`')
}

/// The form of a value whether it is there or not.
fn bare(form: &str) -> &str {
    form.strip_prefix("optional ").unwrap_or(form).trim_end_matches(" or null")
}

/// Compares what is written with the document.
struct Check<'d> {
    document: &'d Document,
    /// Keys that occurred, with those of which they are one.
    seen: BTreeSet<(String, String)>,
}

impl Check<'_> {
    /// A line of output.
    fn line(&mut self, line: &str) -> Value {
        assert!(line.starts_with("{\"schema\":1,\"type\":\""), "{line}");
        let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let mut object = value.as_object().unwrap().clone();
        let (_, kind) = (object.remove("schema"), object.remove("type").unwrap());
        self.object(kind.as_str().unwrap(), &object);
        value
    }

    fn object(&mut self, kind: &str, object: &Map<String, Value>) {
        let document = self.document;
        let forms = document.0.get(kind).unwrap_or_else(|| panic!("no {kind}: {object:?}"));
        for (key, value) in object {
            let form = forms.get(key).unwrap_or_else(|| panic!("{kind}: no {key}: {object:?}"));
            self.seen.insert((kind.to_owned(), key.clone()));
            self.value(form.strip_prefix("optional ").unwrap_or(form), value, &format!("{kind}: {key}"));
        }
        let missing =
            forms.iter().find(|(key, form)| !form.starts_with("optional ") && !object.contains_key(*key));
        assert_eq!(missing, None, "{kind}: {object:?}");
    }

    fn value(&mut self, form: &str, value: &Value, place: &str) {
        if let Some(form) = form.strip_suffix(" or null") {
            if !value.is_null() {
                self.value(form, value, place);
            }
            return;
        }
        if let Some(form) = form.strip_prefix("array of ") {
            let values = value.as_array().unwrap_or_else(|| panic!("{place}: {value}"));
            return values.iter().for_each(|value| self.value(form, value, place));
        }
        if let Some(part) = code(form) {
            let object = value.as_object().unwrap_or_else(|| panic!("{place}: {value}"));
            return self.object(part, object);
        }
        let fits = match form {
            "string" => value.is_string(),
            "number" => value.is_u64(),
            "boolean" => value.is_boolean(),
            "name" => value.as_str().is_some_and(|name| !bytes_of(name).is_empty() || name.is_empty()),
            "LSN" => is_lsn(value),
            "time" => is_time(value),
            "bytes" => is_bytes(value),
            "content" => is_content(value),
            "values" => value.as_object().is_some_and(|fields| {
                let fits = |value: &Value| {
                    value.is_i64() || value.is_u64() || is_lsn(value) || is_time(value) || is_bytes(value)
                };
                fields.iter().all(|(key, value)| {
                    is_key(key) && fits(value) && (!key.ends_with("_lsn") || is_lsn(value))
                })
            }),
            other => panic!("{place}: no form {other}"),
        };
        assert!(fits, "{place} is no {form}: {value}");
    }
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

/// Whether a value is an object of these keys and no others.
fn has(value: &Value, keys: &[&str]) -> bool {
    let object = value.as_object();
    object
        .is_some_and(|object| object.len() == keys.len() && keys.iter().all(|key| object.contains_key(*key)))
}

fn is_lsn(value: &Value) -> bool {
    has(value, &["file", "offset"]) && value["file"].is_u64() && value["offset"].is_u64()
}

fn is_time(value: &Value) -> bool {
    has(value, &["seconds", "utc"])
        && value["seconds"].is_i64()
        && (value["utc"].is_null() || value["utc"].as_str().is_some_and(|utc| utc.ends_with('Z')))
}

fn is_bytes(value: &Value) -> bool {
    let hex = value["hex"]
        .as_str()
        .is_some_and(|hex| hex.len() % 2 == 0 && hex.bytes().all(|c| c.is_ascii_hexdigit()));
    hex && (has(value, &["hex"]) || (has(value, &["hex", "text"]) && value["text"].is_string()))
}

fn is_content(value: &Value) -> bool {
    is_bytes(value)
        || (has(value, &["part", "length"]) && is_bytes(&value["part"]))
        || (has(value, &["prefix", "middle", "suffix"]) && is_bytes(&value["middle"]))
        || has(value, &["page", "length"])
        || has(value, &["record"])
}

/// The bytes of a name that is written as the document says.
pub(crate) fn bytes_of(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = name.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'\\', [b'\\', after @ ..]) => {
                bytes.push(b'\\');
                rest = after;
            }
            (b'\\', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
                rest = after;
            }
            (byte, _) => bytes.push(*byte),
        }
    }
    bytes
}

/// Files of test data under other names.
fn place(folder: &Path, files: &[(&str, &str)]) {
    for (from, to) in files {
        let to = folder.join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, read(testdata().join(from))).unwrap();
    }
}

/// The databases, logs and marks of a store.
fn store(case: &str, folder: &Path, marks: &[(&str, &str)]) {
    fs::create_dir_all(folder).unwrap();
    for entry in fs::read_dir(testdata().join(case)).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if name.ends_with(".db") || name.starts_with("log.") {
            fs::write(folder.join(name), read(entry.path())).unwrap();
        }
    }
    for (name, content) in marks {
        fs::write(folder.join(name), content).unwrap();
        let file = fs::File::options().write(true).open(folder.join(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_257_296_403)).unwrap();
    }
}

/// What the commands are run on.
pub(super) fn made(top: &Path) {
    let data = |case: &str| format!("{case}/data.db");
    let files = [
        (data("btree-v9-le-subdbs"), "several.db"),
        (data("recno-v9-le-fixed"), "fixed.db"),
        (data("btree-v6-be-delete-marked"), "old/old.db"),
        (data("btree-v9-le-one"), "old/new.db"),
        (data("hash-v9-be-few"), "hash.db"),
        (data("heap-v1-le-full"), "heap.db"),
        (data("queue-v4-le-extents"), "queue.db"),
        ("queue-v4-le-extents/__dbq.data.db.1".to_owned(), "__dbq.queue.db.1"),
        ("queue-v4-le-extents/__dbq.data.db.4".to_owned(), "__dbq.queue.db.4"),
        ("v10-several-external/f.db".to_owned(), "external.db"),
        ("v10-several-external/__db_bl/__db1/__db2/__db.bl001".to_owned(), "ext/__db1/__db2/__db.bl001"),
        ("v10-several-external/__db_bl/__db1/__db2/__db.bl002".to_owned(), "ext/__db1/__db2/__db.bl002"),
        ("v10-several-external/__db_bl/__db1/__db2/__db.bl003".to_owned(), "ext/__db1/__db2/__db.bl003"),
        (data("queue-v4-le-extents"), "parted.db"),
        ("queue-v4-le-extents/__dbq.data.db.4".to_owned(), "__dbq.parted.db.4"),
        ("partitioned/btree-v9-le-partitioned-keys/data.db".to_owned(), "parts/keys.db"),
        ("partitioned/btree-v9-le-partitioned-keys/__dbp.data.db.000".to_owned(), "parts/__dbp.keys.db.000"),
        ("partitioned/btree-v9-le-partitioned-keys/__dbp.data.db.001".to_owned(), "parts/__dbp.keys.db.001"),
        ("partitioned/btree-v9-le-partitioned-keys/__dbp.data.db.002".to_owned(), "parts/__dbp.keys.db.002"),
        ("partitioned/btree-v9-le-partitioned-keys/__dbp.data.db.003".to_owned(), "parts/__dbp.keys.db.003"),
        ("partitioned/damage-partitioned-v9-be-part-key/data.db".to_owned(), "parts/bad.db"),
        (
            "partitioned/damage-partitioned-v9-be-part-key/__dbp.data.db.000".to_owned(),
            "parts/__dbp.bad.db.000",
        ),
        (
            "partitioned/damage-partitioned-v9-be-part-key/__dbp.data.db.001".to_owned(),
            "parts/__dbp.bad.db.001",
        ),
        (
            "partitioned/damage-partitioned-v9-be-part-key/__dbp.data.db.002".to_owned(),
            "parts/__dbp.bad.db.002",
        ),
        (data("damage-v9-le-flip"), "damaged.db"),
        (data("damage-v9-le-next-cycle"), "broken/links.db"),
        (data("damage-v9-le-free-range"), "broken/list.db"),
        (data("damage-v9-le-flip"), "mixed/damaged.db"),
        (data("btree-v9-le-encrypted"), "mixed/encrypted.db"),
        (data("btree-v9-le-subdbs-removed"), "removed.db"),
        (data("btree-v9-le-overflow"), "reset.db"),
        ("README.md".to_owned(), "mixed/notes.txt"),
        ("README.md".to_owned(), "notes.txt"),
        ("env-log14-le-crashed/log.0000000001".to_owned(), "home/logs/log.0000000001"),
        ("env-log14-le-crashed/log.0000000001".to_owned(), "home/logs/log.0000000003"),
        ("env-log14-le-crashed/log.0000000001".to_owned(), "crashed/log.0000000001"),
        ("env-log8-be-torn/log.0000000001".to_owned(), "torn/log.0000000001"),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(from, to)| (from.as_str(), *to)).collect();
    place(top, &files);
    for case in ["env-log14-le-crashed"] {
        for entry in fs::read_dir(testdata().join(case)).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if name.ends_with(".db") {
                place(top, &[(&format!("{case}/{name}"), &format!("home/{name}"))]);
                place(top, &[(&format!("{case}/{name}"), &format!("crashed/{name}"))]);
            }
        }
    }
    fs::write(top.join("home/DB_CONFIG"), "set_lg_dir logs\n").unwrap();
    let mut region = vec![0; 4096];
    region[..4].copy_from_slice(&0x0012_0897_u32.to_le_bytes());
    fs::write(top.join("home/__db.001"), &region).unwrap();
    fs::write(top.join("cut.db"), &read(testdata().join("btree-v9-le-levels/data.db"))[2 * 512..]).unwrap();
    let levels = read(testdata().join("btree-v9-le-levels/data.db"));
    let log = read(testdata().join("env-log8-be-torn/log.0000000001"));
    let disk = [&levels[..], &[0x55; 512], &levels[..1024], &[0x55; 1024], &levels[1536..], &log];
    fs::write(top.join("disk.img"), disk.concat()).unwrap();
    // An application's record, and one for debugging.
    let mut log = crate::common::logs::Writer::new(8, bdbkit::Endianness::Little, 1 << 16, 1);
    for kind in [10_001_u32, 0x8000_0000 | 10_001] {
        let words = [kind, 0x8000_0001, 0, 0, 7];
        log.append(&words.map(u32::to_le_bytes).concat());
    }
    fs::create_dir(top.join("crafted")).unwrap();
    log.save(&top.join("crafted"));
    let marks = [(".snaptime", "1257296403\n"), (".verified", "")];
    store("mboxlist-ims60-log3-le-unclean", &top.join("lost"), &[]);
    place(&top.join("lost"), &[("env-log11-le-logs/log.0000000002", "log.0000000002")]);
    fs::write(top.join("lost/__db.001"), &region).unwrap();
    fs::write(top.join("lost/other.txt"), "a note").unwrap();
    store("mboxlist-ims60-log3-le-unclean", &top.join("unclean"), &[]);
    store("mboxlist-ims5-log2-le", &top.join("store"), &[]);
    store("mboxlist-ims5-log2-le", &top.join("store/dbdata/snapshots/one"), &marks);
    store("mboxlist-ims60-log3-le-unclean", &top.join("late/one"), &marks[..1]);
    store("mboxlist-ims5-log2-le", &top.join("snapshot"), &marks);
    store("mboxlist-ims63-log11-le", &top.join("stopped"), &[]);
    store("mboxlist-ims5-log2-le", &top.join("target"), &[]);
    fs::write(top.join("snapshot/notes.txt"), "a note").unwrap();
    store("mboxlist-ims63-log11-be", &top.join("listed"), &[]);
    std::os::unix::fs::symlink("folder.db", top.join("listed/link.db")).unwrap();
    fs::create_dir(top.join("listed/within")).unwrap();
    let mut half = read(top.join("listed/quota.db"));
    half[..512].fill(0);
    fs::write(top.join("listed/quota.db"), half).unwrap();
}

/// A restore that was stopped: one file has moved.
pub(super) fn stop(top: &Path) {
    let stage = restore_plan::stage(&top.join("stopped"));
    fs::write(stage.join("quota.db"), read(top.join("snapshot/quota.db"))).unwrap();
    fs::create_dir(top.join("stopped.aside")).unwrap();
    let plan = restore_plan::Plan::of(&top.join("stopped"), &top.join("stopped.aside"), restore_plan::MOVING);
    plan.write(&top.join("stopped"), &top.join("stopped.aside"));
    fs::rename(top.join("stopped/quota.db"), top.join("stopped.aside/quota.db")).unwrap();
}

fn run(top: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bdbkit"));
    let words = arguments.split(' ').map(|word| word.replace('~', " "));
    command.env("TZ", "UTC").current_dir(top).args(words).output().unwrap()
}

/// What commands wrote, by the file that keeps it, and how they ended.
#[derive(Default)]
pub(super) struct Goldens {
    written: BTreeMap<&'static str, String>,
    wrong: Vec<String>,
}

impl Goldens {
    /// Runs a command, which is to end so.
    pub(super) fn run(&mut self, top: &Path, arguments: &str, exit: i32) -> Output {
        let output = run(top, arguments);
        let code = output.status.code();
        if code != Some(exit) {
            self.wrong.push(format!("{arguments}: {code:?} instead of {exit}: {}", err(&output)));
        }
        output
    }

    /// Keeps some lines of what a command wrote.
    pub(super) fn keep(
        &mut self,
        name: &'static str,
        arguments: &str,
        lines: impl IntoIterator<Item = String>,
        exit: i32,
    ) {
        let written = self.written.entry(name).or_default();
        writeln!(written, "$ bdbkit {arguments}").unwrap();
        lines.into_iter().for_each(|line| writeln!(written, "{line}").unwrap());
        writeln!(written, "exit {exit}\n").unwrap();
    }

    /// All commands ended as they should.
    pub(super) fn expect_ends(&self) {
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
    }

    /// All that was written is what the files of a folder of `testdata` keep.
    pub(super) fn stay(self, folder: &str) {
        for (name, shown) in self.written {
            stays(&testdata().join(folder).join(format!("{name}.txt")), &shown);
        }
    }
}

/// Every command, and how it ends.
const RUNS: [(&str, &str, i32); 74] = [
    ("info", "info --json several.db fixed.db", 0),
    ("info", "info --json hash.db mixed/encrypted.db notes.txt nowhere.db", 1),
    ("info", "info --json queue.db heap.db", 0),
    ("info", "info --json --external-dir ext external.db", 0),
    ("info", "info --json parted.db", 1),
    ("info", "info --json parts/keys.db parts/__dbp.keys.db.001", 0),
    ("verify", "verify --json parts/bad.db", 1),
    ("info", "info --json home home/logs/log.0000000001", 1),
    ("info", "info --json crashed crashed/p.db", 0),
    ("verify", "verify --json damaged.db several.db", 1),
    ("verify", "verify --json mixed", 1),
    ("verify", "verify --json --strict crashed/p.db", 1),
    ("salvage", "salvage --json several.db", 0),
    ("salvage", "salvage --json --deleted removed.db", 0),
    ("salvage", "salvage --json damaged.db", 1),
    ("salvage", "salvage --json cut.db", 1),
    ("export", "export --format jsonl several.db fixed.db parts", 0),
    ("export", "export --format jsonl --deleted removed.db hash.db", 0),
    ("export", "export --format jsonl --split 2/2 damaged.db", 1),
    ("export", "export --format jsonl --from-logs crashed", 0),
    ("log", "log timeline crashed", 0),
    ("carve", "carve --json -o carved disk.img", 1),
    ("carve", "carve --json --check cut.db", 1),
    ("log", "log print --json crashed", 0),
    ("log", "log print --json crafted nowhere notes.txt", 1),
    ("log", "log stat --json crashed home", 1),
    ("log", "log verify --json torn nowhere", 1),
    ("log", "log history --json crashed", 0),
    ("log", "log history --json --db nothing crashed", 1),
    ("log", "log undelete --json --db p.db crashed", 0),
    ("log", "log undelete --json --db p.db --key nothing --at 9999999999 crashed", 1),
    ("recover", "recover --json --check crashed", 1),
    ("recover", "recover --json --check --transactions crashed", 1),
    ("recover", "recover --json --hash --check crashed", 1),
    ("recover", "recover --json --check --until 9999999999 crashed", 1),
    ("recover", "recover --json --to recovered crashed", 0),
    ("recover", "recover --json crashed", 0),
    ("recover", "recover --json --resume crashed", 0),
    ("upgrade", "upgrade --json --check old", 0),
    ("upgrade", "upgrade --json --check mixed", 4),
    ("upgrade", "upgrade --json --to 8 old", 4),
    ("upgrade", "upgrade --json --backup kept --keep-backup old", 0),
    ("upgrade", "upgrade --json --resume old", 0),
    ("upgrade", "upgrade --json --copy new.db several.db nowhere.db", 2),
    ("convert", "convert --json --byte-order big --check several.db", 0),
    ("convert", "convert --json --byte-order big --copy turned.db several.db", 0),
    ("diff", "diff --json several.db removed.db", 1),
    ("diff", "diff --json fixed.db queue.db", 1),
    ("diff", "diff --json heap.db nowhere.db", 2),
    ("diff", "diff --json old mixed", 1),
    ("downgrade", "downgrade --json --to 7 --machine little --check several.db", 0),
    ("downgrade", "downgrade --json --to 8 --copy older.db fixed.db", 0),
    ("downgrade", "downgrade --json --to 6 several.db", 4),
    ("repair", "repair --json --check broken/links.db broken/list.db", 0),
    ("repair", "repair --json --backup kept broken/links.db", 0),
    ("repair", "repair --json --check damaged.db", 1),
    ("upgrade", "reset-lsn --json reset.db", 0),
    ("upgrade", "reset-fileid --json --uid 0102030405060708090a0b0c0d0e0f1011121314 reset.db", 0),
    ("survey", "store survey --json lost", 1),
    ("survey", "store survey --json --snapshots store/dbdata/snapshots store", 0),
    ("plan", "store plan --json --target 7u3 --mailbox-version 1_2 store", 0),
    ("list", "store list --json --from-logs unclean", 0),
    ("list", "store list --json --deleted listed", 1),
    (
        "snapshots",
        "store snapshots --json --snapshots store/dbdata/snapshots --before 2010-01-01T00:00:00Z store",
        0,
    ),
    ("snapshots", "store snapshots --json --snapshots late --recover judged store", 0),
    ("store", "store upgrade --json unclean", 4),
    ("store", "store recover --json --remove-only unclean", 0),
    ("store", "store upgrade --json store", 0),
    ("store", "store upgrade --json store", 0),
    ("store", "store convert --json --to sparc --check store", 0),
    ("store", "store convert --json --to sparc --backup converted store", 0),
    ("store", "store restore-snapshot --json target snapshot", 0),
    ("store", "store restore-snapshot --json --rollback stopped", 0),
    ("explain", "explain --json K-ORD R-UNFIT", 0),
];

/// Lines that are kept of a long output.
const KEPT: usize = 4;

#[test]
fn every_line_is_as_the_document_says() {
    let document = Document::read();
    let mut check = Check { document: &document, seen: BTreeSet::new() };
    let top = tempfile::tempdir().unwrap();
    made(top.path());
    stop(top.path());
    let mut kept = Goldens::default();
    for (name, arguments, exit) in RUNS {
        let output = kept.run(top.path(), arguments, exit);
        let (out, told) = (crate::tool::out(&output), err(&output));
        let values: Vec<Value> = out.lines().map(|line| check.line(line)).collect();
        let errors: Vec<&Value> = values.iter().filter(|value| value["type"] == "error").collect();
        for error in &errors {
            assert!(told.contains(error["message"].as_str().unwrap()), "{arguments}: {error} {told}");
        }
        let failed = errors.len() == 1 && values.len() == 1;
        assert!(!failed || errors[0]["exit"] == exit, "{arguments}: {errors:?}");
        let out = out.replace(top.path().to_str().unwrap(), "<top>");
        let mut lines: Vec<String> = out.lines().map(masked).collect();
        if lines.len() > 4 * KEPT {
            let sum = crc32fast::hash(lines.concat().as_bytes());
            let more = format!("... {} lines, {sum:08x}", lines.len());
            lines.truncate(KEPT);
            lines.push(more);
        }
        kept.keep(name, arguments, lines, exit);
    }
    kept.expect_ends();
    let all = document.0.iter().flat_map(|(kind, keys)| keys.keys().map(|key| (kind.clone(), key.clone())));
    let unseen: Vec<String> =
        all.filter(|one| !check.seen.contains(one)).map(|(kind, key)| format!("{kind}: {key}")).collect();
    assert!(unseen.is_empty(), "no command wrote\n{}", unseen.join("\n"));
    kept.stay("json");
}

/// Compares with what is kept, or keeps it.
fn stays(golden: &Path, shown: &str) {
    if std::env::var_os("BDBKIT_BLESS").is_some() {
        fs::create_dir_all(golden.parent().unwrap()).unwrap();
        fs::write(golden, shown).unwrap();
        return;
    }
    let expected = fs::read_to_string(golden).unwrap_or_default();
    for (is, was) in shown.lines().zip(expected.lines()) {
        assert_eq!(is, was, "{} differs; BDBKIT_BLESS=1 writes it anew", golden.display());
    }
    assert_eq!(shown.len(), expected.len(), "{} differs in length", golden.display());
}

/// How old a snapshot is differs from run to run.
fn masked(line: &str) -> String {
    let mut parts = line.split("\"age_seconds\":");
    let mut masked = parts.next().unwrap().to_owned();
    for part in parts {
        masked += "\"age_seconds\":0";
        masked += part.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    masked
}

/// The same key has the same form wherever it stands, and tells an LSN by its end.
#[test]
fn keys_mean_one_thing_each() {
    let document = Document::read();
    assert!(document.0.len() > 50);
    let mut forms: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (key, form) in document.0.values().flatten() {
        assert!(is_key(key), "{key}");
        let (array, one) = match bare(form).strip_prefix("array of ") {
            Some(one) => (true, one),
            None => (false, bare(form)),
        };
        let one = if code(one).is_some() { "object" } else { one };
        assert_eq!(one == "LSN", key.ends_with("lsn"), "{key}: {form}");
        forms.entry(key).or_default().insert(format!("{array} {one}"));
    }
    let several: Vec<_> = forms.iter().filter(|(_, forms)| forms.len() > 1).collect();
    assert!(several.is_empty(), "{several:?}");
}
