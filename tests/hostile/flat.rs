//! QUEUE and HEAP whose bytes are hostile: no panic, no hang, no record less without an error, and
//! no more work and memory than the file accounts for.

use std::fs;

use bdbkit::salvage::Salvage;
use bdbkit::verify::{Severity, Verify};
use bdbkit::{Database, Defect, Endianness, Error};

use crate::common::{cases, data, dump, read, testdata, thorough};
use crate::counting::{peak_of, taken_by};

/// Small files that are one file.
const SMALL: [&str; 8] = [
    "queue-v1-be-few",
    "queue-v3-le-few",
    "queue-v4-be-few",
    "queue-v4-le-consumed",
    "heap-v1-le-empty",
    "heap-v1-be-all-deleted",
    "heap-v1-be-few",
    "heap-v1-le-few",
];

/// What a file gives: how many records, and how many errors.
fn walk(bytes: &[u8]) -> Option<(usize, usize)> {
    let db = Database::from_bytes(bytes).ok()?;
    let bound = bytes.len() + 64;
    let (mut records, mut errors) = (0, 0);
    for pair in db.iter().pairs().take(bound) {
        match pair.and_then(|pair| pair.value().pieces().try_for_each(|piece| piece.map(drop))) {
            Ok(()) => records += 1,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                errors += 1;
            }
        }
    }
    assert!(records + errors < bound, "it does not end");
    Some((records, errors))
}

/// All that is done with a file; what was read of it.
fn every_way(bytes: &[u8]) -> Option<(usize, usize)> {
    let walked = walk(bytes);
    let verdict = Verify::from_bytes(bytes).threads(1).run();
    if let Some((_, errors)) = walked {
        let sound = verdict.worst() < Some(Severity::Error);
        assert!(!sound || errors == 0, "sound, but reading meets {errors} errors");
        let db = Database::from_bytes(bytes).unwrap();
        for leaf in db.scan().take(bytes.len()).flatten() {
            assert!(leaf.entries().take(bytes.len()).count() < bytes.len());
        }
        for number in [0, 1, 20, u32::MAX] {
            let _ = db.record(number);
        }
        let (_, summary, _) = dump(&db, false);
        assert_eq!(summary.damaged == 0, errors == 0, "the dump says otherwise");
        let _ = (db.file_stats(), db.tree_stats());
    }
    let salvage = Salvage::from_bytes(bytes).deleted(true);
    if let Ok(survey) = salvage.survey() {
        assert!(survey.records().take(bytes.len()).count() < bytes.len());
    }
    walked
}

/// Whether the flags of a record may be there: then a change of one may be its deletion.
fn is_flag(name: &str, bytes: &[u8], offset: usize) -> bool {
    let size = 512;
    name.starts_with("queue")
        && offset >= size
        && offset % size >= 28
        && (offset % size - 28) % 36 == 0
        && bytes[offset] & 1 == 1
}

#[test]
fn no_change_of_one_byte_makes_a_record_vanish_without_an_error() {
    for name in SMALL {
        let bytes = data(name);
        let (records, errors) = walk(&bytes).unwrap();
        assert_eq!(errors, 0, "{name}");
        let step = if thorough() { 1 } else { 3 };
        let mut damaged = bytes.clone();
        for offset in (0..bytes.len()).step_by(step) {
            let old = bytes[offset];
            let few = [old ^ 1, old ^ 0x80, 0, 0xff];
            let all: Vec<u8> = if std::env::var_os("BDBKIT_EXHAUSTIVE").is_some() {
                (0..=255).collect()
            } else {
                few.to_vec()
            };
            for new in all.into_iter().filter(|new| *new != old) {
                damaged[offset] = new;
                if let Some((now, 0)) = every_way(&damaged) {
                    let deleted = is_flag(name, &bytes, offset) && new & 1 == 0 && new <= 3;
                    assert!(
                        now >= records - usize::from(deleted),
                        "{name}: byte {offset}, {old} to {new}: {now}"
                    );
                }
            }
            damaged[offset] = old;
        }
    }
}

#[test]
fn no_truncation_passes_unnoticed() {
    for name in SMALL {
        let bytes = data(name);
        let (records, _) = walk(&bytes).unwrap();
        for len in (0..bytes.len()).step_by(if thorough() { 1 } else { 7 }) {
            if let Some((now, 0)) = every_way(&bytes[..len]) {
                assert_eq!(now, records, "{name}: cut to {len}");
            }
        }
    }
}

#[test]
fn damaged_files_of_the_corpus_end() {
    for case in cases(&["damage-queue-", "damage-heap-"]) {
        let bytes = read(case.folder().join("data.db"));
        every_way(&bytes);
        let peak = peak_of(|| assert_eq!(every_way(&bytes), walk(&bytes)));
        assert!(peak < bytes.len() * 16 + (1 << 20), "{}: {peak}", case.name);
    }
}

/// Random changes of several bytes.
#[test]
fn mutants_of_several_bytes_end() {
    let mut seed: u64 = std::env::var("BDBKIT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    let mut random = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap()
    };
    let mutants: usize = std::env::var("BDBKIT_MUTANTS").ok().and_then(|n| n.parse().ok()).unwrap_or(2000);
    let files: Vec<Vec<u8>> =
        SMALL.iter().chain(&["heap-v1-be-checksum", "heap-v1-le-full"]).map(|name| data(name)).collect();
    for _ in 0..mutants {
        let mut bytes = files[random() % files.len()].clone();
        for _ in 0..=random() % 6 {
            let at = if random() % 3 == 0 { random() % 512 } else { random() % bytes.len() };
            bytes[at] = [0, 1, 2, 3, 0x7f, 0x80, 0xff, u8::try_from(random() % 256).unwrap()][random() % 8];
        }
        every_way(&bytes);
    }
}

// -------------------------------------------------------------------------- numbers

fn put(bytes: &mut [u8], at: usize, number: u32, order: Endianness) {
    let raw = if order == Endianness::Big { number.to_be_bytes() } else { number.to_le_bytes() };
    bytes[at..at + 4].copy_from_slice(&raw);
}

#[test]
fn class_34_whatever_the_numbers_of_a_queue_are_it_ends() {
    for (name, at) in
        [("queue-v1-be-few", 56), ("queue-v3-le-few", 72), ("queue-v4-be-few", 72), ("queue-v4-le-few", 72)]
    {
        let bytes = data(name);
        let order = if name.contains("-be-") { Endianness::Big } else { Endianness::Little };
        let (records, _) = walk(&bytes).unwrap();
        for field in (at..at + 24).step_by(4) {
            for number in [0, 1, 2, 59, 62, 1 << 16, u32::MAX - 1, u32::MAX] {
                let mut damaged = bytes.clone();
                put(&mut damaged, field, number, order);
                if let Some((now, 0)) = every_way(&damaged) {
                    assert_eq!(now, records, "{name}: {number} at {field}");
                }
                // However wrong they are, its pages tell.
                let salvage = Salvage::from_bytes(damaged);
                let survey = salvage.survey().unwrap();
                assert!(survey.records().count() >= records, "{name}: {number} at {field}");
            }
        }
    }
}

#[test]
fn a_range_of_all_numbers_takes_no_longer_than_the_pages() {
    let mut bytes = data("queue-v4-le-few");
    put(&mut bytes, 72, 1, Endianness::Little);
    put(&mut bytes, 76, u32::MAX, Endianness::Little);
    let work = taken_by(|| assert!(walk(&bytes).is_some()));
    assert!(work < bytes.len() + (64 << 10), "{work}");
    let errors: Vec<Error> =
        Database::from_bytes(&bytes[..]).unwrap().iter().filter_map(Result::err).collect();
    assert!(matches!(&errors[..], [Error::Corrupt { defect: Defect::BeyondEnd { .. }, .. }]), "{errors:?}");
}

#[test]
fn many_files_beside_are_each_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = read(testdata().join("queue-v4-le-extents/data.db"));
    let page = read(testdata().join("queue-v4-le-extents/__dbq.data.db.1"))[..512].to_vec();
    put(&mut bytes, 92, 1, Endianness::Little);
    put(&mut bytes, 72, 1, Endianness::Little);
    let path = folder.path().join("data.db");
    let mut before = None;
    for extents in [100, 400] {
        put(&mut bytes, 76, extents * 13 + 1, Endianness::Little);
        fs::write(&path, &bytes).unwrap();
        for number in 0..extents {
            let mut page = page.clone();
            put(&mut page, 8, number + 1, Endianness::Little);
            fs::write(folder.path().join(format!("__dbq.data.db.{number}")), page).unwrap();
        }
        let mut records = 0;
        let work = taken_by(|| {
            let db = bdbkit::OpenOptions::new().map(false).open(&path).unwrap();
            records = db.iter().map(Result::unwrap).count();
            assert_eq!(db.scan().map(|leaf| leaf.unwrap().entries().count()).sum::<usize>(), records);
        });
        if let Some((few, less)) = before.replace((records, work)) {
            assert!(records == 4 * few && work < 5 * less, "{less} to {work}");
        }
    }
}

// -------------------------------------------------------------------------- pieces

/// A HEAP with one page of records and `pieces` pieces on others; `next` gives for each the number
/// of the next one, and `firsts` how many begin a record.
fn heap_of(pieces: u32, firsts: u32, next: impl Fn(u32) -> u32) -> Vec<u8> {
    let order = Endianness::Little;
    const EACH: u32 = 20;
    let pages = pieces.div_ceil(EACH) + 2;
    let mut bytes = data("heap-v1-le-empty");
    bytes.resize(usize::try_from(pages).unwrap() * 512, 0);
    put(&mut bytes, 32, pages - 1, order);
    for no in 2..pages {
        let base = usize::try_from(no).unwrap() * 512;
        let first = (no - 2) * EACH;
        let count = (pieces - first).min(EACH);
        put(&mut bytes, base + 8, no, order);
        bytes[base + 25] = 15;
        let count16 = u16::try_from(count).unwrap();
        bytes[base + 16..base + 18].copy_from_slice(&(count16 - 1).to_le_bytes());
        bytes[base + 20..base + 22].copy_from_slice(&count16.to_le_bytes());
        let area = 512 - count16 * 20;
        bytes[base + 22..base + 24].copy_from_slice(&area.to_le_bytes());
        for slot in 0..count16 {
            let piece = first + u32::from(slot);
            let offset = 512 - (slot + 1) * 20;
            let at = base + usize::from(slot) * 2 + 26;
            bytes[at..at + 2].copy_from_slice(&offset.to_le_bytes());
            let item = base + usize::from(offset);
            let target = next(piece);
            let last = target == u32::MAX;
            bytes[item] = 1 | if piece < firsts { 2 } else { 0 } | if last { 4 } else { 0 };
            bytes[item + 2] = 4;
            put(&mut bytes, item + 4, 4 * pieces, order);
            if !last {
                put(&mut bytes, item + 8, 2 + target / EACH, order);
                let slot = u16::try_from(target % EACH).unwrap();
                bytes[item + 12..item + 14].copy_from_slice(&slot.to_le_bytes());
            }
            bytes[item + 16..item + 20].copy_from_slice(&piece.to_le_bytes());
        }
    }
    bytes
}

/// How much two sizes of a file take, in every way.
fn growth(make: impl Fn(u32) -> Vec<u8>) -> [usize; 2] {
    [1000, 4000].map(|size| {
        let bytes = make(size);
        taken_by(|| assert!(every_way(&bytes).is_some()))
    })
}

#[test]
fn a_record_of_many_pieces_is_whole() {
    let bytes = heap_of(1000, 1, |piece| if piece == 999 { u32::MAX } else { piece + 1 });
    assert_eq!(every_way(&bytes), Some((1, 0)));
    let db = Database::from_bytes(&bytes[..]).unwrap();
    let entry = db.iter().next().unwrap().unwrap();
    let expected: Vec<u8> = (0..1000_u32).flat_map(u32::to_le_bytes).collect();
    assert_eq!(entry.value(), expected);
    assert_eq!(Verify::from_bytes(&bytes[..]).run().count(Severity::Error), 0);
}

#[test]
fn pieces_that_many_records_share_are_not_given_to_all() {
    // Every second piece begins a record, and all lead into one long tail.
    let shared = |size: u32| {
        heap_of(size, size / 2, move |piece| match piece {
            piece if piece + 1 == size => u32::MAX,
            piece if piece < size / 2 => size / 2,
            piece => piece + 1,
        })
    };
    let [less, more] = growth(shared);
    assert!(more < 5 * less, "{less} to {more}");
    let bytes = shared(1000);
    let db = Database::from_bytes(&bytes[..]).unwrap();
    let given: usize = db.iter().flatten().map(|entry| entry.value().len()).sum();
    assert!(given <= 2 * bytes.len(), "{given}");
    assert!(db.iter().any(|entry| entry.is_err()));
}

#[test]
fn pieces_that_lead_in_circles_end() {
    let circle = |size: u32| heap_of(size, 1, move |piece| if piece + 1 == size { 1 } else { piece + 1 });
    let [less, more] = growth(circle);
    assert!(more < 5 * less, "{less} to {more}");
    let itself = heap_of(40, 20, |piece| piece);
    let (records, errors) = every_way(&itself).unwrap();
    assert!(records == 0 && errors >= 20, "{records} {errors}");
}

#[test]
fn pieces_that_nothing_leads_to_are_told_and_salvaged() {
    let bytes = heap_of(100, 0, |piece| if piece == 99 { u32::MAX } else { piece + 1 });
    let (records, errors) = every_way(&bytes).unwrap();
    assert!(records == 0 && errors >= 5, "{records} {errors}");
    let [less, more] = growth(|size| heap_of(size, 0, |_| u32::MAX));
    assert!(more < 5 * less, "{less} to {more}");
    let salvage = Salvage::from_bytes(&bytes[..]);
    let survey = salvage.survey().unwrap();
    let found: Vec<_> = survey.records().collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].value.bytes().unwrap().len(), 400);
}

/// A HEAP with a page for each list of items: each is its offset, flags and bytes, as many as the
/// second number says, behind the head of a piece if it is one: the total, and what comes next.
type Made = (u16, u8, u16, Option<(u32, u32, u16)>);

fn heap_with(made: &[Vec<Made>]) -> Vec<u8> {
    let order = Endianness::Little;
    let pages = u32::try_from(made.len()).unwrap() + 2;
    let mut bytes = data("heap-v1-le-empty");
    bytes.resize(usize::try_from(pages).unwrap() * 512, 0);
    put(&mut bytes, 32, pages - 1, order);
    for (no, items) in (2..).zip(made) {
        let base = usize::try_from(no).unwrap() * 512;
        let count = u16::try_from(items.len()).unwrap();
        let area = items.iter().map(|item| item.0).min().unwrap();
        put(&mut bytes, base + 8, no, order);
        bytes[base + 25] = 15;
        for (at, number) in [(16, count - 1), (20, count), (22, area)] {
            bytes[base + at..base + at + 2].copy_from_slice(&number.to_le_bytes());
        }
        for (slot, (offset, flags, len, piece)) in items.iter().enumerate() {
            let at = base + slot * 2 + 26;
            bytes[at..at + 2].copy_from_slice(&offset.to_le_bytes());
            let item = base + usize::from(*offset);
            bytes[item] = *flags;
            bytes[item + 2..item + 4].copy_from_slice(&len.to_le_bytes());
            if let Some((total, page, slot)) = piece {
                put(&mut bytes, item + 4, *total, order);
                put(&mut bytes, item + 8, *page, order);
                bytes[item + 12..item + 14].copy_from_slice(&slot.to_le_bytes());
            }
        }
    }
    bytes
}

#[test]
fn long_pieces_that_many_records_share_are_not_given_to_all() {
    const LONG: u16 = 440;
    let (long, short) = (8, 20);
    let mut pages = Vec::new();
    for piece in 0..long {
        let next = if piece + 1 == long { (0, 0, 0) } else { (0, 3 + piece, 0) };
        pages.push(vec![(512 - 456, if piece + 1 == long { 5 } else { 1 }, LONG, Some(next))]);
    }
    let total = u32::from(LONG) * long + 4;
    let firsts: Vec<Made> = (1..=20).map(|slot| (512 - slot * 20, 3, 4, Some((total, 2, 0)))).collect();
    pages.resize(usize::try_from(long + short).unwrap(), firsts);
    let bytes = heap_with(&pages);
    let db = Database::from_bytes(&bytes[..]).unwrap();
    let given: usize = db.iter().flatten().map(|entry| entry.value().len()).sum();
    assert!(given > usize::from(LONG) && given <= bytes.len(), "{given} of {}", bytes.len());
    assert!(db.iter().any(|entry| entry.is_err()));
}

#[test]
fn items_that_overlap_are_salvaged_once() {
    // Each from its offset to the end of the page.
    let overlapping: Vec<Made> = (60..120).map(|word| (word * 4, 0, 512 - word * 4 - 4, None)).collect();
    let bytes = heap_with(&[overlapping]);
    let salvage = Salvage::from_bytes(&bytes[..]);
    let survey = salvage.survey().unwrap();
    let given: usize = survey.records().map(|record| record.value.bytes().unwrap().len()).sum();
    assert!(given > 200 && given <= 512, "{given}");
}

#[test]
fn a_name_beside_a_queue_that_is_no_extent_costs_no_record() {
    let from = testdata().join("queue-v4-le-extents");
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let found = || {
        let salvage = Salvage::open(folder.path().join("data.db")).unwrap();
        let survey = salvage.survey().unwrap();
        (survey.records().count(), survey.problems().len())
    };
    let (records, problems) = found();
    assert_eq!((records, problems), (77, 0));
    fs::create_dir(folder.path().join("__dbq.data.db.999")).unwrap();
    assert_eq!(found(), (records, 1));
}
