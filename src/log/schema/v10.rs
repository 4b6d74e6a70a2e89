//! What log version 10 (release 4.3) changed.

use super::layout::{Schema, records};
use super::v8::V8;

/// Log version 10, release 4.3.
pub(super) static V10: Schema = Schema::new(
    10,
    Some(&V8),
    &[45],
    records! {
        10 __txn_regop { opcode: u32 as ld, timestamp: time, locks: locks }
        11 __txn_ckp { ckp_lsn: lsn, last_ckp: lsn, timestamp: time, envid: u32 as ld, rep_gen: u32 as ld }
        13 __txn_xa_regop {
            opcode: u32, xid: dbt, formatID: i32, gtrid: u32 as u, bqual: u32 as u, begin_lsn: lsn,
            locks: locks,
        }
        29 __ham_metagroup {
            fileid: fileid, bucket: u32, mmpgno: pgno, mmetalsn: lsn, mpgno: pgno, metalsn: lsn,
            pgno: pgno, pagelsn: lsn, newalloc: u32, last_pgno: pgno,
        }
        32 __ham_groupalloc {
            fileid: fileid, meta_lsn: lsn, start_pgno: pgno, num: u32, free: pgno, last_pgno: pgno,
        }
        49 __db_pg_alloc {
            fileid: fileid, meta_lsn: lsn, meta_pgno: pgno, page_lsn: lsn, pgno: pgno, ptype: u32,
            next: pgno, last_pgno: pgno,
        }
        50 __db_pg_free {
            fileid: fileid, pgno: pgno, meta_lsn: lsn, meta_pgno: pgno, header: pgdbt, next: pgno,
            last_pgno: pgno,
        }
        52 __db_pg_freedata {
            fileid: fileid, pgno: pgno, meta_lsn: lsn, meta_pgno: pgno, header: pgdbt, next: pgno,
            last_pgno: pgno, data: pgdbt,
        }
        60 __db_pg_init { fileid: fileid, pgno: pgno, header: pgdbt, data: pgdbt }
        147 __bam_relink {
            fileid: fileid, pgno: pgno, lsn: lsn, prev: pgno, lsn_prev: lsn, next: pgno, lsn_next: lsn,
        }
    },
);
