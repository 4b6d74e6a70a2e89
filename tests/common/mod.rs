//! What the integration tests share: the files of `testdata/`, the text of the
//! genuine tools, a model taken from a forward scan, and a watch for hangs.

#![allow(dead_code)] // each crate uses a part

pub(crate) mod hash;
pub(crate) mod history;
pub(crate) mod image;
pub(crate) mod logs;
pub(crate) mod standing;
pub(crate) mod tools;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use bdbkit::{Database, Method};

/// A key and a value.
pub(crate) type Pair = (Vec<u8>, Vec<u8>);

/// The folder with the files that genuine libraries wrote.
pub(crate) fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

/// The bytes of `testdata/CASE/data.db`.
pub(crate) fn data(case: &str) -> Vec<u8> {
    read(testdata().join(case).join("data.db"))
}

/// The cases that releases 6.0 to 18.1 wrote.
pub(crate) const LATER_CASES: [&str; 7] = [
    "v10-btree-external",
    "v10-btree-external-be",
    "v10-hash-external",
    "v10-several-external",
    "v10-heap2-be",
    "v9-early-external-6020",
    "v9-early-external-6020-be",
];

/// Copies a folder with all that is in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() {
            copy_folder(&path, &to);
        } else {
            fs::write(&to, read(&path)).unwrap();
        }
    }
}

/// The bytes of a file, or a panic that names it.
pub(crate) fn read(path: impl AsRef<Path>) -> Vec<u8> {
    let path = path.as_ref();
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A line of `MANIFEST.tsv`: a folder, and what is in it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) version: String,
    pub(crate) big_endian: bool,
    pub(crate) features: Vec<String>,
}

impl Case {
    pub(crate) fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|f| f == feature)
    }

    pub(crate) fn folder(&self) -> PathBuf {
        testdata().join(&self.name)
    }
}

/// The cases whose names start with one of some prefixes. A case of the manifest
/// without its folder, or a folder that the manifest does not know, is a failure.
pub(crate) fn cases(prefixes: &[&str]) -> Vec<Case> {
    let wanted = |name: &str| prefixes.iter().any(|prefix| name.starts_with(prefix));
    let manifest = String::from_utf8(read(testdata().join("MANIFEST.tsv"))).unwrap();
    let cases: Vec<Case> = manifest
        .lines()
        .skip(1)
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .filter(|fields| wanted(fields[0]))
        .map(|fields| Case {
            name: fields[0].to_owned(),
            kind: fields[1].to_owned(),
            version: fields[3].to_owned(),
            big_endian: fields[5] == "be",
            features: fields[7].split(',').map(str::to_owned).collect(),
        })
        .collect();
    for case in &cases {
        assert!(case.folder().is_dir(), "testdata/{} is missing", case.name);
    }
    for entry in fs::read_dir(testdata()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() && wanted(&name) {
            assert!(cases.iter().any(|case| case.name == name), "the manifest does not know {name}");
        }
    }
    cases
}

/// A database file beside the text that a genuine tool printed of it.
#[derive(Clone, Debug)]
pub(crate) struct Golden {
    pub(crate) case: Case,
    pub(crate) db: PathBuf,
    pub(crate) dump: PathBuf,
    pub(crate) dump_p: Option<PathBuf>,
}

impl Golden {
    /// Name for messages: folder and file.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.case.name, self.db.file_name().unwrap().to_string_lossy())
    }

    /// Whether the reader refuses the file, and by which name.
    pub(crate) fn refused(&self) -> Option<&'static str> {
        ["encrypted"].into_iter().find(|feature| self.case.has(feature))
    }
}

/// All BTREE and RECNO files that have a golden text.
pub(crate) fn goldens() -> Vec<Golden> {
    goldens_of(&["btree-", "recno-", "mboxlist-"])
}

/// All files of cases with these prefixes. Every database file of their folders must have a
/// golden text.
fn goldens_of(prefixes: &[&str]) -> Vec<Golden> {
    let mut found = Vec::new();
    for case in cases(prefixes) {
        let before = found.len();
        for db in databases(&case.folder()) {
            let stem = db.with_extension("");
            let name = db.file_name().unwrap().to_str().unwrap().to_owned();
            let dumps = [
                (name == "data.db").then(|| case.folder().join("dump.txt")),
                Some(stem.with_extension("dump.txt")),
                Some(case.folder().join(format!("{name}.dump.txt"))),
                Some(case.folder().join("before").join(format!("{name}.dump.txt"))),
            ];
            let dump = dumps.into_iter().flatten().find(|path| path.is_file());
            let dump = dump.unwrap_or_else(|| panic!("{} has no golden text", db.display()));
            let dump_p = Some(case.folder().join("dump-p.txt")).filter(|p| name == "data.db" && p.is_file());
            found.push(Golden { case: case.clone(), db, dump, dump_p });
        }
        assert!(found.len() > before, "no database in {}", case.name);
    }
    found
}

/// The golden files of trees that the reader opens.
pub(crate) fn readable() -> Vec<Golden> {
    goldens().into_iter().filter(|golden| golden.refused().is_none()).collect()
}

/// The golden files of HASH that the reader opens.
pub(crate) fn hashes() -> Vec<Golden> {
    let all = goldens_of(&["hash-"]);
    let all: Vec<Golden> = all.into_iter().filter(|golden| !golden.case.has("encrypted")).collect();
    assert!(all.len() >= 44, "HASH files went missing: {}", all.len());
    all
}

/// The golden files that the reader opens, of all access methods.
pub(crate) fn all_readable() -> Vec<Golden> {
    readable().into_iter().chain(hashes()).collect()
}

/// Copies the partitions of a database, if it has such, beside a copy of its main file.
pub(crate) fn copy_partitions(from: &Path, to: &Path) {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    for number in 0..1000 {
        let part = |main: &Path| main.with_file_name(format!("__dbp.{}.{number:03}", name(main)));
        let _ = fs::remove_file(part(to));
        if part(from).is_file() {
            fs::copy(part(from), part(to)).unwrap();
        } else if number > 3 {
            break;
        }
    }
}

/// The database files in a folder, by name.
pub(crate) fn databases(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "db"))
        .collect();
    found.sort();
    found
}

/// One database in the text of `db_dump`: its name and its data lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) database: Option<String>,
    pub(crate) kind: String,
    pub(crate) lines: Vec<Vec<u8>>,
}

/// Takes the text of `db_dump` apart. Release 2.x prints no `VERSION` line and no
/// blank before the data.
pub(crate) fn sections(text: &[u8]) -> Vec<Section> {
    let mut found = Vec::new();
    let mut section = Section::default();
    let (mut in_header, mut blank) = (true, false);
    let mut lines = text.split(|&byte| byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        if lines.peek().is_none() && line.is_empty() {
            break; // behind the last newline
        }
        // Keys with which partitions begin.
        if in_header && line.starts_with(b" ") {
            continue;
        }
        if in_header {
            let line = String::from_utf8_lossy(line).into_owned();
            match line.split_once('=') {
                Some(("VERSION", _)) => blank = true,
                Some(("database", name)) => section.database = Some(name.to_owned()),
                Some(("type", kind)) => section.kind = kind.to_owned(),
                Some(("HEADER", "END")) => in_header = false,
                Some(_) => {}
                None => panic!("not a line of a header: {line:?}"),
            }
        } else if line == b"DATA=END" {
            found.push(std::mem::take(&mut section));
            (in_header, blank) = (true, false);
        } else {
            let line = if blank { line.strip_prefix(b" ").expect("a blank before the data") } else { line };
            section.lines.push(line.to_vec());
        }
    }
    if !in_header {
        found.push(section); // release 2.x ends without a line
    }
    found
}

/// The pairs in the sections of a dump in hexadecimal digits; records have empty keys.
pub(crate) fn pairs_of_text(text: &[u8]) -> Vec<Pair> {
    sections(text).iter().flat_map(pairs_of_section).collect()
}

/// The pairs of one section.
pub(crate) fn pairs_of_section(section: &Section) -> Vec<Pair> {
    if section.kind == "recno" {
        return section.lines.iter().map(|line| (Vec::new(), unhex(line))).collect();
    }
    assert!(section.lines.len() % 2 == 0, "a key without a value");
    section.lines.chunks(2).map(|two| (unhex(&two[0]), unhex(&two[1]))).collect()
}

pub(crate) fn unhex(digits: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a hexadecimal digit");
    digits.chunks(2).map(|two| u8::try_from(digit(two[0]) << 4 | digit(two[1])).unwrap()).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

/// Bytes as `db_dump -p` prints them, written down once more.
pub(crate) fn escaped(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for &byte in bytes {
        match byte {
            b'\\' => text.extend_from_slice(b"\\\\"),
            b' '..=b'~' => text.push(byte),
            _ => text.extend_from_slice(format!("\\{byte:02x}").as_bytes()),
        }
    }
    text
}

/// All pairs of a database by a forward scan, which must meet no damage.
pub(crate) fn forward(db: &Database<'_>) -> Vec<Pair> {
    db.iter()
        .map(|entry| {
            let (key, value) = entry.expect("no damage").into_parts();
            (key.into_owned(), value.into_owned())
        })
        .collect()
}

/// All pairs of a file, database by database with its name. Those of a HASH, whose keys have no
/// order that stays, by their keys.
pub(crate) fn pairs_by_database(bytes: &[u8]) -> Vec<(Option<Vec<u8>>, Vec<Pair>)> {
    let file = Database::from_bytes(bytes).unwrap();
    let pairs = |db: &Database<'_>| {
        let mut pairs = forward(db);
        if db.meta().method() == Method::Hash {
            pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        (db.name().map(<[u8]>::to_vec), pairs)
    };
    all_databases(&file).iter().map(pairs).collect()
}

/// The text that the library writes of a file, and how often it met damage.
pub(crate) fn dump(db: &Database<'_>, print: bool) -> (Vec<u8>, bdbkit::dump::Summary, Vec<String>) {
    let mut text = Vec::new();
    let mut damage = Vec::new();
    let writer = bdbkit::dump::Writer::new().print(print);
    let summary =
        writer.write(db, &mut text, |d| damage.push(d.error.to_string())).expect("memory takes all");
    (text, summary, damage)
}

/// The databases of a file: the one, or all that its list names.
pub(crate) fn all_databases<'a>(file: &Database<'a>) -> Vec<Database<'a>> {
    if file.is_directory() {
        file.subdatabases().map(|found| found.expect("a database").open()).collect()
    } else {
        vec![file.clone()]
    }
}

/// Whether the databases of a file have keys, rather than record numbers.
pub(crate) fn has_keys(db: &Database<'_>) -> bool {
    db.meta().method() == Method::Btree
}

/// How often each element occurs.
pub(crate) fn multiset<T: Ord>(elements: impl IntoIterator<Item = T>) -> BTreeMap<T, usize> {
    let mut set = BTreeMap::new();
    for element in elements {
        *set.entry(element).or_insert(0) += 1;
    }
    set
}

/// What is in one multiset and not in the other.
pub(crate) fn missing<T: Ord + Clone>(from: &BTreeMap<T, usize>, all: &BTreeMap<T, usize>) -> Vec<T> {
    let mut gone = Vec::new();
    for (element, &count) in all {
        let left = count.saturating_sub(from.get(element).copied().unwrap_or(0));
        gone.extend(std::iter::repeat_n(element.clone(), left));
    }
    gone
}

/// Whether to try everything, not a part that is done in a minute: `BDBKIT_EXHAUSTIVE=1` in the
/// environment says so.
pub(crate) fn thorough() -> bool {
    static THOROUGH: OnceLock<bool> = OnceLock::new();
    *THOROUGH.get_or_init(|| std::env::var_os("BDBKIT_EXHAUSTIVE").is_some_and(|value| value == "1"))
}

/// Ends the process with a message if the work does not go on: a hang must fail,
/// not block.
#[derive(Debug)]
pub(crate) struct Watch {
    ticks: Arc<AtomicU64>,
    what: Arc<Mutex<String>>,
    over: Arc<AtomicBool>,
}

impl Watch {
    pub(crate) fn start(limit: Duration) -> Watch {
        let watch = Watch { ticks: Arc::default(), what: Arc::default(), over: Arc::default() };
        let (ticks, what, over) = (watch.ticks.clone(), watch.what.clone(), watch.over.clone());
        std::thread::spawn(move || {
            let (mut last, mut since) = (u64::MAX, Instant::now());
            while !over.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(200));
                let now = ticks.load(Ordering::Relaxed);
                if now != last {
                    (last, since) = (now, Instant::now());
                } else if since.elapsed() > limit {
                    let what = what.lock().map(|w| w.clone()).unwrap_or_default();
                    let message = format!("hang: no progress for {limit:?} in {what}, step {now}\n");
                    let _ = std::io::stderr().write_all(message.as_bytes()); // not captured
                    std::process::abort();
                }
            }
        });
        watch
    }

    pub(crate) fn about(&self, what: impl Into<String>) {
        *self.what.lock().unwrap() = what.into();
        self.tick();
    }

    pub(crate) fn tick(&self) {
        self.ticks.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}
