//! The pairs that a history leads to.

use std::collections::BTreeMap;

use bdbkit::PageNo;
use bdbkit::log::{Fate, History};

use super::Pair;

const RECNO: u32 = 3;

/// Pairs, and how often each is there.
pub(crate) fn counted(pairs: Vec<Pair>) -> BTreeMap<Pair, i64> {
    let mut counted = BTreeMap::new();
    for pair in pairs {
        *counted.entry(pair).or_default() += 1;
    }
    counted
}

/// Makes the committed changes, beginning with nothing. Prepared transactions count:
/// the genuine recovery makes their changes, too.
pub(crate) fn replayed(name: &str, history: &History<'_>) -> BTreeMap<Pair, i64> {
    let mut pairs = BTreeMap::new();
    for change in history.changes() {
        let database = history.database(change).unwrap();
        let list = database.meta == PageNo::META
            && history.files().bindings().any(|other| other.id == database.id && other.meta != PageNo::META);
        if list || !matches!(history.fate(change), Fate::Committed { .. } | Fate::Prepared) {
            continue;
        }
        let key = if database.method == RECNO { Some(&[][..]) } else { change.key.bytes() };
        let key = key.unwrap_or_else(|| panic!("{name}: no key: {change:?}"));
        for (value, count) in [(&change.old, -1), (&change.new, 1)] {
            if let Some(value) = value {
                let value = value.bytes().unwrap_or_else(|| panic!("{name}: no value: {change:?}"));
                let there = pairs.entry((key.to_vec(), value.to_vec())).or_insert(0);
                *there += count;
                assert!(*there >= 0, "{name}: deleted what was not there: {change:?}");
            }
        }
    }
    pairs.retain(|_, count| *count != 0);
    pairs
}
