//! Salvage against the strict reader on healthy files, against the genuine
//! `db_dump -r` on damaged ones, and against its own promises on destroyed ones: no
//! pair on an undamaged page is lost, and nothing is given twice.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;

use bdbkit::salvage::{
    Confidence, Key, Name, Note, Origin, Place, Recovered, Salvage, Salvaged, SalvagedFile,
};
use bdbkit::{Database, Method, OpenOptions, PageSize};

use crate::build::{Builder, Tree};
use crate::common;
use crate::common::image::{
    DUPLICATE, DUPLICATE_LEAF, INTERNAL, Image, LEAF, NEXT, OVERFLOW, PREV, RECNO_LEAF,
};
use crate::common::standing::{Standing, lost, pair, salvaged, standing};
use crate::common::{
    Golden, Pair, Watch, all_databases, all_readable, cases, missing, multiset, pairs_of_text, read, readable,
};
use crate::counting;

/// All pairs by the strict reader, database by database.
fn strict(bytes: &[u8]) -> Vec<Pair> {
    let file = Database::from_bytes(bytes).unwrap();
    let all = all_databases(&file);
    let entries = all.iter().flat_map(|db| {
        let keys = db.meta().method() != Method::Recno;
        db.iter().map(move |entry| (keys, entry.expect("no damage").into_parts()))
    });
    entries
        .map(|(keys, (key, value))| (if keys { key.into_owned() } else { Vec::new() }, value.into_owned()))
        .collect()
}

/// Fails with the first pairs of `expected` that are not among those found.
#[track_caller]
fn expect_all(found: &[Pair], expected: &BTreeMap<Pair, usize>, what: &str) {
    let lost = missing(&multiset(found.iter().cloned()), expected);
    let shown: Vec<_> = lost.iter().take(3).map(|(k, _)| k.escape_ascii().to_string()).collect();
    assert!(lost.is_empty(), "{what}: {} of {} lost: {shown:?}", lost.len(), expected.len());
}

// ------------------------------------------------------------------- healthy files

#[test]
fn a_healthy_file_gives_what_the_strict_reader_gives() {
    let mut records = 0;
    for golden in all_readable() {
        let bytes = read(&golden.db);
        let salvage = Salvage::from_bytes(&bytes[..]);
        let survey = salvage.survey().unwrap_or_else(|error| panic!("{}: {error}", golden.name()));
        let mut all = survey.records();
        let mut found = Vec::new();
        for record in all.by_ref() {
            let at = format!("{}: page {}", golden.name(), record.provenance.page);
            assert_eq!(record.provenance.origin, Origin::Tree, "{at}");
            assert_eq!(record.confidence(), Confidence::High, "{at}: {:?}", record.notes);
            found.push(pair(&record));
        }
        let problems: Vec<String> = all.report().problems().iter().map(ToString::to_string).collect();
        assert_eq!(problems, [""; 0], "{}", golden.name());
        assert_eq!(survey.problems().len(), 0, "{}", golden.name());
        assert!(found == strict(&bytes), "{}: other pairs, or in another order", golden.name());
        records += found.len();
    }
    assert!(records > 10_000, "{records} records");
}

#[test]
fn databases_have_their_names_and_records_their_numbers() {
    let bytes = common::data("btree-v9-le-subdbs");
    let salvage = Salvage::from_bytes(&bytes[..]);
    let survey = salvage.survey().unwrap();
    let names: Vec<_> = survey.databases().iter().map(|owner| owner.label().unwrap().into_owned()).collect();
    let file = Database::from_bytes(&bytes[..]).unwrap();
    let expected: Vec<_> = file.subdatabases().map(|found| found.unwrap().name().to_vec()).collect();
    assert_eq!(names, expected);
    for database in all_databases(&file) {
        let name = Name::Listed(database.name().unwrap().to_vec());
        let here = survey.records().filter(|record| *record.database.name() == name);
        assert_eq!(here.count(), database.iter().count());
    }
    for case in ["recno-v6-le-holes", "recno-v9-be-holes", "recno-v9-le-var"] {
        let bytes = common::data(case);
        let salvage = Salvage::from_bytes(&bytes[..]);
        let numbers: Vec<_> = salvage
            .survey()
            .unwrap()
            .records()
            .map(|record| record.key)
            .map(|key| match key {
                Key::Record(number) => number,
                Key::Bytes(_) => None,
            })
            .collect();
        let file = Database::from_bytes(&bytes[..]).unwrap();
        let expected: Vec<_> = file.iter().map(|entry| entry.unwrap().record_number()).collect();
        assert_eq!(numbers, expected, "{case}");
    }
}

#[test]
fn compressed_databases_are_unpacked() {
    let mut files = 0;
    for golden in common::goldens().iter().filter(|golden| golden.case.has("compressed")) {
        if golden.case.has("encrypted") && !cfg!(feature = "encryption") {
            continue;
        }
        let bytes = read(&golden.db);
        let file = OpenOptions::new().password("corpus-password").file_from_bytes(&bytes[..]);
        let salvage = Salvage::new(&file);
        let survey = salvage.survey().unwrap();
        let mut records = survey.records();
        let found: Vec<Pair> = records.by_ref().map(|record| pair(&record)).collect();
        assert!(found == pairs_of_text(&read(&golden.dump)), "{}", golden.name());
        assert_eq!(records.report().problem_count(), 0, "{}", golden.name());
        files += 1;
    }
    assert!(files >= 4, "{files} files");
}

#[test]
fn a_flag_that_says_compressed_takes_no_plain_value_apart() {
    for case in ["btree-v9-le-levels", "btree-v9-be-dups-offpage", "btree-v9-le-one"] {
        let mut image = Image::of_case(case);
        let expected = strict(&image.bytes);
        let flags = image.u32(0, 48);
        image.put_u32(0, 48, flags | 0x80);
        assert!(salvaged(&image.bytes) == expected, "{case}");
    }
}

// ------------------------------------------------------------ against the genuine tool

/// What the genuine `db_dump -r` writes where it knows no better.
fn is_placeholder(bytes: &[u8]) -> bool {
    [&b"UNKNOWN"[..], b"UNKNOWN_KEY", b"UNKNOWN_DATA"].contains(&bytes)
}

/// Fails if the genuine tool found something that is not there: pairs, and values or
/// keys of pairs whose other half it did not know.
fn lacks(found: &[Pair], text: &[u8]) -> Option<String> {
    // Not always a dump that can be loaded: without a metadata page it has no header, and
    // headers follow one another.
    let (mut genuine, mut key, mut records): (Vec<Pair>, Option<Vec<u8>>, bool) = (Vec::new(), None, false);
    for line in text.split(|&byte| byte == b'\n') {
        match line.strip_prefix(b" ").map(common::unhex) {
            Some(value) if records => genuine.push((Vec::new(), value)),
            Some(bytes) => match key.take() {
                Some(key) => genuine.push((key, bytes)),
                None => key = Some(bytes),
            },
            None if line.starts_with(b"type=") => records = line == b"type=recno",
            None => key = None,
        }
    }
    let (halves, pairs): (Vec<Pair>, Vec<Pair>) =
        genuine.into_iter().partition(|(key, value)| is_placeholder(key) || is_placeholder(value));
    // It may give a part of a value of which we have all, put together.
    let ours = multiset(found.iter().cloned());
    let has_more = |(key, value): &Pair| found.iter().any(|(k, v)| k == key && v.starts_with(value));
    let mut lost = missing(&ours, &multiset(pairs));
    lost.retain(|pair| !has_more(pair));
    if let Some((key, value)) = lost.first() {
        return Some(format!(
            "{} pairs, the first: {} = {}",
            lost.len(),
            key.escape_ascii(),
            value.escape_ascii()
        ));
    }
    halves.into_iter().find_map(|(key, value)| {
        let key_there = is_placeholder(&key) || found.iter().any(|(k, _)| *k == key);
        // It may give a part of a value of which we have more.
        let value_there = is_placeholder(&value) || found.iter().any(|(_, v)| v.starts_with(&value));
        let shown = format!("{} = {}", key.escape_ascii(), value.escape_ascii());
        (!key_there || !value_there).then_some(shown)
    })
}

#[test]
fn damaged_files_give_at_least_what_the_genuine_tool_finds() {
    let watch = Watch::start(Duration::from_secs(30));
    let (mut all, mut more, mut failures) = (0, 0, Vec::new());
    for case in cases(&["damage-v", "damage-hash-"]) {
        watch.about(&case.name);
        let found = salvaged(&read(case.folder().join("data.db")));
        let original = multiset(pairs_of_text(&read(case.folder().join("original.dump.txt"))));
        let lost = missing(&multiset(found.iter().cloned()), &original).len();
        let genuine_text = read(case.folder().join("salvage-r.txt"));
        // In buckets the genuine tool passes over items that it does not know, and so takes a value
        // for the next key; or takes the rest of a set for one value.
        let what = if case.name.starts_with("damage-hash-") {
            lacks_of(&original, &found, &genuine_text)
        } else {
            lacks(&found, &genuine_text)
        };
        failures.extend(what.map(|what| format!("{}: {what}", case.name)));
        println!("{}: {} of {} original pairs lost, {} given", case.name, lost, original.len(), found.len());
        more += usize::from(lost == 0);
        all += 1;
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(all >= 77 && more >= 40, "{more} of {all} without loss");
}

#[test]
fn files_with_a_destroyed_page_give_at_least_what_the_genuine_tool_finds() {
    if Command::new("db5.3_dump").arg("-V").output().is_err() {
        println!("not run: db5.3_dump is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    let (mut items, mut failures) = (0, Vec::new());
    for case in ["btree-v9-le-dups-offpage", "btree-v8-le-overflow", "recno-v9-le-var", "btree-v9-le-subdbs"]
    {
        let whole = Image::of_case(case);
        for page in 1..whole.pages() {
            let bytes = destroyed(&whole, page, 0);
            std::fs::write(&path, &bytes).unwrap();
            let genuine = Command::new("db5.3_dump").arg("-r").arg(&path).output().unwrap();
            // Where a half of a pair is gone the genuine tool may fall out of step, so
            // keys and values count one by one.
            let found = salvaged(&bytes);
            let ours: BTreeSet<&[u8]> =
                found.iter().flat_map(|(key, value)| [&key[..], &value[..]]).collect();
            let lines =
                genuine.stdout.split(|&byte| byte == b'\n').filter_map(|line| line.strip_prefix(b" "));
            for item in lines.map(common::unhex).filter(|item| !is_placeholder(item)) {
                let part = ours.range(&item[..]..).next().is_some_and(|next| next.starts_with(&item));
                if !part {
                    failures.push(format!("{case}, page {page}: {}", item.escape_ascii()));
                }
                items += 1;
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(items > 5000, "{items} items");
}

// ------------------------------------------------------------------- destroyed files

/// Small files of all versions and shapes, with several pages.
fn small_files(most: usize) -> Vec<Image> {
    let image = |golden: Golden| Image::new(golden.name(), read(&golden.db));
    let small = |golden: &Golden| golden.db.metadata().unwrap().len() <= u64::try_from(most).unwrap();
    // Records of compressed databases share the place of their entry, and a file says so on its
    // first page only.
    let plain = |golden: &Golden| !golden.case.has("compressed");
    readable().into_iter().filter(small).filter(plain).map(image).collect()
}

/// What is missing of the pairs, and of the keys and values, of a whole file that the genuine
/// tool found in a damaged one.
fn lacks_of(original: &BTreeMap<Pair, usize>, found: &[Pair], text: &[u8]) -> Option<String> {
    let genuine: Vec<Vec<u8>> = text
        .split(|&byte| byte == b'\n')
        .filter_map(|line| line.strip_prefix(b" ").map(common::unhex))
        .collect();
    let pairs = genuine.windows(2).map(|two| (two[0].clone(), two[1].clone()));
    let mut lost = missing(&multiset(found.iter().cloned()), &multiset(pairs));
    lost.retain(|pair| original.contains_key(pair) && !found.contains(pair));
    let there = |item: &Vec<u8>| found.iter().any(|(key, value)| key == item || value == item);
    let known = |item: &&Vec<u8>| original.keys().any(|(key, value)| key == *item || value == *item);
    let item = genuine.iter().filter(known).find(|item| !there(item));
    (!lost.is_empty() || item.is_some()).then(|| format!("lost: {lost:?}, {item:?}"))
}

/// The file with one page overwritten: by zeros, or by a sequence that looks random.
fn destroyed(image: &Image, page: u32, seed: u32) -> Vec<u8> {
    let mut bytes = image.bytes.clone();
    let start = usize::try_from(page).unwrap() * image.page_size;
    let mut state = seed;
    for byte in &mut bytes[start..start + image.page_size] {
        state = if seed == 0 { 0 } else { state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223) };
        *byte = state.to_be_bytes()[0];
    }
    bytes
}

/// Fails if something is lost that stands on pages which are `there`.
fn expect_what_stands(
    standing: &[Standing],
    bytes: &[u8],
    there: impl Fn(u32) -> bool,
    overflow: bool,
    what: &str,
) {
    let lost = lost(standing, &salvaged(bytes), there, overflow);
    assert!(lost.is_none(), "{what}: {}", lost.unwrap_or_default());
}

#[test]
fn a_file_without_its_first_page_gives_the_same_pairs() {
    let mut files = 0;
    for image in small_files(20_000) {
        if image.pages() < 2 {
            continue;
        }
        let expected = multiset(strict(&image.bytes));
        for (what, bytes) in [
            ("zeroed", destroyed(&image, 0, 0)),
            ("overwritten", destroyed(&image, 0, 77)),
            ("cut off", image.bytes[image.page_size..].to_vec()),
        ] {
            let found = multiset(salvaged(&bytes));
            let lost = missing(&found, &expected);
            let more = missing(&expected, &found);
            let name = &image.name;
            assert!(
                lost.is_empty() && more.is_empty(),
                "{name}, page 0 {what}: {} lost, {} more",
                lost.len(),
                more.len()
            );
        }
        files += 1;
    }
    assert!(files >= 150, "{files} files");
}

#[test]
fn no_byte_of_the_metadata_page_is_needed() {
    let watch = Watch::start(Duration::from_secs(60));
    for case in [
        "btree-v6-be-levels",
        "btree-v6-le-dups-onpage",
        "btree-v7-be-dups-offpage",
        "btree-v8-le-subdbs",
        "btree-v9-le-subdbs",
        "btree-v9-be-checksum",
        "btree-v9-le-overflow",
        "recno-v6-le-holes",
        "recno-v9-be-fixed",
        "btree-v9-le-one",
    ] {
        let mut bytes = common::data(case);
        let expected = multiset(strict(&bytes));
        for offset in 0..512 {
            let old = bytes[offset];
            for new in [old ^ 1, old ^ 0x80, 0, 255] {
                watch.about(format!("{case}, offset {offset}"));
                bytes[offset] = new;
                expect_all(&salvaged(&bytes), &expected, &format!("{case}: byte {offset} = {new}"));
            }
            bytes[offset] = old;
        }
    }
}

#[test]
fn a_destroyed_page_costs_what_stands_on_it_and_no_more() {
    let watch = Watch::start(Duration::from_secs(60));
    let mut tried = 0;
    for image in small_files(12_000) {
        let standing = standing(&image);
        for page in 0..image.pages() {
            let overflow = page > 0 && image.kind(page) == OVERFLOW;
            for seed in [0, 1, 99] {
                watch.about(format!("{}, page {page}", image.name));
                let what = format!("{}, page {page} destroyed ({seed})", image.name);
                let bytes = destroyed(&image, page, seed);
                expect_what_stands(&standing, &bytes, |p| p != page, !overflow, &what);
                tried += 1;
            }
        }
    }
    assert!(tried > 3000, "{tried}");
}

#[test]
fn a_cut_file_gives_what_stands_on_its_whole_pages() {
    let watch = Watch::start(Duration::from_secs(60));
    for case in [
        "btree-v6-be-levels",
        "btree-v6-le-dups-onpage",
        "btree-v8-be-dups-offpage-sorted",
        "btree-v9-le-checksum",
        "recno-v9-be-var",
    ] {
        let image = Image::of_case(case);
        let standing = standing(&image);
        for len in (image.page_size + 26..image.bytes.len()).step_by(7) {
            watch.tick();
            let whole = u32::try_from(len / image.page_size).unwrap();
            expect_what_stands(
                &standing,
                &image.bytes[..len],
                |page| page < whole,
                false,
                &format!("{case}, {len}"),
            );
        }
    }
}

#[test]
fn page_size_and_byte_order_are_found_without_page_0_and_can_be_forced() {
    for image in small_files(20_000) {
        if image.pages() < 3 {
            continue;
        }
        let bytes = destroyed(&image, 0, 0);
        let salvage = Salvage::from_bytes(&bytes[..]);
        let geometry = salvage.survey().unwrap().geometry();
        let size = usize::try_from(geometry.page_size().get()).unwrap();
        let big = geometry.endianness() == bdbkit::Endianness::Big;
        assert_eq!((size, big, geometry.told()), (image.page_size, image.big, false), "{}", image.name);
        let size = PageSize::new(u32::try_from(size * 2).unwrap()).unwrap();
        let forced =
            Salvage::from_bytes(&bytes[..]).page_size(size).byte_order(geometry.endianness().other());
        let geometry = forced.survey().unwrap().geometry();
        assert_eq!(
            (geometry.page_size(), geometry.endianness() == bdbkit::Endianness::Big),
            (size, !image.big)
        );
    }
}

#[test]
fn what_is_no_database_is_named() {
    let message = |bytes: &[u8]| Salvage::from_bytes(bytes).survey().unwrap_err().to_string();
    assert!(message(b"").contains("empty"));
    assert!(message(b"short").contains("too few"));
    assert!(message(&[0; 5000]).contains("not a Berkeley DB file"));
    assert!(message(&[255; 5000]).contains("not a Berkeley DB file"));
    for case in ["btree-v9-le-encrypted", "btree-v9-be-encrypted"] {
        assert!(message(&common::data(case)).contains("encrypted"), "{case}");
    }
}

// ---------------------------------------------------------------- provenance and trust

#[test]
fn a_value_stands_in_the_slot_that_is_told() {
    let mut values = 0;
    for image in small_files(20_000) {
        let salvage = Salvage::from_bytes(&image.bytes[..]);
        for record in salvage.survey().unwrap().records() {
            let page = record.provenance.page.0;
            if ![LEAF, RECNO_LEAF, DUPLICATE, DUPLICATE_LEAF].contains(&image.kind(page)) {
                continue;
            }
            let Place::Slot(slot) = record.provenance.place else { panic!("{}: {record:?}", image.name) };
            let at = image.item(page, slot);
            let value = pair(&record).1;
            let what = format!("{}, page {page}, slot {slot}", image.name);
            match image.byte(page, at + 2) {
                1 => {
                    let start = usize::try_from(page).unwrap() * image.page_size + at + 3;
                    assert!(image.bytes[start..].starts_with(&value), "{what}");
                    assert_eq!(usize::from(image.u16(page, at)), value.len(), "{what}");
                }
                3 => assert_eq!(usize::try_from(image.u32(page, at + 8)).unwrap(), value.len(), "{what}"),
                kind => panic!("{what}: an item of type {kind}"),
            }
            values += 1;
        }
    }
    assert!(values > 5000, "{values} values");
}

#[test]
fn records_that_nothing_leads_to_are_told_from_those_of_a_tree() {
    for case in ["btree-v6-be-levels", "btree-v8-le-levels", "btree-v9-le-levels"] {
        let mut image = Image::of_case(case);
        let all = multiset(strict(&image.bytes));
        // The first child of the root is lost: with it, what leads to some leaves.
        let lost = image.children(1)[0];
        assert_eq!(image.kind(lost), INTERNAL);
        let orphans = image.leaves(lost);
        image.bytes = destroyed(&image, lost, 0);
        let salvage = Salvage::from_bytes(&image.bytes[..]);
        let survey = salvage.survey().unwrap();
        let mut found = Vec::new();
        for record in survey.records() {
            let expected = match orphans.contains(&record.provenance.page.0) {
                true => (Origin::Orphan, Confidence::Medium),
                false => (Origin::Tree, Confidence::High),
            };
            assert_eq!((record.provenance.origin, record.confidence()), expected, "{case}: {record:?}");
            found.push(pair(&record));
        }
        assert!(multiset(found) == all, "{case}");
    }
}

#[test]
fn a_wrong_checksum_is_noted_with_the_records_of_its_page() {
    for case in ["btree-v9-be-checksum", "btree-v9-le-checksum"] {
        let mut image = Image::of_case(case);
        let page = image.pages_of(LEAF)[0];
        image.put(page, 5, image.byte(page, 5) ^ 1); // within the LSN
        let salvage = Salvage::from_bytes(&image.bytes[..]);
        let (mut noted, mut others) = (0, 0);
        for record in salvage.survey().unwrap().records() {
            let here = record.provenance.page.0 == page;
            let trust = if here { Confidence::Medium } else { Confidence::High };
            assert_eq!((record.notes.has(Note::Checksum), record.confidence()), (here, trust), "{case}");
            *(if here { &mut noted } else { &mut others }) += 1;
        }
        assert!(noted > 0 && others > 0, "{case}: {noted} and {others} records");
    }
}

/// The records whose value is in the overflow chain that starts on a page.
fn with_chain<'s>(survey: &'s SalvagedFile<'_>, image: &Image, first: u32) -> Vec<Salvaged<'s>> {
    let leads_there = |record: &Salvaged<'_>| match record.provenance.place {
        Place::Slot(slot) => {
            let page = record.provenance.page.0;
            let at = image.item(page, slot);
            image.byte(page, at + 2) == 3 && image.u32(page, at + 4) == first
        }
        Place::Offset(_) => false,
    };
    survey.records().filter(leads_there).collect()
}

#[test]
fn a_chain_that_ends_early_or_late_gives_what_is_there() {
    let mut tried = 0;
    for case in ["btree-v6-be-overflow", "btree-v8-le-overflow", "btree-v9-le-overflow"] {
        let image = Image::of_case(case);
        let values = image.items(LEAF, 3).into_iter().filter(|(_, slot)| slot % 2 == 1);
        for (page, slot) in values {
            let at = image.item(page, slot);
            let (first, len) = (image.u32(page, at + 4), image.u32(page, at + 8));
            if image.u32(first, NEXT) == 0 {
                continue;
            }
            let salvage = Salvage::from_bytes(&image.bytes[..]);
            let survey = salvage.survey().unwrap();
            let whole = pair(&with_chain(&survey, &image, first)[0]).1;

            // Nothing behind the cut confirms it: neither back links nor numbers.
            let mut cut = image.clone();
            cut.put_u32(first, NEXT, 0);
            for page in image.pages_of(OVERFLOW).into_iter().filter(|&page| image.u32(page, PREV) == first) {
                cut.put_u32(page, PREV, 0);
            }
            let salvage = Salvage::from_bytes(&cut.bytes[..]);
            let survey = salvage.survey().unwrap();
            let record = &with_chain(&survey, &cut, first)[0];
            let Recovered::Part { bytes, expected } = &record.value else { panic!("{case}: {record:?}") };
            let bytes = bytes.to_cow();
            assert_eq!((bytes.len(), *expected), (usize::from(image.u16(first, 22)), len), "{case}");
            assert!(whole.starts_with(&bytes), "{case}");
            assert!(!record.is_whole() && record.confidence() == Confidence::Low, "{case}");

            let mut late = image.clone();
            late.put_u32(page, at + 8, 1);
            let salvage = Salvage::from_bytes(&late.bytes[..]);
            let survey = salvage.survey().unwrap();
            let record = &with_chain(&survey, &late, first)[0];
            assert!(pair(record).1 == whole && record.notes.has(Note::ChainLength), "{case}: {record:?}");
            assert_eq!(record.confidence(), Confidence::Medium, "{case}");
            tried += 1;
        }
    }
    assert!(tried >= 6, "{tried} chains of several pages");
}

#[test]
fn databases_are_found_without_the_list_of_them() {
    for case in ["btree-v8-be-subdbs", "btree-v8-le-subdbs", "btree-v9-be-subdbs", "btree-v9-le-subdbs"] {
        let image = Image::of_case(case);
        let file = Database::from_bytes(&image.bytes[..]).unwrap();
        let bytes = destroyed(&image, 1, 0);
        let salvage = Salvage::from_bytes(&bytes[..]);
        let survey = salvage.survey().unwrap();
        let mut records: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
        for record in survey.records() {
            assert_eq!(record.provenance.origin, Origin::Tree, "{case}: {record:?}");
            *records.entry(record.database.label().unwrap().into_owned()).or_default() += 1;
        }
        let mut expected = BTreeMap::new();
        for database in all_databases(&file) {
            let page = database.meta().page();
            assert!(survey.databases().iter().any(|owner| *owner.name() == Name::Lost(page)), "{case}");
            expected.insert(format!("__PAGE_{page}__").into_bytes(), database.iter().count());
        }
        expected.retain(|_, records| *records > 0);
        assert_eq!(records, expected, "{case}");
    }
}

// ------------------------------------------------------------------------- mutants

/// What a salvage of anything must keep to: it ends, and gives no slot twice.
fn check(bytes: &[u8], deleted: bool) {
    let salvage = Salvage::from_bytes(bytes).deleted(deleted);
    let Ok(survey) = salvage.survey() else { return };
    let mut places = Vec::new();
    let mut records = survey.records();
    for record in records.by_ref().take(bytes.len() + 64) {
        let whole = record.is_whole();
        assert!(whole || record.confidence() == Confidence::Low);
        places.push((record.provenance.page, format!("{:?}", record.provenance.place)));
    }
    assert!(places.len() < bytes.len() + 64, "too many records");
    assert_eq!(records.report().records(), u64::try_from(places.len()).unwrap());
    places.sort_unstable();
    assert!(places.windows(2).all(|two| two[0] != two[1]), "a record is given twice");
}

#[test]
fn a_change_of_one_byte_costs_nothing_on_other_pages() {
    let watch = Watch::start(Duration::from_secs(60));
    for case in [
        "btree-v6-le-dups-onpage-sorted",
        "btree-v7-be-dups-offpage",
        "btree-v8-be-dups-offpage-sorted",
        "btree-v9-le-delete-marked",
        "btree-v9-le-overflow",
        "btree-v9-be-subdbs",
        "recno-v6-le-holes",
    ] {
        let image = Image::of_case(case);
        let standing = standing(&image);
        let mut bytes = image.bytes.clone();
        for offset in (0..bytes.len()).step_by(3) {
            let old = bytes[offset];
            let what = format!("{case}, offset {offset}");
            watch.about(&what);
            bytes[offset] = [old ^ 1, old ^ 0x80, 0, 255][offset % 4];
            check(&bytes, offset % 3 == 0);
            let page = u32::try_from(offset / image.page_size).unwrap();
            let overflow = page == 0 || image.kind(page) != OVERFLOW;
            expect_what_stands(&standing, &bytes, |p| p != page, overflow, &what);
            bytes[offset] = old;
        }
    }
}

#[test]
fn no_truncation_makes_salvage_fail() {
    let watch = Watch::start(Duration::from_secs(60));
    for case in ["btree-v6-be-zerolen", "btree-v9-le-dups-offpage", "btree-v9-le-subdbs-removed"] {
        let bytes = common::data(case);
        for len in (0..bytes.len()).step_by(3) {
            watch.tick();
            check(&bytes[..len], len % 2 == 0);
            check(&bytes[len..], len % 2 == 0);
        }
    }
}

#[test]
fn healthy_files_give_nothing_twice() {
    // Records of compressed databases share the place of their entry.
    for golden in all_readable().into_iter().filter(|golden| !golden.case.has("compressed")) {
        check(&read(&golden.db), true);
    }
}

#[test]
fn an_overflow_chain_of_two_items_is_given_with_both_and_a_third_ends() {
    let mut image = Image::of_case("btree-v9-le-overflow");
    let items = image.items(LEAF, 3);
    let first = image.item(items[0].0, items[0].1);
    let (chain, len) = (image.u32(items[0].0, first + 4), image.u32(items[0].0, first + 8));
    for (page, slot) in items.iter().skip(1) {
        let at = image.item(*page, *slot);
        image.put_u32(*page, at + 4, chain).put_u32(*page, at + 8, len);
    }
    let salvage = Salvage::from_bytes(&image.bytes[..]);
    let survey = salvage.survey().unwrap();
    let found = with_chain(&survey, &image, chain);
    let whole =
        found.iter().filter(|record| record.is_whole() && u32::try_from(pair(record).1.len()) == Ok(len));
    let missing = found.iter().filter(|record| record.value == Recovered::Missing);
    assert!(items.len() > 2, "{items:?}");
    assert_eq!((whole.count(), missing.count()), (2, items.len() - 2));
    let shared: Vec<_> = found.iter().map(|record| record.notes.has(Note::ChainShared)).collect();
    assert!(!shared[0] && shared[1..].iter().all(|shared| *shared), "{shared:?}");
    let mut records = survey.records();
    records.by_ref().for_each(drop);
    assert!(records.report().problem_count() > 0);
}

// ---------------------------------------------------------------------- deleted items

#[test]
fn deleted_items_are_given_when_asked_for() {
    for case in [
        "btree-v6-be-delete-marked",
        "btree-v6-be-delete-marked-dups",
        "btree-v7-le-delete-marked",
        "btree-v8-be-delete-marked",
        "btree-v8-be-delete-marked-dups",
        "btree-v9-le-delete-marked",
        "btree-v9-le-delete-marked-dups",
    ] {
        let bytes = common::data(case);
        let of = |deleted| {
            let salvage = Salvage::from_bytes(&bytes[..]).deleted(deleted);
            let survey = salvage.survey().unwrap();
            let mut records = survey.records();
            let live: Vec<Pair> =
                records.by_ref().filter(|r| r.provenance.origin == Origin::Tree).map(|r| pair(&r)).collect();
            (live, records.report().deleted, records.report().records())
        };
        let (live, none, all) = of(false);
        assert_eq!((none, all), (0, u64::try_from(live.len()).unwrap()), "{case}");
        let (same, deleted, _) = of(true);
        assert!(deleted > 0 && same == live, "{case}: {deleted} deleted");
    }
}

#[test]
fn free_pages_still_hold_the_pairs_of_a_removed_database() {
    let bytes = common::data("btree-v9-le-subdbs-removed");
    let salvage = Salvage::from_bytes(&bytes[..]).deleted(true);
    let survey = salvage.survey().unwrap();
    let free = survey.records().filter(|record| record.provenance.origin == Origin::Free);
    let whole = free.filter(|record| record.is_whole() && record.confidence() == Confidence::Low);
    assert!(whole.count() >= 30);
}

/// The layout of a wallet: a BTREE of version 9 in pages of 4096 bytes, little-endian, whose
/// metadata page, leaf, free page and last overflow page hold items of what these pages were
/// before. Gives the file, and for each place the items that stand there whole.
fn wallet() -> (Vec<u8>, BTreeMap<&'static str, Vec<Vec<u8>>>) {
    const SIZE: usize = 4096;
    let item = |bytes: &[u8], kind: u8| {
        let len = u16::try_from(bytes.len()).unwrap().to_le_bytes();
        let mut item = [&len[..], &[kind], bytes].concat();
        item.resize(item.len().next_multiple_of(4), 0xd6);
        item
    };
    // Keys and private keys as wallets have them: binary, with zeros and small numbers in them.
    let key = |n: u8| [b"\x03key\x21\x02", &[n.wrapping_mul(37); 32][..]].concat();
    let private = |n: u8| {
        let mut bytes = b"\xd6\x30\x81\xd3\x02\x01\x01\x04\x20\x00\x00\x01\x00\x00\x00".to_vec();
        bytes.extend((0..199u8).map(|i| i.wrapping_mul(n | 1) ^ (i >> 3)));
        bytes
    };
    let header = |no: u32, next: u32, entries: u16, area: usize, level: u8, kind: u8| {
        let mut page = vec![0; SIZE];
        page[8..12].copy_from_slice(&no.to_le_bytes());
        page[16..20].copy_from_slice(&next.to_le_bytes());
        page[20..22].copy_from_slice(&entries.to_le_bytes());
        page[22..24].copy_from_slice(&u16::try_from(area).unwrap().to_le_bytes());
        (page[24], page[25]) = (level, kind);
        page
    };
    let mut whole = BTreeMap::new();
    // Items from the end of a page downwards, as a leaf is filled; those that fit above `from`.
    let old_leaf = |page: &mut [u8], from: usize, to: usize, first: u8| {
        let (mut at, mut there, mut index) = (to, Vec::new(), Vec::new());
        for n in first.. {
            for bytes in [key(n), private(n)] {
                let item = item(&bytes, 1);
                let Some(start) = at.checked_sub(item.len()).filter(|start| *start + item.len() > from)
                else {
                    return (there, index);
                };
                let torn = from.saturating_sub(start);
                page[start + torn..at].copy_from_slice(&item[torn..]);
                if torn == 0 {
                    there.push(bytes);
                }
                index.push(u16::try_from(start).unwrap());
                at = start;
            }
        }
        panic!("a page is full before")
    };
    // Page 0: metadata, and behind it what the page was: the last item torn by the metadata.
    let mut meta = header(0, 0, 0, 0, 0, 9);
    meta[12..16].copy_from_slice(&0x0005_3162u32.to_le_bytes());
    for (at, number) in [(16, 9), (20, 4096), (28, 3), (32, 4), (76, 2), (88, 1u32)] {
        meta[at..at + 4].copy_from_slice(&number.to_le_bytes());
    }
    whole.insert("metadata", old_leaf(&mut meta, 512, SIZE, 1).0);
    // Page 1: the only leaf, a pair with a long value; between index and items those of before.
    let live =
        [item(b"version", 1), [&[0, 0, 3, 0][..], &2u32.to_le_bytes(), &5000u32.to_le_bytes()].concat()];
    let second = SIZE - live[0].len() - live[1].len();
    let mut leaf = header(1, 0, 2, second, 1, 5);
    leaf[SIZE - live[0].len()..].copy_from_slice(&live[0]);
    leaf[second..second + 12].copy_from_slice(&live[1]);
    leaf[26..28].copy_from_slice(&u16::try_from(SIZE - live[0].len()).unwrap().to_le_bytes());
    leaf[28..30].copy_from_slice(&u16::try_from(second).unwrap().to_le_bytes());
    // A torn item, a whole one alone, a torn one: cut by the items that the leaf has now.
    let lone = [item(&key(90), 1), item(&private(91), 1), item(&private(92), 1)];
    let lone_at = second - 60;
    leaf[lone_at..second].copy_from_slice(&lone[2][..60]);
    leaf[lone_at - lone[1].len()..lone_at].copy_from_slice(&lone[1]);
    let torn = lone_at - lone[1].len();
    leaf[torn - 20..torn].copy_from_slice(&lone[0][lone[0].len() - 20..]);
    let (mut in_leaf, _) = old_leaf(&mut leaf, 800, 2600, 40);
    in_leaf.push(private(91));
    whole.insert("leaf", in_leaf);
    // Page 2 and 4: a long value, the rest of whose last page was used before. Page 3: free, with
    // what is left of its index.
    let mut first = header(2, 4, 1, SIZE - 26, 0, 7);
    first[26..].fill(b'L');
    let mut last = header(4, 0, 1, 930, 0, 7);
    last[12..16].copy_from_slice(&2u32.to_le_bytes());
    last[26..956].fill(b'L');
    whole.insert("overflow", old_leaf(&mut last, 1000, SIZE, 20).0);
    let mut free = header(3, 0, 0, SIZE, 0, 0);
    let (in_free, index) = old_leaf(&mut free, 2000, SIZE, 60);
    for (slot, at) in index.iter().enumerate() {
        free[26 + 2 * slot..28 + 2 * slot].copy_from_slice(&at.to_le_bytes());
    }
    whole.insert("free", in_free);
    ([meta, leaf, first, free, last].concat(), whole)
}

#[test]
fn every_whole_item_in_unused_space_is_shown() {
    let (bytes, whole) = wallet();
    let file = Database::from_bytes(&bytes[..]).unwrap();
    assert_eq!(file.iter().map(|entry| entry.unwrap().value().len()).collect::<Vec<_>>(), [5000]);
    let salvage = Salvage::from_bytes(&bytes[..]).deleted(true);
    let survey = salvage.survey().unwrap();
    let (mut parts, mut undecided) = (BTreeSet::new(), 0);
    let mut records = survey.records();
    for record in records.by_ref() {
        let (key, value) = pair(&record);
        if record.provenance.origin == Origin::Tree {
            continue;
        }
        // A pair whose parts are known is right.
        let known = !record.notes.has(Note::Parts);
        if known && !key.is_empty() && !value.is_empty() {
            assert!(key.starts_with(b"\x03key") && value.starts_with(b"\xd6\x30"), "{record:?}");
            assert_eq!(record.provenance.page.0, 3, "only there an index is left");
        }
        undecided += u64::from(!known);
        assert_eq!(record.confidence(), Confidence::Low);
        let at = usize::try_from(record.provenance.offset).unwrap();
        let stands = if value.is_empty() { &key } else { &value };
        assert!(bytes[at + 3..].starts_with(stands), "the place that is told");
        parts.extend([key, value]);
    }
    for (place, items) in &whole {
        let lost = items.iter().filter(|item| !parts.contains(*item)).count();
        assert!(
            items.len() >= if *place == "free" { 14 } else { 10 } && lost == 0,
            "{place}: {lost} of {}",
            items.len()
        );
    }
    assert!(undecided > 20 && undecided == records.report().undecided, "{undecided}");
    // Nothing but what stands there: no items that are none.
    let all: usize = whole.values().map(Vec::len).sum();
    assert!(parts.len() <= all + 3, "{} parts for {all} items", parts.len());
    // And none of it, if it was not asked for.
    let live = Salvage::from_bytes(&bytes[..]);
    assert_eq!(live.survey().unwrap().records().count(), 1);
}

#[test]
fn what_lies_behind_the_metadata_of_an_inner_database_is_shown() {
    for order in [bdbkit::Endianness::Little, bdbkit::Endianness::Big] {
        let pairs = [(b"name", vec![b"value"])];
        let databases = [("one", Tree::btree(), pairs.to_vec()), ("two", Tree::btree(), pairs.to_vec())];
        let mut image = Image::new("inner", Builder::new(8, order, 2048).build_several(&databases));
        for page in [0].into_iter().chain(image.pages_of(9)) {
            let secret = format!("secret {page}");
            let at = usize::try_from(page).unwrap() * 2048 + 1000;
            image.put_u16(page, 1000, 8).put(page, 1002, 1);
            image.bytes[at + 3..at + 11].copy_from_slice(secret.as_bytes());
            // Behind it the head of an item that was overwritten.
            image.put_u16(page, 1012, 5000).put(page, 1014, 1);
        }
        let found = common::standing::salvaged_with_deleted(&image.bytes);
        let is_secret = |part: &Vec<u8>| part.starts_with(b"secret");
        let secrets = found.iter().filter(|(key, value)| is_secret(key) || is_secret(value));
        assert_eq!((secrets.count(), found.len()), (3, 5), "{found:?}");
    }
}

// ------------------------------------------------------------------- put together

#[test]
fn an_overflow_chain_is_put_together_over_a_lost_link() {
    let (mut inner, mut first_links) = (0, 0);
    let cases = (6..=9).flat_map(|v| ["be", "le"].map(|order| format!("btree-v{v}-{order}-overflow")));
    for case in cases {
        let image = Image::of_case(&case);
        let expected = multiset(strict(&image.bytes));
        let lengths =
            image.items(LEAF, 3).into_iter().map(|(page, slot)| image.u32(page, image.item(page, slot) + 8));
        let lengths = multiset(lengths);
        for (page, slot) in image.items(LEAF, 3) {
            let at = image.item(page, slot);
            let (first, len) = (image.u32(page, at + 4), image.u32(page, at + 8));
            let check = |damaged: &Image, joined: bool, what: &str| {
                let salvage = Salvage::from_bytes(&damaged.bytes[..]);
                let survey = salvage.survey().unwrap();
                let mut records = survey.records();
                let all: Vec<_> = records.by_ref().collect();
                let found = multiset(all.iter().map(pair));
                assert_eq!(found == expected, joined, "{case}, page {page}, slot {slot}: {what}");
                let noted: Vec<_> = all.iter().filter(|record| record.notes.has(Note::Joined)).collect();
                assert_eq!(noted.len(), usize::from(joined), "{case}: {what}");
                assert!(noted.iter().all(|record| record.confidence() == Confidence::Medium));
                assert!(records.report().problem_count() > 0, "{case}: {what}");
            };
            // Each link within the chain: to nothing, beyond the end, to a page of another kind, to
            // the start of another chain.
            let other = image
                .items(LEAF, 3)
                .into_iter()
                .map(|(page, slot)| image.u32(page, image.item(page, slot) + 4));
            let other = other.into_iter().find(|other| *other != first).unwrap();
            let mut no = first;
            while image.u32(no, NEXT) != 0 {
                let next = image.u32(no, NEXT);
                for (to, what) in
                    [(0, "nothing"), (1 << 20, "beyond the end"), (page, "a leaf"), (other, "another chain")]
                {
                    check(image.clone().put_u32(no, NEXT, to), true, what);
                    inner += 1;
                }
                // What does not fit is not guessed.
                let mut short = image.clone();
                short.put_u32(no, NEXT, 0).put_u16(next, 22, image.u16(next, 22) - 1);
                check(&short, false, "another length");
                let mut two = image.clone();
                two.put_u32(no, NEXT, 0);
                if let Some(third) = two
                    .pages_of(OVERFLOW)
                    .into_iter()
                    .find(|p| *p != next && *p != no && two.u32(*p, PREV) == 0)
                {
                    two.put_u32(third, PREV, no);
                    let salvage = Salvage::from_bytes(&two.bytes[..]);
                    assert!(
                        salvage.survey().unwrap().records().all(|r| !r.notes.has(Note::Joined)),
                        "{case}"
                    );
                }
                no = next;
            }
            // The link of the item: where no other chain has this length.
            if lengths[&len] == 1 {
                check(image.clone().put_u32(page, at + 4, 1 << 20), true, "the first link");
                first_links += 1;
            }
        }
    }
    assert!(
        inner >= 40 && first_links >= 40,
        "{inner} links within chains, {first_links} to their first page"
    );
}

#[test]
fn duplicates_are_put_together_over_a_lost_link() {
    let mut joined = 0;
    let shapes = ["dups-offpage", "dups-offpage-sorted", "dups-offpage-many", "dups-offpage-many-sorted"];
    let cases = (6..=9).flat_map(|v| ["be", "le"].map(|order| format!("btree-v{v}-{order}-")));
    for case in cases.flat_map(|start| shapes.map(|shape| format!("{start}{shape}"))) {
        if !common::testdata().join(&case).is_dir() {
            continue;
        }
        let image = Image::of_case(&case);
        let expected = multiset(strict(&image.bytes));
        let links: Vec<_> =
            image.items(LEAF, 2).into_iter().map(|(page, slot)| (page, image.item(page, slot) + 4)).collect();
        for &(page, at) in &links {
            for to in [0, page, 1 << 20] {
                let mut damaged = image.clone();
                damaged.put_u32(page, at, to);
                let salvage = Salvage::from_bytes(&damaged.bytes[..]);
                let survey = salvage.survey().unwrap();
                let mut records = survey.records();
                let all: Vec<_> = records.by_ref().collect();
                assert!(multiset(all.iter().map(pair)) == expected, "{case}, page {page}, byte {at}: {to}");
                let mut noted = all.iter().filter(|record| record.notes.has(Note::Joined)).peekable();
                assert!(
                    noted.peek().is_some() && noted.all(|record| record.confidence() == Confidence::Medium)
                );
                let places: Vec<_> =
                    records.report().problems().iter().map(|error| error.page().unwrap().0).collect();
                assert!(places.contains(&page) || to == page, "{case}: {places:?}");
                joined += 1;
            }
        }
        // Two lost links: which tree belongs to which is not guessed.
        if let [one, other, ..] = links[..] {
            let mut damaged = image.clone();
            damaged.put_u32(one.0, one.1, 0).put_u32(other.0, other.1, 0);
            let is_joined = |damaged: &Image| {
                let salvage = Salvage::from_bytes(&damaged.bytes[..]);
                salvage.survey().unwrap().records().any(|record| record.notes.has(Note::Joined))
            };
            assert!(!is_joined(&damaged), "{case}");
            // Nor to which link the only tree that is left belongs.
            let root = image.u32(one.0, one.1);
            let mut gone = vec![root];
            if matches!(image.kind(root), 3 | 4) {
                gone.extend(image.children(root));
            }
            let mut next = image.u32(root, 16);
            while next != 0 && !gone.contains(&next) {
                gone.push(next);
                next = image.u32(next, 16);
            }
            for page in gone {
                let start = usize::try_from(page).unwrap() * image.page_size;
                damaged.bytes[start..start + image.page_size].fill(0);
            }
            assert!(!is_joined(&damaged), "{case}: page {root}");
        }
    }
    assert!(joined >= 60, "{joined} links");
}

// ---------------------------------------------------------------------------- places

#[test]
fn every_record_has_its_place_in_the_file() {
    let (mut there, mut shifted) = (0, 0);
    for image in small_files(20_000) {
        if image.pages() < 5 {
            continue;
        }
        let cut = image.bytes[3 * image.page_size..].to_vec();
        let noise = [vec![0xa5; 3 * image.page_size], destroyed(&image, 0, 5)].concat();
        let size = PageSize::new(u32::try_from(image.page_size).unwrap()).unwrap();
        let order = if image.big { bdbkit::Endianness::Big } else { bdbkit::Endianness::Little };
        for (what, bytes, force) in [
            ("whole", &image.bytes, false),
            ("its first pages are missing", &cut, false),
            ("behind others", &noise, true),
        ] {
            let mut salvage = Salvage::from_bytes(&bytes[..]).deleted(true);
            if force {
                salvage = salvage.page_size(size).byte_order(order);
            }
            let Ok(survey) = salvage.survey() else { continue };
            let pages = u32::try_from(bytes.len() / image.page_size).unwrap();
            assert_eq!(survey.page_count(), pages, "{}: {what}", image.name);
            let mut records = survey.records();
            for record in records.by_ref() {
                let found = record.provenance;
                let at = format!("{}, {what}: {found:?}", image.name);
                assert!(found.page.0 < pages, "{at}");
                let page = usize::try_from(found.page.0).unwrap() * image.page_size;
                let offset = usize::try_from(found.offset).unwrap();
                assert!((page..page + image.page_size).contains(&offset), "{at}");
                let number = &bytes[page + 8..page + 12].try_into().unwrap();
                let number =
                    if image.big { u32::from_be_bytes(*number) } else { u32::from_le_bytes(*number) };
                assert_eq!(found.says.map_or(found.page.0, |says| says.0), number, "{at}");
                let value = pair(&record).1;
                if bytes[offset + 2] & 0x7f == 1 && record.is_whole() && !image.name.contains("subdbs") {
                    assert!(bytes[offset + 3..].starts_with(&value), "{at}");
                    there += 1;
                }
                shifted += usize::from(found.says.is_some());
            }
            for error in survey.problems().iter().chain(records.report().problems()) {
                assert!(error.page().is_none_or(|page| page.0 < pages), "{}, {what}: {error}", image.name);
            }
        }
    }
    assert!(there > 10_000 && shifted > 5000, "{there} values, {shifted} on pages with another number");
}

#[test]
fn an_empty_page_is_called_so_where_verify_does() {
    use bdbkit::verify::{Severity, Verify};
    let mut pages = 0;
    for case in [
        "btree-v6-be-levels",
        "btree-v7-le-levels",
        "btree-v8-be-levels",
        "btree-v9-le-levels",
        "recno-v9-le-var",
    ] {
        let image = Image::of_case(case);
        for page in 1..image.pages() {
            let bytes = destroyed(&image, page, 0);
            let salvage = Salvage::from_bytes(&bytes[..]);
            let survey = salvage.survey().unwrap();
            let mut records = survey.records();
            records.by_ref().for_each(drop);
            let told: Vec<_> = records.report().problems().iter().map(ToString::to_string).collect();
            let verdict = Verify::from_bytes(&bytes[..]).run();
            let empty = |finding: &&bdbkit::verify::Finding| finding.text.starts_with("the page is empty");
            let Some(first) = verdict.findings().iter().find(empty) else { continue };
            assert_eq!((first.page.0, first.severity), (page, Severity::Error), "{case}");
            let place = format!("page {}: byte {}: {}", first.page, first.offset, first.text);
            let is_told = told.iter().any(|told| told.starts_with(&place) && told.contains("leads to it"));
            assert!(is_told, "{case}: {place}, not in {told:?}");
            pages += 1;
        }
    }
    assert!(pages > 60, "{pages}");
}

// ------------------------------------------------------------- what the header says

#[test]
fn the_header_says_what_that_of_a_dump_does() {
    let header = |text: &[u8]| -> Vec<String> {
        let lines = text.split(|byte| *byte == b'\n').take_while(|line| !line.starts_with(b" "));
        lines
            .filter(|line| *line != b"DATA=END")
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect()
    };
    let mut said = BTreeSet::new();
    for golden in common::goldens() {
        if golden.case.has("encrypted")
            || golden.case.version != "9"
            || golden.case.name.starts_with("mboxlist")
        {
            continue;
        }
        let salvage = Salvage::open(&golden.db).unwrap();
        let survey = salvage.survey().unwrap();
        let mut text = Vec::new();
        bdbkit::dump::Writer::new().write_salvaged(&survey, &mut survey.records(), &mut text).unwrap();
        let (ours, genuine) = (header(&text), header(&read(&golden.dump)));
        assert_eq!(ours, genuine, "{}", golden.name());
        said.extend(ours.into_iter().filter_map(|line| Some(line.split_once('=')?.0.to_owned())));
    }
    for field in [
        "chksum",
        "compressed",
        "bt_minkey",
        "duplicates",
        "dupsort",
        "recnum",
        "renumber",
        "re_len",
        "re_pad",
    ] {
        assert!(said.contains(field), "{field} is in no header: {said:?}");
    }
}

// ---------------------------------------------------------------------------- bounds

/// A file of one leaf of 64 KiB, with many pairs that share a key; and `behind` it, in pages of
/// an overflow chain, that key, or on the leaf if there are none.
fn shared_key(chain: u32, flags: u32, value: &[u8]) -> Vec<u8> {
    const SIZE: usize = 65536;
    let page = |no: u32, entries: u16, area: u16, level: u8, kind: u8| {
        let mut page = vec![0; SIZE];
        page[8..12].copy_from_slice(&no.to_le_bytes());
        page[20..22].copy_from_slice(&entries.to_le_bytes());
        page[22..24].copy_from_slice(&area.to_le_bytes());
        (page[24], page[25]) = (level, kind);
        page
    };
    let item = |kind: u8, bytes: &[u8]| {
        let mut item = [&u16::try_from(bytes.len()).unwrap().to_le_bytes()[..], &[kind], bytes].concat();
        item.resize(item.len().next_multiple_of(4), 0);
        item
    };
    let mut meta = page(0, 0, 0, 0, 9);
    for (at, number) in
        [(12, 0x0005_3162), (16, 9), (20, 65536), (32, chain + 1), (48, flags), (76, 2), (88, 1u32)]
    {
        meta[at..at + 4].copy_from_slice(&number.to_le_bytes());
    }
    let key = match chain {
        0 => item(1, &[b'k'; 16_000]),
        pages => [&[0, 0, 3, 0][..], &2u32.to_le_bytes(), &(pages * 65_510).to_le_bytes()].concat(),
    };
    let value = item(1, value);
    let pairs = (SIZE - 26 - key.len()) / (value.len() + 4);
    let area = SIZE - key.len() - pairs * value.len();
    let mut leaf = page(1, u16::try_from(2 * pairs).unwrap(), u16::try_from(area).unwrap(), 1, 5);
    leaf[SIZE - key.len()..].copy_from_slice(&key);
    for pair in 0..pairs {
        let at = area + pair * value.len();
        leaf[at..at + value.len()].copy_from_slice(&value);
        for (slot, to) in [(2 * pair, SIZE - key.len()), (2 * pair + 1, at)] {
            leaf[26 + 2 * slot..28 + 2 * slot].copy_from_slice(&u16::try_from(to).unwrap().to_le_bytes());
        }
    }
    let mut file = [meta, leaf].concat();
    for no in 2..chain + 2 {
        let mut piece = page(no, 1, 65_510, 0, 7);
        piece[12..16].copy_from_slice(&(if no == 2 { 0 } else { no - 1 }).to_le_bytes());
        piece[16..20].copy_from_slice(&(if no == chain + 1 { 0 } else { no + 1 }).to_le_bytes());
        piece[26..].fill(b'k');
        file.extend(piece);
    }
    file
}

#[test]
fn what_a_page_repeats_is_bounded_by_its_size() {
    let number = |n: usize| match n {
        0..=0x7f => vec![u8::try_from(n).unwrap()],
        0x80..=0x407f => {
            vec![0x80 | u8::try_from((n - 0x80) >> 8).unwrap(), u8::try_from((n - 0x80) & 0xff).unwrap()]
        }
        _ => panic!("a longer form"),
    };
    // Records of a compressed entry that repeat the key of 16,000 bytes, and no more.
    let again = [number(16_000), vec![0, 0]].concat();
    let packed = [vec![0], again.repeat(60)].concat();
    for (what, flags, value) in [("a shared key", 1, vec![]), ("compressed entries", 0xc1, packed)] {
        let mut sizes = Vec::new();
        for chain in [0, 4, 16] {
            if flags != 1 && chain > 0 {
                continue;
            }
            let bytes = shared_key(chain, flags, &value);
            let salvage = Salvage::from_bytes(&bytes[..]);
            let survey = salvage.survey().unwrap();
            let mut records = survey.records();
            let (mut given, mut left_out) = (0, 0);
            for record in records.by_ref() {
                let pieces = record.value.bytes().map_or(0, |bytes| bytes.len());
                let Key::Bytes(key) = &record.key else { panic!("{record:?}") };
                given += pieces + key.bytes().map_or(0, |bytes| bytes.len());
                let without = key.bytes().is_none();
                assert!(!without || record.notes.has(Note::Repeated) || record.notes.has(Note::Compressed));
                left_out += usize::from(!record.notes.is_empty());
            }
            // Compressed entries of genuine files repeat long keys more often than other pairs can.
            let times = if flags == 1 { 66 } else { 16 * 64 + 2 };
            assert!(given <= times * bytes.len(), "{what}: {given} bytes of {}", bytes.len());
            assert!(left_out > 0 && records.report().problem_count() > 0, "{what}, {chain} pages");
            sizes.push((bytes.len(), given));
        }
        if let [_, (small, little), (large, much)] = sizes[..] {
            assert!(much * small <= 2 * little * large, "{what}: it grows faster than the file: {sizes:?}");
        }
    }
    // A genuine page has few enough.
    let (file, pairs) = (shared_key(0, 1, &[b'v'; 700]), 70);
    let salvage = Salvage::from_bytes(&file[..]);
    let survey = salvage.survey().unwrap();
    let whole = survey.records().filter(|record| record.notes.is_empty() && record.is_whole()).count();
    assert!(whole >= pairs - 2, "{whole}");
}

// ------------------------------------------------------------------------- memory

#[test]
fn memory_is_bounded_by_the_file_not_by_numbers_in_it() {
    let mut files: Vec<(String, Vec<u8>)> =
        all_readable().iter().map(|golden| (golden.name(), read(&golden.db))).collect();
    for case in cases(&["damage-v", "damage-hash-"]) {
        files.push((case.name.clone(), read(case.folder().join("data.db"))));
    }
    // Overflow chains that say they are endless, and pages with as many slots as can be.
    let mut image = Image::of_case("btree-v9-le-overflow");
    for (page, slot) in image.items(LEAF, 3) {
        let at = image.item(page, slot);
        image.put_u32(page, at + 8, u32::MAX);
    }
    files.push(("endless chains".to_owned(), image.bytes));
    let mut image = Image::of_case("btree-v9-be-levels");
    for page in image.pages_of(LEAF) {
        image.put_u16(page, common::image::ENTRIES, u16::MAX);
    }
    files.push(("endless indexes".to_owned(), image.bytes));
    // The first page that is there says that it is a late one.
    let mut image = Image::of_case("btree-v9-le-levels");
    for page in 0..image.pages() {
        image.put_u32(page, 8, 4_000_000_000 + page);
    }
    files.push(("late pages".to_owned(), image.bytes));
    for (name, bytes) in files {
        let peak = counting::peak_of(|| {
            let salvage = Salvage::from_bytes(&bytes[..]).deleted(true);
            let Ok(survey) = salvage.survey() else { return };
            survey.records().for_each(drop);
        });
        let limit = 64 * 1024 + 4 * bytes.len();
        assert!(peak < limit, "{name}: {peak} bytes of memory for a file of {}", bytes.len());
    }
}
