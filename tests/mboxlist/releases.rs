//! The table of releases against the project's own data, `testdata/releases.toml`.

use bdbkit::mboxlist::{ENGINES, LogOrder, RELEASES, Regions, Source};
use toml::{Table, Value};

use crate::common::{read, testdata};

fn table() -> Table {
    String::from_utf8(read(testdata().join("releases.toml"))).unwrap().parse().unwrap()
}

fn text<'a>(row: &'a Value, key: &str) -> Option<&'a str> {
    row.get(key).map(|value| value.as_str().unwrap())
}

fn number(row: &Value, key: &str) -> Option<u32> {
    row.get(key).map(|value| u32::try_from(value.as_integer().unwrap()).unwrap())
}

fn list<'a, T>(row: &'a Value, key: &str, item: impl Fn(&'a Value) -> T) -> Vec<T> {
    row.get(key).map_or(Vec::new(), |value| value.as_array().unwrap().iter().map(item).collect())
}

fn order_of(row: &Value) -> Option<LogOrder> {
    text(row, "log_order").map(|order| match order {
        "host" => LogOrder::Host,
        "little" => LogOrder::Little,
        other => panic!("{other}"),
    })
}

#[test]
fn the_releases_are_those_of_the_data() {
    let table = table();
    let rows = table["release"].as_array().unwrap();
    assert_eq!(rows.len(), RELEASES.len());
    for (row, release) in rows.iter().zip(&RELEASES) {
        let id = text(row, "id").unwrap();
        assert_eq!(release.id, id);
        assert_eq!(Some(release.order), number(row, "order"), "{id}");
        assert_eq!(Some(release.name), text(row, "name"), "{id}");
        assert_eq!(release.mailbox.map(|mailbox| mailbox.name()), text(row, "mailbox"), "{id}");
        assert_eq!(release.bdb, text(row, "bdb"), "{id}");
        assert_eq!(release.btree, number(row, "btree"), "{id}");
        let readable =
            list(row, "btree_readable", |value| u32::try_from(value.as_integer().unwrap()).unwrap());
        assert_eq!(release.btree_readable, readable, "{id}");
        assert_eq!(release.log, number(row, "log"), "{id}");
        assert_eq!(release.log_order, order_of(row), "{id}");
        assert_eq!(release.stored_r, row.get("stored_r").map(|value| value.as_bool().unwrap()), "{id}");
        let own = row.get("incompatible_with_before").map(|_| id);
        assert_eq!(release.one_way_since, own.or(text(row, "incompatible_with_before_id")), "{id}");
        assert_eq!(release.upgrade_from, list(row, "upgrade_from", |value| value.as_str().unwrap()), "{id}");
        let source = match text(row, "source").unwrap() {
            "guide" => Source::UpgradeGuide,
            "public" => Source::Public,
            _ => Source::Unknown,
        };
        assert_eq!(release.source, source, "{id}");
    }
}

#[test]
fn the_engines_are_those_of_the_data() {
    let table = table();
    let rows = table["engine"].as_array().unwrap();
    assert_eq!(rows.len(), ENGINES.len());
    for (row, engine) in rows.iter().zip(&ENGINES) {
        let bdb = text(row, "bdb").unwrap();
        assert_eq!(engine.bdb, bdb);
        assert_eq!(Some(engine.btree), number(row, "btree"), "{bdb}");
        assert_eq!(Some(engine.log), number(row, "log"), "{bdb}");
        assert_eq!(Some(engine.log_order), order_of(row), "{bdb}");
        let regions = match text(row, "regions").unwrap() {
            "__db_*.share" => Regions::Share,
            _ => Regions::Numbered,
        };
        assert_eq!(engine.regions, regions, "{bdb}");
        if let Some(oldest) = number(row, "oldest_log_recovered") {
            assert_eq!(engine.oldest_log, oldest, "{bdb}");
        }
    }
}

#[test]
fn every_release_names_an_engine_of_the_table() {
    for release in RELEASES.iter().filter(|release| release.components_known()) {
        let engine = release.engine().unwrap();
        assert_eq!(Some(engine.log_order), release.log_order, "{}", release.id);
        let bdb = release.bdb.unwrap();
        assert!(engine.bdb.starts_with(bdb) || bdb == "2.6", "{}: {bdb} is not {}", release.id, engine.bdb);
    }
}
