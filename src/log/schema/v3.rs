//! What log version 3 (release 3.2) changed.

use super::layout::{Schema, records};
use super::v2::V3_1;

/// Log version 3, release 3.2.
pub(super) static V3: Schema = Schema::new(
    3,
    Some(&V3_1),
    &[],
    records! {
        8 txn_xa_regop_old { opcode: u32, xid: dbt, formatID: i32, gtrid: u32 as u, bqual: u32 as u }
        9 txn_child_old { opcode: u32, parent: u32 as lx }
        12 txn_child { child: u32 as lx, c_lsn: lsn }
        13 txn_xa_regop {
            opcode: u32, xid: dbt, formatID: i32, gtrid: u32 as u, bqual: u32 as u, begin_lsn: lsn,
        }
        31 ham_groupalloc2 {
            fileid: fileid, meta_lsn: lsn, alloc_lsn: lsn, start_pgno: pgno, num: u32, free: pgno,
        }
        32 ham_groupalloc { fileid: fileid, meta_lsn: lsn, start_pgno: pgno, num: u32, free: pgno }
        33 ham_curadj {
            fileid: fileid, pgno: pgno, indx: u32, len: u32, dup_off: u32, add: i32, is_dup: i32,
            order: u32,
        }
        34 ham_chgpg {
            fileid: fileid, mode: u32 as ld, old_pgno: pgno, new_pgno: pgno, old_indx: u32, new_indx: u32,
        }
        51 bam_pg_alloc { fileid: fileid, meta_lsn: lsn, page_lsn: lsn, pgno: pgno, ptype: u32, next: pgno }
        52 bam_pg_free { fileid: fileid, pgno: pgno, meta_lsn: lsn, header: dbt, next: pgno }
        60 bam_pg_alloc1 {
            fileid: fileid, meta_lsn: lsn, alloc_lsn: lsn, page_lsn: lsn, pgno: pgno, ptype: u32,
            next: pgno,
        }
        61 bam_pg_free1 {
            fileid: fileid, pgno: pgno, meta_lsn: lsn, alloc_lsn: lsn, header: dbt, next: pgno,
        }
        65 bam_rcuradj {
            fileid: fileid, mode: u32 as ld, root: pgno as ld, recno: recno as ld, order: u32 as ld,
        }
        81 qam_delete { name: dbt, lsn: lsn }
        82 qam_rename { name: dbt, newname: dbt }
        83 qam_delext { fileid: fileid, lsn: lsn, pgno: pgno, indx: u32, recno: recno, data: dbt }
    },
);
