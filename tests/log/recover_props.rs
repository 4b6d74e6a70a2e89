//! Recovery of environments that a small writer made: transactions that commit, abort or stay
//! unfinished, nested ones among them, while pages are written now and then. Wherever the log ends,
//! the databases hold what had committed up to there, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bdbkit::Endianness::{self, Big, Little};
use bdbkit::Lsn;
use bdbkit::env::Layout;
use bdbkit::recover::{Recover, RecoverError, Until, View};
use bdbkit::verify::{Severity, Verify};

use crate::common::data;
use crate::common::logs::{HEADER, get_u32, lsn, put_u32, to_u32, to_usize};
use crate::counting;
use crate::craft::{Craft, Of, TXN, item};
use crate::fields;

/// Numbers that look random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

const PLAIN: u8 = 1;
const DELETED: u8 = 0x81;

/// A page: an item for each slot, keys and values in turn, each with its type byte.
#[derive(Clone, Debug, Default, PartialEq)]
struct Page {
    lsn: Lsn,
    items: Vec<(u8, Vec<u8>)>,
}

impl Page {
    fn pairs(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let pairs = self.items.chunks(2).filter(|pair| pair.len() == 2);
        pairs.map(|pair| (pair[0].1.clone(), pair[1].1.clone())).collect()
    }
}

/// A database of one leaf.
struct File {
    name: String,
    /// An empty one, as a genuine library made it.
    empty: Vec<u8>,
    order: Endianness,
    page: Page,
}

impl File {
    fn new(number: usize, version: u32, order: Endianness) -> File {
        let (of_file, id_at) = match version {
            2 => (6, 48),
            3 => (8, 52),
            _ => (9, 52),
        };
        let short = if order == Big { "be" } else { "le" };
        let mut empty = data(&format!("btree-v{of_file}-{short}-empty"));
        empty[id_at..id_at + 20].fill(id(number));
        let size = to_usize(get_u32(order, &empty, 20));
        for page in [0, 1] {
            for (at, n) in [(0, 0), (4, u32::from(version > 3))] {
                put_u32(order, &mut empty, page * size + at, n);
            }
        }
        let lsn = lsn(0, u32::from(version > 3));
        File { name: format!("{number}.db"), empty, order, page: Page { lsn, items: Vec::new() } }
    }

    /// The file, if its leaf was written like this.
    fn image(&self, page: &Page) -> Vec<u8> {
        let mut bytes = self.empty.clone();
        let size = to_usize(get_u32(self.order, &bytes, 20));
        let root = &mut bytes[size..2 * size];
        put_u32(self.order, root, 0, page.lsn.file);
        put_u32(self.order, root, 4, page.lsn.offset);
        let put = |root: &mut [u8], at: usize, n: usize| {
            let n = u16::try_from(n).unwrap();
            root[at..at + 2].copy_from_slice(&if self.order == Big {
                n.to_be_bytes()
            } else {
                n.to_le_bytes()
            });
        };
        let mut area = size;
        for (slot, (kind, bytes)) in page.items.iter().enumerate() {
            let item = item(self.order, *kind, bytes);
            area -= item.len();
            root[area..area + item.len()].copy_from_slice(&item);
            put(root, 26 + 2 * slot, area);
        }
        put(root, 20, page.items.len());
        put(root, 22, area);
        bytes
    }
}

fn id(number: usize) -> u8 {
    u8::try_from(number).unwrap() + 0x51
}

/// A transaction that runs.
struct Txn {
    id: u32,
    parent: Option<u32>,
    first: Option<Lsn>,
    last: Option<Lsn>,
    /// What the pages of files were before it changed them.
    before: BTreeMap<usize, Page>,
}

/// What happened, each with how many records there were then.
struct History {
    records: usize,
    /// What a file holds for good from then on.
    committed: Vec<(usize, usize, Page)>,
    /// What was written of a file, and whether a checkpoint needed it.
    written: Vec<(usize, usize, Page, bool)>,
}

/// A writer of an environment.
struct Engine {
    version: u32,
    items: Endianness,
    craft: Craft,
    files: Vec<File>,
    running: Vec<Txn>,
    /// The outermost transaction that changes a file.
    locks: BTreeMap<usize, u32>,
    next: u32,
    last_checkpoint: Lsn,
    past: History,
}

impl Engine {
    fn new(version: u32, machine: Endianness, of_files: Endianness) -> Engine {
        let order = if version < 14 { machine } else { Little };
        let files = (0..3).map(|number| File::new(number, version, of_files)).collect();
        let mut engine = Engine {
            version,
            items: if version < 17 { machine } else { of_files },
            craft: Craft::of(version, order, 3000),
            files,
            running: Vec::new(),
            locks: BTreeMap::new(),
            next: TXN,
            last_checkpoint: Lsn::default(),
            past: History { records: 0, committed: Vec::new(), written: Vec::new() },
        };
        engine.register(3);
        engine
    }

    fn records(&self) -> usize {
        self.craft.writer.written.len()
    }

    fn register(&mut self, opcode: u32) {
        for number in 0..self.files.len() {
            let (name, uid) = (format!("{}\0", self.files[number].name).into_bytes(), [id(number); 20]);
            let no = to_u32(number);
            let big = self.files[number].order == Big;
            let opcode = if self.version >= 17 && big { opcode | 0x1000 } else { opcode };
            match self.version {
                2 => self.craft.add(
                    "log_register",
                    0,
                    fields! {opcode: opcode, name: name, uid: &uid, id: no, ftype: 1},
                ),
                3 => self.craft.add(
                    "log_register",
                    0,
                    fields! {opcode: opcode, name: name, uid: &uid, fileid: no, ftype: 1},
                ),
                _ => self.craft.add(
                    "dbreg_register",
                    0,
                    fields! {opcode: opcode, name: name, uid: &uid, fileid: no, ftype: 1},
                ),
            };
        }
    }

    fn begin(&mut self, parent: Option<u32>) {
        let id = self.next;
        self.next += 1;
        self.running.push(Txn { id, parent, first: None, last: None, before: BTreeMap::new() });
    }

    /// The outermost transaction above one.
    fn outermost(&self, id: u32) -> u32 {
        match self.running.iter().find(|txn| txn.id == id).and_then(|txn| txn.parent) {
            Some(parent) => self.outermost(parent),
            None => id,
        }
    }

    /// A record of a transaction.
    fn add(&mut self, at: usize, name: &str, fields: &[(&str, Of)]) -> Lsn {
        let txn = &mut self.running[at];
        let lsn = self.craft.add_behind(name, txn.id, txn.last.unwrap_or_default(), fields);
        txn.first.get_or_insert(lsn);
        txn.last = Some(lsn);
        lsn
    }

    /// A record that changes the page of a file.
    fn change(&mut self, at: usize, file: usize, name: &str, field: &str, fields: &[(&str, Of)]) {
        let page = self.files[file].page.clone();
        self.running[at].before.entry(file).or_insert_with(|| page.clone());
        let mut fields = fields.to_vec();
        fields.extend([
            ("fileid", Of::from(to_u32(file))),
            ("pgno", Of::from(1)),
            (field, Of::from(page.lsn)),
        ]);
        self.files[file].page.lsn = self.add(at, name, &fields);
    }

    fn addrem(&mut self, at: usize, file: usize, add: bool, slot: usize) {
        let (kind, data) = self.files[file].page.items[slot].clone();
        let whole = item(self.items, kind, &data);
        let opcode = match (self.version, add) {
            (..7, add) => {
                if add {
                    0x10
                } else {
                    0x20
                }
            }
            (7..17, add) => {
                if add {
                    1
                } else {
                    2
                }
            }
            (_, add) => {
                if add {
                    0x105
                } else {
                    0x205
                }
            }
        };
        let (hdr, dbt) = if add { (Vec::new(), data) } else { (whole.clone(), Vec::new()) };
        let nbytes = to_u32(whole.len());
        let fields = fields! {opcode: opcode, indx: to_u32(slot), nbytes: nbytes, hdr: hdr, dbt: dbt};
        self.change(at, file, "db_addrem", "pagelsn", fields);
    }

    fn put(&mut self, at: usize, file: usize, key: Vec<u8>, value: Vec<u8>) {
        let found = self.files[file].page.pairs().binary_search_by(|(other, _)| other.cmp(&key));
        match found {
            Ok(place) => {
                let old = self.files[file].page.items[2 * place + 1].1.clone();
                let prefix = old.iter().zip(&value).take_while(|(a, b)| a == b).count();
                let (rest, of_new) = (&old[prefix..], &value[prefix..]);
                let suffix = rest.iter().rev().zip(of_new.iter().rev()).take_while(|(a, b)| a == b).count();
                let (orig, repl) = (&rest[..rest.len() - suffix], &of_new[..of_new.len() - suffix]);
                let (prefix, suffix) = (to_u32(prefix), to_u32(suffix));
                let slot = to_u32(2 * place + 1);
                let fields = fields! {indx: slot, orig: orig, repl: repl, prefix: prefix, suffix: suffix};
                self.change(at, file, "bam_repl", "lsn", fields);
                self.files[file].page.items[2 * place + 1].1 = value;
            }
            Err(place) => {
                for (slot, data) in [(2 * place, key), (2 * place + 1, value)] {
                    let before = self.files[file].page.clone();
                    self.running[at].before.entry(file).or_insert(before);
                    self.files[file].page.items.insert(slot, (PLAIN, data));
                    self.addrem(at, file, true, slot);
                }
            }
        }
    }

    fn delete(&mut self, at: usize, file: usize, place: usize, mark: bool) {
        if mark {
            self.change(at, file, "bam_cdel", "lsn", fields! {indx: to_u32(2 * place)});
            self.files[file].page.items[2 * place + 1].0 = DELETED;
        }
        for slot in [2 * place + 1, 2 * place] {
            self.addrem(at, file, false, slot);
            self.files[file].page.items.remove(slot);
        }
    }

    fn commit(&mut self, at: usize) {
        let (id, parent, last) = (self.running[at].id, self.running[at].parent, self.running[at].last);
        if let Some(parent) = parent {
            let above = self.running.iter().position(|txn| txn.id == parent).unwrap();
            match (last, self.version) {
                (None, _) => {}
                (Some(_), 2) => {
                    self.add(at, "txn_child", fields! {opcode: 1, parent: parent});
                }
                (Some(last), _) => {
                    self.add(above, "txn_child", fields! {child: id, c_lsn: last});
                }
            }
            let txn = self.running.remove(at);
            let above = self.running.iter_mut().find(|txn| txn.id == parent).unwrap();
            above.first = above.first.into_iter().chain(txn.first).min();
            for (file, page) in txn.before {
                above.before.entry(file).or_insert(page);
            }
            return;
        }
        if last.is_some() || !self.running[at].before.is_empty() {
            self.add(at, "txn_regop", fields! {opcode: 1});
        }
        let txn = self.running.remove(at);
        self.locks.retain(|_, owner| *owner != txn.id);
        for file in txn.before.into_keys() {
            self.past.committed.push((self.records(), file, self.files[file].page.clone()));
        }
    }

    /// No record says that a transaction aborted.
    fn abort(&mut self, at: usize) {
        let txn = self.running.remove(at);
        for (file, page) in txn.before {
            self.files[file].page = page;
        }
        if txn.parent.is_none() {
            self.locks.retain(|_, owner| *owner != txn.id);
        }
    }

    fn write(&mut self, file: usize, needed: bool) {
        self.past.written.push((self.records(), file, self.files[file].page.clone(), needed));
    }

    fn checkpoint(&mut self) {
        for file in 0..self.files.len() {
            self.write(file, true);
        }
        let last = self.craft.writer.written.last().unwrap().lsn;
        self.register(1);
        let active = self.running.iter().filter_map(|txn| txn.first).min();
        let name = "txn_ckp";
        let before = self.last_checkpoint;
        let old = self.version <= 3;
        // Of old releases its own LSN, if no transaction is active.
        let own = self.clone_of_log(|craft| craft.add(name, 0, fields! {ckp_lsn: before, last_ckp: before}));
        let key = active.unwrap_or(if old { own } else { last });
        self.last_checkpoint = self.craft.add(name, 0, fields! {ckp_lsn: key, last_ckp: before});
    }

    fn clone_of_log<T>(&self, work: impl FnOnce(&mut Craft) -> T) -> T {
        work(&mut self.craft.clone())
    }

    /// One step at random.
    fn step(&mut self, dice: &mut Dice) {
        let innermost: Vec<usize> = (0..self.running.len())
            .filter(|&at| !self.running.iter().any(|txn| txn.parent == Some(self.running[at].id)))
            .collect();
        match dice.below(20) {
            0 | 1 if self.running.len() < 3 => self.begin(None),
            2 if self.running.len() < 4 && !innermost.is_empty() => {
                let parent = self.running[innermost[dice.below(innermost.len())]].id;
                self.begin(Some(parent));
            }
            3 => {
                let file = dice.below(self.files.len());
                self.write(file, false);
            }
            4 if dice.one_in(2) => self.checkpoint(),
            5 | 6 if !innermost.is_empty() => {
                let at = innermost[dice.below(innermost.len())];
                if dice.one_in(3) { self.abort(at) } else { self.commit(at) }
            }
            _ if innermost.is_empty() => self.begin(None),
            _ => {
                let (at, file) = (innermost[dice.below(innermost.len())], dice.below(self.files.len()));
                let outermost = self.outermost(self.running[at].id);
                if *self.locks.entry(file).or_insert(outermost) != outermost {
                    return;
                }
                let there = self.files[file].page.items.len() / 2;
                if there > 0 && dice.one_in(3) {
                    let place = dice.below(there);
                    self.delete(at, file, place, dice.one_in(3));
                } else if there < 6 {
                    let key = format!("key {}", dice.below(9)).into_bytes();
                    let value = format!("{:0>1$}", dice.below(1000), dice.below(12)).into_bytes();
                    let value = if dice.one_in(8) { Vec::new() } else { value };
                    self.put(at, file, key, value);
                }
            }
        }
    }

    /// What a file holds for good when there are so many records.
    fn committed(&self, records: usize, file: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        let last = self.past.committed.iter().rfind(|(at, of, _)| *at <= records && *of == file);
        last.map_or_else(Vec::new, |(_, _, page)| page.pairs())
    }

    /// What stands on the disk then.
    fn save(&self, folder: &Path, records: usize, needed_only: bool) {
        for (number, file) in self.files.iter().enumerate() {
            let written = self.past.written.iter();
            let last = written
                .filter(|(_, _, _, needed)| *needed || !needed_only)
                .rfind(|(at, of, _, _)| *at <= records && *of == number);
            let bytes = last.map_or_else(|| file.empty.clone(), |(_, _, page, _)| file.image(page));
            fs::write(folder.join(&file.name), bytes).unwrap();
        }
    }

    fn save_log(&self, folder: &Path, records: usize) {
        let writer = &self.craft.writer;
        let last = &writer.written[records - 1];
        for (number, bytes) in (1..).zip(&writer.files).take_while(|(number, _)| *number <= last.lsn.file) {
            let end = if number == last.lsn.file {
                to_usize(last.lsn.offset) + HEADER + last.body.len()
            } else {
                bytes.len()
            };
            fs::write(folder.join(format!("log.{number:010}")), &bytes[..end]).unwrap();
        }
    }

    fn assert_holds(&self, view: &View, records: usize, what: &str) {
        assert!(view.report().is_complete(), "{what}: {:#?}", view.report());
        for (number, file) in self.files.iter().enumerate() {
            // One that the log does not name yet is as it stands on the disk.
            let seen = view.file(&file.name);
            let opened =
                seen.as_ref().map_or_else(|| bdbkit::File::from_bytes(&file.empty), |seen| seen.open());
            let verdict = Verify::new(&opened).threads(1).run();
            assert!(verdict.worst() < Some(Severity::Error), "{what}: {}: {verdict:?}", file.name);
            let database = opened.database().unwrap();
            let pairs =
                database.iter().map(|pair| pair.map(|pair| (pair.key().to_vec(), pair.value().to_vec())));
            let pairs: Vec<_> = pairs.map(Result::unwrap).collect();
            assert_eq!(pairs, self.committed(records, number), "{what}: {}", file.name);
        }
    }
}

const VERSIONS: [u32; 7] = [2, 3, 8, 11, 14, 16, 19];

/// Steps at random; how many prefixes of the log were compared.
fn run(version: u32, machine: Endianness, of_files: Endianness, seed: u64) -> usize {
    let mut dice = Dice(seed.wrapping_mul(97).wrapping_add(u64::from(version)));
    let mut engine = Engine::new(version, machine, of_files);
    while engine.records() < 70 {
        engine.step(&mut dice);
    }
    engine.past.records = engine.records();
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::of(folder.path());
    let mut compared = 0;
    for records in 1..=engine.past.records {
        for needed_only in [false, true] {
            engine.save(folder.path(), records, needed_only);
            engine.save_log(folder.path(), records);
            let what = format!(
                "log {version}, machine {machine:?}, files {of_files:?}, seed {seed}, {records} records, {needed_only}"
            );
            let view = Recover::new().view(&layout).unwrap_or_else(|error| panic!("{what}: {error}"));
            engine.assert_holds(&view, records, &what);
            compared += 1;
        }
    }
    // All of the log, to each of its records.
    engine.save(folder.path(), engine.past.records, false);
    for records in (1..=engine.past.records).step_by(3) {
        let until = engine.craft.writer.written[records - 1].lsn;
        let what =
            format!("log {version}, machine {machine:?}, files {of_files:?}, seed {seed}, until {until}");
        match Recover::new().until(Until::Lsn(until)).view(&layout) {
            Ok(view) => engine.assert_holds(&view, records, &what),
            Err(RecoverError::Early { .. } | RecoverError::NoCheckpoint { .. }) => continue,
            Err(error) => panic!("{what}: {error}"),
        }
        compared += 1;
    }
    compared
}

#[test]
fn wherever_a_log_ends_what_had_committed_is_there_and_nothing_else() {
    let setting =
        |name: &str, default| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default);
    let (first, seeds) = (setting("BDBKIT_SEED", 1_u64), setting("BDBKIT_PREFIXES", 2_u64).min(1000));
    let mut compared = 0;
    for version in VERSIONS {
        for (machine, of_files) in [(Little, Little), (Big, Big), (Little, Big), (Big, Little)] {
            for seed in first..first + seeds {
                compared += run(version, machine, of_files, seed);
            }
        }
    }
    assert!(compared > 140 * 7 * 4, "{compared}");
}

/// An engine whose log has more than so many bytes.
fn long(version: u32, of_files: Endianness, bytes: usize) -> Engine {
    let mut dice = Dice(version.into());
    let mut engine = Engine::new(version, Little, of_files);
    while engine.craft.writer.files.iter().map(Vec::len).sum::<usize>() <= bytes {
        for _ in 0..100 {
            engine.step(&mut dice);
        }
    }
    engine.past.records = engine.records();
    engine
}

#[test]
fn a_long_log_that_several_threads_recover_gives_what_had_committed() {
    for version in VERSIONS {
        // Longer than what one thread reads alone.
        let engine = long(version, if version == 11 { Big } else { Little }, 300 << 10);
        let (folder, records) = (tempfile::tempdir().unwrap(), engine.records());
        for needed_only in [false, true] {
            engine.save(folder.path(), records, needed_only);
            engine.save_log(folder.path(), records);
            for catastrophic in [false, true] {
                let recover = Recover::new().catastrophic(catastrophic);
                let view = recover.view(&Layout::of(folder.path())).unwrap();
                engine.assert_holds(&view, records, &format!("a long log of version {version}"));
            }
        }
    }
}

#[test]
fn recovery_takes_little_memory_for_each_record_beside_the_pages_that_change() {
    // One thread reads these, the one that is counted.
    let of = |bytes: usize| {
        let engine = long(19, Little, bytes);
        let (folder, records) = (tempfile::tempdir().unwrap(), engine.records());
        engine.save(folder.path(), records, true);
        engine.save_log(folder.path(), records);
        let layout = Layout::of(folder.path());
        let recover = Recover::new().catastrophic(true);
        let peak = counting::peak_of(|| drop(recover.view(&layout).unwrap()));
        (records, peak)
    };
    let (few, many) = (of(40 << 10), of(160 << 10));
    let (records, bytes) = (many.0 - few.0, many.1.saturating_sub(few.1));
    assert!(records > 1000, "{few:?} {many:?}");
    assert!(bytes < records * 300 + (64 << 10), "{few:?} {many:?}");
}
