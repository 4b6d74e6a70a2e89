//! Logs that a small writer made in memory, of all versions and in both byte orders:
//! what is read is what was written, and the ways in which a file, and the log, can end
//! are told apart (log-format, "Where a file, and the log, ends").

use std::path::Path;

use bdbkit::Endianness::{self, Big, Little};
use bdbkit::Lsn;
use bdbkit::log::{
    FieldKind, LogDir, LogError, LogFile, Printer, Record, RecordDefect, RecordLayout, RecordNote, Schema,
    TailKind, TxnId, Value,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tempfile::TempDir;

use crate::common;
use crate::common::logs::{
    FIRST, HEADER, VERSIONS, Writer, Written, file_header, get_u32, lsn, read_file, save, seal, to_u32,
    to_usize, word,
};

fn check_cases<S: Strategy>(cases: u32, strategy: &S, test: impl Fn(S::Value)) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let run = TestRunner::new(config).run(strategy, |value| {
        test(value);
        Ok(())
    });
    run.unwrap_or_else(|error| panic!("{error}"));
}

/// Numbers that look random, the same for the same seed.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 33).unwrap() << 1 | u32::try_from(self.0 >> 40 & 1).unwrap()
    }

    fn below(&mut self, end: usize) -> usize {
        to_usize(self.next()) % end
    }

    /// Small ones and zeros are what logs are full of.
    fn number(&mut self) -> u32 {
        match self.next() % 4 {
            0 => 0,
            1 => self.next() % 100,
            2 => u32::MAX - self.next() % 3,
            _ => self.next(),
        }
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next().to_le_bytes()[3]).collect()
    }
}

/// A field as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Given {
    Word(u32),
    Size(u64),
    Wide(u64),
    Lsn(Lsn),
    Bytes(Vec<u8>),
}

impl Given {
    fn of(value: Value<'_>) -> Given {
        match value {
            Value::Unsigned(n) => Given::Word(n),
            Value::Signed(n) => Given::Word(u32::from_le_bytes(n.to_le_bytes())),
            Value::Size(n) => Given::Size(n),
            Value::Lsn(lsn) => Given::Lsn(lsn),
            Value::Bytes(bytes) => Given::Bytes(bytes.to_vec()),
            other => panic!("{other:?}"),
        }
    }

    fn as_read(&self) -> Given {
        if let Given::Wide(n) = self { Given::Size(*n) } else { self.clone() }
    }

    fn write(&self, order: Endianness, wide: bool, out: &mut Vec<u8>) {
        match self {
            Given::Word(n) => out.extend(word(order, *n)),
            Given::Wide(n) if order == Little => out.extend(n.to_le_bytes()),
            Given::Wide(n) => out.extend(n.to_be_bytes()),
            Given::Size(n) if wide && order == Little => out.extend(n.to_le_bytes()),
            Given::Size(n) if wide => out.extend(n.to_be_bytes()),
            Given::Size(n) => out.extend(word(order, u32::try_from(*n).unwrap())),
            Given::Lsn(lsn) => out.extend([lsn.file, lsn.offset].map(|n| word(order, n)).concat()),
            Given::Bytes(bytes) => {
                out.extend(word(order, to_u32(bytes.len())));
                out.extend(bytes);
            }
        }
    }
}

/// What a body was made to be.
#[derive(Clone, Debug)]
enum Meant {
    Known { kind: u32, debug: bool, fields: Vec<Given> },
    Application { kind: u32 },
    Unknown { kind: u32 },
    Short,
}

#[derive(Clone, Debug)]
struct Body {
    meant: Meant,
    txn: u32,
    prev: Lsn,
    bytes: Vec<u8>,
}

fn layouts(version: u32) -> Vec<&'static RecordLayout> {
    Schema::of_version(version).flat_map(Schema::records).collect()
}

fn body(version: u32, order: Endianness, seed: u64) -> Body {
    let mut numbers = Numbers(seed);
    numbers.next();
    let (txn, prev) = (numbers.number(), lsn(numbers.number(), numbers.number()));
    let wide = numbers.below(2) == 0;
    let known = layouts(version);
    let (first, rest, meant) = match numbers.below(8) {
        0 => {
            let kind = 10000 + numbers.next() % 1000;
            let len = numbers.below(40);
            (kind, numbers.bytes(len), Meant::Application { kind })
        }
        1 => {
            // Not one of the library's in any version, and below those of applications.
            let kind = [3, 5, 12 + 3, 100, 149][numbers.below(5)];
            let kind = if known.iter().any(|layout| layout.kind() == kind) { 99 } else { kind };
            let len = numbers.below(40);
            (kind, numbers.bytes(len), Meant::Unknown { kind })
        }
        2 => {
            let len = 1 + numbers.below(15);
            return Body { meant: Meant::Short, txn: 0, prev: Lsn::default(), bytes: numbers.bytes(len) };
        }
        _ => {
            let layout = known[numbers.below(known.len())];
            let debug = version >= 8 && numbers.below(5) == 0;
            let mut fields = Vec::new();
            for field in layout.fields() {
                fields.push(match field.kind() {
                    FieldKind::Size => Given::Size(u64::from(numbers.next() % 5000)),
                    FieldKind::Wide => {
                        Given::Wide(u64::from(numbers.number()) << 32 | u64::from(numbers.number()))
                    }
                    FieldKind::Lsn => Given::Lsn(lsn(numbers.number(), numbers.number())),
                    FieldKind::Bytes
                    | FieldKind::PageImage
                    | FieldKind::PageTail
                    | FieldKind::Item
                    | FieldKind::ItemTail
                    | FieldKind::Locks
                    | FieldKind::PageList => {
                        let len = numbers.below(30) * numbers.below(2);
                        Given::Bytes(numbers.bytes(len))
                    }
                    _ => Given::Word(numbers.number()),
                });
            }
            let mut rest = Vec::new();
            fields.iter().for_each(|field| field.write(order, wide, &mut rest));
            let mark = if debug { 0x8000_0000 } else { 0 };
            (layout.kind() | mark, rest, Meant::Known { kind: layout.kind(), debug, fields })
        }
    };
    let prefix = [first, txn, prev.file, prev.offset].map(|n| word(order, n)).concat();
    Body { meant, txn, prev, bytes: [prefix, rest].concat() }
}

/// A plan for a log.
#[derive(Clone, Debug)]
struct Plan {
    version: u32,
    order: Endianness,
    max: usize,
    first: u32,
    seeds: Vec<u64>,
}

impl Plan {
    fn bodies(&self) -> Vec<Body> {
        self.seeds.iter().map(|&seed| body(self.version, self.order, seed)).collect()
    }

    fn write(&self) -> Writer {
        let mut log = Writer::new(self.version, self.order, self.max, self.first);
        for body in self.bodies() {
            log.append(&body.bytes);
        }
        log
    }
}

fn plan(records: std::ops::Range<usize>, max: std::ops::Range<usize>) -> impl Strategy<Value = Plan> {
    let version = prop::sample::select(VERSIONS.to_vec());
    let seeds = prop::collection::vec(any::<u64>(), records);
    (version, any::<bool>(), max, 1..4_u32, seeds).prop_map(|(version, big, max, first, seeds)| {
        let order = if big { Big } else { Little };
        Plan { version, order, max, first, seeds }
    })
}

fn open(folder: &Path) -> LogDir {
    LogDir::open(folder).unwrap()
}

fn saved(log: &Writer) -> (TempDir, LogDir) {
    let folder = TempDir::new().unwrap();
    log.save(folder.path());
    let dir = open(folder.path());
    (folder, dir)
}

/// Place among the dialects of version 2, by the types that occur.
fn dialect(bodies: &[Body], order: Endianness) -> usize {
    let kinds = bodies.iter().filter(|body| body.bytes.len() >= 4).map(|body| get_u32(order, &body.bytes, 0));
    let shows = |kind| match kind {
        2 | 10 | 11 | 31 | 60..=64 | 145 | 146 => 2,
        29 | 30 | 48 | 59 | 76..=80 | 141..=144 => 1,
        _ => 0,
    };
    kinds.map(shows).max().unwrap_or(0)
}

fn check_record(record: &Record<'_>, body: &Body, version: u32, dialect: usize) {
    assert_eq!(to_usize(record.size()), HEADER + body.bytes.len());
    assert_eq!(record.version(), version);
    let shown = format!("{record:?}");
    assert!(shown.contains("lsn") && !record.name().is_empty(), "{shown}");
    let mut text = Vec::new();
    Printer::new().print(record, &mut text).unwrap();
    // Releases with numbered messages begin the line of an application's record with one.
    let text = text.strip_prefix(b"BDB5016 ").unwrap_or(&text);
    assert!(text.starts_with(record.lsn().to_string().as_bytes()), "{}", text.escape_ascii());
    if let Meant::Short = body.meant {
        let short = RecordNote::Short { len: body.bytes.len() };
        let note = record.note().unwrap();
        assert!(note == short || note == RecordNote::Application, "{note}");
        assert_eq!(record.fields().count(), 0);
        return;
    }
    assert_eq!(record.txn(), (body.txn != 0).then_some(TxnId(body.txn)));
    assert_eq!(record.prev_lsn(), body.prev);
    match &body.meant {
        Meant::Known { kind, debug, fields } => {
            assert_eq!((record.kind(), record.debug(), record.note()), (*kind, *debug, None), "{record:?}");
            let found: Vec<Given> = record.fields().map(|field| Given::of(field.value())).collect();
            let fields: Vec<Given> = fields.iter().map(Given::as_read).collect();
            assert_eq!(found, fields, "{record:?}");
            let schemas: Vec<&Schema> = Schema::of_version(version).collect();
            let named = schemas[dialect].record(*kind);
            let named = named.or_else(|| schemas.iter().find_map(|schema| schema.record(*kind))).unwrap();
            assert_eq!(record.name(), named.name());
            let layout = record.layout().unwrap();
            assert!(record.fields().map(|field| field.name()).eq(layout.fields().iter().map(|f| f.name())));
            for field in record.fields() {
                assert_eq!(record.field(field.name()), Some(field.value()), "{record:?}");
            }
        }
        Meant::Application { kind } => {
            assert_eq!((record.kind(), record.note()), (*kind, Some(RecordNote::Application)));
            assert_eq!(record.name(), "application");
        }
        Meant::Unknown { kind } => {
            assert_eq!(
                (record.kind(), record.note()),
                (*kind, Some(RecordNote::UnknownType { kind: *kind }))
            );
            assert_eq!(record.name(), "unknown");
        }
        Meant::Short => panic!("told above"),
    }
}

#[test]
fn what_is_read_is_what_was_written() {
    check_cases(400, &plan(0..30, 250..2000), |plan| {
        let (log, bodies) = (plan.write(), plan.bodies());
        let (_folder, dir) = saved(&log);
        let dialect = if plan.version == 2 { dialect(&bodies, plan.order) } else { 0 };
        assert_eq!(dir.log_files().len(), log.files.len());
        let mut records = dir.records();
        let mut found = Vec::new();
        for record in records.by_ref() {
            let record = record.unwrap();
            check_record(&record, &bodies[found.len()], plan.version, dialect);
            found.push(Written::of(&record));
        }
        assert_eq!(found, log.written);
        let tail = records.tail().unwrap();
        let last = log.files.last().unwrap();
        let number = plan.first + to_u32(log.files.len()) - 1;
        assert_eq!((tail.lsn, tail.kind), (lsn(number, to_u32(last.len())), TailKind::Clean));
        assert!(tail.is_clean());
        let mut back: Vec<Written> = dir.records_back().map(|record| Written::of(&record.unwrap())).collect();
        back.reverse();
        assert_eq!(back, log.written);
        for record in &log.written {
            assert_eq!(&Written::of(&dir.record(record.lsn).unwrap()), record);
        }

        let mut before = 0;
        for (number, bytes) in (plan.first..).zip(&log.files) {
            let file = LogFile::from_bytes(number, &bytes[..]).unwrap();
            assert_eq!(
                (file.version(), file.endianness(), file.encrypted()),
                (plan.version, plan.order, false)
            );
            assert_eq!((file.number(), to_usize(file.max_size()), file.mode()), (number, plan.max, 0));
            assert_eq!(file.last_of_previous(), before, "file {number}");
            let outcome = read_file(file.records(), bytes.len());
            let own: Vec<Written> = outcome.records.iter().map(Written::of).collect();
            let of_this = log.written.iter().filter(|record| record.lsn.file == number).cloned();
            assert_eq!(own, of_this.collect::<Vec<_>>());
            before = own.last().map_or(0, |record| record.lsn.offset);
        }
    });
}

#[test]
fn files_of_several_versions_in_one_folder_are_read_each_by_its_own() {
    let two = (plan(1..12, 250..900), plan(1..12, 250..900));
    check_cases(120, &two, |(old, mut new)| {
        let folder = TempDir::new().unwrap();
        let first = old.write();
        first.save(folder.path());
        new.first = old.first + to_u32(first.files.len());
        if new.version == old.version {
            return; // then the header of the new one would have to name the last record
        }
        let second = new.write();
        second.save(folder.path());
        let dir = open(folder.path());
        let found: Vec<Written> = dir.records().map(|record| Written::of(&record.unwrap())).collect();
        assert_eq!(found, [first.written, second.written].concat());
        let back = dir.records_back().map(|record| Written::of(&record.unwrap()));
        assert!(back.eq(found.into_iter().rev()));
    });
}

/// How the one file of a log is changed behind its last whole record.
#[derive(Clone, Debug)]
enum Ending {
    Zeros(usize),
    Garbage(Vec<u8>),
    Cut(prop::sample::Index),
    Erased,
    Changed(prop::sample::Index, u8),
}

fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![
        (1..100_usize).prop_map(Ending::Zeros),
        prop::collection::vec(any::<u8>(), 1..100).prop_map(Ending::Garbage),
        any::<prop::sample::Index>().prop_map(Ending::Cut),
        Just(Ending::Erased),
        (any::<prop::sample::Index>(), 1..=255_u8).prop_map(|(at, flip)| Ending::Changed(at, flip)),
    ]
}

/// What is expected of a file's end.
struct Expected {
    records: usize,
    tail: Lsn,
    kind: Box<dyn Fn(TailKind) -> bool>,
}

fn end_with(log: &mut Writer, ending: &Ending) -> Expected {
    let file = &mut log.files[0];
    let end = file.len();
    let all = log.written.len();
    let last = log.written.last().unwrap().lsn;
    let start = to_usize(last.offset);
    let behind = |kind: Box<dyn Fn(TailKind) -> bool>| Expected {
        records: all,
        tail: lsn(last.file, to_u32(end)),
        kind,
    };
    let before = |kind: Box<dyn Fn(TailKind) -> bool>| Expected { records: all - 1, tail: last, kind };
    match ending {
        Ending::Zeros(len) => {
            file.resize(end + len, 0);
            let len = to_u32(*len);
            behind(Box::new(move |kind| kind == TailKind::Zeros { len }))
        }
        Ending::Garbage(bytes) => {
            let mut bytes = bytes.clone();
            // Not the offset of the last record, as the next one would have it; not zero.
            bytes[0] = !word(log.order, last.offset)[0];
            bytes[0] = if bytes[0] == 0 { 1 } else { bytes[0] };
            file.extend(&bytes);
            let len = to_u32(bytes.len());
            let found =
                bytes.get(..HEADER).map(|head| get_u32(log.order, head, common::logs::places(log.version).0));
            behind(Box::new(move |kind| match kind {
                TailKind::Garbage { len: found_len, defect } => {
                    found_len == len
                        && match (found, defect) {
                            (None, RecordDefect::Header { left, need: 12 }) => left == len,
                            (Some(n), RecordDefect::Length { found, header: 12, left }) => {
                                found == n && left == len && (n <= 12 || n > len)
                            }
                            (Some(n), RecordDefect::Checksum { .. }) => n > 12 && n <= len,
                            _ => false,
                        }
                }
                _ => false,
            }))
        }
        Ending::Cut(at) => {
            let have = at.index(end - start);
            let need = if have < HEADER { HEADER } else { end - start };
            file.truncate(start + have);
            let zeros = file[start..].iter().all(|&byte| byte == 0);
            let (have, need) = (to_u32(have), to_u32(need));
            before(Box::new(move |kind| match kind {
                TailKind::Clean => have == 0,
                TailKind::Zeros { len } => zeros && len == have,
                _ => !zeros && kind == TailKind::Cut { have, need },
            }))
        }
        Ending::Erased => {
            file[start..].fill(0);
            let len = to_u32(end - start);
            before(Box::new(move |kind| kind == TailKind::Zeros { len }))
        }
        Ending::Changed(at, flip) => {
            let at = start + HEADER + at.index(end - start - HEADER);
            file[at] ^= flip;
            before(Box::new(|kind| matches!(kind, TailKind::Torn { defect: RecordDefect::Checksum { .. } })))
        }
    }
}

#[test]
fn the_end_of_the_last_file_is_told_apart() {
    check_cases(600, &(plan(1..12, 8000..8001), ending()), |(plan, ending)| {
        let mut log = plan.write();
        assert_eq!(log.files.len(), 1);
        let expected = end_with(&mut log, &ending);
        let file = LogFile::from_bytes(plan.first, &log.files[0][..]).unwrap();
        for records in [file.records(), file.records().past_end()] {
            let outcome = read_file(records, log.files[0].len());
            assert!(outcome.errors.is_empty(), "{:?}", outcome.errors);
            let found: Vec<Written> = outcome.records.iter().map(Written::of).collect();
            assert_eq!(found, log.written[..expected.records]);
            let tail = outcome.tail.unwrap();
            assert_eq!((tail.lsn, tail.behind), (expected.tail, None), "{tail}");
            assert!((expected.kind)(tail.kind), "{tail:?}");
            let clean = matches!(tail.kind, TailKind::Clean | TailKind::Zeros { .. });
            assert_eq!(tail.is_clean(), clean, "{tail}");
            assert!(tail.to_string().starts_with(&tail.lsn.to_string()), "{tail}");
        }
    });
}

#[test]
fn what_is_left_of_an_older_log_is_no_part_of_it() {
    check_cases(300, &(plan(4..12, 8000..8001), any::<u64>()), |(plan, seed)| {
        // The second record is written over by a shorter one; those behind it stay. What is
        // left of it is no run of zeros, which can look like a record.
        let mut numbers = Numbers(seed);
        let mut bodies: Vec<Vec<u8>> = plan.bodies().into_iter().map(|body| body.bytes).collect();
        let room = 2 + numbers.below(60);
        bodies[1] = numbers.bytes(room);
        let mut log = Writer::new(plan.version, plan.order, plan.max, plan.first);
        for body in &bodies {
            log.append(body);
        }
        let (kept, over, next) = (log.written[0].clone(), log.written[1].clone(), log.written[2].clone());
        let len = 1 + numbers.below(room - 1);
        let short = common::logs::record(plan.version, plan.order, kept.lsn.offset, &numbers.bytes(len));
        let start = to_usize(over.lsn.offset);
        log.files[0][start..start + short.len()].copy_from_slice(&short);
        let file = LogFile::from_bytes(plan.first, &log.files[0][..]).unwrap();
        let outcome = read_file(file.records(), log.files[0].len());
        assert!(outcome.errors.is_empty(), "{:?}", outcome.errors);
        let found: Vec<Lsn> = outcome.records.iter().map(Record::lsn).collect();
        assert_eq!(found, [kept.lsn, over.lsn]);
        let tail = outcome.tail.unwrap();
        assert_eq!(tail.lsn.offset, over.lsn.offset + to_u32(short.len()), "{tail}");
        let behind = tail.behind.unwrap();
        assert_eq!((behind.lsn, behind.follows), (next.lsn, false), "{tail}");
        assert!(tail.to_string().contains("of an older log, or behind more damage"), "{tail}");
        assert!(!tail.is_clean());
        let outcome = read_file(file.records().past_end(), log.files[0].len());
        assert_eq!(outcome.errors.len(), 1, "{:?}", outcome.errors);
        let found: Vec<Lsn> = outcome.records.iter().map(Record::lsn).collect();
        let all: Vec<Lsn> = log.written.iter().map(|record| record.lsn).collect();
        assert_eq!(found, all);
        assert!(outcome.records[2..].iter().all(|record| record.misplaced().is_none()));
    });
}

#[test]
fn the_next_file_tells_that_what_stands_behind_the_last_record_is_of_an_older_log() {
    let room = (1..80_usize, any::<bool>());
    check_cases(200, &(plan(12..40, 300..500), room, any::<prop::sample::Index>()), |(plan, room, which)| {
        let mut log = plan.write();
        if log.files.len() < 2 {
            return;
        }
        let index = which.index(log.files.len() - 1);
        let number = plan.first + to_u32(index);
        let (len, zeros) = room;
        let bytes = &mut log.files[index];
        let end = lsn(number, to_u32(bytes.len()));
        bytes.extend(vec![if zeros { 0 } else { 0xa5 }; len.max(HEADER)]);
        let mut prev = to_u32(bytes.len()) - 1;
        for _ in 0..3 {
            let next = to_u32(bytes.len());
            let body = [7777, 0, 0, 0].map(|n| word(plan.order, n)).concat();
            bytes.extend(common::logs::record(plan.version, plan.order, prev, &body));
            prev = next;
        }
        let folder = TempDir::new().unwrap();
        log.save(folder.path());
        let dir = open(folder.path());
        let records: Vec<Written> = dir.records().flatten().map(|record| Written::of(&record)).collect();
        assert_eq!(records, log.written);
        let errors: Vec<LogError> = dir.records().filter_map(Result::err).collect();
        assert_eq!(errors.len(), usize::from(!zeros), "{errors:?}");
        let at_end = |error: &LogError| matches!(error, LogError::Damaged { lsn, .. } if *lsn == end);
        assert!(errors.iter().all(at_end), "{errors:?}");
        assert_eq!(dir.records().past_end().flatten().count(), log.written.len() + 3, "asked for");
    });
}

/// How one of several files is changed.
#[derive(Clone, Copy, Debug)]
enum Harm {
    CutInside,
    CutBetween,
    Zeros,
    Changed,
    Missing,
    Empty,
    HeaderCut,
    AllZero,
    HeaderOnly,
}

fn harm() -> impl Strategy<Value = Harm> {
    use Harm::{AllZero, Changed, CutBetween, CutInside, Empty, HeaderCut, HeaderOnly, Missing, Zeros};
    prop::sample::select(vec![
        CutInside, CutBetween, Zeros, Changed, Missing, Empty, HeaderCut, AllZero, HeaderOnly,
    ])
}

/// An error as the log would tell it.
fn words(error: &LogError) -> String {
    let damaged = |lsn: &Lsn, what: &str| format!("{what} {lsn}");
    match error {
        LogError::Damaged { lsn, defect } => match defect {
            RecordDefect::Cut { .. } => damaged(lsn, "cut"),
            RecordDefect::Checksum { .. } => damaged(lsn, "checksum"),
            other => panic!("{other}"),
        },
        LogError::Gap { after, next } => format!("gap {after} {next}"),
        LogError::Unjoined { last, expected } => format!("unjoined {last} {expected}"),
        LogError::File { path, source } => {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let unwritten = matches!(**source, LogError::Short { .. } | LogError::Zeroed);
            format!("file {name} {unwritten}")
        }
        other => panic!("{other}"),
    }
}

/// The records and errors of a folder, in words; checked to be the same backward.
fn told(dir: &LogDir) -> (Vec<Written>, Vec<String>, Option<Lsn>) {
    fn split(found: Vec<Result<Record<'_>, LogError>>) -> Vec<Result<Written, String>> {
        found.into_iter().map(|one| one.map(|r| Written::of(&r)).map_err(|error| words(&error))).collect()
    }
    let mut records = dir.records();
    let forward = split(records.by_ref().collect());
    let mut back = split(dir.records_back().collect());
    back.reverse();
    assert_eq!(forward, back);
    let errors = forward.iter().filter_map(|one| one.clone().err()).collect();
    let tail = records.tail().map(|tail| tail.lsn);
    (forward.into_iter().filter_map(Result::ok).collect(), errors, tail)
}

fn several() -> impl Strategy<Value = (Plan, Harm, prop::sample::Index, prop::sample::Index)> {
    let index = any::<prop::sample::Index>;
    (plan(12..40, 300..500), harm(), index(), index())
}

/// The records of a file.
fn of_file(log: &Writer, number: u32) -> Vec<Written> {
    log.written.iter().filter(|record| record.lsn.file == number).cloned().collect()
}

fn end_of(log: &Writer) -> Lsn {
    lsn(log.first + to_u32(log.files.len()) - 1, to_u32(log.files.last().unwrap().len()))
}

#[test]
fn harm_to_a_file_that_is_not_the_last_is_an_error_and_the_rest_follows() {
    check_cases(500, &several(), |(plan, harm, which, at)| {
        let log = plan.write();
        if log.files.len() < 3 {
            return;
        }
        let index = 1 + which.index(log.files.len() - 2);
        let number = plan.first + to_u32(index);
        let (_folder, errors, lost) = {
            let folder = TempDir::new().unwrap();
            log.save(folder.path());
            let (errors, lost) = harm_file(&log, number, harm, at, folder.path());
            let dir = open(folder.path());
            let (records, found, tail) = told(&dir);
            assert_eq!(found, errors, "{harm:?} of file {number}");
            let left: Vec<Written> =
                log.written.iter().filter(|record| !lost.contains(&record.lsn)).cloned().collect();
            assert_eq!(records, left, "{harm:?} of file {number}");
            assert_eq!(tail, Some(end_of(&log)), "{harm:?} of file {number}");
            (folder, errors, lost)
        };
        let harmless = matches!(harm, Harm::Zeros);
        assert_eq!(errors.is_empty() && lost.is_empty(), harmless, "{harm:?}");
    });
}

/// Changes a file of a folder; gives the errors that are expected, and the records lost.
fn harm_file(
    log: &Writer,
    number: u32,
    harm: Harm,
    at: prop::sample::Index,
    folder: &Path,
) -> (Vec<String>, Vec<Lsn>) {
    let path = folder.join(format!("log.{number:010}"));
    let mut bytes = log.files[to_usize(number - log.first)].clone();
    let records = of_file(log, number);
    let one = at.index(records.len());
    let place = records[one].lsn;
    let start = to_usize(place.offset);
    let last = records.last().unwrap().lsn;
    let before = one.checked_sub(1).map_or(lsn(number, 0), |one| records[one].lsn);
    let from = |one: usize| records[one..].iter().map(|record| record.lsn).collect::<Vec<_>>();
    let unjoined = |found: Lsn| vec![format!("unjoined {found} {last}")];
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let expected = match harm {
        Harm::CutInside => {
            bytes.truncate(start + HEADER / 2 + at.index(HEADER / 2 + records[one].body.len()));
            // A beginning of zeros cannot be told from room made ahead of writing.
            let zeros = bytes[start..].iter().all(|&byte| byte == 0);
            (if zeros { unjoined(before) } else { vec![format!("cut {place}")] }, from(one))
        }
        Harm::CutBetween => {
            bytes.truncate(start);
            (unjoined(before), from(one))
        }
        Harm::HeaderOnly => {
            bytes.truncate(FIRST);
            (unjoined(lsn(number, 0)), from(0))
        }
        Harm::Zeros => {
            bytes.resize(bytes.len() + 1 + at.index(80), 0);
            (vec![], vec![])
        }
        Harm::Changed => {
            bytes[start + HEADER + at.index(records[one].body.len())] ^= 0x41;
            (vec![format!("checksum {place}")], vec![place])
        }
        Harm::Missing => {
            std::fs::remove_file(&path).unwrap();
            return (vec![format!("gap {} {}", number - 1, number + 1)], from(0));
        }
        Harm::Empty => {
            bytes.clear();
            (vec![format!("file {name} true")], from(0))
        }
        Harm::HeaderCut => {
            bytes.truncate(1 + at.index(FIRST - 1));
            (vec![format!("file {name} true")], from(0))
        }
        Harm::AllZero => {
            bytes.fill(0);
            (vec![format!("file {name} true")], from(0))
        }
    };
    std::fs::write(&path, bytes).unwrap();
    expected
}

#[test]
fn a_last_file_without_a_record_is_no_damage() {
    check_cases(200, &(plan(4..30, 300..500), harm(), 1..200_usize), |(plan, harm, len)| {
        let log = plan.write();
        let folder = TempDir::new().unwrap();
        log.save(folder.path());
        let number = plan.first + to_u32(log.files.len());
        let last = log.written.last().unwrap().lsn.offset;
        let header = file_header(plan.version, plan.order, last, to_u32(plan.max));
        let (bytes, end) = match harm {
            Harm::Empty => (vec![], end_of(&log)),
            Harm::HeaderCut => (header[..len % FIRST].to_vec(), end_of(&log)),
            Harm::AllZero => (vec![0; len], end_of(&log)),
            Harm::HeaderOnly => (header, lsn(number, to_u32(FIRST))),
            Harm::Zeros => ([header, vec![0; len]].concat(), lsn(number, to_u32(FIRST))),
            _ => return,
        };
        save(folder.path(), number, &bytes);
        let dir = open(folder.path());
        assert_eq!(told(&dir), (log.written.clone(), vec![], Some(end)), "{harm:?}");
        let unwritten = dir.log_files().last().unwrap().unwritten();
        assert_eq!(unwritten, matches!(harm, Harm::Empty | Harm::HeaderCut | Harm::AllZero), "{harm:?}");
        // A second of its kind changes nothing; nor does its absence.
        if unwritten {
            save(folder.path(), number + 1, &bytes);
            assert_eq!(told(&open(folder.path())), (log.written.clone(), vec![], Some(end)), "{harm:?}");
        }
        // The first files may have been removed.
        std::fs::remove_file(folder.path().join(format!("log.{:010}", plan.first))).unwrap();
        if log.files.len() > 1 {
            let left = log.written.iter().filter(|record| record.lsn.file > plan.first).cloned().collect();
            assert_eq!(told(&open(folder.path())), (left, vec![], Some(end)), "{harm:?}");
        }
    });
}

#[test]
fn a_file_header_with_a_wrong_checksum_or_length_is_an_error_and_the_records_follow() {
    check_cases(200, &(plan(1..8, 8000..8001), 0..FIRST, 1..=255_u8), |(plan, at, flip)| {
        let log = plan.write();
        let mut bytes = log.files[0].clone();
        bytes[at] ^= flip;
        let covered = at >= 4 || plan.version >= 12;
        match LogFile::from_bytes(plan.first, &bytes[..]) {
            Ok(file) => {
                let outcome = read_file(file.records(), bytes.len());
                let at_header = matches!(
                    outcome.errors.first(),
                    Some(LogError::Damaged { lsn: Lsn { offset: 0, .. }, .. })
                );
                assert_eq!(at_header, covered, "byte {at}: {:?}", outcome.errors);
                if let Some(LogError::Damaged { defect: RecordDefect::Length { .. }, .. }) =
                    outcome.errors.first()
                {
                    panic!("a file header has one length: {:?}", outcome.errors);
                }
                // Another version has other headers and checksums.
                if !(16..20).contains(&at) {
                    let found: Vec<Written> = outcome.records.iter().map(Written::of).collect();
                    assert_eq!((found, outcome.errors.len()), (log.written, usize::from(covered)));
                }
            }
            Err(error) => {
                let refused = match error {
                    LogError::NotALog { .. } => (12..16).contains(&at),
                    LogError::Version { version, order } => {
                        assert_eq!((version, order), (get_u32(plan.order, &bytes, 16), plan.order));
                        (16..20).contains(&at)
                    }
                    _ => false,
                };
                assert!(refused, "byte {at}: {error}");
            }
        }
    });
}

/// The same checksum, once more: the writer of these tests makes what the library made.
#[test]
fn the_writer_makes_what_the_releases_made() {
    let mut checked = 0;
    for case in [
        "env-log2-be-clean",
        "env-log3-le-clean",
        "env-log8-be-clean",
        "env-log11-le-clean",
        "env-log14-le-clean",
    ] {
        for (number, bytes) in (1..).zip(common::logs::log_files(case)) {
            let file = LogFile::from_bytes(number, &bytes[..]).unwrap();
            let (version, order) = (file.version(), file.endianness());
            let mut log = bytes[..FIRST].to_vec();
            seal(version, order, &mut log);
            for record in file.records().map(Result::unwrap) {
                log.extend(common::logs::record(version, order, record.prev(), record.body()));
                checked += 1;
            }
            assert!(bytes.starts_with(&log), "{case}");
            assert!(bytes[log.len()..].iter().all(|&byte| byte == 0), "{case}");
        }
    }
    assert!(checked > 200, "{checked}");
}

#[test]
fn other_names_are_not_log_files() {
    let folder = TempDir::new().unwrap();
    let none = |error: LogError| assert!(matches!(error, LogError::NoLogs { .. }), "{error}");
    none(LogDir::open(folder.path()).unwrap_err());
    let mut log = Writer::new(8, Little, 8000, 1);
    log.append(&body(8, Little, 7).bytes);
    for name in
        ["log.1", "log.00001", "log.00000000001", "log.000000000x", "log.0000000001.bak", "LOG.0000000001"]
    {
        std::fs::write(folder.path().join(name), &log.files[0]).unwrap();
    }
    none(LogDir::open(folder.path()).unwrap_err());
    log.save(folder.path());
    assert_eq!(told(&open(folder.path())).0, log.written);
    assert!(matches!(LogDir::open(folder.path().join("no")), Err(LogError::Open { .. })));
}
