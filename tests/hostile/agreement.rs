//! What the reader calls damage, the check of the whole file reports as an error, in the same
//! place; and what both do is bounded by the size of the file.

use bdbkit::dump::Writer;
use bdbkit::salvage::Salvage;
use bdbkit::verify::{Rule, Severity, Verdict, Verify};
use bdbkit::{Database, Error, ErrorKind, Limits, OpenOptions};

use crate::common::image::Image;
use crate::common::{all_databases, data, dump};
use crate::counting::peak_of;
use crate::damage::{
    buckets, crowded, lists, long_keys_in_turn, one_chain_for_two, record_trees, repeated_item, repeated_key,
    repeated_key_off_page, trees, zeroed,
};

fn verdict(image: &Image) -> Verdict {
    Verify::from_bytes(&image.bytes[..]).threads(1).run()
}

/// What the check reports as errors: rule, page and byte.
fn errors(image: &Image) -> Vec<(Rule, u32, usize)> {
    let verdict = verdict(image);
    let errors = verdict.findings().iter().filter(|finding| finding.severity == Severity::Error);
    errors.map(|finding| (finding.rule, finding.page.0, finding.offset)).collect()
}

/// The places that the reader names, in its order.
fn damage(image: &Image) -> Vec<(u32, usize)> {
    let mut places = Vec::new();
    let db = Database::from_bytes(&image.bytes[..]).unwrap();
    let written = Writer::new().write(&db, std::io::sink(), |damage| {
        let Error::Corrupt { page, offset, .. } = damage.error else { panic!("{}", damage.error) };
        places.push((page.0, offset));
    });
    assert_eq!(usize::try_from(written.unwrap().damaged).unwrap(), places.len());
    places
}

#[test]
fn a_chain_that_two_values_share_is_an_error_although_it_counts_two() {
    for big in [false, true] {
        let (file, page, at) = one_chain_for_two(big);
        assert_eq!(damage(&file), [(page, at)]);
        assert_eq!(errors(&file), [(Rule::Once, page, at)]);
    }
}

#[test]
fn comparisons_that_would_take_too_long_are_left_out_and_said_to_be() {
    for big in [false, true] {
        let verdict = verdict(&long_keys_in_turn(big));
        let left_out = |finding: &&bdbkit::verify::Finding| finding.rule == Rule::Uncompared;
        assert_eq!(verdict.findings().iter().filter(left_out).count(), 1);
        assert!(!verdict.complete());
        let unordered = Verify::from_bytes(long_keys_in_turn(big).bytes).check_order(false).run();
        assert!(unordered.complete() && !unordered.findings().iter().any(|f| left_out(&f)));
    }
}

#[test]
fn a_bucket_of_zeros_is_missed_by_the_number_of_keys() {
    let mut told = 0;
    for file in lists() {
        let (meta, page) = buckets(&file);
        let elements = file.u32(meta, 88);
        let damaged = zeroed(&file, page);
        assert_eq!(errors(&file), []);
        assert!(damage(&file).is_empty(), "{}", file.name);
        // What package managers leave says nothing.
        let elements_of = |image: &Image| errors(image).iter().any(|(rule, ..)| *rule == Rule::Elements);
        assert!(!elements_of(damaged.clone().put_u32(meta, 88, 0)), "{}", file.name);
        if elements == 0 {
            continue;
        }
        assert!(damage(&damaged).contains(&(page, 25)), "{}", file.name);
        assert!(errors(&damaged).contains(&(Rule::Elements, page, 25)), "{}", file.name);
        let found = verdict(&damaged);
        let text = &found.findings().iter().find(|finding| finding.rule == Rule::Elements).unwrap().text;
        assert!(text.contains(&format!("of {elements} keys")), "{text}");
        told += 1;
    }
    assert!(told >= 2, "{told}");
}

/// A page that several tables of buckets lead to is reported for the first ones, not by each.
#[test]
fn tables_of_buckets_that_cover_a_file_are_no_more_work_than_the_file() {
    for zeros in [0, 4] {
        let [small, large] = [32, 128].map(|databases| crowded(databases, zeros * databases));
        let [few, many] = [&small, &large].map(|file| damage(file).len());
        assert!(few > 32 && many <= 5 * few, "{few} and {many} errors");
        let [few, many] = [&small, &large].map(|file| errors(file).len());
        assert!(few > 32 && many <= 5 * few, "{few} and {many} findings");
        let texts: Vec<String> = verdict(&large).findings().iter().map(ToString::to_string).collect();
        assert!(texts.iter().any(|text| text.contains("or more other pages of this table")), "{texts:?}");
    }
}

/// What a walk gives, in bytes and pairs, and the errors.
fn given(image: &Image, limits: Limits) -> (usize, usize, Vec<Error>) {
    let db = OpenOptions::new().limits(limits).from_bytes(&image.bytes[..]).unwrap();
    let (mut bytes, mut pairs, mut errors) = (0, 0, Vec::new());
    for entry in &db {
        match entry {
            Ok(entry) => (bytes, pairs) = (bytes + entry.key().len() + entry.value().len(), pairs + 1),
            Err(error) => errors.push(error),
        }
    }
    (bytes, pairs, errors)
}

#[test]
fn pairs_repeat_a_page_so_often_and_no_more() {
    let size = 16384;
    let times = |repeats: usize| (1 + repeats) * size;
    for big in [false, true] {
        // As many duplicates as fit: beside a key of half a page, or one on a chain.
        for (file, pairs) in [
            (repeated_key(size, big, 1000, 0), 1000),
            (repeated_key(size, big, 2000, 3), 2000),
            (repeated_item(size, big, 2000), 2000),
            (repeated_key_off_page(size, big, 2500), 2500),
        ] {
            let off_page = file.pages_of(6).len();
            let most = times(if off_page > 0 { 16 * 65 } else { 64 }) + file.bytes.len();
            let (bytes, good, bad) = given(&file, Limits::DEFAULT);
            assert!(bytes <= most && bytes > most / 2, "{}: {bytes} bytes", file.name);
            let repeats = bad.iter().filter(|error| error.kind() == ErrorKind::Limit).count();
            assert_eq!(good + repeats, pairs, "{}", file.name);
            // The same pairs from the other end, by a scan, and by the check.
            let db = Database::from_bytes(&file.bytes[..]).unwrap();
            let back = db.iter().rev().filter(|entry| entry.is_ok()).count();
            assert!(back.abs_diff(good) <= 1, "{}: {back} and {good}", file.name);
            if off_page == 0 {
                let leaves = db.scan().flatten();
                let entries: Vec<_> = leaves.flat_map(|leaf| leaf.entries().collect::<Vec<_>>()).collect();
                let scanned = entries.iter().filter(|entry| entry.is_ok()).count();
                assert!(scanned.abs_diff(good) <= 4, "{}: {scanned} and {good}", file.name);
            }
            let place = bad.iter().find(|error| error.kind() == ErrorKind::Limit).map(|error| {
                let Error::Corrupt { page, offset, .. } = error else { panic!("{error}") };
                (Rule::Repeats, page.0, *offset)
            });
            assert!(errors(&file).contains(&place.unwrap()), "{}: {:?}", file.name, errors(&file));
            // Whoever raises the limit has them all.
            let (_, all, bad) = given(&file, Limits::DEFAULT.max_repeats(u32::MAX));
            assert!(all == pairs && bad.iter().all(|error| error.kind() != ErrorKind::Limit));
        }
        // What genuine releases leave on a page with a key of 1536 bytes is within the limit.
        let genuine = repeated_key(4096, big, 170, 0);
        assert_eq!(given(&genuine, Limits::DEFAULT.max_repeats(170)).1, 170);
        assert_eq!(errors(&repeated_key(4096, big, 100, 0)), []);
    }
}

#[test]
fn an_empty_page_is_named_with_what_leads_to_it() {
    for tree in trees().into_iter().chain(record_trees()) {
        for leaf in tree.leaves(1) {
            let damaged = zeroed(&tree, leaf);
            let db = Database::from_bytes(&damaged.bytes[..]).unwrap();
            let messages: Vec<String> = db.iter().filter_map(|e| e.err().map(|e| e.to_string())).collect();
            let empty = messages.iter().find(|text| text.contains("empty")).expect("an error");
            assert!(empty.starts_with(&format!("page {leaf}: byte 25: ")), "{empty}");
            assert!(empty.contains("leads to it"), "{empty}");
            let findings = verdict(&damaged);
            let same = findings.findings().iter().find(|f| f.rule == Rule::PageType).unwrap();
            assert_eq!(format!("page {}: byte {}: {}", same.page, same.offset, same.text), *empty);
        }
    }
}

#[test]
fn a_file_that_ends_within_its_first_page_was_cut() {
    let file = data("btree-v9-le-few");
    for len in [512, 700, 4095] {
        let error = Database::from_bytes(&file[..len]).map(drop).unwrap_err();
        assert_eq!(error.to_string(), format!("the file was cut: it has {len} bytes, one page has 4096"));
        assert_eq!(error.kind(), ErrorKind::Damaged);
    }
}

#[test]
fn a_file_of_several_databases_has_no_pairs_of_its_own() {
    for image in lists() {
        let file = Database::from_bytes(&image.bytes[..]).unwrap();
        let number = file.subdatabases().count();
        let is_it = |error: &Error| {
            assert_eq!(error.kind(), ErrorKind::Question);
            matches!(error, Error::SeveralDatabases { count } if usize::try_from(*count) == Ok(number))
        };
        let all: Vec<_> = file.iter().collect();
        assert!(matches!(&all[..], [Err(error)] if is_it(error)), "{all:?}");
        assert!(matches!(&file.iter().rev().collect::<Vec<_>>()[..], [Err(error)] if is_it(error)));
        assert!(matches!(&file.range(&b"a"[..]..).collect::<Vec<_>>()[..], [Err(error)] if is_it(error)));
        assert!(file.get(b"hashed").is_err_and(|error| is_it(&error)));
        assert!(file.cursor().is_err_and(|error| is_it(&error)));
        let list = file.directory().expect("a list");
        assert!(!list.is_directory() && list.directory().is_none());
        let names: Vec<Vec<u8>> = list.iter().map(|entry| entry.unwrap().key().to_vec()).collect();
        let databases = all_databases(&file);
        assert!(databases.iter().map(|db| db.name().unwrap()).eq(names.iter().map(Vec::as_slice)));
        assert!(databases.iter().all(|db| db.directory().is_none() && db.iter().all(|entry| entry.is_ok())));
        assert_eq!(dump(&file, false).1.damaged, 0);
    }
    assert!(Database::from_bytes(data("btree-v9-le-one")).unwrap().directory().is_none());
}

/// Devices and files without a length are read no further than they are a database, or than
/// the limit says.
#[cfg(target_os = "linux")]
#[test]
fn what_does_not_end_is_not_read_for_ever() {
    let options = OpenOptions::new().limits(Limits::DEFAULT.max_stream(1 << 20));
    for path in ["/dev/zero", "/proc/self/maps"] {
        for map in [true, false] {
            let options = options.map(map);
            let peak = peak_of(|| {
                assert!(matches!(options.open(path), Err(Error::NotADatabase { .. })), "{path}");
                let verify = options.verify(path).unwrap();
                assert!(
                    verify.refusal().is_some_and(|why| why.to_string().contains("not a Berkeley DB file")),
                    "{path}"
                );
            });
            assert!(peak < 1 << 20, "{peak} bytes to tell what {path} is");
        }
    }
    let peak = peak_of(|| {
        let error = options.salvage("/dev/zero").map(drop).unwrap_err();
        assert!(matches!(error, Error::StreamTooLong { limit: 0x10_0000 }), "{error}");
        assert_eq!(error.kind(), ErrorKind::Limit);
    });
    assert!(peak <= 4 << 20, "{peak} bytes of a stream");
}

/// Memory to list and read very many databases: no more than a few times their file, however
/// many they are.
#[test]
fn many_databases_take_memory_in_proportion_to_their_file() {
    let [small, large] = [32, 128].map(|databases| crowded(databases, 0));
    let read = |file: &Image| {
        peak_of(|| {
            let db = Database::from_bytes(&file.bytes[..]).unwrap();
            let stats = db.tree_stats();
            assert!(stats.len() > 30);
            drop(stats);
            drop(verdict(file));
            drop(Salvage::from_bytes(&file.bytes[..]).survey().map(|survey| survey.records().count()));
        })
    };
    let [few, many] = [read(&small), read(&large)];
    assert!(many <= 5 * few, "{few} and {many} bytes");
}
