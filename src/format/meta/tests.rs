//! The tables against the specification that the repository has.

use std::collections::BTreeSet;

use super::*;

type Row = (usize, usize, String);

/// The text of a section of the specification, up to the next heading.
fn section(heading: &str) -> String {
    section_of("database-format", heading)
}

fn section_of(document: &str, heading: &str) -> String {
    let path = format!("{}/docs/{document}.md", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let start = text.find(&format!("# {heading}")).unwrap_or_else(|| panic!("no section {heading}"));
    let body = text[start..].split_once('\n').unwrap().1;
    body.split("\n#").next().unwrap().to_owned()
}

/// The rows `| offset | size | (type) | name |` of a table, `columns` of them side by side.
fn rows(text: &str, wide: bool) -> BTreeSet<Row> {
    let mut found = BTreeSet::new();
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let groups: Vec<[&str; 3]> = if wide {
            cells.chunks(4).filter(|c| c.len() == 4).map(|c| [c[1], c[2], c[3]]).collect()
        } else {
            vec![[cells[1], cells[2], cells[4]]]
        };
        for [at, len, name] in groups {
            let (Ok(at), Ok(len)) = (at.parse(), len.parse()) else { continue };
            let name = name.split([' ', '[', '(']).next().unwrap().to_owned();
            found.insert((at, len, name));
        }
    }
    found
}

/// What stands in running text as "56 max_bucket, 60 high_mask".
fn listed(text: &str) -> BTreeSet<(usize, String)> {
    let words: Vec<&str> = text.split([' ', ',', '.', ';', '\n']).filter(|word| !word.is_empty()).collect();
    let names: Vec<&str> = words.iter().map(|word| word.split('[').next().unwrap()).collect();
    let pairs = words.iter().zip(names.iter().skip(1));
    pairs.filter_map(|(at, name)| Some((at.parse().ok()?, (*name).to_owned()))).collect()
}

/// The fields of a layout but for those that later releases added.
fn table(magic: u32, version: u32) -> BTreeSet<Row> {
    let layout = Layout::of(magic, version).unwrap();
    let entries = layout.entries().filter(|entry| !layout.external.contains(entry));
    entries.map(|(field, at, len)| (at, len, field.name().to_owned())).collect()
}

/// Fields that the specification lists, and nobody reads.
fn is_idle(row: &Row) -> bool {
    matches!(row.2.as_str(), "unused" | "trash" | "") || row.2.ends_with(',')
}

fn told(rows: BTreeSet<Row>) -> BTreeSet<Row> {
    rows.into_iter().filter(|row| !is_idle(row)).collect()
}

#[test]
fn trees_are_laid_out_as_the_specification_has_them() {
    assert_eq!(table(BTREE_MAGIC, 6), told(rows(&section("2.1 Version 6"), false)));
    let prefix: BTreeSet<Row> = table(BTREE_MAGIC, 6).into_iter().filter(|row| row.0 < 24).collect();
    let seven: BTreeSet<Row> = told(rows(&section("2.2 Version 7"), false));
    assert_eq!(table(BTREE_MAGIC, 7), seven.union(&prefix).cloned().collect());
    let nine = told(rows(&section("2.3 Versions 8 and 9"), false));
    assert_eq!(table(BTREE_MAGIC, 9), nine);
    let eight: BTreeSet<Row> = nine.into_iter().filter(|row| row.0 < 460).collect();
    assert_eq!(table(BTREE_MAGIC, 8), eight);
}

#[test]
fn buckets_are_laid_out_as_the_specification_has_them() {
    let mut five = told(rows(&section("A.1 Metadata, versions 4 and 5 (2.x)"), true));
    // The specification calls it by the name that this release gave the free list.
    assert!(five.remove(&(28, 4, "last_freed".to_owned())));
    five.insert((28, 4, "free".to_owned()));
    assert_eq!(table(HASH_MAGIC, 4), five);
    assert_eq!(table(HASH_MAGIC, 5), five);
    for (version, heading, from) in
        [(6, "A.2 Metadata, version 6 (3.0)", 56), (9, "A.3 Metadata, versions 7, 8, 9", 72)]
    {
        let listed = listed(&section(heading));
        let own = table(HASH_MAGIC, version).into_iter().filter(|row| row.0 >= from);
        let mut checked = 0;
        for (at, _, name) in own {
            assert!(listed.contains(&(at, name.clone())), "{version}: {at} {name}");
            checked += 1;
        }
        assert!(checked >= 7);
    }
    assert_eq!(Layout::of(HASH_MAGIC, 7).unwrap().own, Layout::of(HASH_MAGIC, 9).unwrap().own);
}

#[test]
fn queues_and_heaps_are_laid_out_as_the_specification_has_them() {
    let text = section("Annex B. QUEUE");
    let mut checked = 0;
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let name = cells[1].split(' ').next().unwrap();
        for (version, cell) in [(1, cells[2]), (2, cells[3]), (3, cells[4]), (4, cells[4])] {
            let field = table(QUEUE_MAGIC, version).into_iter().find(|row| row.2 == name);
            match cell.parse() {
                Ok(at) => assert_eq!(field, Some((at, 4, name.to_owned())), "{version}"),
                Err(_) => assert!(field.is_none() || cell.starts_with("as"), "{version} {name}"),
            }
            checked += 1;
        }
    }
    assert!(checked >= 28);
    let listed = listed(&section("Annex C. HEAP"));
    for (at, _, name) in table(HEAP_MAGIC, 1).into_iter().filter(|row| (72..460).contains(&row.0)) {
        assert!(listed.contains(&(at, name.clone())), "{at} {name}");
    }
}

#[test]
fn external_files_are_told_of_as_the_specification_has_it() {
    let text = section_of("other-releases", "A.2 Metadata fields");
    let mut checked = 0;
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<Vec<&str>> =
            line.split('|').map(|cell| cell.trim().split(", ").collect()).skip(1).take(4).collect();
        for (index, name) in cells[0].iter().enumerate() {
            for (magic, versions, column) in
                [(BTREE_MAGIC, [9, 10], 1), (HASH_MAGIC, [9, 10], 2), (HEAP_MAGIC, [1, 2], 3)]
            {
                let at = cells[column].get(index).and_then(|cell| cell.parse::<usize>().ok());
                for version in versions.into_iter().filter(|_| name.contains('_') || *name == "threshold") {
                    let layout = Layout::of(magic, version).unwrap();
                    let found = layout.entries().find(|(field, ..)| field.name() == *name);
                    assert_eq!(found.map(|(_, at, _)| at), at, "{name} of {magic:#x} {version}");
                    assert!(found.is_none_or(|(.., len)| len == 4));
                    checked += 1;
                }
            }
        }
    }
    assert_eq!(checked, 30);
    assert!(Layout::of(BTREE_MAGIC, 8).unwrap().external.is_empty());
    assert_eq!(Layout::newest(HEAP_MAGIC), Layout::of(HEAP_MAGIC, 1));
}

/// No field overlaps another, and none leaves the page.
#[test]
fn fields_have_places_of_their_own() {
    for magic in [BTREE_MAGIC, HASH_MAGIC, QUEUE_MAGIC, HEAP_MAGIC] {
        for version in 0..=20 {
            let Some(layout) = Layout::of(magic, version) else { continue };
            let mut taken = [false; LENGTH];
            for (field, at, len) in layout.entries() {
                for byte in &mut taken[at..at + len] {
                    assert!(!std::mem::replace(byte, true), "{} of {magic:#x} {version}", field.name());
                }
            }
        }
    }
}

/// What two versions have in common arrives at its new place; the rest stays.
#[cfg(feature = "upgrade")]
#[test]
fn fields_are_carried_to_their_new_places() {
    let old: Vec<u8> = (0..=255).chain(0..=255).collect();
    let from = Layout::of(BTREE_MAGIC, 6).unwrap();
    let to = Layout::of(BTREE_MAGIC, 8).unwrap();
    let mut new = vec![0xee; LENGTH];
    to.carry(&mut new, &from, &old);
    for (field, ..) in to.entries() {
        let expected = from.bytes(&old, field);
        let found = to.bytes(&new, field).unwrap();
        match expected {
            Some(expected) => assert_eq!(found, expected, "{}", field.name()),
            None => assert!(found.iter().all(|&byte| byte == 0xee), "{}", field.name()),
        }
    }
}
