//! Genuine logs of every version that the store used, in both byte orders, beside what
//! `db_printlog` of the release that wrote them printed; and the tables of record types
//! beside those that were taken from the releases.

use std::collections::BTreeMap;
use std::path::Path;

use bdbkit::Lsn;
use bdbkit::log::{
    Behind, FieldKind, LogDir, LogError, LogFile, LogOptions, Print, Printer, RecordDefect, Schema, TailKind,
    TxnId,
};

use crate::common;
use crate::common::logs::{
    LATER, Outcome, PASSWORD, VERSIONS, Written, get_u32, lsn, open, options, places, put_u32, read_file,
    skipped, to_u32, to_usize,
};
use crate::common::{Case, cases, read, testdata};

/// Prints a whole log as `db_printlog` does, and gives the errors that were met.
fn print(log: &LogDir) -> (Vec<u8>, Vec<LogError>) {
    let (mut text, mut errors) = (Vec::new(), Vec::new());
    for record in log.records() {
        match record {
            Ok(record) => assert_eq!(Printer::new().print(&record, &mut text).unwrap(), record.note()),
            Err(error) => errors.push(error),
        }
    }
    (text, errors)
}

fn assert_same_lines(case: &str, found: &[u8], expected: &[u8]) {
    let lines = |text: &[u8]| -> Vec<String> {
        text.split(|&byte| byte == b'\n').map(|line| line.escape_ascii().to_string()).collect()
    };
    for (i, (found, expected)) in lines(found).into_iter().zip(lines(expected)).enumerate() {
        assert_eq!(found, expected, "{case}: line {}", i + 1);
    }
    assert_eq!(found.len(), expected.len(), "{case}: the same lines, but not as many");
}

/// All genuine logs without damage that can be opened.
fn whole() -> Vec<Case> {
    let cases = cases(&["env-", "mboxlist-"]);
    assert!(cases.len() >= 75);
    cases.into_iter().filter(|case| !skipped(case)).collect()
}

#[test]
fn genuine_logs_print_as_the_release_that_wrote_them_prints() {
    for case in whole() {
        let (text, errors) = print(&open(&case));
        assert!(errors.is_empty(), "{}: {errors:?}", case.name);
        assert_same_lines(&case.name, &text, &read(case.folder().join("printlog.txt")));
    }
}

/// A record type in words: number, name, printed name, and the fields with type and form.
type Row = (u32, String, String, Vec<(String, FieldKind, Print)>);

fn kind_of(word: &str) -> FieldKind {
    match word {
        "u32" => FieldKind::Unsigned,
        "i32" => FieldKind::Signed,
        "pgno" => FieldKind::Page,
        "recno" => FieldKind::RecordNumber,
        "fileid" => FieldKind::FileId,
        "time" => FieldKind::Time,
        "op" => FieldKind::Operation,
        "regop" => FieldKind::Register,
        "lsn" => FieldKind::Lsn,
        "size" => FieldKind::Size,
        "dbt" => FieldKind::Bytes,
        "pgdbt" => FieldKind::PageImage,
        "pgddbt" => FieldKind::PageTail,
        "hdr" => FieldKind::Item,
        "data" => FieldKind::ItemTail,
        "locks" => FieldKind::Locks,
        "pglist" => FieldKind::PageList,
        other => panic!("no such type: {other}"),
    }
}

fn print_of(word: &str) -> Print {
    match word {
        "lu" => Print::UnsignedLong,
        "ld" => Print::SignedLong,
        "lx" => Print::Hexadecimal,
        "u" => Print::Unsigned,
        "d" => Print::Signed,
        "o" => Print::Octal,
        "lsn" => Print::Lsn,
        "bytes" => Print::Bytes,
        "time" => Print::Time,
        "locks" => Print::Locks,
        "op" => Print::Operation,
        "regop" => Print::Register,
        "pglist" => Print::PageList,
        "db" => Print::Database,
        other => panic!("no such form: {other}"),
    }
}

fn row(entry: &toml::Value) -> Row {
    let word = |value: &toml::Value, key: &str| value[key].as_str().unwrap().to_owned();
    let name = word(entry, "name");
    let printed = entry.get("printed").map_or(name.clone(), |_| word(entry, "printed"));
    let field = |field: &toml::Value| {
        (word(field, "name"), kind_of(&word(field, "type")), print_of(&word(field, "print")))
    };
    let fields = entry["fields"].as_array().unwrap().iter().map(field).collect();
    (u32::try_from(entry["id"].as_integer().unwrap()).unwrap(), name, printed, fields)
}

fn rows(schema: &Schema) -> Vec<Row> {
    let row = |layout: &bdbkit::log::RecordLayout| {
        let found = schema.record(layout.kind()).map(|found| found.name());
        assert_eq!(found, Some(layout.name()), "by number and in the list");
        let field = |field: &bdbkit::log::FieldLayout| (field.name().to_owned(), field.kind(), field.print());
        let fields = layout.fields().iter().map(field).collect();
        (layout.kind(), layout.name().to_owned(), layout.printed_name().to_owned(), fields)
    };
    schema.records().map(row).collect()
}

#[test]
fn the_tables_of_all_versions_are_those_of_the_releases() {
    let text = String::from_utf8(read(testdata().join("log-records.toml"))).unwrap();
    let tables: toml::Table = text.parse().unwrap();
    let mut checked = 0;
    for version in 0..=25 {
        let schemas: Vec<&Schema> = Schema::of_version(version).collect();
        if LATER.contains(&version) {
            continue;
        }
        let Some(entries) = tables.get(&format!("log{version}")) else {
            assert!(schemas.is_empty() && !VERSIONS.contains(&version), "version {version}");
            continue;
        };
        let dialects = if version == 2 { &["2.7", "3.0", "3.1"][..] } else { &[""] };
        assert_eq!(schemas.len(), dialects.len(), "version {version}");
        for (schema, dialect) in schemas.into_iter().zip(dialects) {
            assert_eq!(schema.version(), version);
            let known = |entry: &&toml::Value| match entry.get("libs") {
                Some(libs) => libs.as_array().unwrap().iter().any(|lib| lib.as_str() == Some(dialect)),
                None => true,
            };
            let entries = entries.as_array().unwrap();
            let mut expected: Vec<Row> = entries.iter().filter(known).map(row).collect();
            expected.sort_by_key(|row| row.0);
            let found = rows(schema);
            let kinds = |rows: &[Row]| rows.iter().map(|row| row.0).collect::<Vec<_>>();
            assert_eq!(kinds(&found), kinds(&expected), "version {version} {dialect}");
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(found, expected, "version {version} {dialect}");
            }
            checked += found.len();
        }
    }
    assert!(checked >= 900, "{checked} record types");
}

/// The fields of a record type that a later version changed, as other-releases has them.
fn changed(version: u32, kind: u32) -> Option<(&'static str, &'static [(&'static str, &'static str)])> {
    const WRITE_20: &[(&str, &str)] = &[
        ("name", "dbt"),
        ("dirname", "dbt"),
        ("appname", "u32"),
        ("offset_lo", "u32"),
        ("offset_hi", "u32"),
        ("old_data", "dbt"),
        ("new_data", "dbt"),
        ("flag", "u32"),
    ];
    const WRITE_21: &[(&str, &str)] = &[
        ("name", "dbt"),
        ("dirname", "dbt"),
        ("appname", "u32"),
        ("offset", "u64"),
        ("old_data", "dbt"),
        ("new_data", "dbt"),
        ("flag", "u32"),
    ];
    match (kind, version) {
        (86, 20) => Some(("__fop_write_file", WRITE_20)),
        (86, _) => Some(("__fop_write_file", WRITE_21)),
        _ => None,
    }
}

/// The versions of releases 6.0 to 18.1 are that of 5.3, but for three record types.
#[test]
fn the_tables_of_later_versions_differ_from_the_last_in_what_they_changed() {
    let last = rows(Schema::of_version(19).next().unwrap());
    for version in LATER {
        let found = rows(Schema::of_version(version).next().unwrap());
        let mut new = 0;
        for row in &found {
            let (kind, name, _, fields) = row;
            let before = last.iter().find(|known| known.0 == *kind);
            if let Some((expected, layout)) = changed(version, *kind) {
                assert!(before.is_none(), "a type of its own");
                assert_eq!(name, expected);
                let layout: Vec<(String, FieldKind)> = layout
                    .iter()
                    .map(|(name, kind)| {
                        ((*name).to_owned(), if *kind == "u64" { FieldKind::Wide } else { kind_of(kind) })
                    })
                    .collect();
                let fields: Vec<(String, FieldKind)> =
                    fields.iter().map(|(name, kind, _)| (name.clone(), *kind)).collect();
                assert_eq!(fields, layout, "version {version}");
                new += 1;
                continue;
            }
            let before = before.unwrap_or_else(|| panic!("version {version} has {name}"));
            let mut expected = before.clone();
            match kind {
                151 => {
                    expected.3[0].1 = FieldKind::Operation;
                    expected.3[0].2 = Print::Operation;
                    expected.3[5].1 = FieldKind::Item;
                    if version >= 22 {
                        expected.3[6].1 = FieldKind::ItemTail;
                    }
                }
                2 if version >= 22 => expected.3.extend(
                    ["blob_fid_lo", "blob_fid_hi"]
                        .map(|name| (name.to_owned(), FieldKind::Unsigned, Print::UnsignedLong)),
                ),
                _ => {}
            }
            assert_eq!(*row, expected, "version {version}");
        }
        assert_eq!((new, found.len()), (1, last.len() + 1), "version {version}");
    }
}

/// Number of the damaged offset in the words of `damage.txt`.
fn damaged_offset(case: &Case) -> u32 {
    let text = String::from_utf8(read(case.folder().join("damage.txt"))).unwrap();
    let (_, behind) = text.split_once("record at offset ").unwrap();
    let digits: String = behind.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

fn damage_cases(kind: &str) -> Vec<Case> {
    let all: Vec<Case> = cases(&["damage-log"]).into_iter().filter(|case| case.has(kind)).collect();
    assert!(!all.is_empty(), "no case of {kind}");
    all
}

#[test]
fn a_file_with_a_wrong_magic_number_is_refused_with_that_number() {
    for case in damage_cases("bad-magic") {
        let bytes = read(case.folder().join("log.0000000001"));
        let number = u32::from_le_bytes(bytes[12..16].try_into().unwrap());
        let is_refusal = |error: &LogError| matches!(error, LogError::NotALog { found } if *found == number);
        let log = open(&case);
        let file = log.log_files().next().unwrap();
        assert!(is_refusal(file.log().unwrap_err()), "{}: {:?}", case.name, file.log());
        assert!(!file.unwritten(), "damage, not an empty file");
        let (text, errors) = print(&log);
        assert_eq!(text, b"", "{}", case.name);
        match &errors[..] {
            [LogError::File { path, source }] => {
                assert!(is_refusal(source) && path.ends_with("log.0000000001"), "{errors:?}");
            }
            _ => panic!("{}: {errors:?}", case.name),
        }
        let message = errors[0].to_string();
        assert!(message.contains(&format!("{number:#010x}")), "{message}");
        assert_eq!(log.records_back().filter(Result::is_err).count(), 1);
        assert!(matches!(log.record(lsn(1, 28)), Err(LogError::NoRecord { .. })));
    }
}

#[test]
fn a_wrong_back_pointer_is_noticed_and_costs_nothing() {
    for case in damage_cases("bad-prev") {
        let at = damaged_offset(&case);
        let log = open(&case);
        let (text, errors) = print(&log);
        assert!(errors.is_empty(), "{}: {errors:?}", case.name);
        assert_same_lines(&case.name, &text, &read(case.folder().join("printlog.txt")));
        let (mut before, mut noticed) = (0, 0);
        for record in log.records().map(Result::unwrap) {
            let expected = (record.lsn().offset == at).then_some(before);
            assert_eq!(record.misplaced(), expected, "{}: {}", case.name, record.lsn());
            noticed += usize::from(expected.is_some());
            before = record.lsn().offset;
        }
        assert_eq!(noticed, 1, "{}", case.name);
        let back = log.records_back().filter_map(|record| record.unwrap().misplaced()).count();
        assert_eq!(back, 1, "{}: backward", case.name);
    }
}

fn is_damage_at(error: &LogError, at: Lsn, kind: &str) -> bool {
    match error {
        LogError::Damaged { lsn, defect } => {
            *lsn == at
                && match kind {
                    "bad-checksum" => matches!(defect, RecordDefect::Checksum { .. }),
                    "zero-length" => matches!(defect, RecordDefect::Length { found: 0, .. }),
                    _ => matches!(defect, RecordDefect::Cut { need: 1_048_576, .. }),
                }
        }
        _ => false,
    }
}

#[test]
fn a_damaged_record_ends_the_log_with_an_error_that_names_it() {
    for kind in ["bad-checksum", "length-beyond", "zero-length"] {
        for case in damage_cases(kind) {
            let name = &case.name;
            let at = lsn(1, damaged_offset(&case));
            let log = open(&case);
            let (text, errors) = print(&log);
            assert_same_lines(name, &text, &read(case.folder().join("printlog.txt")));
            assert!(errors.len() == 1 && is_damage_at(&errors[0], at, kind), "{name}: {errors:?}");

            let file = log.log_files().next().unwrap().log().unwrap();
            let size = to_usize(to_u32(usize::try_from(file.size()).unwrap()));
            let Outcome { tail, records: before, .. } = read_file(file.records(), size);
            let tail = tail.unwrap();
            assert_eq!(tail.lsn, at, "{name}: {tail}");
            assert!(!tail.is_clean() && tail.to_string().contains(&at.to_string()), "{name}: {tail}");
            let Some(Behind { lsn: behind, follows: true, .. }) = tail.behind else {
                panic!("{name}: {tail}")
            };
            assert!(matches!(file.record(at.offset), Err(LogError::Damaged { lsn, .. }) if lsn == at));

            // What stands behind is what a file without the damage holds there.
            let Outcome { records: all, errors, tail } = read_file(file.records().past_end(), size);
            assert!(errors.len() == 1 && is_damage_at(&errors[0], at, kind), "{name}: {errors:?}");
            assert!(tail.unwrap().is_clean(), "{name}: {tail:?}");
            let written: Vec<Written> = all.iter().map(Written::of).collect();
            assert_eq!(written[before.len()].lsn, behind, "{name}");
            assert_eq!(mended(&case, at.offset, behind.offset, written[before.len()].lsn), written, "{name}");
            assert_eq!(log.records().past_end().filter(Result::is_ok).count(), written.len(), "{name}");
        }
    }
}

/// The records of a file whose damage is undone, without the one that was damaged.
fn mended(case: &Case, at: u32, next: u32, behind: Lsn) -> Vec<Written> {
    let mut bytes = read(case.folder().join("log.0000000001"));
    let file = LogFile::from_bytes(1, &bytes[..]).unwrap();
    let (version, order) = (file.version(), file.endianness());
    let mut tries = Vec::new();
    if case.has("bad-checksum") {
        let text = String::from_utf8(read(case.folder().join("damage.txt"))).unwrap();
        let (_, byte) = text.split_once("(byte ").unwrap();
        let byte: usize = byte.trim_end().trim_end_matches(')').parse().unwrap();
        for bit in 0..8 {
            let mut other = bytes.clone();
            other[byte] ^= 1 << bit;
            tries.push(other);
        }
    } else {
        let field = to_usize(at) + places(version).0;
        assert_ne!(get_u32(order, &bytes, field), next - at);
        put_u32(order, &mut bytes, field, next - at);
        tries.push(bytes);
    }
    let whole = |bytes: &Vec<u8>| {
        let file = LogFile::from_bytes(1, &bytes[..]).unwrap();
        let outcome = read_file(file.records(), bytes.len());
        let found: Vec<Written> = outcome.records.iter().map(Written::of).collect();
        (outcome.errors.is_empty() && found.iter().any(|record| record.lsn == behind)).then_some(found)
    };
    let found: Vec<Vec<Written>> = tries.iter().filter_map(whole).collect();
    assert_eq!(found.len(), 1, "{}: one way to undo the damage", case.name);
    found.into_iter().flatten().filter(|record| record.lsn.offset != at).collect()
}

fn all_of(log: &LogDir) -> Vec<Written> {
    log.records().map(|record| Written::of(&record.unwrap())).collect()
}

#[test]
fn records_in_both_directions_and_by_lsn_are_the_same() {
    for case in whole() {
        let log = open(&case);
        let forward = all_of(&log);
        assert!(forward.len() > 10, "{}", case.name);
        assert!(forward.windows(2).all(|two| two[0].lsn < two[1].lsn), "{}", case.name);
        let back: Vec<Written> = log.records_back().map(|record| Written::of(&record.unwrap())).collect();
        assert!(back.iter().eq(forward.iter().rev()), "{}: backward", case.name);
        for record in &forward {
            assert_eq!(&Written::of(&log.record(record.lsn).unwrap()), record, "{}", case.name);
            let wrong = [lsn(record.lsn.file, 0), lsn(record.lsn.file + 100, record.lsn.offset)];
            for wrong in wrong {
                assert!(matches!(log.record(wrong), Err(LogError::NoRecord { lsn, .. }) if lsn == wrong));
            }
            let inside = lsn(record.lsn.file, record.lsn.offset + 1);
            assert!(log.record(inside).is_err(), "{}: {inside}", case.name);
        }
    }
}

#[test]
fn a_file_in_a_folder_is_the_same_file_by_itself() {
    for case in whole() {
        let mut single = Vec::new();
        let log = open(&case);
        for (i, file) in log.log_files().enumerate() {
            assert_eq!(Some(file.number()), common::logs::to_u32(i).checked_add(1));
            let path = file.path();
            let mapped = options(&case).open(path).unwrap();
            let bytes = read(path);
            let borrowed = options(&case).from_bytes(file.number(), &bytes[..]).unwrap();
            let found: Vec<Written> = mapped.records().map(|record| Written::of(&record.unwrap())).collect();
            let same: Vec<Written> = borrowed.records().map(|record| Written::of(&record.unwrap())).collect();
            assert_eq!(found, same, "{}", path.display());
            single.extend(found);
            let version: u32 =
                case.name.split_once("-log").unwrap().1.split('-').next().unwrap().parse().unwrap();
            let big = case.big_endian && version < 14;
            assert_eq!(mapped.version(), version, "{}", case.name);
            assert_eq!(mapped.endianness() == bdbkit::Endianness::Big, big, "{}", case.name);
            assert_eq!(mapped.encrypted(), case.has("encrypted"), "{}", case.name);
        }
        assert_eq!(single, all_of(&log), "{}", case.name);
    }
}

#[test]
fn reading_from_an_lsn_begins_with_the_first_record_that_is_not_before_it() {
    for case in whole() {
        let log = open(&case);
        let all: Vec<Lsn> = all_of(&log).iter().map(|record| record.lsn).collect();
        let step = (all.len() / 12).max(1);
        let mut probes: Vec<Lsn> = vec![lsn(0, 0), lsn(1, 0), lsn(1, 27), lsn(u32::MAX, u32::MAX)];
        for &place in all.iter().step_by(step).chain(all.last()) {
            probes.extend([
                place,
                lsn(place.file, place.offset - 1),
                lsn(place.file, place.offset + 1),
                lsn(place.file, u32::MAX),
                lsn(place.file + 1, 0),
            ]);
        }
        for from in probes {
            let expected = &all[all.partition_point(|&place| place < from)..];
            let mut records = log.records().from(from);
            let first = records.next().map(|record| record.unwrap().lsn());
            assert_eq!(first, expected.first().copied(), "{}: from {from}", case.name);
            let rest = records.by_ref().map(|record| record.unwrap().lsn());
            assert!(rest.eq(expected.iter().skip(1).copied()), "{}: from {from}", case.name);
        }
    }
}

#[test]
fn the_chain_of_a_transaction_is_all_of_its_records_backward() {
    let (mut chains, mut again) = (0, 0);
    for case in whole() {
        let log = open(&case);
        // Numbers are used again: a record without one before it begins another chain.
        let mut open_chains: BTreeMap<TxnId, Vec<Lsn>> = BTreeMap::new();
        let mut ended = Vec::new();
        for record in log.records().map(Result::unwrap) {
            let Some(txn) = record.txn() else {
                assert_eq!(log.chain(record.lsn()).count(), 1, "{}: outside transactions", case.name);
                continue;
            };
            let chain = open_chains.entry(txn).or_default();
            if record.prev_lsn() == Lsn::default() {
                again += usize::from(!chain.is_empty());
                ended.push(std::mem::take(chain));
            }
            chain.push(record.lsn());
        }
        ended.extend(open_chains.into_values());
        for chain in ended.into_iter().filter(|chain| !chain.is_empty()) {
            let last = *chain.last().unwrap();
            let found: Vec<Lsn> = log.chain(last).map(|record| record.unwrap().lsn()).collect();
            assert!(found.iter().eq(chain.iter().rev()), "{}: {chain:?} {found:?}", case.name);
            chains += 1;
        }
    }
    assert!(chains > 1000, "{chains} transactions");
    println!("{chains} transactions, {again} with a number that was used before");
}

#[test]
fn the_tail_of_a_genuine_log_is_what_the_case_says() {
    let mut torn = 0;
    for case in whole() {
        let log = open(&case);
        let mut records = log.records();
        let last = records.by_ref().map(Result::unwrap).last().unwrap();
        let tail = records.tail().unwrap();
        assert_eq!(tail.lsn, lsn(last.lsn().file, last.lsn().offset + last.size()), "{}", case.name);
        assert_eq!(tail.behind, None, "{}", case.name);
        if case.has("torn") {
            assert!(
                matches!(tail.kind, TailKind::Cut { have, need } if have < need),
                "{}: {tail}",
                case.name
            );
            torn += 1;
        } else {
            assert!(tail.is_clean(), "{}: {tail}", case.name);
        }
    }
    assert!(torn >= 8, "{torn}");
}

fn encrypted() -> Vec<Case> {
    let all: Vec<Case> = cases(&["env-log"]).into_iter().filter(|case| case.has("encrypted")).collect();
    assert!(all.len() >= 2 && all.iter().any(|case| case.big_endian), "encrypted cases went missing");
    all
}

fn all_files_refuse(folder: &Path, options: &LogOptions, refused: fn(&LogError) -> bool) {
    let log = options.open_dir(folder).unwrap();
    let files = log.log_files().len();
    for file in log.log_files() {
        assert!(refused(file.log().unwrap_err()), "{}", file.path().display());
        assert!(!file.unwritten(), "{}", file.path().display());
        assert!(refused(&options.open(file.path()).unwrap_err()), "{}", file.path().display());
    }
    let found: Vec<LogError> = log.records().map(Result::unwrap_err).collect();
    assert_eq!(found.len(), files, "{found:?}");
    assert!(found.iter().all(|error| matches!(error, LogError::File { source, .. } if refused(source))));
}

#[test]
fn encrypted_logs_need_their_password() {
    for case in encrypted() {
        let folder = case.folder();
        all_files_refuse(&folder, &LogOptions::new(), |error| matches!(error, LogError::Encrypted));
        if !skipped(&case) {
            for wrong in ["", "corpus-passwor", "corpus-password ", "Corpus-password"] {
                let options = LogOptions::new().password(wrong);
                all_files_refuse(&folder, &options, |error| matches!(error, LogError::Password));
            }
            let options = LogOptions::new().password(PASSWORD);
            assert!(!format!("{options:?}").contains(PASSWORD), "it would stand in people's logs");
            let log = options.open_dir(&folder).unwrap();
            assert!(log.log_files().all(|file| file.log().is_ok_and(LogFile::encrypted)), "{}", case.name);
            assert_eq!(log.records().next().unwrap().unwrap().lsn(), lsn(1, 64), "{}", case.name);
        }
    }
    // A password does no harm to a log without one.
    let plain = testdata().join("env-log8-le-mix");
    let with = LogOptions::new().password(PASSWORD).open_dir(&plain).unwrap();
    assert_eq!(all_of(&with), all_of(&LogDir::open(&plain).unwrap()));
}
