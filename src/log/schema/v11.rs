//! What log version 11 (release 4.4) changed.

use super::layout::{Schema, records};
use super::v10::V10;

/// Log version 11, release 4.4.
pub(super) static V11: Schema = Schema::new(
    11,
    Some(&V10),
    &[],
    records! {
        10 __txn_regop { opcode: u32 as ld, timestamp: time, envid: u32 as ld, locks: locks }
        61 __db_pg_sort {
            fileid: fileid, meta: pgno, meta_lsn: lsn, last_free: pgno, last_lsn: lsn, last_pgno: pgno,
            list: dbt,
        }
        138 __crdel_inmem_create { fileid: fileid, name: dbt, fid: dbt, pgsize: u32 }
        139 __crdel_inmem_rename { oldname: dbt, newname: dbt, fid: dbt }
        140 __crdel_inmem_remove { name: dbt, fid: dbt }
        147 __bam_relink {
            fileid: fileid, pgno: pgno, new_pgno: pgno, prev: pgno, lsn_prev: lsn, next: pgno,
            lsn_next: lsn,
        }
        148 __bam_merge {
            fileid: fileid, pgno: pgno, lsn: lsn, npgno: pgno, nlsn: lsn, hdr: dbt, data: dbt, ind: dbt,
        }
        149 __bam_pgno { fileid: fileid, pgno: pgno, lsn: lsn, indx: u32, opgno: pgno, npgno: pgno }
    },
);
