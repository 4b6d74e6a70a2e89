//! Fresh files in the hands of release 5.3: checked, dumped, and worked on.

use std::fs::{self, File};
use std::path::Path;

use bdbkit::build::{Builder, FileForm, KeyDuplicates, Shape, Size, Target, place};
use bdbkit::load::{Load, Text};
use bdbkit::{Database, Endianness, PageSize};

use crate::among_others;
use crate::common::tools::{DUMP, VERIFY, program, tool};
use crate::common::{dump, forward};

/// A kind of database of which there are small and large ones.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Btree(KeyDuplicates, bool),
    Recno(Option<u32>, bool),
    Hash(KeyDuplicates),
    Queue,
}

const KINDS: [Kind; 11] = [
    Kind::Btree(KeyDuplicates::None, false),
    Kind::Btree(KeyDuplicates::None, true),
    Kind::Btree(KeyDuplicates::Unsorted, false),
    Kind::Btree(KeyDuplicates::Sorted, false),
    Kind::Recno(None, false),
    Kind::Recno(None, true),
    Kind::Recno(Some(30), false),
    Kind::Hash(KeyDuplicates::None),
    Kind::Hash(KeyDuplicates::Unsorted),
    Kind::Hash(KeyDuplicates::Sorted),
    Kind::Queue,
];

/// Keys and values short and long, few of many values where keys may come twice.
fn pairs(kind: Kind, count: u32) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (duplicates, hash) = match kind {
        Kind::Btree(duplicates, _) => (duplicates, false),
        Kind::Hash(duplicates) => (duplicates, true),
        Kind::Recno(..) | Kind::Queue => (KeyDuplicates::Unsorted, false),
    };
    let key = |n: u32| match n % 29 {
        0 => format!("{n:06}").repeat(80 + (n % 40) as usize),
        other => format!("{n:06}{}", "k".repeat(other as usize)),
    };
    let long = !matches!(kind, Kind::Recno(Some(_), _) | Kind::Queue);
    let value = |n: u32| match n % 31 {
        0 if long => format!("{n:06}").repeat(500),
        other => format!("{n:06}{}", "v".repeat((other % 24) as usize)),
    };
    let mut all = Vec::new();
    for n in 0..count {
        let times = match (duplicates, n % 23) {
            (KeyDuplicates::None, _) => 1,
            (_, 0) => 150,
            (_, more) => 1 + more % 3,
        };
        all.extend((0..times).map(|time| (key(n).into_bytes(), value(n * 1000 + time).into_bytes())));
    }
    match (hash, duplicates) {
        (true, KeyDuplicates::Sorted) => all.sort_by_key(|(k, v)| (place(k), k.clone(), v.clone())),
        (true, _) => all.sort_by_key(|(k, _)| (place(k), k.clone())),
        (false, KeyDuplicates::Sorted) => all.sort(),
        (false, _) => all.sort_by(|(a, _), (b, _)| a.cmp(b)),
    }
    all
}

fn shape(kind: Kind, size: Size) -> Shape {
    match kind {
        Kind::Btree(duplicates, record_numbers) => Shape::Btree { duplicates, record_numbers, min_key: 0 },
        Kind::Recno(length, renumber) => Shape::Recno { length, pad: b' ', renumber },
        Kind::Hash(duplicates) => Shape::Hash { duplicates, fill_factor: 0, elements: 0, size },
        Kind::Queue => Shape::Queue { length: 30, pad: b' ' },
    }
}

fn build(path: &Path, form: &FileForm, kind: Kind, count: u32) {
    let pairs = pairs(kind, count);
    let mut size = Size::default();
    pairs.iter().for_each(|(key, value)| size.add(form.page_size, key.len(), value.len()));
    let mut builder = Builder::new(File::create(path).unwrap(), form).unwrap();
    builder.begin(&shape(kind, size)).unwrap();
    pairs.iter().for_each(|(key, value)| builder.put(key, value).unwrap());
    builder.end().unwrap();
    builder.finish().unwrap();
}

/// What db5.3_verify and db5.3_dump say that they should not.
fn complaints(name: &str, path: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let verdict = tool(VERIFY, &[], path);
    if !verdict.status.success() {
        found.push(format!("{name}: {}", String::from_utf8_lossy(&verdict.stderr)));
    }
    let text = tool(DUMP, &[], path);
    let ours = dump(&Database::open(path).unwrap(), false).0;
    let end = |text: &[u8]| text.windows(11).position(|w| w == b"HEADER=END\n").map(|at| text[at..].to_vec());
    if !text.status.success() || end(&text.stdout) != end(&ours) {
        found.push(format!("{name}: another text: {}", String::from_utf8_lossy(&text.stderr)));
    }
    found
}

#[test]
fn libdb_accepts_what_is_built_and_works_on_it() {
    let _among_others = among_others();
    let folder = tempfile::tempdir().unwrap();
    let Some(work) = program(folder.path(), "work", &[DUMP, VERIFY]) else { return };
    let path = folder.path().join("fresh.db");
    let (mut files, mut found) = (0, Vec::new());
    for kind in KINDS {
        for (page_size, order, checksums) in [
            (512, Endianness::Little, false),
            (1024, Endianness::Big, true),
            (4096, Endianness::Little, true),
            (65536, Endianness::Big, false),
        ] {
            for (release, count) in [(Target::V9, 0), (Target::V9, 1), (Target::V9, 400), (Target::V8, 300)] {
                let checksums = checksums && release == Target::V9;
                let page_size = PageSize::new(page_size).unwrap();
                let form = FileForm { release, order, page_size, checksums, ..FileForm::default() };
                let name = format!("{kind:?} {release:?} {page_size} {order} {checksums} {count}");
                build(&path, &form, kind, count);
                found.extend(complaints(&name, &path));
                let before = forward(&Database::open(&path).unwrap());
                let worked = tool(work.to_str().unwrap(), &[], &path);
                if !worked.status.success() {
                    found.push(format!("{name}: {}", String::from_utf8_lossy(&worked.stderr)));
                    continue;
                }
                found.extend(complaints(&format!("{name}, worked on"), &path));
                let after = forward(&Database::open(&path).unwrap());
                if after.len() != before.len() + 200 {
                    found.push(format!("{name}: {} pairs, then {}", before.len(), after.len()));
                }
                files += 1;
            }
        }
    }
    assert!(found.is_empty(), "{} of {files}: {:#?}", found.len(), &found[..found.len().min(20)]);
    assert_eq!(files, 176);
}

#[test]
fn libdb_works_on_several_databases() {
    let _among_others = among_others();
    let folder = tempfile::tempdir().unwrap();
    let Some(work) = program(folder.path(), "work", &[DUMP, VERIFY]) else { return };
    let path = folder.path().join("several.db");
    for order in [Endianness::Little, Endianness::Big] {
        let form = FileForm { order, page_size: PageSize::new(1024).unwrap(), ..FileForm::default() };
        let mut builder = Builder::new(File::create(&path).unwrap(), &form).unwrap();
        for (number, kind) in KINDS.iter().take(10).enumerate() {
            let pairs = pairs(*kind, 200);
            let mut size = Size::default();
            pairs.iter().for_each(|(key, value)| size.add(form.page_size, key.len(), value.len()));
            builder.begin_named(format!("{number}").as_bytes(), &shape(*kind, size)).unwrap();
            pairs.iter().for_each(|(key, value)| builder.put(key, value).unwrap());
            builder.end().unwrap();
        }
        builder.finish().unwrap();
        let mut found = complaints("several", &path);
        for number in 0..10 {
            let worked =
                std::process::Command::new(&work).arg(&path).arg(number.to_string()).output().unwrap();
            if !worked.status.success() {
                found.push(format!("{number}: {}", String::from_utf8_lossy(&worked.stderr)));
            }
        }
        found.extend(complaints("several, worked on", &path));
        assert!(found.is_empty(), "{found:#?}");
    }
}

/// Encrypted as by a machine of this order.
#[cfg(feature = "encryption")]
#[test]
fn libdb_opens_what_is_encrypted() {
    let _among_others = among_others();
    if !crate::common::tools::genuine() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret.db");
    for kind in KINDS {
        let password = Some("s3cret pw".to_owned());
        let form = FileForm { password, page_size: PageSize::new(512).unwrap(), ..FileForm::default() };
        build(&path, &form, kind, 300);
        let verdict = tool(VERIFY, &["-P", "s3cret pw"], &path);
        assert!(verdict.status.success(), "{kind:?}: {}", String::from_utf8_lossy(&verdict.stderr));
        let text = tool(DUMP, &["-P", "s3cret pw"], &path);
        let db = bdbkit::OpenOptions::new().password("s3cret pw").open(&path).unwrap();
        let ours = dump(&db, false).0;
        assert!(text.stdout.ends_with(b"DATA=END\n") && text.stdout == ours, "{kind:?}");
    }
}

/// What db5.3_dump prints is loaded to what db5.3_load makes of it.
#[test]
fn a_genuine_text_gives_what_the_genuine_program_gives() {
    let _among_others = among_others();
    if !crate::common::tools::genuine() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (built, text, theirs, ours) =
        (folder.path().join("b"), folder.path().join("t"), folder.path().join("x"), folder.path().join("y"));
    for kind in KINDS {
        build(&built, &FileForm::default(), kind, 300);
        for option in ["-k", "-p"] {
            let dumped = tool(DUMP, &[option], &built).stdout;
            fs::write(&text, &dumped).unwrap();
            let _ = fs::remove_file(&theirs);
            let loaded = tool("db5.3_load", &["-f", text.to_str().unwrap()], &theirs);
            assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stderr));
            let mut file =
                File::options().read(true).write(true).create(true).truncate(true).open(&ours).unwrap();
            Load::new().run(Text::File(File::open(&text).unwrap()), &mut file, folder.path()).unwrap();
            let all = |path: &Path| {
                let mut pairs = forward(&Database::open(path).unwrap());
                pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
                pairs
            };
            assert!(all(&ours) == all(&theirs), "{kind:?} {option}");
        }
    }
}
