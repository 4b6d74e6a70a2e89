//! The last change that took something away.

use std::collections::HashMap;

use super::Keys;
use crate::log::{ChangeKind, Event, Fate, History, Known, LogDir, PairChange, TxnId};
use crate::types::Lsn;

/// A change that took something away, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loss {
    /// The record.
    pub lsn: Lsn,
    /// What was done.
    pub kind: LossKind,
    /// The transaction; `None` outside of one.
    pub txn: Option<TxnId>,
    /// The record since which it counts: the commit of the transaction, or the change itself.
    pub committed: Lsn,
    /// When that was, in seconds since 1970, if it is recorded.
    pub time: Option<i64>,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LossKind {
    /// A pair was deleted.
    Delete,
    /// The value of a pair was replaced.
    Replace,
    /// The file was removed.
    Remove,
}

/// The last one that concerns some keys of a database, by its commit: not of what the same
/// transaction had put, which nobody else ever saw.
pub(super) fn last(dir: &LogDir, history: &History<'_>, database: &[u8], keys: &Keys) -> Option<Loss> {
    let asked = || history.changes().filter(|change| keys.has(&change.key));
    let of = |change: &PairChange<'_>| history.transaction(change).map(|transaction| transaction.first);
    let mut put = HashMap::<_, Vec<&Known<'_>>>::new();
    for change in asked() {
        if let Some((txn, new)) = of(change).zip(change.new.as_ref()) {
            put.entry((txn, &change.key)).or_default().push(new);
        }
    }
    let own = |change: &PairChange<'_>| {
        let put = of(change).and_then(|txn| put.get(&(txn, &change.key)));
        put.is_some_and(|put| match &change.old {
            Some(old @ Known::Bytes(_)) => put.contains(&old),
            _ => true,
        })
    };
    let changes = asked().filter(|change| !own(change)).filter_map(|change| {
        let kind = match change.kind {
            ChangeKind::Put => return None,
            ChangeKind::Replace => LossKind::Replace,
            ChangeKind::Delete => LossKind::Delete,
        };
        let txn = history.transaction(change).map(|transaction| transaction.id);
        loss(change.lsn, kind, txn, history.fate(change))
    });
    changes.chain(removals(dir, history, database)).max_by_key(|loss| (loss.committed, loss.lsn))
}

/// The removals of files that had the name.
fn removals<'h>(
    dir: &'h LogDir,
    history: &'h History<'_>,
    database: &[u8],
) -> impl Iterator<Item = Loss> + use<'h> {
    let names = history.files().file_names(database);
    let names: Vec<Vec<u8>> = names.into_iter().map(<[u8]>::to_vec).collect();
    dir.records().filter_map(Result::ok).filter_map(move |record| {
        let Event::FileRemove { name } = record.event() else { return None };
        if !names.iter().any(|known| known == name) {
            return None;
        }
        let txn = record.txn()?;
        let transactions = history.transactions();
        let fate = transactions.fate(transactions.index_of(txn, record.lsn())?);
        loss(record.lsn(), LossKind::Remove, Some(txn), fate)
    })
}

fn loss(lsn: Lsn, kind: LossKind, txn: Option<TxnId>, fate: Fate) -> Option<Loss> {
    match fate {
        Fate::Committed { at, time } => Some(Loss { lsn, kind, txn, committed: at, time }),
        _ => None,
    }
}
