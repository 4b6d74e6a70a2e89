//! Journals, records of sets, copies and drafts.

use std::collections::BTreeMap;
use std::fs;
use std::ops::AddAssign;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use bdbkit::journal::{self, poisoned};
use bdbkit::upgrade::{Choices, ContentSum, NewId, Upgrade};
use bdbkit::{Database, FileId, Method};

use crate::common::data;
use crate::fake_disk::{FakeDisk, Fault, Random};
use crate::hostile_folder::{Thing, Trap, in_turn, once_in, one_of, wanted};
use crate::journals::{beside_its_file, seal};

/// A chain of duplicates that becomes a tree, and a file of which page 0 alone changes.
const CASES: [&str; 2] = ["btree-v6-be-dups-offpage", "btree-v7-be-one"];
const NAMES: [&str; 2] = ["a.db", "b.db"];
const RECORDS: [&str; 2] = ["bdbkit-set.members", "bdbkit-set.done"];

/// Files as a run left them that died, by name.
type Remains = Vec<(String, Vec<u8>)>;

/// Everything that a folder is made of.
struct Stock {
    /// The old databases.
    old: [Vec<u8>; 2],
    pairs: [Pairs; 2],
    /// Folders as runs left them that died: of one file, and of a set of two.
    remains: Vec<Remains>,
}

/// What a file holds.
type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

impl Stock {
    fn new() -> Stock {
        let old = CASES.map(data);
        let mut remains = Vec::new();
        for paths in [&NAMES[..1], &NAMES] {
            let places: Vec<_> = paths.iter().map(|name| format!("/store/{name}")).collect();
            let fresh = FakeDisk::with(places.iter().map(String::as_str).zip(old.iter().map(Vec::as_slice)));
            for change in 0.. {
                let disk = fresh.faulty(Fault::Stop { change, sectors: 0 });
                let id = NewId::Given(FileId(*b"an id of twenty byte"));
                let choices = Choices { id, ..Choices::default() };
                let upgrade = Upgrade::on(&disk, &places).choices(choices);
                let _ = upgrade.ignore_logs(true).assume_closed(true).run();
                let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
                let files = disk.names().iter().map(|path| (name(path), disk.bytes(path).unwrap())).collect();
                remains.push(files);
                if !disk.stopped() {
                    break;
                }
            }
        }
        let pairs = [0, 1].map(|number| pairs(&old[number]).unwrap());
        Stock { old, pairs, remains }
    }
}

/// The pairs of a sound file.
fn pairs(bytes: &[u8]) -> Option<Pairs> {
    let db = Database::from_bytes(bytes).ok()?;
    assert_eq!(db.meta().method(), Method::Btree);
    let pairs = db.iter().pairs().map(|pair| {
        let pair = pair.ok()?;
        Some((pair.key().read().ok()?.into_owned(), pair.value().read().ok()?.into_owned()))
    });
    pairs.collect()
}

/// How many folders, and how the runs in them ended.
#[derive(Debug, Default)]
struct Seen {
    folders: u64,
    runs: u64,
    codes: BTreeMap<i32, u64>,
    /// Databases that were changed.
    changed: u64,
    /// Files of others that were laid out.
    laid: u64,
}

impl AddAssign for Seen {
    fn add_assign(&mut self, other: Seen) {
        self.folders += other.folders;
        self.runs += other.runs;
        self.changed += other.changed;
        self.laid += other.laid;
        other.codes.into_iter().for_each(|(code, runs)| *self.codes.entry(code).or_default() += runs);
    }
}

#[test]
fn nothing_falls_into_a_trap() {
    let (stock, seen) = (Stock::new(), Mutex::new(Seen::default()));
    in_turn(wanted(300), |seed| {
        let one = folder(&stock, &mut Random(seed));
        *seen.lock().unwrap() += one;
    });
    let seen = seen.into_inner().unwrap();
    println!("{seen:?}");
    let [done, refused] = [0, 4].map(|code| seen.codes.get(&code).copied().unwrap_or_default());
    assert!(done > seen.runs / 20 && refused > seen.runs / 20, "{seen:?}");
    assert!(seen.changed > seen.folders / 20 && seen.laid > seen.folders, "{seen:?}");
}

/// One folder, and some runs in it one after the other.
fn folder(stock: &Stock, random: &mut Random) -> Seen {
    let mut seen = Seen { folders: 1, ..Seen::default() };
    let foreign_journal = with(stock, "a.db.bdbkit-journal", random);
    let victims = [
        ("victim.db", &stock.old[0][..]),
        ("letter.txt", b"mine\n"),
        ("journal", foreign_journal.as_slice()),
    ];
    let mut trap = Trap::new(&victims);
    remains(stock, &mut trap, random);
    for number in 0..2 {
        if once_in(random, 2) {
            a_journal(stock, &mut trap, number, random);
        }
    }
    if once_in(random, 2) {
        a_record(&mut trap, random);
    }
    for name in ["a.db.tmp", "a.db.bdbkit-tmp", "new.db.bdbkit-tmp", "a.db.bdbkit-tmp-0123456789abcdef"] {
        if once_in(random, 6) {
            trap.lay(name, *one_of(random, &Thing::ALL), "letter.txt");
        }
    }
    if once_in(random, 6) {
        trap.lay("new.db", *one_of(random, &Thing::ALL), "victim.db");
    }
    if once_in(random, 8) {
        trap.lay(
            "z.db",
            *one_of(random, &[Thing::LinkToFile, Thing::DanglingLink, Thing::Pipe]),
            "victim.db",
        );
        if once_in(random, 2) {
            trap.lay("z.db.bdbkit-journal", *one_of(random, &Thing::ALL), "journal");
        }
    }
    copies(stock, &mut trap, random);
    seen.laid += u64::try_from(trap.story.len()).unwrap();
    for _ in 0..=random.next() % 3 {
        a_run(stock, &mut trap, random, &mut seen);
    }
    seen
}

/// A file of one of the remains that have it.
fn with(stock: &Stock, name: &str, random: &mut Random) -> Vec<u8> {
    loop {
        let remains = one_of(random, &stock.remains);
        if let Some((_, bytes)) = remains.iter().find(|(found, _)| found == name) {
            return bytes.clone();
        }
    }
}

/// Databases, and perhaps what a run left beside them that died.
fn remains(stock: &Stock, trap: &mut Trap, random: &mut Random) {
    for (name, old) in NAMES.iter().zip(&stock.old) {
        fs::write(trap.inside.join(name), old).unwrap();
    }
    if once_in(random, 3) {
        return;
    }
    for (name, bytes) in one_of(random, &stock.remains) {
        let path = trap.inside.join(name);
        fs::write(&path, bytes).unwrap();
    }
    if !once_in(random, 4) {
        NAMES.iter().for_each(|name| beside_its_file(&trap.inside.join(name)));
    }
}

/// Something that has the name of a journal, in place of the journal.
fn a_journal(stock: &Stock, trap: &mut Trap, number: usize, random: &mut Random) {
    let path = journal::name(&trap.inside.join(NAMES[number]));
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    if once_in(random, 3) {
        let _ = fs::remove_file(&path);
        return trap.lay(&name, *one_of(random, &Thing::ALL), "journal");
    }
    let mut bytes = match random.next() % 4 {
        0 => with(stock, &name, random),
        1 => evil(&fs::read(trap.inside.join(NAMES[number])).unwrap(), random),
        2 => fs::read(&path).unwrap_or_else(|_| with(stock, "a.db.bdbkit-journal", random)),
        _ => with(stock, "a.db.bdbkit-journal", random),
    };
    if bytes.len() >= 512 && once_in(random, 2) {
        // A field of the header is another, and the sum right.
        let (at, len) = *one_of(
            random,
            &[
                (12, 1),
                (13, 1),
                (16, 4),
                (20, 4),
                (24, 8),
                (32, 8),
                (56, 8),
                (64, 12),
                (76, 4),
                (100, 32),
                (132, 8),
            ],
        );
        match random.next() % 3 {
            0 => bytes[at..at + len].fill(0),
            1 => bytes[at] ^= 1,
            _ => bytes[at + len - 1] ^= 0x80,
        }
        seal(&mut bytes);
    }
    if once_in(random, 5) {
        let len = usize::try_from(random.next()).unwrap() % (bytes.len() + 1);
        bytes.truncate(len);
    }
    let _ = fs::remove_file(&path);
    fs::write(&path, bytes).unwrap();
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    trap.story.push(format!("{name}: made up"));
    if !once_in(random, 3) {
        beside_its_file(&trap.inside.join(NAMES[number]));
    }
    if once_in(random, 3) {
        trap.distrust(&path, random);
    }
}

/// A journal that turns what a file holds into something else, or back into it: whole, with right
/// sums, and with the sum of the pairs that the file has, with none, or with a wrong one.
/// One with the sum of what it makes is not to be told from one that is right, but for whose it is.
fn evil(file: &[u8], random: &mut Random) -> Vec<u8> {
    let big = file.get(12..16) == Some(&[0, 5, 0x31, 0x62]);
    let number = |at: usize| {
        let raw = file[at..at + 4].try_into().unwrap();
        if big { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) }
    };
    let page_size = usize::try_from(number(20)).unwrap();
    if file.len() % page_size != 0 || page_size < 512 {
        return b"BDBKJRN1".to_vec();
    }
    // The last bytes of a page are those of its first item: a key or a value.
    let mut other = file.to_vec();
    for page in 1..file.len() / page_size {
        if matches!(file[page * page_size + 25], 5 | 12 | 1) {
            other[(page + 1) * page_size - 1] ^= 0x55;
        }
    }
    other[52] ^= 1; // so that page 0 tells the states apart
    let back = once_in(random, 3);
    let (before, after) = if back { (&other[..], file) } else { (file, &other[..]) };
    let digest = match random.next() % 3 {
        0 => [0; 32],
        1 => [7; 32],
        _ => content(file).map_or([1; 32], |content| content.digest),
    };
    let count = pairs(file).map_or(0, |pairs| pairs.len() as u64);
    let id = random.next();
    let mut out = vec![0; 512];
    let mut entries = 0u32;
    for page in (1..file.len() / page_size).chain([0]) {
        let range = page * page_size..(page + 1) * page_size;
        let (a, b) = (&before[range.clone()], &after[range]);
        if page != 0 && a == b {
            continue;
        }
        let mut head = b"PAGE".to_vec();
        for field in [entries, page as u32, 1, crc32fast::hash(a), crc32fast::hash(b), id as u32] {
            head.extend(field.to_le_bytes());
        }
        head.extend(crc32fast::hash(&head).to_le_bytes());
        out.extend([&head, a, b].concat());
        entries += 1;
    }
    let record = |tag: &[u8], number: u32, offset: u64| {
        let mut record = [tag, &number.to_le_bytes(), &id.to_le_bytes(), &offset.to_le_bytes()].concat();
        record.resize(60, 0);
        record.extend(crc32fast::hash(&record).to_le_bytes());
        record
    };
    let commit = record(b"CMIT", entries, out.len() as u64);
    out.extend(commit);
    if once_in(random, 3) {
        out.extend(record(b"ROLL", 0, 0));
    }
    let set = if once_in(random, 2) { 32 } else { 0 };
    let poison = if entries > 1 { 2 } else { 0 };
    let mut poisoned = before[..512].to_vec();
    let mark = 0x4B44_4242_u32;
    poisoned[16..20].copy_from_slice(&if big { mark.to_be_bytes() } else { mark.to_le_bytes() });
    let heads = [before, &poisoned, after].map(|image| crc32fast::hash(&image[..512]));
    let version = file[if big { 19 } else { 16 }];
    let second = once_in(random, 2);
    let (magic, kind) = if second { (b"BDBKJRN2", big.into()) } else { (b"BDBKJRN1", 1) };
    let mut header = [&magic[..], &512u32.to_le_bytes(), &[kind, big.into(), version, 9]].concat();
    header.extend(u32::try_from(page_size).unwrap().to_le_bytes());
    header.extend((set | poison as u32).to_le_bytes());
    for field in [file.len() as u64, file.len() as u64, 0, 0, id] {
        header.extend(field.to_le_bytes());
    }
    for field in [heads[0], if poison > 0 { heads[1] } else { 0 }, heads[2], entries] {
        header.extend(field.to_le_bytes());
    }
    header.extend([0; 20]);
    header.extend(digest);
    header.extend(count.to_le_bytes());
    if second {
        // No upgrade promises that a file is sound, and nothing else.
        let promise = if once_in(random, 5) { 4 } else { 1 + u32::from(digest == [0; 32]) };
        header.extend(promise.to_le_bytes());
        header.extend(b"upgrade");
    }
    out[..header.len()].copy_from_slice(&header);
    seal(&mut out);
    out
}

/// The sum of the pairs of a file, as an upgrade reckons it.
fn content(bytes: &[u8]) -> Option<ContentSum> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    fs::write(&path, bytes).unwrap();
    let report = Upgrade::open(&path).copy_to(folder.path().join("copy.db")).ok()?;
    report.files[0].content
}

/// A record of a set: one that leads out of the folder, or something that is none.
fn a_record(trap: &mut Trap, random: &mut Random) {
    let name = *one_of(random, &RECORDS);
    let path = trap.inside.join(name);
    if once_in(random, 2) {
        let _ = fs::remove_file(&path);
        return trap.lay(name, *one_of(random, &Thing::ALL), "letter.txt");
    }
    let outside = trap.outside.join("victim.db");
    let victims = ["../outside/victim.db", outside.to_str().unwrap(), "..", "", "a.db", "b.db", "z.db"];
    let magic = *one_of(random, &[b"BDBKMEM1", b"BDBKMEM2", b"BDBKMEM3", b"BDBKSET1"]);
    let mut record = [&magic[..], &2u32.to_le_bytes()].concat();
    for _ in 0..2 {
        let victim = one_of(random, &victims);
        record.extend(random.next().to_le_bytes());
        record.extend(u32::try_from(victim.len()).unwrap().to_le_bytes());
        record.extend(victim.as_bytes());
    }
    if [b"BDBKMEM2", b"BDBKMEM3"].contains(&magic) {
        // A file is to be made, renamed, removed or replaced.
        record.extend(1u32.to_le_bytes());
        let kind = 1 + u8::try_from(random.next() % 4).unwrap();
        record.push(kind);
        record.extend([0; 28]);
        for _ in 0..2 {
            let victim = one_of(random, &victims);
            record.extend(u32::try_from(victim.len()).unwrap().to_le_bytes());
            record.extend(victim.as_bytes());
        }
        record.extend(std::iter::repeat_n(0, if kind == 4 { 28 } else { 0 }));
    }
    record.extend(crc32fast::hash(&record).to_le_bytes());
    let _ = fs::remove_file(&path);
    fs::write(&path, record).unwrap();
    trap.story.push(format!("{name}: made up"));
    if once_in(random, 3) {
        trap.distrust(&path, random);
    }
}

/// A folder for copies, in which something stands already.
fn copies(stock: &Stock, trap: &mut Trap, random: &mut Random) {
    if once_in(random, 2) {
        return;
    }
    fs::create_dir(trap.inside.join("old")).unwrap();
    for (name, old) in NAMES.iter().zip(&stock.old) {
        let copy = format!("old/{name}");
        match random.next() % 4 {
            0 => trap.lay(&copy, *one_of(random, &Thing::ALL), "victim.db"),
            1 => {
                let path = trap.inside.join(&copy);
                fs::write(&path, old).unwrap();
                if once_in(random, 2) {
                    trap.distrust(&path, random);
                } else {
                    trap.is_foreign(&path);
                }
            }
            _ => {}
        }
        if once_in(random, 3) {
            trap.lay(&format!("{copy}.tmp"), *one_of(random, &Thing::ALL), "letter.txt");
        }
    }
}

/// What is run on such a folder.
const RUNS: [&[&str]; 16] = [
    &["upgrade", "."],
    &["upgrade", "a.db"],
    &["upgrade", "a.db", "b.db"],
    &["upgrade", "--resume", "."],
    &["upgrade", "--resume", "a.db"],
    &["upgrade", "--resume", "b.db"],
    &["upgrade", "--rollback", "a.db", "b.db"],
    &["upgrade", "--rollback", "a.db"],
    &["upgrade", "--rollback", "b.db"],
    &["upgrade", "--check", "a.db", "b.db"],
    &["upgrade", "--backup", "old", "a.db", "b.db"],
    &["upgrade", "--backup", "old", "--keep-backup", "a.db"],
    &["upgrade", "--backup", "made/old", "a.db", "b.db"],
    &["upgrade", "--copy", "new.db", "a.db"],
    &["reset-lsn", "a.db", "b.db"],
    &["reset-fileid", "a.db"],
];

/// A run of the tool; afterwards each database holds what it held, or what it held before it was
/// half-written.
fn a_run(stock: &Stock, trap: &mut Trap, random: &mut Random, seen: &mut Seen) {
    let arguments = *one_of(random, &RUNS);
    let paths = NAMES.map(|name| trap.inside.join(name));
    let found = paths.each_ref().map(|path| fs::read(path).unwrap());
    let output = trap.spring(arguments);
    trap.story.push(arguments.join(" "));
    let story = || format!("{:?}: {:?}", trap.story, String::from_utf8_lossy(&output.stderr));
    for (number, (path, was)) in paths.iter().zip(&found).enumerate() {
        let is = fs::read(path).unwrap();
        if is == *was {
            continue;
        }
        seen.changed += 1;
        // Half-written it stays only if the run says so.
        if poisoned(&is) {
            assert_ne!(output.status.code(), Some(0), "{}: half-written: {}", path.display(), story());
            continue;
        }
        assert!(pairs(&is).as_ref() == Some(&stock.pairs[number]), "{}: {}", path.display(), story());
    }
    not_both(&paths, &found, stock, arguments, &story);
    seen.runs += 1;
    *seen.codes.entry(output.status.code().unwrap()).or_default() += 1;
}

/// What was made new, or brought back, is so of both files or of none, if both were half-written.
fn not_both(
    paths: &[PathBuf; 2],
    found: &[Vec<u8>; 2],
    stock: &Stock,
    arguments: &[&str],
    story: &impl Fn() -> String,
) {
    if !found.iter().all(|bytes| poisoned(bytes)) || !arguments.contains(&"--rollback") {
        return;
    }
    let now = paths.each_ref().map(|path: &PathBuf| fs::read(path as &Path).unwrap());
    let old = now.iter().zip(&stock.old).filter(|(is, old)| is == old).count();
    assert!(old != 1, "one of two was brought back: {}", story());
}
