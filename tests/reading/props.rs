//! Look-ups, ranges, cursors and iterators against a model: the sorted list of pairs
//! that a forward scan gives. Over all readable files of `testdata/`.
//!
//! No genuine file here has keys in an order of its own; the order of a caller is
//! tested with files in byte order and comparisons that fit or do not fit them.

use std::collections::BTreeSet;
use std::io::{BufRead, Read};
use std::ops::Bound;

use bdbkit::{Database, Entry, Error, KeyHash, KeyOrder, Method, OpenOptions, Scanned};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::common;
use crate::common::image::Image;
use crate::common::{
    Golden, Pair, all_databases, all_readable, forward, has_keys, missing, multiset, read, readable,
};

/// A database with its model. The database is one of several if `name` is given.
struct Sample {
    file: String,
    db: Database<'static>,
    pairs: Vec<Pair>,
}

impl Sample {
    fn label(&self) -> String {
        let name = self.db.name().map(|name| name.escape_ascii().to_string()).unwrap_or_default();
        format!("{} {name}", self.file)
    }
}

/// All BTREE and RECNO databases of all readable files, those in files of several included.
fn samples() -> Vec<Sample> {
    let mut all = Vec::new();
    for golden in readable() {
        let file = Database::open(&golden.db).unwrap();
        for db in common::all_databases(&file) {
            if matches!(db.meta().method(), Method::Btree | Method::Recno) {
                all.push(Sample { file: golden.name(), pairs: forward(&db), db });
            }
        }
    }
    assert!(all.len() >= 290, "databases went missing: {}", all.len());
    all
}

fn keyed() -> Vec<Sample> {
    samples().into_iter().filter(|sample| has_keys(&sample.db)).collect()
}

fn numbered() -> Vec<Sample> {
    let all: Vec<Sample> = samples().into_iter().filter(|sample| !has_keys(&sample.db)).collect();
    assert!(all.len() >= 25, "{}", all.len());
    all
}

fn owned(entry: Entry<'_>) -> Pair {
    let (key, value) = entry.into_parts();
    (key.into_owned(), value.into_owned())
}

/// Keys at, just before and just behind keys of the model, and beyond both ends.
fn probes(pairs: &[Pair]) -> Vec<Vec<u8>> {
    let mut probes: BTreeSet<Vec<u8>> = [vec![], vec![0], vec![255; 3], b"m".to_vec()].into();
    let step = (pairs.len() / 24).max(1);
    let ends = pairs.first().into_iter().chain(pairs.last());
    for (key, _) in pairs.iter().step_by(step).chain(ends) {
        probes.insert(key.clone());
        probes.insert([key.as_slice(), &[0]].concat());
        probes.insert(key[..key.len() / 2].to_vec());
        if let Some((last, rest)) = key.split_last() {
            probes.insert([rest, &[last.wrapping_sub(1)]].concat());
            probes.insert([rest, &[last.wrapping_add(1)]].concat());
            probes.insert(rest.to_vec());
        }
    }
    probes.into_iter().collect()
}

/// A key near one of the model's: as it is, cut, longer, one byte changed, or random.
fn key_near(pairs: &[Pair]) -> BoxedStrategy<Vec<u8>> {
    let random = prop::collection::vec(any::<u8>(), 0..12);
    if pairs.is_empty() {
        return random.boxed();
    }
    let keys: Vec<Vec<u8>> = pairs.iter().map(|(key, _)| key.clone()).collect();
    let near = (prop::sample::select(keys), any::<prop::sample::Index>(), any::<u8>(), 0..4_u8);
    let near = near.prop_map(|(mut key, at, byte, how)| {
        match how {
            0 => {}
            1 => key.truncate(at.index(key.len() + 1)),
            2 => key.push(byte),
            _ if key.is_empty() => key.push(byte),
            _ => {
                let at = at.index(key.len());
                key[at] = byte;
            }
        }
        key
    });
    prop_oneof![4 => near, 1 => random].boxed()
}

fn check_cases<S: Strategy>(cases: u32, label: &str, strategy: &S, test: impl Fn(S::Value)) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let run = TestRunner::new(config).run(strategy, |value| {
        test(value);
        Ok(())
    });
    run.unwrap_or_else(|error| panic!("{label}: {error}"));
}

fn check_lookups(sample: &Sample, key: &[u8]) {
    let (db, pairs, label) = (&sample.db, &sample.pairs, sample.label());
    let from = pairs.partition_point(|(k, _)| k.as_slice() < key);
    let to = pairs.partition_point(|(k, _)| k.as_slice() <= key);
    let first = pairs[from..to].first().map(|(_, value)| value.as_slice());
    assert_eq!(db.get(key).unwrap().as_deref(), first, "{label}: get {key:?}");
    let item = db.get_item(key).unwrap();
    assert_eq!(
        item.map(|item| item.read().unwrap().into_owned()).as_deref(),
        first,
        "{label}: get_item {key:?}"
    );
    let duplicates: Vec<Pair> = db.duplicates(key).map(|entry| owned(entry.unwrap())).collect();
    assert_eq!(duplicates, pairs[from..to], "{label}: duplicates of {key:?}");
    let mut cursor = db.cursor().unwrap();
    let read = |pair: Option<bdbkit::Pair<'_>>| pair.map(|pair| owned(pair.read().unwrap()));
    assert_eq!(read(cursor.seek(key).unwrap()).as_ref(), pairs.get(from), "{label}: seek {key:?}");
    if from < pairs.len() {
        assert_eq!(read(cursor.next().unwrap()).as_ref(), pairs.get(from + 1), "{label}: behind {key:?}");
    }
}

fn check_range(sample: &Sample, start: Bound<&[u8]>, end: Bound<&[u8]>, label: &str) {
    let pairs = &sample.pairs;
    let from = match start {
        Bound::Unbounded => 0,
        Bound::Included(key) => pairs.partition_point(|(k, _)| k.as_slice() < key),
        Bound::Excluded(key) => pairs.partition_point(|(k, _)| k.as_slice() <= key),
    };
    let to = match end {
        Bound::Unbounded => pairs.len(),
        Bound::Included(key) => pairs.partition_point(|(k, _)| k.as_slice() <= key),
        Bound::Excluded(key) => pairs.partition_point(|(k, _)| k.as_slice() < key),
    };
    let expected = pairs.get(from..to).unwrap_or(&[]);
    let range = || sample.db.range((start, end)).map(|entry| owned(entry.unwrap()));
    assert_eq!(range().collect::<Vec<_>>(), expected, "{label}: {start:?}, {end:?}");
    let mut backward: Vec<Pair> = range().rev().collect();
    backward.reverse();
    assert_eq!(backward, expected, "{label}: {start:?}, {end:?} backward");
    // From both ends in turn: they meet in the middle.
    let mut both = range();
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    while let Some(pair) = both.next() {
        head.push(pair);
        let Some(pair) = both.next_back() else { break };
        tail.push(pair);
    }
    assert!(both.next().is_none() && both.next_back().is_none(), "{label}: more behind the end");
    head.extend(tail.into_iter().rev());
    assert_eq!(head, expected, "{label}: {start:?}, {end:?} from both ends");
}

#[test]
fn forward_scans_are_sorted() {
    for sample in keyed() {
        let sorted = sample.pairs.windows(2).all(|two| two[0].0 <= two[1].0);
        assert!(sorted, "{}", sample.label());
        if sample.db.meta().flags().sorted_duplicates() {
            assert!(sample.pairs.is_sorted(), "{}: duplicates in order", sample.label());
        }
    }
}

#[test]
fn look_ups_agree_with_the_forward_scan() {
    for sample in keyed() {
        for key in probes(&sample.pairs) {
            check_lookups(&sample, &key);
        }
    }
}

#[test]
fn look_ups_of_keys_near_the_files_agree_with_the_forward_scan() {
    for sample in keyed() {
        check_cases(24, &sample.label(), &key_near(&sample.pairs), |key| check_lookups(&sample, &key));
    }
}

#[test]
fn many_look_ups_at_a_time_give_what_each_gives() {
    for sample in keyed().into_iter().chain(hashed()) {
        let mut keys = probes(&sample.pairs);
        keys.extend(sample.pairs.iter().map(|(key, _)| key.clone()).rev().step_by(3));
        // What the first look-ups come by, later ones go through the short way.
        let many = || sample.db.get_many(&keys).map(Result::unwrap).collect::<Vec<_>>();
        let (first, second) = (many(), many());
        let each: Vec<_> = keys.iter().map(|key| sample.db.get(key).unwrap()).collect();
        assert!(first == each && second == each, "{}", sample.label());
        assert_eq!(sample.db.get_many(Vec::<Vec<u8>>::new()).count(), 0);
    }
}

/// All HASH databases.
fn hashed() -> Vec<Sample> {
    let mut all = Vec::new();
    for golden in all_readable() {
        let file = Database::open(&golden.db).unwrap();
        for db in all_databases(&file).into_iter().filter(|db| db.meta().method() == Method::Hash) {
            all.push(Sample { file: golden.name(), pairs: forward(&db), db });
        }
    }
    assert!(all.len() >= 48, "HASH databases went missing: {}", all.len());
    all
}

#[test]
fn look_ups_in_hash_databases_agree_with_the_forward_scan() {
    for sample in hashed() {
        let (db, label) = (&sample.db, sample.label());
        let mut keys: BTreeSet<Vec<u8>> = sample.pairs.iter().map(|(key, _)| key.clone()).collect();
        keys.extend(probes(&sample.pairs));
        for key in keys {
            let expected: Vec<Pair> = sample.pairs.iter().filter(|(k, _)| *k == key).cloned().collect();
            let first = expected.first().map(|(_, value)| value.as_slice());
            assert_eq!(db.get(&key).unwrap().as_deref(), first, "{label}: get {key:?}");
            let found: Vec<Pair> = db.duplicates(&key).map(|entry| owned(entry.unwrap())).collect();
            assert_eq!(found, expected, "{label}: duplicates of {key:?}");
        }
    }
}

#[test]
fn what_hash_databases_cannot_do_is_an_error() {
    let is_it = |error: &Error, asked: &str| matches!(error, Error::WrongMethod { asked: found, method: Method::Hash } if found.contains(asked));
    for sample in hashed() {
        let db = &sample.db;
        let ranges = [db.range("a".."b"), db.prefix("a")];
        for error in ranges.map(|mut range| range.next().unwrap().unwrap_err()) {
            assert!(is_it(&error, "range"), "{error}");
        }
        assert!(is_it(&db.cursor().unwrap_err(), "cursor"));
        assert!(is_it(&db.record(1).unwrap_err(), "record number"));
        assert!(is_it(&db.iter().next_back().unwrap().unwrap_err(), "backwards"));
        // Who asked for it goes on forward all the same.
        let mut both = db.iter();
        assert!(both.next_back().is_some_and(|entry| entry.is_err()) && both.next_back().is_none());
        assert_eq!(both.count(), sample.pairs.len(), "{}", sample.label());
    }
}

#[test]
fn a_hash_function_of_the_program_is_asked_for_and_taken() {
    let bytes = common::data("hash-v9-le-few-4.7");
    let pairs = forward(&Database::from_bytes(&bytes[..]).unwrap());
    // The probe of the database is that of another function; in buckets all is as it was.
    let mut other = bytes.clone();
    other[92..96].copy_from_slice(&1234_u32.to_le_bytes());
    let db = Database::from_bytes(&other[..]).unwrap();
    assert!(forward(&db) == pairs, "a scan needs no function");
    for error in [db.get(b"x").unwrap_err(), db.duplicates(b"x").next().unwrap().unwrap_err()] {
        assert!(matches!(error, Error::HashFunction { stored: 1234, .. }), "{error}");
        assert!(error.to_string().contains("the function of its release"), "{error}");
        assert_eq!(error.kind(), bdbkit::ErrorKind::Question);
    }
    let fnv = |key: &[u8]| key.iter().fold(0_u32, |h, b| h.wrapping_mul(16_777_619) ^ u32::from(*b));
    let own = |key: &[u8]| if key.starts_with(b"%$sniglet^&") { 1234 } else { fnv(key) };
    let options = |hash| OpenOptions::new().key_hash(KeyHash::Custom(hash));
    let given = options(&own).from_bytes(&other[..]).unwrap();
    for (key, value) in &pairs {
        assert_eq!(given.get(key).unwrap().as_deref(), Some(&value[..]));
    }
    // A function that is not that of the database; and one that lies about the probe.
    let wrong = options(&fnv).from_bytes(&other[..]).unwrap();
    assert!(wrong.get(b"x").unwrap_err().to_string().contains("that was given"));
    let liar = |key: &[u8]| if key.starts_with(b"%$sniglet^&") { 1234 } else { fnv(key) ^ 1 };
    let lied = options(&liar).from_bytes(&other[..]).unwrap();
    let error = pairs.iter().find_map(|(key, _)| lied.get(key).err()).unwrap();
    assert!(matches!(error, Error::Corrupt { defect: bdbkit::Defect::Bucket { .. }, .. }), "{error}");
    // The check knows that it does not know, or takes the function.
    let notes = |file: &Database<'_>| bdbkit::verify::Verify::new(file).run().findings().to_vec();
    assert_eq!(notes(&given), []);
    let unknown = notes(&db);
    assert_eq!(unknown.len(), 1, "{unknown:?}");
    assert_eq!(
        (unknown[0].rule, unknown[0].severity),
        (bdbkit::verify::Rule::Bucket, bdbkit::verify::Severity::Note)
    );
    assert!(
        notes(&lied).iter().all(|finding| finding.rule == bdbkit::verify::Rule::Bucket)
            && notes(&lied).len() > 9
    );
}

#[test]
fn ranges_of_all_kinds_of_bounds_agree_with_the_forward_scan() {
    for sample in keyed() {
        let label = sample.label();
        check_range(&sample, Bound::Unbounded, Bound::Unbounded, &label);
        let bound = (key_near(&sample.pairs), 0..3_u8).boxed();
        check_cases(12, &label, &(bound.clone(), bound), |((start, how), (end, how_end))| {
            let make = |key: &Vec<u8>, how| match how {
                0 => Bound::Included(key.clone()),
                1 => Bound::Excluded(key.clone()),
                _ => Bound::Unbounded,
            };
            let (start, end) = (make(&start, how), make(&end, how_end));
            check_range(&sample, start.as_ref().map(Vec::as_slice), end.as_ref().map(Vec::as_slice), &label);
        });
    }
}

#[test]
fn ranges_that_are_empty_or_upside_down_give_nothing() {
    for sample in keyed() {
        let Some((key, _)) = sample.pairs.get(sample.pairs.len() / 2) else { continue };
        let key = key.as_slice();
        let label = sample.label();
        check_range(&sample, Bound::Excluded(key), Bound::Excluded(key), &label);
        check_range(&sample, Bound::Included(key), Bound::Included(key), &label);
        check_range(&sample, Bound::Included(key), Bound::Excluded(key), &label);
        check_range(&sample, Bound::Included(&[255; 9]), Bound::Included(&[0]), &label);
        check_range(&sample, Bound::Excluded(key), Bound::Included(&[]), &label);
    }
}

#[test]
fn prefixes_agree_with_the_forward_scan() {
    for sample in keyed() {
        let label = sample.label();
        let check = |prefix: &[u8]| {
            let expected: Vec<&Pair> =
                sample.pairs.iter().filter(|(key, _)| key.starts_with(prefix)).collect();
            let found: Vec<Pair> = sample.db.prefix(prefix).map(|entry| owned(entry.unwrap())).collect();
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{label}: prefix {prefix:?}");
            let mut back: Vec<Pair> =
                sample.db.prefix(prefix).rev().map(|entry| owned(entry.unwrap())).collect();
            back.reverse();
            assert_eq!(back, found, "{label}: prefix {prefix:?} backward");
        };
        for key in probes(&sample.pairs) {
            check(&key[..key.len().min(2)]);
            check(&key);
        }
        check(&[255]);
        check(&[255, 255]);
    }
}

#[test]
fn a_backward_scan_is_the_forward_scan_reversed() {
    let mut failures = Vec::new();
    for sample in samples() {
        let mut backward = Vec::new();
        for entry in sample.db.iter().rev().take(sample.pairs.len() + 100) {
            match entry {
                Ok(entry) => backward.push(owned(entry)),
                Err(error) => failures.push(format!("{}: {error}", sample.label())),
            }
        }
        backward.reverse();
        if backward != sample.pairs {
            failures.push(format!("{}: {} of {} pairs", sample.label(), backward.len(), sample.pairs.len()));
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn iterators_from_both_ends_meet_in_the_middle() {
    let mut failures = Vec::new();
    for sample in samples() {
        for (forward, backward) in [(1, 1), (3, 1), (1, 4), (7, 2)] {
            let mut entries = sample.db.iter();
            let (mut head, mut tail) = (Vec::new(), Vec::new());
            let mut error = None;
            'all: loop {
                for (count, front) in [(forward, true), (backward, false)] {
                    for _ in 0..count {
                        match if front { entries.next() } else { entries.next_back() } {
                            Some(Ok(entry)) if front => head.push(owned(entry)),
                            Some(Ok(entry)) => tail.push(owned(entry)),
                            Some(Err(e)) => {
                                error = Some(e);
                                break 'all;
                            }
                            None => break 'all,
                        }
                    }
                }
            }
            head.extend(tail.into_iter().rev());
            if head != sample.pairs
                || error.is_some()
                || entries.next().is_some()
                || entries.next_back().is_some()
            {
                let (found, all) = (head.len(), sample.pairs.len());
                failures
                    .push(format!("{}, {forward}:{backward}: {found} of {all}, {error:?}", sample.label()));
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

/// What the caller of a cursor does.
#[derive(Clone, Debug)]
enum Move {
    First,
    Last,
    Next,
    Previous,
    Seek(Vec<u8>),
}

#[test]
fn a_cursor_that_moves_to_and_fro_agrees_with_the_forward_scan() {
    for sample in samples() {
        let label = sample.label();
        let with_keys = has_keys(&sample.db);
        let seek = key_near(&sample.pairs).prop_map(Move::Seek);
        let moves = prop_oneof![
            1 => Just(Move::First),
            1 => Just(Move::Last),
            8 => Just(Move::Next),
            8 => Just(Move::Previous),
            2 => seek,
        ];
        check_cases(12, &label, &prop::collection::vec(moves, 1..60), |moves| {
            let pairs = &sample.pairs;
            let mut cursor = sample.db.cursor().unwrap();
            // The pair that the cursor stands on, counted from 1: 0 is before the first,
            // and one more than there are is behind the last. None: it is new.
            let mut at: Option<usize> = None;
            let behind = pairs.len() + 1;
            for (i, step) in moves.iter().enumerate() {
                let (found, now) = match step {
                    Move::First => (cursor.first(), 1),
                    Move::Last => (cursor.last(), pairs.len()),
                    Move::Next => (cursor.next(), at.map_or(1, |at| (at + 1).min(behind))),
                    Move::Previous => (cursor.previous(), at.unwrap_or(behind).saturating_sub(1)),
                    Move::Seek(key) if with_keys => {
                        (cursor.seek(key), pairs.partition_point(|(k, _)| k < key) + 1)
                    }
                    Move::Seek(key) => {
                        assert!(cursor.seek(key).is_err(), "{label}: a key in a RECNO database");
                        continue;
                    }
                };
                at = Some(now);
                let found = found.unwrap_or_else(|e| panic!("{label}: move {i} of {moves:?}: {e}"));
                let found = found.map(|pair| owned(pair.read().unwrap()));
                let expected = now.checked_sub(1).and_then(|now| pairs.get(now));
                assert_eq!(found.as_ref(), expected, "{label}: move {i} of {moves:?}");
            }
        });
    }
}

#[test]
fn a_cursor_stands_at_the_ends() {
    for sample in samples() {
        let Some(last) = sample.pairs.last() else { continue };
        let label = sample.label();
        let read =
            |pair: bdbkit::Result<Option<bdbkit::Pair<'_>>>| pair.unwrap().map(|p| owned(p.read().unwrap()));
        let mut cursor = sample.db.cursor().unwrap();
        assert_eq!(read(cursor.last()).as_ref(), Some(last), "{label}");
        assert_eq!(read(cursor.next()), None, "{label}");
        assert_eq!(read(cursor.next()), None, "{label}");
        assert_eq!(read(cursor.previous()).as_ref(), Some(last), "{label}: it stood behind the last");
        assert_eq!(read(cursor.first()).as_ref(), sample.pairs.first(), "{label}");
        assert_eq!(read(cursor.previous()), None, "{label}");
        assert_eq!(read(cursor.previous()), None, "{label}");
        assert_eq!(read(cursor.next()).as_ref(), sample.pairs.first(), "{label}: it stood before the first");
    }
}

#[test]
fn records_by_number_agree_with_the_forward_scan() {
    for sample in numbered() {
        let label = sample.label();
        let records: Vec<(u32, Vec<u8>)> = sample
            .db
            .iter()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.record_number().expect("a number"), entry.value().to_vec()))
            .collect();
        assert!(records.windows(2).all(|two| two[0].0 < two[1].0), "{label}: numbers rise");
        let highest = records.last().map_or(0, |record| record.0);
        let mut backward: Vec<u32> =
            sample.db.iter().rev().map(|entry| entry.unwrap().record_number().unwrap()).collect();
        backward.reverse();
        assert_eq!(backward, records.iter().map(|record| record.0).collect::<Vec<_>>(), "{label}: backward");
        for number in (0..=highest + 2).chain([u32::MAX]) {
            let at = records.partition_point(|record| record.0 < number);
            let expected = records.get(at).filter(|record| record.0 == number);
            let found = sample.db.record(number).unwrap();
            assert_eq!(
                found.as_ref().map(Entry::value),
                expected.map(|r| r.1.as_slice()),
                "{label}: {number}"
            );
            assert_eq!(
                found.and_then(|entry| entry.record_number()),
                expected.map(|r| r.0),
                "{label}: {number}"
            );
            if number > 0 {
                let mut cursor = sample.db.cursor().unwrap();
                let found = cursor.seek_record(number).unwrap().map(|pair| pair.record_number().unwrap());
                assert_eq!(found, records.get(at).map(|record| record.0), "{label}: seek {number}");
                let before = at.checked_sub(1).map(|at| records[at].0);
                if found.is_some() {
                    let previous = cursor.previous().unwrap().map(|pair| pair.record_number().unwrap());
                    assert_eq!(previous, before, "{label}: before {number}");
                }
            }
        }
        assert!(sample.db.get(b"key").is_err() && sample.db.record_number(b"key").is_err(), "{label}");
    }
}

#[test]
fn record_numbers_of_keys_agree_with_the_forward_scan() {
    let mut seen = 0;
    for sample in keyed() {
        let label = sample.label();
        if !sample.db.meta().flags().record_numbers() {
            assert!(sample.db.record(1).is_err() && sample.db.record_number(b"key").is_err(), "{label}");
            continue;
        }
        for (i, (key, value)) in sample.pairs.iter().enumerate() {
            let number = u32::try_from(i + 1).unwrap();
            assert_eq!(sample.db.record_number(key).unwrap(), Some(number), "{label}: {key:?}");
            let entry = sample.db.record(number).unwrap().expect("a record");
            assert_eq!((entry.key(), entry.value()), (&key[..], &value[..]), "{label}: {number}");
        }
        let beyond = u32::try_from(sample.pairs.len() + 1).unwrap();
        for number in [0, beyond, beyond + 1, u32::MAX] {
            assert_eq!(sample.db.record(number).unwrap(), None, "{label}: {number}");
        }
        for key in probes(&sample.pairs).iter().filter(|key| !sample.pairs.iter().any(|(k, _)| k == *key)) {
            assert_eq!(sample.db.record_number(key).unwrap(), None, "{label}: {key:?}");
        }
        seen += 1;
    }
    assert!(seen >= 8, "files with record numbers went missing: {seen}");
}

#[test]
fn slice_owned_mapped_and_read_sources_agree() {
    for golden in all_readable() {
        let bytes = read(&golden.db);
        let open = |map| OpenOptions::new().map(map).open(&golden.db).unwrap();
        let databases = [
            Database::from_bytes(&bytes[..]).unwrap(),
            Database::from_bytes(bytes.clone()).unwrap(),
            open(true),
            open(false),
        ];
        let pairs: Vec<_> = databases.iter().map(|db| common::dump(db, false)).collect();
        let first = &pairs[0];
        assert!(first.1.damaged == 0, "{}", golden.name());
        assert!(pairs.iter().all(|other| other == first), "{}", golden.name());
        assert!(databases.iter().all(|db| db.meta() == databases[0].meta()));
        assert!(databases.iter().all(|db| db.file_stats() == databases[0].file_stats()));
    }
}

/// The pairs, values and keys with values elsewhere that a scan of pages comes by.
fn scanned<'a>(scans: impl IntoIterator<Item = bdbkit::PageScan<'a>>) -> (Vec<Pair>, Vec<Vec<u8>>, usize) {
    let (mut pairs, mut values, mut elsewhere) = (Vec::new(), Vec::new(), 0);
    for scan in scans {
        for leaf in scan {
            for entry in leaf.unwrap().entries() {
                match entry.unwrap() {
                    Scanned::Pair { key, value } => {
                        pairs.push((key.read().unwrap().into_owned(), value.read().unwrap().into_owned()));
                    }
                    Scanned::Value(value) => values.push(value.read().unwrap().into_owned()),
                    Scanned::Duplicates { .. } => elsewhere += 1,
                    other => panic!("{other:?}"),
                }
            }
        }
    }
    (pairs, values, elsewhere)
}

fn single() -> impl Iterator<Item = (Golden, Database<'static>)> {
    let all = all_readable().into_iter().map(|golden| {
        let db = Database::open(&golden.db).unwrap();
        (golden, db)
    });
    all.filter(|(_, db)| !db.is_directory())
}

#[test]
fn a_scan_of_pages_sees_what_the_forward_scan_sees() {
    let mut with_duplicates = 0;
    for (golden, db) in single() {
        let all = multiset(forward(&db));
        let (pairs, values, elsewhere) = scanned([db.scan()]);
        let pairs = multiset(pairs);
        assert!(missing(&all, &pairs).is_empty(), "{}: a pair that is not there", golden.name());
        // What is not a pair on a page is a value elsewhere.
        let rest: Vec<Vec<u8>> = missing(&pairs, &all).into_iter().map(|(_, value)| value).collect();
        assert_eq!(multiset(values), multiset(rest), "{}", golden.name());
        with_duplicates += usize::from(elsewhere > 0);
    }
    assert!(with_duplicates >= 30, "{with_duplicates}");
}

#[test]
fn a_scan_in_parts_sees_what_a_whole_scan_sees() {
    for (golden, db) in single() {
        let whole = scanned([db.scan()]);
        for parts in [1, 2, 3, 7, 1000] {
            let scans = db.scan().split(parts);
            assert!(scans.len() <= usize::try_from(parts).unwrap(), "{}", golden.name());
            assert_eq!(scanned(scans), whole, "{}: {parts} parts", golden.name());
        }
        let middle = db.page_count() / 2;
        let halves = [db.scan().within(middle..u32::MAX), db.scan().within(0..middle)];
        let (pairs, values, elsewhere) = scanned(halves);
        assert_eq!((multiset(pairs), multiset(values), elsewhere), {
            let (pairs, values, elsewhere) = whole;
            (multiset(pairs), multiset(values), elsewhere)
        });
        assert_eq!(scanned([db.scan().within(3..3)]).0.len(), 0);
    }
}

#[test]
fn streams_and_pieces_of_items_are_what_reading_gives() {
    let mut long = 0;
    for sample in samples() {
        for (pair, (key, value)) in sample.db.iter().pairs().zip(&sample.pairs) {
            let pair = pair.unwrap();
            for (item, expected) in [(pair.key(), key), (pair.value(), value)] {
                if !has_keys(&sample.db) && expected.is_empty() && item.len() == 0 {
                    continue; // a record has no key
                }
                let label = sample.label();
                assert_eq!(usize::try_from(item.len()).unwrap(), expected.len(), "{label}");
                assert_eq!(item.read().unwrap(), expected.as_slice(), "{label}");
                let pieces: Vec<_> = item.pieces().map(|piece| piece.unwrap()).collect();
                assert_eq!(&pieces.concat(), expected, "{label}");
                let mut bytes = Vec::new();
                item.reader().read_to_end(&mut bytes).unwrap();
                assert_eq!(&bytes, expected, "{label}");
                match item.on_page() {
                    Some(here) => assert_eq!(here, expected, "{label}"),
                    None => {
                        assert!(!pieces.is_empty());
                        // Byte by byte, and in buffers of odd sizes.
                        let single: Vec<u8> = item.reader().bytes().map(|byte| byte.unwrap()).collect();
                        assert_eq!(&single, expected, "{label}");
                        let (mut reader, mut sum) = (item.reader(), 0);
                        loop {
                            let len = reader.fill_buf().unwrap().len().min(7);
                            if len == 0 {
                                break;
                            }
                            reader.consume(len);
                            sum += len;
                        }
                        assert_eq!(sum, expected.len(), "{label}");
                        long += 1;
                    }
                }
            }
        }
    }
    assert!(long >= 500, "long items went missing: {long}");
}

#[test]
fn the_limit_for_items_holds_for_reading_and_not_for_streams() {
    let mut limited = 0;
    // Compressed entries are put together before their records are.
    let has_long = |golden: &Golden| golden.case.has("overflow") && !golden.case.has("compressed");
    for golden in readable().into_iter().filter(has_long) {
        let limits = bdbkit::Limits::default().max_item(100);
        let db = OpenOptions::new().limits(limits).open(&golden.db).unwrap();
        for pair in all_databases(&db).iter().flat_map(|db| db.iter().pairs().collect::<Vec<_>>()) {
            let pair = pair.unwrap();
            for item in [pair.key(), pair.value()].into_iter().filter(|item| item.on_page().is_none()) {
                let error = item.read().map(drop);
                if item.len() <= 100 {
                    assert!(error.is_ok());
                    continue;
                }
                assert!(matches!(error, Err(bdbkit::Error::LimitExceeded { limit: 100, .. })), "{error:?}");
                let mut bytes = Vec::new();
                item.reader().read_to_end(&mut bytes).unwrap();
                assert_eq!(u32::try_from(bytes.len()).unwrap(), item.len());
                limited += 1;
            }
        }
    }
    assert!(limited >= 100, "{limited}");
}

/// With a comparison that says the same as the order of bytes, all is as without.
#[test]
fn an_order_of_the_caller_that_fits_gives_the_same() {
    let natural = |a: &[u8], b: &[u8]| a.cmp(b);
    let mut seen = 0;
    for golden in readable().into_iter().filter(|golden| golden.case.kind == "btree") {
        let options = OpenOptions::new().key_order(KeyOrder::Custom(&natural));
        let bytes = read(&golden.db);
        let db = options.from_bytes(&bytes[..]).unwrap();
        if db.is_directory() {
            continue;
        }
        let pairs = forward(&db);
        for key in probes(&pairs).iter().step_by(7) {
            let from = pairs.partition_point(|(k, _)| k < key);
            let sought = db.cursor().unwrap().seek(key).unwrap().map(|pair| owned(pair.read().unwrap()));
            assert_eq!(sought.as_ref(), pairs.get(from), "{}", golden.name());
            let prefix = &key[..key.len().min(2)];
            let found: Vec<Pair> = db.prefix(prefix).map(|entry| owned(entry.unwrap())).collect();
            let expected: Vec<Pair> = pairs.iter().filter(|(k, _)| k.starts_with(prefix)).cloned().collect();
            assert_eq!(found, expected, "{}", golden.name());
        }
        seen += 1;
    }
    assert!(seen >= 150, "{seen}");
}

/// With one that does not fit, look-ups say so instead of missing keys.
#[test]
fn an_order_of_the_caller_that_does_not_fit_is_an_error_not_a_miss() {
    let reversed = |a: &[u8], b: &[u8]| b.cmp(a);
    for case in ["btree-v6-le-levels", "btree-v8-be-levels", "btree-v9-le-levels", "btree-v9-be-few"] {
        let bytes = Image::of_case(case).bytes;
        let db = OpenOptions::new().key_order(KeyOrder::Custom(&reversed)).from_bytes(&bytes[..]).unwrap();
        let pairs = forward(&db);
        assert!(pairs.len() > 50, "a scan needs no order");
        for (key, _) in pairs.iter().step_by(9) {
            let error = db.get(key).map(drop).expect_err("keys out of order");
            assert!(error.to_string().contains("out of order"), "{case}: {error}");
        }
    }
}
