//! Hostile logs: every truncation and every changed byte of small genuine files, broken
//! records with right checksums, and files made to cost time or memory.
//!
//! The whole of the files, and more values, with `BDBKIT_EXHAUSTIVE=1` in the
//! environment.

use std::time::Duration;

use bdbkit::Endianness::{self, Big, Little};
use bdbkit::log::{
    Behind, FieldKind, LogDir, LogError, LogFile, LogOptions, Printer, Record, RecordDefect, RecordLayout,
    Schema, Tail, TailKind, Value,
};
use tempfile::TempDir;

use crate::common;
use crate::common::logs::{
    FIRST, HEADER, Outcome, PASSWORD, VERSIONS, Writer, file_header, get_u32, log_files, lsn, places,
    put_u32, read_file, record, save, seal, to_u32, to_usize, word,
};
use crate::common::{Watch, cases, thorough};
use crate::counting::peak_of;

fn watch() -> Watch {
    Watch::start(Duration::from_secs(60))
}

/// For files made to cost time: those here need far less than a second each.
fn impatient() -> Watch {
    Watch::start(Duration::from_secs(15))
}

/// Where a record stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    start: usize,
    end: usize,
    prev: u32,
    body: Vec<u8>,
}

/// A file before it was damaged.
#[derive(Clone, Debug)]
struct Sample {
    name: String,
    number: u32,
    encrypted: bool,
    version: u32,
    order: Endianness,
    bytes: Vec<u8>,
    records: Vec<Place>,
}

impl Sample {
    /// File `number` of a case; of a long one the first records.
    fn of(case: &str, number: u32, most: usize) -> Sample {
        let bytes = log_files(case).swap_remove(to_usize(number) - 1);
        let mut sample = Sample {
            name: format!("{case}/{number}"),
            number,
            encrypted: case.ends_with("encrypted"),
            version: 0,
            order: Little,
            bytes,
            records: Vec::new(),
        };
        let bytes = sample.bytes.clone();
        let file = sample.open(&bytes).unwrap();
        (sample.version, sample.order) = (file.version(), file.endianness());
        let most = if thorough() { usize::MAX } else { most };
        for record in file.records().map(Result::unwrap) {
            let start = to_usize(record.lsn().offset);
            let end = start + to_usize(record.size());
            if end <= most {
                let (prev, body) = (record.prev(), record.body().to_vec());
                sample.records.push(Place { start, end, prev, body });
            }
        }
        sample.bytes.truncate(sample.records.last().unwrap().end);
        sample
    }

    fn open<'a>(&self, bytes: &'a [u8]) -> Result<LogFile<'a>, LogError> {
        let options = LogOptions::new();
        let options = if self.encrypted { options.password(PASSWORD) } else { options };
        options.from_bytes(self.number, bytes)
    }

    fn header(&self) -> usize {
        if self.encrypted { 48 } else { HEADER }
    }

    /// Offset of the first record.
    fn first(&self) -> usize {
        self.header() + 16
    }

    /// Whether a change of `prev` at this place of a header goes unnoticed by the
    /// record's checksum.
    fn uncovered(&self, within: usize) -> bool {
        within < 4 && self.version < 12
    }

    /// Values for a byte.
    fn values(&self, old: u8) -> Vec<u8> {
        if thorough() {
            return (0..=255).filter(|&new| new != old).collect();
        }
        let mut values = vec![old ^ 1, old ^ 0x80, !old];
        values.extend((old != 0).then_some(0));
        values.dedup();
        values
    }
}

/// Small files of the versions that the store used, in both orders, and encrypted ones
/// if they may have bytes.
fn samples(most: usize, most_encrypted: usize) -> Vec<Sample> {
    let plain = [
        ("env-log2-le-ahead", 1),
        ("env-log2-be-torn", 1),
        ("env-log3-le-logs", 6),
        ("env-log3-be-torn", 1),
        ("env-log8-le-crashed", 2),
        ("env-log8-le-mix", 2),
        ("env-log8-be-mix", 2),
        ("env-log11-le-torn", 1),
        ("env-log11-be-torn", 1),
        ("env-log14-le-torn", 1),
        ("env-log14-be-torn", 1),
    ];
    let mut samples: Vec<Sample> =
        plain.into_iter().map(|(case, number)| Sample::of(case, number, most)).collect();
    if most_encrypted > 0 && cfg!(feature = "encryption") {
        let encrypted = ["env-log11-le-encrypted", "env-log14-be-encrypted"];
        samples.extend(encrypted.map(|case| Sample::of(case, 1, most_encrypted)));
    }
    samples
}

/// Whether the records are some of the sample's, with nothing changed.
fn same(found: &[Record<'_>], expected: &[&Place]) -> bool {
    found.len() == expected.len()
        && found.iter().zip(expected).all(|(record, place)| {
            to_usize(record.lsn().offset) == place.start
                && record.body() == place.body
                && record.misplaced().is_none()
        })
}

fn is_damage_at(error: &LogError, offset: usize) -> bool {
    matches!(error, LogError::Damaged { lsn, .. } if to_usize(lsn.offset) == offset)
}

#[test]
fn every_truncation_leaves_the_whole_records_before_it() {
    let watch = watch();
    let mut tried = 0;
    for sample in samples(1800, 600) {
        watch.about(&sample.name);
        for cut in 0..=sample.bytes.len() {
            watch.tick();
            check_truncation(&sample, cut);
            tried += 1;
        }
    }
    assert!(tried > 15_000, "{tried} truncations");
}

fn check_truncation(sample: &Sample, cut: usize) {
    let bytes = &sample.bytes[..cut];
    let name = format!("{}: cut at {cut}", sample.name);
    let file = match sample.open(bytes) {
        Ok(file) => file,
        Err(error) => {
            assert!(cut < sample.first(), "{name}: {error}");
            let zeros = cut > 0 && bytes.iter().all(|&byte| byte == 0);
            let short = matches!(error, LogError::Short { len, .. } if len == u64::try_from(cut).unwrap());
            assert!(short || zeros && matches!(error, LogError::Zeroed), "{name}: {error}");
            return;
        }
    };
    assert!(cut >= sample.first(), "{name}: a file header that is not all there");
    let left: Vec<&Place> = sample.records.iter().filter(|place| place.end <= cut).collect();
    let end = left.last().map_or(sample.first(), |place| place.end);
    let rest = &bytes[end..];
    for records in [file.records(), file.records().past_end()] {
        let Outcome { records, errors, tail } = read_file(records, bytes.len());
        assert!(same(&records, &left), "{name}");
        assert!(errors.is_empty(), "{name}: {errors:?}");
        let tail = tail.unwrap();
        let have = to_u32(rest.len());
        let kind = if rest.is_empty() {
            TailKind::Clean
        } else if rest.iter().all(|&byte| byte == 0) {
            TailKind::Zeros { len: have }
        } else {
            let place = &sample.records[left.len()];
            let need = if rest.len() < sample.header() { sample.header() } else { place.end - place.start };
            TailKind::Cut { have, need: to_u32(need) }
        };
        assert_eq!((to_usize(tail.lsn.offset), tail.kind, tail.behind), (end, kind, None), "{name}");
    }
}

#[test]
fn every_changed_byte_is_noticed_and_costs_its_record_alone() {
    let watch = watch();
    let mut tried = 0;
    for sample in samples(1700, 500) {
        watch.about(&sample.name);
        let mut bytes = sample.bytes.clone();
        for offset in 0..bytes.len() {
            let old = bytes[offset];
            for new in sample.values(old) {
                watch.tick();
                bytes[offset] = new;
                check_change(&sample, &bytes, offset, new);
                tried += 1;
            }
            bytes[offset] = old;
        }
    }
    assert!(tried > 35_000, "{tried} changes");
}

#[test]
fn every_value_of_every_byte_of_the_smallest_files_is_noticed() {
    let watch = watch();
    let mut tried = 0;
    let files = [("env-log8-le-crashed", 2), ("env-log3-le-logs", 6)];
    for (case, number) in files {
        let sample = Sample::of(case, number, usize::MAX);
        watch.about(&sample.name);
        for offset in 0..sample.bytes.len() {
            let mut bytes = sample.bytes.clone();
            for flip in 1..=255 {
                watch.tick();
                bytes[offset] = sample.bytes[offset] ^ flip;
                check_change(&sample, &bytes, offset, bytes[offset]);
                tried += 1;
            }
        }
    }
    assert_eq!(tried, 255 * (148 + 218));
}

fn check_change(sample: &Sample, bytes: &[u8], offset: usize, new: u8) {
    let name = format!("{}: byte {offset}: {:#x} to {new:#x}", sample.name, sample.bytes[offset]);
    if offset < sample.first() {
        return check_changed_header(sample, bytes, offset, &name);
    }
    let file = sample.open(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    let hit = sample.records.partition_point(|place| place.end <= offset);
    let place = &sample.records[hit];
    let before: Vec<&Place> = sample.records[..hit].iter().collect();
    let others: Vec<&Place> = sample.records.iter().filter(|other| *other != place).collect();
    let within = offset - place.start;
    let plain = read_file(file.records(), bytes.len());
    let past = read_file(file.records().past_end(), bytes.len());
    if sample.uncovered(within) || sample.encrypted && (28..48).contains(&within) {
        let found = plain.records.get(hit).filter(|record| to_usize(record.lsn().offset) == place.start);
        if let Some(found) = found {
            if sample.uncovered(within) {
                assert_eq!(found.misplaced(), Some(place.prev), "{name}");
                assert_eq!(found.body(), place.body, "{name}");
            } else if within < 44 {
                // The code covers the encrypted bytes, not what the first block is mixed with.
                assert_eq!(found.body()[16..], place.body[16..], "{name}");
                assert_eq!(found.misplaced(), None, "{name}");
            } else {
                // The size of the padding is not covered: no more than zeros may be lost.
                let (kept, lost) = place.body.split_at(found.body().len().min(place.body.len()));
                let more = found.body().strip_prefix(kept).unwrap_or_else(|| panic!("{name}"));
                assert!(lost.iter().chain(more).all(|&byte| byte == 0), "{name}");
            }
            assert!(plain.errors.is_empty(), "{name}: {:?}", plain.errors);
            assert!(same(&plain.records[..hit], &before), "{name}");
            assert!(same(&plain.records[hit + 1..], &others[hit..]), "{name}");
            return;
        }
        assert!(!sample.uncovered(within), "{name}: the record is gone");
    }
    let last = hit + 1 == sample.records.len();
    assert!(same(&plain.records, &before), "{name}: {} records, not {hit}", plain.records.len());
    assert!(same(&past.records, &others), "{name}: past the end");
    for errors in [&plain.errors, &past.errors] {
        assert_eq!(errors.len(), usize::from(!last), "{name}: {errors:?}");
        assert!(errors.iter().all(|error| is_damage_at(error, place.start)), "{name}: {errors:?}");
    }
    let tail: Tail = plain.tail.unwrap();
    assert_eq!(to_usize(tail.lsn.offset), place.start, "{name}: {tail}");
    assert!(!tail.is_clean(), "{name}: {tail}");
    match tail.behind {
        Some(Behind { lsn, follows: true, .. }) => assert_eq!(to_usize(lsn.offset), place.end, "{name}"),
        other => assert!(last && other.is_none(), "{name}: {tail}"),
    }
    assert_eq!(past.tail.unwrap().is_clean(), !last, "{name}");
}

fn check_changed_header(sample: &Sample, bytes: &[u8], offset: usize, name: &str) {
    let version = if sample.encrypted { 48 + 4 } else { 16 };
    match sample.open(bytes) {
        Ok(file) => {
            let Outcome { records, errors, .. } = read_file(file.records(), bytes.len());
            if sample.encrypted && (32..44).contains(&offset) {
                // All of the file's header is in the first block, which the code covers only
                // as it is encrypted; the magic number shows a change of the rest.
                assert!(errors.iter().all(|error| is_damage_at(error, 0)), "{name}: {errors:?}");
            } else if sample.uncovered(offset) {
                assert_ne!(file.last_of_previous(), get_u32(sample.order, &sample.bytes, 0), "{name}");
                assert!(errors.is_empty(), "{name}: {errors:?}");
            } else {
                assert!(errors.first().is_some_and(|error| is_damage_at(error, 0)), "{name}: {errors:?}");
            }
            // Another version has other headers and checksums.
            if !(version..version + 4).contains(&offset) && !sample.encrypted {
                assert!(same(&records, &sample.records.iter().collect::<Vec<_>>()), "{name}");
            }
        }
        Err(error) => {
            let refused = match error {
                LogError::NotALog { .. } => (12..16).contains(&offset) || sample.encrypted,
                LogError::Version { .. } => (version..version + 4).contains(&offset) || sample.encrypted,
                LogError::Password => sample.encrypted,
                _ => false,
            };
            assert!(refused, "{name}: {error}");
        }
    }
}

/// The records of a sample in three files or more, of at most `max` bytes.
fn in_files(sample: &Sample, max: usize) -> Writer {
    let mut log = Writer::new(sample.version, sample.order, max, 1);
    for place in sample.records.iter().filter(|place| place.body.len() + FIRST + HEADER <= max) {
        if log.files.len() < 4 {
            log.append(&place.body);
        }
    }
    log.files.truncate(3);
    log.written.retain(|record| record.lsn.file <= 3);
    assert_eq!(log.files.len(), 3, "{}", sample.name);
    log
}

/// Records and errors of a folder, the same backward as forward.
fn read_folder<'a>(dir: &'a LogDir, name: &str) -> (Vec<Record<'a>>, Vec<LogError>, Option<Tail>) {
    let told = |found: &Result<Record<'_>, LogError>| match found {
        Ok(record) => format!("{} {:?} {}", record.lsn(), record.misplaced(), record.body().len()),
        Err(error) => error.to_string(),
    };
    let mut records = dir.records();
    let found: Vec<_> = records.by_ref().collect();
    let back: Vec<String> = dir.records_back().map(|found| told(&found)).collect();
    assert!(found.iter().rev().map(told).eq(back), "{name}: backward");
    let tail = records.tail();
    let (mut good, mut errors) = (Vec::new(), Vec::new());
    for one in found {
        match one {
            Ok(record) => good.push(record),
            Err(error) => errors.push(error),
        }
    }
    (good, errors, tail)
}

#[test]
fn every_changed_byte_of_the_file_between_two_others_is_noticed() {
    let watch = watch();
    let mut tried = 0;
    for sample in samples(4000, 0).into_iter().filter(|sample| sample.bytes.len() > 2500) {
        watch.about(&sample.name);
        let log = in_files(&sample, 700);
        let folder = TempDir::new().unwrap();
        log.save(folder.path());
        let stride = if thorough() { 1 } else { 7 };
        for (turn, offset) in (0..log.files[1].len()).filter(|at| *at < 60 || at % stride == 0).enumerate() {
            watch.tick();
            let mut bytes = log.files[1].clone();
            let values = sample.values(bytes[offset]);
            bytes[offset] = values[turn % values.len()];
            save(folder.path(), 2, &bytes);
            let name = format!("{}: byte {offset} to {:#x}", sample.name, bytes[offset]);
            let dir = LogDir::open(folder.path()).unwrap();
            let (found, errors, tail) = read_folder(&dir, &name);
            let hit = log
                .written
                .iter()
                .rfind(|record| record.lsn.file == 2 && to_usize(record.lsn.offset) <= offset);
            let here = |error: &LogError, at: u32| matches!(error, LogError::Damaged { lsn: found, .. } if *found == lsn(2, at));
            let places: Vec<_> = found.iter().map(|record| record.lsn()).collect();
            let all = log.written.iter().map(|record| record.lsn);
            match hit {
                Some(hit) if sample.uncovered(offset - to_usize(hit.lsn.offset)) => {
                    assert!(errors.is_empty(), "{name}: {errors:?}");
                    let noticed: Vec<_> =
                        found.iter().filter(|record| record.misplaced().is_some()).collect();
                    assert!(noticed.len() == 1 && noticed[0].lsn() == hit.lsn, "{name}: {noticed:?}");
                    assert!(all.eq(places), "{name}");
                }
                Some(hit) => {
                    assert!(errors.len() == 1 && here(&errors[0], hit.lsn.offset), "{name}: {errors:?}");
                    assert!(all.filter(|lsn| *lsn != hit.lsn).eq(places), "{name}");
                }
                None => {
                    assert!(!errors.is_empty(), "{name}");
                    let refused = matches!(&errors[0], LogError::File { .. });
                    let unjoined = errors.iter().any(|error| matches!(error, LogError::Unjoined { .. }));
                    assert!(refused || unjoined || here(&errors[0], 0), "{name}: {errors:?}");
                    assert_eq!(unjoined, !refused && offset < 4, "{name}: {errors:?}");
                    if !(12..20).contains(&offset) {
                        assert!(all.eq(places), "{name}: {errors:?}");
                    } else {
                        assert!(all.filter(|lsn| lsn.file != 2).all(|lsn| places.contains(&lsn)), "{name}");
                    }
                }
            }
            assert!(tail.is_some_and(|tail| tail.lsn.file == 3 && tail.is_clean()), "{name}");
            tried += 1;
        }
    }
    assert!(tried > 800, "{tried} changes");
}

#[test]
fn every_truncation_of_the_file_between_two_others_is_an_error() {
    let watch = watch();
    let mut tried = 0;
    for sample in samples(4000, 0).into_iter().filter(|sample| sample.bytes.len() > 2500) {
        watch.about(&sample.name);
        let log = in_files(&sample, 700);
        let folder = TempDir::new().unwrap();
        log.save(folder.path());
        let stride = if thorough() { 1 } else { 7 };
        for cut in (0..log.files[1].len()).step_by(stride) {
            watch.tick();
            save(folder.path(), 2, &log.files[1][..cut]);
            let name = format!("{}: cut at {cut}", sample.name);
            let dir = LogDir::open(folder.path()).unwrap();
            let (found, errors, tail) = read_folder(&dir, &name);
            let whole = |place: &&common::logs::Written| {
                place.lsn.file != 2 || to_usize(place.lsn.offset) + HEADER + place.body.len() <= cut
            };
            let left = log.written.iter().filter(whole).map(|record| record.lsn);
            assert!(left.eq(found.iter().map(Record::lsn)), "{name}");
            let right = match &errors[..] {
                [LogError::File { .. }] => cut < FIRST,
                [LogError::Unjoined { last, expected }] => {
                    last.file == 2 && expected.file == 2 && last.offset < expected.offset
                }
                [LogError::Damaged { lsn, defect: RecordDefect::Cut { have, .. } }] => {
                    lsn.file == 2 && to_usize(lsn.offset + have) == cut
                }
                _ => false,
            };
            assert!(right, "{name}: {errors:?}");
            assert!(tail.is_some_and(|tail| tail.lsn.file == 3 && tail.is_clean()), "{name}");
            tried += 1;
        }
    }
    assert!(tried > 500, "{tried} truncations");
}

/// Asks a record for all that it can tell.
fn exercise(record: &Record<'_>) {
    let (layout, note) = (record.layout(), record.note());
    assert_eq!(layout.is_err(), note.is_some());
    assert!(!record.name().is_empty() && !format!("{record:?}").is_empty());
    if let Some(note) = note {
        assert_eq!(record.fields().count(), 0, "{note}");
        assert!(!note.to_string().is_empty());
    }
    if let Ok(layout) = layout {
        assert_eq!(record.fields().count(), layout.fields().len());
        for field in record.fields() {
            assert!(record.field(field.name()).is_some());
            let value = field.value();
            let _ = (value.unsigned(), value.signed(), value.lsn(), value.bytes());
        }
    }
    let mut text = Vec::new();
    Printer::new().print(record, &mut text).unwrap();
    assert!(text.len() < 4000 + 64 * record.body().len(), "{} bytes of text", text.len());
}

/// Offsets in a record of all numbers that decide how the rest is read: those of the
/// header and the prefix, fields, and what lists hold.
fn numbers(record: &Record<'_>) -> Vec<usize> {
    let mut places: Vec<usize> = vec![0, 4, 8, 12, 16, 20, 24];
    let width = |value: Value<'_>| match value {
        Value::Lsn(_) => 8,
        Value::Bytes(bytes) => 4 + bytes.len(),
        _ => 4,
    };
    let all: usize = record.fields().map(|field| width(field.value())).sum();
    let mut at = HEADER + 16;
    for field in record.fields() {
        places.push(at);
        let list = matches!(field.layout().kind(), FieldKind::Locks | FieldKind::PageList);
        if let (Value::Bytes(bytes), true) = (field.value(), list) {
            places.extend((at + 4..at + 4 + bytes.len().min(64)).step_by(2));
        }
        at += match field.value() {
            // The writer's word: what is left is its upper half.
            Value::Size(_) => record.body().len() - 16 - (all - 4),
            value => width(value),
        };
    }
    let size = to_usize(record.size());
    places.retain(|place| place + 4 <= size);
    places
}

/// Reads a file of which one record is broken, but has the right checksum.
fn check_broken(version: u32, name: &str, bytes: &[u8], hit: usize, body_only: bool, records: &[Place]) {
    let file = LogFile::from_bytes(1, bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    let outcome = read_file(file.records().past_end(), bytes.len());
    outcome.records.iter().for_each(exercise);
    let before: Vec<&Place> = records[..hit].iter().collect();
    assert!(outcome.records.len() >= hit && same(&outcome.records[..hit], &before), "{name}");
    if body_only {
        assert!(outcome.errors.is_empty(), "{name}, version {version}: {:?}", outcome.errors);
        assert_eq!(outcome.records.len(), records.len(), "{name}");
        let behind: Vec<&Place> = records[hit + 1..].iter().collect();
        assert!(same(&outcome.records[hit + 1..], &behind), "{name}");
    }
}

const EXTREMES: [u32; 6] = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];

#[test]
fn broken_numbers_in_records_with_right_checksums_cost_nothing_else() {
    let watch = watch();
    let mut tried = 0;
    let mut all = samples(1500, 0);
    let case = "env-log14-le-prepared";
    let mut sample = Sample::of(case, 1, usize::MAX);
    // The prepare stands near the end, with its list of locks.
    let with_locks = |place: &Place| {
        let bytes = record(sample.version, sample.order, 0, &place.body);
        let file = [file_header(sample.version, sample.order, 0, 9999), bytes].concat();
        let file = LogFile::from_bytes(1, &file[..]).unwrap();
        let found = file.records().next().unwrap().unwrap();
        found.field("locks").is_some_and(|locks| locks.bytes().is_some_and(|list| !list.is_empty()))
    };
    let keep: Vec<Place> = sample.records.iter().filter(|place| with_locks(place)).cloned().collect();
    assert!(!keep.is_empty(), "{case} holds a list of locks");
    rewrite(&mut sample, keep);
    all.push(sample);
    for sample in all {
        watch.about(&sample.name);
        let (version, order) = (sample.version, sample.order);
        let file = sample.open(&sample.bytes).unwrap();
        for (hit, found) in file.records().map(Result::unwrap).enumerate() {
            exercise(&found);
            let (start, end) = (sample.records[hit].start, sample.records[hit].end);
            for place in numbers(&found) {
                for value in EXTREMES {
                    watch.tick();
                    let mut bytes = sample.bytes.clone();
                    put_u32(order, &mut bytes, start + place, value);
                    seal(version, order, &mut bytes[start..end]);
                    let name = format!("{}: {} at {place}: {value:#x}", sample.name, found.lsn());
                    check_broken(version, &name, &bytes, hit, place >= HEADER, &sample.records);
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 4000, "{tried}");
}

/// Makes a file of some of its records alone.
fn rewrite(sample: &mut Sample, keep: Vec<Place>) {
    let mut log = Writer::new(sample.version, sample.order, 1 << 20, 1);
    for place in &keep {
        log.append(&place.body);
    }
    sample.bytes = log.files.swap_remove(0);
    sample.records = log
        .written
        .into_iter()
        .map(|written| {
            let start = to_usize(written.lsn.offset);
            Place { start, end: start + HEADER + written.body.len(), prev: written.prev, body: written.body }
        })
        .collect();
}

/// A pseudo-random number, the same in each run.
fn next(state: &mut u64) -> u32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    u32::try_from(*state >> 32).unwrap()
}

#[test]
fn three_broken_numbers_at_a_time_break_nothing_else() {
    let watch = watch();
    let mut state = 20_261_124;
    for sample in samples(2500, 0) {
        watch.about(&sample.name);
        let (version, order) = (sample.version, sample.order);
        let rounds = if thorough() { 20_000 } else { 120 };
        for round in 0..rounds {
            watch.tick();
            let mut bytes = sample.bytes.clone();
            let mut first = sample.records.len();
            for _ in 0..3 {
                let hit = to_usize(next(&mut state)) % sample.records.len();
                let Place { start, end, .. } = sample.records[hit];
                let place = to_usize(next(&mut state)) % (end - start - 3);
                let value = match next(&mut state) % 4 {
                    0 => next(&mut state),
                    1 => next(&mut state) % 300,
                    _ => EXTREMES[to_usize(next(&mut state)) % EXTREMES.len()],
                };
                put_u32(order, &mut bytes, start + place, value);
                // With the length that it now says, if that can be.
                let len = to_usize(get_u32(order, &bytes, start + places(version).0));
                let end = if len > HEADER && start + len <= bytes.len() { start + len } else { end };
                if next(&mut state) % 8 != 0 {
                    seal(version, order, &mut bytes[start..end]);
                }
                first = first.min(hit);
            }
            let name = format!("{}: round {round}", sample.name);
            check_broken(version, &name, &bytes, first, false, &sample.records);
        }
    }
}

/// A record of a type, with bytes in its fields.
fn body_of(layout: &RecordLayout, order: Endianness, state: &mut u64) -> Vec<u8> {
    let mut body = [layout.kind(), 0x8000_0001, 1, 28].map(|n| word(order, n)).concat();
    for field in layout.fields() {
        match field.kind() {
            FieldKind::Lsn => body.extend([word(order, 1), word(order, next(state))].concat()),
            FieldKind::Locks => {
                // One entry with one more page.
                let mut list = word(order, 1).to_vec();
                let short = |n: u16| if order == Big { n.to_be_bytes() } else { n.to_le_bytes() };
                list.extend([short(1), short(28)].concat());
                list.extend([7; 32]);
                body.extend([word(order, to_u32(list.len())).to_vec(), list].concat());
            }
            FieldKind::Wide => body.extend([word(order, next(state)), word(order, 0)].concat()),
            FieldKind::PageList => body.extend([word(order, 32).to_vec(), vec![3; 32]].concat()),
            FieldKind::Bytes
            | FieldKind::PageImage
            | FieldKind::PageTail
            | FieldKind::Item
            | FieldKind::ItemTail => {
                let len = 1 + next(state) % 30;
                let bytes = (0..len).map(|_| next(state).to_le_bytes()[3]);
                body.extend(word(order, len).into_iter().chain(bytes));
            }
            _ => body.extend(word(order, next(state) % 300)),
        }
    }
    body
}

#[test]
fn broken_records_of_every_type_of_every_version_are_told_and_printed() {
    let watch = watch();
    let mut state = 8;
    let mut tried = 0;
    for version in VERSIONS {
        watch.about(format!("version {version}"));
        let orders = if thorough() { &[Little, Big][..] } else { &[[Little, Big][to_usize(version % 2)]] };
        for &order in orders {
            for layout in Schema::of_version(version).flat_map(Schema::records) {
                let body = body_of(layout, order, &mut state);
                let head = file_header(version, order, 0, 9999);
                let whole = |body: &[u8]| [head.clone(), record(version, order, 0, body)].concat();
                let bytes = whole(&body);
                let file = LogFile::from_bytes(1, &bytes[..]).unwrap();
                let found = file.records().next().unwrap().unwrap();
                assert_eq!(found.note(), None, "version {version}: {}", layout.name());
                exercise(&found);
                let mut broken: Vec<Vec<u8>> = Vec::new();
                for place in numbers(&found).into_iter().filter(|place| *place >= HEADER + 16) {
                    for value in EXTREMES {
                        let mut body = body.clone();
                        put_u32(order, &mut body, place - HEADER, value);
                        broken.push(body);
                    }
                }
                broken.extend((1..body.len()).step_by(3).map(|len| body[..len].to_vec()));
                broken.push([&body[..], &[0; 5]].concat());
                for body in broken {
                    watch.tick();
                    let bytes = whole(&body);
                    let file = LogFile::from_bytes(1, &bytes[..]).unwrap();
                    let outcome = read_file(file.records(), bytes.len());
                    assert_eq!((outcome.records.len(), outcome.errors.len()), (1, 0), "{body:?}");
                    assert_eq!(outcome.records[0].body(), body);
                    exercise(&outcome.records[0]);
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 20_000, "{tried}");
}

#[test]
fn chains_of_transactions_end_whatever_the_records_say() {
    let watch = watch();
    for (version, order) in [(3, Big), (8, Little), (14, Little)] {
        let bodies = |prevs: [(u32, u32); 4]| {
            let mut log = Writer::new(version, order, 200, 1);
            for (file, offset) in prevs {
                let body = [10_001, 0x8000_0001, file, offset].map(|n| word(order, n)).concat();
                log.append(&[body, vec![1; 30]].concat());
            }
            log
        };
        let places: Vec<_> = bodies([(0, 0); 4]).written.iter().map(|record| record.lsn).collect();
        assert_eq!(places.iter().map(|lsn| lsn.file).collect::<Vec<_>>(), [1, 1, 2, 2]);
        let at = |i: usize| (places[i].file, places[i].offset);
        type Prevs = [(u32, u32); 4];
        let cases: [(Prevs, usize, bool); 9] = [
            ([(0, 0), at(0), at(1), at(2)], 4, true),
            ([(0, 1), at(0), at(1), at(2)], 4, true),
            ([(0, 0), at(0), at(3), at(2)], 2, false),     // forward
            ([(0, 0), at(0), at(1), at(3)], 1, false),     // to itself
            ([at(3), at(0), at(1), at(2)], 4, false),      // a ring
            ([(0, 0), at(0), at(1), (2, 29)], 1, false),   // into a record
            ([(0, 0), at(0), at(1), (2, 0)], 1, false),    // to the file's header
            ([(0, 0), at(0), at(1), (1, 5000)], 1, false), // beyond the end
            ([(0, 0), at(0), (u32::MAX, u32::MAX), at(2)], 2, false),
        ];
        for (prevs, good, ends_well) in cases {
            watch.tick();
            let folder = TempDir::new().unwrap();
            bodies(prevs).save(folder.path());
            let dir = LogDir::open(folder.path()).unwrap();
            let found: Vec<_> = dir.chain(places[3]).take(20).collect();
            let errors = usize::from(!ends_well);
            assert_eq!(found.len(), good + errors, "{prevs:?}: {found:?}");
            assert!(found[..good].iter().all(Result::is_ok), "{prevs:?}: {found:?}");
            assert_eq!(found.iter().filter(|one| one.is_err()).count(), errors, "{prevs:?}");
        }
    }
}

const LONG: usize = 96 << 10;

/// A file with a good record, then bytes of the attacker.
fn attack(version: u32, order: Endianness, fill: impl Fn(usize, &mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = file_header(version, order, 0, 0x00a0_0000);
    bytes.extend(record(version, order, 0, &[9; 40]));
    while bytes.len() < LONG {
        fill(bytes.len(), &mut bytes);
    }
    bytes
}

/// Header of a record with a wrong checksum.
fn fake(version: u32, order: Endianness, prev: usize, len: usize) -> Vec<u8> {
    let mut header = record(version, order, to_u32(prev), &[])[..HEADER].to_vec();
    put_u32(order, &mut header, places(version).0, to_u32(len));
    put_u32(order, &mut header, places(version).1, 0x1234_5678);
    header
}

/// Bytes of a small body that versions from 3 on know: the commit of a nested transaction.
const TXN_CHILD: usize = 28;

/// A byte of garbage before each of many small records that follow nothing.
fn pieces(version: u32, order: Endianness) -> Vec<u8> {
    let body = [12, 0, 0, 0, 5, 1, 28].map(|n| word(order, n)).concat();
    assert_eq!(body.len(), TXN_CHILD);
    attack(version, order, |_, bytes| {
        bytes.push(0xff);
        bytes.extend(record(version, order, 1, &body));
    })
}

/// Reads a file in every way.
fn read_all(bytes: &[u8]) -> (usize, usize) {
    let folder = TempDir::new().unwrap();
    save(folder.path(), 1, bytes);
    let file = LogFile::from_bytes(1, bytes).unwrap();
    let plain = read_file(file.records(), bytes.len());
    assert!(plain.tail.is_some() || plain.errors.len() == 1);
    let past = read_file(file.records().past_end(), bytes.len());
    let dir = LogDir::open(folder.path()).unwrap();
    let back = dir.records_back().past_end().fold((0, 0), |(good, bad), one| match one {
        Ok(_) => (good + 1, bad),
        Err(_) => (good, bad + 1),
    });
    assert_eq!(back, (past.records.len(), past.errors.len()));
    back
}

/// Without a bound, the search behind the tail would check each of these places to the
/// end of the file: some hundred million bytes.
#[test]
fn a_file_full_of_headers_with_wrong_checksums_is_read_in_bounded_time() {
    let watch = impatient();
    for (version, order) in [(2, Little), (8, Big), (14, Little), (19, Big)] {
        let at = FIRST + HEADER + 40;
        let step = |version, order, prev: usize, len: Option<usize>| {
            attack(version, order, move |place, bytes| {
                bytes.extend(fake(version, order, prev, len.unwrap_or(LONG - place)));
            })
        };
        for (prev, len) in [(1, None), (at, None), (at, Some(LONG / 2)), (1, Some(HEADER + 1))] {
            watch.about(format!("version {version} prev {prev} len {len:?}"));
            assert_eq!(read_all(&step(version, order, prev, len)), (1, 0));
        }
    }
}

#[test]
fn many_pieces_of_damage_are_found_in_bounded_time() {
    let watch = impatient();
    for (version, order) in [(3, Big), (11, Little), (14, Little)] {
        watch.about(format!("version {version}"));
        let pieces = pieces(version, order);
        let count = (pieces.len() - FIRST - HEADER - 40) / (HEADER + 1 + TXN_CHILD);
        assert_eq!(read_all(&pieces), (count + 1, count));
        // Records of which every other one is damaged.
        let mut log = Writer::new(version, order, 2 * LONG, 1);
        for i in 0..4_000_u32 {
            log.append(&i.to_le_bytes());
        }
        let mut bytes = log.files.swap_remove(0);
        for written in log.written.iter().step_by(2) {
            bytes[to_usize(written.lsn.offset) + HEADER] ^= 0x10;
        }
        assert_eq!(read_all(&bytes), (2000, 2000));
        // Zeros, with a byte here and there that keeps them from being the end.
        let zeros = attack(version, order, |_, bytes| bytes.extend([&[0; 999][..], &[1]].concat()));
        assert_eq!(read_all(&zeros).0, 1);
    }
}

#[track_caller]
fn is_bounded(name: &str, bytes: &[u8], options: &LogOptions) {
    let folder = TempDir::new().unwrap();
    save(folder.path(), 1, bytes);
    let peak = peak_of(|| {
        let Ok(file) = options.from_bytes(1, bytes) else { return };
        for records in [file.records(), file.records().past_end()] {
            let mut held = records;
            for record in held.by_ref().flatten() {
                let fields = record.fields().filter(|field| field.value().bytes().is_some()).count();
                let printed = Printer::new().print(&record, &mut std::io::sink());
                assert!(printed.is_ok() && fields < 100);
            }
            assert!(held.tail().is_some());
        }
        let dir = options.open_dir(folder.path()).unwrap();
        let both = dir.records().past_end().count() + dir.records_back().past_end().count();
        assert!(both % 2 == 0);
    });
    // The file itself (once decrypted for each of file and folder), and for the way back a
    // few bytes for each record.
    let limit = bytes.len() * 8 + (64 << 10);
    assert!(peak <= limit, "{name}: {peak} bytes for a file of {}", bytes.len());
}

#[test]
fn numbers_in_a_log_decide_nothing_about_memory() {
    let watch = watch();
    let plain = LogOptions::new();
    for case in cases(&["env-log", "damage-log"]).into_iter().step_by(if thorough() { 1 } else { 3 }) {
        watch.about(&case.name);
        let options = common::logs::options(&case);
        for bytes in log_files(&case.name).into_iter().take(1) {
            is_bounded(&case.name, &bytes, &options);
        }
    }
    for (version, order) in [(3, Little), (11, Big), (19, Little)] {
        watch.about(format!("version {version}"));
        let small = attack(version, order, |_, bytes| {
            let prev = to_u32(bytes.len() - HEADER - 1);
            bytes.extend(record(version, order, prev, &[7]));
        });
        is_bounded("small records", &small, &plain);
        let pieces = pieces(version, order);
        is_bounded("pieces", &pieces, &plain);
        let fakes = attack(version, order, |place, bytes| {
            bytes.extend(fake(version, order, 1, LONG - place));
        });
        is_bounded("headers", &fakes, &plain);
        for layout in Schema::of_version(version).flat_map(Schema::records) {
            let body = body_of(layout, order, &mut 1);
            for (at, value) in
                (16..body.len().saturating_sub(3)).step_by(4).flat_map(|at| [(at, u32::MAX), (at, 1 << 30)])
            {
                watch.tick();
                let mut body = body.clone();
                put_u32(order, &mut body, at, value);
                let bytes = [file_header(version, order, 0, 9999), record(version, order, 0, &body)].concat();
                let file = LogFile::from_bytes(1, &bytes[..]).unwrap();
                let peak = peak_of(|| {
                    file.records().for_each(|one| {
                        Printer::new().print(&one.unwrap(), &mut std::io::sink()).unwrap();
                    })
                });
                assert!(peak < 128 << 10, "{} at {at}: {peak} bytes", layout.name());
            }
        }
    }
}

#[test]
fn the_counter_counts() {
    let peak = peak_of(|| drop(std::hint::black_box(vec![1_u8; 3 << 20])));
    assert!((3 << 20..4 << 20).contains(&peak), "{peak}");
}

#[test]
fn many_files_without_records_cost_little() {
    let folder = TempDir::new().unwrap();
    let files = 60_000;
    (1..=to_u32(files)).for_each(|number| save(folder.path(), number, &[]));
    let watch = impatient();
    watch.about("files that were made and not written");
    let dir = LogDir::open(folder.path()).unwrap();
    assert_eq!((dir.log_files().len(), dir.records().count(), dir.records_back().count()), (files, 0, 0));
}

#[test]
fn an_encrypted_file_is_decrypted_when_it_is_read() {
    if !cfg!(feature = "encryption") {
        return;
    }
    let bytes = log_files("env-log14-be-encrypted").remove(0);
    let options = LogOptions::new().password(PASSWORD);
    let peak = peak_of(|| drop(options.from_bytes(1, &bytes[..]).unwrap()));
    assert!(peak < bytes.len() / 2, "{peak} bytes to open a file of {}", bytes.len());
    let file = options.from_bytes(1, &bytes[..]).unwrap();
    assert!(file.records().all(|record| !record.unwrap().body().is_empty()));
}

#[test]
fn an_encrypted_file_full_of_headers_is_read_in_bounded_time() {
    if !cfg!(feature = "encryption") {
        return;
    }
    let watch = impatient();
    let sample = Sample::of("env-log11-le-encrypted", 1, 700);
    watch.about(&sample.name);
    let mut bytes = sample.bytes.clone();
    let size = 48 << 10;
    while bytes.len() < size {
        let mut header = vec![0x5a; 48];
        let len = to_u32(size - bytes.len());
        put_u32(sample.order, &mut header, 0, 1);
        put_u32(sample.order, &mut header, 4, len);
        bytes.extend(header);
    }
    let file = sample.open(&bytes).unwrap();
    let outcome = read_file(file.records(), bytes.len());
    assert!(outcome.errors.is_empty() && !outcome.tail.unwrap().is_clean());
    assert!(same(&outcome.records, &sample.records.iter().collect::<Vec<_>>()));
}
