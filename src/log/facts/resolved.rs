//! A record with what the rest of the log says of it: its database, what became of its
//! transaction, and the byte orders of its items and images.

use super::Facts;
use super::bindings::Binding;
use super::transactions::Fate;
use crate::log::record::decoded::{Decoded, Surroundings};
use crate::order::Endianness::{Big, Little};
use crate::types::{FileId, Lsn};

/// A file: by its id, or a database without a file by its binding.
pub(crate) type FileKey = (Option<FileId>, usize);

/// A record and its surroundings in the log.
#[derive(Clone, Copy)]
pub(crate) struct Resolved<'f, 'a> {
    pub(crate) lsn: Lsn,
    /// Its transaction, by its place among all.
    pub(crate) txn: Option<usize>,
    /// Whether the change can no more be undone.
    pub(crate) settled: bool,
    /// If it can, the outermost transaction.
    pub(crate) pending: Option<usize>,
    /// Its database, by the place of the binding.
    pub(crate) database: usize,
    pub(crate) binding: &'f Binding<'a>,
    pub(crate) file: FileKey,
    pub(crate) around: Surroundings,
}

impl<'a> Facts<'a> {
    /// A record of a database that the log knows.
    pub(crate) fn resolve<'f>(&'f self, decoded: &Decoded<'a>) -> Option<Resolved<'f, 'a>> {
        let record = decoded.record();
        let lsn = record.lsn();
        let database = self.files.place_at(lsn, decoded.database()?)?;
        let binding = self.files.place(database)?;
        let txn = record.txn().and_then(|id| self.transactions.index_of(id, lsn));
        let settled = txn.is_none_or(|txn| matches!(self.transactions.fate(txn), Fate::Committed { .. }));
        let pending = txn.filter(|_| !settled).map(|txn| self.transactions.outermost(txn));
        let own = binding.big_endian.map_or(record.endianness(), |big| if big { Big } else { Little });
        let (items, images) = match record.version() {
            ..14 => (record.endianness(), record.endianness()),
            14..17 => (self.files.machine().unwrap_or(Little), Little),
            _ => (own, own),
        };
        let around = Surroundings { meta: binding.meta, items, images };
        let file = file_key(binding, database);
        Some(Resolved { lsn, txn, settled, pending, database, binding, file, around })
    }
}

/// The file of a database, by its binding and the place of that.
pub(crate) fn file_key(binding: &Binding<'_>, place: usize) -> FileKey {
    (binding.id, if binding.id.is_some() { 0 } else { place })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use super::*;
    use crate::log::LogDir;
    use crate::log::schema::Part;
    use crate::shown::ShowName;
    use crate::types::PageNo;

    /// The LSN that a page had before is that of an earlier record, or the one that it had before
    /// that, if it was undone. A page or an LSN that the tables do not tell of would break this.
    #[test]
    fn each_page_had_the_lsn_of_an_earlier_record() {
        let mut checked: BTreeMap<String, usize> = BTreeMap::new();
        let mut wrong = Vec::new();
        for folder in std::fs::read_dir("testdata").unwrap() {
            let Ok(log) = LogDir::open(folder.unwrap().path()) else { continue };
            let facts = Facts::of(log.records());
            let mut known: HashMap<(FileKey, PageNo), Vec<Lsn>> = HashMap::new();
            // A page may go back to what it was before the log begins.
            let first =
                log.records().find_map(|record| record.ok()).map_or(Lsn::default(), |record| record.lsn());
            for record in log.records() {
                let Ok(record) = record else {
                    // What is missing may have touched pages.
                    known.clear();
                    continue;
                };
                let Ok(decoded) = record.decode() else { continue };
                let Some(resolved) = facts.resolve(&decoded) else { continue };
                for touched in decoded.touched(resolved.around) {
                    let lsns = known.entry((resolved.file, touched.page)).or_default();
                    let judged = touched.part != Part::Record && !lsns.is_empty();
                    if let Some(before) = touched.before.filter(|lsn| judged && *lsn >= first) {
                        let what = format!("{:?} {:?}", decoded.op(), touched.part);
                        if !lsns.contains(&before) {
                            wrong.push(format!("{}: {} {what} {before}", log.path().shown(), resolved.lsn));
                        }
                        *checked.entry(what).or_default() += 1;
                    }
                    lsns.extend(touched.before);
                    lsns.push(resolved.lsn);
                }
            }
        }
        assert!(wrong.is_empty(), "{} pages: {wrong:#?}", wrong.len());
        let of = |what: &str| checked.get(what).copied().unwrap_or(0);
        for what in
            ["Addrem Own", "Big Neighbour", "Split Own", "PgAlloc Meta", "PgFree Own", "Rsplit Source"]
        {
            assert!(of(what) > 0, "{what} among {checked:?}");
        }
    }
}
