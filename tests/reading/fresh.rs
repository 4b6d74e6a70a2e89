//! Fresh files: built from pairs, loaded from text, compacted. What is written is sound, and is what
//! was given.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Read};

use bdbkit::build::{
    Arrangement, BuildError, Builder, FileForm, KeyDuplicates, Shape, Size, Sorter, Target, place,
};
use bdbkit::compact::{Compact, CompactError};
use bdbkit::dump::{TextError, TextFault};
use bdbkit::load::{Load, LoadError, Loaded, Text};
use bdbkit::verify::{Severity, Verify};
use bdbkit::{Database, Endianness, Method, OpenOptions, PageSize};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::common::{
    Golden, Pair, all_readable, dump, forward, pairs_by_database, pairs_of_section, read, sections,
};

const SIZES: [u32; 8] = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536];

#[track_caller]
fn expect_sound(name: &str, bytes: &[u8]) {
    let verdict = Verify::from_bytes(bytes).threads(1).run();
    let found: Vec<String> = verdict
        .findings()
        .iter()
        .filter(|finding| finding.severity > Severity::Note)
        // Long keys on a sorted page, and pages of a QUEUE without records: as in genuine files.
        .filter(|finding| {
            finding.severity == Severity::Error || !matches!(finding.rule.id(), "H-SORT" | "Q-RANGE")
        })
        .map(ToString::to_string)
        .collect();
    assert!(found.is_empty() && verdict.refused().is_none(), "{name}: {found:#?} {:?}", verdict.refused());
}

/// Loads a text into a file in memory.
fn load(load: &Load, text: &[u8]) -> Result<(Vec<u8>, Loaded), LoadError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let mut file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
    let loaded = load.run(Text::Stream(Box::new(text)), &mut file, folder.path())?;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "temporary files have no names");
    Ok((read(&path), loaded))
}

fn release(db: &Database<'_>) -> Target {
    let version = db.meta().version();
    match (db.meta().method(), version) {
        (Method::Btree | Method::Recno, 6..=9) => Target::of(version).unwrap(),
        (Method::Hash, ..=5) => Target::V6,
        (Method::Hash, 6) | (Method::Queue, 1) => Target::V7,
        (Method::Hash, 7) | (Method::Queue, 2 | 3) => Target::V8,
        _ => Target::V9,
    }
}

/// The pairs of each database, by name; those of one key in their order.
fn content(text: &[u8]) -> Vec<(Option<String>, Vec<Pair>)> {
    let one = |section: &crate::common::Section| {
        let mut pairs = pairs_of_section(section);
        if section.kind != "recno" {
            pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        (section.database.clone(), pairs)
    };
    sections(text).iter().map(one).collect()
}

fn files() -> Vec<Golden> {
    all_readable()
}

#[test]
fn what_is_dumped_is_loaded_and_dumped_again() {
    let mut files = 0;
    for golden in self::files() {
        let db = Database::open(&golden.db).unwrap();
        let (text, summary, _) = dump(&db, files % 2 == 1);
        if summary.damaged > 0 {
            continue;
        }
        // The genuine text of a release of its own, too.
        let (text, of) =
            if files % 2 == 1 { (dump(&db, true).0, dump(&db, false).0) } else { (text.clone(), text) };
        let loader = Load::new().release(release(&db)).order(Some(db.meta().endianness()));
        let (bytes, _) = load(&loader, &text).unwrap_or_else(|error| panic!("{}: {error}", golden.name()));
        expect_sound(&golden.name(), &bytes);
        let again = dump(&Database::from_bytes(&bytes).unwrap(), false).0;
        assert!(content(&again) == content(&of), "{}", golden.name());
        files += 1;
    }
    assert!(files >= 180, "{files}");
}

#[test]
fn the_text_of_every_genuine_release_is_read() {
    let mut files = 0;
    for golden in self::files() {
        let text = read(&golden.dump);
        let Ok((bytes, _)) = load(&Load::new(), &text) else {
            panic!("{}: {}", golden.name(), load(&Load::new(), &text).unwrap_err());
        };
        let again = dump(&Database::from_bytes(&bytes).unwrap(), false).0;
        assert!(content(&again) == content(&text), "{}", golden.name());
        files += 1;
    }
    assert!(files >= 180, "{files}");
}

/// What is to be built.
#[derive(Clone, Debug)]
struct Plan {
    release: Target,
    order: Endianness,
    page_size: u32,
    checksums: bool,
    fill: u8,
    duplicates: KeyDuplicates,
    hash: bool,
    pairs: Vec<Pair>,
}

fn plans() -> impl Strategy<Value = Plan> {
    let key = prop_oneof![
        8 => prop::collection::vec(0u8..4, 0..6),
        4 => prop::collection::vec(any::<u8>(), 0..40),
        1 => (any::<u8>(), 100usize..3000).prop_map(|(byte, len)| vec![byte; len]),
    ];
    let value = prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..30),
        3 => (any::<u8>(), 0usize..600).prop_map(|(byte, len)| vec![byte; len]),
        1 => (any::<u8>(), 3000usize..9000).prop_map(|(byte, len)| vec![byte; len]),
    ];
    let release = prop::sample::select(vec![Target::V6, Target::V7, Target::V8, Target::V9]);
    let duplicates =
        prop::sample::select(vec![KeyDuplicates::None, KeyDuplicates::Unsorted, KeyDuplicates::Sorted]);
    let order = prop::sample::select(vec![Endianness::Little, Endianness::Big]);
    let size = prop::sample::select(SIZES.to_vec());
    let pairs = prop::collection::vec((key, value), 0..400);
    (release, order, size, any::<bool>(), 50u8..=100, duplicates, any::<bool>(), pairs).prop_map(
        |(release, order, page_size, checksums, fill, duplicates, hash, pairs)| Plan {
            release,
            order,
            page_size,
            checksums: checksums && release == Target::V9,
            fill,
            duplicates,
            hash,
            pairs,
        },
    )
}

impl Plan {
    /// The pairs as they will be read, in the order of the keys.
    fn model(&self) -> BTreeMap<Vec<u8>, Vec<Vec<u8>>> {
        let mut model: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
        for (key, value) in &self.pairs {
            let values = model.entry(key.clone()).or_default();
            if self.duplicates == KeyDuplicates::None {
                values.clear();
            }
            values.push(value.clone());
        }
        if self.duplicates == KeyDuplicates::Sorted {
            for values in model.values_mut() {
                values.sort();
                values.dedup();
            }
        }
        model
    }

    fn form(&self) -> FileForm {
        FileForm {
            release: self.release,
            order: self.order,
            page_size: PageSize::new(self.page_size).unwrap(),
            checksums: self.checksums,
            fill: self.fill,
            ..FileForm::default()
        }
    }

    fn build(&self) -> Vec<u8> {
        let form = self.form();
        let model = self.model();
        let mut size = Size::default();
        let pairs = || model.iter().flat_map(|(key, values)| values.iter().map(move |value| (key, value)));
        pairs().for_each(|(key, value)| size.add(form.page_size, key.len(), value.len()));
        let duplicates = self.duplicates;
        let shape = match self.hash {
            true => Shape::Hash { duplicates, fill_factor: 0, elements: 0, size },
            false => {
                Shape::Btree { duplicates, record_numbers: duplicates == KeyDuplicates::None, min_key: 0 }
            }
        };
        let mut builder = Builder::new(Cursor::new(Vec::new()), &form).unwrap();
        builder.begin(&shape).unwrap();
        let mut ordered: Vec<_> = pairs().collect();
        if self.hash {
            ordered.sort_by_key(|(key, _)| (place(key), key.as_slice()));
        }
        ordered.iter().for_each(|(key, value)| builder.put(key, value).unwrap());
        builder.end().unwrap();
        builder.finish().unwrap().into_inner()
    }
}

fn run(cases: u32, check: impl Fn(&Plan)) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&plans(), |plan| {
            check(&plan);
            Ok(())
        })
        .unwrap();
}

#[test]
fn random_pairs_are_built_soundly_and_read_back() {
    run(150, |plan| {
        let bytes = plan.build();
        expect_sound("built", &bytes);
        let db = Database::from_bytes(&bytes).unwrap();
        let model = plan.model();
        let expected: Vec<Pair> = model
            .iter()
            .flat_map(|(key, values)| values.iter().map(move |value| (key.clone(), value.clone())))
            .collect();
        let mut pairs = forward(&db);
        pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
        assert!(pairs == expected, "not what was given");
        for (number, (key, values)) in (1..).zip(&model) {
            assert_eq!(db.get(key).unwrap().as_deref(), Some(values[0].as_slice()));
            if db.meta().flags().record_numbers() {
                assert_eq!(db.record_number(key).unwrap(), Some(number));
            }
        }
        assert_eq!(db.get(b"no such key").unwrap(), None);
    });
}

#[test]
fn compacting_keeps_every_pair() {
    run(40, |plan| {
        let bytes = plan.build();
        let db = Database::from_bytes(&bytes).unwrap();
        let mut out = Cursor::new(Vec::new());
        let done = Compact::new(std::env::temp_dir()).run(&db, &mut out).unwrap();
        let fresh = out.into_inner();
        expect_sound("compacted", &fresh);
        assert_eq!(done.pairs, forward(&db).len() as u64);
        assert!(pairs_by_database(&fresh) == pairs_by_database(&bytes));
        // Where pages are filled otherwise, a few more may be needed.
        let most = bytes.len() + bytes.len() / 8 + 2 * plan.page_size as usize;
        assert!(plan.hash || fresh.len() <= most, "{} > {}", fresh.len(), bytes.len());
        let head = |bytes: &[u8]| {
            let db = Database::from_bytes(bytes).unwrap();
            let meta = db.meta();
            (meta.version(), meta.endianness(), meta.page_size(), meta.flags().bits(), meta.checksummed())
        };
        assert_eq!(head(&fresh), head(&bytes));
    });
}

#[test]
fn genuine_files_are_compacted_or_refused_by_name() {
    let (mut done, mut refused) = (0, 0);
    for golden in self::files() {
        let bytes = read(&golden.db);
        let Ok(db) = Database::open(&golden.db) else { continue };
        let mut out = Cursor::new(Vec::new());
        match Compact::new(std::env::temp_dir()).run(&db, &mut out) {
            Ok(_) => {
                let fresh = out.into_inner();
                expect_sound(&golden.name(), &fresh);
                assert!(pairs_by_database(&fresh) == pairs_by_database(&bytes), "{}", golden.name());
                done += 1;
            }
            Err(CompactError::Kind(_) | CompactError::Order | CompactError::Function) => refused += 1,
            Err(error) => panic!("{}: {error}", golden.name()),
        }
    }
    assert!(done >= 130, "{done} {refused}");
}

/// A file of several databases of which all were removed.
#[test]
fn a_file_without_any_of_its_databases_is_compacted() {
    let mut builder = Builder::new(Cursor::new(Vec::new()), &FileForm::default()).unwrap();
    builder.name_databases().unwrap();
    let bytes = builder.finish().unwrap().into_inner();
    expect_sound("none", &bytes);
    let db = Database::from_bytes(&bytes).unwrap();
    assert!(db.is_directory() && db.subdatabases().count() == 0);
    let mut out = Cursor::new(Vec::new());
    let done = Compact::new(std::env::temp_dir()).run(&db, &mut out).unwrap();
    assert_eq!((done.databases, done.pairs), (0, 0));
    expect_sound("none", out.get_ref());
    let fresh = Database::from_bytes(out.get_ref()).unwrap();
    assert!(fresh.is_directory() && fresh.subdatabases().count() == 0);
}

/// Keys that a program placed by a function of its own would not be found where another puts them.
#[test]
fn a_table_with_another_hash_function_is_not_compacted() {
    let compact = |bytes: &[u8]| {
        let db = Database::from_bytes(bytes).unwrap();
        Compact::new(std::env::temp_dir()).run(&db, Cursor::new(Vec::new()))
    };
    let mut bytes = crate::common::data("hash-v9-le-mixed");
    assert!(compact(&bytes).is_ok());
    bytes[92] ^= 1;
    assert!(matches!(compact(&bytes), Err(CompactError::Function)));
}

/// Records with and without gaps, of all releases.
#[test]
fn records_keep_their_numbers() {
    for release in [Target::V6, Target::V7, Target::V8, Target::V9] {
        for (order, page_size) in [(Endianness::Little, 512), (Endianness::Big, 4096)] {
            for (length, queue) in [(None, false), (Some(40), false), (Some(40), true)] {
                if queue && release == Target::V6 {
                    continue;
                }
                let form = FileForm {
                    release,
                    order,
                    page_size: PageSize::new(page_size).unwrap(),
                    ..FileForm::default()
                };
                let shape = match queue {
                    true => Shape::Queue { length: 40, pad: b'.' },
                    false => Shape::Recno { length, pad: b'.', renumber: false },
                };
                let mut builder = Builder::new(Cursor::new(Vec::new()), &form).unwrap();
                builder.begin(&shape).unwrap();
                let numbers: Vec<u32> = (1..700).filter(|n| n % 7 != 3 && !(100..200).contains(n)).collect();
                let value = |n: u32| format!("{n} {}", "x".repeat((n % 30) as usize)).into_bytes();
                for &number in &numbers {
                    builder.put_record(number, &value(number)).unwrap();
                }
                assert!(matches!(builder.put_record(5, b""), Err(BuildError::Order)));
                assert!(matches!(builder.put_record(699, b""), Err(BuildError::Repeated)));
                builder.end().unwrap();
                let bytes = builder.finish().unwrap().into_inner();
                let name = format!("{release:?} {order} {length:?} {queue}");
                expect_sound(&name, &bytes);
                let db = Database::from_bytes(&bytes).unwrap();
                let found: Vec<(u32, Vec<u8>)> = db
                    .iter()
                    .map(|entry| entry.map(|e| (e.record_number().unwrap(), e.value().to_vec())).unwrap())
                    .collect();
                let whole = |mut value: Vec<u8>| {
                    value.resize(length.map_or(value.len(), |len| len as usize), b'.');
                    value
                };
                let expected: Vec<_> = numbers.iter().map(|&n| (n, whole(value(n)))).collect();
                assert!(found == expected, "{name}");
            }
        }
    }
}

#[test]
fn several_databases_stand_in_one_file() {
    for release in [Target::V7, Target::V8, Target::V9] {
        for order in [Endianness::Little, Endianness::Big] {
            let form = FileForm { release, order, ..FileForm::default() };
            let mut builder = Builder::new(Cursor::new(Vec::new()), &form).unwrap();
            let size = Size::default();
            let hash = Shape::Hash { duplicates: KeyDuplicates::None, fill_factor: 0, elements: 500, size };
            let recno = Shape::Recno { length: None, pad: b' ', renumber: true };
            for (name, shape) in
                [("tree", Shape::btree()), ("hash", hash), ("a", recno), ("empty", Shape::btree())]
            {
                builder.begin_named(name.as_bytes(), &shape).unwrap();
                let mut keys: Vec<String> =
                    (0..if name == "empty" { 0 } else { 900 }).map(|n| format!("{n:05}")).collect();
                if name == "hash" {
                    keys.sort_by_key(|key| (place(key.as_bytes()), key.clone()));
                }
                keys.iter().for_each(|key| builder.put(key.as_bytes(), name.as_bytes()).unwrap());
                builder.end().unwrap();
            }
            assert!(matches!(builder.begin(&Shape::btree()), Err(BuildError::Names)));
            let queue = Shape::Queue { length: 5, pad: 0 };
            assert!(matches!(builder.begin_named(b"q", &queue), Err(BuildError::Several(Method::Queue))));
            let bytes = builder.finish().unwrap().into_inner();
            expect_sound(&format!("{release:?} {order}"), &bytes);
            let found: Vec<_> = pairs_by_database(&bytes)
                .into_iter()
                .map(|(name, pairs)| (name.unwrap(), pairs.len()))
                .collect();
            assert_eq!(
                found,
                [
                    (b"a".to_vec(), 900),
                    (b"empty".to_vec(), 0),
                    (b"hash".to_vec(), 900),
                    (b"tree".to_vec(), 900)
                ]
            );
        }
    }
    let form = FileForm { release: Target::V6, ..FileForm::default() };
    let mut builder = Builder::new(Cursor::new(Vec::new()), &form).unwrap();
    assert!(matches!(builder.begin_named(b"x", &Shape::btree()), Err(BuildError::Cannot { version: 6, .. })));
    let form = FileForm { checksums: true, ..form };
    assert!(matches!(
        Builder::new(Cursor::new(Vec::new()), &form),
        Err(BuildError::Cannot { version: 6, .. })
    ));
}

#[cfg(feature = "encryption")]
#[test]
fn encrypted_files_open_with_their_password_only() {
    for (order, hash) in [(Endianness::Little, false), (Endianness::Big, true), (Endianness::Big, false)] {
        let plan = Plan {
            release: Target::V9,
            order,
            page_size: 512,
            checksums: false,
            fill: 100,
            duplicates: KeyDuplicates::Sorted,
            hash,
            pairs: (0..500u32)
                .map(|n| (vec![(n % 7) as u8; (n % 150) as usize], n.to_be_bytes().repeat(20)))
                .collect(),
        };
        let mut size = Size::default();
        plan.pairs.iter().for_each(|(k, v)| size.add(plan.form().page_size, k.len(), v.len()));
        let form = FileForm { password: Some("s3cret pw".into()), ..plan.form() };
        let shape = match hash {
            true => Shape::Hash { duplicates: KeyDuplicates::Sorted, fill_factor: 0, elements: 0, size },
            false => Shape::Btree { duplicates: KeyDuplicates::Sorted, record_numbers: false, min_key: 0 },
        };
        let mut builder = Builder::new(Cursor::new(Vec::new()), &form).unwrap();
        builder.begin(&shape).unwrap();
        let mut pairs: Vec<Pair> = plan
            .model()
            .into_iter()
            .flat_map(|(k, vs)| vs.into_iter().map(move |v| (k.clone(), v)))
            .collect();
        if hash {
            pairs.sort_by_key(|(key, value)| (place(key), key.clone(), value.clone()));
        }
        pairs.iter().for_each(|(key, value)| builder.put(key, value).unwrap());
        builder.end().unwrap();
        let bytes = builder.finish().unwrap().into_inner();
        assert!(Database::from_bytes(bytes.as_slice()).is_err());
        assert!(OpenOptions::new().password("wrong").from_bytes(bytes.as_slice()).is_err());
        let db = OpenOptions::new().password("s3cret pw").from_bytes(bytes.as_slice()).unwrap();
        let mut found = forward(&db);
        pairs.sort();
        found.sort();
        assert!(found == pairs);
    }
}

#[test]
fn unsorted_text_gives_what_sorted_text_gives_in_any_memory() {
    let header =
        |more: &str| format!("VERSION=3\nformat=print\ntype=btree\n{more}db_pagesize=512\nHEADER=END\n");
    let key = |n: u32| format!(" {:05}\n {}\n", n % 997, "v".repeat((n % 90) as usize) + &n.to_string());
    for more in ["", "duplicates=1\n", "duplicates=1\ndupsort=1\n"] {
        let scrambled: Vec<String> =
            (0..3000u32).map(|n| key(n.wrapping_mul(2_654_435_761) % 100_003)).collect();
        let mut sorted = scrambled.clone();
        match more.contains("dupsort") {
            true => sorted.sort(),
            false => sorted.sort_by(|a, b| a[..6].cmp(&b[..6])),
        }
        let text = |pairs: &[String]| header(more) + &pairs.concat() + "DATA=END\n";
        let expected = load(&Load::new(), text(&sorted).as_bytes()).unwrap();
        for memory in [2000, 50_000, 24 << 20] {
            let got = load(&Load::new().memory(memory), text(&scrambled).as_bytes()).unwrap();
            assert_eq!(got.1, expected.1);
            expect_sound(more, &got.0);
            assert!(pairs_by_database(&got.0) == pairs_by_database(&expected.0), "{more} {memory}");
        }
    }
}

#[test]
fn a_sorter_gives_everything_in_order() {
    let folder = std::env::temp_dir();
    for memory in [0, 100, 1 << 20] {
        let mut sorter = Sorter::new(Arrangement::Pairs, memory, &folder);
        let mut pairs: Vec<Pair> = (0..500u32)
            .map(|n| (vec![(n * 37 % 11) as u8; (n % 3) as usize], vec![(n * 7 % 13) as u8]))
            .collect();
        pairs.iter().for_each(|(key, value)| sorter.add(key, value).unwrap());
        pairs.sort();
        let mut got = Vec::new();
        let all = sorter.each(|key, value| {
            got.push((key.clone(), value.clone()));
            Ok::<_, std::io::Error>(())
        });
        all.unwrap();
        assert!(got == pairs, "{memory}");
    }
}

#[test]
fn of_two_pairs_with_one_key_one_stays() {
    let text = |more: &str| {
        format!(
            "VERSION=3\nformat=print\ntype=btree\n{more}HEADER=END\n a\n 1\n a\n 2\n a\n 2\n b\n 3\nDATA=END\n"
        )
    };
    let values = |loader: Load, more: &str| {
        let (bytes, loaded) = load(&loader, text(more).as_bytes()).unwrap();
        let values: Vec<String> = forward(&Database::from_bytes(&bytes).unwrap())
            .into_iter()
            .map(|(_, v)| String::from_utf8(v).unwrap())
            .collect();
        (values.concat(), loaded.pairs, loaded.repeated)
    };
    assert_eq!(values(Load::new(), ""), ("23".into(), 2, 0));
    assert_eq!(values(Load::new().keep_first(true), ""), ("13".into(), 2, 2));
    assert_eq!(values(Load::new(), "duplicates=1\n"), ("1223".into(), 4, 0));
    assert_eq!(values(Load::new(), "duplicates=1\ndupsort=1\n"), ("123".into(), 3, 1));
    assert_eq!(values(Load::new().keep_first(true), "duplicates=1\n"), ("13".into(), 2, 2));
    assert_eq!(values(Load::new().method(Some(Method::Hash)).keep_first(true), ""), ("31".into(), 2, 2));
}

#[test]
fn text_without_a_header_and_of_old_releases_is_read() {
    let plain = Load::new().plain(true);
    let (bytes, _) = load(&plain.clone().method(Some(Method::Btree)), b"b\n\\\\x\\0a\na\n1\n").unwrap();
    let pairs = forward(&Database::from_bytes(&bytes).unwrap());
    assert_eq!(pairs, [(b"a".to_vec(), b"1".to_vec()), (b"b".to_vec(), b"\\x\n".to_vec())]);
    let (bytes, _) = load(&plain.method(Some(Method::Recno)), b"one\ntwo\nDATA=END\n").unwrap();
    let values: Vec<_> =
        forward(&Database::from_bytes(&bytes).unwrap()).into_iter().map(|(_, v)| v).collect();
    assert_eq!(values, [&b"one"[..], b"two", b"DATA=END"]);
    // Of 1.85 and 2.x: no blanks before data, and no last line.
    let old = b"format=bytevalue\ntype=btree\ndb_lorder=4321\ndb_pagesize=4096\nHEADER=END\n61\n31\n";
    let (bytes, _) = load(&Load::new(), old).unwrap();
    let db = Database::from_bytes(&bytes).unwrap();
    assert_eq!(
        (db.meta().endianness(), forward(&db)),
        (Endianness::Big, vec![(b"a".to_vec(), b"1".to_vec())])
    );
    let (bytes, _) = load(&Load::new().set("db_pagesize", "8192").release(Target::V6), old).unwrap();
    let db = Database::from_bytes(&bytes).unwrap();
    assert_eq!((db.meta().version(), db.meta().page_size().get()), (6, 8192));
}

/// The line and the words of each complaint.
#[test]
fn bad_text_is_refused_with_its_line() {
    let head = "VERSION=3\nformat=bytevalue\ntype=btree\nHEADER=END\n";
    let queue = "VERSION=3\nformat=print\ntype=queue\nre_len=4\nkeys=1\nHEADER=END\n";
    let cases: Vec<(String, &str)> = vec![
        ("".into(), "the text is empty"),
        ("VERSION=3\n".into(), "line 2: the text ends where HEADER=END should be"),
        ("VERSION=3\nHEADER=END\n".into(), "line 2: the header does not say of what type"),
        ("VERSION=9\n".into(), "line 1: VERSION is no word of a header"),
        ("VERSION=3\nspam\n".into(), "line 2: a line of a header is expected"),
        ("VERSION=3\nspam=1\n".into(), "line 2: spam is no word of a header"),
        ("VERSION=3\ndb_pagesize=1000\n".into(), "line 2: db_pagesize cannot be 1000"),
        ("VERSION=3\ndb_pagesize=+512\n".into(), "line 2: db_pagesize cannot be +512"),
        ("VERSION=3\nh_nelem=99999999999\n".into(), "line 2: h_nelem cannot be 99999999999"),
        ("VERSION=3\nduplicates=2\n".into(), "line 2: duplicates cannot be 2"),
        ("VERSION=3\n\u{1b}[31m=1\n".into(), "line 2: \\1b[31m is no word"),
        (format!("{head} 61\n"), "line 6: the text ends where DATA=END should be"),
        (format!("{head} 61\nDATA=END\n"), "line 6: a key without a value"),
        (format!("{head} 61\n 62"), "line 6: the text ends within this line"),
        (format!("{head} 6\n 62\nDATA=END\n"), "line 5: two hexadecimal digits"),
        (format!("{head} 61\n 6g\nDATA=END\n"), "line 6: two hexadecimal digits"),
        (format!("{head}61\n"), "line 5: a line of data begins with a blank"),
        (format!("{head} 61\n 62\nDATA=END\nspam\n"), "line 8: a line of a header"),
        (format!("{head}DATA=END\n{head}DATA=END\n"), "line 9: a file that holds one database"),
        (head.replace("bytevalue", "print") + " a\\g\n", "line 5: a backslash is followed"),
        (head.replace("bytevalue", "print") + " a\\\n", "line 5: a backslash is followed"),
        (head.replace("btree", "heap"), "line 4: a HEAP cannot be built"),
        (head.replace("btree", "spam"), "line 3: type cannot be spam"),
        (head.replace("type=", "bt_minkey=1000\ntype="), "line 5: 1000 keys do not fit a page of 4096"),
        (head.replace("type=", "recnum=1\nduplicates=1\ntype="), "record numbers and duplicates exclude"),
        (queue.replace("re_len=4\n", ""), "the length 0"),
        (queue.replace("re_len=4", "re_len=5000"), "records of 5000 bytes do not fit a page of 4096"),
        (format!("{queue} 1\n 12345\nDATA=END\n"), "line 8: a record of 5 bytes is longer than the 4"),
        (format!("{queue} x\n 1\nDATA=END\n"), "line 8: a record number is expected"),
        (format!("{queue} +1\n 1\nDATA=END\n"), "line 8: a record number is expected"),
        (format!("{queue} 0\n 1\nDATA=END\n"), "there is no record 0"),
        (
            queue.replace("queue", "recno") + " 4294967295\n 1\nDATA=END\n",
            "would leave 4294967294 empty records",
        ),
    ];
    for (text, words) in cases {
        match load(&Load::new(), text.as_bytes()) {
            Err(error) => assert!(error.to_string().contains(words), "{error}: not {words}"),
            Ok(_) => panic!("{text:?} was loaded"),
        }
    }
    let error = load(&Load::new().set("spam", "1"), head.as_bytes()).unwrap_err();
    assert!(matches!(error, LoadError::Setting(TextFault::Unknown(_))), "{error}");
}

/// Digits without an end.
struct Endless {
    head: &'static [u8],
    read: u64,
}

impl Read for Endless {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        let read = match self.head {
            [] => {
                room.fill(b'6');
                room.len()
            }
            head => {
                let len = head.len().min(room.len());
                room[..len].copy_from_slice(&head[..len]);
                self.head = &head[len..];
                len
            }
        };
        self.read += read as u64;
        assert!(self.read < 20 << 20, "a line is read on and on");
        Ok(read)
    }
}

#[test]
fn a_line_without_an_end_is_refused() {
    for head in [&b"VERSION=3\nformat=bytevalue\ntype=btree\nHEADER=END\n 61\n "[..], b"", b"VERSION=3\n"] {
        let folder = tempfile::tempdir().unwrap();
        let mut file = tempfile::tempfile_in(folder.path()).unwrap();
        let text = Text::Stream(Box::new(Endless { head, read: 0 }));
        let error = Load::new().max_item(4 << 20).run(text, &mut file, folder.path()).unwrap_err();
        assert!(
            matches!(&error, LoadError::Text(TextError::Line { fault: TextFault::TooLong(_), .. })),
            "{error}"
        );
    }
}

/// Text with bytes changed, lost and doubled is loaded soundly or refused.
#[test]
fn mutated_text_is_loaded_soundly_or_refused() {
    let head =
        "h_nelem=9\nh_ffactor=3\nbt_minkey=3\nre_len=7\nduplicates=1\ndupsort=1\nkeys=1\nnparts=2\n k\n";
    let mut seed = 1u32;
    let mut chance = |most: usize| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as usize % most
    };
    let mut loaded = 0;
    for round in 0..600 {
        let method = ["btree", "hash", "recno", "queue"][round % 4];
        let pairs: String = (1..10).map(|n| format!(" 3{}\n 6162{:02x}\n", n % 10, n)).collect();
        let text = format!("VERSION=3\nformat=bytevalue\ntype={method}\n{head}HEADER=END\n{pairs}DATA=END\n");
        let mut bytes = text.into_bytes();
        for _ in 0..=chance(3) {
            let at = chance(bytes.len());
            match chance(4) {
                0 => bytes[at] = b"0123456789abcdef\\\n ="[chance(20)],
                1 => bytes[at] ^= 1 << chance(8),
                2 => drop(bytes.remove(at)),
                _ => bytes.insert(at, bytes[at]),
            }
        }
        if let Ok((file, _)) = load(&Load::new(), &bytes) {
            expect_sound(&String::from_utf8_lossy(&bytes), &file);
            loaded += 1;
        }
    }
    assert!(loaded > 10, "{loaded}");
}

/// What a header says that is built otherwise is told.
#[test]
fn what_is_built_otherwise_is_told() {
    let text =
        b"VERSION=3\nformat=print\ntype=btree\ncompressed=1\nnparts=2\n k\nHEADER=END\n a\n 1\nDATA=END\n";
    let (bytes, loaded) = load(&Load::new(), text).unwrap();
    expect_sound("partitions", &bytes);
    let told: Vec<String> = loaded.others.iter().map(|(line, other)| format!("{line} {other}")).collect();
    assert_eq!(told, ["7 built without compression", "7 built as one file, not as partitions"]);
}
