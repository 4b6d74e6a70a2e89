//! Compressed and partitioned databases that a C program makes with libdb 5.3
//! (`genuine/make_packed.c`): read as `db5.3_dump` reads them.

use std::path::Path;
use std::process::Command;

use bdbkit::Database;
use bdbkit::salvage::{Key, Salvage, Salvaged};
use bdbkit::verify::{Severity, Verify};

use crate::among_others;
use crate::common::tools::{DUMP, program};
use crate::common::{multiset, pairs_of_text};

/// Compares all that both print of files of some kinds, in both byte orders.
fn compare(kinds: &[&str], sizes: &[(u32, u32)]) {
    let _among_others = among_others();
    let folder = tempfile::tempdir().unwrap();
    let Some(maker) = program(folder.path(), "make_packed", &[DUMP]) else { return };
    for kind in kinds {
        for order in ["1234", "4321"] {
            for (page_size, records) in sizes {
                let here = folder.path().join(format!("{kind}-{order}-{page_size}"));
                std::fs::create_dir(&here).unwrap();
                let file = here.join("t.db");
                let numbers = [page_size.to_string(), (*kind).to_owned(), records.to_string()];
                let made = Command::new(&maker).arg(&file).arg(order).args(numbers).output().unwrap();
                assert!(made.status.success(), "{kind} {}", String::from_utf8_lossy(&made.stderr));
                same(&file, &format!("{kind} {order} {page_size}"));
            }
        }
    }
}

fn same(file: &Path, what: &str) {
    let genuine = Command::new(DUMP).arg(file).output().unwrap();
    assert!(genuine.status.success(), "{what}");
    let db = Database::open(file).unwrap();
    let mut text = Vec::new();
    let summary =
        bdbkit::dump::Writer::new().write(&db, &mut text, |damage| panic!("{what}: {damage:?}")).unwrap();
    assert!(text == genuine.stdout, "{what}: {} bytes, not {}", text.len(), genuine.stdout.len());
    assert!(summary.records > 0);
    let verdict = Verify::open(file).unwrap().run();
    assert!(
        verdict.complete() && verdict.worst() < Some(Severity::Error),
        "{what}: {:?}",
        verdict.findings()
    );
    let pair = |record: Salvaged<'_>| {
        let Key::Bytes(key) = &record.key else { panic!("{what}") };
        let bytes = |part: &bdbkit::salvage::Recovered<'_>| part.bytes().unwrap().to_cow().into_owned();
        (bytes(key), bytes(&record.value))
    };
    if db.is_directory() {
        return;
    }
    let main = Salvage::open(file).unwrap();
    let parts: Vec<Salvage<'_>> = main.partitions().into_iter().map(|(_, part)| part.unwrap()).collect();
    let all = [&main].into_iter().chain(&parts);
    let found: Vec<_> =
        all.flat_map(|one| one.survey().unwrap().records().map(pair).collect::<Vec<_>>()).collect();
    assert!(multiset(found) == multiset(pairs_of_text(&genuine.stdout)), "{what}: salvaged");
}

#[test]
fn compressed_databases_of_all_page_sizes_are_read_as_the_genuine_tool_reads_them() {
    compare(&["c", "cd", "cdmo"], &[(512, 150), (1024, 150), (2048, 150), (4096, 150), (8192, 150)]);
    compare(&["cdmo", "ckx"], &[(16384, 300), (32768, 300), (65536, 600)]);
    compare(&["scd", "co", "cdmx"], &[(512, 200), (4096, 200)]);
}

#[test]
fn partitioned_databases_are_read_as_the_genuine_tool_reads_them() {
    compare(&["r", "f", "hf"], &[(512, 150), (4096, 150), (65536, 150)]);
    compare(&["rdm", "fd", "hfd", "rko"], &[(512, 200), (1024, 200)]);
}
