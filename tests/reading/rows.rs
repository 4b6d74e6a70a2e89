//! All rows of a file, with where they stand: as the reader gives them, and where salvage, which shares
//! no code with it, finds them.

use std::fs;
use std::io::Cursor;
use std::path::PathBuf;

use bdbkit::rows::{PagePart, Row, Rows};
use bdbkit::salvage::{Confidence, Key, Origin, Place, Salvage};
use bdbkit::{File, Limits, OpenOptions, PageNo};

use crate::common::{all_databases, cases, data, databases, multiset, testdata};

/// A row, with bytes of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    database: Option<Vec<u8>>,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    record: Option<u32>,
    partition: Option<PathBuf>,
    page: PageNo,
    /// `None` for what no slot leads to.
    slot: Option<u16>,
    origin: Origin,
    confidence: Confidence,
}

impl Told {
    fn of(row: &Row<'_>) -> Told {
        Told {
            database: row.database.map(<[u8]>::to_vec),
            key: row.key.as_deref().map(<[u8]>::to_vec),
            value: row.value.as_deref().map(<[u8]>::to_vec),
            record: row.record_number,
            partition: row.partition.map(PathBuf::from),
            page: row.page,
            slot: if let Place::Slot(slot) = row.place { Some(slot) } else { None },
            origin: row.origin,
            confidence: row.confidence,
        }
    }
}

/// The rows, and what is said of damage.
fn told(rows: &Rows<'_>) -> (Vec<Told>, Vec<String>) {
    let (mut found, mut damage) = (Vec::new(), Vec::new());
    let counts = rows.each(|row| {
        match row {
            Ok(row) => found.push(Told::of(&row)),
            Err(wrong) => damage.push(format!("{:?}: {}", wrong.database, wrong.error)),
        }
        Ok::<_, std::convert::Infallible>(())
    });
    let Ok(counts) = counts;
    assert_eq!(usize::try_from(counts.live + counts.remains).unwrap(), found.len());
    assert_eq!(usize::try_from(counts.damaged).unwrap(), damage.len());
    (found, damage)
}

/// What salvage finds in a file and in its partitions.
fn salvaged(file: &File<'_>, deleted: bool) -> Vec<Told> {
    let salvage = Salvage::new(file).deleted(deleted);
    let mut found = Vec::new();
    let mut take = |salvage: &Salvage<'_>, partition: Option<PathBuf>| {
        for record in salvage.survey().unwrap().records() {
            let (key, number) = match &record.key {
                Key::Bytes(key) => (key.bytes().map(|bytes| bytes.to_cow().into_owned()), None),
                Key::Record(number) => (None, *number),
            };
            let place = record.provenance.place;
            found.push(Told {
                database: record.database.label().map(|name| name.into_owned()),
                key,
                value: record.value.bytes().map(|bytes| bytes.to_cow().into_owned()),
                record: number,
                partition: partition.clone(),
                page: record.provenance.page,
                slot: if let Place::Slot(slot) = place { Some(slot) } else { None },
                origin: record.provenance.origin,
                confidence: record.confidence(),
            });
        }
    };
    take(&salvage, None);
    salvage.partitions().into_iter().for_each(|(path, part)| take(&part.unwrap(), Some(path)));
    found
}

/// Every healthy file that needs no password, of all methods and series.
fn files() -> Vec<PathBuf> {
    let methods = ["btree-", "recno-", "hash-", "queue-", "heap-", "old-", "v10-", "v9-early-", "mboxlist-"];
    let folders = [testdata(), testdata().join("partitioned")];
    let folders =
        folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    let wanted = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        path.is_dir() && !name.contains("encrypted") && methods.iter().any(|method| name.starts_with(method))
    };
    let mut folders: Vec<PathBuf> = folders.filter(wanted).collect();
    folders.sort();
    let mut files: Vec<PathBuf> = folders.iter().flat_map(|folder| databases(folder)).collect();
    files.retain(|path| bdbkit::Database::open(path).is_ok());
    assert!(files.len() > 380, "files went missing: {}", files.len());
    files
}

fn open(path: &PathBuf) -> File<'static> {
    OpenOptions::new().file(path).unwrap()
}

#[test]
fn rows_are_all_pairs_and_stand_where_salvage_finds_them() {
    let (mut rows, mut slots) = (0, 0);
    for path in files() {
        let name = path.display();
        let file = open(&path);
        let (found, damage) = told(&Rows::of(&file));
        assert_eq!(damage, [""; 0], "{name}");
        let mut pairs = Vec::new();
        for database in all_databases(&file.database().unwrap()) {
            for entry in &database {
                let entry = entry.unwrap();
                let keyed = entry.record_number().is_none() && entry.record_id().is_none();
                let key = keyed.then(|| entry.key().to_vec());
                pairs.push((
                    database.name().map(<[u8]>::to_vec),
                    key,
                    entry.value().to_vec(),
                    entry.record_number(),
                ));
            }
        }
        let bare =
            |row: &Told| (row.database.clone(), row.key.clone(), row.value.clone().unwrap(), row.record);
        assert_eq!(found.iter().map(bare).collect::<Vec<_>>(), pairs, "{name}");
        // Sets of duplicates have one slot for all, which salvage does not name.
        let mut expected = salvaged(&file, false);
        let mut ours = found;
        expected.sort();
        let by = |row: &Told| {
            (row.database.clone(), row.key.clone(), row.value.clone(), row.record, row.page, row.slot)
        };
        ours.sort_by_key(by);
        expected.sort_by_key(by);
        assert_eq!(ours.len(), expected.len(), "{name}");
        let unslotted = |rows: &[Told]| multiset(rows.iter().map(|row| Told { slot: None, ..row.clone() }));
        assert_eq!(unslotted(&ours), unslotted(&expected), "{name}");
        let all = multiset(ours.iter().cloned());
        for row in expected.iter().filter(|row| row.slot.is_some()) {
            assert!(all.contains_key(row), "{name}: {row:?}, found {ours:?}");
            slots += 1;
        }
        rows += ours.len();
    }
    assert!(rows > 28_000 && slots > 27_000, "{rows} rows, {slots} slots");
}

#[test]
fn the_parts_of_a_file_are_together_the_whole() {
    let mut divided = 0;
    for path in files() {
        let file = open(&path);
        for deleted in [false, true] {
            let whole = Rows::of(&file).deleted(deleted);
            let all = told(&whole).0;
            for parts in [3, 8] {
                let part = |number| told(&whole.clone().part(PagePart::new(number, parts).unwrap()));
                let found: Vec<_> = (1..=parts).map(part).collect();
                assert!(found.iter().all(|(_, damage)| damage.is_empty()), "{}", path.display());
                divided += u32::from(parts == 3 && found.iter().all(|(rows, _)| !rows.is_empty()));
                let together = found.into_iter().flat_map(|(rows, _)| rows);
                assert_eq!(multiset(together), multiset(all.iter().cloned()), "{}", path.display());
            }
        }
    }
    assert!(divided > 100, "{divided}");
}

#[test]
fn what_was_deleted_is_given_as_salvage_finds_it() {
    let mut remains = 0;
    for path in files() {
        let file = open(&path);
        let (found, damage) = told(&Rows::of(&file).deleted(true));
        assert_eq!(damage, [""; 0], "{}", path.display());
        let besides = |rows: Vec<Told>| multiset(rows.into_iter().filter(|row| row.origin != Origin::Tree));
        let expected = besides(salvaged(&file, true));
        remains += expected.len();
        assert_eq!(besides(found), expected, "{}", path.display());
    }
    assert!(remains > 1000, "{remains}");
}

#[test]
fn damage_is_told_in_its_place_and_once_in_all_parts() {
    let mut damaged = 0;
    for case in cases(&["damage-v", "damage-hash", "damage-recno"]) {
        let Ok(bytes) = fs::read(case.folder().join("data.db")) else { continue };
        let file = File::from_bytes(&bytes[..]);
        let (whole, damage) = told(&Rows::of(&file));
        let strict = file.database().map(|database| {
            let databases = database.subdatabases().flatten().count();
            if databases == 0 { database.iter().flatten().count() } else { whole.len() }
        });
        assert_eq!(whole.len(), strict.unwrap_or(0), "{}", case.name);
        damaged += damage.len();
        let part = |number| told(&Rows::of(&file).part(PagePart::new(number, 5).unwrap()));
        let (rows, told): (Vec<_>, Vec<_>) = (1..=5).map(part).unzip();
        assert_eq!(multiset(rows.concat()), multiset(whole), "{}", case.name);
        assert_eq!(multiset(told.concat()), multiset(damage), "{}", case.name);
    }
    assert!(damaged > 100, "{damaged}");
}

#[test]
fn rows_of_a_file_without_its_first_page_are_all_that_can_be_found() {
    let mut bytes = data("btree-v6-be-levels");
    let all = told(&Rows::of(&File::from_bytes(bytes.clone()))).0;
    bytes[..512].fill(0);
    let file = File::from_bytes(bytes);
    let (none, damage) = told(&Rows::of(&file));
    assert!(none.is_empty() && damage.len() == 1, "{damage:?}");
    let (found, _) = told(&Rows::of(&file).deleted(true));
    let pairs = |rows: &[Told]| multiset(rows.iter().map(|row| (row.key.clone(), row.value.clone())));
    let found = pairs(&found);
    assert!(pairs(&all).keys().all(|pair| found.contains_key(pair)));
}

#[test]
fn rows_of_one_database_are_those_that_have_its_name() {
    let path = testdata().join("btree-v9-le-subdbs").join("data.db");
    let file = open(&path);
    let all = told(&Rows::of(&file)).0;
    let names = multiset(all.iter().map(|row| row.database.clone().unwrap()));
    assert!(names.len() > 1);
    for name in names.keys() {
        let (rows, damage) = told(&Rows::of(&file).database(name.clone()));
        let expected: Vec<Told> =
            all.iter().filter(|row| row.database.as_ref() == Some(name)).cloned().collect();
        assert_eq!((rows, damage), (expected, Vec::new()));
    }
    let (rows, damage) = told(&Rows::of(&file).database("no such"));
    assert!(rows.is_empty() && damage.len() == 1, "{damage:?}");
}

#[test]
fn rows_of_pages_read_on_demand_are_those_of_a_map() {
    for case in ["btree-v6-be-levels", "btree-v9-be-dups-offpage", "hash-v9-le-buckets", "recno-v9-le-var"] {
        let bytes = data(case);
        let limits = Limits::default().max_kept(32 << 10);
        let read = OpenOptions::new().limits(limits).file_from_reader(Cursor::new(bytes.clone())).unwrap();
        assert_eq!(told(&Rows::of(&read)), told(&Rows::of(&File::from_bytes(bytes))), "{case}");
    }
}
