//! Which log record changed each page last.

use std::collections::BTreeMap;
use std::path::Path;

use bdbkit::Lsn;
use bdbkit::page_map::Cell;

use crate::failure::Failure;
use crate::input::log_options;
use crate::log::source::log_failure;

/// A page whose record is not there.
const NONE: u8 = u8::MAX;

/// The records, page by page: the place of their name, and their transaction, or 0.
pub(super) struct Writers {
    pub(super) names: Vec<&'static str>,
    pub(super) kinds: Vec<u8>,
    pub(super) txns: Vec<u32>,
}

impl Writers {
    pub(super) fn of(log: &Path, cells: &[Cell]) -> Result<Writers, Failure> {
        let dir = log_options().open_dir(log).map_err(|error| log_failure(log, &error))?;
        let mut known: BTreeMap<Lsn, (u8, u32)> = BTreeMap::new();
        let mut writers = Writers { names: Vec::new(), kinds: Vec::new(), txns: Vec::new() };
        for Cell { lsn, .. } in cells {
            let names = &mut writers.names;
            let (kind, txn) = *known.entry(*lsn).or_insert_with(|| match dir.record(*lsn) {
                Ok(record) if lsn.file > 0 => {
                    let name = record.name();
                    let place = names.iter().position(|known| *known == name).unwrap_or_else(|| {
                        names.push(name);
                        names.len().saturating_sub(1)
                    });
                    (u8::try_from(place).unwrap_or(NONE), record.txn().map_or(0, |txn| txn.0))
                }
                _ => (NONE, 0),
            });
            writers.kinds.push(kind);
            writers.txns.push(txn);
        }
        Ok(writers)
    }
}
