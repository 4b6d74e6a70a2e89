//! Compressed databases, and partitioned ones: every way to their records gives the same.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use bdbkit::salvage::{Recovered, Salvage};
use bdbkit::verify::{Severity, Verify};
use bdbkit::{Database, Endianness, Error, KeyOrder, Limits, OpenOptions, Scanned};
use proptest::prelude::*;

use crate::build::{Builder, Duplicates, Tree, chunk};
use crate::common::{cases, multiset, pairs_of_text, read, testdata};

type Pair = (Vec<u8>, Vec<u8>);

fn pairs<'a>(entries: impl Iterator<Item = bdbkit::Result<bdbkit::Entry<'a>>>) -> Vec<Pair> {
    entries.map(|entry| entry.unwrap()).map(|entry| (entry.key().to_vec(), entry.value().to_vec())).collect()
}

/// What a scan gives; the keys of duplicates off the page are not known to it.
fn scanned(db: &Database<'_>) -> (Vec<Pair>, Vec<Vec<u8>>) {
    let (mut pairs, mut values) = (Vec::new(), Vec::new());
    for leaf in db.scan() {
        for entry in leaf.unwrap().entries() {
            match entry.unwrap() {
                Scanned::Pair { key, value } => {
                    pairs.push((key.read().unwrap().into_owned(), value.read().unwrap().into_owned()));
                }
                Scanned::Value(value) => values.push(value.read().unwrap().into_owned()),
                _ => {}
            }
        }
    }
    (pairs, values)
}

/// All ways to the records of a database against what it holds, in key order but for those that
/// are partitioned by a function.
fn check_ways(db: &Database<'_>, held: &[Pair], what: &str) {
    let has_order = db.meta().root().is_some();
    assert_eq!(pairs(db.iter()), held, "{what}");
    assert_eq!(pairs(db.clone().into_iter()), held, "{what}: owned");
    if !has_order {
        for (key, value) in held.iter().step_by(3) {
            assert!(db.get(key).unwrap().is_some(), "{what}");
            assert!(pairs(db.duplicates(key)).contains(&(key.clone(), value.clone())), "{what}");
        }
        assert!(db.range("a"..).next().unwrap().is_err(), "{what}: HASH has no ranges");
        return;
    }
    let mut back = pairs(db.iter().rev());
    back.reverse();
    assert_eq!(back, held, "{what}: backwards");
    let (mut both, mut ends, mut tails) = (db.iter(), Vec::new(), Vec::new());
    while let Some(front) = both.next() {
        ends.push(front.unwrap());
        let Some(back) = both.next_back() else { break };
        tails.push(back.unwrap());
    }
    tails.reverse();
    assert_eq!(pairs(ends.into_iter().chain(tails).map(Ok)), held, "{what}: from both ends");
    let mut model: BTreeMap<&[u8], Vec<&[u8]>> = BTreeMap::new();
    held.iter().for_each(|(key, value)| model.entry(key).or_default().push(value));
    for (key, values) in &model {
        assert_eq!(db.get(key).unwrap().as_deref(), Some(values[0]), "{what}: {key:?}");
        let found = pairs(db.duplicates(key));
        assert_eq!(found.iter().map(|(_, value)| &value[..]).collect::<Vec<_>>(), *values, "{what}: {key:?}");
        for other in [[*key, b"\0"].concat(), key[..key.len().saturating_sub(1)].to_vec()] {
            let expected = model.get(&other[..]).map(|values| values[0]);
            assert_eq!(db.get(&other).unwrap().as_deref(), expected, "{what}: {other:?}");
        }
    }
    let sorted: Vec<Pair> = model
        .iter()
        .flat_map(|(key, values)| values.iter().map(|value| (key.to_vec(), value.to_vec())))
        .collect();
    let keys: Vec<Vec<u8>> = model.keys().map(|key| key.to_vec()).collect();
    for at in (0..keys.len()).step_by(keys.len().div_ceil(12).max(1)) {
        for end in [at, (at + 3).min(keys.len() - 1), keys.len() - 1] {
            let bounds = [
                (Bound::Included(keys[at].clone()), Bound::Excluded(keys[end].clone())),
                (Bound::Excluded(keys[at].clone()), Bound::Included(keys[end].clone())),
                (Bound::Included([&keys[at][..], b"\0"].concat()), Bound::Unbounded),
                (Bound::Unbounded, Bound::Excluded(keys[end].clone())),
            ];
            for (start, end) in bounds {
                let inside = |(key, _): &&Pair| {
                    let above = match &start {
                        Bound::Included(bound) => key >= bound,
                        Bound::Excluded(bound) => key > bound,
                        Bound::Unbounded => true,
                    };
                    above
                        && match &end {
                            Bound::Included(bound) => key <= bound,
                            Bound::Excluded(bound) => key < bound,
                            Bound::Unbounded => true,
                        }
                };
                let expected: Vec<Pair> = sorted.iter().filter(inside).cloned().collect();
                let what = format!("{what}: {start:?} {end:?}");
                assert_eq!(pairs(db.range((start.clone(), end.clone()))), expected, "{what}");
                let mut back = pairs(db.range((start.clone(), end.clone())).rev());
                back.reverse();
                let order = |pairs: &[Pair]| multiset(pairs.to_vec());
                assert_eq!(order(&back), order(&expected), "{what}: backwards");
                assert!(back.is_sorted_by_key(|(key, _)| key.clone()), "{what}: backwards");
                assert_eq!(pairs(db.clone().into_range((start, end))), expected, "{what}: owned");
            }
        }
        let prefix = &keys[at][..keys[at].len().div_ceil(2)];
        let expected: Vec<Pair> = sorted.iter().filter(|(key, _)| key.starts_with(prefix)).cloned().collect();
        assert_eq!(pairs(db.prefix(prefix)), expected, "{what}: {prefix:?}");
    }
    for parts in [1, 3, 7] {
        let parts = db.split(parts);
        let all: Vec<Pair> = parts.iter().flat_map(|part| pairs(part.iter())).collect();
        let expected = if parts.len() == 1 { held } else { &sorted };
        assert_eq!(all, expected, "{what}: in parts");
    }
    let (found, values) = scanned(db);
    let mut found_values: Vec<Vec<u8>> = found.iter().map(|(_, value)| value.clone()).collect();
    found_values.extend(values.clone());
    assert_eq!(multiset(found_values), multiset(held.iter().map(|(_, value)| value.clone())), "{what}: scan");
    if values.is_empty() {
        assert_eq!(multiset(found), multiset(held.to_vec()), "{what}: scan");
    }
    let parts: usize = db
        .scan()
        .split(5)
        .into_iter()
        .map(|scan| scan.map(|l| l.unwrap().entries().count()).sum::<usize>())
        .sum();
    let whole: usize = db.scan().map(|leaf| leaf.unwrap().entries().count()).sum();
    assert_eq!(parts, whole, "{what}: scan in parts");
    assert_eq!(db.tree_stats()[0].records, held.len() as u64, "{what}");
}

fn compressed() -> Vec<(String, PathBuf)> {
    let cases = cases(&["btree-"]).into_iter();
    let cases = cases.filter(|case| case.has("compressed") && !case.has("encrypted") && !case.has("subdbs"));
    cases.map(|case| (case.name.clone(), case.folder().join("data.db"))).collect()
}

/// The cases of partitioned databases, which are of several files each.
fn partitioned(prefixes: &[&str]) -> Vec<(String, PathBuf)> {
    let folder = testdata().join("partitioned");
    let names = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| prefixes.iter().any(|p| name.starts_with(p))).collect();
    names.sort();
    names.into_iter().map(|name| (name.clone(), folder.join(name).join("data.db"))).collect()
}

#[test]
fn every_way_to_the_records_of_compressed_and_partitioned_files_gives_the_same() {
    let mut seen = [0, 0];
    for (index, files) in [compressed(), partitioned(&["btree-", "hash-"])].into_iter().enumerate() {
        for (name, path) in files {
            let held = pairs_of_text(&read(path.with_file_name("dump.txt")));
            assert!(!held.is_empty());
            check_ways(&Database::open(&path).unwrap(), &held, &name);
            let few = OpenOptions::new().on_demand(true).limits(Limits::default().max_kept(64 << 10));
            let db = few.open(&path).unwrap();
            assert_eq!(pairs(db.into_iter()), held, "{name}: on demand");
            seen[index] += 1;
        }
    }
    assert!(seen[0] >= 12 && seen[1] >= 11, "{seen:?}");
}

#[test]
fn a_database_of_several_that_is_compressed_is_scanned_as_such() {
    let path = testdata().join("btree-v9-le-subdbs-5.3/data.db");
    let file = Database::open(&path).unwrap();
    let (mut all, mut compressed) = (Vec::new(), 0);
    for found in file.subdatabases() {
        let database = found.unwrap().open();
        compressed += usize::from(database.meta().flags().compressed());
        all.extend(pairs(database.iter()).into_iter().map(|(_, value)| value));
    }
    let list = file.directory().unwrap();
    all.extend(pairs(list.iter()).into_iter().map(|(_, value)| value));
    let (found, values) = scanned(&file);
    let found = found.into_iter().map(|(_, value)| value).chain(values);
    assert_eq!(multiset(found), multiset(all));
    assert!(compressed > 0);
}

/// The page in which something was damaged, and the partition, if it was one.
fn place_of(damage: &str) -> (Option<String>, Option<u32>) {
    let partition = damage.split([',', ' ']).find(|word| word.starts_with("__dbp.")).map(str::to_owned);
    let page = damage.split("(page ").nth(1).and_then(|rest| rest.split(',').next()?.parse().ok());
    (partition, page)
}

#[test]
fn damage_is_found_where_it_is_and_salvage_loses_nothing_that_the_genuine_one_finds() {
    let mut seen = 0;
    let compressed = cases(&["damage-compressed-"]).into_iter();
    let compressed = compressed.map(|case| (case.name.clone(), case.folder().join("data.db")));
    for (name, path) in compressed.chain(partitioned(&["damage-"])) {
        let folder = path.parent().unwrap();
        let damage = String::from_utf8(read(folder.join("damage.txt"))).unwrap();
        let (partition, page) = place_of(&damage);
        let verdict = Verify::open(&path).unwrap().run();
        let errors: Vec<_> =
            verdict.findings().iter().filter(|finding| finding.severity == Severity::Error).collect();
        // Without the flag it is a sound database of other pairs.
        if !damage.contains("COMPRESS taken away") {
            let here = errors.iter().any(|finding| {
                let file = finding.partition.as_ref().and_then(|path| path.file_name()?.to_str());
                let missing =
                    damage.contains("removed") && finding.text.contains(partition.as_deref().unwrap());
                missing || file == partition.as_deref() && Some(finding.page.0) == page
            });
            assert!(here, "{}: {damage}{errors:#?}", name);
        }
        // Where the reader meets nothing wrong there is nothing but what no reader can know.
        if let Ok(db) = Database::open(&path) {
            let met = db.iter().filter_map(|entry| entry.err()).count();
            assert!(
                met > 0 || damage.contains("COMPRESS") || damage.contains("another partition"),
                "{}",
                name
            );
        }
        let genuine = read(folder.join("salvage-r.txt"));
        let genuine = if genuine.starts_with(b"(no output)") { Vec::new() } else { pairs_of_text(&genuine) };
        let whole = |file: &Path| -> Vec<Pair> {
            let main = Salvage::open(file).unwrap();
            let parts = main.partitions();
            let files = [&main].into_iter().chain(parts.iter().filter_map(|(_, part)| part.as_ref().ok()));
            let records = files.flat_map(|salvage| {
                let survey = salvage.survey().unwrap();
                let bytes =
                    |item: &Recovered<'_>| item.bytes().map_or(Vec::new(), |b| b.to_cow().into_owned());
                let pair = |record: bdbkit::salvage::Salvaged<'_>| match &record.key {
                    bdbkit::salvage::Key::Bytes(key) => (bytes(key), bytes(&record.value)),
                    _ => (Vec::new(), bytes(&record.value)),
                };
                survey.records().map(pair).collect::<Vec<_>>()
            });
            records.collect()
        };
        let ours = multiset(whole(&path));
        // What it makes up of damaged entries was never there.
        let original = multiset(pairs_of_text(&read(folder.join("original.dump.txt"))));
        let lost: Vec<Pair> = genuine
            .into_iter()
            .filter(|pair| {
                (original.contains_key(pair) || damage.contains("COMPRESS")) && !ours.contains_key(pair)
            })
            .collect();
        assert!(lost.is_empty(), "{}: {lost:?}", name);
        seen += 1;
    }
    assert!(seen >= 14, "{seen}");
}

#[test]
fn a_reader_names_the_entry_that_it_cannot_take_apart() {
    let path = testdata().join("damage-compressed-v9-be-prefix-number/data.db");
    let errors: Vec<_> =
        Database::open(path).unwrap().iter().filter_map(|entry| entry.err().map(|e| e.to_string())).collect();
    assert_eq!(errors.len(), 1);
    for word in
        ["page 10", "byte 384", "byte 61 of the compressed entry", "compression of the database's own"]
    {
        assert!(errors[0].contains(word), "{}", errors[0]);
    }
}

fn copy_of(case: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(testdata().join("partitioned").join(case)).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let main = folder.path().join("data.db");
    (folder, main)
}

#[test]
fn what_stands_in_the_place_of_a_partition_is_named() {
    let case = "btree-v9-le-partitioned-keys";
    let other = |case: &str| read(testdata().join(case).join("data.db"));
    type Change = Box<dyn Fn(&Path)>;
    let write = |bytes: Vec<u8>| -> Change { Box::new(move |path| std::fs::write(path, &bytes).unwrap()) };
    let mut changes: Vec<(&str, Change)> = vec![
        ("is missing", Box::new(|path| std::fs::remove_file(path).unwrap())),
        (
            "regular file",
            Box::new(|path| {
                std::fs::remove_file(path).unwrap();
                std::fs::create_dir(path).unwrap();
            }),
        ),
        ("empty", write(Vec::new())),
        ("known magic number", write(vec![1; 100])),
        ("not a Berkeley DB file", write(vec![1; 4096])),
        ("page size", write(other("partitioned/btree-v9-le-partitioned-callback"))),
        ("that of the main file", write(other("btree-v8-le-one"))),
        ("byte order", write(other("partitioned/btree-v9-be-partitioned-keys"))),
        ("nparts", write(other("partitioned/btree-v9-le-partitioned-keys"))),
        ("access method", write(other("hash-v9-le-buckets"))),
    ];
    #[cfg(unix)]
    changes.push((
        "regular file",
        Box::new(|path| {
            let aside = path.with_file_name("aside");
            std::fs::rename(path, &aside).unwrap();
            std::os::unix::fs::symlink(&aside, path).unwrap();
        }),
    ));
    for (words, change) in changes {
        let (_folder, main) = copy_of(case);
        let part = main.with_file_name("__dbp.data.db.001");
        let db = Database::open(&main).unwrap();
        let all = pairs(db.iter());
        let ours = pairs(db.partition(1).unwrap().iter());
        drop(db);
        change(&part);
        let db = Database::open(&main).unwrap();
        let (mut found, mut errors) = (Vec::new(), Vec::new());
        for entry in db.iter() {
            match entry {
                Ok(entry) => found.push((entry.key().to_vec(), entry.value().to_vec())),
                Err(error) => errors.push(error),
            }
        }
        assert_eq!(found.len() + ours.len(), all.len(), "{words}: the others are read");
        assert_eq!(errors.len(), 1, "{words}: {errors:?}");
        let told = errors[0].to_string();
        assert!(told.contains(words) && told.contains("__dbp.data.db.001"), "{words}: {told}");
        // A look-up asks for one partition only.
        assert!(db.get(&all[0].0).unwrap().is_some(), "{words}");
        assert!(db.get(&ours[0].0).unwrap_err().to_string().contains("__dbp.data.db.001"), "{words}");
        let verdict = Verify::open(&main).unwrap().run();
        let named = |finding: &bdbkit::verify::Finding| {
            let file = finding.partition.as_ref().is_some_and(|path| path.ends_with("__dbp.data.db.001"));
            finding.severity == Severity::Error && (file || finding.text.contains("__dbp.data.db.001"))
        };
        assert!(verdict.findings().iter().any(named), "{words}: {:?}", verdict.findings());
        assert!(matches!(
            errors[0],
            Error::MissingPartition { .. } | Error::Partition { .. } | Error::Open { .. }
        ));
    }
}

#[test]
fn partitions_that_changed_places_are_met_by_look_ups_and_by_a_check() {
    let (_folder, main) = copy_of("btree-v9-le-partitioned-keys");
    let held = pairs(Database::open(&main).unwrap().iter());
    let [one, two, aside] =
        ["001", "002", "aside"].map(|end| main.with_file_name(format!("__dbp.data.db.{end}")));
    std::fs::rename(&one, &aside).unwrap();
    std::fs::rename(&two, &one).unwrap();
    std::fs::rename(&aside, &two).unwrap();
    let db = Database::open(&main).unwrap();
    let (mut found, mut errors) = (0, 0);
    for (key, value) in &held {
        match db.get(key) {
            Ok(Some(there)) => found += usize::from(there == &value[..]),
            Ok(None) => panic!("{key:?} is missed"),
            Err(error) => errors += usize::from(error.to_string().contains("__dbp.data.db.00")),
        }
    }
    assert!(found > 0 && errors > 0 && found + errors == held.len(), "{found} {errors}");
    assert!(db.range("d"..).any(|entry| entry.is_err()));
    let verdict = Verify::open(&main).unwrap().run();
    let wrong = |finding: &&bdbkit::verify::Finding| finding.rule == bdbkit::verify::Rule::KeyRange;
    let files: std::collections::BTreeSet<_> =
        verdict.findings().iter().filter(wrong).map(|finding| finding.partition.clone()).collect();
    assert_eq!(files.len(), 2, "{:?}", verdict.findings());
}

#[test]
fn partitions_are_opened_when_they_are_asked_for_and_not_before() {
    let (_folder, main) = copy_of("btree-v9-le-partitioned-keys");
    let db = Database::open(&main).unwrap();
    let first = pairs(db.partition(0).unwrap().iter())[0].clone();
    let db = Database::open(&main).unwrap();
    for number in 1..4 {
        std::fs::write(main.with_file_name(format!("__dbp.data.db.00{number}")), b"").unwrap();
    }
    assert_eq!(db.get(&first.0).unwrap().as_deref(), Some(&first.1[..]));
    assert_eq!(db.range(..=&first.0[..]).filter(|entry| entry.is_err()).count(), 0);
    assert!(db.get(b"zzz").is_err());
}

#[test]
fn a_database_in_memory_has_nothing_beside_it() {
    let bytes = read(testdata().join("partitioned/btree-v9-le-partitioned-keys/data.db"));
    assert!(matches!(Database::from_bytes(bytes), Err(Error::NoFolder)));
}

#[test]
fn partitions_by_a_function_are_merged_in_the_order_of_the_program() {
    let path = testdata().join("partitioned/btree-v9-le-partitioned-callback/data.db");
    let reverse = |a: &[u8], b: &[u8]| b.cmp(a);
    let mut held = pairs_of_text(&read(path.with_file_name("dump.txt")));
    held.sort();
    let db = Database::open(&path).unwrap();
    assert_eq!(pairs(db.range(..)), held);
    // The trees are in order of bytes: told otherwise, the reader says so.
    let db = OpenOptions::new().key_order(KeyOrder::Custom(&reverse)).open(&path).unwrap();
    assert!(db.range("m"..).any(|entry| entry.is_err()));
}

/// Records in ascending order, with much in common.
fn records(duplicates: bool) -> impl Strategy<Value = Vec<Pair>> {
    let bytes = |most| prop::collection::vec(prop::sample::select(b"ab\0\xff".to_vec()), 0..most);
    let key = (prop::sample::select(vec!["", "common/prefix/", "x"]), bytes(5))
        .prop_map(|(prefix, end)| [prefix.as_bytes(), &end].concat());
    let long = prop_oneof![8 => bytes(20), 1 => (200usize..1500).prop_map(|len| vec![b'v'; len])];
    let set = prop::collection::btree_set((key, long), 1..150);
    set.prop_map(move |set| {
        let mut all: Vec<Pair> = set.into_iter().collect();
        if !duplicates {
            all.dedup_by(|a, b| a.0 == b.0);
        }
        all
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_compressed_file_gives_its_records(
        (duplicates, records) in any::<bool>().prop_flat_map(|d| (Just(d), records(d))),
        sizes in prop::collection::vec(1usize..9, 1..6),
        big in any::<bool>(),
        page_size in prop::sample::select(vec![512usize, 1024, 4096]),
        truncated in any::<bool>(),
    ) {
        let order = if big { Endianness::Big } else { Endianness::Little };
        let kind = if duplicates { Duplicates::Sorted } else { Duplicates::None };
        let tree = Tree::btree().duplicates(kind).truncated_keys(truncated);
        let file = chunk::build(&Builder::new(8, order, page_size), &tree, &records, &sizes);
        let db = Database::from_bytes(&file[..]).unwrap();
        check_ways(&db, &records, "made");
        let verdict = Verify::from_bytes(&file[..]).run();
        prop_assert!(verdict.worst() < Some(Severity::Error), "{:?}", verdict.findings());
        let salvage = Salvage::from_bytes(&file[..]);
        prop_assert_eq!(salvage.survey().unwrap().records().count(), records.len());
    }

    /// A cursor goes both ways among the records of entries.
    #[test]
    fn a_cursor_goes_both_ways(
        records in records(true),
        sizes in prop::collection::vec(1usize..9, 1..6),
        steps in prop::collection::vec(any::<bool>(), 1..60),
        start in any::<prop::sample::Index>(),
    ) {
        let tree = Tree::btree().duplicates(Duplicates::Sorted);
        let file = chunk::build(&Builder::new(8, Endianness::Little, 512), &tree, &records, &sizes);
        let db = Database::from_bytes(&file[..]).unwrap();
        let mut cursor = db.cursor().unwrap();
        let key = &records[start.index(records.len())].0;
        let mut at = records.iter().position(|(k, _)| k == key).unwrap();
        let pair = |pair: Option<bdbkit::Pair<'_>>| {
            pair.map(|pair| (pair.key().read().unwrap().into_owned(), pair.value().read().unwrap().into_owned()))
        };
        prop_assert_eq!(pair(cursor.seek(key).unwrap()), Some(records[at].clone()));
        for forward in steps {
            let there = if forward { at + 1 < records.len() } else { at > 0 };
            if !there {
                continue;
            }
            let found = if forward { cursor.next() } else { cursor.previous() };
            at = if forward { at + 1 } else { at - 1 };
            prop_assert_eq!(pair(found.unwrap()), Some(records[at].clone()));
        }
    }

    /// What verify finds sound is read without an error, and the other way round.
    #[test]
    fn a_changed_byte_is_met_or_harmless(
        records in records(true),
        sizes in prop::collection::vec(1usize..9, 1..6),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let tree = Tree::btree().duplicates(Duplicates::Sorted);
        let mut file = chunk::build(&Builder::new(8, Endianness::Little, 512), &tree, &records, &sizes);
        let at = 512 + at.index(file.len() - 512);
        file[at] = byte;
        let verdict = Verify::from_bytes(&file[..]).run();
        if let Ok(db) = Database::from_bytes(&file[..]) {
            let errors: Vec<_> = db.iter().filter_map(|entry| entry.err()).collect();
            let found = verdict.findings().iter().any(|finding| finding.severity == Severity::Error);
            prop_assert!(errors.is_empty() || found, "{:?}", errors);
            if !found {
                prop_assert_eq!(db.iter().count(), records.len());
            }
            let back = db.iter().rev().filter(|entry| entry.is_ok()).count();
            let forth = db.iter().filter(|entry| entry.is_ok()).count();
            if errors.is_empty() {
                prop_assert_eq!(back, forth);
            }
        }
    }
}

/// Much comes out of little only as far as the limits allow.
#[test]
fn entries_that_repeat_a_long_key_again_and_again_end_at_the_limit() {
    let entry = |key: usize, times: usize| {
        let mut bytes = Vec::new();
        chunk::number(0, &mut bytes);
        chunk::number(0, &mut bytes);
        chunk::number(key, &mut bytes);
        chunk::number(0, &mut bytes);
        bytes.extend(std::iter::repeat_n(b'k', key));
        for _ in 0..times {
            for number in [key, 0, 0] {
                chunk::number(number, &mut bytes);
            }
        }
        bytes
    };
    let given = |times: usize| {
        let entries = vec![(Vec::new(), vec![entry(100_000, times)])];
        let file = chunk::raw(&Builder::new(8, Endianness::Little, 512), &Tree::btree(), &entries);
        let db = Database::from_bytes(&file[..]).unwrap();
        let mut given = 0u64;
        let mut error = None;
        for found in db.iter() {
            match found {
                Ok(found) => given += found.key().len() as u64,
                Err(found) => error = Some(found),
            }
        }
        assert!(matches!(error, Some(ref error) if error.kind() == bdbkit::ErrorKind::Limit), "{error:?}");
        assert!(given <= 1026 * file.len() as u64, "{given} of {}", file.len());
        assert!(db.iter().rev().count() > 0 && db.scan().count() > 0);
        let verdict = Verify::from_bytes(&file[..]).run();
        assert!(verdict.worst() == Some(Severity::Error), "{:?}", verdict.findings());
        given as f64 / file.len() as f64
    };
    let (small, large) = (given(20_000), given(40_000));
    assert!(large < small * 1.5, "{small} {large}");
}
