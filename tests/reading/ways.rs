//! One database read in many ways: mapped, page by page, by iterators that own it, in parts.

use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bdbkit::salvage::Salvage;
use bdbkit::verify::{Severity, Verify};
use bdbkit::{Database, Endianness, Entry, Error, ErrorKind, Limits, Method, OpenOptions};

use crate::build::{Builder, Duplicates, Tree};
use crate::common::{cases, data, testdata};
use crate::counting::peak_of;

/// Entries as text, errors as their messages.
fn told<'a>(entries: impl Iterator<Item = bdbkit::Result<Entry<'a>>>) -> Vec<String> {
    let one = |entry: bdbkit::Result<Entry<'_>>| entry.map_or_else(|e| e.to_string(), |e| format!("{e:?}"));
    entries.map(one).collect()
}

/// Every genuine file, and every damaged one.
fn all_files() -> Vec<(String, Vec<u8>)> {
    let cases = cases(&["btree-", "recno-", "hash-", "mboxlist-", "damage-v"]);
    let files = cases.into_iter().filter(|case| case.folder().join("data.db").is_file());
    files.map(|case| (case.name.clone(), data(&case.name))).collect()
}

/// A file, and all databases in it.
fn databases<'a>(file: bdbkit::Result<Database<'a>>) -> Vec<Database<'a>> {
    let Ok(file) = file else { return Vec::new() };
    let inner: Vec<_> = file.subdatabases().filter_map(|found| Some(found.ok()?.open())).collect();
    let list = file.directory();
    [file].into_iter().chain(list).chain(inner).collect()
}

/// As many pages are kept as a walk needs at once, and few more.
fn on_demand(bytes: &[u8], pages: u64) -> bdbkit::Result<Database<'static>> {
    let size = Database::from_bytes(bytes)?.meta().page_size().get();
    let limits = Limits::default().max_kept(pages * u64::from(size));
    let options = OpenOptions::new().limits(limits);
    options.file_from_reader(Cursor::new(bytes.to_vec()))?.database()
}

#[test]
fn an_iterator_that_owns_its_database_gives_what_one_that_borrows_gives() {
    let mut seen = 0;
    for (name, bytes) in all_files() {
        for database in databases(Database::from_bytes(&bytes[..])) {
            let borrowed = told(database.iter());
            assert_eq!(told(database.clone().into_iter()), borrowed, "{name}");
            let (start, end) = ("b", "t");
            assert_eq!(
                told(database.clone().into_range(start..end)),
                told(database.range(start..end)),
                "{name}"
            );
            seen += borrowed.len();
        }
    }
    assert!(seen > 10_000, "{seen}");
}

#[test]
fn pages_read_on_demand_give_what_a_map_gives() {
    let mut small = 0;
    for (name, bytes) in all_files() {
        let mapped = databases(Database::from_bytes(&bytes[..]));
        for pages in [u64::from(u32::MAX), 16] {
            let read = databases(on_demand(&bytes, pages));
            if pages != 16 {
                assert_eq!(read.len(), mapped.len(), "{name}");
            }
            // With few pages, the list of databases may not be found to its end.
            for database in &read {
                let Some(same) = mapped.iter().find(|same| {
                    (same.name(), same.is_directory()) == (database.name(), database.is_directory())
                }) else {
                    continue;
                };
                assert_eq!(told(database.clone().into_iter()), told(same.iter()), "{name}, {pages} pages");
                small += usize::from(pages == 16 && database.kept() < bytes.len() as u64);
                if pages == 16 || database.meta().method() != Method::Btree {
                    continue;
                }
                assert_eq!(told(database.iter()), told(same.iter()), "{name}");
                assert_eq!(database.file_stats(), same.file_stats(), "{name}");
                assert_eq!(database.highest_lsn(), same.highest_lsn(), "{name}");
                let leaves = |database: &Database<'_>| {
                    format!("{:?}", database.scan().map(|l| l.map(|l| l.page())).collect::<Vec<_>>())
                };
                assert_eq!(leaves(database), leaves(same), "{name}");
            }
        }
    }
    assert!(small > 100, "{small}");
}

#[test]
fn checks_and_salvages_of_files_read_on_demand_say_the_same() {
    for (name, bytes) in all_files() {
        let options = OpenOptions::new().limits(Limits::default().max_kept(0));
        let file = options.file_from_reader(Cursor::new(bytes.clone())).unwrap();
        let findings = |verify: Verify<'_>| -> Vec<String> {
            verify.run().findings().iter().map(ToString::to_string).collect()
        };
        assert_eq!(findings(Verify::new(&file)), findings(Verify::from_bytes(&bytes[..])), "{name}");
        let records = |salvage: Salvage<'_>| {
            salvage.survey().map(|survey| survey.records().count()).map_err(|error| error.to_string())
        };
        assert_eq!(records(Salvage::new(&file)), records(Salvage::from_bytes(&bytes[..])), "{name}");
    }
}

#[test]
fn a_look_up_beyond_the_bound_reads_on_its_own() {
    let bytes = data("btree-v6-be-levels");
    let mapped = Database::from_bytes(&bytes[..]).unwrap();
    let read = on_demand(&bytes, 3).unwrap();
    let page = u64::from(read.meta().page_size().get());
    let mut looked_up = 0;
    for entry in mapped.iter().map(Result::unwrap) {
        assert_eq!(read.get(entry.key()).unwrap(), mapped.get(entry.key()).unwrap());
        looked_up += 1;
    }
    assert!(looked_up > 100 && read.kept() == 3 * page, "{looked_up}, {}", read.kept());
    // What borrows says that the bound is reached.
    let error = read.iter().find_map(Result::err).unwrap();
    assert!(matches!(error, Error::KeptPages { limit, .. } if limit == 3 * page), "{error}");
    assert_eq!(error.kind(), ErrorKind::Limit);
    let mut read = read;
    read.release();
    assert_eq!(read.kept(), 0);
    let bytes = Builder::new(8, Endianness::Big, 512).build(&Tree::recno(), &numbered(500, 30));
    let (mapped, read) = (Database::from_bytes(&bytes[..]).unwrap(), on_demand(&bytes, 4).unwrap());
    for number in [1, 250, 500, 501] {
        assert_eq!(read.record(number).unwrap(), mapped.record(number).unwrap(), "{number}");
    }
}

/// Pairs with values of this many bytes.
fn numbered(pairs: u32, len: usize) -> Vec<(String, Vec<Vec<u8>>)> {
    (0..pairs).map(|i| (format!("key{i:08}"), vec![vec![b'v'; len]])).collect()
}

#[test]
fn memory_stays_within_the_bound_however_large_the_file_is() {
    let mut peaks = Vec::new();
    for pairs in [2_000, 20_000] {
        let tree = Tree::btree().overflow_above(600);
        let mut entries = numbered(pairs, 100);
        entries[7].1 = vec![vec![b'l'; 40_000]];
        let bytes = Builder::new(8, Endianness::Little, 2048).build(&tree, &entries);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        std::fs::write(&path, &bytes).unwrap();
        let limits = Limits::default().max_kept(128 << 10);
        let options = OpenOptions::new().on_demand(true).limits(limits);
        let mut found = 0;
        let peak =
            peak_of(|| found = options.open(&path).unwrap().into_iter().map(|e| drop(e.unwrap())).count());
        assert_eq!(found, pairs as usize);
        peaks.push(peak);
        let mut scanned = 0;
        let peak = peak_of(|| {
            let mut db = options.open(&path).unwrap();
            let parts: Vec<_> = db.scan().split(64).iter().map(|part| part.pages()).collect();
            for pages in parts {
                scanned += db.scan().within(pages).map(|leaf| leaf.unwrap().entries().count()).sum::<usize>();
                db.release();
            }
        });
        assert_eq!(scanned, pairs as usize);
        assert!(peak < bytes.len() / 4 || pairs == 2_000, "{peak} of {}", bytes.len());
        let long = options.open(&path).unwrap();
        let item = long.get_item("key00000007").unwrap().unwrap();
        let before = long.kept();
        let mut text = Vec::new();
        item.reader().read_to_end(&mut text).unwrap();
        assert_eq!((text, item.read().unwrap().len()), (vec![b'l'; 40_000], 40_000));
        assert_eq!(long.kept(), before, "the pages of a chain are not kept");
        // The file itself is 2.8 MB.
        assert!(pairs == 2_000 || bytes.len() > 2 << 20, "{}", bytes.len());
    }
    // What it takes is that of the bound, and of the entries that are read at once.
    assert!(peaks[1] < (1 << 20) && peaks[1] < 2 * peaks[0], "{peaks:?}");
}

/// Gives an error for every byte from some offset on.
struct Broken(Cursor<Vec<u8>>, u64, Arc<AtomicU64>);

impl Read for Broken {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.position() >= self.1 {
            self.2.fetch_add(1, Ordering::Relaxed);
            return Err(io::Error::other("the disk is broken"));
        }
        self.0.read(buffer)
    }
}

impl Seek for Broken {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn a_page_that_cannot_be_read_is_no_damage_and_never_passed_over() {
    let mut asked = 0;
    for (name, bytes) in all_files() {
        let Ok(whole) = Database::from_bytes(&bytes[..]) else { continue };
        let size = u64::from(whole.meta().page_size().get());
        for first in [1, u64::from(whole.page_count()) / 2, u64::from(whole.page_count()) - 1] {
            let count = Arc::new(AtomicU64::new(0));
            let reader = Broken(Cursor::new(bytes.clone()), (first * size).max(512), count.clone());
            let file = OpenOptions::new().file_from_reader(reader).unwrap();
            let database = file.database().unwrap();
            let mut errors = Vec::new();
            for database in databases(Ok(database.clone())) {
                errors.extend(database.iter().filter_map(Result::err));
                errors.extend(database.scan().filter_map(Result::err));
            }
            errors.extend(database.subdatabases().filter_map(Result::err));
            if count.load(Ordering::Relaxed) > 0 && !name.starts_with("damage") {
                let read = |error: &Error| matches!(error, Error::Read { .. });
                assert!(errors.iter().any(read), "{name}, from page {first}: {errors:?}");
                asked += 1;
            }
            let verdict = Verify::new(&file).threads(2).run();
            assert!(!verdict.complete() || count.load(Ordering::Relaxed) == 0, "{name}, from page {first}");
            if Verify::new(&whole).run().worst() < Some(Severity::Error) {
                let damage = |error: &&Error| matches!(error, Error::Corrupt { .. });
                let errors: Vec<_> = database.iter().filter_map(Result::err).collect();
                let found = errors.iter().find(damage);
                assert!(found.is_none(), "{name}, from page {first}: {found:?}");
                let beyond = |text: &str| text.contains("beyond the end");
                let found = verdict.findings().iter().find(|finding| beyond(&finding.text));
                assert!(found.is_none(), "{name}, from page {first}: {found:?}");
            }
        }
    }
    assert!(asked > 300, "{asked}");
}

#[test]
fn parts_divide_the_pairs_and_keep_duplicates_together() {
    let mut several = 0;
    for (name, bytes) in all_files() {
        for database in databases(Database::from_bytes(&bytes[..])) {
            let whole: Vec<_> = database.iter().collect();
            if whole.iter().any(Result::is_err) {
                continue;
            }
            let whole = told(whole.into_iter());
            // Some have a comparison of their own.
            let keys: Vec<_> = database.iter().map(|entry| entry.unwrap().key().to_vec()).collect();
            if !keys.is_sorted() {
                continue;
            }
            for parts in [0, 1, 2, 3, 7, 1000, u32::MAX] {
                let split = database.split(parts);
                assert!(!split.is_empty() && split.len() <= parts.max(1) as usize, "{name}, {parts}");
                let mut all = Vec::new();
                let mut last_key = None;
                for part in &split {
                    assert_eq!(part.database().name(), database.name());
                    let keys: Vec<_> = part.iter().map(|entry| entry.unwrap().key().to_vec()).collect();
                    if database.meta().method() == Method::Btree && split.len() > 1 {
                        assert!(keys.first().is_none_or(|key| last_key.as_ref() != Some(key)), "{name}");
                    }
                    last_key = keys.last().cloned().or(last_key);
                    let own = part.clone();
                    let owned = told(own.into_iter());
                    assert_eq!(owned, told(part.iter()), "{name}, {parts}");
                    all.extend(owned);
                }
                assert_eq!(all, whole, "{name}, {parts}");
                several += usize::from(split.len() > 1);
            }
        }
    }
    assert!(several > 400, "{several}");
}

#[test]
fn parts_are_about_equal() {
    let tree = Tree::btree().duplicates(Duplicates::Unsorted);
    let mut entries = numbered(30_000, 20);
    entries[11_000].1 = vec![b"again".to_vec(); 900];
    let bytes = Builder::new(8, Endianness::Big, 1024).build(&tree, &entries);
    let database = Database::from_bytes(bytes).unwrap();
    for parts in [2, 4, 16] {
        let sizes: Vec<usize> = database.split(parts).iter().map(|part| part.iter().count()).collect();
        let (fair, most) = (30_899 / parts as usize, *sizes.iter().max().unwrap());
        assert_eq!((sizes.len(), sizes.iter().sum()), (parts as usize, 30_899));
        assert!(most < fair + fair / 2 + 900, "{sizes:?}");
    }
}

#[test]
fn a_clone_of_an_iterator_gives_the_same_rest() {
    for (name, bytes) in all_files() {
        for database in databases(Database::from_bytes(&bytes[..])) {
            let mut entries = database.iter();
            let half = database.iter().count() / 2;
            entries.by_ref().take(half).for_each(drop);
            assert_eq!(told(entries.clone()), told(entries), "{name}");
            let Ok(mut cursor) = database.cursor() else { continue };
            let mut other = cursor.clone();
            for _ in 0..3 {
                let next = |cursor: &mut bdbkit::Cursor<'_>| format!("{:?}", cursor.next());
                assert_eq!(next(&mut cursor), next(&mut other), "{name}");
            }
        }
    }
}

#[test]
fn a_file_of_the_system_is_read_by_position_from_several_threads() {
    let path = testdata().join("btree-v9-le-deleted/data.db");
    let database = OpenOptions::new().on_demand(true).open(&path).unwrap();
    let mapped = Database::open(&path).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(told(database.iter()), told(mapped.iter())));
        }
    });
    assert!(database.kept() > 0 && database.kept() <= database.file().len());
    assert_eq!(database.file().bytes().unwrap(), std::fs::read(&path).unwrap());
}

#[test]
fn what_is_opened_can_go_to_other_threads() {
    fn sent<T: Send + 'static>() {}
    fn shared<T: Send + Sync + 'static>() {}
    shared::<bdbkit::File<'static>>();
    shared::<Database<'static>>();
    shared::<bdbkit::IntoEntries<'static>>();
    shared::<bdbkit::KeyPart<'static>>();
    shared::<bdbkit::Entries<'static>>();
    shared::<bdbkit::Pairs<'static>>();
    shared::<bdbkit::PageScan<'static>>();
    shared::<Verify<'static>>();
    shared::<Salvage<'static>>();
    shared::<Error>();
    shared::<bdbkit::log::LogDir>();
    shared::<bdbkit::log::LogFile<'static>>();
    sent::<bdbkit::log::Printer>();
}

#[test]
fn iterators_stay_at_their_end_and_tell_how_far_they_are() {
    let database = Database::from_bytes(data("btree-v9-le-deleted")).unwrap();
    let mut entries = database.iter();
    let mut owned = database.clone().into_iter();
    let mut shares = vec![entries.share()];
    while entries.next().is_some() {
        shares.push(entries.share());
    }
    shares.push(entries.share());
    assert!(shares.is_sorted() && shares.first() == Some(&0.0) && shares.last() == Some(&1.0), "{shares:?}");
    owned.by_ref().for_each(drop);
    assert_eq!(owned.share(), 1.0);
    let mut scan = database.scan();
    scan.by_ref().for_each(drop);
    assert!(entries.next().is_none() && owned.next().is_none() && scan.next().is_none());
    let debug = format!("{:?}", Verify::new(&database));
    assert!(debug.starts_with("Verify { file: File { path: None, kind: Database("), "{debug}");
}

/// Release 5.3 wrote it: a key of 2500 bytes with 390 values beside it, and one of 1500 bytes with 2500
/// values on pages of their own.
#[test]
fn an_iterator_that_owns_its_database_keeps_a_few_values_of_a_key_at_once() {
    let bytes = std::fs::read(testdata().join("regress/hash-long-keys-many-values.db")).unwrap();
    let database = Database::from_bytes(&bytes[..]).unwrap();
    let borrowed = told(database.iter());
    assert_eq!(borrowed.len(), 2891);
    assert_eq!(told(database.clone().into_iter()), borrowed);
    let few = on_demand(&bytes, 9).unwrap();
    assert_eq!(told(few.clone().into_iter()), borrowed, "page by page");
    let mut given = 0;
    let peak = peak_of(|| given = few.into_iter().map(|entry| entry.unwrap().key().len()).sum());
    assert!(given > 4 << 20, "{given} bytes of keys");
    assert!(peak < 1 << 20, "{peak} bytes at once");
}
