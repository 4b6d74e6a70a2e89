//! What log version 8 (release 4.2) changed.

use super::layout::{Schema, records};
use super::v7::V7;

/// Log version 8, release 4.2.
pub(super) static V8: Schema = Schema::new(
    8,
    Some(&V7),
    &[],
    records! {
        10 __txn_regop { opcode: u32, timestamp: time, locks: dbt }
        11 __txn_ckp { ckp_lsn: lsn, last_ckp: lsn, timestamp: time, rep_gen: u32 as ld }
        13 __txn_xa_regop {
            opcode: u32, xid: dbt, formatID: i32, gtrid: u32 as u, bqual: u32 as u, begin_lsn: lsn,
            locks: dbt,
        }
        52 __db_pg_freedata {
            fileid: fileid, pgno: pgno, meta_lsn: lsn, meta_pgno: pgno, header: pgdbt, next: pgno,
            data: pgdbt,
        }
        53 __db_pg_prepare { fileid: fileid, pgno: pgno }
        54 __db_pg_new {
            fileid: fileid, pgno: pgno, meta_lsn: lsn, meta_pgno: pgno, header: pgdbt, next: pgno,
        }
        145 __fop_write {
            name: dbt, appname: u32, pgsize: u32, pageno: pgno, offset: u32, page: pgdbt, flag: u32,
        }
    },
);
