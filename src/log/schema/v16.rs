//! What log version 16 (release 4.8) changed.

use super::layout::{Schema, records};
use super::v15::V15;

/// Log version 16, release 4.8.
pub(super) static V16: Schema = Schema::new(
    16,
    Some(&V15),
    &[61],
    records! {
        66 __db_pg_trunc {
            fileid: fileid, meta: pgno, meta_lsn: lsn, last_free: pgno, last_lsn: lsn, next_free: pgno,
            last_pgno: pgno, list: dbt,
        }
    },
);
