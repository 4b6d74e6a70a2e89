//! The named kinds of damage, as a salvage meets them: no pair of another page is lost,
//! nothing is given twice, and what is wrong is said.

use std::collections::BTreeSet;
use std::time::Duration;

use bdbkit::PageNo;
use bdbkit::salvage::{Confidence, Key, Name, Note, Notes, Origin, Recovered, Salvage, Salvaged};

use crate::common::image::{
    AREA, DUPLICATE, ENTRIES, INTERNAL, Image, LEAF, LEVEL, NEXT, PREV, RECNO_INTERNAL, RECNO_LEAF, TYPE,
};
use crate::common::{Pair, Watch, data, missing, multiset};
use crate::counting::peak_of;
use crate::damage::{
    ORDERS, all_pairs, buckets, chains, copied, costly, dangling_slot, duplicate_files, duplicates, files,
    ladder, lists, long_equal_keys, metadata_field, misled, noise, not_databases, of_duplicates, of_length,
    overflow_files, pairs_on, record_trees, run_on, swapped, trees, zeroed,
};

/// A record that was found, and what is said of it.
#[derive(Debug)]
struct Record {
    pair: Pair,
    page: u32,
    origin: Origin,
    notes: Notes,
    whole: bool,
    number: Option<u32>,
}

impl Record {
    fn new(record: &Salvaged<'_>) -> Record {
        let bytes = |part: &Recovered<'_>| part.bytes().map(|bytes| bytes.to_cow().into_owned());
        let (key, number) = match &record.key {
            Key::Bytes(key) => (bytes(key), None),
            Key::Record(number) => (None, *number),
        };
        let pair = (key.unwrap_or_default(), bytes(&record.value).unwrap_or_default());
        let (page, origin) = (record.provenance.page.0, record.provenance.origin);
        Record { pair, page, origin, notes: record.notes, whole: record.is_whole(), number }
    }
}

/// What a salvage found, and what was in the way.
struct Found {
    name: String,
    records: Vec<Record>,
    /// The page, and the words.
    problems: Vec<(Option<PageNo>, String)>,
}

/// Salvages a file, and checks what holds for any: it ends, gives no place twice, trusts no
/// half of a record, and takes memory in proportion to the file.
#[track_caller]
fn salvage(image: &Image) -> Found {
    salvage_with(image, false)
}

#[track_caller]
fn salvage_with(image: &Image, deleted: bool) -> Found {
    let watch = Watch::start(Duration::from_secs(30));
    watch.about(image.name.clone());
    let job = Salvage::from_bytes(&image.bytes[..]).deleted(deleted);
    let survey = job.survey().unwrap_or_else(|error| panic!("{}: {error}", image.name));
    let mut given = survey.records();
    let (mut records, mut places) = (Vec::new(), BTreeSet::new());
    for record in given.by_ref() {
        assert!(records.len() < image.bytes.len(), "{}: more records than bytes", image.name);
        let place = (record.provenance.page.0, format!("{:?}", record.provenance.place));
        assert!(places.insert(place.clone()), "{}: {place:?} is given twice", image.name);
        assert!(record.is_whole() || record.confidence() == Confidence::Low);
        records.push(Record::new(&record));
    }
    let report = given.into_report();
    assert_eq!(report.records(), u64::try_from(records.len()).unwrap());
    let kept = report.problems().len();
    let problems = survey.problems().iter().chain(report.problems());
    let problems = problems.map(|error| (error.page(), error.to_string())).collect();
    let peak = peak_of(|| {
        let job = Salvage::from_bytes(&image.bytes[..]).deleted(deleted);
        job.survey().unwrap().records().for_each(drop);
    });
    let limit = 4 * image.bytes.len() + 256 * kept + (64 << 10);
    assert!(peak <= limit, "{}: {peak} bytes for a file of {}", image.name, image.bytes.len());
    Found { name: image.name.clone(), records, problems }
}

impl Found {
    /// Expects all pairs of the file before it was damaged, but for some, and no pair more
    /// often than it stands there, but for those of damaged pages.
    #[track_caller]
    fn gives(&self, original: &Image, may_be_lost: &[Pair], damaged: &[u32]) -> &Found {
        let whole = multiset(all_pairs(original));
        let given = || self.records.iter().filter(|record| record.whole);
        let lost = missing(&multiset(given().map(|record| record.pair.clone())), &whole);
        let too_many = missing(&multiset(may_be_lost.iter().cloned()), &multiset(lost.clone()));
        assert!(
            too_many.is_empty(),
            "{}: {} of {} lost, {} too many: {:?}\n{}",
            self.name,
            lost.len(),
            whole.len(),
            too_many.len(),
            too_many.first().map(|(key, value)| (key.escape_ascii().to_string(), value.len())),
            self.said()
        );
        let sound = given().filter(|record| !damaged.contains(&record.page));
        let shared = |notes: Notes| notes.has(Note::ChainShared) || notes.has(Note::Overlap);
        let sound = sound.filter(|record| !shared(record.notes) && record.origin != Origin::Unused);
        let more = missing(&whole, &multiset(sound.map(|record| record.pair.clone())));
        let first = more.first().and_then(|pair| self.records.iter().find(|record| record.pair == *pair));
        assert!(more.is_empty(), "{}: {} pairs are not there: {first:?}", self.name, more.len());
        self
    }

    /// Expects a problem of a page, with these words.
    #[track_caller]
    fn tells(&self, page: u32, words: &str) -> &Found {
        let mut problems = self.problems.iter();
        let said = problems.any(|(about, text)| *about == Some(PageNo(page)) && text.contains(words));
        assert!(said, "{}: page {page}, {words}\n{}", self.name, self.said());
        self
    }

    /// Expects no problem at all.
    #[track_caller]
    fn is_silent(&self) -> &Found {
        assert!(self.problems.is_empty(), "{}:\n{}", self.name, self.said());
        self
    }

    /// Expects that nothing leads to the records of these pages, and that the trees lead to
    /// all others.
    #[track_caller]
    fn orphans(&self, pages: &[u32]) -> &Found {
        for record in &self.records {
            let expected = if pages.contains(&record.page) { Origin::Orphan } else { Origin::Tree };
            assert_eq!(record.origin, expected, "{}: page {}\n{}", self.name, record.page, self.said());
        }
        self
    }

    /// Expects a note on all records of a page, and on no others.
    #[track_caller]
    fn noted(&self, page: u32, note: Note) -> &Found {
        for record in &self.records {
            assert_eq!(record.notes.has(note), record.page == page, "{}: page {}", self.name, record.page);
        }
        self
    }

    fn said(&self) -> String {
        self.problems.iter().take(12).map(|(_, text)| format!("  {text}\n")).collect()
    }
}

/// Some leaves of all trees, damaged.
fn damage_leaves(damage: impl Fn(&Image, u32, &mut Image), judge: impl Fn(&Image, u32, &Found)) {
    for tree in trees().into_iter().chain(record_trees()) {
        let leaves = tree.leaves(1);
        for page in [leaves[0], leaves[leaves.len() / 2], leaves[leaves.len() - 1]] {
            let mut damaged = tree.clone();
            damage(&tree, page, &mut damaged);
            judge(&tree, page, &salvage(&damaged));
        }
    }
}

fn internal_pages(tree: &Image) -> Vec<u32> {
    [INTERNAL, RECNO_INTERNAL].iter().flat_map(|&kind| tree.pages_of(kind)).collect()
}

// -------------------------------------------------------- file and metadata: 1 to 12

#[test]
fn class_01_what_is_no_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    for (bytes, words) in not_databases() {
        std::fs::write(&path, &bytes).unwrap();
        for job in [
            Salvage::from_bytes(&bytes[..]),
            Salvage::from_bytes(bytes.clone()),
            Salvage::open(&path).unwrap(),
        ] {
            match job.survey() {
                Err(error) => assert!(error.to_string().contains(words), "{error}, expected {words}"),
                // Of a file that was cut the first page still tells what it is.
                Ok(survey) => {
                    let mut records = survey.records();
                    assert!(bytes.len() == 511 && records.next().is_none(), "{words}");
                    assert!(records.report().problem_count() > 0);
                }
            }
        }
    }
}

#[test]
fn class_02_a_cut_file_gives_its_whole_pages_and_says_so() {
    for file in files("one").into_iter().chain(files("dups-offpage")) {
        let all = multiset(all_pairs(&file));
        for len in (0..file.bytes.len()).step_by(if file.bytes.len() > 4096 { 31 } else { 1 }) {
            let job = Salvage::from_bytes(&file.bytes[..len]);
            let Ok(survey) = job.survey() else { continue };
            let mut records = survey.records();
            let given: Vec<Record> = records.by_ref().map(|record| Record::new(&record)).collect();
            let whole = given.iter().filter(|record| record.whole && record.notes.is_empty());
            let more = missing(&all, &multiset(whole.clone().map(|record| record.pair.clone())));
            assert!(more.is_empty(), "{}, cut to {len}: {} pairs are not there", file.name, more.len());
            let fewer = whole.count() < all.values().sum();
            assert!(!fewer || records.report().problem_count() > 0, "{}, cut to {len}", file.name);
        }
    }
}

#[test]
fn class_03_bytes_behind_the_last_page_harm_nobody() {
    for tree in trees() {
        for tail in [1, 7, tree.page_size - 1] {
            let mut longer = tree.clone();
            longer.bytes.extend(std::iter::repeat_n(0xa5, tail));
            salvage(&longer).gives(&tree, &[], &[]).orphans(&[]);
        }
        let mut longer = tree.clone();
        longer.bytes.extend(std::iter::repeat_n(0, 3 * tree.page_size));
        salvage(&longer).gives(&tree, &[], &[]).orphans(&[]).is_silent();
    }
}

#[test]
fn class_04_a_page_size_is_not_believed() {
    for tree in trees() {
        for size in [0, 1, 511, 1000, 1024, 2048, 65536, 1 << 31, u32::MAX] {
            let damaged = tree.clone().put_u32(0, 20, size).clone();
            salvage(&damaged).gives(&tree, &[], &[]).orphans(&[]);
            let job = Salvage::from_bytes(&damaged.bytes[..]);
            let geometry = job.survey().unwrap().geometry();
            let found = (geometry.page_size().bytes(), geometry.told());
            assert_eq!(found, (tree.page_size, false), "{}: page size {size}", tree.name);
        }
    }
}

#[test]
fn class_05_06_07_08_10_no_field_of_the_metadata_is_believed() {
    for tree in trees() {
        let field = |name| metadata_field(&tree, name).unwrap();
        let mut patches = vec![
            (field("min_key"), 0),
            (field("min_key"), u32::MAX),
            (field("record_length"), u32::MAX),
            (field("free"), u32::MAX),
            (field("flags"), 0x8000),
            (field("flags"), u32::MAX),
        ];
        for magic in [0, 0x0006_1561, 0x0004_2253, 0x0007_4582, 0x0012_3456, 0x6231_0500, u32::MAX] {
            patches.push((12, magic));
        }
        for version in [0, 5, 10, 11, 255, 0x0900_0000, u32::MAX] {
            patches.push((16, version));
        }
        if tree.version() >= 8 {
            patches.extend([0, 1, tree.pages() - 2, u32::MAX].map(|last| (32, last)));
        }
        for (offset, value) in patches {
            salvage(tree.clone().put_u32(0, offset, value)).gives(&tree, &[], &[]).orphans(&[]).is_silent();
        }
        for kind in [0, 5, 8, 10, 14, 255] {
            salvage(tree.clone().put(0, TYPE, kind)).gives(&tree, &[], &[]).orphans(&[]).is_silent();
        }
    }
}

#[test]
fn class_09_without_a_root_the_leaves_are_found() {
    for tree in trees() {
        if let Some(field) = metadata_field(&tree, "root") {
            for root in [0, 2, tree.pages(), u32::MAX] {
                salvage(tree.clone().put_u32(0, field, root)).gives(&tree, &[], &[]).orphans(&[]).is_silent();
            }
        }
        for kind in [0, 7, 9, 13, 77, 255] {
            let found = salvage(tree.clone().put(1, TYPE, kind));
            found.gives(&tree, &[], &[1]).orphans(&[tree.leaves(1), vec![1]].concat());
            found.tells(1, &format!("page type {kind}"));
        }
        let mut cut = tree.clone();
        cut.bytes.truncate(tree.page_size);
        let found = salvage(&cut);
        assert!(found.records.is_empty());
        found.tells(0, "root page 1 lies beyond the end");
    }
    for file in lists() {
        let all = all_pairs(&file);
        let numbered: Vec<Pair> = all.iter().filter(|(key, _)| key.is_empty()).cloned().collect();
        let values = |pairs: &[Pair]| multiset(pairs.iter().map(|(_, value)| value.clone()));
        for meta in file.pages_of(9) {
            for root in [0, meta, 1, file.pages(), u32::MAX] {
                // Without their tree, records have no numbers.
                let found = salvage(file.clone().put_u32(meta, 88, root));
                found.gives(&file, &numbered, &[]);
                let given: Vec<Pair> = found.records.iter().map(|record| record.pair.clone()).collect();
                assert!(missing(&values(&given), &values(&all)).is_empty(), "{}", file.name);
            }
        }
    }
}

#[test]
fn class_11_encryption_is_refused_by_name_and_a_wrong_checksum_noted() {
    for order in ORDERS {
        let encrypted = data(&format!("btree-v9-{order}-encrypted"));
        let error = Salvage::from_bytes(encrypted).survey().map(drop).expect_err("encrypted");
        assert!(error.to_string().contains("encrypted"), "{error}");
        // A plain file that says that it is encrypted.
        let tree = Image::of_case(&format!("btree-v9-{order}-levels"));
        for algorithm in [1, 2, 255] {
            salvage(tree.clone().put(0, 24, algorithm)).gives(&tree, &[], &[]).orphans(&[]);
        }
        let file = Image::of_case(&format!("btree-v9-{order}-checksum"));
        for page in file.pages_of(LEAF) {
            for offset in [0, 28] {
                let found = salvage(file.clone().put(page, offset, file.byte(page, offset) ^ 0x10));
                found.gives(&file, &[], &[]).noted(page, Note::Checksum).tells(page, "checksum");
            }
        }
        for offset in [57, 300, 511] {
            salvage(file.clone().put(0, offset, file.byte(0, offset) ^ 1))
                .gives(&file, &[], &[])
                .orphans(&[]);
        }
    }
}

#[test]
fn class_12_a_wrong_entry_in_the_list_costs_a_name_and_no_more() {
    for file in lists() {
        let names = |image: &Image| -> Vec<Name> {
            let job = Salvage::from_bytes(&image.bytes[..]);
            job.survey().unwrap().databases().iter().map(|owner| owner.name().clone()).collect()
        };
        let all = names(&file);
        for entry in 0..file.entries(1) / 2 {
            let at = file.item(1, 2 * entry + 1);
            let meta = u32::from_be_bytes([3, 4, 5, 6].map(|i| file.byte(1, at + i)));
            let mut patches = vec![file.clone().put_u16(1, at, 3).clone()];
            for number in [0, 1, file.pages(), u32::MAX] {
                let mut damaged = file.clone();
                for (i, byte) in number.to_be_bytes().into_iter().enumerate() {
                    damaged.put(1, at + 3 + i, byte);
                }
                patches.push(damaged);
            }
            for damaged in patches {
                salvage(&damaged).gives(&file, &[], &[]).orphans(&[]);
                let found = names(&damaged);
                let lost = Name::Lost(PageNo(meta));
                let kept = all.iter().filter(|name| found.contains(name)).count();
                assert!(found.contains(&lost) && kept + 1 == all.len(), "{}: {found:?}", file.name);
            }
        }
        // A name of any bytes is a name.
        let name = file.item(1, file.entries(1) - 2) + 3;
        let strange = file.clone().put(1, name, 0xff).clone();
        salvage(&strange).gives(&file, &[], &[]).orphans(&[]).is_silent();
        assert!(names(&strange).iter().any(|name| matches!(name, Name::Listed(bytes) if bytes[0] == 0xff)));
    }
}

// ------------------------------------------------------------------- tree: 13 to 18

#[test]
fn class_13_a_child_that_was_passed_already_costs_nothing() {
    for tree in trees().into_iter().chain(record_trees()) {
        for page in internal_pages(&tree) {
            let entry = tree.entries(page) - 1;
            let child = tree.children(page)[usize::from(entry)];
            let sibling = tree.children(page)[usize::from(entry) - 1];
            for (to, words) in [
                (page, "second time"),
                (1, "second time"),
                (sibling, "second time"),
                (0, "second time"),
                (tree.pages(), "beyond the end"),
                (u32::MAX, "beyond the end"),
            ] {
                let found = salvage(&misled(&tree, page, entry, to));
                found.gives(&tree, &[], &[]).orphans(&tree.leaves(child)).tells(page, words);
            }
        }
    }
}

#[test]
fn class_14_a_diamond_of_thirty_levels_is_walked_once() {
    for (big, entries) in [(false, 2_u8), (true, 2), (false, 10), (true, 10)] {
        let found = salvage(&ladder(30, entries, 512, big));
        let [record] = &found.records[..] else { panic!("{} records", found.records.len()) };
        assert_eq!(record.pair, (b"k".to_vec(), b"l".to_vec()));
        assert_eq!(record.origin, Origin::Tree);
        assert_eq!(found.problems.len(), 29 * (usize::from(entries) - 1));
    }
}

#[test]
fn class_15_a_level_that_does_not_fit_is_noted() {
    for tree in trees() {
        for page in tree.leaves(1).into_iter().step_by(5) {
            for level in [0, 2, 255] {
                let found = salvage(tree.clone().put(page, LEVEL, level));
                found.gives(&tree, &[], &[]).orphans(&[]).noted(page, Note::Header).tells(page, "level");
            }
        }
        for page in tree.pages_of(INTERNAL) {
            for level in [0, 1, 255] {
                salvage(tree.clone().put(page, LEVEL, level)).gives(&tree, &[], &[]);
            }
        }
    }
}

#[test]
fn class_16_a_chain_of_leaves_is_not_needed() {
    for tree in trees().into_iter().chain(record_trees()) {
        let leaves = tree.leaves(1);
        let (first, middle, last) = (leaves[0], leaves[leaves.len() / 2], leaves[leaves.len() - 1]);
        for (page, field, to) in [
            (last, NEXT, first),
            (middle, NEXT, middle),
            (middle, NEXT, 1),
            (middle, NEXT, tree.pages()),
            (first, PREV, last),
            (middle, PREV, 0),
        ] {
            salvage(tree.clone().put_u32(page, field, to)).gives(&tree, &[], &[]).orphans(&[]).is_silent();
        }
    }
}

#[test]
fn class_17_internal_pages_without_entries_or_order_cost_nothing() {
    for tree in trees().into_iter().chain(record_trees()) {
        for page in internal_pages(&tree) {
            let found = salvage(tree.clone().put_u16(page, ENTRIES, 0));
            found.gives(&tree, &[], &[]).orphans(&tree.leaves(page));
            assert!(!found.problems.is_empty());
        }
    }
    for tree in trees() {
        let page = tree.pages_of(INTERNAL).into_iter().find(|&page| tree.entries(page) >= 4).unwrap();
        let key = tree.item(page, 2) + 12;
        salvage(tree.clone().put(page, key, 0xff)).gives(&tree, &[], &[]).orphans(&[]);
    }
}

#[test]
fn class_18_a_deep_tree_of_large_pages_is_no_burden_for_the_stack() {
    for (big, size) in [(false, 65536), (true, 65536), (false, 512)] {
        let file = ladder(255, 1, size, big);
        let thread = std::thread::Builder::new().stack_size(128 << 10);
        let found = std::thread::scope(|scope| {
            let run = || {
                let job = Salvage::from_bytes(&file.bytes[..]);
                let survey = job.survey().unwrap();
                survey.records().map(|record| Record::new(&record)).collect::<Vec<_>>()
            };
            thread.spawn_scoped(scope, run).unwrap().join().unwrap()
        });
        let [record] = &found[..] else { panic!("{} records", found.len()) };
        assert_eq!((record.origin, record.notes), (Origin::Tree, Notes::default()));
    }
}

// ------------------------------------------------------------------- page: 19 to 26

#[test]
fn class_19_a_number_of_entries_that_cannot_be_costs_nothing() {
    for entries in [65534, 65535, 5000] {
        damage_leaves(
            |_, page, damaged| _ = damaged.put_u16(page, ENTRIES, entries),
            |tree, page, found| _ = found.gives(tree, &[], &[]).orphans(&[]).tells(page, "entries"),
        );
    }
    for fewer in [1, 2] {
        damage_leaves(
            |tree, page, damaged| _ = damaged.put_u16(page, ENTRIES, tree.entries(page) - fewer),
            |tree, page, found| _ = found.gives(tree, &[], &[]).orphans(&[]).tells(page, "entries"),
        );
    }
}

#[test]
fn class_20_the_item_of_a_wrong_slot_is_found_again() {
    for which in 0..6 {
        damage_leaves(
            |tree, page, damaged| {
                let size = u16::try_from(tree.page_size).unwrap();
                damaged.put_u16(page, tree.slot(1), [size - 1, 0, 4, 26, 0xfff0, size - 2][which]);
            },
            |tree, page, found| {
                found.gives(tree, &[], &[]).orphans(&[]).tells(page, "slot 1");
                assert_eq!(found.records.iter().filter(|record| record.notes.has(Note::Slot)).count(), 1);
            },
        );
    }
    damage_leaves(
        |tree, page, damaged| {
            let last = tree.entries(page) - 1;
            damaged.put_u16(page, tree.slot(last), tree.u16(page, tree.slot(0)));
        },
        |tree, page, found| {
            let own = pairs_on(tree, &[page]);
            found.gives(tree, &own[own.len() - 1..], &[page]).orphans(&[]);
            assert_eq!(found.records.iter().filter(|record| record.notes.has(Note::Overlap)).count(), 1);
        },
    );
}

#[test]
fn class_21_an_item_that_is_too_long_is_given_in_part() {
    for len in [0xfff0, 0xffff] {
        damage_leaves(
            |tree, page, damaged| _ = damaged.put_u16(page, tree.item(page, 1), len),
            |tree, page, found| {
                let own = pairs_on(tree, &[page]);
                let index = usize::from(tree.kind(page) == RECNO_LEAF);
                found.gives(tree, &own[index..=index], &[page]).tells(page, "reaches past the end");
                let part: Vec<&Record> = found.records.iter().filter(|record| !record.whole).collect();
                let [part] = part[..] else { panic!("{} parts", part.len()) };
                assert!(
                    part.pair.0 == own[index].0 && part.pair.1.starts_with(&own[index].1),
                    "{}",
                    found.name
                );
            },
        );
    }
    damage_leaves(
        |tree, page, damaged| {
            let lowest = (0..tree.entries(page)).min_by_key(|&slot| tree.item(page, slot)).unwrap();
            let item = tree.item(page, lowest);
            damaged.put_u16(page, item, tree.u16(page, item) + 8);
        },
        |tree, page, found| {
            found.gives(tree, &pairs_on(tree, &[page]), &[page]);
            let noted = found.records.iter().filter(|record| record.notes.has(Note::Overlap));
            assert!(noted.count() >= 1 && found.records.len() == all_pairs(tree).len(), "{}", found.name);
        },
    );
}

#[test]
fn class_22_an_item_of_an_unknown_type_costs_itself() {
    for kind in [0, 4, 5, 0x7f, 0x84, 0xff] {
        damage_leaves(
            |tree, page, damaged| _ = damaged.put(page, tree.item(page, 1) + 2, kind),
            |tree, page, found| {
                let own = pairs_on(tree, &[page]);
                let index = usize::from(tree.kind(page) == RECNO_LEAF);
                found.gives(tree, &own[index..=index], &[]).orphans(&[]).tells(page, "item type");
            },
        );
    }
    for tree in trees() {
        let page = tree.leaves(1)[0];
        let marked = tree.clone().put(page, tree.item(page, 1) + 2, 0x81).clone();
        salvage(&marked).gives(&tree, &pairs_on(&tree, &[page])[..1], &[]).orphans(&[]);
        let all = salvage_with(&marked, true);
        let deleted =
            all.gives(&tree, &[], &[]).records.iter().filter(|r| r.origin == Origin::Deleted).count();
        assert_eq!(deleted, 1, "{}", tree.name);
        // The mark means nothing on a key.
        salvage(tree.clone().put(page, tree.item(page, 0) + 2, 0x81)).gives(&tree, &[], &[]).orphans(&[]);
    }
}

#[test]
fn class_23_an_item_area_that_cannot_be_costs_nothing() {
    for area in [0, 4, 26, 0xffff] {
        damage_leaves(
            |_, page, damaged| _ = damaged.put_u16(page, AREA, area),
            |tree, _, found| _ = found.gives(tree, &[], &[]).orphans(&[]),
        );
    }
    // No other page tells where the index starts; on the largest pages, 0 is 65536.
    let largest = Image::of_case("btree-v6-be-few-p65536");
    for file in files("one").into_iter().chain([largest]) {
        salvage(file.clone().put_u16(1, AREA, 0)).gives(&file, &[], &[]).orphans(&[]);
    }
}

#[test]
fn class_24_a_page_of_another_number_or_type_costs_nothing() {
    for number in [0, 1, u32::MAX] {
        damage_leaves(
            |_, page, damaged| _ = damaged.put_u32(page, 8, number),
            |tree, page, found| {
                found.gives(tree, &[], &[]).orphans(&[]).noted(page, Note::PageNumber);
                found.tells(page, "says that it is page");
            },
        );
    }
    for kind in [0, 3, 7, 9, 13, 17, 77, 255] {
        for tree in trees() {
            let page = tree.leaves(1)[1];
            let found = salvage(tree.clone().put(page, TYPE, kind));
            found.gives(&tree, &[], &[]).orphans(&[page]).noted(page, Note::Header).tells(page, "page type");
        }
    }
    damage_leaves(
        |tree, page, damaged| *damaged = noise(tree, page),
        |tree, page, found| _ = found.gives(tree, &pairs_on(tree, &[page]), &[page]).tells(page, ""),
    );
    for tree in trees() {
        let leaves = tree.leaves(1);
        let (a, b) = (leaves[1], leaves[3]);
        let mut damaged = swapped(&tree, a, b);
        salvage(&damaged).gives(&tree, &[], &[]).orphans(&[]).tells(a, "says that").tells(b, "says that");
        damaged.put_u32(a, 8, a).put_u32(b, 8, b);
        salvage(&damaged).gives(&tree, &[], &[]).orphans(&[]).is_silent();
        let found = salvage(&copied(&tree, a, b));
        found.gives(&tree, &pairs_on(&tree, &[b]), &[b]).orphans(&[]);
    }
    for tree in record_trees() {
        let page = tree.leaves(1)[1];
        for kind in [0, 1, 5, 7, 13, 255] {
            salvage(tree.clone().put(page, TYPE, kind)).gives(&tree, &pairs_on(&tree, &[page]), &[page]);
        }
    }
}

#[test]
fn class_25_a_page_of_zeros_costs_what_stood_on_it() {
    for tree in trees().into_iter().chain(record_trees()) {
        let leaves = tree.leaves(1);
        for page in 1..tree.pages() {
            let found = salvage(&zeroed(&tree, page));
            if leaves.contains(&page) {
                let parent = internal_pages(&tree).into_iter().find(|&p| tree.children(p).contains(&page));
                let from = format!("(page {}, byte", parent.unwrap());
                found.gives(&tree, &pairs_on(&tree, &[page]), &[]).orphans(&[]).tells(page, &from);
            } else if internal_pages(&tree).contains(&page) {
                found.gives(&tree, &[], &[]).orphans(&tree.leaves(page));
            }
        }
    }
    for file in files("overflow") {
        for (page, _, first, len) in chains(&file) {
            let found = salvage(&zeroed(&file, first));
            let lost = of_length(&file, len);
            found.gives(&file, &lost, &[]).tells(first, "");
            let half = found.records.iter().find(|record| record.page == page && !record.whole).unwrap();
            assert!(lost.iter().any(|(key, _)| *key == half.pair.0), "{}: the key is left", file.name);
        }
    }
}

#[test]
fn class_26_the_item_of_a_slot_that_leads_nowhere_is_found_again() {
    for tree in trees().into_iter().chain(record_trees()) {
        for page in tree.leaves(1).into_iter().step_by(3) {
            let (damaged, slot) = dangling_slot(&tree, page);
            let found = salvage(&damaged);
            found.gives(&tree, &[], &[]).orphans(&[]).tells(page, &format!("slot {slot}"));
            assert_eq!(found.records.iter().filter(|record| record.notes.has(Note::Slot)).count(), 1);
        }
    }
}

// --------------------------------------------------- overflow and duplicates: 27 to 31

#[test]
fn class_27_an_overflow_chain_that_leads_to_itself_ends() {
    for file in overflow_files() {
        for (page, _, first, len) in chains(&file).into_iter().take(4) {
            let lost = of_length(&file, len);
            let mut damaged = file.clone();
            damaged.put_u32(first, NEXT, first);
            salvage(&damaged).gives(&file, &lost, &[page]).tells(first, "");
            damaged.put_u16(first, AREA, 0);
            let found = salvage(&damaged);
            found.gives(&file, &lost, &[page]).tells(first, "bytes of overflow data");
            let given: usize = found.records.iter().map(|r| r.pair.0.len() + r.pair.1.len()).sum();
            assert!(given <= file.bytes.len(), "{}: {given} bytes", file.name);
        }
    }
}

#[test]
fn class_28_a_stated_length_is_not_believed() {
    for file in overflow_files() {
        for (page, slot, _, len) in chains(&file).into_iter().take(4) {
            let lost = of_length(&file, len);
            let at = file.item(page, slot) + 8;
            for stated in [0, 1, len - 1, len + 1, 1 << 31, u32::MAX] {
                let found = salvage(file.clone().put_u32(page, at, stated));
                found.tells(page, "its item says");
                if stated < len {
                    // More bytes than stated, and the chain ends properly.
                    found.gives(&file, &[], &[]);
                    assert!(found.records.iter().any(|record| record.notes.has(Note::ChainLength)));
                } else {
                    found.gives(&file, &lost, &[]);
                    let parts: Vec<&Record> = found.records.iter().filter(|record| !record.whole).collect();
                    assert!(
                        !parts.is_empty() && parts.iter().all(|part| lost.contains(&part.pair)),
                        "{}",
                        file.name
                    );
                }
            }
        }
    }
}

#[test]
fn class_29_a_chain_of_wrong_pages_or_links_gives_what_is_its() {
    for file in overflow_files() {
        for (page, slot, first, len) in chains(&file).into_iter().take(4) {
            let lost = of_length(&file, len);
            let at = file.item(page, slot) + 4;
            let second = file.u32(first, NEXT);
            if second != 0 {
                let found = salvage(file.clone().put_u32(first, NEXT, 0));
                found.gives(&file, &[], &[]).orphans(&[]).tells(first, "next page is 0");
                let joined = found.records.iter().filter(|record| record.notes.has(Note::Joined));
                assert!(joined.count() >= 1, "{}", file.name);
                let found = salvage(file.clone().put_u32(first, NEXT, 0).put_u32(second, PREV, 0));
                found
                    .gives(&file, &lost, &[])
                    .tells(page, "its item says")
                    .tells(second, "nothing leads to it");
                // The second page confirms nothing, but it is nobody else's.
                salvage(file.clone().put_u32(second, PREV, 1)).gives(&file, &[], &[]);
            }
            let words = if second == 0 { "beyond the end" } else { "next page" };
            salvage(file.clone().put_u32(first, NEXT, file.pages()))
                .gives(&file, &[], &[])
                .tells(first, words);
            for to in [page, u32::MAX] {
                let found = salvage(file.clone().put_u32(page, at, to));
                if found.records.iter().any(|record| record.notes.has(Note::Joined)) {
                    found.gives(&file, &[], &[]).orphans(&[]).tells(page, "first overflow page");
                } else {
                    found.gives(&file, &lost, &[]).tells(page, "").tells(first, "nothing leads to it");
                }
            }
            salvage(file.clone().put(first, TYPE, LEAF)).gives(&file, &lost, &[]).tells(first, "");
            for count in [0, 2, u16::MAX] {
                salvage(file.clone().put_u16(first, ENTRIES, count)).gives(&file, &[], &[]).is_silent();
            }
        }
    }
    for file in files("overflow") {
        let found = chains(&file);
        let ((page, slot, first, len), (_, _, other, other_len)) = (found[1], found[0]);
        let at = file.item(page, slot);
        let mut damaged = file.clone();
        damaged.put_u32(page, at + 4, other).put_u32(page, at + 8, other_len);
        let (ahead, last) = run_on(&file, first, other);
        salvage(&ahead).gives(&file, &[], &[]).tells(last, "second time");
        assert_ne!(last, other);
        let found = salvage(&damaged);
        found
            .gives(&file, &of_length(&file, len), &[])
            .tells(page, "second time")
            .tells(first, "nothing leads to it");
        assert_eq!(found.records.iter().filter(|record| record.notes.has(Note::ChainShared)).count(), 1);
    }
}

#[test]
fn class_30_off_page_duplicates_that_lead_elsewhere_are_found_again() {
    for file in duplicate_files() {
        let (page, slot, root) = duplicates(&file)[0];
        let at = file.item(page, slot) + 4;
        let set = of_duplicates(&file, root);
        let second = duplicates(&file).get(1).copied();
        for to in [file.pages(), u32::MAX, page, 0] {
            let mut damaged = file.clone();
            let found = salvage(damaged.put_u32(page, at, to));
            found.gives(&file, &[], &[]).orphans(&[]);
            let joined = found.records.iter().filter(|record| record.notes.has(Note::Joined));
            assert!(joined.count() == set.len(), "{}", file.name);
            // With another one lost, it is not known which is whose.
            let Some((other, slot, lost)) = second else { continue };
            damaged.put_u32(other, file.item(other, slot) + 4, to);
            let both = [set.clone(), of_duplicates(&file, lost)].concat();
            let found = salvage(&damaged);
            found.gives(&file, &both, &[root, lost]);
            // The values are there, without their key; and the key, once.
            let values = multiset(
                found.records.iter().filter(|r| r.origin == Origin::Orphan).map(|r| r.pair.1.clone()),
            );
            let lost = missing(&values, &multiset(set.iter().map(|(_, value)| value.clone())));
            assert!(lost.is_empty(), "{}: {} values lost", file.name, lost.len());
            let alone =
                found.records.iter().filter(|r| r.page == page && r.pair == (set[0].0.clone(), Vec::new()));
            assert_eq!(alone.count(), 1, "{}: the key", file.name);
        }
        if matches!(file.kind(root), INTERNAL | RECNO_INTERNAL) {
            for to in [root, page, file.children(root)[0]] {
                let found = salvage(&misled(&file, root, 1, to));
                found.gives(&file, &set, &[]).tells(root, "second time");
                // Only the duplicates below that entry have lost their key.
                let below: u16 =
                    file.leaves(file.children(root)[1]).iter().map(|&leaf| file.entries(leaf)).sum();
                let left = found.records.iter().filter(|record| record.whole && set.contains(&record.pair));
                assert_eq!(left.count() + usize::from(below), set.len(), "{}", file.name);
            }
        } else {
            let kind = file.item(root, 0) + 2;
            salvage(file.clone().put(root, kind, 2)).gives(&file, &set[..1], &[]);
        }
        if file.kind(root) == DUPLICATE {
            salvage(file.clone().put_u32(root, NEXT, root)).gives(&file, &set, &[]);
        }
        if let Some(&(page, slot, second)) = duplicates(&file).get(1) {
            let at = file.item(page, slot) + 4;
            let found = salvage(file.clone().put_u32(page, at, root));
            found.gives(&file, &of_duplicates(&file, second), &[]);
        }
    }
}

#[test]
fn class_31_a_long_key_of_all_records_is_read_twice_at_most() {
    for big in [false, true] {
        let (file, _) = long_equal_keys(big);
        let found = salvage(&file);
        let values = found.records.iter().filter(|record| record.pair.1 == b"v");
        assert_eq!((values.count(), found.records.len()), (3000, 3000));
        let given: usize = found.records.iter().map(|record| record.pair.0.len()).sum();
        assert!(given > 0 && given <= 2 * file.bytes.len(), "{given} bytes of keys");
    }
}

// ---------------------------------------------------- HASH, QUEUE and RECNO: 32 to 35

#[test]
fn class_32_a_wrong_table_of_buckets_costs_nothing() {
    for file in lists() {
        let (meta, _) = buckets(&file);
        let (max, table) = (72, 96);
        for highest in [0, 1 << 20, u32::MAX - 1, u32::MAX] {
            salvage(file.clone().put_u32(meta, max, highest)).gives(&file, &[], &[]);
        }
        for spare in [file.pages(), u32::MAX, 2, 0] {
            let mut damaged = file.clone();
            for doubling in 0..32 {
                damaged.put_u32(meta, table + 4 * doubling, spare);
            }
            salvage(&damaged).gives(&file, &[], &[]);
        }
    }
}

#[test]
fn class_33_a_wrong_item_of_a_bucket_costs_itself() {
    for file in lists() {
        let (_, page) = buckets(&file);
        let job = Salvage::from_bytes(&file.bytes[..]);
        let survey = job.survey().unwrap();
        let here = survey.records().find(|record| record.provenance.page.0 == page).unwrap();
        let first = [Record::new(&here).pair];
        for (slot, kind) in [(0, 0), (0, 3), (0, 0xff), (1, 0), (1, 2), (1, 3), (1, 4), (1, 0xff)] {
            let at = file.item(page, slot);
            salvage(file.clone().put(page, at, kind)).gives(&file, &first, &[page]).tells(page, "");
        }
    }
}

#[test]
fn class_35_records_keep_their_numbers() {
    for tree in record_trees() {
        let numbers = |found: &Found| found.records.iter().map(|record| record.number).collect::<Vec<_>>();
        let whole = numbers(&salvage(&tree));
        assert!(whole.iter().zip(1..).all(|(found, number)| *found == Some(number)), "{}", tree.name);
        let page = tree.leaves(1)[0];
        let marked = tree.clone().put(page, tree.item(page, 1) + 2, 0x81).clone();
        let rest: Vec<_> = whole.iter().copied().filter(|number| *number != Some(2)).collect();
        assert_eq!(numbers(&salvage(&marked)), rest, "{}", tree.name);
        // Of a lost page the numbers are known, if the page above counts them.
        let behind = whole[usize::from(tree.entries(page))..].to_vec();
        assert_eq!(numbers(&salvage(&zeroed(&tree, page))), behind, "{}", tree.name);
    }
    for case in ["recno-v8-be-fixed", "recno-v9-be-fixed", "recno-v9-le-fixed"] {
        let file = Image::of_case(case);
        let field = metadata_field(&file, "record_length").unwrap();
        for length in [0, 1, u32::MAX] {
            salvage(file.clone().put_u32(0, field, length)).gives(&file, &[], &[]).orphans(&[]).is_silent();
        }
    }
}

// --------------------------------------------------------------------- cost: 49 and 50

#[test]
fn class_49_steps_and_memory_are_bounded_by_the_file() {
    for file in costly() {
        for deleted in [false, true] {
            let found = salvage_with(&file, deleted);
            let given: usize =
                found.records.iter().map(|record| record.pair.0.len() + record.pair.1.len()).sum();
            assert!(given <= 8 * file.bytes.len(), "{}: {given} bytes", file.name);
        }
    }
}

#[test]
fn class_50_what_is_found_does_not_depend_on_where_the_bytes_come_from() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    let told = |job: &Salvage<'_>| {
        let survey = job.survey().unwrap();
        let mut records = survey.records();
        let all: Vec<String> = records.by_ref().map(|record| format!("{:?}", Record::new(&record))).collect();
        (all, records.report().problems().iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    for tree in trees().into_iter().chain(record_trees()) {
        let page = tree.leaves(1)[1];
        for damaged in [tree.clone(), zeroed(&tree, page), noise(&tree, page), misled(&tree, 1, 1, 1)] {
            std::fs::write(&path, &damaged.bytes).unwrap();
            let expected = told(&Salvage::from_bytes(&damaged.bytes[..]));
            assert!(told(&Salvage::from_bytes(damaged.bytes.clone())) == expected, "{}", tree.name);
            assert!(told(&Salvage::open(&path).unwrap()) == expected, "{}", tree.name);
        }
    }
    let both = [false, true].map(|big| ladder(30, 3, 512, big));
    let [little, big] = both.map(|file| told(&Salvage::from_bytes(file.bytes)));
    assert!(little == big);
}
