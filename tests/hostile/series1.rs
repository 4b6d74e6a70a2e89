//! Files of the 1.x series with any byte changed, and cut anywhere: no panic, no hang, no pair less
//! without an error.

use std::time::Duration;

use bdbkit::salvage::Salvage;
use bdbkit::verify::{Severity, Verify};
use bdbkit::{Database, Endianness, Method};

use crate::common::{Pair, Watch, thorough};
use crate::old::{Table, Tree};

fn some_pairs(count: usize, long: usize, key_len: usize) -> Vec<Pair> {
    let pair = |number: usize| {
        let mut key = format!("k{number:02}").into_bytes();
        if number == 3 {
            key.resize(key_len, b'K');
        }
        let len = if number == 5 { long } else { number % 5 + 1 };
        (key, vec![b'v'; len])
    };
    (0..count).map(pair).collect()
}

/// One small file of each kind.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let (little, big) = (Endianness::Little, Endianness::Big);
    let tree = |order, duplicates, records| Tree { order, page_size: 512, duplicates, records };
    let mut doubled = some_pairs(70, 3, 4);
    doubled[11].0 = doubled[10].0.clone();
    let mut records = some_pairs(80, 600, 4);
    records.iter_mut().for_each(|(key, _)| key.clear());
    let table = |version, order| Table { version, order, page_size: 128, buckets: 5 };
    vec![
        ("tree", tree(little, false, None).build(&some_pairs(12, 600, 600))),
        ("tree of two levels", tree(big, true, None).build(&doubled)),
        ("records", tree(little, false, Some(big)).build(&records)),
        ("HASH 2", table(2, big).build(&some_pairs(12, 180, 150)).0),
        ("HASH 3", table(3, little).build(&some_pairs(12, 180, 150)).0),
    ]
}

/// Reads a file in every way; gives the pairs that a walk finds, and its errors.
fn read_all(name: &str, bytes: &[u8], turn: usize) -> Option<(usize, usize)> {
    let bound = bytes.len() + 64;
    if thorough() || turn % 7 == 0 {
        let salvage = Salvage::from_bytes(bytes).deleted(turn % 2 == 0);
        if let Ok(survey) = salvage.survey() {
            assert!(survey.records().take(bound).count() < bound, "{name}: salvage without end");
        }
    }
    let db = Database::from_bytes(bytes).ok()?;
    let (mut good, mut bad, mut given) = (0, 0, 0);
    for entry in db.iter().take(bound) {
        match entry {
            Ok(entry) => {
                good += 1;
                given += entry.key().len() + entry.value().len();
            }
            Err(_) => bad += 1,
        }
    }
    assert!(good + bad < bound, "{name}: a walk without end");
    assert!(given <= bytes.len() * 70, "{name}: {given} bytes of {}", bytes.len());
    let errors = Verify::from_bytes(bytes).run().count(Severity::Error);
    if bad > 0 && db.meta().method() != Method::Hash {
        assert!(errors > 0, "{name}: a walk meets {bad} errors, a check none");
    }
    let _ = (db.get(b"k07"), db.get(b"nothing"), db.record(9), db.file_stats());
    assert!(db.range(b"k02"..b"k09").take(bound).count() < bound, "{name}: a range without end");
    Some((good, bad))
}

#[test]
fn every_changed_byte_and_every_cut_is_met_or_does_no_harm() {
    let watch = Watch::start(Duration::from_secs(60));
    for (name, bytes) in files() {
        let (expected, errors) = read_all(name, &bytes, 0).expect("a sound file");
        assert_eq!(errors, 0, "{name}");
        let mut changed = bytes.clone();
        for offset in 0..bytes.len() {
            watch.about(format!("{name}, byte {offset}"));
            let old = bytes[offset];
            let few = [0, 0xff, old ^ 1];
            let all: Vec<u8> = if thorough() { (0..=255).collect() } else { few.to_vec() };
            for (turn, value) in all.into_iter().filter(|value| *value != old).enumerate() {
                changed[offset] = value;
                if let Some((good, bad)) = read_all(name, &changed, offset + turn) {
                    assert!(
                        good >= expected || bad > 0,
                        "{name}: byte {offset} {old:#04x} to {value:#04x}: {good} of {expected} pairs, no error"
                    );
                }
            }
            changed[offset] = old;
        }
        for len in 0..bytes.len() {
            watch.about(format!("{name}, cut to {len}"));
            if let Some((good, bad)) = read_all(name, &bytes[..len], len) {
                assert!(good >= expected || bad > 0, "{name} cut to {len}: {good} pairs, no error");
            }
        }
    }
}

/// Items that all lead to one chain, and slots that all lead to one item, give no more than the file
/// has.
#[test]
fn what_is_given_again_and_again_is_bounded() {
    let order = Endianness::Little;
    let all = some_pairs(40, 400, 3);
    let tree = Tree { order, page_size: 4096, duplicates: true, records: None };
    let mut bytes = tree.build(&all);
    let first = [bytes[4096 + 20], bytes[4096 + 21]];
    for slot in 0..40 {
        bytes[4096 + 20 + slot * 2..][..2].copy_from_slice(&first);
    }
    read_all("one item for all slots", &bytes, 0);
    // A chain that is its own next page.
    let all = vec![(b"k".to_vec(), vec![b'v'; 3000])];
    let mut bytes = Tree { order, page_size: 512, duplicates: false, records: None }.build(&all);
    let page = (2..bytes.len() / 512).find(|page| bytes[page * 512 + 12] == 4).unwrap();
    let own = u32::try_from(page).unwrap().to_le_bytes();
    bytes[page * 512 + 8..page * 512 + 12].copy_from_slice(&own);
    let (good, bad) = read_all("a chain in a circle", &bytes, 0).unwrap();
    assert_eq!((good, bad), (0, 1));
}
